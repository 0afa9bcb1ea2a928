/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "rehearsal/timeline.h"
#include "rehearsal/tree.h"
G_BEGIN_DECLS

/* The simulated cluster: hosts with files, a kubelet that runs what lies in its manifests
 * directory, and etcds that form a quorum or not. It knows nothing of recoveryd: the wrapper's
 * verbs (verbs.h) and the network (world.h) stand on it. What happens to it is counted by itself,
 * so that "once" is not our own word for it. */
typedef struct _RdSimCluster RdSimCluster;
typedef struct _RdSimHost RdSimHost;

#define RD_SIM_MANIFESTS "/etc/kubernetes/manifests"
#define RD_SIM_ETCD_DATA "/var/lib/etcd"
#define RD_SIM_ETCD_ENV	 "/run/etcd/environment"
#define RD_SIM_OVN_DIR	 "/var/lib/ovn-ic/etc"
#define RD_SIM_DEVICE	 "br-ex" /* has a host's own address and the VIPs */
#define RD_SIM_SECOND	 ((gint64)G_USEC_PER_SEC)
#define RD_SIM_MS	 ((gint64)1000)

typedef struct {
	char *name;
	char *id;   /* 64 hex digits */
	char *json; /* as crictl lists it */
	guint attempt;
	gboolean running;
	gint64 created;
} RdSimContainer;

typedef struct {
	guint64 serial; /* of this start; timed events find their pod by it */
	char *name, *namespace, *uid;
	GPtrArray *containers; /* (element-type RdSimContainer) */
	gboolean started;      /* its containers were created */
	gboolean ending;       /* the kubelet asked it to stop */
	gboolean restores;     /* cluster-restore.sh's: restores a snapshot before it is etcd */
} RdSimPod;

/* what a running etcd has loaded from its data directory */
typedef struct {
	guint64 cluster_id, member_id;
	char *name;
	GPtrArray *peers; /* (element-type RdSimPeer) in order of id */
	gint64 revision;
} RdSimEtcdData;

typedef struct {
	guint64 id;
	char *name, *url;
	gboolean learner, unstarted; /* added, and not yet a voter; has never run */
} RdSimPeer;

/* of an interface */
typedef struct {
	char *device, *text; /* "10.0.0.1/24" */
} RdSimAddress;

typedef enum {
	RD_SIM_UP,
	RD_SIM_BOOTING,
	RD_SIM_OFF,
} RdSimPower;

struct _RdSimHost {
	RdSimCluster *cluster;
	char *name, *address, *machine_id, *boot_id;
	gboolean worker; /* no control plane: no etcd, none of its static pods */
	char *dns_name;	 /* (nullable) of its etcd, which is one of 4.1 to 4.3 then */
	RdSimTree *tree;
	RdSimPower power;
	gboolean lost;	      /* it burnt: who begins states that it is powered off for good */
	gboolean anew;	      /* made since the cluster was: its kubelet registers by itself */
	gboolean unreachable; /* the way to it swallows everything; the host itself lives on */
	guint boots;	      /* counts; what belongs to an earlier boot is dead */
	gint64 up_since;
	gint64 kubelet_since;
	struct _RdSimLogin *login; /* (owned) (nullable) kubelet-pki.c */
	gint64 ovs_since;	   /* 0: since the boot */
	gboolean ovs_waits; /* there was no room for OVN's databases when it was to make them */
	gboolean kubelet_stopped; /* by a script, until it is started or the host boots */
	gboolean signs;		  /* the signer of etcd's certificates listens here */
	gboolean sync_due;
	gboolean imageless;	 /* fault: podman has no image (F14) */
	gboolean runtimeless;	 /* fault: crictl reaches nobody */
	double clock_off;	 /* fault: seconds that its clock is before all others' (F10) */
	char *stubborn;		 /* (nullable) fault: a container that ignores the kubelet's stop */
	GPtrArray *pods;	 /* (element-type RdSimPod) */
	GPtrArray *touching;	 /* (element-type RdSimProcess) (unowned) holders of touch.lock */
	gint64 granted;		 /* number of the newest take that was answered with yes */
	struct _RdSimLock *lock; /* (owned) (nullable) what was last read of the lock file */
	GHashTable *jobs;	 /* "RUN/STATE.VISIT.ATTEMPT/NAME" to RdSimJob */
	GHashTable *copies;	 /* (owned) run to RdSimCopy: what keep has written there */
	RdSimEtcdData *etcd;	 /* (owned) (nullable) of the running etcd process */
	gint64 etcd_since;	 /* it serves from a second after this */
	gboolean hears_nobody;	 /* fault: its etcd comes back as who it was, whoever else runs */
	GPtrArray *addresses;	 /* (element-type RdSimAddress) */
	gboolean keepalived;	 /* runs */
	gboolean untidy;	 /* fault: a keepalived that ends leaves its VIPs behind (F43) */
	GHashTable *tally;	 /* effect to GUINT count */
	guint64 original_inode;	 /* of the member directory the host had at first */
};

struct _RdSimCluster {
	RdTimeline *timeline;  /* (owned) */
	GPtrArray *hosts;      /* (element-type RdSimHost) */
	guint64 serials;       /* container ids, pod serials, boot ids */
	guint keys;	       /* that kubelets have made */
	GPtrArray *violations; /* (element-type utf8) what must never have happened */
	const char *alarm;     /* (nullable) (static) that etcd has raised */
	guint64 raft_cluster;  /* of the newest group with a quorum */
	char *raft_leader;     /* (owned) (nullable) its leader's host */
	guint raft_term;
	char **vips; /* (owned) (nullable) "10.0.0.100/32", where there is keepalived */
	/* pods stop and start in about a second, operators and kubelets take a tenth of their time,
	 * hosts boot in 10 to 20 seconds: less of the same to poll for */
	gboolean brisk;
};

RdSimCluster *rd_sim_cluster_new(guint32 seed);
void rd_sim_cluster_free(RdSimCluster *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdSimCluster, rd_sim_cluster_free)
/* a running host without files; machine id and boot id are given */
RdSimHost *rd_sim_cluster_add(RdSimCluster *self, const char *name, const char *address);
RdSimHost *rd_sim_cluster_find(RdSimCluster *self, const char *name);
/* what takes @seconds in a real one */
double rd_sim_cluster_takes(const RdSimCluster *self, double seconds);
void rd_sim_cluster_violation(RdSimCluster *self, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* everything that runs dies at once; rd_sim_host_power_on() brings it back after its boot time */
void rd_sim_host_power_off(RdSimHost *self);
void rd_sim_host_power_on(RdSimHost *self);
/* both */
void rd_sim_host_reboot(RdSimHost *self);
/* who serves OVN's databases makes those that are gone anew: a restart of it, and a boot; without
 * room for them it is tried again whenever somebody needs its network */
void rd_sim_ovs_serve(RdSimHost *host);
/* another machine under the same name and address: other ids, no files of ours, nothing runs */
void rd_sim_host_rebuild(RdSimHost *self);
gboolean rd_sim_host_answers(const RdSimHost *self);

/* counts "stopped etcd-pod.yaml", "restored", … for the observer */
void rd_sim_host_count(RdSimHost *self, const char *effect, const char *what);
guint rd_sim_host_tally(RdSimHost *self, const char *effect);

/* kubelet.c */
void rd_sim_kubelet_boot(RdSimHost *self);
void rd_sim_kubelet_restart(RdSimHost *self);
/* and with it every container, as etcd-snapshot-restore.sh does */
void rd_sim_kubelet_stop(RdSimHost *self);
void rd_sim_kubelet_start(RdSimHost *self);
/* the manifests directory changed: looked at soon */
void rd_sim_kubelet_notice(RdSimHost *self);
RdSimContainer *rd_sim_container_find(RdSimHost *self, const char *id, RdSimPod **pod);
/* what crictl stop does */
void rd_sim_container_stop(RdSimHost *self, RdSimContainer *container);
/* as of `crictl ps -o json` */
void rd_sim_container_list(RdSimHost *self, GString *out);
/* one of that name runs */
gboolean rd_sim_container_named(RdSimHost *self, const char *name);
/* what `crictl pods -o json` prints, and `crictl stopp`: FALSE when there is no such sandbox */
void rd_sim_sandbox_list(RdSimHost *self, GString *out);
gboolean rd_sim_sandbox_stop(RdSimHost *self, const char *id);
void rd_sim_pod_free(RdSimPod *pod);

/* vrrp.c: what the container of that name does; die: with its host, without a word */
void rd_sim_keepalived_start(RdSimHost *self);
void rd_sim_keepalived_stop(RdSimHost *self);
void rd_sim_keepalived_die(RdSimHost *self);
void rd_sim_host_reset_addresses(RdSimHost *self);
void rd_sim_host_add_address(RdSimHost *self, const char *device, const char *text);
/* FALSE when it was not there */
gboolean rd_sim_host_remove_address(RdSimHost *self, const char *device, const char *text);
gboolean rd_sim_host_has_address(const RdSimHost *self, const char *text);
gboolean rd_sim_cluster_is_vip(const RdSimCluster *self, const char *text);

/* etcd.c */
RdSimEtcdData *rd_sim_etcd_data_new(guint64 cluster_id, const char *name, gint64 revision);
/* NULL when @content is no etcd database */
RdSimEtcdData *rd_sim_etcd_data_parse(GBytes *content);
GBytes *rd_sim_etcd_data_print(const RdSimEtcdData *self);
/* a database and its SHA-256 behind it, as the server streams it */
GBytes *rd_sim_etcd_snapshot(const RdSimEtcdData *self);
void rd_sim_etcd_data_free(RdSimEtcdData *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdSimEtcdData, rd_sim_etcd_data_free)
/* ids by SHA-1 as etcd computes them from "n0=u0,n1=u1" and a token (domain 4.7); NULL when @name
 * is not among them */
RdSimEtcdData *rd_sim_etcd_bootstrap(const char *initial_cluster, const char *token,
				     const char *name, gint64 revision);
/* the etcd container of a host begins or ends; FALSE: it exits at once, its data is unusable */
gboolean rd_sim_etcd_start(RdSimHost *self);
void rd_sim_etcd_stop(RdSimHost *self);
/* As the etcd operator does: a member that has yet to start, and its vote once it runs. @through: a
 * member with a quorum. FALSE: nothing was done */
gboolean rd_sim_etcd_add_learner(RdSimHost *through, const RdSimHost *host);
gboolean rd_sim_etcd_promote(RdSimHost *through, const RdSimHost *host);
/* "https://10.0.0.1:2380", or by its name in DNS. (transfer full) */
char *rd_sim_etcd_peer_url(const RdSimHost *self);
/* 4.1 to 4.3: as `etcdctl member add` on the recovery host @through, a voter that has yet to start.
 * NULL: it was added; else why not */
const char *rd_sim_etcd_member_add(RdSimHost *through, const RdSimHost *host, const char *name);
/* what the container `discovery` of its pod writes, before etcd starts */
void rd_sim_etcd_discover(RdSimHost *self);
/* The restore pod, once: FALSE when it exits at once, for there is data or no snapshot. Between
 * begin and end its directory is half a member. */
gboolean rd_sim_etcd_restore_begin(RdSimHost *self);
gboolean rd_sim_etcd_restore_end(RdSimHost *self);
/* serves at all; FALSE also in the first second */
gboolean rd_sim_etcd_serves(const RdSimHost *self);
/* @self's group has a majority of its member list running */
gboolean rd_sim_etcd_has_quorum(const RdSimHost *self);
/* host whose etcd serves @url ("https://10.0.0.1:2379"), NULL when none does */
RdSimHost *rd_sim_etcd_at(RdSimCluster *cluster, const char *url);
G_END_DECLS
