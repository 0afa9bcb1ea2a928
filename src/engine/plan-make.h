/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "engine/begin.h"
#include "engine/forecast.h"
#include "engine/open.h"
#include "engine/setting.h"
G_BEGIN_DECLS

/* A plan of a run that was never begun: the run directory is made as `start` makes it, in a
 * temporary place, walked with real hosts (forecast.h), and taken away again. */

/* What a plan has in the place of the run's own directory, id and uuid, in every text. The uuid is
 * the same in each plan, so that what is made of it (the ids of etcd's members) does not differ
 * either. */
#define RD_PLAN_RUN_DIR "${run.dir}"
#define RD_PLAN_RUN_ID	"${run}"
#define RD_PLAN_UUID	"${run.uuid}"

typedef struct {
	char *run_dir; /* gone by now, but it stands in texts */
	RdRunSetting *setting;
	RdOpenRun *open; /* its directory is gone; plan and fold are here */
	RdForecast *forecast;
	char *procedure, *procedure_sha256; /* absolute path */
	char *inventory, *inventory_sha256;
} RdPlanned;

/* options->base does not matter. Errors are those of rd_begin() and rd_forecast_make(). */
RdPlanned *rd_plan_make(const RdBeginOptions *options, GPtrArray **warnings, GError **error);
void rd_planned_free(RdPlanned *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdPlanned, rd_planned_free)

/* @text with what is this walk's own replaced by the names above. (transfer full) */
char *rd_planned_text(const RdPlanned *self, const char *text);
G_END_DECLS
