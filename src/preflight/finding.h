/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>
G_BEGIN_DECLS

/* What one check found on one host, or about the cluster or the backup. */

typedef enum {
	RD_LEVEL_OK,
	RD_LEVEL_WARN,	/* a recovery may start; somebody should know */
	RD_LEVEL_BLOCK, /* a recovery must not start */
} RdLevel;
#define RD_LEVEL_LAST RD_LEVEL_BLOCK
const char *rd_level_to_string(RdLevel level);

typedef struct {
	char *host;	   /* (owned) or RD_CLUSTER, or "backup" */
	const char *check; /* (unowned) static: the name of a row of rd_checks */
	RdLevel level;
	char *text;	/* (owned) what was found */
	char *remedy;	/* (owned) (nullable) what a person can do */
	char *override; /* (owned) (nullable) a person's reason: it blocks no more */
} RdFinding;
void rd_finding_free(RdFinding *finding);

/* (element-type RdFinding) */
GPtrArray *rd_findings_new(void);
/* @text is taken; @check lives as long as the program */
void rd_finding_add(GPtrArray *findings, const char *host, const char *check, RdLevel level,
		    char *text, const char *remedy);
/* of @level; what was overridden is no block any more */
guint rd_findings_count(GPtrArray *findings, RdLevel level);
G_END_DECLS
