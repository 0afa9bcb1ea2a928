/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "evidence.h"
#include "moved.h"
#include <json-glib/json-glib.h>
G_BEGIN_DECLS

/* Inside src/report only: how the report's JSON is written. */

/* the number and the time of an event, as "seq" and "at"; NULL: null */
void rd_account_event(JsonBuilder *json, const RdEvent *event);
/* "state@target" (transfer full) */
char *rd_account_step_name(const char *state, const char *target);

/* account-steps.c: the members "timeline" and "checks" */
void rd_account_steps(JsonBuilder *json, const RdEvidence *evidence);
/* account-loss.c: the member "loss" */
void rd_account_loss(JsonBuilder *json, const RdEvidence *evidence);
/* account-left.c: the members "moved", "borrowed" and "left" */
void rd_account_left(JsonBuilder *json, const RdEvidence *evidence);
/* account-storage.c: the member "storage" */
void rd_account_storage(JsonBuilder *json, const RdEvidence *evidence);
/* an output, read as what an audit of the storage found, with an array "findings"; NULL: it is
 * none. It lives in *root (out) (transfer full) (nullable). (unowned) */
JsonObject *rd_account_audit(const char *name, const char *value, JsonNode **root);
G_END_DECLS
