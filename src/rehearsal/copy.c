/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearsal/verbs.h"
#include <string.h>

/* The copies of journals on a host, as src/host/wrapper-journal.sh keeps them. What was written is
 * on its disk: it survives a boot, not a rebuilt host. */

typedef struct {
	GString *text;
	gint64 seq;
	char *link; /* (owned) of the last line */
} RdSimCopy;

void
rd_sim_copy_free(gpointer copy)
{
	RdSimCopy *self = copy;

	g_string_free(self->text, TRUE);
	g_free(self->link);
	g_free(self);
}

static RdSimCopy *
copy_get(RdSimHost *host, const char *run)
{
	RdSimCopy *self = g_hash_table_lookup(host->copies, run);

	if (self != NULL)
		return self;
	self = g_new0(RdSimCopy, 1);
	self->text = g_string_new(NULL);
	self->link = g_strdup("-");
	g_hash_table_insert(host->copies, g_strdup(run), self);
	return self;
}

const char *
rd_sim_copy_of(RdSimHost *host, const char *run)
{
	const RdSimCopy *self = g_hash_table_lookup(host->copies, run);

	return self != NULL && self->text->len > 0 ? self->text->str : NULL;
}

/* the last line says where it ends */
static void
copy_append(RdSimCopy *self, const char *lines, gsize size)
{
	g_auto(GStrv) fields = NULL;
	const char *last = NULL;

	/* not g_strrstr_len(), which looks for the end of the whole text first */
	g_string_append_len(self->text, lines, (gssize)size);
	if (self->text->len > 1)
		last = memrchr(self->text->str, '\n', self->text->len - 1);
	fields = g_strsplit(last != NULL ? last + 1 : self->text->str, "\t", 3);
	self->seq = g_ascii_strtoll(fields[0], NULL, 10);
	g_free(self->link);
	self->link = g_strdup(fields[1]);
}

/* another bastion's, that says something else: kept aside, and nobody asks for it */
static void
copy_put_aside(RdSimCopy *self, const char *lines, gsize size)
{
	if (self->text->len >= size && memcmp(self->text->str, lines, size) == 0)
		return;
	g_string_truncate(self->text, 0);
	g_free(self->link);
	self->link = g_strdup("-");
	self->seq = 0;
}

void
rd_sim_keep(RdSimHost *host, const RdCall *call, RdReply *reply)
{
	const RdSimLock *lock = rd_sim_lock_read(host);
	RdSimCopy *self = copy_get(host, call->run);
	g_autofree char *end = NULL;
	gsize size = 0;
	const char *lines = call->input != NULL ? g_bytes_get_data(call->input, &size) : NULL;
	int status = 0;

	if (lock->number != call->number) {
		rd_sim_reply(reply, RD_VERDICT_FENCED, 0, NULL, "the host has a higher lock");
		return;
	}
	if (rd_sim_tree_is_full(host->tree, "/var/lib/recoveryd")) {
		rd_sim_reply(reply, RD_VERDICT_REFUSED, 0, NULL, "No space left on device");
		return;
	}
	if (call->name != NULL) {
		rd_sim_reply(reply, RD_VERDICT_DONE, 0, NULL, NULL);
		return;
	}
	if (lines != NULL && call->offset == 0)
		copy_put_aside(self, lines, size);
	if (lines != NULL && call->offset == self->seq &&
	    (self->seq == 0 || g_strcmp0(call->sha256, self->link) == 0))
		copy_append(self, lines, size);
	else
		status = lines != NULL;
	end = g_strdup_printf("%" G_GINT64_FORMAT " %s", self->seq, self->link);
	rd_sim_reply(reply, RD_VERDICT_DONE, status, end, NULL);
}
