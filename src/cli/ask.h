/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "cli/command.h"
#include "engine/open.h"
G_BEGIN_DECLS

/* A person's word to a run. */
typedef struct {
	const char *word;
	const char *step, *argument; /* (nullable) */
	const char *reason;	     /* (nullable) */
	const char *next;	     /* what happens now, said once it was taken */
} RdAsk;

/* Tried on the reader's own fold first: what the engine would refuse is refused here, and nothing
 * is written. Then it is left in the run directory, an engine is started if none is alive, and we
 * wait until it has been taken. */
RdExit rd_ask_run(const RdCli *cli, RdOpenRun *open, const RdAsk *ask, GError **error);
G_END_DECLS
