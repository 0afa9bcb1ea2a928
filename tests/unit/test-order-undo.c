/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runner/step.h"
#include <string.h>

/* On the way back an undo is over only when the probe does not find the change any more. */

typedef struct {
	RdWorld world;
	gboolean there; /* the file that the plugin puts */
	gboolean blind; /* nothing can be seen since the undo */
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
	reply->status = f->there ? 0 : 1;
	reply->err = g_strdup(f->there ? "" : "No such file or directory");
	return TRUE;
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

static void
try_undo(const char *plugin, gboolean prove, gboolean blind, const char *word, const char *text)
{
	static const RdWorldClass klass = {.call = answer,
					   .clock = clock_of,
					   .cancelled = cancelled};
	g_autofree char *path =
	    g_strdup_printf("%s/tests/unit/conduct/conduct-%s.so", g_getenv("BUILD_ROOT"), plugin);
	g_autoptr(RdCatalogue) catalogue = rd_catalogue_new();
	g_autoptr(RdOrder) order = rd_order_new(RD_DO_UNDO, "m0");
	g_autoptr(RdSetting) setting = rd_setting_new("r-1", "u", "al@night", "/nowhere");
	g_autoptr(GError) error = NULL;
	Fixture f = {.world = {.klass = &klass}, .there = TRUE, .blind = blind};

	g_assert_true(rd_catalogue_load(catalogue, path, &error));
	order->state = g_strdup("act");
	order->type = g_strdup("bad/act");
	order->visit = order->attempt = 1;
	order->timeout_ms = 60000;
	order->prove = prove;
	rd_order_carry_out(order, catalogue, &f.world, setting, keep, &f);
	g_assert_cmpstr(f.result->word, ==, word);
	g_assert_true(text == NULL ||
		      (f.result->text != NULL && strstr(f.result->text, text) != NULL));
	rd_report_free(f.result);
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
	g_test_add_func("/order/undo/proven", test_proven);
	g_test_add_func("/order/undo/disproven", test_disproven);
	g_test_add_func("/order/undo/not-seen", test_not_seen);
	return g_test_run();
}
