/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "journal-fixture.h"
#include "journal/request.h"
#include <pwd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void
send(const char *dir, const char *word, const char *argument)
{
	RdRequest request = {.word = (char *)word, .argument = (char *)argument};
	g_autoptr(GError) error = NULL;

	rd_request_send(dir, &request, &error);
	g_assert_no_error(error);
}

static GPtrArray *
take(const char *dir, guint count)
{
	g_autoptr(GError) error = NULL;
	GPtrArray *requests = rd_requests_take(dir, &error);

	g_assert_no_error(error);
	g_assert_cmpuint(requests->len, ==, count);
	return requests;
}

static void
test_round_trip(Fixture *fixture, gconstpointer data)
{
	RdRequest sent = {.word = (char *)"decide",
			  .step = (char *)"stop-etcd@m1",
			  .argument = (char *)"redo",
			  .reason = (char *)"\"looked\" at it [twice] {really}\n",
			  .claim = (char *)"alice"};
	g_autoptr(GPtrArray) requests = NULL;
	g_autoptr(GPtrArray) again = NULL;
	g_autoptr(GPtrArray) none = NULL;
	g_autofree char *who = NULL;
	gint64 before = g_get_real_time();
	const RdRequest *got;

	g_assert_true(rd_request_send(fixture->dir, &sent, NULL));
	requests = take(fixture->dir, 1);
	got = g_ptr_array_index(requests, 0);
	g_assert_cmpstr(got->word, ==, sent.word);
	g_assert_cmpstr(got->step, ==, sent.step);
	g_assert_cmpstr(got->argument, ==, sent.argument);
	g_assert_cmpstr(got->reason, ==, sent.reason);
	g_assert_cmpstr(got->claim, ==, sent.claim);
	g_assert_cmpstr(got->who, ==, getpwuid(getuid())->pw_name);
	g_assert_cmpint(got->time, >=, before);
	g_assert_cmpint(got->time, <=, g_get_real_time());
	who = rd_request_describe_who(got);
	g_assert_true(g_str_has_suffix(who, " (sudo: alice)"));
	/* until it is in the journal, it stays */
	again = take(fixture->dir, 1);
	g_assert_true(rd_request_done(got, NULL));
	none = take(fixture->dir, 0);
	g_assert_true(rd_request_done(got, NULL));
}

static void
test_order(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GPtrArray) requests = NULL;

	for (guint i = 0; i < 30; i++) {
		g_autofree char *argument = g_strdup_printf("%u", i);

		send(fixture->dir, "note", argument);
	}
	requests = take(fixture->dir, 30);
	for (guint i = 0; i < 30; i++) {
		const RdRequest *request = g_ptr_array_index(requests, i);

		g_assert_cmpuint(g_ascii_strtoull(request->argument, NULL, 10), ==, i);
		g_assert_null(request->step);
		g_assert_true(rd_request_done(request, NULL));
	}
}

static void
put_file(Fixture *fixture, const char *name, const char *content, gsize size)
{
	g_autofree char *path = g_build_filename(fixture->dir, name, NULL);

	g_assert_true(g_file_set_contents_full(path, content, (gssize)size,
					       G_FILE_SET_CONTENTS_NONE, 0600, NULL));
}

/* it goes to bad/, once, and the good one behind it is found */
static void
check_bad(Fixture *fixture, const char *name)
{
	g_autofree char *bad = g_build_filename(fixture->dir, "bad", name, NULL);
	g_autoptr(GPtrArray) first = NULL;
	g_autoptr(GPtrArray) second = NULL;

	g_test_expect_message("rd-journal", G_LOG_LEVEL_WARNING, "*is not a request*");
	first = take(fixture->dir, 1);
	g_test_assert_expected_messages();
	g_assert_true(g_file_test(bad, G_FILE_TEST_EXISTS) ||
		      g_file_test(bad, G_FILE_TEST_IS_SYMLINK));
	second = take(fixture->dir, 1);
	g_remove(bad);
}

static void
test_bad_content(Fixture *fixture, gconstpointer data)
{
	static const struct {
		const char *content;
		gsize size; /* 0: all of it */
	} cases[] = {
	    {"", 0},
	    {"{", 0},
	    {"null", 0},
	    {"\"pause\"", 0},
	    {"{}", 0},
	    {"{\"word\": 3}", 0},
	    {"{\"word\": \"\"}", 0},
	    {"{\"word\": null}", 0},
	    {"{\"word\": \"pau se\"}", 0},
	    {"{\"word\": \"../x\"}", 0},
	    {"{\"word\": \"pause\", \"more\": \"x\"}", 0},
	    {"{\"word\": \"pause\", \"step\": {\"a\": \"b\"}}", 0},
	    {"{\"word\": \"pause\", \"step\": [\"a\"]}", 0},
	    {"{\"word\": \"pause\", \"claim\": \"a b\"}", 0},
	    {"{\"word\": \"pause\", \"reason\": \"\xff\"}", 0},
	    {"{\"word\": \"pause\"}\0", 18},
	    {"{\"word\": \"pau", 0},
	};

	send(fixture->dir, "pause", NULL);
	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_test_message("case %u", i);
		put_file(fixture, "0-1-1.json", cases[i].content,
			 cases[i].size != 0 ? cases[i].size : strlen(cases[i].content));
		check_bad(fixture, "0-1-1.json");
	}
}

static void
test_bad_files(Fixture *fixture, gconstpointer data)
{
	g_autofree char *path = g_build_filename(fixture->dir, "0-1-1.json", NULL);
	g_autofree char *other = g_build_filename(fixture->dir, "other", NULL);
	g_autofree char *taken = g_build_filename(fixture->dir, "bad", "0-1-1.json", NULL);
	g_autofree char *deep = g_strnfill(RD_REQUEST_SIZE_MAX, '[');
	g_autofree char *space = g_strnfill(RD_REQUEST_SIZE_MAX + 1, ' ');
	static const char good[] = "{\"word\": \"resume\"}";

	send(fixture->dir, "pause", NULL);
	put_file(fixture, "0-1-1.json", deep, strlen(deep));
	check_bad(fixture, "0-1-1.json");
	memcpy(space, good, strlen(good));
	put_file(fixture, "0-1-1.json", space, strlen(space));
	check_bad(fixture, "0-1-1.json");

	put_file(fixture, "other", good, strlen(good));
	g_assert_cmpint(symlink(other, path), ==, 0);
	check_bad(fixture, "0-1-1.json");
	g_assert_cmpint(link(other, path), ==, 0);
	check_bad(fixture, "0-1-1.json");
	g_assert_cmpint(mkfifo(path, 0600), ==, 0);
	check_bad(fixture, "0-1-1.json");
	g_assert_cmpint(g_mkdir(path, 0700), ==, 0);
	check_bad(fixture, "0-1-1.json");
	put_file(fixture, "0-1-1.json", good, strlen(good));
	g_assert_cmpint(g_chmod(path, 0620), ==, 0);
	check_bad(fixture, "0-1-1.json");

	/* its place in bad/ is taken */
	g_assert_cmpint(g_mkdir(taken, 0700), ==, 0);
	put_file(fixture, "0-1-1.json", "{", 1);
	check_bad(fixture, "0-1-1.json");
}

static void
test_ignored(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GPtrArray) none = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree char *reason = g_strnfill(RD_REQUEST_SIZE_MAX, 'r');
	RdRequest request = {.word = (char *)"note", .reason = reason};

	put_file(fixture, ".0-1-1.json.aB3xYz", "{\"word\": \"pause\"}", 17);
	put_file(fixture, "README", "hello", 5);
	g_assert_false(rd_request_send(fixture->dir, &request, &error));
	g_assert_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
	none = take(fixture->dir, 0);
	g_assert_null(rd_requests_take("/nonexistent", NULL));
}

/* another user's file says who it was, whatever is in it */
static void
test_other_user(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GPtrArray) requests = NULL;
	const RdRequest *request;
	int status;
	pid_t pid;

	if (getuid() != 0) {
		g_test_skip("NOT TESTED: acting as another user needs root");
		return;
	}
	g_assert_cmpint(g_chmod(fixture->dir, 0777), ==, 0);
	pid = fork();
	if (pid == 0) {
		if (setuid(64999) != 0)
			_exit(1);
		send(fixture->dir, "pause", "root");
		_exit(0);
	}
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_cmpint(status, ==, 0);
	requests = take(fixture->dir, 1);
	request = g_ptr_array_index(requests, 0);
	g_assert_cmpstr(request->who, ==, "uid 64999");
	g_assert_null(request->claim);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define ADD(name, function)                                                                        \
	g_test_add("/request/" name, Fixture, NULL, fixture_set_up, function, fixture_tear_down)
	ADD("round-trip", test_round_trip);
	ADD("order", test_order);
	ADD("bad-content", test_bad_content);
	ADD("bad-files", test_bad_files);
	ADD("ignored", test_ignored);
	ADD("other-user", test_other_user);
	return g_test_run();
}
