/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "cli/follow.h"
#include "cli/places.h"
#include "cli/reading.h"
#include "cli/trial.h"

G_GNUC_PRINTF(2, 3)
static void
rd_trial_add(GPtrArray *argv, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	g_ptr_array_add(argv, g_strdup_vprintf(format, args));
	va_end(args);
}

static void
rd_trial_add_input(GPtrArray *argv, const char *name, const char *value)
{
	rd_trial_add(argv, "-i");
	rd_trial_add(argv, "%s=%s", name, value);
}

static void
rd_trial_add_number(GPtrArray *argv, const char *name, guint64 value)
{
	g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT, value);

	rd_trial_add_input(argv, name, text);
}

/* the run's name, which is the first word that start says; why not, it has said itself */
static char *
rd_trial_start(char **argv, GError **error)
{
	g_autofree char *out = NULL;
	int status = 0;

	fflush(stdout);
	if (!g_spawn_sync(NULL, argv, NULL,
			  G_SPAWN_FILE_AND_ARGV_ZERO | G_SPAWN_CHILD_INHERITS_STDIN, NULL, NULL,
			  &out, NULL, &status, error))
		return NULL;
	if (status == 0)
		return g_strndup(out, strcspn(out, " \n"));
	g_set_error(error, RD_EXIT_ERROR, WIFEXITED(status) ? WEXITSTATUS(status) : RD_EXIT_FAILED,
		    "the trial restore was not started");
	return NULL;
}

static void
rd_trial_tell(const RdCli *cli, const char *id)
{
	g_autoptr(RdOpenRun) open = rd_reading_open(cli, id, NULL);
	GPtrArray *steps = open != NULL ? rd_run_get_steps(open->run) : NULL;

	for (guint i = 0; steps != NULL && i < steps->len; i++) {
		const RdStep *step = g_ptr_array_index(steps, i);
		const char *found =
		    rd_run_get_output(open->run, step->plan->name, step->target, "found");
		g_autofree char *text = found != NULL ? rd_screen_clean(found) : NULL;

		if (text != NULL)
			printf("trial restore on %s: %s\n", step->target, text);
	}
}

RdExit
rd_trial_restore(const RdCli *cli, const char *inventory, char **excuses,
		 const RdBackupVerdict *verdict, GError **error)
{
	g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(RdRundir) dir = NULL;
	g_autofree char *id = NULL;
	RdExit code;

	if (inventory == NULL) {
		rd_cli_usage(error, "--trial-restore: on which recovery host? -c FILE names the "
				    "cluster's inventory");
		return RD_EXIT_USAGE;
	}
	if (verdict->level == RD_CHECK_BLOCK || verdict->facts == NULL || verdict->proof == NULL) {
		g_set_error(error, RD_EXIT_ERROR, RD_EXIT_REFUSED,
			    "no trial restore: the backup is not sound as it is; nothing was "
			    "started on any host");
		return RD_EXIT_REFUSED;
	}
	g_ptr_array_add(argv, rd_place_self());
	rd_trial_add(argv, "recoveryd");
	if (cli->state_dir != NULL)
		rd_trial_add(argv, "--state-dir=%s", cli->state_dir);
	rd_trial_add(argv, "start");
	rd_trial_add(argv, "trial-restore");
	rd_trial_add(argv, "--detach");
	rd_trial_add(argv, "--cluster=%s", inventory);
	for (guint i = 0; excuses != NULL && excuses[i] != NULL; i++)
		rd_trial_add(argv, "--excuse=%s", excuses[i]);
	rd_trial_add_input(argv, "snapshot", verdict->path);
	rd_trial_add_input(argv, "sha256", verdict->proof->sha256);
	rd_trial_add_number(argv, "revision", (guint64)verdict->facts->revision);
	rd_trial_add_number(argv, "keys", verdict->facts->keys);
	rd_trial_add_number(argv, "hash", verdict->facts->hash);
	g_ptr_array_add(argv, NULL);
	id = rd_trial_start((char **)argv->pdata, error);
	dir = id != NULL ? rd_reading_find(cli, id, error) : NULL;
	if (dir == NULL)
		return RD_EXIT_FAILED;
	g_print("%s\n", id);
	code = rd_follow(cli, g_steal_pointer(&dir), 0, error);
	rd_trial_tell(cli, id);
	return code;
}
