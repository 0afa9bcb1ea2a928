/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-kube"

#include "kube/client.h"
#include "host/tcp.h"
#include "kube/connectable.h"
#include "kube/message.h"
#include "kube/relay.h"
#include "kube/trust.h"

#include <glib-unix.h>
#include <libsoup/soup.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <recovery/plugin.h>
#include <string.h>

#define CHUNK 65536
/* A connection without traffic is not trusted longer (host/host.c): a change sent on a dead one
 * would be a matter of doubt. */
#define IDLE_MAX (20 * G_USEC_PER_SEC)
/* a request that does not even end when it is cancelled is left behind after that */
#define ABANDON_S	2
#define LAST_ROUNDS	1000  /* of the main context, for what libsoup still has to close */
#define PEER_SILENCE_MS 20000 /* unacknowledged bytes: the kernel gives the connection up */

typedef struct {
	RdKube kube; /* first */
	RdKubeconfig *config;
	GMainContext *context;
	RdTrust trust;
	RdRelay *relay; /* (nullable) */
	GSocketConnectable *target;
	SoupSession *session; /* (nullable) NULL: the next request makes a new one */
	gboolean warm;	      /* the session has had an answer: more may be sent beside it */
	int cancel_fd;
	gboolean cancelled;
	gint64 up_since; /* 0: unknown; RD_KUBE_FIRST_ANSWER */
	gint64 used;	 /* the end of the newest send() */
	gpointer route;	 /* (owned) */
	GDestroyNotify route_free;
} Client;

/* what one send() is about */
typedef struct {
	Client *client;
	guint limit_s;
	guint flying;
	guint done;
	GPtrArray *flights; /* (element-type Flight) */
} Batch;

/* one request in the air. libsoup's callback may come long after everybody else has given it up,
 * or never: so it is counted. */
typedef struct {
	int references;
	Batch *batch; /* NULL once it is over */
	RdKubeAnswer *answer;
	RdKubeVerb verb;
	gboolean touches, plain;
	SoupSession *session;
	SoupMessage *message;
	GCancellable *cancellable;
	GInputStream *stream;
	GByteArray *body;
	GSource *limit;
	gboolean sent;	/* bytes may have left */
	gboolean again; /* libsoup wanted to repeat it */
	gboolean late;
} Flight;

static Flight *
flight_ref(Flight *flight)
{
	flight->references++;
	return flight;
}

static void
flight_unref(Flight *flight)
{
	if (--flight->references > 0)
		return;
	g_signal_handlers_disconnect_by_data(flight->message, flight);
	g_clear_object(&flight->stream);
	g_clear_object(&flight->message);
	g_clear_object(&flight->cancellable);
	g_clear_object(&flight->session);
	g_clear_pointer(&flight->body, g_byte_array_unref);
	g_free(flight);
}

/* ---- session ---- */

/* the next request gets a new connection; what is in the air ends by itself */
static void
client_drop_session(Client *self)
{
	g_clear_object(&self->session);
	self->warm = FALSE;
}

static SoupSession *
client_get_session(Client *self)
{
	g_autoptr(GSocketConnectable) connectable = NULL;

	if (self->session != NULL)
		return self->session;
	connectable =
	    rd_connectable_new(self->config->server_name, self->config->port, self->target);
	self->session = soup_session_new_with_options(
	    "remote-connectable", connectable, "tls-database", self->trust.authorities,
	    "proxy-resolver", NULL, "max-conns", RD_KUBE_CONNECTIONS, "max-conns-per-host",
	    RD_KUBE_CONNECTIONS, "user-agent", "recoveryd", NULL);
	soup_session_remove_feature_by_type(self->session, SOUP_TYPE_AUTH_MANAGER);
	return self->session;
}

/* ---- the end of a flight ---- */

static void
flight_end(Flight *flight)
{
	Batch *batch = g_steal_pointer(&flight->batch);

	if (batch == NULL)
		return;
	batch->flying--;
	batch->done++;
	g_source_destroy(flight->limit);
	g_clear_pointer(&flight->limit, g_source_unref);
	/* gives the connection back to those that wait for one */
	g_clear_object(&flight->stream);
}

static char *
flight_why(Flight *flight, const GError *error)
{
	Client *client = flight->batch->client;
	g_autoptr(GError) route = NULL;

	if (client->relay != NULL)
		route = rd_relay_steal_error(client->relay);
	if (flight->late)
		return g_strdup_printf("no answer within %u s", flight->batch->limit_s);
	if (flight->again)
		return g_strdup("the connection ended before the answer");
	if (route != NULL)
		return g_strdup(route->message);
	if (error->domain == G_TLS_ERROR)
		return g_strdup_printf("TLS with %s, whose certificate has to be for %s and from "
				       "an authority in %s: %s",
				       client->config->server, client->config->server_name,
				       client->config->file, error->message);
	return g_strdup_printf("%s: %s", client->config->server, error->message);
}

static void
flight_fail(Flight *flight, const GError *error)
{
	RdKubeAnswer *answer = flight->answer;
	Client *client = NULL;

	if (flight->batch == NULL)
		return;
	client = flight->batch->client;
	if (client->session == flight->session)
		client_drop_session(client);
	rd_kube_answer_clear(answer);
	if (client->cancelled) {
		answer->verdict = RD_KUBE_CANCELLED;
		answer->message = g_strdup("cancelled");
	} else {
		answer->verdict = flight->touches && flight->sent ? RD_KUBE_DOUBT : RD_KUBE_NOT_YET;
		answer->message = flight_why(flight, error);
	}
	flight_end(flight);
}

static void
flight_finish(Flight *flight)
{
	Client *client = NULL;
	gint64 up_for_s = -1;
	const char *retry_after, *body;
	guint status;

	if (flight->batch == NULL)
		return;
	client = flight->batch->client;
	if (client->up_since == RD_KUBE_FIRST_ANSWER)
		client->up_since = rd_boottime();
	if (client->up_since > 0)
		up_for_s = (rd_boottime() - client->up_since) / G_USEC_PER_SEC;
	status = soup_message_get_status(flight->message);
	retry_after = soup_message_headers_get_one(
	    soup_message_get_response_headers(flight->message), "Retry-After");
	body = (const char *)flight->body->data;
	if (flight->plain)
		rd_kube_judge_plain(status, retry_after, body, flight->body->len, up_for_s,
				    flight->answer);
	else
		rd_kube_judge(flight->verb, status, retry_after, body, flight->body->len, up_for_s,
			      flight->answer);
	if (client->session == flight->session)
		client->warm = TRUE;
	flight_end(flight);
}

/* ---- its way ---- */

static void flight_read(Flight *flight);

static void
on_read(GObject *stream, GAsyncResult *result, gpointer data)
{
	Flight *flight = data;
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) bytes =
	    g_input_stream_read_bytes_finish(G_INPUT_STREAM(stream), result, &error);

	if (bytes == NULL) {
		flight_fail(flight, error);
	} else if (g_bytes_get_size(bytes) == 0) {
		flight_finish(flight);
	} else if (flight->body->len + g_bytes_get_size(bytes) > RD_KUBE_BODY_MAX) {
		g_set_error(&error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
			    "the answer is larger than %u MiB", RD_KUBE_BODY_MAX / 1024 / 1024);
		flight_fail(flight, error);
		g_cancellable_cancel(flight->cancellable);
	} else {
		g_byte_array_append(flight->body, g_bytes_get_data(bytes, NULL),
				    g_bytes_get_size(bytes));
		flight_read(flight);
	}
	flight_unref(flight);
}

static void
flight_read(Flight *flight)
{
	g_input_stream_read_bytes_async(flight->stream, CHUNK, G_PRIORITY_DEFAULT,
					flight->cancellable, on_read, flight_ref(flight));
}

static void
on_sent(GObject *session, GAsyncResult *result, gpointer data)
{
	Flight *flight = data;
	g_autoptr(GError) error = NULL;

	flight->stream = soup_session_send_finish(SOUP_SESSION(session), result, &error);
	if (flight->stream == NULL)
		flight_fail(flight, error);
	else if (flight->batch != NULL)
		flight_read(flight);
	flight_unref(flight);
}

static void
on_starting(SoupMessage *message, gpointer data)
{
	((Flight *)data)->sent = TRUE;
}

/* libsoup repeats what it thinks can be repeated when an idle connection turns out to be dead; a
 * change that may have left once must not leave twice */
static void
on_restarted(SoupMessage *message, gpointer data)
{
	Flight *flight = data;

	if (!flight->touches)
		return;
	flight->again = TRUE;
	g_cancellable_cancel(flight->cancellable);
}

static void
on_network_event(SoupMessage *message, GSocketClientEvent event, GIOStream *connection,
		 gpointer data)
{
	GSocket *socket = NULL;

	if (event != G_SOCKET_CLIENT_CONNECTED || !G_IS_TCP_CONNECTION(connection))
		return;
	socket = g_socket_connection_get_socket(G_SOCKET_CONNECTION(connection));
	g_socket_set_keepalive(socket, TRUE);
	g_socket_set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, 10, NULL);
	g_socket_set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, 5, NULL);
	g_socket_set_option(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, PEER_SILENCE_MS, NULL);
}

/* first it is asked to end, then it is left behind */
static void
flight_stop(Flight *flight)
{
	flight->late = TRUE;
	g_source_set_ready_time(flight->limit, g_get_monotonic_time() + ABANDON_S * G_USEC_PER_SEC);
	g_cancellable_cancel(flight->cancellable);
}

static gboolean
on_limit(gpointer data)
{
	Flight *flight = data;

	if (!flight->late) {
		flight_stop(flight);
		return G_SOURCE_CONTINUE;
	}
	g_debug("a request is left behind");
	flight_ref(flight);
	flight_fail(flight, NULL);
	soup_session_abort(flight->session);
	flight_unref(flight);
	return G_SOURCE_REMOVE;
}

/* a source that is ready at a time; g_timeout_source_new() cannot be set anew */
static gboolean
limit_dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
	return callback(data);
}
static GSourceFuncs limit_funcs = {.dispatch = limit_dispatch};

/* ---- many of them ---- */

static void
batch_launch(Batch *batch, const RdKubeRequest *request, RdKubeAnswer *answer)
{
	Client *client = batch->client;
	const char *why = NULL;
	SoupMessage *message =
	    rd_kube_message_new(client->config, client->trust.identity, request, &why);
	Flight *flight = NULL;

	memset(answer, 0, sizeof *answer);
	if (message == NULL) {
		answer->verdict = RD_KUBE_REFUSED;
		answer->message = g_strdup(why);
		batch->done++;
		return;
	}
	flight = g_new0(Flight, 1);
	flight->references = 1;
	flight->batch = batch;
	flight->touches = rd_kube_verb_touches(request->verb);
	flight->verb = request->verb;
	flight->plain = request->plain;
	flight->answer = answer;
	flight->session = g_object_ref(client_get_session(client));
	flight->message = message;
	flight->cancellable = g_cancellable_new();
	flight->body = g_byte_array_new();
	flight->limit = g_source_new(&limit_funcs, sizeof(GSource));
	g_source_set_callback(flight->limit, on_limit, flight, NULL);
	g_source_set_ready_time(flight->limit,
				g_get_monotonic_time() + batch->limit_s * G_USEC_PER_SEC);
	g_source_attach(flight->limit, client->context);
	g_signal_connect(message, "starting", G_CALLBACK(on_starting), flight);
	g_signal_connect(message, "restarted", G_CALLBACK(on_restarted), flight);
	g_signal_connect(message, "network-event", G_CALLBACK(on_network_event), NULL);
	g_ptr_array_add(batch->flights, flight);
	batch->flying++;
	soup_session_send_async(flight->session, message, G_PRIORITY_DEFAULT, flight->cancellable,
				on_sent, flight_ref(flight));
}

/* ---- RdKube ---- */

static gboolean
on_cancel_fd(int fd, GIOCondition condition, gpointer data)
{
	((Client *)data)->cancelled = TRUE;
	return G_SOURCE_REMOVE;
}

static GSource *
client_watch_cancel(Client *self)
{
	GSource *source = NULL;
	struct pollfd cancel = {.fd = self->cancel_fd, .events = POLLIN};

	/* what was cancelled was one order; the descriptor is drained before the next */
	self->cancelled = self->cancel_fd >= 0 && poll(&cancel, 1, 0) > 0;
	if (self->cancel_fd < 0 || self->cancelled)
		return NULL;
	source = g_unix_fd_source_new(self->cancel_fd, G_IO_IN | G_IO_HUP);
	g_source_set_callback(source, G_SOURCE_FUNC(on_cancel_fd), self, NULL);
	g_source_attach(source, self->context);
	return source;
}

static void
source_end(GSource *source)
{
	if (source == NULL)
		return;
	g_source_destroy(source);
	g_source_unref(source);
}

static void
batch_cancel(Batch *batch)
{
	for (guint i = 0; i < batch->flights->len; i++) {
		Flight *flight = batch->flights->pdata[i];

		if (flight->batch != NULL)
			flight_stop(flight);
	}
}

static void
client_send(RdKube *kube, const RdKubeRequest *requests, guint n, guint in_flight, guint limit_s,
	    RdKubeAnswer *answers)
{
	Client *self = (Client *)kube;
	g_autoptr(GPtrArray) flights = g_ptr_array_new_with_free_func((GDestroyNotify)flight_unref);
	Batch batch = {.client = self, .limit_s = limit_s, .flights = flights};
	GSource *cancel = NULL;
	gboolean told = FALSE;
	guint next = 0;

	batch.flights = g_ptr_array_new_with_free_func((GDestroyNotify)flight_unref);
	g_main_context_push_thread_default(self->context);
	if (rd_boottime() - self->used > IDLE_MAX)
		client_drop_session(self);
	cancel = client_watch_cancel(self);
	while (batch.done < n) {
		/* a connection that is only being made says not yet that it takes many at once */
		guint width = self->session != NULL && self->warm ? MAX(in_flight, 1) : 1;

		if (self->cancelled && !told) {
			told = TRUE;
			batch_cancel(&batch);
		}
		if (self->cancelled && next < n) {
			memset(&answers[next], 0, sizeof answers[next]);
			answers[next].verdict = RD_KUBE_CANCELLED;
			answers[next++].message = g_strdup("cancelled");
			batch.done++;
		} else if (next < n && batch.flying < width) {
			batch_launch(&batch, &requests[next], &answers[next]);
			next++;
		} else {
			g_main_context_iteration(self->context, TRUE);
		}
	}
	self->used = rd_boottime();
	/* in this context: libsoup insists */
	g_ptr_array_unref(batch.flights);
	source_end(cancel);
	g_main_context_pop_thread_default(self->context);
}

static gboolean
on_pause_over(gpointer data)
{
	*(gboolean *)data = TRUE;
	return G_SOURCE_REMOVE;
}

static gboolean
client_pause(RdKube *kube, guint milliseconds)
{
	Client *self = (Client *)kube;
	GSource *timeout = g_timeout_source_new(milliseconds);
	GSource *cancel = NULL;
	gboolean over = FALSE;

	g_main_context_push_thread_default(self->context);
	cancel = client_watch_cancel(self);
	g_source_set_callback(timeout, on_pause_over, &over, NULL);
	g_source_attach(timeout, self->context);
	while (!over && !self->cancelled)
		g_main_context_iteration(self->context, TRUE);
	source_end(timeout);
	source_end(cancel);
	g_main_context_pop_thread_default(self->context);
	return !self->cancelled;
}

static gint64
client_clock(RdKube *kube)
{
	return rd_boottime();
}

static const RdKubeClass client_class = {
    .send = client_send,
    .pause = client_pause,
    .clock = client_clock,
};

/* ---- making one ---- */

RdKube *
rd_kube_client_new(RdKubeconfig *config, const RdKubeRoute *route, int cancel_fd, GError **error)
{
	Client *self = g_new0(Client, 1);

	self->kube.klass = &client_class;
	self->config = config;
	self->cancel_fd = cancel_fd;
	self->context = g_main_context_new();
	if (route != NULL) {
		self->route = route->data;
		self->route_free = route->free;
	}
	if (!rd_trust_load(config, &self->trust, error)) {
		rd_kube_client_free(&self->kube);
		return NULL;
	}
	if (route != NULL) {
		self->relay = rd_relay_new(route, config->host, config->port, self->context, error);
		if (self->relay == NULL) {
			rd_kube_client_free(&self->kube);
			return NULL;
		}
		self->target = g_object_ref(rd_relay_get_address(self->relay));
	} else {
		self->target = g_network_address_new(config->host, config->port);
	}
	return &self->kube;
}

void
rd_kube_client_free(RdKube *kube)
{
	Client *self = (Client *)kube;

	if (self == NULL)
		return;
	g_main_context_push_thread_default(self->context);
	if (self->session != NULL)
		soup_session_abort(self->session);
	client_drop_session(self);
	/* before the last round: a route with something to say would keep it going */
	rd_relay_free(self->relay);
	for (guint i = 0; i < LAST_ROUNDS && g_main_context_iteration(self->context, FALSE); i++)
		;
	g_main_context_pop_thread_default(self->context);
	g_clear_object(&self->target);
	rd_trust_clear(&self->trust);
	g_main_context_unref(self->context);
	rd_kubeconfig_free(self->config);
	if (self->route_free != NULL)
		self->route_free(self->route);
	g_free(self);
}

void
rd_kube_client_set_up_since(RdKube *kube, gint64 boottime)
{
	((Client *)kube)->up_since = boottime;
}
