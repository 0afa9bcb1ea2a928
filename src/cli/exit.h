/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "machine/run.h"
G_BEGIN_DECLS

/* What the program returns. One table; docs/exit-codes.md and the man page are printed from it. */
typedef enum {
	RD_EXIT_DONE = 0,
	RD_EXIT_FAILED = 1,
	RD_EXIT_USAGE = 2,
	RD_EXIT_NO_RUN = 3,
	RD_EXIT_WAITING = 4,
	RD_EXIT_HELD = 5,
	RD_EXIT_LOCKED = 6,
	RD_EXIT_REFUSED = 7,
	RD_EXIT_ROLLED_BACK = 8,
	RD_EXIT_CANCELLED = 9,
	RD_EXIT_JOURNAL = 10,
	RD_EXIT_NOT_YET = 75, /* EX_TEMPFAIL of sysexits.h */
} RdExit;

typedef struct {
	RdExit code;
	const char *name;
	const char *meaning;
	const char *next; /* what a person does about it */
} RdExitRow;
/* ends with a row whose name is NULL */
const RdExitRow *rd_exit_rows(void);

/* For errors that know their exit code: the code of the GError is an RdExit. */
#define RD_EXIT_ERROR (rd_exit_error_quark())
GQuark rd_exit_error_quark(void);

/* the run as it stands now */
RdExit rd_exit_of_run(RdRun *run);
/* RD_EXIT_ERROR says it itself; the domains of journal and procedure have a code each; what is
 * left is a failure */
RdExit rd_exit_of_error(const GError *error);

/* docs/exit-codes.md */
void rd_exit_print_markdown(GString *out);
G_END_DECLS
