/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whether this control plane has an API server at all. One that has none (a lab, an etcd with hosts
 * of its own) is restored when its etcd is; one that has is not, so "none" has to be certain: it is
 * told by what the installer pods leave on every control-plane host (domain 4.1), not by silence.
 * An API server that does not answer, or not yet, is there. */

#include "api.h"
#include <string.h>

#define CERTIFICATES "/etc/kubernetes/static-pod-resources/kube-apiserver-certs"

gboolean
api_server(RecoveryStep *step, GError **error)
{
	static const char *const argv[] = {"ls", "-d", "--", CERTIFICATES, NULL};
	g_auto(GStrv) hosts = recovery_hosts(step, "control-plane");
	g_autoptr(GPtrArray) answers = recovery_ask_all(step, (const char *const *)hosts, argv);
	const RecoveryAnswer *unclear = NULL;

	for (guint i = 0; i < answers->len; i++) {
		const RecoveryAnswer *answer = answers->pdata[i];
		const char *said = answer->reply.err != NULL ? answer->reply.err : "";

		if (answer->error == NULL && answer->reply.status == 0) {
			recovery_outcome(step, "there");
			return TRUE;
		}
		if (answer->error != NULL || strstr(said, "No such file or directory") == NULL)
			unclear = answer;
	}
	if (unclear != NULL && unclear->error != NULL) {
		g_propagate_error(error, g_error_copy(unclear->error));
		return FALSE;
	}
	if (unclear != NULL || answers->len == 0) {
		g_set_error(
		    error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
		    "%s: cannot tell whether there is an API server: ls -d " CERTIFICATES ": %s",
		    unclear != NULL ? unclear->host : recovery_target(step),
		    unclear != NULL && unclear->reply.err != NULL ? g_strchomp(unclear->reply.err)
								  : "no answer");
		return FALSE;
	}
	recovery_progress(step, "no control-plane host has certificates of an API server: nothing "
				"is to be done through one");
	recovery_outcome(step, "none");
	return TRUE;
}
