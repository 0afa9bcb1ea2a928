/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include <gio/gio.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "engine/addresses.h"
#include "engine/session.h"
#include "host/host.h"
#include "yaml/json.h"

/* lock show, lock break: what the hosts themselves say of who may touch them. No run has to be on
 * this machine for it. */

static char *inventory;
static char *reason;
static char *output;

/* what one host said */
typedef struct {
	const char *host; /* (unowned) */
	RdSurvey survey;
	char *why; /* (nullable) why it said nothing */
} RdLockLook;

typedef struct {
	RdInventory *inventory;
	RdWorld *world;
	GPtrArray *looks; /* (element-type RdLockLook) */
} RdLocks;

static void
rd_lock_look_free(gpointer data)
{
	RdLockLook *look = data;

	rd_survey_clear(&look->survey);
	g_free(look->why);
	g_free(look);
}

static void
rd_locks_clear(RdLocks *self)
{
	g_clear_pointer(&self->world, rd_host_world_free);
	g_clear_pointer(&self->looks, g_ptr_array_unref);
	g_clear_pointer(&self->inventory, rd_inventory_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RdLocks, rd_locks_clear)

static const GOptionEntry *
rd_lock_show_options(void)
{
	static const GOptionEntry entries[] = {
	    {"cluster", 'c', 0, G_OPTION_ARG_FILENAME, &inventory, "the cluster's inventory",
	     "FILE"},
	    {"output", 'o', 0, G_OPTION_ARG_STRING, &output, "another form", "json"},
	    {NULL},
	};

	return entries;
}

static const GOptionEntry *
rd_lock_break_options(void)
{
	static const GOptionEntry entries[] = {
	    {"cluster", 'c', 0, G_OPTION_ARG_FILENAME, &inventory, "the cluster's inventory",
	     "FILE"},
	    {"reason", 'r', 0, G_OPTION_ARG_FILENAME, &reason, "why; is kept on the hosts", "TEXT"},
	    {NULL},
	};

	return entries;
}

static void
rd_lock_understand(RdLockLook *look, const RdReply *reply, GError *failure)
{
	g_autoptr(GError) error = failure;

	if (error == NULL && reply->verdict != RD_VERDICT_DONE)
		look->why = g_strdup(reply->err);
	else if (error != NULL || !rd_survey_parse(reply->out, &look->survey, &error))
		look->why = g_strdup(error->message);
}

/* every host of the inventory, all at once */
static gboolean
rd_locks_look(RdLocks *self, GError **error)
{
	g_autoptr(GPtrArray) addresses = NULL;
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	g_autofree RdCall *calls = NULL;
	g_autofree RdReply *replies = NULL;
	g_autofree GError **errors = NULL;
	guint n;

	if (inventory == NULL)
		return rd_cli_usage(error, "which cluster? -c FILE names its inventory");
	self->inventory = rd_inventory_load(inventory, NULL, error);
	if (self->inventory == NULL)
		return FALSE;
	n = self->inventory->hosts->len;
	calls = g_new0(RdCall, n);
	replies = g_new0(RdReply, n);
	errors = g_new0(GError *, n);
	addresses = rd_addresses_of(self->inventory, NULL);
	self->world = rd_host_world_new(addresses, "lock", -1);
	for (guint i = 0; i < n; i++) {
		g_ptr_array_add(names, ((RdInventoryHost *)self->inventory->hosts->pdata[i])->name);
		calls[i] = (RdCall){.verb = RD_CALL_SURVEY, .input_fd = -1};
	}
	self->world->klass->call_all(self->world, (const char *const *)names->pdata, n, calls,
				     replies, errors);
	self->looks = g_ptr_array_new_with_free_func(rd_lock_look_free);
	for (guint i = 0; i < n; i++) {
		RdLockLook *look = g_new0(RdLockLook, 1);

		look->host = g_ptr_array_index(names, i);
		look->survey.number = -1;
		rd_lock_understand(look, &replies[i], errors[i]);
		rd_reply_clear(&replies[i]);
		g_ptr_array_add(self->looks, look);
	}
	return TRUE;
}

/* ---- show ---------------------------------------------------------------------------------- */

static void
rd_lock_print(const RdCli *cli, GString *page, const RdLockLook *look)
{
	const RdSurvey *survey = &look->survey;
	g_autofree char *host = rd_screen_pad(look->host, 8);
	g_autofree char *who = rd_screen_clean(survey->who != NULL ? survey->who : "");
	g_autofree char *why = rd_screen_clean(look->why != NULL ? look->why : "");

	if (look->why != NULL) {
		rd_page_printf(page, &cli->screen, 0, 10, "%s  " RD_INK_BAD "%s" RD_INK_END, host,
			       why);
		return;
	}
	if (survey->number < 0)
		rd_page_printf(page, &cli->screen, 0, 10,
			       "%s  no lock file: it was never taken, or it was rebuilt", host);
	else
		rd_page_printf(
		    page, &cli->screen, 0, 10,
		    "%s  lock #%" G_GINT64_FORMAT " of %s, %s%s" RD_INK_END " by %s, since %s",
		    host, survey->number, survey->run, survey->held ? RD_INK_WORK : RD_INK_DIM,
		    survey->held ? "held" : "given back", who, survey->since);
	for (guint i = 0; survey->jobs != NULL && i < survey->jobs->len; i++) {
		g_autofree char *job = rd_screen_clean(g_ptr_array_index(survey->jobs, i));

		rd_page_printf(page, &cli->screen, 10, 12, "at work there: %s", job);
	}
}

static void
rd_lock_print_json(const RdLocks *self)
{
	g_autoptr(JsonBuilder) json = json_builder_new();
	g_autoptr(JsonNode) root = NULL;
	g_autofree char *text = NULL;

	json_builder_begin_object(json);
	rd_json_int(json, "format", 1);
	rd_json_string(json, "cluster", self->inventory->cluster);
	json_builder_set_member_name(json, "hosts");
	json_builder_begin_array(json);
	for (guint i = 0; i < self->looks->len; i++) {
		const RdLockLook *look = g_ptr_array_index(self->looks, i);
		const RdSurvey *survey = &look->survey;

		json_builder_begin_object(json);
		rd_json_string(json, "host", look->host);
		rd_json_string(json, "error", look->why);
		rd_json_number(json, "number", MAX(survey->number, 0));
		rd_json_string(json, "run", survey->run);
		rd_json_string(json, "who", survey->who);
		rd_json_string(json, "since", survey->since);
		rd_json_bool(json, "held", survey->held);
		json_builder_set_member_name(json, "jobs");
		json_builder_begin_array(json);
		for (guint j = 0; survey->jobs != NULL && j < survey->jobs->len; j++)
			json_builder_add_string_value(json, g_ptr_array_index(survey->jobs, j));
		json_builder_end_array(json);
		json_builder_end_object(json);
	}
	json_builder_end_array(json);
	json_builder_end_object(json);
	root = json_builder_get_root(json);
	text = rd_json_print(root, TRUE);
	fputs(text, stdout);
}

static RdExit
rd_lock_show_run(const RdCli *cli, char **args, GError **error)
{
	g_auto(RdLocks) self = {0};
	g_autoptr(GString) page = g_string_new(NULL);
	guint silent = 0;

	if (output != NULL && strcmp(output, "json") != 0) {
		rd_cli_usage(error, "-o is json, not %s", output);
		return RD_EXIT_USAGE;
	}
	if (!rd_locks_look(&self, error))
		return RD_EXIT_USAGE;
	for (guint i = 0; i < self.looks->len; i++) {
		const RdLockLook *look = g_ptr_array_index(self.looks, i);

		silent += look->why != NULL;
		rd_lock_print(cli, page, look);
	}
	if (output != NULL)
		rd_lock_print_json(&self);
	else
		fputs(page->str, stdout);
	/* what was asked for is not known */
	return silent < self.looks->len ? RD_EXIT_DONE : RD_EXIT_FAILED;
}

/* ---- break --------------------------------------------------------------------------------- */

/* the run whose lock is meant: the one that was named, or the only one that holds a host */
static const char *
rd_lock_find_run(const RdLocks *self, const char *named, GError **error)
{
	const char *run = NULL;

	for (guint i = 0; i < self->looks->len; i++) {
		const RdLockLook *look = g_ptr_array_index(self->looks, i);

		if (!look->survey.held || (named != NULL && strcmp(look->survey.run, named) != 0))
			continue;
		if (run != NULL && strcmp(run, look->survey.run) != 0) {
			rd_cli_usage(error,
				     "%s and %s hold hosts of this cluster: whose lock is to be "
				     "broken?",
				     run, look->survey.run);
			return NULL;
		}
		run = look->survey.run;
	}
	if (run == NULL)
		rd_cli_usage(error,
			     "%s%s holds no host that answers: there is nothing to break. "
			     "recoveryd lock show -c %s",
			     named != NULL ? "run " : "", named != NULL ? named : "nobody",
			     inventory);
	return run;
}

/* nowhere is anything broken while anything of it is at work anywhere */
static gboolean
rd_lock_check_jobs(const RdLocks *self, GError **error)
{
	for (guint i = 0; i < self->looks->len; i++) {
		const RdLockLook *look = g_ptr_array_index(self->looks, i);

		if (look->survey.jobs == NULL || look->survey.jobs->len == 0)
			continue;
		g_set_error(error, RD_EXIT_ERROR, RD_EXIT_LOCKED,
			    "%s is at work on %s: its lock is not broken while that lasts. Nothing "
			    "was changed",
			    (char *)g_ptr_array_index(look->survey.jobs, 0), look->host);
		return FALSE;
	}
	return TRUE;
}

static gboolean
rd_lock_break_one(const RdCli *cli, const RdLocks *self, const RdLockLook *look)
{
	g_autofree char *who = rd_session_who();
	g_autoptr(GBytes) why = g_bytes_new(reason, strlen(reason));
	g_auto(RdReply) reply = {0};
	g_autoptr(GError) error = NULL;
	const RdCall call = {.verb = RD_CALL_BREAK,
			     .run = look->survey.run,
			     .number = look->survey.number,
			     .who = who,
			     .wait_s = 20,
			     .input = why,
			     .input_fd = -1};

	if (!self->world->klass->call(self->world, look->host, &call, &reply, &error))
		rd_cli_say(cli, "%s", error->message);
	else if (reply.verdict != RD_VERDICT_DONE)
		rd_cli_say(cli, "%s: %s", look->host, reply.err);
	else
		rd_cli_say(cli, "%s: lock #%" G_GINT64_FORMAT " of %s is broken", look->host,
			   look->survey.number, look->survey.run);
	return error == NULL && reply.verdict == RD_VERDICT_DONE;
}

static RdExit
rd_lock_break_run(const RdCli *cli, char **args, GError **error)
{
	g_auto(RdLocks) self = {0};
	const char *run;
	guint left = 0;

	if (reason == NULL || *reason == '\0') {
		rd_cli_usage(error, "breaking a lock needs a --reason");
		return RD_EXIT_USAGE;
	}
	if (!rd_locks_look(&self, error))
		return RD_EXIT_USAGE;
	run = rd_lock_find_run(&self, args[0], error);
	if (run == NULL || !rd_lock_check_jobs(&self, error))
		return RD_EXIT_USAGE;
	for (guint i = 0; i < self.looks->len; i++) {
		const RdLockLook *look = g_ptr_array_index(self.looks, i);

		if (look->why != NULL) {
			rd_cli_say(cli, "%s", look->why);
			left++;
		} else if (look->survey.held && strcmp(look->survey.run, run) == 0 &&
			   !rd_lock_break_one(cli, &self, look)) {
			left++;
		}
	}
	if (left == 0)
		return RD_EXIT_DONE;
	g_set_error(error, RD_EXIT_ERROR, RD_EXIT_FAILED,
		    "on %u hosts it is not broken, or that is not known: the same once more, when "
		    "they answer",
		    left);
	return RD_EXIT_FAILED;
}

const RdCommand rd_command_lock_show = {
    .name = "lock show",
    .args = "",
    .summary = "ask every host who holds it, since when, and what is at work there",
    .help = "Reads only, and needs no run on this machine.",
    .options = rd_lock_show_options,
    .run = rd_lock_show_run,
};

const RdCommand rd_command_lock_break = {
    .name = "lock break",
    .args = "[RUN]",
    .summary = "let the hosts go that a run holds which nobody goes on with",
    .help = "First try to go on with that run: `recoveryd resume RUN` on its bastion, or, if "
	    "that is lost, `recoveryd resume --from-host`. A broken lock leaves everything as "
	    "that run left it, half done where it was half done.\n\n"
	    "--reason is needed; it is kept on each host (/var/lib/recoveryd/broken) with your "
	    "name. It is refused while a job is alive on any host. The run, should it live "
	    "after all, finds itself fenced, and who did it.",
    .options = rd_lock_break_options,
    .run = rd_lock_break_run,
};
