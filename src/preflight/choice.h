/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "preflight/situation.h"
G_BEGIN_DECLS

/* Which procedure fits a situation (domain 0.4): one table of procedures and what each needs, and a
 * pure function over it. */

typedef enum {
	RD_FIT_YES,
	RD_FIT_ALMOST, /* what is missing can be supplied by a person */
	RD_FIT_NO,
} RdFit;
const char *rd_fit_to_string(RdFit fit); /* "fits", "almost", "not" */

typedef struct {
	const char *name; /* of the procedure; of one that nobody ships a short word */
	const char *summary;
	const char *document; /* to follow where the procedure is not installed */
	/* how it is started, with words that cli/advise-line.h fills in; NULL: not by us */
	const char *start;
	gboolean beside; /* never the answer to a disaster, but possible */
	guint needs[10]; /* private: rows of the conditions, ended by 0 */
} RdChoiceRow;

/* what a person types to supply what is missing */
typedef enum {
	RD_LACK_BACKUP = 1 << 0,    /* -b DIR */
	RD_LACK_RECOVERY = 1 << 1,  /* --recovery-host HOST */
	RD_LACK_STATEMENT = 1 << 2, /* --excuse HOST=REASON */
	RD_LACK_NO_BACKUP = 1 << 3, /* --no-backup */
} RdLack;

typedef struct {
	const RdChoiceRow *row;
	RdFit fit;
	/* (element-type utf8) (unowned texts) */
	GPtrArray *why;	    /* what holds of what it needs */
	GPtrArray *against; /* what does not, and nobody can change */
	GPtrArray *missing; /* what does not, and a person could supply */
	GPtrArray *supply;  /* how, for each of these */
	guint lacks;	    /* RdLack of what is missing; not everything is typed here */
} RdChoice;

/* every procedure, in order of preference. (element-type RdChoice) (transfer full) */
GPtrArray *rd_choose(const RdSituation *situation);
/* The first that is an answer and fits, or would with what a person can supply: what loses least
 * comes first, and a backup that nobody has named yet is no reason to do without. NULL: none
 * (unowned) */
const RdChoice *rd_choice_best(GPtrArray *choices);
/* docs/procedures.md holds it */
void rd_choices_print(GString *out);
G_END_DECLS
