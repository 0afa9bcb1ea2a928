/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-procedure"

#include "procedure-private.h"

#include "inventory.h"
#include "template.h"

#include <string.h>

/* Reads the file into an RdProcedure. Each part complains on its own, and reading goes on with
 * what there is: a person sees all mistakes at once. */

#define STATES_MAX    500 /* checks are quadratic; and a procedure is read by people */
#define WIDTH_MAX     1000
#define FORMAT	      "1"
#define REQUIRED_KEYS 4 /* of top_keys, from the front */

static const char *const top_keys[] = {"procedure", "format",	 "summary",   "states", "inputs",
				       "releases",  "leftovers", "postponed", NULL};
static const char *const input_keys[] = {"type", "default", "summary", NULL};
static const char *const group_keys[] = {"group",   "on",     "among", "order",
					 "at-most", "states", NULL};
static const char *const leftover_keys[] = {"procedure", "inputs", NULL};
static const char *const input_types[] = {"string",   "int",	"bool",	 "file",
					  "duration", "backup", "hosts", NULL};

static void
reference_free(RdReference *reference)
{
	g_free(reference->text);
	g_free(reference);
}

static void
read_fallback(RdLoading *self, RdProcedureInput *input, JsonObject *object)
{
	const char *text = rd_yaml_member(self->yaml, object, "default");
	JsonNode *node = json_object_get_member(object, "default");
	g_autofree char *normal = NULL;
	const char *wanted = NULL;

	if (text == NULL)
		return;
	if (input->type == RD_INPUT_BACKUP)
		rd_yaml_complain(self->yaml, node,
				 "default: a backup is chosen by a person, each time");
	else if (rd_template_has(text))
		rd_yaml_complain(self->yaml, node, "default: “%s” must not refer to anything",
				 text);
	else if (!rd_type_check_value(rd_input_type_to_param(input->type), text, &normal, &wanted))
		rd_yaml_complain(self->yaml, node, "default: must be %s, not “%s”", wanted, text);
	input->fallback = g_strdup(text);
}

static void
read_input(RdLoading *self, const char *name, JsonNode *node)
{
	JsonObject *object = rd_yaml_mapping(self->yaml, node, name, input_keys);
	RdProcedureInput *input = NULL;
	const char *type = NULL;

	if (!rd_loading_is_name(name))
		rd_yaml_complain_key(self->yaml, node,
				     "input “%s”: a name has 1 to 40 of the characters a-z 0-9 -",
				     name);
	if (object == NULL)
		return;
	input = g_new0(RdProcedureInput, 1);
	input->name = g_strdup(name);
	g_ptr_array_add(self->procedure->inputs, input);
	type = rd_yaml_member(self->yaml, object, "type");
	if (!json_object_has_member(object, "type")) {
		rd_yaml_complain_key(self->yaml, node, "input %s has no type", name);
	} else if (type != NULL && !rd_input_type_from_string(type, &input->type)) {
		g_autofree char *hint = rd_spell_hint(type, input_types);

		rd_yaml_complain(self->yaml, json_object_get_member(object, "type"),
				 "there is no type of input %s%s", type, hint);
	}
	input->summary = g_strdup(rd_yaml_member(self->yaml, object, "summary"));
	read_fallback(self, input, object);
}

static void
read_inputs(RdLoading *self, JsonNode *node)
{
	JsonObject *object = rd_yaml_mapping(self->yaml, node, "inputs", NULL);
	g_autoptr(GList) members = object == NULL ? NULL : json_object_get_members(object);

	for (GList *l = members; l != NULL; l = l->next)
		read_input(self, l->data, json_object_get_member(object, l->data));
}

/* @text: "${input.NAME}" of @node. Inputs were read before, wherever they stand. */
static void
read_width_input(RdLoading *self, RdProcedureUnit *unit, const char *text, JsonNode *node)
{
	gsize size = strlen(text), prefix = strlen("${input.");
	const RdProcedureInput *input = NULL;

	unit->width = 0;
	if (size > prefix && text[size - 1] == '}')
		unit->width_input = g_strndup(text + prefix, size - prefix - 1);
	if (unit->width_input != NULL)
		input = rd_procedure_find_input(self->procedure, unit->width_input);
	if (input == NULL || input->type != RD_INPUT_INT)
		rd_yaml_complain(self->yaml, node, "order: %s is no input of type int", text);
}

/* "parallel", "parallel 2", "parallel 30%" */
static gboolean
parse_parallel(const char *text, RdProcedureUnit *unit)
{
	g_autofree char *number = NULL;
	gint64 value = 0;
	gsize size = 0;

	if (!g_str_has_prefix(text, "parallel"))
		return FALSE;
	text += strlen("parallel");
	unit->width = 0;
	if (*text == '\0')
		return TRUE;
	if (*text != ' ')
		return FALSE;
	text += strspn(text, " ");
	size = strspn(text, "0123456789");
	number = g_strndup(text, size);
	if (!rd_parse_int(number, &value) || value < 1)
		return FALSE;
	if (strcmp(text + size, "%") == 0 && value <= 100) {
		unit->percent = value;
		return TRUE;
	}
	unit->width = MIN(value, WIDTH_MAX);
	return text[size] == '\0' && value <= WIDTH_MAX;
}

/* what a role stands for, as bits: 1 recovery, 2 others, 4 workers */
static guint
role_bits(const char *role)
{
	static const struct {
		const char *role;
		guint bits;
	} table[] = {{RD_ROLE_RECOVERY, 1},
		     {RD_ROLE_OTHERS, 2},
		     {RD_ROLE_CONTROL_PLANE, 3},
		     {RD_ROLE_WORKERS, 4}};

	for (guint i = 0; i < G_N_ELEMENTS(table); i++)
		if (strcmp(role, table[i].role) == 0)
			return table[i].bits;
	return 0;
}

/* a list of roles must name every host of `on` once */
static void
read_order_list(RdLoading *self, RdProcedureUnit *unit, JsonNode *node)
{
	JsonArray *list = json_node_get_array(node);
	g_autoptr(GStrvBuilder) roles = g_strv_builder_new();
	guint wanted = role_bits(unit->on), seen = 0;

	for (guint i = 0; i < json_array_get_length(list); i++) {
		JsonNode *element = json_array_get_element(list, i);
		const char *role = rd_yaml_scalar(self->yaml, element, "order");
		guint bits = role == NULL ? 0 : role_bits(role);

		if (role == NULL)
			return;
		if (bits == 0 || (bits & ~wanted) != 0) {
			rd_yaml_complain(self->yaml, element, "order: %s is no part of %s", role,
					 unit->on);
			return;
		}
		if ((bits & seen) != 0) {
			rd_yaml_complain(self->yaml, element,
					 "order: hosts of %s stand before already", role);
			return;
		}
		seen |= bits;
		g_strv_builder_add(roles, role);
	}
	if (seen != wanted)
		rd_yaml_complain(self->yaml, node, "order: not every host of %s is in it",
				 unit->on);
	unit->order = g_strv_builder_end(roles);
}

/* inputs stand before the states, or the complaint says so */
static void
read_among(RdLoading *self, RdProcedureUnit *unit, JsonObject *object)
{
	const char *name = rd_yaml_member(self->yaml, object, "among");
	const RdProcedureInput *input =
	    name != NULL ? rd_procedure_find_input(self->procedure, name) : NULL;

	if (name != NULL && (input == NULL || input->type != RD_INPUT_HOSTS))
		rd_yaml_complain(self->yaml, json_object_get_member(object, "among"),
				 "among: there is no input %s of type hosts", name);
	unit->among = g_strdup(name);
}

/* a number, or a template for one: what the cluster allows beside what the order says */
static void
read_at_most(RdLoading *self, RdProcedureUnit *unit, JsonObject *object)
{
	const char *text = rd_yaml_member(self->yaml, object, "at-most");
	JsonNode *node = json_object_get_member(object, "at-most");
	gint64 value = 0;

	if (text == NULL)
		return;
	if (unit->width == 1)
		rd_yaml_complain(self->yaml, node, "at-most: goes with order: parallel");
	if (!rd_loading_note_references(self, text, node, (int)unit->first) &&
	    (!rd_parse_int(text, &value) || value < 1))
		rd_yaml_complain(self->yaml, node, "at-most: a number from 1, not “%s”", text);
	unit->at_most = g_strdup(text);
}

/* how many at a time, and who after whom */
static void
read_order(RdLoading *self, RdProcedureUnit *unit, JsonNode *order)
{
	static const char by_input[] = "parallel ${input.";
	const char *text = NULL;

	if (strcmp(unit->on, RD_CLUSTER) == 0 || strcmp(unit->on, RD_ROLE_RECOVERY) == 0) {
		rd_yaml_complain_key(self->yaml, order, "order: on: %s is one target only",
				     unit->on);
		return;
	}
	if (JSON_NODE_HOLDS_ARRAY(order)) {
		read_order_list(self, unit, order);
		return;
	}
	text = rd_yaml_scalar(self->yaml, order, "order");
	if (text != NULL && g_str_has_prefix(text, by_input))
		read_width_input(self, unit, text + strlen("parallel "), order);
	else if (text != NULL && strcmp(text, "serial") != 0 && !parse_parallel(text, unit))
		rd_yaml_complain(self->yaml, order,
				 "order: serial, parallel, parallel N, parallel N%%, parallel "
				 "${input.NAME}, or a list of roles, not “%s”",
				 text);
}

/* on, among, order and at-most, which a state and a group have alike */
static void
read_where(RdLoading *self, RdProcedureUnit *unit, JsonObject *object)
{
	const char *on = rd_yaml_member(self->yaml, object, "on");
	JsonNode *order = json_object_get_member(object, "order");

	unit->on = g_strdup(RD_ROLE_CONTROL_PLANE);
	unit->width = 1;
	read_among(self, unit, object);
	if (on != NULL && !g_strv_contains(rd_roles, on)) {
		g_autofree char *hint = rd_spell_hint(on, rd_roles);
		g_autofree char *all = g_strjoinv(", ", (char **)rd_roles);

		rd_yaml_complain(self->yaml, json_object_get_member(object, "on"),
				 "on: there is no role %s%s (there are: %s)", on, hint, all);
		return;
	}
	if (on != NULL) {
		g_free(unit->on);
		unit->on = g_strdup(on);
	}
	if (order != NULL)
		read_order(self, unit, order);
	read_at_most(self, unit, object);
}

static void
read_group_states(RdLoading *self, RdProcedureUnit *unit, JsonObject *object)
{
	JsonNode *node = json_object_get_member(object, "states");
	JsonArray *list = NULL;

	if (node == NULL) {
		rd_yaml_complain(self->yaml, json_object_get_member(object, "group"),
				 "%s has no states", unit->name);
		return;
	}
	list = rd_yaml_list(self->yaml, node, "states");
	for (guint i = 0; list != NULL && i < json_array_get_length(list); i++)
		rd_loading_read_state(self, json_array_get_element(list, i), TRUE);
	if (list != NULL && json_array_get_length(list) == 0)
		rd_yaml_complain(self->yaml, node, "%s has no states", unit->name);
}

static void
read_group(RdLoading *self, JsonNode *node)
{
	JsonObject *object = rd_yaml_mapping(self->yaml, node, "a group", group_keys);
	const char *name = rd_loading_read_name(self, object, "group");
	RdProcedureUnit *unit = g_new0(RdProcedureUnit, 1);

	unit->name = g_strdup(name != NULL ? name : "");
	unit->group = TRUE;
	unit->first = self->procedure->states->len;
	/* before its states are read, so that none of them takes its name */
	g_ptr_array_add(self->procedure->units, unit);
	read_where(self, unit, object);
	read_group_states(self, unit, object);
	unit->count = self->procedure->states->len - unit->first;
}

static void
read_unit(RdLoading *self, JsonNode *node)
{
	guint first = self->procedure->states->len;
	RdProcedureState *state = NULL;
	RdProcedureUnit *unit = NULL;

	if (JSON_NODE_HOLDS_OBJECT(node) &&
	    json_object_has_member(json_node_get_object(node), "group")) {
		read_group(self, node);
		return;
	}
	rd_loading_read_state(self, node, FALSE);
	if (self->procedure->states->len == first)
		return;
	state = self->procedure->states->pdata[first];
	unit = g_new0(RdProcedureUnit, 1);
	unit->name = g_strdup(state->name);
	unit->first = first;
	unit->count = 1;
	read_where(self, unit, json_node_get_object(node));
	g_ptr_array_add(self->procedure->units, unit);
}

static void
read_states(RdLoading *self, JsonNode *node)
{
	JsonArray *list = rd_yaml_list(self->yaml, node, "states");

	for (guint i = 0; list != NULL && i < json_array_get_length(list); i++) {
		JsonNode *element = json_array_get_element(list, i);

		if (self->procedure->states->len >= STATES_MAX) {
			rd_yaml_complain(self->yaml, element, "more than %u states", STATES_MAX);
			return;
		}
		read_unit(self, element);
	}
	if (list != NULL && json_array_get_length(list) == 0)
		rd_yaml_complain(self->yaml, node, "there are no states");
}

/* @key: "leftovers" of hosts, "postponed" of the cluster */
static void
read_rest(RdLoading *self, JsonObject *top, const char *key, char **procedure, GPtrArray *rest)
{
	JsonNode *node = json_object_get_member(top, key);
	JsonObject *object =
	    node != NULL ? rd_yaml_mapping(self->yaml, node, key, leftover_keys) : NULL;
	JsonNode *inputs = object != NULL ? json_object_get_member(object, "inputs") : NULL;
	JsonObject *pairs =
	    inputs != NULL ? rd_yaml_mapping(self->yaml, inputs, "inputs", NULL) : NULL;
	g_autoptr(GList) names = pairs != NULL ? json_object_get_members(pairs) : NULL;
	int last = (int)self->procedure->states->len - 1;

	*procedure =
	    object != NULL ? g_strdup(rd_yaml_member(self->yaml, object, "procedure")) : NULL;
	if (object != NULL && *procedure == NULL)
		rd_yaml_complain(self->yaml, node,
				 "%s: which procedure takes them? procedure: NAME", key);
	for (GList *l = names; l != NULL; l = l->next) {
		JsonNode *value = json_object_get_member(pairs, l->data);
		const char *text = rd_yaml_scalar(self->yaml, value, l->data);

		if (text == NULL)
			continue;
		if (strcmp(text, RD_LEFTOVERS) != 0)
			rd_loading_note_references(self, text, value, last);
		g_ptr_array_add(rest, g_strdup(l->data));
		g_ptr_array_add(rest, g_strdup(text));
	}
}

static void
read_top(RdLoading *self)
{
	JsonNode *root = rd_yaml_get_root(self->yaml);
	JsonObject *top = rd_yaml_mapping(self->yaml, root, "a procedure", top_keys);
	const char *name = NULL;
	const char *format = NULL;

	if (top == NULL)
		return;
	for (guint i = 0; top_keys[i] != NULL; i++)
		if (i < REQUIRED_KEYS && !json_object_has_member(top, top_keys[i]))
			rd_yaml_complain(self->yaml, root, "%s is missing", top_keys[i]);
	name = rd_yaml_member(self->yaml, top, "procedure");
	if (name != NULL && !rd_loading_is_name(name))
		rd_yaml_complain(self->yaml, json_object_get_member(top, "procedure"),
				 "procedure: “%s”: a name has 1 to 40 of the characters a-z 0-9 -",
				 name);
	self->procedure->name = g_strdup(name);
	self->procedure->summary = g_strdup(rd_yaml_member(self->yaml, top, "summary"));
	format = rd_yaml_member(self->yaml, top, "format");
	/* in a newer one a key may mean something else, so nothing of it is guessed */
	if (format != NULL && strcmp(format, FORMAT) != 0)
		rd_yaml_complain(self->yaml, json_object_get_member(top, "format"),
				 "format %s: this version of recoveryd reads format " FORMAT,
				 format);
	if (json_object_has_member(top, "releases"))
		rd_loading_read_releases(self, json_object_get_member(top, "releases"));
	if (json_object_has_member(top, "inputs"))
		read_inputs(self, json_object_get_member(top, "inputs"));
	if (json_object_has_member(top, "states"))
		read_states(self, json_object_get_member(top, "states"));
	read_rest(self, top, "leftovers", &self->procedure->rest, self->procedure->rest_inputs);
	read_rest(self, top, "postponed", &self->procedure->later, self->procedure->later_inputs);
}

static RdProcedure *
procedure_from_yaml(RdYaml *yaml, const RdTypes *types, GError **error)
{
	g_autoptr(RdProcedure) procedure = rd_procedure_new();
	g_autoptr(GPtrArray) state_nodes = g_ptr_array_new();
	g_autoptr(GPtrArray) edge_nodes = g_ptr_array_new();
	g_autoptr(GPtrArray) references =
	    g_ptr_array_new_with_free_func((GDestroyNotify)reference_free);
	RdLoading loading = {.yaml = yaml,
			     .procedure = procedure,
			     .types = types,
			     .state_nodes = state_nodes,
			     .edge_nodes = edge_nodes,
			     .references = references};

	procedure->digest = g_strdup(rd_yaml_get_digest(yaml));
	read_top(&loading);
	rd_loading_check(&loading);
	if (!rd_complaints_settle(rd_yaml_get_complaints(yaml), error))
		return NULL;
	return g_steal_pointer(&procedure);
}

RdProcedure *
rd_procedure_load(const char *path, const RdTypes *types, GError **error)
{
	g_autoptr(RdComplaints) complaints = rd_complaints_new(path);
	g_autoptr(RdYaml) yaml = rd_yaml_load(path, complaints, error);

	return yaml == NULL ? NULL : procedure_from_yaml(yaml, types, error);
}

RdProcedure *
rd_procedure_parse(const char *path, const char *data, gsize size, const RdTypes *types,
		   GError **error)
{
	g_autoptr(RdComplaints) complaints = rd_complaints_new(path);
	g_autoptr(RdYaml) yaml = rd_yaml_parse(data, size, complaints, error);

	return yaml == NULL ? NULL : procedure_from_yaml(yaml, types, error);
}
