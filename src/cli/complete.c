/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include <stdio.h>
#include <string.h>

#include "cli/command-private.h"
#include "cli/commands.h"
#include "cli/places.h"
#include "cli/reading.h"
#include "preflight/checks.h"

/* Completion for bash. The script is a few lines and always the same; what fits at the cursor is
 * asked of this program, which reads the table of commands, the runs and their steps. */

static const char script[] =
    "# shellcheck shell=bash\n"
    "# bash completion for recoveryd; printed by `recoveryd completion bash`\n"
    "_recoveryd() {\n"
    "\tlocal line=${COMP_LINE:0:COMP_POINT} word prefix\n"
    "\tword=${line##* }\n"
    "\tmapfile -t COMPREPLY < <(\"${COMP_WORDS[0]}\" complete -- \"$line\" 2>/dev/null)\n"
    "\t# bash replaces only what follows the last of COMP_WORDBREAKS\n"
    "\tprefix=${word%\"${word##*[@=:]}\"}\n"
    "\tCOMPREPLY=(\"${COMPREPLY[@]#\"$prefix\"}\")\n"
    "}\n"
    "complete -o default -F _recoveryd recoveryd\n";

static RdExit
rd_completion_run(const RdCli *cli, char **args, GError **error)
{
	if (strcmp(args[0], "bash") != 0) {
		rd_cli_usage(error, "there is completion for bash, not for %s", args[0]);
		return RD_EXIT_USAGE;
	}
	fputs(script, stdout);
	return RD_EXIT_DONE;
}

const RdCommand rd_command_completion = {
    .name = "completion",
    .args = "bash",
    .summary = "print the script for command line completion",
    .run = rd_completion_run,
    .hidden = TRUE,
};

/* ---- what fits at the cursor --------------------------------------------------------------- */

typedef struct {
	const RdCli *cli;
	const char *current; /* the word that is being typed */
	const char *before;  /* of it that stays: "--output=" */
	GPtrArray *words;    /* (element-type utf8) what stands before it, without options */
	const RdCommand *command;
} RdComplete;

static void
rd_complete_offer(RdComplete *self, const char *word)
{
	const char *typed = self->current + strlen(self->before);

	if (g_str_has_prefix(word, typed))
		printf("%s%s\n", self->before, word);
}

static void
rd_complete_runs(RdComplete *self)
{
	g_autofree char *base = rd_cli_base(self->cli);
	g_autoptr(GPtrArray) ids = rd_rundir_list(base, NULL);

	for (guint i = 0; ids != NULL && i < ids->len; i++)
		rd_complete_offer(self, g_ptr_array_index(ids, i));
}

/* the run on the line, or the newest */
static RdOpenRun *
rd_complete_open(RdComplete *self)
{
	g_auto(GStrv) args = rd_command_arg_words(self->command);

	for (guint i = 0; args[i] != NULL && i < self->words->len; i++)
		if (strcmp(args[i], "RUN") == 0 || strcmp(args[i], "[RUN]") == 0)
			return rd_reading_open(self->cli, g_ptr_array_index(self->words, i), NULL);
	return rd_reading_open(self->cli, NULL, NULL);
}

/* with an "@": steps; before it states are enough, unless only steps will do */
static void
rd_complete_steps(RdComplete *self, gboolean states_too)
{
	g_autoptr(RdOpenRun) open = rd_complete_open(self);
	GPtrArray *steps = open != NULL ? rd_run_get_steps(open->run) : NULL;

	for (guint i = 0; states_too && open != NULL && i < open->plan->states->len; i++) {
		const RdPlanState *state = g_ptr_array_index(open->plan->states, i);

		rd_complete_offer(self, state->name);
	}
	for (guint i = 0; steps != NULL && i < steps->len; i++) {
		const RdStep *step = g_ptr_array_index(steps, i);
		g_autofree char *name = g_strdup_printf("%s@%s", step->plan->name, step->target);

		/* a verdict is for what is held */
		if (states_too || step->life == RD_LIFE_HELD)
			rd_complete_offer(self, name);
	}
}

static void
rd_complete_hosts(RdComplete *self)
{
	g_autoptr(RdOpenRun) open = rd_complete_open(self);

	for (guint i = 0; open != NULL && i < open->plan->hosts->len; i++) {
		const RdPlanHost *host = g_ptr_array_index(open->plan->hosts, i);

		rd_complete_offer(self, host->name);
	}
}

static void
rd_complete_procedures(RdComplete *self)
{
	const char *const *dirs = rd_place_procedures();

	for (guint i = 0; dirs[i] != NULL; i++) {
		g_autoptr(GDir) dir = g_dir_open(dirs[i], 0, NULL);
		const char *file;

		while (dir != NULL && (file = g_dir_read_name(dir)) != NULL) {
			g_autofree char *name = g_strdup(file);

			if (!g_str_has_suffix(file, ".yaml"))
				continue;
			name[strlen(file) - strlen(".yaml")] = '\0';
			rd_complete_offer(self, name);
		}
	}
}

/* that somebody may override */
static void
rd_complete_checks(RdComplete *self)
{
	for (guint i = 0; rd_checks[i].name != NULL; i++) {
		g_autofree char *word = g_strconcat(rd_checks[i].name, "=", NULL);

		if (rd_checks[i].fixed == NULL)
			rd_complete_offer(self, word);
	}
}

/* @what: a word of the table's args, or an option's arg_description */
static void
rd_complete_arg(RdComplete *self, const char *what, gboolean option)
{
	g_autofree char *word = g_strdup(what);
	g_auto(GStrv) choices = NULL;

	g_strdelimit(word, "[].", ' ');
	g_strstrip(word);
	if (strcmp(word, "RUN") == 0)
		rd_complete_runs(self);
	else if (strcmp(word, "STEP") == 0)
		rd_complete_steps(self, option);
	else if (strcmp(word, "HOST") == 0)
		rd_complete_hosts(self);
	else if (strcmp(word, "PROCEDURE") == 0)
		rd_complete_procedures(self);
	else if (strcmp(word, "CHECK=REASON") == 0)
		rd_complete_checks(self);
	else if (strchr(word, '|') != NULL && !g_ascii_isupper(*word)) {
		choices = g_strsplit(word, "|", 0);
		for (guint i = 0; choices[i] != NULL; i++)
			rd_complete_offer(self, choices[i]);
	}
}

static const GOptionEntry *
rd_complete_find_option(const RdComplete *self, const char *word)
{
	const GOptionEntry *lists[] = {rd_cli_global_options(),
				       self->command != NULL ? rd_command_options(self->command)
							     : rd_cli_global_options()};
	gsize length = strcspn(word, "=");

	for (guint i = 0; i < G_N_ELEMENTS(lists); i++)
		for (const GOptionEntry *entry = lists[i]; entry->long_name != NULL; entry++) {
			g_autofree char *name = g_strdup_printf("--%s", entry->long_name);

			if (strlen(name) == length && strncmp(name, word, length) == 0)
				return entry;
			if (word[0] == '-' && word[1] == entry->short_name && word[1] != '\0' &&
			    word[2] == '\0')
				return entry;
		}
	return NULL;
}

static void
rd_complete_options(RdComplete *self)
{
	const GOptionEntry *lists[] = {rd_cli_global_options(),
				       self->command != NULL ? rd_command_options(self->command)
							     : NULL};

	for (guint i = 0; i < G_N_ELEMENTS(lists); i++)
		for (const GOptionEntry *entry = lists[i];
		     entry != NULL && entry->long_name != NULL; entry++) {
			g_autofree char *name = g_strdup_printf("--%s", entry->long_name);

			if ((entry->flags & G_OPTION_FLAG_HIDDEN) == 0)
				rd_complete_offer(self, name);
		}
}

/* the first or second word of a command */
static void
rd_complete_commands(RdComplete *self)
{
	const RdCommand *const *commands = self->cli->commands;
	const char *group = self->words->len > 0 ? g_ptr_array_index(self->words, 0) : NULL;
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	for (guint i = 0; commands[i] != NULL; i++) {
		g_auto(GStrv) parts = g_strsplit(commands[i]->name, " ", 2);
		const char *word = group == NULL ? parts[0] : parts[1];

		if (commands[i]->hidden || word == NULL ||
		    (group != NULL && strcmp(parts[0], group) != 0))
			continue;
		if (g_hash_table_add(seen, g_strdup(word)))
			rd_complete_offer(self, word);
	}
}

static void
rd_complete_positional(RdComplete *self)
{
	g_auto(GStrv) args = rd_command_arg_words(self->command);
	guint n = g_strv_length(args);

	if (n == 0 || *args[0] == '\0')
		return;
	if (self->words->len < n)
		rd_complete_arg(self, args[self->words->len], FALSE);
}

/* takes the command's words off the front of words */
static void
rd_complete_find_command(RdComplete *self)
{
	for (guint n = MIN(self->words->len, 2); n > 0 && self->command == NULL; n--) {
		g_autofree char *name =
		    n == 2 ? g_strdup_printf("%s %s", (char *)self->words->pdata[0],
					     (char *)self->words->pdata[1])
			   : g_strdup(self->words->pdata[0]);

		self->command = rd_cli_find(self->cli->commands, name);
		if (self->command != NULL)
			g_ptr_array_remove_range(self->words, 0, n);
	}
}

static RdExit
rd_complete_run(const RdCli *cli, char **args, GError **error)
{
	g_auto(GStrv) words = g_strsplit(args[0], " ", 0);
	g_autoptr(GPtrArray) plain = g_ptr_array_new();
	RdComplete self = {.cli = cli, .before = "", .words = plain, .current = ""};
	const GOptionEntry *option = NULL; /* whose value the current word is */
	g_autofree char *before = NULL;
	guint n = g_strv_length(words);

	/* options may stand anywhere, so the command is found first, then what they take */
	for (guint pass = 0; pass < 2; pass++) {
		g_ptr_array_set_size(plain, 0);
		option = NULL;
		for (guint i = 1; i + 1 < n; i++) {
			if (*words[i] == '\0')
				continue;
			if (option != NULL) {
				option = NULL;
				continue;
			}
			if (*words[i] != '-') {
				g_ptr_array_add(plain, words[i]);
				continue;
			}
			option = rd_complete_find_option(&self, words[i]);
			if (option != NULL &&
			    (option->arg_description == NULL || strchr(words[i], '=') != NULL))
				option = NULL;
		}
		self.command = NULL;
		rd_complete_find_command(&self);
	}
	if (n > 1)
		self.current = words[n - 1];
	if (option == NULL && g_str_has_prefix(self.current, "--") &&
	    strchr(self.current, '=') != NULL) {
		option = rd_complete_find_option(&self, self.current);
		before = g_strndup(self.current, strcspn(self.current, "=") + 1);
		self.before = before;
	}
	if (option != NULL && option->arg_description != NULL)
		rd_complete_arg(&self, option->arg_description, TRUE);
	else if (*self.current == '-')
		rd_complete_options(&self);
	else if (self.command != NULL)
		rd_complete_positional(&self);
	else
		rd_complete_commands(&self);
	return RD_EXIT_DONE;
}

const RdCommand rd_command_complete = {
    .name = "complete",
    .args = "LINE",
    .summary = "what fits at the end of a command line, one word a line",
    .run = rd_complete_run,
    .hidden = TRUE,
};
