/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <recovery/kubernetes.h>
G_BEGIN_DECLS

/* Objects of the Kubernetes API, as states read and change them. What is missing on the way is
 * NULL, "", 0 or empty: an object from a cluster may lack anything, and nothing here trusts it. */

/* ---- reading; the path are member names, ended by NULL ---- */

JsonNode *rd_api_at(JsonNode *node, ...) G_GNUC_NULL_TERMINATED;     /* (nullable) (unowned) */
const char *rd_api_text(JsonNode *node, ...) G_GNUC_NULL_TERMINATED; /* "" */
gboolean rd_api_true(JsonNode *node, ...) G_GNUC_NULL_TERMINATED;    /* FALSE */
gint64 rd_api_int(JsonNode *node, gint64 fallback, ...) G_GNUC_NULL_TERMINATED;
double rd_api_time(JsonNode *node, ...) G_GNUC_NULL_TERMINATED; /* seconds since the epoch; 0 */
JsonArray *rd_api_items(JsonNode *node, ...) G_GNUC_NULL_TERMINATED; /* (nullable) (unowned) */
guint rd_api_length(JsonArray *items);				     /* of NULL: 0 */

const char *rd_api_name(JsonNode *object);
const char *rd_api_uid(JsonNode *object);
const char *rd_api_label(JsonNode *object, const char *key);
const char *rd_api_annotation(JsonNode *object, const char *key);
/* the annotation is there, even if its value is "" */
gboolean rd_api_has_annotation(JsonNode *object, const char *key);
gboolean rd_api_is_terminating(JsonNode *object);
/* status.conditions[type], or NULL; and its status, or "" */
JsonNode *rd_api_condition(JsonNode *object, const char *type);
const char *rd_api_condition_status(JsonNode *object, const char *type);
/* the object of that name in @list, or NULL. (unowned) */
JsonNode *rd_api_find(JsonArray *list, const char *name);
/* JSON on one line. (transfer full) */
char *rd_api_json(JsonNode *node);
/* a name as one element of a path: '/' and the like escaped. (transfer full) */
char *rd_api_escape(const char *name);

/* ---- asking ---- */

/* the parameter of every state that waits for an object: the output `since` of api/up */
#define RD_API_SINCE                                                                               \
	{                                                                                          \
		"since", RECOVERY_PARAM_STRING, NULL,                                              \
		    "since when the API answers: api/up's output, seconds of the recovery "        \
		    "host's clock"                                                                 \
	}
gboolean rd_api_moment(RecoveryStep *step, RecoveryMoment *moment, GError **error);

/* The objects of a kind that a cluster may lack for good; empty when it is not served. *served is
 * nullable. */
JsonArray *rd_api_list_if_served(RecoveryStep *step, const char *path, gboolean *served,
				 GError **error);

/* ---- changing ---- */

/* what has to become of @object as a merge patch, or NULL: it is as it has to be. (transfer full)
 */
typedef JsonNode *(*RdApiEdit)(JsonNode *object, gpointer data);

/* Reads the object at @path, asks @edit, sends the patch with uid and resourceVersion of what was
 * read: whoever changed it meanwhile makes a conflict, and it is read again, ten times at most.
 * @uid (nullable): only that very object. *end (nullable): MISSING when there is none, CONFLICT
 * when it is another one by now; DONE otherwise. */
gboolean rd_api_edit(RecoveryStep *step, const char *path, const char *uid, RdApiEdit edit,
		     gpointer data, RecoveryApiEnd *end, GError **error);

/* FALSE with PERMANENT */
gboolean rd_api_refuse(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

G_END_DECLS
