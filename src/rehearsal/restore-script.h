/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "rehearsal/commands.h"
G_BEGIN_DECLS

/* cluster-restore.sh of 4.11 to 4.17 and the pod that it starts (domain 4.4), step by step: a host
 * may die, and everybody else act, between any two of them. */

#define RD_SIM_SCRIPT	   "/usr/local/bin/cluster-restore.sh"
#define RD_SIM_SCRIPT_TEXT "#!/bin/bash\n# AUX_STATIC_POD_LIST\n" /* nobody's release */
#define RD_SIM_SAVED	   "/var/lib/etcd-backup"
#define RD_SIM_STOPPED	   "/home/core/assets/manifests-stopped"
#define RD_SIM_RESTORE_POD                                                                         \
	"/etc/kubernetes/static-pod-resources/etcd-certs/configmaps/restore-etcd-pod/pod.yaml"

/* the process of `sh -c … cluster-restore SCRIPT DIR`: microseconds until it goes on, -1 at its end
 */
gint64 rd_sim_script_step(RdSimExec *self);

/* The static resources of a backup, a stand-in for a tar: "== PATH" lines, each file behind its
 * own. NULL when @path is not in it. (transfer full) */
char *rd_sim_tar_get(const char *tar, const char *path);
/* `tar -tzf FILE`, `tar -xOzf FILE PATH` */
void rd_sim_tar(RdSimExec *self);
G_END_DECLS
