/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "cli/command.h"
#include "engine/open.h"
G_BEGIN_DECLS

/* A run as a reading command sees it: its fold, and whether anybody works on it. */

typedef enum {
	RD_ENGINE_NONE,	  /* nobody */
	RD_ENGINE_ALIVE,  /* the engine lives */
	RD_ENGINE_ENDING, /* it is gone, its runner lives still */
} RdEngineLife;
#define RD_ENGINE_LAST RD_ENGINE_ENDING
const char *rd_engine_life_to_string(RdEngineLife life);

/* @name: the id, a part of it, or NULL for the newest. RD_EXIT_NO_RUN when there is none. */
RdRundir *rd_reading_find(const RdCli *cli, const char *name, GError **error);
/* Of a run that is only read: @name may be the path of a run directory, too, anywhere ("./copy").
 * (transfer full) */
char *rd_reading_find_path(const RdCli *cli, const char *name, GError **error);
RdOpenRun *rd_reading_open(const RdCli *cli, const char *name, GError **error);
/* *holder (out) (nullable) (transfer full): "alice on bastion, engine 4711, since …" */
RdEngineLife rd_reading_engine(RdRundir *dir, char **holder);
/* whether somebody's word lies in the run directory that no engine has heard yet */
gboolean rd_reading_request_waits(RdRundir *dir);
G_END_DECLS
