/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-runner"

#include <gio/gio.h>
#include <recovery/plugin.h>
#include <string.h>

#include "foresight-private.h"
#include "kube/patch.h"
#include "kube/path.h"

/* The Kubernetes API with the pen lifted. What a patch is going to write is read back from here, in
 * later states and in the rest of its own body: so what is borrowed and given back on one walk is
 * written down as both. What controllers make of it nobody knows. */

#define RD_FORESIGHT_BODY 16384 /* bytes of a change through the API that are kept whole */

void
rd_foresight_add_change(RdForesight *self, const RdKubeRequest *request, gboolean secret)
{
	JsonObject *entry = rd_foresight_last(self);
	JsonObject *change = json_object_new();
	g_autofree char *sha256 = NULL;

	if (!json_object_has_member(entry, "changes"))
		json_object_set_array_member(entry, "changes", json_array_new());
	json_object_set_string_member(change, "verb", rd_kube_verb_to_string(request->verb));
	json_object_set_string_member(change, "path", request->path);
	if (request->uid != NULL)
		json_object_set_string_member(change, "uid", request->uid);
	if (request->now)
		json_object_set_string_member(change, "now", "yes");
	if (request->body != NULL) {
		sha256 = g_compute_checksum_for_string(G_CHECKSUM_SHA256, request->body, -1);
		rd_entry_set_number(change, "bytes", (gint64)strlen(request->body));
		if (!secret)
			json_object_set_string_member(change, "sha256", sha256);
		if (!secret && strlen(request->body) <= RD_FORESIGHT_BODY)
			json_object_set_string_member(change, "body", request->body);
	}
	json_array_add_object_element(json_object_get_array_member(entry, "changes"), change);
	if (request->verb == RD_KUBE_PATCH_MERGE || request->verb == RD_KUBE_PATCH_JSON)
		self->api_patched = TRUE;
	else
		self->api_unknown = TRUE;
}

/* ---- what is written down, read back ------------------------------------------------------- */

static const char *
rd_foresight_meta(JsonNode *object, const char *name)
{
	JsonNode *meta = JSON_NODE_HOLDS_OBJECT(object)
			     ? json_object_get_member(json_node_get_object(object), "metadata")
			     : NULL;

	return meta != NULL && JSON_NODE_HOLDS_OBJECT(meta)
		   ? rd_foreseen_get(json_node_get_object(meta), name)
		   : NULL;
}

/* NULL when it cannot be: the server would refuse it, or its body was not kept (transfer full) */
static JsonNode *
rd_foresight_patched(JsonNode *object, const char *body)
{
	g_autoptr(JsonNode) patch = body != NULL ? json_from_string(body, NULL) : NULL;
	g_autoptr(JsonNode) changed = NULL;

	if (patch == NULL)
		return NULL;
	changed = rd_kube_json_copy(object);
	if (JSON_NODE_HOLDS_ARRAY(patch)) {
		if (!rd_kube_patch_json(changed, json_node_get_array(patch), NULL))
			return NULL;
	} else {
		rd_kube_patch_merge(json_node_get_object(changed), json_node_get_object(patch));
	}
	/* it is for another object of that name */
	if (g_strcmp0(rd_foresight_meta(changed, "uid"), rd_foresight_meta(object, "uid")) != 0)
		return NULL;
	return g_steal_pointer(&changed);
}

/* @object is at @path today: what the patches of all entries make of it; NULL: none concerns it
 * (transfer full) */
static JsonNode *
rd_foresight_reread(RdForesight *self, const RdKubePath *path, JsonNode *object)
{
	JsonArray *entries = self->foreseen->entries;
	JsonNode *now = NULL;

	for (guint i = 0; i < json_array_get_length(entries); i++) {
		JsonObject *entry = json_array_get_object_element(entries, i);
		JsonArray *changes = json_object_has_member(entry, "changes")
					 ? json_object_get_array_member(entry, "changes")
					 : NULL;

		for (guint j = 0; changes != NULL && j < json_array_get_length(changes); j++) {
			JsonObject *change = json_array_get_object_element(changes, j);
			g_auto(RdKubePath) other = {0};
			JsonNode *next;

			if (!g_str_equal(rd_foreseen_get(change, "verb"), "PATCH") ||
			    !rd_kube_path_parse(rd_foreseen_get(change, "path"), &other) ||
			    !rd_kube_path_equal(path, &other))
				continue;
			next = rd_foresight_patched(now != NULL ? now : object,
						    rd_foreseen_get(change, "body"));
			if (next == NULL)
				continue;
			g_clear_pointer(&now, json_node_unref);
			now = next;
		}
	}
	return now;
}

/* the path of an item of the list at @list */
static gboolean
rd_foresight_item_path(const RdKubePath *list, JsonNode *item, RdKubePath *path)
{
	const char *name = rd_foresight_meta(item, "name");

	if (name == NULL)
		return FALSE;
	*path = (RdKubePath){.group = g_strdup(list->group),
			     .version = g_strdup(list->version),
			     .space = g_strdup(rd_foresight_meta(item, "namespace")),
			     .plural = g_strdup(list->plural),
			     .name = g_strdup(name)};
	return TRUE;
}

/* TRUE when an item reads otherwise now; @answer is replaced as a whole */
static gboolean
rd_foresight_reread_items(RdForesight *self, const RdKubePath *list, JsonNode **answer)
{
	JsonNode *member = json_object_get_member(json_node_get_object(*answer), "items");
	JsonArray *items, *changed;
	g_autoptr(JsonNode) copy = NULL;
	gboolean any = FALSE;

	if (member == NULL || !JSON_NODE_HOLDS_ARRAY(member))
		return FALSE;
	copy = rd_kube_json_copy(*answer);
	items = json_node_get_array(member);
	changed = json_array_new();
	for (guint i = 0; i < json_array_get_length(items); i++) {
		JsonNode *item = json_array_get_element(items, i), *now = NULL;
		g_auto(RdKubePath) path = {0};

		if (rd_foresight_item_path(list, item, &path))
			now = rd_foresight_reread(self, &path, item);
		any = any || now != NULL;
		json_array_add_element(changed, now != NULL ? now : rd_kube_json_copy(item));
	}
	json_object_set_array_member(json_node_get_object(copy), "items", changed);
	if (any) {
		json_node_unref(*answer);
		*answer = g_steal_pointer(&copy);
	}
	return any;
}

static void
rd_foresight_read_back(RdForesight *self, const RdKubeRequest *request, RdKubeAnswer *answer)
{
	g_auto(RdKubePath) path = {0};
	gboolean other = FALSE;

	if (answer->verdict != RD_KUBE_DONE || answer->body == NULL ||
	    !JSON_NODE_HOLDS_OBJECT(answer->body) || !rd_kube_path_parse(request->path, &path))
		return;
	if (path.name != NULL) {
		JsonNode *now = rd_foresight_reread(self, &path, answer->body);

		other = now != NULL;
		if (other) {
			json_node_unref(answer->body);
			answer->body = now;
		}
	} else {
		other = rd_foresight_reread_items(self, &path, &answer->body);
	}
	if (other && self->guess == NULL)
		self->guess =
		    g_strdup_printf("what %s is then, with what stands above", request->path);
}

/* ---- the server ---------------------------------------------------------------------------- */

static void
rd_foresight_api_silent(RdForesight *self, const char *why)
{
	g_free(self->api_silence);
	self->api_silence = g_strdup(why);
}

static void
rd_foresight_send(RdKube *kube, const RdKubeRequest *requests, guint n, guint in_flight,
		  guint limit_s, RdKubeAnswer *answers)
{
	RdForesightKube *own = (RdForesightKube *)kube;
	RdForesight *self = own->foresight;
	g_autoptr(GError) error = NULL;

	if (n > 0 && rd_kube_verb_touches(requests[0].verb)) {
		for (guint i = 0; i < n; i++)
			answers[i] = (RdKubeAnswer){.verdict = RD_KUBE_DONE, .status = 200};
		return;
	}
	if (self->api_unknown && n > 0) {
		(void)rd_foresight_unknown(self, "the Kubernetes API", requests[0].path, &error);
		for (guint i = 0; i < n; i++)
			answers[i] = (RdKubeAnswer){.verdict = RD_KUBE_CANCELLED,
						    .message = g_strdup(error->message)};
		return;
	}
	own->real->klass->send(own->real, requests, n, in_flight, limit_s, answers);
	for (guint i = 0; i < n; i++)
		rd_foresight_read_back(self, &requests[i], &answers[i]);
	if (n > 0 && answers[0].status == 0 && answers[0].message != NULL)
		rd_foresight_api_silent(self, answers[0].message);
}

static gboolean
rd_foresight_kube_pause(RdKube *kube, guint milliseconds)
{
	RdForesightKube *own = (RdForesightKube *)kube;

	return own->real->klass->pause(own->real, milliseconds);
}

static gint64
rd_foresight_kube_clock(RdKube *kube)
{
	RdForesightKube *own = (RdForesightKube *)kube;

	return own->real->klass->clock(own->real);
}

RdKube *
rd_foresight_kube(RdWorld *world, GError **error)
{
	static const RdKubeClass klass = {rd_foresight_send, rd_foresight_kube_pause,
					  rd_foresight_kube_clock};
	RdForesight *self = (RdForesight *)world;
	const char *why = g_hash_table_lookup(self->foreseen->silent, RD_CLUSTER);

	self->then = self->then || json_array_get_length(self->foreseen->entries) > 0;
	if (why != NULL) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE, "%s", why);
		return NULL;
	}
	if (self->real->klass->kube == NULL) {
		g_set_error_literal(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
				    "there is no way to the Kubernetes API here");
		return NULL;
	}
	self->kube.real = self->real->klass->kube(self->real, error);
	self->kube.kube.klass = &klass;
	self->kube.foresight = self;
	if (self->kube.real == NULL && error != NULL && *error != NULL)
		rd_foresight_api_silent(self, (*error)->message);
	return self->kube.real != NULL ? &self->kube.kube : NULL;
}
