/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Why the API is silent while an operator is waited for. Until it has added the third member etcd
 * is two of them for a while, and one that goes takes the quorum with it: the API then refuses
 * until somebody looks at etcd, which is not what a person thinks of first. So it is asked here. */

#include "../common/containers.h"
#include "../common/etcd-output.h"
#include "operator.h"

typedef struct {
	char *host, *id; /* (owned) (nullable) of one that runs */
	GString *others; /* "; m1 is silent; m2 runs none" */
} Etcds;

static void
etcds_clear(Etcds *self)
{
	g_free(self->host);
	g_free(self->id);
	if (self->others != NULL)
		g_string_free(self->others, TRUE);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Etcds, etcds_clear)

/* the id of the etcd that runs there, NULL: none. FALSE: it does not say */
static gboolean
find_etcd(const RecoveryAnswer *answer, char **id)
{
	g_autoptr(GPtrArray) all = NULL, own = NULL;
	const RdContainer *etcd;

	*id = NULL;
	all = answer->error == NULL && answer->reply.status == 0
		  ? rd_containers_parse(answer->reply.out, NULL)
		  : NULL;
	if (all == NULL)
		return FALSE;
	own = rd_containers_of(all, rd_pod_find("etcd", NULL));
	etcd = rd_containers_find(own, "etcd");
	*id = etcd != NULL ? g_strdup(etcd->id) : NULL;
	return TRUE;
}

/* TRUE: told to stop meanwhile, and said so */
static gboolean
is_stopped(const GError *found, GError **error)
{
	if (!g_error_matches(found, RECOVERY_ERROR, RECOVERY_ERROR_CANCELLED))
		return FALSE;
	g_propagate_error(error, g_error_copy(found));
	return TRUE;
}

/* FALSE: told to stop meanwhile */
static gboolean
find_etcds(RecoveryStep *step, Etcds *self, GError **error)
{
	static const char *const argv[] = {"crictl", "ps", "-o", "json", NULL};
	g_auto(GStrv) hosts = recovery_hosts(step, "control-plane");
	g_auto(GStrv) excused = recovery_excused(step);
	g_autoptr(GPtrArray) answers = recovery_ask_all(step, (const char *const *)hosts, argv);

	self->others = g_string_new(NULL);
	for (guint i = 0; i < answers->len; i++) {
		const RecoveryAnswer *answer = answers->pdata[i];
		g_autofree char *id = NULL;

		if (is_stopped(answer->error, error))
			return FALSE;
		if (!find_etcd(answer, &id)) {
			g_string_append_printf(self->others, "; %s does not answer", answer->host);
		} else if (id == NULL) {
			g_string_append_printf(self->others, "; %s runs none", answer->host);
		} else if (self->id == NULL) {
			self->id = g_steal_pointer(&id);
			self->host = g_strdup(answer->host);
		}
	}
	for (char **host = excused; *host != NULL; host++)
		g_string_append_printf(self->others, "; %s is excused", *host);
	return TRUE;
}

/* nothing is committed: not where nobody knows. FALSE: told to stop meanwhile */
static gboolean
find_quorum(RecoveryStep *step, const Etcds *etcds, gboolean *none, GError **error)
{
	const char *argv[] = {
	    "crictl",  "exec",	   etcds->id, "env", "ETCDCTL_ENDPOINTS=https://localhost:2379",
	    "etcdctl", "endpoint", "health",  "-w",  "simple",
	    NULL};
	g_auto(RecoveryReply) reply = {0};
	g_autoptr(GPtrArray) committed = NULL;
	g_autofree char *both = NULL, *alarm = NULL;
	g_autoptr(GError) local = NULL;

	*none = FALSE;
	if (etcds->id == NULL)
		return TRUE;
	if (!recovery_ask_status(step, etcds->host, argv, &reply, &local))
		return !is_stopped(local, error);
	both = g_strconcat(reply.out, "\n", reply.err, NULL);
	*none = rd_output_health(both, &committed, &alarm) && committed->len == 0;
	return TRUE;
}

void
operator_explain_silence(RecoveryStep *step, GError **error)
{
	g_auto(Etcds) etcds = {0};
	g_autoptr(GError) local = NULL;
	g_autofree char *before = NULL;
	gboolean none = FALSE;

	if (error == NULL || *error == NULL || (*error)->domain != RECOVERY_ERROR ||
	    ((*error)->code != RECOVERY_ERROR_UNREACHABLE &&
	     (*error)->code != RECOVERY_ERROR_FAILED))
		return;
	if (!find_etcds(step, &etcds, &local) || !find_quorum(step, &etcds, &none, &local)) {
		/* what was found before says more */
		g_clear_error(error);
		g_propagate_error(error, g_steal_pointer(&local));
		return;
	}
	if (!none)
		return;
	before = (*error)->message;
	(*error)->message = g_strdup_printf(
	    "%s. The etcd on %s has no quorum%s. Bring the member back that is down; one that is "
	    "gone for good took the quorum with it: then cancel this run, and restore the backup "
	    "anew",
	    before, etcds.host, etcds.others->str);
}
