/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "rehearsal/commands.h"
G_BEGIN_DECLS

/* The scripts of 4.1 to 4.3 (domain 1.1), step by step: a host may die, and everybody else act,
 * between any two of them; and the other programs that only these releases need. */

#define RD_SIM_OLD_RESTORE  "/usr/local/bin/etcd-snapshot-restore.sh"
#define RD_SIM_OLD_RECOVER  "/usr/local/bin/etcd-member-recover.sh"
#define RD_SIM_OLD_TOKENIZE "/usr/local/bin/tokenize-signer.sh"
#define RD_SIM_OLD_TOOLS    "/usr/local/bin/openshift-recovery-tools"
/* what stands in them, which is enough to be taken for them */
#define RD_SIM_OLD_RESTORE_TEXT	 "INITIAL_CLUSTER=$2\n"
#define RD_SIM_OLD_RECOVER_TEXT	 "$SETUP_ETCD_ENVIRONMENT $KUBE_CLIENT_AGENT\n"
#define RD_SIM_OLD_TOKENIZE_TEXT "$KUBE_ETCD_SIGNER_SERVER\n"
#define RD_SIM_OLD_TOOLS_TEXT	 "ASSET_DIR=./assets\n"
#define RD_SIM_OLD_ASSETS	 "/home/core/assets"
#define RD_SIM_OLD_BACKUP	 RD_SIM_OLD_ASSETS "/backup"
#define RD_SIM_OLD_STOPPED	 RD_SIM_OLD_ASSETS "/manifests-stopped"
#define RD_SIM_OLD_RESOURCES	 "/etc/kubernetes/static-pod-resources"
#define RD_SIM_OLD_DOMAIN	 "kite.test"
#define RD_SIM_OLD_TOKEN	 "etcd-cluster-1"
/* of the release: kube-etcd-signer-server and two more */
#define RD_SIM_OLD_IMAGE                                                                           \
	"quay.io/openshift-release-dev/ocp-v4.0-art-dev@sha256:"                                   \
	"3333333333333333333333333333333333333333333333333333333333333333"

gint64 rd_sim_old_restore_step(RdSimExec *self);
gint64 rd_sim_old_recover_step(RdSimExec *self);
void rd_sim_old_tokenize(RdSimExec *self);
/* the script's etcdctl, by hand */
void rd_sim_old_etcdctl_begin(RdSimExec *self);
void rd_sim_old_etcdctl_end(RdSimExec *self);
/* /release-manifests/image-references */
void rd_sim_old_references(RdSimExec *self);
void rd_sim_find_credentials(RdSimExec *self);
void rd_sim_dig(RdSimExec *self);
void rd_sim_du(RdSimExec *self);
void rd_sim_cp(RdSimExec *self);
void rd_sim_kubelet_stop_only(RdSimExec *self);
void rd_sim_systemctl_start(RdSimExec *self);
G_END_DECLS
