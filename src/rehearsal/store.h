/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "kube/call.h"
G_BEGIN_DECLS

/* What an API server does with its objects, without time, network or anybody who controls them:
 * lists with selectors and pages, conflicts, preconditions, patches, kinds that are not served. It
 * counts what reached it, so that "once" is not the caller's own word. Facts: domain 2.1 to 2.9. */
typedef struct _RdSimStore RdSimStore;

RdSimStore *rd_sim_store_new(void);
void rd_sim_store_free(RdSimStore *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdSimStore, rd_sim_store_free)

/* @collection: "/api/v1/nodes", "/apis/coordination.k8s.io/v1/leases"; the same kind in a namespace
 * is "/apis/…/namespaces/NS/leases" then. Without it its paths are "404 page not found". */
void rd_sim_store_serve(RdSimStore *self, const char *collection, const char *kind);
/* CertificateSigningRequests as releases below 4.6 have them: as v1beta1 only, without a signer */
void rd_sim_store_serve_old_requests(RdSimStore *self);
/* the collection that they are in */
const char *rd_sim_store_requests(RdSimStore *self);

/* ---- for those who stand behind the API: the scenery and the controllers ---- */

/* @time: of the server, seconds since the epoch. Made or replaced; uid, creationTimestamp and
 * resourceVersion are given where they are missing. Not counted. */
void rd_sim_store_put(RdSimStore *self, const char *path, const char *json, double time);
/* to be changed in place, then rd_sim_store_written(); NULL when there is none (unowned) */
JsonObject *rd_sim_store_find(RdSimStore *self, const char *path);
/* a new resourceVersion; @manager has written @part ("status", or NULL) of it */
void rd_sim_store_written(RdSimStore *self, const char *path, const char *manager, const char *part,
			  double time);
void rd_sim_store_remove(RdSimStore *self, const char *path);
/* paths of all objects of a collection, in order. (element-type utf8) (transfer full) */
GPtrArray *rd_sim_store_paths(RdSimStore *self, const char *collection);

/* all objects, to go back to later: what an etcd snapshot holds of them */
GPtrArray *rd_sim_store_save(RdSimStore *self);
/* resourceVersions go on from the highest ever given when @bump, as `--bump-revision` does */
void rd_sim_store_restore(RdSimStore *self, GPtrArray *saved, gboolean bump);

/* ---- the API ---- */

void rd_sim_store_answer(RdSimStore *self, const RdKubeRequest *request, double time,
			 RdKubeAnswer *answer);
/* the same of a request that looks, as of the time when @saved was saved; pages of lists expire */
void rd_sim_store_answer_from(RdSimStore *self, GPtrArray *saved, const RdKubeRequest *request,
			      double time, RdKubeAnswer *answer);
/* how many of "DELETE /api/v1/nodes/m0" (subresource and all, without query) were carried out */
guint rd_sim_store_tally(RdSimStore *self, const char *what);
/* how many of them, each once, begin with @begin and have @part in them */
guint rd_sim_store_distinct(RdSimStore *self, const char *begin, const char *part);
/* the pages of lists in progress expire */
void rd_sim_store_compact(RdSimStore *self);
G_END_DECLS
