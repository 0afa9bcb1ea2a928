/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "journal/rundir.h"
#include "procedure/inventory.h"
#include "runner/step.h"
G_BEGIN_DECLS

/* setting.json of a run directory: what was fixed at start and every process of the run needs –
 * ids, inputs, and the inventory with absolute paths. No secrets: keys stay in their files. */
typedef struct {
	char *run_id, *uuid;
	char *who;		/* "alice@bastion", who started it */
	char *notify;		/* (nullable) command of --notify */
	char *tapes;		/* (nullable) directory for recordings, absolute */
	GHashTable *inputs;	/* (element-type utf8 utf8) */
	RdInventory *inventory; /* (owned) */
} RdRunSetting;

RdRunSetting *rd_run_setting_new(void);
void rd_run_setting_free(RdRunSetting *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdRunSetting, rd_run_setting_free)

gboolean rd_run_setting_save(const RdRunSetting *self, RdRundir *dir, GError **error);
RdRunSetting *rd_run_setting_load(const char *path, GError **error);
/* the text of the file, and back; @where names it in messages (transfer full) */
char *rd_run_setting_to_text(const RdRunSetting *self);
RdRunSetting *rd_run_setting_parse(const char *where, const char *text, GError **error);
/* the part that step bodies see; @who is this engine's, with its nonce */
RdSetting *rd_run_setting_for_steps(const RdRunSetting *self, const char *who,
				    const char *local_dir);
G_END_DECLS
