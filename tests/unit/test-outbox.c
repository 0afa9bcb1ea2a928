/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "journal-fixture.h"
#include "journal/outbox.h"
#include "journal/proc.h"
#include <json-glib/json-glib.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEADLINE_S 30

typedef struct {
	Fixture base;
	char *outbox;
	char *got; /* what the command received, one file a notice */
} Box;

static void
set_up(Box *box, gconstpointer data)
{
	fixture_set_up(&box->base, NULL);
	box->outbox = g_build_filename(box->base.dir, "outbox", NULL);
	box->got = g_build_filename(box->base.dir, "got", NULL);
	g_assert_cmpint(g_mkdir(box->outbox, 0700), ==, 0);
}

static void
tear_down(Box *box, gconstpointer data)
{
	fixture_tear_down(&box->base, NULL);
	g_free(box->outbox);
	g_free(box->got);
}

/* the --notify line: a shell that runs @script with the file "got" as $0 */
static char *
command_of(Box *box, const char *script)
{
	return g_strdup_printf("/bin/sh -c '%s' %s", script, box->got);
}

static RdOutbox *
open_box(Box *box, const char *script, const RdOutboxPace *pace)
{
	g_autofree char *command = command_of(box, script);
	g_autoptr(GError) error = NULL;
	RdOutbox *outbox = rd_outbox_new(box->outbox, command, pace, &error);

	g_assert_no_error(error);
	return outbox;
}

static void
add(RdOutbox *outbox, gint64 seq, const char *text)
{
	RdNotice notice = {.seq = seq,
			   .wall = 1795132800000000,
			   .type = "decision.needed",
			   .run = "r-20261120-kite-3",
			   .cluster = "prod",
			   .step = "stop-etcd@m1",
			   .text = text,
			   .by = 1795136400000000,
			   .command = "recoveryd decide kite-3 stop-etcd@m1 redo"};
	g_autoptr(GError) error = NULL;

	rd_outbox_add(outbox, &notice, &error);
	g_assert_no_error(error);
}

static gboolean
late(gpointer data)
{
	g_error("nothing happened for %d s", DEADLINE_S);
	return G_SOURCE_REMOVE;
}

static void
run_until_waiting(RdOutbox *outbox, guint count)
{
	guint guard = g_timeout_add_seconds(DEADLINE_S, late, NULL);

	while (rd_outbox_get_waiting(outbox) > count)
		g_main_context_iteration(NULL, TRUE);
	g_source_remove(guard);
}

static guint
count_files(const char *dir, const char *sub)
{
	g_autofree char *path = g_build_filename(dir, sub, NULL);
	g_autoptr(GDir) listing = g_dir_open(path, 0, NULL);
	const char *name;
	guint count = 0;

	while (listing != NULL && (name = g_dir_read_name(listing)) != NULL)
		count += g_str_has_suffix(name, ".json");
	return count;
}

static char *
read_got(Box *box)
{
	char *text = NULL;

	if (!g_file_get_contents(box->got, &text, NULL, NULL))
		return g_strdup("");
	return text;
}

static void
test_event(Box *box, gconstpointer data)
{
	g_autoptr(RdOutbox) outbox = open_box(box, "cat > $0", NULL);
	g_autofree char *text = NULL;
	g_autoptr(JsonNode) root = NULL;
	JsonObject *event, *inner;

	add(outbox, 7, "is token=canary the cause?");
	g_assert_cmpint(rd_outbox_get_last(outbox), ==, 7);
	run_until_waiting(outbox, 0);
	text = read_got(box);
	root = json_from_string(text, NULL);
	g_assert_nonnull(root);
	event = json_node_get_object(root);
	g_assert_cmpstr(json_object_get_string_member(event, "specversion"), ==, "1.0");
	g_assert_cmpstr(json_object_get_string_member(event, "id"), ==, "r-20261120-kite-3/7");
	g_assert_cmpstr(json_object_get_string_member(event, "type"), ==,
			"io.recoveryd.decision.needed");
	g_assert_cmpstr(json_object_get_string_member(event, "subject"), ==,
			"r-20261120-kite-3/stop-etcd@m1");
	g_assert_cmpstr(json_object_get_string_member(event, "time"), ==, "2026-11-20T00:00:00Z");
	inner = json_object_get_object_member(event, "data");
	g_assert_cmpstr(json_object_get_string_member(inner, "cluster"), ==, "prod");
	g_assert_cmpstr(json_object_get_string_member(inner, "text"), ==,
			"is token=[redacted] the cause?");
	g_assert_cmpstr(json_object_get_string_member(inner, "by"), ==, "2026-11-20T01:00:00Z");
	g_assert_cmpstr(json_object_get_string_member(inner, "command"), ==,
			"recoveryd decide kite-3 stop-etcd@m1 redo");
	g_assert_false(json_object_has_member(inner, "otherwise"));
	g_assert_cmpuint(count_files(box->outbox, "sent"), ==, 1);
	g_assert_cmpuint(count_files(box->outbox, "."), ==, 0);
}

/* what one engine could not deliver the next one does, oldest first; what was sent stays sent */
static void
test_survives(Box *box, gconstpointer data)
{
	RdOutboxPace never = {.backoff_ms = 1000000, .backoff_max_ms = 1000000};
	RdOutbox *outbox = open_box(box, "exit 3", &never);
	g_autofree char *text = NULL;
	const char *first, *second;

	g_test_expect_message("rd-journal", G_LOG_LEVEL_WARNING, "*try 1*");
	g_test_expect_message("rd-journal", G_LOG_LEVEL_WARNING, "*try 1*");
	add(outbox, 9, "later");
	add(outbox, 8, "sooner");
	g_assert_false(rd_outbox_flush(outbox, DEADLINE_S * 1000));
	g_test_assert_expected_messages();
	g_assert_cmpuint(rd_outbox_get_waiting(outbox), ==, 2);
	rd_outbox_free(outbox);

	outbox = open_box(box, "cat >> $0", NULL);
	g_assert_cmpint(rd_outbox_get_last(outbox), ==, 9);
	add(outbox, 9, "later");
	g_assert_cmpuint(rd_outbox_get_waiting(outbox), ==, 2);
	g_assert_true(rd_outbox_flush(outbox, DEADLINE_S * 1000));
	add(outbox, 9, "later");
	g_assert_cmpuint(rd_outbox_get_waiting(outbox), ==, 0);
	rd_outbox_free(outbox);
	text = read_got(box);
	first = strstr(text, "sooner");
	second = strstr(text, "later");
	g_assert_nonnull(first);
	g_assert_nonnull(second);
	g_assert_true(first < second);
	g_assert_null(strstr(second + 1, "later"));

	outbox = open_box(box, "cat >> $0", NULL);
	g_assert_cmpint(rd_outbox_get_last(outbox), ==, 9);
	g_assert_cmpuint(rd_outbox_get_waiting(outbox), ==, 0);
	rd_outbox_free(outbox);
}

/* one that the command chokes on is tried again and given up; the others pass it by */
static void
test_gives_up(Box *box, gconstpointer data)
{
	RdOutboxPace pace = {.backoff_ms = 1, .backoff_max_ms = 5, .tries = 4};
	g_autoptr(RdOutbox) outbox = open_box(
	    box, "read -r x; case $x in *poison*) exit 1;; esac; echo \"$x\" >> $0", &pace);
	g_autofree char *text = NULL;

	for (guint i = 0; i < 4; i++)
		g_test_expect_message("rd-journal", G_LOG_LEVEL_WARNING, "*exited with code 1*");
	add(outbox, 1, "poison");
	add(outbox, 2, "one");
	add(outbox, 3, "two");
	run_until_waiting(outbox, 0);
	g_test_assert_expected_messages();
	g_assert_cmpuint(count_files(box->outbox, "failed"), ==, 1);
	g_assert_cmpuint(count_files(box->outbox, "sent"), ==, 2);
	text = read_got(box);
	g_assert_nonnull(strstr(text, "\"one\""));
	g_assert_nonnull(strstr(text, "\"two\""));
}

/* it hangs together with a child of its own, which must go, too */
static void
test_hangs(Box *box, gconstpointer data)
{
	RdOutboxPace pace = {.timeout_ms = 500, .tries = 1};
	g_autoptr(RdOutbox) outbox = open_box(box, "sleep 1000 & echo $! > $0; wait", &pace);
	g_autofree char *text = NULL;
	gint64 began = g_get_monotonic_time(), pid;

	g_test_expect_message("rd-journal", G_LOG_LEVEL_WARNING, "*took too long*");
	add(outbox, 1, "x");
	run_until_waiting(outbox, 0);
	g_test_assert_expected_messages();
	g_assert_cmpint(g_get_monotonic_time() - began, <, 20 * G_USEC_PER_SEC);
	text = read_got(box);
	pid = g_ascii_strtoll(text, NULL, 10);
	g_assert_cmpint(pid, >, 1);
	for (guint i = 0; rd_proc_start(pid) != 0 && i < DEADLINE_S * 100; i++)
		g_usleep(10000);
	g_assert_cmpint(rd_proc_start(pid), ==, 0);
	g_assert_cmpuint(count_files(box->outbox, "failed"), ==, 1);
}

static gboolean
tick(gpointer data)
{
	(*(guint *)data)++;
	return G_SOURCE_CONTINUE;
}

/* while the command takes its time, the engine's loop goes on */
static void
test_never_blocks(Box *box, gconstpointer data)
{
	g_autofree char *fifo = g_build_filename(box->base.dir, "fifo", NULL);
	g_autofree char *script = g_strdup_printf("read -r x < %s; cat > $0", fifo);
	g_autoptr(RdOutbox) outbox = open_box(box, script, NULL);
	guint ticks = 0, source = g_timeout_add(1, tick, &ticks);
	guint guard = g_timeout_add_seconds(DEADLINE_S, late, NULL);
	FILE *go;

	g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
	add(outbox, 1, "x");
	while (ticks < 100)
		g_main_context_iteration(NULL, TRUE);
	g_assert_cmpuint(rd_outbox_get_waiting(outbox), ==, 1);
	go = g_fopen(fifo, "w");
	fputs("go\n", go);
	fclose(go);
	run_until_waiting(outbox, 0);
	g_source_remove(source);
	g_source_remove(guard);
	g_assert_cmpuint(count_files(box->outbox, "sent"), ==, 1);
}

static void
test_freed_meanwhile(Box *box, gconstpointer data)
{
	RdOutbox *outbox = open_box(box, "cat > $0", NULL);
	guint guard = g_timeout_add_seconds(DEADLINE_S, late, NULL);

	add(outbox, 1, "x");
	g_main_context_iteration(NULL, TRUE);
	rd_outbox_free(outbox);
	/* it runs to its end, and its ending finds nobody */
	while (!g_file_test(box->got, G_FILE_TEST_EXISTS))
		g_main_context_iteration(NULL, FALSE);
	for (guint i = 0; i < 100; i++) {
		g_usleep(1000);
		while (g_main_context_iteration(NULL, FALSE))
			;
	}
	g_source_remove(guard);
	g_assert_cmpuint(count_files(box->outbox, "."), ==, 1);
}

static void
test_bad_commands(Box *box, gconstpointer data)
{
	RdOutboxPace pace = {.tries = 1};
	g_autoptr(GError) error = NULL;
	g_autoptr(RdOutbox) outbox = rd_outbox_new(box->outbox, "echo 'open", NULL, &error);

	g_assert_null(outbox);
	g_assert_error(error, G_SHELL_ERROR, G_SHELL_ERROR_BAD_QUOTING);
	g_clear_error(&error);
	g_assert_null(rd_outbox_new(box->outbox, "", NULL, &error));
	g_assert_error(error, G_SHELL_ERROR, G_SHELL_ERROR_EMPTY_STRING);
	g_clear_error(&error);
	outbox = rd_outbox_new(box->outbox, "/nonexistent/notify", &pace, &error);
	g_assert_no_error(error);
	g_test_expect_message("rd-journal", G_LOG_LEVEL_WARNING, "*/nonexistent/notify*");
	g_test_expect_message("rd-journal", G_LOG_LEVEL_WARNING, "*/nonexistent/notify*");
	add(outbox, 1, "x");
	add(outbox, 2, "y");
	run_until_waiting(outbox, 0);
	g_test_assert_expected_messages();
	g_assert_cmpuint(count_files(box->outbox, "failed"), ==, 2);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define ADD(name, function) g_test_add("/outbox/" name, Box, NULL, set_up, function, tear_down)
	ADD("event", test_event);
	ADD("survives", test_survives);
	ADD("gives-up", test_gives_up);
	ADD("hangs", test_hangs);
	ADD("never-blocks", test_never_blocks);
	ADD("freed-meanwhile", test_freed_meanwhile);
	ADD("bad-commands", test_bad_commands);
	return g_test_run();
}
