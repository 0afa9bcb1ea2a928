/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kinds.h"

struct _Kinds {
	guint share;
	guint32 seed;
	GHashTable *expected, *met; /* (element-type utf8 guint) moments of a kind */
	GHashTable *seen;	    /* (element-type utf8 guint) kinds that a fault has come to */
	GHashTable *turns; /* (element-type utf8 guint) of a fault and a kind: 1 is its turn */
};

static GHashTable *
counts_new(void)
{
	return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
}

Kinds *
kinds_new(guint share, guint32 seed)
{
	Kinds *self = g_new0(Kinds, 1);

	self->share = MAX(share, 1);
	self->seed = seed;
	self->expected = counts_new();
	self->met = counts_new();
	self->seen = counts_new();
	self->turns = counts_new();
	return self;
}

void
kinds_free(Kinds *self)
{
	if (self == NULL)
		return;
	g_hash_table_unref(self->expected);
	g_hash_table_unref(self->met);
	g_hash_table_unref(self->seen);
	g_hash_table_unref(self->turns);
	g_free(self);
}

char *
kind_of(RdMoment moment, const char *state, const RdCall *call)
{
	gboolean of_api = call != NULL && call->state == NULL && call->argv != NULL;

	return g_strdup_printf("%s %s%s %s", state != NULL ? state : "",
			       call != NULL ? rd_call_verb_to_string(call->verb) : "",
			       of_api ? call->argv[0] : "", rd_moment_to_string(moment));
}

static guint
count(GHashTable *counts, const char *key)
{
	return GPOINTER_TO_UINT(g_hash_table_lookup(counts, key));
}

static guint
add(GHashTable *counts, const char *key)
{
	guint n = count(counts, key) + 1;

	g_hash_table_insert(counts, g_strdup(key), GUINT_TO_POINTER(n));
	return n;
}

void
kinds_expect(Kinds *self, const char *kind)
{
	add(self->expected, kind);
}

guint
kinds_meet(Kinds *self, const char *kind)
{
	return add(self->met, kind);
}

gboolean
kinds_take(Kinds *self, guint fault, const char *kind, guint nth)
{
	g_autofree char *row = g_strdup_printf("%u", fault);
	g_autofree char *key = g_strdup_printf("%u %u %s", self->seed, fault, kind);
	guint n = MAX(count(self->expected, kind), 1);

	if (count(self->turns, key) == 0)
		g_hash_table_insert(
		    self->turns, g_strdup(key),
		    GUINT_TO_POINTER(1 + (fault + add(self->seen, row) - 1) % self->share));
	return count(self->turns, key) == 1 && nth == 1 + g_str_hash(key) % n;
}
