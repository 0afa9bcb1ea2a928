/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/policy.h"
#include "yaml/complaints.h"

#include <glib/gstdio.h>
#include <string.h>

/* What may be passed without a person: what is refused with its place, and what is not known does
 * not hold. */

#define NOW	 (G_GINT64_CONSTANT(1795147200) * G_USEC_PER_SEC) /* 2026-11-20 04:00 UTC */
#define MAY_PASS "point-of-no-return"

static char *scratch;

static RdPlan *
make_plan(void)
{
	static const struct {
		const char *gate;
		gboolean always, named;
	} gates[] = {{MAY_PASS, FALSE},
		     {"delete-machine", TRUE},
		     {"control-plane-reboots", FALSE},
		     {"drill", FALSE, TRUE},
		     /* of two that have the same name one asks always */
		     {"twice", FALSE},
		     {"twice", TRUE}};
	RdPlan *plan = rd_plan_new("test", "night");

	for (guint i = 0; i < G_N_ELEMENTS(gates); i++) {
		g_autofree char *name = g_strdup_printf("s%u", i);
		RdPlanState *state = rd_plan_add_state(plan, name, "test/work", RD_KIND_CHANGE);

		rd_plan_state_set_gate(state, gates[i].gate, NULL, gates[i].always, gates[i].named);
	}
	return plan;
}

static RdPolicy *
load(const char *text, GError **error)
{
	g_autofree char *path = g_build_filename(scratch, "policy.yaml", NULL);
	g_autoptr(RdPlan) plan = make_plan();

	g_assert_true(g_file_set_contents(path, text, -1, NULL));
	return rd_policy_load(path, plan, error);
}

static void
test_read(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(RdPolicy) policy = load("policy: nightly drill\nformat: 1\napprove:\n"
					  "- gate: " MAY_PASS "\n"
					  "  max-objects-lost: 100\n"
					  "  max-backup-age: 26h\n"
					  "- {gate: control-plane-reboots}\n",
					  &error);
	const RdPolicyRule *first, *second;

	g_assert_no_error(error);
	g_assert_cmpstr(policy->name, ==, "nightly drill");
	g_assert_cmpuint(strlen(policy->digest), ==, 64);
	g_assert_cmpuint(policy->rules->len, ==, 2);
	first = g_ptr_array_index(policy->rules, 0);
	second = g_ptr_array_index(policy->rules, 1);
	g_assert_cmpstr(first->gate, ==, MAY_PASS);
	g_assert_cmpstr(first->conditions, ==, "max-backup-age=26h,max-objects-lost=100");
	g_assert_cmpstr(second->gate, ==, "control-plane-reboots");
	g_assert_null(second->conditions);
}

static void
test_refused(void)
{
#define HEAD "policy: p\nformat: 1\napprove:\n"
	static const struct {
		const char *text, *place, *says;
	} cases[] = {
	    {HEAD "- gate: delete-machine\n", ":4:9: ", "delete-machine: this gate is asked"},
	    {HEAD "- gate: twice\n", ":4:9: ", "never beforehand"},
	    {HEAD "- gate: reboot\n",
	     ":4:9: ", "beforehand: point-of-no-return, control-plane-reboots"},
	    {HEAD "- gate: drill\n", ":4:9: ", "drill: this gate is opened by the cluster's name"},
	    {HEAD "- {gate: drill, cluster: day}\n", ":4:", "for cluster day, and this is night"},
	    {HEAD "- {gate: " MAY_PASS ", cluster: day}\n", ":4:", "this is night"},
	    {HEAD "- gate: " MAY_PASS "\n- gate: " MAY_PASS "\n", ":5:9: ", "a rule already"},
	    {HEAD "- {gate: " MAY_PASS ", max-backup-age: soon}\n", ":4:", "not soon"},
	    {HEAD "- {gate: " MAY_PASS ", max-objects-lost: -1}\n", ":4:", "0 or more"},
	    {HEAD "- {gate: " MAY_PASS ", max-age: 1h}\n", ":4:", "max-age"},
	    {HEAD "- {max-backup-age: 1h}\n", ":4:", "gate is missing"},
	    {HEAD "- " MAY_PASS "\n", ":4:", "a rule"},
	    {"policy: p\nformat: 2\napprove: []\n", ":1:1: ", "format"},
	    {"format: 1\napprove: []\n", ":1:1: ", "policy is missing"},
	    {"policy: p\nformat: 1\n", ":1:1: ", "approve is missing"},
	    {"policy: p\nformat: 1\napprove: []\nalways: yes\n", ":4:1: ", "always"},
	    {"policy: [\n", ":", ""},
	};
#undef HEAD

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(RdPolicy) policy = load(cases[i].text, &error);

		g_test_message("%s", cases[i].text);
		g_assert_null(policy);
		g_assert_nonnull(error);
		g_assert_true(error->domain == RD_PROCEDURE_ERROR);
		g_test_message("%s", error->message);
		g_assert_nonnull(strstr(error->message, "policy.yaml"));
		g_assert_nonnull(strstr(error->message, cases[i].place));
		g_assert_nonnull(strstr(error->message, cases[i].says));
	}
}

static void
test_typed(void)
{
	static const struct {
		const char *text, *conditions, *says; /* (nullable) it is right */
	} cases[] = {
	    {MAY_PASS, NULL, NULL},
	    {MAY_PASS ":max-objects-lost=0", "max-objects-lost=0", NULL},
	    {MAY_PASS ":max-backup-age=90m,max-objects-lost=5",
	     "max-backup-age=90m,max-objects-lost=5", NULL},
	    {"drill:cluster=night", NULL, NULL},
	    {"drill:max-objects-lost=5,cluster=night", "max-objects-lost=5", NULL},
	    {"drill", NULL, "opened by the cluster's name"},
	    {"drill:max-objects-lost=5", NULL, "opened by the cluster's name"},
	    {"drill:cluster=day", NULL, "that is for cluster day, and this is night"},
	    {MAY_PASS ":", NULL, "no condition"},
	    {MAY_PASS ":max-objects-lost", NULL, "a number"},
	    {MAY_PASS ":max-objects-lost=few", NULL, "a number"},
	    {MAY_PASS ":whenever=1", NULL, "no condition whenever=1"},
	    {"delete-machine", NULL, "never beforehand"},
	    {"delete-machine:max-objects-lost=0", NULL, "never beforehand"},
	    {"nonsense", NULL, "no such gate"},
	};
	g_autoptr(RdPlan) plan = make_plan();

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(RdPolicyRule) rule = rd_policy_rule_parse(cases[i].text, plan, &error);

		g_test_message("%s", cases[i].text);
		if (cases[i].says != NULL) {
			g_assert_null(rule);
			g_assert_nonnull(strstr(error->message, cases[i].says));
			continue;
		}
		g_assert_no_error(error);
		g_assert_true(g_str_has_prefix(cases[i].text, rule->gate));
		g_assert_cmpstr(rule->conditions, ==, cases[i].conditions);
	}
}

static void
test_holds(void)
{
	/* the backup's newest write is an hour old */
	static const char told[] = "{\"written\": \"2026-11-20T03:00:00Z\", \"lost\": 3, "
				   "\"changed\": 2, \"returns\": 9}";
	static const struct {
		const char *loss; /* (nullable) nothing was told yet */
		const char *conditions;
		gboolean holds;
		const char *says;
	} cases[] = {
	    {told, "max-backup-age=1h", TRUE, "1h00m, at most 1h"},
	    {told, "max-backup-age=59m", FALSE, "1h00m, at most 59m"},
	    {told, "max-objects-lost=5", TRUE, "5, at most 5"},
	    {told, "max-objects-lost=4", FALSE, "5, at most 4"},
	    /* all of them, and each is told */
	    {told, "max-backup-age=1h,max-objects-lost=4", FALSE, "at most 1h; "},
	    {told, "max-objects-lost=4,max-backup-age=1h", FALSE, "at most 4; "},
	    {told, "max-backup-age=2h,max-objects-lost=9", TRUE, "at most 9"},
	    /* what is not known does not hold */
	    {NULL, "max-backup-age=1h", FALSE, "not known"},
	    {"{}", "max-backup-age=1h", FALSE, "not known"},
	    {"{\"written\": null}", "max-backup-age=1h", FALSE, "not known"},
	    {"{\"written\": \"2026-11-20T03:00:00Z\"}", "max-objects-lost=1000", FALSE,
	     "not known"},
	    {"{\"written\": \"soon\"}", "max-backup-age=1h", FALSE, "not known"},
	    {"[1]", "max-objects-lost=1000", FALSE, "not known"},
	    {told, "max-regret=5", FALSE, "max-regret=5 is not known here"},
	    {told, "max-objects-lost=many", FALSE, "is not known here"},
	    {told, "", FALSE, ""},
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(RdPlan) plan = make_plan();
		g_autoptr(RdRun) run = rd_run_new(plan);
		g_autoptr(RdEvent) event = rd_event_new(RD_EVENT_REMARK, RD_REMARK_LOSS);
		g_autofree char *found = NULL;

		g_test_message("%s: %s", cases[i].conditions, cases[i].loss);
		rd_event_pair(event, "recoveryd", cases[i].loss);
		event->seq = 1;
		if (cases[i].loss != NULL)
			g_assert_true(rd_run_apply(run, event, NULL));
		g_assert_cmpint(rd_policy_holds(run, cases[i].conditions, NOW, &found), ==,
				cases[i].holds);
		g_test_message("%s", found);
		g_assert_nonnull(strstr(found, cases[i].says));
	}
}

int
main(int argc, char **argv)
{
	g_autofree char *path = NULL;
	int result;

	g_test_init(&argc, &argv, NULL);
	scratch = g_dir_make_tmp("rd-policy-XXXXXX", NULL);
	g_test_add_func("/policy/read", test_read);
	g_test_add_func("/policy/refused", test_refused);
	g_test_add_func("/policy/typed", test_typed);
	g_test_add_func("/policy/holds", test_holds);
	result = g_test_run();
	path = g_build_filename(scratch, "policy.yaml", NULL);
	(void)g_remove(path);
	(void)g_rmdir(scratch);
	g_free(scratch);
	return result;
}
