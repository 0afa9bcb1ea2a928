/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "engine/setting.h"
G_BEGIN_DECLS

/* A new cluster.yaml for a run that is under way. Who types it leaves it in the run directory, read
 * and made absolute where it lies; the engine checks it against the run and makes it the run's. */

/* @path: the file that @inventory was read from; both are known by their digest from then on */
gboolean rd_amend_offer(RdRundir *dir, const RdInventory *inventory, const char *path,
			GError **error);
/* The engine: refuses what changes more than how hosts are reached. TRUE: setting.json and
 * cluster.yaml are the new ones, on disk, and @setting has it. Doing it twice changes nothing. */
gboolean rd_amend_take(RdRundir *dir, RdRunSetting *setting, const char *digest, GError **error);
G_END_DECLS
