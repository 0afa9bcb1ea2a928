/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearsal/store-private.h"

#include "kube/patch.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

void
rd_sim_place_clear(RdSimPlace *place)
{
	g_free(place->collection);
	g_free(place->namespace);
	g_free(place->name);
	g_free(place->sub);
	g_free(place->query);
	g_free(place->object);
}

char *
rd_sim_object_path(const char *collection, const char *namespace, const char *name)
{
	const char *plural = strrchr(collection, '/');

	if (namespace == NULL)
		return g_strdup_printf("%s/%s", collection, name);
	return g_strdup_printf("%.*s/namespaces/%s%s/%s", (int)(plural - collection), collection,
			       namespace, plural, name);
}

/* /api/V or /apis/G/V, [namespaces/NS], plural, [name], [subresource] */
gboolean
rd_sim_place_parse(const char *path, RdSimPlace *place)
{
	const char *question = strchr(path, '?');
	g_autofree char *plain =
	    question != NULL ? g_strndup(path, question - path) : g_strdup(path);
	g_auto(GStrv) parts = g_strsplit(plain + 1, "/", -1);
	guint n = g_strv_length(parts), at;

	memset(place, 0, sizeof *place);
	at = n > 0 && g_str_equal(parts[0], "apis") ? 3 : 2;
	if (n <= at)
		return FALSE;
	place->query = g_strdup(question != NULL ? question + 1 : NULL);
	if (g_str_equal(parts[at], "namespaces") && n > at + 2) {
		place->namespace = g_strdup(parts[at + 1]);
		at += 2;
	}
	place->collection = at > 2 && g_str_equal(parts[0], "apis")
				? g_strdup_printf("/apis/%s/%s/%s", parts[1], parts[2], parts[at])
				: g_strdup_printf("/api/%s/%s", parts[1], parts[at]);
	place->name = g_strdup(n > at + 1 ? parts[at + 1] : NULL);
	place->sub = g_strdup(n > at + 2 ? parts[at + 2] : NULL);
	if (place->name != NULL)
		place->object =
		    rd_sim_object_path(place->collection, place->namespace, place->name);
	return TRUE;
}

/* ---- objects ---- */

static void
object_unref(gpointer data)
{
	RdSimObject *object = data;

	if (--object->refs > 0)
		return;
	g_free(object->collection);
	g_free(object->namespace);
	g_free(object->name);
	g_free(object->path);
	g_free(object->text);
	json_node_unref(object->body);
	g_free(object);
}

void
rd_sim_object_changed(RdSimObject *object)
{
	g_clear_pointer(&object->text, g_free);
	object->facts.known = FALSE;
}

JsonObject *
rd_sim_object_body(const RdSimObject *object)
{
	return json_node_get_object(object->body);
}

/* one in so many is nevertheless written anew and compared */
#define CHECKED 64

const char *
rd_sim_object_text(RdSimObject *object)
{
	static guint n;
	g_autofree char *anew = NULL;

	if (object->text == NULL) {
		object->text = json_to_string(object->body, FALSE);
		return object->text;
	}
	if (++n % CHECKED != 0)
		return object->text;
	anew = json_to_string(object->body, FALSE);
	if (!g_str_equal(anew, object->text))
		g_error("%s was changed, and nobody said so: %s, not %s", object->path, anew,
			object->text);
	return object->text;
}

gboolean
rd_sim_object_is_in(const RdSimObject *object, const char *namespace)
{
	return namespace == NULL || g_strcmp0(object->namespace, namespace) == 0;
}

static RdSimObject *
object_copy(const RdSimObject *from)
{
	RdSimObject *copy = g_new0(RdSimObject, 1);

	copy->refs = 1;
	copy->collection = g_strdup(from->collection);
	copy->namespace = g_strdup(from->namespace);
	copy->name = g_strdup(from->name);
	copy->path = g_strdup(from->path);
	copy->body = rd_kube_json_copy(from->body);
	return copy;
}

static GHashTable *
new_objects(void)
{
	return g_hash_table_new_full(g_str_hash, g_str_equal, NULL, object_unref);
}

RdSimStore *
rd_sim_store_new(void)
{
	RdSimStore *self = g_new0(RdSimStore, 1);

	self->kinds = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	self->objects = new_objects();
	self->lists = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
					    (GDestroyNotify)g_ptr_array_unref);
	self->tally = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	self->version = 1000;
	return self;
}

void
rd_sim_store_free(RdSimStore *self)
{
	if (self == NULL)
		return;
	g_hash_table_unref(self->kinds);
	g_hash_table_unref(self->objects);
	g_hash_table_unref(self->lists);
	g_clear_pointer(&self->past, g_hash_table_unref);
	g_clear_pointer(&self->past_of, g_ptr_array_unref);
	g_hash_table_unref(self->tally);
	g_free(self);
}

void
rd_sim_store_serve(RdSimStore *self, const char *collection, const char *kind)
{
	g_hash_table_insert(self->kinds, g_strdup(collection), g_strdup(kind));
}

#define REQUESTS(version) "/apis/certificates.k8s.io/" version "/certificatesigningrequests"

void
rd_sim_store_serve_old_requests(RdSimStore *self)
{
	g_hash_table_remove(self->kinds, REQUESTS("v1"));
	rd_sim_store_serve(self, REQUESTS("v1beta1"), "CertificateSigningRequest");
}

const char *
rd_sim_store_requests(RdSimStore *self)
{
	return g_hash_table_contains(self->kinds, REQUESTS("v1")) ? REQUESTS("v1")
								  : REQUESTS("v1beta1");
}

JsonObject *
rd_sim_metadata(JsonObject *object)
{
	JsonNode *node = json_object_get_member(object, "metadata");

	if (node != NULL)
		return json_node_get_object(node);
	json_object_set_object_member(object, "metadata", json_object_new());
	return json_object_get_object_member(object, "metadata");
}

/* the same few seconds are asked for at each request, and a calendar takes its time */
char *
rd_sim_time_text(double seconds)
{
	static struct {
		time_t when;
		char text[sizeof "2026-11-20T03:00:00Z"];
	} slots[256];
	time_t when = (time_t)seconds;
	guint slot = (guint)when % G_N_ELEMENTS(slots);
	struct tm tm;

	if (slots[slot].when != when || slots[slot].text[0] == '\0') {
		if (gmtime_r(&when, &tm) == NULL ||
		    strftime(slots[slot].text, sizeof slots[slot].text, "%Y-%m-%dT%H:%M:%SZ",
			     &tm) == 0)
			g_error("%f is no time", seconds);
		slots[slot].when = when;
	}
	return g_strdup(slots[slot].text);
}

void
rd_sim_set_version(RdSimStore *self, JsonObject *object)
{
	g_autofree char *version = g_strdup_printf("%" G_GINT64_FORMAT, ++self->version);

	json_object_set_string_member(rd_sim_metadata(object), "resourceVersion", version);
}

/* one entry for each manager and part, as the server keeps them */
void
rd_sim_set_manager(JsonObject *object, const char *manager, const char *part, double time)
{
	JsonObject *meta = rd_sim_metadata(object);
	JsonArray *fields = NULL;
	JsonObject *entry = NULL;
	g_autofree char *text = rd_sim_time_text(time);

	if (!json_object_has_member(meta, "managedFields"))
		json_object_set_array_member(meta, "managedFields", json_array_new());
	fields = json_object_get_array_member(meta, "managedFields");
	for (guint i = 0; entry == NULL && i < json_array_get_length(fields); i++) {
		JsonObject *one = json_array_get_object_element(fields, i);

		if (g_str_equal(json_object_get_string_member_with_default(one, "manager", ""),
				manager) &&
		    g_strcmp0(json_object_get_string_member_with_default(one, "subresource", NULL),
			      part) == 0)
			entry = one;
	}
	if (entry == NULL) {
		entry = json_object_new();
		json_array_add_object_element(fields, entry);
		json_object_set_string_member(entry, "manager", manager);
		json_object_set_string_member(entry, "operation", "Update");
		if (part != NULL)
			json_object_set_string_member(entry, "subresource", part);
	}
	json_object_set_string_member(entry, "time", text);
}

void
rd_sim_store_complete(RdSimStore *self, const RdSimPlace *place, JsonObject *object, double time)
{
	JsonObject *meta = rd_sim_metadata(object);
	g_autofree char *uid =
	    g_strdup_printf("00000000-0000-4000-8000-%012" G_GINT64_MODIFIER "x", ++self->uids);
	g_autofree char *text = rd_sim_time_text(time);

	json_object_set_string_member(meta, "name", place->name);
	if (place->namespace != NULL)
		json_object_set_string_member(meta, "namespace", place->namespace);
	if (!json_object_has_member(meta, "uid"))
		json_object_set_string_member(meta, "uid", uid);
	if (!json_object_has_member(meta, "creationTimestamp"))
		json_object_set_string_member(meta, "creationTimestamp", text);
	if (!json_object_has_member(object, "kind"))
		json_object_set_string_member(object, "kind",
					      g_hash_table_lookup(self->kinds, place->collection));
	rd_sim_set_version(self, object);
}

void
rd_sim_store_insert(RdSimStore *self, const RdSimPlace *place, JsonNode *body)
{
	RdSimObject *object = g_new0(RdSimObject, 1);

	object->refs = 1;
	object->collection = g_strdup(place->collection);
	object->namespace = g_strdup(place->namespace);
	object->name = g_strdup(place->name);
	object->path = g_strdup(place->object);
	object->body = body;
	g_hash_table_remove(self->lists, place->collection);
	g_hash_table_replace(self->objects, object->path, object);
}

void
rd_sim_store_put(RdSimStore *self, const char *path, const char *json, double time)
{
	g_autoptr(GError) error = NULL;
	JsonNode *body = json_from_string(json, &error);
	g_auto(RdSimPlace) place = {0};

	if (body == NULL || !rd_sim_place_parse(path, &place) || place.object == NULL ||
	    !g_hash_table_contains(self->kinds, place.collection))
		g_error("%s: %s", path, error != NULL ? error->message : "no such kind");
	rd_sim_store_complete(self, &place, json_node_get_object(body), time);
	rd_sim_store_insert(self, &place, body);
}

JsonObject *
rd_sim_store_find(RdSimStore *self, const char *path)
{
	RdSimObject *object = g_hash_table_lookup(self->objects, path);

	if (object != NULL)
		rd_sim_object_changed(object);
	return object != NULL ? json_node_get_object(object->body) : NULL;
}

RdSimObject *
rd_sim_store_look_at(RdSimStore *self, const char *path)
{
	return g_hash_table_lookup(self->objects, path);
}

JsonObject *
rd_sim_store_look(RdSimStore *self, const char *path)
{
	const RdSimObject *object = rd_sim_store_look_at(self, path);

	return object != NULL ? rd_sim_object_body(object) : NULL;
}

void
rd_sim_store_written(RdSimStore *self, const char *path, const char *manager, const char *part,
		     double time)
{
	JsonObject *object = rd_sim_store_find(self, path);

	rd_sim_set_version(self, object);
	rd_sim_set_manager(object, manager, part, time);
}

void
rd_sim_store_remove(RdSimStore *self, const char *path)
{
	const RdSimObject *object = g_hash_table_lookup(self->objects, path);

	if (object != NULL)
		g_hash_table_remove(self->lists, object->collection);
	g_hash_table_remove(self->objects, path);
	self->version++;
}

static int
compare_paths(gconstpointer a, gconstpointer b)
{
	return strcmp((*(const RdSimObject *const *)a)->path,
		      (*(const RdSimObject *const *)b)->path);
}

static GPtrArray *
make_list(RdSimStore *self, const char *collection)
{
	GPtrArray *list = g_ptr_array_new_with_free_func(object_unref);
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, self->objects);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		RdSimObject *object = value;

		if (!g_str_equal(object->collection, collection))
			continue;
		object->refs++;
		g_ptr_array_add(list, object);
	}
	g_ptr_array_sort(list, compare_paths);
	g_hash_table_insert(self->lists, g_strdup(collection), list);
	return list;
}

GPtrArray *
rd_sim_store_list(RdSimStore *self, const char *collection)
{
	GPtrArray *list = g_hash_table_lookup(self->lists, collection);

	return g_ptr_array_ref(list != NULL ? list : make_list(self, collection));
}

GPtrArray *
rd_sim_store_paths(RdSimStore *self, const char *collection)
{
	g_autoptr(GPtrArray) list = rd_sim_store_list(self, collection);
	GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < list->len; i++)
		g_ptr_array_add(paths, g_strdup(((const RdSimObject *)list->pdata[i])->path));
	return paths;
}

GPtrArray *
rd_sim_store_save(RdSimStore *self)
{
	GPtrArray *saved = g_ptr_array_new_with_free_func(object_unref);
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, self->objects);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		g_ptr_array_add(saved, object_copy(value));
	return saved;
}

void
rd_sim_store_answer_from(RdSimStore *self, GPtrArray *saved, const RdKubeRequest *request,
			 double time, RdKubeAnswer *answer)
{
	GHashTable *today = self->objects;

	if (self->past_of != saved) {
		g_clear_pointer(&self->past, g_hash_table_unref);
		g_clear_pointer(&self->past_of, g_ptr_array_unref);
		self->past = new_objects();
		self->past_of = g_ptr_array_ref(saved);
		for (guint i = 0; i < saved->len; i++) {
			RdSimObject *object = object_copy(saved->pdata[i]);

			g_hash_table_replace(self->past, object->path, object);
		}
	}
	self->objects = self->past;
	g_hash_table_remove_all(self->lists);
	rd_sim_store_answer(self, request, time, answer);
	self->objects = today;
	g_hash_table_remove_all(self->lists);
	self->compacted = self->version;
}

void
rd_sim_store_restore(RdSimStore *self, GPtrArray *saved, gboolean bump)
{
	gint64 newest = 0;

	g_hash_table_remove_all(self->objects);
	g_hash_table_remove_all(self->lists);
	for (guint i = 0; i < saved->len; i++) {
		RdSimObject *object = object_copy(saved->pdata[i]);
		JsonObject *meta = rd_sim_metadata(json_node_get_object(object->body));
		const char *version = json_object_get_string_member(meta, "resourceVersion");

		newest = MAX(newest, g_ascii_strtoll(version, NULL, 10));
		g_hash_table_replace(self->objects, object->path, object);
	}
	if (!bump)
		self->version = newest;
	self->compacted = self->version;
}

guint
rd_sim_store_tally(RdSimStore *self, const char *what)
{
	return GPOINTER_TO_UINT(g_hash_table_lookup(self->tally, what));
}

guint
rd_sim_store_distinct(RdSimStore *self, const char *begin, const char *part)
{
	GHashTableIter iter;
	gpointer what;
	guint n = 0;

	g_hash_table_iter_init(&iter, self->tally);
	while (g_hash_table_iter_next(&iter, &what, NULL))
		n += g_str_has_prefix(what, begin) && strstr(what, part) != NULL;
	return n;
}

void
rd_sim_store_compact(RdSimStore *self)
{
	self->compacted = ++self->version;
}
