/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>
G_BEGIN_DECLS

/* The path of one object, or of a part of it, as its parts:
 *   /api/VERSION[/namespaces/NAMESPACE]/PLURAL/NAME[/SUBRESOURCE]
 *   /apis/GROUP/VERSION[/namespaces/NAMESPACE]/PLURAL/NAME[/SUBRESOURCE]
 * Names are unescaped. */
typedef struct {
	char *group; /* "" of /api */
	char *version;
	char *space;	   /* (nullable) its namespace */
	char *plural;	   /* "nodes" */
	char *name;	   /* (nullable) NULL: all of the kind */
	char *subresource; /* (nullable) "approval" */
} RdKubePath;

/* A query is left away. FALSE, with *path empty: it is no path of that form. */
gboolean rd_kube_path_parse(const char *text, RdKubePath *path);
void rd_kube_path_clear(RdKubePath *path);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RdKubePath, rd_kube_path_clear)

/* the kind as oc and kubectl take it, also where two groups have one of that name: "nodes",
 * "etcds.v1.operator.openshift.io" (transfer full) */
char *rd_kube_path_resource(const RdKubePath *path);
gboolean rd_kube_path_equal(const RdKubePath *path, const RdKubePath *other);
G_END_DECLS
