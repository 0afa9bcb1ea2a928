/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <gio/gio.h>
G_BEGIN_DECLS

/* The keys that live in a snapshot, by name. Costs some 200 bytes for each of them: where only
 * their number matters, RdFacts has it for less. */

typedef struct {
	gint64 created, modified, version, lease;
	gsize size;    /* of the value */
	GBytes *value; /* (nullable) when it was asked for */
} RdKey;

typedef struct {
	GHashTable *keys; /* text → RdKey. What is no text is told with escapes, as in C */
	gint64 revision;  /* of the newest change to any key */
	char *newest;	  /* (nullable) which key that was */
	/* seconds since 1970: the newest time at which an object says that it was written (nodes
	 * renew their leases every ten seconds); 0 when none says so */
	gint64 written;
} RdKeyTable;

typedef struct {
	const char *prefix; /* (nullable) only keys that begin so are kept */
	/* (nullable) texts, ends with NULL: values of keys that begin so are kept too */
	const char *const *values;
} RdKeyFilter;

/* walks the whole file: what is returned comes from a sound tree. Errors begin with the path. */
RdKeyTable *rd_key_table_read(const char *path, const RdKeyFilter *filter,
			      GCancellable *cancellable, GError **error);
void rd_key_table_free(RdKeyTable *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdKeyTable, rd_key_table_free)
/* names, sorted (element-type utf8, unowned) */
GPtrArray *rd_key_table_sort(const RdKeyTable *self);

/* ---- two of them ---- */

typedef struct {
	const char *resource, *namespace; /* "" for none; "other" for what is not Kubernetes' */
	guint64 only_a, only_b, changed, same;
} RdDifference;

typedef enum {
	RD_KEY_ONLY_A,
	RD_KEY_ONLY_B,
	RD_KEY_CHANGED, /* its last change is another: it was written, or deleted and made again */
	RD_KEY_SAME,
} RdKeyFate;
RdKeyFate rd_key_fate(const RdKeyTable *a, const RdKeyTable *b, const char *name);
/* (element-type RdDifference), sorted by resource and namespace; only those with a difference */
GPtrArray *rd_key_table_compare(const RdKeyTable *a, const RdKeyTable *b);
G_END_DECLS
