/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* recoveryd-crash is the whole program, and an engine of it dies at a boundary: before or after it
 * commits events, or a moment after it committed that something is going to be touched.
 *
 *   RECOVERYD_CRASH=none|engine|runner|both:EVERY:HITFILE
 *
 * Each boundary has a label that says the same in every attempt. The first time that it comes by,
 * a line about it is on disk before anybody dies:
 *
 *   hit LABEL       the processes named were killed there
 *   pass LABEL      not its turn: only each EVERY-th boundary kills (none: never)
 *   lack LABEL      there was no runner to kill; the next time that it comes by may have one
 *
 * Other processes than engines (start, resume, runners) are as ever. */

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "journal/journal.h"

/* how long after the commit that allows a touch it is cut short: at first the connection, in the
 * end what it started on the host */
#define AMID_LEAST_MS 15
#define AMID_MOST_MS  400

static struct {
	char **words; /* mode, EVERY, HITFILE; NULL: this process does not die */
	guint every, seen;
	gboolean ready;
} crash;

gboolean __real_rd_journal_append(RdJournal *journal, GPtrArray *events, GError **error);
gboolean __wrap_rd_journal_append(RdJournal *journal, GPtrArray *events, GError **error);

/* the first argument of a process: "engine", "runner"; "" when there is none */
static char *
role_of(const char *pid)
{
	g_autofree char *path = g_build_filename("/proc", pid, "cmdline", NULL);
	g_autofree char *line = NULL;
	gsize size = 0, first;

	if (!g_file_get_contents(path, &line, &size, NULL))
		return g_strdup("");
	first = strlen(line);
	return g_strdup(first + 1 < size ? line + first + 1 : "");
}

static void
crash_prepare(void)
{
	const char *given = g_getenv("RECOVERYD_CRASH");
	g_autofree char *role = role_of("self");

	crash.ready = TRUE;
	if (given == NULL || !g_str_equal(role, "engine"))
		return;
	crash.words = g_strsplit(given, ":", 3);
	if (g_strv_length(crash.words) != 3 || atoi(crash.words[1]) < 1)
		g_error("RECOVERYD_CRASH=%s", given);
	crash.every = (guint)atoi(crash.words[1]);
}

static gboolean
kills(const char *whom)
{
	return g_str_equal(crash.words[0], whom) || g_str_equal(crash.words[0], "both");
}

/* 0 when there is none */
static pid_t
find_runner(void)
{
	g_autofree char *path = g_strdup_printf("/proc/self/task/%d/children", getpid());
	g_autofree char *text = NULL;
	g_auto(GStrv) pids = NULL;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		g_error("%s is not there", path);
	pids = g_strsplit(g_strstrip(text), " ", -1);
	for (guint i = 0; pids[i] != NULL && *pids[i] != '\0'; i++) {
		g_autofree char *role = role_of(pids[i]);

		if (g_str_equal(role, "runner"))
			return atoi(pids[i]);
	}
	return 0;
}

/* TRUE when the label had its turn; counts the labels that had, on the way */
static gboolean
is_known(const char *label)
{
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;
	gboolean known = FALSE;

	crash.seen = 0;
	if (!g_file_get_contents(crash.words[2], &text, NULL, NULL))
		return FALSE;
	lines = g_strsplit(text, "\n", -1);
	for (guint i = 0; lines[i] != NULL; i++) {
		const char *space = strchr(lines[i], ' ');

		if (space == NULL || g_str_has_prefix(lines[i], "lack "))
			continue;
		crash.seen++;
		known = known || g_str_equal(space + 1, label);
	}
	return known;
}

static void
write_down(const char *word, const char *label)
{
	g_autofree char *line = g_strdup_printf("%s %s\n", word, label);
	int fd = open(crash.words[2], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, line, strlen(line)) != (ssize_t)strlen(line) || fsync(fd) != 0)
		g_error("%s: %s", crash.words[2], g_strerror(errno));
	close(fd);
}

static void
boundary(const char *label)
{
	pid_t runner = find_runner();
	const char *word = "hit";

	if (is_known(label))
		return;
	if (g_str_equal(crash.words[0], "none") || crash.seen % crash.every != crash.every - 1)
		word = "pass";
	else if (g_str_equal(crash.words[0], "runner") && runner == 0)
		word = "lack";
	write_down(word, label);
	if (!g_str_equal(word, "hit"))
		return;
	if (kills("runner") && runner != 0)
		kill(runner, SIGKILL);
	if (kills("engine"))
		kill(getpid(), SIGKILL);
}

static gboolean
boundary_amid(gpointer label)
{
	boundary(label);
	return G_SOURCE_REMOVE;
}

/* what the commit says, without numbers that differ from attempt to attempt */
static char *
describe(GPtrArray *events)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < events->len; i++) {
		const RdEvent *event = g_ptr_array_index(events, i);

		g_string_append_printf(text, "%s%s", i > 0 ? " + " : "",
				       rd_event_kind_to_string(event->kind));
		if (event->state != NULL || event->target != NULL)
			g_string_append_printf(text, " %s@%s",
					       event->state != NULL ? event->state : "",
					       event->target != NULL ? event->target : "");
		if (event->visit > 1)
			g_string_append_printf(text, ".%u", event->visit);
		if (event->word != NULL)
			g_string_append_printf(text, " %s", event->word);
		if (event->kind == RD_EVENT_NOTE || event->kind == RD_EVENT_OUTPUT)
			g_string_append_printf(text, " %s", event->key);
	}
	return g_string_free(text, FALSE);
}

gboolean
__wrap_rd_journal_append(RdJournal *journal, GPtrArray *events, GError **error)
{
	g_autofree char *what = NULL, *before = NULL, *after = NULL;
	const RdEvent *first = events->len > 0 ? g_ptr_array_index(events, 0) : NULL;

	if (!crash.ready)
		crash_prepare();
	if (crash.words == NULL || first == NULL)
		return __real_rd_journal_append(journal, events, error);
	what = describe(events);
	before = g_strconcat("before ", what, NULL);
	after = g_strconcat("after ", what, NULL);
	boundary(before);
	if (!__real_rd_journal_append(journal, events, error))
		return FALSE;
	boundary(after);
	if (first->kind == RD_EVENT_TOUCH) {
		char *amid = g_strconcat("amid ", what, NULL);
		guint delay = AMID_LEAST_MS + g_str_hash(amid) % (AMID_MOST_MS - AMID_LEAST_MS);

		g_timeout_add_full(G_PRIORITY_HIGH, delay, boundary_amid, amid, g_free);
	}
	return TRUE;
}
