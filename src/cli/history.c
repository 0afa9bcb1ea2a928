/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include <string.h>

#include "cli/history.h"
#include "engine/open.h"

/* more would only slow a plan down */
#define RD_HISTORY_RUNS 10

void
rd_history_free(RdHistory *self)
{
	g_free(self->run);
	g_hash_table_unref(self->spans);
	g_free(self);
}

gint64
rd_history_get(const RdHistory *self, const char *state)
{
	const gint64 *span = g_hash_table_lookup(self->spans, state);

	return span != NULL ? *span : -1;
}

typedef struct {
	gint64 began, ended;
	gboolean whole; /* every step of it is done */
} RdSpan;

static void
rd_span_add(RdSpan *span, const RdStep *step)
{
	if (step->life != RD_LIFE_DONE || step->wall_ended < step->wall_began) {
		span->whole = FALSE;
		return;
	}
	span->began = span->began == 0 ? step->wall_began : MIN(span->began, step->wall_began);
	span->ended = MAX(span->ended, step->wall_ended);
}

static void
rd_history_add(RdHistory *self, const char *id, RdRun *run)
{
	g_autoptr(GHashTable) spans = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
	GPtrArray *steps = rd_run_get_steps(run);
	GHashTableIter iter;
	gpointer state, value;

	for (guint i = 0; i < steps->len; i++) {
		const RdStep *step = g_ptr_array_index(steps, i);
		RdSpan *span = g_hash_table_lookup(spans, step->plan->name);

		if (span == NULL) {
			span = g_new0(RdSpan, 1);
			span->whole = TRUE;
			g_hash_table_insert(spans, step->plan->name, span);
		}
		rd_span_add(span, step);
	}
	g_hash_table_iter_init(&iter, spans);
	while (g_hash_table_iter_next(&iter, &state, &value)) {
		const RdSpan *span = value;
		gint64 took = span->ended - span->began;

		if (!span->whole || g_hash_table_contains(self->spans, state))
			continue;
		if (self->run == NULL)
			self->run = g_strdup(id);
		g_hash_table_insert(self->spans, g_strdup(state), g_memdup2(&took, sizeof took));
	}
}

RdHistory *
rd_history_read(const char *base, const RdPlan *plan)
{
	RdHistory *self = g_new0(RdHistory, 1);
	g_autoptr(GPtrArray) ids = rd_rundir_list(base, NULL);

	self->spans = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	for (guint i = 0; ids != NULL && i < MIN(ids->len, RD_HISTORY_RUNS); i++) {
		const char *id = g_ptr_array_index(ids, i);
		RdRundir *dir = rd_rundir_open(base, id, NULL);
		g_autoptr(RdOpenRun) open = dir != NULL ? rd_open_run(dir, FALSE, NULL) : NULL;

		if (open != NULL && strcmp(open->plan->procedure, plan->procedure) == 0 &&
		    open->plan->hosts->len == plan->hosts->len)
			rd_history_add(self, id, open->run);
	}
	return self;
}
