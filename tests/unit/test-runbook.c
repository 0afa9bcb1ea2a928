/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* `runbook`: what it says of runs made by hand. That what it says works is shown by
 * tests/e2e/runbook, on real hosts. */

#include <glib/gstdio.h>
#include <string.h>

#include "report-fixture.h"

/* mv -n alone says nothing, and would leave the person believing that it is back */
static void
fails_where_the_place_is_taken(const char *command, const char *is, const char *was)
{
	const char *argv[] = {"sh", "-c", command, NULL};
	g_autofree char *err = NULL, *before = NULL, *after = NULL;
	int status;

	g_assert_true(g_file_get_contents(was, &before, NULL, NULL));
	g_assert_true(g_file_set_contents(is, "of that night", -1, NULL));
	g_assert_true(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL,
				   &err, &status, NULL));
	g_assert_false(g_spawn_check_wait_status(status, NULL));
	cli_assert_has(err, was);
	g_assert_true(g_file_get_contents(was, &after, NULL, NULL));
	g_assert_cmpstr(after, ==, before);
	g_assert_true(g_file_test(is, G_FILE_TEST_EXISTS));
}

/* the command for what only the host's index knows, tried on files here */
static void
the_index_brings_back_what_only_it_knows(Fixture *f, gconstpointer data)
{
	g_autoptr(JsonNode) node = NULL;
	JsonObject *report = report_of(f, &node);
	JsonObject *c = find(report, "moved", "from", "/etc/c.yaml");
	g_autoptr(GString) command = g_string_new(json_object_get_string_member(c, "put_back"));
	g_autofree char *index = g_strdup_printf("/var/lib/recoveryd/aside/%s/index", f->id);
	g_autofree char *here = g_build_filename(f->base, "index", NULL);
	g_autofree char *was = g_build_filename(f->base, "c.yaml", NULL);
	g_autofree char *is = g_build_filename(f->base, "it is here", NULL);
	g_autofree char *lines =
	    g_strdup_printf("/etc/b.yaml\t/nowhere\n%s\t/nowhere\n%s\t%s\n", was, was, is);
	g_autofree char *text = NULL;

	g_assert_cmpuint(g_string_replace(command, index, here, 0), ==, 1);
	g_assert_cmpuint(g_string_replace(command, "/etc/c.yaml", was, 0), ==, 1);
	g_string_replace(command, "sudo ", "", 0);
	g_assert_true(g_file_set_contents(here, lines, -1, NULL));
	g_assert_true(g_file_set_contents(is, "the manifest", -1, NULL));
	shell(command->str);
	g_assert_true(g_file_get_contents(was, &text, NULL, NULL));
	g_assert_cmpstr(text, ==, "the manifest");
	g_assert_false(g_file_test(is, G_FILE_TEST_EXISTS));
	/* once more changes nothing */
	shell(command->str);
	g_assert_true(g_file_test(was, G_FILE_TEST_EXISTS));
	fails_where_the_place_is_taken(command->str, is, was);
}

static void
what_is_known_is_brought_back_or_says_why_not(Fixture *f, gconstpointer data)
{
	g_autoptr(JsonNode) node = NULL;
	JsonObject *report = report_of(f, &node);
	JsonObject *b = find(report, "moved", "from", "/etc/b.yaml");
	g_autoptr(GString) command = g_string_new(json_object_get_string_member(b, "put_back"));
	g_autofree char *was = g_build_filename(f->base, "b.yaml", NULL);
	g_autofree char *is = g_build_filename(f->base, "aside", NULL);

	g_assert_cmpuint(g_string_replace(command, "/etc/b.yaml", was, 0), ==, 1);
	g_assert_cmpuint(g_string_replace(command, "/etc/aside/b.yaml", is, 0), ==, 1);
	g_string_replace(command, "sudo ", "", 0);
	g_assert_true(g_file_set_contents(was, "of today", -1, NULL));
	fails_where_the_place_is_taken(command->str, is, was);
	g_assert_cmpint(g_remove(was), ==, 0);
	shell(command->str);
	g_assert_true(g_file_test(was, G_FILE_TEST_EXISTS));
	g_assert_false(g_file_test(is, G_FILE_TEST_EXISTS));
}

static void
a_runbook_tells_what_it_knows_without_hosts(Fixture *f, gconstpointer data)
{
	g_auto(Result) r = {0}, html = {0};
	const char *back, *manifest;

	cli_run(f, "runbook %s --offline", 0, &r);
	cli_assert_has(r.out, "## Done so far");
	cli_assert_has(r.out, "| `stop@m1` | `static-pod/stop` | may be done, may be half done |");
	cli_assert_has(r.out, "| `m1` | `/etc/b.yaml` | `/etc/aside/b.yaml` |");
	cli_assert_has(r.out, "nobody looked at the hosts");
	cli_assert_has(r.out, "core@127.0.0.2");
	/* the way back: the newest first, also what had been brought back; not what was refused */
	back = strstr(r.out, "## To go back by hand instead");
	g_assert_nonnull(back);
	cli_assert_has(back, "```sh on=m1\nsudo sh -c 'mv -nT ");
	cli_assert_has(back, "' mv '/etc/aside/b.yaml' '/etc/b.yaml'\n```");
	manifest = strstr(back, "' mv '/etc/a.yaml' '/etc/aside/a.yaml'");
	g_assert_nonnull(manifest);
	g_assert_true(manifest < strstr(back, "'/etc/aside/b.yaml' '/etc/b.yaml'"));
	cli_assert_lacks(back, "/etc/d.yaml");
	cli_assert_has(back, "recoveryd resume ");
	cli_run(f, "runbook %s --offline -o html", 0, &html);
	cli_assert_has(html.out, "<b>on m1</b>");
	cli_run(f, "runbook %s -o json", 2, &r);
}

static void
passed(GPtrArray *events)
{
	RdEvent *event = rd_event_new(RD_EVENT_MARK, "point-of-no-return");

	moved(events);
	g_ptr_array_add(events, rd_event_step(event, "stop", NULL, 0, 0));
}

static void
behind_the_point_of_no_return_there_is_no_way_back(Fixture *f, gconstpointer data)
{
	g_auto(Result) r = {0};
	const char *back;

	cli_run(f, "runbook %s --offline", 0, &r);
	back = strstr(r.out, "## To go back by hand instead");
	g_assert_nonnull(back);
	cli_assert_has(back, "There is no way back any more");
	cli_assert_lacks(back, "mv -nT");
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add("/runbook/index", Fixture, moved, cli_setup,
		   the_index_brings_back_what_only_it_knows, cli_teardown);
	g_test_add("/runbook/put-back", Fixture, moved, cli_setup,
		   what_is_known_is_brought_back_or_says_why_not, cli_teardown);
	g_test_add("/runbook/offline", Fixture, moved, cli_setup,
		   a_runbook_tells_what_it_knows_without_hosts, cli_teardown);
	g_test_add("/runbook/no-way-back", Fixture, passed, cli_setup,
		   behind_the_point_of_no_return_there_is_no_way_back, cli_teardown);
	return g_test_run();
}
