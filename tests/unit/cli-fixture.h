/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <json-glib/json-glib.h>

/* The built program on run directories made by hand: what test-cli.c and test-cli-words.c share. */

#define TYPED "crictl stop -t 30 0123abcd" /* what stop@m1 did to its host */

typedef struct {
	char *base; /* state directory */
	char *path; /* of the run */
	char *id;
	char *file;		/* an inventory whose hosts do not answer */
	GPtrArray *environment; /* "NAME=VALUE" beside the usual ones */
	const char *procedure;	/* (nullable) of the run, shipped; NULL: two-states */
} Fixture;

typedef struct {
	char *out, *err;
	int code;
} Result;

void cli_result_clear(Result *result);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Result, cli_result_clear)

/* a state directory with one run: two-states, stop@m0 done, stop@m1 at work. @data: a function that
 * adds to its events, or NULL */
void cli_setup(Fixture *f, gconstpointer data);
void cli_teardown(Fixture *f, gconstpointer data);
/* such functions: stop@m1 is held with an unknown outcome; the run was cancelled; rolled back */
void cli_hold(GPtrArray *events);
void cli_end(GPtrArray *events);
void cli_roll_back(GPtrArray *events);
/* in the build directory, and in the source (transfer full) */
char *cli_build_path(const char *name);
char *cli_source_path(const char *name);
/* what the program is started with (transfer full) */
char **cli_environment(Fixture *f);
/* @argv as it stands; fails on anything that a sanitizer says */
void cli_spawn(Fixture *f, char **argv, Result *result);
/* words split at spaces, "%s" in them is the run's id; fails with what was said when the exit code
 * is another than @code */
void cli_run(Fixture *f, const char *words, int code, Result *result);
/* the same with a terminal of 100 columns as stdout, and any exit code */
void cli_run_on_terminal(Fixture *f, const char *words, Result *result);
void cli_assert_has(const char *text, const char *part);
void cli_assert_lacks(const char *text, const char *part);
/* no line wider than @width; @most 0: any number of them */
void cli_assert_lines(const char *text, guint width, guint most);
/* fails when it is none */
JsonNode *cli_parse_json(const char *text);
/* files that wait for an engine */
guint cli_count_requests(Fixture *f);
