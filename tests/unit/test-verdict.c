/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backup/identity.h"
#include "backup/kube-objects.h"
#include "backup/loss.h"
#include "backup/verdict.h"

#include "etcd-fixture.h"
#include "lease-fixture.h"
#include "tar-fixture.h"

#define NOW   G_GINT64_CONSTANT(1795147200) /* 2026-11-20 04:00 UTC */
#define DAY   (24 * 60 * 60)
#define STAMP "2026-11-20_031502"

static char *scratch, *snapshot, *later; /* the latter two NULL without etcd */

static char *
in_scratch(const char *name)
{
	return g_build_filename(scratch, name, NULL);
}

static gboolean
have_etcd(void)
{
	if (snapshot != NULL)
		return TRUE;
	g_test_skip("no etcd on this machine");
	return FALSE;
}

/* ---- tars ---------------------------------------------------------------------------------- */

static void
test_resources(void)
{
	g_autofree char *path = in_scratch("good.tar.gz");
	g_autofree char *pem = make_certificate("signer", NOW - DAY, NOW + 100 * DAY);
	g_autoptr(GError) error = NULL;
	g_autoptr(RdResources) resources = NULL;
	const RdCertificate *certificate = NULL;
	Tar tar;

	tar_begin(&tar, path);
	tar_add_type(&tar, "static-pod-resources/", AE_IFDIR, "");
	tar_add_pods(&tar, "m0", NULL);
	tar_add(&tar, "static-pod-resources/etcd-pod-7/secrets/a/ca.crt", pem);
	tar_add(&tar, "static-pod-resources/etcd-pod-7/secrets/b/ca.crt", pem);
	tar_add(&tar,
		"static-pod-resources/kube-apiserver-pod-7/secrets/encryption-config/"
		"encryption-config",
		"{\"resources\":[{\"resources\":[\"secrets\"],\"providers\":[{\"aescbc\":{\"keys\":"
		"[{\"name\":\"2\",\"secret\":\"c2VjcmV0\"},{\"name\":\"1\",\"secret\":\"eA==\"}]}},"
		"{\"identity\":{}}]}]}");
	tar_end(&tar);
	resources = rd_resources_read(path, NULL, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(resources->members, ==, 8);
	for (guint i = 0; i < RD_STATIC_PODS; i++) {
		g_assert_true(resources->pods[i].found);
		g_assert_false(resources->pods[i].tagged);
		g_assert_cmpuint(resources->pods[i].revision, ==, 7);
		g_assert_cmpuint(g_strv_length(resources->pods[i].images), ==, 1);
	}
	g_assert_cmpstr(resources->pods[0].images[0], ==, "quay.io/x/etcd@" TAR_DIGEST);
	g_assert_cmpstr(resources->hosts[0], ==, "m0");
	g_assert_null(resources->hosts[1]);
	g_assert_cmpuint(resources->certificates->len, ==, 1);
	certificate = resources->certificates->pdata[0];
	g_assert_cmpstr(certificate->subject, ==, "CN=signer");
	g_assert_true(certificate->authority);
	g_assert_cmpint(certificate->ends, ==, NOW + 100 * DAY);
	g_assert_true(resources->encryption);
	g_assert_cmpstr(resources->encryption_key, ==, "aescbc/2");
	g_assert_cmpuint(g_strv_length(resources->encryption_keys), ==, 2);
}

static void
assert_refused(const char *path, const char *why)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(RdResources) resources = rd_resources_read(path, NULL, &error);

	g_assert_null(resources);
	g_assert_error(error, RD_BACKUP_ERROR, RD_BACKUP_ERROR_DAMAGED);
	g_test_message("%.300s", error->message);
	g_assert_true(g_str_has_prefix(error->message, path));
	g_assert_nonnull(strstr(error->message, why));
	g_assert_cmpuint(strlen(error->message), <, 1000);
}

static void
test_hostile(void)
{
	static const struct {
		const char *name;
		guint type;
		const char *text, *why;
	} table[] = {
	    {"/etc/shadow", AE_IFREG, "x", "absolute"},
	    {"static-pod-resources/../../etc/shadow", AE_IFREG, "x", "out of its directory"},
	    {"../static-pod-resources/x", AE_IFREG, "x", "out of its directory"},
	    {"static-pod-resources/..", AE_IFDIR, "", "out of its directory"},
	    {"static-pod-resources/x", AE_IFLNK, "/etc", "link"},
	    {"static-pod-resources/x", AE_IFSOCK, "/etc/shadow", "link"},
	    {"static-pod-resources/x", AE_IFIFO, "", "neither a file"},
	    {"static-pod-resources/x", AE_IFBLK, "", "neither a file"},
	    {"static-pod-resources.evil/x", AE_IFREG, "x", "not below"},
	    {"static-pod-resourcesx", AE_IFREG, "x", "not below"},
	    {"kubeconfig", AE_IFREG, "x", "not below"},
	};
	g_autofree char *path = in_scratch("hostile.tar.gz");
	g_autofree char *long_name = g_strnfill(500000, 'n');
	Tar tar;

	for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
		tar_begin(&tar, path);
		tar_add_pods(&tar, "m0", NULL);
		tar_add_type(&tar, table[i].name, table[i].type, table[i].text);
		tar_end(&tar);
		assert_refused(path, table[i].why);
	}
	tar_begin(&tar, path);
	tar_add(&tar, long_name, "x");
	tar_end(&tar);
	assert_refused(path, "not below");
	g_assert_true(g_file_set_contents(path, "no gzip, no tar", -1, NULL));
	assert_refused(path, "");
	g_assert_true(g_file_set_contents(path, "", 0, NULL));
	assert_refused(path, "");
	assert_refused("/nonexistent/x.tar.gz", "");
}

static GBytes *
gzip(const void *bytes, gsize size)
{
	g_autoptr(GZlibCompressor) gz = g_zlib_compressor_new(G_ZLIB_COMPRESSOR_FORMAT_GZIP, 9);
	g_autoptr(GOutputStream) memory = g_memory_output_stream_new_resizable();
	g_autoptr(GOutputStream) stream = g_converter_output_stream_new(memory, G_CONVERTER(gz));

	g_assert_true(g_output_stream_write_all(stream, bytes, size, NULL, NULL, NULL));
	g_assert_true(g_output_stream_close(stream, NULL, NULL));
	return g_memory_output_stream_steal_as_bytes(G_MEMORY_OUTPUT_STREAM(memory));
}

/* a tar header by hand: @size is more than anybody has here */
static void
fill_header(guint8 *header, const char *name, guint64 size)
{
	guint sum = 0;

	memset(header, 0, 512);
	strcpy((char *)header, name);
	strcpy((char *)header + 100, "0000600");
	g_snprintf((char *)header + 124, 12, "%011" G_GINT64_MODIFIER "o", size);
	strcpy((char *)header + 136, "00000000000");
	header[156] = '0';
	strcpy((char *)header + 257, "ustar");
	memcpy(header + 263, "00", 2);
	memset(header + 148, ' ', 8);
	for (guint i = 0; i < 512; i++)
		sum += header[i];
	g_snprintf((char *)header + 148, 8, "%06o", sum);
}

/* 6 GiB of zeros in some MB: ends at the limit, not at its end */
static void
test_bomb(void)
{
	g_autofree char *path = in_scratch("bomb.tar.gz");
	g_autofree guint8 *zeros = g_malloc0(16 << 20);
	g_autoptr(GByteArray) bomb = g_byte_array_new();
	g_autoptr(GBytes) front = NULL;
	g_autoptr(GBytes) piece = gzip(zeros, 16 << 20);
	guint8 header[512];

	fill_header(header, "static-pod-resources/x", G_GUINT64_CONSTANT(6) << 30);
	front = gzip(header, sizeof(header));
	g_byte_array_append(bomb, g_bytes_get_data(front, NULL), g_bytes_get_size(front));
	for (guint i = 0; i < 384; i++)
		g_byte_array_append(bomb, g_bytes_get_data(piece, NULL), g_bytes_get_size(piece));
	g_assert_true(g_file_set_contents(path, (char *)bomb->data, bomb->len, NULL));
	assert_refused(path, "more than 1 GiB");
}

static void
test_crowd(void)
{
	g_autofree char *path = in_scratch("crowd.tar.gz");
	gsize size = (gsize)(RD_RESOURCES_MEMBERS + 1) * 512;
	g_autofree guint8 *headers = g_malloc(size);
	g_autoptr(GBytes) bytes = NULL;

	fill_header(headers, "static-pod-resources/x", 0);
	for (gsize at = 512; at < size; at += 512)
		memcpy(headers + at, headers, 512);
	bytes = gzip(headers, size);
	g_assert_true(g_file_set_contents(path, g_bytes_get_data(bytes, NULL),
					  g_bytes_get_size(bytes), NULL));
	assert_refused(path, "more than 100000 members");
}

/* ---- verdicts ------------------------------------------------------------------------------ */

typedef struct {
	const char *what;
	const char *host, *without; /* of tar_add_pods() */
	gint64 ends;		    /* of its certificate, from NOW */
	const char *key;	    /* (nullable) of an encryption configuration */
	const char *check;
	RdCheckLevel level;
} Case;

static RdCheckLevel
level_of(const RdBackupVerdict *verdict, const char *name)
{
	for (guint i = 0; i < verdict->checks->len; i++) {
		const RdCheck *check = verdict->checks->pdata[i];

		if (strcmp(check->name, name) == 0)
			return check->level;
	}
	g_error("no check %s", name);
}

static void
make_pair(const char *dir, const char *from, const Case *one)
{
	g_autofree char *db = g_build_filename(dir, "snapshot_" STAMP ".db", NULL);
	g_autofree char *gz = g_build_filename(dir, "static_kuberesources_" STAMP ".tar.gz", NULL);
	g_autofree char *pem = make_certificate("signer", NOW - DAY, NOW + one->ends);
	g_autofree char *data = NULL;
	gsize size = 0;
	Tar tar;

	g_assert_cmpint(g_mkdir_with_parents(dir, 0700), ==, 0);
	g_assert_true(g_file_get_contents(from, &data, &size, NULL));
	g_assert_true(g_file_set_contents(db, data, size, NULL));
	tar_begin(&tar, gz);
	tar_add_pods(&tar, one->host, one->without);
	tar_add(&tar, "static-pod-resources/etcd-pod-7/secrets/a/ca.crt", pem);
	if (one->key != NULL) {
		g_autofree char *text =
		    g_strdup_printf("{\"resources\":[{\"providers\":[{\"aescbc\":{\"keys\":[{"
				    "\"name\":\"%s\"}]}}]}]}",
				    one->key);

		tar_add(&tar,
			"static-pod-resources/kube-apiserver-pod-7/secrets/"
			"encryption-config/encryption-config",
			text);
	}
	tar_end(&tar);
}

static RdBackupVerdict *
reach(const char *path)
{
	g_autoptr(GError) error = NULL;
	RdBackupVerdict *verdict = rd_verdict_reach(path, NOW, NULL, &error);

	g_assert_no_error(error);
	for (guint i = 0; i < verdict->checks->len; i++) {
		const RdCheck *check = verdict->checks->pdata[i];

		g_test_message("%s %s %s", rd_check_level_to_string(check->level), check->name,
			       check->text);
		g_assert_true((check->level == RD_CHECK_OK) == (check->remedy == NULL));
		g_assert_cmpint(check->level, <=, verdict->level);
	}
	return verdict;
}

/* 4.1 to 4.3: a snapshot out of the files of the masters, without one of which it is none */
static void
test_archive(void)
{
	static const char *const rest[] = {"etcd-member.yaml", "etcd-client.key", "etcd-client.crt",
					   "etcd-ca-bundle.crt"};
	g_autofree char *path = in_scratch("x.snapshots.tgz"), *unpacked = NULL;
	g_autoptr(GMappedFile) data = NULL;

	if (!have_etcd())
		return;
	data = g_mapped_file_new(snapshot, FALSE, NULL);
	for (guint missing = 0; missing < 2; missing++) {
		g_autoptr(RdBackupVerdict) verdict = NULL;
		Tar tar;

		tar_begin(&tar, path);
		for (guint i = missing; i < G_N_ELEMENTS(rest); i++) {
			g_autofree char *name = g_strdup_printf("m0/assets/backup/%s", rest[i]);

			tar_add(&tar, name, "x");
		}
		tar_add_file(&tar, "m0/assets/backup/snapshot.db", data);
		tar_end(&tar);
		verdict = reach(path);
		g_assert_cmpint(verdict->level, ==, missing ? RD_CHECK_BLOCK : RD_CHECK_OK);
		g_assert_true((verdict->facts != NULL) == (missing == 0));
		if (missing == 0)
			unpacked = g_strdup(verdict->unpacked);
	}
	g_assert_false(g_file_test(unpacked, G_FILE_TEST_EXISTS));
}

/* one fault at a time; in the snapshot a value is encrypted with aescbc/k1 */
static void
test_cases(void)
{
	static const Case cases[] = {
	    {"good", "m0", NULL, 100 * DAY, "k1", "encryption", RD_CHECK_OK},
	    {"no scheduler", "m0", "kube-scheduler", 100 * DAY, "k1", "manifests", RD_CHECK_BLOCK},
	    {"another host", "m9", NULL, 100 * DAY, "k1", "hosts", RD_CHECK_BLOCK},
	    {"expired", "m0", NULL, -60, "k1", "certificates", RD_CHECK_WARN},
	    {"a day old", "m0", NULL, DAY - 60, "k1", "certificates", RD_CHECK_WARN},
	    {"wrong key", "m0", NULL, 100 * DAY, "k2", "encryption", RD_CHECK_BLOCK},
	    {"no key", "m0", NULL, 100 * DAY, NULL, "encryption", RD_CHECK_BLOCK},
	};
	g_autofree char *dir = in_scratch("pair");

	if (!have_etcd())
		return;
	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(RdBackupVerdict) verdict = NULL;

		g_test_message("%s:", cases[i].what);
		make_pair(dir, snapshot, &cases[i]);
		verdict = reach(dir);
		g_assert_cmpint(level_of(verdict, cases[i].check), ==, cases[i].level);
		g_assert_cmpint(verdict->level, ==, cases[i].level);
	}
}

static void
test_broken_files(void)
{
	static const Case good = {"good", "m0", NULL, 100 * DAY, "k1", NULL, RD_CHECK_OK};
	g_autofree char *dir = in_scratch("broken");
	g_autofree char *db = g_build_filename(dir, "snapshot_" STAMP ".db", NULL);
	g_autofree char *gz = g_build_filename(dir, "static_kuberesources_" STAMP ".tar.gz", NULL);
	g_autoptr(RdBackupVerdict) flipped = NULL;
	g_autoptr(RdBackupVerdict) cut = NULL;
	g_autoptr(RdBackupVerdict) alone = NULL;
	g_autoptr(RdBackupVerdict) halved = NULL;
	char *data = NULL;
	gsize size = 0;

	if (!have_etcd())
		return;
	/* the hash finds it, and the walk too */
	make_pair(dir, snapshot, &good);
	g_assert_true(g_file_get_contents(db, &data, &size, NULL));
	/* all but the two meta pages: which of the others are free is etcd's timing */
	memset(data + 8192, 0xff, size - 32 - 8192);
	g_assert_true(g_file_set_contents(db, data, size, NULL));
	flipped = reach(dir);
	g_assert_cmpint(level_of(flipped, "bytes"), ==, RD_CHECK_BLOCK);
	g_assert_cmpint(level_of(flipped, "tree"), ==, RD_CHECK_BLOCK);
	g_assert_cmpint(level_of(flipped, "resources"), ==, RD_CHECK_OK);
	g_free(data);
	/* a tar that ends too early: also in its last bytes, where gzip's sum is */
	make_pair(dir, snapshot, &good);
	g_assert_true(g_file_get_contents(gz, &data, &size, NULL));
	data[size - 6] ^= 1;
	g_assert_true(g_file_set_contents(gz, data, size, NULL));
	cut = reach(dir);
	g_assert_cmpint(level_of(cut, "resources"), ==, RD_CHECK_BLOCK);
	g_assert_cmpint(level_of(cut, "tree"), ==, RD_CHECK_OK);
	g_free(data);
	/* a snapshot alone; and one whose other half is gone */
	alone = reach(snapshot);
	g_assert_cmpint(alone->level, ==, RD_CHECK_WARN);
	g_assert_cmpint(level_of(alone, "pair"), ==, RD_CHECK_WARN);
	g_assert_cmpint(remove(gz), ==, 0);
	halved = reach(db);
	g_assert_cmpint(level_of(halved, "pair"), ==, RD_CHECK_BLOCK);
	g_assert_cmpint(level_of(halved, "tree"), ==, RD_CHECK_OK);
}

/* ---- what is in it ------------------------------------------------------------------------- */

static void
test_identity(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(RdIdentity) identity = NULL;

	if (!have_etcd())
		return;
	identity = rd_identity_read(snapshot, NULL, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(identity->cluster_id, ==, "c0ffee");
	g_assert_cmpstr(identity->version, ==, "4.16.3");
	g_assert_true(identity->updating);
	g_assert_cmpstr(identity->name, ==, "lab-x7");
	g_assert_cmpstr(identity->vips[0], ==, "10.0.0.5");
	g_assert_cmpstr(identity->vips[1], ==, "10.0.0.6");
	g_assert_null(identity->vips[2]);
	g_assert_cmpstr(identity->nodes[0], ==, "m0");
	g_assert_null(identity->nodes[1]);
}

static void
test_difference(void)
{
	const RdKeyFilter filter = {0};
	g_autoptr(RdKeyTable) a = NULL;
	g_autoptr(RdKeyTable) b = NULL;
	g_autoptr(GPtrArray) list = NULL;
	g_autoptr(GPtrArray) none = NULL;
	const RdDifference *minions = NULL, *pods = NULL;

	if (!have_etcd())
		return;
	a = rd_key_table_read(snapshot, &filter, NULL, NULL);
	b = rd_key_table_read(later, &filter, NULL, NULL);
	list = rd_key_table_compare(a, b);
	none = rd_key_table_compare(a, a);
	g_assert_cmpuint(none->len, ==, 0);
	g_assert_cmpuint(list->len, ==, 3);
	minions = list->pdata[1];
	pods = list->pdata[2];
	g_assert_cmpstr(minions->resource, ==, "minions");
	g_assert_cmpuint(minions->only_a, ==, 1);
	g_assert_cmpstr(pods->resource, ==, "pods");
	g_assert_cmpstr(pods->namespace, ==, "ns");
	g_assert_cmpuint(pods->only_b, ==, 1);
	g_assert_cmpuint(pods->changed, ==, 1);
	g_assert_cmpuint(pods->only_a, ==, 0);
}

/* what a restore loses; what a cluster writes by itself is told, but does not count */
static void
test_loss(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(RdLoss) alone = NULL, loss = NULL;
	const RdLossKind *leases, *pods;

	if (!have_etcd())
		return;
	alone = rd_loss_read(snapshot, NULL, &error);
	g_assert_no_error(error);
	g_assert_false(alone->compared);
	g_assert_cmpint(alone->revision, >, 1);
	g_assert_cmpint(rd_loss_get_window(alone), ==, -1);
	loss = rd_loss_read(snapshot, later, &error);
	g_assert_no_error(error);
	g_assert_true(loss->compared);
	g_assert_cmpint(loss->newer_revision, >, loss->revision);
	g_assert_cmpint(loss->written, ==, NOW - DAY);
	g_assert_cmpint(loss->newer_written, ==, NOW);
	g_assert_cmpint(rd_loss_get_window(loss), ==, DAY);
	g_assert_cmpuint(loss->lost, ==, 1);
	g_assert_cmpuint(loss->changed, ==, 1);
	g_assert_cmpuint(loss->returns, ==, 1);
	g_assert_cmpuint(loss->kinds->len, ==, 3);
	leases = loss->kinds->pdata[0];
	pods = loss->kinds->pdata[2];
	g_assert_cmpstr(leases->resource, ==, "leases");
	g_assert_cmpuint(leases->changed, ==, 1);
	g_assert_cmpstr(pods->resource, ==, "pods");
	g_assert_cmpuint(pods->lost, ==, 1);
	g_assert_null(rd_loss_read(snapshot, "/nonsense", &error));
	g_assert_nonnull(strstr(error->message, "/nonsense"));
}

static void
test_keys(void)
{
	static const struct {
		const char *key, *resource, *namespace, *name;
	} table[] = {
	    {"/kubernetes.io/pods/ns/a", "pods", "ns", "a"},
	    {"/kubernetes.io/minions/m0", "minions", NULL, "m0"},
	    {"/registry/services/specs/ns/a", "services/specs", "ns", "a"},
	    {"/kubernetes.io/config.openshift.io/clusterversions/version",
	     "clusterversions.config.openshift.io", NULL, "version"},
	    {"/registry/apps.example.com/things/ns/a", "things.apps.example.com", "ns", "a"},
	    {"/openshift.io/routes/ns/a", "routes", "ns", "a"},
	    {"compact_rev_key", NULL, NULL, NULL},
	    {"/registry/health", NULL, NULL, NULL},
	    {"/", NULL, NULL, NULL},
	    {"", NULL, NULL, NULL},
	};

	for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
		g_autoptr(RdObjectKey) key =
		    rd_object_key_parse((const guint8 *)table[i].key, strlen(table[i].key));

		g_test_message("%s", table[i].key);
		g_assert_true((key == NULL) == (table[i].resource == NULL));
		if (key == NULL)
			continue;
		g_assert_cmpstr(key->resource, ==, table[i].resource);
		g_assert_cmpstr(key->namespace, ==, table[i].namespace);
		g_assert_cmpstr(key->name, ==, table[i].name);
	}
}

static void
test_protobuf(void)
{
	g_autoptr(GByteArray) lease = make_lease(NOW);
	g_autoptr(RdObject) object = rd_object_read(lease->data, lease->len);

	g_assert_cmpint(object->encoding, ==, RD_OBJECT_PROTOBUF);
	g_assert_cmpstr(object->api_version, ==, "coordination.k8s.io/v1");
	g_assert_cmpstr(object->kind, ==, "Lease");
	g_assert_cmpstr(object->namespace, ==, "kube-node-lease");
	g_assert_cmpstr(object->name, ==, "m0");
	g_assert_cmpint(object->written, ==, NOW);
	for (gsize cut = 0; cut < lease->len; cut++) {
		/* of exactly that size, so that reading behind it is found out */
		g_autofree guint8 *exact = g_memdup2(lease->data, cut);
		g_autoptr(RdObject) part = rd_object_read(exact, cut);

		g_assert_cmpint(part->encoding, ==, RD_OBJECT_OTHER);
		g_assert_cmpint(part->written, ==, 0);
	}
}

/* ---- fixture ------------------------------------------------------------------------------- */

static void
make_snapshots(void)
{
	g_autofree char *found = etcd_program("etcd");
	g_autofree char *data = in_scratch("etcd");
	Etcd etcd = {0};
	static const char *const objects[][2] = {
	    {"/kubernetes.io/config.openshift.io/clusterversions/version",
	     "{\"spec\":{\"clusterID\":\"c0ffee\"},\"status\":{\"desired\":{\"version\":\"4.16.3\"}"
	     ","
	     "\"history\":[{\"state\":\"Partial\"},{\"state\":\"Completed\"}]}}"},
	    {"/kubernetes.io/config.openshift.io/infrastructures/cluster",
	     "{\"status\":{\"infrastructureName\":\"lab-x7\",\"platformStatus\":{\"type\":"
	     "\"BareMetal\",\"baremetal\":{\"apiServerInternalIPs\":[\"10.0.0.5\"],"
	     "\"apiServerInternalIP\":\"10.0.0.5\",\"ingressIP\":\"10.0.0.6\"}}}}"},
	    {"/kubernetes.io/minions/m0", "x"},
	    {"/kubernetes.io/pods/ns/a", "1"},
	    {"/kubernetes.io/secrets/ns/s", "k8s:enc:aescbc:v1:k1:xyz"},
	};

	if (found == NULL)
		return;
	snapshot = in_scratch("plain.db");
	later = in_scratch("later.db");
	etcd_start(&etcd, data);
	for (guint i = 0; i < G_N_ELEMENTS(objects); i++)
		g_assert_true(etcd_ctl(&etcd, NULL, "put", objects[i][0], objects[i][1], NULL));
	put_lease(&etcd, scratch, NOW - DAY);
	etcd_save(&etcd, snapshot);
	g_assert_true(etcd_ctl(&etcd, NULL, "put", "/kubernetes.io/pods/ns/b", "1", NULL));
	g_assert_true(etcd_ctl(&etcd, NULL, "put", "/kubernetes.io/pods/ns/a", "1", NULL));
	g_assert_true(etcd_ctl(&etcd, NULL, "del", "/kubernetes.io/minions/m0", NULL));
	put_lease(&etcd, scratch, NOW);
	etcd_save(&etcd, later);
	etcd_stop(&etcd);
}

int
main(int argc, char **argv)
{
	g_autofree char *remove = NULL;
	int status = 0;

	g_test_init(&argc, &argv, NULL);
	scratch = g_dir_make_tmp("rd-verdict-XXXXXX", NULL);
	make_snapshots();
	g_test_add_func("/verdict/resources", test_resources);
	g_test_add_func("/verdict/hostile", test_hostile);
	g_test_add_func("/verdict/bomb", test_bomb);
	g_test_add_func("/verdict/crowd", test_crowd);
	g_test_add_func("/verdict/cases", test_cases);
	g_test_add_func("/verdict/archive", test_archive);
	g_test_add_func("/verdict/broken-files", test_broken_files);
	g_test_add_func("/verdict/identity", test_identity);
	g_test_add_func("/verdict/difference", test_difference);
	g_test_add_func("/verdict/loss", test_loss);
	g_test_add_func("/verdict/keys", test_keys);
	g_test_add_func("/verdict/protobuf", test_protobuf);
	status = g_test_run();
	remove = g_strdup_printf("rm -rf -- %s", scratch);
	g_spawn_command_line_sync(remove, NULL, NULL, NULL, NULL);
	g_free(scratch);
	g_free(snapshot);
	g_free(later);
	return status;
}
