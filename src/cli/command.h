/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "cli/exit.h"
#include "cli/screen.h"
G_BEGIN_DECLS

/* The frame of the command line. One table of commands (main.c); parsing, --help, completion and
 * the man page are made from it. A command is a file of this folder: its options, one call, and
 * what is printed. Data goes to stdout, everything else to stderr. */
typedef struct _RdCli RdCli;

typedef struct {
	/* one or two words: "status", "journal verify" */
	const char *name;
	/* What follows, as --help shows it: "RUN STEP done|redo|abort". "[RUN]" may be left out,
	 * "[NAME...]" may come any number of times. RUN, STEP, HOST, PROCEDURE and words with "|"
	 * are completed, the others are files. */
	const char *args;
	const char *summary; /* one line, no full stop */
	const char *help;    /* (nullable) paragraphs, separated by empty lines */
	/* (nullable) ends with an entry without long_name; arg_description is completed as args */
	const GOptionEntry *(*options)(void);
	/* @args: what is left, as many as `args` says, ends with NULL. With @error set, the exit
	 * code is the one that the error stands for (exit.h), else what is returned. */
	RdExit (*run)(const RdCli *cli, char **args, GError **error);
	gboolean hidden;
} RdCommand;

struct _RdCli {
	const RdCommand *const *commands; /* ends with NULL */
	char *state_dir;		  /* (nullable) --state-dir */
	gboolean plain;			  /* one event a line, nothing is redrawn */
	gboolean quiet, verbose;
	RdScreen screen; /* behind stdout */
	RdColor color;
};

/* main() */
int rd_cli_main(const RdCommand *const *commands, int argc, char **argv);

/* the options that every command has (hidden entries not counted) */
const GOptionEntry *rd_cli_global_options(void);
/* FALSE sets an RD_EXIT_USAGE error */
gboolean rd_cli_usage(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* NULL when there is none (unowned) */
const RdCommand *rd_cli_find(const RdCommand *const *commands, const char *name);
/* a line for people on stderr, unless --quiet */
void rd_cli_say(const RdCli *cli, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* absolute base of all runs (transfer full) */
char *rd_cli_base(const RdCli *cli);

/* ---- help.c: the table in words ---- */
/* @command NULL: all of them, or those whose first word is @group */
void rd_help_print(GString *out, const RdCommand *const *commands, const RdCommand *command,
		   const char *group);
void rd_help_print_man(GString *out, const RdCommand *const *commands);
G_END_DECLS
