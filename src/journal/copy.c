/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-journal"

#include <string.h>

#include "copy.h"
#include "journal.h"

/* the fields behind the link, in the order of the line and of the chain */
typedef enum {
	COPY_SEQ,
	COPY_LINK,
	COPY_WALL,
	COPY_CLOCK,
	COPY_KIND,
	COPY_STATE,
	COPY_TARGET,
	COPY_VISIT,
	COPY_ATTEMPT,
	COPY_WORD,
	COPY_KEY,
	COPY_VALUE,
	COPY_NUMBER,
	COPY_TEXT,
	COPY_FIELDS,
} CopyField;

static void
add_text(GString *out, const char *text)
{
	g_string_append_c(out, '\t');
	if (text == NULL) {
		g_string_append(out, "\\N");
		return;
	}
	for (const char *c = text; *c != '\0'; c++) {
		switch (*c) {
		case '\t':
			g_string_append(out, "\\t");
			break;
		case '\n':
			g_string_append(out, "\\n");
			break;
		case '\r':
			g_string_append(out, "\\r");
			break;
		case '\\':
			g_string_append(out, "\\\\");
			break;
		default:
			g_string_append_c(out, *c);
		}
	}
}

static void
chain_text(RdChain *chain, const char *text)
{
	rd_chain_text(chain, text, text != NULL ? strlen(text) : 0);
}

/* as store.c does it when it writes the row: a test compares the two heads */
static void
chain_event(RdChain *chain, const RdEvent *event)
{
	rd_chain_int(chain, event->seq);
	rd_chain_int(chain, event->wall);
	rd_chain_int(chain, event->clock);
	chain_text(chain, rd_event_kind_to_string(event->kind));
	chain_text(chain, event->state);
	chain_text(chain, event->target);
	rd_chain_int(chain, event->visit);
	rd_chain_int(chain, event->attempt);
	chain_text(chain, event->word);
	chain_text(chain, event->key);
	chain_text(chain, event->value);
	rd_chain_int(chain, event->number);
	chain_text(chain, event->text);
	rd_chain_close(chain);
}

void
rd_copy_add_line(GString *out, RdChain *chain, const RdEvent *event)
{
	char hex[RD_CHAIN_SIZE * 2 + 1];

	chain_event(chain, event);
	rd_chain_to_hex(chain->link, hex);
	g_string_append_printf(
	    out, "%" G_GINT64_FORMAT "\t%s\t%" G_GINT64_FORMAT "\t%" G_GINT64_FORMAT "\t%s",
	    event->seq, hex, event->wall, event->clock, rd_event_kind_to_string(event->kind));
	add_text(out, event->state);
	add_text(out, event->target);
	g_string_append_printf(out, "\t%u\t%u", event->visit, event->attempt);
	add_text(out, event->word);
	add_text(out, event->key);
	add_text(out, event->value);
	g_string_append_printf(out, "\t%" G_GINT64_FORMAT, event->number);
	add_text(out, event->text);
	g_string_append_c(out, '\n');
}

/* ---- reading ------------------------------------------------------------------------------- */

/* in place; NULL stays NULL. FALSE: an escape that nobody writes */
static gboolean
unescape(char *field, char **text)
{
	char *to = field;

	*text = NULL;
	if (strcmp(field, "\\N") == 0)
		return TRUE;
	for (const char *c = field; *c != '\0'; c++) {
		if (*c != '\\') {
			*to++ = *c;
			continue;
		}
		c++;
		if (*c != 't' && *c != 'n' && *c != 'r' && *c != '\\')
			return FALSE;
		*to++ = *c == 't' ? '\t' : *c == 'n' ? '\n' : *c == 'r' ? '\r' : '\\';
	}
	*to = '\0';
	*text = g_strdup(field);
	return TRUE;
}

static gboolean
read_int(const char *field, gint64 *number)
{
	return g_ascii_string_to_signed(field, 10, G_MININT64, G_MAXINT64, number, NULL);
}

static gboolean
read_count(const char *field, guint *number)
{
	guint64 wide;

	if (!g_ascii_string_to_unsigned(field, 10, 0, G_MAXUINT, &wide, NULL))
		return FALSE;
	*number = (guint)wide;
	return TRUE;
}

/* NULL: not a line of ours */
static RdEvent *
read_fields(char **fields)
{
	g_autoptr(RdEvent) event = NULL;
	RdEventKind kind;

	if (g_strv_length(fields) != COPY_FIELDS ||
	    !rd_event_kind_from_string(fields[COPY_KIND], &kind))
		return NULL;
	event = rd_event_new(kind, NULL);
	if (!read_int(fields[COPY_SEQ], &event->seq) ||
	    !read_int(fields[COPY_WALL], &event->wall) ||
	    !read_int(fields[COPY_CLOCK], &event->clock) ||
	    !read_int(fields[COPY_NUMBER], &event->number) ||
	    !read_count(fields[COPY_VISIT], &event->visit) ||
	    !read_count(fields[COPY_ATTEMPT], &event->attempt) ||
	    !unescape(fields[COPY_STATE], &event->state) ||
	    !unescape(fields[COPY_TARGET], &event->target) ||
	    !unescape(fields[COPY_WORD], &event->word) ||
	    !unescape(fields[COPY_KEY], &event->key) ||
	    !unescape(fields[COPY_VALUE], &event->value) ||
	    !unescape(fields[COPY_TEXT], &event->text))
		return NULL;
	return g_steal_pointer(&event);
}

static gboolean
read_line(RdCopy *self, const char *where, const char *line, gsize size, RdChain *chain,
	  GError **error)
{
	g_autofree char *text = g_strndup(line, size);
	g_auto(GStrv) fields = g_strsplit(text, "\t", -1);
	RdEvent *event = strlen(text) == size ? read_fields(fields) : NULL;
	char hex[RD_CHAIN_SIZE * 2 + 1];

	if (event == NULL) {
		g_set_error(error, RD_JOURNAL_ERROR, RD_JOURNAL_ERROR_UNREADABLE,
			    "%s: line %u is no event: it was damaged, or a newer recoveryd "
			    "wrote it",
			    where, self->events->len + 1);
		return FALSE;
	}
	g_ptr_array_add(self->events, event);
	chain_event(chain, event);
	rd_chain_to_hex(chain->link, hex);
	g_array_append_vals(self->links, chain->link, 1);
	if (event->seq == self->events->len && strcmp(hex, fields[COPY_LINK]) == 0)
		return TRUE;
	g_set_error(error, RD_JOURNAL_ERROR, RD_JOURNAL_ERROR_UNREADABLE,
		    "%s: event %u does not fit the chain: it was changed after it was written",
		    where, self->events->len);
	return FALSE;
}

RdCopy *
rd_copy_parse(const char *where, const char *data, gsize size, GError **error)
{
	g_autoptr(RdCopy) self = g_new0(RdCopy, 1);
	g_auto(RdChain) chain = {0};
	const char *end;

	self->events = g_ptr_array_new_with_free_func((GDestroyNotify)rd_event_free);
	self->links = g_array_new(FALSE, FALSE, RD_CHAIN_SIZE);
	rd_chain_init(&chain, NULL);
	while (size > 0 && (end = memchr(data, '\n', size)) != NULL) {
		gsize length = (gsize)(end - data);

		if (!read_line(self, where, data, length, &chain, error))
			return NULL;
		data += length + 1;
		size -= length + 1;
	}
	self->torn = size;
	return g_steal_pointer(&self);
}

void
rd_copy_free(RdCopy *self)
{
	g_ptr_array_unref(self->events);
	g_array_unref(self->links);
	g_free(self);
}

static const guint8 *
link_at(const RdCopy *self, guint index)
{
	return (const guint8 *)self->links->data + (gsize)index * RD_CHAIN_SIZE;
}

char *
rd_copy_head(const RdCopy *self)
{
	char hex[RD_CHAIN_SIZE * 2 + 1] = "";

	if (self->links->len > 0)
		rd_chain_to_hex(link_at(self, self->links->len - 1), hex);
	return g_strdup(hex);
}

gboolean
rd_copy_agree(const RdCopy *a, const RdCopy *b, gint64 *at)
{
	guint common = MIN(a->links->len, b->links->len);

	for (guint i = 0; i < common; i++) {
		if (memcmp(link_at(a, i), link_at(b, i), RD_CHAIN_SIZE) == 0)
			continue;
		if (at != NULL)
			*at = i + 1;
		return FALSE;
	}
	return TRUE;
}
