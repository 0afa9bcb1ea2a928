/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "rehearsal/cluster.h"

/* What a cluster looks like, in lines "HOST what": every file and directory with inode, mode and
 * SHA-256, static pods, addresses, the etcd that runs, and on how many hosts each VIP is. Without
 * what a run leaves by design: its own directories, what has its name ("recoveryd-RUN-…"), and the
 * backup that was copied. (transfer full) */
char *likeness_take(RdSimCluster *cluster);
/* lines that only one of them has, but for those of hosts in @without (nullable). (element-type
 * utf8) */
GPtrArray *likeness_compare(const char *before, const char *after, const char *const *without);
/* prints the first line in which two histories differ */
void likeness_tell_difference(const char *one, const char *other);
