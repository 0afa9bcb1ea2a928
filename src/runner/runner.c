/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-runner"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "runner.h"
#include "worker.h"

typedef struct {
	char *target;
	pid_t pid;
	RdLines *lines;
	gboolean busy;	/* it has an order in hand */
	gint64 kill_at; /* when SIGTERM has had its time; 0: none was sent */
	gboolean killed;
} RdWorker;

typedef struct {
	const RdRunnerOptions *options;
	RdLines *engine;
	GPtrArray *workers; /* (element-type RdWorker) */
} RdRunner;

/* milliseconds that also count while suspended, as the engine's deadlines do */
static gint64
rd_runner_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (gint64)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
rd_worker_free(gpointer data)
{
	RdWorker *self = data;

	rd_lines_free(self->lines);
	g_free(self->target);
	g_free(self);
}

/* the child's life; never returns into the runner's loop */
static G_GNUC_NORETURN void
rd_runner_child(RdRunner *self, const char *target, int fd, pid_t parent)
{
	g_autoptr(RdLines) lines = rd_lines_new(fd);
	RdWorld *world;
	int cancel_fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	close(self->engine->fd);
	if (self->options->lock_fd >= 0)
		close(self->options->lock_fd);
	for (guint i = 0; i < self->workers->len; i++)
		close(((RdWorker *)g_ptr_array_index(self->workers, i))->lines->fd);
	prctl(PR_SET_NAME, target);
	signal(SIGCHLD, SIG_DFL);
	cancel_fd = rd_worker_cancel_fd();
	world = self->options->make_world(target, cancel_fd, self->options->data);
	rd_worker_main(lines, self->options->catalogue, world, self->options->setting);
	_exit(0);
}

static RdWorker *
rd_runner_find(RdRunner *self, const char *target)
{
	for (guint i = 0; i < self->workers->len; i++) {
		RdWorker *worker = g_ptr_array_index(self->workers, i);
		if (strcmp(worker->target, target) == 0)
			return worker;
	}
	return NULL;
}

static void
rd_runner_report_lost(RdRunner *self, const char *target, const char *text)
{
	g_autoptr(RdReport) report = rd_report_new(RD_REPORT_LOST, target, "worker");
	g_autofree char *line = NULL;

	report->text = g_strdup(text);
	line = rd_wire_report(report);
	(void)rd_lines_send(self->engine, line);
}

static RdWorker *
rd_runner_get(RdRunner *self, const char *target)
{
	RdWorker *worker = rd_runner_find(self, target);
	pid_t parent = getpid();
	int fds[2];

	if (worker != NULL)
		return worker;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
		return NULL;
	worker = g_new0(RdWorker, 1);
	worker->target = g_strdup(target);
	worker->pid = fork();
	if (worker->pid == 0) {
		close(fds[0]);
		rd_runner_child(self, target, fds[1], parent);
	}
	close(fds[1]);
	worker->lines = rd_lines_new(fds[0]);
	if (worker->pid < 0) {
		rd_worker_free(worker);
		return NULL;
	}
	g_ptr_array_add(self->workers, worker);
	return worker;
}

static void
rd_runner_take_line(RdRunner *self, const char *line)
{
	g_auto(RdWireMessage) message = {0};
	g_autoptr(GError) error = NULL;
	g_autofree char *whole = g_strconcat(line, "\n", NULL);
	RdWorker *worker;

	if (!rd_wire_parse_message(line, &message, &error)) {
		g_warning("a line of the engine that cannot be read: %s", error->message);
		return;
	}
	worker = message.order != NULL ? rd_runner_get(self, message.to)
				       : rd_runner_find(self, message.to);
	if (worker == NULL) {
		if (message.order != NULL)
			rd_runner_report_lost(self, message.to, "no worker could be started");
		return;
	}
	if (message.cancel) {
		kill(worker->pid, SIGTERM);
		worker->kill_at = rd_runner_now() + RD_RUNNER_GRACE_MS;
		return;
	}
	if (message.order != NULL)
		worker->busy = TRUE;
	(void)rd_lines_send(worker->lines, whole);
}

static void
rd_runner_pass_reports(RdRunner *self, RdWorker *worker)
{
	char *line;

	rd_lines_fill(worker->lines);
	while ((line = rd_lines_next(worker->lines)) != NULL) {
		g_autofree char *whole = g_strconcat(line, "\n", NULL);
		g_autoptr(RdReport) report = rd_wire_parse_report(line, NULL);

		if (report != NULL && report->kind == RD_REPORT_RESULT) {
			worker->busy = FALSE;
			worker->kill_at = 0;
		}
		(void)rd_lines_send(self->engine, whole);
		g_free(line);
	}
}

static char *
rd_runner_last_words(const RdWorker *worker, int status)
{
	if (WIFSIGNALED(status) && worker->killed)
		return g_strdup("did not end when it was told to: killed");
	if (WIFSIGNALED(status))
		return g_strdup_printf("its worker died: signal %d (%s)", WTERMSIG(status),
				       strsignal(WTERMSIG(status)));
	return g_strdup_printf("its worker ended with status %d", WEXITSTATUS(status));
}

static void
rd_runner_bury(RdRunner *self, RdWorker *worker)
{
	g_autofree char *text = NULL;
	int status = 0;

	kill(worker->pid, SIGKILL);
	while (waitpid(worker->pid, &status, 0) < 0 && errno == EINTR)
		;
	text = rd_runner_last_words(worker, status);
	if (worker->busy)
		rd_runner_report_lost(self, worker->target, text);
	g_ptr_array_remove(self->workers, worker);
}

static int
rd_runner_timeout(RdRunner *self)
{
	gint64 next = -1;

	for (guint i = 0; i < self->workers->len; i++) {
		const RdWorker *worker = g_ptr_array_index(self->workers, i);
		gint64 left = MAX(worker->kill_at - rd_runner_now(), 0);

		if (worker->kill_at != 0 && !worker->killed && (next < 0 || left < next))
			next = left;
	}
	return (int)next;
}

static void
rd_runner_turn(RdRunner *self)
{
	guint n = self->workers->len;
	g_autofree struct pollfd *fds = g_new0(struct pollfd, n + 1);
	g_autoptr(GPtrArray) ended = g_ptr_array_new();
	char *line;

	fds[0] = (struct pollfd){.fd = self->engine->fd, .events = POLLIN};
	for (guint i = 0; i < n; i++)
		fds[i + 1] = (struct pollfd){
		    .fd = ((RdWorker *)g_ptr_array_index(self->workers, i))->lines->fd,
		    .events = POLLIN};
	(void)poll(fds, n + 1, rd_runner_timeout(self));
	for (guint i = 0; i < n; i++) {
		RdWorker *worker = g_ptr_array_index(self->workers, i);

		if (fds[i + 1].revents != 0)
			rd_runner_pass_reports(self, worker);
		if (worker->lines->ended) {
			g_ptr_array_add(ended, worker);
		} else if (worker->kill_at != 0 && rd_runner_now() >= worker->kill_at &&
			   !worker->killed) {
			worker->killed = TRUE;
			kill(worker->pid, SIGKILL);
		}
	}
	for (guint i = 0; i < ended->len; i++)
		rd_runner_bury(self, g_ptr_array_index(ended, i));
	if (fds[0].revents == 0)
		return;
	rd_lines_fill(self->engine);
	while ((line = rd_lines_next(self->engine)) != NULL) {
		rd_runner_take_line(self, line);
		g_free(line);
	}
}

int
rd_runner_main(int engine_fd, const RdRunnerOptions *options)
{
	RdRunner self = {.options = options};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	/* the terminal's Ctrl-C and hang-up are the engine's matter */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	self.engine = rd_lines_new(engine_fd);
	self.workers = g_ptr_array_new_with_free_func(rd_worker_free);
	while (!self.engine->ended)
		rd_runner_turn(&self);
	for (guint i = 0; i < self.workers->len; i++)
		kill(((RdWorker *)g_ptr_array_index(self.workers, i))->pid, SIGKILL);
	while (wait(NULL) > 0 || errno == EINTR)
		;
	g_ptr_array_unref(self.workers);
	rd_lines_free(self.engine);
	return 0;
}
