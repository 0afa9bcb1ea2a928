/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <json-glib/json-glib.h>
G_BEGIN_DECLS

/* What `-o` writes. Keys are stable; text that is not there is null; 64-bit numbers that mean
 * something (locks, sequence numbers) are text, because many readers of JSON have doubles only. */

/* members of the object that @json is in */
void rd_json_string(JsonBuilder *json, const char *name, const char *value); /* @value nullable */
void rd_json_int(JsonBuilder *json, const char *name, gint64 value);
void rd_json_bool(JsonBuilder *json, const char *name, gboolean value);
/* as text; 0 is null */
void rd_json_number(JsonBuilder *json, const char *name, gint64 value);
/* @wall: microseconds since the epoch, UTC; 0 is null */
void rd_json_wall(JsonBuilder *json, const char *name, gint64 wall);
/* (element-type utf8) */
void rd_json_strings(JsonBuilder *json, const char *name, GPtrArray *strings);

/* (transfer full), ends with a line feed */
char *rd_json_print(JsonNode *node, gboolean pretty);
/* the same as YAML: block style, every text in double quotes, so nothing in it has a meaning */
char *rd_json_print_yaml(JsonNode *node);
G_END_DECLS
