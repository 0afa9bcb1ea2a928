/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-machine"

#include "order.h"
#include "words.h"

static const char *const do_words[] = {
    [RD_DO_SURVEY] = "survey", [RD_DO_TAKE] = "take",	[RD_DO_RELEASE] = "release",
    [RD_DO_LOOK] = "look",     [RD_DO_CHECK] = "check", [RD_DO_ENTER] = "enter",
    [RD_DO_SETTLE] = "settle", [RD_DO_PROBE] = "probe", [RD_DO_UNDO] = "undo",
    [RD_DO_KEEP] = "keep",
};

static const char *const report_words[] = {
    [RD_REPORT_PROGRESS] = "progress", [RD_REPORT_NOTE] = "note",
    [RD_REPORT_OUTPUT] = "output",     [RD_REPORT_TOUCH] = "touch",
    [RD_REPORT_TOUCHED] = "touched",   [RD_REPORT_RESULT] = "result",
    [RD_REPORT_MOVED] = "moved",       [RD_REPORT_LOST] = "lost",
};

G_STATIC_ASSERT(G_N_ELEMENTS(do_words) == RD_DO_LAST + 1);
G_STATIC_ASSERT(G_N_ELEMENTS(report_words) == RD_REPORT_LAST + 1);

RD_WORDS(RdDo, rd_do, do_words)
RD_WORDS(RdReportKind, rd_report_kind, report_words)

static void
rd_order_guard_free(gpointer data)
{
	RdOrderGuard *guard = data;

	g_free(guard->type);
	g_hash_table_unref(guard->with);
	g_free(guard);
}

RdOrder *
rd_order_new(RdDo what, const char *target)
{
	RdOrder *order = g_new0(RdOrder, 1);

	order->what = what;
	order->target = g_strdup(target);
	order->lane = g_strdup(target);
	order->with = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	order->notes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	order->first = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	order->guards = g_ptr_array_new_with_free_func(rd_order_guard_free);
	order->excused = g_ptr_array_new_with_free_func(g_free);
	order->returned = g_ptr_array_new_with_free_func(g_free);
	return order;
}

RdOrderGuard *
rd_order_add_guard(RdOrder *order, const char *type)
{
	RdOrderGuard *guard = g_new0(RdOrderGuard, 1);

	guard->type = g_strdup(type);
	guard->with = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_ptr_array_add(order->guards, guard);
	return guard;
}

static void
rd_order_copy_table(GHashTable *from, GHashTable *to)
{
	GHashTableIter iter;
	gpointer key, value;

	g_hash_table_iter_init(&iter, from);
	while (g_hash_table_iter_next(&iter, &key, &value))
		g_hash_table_insert(to, g_strdup(key), g_strdup(value));
}

RdOrder *
rd_order_copy(const RdOrder *order)
{
	RdOrder *copy = rd_order_new(order->what, order->target);

	g_free(copy->lane);
	copy->lane = g_strdup(order->lane);
	copy->number = order->number;
	copy->fence_host = g_strdup(order->fence_host);
	copy->fence_number = order->fence_number;
	copy->enrol = order->enrol;
	copy->state = g_strdup(order->state);
	copy->visit = order->visit;
	copy->attempt = order->attempt;
	copy->type = g_strdup(order->type);
	copy->head = g_strdup(order->head);
	copy->touches = order->touches;
	copy->boot_id = g_strdup(order->boot_id);
	copy->machine_id = g_strdup(order->machine_id);
	copy->prove = order->prove;
	copy->timeout_ms = order->timeout_ms;
	copy->patience_ms = order->patience_ms;
	copy->anew_ms = order->anew_ms;
	copy->whole_ms = order->whole_ms;
	copy->far = order->far;
	copy->foreseen = g_strdup(order->foreseen);
	rd_order_copy_table(order->with, copy->with);
	rd_order_copy_table(order->notes, copy->notes);
	rd_order_copy_table(order->first, copy->first);
	for (guint i = 0; i < order->guards->len; i++) {
		const RdOrderGuard *guard = g_ptr_array_index(order->guards, i);

		rd_order_copy_table(guard->with, rd_order_add_guard(copy, guard->type)->with);
	}
	for (guint i = 0; i < order->excused->len; i++)
		g_ptr_array_add(copy->excused, g_strdup(g_ptr_array_index(order->excused, i)));
	for (guint i = 0; i < order->returned->len; i++)
		g_ptr_array_add(copy->returned, g_strdup(g_ptr_array_index(order->returned, i)));
	return copy;
}

void
rd_order_free(RdOrder *order)
{
	g_free(order->target);
	g_free(order->lane);
	g_free(order->state);
	g_free(order->type);
	g_free(order->boot_id);
	g_free(order->machine_id);
	g_free(order->head);
	g_free(order->fence_host);
	g_free(order->foreseen);
	g_hash_table_unref(order->with);
	g_hash_table_unref(order->notes);
	g_hash_table_unref(order->first);
	g_ptr_array_unref(order->guards);
	g_ptr_array_unref(order->excused);
	g_ptr_array_unref(order->returned);
	g_free(order);
}

RdReport *
rd_report_new(RdReportKind kind, const char *lane, const char *word)
{
	RdReport *report = g_new0(RdReport, 1);

	report->kind = kind;
	report->lane = g_strdup(lane);
	report->word = g_strdup(word);
	return report;
}

RdReport *
rd_report_copy(const RdReport *report)
{
	RdReport *copy = g_new(RdReport, 1);

	*copy = *report;
	copy->lane = g_strdup(report->lane);
	copy->word = g_strdup(report->word);
	copy->key = g_strdup(report->key);
	copy->value = g_strdup(report->value);
	copy->text = g_strdup(report->text);
	copy->boot_id = g_strdup(report->boot_id);
	copy->machine_id = g_strdup(report->machine_id);
	copy->holder = g_strdup(report->holder);
	copy->run = g_strdup(report->run);
	copy->outcome = g_strdup(report->outcome);
	return copy;
}

void
rd_report_free(RdReport *report)
{
	g_free(report->lane);
	g_free(report->word);
	g_free(report->key);
	g_free(report->value);
	g_free(report->text);
	g_free(report->boot_id);
	g_free(report->machine_id);
	g_free(report->holder);
	g_free(report->run);
	g_free(report->outcome);
	g_free(report);
}
