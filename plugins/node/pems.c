/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A kubelet whose certificate the restored API does not know (F34): without it, it asks for a new
 * one. Its files move aside and come back while nothing newer was issued (P2-20). */

#include "../common/ask.h"
#include "node.h"
#include <string.h>

#define PKI	  "/var/lib/kubelet/pki"
#define BOOTSTRAP "/etc/kubernetes/kubeconfig"
#define CURRENT	  "-current.pem" /* a link to the newest of its kind */
#define NONE	  "none"
#define OWN	  "/var/lib/kubelet/kubeconfig" /* with which the kubelet goes to the API */
#define REFUSED	  60 /* seconds of the API, from which on its refusal of a certificate counts */

/* whether @path is there; FALSE with error when nobody knows */
static gboolean
exists(RecoveryStep *step, const char *path, gboolean *is_there, GError **error)
{
	const char *argv[] = {"stat", "-c", "%Y", path, NULL};
	g_auto(RecoveryReply) reply = {0};

	if (!recovery_ask_status(step, NULL, argv, &reply, error))
		return FALSE;
	*is_there = reply.status == 0;
	if (*is_there ||
	    (reply.err != NULL && strstr(reply.err, "No such file or directory") != NULL))
		return TRUE;
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED, "%s: cannot look at %s: %s",
		    recovery_target(step), path,
		    reply.err != NULL ? g_strchomp(reply.err) : "no reason given");
	return FALSE;
}

/* names of the certificates that are newer than @marker, or those that are not. NULL with error.
 * (element-type utf8) */
static GPtrArray *
find_pems(RecoveryStep *step, const char *marker, gboolean newer, GError **error)
{
	g_autofree char *out = NULL;
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	g_auto(GStrv) lines = NULL;

	out = newer ? recovery_ask(step, NULL, error, "find", PKI, "-maxdepth", "1", "-name",
				   "*.pem", "-newer", marker, "-printf", "%f\\n", NULL)
		    : recovery_ask(step, NULL, error, "find", PKI, "-maxdepth", "1", "-name",
				   "*.pem", "!", "-newer", marker, "-printf", "%f\\n", NULL);
	if (out == NULL) {
		g_ptr_array_unref(names);
		return NULL;
	}
	lines = rd_lines(out);
	for (guint i = 0; lines[i] != NULL; i++)
		if (*lines[i] != '\0')
			g_ptr_array_add(names, g_strdup(lines[i]));
	return names;
}

/* What a link points to goes after it and comes back before it: so the kubelet never finds a link
 * to nothing. */
static int
by_link(gconstpointer a, gconstpointer b)
{
	const char *one = *(const char *const *)a, *two = *(const char *const *)b;
	int order = g_str_has_suffix(two, CURRENT) - g_str_has_suffix(one, CURRENT);

	return order != 0 ? order : strcmp(one, two);
}

gboolean
node_pems_baseline(RecoveryStep *step, GError **error)
{
	g_auto(GStrv) names = rd_list_dir(step, NULL, PKI, error);
	g_autoptr(GPtrArray) pems = g_ptr_array_new();
	g_autofree char *list = NULL;

	if (names == NULL)
		return FALSE;
	for (guint i = 0; names[i] != NULL; i++)
		if (g_str_has_suffix(names[i], ".pem"))
			g_ptr_array_add(pems, names[i]);
	g_ptr_array_sort(pems, by_link);
	g_ptr_array_add(pems, NULL);
	list = g_strjoinv("/", (char **)pems->pdata); /* no name has a slash */
	return recovery_remember(step, "pems", *list != '\0' ? list : NONE, error) &&
	       rd_kubelet_baseline(step, error);
}

/* What is known of the node's certificate. A kubelet that renews its lease has logged in with the
 * one it has: if its node is not Ready that has another reason, and without the certificate it
 * might never come in again (F35). */
static gboolean
is_known(RecoveryStep *step, gboolean *known, RecoveryMoment *moment, GError **error)
{
	const char *name = recovery_target(step);
	g_autofree char *why = NULL;
	g_auto(RdNode) one = {0};
	gboolean ready;

	if (!rd_node_get(step, name, &one, error) || !rd_api_moment(step, moment, error))
		return FALSE;
	ready = rd_node_fresh(&one, name, moment, &why) == RECOVERY_FRESH_TRUE;
	*known = ready || rd_node_is_alive(one.lease, moment);
	recovery_progress(step, "%s%s", why,
			  *known && !ready ? "; its kubelet renews its lease, so its certificate "
					     "is known and stays"
					   : "");
	return TRUE;
}

/* Moved by this run: the disk decides, whatever the API says of the node. Not moved: needed only
 * where nobody has logged in. */
/* By our job, which comes after all that was moved. A kubelet that was only starting when the
 * baseline was taken, or that crashed since (with a certificate that is refused it does), has been
 * restarted as well, and has read what was moved afterwards. */
static RecoveryProbe
restarted_since(RecoveryStep *step, GError **error)
{
	RecoveryJobState state = RECOVERY_JOB_ABSENT;
	g_auto(RecoveryReply) reply = {0};

	if (!recovery_job_state(step, "restart", &state, &reply, error))
		return RECOVERY_PROBE_UNKNOWN;
	if (state == RECOVERY_JOB_ALIVE || (state == RECOVERY_JOB_ENDED && reply.status == 0))
		return rd_kubelet_restarted(step, error);
	recovery_progress(step, "%s: its kubelet was not restarted yet", recovery_target(step));
	return RECOVERY_PROBE_ABSENT;
}

RecoveryProbe
node_pems_probe(RecoveryStep *step, GError **error)
{
	g_autofree char *marker = rd_node_marker(step);
	g_autoptr(GPtrArray) left = NULL;
	gboolean moved = FALSE, known = FALSE;
	RecoveryMoment moment;

	if (!exists(step, marker, &moved, error))
		return RECOVERY_PROBE_UNKNOWN;
	if (!moved) {
		if (!is_known(step, &known, &moment, error))
			return RECOVERY_PROBE_UNKNOWN;
		return known ? RECOVERY_PROBE_PRESENT : RECOVERY_PROBE_ABSENT;
	}
	left = find_pems(step, marker, FALSE, error);
	if (left == NULL)
		return RECOVERY_PROBE_UNKNOWN;
	return left->len > 0 ? RECOVERY_PROBE_ABSENT : restarted_since(step, error);
}

/* Where the kubelet goes to the API, in its own kubeconfig; NULL without error when that does not
 * say */
static char *
kubelet_server(RecoveryStep *step, GError **error)
{
	const char *argv[] = {"grep", "-oE", "https://[^[:space:]\"]+", OWN, NULL};
	g_auto(RecoveryReply) reply = {0};
	g_auto(GStrv) lines = NULL;

	if (!recovery_ask_status(step, NULL, argv, &reply, error))
		return NULL;
	lines = rd_lines(reply.out);
	return lines[0] != NULL && *lines[0] != '\0' ? g_strdup(lines[0]) : NULL;
}

/* The API server answers the kubelet's own certificate with 401: then nobody has to wait for a
 * lease that cannot come. Whoever else answered there in its place (the server is not verified, as
 * nothing secret is shown to it) would only make us ask for a new certificate. Anything else says
 * nothing. */
static gboolean
is_refused(RecoveryStep *step, gboolean *refused, GError **error)
{
	g_autoptr(GError) local = NULL;
	g_autofree char *server = kubelet_server(step, &local), *url = NULL;
	g_auto(RecoveryReply) reply = {0};

	if (local != NULL) {
		g_propagate_error(error, g_steal_pointer(&local));
		return FALSE;
	}
	if (server == NULL)
		return TRUE;
	url = g_strdup_printf("%s/api/v1/nodes/%s", server, recovery_target(step));
	if (!recovery_ask_status(step, NULL,
				 (const char *[]){"curl", "-sk", "--noproxy", "*", "-m", "5", "-o",
						  "/dev/null", "-w", "%{http_code}", "-E",
						  PKI "/kubelet-client" CURRENT, url, NULL},
				 &reply, error))
		return FALSE;
	*refused = reply.status == 0 && g_str_has_prefix(reply.out, "401");
	if (*refused)
		recovery_progress(step, "%s: the API refuses its kubelet's certificate",
				  recovery_target(step));
	return TRUE;
}

/* PRESENT when the kubelet logs in by itself, is refused, or was given its time */
static RecoveryProbe
settled(RecoveryStep *step, GError **error)
{
	gboolean known = FALSE, refused = FALSE;
	RecoveryMoment moment;
	double up;

	if (!is_known(step, &known, &moment, error))
		return RECOVERY_PROBE_UNKNOWN;
	up = moment.now - moment.since;
	if (known || up >= recovery_int(step, "after"))
		return RECOVERY_PROBE_PRESENT;
	if (up >= REFUSED && !is_refused(step, &refused, error))
		return RECOVERY_PROBE_UNKNOWN;
	return refused ? RECOVERY_PROBE_PRESENT : RECOVERY_PROBE_ABSENT;
}

static gboolean
move_all(RecoveryStep *step, const char *marker, GError **error)
{
	g_autoptr(GPtrArray) names = NULL;

	if (!recovery_put_data(step, recovery_run_id(step), strlen(recovery_run_id(step)), marker,
			       0600, error))
		return FALSE;
	names = find_pems(step, marker, FALSE, error);
	if (names == NULL)
		return FALSE;
	g_ptr_array_sort(names, by_link);
	for (guint i = 0; i < names->len; i++) {
		g_autofree char *path = g_build_filename(PKI, names->pdata[i], NULL);

		if (!recovery_move_aside(step, path, error))
			return FALSE;
	}
	return TRUE;
}

gboolean
node_pems_enter(RecoveryStep *step, GError **error)
{
	g_autofree char *marker = rd_node_marker(step);
	gboolean moved = FALSE, known = FALSE, bootstrap = FALSE;
	RecoveryMoment moment;

	if (!exists(step, marker, &moved, error))
		return FALSE;
	if (!moved) {
		/* right after the API came up every node looks dead: give it its time */
		if (!recovery_wait(step, settled, error) || !is_known(step, &known, &moment, error))
			return FALSE;
		if (known)
			return TRUE;
	}
	if (!exists(step, BOOTSTRAP, &bootstrap, error))
		return FALSE;
	if (!bootstrap)
		return rd_api_refuse(
		    error,
		    "%s: without %s its kubelet could not ask for a new "
		    "certificate, so the old one stays. Take that file from another "
		    "host of the same role first",
		    recovery_target(step), BOOTSTRAP);
	return move_all(step, marker, error) && rd_kubelet_restart(step, error);
}

/* one name back, unless it is there */
static gboolean
bring_back(RecoveryStep *step, const char *name, GError **error)
{
	g_autofree char *path = g_build_filename(PKI, name, NULL), *aside = NULL;

	return recovery_aside_path(step, path, &aside, error) &&
	       (aside == NULL || recovery_move(step, aside, path, error));
}

gboolean
node_pems_undo(RecoveryStep *step, GError **error)
{
	const char *restart[] = {"systemctl", "restart", "kubelet.service", NULL};
	const RecoveryCommand command = {.argv = restart};
	const char *noted = recovery_recall(step, "pems");
	g_auto(GStrv) names = g_strsplit(noted != NULL ? noted : NONE, "/", -1);
	g_auto(GStrv) there = NULL;
	g_autofree char *marker = rd_node_marker(step);
	g_autoptr(GPtrArray) newer = NULL;
	gboolean moved = FALSE;

	if (!exists(step, marker, &moved, error))
		return FALSE;
	if (!moved || g_str_equal(names[0], NONE))
		return TRUE;
	newer = find_pems(step, marker, TRUE, error);
	if (newer == NULL)
		return FALSE;
	if (newer->len > 0) {
		recovery_progress(step, "%s has newer certificates (%s): the old ones stay aside",
				  recovery_target(step), (const char *)newer->pdata[0]);
		return TRUE;
	}
	there = rd_list_dir(step, NULL, PKI, error);
	if (there == NULL)
		return FALSE;
	for (guint i = g_strv_length(names); i > 0; i--)
		if (!g_strv_contains((const char *const *)there, names[i - 1]) &&
		    !bring_back(step, names[i - 1], error))
			return FALSE;
	return recovery_job(step, "restart-back", &command, NULL, error);
}
