/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/api-way.h"
#include "host/forward.h"
#include "kube-fixture.h"
#include "sshd-fixture.h"

/* The way to the API server of a host: a real sshd in front of a server that follows a script. */

typedef struct {
	RdWorld world; /* the sshd's, but for where the kubeconfig lies */
	Sshd sshd;
	Mock *mock;
	char *file; /* the kubeconfig */
	RdInventory *inventory;
	RdApiWay way;
	RdKube *kube;
} Fixture;

static gboolean
world_call(RdWorld *world, const char *host, const RdCall *call, RdReply *reply, GError **error)
{
	Fixture *self = (Fixture *)world;
	RdWorld *real = sshd_world(&self->sshd);
	const char *argv[] = {"cat", self->file, NULL};
	RdCall moved = *call;

	g_assert_cmpint(call->verb, ==, RD_CALL_ASK);
	g_assert_cmpstr(call->argv[1], ==, RD_API_KUBECONFIG);
	moved.argv = argv;
	return real->klass->call(real, host, &moved, reply, error);
}

static const RdWorldClass world_class = {.call = world_call};

static const char inventory_text[] =
    "cluster: kite\nhosts:\n- {name: m0, role: control-plane, recovery: true, address: 127.0.0.1, "
    "user: root}\ndefaults: {known-hosts: /dev/null}\n";

static void
write_kubeconfig(Fixture *self, guint16 port)
{
	g_autofree char *ca = mock_base64(self->mock->ca->certificate_pem);
	g_autofree char *certificate = mock_base64(self->mock->client->certificate_pem);
	g_autofree char *key = mock_base64(self->mock->client->key_pem);
	g_autofree char *text = g_strdup_printf(
	    "current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\n"
	    "clusters: [{name: k, cluster: {server: \"https://localhost:%u\", tls-server-name: "
	    "localhost-recovery, certificate-authority-data: %s}}]\nusers: [{name: u, user: "
	    "{client-certificate-data: %s, client-key-data: %s}}]\n",
	    port, ca, certificate, key);

	g_assert_true(g_file_set_contents(self->file, text, -1, NULL));
}

/* @data: more for the sshd's configuration */
static void
set_up(Fixture *self, gconstpointer data)
{
	static const MockReply script[] = {{"/api"},
					   {"/big", .body = NULL},
					   {"/slow", .deed = SLOW},
					   {"/cut", .deed = CUT},
					   {NULL}};
	g_autoptr(GError) error = NULL;

	self->world.klass = &world_class;
	self->mock = mock_new(script, FALSE);
	sshd_set_up(&self->sshd, data);
	self->file = sshd_path(&self->sshd, "kubeconfig");
	write_kubeconfig(self, self->mock->port);
	self->inventory =
	    rd_inventory_parse("/tmp/i.yaml", inventory_text, strlen(inventory_text), NULL, &error);
	g_assert_no_error(error);
	self->way = (RdApiWay){self->inventory, self->sshd.addresses, self->sshd.cancel[0]};
}

static RdKube *
get_kube(Fixture *self)
{
	g_autoptr(GError) error = NULL;

	if (self->kube == NULL)
		self->kube = rd_api_way_open(&self->world, &self->way, &error);
	g_assert_no_error(error);
	return self->kube;
}

static void
tear_down(Fixture *self, gconstpointer data)
{
	g_clear_pointer(&self->kube, rd_api_way_close);
	sshd_tear_down(&self->sshd, data);
	mock_free(self->mock);
	rd_inventory_free(self->inventory);
	g_free(self->file);
}

static void
assert_answers(Fixture *self, guint patience_s)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(JsonNode) answer = rd_kube_get(get_kube(self), "/api", patience_s, NULL, &error);

	g_assert_no_error(error);
	g_assert_nonnull(answer);
}

/* ---- ---- */

/* libsoup's server knows who asks with the first request of a connection only */
static void
test_answers(Fixture *self, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(JsonNode) answer = rd_kube_get(get_kube(self), "/api", 120, NULL, &error);

	g_assert_no_error(error);
	g_assert_cmpstr(json_object_get_string_member(json_node_get_object(answer), "subject"), ==,
			"O=system:masters,CN=system:admin");
	assert_answers(self, 120);
	g_assert_cmpuint(mock_count(self->mock, "GET /api"), ==, 2);
}

/* more than any buffer on the way, and many at once */
static void
test_much(Fixture *self, gconstpointer data)
{
	g_autoptr(GString) big = g_string_new("{\"a\":\"");
	g_autoptr(GError) error = NULL;
	RdKubeRequest requests[60] = {0};
	RdKubeAnswer answers[60] = {{0}};
	MockReply script[] = {{"/api"}, {"/big"}, {"/slow", .deed = SLOW, .body = "{}"}, {NULL}};
	g_autoptr(JsonNode) answer = NULL;

	while (big->len < 5 * 1024 * 1024)
		g_string_append(big, "0123456789abcdef0123456789abcdef");
	g_string_append(big, "\"}");
	script[1].body = big->str;
	self->mock->script = script;
	assert_answers(self, 120);
	answer = rd_kube_get(get_kube(self), "/big", 120, NULL, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(strlen(json_object_get_string_member(json_node_get_object(answer), "a")),
			 ==, big->len - 8);
	for (guint i = 0; i < G_N_ELEMENTS(requests); i++)
		requests[i] = (RdKubeRequest){RD_KUBE_POST, "/slow", "{}"};
	/* and up again, which a host's window does not take at once */
	requests[0].body = big->str;
	g_assert_true(rd_kube_change_all(get_kube(self), requests, G_N_ELEMENTS(requests), 120,
					 answers, &error));
	g_assert_no_error(error);
	for (guint i = 0; i < G_N_ELEMENTS(answers); i++) {
		g_assert_cmpstr(answers[i].message, ==, NULL);
		g_assert_cmpint(answers[i].verdict, ==, RD_KUBE_DONE);
		rd_kube_answer_clear(&answers[i]);
	}
	g_assert_cmpuint(mock_count(self->mock, "POST /slow"), ==, G_N_ELEMENTS(requests));
	g_assert_cmpuint(self->mock->most_waiting, >, 4);
	/* the script is on this stack */
	g_clear_pointer(&self->kube, rd_api_way_close);
}

static void
test_connection_breaks(Fixture *self, gconstpointer data)
{
	assert_answers(self, 120);
	for (guint i = 0; i < 3; i++) {
		g_assert_cmpuint(signal_children(self->sshd.pid, SIGKILL), >, 0);
		assert_answers(self, 120);
	}
}

/* the connection goes while the server has the request: asked once, and nobody claims to know */
static void
test_change_in_doubt(Fixture *self, gconstpointer data)
{
	RdKubeRequest request = {RD_KUBE_POST, "/cut", "{}"};
	g_auto(RdKubeAnswer) answer = {0};
	g_autoptr(GError) error = NULL;

	assert_answers(self, 120);
	g_assert_false(rd_kube_change(get_kube(self), &request, 20, &answer, &error));
	assert_code(error, RECOVERY_ERROR_UNREACHABLE);
	assert_has(error->message, "may or may not");
	g_assert_cmpuint(mock_count(self->mock, "POST /cut"), ==, 1);
	assert_answers(self, 120);
}

static void
test_nobody_listens(Fixture *self, gconstpointer data)
{
	g_autoptr(JsonNode) answer = NULL;
	g_autoptr(GError) error = NULL;
	guint16 port;

	close(listen_somewhere(&port));
	write_kubeconfig(self, port);
	answer = rd_kube_get(get_kube(self), "/api", 1, NULL, &error);
	assert_code(error, RECOVERY_ERROR_UNREACHABLE);
	assert_has(error->message, "m0");
	assert_has(error->message, "no way on to localhost:");
}

static void
test_cancelled_and_used_again(Fixture *self, gconstpointer data)
{
	g_autoptr(JsonNode) answer = NULL;
	g_autoptr(GError) error = NULL;
	char byte;

	assert_answers(self, 120);
	g_assert_cmpint(write(self->sshd.cancel[1], "x", 1), ==, 1);
	answer = rd_kube_get(get_kube(self), "/api", 120, NULL, &error);
	assert_code(error, RECOVERY_ERROR_CANCELLED);
	g_assert_cmpint(read(self->sshd.cancel[0], &byte, 1), ==, 1);
	assert_answers(self, 120);
}

static void
test_no_file(Fixture *self, gconstpointer data)
{
	g_autoptr(GError) error = NULL;

	g_unlink(self->file);
	g_assert_null(rd_api_way_open(&self->world, &self->way, &error));
	assert_code(error, RECOVERY_ERROR_FAILED);
	assert_has(error->message, "m0: no way to the Kubernetes API");
	assert_has(error->message, "No such file");
	g_clear_error(&error);
	g_assert_true(g_file_set_contents(self->file, "clusters: [TOPSECRET]\n", -1, NULL));
	g_assert_null(rd_api_way_open(&self->world, &self->way, &error));
	assert_code(error, RECOVERY_ERROR_PERMANENT);
	assert_has(error->message, "m0:");
	g_assert_null(strstr(error->message, "TOPSECRET"));
}

static void
test_own_kubeconfig(Fixture *self, gconstpointer data)
{
	self->inventory->kubeconfig = g_strdup(self->file);
	kill(self->sshd.pid, SIGSTOP);
	assert_answers(self, 120);
	kill(self->sshd.pid, SIGCONT);
}

static void
test_no_recovery_host(Fixture *self, gconstpointer data)
{
	RdInventoryHost *host = g_ptr_array_index(self->inventory->hosts, 0);
	g_autoptr(GError) error = NULL;

	host->recovery = FALSE;
	g_assert_null(rd_api_way_open(&self->world, &self->way, &error));
	assert_code(error, RECOVERY_ERROR_PERMANENT);
}

/* ---- the forward itself ---- */

/* until @size bytes are there or the other side ended */
static char *
read_from(RdForward *forward, int fd, gsize size)
{
	g_autoptr(GString) got = g_string_new(NULL);
	gint64 start = rd_boottime();

	while (got->len < size && seconds_since(start) < 60) {
		g_autoptr(GArray) fds = g_array_new(FALSE, FALSE, sizeof(GPollFD));
		GPollFD ours = {.fd = fd, .events = G_IO_IN};
		char buffer[4096];
		gssize n;

		rd_forward_move(forward);
		n = read(fd, buffer, sizeof buffer);
		if (n == 0)
			break;
		if (n > 0) {
			g_string_append_len(got, buffer, n);
			continue;
		}
		g_array_append_val(fds, ours);
		rd_forward_poll(forward, fds);
		g_poll((GPollFD *)(void *)fds->data, fds->len, 1000);
	}
	return g_string_free(g_steal_pointer(&got), FALSE);
}

static int
accept_one(int listener)
{
	struct pollfd waiting = {.fd = listener, .events = POLLIN};

	g_assert_cmpint(poll(&waiting, 1, 60000), ==, 1);
	return accept(listener, NULL, NULL);
}

static void
test_ends(Fixture *self, gconstpointer data)
{
	RdHostAddress *m0 = g_ptr_array_index(self->sshd.addresses, 0);
	g_autoptr(RdForward) forward = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree char *hello = NULL, *none = NULL;
	guint16 port;
	int listener = listen_somewhere(&port), fd, far;
	char buffer[16] = "";

	m0->jump = sshd_address(&self->sshd, "gate");
	forward = rd_forward_new(m0, -1);
	/* theirs ends */
	fd = rd_forward_open(forward, "127.0.0.1", port, &error);
	g_assert_no_error(error);
	far = accept_one(listener);
	g_assert_cmpint(write(far, "hello", 5), ==, 5);
	hello = read_from(forward, fd, 5);
	g_assert_cmpstr(hello, ==, "hello");
	close(far);
	none = read_from(forward, fd, 1);
	g_assert_cmpstr(none, ==, "");
	close(fd);
	/* ours ends */
	fd = rd_forward_open(forward, "127.0.0.1", port, &error);
	g_assert_no_error(error);
	far = accept_one(listener);
	g_assert_cmpint(write(fd, "bye", 3), ==, 3);
	close(fd);
	for (guint i = 0; i < 6000; i++) {
		struct pollfd there = {.fd = far, .events = POLLIN};

		rd_forward_move(forward);
		if (poll(&there, 1, 10) == 0)
			continue;
		if (read(far, buffer + strlen(buffer), 8) <= 0)
			break;
	}
	g_assert_cmpstr(buffer, ==, "bye");
	g_assert_cmpint(read(far, buffer, 1), ==, 0);
	close(far);
	close(listener);
}

#define ADD(name, data, func) g_test_add("/api-way/" name, Fixture, data, set_up, func, tear_down)
/* both ways through the host */
#define ADD_BOTH(name, func)                                                                       \
	ADD(name "/forward", NULL, func);                                                          \
	ADD(name "/bash", "AllowTcpForwarding no", func)

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD_BOTH("answers", test_answers);
	ADD_BOTH("much", test_much);
	ADD_BOTH("connection-breaks", test_connection_breaks);
	ADD_BOTH("change-in-doubt", test_change_in_doubt);
	ADD_BOTH("nobody-listens", test_nobody_listens);
	ADD_BOTH("cancelled-and-used-again", test_cancelled_and_used_again);
	ADD("no-file", NULL, test_no_file);
	ADD("own-kubeconfig", NULL, test_own_kubeconfig);
	ADD("no-recovery-host", NULL, test_no_recovery_host);
	ADD("ends/forward", NULL, test_ends);
	return g_test_run();
}
