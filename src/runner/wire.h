/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "machine/order.h"
G_BEGIN_DECLS

/* What travels between engine, runner and workers: one JSON object a line, all values strings (a
 * lock number or an id of etcd does not fit every JSON number).
 *
 * engine -> worker   {"to": "m0", "order": {…}} | {"to": "m0", "ack": "yes"}
 *                    {"to": "m0", "cancel": "yes"}   (the runner's to carry out)
 * worker -> engine   {"report": {…}} */

typedef struct {
	char *to;
	RdOrder *order; /* (nullable) */
	gboolean ack, cancel;
} RdWireMessage;
void rd_wire_message_clear(RdWireMessage *message);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RdWireMessage, rd_wire_message_clear)

/* lines with their newline (transfer full) */
char *rd_wire_order(const RdOrder *order);
char *rd_wire_word(const char *to, const char *word); /* "ack" or "cancel" */
char *rd_wire_report(const RdReport *report);

gboolean rd_wire_parse_message(const char *line, RdWireMessage *message, GError **error);
RdReport *rd_wire_parse_report(const char *line, GError **error);

/* A socket that carries lines. Reads without blocking; writes block. */
typedef struct {
	int fd;
	GString *in;
	gboolean ended; /* the other side closed it */
} RdLines;
RdLines *rd_lines_new(int fd); /* takes @fd */
void rd_lines_free(RdLines *self);
/* reads what is there; a line comes out by rd_lines_next() (transfer full), NULL when none is
 * complete */
void rd_lines_fill(RdLines *self);
char *rd_lines_next(RdLines *self);
/* blocks for one line; NULL at the end */
char *rd_lines_wait(RdLines *self);
gboolean rd_lines_send(RdLines *self, const char *line);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdLines, rd_lines_free)
G_END_DECLS
