/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "kube/client.h"
#include "kube/objects.h"
#include "pki-fixture.h"
#include <gio/gio.h>
#include <libsoup/soup.h>
#include <recovery/plugin.h>
#include <sys/socket.h>

/* An API server that answers from a script, in a thread: TLS for "localhost-recovery" alone,
 * asks for a client certificate. Notes down all that reached it. */

typedef enum { REPLY, HANG, CUT, SLOW } MockDeed;

typedef struct {
	const char *path; /* of the request, without query; NULL ends the script */
	MockDeed deed;
	guint status;
	const char *retry_after;
	const char *body;   /* NULL: what reached us, as an object */
	guint times;	    /* 0: for ever */
	const char *query;  /* (nullable) only if this stands in the query */
	const char *method; /* (nullable) only for this */
} MockReply;

typedef struct {
	GThread *thread;
	GMainContext *context;
	gint stop; /* atomic */
	SoupServer *server;
	GTlsCertificate *certificate;
	guint16 port;
	GMutex lock;
	GCond listening;
	gboolean ready;
	gboolean
	    http2; /* then it asks for no client certificate: libsoup's server cannot do both */
	const MockReply *script;
	guint used[32];
	GPtrArray *log; /* (element-type utf8) "GET /path?query body" */
	guint waiting, most_waiting;
	Pki *ca, *identity, *client;
} Mock;

static inline void
mock_note_waiting(Mock *mock, int change)
{
	g_mutex_lock(&mock->lock);
	mock->waiting += change;
	mock->most_waiting = MAX(mock->most_waiting, mock->waiting);
	g_mutex_unlock(&mock->lock);
}

typedef struct {
	Mock *mock;
	SoupServerMessage *message;
} MockSlow;

static inline gboolean
mock_slow_over(gpointer data)
{
	MockSlow *slow = data;

	mock_note_waiting(slow->mock, -1);
	soup_server_message_unpause(slow->message);
	g_object_unref(slow->message);
	g_free(slow);
	return G_SOURCE_REMOVE;
}

static inline char *
mock_echo(SoupServerMessage *message)
{
	GTlsCertificate *peer = soup_server_message_get_tls_peer_certificate(message);
	SoupMessageHeaders *headers = soup_server_message_get_request_headers(message);
	g_autofree char *subject = NULL;
	const char *bearer = soup_message_headers_get_one(headers, "Authorization");
	const char *type = soup_message_headers_get_content_type(headers, NULL);
	GSocketAddress *from = soup_server_message_get_remote_address(message);

	if (peer != NULL)
		g_object_get(peer, "subject-name", &subject, NULL);
	return g_strdup_printf(
	    "{\"kind\":\"Echo\",\"http\":%d,\"subject\":\"%s\",\"bearer\":\"%s\","
	    "\"type\":\"%s\",\"accept\":\"%s\",\"from\":\"%u\"}",
	    soup_server_message_get_http_version(message), subject == NULL ? "" : subject,
	    bearer == NULL ? "" : bearer, type == NULL ? "" : type,
	    soup_message_headers_get_one(headers, "Accept"),
	    g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(from)));
}

static inline const MockReply *
mock_find(Mock *mock, const char *method, const char *path, const char *query)
{
	const MockReply *found = NULL;

	g_mutex_lock(&mock->lock);
	for (guint i = 0; found == NULL && mock->script[i].path != NULL; i++) {
		const MockReply *reply = &mock->script[i];

		g_assert_cmpuint(i, <, G_N_ELEMENTS(mock->used));
		if (!g_str_equal(reply->path, path) ||
		    (reply->times != 0 && mock->used[i] >= reply->times) ||
		    (reply->query != NULL &&
		     (query == NULL || strstr(query, reply->query) == NULL)) ||
		    (reply->method != NULL && !g_str_equal(reply->method, method)))
			continue;
		mock->used[i]++;
		found = reply;
	}
	g_mutex_unlock(&mock->lock);
	return found;
}

static inline void
mock_on_request(SoupServer *server, SoupServerMessage *message, const char *path,
		GHashTable *query_table, gpointer data)
{
	Mock *mock = data;
	const char *method = soup_server_message_get_method(message);
	const char *query = g_uri_get_query(soup_server_message_get_uri(message));
	SoupMessageBody *body = soup_server_message_get_request_body(message);
	const MockReply *reply = mock_find(mock, method, path, query);
	g_autofree char *text = g_strndup(body->data == NULL ? "" : body->data, body->length);

	g_mutex_lock(&mock->lock);
	g_ptr_array_add(
	    mock->log, g_strdup_printf("%s %s%s%s%s%s", method, path, query == NULL ? "" : "?",
				       query == NULL ? "" : query, *text == '\0' ? "" : " ", text));
	g_mutex_unlock(&mock->lock);
	if (reply == NULL) {
		soup_server_message_set_status(message, 404, NULL);
		soup_server_message_set_response(message, "text/plain", SOUP_MEMORY_COPY,
						 "404 page not found\n", 19);
		return;
	}
	if (reply->retry_after != NULL)
		soup_message_headers_replace(soup_server_message_get_response_headers(message),
					     "Retry-After", reply->retry_after);
	soup_server_message_set_status(message, reply->status == 0 ? 200 : reply->status, NULL);
	g_free(text);
	text = reply->body == NULL ? mock_echo(message) : g_strdup(reply->body);
	soup_server_message_set_response(message, "application/json", SOUP_MEMORY_COPY, text,
					 strlen(text));
	switch (reply->deed) {
	case REPLY:
		break;
	case HANG:
		soup_server_message_pause(message);
		break;
	case CUT:
		soup_server_message_pause(message);
		shutdown(g_socket_get_fd(soup_server_message_get_socket(message)), SHUT_RDWR);
		break;
	case SLOW: {
		MockSlow *slow = g_new0(MockSlow, 1);
		GSource *source = g_timeout_source_new(100);

		slow->mock = mock;
		slow->message = g_object_ref(message);
		mock_note_waiting(mock, 1);
		soup_server_message_pause(message);
		g_source_set_callback(source, mock_slow_over, slow, NULL);
		g_source_attach(source, mock->context);
		g_source_unref(source);
		break;
	}
	}
}

static inline gboolean
mock_accept_anybody(SoupServerMessage *message, GTlsCertificate *certificate,
		    GTlsCertificateFlags errors, gpointer data)
{
	return TRUE;
}

static inline void
mock_on_started(SoupServer *server, SoupServerMessage *message, gpointer data)
{
	g_signal_connect(message, "accept-certificate", G_CALLBACK(mock_accept_anybody), NULL);
}

static inline void
mock_listen(Mock *mock)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GSocketAddress) address =
	    g_inet_socket_address_new_from_string("127.0.0.1", mock->port);

	mock->server = soup_server_new(
	    "tls-certificate", mock->certificate, "tls-auth-mode",
	    mock->http2 ? G_TLS_AUTHENTICATION_NONE : G_TLS_AUTHENTICATION_REQUESTED, NULL);
	soup_server_add_handler(mock->server, NULL, mock_on_request, mock, NULL);
	g_signal_connect(mock->server, "request-started", G_CALLBACK(mock_on_started), NULL);
	g_assert_true(soup_server_listen(mock->server, address, SOUP_SERVER_LISTEN_HTTPS, &error));
	g_assert_no_error(error);
	if (mock->port == 0) {
		GSList *uris = soup_server_get_uris(mock->server);

		mock->port = g_uri_get_port(uris->data);
		g_slist_free_full(uris, (GDestroyNotify)g_uri_unref);
	}
}

static inline gpointer
mock_thread(gpointer data)
{
	Mock *mock = data;

	g_main_context_push_thread_default(mock->context);
	mock_listen(mock);
	g_mutex_lock(&mock->lock);
	mock->ready = TRUE;
	g_cond_signal(&mock->listening);
	g_mutex_unlock(&mock->lock);
	while (!g_atomic_int_get(&mock->stop))
		g_main_context_iteration(mock->context, TRUE);
	soup_server_disconnect(mock->server);
	g_object_unref(mock->server);
	while (g_main_context_iteration(mock->context, FALSE))
		;
	g_main_context_pop_thread_default(mock->context);
	return NULL;
}

static inline Mock *
mock_new(const MockReply *script, gboolean http2)
{
	static const char *const names[] = {"localhost-recovery", NULL};
	Mock *mock = g_new0(Mock, 1);
	g_autofree char *both = NULL;
	g_autoptr(GError) error = NULL;

	mock->http2 = http2;
	if (http2)
		g_setenv("SOUP_SERVER_HTTP2", "1", TRUE);
	else
		g_unsetenv("SOUP_SERVER_HTTP2");
	mock->ca = pki_new("CN=kube-ca", NULL, NULL);
	mock->identity = pki_new("CN=kube-apiserver", mock->ca, names);
	mock->client = pki_new("CN=system:admin,O=system:masters", mock->ca, NULL);
	both = g_strconcat(mock->identity->certificate_pem, mock->identity->key_pem, NULL);
	mock->certificate = g_tls_certificate_new_from_pem(both, -1, &error);
	g_assert_no_error(error);
	mock->script = script;
	mock->log = g_ptr_array_new_with_free_func(g_free);
	mock->context = g_main_context_new();
	g_mutex_init(&mock->lock);
	g_cond_init(&mock->listening);
	mock->thread = g_thread_new("mock", mock_thread, mock);
	/* soup_server_new() reads the environment there */
	g_mutex_lock(&mock->lock);
	while (!mock->ready)
		g_cond_wait(&mock->listening, &mock->lock);
	g_mutex_unlock(&mock->lock);
	return mock;
}

static inline void
mock_free(Mock *mock)
{
	g_atomic_int_set(&mock->stop, TRUE);
	g_main_context_wakeup(mock->context);
	g_thread_join(mock->thread);
	g_main_context_unref(mock->context);
	g_object_unref(mock->certificate);
	pki_free(mock->ca);
	pki_free(mock->identity);
	pki_free(mock->client);
	g_ptr_array_unref(mock->log);
	g_mutex_clear(&mock->lock);
	g_cond_clear(&mock->listening);
	g_free(mock);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Mock, mock_free)

/* how often a line of the log begins with @prefix */
static inline guint
mock_count(Mock *mock, const char *prefix)
{
	guint n = 0;

	g_mutex_lock(&mock->lock);
	for (guint i = 0; i < mock->log->len; i++)
		n += g_str_has_prefix(mock->log->pdata[i], prefix);
	g_mutex_unlock(&mock->lock);
	return n;
}

static inline char *
mock_log(Mock *mock, guint i)
{
	char *line = NULL;

	g_mutex_lock(&mock->lock);
	if (i < mock->log->len)
		line = g_strdup(mock->log->pdata[i]);
	g_mutex_unlock(&mock->lock);
	return line;
}

static inline char *
mock_base64(const char *text)
{
	return g_base64_encode((const guchar *)text, strlen(text));
}

/* a kubeconfig for the server; @name: tls-server-name. @ca: NULL for the right one */
static inline RdKubeconfig *
mock_kubeconfig(Mock *mock, const char *name, const Pki *ca, const char *token)
{
	g_autofree char *authority = mock_base64((ca == NULL ? mock->ca : ca)->certificate_pem);
	g_autofree char *certificate = mock_base64(mock->client->certificate_pem);
	g_autofree char *key = mock_base64(mock->client->key_pem);
	g_autofree char *user =
	    token != NULL ? g_strdup_printf("token: %s", token)
			  : g_strdup_printf("client-certificate-data: %s, client-key-data: %s",
					    certificate, key);
	g_autofree char *text = g_strdup_printf(
	    "current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\n"
	    "clusters: [{name: k, cluster: {server: \"https://127.0.0.1:%u\", tls-server-name: %s,"
	    " certificate-authority-data: %s}}]\nusers: [{name: u, user: {%s}}]\n",
	    mock->port, name, authority, user);
	g_autoptr(GError) error = NULL;
	RdKubeconfig *config = rd_kubeconfig_parse(text, strlen(text), "kubeconfig", NULL, &error);

	g_assert_no_error(error);
	return config;
}

static inline RdKube *
mock_client(Mock *mock)
{
	g_autoptr(GError) error = NULL;
	RdKube *kube = rd_kube_client_new(mock_kubeconfig(mock, "localhost-recovery", NULL, NULL),
					  NULL, -1, &error);

	g_assert_no_error(error);
	return kube;
}
