/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "host/ssh.h"
#include "host/tcp.h"
#include <libssh/libssh.h>
#include <libssh/server.h> /* ssh_send_keepalive */
G_BEGIN_DECLS

/* shared by ssh.c (session and commands), ssh-login.c (host key, authentication), ssh-pipe.c,
 * ssh-jump.c and forward.c */

typedef struct _RdSshJump RdSshJump;

struct _RdSsh {
	char *name;	 /* (owned) "m1 (core@10.0.0.1:22)" */
	RdSshJump *jump; /* (owned) (nullable) */
	ssh_session session;
	int cancel_fd;
	gint64 heard, asked; /* rd_boottime() of the last sign of the peer, and question for one */
	struct ssh_counter_struct bytes; /* what libssh reads and writes; of these, heard knows … */
	guint64 counted;		 /* … of so many read */
	gint64 deadline;		 /* rd_boottime(); 0: none */
	const char *doing;		 /* for the message when the deadline passes */
};

G_DEFINE_AUTO_CLEANUP_FREE_FUNC(ssh_channel, ssh_channel_free, NULL)
G_DEFINE_AUTO_CLEANUP_FREE_FUNC(ssh_key, ssh_key_free, NULL)

/* UNREACHABLE with libssh's words */
gboolean rd_ssh_fail(RdSsh *self, const char *what, GError **error);
/* The one place that waits: for the peer, for room to write, for cancellation, for the deadline;
 * a jump host's traffic is moved meanwhile. */
gboolean rd_ssh_wait(RdSsh *self, GError **error);

/* appends what a session waits for: @events, room for what it has to write, and its jump host's */
void rd_ssh_poll(RdSsh *self, GIOCondition events, GArray *fds);
/* what begins now has @seconds; 0: no limit but silence */
void rd_ssh_begin(RdSsh *self, const char *doing, guint seconds);

/* runs @call until it no longer answers @again; FALSE only when waiting was given up */
#define rd_ssh_await(self, rc, call, again, error)                                                 \
	({                                                                                         \
		gboolean ok_ = TRUE;                                                               \
		while (((rc) = (call)) == (again) && ok_)                                          \
			ok_ = rd_ssh_wait(self, error);                                            \
		ok_;                                                                               \
	})

/* ssh-login.c */
void rd_ssh_prefer_host_keys(RdSsh *self, const RdHostAddress *address);
gboolean rd_ssh_check_host_key(RdSsh *self, const RdHostAddress *address, GError **error);
gboolean rd_ssh_login(RdSsh *self, const RdHostAddress *address, GError **error);

/* ssh-pipe.c: an open channel as a socket. @channel is taken over, whatever happens; it goes before
 * its session, @via. *fd is the caller's. */
typedef struct _RdSshPipe RdSshPipe;
RdSshPipe *rd_ssh_pipe_new(RdSsh *via, ssh_channel channel, int *fd, GError **error);
void rd_ssh_pipe_free(RdSshPipe *pipe);
/* moves what can be moved without waiting; whether that was anything */
gboolean rd_ssh_pipe_move(RdSshPipe *pipe);
gboolean rd_ssh_pipe_ended(const RdSshPipe *pipe);
/* appends its own descriptor; what it waits for at the session is returned */
GIOCondition rd_ssh_pipe_poll(const RdSshPipe *pipe, GArray *fds);

/* ssh-jump.c: a socket that ends at @address:@port as seen from @via, which it takes over */
RdSshJump *rd_ssh_jump_open(RdSsh *via, const char *address, guint16 port, int *fd, GError **error);
void rd_ssh_jump_free(RdSshJump *jump);
/* moves what can be moved without waiting */
void rd_ssh_jump_move(RdSshJump *jump);
/* appends what to poll for */
void rd_ssh_jump_poll(RdSshJump *jump, GArray *fds);
G_END_DECLS
