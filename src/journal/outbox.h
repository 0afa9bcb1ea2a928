/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <gio/gio.h>
G_BEGIN_DECLS

/* Notifications for --notify COMMAND: files in the run's outbox/, each given to COMMAND on stdin
 * until it exits with 0. At least once, also across a crash; the receiver tells doubles by their
 * id. Delivery is a child process watched by the thread-default main context: nothing here blocks.
 *
 *   outbox/<seq>-<type>.json          waits
 *   outbox/sent/, outbox/failed/      delivered; given up after RD_OUTBOX_TRIES
 *
 * The JSON is a CloudEvent 1.0: id "RUN/SEQ", source "/recoveryd/HOST", type
 * "io.recoveryd.TYPE", subject "RUN" or "RUN/STEP", time, and in data: cluster, run, step, text,
 * asked, by, otherwise, command. */
typedef struct _RdOutbox RdOutbox;

#define RD_OUTBOX_TRIES		 20
#define RD_OUTBOX_TIMEOUT_MS	 30000 /* then COMMAND and its children are killed */
#define RD_OUTBOX_BACKOFF_MS	 5000  /* after the first failure; doubles */
#define RD_OUTBOX_BACKOFF_MAX_MS 300000

typedef struct {
	gint64 seq;	  /* of the event it tells of */
	gint64 wall;	  /* its time, microseconds since the epoch */
	const char *type; /* "run.started", "decision.needed", …: lower case, '.' and '-' */
	const char *run, *cluster;
	const char *step;      /* (nullable) "stop-etcd@m1" */
	const char *text;      /* what is the case */
	const char *asked;     /* (nullable) of the reader */
	gint64 by;	       /* until when, microseconds since the epoch; 0: open end */
	const char *otherwise; /* (nullable) what happens if nobody answers */
	const char *command;   /* (nullable) the exact line to type */
} RdNotice;

typedef struct {
	guint timeout_ms, backoff_ms, backoff_max_ms, tries; /* 0: those above */
} RdOutboxPace;

/* @dir exists; @command is split like a shell would, but no shell runs it. NULL with GShellError
 * or GFileError. What an earlier engine left is delivered as soon as the main loop runs.
 * @pace NULL: the usual */
RdOutbox *rd_outbox_new(const char *dir, const char *command, const RdOutboxPace *pace,
			GError **error);
/* a delivery in progress is left to itself and repeated by the next engine */
void rd_outbox_free(RdOutbox *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdOutbox, rd_outbox_free)

/* on disk when it returns TRUE; one that is there or was sent already is not put in again */
gboolean rd_outbox_add(RdOutbox *self, const RdNotice *notice, GError **error);
/* Highest seq ever put in, 0: none. After a crash between commit and rd_outbox_add() the engine
 * puts in what comes after it. */
gint64 rd_outbox_get_last(RdOutbox *self);
/* how many wait or are being delivered */
guint rd_outbox_get_waiting(RdOutbox *self);
/* Before the engine ends: runs the main context until every waiting notice was tried once more and
 * is delivered or failed, or @timeout_ms are over. TRUE when none waits any more. */
gboolean rd_outbox_flush(RdOutbox *self, guint timeout_ms);
G_END_DECLS
