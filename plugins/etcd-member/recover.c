/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* etcd-member-recover.sh, run once on a new master (P1-15). It gets certificates from the signer,
 * removes the data, adds the member, and only then writes what etcd starts with. So the member list
 * says how far it came: not listed, it may run again; listed and not started, its last two steps
 * are done here, and nobody is ever added twice (INV-17). */

#include "../common/api.h"
#include "../common/etcd-parse.h"
#include "etcd-member.h"
#include <string.h>

#define JOB "script"

typedef struct {
	char *recovery;	 /* (owned) */
	char *name;	 /* (owned) of this host's member */
	GPtrArray *list; /* (owned) as the recovery host's member has it */
	char *env;	 /* (owned) (nullable) of this host */
	char *url;	 /* (owned) (nullable) its peer URL, where it is known */
	gboolean placed; /* the manifest is where the kubelet looks */
} Joining;

static void
joining_clear(Joining *self)
{
	g_clear_pointer(&self->recovery, g_free);
	g_clear_pointer(&self->name, g_free);
	g_clear_pointer(&self->list, g_ptr_array_unref);
	g_clear_pointer(&self->env, g_free);
	g_clear_pointer(&self->url, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Joining, joining_clear)

/* ---- looking ------------------------------------------------------------------------------- */

/* by DNS, else as this host's own environment has it */
static char *
own_url(RecoveryStep *step, const char *env)
{
	const char *dns = recovery_string(step, "dns-name");
	g_autofree char *name = *dns != '\0'  ? g_strdup(dns)
				: env != NULL ? member_env_get(env, "ETCD_DNS_NAME")
					      : NULL;

	return name != NULL && rd_name_is_valid(name) ? g_strdup_printf("https://%s:2380", name)
						      : NULL;
}

static gboolean
look(RecoveryStep *step, Joining *self, GError **error)
{
	g_auto(GStrv) names = NULL;

	self->recovery = member_recovery(step, error);
	self->name = member_name(recovery_target(step));
	if (self->recovery == NULL || !member_list(step, self->recovery, &self->list, error))
		return FALSE;
	if (self->list == NULL || self->list->len == 0) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
			    "%s: etcd does not say who its members are; nobody is added to it",
			    self->recovery);
		return FALSE;
	}
	names = rd_list_dir(step, NULL, RD_MANIFESTS, error);
	if (names == NULL || !rd_file_ask(step, NULL, MEMBER_ENV, &self->env, error))
		return FALSE;
	self->placed = g_strv_contains((const char *const *)names, MEMBER_FILE);
	self->url = own_url(step, self->env);
	return TRUE;
}

static gboolean
is_started(const RdListed *member)
{
	return g_str_equal(member->status, "started");
}

/* the one that was added and never started: etcd knows only its peer URL. NULL: none */
static const RdListed *
find_unstarted(GPtrArray *list)
{
	for (guint i = 0; i < list->len; i++)
		if (!is_started(list->pdata[i]))
			return list->pdata[i];
	return NULL;
}

/* F32: etcd starts with the last assignment of each */
static gboolean
has_environment(const Joining *self)
{
	g_autofree char *state =
	    self->env != NULL ? member_env_get(self->env, "ETCD_INITIAL_CLUSTER_STATE") : NULL;
	g_autofree char *cluster =
	    self->env != NULL ? member_env_get(self->env, "ETCD_INITIAL_CLUSTER") : NULL;
	g_autofree char *own = g_strconcat(self->name, "=", NULL);

	return g_strcmp0(state, "existing") == 0 && cluster != NULL && strstr(cluster, own) != NULL;
}

/* INV-17: somebody else's half-made member. FALSE with PERMANENT */
static gboolean
check_unstarted(const Joining *self, const RdListed *member, GError **error)
{
	if (member == NULL || g_strcmp0(member->peers, self->url) == 0)
		return TRUE;
	return rd_api_refuse(error,
			     "etcd has a member that never started, %s (id %" G_GINT64_MODIFIER
			     "x), and it is not %s (%s). No second one is added beside it: let it "
			     "start, or take it away with 'etcdctl member remove "
			     "%" G_GINT64_MODIFIER "x' on %s",
			     member->peers, member->id, self->name,
			     self->url != NULL ? self->url : "whose name in DNS nobody knows",
			     member->id, self->recovery);
}

static gboolean
check_idle(RecoveryStep *step, GError **error)
{
	g_auto(RecoveryReply) reply = {0};
	RecoveryJobState state;

	if (!recovery_job_state(step, JOB, &state, &reply, error))
		return FALSE;
	if (state != RECOVERY_JOB_ALIVE)
		return TRUE;
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
		    "%s: " SCRIPT_RECOVER " still runs; it is never started beside itself. It "
		    "waits for etcd to stop and for nine certificates in "
		    "/etc/kubernetes/static-pod-resources/etcd-member, as long as it takes",
		    recovery_target(step));
	return FALSE;
}

RecoveryProbe
member_recover_probe(RecoveryStep *step, GError **error)
{
	g_auto(Joining) joining = {0};
	const RdListed *unstarted;

	if (!check_idle(step, error) || !look(step, &joining, error))
		return RECOVERY_PROBE_UNKNOWN;
	if (member_find(joining.list, joining.name) != NULL)
		return RECOVERY_PROBE_PRESENT;
	unstarted = find_unstarted(joining.list);
	if (!check_unstarted(&joining, unstarted, error))
		return RECOVERY_PROBE_UNKNOWN;
	return unstarted != NULL && joining.placed && has_environment(&joining)
		   ? RECOVERY_PROBE_PRESENT
		   : RECOVERY_PROBE_ABSENT;
}

/* ---- what is left of the script ------------------------------------------------------------- */

/* as 'member add' printed them: the members that run, and this one */
static char *
initial_cluster(const Joining *self)
{
	GString *text = g_string_new(NULL);

	g_string_append_printf(text, "%s=%s", self->name, self->url);
	for (guint i = 0; i < self->list->len; i++) {
		const RdListed *member = self->list->pdata[i];

		if (is_started(member))
			g_string_append_printf(text, ",%s=%s", member->name, member->peers);
	}
	return g_string_free(text, FALSE);
}

static gboolean
write_environment(RecoveryStep *step, const Joining *self, GError **error)
{
	g_autofree char *cluster = initial_cluster(self);
	g_autofree char *text =
	    g_strdup_printf("%sETCD_NAME=\"%s\"\nETCD_INITIAL_CLUSTER=\"%s\"\n"
			    "ETCD_INITIAL_CLUSTER_STATE=\"existing\"\n",
			    self->env != NULL ? self->env : "", self->name, cluster);

	return has_environment(self) ||
	       recovery_put_data(step, text, strlen(text), MEMBER_ENV, 0644, error);
}

static gboolean
place_manifest(RecoveryStep *step, const Joining *self, GError **error)
{
	g_autofree char *text = NULL;

	if (self->placed)
		return TRUE;
	if (!rd_file_ask(step, NULL, MEMBER_STOPPED "/" MEMBER_FILE, &text, error))
		return FALSE;
	if (text == NULL)
		return rd_api_refuse(error,
				     "%s: the member is added, and " MEMBER_FILE
				     " is neither in " RD_MANIFESTS " nor in " MEMBER_STOPPED
				     ". Copy the one of %s "
				     "there, without its line of --discovery-srv",
				     recovery_target(step), self->recovery);
	return recovery_put_data(step, text, strlen(text), MEMBER_MANIFEST, 0600, error) &&
	       recovery_move_aside(step, MEMBER_STOPPED "/" MEMBER_FILE, error);
}

static gboolean
go_on(RecoveryStep *step, const Joining *self, GError **error)
{
	recovery_progress(step, "%s is a member already: its environment and manifest are finished",
			  self->name);
	return write_environment(step, self, error) && place_manifest(step, self, error);
}

/* ---- running it ---------------------------------------------------------------------------- */

/* INV-8: the script deletes what lies there */
static gboolean
check_empty(RecoveryStep *step, GError **error)
{
	const char *argv[] = {"stat", "-c", "%i %s", MEMBER_DIR "/snap/db", NULL};
	g_auto(RecoveryReply) reply = {0};

	if (!recovery_ask_status(step, NULL, argv, &reply, error))
		return FALSE;
	return (reply.status != 0 && reply.err != NULL &&
		strstr(reply.err, "No such file or directory") != NULL) ||
	       rd_api_refuse(error,
			     "%s: there is data of an etcd in " MEMBER_DIR
			     " that is no member: " SCRIPT_RECOVER
			     " would delete it. Move it away first if nobody needs "
			     "it (mv -nT " MEMBER_DIR " /var/lib/etcd-of-before)",
			     recovery_target(step));
}

static gboolean
run_script(RecoveryStep *step, const Joining *joining, GError **error)
{
	const char *argv[] = {SCRIPT_RECOVER, recovery_address(step, joining->recovery),
			      joining->name, NULL};
	g_autofree char *setup =
	    g_strdup_printf("SETUP_ETCD_ENVIRONMENT=%s", recovery_string(step, "setup"));
	g_autofree char *agent =
	    g_strdup_printf("KUBE_CLIENT_AGENT=%s", recovery_string(step, "agent"));
	const char *env[] = {setup, agent, NULL};
	const RecoveryCommand command = {.argv = argv, .cwd = MEMBER_HOME, .env = env};

	recovery_progress(step, "%s: " SCRIPT_RECOVER " %s %s", recovery_target(step), argv[1],
			  argv[2]);
	return recovery_job(step, JOB, &command, NULL, error);
}

/* It ended with 1. Added or not, the list tells; not added it may be tried again, which also
 * is what etcd wants that has just taken another member in ("unhealthy cluster"). */
static gboolean
after_failure(RecoveryStep *step, GError *failure, GError **error)
{
	g_autoptr(GError) owned = failure;
	g_auto(Joining) now = {0};
	const RdListed *unstarted = NULL;

	if (g_error_matches(owned, RECOVERY_ERROR, RECOVERY_ERROR_FAILED)) {
		if (!look(step, &now, error))
			return FALSE;
		unstarted = find_unstarted(now.list);
		if (unstarted != NULL)
			return check_unstarted(&now, unstarted, error) && go_on(step, &now, error);
	}
	g_propagate_error(error, g_steal_pointer(&owned));
	return FALSE;
}

gboolean
member_recover_enter(RecoveryStep *step, GError **error)
{
	g_auto(Joining) joining = {0};
	g_autoptr(GError) failure = NULL;
	const RdListed *unstarted;

	/* noted by this attempt: its job may run already */
	if (recovery_recall(step, "started") == NULL) {
		if (!check_idle(step, error) || !look(step, &joining, error))
			return FALSE;
		unstarted = find_unstarted(joining.list);
		if (!check_unstarted(&joining, unstarted, error))
			return FALSE;
		if (unstarted != NULL)
			return go_on(step, &joining, error);
		if (!check_empty(step, error) || !script_is_same(step, SCRIPT_RECOVER, error) ||
		    !recovery_remember(step, "started", "yes", error))
			return FALSE;
	} else if (!look(step, &joining, error)) {
		return FALSE;
	}
	return run_script(step, &joining, &failure) ||
	       after_failure(step, g_steal_pointer(&failure), error);
}
