/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* `plan` says what a restore would lose: the backup's newest write before anything newer can be
 * read, and the difference to a newer snapshot that is named. With snapshots of a real etcd. */

#include <glib/gstdio.h>

#include "cli-fixture.h"
#include "etcd-fixture.h"
#include "lease-fixture.h"
#include "tar-fixture.h"

#define HOUR	(60 * 60)
#define STAMP	"2026-11-20_031502"
#define VERSION "/kubernetes.io/config.openshift.io/clusterversions/version"

static char *scratch, *backup, *newer, *foreign; /* NULL without etcd, but the first */

static void
make_resources(void)
{
	g_autofree char *path =
	    g_build_filename(backup, "static_kuberesources_" STAMP ".tar.gz", NULL);
	Tar tar;

	tar_begin(&tar, path);
	tar_add_type(&tar, "static-pod-resources/", AE_IFDIR, "");
	tar_add_pods(&tar, "m0", NULL);
	tar_end(&tar);
}

/* a backup of two hours ago, what was written since, and another cluster's */
static void
make_snapshots(void)
{
	g_autofree char *found = etcd_program("etcd");
	g_autofree char *data = g_build_filename(scratch, "etcd", NULL);
	g_autofree char *snapshot = NULL;
	gint64 now = g_get_real_time() / G_USEC_PER_SEC;
	Etcd etcd = {0};

	if (found == NULL)
		return;
	backup = g_build_filename(scratch, "backup", NULL);
	newer = g_build_filename(scratch, "newer.db", NULL);
	foreign = g_build_filename(scratch, "foreign.db", NULL);
	snapshot = g_build_filename(backup, "snapshot_" STAMP ".db", NULL);
	g_assert_cmpint(g_mkdir(backup, 0700), ==, 0);
	make_resources();
	etcd_start(&etcd, data);
	g_assert_true(
	    etcd_ctl(&etcd, NULL, "put", VERSION, "{\"spec\":{\"clusterID\":\"c0ffee\"}}", NULL));
	g_assert_true(etcd_ctl(&etcd, NULL, "put", "/kubernetes.io/pods/ns/a", "1", NULL));
	put_lease(&etcd, scratch, now - 2 * HOUR);
	etcd_save(&etcd, snapshot);
	g_assert_true(etcd_ctl(&etcd, NULL, "put", "/kubernetes.io/pods/ns/b", "1", NULL));
	g_assert_true(etcd_ctl(&etcd, NULL, "put", "/kubernetes.io/pods/ns/c", "1", NULL));
	put_lease(&etcd, scratch, now - HOUR);
	etcd_save(&etcd, newer);
	g_assert_true(
	    etcd_ctl(&etcd, NULL, "put", VERSION, "{\"spec\":{\"clusterID\":\"deadbeef\"}}", NULL));
	etcd_save(&etcd, foreign);
	etcd_stop(&etcd);
}

/* ---- what is said -------------------------------------------------------------------------- */

static void
plan(Fixture *f, int code, const char *more, Result *result)
{
	g_autofree char *words =
	    g_strdup_printf("plan manual-restore -c %s -i backup=%s%s%s", f->file, backup,
			    more != NULL ? " --newer " : "", more != NULL ? more : "");

	cli_run(f, words, code, result);
}

/* lines are broken where the terminal's columns end */
static void
assert_says(const char *out, const char *words)
{
	g_auto(GStrv) parts = g_regex_split_simple("\\s+", out, 0, 0);
	g_autofree char *flat = g_strjoinv(" ", parts);

	cli_assert_has(flat, words);
}

/* its hosts do not answer, so the plan would be refused; it says what would be lost all the same */
static void
test_before(Fixture *f, gconstpointer data)
{
	g_auto(Result) result = {0};

	plan(f, 7, NULL, &result);
	assert_says(result.out,
		    "what was written after the newest write in the backup (revision 4");
	assert_says(result.out, "2h00m ago) is lost");
	assert_says(result.out, "when the rescue copy is made");
}

static void
test_newer(Fixture *f, gconstpointer data)
{
	g_auto(Result) result = {0};

	plan(f, 7, newer, &result);
	assert_says(result.out, "in the backup is revision 4");
	assert_says(result.out, "newer.db it is revision 7");
	assert_says(result.out, "later by 1h00m");
	assert_says(result.out, "2 objects made since are lost, 0 go back");
}

static void
test_wrong(Fixture *f, gconstpointer data)
{
	g_auto(Result) result = {0};
	g_autofree char *none = g_strdup_printf("plan two-states -c %s --newer %s", f->file, newer);

	plan(f, 2, foreign, &result);
	cli_assert_has(result.err, "is of cluster deadbeef, the backup of c0ffee");
	plan(f, 7, "/nonsense", &result);
	cli_assert_has(result.err, "--newer: /nonsense");
	cli_run(f, none, 2, &result);
	cli_assert_has(result.err, "restores no backup");
}

/* the file has it, and no digest: it is another one each time */
static void
test_file(Fixture *f, gconstpointer data)
{
	g_autofree char *words = g_strdup_printf(
	    "plan manual-restore -c %s -i backup=%s --newer %s -o -", f->file, backup, newer);
	g_auto(Result) result = {0}, without = {0};
	g_autofree char *plain = g_strndup(words, strstr(words, " --newer") - words);
	g_autofree char *again = g_strconcat(plain, " -o -", NULL);
	g_autoptr(JsonNode) one = NULL, other = NULL;
	JsonObject *loss;

	cli_run(f, words, 7, &result);
	cli_run(f, again, 7, &without);
	one = cli_parse_json(result.out);
	other = cli_parse_json(without.out);
	loss = json_object_get_object_member(json_node_get_object(one), "loss");
	g_assert_cmpint(json_object_get_int_member(loss, "lost"), ==, 2);
	g_assert_cmpint(json_object_get_int_member(loss, "window_s"), ==, HOUR);
	g_assert_cmpstr(json_object_get_string_member(json_node_get_object(one), "digest"), ==,
			json_object_get_string_member(json_node_get_object(other), "digest"));
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*func)(Fixture *f, gconstpointer data);
	} tests[] = {
	    {"/losses/before", test_before},
	    {"/losses/newer", test_newer},
	    {"/losses/wrong", test_wrong},
	    {"/losses/file", test_file},
	};
	g_autofree char *remove = NULL;
	int status;

	g_test_init(&argc, &argv, NULL);
	scratch = g_dir_make_tmp("rd-losses-XXXXXX", NULL);
	make_snapshots();
	for (guint i = 0; backup != NULL && i < G_N_ELEMENTS(tests); i++)
		g_test_add(tests[i].name, Fixture, NULL, cli_setup, tests[i].func, cli_teardown);
	if (backup == NULL)
		g_test_message("no etcd on this machine: nothing was tested");
	status = g_test_run();
	remove = g_strdup_printf("rm -rf -- %s", scratch);
	g_spawn_command_line_sync(remove, NULL, NULL, NULL, NULL);
	g_free(scratch);
	g_free(backup);
	g_free(newer);
	g_free(foreign);
	return status;
}
