/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "rehearsal/api.h"
#include "rehearsal/cluster.h"
#include "runner/step.h"
G_BEGIN_DECLS

/* What docs/plugins.md asks of a state type, tried on a simulated cluster. `recoveryd plugin check`
 * and tests/unit/test-contract.c stand on this.
 *
 * Of a change: read-only before enter() and not PRESENT then; PRESENT after it; the same done twice
 * is as done once; undo on absent, done and half-done leaves all that was there before; every call
 * lost, unheard, failing, interrupted or cut off by a killed worker once, for each call of each
 * function – it ends, says why, never takes what it could not see for done, and the next attempt
 * brings it to its end. Of a wait or query: it touches nothing, and ends whatever is answered. */
typedef struct _RdContract RdContract;

/* all three (unowned). Whoever holds the hosts does it as the run of @setting. */
RdContract *rd_contract_new(RdSimCluster *cluster, RdCatalogue *catalogue,
			    const RdSetting *setting);
/* (unowned): without it the cluster has none, and whoever asks for it is told so */
void rd_contract_set_api(RdContract *self, RdSimApi *api);
void rd_contract_free(RdContract *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdContract, rd_contract_free)

/* takes the lock of every host, as number 1, where no run does */
void rd_contract_take_locks(RdContract *self);

typedef struct {
	const char *state;  /* what it is filed under */
	const char *type;   /* "static-pod/stop" */
	const char *target; /* a host, or "cluster" */
	GHashTable *with;   /* (element-type utf8 utf8) every parameter, checked already */
	gint64 number;	    /* of the host's lock */
	/* (nullable) of a step on the cluster: whose lock guards changes of the API, its number */
	const char *fence_host;
	gint64 fence_number;
	const char *excused; /* (nullable) a host that is stated to be powered off */
} RdContractStep;

/* Does @step once, undisturbed; the cluster is as it leaves it. @outputs: (nullable) (element-type
 * utf8 utf8) what it set. FALSE: it did not end well. */
gboolean rd_contract_do(RdContract *self, const RdContractStep *step, GHashTable *outputs,
			GError **error);

typedef struct {
	GPtrArray *findings; /* (element-type utf8) a sentence for each promise that was broken */
	guint trials;	     /* how many histories were played */
	char *not_tried;     /* (owned) (nullable) why there is nothing to be said: the simulated
			      * host has not what the state needs */
} RdContractResult;
void rd_contract_result_clear(RdContractResult *result);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RdContractResult, rd_contract_result_clear)

/* Tries @step in all these ways, from how the cluster is now, each in a child process: the cluster
 * stays as it is, and what crashes or hangs is a finding. */
void rd_contract_try(RdContract *self, const RdContractStep *step, RdContractResult *result);
G_END_DECLS
