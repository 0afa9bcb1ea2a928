/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-kube"

#include "kube/relay.h"

#include <errno.h>
#include <gio/gunixsocketaddress.h>
#include <recovery/plugin.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define BUFFER 65536 /* kept back in one direction before more is read */

/* bytes on their way from one end of a stream to the other */
typedef struct {
	guint8 data[BUFFER];
	gsize begin, end;
	gboolean ended; /* the source has said all */
	gboolean shut;	/* and the other side knows it */
} Lane;

typedef struct {
	int fd[2];    /* libsoup's side, the route's */
	Lane lane[2]; /* read from fd[i], written to fd[1 - i] */
	gboolean broken;
} Stream;

struct _RdRelay {
	RdKubeRoute route;
	char *host;
	guint16 port;
	int listener;
	GSocketConnectable *address;
	GPtrArray *streams; /* (element-type Stream) */
	GPtrArray *tags;    /* (element-type gpointer) of what the source waits for now */
	GSource *source;
	GError *failure;
};

static void
stream_free(Stream *stream)
{
	close(stream->fd[0]);
	close(stream->fd[1]);
	g_free(stream);
}

static gboolean
would_block(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

/* moves what it can; FALSE when the stream is broken */
static gboolean
lane_move(Lane *lane, int from, int to)
{
	for (;;) {
		gssize n = 0;

		if (lane->begin < lane->end) {
			n = send(to, lane->data + lane->begin, lane->end - lane->begin,
				 MSG_NOSIGNAL);
			if (n < 0)
				return would_block();
			lane->begin += n;
			continue;
		}
		lane->begin = lane->end = 0;
		if (lane->ended) {
			if (!lane->shut)
				shutdown(to, SHUT_WR);
			lane->shut = TRUE;
			return TRUE;
		}
		n = recv(from, lane->data, sizeof lane->data, 0);
		if (n < 0)
			return would_block();
		lane->end = n;
		lane->ended = n == 0;
	}
}

static void
relay_accept(RdRelay *self)
{
	struct ucred who = {0};
	socklen_t size = sizeof who;
	int fd = accept4(self->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	Stream *stream = NULL;
	int far;

	if (fd < 0)
		return;
	/* an abstract socket has no owner and mode: anybody of this machine can try */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0 || who.pid != getpid()) {
		close(fd);
		return;
	}
	g_clear_error(&self->failure);
	far = self->route.open(self->route.data, self->host, self->port, &self->failure);
	if (far < 0) {
		close(fd);
		return;
	}
	stream = g_new0(Stream, 1);
	stream->fd[0] = fd;
	stream->fd[1] = far;
	g_ptr_array_add(self->streams, stream);
}

static void
relay_move(RdRelay *self)
{
	for (guint i = self->streams->len; i-- > 0;) {
		Stream *stream = self->streams->pdata[i];

		for (guint way = 0; way < 2; way++)
			if (!lane_move(&stream->lane[way], stream->fd[way], stream->fd[1 - way]))
				stream->broken = TRUE;
		if (stream->broken || (stream->lane[0].shut && stream->lane[1].shut))
			g_ptr_array_remove_index_fast(self->streams, i);
	}
}

static void
relay_wait_for(RdRelay *self, int fd, GIOCondition events)
{
	if (events != 0)
		g_ptr_array_add(self->tags, g_source_add_unix_fd(self->source, fd, events));
}

/* what to wait for changes with every byte */
static void
relay_rearm(RdRelay *self)
{
	g_autoptr(GArray) others = g_array_new(FALSE, FALSE, sizeof(GPollFD));

	for (guint i = 0; i < self->tags->len; i++)
		g_source_remove_unix_fd(self->source, self->tags->pdata[i]);
	g_ptr_array_set_size(self->tags, 0);
	relay_wait_for(self, self->listener, G_IO_IN);
	for (guint i = 0; i < self->streams->len; i++) {
		Stream *stream = self->streams->pdata[i];

		for (guint way = 0; way < 2; way++) {
			const Lane *in = &stream->lane[way], *out = &stream->lane[1 - way];
			GIOCondition events = 0;

			if (!in->ended && in->begin == in->end)
				events |= G_IO_IN;
			if (out->begin < out->end)
				events |= G_IO_OUT;
			relay_wait_for(self, stream->fd[way], events);
		}
	}
	if (self->route.poll != NULL)
		self->route.poll(self->route.data, others);
	for (guint i = 0; i < others->len; i++) {
		const GPollFD *fd = &g_array_index(others, GPollFD, i);

		relay_wait_for(self, fd->fd, fd->events);
	}
}

/* ---- the source ---- */

typedef struct {
	GSource source;
	RdRelay *relay;
} RelaySource;

static gboolean
relay_source_check(GSource *source)
{
	RdRelay *self = ((RelaySource *)source)->relay;

	for (guint i = 0; i < self->tags->len; i++)
		if (g_source_query_unix_fd(source, self->tags->pdata[i]) != 0)
			return TRUE;
	return FALSE;
}

static gboolean
relay_source_dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
	RdRelay *self = ((RelaySource *)source)->relay;

	if (self->route.move != NULL)
		self->route.move(self->route.data);
	relay_accept(self);
	relay_move(self);
	/* what was just handed to it */
	if (self->route.move != NULL)
		self->route.move(self->route.data);
	relay_rearm(self);
	return G_SOURCE_CONTINUE;
}

static GSourceFuncs relay_source_funcs = {
    .check = relay_source_check,
    .dispatch = relay_source_dispatch,
};

static gboolean
relay_listen(RdRelay *self, GError **error)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	socklen_t size = sizeof name;

	self->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* a name of the kernel's choice */
	if (self->listener < 0 ||
	    bind(self->listener, (struct sockaddr *)&name, sizeof(sa_family_t)) != 0 ||
	    listen(self->listener, 16) != 0 ||
	    getsockname(self->listener, (struct sockaddr *)&name, &size) != 0) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
			    "no socket for the way to the API: %s", g_strerror(errno));
		return FALSE;
	}
	self->address = G_SOCKET_CONNECTABLE(g_socket_address_new_from_native(&name, size));
	return TRUE;
}

RdRelay *
rd_relay_new(const RdKubeRoute *route, const char *host, guint16 port, GMainContext *context,
	     GError **error)
{
	g_autoptr(RdRelay) self = g_new0(RdRelay, 1);

	self->route = *route;
	self->host = g_strdup(host);
	self->port = port;
	self->listener = -1;
	self->streams = g_ptr_array_new_with_free_func((GDestroyNotify)stream_free);
	self->tags = g_ptr_array_new();
	if (!relay_listen(self, error))
		return NULL;
	self->source = g_source_new(&relay_source_funcs, sizeof(RelaySource));
	((RelaySource *)self->source)->relay = self;
	relay_rearm(self);
	g_source_attach(self->source, context);
	return g_steal_pointer(&self);
}

void
rd_relay_free(RdRelay *self)
{
	if (self == NULL)
		return;
	if (self->source != NULL) {
		g_source_destroy(self->source);
		g_source_unref(self->source);
	}
	g_ptr_array_unref(self->tags);
	g_ptr_array_unref(self->streams);
	if (self->listener >= 0)
		close(self->listener);
	g_clear_object(&self->address);
	g_clear_error(&self->failure);
	g_free(self->host);
	g_free(self);
}

GSocketConnectable *
rd_relay_get_address(RdRelay *self)
{
	return self->address;
}

GError *
rd_relay_steal_error(RdRelay *self)
{
	return g_steal_pointer(&self->failure);
}
