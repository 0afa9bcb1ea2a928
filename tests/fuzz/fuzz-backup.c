/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backup/bbolt.h"
#include "backup/identity.h"
#include "backup/kube-objects.h"
#include "backup/storage-copy.h"
#include "backup/verdict.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Any bytes as a snapshot, and as static resources. What must hold besides not crashing: a refusal
 * names the file and is a text, what one reader accepts the others read too, and a verdict never
 * says more than its parts.
 *
 * Bytes are tried as they are, and with the sums of both meta pages right and a SHA-256 behind
 * them: who makes a hostile file computes those too. Built for libFuzzer with clang (see
 * README.md); else it replays its corpus with VARIANTS damages of each file. */

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

#define TRIED_MAX   (256 * 1024) /* bytes */
#define SUM	    32
#define PAGE_HEADER RD_BBOLT_PAGE_HEADER
#define META_SIZE   64
#define META_SUMMED 56

/* ---- one file ------------------------------------------------------------------------------ */

static void
assert_told(const char *text, const char *path)
{
	g_assert_true(g_utf8_validate(text, -1, NULL));
	g_assert_true(g_str_has_prefix(text, path));
}

static void
try_object(GBytes *bytes)
{
	gsize size = 0;
	const guint8 *data = g_bytes_get_data(bytes, &size);
	g_autoptr(RdObject) object = rd_object_read(data, size);
	g_autofree char *key = rd_object_encryption(data, size);
	g_autoptr(JsonNode) json = rd_object_parse_json(data, size);

	g_assert_true(key == NULL || object->encoding == RD_OBJECT_ENCRYPTED);
	g_assert_true(json == NULL || JSON_NODE_HOLDS_OBJECT(json));
	g_assert_cmpint(rd_object_written(data, size), ==, object->written);
}

static void
try_keys(const char *path, const RdFacts *facts)
{
	static const char *const all[] = {"", NULL};
	const RdKeyFilter filter = {.values = all};
	g_autoptr(GError) error = NULL;
	g_autoptr(RdKeyTable) keys = rd_key_table_read(path, &filter, NULL, &error);
	g_autoptr(GPtrArray) names = NULL, differences = NULL;

	g_assert_no_error(error);
	/* fewer: a name that is no text may be told like one that is */
	g_assert_cmpuint(g_hash_table_size(keys->keys), <=, facts->keys);
	names = rd_key_table_sort(keys);
	for (guint i = 0; i < names->len; i++) {
		const RdKey *key = g_hash_table_lookup(keys->keys, names->pdata[i]);

		g_assert_true(g_utf8_validate(names->pdata[i], -1, NULL));
		try_object(key->value);
	}
	differences = rd_key_table_compare(keys, keys);
	g_assert_cmpuint(differences->len, ==, 0);
}

static void
try_cluster(const char *path)
{
	g_autoptr(GError) error = NULL, copy_error = NULL;
	g_autoptr(RdIdentity) identity = rd_identity_read(path, NULL, &error);
	g_autoptr(JsonNode) copy = NULL;

	g_assert_no_error(error);
	g_assert_nonnull(identity);
	copy = rd_storage_copy_read(path, NULL, &copy_error);
	g_assert_true((copy == NULL) == (copy_error != NULL));
	if (copy_error != NULL)
		assert_told(copy_error->message, path);
}

static void
sum_up(const guint8 *data, gsize size, guint8 *sum)
{
	g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
	gsize sum_size = SUM;

	g_checksum_update(checksum, data, size);
	g_checksum_get_digest(checksum, sum, &sum_size);
}

static gboolean
has_its_sum(const guint8 *data, gsize size)
{
	guint8 sum[SUM];

	if (size <= SUM)
		return FALSE;
	sum_up(data, size - SUM, sum);
	return memcmp(sum, data + size - SUM, SUM) == 0;
}

/* TRUE: nothing is wrong with its tree */
static gboolean
try_snapshot(const char *path, gboolean summed)
{
	g_autoptr(RdSnapshot) snapshot = rd_snapshot_check(path, NULL);
	g_autoptr(GError) error = NULL;
	g_autoptr(RdFacts) facts = rd_facts_read(path, NULL, &error);

	assert_told(snapshot->text, path);
	g_assert_true(summed || snapshot->verdict != RD_SNAPSHOT_SOUND);
	g_assert_true((facts == NULL) == (error != NULL));
	if (facts != NULL) {
		g_assert_cmpint(facts->size, <=, snapshot->size);
		try_keys(path, facts);
		try_cluster(path);
		return TRUE;
	}
	assert_told(error->message, path);
	return FALSE;
}

static void
try_resources(const char *path)
{
	g_autoptr(GError) error = NULL, unproven = NULL;
	g_autoptr(RdResources) resources = rd_resources_read(path, NULL, &error);
	RdPair pair = {.resources = (char *)path};

	g_assert_true((resources == NULL) == (error != NULL));
	if (error != NULL)
		assert_told(error->message, path);
	else
		g_assert_cmpuint(resources->bytes, <=, RD_RESOURCES_BYTES);
	if (!rd_pair_prove_resources(&pair, NULL, &unproven))
		assert_told(unproven->message, path);
	g_free(pair.resources_sha256);
}

static void
try_verdict(const char *path, gboolean sound_tree)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(RdBackupVerdict) verdict = rd_verdict_reach(path, 0, NULL, &error);

	g_assert_no_error(error);
	g_assert_true((verdict->facts != NULL) == sound_tree);
	if (!sound_tree || verdict->proof->verdict != RD_SNAPSHOT_SOUND)
		g_assert_cmpint(verdict->level, ==, RD_CHECK_BLOCK);
	for (guint i = 0; i < verdict->checks->len; i++) {
		const RdCheck *check = verdict->checks->pdata[i];

		g_assert_true(g_utf8_validate(check->text, -1, NULL));
		g_assert_true((check->level == RD_CHECK_OK) == (check->remedy == NULL));
	}
}

static void
try_bytes(const guint8 *data, gsize size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
	gssize n = fd < 0 ? -1 : write(fd, data, size);

	if (n < 0 || (gsize)n != size)
		g_error("%" G_GSIZE_FORMAT " bytes in memory: %s", size, g_strerror(errno));
	try_verdict(path, try_snapshot(path, has_its_sum(data, size)));
	try_resources(path);
	close(fd);
}

/* ---- sums that fit ------------------------------------------------------------------------- */

static void
seal_meta(guint8 *page)
{
	guint8 *meta = page + PAGE_HEADER;
	guint64 sum = G_GUINT64_CONSTANT(0xcbf29ce484222325);

	for (guint i = 0; i < META_SUMMED; i++)
		sum = (sum ^ meta[i]) * G_GUINT64_CONSTANT(0x100000001b3);
	sum = GUINT64_TO_LE(sum);
	memcpy(meta + META_SUMMED, &sum, sizeof(sum));
}

static void
seal(guint8 *data, gsize size)
{
	guint32 page_size = rd_bbolt_u32(data + PAGE_HEADER + 8, FALSE);

	seal_meta(data);
	if (page_size <= size - PAGE_HEADER - META_SIZE - SUM)
		seal_meta(data + page_size);
	sum_up(data, size - SUM, data + size - SUM);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
	g_autofree guint8 *sealed = NULL;

	if (size > TRIED_MAX)
		return 0;
	try_bytes(data, size);
	if (size < PAGE_HEADER + META_SIZE + SUM)
		return 0;
	sealed = g_memdup2(data, size);
	seal(sealed, size);
	try_bytes(sealed, size);
	return 0;
}

#ifndef RD_FUZZER
#include "replay.h"

#define VARIANTS 150
#define FRONT	 64 /* of a page: its header and a few elements */
#define PAGE	 4096
#define BLOCK	 512 /* of a tar */

/* a number where numbers are: at the front of a page or of a tar's header, or anywhere */
static void
damage(GRand *rand, GByteArray *bytes)
{
	guint at = g_rand_int_range(rand, 0, MAX(bytes->len, 1));
	guint front = at / PAGE * PAGE + g_rand_int_range(rand, 0, FRONT);
	guint wanted = g_rand_int_range(rand, 1, 2 * PAGE);
	guint size = MIN(bytes->len - at, wanted);

	if (bytes->len == 0)
		return;
	front = MIN(front, bytes->len - 1);
	switch (g_rand_int_range(rand, 0, 5)) {
	case 0:
		bytes->data[front] += g_rand_boolean(rand) ? 1 : -1;
		break;
	case 1:
		bytes->data[front] = g_rand_int(rand);
		break;
	case 2:
		bytes->data[at] ^= 1 << g_rand_int_range(rand, 0, 8);
		break;
	case 3:
		memset(bytes->data + at, g_rand_boolean(rand) ? 0 : 0xff, size);
		break;
	default:
		at = at / BLOCK * BLOCK;
		size = MIN(bytes->len - at, size / BLOCK * BLOCK + BLOCK);
		g_byte_array_remove_range(bytes, at, size);
		break;
	}
}

int
main(int argc, char **argv)
{
	return replay(argv + 1, "", VARIANTS, damage);
}
#endif
