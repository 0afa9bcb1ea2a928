/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-journal"

/* One delivery at a time. Each notice keeps its own delay, so that one which the command chokes on
 * holds up nobody. The file is the command's stdin: there is no pipe to fill, and no SIGPIPE. */

#include "outbox.h"
#include "durable.h"
#include "redact.h"
#include <errno.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct {
	char *name; /* of the file */
	guint tries;
	gint64 due; /* monotonic */
} Letter;

struct _RdOutbox {
	int refs; /* the owner's, and one while a delivery's callback is to come */
	gboolean freed;
	char *dir, *sent, *failed;
	char **argv;
	RdOutboxPace pace;
	GMainContext *context;
	GPtrArray *letters; /* (element-type Letter) by seq */
	gint64 last;
	Letter *current; /* (unowned) (nullable) being delivered */
	GSubprocess *process;
	GSource *timer;	   /* (nullable) the next one is due */
	GSource *deadline; /* (nullable) of the process */
};

static void work(RdOutbox *self);

static void
letter_free(Letter *letter)
{
	g_free(letter->name);
	g_free(letter);
}

static void
stop_source(GSource **source)
{
	if (*source != NULL)
		g_source_destroy(*source);
	g_clear_pointer(source, g_source_unref);
}

static void
unref(RdOutbox *self)
{
	if (--self->refs > 0)
		return;
	g_free(self->dir);
	g_free(self->sent);
	g_free(self->failed);
	g_strfreev(self->argv);
	g_ptr_array_unref(self->letters);
	g_clear_object(&self->process);
	g_main_context_unref(self->context);
	g_free(self);
}

static GSource *
start_source(RdOutbox *self, gint64 delay_ms, GSourceFunc callback)
{
	GSource *source = g_timeout_source_new((guint)MAX(delay_ms, 0));

	g_source_set_callback(source, callback, self, NULL);
	g_source_attach(source, self->context);
	return source;
}

/* ---- delivering ---------------------------------------------------------------------------- */

static void
put_away(RdOutbox *self, Letter *letter, const char *dir)
{
	g_autofree char *from = g_build_filename(self->dir, letter->name, NULL);
	g_autofree char *to = g_build_filename(dir, letter->name, NULL);

	/* not synced: after a power cut it may be sent twice, which is allowed */
	if (rename(from, to) != 0)
		g_warning("%s: cannot move to %s: %s", from, dir, g_strerror(errno));
	g_ptr_array_remove(self->letters, letter);
}

static void
failed_once(RdOutbox *self, Letter *letter, const char *why)
{
	guint shift = MIN(letter->tries, 16);
	gint64 delay_ms = MIN((gint64)self->pace.backoff_ms << shift, self->pace.backoff_max_ms);

	letter->tries++;
	g_warning("notification %s, try %u: %s: %s", letter->name, letter->tries, self->argv[0],
		  why);
	if (letter->tries >= self->pace.tries)
		put_away(self, letter, self->failed);
	else
		letter->due = g_get_monotonic_time() + delay_ms * 1000;
}

static gboolean
too_slow(gpointer data)
{
	RdOutbox *self = data;
	const char *pid = g_subprocess_get_identifier(self->process);

	/* the whole process group: a script's curl hangs, not the script */
	if (pid != NULL)
		kill(-(pid_t)g_ascii_strtoll(pid, NULL, 10), SIGKILL);
	stop_source(&self->deadline);
	return G_SOURCE_REMOVE;
}

static void
ended(GObject *object, GAsyncResult *result, gpointer data)
{
	RdOutbox *self = data;
	g_autoptr(GError) error = NULL;
	Letter *letter = g_steal_pointer(&self->current);
	gboolean in_time = self->deadline != NULL;

	if (!self->freed) {
		stop_source(&self->deadline);
		g_subprocess_wait_check_finish(G_SUBPROCESS(object), result, &error);
		g_clear_object(&self->process);
		if (error == NULL)
			put_away(self, letter, self->sent);
		else
			failed_once(self, letter,
				    in_time ? error->message : "took too long, killed");
		work(self);
	}
	unref(self);
}

/* runs in the child, before exec */
static void
own_group(gpointer data)
{
	setpgid(0, 0);
}

static void
deliver(RdOutbox *self, Letter *letter)
{
	g_autoptr(GSubprocessLauncher) launcher =
	    g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDOUT_SILENCE);
	g_autofree char *path = g_build_filename(self->dir, letter->name, NULL);
	g_autoptr(GError) error = NULL;

	/* stderr is the engine's: a command that fails explains itself in its log */
	g_subprocess_launcher_set_stdin_file_path(launcher, path);
	g_subprocess_launcher_set_child_setup(launcher, own_group, NULL, NULL);
	self->process =
	    g_subprocess_launcher_spawnv(launcher, (const char *const *)self->argv, &error);
	if (self->process == NULL) {
		failed_once(self, letter, error->message);
		return;
	}
	self->current = letter;
	self->refs++;
	self->deadline = start_source(self, self->pace.timeout_ms, too_slow);
	g_subprocess_wait_check_async(self->process, NULL, ended, self);
}

static gboolean
due(gpointer data)
{
	work(data);
	return G_SOURCE_REMOVE;
}

/* delivers the first that is due, else sleeps until one is */
static void
work(RdOutbox *self)
{
	gint64 now = g_get_monotonic_time();
	gint64 next = G_MAXINT64;

	stop_source(&self->timer);
	for (guint i = 0; i < self->letters->len; i++) {
		Letter *letter = g_ptr_array_index(self->letters, i);

		next = MIN(next, letter->due);
		if (letter->due <= now) {
			deliver(self, letter);
			break;
		}
	}
	/* after one that could not be started this comes back at once, for the others */
	if (self->current == NULL && self->letters->len > 0)
		self->timer = start_source(self, (next - now + 999) / 1000, due);
}

/* ---- writing ------------------------------------------------------------------------------- */

static void
add_text(JsonBuilder *builder, const char *name, const char *text)
{
	g_autofree char *redacted = text != NULL ? rd_redact_text(NULL, text) : NULL;

	if (text == NULL)
		return;
	json_builder_set_member_name(builder, name);
	json_builder_add_string_value(builder, redacted != NULL ? redacted : text);
}

static void
add_time(JsonBuilder *builder, const char *name, gint64 wall)
{
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(wall / G_USEC_PER_SEC);
	g_autofree char *text = g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ");

	add_text(builder, name, text);
}

static char *
to_json(const RdNotice *notice)
{
	g_autoptr(JsonBuilder) builder = json_builder_new();
	g_autoptr(JsonNode) root = NULL;
	g_autofree char *id = g_strdup_printf("%s/%" G_GINT64_FORMAT, notice->run, notice->seq);
	g_autofree char *source = g_strconcat("/recoveryd/", g_get_host_name(), NULL);
	g_autofree char *type = g_strconcat("io.recoveryd.", notice->type, NULL);
	g_autofree char *subject =
	    g_strjoin(notice->step != NULL ? "/" : NULL, notice->run, notice->step, NULL);

	json_builder_begin_object(builder);
	add_text(builder, "specversion", "1.0");
	add_text(builder, "id", id);
	add_text(builder, "source", source);
	add_text(builder, "type", type);
	add_text(builder, "subject", subject);
	add_time(builder, "time", notice->wall);
	add_text(builder, "datacontenttype", "application/json");
	json_builder_set_member_name(builder, "data");
	json_builder_begin_object(builder);
	add_text(builder, "cluster", notice->cluster);
	add_text(builder, "run", notice->run);
	add_text(builder, "step", notice->step);
	add_text(builder, "text", notice->text);
	add_text(builder, "asked", notice->asked);
	if (notice->by != 0)
		add_time(builder, "by", notice->by);
	add_text(builder, "otherwise", notice->otherwise);
	add_text(builder, "command", notice->command);
	json_builder_end_object(builder);
	json_builder_end_object(builder);
	root = json_builder_get_root(builder);
	return json_to_string(root, FALSE);
}

static void
add_letter(RdOutbox *self, const char *name)
{
	Letter *letter = g_new0(Letter, 1);

	letter->name = g_strdup(name);
	g_ptr_array_add(self->letters, letter);
}

static gboolean
was_added(RdOutbox *self, const char *name)
{
	const char *const dirs[] = {self->dir, self->sent, self->failed};

	for (guint i = 0; i < G_N_ELEMENTS(dirs); i++) {
		g_autofree char *path = g_build_filename(dirs[i], name, NULL);

		if (g_access(path, F_OK) == 0)
			return TRUE;
	}
	return FALSE;
}

gboolean
rd_outbox_add(RdOutbox *self, const RdNotice *notice, GError **error)
{
	g_autofree char *name =
	    g_strdup_printf("%012" G_GINT64_FORMAT "-%s.json", notice->seq, notice->type);
	g_autofree char *path = g_build_filename(self->dir, name, NULL);
	g_autofree char *json = to_json(notice);

	g_return_val_if_fail(
	    strspn(notice->type, "abcdefghijklmnopqrstuvwxyz.-") == strlen(notice->type), FALSE);
	if (was_added(self, name))
		return TRUE;
	if (!rd_file_write(path, json, strlen(json), rd_dir_is_shared(self->dir) ? 0660 : 0600,
			   RD_DURABLE_SYNC, error))
		return FALSE;
	self->last = MAX(self->last, notice->seq);
	add_letter(self, name);
	/* from the main loop, not from within the caller's commit */
	if (self->current == NULL) {
		stop_source(&self->timer);
		self->timer = start_source(self, 0, due);
	}
	return TRUE;
}

gint64
rd_outbox_get_last(RdOutbox *self)
{
	return self->last;
}

guint
rd_outbox_get_waiting(RdOutbox *self)
{
	return self->letters->len;
}

/* ---- beginning and end --------------------------------------------------------------------- */

static int
compare_letters(gconstpointer a, gconstpointer b)
{
	return strcmp((*(const Letter *const *)a)->name, (*(const Letter *const *)b)->name);
}

static gboolean
scan(RdOutbox *self, const char *path, gboolean waiting, GError **error)
{
	g_autoptr(GDir) dir = g_dir_open(path, 0, error);
	const char *name;

	if (dir == NULL)
		return FALSE;
	while ((name = g_dir_read_name(dir)) != NULL) {
		if (*name == '.' || !g_str_has_suffix(name, ".json"))
			continue;
		self->last = MAX(self->last, g_ascii_strtoll(name, NULL, 10));
		if (waiting)
			add_letter(self, name);
	}
	return TRUE;
}

static void
set_pace(RdOutboxPace *pace, const RdOutboxPace *wanted)
{
	if (wanted != NULL)
		*pace = *wanted;
	if (pace->timeout_ms == 0)
		pace->timeout_ms = RD_OUTBOX_TIMEOUT_MS;
	if (pace->backoff_ms == 0)
		pace->backoff_ms = RD_OUTBOX_BACKOFF_MS;
	if (pace->backoff_max_ms == 0)
		pace->backoff_max_ms = RD_OUTBOX_BACKOFF_MAX_MS;
	if (pace->tries == 0)
		pace->tries = RD_OUTBOX_TRIES;
}

RdOutbox *
rd_outbox_new(const char *dir, const char *command, const RdOutboxPace *pace, GError **error)
{
	g_autoptr(RdOutbox) self = g_new0(RdOutbox, 1);
	guint mode;

	self->refs = 1;
	self->dir = g_strdup(dir);
	self->sent = g_build_filename(dir, "sent", NULL);
	self->failed = g_build_filename(dir, "failed", NULL);
	self->letters = g_ptr_array_new_with_free_func((GDestroyNotify)letter_free);
	self->context = g_main_context_ref_thread_default();
	set_pace(&self->pace, pace);
	if (!g_shell_parse_argv(command, NULL, &self->argv, error)) {
		g_prefix_error(error, "--notify: ");
		return NULL;
	}
	mode = rd_dir_is_shared(dir) ? 02770 : 0700;
	if (!rd_dir_make(self->sent, mode, -1, error) ||
	    !rd_dir_make(self->failed, mode, -1, error) || !scan(self, self->dir, TRUE, error) ||
	    !scan(self, self->sent, FALSE, error) || !scan(self, self->failed, FALSE, error))
		return NULL;
	g_ptr_array_sort(self->letters, compare_letters);
	if (self->letters->len > 0)
		self->timer = start_source(self, 0, due);
	return g_steal_pointer(&self);
}

void
rd_outbox_free(RdOutbox *self)
{
	self->freed = TRUE;
	stop_source(&self->timer);
	stop_source(&self->deadline);
	unref(self);
}

static gboolean
wake(gpointer data)
{
	*(gboolean *)data = TRUE;
	return G_SOURCE_REMOVE;
}

static gboolean
has_untried(RdOutbox *self, GHashTable *before)
{
	for (guint i = 0; i < self->letters->len; i++) {
		Letter *letter = g_ptr_array_index(self->letters, i);

		if (GPOINTER_TO_UINT(g_hash_table_lookup(before, letter->name)) == letter->tries)
			return TRUE;
	}
	return FALSE;
}

gboolean
rd_outbox_flush(RdOutbox *self, guint timeout_ms)
{
	g_autoptr(GHashTable) before = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(GSource) limit = g_timeout_source_new(timeout_ms);
	gboolean over = FALSE;

	for (guint i = 0; i < self->letters->len; i++) {
		Letter *letter = g_ptr_array_index(self->letters, i);

		g_hash_table_insert(before, g_strdup(letter->name),
				    GUINT_TO_POINTER(letter->tries));
		letter->due = 0;
	}
	g_source_set_callback(limit, wake, &over, NULL);
	g_source_attach(limit, self->context);
	if (self->current == NULL)
		work(self);
	while (!over && has_untried(self, before))
		g_main_context_iteration(self->context, TRUE);
	g_source_destroy(limit);
	return self->letters->len == 0;
}
