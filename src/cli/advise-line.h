/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "cli/advise.h"
#include "preflight/choice.h"
G_BEGIN_DECLS

/* The lines that advise prints to be pasted: what was asked, with what was found filled in. */

typedef struct {
	const RdAdviseOptions *options;
	const RdClusterFacts *facts;
} RdAdviseLine;

/* The line that starts the procedure of @row, as it is typed in a shell. In its text stand
 *
 *   ${cluster}  the inventory, as it was given
 *   ${backup}   the backup, as it was given
 *   ${file}     the same for a procedure that takes one file: of a directory its snapshot
 *   ${purpose}  how going back is asked for, or nothing
 *   ${nodes}    nodes whose leases are old, of the inventory, without hosts that are stated to be
 *               off
 *   ${run}      the run whose old data is on every host
 *   ${options}  --recovery-host and --excuse, as they were given
 *
 * NULL where one of these is not known; then *how says in a sentence how a person learns it (out)
 * (nullable) (transfer full). NULL, and no sentence, of a procedure that is not ours. */
char *rd_advise_line_start(const RdAdviseLine *self, const RdChoiceRow *row, char **how);
/* The line that asks advise again, with what @choice lacks; NULL: nothing fits at all.
 * (transfer full) */
char *rd_advise_line_again(const RdAdviseLine *self, const RdChoice *choice);
G_END_DECLS
