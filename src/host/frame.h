/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "host/call.h"
G_BEGIN_DECLS

/* A call as the arguments of wrapper.sh, and its answer out of the two streams that come back.
 * What both sides of the framing promise stands at the top of wrapper.sh. */

/* 32 hexadecimal digits, another each time. (transfer full) */
char *rd_frame_nonce(void);

/* "recoveryd", VERB, key=value ..., "--", environment and command. @root: where the host's files
 * are, NULL for /var/lib/recoveryd. PERMANENT when the call cannot be put into arguments: no
 * command, a command with "=" in its name, a line break in a name. (transfer full) */
char **rd_frame_arguments(const RdCall *call, const char *nonce, const char *root, GError **error);

/* What `sh -c` on the host is given: it reads wrapper.sh from stdin, all of it or it does nothing,
 * and carries it out. So what sudo and the audit log of a host keep of each call is one short line
 * with its arguments, not the wrapper's 23 KiB, which pushed everything else out of the journals.
 * (transfer full) */
char *rd_frame_loader(void);

/* the one line for sshd's shell; as root when @user is not. rd_wrapper_text has to be the first on
 * its stdin. PERMANENT when it is longer than an argument may be. (transfer full) */
char *rd_frame_command(const char *user, const char *const *arguments, GError **error);

/* What has come back so far. stderr is kept to its last 64 KiB. */
typedef struct {
	char *nonce;	 /* (owned) */
	GByteArray *out; /* (owned) */
	GByteArray *err; /* (owned) */
	gsize scanned;	 /* out is searched up to here */
	gssize begin;	 /* where what counts begins, -1: not seen yet */
	gssize end;	 /* behind its last byte, -1: not seen yet */
} RdFrame;

RdFrame *rd_frame_new(const char *nonce);
void rd_frame_free(RdFrame *frame);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdFrame, rd_frame_free)

/* PERMANENT when there is more than one answer may hold (512 MiB) */
gboolean rd_frame_add_out(RdFrame *frame, const void *data, gsize size, GError **error);
void rd_frame_add_err(RdFrame *frame, const void *data, gsize size);
/* both ends are there: nothing that follows belongs to the answer */
gboolean rd_frame_is_complete(RdFrame *frame);
/* The wrapper has spoken: a call that touches may have acted. */
gboolean rd_frame_has_begun(RdFrame *frame);
/* UNREACHABLE when the answer is not complete, quoting what was said instead; PERMANENT when that
 * shows that we cannot become root there. */
gboolean rd_frame_finish(RdFrame *frame, RdReply *reply, GError **error);
G_END_DECLS
