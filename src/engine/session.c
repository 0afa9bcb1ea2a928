/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-engine"

#include <fcntl.h>
#include <glib-unix.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "amend.h"
#include "begin.h"
#include "engine.h"
#include "journal/lock.h"
#include "journal/news.h"
#include "journal/proc.h"
#include "journal/request.h"
#include "notify.h"
#include "open.h"
#include "rebuild.h"
#include "runner-crew.h"
#include "session.h"
#include "setting.h"
#include "unattended.h"

/* progress lines are for people: once a second is enough */
#define RD_STATUS_PACE_MS 1000

typedef struct {
	RdOpenRun *open;
	RdRunSetting *setting;
	RdLock *lock;
	RdCrew *crew;
	RdEngine *engine;
	RdNotify *notify;
	GMainLoop *loop;
	RdNews *news;	      /* of requests */
	JsonObject *progress; /* target -> {"text", "at"} */
	guint status_source;
	gboolean over;	  /* the engine has stopped: what is asked now is for the next one */
	gboolean amended; /* the run is another now: it is opened anew */
	GError *error;
} RdSession;

char *
rd_session_who(void)
{
	const char *sudo = g_getenv("SUDO_USER");

	return g_strdup_printf("%s@%s", sudo != NULL ? sudo : g_get_user_name(), g_get_host_name());
}

static gint64
rd_session_now(gpointer data)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (gint64)now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

/* ---- status.json --------------------------------------------------------------------------- */

static gboolean
rd_session_write_status(gpointer data)
{
	RdSession *self = data;
	JsonObject *object = json_object_new();
	g_autoptr(JsonNode) node = json_node_alloc();
	g_autofree char *clock = NULL;
	g_autofree char *wall = NULL;
	g_autofree char *text = NULL;
	g_autoptr(GError) error = NULL;

	self->status_source = 0;
	clock = g_strdup_printf("%" G_GINT64_FORMAT, rd_run_get_clock(self->open->run));
	wall = g_strdup_printf("%" G_GINT64_FORMAT, g_get_real_time());
	json_object_set_string_member(object, "clock", clock);
	json_object_set_string_member(object, "wall", wall);
	json_object_set_object_member(object, "progress", json_object_ref(self->progress));
	json_node_init_object(node, object);
	json_object_unref(object);
	text = json_to_string(node, FALSE);
	/* for people only: a disk that is full is said by the journal */
	if (!rd_rundir_write_status(self->open->dir, text, 0600, &error))
		g_debug("status.json: %s", error->message);
	return G_SOURCE_REMOVE;
}

static void
rd_session_progress(RdEngine *engine, const char *target, const char *text, gpointer data)
{
	RdSession *self = data;
	JsonObject *entry = json_object_new();
	g_autofree char *at = g_strdup_printf("%" G_GINT64_FORMAT, g_get_real_time());

	json_object_set_string_member(entry, "text", text);
	json_object_set_string_member(entry, "at", at);
	json_object_set_object_member(self->progress, target, entry);
	if (self->status_source == 0)
		self->status_source =
		    g_timeout_add(RD_STATUS_PACE_MS, rd_session_write_status, self);
}

static void
rd_session_stored(RdEngine *engine, GPtrArray *events, gpointer data)
{
	RdSession *self = data;

	for (guint i = 0; i < events->len; i++) {
		const RdEvent *event = g_ptr_array_index(events, i);

		/* a line that belongs to what is over would only mislead */
		if (event->kind == RD_EVENT_STEP && event->target != NULL) {
			const RdStep *step =
			    rd_run_find_step(self->open->run, event->state, event->target);

			json_object_remove_member(self->progress,
						  step != NULL ? step->lane : event->target);
		}
		/* before anybody is told: perhaps nobody is needed */
		if (event->kind == RD_EVENT_RUN &&
		    (g_strcmp0(event->word, "held") == 0 || g_strcmp0(event->word, "ended") == 0)) {
			rd_unattended_rest(engine, self->open, self->setting);
			if (g_strcmp0(event->word, "held") == 0 &&
			    rd_run_get_state(self->open->run) != RD_RUN_HELD)
				continue;
		}
		if (self->notify != NULL)
			rd_notify_event(self->notify, self->open->run, event);
	}
}

/* ---- requests, signals, the end ------------------------------------------------------------ */

/* what is asked for is done before it is in the journal: an engine that dies in between finds the
 * request again, and does the same */
static gboolean
rd_session_hear(RdSession *self, const RdRequest *request, const char *who, GError **error)
{
	gboolean amend = strcmp(request->word, "amend") == 0;
	gboolean gate = strcmp(request->word, "approve") == 0 || strcmp(request->word, "deny") == 0;

	if (gate && !rd_open_run_may_approve(self->open, request->uid, request->who, error))
		return FALSE;
	if (amend && !rd_amend_take(self->open->dir, self->setting, request->argument, error))
		return FALSE;
	if (!rd_engine_request(self->engine, request->word, request->step, request->argument, who,
			       request->reason, request->time, error))
		return FALSE;
	if (amend) {
		self->amended = TRUE;
		g_main_loop_quit(self->loop);
	}
	return TRUE;
}

static void
rd_session_take_requests(gpointer data)
{
	RdSession *self = data;
	g_autofree char *path = rd_rundir_file(self->open->dir, "requests");
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) requests = rd_requests_take(path, &error);

	if (requests == NULL)
		g_warning("%s", error->message);
	for (guint i = 0; requests != NULL && i < requests->len && !self->over && !self->amended;
	     i++) {
		const RdRequest *request = g_ptr_array_index(requests, i);
		g_autofree char *who = rd_request_describe_who(request);
		g_autoptr(GError) refused = NULL;

		if (!rd_session_hear(self, request, who, &refused))
			g_message("%s of %s: %s", request->word, who, refused->message);
		if (!rd_request_done(request, &error)) {
			g_warning("%s", error->message);
			g_clear_error(&error);
		}
	}
}

static gboolean
rd_session_terminated(gpointer data)
{
	RdSession *self = data;

	g_message("told to end: the run goes on with resume");
	g_main_loop_quit(self->loop);
	return G_SOURCE_CONTINUE;
}

static void
rd_session_stopped(RdEngine *engine, const GError *error, gpointer data)
{
	RdSession *self = data;

	if (error != NULL)
		self->error = g_error_copy(error);
	self->over = TRUE;
	g_main_loop_quit(self->loop);
}

static void
rd_session_runner_started(GPid pid, gpointer data)
{
	RdSession *self = data;
	g_autoptr(GError) error = NULL;

	if (!rd_lock_set_runner(self->lock, pid, &error))
		g_warning("%s", error->message);
}

static gboolean
rd_session_open(RdSession *self, RdRundir *dir, GError **error)
{
	g_autofree char *lock = rd_rundir_file(dir, "lock");
	g_autofree char *setting = rd_rundir_file(dir, "setting.json");
	g_autofree char *who = rd_session_who();
	RdLockOptions options = {.who = who,
				 .timeout_ms = RD_LOCK_TIMEOUT_MS,
				 .grace_ms = RD_LOCK_GRACE_MS};

	self->lock = rd_lock_take(lock, &options, error);
	if (self->lock == NULL) {
		rd_rundir_free(dir);
		return FALSE;
	}
	self->setting = rd_run_setting_load(setting, error);
	if (self->setting == NULL) {
		rd_rundir_free(dir);
		return FALSE;
	}
	self->open = rd_open_run(dir, TRUE, error);
	return self->open != NULL;
}

static gboolean
rd_session_prepare(RdSession *self, const char *who, GError **error)
{
	RdRunnerCrewOptions crew = {.run_dir = rd_rundir_get_path(self->open->dir),
				    .who = who,
				    .lock_fd = rd_lock_get_fd(self->lock),
				    .stderr_fd = -1,
				    .started = rd_session_runner_started,
				    .data = self};
	RdEngineHooks hooks = {.now = rd_session_now,
			       .stored = rd_session_stored,
			       .progress = rd_session_progress,
			       .stopped = rd_session_stopped,
			       .data = self};
	g_autoptr(GHashTable) documents = rd_copy_documents_of(self->open->dir);
	g_autofree char *requests = rd_rundir_file(self->open->dir, "requests");

	self->news = rd_news_new(requests, rd_session_take_requests, self);
	self->crew = rd_runner_crew_new(&crew, error);
	if (self->crew == NULL)
		return FALSE;
	self->notify =
	    rd_notify_new(self->open->dir, self->setting->notify, self->open->plan->cluster,
			  self->open->journal, self->open->run);
	self->engine = rd_engine_new(self->open->run, self->open->journal, self->crew, &hooks);
	rd_engine_keep_copies(self->engine, documents);
	return TRUE;
}

static void
rd_session_close(RdSession *self)
{
	g_clear_handle_id(&self->status_source, g_source_remove);
	g_clear_pointer(&self->news, rd_news_free);
	g_clear_pointer(&self->engine, rd_engine_free);
	if (self->crew != NULL)
		self->crew->klass->free(self->crew);
	g_clear_pointer(&self->notify, rd_notify_free);
	g_clear_pointer(&self->open, rd_open_run_free);
	g_clear_pointer(&self->setting, rd_run_setting_free);
	g_clear_pointer(&self->lock, rd_lock_free);
	json_object_unref(self->progress);
	g_main_loop_unref(self->loop);
}

/* one engine's life. *again (out): the run has to be opened anew */
static gboolean
rd_session_live(RdRundir *dir, gboolean *again, GError **error)
{
	RdSession self = {.progress = json_object_new(), .loop = g_main_loop_new(NULL, FALSE)};
	g_autofree char *who = rd_session_who();
	g_autofree char *named = NULL;
	g_autofree char *boot_id = rd_proc_boot_id();
	guint term = 0, interrupt = 0;
	gboolean ok = FALSE;

	/* A copied run directory makes two engines of one run: the word at the end tells their lock
	 * numbers apart. */
	named = g_strdup_printf("%s/%d-%08x", who, getpid(), g_random_int());
	if (rd_session_open(&self, dir, error) && rd_session_prepare(&self, named, error)) {
		(void)rd_rundir_put(self.open->dir, "engine-began", "", 0, NULL);
		term = g_unix_signal_add(SIGTERM, rd_session_terminated, &self);
		interrupt = g_unix_signal_add(SIGINT, rd_session_terminated, &self);
		rd_engine_start(self.engine, who, boot_id, getpid());
		rd_session_take_requests(&self);
		/* an engine that died when it had come to rest has not done this */
		if (!self.over && !self.amended)
			rd_unattended_rest(self.engine, self.open, self.setting);
		/* a word that changes nothing, to a run that is held, ends it here already */
		if (!self.over && !self.amended)
			g_main_loop_run(self.loop);
		g_source_remove(term);
		g_source_remove(interrupt);
		rd_session_write_status(&self);
		if (rd_run_get_state(self.open->run) == RD_RUN_ENDED)
			rd_spawn_forget(self.open->dir);
		ok = self.error == NULL;
		if (!ok)
			g_propagate_error(error, self.error);
	}
	*again = ok && self.amended;
	rd_session_close(&self);
	return ok;
}

gboolean
rd_session_run(RdRundir *dir, GError **error)
{
	g_autofree char *runs = g_path_get_dirname(rd_rundir_get_path(dir));
	g_autofree char *base = g_path_get_dirname(runs);
	g_autofree char *id = g_strdup(rd_rundir_get_id(dir));
	gboolean again;

	while (rd_session_live(dir, &again, error)) {
		if (!again)
			return TRUE;
		dir = rd_rundir_open(base, id, error);
		if (dir == NULL)
			return FALSE;
	}
	return FALSE;
}
