/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-host"
#include "host/ssh-private.h"
#include <errno.h>
#include <fcntl.h>
#include <recovery/plugin.h>
#include <sys/socket.h>
#include <unistd.h>

/* libssh 0.10 knows no jump hosts, but takes any socket: one end of a pair is the inner session's,
 * the other is moved by us from and to a forwarded channel of the outer session. */

#define BUFFER (128 * 1024) /* kept back in one direction before the other side is read again */

struct _RdSshJump {
	RdSsh *via; /* (owned) */
	ssh_channel channel;
	int fd;		      /* ours of the pair */
	GByteArray *in, *out; /* (owned) from and to the channel, not yet passed on */
	gboolean ended;
};

RdSshJump *
rd_ssh_jump_open(RdSsh *via, const char *address, guint16 port, int *fd, GError **error)
{
	RdSshJump *jump = g_new0(RdSshJump, 1);
	int pair[2] = {-1, -1};
	int rc;

	jump->via = via;
	jump->fd = -1;
	jump->in = g_byte_array_new();
	jump->out = g_byte_array_new();
	jump->channel = ssh_channel_new(via->session);
	via->doing = "forward";
	via->deadline = via->heard + RD_SSH_CONNECT * G_USEC_PER_SEC;
	if (!rd_ssh_await(via, rc,
			  ssh_channel_open_forward(jump->channel, address, port, "127.0.0.1", 0),
			  SSH_AGAIN, error)) {
		rd_ssh_jump_free(jump);
		return NULL;
	}
	if (rc != SSH_OK) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE,
			    "%s: no way on to %s:%u: %s", via->name, address, port,
			    ssh_get_error(via->session));
		rd_ssh_jump_free(jump);
		return NULL;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED, "%s: socketpair: %s",
			    via->name, g_strerror(errno));
		rd_ssh_jump_free(jump);
		return NULL;
	}
	jump->fd = pair[0];
	*fd = pair[1];
	return jump;
}

void
rd_ssh_jump_free(RdSshJump *jump)
{
	if (jump == NULL)
		return;
	ssh_channel_free(jump->channel);
	rd_ssh_close(jump->via);
	if (jump->fd >= 0)
		close(jump->fd);
	g_byte_array_unref(jump->in);
	g_byte_array_unref(jump->out);
	g_free(jump);
}

/* the inner session sees the end of its peer */
static void
end(RdSshJump *jump)
{
	jump->ended = TRUE;
	shutdown(jump->fd, SHUT_RDWR);
}

static void
move_in(RdSshJump *jump)
{
	guint8 buffer[32768];

	while (!jump->ended) {
		gssize n;

		if (jump->in->len > 0) {
			n = send(jump->fd, jump->in->data, jump->in->len, MSG_NOSIGNAL);
			if (n < 0 && errno != EAGAIN && errno != EINTR)
				end(jump);
			if (n > 0)
				g_byte_array_remove_range(jump->in, 0, n);
			if (jump->in->len >= BUFFER)
				return;
		}
		n = ssh_channel_read_nonblocking(jump->channel, buffer, sizeof buffer, 0);
		if (n > 0) {
			g_byte_array_append(jump->in, buffer, n);
			jump->via->heard = rd_boottime();
			continue;
		}
		if ((n == SSH_ERROR || ssh_channel_is_eof(jump->channel)) && jump->in->len == 0)
			end(jump);
		return;
	}
}

static void
move_out(RdSshJump *jump)
{
	guint8 buffer[32768];

	while (!jump->ended) {
		gssize n = 0;

		if (jump->out->len > 0) {
			n = ssh_channel_write(jump->channel, jump->out->data, jump->out->len);
			if (n == SSH_ERROR)
				end(jump);
			if (n > 0)
				g_byte_array_remove_range(jump->out, 0, n);
			if (jump->out->len >= BUFFER)
				return;
		}
		n = recv(jump->fd, buffer, sizeof buffer, 0);
		if (n <= 0)
			return;
		g_byte_array_append(jump->out, buffer, n);
	}
}

void
rd_ssh_jump_move(RdSshJump *jump)
{
	if (jump->via->jump != NULL)
		rd_ssh_jump_move(jump->via->jump);
	move_in(jump);
	move_out(jump);
	/* what was written above leaves through the outer jump at once */
	if (jump->via->jump != NULL)
		rd_ssh_jump_move(jump->via->jump);
}

void
rd_ssh_jump_poll(RdSshJump *jump, GArray *fds)
{
	GPollFD inner = {.fd = jump->fd}, outer = {.fd = ssh_get_fd(jump->via->session)};

	if (jump->ended)
		return;
	if (jump->out->len < BUFFER)
		inner.events |= G_IO_IN;
	if (jump->in->len > 0)
		inner.events |= G_IO_OUT;
	if (jump->in->len < BUFFER)
		outer.events |= G_IO_IN;
	if (ssh_get_poll_flags(jump->via->session) & SSH_WRITE_PENDING)
		outer.events |= G_IO_OUT;
	g_array_append_val(fds, inner);
	g_array_append_val(fds, outer);
	if (jump->via->jump != NULL)
		rd_ssh_jump_poll(jump->via->jump, fds);
}
