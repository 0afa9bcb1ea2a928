/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* bench-resume [DIR]: how long a resume takes on a journal of 10,000 events in DIR, from opening it
 * to the first order that leaves for a host, and how long a worker takes from its fork to the
 * answer to its first order. Prints numbers, judges nothing. Goal for the resume: 10 ms. */

#include "engine/engine.h"
#include "runner/worker.h"
#include "tests/sim/plans.h"
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define ATTEMPTS 1249 /* of eight events each */
#define ROUNDS	 25

static RdCatalogue *catalogue;

static int
compare(gconstpointer a, gconstpointer b)
{
	gint64 left = *(const gint64 *)a, right = *(const gint64 *)b;

	return left < right ? -1 : left > right;
}

static void
print_times(const char *what, gint64 *took)
{
	qsort(took, ROUNDS, sizeof *took, compare);
	printf("%-44s least %7.2f ms  half %7.2f ms  most %7.2f ms\n", what, took[0] / 1000.0,
	       took[ROUNDS / 2] / 1000.0, took[ROUNDS - 1] / 1000.0);
}

/* ---- resume -------------------------------------------------------------------------------- */

typedef struct {
	RdCrew crew;
	gint64 first; /* when the first order left */
} Nobody;

static void
nobody_send(RdCrew *crew, const RdOrder *order)
{
	Nobody *self = (Nobody *)crew;

	if (self->first == 0)
		self->first = g_get_monotonic_time();
}

static void
nobody_listen(RdCrew *crew, const char *target)
{
}

static void
nobody_free(RdCrew *crew)
{
}

static const RdCrewClass nobody = {nobody_send, nobody_listen, nobody_listen, nobody_free};

static gint64
now(gpointer data)
{
	return g_get_monotonic_time();
}

static void
stopped(RdEngine *engine, const GError *error, gpointer data)
{
	g_error("the engine has nothing to do: %s", error != NULL ? error->message : "no error");
}

static void
add(GPtrArray *events, RdEventKind kind, const char *word, guint attempt, const char *text)
{
	RdEvent *event = rd_event_new(kind, word);

	rd_event_step(event, "stop", "m0", 1, attempt);
	g_ptr_array_add(events, rd_event_text(event, text));
}

/* a step that is tried again and again: every kind of event a change has */
static void
fill(const char *path)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(RdJournal) journal = rd_journal_create(path, &error);
	g_autoptr(GPtrArray) events = g_ptr_array_new_with_free_func((GDestroyNotify)rd_event_free);
	RdEvent *event = rd_event_new(RD_EVENT_CREATED, "two-states");

	rd_event_pair(event, "night", "11111111-1111-4111-8111-111111111111");
	g_ptr_array_add(events, rd_event_text(rd_event_number(event, 1), "alice@bastion"));
	event = rd_event_new(RD_EVENT_VISIT, NULL);
	g_ptr_array_add(events, rd_event_step(event, "stop", NULL, 1, 0));
	for (guint i = 1; i <= ATTEMPTS; i++) {
		add(events, RD_EVENT_STEP, "begin", i, NULL);
		add(events, RD_EVENT_NOTE, NULL, i, NULL);
		rd_event_pair(g_ptr_array_index(events, events->len - 1), "boot-id",
			      "5f1c7a2e-0000-4000-8000-000000000001");
		add(events, RD_EVENT_STEP, "intent", i, NULL);
		add(events, RD_EVENT_TOUCH, "move-aside", i,
		    "/etc/kubernetes/manifests/kube-scheduler-pod.yaml");
		add(events, RD_EVENT_TOUCHED, "refused", i, "m0: it is not there");
		add(events, RD_EVENT_STEP, "failed", i, "m0: it is not there");
		add(events, RD_EVENT_STEP, "settled", i, NULL);
		add(events, RD_EVENT_STEP, "absent", i, NULL);
	}
	if (journal == NULL || !rd_journal_append(journal, events, &error))
		g_error("%s", error->message);
	printf("%u events, %s\n", events->len, path);
}

/* as engine/open.c does it for a writer */
static gboolean
apply(const RdEvent *event, gpointer data, GError **error)
{
	return rd_run_apply(data, event, error);
}

static gint64
resume(const char *path, const RdPlan *plan)
{
	const RdEngineHooks hooks = {.now = now, .stopped = stopped};
	Nobody crew = {.crew = {.klass = &nobody}};
	gint64 began = g_get_monotonic_time();
	g_autoptr(GError) error = NULL;
	g_autoptr(RdJournal) journal = rd_journal_open_writer(path, &error);
	RdRun *run = rd_run_new(plan);
	RdEngine *engine;

	if (journal == NULL || !rd_journal_each(journal, 0, apply, run, &error))
		g_error("%s", error->message);
	engine = rd_engine_new(run, journal, &crew.crew, &hooks);
	rd_engine_start(engine, "bastion", "boot", getpid());
	while (crew.first == 0)
		g_main_context_iteration(NULL, TRUE);
	rd_engine_free(engine);
	rd_run_free(run);
	return crew.first - began;
}

/* ---- worker -------------------------------------------------------------------------------- */

static gboolean
answer(RdWorld *world, const char *host, const RdCall *call, RdReply *reply, GError **error)
{
	static const char survey[] = "boot-id=b\nmachine-id=m\ntime=1.0\n";

	*reply = (RdReply){.out = g_bytes_new_static(survey, strlen(survey))};
	return TRUE;
}

static gint64
tell_time(RdWorld *world)
{
	return g_get_monotonic_time();
}

static gboolean
never(RdWorld *world)
{
	return FALSE;
}

static gint64
start_worker(const RdSetting *setting)
{
	static const RdWorldClass klass = {.call = answer, .clock = tell_time, .cancelled = never};
	g_autoptr(RdOrder) order = rd_order_new(RD_DO_SURVEY, "m0");
	g_autofree char *line = rd_wire_order(order);
	g_autofree char *back = NULL;
	RdWorld world = {&klass};
	gint64 began = g_get_monotonic_time(), took;
	RdLines *lines;
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0 || (pid = fork()) < 0)
		g_error("no worker");
	if (pid == 0) {
		close(pair[0]);
		(void)rd_worker_cancel_fd();
		rd_worker_main(rd_lines_new(pair[1]), catalogue, &world, setting);
		_exit(0);
	}
	close(pair[1]);
	lines = rd_lines_new(pair[0]);
	if (!rd_lines_send(lines, line) || (back = rd_lines_wait(lines)) == NULL)
		g_error("no answer");
	took = g_get_monotonic_time() - began;
	rd_lines_free(lines);
	waitpid(pid, NULL, 0);
	return took;
}

int
main(int argc, char **argv)
{
	g_autofree char *dir = g_build_filename(argc > 1 ? argv[1] : ".", "bench-XXXXXX", NULL);
	g_autofree char *path = NULL, *plugins = NULL, *clean = NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(RdSetting) setting = rd_setting_new("r-bench-1", "u", "alice@bastion", "/tmp");
	gint64 resumed[ROUNDS], worked[ROUNDS];
	RdPlan *plan;

	if (g_getenv("SOURCE_ROOT") == NULL || g_getenv("BUILD_ROOT") == NULL ||
	    mkdtemp(dir) == NULL)
		g_error("bench-resume [DIR], with SOURCE_ROOT and BUILD_ROOT set");
	catalogue = rd_catalogue_new();
	plugins = g_build_filename(g_getenv("BUILD_ROOT"), "plugins", NULL);
	if (!rd_catalogue_load_dir(catalogue, plugins, &error))
		g_error("%s", error->message);
	plan = sim_plan(catalogue, "two-states", 3, "/nonexistent", "none");
	path = g_build_filename(dir, "journal.db", NULL);
	fill(path);
	for (guint i = 0; i < ROUNDS; i++)
		resumed[i] = resume(path, plan);
	print_times("resume: open, read, fold, first order", resumed);
	for (guint i = 0; i < ROUNDS; i++)
		worked[i] = start_worker(setting);
	print_times("worker: fork, order, its answer", worked);
	rd_plan_free(plan);
	rd_catalogue_free(catalogue);
	clean = g_strdup_printf("rm -r '%s'", dir);
	return system(clean) == 0 ? 0 : 1;
}
