/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-runner"

#include <gio/gio.h>
#include <recovery/plugin.h>
#include <string.h>

#include "foresight-private.h"

/* What is written down, and the world that says it went well. */

JsonObject *
rd_foresight_last(RdForesight *self)
{
	guint n = json_array_get_length(self->foreseen->entries);

	return json_array_get_object_element(self->foreseen->entries, n - 1);
}

gboolean
rd_foresight_unknown(RdForesight *self, const char *host, const char *what, GError **error)
{
	if (self->depends == NULL)
		self->depends = g_strdup_printf("what %s says then on %s", what, host);
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_CANCELLED, "%s: not known before: %s",
		    host, what);
	return FALSE;
}

void
rd_foresight_answer(RdReply *reply, int status, const char *out)
{
	reply->verdict = RD_VERDICT_DONE;
	reply->status = status;
	reply->out = g_bytes_new(out, strlen(out));
	reply->err = g_strdup("");
}

gboolean
rd_foresight_ask_real(RdForesight *self, const char *host, const RdCall *call, RdReply *reply,
		      GError **error)
{
	RdCall look = *call;

	/* no lock is held: a host that belongs to another run answers all the same */
	look.number = 0;
	return self->real->klass->call(self->real, host, &look, reply, error);
}

char *
rd_bytes_text(GBytes *bytes)
{
	gsize size = 0;
	const char *data = bytes != NULL ? g_bytes_get_data(bytes, &size) : NULL;

	return g_strndup(data != NULL ? data : "", size);
}

void
rd_entry_set_number(JsonObject *entry, const char *name, gint64 value)
{
	g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, value);

	json_object_set_string_member(entry, name, text);
}

/* ---- writing down -------------------------------------------------------------------------- */

void
rd_foresight_begin(RdForesight *self, const char *verb, const char *text)
{
	JsonObject *entry = json_object_new();

	json_object_set_string_member(entry, "state", self->order->state);
	json_object_set_string_member(entry, "host", self->order->target);
	json_object_set_string_member(entry, "verb", verb);
	json_object_set_string_member(entry, "text", text);
	if (self->guess != NULL)
		json_object_set_string_member(entry, "depends", self->guess);
	else if (strstr(text, RD_FORESEEN_THEN) != NULL)
		json_object_set_string_member(entry, "depends", "what nobody knows before");
	json_array_add_object_element(self->foreseen->entries, entry);
}

char *
rd_foresight_entry(RdForesight *self, guint number)
{
	JsonNode *node = json_array_get_element(self->foreseen->entries,
						self->first + number - self->order->touches - 1);

	return json_to_string(node, FALSE);
}

static void
rd_entry_set_list(JsonObject *entry, const char *name, const char *const *words)
{
	JsonArray *list = json_array_new();

	for (guint i = 0; words != NULL && words[i] != NULL; i++)
		json_array_add_string_element(list, words[i]);
	json_object_set_array_member(entry, name, list);
}

/* Where docs/hosts.md says that it will be kept. The host tries the mount by a rename, which is
 * more than a look; by its name is as good as it gets before. */
static char *
rd_foresight_aside(RdForesight *self, const char *host, const char *run, const char *from)
{
	g_autofree char *dir = g_path_get_dirname(from);
	g_autofree char *base = g_path_get_basename(from);
	g_autofree char *flat = g_strdelimit(g_strdup(from), "/", '_');
	g_autofree char *there = NULL, *here = NULL;
	const char *ways[] = {dir, "/var/lib", NULL};

	if (g_str_has_suffix(dir, "/etc/kubernetes/manifests"))
		return g_strdup_printf("%.*srecoveryd/%s/%s",
				       (int)(strlen(dir) - strlen("manifests")), dir, run, base);
	for (guint i = 0; ways[i] != NULL; i++) {
		const char *argv[] = {"findmnt", "-n", "-o", "TARGET", "-T", ways[i], NULL};
		g_auto(RdReply) reply = {0};
		RdCall call = {.verb = RD_CALL_ASK, .run = run, .argv = argv, .input_fd = -1};

		if (!rd_foresight_ask_real(self, host, &call, &reply, NULL) || reply.status != 0)
			continue;
		*(i == 0 ? &here : &there) = g_strchomp(rd_bytes_text(reply.out));
	}
	if (here != NULL && g_strcmp0(here, there) == 0)
		return g_strdup_printf("/var/lib/recoveryd/aside/%s/%s", run, flat);
	return g_strdup_printf("%s/recoveryd-%s-%s", dir, run, base);
}

static void
rd_foresight_write(RdForesight *self, const char *host, const RdCall *call, RdReply *reply)
{
	JsonObject *entry = rd_foresight_last(self);
	g_autofree char *aside = NULL;
	g_autofree char *mode = NULL;

	switch (call->verb) {
	case RD_CALL_RUN:
	case RD_CALL_JOB_START:
		rd_entry_set_list(entry, "argv", call->argv);
		if (call->name != NULL)
			json_object_set_string_member(entry, "name", call->name);
		if (call->cwd != NULL)
			json_object_set_string_member(entry, "cwd", call->cwd);
		if (call->env != NULL)
			rd_entry_set_list(entry, "env", call->env);
		/* a digest would let a short secret be guessed */
		if (call->input != NULL)
			rd_entry_set_number(entry, "input-bytes",
					    (gint64)g_bytes_get_size(call->input));
		self->went_on = TRUE;
		break;
	case RD_CALL_MOVE_ASIDE:
		aside = rd_foresight_aside(self, host, call->run, call->from);
		json_object_set_string_member(entry, "from", call->from);
		json_object_set_string_member(entry, "to", aside);
		break;
	case RD_CALL_MOVE:
		json_object_set_string_member(entry, "from", call->from);
		json_object_set_string_member(entry, "to", call->to);
		break;
	default:
		mode = g_strdup_printf("%04o", call->mode);
		json_object_set_string_member(entry, "to", call->to);
		json_object_set_string_member(entry, "mode", mode);
		json_object_set_string_member(entry, "sha256", call->sha256);
		rd_entry_set_number(entry, "bytes", call->size);
		break;
	}
	rd_foresight_answer(reply, 0, RD_FORESEEN_THEN);
	if (call->verb == RD_CALL_RUN && ++self->runs == self->foreseen->fails)
		reply->status = 1;
}

void
rd_foresight_fetch(RdForesight *self, const char *from, const char *to)
{
	g_autofree char *text = g_strdup_printf("%s -> %s", from, to);
	JsonObject *entry;

	rd_foresight_begin(self, "fetch", text);
	entry = rd_foresight_last(self);
	json_object_set_string_member(entry, "from", from);
	json_object_set_string_member(entry, "to", to);
}

void
rd_foresight_wait(RdForesight *self)
{
	self->went_on = TRUE;
	self->api_unknown = self->api_unknown || self->api_patched;
}

/* ---- the world ----------------------------------------------------------------------------- */

static gboolean
rd_foresight_call(RdWorld *world, const char *host, const RdCall *call, RdReply *reply,
		  GError **error)
{
	RdForesight *self = (RdForesight *)world;
	const char *why = g_hash_table_lookup(self->foreseen->silent, host);

	memset(reply, 0, sizeof *reply);
	if (rd_call_verb_touches(call->verb)) {
		/* the fence of the API (step-kube.c) is asked by `true`, which no entry stands
		 * for */
		if (call->verb == RD_CALL_RUN && g_str_equal(call->argv[0], "true"))
			rd_foresight_answer(reply, 0, "");
		else
			rd_foresight_write(self, host, call, reply);
		return TRUE;
	}
	if (why != NULL) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE, "%s", why);
		return FALSE;
	}
	switch (call->verb) {
	case RD_CALL_ASK:
		return rd_foresight_ask(self, host, call, reply, error);
	case RD_CALL_ASIDE:
		return rd_foresight_ask_aside(self, host, call, reply, error);
	case RD_CALL_JOB_STATE:
		return rd_foresight_ask_job(self, host, call, reply, error);
	case RD_CALL_SURVEY:
		return rd_foresight_ask_real(self, host, call, reply, error);
	default: /* settle, take, release: nothing was begun, nothing is held */
		rd_foresight_answer(reply, 0, "");
		return TRUE;
	}
}

static void
rd_foresight_call_all(RdWorld *world, const char *const *hosts, guint n_hosts, const RdCall *calls,
		      RdReply *replies, GError **errors)
{
	RdForesight *self = (RdForesight *)world;
	gboolean plain = g_hash_table_size(self->foreseen->silent) == 0;

	for (guint i = 0; i < n_hosts; i++)
		plain = plain && calls[i].verb == RD_CALL_ASK && calls[i].number == 0 &&
			!rd_foreseen_is_touched(self->foreseen, hosts[i]);
	if (plain) {
		self->real->klass->call_all(self->real, hosts, n_hosts, calls, replies, errors);
		return;
	}
	for (guint i = 0; i < n_hosts; i++)
		(void)rd_foresight_call(world, hosts[i], &calls[i], &replies[i], &errors[i]);
}

/* nothing that is written down takes time */
static gboolean
rd_foresight_pause(RdWorld *world, guint milliseconds)
{
	return TRUE;
}

static gint64
rd_foresight_clock(RdWorld *world)
{
	RdForesight *self = (RdForesight *)world;

	return self->real->klass->clock(self->real);
}

static gboolean
rd_foresight_cancelled(RdWorld *world)
{
	RdForesight *self = (RdForesight *)world;

	return self->real->klass->cancelled(self->real);
}

static const RdWorldClass rd_foresight_class = {
    .call = rd_foresight_call,
    .call_all = rd_foresight_call_all,
    .pause = rd_foresight_pause,
    .clock = rd_foresight_clock,
    .cancelled = rd_foresight_cancelled,
    .kube = rd_foresight_kube,
};

RdForesight *
rd_foresight_new(RdWorld *real, const RdOrder *order, GError **error)
{
	g_autoptr(RdForeseen) foreseen = rd_foreseen_parse(order->foreseen, error);
	RdForesight *self;

	if (foreseen == NULL)
		return NULL;
	self = g_new0(RdForesight, 1);
	self->world.klass = &rd_foresight_class;
	self->real = real;
	self->order = order;
	self->foreseen = g_steal_pointer(&foreseen);
	self->first = json_array_get_length(self->foreseen->entries);
	return self;
}

void
rd_foresight_free(RdForesight *self)
{
	rd_foreseen_free(self->foreseen);
	g_free(self->guess);
	g_free(self->depends);
	g_free(self->api_silence);
	g_free(self);
}

RdWorld *
rd_foresight_get_world(RdForesight *self)
{
	return &self->world;
}

const char *
rd_foresight_get_depends(RdForesight *self)
{
	return self->depends;
}

const char *
rd_foresight_get_api_silence(RdForesight *self)
{
	return self->api_silence;
}

gboolean
rd_foresight_is_then(RdForesight *self)
{
	return self->then;
}
