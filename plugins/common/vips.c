/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vips.h"
#include <recovery/plugin.h>

typedef struct {
	RdVipKind kind;
	char *source; /* (owned) */
	GArray *set;  /* (owned) */
} Claim;

static void
claim_free(Claim *claim)
{
	g_free(claim->source);
	g_array_unref(claim->set);
	g_free(claim);
}

RdVips *
rd_vips_new(void)
{
	RdVips *self = g_new0(RdVips, 1);

	self->claims = g_ptr_array_new_with_free_func((GDestroyNotify)claim_free);
	return self;
}

void
rd_vips_free(RdVips *self)
{
	g_ptr_array_unref(self->claims);
	g_free(self);
}

void
rd_vips_add(RdVips *self, RdVipKind kind, const char *source, const GArray *set)
{
	Claim *claim = g_new0(Claim, 1);

	claim->kind = kind;
	claim->source = g_strdup(source);
	claim->set = rd_addresses_new();
	for (guint i = 0; i < set->len; i++)
		rd_addresses_add(claim->set, &g_array_index(set, RdAddress, i));
	g_ptr_array_add(self->claims, claim);
}

static void
contradict(RdVipKind kind, const Claim *a, const Claim *b, GError **error)
{
	g_autofree char *one = rd_addresses_print(a->set), *other = rd_addresses_print(b->set);

	g_set_error(
	    error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
	    "what the %s VIPs are is told in two ways: %s says %s, but %s says %s. Find out "
	    "which one is old, move that file away or correct it, then decide this step "
	    "again",
	    kind == RD_VIP_API ? "API" : "ingress", a->source, one, b->source, other);
}

GArray *
rd_vips_get(const RdVips *self, RdVipKind kind, GError **error)
{
	const Claim *first = NULL;

	for (guint i = 0; i < self->claims->len; i++) {
		const Claim *claim = self->claims->pdata[i];

		if (claim->kind != kind || claim->set->len == 0)
			continue;
		if (first != NULL && !rd_addresses_same(first->set, claim->set)) {
			contradict(kind, first, claim, error);
			return NULL;
		}
		if (first == NULL)
			first = claim;
	}
	return first != NULL ? g_array_ref(first->set) : rd_addresses_new();
}

gboolean
rd_vips_refuse_own(const GArray *set, const char *host, const char *address, GError **error)
{
	RdAddress own;

	/* a name is not resolved: whoever answers may lie, or be what we repair */
	if (address == NULL || !rd_address_read(address, &own) || !rd_addresses_have(set, &own))
		return TRUE;
	g_set_error(
	    error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
	    "%s is the address under which %s is reached, and a VIP as well: taking it away "
	    "would cut %s off. Give the host's own address in the inventory, or correct the "
	    "list of VIPs",
	    address, host, host);
	return FALSE;
}
