/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Masters that are made anew outside of here (P1-08): is it another machine than the lost one, is
 * it empty, and does DNS lead to it? */

#include "../common/api.h"
#include "../common/etcd-parse.h"
#include "../common/nodes.h"
#include "etcd-member.h"
#include <string.h>

/* ---- lost, replaced ------------------------------------------------------------------------ */

/* {"m1": "machine-id"} of all that are stated to be powered off, while their Nodes still say it */
gboolean
member_lost(RecoveryStep *step, GError **error)
{
	g_auto(GStrv) excused = recovery_excused(step);
	g_autoptr(JsonNode) root = json_node_new(JSON_NODE_OBJECT);
	g_autofree char *text = NULL, *names = g_strjoinv(",", excused);

	json_node_take_object(root, json_object_new());
	for (guint i = 0; excused[i] != NULL; i++) {
		g_auto(RdNode) node = {0};

		if (!rd_node_get(step, excused[i], &node, error))
			return FALSE;
		json_object_set_string_member(
		    json_node_get_object(root), excused[i],
		    rd_api_text(node.node, "status", "nodeInfo", "machineID", NULL));
	}
	text = rd_api_json(root);
	return recovery_output(step, "machine-ids", text, error) &&
	       recovery_output(step, "names", names, error);
}

/* nobody is left out any more: a person has enrolled every host that was made anew */
gboolean
member_replaced(RecoveryStep *step, GError **error)
{
	g_auto(GStrv) excused = recovery_excused(step);
	g_autofree char *names = g_strjoinv(", ", excused);

	if (excused[0] == NULL)
		return TRUE;
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
		    "%s: still stated to be powered off. Made anew, it is brought back into the "
		    "run with 'recoveryd enrol RUN HOST'",
		    names);
	return FALSE;
}

/* ---- rebuilt ------------------------------------------------------------------------------- */

/* INV-37 the other way round: the one that was lost must not come back */
static gboolean
check_machine(RecoveryStep *step, GError **error)
{
	g_autoptr(JsonNode) ids = json_from_string(recovery_string(step, "machine-ids"), NULL);
	g_autofree char *id = recovery_ask(step, NULL, error, "cat", "/etc/machine-id", NULL);
	const char *old = rd_api_text(ids, recovery_target(step), NULL);

	if (id == NULL)
		return FALSE;
	return *old == '\0' || !g_str_equal(g_strchomp(id), old) ||
	       rd_api_refuse(error,
			     "%s has the machine id of the host that was lost (%s): it is the old "
			     "one, not made anew. Reinstall it; its old etcd must not come back",
			     recovery_target(step), old);
}

/* INV-8: etcd-member-recover.sh deletes what lies there */
static gboolean
check_empty(RecoveryStep *step, GError **error)
{
	const char *argv[] = {"stat", "-c", "%i %s", MEMBER_DIR "/snap/db", NULL};
	g_auto(RecoveryReply) reply = {0};
	g_autoptr(GPtrArray) running = NULL;

	if (!recovery_ask_status(step, NULL, argv, &reply, error))
		return FALSE;
	if (reply.status != 0 && reply.err != NULL &&
	    strstr(reply.err, "No such file or directory") != NULL)
		return TRUE;
	/* a member that joined already, seen again */
	running = rd_containers_ask(step, NULL, &member_pod, error);
	if (running == NULL)
		return FALSE;
	return rd_containers_find(running, "etcd-member") != NULL ||
	       rd_api_refuse(error,
			     "%s: there is data of an etcd in " MEMBER_DIR ", so this host was "
			     "not made anew, or was once a member. Move it away if nobody needs it "
			     "(mv -nT " MEMBER_DIR " /var/lib/etcd-of-before)",
			     recovery_target(step));
}

/* "--discovery-srv=DOMAIN" of the recovery host's manifest. (transfer full) */
static char *
find_domain(RecoveryStep *step, const char *recovery, GError **error)
{
	static const char word[] = "discovery-srv=";
	g_autofree char *text = NULL;
	const char *at;

	if (!rd_file_ask(step, recovery, MEMBER_MANIFEST, &text, error))
		return NULL;
	at = text != NULL ? strstr(text, word) : NULL;
	if (at == NULL)
		return g_strdup("");
	at += strlen(word);
	return g_strndup(at, strspn(at, "abcdefghijklmnopqrstuvwxyz"
					"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-"));
}

/* the lines of dig, or NULL; *able FALSE: this host has no dig */
static char **
dig(RecoveryStep *step, const char *type, const char *name, gboolean *able, GError **error)
{
	const char *argv[] = {"dig", "+short", type, name, NULL};
	g_auto(RecoveryReply) reply = {0};

	if (!recovery_ask_status(step, NULL, argv, &reply, error))
		return NULL;
	*able = reply.status != 127;
	return rd_lines(reply.status == 0 && reply.out != NULL ? reply.out : "");
}

/* "0 10 2380 etcd-1.kite.example.com." to "etcd-1.kite.example.com" */
static char *
srv_target(const char *line)
{
	g_auto(GStrv) words = g_strsplit(line, " ", -1);
	char *name;

	if (g_strv_length(words) != 4)
		return NULL;
	name = g_strdup(words[3]);
	if (g_str_has_suffix(name, "."))
		name[strlen(name) - 1] = '\0';
	return name;
}

/* *name: of the SRV record's targets the one whose address is this host's */
static gboolean
find_in_dns(RecoveryStep *step, const char *domain, gboolean *able, char **name, GError **error)
{
	const char *address = recovery_address(step, recovery_target(step));
	g_autofree char *srv = g_strdup_printf("_etcd-server-ssl._tcp.%s", domain);
	g_auto(GStrv) records = dig(step, "SRV", srv, able, error);

	if (records == NULL)
		return FALSE;
	for (guint i = 0; *able && records[i] != NULL && *name == NULL; i++) {
		g_autofree char *target = srv_target(records[i]);
		g_auto(GStrv) found = NULL;

		if (target == NULL || !rd_name_is_valid(target))
			continue;
		found = dig(step, strchr(address, ':') != NULL ? "AAAA" : "A", target, able, error);
		if (found == NULL)
			return FALSE;
		if (g_strv_contains((const char *const *)found, address))
			*name = g_steal_pointer(&target);
	}
	return TRUE;
}

static RecoveryProbe
say_name(RecoveryStep *step, const char *name, GError **error)
{
	return recovery_output(step, "dns-name", name, error) ? RECOVERY_PROBE_PRESENT
							      : RECOVERY_PROBE_UNKNOWN;
}

static RecoveryProbe
check_dns(RecoveryStep *step, GError **error)
{
	g_autofree char *recovery = member_recovery(step, error), *name = NULL;
	g_autofree char *domain = recovery != NULL ? find_domain(step, recovery, error) : NULL;
	gboolean able = TRUE;

	if (domain == NULL)
		return RECOVERY_PROBE_UNKNOWN;
	if (*domain == '\0') {
		recovery_progress(step,
				  "the manifest of etcd names no domain: DNS is not looked at");
		return say_name(step, "", error);
	}
	if (!find_in_dns(step, domain, &able, &name, error))
		return RECOVERY_PROBE_UNKNOWN;
	if (!able) {
		recovery_progress(step, "%s has no dig: DNS is not looked at",
				  recovery_target(step));
		return say_name(step, "", error);
	}
	if (name != NULL)
		return say_name(step, name, error);
	recovery_progress(step,
			  "%s: no target of SRV _etcd-server-ssl._tcp.%s has the address %s, as "
			  "this host sees it. Correct the A and SRV records",
			  recovery_target(step), domain,
			  recovery_address(step, recovery_target(step)));
	return RECOVERY_PROBE_ABSENT;
}

RecoveryProbe
member_rebuilt_probe(RecoveryStep *step, GError **error)
{
	if (!check_machine(step, error) || !check_empty(step, error))
		return RECOVERY_PROBE_UNKNOWN;
	return check_dns(step, error);
}

/* ---- credentials --------------------------------------------------------------------------- */

/* The script takes etcd's client certificate from kube-apiserver's resources, which its operator
 * brings to a node some minutes after that is Ready; without them it ends before it has begun. */
RecoveryProbe
member_credentials_probe(RecoveryStep *step, GError **error)
{
	const char *argv[] = {"find",	   "/etc/kubernetes/static-pod-resources",
			      "-maxdepth", "4",
			      "-path",	   "*/kube-apiserver-pod-*/secrets/etcd-client/tls.key",
			      NULL};
	g_auto(RecoveryReply) reply = {0};

	if (!recovery_ask_status(step, NULL, argv, &reply, error))
		return RECOVERY_PROBE_UNKNOWN;
	if (reply.out != NULL && *reply.out != '\0')
		return RECOVERY_PROBE_PRESENT;
	recovery_progress(step,
			  "%s: the operator of kube-apiserver has not brought its resources to "
			  "this node yet, and with them etcd's client certificate",
			  recovery_target(step));
	return RECOVERY_PROBE_ABSENT;
}
