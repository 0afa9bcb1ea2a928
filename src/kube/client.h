/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "kube/call.h"
#include "kube/kubeconfig.h"
G_BEGIN_DECLS

/* The real API server behind RdKube. It blocks whoever calls; inside it drives libsoup's
 * asynchronous requests on a main context of its own. That one style is used for everything,
 * because a session that has seen both hangs (libsoup 3.2.3 with HTTP/2), because many can be in
 * flight on one connection without a thread, and because the deadline and the descriptor for
 * cancelling are sources beside the request: libsoup's own timeout does not fire.
 *
 * A change is sent once. When its connection breaks under it, the answer is DOUBT; libsoup's
 * repetition is stopped. After any failure of the connection the next request makes a new one. */

/* Another way to the server than a socket of our own. All of it is called in the thread that
 * called send(). */
typedef struct {
	/* a connected, non-blocking stream socket that leads to the server, the caller's to close;
	 * -1 with error. May block for some seconds. */
	int (*open)(gpointer data, const char *host, guint16 port, GError **error);
	/* (nullable) for a stream that somebody in this very thread has to keep moving (ssh):
	 * appends the GPollFDs to wait for, and moves what can be moved without waiting */
	void (*poll)(gpointer data, GArray *fds);
	void (*move)(gpointer data);
	gpointer data;
	/* (nullable) called with the client's end, also when it could not be made */
	GDestroyNotify free;
} RdKubeRoute;

/* if the server speaks HTTP/1.1 only; a route by ssh may need a session for each, of which sshd
 * allows 10 by default (MaxSessions) */
#define RD_KUBE_CONNECTIONS 8
#define RD_KUBE_BODY_MAX    (64 * 1024 * 1024) /* bytes of one answer */

/* @config: taken over. @route: NULL for a socket of our own. @cancel_fd: -1, or readable as soon as
 * everything is to end; it is not read from. PERMANENT when certificates are unusable. */
RdKube *rd_kube_client_new(RdKubeconfig *config, const RdKubeRoute *route, int cancel_fd,
			   GError **error);
void rd_kube_client_free(RdKube *kube);
/* Since when the API answers, on this machine's CLOCK_BOOTTIME in microseconds; without it 401 and
 * 403 are believed at once. RD_KUBE_FIRST_ANSWER: since it first answers this client. */
#define RD_KUBE_FIRST_ANSWER (-1)
void rd_kube_client_set_up_since(RdKube *kube, gint64 boottime);
G_END_DECLS
