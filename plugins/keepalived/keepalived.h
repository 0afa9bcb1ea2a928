/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "../common/pod.h"
#include "../common/vips.h"
G_BEGIN_DECLS

/* The bodies of the table in keepalived.c, and what several of them need. */

/* facts.c */
gboolean keepalived_facts(RecoveryStep *step, GError **error);
/* pod.c */
RecoveryProbe keepalived_stop_probe(RecoveryStep *step, GError **error);
gboolean keepalived_stop_enter(RecoveryStep *step, GError **error);
gboolean keepalived_stop_undo(RecoveryStep *step, GError **error);
RecoveryProbe keepalived_start_probe(RecoveryStep *step, GError **error);
gboolean keepalived_start_enter(RecoveryStep *step, GError **error);
/* remove.c */
RecoveryProbe keepalived_remove_probe(RecoveryStep *step, GError **error);
gboolean keepalived_remove_enter(RecoveryStep *step, GError **error);
/* owner.c */
RecoveryProbe keepalived_owner_probe(RecoveryStep *step, GError **error);

/* the parameter vips; NULL with PERMANENT when it is empty, or holds what is no VIP or the own
 * address of a control-plane host (INV-22, INV-39) */
GArray *keepalived_vips(RecoveryStep *step, GError **error);
/* PRESENT when each of @vips is on exactly one of @hosts, on @host unless that is NULL (INV-21).
 * One that does not answer may have it, too: UNKNOWN then. */
RecoveryProbe keepalived_is_unique(RecoveryStep *step, const GArray *vips, const char *const *hosts,
				   const char *host, GError **error);

G_END_DECLS
