/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "cli/command.h"
G_BEGIN_DECLS

/* A person's word to a run: tried on the fold, left in the run directory, and waited for until the
 * engine, started where none is alive, has taken it. */
typedef struct {
	const char *word;
	const char *step, *argument; /* (nullable) */
	const char *reason;	     /* (nullable) */
	const char *next;	     /* what happens now, said once it was taken */
} RdAsk;

RdExit rd_ask(const RdCli *cli, const char *run, const RdAsk *ask, GError **error);
G_END_DECLS
