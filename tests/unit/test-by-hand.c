/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the shipped state types say to who finishes by hand (by_hand, recovery/plugin.h): every one
 * is a command that a POSIX shell takes; those that ask the API are told by an oc that prints what
 * the real one does, and take for done only what is. Before the real API:
 * tests/e2e/runbook-borrowed. */

#include <glib/gstdio.h>
#include <string.h>

#include "runner/catalogue.h"

#define OLD "2026-11-20T03:00:00.000000Z"

typedef struct {
	const char *name;
	const char *type, *variables;
	const char *oc; /* what stands in its `case "$*" in`; $n: the how manieth call this is */
	gboolean is_so;
} Case;

/* clang-format off */
#define LEASES(line) "*leases*) printf 'm0 2026-11-20T03:00:%02d.000000Z\\n" line "' $n ;; "
#define NODES(lines) "*nodes*) printf '" lines "' ;; "
#define PODS(lines)  "*pods*) printf '" lines "' ;; "
#define ETCDS(line)  "*nodes*-o?name*) printf 'node/m0\\nnode/m1\\nnode/m2\\n' ;; *etcds.operator*cluster*) printf '" line "\\n' ;; "
#define READY(target, workers) "target=" target "; workers=" workers
#define DRAIN(bare)   "target=w0; node=; bare_pods=" bare
#define ROLLED	      "target=cluster; operator=etcds; recorded=8"

static const Case cases[] = {
    {"/by-hand/up", "api/up", "target=cluster", "*/readyz*) printf ok ;; ", TRUE},
    {"/by-hand/up-and-down", "api/up", "target=cluster", "*/readyz*) printf ok; test $n != 3 ;; ", FALSE},
    {"/by-hand/up-silent", "api/up", "target=cluster", "*) false ;; ", FALSE},

    {"/by-hand/ready", "node/ready", READY("cluster", "yes"), LEASES("") NODES("m0 True 5f0d\\n"), TRUE},
    {"/by-hand/ready-not", "node/ready", READY("cluster", "yes"), LEASES("") NODES("m0 Unknown\\n"), FALSE},
    /* the lease is of the snapshot's past, and nobody renews it */
    {"/by-hand/ready-past", "node/ready", READY("cluster", "yes"), LEASES("w0 " OLD "\\n") NODES("m0 True\\nw0 True\\n"), FALSE},
    {"/by-hand/ready-host", "node/ready", READY("m0", "yes"), LEASES("w0 " OLD "\\n") "*nodes*metadata.name=m0*) printf 'm0 True\\n' ;; ", TRUE},
    {"/by-hand/ready-control", "node/ready", READY("cluster", "no"), LEASES("") "*nodes*role.kubernetes.io/master*) printf 'm0 True\\n' ;; ", TRUE},
    {"/by-hand/ready-new", "node/ready", READY("cluster", "yes"), LEASES("") NODES("m0 True\\nw0 \\n"), FALSE},
    {"/by-hand/ready-silent-first", "node/ready", READY("cluster", "yes"), "*leases*) if test $n = 1; then false; else echo m0 2; fi ;; " NODES("m0 True 5f0d\\n"), FALSE},
    {"/by-hand/ready-silent-then", "node/ready", READY("cluster", "yes"), "*leases*) if test $n = 2; then false; else echo m0 2; fi ;; " NODES("m0 True 5f0d\\n"), FALSE},
    {"/by-hand/ready-silent-last", "node/ready", READY("cluster", "yes"), LEASES("") "*) false ;; ", FALSE},

    {"/by-hand/drain", "node/drain", DRAIN("refuse"), PODS("openshift-dns/dns-1|DaemonSet|\\nopenshift-etcd/etcd-w0|Node|4f1\\n"), TRUE},
    {"/by-hand/drain-empty", "node/drain", DRAIN("refuse"), PODS(""), TRUE},
    {"/by-hand/drain-left", "node/drain", DRAIN("leave"), PODS("openshift-dns/dns-1|DaemonSet|\\ndefault/shop-1|ReplicaSet|\\n"), FALSE},
    {"/by-hand/drain-bare", "node/drain", DRAIN("refuse"), PODS("default/mine||\\n"), FALSE},
    {"/by-hand/drain-bare-stays", "node/drain", DRAIN("leave"), PODS("default/mine||\\n"), TRUE},
    {"/by-hand/drain-node", "node/drain", "target=cluster; node=w3; bare_pods=refuse", "*spec.nodeName=w3,*) ;; *) false ;; ", TRUE},
    {"/by-hand/drain-silent", "node/drain", DRAIN("leave"), "*) false ;; ", FALSE},

    {"/by-hand/rolled-out", "operator/rolled-out", ROLLED, ETCDS("9 9: 9:0 9:"), TRUE},
    {"/by-hand/rolled-out-past", "operator/rolled-out", ROLLED, ETCDS("8 8: 8: 8:"), FALSE},
    {"/by-hand/rolled-out-half", "operator/rolled-out", ROLLED, ETCDS("9 9: 8:9 8:"), FALSE},
    {"/by-hand/rolled-out-again", "operator/rolled-out", ROLLED, ETCDS("10 10: 10:11 10:"), FALSE},
    {"/by-hand/rolled-out-one-short", "operator/rolled-out", ROLLED, ETCDS("9 9: 9:"), FALSE},
    {"/by-hand/rolled-out-tens", "operator/rolled-out", "target=cluster; operator=etcds; recorded=9", ETCDS("10 10: 10: 10:"), TRUE},
    {"/by-hand/rolled-out-nothing", "operator/rolled-out", ROLLED, ETCDS(""), FALSE},
    {"/by-hand/rolled-out-silent", "operator/rolled-out", ROLLED, "*nodes*) printf 'node/m0\\n' ;; *) false ;; ", FALSE},
    {"/by-hand/rolled-out-nodes-silent", "operator/rolled-out", ROLLED, "*nodes*) false ;; " ETCDS("9 9: 9: 9:"), FALSE},
};
/* clang-format on */

static RdCatalogue *
load(void)
{
	g_autofree char *plugins = g_build_filename(g_getenv("BUILD_ROOT"), "plugins", NULL);
	g_autoptr(GError) error = NULL;
	RdCatalogue *catalogue = rd_catalogue_new();

	rd_catalogue_load_dir(catalogue, plugins, &error);
	g_assert_no_error(error);
	return catalogue;
}

/* the status of a script */
static int
shell(const char *option, const char *script)
{
	const char *argv[] = {"sh", option, script, NULL};
	int status;

	g_assert_true(g_spawn_sync(NULL, (char **)argv, NULL,
				   G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL |
				       G_SPAWN_STDERR_TO_DEV_NULL,
				   NULL, NULL, NULL, NULL, &status, NULL));
	g_assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
test_case(gconstpointer data)
{
	const Case *self = data;
	g_autoptr(RdCatalogue) catalogue = load();
	g_autofree char *dir = g_dir_make_tmp("by-hand-XXXXXX", NULL);
	g_autofree char *calls = g_build_filename(dir, "calls", NULL);
	const RecoveryState *state = rd_catalogue_find(catalogue, self->type);
	/* who sleeps is not waited for; a call is counted where a pipe's side cannot forget it */
	g_autofree char *script = g_strdup_printf(
	    "sleep() { :; }\nasked() { echo >>'%s'; n=$(wc -l <'%s'); case \"$*\" in %s *) echo "
	    "\"asked for $*\" >&2; exit 99 ;; esac; }\noc=asked; %s; if %s; then exit 0; else exit "
	    "1; fi",
	    calls, calls, self->oc, self->variables, state->by_hand);

	g_assert_nonnull(strstr(state->by_hand, "$oc"));
	g_assert_cmpint(shell("-uc", script), ==, self->is_so ? 0 : 1);
	g_remove(calls);
	g_assert_cmpint(g_rmdir(dir), ==, 0);
}

static void
test_all_are_shell(void)
{
	g_autoptr(RdCatalogue) catalogue = load();
	g_autoptr(JsonNode) node = rd_catalogue_describe(catalogue);
	JsonArray *plugins = json_object_get_array_member(json_node_get_object(node), "plugins");
	guint count = 0;

	for (guint i = 0; i < json_array_get_length(plugins); i++) {
		JsonObject *plugin = json_array_get_object_element(plugins, i);
		JsonArray *states = json_object_get_array_member(plugin, "states");

		for (guint j = 0; j < json_array_get_length(states); j++) {
			JsonObject *state = json_array_get_object_element(states, j);
			g_autofree char *script = NULL;

			if (!json_object_has_member(state, "by_hand") ||
			    json_object_get_null_member(state, "by_hand"))
				continue;
			script = g_strdup_printf("if false; then until %s; do sleep 2; done; fi",
						 json_object_get_string_member(state, "by_hand"));
			g_test_message("%s", script);
			g_assert_cmpint(shell("-c", script), ==, 0);
			count++;
		}
	}
	g_assert_cmpuint(count, >=, 8);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/by-hand/shell", test_all_are_shell);
	for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
		g_test_add_data_func(cases[i].name, &cases[i], test_case);
	return g_test_run();
}
