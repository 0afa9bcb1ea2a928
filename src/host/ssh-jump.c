/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-host"
#include "host/ssh-private.h"
#include <recovery/plugin.h>

/* libssh 0.10 knows no jump hosts, but takes any socket: one end of a pair is the inner session's,
 * the other is moved by us from and to a forwarded channel of the outer session. */

struct _RdSshJump {
	RdSsh *via;	 /* (owned) */
	RdSshPipe *pipe; /* (owned) */
};

RdSshJump *
rd_ssh_jump_open(RdSsh *via, const char *address, guint16 port, int *fd, GError **error)
{
	g_auto(ssh_channel) channel = ssh_channel_new(via->session);
	RdSshJump *jump = NULL;
	RdSshPipe *pipe = NULL;
	int rc;

	via->doing = "forward";
	via->deadline = via->heard + RD_SSH_CONNECT * G_USEC_PER_SEC;
	if (!rd_ssh_await(via, rc, ssh_channel_open_forward(channel, address, port, "127.0.0.1", 0),
			  SSH_AGAIN, error)) {
		/* a channel goes before its session */
		g_clear_pointer(&channel, ssh_channel_free);
		rd_ssh_close(via);
		return NULL;
	}
	if (rc != SSH_OK)
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE,
			    "%s: no way on to %s:%u: %s", via->name, address, port,
			    ssh_get_error(via->session));
	else
		pipe = rd_ssh_pipe_new(via, g_steal_pointer(&channel), fd, error);
	if (pipe == NULL) {
		g_clear_pointer(&channel, ssh_channel_free);
		rd_ssh_close(via);
		return NULL;
	}
	jump = g_new0(RdSshJump, 1);
	jump->via = via;
	jump->pipe = pipe;
	return jump;
}

void
rd_ssh_jump_free(RdSshJump *jump)
{
	if (jump == NULL)
		return;
	rd_ssh_pipe_free(jump->pipe);
	rd_ssh_close(jump->via);
	g_free(jump);
}

void
rd_ssh_jump_move(RdSshJump *jump)
{
	if (jump->via->jump != NULL)
		rd_ssh_jump_move(jump->via->jump);
	rd_ssh_pipe_move(jump->pipe);
	/* what was written above leaves through the outer jump at once */
	if (jump->via->jump != NULL)
		rd_ssh_jump_move(jump->via->jump);
}

void
rd_ssh_jump_poll(RdSshJump *jump, GArray *fds)
{
	if (!rd_ssh_pipe_ended(jump->pipe))
		rd_ssh_poll(jump->via, rd_ssh_pipe_poll(jump->pipe, fds), fds);
}
