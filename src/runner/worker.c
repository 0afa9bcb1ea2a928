/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-runner"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "worker.h"

/* written by the signal handler, read by whoever waits */
static int cancel_pipe[2] = {-1, -1};

static void
rd_worker_terminated(int number)
{
	int saved = errno;

	(void)!write(cancel_pipe[1], "x", 1);
	errno = saved;
}

int
rd_worker_cancel_fd(void)
{
	struct sigaction action = {.sa_handler = rd_worker_terminated};

	if (cancel_pipe[0] < 0) {
		if (pipe2(cancel_pipe, O_CLOEXEC | O_NONBLOCK) != 0)
			g_error("pipe: %s", g_strerror(errno));
		sigaction(SIGTERM, &action, NULL);
	}
	return cancel_pipe[0];
}

static void
rd_worker_drain(void)
{
	char buffer[16];

	while (cancel_pipe[0] >= 0 && read(cancel_pipe[0], buffer, sizeof buffer) > 0)
		;
}

static gboolean
rd_worker_tell(const RdReport *report, gpointer data)
{
	RdLines *lines = data;
	g_autofree char *line = rd_wire_report(report);

	if (!rd_lines_send(lines, line))
		return FALSE;
	if (report->kind != RD_REPORT_NOTE && report->kind != RD_REPORT_OUTPUT &&
	    report->kind != RD_REPORT_TOUCH)
		return TRUE;
	for (;;) {
		g_autofree char *answer = rd_lines_wait(lines);
		g_auto(RdWireMessage) message = {0};

		/* the engine is gone: nothing may be begun that it has not on disk */
		if (answer == NULL)
			_exit(0);
		if (rd_wire_parse_message(answer, &message, NULL) && message.ack)
			return TRUE;
	}
}

void
rd_worker_main(RdLines *lines, RdCatalogue *catalogue, RdWorld *world, const RdSetting *setting)
{
	for (;;) {
		g_autofree char *line = rd_lines_wait(lines);
		g_auto(RdWireMessage) message = {0};
		g_autoptr(GError) error = NULL;

		if (line == NULL)
			return;
		if (!rd_wire_parse_message(line, &message, &error)) {
			g_warning("an order that cannot be read: %s", error->message);
			continue;
		}
		if (message.order == NULL)
			continue;
		rd_worker_drain();
		rd_order_carry_out(message.order, catalogue, world, setting, rd_worker_tell, lines);
	}
}
