/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keepalived.h"
#include <string.h>

/* Takes VIPs off the interfaces of a host whose keepalived is gone (P2-13, P2-14): what an unclean
 * end left behind (F43). Only VIPs, and nothing that we or the host live from (INV-22, INV-23). */

static GPtrArray *
ask_assigned(RecoveryStep *step, GError **error)
{
	g_autofree char *text = recovery_ask(step, NULL, error, "ip", "-o", "address", NULL);
	GPtrArray *assigned = text != NULL ? rd_assigned_parse(text, error) : NULL;

	if (text != NULL && assigned == NULL)
		g_prefix_error(error, "%s: ", recovery_target(step));
	return assigned;
}

/* those of @assigned that are VIPs. (element-type RdAssigned) (unowned elements) */
static GPtrArray *
find_hits(GPtrArray *assigned, const GArray *vips)
{
	GPtrArray *hits = g_ptr_array_new();

	for (guint i = 0; i < assigned->len; i++) {
		const RdAssigned *one = assigned->pdata[i];

		if (rd_addresses_have(vips, &one->address))
			g_ptr_array_add(hits, assigned->pdata[i]);
	}
	return hits;
}

static char *
hit_text(const RdAssigned *hit)
{
	g_autofree char *address = rd_address_print(&hit->address);

	return g_strdup_printf("%s/%u on %s", address, hit->prefix, hit->device);
}

static char *
hits_text(GPtrArray *hits)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < hits->len; i++) {
		g_autofree char *one = hit_text(hits->pdata[i]);

		g_string_append_printf(text, "%s%s", i > 0 ? ", " : "", one);
	}
	return g_string_free(text, FALSE);
}

/* ---- what the host lives from -------------------------------------------------------------- */

/* The interface of a VIP always has an address of its own beside it. Where it has none, the list
 * of VIPs is wrong. And where the VIP came first on its network (the own address was away for a
 * moment), the kernel takes the own one along, unless promote_secondaries says otherwise. */
static gboolean
refuse_hit(RecoveryStep *step, GPtrArray *assigned, const GArray *vips, const RdAssigned *hit,
	   GError **error)
{
	g_autofree char *text = hit_text(hit);
	gboolean alone = TRUE;

	for (guint i = 0; i < assigned->len; i++) {
		const RdAssigned *other = assigned->pdata[i];
		g_autofree char *own = NULL;

		if (rd_addresses_have(vips, &other->address))
			continue;
		if (other->global && other->address.ipv6 == hit->address.ipv6 &&
		    g_str_equal(other->device, hit->device))
			alone = FALSE;
		if (hit->secondary || !other->secondary || !rd_assigned_are_neighbours(other, hit))
			continue;
		own = hit_text(other);
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
			    "%s: the VIP %s is the first address of its network, and %s would go "
			    "with it. Take both away and add the second one again from the "
			    "console, then decide this step again",
			    recovery_target(step), text, own);
		return FALSE;
	}
	if (!alone)
		return TRUE;
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
		    "%s: %s is the only address of that interface, so it is the host's own and "
		    "stays. Correct the list of VIPs; if it really is one, take it away from the "
		    "console, then decide this step again",
		    recovery_target(step), text);
	return FALSE;
}

/* ---- our own connection -------------------------------------------------------------------- */

/* "10.0.0.1:22", "[fd00::1]:22", "10.0.0.1%br-ex:22" */
static gboolean
read_end(const char *word, RdAddress *address)
{
	g_autofree char *text = g_strdup(word);
	char *colon = strrchr(text, ':'), *start = text;

	if (colon == NULL)
		return FALSE;
	*colon = '\0';
	if (*start == '[' && text[strlen(text) - 1] == ']') {
		text[strlen(text) - 1] = '\0';
		start++;
	}
	start[strcspn(start, "%")] = '\0';
	return rd_address_read(start, address);
}

/* Counts the sessions of sshd over one of @vips and over other addresses: `ss -Htnp` prints state,
 * two queues, local end, other end, users:(("sshd",pid=1,fd=4)), newer ones "sshd-session". */
static void
count_sessions(const char *text, const GArray *vips, guint *over_vip, guint *over_other)
{
	g_auto(GStrv) lines = rd_lines(text);

	for (guint i = 0; lines[i] != NULL; i++) {
		g_auto(GStrv) fields = g_strsplit_set(lines[i], " \t", -1);
		const char *word[4] = {0};
		guint found = 0;
		RdAddress local;

		for (guint j = 0; fields[j] != NULL && found < G_N_ELEMENTS(word); j++)
			if (*fields[j] != '\0')
				word[found++] = fields[j];
		if (found < G_N_ELEMENTS(word) || strstr(lines[i], "((\"sshd") == NULL ||
		    !read_end(word[3], &local))
			continue;
		if (rd_addresses_have(vips, &local))
			(*over_vip)++;
		else
			(*over_other)++;
	}
}

/* An inventory that gives a name, or a translated address, does not tell over which of its
 * addresses the host is reached; the host does. Somebody else's session over a VIP is no reason to
 * refuse, as long as ours must be another one. */
static gboolean
refuse_connection(RecoveryStep *step, const GArray *vips, GError **error)
{
	g_autofree char *text = recovery_ask(step, NULL, error, "ss", "-Htnp", NULL);
	const char *address = recovery_address(step, recovery_target(step));
	guint over_vip = 0, over_other = 0;
	RdAddress known;

	if (text == NULL)
		return FALSE;
	count_sessions(text, vips, &over_vip, &over_other);
	if (over_vip == 0 ||
	    (over_other > 0 && address != NULL && rd_address_read(address, &known)))
		return TRUE;
	g_set_error(
	    error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
	    "%s: ssh comes in over a VIP, which this step would take away, and it may be "
	    "our own (the inventory reaches the host as %s). Give the host's own IP address "
	    "there ('recoveryd amend'), or end the other sessions, then decide this step "
	    "again",
	    recovery_target(step), address != NULL ? address : "nothing");
	return FALSE;
}

/* ---- remove-vips --------------------------------------------------------------------------- */

/* Detached, as everything that may cut a line (INV-23). "Cannot assign requested address" means
 * that it went by itself: what is left afterwards decides, not what the command said. */
static gboolean
remove_hit(RecoveryStep *step, const RdAssigned *hit, GError **error)
{
	g_autofree char *address = rd_address_print(&hit->address);
	g_autofree char *with_prefix = g_strdup_printf("%s/%u", address, hit->prefix);
	g_autofree char *name = g_strdup_printf("del-%s-%s", address, hit->device);
	const char *argv[] = {"ip", "address", "del", with_prefix, "dev", hit->device, NULL};
	const RecoveryCommand command = {.argv = argv};
	g_autoptr(GError) inner = NULL;

	g_strdelimit(name, ":", '-');
	recovery_progress(step, "%s: takes %s off %s", recovery_target(step), with_prefix,
			  hit->device);
	if (recovery_job(step, name, &command, NULL, &inner))
		return TRUE;
	if (!g_error_matches(inner, RECOVERY_ERROR, RECOVERY_ERROR_FAILED)) {
		g_propagate_error(error, g_steal_pointer(&inner));
		return FALSE;
	}
	recovery_progress(step, "%s", inner->message);
	return TRUE;
}

RecoveryProbe
keepalived_remove_probe(RecoveryStep *step, GError **error)
{
	g_autoptr(GArray) vips = keepalived_vips(step, error);
	g_autoptr(GPtrArray) assigned = vips != NULL ? ask_assigned(step, error) : NULL;
	g_autoptr(GPtrArray) hits = assigned != NULL ? find_hits(assigned, vips) : NULL;
	g_autofree char *text = NULL;

	if (hits == NULL)
		return RECOVERY_PROBE_UNKNOWN;
	if (hits->len == 0)
		return RECOVERY_PROBE_PRESENT;
	text = hits_text(hits);
	recovery_progress(step, "%s still has %s", recovery_target(step), text);
	return RECOVERY_PROBE_ABSENT;
}

gboolean
keepalived_remove_enter(RecoveryStep *step, GError **error)
{
	g_autoptr(GArray) vips = keepalived_vips(step, error);
	g_autoptr(GPtrArray) assigned = vips != NULL ? ask_assigned(step, error) : NULL;
	g_autoptr(GPtrArray) hits = assigned != NULL ? find_hits(assigned, vips) : NULL;
	g_autoptr(GPtrArray) again = NULL, left = NULL;
	g_autofree char *text = NULL;

	if (hits == NULL)
		return FALSE;
	for (guint i = 0; i < hits->len; i++)
		if (!refuse_hit(step, assigned, vips, hits->pdata[i], error))
			return FALSE;
	if (hits->len > 0 && !refuse_connection(step, vips, error))
		return FALSE;
	for (guint i = 0; i < hits->len; i++)
		if (!remove_hit(step, hits->pdata[i], error))
			return FALSE;
	again = ask_assigned(step, error);
	left = again != NULL ? find_hits(again, vips) : NULL;
	if (left == NULL || left->len == 0)
		return left != NULL;
	text = hits_text(left);
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
		    "%s still has %s. A keepalived that runs there puts it back: stop it first",
		    recovery_target(step), text);
	return FALSE;
}
