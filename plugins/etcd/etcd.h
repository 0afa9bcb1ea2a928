/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "../common/etcd-ids.h"
#include "../common/place.h"
#include "../common/restore-phase.h"
G_BEGIN_DECLS

/* The bodies of the table in etcd.c, and what several of them need. */

#define ETCD_BACKUP_DIR	 "/home/core/assets/backup"
#define ETCD_CERTS	 "/etc/kubernetes/static-pod-resources/etcd-certs/configmaps"
#define ETCD_RESTORE_POD ETCD_CERTS "/restore-etcd-pod/pod.yaml"
#define ETCD_ENV	 ETCD_CERTS "/etcd-scripts/etcd.env"

/* guards.c */
gboolean etcd_no_quorum(RecoveryStep *step, GError **error);
gboolean etcd_silent(RecoveryStep *step, GError **error);
/* `crictl ps` on each of @hosts (element-type RecoveryAnswer) (transfer full) */
GPtrArray *etcd_ask_containers(RecoveryStep *step, char **hosts);
/* the etcd containers of one of them; NULL with error. (transfer full) */
GPtrArray *etcd_answered_containers(const RecoveryAnswer *answer, GError **error);
/* voters.c */
RecoveryProbe etcd_voters_probe(RecoveryStep *step, GError **error);
/* agree.c */
gboolean etcd_parameters(RecoveryStep *step, GError **error);
gboolean etcd_agree(RecoveryStep *step, GError **error);
gboolean etcd_compare(RecoveryStep *step, GError **error);
/* rescue.c */
RecoveryProbe etcd_rescue_probe(RecoveryStep *step, GError **error);
gboolean etcd_rescue_enter(RecoveryStep *step, GError **error);
/* of a file here; NULL when it is not there or not readable: then it is fetched again */
char *rescue_local_sha256(const char *path);
/* path: of a snapshot here, stopped: of the database of a stopped etcd here; "" where there is none
 */
gboolean rescue_report(RecoveryStep *step, const char *path, const char *sha256,
		       const char *stopped, const char *note, GError **error);
/* rescue-stopped.c */
RecoveryProbe rescue_stopped_probe(RecoveryStep *step, GError **error);
gboolean rescue_stopped_enter(RecoveryStep *step, GError **error);
/* data.c */
gboolean etcd_save_baseline(RecoveryStep *step, GError **error);
RecoveryProbe etcd_save_probe(RecoveryStep *step, GError **error);
gboolean etcd_save_enter(RecoveryStep *step, GError **error);
gboolean etcd_save_undo(RecoveryStep *step, GError **error);
gboolean etcd_place_baseline(RecoveryStep *step, GError **error);
RecoveryProbe etcd_place_probe(RecoveryStep *step, GError **error);
gboolean etcd_place_enter(RecoveryStep *step, GError **error);
gboolean etcd_place_undo(RecoveryStep *step, GError **error);
/* old-data.c */
gboolean etcd_old_data(RecoveryStep *step, GError **error);
gboolean etcd_return_baseline(RecoveryStep *step, GError **error);
RecoveryProbe etcd_return_probe(RecoveryStep *step, GError **error);
gboolean etcd_return_enter(RecoveryStep *step, GError **error);
gboolean etcd_return_undo(RecoveryStep *step, GError **error);
/* restore.c */
RecoveryProbe etcd_restore_probe(RecoveryStep *step, GError **error);
gboolean etcd_restore_enter(RecoveryStep *step, GError **error);
gboolean etcd_restore_undo(RecoveryStep *step, GError **error);
/* health.c */
RecoveryProbe etcd_health_probe(RecoveryStep *step, GError **error);
gboolean etcd_status(RecoveryStep *step, GError **error);
/* script.c */
gboolean etcd_script(RecoveryStep *step, GError **error);
/* room.c */
/* etcd's image as the operator's files name it, on this host; NULL with PERMANENT (transfer full)
 */
char *etcd_env_image(RecoveryStep *step, GError **error);
gboolean etcd_restore_room(RecoveryStep *step, GError **error);
/* cluster-restore.c */
gboolean etcd_cluster_restore_baseline(RecoveryStep *step, GError **error);
RecoveryProbe etcd_cluster_restore_probe(RecoveryStep *step, GError **error);
gboolean etcd_cluster_restore_enter(RecoveryStep *step, GError **error);
/* restore-undo.c */
gboolean etcd_cluster_restore_undo(RecoveryStep *step, GError **error);
/* restored.c */
RecoveryProbe etcd_restored_probe(RecoveryStep *step, GError **error);
gboolean etcd_restored_enter(RecoveryStep *step, GError **error);
/* single.c: @names of ETCD_DIR, no etcd runs, and the restore's pod is in place: why it will not,
 * and what to do; NULL: it may yet. (transfer full) */
char *etcd_why_not_running(RecoveryStep *step, char **names);
RecoveryProbe etcd_single_member_probe(RecoveryStep *step, GError **error);
RecoveryProbe etcd_joined_probe(RecoveryStep *step, GError **error);
/* trial.c */
RecoveryProbe etcd_trial_probe(RecoveryStep *step, GError **error);
gboolean etcd_trial_enter(RecoveryStep *step, GError **error);
gboolean etcd_trial_undo(RecoveryStep *step, GError **error);
/* one-cluster.c */
RecoveryProbe etcd_one_cluster_probe(RecoveryStep *step, GError **error);
gboolean etcd_one_cluster_enter(RecoveryStep *step, GError **error);
gboolean etcd_cluster_id(RecoveryStep *step, GError **error);

/* FALSE with PERMANENT and the text */
gboolean etcd_refuse(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* values.c: what @param, {"host": "value", …}, has for each of @hosts, in their order and
 * NULL-terminated; NULL with PERMANENT when one has none */
char **etcd_values(RecoveryStep *step, const char *param, char **hosts, GError **error);
/* the container to run etcdctl in: the one made for it, else etcd's own; NULL when neither runs */
const RdContainer *etcd_container(GPtrArray *containers);
/* restore-UUID of the run's token, below ETCD_DIR; NULL with PERMANENT */
char *etcd_restore_dir(RecoveryStep *step, GError **error);
/* in *inode the inode of DIR/snap/db on the step's host as text, NULL when there is none */
gboolean etcd_inode(RecoveryStep *step, const char *member, char **inode, GError **error);
/* data.c: as the policy has them; SELinux hosts only, the others do not have the command */
gboolean etcd_restore_labels(RecoveryStep *step, GError **error);
/* agree.c: client address of this host's member, by the operator's files; NULL with PERMANENT */
char *etcd_own_address(RecoveryStep *step, GError **error);
/* DIR has snap/db and at least one log: what a restore that was not cut short leaves */
gboolean etcd_is_complete(RecoveryStep *step, const char *member, gboolean *complete,
			  GError **error);

G_END_DECLS
