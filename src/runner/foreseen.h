/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <json-glib/json-glib.h>
G_BEGIN_DECLS

/* What a plan has written down so far, oldest first, and what becomes of a host's paths by it.
 * Pure: nobody is asked here.
 *
 * An entry is one change, a JSON object. All of them have
 *   state, host    which step wrote it down; host may be "cluster"
 *   verb           the journal's word: run, job-start, move, move-aside, put, api-merge, …; or
 *                  "fetch", a file that is read to the bastion
 *   text           exactly what the journal's touch event says when it is done
 *   depends        (perhaps) why it may come otherwise, for people
 *   if-well, if-fails   (perhaps one of them) the number of the step's change, from 1, after whose
 *                  good or bad end it comes
 * and by verb
 *   run, job-start argv; name (job), cwd, env, input-bytes, when there are any
 *   move           from, to
 *   move-aside     from, to: where it is going to be kept, as docs/hosts.md has it
 *   put            to, mode ("0600"), bytes, sha256
 *   api-…          changes: a list of {verb, path, bytes, sha256, body, uid, now}; the body of what
 *                  holds credentials, and one of more than a few KiB, is left out; now is "yes"
 * Numbers are strings. What nobody can know before it is done reads RD_FORESEEN_THEN. */
#define RD_FORESEEN_THEN "(known then)"

typedef struct {
	JsonArray *entries;
	GHashTable *silent; /* (element-type utf8 utf8) hosts that do not answer, and why */
	guint fails; /* which `run` of the order is said to exit with 1, counted from 1; 0: none */
} RdForeseen;

RdForeseen *rd_foreseen_new(void);
void rd_foreseen_free(RdForeseen *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdForeseen, rd_foreseen_free)
/* as an order carries it: {"entries": […], "silent": {…}, "fails": 0} */
char *rd_foreseen_to_string(const RdForeseen *self);
RdForeseen *rd_foreseen_parse(const char *text, GError **error);

/* the text of one member, NULL when it is not there */
const char *rd_foreseen_get(JsonObject *entry, const char *name);
gboolean rd_foreseen_is_touched(const RdForeseen *self, const char *host);
/* whether an entry concerns @path, something below it, or what it lies in */
gboolean rd_foreseen_concerns(const RdForeseen *self, const char *host, const char *path);

typedef enum {
	RD_FATE_AS_IS,	 /* nothing planned concerns it; *now is the path itself */
	RD_FATE_MOVED,	 /* it is going to be what is at *now today */
	RD_FATE_GONE,	 /* it is going to be away */
	RD_FATE_WRITTEN, /* it is going to be what the entry puts there */
	RD_FATE_PERHAPS, /* a command names it, which may make it; *now is where it would be today
			  */
} RdFate;
/* @now (out) (transfer full) (nullable): of as-is, moved and perhaps. @entry (out) (nullable)
 * (unowned): whose doing it is */
RdFate rd_foreseen_path(const RdForeseen *self, const char *host, const char *path, char **now,
			JsonObject **entry);
/* @names (element-type utf8) (owned elements) are what is in @dir today; makes of it what is going
 * to be there. What a command names and may make counts as made. */
void rd_foreseen_list(const RdForeseen *self, const char *host, const char *dir, GPtrArray *names);
/* the newest entry of @host with @verb whose @member is @value (unowned) (nullable) */
JsonObject *rd_foreseen_find(const RdForeseen *self, const char *host, const char *verb,
			     const char *member, const char *value);
G_END_DECLS
