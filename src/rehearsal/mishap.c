/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearsal/mishap.h"
#include "kube/call.h"
#include "rehearsal/fiber.h"
#include <recovery/plugin.h>
#include <string.h>

/* times that a body may ask for anything after it was told to end */
#define AFTER_CANCEL_MAX 1000

static const char *const mishap_words[] = {
    [RD_MISHAP_NONE] = "is answered",
    [RD_MISHAP_LOST] = "is lost",
    [RD_MISHAP_UNHEARD] = "is carried out and its answer lost",
    [RD_MISHAP_FAILS] = "fails",
    [RD_MISHAP_CANCEL] = "comes after it was told to end",
    [RD_MISHAP_KILL] = "is carried out and its worker killed",
};
G_STATIC_ASSERT(G_N_ELEMENTS(mishap_words) == RD_MISHAP_LAST + 1);

const char *
rd_mishap_to_words(RdMishap mishap)
{
	return mishap_words[mishap];
}

static char *
describe(const RdCall *call, const char *host)
{
	g_autofree char *argv =
	    call->argv != NULL ? g_strjoinv(" ", (char **)call->argv) : g_strdup("");
	const char *what = call->argv != NULL	? argv
			   : call->from != NULL ? call->from
			   : call->to != NULL	? call->to
			   : call->name != NULL ? call->name
						: "";

	return g_strdup_printf("%s %s on %s", rd_call_verb_to_string(call->verb), what, host);
}

static gboolean
lose(RdWorld *sim, const char *host, GError **error)
{
	/* the time until a connection is given up */
	if (sim->klass->pause(sim, 30 * 1000))
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE,
			    "%s: no sign of life for 30 s", host);
	else
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_CANCELLED, "%s: cancelled", host);
	return FALSE;
}

/* commands fail by themselves, everything else is refused by the host */
static gboolean
fail(const RdCall *call, RdReply *reply)
{
	gboolean command = call->verb == RD_CALL_ASK || call->verb == RD_CALL_RUN ||
			   call->verb == RD_CALL_JOB_START;

	reply->verdict = command ? RD_VERDICT_DONE : RD_VERDICT_REFUSED;
	reply->status = command ? 1 : 0;
	reply->err = g_strdup(RD_MISHAP_STDERR);
	/* both streams of a job are one */
	if (call->verb == RD_CALL_JOB_START)
		reply->out = g_bytes_new_static(RD_MISHAP_STDERR, strlen(RD_MISHAP_STDERR));
	return TRUE;
}

static G_GNUC_NORETURN void
die(RdMishapWorld *self)
{
	self->killed = TRUE;
	for (;;)
		rd_fiber_yield();
}

/* whoever was told to end does not ask for ever */
static void
count_after_cancel(RdMishapWorld *self)
{
	if (self->cancelled && ++self->after_cancel > AFTER_CANCEL_MAX) {
		self->deaf = TRUE;
		die(self);
	}
}

static gboolean
is_due(RdMishapWorld *self)
{
	count_after_cancel(self);
	return self->calls++ == self->at && self->mishap != RD_MISHAP_NONE;
}

/* @met (transfer full): what it befalls. TRUE: what becomes of it is decided */
static gboolean
befall(RdMishapWorld *self, char *met)
{
	self->met = met;
	if (self->mishap != RD_MISHAP_CANCEL)
		return TRUE;
	self->cancelled = TRUE;
	rd_sim_world_cancel(self->sim);
	return FALSE;
}

static gboolean
mishap_call(RdWorld *world, const char *host, const RdCall *call, RdReply *reply, GError **error)
{
	RdMishapWorld *self = (RdMishapWorld *)world;
	gboolean struck = is_due(self) && befall(self, describe(call, host));

	if (struck && self->mishap == RD_MISHAP_LOST)
		return lose(self->sim, host, error);
	if (struck && self->mishap == RD_MISHAP_FAILS)
		return fail(call, reply);
	if (!self->sim->klass->call(self->sim, host, call, reply, error))
		return FALSE;
	if (!struck)
		return TRUE;
	rd_reply_clear(reply);
	if (self->mishap == RD_MISHAP_UNHEARD)
		return lose(self->sim, host, error);
	die(self);
}

/* one after the other: which of them it strikes has to be the same each time */
static void
mishap_call_all(RdWorld *world, const char *const *hosts, guint n_hosts, const RdCall *call,
		RdReply *replies, GError **errors)
{
	for (guint i = 0; i < n_hosts; i++)
		(void)mishap_call(world, hosts[i], call, &replies[i], &errors[i]);
}

static gboolean
mishap_pause(RdWorld *world, guint milliseconds)
{
	RdMishapWorld *self = (RdMishapWorld *)world;

	count_after_cancel(self);
	return self->sim->klass->pause(self->sim, milliseconds);
}

static gint64
mishap_clock(RdWorld *world)
{
	RdMishapWorld *self = (RdMishapWorld *)world;

	return self->sim->klass->clock(self->sim);
}

static gboolean
mishap_cancelled(RdWorld *world)
{
	RdMishapWorld *self = (RdMishapWorld *)world;

	count_after_cancel(self);
	return self->cancelled;
}

/* ---- the API ---- */

typedef struct _RdMishapKube {
	RdKube kube;
	RdKube *sim; /* (unowned) */
	RdMishapWorld *owner;
} RdMishapKube;

/* nothing comes back within its time */
static void
answer_nothing(RdMishapKube *self, gboolean sent, guint limit_s, RdKubeAnswer *answer)
{
	RdWorld *sim = self->owner->sim;
	gboolean over = sim->klass->pause(sim, limit_s * 1000);

	*answer = (RdKubeAnswer){.verdict = !over  ? RD_KUBE_CANCELLED
					    : sent ? RD_KUBE_DOUBT
						   : RD_KUBE_NOT_YET,
				 .message = g_strdup(over ? "no answer" : "cancelled")};
}

static void
send_one(RdMishapKube *self, const RdKubeRequest *request, guint limit_s, RdKubeAnswer *answer)
{
	RdMishapWorld *owner = self->owner;
	gboolean struck =
	    is_due(owner) &&
	    befall(owner,
		   g_strdup_printf("%s %s", rd_kube_verb_to_string(request->verb), request->path));

	if (struck && owner->mishap == RD_MISHAP_LOST) {
		answer_nothing(self, FALSE, limit_s, answer);
		return;
	}
	if (struck && owner->mishap == RD_MISHAP_FAILS) {
		*answer = (RdKubeAnswer){.verdict = RD_KUBE_REFUSED,
					 .status = 403,
					 .message = g_strdup(RD_MISHAP_STDERR)};
		return;
	}
	self->sim->klass->send(self->sim, request, 1, 1, limit_s, answer);
	if (!struck)
		return;
	rd_kube_answer_clear(answer);
	if (owner->mishap == RD_MISHAP_KILL)
		die(owner);
	answer_nothing(self, rd_kube_verb_touches(request->verb), limit_s, answer);
}

/* one after the other, as with hosts */
static void
kube_send(RdKube *kube, const RdKubeRequest *requests, guint n, guint in_flight, guint limit_s,
	  RdKubeAnswer *answers)
{
	for (guint i = 0; i < n; i++)
		send_one((RdMishapKube *)kube, &requests[i], limit_s, &answers[i]);
}

static gboolean
kube_pause(RdKube *kube, guint milliseconds)
{
	RdMishapKube *self = (RdMishapKube *)kube;

	count_after_cancel(self->owner);
	return self->sim->klass->pause(self->sim, milliseconds);
}

static gint64
kube_clock(RdKube *kube)
{
	RdMishapKube *self = (RdMishapKube *)kube;

	return self->sim->klass->clock(self->sim);
}

static const RdKubeClass kube_klass = {kube_send, kube_pause, kube_clock};

static RdKube *
mishap_kube(RdWorld *world, GError **error)
{
	RdMishapWorld *self = (RdMishapWorld *)world;
	RdKube *sim = self->sim->klass->kube(self->sim, error);

	if (sim == NULL)
		return NULL;
	if (self->kube == NULL)
		self->kube = g_new0(RdMishapKube, 1);
	*self->kube = (RdMishapKube){.kube = {&kube_klass}, .sim = sim, .owner = self};
	return &self->kube->kube;
}

static const RdWorldClass klass = {mishap_call,	 mishap_call_all,  mishap_pause,
				   mishap_clock, mishap_cancelled, mishap_kube};

RdMishapWorld *
rd_mishap_world_new(RdNetwork *network, const char *target, RdMishap mishap, guint at,
		    void (*wake)(gpointer data), gpointer data)
{
	RdMishapWorld *self = g_new0(RdMishapWorld, 1);

	self->world.klass = &klass;
	self->sim = rd_sim_world_new(network, target, wake, data);
	self->mishap = mishap;
	self->at = at;
	return self;
}

void
rd_mishap_world_free(RdMishapWorld *self)
{
	rd_sim_world_free(self->sim);
	g_free(self->kube);
	g_free(self->met);
	g_free(self);
}
