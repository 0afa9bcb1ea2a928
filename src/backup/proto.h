/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>
G_BEGIN_DECLS

/* Protocol buffers, field by field, over bytes that are owned by somebody else and trusted by
 * nobody. Groups (nobody writes them any more) count as malformed. */

typedef struct {
	const guint8 *at, *end;
} RdProto;

typedef enum {
	RD_PROTO_VARINT = 0,
	RD_PROTO_FIXED64 = 1,
	RD_PROTO_BYTES = 2,
	RD_PROTO_FIXED32 = 5,
} RdProtoWire;

typedef struct {
	guint32 number;
	RdProtoWire wire;
	guint64 value;	     /* not for RD_PROTO_BYTES */
	const guint8 *bytes; /* RD_PROTO_BYTES: inside the message */
	gsize size;
} RdProtoField;

typedef enum {
	RD_PROTO_FIELD,
	RD_PROTO_END,
	RD_PROTO_MALFORMED,
} RdProtoResult;

RdProtoResult rd_proto_next(RdProto *self, RdProtoField *field);
/* the first field @number that is bytes; FALSE also when what stands before it is malformed */
gboolean rd_proto_find(const guint8 *bytes, gsize size, guint32 number, RdProtoField *field);
/* a field's bytes as text; NULL when they are not UTF-8 or have a zero (transfer full) */
char *rd_proto_text(const RdProtoField *field);
G_END_DECLS
