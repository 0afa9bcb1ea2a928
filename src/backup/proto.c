/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-backup"

#include "proto.h"

#include <string.h>

#define NUMBER_MAX ((1 << 29) - 1)

static gboolean
read_varint(RdProto *self, guint64 *value)
{
	*value = 0;
	for (guint shift = 0; shift < 70 && self->at < self->end; shift += 7) {
		guint8 byte = *self->at++;

		/* the tenth byte has room for one bit */
		if (shift == 63 && byte > 1)
			return FALSE;
		*value |= (guint64)(byte & 0x7f) << shift;
		if ((byte & 0x80) == 0)
			return TRUE;
	}
	return FALSE;
}

static gboolean
read_fixed(RdProto *self, guint size, guint64 *value)
{
	if ((gsize)(self->end - self->at) < size)
		return FALSE;
	*value = 0;
	for (guint i = 0; i < size; i++)
		*value |= (guint64)*self->at++ << (8 * i);
	return TRUE;
}

static gboolean
read_bytes(RdProto *self, RdProtoField *field)
{
	guint64 size = 0;

	if (!read_varint(self, &size) || size > (gsize)(self->end - self->at))
		return FALSE;
	field->bytes = self->at;
	field->size = size;
	self->at += size;
	return TRUE;
}

static gboolean
read_value(RdProto *self, RdProtoField *field)
{
	switch (field->wire) {
	case RD_PROTO_VARINT:
		return read_varint(self, &field->value);
	case RD_PROTO_FIXED64:
		return read_fixed(self, 8, &field->value);
	case RD_PROTO_FIXED32:
		return read_fixed(self, 4, &field->value);
	case RD_PROTO_BYTES:
		return read_bytes(self, field);
	}
	return FALSE;
}

RdProtoResult
rd_proto_next(RdProto *self, RdProtoField *field)
{
	guint64 tag = 0;

	*field = (RdProtoField){0};
	if (self->at == self->end)
		return RD_PROTO_END;
	if (!read_varint(self, &tag) || tag >> 3 == 0 || tag >> 3 > NUMBER_MAX)
		return RD_PROTO_MALFORMED;
	field->number = tag >> 3;
	field->wire = tag & 7;
	return read_value(self, field) ? RD_PROTO_FIELD : RD_PROTO_MALFORMED;
}

gboolean
rd_proto_find(const guint8 *bytes, gsize size, guint32 number, RdProtoField *field)
{
	RdProto proto = {.at = bytes, .end = bytes + size};

	while (rd_proto_next(&proto, field) == RD_PROTO_FIELD)
		if (field->number == number && field->wire == RD_PROTO_BYTES)
			return TRUE;
	return FALSE;
}

char *
rd_proto_text(const RdProtoField *field)
{
	if (!g_utf8_validate_len((const char *)field->bytes, field->size, NULL) ||
	    memchr(field->bytes, '\0', field->size) != NULL)
		return NULL;
	return g_strndup((const char *)field->bytes, field->size);
}
