/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "host/frame.h"
#include "host/wrapper.h"
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <recovery/plugin.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* A host that is a temporary directory: the wrapper runs on it as it does behind ssh, by
 * `sh -c`, with the production framing at both ends. Every test runs under dash and bash. */

typedef struct {
	const char *shell;
	char *dir;  /* scratch */
	char *root; /* stands for /var/lib/recoveryd */
} Host;

typedef struct {
	GSubprocess *process;
	char *nonce;
} Asked;

static inline void
host_set_up(Host *host, gconstpointer shell)
{
	host->shell = shell;
	host->dir = g_dir_make_tmp("rd-wrapper-XXXXXX", NULL);
	g_assert_nonnull(host->dir);
	host->root = g_build_filename(host->dir, "recoveryd", NULL);
}

static inline void
host_tear_down(Host *host, gconstpointer shell)
{
	const char *argv[] = {"rm", "-rf", host->dir, NULL};

	g_assert_true(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL,
				   NULL, NULL, NULL));
	g_free(host->dir);
	g_free(host->root);
}

/* @input is what comes, whatever the call says */
static inline Asked
host_ask_with(Host *host, const RdCall *call, GBytes *input)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) argv = g_ptr_array_new();
	g_autoptr(GSubprocessLauncher) launcher = NULL;
	g_auto(GStrv) arguments = NULL;
	g_autofree char *loader = rd_frame_loader();
	Asked asked = {.nonce = rd_frame_nonce()};
	int fd = memfd_create("input", MFD_CLOEXEC);

	g_assert_cmpint(write(fd, rd_wrapper_text, strlen(rd_wrapper_text)), ==,
			strlen(rd_wrapper_text));
	if (input != NULL)
		g_assert_cmpint(write(fd, g_bytes_get_data(input, NULL), g_bytes_get_size(input)),
				==, g_bytes_get_size(input));
	lseek(fd, 0, SEEK_SET);
	launcher = g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE |
					     G_SUBPROCESS_FLAGS_STDERR_PIPE);
	g_subprocess_launcher_take_stdin_fd(launcher, fd);
	arguments = rd_frame_arguments(call, asked.nonce, host->root, &error);
	g_assert_no_error(error);
	g_ptr_array_add(argv, (char *)host->shell);
	g_ptr_array_add(argv, "-c");
	g_ptr_array_add(argv, loader);
	for (guint i = 0; arguments[i] != NULL; i++)
		g_ptr_array_add(argv, arguments[i]);
	g_ptr_array_add(argv, NULL);
	asked.process =
	    g_subprocess_launcher_spawnv(launcher, (const char *const *)argv->pdata, &error);
	g_assert_no_error(error);
	return asked;
}

static inline Asked
host_ask(Host *host, const RdCall *call)
{
	return host_ask_with(host, call, call->input);
}

static inline void
asked_wait(Asked *asked, RdReply *reply)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) out = NULL;
	g_autoptr(GBytes) err = NULL;
	g_autoptr(RdFrame) frame = rd_frame_new(asked->nonce);

	g_subprocess_communicate(asked->process, NULL, NULL, &out, &err, &error);
	g_assert_no_error(error);
	rd_frame_add_out(frame, g_bytes_get_data(out, NULL), g_bytes_get_size(out), &error);
	g_assert_no_error(error);
	rd_frame_add_err(frame, g_bytes_get_data(err, NULL), g_bytes_get_size(err));
	rd_frame_finish(frame, reply, &error);
	g_assert_no_error(error);
	g_clear_object(&asked->process);
	g_clear_pointer(&asked->nonce, g_free);
}

static inline RdVerdict
host_call(Host *host, const RdCall *call, RdReply *reply)
{
	Asked asked = host_ask(host, call);

	rd_reply_clear(reply);
	asked_wait(&asked, reply);
	g_test_message("%s: %s %d: %s", rd_call_verb_to_string(call->verb),
		       rd_verdict_to_string(reply->verdict), reply->status, reply->err);
	return reply->verdict;
}

static inline RdVerdict
host_call_verdict(Host *host, const RdCall *call)
{
	g_auto(RdReply) reply = {0};

	return host_call(host, call, &reply);
}

#define assert_verdict(verdict, expected)                                                          \
	g_assert_cmpstr(rd_verdict_to_string(verdict), ==, rd_verdict_to_string(expected))
#define assert_has(text, part)                                                                     \
	do {                                                                                       \
		if (strstr(text, part) == NULL)                                                    \
			g_error("\"%s\" is not in \"%s\"", part, text);                            \
	} while (0)

static inline RdVerdict
host_take(Host *host, const char *run, gint64 number, RdReply *reply)
{
	RdCall call = {.verb = RD_CALL_TAKE,
		       .run = run,
		       .number = number,
		       .enrol = TRUE,
		       .who = "alice@bastion",
		       .wait_s = 5};

	return host_call(host, &call, reply);
}

/* the usual beginning: run r1 holds the host with #1 */
static inline void
host_grant(Host *host)
{
	g_auto(RdReply) reply = {0};

	assert_verdict(host_take(host, "r1", 1, &reply), RD_VERDICT_DONE);
}

static inline void
host_release(Host *host)
{
	RdCall call = {.verb = RD_CALL_RELEASE, .run = "r1", .number = 1};

	assert_verdict(host_call_verdict(host, &call), RD_VERDICT_DONE);
}

/* out as text, (owned) by the caller */
static inline char *
reply_text(const RdReply *reply)
{
	gsize size;
	const char *data = g_bytes_get_data(reply->out, &size);

	return g_strndup(data != NULL ? data : "", size);
}

static inline char *
host_path(Host *host, const char *name)
{
	return g_build_filename(host->dir, name, NULL);
}

static inline char *
read_file(const char *path)
{
	char *text = NULL;

	return g_file_get_contents(path, &text, NULL, NULL) ? text : g_strdup("");
}

static inline void
write_file(const char *path, const char *text)
{
	g_autofree char *dir = g_path_get_dirname(path);
	g_autoptr(GError) error = NULL;

	g_assert_cmpint(g_mkdir_with_parents(dir, 0700), ==, 0);
	g_file_set_contents(path, text, -1, &error);
	g_assert_no_error(error);
}

static inline gboolean
exists(const char *path)
{
	return g_file_test(path, G_FILE_TEST_EXISTS) || g_file_test(path, G_FILE_TEST_IS_SYMLINK);
}

static inline guint64
inode(const char *path)
{
	struct stat st;

	g_assert_cmpint(lstat(path, &st), ==, 0);
	return st.st_ino;
}

/* waits until @path exists; the deadline is for a machine that does nothing else */
static inline void
wait_for_file(const char *path)
{
	for (guint i = 0; i < 3000 && !exists(path); i++)
		g_usleep(10000);
	g_assert_true(exists(path));
}

static inline void
wait_for_death(pid_t pid)
{
	g_autofree char *stat = g_strdup_printf("/proc/%d/stat", pid);

	for (guint i = 0; i < 3000; i++) {
		g_autofree char *text = read_file(stat);

		/* a zombie that nobody reaps is as dead */
		if (text[0] == '\0' || strstr(text, ") Z ") != NULL)
			return;
		g_usleep(10000);
	}
	g_error("process %d lives on", pid);
}

/* the pid that a command wrote into @path */
static inline pid_t
read_pid(const char *path)
{
	pid_t pid = 0;

	for (guint i = 0; i < 3000 && pid <= 0; i++) {
		g_autofree char *text = read_file(path);

		if (strchr(text, '\n') != NULL)
			pid = (pid_t)g_ascii_strtoll(text, NULL, 10);
		else
			g_usleep(10000);
	}
	g_assert_cmpint(pid, >, 1);
	return pid;
}

/* mounts are made in a namespace of the test's own, so that nothing is left behind */
static inline gboolean
can_mount(void)
{
	static gboolean done = FALSE;

	if (done)
		return TRUE;
	if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
		g_test_skip("needs root and a mount namespace: NOT TESTED");
		return FALSE;
	}
	done = TRUE;
	return TRUE;
}

static inline void
add_test(const char *name, void (*test)(Host *, gconstpointer))
{
	static const char *const shells[] = {"dash", "bash"};

	for (guint i = 0; i < G_N_ELEMENTS(shells); i++) {
		g_autofree char *path = g_strdup_printf("/wrapper/%s/%s", shells[i], name);

		g_test_add(path, Host, shells[i], host_set_up, test, host_tear_down);
	}
}
