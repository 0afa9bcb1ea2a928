/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearsal/timeline.h"

typedef struct {
	gint64 at;
	guint64 number; /* ties in order of arrival */
	RdTimelineFunc func;
	gpointer data;
	GDestroyNotify destroy;
} Entry;

struct _RdTimeline {
	gint64 now;
	guint64 added;
	guint64 chance; /* state of a xorshift generator: GRand's 2.5 KiB would be copied often */
	GArray *heap;	/* (element-type Entry) smallest first */
};

RdTimeline *
rd_timeline_new(gint64 start, guint32 seed)
{
	RdTimeline *self = g_new0(RdTimeline, 1);

	self->now = start;
	self->chance = 0x9e3779b97f4a7c15u ^ ((guint64)seed << 17) ^ seed;
	self->heap = g_array_new(FALSE, FALSE, sizeof(Entry));
	return self;
}

void
rd_timeline_free(RdTimeline *self)
{
	if (self == NULL)
		return;
	for (guint i = 0; i < self->heap->len; i++) {
		Entry *entry = &g_array_index(self->heap, Entry, i);

		if (entry->destroy != NULL)
			entry->destroy(entry->data);
	}
	g_array_unref(self->heap);
	g_free(self);
}

gint64
rd_timeline_now(const RdTimeline *self)
{
	return self->now;
}

static gboolean
entry_before(const Entry *a, const Entry *b)
{
	return a->at < b->at || (a->at == b->at && a->number < b->number);
}

guint64
rd_timeline_add(RdTimeline *self, gint64 delay, RdTimelineFunc func, gpointer data,
		GDestroyNotify destroy)
{
	Entry entry = {self->now + MAX(delay, 0), ++self->added, func, data, destroy};
	Entry *heap;
	guint i = self->heap->len;

	g_array_append_val(self->heap, entry);
	heap = (Entry *)(void *)self->heap->data;
	while (i > 0 && entry_before(&entry, &heap[(i - 1) / 2])) {
		heap[i] = heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	heap[i] = entry;
	return entry.number;
}

gint64
rd_timeline_next(const RdTimeline *self)
{
	return self->heap->len > 0 ? g_array_index(self->heap, Entry, 0).at : G_MAXINT64;
}

void
rd_timeline_advance(RdTimeline *self, gint64 to)
{
	self->now = MAX(self->now, MIN(to, rd_timeline_next(self)));
}

/* takes the entry at @i out; the last one fills the gap */
static Entry
take(RdTimeline *self, guint i)
{
	Entry *heap = (Entry *)(void *)self->heap->data;
	Entry taken = heap[i];
	Entry last = heap[self->heap->len - 1];
	guint len = self->heap->len - 1;

	g_array_set_size(self->heap, len);
	if (i == len)
		return taken;
	while (i > 0 && entry_before(&last, &heap[(i - 1) / 2])) {
		heap[i] = heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	while (2 * i + 1 < len) {
		guint child = 2 * i + 1;

		if (child + 1 < len && entry_before(&heap[child + 1], &heap[child]))
			child++;
		if (!entry_before(&heap[child], &last))
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = last;
	return taken;
}

void
rd_timeline_remove(RdTimeline *self, guint64 number)
{
	for (guint i = 0; i < self->heap->len; i++) {
		Entry entry;

		if (g_array_index(self->heap, Entry, i).number != number)
			continue;
		entry = take(self, i);
		if (entry.destroy != NULL)
			entry.destroy(entry.data);
		return;
	}
}

gboolean
rd_timeline_step(RdTimeline *self)
{
	Entry entry;

	if (self->heap->len == 0)
		return FALSE;
	/* out of the queue first: the function may never return (a killed bastion) */
	entry = take(self, 0);
	self->now = MAX(self->now, entry.at);
	entry.func(entry.data);
	if (entry.destroy != NULL)
		entry.destroy(entry.data);
	return TRUE;
}

void
rd_timeline_run_to(RdTimeline *self, gint64 to)
{
	while (rd_timeline_next(self) <= to)
		rd_timeline_step(self);
	self->now = MAX(self->now, to);
}

gint64
rd_timeline_chance(RdTimeline *self, gint64 low, gint64 high)
{
	self->chance ^= self->chance << 13;
	self->chance ^= self->chance >> 7;
	self->chance ^= self->chance << 17;
	return low + (gint64)(self->chance % (guint64)(high - low + 1));
}
