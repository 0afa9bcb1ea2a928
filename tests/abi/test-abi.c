/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One plugin built with three headers – the first release's, today's, tomorrow's – side by side in
 * one catalogue: the same table is read from each, and each of their functions gets through the
 * same conversation. The world is a list of answers. */

#include "runner/step.h"
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
	RdWorld world;
	GString *calls; /* what was asked, one a line */
	gint64 clock;
} Answers;

static const char *const builds[] = {"abi-1", "abi-today", "abi-newer"};
static RdCatalogue *catalogue;
static RdSetting *setting;

/* ---- a world of one answer for each verb --------------------------------------------------- */

static gboolean
answer(RdWorld *world, const char *host, const RdCall *call, RdReply *reply, GError **error)
{
	Answers *self = (Answers *)world;
	g_autofree char *argv =
	    call->argv != NULL ? g_strjoinv(" ", (char **)call->argv) : g_strdup("");
	const char *out = "looked\n", *err = "words\n";

	g_string_append_printf(self->calls, "%s %s %s %s %s\n", rd_call_verb_to_string(call->verb),
			       host, argv, call->from != NULL ? call->from : "",
			       call->to != NULL ? call->to : "");
	if (call->verb == RD_CALL_JOB_START || call->verb == RD_CALL_JOB_STATE)
		out = "job\n";
	if (call->verb == RD_CALL_ASIDE)
		out = "/aside/x\n";
	if (call->verb == RD_CALL_FETCH)
		err = "7 f078e0daef434faeeb93d35ff7cf2a3a3b4d539e8cbebd4834f45f93f88f9a67";
	*reply = (RdReply){.verdict = RD_VERDICT_DONE,
			   .out = g_bytes_new(out, strlen(out)),
			   .err = g_strdup(err)};
	return TRUE;
}

static void
answer_all(RdWorld *world, const char *const *hosts, guint n, const RdCall *call, RdReply *replies,
	   GError **errors)
{
	for (guint i = 0; i < n; i++)
		answer(world, hosts[i], call, &replies[i], &errors[i]);
}

static gboolean
pause_a_while(RdWorld *world, guint milliseconds)
{
	((Answers *)world)->clock += milliseconds * 1000;
	return TRUE;
}

static gint64
tell_time(RdWorld *world)
{
	return ((Answers *)world)->clock;
}

static gboolean
never_cancelled(RdWorld *world)
{
	return FALSE;
}

static const RdWorldClass klass = {answer, answer_all, pause_a_while, tell_time, never_cancelled};

/* ---- orders -------------------------------------------------------------------------------- */

static gboolean
hear(const RdReport *report, gpointer data)
{
	GString *heard = data;

	g_string_append_printf(
	    heard, "%s %s %s=%s %s %s\n", rd_report_kind_to_string(report->kind),
	    report->word != NULL ? report->word : "", report->key != NULL ? report->key : "",
	    report->value != NULL ? report->value : "", report->text != NULL ? report->text : "",
	    report->outcome != NULL ? report->outcome : "");
	return TRUE;
}

static RdOrder *
order_of(const char *plugin, RdDo what, const char *state)
{
	static const char *const with[] = {"text", "a b",  "number", "5000000000", "switch",
					   "yes",  "path", "/etc/x", "file",	   "/tmp/x",
					   "time", "90",   "secret", "hidden",	   NULL};
	RdOrder *order = rd_order_new(what, "m0");

	order->type = g_strdup_printf("%s/%s", plugin, state);
	order->state = g_strdup("state");
	order->visit = order->attempt = 1;
	order->number = 1;
	order->timeout_ms = 60000;
	for (guint i = 0; with[i] != NULL; i += 2)
		g_hash_table_insert(order->with, g_strdup(with[i]), g_strdup(with[i + 1]));
	g_hash_table_insert(order->notes, g_strdup("boot-id"), g_strdup("looked\n"));
	g_ptr_array_add(order->excused, g_strdup("m2"));
	return order;
}

/* every function of every state; what was asked of the world and told of it */
static char *
carry_out_all(const char *plugin)
{
	static const struct {
		RdDo what;
		const char *state;
	} orders[] = {{RD_DO_CHECK, "all"}, {RD_DO_ENTER, "all"},  {RD_DO_PROBE, "all"},
		      {RD_DO_UNDO, "all"},  {RD_DO_LOOK, "await"}, {RD_DO_LOOK, "query"}};
	GString *heard = g_string_new(NULL);
	Answers world = {.world = {&klass}, .calls = heard};

	for (guint i = 0; i < G_N_ELEMENTS(orders); i++) {
		g_autoptr(RdOrder) order = order_of(plugin, orders[i].what, orders[i].state);

		rd_order_carry_out(order, catalogue, &world.world, setting, hear, heard);
	}
	return g_string_free(heard, FALSE);
}

/* ---- tests --------------------------------------------------------------------------------- */

static void
test_same_conversation(void)
{
	g_autofree char *first = carry_out_all(builds[0]);
	static const char *const expected[] = {"result present",	 "result finished",
					       "output  seen=all",	 "other\n",
					       "run m0 make a b",	 "job-start m0 make a b",
					       "move m0  /etc/x /etc/y", "move-aside m0  /etc/y",
					       "put m0   /etc/z",	 "ask m1 uptime",
					       "fetch m0  /etc/x",	 "output  text=looked",
					       "progress  = at 50 %"};

	for (guint i = 0; i < G_N_ELEMENTS(expected); i++)
		if (strstr(first, expected[i]) == NULL)
			g_error("\"%s\" is missing in:\n%s", expected[i], first);
	g_assert_null(strstr(first, "permanent"));
	g_assert_null(strstr(first, "failed"));
	for (guint i = 1; i < G_N_ELEMENTS(builds); i++) {
		g_autofree char *other = carry_out_all(builds[i]);

		g_assert_cmpstr(first, ==, other);
	}
}

/* described without names and files */
static char *
describe(JsonArray *plugins, guint i)
{
	g_autoptr(JsonNode) node = json_node_copy(json_array_get_element(plugins, i));
	JsonObject *object = json_node_get_object(node);

	json_object_remove_member(object, "name");
	json_object_remove_member(object, "file");
	return json_to_string(node, FALSE);
}

static void
test_same_table(void)
{
	g_autoptr(JsonNode) all = rd_catalogue_describe(catalogue);
	JsonArray *plugins = json_object_get_array_member(json_node_get_object(all), "plugins");
	g_autofree char *first = describe(plugins, 0);

	g_assert_cmpuint(json_array_get_length(plugins), ==, G_N_ELEMENTS(builds));
	for (guint i = 1; i < G_N_ELEMENTS(builds); i++) {
		g_autofree char *other = describe(plugins, i);

		g_assert_cmpstr(first, ==, other);
	}
	for (guint i = 0; i < G_N_ELEMENTS(builds); i++) {
		g_autofree char *type = g_strconcat(builds[i], "/all", NULL);
		const RecoveryState *state = rd_catalogue_find(catalogue, type);

		g_assert_cmpuint(state->timeout, ==, 77);
		g_assert_cmpint(state->params[6].type, ==, RECOVERY_PARAM_SECRET);
		g_assert_null(state->params[7].name);
	}
}

int
main(int argc, char **argv)
{
	g_autofree char *dir = NULL;
	g_autofree char *fetched = NULL;
	int status;

	g_test_init(&argc, &argv, NULL);
	dir = g_build_filename(g_get_tmp_dir(), "abi-XXXXXX", NULL);
	g_assert_nonnull(mkdtemp(dir));
	catalogue = rd_catalogue_new();
	for (guint i = 0; i < G_N_ELEMENTS(builds); i++) {
		g_autofree char *file =
		    g_strdup_printf("%s/tests/abi/%s.so", g_getenv("BUILD_ROOT"), builds[i]);
		g_autoptr(GError) error = NULL;

		rd_catalogue_load(catalogue, file, &error);
		g_assert_no_error(error);
	}
	setting = rd_setting_new("r-20261120-kite-3", "0b6c", "alice@bastion", dir);
	rd_setting_add_host(setting, "m0", "recovery", "10.0.0.1");
	rd_setting_add_host(setting, "m1", "control-plane", "10.0.0.2");
	rd_setting_add_host(setting, "m2", "control-plane", "10.0.0.3");
	g_test_add_func("/abi/same-table", test_same_table);
	g_test_add_func("/abi/same-conversation", test_same_conversation);
	status = g_test_run();
	fetched = g_build_filename(dir, "fetched", NULL);
	g_remove(fetched);
	g_rmdir(dir);
	rd_setting_free(setting);
	rd_catalogue_free(catalogue);
	return status;
}
