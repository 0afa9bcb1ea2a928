/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runner/step.h"
#include <string.h>

/* What every plugin is under, whatever it does: a change begins only while its guards hold, and on
 * the way back an undo is over only when the probe does not find the change any more. */

typedef struct {
	RdWorld world;
	gboolean there; /* the file that the plugin puts */
	gboolean blind; /* nothing can be seen since the undo */
	gboolean loud;	/* an etcd manifest is there, which etcd/silent finds */
	guint moves;
	RdReport *result; /* (owned) */
} Fixture;

static gboolean
answer(RdWorld *world, const char *host, const RdCall *call, RdReply *reply, GError **error)
{
	Fixture *f = (Fixture *)world;

	*reply = (RdReply){.verdict = RD_VERDICT_DONE, .out = g_bytes_new_static("", 0)};
	if (call->verb == RD_CALL_MOVE_ASIDE) {
		f->there = FALSE;
		f->moves++;
		return TRUE;
	}
	if (call->verb != RD_CALL_ASK)
		return TRUE;
	if (f->blind && f->moves > 0) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE, "%s: silent", host);
		return FALSE;
	}
	if (!g_str_equal(call->argv[0], "cat")) {
		const char *out = g_str_equal(call->argv[0], "crictl") ? "{\"containers\": []}"
				  : g_str_equal(call->argv[0], "ls") && f->loud ? "etcd-pod.yaml\n"
										: "";

		g_bytes_unref(reply->out);
		reply->out = g_bytes_new_static(out, strlen(out));
		return TRUE;
	}
	reply->status = f->there ? 0 : 1;
	reply->err = g_strdup(f->there ? "" : "No such file or directory");
	return TRUE;
}

static void
answer_all(RdWorld *world, const char *const *hosts, guint n_hosts, const RdCall *calls,
	   RdReply *replies, GError **errors)
{
	for (guint i = 0; i < n_hosts; i++)
		answer(world, hosts[i], &calls[i], &replies[i], &errors[i]);
}

static gint64
clock_of(RdWorld *world)
{
	return 1;
}

static gboolean
cancelled(RdWorld *world)
{
	return FALSE;
}

static gboolean
keep(const RdReport *report, gpointer data)
{
	Fixture *f = data;

	if (report->kind == RD_REPORT_RESULT)
		f->result = rd_report_copy(report);
	return TRUE;
}

/* bad/act of that plugin, as it is ordered */
static void
try_order(RdOrder *order, const char *plugin, Fixture *f, const char *word, const char *text)
{
	static const RdWorldClass klass = {.call = answer,
					   .call_all = answer_all,
					   .clock = clock_of,
					   .cancelled = cancelled};
	const char *build = g_getenv("BUILD_ROOT");
	g_autofree char *path =
	    g_strdup_printf("%s/tests/unit/conduct/conduct-%s.so", build, plugin);
	g_autofree char *guards = g_build_filename(build, "plugins", "etcd.so", NULL);
	g_autoptr(RdCatalogue) catalogue = rd_catalogue_new();
	g_autoptr(RdSetting) setting = rd_setting_new("r-1", "u", "al@night", "/nowhere");
	g_autoptr(GError) error = NULL;

	g_assert_true(rd_catalogue_load(catalogue, path, &error));
	g_assert_true(rd_catalogue_load(catalogue, guards, &error));
	rd_setting_add_host(setting, "m0", "recovery", "10.0.0.10");
	f->world.klass = &klass;
	order->state = g_strdup("act");
	order->type = g_strdup("bad/act");
	order->visit = order->attempt = 1;
	order->timeout_ms = 60000;
	rd_order_carry_out(order, catalogue, &f->world, setting, keep, f);
	g_assert_cmpstr(f->result->word, ==, word);
	g_assert_true(text == NULL ||
		      (f->result->text != NULL && strstr(f->result->text, text) != NULL));
	rd_report_free(f->result);
}

static void
try_undo(const char *plugin, gboolean prove, gboolean blind, const char *word, const char *text)
{
	g_autoptr(RdOrder) order = rd_order_new(RD_DO_UNDO, "m0");
	Fixture f = {.there = TRUE, .blind = blind};

	order->prove = prove;
	try_order(order, plugin, &f, word, text);
}

/* @there: the file that the change puts */
static void
try_guarded(RdDo what, gboolean there, gboolean loud, const char *word, const char *text)
{
	g_autoptr(RdOrder) order = rd_order_new(what, "m0");
	RdOrderGuard *guard = rd_order_add_guard(order, "etcd/silent");
	Fixture f = {.there = there, .loud = loud};

	g_hash_table_insert(guard->with, g_strdup("hosts"), g_strdup("control-plane"));
	try_order(order, "honest", &f, word, text);
	g_assert_true(!loud || f.moves == 0);
}

/* INV-2 stands and falls with it: asked before the change, and before it is taken back */
static void
test_guards(void)
{
	try_guarded(RD_DO_CHECK, FALSE, FALSE, "absent", NULL);
	try_guarded(RD_DO_CHECK, FALSE, TRUE, "failed", "guard etcd/silent: etcd is not silent");
	try_guarded(RD_DO_UNDO, TRUE, FALSE, "finished", NULL);
	try_guarded(RD_DO_UNDO, TRUE, TRUE, "failed", "guard etcd/silent: etcd is not silent");
	/* what is done already needs none */
	try_guarded(RD_DO_CHECK, TRUE, TRUE, "present", NULL);
}

static void
test_proven(void)
{
	try_undo("honest", TRUE, FALSE, "finished", NULL);
}

static void
test_disproven(void)
{
	try_undo("undo-not", TRUE, FALSE, "failed", "shows it as done still");
	/* on other ways out what the body says is enough */
	try_undo("undo-not", FALSE, FALSE, "finished", NULL);
}

static void
test_not_seen(void)
{
	try_undo("honest", TRUE, TRUE, "unreachable", "silent");
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/order/guards", test_guards);
	g_test_add_func("/order/undo/proven", test_proven);
	g_test_add_func("/order/undo/disproven", test_disproven);
	g_test_add_func("/order/undo/not-seen", test_not_seen);
	return g_test_run();
}
