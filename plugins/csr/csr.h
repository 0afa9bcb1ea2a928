/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "gather.h"
G_BEGIN_DECLS

/* Bodies of the states, see README.md */

RecoveryProbe csr_approve_probe(RecoveryStep *step, GError **error);
gboolean csr_approve_enter(RecoveryStep *step, GError **error);
RecoveryProbe csr_quiet_probe(RecoveryStep *step, GError **error);

G_END_DECLS
