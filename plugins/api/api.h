/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "../common/api.h"
G_BEGIN_DECLS

/* Bodies of the states, see README.md */

gboolean api_facts(RecoveryStep *step, GError **error);
gboolean api_dead(RecoveryStep *step, GError **error);
gboolean api_server(RecoveryStep *step, GError **error);
RecoveryProbe api_serving_probe(RecoveryStep *step, GError **error);

G_END_DECLS
