/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-backup"

#include "backup/loss.h"

#include <string.h>

void
rd_loss_free(RdLoss *self)
{
	g_ptr_array_unref(self->kinds);
	g_free(self);
}

/* a cluster writes these by itself, all the time */
static gboolean
rd_loss_is_noise(const char *resource)
{
	static const char *const names[] = {"events", "leases", "masterleases", NULL};

	return g_strv_contains(names, resource);
}

/* the differences come sorted by resource, one for each namespace */
static RdLossKind *
rd_loss_kind(RdLoss *self, const char *resource)
{
	RdLossKind *last =
	    self->kinds->len > 0 ? g_ptr_array_index(self->kinds, self->kinds->len - 1) : NULL;

	if (last != NULL && strcmp(last->resource, resource) == 0)
		return last;
	last = g_new0(RdLossKind, 1);
	last->resource = resource;
	g_ptr_array_add(self->kinds, last);
	return last;
}

static void
rd_loss_compare(RdLoss *self, const RdKeyTable *newer, const RdKeyTable *backup)
{
	g_autoptr(GPtrArray) list = rd_key_table_compare(newer, backup);

	for (guint i = 0; i < list->len; i++) {
		const RdDifference *one = g_ptr_array_index(list, i);
		/* its name is interned */
		RdLossKind *kind = rd_loss_kind(self, one->resource);

		kind->lost += one->only_a;
		kind->changed += one->changed;
		kind->returns += one->only_b;
		if (rd_loss_is_noise(one->resource))
			continue;
		self->lost += one->only_a;
		self->changed += one->changed;
		self->returns += one->only_b;
	}
}

RdLoss *
rd_loss_read(const char *backup, const char *newer, GError **error)
{
	const RdKeyFilter all = {0};
	g_autoptr(RdKeyTable) then = rd_key_table_read(backup, &all, NULL, error);
	g_autoptr(RdKeyTable) last = NULL;
	g_autoptr(RdLoss) self = NULL;

	if (then == NULL)
		return NULL;
	if (newer != NULL) {
		last = rd_key_table_read(newer, &all, NULL, error);
		if (last == NULL)
			return NULL;
	}
	self = g_new0(RdLoss, 1);
	self->kinds = g_ptr_array_new_with_free_func(g_free);
	self->revision = then->revision;
	self->written = then->written;
	if (last == NULL)
		return g_steal_pointer(&self);
	self->compared = TRUE;
	self->newer_revision = last->revision;
	self->newer_written = last->written;
	rd_loss_compare(self, last, then);
	return g_steal_pointer(&self);
}

gint64
rd_loss_get_window(const RdLoss *self)
{
	if (self->written == 0 || self->newer_written == 0)
		return -1;
	return MAX(self->newer_written - self->written, 0);
}
