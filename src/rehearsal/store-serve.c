/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearsal/store-private.h"

#include "kube/patch.h"
#include <stdlib.h>
#include <string.h>

/* What a request does to the store, and its answer. */

#define MANAGER "recoveryd"

typedef struct {
	RdSimStore *store;
	const RdKubeRequest *request;
	RdSimPlace place;
	double time;
	guint status;
	char *body; /* (owned) */
} Serve;

static void
answer_status(Serve *self, guint code, const char *reason, const char *message)
{
	JsonObject *status = json_object_new();
	g_autoptr(JsonNode) node = json_node_new(JSON_NODE_OBJECT);

	json_node_take_object(node, status);
	json_object_set_string_member(status, "kind", "Status");
	json_object_set_string_member(status, "status", code < 300 ? "Success" : "Failure");
	if (reason != NULL)
		json_object_set_string_member(status, "reason", reason);
	if (message != NULL)
		json_object_set_string_member(status, "message", message);
	json_object_set_int_member(status, "code", code);
	if (self->place.name != NULL) {
		JsonObject *details = json_object_new();

		json_object_set_string_member(details, "name", self->place.name);
		json_object_set_object_member(status, "details", details);
	}
	self->status = code;
	self->body = json_to_string(node, FALSE);
}

static void
answer_object(Serve *self, guint code, RdSimObject *object)
{
	self->status = code;
	self->body = g_strdup(rd_sim_object_text(object));
}

static const char *
meta_text(JsonNode *node, const char *key)
{
	JsonObject *object = json_node_get_object(node);
	JsonNode *meta = json_object_get_member(object, "metadata");

	if (meta == NULL || !JSON_NODE_HOLDS_OBJECT(meta))
		return NULL;
	return json_object_get_string_member_with_default(json_node_get_object(meta), key, NULL);
}

static void
serve_list(Serve *self)
{
	RdSimStore *store = self->store;
	g_autoptr(GPtrArray) objects = rd_sim_store_list(store, self->place.collection);
	g_autofree char *limit = rd_sim_select_query(self->place.query, "limit");
	g_autofree char *token = rd_sim_select_query(self->place.query, "continue");
	g_autofree char *version = g_strdup_printf("%" G_GINT64_FORMAT, store->version);
	g_autoptr(JsonNode) node = json_node_new(JSON_NODE_OBJECT);
	g_autoptr(GString) items = g_string_new(NULL);
	g_autofree char *meta_json = NULL;
	guint n = 0;
	guint most = limit != NULL ? (guint)strtoul(limit, NULL, 10) : 0;
	JsonObject *meta = json_object_new();
	const char *after = NULL, *last = NULL;
	g_auto(RdSimSelector) selector = {0};

	rd_sim_selector_parse(self->place.query, &selector);
	json_node_take_object(node, meta);
	/* "VERSION PATH": the last one of the page before */
	if (token != NULL) {
		after = strchr(token, ' ');
		if (after == NULL || g_ascii_strtoll(token, NULL, 10) < store->compacted) {
			answer_status(self, 410, "Expired",
				      "the provided continue parameter is "
				      "too old");
			return;
		}
		after++;
	}
	for (guint i = 0; i < objects->len; i++) {
		RdSimObject *one = objects->pdata[i];

		if (!rd_sim_object_is_in(one, self->place.namespace))
			continue;
		if ((after == NULL || strcmp(one->path, after) > 0) &&
		    rd_sim_select_matches(json_node_get_object(one->body), &selector)) {
			if (most > 0 && n == most) {
				g_autofree char *next = g_strdup_printf("%" G_GINT64_FORMAT " %s",
									store->version, last);

				json_object_set_string_member(meta, "continue", next);
				break;
			}
			g_string_append(items, n++ > 0 ? "," : "");
			g_string_append(items, rd_sim_object_text(one));
		}
		last = one->path;
	}
	json_object_set_string_member(meta, "resourceVersion", version);
	meta_json = json_to_string(node, FALSE);
	self->status = 200;
	self->body =
	    g_strconcat("{\"metadata\":", meta_json, ",\"items\":[", items->str, "]}", NULL);
}

static void
serve_create(Serve *self, JsonNode *body)
{
	g_autofree char *name = g_strdup(meta_text(body, "name"));

	if (self->place.name != NULL || name == NULL) {
		answer_status(self, 422, "Invalid", "name or generateName is required");
		return;
	}
	self->place.name = g_steal_pointer(&name);
	self->place.object =
	    rd_sim_object_path(self->place.collection, self->place.namespace, self->place.name);
	if (g_hash_table_contains(self->store->objects, self->place.object)) {
		answer_status(self, 409, "AlreadyExists", "already exists");
		return;
	}
	rd_sim_store_complete(self->store, &self->place, json_node_get_object(body), self->time);
	rd_sim_set_manager(json_node_get_object(body), MANAGER, NULL, self->time);
	rd_sim_store_insert(self->store, &self->place, json_node_ref(body));
	answer_object(self, 201, g_hash_table_lookup(self->store->objects, self->place.object));
}

/* pods get their time to end, unless they are told to end now (domain 2.9) */
#define POD_GRACE_S 30

static gboolean
is_pod(const Serve *self)
{
	return g_str_equal(self->place.collection, "/api/v1/pods");
}

static void
end_gracefully(Serve *self, RdSimObject *object)
{
	JsonObject *meta = rd_sim_metadata(json_node_get_object(object->body));
	g_autofree char *text = rd_sim_time_text(self->time + POD_GRACE_S);

	if (json_object_has_member(meta, "deletionTimestamp"))
		return;
	json_object_set_string_member(meta, "deletionTimestamp", text);
	json_object_set_int_member(meta, "deletionGracePeriodSeconds", POD_GRACE_S);
	rd_sim_object_changed(object);
	rd_sim_set_version(self->store, json_node_get_object(object->body));
}

/* the budget that has no room for this pod to go; else it has one place less */
static gboolean
take_room(Serve *self, RdSimObject *object)
{
	g_autoptr(GPtrArray) budgets =
	    rd_sim_store_list(self->store, "/apis/policy/v1/poddisruptionbudgets");

	for (guint i = 0; i < budgets->len; i++) {
		RdSimObject *one = budgets->pdata[i];
		JsonObject *budget = json_node_get_object(one->body);
		g_autofree char *app = rd_sim_select_field(budget, "spec.selector.matchLabels.app");
		g_autofree char *own =
		    rd_sim_select_field(json_node_get_object(object->body), "metadata.labels.app");
		JsonObject *status = json_object_get_object_member(budget, "status");
		gint64 room;

		if (!rd_sim_object_is_in(one, object->namespace) || g_strcmp0(app, own) != 0 ||
		    status == NULL)
			continue;
		room = json_object_get_int_member_with_default(status, "disruptionsAllowed", 0);
		if (room <= 0)
			return FALSE;
		json_object_set_int_member(status, "disruptionsAllowed", room - 1);
		rd_sim_object_changed(one);
	}
	return TRUE;
}

static void
serve_eviction(Serve *self, RdSimObject *object, JsonNode *body)
{
	g_autofree char *uid =
	    rd_sim_select_field(json_node_get_object(body), "deleteOptions.preconditions.uid");

	if (uid != NULL && g_strcmp0(uid, meta_text(object->body, "uid")) != 0) {
		answer_status(self, 409, "Conflict", "the UID in the precondition does not match");
		return;
	}
	if (!take_room(self, object)) {
		answer_status(self, 429, "TooManyRequests",
			      "Cannot evict pod as it would violate the pod's disruption budget.");
		return;
	}
	end_gracefully(self, object);
	answer_status(self, 201, NULL, NULL);
}

static void
serve_delete(Serve *self, RdSimObject *object)
{
	JsonObject *meta = rd_sim_metadata(json_node_get_object(object->body));
	JsonNode *finalizers = json_object_get_member(meta, "finalizers");
	g_autofree char *version = rd_kube_delete_version(self->request->body);

	if (version != NULL && !g_str_equal(version, meta_text(object->body, "resourceVersion"))) {
		answer_status(self, 409, "Conflict",
			      "the ResourceVersion in the precondition does not match");
		return;
	}
	if (g_strcmp0(self->request->uid, meta_text(object->body, "uid")) != 0) {
		answer_status(self, 409, "Conflict", "the UID in the precondition does not match");
		return;
	}
	if (finalizers != NULL && JSON_NODE_HOLDS_ARRAY(finalizers) &&
	    json_array_get_length(json_node_get_array(finalizers)) > 0) {
		g_autofree char *text = rd_sim_time_text(self->time);

		if (!json_object_has_member(meta, "deletionTimestamp"))
			json_object_set_string_member(meta, "deletionTimestamp", text);
		rd_sim_object_changed(object);
		rd_sim_set_version(self->store, json_node_get_object(object->body));
		answer_object(self, 200, object);
		return;
	}
	if (is_pod(self) && !self->request->now) {
		end_gracefully(self, object);
		answer_object(self, 200, object);
		return;
	}
	answer_status(self, 200, NULL, NULL);
	rd_sim_store_remove(self->store, self->place.object);
}

/* a PUT to a subresource takes that part only, one to the object all but the status */
static void
take_part(JsonObject *old, JsonObject *new, const char *sub)
{
	JsonNode *status = json_object_get_member(new, "status");
	JsonObject *target = sub != NULL ? old : new, *source = sub != NULL ? new : old;

	if (g_strcmp0(sub, "approval") == 0 && status != NULL && JSON_NODE_HOLDS_OBJECT(status)) {
		JsonObject *from = json_node_get_object(status);

		if (!json_object_has_member(old, "status"))
			json_object_set_object_member(old, "status", json_object_new());
		if (json_object_has_member(from, "conditions"))
			json_object_set_member(json_object_get_object_member(old, "status"),
					       "conditions",
					       json_object_dup_member(from, "conditions"));
		return;
	}
	if (json_object_has_member(source, "status"))
		json_object_set_member(target, "status", json_object_dup_member(source, "status"));
	else
		json_object_remove_member(target, "status");
}

/* what a client cannot change, whatever it sends */
static void
keep_identity(JsonObject *old, JsonObject *new)
{
	static const char *const fixed[] = {"uid", "name", "namespace", "creationTimestamp",
					    "managedFields"};
	JsonObject *from = rd_sim_metadata(old), *to = rd_sim_metadata(new);

	for (guint i = 0; i < G_N_ELEMENTS(fixed); i++)
		if (json_object_has_member(from, fixed[i]))
			json_object_set_member(to, fixed[i],
					       json_object_dup_member(from, fixed[i]));
}

static void
serve_change(Serve *self, RdSimObject *object, JsonNode *body)
{
	const char *version = meta_text(object->body, "resourceVersion");
	g_autoptr(JsonNode) changed = rd_kube_json_copy(object->body);
	g_autoptr(GError) error = NULL;
	const char *sent = NULL;
	JsonNode *kept;

	if (self->request->verb == RD_KUBE_PATCH_JSON) {
		if (!JSON_NODE_HOLDS_ARRAY(body) ||
		    !rd_kube_patch_json(changed, json_node_get_array(body), &error)) {
			answer_status(self, 422, "Invalid",
				      error != NULL ? error->message : "no JSON patch");
			return;
		}
		sent = meta_text(changed, "resourceVersion");
	} else {
		sent = meta_text(body, "resourceVersion");
		if (self->request->verb == RD_KUBE_PATCH_MERGE)
			rd_kube_patch_merge(json_node_get_object(changed),
					    json_node_get_object(body));
	}
	if (sent != NULL && g_strcmp0(sent, version) != 0) {
		answer_status(self, 409, "Conflict",
			      "the object has been modified; please apply your changes to the "
			      "latest version and try again");
		return;
	}
	kept =
	    self->request->verb == RD_KUBE_PUT ? rd_kube_json_copy(body) : json_node_ref(changed);
	if (self->request->verb == RD_KUBE_PUT || self->place.sub != NULL)
		take_part(json_node_get_object(object->body), json_node_get_object(kept),
			  self->place.sub);
	if (self->place.sub != NULL) {
		json_node_unref(kept);
		kept = json_node_ref(object->body);
	}
	keep_identity(json_node_get_object(object->body), json_node_get_object(kept));
	json_node_unref(object->body);
	object->body = kept;
	rd_sim_object_changed(object);
	rd_sim_set_version(self->store, json_node_get_object(kept));
	rd_sim_set_manager(json_node_get_object(kept), MANAGER, self->place.sub, self->time);
	answer_object(self, 200, object);
}

static void
serve_object(Serve *self, JsonNode *body)
{
	RdSimObject *object = g_hash_table_lookup(self->store->objects, self->place.object);

	if (object == NULL)
		answer_status(self, 404, "NotFound", "not found");
	else if (self->request->verb == RD_KUBE_GET)
		answer_object(self, 200, object);
	else if (self->request->verb == RD_KUBE_DELETE)
		serve_delete(self, object);
	else if (self->request->verb == RD_KUBE_POST && is_pod(self) &&
		 g_strcmp0(self->place.sub, "eviction") == 0)
		serve_eviction(self, object, body);
	else if (self->request->verb == RD_KUBE_POST)
		answer_status(self, 405, "MethodNotAllowed", "POST to an object");
	else
		serve_change(self, object, body);
}

static void
serve(Serve *self)
{
	RdKubeVerb verb = self->request->verb;
	g_autoptr(JsonNode) body = NULL;

	if (!rd_sim_place_parse(self->request->path, &self->place) ||
	    !g_hash_table_contains(self->store->kinds, self->place.collection)) {
		self->status = 404;
		self->body = g_strdup("404 page not found\n");
		return;
	}
	if (rd_kube_verb_touches(verb) && verb != RD_KUBE_DELETE) {
		body = json_from_string(self->request->body, NULL);
		if (body == NULL || (verb != RD_KUBE_PATCH_JSON && !JSON_NODE_HOLDS_OBJECT(body))) {
			answer_status(self, 400, "BadRequest", "the body cannot be read");
			return;
		}
	}
	if (verb == RD_KUBE_GET && self->place.name == NULL)
		serve_list(self);
	else if (verb == RD_KUBE_POST && self->place.name == NULL)
		serve_create(self, body);
	else if (self->place.name == NULL)
		answer_status(self, 405, "MethodNotAllowed", "that needs an object");
	else
		serve_object(self, body);
}

void
rd_sim_store_answer(RdSimStore *self, const RdKubeRequest *request, double time,
		    RdKubeAnswer *answer)
{
	Serve serving = {.store = self, .request = request, .time = time};
	const char *question = strchr(request->path, '?');

	serve(&serving);
	if (rd_kube_verb_touches(request->verb) && serving.status < 300) {
		g_autofree char *what =
		    g_strdup_printf("%s %.*s", rd_kube_verb_to_string(request->verb),
				    (int)(question != NULL ? question - request->path
							   : (gssize)strlen(request->path)),
				    request->path);
		guint before = rd_sim_store_tally(self, what);

		g_hash_table_replace(self->tally, g_steal_pointer(&what),
				     GUINT_TO_POINTER(before + 1));
	}
	rd_kube_judge(request->verb, serving.status, NULL, serving.body, strlen(serving.body), -1,
		      answer);
	rd_sim_place_clear(&serving.place);
	g_free(serving.body);
}
