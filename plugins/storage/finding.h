/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "../common/api.h"
G_BEGIN_DECLS

/* What an audit says: one thing that is wrong, why we think so, and what a person can do. */

typedef enum {
	STORAGE_NOTE,	  /* to be known; nothing is broken by it */
	STORAGE_WARNING,  /* something will not work, or will be lost if nobody looks */
	STORAGE_CRITICAL, /* a workload cannot start, or may have what is not its own */
} StorageSeverity;

/* each text is owned and never NULL; "" says: none */
typedef struct {
	char *kind;	/* a word of README.md's table: "volume-gone" */
	char *object;	/* "PersistentVolume/pv-1", "Pod/NAMESPACE/NAME" */
	char *node;	/* the Node it is about */
	char *evidence; /* what was seen, and where */
	char *manual;	/* a command for a person */
	char *remedy;	/* the state type that does it when told so: "storage/detach-unused" */
	StorageSeverity severity;
	gboolean gates; /* the volume is attached or bound: @node is not drained before somebody
			 * looked (amendment 12) */
} StorageFinding;
void storage_finding_free(StorageFinding *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StorageFinding, storage_finding_free)

/* adds one to @all (element-type StorageFinding). @node NULL: none. @evidence is cut to a length
 * that people read, its control characters made blanks: it may quote the cluster. The rest of the
 * struct is the caller's to set. (unowned) */
StorageFinding *storage_finding_add(GPtrArray *all, StorageSeverity severity, const char *kind,
				    const char *object, const char *node,
				    const char *evidence_format, ...) G_GNUC_PRINTF(6, 7);
/* "oc …"; what stands in it came through storage_word() */
void storage_finding_set_manual(StorageFinding *self, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* a name from the cluster as one word of a shell command, quoted where it has to be (INV-39).
 * (transfer full) */
char *storage_word(const char *text);
/* "PersistentVolume/NAME", "Pod/NAMESPACE/NAME". (transfer full) */
char *storage_object_name(const char *kind, JsonNode *object);

const char *storage_severity_to_string(StorageSeverity severity);
/* the worst first, then by kind, object and node */
void storage_findings_sort(GPtrArray *all);
/* {"format": 1, "looked": […], "not-looked": […], "findings": [{…}]}: docs/json.md. @looked and
 * @not_looked are names of nodes. (transfer full) */
char *storage_findings_to_json(GPtrArray *all, GPtrArray *looked, GPtrArray *not_looked);

G_END_DECLS
