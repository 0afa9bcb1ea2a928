/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-engine"

#include <gio/gio.h>
#include <string.h>

#include "begin.h"
#include "journal/journal.h"
#include "procedure/procedure.h"
#include "rebuild.h"

#define RD_DOCUMENT_PLUGINS "plugins.sha256"

const char *const rd_copy_documents[] = {"setting.json", "procedure.yaml",    "cluster.yaml",
					 "types.json",	 RD_DOCUMENT_PLUGINS, NULL};

/* ---- what lies beside the events ----------------------------------------------------------- */

/* hex SHA-256 of a file (transfer full) */
static char *
rd_sum_of(const char *path, GError **error)
{
	g_autofree char *data = NULL;
	gsize size;

	if (!g_file_get_contents(path, &data, &size, error))
		return NULL;
	return g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)data, size);
}

static int
rd_compare_names(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* as sha256sum prints it */
static char *
rd_sums_of(const char *dir, GError **error)
{
	g_autoptr(GDir) handle = g_dir_open(dir, 0, error);
	g_autoptr(GString) text = g_string_new(NULL);
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	const char *name;

	if (handle == NULL)
		return NULL;
	while ((name = g_dir_read_name(handle)) != NULL)
		if (g_str_has_suffix(name, ".so"))
			g_ptr_array_add(names, g_strdup(name));
	g_ptr_array_sort(names, rd_compare_names);
	for (guint i = 0; i < names->len; i++) {
		g_autofree char *path = g_build_filename(dir, names->pdata[i], NULL);
		g_autofree char *sum = rd_sum_of(path, error);

		if (sum == NULL)
			return NULL;
		g_string_append_printf(text, "%s  %s\n", sum, (char *)names->pdata[i]);
	}
	return g_string_free(g_steal_pointer(&text), FALSE);
}

/* @notify is a command line that somebody may have written a token into */
static char *
rd_setting_without_notify(const char *path, GError **error)
{
	g_autoptr(RdRunSetting) setting = rd_run_setting_load(path, error);

	if (setting == NULL)
		return NULL;
	g_clear_pointer(&setting->notify, g_free);
	return rd_run_setting_to_text(setting);
}

/* (nullable) (transfer full) */
static char *
rd_copy_document(RdRundir *dir, const char *name, GError **error)
{
	g_autofree char *path = rd_rundir_file(dir, name);
	g_autofree char *plugins = rd_rundir_file(dir, "plugins");
	char *text = NULL;

	if (strcmp(name, "setting.json") == 0)
		return rd_setting_without_notify(path, error);
	if (strcmp(name, RD_DOCUMENT_PLUGINS) == 0)
		return rd_sums_of(plugins, error);
	return g_file_get_contents(path, &text, NULL, error) ? text : NULL;
}

GHashTable *
rd_copy_documents_of(RdRundir *dir)
{
	GHashTable *documents = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);

	for (guint i = 0; rd_copy_documents[i] != NULL; i++) {
		g_autoptr(GError) error = NULL;
		char *text = rd_copy_document(dir, rd_copy_documents[i], &error);

		/* a recovery does not wait for what only a second one would need */
		if (text == NULL)
			g_warning("not kept on the hosts: %s", error->message);
		else
			g_hash_table_insert(documents, g_strdup(rd_copy_documents[i]), text);
	}
	return documents;
}

/* ---- what was found ------------------------------------------------------------------------ */

void
rd_found_free(RdFound *found)
{
	g_clear_pointer(&found->copy, rd_copy_free);
	g_free(found->host);
	g_free(found->holder);
	g_free(found->why);
	g_free(found);
}

/* the highest number that a copy knows of: the bastion that took the hosts last has it */
static gint64
rd_copy_number(const RdCopy *copy)
{
	gint64 highest = 0;

	for (guint i = 0; i < copy->events->len; i++) {
		const RdEvent *event = g_ptr_array_index(copy->events, i);

		if (event->kind == RD_EVENT_INCARNATION)
			highest = MAX(highest, event->number);
	}
	return highest;
}

const RdFound *
rd_found_choose(GPtrArray *found, GError **error)
{
	const RdFound *longest = NULL;
	gint64 at = 0;

	for (guint i = 0; i < found->len; i++) {
		const RdFound *one = g_ptr_array_index(found, i);

		if (one->damaged) {
			g_set_error(error, RD_JOURNAL_ERROR, RD_JOURNAL_ERROR_UNREADABLE,
				    "%s. If another host's copy is to count, move this one away",
				    one->why);
			return NULL;
		}
		if (one->copy != NULL && one->copy->events->len > 0 &&
		    (longest == NULL || one->copy->events->len > longest->copy->events->len))
			longest = one;
	}
	if (longest == NULL)
		g_set_error(error, RD_JOURNAL_ERROR, RD_JOURNAL_ERROR_UNREADABLE,
			    "no host that answers has a copy of the journal");
	for (guint i = 0; longest != NULL && i < found->len; i++) {
		const RdFound *one = g_ptr_array_index(found, i);

		if (one->copy == NULL || rd_copy_agree(longest->copy, one->copy, &at))
			continue;
		g_set_error(error, RD_JOURNAL_ERROR, RD_JOURNAL_ERROR_UNREADABLE,
			    "the copies on %s and %s differ from event %" G_GINT64_FORMAT
			    " on: two bastions wrote them. %s's knows lock #%" G_GINT64_FORMAT
			    ", %s's #%" G_GINT64_FORMAT
			    ": as a rule the higher one counts. Look at both (%s/RUN/events), and "
			    "move the one that is not to count away",
			    longest->host, one->host, at, longest->host,
			    rd_copy_number(longest->copy), one->host, rd_copy_number(one->copy),
			    RD_COPY_DIR);
		return NULL;
	}
	return longest;
}

/* ---- is all here that is needed ------------------------------------------------------------ */

static void
rd_rebuild_add_calls(GHashTable *wanted, const GPtrArray *calls)
{
	for (guint i = 0; i < calls->len; i++)
		g_hash_table_add(wanted, ((const RdProcedureCall *)calls->pdata[i])->type->name);
}

/* names of the state types that the procedure stands on */
static GHashTable *
rd_rebuild_wanted(const RdProcedure *procedure)
{
	GHashTable *wanted = g_hash_table_new(g_str_hash, g_str_equal);

	for (guint i = 0; i < procedure->states->len; i++) {
		const RdProcedureState *state = g_ptr_array_index(procedure->states, i);

		g_hash_table_add(wanted, state->call->type->name);
		rd_rebuild_add_calls(wanted, state->guards);
		rd_rebuild_add_calls(wanted, state->returns);
	}
	return wanted;
}

static RdTypes *
rd_rebuild_types(const char *text, GError **error)
{
	g_autoptr(JsonNode) node = json_from_string(text, error);

	return node != NULL ? rd_types_new(node, error) : NULL;
}

static const char *
rd_rebuild_sum(const char *sums, const char *file)
{
	g_autofree char *mark = g_strdup_printf("  %s\n", file);
	const char *found = strstr(sums, mark);

	return found != NULL && found - sums >= 64 ? found - 64 : NULL;
}

/* each plugin whose types the procedure needs and nobody offers here */
static gboolean
rd_rebuild_check_plugins(const RdRebuildOptions *options, GPtrArray *notes, GError **error)
{
	const char *procedure_text = g_hash_table_lookup(options->documents, "procedure.yaml");
	const char *sums = g_hash_table_lookup(options->documents, RD_DOCUMENT_PLUGINS);
	g_autofree char *here_text = rd_describe_plugins(options->plugin_dir, error);
	g_autofree char *here_sums = NULL;
	g_autoptr(RdTypes) there = NULL;
	g_autoptr(RdTypes) here = NULL;
	g_autoptr(RdProcedure) procedure = NULL;
	g_autoptr(GHashTable) wanted = NULL;
	g_autoptr(GHashTable) said = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(GString) missing = g_string_new(NULL);
	GHashTableIter iter;
	gpointer type;

	if (here_text == NULL)
		return FALSE;
	here_sums = rd_sums_of(options->plugin_dir, error);
	there = rd_rebuild_types(g_hash_table_lookup(options->documents, "types.json"), error);
	if (here_sums == NULL || there == NULL)
		return FALSE;
	here = rd_rebuild_types(here_text, error);
	procedure = here == NULL ? NULL
				 : rd_procedure_parse("procedure.yaml", procedure_text,
						      strlen(procedure_text), there, error);
	if (procedure == NULL)
		return FALSE;
	wanted = rd_rebuild_wanted(procedure);
	g_hash_table_iter_init(&iter, wanted);
	while (g_hash_table_iter_next(&iter, &type, NULL)) {
		g_autofree char *plugin = g_strndup(type, strcspn(type, "/"));
		g_autofree char *file = g_strconcat(plugin, ".so", NULL);
		const char *sum = rd_rebuild_sum(sums, file);
		const char *own = rd_rebuild_sum(here_sums, file);

		if (!g_hash_table_add(said, g_strdup(plugin)) && rd_types_find(here, type) != NULL)
			continue;
		if (rd_types_find(here, type) == NULL)
			g_string_append_printf(
			    missing, "%s%s, which has %s, is not in %s: put it there%s%.*s",
			    missing->len > 0 ? "; " : "", file, (char *)type, options->plugin_dir,
			    sum != NULL ? ", SHA-256 " : "", sum != NULL ? 64 : 0,
			    sum != NULL ? sum : "");
		else if (sum != NULL && own != NULL && strncmp(sum, own, 64) != 0)
			g_ptr_array_add(notes,
					g_strdup_printf("%s is another build here than the run "
							"began with (SHA-256 %.64s)",
							file, sum));
	}
	if (missing->len == 0)
		return TRUE;
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "%s", missing->str);
	return FALSE;
}

/* (nullable) of the file that input @name is: pair.h names them */
static const char *
rd_rebuild_input_sum(GHashTable *inputs, const char *name)
{
	gsize stem = strlen(name) - (g_str_has_suffix(name, ".snapshot") ? strlen("snapshot") : 0);
	g_autofree char *sum =
	    g_strdup_printf("%.*s%s", (int)stem, name, name[stem] != '\0' ? "sha256" : "-sha256");

	return g_hash_table_lookup(inputs, sum);
}

/* a file that was an input may be needed or not any more: the step that misses it says so */
static void
rd_rebuild_note_files(const RdRebuildOptions *options, GPtrArray *notes)
{
	g_autoptr(GList) names =
	    g_list_sort(g_hash_table_get_keys(options->setting->inputs), (GCompareFunc)strcmp);

	for (GList *l = names; l != NULL; l = l->next) {
		const char *path = g_hash_table_lookup(options->setting->inputs, l->data);
		const char *sum = rd_rebuild_input_sum(options->setting->inputs, l->data);

		if (!g_path_is_absolute(path) || g_str_has_suffix(l->data, ".dir") ||
		    g_file_test(path, G_FILE_TEST_EXISTS))
			continue;
		g_ptr_array_add(
		    notes,
		    g_strdup_printf("%s, input %s, is not on this machine: put it there%s%s. "
				    "A step that still needs it is held until it is",
				    path, (char *)l->data, sum != NULL ? ", SHA-256 " : "",
				    sum != NULL ? sum : ""));
	}
}

/* ---- making it ----------------------------------------------------------------------------- */

/* what the journal has to know beside what the copy says: a number above those that it knows is
 * this run's all the same, the copy being behind */
static gboolean
rd_rebuild_journal(const RdRebuildOptions *options, const RdFound *chosen, RdRundir *dir,
		   GError **error)
{
	g_autofree char *path = rd_rundir_file(dir, "journal.db");
	g_autofree char *text = g_strdup_printf(
	    "the run was rebuilt on %s from the copy of its journal on %s, %u events",
	    g_get_host_name(), chosen->host, chosen->copy->events->len);
	g_autoptr(GPtrArray) events = g_ptr_array_new_with_free_func((GDestroyNotify)rd_event_free);
	const RdEvent *last =
	    g_ptr_array_index(chosen->copy->events, chosen->copy->events->len - 1);
	g_autoptr(RdJournal) journal = rd_journal_create_from(path, chosen->copy->events, error);
	RdEvent *event;

	if (journal == NULL)
		return FALSE;
	event = rd_event_pair(rd_event_new(RD_EVENT_REMARK, NULL), options->who, NULL);
	event->clock = last->clock;
	g_ptr_array_add(events, rd_event_text(event, text));
	for (guint i = 0; i < options->found->len; i++) {
		const RdFound *found = g_ptr_array_index(options->found, i);

		if (found->number == 0)
			continue;
		event = rd_event_new(RD_EVENT_HOST, "taken-over");
		event->clock = last->clock;
		rd_event_step(event, NULL, found->host, 0, 0);
		rd_event_number(rd_event_pair(event, options->who, NULL), found->number);
		g_ptr_array_add(events, rd_event_text(event, found->holder));
	}
	return rd_journal_append(journal, events, error);
}

static gboolean
rd_rebuild_put(const RdRebuildOptions *options, RdRundir *dir, const char *name, GError **error)
{
	const char *text = g_hash_table_lookup(options->documents, name);

	return rd_rundir_put(dir, name, text, strlen(text), error);
}

/* the journal comes last: a directory without one is no run */
static gboolean
rd_rebuild_fill(const RdRebuildOptions *options, const RdFound *chosen, RdRundir *dir,
		GError **error)
{
	return rd_rebuild_put(options, dir, "procedure.yaml", error) &&
	       rd_rebuild_put(options, dir, "cluster.yaml", error) &&
	       rd_rebuild_put(options, dir, "types.json", error) &&
	       rd_copy_plugins(options->plugin_dir, dir, error) &&
	       rd_run_setting_save(options->setting, dir, error) &&
	       rd_rebuild_journal(options, chosen, dir, error);
}

static gboolean
rd_rebuild_is_new(const RdRebuildOptions *options, GError **error)
{
	g_autofree char *path =
	    g_build_filename(options->base, "runs", options->setting->run_id, NULL);
	g_autofree char *journal = g_build_filename(path, "journal.db", NULL);

	if (!g_file_test(path, G_FILE_TEST_EXISTS))
		return TRUE;
	if (g_file_test(journal, G_FILE_TEST_EXISTS))
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
			    "%s is on this machine already: recoveryd resume %s. If what is here "
			    "is older than what the hosts have, move %s away first",
			    options->setting->run_id, options->setting->run_id, path);
	else
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
			    "%s was begun and has no journal: move it away first", path);
	return FALSE;
}

RdRundir *
rd_rebuild(const RdRebuildOptions *options, GPtrArray **notes, GError **error)
{
	g_autoptr(GPtrArray) said = g_ptr_array_new_with_free_func(g_free);
	const RdFound *chosen = rd_found_choose(options->found, error);
	g_autoptr(RdRundir) dir = NULL;

	if (chosen == NULL || !rd_rebuild_is_new(options, error) ||
	    !rd_rebuild_check_plugins(options, said, error))
		return NULL;
	rd_rebuild_note_files(options, said);
	dir = rd_rundir_create_as(options->base, options->setting->run_id, FALSE, error);
	if (dir == NULL || !rd_rebuild_fill(options, chosen, dir, error))
		return NULL;
	*notes = g_steal_pointer(&said);
	return g_steal_pointer(&dir);
}
