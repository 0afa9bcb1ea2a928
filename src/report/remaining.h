/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "engine/crew.h"
#include "evidence.h"
#include <json-glib/json-glib.h>
G_BEGIN_DECLS

/* What a run that was interrupted would do from here to its end, as commands: its steps walked with
 * the pen lifted (engine/forecast.h), on the hosts as they are now. What was in hand when it
 * stopped is looked at anew, as `resume` does. */

typedef struct {
	const RdEvidence *evidence; /* with a plan and a run that is not over */
	RdCrew *crew;		    /* that looks */
	gint64 (*now)(gpointer data);
	gpointer data;
} RdRemainingOptions;

/* An array of steps in their order:
 *   step, state, target, type, summary, mark
 *   parallel   its state is begun on all hosts before any is waited for
 *   word       engine/forecast.h: change, already, then, asked, holds, waits, skipped, refused
 *   back       what it borrowed is given back here
 *   reverses   it takes back, or carries away, what one before it does: once it was typed, that one
 *              looks undone, and resume would do it again
 *   text, open, when   (nullable) what was found; on what it depends whether more follows; the
 *              condition, which is decided then
 *   commands   of {"on": host or "bastion" (remaining-api.h: where a change through the Kubernetes
 *              API is typed), "verb", "command" (nullable: none can be given), "text" (the
 *              journal's), "depends" (nullable)}
 *   until      (nullable) {"on", "command"}: ends as soon as the step is done
 * Blocks on the thread-default main context. NULL: it came to no end, and why. */
JsonNode *rd_remaining_new(const RdRemainingOptions *options, GError **error);

/* What gives back all that is borrowed now, for who stops here: what `cancel` would do to that end,
 * walked the same way. Steps as above, all of them `back`. */
JsonNode *rd_remaining_give_back(const RdRemainingOptions *options, GError **error);

/* "ssh -i KEY core@10.0.0.10" for @host, NULL when it is not in the inventory (transfer full) */
char *rd_remaining_login(const RdEvidence *evidence, const char *host);
G_END_DECLS
