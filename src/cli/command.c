/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include <glib/gprintf.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/build-config.h"
#include "cli/command-private.h"
#include "cli/speak.h"
#include "journal/rundir.h"
#include "yaml/complaints.h"

/* GOption writes into these; rd_cli_main() makes an RdCli of them */
static struct {
	char *state_dir, *color;
	gboolean plain, verbose, quiet, help, version;
} globals;

static const GOptionEntry global_options[] = {
    {"state-dir", 0, 0, G_OPTION_ARG_FILENAME, &globals.state_dir,
     "where runs are kept (RECOVERYD_STATE_DIR; /var/lib/recoveryd for root)", "DIR"},
    {"color", 0, 0, G_OPTION_ARG_STRING, &globals.color,
     "colours; auto: on a terminal, unless NO_COLOR or TERM=dumb", "auto|always|never"},
    {"plain", 0, 0, G_OPTION_ARG_NONE, &globals.plain,
     "one event a line, nothing is redrawn: for screen readers and grep", NULL},
    {"verbose", 'v', 0, G_OPTION_ARG_NONE, &globals.verbose, "say more on stderr", NULL},
    {"quiet", 'q', 0, G_OPTION_ARG_NONE, &globals.quiet, "only warnings and errors on stderr",
     NULL},
    {"help", 'h', 0, G_OPTION_ARG_NONE, &globals.help, "print help and exit", NULL},
    {"version", 0, 0, G_OPTION_ARG_NONE, &globals.version, "print the version and exit", NULL},
    {NULL},
};

const GOptionEntry *
rd_cli_global_options(void)
{
	return global_options;
}

gboolean
rd_cli_usage(GError **error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (error != NULL)
		*error = g_error_new_valist(RD_EXIT_ERROR, RD_EXIT_USAGE, format, args);
	va_end(args);
	return FALSE;
}

void
rd_cli_say(const RdCli *cli, const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list args;

	if (cli->quiet)
		return;
	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	fprintf(stderr, "%s\n", text);
}

char *
rd_cli_base(const RdCli *cli)
{
	return rd_rundir_base(cli->state_dir);
}

/* ---- what the table says about arguments and options --------------------------------------- */

char **
rd_command_arg_words(const RdCommand *command)
{
	return g_strsplit(command->args != NULL ? command->args : "", " ", 0);
}

void
rd_command_count_args(const RdCommand *command, guint *least, guint *most)
{
	g_auto(GStrv) words = rd_command_arg_words(command);

	*least = *most = 0;
	for (guint i = 0; words[i] != NULL && *words[i] != '\0'; i++) {
		if (*words[i] != '[')
			(*least)++;
		*most = strstr(words[i], "...") != NULL ? G_MAXUINT : *most + 1;
	}
}

const GOptionEntry *
rd_command_options(const RdCommand *command)
{
	static const GOptionEntry none[] = {{NULL}};

	return command->options != NULL ? command->options() : none;
}

const RdCommand *
rd_cli_find(const RdCommand *const *commands, const char *name)
{
	for (guint i = 0; commands[i] != NULL; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

gboolean
rd_cli_is_group(const RdCommand *const *commands, const char *word)
{
	gsize length = strlen(word);

	for (guint i = 0; commands[i] != NULL; i++)
		if (strncmp(commands[i]->name, word, length) == 0 &&
		    commands[i]->name[length] == ' ')
			return TRUE;
	return FALSE;
}

/* ---- from argv to a command ---------------------------------------------------------------- */

/* "procedure chek": the nearest among the commands that could stand there */
static gboolean
rd_cli_unknown_command(const RdCommand *const *commands, const char *word, const char *sub,
		       GError **error)
{
	g_autofree char *given = sub != NULL ? g_strdup_printf("%s %s", word, sub) : g_strdup(word);
	g_autoptr(GPtrArray) known = g_ptr_array_new();
	g_autofree char *hint = NULL;

	for (guint i = 0; commands[i] != NULL; i++)
		if (!commands[i]->hidden)
			g_ptr_array_add(known, (gpointer)commands[i]->name);
	g_ptr_array_add(known, NULL);
	hint = rd_spell_hint(given, (const char *const *)known->pdata);
	return rd_cli_usage(error, "there is no command \"%s\"%s\nTry: recoveryd --help", given,
			    hint);
}

/* removes the words of the command from @argv */
static const RdCommand *
rd_cli_choose(const RdCommand *const *commands, char **argv, GError **error)
{
	const RdCommand *command;
	g_autofree char *two = NULL;
	guint words = 1;

	command = rd_cli_find(commands, argv[1]);
	if (command == NULL && argv[2] != NULL) {
		two = g_strdup_printf("%s %s", argv[1], argv[2]);
		command = rd_cli_find(commands, two);
		words = 2;
	}
	if (command == NULL) {
		gboolean group = rd_cli_is_group(commands, argv[1]);

		if (group && argv[2] == NULL)
			rd_cli_usage(error, "\"%s\" needs another word\nTry: recoveryd %s --help",
				     argv[1], argv[1]);
		else
			rd_cli_unknown_command(commands, argv[1], group ? argv[2] : NULL, error);
		return NULL;
	}
	for (guint i = 1; i <= words; i++)
		g_free(argv[i]);
	for (char **p = argv + 1; (p[0] = p[words]) != NULL;)
		p++;
	return command;
}

/* GOption says "Unknown option --brif"; this adds what there is */
static void
rd_cli_option_hint(const RdCommand *command, GError **error)
{
	g_autoptr(GPtrArray) known = g_ptr_array_new_with_free_func(g_free);
	const GOptionEntry *lists[] = {rd_command_options(command), global_options};
	g_autofree char *hint = NULL;
	g_autofree char *given = NULL;

	if (!g_error_matches(*error, G_OPTION_ERROR, G_OPTION_ERROR_UNKNOWN_OPTION))
		return;
	/* the last word of the message, in whichever language it is */
	given =
	    g_strdup(strrchr((*error)->message, ' ') != NULL ? strrchr((*error)->message, ' ') + 1
							     : (*error)->message);
	for (guint i = 0; i < G_N_ELEMENTS(lists); i++)
		for (const GOptionEntry *entry = lists[i]; entry->long_name != NULL; entry++)
			g_ptr_array_add(known, g_strdup_printf("--%s", entry->long_name));
	g_ptr_array_add(known, NULL);
	given[strcspn(given, "=")] = '\0';
	hint = rd_spell_hint(given, (const char *const *)known->pdata);
	g_clear_error(error);
	rd_cli_usage(error, "there is no option %s%s\nTry: recoveryd %s%s--help", given, hint,
		     command->name, *command->name != '\0' ? " " : "");
}

/* @strict: stops at the first word that is no option */
static gboolean
rd_cli_parse(const RdCommand *command, gboolean strict, char ***argv, GError **error)
{
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);
	GOptionGroup *group = g_option_group_new("global", "", "", NULL, NULL);

	g_option_group_add_entries(group, global_options);
	g_option_context_set_main_group(context, group);
	if (rd_command_options(command)->long_name != NULL)
		g_option_context_add_main_entries(context, rd_command_options(command), NULL);
	g_option_context_set_help_enabled(context, FALSE);
	g_option_context_set_strict_posix(context, strict);
	if (g_option_context_parse_strv(context, argv, error))
		return TRUE;
	rd_cli_option_hint(command, error);
	return FALSE;
}

static gboolean
rd_cli_check_args(const RdCommand *command, char **args, GError **error)
{
	guint n = g_strv_length(args), least, most;

	rd_command_count_args(command, &least, &most);
	if (n >= least && n <= most)
		return TRUE;
	return rd_cli_usage(error, "%s: recoveryd %s%s%s\nTry: recoveryd %s --help",
			    n < least ? "something is missing" : "too many words", command->name,
			    *command->args != '\0' ? " " : "", command->args, command->name);
}

static gboolean
rd_cli_settle_globals(RdCli *cli, GError **error)
{
	static const char *const words[] =
	    {[RD_COLOR_AUTO] = "auto", [RD_COLOR_ALWAYS] = "always", [RD_COLOR_NEVER] = "never"};

	cli->state_dir = g_strdup(globals.state_dir);
	cli->plain = globals.plain;
	cli->verbose = globals.verbose;
	cli->quiet = globals.quiet;
	cli->color = RD_COLOR_AUTO;
	for (guint i = 0; globals.color != NULL && i < G_N_ELEMENTS(words); i++) {
		if (strcmp(globals.color, words[i]) == 0) {
			cli->color = i;
			g_clear_pointer(&globals.color, g_free);
		}
	}
	if (globals.color != NULL)
		return rd_cli_usage(error, "--color is auto, always or never, not %s",
				    globals.color);
	rd_screen_look(&cli->screen, STDOUT_FILENO, cli->color);
	rd_speak_install(cli->verbose, cli->quiet);
	return TRUE;
}

static RdExit
rd_cli_print_help(const RdCli *cli, const RdCommand *command, const char *group)
{
	g_autoptr(GString) out = g_string_new(NULL);

	rd_help_print(out, cli->commands, command, group);
	fputs(out->str, stdout);
	return RD_EXIT_DONE;
}

static gboolean
rd_cli_asks_help(char **argv)
{
	for (guint i = 1; argv[i] != NULL; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return TRUE;
	return FALSE;
}

static RdExit
rd_cli_dispatch(RdCli *cli, char ***argv, GError **error)
{
	static const RdCommand none = {"", "", "", NULL, NULL, NULL, FALSE};
	const RdCommand *command;
	guint n;

	if (!rd_cli_parse(&none, TRUE, argv, error))
		return RD_EXIT_USAGE;
	if (globals.version) {
		puts("recoveryd " RD_VERSION);
		return RD_EXIT_DONE;
	}
	if (globals.help)
		return rd_cli_print_help(cli, NULL, NULL);
	if ((*argv)[1] == NULL) {
		rd_cli_usage(error, "a command is missing\nTry: recoveryd --help");
		return RD_EXIT_USAGE;
	}
	if (rd_cli_is_group(cli->commands, (*argv)[1]) && rd_cli_asks_help(*argv) &&
	    ((*argv)[2] == NULL || *(*argv)[2] == '-'))
		return rd_cli_print_help(cli, NULL, (*argv)[1]);
	command = rd_cli_choose(cli->commands, *argv, error);
	if (command == NULL || !rd_cli_parse(command, FALSE, argv, error))
		return RD_EXIT_USAGE;
	if (globals.help)
		return rd_cli_print_help(cli, command, NULL);
	if (!rd_cli_settle_globals(cli, error))
		return RD_EXIT_USAGE;
	/* GOption leaves a "--" where something with a dash follows */
	n = g_strv_length(*argv);
	for (guint i = 1; i < n; i++) {
		if (strcmp((*argv)[i], "--") == 0) {
			g_free((*argv)[i]);
			memmove(*argv + i, *argv + i + 1, (n - i) * sizeof(char *));
			break;
		}
	}
	if (!rd_cli_check_args(command, *argv + 1, error))
		return RD_EXIT_USAGE;
	return command->run(cli, *argv + 1, error);
}

int
rd_cli_main(const RdCommand *const *commands, int argc, char **argv)
{
	g_auto(GStrv) words = g_new0(char *, argc + 1);
	g_autoptr(GError) error = NULL;
	RdCli cli = {.commands = commands};
	RdExit code;

	setlocale(LC_ALL, "");
	/* numbers are written with a point, whatever the locale says */
	setlocale(LC_NUMERIC, "C");
	for (int i = 0; i < argc; i++)
		words[i] = g_strdup(argv[i]);
	code = rd_cli_dispatch(&cli, &words, &error);
	if ((fflush(stdout) != 0 || ferror(stdout)) && error == NULL)
		g_set_error_literal(&error, RD_EXIT_ERROR, RD_EXIT_FAILED,
				    "standard output could not be written");
	if (error != NULL) {
		RdExit said = rd_exit_of_error(error);

		fprintf(stderr, "recoveryd: %s\n", error->message);
		/* an error that knows no code of its own leaves it to the command */
		if (said != RD_EXIT_FAILED || code == RD_EXIT_DONE)
			code = said;
	}
	g_free(cli.state_dir);
	g_clear_pointer(&globals.state_dir, g_free);
	g_clear_pointer(&globals.color, g_free);
	return code;
}
