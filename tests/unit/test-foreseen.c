/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runner/foreseen.h"
#include <string.h>

/* What becomes of paths by what a plan has written down. */

/* @words: "move FROM TO", "put TO", "run PROGRAM ARG…", of host m0 unless it begins with another */
static RdForeseen *
make(const char *const *lines)
{
	RdForeseen *self = rd_foreseen_new();

	for (guint i = 0; lines[i] != NULL; i++) {
		g_auto(GStrv) words = g_strsplit(lines[i], " ", -1);
		JsonObject *entry = json_object_new();
		guint first = words[0][0] == 'm' && g_ascii_isdigit(words[0][1]) ? 1 : 0;
		char **rest = words + first;

		json_object_set_string_member(entry, "host", first > 0 ? words[0] : "m0");
		json_object_set_string_member(entry, "verb", rest[0]);
		if (g_str_has_prefix(rest[0], "move")) {
			json_object_set_string_member(entry, "from", rest[1]);
			json_object_set_string_member(entry, "to", rest[2]);
		} else if (g_str_equal(rest[0], "run")) {
			JsonArray *argv = json_array_new();

			for (guint j = 1; rest[j] != NULL; j++)
				json_array_add_string_element(argv, rest[j]);
			json_object_set_array_member(entry, "argv", argv);
		} else {
			json_object_set_string_member(entry, "to", rest[1]);
			json_object_set_string_member(entry, "sha256", "cafe");
		}
		json_array_add_object_element(self->entries, entry);
	}
	return self;
}

static const char *const night[] = {
    "move-aside /etc/m/etcd.yaml /etc/aside/etcd.yaml",
    "move-aside /var/etcd/member /var/aside/_member",
    "put /home/snap.db",
    "run podman -v /var/etcd:/var/etcd:z restore /home/snap.db --data-dir /var/etcd/new",
    "move /var/etcd/new/member /var/etcd/member",
    "run rmdir /var/etcd/new",
    "move /etc/aside/etcd.yaml /etc/m/etcd.yaml",
    "m1 move /etc/m/api.yaml /tmp/api.yaml",
    NULL,
};

static void
test_paths(void)
{
	static const struct {
		guint lines; /* so many of night */
		const char *path;
		RdFate fate;
		const char *now;
	} cases[] = {
	    {0, "/etc/m/etcd.yaml", RD_FATE_AS_IS, "/etc/m/etcd.yaml"},
	    {1, "/etc/m/etcd.yaml", RD_FATE_GONE, NULL},
	    {1, "/etc/aside/etcd.yaml", RD_FATE_MOVED, "/etc/m/etcd.yaml"},
	    {1, "/etc/m/etcd.yaml2", RD_FATE_AS_IS, "/etc/m/etcd.yaml2"},
	    {2, "/var/etcd/member/snap/db", RD_FATE_GONE, NULL},
	    {2, "/var/aside/_member/snap/db", RD_FATE_MOVED, "/var/etcd/member/snap/db"},
	    {3, "/home/snap.db", RD_FATE_WRITTEN, NULL},
	    /* a command that names it does not make it again */
	    {4, "/home/snap.db", RD_FATE_WRITTEN, NULL},
	    {4, "/var/etcd/new/member/snap/db", RD_FATE_PERHAPS, "/var/etcd/new/member/snap/db"},
	    {4, "/var/etcd", RD_FATE_AS_IS, "/var/etcd"},
	    {5, "/var/etcd/member/snap/db", RD_FATE_PERHAPS, "/var/etcd/new/member/snap/db"},
	    {5, "/var/etcd/new/member", RD_FATE_GONE, NULL},
	    {6, "/var/etcd/new", RD_FATE_GONE, NULL},
	    {6, "/var/etcd/member", RD_FATE_PERHAPS, "/var/etcd/new/member"},
	    /* there and back */
	    {7, "/etc/m/etcd.yaml", RD_FATE_MOVED, "/etc/m/etcd.yaml"},
	    {7, "/etc/aside/etcd.yaml", RD_FATE_GONE, NULL},
	    /* of another host */
	    {8, "/etc/m/api.yaml", RD_FATE_AS_IS, "/etc/m/api.yaml"},
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		const char *lines[G_N_ELEMENTS(night) + 1] = {0};
		g_autoptr(RdForeseen) self = NULL;
		g_autofree char *now = NULL;
		JsonObject *entry;

		memcpy(lines, night, cases[i].lines * sizeof *lines);
		self = make(lines);
		g_test_message("%u: %s", cases[i].lines, cases[i].path);
		g_assert_cmpint(rd_foreseen_path(self, "m0", cases[i].path, &now, &entry), ==,
				cases[i].fate);
		g_assert_cmpstr(now, ==, cases[i].now);
		g_assert_true((entry == NULL) == (cases[i].fate == RD_FATE_AS_IS));
	}
}

static void
check_list(const RdForeseen *self, const char *dir, const char *is, const char *will)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	g_auto(GStrv) words = g_strsplit(is, " ", -1);
	g_autofree char *text = NULL;

	for (guint i = 0; words[i] != NULL; i++)
		if (*words[i] != '\0')
			g_ptr_array_add(names, g_strdup(words[i]));
	rd_foreseen_list(self, "m0", dir, names);
	g_ptr_array_add(names, NULL);
	text = g_strjoinv(" ", (char **)names->pdata);
	g_assert_cmpstr(text, ==, will);
}

static void
test_lists(void)
{
	const char *lines[G_N_ELEMENTS(night)] = {0};
	g_autoptr(RdForeseen) some = NULL;
	g_autoptr(RdForeseen) all = make(night);

	memcpy(lines, night, 4 * sizeof *lines);
	some = make(lines);
	check_list(some, "/var/etcd", "member revision.json", "revision.json new");
	check_list(some, "/etc/m", "etcd.yaml api.yaml", "api.yaml");
	check_list(some, "/etc/aside", "", "etcd.yaml");
	/* a mount of a container is no file that is made */
	check_list(some, "/var", "etcd", "etcd aside");
	check_list(all, "/var/etcd", "member revision.json", "revision.json member");
	check_list(all, "/etc/m", "etcd.yaml api.yaml", "api.yaml etcd.yaml");
	check_list(all, "/home", "core", "core snap.db");
}

static void
test_concerns(void)
{
	g_autoptr(RdForeseen) all = make(night);

	g_assert_true(rd_foreseen_is_touched(all, "m1"));
	g_assert_false(rd_foreseen_is_touched(all, "m2"));
	g_assert_true(rd_foreseen_concerns(all, "m0", "/etc/m"));
	g_assert_true(rd_foreseen_concerns(all, "m0", "/etc/m/etcd.yaml/x"));
	g_assert_true(rd_foreseen_concerns(all, "m0", "/var/etcd/new"));
	g_assert_false(rd_foreseen_concerns(all, "m0", "/etc/m/api.yaml"));
	g_assert_false(rd_foreseen_concerns(all, "m0", "/etc/machine-id"));
	g_assert_true(rd_foreseen_concerns(all, "m1", "/etc/m/api.yaml"));
}

static void
test_wire(void)
{
	g_autoptr(RdForeseen) all = make(night);
	g_autoptr(RdForeseen) again = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree char *text = NULL, *same = NULL;

	g_hash_table_insert(all->silent, g_strdup("m2"), g_strdup("no \"route\""));
	text = rd_foreseen_to_string(all);
	again = rd_foreseen_parse(text, &error);
	g_assert_no_error(error);
	same = rd_foreseen_to_string(again);
	g_assert_cmpstr(same, ==, text);
	g_assert_cmpstr(g_hash_table_lookup(again->silent, "m2"), ==, "no \"route\"");
	g_assert_null(rd_foreseen_parse("[", &error));
	g_assert_nonnull(error);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/foreseen/paths", test_paths);
	g_test_add_func("/foreseen/lists", test_lists);
	g_test_add_func("/foreseen/concerns", test_concerns);
	g_test_add_func("/foreseen/wire", test_wire);
	return g_test_run();
}
