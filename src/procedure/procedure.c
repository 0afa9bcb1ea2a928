/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-procedure"

#include "procedure.h"

#include "machine/words.h"
#include "procedure-private.h"

#include <string.h>

static const char *const input_words[] = {
    [RD_INPUT_STRING] = "string", [RD_INPUT_INT] = "int",	    [RD_INPUT_BOOL] = "bool",
    [RD_INPUT_FILE] = "file",	  [RD_INPUT_DURATION] = "duration", [RD_INPUT_BACKUP] = "backup",
    [RD_INPUT_HOSTS] = "hosts",
};
G_STATIC_ASSERT(G_N_ELEMENTS(input_words) == RD_INPUT_LAST + 1);
RD_WORDS(RdInputType, rd_input_type, input_words)

RecoveryParamType
rd_input_type_to_param(RdInputType type)
{
	static const RecoveryParamType params[] = {
	    [RD_INPUT_STRING] = RECOVERY_PARAM_STRING,
	    [RD_INPUT_INT] = RECOVERY_PARAM_INT,
	    [RD_INPUT_BOOL] = RECOVERY_PARAM_BOOL,
	    [RD_INPUT_FILE] = RECOVERY_PARAM_FILE,
	    [RD_INPUT_DURATION] = RECOVERY_PARAM_DURATION,
	    [RD_INPUT_BACKUP] = RECOVERY_PARAM_STRING,
	    [RD_INPUT_HOSTS] = RECOVERY_PARAM_STRING,
	};

	G_STATIC_ASSERT(G_N_ELEMENTS(params) == RD_INPUT_LAST + 1);
	return params[type];
}

static void
input_free(RdProcedureInput *input)
{
	g_free(input->name);
	g_free(input->fallback);
	g_free(input->summary);
	g_free(input);
}

RdProcedureCall *
rd_procedure_call_new(const RdType *type)
{
	RdProcedureCall *call = g_new0(RdProcedureCall, 1);

	call->type = type;
	call->with = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return call;
}

void
rd_procedure_call_free(RdProcedureCall *call)
{
	if (call == NULL)
		return;
	g_hash_table_unref(call->with);
	g_free(call);
}

static void
edge_free(RdProcedureEdge *edge)
{
	g_free(edge->outcome);
	g_free(edge->to);
	g_free(edge);
}

RdProcedureState *
rd_procedure_state_new(const char *name)
{
	RdProcedureState *state = g_new0(RdProcedureState, 1);

	state->name = g_strdup(name);
	state->guards = g_ptr_array_new_with_free_func((GDestroyNotify)rd_procedure_call_free);
	state->edges = g_ptr_array_new_with_free_func((GDestroyNotify)edge_free);
	state->when = g_ptr_array_new_with_free_func(g_free);
	state->returns = g_ptr_array_new_with_free_func((GDestroyNotify)rd_procedure_call_free);
	return state;
}

static void
state_free(RdProcedureState *state)
{
	g_free(state->name);
	g_free(state->summary);
	rd_procedure_call_free(state->call);
	g_ptr_array_unref(state->guards);
	g_ptr_array_unref(state->edges);
	g_ptr_array_unref(state->when);
	g_ptr_array_unref(state->returns);
	g_free(state->gate);
	g_free(state->gate_text);
	g_free(state->beside);
	g_free(state->borrow);
	g_free(state);
}

static void
unit_free(RdProcedureUnit *unit)
{
	g_free(unit->name);
	g_free(unit->on);
	g_strfreev(unit->order);
	g_free(unit->among);
	g_free(unit->width_input);
	g_free(unit->at_most);
	g_free(unit);
}

RdProcedure *
rd_procedure_new(void)
{
	RdProcedure *self = g_new0(RdProcedure, 1);

	self->inputs = g_ptr_array_new_with_free_func((GDestroyNotify)input_free);
	self->states = g_ptr_array_new_with_free_func((GDestroyNotify)state_free);
	self->units = g_ptr_array_new_with_free_func((GDestroyNotify)unit_free);
	self->rest_inputs = g_ptr_array_new_with_free_func(g_free);
	self->later_inputs = g_ptr_array_new_with_free_func(g_free);
	return self;
}

void
rd_procedure_free(RdProcedure *self)
{
	if (self == NULL)
		return;
	g_free(self->name);
	g_free(self->summary);
	g_free(self->digest);
	g_free(self->releases.from);
	g_free(self->releases.below);
	g_free(self->releases.otherwise);
	g_free(self->rest);
	g_ptr_array_unref(self->rest_inputs);
	g_free(self->later);
	g_ptr_array_unref(self->later_inputs);
	g_ptr_array_unref(self->inputs);
	g_ptr_array_unref(self->states);
	g_ptr_array_unref(self->units);
	g_free(self);
}

static void
add_names(GPtrArray *names, const char *dir)
{
	g_autoptr(GDir) entries = g_dir_open(dir, 0, NULL);
	const char *entry = NULL;

	while (entries != NULL && (entry = g_dir_read_name(entries)) != NULL)
		if (g_str_has_suffix(entry, ".yaml") && entry[0] != '.')
			g_ptr_array_add(names, g_strndup(entry, strlen(entry) - strlen(".yaml")));
}

static int
compare_names(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char *
rd_procedure_locate(const char *name, const char *const *dirs, GError **error)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *file = NULL;
	g_autofree char *hint = NULL;
	g_autofree char *list = NULL;

	if (strchr(name, '/') != NULL)
		return g_strdup(name);
	file = g_strconcat(name, ".yaml", NULL);
	for (guint i = 0; dirs[i] != NULL; i++) {
		g_autofree char *path = g_build_filename(dirs[i], file, NULL);

		if (g_file_test(path, G_FILE_TEST_EXISTS))
			return g_steal_pointer(&path);
		add_names(names, dirs[i]);
	}
	g_ptr_array_sort(names, compare_names);
	g_ptr_array_add(names, NULL);
	hint = rd_spell_hint(name, (const char *const *)names->pdata);
	list = g_strjoinv(", ", (char **)names->pdata);
	g_set_error(error, RD_PROCEDURE_ERROR, RD_PROCEDURE_ERROR_UNREADABLE,
		    "there is no procedure %s%s (there are: %s; a file is given with a “/”, "
		    "such as ./%s)",
		    name, hint, *list == '\0' ? "none" : list, file);
	return NULL;
}

const RdProcedureInput *
rd_procedure_find_input(const RdProcedure *self, const char *name)
{
	for (guint i = 0; i < self->inputs->len; i++) {
		const RdProcedureInput *input = self->inputs->pdata[i];

		if (strcmp(input->name, name) == 0)
			return input;
	}
	return NULL;
}

gboolean
rd_procedure_restores(const RdProcedure *self)
{
	for (guint i = 0; i < self->inputs->len; i++)
		if (((RdProcedureInput *)self->inputs->pdata[i])->type == RD_INPUT_BACKUP)
			return TRUE;
	return FALSE;
}

int
rd_procedure_find_state(const RdProcedure *self, const char *name)
{
	for (guint i = 0; i < self->states->len; i++) {
		const RdProcedureState *state = self->states->pdata[i];

		if (strcmp(state->name, name) == 0)
			return i;
	}
	return -1;
}

const char *
rd_procedure_first_of(const RdProcedure *self, const char *name)
{
	for (guint i = 0; i < self->units->len; i++) {
		const RdProcedureUnit *unit = self->units->pdata[i];

		if (unit->group && unit->count > 0 && strcmp(unit->name, name) == 0)
			return ((RdProcedureState *)self->states->pdata[unit->first])->name;
	}
	return name;
}

int
rd_procedure_find_unit(const RdProcedure *self, guint state)
{
	for (guint i = 0; i < self->units->len; i++) {
		const RdProcedureUnit *unit = self->units->pdata[i];

		if (state >= unit->first && state < unit->first + unit->count)
			return i;
	}
	return -1;
}

/* only units of one state have edges */
static const RdProcedureState *
unit_state(const RdProcedure *self, guint index)
{
	const RdProcedureUnit *unit = self->units->pdata[index];

	return unit->count == 1 ? self->states->pdata[unit->first] : NULL;
}

gboolean
rd_procedure_falls_through(const RdProcedure *self, guint unit)
{
	const RdProcedureState *state = unit_state(self, unit);

	/* a state that is skipped has no outcome: what stands next follows */
	if (state == NULL || state->edges->len == 0 || state->when->len > 0 || state->skippable)
		return TRUE;
	return state->edges->len < g_strv_length(state->call->type->outcomes);
}

GArray *
rd_procedure_get_next(const RdProcedure *self, guint unit)
{
	GArray *next = g_array_new(FALSE, FALSE, sizeof(guint));
	const RdProcedureState *state = unit_state(self, unit);
	guint after = unit + 1;

	if (after < self->units->len && rd_procedure_falls_through(self, unit))
		g_array_append_val(next, after);
	for (guint i = 0; state != NULL && i < state->edges->len; i++) {
		const RdProcedureEdge *edge = state->edges->pdata[i];
		int to = rd_procedure_find_state(self, edge->to);
		gboolean there = FALSE;
		guint index = 0;

		if (to < 0)
			continue;
		index = rd_procedure_find_unit(self, to);
		for (guint j = 0; j < next->len; j++)
			there = there || g_array_index(next, guint, j) == index;
		if (!there)
			g_array_append_val(next, index);
	}
	return next;
}
