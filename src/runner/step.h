/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "host/call.h"
#include "machine/order.h"
#include "machine/plan.h"
#include "runner/catalogue.h"
G_BEGIN_DECLS

/* The step API of include/recovery/plugin.h, carried out: one order, in the process (worker) or
 * fiber (simulator) that calls. Everything a body asks for passes here, so that the fence, the
 * write-ahead notes, deadlines, cancellation and quoting are the same for every plugin. */

typedef struct {
	char *name, *role, *address; /* (owned) */
} RdSettingHost;

/* Recordings, for who writes a plugin (docs/plugins.md): beneath @dir each order's conversation in
 * the form of tests/unit/plugin-tape.h, RUN/PLUGIN-TYPE.STATE.HOST.VISIT.ATTEMPT.tape, 0600 in
 * 0700. What the journal redacts is redacted there, too. What cannot be written is not, with a
 * warning; the order goes on. */
typedef struct _RdTapes RdTapes;
RdTapes *rd_tapes_new(const char *dir);
void rd_tapes_free(RdTapes *self);

/* what all orders of a run share; not changed by them */
typedef struct {
	char *run_id, *run_uuid;
	char *who;	  /* "alice@bastion" */
	char *local_dir;  /* on the bastion, for fetched files */
	GPtrArray *hosts; /* (element-type RdSettingHost) */
	RdTapes *tapes;	  /* (owned) (nullable) */
} RdSetting;
RdSetting *rd_setting_new(const char *run_id, const char *run_uuid, const char *who,
			  const char *local_dir);
void rd_setting_add_host(RdSetting *setting, const char *name, const char *role,
			 const char *address);
void rd_setting_free(RdSetting *setting);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdSetting, rd_setting_free)

/* Passes a report on. For NOTE, OUTPUT and TOUCH it returns only after the engine has it on disk;
 * FALSE when the engine is gone or the order was cancelled, and the body ends. */
typedef gboolean (*RdTell)(const RdReport *report, gpointer data);

/* Does all of @order and tells the result last, exactly once. Blocks. */
void rd_order_carry_out(const RdOrder *order, RdCatalogue *catalogue, RdWorld *world,
			const RdSetting *setting, RdTell tell, gpointer data);
G_END_DECLS
