/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-engine"

#include <errno.h>
#include <ftw.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "plan-make.h"
#include "procedure/procedure.h"
#include "runner-crew.h"

/* nobody's: no run is ever given it */
#define RD_WALK_UUID "00000000-0000-4000-8000-000000000000"

void
rd_planned_free(RdPlanned *self)
{
	g_clear_pointer(&self->forecast, rd_forecast_free);
	g_clear_pointer(&self->open, rd_open_run_free);
	g_clear_pointer(&self->setting, rd_run_setting_free);
	g_free(self->run_dir);
	g_free(self->procedure);
	g_free(self->procedure_sha256);
	g_free(self->inventory);
	g_free(self->inventory_sha256);
	g_free(self);
}

char *
rd_planned_text(const RdPlanned *self, const char *text)
{
	const char *const names[][2] = {{self->run_dir, RD_PLAN_RUN_DIR},
					{self->setting->run_id, RD_PLAN_RUN_ID},
					{RD_WALK_UUID, RD_PLAN_UUID}};
	char *shown = g_strdup(text);

	for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
		g_auto(GStrv) parts = g_strsplit(shown, names[i][0], -1);

		g_free(shown);
		shown = g_strjoinv(names[i][1], parts);
	}
	return shown;
}

static int
rd_walk_remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
	/* the rest goes all the same */
	(void)remove(path);
	return 0;
}

static void
rd_walk_remove(const char *dir)
{
	if (nftw(dir, rd_walk_remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0 ||
	    g_file_test(dir, G_FILE_TEST_EXISTS))
		g_message("%s could not be taken away", dir);
}

static gint64
rd_walk_now(gpointer data)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (gint64)now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

static RdTypes *
rd_walk_types(RdRundir *dir, GError **error)
{
	g_autofree char *path = rd_rundir_file(dir, "types.json");
	g_autofree char *text = NULL;
	g_autoptr(JsonNode) node = NULL;

	if (!g_file_get_contents(path, &text, NULL, error))
		return NULL;
	node = json_from_string(text, error);
	return node != NULL ? rd_types_new(node, error) : NULL;
}

static char *
rd_walk_sum(RdRundir *dir, const char *name, GError **error)
{
	g_autofree char *path = rd_rundir_file(dir, name);
	g_autofree char *text = NULL;
	gsize size;

	if (!g_file_get_contents(path, &text, &size, error))
		return NULL;
	return g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)text, size);
}

/* keys in an agent are used through a link in the run directory (host/agent.h) */
static void
rd_walk_lend_agent(RdRundir *dir)
{
	g_autofree char *link = rd_rundir_file(dir, RD_RUNDIR_AGENT);
	const char *agent = g_getenv("SSH_AUTH_SOCK");

	if (agent != NULL && symlink(agent, link) != 0)
		g_message("%s: %s", link, g_strerror(errno));
}

static RdForecast *
rd_walk(RdOpenRun *open, GError **error)
{
	g_autoptr(RdTypes) types = rd_walk_types(open->dir, error);
	RdRunnerCrewOptions crew_options = {.run_dir = rd_rundir_get_path(open->dir),
					    .who = "a walk",
					    .lock_fd = -1,
					    .stderr_fd = -1};
	RdForecastOptions options = {.plan = open->plan,
				     .journal = open->journal,
				     .types = types,
				     .now = rd_walk_now};
	RdForecast *forecast;

	if (types == NULL)
		return NULL;
	options.crew = rd_runner_crew_new(&crew_options, error);
	if (options.crew == NULL)
		return NULL;
	forecast = rd_forecast_make(&options, error);
	options.crew->klass->free(options.crew);
	return forecast;
}

static gboolean
rd_plan_fill(RdPlanned *self, const RdBeginOptions *options, GPtrArray **warnings, GError **error)
{
	g_autoptr(RdRundir) dir = rd_begin(options, warnings, error);
	g_autofree char *path = dir != NULL ? rd_rundir_file(dir, "setting.json") : NULL;

	if (dir == NULL)
		return FALSE;
	self->run_dir = g_strdup(rd_rundir_get_path(dir));
	self->procedure_sha256 = rd_walk_sum(dir, "procedure.yaml", error);
	if (self->procedure_sha256 == NULL)
		return FALSE;
	self->inventory_sha256 = rd_walk_sum(dir, "cluster.yaml", error);
	if (self->inventory_sha256 == NULL)
		return FALSE;
	self->setting = rd_run_setting_load(path, error);
	if (self->setting == NULL)
		return FALSE;
	self->open = rd_open_run(g_steal_pointer(&dir), TRUE, error);
	if (self->open == NULL)
		return FALSE;
	rd_walk_lend_agent(self->open->dir);
	self->forecast = rd_walk(self->open, error);
	return self->forecast != NULL;
}

RdPlanned *
rd_plan_make(const RdBeginOptions *options, GPtrArray **warnings, GError **error)
{
	g_autoptr(RdPlanned) self = g_new0(RdPlanned, 1);
	g_autofree char *base = g_dir_make_tmp("recoveryd-plan-XXXXXX", error);
	g_autofree char *found = NULL;
	RdBeginOptions walked = *options;
	gboolean ok;

	if (base == NULL)
		return NULL;
	walked.base = base;
	walked.uuid = RD_WALK_UUID;
	walked.shared = FALSE;
	ok = rd_plan_fill(self, &walked, warnings, error);
	rd_walk_remove(base);
	if (!ok)
		return NULL;
	found = rd_procedure_locate(options->procedure, options->procedure_dirs, error);
	if (found == NULL)
		return NULL;
	self->procedure = g_canonicalize_filename(found, NULL);
	self->inventory = g_canonicalize_filename(options->inventory, NULL);
	return g_steal_pointer(&self);
}
