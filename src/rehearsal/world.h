/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "host/call.h"
#include "rehearsal/verbs.h"
G_BEGIN_DECLS

/* what whoever asks for the API is told where there is none */
#define RD_SIM_NO_API "this cluster has no Kubernetes API"

/* The way from a worker to the simulated hosts: an RdWorld whose calls travel, arrive, act and
 * answer in virtual time. What arrived goes on to its end whatever becomes of the caller. */

/* moments of one call at which something may go wrong */
typedef enum {
	RD_MOMENT_SEND,	    /* nothing has left yet */
	RD_MOMENT_SENT,	    /* on its way */
	RD_MOMENT_ARRIVED,  /* the host begins */
	RD_MOMENT_ACTED,    /* it is done there, the answer has not left */
	RD_MOMENT_TELL,	    /* crew.h: a worker is about to report */
	RD_MOMENT_TOLD,	    /* crew.h: the engine has heard it, the worker does not know */
	RD_MOMENT_COMMIT,   /* of the journal, before */
	RD_MOMENT_COMMITTED /* and after */
} RdMoment;
#define RD_MOMENT_LAST RD_MOMENT_COMMITTED
const char *rd_moment_to_string(RdMoment moment);

typedef struct _RdNetwork RdNetwork;
typedef struct _RdSimRequest RdSimRequest;

/* called at each moment: @target is whose worker it is; the rest is NULL for those that are not of
 * a call. On the worker's own stack for send, sent and tell. */
typedef void (*RdMomentFunc)(RdMoment moment, const char *target, const char *host,
			     const RdCall *call, RdSimRequest *request, gpointer data);

struct _RdNetwork {
	RdSimCluster *cluster;
	struct _RdSimApi *api; /* (nullable) (unowned) api.h: without it there is no way to one */
	RdMomentFunc moment;   /* (nullable) */
	gpointer data;
	guint calls;	   /* made so far */
	gboolean punctual; /* no call is late by chance */
};

/* the world of one worker. @wake is called when what it waits for has happened; NULL: it waits by
 * running the timeline itself (tests without fibers) */
RdWorld *rd_sim_world_new(RdNetwork *network, const char *target, void (*wake)(gpointer data),
			  gpointer data);
/* its calls go on without it */
void rd_sim_world_free(RdWorld *world);
/* the body is asked to end */
void rd_sim_world_cancel(RdWorld *world);

/* Something else than a wrapper's call that travels to @host, acts there when it arrives, and is
 * answered; the same moments, delays and losses. @act is called once or never, also when nobody
 * waits any more; @as is what moments are told of it. */
typedef struct {
	const RdCall *as;
	void (*act)(RdSimHost *host, gpointer data);
	gpointer data; /* (owned) by @destroy */
	GDestroyNotify destroy;
	GError *error; /* (out) NULL: it acted, and the answer came back */
} RdSimTravel;
/* all of them at once */
void rd_sim_world_travel(RdWorld *world, const char *host, RdSimTravel *travels, guint n);

/* the connection breaks. @silent: nobody is told, and the caller finds out when it has been too
 * quiet for too long. Before it arrived nothing will arrive. */
void rd_sim_request_cut(RdSimRequest *request, gboolean silent);
G_END_DECLS
