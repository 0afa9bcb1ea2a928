/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "../common/nodes.h"
G_BEGIN_DECLS

/* The bodies of the table in machine.c. */

#define MACHINE_NAMESPACE "openshift-machine-api"
#define MACHINES	  "/apis/machine.openshift.io/v1beta1/machines"

/* lost.c */
gboolean machine_lost(RecoveryStep *step, GError **error);
/* forget.c */
gboolean machine_baseline(RecoveryStep *step, GError **error);
RecoveryProbe machine_probe(RecoveryStep *step, GError **error);
gboolean machine_enter(RecoveryStep *step, GError **error);
gboolean node_baseline(RecoveryStep *step, GError **error);
RecoveryProbe node_probe(RecoveryStep *step, GError **error);
gboolean node_enter(RecoveryStep *step, GError **error);
/* arrived.c */
RecoveryProbe arrived_probe(RecoveryStep *step, GError **error);

/* "/apis/…/namespaces/openshift-machine-api/machines/NAME". (transfer full) */
char *machine_path(const char *name);

G_END_DECLS
