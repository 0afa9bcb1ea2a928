/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "../common/api.h"
G_BEGIN_DECLS

/* The bodies of the table in ovn.c. */

#define OVN_NAMESPACE "openshift-ovn-kubernetes"
/* where the databases are that OVN makes again from the API: one zone per node, or all on the
 * control plane (domain 2.5) */
#define OVN_DIR_INTERCONNECT "/var/lib/ovn-ic/etc"
#define OVN_DIR_CENTRAL	     "/var/lib/ovn/etc"

/* facts.c */
gboolean facts_enter(RecoveryStep *step, GError **error);
/* pods.c */
gboolean control_plane_baseline(RecoveryStep *step, GError **error);
RecoveryProbe control_plane_probe(RecoveryStep *step, GError **error);
gboolean control_plane_enter(RecoveryStep *step, GError **error);
gboolean behind_enter(RecoveryStep *step, GError **error);
gboolean pod_baseline(RecoveryStep *step, GError **error);
RecoveryProbe pod_probe(RecoveryStep *step, GError **error);
RecoveryProbe force_pod_probe(RecoveryStep *step, GError **error);
gboolean pod_enter(RecoveryStep *step, GError **error);
gboolean force_pod_baseline(RecoveryStep *step, GError **error);
gboolean force_pod_enter(RecoveryStep *step, GError **error);
/* wipe.c */
gboolean wipe_baseline(RecoveryStep *step, GError **error);
RecoveryProbe wipe_probe(RecoveryStep *step, GError **error);
gboolean wipe_enter(RecoveryStep *step, GError **error);

G_END_DECLS
