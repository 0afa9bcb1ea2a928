/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "journal/rundir.h"
#include "procedure/inventory.h"
#include "procedure/procedure.h"
G_BEGIN_DECLS

/* The beginning of a run: everything is read, checked and proven first, then the run directory is
 * made with copies of it all, and the journal's first events. No host is spoken to but by `may`;
 * nothing is left behind when it is refused. */

/* what was read and found right, before anything is written */
typedef struct {
	const RdInventory *inventory;
	const RdProcedure *procedure;
	GHashTable *inputs;   /* (element-type utf8 utf8) as the run gets them */
	const char *snapshot; /* (nullable) path of the proven backup's */
} RdBeginRead;
/* May a run start? FALSE with error: no. @remarks (element-type utf8) go into the journal. */
typedef gboolean (*RdBeginMay)(const RdBeginRead *read, GPtrArray *remarks, gpointer data,
			       GError **error);

typedef struct {
	const char *base;      /* of run directories */
	const char *procedure; /* name or path */
	const char *const *procedure_dirs;
	const char *plugin_dir;
	const char *inventory;	     /* path */
	const char *recovery_host;   /* (nullable) instead of what the inventory says */
	GHashTable *inputs;	     /* (element-type utf8 utf8) as given on the command line */
	GHashTable *excused;	     /* (element-type utf8 utf8) host -> reason: powered off */
	const char *const *approved; /* (nullable) gates that are approved beforehand (policy.h) */
	const char *policy;	     /* (nullable) path of a file of more of them */
	gboolean accept_no_hash;     /* a snapshot without its SHA-256 trailer */
	const char *notify;	     /* (nullable) */
	const char *who;
	gboolean shared;
	const char *uuid;	 /* (nullable) instead of a new one: of a run that is only walked */
	const char *plan_digest; /* (nullable) of the saved plan that it carries out */
	const char *const *owners; /* (nullable) users whose word counts at a gate, too */
	RdBeginMay may;		   /* (nullable) asked last */
	gpointer may_data;
} RdBeginOptions;

/* Errors keep their domain: RD_PROCEDURE_ERROR and G_IO_ERROR_INVALID_ARGUMENT for what the person
 * wrote, RD_BACKUP_ERROR for a backup that is not proven, others for this machine. *warnings
 * (element-type utf8) (out) (transfer full) */
RdRundir *rd_begin(const RdBeginOptions *options, GPtrArray **warnings, GError **error);

/* What plugins of a directory offer, read by a process of its own: no vendor code runs in this one.
 * The JSON of rd_catalogue_describe(), as text (transfer full) */
char *rd_describe_plugins(const char *plugin_dir, GError **error);

/* copies all of them into a run's directory */
gboolean rd_copy_plugins(const char *plugin_dir, RdRundir *dir, GError **error);

/* what somebody has to know before an engine is started */
typedef void (*RdSpawnWarn)(const char *text, gpointer data);

/* Starts an engine for @dir unless one is alive. It outlives this process and its terminal; @warn
 * (nullable) is told before when it may not outlive this login, *how says in words how it was
 * started, and what that does not survive (out) (transfer full). */
gboolean rd_ensure_engine(RdRundir *dir, RdSpawnWarn warn, gpointer data, char **how,
			  GError **error);
/* The run has ended: the unit that would start it again after a reboot is taken away, if there is
 * one. */
void rd_spawn_forget(RdRundir *dir);
/* whether an engine holds the run's lock */
gboolean rd_engine_alive(RdRundir *dir);
G_END_DECLS
