/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/tcp.h"
#include "kube-fixture.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <unistd.h>

/* the client against a server that misbehaves; each over HTTP/1.1 and HTTP/2 */

static gboolean
over_http2(gconstpointer data)
{
	return GPOINTER_TO_INT(data);
}

static void
send_one(RdKube *kube, RdKubeVerb verb, const char *path, const char *body, guint limit_s,
	 RdKubeAnswer *answer)
{
	RdKubeRequest request = {.verb = verb, .path = path, .body = body, .uid = "u-1"};

	rd_kube_answer_clear(answer);
	kube->klass->send(kube, &request, 1, 1, limit_s, answer);
}

static const char *
answer_text(const RdKubeAnswer *answer, const char *key)
{
	return json_object_get_string_member(json_node_get_object(answer->body), key);
}

static void
test_who_we_are(gconstpointer data)
{
	static const MockReply script[] = {{"/api"}, {NULL}};
	g_autoptr(Mock) mock = mock_new(script, over_http2(data));
	g_autoptr(GError) error = NULL;
	g_auto(RdKubeAnswer) answer = {0};
	RdKube *kube = mock_client(mock);

	send_one(kube, RD_KUBE_GET, "/api", NULL, 20, &answer);
	g_assert_cmpstr(answer.message, ==, NULL);
	g_assert_cmpint(answer.verdict, ==, RD_KUBE_DONE);
	g_assert_cmpstr(answer_text(&answer, "subject"), ==,
			over_http2(data) ? "" : "O=system:masters,CN=system:admin");
	g_assert_cmpstr(answer_text(&answer, "bearer"), ==, "");
	g_assert_cmpstr(answer_text(&answer, "accept"), ==, "application/json");
	g_assert_cmpint(json_object_get_int_member(json_node_get_object(answer.body), "http"), ==,
			over_http2(data) ? SOUP_HTTP_2_0 : SOUP_HTTP_1_1);
	rd_kube_client_free(kube);

	kube = rd_kube_client_new(mock_kubeconfig(mock, "localhost-recovery", NULL, "sha256~abc"),
				  NULL, -1, &error);
	g_assert_no_error(error);
	send_one(kube, RD_KUBE_GET, "/api", NULL, 20, &answer);
	g_assert_cmpstr(answer_text(&answer, "bearer"), ==, "Bearer sha256~abc");
	g_assert_cmpstr(answer_text(&answer, "subject"), ==, "");
	rd_kube_client_free(kube);
}

static void
test_whom_we_believe(gconstpointer data)
{
	static const MockReply script[] = {{"/api"}, {NULL}};
	g_autoptr(Mock) mock = mock_new(script, over_http2(data));
	g_autoptr(Pki) other = pki_new("CN=kube-ca", NULL, NULL);
	const struct {
		const char *name;
		const Pki *ca;
	} wrong[] = {{"localhost", NULL}, {"127.0.0.1", NULL}, {"localhost-recovery", other}};

	for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
		g_autoptr(GError) error = NULL;
		g_auto(RdKubeAnswer) answer = {0};
		RdKube *kube = rd_kube_client_new(
		    mock_kubeconfig(mock, wrong[i].name, wrong[i].ca, "secret"), NULL, -1, &error);

		g_assert_no_error(error);
		send_one(kube, RD_KUBE_PUT, "/api", "{}", 20, &answer);
		g_assert_cmpint(answer.verdict, ==, RD_KUBE_NOT_YET);
		g_assert_nonnull(strstr(answer.message, "TLS with"));
		g_assert_nonnull(strstr(answer.message, wrong[i].name));
		rd_kube_client_free(kube);
	}
	g_assert_cmpuint(mock_count(mock, ""), ==, 0);
}

/* the name goes out in the clear in the first message of TLS */
static gpointer
take_hello(gpointer data)
{
	GByteArray *bytes = g_byte_array_new();
	int fd = accept(GPOINTER_TO_INT(data), NULL, NULL);
	guint8 buffer[4096];
	gssize n = recv(fd, buffer, sizeof buffer, 0);

	g_assert_cmpint(n, >, 0);
	g_byte_array_append(bytes, buffer, n);
	close(fd);
	return bytes;
}

static void
test_sni(void)
{
	static const MockReply script[] = {{NULL}};
	g_autoptr(Mock) mock = mock_new(script, FALSE);
	RdKubeconfig *config = mock_kubeconfig(mock, "localhost-recovery", NULL, NULL);
	struct sockaddr_in name = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof name;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_autoptr(GByteArray) hello = NULL;
	g_autoptr(GError) error = NULL;
	g_auto(RdKubeAnswer) answer = {0};
	GThread *thread = NULL;
	RdKube *kube = NULL;

	g_assert_cmpint(bind(listener, (struct sockaddr *)&name, size), ==, 0);
	g_assert_cmpint(listen(listener, 8), ==, 0);
	g_assert_cmpint(getsockname(listener, (struct sockaddr *)&name, &size), ==, 0);
	config->port = ntohs(name.sin_port);
	thread = g_thread_new("hello", take_hello, GINT_TO_POINTER(listener));
	kube = rd_kube_client_new(config, NULL, -1, &error);
	g_assert_no_error(error);
	send_one(kube, RD_KUBE_GET, "/api", NULL, 5, &answer);
	g_assert_cmpint(answer.verdict, ==, RD_KUBE_NOT_YET);
	hello = g_thread_join(thread);
	g_assert_nonnull(
	    memmem(hello->data, hello->len, "localhost-recovery", strlen("localhost-recovery")));
	rd_kube_client_free(kube);
	close(listener);
}

static void
test_changes_as_sent(gconstpointer data)
{
	static const MockReply script[] = {{"/p"}, {NULL}};
	g_autoptr(Mock) mock = mock_new(script, over_http2(data));
	RdKube *kube = mock_client(mock);
	const struct {
		RdKubeVerb verb;
		const char *path, *body, *type, *line;
	} cases[] = {
	    {RD_KUBE_POST, "/p", "{\"a\":1}", "application/json",
	     "POST /p?fieldManager=recoveryd {\"a\":1}"},
	    {RD_KUBE_PUT, "/p?x=y", "{\"a\":1}", "application/json",
	     "PUT /p?x=y&fieldManager=recoveryd {\"a\":1}"},
	    {RD_KUBE_PATCH_MERGE, "/p", "{\"a\":null}", "application/merge-patch+json",
	     "PATCH /p?fieldManager=recoveryd {\"a\":null}"},
	    {RD_KUBE_PATCH_JSON, "/p", "[]", "application/json-patch+json",
	     "PATCH /p?fieldManager=recoveryd []"},
	    {RD_KUBE_DELETE, "/p", NULL, "application/json",
	     "DELETE /p?fieldManager=recoveryd {\"kind\":\"DeleteOptions\",\"apiVersion\":\"v1\","
	     "\"propagationPolicy\":\"Background\",\"preconditions\":{\"uid\":\"u-1\"}}"},
	    {RD_KUBE_DELETE, "/p", "{\"resourceVersion\":\"7\"}", "application/json",
	     "DELETE /p?fieldManager=recoveryd {\"kind\":\"DeleteOptions\",\"apiVersion\":\"v1\","
	     "\"propagationPolicy\":\"Background\",\"preconditions\":{\"uid\":\"u-1\","
	     "\"resourceVersion\":\"7\"}}"},
	};
	g_autofree char *from = NULL;

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_auto(RdKubeAnswer) answer = {0};
		g_autofree char *line = NULL;

		send_one(kube, cases[i].verb, cases[i].path, cases[i].body, 20, &answer);
		g_assert_cmpstr(answer.message, ==, NULL);
		line = mock_log(mock, i);
		g_assert_cmpstr(line, ==, cases[i].line);
		g_assert_cmpstr(answer_text(&answer, "type"), ==, cases[i].type);
		/* all over one connection, of which libsoup thinks otherwise for POST and PATCH */
		if (from == NULL)
			from = g_strdup(answer_text(&answer, "from"));
		g_assert_cmpstr(answer_text(&answer, "from"), ==, from);
	}
	rd_kube_client_free(kube);
}

static void
test_never_sent(void)
{
	static const MockReply script[] = {{"/p"}, {NULL}};
	g_autoptr(Mock) mock = mock_new(script, FALSE);
	RdKube *kube = mock_client(mock);
	const RdKubeRequest wrong[] = {
	    {.verb = RD_KUBE_DELETE, .path = "/p"},
	    {.verb = RD_KUBE_DELETE, .path = "/p", .uid = ""},
	    {.verb = RD_KUBE_DELETE, .path = "/p", .uid = "u-1", .body = "{}"},
	    {.verb = RD_KUBE_DELETE, .path = "/p", .uid = "u-1", .body = "{\"resourceVersion\":7}"},
	    {.verb = RD_KUBE_PUT, .path = "/p"},
	    {.verb = RD_KUBE_GET, .path = "p"},
	    {.verb = RD_KUBE_GET},
	};

	for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
		g_auto(RdKubeAnswer) answer = {0};

		kube->klass->send(kube, &wrong[i], 1, 1, 5, &answer);
		g_assert_cmpint(answer.verdict, ==, RD_KUBE_REFUSED);
	}
	g_assert_cmpuint(mock_count(mock, ""), ==, 0);
	rd_kube_client_free(kube);
}

/* a server that takes a request and says nothing: our own limit ends it, the next one works */
static void
test_silence(gconstpointer data)
{
	static const MockReply script[] = {{"/hang", HANG}, {"/api"}, {NULL}};
	g_autoptr(Mock) mock = mock_new(script, over_http2(data));
	RdKube *kube = mock_client(mock);
	g_auto(RdKubeAnswer) answer = {0};
	gint64 began = rd_boottime();

	send_one(kube, RD_KUBE_GET, "/api", NULL, 20, &answer);
	g_assert_cmpint(answer.verdict, ==, RD_KUBE_DONE);
	send_one(kube, RD_KUBE_GET, "/hang", NULL, 1, &answer);
	g_assert_cmpint(answer.verdict, ==, RD_KUBE_NOT_YET);
	g_assert_nonnull(strstr(answer.message, "no answer within 1 s"));
	send_one(kube, RD_KUBE_PUT, "/hang", "{}", 1, &answer);
	g_assert_cmpint(answer.verdict, ==, RD_KUBE_DOUBT);
	g_assert_cmpint(rd_boottime() - began, <, 30 * G_USEC_PER_SEC);
	send_one(kube, RD_KUBE_GET, "/api", NULL, 20, &answer);
	g_assert_cmpint(answer.verdict, ==, RD_KUBE_DONE);
	g_assert_cmpuint(mock_count(mock, "PUT"), ==, 1);
	rd_kube_client_free(kube);
}

/* a connection that breaks under a change, fresh or used before: sent once, never again */
static void
test_broken_change(gconstpointer data)
{
	static const MockReply script[] = {{"/cut", CUT}, {"/api"}, {NULL}};
	g_autoptr(Mock) mock = mock_new(script, over_http2(data));
	const RdKubeVerb changes[] = {RD_KUBE_POST, RD_KUBE_PUT, RD_KUBE_PATCH_MERGE,
				      RD_KUBE_PATCH_JSON, RD_KUBE_DELETE};

	for (guint warm = 0; warm < 2; warm++)
		for (guint i = 0; i < G_N_ELEMENTS(changes); i++) {
			RdKube *kube = mock_client(mock);
			guint before = mock_count(mock, "P") + mock_count(mock, "D");
			g_auto(RdKubeAnswer) answer = {0};

			if (warm == 1)
				send_one(kube, RD_KUBE_GET, "/api", NULL, 20, &answer);
			send_one(kube, changes[i], "/cut",
				 changes[i] == RD_KUBE_DELETE ? NULL : "{}", 20, &answer);
			g_assert_cmpint(answer.verdict, ==, RD_KUBE_DOUBT);
			g_assert_cmpuint(mock_count(mock, "P") + mock_count(mock, "D"), ==,
					 before + 1);
			send_one(kube, RD_KUBE_GET, "/api", NULL, 20, &answer);
			g_assert_cmpint(answer.verdict, ==, RD_KUBE_DONE);
			rd_kube_client_free(kube);
		}
}

/* nobody listens: nothing was sent, so a change may be tried again */
static void
test_refused(void)
{
	static const MockReply script[] = {{NULL}};
	g_autoptr(Mock) mock = mock_new(script, FALSE);
	RdKubeconfig *config = mock_kubeconfig(mock, "localhost-recovery", NULL, NULL);
	g_autoptr(GError) error = NULL;
	g_auto(RdKubeAnswer) answer = {0};
	RdKube *kube = NULL;

	config->port = 1;
	kube = rd_kube_client_new(config, NULL, -1, &error);
	g_assert_no_error(error);
	send_one(kube, RD_KUBE_PUT, "/api", "{}", 20, &answer);
	g_assert_cmpint(answer.verdict, ==, RD_KUBE_NOT_YET);
	g_assert_nonnull(strstr(answer.message, "https://127.0.0.1"));
	rd_kube_client_free(kube);
}

static void
test_many(gconstpointer data)
{
	enum { N = 120 };
	static const MockReply script[] = {
	    {"/odd", REPLY, 409, NULL, "{\"kind\":\"Status\",\"reason\":\"Conflict\"}"},
	    {"/even", SLOW},
	    {NULL}};
	g_autoptr(Mock) mock = mock_new(script, over_http2(data));
	RdKube *kube = mock_client(mock);
	RdKubeRequest requests[N];
	RdKubeAnswer answers[N];

	for (guint i = 0; i < N; i++)
		requests[i] = (RdKubeRequest){.verb = RD_KUBE_PUT,
					      .path = i % 2 ? "/odd" : "/even",
					      .body = "{}"};
	kube->klass->send(kube, requests, N, 50, 60, answers);
	for (guint i = 0; i < N; i++) {
		if (answers[i].message != NULL && i % 2 == 0)
			g_test_message("%u: %s", i, answers[i].message);
		g_assert_cmpint(answers[i].verdict, ==, i % 2 ? RD_KUBE_CONFLICT : RD_KUBE_DONE);
		rd_kube_answer_clear(&answers[i]);
	}
	g_assert_cmpuint(mock_count(mock, "PUT"), ==, N);
	/* really at once, and never more than was allowed */
	g_assert_cmpuint(mock->most_waiting, >, 4);
	g_assert_cmpuint(mock->most_waiting, <=, 50);
	rd_kube_client_free(kube);
}

/* one of many hangs, one breaks: the others get their answers */
static void
test_many_with_trouble(gconstpointer data)
{
	enum { N = 40 };
	static const MockReply script[] = {{"/hang", HANG}, {"/api"}, {NULL}};
	g_autoptr(Mock) mock = mock_new(script, over_http2(data));
	RdKube *kube = mock_client(mock);
	RdKubeRequest requests[N];
	RdKubeAnswer answers[N];

	for (guint i = 0; i < N; i++)
		requests[i] = (RdKubeRequest){.verb = RD_KUBE_PUT,
					      .path = i == 7 ? "/hang" : "/api",
					      .body = "{}"};
	kube->klass->send(kube, requests, N, 10, 10, answers);
	for (guint i = 0; i < N; i++) {
		g_assert_cmpint(answers[i].verdict, ==, i == 7 ? RD_KUBE_DOUBT : RD_KUBE_DONE);
		rd_kube_answer_clear(&answers[i]);
	}
	g_assert_cmpuint(mock_count(mock, "PUT"), ==, N);
	rd_kube_client_free(kube);
}

static void
test_large(gconstpointer data)
{
	g_autofree char *large = g_malloc(12 * 1024 * 1024);
	MockReply script[] = {{"/large"}, {NULL}};
	g_autoptr(Mock) mock = NULL;
	RdKube *kube = NULL;
	g_auto(RdKubeAnswer) answer = {0};
	gsize size = 12 * 1024 * 1024;

	memset(large, 'x', size);
	memcpy(large, "{\"a\":\"", 6);
	memcpy(large + size - 3, "\"}", 3);
	script[0].body = large;
	mock = mock_new(script, over_http2(data));
	kube = mock_client(mock);
	send_one(kube, RD_KUBE_GET, "/large", NULL, 60, &answer);
	g_assert_cmpstr(answer.message, ==, NULL);
	g_assert_cmpuint(strlen(answer_text(&answer, "a")), ==, size - 9);
	rd_kube_client_free(kube);
}

static gpointer
cancel_later(gpointer data)
{
	g_usleep(300 * 1000);
	g_assert_cmpint(write(GPOINTER_TO_INT(data), "x", 1), ==, 1);
	return NULL;
}

static void
test_cancel(gconstpointer data)
{
	static const MockReply script[] = {{"/hang", HANG}, {"/api"}, {NULL}};
	g_autoptr(Mock) mock = mock_new(script, over_http2(data));
	g_autoptr(GError) error = NULL;
	g_auto(RdKubeAnswer) answer = {0};
	gint64 began = rd_boottime();
	int fds[2];
	GThread *thread = NULL;
	RdKube *kube = NULL;

	g_assert_cmpint(pipe2(fds, O_CLOEXEC), ==, 0);
	kube = rd_kube_client_new(mock_kubeconfig(mock, "localhost-recovery", NULL, NULL), NULL,
				  fds[0], &error);
	g_assert_no_error(error);
	thread = g_thread_new("cancel", cancel_later, GINT_TO_POINTER(fds[1]));
	send_one(kube, RD_KUBE_GET, "/hang", NULL, 120, &answer);
	g_assert_cmpint(answer.verdict, ==, RD_KUBE_CANCELLED);
	g_thread_join(thread);
	g_assert_false(kube->klass->pause(kube, 100000));
	send_one(kube, RD_KUBE_PUT, "/api", "{}", 20, &answer);
	g_assert_cmpint(answer.verdict, ==, RD_KUBE_CANCELLED);
	g_assert_cmpuint(mock_count(mock, "PUT"), ==, 0);
	g_assert_cmpint(rd_boottime() - began, <, 60 * G_USEC_PER_SEC);
	rd_kube_client_free(kube);
	close(fds[0]);
	close(fds[1]);
}

/* ---- a route ---- */

typedef struct {
	guint16 port;
	guint opened, polled;
	gboolean refuse, ended;
	/* a pair that this very thread has to move, as with ssh */
	int far, ours, theirs;
	GByteArray *in, *out;
} Route;

static int
route_open(gpointer data, const char *host, guint16 port, GError **error)
{
	Route *route = data;
	int pair[2];

	g_assert_cmpstr(host, ==, "127.0.0.1");
	g_assert_cmpuint(port, ==, route->port);
	route->opened++;
	route->ended = FALSE;
	if (route->refuse) {
		g_set_error_literal(error, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE,
				    "m0: no way on to 127.0.0.1");
		return -1;
	}
	if (route->ours >= 0) {
		close(route->ours);
		close(route->far);
	}
	route->far = rd_tcp_connect(host, port, -1, 5, error);
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair),
			==, 0);
	route->ours = pair[0];
	return pair[1];
}

static void
route_poll(gpointer data, GArray *fds)
{
	Route *route = data;
	GPollFD ours = {.fd = route->ours, .events = G_IO_IN};
	GPollFD far = {.fd = route->far, .events = G_IO_IN};

	if (route->ours < 0 || route->ended)
		return;
	route->polled++;
	g_array_append_val(fds, ours);
	g_array_append_val(fds, far);
}

/* FALSE at the end */
static gboolean
route_pass(int from, int to)
{
	guint8 buffer[65536];
	gssize n = recv(from, buffer, sizeof buffer, 0);

	for (gssize sent = 0; n > 0 && sent < n;) {
		gssize m = send(to, buffer + sent, n - sent, MSG_NOSIGNAL);

		if (m < 0 && errno != EAGAIN)
			return FALSE;
		sent += MAX(m, 0);
	}
	if (n == 0)
		shutdown(to, SHUT_WR);
	return n != 0;
}

static void
route_move(gpointer data)
{
	Route *route = data;

	if (route->ours < 0 || route->ended)
		return;
	route->ended = !route_pass(route->ours, route->far) || !route_pass(route->far, route->ours);
}

static void
test_route(gconstpointer data)
{
	static const MockReply script[] = {{"/api"}, {"/cut", CUT}, {"/hang", HANG}, {NULL}};
	g_autoptr(Mock) mock = mock_new(script, over_http2(data));
	Route way = {.port = mock->port, .ours = -1, .far = -1};
	const RdKubeRoute route = {route_open, route_poll, route_move, &way};
	g_autoptr(GError) error = NULL;
	g_auto(RdKubeAnswer) answer = {0};
	RdKube *kube = rd_kube_client_new(mock_kubeconfig(mock, "localhost-recovery", NULL, NULL),
					  &route, -1, &error);

	g_assert_no_error(error);
	for (guint i = 0; i < 20; i++) {
		send_one(kube, RD_KUBE_PUT, "/api", "{}", 20, &answer);
		g_assert_cmpstr(answer.message, ==, NULL);
	}
	g_assert_cmpuint(way.opened, ==, 1);
	g_assert_cmpuint(way.polled, >, 0);
	send_one(kube, RD_KUBE_PUT, "/cut", "{}", 20, &answer);
	g_assert_cmpint(answer.verdict, ==, RD_KUBE_DOUBT);
	way.refuse = TRUE;
	send_one(kube, RD_KUBE_PUT, "/api", "{}", 20, &answer);
	g_assert_cmpint(answer.verdict, ==, RD_KUBE_NOT_YET);
	g_assert_nonnull(strstr(answer.message, "m0: no way on"));
	way.refuse = FALSE;
	send_one(kube, RD_KUBE_PUT, "/api", "{}", 20, &answer);
	g_assert_cmpint(answer.verdict, ==, RD_KUBE_DONE);
	rd_kube_client_free(kube);
	close(way.ours);
	close(way.far);
}

static void
add(const char *name, GTestDataFunc test)
{
	g_autofree char *one = g_strdup_printf("/kube-client/http1/%s", name);
	g_autofree char *two = g_strdup_printf("/kube-client/http2/%s", name);

	g_test_add_data_func(one, GINT_TO_POINTER(FALSE), test);
	g_test_add_data_func(two, GINT_TO_POINTER(TRUE), test);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	add("who-we-are", test_who_we_are);
	add("whom-we-believe", test_whom_we_believe);
	g_test_add_func("/kube-client/sni", test_sni);
	add("changes-as-sent", test_changes_as_sent);
	g_test_add_func("/kube-client/never-sent", test_never_sent);
	add("silence", test_silence);
	add("broken-change", test_broken_change);
	g_test_add_func("/kube-client/refused", test_refused);
	add("many", test_many);
	add("many-with-trouble", test_many_with_trouble);
	add("large", test_large);
	add("cancel", test_cancel);
	add("route", test_route);
	return g_test_run();
}
