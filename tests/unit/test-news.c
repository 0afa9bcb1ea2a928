/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "journal/news.h"
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sched.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_S 30

typedef struct {
	GMainLoop *loop;
	char *path; /* what is waited for */
	gboolean seen;
} Wait;

static void
changed(gpointer data)
{
	Wait *wait = data;

	wait->seen = g_file_test(wait->path, G_FILE_TEST_EXISTS);
	if (wait->seen)
		g_main_loop_quit(wait->loop);
}

static gboolean
put(gpointer data)
{
	Wait *wait = data;
	g_autofree char *new = g_strconcat(wait->path, ".new", NULL);

	g_assert_true(g_file_set_contents(new, "x", 1, NULL));
	g_assert_cmpint(g_rename(new, wait->path), ==, 0);
	return G_SOURCE_REMOVE;
}

static gboolean
give_up(gpointer data)
{
	g_main_loop_quit(data);
	return G_SOURCE_REMOVE;
}

/* a file is renamed into a watched directory, and that is told */
static void
check_told(void)
{
	g_autofree char *dir = g_dir_make_tmp("news-XXXXXX", NULL);
	Wait wait = {.loop = g_main_loop_new(NULL, FALSE)};
	g_autoptr(RdNews) news = rd_news_new(dir, changed, &wait);
	guint end = g_timeout_add_seconds(PATIENCE_S, give_up, wait.loop);

	wait.path = g_build_filename(dir, "request.json", NULL);
	g_timeout_add(50, put, &wait);
	g_main_loop_run(wait.loop);
	g_assert_true(wait.seen);
	g_source_remove(end);
	g_unlink(wait.path);
	g_rmdir(dir);
	g_free(wait.path);
	g_main_loop_unref(wait.loop);
}

static void
test_told(void)
{
	check_told();
}

/* not in a chroot, nor where they were forbidden */
static gboolean
have_user_namespaces(void)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0)
		_exit(unshare(CLONE_NEWUSER) != 0);
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/* in a user namespace of its own, which is lent no inotify at all */
static void
test_none_left(void)
{
	int fd;

	if (!have_user_namespaces()) {
		g_test_skip("no user namespaces here");
		return;
	}
	if (!g_test_subprocess()) {
		g_test_trap_subprocess(NULL, (guint64)(PATIENCE_S + 10) * G_USEC_PER_SEC, 0);
		g_test_trap_assert_passed();
		return;
	}
	g_assert_cmpint(unshare(CLONE_NEWUSER), ==, 0);
	fd = open("/proc/sys/user/max_inotify_instances", O_WRONLY | O_CLOEXEC);
	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(write(fd, "0", 1), ==, 1);
	close(fd);
	g_assert_cmpint(inotify_init1(IN_CLOEXEC), ==, -1);
	check_told();
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/news/told", test_told);
	g_test_add_func("/news/none-left", test_none_left);
	return g_test_run();
}
