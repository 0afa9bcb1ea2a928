/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "machine/order.h"
G_BEGIN_DECLS

/* Who carries orders out for the engine: the runner process and its workers (engine/runner-crew.h)
 * or fibers (rehearsal/). One order at a time per target. Never blocks. */
typedef struct _RdCrew RdCrew;

/* called from the main loop; reports of a target come in their order */
typedef void (*RdCrewReport)(const RdReport *report, gpointer data);

typedef struct {
	void (*send)(RdCrew *crew, const RdOrder *order);
	/* NOTE, OUTPUT, TOUCH of this target are on disk: it may go on */
	void (*acknowledge)(RdCrew *crew, const char *target);
	/* asks the body to end; RD_REPORT_RESULT "cancelled" or, after the grace, LOST follows */
	void (*cancel)(RdCrew *crew, const char *target);
	void (*free)(RdCrew *crew);
} RdCrewClass;

struct _RdCrew {
	const RdCrewClass *klass;
	RdCrewReport report;
	gpointer data;
};
G_END_DECLS
