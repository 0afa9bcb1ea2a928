/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keepalived.h"
#include <string.h>

/* Who has the VIPs, asked of all hosts at once: of the API the control plane, of ingress also the
 * workers (P2-15, INV-21, F43). */

GArray *
keepalived_vips(RecoveryStep *step, GError **error)
{
	g_auto(GStrv) hosts = recovery_hosts(step, "control-plane");
	g_autoptr(GArray) vips = rd_addresses_parse(recovery_string(step, "vips"), error);

	if (vips == NULL) {
		g_prefix_error(error, "vips: ");
		return NULL;
	}
	if (vips->len == 0) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
			    "vips: the list is empty; where keepalived is not used, this state is "
			    "left out");
		return NULL;
	}
	for (guint i = 0; hosts[i] != NULL; i++)
		if (!rd_vips_refuse_own(vips, hosts[i], recovery_address(step, hosts[i]), error))
			return NULL;
	return g_steal_pointer(&vips);
}

/* the hosts of @answers that have @vip; in @error the first that gave no answer that can be read */
static GPtrArray *
find_holders(GPtrArray *answers, const RdAddress *vip, GError **error)
{
	GPtrArray *holders = g_ptr_array_new();

	for (guint i = 0; i < answers->len; i++) {
		const RecoveryAnswer *answer = answers->pdata[i];
		g_autoptr(GPtrArray) assigned = NULL;
		g_autoptr(GError) inner = NULL;

		if (answer->error != NULL) {
			inner = g_error_copy(answer->error);
		} else if (answer->reply.status != 0) {
			g_set_error(&inner, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
				    "%s: 'ip -o address' ended with %d: %s", answer->host,
				    answer->reply.status,
				    answer->reply.err != NULL ? g_strchomp(answer->reply.err) : "");
		} else {
			assigned = rd_assigned_parse(answer->reply.out, &inner);
			if (assigned == NULL)
				g_prefix_error(&inner, "%s: ", answer->host);
		}
		if (assigned != NULL && rd_assigned_find(assigned, vip) != NULL)
			g_ptr_array_add(holders, answer->host);
		if (inner != NULL && error != NULL && *error == NULL)
			g_propagate_error(error, g_steal_pointer(&inner));
	}
	return holders;
}

static char *
join(GPtrArray *names)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < names->len; i++)
		g_string_append_printf(text, "%s%s", i > 0 ? " and " : "",
				       (const char *)names->pdata[i]);
	return g_string_free(text, FALSE);
}

RecoveryProbe
keepalived_is_unique(RecoveryStep *step, const GArray *vips, const char *const *hosts,
		     const char *host, GError **error)
{
	static const char *const argv[] = {"ip", "-o", "address", NULL};
	g_autoptr(GPtrArray) answers = recovery_ask_all(step, hosts, argv);
	g_autoptr(GString) wrong = g_string_new(NULL);
	g_autoptr(GError) silent = NULL;

	for (guint i = 0; i < vips->len; i++) {
		const RdAddress *vip = &g_array_index(vips, RdAddress, i);
		g_autoptr(GPtrArray) holders =
		    find_holders(answers, vip, silent == NULL ? &silent : NULL);
		g_autofree char *address = rd_address_print(vip), *names = join(holders);

		if (holders->len == 1 && (host == NULL || g_str_equal(holders->pdata[0], host)))
			continue;
		/* nobody has it, but not everybody was heard */
		if (holders->len == 0 && silent != NULL)
			continue;
		g_string_append_printf(wrong, "%sVIP %s is on %s", wrong->len > 0 ? "; " : "",
				       address, holders->len > 0 ? names : "no host");
	}
	if (wrong->len > 0 && host != NULL)
		g_string_append_printf(wrong, ", awaited on %s", host);
	if (wrong->len > 0) {
		recovery_progress(step, "%s", wrong->str);
		return RECOVERY_PROBE_ABSENT;
	}
	if (silent == NULL)
		return RECOVERY_PROBE_PRESENT;
	g_propagate_error(error, g_steal_pointer(&silent));
	return RECOVERY_PROBE_UNKNOWN;
}

static char **
who_may(RecoveryStep *step)
{
	g_auto(GStrv) control = recovery_hosts(step, "control-plane");
	g_auto(GStrv) workers = recovery_hosts(step, "workers");
	g_autoptr(GStrvBuilder) all = g_strv_builder_new();

	g_strv_builder_addv(all, (const char **)control);
	if (recovery_bool(step, "workers"))
		g_strv_builder_addv(all, (const char **)workers);
	return g_strv_builder_end(all);
}

RecoveryProbe
keepalived_owner_probe(RecoveryStep *step, GError **error)
{
	const char *host = recovery_string(step, "host");
	g_auto(GStrv) hosts = who_may(step);
	g_auto(GStrv) recovery = recovery_hosts(step, "recovery");
	g_autoptr(GArray) vips = keepalived_vips(step, error);

	if (vips == NULL)
		return RECOVERY_PROBE_UNKNOWN;
	if (g_str_equal(host, "any"))
		return keepalived_is_unique(step, vips, (const char *const *)hosts, NULL, error);
	if (g_str_equal(host, "recovery") && recovery[0] != NULL)
		host = recovery[0];
	if (g_strv_contains((const char *const *)hosts, host))
		return keepalived_is_unique(step, vips, (const char *const *)hosts, host, error);
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
		    "host: '%s' is no control-plane host of this run; 'recovery' is the recovery "
		    "host, 'any' any of them",
		    host);
	return RECOVERY_PROBE_UNKNOWN;
}
