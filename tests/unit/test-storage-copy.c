/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backup/storage-copy.h"
#include <string.h>

/* Volumes and claims as they lie in etcd. The bytes are made here, by the field numbers of
 * Kubernetes' generated.proto; those of a real API server are compared in tests/e2e/audit-storage.
 */

static void
add_varint(GByteArray *to, guint64 value)
{
	do {
		guint8 byte = (value & 0x7f) | (value > 0x7f ? 0x80 : 0);

		g_byte_array_append(to, &byte, 1);
		value >>= 7;
	} while (value > 0);
}

static void
add_bytes(GByteArray *to, guint number, gconstpointer bytes, gsize size)
{
	add_varint(to, number << 3 | 2);
	add_varint(to, size);
	g_byte_array_append(to, bytes, (guint)size);
}

static void
add_text(GByteArray *to, guint number, const char *text)
{
	add_bytes(to, number, text, strlen(text));
}

/* takes @inner */
static void
add_message(GByteArray *to, guint number, GByteArray *inner)
{
	add_bytes(to, number, inner->data, inner->len);
	g_byte_array_unref(inner);
}

static GByteArray *
message(guint number, const char *text)
{
	GByteArray *made = g_byte_array_new();

	add_text(made, number, text);
	return made;
}

static GByteArray *
metadata(const char *namespace, const char *name, const char *uid)
{
	GByteArray *made = message(1, name), *time = g_byte_array_new(), *label = message(1, "k");

	/* empty texts are written, too */
	add_text(made, 3, namespace != NULL ? namespace : "");
	add_text(made, 5, uid);
	add_varint(time, 1 << 3);
	add_varint(time, 1767225600);
	add_message(made, 8, time);
	add_text(label, 2, "v");
	add_message(made, 11, label);
	add_text(made, 77, "of a later release");
	return made;
}

static GByteArray *
unknown(const char *kind, GByteArray *object)
{
	GByteArray *made = g_byte_array_new(), *type = message(1, "v1");

	g_byte_array_append(made, (const guint8 *)"k8s\0", 4);
	add_text(type, 2, kind);
	add_message(made, 1, type);
	add_message(made, 2, object);
	return made;
}

static GByteArray *
volume(void)
{
	GByteArray *object = g_byte_array_new(), *spec = g_byte_array_new();
	GByteArray *source = g_byte_array_new(), *csi = message(1, "csi.example");
	GByteArray *ref = message(1, "PersistentVolumeClaim");
	GByteArray *expression = message(1, "kubernetes.io/hostname"), *term = g_byte_array_new();
	GByteArray *selector = g_byte_array_new(), *affinity = g_byte_array_new();

	add_text(csi, 2, "vol-1");
	add_message(source, 22, csi);
	add_text(ref, 2, "app");
	add_text(ref, 3, "data");
	add_text(ref, 4, "c-1");
	add_text(expression, 2, "In");
	add_text(expression, 3, "w0");
	add_text(expression, 3, "w1");
	add_message(term, 1, expression);
	add_message(selector, 1, term);
	add_message(affinity, 1, selector);
	add_message(spec, 2, source);
	add_text(spec, 3, "ReadWriteOnce");
	add_message(spec, 4, ref);
	add_text(spec, 5, "Delete");
	add_text(spec, 6, "fast");
	add_message(spec, 9, affinity);
	add_message(object, 1, metadata(NULL, "pv-1", "u-1"));
	add_message(object, 2, spec);
	add_message(object, 3, message(1, "Bound"));
	return unknown("PersistentVolume", object);
}

static GByteArray *
claim(void)
{
	GByteArray *object = g_byte_array_new(), *spec = message(1, "ReadWriteOnce");

	add_text(spec, 3, "pv-1");
	add_text(spec, 5, "fast");
	add_message(object, 1, metadata("app", "data", "c-1"));
	add_message(object, 2, spec);
	add_message(object, 3, message(1, "Bound"));
	return unknown("PersistentVolumeClaim", object);
}

#define META "\"creationTimestamp\":\"2026-01-01T00:00:00Z\",\"labels\":{\"k\":\"v\"}},\"spec\":{"

static void
test_objects(void)
{
	g_autoptr(GByteArray) pv = volume(), pvc = claim();
	g_autoptr(JsonNode) one = rd_storage_copy_object(pv->data, pv->len, FALSE);
	g_autoptr(JsonNode) other = rd_storage_copy_object(pvc->data, pvc->len, TRUE);
	g_autofree char *text = NULL, *claim_text = NULL;

	g_assert_nonnull(one);
	text = json_to_string(one, FALSE);
	g_assert_cmpstr(
	    text, ==,
	    "{\"metadata\":{\"name\":\"pv-1\",\"uid\":\"u-1\"," META
	    "\"csi\":{\"driver\":\"csi.example\",\"volumeHandle\":\"vol-1\"},"
	    "\"accessModes\":[\"ReadWriteOnce\"],\"claimRef\":{\"namespace\":\"app\",\"name\":"
	    "\"data\",\"uid\":\"c-1\"},\"persistentVolumeReclaimPolicy\":\"Delete\","
	    "\"storageClassName\":\"fast\",\"nodeAffinity\":{\"required\":{\"nodeSelectorTerms\":"
	    "[{\"matchExpressions\":[{\"key\":\"kubernetes.io/hostname\",\"operator\":\"In\","
	    "\"values\":[\"w0\",\"w1\"]}]}]}}},\"status\":{\"phase\":\"Bound\"}}");
	g_assert_nonnull(other);
	claim_text = json_to_string(other, FALSE);
	g_assert_cmpstr(
	    claim_text, ==,
	    "{\"metadata\":{\"name\":\"data\",\"namespace\":\"app\",\"uid\":\"c-1\"," META
	    "\"accessModes\":[\"ReadWriteOnce\"],\"volumeName\":\"pv-1\","
	    "\"storageClassName\":\"fast\"},\"status\":{\"phase\":\"Bound\"}}");
}

/* bytes from a damaged file: no cut and no flipped bit is more than an object or none */
static void
test_damaged(void)
{
	g_autoptr(GByteArray) whole = volume();
	static const guint8 encrypted[] = "k8s:enc:aescbc:v1:key1:xxxx";

	for (guint cut = 0; cut < whole->len; cut++) {
		g_autofree guint8 *exact = g_memdup2(whole->data, cut);
		g_autoptr(JsonNode) node = rd_storage_copy_object(exact, cut, FALSE);

		g_assert_null(node);
	}
	for (guint bit = 0; bit < whole->len * 8; bit++) {
		g_autofree guint8 *exact = g_memdup2(whole->data, whole->len);
		g_autoptr(JsonNode) node = NULL;

		exact[bit / 8] ^= (guint8)(1u << bit % 8);
		node = rd_storage_copy_object(exact, whole->len, FALSE);
		g_assert_true(node == NULL || JSON_NODE_HOLDS_OBJECT(node));
	}
	g_assert_null(rd_storage_copy_object(encrypted, sizeof encrypted - 1, FALSE));
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/storage-copy/objects", test_objects);
	g_test_add_func("/storage-copy/damaged", test_damaged);
	return g_test_run();
}
