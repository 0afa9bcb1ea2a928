/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearsal/api.h"
#include "rehearsal/controllers.h"
#include "rehearsal/world.h"
#include <recovery/plugin.h>
#include <string.h>

struct _RdSimApi {
	RdSimCluster *cluster;
	char *host;
	RdSimStore *store;
	GPtrArray *snapshot; /* (owned) (nullable) */
	guint64 etcd;	     /* cluster id that was served last */
	gint64 up_since;     /* 0: it is away */
	gint64 first_up;     /* of this etcd cluster; 0: not yet */
	RdSimApiMood mood;
	gint64 mood_until;
	GHashTable *seen;
	char *stuck, *slow; /* (owned) (nullable) */
	guint stuck_s, slow_s;
	gint64 caught_up; /* when that was done last */
	guint64 tick;	  /* on the timeline; 0: nothing is under way */
};

#define TICK (5 * RD_SIM_SECOND)
#define PACE RD_SIM_MS	       /* nobody behind the API is quicker */
#define LOOK (500 * RD_SIM_MS) /* and in a brisk cluster they look twice a second */

static const char *const mood_names[] = {
    [RD_SIM_API_WELL] = "well",
    [RD_SIM_API_REFUSED] = "refused",
    [RD_SIM_API_BUSY] = "busy",
    [RD_SIM_API_CONFLICT] = "conflict",
    [RD_SIM_API_UNAVAILABLE] = "unavailable",
    [RD_SIM_API_UNHEARD] = "unheard",
    [RD_SIM_API_ETCD] = "etcd-timeout",
    [RD_SIM_API_WEBHOOK] = "webhook",
    [RD_SIM_API_STALE] = "stale",
};
G_STATIC_ASSERT(G_N_ELEMENTS(mood_names) == RD_SIM_API_MOOD_LAST + 1);

const char *
rd_sim_api_mood_to_string(RdSimApiMood mood)
{
	return mood_names[mood];
}

RdSimApi *
rd_sim_api_new(RdSimCluster *cluster, const char *host)
{
	RdSimApi *self = g_new0(RdSimApi, 1);

	self->cluster = cluster;
	self->host = g_strdup(host);
	self->store = rd_sim_store_new();
	self->seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return self;
}

void
rd_sim_api_free(RdSimApi *self)
{
	if (self == NULL)
		return;
	if (self->tick != 0)
		rd_timeline_remove(self->cluster->timeline, self->tick);
	g_free(self->slow);
	g_free(self->stuck);
	rd_sim_store_free(self->store);
	g_clear_pointer(&self->snapshot, g_ptr_array_unref);
	g_hash_table_unref(self->seen);
	g_free(self->host);
	g_free(self);
}

RdSimStore *
rd_sim_api_get_store(RdSimApi *self)
{
	return self->store;
}

double
rd_sim_api_get_time(RdSimApi *self)
{
	return (double)rd_timeline_now(self->cluster->timeline) / G_USEC_PER_SEC;
}

void
rd_sim_api_take_snapshot(RdSimApi *self)
{
	const RdSimHost *host = rd_sim_cluster_find(self->cluster, self->host);

	g_clear_pointer(&self->snapshot, g_ptr_array_unref);
	self->snapshot = rd_sim_store_save(self->store);
	if (host->etcd != NULL)
		self->etcd = host->etcd->cluster_id;
}

void
rd_sim_api_set_stuck(RdSimApi *self, const char *plural, guint seconds)
{
	g_free(self->stuck);
	self->stuck = g_strdup(plural);
	self->stuck_s = seconds;
}

void
rd_sim_api_set_slow(RdSimApi *self, const char *plural, guint seconds)
{
	g_free(self->slow);
	self->slow = g_strdup(plural);
	self->slow_s = seconds;
}

void
rd_sim_api_set_mood(RdSimApi *self, RdSimApiMood mood, guint seconds)
{
	self->mood = mood;
	self->mood_until = rd_timeline_now(self->cluster->timeline) + seconds * RD_SIM_SECOND;
}

/* ---- whether it is there ---- */

static gboolean
runs_apiserver(const RdSimHost *host)
{
	for (guint i = 0; i < host->pods->len; i++) {
		const RdSimPod *pod = g_ptr_array_index(host->pods, i);

		for (guint j = 0; pod->started && j < pod->containers->len; j++) {
			const RdSimContainer *one = g_ptr_array_index(pod->containers, j);

			if (one->running && g_str_equal(one->name, "kube-apiserver"))
				return TRUE;
		}
	}
	return FALSE;
}

/* the etcd it reads from: its own, else another one that has a quorum (its servers are all members)
 */
static const RdSimHost *
find_etcd(RdSimApi *self)
{
	const RdSimHost *own = rd_sim_cluster_find(self->cluster, self->host);

	if (rd_sim_etcd_has_quorum(own))
		return own;
	for (guint i = 0; i < self->cluster->hosts->len; i++) {
		const RdSimHost *host = g_ptr_array_index(self->cluster->hosts, i);

		if (rd_sim_etcd_has_quorum(host))
			return host;
	}
	return NULL;
}

gboolean
rd_sim_api_is_up(RdSimApi *self)
{
	RdSimHost *host = rd_sim_cluster_find(self->cluster, self->host);

	return host->power == RD_SIM_UP && runs_apiserver(host) && find_etcd(self) != NULL;
}

static void catch_up(RdSimApi *self);

static void
tick(gpointer data)
{
	RdSimApi *self = data;

	self->tick = 0;
	if (rd_sim_api_is_up(self))
		catch_up(self);
	else
		self->tick = rd_timeline_add(self->cluster->timeline, TICK, tick, self, NULL);
}

/* another etcd cluster is a restored one, and holds what the snapshot held */
static void
catch_up(RdSimApi *self)
{
	const RdSimEtcdData *etcd = find_etcd(self)->etcd;
	RdSimBehind behind = {.cluster = self->cluster, .store = self->store, .seen = self->seen};
	gint64 now = rd_timeline_now(self->cluster->timeline);

	if (self->etcd != 0 && self->etcd != etcd->cluster_id && self->snapshot != NULL) {
		rd_sim_store_restore(self->store, self->snapshot, TRUE);
		g_hash_table_remove_all(self->seen);
		self->up_since = self->first_up = 0;
	}
	self->etcd = etcd->cluster_id;
	if (self->first_up == 0)
		self->first_up = now;
	if (self->up_since == 0)
		self->up_since = now;
	else if (now < self->caught_up + (self->cluster->brisk ? LOOK : PACE))
		return;
	self->caught_up = now;
	behind.now = rd_sim_api_get_time(self);
	behind.up = (double)self->up_since / G_USEC_PER_SEC;
	behind.slow = self->slow;
	behind.slow_s = self->slow_s;
	if (self->stuck != NULL && self->stuck_s > 0 &&
	    now < self->first_up + self->stuck_s * RD_SIM_SECOND)
		behind.stuck = self->stuck;
	rd_sim_controllers_catch_up(&behind);
	if (behind.under_way && self->tick == 0)
		self->tick = rd_timeline_add(self->cluster->timeline, TICK, tick, self, NULL);
}

void
rd_sim_api_catch_up(RdSimApi *self)
{
	if (rd_sim_api_is_up(self))
		catch_up(self);
}

/* ---- one request, at the server ---- */

typedef struct {
	guint refs;
	RdSimApi *api;
	RdKubeRequest request;
	char *path, *body, *uid;
	RdKubeAnswer answer;
} Ask;

static void
ask_unref(gpointer data)
{
	Ask *ask = data;

	if (--ask->refs > 0)
		return;
	g_free(ask->path);
	g_free(ask->body);
	g_free(ask->uid);
	rd_kube_answer_clear(&ask->answer);
	g_free(ask);
}

static void
answer_trouble(Ask *ask, guint status, const char *message)
{
	g_autofree char *body = g_strdup_printf(
	    "{\"kind\":\"Status\",\"status\":\"Failure\",\"message\":\"%s\",\"code\":%u}", message,
	    status);

	rd_kube_judge(ask->request.verb, status, status == 429 ? "1" : NULL, body, strlen(body), -1,
		      &ask->answer);
}

static void
act(RdSimHost *host, gpointer data)
{
	Ask *ask = data;
	RdSimApi *self = ask->api;
	gboolean touches = rd_kube_verb_touches(ask->request.verb);
	RdSimApiMood mood = rd_timeline_now(self->cluster->timeline) < self->mood_until
				? self->mood
				: RD_SIM_API_WELL;

	if (mood == RD_SIM_API_REFUSED || !rd_sim_api_is_up(self)) {
		self->up_since = 0;
		ask->answer.verdict = RD_KUBE_NOT_YET;
		ask->answer.message = g_strdup("connection refused");
		return;
	}
	catch_up(self);
	if (mood == RD_SIM_API_BUSY) {
		answer_trouble(ask, 429, "too many requests");
	} else if (mood == RD_SIM_API_CONFLICT && touches && ask->request.verb != RD_KUBE_POST) {
		answer_trouble(ask, 409,
			       "the object has been modified; please apply your changes "
			       "to the latest version and try again");
	} else if (mood == RD_SIM_API_UNAVAILABLE) {
		answer_trouble(ask, 503, "the server is currently unable to handle the request");
	} else if (mood == RD_SIM_API_WEBHOOK && touches) {
		answer_trouble(ask, 500, "Internal error occurred: failed calling webhook");
	} else if (mood == RD_SIM_API_STALE && !touches && self->snapshot != NULL) {
		rd_sim_store_answer_from(self->store, self->snapshot, &ask->request,
					 rd_sim_api_get_time(self), &ask->answer);
	} else if (ask->request.plain) {
		rd_kube_judge_plain(200, NULL, "ok", 2, -1, &ask->answer);
	} else {
		rd_sim_store_answer(self->store, &ask->request, rd_sim_api_get_time(self),
				    &ask->answer);
		if (mood == RD_SIM_API_UNHEARD)
			answer_trouble(ask, 503, "the server is shutting down");
		else if (mood == RD_SIM_API_ETCD)
			answer_trouble(ask, 500, "etcdserver: request timed out");
	}
}

/* ---- RdKube ---- */

typedef struct {
	RdKube kube;
	RdSimApi *api;
	RdWorld *world;
} SimKube;

static Ask *
ask_new(RdSimApi *api, const RdKubeRequest *request)
{
	Ask *ask = g_new0(Ask, 1);

	ask->refs = 2; /* the caller's and the request's, which may act without it */
	ask->api = api;
	ask->request = *request;
	ask->request.path = ask->path = g_strdup(request->path);
	ask->request.body = ask->body = g_strdup(request->body);
	ask->request.uid = ask->uid = g_strdup(request->uid);
	return ask;
}

static void
take_answer(Ask *ask, GError *error, RdKubeAnswer *answer)
{
	gboolean touches = rd_kube_verb_touches(ask->request.verb);

	memset(answer, 0, sizeof *answer);
	if (error == NULL) {
		*answer = ask->answer;
		memset(&ask->answer, 0, sizeof ask->answer);
		return;
	}
	answer->message = g_strdup(error->message);
	if (g_error_matches(error, RECOVERY_ERROR, RECOVERY_ERROR_CANCELLED))
		answer->verdict = RD_KUBE_CANCELLED;
	else
		answer->verdict = touches && strstr(error->message, "refused") == NULL
				      ? RD_KUBE_DOUBT
				      : RD_KUBE_NOT_YET;
}

static void
send_some(SimKube *self, const RdKubeRequest *requests, guint n, RdKubeAnswer *answers)
{
	g_autofree RdSimTravel *travels = g_new0(RdSimTravel, n);
	g_autofree RdCall *calls = g_new0(RdCall, n);
	g_autofree const char **argvs = g_new0(const char *, (gsize)n * 3);

	for (guint i = 0; i < n; i++) {
		argvs[i * 3] = rd_kube_verb_to_string(requests[i].verb);
		argvs[i * 3 + 1] = requests[i].path;
		calls[i] = (RdCall){.verb = rd_kube_verb_touches(requests[i].verb) ? RD_CALL_RUN
										   : RD_CALL_ASK,
				    .argv = &argvs[i * 3],
				    .input_fd = -1};
		travels[i] = (RdSimTravel){.as = &calls[i],
					   .act = act,
					   .data = ask_new(self->api, &requests[i]),
					   .destroy = ask_unref};
	}
	rd_sim_world_travel(self->world, self->api->host, travels, n);
	for (guint i = 0; i < n; i++) {
		take_answer(travels[i].data, travels[i].error, &answers[i]);
		g_clear_error(&travels[i].error);
		ask_unref(travels[i].data);
	}
}

static void
sim_send(RdKube *kube, const RdKubeRequest *requests, guint n, guint in_flight, guint limit_s,
	 RdKubeAnswer *answers)
{
	for (guint i = 0; i < n; i += MAX(in_flight, 1))
		send_some((SimKube *)kube, requests + i, MIN(n - i, MAX(in_flight, 1)),
			  answers + i);
}

static gboolean
sim_pause(RdKube *kube, guint milliseconds)
{
	SimKube *self = (SimKube *)kube;

	return self->world->klass->pause(self->world, milliseconds);
}

static gint64
sim_clock(RdKube *kube)
{
	SimKube *self = (SimKube *)kube;

	return self->world->klass->clock(self->world);
}

static const RdKubeClass sim_class = {sim_send, sim_pause, sim_clock};

RdKube *
rd_sim_api_kube_new(RdSimApi *api, RdWorld *world)
{
	SimKube *self = g_new0(SimKube, 1);

	self->kube.klass = &sim_class;
	self->api = api;
	self->world = world;
	return &self->kube;
}

void
rd_sim_api_kube_free(RdKube *kube)
{
	g_free(kube);
}
