/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include <stdio.h>
#include <string.h>

#include "cli/build-config.h"
#include "cli/command-private.h"
#include "cli/commands.h"
#include "preflight/choice.h"

/* The table of commands in words: --help, and the man page. */

/* ---- plain text ---------------------------------------------------------------------------- */

static char *
rd_help_option_name(const GOptionEntry *entry)
{
	GString *name = g_string_new(NULL);

	if (entry->short_name != 0)
		g_string_append_printf(name, "-%c, ", entry->short_name);
	else
		g_string_append(name, "    ");
	g_string_append_printf(name, "--%s", entry->long_name);
	if (entry->arg_description != NULL)
		g_string_append_printf(name, "=%s", entry->arg_description);
	return g_string_free(name, FALSE);
}

static void
rd_help_options(GString *out, const RdScreen *screen, const GOptionEntry *entries)
{
	for (const GOptionEntry *entry = entries; entry->long_name != NULL; entry++) {
		g_autofree char *name = rd_help_option_name(entry);
		g_autofree char *padded = rd_screen_pad(name, 22);

		if ((entry->flags & G_OPTION_FLAG_HIDDEN) != 0)
			continue;
		rd_page_printf(out, screen, 2, 26, "%s  %s", padded, entry->description);
	}
}

static void
rd_help_command(GString *out, const RdScreen *screen, const RdCommand *command)
{
	rd_page_printf(out, screen, 0, 4, "recoveryd %s%s%s%s", command->name,
		       *command->args != '\0' ? " " : "", command->args,
		       command->options != NULL ? " [OPTION...]" : "");
	g_string_append_c(out, '\n');
	rd_page_printf(out, screen, 2, 2, "%s.", command->summary);
	if (command->help != NULL) {
		g_auto(GStrv) paragraphs = g_strsplit(command->help, "\n\n", 0);

		for (guint i = 0; paragraphs[i] != NULL; i++) {
			g_string_append_c(out, '\n');
			rd_page_add(out, screen, 2, 2, paragraphs[i]);
		}
	}
	if (command->options != NULL) {
		g_string_append(out, "\nOptions\n");
		rd_help_options(out, screen, command->options());
	}
	g_string_append(out, "\nFor every command\n");
	rd_help_options(out, screen, rd_cli_global_options());
}

void
rd_help_print(GString *out, const RdCommand *const *commands, const RdCommand *command,
	      const char *group)
{
	gsize length = group != NULL ? strlen(group) : 0;
	RdScreen screen;

	rd_screen_look(&screen, 1, RD_COLOR_NEVER);
	if (screen.width == 0)
		screen.width = 100;
	if (command != NULL) {
		rd_help_command(out, &screen, command);
		return;
	}
	g_string_append(out, "recoveryd COMMAND [ARGUMENT...] [OPTION...]\n\n");
	rd_page_add(
	    out, &screen, 2, 2,
	    "Runs a disaster recovery of an OpenShift or OKD control plane, and brings it to "
	    "its end whatever is killed on the way.");
	g_string_append(out, "\nCommands\n");
	for (guint i = 0; commands[i] != NULL; i++) {
		g_autofree char *padded = rd_screen_pad(commands[i]->name, 18);

		if (!commands[i]->hidden &&
		    (group == NULL || (strncmp(commands[i]->name, group, length) == 0 &&
				       commands[i]->name[length] == ' ')))
			rd_page_printf(out, &screen, 2, 22, "%s  %s", padded, commands[i]->summary);
	}
	g_string_append(out, "\nFor every command\n");
	rd_help_options(out, &screen, rd_cli_global_options());
	g_string_append(out, "\nMore: recoveryd COMMAND --help\n");
}

/* ---- roff ---------------------------------------------------------------------------------- */

/* text for troff: no line of it is taken for a request, dashes are dashes */
static char *
rd_man_escape(const char *text)
{
	GString *out = g_string_new(NULL);

	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '\\')
			g_string_append(out, "\\e");
		else if (*p == '-')
			g_string_append(out, "\\-");
		else if ((*p == '.' || *p == '\'') && (p == text || p[-1] == '\n'))
			g_string_append_printf(out, "\\&%c", *p);
		else
			g_string_append_c(out, *p);
	}
	return g_string_free(out, FALSE);
}

static void
rd_man_line(GString *out, const char *before, const char *text, const char *after)
{
	g_autofree char *escaped = rd_man_escape(text);

	g_string_append_printf(out, "%s%s%s\n", before, escaped, after);
}

static void
rd_man_options(GString *out, const GOptionEntry *entries)
{
	for (const GOptionEntry *entry = entries; entry->long_name != NULL; entry++) {
		g_autofree char *name = rd_help_option_name(entry);

		if ((entry->flags & G_OPTION_FLAG_HIDDEN) != 0)
			continue;
		g_string_append(out, ".TP\n");
		rd_man_line(out, "\\fB", g_strstrip(name), "\\fR");
		rd_man_line(out, "", entry->description, ".");
	}
}

static void
rd_man_command(GString *out, const RdCommand *command)
{
	g_autofree char *title = g_strdup_printf("recoveryd %s", command->name);
	g_autofree char *summary = g_strdup(command->summary);

	rd_man_line(out, ".SS \"", title, "\"");
	rd_man_line(out, "\\fB", title, "\\fR");
	rd_man_line(out, "\\fI", command->args, "\\fR");
	g_string_append(out, ".PP\n");
	summary[0] = g_ascii_toupper(summary[0]);
	rd_man_line(out, "", summary, ".");
	if (command->help != NULL) {
		g_auto(GStrv) paragraphs = g_strsplit(command->help, "\n\n", 0);

		for (guint i = 0; paragraphs[i] != NULL; i++) {
			g_string_append(out, ".PP\n");
			rd_man_line(out, "", paragraphs[i], "");
		}
	}
	if (command->options != NULL)
		rd_man_options(out, command->options());
}

void
rd_help_print_man(GString *out, const RdCommand *const *commands)
{
	g_string_append(out, ".TH RECOVERYD 1 \"\" \"recoveryd " RD_VERSION "\" \"recoveryd\"\n"
			     ".SH NAME\nrecoveryd \\- disaster recovery of a control plane\n"
			     ".SH SYNOPSIS\n\\fBrecoveryd\\fR \\fICOMMAND\\fR "
			     "[\\fIARGUMENT\\fR...] [\\fIOPTION\\fR...]\n.SH COMMANDS\n");
	for (guint i = 0; commands[i] != NULL; i++)
		if (!commands[i]->hidden)
			rd_man_command(out, commands[i]);
	g_string_append(out, ".SH OPTIONS FOR EVERY COMMAND\n");
	rd_man_options(out, rd_cli_global_options());
	g_string_append(out, ".SH EXIT STATUS\n");
	for (const RdExitRow *row = rd_exit_rows(); row->name != NULL; row++) {
		g_autofree char *code = g_strdup_printf("%d", row->code);

		g_string_append(out, ".TP\n");
		rd_man_line(out, "\\fB", code, "\\fR");
		rd_man_line(out, "", row->meaning, ".");
	}
	g_string_append(out,
			".SH ENVIRONMENT\n.TP\n\\fBRECOVERYD_STATE_DIR\\fR\nas \\-\\-state\\-dir.\n"
			".TP\n\\fBRECOVERYD_PLUGIN_DIR\\fR, \\fBRECOVERYD_PROCEDURE_DIR\\fR\n"
			"instead of the installed directories.\n"
			".TP\n\\fBRECOVERYD_TAPES\\fR\nof start: a directory for recordings of "
			"what plugins say, for those who write them.\n"
			".TP\n\\fBNO_COLOR\\fR, \\fBCOLUMNS\\fR\nas usual.\n");
}

/* ---- commands ------------------------------------------------------------------------------ */

static RdExit
rd_help_run(const RdCli *cli, char **args, GError **error)
{
	g_autofree char *name = g_strjoinv(" ", args);
	const RdCommand *command = *name != '\0' ? rd_cli_find(cli->commands, name) : NULL;
	g_autoptr(GString) out = g_string_new(NULL);

	if (*name != '\0' && command == NULL && !rd_cli_is_group(cli->commands, name)) {
		rd_cli_usage(error, "there is no command \"%s\"\nTry: recoveryd --help", name);
		return RD_EXIT_USAGE;
	}
	rd_help_print(out, cli->commands, command, *name != '\0' ? name : NULL);
	fputs(out->str, stdout);
	return RD_EXIT_DONE;
}

const RdCommand rd_command_help = {
    .name = "help",
    .args = "[COMMAND...]",
    .summary = "print help",
    .run = rd_help_run,
};

static RdExit
rd_man_run(const RdCli *cli, char **args, GError **error)
{
	g_autoptr(GString) out = g_string_new(NULL);

	if (args[0] == NULL || strcmp(args[0], "recoveryd") == 0) {
		rd_help_print_man(out, cli->commands);
	} else if (strcmp(args[0], "exit-codes") == 0) {
		rd_exit_print_markdown(out);
	} else if (strcmp(args[0], "checks") == 0) {
		rd_checks_print(out);
	} else if (strcmp(args[0], "advise") == 0) {
		rd_choices_print(out);
	} else {
		rd_cli_usage(error,
			     "there are the pages recoveryd, exit-codes, checks and advise, not %s",
			     args[0]);
		return RD_EXIT_USAGE;
	}
	fputs(out->str, stdout);
	return RD_EXIT_DONE;
}

const RdCommand rd_command_man = {
    .name = "man",
    .args = "[recoveryd|exit-codes|checks|advise]",
    .summary = "print the man page (roff) or a table of docs/",
    .run = rd_man_run,
    .hidden = TRUE,
};
