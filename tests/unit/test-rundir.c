/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "journal-fixture.h"
#include "journal/lock.h"
#include "journal/rundir.h"
#include "journal/runid.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- names --------------------------------------------------------------------------------- */

static void
test_ids(void)
{
	static const char *const good[] = {"r-20261120-kite-3", "r-20261120-elm-999999999"};
	static const char *const bad[] = {"",
					  "r-",
					  "r-20261120-kite",
					  "r-20261120-kite-",
					  "r-20261120-kite-0",
					  "r-20261120-kite-3x",
					  "r-2026112-kite-3",
					  "r-20261120-Kite-3",
					  "r-20261120--3",
					  "r-20261120-../../etc-3",
					  "x-20261120-kite-3",
					  "r-20261120-kite-1234567890",
					  "."};
	g_autofree char *id = rd_runid_new(1795132800000000, "kite", 3);

	g_assert_cmpstr(id, ==, "r-20261120-kite-3");
	for (guint i = 0; i < G_N_ELEMENTS(good); i++)
		g_assert_true(rd_runid_is_valid(good[i]));
	for (guint i = 0; i < G_N_ELEMENTS(bad); i++)
		g_assert_false(rd_runid_is_valid(bad[i]));
	g_assert_true(rd_runid_matches(id, "kite"));
	g_assert_true(rd_runid_matches(id, "kite-3"));
	g_assert_true(rd_runid_matches(id, id));
	g_assert_true(rd_runid_matches(id, "3"));
	g_assert_false(rd_runid_matches(id, "kit"));
	g_assert_false(rd_runid_matches(id, "ite-3"));
	g_assert_false(rd_runid_matches(id, ""));
}

static void
test_words(void)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
	const char *const *words = rd_runid_words();

	for (guint i = 0; words[i] != NULL; i++) {
		g_autofree char *id = rd_runid_new(0, words[i], 1);

		g_assert_true(g_hash_table_add(seen, (gpointer)words[i]));
		g_assert_true(rd_runid_is_valid(id));
		g_assert_cmpuint(strlen(words[i]), <=, 8);
	}
	g_assert_cmpuint(g_hash_table_size(seen), >=, 200);
	for (guint i = 0; i < 1000; i++)
		g_assert_true(g_hash_table_contains(seen, rd_runid_random_word()));
}

static void
test_base(void)
{
	g_autofree char *given = rd_rundir_base("some/where");
	g_autofree char *from_env = NULL;
	g_autofree char *fallback = NULL;

	g_assert_true(g_path_is_absolute(given));
	g_assert_true(g_str_has_suffix(given, "/some/where"));
	g_setenv("RECOVERYD_STATE_DIR", "/srv/state", TRUE);
	from_env = rd_rundir_base(NULL);
	g_assert_cmpstr(from_env, ==, "/srv/state");
	g_unsetenv("RECOVERYD_STATE_DIR");
	fallback = rd_rundir_base(NULL);
	if (geteuid() == 0)
		g_assert_cmpstr(fallback, ==, "/var/lib/recoveryd");
	else
		g_assert_true(g_str_has_prefix(fallback, g_get_user_state_dir()));
}

/* ---- file systems -------------------------------------------------------------------------- */

static guint32 fake_magic;

static int
fake_statfs(const char *path, struct statfs *info)
{
	/* as on 32 bit machines, where it is signed */
	info->f_type = (__fsword_t)(gint32)fake_magic;
	return 0;
}

static int
failing_statfs(const char *path, struct statfs *info)
{
	errno = EACCES;
	return -1;
}

static void
test_file_systems(void)
{
	static const guint32 network[] = {0x6969,     0x517b,	  0xff534d42,
					  0xfe534d42, 0x00c36400, 0x65735546};
	static const guint32 local[] = {0xef53, 0x58465342, 0x9123683e, 0x794c7630};
	gboolean in_memory = TRUE;

	for (guint i = 0; i < G_N_ELEMENTS(network); i++) {
		g_autoptr(GError) error = NULL;

		fake_magic = network[i];
		g_assert_false(rd_rundir_check_fs("/var/lib/x", fake_statfs, NULL, &error));
		g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL);
		g_assert_nonnull(strstr(error->message, "/var/lib/x"));
		g_assert_nonnull(strstr(error->message, "--state-dir"));
	}
	for (guint i = 0; i < G_N_ELEMENTS(local); i++) {
		fake_magic = local[i];
		g_assert_true(rd_rundir_check_fs("/var/lib/x", fake_statfs, &in_memory, NULL));
		g_assert_false(in_memory);
	}
	fake_magic = 0x01021994;
	g_assert_true(rd_rundir_check_fs("/var/lib/x", fake_statfs, &in_memory, NULL));
	g_assert_true(in_memory);
	g_assert_false(rd_rundir_check_fs("/var/lib/x", failing_statfs, NULL, NULL));
}

/* ---- directories --------------------------------------------------------------------------- */

static guint
mode_of(RdRundir *run, const char *name)
{
	g_autofree char *path = rd_rundir_file(run, name);
	struct stat info;

	g_assert_cmpint(stat(path, &info), ==, 0);
	return info.st_mode & 07777;
}

static void
test_create(Fixture *fixture, gconstpointer data)
{
	g_autofree char *base = g_build_filename(fixture->dir, "state", NULL);
	g_autofree char *runs = g_build_filename(base, "runs", NULL);
	g_autoptr(GError) error = NULL;
	g_autoptr(RdRundir) run = NULL;
	mode_t mask = umask(0); /* modes do not depend on it */
	struct stat info;

	run = rd_rundir_create(base, FALSE, &error);
	umask(077);
	g_assert_no_error(error);
	g_assert_true(rd_runid_is_valid(rd_rundir_get_id(run)));
	g_assert_cmpuint(mode_of(run, ""), ==, 0700);
	g_assert_cmpuint(mode_of(run, "log"), ==, 0700);
	g_assert_cmpuint(mode_of(run, "requests"), ==, 0700);
	g_assert_cmpuint(mode_of(run, "outbox"), ==, 0700);
	g_assert_cmpuint(mode_of(run, "local"), ==, 0700);
	g_assert_cmpuint(mode_of(run, "plugins"), ==, 0700);
	g_assert_cmpint(stat(runs, &info), ==, 0);
	g_assert_cmpuint(info.st_mode & 07777, ==, 0755);
	g_assert_false(rd_rundir_is_shared(run));

	g_assert_true(rd_rundir_write_status(run, "{}", 0644, &error));
	g_assert_cmpuint(mode_of(run, "status.json"), ==, 0644);
	g_assert_true(rd_rundir_put(run, "setting.json", "{}", 2, &error));
	g_assert_cmpuint(mode_of(run, "setting.json"), ==, 0600);
	g_assert_no_error(error);
	umask(mask);
}

/* No machine has the group unless somebody made it: from here on /etc/group is one of our own, in a
 * mount namespace of our own. FALSE: skipped. */
static gboolean
groups_are(Fixture *fixture, const char *line)
{
	g_autofree char *file = g_build_filename(fixture->dir, "group", NULL);
	g_autofree char *text = g_strdup_printf("root:x:0:\n%s", line);
	static gboolean mounted;

	/* what lies there is the file of the test before, and gone: nothing can be mounted on that
	 */
	if (mounted)
		g_assert_cmpint(umount2("/etc/group", MNT_DETACH), ==, 0);
	mounted = FALSE;
	if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
		g_test_skip("needs root and a mount namespace: NOT TESTED");
		return FALSE;
	}
	g_assert_true(g_file_set_contents(file, text, -1, NULL));
	g_assert_cmpint(mount(file, "/etc/group", NULL, MS_BIND, NULL), ==, 0);
	mounted = TRUE;
	return TRUE;
}

static void
test_shared(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(RdRundir) run = NULL;
	struct stat st;

	if (!groups_are(fixture, "recoveryd:x:54321:alice\n"))
		return;
	run = rd_rundir_create(fixture->dir, TRUE, &error);
	g_assert_no_error(error);
	g_assert_true(rd_rundir_is_shared(run));
	g_assert_cmpuint(mode_of(run, ""), ==, 02770);
	g_assert_cmpuint(mode_of(run, "requests"), ==, 02770);
	g_assert_cmpint(stat(rd_rundir_get_path(run), &st), ==, 0);
	g_assert_cmpuint(st.st_gid, ==, 54321);
}

static void
test_shared_without_group(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;

	if (!groups_are(fixture, ""))
		return;
	g_assert_null(rd_rundir_create(fixture->dir, TRUE, &error));
	g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL);
	g_assert_nonnull(strstr(error->message, "groupadd"));
}

static char *
read_file(RdRundir *run, const char *name)
{
	g_autofree char *path = rd_rundir_file(run, name);
	char *content = NULL;

	g_file_get_contents(path, &content, NULL, NULL);
	return content;
}

static void
test_copy_in(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(RdRundir) run = rd_rundir_create(fixture->dir, FALSE, NULL);
	g_autofree char *source = g_build_filename(fixture->dir, "source", NULL);
	g_autofree char *big = g_strnfill(300000, 'b');
	g_autofree char *copied = NULL;
	g_autofree char *again = NULL;
	g_autoptr(GDir) dir = NULL;
	const char *name;

	g_assert_true(g_file_set_contents(source, big, -1, NULL));
	g_assert_true(rd_rundir_copy_in(run, source, "plugins/etcd.so", &error));
	g_assert_no_error(error);
	copied = read_file(run, "plugins/etcd.so");
	g_assert_cmpstr(copied, ==, big);
	g_assert_cmpuint(mode_of(run, "plugins/etcd.so"), ==, 0600);
	g_assert_true(g_file_set_contents(source, "short", -1, NULL));
	g_assert_true(rd_rundir_copy_in(run, source, "plugins/etcd.so", &error));
	again = read_file(run, "plugins/etcd.so");
	g_assert_cmpstr(again, ==, "short");

	g_assert_false(rd_rundir_copy_in(run, "/nonexistent", "plugins/a.so", &error));
	g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
	g_clear_error(&error);
	/* would never end */
	g_assert_false(rd_rundir_copy_in(run, "/dev/zero", "plugins/a.so", &error));
	g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL);
	g_clear_error(&error);
	g_assert_false(rd_rundir_copy_in(run, source, "nowhere/a.so", &error));
	g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT);

	/* nothing half-done is left */
	g_free(source);
	source = rd_rundir_file(run, "plugins");
	dir = g_dir_open(source, 0, NULL);
	while ((name = g_dir_read_name(dir)) != NULL)
		g_assert_cmpstr(name, ==, "etcd.so");
}

static void
make_run(const char *base, const char *id, gboolean with_journal)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(RdRundir) run = rd_rundir_create_as(base, id, FALSE, &error);

	g_assert_no_error(error);
	if (with_journal)
		g_assert_true(rd_rundir_put(run, "journal.db", "", 0, &error));
}

static void
check_open(const char *base, const char *name, const char *expected)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(RdRundir) run = rd_rundir_open(base, name, &error);

	g_assert_no_error(error);
	g_assert_cmpstr(rd_rundir_get_id(run), ==, expected);
}

static void
check_not_open(const char *base, const char *name, const char *word)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(RdRundir) run = rd_rundir_open(base, name, &error);

	g_assert_null(run);
	g_assert_nonnull(error);
	g_assert_nonnull(strstr(error->message, word));
}

static void
test_open(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GPtrArray) ids = NULL;
	g_autoptr(RdRundir) next = NULL;

	check_not_open(fixture->dir, NULL, "no run in");
	make_run(fixture->dir, "r-20261119-kite-2", TRUE);
	make_run(fixture->dir, "r-20261120-lemon-9", TRUE);
	make_run(fixture->dir, "r-20261120-kite-10", TRUE);
	make_run(fixture->dir, "r-20261121-olive-11", FALSE);
	check_open(fixture->dir, NULL, "r-20261120-kite-10");
	check_open(fixture->dir, "", "r-20261120-kite-10");
	check_open(fixture->dir, "lemon", "r-20261120-lemon-9");
	check_open(fixture->dir, "kite-2", "r-20261119-kite-2");
	check_open(fixture->dir, "r-20261121-olive-11", "r-20261121-olive-11");
	check_not_open(fixture->dir, "kite", "r-20261120-kite-10, r-20261119-kite-2");
	check_not_open(fixture->dir, "mango", "r-20261120-kite-10");
	check_not_open(fixture->dir, "../runs/r-20261119-kite-2", "no run");

	ids = rd_rundir_list(fixture->dir, NULL);
	g_assert_cmpuint(ids->len, ==, 4);
	g_assert_cmpstr(g_ptr_array_index(ids, 0), ==, "r-20261121-olive-11");
	g_assert_cmpstr(g_ptr_array_index(ids, 1), ==, "r-20261120-kite-10");
	g_assert_cmpstr(g_ptr_array_index(ids, 3), ==, "r-20261119-kite-2");
	next = rd_rundir_create(fixture->dir, FALSE, NULL);
	g_assert_cmpuint(rd_runid_get_number(rd_rundir_get_id(next)), ==, 12);
}

/* eight processes make ten runs each at the same time: 80 runs, numbered 1 to 80 */
static void
test_create_at_once(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GPtrArray) ids = NULL;
	gboolean seen[81] = {FALSE};
	int status;

	for (guint i = 0; i < 8; i++)
		if (fork() == 0) {
			for (guint k = 0; k < 10; k++) {
				g_autoptr(RdRundir) run =
				    rd_rundir_create(fixture->dir, FALSE, NULL);

				if (run == NULL)
					_exit(1);
			}
			_exit(0);
		}
	for (guint i = 0; i < 8; i++) {
		g_assert_cmpint(wait(&status), >, 0);
		g_assert_cmpint(status, ==, 0);
	}
	ids = rd_rundir_list(fixture->dir, NULL);
	g_assert_cmpuint(ids->len, ==, 80);
	for (guint i = 0; i < ids->len; i++) {
		guint64 number = rd_runid_get_number(g_ptr_array_index(ids, i));

		g_assert_cmpuint(number, >=, 1);
		g_assert_cmpuint(number, <=, 80);
		g_assert_false(seen[number]);
		seen[number] = TRUE;
	}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/rundir/ids", test_ids);
	g_test_add_func("/rundir/words", test_words);
	g_test_add_func("/rundir/base", test_base);
	g_test_add_func("/rundir/file-systems", test_file_systems);
#define ADD(name, function)                                                                        \
	g_test_add("/rundir/" name, Fixture, NULL, fixture_set_up, function, fixture_tear_down)
	ADD("create", test_create);
	ADD("copy-in", test_copy_in);
	ADD("open", test_open);
	ADD("create-at-once", test_create_at_once);
	ADD("shared", test_shared);
	ADD("shared-without-group", test_shared_without_group);
	return g_test_run();
}
