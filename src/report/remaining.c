/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-report"

#include <gio/gio.h>
#include <string.h>

#include "account-private.h"
#include "engine/forecast.h"
#include "moved.h"
#include "remaining-api.h"
#include "remaining-private.h"
#include "remaining-until.h"
#include "remaining.h"
#include "yaml/json.h"

typedef struct {
	const RdEvidence *evidence;
	RdJournal *journal;
	RdTypes *types;
} RdRemaining;

static void
rd_remaining_clear(RdRemaining *self)
{
	g_clear_pointer(&self->journal, rd_journal_free);
	g_clear_pointer(&self->types, rd_types_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RdRemaining, rd_remaining_clear)

/* ---- where it stands ----------------------------------------------------------------------- */

static gboolean
rd_remaining_open(RdRemaining *self, GError **error)
{
	g_autoptr(GPtrArray) copy = g_ptr_array_new_with_free_func((GDestroyNotify)rd_event_free);
	g_autofree char *path = g_build_filename(self->evidence->dir, "types.json", NULL);
	g_autofree char *text = NULL;
	g_autoptr(JsonNode) node = NULL;

	if (!g_file_get_contents(path, &text, NULL, error))
		return FALSE;
	node = json_from_string(text, error);
	self->types = node != NULL ? rd_types_new(node, error) : NULL;
	if (self->types == NULL)
		return FALSE;
	self->journal = rd_journal_new_memory();
	for (guint i = 0; i < self->evidence->events->len; i++)
		g_ptr_array_add(copy, rd_event_copy(g_ptr_array_index(self->evidence->events, i)));
	return rd_journal_append(self->journal, copy, error);
}

/* what a person would type to have it go on; NULL: it goes on by itself */
static const char *
rd_remaining_word(RdRun *run)
{
	RdRunState state = rd_run_get_state(run);

	return state == RD_RUN_NEW || state == RD_RUN_CANCELLING ? NULL : "resume";
}

/* ---- commands ------------------------------------------------------------------------------ */

void
rd_remaining_quote(GString *line, const char *word)
{
	gboolean plain = *word != '\0' && strspn(word, "abcdefghijklmnopqrstuvwxyz"
						       "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
						       "0123456789@%+=:,./_-") == strlen(word);
	g_autofree char *quoted = plain ? g_strdup(word) : g_shell_quote(word);

	g_string_append_printf(line, "%s%s", line->len > 0 ? " " : "", quoted);
}

char *
rd_remaining_login(const RdEvidence *evidence, const char *host)
{
	const RdInventoryHost *found = evidence->setting != NULL
					   ? rd_inventory_find(evidence->setting->inventory, host)
					   : NULL;
	GString *line;

	if (found == NULL)
		return NULL;
	line = g_string_new("ssh");
	if (found->login->host_key == NULL) {
		g_autofree char *known =
		    g_strdup_printf("UserKnownHostsFile=%s", found->login->known_hosts);

		g_string_append(line, " -o");
		rd_remaining_quote(line, known);
	}
	if (found->login->key != NULL) {
		g_string_append(line, " -i");
		rd_remaining_quote(line, found->login->key);
	}
	if (found->login->port != 22)
		g_string_append_printf(line, " -p %u", found->login->port);
	if (found->jump != NULL)
		g_string_append_printf(line, " -J %s@%s:%u", found->jump->user,
				       found->jump->address, found->jump->port);
	g_string_append_printf(line, " %s@%s", found->login->user, found->login->address);
	return g_string_free(line, FALSE);
}

static void
rd_remaining_words(GString *line, JsonObject *entry, const char *name)
{
	JsonArray *words =
	    json_object_has_member(entry, name) ? json_object_get_array_member(entry, name) : NULL;

	for (guint i = 0; words != NULL && i < json_array_get_length(words); i++)
		rd_remaining_quote(line, json_array_get_string_element(words, i));
}

/* run and job: what goes to the command's stdin is not written down */
static char *
rd_remaining_run(JsonObject *entry)
{
	const char *cwd = rd_foreseen_get(entry, "cwd");
	GString *line = g_string_new(NULL);
	g_autoptr(GString) whole = g_string_new("sudo"), script = NULL;

	if (rd_foreseen_get(entry, "input-bytes") != NULL) {
		g_string_free(line, TRUE);
		return NULL;
	}
	if (json_object_has_member(entry, "env"))
		g_string_append(line, "env -i PATH=\"$PATH\"");
	rd_remaining_words(line, entry, "env");
	rd_remaining_words(line, entry, "argv");
	if (cwd == NULL) {
		g_string_prepend(line, "sudo ");
		return g_string_free(line, FALSE);
	}
	rd_remaining_quote(whole, "sh");
	rd_remaining_quote(whole, "-c");
	script = g_string_new("cd");
	rd_remaining_quote(script, cwd);
	g_string_append_printf(script, " && %s", line->str);
	rd_remaining_quote(whole, script->str);
	g_string_free(line, TRUE);
	return g_strdup(whole->str);
}

/* What is moved aside is found by its line in the index on the host, also by recoveryd afterwards;
 * the line comes first, as the wrapper does it. */
static char *
rd_remaining_move(const RdEvidence *evidence, JsonObject *entry)
{
	const char *from = rd_foreseen_get(entry, "from");
	const char *to = rd_foreseen_get(entry, "to");
	gboolean aside = g_strcmp0(rd_foreseen_get(entry, "verb"), "move-aside") == 0;
	g_autofree char *kept = g_strdup_printf("/var/lib/recoveryd/aside/%s", evidence->run_id);
	g_autofree char *dir = NULL;
	g_autoptr(GString) script = g_string_new("mkdir -p");
	GString *line;

	if (from == NULL || to == NULL)
		return NULL;
	dir = g_path_get_dirname(to);
	rd_remaining_quote(script, dir);
	if (aside) {
		rd_remaining_quote(script, kept);
		g_string_append_printf(
		    script, " && printf \"%%s\\t%%s\\n\" \"$1\" \"$2\" >>%s/index", kept);
	}
	g_string_append(script, " && " RD_MOVED_SCRIPT);
	line = g_string_new("sudo sh -c");
	rd_remaining_quote(line, script->str);
	g_string_append(line, " mv");
	rd_remaining_quote(line, from);
	rd_remaining_quote(line, to);
	return g_string_free(line, FALSE);
}

/* from the bastion, over a login */
static char *
rd_remaining_put(const RdEvidence *evidence, JsonObject *entry)
{
	const char *text = rd_foreseen_get(entry, "text");
	const char *arrow = text != NULL ? strstr(text, " -> ") : NULL;
	g_autofree char *from = arrow != NULL ? g_strndup(text, arrow - text) : NULL;
	g_autofree char *login = rd_remaining_login(evidence, rd_foreseen_get(entry, "host"));
	const char *to = rd_foreseen_get(entry, "to");
	const char *sum = rd_foreseen_get(entry, "sha256");
	g_autofree char *dir = NULL;
	g_autoptr(GString) remote = g_string_new("umask 077 && mkdir -p");
	GString *line;

	if (from == NULL || *from != '/' || login == NULL || to == NULL || sum == NULL)
		return NULL;
	dir = g_path_get_dirname(to);
	rd_remaining_quote(remote, dir);
	g_string_append(remote, " && cat >");
	rd_remaining_quote(remote, to);
	g_string_append_printf(remote, " && chmod %s", rd_foreseen_get(entry, "mode"));
	rd_remaining_quote(remote, to);
	g_string_append_printf(remote, " && echo '%s ' ", sum);
	rd_remaining_quote(remote, to);
	g_string_append(remote, " | sha256sum -c --quiet");
	line = g_string_new("sudo sh -c");
	rd_remaining_quote(line, remote->str);
	g_string_assign(remote, line->str);
	g_string_assign(line, login);
	rd_remaining_quote(line, remote->str);
	g_string_append(line, " <");
	rd_remaining_quote(line, from);
	return g_string_free(line, FALSE);
}

/* NULL: nobody can type it as it is */
static char *
rd_remaining_command(const RdEvidence *evidence, JsonObject *entry)
{
	const char *verb = rd_foreseen_get(entry, "verb");
	g_autofree char *command = NULL;

	if (g_strcmp0(verb, "run") == 0 || g_strcmp0(verb, "job-start") == 0)
		command = rd_remaining_run(entry);
	else if (g_strcmp0(verb, "move") == 0 || g_strcmp0(verb, "move-aside") == 0)
		command = rd_remaining_move(evidence, entry);
	else if (g_strcmp0(verb, "put") == 0)
		command = rd_remaining_put(evidence, entry);
	else if (rd_remaining_api_is(entry) && evidence->setting != NULL)
		command = rd_remaining_api_command(evidence->setting->inventory, entry);
	/* something in it is known only when what stands before it has been done */
	if (command != NULL &&
	    (strstr(command, RD_FORESEEN_THEN) != NULL || strstr(command, "${") != NULL))
		return NULL;
	return g_steal_pointer(&command);
}

/* "A && B" of what follows change @number when it ended so; NULL when one of them has no command */
static char *
rd_remaining_branch(const RdEvidence *evidence, JsonArray *entries, guint number, const char *which)
{
	g_autofree char *wanted = g_strdup_printf("%u", number);
	GString *line = g_string_new(NULL);

	for (guint i = number; i < json_array_get_length(entries); i++) {
		JsonObject *entry = json_array_get_object_element(entries, i);
		g_autofree char *command = NULL;

		if (g_strcmp0(rd_foreseen_get(entry, which), wanted) != 0)
			continue;
		command = rd_remaining_command(evidence, entry);
		/* a block has one place */
		if (command == NULL || g_strcmp0(rd_foreseen_get(entry, "verb"), "put") == 0 ||
		    rd_remaining_api_is(entry)) {
			g_string_free(line, TRUE);
			return NULL;
		}
		g_string_append_printf(line, "%s%s", line->len > 0 ? " && " : "", command);
	}
	return g_string_free(line, FALSE);
}

/* a command whose failing is no end but leads another way: both ways, as a shell takes them */
static char *
rd_remaining_fork(const RdEvidence *evidence, JsonArray *entries, guint number)
{
	g_autofree char *question =
	    rd_remaining_command(evidence, json_array_get_object_element(entries, number - 1));
	g_autofree char *well = rd_remaining_branch(evidence, entries, number, "if-well");
	g_autofree char *fails = rd_remaining_branch(evidence, entries, number, "if-fails");

	if (question == NULL || well == NULL || fails == NULL || *fails == '\0')
		return NULL;
	return g_strdup_printf("if %s\nthen %s\nelse %s\nfi", question,
			       *well != '\0' ? well : "true", fails);
}

static const char *
rd_remaining_place(const RdEvidence *evidence, JsonObject *entry)
{
	const char *place = NULL;

	if (g_strcmp0(rd_foreseen_get(entry, "verb"), "put") == 0)
		return RD_REMAINING_BASTION;
	if (rd_remaining_api_is(entry) && evidence->setting != NULL)
		place = rd_remaining_api_place(evidence->setting->inventory);
	return place != NULL ? place : rd_foreseen_get(entry, "host");
}

static void
rd_remaining_entry(JsonBuilder *json, const RdEvidence *evidence, JsonObject *entry,
		   const char *command, gboolean fork)
{
	json_builder_begin_object(json);
	rd_json_string(json, "on", rd_remaining_place(evidence, entry));
	rd_json_string(json, "verb", rd_foreseen_get(entry, "verb"));
	rd_json_string(json, "command", command);
	rd_json_string(json, "text", rd_foreseen_get(entry, "text"));
	rd_json_string(json, "depends", fork ? NULL : rd_foreseen_get(entry, "depends"));
	json_builder_end_object(json);
}

static void
rd_remaining_entries(JsonBuilder *json, const RdEvidence *evidence, JsonArray *entries)
{
	for (guint i = 0; i < json_array_get_length(entries); i++) {
		JsonObject *entry = json_array_get_object_element(entries, i);
		g_autofree char *fork = rd_remaining_fork(evidence, entries, i + 1);
		g_autofree char *command = rd_remaining_command(evidence, entry);

		rd_remaining_entry(json, evidence, entry, fork != NULL ? fork : command,
				   fork != NULL);
		/* what follows stands in it */
		if (fork != NULL)
			break;
	}
}

/* ---- steps --------------------------------------------------------------------------------- */

/* a change of an earlier step that @entry takes back, or whose work it carries away */
static gboolean
rd_remaining_undoes(JsonObject *entry, JsonObject *earlier)
{
	const char *from = rd_foreseen_get(entry, "from");
	const char *to = rd_foreseen_get(entry, "to");
	const char *text = rd_foreseen_get(earlier, "text");
	g_autofree char *dir = from != NULL ? g_path_get_dirname(from) : NULL;

	if (to == NULL ||
	    g_strcmp0(rd_foreseen_get(earlier, "host"), rd_foreseen_get(entry, "host")) != 0)
		return FALSE;
	return g_strcmp0(rd_foreseen_get(earlier, "from"), to) == 0 ||
	       (dir != NULL && text != NULL && strstr(text, dir) != NULL);
}

/* Once @step was typed, does one before it, of those that are left, look undone? Then a resume
 * would do that one again. */
static gboolean
rd_remaining_reverses(const RdForecast *forecast, guint index)
{
	const RdForecastStep *step = g_ptr_array_index(forecast->steps, index);

	for (guint i = 0; i < json_array_get_length(step->entries); i++) {
		JsonObject *entry = json_array_get_object_element(step->entries, i);

		for (guint j = 0; j < index; j++) {
			const RdForecastStep *before = g_ptr_array_index(forecast->steps, j);

			for (guint k = 0; k < json_array_get_length(before->entries); k++)
				if (rd_remaining_undoes(
					entry, json_array_get_object_element(before->entries, k)))
					return TRUE;
		}
	}
	return FALSE;
}

static void
rd_remaining_step(JsonBuilder *json, const RdRemaining *self, const RdForecast *forecast,
		  guint index)
{
	const RdForecastStep *step = g_ptr_array_index(forecast->steps, index);
	g_autofree char *name = rd_account_step_name(step->plan->name, step->target);
	const RdType *type = rd_types_find(self->types, step->plan->type);

	json_builder_begin_object(json);
	rd_json_string(json, "step", name);
	rd_json_string(json, "target", step->target);
	rd_json_string(json, "type", step->plan->type);
	rd_json_string(json, "summary", type != NULL ? type->summary : NULL);
	rd_json_string(json, "mark",
		       step->plan->mark != RD_MARK_NONE ? rd_mark_to_string(step->plan->mark)
							: NULL);
	rd_json_string(json, "word", rd_forecast_word_to_string(step->word));
	rd_json_string(json, "state", step->plan->name);
	rd_json_bool(json, "parallel", step->plan->width > 1 && step->plan->targets->len > 1);
	rd_json_bool(json, "back", step->back);
	rd_json_bool(json, "reverses", rd_remaining_reverses(forecast, index));
	rd_json_string(json, "text", step->text);
	rd_json_string(json, "open", step->open);
	rd_json_string(json, "when", step->when);
	json_builder_set_member_name(json, "commands");
	json_builder_begin_array(json);
	rd_remaining_entries(json, self->evidence, step->entries);
	json_builder_end_array(json);
	/* what is given back is over when it is not so any more: its own words do not say that */
	if (!step->back && step->word != RD_FORECAST_SKIPPED && step->word != RD_FORECAST_ALREADY) {
		rd_remaining_until(json, self->evidence, self->types, step);
	} else {
		json_builder_set_member_name(json, "until");
		json_builder_add_null_value(json);
	}
	json_builder_end_object(json);
}

/* @back: of what is given back alone */
static JsonNode *
rd_remaining_walk(const RdRemainingOptions *options, const char *word, gboolean back,
		  GError **error)
{
	g_auto(RdRemaining) self = {.evidence = options->evidence};
	g_autoptr(JsonBuilder) json = json_builder_new();
	g_autoptr(RdForecast) forecast = NULL;
	RdForecastOptions walk = {.plan = options->evidence->plan,
				  .word = word,
				  .crew = options->crew,
				  .now = options->now,
				  .data = options->data};

	if (!rd_remaining_open(&self, error))
		return NULL;
	walk.journal = self.journal;
	walk.types = self.types;
	forecast = rd_forecast_make(&walk, error);
	if (forecast == NULL)
		return NULL;
	json_builder_begin_array(json);
	for (guint i = 0; i < forecast->steps->len; i++) {
		const RdForecastStep *step = g_ptr_array_index(forecast->steps, i);

		if (!back || step->back)
			rd_remaining_step(json, &self, forecast, i);
	}
	json_builder_end_array(json);
	return json_builder_get_root(json);
}

JsonNode *
rd_remaining_new(const RdRemainingOptions *options, GError **error)
{
	return rd_remaining_walk(options, rd_remaining_word(options->evidence->run), FALSE, error);
}

JsonNode *
rd_remaining_give_back(const RdRemainingOptions *options, GError **error)
{
	const char *word =
	    rd_run_get_state(options->evidence->run) == RD_RUN_CANCELLING ? NULL : "cancel";

	return rd_remaining_walk(options, word, TRUE, error);
}
