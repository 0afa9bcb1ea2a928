/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "host/address.h"
#include "host/frame.h"
G_BEGIN_DECLS

/* One ssh connection, blocking, with its own poll on the socket and a descriptor for cancelling.
 * A connection is used by one thread at a time. Every error names the host. */
typedef struct _RdSsh RdSsh;

/* seconds */
#define RD_SSH_CONNECT 15 /* until keys are exchanged, and once more until logged in */
#define RD_SSH_SILENCE 25 /* without any sign of the peer, which is asked for one after 10 */

/* @cancel_fd: -1 for none; readable means cancelled, nothing is read from it. UNREACHABLE;
 * PERMANENT when the host key is not the known one, no login is granted, or @address is none. */
RdSsh *rd_ssh_open(const RdHostAddress *address, int cancel_fd, GError **error);
void rd_ssh_close(RdSsh *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdSsh, rd_ssh_close)

typedef struct {
	const char *command;
	const char *text; /* (nullable) to stdin, before all else */
	GBytes *input;	  /* (nullable) to stdin */
	int input_fd;	  /* used when input is NULL: a regular file; -1 for none */
	guint limit_s;	  /* for all of it; 0: only silence ends it */
} RdSshCommand;

/* Runs one command until @frame is complete or the host ends it; then the caller looks at the
 * frame. FALSE with UNREACHABLE or CANCELLED: the connection has to be closed. *sent: the command
 * may have left, so it may have been, or may still be, carried out. */
gboolean rd_ssh_run(RdSsh *self, const RdSshCommand *command, RdFrame *frame, gboolean *sent,
		    GError **error);
G_END_DECLS
