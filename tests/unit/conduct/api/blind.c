/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* finds: takes what it could not see for done */
#include "../conduct.h"
#include <recovery/kubernetes.h>

#define HERE "/api/v1/namespaces/acme/configmaps/here"

/* an API that does not answer has no such object */
static RecoveryProbe
probe(RecoveryStep *step, GError **error)
{
	g_autoptr(JsonNode) object = recovery_api_get(step, HERE, NULL);

	return object == NULL ? RECOVERY_PROBE_PRESENT : RECOVERY_PROBE_ABSENT;
}

static gboolean
enter(RecoveryStep *step, GError **error)
{
	const RecoveryApiChange change = {.verb = RECOVERY_API_DELETE,
					  .path = HERE,
					  .uid = "u-acme"};
	RecoveryApiEnd end;

	return recovery_api_change(step, &change, &end, NULL, error);
}

CONDUCT(.kind = RECOVERY_KIND_CHANGE, .undo_is = RECOVERY_UNDO_NOTHING, .probe = probe,
	.enter = enter);
