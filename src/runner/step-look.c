/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-runner"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <gnutls/crypto.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "step-private.h"

/* Who and what, and everything that only looks. */

const char *
recovery_run_id(RecoveryStep *step)
{
	return step->setting->run_id;
}

const char *
recovery_run_uuid(RecoveryStep *step)
{
	return step->setting->run_uuid;
}

const char *
recovery_state_name(RecoveryStep *step)
{
	return step->order->state;
}

const char *
recovery_target(RecoveryStep *step)
{
	return step->order->target;
}

const char *
recovery_string(RecoveryStep *step, const char *param)
{
	return g_hash_table_lookup(step->with, param);
}

gint64
recovery_int(RecoveryStep *step, const char *param)
{
	const char *text = recovery_string(step, param);

	return text != NULL ? g_ascii_strtoll(text, NULL, 10) : 0;
}

gboolean
recovery_bool(RecoveryStep *step, const char *param)
{
	return g_strcmp0(recovery_string(step, param), "yes") == 0;
}

static gboolean
rd_has_name(const GPtrArray *names, const char *host)
{
	for (guint i = 0; i < names->len; i++)
		if (strcmp(g_ptr_array_index(names, i), host) == 0)
			return TRUE;
	return FALSE;
}

static gboolean
rd_role_matches(const char *role, const char *wanted)
{
	if (strcmp(wanted, "control-plane") == 0)
		return strcmp(role, "worker") != 0;
	if (strcmp(wanted, "others") == 0)
		return strcmp(role, "control-plane") == 0;
	if (strcmp(wanted, "workers") == 0)
		return strcmp(role, "worker") == 0;
	return strcmp(role, wanted) == 0;
}

static gboolean
is_wanted(RecoveryStep *step, const RdSettingHost *host, const char *role, gboolean excused)
{
	if (strcmp(role, "returned") == 0)
		return rd_has_name(step->order->returned, host->name);
	return rd_role_matches(host->role, role) &&
	       rd_has_name(step->order->excused, host->name) == excused;
}

static char **
rd_step_hosts(RecoveryStep *step, const char *role, gboolean excused)
{
	GPtrArray *names = g_ptr_array_new();

	for (guint i = 0; i < step->setting->hosts->len; i++) {
		const RdSettingHost *host = g_ptr_array_index(step->setting->hosts, i);

		if (is_wanted(step, host, role, excused))
			g_ptr_array_add(names, g_strdup(host->name));
	}
	g_ptr_array_add(names, NULL);
	return (char **)g_ptr_array_free(names, FALSE);
}

char **
recovery_hosts(RecoveryStep *step, const char *role)
{
	return rd_step_hosts(step, role, FALSE);
}

char **
recovery_excused(RecoveryStep *step)
{
	return rd_step_hosts(step, "control-plane", TRUE);
}

const char *
recovery_address(RecoveryStep *step, const char *name)
{
	for (guint i = 0; i < step->setting->hosts->len; i++) {
		const RdSettingHost *host = g_ptr_array_index(step->setting->hosts, i);

		if (strcmp(host->name, name) == 0)
			return host->address;
	}
	return NULL;
}

void
recovery_reply_clear(RecoveryReply *reply)
{
	g_clear_pointer(&reply->out, g_free);
	g_clear_pointer(&reply->err, g_free);
	memset(reply, 0, sizeof *reply);
}

void
rd_step_take_reply(RdReply *from, RecoveryReply *to)
{
	gsize size = from->out != NULL ? g_bytes_get_size(from->out) : 0;

	recovery_reply_clear(to);
	to->status = from->status;
	to->out = g_malloc(size + 1);
	if (size > 0)
		memcpy(to->out, g_bytes_get_data(from->out, NULL), size);
	to->out[size] = '\0';
	to->out_size = size;
	to->err = g_strdup(from->err != NULL ? from->err : "");
}

char *
rd_hex(const guint8 *digest, gsize size)
{
	static const char digits[] = "0123456789abcdef";
	char *hex = g_malloc(2 * size + 1);

	for (gsize i = 0; i < size; i++) {
		hex[2 * i] = digits[digest[i] >> 4];
		hex[2 * i + 1] = digits[digest[i] & 15];
	}
	hex[2 * size] = '\0';
	return hex;
}

char *
rd_argv_to_text(const char *const *argv)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; argv[i] != NULL; i++) {
		gboolean plain = *argv[i] != '\0';

		for (const char *p = argv[i]; plain && *p != '\0'; p++)
			plain = g_ascii_isalnum(*p) || strchr("-_./=:,@+%", *p) != NULL;
		if (i > 0)
			g_string_append_c(text, ' ');
		if (plain) {
			g_string_append(text, argv[i]);
		} else {
			g_autofree char *quoted = g_shell_quote(argv[i]);
			g_string_append(text, quoted);
		}
	}
	return g_string_free(text, FALSE);
}

static void
rd_tape_say_ask(RecoveryStep *step, const char *host, const char *const *argv)
{
	g_autofree char *words = NULL;

	if (step->tape == NULL)
		return;
	words = g_strjoinv(" ", (char **)argv);
	rd_tape_say(step, "ask %s: %s", host, words);
}

gboolean
recovery_ask_status(RecoveryStep *step, const char *host, const char *const *argv,
		    RecoveryReply *reply, GError **error)
{
	g_auto(RdReply) answer = {0};
	g_autoptr(GError) local = NULL;
	RdCall call;

	rd_step_fill_call(step, &call, RD_CALL_ASK);
	/* the number is that of the step's own host; others are only looked at */
	if (host != NULL && strcmp(host, step->order->target) != 0)
		call.number = 0;
	call.argv = argv;
	rd_tape_say_ask(step, rd_step_host(step, host), argv);
	if (!rd_step_call(step, rd_step_host(step, host), &call, &answer, &local))
		return rd_tape_pass(step, g_steal_pointer(&local), error);
	rd_tape_reply(step, &answer);
	rd_step_take_reply(&answer, reply);
	return TRUE;
}

static char **
rd_argv_collect(const char *argv0, va_list args)
{
	GPtrArray *argv = g_ptr_array_new();

	for (const char *arg = argv0; arg != NULL; arg = va_arg(args, const char *))
		g_ptr_array_add(argv, g_strdup(arg));
	g_ptr_array_add(argv, NULL);
	return (char **)g_ptr_array_free(argv, FALSE);
}

static void
rd_status_error(GError **error, const char *host, const char *const *argv, int status,
		const char *err)
{
	g_autofree char *text = rd_argv_to_text(argv);
	g_autofree char *words = g_strstrip(g_strdup(err != NULL ? err : ""));

	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED, "%s: %s: status %d%s%s", host,
		    text, status, *words != '\0' ? ": " : "", words);
}

char *
recovery_ask(RecoveryStep *step, const char *host, GError **error, const char *argv0, ...)
{
	g_auto(RecoveryReply) reply = {0};
	g_auto(GStrv) argv = NULL;
	GError *local = NULL;
	va_list args;

	va_start(args, argv0);
	argv = rd_argv_collect(argv0, args);
	va_end(args);
	if (!recovery_ask_status(step, host, (const char *const *)argv, &reply, error))
		return NULL;
	if (reply.status != 0) {
		rd_status_error(&local, rd_step_host(step, host), (const char *const *)argv,
				reply.status, reply.err);
		(void)rd_tape_pass(step, local, error);
		return NULL;
	}
	return g_steal_pointer(&reply.out);
}

static void
rd_answer_free(gpointer data)
{
	RecoveryAnswer *answer = data;

	g_free(answer->host);
	recovery_reply_clear(&answer->reply);
	g_clear_error(&answer->error);
	g_free(answer);
}

static GPtrArray *
rd_step_ask_many(RecoveryStep *step, const char *const *hosts, RdCall *calls, guint n)
{
	GPtrArray *answers = g_ptr_array_new_with_free_func(rd_answer_free);
	g_autofree RdReply *replies = g_new0(RdReply, MAX(n, 1));
	g_autofree GError **errors = g_new0(GError *, MAX(n, 1));

	gint64 began = step->world->klass->clock(step->world);
	const GError *silent = NULL;

	if (n > 0)
		step->world->klass->call_all(step->world, hosts, n, calls, replies, errors);
	for (guint i = 0; i < n && silent == NULL; i++)
		if (g_error_matches(errors[i], RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE))
			silent = errors[i];
	rd_step_count_silence(step, began, silent);
	for (guint i = 0; i < n; i++) {
		RecoveryAnswer *answer = g_new0(RecoveryAnswer, 1);

		answer->host = g_strdup(hosts[i]);
		answer->error = errors[i];
		rd_tape_say_ask(step, hosts[i], calls[i].argv);
		rd_tape_error(step, errors[i]);
		if (errors[i] == NULL) {
			rd_tape_reply(step, &replies[i]);
			rd_step_take_reply(&replies[i], &answer->reply);
		}
		rd_reply_clear(&replies[i]);
		g_ptr_array_add(answers, answer);
	}
	return answers;
}

GPtrArray *
recovery_ask_each(RecoveryStep *step, const char *const *hosts, const char *const *const *argvs)
{
	guint n = g_strv_length((char **)hosts);
	g_autofree RdCall *calls = g_new0(RdCall, MAX(n, 1));

	for (guint i = 0; i < n; i++) {
		rd_step_fill_call(step, &calls[i], RD_CALL_ASK);
		/* they are only looked at: the number is that of the step's own host */
		calls[i].number = 0;
		calls[i].argv = argvs[i];
	}
	return rd_step_ask_many(step, hosts, calls, n);
}

GPtrArray *
recovery_ask_all(RecoveryStep *step, const char *const *hosts, const char *const *argv)
{
	guint n = g_strv_length((char **)hosts);
	g_autofree const char *const **argvs = g_new0(const char *const *, MAX(n, 1));

	for (guint i = 0; i < n; i++)
		argvs[i] = argv;
	return recovery_ask_each(step, hosts, argvs);
}

/* ---- fetch --------------------------------------------------------------------------------- */

static gboolean
rd_local_error(GError **error, const char *path, const char *what)
{
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT, "%s: %s: %s", path, what,
		    g_strerror(errno));
	return FALSE;
}

static gboolean
rd_fetch_write(int fd, const char *path, GBytes *bytes, gnutls_hash_hd_t hash, GError **error)
{
	gsize size, done = 0;
	const char *data = g_bytes_get_data(bytes, &size);

	while (done < size) {
		ssize_t n = write(fd, data + done, size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return rd_local_error(error, path, "write");
		done += n;
	}
	if (size > 0)
		gnutls_hash(hash, data, size);
	return TRUE;
}

/* piece by piece, so that a cut costs a piece and not the whole */
static gboolean
rd_fetch_pieces(RecoveryStep *step, const char *host, const char *from, int fd, const char *to,
		gnutls_hash_hd_t hash, char **whole, GError **error)
{
	gint64 offset = 0, size = -1, tried = 0;

	while (offset != size) {
		g_auto(RdReply) reply = {0};
		g_autoptr(GError) local = NULL;
		RdCall call;
		g_auto(GStrv) parts = NULL;

		rd_step_fill_call(step, &call, RD_CALL_FETCH);
		call.number = 0;
		call.from = from;
		call.offset = offset;
		if (!rd_step_call(step, host, &call, &reply, &local)) {
			if (!g_error_matches(local, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE) ||
			    ++tried > 5 || !step->world->klass->pause(step->world, 2000)) {
				g_propagate_error(error, g_steal_pointer(&local));
				return FALSE;
			}
			continue;
		}
		parts = g_strsplit(reply.err != NULL ? reply.err : "", " ", 2);
		if (reply.status != 0 || parts[0] == NULL || parts[1] == NULL) {
			g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
				    "%s: cannot read %s: %s", host, from,
				    reply.err != NULL ? reply.err : "no reason given");
			return FALSE;
		}
		size = g_ascii_strtoll(parts[0], NULL, 10);
		if (strcmp(g_strstrip(parts[1]), "-") != 0) {
			g_free(*whole);
			*whole = g_strdup(parts[1]);
		}
		if (reply.out == NULL || g_bytes_get_size(reply.out) == 0) {
			if (offset == size)
				break;
			g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
				    "%s: %s became shorter while it was read", host, from);
			return FALSE;
		}
		if (!rd_fetch_write(fd, to, reply.out, hash, error))
			return FALSE;
		offset += g_bytes_get_size(reply.out);
	}
	return TRUE;
}

static gboolean
rd_fetch(RecoveryStep *step, const char *host, const char *from, const char *to, char **sha256,
	 GError **error)
{
	g_autofree char *temp = g_strdup_printf("%s.part", to);
	g_autofree char *whole = NULL;
	g_autofree char *got = NULL;
	guint8 digest[32];
	gnutls_hash_hd_t hash;
	gboolean ok;
	int fd;

	if (step->foresight != NULL) {
		rd_foresight_fetch(step->foresight, from, to);
		rd_step_end_touch(step, ++step->touches, NULL, NULL, NULL);
		*sha256 = g_strdup(RD_FORESEEN_THEN);
		return TRUE;
	}
	fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return rd_local_error(error, temp, "open");
	gnutls_hash_init(&hash, GNUTLS_DIG_SHA256);
	ok = rd_fetch_pieces(step, rd_step_host(step, host), from, fd, temp, hash, &whole, error);
	gnutls_hash_deinit(hash, digest);
	got = rd_hex(digest, sizeof digest);
	if (ok && fsync(fd) != 0)
		ok = rd_local_error(error, temp, "fsync");
	if (close(fd) != 0 && ok)
		ok = rd_local_error(error, temp, "close");
	if (ok && g_strcmp0(got, whole) != 0) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
			    "%s: %s arrived with SHA-256 %s, the host says %s",
			    rd_step_host(step, host), from, got, whole);
		ok = FALSE;
	}
	if (ok && rename(temp, to) != 0)
		ok = rd_local_error(error, to, "rename");
	if (!ok) {
		unlink(temp);
		return FALSE;
	}
	*sha256 = g_steal_pointer(&got);
	return TRUE;
}

gboolean
recovery_fetch(RecoveryStep *step, const char *host, const char *from, const char *to,
	       char **sha256, GError **error)
{
	g_autofree char *sum = NULL;
	g_autoptr(GError) local = NULL;

	rd_tape_say(step, "fetch %s %s %s", rd_step_host(step, host), from, to);
	if (!rd_fetch(step, host, from, to, &sum, &local))
		return rd_tape_pass(step, g_steal_pointer(&local), error);
	rd_tape_put(step, "|", sum);
	if (sha256 != NULL)
		*sha256 = g_steal_pointer(&sum);
	return TRUE;
}

char *
recovery_local_dir(RecoveryStep *step)
{
	return g_strdup(step->setting->local_dir);
}

char *
recovery_work_dir(RecoveryStep *step)
{
	return g_strdup_printf("/var/lib/recoveryd/work/%s", step->setting->run_id);
}

gboolean
recovery_aside_path(RecoveryStep *step, const char *path, char **aside, GError **error)
{
	g_auto(RdReply) reply = {0};
	g_autoptr(GError) local = NULL;
	RdCall call;

	*aside = NULL;
	rd_step_fill_call(step, &call, RD_CALL_ASIDE);
	call.from = path;
	rd_tape_say(step, "aside %s", path);
	if (!rd_step_call(step, step->order->target, &call, &reply, &local))
		return rd_tape_pass(step, g_steal_pointer(&local), error);
	if (reply.status == 0 && reply.out != NULL)
		*aside = g_strchomp(
		    g_strndup(g_bytes_get_data(reply.out, NULL), g_bytes_get_size(reply.out)));
	if (*aside != NULL && **aside != '\0')
		rd_tape_put(step, "|", *aside);
	return TRUE;
}
