/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "trial.h"
#include "plans.h"
#include <string.h>

/* a run that needs a person more often than this does not get on */
#define ROUNDS_MAX 5
/* I10: every wait ends */
#define TIME_LIMIT (24 * 3600 * RD_SIM_SECOND)
#define UUID	   "11111111-1111-4111-8111-111111111111"

static void
stuck(gpointer data)
{
	((Trial *)data)->stuck = TRUE;
}

static void
moment_of(Bastion *bastion, RdMoment moment, const char *target, const char *host,
	  const RdCall *call, RdSimRequest *request, gpointer data)
{
	Trial *self = data;

	if (self->blows->len >= self->blows_max)
		return;
	if (self->at != NULL)
		self->at(self, bastion, moment, target, host, call, request);
	self->boundary++;
}

Bastion *
trial_add_bastion(Trial *self, Bastion *bastion)
{
	bastion->moment = moment_of;
	bastion->data = self;
	bastion->breaches = self->breaches;
	g_ptr_array_add(self->bastions, bastion);
	return bastion;
}

RdPlan *
trial_make_plan(const char *procedure, RdCatalogue *catalogue, const char *local_dir)
{
	g_autofree char *path = NULL, *sha256 = NULL;

	sim_write_backup(local_dir, &path, &sha256);
	return sim_plan(catalogue, procedure, 3, path, sha256);
}

static void
open_context(Trial *self)
{
	self->context = g_main_context_new();
	g_main_context_push_thread_default(self->context);
	self->clock = rd_clock_new(self->cluster->timeline, self->context, stuck, self);
}

static void
blow_clear(gpointer data)
{
	g_free(((Blow *)data)->host);
}

Trial *
trial_new(const RdPlan *plan, guint32 seed, RdCatalogue *catalogue, const char *local_dir,
	  gboolean trace)
{
	Trial *self = g_new0(Trial, 1);
	Bastion *bastion;

	self->procedure = plan->procedure;
	self->local_dir = g_strdup(local_dir);
	self->catalogue = catalogue;
	self->plan = plan;
	self->cluster = rd_scenery_quorum_lost(seed, 3);
	if (g_str_equal(self->procedure, "vip"))
		rd_scenery_add_keepalived(self->cluster);
	self->bastions = g_ptr_array_new();
	self->breaches = g_ptr_array_new_with_free_func(g_free);
	self->held = g_string_new(NULL);
	self->blows = g_array_new(FALSE, FALSE, sizeof(Blow));
	g_array_set_clear_func(self->blows, blow_clear);
	self->blows_max = 1;
	open_context(self);
	bastion = bastion_new("bastion-1", "r-night-1", UUID, self->plan, catalogue, self->cluster,
			      local_dir);
	if (trace)
		bastion->trace = g_string_new(NULL);
	trial_add_bastion(self, bastion);
	return self;
}

void
trial_free(Trial *self)
{
	for (guint i = 0; i < self->bastions->len; i++)
		bastion_free(g_ptr_array_index(self->bastions, i));
	g_ptr_array_unref(self->bastions);
	rd_clock_free(self->clock);
	g_main_context_pop_thread_default(self->context);
	g_main_context_unref(self->context);
	rd_sim_cluster_free(self->cluster);
	g_ptr_array_unref(self->breaches);
	g_string_free(self->held, TRUE);
	g_array_unref(self->blows);
	g_free(self->local_dir);
	g_free(self);
}

/* ---- death and help ------------------------------------------------------------------------ */

void
trial_die(Trial *self, Bastion *bastion)
{
	self->dying = bastion;
	longjmp(self->death, 1);
}

typedef struct {
	Bastion *bastion;
	const char *word, *host;
} Start;

static void
start(gpointer data)
{
	Start *later = data;

	bastion_start(later->bastion, later->word, later->host);
}

static void
start_later(Trial *self, Bastion *bastion, gint64 delay, const char *word, const char *host)
{
	Start *later = g_new0(Start, 1);

	later->bastion = bastion;
	later->word = word;
	later->host = host;
	bastion->stopped = FALSE;
	rd_timeline_add(self->cluster->timeline, delay, start, later, g_free);
}

/* systemd starts it again, where there is one */
static void
revive(Trial *self, Bastion *bastion)
{
	if (bastion->erased)
		fault_bastion_is_lost(self, bastion);
	else
		start_later(self, bastion, RD_SIM_SECOND, NULL, NULL);
}

/* it dies in the middle of its main loop; whatever the old main loop had in hand is gone with it */
static void
bury(Trial *self)
{
	Bastion *bastion = self->dying;

	self->dying = NULL;
	open_context(self);
	bastion_kill(bastion);
	revive(self, bastion);
}

void
trial_end_engine(Trial *self, Bastion *bastion)
{
	if (bastion->engine == NULL)
		return;
	bastion_end_engine(bastion);
	revive(self, bastion);
}

gboolean
trial_has_struck(Trial *self, const char *fault)
{
	for (guint i = 0; i < self->blows->len; i++)
		if (g_str_equal(g_array_index(self->blows, Blow, i).fault->name, fault))
			return TRUE;
	return FALSE;
}

gboolean
trial_has_lost_host(Trial *self)
{
	for (guint i = 0; i < self->blows->len; i++)
		if (g_array_index(self->blows, Blow, i).fault->words != NULL)
			return TRUE;
	return FALSE;
}

static gboolean
is_end(const char *end)
{
	return end != NULL && !g_str_equal(end, "held");
}

static gboolean
is_done(const char *end)
{
	return end != NULL && g_str_has_prefix(end, "done");
}

/* (nullable) the word that its reason must have */
static const char *
ends_held(Trial *self)
{
	for (guint i = 0; i < self->blows->len; i++) {
		const Blow *blow = &g_array_index(self->blows, Blow, i);

		if (blow->fault->ends_held != NULL)
			return blow->fault->ends_held;
	}
	return NULL;
}

static gboolean
is_copy(Trial *self)
{
	return trial_has_struck(self, "copied-run") || trial_has_struck(self, "bastion-erased");
}

/* another bastion is at work or has done it: there is nothing to help */
static gboolean
gives_way(Trial *self, Bastion *bastion)
{
	for (guint i = 0; i < self->bastions->len; i++) {
		Bastion *other = g_ptr_array_index(self->bastions, i);

		if (other != bastion && (!other->stopped || is_done(bastion_end(other))))
			return TRUE;
	}
	return FALSE;
}

/* what a person says this time; about *host when it is not NULL */
static const char *
next_word(Trial *self, const char **host)
{
	for (guint i = 0; i < self->blows->len; i++) {
		Blow *blow = &g_array_index(self->blows, Blow, i);

		if (blow->fault->words == NULL || blow->fault->words[blow->said] == NULL)
			continue;
		*host = blow->host;
		return blow->fault->words[blow->said++];
	}
	return "resume";
}

/* Heals what a person can heal; a host that somebody gave up stays as it is. */
static void
heal(Trial *self)
{
	for (guint i = 0; i < self->blows->len; i++) {
		const Blow *blow = &g_array_index(self->blows, Blow, i);

		if (blow->fault->heal != NULL && blow->fault->words == NULL)
			blow->fault->heal(self, blow->host);
	}
}

static void
help(Trial *self, Bastion *bastion)
{
	Bastion *first = g_ptr_array_index(self->bastions, 0);
	g_autofree char *causes = bastion_causes(bastion);
	const char *new_host =
	    trial_has_struck(self, "bastion-erased") ? bastion_not_enrolled(bastion) : NULL;
	const char *host = NULL, *word = next_word(self, &host);

	if (new_host != NULL) {
		host = new_host;
		word = "enrol";
	}
	self->rounds++;
	g_string_append_printf(self->held, "%s%s: %s", self->held->len > 0 ? " | " : "",
			       bastion->name,
			       bastion->error != NULL ? bastion->error->message : causes);
	if (bastion->error == NULL && *causes == '\0')
		g_ptr_array_add(self->breaches, g_strdup("it is held and gives no reason"));
	for (guint i = 0; i < self->blows->len; i++) {
		const Blow *blow = &g_array_index(self->blows, Blow, i);

		if (self->blows->len == 1 && blow->fault->names_host &&
		    strstr(causes, blow->host) == NULL)
			g_ptr_array_add(
			    self->breaches,
			    g_strdup_printf("%s is at fault, and nobody is told so", blow->host));
	}
	heal(self);
	/* who is excused is powered off: that is what the statement says */
	if (g_str_equal(word, "excuse"))
		rd_sim_host_power_off(rd_sim_cluster_find(self->cluster, host));
	if (g_str_equal(self->procedure, "cluster-restore"))
		rd_scenery_mend_restore_pod(self->cluster);
	/* two runs that stand in each other's way: the second one is withdrawn */
	for (guint i = 1; i < self->bastions->len && !is_copy(self); i++) {
		Bastion *other = g_ptr_array_index(self->bastions, i);

		if (!is_end(bastion_end(other)))
			start_later(self, other, 10 * RD_SIM_SECOND, "cancel", NULL);
	}
	start_later(self, is_copy(self) ? bastion : first, 300 * RD_SIM_SECOND, word, host);
}

/* FALSE when nothing is left to wait for */
static gboolean
attend(Trial *self)
{
	gboolean waiting = FALSE;

	for (guint i = 0; i < self->bastions->len; i++)
		waiting = waiting || !((Bastion *)g_ptr_array_index(self->bastions, i))->stopped;
	if (waiting)
		return TRUE;
	for (guint i = 0; i < self->bastions->len; i++) {
		Bastion *bastion = g_ptr_array_index(self->bastions, i);

		/* the original says "a copy of this run is at work": go there */
		if (is_copy(self) && i + 1 < self->bastions->len)
			continue;
		if (is_end(bastion_end(bastion)) || gives_way(self, bastion))
			continue;
		if (self->rounds >= ROUNDS_MAX || (self->rounds > 0 && ends_held(self) != NULL))
			return FALSE;
		help(self, bastion);
		return TRUE;
	}
	return FALSE;
}

/* ---- judgement ----------------------------------------------------------------------------- */

/* effects of ours that must be there exactly once; containers and attempts come and go */
static gboolean
counts(const char *effect)
{
	static const char *const once[] = {"vanished",	    "appeared",		 "data away",
					   "data in place", "restored",		 "put",
					   "rmdir",	    "kubelet restarted", "snapshot saved"};

	for (guint i = 0; i < G_N_ELEMENTS(once); i++)
		if (g_str_has_prefix(effect, once[i]))
			return TRUE;
	return FALSE;
}

GHashTable *
trial_tally(Trial *self)
{
	GHashTable *tally = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	for (guint i = 0; i < self->cluster->hosts->len; i++) {
		RdSimHost *host = g_ptr_array_index(self->cluster->hosts, i);
		GHashTableIter iter;
		gpointer effect, count;

		g_hash_table_iter_init(&iter, host->tally);
		while (g_hash_table_iter_next(&iter, &effect, &count))
			if (counts(effect))
				g_hash_table_insert(
				    tally,
				    g_strdup_printf("%s %s", host->name, (const char *)effect),
				    count);
	}
	return tally;
}

/* Another machine stands there now: what was done on it may be done again, and what is there is
 * nobody's. */
static gboolean
is_another(Trial *self, const char *host)
{
	for (guint i = 0; i < self->blows->len; i++) {
		const Blow *blow = &g_array_index(self->blows, Blow, i);

		if (blow->fault->disk_dies && g_str_equal(blow->host, host))
			return TRUE;
	}
	return FALSE;
}

/* hosts that the recovery had to do without. (transfer full) */
static char **
find_without(Trial *self, Bastion *winner)
{
	GPtrArray *names = g_ptr_array_new();

	for (guint i = 0; i < self->cluster->hosts->len; i++) {
		const RdSimHost *host = g_ptr_array_index(self->cluster->hosts, i);

		if (is_another(self, host->name) ||
		    (winner != NULL && bastion_excuses(winner, host->name)))
			g_ptr_array_add(names, g_strdup(host->name));
	}
	g_ptr_array_add(names, NULL);
	return (char **)g_ptr_array_free(names, FALSE);
}

/* what an excused host did counts, what it did not is not missed */
static gboolean
may_lack(char **without, const char *effect)
{
	g_autofree char *host = g_strndup(effect, strcspn(effect, " "));

	return g_strv_contains((const char *const *)without, host);
}

static gboolean
may_repeat(Trial *self, const char *effect)
{
	g_autofree char *host = g_strndup(effect, strcspn(effect, " "));

	return is_another(self, host);
}

/* a boot is a restart of the kubelet too, and an etcd that is just starting has no snapshot */
static gboolean
may_differ(Trial *self, const char *effect)
{
	gboolean died = FALSE;

	for (guint i = 0; i < self->blows->len; i++) {
		const Blow *blow = &g_array_index(self->blows, Blow, i);

		died = died || (blow->fault->host_dies && g_str_has_prefix(effect, blow->host));
	}
	if (died && g_str_equal(self->procedure, "cluster-restore"))
		return TRUE; /* the script begins again; what must not happen is a violation */
	return died && (g_str_has_suffix(effect, "kubelet restarted") ||
			g_str_has_suffix(effect, "snapshot saved"));
}

/* Who comes when the first has given the lock back may do it all again, where that makes sense: a
 * healthy etcd is not restored, a pod can be stopped and started as often as somebody wants. The
 * copy of a run finds everything done. */
static guint
times(Trial *self)
{
	guint n = 0;

	for (guint i = 0; i < self->bastions->len; i++)
		n += is_done(bastion_end(g_ptr_array_index(self->bastions, i)));
	return !g_str_equal(self->procedure, "manual-restore") && !is_copy(self) ? MAX(n, 1) : 1;
}

static void
compare(Trial *self, GHashTable *expected, char **without, Outcome *outcome, GString *text)
{
	g_autoptr(GHashTable) tally = trial_tally(self);
	GHashTableIter iter;
	gpointer effect, count;

	g_hash_table_iter_init(&iter, tally);
	while (g_hash_table_iter_next(&iter, &effect, &count)) {
		guint wanted =
		    GPOINTER_TO_UINT(g_hash_table_lookup(expected, effect)) * times(self);
		guint found = GPOINTER_TO_UINT(count);

		if (found <= wanted || may_differ(self, effect) || may_repeat(self, effect))
			continue;
		outcome->doubled += found - wanted;
		g_string_append_printf(text, "; %s: %u times instead of %u", (const char *)effect,
				       found, wanted);
	}
	g_hash_table_iter_init(&iter, expected);
	while (g_hash_table_iter_next(&iter, &effect, &count)) {
		guint found = GPOINTER_TO_UINT(g_hash_table_lookup(tally, effect));
		guint wanted = GPOINTER_TO_UINT(count) * times(self);

		if (found >= wanted || may_differ(self, effect) || may_lack(without, effect))
			continue;
		outcome->lost += wanted - found;
		g_string_append_printf(text, "; %s: %u times instead of %u", (const char *)effect,
				       found, wanted);
	}
}

static void
add_all(GString *text, GPtrArray *lines)
{
	for (guint i = 0; i < lines->len; i++)
		g_string_append_printf(text, "; %s", (const char *)g_ptr_array_index(lines, i));
}

static Bastion *
find_winner(Trial *self, GString *text)
{
	Bastion *winner = NULL;

	for (guint i = 0; i < self->bastions->len; i++) {
		Bastion *bastion = g_ptr_array_index(self->bastions, i);
		g_autofree char *causes = bastion_causes(bastion);
		const char *end = bastion_end(bastion);

		if (is_done(end) && winner != NULL && times(self) == 1 && !is_copy(self))
			g_string_append(text, "; two bastions say that they have done it");
		if (is_done(end))
			winner = bastion;
		else if (winner == NULL)
			g_string_append_printf(text, "; %s is %s: %s", bastion->name,
					       end != NULL ? end : "still at work", causes);
	}
	/* whoever gave way is no complaint when the other one did it */
	if (winner != NULL)
		g_string_truncate(text, 0);
	return winner;
}

static void
judge(Trial *self, GHashTable *expected, Outcome *outcome)
{
	g_autoptr(GString) text = g_string_new(NULL);
	Bastion *winner = find_winner(self, text);
	g_auto(GStrv) without = find_without(self, winner);
	g_autofree char *token = NULL;
	g_autoptr(GPtrArray) wrong = NULL;

	if (winner != NULL && g_str_equal(self->procedure, "manual-restore")) {
		token = g_strconcat("openshift-etcd-", winner->run_uuid, NULL);
		wrong =
		    rd_scenery_check_restored(self->cluster, token, (const char *const *)without);
		add_all(text, wrong);
	}
	if (winner != NULL && g_str_equal(self->procedure, "vip")) {
		wrong = rd_scenery_check_vips(self->cluster, (const char *const *)without);
		add_all(text, wrong);
	}
	if (winner != NULL && g_str_equal(self->procedure, "cluster-restore")) {
		wrong = rd_scenery_check_single(self->cluster, (const char *const *)without);
		add_all(text, wrong);
	}
	/* where it is right to stay held, the reason is what counts: a guard that asks a rebuilt
	 * host says what it found, after the advised resume it has its name */
	if (winner == NULL && ends_held(self) != NULL && strstr(text->str, ends_held(self)) != NULL)
		g_string_truncate(text, 0);
	else if (expected != NULL)
		compare(self, expected, without, outcome, text);
	add_all(text, self->cluster->violations);
	add_all(text, self->breaches);
	if (self->stuck)
		g_string_append(text, "; nothing will ever happen again");
	outcome->good = (winner != NULL || ends_held(self) != NULL) && text->len == 0;
	outcome->over = TRUE;
	outcome->held = self->rounds;
	outcome->took = rd_timeline_now(self->cluster->timeline) - self->began;
	for (guint i = 0; i < self->bastions->len; i++)
		outcome->starts += ((Bastion *)g_ptr_array_index(self->bastions, i))->starts;
	if (self->held->len > 0)
		g_string_append_printf(text, " [held: %s]", self->held->str);
	g_strlcpy(outcome->text, text->str, sizeof(outcome->text));
}

/* a host that nobody missed, and so nobody gave up, comes back in the end */
static void
give_back(Trial *self)
{
	for (guint i = 0; i < self->blows->len; i++) {
		const Blow *blow = &g_array_index(self->blows, Blow, i);
		gboolean excused = FALSE;

		for (guint j = 0; j < self->bastions->len; j++)
			excused = excused ||
				  bastion_excuses(g_ptr_array_index(self->bastions, j), blow->host);
		if (blow->fault->heal != NULL && blow->fault->words != NULL && !excused)
			blow->fault->heal(self, blow->host);
	}
}

void
trial_run(Trial *self, GHashTable *expected, Outcome *outcome)
{
	RdTimeline *timeline = self->cluster->timeline;

	self->began = rd_timeline_now(timeline);
	*outcome = (Outcome){0};
	if (setjmp(self->death) != 0)
		bury(self);
	else
		start_later(self, g_ptr_array_index(self->bastions, 0), 0, NULL, NULL);
	while (attend(self) && !self->stuck && rd_timeline_now(timeline) - self->began < TIME_LIMIT)
		g_main_context_iteration(self->context, TRUE);
	heal(self);
	give_back(self);
	/* what is still under way somewhere comes to its end, too */
	rd_timeline_run_to(timeline, rd_timeline_now(timeline) + 900 * RD_SIM_SECOND);
	judge(self, expected, outcome);
}
