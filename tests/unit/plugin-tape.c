/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plugin-tape-private.h"
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>

struct _RecoveryStep {
	const RecoveryPlugin *plugin;
	const RecoveryState *state;
	char *dir;					/* (owned) */
	char *name;					/* (owned) */
	char **lines;					/* (owned) */
	guint at;					/* the next line */
	char *target;					/* (owned) */
	char *run, *uuid, *state_name, *recovery;	/* (owned) (nullable) the last two */
	char **hosts, **excused, **returned, **workers; /* (owned) */
	GHashTable *params, *notes, *first, *addresses;
	const char *doing;
	char *scratch; /* (owned) (nullable) */
};

static const char *const error_names[] = {"failed", "permanent", "unreachable", "fenced",
					  "cancelled"};

GQuark
recovery_error_quark(void)
{
	return g_quark_from_static_string("recovery-error-quark");
}

void
tape_die(RecoveryStep *step, const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	g_error("%s:%u: %s", step->name, step->at + 1, text);
}

static const char *
tape_peek(RecoveryStep *step)
{
	while (step->lines[step->at] != NULL &&
	       (*step->lines[step->at] == '\0' || *step->lines[step->at] == '#'))
		step->at++;
	return step->lines[step->at] != NULL ? step->lines[step->at] : "the end";
}

const char *
tape_take(RecoveryStep *step, const char *prefix)
{
	const char *line = tape_peek(step);

	if (!g_str_has_prefix(line, prefix))
		return NULL;
	step->at++;
	line += strlen(prefix);
	return *line == ' ' ? line + 1 : line;
}

/* as the tape has it, where this machine's paths are not known */
static char *
tape_clean(RecoveryStep *step, const char *said)
{
	g_autoptr(GString) text = g_string_new(said);

	if (step->scratch != NULL)
		g_string_replace(text, step->scratch, "SCRATCH", 0);
	return g_string_free(g_steal_pointer(&text), FALSE);
}

gboolean
tape_same(const char *wanted, const char *said)
{
	g_auto(GStrv) parts = g_strsplit(wanted, "[redacted]", -1);
	guint n = g_strv_length(parts);
	const char *at = said;

	if (n < 2)
		return g_str_equal(wanted, said);
	if (!g_str_has_prefix(said, parts[0]) || !g_str_has_suffix(said, parts[n - 1]))
		return FALSE;
	for (guint i = 0; i < n; i++) {
		at = strstr(at, parts[i]);
		if (at == NULL)
			return FALSE;
		at += strlen(parts[i]);
	}
	return TRUE;
}

void
tape_expect(RecoveryStep *step, const char *said)
{
	const char *line = tape_peek(step);
	g_autofree char *text = tape_clean(step, said);

	if (!g_str_has_prefix(line, "> ") || !tape_same(line + 2, text))
		tape_die(step, "the tape has\n  %s\nand %s said\n  > %s", line, step->doing, text);
	step->at++;
}

static char *
crictl_list(const char *containers)
{
	g_auto(GStrv) words = g_strsplit(containers, " ", -1);
	GString *json = g_string_new("{\"containers\":[");

	for (guint i = 0; words[i] != NULL && *words[i] != '\0'; i++) {
		g_auto(GStrv) parts = g_strsplit(words[i], "/", 3);

		g_assert_cmpuint(g_strv_length(parts), ==, 3);
		g_string_append_printf(
		    json,
		    "%s{\"id\":\"%s-id\",\"podSandboxId\":\"s\",\"metadata\":{\"name\":\"%s\","
		    "\"attempt\":0},\"state\":\"CONTAINER_RUNNING\",\"labels\":{"
		    "\"io.kubernetes.container.name\":\"%s\",\"io.kubernetes.pod.name\":\"%s\","
		    "\"io.kubernetes.pod.namespace\":\"%s\"}}",
		    i > 0 ? "," : "", parts[2], parts[2], parts[2], parts[1], parts[0]);
	}
	g_string_append(json, "]}");
	return g_string_free(json, FALSE);
}

gboolean
tape_error(RecoveryStep *step, GError **error)
{
	const char *text = tape_take(step, "x ");

	if (text == NULL)
		return FALSE;
	for (guint i = 0; i < G_N_ELEMENTS(error_names); i++) {
		if (!g_str_has_prefix(text, error_names[i]))
			continue;
		text += strlen(error_names[i]);
		g_set_error_literal(error, RECOVERY_ERROR, i, *text == ' ' ? text + 1 : text);
		return TRUE;
	}
	tape_die(step, "no such error: %s", text);
	return TRUE;
}

/* the bytes that @text has in escapes */
static void
append_unescaped(GString *out, const char *text)
{
	for (const char *p = text; *p != '\0'; p++) {
		if (*p != '\\') {
			g_string_append_c(out, *p);
		} else if (p[1] >= '0' && p[1] <= '3' && p[2] != '\0' && p[3] != '\0') {
			g_string_append_c(
			    out, (char)((p[1] - '0') * 64 + (p[2] - '0') * 8 + (p[3] - '0')));
			p += 3;
		} else if (*++p == 'n' || *p == '\\') {
			g_string_append_c(out, *p == 'n' ? '\n' : '\\');
		} else {
			g_error("no such escape: \\%s", p);
		}
	}
}

/* what a line could not hold; but streams, which may have NULs: tape_reply() reads those */
static void
tape_unescape(char **lines)
{
	for (guint i = 0; lines[i] != NULL; i++) {
		g_autoptr(GString) text = g_string_new(NULL);

		if (lines[i][0] != '\\' || lines[i][1] == '|' || lines[i][1] == '!')
			continue;
		append_unescaped(text, lines[i] + 1);
		g_free(lines[i]);
		lines[i] = g_string_free(g_steal_pointer(&text), FALSE);
	}
}

gboolean
tape_reply(RecoveryStep *step, RecoveryReply *reply, GError **error)
{
	g_autoptr(GString) out = g_string_new(NULL), err = g_string_new(NULL);
	const char *text;

	memset(reply, 0, sizeof(*reply));
	if (tape_error(step, error))
		return FALSE;
	for (;;) {
		if ((text = tape_take(step, "|")) != NULL)
			g_string_append_printf(out, "%s\n", text);
		else if ((text = tape_take(step, "!")) != NULL)
			g_string_append_printf(err, "%s\n", text);
		else if ((text = tape_take(step, "\\|")) != NULL)
			append_unescaped(out, text);
		else if ((text = tape_take(step, "\\!")) != NULL)
			append_unescaped(err, text);
		else if ((text = tape_take(step, "?")) != NULL)
			reply->status = atoi(text);
		else if ((text = tape_take(step, "%")) != NULL) {
			g_autofree char *json = crictl_list(text);

			g_string_append(out, json);
		} else if ((text = tape_take(step, "@")) != NULL) {
			g_autofree char *path = g_build_filename(step->dir, text, NULL);
			g_autofree char *data = NULL;

			if (!g_file_get_contents(path, &data, NULL, NULL))
				tape_die(step, "cannot read %s", path);
			g_string_append(out, data);
		} else
			break;
	}
	reply->out_size = out->len;
	reply->out = g_string_free(g_steal_pointer(&out), FALSE);
	reply->err = g_strdup(err->str);
	return TRUE;
}

void
recovery_reply_clear(RecoveryReply *reply)
{
	g_clear_pointer(&reply->out, g_free);
	g_clear_pointer(&reply->err, g_free);
}

/* ---- who and what -------------------------------------------------------------------------- */

const char *
recovery_run_id(RecoveryStep *step)
{
	return step->run;
}

const char *
recovery_run_uuid(RecoveryStep *step)
{
	return step->uuid;
}

const char *
recovery_state_name(RecoveryStep *step)
{
	return step->state_name != NULL ? step->state_name : step->state->name;
}

const char *
recovery_target(RecoveryStep *step)
{
	return step->target;
}

const char *
recovery_string(RecoveryStep *step, const char *param)
{
	const RecoveryParam *declared = step->state->params;
	const char *value = g_hash_table_lookup(step->params, param);

	while (declared != NULL && declared->name != NULL && !g_str_equal(declared->name, param))
		declared++;
	if (declared == NULL || declared->name == NULL)
		tape_die(step, "%s reads the parameter %s, which the table does not have",
			 step->state->name, param);
	if (value == NULL)
		value = declared->fallback;
	if (value == NULL)
		tape_die(step, "the tape gives no parameter %s", param);
	return value;
}

/* durations as the engine gives them: in seconds */
gint64
recovery_int(RecoveryStep *step, const char *param)
{
	const char *text = recovery_string(step, param);
	char *unit = NULL;
	gint64 value = g_ascii_strtoll(text, &unit, 10);

	return *unit == 'h' ? value * 3600 : *unit == 'm' ? value * 60 : value;
}

gboolean
recovery_bool(RecoveryStep *step, const char *param)
{
	return g_str_equal(recovery_string(step, param), "yes");
}

static const char *
tape_recovery(RecoveryStep *step)
{
	return step->recovery != NULL ? step->recovery : step->hosts[0];
}

static char **
tape_others(RecoveryStep *step)
{
	g_autoptr(GStrvBuilder) names = g_strv_builder_new();

	for (guint i = 0; step->hosts[i] != NULL; i++)
		if (!g_str_equal(step->hosts[i], tape_recovery(step)))
			g_strv_builder_add(names, step->hosts[i]);
	return g_strv_builder_end(names);
}

char **
recovery_hosts(RecoveryStep *step, const char *role)
{
	char *first[] = {(char *)tape_recovery(step), NULL};

	if (g_str_equal(role, "control-plane"))
		return g_strdupv(step->hosts);
	if (g_str_equal(role, "workers"))
		return g_strdupv(step->workers);
	if (g_str_equal(role, "recovery"))
		return g_strdupv(first);
	if (g_str_equal(role, "returned"))
		return g_strdupv(step->returned);
	g_assert_cmpstr(role, ==, "others");
	return tape_others(step);
}

const char *
recovery_address(RecoveryStep *step, const char *host)
{
	return g_hash_table_lookup(step->addresses, host);
}

char **
recovery_excused(RecoveryStep *step)
{
	return g_strdupv(step->excused);
}

/* ---- looking ------------------------------------------------------------------------------- */

gboolean
recovery_ask_status(RecoveryStep *step, const char *host, const char *const *argv,
		    RecoveryReply *reply, GError **error)
{
	g_autofree char *command = g_strjoinv(" ", (char **)argv);
	g_autofree char *said =
	    g_strdup_printf("ask %s: %s", host != NULL ? host : step->target, command);

	tape_expect(step, said);
	return tape_reply(step, reply, error);
}

char *
recovery_ask(RecoveryStep *step, const char *host, GError **error, const char *argv0, ...)
{
	g_autoptr(GPtrArray) argv = g_ptr_array_new();
	g_auto(RecoveryReply) reply = {0};
	va_list args;

	va_start(args, argv0);
	for (const char *arg = argv0; arg != NULL; arg = va_arg(args, const char *))
		g_ptr_array_add(argv, (gpointer)arg);
	va_end(args);
	g_ptr_array_add(argv, NULL);
	if (!recovery_ask_status(step, host, (const char *const *)argv->pdata, &reply, error))
		return NULL;
	if (reply.status == 0)
		return g_steal_pointer(&reply.out);
	if (tape_error(step, error))
		return NULL;
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED, "%s: %s ended with %d: %s",
		    host != NULL ? host : step->target, argv0, reply.status, g_strchomp(reply.err));
	return NULL;
}

static void
answer_free(RecoveryAnswer *answer)
{
	g_free(answer->host);
	recovery_reply_clear(&answer->reply);
	g_clear_error(&answer->error);
	g_free(answer);
}

GPtrArray *
recovery_ask_each(RecoveryStep *step, const char *const *hosts, const char *const *const *argvs)
{
	GPtrArray *answers = g_ptr_array_new_with_free_func((GDestroyNotify)answer_free);

	for (guint i = 0; hosts[i] != NULL; i++) {
		RecoveryAnswer *answer = g_new0(RecoveryAnswer, 1);

		answer->host = g_strdup(hosts[i]);
		if (!recovery_ask_status(step, hosts[i], argvs[i], &answer->reply, &answer->error))
			g_assert_nonnull(answer->error);
		g_ptr_array_add(answers, answer);
	}
	return answers;
}

GPtrArray *
recovery_ask_all(RecoveryStep *step, const char *const *hosts, const char *const *argv)
{
	guint n = g_strv_length((char **)hosts);
	g_autofree const char *const **argvs = g_new0(const char *const *, n + 1);

	for (guint i = 0; i < n; i++)
		argvs[i] = argv;
	return recovery_ask_each(step, hosts, argvs);
}

gboolean
recovery_fetch(RecoveryStep *step, const char *host, const char *from, const char *to,
	       char **sha256, GError **error)
{
	g_autofree char *said =
	    g_strdup_printf("fetch %s %s %s", host != NULL ? host : step->target, from, to);
	g_auto(RecoveryReply) reply = {0};

	tape_expect(step, said);
	if (!tape_reply(step, &reply, error))
		return FALSE;
	if (sha256 != NULL)
		*sha256 = g_strchomp(g_steal_pointer(&reply.out));
	return TRUE;
}

/* tapes are played in their own directory: fetched files are those beside the tape */
char *
recovery_local_dir(RecoveryStep *step)
{
	return g_strdup(step->scratch != NULL ? step->scratch : ".");
}

/* ---- touching ------------------------------------------------------------------------------ */

void
tape_may_touch(RecoveryStep *step, const char *said)
{
	if (step->state->kind != RECOVERY_KIND_CHANGE || g_str_equal(step->doing, "probe") ||
	    g_str_equal(step->doing, "baseline"))
		tape_die(step, "%s touches: %s", step->doing, said);
}

static gboolean
tape_touched(RecoveryStep *step, const char *said, RecoveryReply *reply, GError **error)
{
	g_auto(RecoveryReply) own = {0};
	RecoveryReply *use = reply != NULL ? reply : &own;

	if (!tape_reply(step, use, error))
		return FALSE;
	if (use->status == 0 || tape_error(step, error))
		return use->status == 0;
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED, "%s ended with %d: %s", said,
		    use->status, g_strchomp(use->err));
	return FALSE;
}

static gboolean
tape_touch(RecoveryStep *step, char *said, RecoveryReply *reply, GError **error)
{
	g_autofree char *owned = said;

	tape_may_touch(step, said);
	tape_expect(step, said);
	return tape_touched(step, said, reply, error);
}

/* all of it but what goes to its stdin */
static char *
command_words(const RecoveryCommand *command)
{
	g_autofree char *argv = g_strjoinv(" ", (char **)command->argv);
	g_autofree char *env =
	    command->env != NULL ? g_strjoinv(" ", (char **)command->env) : g_strdup("");

	return g_strdup_printf("%s%s%s%s%s%s", command->cwd != NULL ? "cd " : "",
			       command->cwd != NULL ? command->cwd : "",
			       command->cwd != NULL ? "; " : "", env, *env != '\0' ? " " : "",
			       argv);
}

gboolean
recovery_run(RecoveryStep *step, const RecoveryCommand *command, RecoveryReply *reply,
	     GError **error)
{
	g_autofree char *argv = command_words(command);

	return tape_touch(step, g_strdup_printf("run %s", argv), reply, error);
}

gboolean
recovery_job(RecoveryStep *step, const char *name, const RecoveryCommand *command,
	     RecoveryReply *reply, GError **error)
{
	g_autofree char *argv = command_words(command);

	return tape_touch(step, g_strdup_printf("job %s: %s", name, argv), reply, error);
}

/* "~ alive" behind the job: it is looked at, what @look does comes next */
gboolean
recovery_job_watched(RecoveryStep *step, const char *name, const RecoveryCommand *command,
		     void (*look)(RecoveryStep *step), RecoveryReply *reply, GError **error)
{
	g_autofree char *argv = command_words(command);
	g_autofree char *said = g_strdup_printf("job %s: %s", name, argv);

	tape_may_touch(step, said);
	tape_expect(step, said);
	while (tape_take(step, "~ alive") != NULL)
		look(step);
	(void)tape_take(step, "~ ended");
	return tape_touched(step, said, reply, error);
}

gboolean
recovery_job_state(RecoveryStep *step, const char *name, RecoveryJobState *state,
		   RecoveryReply *reply, GError **error)
{
	static const char *const names[] = {"absent", "alive", "died", "ended"};
	g_autofree char *said = g_strdup_printf("job-state %s", name);
	g_auto(RecoveryReply) own = {0};
	const char *text;

	tape_expect(step, said);
	if (tape_error(step, error))
		return FALSE;
	text = tape_take(step, "~");
	for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
		if (g_strcmp0(text, names[i]) == 0) {
			*state = i;
			return tape_reply(step, reply != NULL ? reply : &own, error);
		}
	}
	tape_die(step, "the tape gives no job state");
	return FALSE;
}

gboolean
recovery_move(RecoveryStep *step, const char *from, const char *to, GError **error)
{
	return tape_touch(step, g_strdup_printf("move %s %s", from, to), NULL, error);
}

gboolean
recovery_move_aside(RecoveryStep *step, const char *path, GError **error)
{
	return tape_touch(step, g_strdup_printf("move-aside %s", path), NULL, error);
}

gboolean
recovery_aside_path(RecoveryStep *step, const char *path, char **aside, GError **error)
{
	g_autofree char *said = g_strdup_printf("aside %s", path);
	g_auto(RecoveryReply) reply = {0};

	tape_expect(step, said);
	if (!tape_reply(step, &reply, error))
		return FALSE;
	*aside = *reply.out != '\0' ? g_strchomp(g_steal_pointer(&reply.out)) : NULL;
	return TRUE;
}

gboolean
recovery_put(RecoveryStep *step, const char *from, const char *to, guint mode, GError **error)
{
	return tape_touch(step, g_strdup_printf("put %s %s %04o", from, to, mode), NULL, error);
}

gboolean
recovery_put_data(RecoveryStep *step, const char *data, gsize size, const char *to, guint mode,
		  GError **error)
{
	g_auto(GStrv) lines = g_strsplit(data, "\n", -1);
	g_autofree char *line = g_strchomp(g_strjoinv("\\n", lines));

	if (g_str_has_suffix(line, "\\n"))
		line[strlen(line) - 2] = '\0';
	return tape_touch(step, g_strdup_printf("put-data %s %04o: %s", to, mode, line), NULL,
			  error);
}

char *
recovery_work_dir(RecoveryStep *step)
{
	return g_strdup_printf("/var/lib/recoveryd/work/%s", step->run);
}

/* ---- time, memory, results ----------------------------------------------------------------- */

gboolean
recovery_wait(RecoveryStep *step, RecoveryProbe (*probe)(RecoveryStep *, GError **), GError **error)
{
	for (;;) {
		g_autoptr(GError) inner = NULL;
		RecoveryProbe answer = probe(step, &inner);

		g_assert_true((answer == RECOVERY_PROBE_UNKNOWN) == (inner != NULL));
		if (answer == RECOVERY_PROBE_PRESENT)
			return TRUE;
		if (g_error_matches(inner, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT) ||
		    g_error_matches(inner, RECOVERY_ERROR, RECOVERY_ERROR_FENCED)) {
			g_propagate_error(error, g_steal_pointer(&inner));
			return FALSE;
		}
		if (tape_take(step, "> deadline") != NULL) {
			if (tape_error(step, error))
				return FALSE;
			g_set_error_literal(error, RECOVERY_ERROR, RECOVERY_ERROR_CANCELLED,
					    "the deadline passed");
			return FALSE;
		}
	}
}

/* a hint about the pace, of which a tape knows nothing */
void
recovery_due(RecoveryStep *step, guint milliseconds)
{
}

void
recovery_moved(RecoveryStep *step, gint64 far)
{
	g_autofree char *said = g_strdup_printf("moved %" G_GINT64_FORMAT, far);

	tape_expect(step, said);
}

guint
recovery_time_used(RecoveryStep *step)
{
	g_auto(RecoveryReply) reply = {0};

	tape_expect(step, "time-used");
	if (!tape_reply(step, &reply, NULL))
		tape_die(step, "time-used has no error");
	return atoi(reply.out);
}

gboolean
recovery_remember(RecoveryStep *step, const char *key, const char *value, GError **error)
{
	g_autofree char *said = g_strdup_printf("remember %s %s", key, value);
	const char *old = g_hash_table_lookup(step->notes, key);

	tape_expect(step, g_strchomp(said));
	if (tape_error(step, error))
		return FALSE;
	if (old != NULL && !g_str_equal(old, value))
		tape_die(step, "%s was noted already as %s", key, old);
	g_hash_table_insert(step->notes, g_strdup(key), g_strdup(value));
	return TRUE;
}

const char *
recovery_recall(RecoveryStep *step, const char *key)
{
	return g_hash_table_lookup(step->notes, key);
}

const char *
recovery_recall_first(RecoveryStep *step, const char *key)
{
	const char *first = g_hash_table_lookup(step->first, key);

	return first != NULL ? first : recovery_recall(step, key);
}

gboolean
recovery_output(RecoveryStep *step, const char *name, const char *value, GError **error)
{
	g_autofree char *said = g_strdup_printf("output %s %s", name, value);

	if (step->state->outputs == NULL || !g_strv_contains(step->state->outputs, name))
		tape_die(step, "%s has no output %s in its table", step->state->name, name);
	tape_expect(step, g_strchomp(said));
	return !tape_error(step, error);
}

void
recovery_outcome(RecoveryStep *step, const char *outcome)
{
	g_autofree char *said = g_strdup_printf("outcome %s", outcome);

	if (step->state->outcomes == NULL || !g_strv_contains(step->state->outcomes, outcome))
		tape_die(step, "%s has no outcome %s in its table", step->state->name, outcome);
	tape_expect(step, said);
}

void
recovery_progress(RecoveryStep *step, const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	g_test_message("%s", text);
}

/* ---- playing ------------------------------------------------------------------------------- */

static void
check_error(RecoveryStep *step, const GError *error, const char *expected)
{
	g_auto(GStrv) words = g_strsplit(expected, " ", 2);
	g_autofree char *message = tape_clean(step, error->message);
	/* as the library takes it: any other domain is a failure */
	const char *name = error_names[error->domain == RECOVERY_ERROR ? error->code : 0];

	if (!g_str_equal(words[0], name))
		tape_die(step, "%s gave %s: %s", step->doing, name, message);
	if (words[1] != NULL && strstr(message, words[1]) == NULL && !tape_same(words[1], message))
		tape_die(step, "%s does not say '%s' but '%s'", step->doing, words[1], message);
}

/* an undo remembers what was found before the first attempt */
static void
recall_first(RecoveryStep *step)
{
	GHashTableIter iter;
	gpointer key, value;

	g_hash_table_iter_init(&iter, step->first);
	while (g_hash_table_iter_next(&iter, &key, &value))
		g_hash_table_replace(step->notes, g_strdup(key), g_strdup(value));
}

static void
tape_do(RecoveryStep *step, const char *what)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *doing = g_strdup(what);
	const char *got = NULL, *expected;

	step->doing = doing;
	if (g_str_equal(what, "probe")) {
		static const char *const names[] = {"unknown", "absent", "present"};
		RecoveryProbe probe = step->state->probe(step, &error);

		g_assert_true((probe == RECOVERY_PROBE_UNKNOWN) == (error != NULL));
		got = names[probe];
	} else {
		gboolean (*body)(RecoveryStep *, GError **) =
		    g_str_equal(what, "enter")	    ? step->state->enter
		    : g_str_equal(what, "undo")	    ? step->state->undo
		    : g_str_equal(what, "baseline") ? step->state->baseline
						    : NULL;
		gboolean ok;

		g_assert_nonnull(body);
		if (g_str_equal(what, "undo"))
			recall_first(step);
		ok = body(step, &error);
		g_assert_true(ok == (error == NULL));
		got = "ok";
	}
	expected = tape_take(step, "=");
	if (expected == NULL)
		tape_die(step, "%s ended too early, the tape goes on with\n  %s\n%s", what,
			 tape_peek(step), error != NULL ? error->message : "");
	else if (error != NULL)
		check_error(step, error, expected);
	else if (!g_str_equal(got, expected))
		tape_die(step, "%s is %s, not %s", what, got, expected);
}

static const RecoveryState *
find_state(RecoveryStep *step, const char *name)
{
	for (const RecoveryState *state = step->plugin->states; state->name != NULL; state++)
		if (g_str_equal(state->name, name))
			return state;
	tape_die(step, "there is no state %s", name);
	return NULL;
}

static void
set_words(char ***words, const char *text)
{
	g_strfreev(*words);
	*words = g_strsplit(text, " ", -1);
}

static void
set_word(char **word, const char *text)
{
	g_free(*word);
	*word = g_strdup(text);
}

/* one line outside of a conversation */
static void
tape_set(RecoveryStep *step)
{
	g_auto(GStrv) pair = NULL;
	const char *text;

	if ((text = tape_take(step, "type ")) != NULL) {
		step->state = find_state(step, text);
		g_hash_table_remove_all(step->params);
		g_hash_table_remove_all(step->notes);
		g_hash_table_remove_all(step->first);
	} else if ((text = tape_take(step, "run ")) != NULL) {
		pair = g_strsplit(text, " ", 2);
		set_word(&step->run, pair[0]);
		set_word(&step->uuid, pair[1]);
	} else if ((text = tape_take(step, "state ")) != NULL)
		set_word(&step->state_name, text);
	else if ((text = tape_take(step, "target ")) != NULL)
		set_word(&step->target, text);
	else if ((text = tape_take(step, "hosts")) != NULL)
		set_words(&step->hosts, text);
	else if ((text = tape_take(step, "recovery ")) != NULL)
		set_word(&step->recovery, text);
	else if ((text = tape_take(step, "workers")) != NULL)
		set_words(&step->workers, text);
	else if (tape_take(step, "scratch") != NULL) {
		if (step->scratch == NULL)
			step->scratch = g_dir_make_tmp("tape-XXXXXX", NULL);
		g_assert_nonnull(step->scratch);
	} else if ((text = tape_take(step, "address ")) != NULL) {
		pair = g_strsplit(text, " ", 2);
		g_hash_table_insert(step->addresses, g_strdup(pair[0]), g_strdup(pair[1]));
	} else if ((text = tape_take(step, "excused")) != NULL)
		set_words(&step->excused, text);
	else if ((text = tape_take(step, "returned")) != NULL)
		set_words(&step->returned, text);
	else if ((text = tape_take(step, "param ")) != NULL) {
		pair = g_strsplit(text, " ", 2);
		g_hash_table_insert(step->params, g_strdup(pair[0]),
				    g_strdup(pair[1] != NULL ? pair[1] : ""));
	} else if ((text = tape_take(step, "note ")) != NULL) {
		pair = g_strsplit(text, " ", 2);
		g_hash_table_insert(step->notes, g_strdup(pair[0]), g_strdup(pair[1]));
	} else if ((text = tape_take(step, "first ")) != NULL) {
		pair = g_strsplit(text, " ", 2);
		g_hash_table_insert(step->first, g_strdup(pair[0]), g_strdup(pair[1]));
	} else if ((text = tape_take(step, "do ")) != NULL)
		tape_do(step, text);
	else
		tape_die(step, "cannot read: %s", tape_peek(step));
}

typedef struct {
	const RecoveryPlugin *plugin;
	char *dir, *file;
} Tape;

static void
tape_free(Tape *tape)
{
	g_free(tape->dir);
	g_free(tape->file);
	g_free(tape);
}

static void
tape_end_scratch(RecoveryStep *step)
{
	g_autoptr(GDir) dir = step->scratch != NULL ? g_dir_open(step->scratch, 0, NULL) : NULL;

	for (const char *file; dir != NULL && (file = g_dir_read_name(dir)) != NULL;) {
		g_autofree char *path = g_build_filename(step->scratch, file, NULL);

		g_assert_cmpint(g_unlink(path), ==, 0);
	}
	if (step->scratch != NULL)
		g_assert_cmpint(g_rmdir(step->scratch), ==, 0);
	g_clear_pointer(&step->scratch, g_free);
}

static void
tape_play(gconstpointer data)
{
	const Tape *tape = data;
	g_autofree char *path = g_build_filename(tape->dir, tape->file, NULL);
	g_autofree char *text = NULL;
	g_autoptr(GError) error = NULL;
	RecoveryStep step = {.plugin = tape->plugin, .dir = tape->dir, .name = tape->file};

	g_file_get_contents(path, &text, NULL, &error);
	g_assert_no_error(error);
	g_assert_cmpint(g_chdir(tape->dir), ==, 0);
	step.lines = g_strsplit(text, "\n", -1);
	tape_unescape(step.lines);
	step.run = g_strdup("r-1");
	step.uuid = g_strdup("11111111-2222-3333-4444-555555555555");
	step.target = g_strdup("m0");
	step.hosts = g_strsplit("m0 m1 m2", " ", -1);
	step.excused = g_new0(char *, 1);
	step.returned = g_new0(char *, 1);
	step.workers = g_new0(char *, 1);
	step.addresses = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	step.params = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	step.notes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	step.first = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	while (tape_peek(&step), step.lines[step.at] != NULL)
		tape_set(&step);
	g_hash_table_unref(step.params);
	g_hash_table_unref(step.notes);
	g_hash_table_unref(step.first);
	g_strfreev(step.lines);
	g_hash_table_unref(step.addresses);
	g_strfreev(step.hosts);
	g_strfreev(step.excused);
	g_strfreev(step.returned);
	g_strfreev(step.workers);
	g_free(step.target);
	g_free(step.run);
	g_free(step.uuid);
	g_free(step.state_name);
	g_free(step.recovery);
	tape_end_scratch(&step);
}

void
tape_add_all(const RecoveryPlugin *plugin)
{
	g_autofree char *dir =
	    g_build_filename(g_getenv("SOURCE_ROOT"), "plugins", plugin->name, "tests", NULL);
	g_autoptr(GDir) open = g_dir_open(dir, 0, NULL);
	guint count = 0;

	g_assert_nonnull(open);
	for (const char *file = g_dir_read_name(open); file != NULL; file = g_dir_read_name(open)) {
		g_autofree char *name = g_strdup_printf("/%s/%s", plugin->name, file);
		Tape *tape;

		if (!g_str_has_suffix(file, ".tape"))
			continue;
		tape = g_new0(Tape, 1);
		tape->plugin = plugin;
		tape->dir = g_strdup(dir);
		tape->file = g_strdup(file);
		g_test_add_data_func_full(name, tape, tape_play, (GDestroyNotify)tape_free);
		count++;
	}
	/* a folder that moved must not look like success */
	g_assert_cmpuint(count, >, 0);
}
