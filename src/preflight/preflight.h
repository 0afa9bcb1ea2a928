/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "preflight/checks.h"
G_BEGIN_DECLS

/* Everything that is known before a run, and what is wrong with it. Nothing is written on any host,
 * no lock is taken, nothing is sent to the API but reads. */

typedef struct {
	const RdInventory *inventory;
	const char *backup;    /* (nullable) as rd_verdict_reach() takes it */
	const char *procedure; /* (nullable) */
	gboolean restores, must_be_dead, accept_no_hash; /* as RdChecking */
	GHashTable *excused;   /* (nullable) (element-type utf8 utf8) host to reason */
	GHashTable *overrides; /* (nullable) (element-type utf8 utf8) check to reason */
} RdPreflightOptions;

typedef struct {
	RdClusterFacts *facts; /* (owned) */
	GPtrArray *findings;   /* (owned) RdFinding: by host, then about the cluster */
} RdPreflight;
void rd_preflight_free(RdPreflight *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdPreflight, rd_preflight_free)

/* All hosts at once, over ssh; the backup and the API meanwhile. A dead host costs the time of its
 * limits. Never NULL. */
RdPreflight *rd_preflight(const RdPreflightOptions *options);
/* The same of hosts that are behind @world already (simulated ones), one after the other. */
RdPreflight *rd_preflight_in_world(const RdPreflightOptions *options, RdWorld *world);

/* FALSE with G_IO_ERROR_INVALID_ARGUMENT: no such check, one that nobody may override, or no
 * reason */
gboolean rd_preflight_may_override(GHashTable *overrides, GError **error);
/* the checks that still block, each once: "clocks, image"; NULL: none. (transfer full) */
char *rd_preflight_blocks(GPtrArray *findings);
G_END_DECLS
