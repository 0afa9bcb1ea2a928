/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include "cli/commands.h"
#include "cli/view.h"
#include "cli/watch.h"
#include "yaml/yaml.h"

#define RD_WAIT_TICK_MS 1000
/* a resume of another person is given this long to bring a new engine */
#define RD_WAIT_ORPHAN (10 * G_USEC_PER_SEC)

static char *timeout;

static const GOptionEntry *
rd_wait_options(void)
{
	static const GOptionEntry entries[] = {
	    {"timeout", 0, 0, G_OPTION_ARG_STRING, &timeout, "90s, 5m, 1h: give up after that",
	     "TIME"},
	    {NULL},
	};

	return entries;
}

typedef struct {
	RdOpenRun *open;
	RdView view;
	gint64 until;	 /* monotonic; 0: open end */
	gint64 orphaned; /* monotonic, since when; 0: it is not */
} RdWait;

static gboolean
rd_wait_look(gpointer data, GError **error)
{
	RdWait *self = data;
	gint64 now = g_get_monotonic_time();
	RdExit code;

	if (!rd_view_look(&self->view, self->open, NULL, error))
		return FALSE;
	code = rd_exit_of_run(self->view.run);
	if (code != RD_EXIT_NOT_YET)
		return FALSE;
	if (self->until != 0 && now >= self->until) {
		g_set_error(error, RD_EXIT_ERROR, RD_EXIT_NOT_YET, "%s is not over yet",
			    self->view.run_id);
		return FALSE;
	}
	if (!rd_view_is_orphaned(&self->view))
		self->orphaned = 0;
	else if (self->orphaned == 0)
		self->orphaned = now;
	if (self->orphaned != 0 && now - self->orphaned >= RD_WAIT_ORPHAN) {
		g_set_error(error, RD_EXIT_ERROR, RD_EXIT_NOT_YET,
			    "no engine works on %s: recoveryd resume %s", self->view.run_id,
			    self->view.run_id);
		return FALSE;
	}
	return TRUE;
}

static RdExit
rd_wait_run(const RdCli *cli, char **args, GError **error)
{
	RdWait self = {0};
	RdExit code = RD_EXIT_NOT_YET;
	gint64 seconds = 0;

	if (timeout != NULL && !rd_parse_duration(timeout, &seconds)) {
		rd_cli_usage(error, "--timeout %s: write 90s, 5m or 1h", timeout);
		return RD_EXIT_USAGE;
	}
	self.open = rd_reading_open(cli, args[0], error);
	if (self.open == NULL)
		return RD_EXIT_NO_RUN;
	if (timeout != NULL)
		self.until = g_get_monotonic_time() + seconds * G_USEC_PER_SEC;
	if (rd_watch(self.open->dir, RD_WAIT_TICK_MS, rd_wait_look, &self, error)) {
		g_autofree char *line = rd_view_summary(&self.view);

		code = rd_exit_of_run(self.view.run);
		rd_cli_say(cli, "%s", line);
	}
	rd_view_clear(&self.view);
	rd_open_run_free(self.open);
	return code;
}

const RdCommand rd_command_wait = {
    .name = "wait",
    .args = "RUN",
    .summary = "wait until a run has ended, is held or paused",
    .help = "The exit code says how the run stands. Without an engine nothing would come of "
	    "waiting: after 10 seconds it says so and returns 75, as it does after --timeout.",
    .options = rd_wait_options,
    .run = rd_wait_run,
};
