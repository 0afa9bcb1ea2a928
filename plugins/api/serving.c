/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* INV-34: a control-plane host goes down only when the API servers of all others are ready. The
 * API that we speak to is one of them, or whichever an address in front of them leads to, so each
 * host asks its own. The kubelet's certificate goes with the question: some clusters answer nobody
 * whom they do not know. */

#include "api.h"
#include <string.h>

#define CERTIFICATE "/var/lib/kubelet/pki/kubelet-client-current.pem"
#define OWN	    "https://localhost:6443/readyz"

/* why @answer is no "ready"; NULL if it is */
static char *
find_fault(const RecoveryAnswer *answer)
{
	const char *code = answer->reply.out != NULL ? g_strstrip(answer->reply.out) : "";

	if (answer->error != NULL)
		return g_strdup(answer->error->message);
	if (answer->reply.status == 0 && g_str_equal(code, "200"))
		return NULL;
	if (*code == '\0' || g_str_equal(code, "000"))
		return g_strdup_printf("%s: its API server does not answer (curl: %d)",
				       answer->host, answer->reply.status);
	return g_strdup_printf("%s: its API server is not ready: /readyz says %s", answer->host,
			       code);
}

/* Silence of a host is ABSENT, too: it is a host whose API server nobody can count on. Who gives it
 * up excuses it, and it is asked no more. */
RecoveryProbe
api_serving_probe(RecoveryStep *step, GError **error)
{
	static const char *const argv[] = {"curl", "-sk",	"--noproxy", "*",  "-m",
					   "10",   "-o",	"/dev/null", "-w", "%{http_code}",
					   "-E",   CERTIFICATE, OWN,	     NULL};
	g_auto(GStrv) hosts = recovery_hosts(step, "control-plane");
	g_autoptr(GPtrArray) answers = recovery_ask_all(step, (const char *const *)hosts, argv);
	guint ready = 0;

	for (guint i = 0; i < answers->len; i++) {
		const RecoveryAnswer *answer = answers->pdata[i];
		g_autofree char *why = find_fault(answer);

		if (why == NULL)
			ready++;
		else
			recovery_progress(step, "%s", why);
	}
	return answers->len > 0 && ready == answers->len ? RECOVERY_PROBE_PRESENT
							 : RECOVERY_PROBE_ABSENT;
}
