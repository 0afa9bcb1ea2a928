/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "yaml/complaints.h"
#include <json-glib/json-glib.h>
G_BEGIN_DECLS

/* A YAML file as JsonNodes that still know where they stood. One document, at most 1 MiB, keys are
 * scalars and unique, anchors and aliases are followed (with a limit on what they grow to), tags
 * and merge keys are refused. Plain scalars are typed by the core schema of YAML 1.2: so `yes` is a
 * string, `true` a boolean; the text as written stays available. */
typedef struct _RdYaml RdYaml;

#define RD_YAML_MAX_SIZE (1024 * 1024) /* bytes */

/* Reads @path; @complaints (unowned, must outlive the document) is where rd_yaml_complain() puts
 * what its callers find. NULL with RD_PROCEDURE_ERROR. */
RdYaml *rd_yaml_load(const char *path, RdComplaints *complaints, GError **error);
/* the same from memory; need not end with NUL */
RdYaml *rd_yaml_parse(const char *data, gsize size, RdComplaints *complaints, GError **error);
void rd_yaml_free(RdYaml *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdYaml, rd_yaml_free)

/* (unowned), never NULL */
JsonNode *rd_yaml_get_root(const RdYaml *self);
/* hex SHA-256 of the file's bytes (unowned) */
const char *rd_yaml_get_digest(const RdYaml *self);
/* (unowned) */
RdComplaints *rd_yaml_get_complaints(const RdYaml *self);
/* the node at "/hosts/0/address", "" being the root; NULL when there is none (unowned) */
JsonNode *rd_yaml_find(const RdYaml *self, const char *path);
/* where @node of this document begins, or where its key does; counted from 1. An alias stands
 * where it is used, what is inside it where the anchor is. */
void rd_yaml_get_position(const RdYaml *self, JsonNode *node, guint *line, guint *column);
void rd_yaml_get_key_position(const RdYaml *self, JsonNode *node, guint *line, guint *column);
/* a scalar as written, without quotes: "0640", "4.10"; NULL for mappings and lists (unowned) */
const char *rd_yaml_get_text(const RdYaml *self, JsonNode *node);

/* adds a complaint at @node, or at its key */
void rd_yaml_complain(RdYaml *self, JsonNode *node, const char *format, ...) G_GNUC_PRINTF(3, 4);
void rd_yaml_complain_key(RdYaml *self, JsonNode *node, const char *format, ...)
    G_GNUC_PRINTF(3, 4);
void rd_yaml_warn(RdYaml *self, JsonNode *node, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* ---- reading a mapping; each complains when it is not what it should be ---- */

/* @node as a mapping whose keys are all in @keys (NULL: any); NULL after a complaint (unowned) */
JsonObject *rd_yaml_mapping(RdYaml *self, JsonNode *node, const char *what,
			    const char *const *keys);
/* @node as a list; NULL after a complaint (unowned) */
JsonArray *rd_yaml_list(RdYaml *self, JsonNode *node, const char *what);
/* @node as the text of a scalar that is not empty; NULL after a complaint (unowned) */
const char *rd_yaml_scalar(RdYaml *self, JsonNode *node, const char *what);
/* member @key of @object as text; NULL when missing, or after a complaint (unowned) */
const char *rd_yaml_member(RdYaml *self, JsonObject *object, const char *key);
/* member @key as true | yes | false | no; @fallback when missing, or after a complaint */
gboolean rd_yaml_member_bool(RdYaml *self, JsonObject *object, const char *key, gboolean fallback);
/* member @key as a whole number from @least to @most; @fallback likewise */
gint64 rd_yaml_member_int(RdYaml *self, JsonObject *object, const char *key, gint64 least,
			  gint64 most, gint64 fallback);

/* ---- words that mean a value, wherever they come from ---- */

/* true | yes | false | no */
gboolean rd_parse_bool(const char *text, gboolean *value);
/* digits with an optional sign, no more */
gboolean rd_parse_int(const char *text, gint64 *value);
/* 90s, 5m, 1h: seconds, at most a year */
gboolean rd_parse_duration(const char *text, gint64 *seconds);
G_END_DECLS
