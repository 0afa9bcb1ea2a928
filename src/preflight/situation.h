/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "preflight/checks.h"
G_BEGIN_DECLS

/* The facts as far as the choice of a procedure depends on them. */

/* how etcd is looked after, by probe and never by a version string (INV-42) */
typedef enum {
	RD_FAMILY_UNKNOWN,    /* nobody could be asked, or no script and nothing else that tells */
	RD_FAMILY_OLD,	      /* 4.1 to 4.3: without operator */
	RD_FAMILY_4_7,	      /* cluster-restore.sh of 4.7 to 4.10 */
	RD_FAMILY_4_11,	      /* of 4.11 to 4.17 */
	RD_FAMILY_4_18,	      /* of 4.18 and later */
	RD_FAMILY_STRANGE,    /* a script that fits no release */
	RD_FAMILY_SCRIPTLESS, /* etcd.env and restore pod, no script */
	RD_FAMILY_FENCING,    /* two nodes, Pacemaker */
	RD_FAMILY_EXTERNAL,   /* the control plane is hosted elsewhere */
} RdFamily;
#define RD_FAMILY_LAST RD_FAMILY_EXTERNAL
const char *rd_family_to_string(RdFamily family);

typedef enum {
	RD_BACKUP_NONE, /* none was named */
	RD_BACKUP_UNSOUND,
	RD_BACKUP_FOREIGN,	 /* of another cluster */
	RD_BACKUP_OTHER_RELEASE, /* its static pods are of another release */
	RD_BACKUP_ALONE,	 /* a snapshot without the static resources of it */
	RD_BACKUP_NOWHERE,	 /* a person says that there is none */
	RD_BACKUP_SOUND,
} RdBackupState;
#define RD_BACKUP_STATE_LAST RD_BACKUP_SOUND
const char *rd_backup_state_to_string(RdBackupState state);

typedef struct {
	guint masters;	   /* control-plane hosts of the inventory */
	guint answer;	   /* of them answered */
	guint blind;	   /* of these did not tell which containers run */
	guint stated_off;  /* silent, and stated to be */
	guint commit;	   /* members that commit: one is enough for a quorum */
	guint data;	   /* hosts whose member's database is there */
	gboolean recovery; /* the recovery host is chosen and answered */
	gboolean reads;	   /* the API answers a read that needs a quorum */
	gboolean writes;   /* and somebody renews a lease */
	guint stale;	   /* nodes whose lease is old, while others' are not */
	RdFamily family;
	gboolean quorum_script; /* quorum-restore.sh is there */
	gboolean named; /* every host that answered knows its member (etcd.env, restore pod) */
	RdBackupState backup;
	gboolean key_rotated; /* the backup is encrypted with another key than today's */
	gboolean parked;      /* old data that a run of ours moved aside can come back */
	gboolean restored;    /* something is there that only a restore leaves */
	gboolean go_back;     /* what the person wants, though the cluster works */
} RdSituation;

/* @findings: of the checks, which judged the backup already */
void rd_situation_read(RdSituation *self, const RdClusterFacts *facts, GPtrArray *findings);
/* there is a quorum: a member commits, or the API answers what only a majority can */
gboolean rd_situation_has_quorum(const RdSituation *self);
G_END_DECLS
