/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-runner"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/redact.h"
#include "step-private.h"

/* What a body says and hears, written down in the form that tests/unit/plugin-tape.h plays. */

/* bytes of one tape: a wait of hours must not fill the disk that the journal is on */
#define RD_TAPE_MOST (16 * 1024 * 1024)

struct _RdTapes {
	char *dir;
	GHashTable *heads; /* (element-type utf8 utf8) of each file: what the player knows by now */
};

struct _RdTape {
	RdTapes *tapes;	  /* (unowned) */
	GHashTable *with; /* (unowned) */
	const RecoveryState *type;
	char *name; /* "etcd/silent" */
	char *path; /* the file */
	int fd;	    /* -1: it cannot be written */
	gsize size; /* written so far by this order */
	gboolean opened;
	gboolean doing; /* inside a call into the body */
	RdRedact *redact;
};

RdTapes *
rd_tapes_new(const char *dir)
{
	RdTapes *self = g_new0(RdTapes, 1);

	self->dir = g_strdup(dir);
	self->heads = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return self;
}

void
rd_tapes_free(RdTapes *self)
{
	g_free(self->dir);
	g_hash_table_unref(self->heads);
	g_free(self);
}

/* ---- lines --------------------------------------------------------------------------------- */

static gboolean
rd_tape_is_plain(const char *text, gsize size)
{
	for (gsize i = 0; i < size; i++)
		if (((guchar)text[i] < ' ' && text[i] != '\t') || text[i] == 0x7f)
			return FALSE;
	return g_utf8_validate_len(text, size, NULL);
}

static void
rd_tape_append_escaped(GString *out, const char *text, gsize size)
{
	gboolean letters = g_utf8_validate_len(text, size, NULL);

	for (gsize i = 0; i < size; i++) {
		guchar c = text[i];

		if (c == '\n')
			g_string_append(out, "\\n");
		else if (c == '\\')
			g_string_append(out, "\\\\");
		else if (c < ' ' || c == 0x7f || (c >= 0x80 && !letters))
			g_string_append_printf(out, "\\%03o", c);
		else
			g_string_append_c(out, c);
	}
}

/* one line of the tape; what a line cannot hold goes in escapes */
static void
rd_tape_append(GString *out, const char *sort, const char *text)
{
	gboolean plain = rd_tape_is_plain(text, strlen(text));

	g_string_append_printf(out, "%s%s%s", plain ? "" : "\\", sort, *text != '\0' ? " " : "");
	if (plain)
		g_string_append(out, text);
	else
		rd_tape_append_escaped(out, text, strlen(text));
	g_string_append_c(out, '\n');
}

/* a stream, line by line; the last piece may have no end */
static void
rd_tape_append_stream(GString *out, const char *sort, const char *text, gsize size)
{
	const char *end = text + size, *stop;

	for (; text < end; text = stop) {
		const char *newline = memchr(text, '\n', end - text);

		stop = newline != NULL ? newline + 1 : end;
		if (newline != NULL && rd_tape_is_plain(text, newline - text)) {
			g_string_append_printf(out, "%s %.*s\n", sort, (int)(newline - text), text);
			continue;
		}
		g_string_append_printf(out, "\\%s ", sort);
		rd_tape_append_escaped(out, text, stop - text);
		g_string_append_c(out, '\n');
	}
}

/* What the journal would not tell, the tape does not; and this machine's paths are nobody's
 * business: the run's directory is SCRATCH, an input file is the one beside the tape. */
static char *
rd_tape_clean(RecoveryStep *step, const char *text)
{
	g_autoptr(GString) own = g_string_new(text);
	const RdTape *tape = step->tape;
	char *hidden;

	for (const RecoveryParam *param = tape->type->params; param != NULL && param->name != NULL;
	     param++) {
		const char *value = g_hash_table_lookup(tape->with, param->name);
		g_autofree char *base = NULL;

		if (param->type != RECOVERY_PARAM_FILE || value == NULL || *value != '/')
			continue;
		base = g_path_get_basename(value);
		g_string_replace(own, value, base, 0);
	}
	if (step->setting->local_dir != NULL && *step->setting->local_dir == '/')
		g_string_replace(own, step->setting->local_dir, "SCRATCH", 0);
	hidden = rd_redact_text(tape->redact, own->str);
	return hidden != NULL ? hidden : g_string_free(g_steal_pointer(&own), FALSE);
}

/* a tape that cannot be written ends here, and nothing else does */
static void
rd_tape_write(RdTape *tape, const GString *text)
{
	gsize done = 0;

	if (tape->fd >= 0 && tape->size + text->len > RD_TAPE_MOST) {
		g_warning("%s: longer than %d bytes: not recorded any further", tape->path,
			  RD_TAPE_MOST);
		close(tape->fd);
		tape->fd = -1;
	}
	while (tape->fd >= 0 && done < text->len) {
		ssize_t n = write(tape->fd, text->str + done, text->len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			g_warning("%s: not recorded any further: %s", tape->path,
				  g_strerror(errno));
			close(tape->fd);
			tape->fd = -1;
			return;
		}
		done += n;
	}
	tape->size += done;
}

static void
rd_tape_line(RecoveryStep *step, const char *sort, const char *text)
{
	g_autoptr(GString) out = g_string_new(NULL);
	g_autofree char *clean = rd_tape_clean(step, text);

	rd_tape_append(out, sort, clean);
	rd_tape_write(step->tape, out);
}

static gboolean
rd_tape_hears(RecoveryStep *step)
{
	return step->tape != NULL && step->tape->fd >= 0 && step->tape->doing;
}

/* ---- who and what -------------------------------------------------------------------------- */

static void
rd_tape_append_names(GString *out, const char *sort, char **names)
{
	g_autofree char *text = g_strjoinv(" ", names);

	rd_tape_append(out, sort, text);
	g_strfreev(names);
}

static void
rd_tape_append_hosts(RecoveryStep *step, GString *out)
{
	g_auto(GStrv) present = recovery_hosts(step, "control-plane");
	g_auto(GStrv) recovery = recovery_hosts(step, "recovery");

	rd_tape_append(out, "target", step->order->target);
	rd_tape_append_names(out, "hosts", g_strdupv(present));
	if (recovery[0] != NULL && g_strcmp0(present[0], recovery[0]) != 0)
		rd_tape_append(out, "recovery", recovery[0]);
	rd_tape_append_names(out, "workers", recovery_hosts(step, "workers"));
	rd_tape_append_names(out, "excused", recovery_excused(step));
	rd_tape_append_names(out, "returned", recovery_hosts(step, "returned"));
	for (guint i = 0; i < step->setting->hosts->len; i++) {
		const RdSettingHost *host = g_ptr_array_index(step->setting->hosts, i);
		g_autofree char *pair = NULL;

		if (host->address == NULL)
			continue;
		pair = g_strdup_printf("%s %s", host->name, host->address);
		rd_tape_append(out, "address", pair);
	}
}

static void
rd_tape_append_pair(RecoveryStep *step, GString *out, const char *sort, const char *name,
		    const char *value)
{
	g_autofree char *clean = rd_tape_clean(step, value);
	g_autofree char *pair = g_strdup_printf("%s %s", name, clean);

	rd_tape_append(out, sort, pair);
}

/* those that are not in @but */
static void
rd_tape_append_notes(RecoveryStep *step, GString *out, const char *sort, GHashTable *notes,
		     GHashTable *but)
{
	g_autoptr(GList) names = g_list_sort(g_hash_table_get_keys(notes), (GCompareFunc)strcmp);

	for (GList *l = names; l != NULL; l = l->next) {
		const char *value = g_hash_table_lookup(notes, l->data);

		if (but == NULL || g_strcmp0(g_hash_table_lookup(but, l->data), value) != 0)
			rd_tape_append_pair(step, out, sort, l->data, value);
	}
}

/* all that the player has to know before the body is called, as it is now */
static char *
rd_tape_head(RecoveryStep *step)
{
	const RdTape *tape = step->tape;
	GString *out = g_string_new("\n");
	g_autofree char *run =
	    g_strdup_printf("%s %s", step->setting->run_id, step->setting->run_uuid);

	rd_tape_append(out, "type", tape->type->name);
	rd_tape_append(out, "run", run);
	rd_tape_append(out, "state", step->order->state);
	rd_tape_append_hosts(step, out);
	g_string_append(out, "scratch\n");
	for (const RecoveryParam *param = tape->type->params; param != NULL && param->name != NULL;
	     param++) {
		const char *value = g_hash_table_lookup(tape->with, param->name);

		if (value != NULL)
			rd_tape_append_pair(step, out, "param", param->name,
					    param->type == RECOVERY_PARAM_SECRET ? "[redacted]"
										 : value);
	}
	rd_tape_append_notes(step, out, "note", step->notes, NULL);
	rd_tape_append_notes(step, out, "first", step->order->first, step->notes);
	g_string_append_c(out, '\n');
	return g_string_free(out, FALSE);
}

/* ---- a tape -------------------------------------------------------------------------------- */

/* one file for each step, attempt and type: its orders follow each other there */
static int
rd_tape_open_file(RecoveryStep *step, RdTape *tape)
{
	const RdOrder *order = step->order;
	g_autofree char *dir = g_build_filename(tape->tapes->dir, step->setting->run_id, NULL);
	g_autofree char *kind = g_strdelimit(g_strdup(tape->name), "/", '-');
	g_autofree char *file = g_strdup_printf("%s.%s.%s.%u.%u.tape", kind, order->state,
						order->target, order->visit, order->attempt);
	int fd;

	tape->path = g_build_filename(dir, file, NULL);
	if (g_mkdir_with_parents(dir, 0700) == 0) {
		fd = open(tape->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd >= 0)
			return fd;
	}
	g_warning("%s: not recorded: %s", tape->path, g_strerror(errno));
	return -1;
}

static void
rd_tape_know_secrets(RdTape *tape)
{
	for (const RecoveryParam *param = tape->type->params; param != NULL && param->name != NULL;
	     param++) {
		const char *value = g_hash_table_lookup(tape->with, param->name);

		if (param->type == RECOVERY_PARAM_SECRET && value != NULL)
			rd_redact_add(tape->redact, value);
	}
}

/* the first call into the body: what the player has to know, unless it does from the order before
 */
static void
rd_tape_open(RecoveryStep *step)
{
	g_autoptr(GString) out = g_string_new(NULL);
	g_autofree char *head = rd_tape_head(step);
	RdTape *tape = step->tape;
	const char *known;

	tape->opened = TRUE;
	tape->fd = rd_tape_open_file(step, tape);
	known = g_hash_table_lookup(tape->tapes->heads, tape->path);
	if (g_strcmp0(known, head) == 0)
		return;
	if (known == NULL)
		g_string_append_printf(out, "# recorded from %s\n", tape->name);
	g_string_append(out, head);
	rd_tape_write(tape, out);
}

void
rd_tape_begin(RecoveryStep *step, const char *name, const RecoveryState *type, GHashTable *with)
{
	RdTape *tape;

	step->tape = NULL;
	/* what nobody did is no recording */
	if (step->setting->tapes == NULL || step->foresight != NULL)
		return;
	tape = step->tape = g_new0(RdTape, 1);
	tape->tapes = step->setting->tapes;
	tape->name = g_strdup(name);
	tape->type = type;
	tape->with = with;
	tape->fd = -1;
	tape->redact = rd_redact_new();
	rd_tape_know_secrets(tape);
}

void
rd_tape_end(RecoveryStep *step)
{
	RdTape *tape = step->tape;

	if (tape == NULL)
		return;
	if (tape->opened)
		g_hash_table_replace(tape->tapes->heads, g_strdup(tape->path), rd_tape_head(step));
	step->tape = NULL;
	if (tape->fd >= 0)
		close(tape->fd);
	rd_redact_free(tape->redact);
	g_free(tape->name);
	g_free(tape->path);
	g_free(tape);
}

void
rd_tape_do(RecoveryStep *step, const char *what)
{
	if (step->tape == NULL)
		return;
	if (!step->tape->opened)
		rd_tape_open(step);
	rd_tape_line(step, "do", what);
	step->tape->doing = TRUE;
}

void
rd_tape_done(RecoveryStep *step, const char *word, const GError *error)
{
	g_autofree char *text = NULL;

	if (step->tape == NULL)
		return;
	if (error != NULL)
		text = g_strdup_printf("%s %s", rd_step_error_word(error), error->message);
	rd_tape_line(step, "=", error != NULL ? text : word);
	step->tape->doing = FALSE;
}

/* ---- the conversation ---------------------------------------------------------------------- */

void
rd_tape_say(RecoveryStep *step, const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list args;

	if (!rd_tape_hears(step))
		return;
	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	rd_tape_line(step, ">", text);
}

void
rd_tape_put(RecoveryStep *step, const char *sort, const char *text)
{
	if (rd_tape_hears(step))
		rd_tape_line(step, sort, text);
}

/* between its NULs it is text like any other */
static void
rd_tape_append_clean(RecoveryStep *step, GString *out, const char *sort, const char *data,
		     gsize size)
{
	g_autoptr(GString) clean = g_string_new(NULL);

	for (gsize at = 0; at < size;) {
		g_autofree char *piece = g_strndup(data + at, size - at);
		g_autofree char *text = rd_tape_clean(step, piece);

		at += strlen(piece);
		g_string_append(clean, text);
		if (at++ < size)
			g_string_append_c(clean, '\0');
	}
	rd_tape_append_stream(out, sort, clean->str, clean->len);
}

void
rd_tape_reply(RecoveryStep *step, const RdReply *reply)
{
	g_autoptr(GString) out = g_string_new(NULL);
	gsize size = 0;
	const char *data;

	if (!rd_tape_hears(step))
		return;
	data = reply->out != NULL ? g_bytes_get_data(reply->out, &size) : NULL;
	rd_tape_append_clean(step, out, "|", data, size);
	if (reply->err != NULL)
		rd_tape_append_clean(step, out, "!", reply->err, strlen(reply->err));
	if (reply->status != 0)
		g_string_append_printf(out, "? %d\n", reply->status);
	rd_tape_write(step->tape, out);
}

void
rd_tape_text(RecoveryStep *step, const char *sort, const char *text)
{
	g_autoptr(GString) out = g_string_new(NULL);

	if (!rd_tape_hears(step) || text == NULL)
		return;
	rd_tape_append_clean(step, out, sort, text, strlen(text));
	rd_tape_write(step->tape, out);
}

/* of what is a credential only the shape is kept */
static void
rd_tape_hide(JsonNode *node, guint depth)
{
	static const char *const shown[] = {"apiVersion", "kind", "metadata", "type", NULL};
	JsonObjectIter iter;
	const char *name;
	JsonNode *member;

	if (JSON_NODE_HOLDS_ARRAY(node)) {
		JsonArray *array = json_node_get_array(node);

		for (guint i = 0; i < json_array_get_length(array); i++)
			rd_tape_hide(json_array_get_element(array, i), depth);
	} else if (JSON_NODE_HOLDS_OBJECT(node)) {
		json_object_iter_init(&iter, json_node_get_object(node));
		while (json_object_iter_next(&iter, &name, &member))
			if (depth > 0 || !g_strv_contains(shown, name))
				rd_tape_hide(member, depth + 1);
	} else if (json_node_get_value_type(node) == G_TYPE_STRING) {
		json_node_set_string(node, "[redacted]");
	}
}

/* what kubectl apply was given, the content included */
static void
rd_tape_hide_annotations(JsonNode *node)
{
	JsonNode *meta = NULL;

	if (JSON_NODE_HOLDS_OBJECT(node))
		meta = json_object_get_member(json_node_get_object(node), "metadata");
	if (meta != NULL && JSON_NODE_HOLDS_OBJECT(meta))
		json_object_remove_member(json_node_get_object(meta), "annotations");
}

static char *
rd_tape_object(JsonNode *object, gboolean secret)
{
	g_autofree char *text = json_to_string(object, FALSE);
	g_autoptr(JsonNode) copy = NULL;

	if (!secret)
		return g_steal_pointer(&text);
	copy = json_from_string(text, NULL);
	rd_tape_hide(copy, 0);
	rd_tape_hide_annotations(copy);
	return json_to_string(copy, FALSE);
}

void
rd_tape_json(RecoveryStep *step, JsonNode *object, gboolean secret)
{
	g_autofree char *text = NULL;

	if (!rd_tape_hears(step) || object == NULL)
		return;
	text = rd_tape_object(object, secret);
	rd_tape_line(step, "|", text);
}

/* an object a line */
void
rd_tape_list(RecoveryStep *step, JsonArray *list, gboolean secret)
{
	guint n = json_array_get_length(list);

	if (!rd_tape_hears(step))
		return;
	rd_tape_line(step, "|", "[");
	for (guint i = 0; i < n; i++) {
		g_autofree char *text = rd_tape_object(json_array_get_element(list, i), secret);
		g_autofree char *line = g_strconcat(text, i + 1 < n ? "," : "", NULL);

		rd_tape_line(step, "|", line);
	}
	rd_tape_line(step, "|", "]");
}

void
rd_tape_error(RecoveryStep *step, const GError *error)
{
	g_autofree char *text = NULL;

	if (!rd_tape_hears(step) || error == NULL)
		return;
	text = g_strdup_printf("%s %s", rd_step_error_word(error), error->message);
	rd_tape_line(step, "x", text);
}

gboolean
rd_tape_pass(RecoveryStep *step, GError *local, GError **error)
{
	rd_tape_error(step, local);
	if (local == NULL)
		return TRUE;
	g_propagate_error(error, local);
	return FALSE;
}
