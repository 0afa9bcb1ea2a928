/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "host/call.h"
#include "rehearsal/cluster.h"
#include "rehearsal/store.h"
G_BEGIN_DECLS

/* The Kubernetes API of a simulated cluster: a store (store.h) behind the network's moments, there
 * only while a kube-apiserver runs on its host and etcd has a quorum. After a restore it holds what
 * the snapshot held. Those who work behind it (kubelets, controllers) are caught up with whenever
 * somebody looks, from the time that went by, so nothing ticks in between. */
typedef struct _RdSimApi RdSimApi;

/* @host: whose API server is asked; a control-plane host of @cluster */
RdSimApi *rd_sim_api_new(RdSimCluster *cluster, const char *host);
void rd_sim_api_free(RdSimApi *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdSimApi, rd_sim_api_free)
/* (unowned) */
RdSimStore *rd_sim_api_get_store(RdSimApi *self);
/* seconds since the epoch, the clock of its host */
double rd_sim_api_get_time(RdSimApi *self);
/* what is in the store now is in the snapshot that will be restored */
void rd_sim_api_take_snapshot(RdSimApi *self);
gboolean rd_sim_api_is_up(RdSimApi *self);
/* who works behind it has done what it would have by now; nothing while it is away */
void rd_sim_api_catch_up(RdSimApi *self);

typedef enum {
	RD_SIM_API_WELL,
	RD_SIM_API_REFUSED,	/* nobody listens, though it runs */
	RD_SIM_API_BUSY,	/* 429, Retry-After 1 */
	RD_SIM_API_CONFLICT,	/* 409, somebody was quicker: changes of objects only */
	RD_SIM_API_UNAVAILABLE, /* 503 before anything was done */
	RD_SIM_API_UNHEARD,	/* 503 after it was done */
	RD_SIM_API_ETCD,	/* 500, etcdserver: request timed out; it was done */
	RD_SIM_API_WEBHOOK,	/* 500, failed calling webhook: changes only */
	RD_SIM_API_STALE,	/* looks are answered from the snapshot */
} RdSimApiMood;
#define RD_SIM_API_MOOD_LAST RD_SIM_API_STALE
/* from now on for @seconds */
void rd_sim_api_set_mood(RdSimApi *self, RdSimApiMood mood, guint seconds);
/* "busy"; NULL beyond the last */
const char *rd_sim_api_mood_to_string(RdSimApiMood mood);
/* the operator of @plural ("etcds") does nothing for @seconds from when the API is back */
void rd_sim_api_set_stuck(RdSimApi *self, const char *plural, guint seconds);
/* each node of a rollout of @plural takes so much longer */
void rd_sim_api_set_slow(RdSimApi *self, const char *plural, guint seconds);

/* world.c: the way of one worker. @world: (unowned) */
RdKube *rd_sim_api_kube_new(RdSimApi *self, RdWorld *world);
void rd_sim_api_kube_free(RdKube *kube);

G_END_DECLS
