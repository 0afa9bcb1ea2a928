/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "likeness.h"
#include "plans.h"
#include "trial.h"
#include <string.h>

/* What came of a trial: effects once, the cluster as it has to be, and what hosts and bastion
 * complained of. */

/* effects of ours that must be there exactly once; containers and attempts come and go */
static gboolean
counts(const char *effect)
{
	static const char *const once[] = {"vanished",
					   "appeared",
					   "data away",
					   "data in place",
					   "restored",
					   "put",
					   "rmdir",
					   "kubelet restarted",
					   "snapshot saved",
					   "member added",
					   "revision written",
					   "told to reboot",
					   "certificates signed",
					   "removed",
					   "restarted",
					   "script done"};

	for (guint i = 0; i < G_N_ELEMENTS(once); i++)
		if (g_str_has_prefix(effect, once[i]))
			return TRUE;
	return FALSE;
}

static void
tally_sum(GHashTable *tally, const char *what, guint n)
{
	g_hash_table_insert(tally, g_strdup(what), GUINT_TO_POINTER(n));
}

/* what was changed through the API, by kind: pods have other names each time */
static void
tally_api(Trial *self, GHashTable *tally)
{
	static const char *const operators[] = {"etcds", "kubeapiservers", "kubecontrollermanagers",
						"kubeschedulers"};
	RdSimStore *store = rd_sim_api_get_store(self->api);

	for (guint i = 0; i < G_N_ELEMENTS(operators); i++) {
		g_autofree char *path =
		    g_strdup_printf("/apis/operator.openshift.io/v1/%s/cluster", operators[i]);
		g_autofree char *key = g_strdup_printf("api revisions of %s", operators[i]);
		JsonObject *status =
		    json_object_get_object_member(rd_sim_store_find(store, path), "status");

		tally_sum(tally, key,
			  (guint)json_object_get_int_member(status, "latestAvailableRevision"));
	}
	tally_sum(tally, "api pods deleted",
		  rd_sim_store_distinct(store, "DELETE /api/v1/", "/pods/"));
	tally_sum(tally, "api pods evicted",
		  rd_sim_store_distinct(store, "POST /api/v1/", "/eviction"));
	tally_sum(tally, "api requests approved",
		  rd_sim_store_distinct(store, "PUT /apis/", "/approval"));
}

/* An effect of @host. Who begins anew after the bastion was erased, or comes before the first one,
 * gives the run another name, and its files on the hosts with it: what they are is the same. */
static void
tally_effect(Trial *self, GHashTable *tally, const char *host, const char *effect, guint n)
{
	g_autoptr(GString) key = g_string_new(host);

	g_string_append_printf(key, " %s", effect);
	g_string_replace(key, "/" SIM_RUN_2 "/", "/" SIM_RUN "/", 0);
	g_string_replace(key, SIM_UUID_2, SIM_UUID, 0);
	tally_sum(tally, key->str, n + GPOINTER_TO_UINT(g_hash_table_lookup(tally, key->str)));
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
				tally_effect(self, tally, host->name, effect,
					     GPOINTER_TO_UINT(count));
	}
	if (self->api != NULL)
		tally_api(self, tally);
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

/* it was emptied so late that no look came to it again: that its lock is gone is told at the end */
static gboolean
is_told_at_last(Trial *self, Bastion *winner, const char *host)
{
	const char *word = rd_run_get_end_text(winner->run);

	for (guint i = 0; i < self->blows->len; i++) {
		const Blow *blow = &g_array_index(self->blows, Blow, i);

		if (blow->fault->ends_held != NULL && g_str_equal(blow->host, host))
			return word != NULL && strstr(word, "not given back on") != NULL &&
			       strstr(word, host) != NULL;
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
		    (self->scene != NULL && g_strcmp0(self->scene->without, host->name) == 0) ||
		    (winner != NULL && is_told_at_last(self, winner, host->name)) ||
		    (winner != NULL &&
		     (self->blows->len > 0 ? bastion_is_without(winner, host->name)
					   : bastion_excuses(winner, host->name))))
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

	/* its pods and its kubelet's requests are no kind of their own */
	if (g_str_has_prefix(effect, "api pods") || g_str_has_prefix(effect, "api requests"))
		return without[0] != NULL;
	/* nor is any of the control plane rebooted while one that was given up has a vote */
	return g_strv_contains((const char *const *)without, host) ||
	       (without[0] != NULL && g_str_has_prefix(host, "m") &&
		g_str_has_suffix(effect, " told to reboot"));
}

/* Operators roll out to every node that the API has: with a host that is lost for good
 * manual-restore leaves them alone, and says so; so does whoever may not replace it. */
static gboolean
rolls_out(Trial *self, const char *const *without)
{
	if (self->scene != NULL && self->scene->denies != NULL && !trial_returns(self))
		return FALSE;
	for (guint i = 0; i < self->cluster->hosts->len; i++) {
		const RdSimHost *host = g_ptr_array_index(self->cluster->hosts, i);

		if (!host->worker && g_strv_contains(without, host->name))
			return !g_str_equal(self->procedure, "manual-restore");
	}
	return TRUE;
}

/* what only they do; a manifest that a rollout writes again has been put back before */
static gboolean
is_rollout(const char *effect, guint found)
{
	return g_str_has_prefix(effect, "api revisions of") ||
	       strstr(effect, " revision written ") != NULL ||
	       (found > 0 && strstr(effect, " appeared ") != NULL &&
		g_str_has_suffix(effect, "-pod.yaml"));
}

/* the operators', where hosts come and go: each of both is another revision, unless it is the same
 * one */
static gboolean
is_of_coming(Trial *self, const char *effect)
{
	return self->scene != NULL && self->scene->replaces && is_rollout(effect, 1);
}

static gboolean
may_repeat(Trial *self, const char *effect)
{
	g_autofree char *host = g_strndup(effect, strcspn(effect, " "));

	return is_another(self, host);
}

/* etcd-member-recover.sh asks the host that signs and has the only member: without it the script
 * ends before it has added the next one, and begins again */
static gboolean
is_of_recover(const char *effect)
{
	return g_str_has_suffix(effect, " certificates signed") ||
	       g_str_has_suffix(effect, " etcd-generate-certs.yaml");
}

/* a boot is a restart of the kubelet too, and an etcd that is just starting has no snapshot */
static gboolean
may_differ(Trial *self, const char *effect)
{
	gboolean died = FALSE;

	for (guint i = 0; i < self->blows->len; i++) {
		const Blow *blow = &g_array_index(self->blows, Blow, i);

		died = died || (blow->fault->host_dies &&
				(g_str_has_prefix(effect, blow->host) || is_of_recover(effect)));
	}
	for (guint i = 0; i < self->blows->len; i++)
		if (g_array_index(self->blows, Blow, i).fault->host_dies &&
		    (g_str_has_prefix(effect, "api requests") ||
		     g_str_has_prefix(effect, "api pods")))
			return TRUE; /* its kubelet asks anew, its pods go elsewhere */
	/* the script begins again, or its rest is done one by one; what must not happen is a
	 * violation */
	if (died && (trial_runs_script(self) || is_of_recover(effect) ||
		     g_str_equal(self->procedure, "replace-lost-masters")))
		return TRUE;
	return died && (g_str_has_suffix(effect, "kubelet restarted") ||
			g_str_has_suffix(effect, "snapshot saved") ||
			strstr(effect, " put /run/") != NULL); /* in memory */
}

/* a kubelet whose request nobody has answered for minutes asks anew, and both are answered in the
 * end; each of them once, which is counted by their names */
static gboolean
may_be_more(Trial *self, const char *effect)
{
	for (guint i = 0; i < self->blows->len; i++)
		if (g_array_index(self->blows, Blow, i).fault->delays_api &&
		    g_str_has_prefix(effect, "api requests"))
			return TRUE;
	return may_repeat(self, effect);
}

/* Who comes when the first has given the lock back may do it all again, where that makes sense: a
 * healthy etcd is not restored, a pod can be stopped and started as often as somebody wants. The
 * copy of a run finds everything done. It is a bound from above: a second run need not do what it
 * finds true. */
static guint
times(Trial *self)
{
	guint n = 0;

	for (guint i = 0; i < self->bastions->len; i++)
		n += trial_is_done(self, bastion_end(g_ptr_array_index(self->bastions, i)));
	return !g_str_equal(self->procedure, "manual-restore") && !trial_is_copy(self) ? MAX(n, 1)
										       : 1;
}

static void
compare(Trial *self, GHashTable *expected, char **without, Outcome *outcome, GString *text)
{
	g_autoptr(GHashTable) tally = trial_tally(self);
	gboolean left_alone = !rolls_out(self, (const char *const *)without);
	GHashTableIter iter;
	gpointer effect, count;

	g_hash_table_iter_init(&iter, tally);
	while (g_hash_table_iter_next(&iter, &effect, &count)) {
		guint wanted =
		    GPOINTER_TO_UINT(g_hash_table_lookup(expected, effect)) * times(self);
		guint found = GPOINTER_TO_UINT(count);

		if (found <= wanted || may_differ(self, effect) || may_be_more(self, effect) ||
		    is_of_coming(self, effect))
			continue;
		outcome->doubled += found - wanted;
		g_string_append_printf(text, "; %s: %u times instead of %u", (const char *)effect,
				       found, wanted);
	}
	g_hash_table_iter_init(&iter, expected);
	while (g_hash_table_iter_next(&iter, &effect, &count)) {
		guint found = GPOINTER_TO_UINT(g_hash_table_lookup(tally, effect));
		guint wanted = GPOINTER_TO_UINT(count);

		if ((left_alone && is_rollout(effect, found)) || is_of_coming(self, effect))
			continue;
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

	/* of two runs the second one counts */
	for (guint i = trial_returns(self) ? 1 : 0; i < self->bastions->len; i++) {
		Bastion *bastion = g_ptr_array_index(self->bastions, i);
		g_autofree char *causes = bastion_causes(bastion);
		const char *end = bastion_end(bastion);

		if (trial_is_done(self, end) && winner != NULL && times(self) == 1 &&
		    !trial_is_copy(self))
			g_string_append(text, "; two bastions say that they have done it");
		if (trial_is_done(self, end))
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

/* somebody cancels it, which ends it */
static gboolean
is_cancelled(Trial *self)
{
	for (guint i = 0; i < self->blows->len; i++)
		if (g_array_index(self->blows, Blow, i).fault->cancels)
			return TRUE;
	return FALSE;
}

static gboolean
ends_cancelled(Trial *self)
{
	if (!is_cancelled(self))
		return FALSE;
	/* also one that a bastion took over whose predecessor was erased */
	for (guint i = 0; i < self->bastions->len; i++) {
		const char *end = bastion_end(g_ptr_array_index(self->bastions, i));

		if (end != NULL && g_str_has_prefix(end, "cancelled"))
			return TRUE;
	}
	return FALSE;
}

/* wherever that was: what was borrowed is as it was */
static void
judge_cancelled(Trial *self, GString *text)
{
	g_autoptr(GPtrArray) wrong = NULL;

	g_string_truncate(text, 0);
	if (self->api == NULL)
		return;
	wrong = rd_scenery_check_borrowed(self->cluster, self->api);
	add_all(text, wrong);
	if (self->scene == NULL || !self->scene->lost)
		return;
	g_ptr_array_unref(wrong);
	rd_sim_api_catch_up(self->api);
	wrong = rd_scenery_check_signer(self->cluster, self->api);
	add_all(text, wrong);
}

/* Where nothing more can be done, and the reason is told. Operators roll out to every node that the
 * API has, and the network waits for each: one that was given up has to be replaced or removed
 * first. */
static gboolean
stays_held(Trial *self, const char *text)
{
	const char *word = trial_ends_held(self);

	if (self->scene != NULL && g_strcmp0(self->scene->end, "held") == 0)
		word = self->scene->told;
	if (word == NULL && self->scene != NULL && trial_has_lost_host(self))
		word = g_array_index(self->blows, Blow, 0).host;
	return word != NULL && strstr(text, word) != NULL;
}

static void
add_wrong(GString *text, GPtrArray *wrong)
{
	add_all(text, wrong);
	g_ptr_array_unref(wrong);
}

/* what the cluster has to be like now that @winner is through */
static void
judge_cluster(Trial *self, Bastion *winner, const char *const *without, GString *text)
{
	g_autofree char *token = g_strconcat("openshift-etcd-", winner->run_uuid, NULL);
	g_autofree char *now = NULL;

	if (self->turned || trial_brings_back(self)) {
		now = likeness_take(self->cluster);
		add_wrong(text, likeness_compare(self->before, now, without));
		return;
	}
	if (g_str_equal(self->procedure, "manual-restore"))
		add_wrong(text, rd_scenery_check_restored(self->cluster, token, without));
	if (g_str_equal(self->procedure, "cluster-restore"))
		add_wrong(text, rd_scenery_check_single(self->cluster, without));
	if (self->scene != NULL && self->scene->lost) {
		rd_sim_api_catch_up(self->api);
		add_wrong(text, rd_scenery_check_lost_masters(self->cluster, self->api));
	} else if (self->scene != NULL) {
		rd_sim_api_catch_up(self->api);
		add_wrong(text, rd_scenery_check_cluster_state(self->cluster, self->api, without,
							       rolls_out(self, without)));
	}
	if (self->cluster->vips != NULL)
		add_wrong(text, rd_scenery_check_vips(self->cluster, without));
}

void
trial_judge(Trial *self, GHashTable *expected, Outcome *outcome)
{
	g_autoptr(GString) text = g_string_new(NULL);
	Bastion *winner = find_winner(self, text);
	g_auto(GStrv) without = find_without(self, winner);
	gboolean as_before = self->turned || trial_brings_back(self);

	if (winner != NULL)
		judge_cluster(self, winner, (const char *const *)without, text);
	if (winner == NULL && ends_cancelled(self))
		judge_cancelled(self, text);
	/* where it is right to stay held, the reason is what counts: a guard that asks a rebuilt
	 * host says what it found, after the advised resume it has its name */
	else if (winner == NULL && stays_held(self, text->str))
		g_string_truncate(text, 0);
	else if (!as_before && expected != NULL)
		compare(self, expected, without, outcome, text);
	add_all(text, self->cluster->violations);
	add_all(text, self->breaches);
	if (self->scene != NULL && self->scene->away > 0 && self->away > self->scene->away)
		g_string_append_printf(text,
				       "; %u workers were away at a time, and no more than %u may",
				       self->away, self->scene->away);
	if (self->stuck)
		g_string_append(text, "; nothing will ever happen again");
	outcome->good = text->len == 0;
	outcome->over = TRUE;
	outcome->held = self->rounds;
	outcome->gates = self->gates;
	outcome->took = rd_timeline_now(self->cluster->timeline) - self->began;
	for (guint i = 0; i < self->bastions->len; i++)
		outcome->starts += ((Bastion *)g_ptr_array_index(self->bastions, i))->starts;
	if (self->held->len > 0)
		g_string_append_printf(text, " [held: %s]", self->held->str);
	g_strlcpy(outcome->text, text->str, sizeof(outcome->text));
}
