/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include "cli/advise.h"

#include <stdio.h>
#include <string.h>

#include "cli/advise-line.h"
#include "cli/commands.h"
#include "cli/places.h"
#include "cli/prepare.h"
#include "procedure/procedure.h"
#include "yaml/json.h"

#define FIT_COLUMN 8

static char *inventory_path, *backup_path, *recovery_host, *output;
static char **excuses;
static gboolean go_back, no_backup;

static const GOptionEntry *
rd_advise_options(void)
{
	static const GOptionEntry entries[] = {
	    {"cluster", 'c', 0, G_OPTION_ARG_FILENAME, &inventory_path, "the cluster's inventory",
	     "FILE"},
	    {"backup", 'b', 0, G_OPTION_ARG_FILENAME, &backup_path, "the backup that there is",
	     "DIR"},
	    {"no-backup", 0, 0, G_OPTION_ARG_NONE, &no_backup,
	     "state that there is no backup of this cluster at all", NULL},
	    {"excuse", 0, 0, G_OPTION_ARG_STRING_ARRAY, &excuses,
	     "as start takes it: this host is powered off", "HOST=REASON"},
	    {"recovery-host", 0, 0, G_OPTION_ARG_STRING, &recovery_host,
	     "instead of the one that the inventory names", "HOST"},
	    {"go-back", 0, 0, G_OPTION_ARG_NONE, &go_back,
	     "the cluster works, and is to be as it was", NULL},
	    {"output", 'o', 0, G_OPTION_ARG_STRING, &output, "another form", "json"},
	    {NULL},
	};

	return entries;
}

typedef struct {
	const RdAdviseOptions *options;
	RdInventory *inventory;
	RdPreflight *preflight;
	RdSituation situation;
	GPtrArray *choices;
	const RdChoice *best; /* (nullable) */
} RdAdvising;

static void
rd_advising_clear(RdAdvising *self)
{
	g_clear_pointer(&self->choices, g_ptr_array_unref);
	g_clear_pointer(&self->preflight, rd_preflight_free);
	g_clear_pointer(&self->inventory, rd_inventory_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RdAdvising, rd_advising_clear)

/* ---- the line to paste --------------------------------------------------------------------- */

static gboolean
rd_advise_is_installed(const char *name)
{
	g_autofree char *path = rd_procedure_locate(name, rd_place_procedures(), NULL);

	return path != NULL;
}

/* NULL when it does not fit, or nobody here can start it; *how as rd_advise_line_start() has it */
static char *
rd_advise_start(const RdAdvising *self, const RdChoice *choice, char **how)
{
	const RdAdviseLine line = {self->options, self->preflight->facts};

	*how = NULL;
	return choice->fit == RD_FIT_YES && rd_advise_is_installed(choice->row->name)
		   ? rd_advise_line_start(&line, choice->row, how)
		   : NULL;
}

/* the same question once more, with what is missing */
static char *
rd_advise_again(const RdAdvising *self)
{
	const RdAdviseLine line = {self->options, self->preflight->facts};

	return rd_advise_line_again(&line, self->best);
}

/* somebody can begin: with a line, or with a document */
static gboolean
rd_advise_is_ready(const RdAdvising *self)
{
	g_autofree char *line = NULL, *how = NULL;

	if (self->best == NULL || self->best->fit != RD_FIT_YES)
		return FALSE;
	line = rd_advise_start(self, self->best, &how);
	return how == NULL;
}

/* ---- as text ------------------------------------------------------------------------------- */

static void
rd_advise_print_situation(GString *page, const RdScreen *screen, const RdAdvising *self)
{
	const RdSituation *s = &self->situation;
	const RdApiFacts *api = &self->preflight->facts->api;
	g_autofree char *api_text = api->silence != NULL ? rd_screen_clean(api->silence) : NULL;

	rd_page_printf(page, screen, 0, 2,
		       "cluster %s, seen just now, nothing was touched:", self->inventory->cluster);
	rd_page_printf(page, screen, 2, 4, "hosts    %u of %u of the control plane answer%s",
		       s->answer, s->masters,
		       s->stated_off > 0 ? ", the others were stated to be off" : "");
	for (guint i = 0; i < self->preflight->facts->hosts->len; i++) {
		const RdHostFacts *host = self->preflight->facts->hosts->pdata[i];

		if (host->asked || host->excused != NULL)
			continue;
		rd_page_printf(page, screen, 11, 11, RD_INK_WARN "%s does not" RD_INK_END,
			       host->host->name);
	}
	if (s->commit > 0)
		rd_page_printf(page, screen, 2, 11, "etcd     has a quorum, %u members commit",
			       s->commit);
	else if (s->answer == 0)
		rd_page_add(page, screen, 2, 11, "etcd     nobody could be asked");
	else
		rd_page_printf(page, screen, 2, 11,
			       "etcd     no member commits anything; data of a member on %u hosts",
			       s->data);
	if (s->reads)
		rd_page_printf(page, screen, 2, 11, "API      answers reads%s",
			       s->writes ? ", and kubelets renew their leases"
					 : "; no kubelet renews its lease");
	else
		rd_page_printf(page, screen, 2, 11, "API      does not answer: %s",
			       api_text != NULL ? api_text : "");
	if (s->stale > 0) {
		g_autofree char *names = g_strjoinv(", ", api->stale);
		g_autofree char *clean = rd_screen_clean(names);

		rd_page_printf(page, screen, 2, 11,
			       "nodes    " RD_INK_WARN "%s" RD_INK_END " renew no lease", clean);
	}
	rd_page_printf(page, screen, 2, 11, "release  %s", rd_family_to_string(s->family));
	rd_page_printf(page, screen, 2, 11, "backup   %s%s", rd_backup_state_to_string(s->backup),
		       s->key_rotated ? ", encrypted with another key than today's" : "");
}

/* "a; b; c" (transfer full) */
static char *
rd_advise_join(GPtrArray *texts)
{
	g_autoptr(GString) out = g_string_new(NULL);

	for (guint i = 0; i < texts->len; i++)
		g_string_append_printf(out, "%s%s", i > 0 ? "; " : "",
				       (const char *)g_ptr_array_index(texts, i));
	return g_string_free(g_steal_pointer(&out), FALSE);
}

static void
rd_advise_print_choice(GString *page, const RdScreen *screen, const RdAdvising *self,
		       const RdChoice *choice)
{
	static const char *const inks[] =
	    {[RD_FIT_YES] = RD_INK_GOOD, [RD_FIT_ALMOST] = RD_INK_WARN, [RD_FIT_NO] = RD_INK_DIM};
	const RdChoiceRow *row = choice->row;
	g_autofree char *fit = rd_screen_pad(rd_fit_to_string(choice->fit), FIT_COLUMN - 2);
	g_autofree char *why = rd_advise_join(choice->why);
	g_autofree char *against = rd_advise_join(choice->against);
	g_autofree char *missing = rd_advise_join(choice->missing);

	rd_page_printf(page, screen, 0, FIT_COLUMN,
		       "%s%s" RD_INK_END "  " RD_INK_BOLD "%s" RD_INK_END ": %s", inks[choice->fit],
		       fit, row->name, choice->fit == RD_FIT_NO ? against : row->summary);
	if (choice->fit == RD_FIT_YES)
		rd_page_printf(page, screen, FIT_COLUMN, FIT_COLUMN + 2, "+ %s", why);
	if (choice->fit == RD_FIT_ALMOST)
		rd_page_printf(page, screen, FIT_COLUMN, FIT_COLUMN + 2, "- %s", missing);
	for (guint i = 0; choice->fit == RD_FIT_ALMOST && i < choice->supply->len; i++)
		rd_page_printf(page, screen, FIT_COLUMN, FIT_COLUMN + 3, "-> %s",
			       (const char *)g_ptr_array_index(choice->supply, i));
	/* the answer's own line comes last */
	if (row->beside) {
		g_autofree char *how = NULL;
		g_autofree char *line = rd_advise_start(self, choice, &how);

		if (line != NULL || how != NULL)
			rd_page_printf(page, screen, FIT_COLUMN, FIT_COLUMN + 3, "-> %s",
				       line != NULL ? line : how);
	}
}

/* the last words: one line to paste, or one document to read */
static void
rd_advise_print_next(GString *page, const RdScreen *screen, const RdAdvising *self)
{
	const RdChoiceRow *row = self->best != NULL ? self->best->row : NULL;
	g_autofree char *line = NULL, *how = NULL;

	g_string_append_c(page, '\n');
	if (row == NULL) {
		line = rd_advise_again(self);
		rd_page_add(page, screen, 0, 2, "no procedure fits what was seen. Look once more:");
	} else if (self->best->fit == RD_FIT_ALMOST) {
		line = rd_advise_again(self);
		rd_page_printf(page, screen, 0, 2,
			       "%s would fit. With what is missing, again:", row->name);
	} else if (row->document == NULL) {
		rd_page_printf(page, screen, 0, 2, "%s.", row->summary);
	} else {
		line = rd_advise_start(self, self->best, &how);
		if (how != NULL) {
			line = rd_advise_again(self);
			rd_page_printf(page, screen, 0, 2, "%s: %s:", row->name, how);
		} else if (line == NULL)
			rd_page_printf(page, screen, 0, 2,
				       "%s is not in this release of recoveryd: follow %s.",
				       row->name, row->document);
		else
			rd_page_add(page, screen, 0, 2,
				    "next (it checks once more, and says what stands in the way):");
	}
	if (line != NULL)
		rd_page_printf(page, screen, 2, 4, RD_INK_BOLD "%s" RD_INK_END, line);
}

static void
rd_advise_print(const RdCli *cli, const RdAdvising *self)
{
	const RdScreen *screen = &cli->screen;
	g_autoptr(GString) page = g_string_new(NULL);

	rd_advise_print_situation(page, screen, self);
	g_string_append_c(page, '\n');
	for (RdFit fit = RD_FIT_YES; fit <= RD_FIT_NO; fit++)
		for (guint i = 0; i < self->choices->len; i++) {
			const RdChoice *choice = self->choices->pdata[i];

			if (choice->fit == fit)
				rd_advise_print_choice(page, screen, self, choice);
		}
	rd_advise_print_next(page, screen, self);
	fputs(page->str, stdout);
}

/* ---- as JSON ------------------------------------------------------------------------------- */

static void
rd_advise_add_texts(JsonBuilder *json, const char *name, GPtrArray *texts)
{
	json_builder_set_member_name(json, name);
	json_builder_begin_array(json);
	for (guint i = 0; i < texts->len; i++)
		json_builder_add_string_value(json, texts->pdata[i]);
	json_builder_end_array(json);
}

static void
rd_advise_add_situation(JsonBuilder *json, const RdSituation *s)
{
	json_builder_set_member_name(json, "situation");
	json_builder_begin_object(json);
	rd_json_int(json, "controlPlane", s->masters);
	rd_json_int(json, "answer", s->answer);
	rd_json_int(json, "statedOff", s->stated_off);
	rd_json_int(json, "commit", s->commit);
	rd_json_int(json, "data", s->data);
	rd_json_bool(json, "apiReads", s->reads);
	rd_json_bool(json, "apiWrites", s->writes);
	rd_json_string(json, "family", rd_family_to_string(s->family));
	rd_json_string(json, "backup", rd_backup_state_to_string(s->backup));
	rd_json_int(json, "stale", s->stale);
	rd_json_bool(json, "restored", s->restored);
	rd_json_bool(json, "keyRotated", s->key_rotated);
	json_builder_end_object(json);
}

static void
rd_advise_print_json(const RdAdvising *self)
{
	g_autoptr(JsonBuilder) json = json_builder_new();
	g_autoptr(JsonNode) root = NULL;
	g_autofree char *text = NULL, *again = NULL;

	json_builder_begin_object(json);
	rd_json_int(json, "format", 1);
	rd_json_string(json, "cluster", self->inventory->cluster);
	rd_json_string(json, "best", self->best != NULL ? self->best->row->name : NULL);
	rd_advise_add_situation(json, &self->situation);
	if (!rd_advise_is_ready(self))
		again = rd_advise_again(self);
	rd_json_string(json, "again", again);
	json_builder_set_member_name(json, "procedures");
	json_builder_begin_array(json);
	for (guint i = 0; i < self->choices->len; i++) {
		const RdChoice *choice = self->choices->pdata[i];
		g_autofree char *how = NULL;
		g_autofree char *line = rd_advise_start(self, choice, &how);

		json_builder_begin_object(json);
		rd_json_string(json, "name", choice->row->name);
		rd_json_string(json, "fit", rd_fit_to_string(choice->fit));
		rd_json_string(json, "summary", choice->row->summary);
		rd_json_string(json, "document", choice->row->document);
		rd_json_bool(json, "installed", rd_advise_is_installed(choice->row->name));
		rd_advise_add_texts(json, "because", choice->why);
		rd_advise_add_texts(json, "against", choice->against);
		rd_advise_add_texts(json, "missing", choice->missing);
		rd_advise_add_texts(json, "supply", choice->supply);
		rd_json_string(json, "next", line);
		rd_json_string(json, "how", how);
		json_builder_end_object(json);
	}
	json_builder_end_array(json);
	json_builder_end_object(json);
	root = json_builder_get_root(json);
	text = rd_json_print(root, TRUE);
	fputs(text, stdout);
}

/* ---- both ---------------------------------------------------------------------------------- */

RdExit
rd_advise(const RdCli *cli, const RdAdviseOptions *options, GError **error)
{
	g_auto(RdAdvising) self = {.options = options};
	g_autoptr(GPtrArray) warnings = NULL;
	g_autoptr(GHashTable) excused =
	    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	RdPreflightOptions asked = {.backup = options->backup, .excused = excused};

	if (!rd_prepare_pairs(options->excuses, "excuse", excused, error))
		return RD_EXIT_USAGE;
	self.inventory = rd_inventory_load(options->inventory, &warnings, error);
	if (self.inventory == NULL ||
	    (options->recovery_host != NULL &&
	     !rd_inventory_set_recovery(self.inventory, options->recovery_host, error)))
		return RD_EXIT_USAGE;
	for (guint i = 0; warnings != NULL && i < warnings->len; i++)
		rd_cli_say(cli, "warning: %s", (char *)g_ptr_array_index(warnings, i));
	asked.inventory = self.inventory;
	self.preflight = rd_preflight(&asked);
	rd_situation_read(&self.situation, self.preflight->facts, self.preflight->findings);
	self.situation.go_back = options->go_back;
	if (options->no_backup)
		self.situation.backup = RD_BACKUP_NOWHERE;
	self.choices = rd_choose(&self.situation);
	self.best = rd_choice_best(self.choices);
	if (options->json)
		rd_advise_print_json(&self);
	else
		rd_advise_print(cli, &self);
	return rd_advise_is_ready(&self) ? RD_EXIT_DONE : RD_EXIT_REFUSED;
}

static RdExit
rd_advise_run(const RdCli *cli, char **args, GError **error)
{
	const RdAdviseOptions options = {.inventory = inventory_path,
					 .recovery_host = recovery_host,
					 .backup = backup_path,
					 .excuses = excuses,
					 .go_back = go_back,
					 .no_backup = no_backup,
					 .json = output != NULL};

	if (inventory_path == NULL) {
		rd_cli_usage(error, "which cluster? -c FILE names its inventory");
		return RD_EXIT_USAGE;
	}
	if (output != NULL && strcmp(output, "json") != 0) {
		rd_cli_usage(error, "-o is json, not %s", output);
		return RD_EXIT_USAGE;
	}
	if (no_backup && backup_path != NULL) {
		rd_cli_usage(error, "is there a backup? -b names one, --no-backup says that there "
				    "is none");
		return RD_EXIT_USAGE;
	}
	return rd_advise(cli, &options, error);
}

const RdCommand rd_command_advise = {
    .name = "advise",
    .args = "",
    .summary = "which procedure fits this cluster today, and why",
    .help = "Asks all hosts and the API, looks at the backup, and says of every procedure whether "
	    "it fits, why or why not, and what is missing; the last line is the next one to paste. "
	    "Changes nothing. `recoveryd man advise` prints the whole table.\n\n"
	    "A procedure that only lacks what you can supply comes before those that do without: "
	    "say --no-backup if there is no backup at all.\n\n"
	    "The exit code is 0 when one fits (also: nothing is to be done), 7 when none does yet.",
    .options = rd_advise_options,
    .run = rd_advise_run,
};
