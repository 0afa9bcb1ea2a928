/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-engine"

#include <gio/gio.h>
#include <string.h>

#include "policy.h"
#include "yaml/format.h"
#include "yaml/yaml.h"

#define RD_POLICY_FORMAT 1

/* ---- conditions ---------------------------------------------------------------------------- */

static gboolean
rd_policy_parse_count(const char *text, gint64 *value)
{
	return rd_parse_int(text, value) && *value >= 0;
}

/* seconds between the newest write in the backup and now; -1: not known */
static gint64
rd_policy_measure_age(JsonObject *loss, gint64 wall)
{
	const char *written = json_object_get_string_member_with_default(loss, "written", NULL);
	g_autoptr(GDateTime) when =
	    written != NULL ? g_date_time_new_from_iso8601(written, NULL) : NULL;

	return when != NULL ? MAX(wall / G_USEC_PER_SEC - g_date_time_to_unix(when), 0) : -1;
}

/* what goes back to an earlier state is lost, too */
static gint64
rd_policy_measure_lost(JsonObject *loss, gint64 wall)
{
	if (!json_object_has_member(loss, "lost"))
		return -1;
	return json_object_get_int_member(loss, "lost") +
	       json_object_get_int_member(loss, "changed");
}

static char *
rd_policy_say_age(gint64 value)
{
	return rd_format_duration(value * G_USEC_PER_SEC);
}

static char *
rd_policy_say_count(gint64 value)
{
	return g_strdup_printf("%" G_GINT64_FORMAT, value);
}

static const struct {
	const char *name;
	const char *wants; /* for who wrote something else */
	const char *is;	   /* before what was found */
	gboolean (*parse)(const char *text, gint64 *value);
	gint64 (*measure)(JsonObject *loss, gint64 wall);
	char *(*say)(gint64 value);
} conditions[] = {
    {"max-backup-age", "a time, as 90m or 26h", "age of the newest write in the backup",
     rd_parse_duration, rd_policy_measure_age, rd_policy_say_age},
    {"max-objects-lost", "a number, 0 or more", "objects that are lost or go back",
     rd_policy_parse_count, rd_policy_measure_lost, rd_policy_say_count},
};

static int
rd_policy_find(const char *name)
{
	for (guint i = 0; i < G_N_ELEMENTS(conditions); i++)
		if (strcmp(conditions[i].name, name) == 0)
			return (int)i;
	return -1;
}

static gboolean
rd_policy_hold_one(RdRun *run, const char *condition, JsonObject *loss, gint64 wall, GString *found)
{
	g_auto(GStrv) parts = g_strsplit(condition, "=", 2);
	int index = parts[0] != NULL ? rd_policy_find(parts[0]) : -1;
	g_autofree char *measured = NULL;
	gint64 limit, value;

	/* written by a newer version: it is not known whether it holds */
	if (index < 0 || parts[1] == NULL || !conditions[index].parse(parts[1], &limit)) {
		g_string_append_printf(found, "%s%s is not known here", found->len > 0 ? "; " : "",
				       condition);
		return FALSE;
	}
	value = loss != NULL ? conditions[index].measure(loss, wall) : -1;
	measured = value >= 0 ? conditions[index].say(value) : g_strdup("not known");
	g_string_append_printf(found, "%s%s: %s, at most %s", found->len > 0 ? "; " : "",
			       conditions[index].is, measured, parts[1]);
	return value >= 0 && value <= limit;
}

gboolean
rd_policy_holds(RdRun *run, const char *text, gint64 wall, char **found)
{
	const char *told = rd_run_get_loss(run);
	g_autoptr(JsonNode) node = told != NULL ? json_from_string(told, NULL) : NULL;
	JsonObject *loss =
	    node != NULL && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
	g_auto(GStrv) list = g_strsplit(text, ",", -1);
	GString *line = g_string_new(NULL);
	gboolean holds = list[0] != NULL;

	for (guint i = 0; list[i] != NULL; i++)
		holds = rd_policy_hold_one(run, list[i], loss, wall, line) && holds;
	*found = g_string_free(line, FALSE);
	return holds;
}

GPtrArray *
rd_policy_list(RdRun *run)
{
	GPtrArray *states = rd_run_get_plan(run)->states;
	GPtrArray *list = g_ptr_array_new();

	for (guint i = 0; i < states->len; i++) {
		const RdPlanState *state = g_ptr_array_index(states, i);
		g_autofree char *input =
		    state->gate != NULL ? g_strconcat(RD_POLICY_INPUT_GATE, state->gate->name, NULL)
					: NULL;
		const char *text = input != NULL ? rd_run_get_input(run, input) : NULL;

		if (text == NULL || g_ptr_array_find(list, text, NULL))
			continue;
		g_ptr_array_add(list, state->gate->name);
		g_ptr_array_add(list, (char *)text);
	}
	return list;
}

/* ---- rules --------------------------------------------------------------------------------- */

void
rd_policy_rule_free(RdPolicyRule *self)
{
	g_free(self->gate);
	g_free(self->conditions);
	g_free(self);
}

/* NULL: it may be approved beforehand (transfer full) */
static char *
rd_policy_refuse_gate(const RdPlan *plan, const char *name)
{
	g_autoptr(GString) others = g_string_new(NULL);
	gboolean found = FALSE;

	for (guint i = 0; i < plan->states->len; i++) {
		const RdPlanGate *gate = ((RdPlanState *)g_ptr_array_index(plan->states, i))->gate;
		gboolean same = gate != NULL && strcmp(gate->name, name) == 0;

		/* two may have the same name */
		if (same && gate->always)
			return g_strdup("this gate is asked when the run stands at it, never "
					"beforehand");
		found = found || same;
		if (gate != NULL && !gate->always && strstr(others->str, gate->name) == NULL)
			g_string_append_printf(others, "%s%s", others->len > 0 ? ", " : "",
					       gate->name);
	}
	if (found)
		return NULL;
	return g_strdup_printf("this procedure has no such gate; those that may be approved "
			       "beforehand: %s",
			       others->len > 0 ? others->str : "none");
}

/* The name is compared when the rule is read, wherever it is given: a policy that was written for
 * another cluster opens nothing here. NULL: it is the right one, or none is wanted (transfer full)
 */
static char *
rd_policy_refuse_cluster(const RdPlan *plan, const char *gate, const char *typed)
{
	gboolean named = FALSE;

	for (guint i = 0; i < plan->states->len; i++) {
		const RdPlanGate *one = ((RdPlanState *)g_ptr_array_index(plan->states, i))->gate;

		named = named || (one != NULL && one->named && strcmp(one->name, gate) == 0);
	}
	if (typed == NULL)
		return named ? g_strdup("this gate is opened by the cluster's name: add "
					"cluster=NAME, in a file cluster: NAME")
			     : NULL;
	return strcmp(typed, plan->cluster) == 0
		   ? NULL
		   : g_strdup_printf("that is for cluster %s, and this is %s", typed,
				     plan->cluster);
}

/* "cluster=NAME" out of @list; the rest of it stays (transfer full) (nullable) */
static char *
rd_policy_take_cluster(char **list)
{
	char *typed = NULL;
	guint kept = 0;

	for (guint i = 0; list[i] != NULL; i++) {
		if (!g_str_has_prefix(list[i], "cluster=")) {
			list[kept++] = list[i];
			continue;
		}
		g_free(typed);
		typed = g_strdup(list[i] + strlen("cluster="));
		g_free(list[i]);
	}
	list[kept] = NULL;
	return typed;
}

static gboolean
rd_policy_check_conditions(char **list, GError **error)
{

	if (list[0] == NULL) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
			    "there is no condition behind the colon");
		return FALSE;
	}
	for (guint i = 0; list[i] != NULL; i++) {
		g_auto(GStrv) parts = g_strsplit(list[i], "=", 2);
		int index = parts[0] != NULL ? rd_policy_find(parts[0]) : -1;
		gint64 limit;

		if (index >= 0 && parts[1] != NULL && conditions[index].parse(parts[1], &limit))
			continue;
		if (index < 0)
			g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
				    "there is no condition %s", list[i]);
		else
			g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
				    "%s: wanted is %s", list[i], conditions[index].wants);
		return FALSE;
	}
	return TRUE;
}

RdPolicyRule *
rd_policy_rule_parse(const char *text, const RdPlan *plan, GError **error)
{
	const char *colon = strchr(text, ':');
	g_autoptr(RdPolicyRule) self = g_new0(RdPolicyRule, 1);
	g_auto(GStrv) list = g_strsplit(colon != NULL ? colon + 1 : "", ",", -1);
	gboolean empty = colon != NULL && list[0] == NULL;
	g_autofree char *typed = rd_policy_take_cluster(list);
	g_autofree char *why = NULL;

	self->gate = colon != NULL ? g_strndup(text, colon - text) : g_strdup(text);
	why = rd_policy_refuse_gate(plan, self->gate);
	if (why == NULL)
		why = rd_policy_refuse_cluster(plan, self->gate, typed);
	if (why != NULL) {
		g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, why);
		return NULL;
	}
	if (!empty && list[0] == NULL)
		return g_steal_pointer(&self);
	if (!rd_policy_check_conditions(list, error))
		return NULL;
	self->conditions = g_strjoinv(",", list);
	return g_steal_pointer(&self);
}

/* ---- the file ------------------------------------------------------------------------------ */

void
rd_policy_free(RdPolicy *self)
{
	g_free(self->name);
	g_free(self->digest);
	g_clear_pointer(&self->rules, g_ptr_array_unref);
	g_free(self);
}

gboolean
rd_policy_has(const RdPolicy *self, const char *gate)
{
	for (guint i = 0; i < self->rules->len; i++)
		if (strcmp(((RdPolicyRule *)g_ptr_array_index(self->rules, i))->gate, gate) == 0)
			return TRUE;
	return FALSE;
}

static char *
rd_policy_read_conditions(RdYaml *yaml, JsonObject *object)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < G_N_ELEMENTS(conditions); i++) {
		const char *name = conditions[i].name;
		const char *value = rd_yaml_member(yaml, object, name);
		gint64 limit;

		if (value != NULL && !conditions[i].parse(value, &limit))
			rd_yaml_complain(yaml, json_object_get_member(object, name),
					 "%s: wanted is %s, not %s", name, conditions[i].wants,
					 value);
		else if (value != NULL)
			g_string_append_printf(text, "%s%s=%s", text->len > 0 ? "," : "", name,
					       value);
	}
	return g_string_free(text, text->len == 0);
}

static void
rd_policy_read_rule(RdPolicy *self, RdYaml *yaml, JsonNode *node, const RdPlan *plan)
{
	static const char *const keys[] = {"gate", "cluster", "max-backup-age", "max-objects-lost",
					   NULL};
	JsonObject *object = rd_yaml_mapping(yaml, node, "a rule", keys);
	const char *gate = object != NULL ? rd_yaml_member(yaml, object, "gate") : NULL;
	g_autofree char *why = gate != NULL ? rd_policy_refuse_gate(plan, gate) : NULL;
	RdPolicyRule *rule;

	if (object != NULL && !json_object_has_member(object, "gate"))
		rd_yaml_complain(yaml, node, "gate is missing: which one?");
	if (gate == NULL)
		return;
	if (why == NULL)
		why = rd_policy_refuse_cluster(plan, gate, rd_yaml_member(yaml, object, "cluster"));
	if (why == NULL && rd_policy_has(self, gate))
		why = g_strdup("it has a rule already");
	if (why != NULL)
		rd_yaml_complain(yaml, json_object_get_member(object, "gate"), "gate %s: %s", gate,
				 why);
	rule = g_new0(RdPolicyRule, 1);
	rule->gate = g_strdup(gate);
	rule->conditions = rd_policy_read_conditions(yaml, object);
	g_ptr_array_add(self->rules, rule);
}

static void
rd_policy_read(RdPolicy *self, RdYaml *yaml, const RdPlan *plan)
{
	static const char *const keys[] = {"policy", "format", "approve", NULL};
	JsonNode *root = rd_yaml_get_root(yaml), *approve;
	JsonObject *object = rd_yaml_mapping(yaml, root, "a policy", keys);
	JsonArray *list;

	if (object == NULL)
		return;
	if (rd_yaml_member_int(yaml, object, "format", 0, G_MAXINT32, 0) != RD_POLICY_FORMAT)
		rd_yaml_complain(yaml, root, "format is not %d", RD_POLICY_FORMAT);
	self->name = g_strdup(rd_yaml_member(yaml, object, "policy"));
	if (!json_object_has_member(object, "policy"))
		rd_yaml_complain(yaml, root, "policy is missing: its name");
	approve = json_object_get_member(object, "approve");
	if (approve == NULL)
		rd_yaml_complain(yaml, root, "approve is missing: the gates");
	list = approve != NULL ? rd_yaml_list(yaml, approve, "approve") : NULL;
	for (guint i = 0; list != NULL && i < json_array_get_length(list); i++)
		rd_policy_read_rule(self, yaml, json_array_get_element(list, i), plan);
}

RdPolicy *
rd_policy_load(const char *path, const RdPlan *plan, GError **error)
{
	g_autoptr(RdComplaints) complaints = rd_complaints_new(path);
	g_autoptr(RdYaml) yaml = rd_yaml_load(path, complaints, error);
	g_autoptr(RdPolicy) self = NULL;

	if (yaml == NULL)
		return NULL;
	self = g_new0(RdPolicy, 1);
	self->rules = g_ptr_array_new_with_free_func((GDestroyNotify)rd_policy_rule_free);
	self->digest = g_strdup(rd_yaml_get_digest(yaml));
	rd_policy_read(self, yaml, plan);
	return rd_complaints_settle(complaints, error) ? g_steal_pointer(&self) : NULL;
}
