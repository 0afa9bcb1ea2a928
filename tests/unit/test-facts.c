/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backup/crc32c.h"
#include "backup/facts.h"
#include "backup/pair.h"

#include "etcd-fixture.h"

/* What we read out of snapshots of a real etcd, beside what etcd's own tool reads out of them. */

static char *scratch;
static GPtrArray *snapshots;

static gboolean
have_etcd(void)
{
	if (snapshots->len > 0)
		return TRUE;
	g_test_skip("no etcd on this machine");
	return FALSE;
}

static RdFacts *
read_layout(const char *name)
{
	g_autofree char *path = g_strdup_printf("%s/%s.db", scratch, name);
	g_autoptr(GError) error = NULL;
	RdFacts *facts = rd_facts_read(path, NULL, &error);

	g_assert_no_error(error);
	return facts;
}

static void
test_crc32c(void)
{
	/* RFC 3720, B.4 */
	guint8 zeros[32] = {0}, ascending[32];
	guint32 in_parts = 0;

	for (guint i = 0; i < 32; i++)
		ascending[i] = i;
	g_assert_cmphex(rd_crc32c(0, zeros, 32), ==, 0x8a9136aa);
	g_assert_cmphex(rd_crc32c(0, ascending, 32), ==, 0x46dd794e);
	g_assert_cmphex(rd_crc32c(0, "123456789", 9), ==, 0xe3069283);
	in_parts = rd_crc32c(0, "123", 3);
	g_assert_cmphex(rd_crc32c(in_parts, "456789", 6), ==, 0xe3069283);
}

static void
test_agreement(void)
{
	if (!have_etcd())
		return;
	for (guint i = 0; i < snapshots->len; i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(RdFacts) facts = rd_facts_read(snapshots->pdata[i], NULL, &error);
		EtcdStatus status = {0};

		g_assert_no_error(error);
		g_assert_true(etcd_status(snapshots->pdata[i], &status));
		g_test_message("%s: hash %08x revision %" G_GINT64_FORMAT
			       " entries %" G_GUINT64_FORMAT " keys %" G_GUINT64_FORMAT
			       " pages %" G_GUINT64_FORMAT " free %" G_GUINT64_FORMAT " depth %u",
			       (char *)snapshots->pdata[i], facts->hash, facts->revision,
			       facts->entries, facts->keys, facts->tree.pages, facts->tree.free,
			       facts->tree.depth);
		g_assert_cmphex(facts->hash, ==, status.hash);
		g_assert_cmpint(facts->revision, ==, status.revision);
		g_assert_cmpint(facts->size, ==, status.total_size);
		/* 3.6 counts living keys there */
		g_assert_true((gint64)facts->entries == status.total_key ||
			      (gint64)facts->keys == status.total_key);
	}
}

static void
test_empty(void)
{
	g_autoptr(RdFacts) facts = NULL;
	const RdMember *member = NULL;

	if (!have_etcd())
		return;
	facts = read_layout("empty");
	g_assert_cmpuint(facts->keys, ==, 0);
	g_assert_cmpuint(facts->members->len, ==, 1);
	member = facts->members->pdata[0];
	g_assert_cmpstr(member->name, ==, "m0");
	g_assert_true(g_str_has_suffix(member->peer_urls[0], ":23800"));
	g_assert_cmpuint(strlen(member->id), <=, 16);
	g_assert_true(g_str_has_prefix(facts->cluster_version, "3."));
}

static void
test_many(void)
{
	g_autoptr(RdFacts) facts = NULL;
	const RdMember *member = NULL;

	if (!have_etcd())
		return;
	facts = read_layout("many");
	g_assert_cmpuint(facts->keys, ==, 3000);
	g_assert_cmpuint(facts->revisions, ==, 3000);
	g_assert_cmpuint(facts->tombstones, ==, 0);
	g_assert_cmpuint(facts->tree.depth, >=, 2);
	g_assert_cmpuint(facts->index, >, 0);
	/* published by now; 3.5 does not write it there */
	member = facts->members->pdata[0];
	g_assert_true(member->client_urls[0] == NULL ||
		      g_str_has_suffix(member->client_urls[0], ":23790"));
}

/* 600 keys, of which those of ns1 (200) and ns2 are deleted, the latter after 100..299 were
 * written again, and 500..509 come back */
static void
test_history(void)
{
	static const char *const layouts[] = {"history", "defrag"};

	if (!have_etcd())
		return;
	for (guint i = 0; i < G_N_ELEMENTS(layouts); i++) {
		g_autoptr(RdFacts) facts = read_layout(layouts[i]);
		guint alive = 0;

		for (guint n = 0; n < 600; n++)
			alive += n % 3 == 0 || (n % 3 == 1 && n >= 100 && n < 300) ||
				 (n >= 500 && n < 510);
		g_assert_cmpuint(facts->keys, ==, alive);
		g_assert_cmpuint(facts->tombstones, >=, 200);
		g_assert_cmpint(facts->compacted, ==, 8);
	}
}

static void
test_big(void)
{
	g_autoptr(RdFacts) facts = NULL;

	if (!have_etcd())
		return;
	facts = read_layout("big");
	g_assert_cmpuint(facts->keys, ==, 104);
	g_assert_cmpuint(facts->tree.pages, >, facts->tree.leaves + facts->tree.branches + 1000);
}

static void
test_buckets(void)
{
	g_autoptr(RdFacts) facts = NULL;
	guint learners = 0;

	if (!have_etcd())
		return;
	facts = read_layout("buckets");
	g_assert_cmpuint(facts->leases, ==, 12);
	g_assert_cmpuint(facts->users, ==, 12);
	g_assert_cmpuint(facts->roles, ==, 12);
	g_assert_false(facts->auth_enabled);
	g_assert_cmpuint(facts->members->len, ==, 2);
	for (guint i = 0; i < facts->members->len; i++)
		learners += ((const RdMember *)facts->members->pdata[i])->learner;
	g_assert_cmpuint(learners, ==, 1);
}

static void
test_none(void)
{
	g_autoptr(GError) error = NULL;

	g_assert_null(rd_facts_read("/nonexistent/x.db", NULL, &error));
	g_assert_error(error, RD_BACKUP_ERROR, RD_BACKUP_ERROR_DAMAGED);
	g_assert_true(g_str_has_prefix(error->message, "/nonexistent/x.db: "));
}

static void
test_cancelled(void)
{
	g_autoptr(GCancellable) cancellable = g_cancellable_new();
	g_autoptr(GError) error = NULL;

	if (!have_etcd())
		return;
	g_cancellable_cancel(cancellable);
	g_assert_null(rd_facts_read(snapshots->pdata[1], cancellable, &error));
	g_assert_error(error, RD_BACKUP_ERROR, RD_BACKUP_ERROR_CANCELLED);
}

int
main(int argc, char **argv)
{
	g_autofree char *remove = NULL;
	int status = 0;

	g_test_init(&argc, &argv, NULL);
	scratch = g_dir_make_tmp("rd-facts-XXXXXX", NULL);
	snapshots = etcd_make_layouts(scratch);
	g_test_add_func("/facts/crc32c", test_crc32c);
	g_test_add_func("/facts/agreement", test_agreement);
	g_test_add_func("/facts/empty", test_empty);
	g_test_add_func("/facts/many", test_many);
	g_test_add_func("/facts/history", test_history);
	g_test_add_func("/facts/big", test_big);
	g_test_add_func("/facts/buckets", test_buckets);
	g_test_add_func("/facts/none", test_none);
	g_test_add_func("/facts/cancelled", test_cancelled);
	status = g_test_run();
	remove = g_strdup_printf("rm -rf -- %s", scratch);
	g_spawn_command_line_sync(remove, NULL, NULL, NULL, NULL);
	g_ptr_array_unref(snapshots);
	g_free(scratch);
	return status;
}
