/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "machine/run.h"
G_BEGIN_DECLS

/* What keeps a run from going on, and what a person can type about it. Only commands that the run
 * would accept as it stands are named: each is put to rd_run_request() first. */
typedef struct {
	const RdStep *step;    /* (unowned) (nullable) */
	const RdRunHost *host; /* (unowned) (nullable) none of the two: this machine */
	char *name;	       /* "restore@m2", "m2" */
	char *what;	       /* "unknown outcome, needs your verdict" */
	char *text;	       /* (nullable) what was found, as it came from the host */
	GPtrArray *commands;   /* (element-type utf8) */
	GPtrArray *when;       /* (element-type utf8) beside each command: when it is right */
} RdCause;

/* empty when nothing does. (element-type RdCause) (transfer full) */
GPtrArray *rd_advice_causes(RdRun *run, const char *run_id);
/* what can be said to the run as a whole; @alive: an engine is at work.
 * (element-type utf8) (transfer full) */
GPtrArray *rd_advice_commands(RdRun *run, const char *run_id, gboolean alive);
/* steps of excused hosts do not count */
gboolean rd_advice_counts(RdRun *run, const RdStep *step);
G_END_DECLS
