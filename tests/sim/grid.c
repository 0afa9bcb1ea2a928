/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "disk.h"
#include "kinds.h"
#include "likeness.h"
#include "trial.h"
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The fault grid: one undisturbed recovery, and at each of its boundaries a fork for each fault
 * that can happen there. The child lives on with it to the end; the parent goes on undisturbed, so
 * that no prefix is run twice. */

typedef struct {
	guint runs, done, held, doubled, lost, bad;
} Row;

typedef struct {
	const char *procedure;
	guint32 seed;
	guint every, touches_every, first, cancels_every, jobs;
	Kinds *kinds; /* (nullable) the sample is by these */
	gboolean real_pace;
	const Scene *scene; /* (nullable) */
	const char *only;
	gint at_boundary;
	RdPlan *then;	 /* (nullable) trial.h */
	gboolean counts; /* how many there would be, and none of them */
	gboolean back;	 /* a rollback from each boundary, undisturbed and with a fault by chance */
	RdCatalogue *catalogue;
	char *dir, *first_dir;
	RdPlan *plan;
	GHashTable *expected;
	GHashTable *cancelled; /* (element-type utf8) states in which that was tried */
	GHashTable *turned; /* (element-type utf8) states from which it went back, as they began and
			       afterwards */
	Row *rows;
	guint children, bad_shown;
	struct {
		pid_t pid;
		guint fault, boundary;
		char *what;
		Outcome *outcome; /* shared memory */
	} * slots;
	Outcome *shared;
} Grid;

/* rows behind those of the faults */
static const char *const back_names[] = {"rollback", "rollback, fault"};
#define N_ROWS (n_faults + G_N_ELEMENTS(back_names))

static const char *
row_name(guint row)
{
	return row < n_faults ? faults[row].name : back_names[row - n_faults];
}

static double
seconds(void)
{
	struct timespec time;

	/* not the interposed one: this is for the figures */
	time.tv_sec = 0;
	timespec_get(&time, TIME_UTC);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* of this process, whoever else uses the machine */
static double
cpu_seconds(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void
account(Grid *grid, guint slot, int status)
{
	Outcome *outcome = grid->slots[slot].outcome;
	Row *row = &grid->rows[grid->slots[slot].fault];
	gboolean crashed = !WIFEXITED(status) || WEXITSTATUS(status) != 0 || !outcome->over;

	row->runs++;
	row->doubled += outcome->doubled;
	row->lost += outcome->lost;
	if (!crashed && outcome->good && outcome->held == 0)
		row->done++;
	else if (!crashed && outcome->good)
		row->held++;
	else {
		row->bad++;
		if (grid->bad_shown++ < 40)
			printf("# BAD %s --seed %u --fault '%s' --boundary %u (%s): %s%s\n",
			       grid->procedure, grid->seed, row_name(grid->slots[slot].fault),
			       grid->slots[slot].boundary, grid->slots[slot].what,
			       crashed ? "it crashed " : "", outcome->text);
		fflush(stdout);
	}
	g_clear_pointer(&grid->slots[slot].what, g_free);
	grid->slots[slot].pid = 0;
}

static guint
free_slot(Grid *grid)
{
	for (;;) {
		int status;
		pid_t pid;

		for (guint i = 0; i < grid->jobs; i++)
			if (grid->slots[i].pid == 0)
				return i;
		pid = wait(&status);
		for (guint i = 0; i < grid->jobs; i++)
			if (grid->slots[i].pid == pid)
				account(grid, i, status);
	}
}

static void
wait_all(Grid *grid)
{
	for (guint i = 0; i < grid->jobs; i++) {
		int status;

		if (grid->slots[i].pid == 0)
			continue;
		waitpid(grid->slots[i].pid, &status, 0);
		account(grid, i, status);
	}
}

/* where this process is the child of a fork, its own slot */
static Outcome *child_outcome;

static void
become_child(Grid *grid, guint slot)
{
	g_autofree char *path = g_strdup_printf("%s/%u", grid->dir, slot);

	child_outcome = grid->slots[slot].outcome;
	move_to_own_dir(path, grid->first_dir);
}

/* in a child of its own; FALSE there, TRUE in the parent */
static gboolean
split(Grid *grid, guint row, guint boundary, char *what)
{
	guint slot;
	pid_t pid;

	if (grid->counts) {
		grid->children++;
		grid->rows[row].runs++;
		g_free(what);
		return TRUE;
	}
	slot = free_slot(grid);
	memset(grid->slots[slot].outcome, 0, sizeof(Outcome));
	grid->children++;
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		g_error("fork failed");
	if (pid == 0) {
		g_free(what);
		become_child(grid, slot);
		return FALSE;
	}
	grid->slots[slot].pid = pid;
	grid->slots[slot].fault = row;
	grid->slots[slot].boundary = boundary;
	grid->slots[slot].what = what;
	return TRUE;
}

static char *
describe(RdMoment moment, const char *state, const char *target, const RdCall *call)
{
	return g_strdup_printf("%s %s %s@%s", rd_moment_to_string(moment),
			       call != NULL ? rd_call_verb_to_string(call->verb) : "",
			       state != NULL ? state : "", target != NULL ? target : "");
}

static void
at_kind(Trial *trial, Bastion *bastion, RdMoment moment, const char *target, const char *host,
	const RdCall *call, RdSimRequest *request)
{
	Grid *grid = trial->at_data;
	g_autofree char *kind = kind_of(moment, bastion_state(bastion, target), call);

	kinds_expect(grid->kinds, kind);
}

/* of a recovery, and of the way back from it */
static gboolean
is_sampled(Grid *grid, const Trial *trial, const RdCall *call)
{
	gboolean touches = call != NULL && rd_call_verb_touches(call->verb);
	guint nth = touches ? grid->touches_every : grid->every;

	if (grid->at_boundary >= 0)
		return trial->boundary == (guint)grid->at_boundary;
	return trial->boundary % nth == grid->first % nth;
}

/* which boundaries are tried; a cancel once in each state, whatever the sample */
static gboolean
is_wanted(Grid *grid, Trial *trial, const Fault *fault, const char *state, const char *kind,
	  guint nth, const RdCall *call)
{
	const Scene *scene = trial->scene;

	if (grid->only != NULL && !g_str_equal(grid->only, fault->name))
		return FALSE;
	if (scene != NULL && scene->faults != NULL && !g_strv_contains(scene->faults, fault->name))
		return FALSE;
	if (fault->cancels && grid->at_boundary < 0)
		return state != NULL && g_hash_table_add(grid->cancelled, g_strdup(state)) &&
		       g_hash_table_size(grid->cancelled) % grid->cancels_every == 0;
	if (grid->kinds != NULL && grid->at_boundary < 0)
		return kinds_take(grid->kinds, (guint)(fault - faults), kind, nth);
	return is_sampled(grid, trial, call);
}

static void
at(Trial *trial, Bastion *bastion, RdMoment moment, const char *target, const char *host,
   const RdCall *call, RdSimRequest *request)
{
	Grid *grid = trial->at_data;
	const char *state = bastion_state(bastion, target);
	g_autofree char *kind = kind_of(moment, state, call);
	guint nth = grid->kinds != NULL ? kinds_meet(grid->kinds, kind) : 0;

	/* of two runs it is the second that is tried */
	if (grid->then != NULL && trial->bastions->len == 1)
		return;
	for (guint i = 0; i < n_faults; i++) {
		/* a host that is given up does not become as before, nor does one that two want,
		 * nor what somebody cancels */
		if (grid->then != NULL && (faults[i].words != NULL || faults[i].cancels ||
					   fault_adds_bastion(&faults[i])))
			continue;
		if (!fault_applies(&faults[i], moment, host, call) ||
		    !is_wanted(grid, trial, &faults[i], state, kind, nth, call))
			continue;
		if (grid->at_boundary >= 0) {
			printf("# %u: %s %s %s %s\n", trial->boundary, rd_moment_to_string(moment),
			       call != NULL ? rd_call_verb_to_string(call->verb) : "",
			       target != NULL ? target : "", host != NULL ? host : "");
			fault_strike(&faults[i], trial, bastion, moment, target, host, call,
				     request);
			return;
		}
		if (split(grid, i, trial->boundary, describe(moment, state, target, call)))
			continue;
		trial->boundary++;
		fault_strike(&faults[i], trial, bastion, moment, target, host, call, request);
		return;
	}
}

/* ---- several faults at random --------------------------------------------------------------- */

#define RANDOM_BLOWS 3
#define RANDOM_PACE  1500 /* moments between two of them, on average */
#define BACK_PACE    200  /* the same on the way back */

static void
at_random(Trial *trial, Bastion *bastion, RdMoment moment, const char *target, const char *host,
	  const RdCall *call, RdSimRequest *request)
{
	GRand *chance = trial->at_data;
	const Fault *fault;

	if (g_rand_int_range(chance, 0, trial->turned ? BACK_PACE : RANDOM_PACE) != 0)
		return;
	fault = &faults[g_rand_int_range(chance, 0, (gint32)n_faults)];
	if (!fault_applies(fault, moment, host, call))
		return;
	/* one main loop for all: it cannot end in the middle for one of them */
	if (g_str_equal(fault->name, "engine-killed") && call == NULL && trial->bastions->len > 1)
		return;
	/* nothing is left to be done after that, or too little to go on with */
	if (fault->ends_held != NULL || (fault->words != NULL && trial_has_lost_host(trial)))
		return;
	/* who is the copy of whom would be a question of its own */
	if (fault_adds_bastion(fault) && (trial->bastions->len > 1 || trial->turned))
		return;
	fault_strike(fault, trial, bastion, moment, target, host, call, request);
}

/* Each state before the point of no return has its turn, however thin the sample is: as it begins,
 * and when it has just changed something for the first time. */
static gboolean
is_first_of_state(Grid *grid, Bastion *bastion, RdMoment moment, const char *state,
		  const RdCall *call)
{
	gboolean acted =
	    moment == RD_MOMENT_ACTED && call != NULL && rd_call_verb_touches(call->verb);

	if (state == NULL || grid->at_boundary >= 0 || grid->first > 0 ||
	    rd_run_passed(bastion->run, RD_MARK_POINT_OF_NO_RETURN))
		return FALSE;
	return g_hash_table_add(grid->turned, g_strconcat(state, acted ? " acted" : "", NULL));
}

/* the way back from each moment, alone and with one fault on it */
static void
at_back(Trial *trial, Bastion *bastion, RdMoment moment, const char *target, const char *host,
	const RdCall *call, RdSimRequest *request)
{
	Grid *grid = trial->at_data;
	const char *state = bastion_state(bastion, target);

	if (!is_first_of_state(grid, bastion, moment, state, call) &&
	    !is_sampled(grid, trial, call))
		return;
	for (guint i = 0; i < G_N_ELEMENTS(back_names); i++) {
		if (grid->only != NULL && !g_str_equal(grid->only, back_names[i]))
			continue;
		if (grid->at_boundary >= 0)
			printf("# %u: turns back\n", trial->boundary);
		else if (split(grid, n_faults + i, trial->boundary,
			       describe(moment, state, target, call)))
			continue;
		trial->at = i == 0 ? NULL : at_random;
		trial->at_data = g_rand_new_with_seed(grid->seed + trial->boundary);
		trial_turn_back(trial, bastion);
		return;
	}
}

static Trial *
new_trial(Grid *grid, gboolean trace)
{
	Trial *trial = trial_new(grid->plan, grid->scene, grid->seed, grid->catalogue, ".", trace);

	clean_dir(".", "*_night.*"); /* the backup */
	trial->cluster->brisk = !grid->real_pace;
	trial->then = grid->then;
	return trial;
}

/* the undisturbed one, twice: it has to be good, and the same */
static gboolean
undisturbed(Grid *grid, gboolean verbose)
{
	g_autofree char *first = NULL;

	for (guint i = 0; i < 2; i++) {
		Trial *trial = new_trial(grid, TRUE);
		Bastion *bastion = g_ptr_array_index(trial->bastions, 0);
		Outcome outcome;

		trial->at_data = grid;
		trial->at = i == 0 && grid->kinds != NULL ? at_kind : NULL;
		trial_run(trial, NULL, &outcome);
		if (verbose && i == 0)
			printf("%s", bastion->trace->str);
		if (i == 0)
			printf("# %s: %u boundaries, %u calls, %.0f s of virtual time\n",
			       grid->procedure, trial->boundary, bastion->network.calls,
			       (double)outcome.took / G_USEC_PER_SEC);
		if (!outcome.good || outcome.held > 0) {
			printf("not ok - %s undisturbed%s\n", grid->procedure, outcome.text);
			return FALSE;
		}
		if (i == 0) {
			first = g_strdup(bastion->trace->str);
			grid->expected = trial_tally(trial);
		} else if (!g_str_equal(first, bastion->trace->str)) {
			likeness_tell_difference(first, bastion->trace->str);
			printf("not ok - %s: the same seed gave another history\n",
			       grid->procedure);
			return FALSE;
		}
		trial_free(trial);
	}
	printf("ok - %s undisturbed, twice the same\n", grid->procedure);
	return TRUE;
}

static void
bench_seeds(Grid *grid, guint n, guint32 stride)
{
	double began = seconds(), cpu_began = cpu_seconds(), took, cpu;

	for (guint i = 0; i < n; i++) {
		Trial *trial;
		Outcome outcome;

		grid->seed += stride;
		trial = new_trial(grid, FALSE);
		trial_run(trial, NULL, &outcome);
		if (!outcome.good)
			g_error("seed %u: %s", grid->seed, outcome.text);
		trial_free(trial);
	}
	took = seconds() - began;
	cpu = cpu_seconds() - cpu_began;
	printf("# %s: %u whole recoveries, %s, in %.2f s: %.0f per second; %.2f s of processor "
	       "time: %.0f per second of one core\n",
	       grid->procedure, n, stride == 0 ? "one seed" : "each with a seed of its own", took,
	       n / took, cpu, n / cpu);
}

/* Beside the same one again and again: others, for which json-memo.c knows nothing yet. The
 * processor time is that of this process, whoever else uses the machine. */
static void
bench(Grid *grid, guint n)
{
	bench_seeds(grid, n, 0);
	bench_seeds(grid, n, 1);
}

/* @seed alone decides; the history is printed when @trace */
static gboolean
one_random(Grid *grid, guint32 seed, gboolean trace, Outcome *outcome)
{
	Trial *trial;
	Bastion *bastion;

	grid->seed = seed;
	trial = new_trial(grid, trace);
	bastion = g_ptr_array_index(trial->bastions, 0);
	trial->at = at_random;
	trial->at_data = g_rand_new_with_seed(seed);
	trial->blows_max = RANDOM_BLOWS;
	trial_run(trial, grid->expected, outcome);
	if (trace)
		printf("%s", bastion->trace->str);
	for (guint i = 0; i < trial->blows->len; i++) {
		const Blow *blow = &g_array_index(trial->blows, Blow, i);
		g_autofree char *text = g_strdup(outcome->text);

		g_snprintf(outcome->text, sizeof(outcome->text), "%s %s; %s", blow->fault->name,
			   blow->host != NULL ? blow->host : "", text);
	}
	return outcome->good;
}

static gboolean
run_random(Grid *grid, guint n)
{
	double began = seconds(), took;
	guint bad = 0, held = 0, doubled = 0, lost = 0, first = grid->seed;

	for (guint i = 0; i < n; i++) {
		Outcome *outcome = grid->slots[0].outcome;
		int status;
		pid_t pid;

		memset(outcome, 0, sizeof(*outcome));
		fflush(stdout);
		pid = fork();
		if (pid == 0) {
			one_random(grid, first + i, FALSE, outcome);
			_exit(0);
		}
		waitpid(pid, &status, 0);
		held += outcome->held > 0;
		doubled += outcome->doubled;
		lost += outcome->lost;
		if (status == 0 && outcome->good)
			continue;
		bad++;
		printf("# BAD %s --random 1 --seed %u -v: %s%s\n", grid->procedure, first + i,
		       status != 0 ? "it crashed " : "", outcome->text);
	}
	took = seconds() - began;
	printf("# %u recoveries with up to %u faults at random: %u held and then done, %u doubled, "
	       "%u lost, %u bad; %.0f per second\n",
	       n, RANDOM_BLOWS, held, doubled, lost, bad, n / took);
	printf("%sok - %s: several faults at random\n", bad > 0 ? "not " : "", grid->procedure);
	return bad == 0;
}

static gboolean
run_grid(Grid *grid)
{
	Trial *trial = new_trial(grid, grid->at_boundary >= 0);
	Outcome outcome;
	double began = seconds(), took;
	guint bad = 0;

	trial->at = grid->back ? at_back : at;
	trial->at_data = grid;
	trial_run(trial, grid->expected, &outcome);
	if (child_outcome != NULL) {
		*child_outcome = outcome;
		_exit(0);
	}
	if (grid->at_boundary >= 0) {
		for (guint i = 0; i < trial->bastions->len; i++) {
			const Bastion *bastion = g_ptr_array_index(trial->bastions, i);

			if (bastion->trace != NULL)
				printf("# %s\n%s", bastion->name, bastion->trace->str);
		}
		printf("# %s, held %u, doubled %u, lost %u%s\n", outcome.good ? "good" : "BAD",
		       outcome.held, outcome.doubled, outcome.lost, outcome.text);
		return outcome.good;
	}
	wait_all(grid);
	took = seconds() - began;
	if (grid->counts) {
		for (guint i = 0; i < N_ROWS; i++)
			if (grid->rows[i].runs > 0)
				printf("# %-16s %7u\n", row_name(i), grid->rows[i].runs);
		printf("# %u recoveries would be tried\n", grid->children);
		return outcome.good;
	}
	printf("# %-16s %7s %7s %15s %8s %5s %5s\n", "fault", "runs", "done", "held, then done",
	       "doubled", "lost", "bad");
	for (guint i = 0; i < N_ROWS; i++) {
		const Row *row = &grid->rows[i];

		if (row->runs == 0)
			continue;
		printf("# %-16s %7u %7u %15u %8u %5u %5u\n", row_name(i), row->runs, row->done,
		       row->held, row->doubled, row->lost, row->bad);
		bad += row->bad;
	}
	printf("# %u faulted recoveries in %.1f s: %.0f per second\n", grid->children, took,
	       grid->children / took);
	printf("%sok - %s: %s at %s\n", bad > 0 || !outcome.good ? "not " : "", grid->procedure,
	       grid->back ? "the way back" : "every fault",
	       grid->every > 1 || grid->kinds != NULL ? "sampled boundaries" : "every boundary");
	trial_free(trial);
	return bad == 0 && outcome.good;
}

int
main(int argc, char **argv)
{
	g_autofree char *procedure = NULL, *only = NULL, *then = NULL, *scene = NULL;
	g_auto(GStrv) more_plugins = NULL;
	gint seed = 1, every = 1, touches_every = 1, first = 0, jobs = 1, boundary = -1,
	     n_bench = 0, n_random = 0, cancels_every = 1, kinds = 0;
	gboolean verbose = FALSE, real_pace = FALSE, back = FALSE, counts = FALSE, ok;
	const GOptionEntry options[] = {
	    {"procedure", 'p', 0, G_OPTION_ARG_STRING, &procedure, "which one", "NAME|FILE"},
	    {"scene", 0, 0, G_OPTION_ARG_STRING, &scene,
	     "on this cluster of sim-scenes, by its procedure unless one is given", "NAME"},
	    {"plugin", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &more_plugins,
	     "one beside the shipped ones", "FILE"},
	    {"back", 0, 0, G_OPTION_ARG_NONE, &back,
	     "no faults, but a rollback from each boundary, also with a fault on it", NULL},
	    {"then", 0, 0, G_OPTION_ARG_STRING, &then,
	     "a second procedure after the first, behind which all has to be as before both",
	     "NAME|FILE"},
	    {"count", 0, 0, G_OPTION_ARG_NONE, &counts,
	     "only tell how many recoveries would be tried", NULL},
	    {"seed", 's', 0, G_OPTION_ARG_INT, &seed, "all chance comes from it", "N"},
	    {"every", 'e', 0, G_OPTION_ARG_INT, &every, "only each Nth boundary of what looks",
	     "N"},
	    {"touches", 't', 0, G_OPTION_ARG_INT, &touches_every, "only each Nth of what touches",
	     "N"},
	    {"first", 0, 0, G_OPTION_ARG_INT, &first,
	     "with -e and -t: begin with this one; 0 to N-1 are N parts of the whole grid", "K"},
	    {"kinds", 'k', 0, G_OPTION_ARG_INT, &kinds,
	     "each fault once at each kind of moment (what is sent, in which state), or, with N "
	     "above 1, at each Nth of them: another share for each fault",
	     "N"},
	    {"cancels", 'c', 0, G_OPTION_ARG_INT, &cancels_every,
	     "cancelled only in each Nth state", "N"},
	    {"jobs", 'j', 0, G_OPTION_ARG_INT, &jobs, "so many at a time", "N"},
	    {"fault", 'f', 0, G_OPTION_ARG_STRING, &only, "only this one", "NAME"},
	    {"boundary", 'b', 0, G_OPTION_ARG_INT, &boundary, "only this one, and tell all", "N"},
	    {"random", 'r', 0, G_OPTION_ARG_INT, &n_random,
	     "several faults at random, so many times; with 1 tell all", "N"},
	    {"bench", 0, 0, G_OPTION_ARG_INT, &n_bench, "undisturbed, so many times", "N"},
	    {"real-pace", 0, 0, G_OPTION_ARG_NONE, &real_pace,
	     "pods stop and start as slowly as real ones", NULL},
	    {"verbose", 'v', 0, G_OPTION_ARG_NONE, &verbose, "print the history", NULL},
	    {NULL}};
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);
	g_autoptr(GError) error = NULL;
	g_autoptr(RdCatalogue) catalogue = rd_catalogue_new();
	g_autofree char *plugins = NULL;
	Grid grid = {0};

	g_option_context_add_main_entries(context, options, NULL);
	if (!g_option_context_parse(context, &argc, &argv, &error))
		g_error("%s", error->message);
	if (g_getenv("BUILD_ROOT") == NULL || g_getenv("SOURCE_ROOT") == NULL)
		g_error("set BUILD_ROOT and SOURCE_ROOT to the two directories, absolute");
	plugins = g_build_filename(g_getenv("BUILD_ROOT"), "plugins", NULL);
	if (!rd_catalogue_load_dir(catalogue, plugins, &error))
		g_error("%s", error->message);
	for (guint i = 0; more_plugins != NULL && more_plugins[i] != NULL; i++)
		if (!rd_catalogue_load(catalogue, more_plugins[i], &error))
			g_error("%s", error->message);
	grid.procedure = procedure != NULL ? procedure : "manual-restore";
	grid.scene = scene_find(scene, grid.procedure);
	if (scene != NULL && procedure == NULL)
		grid.procedure = scene_procedure(grid.scene);
	grid.seed = (guint32)seed;
	grid.every = (guint)MAX(every, 1);
	grid.touches_every = (guint)MAX(touches_every, 1);
	grid.first = (guint)MAX(first, 0);
	grid.cancels_every = (guint)MAX(cancels_every, 1);
	if (kinds > 0)
		grid.kinds = kinds_new((guint)kinds, (guint32)seed);
	grid.jobs = (guint)MAX(jobs, 1);
	grid.real_pace = real_pace;
	grid.only = only;
	grid.at_boundary = boundary;
	grid.back = back;
	grid.counts = counts;
	grid.catalogue = catalogue;
	/* memory where there is such a thing: a run's fetched files are synced */
	grid.dir = g_strdup_printf("%s/recoveryd-sim-XXXXXX",
				   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : g_get_tmp_dir());
	if (g_mkdtemp(grid.dir) == NULL)
		g_error("cannot make %s", grid.dir);
	grid.first_dir = g_build_filename(grid.dir, "first", NULL);
	g_mkdir(grid.first_dir, 0700);
	if (g_chdir(grid.first_dir) != 0)
		g_error("cannot enter %s", grid.first_dir);
	grid.plan = trial_make_plan(grid.procedure, grid.scene, catalogue, grid.first_dir);
	if (then != NULL)
		grid.then = trial_make_plan(then, NULL, catalogue, grid.first_dir);
	grid.rows = g_new0(Row, N_ROWS);
	grid.cancelled = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	grid.turned = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	grid.slots = g_malloc0_n(grid.jobs, sizeof(*grid.slots));
	grid.shared = mmap(NULL, grid.jobs * sizeof(Outcome), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (guint i = 0; i < grid.jobs; i++)
		grid.slots[i].outcome = &grid.shared[i];
	ok = undisturbed(&grid, verbose);
	if (ok && n_bench > 0)
		bench(&grid, (guint)n_bench);
	else if (ok && n_random == 1)
		ok = one_random(&grid, grid.seed, TRUE, grid.slots[0].outcome);
	else if (ok && n_random > 0)
		ok = run_random(&grid, (guint)n_random);
	else if (ok)
		ok = run_grid(&grid);
	if (n_random == 1)
		printf("# %s%s\n", ok ? "good" : "BAD", grid.slots[0].outcome->text);
	for (guint i = 0; i < grid.jobs; i++) {
		g_autofree char *dir = g_strdup_printf("%s/%u", grid.dir, i);

		remove_dir(dir);
	}
	remove_dir(grid.first_dir);
	remove_dir(grid.dir);
	g_clear_pointer(&grid.expected, g_hash_table_unref);
	g_hash_table_unref(grid.cancelled);
	g_hash_table_unref(grid.turned);
	kinds_free(grid.kinds);
	rd_plan_free(grid.plan);
	g_clear_pointer(&grid.then, rd_plan_free);
	g_free(grid.first_dir);
	g_free(grid.dir);
	g_free(grid.rows);
	g_free(grid.slots);
	return ok ? 0 : 1;
}
