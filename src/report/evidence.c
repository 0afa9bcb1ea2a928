/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-report"

#include <fcntl.h>
#include <gio/gio.h>
#include <gnutls/crypto.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/open.h"
#include "evidence.h"
#include "journal/journal.h"
#include "journal/redact.h"

/* the journal of a run at work grows while it is read; it is read again until head and events are
 * of one moment */
#define RD_EVIDENCE_TRIES 10

static void
rd_evidence_file_free(gpointer data)
{
	RdEvidenceFile *file = data;

	g_free(file->name);
	g_free(file->sha256);
	g_free(file);
}

static void rd_evidence_complain(RdEvidence *self, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void
rd_evidence_complain(RdEvidence *self, const char *format, ...)
{
	g_autofree char *here = g_strconcat(self->dir, "/", NULL);
	GString *text = g_string_new(NULL);
	va_list args;

	va_start(args, format);
	g_string_vprintf(text, format, args);
	va_end(args);
	/* a copy has the same faults */
	g_string_replace(text, here, "", 0);
	g_ptr_array_add(self->faults, g_string_free(text, FALSE));
}

/* ---- files --------------------------------------------------------------------------------- */

static char *
rd_evidence_hash(int fd)
{
	g_autofree guint8 *buffer = g_malloc(256 * 1024);
	guint8 digest[32];
	gnutls_hash_hd_t hash;
	GString *hex = NULL;
	ssize_t n;

	gnutls_hash_init(&hash, GNUTLS_DIG_SHA256);
	while ((n = read(fd, buffer, 256 * 1024)) > 0)
		gnutls_hash(hash, buffer, n);
	gnutls_hash_deinit(hash, digest);
	if (n < 0)
		return NULL;
	hex = g_string_new(NULL);
	for (guint i = 0; i < sizeof digest; i++)
		g_string_append_printf(hex, "%02x", digest[i]);
	return g_string_free(hex, FALSE);
}

static void
rd_evidence_add_file(RdEvidence *self, const char *name)
{
	g_autofree char *path = g_build_filename(self->dir, name, NULL);
	RdEvidenceFile *file;
	struct stat info;
	/* a pipe that somebody put there must not stop us */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0 || fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
		if (fd >= 0)
			close(fd);
		return;
	}
	file = g_new0(RdEvidenceFile, 1);
	file->name = g_strdup(name);
	file->size = info.st_size;
	file->sha256 = rd_evidence_hash(fd);
	if (file->sha256 == NULL)
		rd_evidence_complain(self, "%s cannot be read", name);
	g_ptr_array_add(self->files, file);
	close(fd);
}

static void
rd_evidence_add_files(RdEvidence *self, const char *folder)
{
	g_autofree char *path = g_build_filename(self->dir, folder, NULL);
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	const char *entry;

	while (dir != NULL && (entry = g_dir_read_name(dir)) != NULL) {
		g_autofree char *name = g_build_filename(folder, entry, NULL);

		rd_evidence_add_file(self, name);
	}
}

static int
rd_evidence_compare_files(gconstpointer a, gconstpointer b)
{
	const RdEvidenceFile *const *left = a, *const *right = b;

	return strcmp((*left)->name, (*right)->name);
}

static void
rd_evidence_read_files(RdEvidence *self)
{
	static const char *const names[] = {"cluster.yaml", "policy.yaml", "procedure.yaml",
					    "setting.json", "types.json"};

	for (guint i = 0; i < G_N_ELEMENTS(names); i++)
		rd_evidence_add_file(self, names[i]);
	rd_evidence_add_files(self, "plugins");
	rd_evidence_add_files(self, "local");
	g_ptr_array_sort(self->files, rd_evidence_compare_files);
}

/* ---- journal ------------------------------------------------------------------------------- */

static void
rd_evidence_redact(char **text)
{
	char *redacted = *text != NULL ? rd_redact_text(NULL, *text) : NULL;

	if (redacted == NULL)
		return;
	g_free(*text);
	*text = redacted;
}

static gboolean
rd_evidence_take_event(const RdEvent *event, gpointer data, GError **error)
{
	RdEvidence *self = data;
	RdEvent *copy = rd_event_copy(event);

	rd_evidence_redact(&copy->key);
	rd_evidence_redact(&copy->value);
	rd_evidence_redact(&copy->text);
	g_ptr_array_add(self->events, copy);
	return TRUE;
}

static gboolean
rd_evidence_read_journal(RdEvidence *self, GError **error)
{
	g_autofree char *path = g_build_filename(self->dir, "journal.db", NULL);
	g_autoptr(RdJournal) journal = rd_journal_open_reader(path, error);
	g_autoptr(GError) unread = NULL;
	g_autoptr(GError) broken = NULL;

	if (journal == NULL)
		return FALSE;
	for (guint i = 0; i < RD_EVIDENCE_TRIES; i++) {
		g_clear_error(&unread);
		g_free(self->head);
		self->head = g_strdup(rd_journal_head(journal));
		g_ptr_array_set_size(self->events, 0);
		if (!rd_journal_each(journal, 0, rd_evidence_take_event, self, &unread) ||
		    strcmp(self->head, rd_journal_head(journal)) == 0)
			break;
	}
	if (unread != NULL)
		rd_evidence_complain(self, "%s", unread->message);
	if (!rd_journal_verify(journal, &self->proven, &broken) &&
	    (unread == NULL || strcmp(unread->message, broken->message) != 0))
		rd_evidence_complain(self, "%s", broken->message);
	self->proven = MIN(self->proven, (gint64)self->events->len);
	return TRUE;
}

/* what the plan's fold makes of them; a damaged journal gets as far as it fits */
static void
rd_evidence_fold(RdEvidence *self)
{
	g_autoptr(GError) error = NULL;

	if (self->plan == NULL)
		return;
	self->run = rd_run_new(self->plan);
	for (guint i = 0; i < self->events->len; i++) {
		if (rd_run_apply(self->run, g_ptr_array_index(self->events, i), &error))
			continue;
		rd_evidence_complain(self, "%s", error->message);
		return;
	}
}

static void
rd_evidence_read_plan(RdEvidence *self)
{
	g_autofree char *path = g_build_filename(self->dir, "setting.json", NULL);
	g_autoptr(GError) error = NULL;

	self->setting = rd_run_setting_load(path, &error);
	if (self->setting != NULL)
		self->plan = rd_open_plan(self->dir, self->setting, &error);
	if (self->plan == NULL)
		rd_evidence_complain(self,
				     "what the run was to do cannot be read, only what it did: %s",
				     error->message);
	/* a copy may have any name */
	g_free(self->run_id);
	self->run_id = self->setting != NULL && self->setting->run_id != NULL
			   ? g_strdup(self->setting->run_id)
			   : g_path_get_basename(self->dir);
}

RdEvidence *
rd_evidence_read(const char *dir, GError **error)
{
	g_autoptr(RdEvidence) self = g_new0(RdEvidence, 1);

	self->dir = g_canonicalize_filename(dir, NULL);
	self->events = g_ptr_array_new_with_free_func((GDestroyNotify)rd_event_free);
	self->faults = g_ptr_array_new_with_free_func(g_free);
	self->files = g_ptr_array_new_with_free_func(rd_evidence_file_free);
	if (!rd_evidence_read_journal(self, error))
		return NULL;
	rd_evidence_read_plan(self);
	rd_evidence_fold(self);
	rd_evidence_read_files(self);
	return g_steal_pointer(&self);
}

void
rd_evidence_free(RdEvidence *self)
{
	g_clear_pointer(&self->run, rd_run_free);
	g_clear_pointer(&self->plan, rd_plan_free);
	g_clear_pointer(&self->setting, rd_run_setting_free);
	g_clear_pointer(&self->events, g_ptr_array_unref);
	g_clear_pointer(&self->faults, g_ptr_array_unref);
	g_clear_pointer(&self->files, g_ptr_array_unref);
	g_free(self->dir);
	g_free(self->run_id);
	g_free(self->head);
	g_free(self);
}

const RdPlanState *
rd_evidence_find_state(const RdEvidence *self, const char *state)
{
	int index = self->plan != NULL ? rd_plan_find_state(self->plan, state) : -1;

	return index < 0 ? NULL : g_ptr_array_index(self->plan->states, index);
}
