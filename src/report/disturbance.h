/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "machine/event.h"
G_BEGIN_DECLS

/* What went wrong on the way, and how it was settled: engines and workers that died, hosts that did
 * not answer or were another's, outcomes that nobody knew. */

typedef struct {
	const RdEvent *event; /* (unowned) by which it came to light */
	const char *what;     /* (unowned) "the engine died", "no answer" */
	char *detail;	      /* (nullable) what was found, from the host */
	gint64 lost;	      /* microseconds without an engine; -1 where it does not apply */
	gboolean resolved;
	const RdEvent *by; /* (nullable) (unowned) the event that settled it */
	char *how;	   /* (nullable) */
} RdDisturbance;

/* in the order in which they came to light; @events outlive it. (element-type RdDisturbance)
 * (transfer full) */
GPtrArray *rd_disturbances_new(GPtrArray *events);
G_END_DECLS
