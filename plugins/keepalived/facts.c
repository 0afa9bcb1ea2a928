/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keepalived.h"
#include "parse.h"
#include <string.h>

/* Without the API (domain 2.6): what the files of all control-plane hosts say, at once. */

#define CONF "/etc/keepalived/keepalived.conf"

typedef gboolean (*Reader)(RdVips *vips, const char *source, const char *text, GError **error);

/* reads what one host has; in @missing the names of hosts that have no such file */
static gboolean
read_answer(const RecoveryAnswer *answer, const char *path, RdVips *vips, Reader read,
	    GPtrArray *missing, GError **error)
{
	g_autofree char *source = g_strdup_printf("%s: %s", answer->host, path);

	if (answer->error != NULL) {
		g_propagate_error(error, g_error_copy(answer->error));
		g_prefix_error(error, "%s: ", source);
		return FALSE;
	}
	if (answer->reply.status == 0)
		return read(vips, source, answer->reply.out, error);
	if (answer->reply.err != NULL &&
	    strstr(answer->reply.err, "No such file or directory") != NULL) {
		g_ptr_array_add(missing, answer->host);
		return TRUE;
	}
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED, "%s: cannot read it: %s", source,
		    answer->reply.err != NULL ? g_strchomp(answer->reply.err) : "no reason given");
	return FALSE;
}

static gboolean
read_all(RecoveryStep *step, char **hosts, const char *path, RdVips *vips, Reader read,
	 char **missing, GError **error)
{
	const char *argv[] = {"cat", path, NULL};
	g_autoptr(GPtrArray) answers = recovery_ask_all(step, (const char *const *)hosts, argv);
	g_autoptr(GPtrArray) names = g_ptr_array_new();

	for (guint i = 0; i < answers->len; i++)
		if (!read_answer(answers->pdata[i], path, vips, read, names, error))
			return FALSE;
	g_ptr_array_add(names, NULL);
	*missing = g_strjoinv(", ", (char **)names->pdata);
	return TRUE;
}

static gboolean
put_outputs(RecoveryStep *step, gboolean used, const GArray *api, const GArray *ingress,
	    const char *note, GError **error)
{
	g_autoptr(GArray) all = rd_addresses_new();
	g_autofree char *api_text = rd_addresses_print(api);
	g_autofree char *ingress_text = rd_addresses_print(ingress);
	g_autofree char *all_text = NULL;

	for (guint i = 0; i < api->len; i++)
		rd_addresses_add(all, &g_array_index(api, RdAddress, i));
	for (guint i = 0; i < ingress->len; i++)
		rd_addresses_add(all, &g_array_index(ingress, RdAddress, i));
	all_text = rd_addresses_print(all);
	recovery_progress(step, "%s", note);
	return recovery_output(step, "used", used ? "yes" : "no", error) &&
	       recovery_output(step, "api-vips", api_text, error) &&
	       recovery_output(step, "ingress-vips", ingress_text, error) &&
	       recovery_output(step, "ingress", ingress->len > 0 ? "yes" : "no", error) &&
	       recovery_output(step, "vips", all_text, error) &&
	       recovery_output(step, "note", note, error);
}

static gboolean
put_unused(RecoveryStep *step, const GArray *api, GError **error)
{
	g_autoptr(GArray) none = rd_addresses_new();
	g_autofree char *old = rd_addresses_print(api);
	g_autofree char *note =
	    api->len == 0
		? g_strdup("no keepalived on any control-plane host")
		: g_strdup_printf("no control-plane host has a keepalived manifest, but " CONF
				  " still names %s: left over, or somebody moved the "
				  "manifests away",
				  old);

	return put_outputs(step, FALSE, none, none, note, error);
}

static gboolean
check_vips(RecoveryStep *step, char **hosts, const GArray *api, const GArray *ingress,
	   GError **error)
{
	if (api->len == 0) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
			    "keepalived runs here, but neither %s nor " CONF
			    " of any control-plane host says for which API address. Look at them, "
			    "then decide this step again",
			    rd_pod_keepalived.manifest);
		return FALSE;
	}
	for (guint i = 0; hosts[i] != NULL; i++) {
		const char *address = recovery_address(step, hosts[i]);

		if (!rd_vips_refuse_own(api, hosts[i], address, error) ||
		    !rd_vips_refuse_own(ingress, hosts[i], address, error))
			return FALSE;
	}
	return TRUE;
}

gboolean
keepalived_facts(RecoveryStep *step, GError **error)
{
	g_auto(GStrv) hosts = recovery_hosts(step, "control-plane");
	g_autoptr(RdVips) vips = rd_vips_new();
	g_autofree char *without = NULL, *without_conf = NULL, *everybody = NULL, *note = NULL;
	g_autoptr(GArray) api = NULL, ingress = NULL;

	if (!read_all(step, hosts, rd_pod_keepalived.manifest, vips, rd_keepalived_read_manifest,
		      &without, error) ||
	    !read_all(step, hosts, CONF, vips, rd_keepalived_read_conf, &without_conf, error))
		return FALSE;
	api = rd_vips_get(vips, RD_VIP_API, error);
	ingress = api != NULL ? rd_vips_get(vips, RD_VIP_INGRESS, error) : NULL;
	if (ingress == NULL)
		return FALSE;
	everybody = g_strjoinv(", ", hosts);
	if (g_str_equal(without, everybody))
		return put_unused(step, api, error);
	if (!check_vips(step, hosts, api, ingress, error))
		return FALSE;
	note = *without == '\0' ? g_strdup("keepalived on every control-plane host")
				: g_strdup_printf("keepalived, but no %s on %s",
						  rd_pod_keepalived.manifest, without);
	return put_outputs(step, TRUE, api, ingress, note, error);
}
