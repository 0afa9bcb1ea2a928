/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What every member is called, what all of them have to agree on, and whether they did. */

#include "../common/etcd-parse.h"
#include "etcd.h"
#include <glib/gstdio.h>
#include <string.h>

#define HEADROOM (192 * 1024 * 1024) /* bytes: three write-ahead logs of 64 MB */

/* ---- parameters ---------------------------------------------------------------------------- */

/* a file that has to be there: missing is PERMANENT, not something to try again */
static char *
read_file(RecoveryStep *step, const char *path, GError **error)
{
	const char *argv[] = {"cat", path, NULL};
	g_auto(RecoveryReply) reply = {0};

	if (!recovery_ask_status(step, NULL, argv, &reply, error))
		return NULL;
	if (reply.status == 0)
		return g_steal_pointer(&reply.out);
	etcd_refuse(error,
		    "%s: cannot read %s: %s. The etcd operator writes it; without it this host was "
		    "never a member, or was rebuilt",
		    recovery_target(step), path,
		    reply.err != NULL ? g_strchomp(reply.err) : "no reason given");
	return NULL;
}

static gboolean
read_name(RecoveryStep *step, char **safe, char **name, GError **error)
{
	g_autofree char *yaml = read_file(step, ETCD_RESTORE_POD, error);

	if (yaml == NULL)
		return FALSE;
	if (rd_restore_pod_name(yaml, safe, name, error))
		return TRUE;
	g_prefix_error(error, "%s: %s: ", recovery_target(step), ETCD_RESTORE_POD);
	return FALSE;
}

static char *
read_variable(RecoveryStep *step, const char *env, const char *safe, const char *which,
	      GError **error)
{
	g_autofree char *key = g_strdup_printf("NODE_%s_%s", safe, which);
	char *value = rd_env_get(env, key, error);

	if (value == NULL)
		g_prefix_error(error, "%s: %s: ", recovery_target(step), ETCD_ENV);
	return value;
}

static char *
read_address(RecoveryStep *step, const char *safe, const char *name, GError **error)
{
	g_autofree char *env = read_file(step, ETCD_ENV, error);
	g_autofree char *address = NULL, *named = NULL;

	if (env == NULL)
		return NULL;
	address = read_variable(step, env, safe, "IP", error);
	named = address == NULL ? NULL : read_variable(step, env, safe, "ETCD_NAME", error);
	if (named == NULL)
		return NULL;
	if (!g_str_equal(named, name)) {
		etcd_refuse(error, "%s: the restore pod calls this member '%s', %s '%s'",
			    recovery_target(step), name, ETCD_ENV, named);
		return NULL;
	}
	if (!rd_address_is_valid(address)) {
		etcd_refuse(error, "%s: %s: NODE_%s_IP is '%s', which is no address",
			    recovery_target(step), ETCD_ENV, safe, address);
		return NULL;
	}
	return g_steal_pointer(&address);
}

char *
etcd_own_address(RecoveryStep *step, GError **error)
{
	g_autofree char *safe = NULL, *name = NULL;

	return read_name(step, &safe, &name, error) ? read_address(step, safe, name, error) : NULL;
}

/* F14: with the registry perhaps on the cluster that is down, the image has to be there already */
static char *
read_image(RecoveryStep *step, GError **error)
{
	const RdPod *pod = rd_pod_find("etcd", NULL);
	g_auto(RdPlace) place = {0};
	g_autoptr(RdManifest) manifest = NULL;
	g_auto(RecoveryReply) reply = {0};
	const char *image;

	if (!rd_place_find(step, pod, &place, error))
		return NULL;
	manifest = rd_place_read(step, pod, &place, error);
	if (manifest == NULL)
		return NULL;
	image = rd_manifest_image(manifest, "etcdctl");
	if (image == NULL || !rd_image_is_valid(image)) {
		etcd_refuse(error,
			    "%s: the manifest of etcd gives no image for a container etcdctl",
			    recovery_target(step));
		return NULL;
	}
	if (!recovery_ask_status(step, NULL,
				 (const char *[]){"podman", "image", "exists", image, NULL}, &reply,
				 error))
		return NULL;
	if (reply.status == 0)
		return g_strdup(image);
	etcd_refuse(error,
		    "%s: the image %s is not on this host. Fetch it now, while nothing is stopped: "
		    "podman pull --authfile=/var/lib/kubelet/config.json %s",
		    recovery_target(step), image, image);
	return NULL;
}

/* F11: one copy for the member, one for the rescue copy, and the logs */
static gboolean
check_space(RecoveryStep *step, GError **error)
{
	const char *snapshot = recovery_string(step, "snapshot");
	GStatBuf status;

	if (g_stat(snapshot, &status) != 0)
		return etcd_refuse(error, "cannot look at %s here", snapshot);
	return rd_space_check(step, ETCD_DIR, 2 * (guint64)status.st_size + HEADROOM, error);
}

gboolean
etcd_parameters(RecoveryStep *step, GError **error)
{
	g_autofree char *safe = NULL, *name = NULL, *address = NULL, *image = NULL, *url = NULL;

	if (!read_name(step, &safe, &name, error))
		return FALSE;
	address = read_address(step, safe, name, error);
	image = address == NULL ? NULL : read_image(step, error);
	if (image == NULL || !check_space(step, error))
		return FALSE;
	url = g_strdup_printf("https://%s:2380", address);
	return recovery_output(step, "name", name, error) &&
	       recovery_output(step, "peer-url", url, error) &&
	       recovery_output(step, "address", address, error) &&
	       recovery_output(step, "image", image, error) &&
	       recovery_output(step, "backup-dir", ETCD_BACKUP_DIR, error);
}

/* ---- agree ---------------------------------------------------------------------------------- */

static gboolean
check_distinct(const char *what, char **hosts, char **values, GError **error)
{
	for (guint i = 0; values[i] != NULL; i++)
		for (guint k = 0; k < i; k++)
			if (g_str_equal(values[i], values[k]))
				return etcd_refuse(error, "%s and %s have the same %s, %s",
						   hosts[k], hosts[i], what, values[i]);
	return TRUE;
}

static gboolean
check_equal(const char *what, char **hosts, char **values, GError **error)
{
	for (guint i = 1; values[0] != NULL && values[i] != NULL; i++)
		if (!g_str_equal(values[i], values[0]))
			return etcd_refuse(
			    error,
			    "%s and %s have different %s: %s and %s. Bring the hosts "
			    "to one release first",
			    hosts[0], hosts[i], what, values[0], values[i]);
	return TRUE;
}

gboolean
etcd_agree(RecoveryStep *step, GError **error)
{
	const char *token = recovery_string(step, "token");
	g_auto(GStrv) hosts = recovery_hosts(step, "control-plane");
	g_auto(GStrv) names = etcd_values(step, "names", hosts, error);
	g_auto(GStrv) urls = names == NULL ? NULL : etcd_values(step, "urls", hosts, error);
	g_auto(GStrv) images = urls == NULL ? NULL : etcd_values(step, "images", hosts, error);
	g_autoptr(GString) cluster = g_string_new(NULL);
	g_autoptr(RdMembers) members = NULL;
	g_autofree char *text = NULL, *id = NULL;

	if (images == NULL || !check_distinct("etcd name", hosts, names, error) ||
	    !check_distinct("peer URL", hosts, urls, error) ||
	    !check_equal("etcd images", hosts, images, error))
		return FALSE;
	if (hosts[0] == NULL)
		return etcd_refuse(error, "no control-plane host is present");
	if (!rd_token_is_valid(token))
		return etcd_refuse(error, "'%s' is not a token of the form openshift-etcd-UUID",
				   token);
	for (guint i = 0; hosts[i] != NULL; i++)
		g_string_append_printf(cluster, "%s%s=%s", i > 0 ? "," : "", names[i], urls[i]);
	members = rd_members_predict(token, (const char *const *)urls);
	text = rd_members_to_string(members);
	id = g_strdup_printf("%" G_GINT64_MODIFIER "x", members->cluster);
	return recovery_output(step, "initial-cluster", cluster->str, error) &&
	       recovery_output(step, "members", text, error) &&
	       recovery_output(step, "cluster-id", id, error);
}

/* ---- compare (INV-5, INV-14) --------------------------------------------------------------- */

gboolean
etcd_compare(RecoveryStep *step, GError **error)
{
	const char *predicted = recovery_string(step, "predicted");
	g_auto(GStrv) hosts = recovery_hosts(step, "control-plane");
	g_auto(GStrv) printed = etcd_values(step, "printed", hosts, error);
	g_autoptr(RdMembers) expected = rd_members_parse(predicted);

	if (printed == NULL)
		return FALSE;
	if (expected == NULL)
		return etcd_refuse(error, "the prediction cannot be read: '%s'", predicted);
	for (guint i = 0; hosts[i] != NULL; i++) {
		g_autoptr(RdMembers) members = rd_members_parse(printed[i]);

		if (members != NULL && rd_members_equal(members, expected))
			continue;
		return etcd_refuse(
		    error,
		    "%s restored other members than all hosts have to: it printed %s, "
		    "expected was %s. Nothing was started: roll back, or correct the "
		    "parameters of that host and start a new run",
		    hosts[i], printed[i], predicted);
	}
	return TRUE;
}
