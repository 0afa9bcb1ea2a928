/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include <stdio.h>
#include <string.h>

#include "backup/verdict.h"
#include "cli/backup.h"
#include "cli/commands.h"
#include "cli/trial.h"
#include "yaml/format.h"
#include "yaml/json.h"

#define LEVEL_COLUMN 7
#define CHECK_COLUMN 14 /* the longest name and two spaces */

static char *output, *trial_cluster;
static gboolean trial;
static char **trial_excuses;

const GOptionEntry *
rd_backup_options(void)
{
	static const GOptionEntry entries[] = {
	    {"output", 'o', 0, G_OPTION_ARG_STRING, &output, "JSON instead of text", "json"},
	    {NULL},
	};

	return entries;
}

gboolean
rd_backup_wants_json(gboolean *json, GError **error)
{
	*json = output != NULL;
	return output == NULL || strcmp(output, "json") == 0 ||
	       rd_cli_usage(error, "-o is json, not %s", output);
}

/* ---- verify -------------------------------------------------------------------------------- */

static const GOptionEntry *
rd_backup_verify_options(void)
{
	static const GOptionEntry entries[] = {
	    {"output", 'o', 0, G_OPTION_ARG_STRING, &output, "JSON instead of text", "json"},
	    {"trial-restore", 0, 0, G_OPTION_ARG_NONE, &trial,
	     "then restore the snapshot aside on the recovery host, count, and take it away", NULL},
	    {"cluster", 'c', 0, G_OPTION_ARG_FILENAME, &trial_cluster,
	     "for --trial-restore: the cluster's inventory", "FILE"},
	    {"excuse", 0, 0, G_OPTION_ARG_STRING_ARRAY, &trial_excuses,
	     "for --trial-restore, as start takes it: this host is powered off", "HOST=REASON"},
	    {NULL},
	};

	return entries;
}

/* @text filled up with spaces that stay */
static char *
rd_verdict_column(const char *text, guint columns)
{
	GString *out = g_string_new(text);

	for (gsize i = strlen(text); i < columns; i++)
		g_string_append(out, RD_SPACE);
	return g_string_free(out, FALSE);
}

static void
rd_verdict_print(const RdCli *cli, const RdBackupVerdict *verdict)
{
	static const char *const inks[] = {[RD_CHECK_OK] = RD_INK_GOOD,
					   [RD_CHECK_WARN] = RD_INK_WARN,
					   [RD_CHECK_BLOCK] = RD_INK_BAD};
	g_autoptr(GString) page = g_string_new(NULL);
	g_autofree char *path = rd_screen_clean(verdict->path);

	for (guint i = 0; i < verdict->checks->len; i++) {
		const RdCheck *check = verdict->checks->pdata[i];
		g_autofree char *text = rd_screen_clean(check->text);

		g_autofree char *level =
		    rd_verdict_column(rd_check_level_to_string(check->level), LEVEL_COLUMN);
		g_autofree char *name = rd_verdict_column(check->name, CHECK_COLUMN);

		rd_page_printf(page, &cli->screen, 0, LEVEL_COLUMN + CHECK_COLUMN, "%s%s%s%s%s",
			       inks[check->level], level, RD_INK_END, name, text);
		if (check->remedy != NULL)
			rd_page_printf(page, &cli->screen, LEVEL_COLUMN + CHECK_COLUMN,
				       LEVEL_COLUMN + CHECK_COLUMN, "%s%s%s", RD_INK_BOLD,
				       check->remedy, RD_INK_END);
	}
	rd_page_printf(page, &cli->screen, 0, 0, "%s%s%s %s", inks[verdict->level],
		       verdict->level == RD_CHECK_BLOCK	 ? "not to be restored:"
		       : verdict->level == RD_CHECK_WARN ? "can be restored, knowing the above:"
							 : "can be restored:",
		       RD_INK_END, path);
	fputs(page->str, stdout);
}

static void
rd_verdict_add_status(JsonBuilder *json, const RdFacts *facts)
{
	json_builder_set_member_name(json, "snapshot");
	if (facts == NULL) {
		json_builder_add_null_value(json);
		return;
	}
	json_builder_begin_object(json);
	rd_json_int(json, "hash", facts->hash);
	rd_json_number(json, "revision", facts->revision);
	rd_json_int(json, "keys", facts->keys);
	rd_json_int(json, "entries", facts->entries);
	rd_json_int(json, "size", facts->size);
	rd_json_number(json, "index", facts->index);
	rd_json_number(json, "term", facts->term);
	rd_json_number(json, "compacted", facts->compacted);
	rd_backup_add_members(json, facts);
	json_builder_end_object(json);
}

static void
rd_verdict_add_certificates(JsonBuilder *json, const RdResources *resources)
{
	json_builder_set_member_name(json, "certificates");
	json_builder_begin_array(json);
	for (guint i = 0; resources != NULL && i < resources->certificates->len; i++) {
		const RdCertificate *one = resources->certificates->pdata[i];
		g_autofree char *ends = rd_format_rfc3339(one->ends * G_USEC_PER_SEC);

		json_builder_begin_object(json);
		rd_json_string(json, "file", one->file);
		rd_json_string(json, "subject", one->subject);
		rd_json_string(json, "sha256", one->sha256);
		rd_json_bool(json, "authority", one->authority);
		rd_json_string(json, "ends", ends);
		json_builder_end_object(json);
	}
	json_builder_end_array(json);
}

static void
rd_verdict_add_images(JsonBuilder *json, const RdResources *resources)
{
	json_builder_set_member_name(json, "pods");
	json_builder_begin_array(json);
	for (guint i = 0; resources != NULL && i < RD_STATIC_PODS; i++) {
		const RdStaticPod *pod = &resources->pods[i];

		if (!pod->found)
			continue;
		json_builder_begin_object(json);
		rd_json_string(json, "name", pod->name);
		rd_json_int(json, "revision", pod->revision);
		json_builder_set_member_name(json, "images");
		json_builder_begin_array(json);
		for (guint j = 0; pod->images[j] != NULL; j++)
			json_builder_add_string_value(json, pod->images[j]);
		json_builder_end_array(json);
		json_builder_end_object(json);
	}
	json_builder_end_array(json);
}

static void
rd_verdict_print_json(const RdBackupVerdict *verdict)
{
	g_autoptr(JsonBuilder) json = json_builder_new();
	g_autoptr(JsonNode) root = NULL;
	g_autofree char *text = NULL;

	json_builder_begin_object(json);
	rd_json_string(json, "path", verdict->path);
	rd_json_string(json, "stamp", verdict->pair != NULL ? verdict->pair->stamp : NULL);
	rd_json_string(json, "sha256", verdict->proof != NULL ? verdict->proof->sha256 : NULL);
	rd_json_string(json, "verdict", rd_check_level_to_string(verdict->level));
	json_builder_set_member_name(json, "checks");
	json_builder_begin_array(json);
	for (guint i = 0; i < verdict->checks->len; i++) {
		const RdCheck *check = verdict->checks->pdata[i];

		json_builder_begin_object(json);
		rd_json_string(json, "name", check->name);
		rd_json_string(json, "level", rd_check_level_to_string(check->level));
		rd_json_string(json, "text", check->text);
		rd_json_string(json, "remedy", check->remedy);
		json_builder_end_object(json);
	}
	json_builder_end_array(json);
	rd_verdict_add_status(json, verdict->facts);
	rd_verdict_add_images(json, verdict->resources);
	rd_verdict_add_certificates(json, verdict->resources);
	rd_json_string(json, "encryptionKey",
		       verdict->resources != NULL ? verdict->resources->encryption_key : NULL);
	json_builder_end_object(json);
	root = json_builder_get_root(json);
	text = rd_json_print(root, TRUE);
	fputs(text, stdout);
}

static RdExit
rd_backup_verify_run(const RdCli *cli, char **args, GError **error)
{
	g_autoptr(RdBackupVerdict) verdict = NULL;
	gboolean json = FALSE;

	if (!rd_backup_wants_json(&json, error))
		return RD_EXIT_USAGE;
	verdict = rd_verdict_reach(args[0], g_get_real_time() / G_USEC_PER_SEC, NULL, error);
	if (verdict == NULL)
		return RD_EXIT_FAILED;
	if (json)
		rd_verdict_print_json(verdict);
	else
		rd_verdict_print(cli, verdict);
	if (trial)
		return rd_trial_restore(cli, trial_cluster, trial_excuses, verdict, error);
	return verdict->level == RD_CHECK_BLOCK ? RD_EXIT_REFUSED : RD_EXIT_DONE;
}

const RdCommand rd_command_backup_verify = {
    .name = "backup verify",
    .args = "BACKUP",
    .summary = "prove a backup with nothing but its files",
    .help = "BACKUP is the directory that cluster-backup.sh wrote, the snapshot in it, or a "
	    "snapshot alone. Every page and every key of the snapshot is looked at, and every "
	    "member of the static resources; nothing is unpacked, and no etcd is needed.\n\n"
	    "Each check says ok, warn (can be used, knowing this) or block. With a block the exit "
	    "code is 7.\n\n"
	    "--trial-restore -c FILE: then the recovery host's own etcd image restores the "
	    "snapshot into a directory of recoveryd's, in a container without a network, and "
	    "what an etcd serves from it is compared with what the file says. It is a run of the "
	    "procedure trial-restore: the cluster is locked meanwhile, and nothing of it is "
	    "touched; whichever way the run ends, container and directory are taken away.",
    .options = rd_backup_verify_options,
    .run = rd_backup_verify_run,
};
