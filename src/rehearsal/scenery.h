/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "rehearsal/api.h"
#include "rehearsal/cluster.h"
G_BEGIN_DECLS

/* A control plane as it stands when somebody reaches for recoveryd: m0, m1, m2 up and reachable,
 * all static pods present, but the databases of all etcds but m0's are damaged, so there is no
 * quorum. m0 has what an earlier cluster-restore.sh left behind. /etc and /var are mounts of their
 * own, on m2 also /var/lib/etcd. */

#define RD_SCENERY_BACKUP_REVISION 4000
/* of the static pods, in manifests and API */
#define RD_SCENERY_REVISION	 7
#define RD_SCENERY_REVISION_TEXT "7"
/* who signed the kubelets' certificates, and signs in the API of the backup */
#define RD_SCENERY_SIGNER "csr-signer of last night"

/* the kubelets have done what they can when this returns, and nothing is counted yet */
RdSimCluster *rd_scenery_quorum_lost(guint32 seed, guint n_hosts);
/* the same with sound databases: etcd has a quorum */
RdSimCluster *rd_scenery_healthy(guint32 seed, guint n_hosts);
/* w0, w1, …: to be added before keepalived, which the last control-plane host has longest */
void rd_scenery_add_workers(RdSimCluster *self, guint n);
/* keepalived on every control-plane host, with one API and one ingress VIP. The last host has them,
 * and leaves them behind when its keepalived ends (F43). The same time passes again. */
void rd_scenery_add_keepalived(RdSimCluster *self);
/* what a run that took keepalived away for a while must have left: every manifest is back, every
 * VIP is on one host. (element-type utf8) */
GPtrArray *rd_scenery_check_vips(RdSimCluster *self, const char *const *without);
/* last night's snapshot, as etcdctl would have saved it */
GBytes *rd_scenery_backup(void);
/* Its Kubernetes API, served by @host as soon as etcd has a quorum again, and what an installed
 * cluster has in it; a snapshot of that is what a restore brings back. (transfer full) */
RdSimApi *rd_scenery_api(RdSimCluster *cluster, const char *host);
/* the like; @past (nullable) changes what the snapshot will have, as of @time */
RdSimApi *rd_scenery_api_with(RdSimCluster *cluster, const char *host,
			      void (*past)(RdSimStore *store, double time, gpointer data),
			      gpointer data);
/* was deleted after the backup; was made after it; a webhook that nobody answers */
#define RD_SCENERY_KEPT	   "/api/v1/namespaces/default/configmaps/kept"
#define RD_SCENERY_ADDED   "/api/v1/namespaces/default/configmaps/added"
#define RD_SCENERY_WEBHOOK "audit"
/* of MachineConfigPools, which nobody acts by here */
#define RD_SCENERY_POOL "/apis/machineconfiguration.openshift.io/v1/machineconfigpools/"
/* of ClusterVersion; an image that nobody has to fetch */
#define RD_SCENERY_RELEASE                                                                         \
	"quay.io/openshift-release-dev/ocp-release@sha256:"                                        \
	"2222222222222222222222222222222222222222222222222222222222222222"
/* a Node and its lease, as they are at @time */
void rd_scenery_put_node(RdSimStore *store, const RdSimHost *host, const char *uid, double time);

/* it burns: powered off, and whoever begins a run states so */
void rd_scenery_lose(RdSimHost *host);
/* What a person does who reinstalls a lost host of 4.11 and later, or a cloud that is asked for
 * another one: as the installer leaves it, without static pods, certificates and data, and it
 * boots. The new one is called after the number of those that there were, m3. No keepalived. */
void rd_scenery_reinstall(RdSimHost *host);
RdSimHost *rd_scenery_add_master(RdSimCluster *self);
/* a Machine for each control-plane host, and a set that makes others in the place of those that are
 * deleted, if it is @active */
void rd_scenery_add_machines(RdSimCluster *cluster, RdSimStore *store, gboolean active,
			     double time);

/* scenery-lost.c: etcd of 4.1 to 4.3. m0 is left of three, m1 and m2 are powered off for good. m0
 * has what an earlier recovery left, which the scripts would take for today's. */
RdSimCluster *rd_scenery_lost_masters(guint32 seed);
/* last night's snapshot of it, with a page of bbolt in it for those who look here */
GBytes *rd_scenery_lost_backup(void);
/* what a person does who makes a lost host anew: another machine, empty, as installed */
void rd_scenery_rebuild(RdSimHost *host);
/* replace-lost-masters is through; one sentence per difference. (element-type utf8) */
GPtrArray *rd_scenery_check_lost_masters(RdSimCluster *cluster, RdSimApi *api);
/* nobody signs any more. (element-type utf8) */
GPtrArray *rd_scenery_check_signer(RdSimCluster *cluster, RdSimApi *api);
/* the static resources beside it: every manifest as it is (restore-script.h tells the form) */
GBytes *rd_scenery_resources(void);
/* the restore of the recovery host m0 with cluster-restore.sh, and silence on all others but
 * @without (nullable); one sentence per difference. (element-type utf8) */
GPtrArray *rd_scenery_check_single(RdSimCluster *self, const char *const *without);
/* What comes of a whole restore with its API, on all hosts but @without (nullable): members and
 * revisions (where the operators @rolled_out), nodes, their network, objects of the backup, and
 * what was borrowed; one sentence per difference. (element-type utf8) */
GPtrArray *rd_scenery_check_cluster_state(RdSimCluster *cluster, RdSimApi *api,
					  const char *const *without, gboolean rolled_out);
/* of that only what was borrowed: keepalived, webhooks, guard, who acts by himself. (element-type
 * utf8) */
GPtrArray *rd_scenery_check_borrowed(RdSimCluster *cluster, RdSimApi *api);
/* what a person does about a restore pod that was started twice */
void rd_scenery_mend_restore_pod(RdSimCluster *self);
/* what a run must have done on all hosts but @without (nullable) if etcd was restored under @token;
 * those may be members of it that never started, or none. One sentence per difference.
 * (element-type utf8) */
GPtrArray *rd_scenery_check_restored(RdSimCluster *self, const char *token,
				     const char *const *without);
G_END_DECLS
