/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <gio/gio.h>
G_BEGIN_DECLS

/* One way into one cluster: what a kubeconfig's context says, checked, with everything it points
 * to already read. Holds private keys and tokens: it is wiped when freed, and no message about it
 * quotes a value. */
typedef struct {
	char *file;    /* how messages name it */
	char *context; /* the context's name */
	char *server;  /* "https://api.kite.example.com:6443/", ends with a slash */
	char *host;    /* of the server: name or address, without brackets */
	guint16 port;
	char *server_name; /* what the server's certificate must be for: tls-server-name or host */
	char *ca;	   /* PEM, the only issuers believed; the system's are not */
	char *certificate; /* (nullable) PEM; with its key this is who we are */
	char *key;	   /* (nullable) PEM */
	gint64 expires; /* when the certificate ends, seconds since the epoch; 0: there is none */
	char *token;	/* (nullable) */
} RdKubeconfig;

/* Reads @path; @context NULL means current-context. Files it names count from its own folder.
 * PERMANENT errors name the line, or the file that could not be read. Refused, because they would
 * need a program, a person or blind trust at the worst moment: exec and auth-provider, passwords,
 * proxy-url, impersonation, insecure-skip-tls-verify, a cluster without certificate authority. */
RdKubeconfig *rd_kubeconfig_load(const char *path, const char *context, GError **error);
/* The same from memory, for a file of another host: it may not point to further files. */
RdKubeconfig *rd_kubeconfig_parse(const char *data, gsize size, const char *file,
				  const char *context, GError **error);
void rd_kubeconfig_free(RdKubeconfig *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdKubeconfig, rd_kubeconfig_free)
G_END_DECLS
