/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-host"
#include "host/host.h"
#include "host/frame.h"
#include "host/ssh.h"
#include "host/tcp.h"
#include "host/wrapper.h"
#include <poll.h>
#include <recovery/plugin.h>

/* at once in call_all(); a dead host holds one of them for RD_SSH_CONNECT seconds */
#define THREADS_MAX 32
/* An idle connection is not trusted longer: sshd or a firewall may have dropped it, and to find
 * out costs more than a new one. */
#define IDLE_MAX (20 * G_USEC_PER_SEC)

/* seconds from sending a call to its answer, beside its own wait_s; 0: as long as bytes or signs
 * of life come */
static const guint limits[] = {
    [RD_CALL_ASK] = 300,       [RD_CALL_SURVEY] = 60, [RD_CALL_JOB_STATE] = 60,
    [RD_CALL_SETTLE] = 60,     [RD_CALL_ASIDE] = 60,  [RD_CALL_FETCH] = 0,
    [RD_CALL_RUN] = 600,       [RD_CALL_MOVE] = 120,  [RD_CALL_MOVE_ASIDE] = 120,
    [RD_CALL_JOB_START] = 120, [RD_CALL_PUT] = 0,     [RD_CALL_TAKE] = 60,
    [RD_CALL_RELEASE] = 60,    [RD_CALL_KEEP] = 60,   [RD_CALL_BREAK] = 60,
};
G_STATIC_ASSERT(G_N_ELEMENTS(limits) == RD_CALL_LAST + 1);

typedef struct {
	const RdHostAddress *address;
	GMutex busy; /* call_all() may name a host twice */
	RdSsh *ssh;  /* (owned) (nullable) */
	gint64 used; /* rd_boottime() */
} Slot;

typedef struct {
	RdWorld world;
	GPtrArray *addresses; /* (owned) */
	GHashTable *slots;    /* (element-type utf8 Slot) (owned), not changed after new */
	char *run, *root;     /* (owned) (nullable) */
	int cancel_fd;
	RdHostKube kube_maker;
	RdKube *kube; /* (owned) (nullable) */
} HostWorld;

static void
slot_free(Slot *slot)
{
	rd_ssh_close(slot->ssh);
	g_mutex_clear(&slot->busy);
	g_free(slot);
}

static gboolean
world_cancelled(RdWorld *world)
{
	HostWorld *self = (HostWorld *)world;
	struct pollfd cancel = {.fd = self->cancel_fd, .events = POLLIN};

	return self->cancel_fd >= 0 && poll(&cancel, 1, 0) > 0;
}

static gboolean
world_pause(RdWorld *world, guint milliseconds)
{
	HostWorld *self = (HostWorld *)world;
	struct pollfd cancel = {.fd = self->cancel_fd, .events = POLLIN};
	gint64 end = rd_boottime() + milliseconds * G_TIME_SPAN_MILLISECOND;
	gint64 left;

	/* again after a signal */
	while ((left = end - rd_boottime()) > 0)
		if (poll(&cancel, 1, (int)(left / 1000) + 1) > 0)
			return FALSE;
	return !world_cancelled(world);
}

static gint64
world_clock(RdWorld *world)
{
	return rd_boottime();
}

/* once on the connection that is there, and when that turns out dead before anything was sent,
 * once more on a new one */
static gboolean
slot_run(HostWorld *self, Slot *slot, const RdSshCommand *command, RdFrame *frame, GError **error)
{
	for (;;) {
		g_autoptr(GError) failure = NULL;
		gboolean kept, sent = FALSE;

		if (slot->ssh != NULL && rd_boottime() - slot->used > IDLE_MAX)
			g_clear_pointer(&slot->ssh, rd_ssh_close);
		kept = slot->ssh != NULL;
		if (!kept)
			slot->ssh = rd_ssh_open(slot->address, self->cancel_fd, error);
		if (slot->ssh == NULL)
			return FALSE;
		if (rd_ssh_run(slot->ssh, command, frame, &sent, &failure)) {
			slot->used = rd_boottime();
			return TRUE;
		}
		g_clear_pointer(&slot->ssh, rd_ssh_close);
		if (!kept || sent ||
		    !g_error_matches(failure, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE)) {
			g_propagate_error(error, g_steal_pointer(&failure));
			return FALSE;
		}
		g_debug("%s: connecting again", failure->message);
	}
}

static gboolean
slot_call(HostWorld *self, Slot *slot, const RdCall *call, RdReply *reply, GError **error)
{
	g_autofree char *nonce = rd_frame_nonce();
	g_autoptr(RdFrame) frame = rd_frame_new(nonce);
	g_auto(GStrv) arguments = NULL;
	g_autofree char *line = NULL;
	RdCall complete = *call;
	RdSshCommand command = {.input = call->input, .input_fd = -1};

	if (complete.run == NULL)
		complete.run = self->run;
	arguments = rd_frame_arguments(&complete, nonce, self->root, error);
	if (arguments != NULL)
		line = rd_frame_command(slot->address->user, (const char *const *)arguments, error);
	if (line == NULL) {
		g_prefix_error(error, "%s: ", slot->address->name);
		return FALSE;
	}
	command.command = line;
	command.text = rd_wrapper_text;
	if (call->verb == RD_CALL_PUT)
		command.input_fd = call->input_fd;
	if (limits[call->verb] > 0)
		command.limit_s = limits[call->verb] + call->wait_s;
	if (!slot_run(self, slot, &command, frame, error))
		return FALSE;
	if (rd_frame_finish(frame, reply, error))
		return TRUE;
	g_clear_pointer(&slot->ssh, rd_ssh_close);
	g_prefix_error(error, "%s (%s@%s): ", slot->address->name, slot->address->user,
		       slot->address->address);
	return FALSE;
}

static gboolean
world_call(RdWorld *world, const char *host, const RdCall *call, RdReply *reply, GError **error)
{
	HostWorld *self = (HostWorld *)world;
	Slot *slot = g_hash_table_lookup(self->slots, host);
	gboolean answered;

	if (slot == NULL) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
			    "%s: no such host in the inventory", host);
		return FALSE;
	}
	if (world_cancelled(world)) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_CANCELLED, "%s: %s: cancelled",
			    host, rd_call_verb_to_string(call->verb));
		return FALSE;
	}
	g_mutex_lock(&slot->busy);
	answered = slot_call(self, slot, call, reply, error);
	g_mutex_unlock(&slot->busy);
	return answered;
}

/* ---- many at once -------------------------------------------------------------------------- */

typedef struct {
	RdWorld *world;
	const char *const *hosts;
	guint n_hosts;
	const RdCall *calls;
	RdReply *replies;
	GError **errors;
	int next; /* atomic: the first host nobody has begun with */
} Batch;

static gpointer
batch_work(gpointer data)
{
	Batch *batch = data;
	guint i;

	while ((i = (guint)g_atomic_int_add(&batch->next, 1)) < batch->n_hosts)
		world_call(batch->world, batch->hosts[i], &batch->calls[i], &batch->replies[i],
			   &batch->errors[i]);
	return NULL;
}

static void
world_call_all(RdWorld *world, const char *const *hosts, guint n_hosts, const RdCall *calls,
	       RdReply *replies, GError **errors)
{
	Batch batch = {world, hosts, n_hosts, calls, replies, errors, 0};
	g_autoptr(GPtrArray) threads = g_ptr_array_new();

	/* this thread is one of them, so that it works without any other too */
	for (guint i = 1; i < MIN(n_hosts, THREADS_MAX); i++) {
		GThread *thread = g_thread_try_new("rd-host", batch_work, &batch, NULL);

		if (thread != NULL)
			g_ptr_array_add(threads, thread);
	}
	batch_work(&batch);
	for (guint i = 0; i < threads->len; i++)
		g_thread_join(g_ptr_array_index(threads, i));
}

/* ---- ---------------------------------------------------------------------------------------- */

static RdKube *
world_kube(RdWorld *world, GError **error)
{
	HostWorld *self = (HostWorld *)world;

	if (self->kube == NULL && self->kube_maker.open == NULL)
		g_set_error_literal(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
				    "this run has no way to the Kubernetes API");
	else if (self->kube == NULL)
		self->kube = self->kube_maker.open(world, self->kube_maker.data, error);
	return self->kube;
}

static const RdWorldClass host_world_class = {
    .call = world_call,
    .call_all = world_call_all,
    .pause = world_pause,
    .clock = world_clock,
    .cancelled = world_cancelled,
    .kube = world_kube,
};

RdWorld *
rd_host_world_new(GPtrArray *addresses, const char *run, int cancel_fd)
{
	HostWorld *self = g_new0(HostWorld, 1);

	self->world.klass = &host_world_class;
	self->addresses = g_ptr_array_ref(addresses);
	self->run = g_strdup(run);
	self->cancel_fd = cancel_fd;
	self->slots =
	    g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)slot_free);
	for (guint i = 0; i < addresses->len; i++) {
		Slot *slot = g_new0(Slot, 1);

		slot->address = g_ptr_array_index(addresses, i);
		g_mutex_init(&slot->busy);
		g_hash_table_insert(self->slots, slot->address->name, slot);
	}
	return &self->world;
}

void
rd_host_world_set_root(RdWorld *world, const char *root)
{
	HostWorld *self = (HostWorld *)world;

	g_free(self->root);
	self->root = g_strdup(root);
}

void
rd_host_world_set_kube(RdWorld *world, const RdHostKube *kube)
{
	((HostWorld *)world)->kube_maker = *kube;
}

void
rd_host_world_free(RdWorld *world)
{
	HostWorld *self = (HostWorld *)world;

	if (self == NULL)
		return;
	/* it may go through our connections */
	if (self->kube != NULL)
		self->kube_maker.close(self->kube);
	g_hash_table_unref(self->slots);
	g_ptr_array_unref(self->addresses);
	g_free(self->run);
	g_free(self->root);
	g_free(self);
}
