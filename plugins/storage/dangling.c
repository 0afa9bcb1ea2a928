/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Links to devices that are gone, on this host, and the volumes that nobody has claimed: first the
 * PersistentVolume, then the link (the document's order). Each volume is kept in the journal. A PV
 * goes only as it was read; a link only if the shell that removes it finds it dangling itself
 * (INV-40). No device is written to, and no directory but the link's own is touched. */

#include "storage.h"
#include <string.h>

#define VOLUMES "/api/v1/persistentvolumes/"
#define BACK	3 /* exit status: there is something behind the link again */

/* $1 is the link; who finds it dangling is the process that removes it */
#define REMOVE "[ -L \"$1\" ] || exit 0; [ -e \"$1\" ] && exit 3; rm -- \"$1\""

static char *
volume_path(const char *name)
{
	g_autofree char *escaped = rd_api_escape(name);

	return g_strconcat(VOLUMES, escaped, NULL);
}

static JsonNode *
volume_of(const StorageAudit *audit, const char *node, const char *path)
{
	JsonArray *all = audit->now->lists[STORAGE_VOLUMES];

	for (guint i = 0; i < rd_api_length(all); i++) {
		JsonNode *volume = json_array_get_element(all, i);

		if (g_str_equal(rd_api_text(volume, "spec", "local", "path", NULL), path) &&
		    g_str_equal(storage_audit_node_by_host(audit, storage_volume_host(volume)),
				node))
			return volume;
	}
	return NULL;
}

/* only what the operator made: two plain names below its directory (INV-39, INV-40) */
static gboolean
is_plain(const char *path)
{
	const char *p = path + strlen(STORAGE_LINKS "/");
	guint slashes = 0;

	if (!g_str_has_prefix(path, STORAGE_LINKS "/") || strstr(path, "/.") != NULL)
		return FALSE;
	for (; *p != '\0'; p++) {
		if (*p == '/')
			slashes++;
		else if (!g_ascii_isalnum(*p) && strchr("._-:@+=", *p) == NULL)
			return FALSE;
	}
	return slashes == 1;
}

/* the note: [{"path": …, "volume": NAME or "", "uid": …}] */
gboolean
storage_dangling_baseline(RecoveryStep *step, GError **error)
{
	const char *earlier = recovery_recall_first(step, "links");
	const char *node = recovery_target(step);
	g_autoptr(JsonNode) root = json_node_new(JSON_NODE_ARRAY);
	JsonArray *array = json_array_new();
	g_auto(StorageLook) look = {0};
	const StorageHost *host;
	g_autofree char *note = NULL;

	json_node_take_array(root, array);
	if (earlier != NULL)
		return recovery_remember(step, "links", earlier, error);
	if (!storage_look(step, node, NO_COPY, &look, error) ||
	    !storage_look_has(&look, node, error))
		return FALSE;
	host = g_hash_table_lookup(look.hosts, node);
	for (guint i = 0; i < host->links->len; i++) {
		const StorageLink *link = host->links->pdata[i];
		JsonNode *volume = volume_of(&look.audit, node, link->path);
		g_autofree char *why = NULL, *key = NULL, *text = NULL;
		JsonObject *object;

		if (!is_plain(link->path) ||
		    !storage_link_may_go(&look.audit, host, link, volume, &why))
			continue;
		object = json_object_new();
		json_object_set_string_member(object, "path", link->path);
		json_object_set_string_member(object, "target", link->target);
		json_object_set_string_member(object, "volume", rd_api_name(volume));
		json_object_set_string_member(object, "uid", rd_api_uid(volume));
		json_array_add_object_element(array, object);
		if (volume == NULL)
			continue;
		key = g_strconcat("volume-", rd_api_name(volume), NULL);
		text = rd_api_json(volume);
		if (!recovery_remember(step, key, text, error))
			return FALSE;
	}
	note = rd_api_json(root);
	return recovery_remember(step, "links", note, error);
}

/* ---- is it done ---------------------------------------------------------------------------- */

static gboolean
is_left(RecoveryStep *step, const char *path)
{
	g_autofree char *key = g_strconcat("left-", path, NULL);

	return recovery_recall(step, key) != NULL;
}

static gboolean
leave(RecoveryStep *step, const char *path, const char *why, GError **error)
{
	g_autofree char *key = g_strconcat("left-", path, NULL);

	recovery_progress(step, "%s stays: %s", path, why);
	return recovery_remember(step, key, why, error);
}

static RecoveryProbe
volume_gone(RecoveryStep *step, JsonNode *one, GError **error)
{
	const char *name = rd_api_text(one, "volume", NULL);
	g_autofree char *path = volume_path(name);

	if (*name == '\0')
		return RECOVERY_PROBE_PRESENT;
	return storage_gone(step, path, rd_api_text(one, "uid", NULL), error);
}

static RecoveryProbe
link_gone(RecoveryStep *step, const char *path, GError **error)
{
	const char *argv[] = {"readlink", "--", path, NULL};
	const char *exists[] = {"ls", "-d", "--", path, NULL};
	g_auto(RecoveryReply) reply = {0}, seen = {0};

	if (!recovery_ask_status(step, NULL, argv, &reply, error))
		return RECOVERY_PROBE_UNKNOWN;
	if (reply.status == 0)
		return RECOVERY_PROBE_ABSENT;
	/* readlink is silent about what is no link, and about what is not there */
	if (!recovery_ask_status(step, NULL, exists, &seen, error))
		return RECOVERY_PROBE_UNKNOWN;
	if (seen.status == 0 || (seen.err != NULL && strstr(seen.err, "No such file") != NULL))
		return RECOVERY_PROBE_PRESENT;
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED, "%s: cannot look at %s: %s",
		    recovery_target(step), path, seen.err != NULL ? seen.err : "no reason given");
	return RECOVERY_PROBE_UNKNOWN;
}

static JsonArray *
noted(RecoveryStep *step, JsonNode **root)
{
	const char *note = recovery_recall(step, "links");

	*root = note != NULL ? json_from_string(note, NULL) : NULL;
	return rd_api_items(*root, NULL);
}

RecoveryProbe
storage_dangling_probe(RecoveryStep *step, GError **error)
{
	g_autoptr(JsonNode) root = NULL;
	JsonArray *all = noted(step, &root);
	RecoveryProbe end = RECOVERY_PROBE_PRESENT;

	if (root == NULL)
		return RECOVERY_PROBE_ABSENT;
	for (guint i = 0; i < rd_api_length(all) && end == RECOVERY_PROBE_PRESENT; i++) {
		JsonNode *one = json_array_get_element(all, i);
		const char *path = rd_api_text(one, "path", NULL);

		if (is_left(step, path))
			continue;
		end = volume_gone(step, one, error);
		if (end == RECOVERY_PROBE_PRESENT)
			end = link_gone(step, path, error);
	}
	return end;
}

/* ---- doing it ------------------------------------------------------------------------------ */

/* *why: it must not go any more. *volume: as it is now, NULL when there is none to delete */
static gboolean
prove_again(RecoveryStep *step, JsonNode *one, JsonNode **volume, char **why, GError **error)
{
	const char *path = rd_api_text(one, "path", NULL), *node = recovery_target(step);
	const char *name = rd_api_text(one, "volume", NULL);
	g_auto(StorageLook) look = {0};
	const StorageHost *host;
	const StorageLink *link;
	JsonNode *now;

	if (!storage_look(step, node, NO_COPY, &look, error) ||
	    !storage_look_has(&look, node, error))
		return FALSE;
	host = g_hash_table_lookup(look.hosts, node);
	link = storage_host_find_link(host, path);
	now = rd_api_find(look.now->lists[STORAGE_VOLUMES], name);
	if (now != NULL && !g_str_equal(rd_api_uid(now), rd_api_text(one, "uid", NULL)))
		*why = g_strdup_printf("there is another PersistentVolume %s by now", name);
	else if (now != NULL && rd_api_is_terminating(now))
		return TRUE;
	else if (now != NULL && link == NULL)
		*why = g_strdup("the link is gone already, so nothing shows that its device is");
	else if (link != NULL)
		storage_link_may_go(&look.audit, host, link, now, why);
	if (now != NULL && *why == NULL)
		*volume = json_node_ref(now);
	return TRUE;
}

static gboolean
delete_volume(RecoveryStep *step, JsonNode *one, gboolean *stays, GError **error)
{
	const char *link = rd_api_text(one, "path", NULL);
	g_autofree char *path = volume_path(rd_api_text(one, "volume", NULL)), *why = NULL;
	g_autoptr(JsonNode) volume = NULL;
	RecoveryApiEnd end = RECOVERY_API_DONE;

	if (!prove_again(step, one, &volume, &why, error))
		return FALSE;
	if (volume != NULL &&
	    !storage_delete(step, path, rd_api_uid(volume),
			    rd_api_text(volume, "metadata", "resourceVersion", NULL), &end, error))
		return FALSE;
	if (end == RECOVERY_API_CONFLICT)
		why = g_strdup("somebody changed its PersistentVolume in this moment");
	*stays = why != NULL;
	return why == NULL || leave(step, link, why, error);
}

static gboolean
remove_link(RecoveryStep *step, const char *path, GError **error)
{
	const char *argv[] = {"/bin/sh", "-c", REMOVE, "remove-dangling", path, NULL};
	const RecoveryCommand command = {.argv = argv};
	g_auto(RecoveryReply) reply = {0};
	g_autoptr(GError) local = NULL;

	if (recovery_run(step, &command, &reply, &local))
		return TRUE;
	if (g_error_matches(local, RECOVERY_ERROR, RECOVERY_ERROR_FAILED) && reply.status == BACK)
		return leave(step, path, "what it points to is there again", error);
	g_propagate_error(error, g_steal_pointer(&local));
	return FALSE;
}

static RecoveryProbe
volumes_gone(RecoveryStep *step, GError **error)
{
	g_autoptr(JsonNode) root = NULL;
	JsonArray *all = noted(step, &root);
	RecoveryProbe end = RECOVERY_PROBE_PRESENT;

	for (guint i = 0; i < rd_api_length(all) && end == RECOVERY_PROBE_PRESENT; i++) {
		JsonNode *one = json_array_get_element(all, i);

		if (!is_left(step, rd_api_text(one, "path", NULL)))
			end = volume_gone(step, one, error);
	}
	return end;
}

gboolean
storage_dangling_enter(RecoveryStep *step, GError **error)
{
	g_autoptr(JsonNode) root = NULL;
	JsonArray *all = noted(step, &root);

	for (guint i = 0; i < rd_api_length(all); i++) {
		JsonNode *one = json_array_get_element(all, i);
		gboolean stays = FALSE;

		if (!is_left(step, rd_api_text(one, "path", NULL)) &&
		    !delete_volume(step, one, &stays, error))
			return FALSE;
	}
	/* the operator's finalizer removes the link on the node itself, where it still runs */
	if (!recovery_wait(step, volumes_gone, error))
		return FALSE;
	for (guint i = 0; i < rd_api_length(all); i++) {
		const char *path = rd_api_text(json_array_get_element(all, i), "path", NULL);

		if (!is_left(step, path) && !remove_link(step, path, error))
			return FALSE;
	}
	return TRUE;
}
