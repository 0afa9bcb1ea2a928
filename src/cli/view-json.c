/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include "engine/policy.h"
#include "view.h"
#include "yaml/format.h"
#include "yaml/json.h"

/* docs/json.md documents every key that is written here. */

static void
rd_json_seconds(JsonBuilder *json, const char *name, gint64 us)
{
	json_builder_set_member_name(json, name);
	json_builder_add_int_value(json, us / G_USEC_PER_SEC);
}

static void
rd_json_step(JsonBuilder *json, const RdView *view, const RdStep *step)
{
	gboolean work = rd_life_is_at_work(step->life) && step->attempt > 0;
	gint64 left = rd_step_deadline(step) - view->clock, whole = rd_step_whole_deadline(step);
	const RdProgress *progress =
	    view->progress != NULL && work ? g_hash_table_lookup(view->progress, step->lane) : NULL;
	g_autofree char *name = g_strdup_printf("%s@%s", step->plan->name, step->target);

	json_builder_begin_object(json);
	rd_json_string(json, "step", name);
	rd_json_string(json, "target", step->target);
	rd_json_string(json, "life", rd_life_to_string(step->life));
	rd_json_bool(json, "excused", !rd_advice_counts(view->run, step));
	rd_json_int(json, "visit", step->visit);
	rd_json_int(json, "attempt", step->attempt);
	rd_json_int(json, "touches", step->touches);
	rd_json_bool(json, "intent", step->intent);
	rd_json_wall(json, "began", step->wall_began);
	rd_json_wall(json, "since", step->wall_since);
	rd_json_wall(json, "ended", step->wall_ended);
	json_builder_set_member_name(json, "left_s");
	if (work)
		json_builder_add_int_value(json, MAX(left, 0) / G_USEC_PER_SEC);
	else
		json_builder_add_null_value(json);
	rd_json_wall(json, "deadline",
		     work && view->engine == RD_ENGINE_ALIVE ? view->wall + left : 0);
	rd_json_wall(json, "deadline_at_most",
		     work && view->engine == RD_ENGINE_ALIVE && whole != 0
			 ? view->wall + whole - view->clock
			 : 0);
	rd_json_string(json, "outcome", step->outcome);
	rd_json_string(json, "text", step->text);
	rd_json_string(json, "progress", progress != NULL ? progress->text : NULL);
	rd_json_wall(json, "progress_at", progress != NULL ? progress->at : 0);
	json_builder_end_object(json);
}

static void
rd_json_states(JsonBuilder *json, const RdView *view)
{
	static const char *const kinds[] = {NULL, "change", "wait", "query"};
	const RdPlan *plan = rd_run_get_plan(view->run);

	json_builder_set_member_name(json, "states");
	json_builder_begin_array(json);
	for (guint i = 0; i < plan->states->len; i++) {
		const RdPlanState *state = g_ptr_array_index(plan->states, i);
		const RdPlanUnit *unit =
		    g_ptr_array_index(plan->units, rd_plan_find_unit(plan, state->name));
		g_autoptr(GPtrArray) steps = rd_view_get_state_steps(view, state);

		json_builder_begin_object(json);
		rd_json_string(json, "state", state->name);
		rd_json_string(json, "type", state->type);
		rd_json_string(json, "kind", kinds[state->kind]);
		rd_json_string(json, "summary", state->summary);
		rd_json_string(json, "unit", unit->name);
		rd_json_string(json, "mark",
			       state->mark != RD_MARK_NONE ? rd_mark_to_string(state->mark) : NULL);
		rd_json_string(json, "life",
			       rd_state_life_to_string(rd_view_get_state_life(view, state)));
		rd_json_int(json, "timeout_s", state->timeout_s);
		rd_json_int(json, "at_a_time", rd_run_get_width(view->run, state));
		rd_json_int(json, "longest_s", state->longest_s);
		json_builder_set_member_name(json, "steps");
		json_builder_begin_array(json);
		for (guint j = 0; j < steps->len; j++)
			rd_json_step(json, view, g_ptr_array_index(steps, j));
		json_builder_end_array(json);
		json_builder_end_object(json);
	}
	json_builder_end_array(json);
}

static void
rd_json_policy(JsonBuilder *json, const RdView *view)
{
	g_autoptr(GPtrArray) rules = rd_policy_list(view->run);

	json_builder_set_member_name(json, "policy");
	json_builder_begin_array(json);
	for (guint i = 0; i + 1 < rules->len; i += 2) {
		json_builder_begin_object(json);
		rd_json_string(json, "gate", rules->pdata[i]);
		rd_json_string(json, "when", rules->pdata[i + 1]);
		json_builder_end_object(json);
	}
	json_builder_end_array(json);
}

static void
rd_json_loss(JsonBuilder *json, const RdView *view)
{
	const char *text = rd_run_get_loss(view->run);
	g_autoptr(JsonNode) node = text != NULL ? json_from_string(text, NULL) : NULL;

	json_builder_set_member_name(json, "loss");
	if (node != NULL)
		json_builder_add_value(json, g_steal_pointer(&node));
	else
		json_builder_add_null_value(json);
}

static void
rd_json_marks(JsonBuilder *json, const RdView *view)
{
	json_builder_set_member_name(json, "marks");
	json_builder_begin_array(json);
	for (RdMark mark = RD_MARK_NONE + 1; mark <= RD_MARK_LAST; mark++) {
		const RdPlanState *state = rd_view_find_mark(view, mark);

		if (state == NULL && !rd_run_passed(view->run, mark))
			continue;
		json_builder_begin_object(json);
		rd_json_string(json, "mark", rd_mark_to_string(mark));
		rd_json_string(json, "state", state != NULL ? state->name : NULL);
		rd_json_bool(json, "passed", rd_run_passed(view->run, mark));
		json_builder_end_object(json);
	}
	json_builder_end_array(json);
}

static void
rd_json_hosts(JsonBuilder *json, const RdView *view)
{
	GPtrArray *hosts = rd_run_get_hosts(view->run);

	json_builder_set_member_name(json, "hosts");
	json_builder_begin_array(json);
	for (guint i = 0; i < hosts->len; i++) {
		const RdRunHost *host = g_ptr_array_index(hosts, i);
		gint64 until = rd_host_deadline(host);

		json_builder_begin_object(json);
		rd_json_string(json, "host", host->plan->name);
		rd_json_string(json, "role", host->plan->role);
		rd_json_bool(json, "locked", host->plan->locked);
		rd_json_bool(json, "excused", host->excused);
		rd_json_bool(json, "returned", host->returned);
		rd_json_string(json, "reason", host->excuse);
		rd_json_number(json, "lock", host->granted);
		rd_json_bool(json, "released", host->released);
		rd_json_bool(json, "asking", rd_view_is_asking(view, host));
		rd_json_wall(json, "asked_until",
			     until != 0 && view->engine == RD_ENGINE_ALIVE
				 ? view->wall + until - view->clock
				 : 0);
		rd_json_string(json, "trouble", host->trouble_word);
		rd_json_string(json, "trouble_text", host->trouble);
		json_builder_end_object(json);
	}
	json_builder_end_array(json);
}

static void
rd_json_causes(JsonBuilder *json, const RdView *view)
{
	g_autoptr(GPtrArray) causes = rd_advice_causes(view->run, view->run_id);
	g_autoptr(GPtrArray) commands =
	    rd_advice_commands(view->run, view->run_id, view->engine == RD_ENGINE_ALIVE);

	json_builder_set_member_name(json, "causes");
	json_builder_begin_array(json);
	for (guint i = 0; i < causes->len; i++) {
		const RdCause *cause = g_ptr_array_index(causes, i);

		json_builder_begin_object(json);
		rd_json_string(json, "step", cause->step != NULL ? cause->name : NULL);
		rd_json_string(json, "host", cause->host != NULL ? cause->name : NULL);
		rd_json_string(json, "what", cause->what);
		rd_json_string(json, "text", cause->text);
		rd_json_strings(json, "commands", cause->commands);
		json_builder_end_object(json);
	}
	json_builder_end_array(json);
	rd_json_strings(json, "commands", commands);
}

JsonNode *
rd_view_to_json(const RdView *view)
{
	g_autoptr(JsonBuilder) json = json_builder_new();
	g_autoptr(GPtrArray) way_back = rd_run_get_way_back(view->run);
	const RdPlan *plan = rd_run_get_plan(view->run);
	int unit = rd_run_get_unit(view->run);
	RdFacts facts;

	rd_view_get_facts(view, &facts);
	json_builder_begin_object(json);
	rd_json_int(json, "format", 1);
	rd_json_string(json, "run", view->run_id);
	rd_json_string(json, "uuid", rd_run_get_uuid(view->run));
	rd_json_string(json, "procedure", plan->procedure);
	rd_json_string(json, "cluster", plan->cluster);
	rd_json_string(json, "state", rd_run_state_to_string(rd_run_get_state(view->run)));
	rd_json_string(json, "end", rd_run_get_end(view->run));
	rd_json_string(json, "end_text", rd_run_get_end_text(view->run));
	rd_json_int(json, "exit_code", rd_exit_of_run(view->run));
	rd_json_wall(json, "at", view->wall);
	rd_json_wall(json, "created", rd_run_get_created_wall(view->run));
	rd_json_string(json, "created_by", rd_run_get_creator(view->run));
	rd_json_string(json, "plan", rd_run_get_input(view->run, RD_RUN_INPUT_PLAN));
	rd_json_wall(json, "ended", facts.ended);
	rd_json_seconds(json, "elapsed_s", facts.elapsed);
	rd_json_string(json, "engine", rd_engine_life_to_string(view->engine));
	rd_json_bool(json, "engine_missing", rd_view_is_orphaned(view));
	rd_json_string(json, "engine_holder", view->holder);
	rd_json_int(json, "resumes", facts.resumes);
	rd_json_seconds(json, "without_engine_s", facts.lost);
	rd_json_number(json, "seq", rd_run_get_seq(view->run));
	rd_json_int(json, "steps_done", facts.done);
	rd_json_int(json, "steps", facts.total);
	rd_json_bool(json, "goes_back", rd_run_goes_back(view->run));
	rd_json_int(json, "to_undo", way_back->len);
	rd_json_string(json, "unit",
		       unit >= 0 ? ((const RdPlanUnit *)plan->units->pdata[unit])->name : NULL);
	rd_json_policy(json, view);
	rd_json_loss(json, view);
	rd_json_marks(json, view);
	rd_json_states(json, view);
	rd_json_hosts(json, view);
	rd_json_causes(json, view);
	json_builder_end_object(json);
	return json_builder_get_root(json);
}
