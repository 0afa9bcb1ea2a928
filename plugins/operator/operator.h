/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "../common/api.h"
G_BEGIN_DECLS

/* The bodies of the table in operator.c, and what several of them need. */

/* a static-pod operator: its only object is called cluster (domain 2.8) */
typedef struct {
	const char *name;      /* "etcds": what procedures write */
	const char *path;      /* of the object */
	const char *namespace; /* where its installer pods run, and the static ones */
	const char *pod;       /* what the static ones are called, before "-NODE" */
} RdOperator;

/* NULL with PERMANENT that lists the known ones */
const RdOperator *operator_find(const char *name, GError **error);
/* the object as the API has it now; NULL with an error also when there is none */
JsonNode *operator_get(RecoveryStep *step, const RdOperator *op, GError **error);

/* guard.c */
gboolean guard_baseline(RecoveryStep *step, GError **error);
RecoveryProbe guard_probe(RecoveryStep *step, GError **error);
gboolean guard_enter(RecoveryStep *step, GError **error);
gboolean guard_undo(RecoveryStep *step, GError **error);
/* redeploy.c */
gboolean redeploy_baseline(RecoveryStep *step, GError **error);
RecoveryProbe redeploy_probe(RecoveryStep *step, GError **error);
gboolean redeploy_enter(RecoveryStep *step, GError **error);
/* quorum.c: appended to an @error by which the API does not answer, where etcd is the reason */
void operator_explain_silence(RecoveryStep *step, GError **error);
/* rollout.c */
RecoveryProbe rolled_out_probe(RecoveryStep *step, GError **error);
RecoveryProbe at_revision_probe(RecoveryStep *step, GError **error);
/* left.c */
typedef struct {
	/* (element-type utf8) (nullable) not Ready: that the run goes without; of the run */
	GPtrArray *nodes, *awaited;
	JsonArray *daemon_sets; /* (nullable) all asked for when the first operator needs them */
} RdLeft;
void left_clear(RdLeft *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RdLeft, left_clear)
/* whether @object, a ClusterOperator that is not stable, lacks nothing but pods on such nodes */
gboolean left_explains(RecoveryStep *step, RdLeft *self, JsonNode *object, gboolean *explains,
		       GError **error);
/* stable.c */
gboolean known_enter(RecoveryStep *step, GError **error);
RecoveryProbe stable_probe(RecoveryStep *step, GError **error);

G_END_DECLS
