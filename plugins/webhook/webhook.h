/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "../common/api.h"
G_BEGIN_DECLS

/* Admission webhooks (domain 5.3). */

/* ---- rules.c: what stands in the objects. Pure ---- */

/* it fails closed (failurePolicy Fail, which is the default), and for writes that a recovery needs:
 * pods, nodes, certificate requests */
gboolean webhook_blocks(JsonNode *webhook);
/* Its operator writes it again whenever it differs: the cluster's own, and those that OLM brought.
 * @config: the configuration that @webhook stands in */
gboolean webhook_is_managed(JsonNode *config, JsonNode *webhook);

/* ---- reach.c: does anybody answer? ---- */

typedef struct {
	RecoveryMoment moment;
	GHashTable *nodes; /* (element-type utf8 gboolean) lives; those asked for so far */
	gboolean has_slices, asked_slices;
} WebhookReach;
void webhook_reach_clear(WebhookReach *reach);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(WebhookReach, webhook_reach_clear)

/* *broken: it is a service of this cluster, and none of its endpoints is ready on a node that
 * lives. What the snapshot says of endpoints is of the past: so the node's lease is asked. */
gboolean webhook_is_broken(RecoveryStep *step, WebhookReach *reach, JsonNode *webhook,
			   gboolean *broken, GError **error);

/* ---- saved.c: what is borrowed ---- */

typedef struct {
	char *kind; /* (owned) "validating", "mutating" */
	char *config, *uid, *version, *webhook;
	char *policy; /* (owned) (nullable) as it stood there; NULL: not at all */
	guint index;
} WebhookSaved;
void webhook_saved_free(WebhookSaved *saved);
WebhookSaved *webhook_saved_new(const char *kind, JsonNode *config, guint index);
/* as a note and back, in order. (element-type WebhookSaved) */
char *webhook_saved_to_note(GPtrArray *all);
GPtrArray *webhook_saved_from_note(const char *note);
/* "validating/CONFIG/WEBHOOK" */
char *webhook_saved_name(const WebhookSaved *saved);
/* of the configuration that it stands in */
char *webhook_saved_path(const WebhookSaved *saved);

/* ---- relax.c ---- */

gboolean relax_baseline(RecoveryStep *step, GError **error);
RecoveryProbe relax_probe(RecoveryStep *step, GError **error);
gboolean relax_enter(RecoveryStep *step, GError **error);
gboolean relax_undo(RecoveryStep *step, GError **error);

G_END_DECLS
