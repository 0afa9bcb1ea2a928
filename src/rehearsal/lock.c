/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearsal/verbs.h"
#include <string.h>

/* The lock file and who is admitted by it, as src/host/wrapper.sh does it. */

#define LOCK "/var/lib/recoveryd/epoch"

static char *
line(const char *text, const char *key)
{
	gsize size = strlen(key);

	while (text != NULL && *text != '\0') {
		if (strncmp(text, key, size) == 0 && text[size] == '=')
			return g_strndup(text + size + 1, strcspn(text + size + 1, "\n"));
		text = strchr(text, '\n');
		text = text != NULL ? text + 1 : NULL;
	}
	return NULL;
}

static void
lock_clear(RdSimLock *lock)
{
	g_free(lock->run);
	g_free(lock->who);
	g_free(lock->since);
	g_free(lock->machine_id);
	*lock = (RdSimLock){.number = -1};
}

void
rd_sim_lock_free(RdSimLock *lock)
{
	lock_clear(lock);
	g_free(lock);
}

static void
lock_parse(RdSimLock *lock, const RdSimNode *node)
{
	g_autofree char *text = rd_sim_node_text(node);
	g_autofree char *number = line(text, "number");
	g_autofree char *state = line(text, "state");

	lock->number = g_ascii_strtoll(number, NULL, 10);
	lock->run = line(text, "run");
	lock->who = line(text, "who");
	lock->since = line(text, "since");
	lock->machine_id = line(text, "machine-id");
	lock->held = g_strcmp0(state, "held") == 0;
	lock->inode = node->inode;
}

const RdSimLock *
rd_sim_lock_read(RdSimHost *host)
{
	const RdSimNode *node = rd_sim_tree_find(host->tree, LOCK);
	RdSimLock *lock = host->lock;

	if (lock == NULL)
		lock = host->lock = g_new0(RdSimLock, 1);
	/* every call is fenced, and the file seldom changes: a new one is another inode */
	if (node == NULL || node->inode != lock->inode)
		lock_clear(lock);
	if (node != NULL && node->inode != lock->inode)
		lock_parse(lock, node);
	return lock;
}

static int
lock_write(RdSimHost *host, gint64 number, const char *run, const char *who, gboolean held)
{
	gint64 now = rd_timeline_now(host->cluster->timeline);
	g_autofree char *text =
	    g_strdup_printf("number=%" G_GINT64_FORMAT "\nrun=%s\nwho=%s\nsince=%" G_GINT64_FORMAT
			    "\nstate=%s\nmachine-id=%s\n",
			    number, run, who != NULL ? who : "", now / G_USEC_PER_SEC,
			    held ? "held" : "released", host->machine_id);
	int error = rd_sim_tree_mkdirs(host->tree, "/var/lib/recoveryd");

	return error != 0 ? error : rd_sim_tree_write_text(host->tree, LOCK, text, 0600);
}

void
rd_sim_survey(RdSimHost *host, RdReply *reply)
{
	const RdSimLock *lock = rd_sim_lock_read(host);
	GString *out = g_string_new(NULL);
	gint64 now = rd_timeline_now(host->cluster->timeline) +
		     (gint64)(host->clock_off * (double)RD_SIM_SECOND);
	GHashTableIter iter;
	gpointer value;

	g_string_append_printf(
	    out, "boot-id=%s\nmachine-id=%s\ntime=%" G_GINT64_FORMAT ".%06" G_GINT64_FORMAT "\n",
	    host->boot_id, host->machine_id, now / G_USEC_PER_SEC, now % G_USEC_PER_SEC);
	if (lock->number >= 0)
		g_string_append_printf(out,
				       "number=%" G_GINT64_FORMAT "\nrun=%s\nwho=%s\nsince=%s\n"
				       "state=%s\nlock-machine-id=%s\n",
				       lock->number, lock->run, lock->who, lock->since,
				       lock->held ? "held" : "released", lock->machine_id);
	g_hash_table_iter_init(&iter, host->jobs);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const RdSimJob *job = value;

		if (job->alive)
			g_string_append_printf(out, "job=%s\n", job->key);
	}
	*reply = (RdReply){.verdict = RD_VERDICT_DONE};
	reply->out = g_string_free_to_bytes(out);
}

/* a job of another run that is alive here, NULL when there is none */
static const char *
foreign_job(RdSimHost *host, const char *run)
{
	GHashTableIter iter;
	gpointer value;
	gsize size = strlen(run);

	g_hash_table_iter_init(&iter, host->jobs);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const RdSimJob *job = value;

		if (job->alive && (strncmp(job->key, run, size) != 0 || job->key[size] != '/'))
			return job->key;
	}
	return NULL;
}

/* who holds it, in @err; the survey in @out */
static void
answer_holder(RdSimHost *host, RdReply *reply, RdVerdict verdict, const char *why)
{
	rd_sim_survey(host, reply);
	reply->verdict = verdict;
	reply->err = g_strdup(why);
}

static char *
holder_text(const RdSimLock *lock)
{
	return g_strdup_printf(
	    "the host has lock #%" G_GINT64_FORMAT " of run %s, %s by %s since %s", lock->number,
	    lock->run, lock->held ? "held" : "released", lock->who, lock->since);
}

gboolean
rd_sim_lock_admits_look(RdSimHost *host, const RdCall *call, RdReply *reply)
{
	const RdSimLock *lock = rd_sim_lock_read(host);
	g_autofree char *text = NULL;

	if (call->number <= 0)
		return TRUE;
	if (lock->number < 0)
		text = g_strdup("there is no lock file, though this run took this host: it was "
				"rebuilt, or is another one");
	else if (g_strcmp0(lock->run, call->run) != 0 || lock->number > call->number)
		text = holder_text(lock);
	else if (!g_str_equal(lock->machine_id, host->machine_id))
		text = g_strdup("the lock file was written on another machine: it was rebuilt");
	if (text == NULL)
		return TRUE;
	answer_holder(host, reply, RD_VERDICT_FENCED, text);
	return FALSE;
}

gboolean
rd_sim_lock_admits_touch(RdSimHost *host, const RdCall *call, RdReply *reply)
{
	const RdSimLock *lock = rd_sim_lock_read(host);
	g_autofree char *text = NULL;

	if (lock->number < 0)
		text = g_strdup("the lock was never taken on this host");
	else if (!lock->held || lock->number != call->number ||
		 g_strcmp0(lock->run, call->run) != 0)
		text = holder_text(lock);
	else if (!g_str_equal(lock->machine_id, host->machine_id))
		text = g_strdup("the lock file was written on another machine");
	if (text == NULL)
		return TRUE;
	answer_holder(host, reply, RD_VERDICT_FENCED, text);
	return FALSE;
}

/* the guards of a take, then the lock file: from here on nothing older may begin to touch */
gboolean
rd_sim_take_write(RdSimHost *host, const RdCall *call, RdReply *reply)
{
	const RdSimLock *lock = rd_sim_lock_read(host);
	const char *job = foreign_job(host, call->run);
	g_autofree char *text = NULL;
	int error;

	if (lock->number < 0 && !call->enrol) {
		rd_sim_reply(reply, RD_VERDICT_REFUSED, 0, NULL,
			     "there is no lock file: this host was rebuilt or never used; "
			     "it has to be enrolled");
		return FALSE;
	}
	if (lock->number >= 0 &&
	    (lock->held ? g_strcmp0(lock->run, call->run) != 0 || call->number < lock->number ||
			      (call->number == lock->number && g_strcmp0(lock->who, call->who) != 0)
			: call->number <= lock->number)) {
		text = holder_text(lock);
		answer_holder(host, reply, RD_VERDICT_FENCED, text);
		return FALSE;
	}
	if (lock->number >= 0 && !g_str_equal(lock->machine_id, host->machine_id) && !call->enrol) {
		rd_sim_reply(reply, RD_VERDICT_REFUSED, 0, NULL,
			     "the lock file was written on another machine");
		return FALSE;
	}
	if (job != NULL) {
		text = g_strdup_printf("a job of another run is alive here: %s", job);
		rd_sim_reply(reply, RD_VERDICT_REFUSED, 0, NULL, text);
		return FALSE;
	}
	error = lock_write(host, call->number, call->run, call->who, TRUE);
	if (error != 0) {
		rd_sim_reply(reply, RD_VERDICT_REFUSED, 0, NULL, g_strerror(error));
		return FALSE;
	}
	return TRUE;
}

/* FALSE: something still touches, @reply names it */
gboolean
rd_sim_take_wait(RdSimHost *host, const RdCall *call, const RdCall *toucher, RdReply *reply)
{
	const RdSimLock *lock = rd_sim_lock_read(host);
	g_autofree char *text = NULL;

	if (toucher != NULL) {
		text = g_strdup_printf("still touching this host: %s of %s",
				       rd_call_verb_to_string(toucher->verb), toucher->state);
		answer_holder(host, reply, RD_VERDICT_BUSY, text);
		return FALSE;
	}
	if (g_strcmp0(lock->run, call->run) != 0 || lock->number != call->number) {
		text = holder_text(lock);
		answer_holder(host, reply, RD_VERDICT_FENCED, text);
		return TRUE;
	}
	host->granted = call->number;
	rd_sim_host_count(host, "taken", call->run);
	rd_sim_survey(host, reply);
	return TRUE;
}

void
rd_sim_release(RdSimHost *host, const RdCall *call, RdReply *reply)
{
	const RdSimLock *lock = rd_sim_lock_read(host);
	g_autofree char *text = NULL;
	int error = 0;

	if (lock->number < 0) {
		rd_sim_reply(reply, RD_VERDICT_REFUSED, 0, NULL, "there is no lock file");
		return;
	}
	if (g_strcmp0(lock->run, call->run) != 0 || lock->number > call->number) {
		text = holder_text(lock);
		answer_holder(host, reply, RD_VERDICT_FENCED, text);
		return;
	}
	if (lock->held)
		error = lock_write(host, lock->number, call->run, lock->who, FALSE);
	if (error != 0)
		rd_sim_reply(reply, RD_VERDICT_REFUSED, 0, NULL, g_strerror(error));
	else
		rd_sim_reply(reply, RD_VERDICT_DONE, 0, NULL, NULL);
}

void
rd_sim_break(RdSimHost *host, const RdCall *call, const RdCall *toucher, RdReply *reply)
{
	const RdSimLock *lock = rd_sim_lock_read(host);
	const char *job = foreign_job(host, "");
	g_autofree char *text = NULL;
	g_autofree char *who = NULL;
	g_autofree char *run = g_strdup(lock->run);

	if (lock->number < 0) {
		rd_sim_reply(reply, RD_VERDICT_REFUSED, 0, NULL,
			     "there is no lock file: nobody has a lock here");
		return;
	}
	text = holder_text(lock);
	if (g_strcmp0(lock->run, call->run) != 0 || lock->number != call->number) {
		answer_holder(host, reply, RD_VERDICT_FENCED, text);
		return;
	}
	if (!lock->held || job != NULL) {
		rd_sim_reply(reply, RD_VERDICT_REFUSED, 0, NULL, job != NULL ? job : text);
		return;
	}
	who = g_strdup_printf("%s, who broke the lock of %s", call->who, lock->who);
	if (lock_write(host, lock->number + 1, run, who, FALSE) != 0)
		rd_sim_reply(reply, RD_VERDICT_REFUSED, 0, NULL, "No space left on device");
	else
		answer_holder(host, reply, toucher != NULL ? RD_VERDICT_BUSY : RD_VERDICT_DONE,
			      toucher != NULL ? "it is broken, but something still touches" : NULL);
}
