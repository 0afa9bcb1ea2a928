/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What other programs wrote and printed, as text in and facts out. The samples are real outputs of
 * etcdctl 3.4, or of the forms that 3.5 and 3.6 print. */

#include "plugins/common/etcd-ids.h"
#include "plugins/common/etcd-output.h"
#include "plugins/common/etcd-parse.h"
#include "plugins/common/manifest.h"
#include <recovery/plugin.h>
#include <string.h>

#define TOKEN "openshift-etcd-11111111-2222-3333-4444-555555555555"
#define THREE                                                                                      \
	"cluster=c6bb00c78f8f7a06,https://10.0.0.1:2380=97bab828bad70f01,"                         \
	"https://10.0.0.2:2380=d76713fd1411471e,https://10.0.0.3:2380=bcf62c515afca98a"

GQuark
recovery_error_quark(void)
{
	return g_quark_from_static_string("recovery-error-quark");
}

/* ---- ids ----------------------------------------------------------------------------------- */

/* domain 4.7, vector (a): one member, from a document's own output */
static void
test_predict_one(void)
{
	const char *urls[] = {"https://etcd-0.ocp.hpecloud.org:2380", NULL};
	g_autoptr(RdMembers) members = rd_members_predict("etcd-cluster-1", urls);

	g_assert_cmphex(members->cluster, ==, G_GUINT64_CONSTANT(0x11eeb64feb9a2071));
	g_assert_nonnull(rd_members_find(members, G_GUINT64_CONSTANT(0x1c5a549c9f4e67b5)));
}

/* vector (b), in another order of hosts: ids and text do not depend on it */
static void
test_predict_three(void)
{
	const char *urls[] = {"https://10.0.0.3:2380", "https://10.0.0.1:2380",
			      "https://10.0.0.2:2380", NULL};
	g_autoptr(RdMembers) members = rd_members_predict(TOKEN, urls);
	g_autofree char *text = rd_members_to_string(members);

	g_assert_cmpstr(text, ==, THREE);
}

/* one character more in a URL, or another token, and nobody is who he was (F25) */
static void
test_predict_differs(void)
{
	const char *urls[] = {"https://10.0.0.1:2380", NULL},
		   *padded[] = {"https://10.0.0.01:2380", NULL};
	g_autoptr(RdMembers) a = rd_members_predict(TOKEN, urls);
	g_autoptr(RdMembers) b = rd_members_predict(TOKEN, padded);
	g_autoptr(RdMembers) c = rd_members_predict("other", urls);

	g_assert_true(rd_members_equal(a, a));
	g_assert_false(rd_members_equal(a, b));
	g_assert_false(rd_members_equal(a, c));
}

/* ids are compared as numbers: etcd prints them without leading zeros */
static void
test_members_parse(void)
{
	g_autoptr(RdMembers) padded = rd_members_parse("cluster=0a,u2=0000000000000007,u1=6");
	g_autoptr(RdMembers) short_form = rd_members_parse("cluster=A,u1=6,u2=7");
	g_autoptr(RdMembers) other = rd_members_parse("cluster=a,u1=7,u2=6");
	g_autofree char *text = rd_members_to_string(padded);
	static const char *const wrong[] = {"",
					    "cluster=a",
					    "cluster=a,u1",
					    "u1=6,cluster=a",
					    "cluster=,u=6",
					    "cluster=a,u1=x",
					    "cluster=a,u1=-6",
					    "cluster=a,u1=11112222333344445",
					    "cluster=a,cluster=a"};

	g_assert_true(rd_members_equal(padded, short_form));
	g_assert_false(rd_members_equal(padded, other));
	g_assert_cmpstr(text, ==, "cluster=a,u1=6,u2=7");
	for (guint i = 0; i < G_N_ELEMENTS(wrong); i++)
		g_assert_null(rd_members_parse(wrong[i]));
}

/* ---- what a restore prints ----------------------------------------------------------------- */

#define JSON_LINE(id, url)                                                                         \
	"{\"level\":\"info\",\"ts\":1795168046.2910223,\"caller\":\"membership/cluster.go:392\","  \
	"\"msg\":\"added member\",\"cluster-id\":\"c6bb00c78f8f7a06\",\"local-member-id\":\"0\","  \
	"\"added-peer-id\":\"" id "\",\"added-peer-peer-urls\":[\"" url "\"]}\n"
#define CONSOLE_LINE(id, url)                                                                      \
	"2022-06-28T19:52:43Z\tinfo\tmembership/cluster.go:421\tadded member\t"                    \
	"{\"cluster-id\": \"c6bb00c78f8f7a06\", \"local-member-id\": \"0\", "                      \
	"\"added-peer-id\": \"" id "\", \"added-peer-peer-urls\": [\"" url "\"], "                 \
	"\"added-peer-is-learner\": false}\n"

static void
assert_three(const char *text)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(RdMembers) members = rd_output_added_members(text, &error);
	g_autofree char *string = NULL;

	g_assert_no_error(error);
	string = rd_members_to_string(members);
	g_assert_cmpstr(string, ==, THREE);
}

static void
test_added_json(void)
{
	assert_three(
	    "{\"level\":\"info\",\"msg\":\"restoring snapshot\",\"path\":\"s.db\"}\n" JSON_LINE(
		"97bab828bad70f01", "https://10.0.0.1:2380")
		JSON_LINE("bcf62c515afca98a", "https://10.0.0.3:2380")
		    JSON_LINE("d76713fd1411471e",
			      "https://10.0.0.2:2380") "{\"level\":\"info\",\"msg\":\"restored "
						       "snapshot\",\"path\":\"s.db\"}\n");
}

static void
test_added_console(void)
{
	assert_three("Deprecated: Use `etcdutl snapshot restore` instead.\n\n" CONSOLE_LINE(
	    "d76713fd1411471e", "https://10.0.0.2:2380")
			 CONSOLE_LINE("97bab828bad70f01", "https://10.0.0.1:2380")
			     CONSOLE_LINE("bcf62c515afca98a", "https://10.0.0.3:2380"));
}

/* the document's sample has an id of 15 digits */
static void
test_added_unpadded(void)
{
	g_autoptr(RdMembers) members = rd_output_added_members(
	    CONSOLE_LINE("56cd73b614699e7", "https://10.0.91.5:2380"), NULL);

	g_assert_nonnull(rd_members_find(members, G_GUINT64_CONSTANT(0x056cd73b614699e7)));
}

static void
test_added_wrong(void)
{
	static const char *const wrong[] = {
	    "",
	    "Error: snapshot missing hash but --skip-hash-check=false\n",
	    "x added member {\"cluster-id\": \"c6bb00c78f8f7a06\", \"added-pe",
	    "added member\n",
	    "added member []\n",
	    "added member {\"cluster-id\": 7, \"added-peer-id\": \"1\", \"added-peer-peer-urls\": "
	    "[\"u\"]}\n",
	    "added member {\"cluster-id\": \"7\", \"added-peer-id\": \"1\", "
	    "\"added-peer-peer-urls\": []}\n",
	    "added member {\"cluster-id\": \"7\", \"added-peer-id\": \"zz\", "
	    "\"added-peer-peer-urls\": [\"u\"]}\n",
	    "added member {\"cluster-id\": \"7\", \"added-peer-id\": \"1\", "
	    "\"added-peer-peer-urls\": [5]}\n",
	    "added member {\"cluster-id\": \"7\", \"added-peer-id\": \"1\", "
	    "\"added-peer-peer-urls\": [\"u\"]}\n"
	    "added member {\"cluster-id\": \"8\", \"added-peer-id\": \"2\", "
	    "\"added-peer-peer-urls\": [\"v\"]}\n"};

	for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_null(rd_output_added_members(wrong[i], &error));
		g_assert_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED);
	}
}

/* ---- etcdctl ------------------------------------------------------------------------------- */

static void
test_health(void)
{
	g_autoptr(GPtrArray) healthy = NULL, none = NULL, nothing = NULL;
	g_autofree char *alarm = NULL;

	g_assert_true(rd_output_health(
	    "https://10.0.0.1:2379 is healthy: successfully committed proposal: took = 1.8ms\n"
	    "https://10.0.0.2:2379 is unhealthy: failed to commit proposal: context deadline "
	    "exceeded\nError: unhealthy cluster\n",
	    &healthy, &alarm));
	g_assert_cmpuint(healthy->len, ==, 1);
	g_assert_cmpstr(healthy->pdata[0], ==, "https://10.0.0.1:2379");
	g_assert_null(alarm);
	g_assert_true(rd_output_health(
	    "https://10.0.0.2:2379 is unhealthy: failed to commit proposal: x\n", &none, &alarm));
	g_assert_cmpuint(none->len, ==, 0);
	g_assert_null(alarm);
	g_assert_false(
	    rd_output_health("FATA[0000] execing command: not found\n", &nothing, &alarm));
	g_assert_null(alarm);
}

/* told unhealthy, after it had answered a read that takes a quorum */
static void
test_health_alarm(void)
{
	g_autoptr(GPtrArray) full = NULL, silent = NULL;
	g_autofree char *alarm = NULL, *unknown = NULL;

	g_assert_true(rd_output_health(
	    "https://10.0.0.1:2379 is unhealthy: failed to commit proposal: Active Alarm(s): "
	    "NOSPACE \n"
	    "https://10.0.0.2:2379 is unhealthy: failed to commit proposal: context deadline "
	    "exceeded\nError: unhealthy cluster\n",
	    &full, &alarm));
	g_assert_cmpuint(full->len, ==, 1);
	g_assert_cmpstr(full->pdata[0], ==, "https://10.0.0.1:2379");
	g_assert_cmpstr(alarm, ==, "NOSPACE");
	g_assert_true(rd_output_health(
	    "https://10.0.0.1:2379 is unhealthy: failed to commit proposal: Unable to fetch the "
	    "alarm list\n",
	    &silent, &unknown));
	g_assert_cmpuint(silent->len, ==, 1);
	g_assert_cmpstr(unknown, ==, "Unable to fetch the alarm list");
}

static void
test_endpoints(void)
{
	g_autoptr(GPtrArray) list = rd_output_endpoints(
	    "Failed to get the status of endpoint https://10.0.0.9:2379 (context deadline "
	    "exceeded)\n"
	    "https://10.0.0.1:2379, d5811b26ae265d01, 3.4.23, 20 kB, true, false, 2, 8, 8, \n"
	    "https://10.0.0.2:2379, 2b6d7f19fe480be8, 3.5.18, 20 kB, false, true, 3, 8, 8, "
	    "etcdserver: no leader, memberID:1 alarm:NOSPACE \n"
	    "https://10.0.0.3:2379, 7, 3.6.1, 3.6.0, 20 kB, 16 kB, 20%, 2.1 GB, true, false, 4, 9, "
	    "9, corrupt, , false\n");
	const RdEndpoint *first, *second, *third;

	g_assert_cmpuint(list->len, ==, 3);
	first = list->pdata[0];
	second = list->pdata[1];
	third = list->pdata[2];
	g_assert_cmphex(first->id, ==, G_GUINT64_CONSTANT(0xd5811b26ae265d01));
	g_assert_true(first->leader && !first->learner);
	g_assert_cmpstr(first->errors, ==, "");
	g_assert_true(!second->leader && second->learner);
	g_assert_cmpstr(second->term, ==, "3");
	g_assert_cmpstr(second->errors, ==, "etcdserver: no leader, memberID:1 alarm:NOSPACE");
	g_assert_true(third->leader && !third->learner);
	g_assert_cmpstr(third->term, ==, "4");
	g_assert_cmpstr(third->errors, ==, "corrupt");
}

static void
test_member_list(void)
{
	g_autoptr(GPtrArray) list = rd_output_member_list(
	    "2b6d7f19fe480be8, started, m2, https://10.0.0.3:2380, https://10.0.0.3:2379, false\n"
	    "819450a5536d704f, unstarted, , https://10.0.0.2:2380, , true\nrubbish, , , , , \n");
	const RdListed *second;

	g_assert_cmpuint(list->len, ==, 2);
	second = list->pdata[1];
	g_assert_cmpstr(second->status, ==, "unstarted");
	g_assert_cmpstr(second->name, ==, "");
	g_assert_cmpstr(second->clients, ==, "");
	g_assert_true(second->learner);
}

/* etcd 3.3 knows no learners, and prints a column less */
static void
test_member_list_3_3(void)
{
	g_autoptr(GPtrArray) list = rd_output_member_list(
	    "1c5a549c9f4e67b5, started, etcd-member-ocp-master0, "
	    "https://etcd-0.ocp.hpecloud.org:2380, https://10.0.0.1:2379\n"
	    "8fe9a3e2d7c4f1b0, unstarted, , https://etcd-1.ocp.hpecloud.org:2380, \n"
	    "Error: context deadline exceeded\n");

	g_assert_cmpuint(list->len, ==, 2);
	g_assert_cmpstr(((RdListed *)list->pdata[0])->name, ==, "etcd-member-ocp-master0");
	g_assert_cmpstr(((RdListed *)list->pdata[1])->status, ==, "unstarted");
	g_assert_cmpstr(((RdListed *)list->pdata[1])->clients, ==, "");
	g_assert_false(((RdListed *)list->pdata[1])->learner);
}

/* 3.4 ignores --hex and prints a number that json-glib cannot hold as it is */
static void
test_cluster_id(void)
{
	guint64 id = 0;

	g_assert_true(rd_output_cluster_id(
	    "{\"header\":{\"cluster_id\":14371804100607780834,\"member_id\":3},\"members\":[]}",
	    &id));
	g_assert_cmpuint(id, ==, G_GUINT64_CONSTANT(14371804100607780834));
	g_assert_true(
	    rd_output_cluster_id("{\"header\":{\"cluster_id\":\"c6bb00c78f8f7a06\"}}", &id));
	g_assert_cmphex(id, ==, G_GUINT64_CONSTANT(0xc6bb00c78f8f7a06));
	g_assert_false(rd_output_cluster_id("{\"header\":{}}", &id));
	g_assert_false(rd_output_cluster_id("{\"header\":{\"cluster_id\":true}}", &id));
	g_assert_false(rd_output_cluster_id("{\"header\":{\"cluster_id\":[1]}}", &id));
	g_assert_false(rd_output_cluster_id("Error: timed out", &id));
}

/* of etcdctl 3.4; and what is none */
static void
test_status_cluster_id(void)
{
	guint64 id = 0;

	g_assert_true(rd_output_status_cluster_id(
	    "[{\"Endpoint\":\"https://localhost:2379\",\"Status\":{\"header\":{\"cluster_id\":"
	    "14371804100607780834,\"member_id\":14993013635895683142},\"version\":\"3.4.23\"}}]",
	    &id));
	g_assert_cmpuint(id, ==, G_GUINT64_CONSTANT(14371804100607780834));
	g_assert_false(rd_output_status_cluster_id("[]", &id));
	g_assert_false(rd_output_status_cluster_id("[1]", &id));
	g_assert_false(rd_output_status_cluster_id("[{\"Status\":[]}]", &id));
	g_assert_false(rd_output_status_cluster_id("{}", &id));
	g_assert_false(rd_output_status_cluster_id("", &id));
}

/* ---- the operator's files ------------------------------------------------------------------ */

/* m1 is not m10, whichever comes first */
static void
test_env_exact(void)
{
	const char *env = "export NODE_m10_IP=\"10.0.0.10\"\nexport NODE_m1_IP=\"10.0.0.1\"\n"
			  "export XNODE_m1_IP=\"10.0.0.99\"\nexport NODE_m1_IP_OLD=\"10.0.0.98\"\n";
	g_autofree char *one = rd_env_get(env, "NODE_m1_IP", NULL);
	g_autofree char *ten = rd_env_get(env, "NODE_m10_IP", NULL);

	g_assert_cmpstr(one, ==, "10.0.0.1");
	g_assert_cmpstr(ten, ==, "10.0.0.10");
}

static void
test_env_wrong(void)
{
	g_autoptr(GError) none = NULL, empty = NULL, twice = NULL;

	g_assert_null(rd_env_get("export A=\"1\"\n", "B", &none));
	g_assert_error(none, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT);
	g_assert_null(rd_env_get("", "B", &empty));
	g_assert_nonnull(strstr(empty->message, "empty"));
	g_assert_null(rd_env_get("export A=\"1\"\nexport A=\"2\"\n", "A", &twice));
	g_assert_nonnull(strstr(twice->message, "twice"));
}

#define POD(exported, variable, value)                                                             \
	"spec:\n  containers:\n  - command:\n    - /bin/sh\n    - -c\n    - |\n"                   \
	"      export ETCD_NAME=${NODE_" exported "_ETCD_NAME}\n"                                  \
	"      env | grep ETCD\n"                                                                  \
	"    env:\n"                                                                               \
	"    - name: \"NODE_m10_ETCD_NAME\"\n      value: \"m10\"\n"                               \
	"    - name: \"NODE_" variable "_ETCD_NAME\"\n      value: \"" value "\"\n"

static void
test_pod_name(void)
{
	g_autofree char *safe = NULL, *name = NULL;
	g_autoptr(GError) error = NULL;

	g_assert_true(rd_restore_pod_name(POD("m_1_example", "m_1_example", "m-1.example"), &safe,
					  &name, &error));
	g_assert_no_error(error);
	g_assert_cmpstr(safe, ==, "m_1_example");
	g_assert_cmpstr(name, ==, "m-1.example");
}

/* every one of them would have ended in a command line */
static void
test_pod_name_wrong(void)
{
	static const char *const wrong[] = {
	    "",
	    "export ETCD_NAME=m0\n",
	    "export ETCD_NAME=${NODE__ETCD_NAME}\n",
	    POD("m1", "m2", "m2"),
	    POD("m1", "m1", "m2"),
	    POD("m1", "m1", "m1;reboot"),
	    POD("m1", "m1", "-m1"),
	    POD("m1", "m1", "M1"),
	    POD("m1", "m1", ""),
	    POD("m1", "m1", "m1") "export ETCD_NAME=${NODE_m2_ETCD_NAME}\n"};

	for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
		g_autofree char *safe = NULL, *name = NULL;
		g_autoptr(GError) error = NULL;

		g_assert_false(rd_restore_pod_name(wrong[i], &safe, &name, &error));
		g_assert_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT);
	}
}

static void
test_forms(void)
{
	g_assert_true(rd_address_is_valid("10.0.0.1"));
	g_assert_true(rd_address_is_valid("[fd00::1]"));
	g_assert_false(rd_address_is_valid("10.0.0.01"));
	g_assert_false(rd_address_is_valid("fd00::1"));
	g_assert_false(rd_address_is_valid("[10.0.0.1]"));
	g_assert_false(rd_address_is_valid("[fe80::1%x;reboot]"));
	g_assert_false(rd_address_is_valid("m0.example"));
	g_assert_false(rd_address_is_valid("[]"));
	g_assert_false(rd_address_is_valid(""));
	g_assert_true(rd_image_is_valid("quay.io:5000/okd/scos-content@sha256:5f1e"));
	g_assert_false(rd_image_is_valid("--privileged"));
	g_assert_false(rd_image_is_valid("a b"));
	g_assert_false(rd_image_is_valid(""));
	g_assert_true(rd_token_is_valid(TOKEN));
	g_assert_false(rd_token_is_valid("openshift-etcd-../../x"));
	g_assert_false(rd_token_is_valid("etcd-cluster-1"));
}

/* ---- manifests ----------------------------------------------------------------------------- */

static void
test_manifest_json(void)
{
	g_autoptr(RdManifest) manifest = rd_manifest_parse(
	    "{\"metadata\":{\"name\":\"etcd\",\"namespace\":\"openshift-etcd\"},\"spec\":{"
	    "\"initContainers\":[{\"name\":\"setup\",\"image\":\"a\"}],"
	    "\"containers\":[{\"name\":\"etcd\",\"image\":\"b\"},{\"image\":\"c\",\"name\":"
	    "\"etcdctl\"}]}}");

	g_assert_cmpstr(manifest->namespace, ==, "openshift-etcd");
	g_assert_cmpuint(manifest->containers->len, ==, 2);
	g_assert_cmpstr(rd_manifest_image(manifest, "etcdctl"), ==, "c");
	g_assert_null(rd_manifest_image(manifest, "setup"));
}

/* list items at the column of their key and behind it; text blocks are not keys */
static void
test_manifest_yaml(void)
{
	g_autoptr(RdManifest) flush = rd_manifest_parse(
	    "kind: Pod\nmetadata:\n  labels:\n    name: wrong\n  name: etcd\n  namespace: 'ns'\n"
	    "spec:\n  initContainers:\n  - name: setup\n    image: a\n"
	    "  containers:\n  - name: etcd\n    command:\n    - |\n      name: wrong\n\n"
	    "      image: wrong\n    image: b\n"
	    "  - command: >-\n      image: wrong\n    image: \"c\"\n    name: etcdctl\n    env:\n"
	    "    - name: X\n      value: y\n  volumes:\n  - name: v\n");
	g_autoptr(RdManifest) indented = NULL;

	g_assert_cmpstr(flush->name, ==, "etcd");
	g_assert_cmpstr(flush->namespace, ==, "ns");
	g_assert_cmpuint(flush->containers->len, ==, 2);
	g_assert_cmpstr(rd_manifest_image(flush, "etcdctl"), ==, "c");
	indented =
	    rd_manifest_parse("spec:\n    containers:\n        - image: b\n          name: etcd\n  "
			      "      - name: etcdctl\n"
			      "          image: c\nmetadata:\n    name: etcd\n    namespace: ns\n");
	g_assert_cmpstr(indented->namespace, ==, "ns");
	g_assert_cmpuint(indented->containers->len, ==, 2);
	g_assert_cmpstr(rd_manifest_image(indented, "etcd"), ==, "b");
	g_assert_cmpstr(rd_manifest_image(indented, "etcdctl"), ==, "c");
	g_assert_null(rd_manifest_parse("just a note\n"));
	g_assert_null(rd_manifest_parse("{\"kind\":\"ConfigMap\"}"));
	g_assert_null(rd_manifest_parse(""));
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/ids/predict/one", test_predict_one);
	g_test_add_func("/ids/predict/three", test_predict_three);
	g_test_add_func("/ids/predict/differs", test_predict_differs);
	g_test_add_func("/ids/parse", test_members_parse);
	g_test_add_func("/added-members/json", test_added_json);
	g_test_add_func("/added-members/console", test_added_console);
	g_test_add_func("/added-members/unpadded", test_added_unpadded);
	g_test_add_func("/added-members/wrong", test_added_wrong);
	g_test_add_func("/etcdctl/health", test_health);
	g_test_add_func("/etcdctl/health/alarm", test_health_alarm);
	g_test_add_func("/etcdctl/endpoint-status", test_endpoints);
	g_test_add_func("/etcdctl/member-list", test_member_list);
	g_test_add_func("/etcdctl/member-list/3.3", test_member_list_3_3);
	g_test_add_func("/etcdctl/cluster-id", test_cluster_id);
	g_test_add_func("/etcdctl/status-cluster-id", test_status_cluster_id);
	g_test_add_func("/env/exact", test_env_exact);
	g_test_add_func("/env/wrong", test_env_wrong);
	g_test_add_func("/pod-name/right", test_pod_name);
	g_test_add_func("/pod-name/wrong", test_pod_name_wrong);
	g_test_add_func("/forms", test_forms);
	g_test_add_func("/manifest/json", test_manifest_json);
	g_test_add_func("/manifest/yaml", test_manifest_yaml);
	return g_test_run();
}
