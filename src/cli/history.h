/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "machine/plan.h"
G_BEGIN_DECLS

/* How long the states of a procedure took here before. */
typedef struct {
	char *run; /* (nullable) the newest run that took part */
	GHashTable
	    *spans; /* (element-type utf8 gint64) state to microseconds, from its first
		     * host's beginning to its last one's end; of the newest run that did it */
} RdHistory;

/* From the journals of runs of @plan's procedure in @base, finished or not. What cannot be read is
 * left out: nothing rests on it. */
RdHistory *rd_history_read(const char *base, const RdPlan *plan);
void rd_history_free(RdHistory *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdHistory, rd_history_free)

/* microseconds, -1 when it is not known */
gint64 rd_history_get(const RdHistory *self, const char *state);
G_END_DECLS
