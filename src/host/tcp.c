/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-host"
#include "host/tcp.h"
#include <fcntl.h>
#include <glib-unix.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <recovery/plugin.h>
#include <sys/socket.h>
#include <time.h>

gint64
rd_boottime(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (gint64)now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

/* getaddrinfo() cannot be cancelled; GSocketClient can, on a main context of its own */
typedef struct {
	GCancellable *cancellable;
	GSocketConnection *connection;
	GError *error;
	gboolean over, timed_out, cancelled;
} Attempt;

static void
on_connected(GObject *client, GAsyncResult *result, gpointer data)
{
	Attempt *attempt = data;

	attempt->connection = g_socket_client_connect_to_host_finish(G_SOCKET_CLIENT(client),
								     result, &attempt->error);
	attempt->over = TRUE;
}

static gboolean
on_cancel(int fd, GIOCondition condition, gpointer data)
{
	Attempt *attempt = data;

	attempt->cancelled = TRUE;
	g_cancellable_cancel(attempt->cancellable);
	return G_SOURCE_REMOVE;
}

static gboolean
on_timeout(gpointer data)
{
	Attempt *attempt = data;

	attempt->timed_out = TRUE;
	g_cancellable_cancel(attempt->cancellable);
	return G_SOURCE_REMOVE;
}

static void
attempt_connect(Attempt *attempt, const char *address, guint16 port, int cancel_fd, guint limit_s)
{
	g_autoptr(GMainContext) context = g_main_context_new();
	g_autoptr(GSocketClient) client = NULL;
	g_autoptr(GSource) timeout = g_timeout_source_new_seconds(limit_s);
	g_autoptr(GSource) cancel = NULL;

	g_main_context_push_thread_default(context);
	client = g_socket_client_new();
	g_socket_client_set_enable_proxy(client, FALSE);
	g_source_set_callback(timeout, on_timeout, attempt, NULL);
	g_source_attach(timeout, context);
	if (cancel_fd >= 0) {
		cancel = g_unix_fd_source_new(cancel_fd, G_IO_IN | G_IO_HUP);
		g_source_set_callback(cancel, G_SOURCE_FUNC(on_cancel), attempt, NULL);
		g_source_attach(cancel, context);
	}
	g_socket_client_connect_to_host_async(client, address, port, attempt->cancellable,
					      on_connected, attempt);
	while (!attempt->over)
		g_main_context_iteration(context, TRUE);
	g_source_destroy(timeout);
	if (cancel != NULL)
		g_source_destroy(cancel);
	g_main_context_pop_thread_default(context);
}

/* what the kernel can notice of a dead peer, it shall notice within 30 s */
static void
set_options(int fd)
{
	const struct {
		int level, name, value;
	} options[] = {
	    {IPPROTO_TCP, TCP_NODELAY, 1},   {SOL_SOCKET, SO_KEEPALIVE, 1},
	    {IPPROTO_TCP, TCP_KEEPIDLE, 10}, {IPPROTO_TCP, TCP_KEEPINTVL, 5},
	    {IPPROTO_TCP, TCP_KEEPCNT, 3},   {IPPROTO_TCP, TCP_USER_TIMEOUT, 25000 /* ms */},
	};

	for (guint i = 0; i < G_N_ELEMENTS(options); i++)
		if (setsockopt(fd, options[i].level, options[i].name, &options[i].value,
			       sizeof options[i].value) != 0)
			g_debug("setsockopt %d: %s", options[i].name, g_strerror(errno));
}

int
rd_tcp_connect(const char *address, guint16 port, int cancel_fd, guint limit_s, GError **error)
{
	g_autoptr(GCancellable) cancellable = g_cancellable_new();
	g_autoptr(GSocketConnection) connection = NULL;
	g_autoptr(GError) failure = NULL;
	Attempt attempt = {.cancellable = cancellable};
	int fd;

	attempt_connect(&attempt, address, port, cancel_fd, limit_s);
	connection = attempt.connection;
	failure = attempt.error;
	if (attempt.cancelled) {
		g_set_error_literal(error, RECOVERY_ERROR, RECOVERY_ERROR_CANCELLED,
				    "cancelled while connecting");
		return -1;
	}
	if (connection == NULL) {
		if (attempt.timed_out)
			g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE,
				    "no connection within %u s", limit_s);
		else
			g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE, "%s",
				    failure->message);
		return -1;
	}
	/* a duplicate: GSocket closes its own */
	fd = fcntl(g_socket_get_fd(g_socket_connection_get_socket(connection)), F_DUPFD_CLOEXEC, 3);
	set_options(fd);
	return fd;
}
