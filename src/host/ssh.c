/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-host"
#include "host/ssh-private.h"
#include <errno.h>
#include <glib-unix.h>
#include <netinet/tcp.h>
#include <recovery/plugin.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ASK_AFTER (10 * G_USEC_PER_SEC) /* of silence; asked again after the same time */
#define JUMPS_MAX 4

gboolean
rd_ssh_fail(RdSsh *self, const char *what, GError **error)
{
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE, "%s: %s: %s", self->name,
		    what, ssh_get_error(self->session));
	return FALSE;
}

static gboolean
give_up(RdSsh *self, gint64 now, GError **error)
{
	if (self->deadline > 0 && now >= self->deadline)
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE,
			    "%s: %s: no answer in time", self->name, self->doing);
	else if (now - self->heard >= RD_SSH_SILENCE * G_USEC_PER_SEC)
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE,
			    "%s: %s: no sign of the host for %d s", self->name, self->doing,
			    RD_SSH_SILENCE);
	else
		return FALSE;
	return TRUE;
}

/* Not only poll sees what comes: libssh reads in many of its calls, also in the one that asks for a
 * sign, and then there is nothing left to poll for. */
static void
note_signs(RdSsh *self, gint64 now)
{
	if (self->bytes.in_bytes == self->counted)
		return;
	self->counted = self->bytes.in_bytes;
	self->heard = now;
}

/* Asks the peer for a sign when it has been silent; its answer counts like any other byte. Twice,
 * because the first call only takes note of an answer to the question before. */
static void
ask_for_sign(RdSsh *self, gint64 now)
{
	if (now - MAX(self->heard, self->asked) < ASK_AFTER)
		return;
	self->asked = now;
	ssh_send_keepalive(self->session);
	ssh_send_keepalive(self->session);
}

static int
poll_timeout(RdSsh *self, gint64 now)
{
	gint64 next = self->heard + RD_SSH_SILENCE * G_USEC_PER_SEC;

	next = MIN(next, MAX(self->heard, self->asked) + ASK_AFTER);
	if (self->deadline > 0)
		next = MIN(next, self->deadline);
	return (int)(MAX(next - now, 0) / 1000) + 1;
}

void
rd_ssh_poll(RdSsh *self, GIOCondition events, GArray *fds)
{
	GPollFD peer = {.fd = ssh_get_fd(self->session), .events = events};

	if (ssh_get_poll_flags(self->session) & SSH_WRITE_PENDING)
		peer.events |= G_IO_OUT;
	g_array_append_val(fds, peer);
	if (self->jump != NULL)
		rd_ssh_jump_poll(self->jump, fds);
}

gboolean
rd_ssh_wait(RdSsh *self, GError **error)
{
	g_autoptr(GArray) fds = g_array_new(FALSE, FALSE, sizeof(GPollFD));
	GPollFD cancel = {.fd = self->cancel_fd, .events = G_IO_IN};
	gint64 now = rd_boottime();

	note_signs(self, now);
	if (give_up(self, now, error))
		return FALSE;
	ask_for_sign(self, now);
	if (self->jump != NULL)
		rd_ssh_jump_move(self->jump);
	g_array_append_val(fds, cancel);
	rd_ssh_poll(self, G_IO_IN, fds);
	if (g_poll((GPollFD *)(void *)fds->data, fds->len, poll_timeout(self, now)) < 0 &&
	    errno != EINTR) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED, "%s: poll: %s",
			    self->name, g_strerror(errno));
		return FALSE;
	}
	if (g_array_index(fds, GPollFD, 0).revents != 0) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_CANCELLED, "%s: %s: cancelled",
			    self->name, self->doing);
		return FALSE;
	}
	if (g_array_index(fds, GPollFD, 1).revents & (G_IO_IN | G_IO_HUP | G_IO_ERR))
		self->heard = rd_boottime();
	if (self->jump != NULL)
		rd_ssh_jump_move(self->jump);
	return TRUE;
}

void
rd_ssh_begin(RdSsh *self, const char *doing, guint seconds)
{
	gint64 now = rd_boottime();

	self->doing = doing;
	self->heard = now;
	self->asked = 0;
	self->deadline = seconds > 0 ? now + seconds * G_USEC_PER_SEC : 0;
}

/* ---- opening ------------------------------------------------------------------------------- */

static gboolean
check_address(const RdHostAddress *address, guint depth, GError **error)
{
	const char *trouble = NULL;
	const char *a = address->address;

	if (a == NULL || a[0] == '\0' || a[0] == '-' || strpbrk(a, " \t\r\n/@,") != NULL)
		trouble = "is not an address";
	else if (address->user == NULL || address->user[0] == '\0' || address->user[0] == '-')
		trouble = "has no user to log in as";
	else if (address->host_key == NULL && address->known_hosts == NULL)
		trouble = "has no known host key: neither host_key nor known_hosts is given";
	else if (depth > JUMPS_MAX)
		trouble = "has too many jump hosts";
	if (trouble == NULL)
		return address->jump == NULL || check_address(address->jump, depth + 1, error);
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT, "%s: \"%s\" %s", address->name,
		    a != NULL ? a : "", trouble);
	return FALSE;
}

static int
connect_socket(RdSsh *self, const RdHostAddress *address, guint port, GError **error)
{
	RdSsh *via;
	int fd = -1;

	if (address->jump == NULL) {
		fd = rd_tcp_connect(address->address, port, self->cancel_fd, RD_SSH_CONNECT, error);
		if (fd < 0)
			g_prefix_error(error, "%s: ", self->name);
		return fd;
	}
	via = rd_ssh_open(address->jump, self->cancel_fd, error);
	if (via != NULL) {
		rd_ssh_begin(via, "forward", RD_SSH_CONNECT);
		self->jump = rd_ssh_jump_open(via, address->address, port, &fd, error);
	}
	if (fd < 0)
		g_prefix_error(error, "%s, by jump host: ", address->name);
	return fd;
}

static void
set_options(RdSsh *self, const RdHostAddress *address, guint port, socket_t fd)
{
	bool no = false;

	ssh_options_set(self->session, SSH_OPTIONS_FD, &fd);
	ssh_options_set(self->session, SSH_OPTIONS_HOST, address->address);
	ssh_options_set(self->session, SSH_OPTIONS_PORT, &port);
	ssh_options_set(self->session, SSH_OPTIONS_USER, address->user);
	ssh_options_set(self->session, SSH_OPTIONS_KNOWNHOSTS,
			address->known_hosts != NULL ? address->known_hosts : "/dev/null");
	ssh_options_set(self->session, SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null");
	/* nothing from ~/.ssh/config or /etc/ssh/ssh_config */
	ssh_options_set(self->session, SSH_OPTIONS_PROCESS_CONFIG, &no);
	/* a third of the time of the others; the rest is for hosts in FIPS mode */
	ssh_options_set(self->session, SSH_OPTIONS_KEY_EXCHANGE,
			"curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,"
			"ecdh-sha2-nistp384,ecdh-sha2-nistp521,"
			"diffie-hellman-group-exchange-sha256,diffie-hellman-group16-sha512,"
			"diffie-hellman-group18-sha512,diffie-hellman-group14-sha256");
	rd_ssh_prefer_host_keys(self, address);
	ssh_set_blocking(self->session, 0);
}

RdSsh *
rd_ssh_open(const RdHostAddress *address, int cancel_fd, GError **error)
{
	g_autoptr(RdSsh) self = NULL;
	guint port = address->port != 0 ? address->port : 22;
	int fd, rc;

	if (!check_address(address, 0, error))
		return NULL;
	self = g_new0(RdSsh, 1);
	self->cancel_fd = cancel_fd;
	self->name =
	    g_strdup_printf("%s (%s@%s:%u)", address->name, address->user, address->address, port);
	fd = connect_socket(self, address, port, error);
	if (fd < 0)
		return NULL;
	self->session = ssh_new();
	ssh_set_counters(self->session, &self->bytes, NULL);
	set_options(self, address, port, fd);
	rd_ssh_begin(self, "key exchange", RD_SSH_CONNECT);
	if (!rd_ssh_await(self, rc, ssh_connect(self->session), SSH_AGAIN, error))
		return NULL;
	if (rc != SSH_OK) {
		rd_ssh_fail(self, "key exchange", error);
		return NULL;
	}
	/* libssh made it blocking when it was connected, and then a peer that does not read would
	 * hold us in send(2) for ever */
	g_unix_set_fd_nonblocking(ssh_get_fd(self->session), TRUE, NULL);
	if (!rd_ssh_check_host_key(self, address, error))
		return NULL;
	rd_ssh_begin(self, "login", RD_SSH_CONNECT);
	if (!rd_ssh_login(self, address, error))
		return NULL;
	return g_steal_pointer(&self);
}

void
rd_ssh_close(RdSsh *self)
{
	if (self == NULL)
		return;
	if (self->session != NULL) {
		/* libssh closed it if the peer went away, but ssh_disconnect() leaves a descriptor
		 * that came from SSH_OPTIONS_FD open (0.10.6 src/client.c) */
		int fd = ssh_get_fd(self->session);

		ssh_disconnect(self->session);
		ssh_free(self->session);
		if (fd >= 0)
			close(fd);
	}
	rd_ssh_jump_free(self->jump);
	g_free(self->name);
	g_free(self);
}

/* ---- commands ------------------------------------------------------------------------------ */

/* what goes to stdin, in pieces */
typedef struct {
	const guint8 *data;
	gsize left;
	const guint8 *next; /* (nullable) what comes behind data */
	gsize next_left;
	int fd; /* behind that; -1: it is all */
	gboolean over;
	guint8 buffer[65536];
} Feed;

static gboolean
feed_refill(Feed *feed, RdSsh *self, GError **error)
{
	gssize n;

	if (feed->left == 0 && feed->next_left > 0) {
		feed->data = feed->next;
		feed->left = feed->next_left;
		feed->next_left = 0;
	}
	if (feed->left > 0 || feed->fd < 0)
		return TRUE;
	do
		n = read(feed->fd, feed->buffer, sizeof feed->buffer);
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
			    "%s: reading what is to be sent: %s", self->name, g_strerror(errno));
		return FALSE;
	}
	feed->data = feed->buffer;
	feed->left = n;
	return TRUE;
}

/* FALSE only when our own file cannot be read: the host does not get an end of file then, which
 * it would take for the end of the data */
static gboolean
feed_some(Feed *feed, RdSsh *self, ssh_channel channel, gboolean *moved, GError **error)
{
	int n;

	if (feed->over)
		return TRUE;
	if (!feed_refill(feed, self, error))
		return FALSE;
	if (feed->left == 0) {
		feed->over = TRUE;
		ssh_channel_send_eof(channel);
		return TRUE;
	}
	n = ssh_channel_write(channel, feed->data, MIN(feed->left, sizeof feed->buffer));
	if (n == SSH_ERROR) {
		/* the host has closed its end: what it says about that is still to be read */
		feed->over = TRUE;
		return TRUE;
	}
	feed->data += MAX(n, 0);
	feed->left -= MAX(n, 0);
	*moved |= n > 0;
	return TRUE;
}

static gboolean
read_some(RdSsh *self, ssh_channel channel, RdFrame *frame, gboolean *moved, GError **error)
{
	guint8 buffer[65536];

	for (int is_stderr = 0; is_stderr < 2; is_stderr++) {
		int n = ssh_channel_read_nonblocking(channel, buffer, sizeof buffer, is_stderr);

		if (n == SSH_ERROR)
			return rd_ssh_fail(self, "connection lost", error);
		if (n <= 0)
			continue;
		*moved = TRUE;
		if (is_stderr)
			rd_frame_add_err(frame, buffer, n);
		else if (!rd_frame_add_out(frame, buffer, n, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean
talk(RdSsh *self, ssh_channel channel, Feed *feed, RdFrame *frame, GError **error)
{
	for (;;) {
		gboolean moved = FALSE;

		if (!read_some(self, channel, frame, &moved, error))
			return FALSE;
		if (rd_frame_is_complete(frame))
			return TRUE;
		if (!feed_some(feed, self, channel, &moved, error))
			return FALSE;
		if (moved)
			continue;
		if (ssh_channel_is_eof(channel) || ssh_channel_is_closed(channel))
			return TRUE;
		if (!ssh_is_connected(self->session))
			return rd_ssh_fail(self, "connection lost", error);
		if (!rd_ssh_wait(self, error))
			return FALSE;
	}
}

/* The answer to the first channel waits 40 ms for Nagle and a delayed ACK to meet, unless we
 * acknowledge at once. */
static int
open_channel(RdSsh *self, ssh_channel channel)
{
	int rc = ssh_channel_open_session(channel);
	int on = 1;

	if (rc == SSH_AGAIN)
		setsockopt(ssh_get_fd(self->session), IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
	return rc;
}

gboolean
rd_ssh_run(RdSsh *self, const RdSshCommand *command, RdFrame *frame, gboolean *sent, GError **error)
{
	g_auto(ssh_channel) channel = ssh_channel_new(self->session);
	g_autofree Feed *feed = g_new0(Feed, 1);
	int rc;

	*sent = FALSE;
	rd_ssh_begin(self, "open a channel", RD_SSH_CONNECT);
	if (channel == NULL)
		return rd_ssh_fail(self, "channel", error);
	if (!rd_ssh_await(self, rc, open_channel(self, channel), SSH_AGAIN, error))
		return FALSE;
	if (rc != SSH_OK)
		return rd_ssh_fail(self, "channel", error);
	rd_ssh_begin(self, "command", command->limit_s);
	*sent = TRUE;
	if (!rd_ssh_await(self, rc, ssh_channel_request_exec(channel, command->command), SSH_AGAIN,
			  error))
		return FALSE;
	if (rc != SSH_OK)
		return rd_ssh_fail(self, "command", error);
	feed->fd = command->input == NULL ? command->input_fd : -1;
	if (command->input != NULL)
		feed->next = g_bytes_get_data(command->input, &feed->next_left);
	if (command->text != NULL) {
		feed->data = (const guint8 *)command->text;
		feed->left = strlen(command->text);
	}
	return talk(self, channel, feed, frame, error);
}
