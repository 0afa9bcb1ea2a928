/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "machine/run.h"
G_BEGIN_DECLS

/* What there is behind the point of no return, where rollback is refused. The procedure
 * return-to-old-data takes back what recoveryd itself moved aside (plugins/etcd/old-data.c): a run
 * whose data was moved by the operator's script, or that moved none, it refuses, so it is named for
 * no such run. */

/* In a sentence, with the commands to type added to @commands (element-type utf8), in their order.
 * (transfer full) */
char *rd_way_back_behind(RdRun *run, const char *run_id, GPtrArray *commands);
G_END_DECLS
