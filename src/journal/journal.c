/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-journal"

#include "journal.h"
#include "redact.h"
#include "store.h"

G_DEFINE_QUARK(rd - journal - error - quark, rd_journal_error)

/* one of the two is there */
struct _RdJournal {
	RdStore *store;	   /* (nullable) a file */
	GPtrArray *memory; /* (nullable) (element-type RdEvent): no hashing, nothing synced */
	RdRedact *redact;
};

static RdJournal *
journal_new(RdStore *store)
{
	RdJournal *self = g_new0(RdJournal, 1);

	self->store = store;
	self->redact = rd_redact_new();
	return self;
}

static RdJournal *
open_file(const char *path, RdStoreMode mode, GError **error)
{
	RdStore *store = rd_store_open(path, mode, error);

	return store != NULL ? journal_new(store) : NULL;
}

RdJournal *
rd_journal_create(const char *path, GError **error)
{
	return open_file(path, RD_STORE_CREATE, error);
}

RdJournal *
rd_journal_create_from(const char *path, GPtrArray *events, GError **error)
{
	g_autoptr(RdJournal) self = rd_journal_create(path, error);

	if (self == NULL || (events->len > 0 && !rd_store_append(self->store, events, error)))
		return NULL;
	return g_steal_pointer(&self);
}

RdJournal *
rd_journal_open_writer(const char *path, GError **error)
{
	return open_file(path, RD_STORE_WRITE, error);
}

RdJournal *
rd_journal_open_reader(const char *path, GError **error)
{
	return open_file(path, RD_STORE_READ, error);
}

RdJournal *
rd_journal_new_memory(void)
{
	RdJournal *self = journal_new(NULL);

	self->memory = g_ptr_array_new_with_free_func((GDestroyNotify)rd_event_free);
	return self;
}

void
rd_journal_free(RdJournal *self)
{
	g_clear_pointer(&self->store, rd_store_free);
	g_clear_pointer(&self->memory, g_ptr_array_unref);
	g_clear_pointer(&self->redact, rd_redact_free);
	g_free(self);
}

void
rd_journal_add_secret(RdJournal *self, const char *secret)
{
	rd_redact_add(self->redact, secret);
}

/* JSON and terminals that read it later want UTF-8; what a remote command prints need not be */
static void
make_valid(char **text)
{
	char *valid;

	if (*text == NULL || g_utf8_validate(*text, -1, NULL))
		return;
	valid = g_utf8_make_valid(*text, -1);
	g_free(*text);
	*text = valid;
}

static void
clean(RdJournal *self, char **text)
{
	char *redacted;

	make_valid(text);
	redacted = *text != NULL ? rd_redact_text(self->redact, *text) : NULL;
	if (redacted == NULL)
		return;
	g_free(*text);
	*text = redacted;
}

static gboolean
append_memory(RdJournal *self, GPtrArray *events)
{
	for (guint i = 0; i < events->len; i++) {
		RdEvent *event = g_ptr_array_index(events, i);

		event->seq = self->memory->len + 1;
		g_ptr_array_add(self->memory, rd_event_copy(event));
	}
	return TRUE;
}

gboolean
rd_journal_append(RdJournal *self, GPtrArray *events, GError **error)
{
	gint64 wall = g_get_real_time();

	for (guint i = 0; i < events->len; i++) {
		RdEvent *event = g_ptr_array_index(events, i);

		event->wall = wall;
		make_valid(&event->state);
		make_valid(&event->target);
		make_valid(&event->word);
		clean(self, &event->key);
		clean(self, &event->value);
		clean(self, &event->text);
	}
	if (self->memory != NULL)
		return append_memory(self, events);
	return rd_store_append(self->store, events, error);
}

gboolean
rd_journal_each(RdJournal *self, gint64 after, RdJournalFunc func, gpointer data, GError **error)
{
	if (self->store != NULL)
		return rd_store_each(self->store, MAX(after, 0), func, data, error);
	for (gint64 i = MAX(after, 0); i < self->memory->len; i++)
		if (!func(g_ptr_array_index(self->memory, i), data, error))
			return FALSE;
	return TRUE;
}

static gboolean
collect(const RdEvent *event, gpointer data, GError **error)
{
	g_ptr_array_add(data, rd_event_copy(event));
	return TRUE;
}

GPtrArray *
rd_journal_read(RdJournal *self, gint64 after, GError **error)
{
	g_autoptr(GPtrArray) events = g_ptr_array_new_with_free_func((GDestroyNotify)rd_event_free);

	if (!rd_journal_each(self, after, collect, events, error))
		return NULL;
	return g_steal_pointer(&events);
}

const char *
rd_journal_head(RdJournal *self)
{
	return self->store != NULL ? rd_store_head(self->store) : "";
}

gboolean
rd_journal_verify(RdJournal *self, gint64 *count, GError **error)
{
	if (self->store != NULL)
		return rd_store_verify(self->store, count, error);
	if (count != NULL)
		*count = self->memory->len;
	return TRUE;
}

gboolean
rd_journal_release_reserve(RdJournal *self, GError **error)
{
	return self->store == NULL || rd_store_release_reserve(self->store, error);
}
