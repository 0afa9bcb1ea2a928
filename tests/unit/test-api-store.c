/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api-script.h"
#include "kube/objects.h"
#include "rehearsal/store.h"

/* The simulated API server's store: the script that a real one has to follow, too (api-script.h),
 * and what only those who stand behind it do. */

typedef struct {
	RdKube kube;
	RdSimStore *store;
	gint64 now;
} Direct;

static void
direct_send(RdKube *kube, const RdKubeRequest *requests, guint n, guint in_flight, guint limit_s,
	    RdKubeAnswer *answers)
{
	Direct *self = (Direct *)kube;

	for (guint i = 0; i < n; i++)
		rd_sim_store_answer(self->store, &requests[i], 1795180000, &answers[i]);
}

static gboolean
direct_pause(RdKube *kube, guint milliseconds)
{
	((Direct *)kube)->now += milliseconds * 1000;
	return TRUE;
}

static gint64
direct_clock(RdKube *kube)
{
	return ((Direct *)kube)->now;
}

static const RdKubeClass direct_class = {direct_send, direct_pause, direct_clock};

static RdSimStore *
store_new(void)
{
	RdSimStore *store = rd_sim_store_new();

	rd_sim_store_serve(store, "/api/v1/configmaps", "ConfigMap");
	rd_sim_store_serve(store, "/api/v1/nodes", "Node");
	rd_sim_store_serve(store, "/apis/certificates.k8s.io/v1/certificatesigningrequests",
			   "CertificateSigningRequest");
	return store;
}

static void
test_script(void)
{
	g_autoptr(RdSimStore) store = store_new();
	Direct direct = {.kube = {&direct_class}, .store = store};

	api_play(&direct.kube);
	/* what was refused is not counted */
	g_assert_cmpuint(rd_sim_store_tally(store, "POST " API_MANY), ==, 2);
	g_assert_cmpuint(rd_sim_store_tally(store, "PUT " API_ONE), ==, 1);
	g_assert_cmpuint(rd_sim_store_tally(store, "PATCH " API_ONE), ==, 3);
	g_assert_cmpuint(rd_sim_store_tally(store, "DELETE " API_ONE), ==, 1);
}

static void
test_pages(void)
{
	g_autoptr(RdSimStore) store = store_new();
	Direct direct = {.kube = {&direct_class}, .store = store};
	RdKubeRequest request = {.verb = RD_KUBE_GET, .path = "/api/v1/nodes?limit=7"};
	g_auto(RdKubeAnswer) answer = {0};
	g_autofree char *token = NULL, *next = NULL;
	g_autoptr(JsonNode) list = NULL;
	g_autoptr(GError) error = NULL;

	for (guint i = 0; i < 1234; i++) {
		g_autofree char *path = g_strdup_printf("/api/v1/nodes/n%u", i);

		rd_sim_store_put(store, path, "{}", 1795170000);
	}
	list = rd_kube_list(&direct.kube, "/api/v1/nodes", 0, NULL, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(json_array_get_length(
			     json_object_get_array_member(json_node_get_object(list), "items")),
			 ==, 1234);
	/* a page of a list that expired */
	rd_sim_store_answer(store, &request, 1795180000, &answer);
	token = api_meta(answer.body, "continue");
	next = g_strdup_printf("/api/v1/nodes?limit=7&continue=%s", token);
	request.path = next;
	rd_sim_store_answer(store, &request, 1795180000, &answer);
	g_assert_cmpint(answer.verdict, ==, RD_KUBE_DONE);
	rd_sim_store_compact(store);
	rd_sim_store_answer(store, &request, 1795180000, &answer);
	g_assert_cmpint(answer.verdict, ==, RD_KUBE_GONE);
}

static void
test_parts(void)
{
	static const char csr[] = "/apis/certificates.k8s.io/v1/certificatesigningrequests/c1";
	g_autofree char *approval = g_strconcat(csr, "/approval", NULL);
	g_autoptr(RdSimStore) store = store_new();
	g_auto(RdKubeAnswer) answer = {0};
	RdKubeRequest request = {.verb = RD_KUBE_PUT, .path = csr};
	JsonObject *status;

	rd_sim_store_put(store, csr, "{\"spec\":{\"a\":1},\"status\":{\"certificate\":\"c\"}}",
			 1795170000);
	/* to the object: the status stays; to /approval: the conditions alone */
	request.body = "{\"metadata\":{\"name\":\"c1\"},\"spec\":{\"a\":2},\"status\":{}}";
	rd_sim_store_answer(store, &request, 1795180000, &answer);
	g_assert_cmpint(answer.verdict, ==, RD_KUBE_DONE);
	request.path = approval;
	request.body =
	    "{\"spec\":{\"a\":3},\"status\":{\"certificate\":\"x\",\"conditions\":[{}]}}";
	rd_sim_store_answer(store, &request, 1795180000, &answer);
	g_assert_cmpint(answer.verdict, ==, RD_KUBE_DONE);
	g_assert_cmpint(
	    json_object_get_int_member(
		json_object_get_object_member(rd_sim_store_find(store, csr), "spec"), "a"),
	    ==, 2);
	status = json_object_get_object_member(rd_sim_store_find(store, csr), "status");
	g_assert_cmpstr(json_object_get_string_member(status, "certificate"), ==, "c");
	g_assert_cmpuint(json_array_get_length(json_object_get_array_member(status, "conditions")),
			 ==, 1);
}

static void
test_past(void)
{
	g_autoptr(RdSimStore) store = store_new();
	g_autoptr(GPtrArray) saved = NULL;
	g_autofree char *before = NULL, *after = NULL;
	JsonNode *node = json_node_new(JSON_NODE_OBJECT);

	rd_sim_store_put(store, "/api/v1/nodes/m0", "{\"spec\":{\"a\":1}}", 1795170000);
	saved = rd_sim_store_save(store);
	rd_sim_store_put(store, "/api/v1/nodes/m1", "{}", 1795170000);
	json_object_set_int_member(
	    json_object_get_object_member(rd_sim_store_find(store, "/api/v1/nodes/m0"), "spec"),
	    "a", 2);
	rd_sim_store_written(store, "/api/v1/nodes/m0", "kubelet", "status", 1795170001);
	rd_sim_store_restore(store, saved, TRUE);
	g_assert_null(rd_sim_store_find(store, "/api/v1/nodes/m1"));
	json_node_set_object(node, rd_sim_store_find(store, "/api/v1/nodes/m0"));
	before = api_meta(node, "resourceVersion");
	g_assert_cmpint(json_object_get_int_member(
			    json_object_get_object_member(json_node_get_object(node), "spec"), "a"),
			==, 1);
	/* versions of the time that is gone are not given again */
	rd_sim_store_written(store, "/api/v1/nodes/m0", "kubelet", "status", 1795180000);
	after = api_meta(node, "resourceVersion");
	g_assert_cmpint(atoi(after), >, atoi(before) + 1);
	json_node_unref(node);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/api-store/script", test_script);
	g_test_add_func("/api-store/pages", test_pages);
	g_test_add_func("/api-store/parts", test_parts);
	g_test_add_func("/api-store/past", test_past);
	return g_test_run();
}
