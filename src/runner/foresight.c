/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-runner"

#include <gio/gio.h>
#include <recovery/plugin.h>
#include <string.h>

#include "foresight.h"
#include "step-private.h"

#define RD_FORESIGHT_BODY 16384 /* bytes of a change through the API that are kept whole */
/* where something is going to be away: a name that nothing has */
#define RD_NOWHERE ".recoveryd-would-have-moved-it"

typedef struct {
	RdKube kube;
	RdKube *real; /* (unowned) */
	RdForesight *foresight;
} RdForesightKube;

struct _RdForesight {
	RdWorld world;
	RdWorld *real;
	const RdOrder *order;
	RdForeseen *foreseen;
	RdForesightKube kube;
	guint first;	      /* number of this order's first entry */
	guint runs;	      /* of this order so far */
	gboolean went_on;     /* this body waited, or started something */
	gboolean api_changed; /* this body changed something through the API */
	gboolean then;
	char *guess;	   /* (nullable) on what the entries from here on depend */
	char *depends;	   /* (nullable) */
	char *api_silence; /* (nullable) */
};

static JsonObject *
rd_foresight_last(RdForesight *self)
{
	guint n = json_array_get_length(self->foreseen->entries);

	return json_array_get_object_element(self->foreseen->entries, n - 1);
}

static gboolean
rd_foresight_unknown(RdForesight *self, const char *host, const char *what, GError **error)
{
	if (self->depends == NULL)
		self->depends = g_strdup_printf("what %s says then on %s", what, host);
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_CANCELLED, "%s: not known before: %s",
		    host, what);
	return FALSE;
}

static void
rd_foresight_answer(RdReply *reply, int status, const char *out)
{
	reply->verdict = RD_VERDICT_DONE;
	reply->status = status;
	reply->out = g_bytes_new(out, strlen(out));
	reply->err = g_strdup("");
}

/* ---- looking ------------------------------------------------------------------------------- */

static gboolean
rd_foresight_ask_real(RdForesight *self, const char *host, const RdCall *call, RdReply *reply,
		      GError **error)
{
	RdCall look = *call;

	/* no lock is held: a host that belongs to another run answers all the same */
	look.number = 0;
	return self->real->klass->call(self->real, host, &look, reply, error);
}

/* programs that tell what lies there, not what runs */
static gboolean
rd_program_reads_files(const char *program)
{
	static const char *const programs[] = {"cat", "df",	  "find",      "findmnt",
					       "ls",  "readlink", "sha256sum", "stat",
					       "tar", "test",	  "which",     NULL};

	return g_strv_contains(programs, program);
}

static char *
rd_bytes_text(GBytes *bytes)
{
	gsize size = 0;
	const char *data = bytes != NULL ? g_bytes_get_data(bytes, &size) : NULL;

	return g_strndup(data != NULL ? data : "", size);
}

/* the answer names the path that was asked for, not where we looked */
static void
rd_reply_rename(RdReply *reply, const char *now, const char *path)
{
	g_autofree char *out = rd_bytes_text(reply->out);
	g_autofree char *err = g_strdup(reply->err != NULL ? reply->err : "");
	g_auto(GStrv) outs = g_strsplit(out, now, -1);
	g_auto(GStrv) errs = g_strsplit(err, now, -1);
	char *text = g_strjoinv(path, outs);

	g_clear_pointer(&reply->out, g_bytes_unref);
	reply->out = g_bytes_new_take(text, strlen(text));
	g_free(reply->err);
	reply->err = g_strjoinv(path, errs);
}

static gboolean
rd_reply_misses(const RdReply *reply)
{
	return reply->status != 0 && reply->err != NULL &&
	       strstr(reply->err, "No such file or directory") != NULL;
}

/* what reads as RD_FORESEEN_THEN decides what the body does next */
static void
rd_foresight_guess(RdForesight *self, JsonObject *entry, RdReply *reply)
{
	g_free(self->guess);
	self->guess = g_strdup_printf("what %s@%s leaves there", rd_foreseen_get(entry, "state"),
				      rd_foreseen_get(entry, "host"));
	rd_reply_clear(reply);
	rd_foresight_answer(reply, 0, RD_FORESEEN_THEN);
}

/* ls -A1 DIR: what is in there today, and what the plan makes of it */
static gboolean
rd_foresight_list(RdForesight *self, const char *host, const RdCall *call, const char *now,
		  RdReply *reply, GError **error)
{
	const char *argv[] = {"ls", "-A1", now != NULL ? now : RD_NOWHERE, NULL};
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *shown = NULL;
	g_auto(GStrv) lines = NULL;
	g_autofree char *text = NULL;
	RdCall look = *call;

	look.argv = argv;
	if (!rd_foresight_ask_real(self, host, &look, reply, error))
		return FALSE;
	if (reply->status != 0 && !rd_reply_misses(reply))
		return TRUE;
	shown = rd_bytes_text(reply->status == 0 ? reply->out : NULL);
	lines = g_strsplit(shown, "\n", -1);
	for (guint i = 0; lines[i] != NULL; i++)
		if (*lines[i] != '\0')
			g_ptr_array_add(names, g_strdup(lines[i]));
	rd_foreseen_list(self->foreseen, host, call->argv[2], names);
	/* nothing of it is there and nothing will be: the host says so in its own words */
	if (names->len == 0 && reply->status != 0) {
		rd_reply_rename(reply, argv[2], call->argv[2]);
		return TRUE;
	}
	g_ptr_array_add(names, g_strdup(""));
	g_ptr_array_add(names, NULL);
	text = g_strjoinv("\n", (char **)names->pdata);
	rd_reply_clear(reply);
	rd_foresight_answer(reply, 0, text);
	return TRUE;
}

/* one argument as it is looked at today; *written is whose file it is going to be */
static char *
rd_foresight_argument(RdForesight *self, const char *host, const char *arg, JsonObject **written,
		      JsonObject **perhaps)
{
	JsonObject *entry;
	char *now;

	if (arg[0] != '/')
		return g_strdup(arg);
	switch (rd_foreseen_path(self->foreseen, host, arg, &now, &entry)) {
	case RD_FATE_WRITTEN:
		*written = entry;
		return g_strdup(arg);
	case RD_FATE_GONE:
		return g_strconcat(arg, RD_NOWHERE, NULL);
	case RD_FATE_PERHAPS:
		*perhaps = entry;
		return now;
	default:
		return now;
	}
}

static gboolean
rd_foresight_ask_paths(RdForesight *self, const char *host, const RdCall *call, RdReply *reply,
		       GError **error)
{
	g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
	JsonObject *written = NULL, *perhaps = NULL;
	RdCall look = *call;

	for (guint i = 0; call->argv[i] != NULL; i++)
		g_ptr_array_add(argv, i == 0 ? g_strdup(call->argv[i])
					     : rd_foresight_argument(self, host, call->argv[i],
								     &written, &perhaps));
	g_ptr_array_add(argv, NULL);
	if (written != NULL && g_str_equal(call->argv[0], "sha256sum")) {
		g_autofree char *line =
		    g_strdup_printf("%s  %s\n", rd_foreseen_get(written, "sha256"), call->argv[1]);

		rd_foresight_answer(reply, 0, line);
		return TRUE;
	}
	if (written != NULL) {
		rd_foresight_guess(self, written, reply);
		return TRUE;
	}
	look.argv = (const char *const *)argv->pdata;
	if (!rd_foresight_ask_real(self, host, &look, reply, error))
		return FALSE;
	if (perhaps != NULL && rd_reply_misses(reply))
		rd_foresight_guess(self, perhaps, reply);
	for (guint i = 1; call->argv[i] != NULL; i++)
		if (!g_str_equal(call->argv[i], argv->pdata[i]))
			rd_reply_rename(reply, argv->pdata[i], call->argv[i]);
	return TRUE;
}

/* whether the answer may be another one by then. What runs on a host may change with anything that
 * is done there. */
static gboolean
rd_foresight_is_concerned(RdForesight *self, const char *host, const char *const *argv)
{
	if (!rd_program_reads_files(argv[0]))
		return TRUE;
	for (guint i = 1; argv[i] != NULL; i++)
		if (argv[i][0] == '/' && rd_foreseen_concerns(self->foreseen, host, argv[i]))
			return TRUE;
	return FALSE;
}

static gboolean
rd_foresight_ask(RdForesight *self, const char *host, const RdCall *call, RdReply *reply,
		 GError **error)
{
	const char *const *argv = call->argv;
	g_autofree char *now = NULL;
	JsonObject *entry;

	if (!rd_foreseen_is_touched(self->foreseen, host))
		return rd_foresight_ask_real(self, host, call, reply, error);
	self->then = self->then || rd_foresight_is_concerned(self, host, argv);
	if (self->went_on && !rd_program_reads_files(argv[0])) {
		g_autofree char *text = rd_argv_to_text(argv);

		return rd_foresight_unknown(self, host, text, error);
	}
	if (g_str_equal(argv[0], "ls") && g_strcmp0(argv[1], "-A1") == 0 && argv[2] != NULL &&
	    rd_foreseen_path(self->foreseen, host, argv[2], &now, &entry) != RD_FATE_WRITTEN)
		return rd_foresight_list(self, host, call, now, reply, error);
	return rd_foresight_ask_paths(self, host, call, reply, error);
}

static gboolean
rd_foresight_ask_aside(RdForesight *self, const char *host, const RdCall *call, RdReply *reply,
		       GError **error)
{
	JsonObject *entry =
	    rd_foreseen_find(self->foreseen, host, "move-aside", "from", call->from);
	const char *to = entry != NULL ? rd_foreseen_get(entry, "to") : NULL;
	g_autofree char *now = NULL;

	if (to == NULL)
		return rd_foresight_ask_real(self, host, call, reply, error);
	self->then = TRUE;
	/* the index names only what is there still */
	if (rd_foreseen_path(self->foreseen, host, to, &now, &entry) == RD_FATE_GONE)
		rd_foresight_answer(reply, 1, "");
	else
		rd_foresight_answer(reply, 0, to);
	return TRUE;
}

static gboolean
rd_foresight_ask_job(RdForesight *self, const char *host, const RdCall *call, RdReply *reply,
		     GError **error)
{
	JsonObject *entry = rd_foreseen_find(self->foreseen, host, "job-start", "name", call->name);

	if (entry == NULL || g_strcmp0(rd_foreseen_get(entry, "state"), call->state) != 0)
		return rd_foresight_ask_real(self, host, call, reply, error);
	self->then = TRUE;
	rd_foresight_answer(reply, 0, RD_FORESEEN_THEN);
	return TRUE;
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
rd_entry_set_number(JsonObject *entry, const char *name, gint64 value)
{
	g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, value);

	json_object_set_string_member(entry, name, text);
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

/* ---- the Kubernetes API -------------------------------------------------------------------- */

void
rd_foresight_add_change(RdForesight *self, const RdKubeRequest *request, gboolean secret)
{
	JsonObject *entry = rd_foresight_last(self);
	JsonObject *change = json_object_new();
	g_autofree char *sha256 = NULL;

	if (!json_object_has_member(entry, "changes"))
		json_object_set_array_member(entry, "changes", json_array_new());
	json_object_set_string_member(change, "verb", rd_kube_verb_to_string(request->verb));
	json_object_set_string_member(change, "path", request->path);
	if (request->uid != NULL)
		json_object_set_string_member(change, "uid", request->uid);
	if (request->body != NULL) {
		sha256 = g_compute_checksum_for_string(G_CHECKSUM_SHA256, request->body, -1);
		rd_entry_set_number(change, "bytes", (gint64)strlen(request->body));
		if (!secret)
			json_object_set_string_member(change, "sha256", sha256);
		if (!secret && strlen(request->body) <= RD_FORESIGHT_BODY)
			json_object_set_string_member(change, "body", request->body);
	}
	json_array_add_object_element(json_object_get_array_member(entry, "changes"), change);
	self->api_changed = TRUE;
}

static void
rd_foresight_api_silent(RdForesight *self, const char *why)
{
	g_free(self->api_silence);
	self->api_silence = g_strdup(why);
}

static void
rd_foresight_send(RdKube *kube, const RdKubeRequest *requests, guint n, guint in_flight,
		  guint limit_s, RdKubeAnswer *answers)
{
	RdForesightKube *own = (RdForesightKube *)kube;
	RdForesight *self = own->foresight;
	g_autoptr(GError) error = NULL;

	if (n > 0 && rd_kube_verb_touches(requests[0].verb)) {
		for (guint i = 0; i < n; i++)
			answers[i] = (RdKubeAnswer){.verdict = RD_KUBE_DONE, .status = 200};
		return;
	}
	if (self->api_changed && n > 0) {
		(void)rd_foresight_unknown(self, "the Kubernetes API", requests[0].path, &error);
		for (guint i = 0; i < n; i++)
			answers[i] = (RdKubeAnswer){.verdict = RD_KUBE_CANCELLED,
						    .message = g_strdup(error->message)};
		return;
	}
	own->real->klass->send(own->real, requests, n, in_flight, limit_s, answers);
	if (n > 0 && answers[0].status == 0 && answers[0].message != NULL)
		rd_foresight_api_silent(self, answers[0].message);
}

static gboolean
rd_foresight_kube_pause(RdKube *kube, guint milliseconds)
{
	RdForesightKube *own = (RdForesightKube *)kube;

	return own->real->klass->pause(own->real, milliseconds);
}

static gint64
rd_foresight_kube_clock(RdKube *kube)
{
	RdForesightKube *own = (RdForesightKube *)kube;

	return own->real->klass->clock(own->real);
}

static RdKube *
rd_foresight_kube(RdWorld *world, GError **error)
{
	static const RdKubeClass klass = {rd_foresight_send, rd_foresight_kube_pause,
					  rd_foresight_kube_clock};
	RdForesight *self = (RdForesight *)world;
	const char *why = g_hash_table_lookup(self->foreseen->silent, RD_CLUSTER);

	self->then = self->then || json_array_get_length(self->foreseen->entries) > 0;
	if (why != NULL) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE, "%s", why);
		return NULL;
	}
	if (self->real->klass->kube == NULL) {
		g_set_error_literal(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
				    "there is no way to the Kubernetes API here");
		return NULL;
	}
	self->kube.real = self->real->klass->kube(self->real, error);
	self->kube.kube.klass = &klass;
	self->kube.foresight = self;
	if (self->kube.real == NULL && error != NULL && *error != NULL)
		rd_foresight_api_silent(self, (*error)->message);
	return self->kube.real != NULL ? &self->kube.kube : NULL;
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
