/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "host/call.h"
#include "procedure/inventory.h"
G_BEGIN_DECLS

/* What a control-plane host and the API said before a run. Everything was looked at and nothing
 * touched; what could not be asked is NULL, FALSE or 0, with a reason beside it, never a guess. */

/* where a restore needs room, or parks what was there */
typedef enum {
	RD_ROOM_DATA,	   /* /var/lib/etcd */
	RD_ROOM_VAR,	   /* /var/lib: our own directory, etcd-backup, containers */
	RD_ROOM_MANIFESTS, /* /etc/kubernetes/manifests, whose sibling takes the manifests */
	RD_ROOM_HOME,	   /* /home, where the documents put the backup */
	RD_ROOMS,
} RdRoomPlace;
extern const char *const rd_room_paths[RD_ROOMS];

typedef struct {
	gint64 bytes, inodes; /* free; -1: not said (inodes: also without a fixed number) */
	char *type;	      /* (owned) (nullable) of the file system */
	char *mount;	      /* (owned) (nullable) where it is mounted */
} RdRoom;

/* of one control-plane host */
typedef struct {
	const RdInventoryHost *host; /* (unowned) */
	const char *excused;	     /* (unowned) (nullable) the reason, if it was stated */
	gboolean asked;		     /* all of the below was answered */
	char *silence;		     /* (owned) (nullable) why not */

	gboolean surveyed;
	RdSurvey survey;
	gint64 before, after; /* our clock around it: microseconds since the epoch */

	gboolean kubelet; /* is active */
	char **manifests; /* names in the kubelet's directory, those with a dot left out */
	char **images;	  /* digests that the four static pods name there, sorted */
	guint revision;	  /* of kube-apiserver's static pod; 0: unknown */
	char **addresses; /* of its interfaces, as numbers */
	char **vips;	  /* that its keepalived is configured with */
	RdRoom rooms[RD_ROOMS];

	char *etcd_env;		 /* (nullable) why etcd.env says nothing; NULL: it does */
	char *image;		 /* (nullable) ETCD_IMAGE */
	gboolean image_here;	 /* and podman has it */
	char *etcd_name;	 /* (nullable) of this host's member */
	char *etcd_address;	 /* (nullable) by NODE_x_IP of its own name */
	char **etcd_names;	 /* of all members that etcd.env knows */
	gboolean restore_pod;	 /* restore-etcd-pod/pod.yaml is there */
	char *script_sha256;	 /* (nullable) of cluster-restore.sh; NULL: none there */
	const char *script;	 /* (nullable) its class (script-class.h); NULL: fits none */
	const char *document;	 /* (nullable) of that class */
	gboolean script_known;	 /* by its hash */
	gboolean quorum_restore; /* quorum-restore.sh is there (4.18 and later) */

	gboolean containers;   /* crictl told which containers run */
	gboolean etcd_runs;    /* a container of it */
	gboolean commits;      /* its own endpoint committed a proposal: there is a quorum */
	char *alarm;	       /* (nullable) that its etcd has raised, such as of no space */
	gboolean learner;      /* by endpoint status */
	guint64 cluster_id;    /* 0: it did not say */
	gboolean data;	       /* /var/lib/etcd/member/snap/db is there */
	guint64 db_size;       /* bytes of it */
	char **data_strangers; /* what else lies in /var/lib/etcd */
	char **leftovers;      /* paths that an earlier restore left */
	/* earlier runs of ours whose index lies here, and which return-to-old-data would take back
	 * from here; and of these those that have a member's data aside here */
	char **old_runs, **old_data;
	gboolean restored;	 /* something lies here that only a restore leaves */
	GPtrArray *certificates; /* RdCertificate: etcd's own and its signers' */
	char *encryption_key;	 /* (nullable) "aescbc/NAME" that new values are written with */
} RdHostFacts;

/* of the Kubernetes API */
typedef struct {
	char *silence;	     /* (owned) (nullable) why nothing could be read; NULL: it was */
	gboolean reads;	     /* a read that needs a quorum was answered */
	gint64 lease_age;    /* seconds since a kubelet last renewed its lease; -1: unknown */
	char *topology;	     /* (nullable) controlPlaneTopology */
	char *cluster_id;    /* (nullable) of the ClusterVersion */
	char *version;	     /* (nullable) */
	guint masters_ready; /* control-plane nodes with a fresh lease */
	char **stale;	     /* (nullable) nodes whose lease is old, while others' are fresh */
	gboolean machines;   /* a Machine belongs to a control-plane node */
} RdApiFacts;

G_END_DECLS
