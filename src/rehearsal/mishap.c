/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearsal/mishap.h"
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

/* TRUE: this is the call, and what becomes of it is decided */
static gboolean
strike(RdMishapWorld *self, const char *host, const RdCall *call)
{
	count_after_cancel(self);
	if (self->calls++ != self->at || self->mishap == RD_MISHAP_NONE)
		return FALSE;
	self->met = describe(call, host);
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
	gboolean struck = strike(self, host, call);

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

/* API requests are none of the calls that are counted here */
static RdKube *
mishap_kube(RdWorld *world, GError **error)
{
	RdMishapWorld *self = (RdMishapWorld *)world;

	return self->sim->klass->kube(self->sim, error);
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
	g_free(self->met);
	g_free(self);
}
