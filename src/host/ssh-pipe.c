/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-host"
#include "host/ssh-private.h"
#include <errno.h>
#include <poll.h>
#include <recovery/plugin.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER (128 * 1024) /* kept back in one direction before the other side is read again */

struct _RdSshPipe {
	RdSsh *via;
	ssh_channel channel;  /* (owned) */
	int fd;		      /* ours of the pair */
	GByteArray *in, *out; /* (owned) from and to the channel, not yet passed on */
	gboolean all;	      /* our side has said all */
	gboolean said;	      /* and the channel knows it */
	gboolean ended;
};

RdSshPipe *
rd_ssh_pipe_new(RdSsh *via, ssh_channel channel, int *fd, GError **error)
{
	RdSshPipe *pipe;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED, "%s: socketpair: %s",
			    via->name, g_strerror(errno));
		ssh_channel_free(channel);
		return NULL;
	}
	pipe = g_new0(RdSshPipe, 1);
	pipe->via = via;
	pipe->channel = channel;
	pipe->fd = pair[0];
	pipe->in = g_byte_array_new();
	pipe->out = g_byte_array_new();
	*fd = pair[1];
	return pipe;
}

void
rd_ssh_pipe_free(RdSshPipe *pipe)
{
	if (pipe == NULL)
		return;
	ssh_channel_free(pipe->channel);
	close(pipe->fd);
	g_byte_array_unref(pipe->in);
	g_byte_array_unref(pipe->out);
	g_free(pipe);
}

/* whoever holds the other socket sees the end of its peer */
static void
end(RdSshPipe *pipe)
{
	pipe->ended = TRUE;
	shutdown(pipe->fd, SHUT_RDWR);
}

static gboolean
move_in(RdSshPipe *pipe)
{
	guint8 buffer[32768];
	gboolean moved = FALSE;

	while (!pipe->ended) {
		gssize n;

		if (pipe->in->len > 0) {
			n = send(pipe->fd, pipe->in->data, pipe->in->len, MSG_NOSIGNAL);
			if (n < 0 && errno != EAGAIN && errno != EINTR)
				end(pipe);
			if (n > 0)
				g_byte_array_remove_range(pipe->in, 0, n);
			if (pipe->in->len >= BUFFER)
				return moved;
		}
		n = ssh_channel_read_nonblocking(pipe->channel, buffer, sizeof buffer, 0);
		if (n > 0) {
			g_byte_array_append(pipe->in, buffer, n);
			pipe->via->heard = rd_boottime();
			moved = TRUE;
			continue;
		}
		if ((n == SSH_ERROR || ssh_channel_is_eof(pipe->channel)) && pipe->in->len == 0)
			end(pipe);
		break;
	}
	return moved;
}

/* our side has closed its socket, not only said all: nobody wants what may still come */
static gboolean
is_deserted(RdSshPipe *pipe)
{
	struct pollfd other = {.fd = pipe->fd};

	return poll(&other, 1, 0) > 0 && (other.revents & (POLLHUP | POLLERR)) != 0;
}

static gboolean
move_out(RdSshPipe *pipe)
{
	guint8 buffer[32768];
	gboolean moved = FALSE;

	while (!pipe->ended) {
		gssize n = 0;

		if (pipe->out->len > 0) {
			n = ssh_channel_write(pipe->channel, pipe->out->data, pipe->out->len);
			if (n == SSH_ERROR)
				end(pipe);
			if (n > 0)
				g_byte_array_remove_range(pipe->out, 0, n);
			moved |= n > 0;
			if (pipe->out->len >= BUFFER)
				return moved;
		}
		if (pipe->all && pipe->out->len == 0 && !pipe->said)
			pipe->said = ssh_channel_send_eof(pipe->channel) != SSH_AGAIN;
		if (pipe->said && is_deserted(pipe))
			end(pipe);
		if (pipe->all)
			break;
		n = recv(pipe->fd, buffer, sizeof buffer, 0);
		if (n < 0)
			break;
		g_byte_array_append(pipe->out, buffer, n);
		pipe->all = n == 0;
	}
	return moved;
}

gboolean
rd_ssh_pipe_move(RdSshPipe *pipe)
{
	gboolean in = move_in(pipe);

	return move_out(pipe) || in;
}

gboolean
rd_ssh_pipe_ended(const RdSshPipe *pipe)
{
	return pipe->ended;
}

GIOCondition
rd_ssh_pipe_poll(const RdSshPipe *pipe, GArray *fds)
{
	GPollFD ours = {.fd = pipe->fd};

	if (pipe->ended)
		return 0;
	if (!pipe->all && pipe->out->len < BUFFER)
		ours.events |= G_IO_IN;
	if (pipe->in->len > 0)
		ours.events |= G_IO_OUT;
	if (ours.events != 0)
		g_array_append_val(fds, ours);
	return pipe->in->len < BUFFER ? G_IO_IN : 0;
}
