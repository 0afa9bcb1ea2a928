/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Everything the plugins read that others wrote: any text may come, none may crash, and what was
 * accepted has to be of the form that was promised. */

#include "plugins/common/containers.h"
#include "plugins/common/etcd-ids.h"
#include "plugins/common/etcd-output.h"
#include "plugins/common/etcd-parse.h"
#include "plugins/common/manifest.h"
#include "plugins/keepalived/parse.h"
#include <recovery/plugin.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

GQuark
recovery_error_quark(void)
{
	return g_quark_from_static_string("recovery-error-quark");
}

/* one set, one text: what is read and written again has to be the same */
static void
check_round_trip(const RdMembers *members)
{
	g_autofree char *text = rd_members_to_string(members), *again = NULL;
	g_autoptr(RdMembers) back = rd_members_parse(text);

	if (back == NULL)
		return; /* URLs of the input may hold "," and "=" */
	again = rd_members_to_string(back);
	g_assert_true(strpbrk(text, "+") != NULL || !rd_members_equal(members, back) ||
		      g_str_equal(text, again));
}

static void
read_members(const char *text)
{
	g_autoptr(RdMembers) parsed = rd_members_parse(text);
	g_autoptr(RdMembers) printed = rd_output_added_members(text, NULL);

	if (parsed != NULL)
		check_round_trip(parsed);
	if (printed != NULL)
		check_round_trip(printed);
}

static void
read_etcdctl(const char *text)
{
	g_autoptr(GPtrArray) endpoints = rd_output_endpoints(text);
	g_autoptr(GPtrArray) members = rd_output_member_list(text);
	g_autoptr(GPtrArray) healthy = NULL;
	g_autofree char *alarm = NULL;
	guint64 id;

	for (guint i = 0; i < endpoints->len; i++) {
		const RdEndpoint *endpoint = endpoints->pdata[i];

		g_assert_nonnull(endpoint->term);
		g_assert_nonnull(endpoint->errors);
	}
	rd_output_health(text, &healthy, &alarm);
	rd_output_cluster_id(text, &id);
}

static void
read_operator(const char *text)
{
	g_autofree char *safe = NULL, *name = NULL, *address = NULL;

	if (rd_restore_pod_name(text, &safe, &name, NULL)) {
		g_assert_true(rd_name_is_valid(name));
		g_assert_cmpint(name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-")], ==,
				0);
	}
	address = rd_env_get(text, "NODE_m1_IP", NULL);
	if (address != NULL && rd_address_is_valid(address))
		g_assert_cmpint(address[strspn(address, "0123456789abcdefABCDEF:.[]")], ==, 0);
	rd_image_is_valid(text);
	rd_token_is_valid(text);
}

static void
read_pods(const char *text)
{
	g_autoptr(RdManifest) manifest = rd_manifest_parse(text);
	g_autoptr(GPtrArray) containers = rd_containers_parse(text, NULL);

	if (manifest != NULL)
		rd_manifest_image(manifest, "etcdctl");
	if (containers != NULL)
		g_ptr_array_unref(rd_containers_of(containers, rd_pod_find("etcd", NULL)));
}

/* what was accepted is an address in its one spelling, and goes into a command */
static void
check_set(const GArray *set)
{
	g_autofree char *text = set != NULL ? rd_addresses_print(set) : NULL;
	g_autoptr(GArray) again = text != NULL ? rd_addresses_parse(text, NULL) : NULL;

	if (text == NULL)
		return;
	g_assert_cmpint(text[strspn(text, "0123456789abcdef.:,")], ==, 0);
	g_assert_true(again != NULL && rd_addresses_same(set, again));
}

static void
read_vips(const char *text)
{
	g_autoptr(RdVips) vips = rd_vips_new();
	g_autoptr(GPtrArray) assigned = rd_assigned_parse(text, NULL);

	rd_keepalived_read_manifest(vips, "manifest", text, NULL);
	rd_keepalived_read_conf(vips, "conf", text, NULL);
	for (guint kind = 0; kind < RD_VIP_KINDS; kind++) {
		g_autoptr(GArray) set = rd_vips_get(vips, kind, NULL);

		check_set(set);
	}
	for (guint i = 0; assigned != NULL && i < assigned->len; i++) {
		const RdAssigned *one = assigned->pdata[i];

		g_assert_true(one->prefix <= (one->address.ipv6 ? 128 : 32));
		g_assert_null(strpbrk(one->device, " ;$`'\"/\\"));
		rd_assigned_are_neighbours(one, assigned->pdata[0]);
	}
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
	g_autofree char *text = g_strndup((const char *)data, size);

	read_members(text);
	read_etcdctl(text);
	read_operator(text);
	read_pods(text);
	read_vips(text);
	return 0;
}

#ifndef RD_FUZZER
/* the same changes every time: a failure here is a failure there */
static void
replay(const char *data, gsize size)
{
	g_autoptr(GRand) rand = g_rand_new_with_seed(1);

	LLVMFuzzerTestOneInput((const guint8 *)data, size);
	for (gsize cut = 0; cut < size; cut += 1 + size / 200)
		LLVMFuzzerTestOneInput((const guint8 *)data, cut);
	for (guint i = 0; i < 300 && size > 0; i++) {
		g_autofree char *changed = g_memdup2(data, size);

		for (gint32 n = g_rand_int_range(rand, 1, 5); n > 0; n--) {
			static const char points[] = "{}[]\":,=-|> \n0aZ\x80";

			changed[g_rand_int_range(rand, 0, size)] =
			    points[g_rand_int_range(rand, 0, sizeof(points) - 1)];
		}
		LLVMFuzzerTestOneInput((const guint8 *)changed, size);
	}
}

int
main(int argc, char **argv)
{
	g_autoptr(GDir) dir = argc == 2 ? g_dir_open(argv[1], 0, NULL) : NULL;
	guint count = 0;

	g_assert_nonnull(dir);
	for (const char *name = g_dir_read_name(dir); name != NULL; name = g_dir_read_name(dir)) {
		g_autofree char *path = g_build_filename(argv[1], name, NULL);
		g_autofree char *data = NULL;
		gsize size = 0;

		g_assert_true(g_file_get_contents(path, &data, &size, NULL));
		replay(data, size);
		count++;
	}
	g_assert_cmpuint(count, >, 0);
	return 0;
}
#endif
