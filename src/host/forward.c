/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-host"
#include "host/forward.h"
#include "host/ssh-private.h"
#include <recovery/plugin.h>
#include <string.h>

/* a connection without traffic is not trusted longer (host.c) */
#define IDLE_MAX (20 * G_USEC_PER_SEC)
/* what bash says first, so that a refused connection is not taken for one that ended */
#define GREETING "recoveryd forwards\n"

/* Needs no root: the port is the host's own. kill 0 ends what it started when one of both sides has
 * said all; they are a session of sshd's, so it is nobody else's group. */
#define BASH_SCRIPT                                                                                \
	"exec 3<>/dev/tcp/$0/$1 || exit 111; exec 4<&0; echo recoveryd forwards; "                 \
	"{ cat <&4 >&3; kill 0; } & cat <&3; kill 0"

struct _RdForward {
	const RdHostAddress *address;
	int cancel_fd;
	RdSsh *ssh;	    /* (owned) (nullable) */
	GPtrArray *pipes;   /* (element-type RdSshPipe) go before the connection */
	gboolean forbidden; /* this host forwards nothing: bash has to */
};

RdForward *
rd_forward_new(const RdHostAddress *address, int cancel_fd)
{
	RdForward *self = g_new0(RdForward, 1);

	self->address = address;
	self->cancel_fd = cancel_fd;
	self->pipes = g_ptr_array_new_with_free_func((GDestroyNotify)rd_ssh_pipe_free);
	return self;
}

static void
disconnect(RdForward *self)
{
	g_ptr_array_set_size(self->pipes, 0);
	g_clear_pointer(&self->ssh, rd_ssh_close);
}

void
rd_forward_free(RdForward *self)
{
	if (self == NULL)
		return;
	disconnect(self);
	g_ptr_array_unref(self->pipes);
	g_free(self);
}

/* ---- opening ------------------------------------------------------------------------------- */

typedef enum {
	OPEN_DONE,
	OPEN_FAILED,	/* the host answered: another connection to it cannot help */
	OPEN_FORBIDDEN, /* it forwards nothing */
	OPEN_LOST,	/* the connection is of no use any more */
} Open;

/* SSH_OPEN_ADMINISTRATIVELY_PROHIBITED is 1 (RFC 4254 5.1); libssh has it in its text only */
static gboolean
is_forbidden(RdSsh *ssh)
{
	return strstr(ssh_get_error(ssh->session), "error (1)") != NULL;
}

static Open
open_forward(RdForward *self, ssh_channel channel, const char *host, guint16 port, GError **error)
{
	RdSsh *ssh = self->ssh;
	int rc;

	rd_ssh_begin(ssh, "forward", RD_SSH_CONNECT);
	if (!rd_ssh_await(ssh, rc, ssh_channel_open_forward(channel, host, port, "127.0.0.1", 0),
			  SSH_AGAIN, error))
		return OPEN_LOST;
	if (rc == SSH_OK)
		return OPEN_DONE;
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE, "%s: no way on to %s:%u: %s",
		    ssh->name, host, port, ssh_get_error(ssh->session));
	if (is_forbidden(ssh))
		return OPEN_FORBIDDEN;
	return ssh_is_connected(ssh->session) ? OPEN_FAILED : OPEN_LOST;
}

/* waits for the greeting; what comes instead of it is a message */
static Open
await_greeting(RdForward *self, ssh_channel channel, const char *host, guint16 port, GError **error)
{
	g_autoptr(GString) heard = g_string_new(NULL);
	g_autoptr(GString) wrong = g_string_new(NULL);
	RdSsh *ssh = self->ssh;

	while (heard->len < strlen(GREETING)) {
		char buffer[512];
		int n = ssh_channel_read_nonblocking(channel, buffer, strlen(GREETING) - heard->len,
						     FALSE);

		if (n > 0) {
			g_string_append_len(heard, buffer, n);
			continue;
		}
		n = ssh_channel_read_nonblocking(channel, buffer, sizeof buffer, TRUE);
		if (n > 0 && wrong->len < sizeof buffer) {
			g_string_append_len(wrong, buffer, n);
			continue;
		}
		if (ssh_channel_is_eof(channel) || ssh_channel_is_closed(channel))
			break;
		if (!ssh_is_connected(ssh->session))
			return rd_ssh_fail(ssh, "connection lost", error) ? OPEN_DONE : OPEN_LOST;
		if (!rd_ssh_wait(ssh, error))
			return OPEN_LOST;
	}
	if (g_str_equal(heard->str, GREETING))
		return OPEN_DONE;
	g_string_append_len(heard, wrong->str, wrong->len);
	g_strdelimit(heard->str, "\r\n", ' ');
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE,
		    "%s: forwarding is not allowed there (AllowTcpForwarding in sshd_config), and "
		    "by bash there is no way on to %s:%u: %s",
		    ssh->name, host, port, g_strstrip(heard->str));
	return OPEN_FAILED;
}

static Open
open_by_bash(RdForward *self, ssh_channel channel, const char *host, guint16 port, GError **error)
{
	g_autofree char *quoted = g_shell_quote(host);
	g_autofree char *command =
	    g_strdup_printf("exec bash -c '%s' %s %u", BASH_SCRIPT, quoted, port);
	RdSsh *ssh = self->ssh;
	int rc;

	rd_ssh_begin(ssh, "forward by bash", RD_SSH_CONNECT);
	if (!rd_ssh_await(ssh, rc, ssh_channel_open_session(channel), SSH_AGAIN, error))
		return OPEN_LOST;
	if (rc == SSH_OK &&
	    !rd_ssh_await(ssh, rc, ssh_channel_request_exec(channel, command), SSH_AGAIN, error))
		return OPEN_LOST;
	if (rc == SSH_OK)
		return await_greeting(self, channel, host, port, error);
	rd_ssh_fail(ssh, "forward by bash", error);
	/* perhaps one session too many: the others go on */
	return ssh_is_connected(ssh->session) ? OPEN_FAILED : OPEN_LOST;
}

/* on the connection that is there */
static Open
open_on(RdForward *self, const char *host, guint16 port, int *fd, GError **error)
{
	g_auto(ssh_channel) channel = NULL;
	g_autoptr(GError) local = NULL;
	Open opened = OPEN_FORBIDDEN;
	RdSshPipe *pipe = NULL;

	if (!self->forbidden) {
		channel = ssh_channel_new(self->ssh->session);
		opened = open_forward(self, channel, host, port, &local);
	}
	if (opened == OPEN_FORBIDDEN) {
		if (!self->forbidden)
			g_debug("%s; bash has to", local->message);
		self->forbidden = TRUE;
		g_clear_error(&local);
		g_clear_pointer(&channel, ssh_channel_free);
		channel = ssh_channel_new(self->ssh->session);
		opened = open_by_bash(self, channel, host, port, &local);
	}
	if (opened == OPEN_DONE) {
		pipe = rd_ssh_pipe_new(self->ssh, g_steal_pointer(&channel), fd, error);
		if (pipe == NULL)
			return OPEN_FAILED;
		g_ptr_array_add(self->pipes, pipe);
		return OPEN_DONE;
	}
	/* goes before its connection, which the caller may close */
	g_clear_pointer(&channel, ssh_channel_free);
	g_propagate_error(error, g_steal_pointer(&local));
	return opened;
}

static gboolean
is_idle(RdForward *self)
{
	return self->pipes->len == 0 && rd_boottime() - self->ssh->heard > IDLE_MAX;
}

int
rd_forward_open(RdForward *self, const char *host, guint16 port, GError **error)
{
	for (;;) {
		g_autoptr(GError) local = NULL;
		gboolean kept;
		Open opened;
		int fd = -1;

		rd_forward_move(self);
		if (self->ssh != NULL && (!ssh_is_connected(self->ssh->session) || is_idle(self)))
			disconnect(self);
		kept = self->ssh != NULL;
		if (!kept)
			self->ssh = rd_ssh_open(self->address, self->cancel_fd, error);
		if (self->ssh == NULL)
			return -1;
		opened = open_on(self, host, port, &fd, &local);
		if (opened == OPEN_DONE)
			return fd;
		if (opened == OPEN_LOST)
			disconnect(self);
		if (opened != OPEN_LOST || !kept ||
		    !g_error_matches(local, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE)) {
			g_propagate_error(error, g_steal_pointer(&local));
			return -1;
		}
		g_debug("%s: connecting again", local->message);
	}
}

/* ---- moving -------------------------------------------------------------------------------- */

void
rd_forward_move(RdForward *self)
{
	gboolean moved = self->ssh != NULL;

	/* what is read for one channel may be another's: so until nothing moves */
	while (moved) {
		moved = FALSE;
		if (self->ssh->jump != NULL)
			rd_ssh_jump_move(self->ssh->jump);
		for (guint i = self->pipes->len; i-- > 0;) {
			moved |= rd_ssh_pipe_move(self->pipes->pdata[i]);
			if (rd_ssh_pipe_ended(self->pipes->pdata[i]))
				g_ptr_array_remove_index_fast(self->pipes, i);
		}
	}
	/* what was written above leaves through the jump host at once */
	if (self->ssh != NULL && self->ssh->jump != NULL)
		rd_ssh_jump_move(self->ssh->jump);
}

void
rd_forward_poll(RdForward *self, GArray *fds)
{
	GIOCondition events = 0;

	/* without a channel nobody would read what the connection has to say */
	if (self->ssh == NULL || self->pipes->len == 0)
		return;
	for (guint i = 0; i < self->pipes->len; i++)
		events |= rd_ssh_pipe_poll(self->pipes->pdata[i], fds);
	rd_ssh_poll(self->ssh, events, fds);
}
