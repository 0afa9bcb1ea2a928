/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-engine"

#include <errno.h>
#include <fcntl.h>
#include <gio/gunixconnection.h>
#include <glib-unix.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner-crew.h"
#include "runner/wire.h"

typedef struct {
	RdCrew crew;
	RdRunnerCrewOptions options;
	char *run_dir, *who;
	GSubprocess *runner; /* (nullable) */
	RdLines *lines;	     /* (nullable) */
	guint source;
	GHashTable *in_hand; /* (element-type utf8) targets */
	guint restarts;
} RdRunnerCrew;

static gboolean rd_runner_crew_readable(int fd, GIOCondition condition, gpointer data);

static gboolean
rd_runner_crew_launch(RdRunnerCrew *self, GError **error)
{
	g_autoptr(GSubprocessLauncher) launcher =
	    g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_NONE);
	g_autofree char *program = g_file_read_link("/proc/self/exe", error);
	int fds[2];

	if (program == NULL)
		return FALSE;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "socketpair: %s",
			    g_strerror(errno));
		return FALSE;
	}
	g_subprocess_launcher_take_fd(launcher, fds[1], RD_RUNNER_FD_ENGINE);
	if (self->options.lock_fd >= 0)
		g_subprocess_launcher_take_fd(
		    launcher, fcntl(self->options.lock_fd, F_DUPFD_CLOEXEC, 5), RD_RUNNER_FD_LOCK);
	if (self->options.stderr_fd >= 0)
		g_subprocess_launcher_take_stderr_fd(
		    launcher, fcntl(self->options.stderr_fd, F_DUPFD_CLOEXEC, 5));
	self->runner = g_subprocess_launcher_spawn(launcher, error, program, "runner",
						   self->run_dir, self->who, NULL);
	if (self->runner == NULL) {
		close(fds[0]);
		return FALSE;
	}
	self->lines = rd_lines_new(fds[0]);
	self->source =
	    g_unix_fd_add(fds[0], G_IO_IN | G_IO_HUP | G_IO_ERR, rd_runner_crew_readable, self);
	if (self->options.started != NULL)
		self->options.started(atoi(g_subprocess_get_identifier(self->runner)),
				      self->options.data);
	return TRUE;
}

static void
rd_runner_crew_report(RdRunnerCrew *self, const RdReport *report)
{
	if (self->crew.report != NULL)
		self->crew.report(report, self->crew.data);
}

static void
rd_runner_crew_lost(RdRunnerCrew *self, const char *target, const char *word, const char *text)
{
	g_autoptr(RdReport) report = rd_report_new(RD_REPORT_LOST, target, word);

	report->text = g_strdup(text);
	rd_runner_crew_report(self, report);
}

/* the runner is gone, and with it all workers (PDEATHSIG): what they had in hand is lost */
static void
rd_runner_crew_ended(RdRunnerCrew *self, const char *word, const char *text)
{
	g_autoptr(GHashTable) lost = g_steal_pointer(&self->in_hand);
	GHashTableIter iter;
	gpointer target;

	self->in_hand = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_clear_handle_id(&self->source, g_source_remove);
	g_clear_pointer(&self->lines, rd_lines_free);
	if (self->runner != NULL) {
		g_subprocess_force_exit(self->runner);
		(void)g_subprocess_wait(self->runner, NULL, NULL);
	}
	g_clear_object(&self->runner);
	self->restarts++;
	g_hash_table_iter_init(&iter, lost);
	while (g_hash_table_iter_next(&iter, &target, NULL))
		rd_runner_crew_lost(self, target, word, text);
}

static gboolean
rd_runner_crew_readable(int fd, GIOCondition condition, gpointer data)
{
	RdRunnerCrew *self = data;
	char *line;

	rd_lines_fill(self->lines);
	while (self->lines != NULL && (line = rd_lines_next(self->lines)) != NULL) {
		g_autoptr(GError) error = NULL;
		g_autoptr(RdReport) report = rd_wire_parse_report(line, &error);

		g_free(line);
		if (report == NULL) {
			g_warning("a line of the runner that cannot be read: %s", error->message);
			continue;
		}
		if (report->kind == RD_REPORT_RESULT || report->kind == RD_REPORT_LOST)
			g_hash_table_remove(self->in_hand, report->lane);
		/* whatever it brought about, it works */
		if (report->kind != RD_REPORT_PROGRESS)
			self->restarts = 0;
		rd_runner_crew_report(self, report);
	}
	if (self->lines == NULL)
		return G_SOURCE_REMOVE;
	if (self->lines->ended) {
		self->source = 0;
		rd_runner_crew_ended(self, "runner", "its runner died");
		return G_SOURCE_REMOVE;
	}
	return G_SOURCE_CONTINUE;
}

static gboolean
rd_runner_crew_refused(gpointer data)
{
	RdRunnerCrew *self = data;

	/* as a worker that dies by itself: it counts, so that a person is asked in the end */
	rd_runner_crew_ended(self, "worker", "no runner could be started, or each died at once");
	return G_SOURCE_REMOVE;
}

static void
rd_runner_crew_send(RdCrew *crew, const RdOrder *order)
{
	RdRunnerCrew *self = (RdRunnerCrew *)crew;
	g_autofree char *line = rd_wire_order(order);
	g_autoptr(GError) error = NULL;

	g_hash_table_add(self->in_hand, g_strdup(order->lane));
	if (self->lines == NULL &&
	    (self->restarts > RD_RUNNER_RESTARTS || !rd_runner_crew_launch(self, &error))) {
		g_warning("no runner: %s",
			  error != NULL ? error->message : "it died too often in a row");
		/* not from here: the engine is in the middle of its decision */
		g_timeout_add(1000, rd_runner_crew_refused, self);
		return;
	}
	if (!rd_lines_send(self->lines, line))
		g_debug("the runner went away before an order for %s", order->lane);
}

static void
rd_runner_crew_acknowledge(RdCrew *crew, const char *target)
{
	RdRunnerCrew *self = (RdRunnerCrew *)crew;
	g_autofree char *line = rd_wire_word(target, "ack");

	if (self->lines != NULL)
		(void)rd_lines_send(self->lines, line);
}

static void
rd_runner_crew_cancel(RdCrew *crew, const char *target)
{
	RdRunnerCrew *self = (RdRunnerCrew *)crew;
	g_autofree char *line = rd_wire_word(target, "cancel");

	if (self->lines != NULL)
		(void)rd_lines_send(self->lines, line);
}

static void
rd_runner_crew_free(RdCrew *crew)
{
	RdRunnerCrew *self = (RdRunnerCrew *)crew;

	self->crew.report = NULL;
	g_clear_handle_id(&self->source, g_source_remove);
	/* the end of its socket is what a runner ends by; its lock goes with it */
	g_clear_pointer(&self->lines, rd_lines_free);
	if (self->runner != NULL)
		(void)g_subprocess_wait(self->runner, NULL, NULL);
	g_clear_object(&self->runner);
	g_hash_table_unref(self->in_hand);
	g_free(self->run_dir);
	g_free(self->who);
	g_free(self);
}

RdCrew *
rd_runner_crew_new(const RdRunnerCrewOptions *options, GError **error)
{
	static const RdCrewClass klass = {rd_runner_crew_send, rd_runner_crew_acknowledge,
					  rd_runner_crew_cancel, rd_runner_crew_free};
	RdRunnerCrew *self = g_new0(RdRunnerCrew, 1);

	self->crew.klass = &klass;
	self->options = *options;
	self->run_dir = g_strdup(options->run_dir);
	self->who = g_strdup(options->who);
	self->in_hand = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	if (!rd_runner_crew_launch(self, error)) {
		rd_runner_crew_free(&self->crew);
		return NULL;
	}
	return &self->crew;
}
