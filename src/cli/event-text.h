/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "machine/event.h"
#include <json-glib/json-glib.h>
G_BEGIN_DECLS

/* One event of a journal, for people and for programs. */

/* what it concerns: "stop-etcd@m1", "m1", "stop-etcd" or "run" (transfer full) */
char *rd_event_subject(const RdEvent *event);
/* one line in words, not cleaned: texts of hosts are in it (transfer full) */
char *rd_event_describe(const RdEvent *event);
/* an ink of cli/screen.h, "" for none (unowned) */
const char *rd_event_ink(const RdEvent *event);
/* all fields that are set; docs/json.md */
JsonNode *rd_event_to_json(const RdEvent *event);
/* @state: a state, or "state@target"; @host: a target. NULL: any. Hosts' and the run's own events
 * are of no state. */
gboolean rd_event_matches(const RdEvent *event, const char *state, const char *host);
G_END_DECLS
