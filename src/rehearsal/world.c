/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearsal/world.h"
#include "rehearsal/api.h"
#include "rehearsal/fiber.h"
#include <recovery/plugin.h>

/* The limits of a connection, as the real one has them (peers 5.3: a silent loss is noticed late).
 */
#define CONNECT_LIMIT (10 * RD_SIM_SECOND)
#define SILENCE_LIMIT (30 * RD_SIM_SECOND)
#define LOOK_PACE     (5 * RD_SIM_SECOND)

static const char *const moment_names[] = {
    [RD_MOMENT_SEND] = "before-send",
    [RD_MOMENT_SENT] = "sent-not-arrived",
    [RD_MOMENT_ARRIVED] = "arrived-before-effect",
    [RD_MOMENT_ACTED] = "after-effect-before-answer",
    [RD_MOMENT_TELL] = "before-report",
    [RD_MOMENT_TOLD] = "after-report",
    [RD_MOMENT_COMMIT] = "before-commit",
    [RD_MOMENT_COMMITTED] = "after-commit",
};
G_STATIC_ASSERT(G_N_ELEMENTS(moment_names) == RD_MOMENT_LAST + 1);

typedef struct _SimWorld SimWorld;

/* one thing a world sleeps for; it may outlive the world */
typedef struct {
	SimWorld *world; /* (nullable) */
	gboolean over;
} Nap;

struct _SimWorld {
	RdWorld world;
	RdNetwork *network;
	char *target;
	void (*wake)(gpointer data);
	gpointer data;
	gboolean cancelled;
	GPtrArray *open; /* (element-type RdSimRequest) asked by us, with a reference each */
	Nap *nap;	 /* (unowned) (nullable) */
	RdKube *kube;	 /* (owned) (nullable) */
};

struct _RdSimRequest {
	guint refs;
	RdNetwork *network;
	SimWorld *world; /* (nullable) NULL when nobody waits any more */
	char *host;
	RdSimCall *call;
	gboolean arrived, cut, over;
	gboolean nobody;    /* the host was off when it was sent */
	guint boots;	    /* of the host when it was sent: what waits there dies with its boot */
	gint64 quiet_since; /* 0: it answers keep-alives */
	guint64 look;	    /* on the timeline; 0: none is due */
	RdReply reply;
	char *failure;				     /* (owned) (nullable) */
	void (*act)(RdSimHost *host, gpointer data); /* (nullable) instead of the wrapper */
	gpointer act_data;
	GDestroyNotify act_destroy;
};

const char *
rd_moment_to_string(RdMoment moment)
{
	return moment_names[moment];
}

static void
request_unref(gpointer data)
{
	RdSimRequest *self = data;

	if (--self->refs > 0)
		return;
	g_free(self->host);
	rd_sim_call_unref(self->call);
	rd_reply_clear(&self->reply);
	g_free(self->failure);
	if (self->act_destroy != NULL)
		self->act_destroy(self->act_data);
	g_free(self);
}

static RdSimRequest *
request_ref(RdSimRequest *self)
{
	self->refs++;
	return self;
}

static guint64
request_later(RdSimRequest *self, gint64 delay, RdTimelineFunc func)
{
	return rd_timeline_add(self->network->cluster->timeline, delay, func, request_ref(self),
			       request_unref);
}

static gint64
latency(RdNetwork *network)
{
	return rd_timeline_chance(network->cluster->timeline, RD_SIM_MS, 5 * RD_SIM_MS);
}

/* How long until the wrapper looks at the lock. Now and then login, sudo or a busy host keep what
 * touches so long that a successor has taken the host meanwhile: then the fence has to stop it. */
static gint64
way_there(RdSimRequest *self)
{
	RdTimeline *timeline = self->network->cluster->timeline;

	if (!self->network->punctual && rd_call_verb_touches(self->call->call.verb) &&
	    rd_timeline_chance(timeline, 0, 7) == 0)
		return rd_timeline_chance(timeline, 100 * RD_SIM_MS, 20 * RD_SIM_SECOND);
	return latency(self->network);
}

static void
tell_moment(RdSimRequest *self, RdMoment moment)
{
	/* what goes on without its caller is nobody's boundary */
	if (self->network->moment != NULL && self->world != NULL)
		self->network->moment(moment, self->world->target, self->host, &self->call->call,
				      self, self->network->data);
}

static void
request_end(RdSimRequest *self, const char *failure)
{
	if (self->over)
		return;
	self->over = TRUE;
	self->failure = g_strdup(failure);
	if (self->world != NULL && self->world->wake != NULL)
		self->world->wake(self->world->data);
}

static void
answer_arrives(gpointer data)
{
	RdSimRequest *self = data;
	RdSimHost *host = rd_sim_cluster_find(self->network->cluster, self->host);

	if (!self->cut && rd_sim_host_answers(host))
		request_end(self, NULL);
}

/* on the host, at the moment the effect is there */
static void
acted(RdSimHost *host, const RdCall *call, RdReply *reply, gpointer data)
{
	RdSimRequest *self = data;

	tell_moment(self, RD_MOMENT_ACTED);
	if (self->cut || self->over)
		return;
	rd_reply_clear(&self->reply);
	self->reply = *reply;
	*reply = (RdReply){0};
	request_later(self, latency(self->network), answer_arrives);
}

static void
arrive(gpointer data)
{
	RdSimRequest *self = data;
	RdSimHost *host = rd_sim_cluster_find(self->network->cluster, self->host);

	if (self->cut || self->nobody || !rd_sim_host_answers(host) || host->boots != self->boots)
		return;
	self->arrived = TRUE;
	tell_moment(self, RD_MOMENT_ARRIVED);
	if (host->power != RD_SIM_UP || host->boots != self->boots)
		return;
	if (self->act != NULL) {
		RdReply none = {0};

		self->act(host, self->act_data);
		acted(host, &self->call->call, &none, self);
	} else
		rd_sim_host_execute(host, rd_sim_call_ref(self->call), acted, request_ref(self),
				    request_unref);
}

/* keep-alives: a host that was booted since resets, one that says nothing is given up later */
static void
look(gpointer data)
{
	RdSimRequest *self = data;
	RdSimHost *host = rd_sim_cluster_find(self->network->cluster, self->host);
	gint64 now = rd_timeline_now(self->network->cluster->timeline);
	gboolean answers = rd_sim_host_answers(host) && !self->cut;

	self->look = 0;
	if (self->over || self->world == NULL)
		return;
	if (!self->arrived && self->quiet_since != 0) {
		request_end(self, "no connection within 10 s");
		return;
	}
	if (answers && self->arrived && host->boots != self->boots) {
		request_end(self, "connection reset by peer");
		return;
	}
	if (answers && self->arrived) {
		self->quiet_since = 0;
	} else if (self->quiet_since == 0) {
		self->quiet_since = now;
	} else if (now - self->quiet_since >= SILENCE_LIMIT) {
		request_end(self, "no sign of life for 30 s");
		return;
	}
	self->look = request_later(self, LOOK_PACE, look);
}

static RdSimRequest *
request_new(SimWorld *world, const char *host, const RdCall *call)
{
	RdSimRequest *self = g_new0(RdSimRequest, 1);

	self->refs = 1;
	self->network = world->network;
	self->world = world;
	self->host = g_strdup(host);
	self->call = rd_sim_call_copy(call);
	g_ptr_array_add(world->open, self);
	world->network->calls++;
	return self;
}

static void
request_send(RdSimRequest *self)
{
	const RdSimHost *host;

	tell_moment(self, RD_MOMENT_SEND);
	if (self->cut)
		request_end(self, "connection refused");
	if (self->over)
		return;
	host = rd_sim_cluster_find(self->network->cluster, self->host);
	self->boots = host->boots;
	self->nobody = host->power != RD_SIM_UP;
	request_later(self, way_there(self), arrive);
	self->look = request_later(self, CONNECT_LIMIT / 2, look);
	tell_moment(self, RD_MOMENT_SENT);
}

void
rd_sim_request_cut(RdSimRequest *self, gboolean silent)
{
	self->cut = TRUE;
	if (!silent)
		request_end(self, "connection reset by peer");
}

/* ---- the world ----------------------------------------------------------------------------- */

static void
give_way(SimWorld *self)
{
	if (self->wake != NULL)
		rd_fiber_yield();
	else if (!rd_timeline_step(self->network->cluster->timeline))
		g_error("%s waits, and nothing will ever happen again", self->target);
}

/* moves the answer out; the request itself may go on without us */
static gboolean
request_take(SimWorld *self, RdSimRequest *request, RdReply *reply, GError **error)
{
	gboolean got = FALSE;

	if (!request->over)
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_CANCELLED, "%s: cancelled",
			    request->host);
	else if (request->failure != NULL)
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE, "%s: %s",
			    request->host, request->failure);
	else {
		*reply = request->reply;
		request->reply = (RdReply){0};
		got = TRUE;
	}
	request->world = NULL;
	/* nobody waits for it any more; the event would only hold on to it */
	if (request->look != 0)
		rd_timeline_remove(self->network->cluster->timeline, request->look);
	g_ptr_array_remove_fast(self->open, request);
	request_unref(request);
	return got;
}

static gboolean
refuse_unknown(SimWorld *self, const char *host, GError **error)
{
	if (host != NULL && rd_sim_cluster_find(self->network->cluster, host) != NULL)
		return FALSE;
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT, "no host %s", host);
	return TRUE;
}

static gboolean
world_call(RdWorld *world, const char *host, const RdCall *call, RdReply *reply, GError **error)
{
	SimWorld *self = (SimWorld *)world;
	RdSimRequest *request = NULL;

	if (refuse_unknown(self, host, error))
		return FALSE;
	request = request_new(self, host, call);
	if (!self->cancelled)
		request_send(request);
	while (!request->over && !self->cancelled)
		give_way(self);
	return request_take(self, request, reply, error);
}

static void
world_call_all(RdWorld *world, const char *const *hosts, guint n_hosts, const RdCall *calls,
	       RdReply *replies, GError **errors)
{
	SimWorld *self = (SimWorld *)world;
	g_autofree RdSimRequest **requests = g_new0(RdSimRequest *, n_hosts);

	for (guint i = 0; i < n_hosts; i++) {
		if (refuse_unknown(self, hosts[i], &errors[i]))
			continue;
		requests[i] = request_new(self, hosts[i], &calls[i]);
		if (!self->cancelled)
			request_send(requests[i]);
	}
	for (guint i = 0; i < n_hosts; i++) {
		if (requests[i] == NULL)
			continue;
		while (!requests[i]->over && !self->cancelled)
			give_way(self);
		request_take(self, requests[i], &replies[i], &errors[i]);
	}
}

void
rd_sim_world_travel(RdWorld *world, const char *host, RdSimTravel *travels, guint n)
{
	SimWorld *self = (SimWorld *)world;
	g_autofree RdSimRequest **requests = g_new0(RdSimRequest *, n);

	for (guint i = 0; i < n; i++) {
		requests[i] = request_new(self, host, travels[i].as);
		requests[i]->act = travels[i].act;
		requests[i]->act_data = travels[i].data;
		requests[i]->act_destroy = travels[i].destroy;
		if (!self->cancelled)
			request_send(requests[i]);
	}
	for (guint i = 0; i < n; i++) {
		g_auto(RdReply) reply = {0};

		while (!requests[i]->over && !self->cancelled)
			give_way(self);
		(void)request_take(self, requests[i], &reply, &travels[i].error);
	}
}

static void
nap_over(gpointer data)
{
	Nap *nap = data;

	nap->over = TRUE;
	if (nap->world != NULL && nap->world->wake != NULL)
		nap->world->wake(nap->world->data);
}

/* the timeline's side; ours is gone or going */
static void
nap_free(gpointer data)
{
	Nap *nap = data;

	if (nap->world != NULL)
		nap->world->nap = NULL;
	g_free(nap);
}

static gboolean
world_pause(RdWorld *world, guint milliseconds)
{
	SimWorld *self = (SimWorld *)world;
	Nap *nap = g_new0(Nap, 1);

	nap->world = self;
	self->nap = nap;
	rd_timeline_add(self->network->cluster->timeline, milliseconds * RD_SIM_MS, nap_over, nap,
			nap_free);
	while (self->nap != NULL && !self->nap->over && !self->cancelled)
		give_way(self);
	if (self->nap != NULL)
		self->nap->world = NULL;
	self->nap = NULL;
	return !self->cancelled;
}

static gint64
world_clock(RdWorld *world)
{
	return rd_timeline_now(((SimWorld *)world)->network->cluster->timeline);
}

static gboolean
world_cancelled(RdWorld *world)
{
	return ((SimWorld *)world)->cancelled;
}

static RdKube *
world_kube(RdWorld *world, GError **error)
{
	SimWorld *self = (SimWorld *)world;

	if (self->kube == NULL && self->network->api != NULL)
		self->kube = rd_sim_api_kube_new(self->network->api, world);
	if (self->kube == NULL)
		g_set_error_literal(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT, RD_SIM_NO_API);
	return self->kube;
}

static const RdWorldClass klass = {world_call,	world_call_all,	 world_pause,
				   world_clock, world_cancelled, world_kube};

RdWorld *
rd_sim_world_new(RdNetwork *network, const char *target, void (*wake)(gpointer data), gpointer data)
{
	SimWorld *self = g_new0(SimWorld, 1);

	self->world.klass = &klass;
	self->network = network;
	self->target = g_strdup(target);
	self->wake = wake;
	self->data = data;
	self->open = g_ptr_array_new();
	return &self->world;
}

void
rd_sim_world_free(RdWorld *world)
{
	SimWorld *self = (SimWorld *)world;

	if (self == NULL)
		return;
	for (guint i = 0; i < self->open->len; i++) {
		RdSimRequest *request = g_ptr_array_index(self->open, i);

		request->world = NULL;
		request_unref(request);
	}
	g_ptr_array_unref(self->open);
	if (self->nap != NULL)
		self->nap->world = NULL;
	g_free(self->target);
	rd_sim_api_kube_free(self->kube);
	g_free(self);
}

void
rd_sim_world_cancel(RdWorld *world)
{
	SimWorld *self = (SimWorld *)world;

	self->cancelled = TRUE;
	if (self->wake != NULL)
		self->wake(self->data);
}
