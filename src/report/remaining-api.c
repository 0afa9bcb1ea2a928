/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-report"

#include "remaining-api.h"

#include <gio/gio.h>
#include <string.h>

#include "engine/api-way.h"
#include "journal/redact.h"
#include "kube/call.h"
#include "kube/path.h"
#include "remaining-private.h"
#include "runner/foreseen.h"

gboolean
rd_remaining_api_is(JsonObject *entry)
{
	const char *verb = rd_foreseen_get(entry, "verb");

	return verb != NULL && g_str_has_prefix(verb, "api-");
}

const char *
rd_remaining_api_place(const RdInventory *inventory)
{
	const RdInventoryHost *host = rd_inventory_get_recovery(inventory);

	if (inventory->kubeconfig != NULL)
		return RD_REMAINING_BASTION;
	return host != NULL ? host->name : NULL;
}

/* "sudo oc --kubeconfig FILE": root alone reads that of a host */
static GString *
rd_remaining_oc(const RdInventory *inventory)
{
	gboolean own = inventory->kubeconfig != NULL;
	GString *line = g_string_new(own ? "oc --kubeconfig" : "sudo oc --kubeconfig");

	rd_remaining_quote(line, own ? inventory->kubeconfig : RD_API_KUBECONFIG);
	return line;
}

void
rd_remaining_api_variable(GString *script, const RdInventory *inventory, const char *name)
{
	const char *file =
	    inventory->kubeconfig != NULL ? inventory->kubeconfig : RD_API_KUBECONFIG;
	g_autofree char *quoted = g_shell_quote(file);

	g_string_append_printf(script, "KUBECONFIG=%s; export KUBECONFIG; %s=oc; ", quoted, name);
}

static char *
rd_remaining_print(JsonObject *object)
{
	g_autoptr(JsonNode) node = json_node_init_object(json_node_alloc(), object);

	return json_to_string(node, FALSE);
}

/* ---- patches ------------------------------------------------------------------------------- */

/* @body without metadata.resourceVersion; NULL: it is no JSON (transfer full) */
static char *
rd_remaining_patch_body(const char *body, gboolean *json)
{
	g_autoptr(JsonNode) node = json_from_string(body, NULL);
	JsonNode *meta;

	if (node == NULL)
		return NULL;
	*json = JSON_NODE_HOLDS_ARRAY(node);
	if (*json || !JSON_NODE_HOLDS_OBJECT(node))
		return *json ? g_strdup(body) : NULL;
	meta = json_object_get_member(json_node_get_object(node), "metadata");
	if (meta != NULL && JSON_NODE_HOLDS_OBJECT(meta))
		json_object_remove_member(json_node_get_object(meta), "resourceVersion");
	return json_to_string(node, FALSE);
}

static char *
rd_remaining_patch(const RdInventory *inventory, const char *path, const char *body)
{
	g_auto(RdKubePath) where = {0};
	g_autofree char *resource = NULL, *patch = NULL;
	gboolean json = FALSE;
	GString *line;

	if (!rd_kube_path_parse(path, &where) || where.name == NULL)
		return NULL;
	patch = rd_remaining_patch_body(body, &json);
	if (patch == NULL)
		return NULL;
	resource = rd_kube_path_resource(&where);
	line = rd_remaining_oc(inventory);
	if (where.space != NULL) {
		g_string_append(line, " -n");
		rd_remaining_quote(line, where.space);
	}
	g_string_append(line, " patch");
	rd_remaining_quote(line, resource);
	rd_remaining_quote(line, where.name);
	if (where.subresource != NULL) {
		g_string_append(line, " --subresource");
		rd_remaining_quote(line, where.subresource);
	}
	g_string_append(line, json ? " --type json -p" : " --type merge -p");
	rd_remaining_quote(line, patch);
	return g_string_free(line, FALSE);
}

/* ---- what goes as it is -------------------------------------------------------------------- */

/* @words behind @body by a pipe: so long a body is no argument */
static char *
rd_remaining_pipe(const RdInventory *inventory, const char *body, const char *words,
		  const char *path)
{
	GString *line = g_string_new("printf %s");
	GString *oc = rd_remaining_oc(inventory);

	rd_remaining_quote(line, body);
	g_string_append_printf(oc, " %s", words);
	if (path != NULL)
		rd_remaining_quote(oc, path);
	g_string_append_printf(line, " | %s -f -", oc->str);
	g_string_free(oc, TRUE);
	return g_string_free(line, FALSE);
}

/* as kube/message.c sends it */
static char *
rd_remaining_delete(const RdInventory *inventory, JsonObject *change)
{
	const char *path = rd_foreseen_get(change, "path");
	JsonObject *options = json_object_new(), *only = json_object_new();
	g_autofree char *version = rd_kube_delete_version(rd_foreseen_get(change, "body"));
	g_autofree char *body = NULL;

	json_object_set_string_member(options, "kind", "DeleteOptions");
	json_object_set_string_member(options, "apiVersion", "v1");
	json_object_set_string_member(options, "propagationPolicy", "Background");
	if (rd_foreseen_get(change, "now") != NULL)
		json_object_set_int_member(options, "gracePeriodSeconds", 0);
	json_object_set_string_member(only, "uid", rd_foreseen_get(change, "uid"));
	if (version != NULL)
		json_object_set_string_member(only, "resourceVersion", version);
	json_object_set_object_member(options, "preconditions", only);
	body = rd_remaining_print(options);
	json_object_unref(options);
	return rd_remaining_pipe(inventory, body, "delete --raw", path);
}

static char *
rd_remaining_create(const RdInventory *inventory, const char *path, const char *body)
{
	g_autoptr(JsonNode) node = json_from_string(body, NULL);
	g_auto(RdKubePath) where = {0};
	g_autoptr(GString) words = g_string_new(NULL);

	if (node != NULL)
		return rd_remaining_pipe(inventory, body, "create --raw", path);
	if (!rd_kube_path_parse(path, &where))
		return NULL;
	if (where.space != NULL) {
		g_string_append(words, "-n");
		rd_remaining_quote(words, where.space);
		g_string_append_c(words, ' ');
	}
	g_string_append(words, "create");
	return rd_remaining_pipe(inventory, body, words->str, NULL);
}

/* ---- one, and all -------------------------------------------------------------------------- */

static char *
rd_remaining_change(const RdInventory *inventory, JsonObject *change)
{
	const char *verb = rd_foreseen_get(change, "verb");
	const char *path = rd_foreseen_get(change, "path");
	const char *body = rd_foreseen_get(change, "body");

	if (verb == NULL || path == NULL)
		return NULL;
	if (g_str_equal(verb, rd_kube_verb_to_string(RD_KUBE_DELETE)))
		return rd_foreseen_get(change, "uid") != NULL
			   ? rd_remaining_delete(inventory, change)
			   : NULL;
	if (body == NULL)
		return NULL;
	if (g_str_equal(verb, rd_kube_verb_to_string(RD_KUBE_POST)))
		return rd_remaining_create(inventory, path, body);
	if (g_str_equal(verb, rd_kube_verb_to_string(RD_KUBE_PUT)))
		return rd_remaining_pipe(inventory, body, "replace --raw", path);
	return rd_remaining_patch(inventory, path, body);
}

char *
rd_remaining_api_command(const RdInventory *inventory, JsonObject *entry)
{
	JsonArray *changes = json_object_has_member(entry, "changes")
				 ? json_object_get_array_member(entry, "changes")
				 : NULL;
	g_autoptr(GString) all = g_string_new(NULL);
	g_autofree char *hidden = NULL;

	for (guint i = 0; changes != NULL && i < json_array_get_length(changes); i++) {
		g_autofree char *one =
		    rd_remaining_change(inventory, json_array_get_object_element(changes, i));

		if (one == NULL)
			return NULL;
		g_string_append_printf(all, "%s%s", i > 0 ? " &&\n" : "", one);
	}
	hidden = rd_redact_text(NULL, all->str);
	return all->len > 0 && hidden == NULL ? g_strdup(all->str) : NULL;
}
