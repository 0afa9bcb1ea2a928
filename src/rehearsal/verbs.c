/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearsal/verbs.h"
#include <string.h>

/* how often a waiting verb looks again */
#define LOOK_AGAIN (200 * RD_SIM_MS)

/* lives as long as the timeline has something for it */
struct _RdSimProcess {
	guint refs;
	RdSimHost *host;
	guint boots; /* of the host when it began: a process dies with its boot */
	RdSimCall *call;
	gint64 began;
	gboolean wrote; /* take: the first half is done */
	RdSimExec exec; /* run */
	RdSimAnswer answer;
	gpointer data;
	GDestroyNotify destroy;
};

static RdSimProcess *
process_new(RdSimHost *host, RdSimCall *call)
{
	RdSimProcess *self = g_new0(RdSimProcess, 1);

	self->refs = 1;
	self->host = host;
	self->boots = host->boots;
	self->call = call;
	return self;
}

static void
process_unref(gpointer data)
{
	RdSimProcess *self = data;

	if (--self->refs > 0)
		return;
	g_ptr_array_remove_fast(self->host->touching, self);
	rd_sim_exec_clear(&self->exec);
	rd_sim_call_unref(self->call);
	if (self->destroy != NULL)
		self->destroy(self->data);
	g_free(self);
}

static void
process_answer(RdSimProcess *self, RdReply *reply)
{
	/* the lock is free before the answer is on its way */
	g_ptr_array_remove_fast(self->host->touching, self);
	if (self->answer != NULL)
		self->answer(self->host, &self->call->call, reply, self->data);
	rd_reply_clear(reply);
}

static void
process_later(RdSimProcess *self, gint64 delay, RdTimelineFunc func)
{
	self->refs++;
	rd_timeline_add(self->host->cluster->timeline, delay, func, self, process_unref);
}

/* ---- jobs ---------------------------------------------------------------------------------- */

void
rd_sim_job_free(RdSimJob *self)
{
	rd_sim_call_unref(self->call);
	g_free(self->key);
	g_free(self->log);
	g_free(self);
}

void
rd_sim_jobs_die(RdSimHost *host)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, host->jobs);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		((RdSimJob *)value)->alive = FALSE;
}

static char *
job_prefix(const RdCall *call)
{
	return g_strdup_printf("%s/%s.%u.%u/", call->run, call->state, call->visit, call->attempt);
}

/* attempt 0: the newest of the visit */
static RdSimJob *
job_find(RdSimHost *host, const RdCall *call)
{
	RdSimJob *found = NULL;
	guint newest = 0;
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, host->jobs);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		RdSimJob *job = value;
		const RdCall *other = &job->call->call;

		if (!g_str_equal(other->run, call->run) ||
		    !g_str_equal(other->state, call->state) || other->visit != call->visit ||
		    !g_str_equal(other->name, call->name))
			continue;
		if (call->attempt != 0 && other->attempt != call->attempt)
			continue;
		if (other->attempt < newest)
			continue;
		newest = other->attempt;
		found = job;
	}
	return found;
}

static void
job_reply(const RdSimJob *job, RdReply *reply)
{
	if (job->alive)
		rd_sim_reply(reply, RD_VERDICT_ALIVE, 0, NULL, NULL);
	else if (job->ended)
		rd_sim_reply(reply, RD_VERDICT_DONE, job->status, job->log, NULL);
	else
		rd_sim_reply(reply, RD_VERDICT_DIED, 0, job->log, NULL);
}

/* the result is written a moment after the effect: a host may die in between */
static void
job_result(gpointer data)
{
	RdSimProcess *self = data;
	RdSimJob *job = self->boots == self->host->boots
			    ? g_hash_table_lookup(self->host->jobs, self->data)
			    : NULL;

	if (job != NULL) {
		job->alive = FALSE;
		job->ended = TRUE;
		job->status = self->exec.status;
		job->log = g_strconcat(self->exec.err->str, self->exec.out->str, NULL);
		rd_sim_host_count(self->host, "job ended", job->call->call.name);
	}
}

static void
job_done(gpointer data)
{
	RdSimProcess *self = data;
	gint64 again = self->boots == self->host->boots ? rd_sim_exec_step(&self->exec) : -1;

	if (again >= 0) {
		process_later(self, again, job_done);
		return;
	}
	if (self->boots == self->host->boots)
		rd_sim_exec_end(&self->exec);
	process_later(self, 5 * RD_SIM_MS, job_result);
}

/* the detached process: makes its directory, then runs the command */
static void
job_new(RdSimHost *host, const RdCall *call)
{
	RdSimJob *job = g_new0(RdSimJob, 1);
	RdSimProcess *process;
	g_autofree char *prefix = job_prefix(call);

	job->host = host;
	job->call = rd_sim_call_copy(call);
	job->key = g_strconcat(prefix, call->name, NULL);
	job->alive = TRUE;
	g_hash_table_insert(host->jobs, g_strdup(job->key), job);
	rd_sim_host_count(host, "job begun", call->name);
	process = process_new(host, rd_sim_call_ref(job->call));
	process->data = g_strdup(job->key);
	process->destroy = g_free;
	rd_sim_exec_begin(&process->exec, host, process->call->call.argv,
			  process->call->call.input);
	process_later(process, process->exec.duration, job_done);
	process_unref(process);
}

/* nothing of a job on this host: an answer only from the same boot of the same machine */
static gboolean
same_boot(RdSimProcess *self, RdReply *reply)
{
	const RdCall *call = &self->call->call;

	if ((call->boot_id == NULL || *call->boot_id == '\0' ||
	     g_str_equal(call->boot_id, self->host->boot_id)) &&
	    (call->machine_id == NULL || *call->machine_id == '\0' ||
	     g_str_equal(call->machine_id, self->host->machine_id)))
		return TRUE;
	rd_sim_reply(reply, RD_VERDICT_UNKNOWN, 0, NULL, "the host was booted or rebuilt since");
	return FALSE;
}

/* FALSE: it runs still, @reply says so */
static gboolean
job_state(RdSimProcess *self, RdReply *reply)
{
	const RdSimJob *job = job_find(self->host, &self->call->call);

	if (job != NULL)
		job_reply(job, reply);
	else if (same_boot(self, reply))
		rd_sim_reply(reply, RD_VERDICT_ABSENT, 0, NULL, NULL);
	return job == NULL || !job->alive;
}

static gboolean
settle(RdSimProcess *self, RdReply *reply)
{
	g_autofree char *prefix = job_prefix(&self->call->call);
	g_autoptr(GString) names = g_string_new(NULL);
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, self->host->jobs);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const RdSimJob *job = value;

		if (job->alive && g_str_has_prefix(job->key, prefix))
			g_string_append_printf(names, "%s\n", job->call->call.name);
	}
	if (names->len > 0)
		rd_sim_reply(reply, RD_VERDICT_ALIVE, 0, names->str, NULL);
	else if (same_boot(self, reply))
		rd_sim_reply(reply, RD_VERDICT_DONE, 0, NULL, NULL);
	return names->len == 0;
}

/* ---- the other verbs ----------------------------------------------------------------------- */

static gboolean
take(RdSimProcess *self, RdReply *reply)
{
	const RdCall *call = &self->call->call;
	const RdSimProcess *toucher =
	    self->host->touching->len > 0 ? g_ptr_array_index(self->host->touching, 0) : NULL;

	if (!self->wrote && !rd_sim_take_write(self->host, call, reply))
		return TRUE;
	self->wrote = TRUE;
	return rd_sim_take_wait(self->host, call, toucher != NULL ? &toucher->call->call : NULL,
				reply);
}

/* take, settle, job-state, job-start: answer at once, or hold the answer back for a while */
static void
wait_on(gpointer data)
{
	RdSimProcess *self = data;
	const RdCall *call = &self->call->call;
	g_auto(RdReply) reply = {0};
	gboolean over = FALSE;
	gint64 now = rd_timeline_now(self->host->cluster->timeline);

	if (self->boots != self->host->boots)
		return;
	if (call->verb == RD_CALL_TAKE)
		over = take(self, &reply);
	else if ((call->verb == RD_CALL_SETTLE || call->verb == RD_CALL_JOB_STATE) &&
		 !rd_sim_lock_admits_look(self->host, call, &reply))
		over = TRUE;
	else if (call->verb == RD_CALL_SETTLE)
		over = settle(self, &reply);
	else
		over = job_state(self, &reply);
	if (over || now - self->began >= call->wait_s * RD_SIM_SECOND)
		process_answer(self, &reply);
	else
		process_later(self, LOOK_AGAIN, wait_on);
}

/* the job exists when this returns; the fence is passed */
static void
job_start(RdSimProcess *self)
{
	const RdCall *call = &self->call->call;
	const RdSimJob *job = job_find(self->host, call);
	g_auto(RdReply) reply = {0};

	if (job == NULL && rd_sim_tree_is_full(self->host->tree, "/var/lib/recoveryd")) {
		rd_sim_reply(&reply, RD_VERDICT_REFUSED, 0, NULL, "No space left on device");
		process_answer(self, &reply);
		return;
	}
	if (job != NULL && !g_strv_equal(job->call->call.argv, call->argv)) {
		rd_sim_reply(&reply, RD_VERDICT_REFUSED, 0, NULL,
			     "the job of this attempt runs another command already");
		process_answer(self, &reply);
		return;
	}
	if (job == NULL && !same_boot(self, &reply)) {
		process_answer(self, &reply);
		return;
	}
	if (job == NULL)
		job_new(self->host, call);
	g_ptr_array_remove_fast(self->host->touching, self);
	wait_on(self);
}

static void
run_end(RdSimProcess *self, RdReply *reply)
{
	rd_sim_exec_end(&self->exec);
	*reply = (RdReply){.verdict = RD_VERDICT_DONE, .status = self->exec.status};
	reply->out = g_string_free_to_bytes(g_steal_pointer(&self->exec.out));
	reply->err = g_string_free(g_steal_pointer(&self->exec.err), FALSE);
}

static void
finish(gpointer data)
{
	RdSimProcess *self = data;
	const RdCall *call = &self->call->call;
	g_auto(RdReply) reply = {0};

	if (self->boots != self->host->boots)
		return;
	if (rd_call_verb_touches(call->verb) && call->number < self->host->granted)
		rd_sim_cluster_violation(
		    self->host->cluster,
		    "%s: #%" G_GINT64_FORMAT " was granted while %s of %s %s touched",
		    self->host->name, self->host->granted, rd_call_verb_to_string(call->verb),
		    call->run, call->state);
	if (!rd_call_verb_touches(call->verb) && call->verb != RD_CALL_RELEASE &&
	    call->verb != RD_CALL_SURVEY && call->verb != RD_CALL_BREAK &&
	    !rd_sim_lock_admits_look(self->host, call, &reply)) {
		process_answer(self, &reply);
		return;
	}
	switch (call->verb) {
	case RD_CALL_ASK:
	case RD_CALL_RUN:
		run_end(self, &reply);
		break;
	case RD_CALL_SURVEY:
		rd_sim_survey(self->host, &reply);
		break;
	case RD_CALL_RELEASE:
		rd_sim_release(self->host, call, &reply);
		break;
	case RD_CALL_ASIDE:
		rd_sim_aside(self->host, call, &reply);
		break;
	case RD_CALL_FETCH:
		rd_sim_fetch(self->host, call, &reply);
		break;
	case RD_CALL_BREAK:
		rd_sim_break(
		    self->host, call,
		    self->host->touching->len > 0
			? &((RdSimProcess *)g_ptr_array_index(self->host->touching, 0))->call->call
			: NULL,
		    &reply);
		break;
	case RD_CALL_KEEP:
		rd_sim_keep(self->host, call, &reply);
		break;
	case RD_CALL_JOB_START:
		job_start(self);
		return;
	case RD_CALL_MOVE:
		rd_sim_move(self->host, call, &reply);
		break;
	case RD_CALL_MOVE_ASIDE:
		rd_sim_move_aside(self->host, call, &reply);
		break;
	case RD_CALL_PUT:
		rd_sim_put(self->host, call, &reply);
		break;
	case RD_CALL_JOB_STATE:
	case RD_CALL_SETTLE:
	case RD_CALL_TAKE:
	default:
		g_assert_not_reached();
	}
	process_answer(self, &reply);
}

/* what only passes the fence before a change through the API: it does nothing, and who sent it may
 * be dead and replaced before it came to that. That no older number touches is checked at its end.
 */
static gboolean
is_fence_alone(const RdCall *call)
{
	return call->verb == RD_CALL_RUN && g_str_equal(call->argv[0], "true");
}

/* On one host a second attempt of a step beside the first would be I2 broken; anywhere, two
 * bastions at a time. */
static void
check_beside(RdSimProcess *self, const RdSimProcess *other)
{
	const RdCall *call = &self->call->call, *theirs = &other->call->call;
	gboolean two = g_strcmp0(call->who, theirs->who) != 0;

	if (self->host != other->host && !two)
		return;
	if (!two && g_str_equal(call->run, theirs->run) &&
	    (is_fence_alone(call) || is_fence_alone(theirs)))
		return;
	rd_sim_cluster_violation(
	    self->host->cluster,
	    "%s: %s/%s.%u.%u of %s touches while %s/%s.%u.%u of %s still does%s%s",
	    self->host->name, call->run, call->state, call->visit, call->attempt, call->who,
	    theirs->run, theirs->state, theirs->visit, theirs->attempt, theirs->who,
	    self->host != other->host ? " on " : "",
	    self->host != other->host ? other->host->name : "");
}

static void
check_alone(RdSimProcess *self)
{
	GPtrArray *hosts = self->host->cluster->hosts;

	for (guint i = 0; i < hosts->len; i++) {
		const RdSimHost *host = g_ptr_array_index(hosts, i);

		for (guint j = 0; j < host->touching->len; j++)
			check_beside(self, g_ptr_array_index(host->touching, j));
	}
}

/* mostly milliseconds; now and then a disk or a lock keeps it so long that whoever sent it is dead
 * and replaced before it acts */
static gint64
touch_duration(RdTimeline *timeline)
{
	if (rd_timeline_chance(timeline, 0, 7) == 0)
		return rd_timeline_chance(timeline, RD_SIM_SECOND, 25 * RD_SIM_SECOND);
	return rd_timeline_chance(timeline, 5 * RD_SIM_MS, 40 * RD_SIM_MS);
}

static void
begin_touch(RdSimProcess *self)
{
	const RdCall *call = &self->call->call;
	g_auto(RdReply) reply = {0};

	if (!rd_sim_lock_admits_touch(self->host, call, &reply)) {
		rd_sim_host_count(self->host, "fenced", call->run);
		process_answer(self, &reply);
		return;
	}
	check_alone(self);
	g_ptr_array_add(self->host->touching, self);
	if (call->verb == RD_CALL_RUN)
		rd_sim_exec_begin(&self->exec, self->host, call->argv, call->input);
	process_later(self, self->exec.duration + touch_duration(self->host->cluster->timeline),
		      finish);
}

static void
execute(RdSimProcess *self)
{
	const RdCall *call = &self->call->call;
	RdTimeline *timeline = self->host->cluster->timeline;

	if (rd_call_verb_touches(call->verb)) {
		begin_touch(self);
		return;
	}
	switch (call->verb) {
	case RD_CALL_TAKE:
	case RD_CALL_SETTLE:
	case RD_CALL_JOB_STATE:
		process_later(self, rd_timeline_chance(timeline, RD_SIM_MS, 5 * RD_SIM_MS),
			      wait_on);
		return;
	case RD_CALL_ASK:
		rd_sim_exec_begin(&self->exec, self->host, call->argv, call->input);
		if (self->exec.touches)
			rd_sim_cluster_violation(
			    self->host->cluster, "%s: a look that touches: %s %s", self->host->name,
			    call->argv[0], call->argv[1] != NULL ? call->argv[1] : "");
		process_later(self, self->exec.duration, finish);
		return;
	default:
		process_later(self, rd_timeline_chance(timeline, 2 * RD_SIM_MS, 10 * RD_SIM_MS),
			      finish);
	}
}

void
rd_sim_host_execute(RdSimHost *host, RdSimCall *call, RdSimAnswer answer, gpointer data,
		    GDestroyNotify destroy)
{
	RdSimProcess *self = process_new(host, call);

	self->began = rd_timeline_now(host->cluster->timeline);
	self->answer = answer;
	self->data = data;
	self->destroy = destroy;
	execute(self);
	process_unref(self);
}
