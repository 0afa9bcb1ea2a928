/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "kube/call.h"
#include "preflight/host-facts.h"
G_BEGIN_DECLS

/* The questions to a control-plane host and to the API. They only look: every command is one that
 * reads, with its arguments as a vector. No secret is asked for: of certificates only the public
 * part, of the encryption configuration only the names of its keys. */

/* what a call names as its run; there is none */
#define RD_ASK_RUN "check"

/* The lock, the clock, the machine, by @world's own clock; FALSE when there was no answer. */
gboolean rd_ask_survey(RdWorld *world, RdHostFacts *facts, GError **error);
/* All of the rest of @facts. FALSE: the host fell silent in between, facts->silence says so too. */
gboolean rd_ask_host(RdWorld *world, RdHostFacts *facts, GError **error);
/* @now: the recovery host's clock, seconds since the epoch; @masters: names of nodes (of
 * RdInventoryHost) */
void rd_ask_api(RdKube *kube, GPtrArray *masters, double now, RdApiFacts *facts);
/* one question; *out is (nullable) (transfer full), NULL when it ended with another status than 0
 */
gboolean rd_preflight_ask(RdWorld *world, const char *host, const char *const *argv, char **out,
			  GError **error);
G_END_DECLS
