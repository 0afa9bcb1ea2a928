/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "etcd-fixture.h"
#include <gio/gio.h>

/* A node's Lease as it lies in etcd: protobuf, made here by the field numbers. */

static inline void
add_bytes(GByteArray *to, guint number, const void *bytes, gsize size)
{
	const guint8 front[] = {number << 3 | 2, size};

	g_assert_cmpuint(size, <, 128);
	g_byte_array_append(to, front, sizeof(front));
	g_byte_array_append(to, bytes, size);
}

/* a Time: seconds in field 1 */
static inline void
add_time(GByteArray *to, guint number, guint64 seconds)
{
	guint8 time[11] = {1 << 3};
	guint size = 1;

	for (; seconds >= 128; seconds >>= 7)
		time[size++] = 128 | (seconds & 127);
	time[size++] = seconds;
	add_bytes(to, number, time, size);
}

/* a Lease as an API server writes it, renewed after it was created */
static inline GByteArray *
make_lease(gint64 renewed)
{
	g_autoptr(GByteArray) type = g_byte_array_new(), metadata = g_byte_array_new();
	g_autoptr(GByteArray) spec = g_byte_array_new(), raw = g_byte_array_new();
	GByteArray *lease = g_byte_array_new();

	add_bytes(type, 1, "coordination.k8s.io/v1", 22);
	add_bytes(type, 2, "Lease", 5);
	add_bytes(metadata, 1, "m0", 2);
	add_bytes(metadata, 3, "kube-node-lease", 15);
	add_time(metadata, 8, renewed - 24 * 60 * 60);
	add_bytes(spec, 1, "m0", 2);
	add_time(spec, 4, renewed);
	add_bytes(raw, 1, metadata->data, metadata->len);
	add_bytes(raw, 2, spec->data, spec->len);
	g_byte_array_append(lease, (const guint8 *)"k8s", 4);
	add_bytes(lease, 1, type->data, type->len);
	add_bytes(lease, 2, raw->data, raw->len);
	return lease;
}

/* what a node does all the time; @dir: for a file */
static inline void
put_lease(Etcd *etcd, const char *dir, gint64 renewed)
{
	g_autoptr(GByteArray) lease = make_lease(renewed);
	g_autofree char *program = etcd_program("etcdctl");
	g_autofree char *file = g_build_filename(dir, "lease", NULL);
	/* there is a NUL in it: from a file */
	g_autofree char *script =
	    g_strdup_printf("%s --endpoints=%s put /kubernetes.io/leases/kube-node-lease/m0 <%s",
			    program, etcd->endpoint, file);
	const char *argv[] = {"sh", "-c", script, NULL};
	int status = 1;

	g_assert_true(g_file_set_contents(file, (char *)lease->data, lease->len, NULL));
	g_assert_true(g_spawn_sync(NULL, (char **)argv, NULL,
				   G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL,
				   NULL, NULL, &status, NULL));
	g_assert_true(g_spawn_check_wait_status(status, NULL));
}
