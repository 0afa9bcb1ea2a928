/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/policy.h"
#include "engine/unattended.h"

#include <string.h>

/* A run that stands at a gate, and nobody is there: what a policy opens, what it leaves, and that
 * it says so once. */

#define GATE   "point-of-no-return"
#define DIGEST "3f2a1b9c04de55aa"

typedef struct {
	RdPlan *plan;
	RdOpenRun open;
	RdRunSetting *setting;
	RdEngine *engine;
	RdCrew crew;
	GMainContext *context;
} Fixture;

static void
send_nothing(RdCrew *crew, const RdOrder *order)
{
}

static void
do_nothing(RdCrew *crew, const char *lane)
{
}

static void
free_nothing(RdCrew *crew)
{
}

static const RdCrewClass crew_class = {send_nothing, do_nothing, do_nothing, free_nothing};

static gint64
now(gpointer data)
{
	return 0;
}

static void
stopped(RdEngine *engine, const GError *error, gpointer data)
{
}

static void
store(Fixture *f, RdEvent *event)
{
	g_autoptr(GPtrArray) events = g_ptr_array_new_with_free_func((GDestroyNotify)rd_event_free);

	g_ptr_array_add(events, event);
	g_assert_true(rd_journal_append(f->open.journal, events, NULL));
	g_assert_true(rd_run_apply(f->open.run, event, NULL));
}

static void
tell(Fixture *f, const char *json)
{
	store(f, rd_event_pair(rd_event_new(RD_EVENT_REMARK, RD_REMARK_LOSS), "recoveryd", json));
}

static void
give(Fixture *f, const char *name, const char *value)
{
	store(f, rd_event_pair(rd_event_new(RD_EVENT_INPUT, NULL), name, value));
}

static void
hold(Fixture *f)
{
	store(f, rd_event_new(RD_EVENT_RUN, "held"));
	rd_unattended_rest(f->engine, &f->open, f->setting);
}

/* held at its gate; @data: it always asks */
static void
setup(Fixture *f, gconstpointer data)
{
	const RdEngineHooks hooks = {.now = now, .stopped = stopped};
	RdPlanState *state;
	RdEvent *event;

	f->plan = rd_plan_new("test", "night");
	rd_plan_add_host(f->plan, "m0", "recovery");
	state = rd_plan_add_state(f->plan, "start", "test/start", RD_KIND_CHANGE);
	g_ptr_array_add(state->targets, g_strdup("m0"));
	rd_plan_state_set_gate(state, GATE, NULL, data != NULL, FALSE);
	rd_plan_add_unit(f->plan, "start", 1);
	f->context = g_main_context_new();
	g_main_context_push_thread_default(f->context);
	f->open.plan = f->plan;
	f->open.journal = rd_journal_new_memory();
	f->open.run = rd_run_new(f->plan);
	f->setting = rd_run_setting_new();
	f->crew.klass = &crew_class;
	f->engine = rd_engine_new(f->open.run, f->open.journal, &f->crew, &hooks);
	event = rd_event_pair(rd_event_new(RD_EVENT_CREATED, "test"), "night", "0b5c");
	store(f, rd_event_text(event, "alice@bastion"));
	give(f, RD_RUN_INPUT_PLAN, DIGEST);
	store(f, rd_event_new(RD_EVENT_RUN, "running"));
	event = rd_event_number(rd_event_new(RD_EVENT_VISIT, NULL), 1);
	store(f, rd_event_step(event, "start", NULL, 1, 0));
}

static void
teardown(Fixture *f, gconstpointer data)
{
	rd_engine_free(f->engine);
	rd_run_setting_free(f->setting);
	rd_run_free(f->open.run);
	rd_journal_free(f->open.journal);
	rd_plan_free(f->plan);
	g_main_context_pop_thread_default(f->context);
	g_main_context_unref(f->context);
}

/* how many, and the last of them (transfer full) (nullable) */
static guint
find(Fixture *f, RdEventKind kind, const char *word, RdEvent **last)
{
	g_autoptr(GPtrArray) events = rd_journal_read(f->open.journal, 0, NULL);
	guint n = 0;

	*last = NULL;
	for (guint i = 0; i < events->len; i++) {
		const RdEvent *event = g_ptr_array_index(events, i);

		if (event->kind != kind || g_strcmp0(event->word, word) != 0)
			continue;
		g_clear_pointer(last, rd_event_free);
		*last = rd_event_copy(event);
		n++;
	}
	return n;
}

static void
test_opens(Fixture *f, gconstpointer data)
{
	g_autoptr(RdEvent) asked = NULL, opened = NULL;

	give(f, RD_POLICY_INPUT_NAME, "drill");
	give(f, RD_POLICY_INPUT_DIGEST, "aaaaaaaaaaaabbbb");
	give(f, RD_POLICY_INPUT_GATE GATE, "max-objects-lost=3");
	tell(f, "{\"lost\": 3, \"changed\": 0}");
	hold(f);
	g_assert_cmpint(rd_run_get_state(f->open.run), ==, RD_RUN_RUNNING);
	g_assert_cmpuint(find(f, RD_EVENT_GATE, "approved", &opened), ==, 1);
	g_assert_cmpstr(opened->key, ==, "policy drill (aaaaaaaaaaaa)");
	g_assert_cmpstr(opened->value, ==, GATE);
	g_assert_cmpuint(opened->visit, ==, 1);
	g_assert_nonnull(strstr(opened->text, "3, at most 3"));
	g_assert_cmpuint(find(f, RD_EVENT_REQUEST, "approve", &asked), ==, 1);
	g_assert_cmpstr(asked->value, ==, GATE "@" DIGEST);
}

/* said once, however often it is resumed; another question is another one */
static void
test_leaves(Fixture *f, gconstpointer data)
{
	g_autoptr(RdEvent) said = NULL, opened = NULL;

	give(f, RD_POLICY_INPUT_GATE GATE, "max-objects-lost=3");
	tell(f, "{\"lost\": 3, \"changed\": 1}");
	hold(f);
	store(f, rd_event_new(RD_EVENT_RUN, "running"));
	hold(f);
	g_assert_cmpint(rd_run_get_state(f->open.run), ==, RD_RUN_HELD);
	g_assert_cmpuint(find(f, RD_EVENT_GATE, "approved", &opened), ==, 0);
	g_assert_cmpuint(find(f, RD_EVENT_REMARK, RD_REMARK_POLICY, &said), ==, 1);
	g_assert_nonnull(strstr(said->text, GATE " waits for a person"));
	g_assert_nonnull(strstr(said->text, "4, at most 3"));
}

/* nothing was told: then nothing is known, and nothing is opened */
static void
test_unknown(Fixture *f, gconstpointer data)
{
	g_autoptr(RdEvent) said = NULL;

	give(f, RD_POLICY_INPUT_GATE GATE, "max-objects-lost=1000");
	hold(f);
	g_assert_cmpint(rd_run_get_state(f->open.run), ==, RD_RUN_HELD);
	g_assert_cmpuint(find(f, RD_EVENT_REMARK, RD_REMARK_POLICY, &said), ==, 1);
	g_assert_nonnull(strstr(said->text, "not known"));
}

/* however that came into the journal */
static void
test_always_asks(Fixture *f, gconstpointer data)
{
	g_autoptr(RdEvent) opened = NULL, said = NULL;

	give(f, RD_POLICY_INPUT_GATE GATE, "max-objects-lost=3");
	tell(f, "{\"lost\": 0, \"changed\": 0}");
	hold(f);
	g_assert_cmpint(rd_run_get_state(f->open.run), ==, RD_RUN_HELD);
	g_assert_cmpuint(find(f, RD_EVENT_GATE, "approved", &opened), ==, 0);
	g_assert_cmpuint(find(f, RD_EVENT_REMARK, RD_REMARK_POLICY, &said), ==, 0);
}

/* a gate that nobody spoke of is a person's, and nothing is said about it */
static void
test_no_rule(Fixture *f, gconstpointer data)
{
	g_autoptr(RdEvent) said = NULL;

	give(f, RD_POLICY_INPUT_GATE "another", "max-objects-lost=3");
	tell(f, "{\"lost\": 0, \"changed\": 0}");
	hold(f);
	g_assert_cmpint(rd_run_get_state(f->open.run), ==, RD_RUN_HELD);
	g_assert_cmpuint(find(f, RD_EVENT_REMARK, RD_REMARK_POLICY, &said), ==, 0);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add("/unattended/opens", Fixture, NULL, setup, test_opens, teardown);
	g_test_add("/unattended/leaves", Fixture, NULL, setup, test_leaves, teardown);
	g_test_add("/unattended/unknown", Fixture, NULL, setup, test_unknown, teardown);
	g_test_add("/unattended/always", Fixture, "always", setup, test_always_asks, teardown);
	g_test_add("/unattended/no-rule", Fixture, NULL, setup, test_no_rule, teardown);
	return g_test_run();
}
