/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "preflight/checks.h"
G_BEGIN_DECLS

/* The functions behind the rows of checks.c; what each is about stands there. */

/* checks-host.c */
/* the recovery host; while none is chosen, any can become it */
gboolean rd_check_is_recovery(const RdChecking *self, const RdHostFacts *host);
/* compares numbers; brackets around IPv6 do not count */
gboolean rd_check_has_address(char **addresses, const char *address);
void rd_check_powered_off(RdChecking *self);
void rd_check_clocks(RdChecking *self);
void rd_check_vip(RdChecking *self);
void rd_check_kubelet(RdChecking *self);
void rd_check_room(RdChecking *self);
void rd_check_parking(RdChecking *self);
void rd_check_data_mount(RdChecking *self);
void rd_check_strangers(RdChecking *self);
void rd_check_leftovers(RdChecking *self);
/* checks-etcd.c */
void rd_check_healthy(RdChecking *self);
void rd_check_one_etcd(RdChecking *self);
void rd_check_topology(RdChecking *self);
void rd_check_script(RdChecking *self);
void rd_check_restore_pod(RdChecking *self);
void rd_check_etcd_address(RdChecking *self);
void rd_check_image(RdChecking *self);
void rd_check_etcd_certificates(RdChecking *self);
/* checks-backup.c */
void rd_check_backup(RdChecking *self);
void rd_check_same_cluster(RdChecking *self);
void rd_check_same_release(RdChecking *self);
void rd_check_encryption(RdChecking *self);
G_END_DECLS
