/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include <stdio.h>
#include <string.h>

#include "backup/key-table.h"
#include "backup/kube-objects.h"
#include "backup/storage-copy.h"
#include "cli/backup.h"
#include "cli/commands.h"
#include "yaml/json.h"

/* The keys of a snapshot: ls, cat, diff. */

static RdKeyTable *
rd_backup_read_keys(const char *argument, const RdKeyFilter *filter, GError **error)
{
	g_autofree char *path = rd_backup_path(argument, error);

	return path != NULL ? rd_key_table_read(path, filter, NULL, error) : NULL;
}

/* ---- ls ------------------------------------------------------------------------------------ */

static void
rd_keys_print(const char *name, const RdKey *key, gboolean as_json)
{
	g_autoptr(JsonBuilder) json = NULL;
	g_autoptr(JsonNode) root = NULL;
	g_autofree char *text = NULL;

	if (!as_json) {
		text = rd_screen_clean(name);
		printf("%12" G_GINT64_FORMAT " %9" G_GSIZE_FORMAT " %s\n", key->modified, key->size,
		       text);
		return;
	}
	json = json_builder_new();
	json_builder_begin_object(json);
	rd_json_string(json, "key", name);
	rd_json_number(json, "modified", key->modified);
	rd_json_number(json, "created", key->created);
	rd_json_int(json, "version", key->version);
	rd_json_int(json, "size", key->size);
	json_builder_end_object(json);
	root = json_builder_get_root(json);
	text = rd_json_print(root, FALSE);
	fputs(text, stdout);
}

static RdExit
rd_backup_ls_run(const RdCli *cli, char **args, GError **error)
{
	const RdKeyFilter filter = {.prefix = args[1]};
	g_autoptr(RdKeyTable) table = NULL;
	g_autoptr(GPtrArray) names = NULL;
	gboolean json = FALSE;

	if (!rd_backup_wants_json(&json, error))
		return RD_EXIT_USAGE;
	table = rd_backup_read_keys(args[0], &filter, error);
	if (table == NULL)
		return RD_EXIT_FAILED;
	names = rd_key_table_sort(table);
	for (guint i = 0; i < names->len; i++)
		rd_keys_print(names->pdata[i], g_hash_table_lookup(table->keys, names->pdata[i]),
			      json);
	return RD_EXIT_DONE;
}

const RdCommand rd_command_backup_ls = {
    .name = "backup ls",
    .args = "BACKUP [PREFIX]",
    .summary = "the keys in a snapshot: revision of the last change, bytes, name",
    .options = rd_backup_options,
    .run = rd_backup_ls_run,
};

/* ---- cat ----------------------------------------------------------------------------------- */

static gboolean raw;

static const GOptionEntry *
rd_backup_cat_options(void)
{
	static const GOptionEntry entries[] = {
	    {"raw", 0, 0, G_OPTION_ARG_NONE, &raw, "the bytes as they are", NULL},
	    {NULL},
	};

	return entries;
}

static void
rd_value_print(const guint8 *bytes, gsize size)
{
	g_autoptr(JsonNode) node = rd_object_parse_json(bytes, size);
	g_autoptr(RdObject) object = NULL;
	g_autofree char *key = NULL;
	g_autofree char *line = NULL;
	g_autofree char *clean = NULL;

	if (node != NULL) {
		line = rd_json_print(node, TRUE);
		fputs(line, stdout);
		return;
	}
	object = rd_object_read(bytes, size);
	key = rd_object_encryption(bytes, size);
	if (object->encoding == RD_OBJECT_PROTOBUF)
		line = g_strdup_printf("%s %s %s%s%s: protobuf, %" G_GSIZE_FORMAT " bytes",
				       object->api_version != NULL ? object->api_version : "?",
				       object->kind != NULL ? object->kind : "?",
				       object->namespace != NULL ? object->namespace : "",
				       object->namespace != NULL ? "/" : "",
				       object->name != NULL ? object->name : "?", size);
	else if (object->encoding == RD_OBJECT_ENCRYPTED)
		line = g_strdup_printf("encrypted at rest with %s, %" G_GSIZE_FORMAT " bytes", key,
				       size);
	else
		line = g_strdup_printf(
		    "neither JSON nor one of Kubernetes' objects, %" G_GSIZE_FORMAT " bytes", size);
	clean = rd_screen_clean(line);
	puts(clean);
}

static RdExit
rd_backup_cat_run(const RdCli *cli, char **args, GError **error)
{
	const char *const values[] = {args[1], NULL};
	const RdKeyFilter filter = {.prefix = args[1], .values = values};
	g_autoptr(RdKeyTable) table = rd_backup_read_keys(args[0], &filter, error);
	const RdKey *key = NULL;
	const guint8 *bytes = NULL;
	gsize size = 0;

	if (table == NULL)
		return RD_EXIT_FAILED;
	key = g_hash_table_lookup(table->keys, args[1]);
	if (key == NULL) {
		g_set_error(error, RD_EXIT_ERROR, RD_EXIT_FAILED,
			    "%s: no key %s lives in it%s. List keys with: recoveryd backup ls %s",
			    args[0], args[1],
			    g_hash_table_size(table->keys) > 0 ? ", only longer ones that begin so"
							       : "",
			    args[0]);
		return RD_EXIT_FAILED;
	}
	bytes = g_bytes_get_data(key->value, &size);
	if (raw)
		fwrite(bytes, 1, size, stdout);
	else
		rd_value_print(bytes, size);
	return RD_EXIT_DONE;
}

const RdCommand rd_command_backup_cat = {
    .name = "backup cat",
    .args = "BACKUP KEY",
    .summary = "one object in a snapshot",
    .help = "JSON is printed. What Kubernetes stores as protobuf is only named: kind and name; "
	    "--raw gives its bytes.",
    .options = rd_backup_cat_options,
    .run = rd_backup_cat_run,
};

/* ---- diff ---------------------------------------------------------------------------------- */

static gboolean list_keys;

static const GOptionEntry *
rd_backup_diff_options(void)
{
	static GOptionEntry entries[3];

	entries[0] = *rd_backup_options();
	entries[1] = (GOptionEntry){.long_name = "keys",
				    .arg = G_OPTION_ARG_NONE,
				    .arg_data = &list_keys,
				    .description = "every key that differs, instead of counts"};
	return entries;
}

static void
rd_diff_print_counts(const RdCli *cli, GPtrArray *list)
{
	guint64 only_a = 0, only_b = 0, changed = 0;

	if (list->len > 0)
		printf("%9s %9s %9s\n", "only A", "only B", "changed");
	for (guint i = 0; i < list->len; i++) {
		const RdDifference *one = list->pdata[i];
		g_autofree char *resource = rd_screen_clean(one->resource);
		g_autofree char *namespace = rd_screen_clean(one->namespace);

		printf("%9" G_GUINT64_FORMAT " %9" G_GUINT64_FORMAT " %9" G_GUINT64_FORMAT
		       "  %s%s%s\n",
		       one->only_a, one->only_b, one->changed, resource,
		       namespace[0] != '\0' ? " " : "", namespace);
		only_a += one->only_a;
		only_b += one->only_b;
		changed += one->changed;
	}
	printf("%9" G_GUINT64_FORMAT " %9" G_GUINT64_FORMAT " %9" G_GUINT64_FORMAT "  in all\n",
	       only_a, only_b, changed);
}

static void
rd_diff_print_json(GPtrArray *list)
{
	for (guint i = 0; i < list->len; i++) {
		const RdDifference *one = list->pdata[i];
		g_autoptr(JsonBuilder) json = json_builder_new();
		g_autoptr(JsonNode) root = NULL;
		g_autofree char *text = NULL;

		json_builder_begin_object(json);
		rd_json_string(json, "resource", one->resource);
		rd_json_string(json, "namespace",
			       one->namespace[0] != '\0' ? one->namespace : NULL);
		rd_json_int(json, "onlyA", one->only_a);
		rd_json_int(json, "onlyB", one->only_b);
		rd_json_int(json, "changed", one->changed);
		json_builder_end_object(json);
		root = json_builder_get_root(json);
		text = rd_json_print(root, FALSE);
		fputs(text, stdout);
	}
}

static void
rd_diff_print_keys(const RdKeyTable *a, const RdKeyTable *b)
{
	static const char signs[] =
	    {[RD_KEY_ONLY_A] = '-', [RD_KEY_ONLY_B] = '+', [RD_KEY_CHANGED] = '~'};
	g_autoptr(GPtrArray) in_a = rd_key_table_sort(a), in_b = rd_key_table_sort(b);

	for (guint i = 0, j = 0; i < in_a->len || j < in_b->len;) {
		int order = i == in_a->len   ? 1
			    : j == in_b->len ? -1
					     : strcmp(in_a->pdata[i], in_b->pdata[j]);
		const char *name = order <= 0 ? in_a->pdata[i] : in_b->pdata[j];
		RdKeyFate fate = rd_key_fate(a, b, name);
		g_autofree char *clean = rd_screen_clean(name);

		if (fate != RD_KEY_SAME)
			printf("%c %s\n", signs[fate], clean);
		i += order <= 0 ? 1 : 0;
		j += order >= 0 ? 1 : 0;
	}
}

static RdExit
rd_backup_diff_run(const RdCli *cli, char **args, GError **error)
{
	const RdKeyFilter filter = {0};
	g_autoptr(RdKeyTable) a = NULL;
	g_autoptr(RdKeyTable) b = NULL;
	g_autoptr(GPtrArray) list = NULL;
	gboolean json = FALSE;

	if (!rd_backup_wants_json(&json, error))
		return RD_EXIT_USAGE;
	a = rd_backup_read_keys(args[0], &filter, error);
	b = a != NULL ? rd_backup_read_keys(args[1], &filter, error) : NULL;
	if (b == NULL)
		return RD_EXIT_FAILED;
	if (list_keys) {
		rd_diff_print_keys(a, b);
		return RD_EXIT_DONE;
	}
	list = rd_key_table_compare(a, b);
	if (json)
		rd_diff_print_json(list);
	else
		rd_diff_print_counts(cli, list);
	return RD_EXIT_DONE;
}

const RdCommand rd_command_backup_diff = {
    .name = "backup diff",
    .args = "A B",
    .summary = "what two snapshots do not have in common, by kind and namespace",
    .help = "A key is changed when its last change has another revision. That says something only "
	    "about snapshots of one history: when one of them was restored in between, revisions "
	    "begin anew. With --keys, “-” is only in A, “+” only in B, “~” changed.",
    .options = rd_backup_diff_options,
    .run = rd_backup_diff_run,
};

/* ---- storage ------------------------------------------------------------------------------- */

static RdExit
rd_backup_storage_run(const RdCli *cli, char **args, GError **error)
{
	g_autofree char *path = rd_backup_path(args[0], error);
	g_autoptr(JsonNode) copy = path != NULL ? rd_storage_copy_read(path, NULL, error) : NULL;
	g_autofree char *text = copy != NULL ? rd_json_print(copy, TRUE) : NULL;

	if (text == NULL)
		return RD_EXIT_FAILED;
	fputs(text, stdout);
	return RD_EXIT_DONE;
}

const RdCommand rd_command_backup_storage = {
    .name = "backup storage",
    .args = "BACKUP",
    .summary = "who had which volume, for audit-storage to compare with",
    .help =
	"Where no API answered before a restore, take the rescue copy of the run (local/ in its "
	"directory): it has what the API would have said. Then: recoveryd start audit-storage "
	"-i before=FILE, with the whole path.",
    .run = rd_backup_storage_run,
};
