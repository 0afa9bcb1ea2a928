/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>
G_BEGIN_DECLS

/* What the cluster-etcd-operator left on a host about its member: etcd.env (`export KEY="value"`
 * lines) and the restore pod. Everything from there is data that ends in command lines, so it is
 * checked by form (INV-39). Errors are PERMANENT and say what was looked for; the caller adds host
 * and file. */

/* the value of exactly @key: NODE_m1_IP is not found in NODE_m10_IP */
char *rd_env_get(const char *text, const char *key, GError **error);

/* The node's part of variable names ("m_0_example") and its etcd name ("m-0.example"), from the
 * restore pod: `export ETCD_NAME=${NODE_x_ETCD_NAME}`, then the value of that variable. */
gboolean rd_restore_pod_name(const char *yaml, char **safe, char **name, GError **error);

gboolean rd_name_is_valid(const char *name);	   /* RFC 1123 subdomain */
gboolean rd_address_is_valid(const char *address); /* IPv4, or IPv6 in brackets */
gboolean rd_image_is_valid(const char *image);
gboolean rd_token_is_valid(const char *token); /* openshift-etcd-UUID */

G_END_DECLS
