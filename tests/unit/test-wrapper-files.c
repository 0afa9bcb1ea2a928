/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wrapper-fixture.h"
#include <sys/inotify.h>

/* move, move-aside, put, fetch */

static RdVerdict
move(Host *host, const char *from, const char *to, RdReply *reply)
{
	RdCall call = {.verb = RD_CALL_MOVE, .run = "r1", .number = 1, .from = from, .to = to};

	return host_call(host, &call, reply);
}

static RdVerdict
move_aside(Host *host, const char *from, RdReply *reply)
{
	RdCall call = {.verb = RD_CALL_MOVE_ASIDE, .run = "r1", .number = 1, .from = from};

	return host_call(host, &call, reply);
}

static RdVerdict
aside(Host *host, const char *from, RdReply *reply)
{
	RdCall call = {.verb = RD_CALL_ASIDE, .run = "r1", .number = 1, .from = from};

	return host_call(host, &call, reply);
}

static void
assert_empty_dir_but(const char *dir, const char *only)
{
	g_autoptr(GDir) entries = g_dir_open(dir, 0, NULL);
	const char *name;

	g_assert_nonnull(entries);
	while ((name = g_dir_read_name(entries)) != NULL)
		g_assert_cmpstr(name, ==, only);
}

static void
test_move_renames_files_and_directories(Host *host, gconstpointer shell)
{
	g_autofree char *from = host_path(host, "a/it's here");
	g_autofree char *from_dir = host_path(host, "a");
	g_autofree char *to = host_path(host, "new/parent/b");
	g_autofree char *to_dir = host_path(host, "new/parent");
	g_autofree char *other = host_path(host, "dir");
	g_auto(RdReply) reply = {0};
	guint64 file_inode, dir_inode;

	host_grant(host);
	write_file(from, "content");
	g_assert_cmpint(chmod(from, 0640), ==, 0);
	file_inode = inode(from);
	assert_verdict(move(host, from, to, &reply), RD_VERDICT_DONE);
	g_assert_cmpuint(inode(to), ==, file_inode);
	g_assert_false(exists(from));
	assert_empty_dir_but(from_dir, "");
	dir_inode = inode(to_dir);
	assert_verdict(move(host, to_dir, other, &reply), RD_VERDICT_DONE);
	g_assert_cmpuint(inode(other), ==, dir_inode);
	assert_empty_dir_but(other, "b");
}

static void
test_move_has_guards(Host *host, gconstpointer shell)
{
	g_autofree char *from = host_path(host, "from");
	g_autofree char *to = host_path(host, "to");
	g_autofree char *link = host_path(host, "link");
	g_autofree char *dir = host_path(host, "dir");
	g_autofree char *inside = host_path(host, "dir/x/y");
	g_autofree char *below_file = host_path(host, "from/x");
	g_autofree char *text = NULL;
	g_auto(RdReply) reply = {0};

	host_grant(host);
	assert_verdict(move(host, from, to, &reply), RD_VERDICT_REFUSED);
	assert_has(reply.err, "does not exist");
	write_file(from, "one");
	write_file(to, "two");
	assert_verdict(move(host, from, to, &reply), RD_VERDICT_REFUSED);
	assert_has(reply.err, "exists already");
	g_assert_cmpint(symlink("/nowhere", link), ==, 0);
	assert_verdict(move(host, from, link, &reply), RD_VERDICT_REFUSED);
	assert_has(reply.err, "exists already");
	g_assert_cmpint(g_mkdir(dir, 0700), ==, 0);
	assert_verdict(move(host, from, dir, &reply), RD_VERDICT_REFUSED);
	assert_verdict(move(host, dir, inside, &reply), RD_VERDICT_REFUSED);
	assert_has(reply.err, "inside");
	assert_verdict(move(host, to, below_file, &reply), RD_VERDICT_REFUSED);
	assert_has(reply.err, "not a directory");
	assert_verdict(move(host, "relative", to, &reply), RD_VERDICT_REFUSED);
	assert_empty_dir_but(dir, "");
	text = read_file(to);
	g_assert_cmpstr(text, ==, "two");
	g_assert_true(exists(from));
}

/* a bind mount of the same file system: st_dev is equal and rename(2) fails all the same */
static void
test_move_never_copies(Host *host, gconstpointer shell)
{
	g_autofree char *source = host_path(host, "source");
	g_autofree char *mounted = host_path(host, "mounted");
	g_autofree char *from = host_path(host, "file");
	g_autofree char *to = host_path(host, "mounted/new/file");
	g_autofree char *to_parent = host_path(host, "mounted/new");
	g_autofree char *elsewhere = host_path(host, "elsewhere");
	g_auto(RdReply) reply = {0};

	if (!can_mount())
		return;
	host_grant(host);
	g_assert_cmpint(g_mkdir(source, 0700) | g_mkdir(mounted, 0700), ==, 0);
	g_assert_cmpint(mount(source, mounted, NULL, MS_BIND, NULL), ==, 0);
	write_file(from, "one");
	assert_verdict(move(host, from, to, &reply), RD_VERDICT_REFUSED);
	assert_has(reply.err, "different mounts");
	g_assert_true(exists(from));
	g_assert_false(exists(to_parent));
	assert_verdict(move(host, mounted, elsewhere, &reply), RD_VERDICT_REFUSED);
	assert_has(reply.err, "is a mount point");
	g_assert_cmpint(umount2(mounted, MNT_DETACH), ==, 0);
	assert_empty_dir_but(source, "");
}

static void
test_manifests_move_aside_beside_their_directory(Host *host, gconstpointer shell)
{
	g_autofree char *from = host_path(host, "etc/kubernetes/manifests/etcd-pod.yaml");
	g_autofree char *dir = host_path(host, "etc/kubernetes/manifests");
	g_autofree char *to = host_path(host, "etc/kubernetes/recoveryd/r1/etcd-pod.yaml");
	g_autofree char *readme = host_path(host, "etc/kubernetes/recoveryd/r1/README");
	g_autofree char *index = g_build_filename(host->root, "aside/r1/index", NULL);
	g_autofree char *line = g_strdup_printf("%s\t%s\n", from, to);
	g_autofree char *command = g_strdup_printf("mv -nT '%s' '%s'", to, from);
	g_autofree char *index_text = NULL;
	g_autofree char *readme_text = NULL;
	g_autofree char *out = NULL;
	g_auto(RdReply) reply = {0};
	guint64 before;

	host_grant(host);
	write_file(from, "pod");
	before = inode(from);
	assert_verdict(aside(host, from, &reply), RD_VERDICT_DONE);
	g_assert_cmpint(reply.status, ==, 1);
	assert_verdict(move_aside(host, from, &reply), RD_VERDICT_DONE);
	g_assert_cmpuint(inode(to), ==, before);
	assert_empty_dir_but(dir, "");
	index_text = read_file(index);
	g_assert_cmpstr(index_text, ==, line);
	readme_text = read_file(readme);
	assert_has(readme_text, command);
	assert_verdict(aside(host, from, &reply), RD_VERDICT_DONE);
	g_assert_cmpint(reply.status, ==, 0);
	out = reply_text(&reply);
	g_assert_cmpstr(out, ==, to);

	/* never over what was moved aside before */
	write_file(from, "second");
	assert_verdict(move_aside(host, from, &reply), RD_VERDICT_REFUSED);
	assert_has(reply.err, "exists already");
	g_assert_true(exists(from));

	/* back again it is not aside any more */
	g_unlink(from);
	assert_verdict(move(host, to, from, &reply), RD_VERDICT_DONE);
	assert_verdict(aside(host, from, &reply), RD_VERDICT_DONE);
	g_assert_cmpint(reply.status, ==, 1);
	assert_verdict(move_aside(host, from, &reply), RD_VERDICT_DONE);
}

static void
test_other_things_move_aside_by_mount(Host *host, gconstpointer shell)
{
	g_autofree char *source = host_path(host, "source");
	g_autofree char *mounted = host_path(host, "etcd");
	g_autofree char *near = host_path(host, "lib/data/member");
	g_autofree char *far = host_path(host, "etcd/member");
	g_autofree char *far_to = host_path(host, "etcd/recoveryd-r1-member");
	g_autofree char *flat = g_strdelimit(g_strdup(near), "/", '_');
	g_autofree char *near_to = g_build_filename(host->root, "aside/r1", flat, NULL);
	g_autofree char *readme = g_build_filename(host->root, "aside/r1/README", NULL);
	g_autofree char *readme_text = NULL;
	g_autofree char *out = NULL;
	g_auto(RdReply) reply = {0};

	host_grant(host);
	write_file(near, "db");
	assert_verdict(move_aside(host, near, &reply), RD_VERDICT_DONE);
	g_assert_true(exists(near_to));
	if (!can_mount())
		return;
	g_assert_cmpint(g_mkdir(source, 0700) | g_mkdir(mounted, 0700), ==, 0);
	g_assert_cmpint(mount(source, mounted, NULL, MS_BIND, NULL), ==, 0);
	g_assert_cmpint(g_mkdir(far, 0700), ==, 0);
	assert_verdict(move_aside(host, mounted, &reply), RD_VERDICT_REFUSED);
	assert_has(reply.err, "mount point");
	assert_verdict(move_aside(host, far, &reply), RD_VERDICT_DONE);
	g_assert_true(exists(far_to));
	out = reply_text(&reply);
	g_assert_cmpstr(out, ==, far_to);
	readme_text = read_file(readme);
	assert_has(readme_text, near_to);
	assert_has(readme_text, far_to);
	g_assert_cmpint(umount2(mounted, MNT_DETACH), ==, 0);
}

static RdVerdict
put(Host *host, const char *to, const char *data, gsize size, const char *sha256, RdReply *reply)
{
	g_autoptr(GBytes) input = g_bytes_new_static(data, strlen(data));
	g_autofree char *right =
	    g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)data, strlen(data));
	RdCall call = {.verb = RD_CALL_PUT,
		       .run = "r1",
		       .number = 1,
		       .to = to,
		       .mode = 0640,
		       .size = size != 0 ? (gint64)size : (gint64)strlen(data),
		       .sha256 = sha256 != NULL ? sha256 : right,
		       .input = input};

	return host_call(host, &call, reply);
}

static void
test_put_is_checked_and_whole(Host *host, gconstpointer shell)
{
	g_autofree char *to = host_path(host, "new/dir/file");
	g_autofree char *dir = host_path(host, "new/dir");
	g_autofree char *work = g_build_filename(host->root, "work/r1", NULL);
	g_autofree char *text = NULL;
	g_auto(RdReply) reply = {0};
	struct stat st;
	guint64 first;

	host_grant(host);
	assert_verdict(put(host, to, "content", 0, NULL, &reply), RD_VERDICT_DONE);
	text = read_file(to);
	g_assert_cmpstr(text, ==, "content");
	g_assert_cmpint(stat(to, &st), ==, 0);
	g_assert_cmpint(st.st_mode & 07777, ==, 0640);
	g_assert_true(exists(work));
	/* there already: not written again */
	first = inode(to);
	assert_verdict(put(host, to, "content", 0, NULL, &reply), RD_VERDICT_DONE);
	g_assert_cmpuint(inode(to), ==, first);
	/* wrong, short, a directory */
	assert_verdict(put(host, to, "other", 0,
			   "0000000000000000000000000000000000000000000000000000000000000000",
			   &reply),
		       RD_VERDICT_REFUSED);
	assert_has(reply.err, "SHA-256");
	assert_verdict(put(host, to, "other", 1000, NULL, &reply), RD_VERDICT_REFUSED);
	assert_has(reply.err, "5 of 1000 bytes");
	assert_verdict(put(host, dir, "other", 0, NULL, &reply), RD_VERDICT_REFUSED);
	g_assert_cmpuint(inode(to), ==, first);
	assert_empty_dir_but(dir, "file");
	/* with another mode it is written again */
	g_assert_cmpint(chmod(to, 0600), ==, 0);
	assert_verdict(put(host, to, "content", 0, NULL, &reply), RD_VERDICT_DONE);
	g_assert_cmpuint(inode(to), !=, first);
}

/* INV-10: the kubelet runs whatever does not begin with a dot, also half of a file */
static void
test_put_appears_by_a_rename(Host *host, gconstpointer shell)
{
	g_autofree char *dir = host_path(host, "manifests");
	g_autofree char *to = host_path(host, "manifests/etcd-pod.yaml");
	g_autofree struct inotify_event *events = g_malloc(4096);
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	g_auto(RdReply) reply = {0};
	guint renames = 0;
	ssize_t size, at = 0;

	host_grant(host);
	g_assert_cmpint(g_mkdir(dir, 0700), ==, 0);
	g_assert_cmpint(inotify_add_watch(fd, dir, IN_CREATE | IN_MODIFY | IN_MOVED_TO), >=, 0);
	assert_verdict(put(host, to, "content", 0, NULL, &reply), RD_VERDICT_DONE);
	size = read(fd, events, 4096);
	g_assert_cmpint(size, >, 0);
	while (at < size) {
		const struct inotify_event *event = (gpointer)((char *)events + at);

		at += sizeof *event + event->len;
		if ((event->mask & IN_MOVED_TO) == 0) {
			g_assert_cmpint(event->name[0], ==, '.');
			continue;
		}
		g_assert_cmpstr(event->name, ==, "etcd-pod.yaml");
		renames++;
	}
	g_assert_cmpuint(renames, ==, 1);
	close(fd);
}

static void
test_put_on_a_full_disk(Host *host, gconstpointer shell)
{
	g_autofree char *dir = host_path(host, "small");
	g_autofree char *to = host_path(host, "small/file");
	g_autofree char *data = g_strnfill(200000, 'x');
	g_auto(RdReply) reply = {0};

	if (!can_mount())
		return;
	host_grant(host);
	g_assert_cmpint(g_mkdir(dir, 0700), ==, 0);
	g_assert_cmpint(mount("t", dir, "tmpfs", 0, "size=64k"), ==, 0);
	assert_verdict(put(host, to, data, 0, NULL, &reply), RD_VERDICT_REFUSED);
	assert_has(reply.err, "No space left");
	assert_empty_dir_but(dir, "");
	g_assert_cmpint(umount2(dir, MNT_DETACH), ==, 0);
}

static void
test_fetch_from_an_offset(Host *host, gconstpointer shell)
{
	g_autofree char *from = host_path(host, "file");
	g_autofree char *sum =
	    g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)"0123456789", 10);
	g_autofree char *whole = g_strdup_printf("10 %s", sum);
	g_auto(RdReply) reply = {0};
	g_autofree char *all = NULL;
	g_autofree char *rest = NULL;
	g_autofree char *part = NULL;
	RdCall call = {.verb = RD_CALL_FETCH, .from = from};

	assert_verdict(host_call(host, &call, &reply), RD_VERDICT_REFUSED);
	write_file(from, "0123456789");
	assert_verdict(host_call(host, &call, &reply), RD_VERDICT_DONE);
	g_assert_cmpstr(reply.err, ==, whole);
	all = reply_text(&reply);
	g_assert_cmpstr(all, ==, "0123456789");
	call.offset = 7;
	assert_verdict(host_call(host, &call, &reply), RD_VERDICT_DONE);
	rest = reply_text(&reply);
	g_assert_cmpstr(rest, ==, "789");
	g_assert_cmpstr(reply.err, ==, whole);
	call.size = 2;
	assert_verdict(host_call(host, &call, &reply), RD_VERDICT_DONE);
	part = reply_text(&reply);
	g_assert_cmpstr(part, ==, "78");
	g_assert_cmpstr(reply.err, ==, "10 -");
	call.offset = 10;
	assert_verdict(host_call(host, &call, &reply), RD_VERDICT_DONE);
	g_assert_cmpuint(g_bytes_get_size(reply.out), ==, 0);
	call.from = host->dir;
	assert_verdict(host_call(host, &call, &reply), RD_VERDICT_REFUSED);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	add_test("move/rename", test_move_renames_files_and_directories);
	add_test("move/guards", test_move_has_guards);
	add_test("move/mounts", test_move_never_copies);
	add_test("aside/manifests", test_manifests_move_aside_beside_their_directory);
	add_test("aside/mounts", test_other_things_move_aside_by_mount);
	add_test("put/whole", test_put_is_checked_and_whole);
	add_test("put/rename", test_put_appears_by_a_rename);
	add_test("put/disk-full", test_put_on_a_full_disk);
	add_test("fetch/offset", test_fetch_from_an_offset);
	return g_test_run();
}
