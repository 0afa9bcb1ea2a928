/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a plugin must not do, on one host; on the others it makes its file as it should. */

#include <recovery/plugin.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DIR "/var/lib/recoveryd-e2e"

/* a null pointer followed, as far as anybody outside can tell */
static void
crash(RecoveryStep *step)
{
	signal(SIGSEGV, SIG_DFL);
	raise(SIGSEGV);
}

/* waits by other means than recovery_wait(): SIGTERM interrupts it, and it waits again */
static void
hang(RecoveryStep *step)
{
	for (;;)
		pause();
}

/* is told by each call that it is over, and goes on */
static void
ignore(RecoveryStep *step)
{
	for (;;) {
		g_autoptr(GError) error = NULL;
		g_autofree char *out = recovery_ask(step, NULL, &error, "true", NULL);

		usleep(1000);
	}
}

static const struct {
	const char *word;
	void (*misbehave)(RecoveryStep *step);
} ways[] = {{"crash", crash}, {"hang", hang}, {"ignore", ignore}};

static char *
file_of(RecoveryStep *step)
{
	return g_build_filename(DIR, recovery_string(step, "how"), NULL);
}

static RecoveryProbe
file_probe(RecoveryStep *step, GError **error)
{
	g_autofree char *path = file_of(step);
	const char *argv[] = {"ls", path, NULL};
	g_auto(RecoveryReply) reply = {0};

	if (!recovery_ask_status(step, NULL, argv, &reply, error))
		return RECOVERY_PROBE_UNKNOWN;
	return reply.status == 0 ? RECOVERY_PROBE_PRESENT : RECOVERY_PROBE_ABSENT;
}

static gboolean
file_enter(RecoveryStep *step, GError **error)
{
	const char *how = recovery_string(step, "how");
	g_autofree char *path = file_of(step);

	for (guint i = 0; i < G_N_ELEMENTS(ways); i++)
		if (g_str_equal(ways[i].word, how) &&
		    g_str_equal(recovery_string(step, "where"), recovery_target(step)))
			ways[i].misbehave(step);
	return recovery_put_data(step, "here\n", 5, path, 0600, error);
}

static const RecoveryParam params[] = {
    {"how", RECOVERY_PARAM_STRING, NULL, "crash, hang or ignore"},
    {"where", RECOVERY_PARAM_STRING, NULL, "on which host"},
    {0},
};

static const RecoveryState states[] = {
    {
	.name = "file",
	.summary = "make a file, except where it misbehaves",
	.kind = RECOVERY_KIND_CHANGE,
	.params = params,
	.timeout = 5,
	.undo_is = RECOVERY_UNDO_NOTHING,
	.probe = file_probe,
	.enter = file_enter,
    },
    {0},
};

RECOVERY_PLUGIN(.name = "bad", .summary = "what a plugin must not do", .states = states);
