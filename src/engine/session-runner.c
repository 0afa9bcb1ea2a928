/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-runner"

#include <unistd.h>

#include "addresses.h"
#include "api-way.h"
#include "host/host.h"
#include "runner-crew.h"
#include "runner/runner.h"
#include "session.h"
#include "setting.h"

/* The runner process of a real run: the plugins copied at start, hosts reached by ssh. */

typedef struct {
	RdRunSetting *setting;
	char *agent;	      /* link in the run directory, which need not be there */
	GPtrArray *addresses; /* (element-type RdHostAddress) */
	RdApiWay way;	      /* each worker has its own */
} RdRunnerSession;

static RdWorld *
rd_runner_make_world(const char *target, int cancel_fd, gpointer data)
{
	RdRunnerSession *self = data;
	RdWorld *world = rd_host_world_new(self->addresses, self->setting->run_id, cancel_fd);
	RdHostKube kube = {.open = rd_api_way_open, .close = rd_api_way_close, .data = &self->way};

	self->way = (RdApiWay){self->setting->inventory, self->addresses, cancel_fd};
	rd_host_world_set_kube(world, &kube);
	return world;
}

int
rd_session_runner(const char *run_dir, const char *who)
{
	RdRunnerSession self = {0};
	g_autoptr(RdCatalogue) catalogue = rd_catalogue_new();
	g_autoptr(RdSetting) setting = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree char *setting_path = g_build_filename(run_dir, "setting.json", NULL);
	g_autofree char *plugins = g_build_filename(run_dir, "plugins", NULL);
	g_autofree char *local = g_build_filename(run_dir, "local", NULL);
	RdRunnerOptions options = {.catalogue = catalogue,
				   .make_world = rd_runner_make_world,
				   .data = &self,
				   .lock_fd = RD_RUNNER_FD_LOCK};
	int status;

	self.setting = rd_run_setting_load(setting_path, &error);
	if (self.setting == NULL || !rd_catalogue_load_dir(catalogue, plugins, &error)) {
		g_printerr("%s\n", error->message);
		return 1;
	}
	self.agent = g_build_filename(run_dir, RD_RUNDIR_AGENT, NULL);
	self.addresses = rd_addresses_of(self.setting->inventory, self.agent);
	options.setting = setting = rd_run_setting_for_steps(self.setting, who, local);
	status = rd_runner_main(RD_RUNNER_FD_ENGINE, &options);
	g_ptr_array_unref(self.addresses);
	rd_run_setting_free(self.setting);
	g_free(self.agent);
	return status;
}
