/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* src/kube against a real API server: what the unit tests say of a scripted one, where only the
 * real one knows. tests/lab/kubernetes runs it in the lab's network; from there come LAB_KUBE
 * folder with m0.kubeconfig (by address, a certificate), token.kubeconfig,
 *               localhost-recovery.kubeconfig (as it lies on m0), request.pem (of a client CSR)
 *   LAB_SSH     a command for /bin/sh that leads a stream to port 6443 of m0's loopback
 *   LAB_COMPACT a command that compacts etcd to its newest revision
 * /kube-real is for a cluster in order, /kube-lost for one whose etcd has lost its majority. */

#include "host/tcp.h"
#include "kube/client.h"
#include "kube/freshness.h"
#include "kube/objects.h"

#include <glib-unix.h>
#include <recovery/plugin.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAPS	 "/api/v1/namespaces/default/configmaps"
#define OPERATOR "/apis/operator.openshift.io/v1"
#define REQUESTS "/apis/certificates.k8s.io/v1/certificatesigningrequests"
#define MANY	 1203 /* three pages */

static char *
lab_file(const char *name)
{
	return g_build_filename(g_getenv("LAB_KUBE"), name, NULL);
}

static RdKubeconfig *
load(const char *name)
{
	g_autofree char *path = lab_file(name);
	g_autoptr(GError) error = NULL;
	RdKubeconfig *config = rd_kubeconfig_load(path, NULL, &error);

	g_assert_no_error(error);
	return config;
}

static RdKube *
connect_to(RdKubeconfig *config, const RdKubeRoute *route)
{
	g_autoptr(GError) error = NULL;
	RdKube *kube = rd_kube_client_new(config, route, -1, &error);

	g_assert_no_error(error);
	return kube;
}

static void
send_one(RdKube *kube, RdKubeVerb verb, const char *path, const char *body, RdKubeAnswer *answer)
{
	RdKubeRequest request = {.verb = verb, .path = path, .body = body};

	rd_kube_answer_clear(answer);
	kube->klass->send(kube, &request, 1, 1, RD_KUBE_LIMIT, answer);
	g_test_message("%s %s: %u %s %s", rd_kube_verb_to_string(verb), path, answer->status,
		       rd_kube_verdict_to_string(answer->verdict),
		       answer->message == NULL ? "" : answer->message);
}

/* text at a.b.c of an object; "" when there is none */
static const char *
text_at(JsonNode *node, const char *where)
{
	g_auto(GStrv) keys = g_strsplit(where, ".", -1);

	for (char **key = keys; *key != NULL && node != NULL; key++)
		node = JSON_NODE_HOLDS_OBJECT(node)
			   ? json_object_get_member(json_node_get_object(node), *key)
			   : NULL;
	return node != NULL && json_node_get_value_type(node) == G_TYPE_STRING
		   ? json_node_get_string(node)
		   : "";
}

/* ---- who we are, whom we believe ---- */

static void
assert_serves(RdKube *kube)
{
	g_auto(RdKubeAnswer) answer = {0};

	send_one(kube, RD_KUBE_GET, "/api/v1/nodes/m0", NULL, &answer);
	g_assert_cmpint(answer.verdict, ==, RD_KUBE_DONE);
	g_assert_cmpstr(text_at(answer.body, "metadata.name"), ==, "m0");
}

static void
test_certificate(void)
{
	RdKube *kube = connect_to(load("m0.kubeconfig"), NULL);

	assert_serves(kube);
	rd_kube_client_free(kube);
}

static void
test_token(void)
{
	RdKubeconfig *config = load("token.kubeconfig");
	RdKube *kube = NULL;
	g_auto(RdKubeAnswer) answer = {0};

	g_assert_cmpstr(config->server_name, ==, "localhost-recovery");
	kube = connect_to(config, NULL);
	assert_serves(kube);
	rd_kube_client_free(kube);

	config = load("token.kubeconfig");
	config->token[strlen(config->token) - 5] ^= 1;
	kube = connect_to(config, NULL);
	send_one(kube, RD_KUBE_GET, "/api/v1/nodes/m0", NULL, &answer);
	g_assert_cmpuint(answer.status, ==, 401);
	g_assert_cmpint(answer.verdict, ==, RD_KUBE_REFUSED);
	/* unless the API has only just come up */
	rd_kube_client_set_up_since(kube, rd_boottime() - G_USEC_PER_SEC);
	send_one(kube, RD_KUBE_GET, "/api/v1/nodes/m0", NULL, &answer);
	g_assert_cmpint(answer.verdict, ==, RD_KUBE_NOT_YET);
	rd_kube_client_free(kube);
}

static void
test_other_name(void)
{
	RdKubeconfig *config = load("token.kubeconfig");
	g_auto(RdKubeAnswer) answer = {0};
	RdKube *kube = NULL;

	g_free(config->server_name);
	config->server_name = g_strdup("api.elsewhere.test");
	kube = connect_to(config, NULL);
	send_one(kube, RD_KUBE_PUT, MAPS "/nobody", "{}", &answer);
	g_assert_cmpint(answer.verdict, ==, RD_KUBE_NOT_YET);
	g_assert_nonnull(strstr(answer.message, "api.elsewhere.test"));
	rd_kube_client_free(kube);
}

/* OpenSSH's own forward: its standard input and output are the stream */
static int
forward_open(gpointer data, const char *host, guint16 port, GError **error)
{
	int pair[2];

	g_assert_cmpstr(host, ==, "localhost");
	g_assert_cmpint(port, ==, 6443);
	g_assert_no_errno(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	if (fork() == 0) {
		dup2(pair[1], STDIN_FILENO);
		dup2(pair[1], STDOUT_FILENO);
		execl("/bin/sh", "sh", "-c", g_getenv("LAB_SSH"), NULL);
		_exit(127);
	}
	close(pair[1]);
	g_unix_set_fd_nonblocking(pair[0], TRUE, NULL);
	return pair[0];
}

static void
test_forward(void)
{
	const RdKubeRoute route = {.open = forward_open};
	RdKubeconfig *config = load("localhost-recovery.kubeconfig");
	RdKube *kube = NULL;

	g_assert_cmpstr(config->host, ==, "localhost");
	g_assert_cmpstr(config->server_name, ==, "localhost-recovery");
	kube = connect_to(config, &route);
	assert_serves(kube);
	rd_kube_client_free(kube);
	while (waitpid(-1, NULL, 0) > 0)
		;
}

/* ---- what there is, and what not ---- */

static void
test_missing(void)
{
	static const struct {
		const char *path;
		gboolean unserved;
	} cases[] = {
	    {"/api/v1/nodes/nobody", FALSE},
	    {MAPS "/nobody", FALSE},
	    {"/api/v1/namespaces/nowhere/configmaps/nobody", FALSE},
	    {OPERATOR "/etcds/nobody", FALSE},
	    {OPERATOR "/nothings", TRUE},
	    {OPERATOR "/nothings/cluster", TRUE},
	    {"/apis/operator.openshift.io/v9/etcds/cluster", TRUE},
	    {"/apis/nothing.openshift.io/v1/things/cluster", TRUE},
	    {"/api/v1/nothings", TRUE},
	    {"/api/v1/namespaces/default/nothings/cluster", TRUE},
	};
	RdKube *kube = connect_to(load("m0.kubeconfig"), NULL);
	g_autoptr(JsonNode) list = NULL;
	g_autoptr(GError) error = NULL;
	gboolean unserved = FALSE;

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_auto(RdKubeAnswer) answer = {0};

		send_one(kube, RD_KUBE_GET, cases[i].path, NULL, &answer);
		g_assert_cmpint(answer.verdict, ==, RD_KUBE_MISSING);
		g_assert_cmpint(answer.unserved, ==, cases[i].unserved);
	}
	list = rd_kube_list(kube, OPERATOR "/nothings", 0, &unserved, &error);
	g_assert_no_error(error);
	g_assert_null(list);
	g_assert_true(unserved);
	list = rd_kube_list(kube, OPERATOR "/nothings", 0, NULL, &error);
	g_assert_error(error, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE);
	rd_kube_client_free(kube);
}

/* ---- changes ---- */

/* {"apiVersion":"v1","kind":"ConfigMap",…}; @version: (nullable) */
static char *
map_body(const char *name, const char *value, const char *version)
{
	return g_strdup_printf(
	    "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":"
	    "\"%s\"%s%s%s},\"data\":{\"value\":\"%s\"}}",
	    name, version == NULL ? "" : ",\"resourceVersion\":\"", version == NULL ? "" : version,
	    version == NULL ? "" : "\"", value);
}

static void
make_map(RdKube *kube, const char *name, RdKubeAnswer *answer)
{
	g_autofree char *body = map_body(name, "one", NULL);

	send_one(kube, RD_KUBE_POST, MAPS, body, answer);
}

static void
test_create(void)
{
	RdKube *kube = connect_to(load("m0.kubeconfig"), NULL);
	g_auto(RdKubeAnswer) answer = {0};
	g_autofree char *body = map_body("created", "one", NULL);

	make_map(kube, "created", &answer);
	g_assert_cmpuint(answer.status, ==, 201);
	make_map(kube, "created", &answer);
	g_assert_cmpint(answer.verdict, ==, RD_KUBE_CONFLICT);
	g_assert_cmpstr(answer.reason, ==, "AlreadyExists");
	send_one(kube, RD_KUBE_POST, "/api/v1/namespaces/nowhere/configmaps", body, &answer);
	g_assert_cmpint(answer.verdict, ==, RD_KUBE_MISSING);
	g_assert_false(answer.unserved);
	send_one(kube, RD_KUBE_POST, MAPS, "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\"}",
		 &answer);
	g_assert_cmpuint(answer.status, ==, 422);
	g_assert_cmpint(answer.verdict, ==, RD_KUBE_REFUSED);
	send_one(kube, RD_KUBE_POST, MAPS, "{]", &answer);
	g_assert_cmpint(answer.verdict, ==, RD_KUBE_REFUSED);
	rd_kube_client_free(kube);
}

static void
test_conflict(void)
{
	RdKube *kube = connect_to(load("m0.kubeconfig"), NULL);
	g_auto(RdKubeAnswer) answer = {0};
	g_autofree char *version = NULL, *two = NULL, *three = NULL;

	make_map(kube, "contested", &answer);
	version = g_strdup(text_at(answer.body, "metadata.resourceVersion"));
	two = map_body("contested", "two", version);
	three = map_body("contested", "three", version);
	send_one(kube, RD_KUBE_PUT, MAPS "/contested", two, &answer);
	g_assert_cmpint(answer.verdict, ==, RD_KUBE_DONE);
	g_assert_true(rd_fresh_is_newer(text_at(answer.body, "metadata.resourceVersion"), version));
	send_one(kube, RD_KUBE_PUT, MAPS "/contested", three, &answer);
	g_assert_cmpint(answer.verdict, ==, RD_KUBE_CONFLICT);
	/* a merge patch with a resourceVersion is held to it as well */
	send_one(kube, RD_KUBE_PATCH_MERGE, MAPS "/contested", three, &answer);
	g_assert_cmpint(answer.verdict, ==, RD_KUBE_CONFLICT);
	send_one(kube, RD_KUBE_GET, MAPS "/contested", NULL, &answer);
	g_assert_cmpstr(text_at(answer.body, "data.value"), ==, "two");
	rd_kube_client_free(kube);
}

typedef struct {
	RdKube *rival; /* changes the object under us, this often */
	guint rounds;
	guint edits;
} Contest;

static RdKubeEditing
edit_contested(JsonObject *object, gpointer data, GError **error)
{
	Contest *contest = data;
	g_auto(RdKubeAnswer) answer = {0};
	JsonObject *values = json_object_get_object_member(object, "data");
	g_autofree char *rival = g_strdup_printf("{\"data\":{\"rival\":\"%u\"}}", contest->edits);

	contest->edits++;
	if (contest->edits <= contest->rounds) {
		send_one(contest->rival, RD_KUBE_PATCH_MERGE, MAPS "/updated", rival, &answer);
		g_assert_cmpint(answer.verdict, ==, RD_KUBE_DONE);
	}
	if (g_str_equal(json_object_get_string_member_with_default(values, "value", ""), "mine"))
		return RD_KUBE_EDIT_ALREADY;
	json_object_set_string_member(values, "value", "mine");
	return RD_KUBE_EDIT_SEND;
}

static void
test_update(void)
{
	RdKube *kube = connect_to(load("m0.kubeconfig"), NULL);
	Contest contest = {.rival = connect_to(load("token.kubeconfig"), NULL), .rounds = 2};
	g_auto(RdKubeAnswer) answer = {0};
	g_autoptr(GError) error = NULL;
	gboolean changed = FALSE;

	make_map(kube, "updated", &answer);
	rd_kube_update(kube, MAPS "/updated", NULL, edit_contested, &contest, 20, &changed, &error);
	g_assert_no_error(error);
	g_assert_true(changed);
	g_assert_cmpuint(contest.edits, ==, 3);
	send_one(kube, RD_KUBE_GET, MAPS "/updated", NULL, &answer);
	g_assert_cmpstr(text_at(answer.body, "data.value"), ==, "mine");
	g_assert_cmpstr(text_at(answer.body, "data.rival"), ==, "1");
	rd_kube_update(kube, MAPS "/updated", NULL, edit_contested, &contest, 20, &changed, &error);
	g_assert_no_error(error);
	g_assert_false(changed);
	rd_kube_update(kube, MAPS "/nobody", NULL, edit_contested, &contest, 5, &changed, &error);
	g_assert_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT);
	rd_kube_client_free(contest.rival);
	rd_kube_client_free(kube);
}

static void
test_patch(void)
{
	RdKube *kube = connect_to(load("m0.kubeconfig"), NULL);
	g_auto(RdKubeAnswer) answer = {0};
	g_autofree char *text = NULL;

	/* as the operators are asked for a rollout (domain 2.8), on a custom resource */
	send_one(kube, RD_KUBE_PATCH_MERGE, OPERATOR "/kubeschedulers/cluster",
		 "{\"spec\":{\"observedConfig\":{\"probe\":true}}}", &answer);
	g_assert_cmpint(answer.verdict, ==, RD_KUBE_DONE);
	g_assert_cmpstr(text_at(answer.body, "spec.managementState"), ==, "Managed");
	make_map(kube, "patched", &answer);
	send_one(kube, RD_KUBE_PATCH_JSON, MAPS "/patched",
		 "[{\"op\":\"test\",\"path\":\"/data/value\",\"value\":\"one\"},"
		 "{\"op\":\"replace\",\"path\":\"/data/value\",\"value\":\"two\"}]",
		 &answer);
	g_assert_cmpint(answer.verdict, ==, RD_KUBE_DONE);
	g_assert_cmpstr(text_at(answer.body, "data.value"), ==, "two");
	/* a test that fails is no conflict to the API: 422, as nonsense is */
	send_one(kube, RD_KUBE_PATCH_JSON, MAPS "/patched",
		 "[{\"op\":\"test\",\"path\":\"/data/value\",\"value\":\"one\"},"
		 "{\"op\":\"replace\",\"path\":\"/data/value\",\"value\":\"three\"}]",
		 &answer);
	g_assert_cmpuint(answer.status, ==, 422);
	g_assert_cmpint(answer.verdict, ==, RD_KUBE_REFUSED);
	send_one(kube, RD_KUBE_GET, MAPS "/patched", NULL, &answer);
	g_assert_cmpstr(text_at(answer.body, "data.value"), ==, "two");
	/* who wrote it is kept: freshness tells our own writes from others' */
	text = json_to_string(answer.body, FALSE);
	g_assert_nonnull(strstr(text, "\"manager\":\"recoveryd\""));
	rd_kube_client_free(kube);
}

static void
test_delete(void)
{
	RdKube *kube = connect_to(load("m0.kubeconfig"), NULL);
	g_auto(RdKubeAnswer) answer = {0};
	g_autofree char *uid = NULL;
	RdKubeRequest request = {.verb = RD_KUBE_DELETE, .path = MAPS "/deleted"};

	make_map(kube, "deleted", &answer);
	uid = g_strdup(text_at(answer.body, "metadata.uid"));
	request.uid = "11111111-2222-3333-4444-555555555555";
	rd_kube_answer_clear(&answer);
	kube->klass->send(kube, &request, 1, 1, RD_KUBE_LIMIT, &answer);
	g_assert_cmpint(answer.verdict, ==, RD_KUBE_CONFLICT);
	request.uid = uid;
	rd_kube_answer_clear(&answer);
	kube->klass->send(kube, &request, 1, 1, RD_KUBE_LIMIT, &answer);
	g_assert_cmpint(answer.verdict, ==, RD_KUBE_DONE);
	rd_kube_answer_clear(&answer);
	kube->klass->send(kube, &request, 1, 1, RD_KUBE_LIMIT, &answer);
	g_assert_cmpint(answer.verdict, ==, RD_KUBE_MISSING);
	g_assert_false(answer.unserved);
	rd_kube_client_free(kube);
}

/* ---- many ---- */

static void
make_many(RdKube *kube)
{
	g_autoptr(GPtrArray) bodies = g_ptr_array_new_with_free_func(g_free);
	g_autofree RdKubeRequest *requests = g_new0(RdKubeRequest, MANY);
	g_autofree RdKubeAnswer *answers = g_new0(RdKubeAnswer, MANY);
	g_autoptr(GError) error = NULL;
	gint64 began = g_get_monotonic_time();

	for (guint i = 0; i < MANY; i++) {
		g_autofree char *name = g_strdup_printf("many-%05u", i);

		g_ptr_array_add(bodies, map_body(name, "one", NULL));
		requests[i] =
		    (RdKubeRequest){.verb = RD_KUBE_POST, .path = MAPS, .body = bodies->pdata[i]};
	}
	rd_kube_change_all(kube, requests, MANY, 60, answers, &error);
	g_assert_no_error(error);
	for (guint i = 0; i < MANY; i++) {
		/* 409: of the test before this one */
		g_assert_true(answers[i].verdict == RD_KUBE_DONE ||
			      g_strcmp0(answers[i].reason, "AlreadyExists") == 0);
		rd_kube_answer_clear(&answers[i]);
	}
	g_test_message("%u objects made in %.1f s", MANY, (g_get_monotonic_time() - began) / 1e6);
}

/* those of make_many(), in order and each once */
static void
assert_many(JsonNode *list)
{
	JsonArray *items = json_object_get_array_member(json_node_get_object(list), "items");
	guint found = 0;

	for (guint i = 0; i < json_array_get_length(items); i++) {
		const char *name = text_at(json_array_get_element(items, i), "metadata.name");
		g_autofree char *wanted = g_strdup_printf("many-%05u", found);

		if (!g_str_has_prefix(name, "many-"))
			continue;
		g_assert_cmpstr(name, ==, wanted);
		found++;
	}
	g_assert_cmpuint(found, ==, MANY);
}

static void
test_pages(void)
{
	RdKube *kube = connect_to(load("m0.kubeconfig"), NULL);
	g_autoptr(JsonNode) list = NULL;
	g_autoptr(GError) error = NULL;

	make_many(kube);
	list = rd_kube_list(kube, MAPS, 20, NULL, &error);
	g_assert_no_error(error);
	assert_many(list);
	g_assert_cmpstr(text_at(list, "metadata.resourceVersion"), !=, "");
	rd_kube_client_free(kube);
}

/* a client under which, once, the list's first pages expire */
typedef struct {
	RdKube kube; /* first */
	RdKube *inner;
	guint pages;
	guint expired; /* answers GONE */
} Expiring;

static void
compact(RdKube *kube)
{
	g_auto(RdKubeAnswer) answer = {0};
	g_autoptr(GError) error = NULL;
	int status = 0;

	/* etcd keeps the revision that it is compacted to: there has to be a later one */
	send_one(kube, RD_KUBE_PATCH_MERGE, MAPS "/many-00000", "{\"data\":{\"value\":\"later\"}}",
		 &answer);
	g_assert_cmpint(answer.verdict, ==, RD_KUBE_DONE);
	g_spawn_command_line_sync(g_getenv("LAB_COMPACT"), NULL, NULL, &status, &error);
	g_assert_no_error(error);
	g_assert_cmpint(status, ==, 0);
}

static void
expiring_send(RdKube *kube, const RdKubeRequest *requests, guint n, guint in_flight, guint limit_s,
	      RdKubeAnswer *answers)
{
	Expiring *self = (Expiring *)kube;

	if (self->pages++ == 1)
		compact(self->inner);
	self->inner->klass->send(self->inner, requests, n, in_flight, limit_s, answers);
	if (answers[0].verdict == RD_KUBE_GONE)
		self->expired++;
}

static gboolean
expiring_pause(RdKube *kube, guint milliseconds)
{
	Expiring *self = (Expiring *)kube;

	return self->inner->klass->pause(self->inner, milliseconds);
}

static gint64
expiring_clock(RdKube *kube)
{
	Expiring *self = (Expiring *)kube;

	return self->inner->klass->clock(self->inner);
}

static void
test_expired(void)
{
	static const RdKubeClass klass = {expiring_send, expiring_pause, expiring_clock};
	Expiring kube = {.kube = {&klass}, .inner = connect_to(load("m0.kubeconfig"), NULL)};
	g_autoptr(JsonNode) list = NULL;
	g_autoptr(GError) error = NULL;

	make_many(kube.inner);
	list = rd_kube_list(&kube.kube, MAPS, 60, NULL, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(kube.expired, ==, 1);
	g_assert_cmpuint(kube.pages, ==, 5);
	assert_many(list);
	rd_kube_client_free(kube.inner);
}

/* ---- certificates ---- */

static RdKubeEditing
edit_approve(JsonObject *object, gpointer data, GError **error)
{
	JsonObject *status = json_object_get_object_member(object, "status");
	JsonObject *condition = json_object_new();
	JsonArray *conditions = json_array_new();

	json_object_set_string_member(condition, "type", "Approved");
	json_object_set_string_member(condition, "status", "True");
	json_object_set_string_member(condition, "reason", "RecoverydApprove");
	json_object_set_string_member(condition, "message", "a test of the lab");
	json_array_add_object_element(conditions, condition);
	json_object_set_array_member(status, "conditions", conditions);
	return RD_KUBE_EDIT_SEND;
}

static void
test_approve(void)
{
	RdKube *kube = connect_to(load("m0.kubeconfig"), NULL);
	g_autofree char *path = lab_file("request.pem");
	g_autofree char *pem = NULL, *coded = NULL, *body = NULL, *certificate = NULL;
	g_auto(RdKubeAnswer) answer = {0};
	g_autoptr(GError) error = NULL;
	gint64 end = g_get_monotonic_time() + 30 * G_USEC_PER_SEC;
	gboolean changed = FALSE;
	gsize size = 0;

	g_file_get_contents(path, &pem, &size, &error);
	g_assert_no_error(error);
	coded = g_base64_encode((const guchar *)pem, size);
	body = g_strdup_printf(
	    "{\"apiVersion\":\"certificates.k8s.io/v1\",\"kind\":\"CertificateSigningRequest\","
	    "\"metadata\":{\"name\":\"approved\"},\"spec\":{\"request\":\"%s\",\"signerName\":"
	    "\"kubernetes.io/kube-apiserver-client-kubelet\",\"usages\":[\"digital signature\","
	    "\"key encipherment\",\"client auth\"]}}",
	    coded);
	send_one(kube, RD_KUBE_POST, REQUESTS, body, &answer);
	g_assert_cmpint(answer.verdict, ==, RD_KUBE_DONE);
	rd_kube_update(kube, REQUESTS "/approved", "/approval", edit_approve, NULL, 20, &changed,
		       &error);
	g_assert_no_error(error);
	g_assert_true(changed);
	do {
		g_usleep(100 * 1000);
		send_one(kube, RD_KUBE_GET, REQUESTS "/approved", NULL, &answer);
		g_free(certificate);
		certificate = g_strdup(text_at(answer.body, "status.certificate"));
	} while (*certificate == '\0' && g_get_monotonic_time() < end);
	g_assert_cmpstr(certificate, !=, "");
	rd_kube_client_free(kube);
}

/* ---- witnesses ---- */

static void
test_fresh_node(void)
{
	RdKube *kube = connect_to(load("m0.kubeconfig"), NULL);
	RdFreshMoment moment = {.now = g_get_real_time() / 1e6};
	g_auto(RdFresh) fresh = {0};
	g_auto(RdKubeAnswer) node = {0}, lease = {0};

	send_one(kube, RD_KUBE_GET, "/api/v1/nodes/m1", NULL, &node);
	send_one(kube, RD_KUBE_GET,
		 "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/m1", NULL, &lease);
	moment.api_up = moment.now - 300;
	rd_fresh_node(node.body, lease.body, &moment, &fresh);
	g_test_message("%s", fresh.why);
	g_assert_cmpint(fresh.verdict, ==, RD_FRESH_TRUE);
	/* an API that came up this very moment: the lease may be from before */
	moment.api_up = moment.now;
	rd_fresh_node(node.body, lease.body, &moment, &fresh);
	g_assert_cmpint(fresh.verdict, ==, RD_FRESH_STALE);
	rd_kube_client_free(kube);
}

static JsonNode *
read_json(const char *name)
{
	g_autofree char *path = lab_file(name);
	g_autofree char *text = NULL;
	g_autoptr(GError) error = NULL;
	JsonNode *node = NULL;
	gsize size = 0;

	g_file_get_contents(path, &text, &size, &error);
	g_assert_no_error(error);
	node = rd_kube_json_parse(text, size, &error);
	g_assert_no_error(error);
	return node;
}

static void
test_fresh_mirror(void)
{
	RdKube *kube = connect_to(load("m0.kubeconfig"), NULL);
	g_autoptr(JsonNode) pods = read_json("crictl-pods.json");
	g_autoptr(JsonNode) containers = read_json("crictl-ps.json");
	g_autoptr(JsonNode) others = read_json("crictl-ps-m1.json");
	g_auto(RdKubeAnswer) pod = {0};
	g_auto(RdFresh) fresh = {0};

	send_one(kube, RD_KUBE_GET, "/api/v1/namespaces/openshift-etcd/pods/etcd-m0", NULL, &pod);
	rd_fresh_mirror_pod(pod.body, pods, containers, &fresh);
	g_test_message("%s", fresh.why);
	g_assert_cmpint(fresh.verdict, ==, RD_FRESH_TRUE);
	rd_fresh_mirror_pod(pod.body, pods, others, &fresh);
	g_assert_cmpint(fresh.verdict, ==, RD_FRESH_STALE);
	rd_kube_client_free(kube);
}

static void
test_fresh_operator(void)
{
	RdKube *kube = connect_to(load("m0.kubeconfig"), NULL);
	RdFreshMoment moment = {.now = g_get_real_time() / 1e6};
	g_auto(RdKubeAnswer) object = {0};
	g_auto(RdFresh) fresh = {0};

	moment.api_up = moment.now;
	send_one(kube, RD_KUBE_GET, "/apis/config.openshift.io/v1/clusteroperators/console", NULL,
		 &object);
	rd_fresh_condition(object.body, "Available", "True", NULL, &moment, &fresh);
	g_assert_cmpint(fresh.verdict, ==, RD_FRESH_STALE);
	rd_kube_client_free(kube);
}

/* ---- a majority of etcd is gone ---- */

static void
test_lost(void)
{
	RdKube *kube = connect_to(load("m0.kubeconfig"), NULL);
	RdKubeRequest request = {.verb = RD_KUBE_PATCH_MERGE,
				 .path = MAPS "/lost",
				 .body = "{\"data\":{\"value\":\"late\"}}"};
	g_auto(RdKubeAnswer) answer = {0};
	g_autoptr(GError) error = NULL;
	gint64 began = g_get_monotonic_time();

	kube->klass->send(kube, &request, 1, 1, 20, &answer);
	g_test_message("%s: %s", rd_kube_verdict_to_string(answer.verdict), answer.message);
	g_assert_true(answer.verdict == RD_KUBE_DOUBT || answer.verdict == RD_KUBE_NOT_YET);
	g_assert_null(rd_kube_get(kube, MAPS "/lost", 15, NULL, &error));
	g_assert_error(error, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE);
	g_test_message("%s", error->message);
	g_assert_cmpint(g_get_monotonic_time() - began, <, 60 * G_USEC_PER_SEC);
	rd_kube_client_free(kube);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/kube-real/certificate", test_certificate);
	g_test_add_func("/kube-real/token", test_token);
	g_test_add_func("/kube-real/other-name", test_other_name);
	g_test_add_func("/kube-real/forward", test_forward);
	g_test_add_func("/kube-real/missing", test_missing);
	g_test_add_func("/kube-real/create", test_create);
	g_test_add_func("/kube-real/conflict", test_conflict);
	g_test_add_func("/kube-real/update", test_update);
	g_test_add_func("/kube-real/patch", test_patch);
	g_test_add_func("/kube-real/delete", test_delete);
	g_test_add_func("/kube-real/pages", test_pages);
	g_test_add_func("/kube-real/expired", test_expired);
	g_test_add_func("/kube-real/approve", test_approve);
	g_test_add_func("/kube-real/fresh-node", test_fresh_node);
	g_test_add_func("/kube-real/fresh-mirror", test_fresh_mirror);
	g_test_add_func("/kube-real/fresh-operator", test_fresh_operator);
	g_test_add_func("/kube-lost/answers", test_lost);
	return g_test_run();
}
