/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "storage.h"
#include <string.h>

/* What was said so lately counts when nobody names the moment of a restore: longer than a kubelet
 * or a driver takes to try again, and to complain again */
#define LATELY 1800.0 /* seconds */

void
storage_look_clear(StorageLook *self)
{
	storage_audit_clear(&self->audit);
	g_clear_pointer(&self->now, storage_objects_free);
	g_clear_pointer(&self->before, storage_objects_free);
	g_clear_pointer(&self->hosts, g_hash_table_unref);
	g_clear_pointer(&self->silent, g_hash_table_unref);
	g_clear_pointer(&self->before_file, g_free);
}

char *
storage_copy_path(RecoveryStep *step, const char *name)
{
	g_autofree char *dir = NULL;

	if (g_path_is_absolute(name))
		return g_strdup(name);
	dir = recovery_local_dir(step);
	return g_build_filename(dir, name, NULL);
}

static gboolean
read_copy(RecoveryStep *step, const char *name, StorageLook *self, GError **error)
{
	g_autofree char *text = NULL;
	g_autoptr(GError) local = NULL;

	if (g_str_equal(name, NO_COPY))
		return TRUE;
	self->before_file = storage_copy_path(step, name);
	if (g_file_get_contents(self->before_file, &text, NULL, &local)) {
		self->before = storage_objects_from_json(text, self->before_file, error);
		return self->before != NULL;
	}
	/* a run that goes on from a host's journal has lost its directory: no dead end */
	if (!g_path_is_absolute(name) && g_error_matches(local, G_FILE_ERROR, G_FILE_ERROR_NOENT)) {
		recovery_progress(step,
				  "the copy of before the restore is lost (%s): what was "
				  "orphaned or claimed by another cannot be told",
				  local->message);
		return TRUE;
	}
	return rd_api_refuse(error, "the copy of before the restore cannot be read: %s",
			     local->message);
}

/* behind the lists, so that no lease in them is of the future */
static gboolean
read_moment(RecoveryStep *step, RecoveryMoment *moment, GError **error)
{
	const char *since = recovery_string(step, "since");

	if (!recovery_moment(step, *since != '\0' ? since : "1", moment, error))
		return FALSE;
	if (*since == '\0')
		moment->since = moment->now - LATELY;
	return TRUE;
}

gboolean
storage_look_has(const StorageLook *self, const char *node, GError **error)
{
	const char *why = g_hash_table_lookup(self->silent, node);

	if (why == NULL)
		return TRUE;
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE,
		    "%s: its mounts, devices and links could not be looked at: %s", node, why);
	return FALSE;
}

static GHashTable *
ask_hosts(RecoveryStep *step, const char *only, GHashTable *silent, GError **error)
{
	const char *one[] = {only, NULL};
	g_auto(GStrv) masters = NULL, workers = NULL;
	g_autoptr(GPtrArray) all = g_ptr_array_new();

	if (only != NULL)
		return storage_hosts_ask(step, one, silent, error);
	masters = recovery_hosts(step, "control-plane");
	workers = recovery_hosts(step, "workers");
	for (char **name = masters; *name != NULL; name++)
		g_ptr_array_add(all, *name);
	for (char **name = workers; *name != NULL; name++)
		g_ptr_array_add(all, *name);
	g_ptr_array_add(all, NULL);
	return storage_hosts_ask(step, (const char *const *)all->pdata, silent, error);
}

gboolean
storage_look(RecoveryStep *step, const char *only, const char *before, StorageLook *self,
	     GError **error)
{
	RecoveryMoment moment;

	if (!read_copy(step, before, self, error))
		return FALSE;
	self->now = storage_objects_get(step, STORAGE_LISTS, FALSE, error);
	if (self->now == NULL || !read_moment(step, &moment, error))
		return FALSE;
	self->silent = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	self->hosts = ask_hosts(step, only, self->silent, error);
	if (self->hosts == NULL)
		return FALSE;
	self->audit = (StorageAudit){
	    .now = self->now,
	    .before = self->before,
	    .before_file = self->before_file,
	    .hosts = self->hosts,
	    .moment = moment,
	};
	storage_audit_run(&self->audit);
	return TRUE;
}
