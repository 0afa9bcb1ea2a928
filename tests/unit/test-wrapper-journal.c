/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wrapper-fixture.h"

/* keep: the copy of a run's journal on a host */

#define LINK_1 "1111111111111111111111111111111111111111111111111111111111111111"
#define LINK_2 "2222222222222222222222222222222222222222222222222222222222222222"
#define LINK_3 "3333333333333333333333333333333333333333333333333333333333333333"
#define LINE_1 "1\t" LINK_1 "\tthe first\n"
#define LINE_2 "2\t" LINK_2 "\tthe second\n"
#define LINE_3 "3\t" LINK_3 "\tthe third\n"

/* @lines NULL: only where it ends. *status and *end as the host says them */
static RdVerdict
keep(Host *host, gint64 number, gint64 after, const char *link, const char *lines, int *status,
     char **end)
{
	g_autoptr(GBytes) input = lines != NULL ? g_bytes_new(lines, strlen(lines)) : NULL;
	RdCall call = {.verb = RD_CALL_KEEP,
		       .run = "r1",
		       .number = number,
		       .offset = after,
		       .sha256 = link,
		       .input = input};
	g_auto(RdReply) reply = {0};

	host_call(host, &call, &reply);
	*status = reply.status;
	g_free(*end);
	*end = reply_text(&reply);
	return reply.verdict;
}

#define assert_keep(the_after, the_link, lines, the_status, the_end)                               \
	G_STMT_START                                                                               \
	{                                                                                          \
		int was;                                                                           \
		g_autofree char *found = NULL;                                                     \
		assert_verdict(keep(host, 1, the_after, the_link, lines, &was, &found),            \
			       RD_VERDICT_DONE);                                                   \
		g_assert_cmpstr(found, ==, the_end);                                               \
		g_assert_cmpint(was, ==, the_status);                                              \
	}                                                                                          \
	G_STMT_END

static void
assert_file(Host *host, const char *name, const char *expected)
{
	g_autofree char *path = g_build_filename(host->root, "journal/r1", name, NULL);
	g_autofree char *text = read_file(path);

	g_assert_cmpstr(text, ==, expected);
}

static void
test_lines_follow_each_other(Host *host, gconstpointer shell)
{
	g_autofree char *path = g_build_filename(host->root, "journal/r1/events", NULL);
	GStatBuf info;

	host_grant(host);
	assert_keep(0, NULL, NULL, 0, "0 -");
	assert_keep(0, NULL, LINE_1, 0, "1 " LINK_1);
	g_assert_cmpint(g_stat(path, &info), ==, 0);
	g_assert_cmpint(info.st_mode & 0777, ==, 0600);
	/* what does not follow is not written: another link, a gap, and again what is there */
	assert_keep(1, LINK_2, LINE_2, 1, "1 " LINK_1);
	assert_keep(2, LINK_2, LINE_3, 1, "1 " LINK_1);
	assert_keep(1, LINK_1, LINE_2 LINE_3, 0, "3 " LINK_3);
	assert_keep(1, LINK_1, LINE_2 LINE_3, 1, "3 " LINK_3);
	/* a late first batch finds itself there already */
	assert_keep(0, NULL, LINE_1, 1, "3 " LINK_3);
	assert_file(host, "events", LINE_1 LINE_2 LINE_3);
}

static void
test_a_torn_end_is_cut_off(Host *host, gconstpointer shell)
{
	g_autofree char *path = g_build_filename(host->root, "journal/r1/events", NULL);

	host_grant(host);
	assert_keep(0, NULL, LINE_1, 0, "1 " LINK_1);
	write_file(path, LINE_1 "2\t222222");
	assert_keep(0, NULL, NULL, 0, "1 " LINK_1);
	assert_keep(1, LINK_1, LINE_2, 0, "2 " LINK_2);
	assert_file(host, "events", LINE_1 LINE_2);
	/* blocks that were allocated and never written */
	g_assert_cmpint(truncate(path, strlen(LINE_1 LINE_2) + 300), ==, 0);
	assert_keep(2, LINK_2, LINE_3, 0, "3 " LINK_3);
	assert_file(host, "events", LINE_1 LINE_2 LINE_3);
	g_assert_cmpint(truncate(path, strlen(LINE_1 LINE_2)), ==, 0);
	assert_file(host, "events", LINE_1 LINE_2);
	/* nothing but a torn line */
	write_file(path, "1\t11");
	assert_keep(0, NULL, LINE_1, 0, "1 " LINK_1);
	assert_file(host, "events", LINE_1);
}

static void
test_what_differs_is_put_aside(Host *host, gconstpointer shell)
{
	g_autofree char *path = g_build_filename(host->root, "journal/r1/events", NULL);

	host_grant(host);
	assert_keep(0, NULL, LINE_1 LINE_2, 0, "2 " LINK_2);
	assert_keep(0, NULL, "1\t" LINK_3 "\tof another\n", 0, "1 " LINK_3);
	assert_file(host, "events.1", LINE_1 LINE_2);
	assert_keep(0, NULL, LINE_1, 0, "1 " LINK_1);
	assert_file(host, "events.2", "1\t" LINK_3 "\tof another\n");
	assert_file(host, "events.1", LINE_1 LINE_2);
	/* a last line that is none */
	write_file(path, LINE_1 "what is this?\n");
	assert_keep(0, NULL, NULL, 0, "0 damaged");
	assert_keep(0, NULL, LINE_1 LINE_2, 0, "2 " LINK_2);
	assert_file(host, "events.3", LINE_1 "what is this?\n");
}

static void
test_only_who_holds_or_held_the_host_writes(Host *host, gconstpointer shell)
{
	g_auto(RdReply) reply = {0};
	g_autofree char *end = NULL;
	int status;

	assert_verdict(keep(host, 1, 0, NULL, NULL, &status, &end), RD_VERDICT_FENCED);
	host_grant(host);
	assert_keep(0, NULL, LINE_1, 0, "1 " LINK_1);
	assert_verdict(keep(host, 2, 1, LINK_1, LINE_2, &status, &end), RD_VERDICT_FENCED);
	/* the end of it, after the lock was given back */
	host_release(host);
	assert_keep(1, LINK_1, LINE_2, 0, "2 " LINK_2);
	assert_verdict(host_take(host, "r2", 2, &reply), RD_VERDICT_DONE);
	assert_verdict(keep(host, 1, 2, LINK_2, LINE_3, &status, &end), RD_VERDICT_FENCED);
	assert_file(host, "events", LINE_1 LINE_2);
}

static void
test_documents_are_replaced_whole(Host *host, gconstpointer shell)
{
	g_autoptr(GBytes) long_one = g_bytes_new_static("longer than the second", 22);
	g_autoptr(GBytes) input = g_bytes_new_static("it's\n\"short\"", 12);
	RdCall call = {.verb = RD_CALL_KEEP,
		       .run = "r1",
		       .number = 1,
		       .name = "setting.json",
		       .input = long_one};

	host_grant(host);
	assert_verdict(host_call_verdict(host, &call), RD_VERDICT_DONE);
	call.input = input;
	assert_verdict(host_call_verdict(host, &call), RD_VERDICT_DONE);
	assert_file(host, "setting.json", "it's\n\"short\"");
	call.name = "../epoch";
	assert_verdict(host_call_verdict(host, &call), RD_VERDICT_REFUSED);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	add_test("keep/follow", test_lines_follow_each_other);
	add_test("keep/torn", test_a_torn_end_is_cut_off);
	add_test("keep/aside", test_what_differs_is_put_aside);
	add_test("keep/fenced", test_only_who_holds_or_held_the_host_writes);
	add_test("keep/documents", test_documents_are_replaced_whole);
	return g_test_run();
}
