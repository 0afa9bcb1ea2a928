/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include <stdio.h>
#include <string.h>

#include "backup/identity.h"
#include "backup/pair.h"
#include "cli/backup.h"
#include "cli/commands.h"
#include "yaml/format.h"
#include "yaml/json.h"

#define NAME_COLUMN 12

typedef struct {
	char *path;
	gint64 taken; /* seconds since 1970 by its name; 0: not said */
	RdFacts *facts;
	RdIdentity *identity;
} Shown;

static void
shown_clear(Shown *self)
{
	g_free(self->path);
	rd_facts_free(self->facts);
	rd_identity_free(self->identity);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Shown, shown_clear)

char *
rd_backup_path(const char *argument, GError **error)
{
	g_autoptr(RdPair) pair = NULL;

	if (!g_file_test(argument, G_FILE_TEST_IS_DIR))
		return g_canonicalize_filename(argument, NULL);
	pair = rd_pair_choose(argument, error);
	return pair != NULL ? g_strdup(pair->snapshot) : NULL;
}

static gboolean
rd_shown_read(Shown *self, const char *argument, GError **error)
{
	g_autoptr(RdPair) pair = NULL;

	self->path = rd_backup_path(argument, error);
	if (self->path == NULL)
		return FALSE;
	pair = rd_pair_choose(self->path, NULL);
	if (pair != NULL && pair->taken != NULL)
		self->taken = g_date_time_to_unix(pair->taken);
	self->facts = rd_facts_read(self->path, NULL, error);
	if (self->facts == NULL)
		return FALSE;
	self->identity = rd_identity_read(self->path, NULL, error);
	return self->identity != NULL;
}

/* ---- as text ------------------------------------------------------------------------------- */

static void
rd_show_line(GString *page, const RdCli *cli, const char *name, const char *text)
{
	g_autofree char *clean = text != NULL ? rd_screen_clean(text) : NULL;

	if (clean != NULL && clean[0] != '\0')
		rd_page_printf(page, &cli->screen, 0, NAME_COLUMN, "%-*s%s", NAME_COLUMN, name,
			       clean);
}

static void
rd_show_list(GString *page, const RdCli *cli, const char *name, char **texts)
{
	g_autofree char *list = g_strjoinv(", ", texts);

	rd_show_line(page, cli, name, list);
}

static void
rd_show_time(GString *page, const RdCli *cli, const char *name, gint64 seconds, const char *behind)
{
	gint64 age = g_get_real_time() - seconds * G_USEC_PER_SEC;
	g_autofree char *when = NULL;
	g_autofree char *ago = rd_format_duration(age);
	g_autofree char *line = NULL;

	if (seconds <= 0 || seconds > G_MAXINT64 / G_USEC_PER_SEC)
		return;
	when = rd_format_moment(seconds * G_USEC_PER_SEC);
	line = g_strdup_printf("%s, %s %s%s", when, age < 0 ? "in the future" : ago,
			       age < 0 ? "" : "ago", behind);
	rd_show_line(page, cli, name, line);
}

static void
rd_show_members(GString *page, const RdCli *cli, const RdFacts *facts)
{
	for (guint i = 0; i < facts->members->len; i++) {
		const RdMember *member = facts->members->pdata[i];
		g_autofree char *urls = g_strjoinv(",", member->peer_urls);
		g_autofree char *line = g_strdup_printf(
		    "%s %s %s%s", member->name[0] != '\0' ? member->name : "(never started)",
		    member->id, urls, member->learner ? " learner" : "");

		rd_show_line(page, cli, i == 0 ? "members" : "", line);
	}
}

static void
rd_show_print(const RdCli *cli, const Shown *shown)
{
	const RdIdentity *identity = shown->identity;
	g_autoptr(GString) page = g_string_new(NULL);
	g_autofree char *version =
	    g_strconcat(identity->version != NULL ? identity->version : "",
			identity->updating ? ", amid an update to it" : "", NULL);
	g_autofree char *content =
	    g_strdup_printf("%" G_GUINT64_FORMAT " keys at revision %" G_GINT64_FORMAT
			    ", %" G_GINT64_FORMAT " MiB, hash %08x",
			    shown->facts->keys, shown->facts->revision, shown->facts->size >> 20,
			    shown->facts->hash);
	g_autofree char *behind =
	    identity->newest != NULL ? g_strdup_printf(" (last: %s)", identity->newest) : NULL;

	rd_show_line(page, cli, "snapshot", shown->path);
	rd_show_time(page, cli, "taken", shown->taken, "");
	rd_show_time(page, cli, "written", identity->written, behind != NULL ? behind : "");
	rd_show_line(page, cli, "content", content);
	rd_show_line(page, cli, "cluster", identity->cluster_id);
	rd_show_line(page, cli, "version", version);
	rd_show_line(page, cli, "name", identity->name);
	rd_show_line(page, cli, "platform", identity->platform);
	rd_show_line(page, cli, "api", identity->api_url);
	rd_show_list(page, cli, "vips", identity->vips);
	rd_show_list(page, cli, "nodes", identity->nodes);
	rd_show_members(page, cli, shown->facts);
	rd_show_line(page, cli, "etcd", shown->facts->cluster_version);
	fputs(page->str, stdout);
}

/* ---- as JSON ------------------------------------------------------------------------------- */

static void
rd_json_texts(JsonBuilder *json, const char *name, char **texts)
{
	json_builder_set_member_name(json, name);
	json_builder_begin_array(json);
	for (guint i = 0; texts[i] != NULL; i++)
		json_builder_add_string_value(json, texts[i]);
	json_builder_end_array(json);
}

void
rd_backup_add_members(JsonBuilder *json, const RdFacts *facts)
{
	json_builder_set_member_name(json, "members");
	json_builder_begin_array(json);
	for (guint i = 0; i < facts->members->len; i++) {
		const RdMember *member = facts->members->pdata[i];

		json_builder_begin_object(json);
		rd_json_string(json, "id", member->id);
		rd_json_string(json, "name", member->name);
		rd_json_bool(json, "learner", member->learner);
		rd_json_texts(json, "peerURLs", member->peer_urls);
		rd_json_texts(json, "clientURLs", member->client_urls);
		json_builder_end_object(json);
	}
	json_builder_end_array(json);
}

static void
rd_json_time(JsonBuilder *json, const char *name, gint64 seconds)
{
	g_autofree char *text = seconds > 0 && seconds < G_MAXINT64 / G_USEC_PER_SEC
				    ? rd_format_rfc3339(seconds * G_USEC_PER_SEC)
				    : NULL;

	rd_json_string(json, name, text);
}

static void
rd_show_print_json(const Shown *shown)
{
	const RdIdentity *identity = shown->identity;
	g_autoptr(JsonBuilder) json = json_builder_new();
	g_autoptr(JsonNode) root = NULL;
	g_autofree char *text = NULL;

	json_builder_begin_object(json);
	rd_json_string(json, "path", shown->path);
	rd_json_time(json, "taken", shown->taken);
	rd_json_time(json, "written", identity->written);
	rd_json_string(json, "newestKey", identity->newest);
	rd_json_number(json, "revision", shown->facts->revision);
	rd_json_int(json, "keys", shown->facts->keys);
	rd_json_int(json, "size", shown->facts->size);
	rd_json_int(json, "hash", shown->facts->hash);
	rd_json_string(json, "clusterID", identity->cluster_id);
	rd_json_string(json, "version", identity->version);
	rd_json_bool(json, "updating", identity->updating);
	rd_json_string(json, "name", identity->name);
	rd_json_string(json, "platform", identity->platform);
	rd_json_string(json, "api", identity->api_url);
	rd_json_texts(json, "vips", identity->vips);
	rd_json_texts(json, "nodes", identity->nodes);
	rd_json_string(json, "etcdVersion", shown->facts->cluster_version);
	rd_backup_add_members(json, shown->facts);
	json_builder_end_object(json);
	root = json_builder_get_root(json);
	text = rd_json_print(root, TRUE);
	fputs(text, stdout);
}

static RdExit
rd_backup_show_run(const RdCli *cli, char **args, GError **error)
{
	g_auto(Shown) shown = {0};
	gboolean json = FALSE;

	if (!rd_backup_wants_json(&json, error))
		return RD_EXIT_USAGE;
	if (!rd_shown_read(&shown, args[0], error))
		return RD_EXIT_FAILED;
	if (json)
		rd_show_print_json(&shown);
	else
		rd_show_print(cli, &shown);
	return RD_EXIT_DONE;
}

const RdCommand rd_command_backup_show = {
    .name = "backup show",
    .args = "BACKUP",
    .summary = "which cluster a backup is of, and how old it is",
    .help = "Reads the objects inside the snapshot: cluster id and version, name, VIPs, nodes, "
	    "members. “written” is the newest time that an object in it names (nodes renew their "
	    "leases every ten seconds).",
    .options = rd_backup_options,
    .run = rd_backup_show_run,
};
