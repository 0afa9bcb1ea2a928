/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "yaml/yaml.h"
G_BEGIN_DECLS

/* What yaml.c (the document) and yaml-build.c (its making) share. */

/* where a node stood */
typedef struct {
	guint line, column;
	guint key_line, key_column; /* 0: no key */
	guint size;		    /* nodes below and including, aliases written out */
	char *text;		    /* (owned) (nullable) scalars */
} RdYamlPlace;

struct _RdYaml {
	RdComplaints *complaints; /* (unowned) */
	char *digest;
	JsonNode *root;
	/* (element-type JsonNode RdYamlPlace) keys unowned: the tree holds them */
	GHashTable *places;
};

/* fills @self->root and places from UTF-8 text; what is wrong goes to the complaints */
void rd_yaml_build(RdYaml *self, const char *data, gsize size);
G_END_DECLS
