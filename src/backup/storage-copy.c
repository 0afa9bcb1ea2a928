/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-backup"

#include "backup/storage-copy.h"

#include <string.h>

#include "backup/key-table.h"
#include "backup/kube-objects.h"
#include "backup/proto.h"

#define PREFIX "/kubernetes.io/persistentvolume" /* and "…claims/" */
#define MARK   "k8s\0" /* 4 bytes, then Unknown: the object is its field 2 */

/* Kubernetes' generated.proto, the fields that an audit reads: numbers never change. */

typedef enum {
	SHAPE_TEXT,
	SHAPE_TEXTS, /* repeated */
	SHAPE_TIME,  /* {seconds 1}, as the API writes it */
	SHAPE_MAP,   /* repeated {key 1, value 2} */
	SHAPE_MESSAGE,
	SHAPE_MESSAGES, /* repeated */
} ShapeKind;

typedef struct _Shape {
	guint32 number;
	const char *name;
	ShapeKind kind;
	const struct _Shape *inner; /* of a message */
} Shape;

static const Shape metadata[] = {{1, "name", SHAPE_TEXT},
				 {3, "namespace", SHAPE_TEXT},
				 {5, "uid", SHAPE_TEXT},
				 {8, "creationTimestamp", SHAPE_TIME},
				 {11, "labels", SHAPE_MAP},
				 {12, "annotations", SHAPE_MAP},
				 {0}};
static const Shape status[] = {{1, "phase", SHAPE_TEXT}, {0}};

static const Shape claim_ref[] = {{2, "namespace", SHAPE_TEXT},
				  {3, "name", SHAPE_TEXT},
				  {4, "uid", SHAPE_TEXT},
				  {0}};
static const Shape expression[] = {{1, "key", SHAPE_TEXT},
				   {2, "operator", SHAPE_TEXT},
				   {3, "values", SHAPE_TEXTS},
				   {0}};
static const Shape term[] = {{1, "matchExpressions", SHAPE_MESSAGES, expression}, {0}};
static const Shape selector[] = {{1, "nodeSelectorTerms", SHAPE_MESSAGES, term}, {0}};
static const Shape affinity[] = {{1, "required", SHAPE_MESSAGE, selector}, {0}};

static const Shape gce[] = {{1, "pdName", SHAPE_TEXT}, {0}};
static const Shape volume_id[] = {{1, "volumeID", SHAPE_TEXT}, {0}};
static const Shape nfs[] = {{1, "server", SHAPE_TEXT}, {2, "path", SHAPE_TEXT}, {0}};
static const Shape rbd[] = {{2, "image", SHAPE_TEXT}, {4, "pool", SHAPE_TEXT}, {0}};
static const Shape iscsi[] = {{1, "targetPortal", SHAPE_TEXT}, {2, "iqn", SHAPE_TEXT}, {0}};
static const Shape vsphere[] = {{1, "volumePath", SHAPE_TEXT}, {0}};
static const Shape azure[] = {{2, "diskURI", SHAPE_TEXT}, {0}};
static const Shape local[] = {{1, "path", SHAPE_TEXT}, {0}};
static const Shape csi[] = {{1, "driver", SHAPE_TEXT}, {2, "volumeHandle", SHAPE_TEXT}, {0}};

/* in JSON the members of the source are those of spec */
static const Shape source[] = {{1, "gcePersistentDisk", SHAPE_MESSAGE, gce},
			       {2, "awsElasticBlockStore", SHAPE_MESSAGE, volume_id},
			       {5, "nfs", SHAPE_MESSAGE, nfs},
			       {6, "rbd", SHAPE_MESSAGE, rbd},
			       {7, "iscsi", SHAPE_MESSAGE, iscsi},
			       {8, "cinder", SHAPE_MESSAGE, volume_id},
			       {14, "vsphereVolume", SHAPE_MESSAGE, vsphere},
			       {16, "azureDisk", SHAPE_MESSAGE, azure},
			       {20, "local", SHAPE_MESSAGE, local},
			       {22, "csi", SHAPE_MESSAGE, csi},
			       {0}};
static const Shape volume_spec[] = {{2, NULL, SHAPE_MESSAGE, source},
				    {3, "accessModes", SHAPE_TEXTS},
				    {4, "claimRef", SHAPE_MESSAGE, claim_ref},
				    {5, "persistentVolumeReclaimPolicy", SHAPE_TEXT},
				    {6, "storageClassName", SHAPE_TEXT},
				    {9, "nodeAffinity", SHAPE_MESSAGE, affinity},
				    {0}};
static const Shape volume[] = {{1, "metadata", SHAPE_MESSAGE, metadata},
			       {2, "spec", SHAPE_MESSAGE, volume_spec},
			       {3, "status", SHAPE_MESSAGE, status},
			       {0}};
static const Shape claim_spec[] = {{1, "accessModes", SHAPE_TEXTS},
				   {3, "volumeName", SHAPE_TEXT},
				   {5, "storageClassName", SHAPE_TEXT},
				   {0}};
static const Shape claim[] = {{1, "metadata", SHAPE_MESSAGE, metadata},
			      {2, "spec", SHAPE_MESSAGE, claim_spec},
			      {3, "status", SHAPE_MESSAGE, status},
			      {0}};

/* ---- reading ------------------------------------------------------------------------------- */

/* the array @name of @object, made when it is not there. (unowned) */
static JsonArray *
array_of(JsonObject *object, const char *name)
{
	if (!json_object_has_member(object, name))
		json_object_set_array_member(object, name, json_array_new());
	return json_object_get_array_member(object, name);
}

static JsonObject *
object_of(JsonObject *object, const char *name)
{
	if (!json_object_has_member(object, name))
		json_object_set_object_member(object, name, json_object_new());
	return json_object_get_object_member(object, name);
}

static char *
read_time(const RdProtoField *field)
{
	RdProto proto = {.at = field->bytes, .end = field->bytes + field->size};
	g_autoptr(GDateTime) time = NULL;
	RdProtoField one;

	while (rd_proto_next(&proto, &one) == RD_PROTO_FIELD)
		if (one.number == 1 && one.wire == RD_PROTO_VARINT && time == NULL)
			time = g_date_time_new_from_unix_utc((gint64)one.value);
	return time != NULL ? g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ") : NULL;
}

static void
read_map(JsonObject *into, const char *name, const RdProtoField *field)
{
	RdProtoField key, value;
	g_autofree char *key_text = NULL, *value_text = NULL;

	if (rd_proto_find(field->bytes, field->size, 1, &key))
		key_text = rd_proto_text(&key);
	if (rd_proto_find(field->bytes, field->size, 2, &value))
		value_text = rd_proto_text(&value);
	if (key_text != NULL)
		json_object_set_string_member(object_of(into, name), key_text,
					      value_text != NULL ? value_text : "");
}

static gboolean read_message(JsonObject *into, const Shape *shape, const guint8 *bytes, gsize size);

/* FALSE: malformed */
static gboolean
read_field(JsonObject *into, const Shape *shape, const RdProtoField *field)
{
	g_autofree char *text = NULL;
	JsonObject *inner;

	switch (shape->kind) {
	case SHAPE_TEXT:
	case SHAPE_TEXTS:
		text = rd_proto_text(field);
		if (text == NULL)
			return FALSE;
		/* written although it is empty; the API leaves it out */
		if (shape->kind == SHAPE_TEXT && *text != '\0')
			json_object_set_string_member(into, shape->name, text);
		else if (shape->kind == SHAPE_TEXTS)
			json_array_add_string_element(array_of(into, shape->name), text);
		return TRUE;
	case SHAPE_TIME:
		text = read_time(field);
		if (text != NULL)
			json_object_set_string_member(into, shape->name, text);
		return TRUE;
	case SHAPE_MAP:
		read_map(into, shape->name, field);
		return TRUE;
	case SHAPE_MESSAGE:
		inner = shape->name != NULL ? object_of(into, shape->name) : into;
		return read_message(inner, shape->inner, field->bytes, field->size);
	case SHAPE_MESSAGES:
		inner = json_object_new();
		json_array_add_object_element(array_of(into, shape->name), inner);
		return read_message(inner, shape->inner, field->bytes, field->size);
	}
	return FALSE;
}

static gboolean
read_message(JsonObject *into, const Shape *shape, const guint8 *bytes, gsize size)
{
	RdProto proto = {.at = bytes, .end = bytes + size};
	RdProtoResult result;
	RdProtoField field;

	while ((result = rd_proto_next(&proto, &field)) == RD_PROTO_FIELD)
		for (const Shape *one = shape; one->number != 0; one++)
			if (one->number == field.number && field.wire == RD_PROTO_BYTES &&
			    !read_field(into, one, &field))
				return FALSE;
	return result == RD_PROTO_END;
}

JsonNode *
rd_storage_copy_object(const guint8 *value, gsize size, gboolean is_claim)
{
	g_autoptr(JsonNode) node = rd_object_parse_json(value, size);
	JsonObject *object;
	RdProtoField raw;

	if (node != NULL)
		return g_steal_pointer(&node);
	if (size < 4 || memcmp(value, MARK, 4) != 0 || !rd_proto_find(value + 4, size - 4, 2, &raw))
		return NULL;
	object = json_object_new();
	node = json_node_new(JSON_NODE_OBJECT);
	json_node_take_object(node, object);
	return read_message(object, is_claim ? claim : volume, raw.bytes, raw.size)
		   ? g_steal_pointer(&node)
		   : NULL;
}

/* ---- all of a snapshot --------------------------------------------------------------------- */

static gboolean
add_key(JsonArray *volumes, JsonArray *claims, const char *path, const char *name, const RdKey *key,
	GError **error)
{
	g_autoptr(RdObjectKey) parts = rd_object_key_parse((const guint8 *)name, strlen(name));
	gboolean is_claim = parts != NULL && strcmp(parts->resource, "persistentvolumeclaims") == 0;
	JsonNode *object;
	gconstpointer bytes;
	gsize size = 0;

	if (parts == NULL || (!is_claim && strcmp(parts->resource, "persistentvolumes") != 0))
		return TRUE;
	bytes = key->value != NULL ? g_bytes_get_data(key->value, &size) : NULL;
	object = rd_storage_copy_object(bytes, size, is_claim);
	if (object == NULL) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
			    "%s: %s cannot be read: it is encrypted at rest, or no object of "
			    "Kubernetes'",
			    path, name);
		return FALSE;
	}
	json_array_add_element(is_claim ? claims : volumes, object);
	return TRUE;
}

JsonNode *
rd_storage_copy_read(const char *path, GCancellable *cancellable, GError **error)
{
	static const char *const values[] = {PREFIX, NULL};
	const RdKeyFilter filter = {.prefix = PREFIX, .values = values};
	g_autoptr(RdKeyTable) table = rd_key_table_read(path, &filter, cancellable, error);
	g_autoptr(JsonNode) root = json_node_new(JSON_NODE_OBJECT);
	JsonObject *top = json_object_new(), *lists = json_object_new();
	JsonArray *volumes = json_array_new(), *claims = json_array_new();
	g_autoptr(GPtrArray) names = NULL;
	g_autofree char *taken = NULL;

	json_object_set_int_member(top, "format", 1);
	json_object_set_string_member(top, "run", "");
	json_object_set_array_member(lists, "persistentvolumes", volumes);
	json_object_set_array_member(lists, "persistentvolumeclaims", claims);
	json_object_set_object_member(top, "lists", lists);
	json_node_take_object(root, top);
	if (table == NULL)
		return NULL;
	taken = g_strdup_printf("%" G_GINT64_FORMAT, table->written);
	json_object_set_string_member(top, "taken", taken);
	names = rd_key_table_sort(table);
	for (guint i = 0; i < names->len; i++)
		if (!add_key(volumes, claims, path, names->pdata[i],
			     g_hash_table_lookup(table->keys, names->pdata[i]), error))
			return NULL;
	return g_steal_pointer(&root);
}
