/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "preflight/cluster-facts.h"
#include "preflight/finding.h"
G_BEGIN_DECLS

/* The checks before a run, as one table. Each judges facts and nothing else. */

/* where findings of the backup stand in place of a host */
#define RD_ABOUT_BACKUP "backup"

typedef struct {
	const RdClusterFacts *facts;
	const char *procedure;	 /* (nullable) none was named: a check for all of them */
	gboolean restores;	 /* it restores etcd from a backup, as does "all of them" */
	gboolean accept_no_hash; /* a snapshot without its SHA-256 */
	gboolean must_be_dead; /* a run is to start, and not one that is for a cluster that works */
	const char *row;       /* name of the check that judges */
	gboolean mild;	       /* what it would block is only said */
	GPtrArray *findings;   /* RdFinding */
} RdChecking;

typedef struct {
	const char *name;
	const char *source;  /* "F10, INV-36" */
	const char *summary; /* what is right, in one line */
	/* (nullable) the procedures that need it, in blanks: for others it is not asked, and while
	 * none is named a block is a warning */
	const char *only;
	gboolean restore;  /* only where etcd is restored */
	const char *fixed; /* (nullable) why nobody may override it */
	/* (nullable) made while logging in (inspect.h) */
	void (*judge)(RdChecking *self);
} RdCheckRow;

extern const RdCheckRow rd_checks[]; /* ends with a row without name */
const RdCheckRow *rd_checks_find(const char *name);
/* those that judge facts; self->findings gets theirs */
void rd_checks_run(RdChecking *self);
/* docs/checks.md */
void rd_checks_print(GString *out);

/* ---- for those who judge ---- */
void rd_found(RdChecking *self, const char *host, RdLevel level, const char *remedy,
	      const char *format, ...) G_GNUC_PRINTF(5, 6);
/* hosts that take part and answered everything */
#define RD_FOR_EACH_ASKED(checking, var)                                                           \
	for (guint var##_i = 0; var##_i < (checking)->facts->hosts->len; var##_i++)                \
		for (const RdHostFacts *var = (checking)->facts->hosts->pdata[var##_i];            \
		     var != NULL && var->asked && var->excused == NULL; var = NULL)
G_END_DECLS
