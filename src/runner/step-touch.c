/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-runner"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <gnutls/crypto.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "step-private.h"

/* Everything that touches, and the one way it goes: written to the journal, sent, its end written
 * down. What was sent and not answered is UNREACHABLE, which leads to the fence and the probe. */

/* a job's host may be away this long, e.g. while it boots */
#define RD_JOB_WINDOW (180 * G_USEC_PER_SEC)
/* an answer is held back this long while the job runs; seconds */
#define RD_JOB_WAIT	    20
#define RD_JOB_WAIT_WATCHED 3

gboolean
rd_step_begin_touch(RecoveryStep *step, const char *verb, const char *text, GError **error)
{
	if (!step->may_touch) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
			    "%s: %s tried to %s outside enter or undo", step->order->target,
			    step->order->type, verb);
		return FALSE;
	}
	step->touches++;
	if (step->foresight != NULL) {
		rd_foresight_begin(step->foresight, verb, text);
		return TRUE;
	}
	return rd_step_tell(step, RD_REPORT_TOUCH, verb, NULL, NULL, text, step->touches, error);
}

void
rd_step_end_touch(RecoveryStep *step, guint number, const char *word, const char *text,
		  const GError *error)
{
	if (step->foresight != NULL) {
		g_autofree char *entry = rd_foresight_entry(step->foresight, number);

		(void)rd_step_tell(step, RD_REPORT_TOUCH, NULL, NULL, entry, NULL, number, NULL);
		return;
	}
	if (g_error_matches(error, RECOVERY_ERROR, RECOVERY_ERROR_FENCED))
		word = "fenced";
	else if (g_error_matches(error, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE) ||
		 g_error_matches(error, RECOVERY_ERROR, RECOVERY_ERROR_CANCELLED))
		word = "lost";
	else if (error != NULL)
		word = "refused";
	(void)rd_step_tell(step, RD_REPORT_TOUCHED, word, NULL, NULL,
			   error != NULL ? error->message : text, number, NULL);
}

static gboolean
rd_step_touch(RecoveryStep *step, const RdCall *call, const char *text, RdReply *reply,
	      GError **error)
{
	g_autoptr(GError) local = NULL;
	g_autofree char *status = NULL;

	if (!rd_step_begin_touch(step, rd_call_verb_to_string(call->verb), text, error))
		return FALSE;
	(void)rd_step_call(step, step->order->target, call, reply, &local);
	/* the host chooses the place of what is moved aside: who reads the journal wants to know */
	if (call->verb == RD_CALL_MOVE_ASIDE && reply->status == 0 && reply->out != NULL)
		status = g_strdup_printf("status 0 -> %.*s", (int)g_bytes_get_size(reply->out),
					 (const char *)g_bytes_get_data(reply->out, NULL));
	else
		status = g_strdup_printf("status %d", reply->status);
	rd_step_end_touch(step, step->touches, "done", status, local);
	if (local == NULL)
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&local));
	return FALSE;
}

static char *
rd_command_text(const RecoveryCommand *command)
{
	g_autofree char *argv = rd_argv_to_text(command->argv);
	GString *text = g_string_new(NULL);

	if (command->cwd != NULL)
		g_string_append_printf(text, "cd %s; ", command->cwd);
	for (guint i = 0; command->env != NULL && command->env[i] != NULL; i++)
		g_string_append_printf(text, "%s ", command->env[i]);
	g_string_append(text, argv);
	if (command->input != NULL)
		g_string_append_printf(text, " < %" G_GSIZE_FORMAT " bytes", command->input_size);
	return g_string_free(text, FALSE);
}

/* "run" or "job NAME:", and all of the command but what goes to its stdin */
static void
rd_tape_say_command(RecoveryStep *step, const char *verb, const RecoveryCommand *command)
{
	g_autofree char *argv = g_strjoinv(" ", (char **)command->argv);
	g_autofree char *env =
	    command->env != NULL ? g_strjoinv(" ", (char **)command->env) : g_strdup("");

	rd_tape_say(step, "%s %s%s%s%s%s%s", verb, command->cwd != NULL ? "cd " : "",
		    command->cwd != NULL ? command->cwd : "", command->cwd != NULL ? "; " : "", env,
		    *env != '\0' ? " " : "", argv);
}

static gboolean
rd_command_failed(RecoveryStep *step, const char *text, int status, const char *words,
		  GError **error)
{
	g_autofree char *tail = g_strstrip(g_strdup(words != NULL ? words : ""));
	gsize length = strlen(tail);

	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED, "%s: %s: status %d%s%s",
		    step->order->target, text, status, length > 0 ? ": " : "",
		    length > 1000 ? tail + length - 1000 : tail);
	return FALSE;
}

static void
rd_call_take_command(RdCall *call, const RecoveryCommand *command)
{
	call->argv = command->argv;
	call->cwd = command->cwd;
	call->env = command->env;
	call->input =
	    command->input != NULL ? g_bytes_new(command->input, command->input_size) : NULL;
}

gboolean
recovery_run(RecoveryStep *step, const RecoveryCommand *command, RecoveryReply *reply,
	     GError **error)
{
	g_autofree char *text = rd_command_text(command);
	g_autoptr(GBytes) input = NULL;
	g_autoptr(GError) local = NULL;
	g_auto(RdReply) answer = {0};
	RdCall call;

	rd_step_fill_call(step, &call, RD_CALL_RUN);
	rd_call_take_command(&call, command);
	input = call.input;
	rd_tape_say_command(step, "run", command);
	if (!rd_step_touch(step, &call, text, &answer, &local))
		return rd_tape_pass(step, g_steal_pointer(&local), error);
	rd_tape_reply(step, &answer);
	if (reply != NULL)
		rd_step_take_reply(&answer, reply);
	if (answer.status != 0)
		(void)rd_command_failed(step, text, answer.status, answer.err, &local);
	return rd_tape_pass(step, g_steal_pointer(&local), error);
}

/* ---- jobs ---------------------------------------------------------------------------------- */

/* looks at the job until it has ended. The host may be away for a while: it is the same job. */
static gboolean
rd_job_follow(RecoveryStep *step, const char *name, void (*look)(RecoveryStep *step),
	      RdReply *reply, GError **error)
{
	gint64 away = 0;

	for (;;) {
		g_autoptr(GError) local = NULL;
		RdCall call;

		rd_step_fill_call(step, &call, RD_CALL_JOB_STATE);
		call.name = name;
		call.wait_s = look != NULL ? RD_JOB_WAIT_WATCHED : RD_JOB_WAIT;
		rd_reply_clear(reply);
		if (rd_step_call(step, step->order->target, &call, reply, &local)) {
			if (reply->verdict != RD_VERDICT_ALIVE)
				return TRUE;
			away = 0;
			if (look != NULL) {
				rd_tape_put(step, "~", "alive");
				look(step);
			}
			/* a host that answers at once that it is alive is not asked again at once
			 */
			if (step->world->klass->pause(step->world, 250))
				continue;
			g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_CANCELLED,
				    "%s: told to stop while %s runs", step->order->target, name);
			return FALSE;
		}
		if (away == 0)
			away = step->world->klass->clock(step->world);
		if (!g_error_matches(local, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE) ||
		    step->world->klass->clock(step->world) >= away + RD_JOB_WINDOW ||
		    !step->world->klass->pause(step->world, 2000)) {
			g_propagate_error(error, g_steal_pointer(&local));
			return FALSE;
		}
		recovery_progress(step, "%s does not answer; job %s was started there",
				  step->order->target, name);
	}
}

static gboolean
rd_job_end(RecoveryStep *step, const char *name, const char *text, RdReply *answer,
	   RecoveryReply *reply, GError **error)
{
	g_autofree char *tail = NULL;

	if (answer->verdict != RD_VERDICT_DONE) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE, "%s: job %s: %s",
			    step->order->target, name,
			    answer->verdict == RD_VERDICT_DIED ? "died without a result"
							       : "the host has no trace of it");
		return FALSE;
	}
	rd_tape_reply(step, answer);
	if (reply != NULL)
		rd_step_take_reply(answer, reply);
	if (answer->status == 0)
		return TRUE;
	if (answer->out != NULL)
		tail =
		    g_strndup(g_bytes_get_data(answer->out, NULL), g_bytes_get_size(answer->out));
	return rd_command_failed(step, text, answer->status, tail, error);
}

static gboolean
rd_job(RecoveryStep *step, const char *name, const RecoveryCommand *command,
       void (*look)(RecoveryStep *step), RecoveryReply *reply, GError **error)
{
	g_autofree char *command_text = rd_command_text(command);
	g_autofree char *text = g_strdup_printf("[%s] %s", name, command_text);
	g_autoptr(GBytes) input = NULL;
	g_autoptr(GError) local = NULL;
	g_auto(RdReply) answer = {0};
	gboolean started, over;
	RdCall call;

	rd_step_fill_call(step, &call, RD_CALL_JOB_START);
	rd_call_take_command(&call, command);
	input = call.input;
	call.name = name;
	started = rd_step_touch(step, &call, text, &answer, &local);
	/* the answer may be lost because the job cut the line: then it is there to be found */
	if (!started && !g_error_matches(local, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE)) {
		g_propagate_error(error, g_steal_pointer(&local));
		return FALSE;
	}
	if (!started || answer.verdict == RD_VERDICT_ALIVE) {
		over = rd_job_follow(step, name, look, &answer, error);
		if (look != NULL)
			rd_tape_put(step, "~", "ended");
		if (!over)
			return FALSE;
	}
	return rd_job_end(step, name, text, &answer, reply, error);
}

gboolean
recovery_job_watched(RecoveryStep *step, const char *name, const RecoveryCommand *command,
		     void (*look)(RecoveryStep *step), RecoveryReply *reply, GError **error)
{
	g_autofree char *verb = g_strdup_printf("job %s:", name);
	GError *local = NULL;

	rd_tape_say_command(step, verb, command);
	(void)rd_job(step, name, command, look, reply, &local);
	return rd_tape_pass(step, local, error);
}

gboolean
recovery_job(RecoveryStep *step, const char *name, const RecoveryCommand *command,
	     RecoveryReply *reply, GError **error)
{
	return recovery_job_watched(step, name, command, NULL, reply, error);
}

gboolean
recovery_job_state(RecoveryStep *step, const char *name, RecoveryJobState *state,
		   RecoveryReply *reply, GError **error)
{
	static const char *const words[] = {"absent", "alive", "died", "ended"};
	g_auto(RdReply) answer = {0};
	g_autoptr(GError) local = NULL;
	RdCall call;

	rd_step_fill_call(step, &call, RD_CALL_JOB_STATE);
	call.name = name;
	call.attempt = 0;
	rd_tape_say(step, "job-state %s", name);
	if (!rd_step_call(step, step->order->target, &call, &answer, &local))
		return rd_tape_pass(step, g_steal_pointer(&local), error);
	*state = answer.verdict == RD_VERDICT_DONE    ? RECOVERY_JOB_ENDED
		 : answer.verdict == RD_VERDICT_ALIVE ? RECOVERY_JOB_ALIVE
		 : answer.verdict == RD_VERDICT_DIED  ? RECOVERY_JOB_DIED
						      : RECOVERY_JOB_ABSENT;
	rd_tape_put(step, "~", words[*state]);
	rd_tape_reply(step, &answer);
	if (reply != NULL)
		rd_step_take_reply(&answer, reply);
	return TRUE;
}

/* ---- files --------------------------------------------------------------------------------- */

static gboolean
rd_step_touch_file(RecoveryStep *step, const RdCall *call, const char *text, GError **error)
{
	g_auto(RdReply) reply = {0};
	g_autoptr(GError) local = NULL;

	if (!rd_step_touch(step, call, text, &reply, &local))
		return rd_tape_pass(step, g_steal_pointer(&local), error);
	rd_tape_reply(step, &reply);
	if (reply.status != 0)
		(void)rd_command_failed(step, text, reply.status, reply.err, &local);
	return rd_tape_pass(step, g_steal_pointer(&local), error);
}

gboolean
recovery_move(RecoveryStep *step, const char *from, const char *to, GError **error)
{
	g_autofree char *text = g_strdup_printf("%s -> %s", from, to);
	RdCall call;

	rd_step_fill_call(step, &call, RD_CALL_MOVE);
	call.from = from;
	call.to = to;
	rd_tape_say(step, "move %s %s", from, to);
	return rd_step_touch_file(step, &call, text, error);
}

gboolean
recovery_move_aside(RecoveryStep *step, const char *path, GError **error)
{
	RdCall call;

	rd_step_fill_call(step, &call, RD_CALL_MOVE_ASIDE);
	call.from = path;
	rd_tape_say(step, "move-aside %s", path);
	return rd_step_touch_file(step, &call, path, error);
}

static gboolean
rd_put(RecoveryStep *step, RdCall *call, const char *from, GError **error)
{
	g_autofree char *text =
	    g_strdup_printf("%s -> %s (%" G_GINT64_FORMAT " bytes, sha256 %s, mode %04o)", from,
			    call->to, call->size, call->sha256, call->mode);

	return rd_step_touch_file(step, call, text, error);
}

static gboolean
rd_put_fd(RecoveryStep *step, int fd, const char *from, const char *to, guint mode, GError **error)
{
	g_autofree guint8 *buffer = g_malloc(256 * 1024);
	g_autofree char *hex = NULL;
	guint8 digest[32];
	gnutls_hash_hd_t hash;
	GError *local = NULL;
	gint64 size = 0;
	ssize_t n;
	RdCall call;

	gnutls_hash_init(&hash, GNUTLS_DIG_SHA256);
	while ((n = read(fd, buffer, 256 * 1024)) > 0 || (n < 0 && errno == EINTR)) {
		if (n < 0)
			continue;
		gnutls_hash(hash, buffer, n);
		size += n;
	}
	gnutls_hash_deinit(hash, digest);
	if (n < 0 || lseek(fd, 0, SEEK_SET) != 0) {
		g_set_error(&local, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT, "%s: read: %s", from,
			    g_strerror(errno));
		return rd_tape_pass(step, local, error);
	}
	hex = rd_hex(digest, sizeof digest);
	rd_step_fill_call(step, &call, RD_CALL_PUT);
	call.to = to;
	call.mode = mode;
	call.size = size;
	call.sha256 = hex;
	call.input_fd = fd;
	return rd_put(step, &call, from, error);
}

gboolean
recovery_put(RecoveryStep *step, const char *from, const char *to, guint mode, GError **error)
{
	GError *local = NULL;
	gboolean ok;
	int fd;

	rd_tape_say(step, "put %s %s %04o", from, to, mode);
	fd = open(from, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		g_set_error(&local, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT, "%s: %s", from,
			    g_strerror(errno));
		return rd_tape_pass(step, local, error);
	}
	ok = rd_put_fd(step, fd, from, to, mode, error);
	close(fd);
	return ok;
}

/* as tests/unit/plugin-tape.c compares it */
static void
rd_tape_say_data(RecoveryStep *step, const char *data, gsize size, const char *to, guint mode)
{
	g_autofree char *text = NULL, *line = NULL;
	g_auto(GStrv) lines = NULL;

	if (step->tape == NULL)
		return;
	text = g_strndup(data, size);
	lines = g_strsplit(text, "\n", -1);
	line = g_strchomp(g_strjoinv("\\n", lines));
	if (g_str_has_suffix(line, "\\n"))
		line[strlen(line) - 2] = '\0';
	rd_tape_say(step, "put-data %s %04o: %s", to, mode, line);
}

gboolean
recovery_put_data(RecoveryStep *step, const char *data, gsize size, const char *to, guint mode,
		  GError **error)
{
	g_autoptr(GBytes) bytes = g_bytes_new(data, size);
	g_autofree char *hex = NULL;
	guint8 digest[32];
	RdCall call;

	gnutls_hash_fast(GNUTLS_DIG_SHA256, data, size, digest);
	hex = rd_hex(digest, sizeof digest);
	rd_step_fill_call(step, &call, RD_CALL_PUT);
	call.to = to;
	call.mode = mode;
	call.size = size;
	call.sha256 = hex;
	call.input = bytes;
	rd_tape_say_data(step, data, size, to, mode);
	return rd_put(step, &call, "(data)", error);
}
