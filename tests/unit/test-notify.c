/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What of a run is news: a run driven by hand, its events told, and what a real command received.
 */

#include <glib/gstdio.h>

#include "engine/notify.h"
#include "spans-fixture.h"

typedef struct {
	char *base, *got;
	RdRundir *dir;
	RdNotify *notify;
	guint told; /* events of the journal */
} Post;

static void
post_open(Post *post)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *command = NULL;

	post->base = g_dir_make_tmp("recoveryd-notify-XXXXXX", NULL);
	post->got = g_build_filename(post->base, "got", NULL);
	post->dir = rd_rundir_create(post->base, FALSE, &error);
	g_assert_no_error(error);
	command = g_strdup_printf("/bin/sh -c 'cat >> %s'", post->got);
	post->notify = rd_notify_new(post->dir, command, "kite", NULL, NULL);
	g_assert_nonnull(post->notify);
}

/* what has happened since; as the engine does it, each event right behind its fold */
static void
post_tell(Post *post, Fixture *f)
{
	RdRun *run = rd_run_new(f->plan);

	for (guint i = 0; i < f->journal->len; i++) {
		const RdEvent *event = g_ptr_array_index(f->journal, i);

		g_assert_true(rd_run_apply(run, event, NULL));
		if (i >= post->told)
			rd_notify_event(post->notify, run, event);
	}
	post->told = f->journal->len;
	rd_run_free(run);
}

static void
remove_all(const char *path)
{
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	const char *name;

	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *child = g_build_filename(path, name, NULL);

		remove_all(child);
	}
	(void)g_remove(path);
}

/* delivers, and gives all that was received. (transfer full) */
static char *
post_close(Post *post)
{
	char *text = NULL;

	rd_notify_free(post->notify);
	if (!g_file_get_contents(post->got, &text, NULL, NULL))
		text = g_strdup("");
	g_test_message("%s", text);
	rd_rundir_free(post->dir);
	remove_all(post->base);
	g_free(post->base);
	g_free(post->got);
	return text;
}

static guint
times(const char *text, const char *what)
{
	guint n = 0;

	for (const char *at = strstr(text, what); at != NULL; at = strstr(at + 1, what))
		n++;
	return n;
}

static void
test_end(Fixture *f, gconstpointer data)
{
	Post post = {NULL};
	g_autofree char *text = NULL;

	post_open(&post);
	drive(f, 1000);
	assert_end(f, "done");
	post_tell(&post, f);
	text = post_close(&post);
	g_assert_cmpuint(times(text, "io.recoveryd."), ==, 1);
	g_assert_cmpuint(times(text, "io.recoveryd.run.finished"), ==, 1);
}

static void
test_held(Fixture *f, gconstpointer data)
{
	Post post = {NULL};
	g_autofree char *text = NULL;

	script(f, "enter work@m1", "permanent:it is on fire");
	post_open(&post);
	drive(f, 1000);
	post_tell(&post, f);
	text = post_close(&post);
	g_assert_cmpuint(times(text, "io.recoveryd.step.failed"), ==, 1);
	g_assert_cmpuint(times(text, "io.recoveryd.decision.needed"), ==, 1);
	g_assert_nonnull(strstr(text, "it is on fire"));
}

/* Tried until it is back; but somebody should know after some minutes, once for each absence. */
static void
test_still_owed(Fixture *f, gconstpointer data)
{
	g_autoptr(GString) line = g_string_new(NULL);
	Post post = {NULL};
	g_autofree char *text = NULL;

	for (guint i = 0; i < 100; i++)
		g_string_append(line, "unreachable:m1 is gone,");
	g_string_append(line, "failed:not yet,unreachable:gone again,finished");
	script(f, "undo lend@m1", line->str);
	drive_to(f, "enter work@m0");
	person(f, "cancel", NULL, NULL);
	post_open(&post);
	drive(f, 2000);
	assert_end(f, "cancelled");
	post_tell(&post, f);
	text = post_close(&post);
	/* the second absence was short */
	g_assert_cmpuint(times(text, "io.recoveryd.still.owed"), ==, 1);
	g_assert_nonnull(strstr(text, "lend@m1"));
	g_assert_nonnull(strstr(text, "m1 is gone"));
	g_assert_cmpuint(times(text, "io.recoveryd.run.finished"), ==, 1);
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *path;
		void (*func)(Fixture *, gconstpointer);
	} tests[] = {
	    {"/notify/end", test_end},
	    {"/notify/held", test_held},
	    {"/notify/still-owed", test_still_owed},
	};

	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(tests); i++)
		g_test_add(tests[i].path, Fixture, NULL, spans_setup, tests[i].func, teardown);
	return g_test_run();
}
