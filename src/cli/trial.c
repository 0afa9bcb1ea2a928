/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/places.h"
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

RdExit
rd_trial_restore(const RdCli *cli, const char *inventory, char **excuses,
		 const RdBackupVerdict *verdict, GError **error)
{
	g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *self = rd_place_self();

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
	rd_trial_add(argv, "recoveryd");
	if (cli->state_dir != NULL)
		rd_trial_add(argv, "--state-dir=%s", cli->state_dir);
	if (cli->plain)
		rd_trial_add(argv, "--plain");
	rd_trial_add(argv, "start");
	rd_trial_add(argv, "trial-restore");
	rd_trial_add(argv, "--cluster=%s", inventory);
	for (guint i = 0; excuses != NULL && excuses[i] != NULL; i++)
		rd_trial_add(argv, "--excuse=%s", excuses[i]);
	rd_trial_add_input(argv, "snapshot", verdict->path);
	rd_trial_add_input(argv, "sha256", verdict->proof->sha256);
	rd_trial_add_number(argv, "revision", (guint64)verdict->facts->revision);
	rd_trial_add_number(argv, "keys", verdict->facts->keys);
	rd_trial_add_number(argv, "hash", verdict->facts->hash);
	g_ptr_array_add(argv, NULL);
	fflush(stdout);
	execv(self, (char **)argv->pdata);
	g_set_error(error, RD_EXIT_ERROR, RD_EXIT_FAILED, "cannot start itself: %s",
		    g_strerror(errno));
	return RD_EXIT_FAILED;
}
