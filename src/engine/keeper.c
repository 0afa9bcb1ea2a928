/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-engine"

#include <string.h>

#include "journal/copy.h"
#include "keeper.h"

/* the recovery host and one other */
#define RD_KEPT_HOSTS 2
/* text in one order; what is left goes with the next */
#define RD_KEEP_BATCH (64 * 1024)
/* a host that could not be written to is asked again, and another one takes its place until then */
#define RD_KEEP_AGAIN (15 * G_USEC_PER_SEC)

/* one host's copy, as far as we know */
typedef struct {
	const RdRunHost *host; /* (unowned) */
	char *lane;
	gboolean busy;
	gboolean known; /* it said where its copy ends, and that is a beginning of ours */
	gint64 seq;
	guint8 link[RD_CHAIN_SIZE];
	guint documents; /* how many of them it has */
	gint64 number;	 /* of the order in hand */
	gint64 sent_seq; /* what it ends with when that has arrived */
	char sent_link[RD_CHAIN_SIZE * 2 + 1];
	gint64 sent_at;	   /* clock */
	gint64 not_before; /* clock; 0: it did not fail */
	char *why;	   /* (nullable) why it did */
} RdKept;

/* Lines that were made for one host serve the other, which is at the same event as a rule. */
typedef struct {
	GString *text;		      /* (nullable) none yet */
	gint64 after, seq, newest;    /* behind which event, to which; the newest there was */
	guint8 before[RD_CHAIN_SIZE]; /* link of event @after */
	char end[RD_CHAIN_SIZE * 2 + 1];
} RdBatch;

struct _RdKeeper {
	RdBatch batch;
	RdRun *run;
	RdJournal *journal;
	GHashTable *documents;
	GPtrArray *names; /* (element-type utf8) (unowned) of documents, in order */
	GPtrArray *kept;  /* (element-type RdKept) the recovery host first */
};

static void
rd_kept_free(gpointer data)
{
	RdKept *kept = data;

	g_free(kept->lane);
	g_free(kept->why);
	g_free(kept);
}

static void
rd_keeper_add(RdKeeper *self, const RdRunHost *host)
{
	RdKept *kept = g_new0(RdKept, 1);

	kept->host = host;
	kept->lane = g_strdup_printf("%s/journal", host->plan->name);
	g_ptr_array_add(self->kept, kept);
}

RdKeeper *
rd_keeper_new(RdRun *run, RdJournal *journal, GHashTable *documents)
{
	RdKeeper *self = g_new0(RdKeeper, 1);
	GPtrArray *hosts = rd_run_get_hosts(run);
	g_autoptr(GList) names =
	    g_list_sort(g_hash_table_get_keys(documents), (GCompareFunc)strcmp);

	self->run = run;
	self->journal = journal;
	self->documents = g_hash_table_ref(documents);
	self->names = g_ptr_array_new();
	for (GList *l = names; l != NULL; l = l->next)
		g_ptr_array_add(self->names, l->data);
	self->kept = g_ptr_array_new_with_free_func(rd_kept_free);
	for (guint pass = 0; pass < 2; pass++) {
		for (guint i = 0; i < hosts->len; i++) {
			const RdRunHost *host = g_ptr_array_index(hosts, i);
			gboolean recovery = strcmp(host->plan->role, "recovery") == 0;

			if (host->plan->locked && recovery == (pass == 0))
				rd_keeper_add(self, host);
		}
	}
	return self;
}

void
rd_keeper_free(RdKeeper *self)
{
	g_hash_table_unref(self->documents);
	g_ptr_array_unref(self->names);
	g_ptr_array_unref(self->kept);
	if (self->batch.text != NULL)
		g_string_free(self->batch.text, TRUE);
	g_free(self);
}

/* under which number it may be written to; 0: not now. The end of a journal is written when the
 * lock was given back already. */
static gint64
rd_kept_number(const RdKept *kept)
{
	if (kept->host->excused || kept->host->left)
		return 0;
	return kept->host->granted != 0 ? kept->host->granted
	       : kept->host->released	? kept->host->asked
					: 0;
}

static gboolean
rd_kept_usable(const RdKept *kept, gint64 clock)
{
	return rd_kept_number(kept) != 0 && clock >= kept->not_before;
}

/* ---- what is sent -------------------------------------------------------------------------- */

typedef struct {
	GString *out;
	RdChain chain;
	gint64 seq;  /* of the newest */
	gint64 last; /* 0: a batch of them */
} RdLines;

static gboolean
rd_keeper_add_event(const RdEvent *event, gpointer data, GError **error)
{
	RdLines *lines = data;

	if (lines->last != 0 ? event->seq > lines->last : lines->out->len > RD_KEEP_BATCH)
		return FALSE;
	rd_copy_add_line(lines->out, &lines->chain, event);
	lines->seq = event->seq;
	return TRUE;
}

/* FALSE from the walker without an error is the end of the batch */
static gboolean
rd_keeper_walk(RdKeeper *self, gint64 after, RdLines *lines)
{
	g_autoptr(GError) error = NULL;

	if (rd_journal_each(self->journal, after, rd_keeper_add_event, lines, &error) ||
	    error == NULL)
		return TRUE;
	g_warning("the journal's copies: %s", error->message);
	return FALSE;
}

/* whether our event @seq has the link that a host says */
static gboolean
rd_keeper_is_ours(RdKeeper *self, gint64 seq, const char *link)
{
	RdLines lines = {.out = g_string_new(NULL), .last = seq};
	char hex[RD_CHAIN_SIZE * 2 + 1];
	gboolean walked;

	if (seq == 0 || seq > rd_run_get_seq(self->run)) {
		g_string_free(lines.out, TRUE);
		return seq == 0 && g_strcmp0(link, "-") == 0;
	}
	rd_chain_init(&lines.chain, NULL);
	walked = rd_keeper_walk(self, 0, &lines);
	rd_chain_to_hex(lines.chain.link, hex);
	rd_chain_clear(&lines.chain);
	g_string_free(lines.out, TRUE);
	return walked && g_strcmp0(hex, link) == 0;
}

static RdOrder *
rd_keeper_order(RdKept *kept, gint64 clock)
{
	RdOrder *order = rd_order_new(RD_DO_KEEP, kept->host->plan->name);

	g_free(order->lane);
	order->lane = g_strdup(kept->lane);
	order->number = kept->number = rd_kept_number(kept);
	order->timeout_ms = RD_KEEP_PATIENCE_MUST / 1000;
	kept->busy = TRUE;
	kept->sent_at = clock;
	return order;
}

static void
rd_keeper_put(RdOrder *order, const char *key, const char *value)
{
	g_hash_table_replace(order->with, g_strdup(key), g_strdup(value));
}

/* the lines that @kept lacks; FALSE: the journal cannot be read */
static gboolean
rd_keeper_make_batch(RdKeeper *self, const RdKept *kept)
{
	RdBatch *batch = &self->batch;
	RdLines lines = {0};
	gboolean walked;

	if (batch->text != NULL && batch->after == kept->seq &&
	    batch->newest == rd_run_get_seq(self->run) &&
	    memcmp(batch->before, kept->link, RD_CHAIN_SIZE) == 0)
		return TRUE;
	if (batch->text != NULL)
		g_string_free(batch->text, TRUE);
	batch->text = lines.out = g_string_new(NULL);
	rd_chain_init(&lines.chain, kept->link);
	walked = rd_keeper_walk(self, kept->seq, &lines);
	batch->after = walked ? kept->seq : -1;
	batch->seq = lines.seq;
	batch->newest = rd_run_get_seq(self->run);
	memcpy(batch->before, kept->link, RD_CHAIN_SIZE);
	rd_chain_to_hex(lines.chain.link, batch->end);
	rd_chain_clear(&lines.chain);
	return walked;
}

static RdOrder *
rd_keeper_send_lines(RdKeeper *self, RdKept *kept, gint64 clock)
{
	g_autofree char *after = g_strdup_printf("%" G_GINT64_FORMAT, kept->seq);
	char hex[RD_CHAIN_SIZE * 2 + 1];
	RdOrder *order;

	if (!rd_keeper_make_batch(self, kept))
		return NULL;
	order = rd_keeper_order(kept, clock);
	rd_chain_to_hex(kept->link, hex);
	rd_keeper_put(order, RD_KEEP_TEXT, self->batch.text->str);
	rd_keeper_put(order, RD_KEEP_AFTER, after);
	rd_keeper_put(order, RD_KEEP_LINK, hex);
	kept->sent_seq = self->batch.seq;
	memcpy(kept->sent_link, self->batch.end, sizeof kept->sent_link);
	return order;
}

static RdOrder *
rd_keeper_send_document(RdKeeper *self, RdKept *kept, gint64 clock)
{
	const char *name = g_ptr_array_index(self->names, kept->documents);
	RdOrder *order = rd_keeper_order(kept, clock);

	rd_keeper_put(order, RD_KEEP_NAME, name);
	rd_keeper_put(order, RD_KEEP_TEXT, g_hash_table_lookup(self->documents, name));
	return order;
}

static void
rd_keeper_wake(gint64 *wake, gint64 clock)
{
	if (*wake == 0 || clock < *wake)
		*wake = clock;
}

/* the events first: they are what nobody can make again */
static RdOrder *
rd_keeper_send(RdKeeper *self, RdKept *kept, gint64 clock, gboolean hurry, gint64 *wake)
{
	if (!kept->known)
		return rd_keeper_order(kept, clock);
	if (kept->seq < rd_run_get_seq(self->run)) {
		if (hurry || clock >= kept->sent_at + RD_KEEP_PACE)
			return rd_keeper_send_lines(self, kept, clock);
		rd_keeper_wake(wake, kept->sent_at + RD_KEEP_PACE);
	}
	if (kept->documents < self->names->len)
		return rd_keeper_send_document(self, kept, clock);
	return NULL;
}

RdOrder *
rd_keeper_next(RdKeeper *self, gint64 clock, gboolean hurry, gint64 *wake)
{
	guint served = 0;

	for (guint i = 0; i < self->kept->len && served < RD_KEPT_HOSTS; i++) {
		RdKept *kept = g_ptr_array_index(self->kept, i);
		RdOrder *order;

		if (kept->busy) {
			served++;
			continue;
		}
		if (!rd_kept_usable(kept, clock)) {
			if (rd_kept_number(kept) != 0)
				rd_keeper_wake(wake, kept->not_before);
			continue;
		}
		served++;
		order = rd_keeper_send(self, kept, clock, hurry, wake);
		if (order != NULL)
			return order;
	}
	return NULL;
}

/* ---- what came of it ----------------------------------------------------------------------- */

static RdKept *
rd_keeper_find(RdKeeper *self, const char *lane)
{
	for (guint i = 0; i < self->kept->len; i++) {
		RdKept *kept = g_ptr_array_index(self->kept, i);

		if (strcmp(kept->lane, lane) == 0)
			return kept;
	}
	return NULL;
}

static void
rd_kept_failed(RdKept *kept, const char *why, gint64 clock)
{
	kept->known = FALSE;
	kept->not_before = clock + RD_KEEP_AGAIN;
	if (g_strcmp0(kept->why, why) != 0)
		g_info("no copy of the journal on %s: %s", kept->host->plan->name,
		       why != NULL ? why : "nobody knows why");
	g_free(kept->why);
	kept->why = g_strdup(why != NULL ? why : "nobody knows why");
}

/* where the copy ends. One that says something else than we is put aside when lines come that
 * begin with the first */
static void
rd_kept_ends(RdKeeper *self, RdKept *kept, const RdReport *report)
{
	/* as a rule it is what was sent, and no walk through the journal is needed to know that */
	gboolean ours =
	    (report->number == kept->sent_seq && strcmp(report->key, kept->sent_link) == 0) ||
	    rd_keeper_is_ours(self, report->number, report->key);

	kept->known = TRUE;
	kept->seq = ours ? report->number : 0;
	memset(kept->link, 0, sizeof kept->link);
	if (!ours || report->number == 0)
		return;
	for (guint i = 0; i < RD_CHAIN_SIZE; i++)
		kept->link[i] = (guint8)((g_ascii_xdigit_value(report->key[2 * i]) << 4) |
					 g_ascii_xdigit_value(report->key[2 * i + 1]));
}

gboolean
rd_keeper_take(RdKeeper *self, const RdReport *report, gint64 clock, const RdRunHost **fenced)
{
	RdKept *kept = rd_keeper_find(self, report->lane);

	*fenced = NULL;
	if (kept == NULL)
		return FALSE;
	if (report->kind != RD_REPORT_RESULT && report->kind != RD_REPORT_LOST)
		return TRUE;
	kept->busy = FALSE;
	if (report->kind == RD_REPORT_LOST || strcmp(report->word, "finished") != 0) {
		rd_kept_failed(kept, report->text, clock);
		/* under a number that is ours no more that is nothing new */
		if (g_strcmp0(report->word, "fenced") == 0 && kept->number == kept->host->granted)
			*fenced = kept->host;
		return TRUE;
	}
	kept->not_before = 0;
	g_clear_pointer(&kept->why, g_free);
	if (report->key != NULL)
		rd_kept_ends(self, kept, report);
	else
		kept->documents++;
	return TRUE;
}

gboolean
rd_keeper_has(RdKeeper *self, gint64 seq)
{
	for (guint i = 0; i < self->kept->len; i++) {
		const RdKept *kept = g_ptr_array_index(self->kept, i);

		if (kept->known && kept->seq >= seq)
			return TRUE;
	}
	return FALSE;
}

gboolean
rd_keeper_hopes(RdKeeper *self, gint64 clock)
{
	for (guint i = 0; i < self->kept->len; i++)
		if (rd_kept_usable(g_ptr_array_index(self->kept, i), clock))
			return TRUE;
	return FALSE;
}

gboolean
rd_keeper_is_busy(RdKeeper *self)
{
	for (guint i = 0; i < self->kept->len; i++)
		if (((RdKept *)g_ptr_array_index(self->kept, i))->busy)
			return TRUE;
	return FALSE;
}

char *
rd_keeper_why_not(RdKeeper *self)
{
	g_autoptr(GString) text = g_string_new(NULL);

	for (guint i = 0; i < self->kept->len; i++) {
		const RdKept *kept = g_ptr_array_index(self->kept, i);

		if (kept->why != NULL)
			g_string_append_printf(text, "%s%s: %s", text->len > 0 ? "; " : "",
					       kept->host->plan->name, kept->why);
	}
	return text->len > 0 ? g_string_free(g_steal_pointer(&text), FALSE) : NULL;
}
