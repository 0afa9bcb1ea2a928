/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-engine"

#include <errno.h>
#include <gio/gio.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>

#include "open.h"
#include "procedure/expand.h"
#include "setting.h"

RdPlan *
rd_open_plan(const char *dir, const RdRunSetting *setting, GError **error)
{
	g_autofree char *types_path = g_build_filename(dir, "types.json", NULL);
	g_autofree char *procedure_path = g_build_filename(dir, "procedure.yaml", NULL);
	g_autofree char *text = NULL;
	g_autoptr(JsonNode) node = NULL;
	g_autoptr(RdTypes) types = NULL;
	g_autoptr(RdProcedure) procedure = NULL;

	if (!g_file_get_contents(types_path, &text, NULL, error))
		return NULL;
	node = json_from_string(text, error);
	if (node == NULL)
		return NULL;
	types = rd_types_new(node, error);
	if (types == NULL)
		return NULL;
	procedure = rd_procedure_load(procedure_path, types, error);
	if (procedure == NULL)
		return NULL;
	return rd_procedure_expand(procedure, setting->inventory, setting->inputs, error);
}

static gboolean
rd_open_run_apply(const RdEvent *event, gpointer data, GError **error)
{
	RdOpenRun *self = data;

	if (!rd_run_apply(self->run, event, error))
		return FALSE;
	if (self->events != NULL)
		g_ptr_array_add(self->events, rd_event_copy(event));
	return TRUE;
}

static gboolean
rd_open_run_fold(RdOpenRun *self, gint64 after, gboolean *news, GError **error)
{
	if (!rd_journal_each(self->journal, after, rd_open_run_apply, self, error))
		return FALSE;
	if (news != NULL)
		*news = rd_run_get_seq(self->run) > after;
	return TRUE;
}

RdOpenRun *
rd_open_run(RdRundir *dir, gboolean writer, GError **error)
{
	g_autoptr(RdOpenRun) self = g_new0(RdOpenRun, 1);
	g_autoptr(RdRunSetting) setting = NULL;
	g_autofree char *setting_path = rd_rundir_file(dir, "setting.json");
	g_autofree char *journal_path = rd_rundir_file(dir, "journal.db");

	self->dir = dir;
	setting = rd_run_setting_load(setting_path, error);
	if (setting == NULL)
		return NULL;
	self->plan = rd_open_plan(rd_rundir_get_path(dir), setting, error);
	if (self->plan == NULL)
		return NULL;
	self->inventory = g_steal_pointer(&setting->inventory);
	self->journal = writer ? rd_journal_open_writer(journal_path, error)
			       : rd_journal_open_reader(journal_path, error);
	if (self->journal == NULL)
		return NULL;
	self->run = rd_run_new(self->plan);
	if (!writer)
		self->events = g_ptr_array_new_with_free_func((GDestroyNotify)rd_event_free);
	if (!rd_open_run_fold(self, 0, NULL, error)) {
		g_prefix_error(error, "%s: ", journal_path);
		return NULL;
	}
	return g_steal_pointer(&self);
}

gboolean
rd_open_run_refresh(RdOpenRun *self, gboolean *news, GError **error)
{
	return rd_open_run_fold(self, rd_run_get_seq(self->run), news, error);
}

gboolean
rd_open_run_may_approve(const RdOpenRun *self, guint uid, const char *who, GError **error)
{
	const char *named = rd_run_get_input(self->run, RD_RUN_INPUT_OWNERS);
	g_auto(GStrv) names = g_strsplit(named != NULL ? named : "", " ", -1);
	struct stat info;
	const struct passwd *user;

	if (stat(rd_rundir_get_path(self->dir), &info) != 0) {
		g_set_error(error, G_IO_ERROR, (int)g_io_error_from_errno(errno), "%s: %s",
			    rd_rundir_get_path(self->dir), g_strerror(errno));
		return FALSE;
	}
	if (uid == 0 || uid == info.st_uid || g_strv_contains((const char *const *)names, who))
		return TRUE;
	user = info.st_uid != 0 ? getpwuid(info.st_uid) : NULL;
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
		    "%s (uid %u) is no owner of this run. Its gates are answered by root%s%s%s%s; "
		    "others are named when a run is started, with --owner",
		    who, uid, user != NULL ? ", " : "", user != NULL ? user->pw_name : "",
		    named != NULL ? ", " : "", named != NULL ? named : "");
	return FALSE;
}

void
rd_open_run_free(RdOpenRun *self)
{
	g_clear_pointer(&self->run, rd_run_free);
	g_clear_pointer(&self->journal, rd_journal_free);
	g_clear_pointer(&self->plan, rd_plan_free);
	g_clear_pointer(&self->inventory, rd_inventory_free);
	g_clear_pointer(&self->events, g_ptr_array_unref);
	g_clear_pointer(&self->dir, rd_rundir_free);
	g_free(self);
}
