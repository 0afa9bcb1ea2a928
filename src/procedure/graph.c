/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-procedure"

#include "procedure.h"

#include <string.h>

/* Names are [a-z0-9-] and types come from plugins' tables, so nothing needs quoting but by the
 * format itself. Mermaid has keywords ("end") and reads "-" in its own way: its ids are made. */

typedef struct {
	const RdProcedure *procedure;
	RdGraphFormat format;
	GString *text;
	gboolean fails;
} Drawing;

/* how @name is called in the drawing (transfer full) */
static char *
drawing_id(const Drawing *self, const char *name)
{
	if (self->format == RD_GRAPH_DOT)
		return g_strdup_printf("\"%s\"", name);
	return g_strdelimit(g_strconcat("s_", name, NULL), "-", '_');
}

static char *
unit_where(const RdProcedureUnit *unit)
{
	g_autofree char *roles = NULL;

	if (unit->order != NULL) {
		roles = g_strjoinv(", then ", unit->order);
		return g_strdup_printf("on %s", roles);
	}
	if (strcmp(unit->on, RD_CLUSTER) == 0 || strcmp(unit->on, "recovery") == 0)
		return g_strdup_printf("on %s", unit->on);
	if (unit->width_input != NULL)
		return g_strdup_printf("on %s, %s at a time", unit->on, unit->width_input);
	if (unit->percent > 0)
		return g_strdup_printf("on %s, %u%% at a time", unit->on, unit->percent);
	if (unit->width == 1)
		return g_strdup_printf("on %s, one by one", unit->on);
	if (unit->width > 1)
		return g_strdup_printf("on %s, %u at a time", unit->on, unit->width);
	return g_strdup_printf("on %s, all at once", unit->on);
}

static void
draw_node(Drawing *self, const RdProcedureState *state, const char *where)
{
	g_autofree char *id = drawing_id(self, state->name);
	const char *line = self->format == RD_GRAPH_DOT ? "\\n" : "<br/>";

	g_string_append_printf(self->text,
			       self->format == RD_GRAPH_DOT ? "\t%s [label=\"" : "\t%s[\"", id);
	g_string_append_printf(self->text, "%s%s%s", state->name, line, state->call->type->name);
	if (where != NULL)
		g_string_append_printf(self->text, "%s%s", line, where);
	for (guint i = 0; i < state->guards->len; i++) {
		const RdProcedureCall *guard = state->guards->pdata[i];

		g_string_append_printf(self->text, "%sonly if %s", line, guard->type->name);
	}
	for (guint i = 0; i + 1 < state->when->len; i += 2)
		g_string_append_printf(self->text, "%swhen %s is %s", line,
				       (char *)state->when->pdata[i],
				       (char *)state->when->pdata[i + 1]);
	if (state->gate != NULL)
		g_string_append_printf(self->text, "%sgate %s%s%s", line, state->gate,
				       state->gate_always ? ", always asks" : "",
				       state->gate_named ? ", by the cluster's name" : "");
	if (state->beside != NULL)
		g_string_append_printf(self->text, "%sbeside what follows, until %s", line,
				       state->beside);
	if (state->borrow != NULL)
		g_string_append_printf(self->text, "%sgiven back before %s", line, state->borrow);
	for (guint i = 0; i < state->returns->len; i++) {
		const RdProcedureCall *guard = state->returns->pdata[i];

		g_string_append_printf(self->text, "%sgiven back only if %s", line,
				       guard->type->name);
	}
	if (state->mark != RD_MARK_NONE)
		g_string_append_printf(self->text, "%s== %s ==", line,
				       rd_mark_to_string(state->mark));
	g_string_append(self->text, self->format == RD_GRAPH_DOT ? "\"];\n" : "\"]\n");
}

static void
draw_edge(Drawing *self, const char *from, const char *to, const char *outcome)
{
	g_autofree char *from_id = drawing_id(self, from);
	g_autofree char *to_id = drawing_id(self, to);

	self->fails = self->fails || strcmp(to, "failed") == 0;
	if (self->format == RD_GRAPH_MERMAID)
		g_string_append_printf(self->text, "\t%s -->%s%s%s %s\n", from_id,
				       outcome != NULL ? "|" : "", outcome != NULL ? outcome : "",
				       outcome != NULL ? "|" : "", to_id);
	else if (outcome != NULL)
		g_string_append_printf(self->text, "\t%s -> %s [label=\"%s\"];\n", from_id, to_id,
				       outcome);
	else
		g_string_append_printf(self->text, "\t%s -> %s;\n", from_id, to_id);
}

static void
draw_nodes(Drawing *self)
{
	for (guint i = 0; i < self->procedure->units->len; i++) {
		const RdProcedureUnit *unit = self->procedure->units->pdata[i];
		g_autofree char *where = unit_where(unit);

		if (unit->group && self->format == RD_GRAPH_DOT)
			g_string_append_printf(self->text,
					       "\tsubgraph \"cluster_%s\" {\n\tlabel=\"%s, %s\";\n",
					       unit->name, unit->name, where);
		else if (unit->group)
			g_string_append_printf(self->text, "\tsubgraph g_%u [\"%s, %s\"]\n", i,
					       unit->name, where);
		for (guint j = unit->first; j < unit->first + unit->count; j++)
			draw_node(self, self->procedure->states->pdata[j],
				  unit->group ? NULL : where);
		if (unit->group)
			g_string_append(self->text,
					self->format == RD_GRAPH_DOT ? "\t}\n" : "\tend\n");
	}
}

static void
draw_unit_edges(Drawing *self, guint index)
{
	const RdProcedureUnit *unit = self->procedure->units->pdata[index];
	const RdProcedureUnit *next = index + 1 < self->procedure->units->len
					  ? self->procedure->units->pdata[index + 1]
					  : NULL;
	const RdProcedureState *last = NULL;
	const char *to = "done";

	for (guint i = unit->first; i < unit->first + unit->count; i++) {
		const RdProcedureState *state = self->procedure->states->pdata[i];

		if (last != NULL)
			draw_edge(self, last->name, state->name, NULL);
		last = state;
	}
	if (next != NULL)
		to = ((RdProcedureState *)self->procedure->states->pdata[next->first])->name;
	for (guint i = 0; i < last->edges->len; i++) {
		const RdProcedureEdge *edge = last->edges->pdata[i];

		draw_edge(self, last->name, edge->to, edge->outcome);
	}
	if (rd_procedure_falls_through(self->procedure, index))
		draw_edge(self, last->name, to, last->edges->len > 0 ? "else" : NULL);
}

char *
rd_procedure_graph(const RdProcedure *self, RdGraphFormat format)
{
	Drawing drawing = {.procedure = self, .format = format, .text = g_string_new(NULL)};
	gboolean dot = format == RD_GRAPH_DOT;

	if (dot)
		g_string_append_printf(drawing.text, "digraph \"%s\" {\n\tnode [shape=box];\n",
				       self->name);
	else
		g_string_append(drawing.text, "flowchart TD\n");
	draw_nodes(&drawing);
	for (guint i = 0; i < self->units->len; i++)
		draw_unit_edges(&drawing, i);
	g_string_append(drawing.text,
			dot ? "\t\"done\" [shape=oval];\n" : "\ts_done([\"done\"])\n");
	if (drawing.fails)
		g_string_append(drawing.text, dot ? "\t\"failed\" [shape=oval];\n"
						  : "\ts_failed([\"failed\"])\n");
	if (dot)
		g_string_append(drawing.text, "}\n");
	return g_string_free(drawing.text, FALSE);
}
