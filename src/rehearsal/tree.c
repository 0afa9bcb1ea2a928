/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearsal/tree.h"
#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <string.h>

typedef struct {
	char *path; /* "" for the root file system, else "/var" */
	gboolean full;
	char *type; /* NULL: "xfs" */
} Mount;

struct _RdSimTree {
	RdSimNode *root;
	GArray *mounts; /* (element-type Mount) the root's first */
	guint64 inodes;
	const RdTimeline *clock;
	RdSimTreeWatch watch;
	gpointer watch_data;
};

static RdSimNode *
node_new(RdSimTree *self, const char *name, gsize name_size, GBytes *content, guint mode)
{
	RdSimNode *node = g_new0(RdSimNode, 1);

	node->name = g_strndup(name, name_size);
	if (content != NULL)
		node->content = g_bytes_ref(content);
	else
		node->children = g_ptr_array_new();
	node->inode = ++self->inodes;
	node->mode = mode;
	node->mtime = self->clock != NULL ? rd_timeline_now(self->clock) : 0;
	return node;
}

static void
node_free(RdSimNode *node)
{
	for (guint i = 0; node->children != NULL && i < node->children->len; i++)
		node_free(g_ptr_array_index(node->children, i));
	g_clear_pointer(&node->children, g_ptr_array_unref);
	g_clear_pointer(&node->content, g_bytes_unref);
	g_free(node->sha256);
	g_free(node->name);
	g_free(node);
}

static void
mount_clear(gpointer data)
{
	g_free(((Mount *)data)->path);
	g_free(((Mount *)data)->type);
}

RdSimTree *
rd_sim_tree_new(const RdTimeline *clock)
{
	RdSimTree *self = g_new0(RdSimTree, 1);
	Mount root = {g_strdup(""), FALSE};

	self->clock = clock;
	self->mounts = g_array_new(FALSE, TRUE, sizeof(Mount));
	g_array_set_clear_func(self->mounts, mount_clear);
	g_array_append_val(self->mounts, root);
	self->root = node_new(self, "", 0, NULL, 0755);
	return self;
}

void
rd_sim_tree_free(RdSimTree *self)
{
	if (self == NULL)
		return;
	node_free(self->root);
	g_array_unref(self->mounts);
	g_free(self);
}

void
rd_sim_tree_watch(RdSimTree *self, RdSimTreeWatch watch, gpointer data)
{
	self->watch = watch;
	self->watch_data = data;
}

static void
tell(RdSimTree *self, const char *path, gboolean appeared, RdSimNode *node)
{
	if (self->watch != NULL)
		self->watch(path, appeared, node, self->watch_data);
}

static Mount *
mount_find(RdSimTree *self, const char *path)
{
	Mount *best = &g_array_index(self->mounts, Mount, 0);

	for (guint i = 1; i < self->mounts->len; i++) {
		Mount *mount = &g_array_index(self->mounts, Mount, i);
		gsize size = strlen(mount->path);

		if (strncmp(path, mount->path, size) == 0 &&
		    (path[size] == '/' || path[size] == '\0') && size > strlen(best->path))
			best = mount;
	}
	return best;
}

void
rd_sim_tree_mount(RdSimTree *self, const char *path)
{
	Mount mount = {g_strdup(path), FALSE};

	rd_sim_tree_mkdirs(self, path);
	g_array_append_val(self->mounts, mount);
}

void
rd_sim_tree_fill(RdSimTree *self, const char *path, gboolean full)
{
	mount_find(self, path)->full = full;
}

void
rd_sim_tree_set_type(RdSimTree *self, const char *path, const char *type)
{
	Mount *mount = mount_find(self, path);

	g_free(mount->type);
	mount->type = g_strdup(type);
}

const char *
rd_sim_tree_type_of(RdSimTree *self, const char *path)
{
	const Mount *mount = mount_find(self, path);

	return mount->type != NULL ? mount->type : "xfs";
}

gboolean
rd_sim_tree_is_full(RdSimTree *self, const char *path)
{
	return mount_find(self, path)->full;
}

const char *
rd_sim_tree_mount_of(RdSimTree *self, const char *path)
{
	const char *found = mount_find(self, path)->path;

	return found[0] == '\0' ? "/" : found;
}

/* where @name is among the children, or where it would have to go */
static gboolean
child_position(const RdSimNode *dir, const char *name, gsize size, guint *position)
{
	guint low = 0, high = dir->children->len;

	while (low < high) {
		guint middle = (low + high) / 2;
		const RdSimNode *child = g_ptr_array_index(dir->children, middle);
		int order = strncmp(child->name, name, size);

		if (order == 0)
			order = child->name[size] != '\0';
		if (order == 0) {
			*position = middle;
			return TRUE;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*position = low;
	return FALSE;
}

static void
attach(RdSimNode *dir, RdSimNode *node)
{
	guint position;

	child_position(dir, node->name, strlen(node->name), &position);
	g_ptr_array_insert(dir->children, (int)position, node);
	node->parent = dir;
}

static void
detach(RdSimNode *node)
{
	guint position;

	if (child_position(node->parent, node->name, strlen(node->name), &position))
		g_ptr_array_remove_index(node->parent->children, position);
	node->parent = NULL;
}

/* walks as far as the tree goes; *rest is what is left of @path, "" when all was found */
static RdSimNode *
walk(RdSimTree *self, const char *path, const char **rest)
{
	RdSimNode *node = self->root;

	while (*path == '/')
		path++;
	while (*path != '\0') {
		gsize size = strcspn(path, "/");
		guint position;

		if (node->children == NULL || !child_position(node, path, size, &position))
			break;
		node = g_ptr_array_index(node->children, position);
		path += size;
		while (*path == '/')
			path++;
	}
	*rest = path;
	return node;
}

RdSimNode *
rd_sim_tree_find(RdSimTree *self, const char *path)
{
	const char *rest;
	RdSimNode *node = walk(self, path, &rest);

	return *rest == '\0' ? node : NULL;
}

int
rd_sim_tree_mkdirs(RdSimTree *self, const char *path)
{
	const char *rest;
	RdSimNode *node = walk(self, path, &rest);

	if (node->children == NULL)
		return ENOTDIR;
	if (*rest != '\0' && mount_find(self, path)->full)
		return ENOSPC;
	while (*rest != '\0') {
		gsize size = strcspn(rest, "/");
		RdSimNode *child = node_new(self, rest, size, NULL, 0755);

		attach(node, child);
		node = child;
		rest += size;
		while (*rest == '/')
			rest++;
	}
	return 0;
}

int
rd_sim_tree_write(RdSimTree *self, const char *path, GBytes *content, guint mode)
{
	const char *rest;
	RdSimNode *node = walk(self, path, &rest), *dir = node;
	gboolean replaces = *rest == '\0';

	if (replaces && node->children != NULL)
		return EISDIR;
	if (!replaces && strchr(rest, '/') != NULL)
		return ENOENT;
	if (!replaces && dir->children == NULL)
		return ENOTDIR;
	if (mount_find(self, path)->full)
		return ENOSPC;
	if (replaces) {
		dir = node->parent;
		detach(node);
		node_free(node);
	}
	rest = strrchr(path, '/') + 1;
	node = node_new(self, rest, strlen(rest), content, mode);
	attach(dir, node);
	tell(self, path, TRUE, node);
	return 0;
}

int
rd_sim_tree_write_text(RdSimTree *self, const char *path, const char *text, guint mode)
{
	g_autoptr(GBytes) content = g_bytes_new(text, strlen(text));

	return rd_sim_tree_write(self, path, content, mode);
}

int
rd_sim_tree_rename(RdSimTree *self, const char *from, const char *to)
{
	RdSimNode *node = rd_sim_tree_find(self, from);
	const char *rest;
	RdSimNode *dir;

	if (node == NULL || node == self->root)
		return ENOENT;
	dir = walk(self, to, &rest);
	if (*rest == '\0')
		return EEXIST;
	if (strchr(rest, '/') != NULL)
		return ENOENT;
	if (dir->children == NULL)
		return ENOTDIR;
	if (mount_find(self, from) != mount_find(self, to))
		return EXDEV;
	for (RdSimNode *above = dir; above != NULL; above = above->parent)
		if (above == node)
			return EINVAL;
	detach(node);
	tell(self, from, FALSE, node);
	g_free(node->name);
	node->name = g_strdup(rest);
	attach(dir, node);
	tell(self, to, TRUE, node);
	return 0;
}

int
rd_sim_tree_remove(RdSimTree *self, const char *path)
{
	RdSimNode *node = rd_sim_tree_find(self, path);

	if (node == NULL)
		return ENOENT;
	if (node->children != NULL && node->children->len > 0)
		return ENOTEMPTY;
	return rd_sim_tree_remove_all(self, path);
}

int
rd_sim_tree_remove_all(RdSimTree *self, const char *path)
{
	RdSimNode *node = rd_sim_tree_find(self, path);

	if (node == NULL)
		return ENOENT;
	if (node == self->root)
		return EBUSY;
	detach(node);
	tell(self, path, FALSE, node);
	node_free(node);
	return 0;
}

void
rd_sim_sha256_digest(gconstpointer data, gsize size, guint8 digest[32])
{
	if (gnutls_hash_fast(GNUTLS_DIG_SHA256, data, size, digest) != GNUTLS_E_SUCCESS)
		g_error("SHA-256 failed");
}

char *
rd_sim_sha256(gconstpointer data, gsize size)
{
	static const char digits[] = "0123456789abcdef";
	guint8 digest[32];
	char *hex = g_malloc(2 * sizeof digest + 1);

	rd_sim_sha256_digest(data, size, digest);
	for (guint i = 0; i < sizeof digest; i++) {
		hex[2 * i] = digits[digest[i] >> 4];
		hex[2 * i + 1] = digits[digest[i] & 15];
	}
	hex[2 * sizeof digest] = '\0';
	return hex;
}

const char *
rd_sim_node_sha256(RdSimNode *node)
{
	gsize size;
	gconstpointer data;

	if (node->sha256 == NULL) {
		data = g_bytes_get_data(node->content, &size);
		node->sha256 = rd_sim_sha256(data, size);
	}
	return node->sha256;
}

char *
rd_sim_node_text(const RdSimNode *node)
{
	gsize size;
	const char *data = g_bytes_get_data(node->content, &size);

	return g_strndup(data != NULL ? data : "", size);
}

static gboolean
has_inode(const RdSimNode *node, guint64 inode)
{
	if (node->inode == inode)
		return TRUE;
	for (guint i = 0; node->children != NULL && i < node->children->len; i++)
		if (has_inode(g_ptr_array_index(node->children, i), inode))
			return TRUE;
	return FALSE;
}

gboolean
rd_sim_tree_has_inode(RdSimTree *self, guint64 inode)
{
	return has_inode(self->root, inode);
}
