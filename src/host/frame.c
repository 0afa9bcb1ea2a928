/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-host"
#include "host/frame.h"
#include "host/wrapper.h"
#include <recovery/plugin.h>
#include <string.h>

#define OUT_MAX	    (512 * 1024 * 1024)
#define ERR_MAX	    (64 * 1024)
#define ERR_SLACK   (4 * 1024)	 /* of the last verdict line and a profile's noise */
#define COMMAND_MAX (120 * 1024) /* Linux takes 128 KiB in one argument */

char *
rd_frame_nonce(void)
{
	g_autofree char *uuid = g_uuid_string_random();
	g_auto(GStrv) parts = g_strsplit(uuid, "-", -1);

	return g_strjoinv("", parts);
}

static void
add(GPtrArray *arguments, const char *key, const char *value)
{
	if (value != NULL)
		g_ptr_array_add(arguments, g_strdup_printf("%s=%s", key, value));
}

static void
add_int(GPtrArray *arguments, const char *key, gint64 value)
{
	if (value != 0)
		g_ptr_array_add(arguments, g_strdup_printf("%s=%" G_GINT64_FORMAT, key, value));
}

static gboolean
check_command(const RdCall *call, GError **error)
{
	for (guint i = 0; call->env != NULL && call->env[i] != NULL; i++) {
		if (strchr(call->env[i], '=') != NULL &&
		    (g_ascii_isalpha(call->env[i][0]) || call->env[i][0] == '_'))
			continue;
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
			    "\"%s\" is not NAME=value", call->env[i]);
		return FALSE;
	}
	if (call->argv == NULL || call->argv[0] == NULL) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT, "%s: no command",
			    rd_call_verb_to_string(call->verb));
		return FALSE;
	}
	/* env(1) would take the one for a variable, the other for an option */
	if (strchr(call->argv[0], '=') == NULL && call->argv[0][0] != '-' &&
	    call->argv[0][0] != '\0')
		return TRUE;
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
		    "\"%s\" cannot be the name of a command", call->argv[0]);
	return FALSE;
}

static gboolean
check_words(const RdCall *call, GError **error)
{
	const char *const words[] = {call->run,	 call->head, call->state,   call->name,
				     call->from, call->to,   call->boot_id, call->machine_id};

	for (guint i = 0; i < G_N_ELEMENTS(words); i++) {
		if (words[i] == NULL || strpbrk(words[i], "\n\r") == NULL)
			continue;
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
			    "%s: a name with a line break: \"%.100s\"",
			    rd_call_verb_to_string(call->verb), words[i]);
		return FALSE;
	}
	return TRUE;
}

char **
rd_frame_arguments(const RdCall *call, const char *nonce, const char *root, GError **error)
{
	g_autoptr(GPtrArray) arguments = g_ptr_array_new_with_free_func(g_free);
	gboolean has_command = call->verb == RD_CALL_ASK || call->verb == RD_CALL_RUN ||
			       call->verb == RD_CALL_JOB_START;
	g_autofree char *who = g_strdup(call->who);

	if (!check_words(call, error) || (has_command && !check_command(call, error)))
		return NULL;
	if (who != NULL)
		g_strdelimit(who, "\n\r\t", ' ');
	g_ptr_array_add(arguments, g_strdup("recoveryd"));
	g_ptr_array_add(arguments, g_strdup(rd_call_verb_to_string(call->verb)));
	add(arguments, "root", root);
	add(arguments, "nonce", nonce);
	add(arguments, "run", call->run);
	add_int(arguments, "number", call->number);
	add_int(arguments, "enrol", call->enrol ? 1 : 0);
	add(arguments, "who", who);
	add(arguments, "head", call->head);
	add(arguments, "state", call->state);
	add_int(arguments, "visit", call->visit);
	add_int(arguments, "attempt", call->attempt);
	add(arguments, "name", call->name);
	add(arguments, "cwd", call->cwd);
	add_int(arguments, "offset", call->offset);
	add(arguments, "from", call->from);
	add(arguments, "to", call->to);
	if (call->mode != 0)
		g_ptr_array_add(arguments, g_strdup_printf("mode=%o", call->mode));
	add_int(arguments, "size", call->size);
	add(arguments, "sha256", call->sha256);
	add_int(arguments, "wait", call->wait_s);
	add(arguments, "boot-id", call->boot_id);
	add(arguments, "machine-id", call->machine_id);
	if (call->verb != RD_CALL_PUT && call->input != NULL)
		g_ptr_array_add(arguments, g_strdup_printf("input=%" G_GSIZE_FORMAT,
							   g_bytes_get_size(call->input)));
	if (has_command) {
		g_ptr_array_add(arguments, g_strdup("--"));
		for (guint i = 0; call->env != NULL && call->env[i] != NULL; i++)
			g_ptr_array_add(arguments, g_strdup(call->env[i]));
		for (guint i = 0; call->argv[i] != NULL; i++)
			g_ptr_array_add(arguments, g_strdup(call->argv[i]));
	}
	g_ptr_array_add(arguments, NULL);
	return (char **)g_ptr_array_free(g_steal_pointer(&arguments), FALSE);
}

char *
rd_frame_loader(void)
{
	gsize size = strlen(rd_wrapper_text), length = size;

	/* as $(…) takes it */
	while (length > 0 && rd_wrapper_text[length - 1] == '\n')
		length--;
	return g_strdup_printf("wrapper=$(head -c %" G_GSIZE_FORMAT
			       ") && [ ${#wrapper} -eq %" G_GSIZE_FORMAT
			       " ] || { echo \"the wrapper was cut off\" >&2; exit 2; }; "
			       "eval \"$wrapper\"",
			       size, length);
}

char *
rd_frame_command(const char *user, const char *const *arguments, GError **error)
{
	g_autoptr(GString) line = g_string_new("exec ");
	g_autofree char *loader = rd_frame_loader();
	g_autofree char *text = g_shell_quote(loader);

	if (g_strcmp0(user, "root") != 0)
		g_string_append(line, "sudo -n ");
	g_string_append_printf(line, "/bin/sh -c %s", text);
	for (guint i = 0; arguments[i] != NULL; i++) {
		g_autofree char *quoted = g_shell_quote(arguments[i]);

		g_string_append_printf(line, " %s", quoted);
	}
	if (line->len > COMMAND_MAX) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
			    "the command is too long (%" G_GSIZE_FORMAT
			    " bytes, %d are possible): send the data as input",
			    line->len, COMMAND_MAX);
		return NULL;
	}
	return g_string_free(g_steal_pointer(&line), FALSE);
}

RdFrame *
rd_frame_new(const char *nonce)
{
	RdFrame *frame = g_new0(RdFrame, 1);

	frame->nonce = g_strdup(nonce);
	frame->out = g_byte_array_new();
	frame->err = g_byte_array_new();
	frame->begin = frame->end = -1;
	return frame;
}

void
rd_frame_free(RdFrame *frame)
{
	if (frame == NULL)
		return;
	g_free(frame->nonce);
	g_byte_array_unref(frame->out);
	g_byte_array_unref(frame->err);
	g_free(frame);
}

/* the next mark in out from where the last search ended, or NULL */
static const guint8 *
search(RdFrame *frame, const char *mark)
{
	gsize length = strlen(mark);
	const guint8 *found = NULL;

	if (frame->out->len >= frame->scanned + length)
		found = memmem(frame->out->data + frame->scanned, frame->out->len - frame->scanned,
			       mark, length);
	if (found == NULL && frame->out->len > frame->scanned + length)
		frame->scanned = frame->out->len - length;
	return found;
}

gboolean
rd_frame_add_out(RdFrame *frame, const void *data, gsize size, GError **error)
{
	g_autofree char *begin = g_strdup_printf("recoveryd-begin %s\n", frame->nonce);
	g_autofree char *end = g_strdup_printf("\nrecoveryd-end %s\n", frame->nonce);
	const guint8 *found;

	if (frame->end >= 0)
		return TRUE;
	if (frame->out->len + size > OUT_MAX) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
			    "more than %d MiB came on stdout", OUT_MAX / 1024 / 1024);
		return FALSE;
	}
	g_byte_array_append(frame->out, data, size);
	if (frame->begin < 0) {
		found = search(frame, begin);
		if (found == NULL)
			return TRUE;
		frame->begin = found - frame->out->data + strlen(begin);
		frame->scanned = frame->begin;
	}
	found = search(frame, end);
	if (found != NULL)
		frame->end = found - frame->out->data;
	return TRUE;
}

void
rd_frame_add_err(RdFrame *frame, const void *data, gsize size)
{
	g_byte_array_append(frame->err, data, size);
	if (frame->err->len > 2 * (ERR_MAX + ERR_SLACK))
		g_byte_array_remove_range(frame->err, 0, frame->err->len - ERR_MAX - ERR_SLACK);
}

gboolean
rd_frame_has_begun(RdFrame *frame)
{
	return frame->begin >= 0;
}

/* "VERDICT STATUS" of the last line, with where what precedes it ends */
static char *
find_verdict(RdFrame *frame, gsize *end)
{
	g_autofree char *mark = g_strdup_printf("\nrecoveryd-end %s ", frame->nonce);
	const char *data = (const char *)frame->err->data;
	const char *found = data != NULL ? g_strrstr_len(data, frame->err->len, mark) : NULL;
	const char *words;
	const char *newline;

	if (found == NULL)
		return NULL;
	words = found + strlen(mark);
	newline = memchr(words, '\n', frame->err->len - (words - data));
	if (newline == NULL)
		return NULL;
	*end = found - data;
	return g_strndup(words, newline - words);
}

gboolean
rd_frame_is_complete(RdFrame *frame)
{
	gsize end;
	g_autofree char *words = frame->end >= 0 ? find_verdict(frame, &end) : NULL;

	return words != NULL;
}

/* what sudo and login shells say when the wrapper could not begin; nothing was touched then */
static const struct {
	const char *said, *remedy;
} refusals[] = {
    {"a password is required", "sudo asks for a password: allow NOPASSWD for this user"},
    {"a terminal is required", "sudo asks for a password: allow NOPASSWD for this user"},
    {"you must have a tty", "sudo wants a terminal: remove requiretty for this user"},
    {"is not in the sudoers", "this user may not use sudo: allow NOPASSWD: ALL"},
    {"is not allowed to execute", "this user may not run /bin/sh by sudo: allow NOPASSWD: ALL"},
    {"may not run sudo", "this user may not use sudo: allow NOPASSWD: ALL"},
    {"sudo: not found", "there is no sudo: log in as root, or install it"},
    {"sudo: command not found", "there is no sudo: log in as root, or install it"},
    {"sudo: No such file", "there is no sudo: log in as root, or install it"},
    {"account is currently not available", "this user has no login shell"},
    {"account has expired", "this user's account has expired"},
};

/* where the wrapper's own stderr begins: behind what a login shell said, unless that has been
 * dropped already */
static gsize
err_start(RdFrame *frame)
{
	g_autofree char *mark = g_strdup_printf("recoveryd-begin %s\n", frame->nonce);
	const guint8 *found = NULL;

	if (frame->err->len > 0)
		found = memmem(frame->err->data, frame->err->len, mark, strlen(mark));
	return found != NULL ? found - frame->err->data + strlen(mark) : 0;
}

static gboolean
fail_incomplete(RdFrame *frame, GError **error)
{
	gsize start = err_start(frame);
	g_autofree char *said =
	    g_strndup(frame->err->len > 0 ? (const char *)frame->err->data + start : "",
		      frame->err->len - start);
	g_autofree char *valid = NULL;

	/* nologin speaks on stdout */
	if (frame->begin < 0 && frame->out->len > 0) {
		g_autofree char *err = g_steal_pointer(&said);

		said = g_strdup_printf("%s\n%.*s", err, (int)MIN(frame->out->len, 4096),
				       (const char *)frame->out->data);
	}
	g_strstrip(said);
	for (guint i = 0; frame->begin < 0 && i < G_N_ELEMENTS(refusals); i++) {
		if (strstr(said, refusals[i].said) == NULL)
			continue;
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
			    "no permission to become root: %s", refusals[i].remedy);
		return FALSE;
	}
	if (strlen(said) > 300)
		memmove(said, said + strlen(said) - 300, 301);
	valid = g_utf8_make_valid(said, -1);
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE, "%s%s%s",
		    frame->begin < 0 ? "the answer did not begin" : "the answer was cut off",
		    valid[0] != '\0' ? "; the host said: " : "", valid);
	return FALSE;
}

gboolean
rd_frame_finish(RdFrame *frame, RdReply *reply, GError **error)
{
	g_autoptr(GBytes) whole = NULL;
	g_auto(GStrv) words = NULL;
	g_autofree char *last = NULL;
	gsize err_end = 0, err_begin, begin, end;

	last = frame->begin >= 0 && frame->end >= 0 ? find_verdict(frame, &err_end) : NULL;
	if (last == NULL)
		return fail_incomplete(frame, error);
	words = g_strsplit(last, " ", -1);
	err_begin = MIN(err_start(frame), err_end);
	err_begin = MAX(err_begin, err_end > ERR_MAX ? err_end - ERR_MAX : 0);
	if (g_strcmp0(words[0], "not-root") == 0) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
			    "no permission to become root: the wrapper %.*s",
			    (int)(err_end - err_begin), (char *)frame->err->data + err_begin);
		return FALSE;
	}
	if (g_strv_length(words) != 2 || !rd_verdict_from_string(words[0], &reply->verdict)) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE,
			    "not a verdict: \"%.80s\"", last);
		return FALSE;
	}
	reply->status = (int)g_ascii_strtoll(words[1], NULL, 10);
	reply->err = g_strndup((const char *)frame->err->data + err_begin, err_end - err_begin);
	begin = frame->begin;
	end = frame->end;
	whole = g_byte_array_free_to_bytes(g_steal_pointer(&frame->out));
	frame->out = g_byte_array_new();
	frame->begin = frame->end = -1;
	reply->out = g_bytes_new_from_bytes(whole, begin, end - begin);
	return TRUE;
}
