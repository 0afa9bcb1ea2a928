/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "rehearsal/store.h"
G_BEGIN_DECLS

/* shared by store.c (objects), store-serve.c (requests) and select.c (selectors) */

/* what those who stand behind the API ask a body for again and again; the strings are its own */
typedef struct {
	gboolean known;
	const char *app, *node;	 /* label "app", spec.nodeName; "" */
	const char *boot;	 /* (nullable) status.nodeInfo.bootID */
	const char *renewed;	 /* spec.renewTime; "" */
	gboolean ending;	 /* it has a deletionTimestamp */
	gboolean ready;		 /* its condition Ready is "True" */
	const char *progressing; /* the condition of that name; "" */
	gboolean settled; /* an operator that says that all its nodes have its latest revision */
} RdSimFacts;

typedef struct {
	guint refs;
	char *collection; /* "/api/v1/pods", without namespace */
	char *namespace;  /* (nullable) */
	char *name;
	char *path;
	JsonNode *body;
	/* if they were asked for since it changed */
	char *text; /* (owned) (nullable) the body as JSON */
	RdSimFacts facts;
} RdSimObject;

struct _RdSimStore {
	GHashTable *kinds;   /* (element-type utf8 utf8) collection to kind */
	GHashTable *objects; /* (element-type utf8 RdSimObject) by path */
	GHashTable *lists;   /* (element-type utf8 GPtrArray) collection to its RdSimObjects in the
			      * order of their paths, as long as none comes or goes */
	GHashTable *past;    /* (nullable) objects of past_of, for who is answered out of it */
	GPtrArray *past_of;  /* (owned) (nullable) */
	GHashTable *tally;   /* (element-type utf8 guint) */
	gint64 version;
	gint64 compacted; /* pages of lists from before it are gone */
	guint64 uids;
};

/* a request's path, taken apart */
typedef struct {
	char *collection, *namespace, *name, *sub, *query, *object;
} RdSimPlace;

void rd_sim_place_clear(RdSimPlace *place);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RdSimPlace, rd_sim_place_clear)
/* /api/V or /apis/G/V, [namespaces/NS], plural, [name], [subresource]; FALSE: it is none */
gboolean rd_sim_place_parse(const char *path, RdSimPlace *place);
char *rd_sim_object_path(const char *collection, const char *namespace, const char *name);

/* made when it is not there */
JsonObject *rd_sim_metadata(JsonObject *object);
char *rd_sim_time_text(double seconds);
void rd_sim_set_version(RdSimStore *self, JsonObject *object);
/* one entry for each manager and part, as the server keeps them */
void rd_sim_set_manager(JsonObject *object, const char *manager, const char *part, double time);
/* name, uid, creationTimestamp … of a new object */
void rd_sim_store_complete(RdSimStore *self, const RdSimPlace *place, JsonObject *object,
			   double time);
/* @body is taken */
void rd_sim_store_insert(RdSimStore *self, const RdSimPlace *place, JsonNode *body);
/* in the order of their paths; it stays as it is when one comes or goes afterwards.
 * (element-type RdSimObject) (transfer full) */
GPtrArray *rd_sim_store_list(RdSimStore *self, const char *collection);
/* NULL when there is none. What rd_sim_store_find() gives may be changed, this may not. (unowned)
 */
JsonObject *rd_sim_store_look(RdSimStore *self, const char *path);
RdSimObject *rd_sim_store_look_at(RdSimStore *self, const char *path);
JsonObject *rd_sim_object_body(const RdSimObject *object);
/* its body as JSON (unowned) */
const char *rd_sim_object_text(RdSimObject *object);
/* who changes a body in place says so; rd_sim_store_find() and rd_sim_store_written() do */
void rd_sim_object_changed(RdSimObject *object);
/* @namespace NULL: any */
gboolean rd_sim_object_is_in(const RdSimObject *object, const char *namespace);

/* the value at "metadata.name" as text, NULL when there is none. (transfer full) */
char *rd_sim_select_field(JsonObject *object, const char *path);
/* what a list is about: terms like "a=b" */
typedef struct {
	char **labels, **fields;
} RdSimSelector;
/* @query: "labelSelector=a%3Db&fieldSelector=…&limit=1", nullable */
void rd_sim_selector_parse(const char *query, RdSimSelector *selector);
void rd_sim_selector_clear(RdSimSelector *selector);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RdSimSelector, rd_sim_selector_clear)
gboolean rd_sim_select_matches(JsonObject *object, const RdSimSelector *selector);
/* "limit" of the query, unescaped; NULL when it is not there. (transfer full) */
char *rd_sim_select_query(const char *query, const char *key);
G_END_DECLS
