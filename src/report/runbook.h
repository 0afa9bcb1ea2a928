/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "account.h"
G_BEGIN_DECLS

/* What somebody needs who goes on without this program: what is done, what was moved where, what is
 * borrowed, the commands that are left, in their order and per host, and, while there is a way
 * back, those that go back. After handwork `resume` looks at everything before it does anything. */

typedef struct {
	const RdEvidence *evidence; /* with a plan */
	JsonNode *remaining;	    /* (nullable) remaining.h */
	JsonNode *give_back;	    /* (nullable) the like, of what is borrowed now */
	const char *why_not;	    /* (nullable) why there are no remaining commands */
	const char *why_not_back;   /* (nullable) why there are none that give back */
} RdRunbook;

char *rd_runbook_print(const RdRunbook *runbook, RdPaperKind kind);
G_END_DECLS
