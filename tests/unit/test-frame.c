/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/frame.h"
#include "host/wrapper.h"
#include <recovery/plugin.h>
#include <string.h>

static gboolean
finish(const char *out, const char *err, RdReply *reply, GError **error)
{
	g_autoptr(RdFrame) frame = rd_frame_new("N");

	/* byte by byte: no mark may be missed because it came in pieces */
	for (const char *c = out; *c != '\0'; c++)
		g_assert_true(rd_frame_add_out(frame, c, 1, NULL));
	for (const char *c = err; *c != '\0'; c++)
		rd_frame_add_err(frame, c, 1);
	return rd_frame_finish(frame, reply, error);
}

static void
assert_reply(const char *out, const char *err, const char *text, const char *said)
{
	g_auto(RdReply) reply = {0};
	g_autoptr(GError) error = NULL;
	gsize size;
	const char *data;

	finish(out, err, &reply, &error);
	g_assert_no_error(error);
	data = g_bytes_get_data(reply.out, &size);
	g_assert_cmpmem(data, size, text, strlen(text));
	g_assert_cmpstr(reply.err, ==, said);
}

static void
test_what_counts_is_between_the_marks(void)
{
	assert_reply("recoveryd-begin N\n\nrecoveryd-end N\n",
		     "recoveryd-begin N\n\nrecoveryd-end N done 0\n", "", "");
	assert_reply("hello recoveryd-begin N\na\n\n\nrecoveryd-end N\nlater",
		     "oops recoveryd-begin N\nb\n\nrecoveryd-end N done 0\nlater", "a\n\n", "b\n");
	/* marks of another call, or of somebody who plays */
	assert_reply("recoveryd-begin M\nrecoveryd-begin N\n\nrecoveryd-end M\n\nrecoveryd-end N\n",
		     "recoveryd-begin N\n\nrecoveryd-end M done 0\n\nrecoveryd-end N alive 0\n",
		     "\nrecoveryd-end M\n", "\nrecoveryd-end M done 0\n");
}

static void
assert_fails(const char *out, const char *err, RecoveryErrorCode code, const char *words)
{
	g_auto(RdReply) reply = {0};
	g_autoptr(GError) error = NULL;

	g_assert_false(finish(out, err, &reply, &error));
	g_test_message("%s", error->message);
	g_assert_error(error, RECOVERY_ERROR, (int)code);
	g_assert_nonnull(strstr(error->message, words));
	g_assert_null(reply.out);
}

static void
test_without_both_ends_it_is_lost(void)
{
	assert_fails("", "", RECOVERY_ERROR_UNREACHABLE, "did not begin");
	assert_fails("recoveryd-begin N\nx", "\nrecoveryd-end N done 0\n",
		     RECOVERY_ERROR_UNREACHABLE, "cut off");
	assert_fails("recoveryd-begin N\nx\nrecoveryd-end N\n", "no space left",
		     RECOVERY_ERROR_UNREACHABLE, "no space left");
	assert_fails("recoveryd-begin N\nx\nrecoveryd-end N\n", "\nrecoveryd-end N done 0",
		     RECOVERY_ERROR_UNREACHABLE, "cut off");
	assert_fails("recoveryd-begin N\nx\nrecoveryd-end N\n", "\nrecoveryd-end N perhaps 0\n",
		     RECOVERY_ERROR_UNREACHABLE, "not a verdict");
	assert_fails("x\nrecoveryd-end N\n", "\nrecoveryd-end N done 0\n",
		     RECOVERY_ERROR_UNREACHABLE, "did not begin");
}

static void
test_who_cannot_become_root_learns_what_to_do(void)
{
	assert_fails("", "sudo: a password is required\n", RECOVERY_ERROR_PERMANENT, "NOPASSWD");
	assert_fails("", "sudo: sorry, you must have a tty to run sudo\n", RECOVERY_ERROR_PERMANENT,
		     "requiretty");
	assert_fails("", "core is not in the sudoers file.\n", RECOVERY_ERROR_PERMANENT,
		     "NOPASSWD");
	assert_fails("", "bash: line 1: exec: sudo: not found\n", RECOVERY_ERROR_PERMANENT,
		     "log in as root");
	assert_fails("This account is currently not available.\n", "", RECOVERY_ERROR_PERMANENT,
		     "login shell");
	assert_fails("recoveryd-begin N\n\nrecoveryd-end N\n",
		     "recoveryd-begin N\nruns as core, not as root\nrecoveryd-end N not-root 0\n",
		     RECOVERY_ERROR_PERMANENT, "not as root");
	/* a command that says so is another matter */
	assert_fails("recoveryd-begin N\n", "sudo: a password is required\n",
		     RECOVERY_ERROR_UNREACHABLE, "cut off");
}

static void
test_stderr_keeps_its_end(void)
{
	g_autofree char *many = g_strnfill(300000, 'x');
	g_autofree char *err =
	    g_strdup_printf("recoveryd-begin N\n%sEND\nrecoveryd-end N done 2\n", many);
	g_auto(RdReply) reply = {0};
	g_autoptr(GError) error = NULL;

	finish("recoveryd-begin N\n\nrecoveryd-end N\n", err, &reply, &error);
	g_assert_no_error(error);
	g_assert_cmpint(reply.status, ==, 2);
	g_assert_cmpuint(strlen(reply.err), ==, 64 * 1024);
	g_assert_true(g_str_has_suffix(reply.err, "xEND"));
}

static void
test_calls_that_cannot_be_made(void)
{
	g_autofree char *many = g_strnfill(130000, 'x');
	const RdCall wrong[] = {
	    {.verb = RD_CALL_ASK},
	    {.verb = RD_CALL_ASK, .argv = (const char *const[]){NULL}},
	    {.verb = RD_CALL_ASK, .argv = (const char *const[]){"", NULL}},
	    {.verb = RD_CALL_ASK, .argv = (const char *const[]){"A=b", NULL}},
	    {.verb = RD_CALL_ASK, .argv = (const char *const[]){"-i", NULL}},
	    {.verb = RD_CALL_ASK,
	     .argv = (const char *const[]){"a", NULL},
	     .env = (const char *const[]){"A", NULL}},
	    {.verb = RD_CALL_ASK,
	     .argv = (const char *const[]){"a", NULL},
	     .env = (const char *const[]){"-u=b", NULL}},
	    {.verb = RD_CALL_MOVE, .from = "/a\nb", .to = "/c"},
	};
	const RdCall big = {.verb = RD_CALL_ASK, .argv = (const char *const[]){"echo", many, NULL}};
	g_auto(GStrv) arguments = NULL;
	g_autoptr(GError) error = NULL;

	for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
		g_assert_null(rd_frame_arguments(&wrong[i], "N", NULL, &error));
		g_assert_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT);
		g_clear_error(&error);
	}
	arguments = rd_frame_arguments(&big, "N", NULL, &error);
	g_assert_no_error(error);
	g_assert_null(rd_frame_command("core", (const char *const *)arguments, &error));
	g_assert_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT);
}

static void
test_root_needs_no_sudo(void)
{
	const char *const arguments[] = {"recoveryd", "survey", NULL};
	g_autofree char *root = rd_frame_command("root", arguments, NULL);
	g_autofree char *core = rd_frame_command("core", arguments, NULL);

	g_assert_true(g_str_has_prefix(root, "exec /bin/sh -c "));
	g_assert_true(g_str_has_prefix(core, "exec sudo -n /bin/sh -c "));
	g_assert_true(g_str_has_suffix(core, " 'recoveryd' 'survey'"));
}

/* what sudo and an audit log keep of a call is short, and says which call it was */
static void
test_line_is_short(void)
{
	const char *const arguments[] = {"recoveryd", "survey", "run=r-1", NULL};
	g_autofree char *line = rd_frame_command("core", arguments, NULL);

	g_assert_cmpuint(strlen(line), <, 250);
	g_assert_true(g_str_is_ascii(rd_wrapper_text));
}

/* A connection that is cut while the wrapper is sent must not leave half of it to be carried out.
 */
static void
test_half_a_wrapper_does_nothing(void)
{
	g_autofree char *loader = rd_frame_loader();
	gsize size = strlen(rd_wrapper_text);
	const gsize cuts[] = {0, 1, size / 2, size - 2};
	const char *argv[] = {"/bin/sh",       "-c", loader, "recoveryd", "survey",
			      "root=/nowhere", NULL};

	for (guint i = 0; i < G_N_ELEMENTS(cuts); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(GSubprocess) process = g_subprocess_newv(
		    argv,
		    G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE |
			G_SUBPROCESS_FLAGS_STDERR_PIPE,
		    &error);
		g_autoptr(GBytes) half = g_bytes_new(rd_wrapper_text, cuts[i]);
		g_autoptr(GBytes) out = NULL, err = NULL;

		g_assert_no_error(error);
		g_subprocess_communicate(process, half, NULL, &out, &err, &error);
		g_assert_no_error(error);
		g_assert_cmpint(g_subprocess_get_exit_status(process), ==, 2);
		g_assert_cmpuint(g_bytes_get_size(out), ==, 0);
		g_assert_nonnull(g_strstr_len(g_bytes_get_data(err, NULL),
					      (gssize)g_bytes_get_size(err), "cut off"));
	}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/frame/marks", test_what_counts_is_between_the_marks);
	g_test_add_func("/frame/lost", test_without_both_ends_it_is_lost);
	g_test_add_func("/frame/no-root", test_who_cannot_become_root_learns_what_to_do);
	g_test_add_func("/frame/stderr", test_stderr_keeps_its_end);
	g_test_add_func("/frame/wrong-calls", test_calls_that_cannot_be_made);
	g_test_add_func("/frame/sudo", test_root_needs_no_sudo);
	g_test_add_func("/frame/short", test_line_is_short);
	g_test_add_func("/frame/half", test_half_a_wrapper_does_nothing);
	return g_test_run();
}
