/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "disk.h"
#include "plans.h"
#include "rehearsal/verbs.h"
#include "trial.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Two bastions and everything that people and networks do with them, in every order: whatever comes
 * of it, never two that touch. The hosts say so themselves (rehearsal/verbs.c: one bastion at a
 * time on all of them, no older number beside a newer one). */

#define OPS_MAX 12
/* what a disturbed run has when nothing more happens to it */
#define TIME_AFTER (3600 * RD_SIM_SECOND)

typedef struct {
	Trial *trial;
	Bastion *away[2];      /* (nullable) whose way to hosts is cut */
	gboolean away_half[2]; /* only to the recovery host */
	guint bastions;
	gboolean over;
} Play;

typedef struct {
	const char *name;
	void (*act)(Play *play);
} Op;

static Bastion *
first(Play *play)
{
	return g_ptr_array_index(play->trial->bastions, 0);
}

/* the newest of the others, NULL when there is none yet */
static Bastion *
second(Play *play)
{
	GPtrArray *all = play->trial->bastions;

	return all->len > 1 ? g_ptr_array_index(all, all->len - 1) : NULL;
}

static void
add(Play *play, Bastion *bastion)
{
	if (bastion == NULL)
		return;
	trial_add_bastion(play->trial, bastion);
	bastion_start(bastion, NULL, NULL);
}

static char *
new_name(Play *play)
{
	return g_strdup_printf("bastion-%u", ++play->bastions);
}

static void
start_another(Play *play)
{
	g_autofree char *name = new_name(play);
	g_autofree char *run = g_strdup_printf("r-night-%u", play->bastions);
	Bastion *model = first(play);

	add(play, bastion_new(name, run, SIM_UUID_2, model->plan, model->catalogue, &model->network,
			      model->setting->local_dir));
}

static void
copy_first(Play *play)
{
	g_autofree char *name = new_name(play);

	add(play, bastion_copy(first(play), name));
}

static void
from_host(Play *play)
{
	g_autofree char *name = new_name(play);
	gboolean differ;

	/* where an old bastion went on a while after another had read its copy, two differ, and a
	 * person has to say which counts */
	add(play, bastion_from_hosts(first(play), name, &differ));
}

static void
kill_it(Bastion *bastion)
{
	if (bastion != NULL && bastion->engine != NULL)
		bastion_end_engine(bastion);
}

/* as `recoveryd resume` does: not where nothing needs it */
static void
resume_it(Bastion *bastion)
{
	RdRunState state;

	if (bastion == NULL || (bastion->engine != NULL && !bastion->stopped))
		return;
	state = rd_run_get_state(bastion->run);
	if (state != RD_RUN_ENDED)
		bastion_start(bastion, state == RD_RUN_HELD ? "resume" : NULL, NULL);
}

static void
kill_first(Play *play)
{
	kill_it(first(play));
}

static void
kill_second(Play *play)
{
	kill_it(second(play));
}

static void
resume_first(Play *play)
{
	resume_it(first(play));
}

static void
resume_second(Play *play)
{
	resume_it(second(play));
}

static gboolean
any_job_lives(Play *play)
{
	for (guint i = 0; i < play->trial->cluster->hosts->len; i++) {
		RdSimHost *host = g_ptr_array_index(play->trial->cluster->hosts, i);
		GHashTableIter iter;
		gpointer job;

		g_hash_table_iter_init(&iter, host->jobs);
		while (g_hash_table_iter_next(&iter, NULL, &job))
			if (((RdSimJob *)job)->alive)
				return TRUE;
	}
	return FALSE;
}

/* of whoever holds it, by somebody on a third machine who sees all hosts */
static void
break_lock(Play *play)
{
	for (guint i = 0; !any_job_lives(play) && i < play->trial->cluster->hosts->len; i++) {
		RdSimHost *host = g_ptr_array_index(play->trial->cluster->hosts, i);
		const RdSimLock *lock = rd_sim_lock_read(host);
		g_autofree char *run = g_strdup(lock->run);
		const RdCall call = {.verb = RD_CALL_BREAK,
				     .run = run,
				     .number = lock->number,
				     .who = "carol@desk",
				     .input_fd = -1};
		g_auto(RdReply) reply = {0};

		if (lock->held)
			rd_sim_break(host, &call, NULL, &reply);
	}
}

static void
cut_first(Play *play)
{
	play->away[0] = first(play);
	play->away_half[0] = FALSE;
}

static void
cut_first_half(Play *play)
{
	play->away[0] = first(play);
	play->away_half[0] = TRUE;
}

static void
cut_second_half(Play *play)
{
	play->away[1] = second(play);
	play->away_half[1] = TRUE;
}

static void
heal(Play *play)
{
	play->away[0] = play->away[1] = NULL;
}

static const Op ops[] = {
    {"start", start_another},
    {"copy", copy_first},
    {"from-host", from_host},
    {"kill-1", kill_first},
    {"kill-2", kill_second},
    {"resume-1", resume_first},
    {"resume-2", resume_second},
    {"break", break_lock},
    {"cut-1", cut_first},
    {"cut-1-half", cut_first_half},
    {"cut-2-half", cut_second_half},
    {"heal", heal},
};

/* ---- one play ------------------------------------------------------------------------------ */

/* at each moment of a call: what is cut off goes nowhere, and no answer comes */
static void
at_moment(Trial *trial, Bastion *bastion, RdMoment moment, const char *target, const char *host,
	  const RdCall *call, RdSimRequest *request)
{
	Play *play = trial->at_data;

	for (guint i = 0; request != NULL && i < G_N_ELEMENTS(play->away); i++)
		if (play->away[i] == bastion && g_str_equal(host, "m0") >= play->away_half[i])
			rd_sim_request_cut(request, TRUE);
}

typedef struct {
	Play *play;
	const Op *op;
} Due;

static void
act(gpointer data)
{
	Due *due = data;

	due->op->act(due->play);
}

static void
over(gpointer data)
{
	((Play *)data)->over = TRUE;
}

static void
run_for(Play *play, gint64 time)
{
	play->over = FALSE;
	rd_timeline_add(play->trial->cluster->timeline, time, over, play, NULL);
	while (!play->over && !play->trial->stuck)
		g_main_context_iteration(play->trial->context, TRUE);
}

/* "" when nothing was wrong */
static char *
play_ops(const RdPlan *plan, RdCatalogue *catalogue, guint32 seed, const guint *order, guint n,
	 const gint64 *times)
{
	Trial *trial = trial_new(plan, NULL, seed, catalogue, ".", FALSE);
	Play play = {.trial = trial, .bastions = 1};
	GString *wrong = g_string_new(NULL);
	g_autofree Due *due = g_new0(Due, n);

	clean_dir(".", "*_night.*");
	trial->cluster->brisk = TRUE;
	trial->at = at_moment;
	trial->at_data = &play;
	bastion_start(first(&play), NULL, NULL);
	for (guint i = 0; i < n; i++) {
		due[i] = (Due){&play, &ops[order[i]]};
		rd_timeline_add(trial->cluster->timeline, times[i], act, &due[i], NULL);
	}
	run_for(&play, times[n - 1] + RD_SIM_SECOND);
	run_for(&play, TIME_AFTER);
	for (guint i = 0; i < trial->cluster->violations->len; i++)
		g_string_append_printf(wrong, "; %s", (char *)trial->cluster->violations->pdata[i]);
	for (guint i = 0; i < trial->breaches->len; i++)
		g_string_append_printf(wrong, "; %s", (char *)trial->breaches->pdata[i]);
	trial_free(trial);
	return g_string_free(wrong, FALSE);
}

static gboolean
check(const RdPlan *plan, RdCatalogue *catalogue, guint32 seed, const guint *order, guint n,
      const gint64 *times)
{
	g_autofree char *wrong = play_ops(plan, catalogue, seed, order, n, times);

	if (*wrong == '\0')
		return TRUE;
	printf("# BAD --seed %u", seed);
	for (guint i = 0; i < n; i++)
		printf(" %s@%.3f", ops[order[i]].name, (double)times[i] / RD_SIM_SECOND);
	printf("%s\n", wrong);
	return FALSE;
}

/* ---- all of them, and any of them ---------------------------------------------------------- */

/* moments within a run of two-states, which takes some ten seconds: while the lock is taken, in the
 * first host, between two hosts */
static const gint64 paces[] = {7 * RD_SIM_MS, 400 * RD_SIM_MS, 2300 * RD_SIM_MS};

static guint
enumerate(const RdPlan *plan, RdCatalogue *catalogue, guint length, guint *bad)
{
	guint total = 1, plays = 0;

	for (guint i = 0; i < length; i++)
		total *= G_N_ELEMENTS(ops);
	for (guint which = 0; which < total; which++) {
		guint order[OPS_MAX], rest = which;
		gint64 times[OPS_MAX];

		for (guint i = 0; i < length; i++, rest /= G_N_ELEMENTS(ops))
			order[i] = rest % G_N_ELEMENTS(ops);
		for (guint pace = 0; pace < G_N_ELEMENTS(paces); pace++, plays++) {
			for (guint i = 0; i < length; i++)
				times[i] = (gint64)(i + 1) * paces[pace];
			*bad += !check(plan, catalogue, which + 1, order, length, times);
		}
	}
	return plays;
}

static void
at_random(const RdPlan *plan, RdCatalogue *catalogue, guint32 seed, guint *bad)
{
	g_autoptr(GRand) chance = g_rand_new_with_seed(seed);
	guint n = (guint)g_rand_int_range(chance, 2, OPS_MAX + 1);
	guint order[OPS_MAX];
	gint64 times[OPS_MAX], now = 0;

	for (guint i = 0; i < n; i++) {
		/* mostly close together, now and then a host's whole wait away */
		now += g_rand_int_range(chance, 0, 10) == 0
			   ? g_rand_int_range(chance, 1, 200) * RD_SIM_SECOND
			   : g_rand_int_range(chance, 1, 3000) * RD_SIM_MS;
		times[i] = now;
		order[i] = (guint)g_rand_int_range(chance, 0, G_N_ELEMENTS(ops));
	}
	*bad += !check(plan, catalogue, seed, order, n, times);
}

int
main(int argc, char **argv)
{
	g_autofree char *procedure = NULL, *plugins = NULL, *dir = NULL;
	gint length = 2, n_random = 0, seed = 1;
	const GOptionEntry options[] = {
	    {"procedure", 'p', 0, G_OPTION_ARG_STRING, &procedure, "which one", "NAME|FILE"},
	    {"length", 'l', 0, G_OPTION_ARG_INT, &length, "every sequence up to so many", "N"},
	    {"random", 'r', 0, G_OPTION_ARG_INT, &n_random, "so many at random, beside", "N"},
	    {"seed", 's', 0, G_OPTION_ARG_INT, &seed, "of the first of these", "N"},
	    {NULL}};
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);
	g_autoptr(RdCatalogue) catalogue = rd_catalogue_new();
	g_autoptr(GError) error = NULL;
	const RdPlan *plan;
	guint bad = 0, plays = 0;

	g_option_context_add_main_entries(context, options, NULL);
	if (!g_option_context_parse(context, &argc, &argv, &error))
		g_error("%s", error->message);
	plugins = g_build_filename(g_getenv("BUILD_ROOT"), "plugins", NULL);
	if (!rd_catalogue_load_dir(catalogue, plugins, &error))
		g_error("%s", error->message);
	dir = g_strdup_printf("%s/recoveryd-two-XXXXXX",
			      access("/dev/shm", W_OK) == 0 ? "/dev/shm" : g_get_tmp_dir());
	if (g_mkdtemp(dir) == NULL || chdir(dir) != 0)
		g_error("cannot make %s", dir);
	plan = trial_make_plan(procedure != NULL ? procedure : "two-states", NULL, catalogue, dir);
	for (gint i = 1; i <= length; i++)
		plays += enumerate(plan, catalogue, (guint)i, &bad);
	printf("# %u plays: every sequence of up to %d of %u things that may happen, at %u paces; "
	       "%u bad\n",
	       plays, length, (guint)G_N_ELEMENTS(ops), (guint)G_N_ELEMENTS(paces), bad);
	for (gint i = 0; i < n_random; i++)
		at_random(plan, catalogue, (guint32)(seed + i), &bad);
	printf("# %d at random, up to %d things each; %u bad in all\n", n_random, OPS_MAX, bad);
	printf("%sok - two bastions never touch at a time\n", bad > 0 ? "not " : "");
	remove_dir(dir);
	fflush(stdout);
	/* what a killed worker had on its stack is nobody's any more: no look for leaks */
	_exit(bad > 0);
}
