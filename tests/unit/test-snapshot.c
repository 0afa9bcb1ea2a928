/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backup/bbolt.h"
#include "backup/pair.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* A snapshot that a real etcd made, when there is one on this machine; and files made here by
 * hand, for what no etcd would write. */

#define ETCD_DEADLINE_S 60
#define HASH_SIZE	32

static char *scratch;	     /* directory of this run */
static char *real_snapshot;  /* NULL: no etcd here */
static char *real_member_db; /* the same etcd's own file */

static char *
in_scratch(const char *name)
{
	return g_build_filename(scratch, name, NULL);
}

static void
write_file(const char *path, const void *data, gsize size)
{
	g_autoptr(GError) error = NULL;

	g_file_set_contents(path, data, size, &error);
	g_assert_no_error(error);
}

static GByteArray *
read_file(const char *path)
{
	g_autoptr(GError) error = NULL;
	char *data = NULL;
	gsize size = 0;

	g_file_get_contents(path, &data, &size, &error);
	g_assert_no_error(error);
	return g_byte_array_new_take((guint8 *)data, size);
}

/* ---- a real one ---------------------------------------------------------------------------- */

static void
die_with_parent(gpointer data)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static gboolean
etcdctl(const char *endpoint, const char *const *arguments)
{
	g_autoptr(GPtrArray) argv = g_ptr_array_new();
	g_autofree char *option = g_strconcat("--endpoints=", endpoint, NULL);
	g_autoptr(GSubprocess) process = NULL;
	g_autoptr(GError) error = NULL;

	g_ptr_array_add(argv, (char *)"etcdctl");
	g_ptr_array_add(argv, option);
	for (guint i = 0; arguments[i] != NULL; i++)
		g_ptr_array_add(argv, (char *)arguments[i]);
	g_ptr_array_add(argv, NULL);
	process = g_subprocess_newv(
	    (const char *const *)argv->pdata,
	    G_SUBPROCESS_FLAGS_STDOUT_SILENCE | G_SUBPROCESS_FLAGS_STDERR_SILENCE, &error);
	g_assert_no_error(error);
	return g_subprocess_wait_check(process, NULL, NULL);
}

static void
make_real_snapshot(void)
{
	/* an address of our own on the loopback network, so that no port is contended for */
	guint pid = getpid();
	g_autofree char *host = g_strdup_printf("127.%u.%u.%u", 1 + pid / 64516 % 254,
						1 + pid / 254 % 254, 1 + pid % 254);
	g_autofree char *client = g_strdup_printf("http://%s:23790", host);
	g_autofree char *peer = g_strdup_printf("http://%s:23800", host);
	g_autofree char *cluster = g_strdup_printf("default=%s", peer);
	g_autofree char *data = in_scratch("etcd");
	g_autofree char *saved = in_scratch("real.db");
	g_autofree char *value = g_strnfill(3000, 'v');
	g_autoptr(GSubprocessLauncher) launcher = g_subprocess_launcher_new(
	    G_SUBPROCESS_FLAGS_STDOUT_SILENCE | G_SUBPROCESS_FLAGS_STDERR_SILENCE);
	g_autoptr(GSubprocess) etcd = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree char *found = g_find_program_in_path("etcd");
	const char *const health[] = {"endpoint", "health", NULL};
	const char *const save[] = {"snapshot", "save", saved, NULL};
	gint64 deadline = g_get_monotonic_time() + ETCD_DEADLINE_S * G_USEC_PER_SEC;

	if (found == NULL)
		return;
	g_setenv("ETCDCTL_API", "3", TRUE);
	g_subprocess_launcher_set_child_setup(launcher, die_with_parent, NULL, NULL);
	etcd = g_subprocess_launcher_spawn(
	    launcher, &error, "etcd", "--data-dir", data, "--listen-client-urls", client,
	    "--advertise-client-urls", client, "--listen-peer-urls", peer,
	    "--initial-advertise-peer-urls", peer, "--initial-cluster", cluster, NULL);
	g_assert_no_error(error);
	while (!etcdctl(client, health)) {
		g_assert_cmpint(g_get_monotonic_time(), <, deadline);
		g_usleep(100000);
	}
	for (guint i = 0; i < 10; i++) {
		g_autofree char *key = g_strdup_printf("/registry/%u", i);
		const char *const put[] = {"put", key, value, NULL};

		g_assert_true(etcdctl(client, put));
	}
	g_assert_true(etcdctl(client, save));
	g_subprocess_force_exit(etcd);
	g_subprocess_wait(etcd, NULL, NULL);
	real_snapshot = g_steal_pointer(&saved);
	real_member_db = g_build_filename(data, "member", "snap", "db", NULL);
}

/* ---- one made by hand ---------------------------------------------------------------------- */

typedef struct {
	guint page_size;
	guint64 pages, root, transaction;
	gboolean big_endian;
	gboolean bad_first, bad_second;
	guint body_pages; /* how many there really are */
	gboolean no_hash;
	gboolean second_newer;
} Shape;

static const Shape plain = {.page_size = 4096,
			    .pages = 6,
			    .root = 3,
			    .transaction = 7,
			    .body_pages = 8};

static void
put_number(guint8 *to, guint64 value, guint size, gboolean big_endian)
{
	for (guint i = 0; i < size; i++)
		to[i] = value >> (8 * (big_endian ? size - 1 - i : i));
}

static void
put_meta(guint8 *page, const Shape *shape, guint64 id)
{
	guint8 *meta = page + 16;
	guint64 sum = G_GUINT64_CONSTANT(0xcbf29ce484222325);
	gboolean big = shape->big_endian;

	put_number(page, id, 8, big);
	put_number(page + 8, 4, 2, big);
	put_number(meta, 0xED0CDAED, 4, big);
	put_number(meta + 4, 2, 4, big);
	put_number(meta + 8, shape->page_size, 4, big);
	put_number(meta + 16, shape->root, 8, big);
	put_number(meta + 32, G_MAXUINT64, 8, big); /* NoFreelistSync */
	put_number(meta + 40, shape->pages, 8, big);
	put_number(meta + 48,
		   shape->second_newer ? shape->transaction + id : shape->transaction - id, 8, big);
	for (guint i = 0; i < 56; i++)
		sum = (sum ^ meta[i]) * G_GUINT64_CONSTANT(0x100000001b3);
	if (id == 0 ? shape->bad_first : shape->bad_second)
		sum++;
	put_number(meta + 56, sum, 8, big);
}

static void
add_hash(GByteArray *bytes)
{
	g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
	guint8 sum[HASH_SIZE];
	gsize size = sizeof(sum);

	g_checksum_update(checksum, bytes->data, bytes->len);
	g_checksum_get_digest(checksum, sum, &size);
	g_byte_array_append(bytes, sum, size);
}

/* a page of 4096 is what the file is cut into, whatever the meta page says */
static GByteArray *
make_bytes(const Shape *shape)
{
	guint place = CLAMP(shape->page_size, 1024, 65536);
	gsize size = MAX((gsize)shape->body_pages * 4096, place + 80);
	GByteArray *bytes = g_byte_array_new();

	size = (size + place - 1) / place * place;
	g_byte_array_set_size(bytes, size);
	for (gsize i = 0; i < size; i++)
		bytes->data[i] = i * 7 + i / 4096;
	memset(bytes->data, 0, 80);
	put_meta(bytes->data, shape, 0);
	put_meta(bytes->data + place, shape, 1);
	if (!shape->no_hash)
		add_hash(bytes);
	return bytes;
}

static RdSnapshot *
check_bytes(GByteArray *bytes)
{
	g_autofree char *path = in_scratch("made.db");
	RdSnapshot *snapshot = NULL;

	write_file(path, bytes->data, bytes->len);
	snapshot = rd_snapshot_check(path, NULL);
	g_assert_nonnull(snapshot->text);
	g_assert_true(g_str_has_prefix(snapshot->text, path));
	return snapshot;
}

static void
assert_verdict(GByteArray *bytes, RdSnapshotVerdict verdict)
{
	g_autoptr(RdSnapshot) snapshot = check_bytes(bytes);

	g_test_message("%s", snapshot->text);
	g_assert_cmpstr(rd_snapshot_verdict_to_string(snapshot->verdict), ==,
			rd_snapshot_verdict_to_string(verdict));
}

static void
test_made(void)
{
	g_autoptr(GByteArray) bytes = make_bytes(&plain);
	g_autofree char *whole =
	    g_compute_checksum_for_data(G_CHECKSUM_SHA256, bytes->data, bytes->len);
	g_autofree char *body =
	    g_compute_checksum_for_data(G_CHECKSUM_SHA256, bytes->data, bytes->len - HASH_SIZE);
	g_autoptr(RdSnapshot) snapshot = check_bytes(bytes);

	g_assert_cmpint(snapshot->verdict, ==, RD_SNAPSHOT_SOUND);
	g_assert_cmpstr(snapshot->sha256, ==, whole);
	g_assert_cmpstr(snapshot->body_sha256, ==, body);
	g_assert_cmpint(snapshot->size, ==, 8 * 4096 + HASH_SIZE);
	g_assert_cmpuint(snapshot->page_size, ==, 4096);
	g_assert_cmpuint(snapshot->pages, ==, 6);
	g_assert_cmpuint(snapshot->transaction, ==, 7);
	g_assert_false(snapshot->big_endian);
	g_assert_false(snapshot->dirty);
}

/* what a meta page can say, with its checksum right and the file's hash right */
static void
test_shapes(void)
{
	static const struct {
		const char *what;
		Shape shape;
		RdSnapshotVerdict verdict;
		guint64 transaction;
	} table[] = {
	    {"s390x", {4096, 6, 3, 7, TRUE, .body_pages = 8}, RD_SNAPSHOT_SOUND, 7},
	    {"page 0 is bad",
	     {4096, 6, 3, 7, .bad_first = TRUE, .body_pages = 8},
	     RD_SNAPSHOT_SOUND,
	     6},
	    {"page 1 is bad",
	     {4096, 6, 3, 7, .bad_second = TRUE, .body_pages = 8},
	     RD_SNAPSHOT_SOUND,
	     7},
	    {"page 1 is newer",
	     {4096, 6, 3, 7, .second_newer = TRUE, .body_pages = 8},
	     RD_SNAPSHOT_SOUND,
	     8},
	    {"both are bad",
	     {4096, 6, 3, 7, .bad_first = TRUE, .bad_second = TRUE, .body_pages = 8},
	     RD_SNAPSHOT_NOT_BBOLT,
	     0},
	    {"64 KiB pages, page 0 bad",
	     {65536, 2, 1, 7, .bad_first = TRUE, .body_pages = 64},
	     RD_SNAPSHOT_SOUND,
	     6},
	    {"exactly full", {4096, 8, 3, 7, .body_pages = 8}, RD_SNAPSHOT_SOUND, 7},
	    {"one page too few", {4096, 9, 3, 7, .body_pages = 8}, RD_SNAPSHOT_TRUNCATED, 7},
	    {"2^63 pages",
	     {4096, G_GUINT64_CONSTANT(1) << 63, 3, 7, .body_pages = 8},
	     RD_SNAPSHOT_TRUNCATED,
	     7},
	    {"2^52 pages: times 4096 is 0",
	     {4096, G_GUINT64_CONSTANT(1) << 52, 3, 7, .body_pages = 8},
	     RD_SNAPSHOT_TRUNCATED,
	     7},
	    {"root at the end", {4096, 6, 6, 7, .body_pages = 8}, RD_SNAPSHOT_CORRUPT, 7},
	    {"no pages", {4096, 0, 0, 7, .body_pages = 8}, RD_SNAPSHOT_CORRUPT, 7},
	    {"page size 0", {0, 6, 3, 7, .body_pages = 8}, RD_SNAPSHOT_NOT_BBOLT, 0},
	    {"page size 512", {512, 6, 3, 7, .body_pages = 8}, RD_SNAPSHOT_NOT_BBOLT, 0},
	    {"page size 5000", {5000, 6, 3, 7, .body_pages = 8}, RD_SNAPSHOT_NOT_BBOLT, 0},
	    {"page size 2^31", {1u << 31, 6, 3, 7, .body_pages = 32}, RD_SNAPSHOT_NOT_BBOLT, 0},
	    {"without hash",
	     {4096, 6, 3, 7, .body_pages = 8, .no_hash = TRUE},
	     RD_SNAPSHOT_NO_HASH,
	     7},
	};

	for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
		g_autoptr(GByteArray) bytes = make_bytes(&table[i].shape);
		g_autoptr(RdSnapshot) snapshot = check_bytes(bytes);

		g_test_message("%s: %s", table[i].what, snapshot->text);
		g_assert_cmpstr(rd_snapshot_verdict_to_string(snapshot->verdict), ==,
				rd_snapshot_verdict_to_string(table[i].verdict));
		g_assert_cmpuint(snapshot->transaction, ==, table[i].transaction);
		g_assert_cmpint(snapshot->big_endian, ==, table[i].shape.big_endian);
	}
}

static void
test_no_snapshot(void)
{
	g_autoptr(GByteArray) bytes = g_byte_array_new();

	assert_verdict(bytes, RD_SNAPSHOT_EMPTY);
	g_byte_array_append(bytes, (const guint8 *)"x", 1);
	assert_verdict(bytes, RD_SNAPSHOT_NOT_BBOLT);
	g_byte_array_set_size(bytes, 100000);
	memset(bytes->data, 0, bytes->len);
	assert_verdict(bytes, RD_SNAPSHOT_NOT_BBOLT);
	/* its own hash is right, and it is still none */
	add_hash(bytes);
	assert_verdict(bytes, RD_SNAPSHOT_NOT_BBOLT);
}

static void
assert_path_verdict(const char *path, RdSnapshotVerdict verdict)
{
	g_autoptr(RdSnapshot) snapshot = rd_snapshot_check(path, NULL);

	g_test_message("%s", snapshot->text);
	g_assert_cmpint(snapshot->verdict, ==, verdict);
	g_assert_null(snapshot->sha256);
}

/* none of these may be waited for */
static void
test_no_file(void)
{
	g_autofree char *fifo = in_scratch("fifo.db");
	g_autofree char *hole = in_scratch("hole.db");
	int fd = -1;

	assert_path_verdict("/nonexistent/x.db", RD_SNAPSHOT_UNREADABLE);
	assert_path_verdict(scratch, RD_SNAPSHOT_UNREADABLE);
	assert_path_verdict("/dev/zero", RD_SNAPSHOT_UNREADABLE);
	g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
	assert_path_verdict(fifo, RD_SNAPSHOT_UNREADABLE);
	fd = g_open(hole, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	g_assert_cmpint(ftruncate(fd, (goffset)1 << 40), ==, 0);
	g_close(fd, NULL);
	assert_path_verdict(hole, RD_SNAPSHOT_NOT_BBOLT);
	g_unlink(hole);
}

static void
test_interrupted(void)
{
	g_autoptr(GByteArray) bytes = make_bytes(&plain);
	g_autofree char *path = in_scratch("made.db");
	g_autoptr(GCancellable) cancellable = g_cancellable_new();
	g_autoptr(RdSnapshot) snapshot = NULL;

	write_file(path, bytes->data, bytes->len);
	g_cancellable_cancel(cancellable);
	snapshot = rd_snapshot_check(path, cancellable);
	g_assert_cmpint(snapshot->verdict, ==, RD_SNAPSHOT_INTERRUPTED);
	g_assert_null(snapshot->sha256);
}

typedef struct {
	const char *path;
	int written, stop; /* atomic */
} Writer;

/* writes the same byte again and again: only the time of the last change tells */
static gpointer
keep_writing(gpointer data)
{
	Writer *writer = data;
	int fd = g_open(writer->path, O_WRONLY | O_CLOEXEC, 0);

	while (!g_atomic_int_get(&writer->stop)) {
		if (pwrite(fd, "", 1, 1 << 20) != 1)
			break;
		g_atomic_int_inc(&writer->written);
	}
	g_close(fd, NULL);
	return NULL;
}

static void
test_changed(void)
{
	static const Shape large = {.page_size = 4096,
				    .pages = 6,
				    .root = 3,
				    .transaction = 7,
				    .body_pages = 16384};
	g_autoptr(GByteArray) bytes = make_bytes(&large);
	g_autofree char *path = in_scratch("changing.db");
	Writer writer = {.path = path};
	g_autoptr(RdSnapshot) snapshot = NULL;
	GThread *thread = NULL;

	write_file(path, bytes->data, bytes->len);
	thread = g_thread_new("writer", keep_writing, &writer);
	while (g_atomic_int_get(&writer.written) == 0)
		g_thread_yield();
	snapshot = rd_snapshot_check(path, NULL);
	g_atomic_int_set(&writer.stop, 1);
	g_thread_join(thread);
	g_test_message("%s", snapshot->text);
	g_assert_cmpint(snapshot->verdict, ==, RD_SNAPSHOT_CHANGED);
	g_assert_null(snapshot->sha256);
	g_unlink(path);
}

/* every byte counts: a flip anywhere is never called sound, nor only without hash */
static void
flip_everywhere(GByteArray *bytes, gsize step)
{
	g_autofree char *path = in_scratch("flipped.db");
	guint n = 0;
	int fd = -1;

	write_file(path, bytes->data, bytes->len);
	fd = g_open(path, O_RDWR | O_CLOEXEC, 0);
	for (gsize i = 0; i < bytes->len; i++) {
		gboolean front = i % 4096 < 80 && i < 2 * 4096;
		guint8 flipped = bytes->data[i] ^ (1 << (i % 8));
		g_autoptr(RdSnapshot) snapshot = NULL;

		if (!front && i % step != 0 && i + HASH_SIZE < bytes->len)
			continue;
		g_assert_cmpint(pwrite(fd, &flipped, 1, i), ==, 1);
		snapshot = rd_snapshot_check(path, NULL);
		g_assert_cmpint(pwrite(fd, &bytes->data[i], 1, i), ==, 1);
		if (snapshot->verdict != RD_SNAPSHOT_CORRUPT)
			g_test_message("byte %" G_GSIZE_FORMAT ": %s", i, snapshot->text);
		g_assert_cmpint(snapshot->verdict, ==, RD_SNAPSHOT_CORRUPT);
		n++;
	}
	g_close(fd, NULL);
	g_assert_cmpuint(n, >, 190);
	assert_verdict(bytes, RD_SNAPSHOT_SOUND);
}

/* wherever it ends too early, it is not sound; and it is only "without hash" when exactly that, or
 * whole pages that nobody uses, are missing */
static void
cut_everywhere(GByteArray *bytes, gsize step)
{
	g_autoptr(RdSnapshot) whole = check_bytes(bytes);
	gsize used = whole->pages * whole->page_size;
	g_autofree char *path = in_scratch("cut.db");

	g_assert_cmpint(whole->verdict, ==, RD_SNAPSHOT_SOUND);
	write_file(path, bytes->data, bytes->len);
	for (gsize size = bytes->len; size-- > 0;) {
		g_autoptr(RdSnapshot) snapshot = NULL;
		gboolean whole_pages = size % whole->page_size == 0 && size >= used;

		if (size % step != 0 && size % whole->page_size > HASH_SIZE + 1 &&
		    size + HASH_SIZE + 2 < bytes->len)
			continue;
		g_assert_cmpint(truncate(path, size), ==, 0);
		snapshot = rd_snapshot_check(path, NULL);
		if (size == 0)
			g_assert_cmpint(snapshot->verdict, ==, RD_SNAPSHOT_EMPTY);
		else if (whole_pages)
			g_assert_cmpint(snapshot->verdict, ==, RD_SNAPSHOT_NO_HASH);
		else if (size >= 80 && size >= used && size % whole->page_size == HASH_SIZE)
			g_assert_cmpint(snapshot->verdict, ==, RD_SNAPSHOT_CORRUPT);
		else if (size >= 80)
			g_assert_cmpint(snapshot->verdict, ==, RD_SNAPSHOT_TRUNCATED);
		else
			g_assert_cmpint(snapshot->verdict, ==, RD_SNAPSHOT_NOT_BBOLT);
	}
}

static void
test_made_flips(void)
{
	g_autoptr(GByteArray) bytes = make_bytes(&plain);

	flip_everywhere(bytes, 997);
}

static void
test_made_cuts(void)
{
	g_autoptr(GByteArray) bytes = make_bytes(&plain);

	cut_everywhere(bytes, 509);
}

static void
test_longer(void)
{
	for (guint extra = 1; extra <= 4096 + HASH_SIZE; extra += extra < 70 ? 1 : 509) {
		g_autoptr(GByteArray) bytes = make_bytes(&plain);
		g_autoptr(RdSnapshot) snapshot = NULL;
		gsize size = bytes->len;

		g_byte_array_set_size(bytes, size + extra);
		memset(bytes->data + size, 0, extra);
		snapshot = check_bytes(bytes);
		g_assert_cmpint(snapshot->verdict, !=, RD_SNAPSHOT_SOUND);
		g_assert_cmpint(snapshot->verdict, !=, RD_SNAPSHOT_NO_HASH);
	}
}

static gboolean
have_real(void)
{
	if (real_snapshot != NULL)
		return TRUE;
	g_test_skip("no etcd on this machine");
	return FALSE;
}

static void
test_real(void)
{
	g_autoptr(RdSnapshot) snapshot = NULL;
	g_autoptr(RdSnapshot) member = NULL;
	g_autoptr(GByteArray) bytes = NULL;
	g_autofree char *whole = NULL;

	if (!have_real())
		return;
	bytes = read_file(real_snapshot);
	whole = g_compute_checksum_for_data(G_CHECKSUM_SHA256, bytes->data, bytes->len);
	snapshot = rd_snapshot_check(real_snapshot, NULL);
	g_test_message("%s", snapshot->text);
	g_assert_cmpint(snapshot->verdict, ==, RD_SNAPSHOT_SOUND);
	g_assert_cmpstr(snapshot->sha256, ==, whole);
	g_assert_cmpuint(snapshot->page_size, ==, sysconf(_SC_PAGESIZE));
	/* ten values of 3000 bytes are in it */
	g_assert_cmpuint(snapshot->pages * snapshot->page_size, >, 30000);
	g_assert_cmpuint(snapshot->transaction, >, 0);

	member = rd_snapshot_check(real_member_db, NULL);
	g_test_message("%s", member->text);
	g_assert_cmpint(member->verdict, ==, RD_SNAPSHOT_NO_HASH);
}

static void
test_real_flips(void)
{
	g_autoptr(GByteArray) bytes = NULL;

	if (!have_real())
		return;
	bytes = read_file(real_snapshot);
	flip_everywhere(bytes, 1009);
}

static void
test_real_cuts(void)
{
	g_autoptr(GByteArray) bytes = NULL;

	if (!have_real())
		return;
	bytes = read_file(real_snapshot);
	cut_everywhere(bytes, 1021);
}

static void
test_random_fronts(void)
{
	g_autoptr(GRand) rand = g_rand_new_with_seed(20261120);

	for (guint i = 0; i < 20000; i++) {
		g_autoptr(GByteArray) bytes = make_bytes(&plain);
		gsize size = g_rand_int_range(rand, 0, bytes->len);
		/* of exactly that size, so that reading behind it is found out */
		g_autofree guint8 *front = g_memdup2(bytes->data, size);
		RdBboltMeta meta = {0};

		for (guint j = g_rand_int_range(rand, 0, 8); j > 0 && size > 0; j--)
			front[g_rand_int_range(rand, 0, MIN(size, 4200))] = g_rand_int(rand);
		if (rd_bbolt_read_meta(front, size, &meta))
			g_assert_cmpuint(meta.page_size, ==, 4096);
	}
}

int
main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *remove = NULL;
	int status = 0;

	g_test_init(&argc, &argv, NULL);
	scratch = g_dir_make_tmp("rd-snapshot-XXXXXX", &error);
	g_assert_no_error(error);
	make_real_snapshot();
	g_test_add_func("/snapshot/made", test_made);
	g_test_add_func("/snapshot/shapes", test_shapes);
	g_test_add_func("/snapshot/none", test_no_snapshot);
	g_test_add_func("/snapshot/no-file", test_no_file);
	g_test_add_func("/snapshot/interrupted", test_interrupted);
	g_test_add_func("/snapshot/changed", test_changed);
	g_test_add_func("/snapshot/flips", test_made_flips);
	g_test_add_func("/snapshot/cuts", test_made_cuts);
	g_test_add_func("/snapshot/longer", test_longer);
	g_test_add_func("/snapshot/random-fronts", test_random_fronts);
	g_test_add_func("/snapshot/real", test_real);
	g_test_add_func("/snapshot/real-flips", test_real_flips);
	g_test_add_func("/snapshot/real-cuts", test_real_cuts);
	status = g_test_run();
	remove = g_strdup_printf("rm -rf -- %s", scratch);
	g_spawn_command_line_sync(remove, NULL, NULL, NULL, NULL);
	g_free(scratch);
	g_free(real_snapshot);
	g_free(real_member_db);
	return status;
}
