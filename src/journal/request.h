/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <gio/gio.h>
G_BEGIN_DECLS

/* A person's word to a running engine: a file in the run's requests/, renamed in whole. Who asked
 * is the owner of the file; what sudo says is noted as a claim.
 *
 *   <microseconds>-<pid>-<n>.json   {"word": "decide", "step": "stop-etcd@m1",
 *                                    "argument": "redo", "reason": "…", "claim": "alice"}
 *
 * Only word is needed. Errors are G_IO_ERROR with the path. */

#define RD_REQUEST_SIZE_MAX (16 * 1024) /* bytes */

typedef struct {
	char *word;	/* lower-case letters and '-' */
	char *step;	/* (nullable) "state@target" */
	char *argument; /* (nullable) */
	char *reason;	/* (nullable) */
	guint uid;	/* of the file's owner */
	char *who;	/* user name of the file's owner, "uid 1234" when it has none */
	char *claim;	/* (nullable) SUDO_USER of the command */
	gint64 time;	/* microseconds since the epoch, of the file's name: with @pid and @n an
			 * identity, by which an engine that died in between knows it again */
	char *file;	/* its path */
} RdRequest;

/* writes one; durable when it returns TRUE. uid, who, time and file of @request are not read */
gboolean rd_request_send(const char *dir, const RdRequest *request, GError **error);
/* Those that wait, oldest first. Files that are no requests (malformed, too big, writable by
 * others, links) are moved to dir/bad/ with a warning. NULL only when @dir cannot be read.
 * (element-type RdRequest) (transfer full) */
GPtrArray *rd_requests_take(const char *dir, GError **error);
/* To be called once it is handled and that is in the journal: removes the file. Until then each
 * rd_requests_take() finds it again. */
gboolean rd_request_done(const RdRequest *request, GError **error);
/* "root (sudo: alice)", "alice" (transfer full) */
char *rd_request_describe_who(const RdRequest *request);
void rd_request_free(RdRequest *request);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdRequest, rd_request_free)
G_END_DECLS
