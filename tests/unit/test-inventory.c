/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "procedure/inventory.h"
#include <glib/gstdio.h>

#include "expected.h"
#include "procedure/address.h"

static void
test_fixture(gconstpointer data)
{
	const char *path = data;
	g_autofree char *expected = g_strconcat(path, ".expected", NULL);
	g_autofree char *dir = g_path_get_dirname(path);
	g_autofree char *name = g_path_get_basename(path);
	g_autofree char *text = NULL;
	g_autofree char *lines = NULL;
	g_autoptr(GPtrArray) warnings = NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(RdInventory) inventory = rd_inventory_load(path, &warnings, &error);

	if (g_str_has_prefix(name, "good")) {
		g_assert_no_error(error);
		g_ptr_array_add(warnings, NULL);
		lines = g_strjoinv("\n", (char **)warnings->pdata);
	} else {
		g_assert_null(inventory);
		g_assert_error(error, RD_PROCEDURE_ERROR, RD_PROCEDURE_ERROR_INVALID);
		lines = g_strdup(error->message);
	}
	text = without_dir(lines, dir);
	assert_expected(expected, text);
}

static RdInventory *
load_good(void)
{
	g_autofree char *dir = fixture_dir("inventories");
	g_autofree char *path = g_build_filename(dir, "good.yaml", NULL);
	g_autoptr(GError) error = NULL;
	RdInventory *inventory = rd_inventory_load(path, NULL, &error);

	g_assert_no_error(error);
	return inventory;
}

static void
assert_role(RdInventory *inventory, const char *role, const char *names)
{
	g_autoptr(GPtrArray) hosts = rd_inventory_role(inventory, role);
	g_autoptr(GString) text = g_string_new(NULL);

	for (guint i = 0; i < hosts->len; i++)
		g_string_append_printf(text, "%s%s", i > 0 ? " " : "",
				       ((RdInventoryHost *)hosts->pdata[i])->name);
	g_assert_cmpstr(text->str, ==, names);
}

static void
test_logins(void)
{
	g_autoptr(RdInventory) inventory = load_good();
	g_autofree char *dir = fixture_dir("inventories");
	g_autofree char *known_hosts = g_build_filename(dir, "known_hosts", NULL);
	const RdInventoryHost *host = rd_inventory_find(inventory, "m0");

	g_assert_cmpstr(inventory->cluster, ==, "kite");
	g_assert_cmpuint(strlen(inventory->digest), ==, 64);
	g_assert_cmpstr(host->name, ==, "m0");
	g_assert_true(host == rd_inventory_find(inventory, "M0"));
	g_assert_null(rd_inventory_find(inventory, "m"));
	g_assert_cmpstr(host->login->address, ==, "10.0.0.1");
	g_assert_cmpstr(host->login->user, ==, "admin");
	g_assert_cmpuint(host->login->port, ==, 22);
	g_assert_true(host->login->agent);
	g_assert_cmpstr(host->login->known_hosts, ==, known_hosts);
	g_assert_true(g_str_has_prefix(host->login->host_key, "ssh-ed25519 "));
	/* the jump host of the defaults: its own port and user, not the host's key */
	g_assert_cmpstr(host->jump->address, ==, "bastion.example.com");
	g_assert_cmpuint(host->jump->port, ==, 2222);
	g_assert_cmpstr(host->jump->user, ==, "hop");
	g_assert_null(host->jump->host_key);

	host = rd_inventory_find(inventory, "m1.kite.example");
	g_assert_null(host->jump);
	g_assert_cmpstr(host->login->address, ==, "m1.example.com");
	g_assert_cmpuint(host->login->port, ==, 2022);
	host = rd_inventory_find(inventory, "m2");
	g_assert_cmpstr(host->login->address, ==, "fd00::2");
	g_assert_cmpstr(host->login->user, ==, "core");
}

static void
test_roles(void)
{
	g_autoptr(RdInventory) inventory = load_good();
	g_autoptr(GError) error = NULL;

	assert_role(inventory, "recovery", "m0");
	assert_role(inventory, "others", "m1.kite.example m2");
	assert_role(inventory, "control-plane", "m0 m1.kite.example m2");
	assert_role(inventory, "workers", "a-b a.b");
	assert_role(inventory, "cluster", "");

	g_assert_true(rd_inventory_set_recovery(inventory, "M2", &error));
	g_assert_no_error(error);
	assert_role(inventory, "recovery", "m2");
	assert_role(inventory, "others", "m0 m1.kite.example");
	g_assert_false(rd_inventory_set_recovery(inventory, "a-b", &error));
	g_assert_cmpstr(error->message, ==,
			"recovery host a-b: a worker; the control-plane hosts are m0, "
			"m1.kite.example, m2");
	g_clear_error(&error);
	g_assert_false(rd_inventory_set_recovery(inventory, "m3", &error));
	g_assert_nonnull(strstr(error->message, "m3: not in the inventory"));
	assert_role(inventory, "recovery", "m2");
}

static void
test_vips(void)
{
	g_autoptr(RdInventory) inventory = load_good();

	g_assert_true(rd_inventory_is_vip(inventory, "10.0.0.250"));
	g_assert_true(rd_inventory_is_vip(inventory, "10.0.0.251"));
	g_assert_true(rd_inventory_is_vip(inventory, "::ffff:10.0.0.250"));
	g_assert_true(rd_inventory_is_vip(inventory, "fd00:0:0:0::0250"));
	g_assert_false(rd_inventory_is_vip(inventory, "10.0.0.1"));
	g_assert_false(rd_inventory_is_vip(inventory, "10.0.0.2500"));
	g_assert_false(rd_inventory_is_vip(inventory, "fd00::25"));
}

static void
test_json(void)
{
	g_autoptr(RdInventory) inventory = load_good();
	g_autoptr(JsonNode) node = rd_inventory_to_json(inventory);
	g_autofree char *text = json_to_string(node, FALSE);
	g_autoptr(GError) error = NULL;
	g_autoptr(JsonNode) received = json_from_string(text, &error);
	g_autoptr(RdInventory) copy = rd_inventory_from_json(received, &error);
	g_autoptr(JsonNode) again = NULL;
	g_autofree char *text_again = NULL;

	g_assert_no_error(error);
	again = rd_inventory_to_json(copy);
	text_again = json_to_string(again, FALSE);
	g_assert_cmpstr(text_again, ==, text);
	assert_role(copy, "others", "m1.kite.example m2");
	g_assert_true(rd_inventory_is_vip(copy, "10.0.0.250"));
	g_assert_cmpstr(copy->digest, ==, inventory->digest);
}

/* every member matters: without it, or with another type in its place, it is refused */
static void
test_json_damaged(void)
{
	static const char *const places[][2] = {
	    {"\"cluster\":", "\"clustre\":"},
	    {"\"hosts\":[", "\"hosts\":1,\"h\":["},
	    {"\"port\":22,", "\"port\":0,"},
	    {"\"port\":22,", "\"port\":65536,"},
	    {"\"port\":22,", "\"port\":\"22\","},
	    {"\"recovery\":true", "\"recovery\":1"},
	    {"\"role\":\"worker\"", "\"role\":\"master\""},
	    {"\"user\":\"admin\"", "\"user\":null"},
	    {"\"api-vips\":[\"", "\"api-vips\":[1,\""},
	    {"\"jump\":null", "\"jump\":[]"},
	    {"\"login\":{", "\"login\":null,\"l\":{"},
	};
	g_autoptr(RdInventory) inventory = load_good();
	g_autoptr(JsonNode) node = rd_inventory_to_json(inventory);
	g_autofree char *text = json_to_string(node, FALSE);

	for (guint i = 0; i < G_N_ELEMENTS(places); i++) {
		g_auto(GStrv) parts = g_strsplit(text, places[i][0], 2);
		g_autofree char *damaged = g_strjoinv(places[i][1], parts);
		g_autoptr(GError) error = NULL;
		g_autoptr(JsonNode) received = json_from_string(damaged, &error);
		g_autoptr(RdInventory) copy = NULL;

		g_test_message("%s", places[i][1]);
		g_assert_no_error(error);
		g_assert_cmpuint(g_strv_length(parts), ==, 2);
		copy = rd_inventory_from_json(received, &error);
		g_assert_null(copy);
		g_assert_error(error, RD_PROCEDURE_ERROR, RD_PROCEDURE_ERROR_INVALID);
	}
}

/* a private key is a file that nobody else can read */
static void
test_key_files(void)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *dir = g_dir_make_tmp("rd-XXXXXX", &error);
	g_autofree char *key = g_build_filename(dir, "id", NULL);
	g_autofree char *path = g_build_filename(dir, "cluster.yaml", NULL);
	static const char text[] =
	    "cluster: kite\n"
	    "hosts:\n"
	    "- {name: m0, address: 10.0.0.1, role: control-plane, key: sub/../id}\n";
	g_autoptr(RdInventory) inventory = NULL;
	const RdInventoryHost *host = NULL;

	g_assert_no_error(error);
	g_file_set_contents(path, text, -1, &error);
	g_assert_no_error(error);
	g_file_set_contents(key, "secret", -1, &error);
	g_assert_no_error(error);
	g_assert_cmpint(g_chmod(key, 0640), ==, 0);
	g_assert_null(rd_inventory_load(path, NULL, &error));
	g_assert_error(error, RD_PROCEDURE_ERROR, RD_PROCEDURE_ERROR_INVALID);
	g_assert_nonnull(strstr(error->message, "cluster.yaml:3:59: key: "));
	g_assert_nonnull(strstr(error->message, "can be read by others (mode 0640): chmod 600 "));
	g_clear_error(&error);
	g_unlink(key);
	g_assert_cmpint(g_mkdir(key, 0700), ==, 0);
	g_assert_null(rd_inventory_load(path, NULL, &error));
	g_assert_nonnull(strstr(error->message, "/id is not a file"));
	g_clear_error(&error);
	g_rmdir(key);
	g_file_set_contents(key, "secret", -1, &error);
	g_assert_no_error(error);
	g_assert_cmpint(g_chmod(key, 0600), ==, 0);
	inventory = rd_inventory_load(path, NULL, &error);
	g_assert_no_error(error);
	host = rd_inventory_find(inventory, "m0");
	g_assert_cmpstr(host->login->key, ==, key);
	/* not every key of the agent is offered beside it */
	g_assert_false(host->login->agent);
	g_unlink(key);
	g_unlink(path);
	g_rmdir(dir);
}

static void
test_names(void)
{
	static const struct {
		const char *text;
		gboolean right;
	} names[] = {
	    {"m0", TRUE},	 {"a.b-c.d", TRUE},   {"A", TRUE},	{"3com.example", TRUE},
	    {"", FALSE},	 {".", FALSE},	      {"a.", FALSE},	{".a", FALSE},
	    {"a..b", FALSE},	 {"-a", FALSE},	      {"a-", FALSE},	{"a_b", FALSE},
	    {"a b", FALSE},	 {"x;reboot", FALSE}, {"$(x)", FALSE},	{"1", FALSE},
	    {"10.0.0.1", FALSE}, {"0x7f", FALSE},     {"0X7F.", FALSE}, {"a\n", FALSE},
	    {"0x7g", TRUE},	 {"é", FALSE}};
	g_autofree char *longest = g_strnfill(63, 'a');
	g_autofree char *too_long = g_strnfill(64, 'a');

	for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
		g_test_message("“%s”", names[i].text);
		g_assert_cmpint(rd_is_dns_name(names[i].text), ==, names[i].right);
	}
	g_assert_true(rd_is_dns_name(longest));
	g_assert_false(rd_is_dns_name(too_long));
	g_assert_true(rd_is_user("core"));
	g_assert_true(rd_is_user("_a.b-c"));
	g_assert_false(rd_is_user("-l"));
	g_assert_false(rd_is_user("a b"));
	g_assert_false(rd_is_user(""));
}

/* good.yaml with one thing exchanged, in a directory of its own (transfer full) */
static char *
write_amended(const char *from, const char *to)
{
	g_autofree char *good_dir = fixture_dir("inventories");
	g_autofree char *good = g_build_filename(good_dir, "good.yaml", NULL);
	g_autofree char *dir = g_dir_make_tmp("rd-amend-XXXXXX", NULL);
	g_autofree char *text = NULL;
	g_autoptr(GString) changed = NULL;
	char *path = g_build_filename(dir, "cluster.yaml", NULL);

	g_assert_true(g_file_get_contents(good, &text, NULL, NULL));
	changed = g_string_new(text);
	g_assert_cmpuint(g_string_replace(changed, from, to, 1), ==, 1);
	g_assert_true(g_file_set_contents(path, changed->str, -1, NULL));
	return path;
}

static void
drop_amended(char *path)
{
	g_autofree char *dir = g_path_get_dirname(path);

	g_unlink(path);
	g_rmdir(dir);
	g_free(path);
}

/* in the middle of a run: how hosts are reached may change, workers may come; nothing else */
static void
test_amended(void)
{
	static const struct {
		const char *from, *to;
		const char *wrong; /* NULL: taken */
	} rows[] = {
	    {"10.0.0.1,", "10.0.9.1,", NULL},
	    {"user: core}", "user: root}", NULL},
	    {"- {name: a-b,", "- {name: w9, address: 10.0.0.9, role: worker}\n- {name: a-b,", NULL},
	    {", recovery: true", "", NULL},
	    {"cluster: kite", "cluster: crow", ":2:10: this is cluster crow, the run is of kite"},
	    {"name: m2,", "name: m3,", "m2 is missing"},
	    {"- {name: m2,", "- {name: m9, address: 10.0.0.9, role: control-plane}\n- {name: m2,",
	     ":7:3: m9 is new"},
	    {"10.0.0.4, role: worker", "10.0.0.4, role: control-plane", ":8:3: a-b has role"},
	    {"10.0.0.251", "10.0.0.252", "the VIPs of a run stay"},
	};
	g_autoptr(RdInventory) old = load_good();

	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		char *path = write_amended(rows[i].from, rows[i].to);
		g_autoptr(GError) error = NULL;
		g_autoptr(RdInventory) amended = rd_inventory_load_amended(path, old, NULL, &error);
		g_autoptr(RdInventory) loaded = rd_inventory_load(path, NULL, NULL);

		g_test_message("%s -> %s: %s", rows[i].from, rows[i].to,
			       error != NULL ? error->message : "taken");
		if (rows[i].wrong != NULL) {
			g_assert_error(error, RD_PROCEDURE_ERROR, RD_PROCEDURE_ERROR_INVALID);
			g_assert_nonnull(strstr(error->message, rows[i].wrong));
			g_assert_false(rd_inventory_check_amended(old, loaded, NULL));
		} else {
			g_assert_no_error(error);
			g_assert_true(rd_inventory_check_amended(old, loaded, NULL));
			/* the order of the run, and its recovery host */
			for (guint j = 0; j < old->hosts->len; j++)
				g_assert_cmpstr(((RdInventoryHost *)amended->hosts->pdata[j])->name,
						==,
						((RdInventoryHost *)old->hosts->pdata[j])->name);
			g_assert_cmpstr(rd_inventory_get_recovery(amended)->name, ==, "m0");
		}
		drop_amended(path);
	}
}

int
main(int argc, char **argv)
{
	g_setenv("HOME", "/nonexistent", TRUE);
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/inventory/names", test_names);
	g_test_add_func("/inventory/logins", test_logins);
	g_test_add_func("/inventory/roles", test_roles);
	g_test_add_func("/inventory/vips", test_vips);
	g_test_add_func("/inventory/json", test_json);
	g_test_add_func("/inventory/json-damaged", test_json_damaged);
	g_test_add_func("/inventory/key-files", test_key_files);
	g_test_add_func("/inventory/amended", test_amended);
	add_fixtures("inventories", test_fixture);
	return g_test_run();
}
