/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backup/pair.h"

#include <glib/gstdio.h>
#include <string.h>

/* Which files of a directory are one backup: only the names decide. Whether they are whole: only
 * the bytes do. */

#define STAMP "2026-11-20_031502"
#define OTHER "2026-11-19_031502"

static char *scratch;

/* an empty directory with these files, words apart by blanks; each holds "x" */
static char *
make_dir(const char *names)
{
	char *dir = g_build_filename(scratch, "XXXXXX", NULL);
	g_auto(GStrv) words = g_strsplit(names, " ", -1);

	g_assert_nonnull(g_mkdtemp(dir));
	for (guint i = 0; words[i] != NULL; i++) {
		g_autofree char *path = g_build_filename(dir, words[i], NULL);

		if (*words[i] != '\0')
			g_assert_true(g_file_set_contents(path, "x", 1, NULL));
	}
	return dir;
}

static void
test_choose(void)
{
	static const struct {
		const char *names;
		const char *given; /* NULL: the directory */
		const char *stamp; /* NULL: refused */
		const char *text;  /* in the refusal */
	} table[] = {
	    {"snapshot_" STAMP ".db static_kuberesources_" STAMP ".tar.gz notes.txt", NULL, STAMP},
	    {"snapshot_" STAMP "__POSSIBLY_DIRTY__.db static_kuberesources_" STAMP
	     "__POSSIBLY_DIRTY__.tar.gz",
	     NULL, STAMP "__POSSIBLY_DIRTY__"},
	    {"snapshot_mine.db static_kuberesources_mine.tar.gz", NULL, "mine"},
	    {"", NULL, NULL, "there is no snapshot_*.db in it. Give"},
	    {"static_kuberesources_" STAMP ".tar.gz", NULL, NULL, "only static_kuberesources_"},
	    {"snapshot_" STAMP ".db", NULL, NULL,
	     "belongs static_kuberesources_" STAMP ".tar.gz; it is not there"},
	    {"snapshot_" STAMP ".db static_kuberesources_" OTHER ".tar.gz", NULL, NULL,
	     "it is not there"},
	    {"snapshot_" STAMP ".db static_kuberesources_" STAMP "__POSSIBLY_DIRTY__.tar.gz", NULL,
	     NULL, "it is not there"},
	    {"snapshot_" STAMP ".db static_kuberesources_" STAMP
	     ".tar.gz static_kuberesources_" OTHER ".tar.gz",
	     NULL, NULL, "there are others too"},
	    {"snapshot_" STAMP ".db static_kuberesources_" STAMP ".tar.gz snapshot_" OTHER
	     ".db static_kuberesources_" OTHER ".tar.gz",
	     NULL, NULL,
	     "2 snapshots are in it (snapshot_" OTHER ".db, snapshot_" STAMP ".db): say which"},
	    {"snapshot_" STAMP ".db static_kuberesources_" STAMP ".tar.gz snapshot_" OTHER
	     ".db static_kuberesources_" OTHER ".tar.gz",
	     "snapshot_" OTHER ".db", OTHER},
	    {"snapshot_" STAMP ".db static_kuberesources_" STAMP ".tar.gz",
	     "static_kuberesources_" STAMP ".tar.gz", NULL, "neither a directory nor a snapshot"},
	    {"snapshot_" STAMP ".db static_kuberesources_" STAMP ".tar.gz", "gone", NULL,
	     "No such file"},
	    {"snapshot_.db static_kuberesources_.tar.gz", NULL, NULL, "there is no snapshot_*.db"},
	    {"snapshot_$(id).db static_kuberesources_$(id).tar.gz", NULL, NULL,
	     "rename both files"},
	    {"snapshot_a\nb.db static_kuberesources_a\nb.tar.gz", NULL, NULL,
	     "snapshot_a\\nb.db has"},
	};

	for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
		g_autofree char *dir = make_dir(table[i].names);
		g_autofree char *path = g_build_filename(dir, table[i].given, NULL);
		g_autoptr(GError) error = NULL;
		g_autoptr(RdPair) pair = rd_pair_choose(path, &error);

		g_test_message("%s: %s", table[i].names, error != NULL ? error->message : "chosen");
		if (table[i].stamp == NULL) {
			g_assert_null(pair);
			g_assert_error(error, RD_BACKUP_ERROR, RD_BACKUP_ERROR_CHOICE);
			g_assert_nonnull(strstr(error->message, table[i].text));
			continue;
		}
		g_assert_no_error(error);
		g_assert_cmpstr(pair->stamp, ==, table[i].stamp);
		g_assert_cmpstr(pair->dir, ==, dir);
		g_assert_true(g_file_test(pair->snapshot, G_FILE_TEST_EXISTS));
		g_assert_true(g_file_test(pair->resources, G_FILE_TEST_EXISTS));
	}
}

static void
test_time(void)
{
	static const struct {
		const char *stamp;
		gint64 unix_time; /* -1: none */
	} table[] = {
	    {"2026-11-20_031502", 1795144502}, {"2026-11-20_031502__POSSIBLY_DIRTY__", 1795144502},
	    {"2026-13-20_031502", -1},	       {"2026-02-30_031502", -1},
	    {"2026-11-20_0315", -1},	       {"mine", -1}};

	for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
		g_autofree char *names =
		    g_strdup_printf("snapshot_%s.db static_kuberesources_%s.tar.gz", table[i].stamp,
				    table[i].stamp);
		g_autofree char *dir = make_dir(names);
		g_autoptr(RdPair) pair = rd_pair_choose(dir, NULL);

		g_test_message("%s", table[i].stamp);
		g_assert_cmpint(pair->taken != NULL ? g_date_time_to_unix(pair->taken) : -1, ==,
				table[i].unix_time);
	}
}

/* a sound snapshot, by hand: test-snapshot has real ones */
static GByteArray *
make_snapshot(void)
{
	static const guint8 head[] = {/* page header */ 0,
				      0,
				      0,
				      0,
				      0,
				      0,
				      0,
				      0,
				      4,
				      0,
				      0,
				      0,
				      0,
				      0,
				      0,
				      0,
				      /* magic, version, page size, flags */ 0xED,
				      0xDA,
				      0x0C,
				      0xED,
				      2,
				      0,
				      0,
				      0,
				      0,
				      16,
				      0,
				      0,
				      0,
				      0,
				      0,
				      0,
				      /* root */ 3,
				      0,
				      0,
				      0,
				      0,
				      0,
				      0,
				      0};
	GByteArray *bytes = g_byte_array_new();
	guint64 sum = G_GUINT64_CONSTANT(0xcbf29ce484222325);
	g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
	guint8 hash[32];
	gsize size = sizeof(hash);

	g_byte_array_set_size(bytes, 4 * 4096);
	memset(bytes->data, 0, bytes->len);
	memcpy(bytes->data, head, sizeof(head));
	bytes->data[16 + 40] = 4; /* high water */
	for (guint i = 0; i < 56; i++)
		sum = (sum ^ bytes->data[16 + i]) * G_GUINT64_CONSTANT(0x100000001b3);
	for (guint i = 0; i < 8; i++)
		bytes->data[16 + 56 + i] = sum >> (8 * i);
	g_checksum_update(checksum, bytes->data, bytes->len);
	g_checksum_get_digest(checksum, hash, &size);
	g_byte_array_append(bytes, hash, size);
	return bytes;
}

/* a directory with a snapshot and a tar.gz, both sound */
static char *
make_backup(void)
{
	char *dir = make_dir("");
	g_autofree char *snapshot = g_build_filename(dir, "snapshot_" STAMP ".db", NULL);
	g_autofree char *resources =
	    g_build_filename(dir, "static_kuberesources_" STAMP ".tar.gz", NULL);
	g_autofree char *member = g_build_filename(dir, "pod.yaml", NULL);
	g_autofree char *text = g_strnfill(20000, 'x');
	const char *argv[] = {"tar",
			      "--format=ustar",
			      "--owner=0",
			      "--group=0",
			      "--numeric-owner",
			      "--mtime=@0",
			      "--mode=0600",
			      "-C",
			      dir,
			      "-I",
			      "gzip -n",
			      "-cf",
			      resources,
			      "pod.yaml",
			      NULL};
	g_autoptr(GByteArray) bytes = make_snapshot();
	g_autoptr(GError) error = NULL;
	int status = 0;

	g_file_set_contents(member, text, -1, &error);
	g_assert_no_error(error);
	g_file_set_contents(snapshot, (char *)bytes->data, bytes->len, &error);
	g_assert_no_error(error);
	g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL,
		     &status, &error);
	g_assert_no_error(error);
	g_assert_cmpint(status, ==, 0);
	return dir;
}

static void
test_prove(void)
{
	g_autofree char *dir = make_backup();
	g_autoptr(GError) error = NULL;
	g_autoptr(RdPair) pair = rd_pair_choose(dir, &error);
	g_autoptr(GHashTable) inputs =
	    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_autofree char *data = NULL;
	g_autofree char *sum = NULL;
	gsize size = 0;

	g_assert_no_error(error);
	rd_pair_add_inputs(pair, "backup", inputs);
	g_assert_cmpstr(g_hash_table_lookup(inputs, "backup.name"), ==, "snapshot_" STAMP ".db");
	/* nothing is claimed before it is proven */
	g_assert_null(g_hash_table_lookup(inputs, "backup.sha256"));
	g_assert_null(g_hash_table_lookup(inputs, "backup.resources-sha256"));

	g_assert_true(rd_pair_prove(pair, FALSE, NULL, &error));
	g_assert_no_error(error);
	rd_pair_add_inputs(pair, "backup", inputs);
	for (guint i = 0; rd_pair_fields[i] != NULL; i++) {
		g_autofree char *name = g_strconcat("backup.", rd_pair_fields[i], NULL);

		g_assert_nonnull(g_hash_table_lookup(inputs, name));
	}
	g_file_get_contents(pair->resources, &data, &size, NULL);
	sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (guchar *)data, size);
	g_assert_cmpstr(pair->resources_sha256, ==, sum);
	g_assert_cmpint(pair->resources_size, ==, size);
	g_assert_cmpstr(g_hash_table_lookup(inputs, "backup.sha256"), ==, pair->proof->sha256);
	g_assert_cmpstr(g_hash_table_lookup(inputs, "backup.size"), ==, "16416");
}

static void
assert_not_proven(RdPair *pair, const char *text)
{
	g_autoptr(GError) error = NULL;

	g_assert_false(rd_pair_prove(pair, FALSE, NULL, &error));
	g_assert_error(error, RD_BACKUP_ERROR, RD_BACKUP_ERROR_DAMAGED);
	g_test_message("%s", error->message);
	g_assert_nonnull(strstr(error->message, text));
	g_assert_null(pair->resources_sha256);
}

/* the tar.gz, one byte wrong or too short, at many places */
static void
test_damaged_resources(void)
{
	g_autofree char *dir = make_backup();
	g_autoptr(RdPair) pair = rd_pair_choose(dir, NULL);
	g_autofree char *data = NULL;
	gsize size = 0;

	g_file_get_contents(pair->resources, &data, &size, NULL);
	/* bytes 4 to 9 of gzip are a time and hints: nothing depends on them */
	for (gsize i = 10; i < size; i += 3) {
		/* the last byte before gzip's sums is filled up with bits that mean nothing */
		if (i == size - 9)
			continue;
		data[i] ^= 0x10;
		g_file_set_contents(pair->resources, data, size, NULL);
		data[i] ^= 0x10;
		g_test_message("byte %" G_GSIZE_FORMAT " of %" G_GSIZE_FORMAT, i, size);
		assert_not_proven(pair, "static_kuberesources_" STAMP ".tar.gz: ");
	}
	for (gsize i = 0; i < size; i += 7) {
		g_file_set_contents(pair->resources, data, i, NULL);
		g_test_message("cut to %" G_GSIZE_FORMAT " of %" G_GSIZE_FORMAT, i, size);
		assert_not_proven(pair, "static_kuberesources_" STAMP ".tar.gz: ");
	}
	g_file_set_contents(pair->resources, data, size, NULL);
	g_assert_true(rd_pair_prove(pair, FALSE, NULL, NULL));
}

static void
test_no_tar(void)
{
	/* printf x | gzip -n */
	static const guint8 tiny[] = {0x1f, 0x8b, 0x8,	0x0,  0x0,  0x0,  0x0, 0x0, 0x0, 0x3, 0xab,
				      0x0,  0x0,  0x83, 0x16, 0xdc, 0x8c, 0x1, 0x0, 0x0, 0x0};
	/* head -c 600 /dev/zero | gzip -n */
	static const guint8 zeros[] = {0x1f, 0x8b, 0x8,	 0x0,  0x0,  0x0,  0x0,	 0x0,  0x0,
				       0x3,  0x63, 0x60, 0x18, 0x5,  0xa3, 0x80, 0xfa, 0x0,
				       0x0,  0x23, 0xa2, 0xed, 0x77, 0x58, 0x2,	 0x0,  0x0};
	g_autofree char *dir = make_backup();
	g_autoptr(RdPair) pair = rd_pair_choose(dir, NULL);

	g_file_set_contents(pair->resources, (const char *)tiny, sizeof(tiny), NULL);
	assert_not_proven(pair, "there is no tar inside");
	g_file_set_contents(pair->resources, (const char *)zeros, sizeof(zeros), NULL);
	assert_not_proven(pair, "there is no tar inside");
	g_unlink(pair->resources);
	g_assert_cmpint(g_mkdir(pair->resources, 0700), ==, 0);
	assert_not_proven(pair, "not a regular file");
}

static void
test_no_hash(void)
{
	g_autofree char *dir = make_backup();
	g_autoptr(RdPair) pair = rd_pair_choose(dir, NULL);
	g_autofree char *data = NULL;
	g_autoptr(GError) error = NULL;
	gsize size = 0;

	g_file_get_contents(pair->snapshot, &data, &size, NULL);
	g_file_set_contents(pair->snapshot, data, size - 32, NULL);
	assert_not_proven(pair, "say explicitly that this one is to be used");
	g_assert_true(rd_pair_prove(pair, TRUE, NULL, &error));
	g_assert_no_error(error);
	/* that a hash may be missing does not mean that it may be wrong */
	data[5000] ^= 1;
	g_file_set_contents(pair->snapshot, data, size, NULL);
	g_assert_false(rd_pair_prove(pair, TRUE, NULL, &error));
	g_assert_error(error, RD_BACKUP_ERROR, RD_BACKUP_ERROR_DAMAGED);
}

int
main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *remove = NULL;
	int status = 0;

	g_test_init(&argc, &argv, NULL);
	scratch = g_dir_make_tmp("rd-pair-XXXXXX", &error);
	g_assert_no_error(error);
	g_test_add_func("/pair/choose", test_choose);
	g_test_add_func("/pair/time", test_time);
	g_test_add_func("/pair/prove", test_prove);
	g_test_add_func("/pair/damaged-resources", test_damaged_resources);
	g_test_add_func("/pair/no-tar", test_no_tar);
	g_test_add_func("/pair/no-hash", test_no_hash);
	status = g_test_run();
	remove = g_strdup_printf("rm -rf -- %s", scratch);
	g_spawn_command_line_sync(remove, NULL, NULL, NULL, NULL);
	g_free(scratch);
	return status;
}
