/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <string.h>

#include "engine/api-way.h"
#include "kube/path.h"
#include "report/remaining-api.h"

/* Changes through the Kubernetes API as they are typed. Each is given to a shell, with an `oc` that
 * writes down its words and its stdin: what arrives there is what counts, not how it was quoted.
 * That a real server takes it is shown by tests/e2e/runbook-borrowed. */

#define PODS  "/api/v1/namespaces/openshift-ovn-kubernetes/pods"
#define HOOKS "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"

typedef struct {
	char *base;
	RdInventoryHost host;
	RdInventory inventory;
} Fixture;

static void
put_program(Fixture *f, const char *name, const char *text)
{
	g_autofree char *path = g_build_filename(f->base, name, NULL);

	g_assert_true(
	    g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_NONE, 0755, NULL));
}

static void
set_up(Fixture *f, gconstpointer data)
{
	f->base = g_dir_make_tmp("remaining-XXXXXX", NULL);
	put_program(f, "sudo", "#!/bin/sh\nprintf 'sudo\\n' >>\"$SAID\"\nexec \"$@\"\n");
	put_program(f, "oc",
		    "#!/bin/sh\nfor word; do printf '<%s>\\n' \"$word\"; done >>\"$SAID\"\n"
		    "case \" $* \" in *' -f - '*) cat >>\"$SAID\"; echo >>\"$SAID\";; esac\n"
		    "exit \"${OC_STATUS:-0}\"\n");
	f->host = (RdInventoryHost){.name = (char *)"m0", .recovery = TRUE};
	f->inventory.hosts = g_ptr_array_new();
	g_ptr_array_add(f->inventory.hosts, &f->host);
}

static void
tear_down(Fixture *f, gconstpointer data)
{
	static const char *const names[] = {"sudo", "oc", "said"};

	for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *path = g_build_filename(f->base, names[i], NULL);

		(void)g_remove(path);
	}
	g_assert_cmpint(g_rmdir(f->base), ==, 0);
	g_ptr_array_unref(f->inventory.hosts);
	g_free(f->base);
}

/* @changes as an entry of a plan has them */
static char *
command_of(Fixture *f, const char *changes)
{
	g_autofree char *text = g_strdup_printf("{\"state\":\"s\",\"host\":\"cluster\",\"verb\":"
						"\"api-merge\",\"changes\":[%s]}",
						changes);
	g_autoptr(GError) error = NULL;
	g_autoptr(JsonNode) node = json_from_string(text, &error);

	g_assert_no_error(error);
	g_assert_true(rd_remaining_api_is(json_node_get_object(node)));
	return rd_remaining_api_command(&f->inventory, json_node_get_object(node));
}

static char *
change_of(const char *verb, const char *path, const char *uid, const char *body)
{
	g_autoptr(JsonBuilder) json = json_builder_new();
	g_autoptr(JsonNode) root = NULL;
	const char *const members[][2] = {{"verb", verb},
					  {"path", path},
					  {"uid", uid},
					  {"body", body}};

	json_builder_begin_object(json);
	for (guint i = 0; i < G_N_ELEMENTS(members); i++) {
		if (members[i][1] == NULL)
			continue;
		json_builder_set_member_name(json, members[i][0]);
		json_builder_add_string_value(json, members[i][1]);
	}
	json_builder_end_object(json);
	root = json_builder_get_root(json);
	return json_to_string(root, FALSE);
}

/* what `oc` was told when @command was typed. (transfer full) */
static char *
type(Fixture *f, const char *command, int *status)
{
	g_autofree char *said = g_build_filename(f->base, "said", NULL);
	g_autofree char *way = g_strdup_printf("%s:%s", f->base, g_getenv("PATH"));
	g_auto(GStrv) env = g_environ_setenv(g_get_environ(), "PATH", way, TRUE);
	const char *argv[] = {"sh", "-c", command, NULL};
	g_autoptr(GError) error = NULL;
	char *text = NULL;

	g_assert_true(g_file_set_contents(said, "", -1, NULL));
	env = g_environ_setenv(env, "SAID", said, TRUE);
	g_spawn_sync(NULL, (char **)argv, env, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, status,
		     &error);
	g_assert_no_error(error);
	g_assert_true(g_file_get_contents(said, &text, NULL, NULL));
	return text;
}

#define AS_ROOT "sudo\n<--kubeconfig>\n<" RD_API_KUBECONFIG ">\n"

static void
assert_typed(Fixture *f, const char *command, const char *wanted)
{
	g_autofree char *said = NULL;
	int status = -1;

	g_assert_nonnull(command);
	said = type(f, command, &status);
	g_assert_cmpint(status, ==, 0);
	g_assert_cmpstr(said, ==, wanted);
}

/* the quorum guard, given back: the uid stays, the resourceVersion of that night does not */
static void
test_merge(Fixture *f, gconstpointer data)
{
	g_autofree char *change = change_of(
	    "PATCH", "/apis/operator.openshift.io/v1/etcds/cluster", NULL,
	    "{\"spec\":{\"unsupportedConfigOverrides\":null},\"metadata\":{\"uid\":\"u-1\","
	    "\"resourceVersion\":\"7\"}}");
	g_autofree char *command = command_of(f, change);

	g_assert_cmpstr(rd_remaining_api_place(&f->inventory), ==, "m0");
	assert_typed(f, command,
		     AS_ROOT "<patch>\n<etcds.v1.operator.openshift.io>\n<cluster>\n<--type>\n"
			     "<merge>\n<-p>\n<{\"spec\":{\"unsupportedConfigOverrides\":null},"
			     "\"metadata\":{\"uid\":\"u-1\"}}>\n");
}

/* a webhook, with its tests; and what a name from the cluster may try */
static void
test_json(Fixture *f, gconstpointer data)
{
	static const char body[] =
	    "[{\"op\":\"test\",\"path\":\"/webhooks/0/name\",\"value\":\"it's $(reboot)\"},"
	    "{\"op\":\"replace\",\"path\":\"/webhooks/0/failurePolicy\",\"value\":\"Fail\"}]";
	g_autofree char *change = change_of("PATCH", HOOKS "/gate%3Akeeper%20%60id%60", NULL, body);
	g_autofree char *command = command_of(f, change);
	g_autofree char *wanted = g_strdup_printf(
	    AS_ROOT "<patch>\n<validatingwebhookconfigurations.v1.admissionregistration.k8s.io>\n"
		    "<gate:keeper `id`>\n<--type>\n<json>\n<-p>\n<%s>\n",
	    body);

	assert_typed(f, command, wanted);
}

static void
test_a_part_in_a_namespace(Fixture *f, gconstpointer data)
{
	g_autofree char *change =
	    change_of("PATCH", PODS "/p/status?dryRun=All", NULL, "{\"status\":{}}");
	g_autofree char *command = command_of(f, change);

	assert_typed(f, command,
		     AS_ROOT "<-n>\n<openshift-ovn-kubernetes>\n<patch>\n<pods>\n<p>\n"
			     "<--subresource>\n<status>\n<--type>\n<merge>\n<-p>\n"
			     "<{\"status\":{}}>\n");
}

/* two approvals, each with the version that was judged; the second only after the first */
static void
test_replace(Fixture *f, gconstpointer data)
{
#define APPROVAL(name) "/apis/certificates.k8s.io/v1/certificatesigningrequests/" name "/approval"
#define CSR	       "{\"metadata\":{\"resourceVersion\":\"9\"},\"spec\":{\"request\":\"LS0tQkVHSU4=\"}}"
	g_autofree char *a = change_of("PUT", APPROVAL("csr-a"), NULL, CSR);
	g_autofree char *b = change_of("PUT", APPROVAL("csr-b"), NULL, CSR);
	g_autofree char *both = g_strdup_printf("%s,%s", a, b);
	g_autofree char *command = command_of(f, both), *said = NULL, *failing = NULL;
	int status = 0;

	assert_typed(f, command,
		     AS_ROOT "<replace>\n<--raw>\n<" APPROVAL(
			 "csr-a") ">\n<-f>\n<->\n" CSR "\n" AS_ROOT
				  "<replace>\n<--raw>\n<" APPROVAL("csr-b") ">\n<-f>\n<->\n" CSR
									    "\n");
	failing = g_strdup_printf("export OC_STATUS=1; %s", command);
	said = type(f, failing, &status);
	g_assert_cmpint(status, !=, 0);
	g_assert_null(strstr(said, "csr-b"));
}

static void
test_delete(Fixture *f, gconstpointer data)
{
	g_autofree char *change =
	    change_of("DELETE", PODS "/ovnkube-node-x", "u-9", "{\"resourceVersion\":\"41\"}");
	g_autofree char *unsure = change_of("DELETE", PODS "/ovnkube-node-x", NULL, NULL);
	g_autofree char *command = command_of(f, change), *none = command_of(f, unsure);

	assert_typed(
	    f, command,
	    AS_ROOT "<delete>\n<--raw>\n<" PODS "/ovnkube-node-x>\n<-f>\n<->\n"
		    "{\"kind\":\"DeleteOptions\",\"apiVersion\":\"v1\",\"propagationPolicy\":"
		    "\"Background\",\"preconditions\":{\"uid\":\"u-9\",\"resourceVersion\":\"41\"}}"
		    "\n");
	g_assert_null(none);
}

/* without a grace period, as a force delete */
static void
test_delete_now(Fixture *f, gconstpointer data)
{
	g_autofree char *command = command_of(f, "{\"verb\":\"DELETE\",\"path\":\"" PODS
						 "/p\",\"uid\":\"u-9\",\"now\":\"yes\"}");

	g_assert_nonnull(strstr(command, "\"gracePeriodSeconds\":0"));
}

static void
test_create(Fixture *f, gconstpointer data)
{
	g_autofree char *eviction =
	    change_of("POST", PODS "/p/eviction", NULL, "{\"kind\":\"Eviction\"}");
	g_autofree char *yaml = change_of("POST", PODS, NULL, "kind: Pod\n# it's mine\n");
	g_autofree char *first = command_of(f, eviction), *second = command_of(f, yaml);

	assert_typed(f, first,
		     AS_ROOT "<create>\n<--raw>\n<" PODS "/p/eviction>\n<-f>\n<->\n"
			     "{\"kind\":\"Eviction\"}\n");
	assert_typed(f, second,
		     AS_ROOT "<-n>\n<openshift-ovn-kubernetes>\n<create>\n<-f>\n<->\n"
			     "kind: Pod\n# it's mine\n\n");
}

/* the inventory's own kubeconfig is on the bastion, and its owner reads it */
static void
test_from_the_bastion(Fixture *f, gconstpointer data)
{
	g_autofree char *change = change_of("PATCH", "/api/v1/nodes/w0", NULL, "{}");
	g_autofree char *command = NULL;

	f->inventory.kubeconfig = (char *)"/home/alice/my kube";
	command = command_of(f, change);
	g_assert_cmpstr(rd_remaining_api_place(&f->inventory), ==, "bastion");
	assert_typed(f, command,
		     "<--kubeconfig>\n</home/alice/my kube>\n<patch>\n<nodes>\n<w0>\n<--type>\n"
		     "<merge>\n<-p>\n<{}>\n");
	f->host.recovery = FALSE;
	f->inventory.kubeconfig = NULL;
	g_assert_null(rd_remaining_api_place(&f->inventory));
}

/* a Secret's body is not kept; and what looks like a credential in another is not printed */
static void
test_secrets(Fixture *f, gconstpointer data)
{
	g_autofree char *secret = change_of("PATCH", "/api/v1/namespaces/a/secrets/s", NULL, NULL);
	g_autofree char *token = change_of("PATCH", "/api/v1/nodes/w0", NULL,
					   "{\"spec\":{\"password\":\"hunter2hunter2\"}}");
	g_autofree char *whole = g_strdup_printf(
	    "%s,{\"verb\":\"PATCH\",\"path\":\"/api/v1/nodes/w0\",\"body\":\"{}\"}", secret);
	const char *const changes[] = {secret, token, whole};

	for (guint i = 0; i < G_N_ELEMENTS(changes); i++) {
		g_autofree char *command = command_of(f, changes[i]);

		g_assert_null(command);
	}
}

/* what waits has $oc, and the kubeconfig in its environment, whatever that is called */
static void
test_the_variable(Fixture *f, gconstpointer data)
{
	static const char *const files[] = {NULL, "/home/alice/my kube's"};

	for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
		g_autoptr(GString) script = g_string_new(NULL);
		g_autofree char *out = NULL, *wanted = NULL;
		const char *argv[] = {"sh", "-uc", NULL, NULL};
		int status;

		f->inventory.kubeconfig = (char *)files[i];
		rd_remaining_api_variable(script, &f->inventory, "oc");
		g_string_append(script, "sh -c 'printf %s \"$KUBECONFIG\"'; printf '|%s' \"$oc\"");
		argv[2] = script->str;
		g_assert_true(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL,
					   NULL, &out, NULL, &status, NULL));
		g_assert_true(g_spawn_check_wait_status(status, NULL));
		wanted = g_strconcat(files[i] != NULL ? files[i] : RD_API_KUBECONFIG, "|oc", NULL);
		g_assert_cmpstr(out, ==, wanted);
	}
	f->inventory.kubeconfig = NULL;
}

static void
test_paths(void)
{
	static const char *const none[] = {"/readyz",
					   "/api",
					   "/api/v1",
					   "/apis/apps/v1",
					   "api/v1/nodes/m0",
					   "/api/v1/nodes/m0/status/more",
					   "/api/v1/namespaces//pods/p",
					   "/api/v1/nodes/%zz/status"};
	g_auto(RdKubePath) space = {0}, all = {0};

	for (guint i = 0; i < G_N_ELEMENTS(none); i++) {
		g_auto(RdKubePath) path = {0};

		g_test_message("%s", none[i]);
		g_assert_false(rd_kube_path_parse(none[i], &path) && path.name != NULL);
	}
	g_assert_true(rd_kube_path_parse("/api/v1/namespaces/default", &space));
	g_assert_cmpstr(space.plural, ==, "namespaces");
	g_assert_cmpstr(space.name, ==, "default");
	g_assert_null(space.space);
	g_assert_true(rd_kube_path_parse("/apis/apps/v1/namespaces/a/deployments?limit=1", &all));
	g_assert_cmpstr(all.space, ==, "a");
	g_assert_null(all.name);
}

#define ADD(name, function)                                                                        \
	g_test_add("/remaining-api/" name, Fixture, NULL, set_up, function, tear_down)

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("merge", test_merge);
	ADD("json", test_json);
	ADD("subresource", test_a_part_in_a_namespace);
	ADD("replace", test_replace);
	ADD("delete", test_delete);
	ADD("delete-now", test_delete_now);
	ADD("create", test_create);
	ADD("bastion", test_from_the_bastion);
	ADD("secrets", test_secrets);
	ADD("variable", test_the_variable);
	g_test_add_func("/remaining-api/paths", test_paths);
	return g_test_run();
}
