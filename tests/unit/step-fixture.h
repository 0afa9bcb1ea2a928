/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "kube/call.h"
#include "runner/step-private.h"
#include <recovery/kubernetes.h>
#include <string.h>

/* A step between an engine, hosts and an API server that all write into one log, so that a test
 * sees in which order they hear of things. */

typedef struct {
	RdWorld world;
	RdKube kube;
	GString *log;
	gint64 now;
	RdVerdict verdict; /* of the recovery host */
	gboolean silent, cancelled, no_way, deaf;
	const RdKubeAnswer *answers; /* for ever the last one, as literals */
	guint n_answers, at;
	guint limit;
} Stage;

static inline Stage *
stage_of_kube(RdKube *kube)
{
	return (Stage *)((char *)kube - G_STRUCT_OFFSET(Stage, kube));
}

static inline gboolean
stage_call(RdWorld *world, const char *host, const RdCall *call, RdReply *reply, GError **error)
{
	Stage *self = (Stage *)world;
	static const char survey[] = "boot-id=b\nmachine-id=m\ntime=1795180000.5\n";

	g_string_append_printf(self->log, "%s #%" G_GINT64_FORMAT " %s\n", host, call->number,
			       rd_call_verb_to_string(call->verb));
	if (self->silent) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE, "%s: silent", host);
		return FALSE;
	}
	*reply = (RdReply){.verdict = self->verdict,
			   .out = g_bytes_new_static(survey, strlen(survey)),
			   .err = g_strdup("held by r-2")};
	return TRUE;
}

static inline gint64
stage_clock(RdWorld *world)
{
	return ((Stage *)world)->now;
}

static inline gboolean
stage_cancelled(RdWorld *world)
{
	return ((Stage *)world)->cancelled;
}

static inline RdKube *
stage_kube(RdWorld *world, GError **error)
{
	Stage *self = (Stage *)world;

	if (!self->no_way)
		return &self->kube;
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT, "no way in");
	return NULL;
}

static inline void
stage_send(RdKube *kube, const RdKubeRequest *requests, guint n, guint in_flight, guint limit_s,
	   RdKubeAnswer *answers)
{
	Stage *self = stage_of_kube(kube);

	self->limit = limit_s;
	for (guint i = 0; i < n; i++) {
		const RdKubeAnswer *from = &self->answers[MIN(self->at, self->n_answers - 1)];

		self->at++;
		g_string_append_printf(
		    self->log, "%s %s%s%s%s%s\n", rd_kube_verb_to_string(requests[i].verb),
		    requests[i].path, requests[i].uid != NULL ? " uid " : "",
		    requests[i].uid != NULL ? requests[i].uid : "", requests[i].now ? " now" : "",
		    requests[i].content_type != NULL ? " yaml" : "");
		answers[i] = (RdKubeAnswer){.verdict = from->verdict,
					    .status = from->status,
					    .message = g_strdup(from->message),
					    .unserved = from->unserved,
					    .text = g_strdup(from->text)};
		/* an object as text, to be written down in a literal */
		if (from->reason != NULL)
			answers[i].body =
			    rd_kube_json_parse(from->reason, strlen(from->reason), NULL);
	}
}

static inline gboolean
stage_pause(RdKube *kube, guint milliseconds)
{
	stage_of_kube(kube)->now += milliseconds * 1000;
	return TRUE;
}

static inline gint64
stage_kube_clock(RdKube *kube)
{
	return stage_of_kube(kube)->now;
}

static inline gboolean
stage_world_pause(RdWorld *world, guint milliseconds)
{
	((Stage *)world)->now += milliseconds * 1000;
	return TRUE;
}

static const RdWorldClass world_class = {.call = stage_call,
					 .pause = stage_world_pause,
					 .clock = stage_clock,
					 .cancelled = stage_cancelled,
					 .kube = stage_kube};
static const RdKubeClass kube_class = {.send = stage_send,
				       .pause = stage_pause,
				       .clock = stage_kube_clock};

static inline gboolean
stage_tell(const RdReport *report, gpointer data)
{
	Stage *self = data;

	g_string_append_printf(self->log, "%s %" G_GINT64_FORMAT " %s: %s\n",
			       rd_report_kind_to_string(report->kind), report->number, report->word,
			       report->text != NULL ? report->text : "");
	return !self->deaf;
}

#define JSON reason

/* ---- one body ------------------------------------------------------------------------------ */

typedef struct {
	Stage stage;
	RdOrder *order;
	RdSetting *setting;
	RecoveryState type;
	RecoveryStep step;
} Play;

static inline Play *
play_new(const RdKubeAnswer *answers, guint n)
{
	Play *self = g_new0(Play, 1);

	self->stage.world.klass = &world_class;
	self->stage.kube.klass = &kube_class;
	self->stage.log = g_string_new(NULL);
	self->stage.verdict = RD_VERDICT_DONE;
	self->stage.answers = answers;
	self->stage.n_answers = n;
	self->order = rd_order_new(RD_DO_ENTER, RD_CLUSTER);
	self->order->type = g_strdup("csr/approve");
	self->order->state = g_strdup("approve");
	self->order->fence_host = g_strdup("m1");
	self->order->fence_number = 7;
	self->order->timeout_ms = 600 * 1000;
	self->setting = rd_setting_new("r-1", "u", "alice@bastion", "/tmp");
	rd_setting_add_host(self->setting, "m0", "control-plane", "10.0.0.10");
	rd_setting_add_host(self->setting, "m1", "recovery", "10.0.0.11");
	self->step = (RecoveryStep){.order = self->order,
				    .type = &self->type,
				    .world = &self->stage.world,
				    .setting = self->setting,
				    .tell = stage_tell,
				    .data = &self->stage,
				    .time_to = 600 * G_USEC_PER_SEC,
				    .touches = 4,
				    .may_touch = TRUE};
	return self;
}

static inline void
play_free(Play *self)
{
	g_string_free(self->stage.log, TRUE);
	rd_order_free(self->order);
	rd_setting_free(self->setting);
	g_free(self->step.fenced_text);
	g_free(self->step.silent);
	g_free(self);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Play, play_free)

#define PLAY(name, ...)                                                                            \
	static const RdKubeAnswer name##_answers[] = {__VA_ARGS__};                                \
	g_autoptr(Play) name = play_new(name##_answers, G_N_ELEMENTS(name##_answers))

static inline void
assert_log(Play *play, const char *expected)
{
	g_assert_cmpstr(play->stage.log->str, ==, expected);
}
