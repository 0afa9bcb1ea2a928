/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "../common/kubelet.h"
#include "../common/nodes.h"
G_BEGIN_DECLS

/* Bodies of the states, see README.md */

RecoveryProbe node_ready_probe(RecoveryStep *step, GError **error);

gboolean node_pems_baseline(RecoveryStep *step, GError **error);
RecoveryProbe node_pems_probe(RecoveryStep *step, GError **error);
gboolean node_pems_enter(RecoveryStep *step, GError **error);
gboolean node_pems_undo(RecoveryStep *step, GError **error);

gboolean node_cordon_baseline(RecoveryStep *step, GError **error);
RecoveryProbe node_cordon_probe(RecoveryStep *step, GError **error);
gboolean node_cordon_enter(RecoveryStep *step, GError **error);
gboolean node_uncordon(RecoveryStep *step, GError **error); /* undo of cordon */
gboolean node_uncordon_enter(RecoveryStep *step, GError **error);
RecoveryProbe node_uncordon_probe(RecoveryStep *step, GError **error);

gboolean node_pools_enter(RecoveryStep *step, GError **error);

RecoveryProbe node_drain_probe(RecoveryStep *step, GError **error);
gboolean node_drain_enter(RecoveryStep *step, GError **error);

gboolean node_reboot_baseline(RecoveryStep *step, GError **error);
RecoveryProbe node_reboot_probe(RecoveryStep *step, GError **error);
gboolean node_reboot_enter(RecoveryStep *step, GError **error);

/* shared: ready.c, reboot.c */
/* boot id of the step's host. (transfer full) */
char *node_boot_id(RecoveryStep *step, GError **error);
/* the step's target is no host */
gboolean node_is_cluster(RecoveryStep *step);
/* the parameter "node", else the host. NULL with error. (unowned) */
const char *node_name(RecoveryStep *step, GError **error);

G_END_DECLS
