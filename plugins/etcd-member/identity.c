/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the recovery host's member is called (P1-03, P1-04), and whether the host has what the
 * restore needs. */

#include "../common/api.h"
#include "../common/etcd-parse.h"
#include "../common/manifest.h"
#include "etcd-member.h"
#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#define GIB (G_GUINT64_CONSTANT(1) << 30)

/* ---- identity ------------------------------------------------------------------------------ */

/* The name is the pod's, which is not the host name with its domain: with that the restored member
 * runs, and no further one ever joins it (P1-15). */
static const RdListed *
find_own(RecoveryStep *step, GPtrArray *list, const char *name, GError **error)
{
	const RdListed *own = member_find(list, name);
	g_autofree char *names = member_names(list);

	if (own == NULL)
		rd_api_refuse(error,
			      "%s: etcd has no member %s, only %s. The inventory has to call the "
			      "recovery host what its Node is called",
			      recovery_target(step), name, names);
	return own;
}

/* "https://NAME:2380" to NAME, NULL when it is none of these */
static char *
name_of_url(const char *url)
{
	g_autofree char *name = NULL;

	if (!g_str_has_prefix(url, "https://") || !g_str_has_suffix(url, ":2380"))
		return NULL;
	name =
	    g_strndup(url + strlen("https://"), strlen(url) - strlen("https://") - strlen(":2380"));
	return rd_name_is_valid(name) ? g_steal_pointer(&name) : NULL;
}

/* @listed: of the member list, NULL where etcd does not run; @env: of the environment file. The
 * script looks for the latter in what it is given, so they have to be one. */
static char *
choose_dns_name(RecoveryStep *step, const char *listed, const char *env, GError **error)
{
	const char *name = listed != NULL ? listed : env;

	if (name == NULL || !rd_name_is_valid(name)) {
		rd_api_refuse(error,
			      "%s: neither etcd's member list nor ETCD_DNS_NAME in " MEMBER_ENV
			      " says what this member is called in DNS (%s). Choose a recovery "
			      "host on which the pod of etcd-member ran since its last boot",
			      recovery_target(step), name != NULL ? name : "no name");
		return NULL;
	}
	if (listed != NULL && env != NULL && !g_str_equal(listed, env)) {
		rd_api_refuse(
		    error,
		    "%s: the member list says %s, and ETCD_DNS_NAME in " MEMBER_ENV
		    " says %s. Find out which is right in DNS before anything is restored",
		    recovery_target(step), listed, env);
		return NULL;
	}
	return g_strdup(name);
}

static char *
find_dns_name(RecoveryStep *step, const char *name, GError **error)
{
	g_autofree char *text = NULL, *env = NULL, *listed = NULL;
	g_autoptr(GPtrArray) list = NULL;

	if (!rd_file_ask(step, NULL, MEMBER_ENV, &text, error) ||
	    !member_list(step, NULL, &list, error))
		return NULL;
	if (list != NULL) {
		const RdListed *own = find_own(step, list, name, error);

		if (own == NULL)
			return NULL;
		listed = name_of_url(own->peers);
		if (listed == NULL) {
			rd_api_refuse(error, "%s: the peer URL of %s is %s, not https://NAME:2380",
				      recovery_target(step), name, own->peers);
			return NULL;
		}
	}
	if (text != NULL)
		env = member_env_get(text, "ETCD_DNS_NAME");
	return choose_dns_name(step, listed, env, error);
}

gboolean
member_identity(RecoveryStep *step, GError **error)
{
	g_autofree char *name = member_name(recovery_target(step));
	g_autofree char *dns = find_dns_name(step, name, error);
	g_autofree char *url = NULL, *cluster = NULL, *text = NULL, *old = NULL;
	g_autoptr(RdMembers) members = NULL;

	if (dns == NULL || !member_cluster_id(step, NULL, &old, error))
		return FALSE;
	url = g_strdup_printf("https://%s:2380", dns);
	cluster = g_strdup_printf("%s=%s", name, url);
	members = rd_members_predict(MEMBER_TOKEN, (const char *[]){url, NULL});
	text = rd_members_to_string(members);
	recovery_progress(step, "%s: %s becomes %s", recovery_target(step), cluster, text);
	return recovery_output(step, "name", name, error) &&
	       recovery_output(step, "peer-url", url, error) &&
	       recovery_output(step, "initial-cluster", cluster, error) &&
	       recovery_output(step, "members", text, error) &&
	       recovery_output(step, "old-cluster-id", old, error);
}

/* ---- room ---------------------------------------------------------------------------------- */

/* the script's podman has no pull secret: what is not there stays away (P1-05) */
static gboolean
check_image(RecoveryStep *step, GError **error)
{
	g_autofree char *text = NULL;
	g_autoptr(RdManifest) manifest = NULL;
	g_auto(RecoveryReply) reply = {0};
	const char *image;

	if (!rd_file_ask(step, NULL, MEMBER_MANIFEST, &text, error))
		return FALSE;
	manifest = rd_manifest_parse(text != NULL ? text : "");
	image = manifest != NULL ? rd_manifest_image(manifest, "etcd-member") : NULL;
	if (image == NULL || !rd_image_is_valid(image))
		return rd_api_refuse(error, "%s: " MEMBER_MANIFEST " names no image of etcd-member",
				     recovery_target(step));
	if (!recovery_ask_status(step, NULL,
				 (const char *[]){"podman", "image", "exists", image, NULL}, &reply,
				 error))
		return FALSE;
	return reply.status == 0 ||
	       rd_api_refuse(error,
			     "%s: the image %s is not on this host, and the script fetches it "
			     "without pull secret. Fetch it now: podman pull "
			     "--authfile=/var/lib/kubelet/config.json %s",
			     recovery_target(step), image, image);
}

/* the script removes the directory itself, which a mount survives half-way */
static gboolean
check_mount(RecoveryStep *step, GError **error)
{
	g_autofree char *mount = recovery_ask(step, NULL, error, "findmnt", "-n", "-o", "TARGET",
					      "-T", MEMBER_DATA, NULL);

	if (mount == NULL)
		return FALSE;
	return !g_str_equal(g_strchomp(mount), MEMBER_DATA) ||
	       rd_api_refuse(error,
			     "%s: " MEMBER_DATA " is a mount of its own, and the script of 4.1 to "
			     "4.3 removes the directory. Restore on a host where it is none",
			     recovery_target(step));
}

static gboolean
check_kubelet(RecoveryStep *step, GError **error)
{
	g_autofree char *shown =
	    recovery_ask(step, NULL, error, "systemctl", "show", "-p", "ActiveState", "-p",
			 "ActiveEnterTimestampMonotonic", "kubelet.service", NULL);

	if (shown == NULL)
		return FALSE;
	return strstr(shown, "ActiveState=active\n") != NULL ||
	       rd_api_refuse(error,
			     "%s: the kubelet does not run, so nothing would stop the static "
			     "pods: systemctl start kubelet.service",
			     recovery_target(step));
}

/* found out while nothing is changed yet */
static gboolean
check_lost(RecoveryStep *step, GError **error)
{
	g_auto(GStrv) excused = recovery_excused(step);

	return excused[0] != NULL ||
	       rd_api_refuse(error, "no control-plane host is stated to be lost: this procedure "
				    "puts others in the place of those that are. Say which: "
				    "--excuse HOST=REASON");
}

gboolean
member_room(RecoveryStep *step, GError **error)
{
	const char *snapshot = recovery_string(step, "snapshot");
	GStatBuf status;
	guint64 needed;

	if (g_stat(snapshot, &status) != 0)
		return rd_api_refuse(error, "cannot look at %s here: %s", snapshot,
				     g_strerror(errno));
	needed = 3 * (guint64)status.st_size + GIB;
	return check_lost(step, error) && check_image(step, error) && check_mount(step, error) &&
	       rd_space_check(step, MEMBER_DATA, needed, error) &&
	       rd_space_check(step, MEMBER_HOME, needed, error) && check_kubelet(step, error);
}
