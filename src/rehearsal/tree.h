/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "rehearsal/timeline.h"
G_BEGIN_DECLS

/* The files of one simulated host: directories and regular files with mode and inode, on mounts
 * that rename(2) cannot cross. Calls answer as the kernel does: 0 or an errno value. Paths are
 * absolute and plain (no "..", no double slash). */
typedef struct _RdSimTree RdSimTree;
typedef struct _RdSimNode RdSimNode;

/* something appeared at or vanished from @path, by whoever's hand: what inotify would say */
typedef void (*RdSimTreeWatch)(const char *path, gboolean appeared, RdSimNode *node, gpointer data);

struct _RdSimNode {
	char *name;	     /* (owned) "" for the root */
	RdSimNode *parent;   /* (unowned) */
	GPtrArray *children; /* (owned) in order of name; NULL for a file */
	GBytes *content;     /* (owned) NULL for a directory */
	char *sha256;	     /* (owned) (nullable) of the content, made when first asked for */
	guint64 inode;	     /* survives a rename */
	guint mode;
	gint64 mtime; /* microseconds; a rename leaves it */
};

/* a root directory on one mount. @clock: (nullable) (unowned) what stamps files */
RdSimTree *rd_sim_tree_new(const RdTimeline *clock);
void rd_sim_tree_free(RdSimTree *self);
void rd_sim_tree_watch(RdSimTree *self, RdSimTreeWatch watch, gpointer data);
/* makes the directory and puts a file system of its own there */
void rd_sim_tree_mount(RdSimTree *self, const char *path);
/* no more space on the mount that holds @path: what needs a new block gets ENOSPC */
void rd_sim_tree_fill(RdSimTree *self, const char *path, gboolean full);
gboolean rd_sim_tree_is_full(RdSimTree *self, const char *path);
/* the mount that holds @path is of another type than "xfs" */
void rd_sim_tree_set_type(RdSimTree *self, const char *path, const char *type);
const char *rd_sim_tree_type_of(RdSimTree *self, const char *path); /* (unowned) */
/* mount point of the file system that holds @path, existing or not (unowned) */
const char *rd_sim_tree_mount_of(RdSimTree *self, const char *path);

RdSimNode *rd_sim_tree_find(RdSimTree *self, const char *path); /* (nullable) (unowned) */
/* directory and missing parents; 0 when it exists already */
int rd_sim_tree_mkdirs(RdSimTree *self, const char *path);
/* makes or replaces a file in one step, as write-beside-and-rename does; parents must exist */
int rd_sim_tree_write(RdSimTree *self, const char *path, GBytes *content, guint mode);
int rd_sim_tree_write_text(RdSimTree *self, const char *path, const char *text, guint mode);
/* never replaces: EEXIST; another mount: EXDEV */
int rd_sim_tree_rename(RdSimTree *self, const char *from, const char *to);
/* a file, or an empty directory */
int rd_sim_tree_remove(RdSimTree *self, const char *path);
/* with everything below */
int rd_sim_tree_remove_all(RdSimTree *self, const char *path);

const char *rd_sim_node_sha256(RdSimNode *node);
/* in hexadecimal. (transfer full) */
char *rd_sim_sha256(gconstpointer data, gsize size);
void rd_sim_sha256_digest(gconstpointer data, gsize size, guint8 digest[32]);
/* NUL-terminated copy of a file's content. (transfer full) */
char *rd_sim_node_text(const RdSimNode *node);
/* does a node with this inode exist anywhere */
gboolean rd_sim_tree_has_inode(RdSimTree *self, guint64 inode);
G_END_DECLS
