/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "../common/restore-phase.h"
#include "etcd.h"
G_BEGIN_DECLS

/* The recovery host between old and new, looked at. */

#define RESTORE_JOB    "script"
#define RESTORE_SCRIPT "/usr/local/bin/cluster-restore.sh"
#define ETCD_POD       RD_MANIFESTS "/etcd-pod.yaml"

#define RESTORE_PODS 4
extern const char *const restore_pods[RESTORE_PODS]; /* etcd is the last */

typedef struct {
	RestoreBefore *before; /* (owned) */
	RestoreFiles *files;   /* (owned) */
	RestorePod pod;
	RestorePhase phase;
	char *why; /* (owned) (nullable) */
} Situation;
void situation_clear(Situation *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Situation, situation_clear)

/* the names below the directories that matter; those that do not exist have none */
RestoreFiles *situation_list(RecoveryStep *step, GError **error);
/* where this run keeps what was there before; exists as soon as the script may have been started */
char *situation_record(RecoveryStep *step);
/* what was there before: from the record of an earlier attempt, else as it is now. *recorded tells
 */
RestoreBefore *situation_before(RecoveryStep *step, gboolean *recorded, GError **error);
/* @self is zeroed; the before of this attempt's note, or as situation_before() */
gboolean situation_find(RecoveryStep *step, Situation *self, GError **error);

/* does the script run, of whichever attempt */
gboolean situation_is_alive(RecoveryStep *step, gboolean *alive, GError **error);
gboolean situation_refuse_alive(RecoveryStep *step, GError **error); /* FALSE */
gboolean situation_refuse(RecoveryStep *step, const Situation *situation, GError **error);

/* which of two texts of one manifest @text is: the whole, the beginning of it, or another */
RestorePod situation_compare(const char *text, const char *whole);

/* finish.c: pods whose of the other three are missing or half extracted, or NULL with an error.
 * (transfer full) */
char **finish_missing(RecoveryStep *step, const Situation *situation, GError **error);
/* places them from the static resources; what is half extracted is moved aside */
gboolean finish_by_hand(RecoveryStep *step, const Situation *situation, GError **error);
/* script.c: is the script still the one that was examined? */
gboolean script_is_same(RecoveryStep *step, GError **error);

G_END_DECLS
