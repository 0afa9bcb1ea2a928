/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-runner"

#include <errno.h>
#include <gio/gio.h>
#include <json-glib/json-glib.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire.h"

/* ---- writing ------------------------------------------------------------------------------- */

static void
rd_wire_put(JsonObject *object, const char *name, const char *value)
{
	g_autofree char *valid = NULL;

	if (value == NULL)
		return;
	/* what a host printed need not be UTF-8, and JSON has to be */
	if (!g_utf8_validate(value, -1, NULL))
		valid = g_utf8_make_valid(value, -1);
	json_object_set_string_member(object, name, valid != NULL ? valid : value);
}

static void
rd_wire_put_int(JsonObject *object, const char *name, gint64 value)
{
	g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, value);

	if (value != 0)
		json_object_set_string_member(object, name, text);
}

static JsonObject *
rd_wire_table(GHashTable *table)
{
	JsonObject *object = json_object_new();
	GHashTableIter iter;
	gpointer key, value;

	g_hash_table_iter_init(&iter, table);
	while (g_hash_table_iter_next(&iter, &key, &value))
		json_object_set_string_member(object, key, value);
	return object;
}

static char *
rd_wire_line(JsonObject *object)
{
	g_autoptr(JsonNode) node = json_node_alloc();
	g_autofree char *text = NULL;

	json_node_init_object(node, object);
	json_object_unref(object);
	text = json_to_string(node, FALSE);
	return g_strconcat(text, "\n", NULL);
}

static void
rd_wire_put_names(JsonObject *object, const char *key, const GPtrArray *names)
{
	JsonArray *list = json_array_new();

	for (guint i = 0; i < names->len; i++)
		json_array_add_string_element(list, g_ptr_array_index(names, i));
	json_object_set_array_member(object, key, list);
}

char *
rd_wire_order(const RdOrder *order)
{
	JsonObject *message = json_object_new();
	JsonObject *object = json_object_new();
	JsonArray *guards = json_array_new();

	rd_wire_put(object, "what", rd_do_to_string(order->what));
	rd_wire_put(object, "target", order->target);
	rd_wire_put_int(object, "number", order->number);
	rd_wire_put(object, "fence-host", order->fence_host);
	rd_wire_put_int(object, "fence-number", order->fence_number);
	rd_wire_put_int(object, "enrol", order->enrol);
	rd_wire_put(object, "state", order->state);
	rd_wire_put_int(object, "visit", order->visit);
	rd_wire_put_int(object, "attempt", order->attempt);
	rd_wire_put_int(object, "touches", order->touches);
	rd_wire_put(object, "type", order->type);
	rd_wire_put(object, "boot-id", order->boot_id);
	rd_wire_put(object, "machine-id", order->machine_id);
	rd_wire_put(object, "head", order->head);
	rd_wire_put_int(object, "prove", order->prove);
	rd_wire_put_int(object, "timeout-ms", order->timeout_ms);
	rd_wire_put(object, "foreseen", order->foreseen);
	rd_wire_put_int(object, "patience-ms", order->patience_ms);
	rd_wire_put_int(object, "anew-ms", order->anew_ms);
	rd_wire_put_int(object, "whole-ms", order->whole_ms);
	rd_wire_put_int(object, "far", order->far);
	json_object_set_object_member(object, "with", rd_wire_table(order->with));
	json_object_set_object_member(object, "notes", rd_wire_table(order->notes));
	json_object_set_object_member(object, "first", rd_wire_table(order->first));
	for (guint i = 0; i < order->guards->len; i++) {
		const RdOrderGuard *guard = g_ptr_array_index(order->guards, i);
		JsonObject *entry = rd_wire_table(guard->with);
		JsonObject *wrapped = json_object_new();

		rd_wire_put(wrapped, "type", guard->type);
		json_object_set_object_member(wrapped, "with", entry);
		json_array_add_object_element(guards, wrapped);
	}
	json_object_set_array_member(object, "guards", guards);
	rd_wire_put_names(object, "excused", order->excused);
	rd_wire_put_names(object, "returned", order->returned);
	rd_wire_put(message, "to", order->lane);
	json_object_set_object_member(message, "order", object);
	return rd_wire_line(message);
}

char *
rd_wire_word(const char *to, const char *word)
{
	JsonObject *message = json_object_new();

	rd_wire_put(message, "to", to);
	rd_wire_put(message, word, "yes");
	return rd_wire_line(message);
}

char *
rd_wire_report(const RdReport *report)
{
	JsonObject *message = json_object_new();
	JsonObject *object = json_object_new();

	rd_wire_put(object, "kind", rd_report_kind_to_string(report->kind));
	rd_wire_put(object, "lane", report->lane);
	rd_wire_put(object, "word", report->word);
	rd_wire_put(object, "key", report->key);
	rd_wire_put(object, "value", report->value);
	rd_wire_put(object, "text", report->text);
	rd_wire_put_int(object, "number", report->number);
	rd_wire_put(object, "boot-id", report->boot_id);
	rd_wire_put(object, "machine-id", report->machine_id);
	rd_wire_put(object, "holder", report->holder);
	rd_wire_put(object, "run", report->run);
	rd_wire_put(object, "outcome", report->outcome);
	json_object_set_object_member(message, "report", object);
	return rd_wire_line(message);
}

/* ---- reading ------------------------------------------------------------------------------- */

static const char *
rd_wire_get(JsonObject *object, const char *name)
{
	return json_object_has_member(object, name)
		   ? json_object_get_string_member_with_default(object, name, NULL)
		   : NULL;
}

static gint64
rd_wire_get_int(JsonObject *object, const char *name)
{
	const char *text = rd_wire_get(object, name);

	return text != NULL ? g_ascii_strtoll(text, NULL, 10) : 0;
}

static void
rd_wire_get_table(JsonObject *object, const char *name, GHashTable *table)
{
	JsonObject *members;
	JsonObjectIter iter;
	const char *key;
	JsonNode *value;

	if (!json_object_has_member(object, name))
		return;
	members = json_object_get_object_member(object, name);
	json_object_iter_init(&iter, members);
	while (json_object_iter_next(&iter, &key, &value))
		g_hash_table_replace(table, g_strdup(key), g_strdup(json_node_get_string(value)));
}

static JsonNode *
rd_wire_load(const char *line, const char *member, GError **error)
{
	g_autoptr(JsonNode) node = json_from_string(line, error);

	if (node == NULL) {
		if (error != NULL && *error == NULL)
			g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "empty line");
		return NULL;
	}
	if (!JSON_NODE_HOLDS_OBJECT(node) ||
	    !json_object_has_member(json_node_get_object(node), member)) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "no %s in %.80s", member,
			    line);
		return NULL;
	}
	return g_steal_pointer(&node);
}

static void
rd_wire_get_names(JsonObject *object, const char *key, GPtrArray *names)
{
	JsonArray *list =
	    json_object_has_member(object, key) ? json_object_get_array_member(object, key) : NULL;

	for (guint i = 0; list != NULL && i < json_array_get_length(list); i++)
		g_ptr_array_add(names, g_strdup(json_array_get_string_element(list, i)));
}

static RdOrder *
rd_wire_read_order(JsonObject *object, const char *lane, GError **error)
{
	const char *target = rd_wire_get(object, "target");
	RdOrder *order;
	JsonArray *list;
	RdDo what;

	if (target == NULL || lane == NULL ||
	    !rd_do_from_string(rd_wire_get(object, "what"), &what)) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "an order without sense");
		return NULL;
	}
	order = rd_order_new(what, target);
	g_free(order->lane);
	order->lane = g_strdup(lane);
	order->number = rd_wire_get_int(object, "number");
	order->fence_host = g_strdup(rd_wire_get(object, "fence-host"));
	order->fence_number = rd_wire_get_int(object, "fence-number");
	order->enrol = rd_wire_get_int(object, "enrol") != 0;
	order->state = g_strdup(rd_wire_get(object, "state"));
	order->visit = (guint)rd_wire_get_int(object, "visit");
	order->attempt = (guint)rd_wire_get_int(object, "attempt");
	order->touches = (guint)rd_wire_get_int(object, "touches");
	order->type = g_strdup(rd_wire_get(object, "type"));
	order->boot_id = g_strdup(rd_wire_get(object, "boot-id"));
	order->machine_id = g_strdup(rd_wire_get(object, "machine-id"));
	order->head = g_strdup(rd_wire_get(object, "head"));
	order->prove = rd_wire_get_int(object, "prove") != 0;
	order->timeout_ms = rd_wire_get_int(object, "timeout-ms");
	order->foreseen = g_strdup(rd_wire_get(object, "foreseen"));
	order->patience_ms = rd_wire_get_int(object, "patience-ms");
	order->anew_ms = rd_wire_get_int(object, "anew-ms");
	order->whole_ms = rd_wire_get_int(object, "whole-ms");
	order->far = rd_wire_get_int(object, "far");
	rd_wire_get_table(object, "with", order->with);
	rd_wire_get_table(object, "notes", order->notes);
	rd_wire_get_table(object, "first", order->first);
	list = json_object_get_array_member(object, "guards");
	for (guint i = 0; list != NULL && i < json_array_get_length(list); i++) {
		JsonObject *entry = json_array_get_object_element(list, i);
		RdOrderGuard *guard = rd_order_add_guard(order, rd_wire_get(entry, "type"));

		rd_wire_get_table(entry, "with", guard->with);
	}
	rd_wire_get_names(object, "excused", order->excused);
	rd_wire_get_names(object, "returned", order->returned);
	return order;
}

gboolean
rd_wire_parse_message(const char *line, RdWireMessage *message, GError **error)
{
	g_autoptr(JsonNode) node = rd_wire_load(line, "to", error);
	JsonObject *object;

	memset(message, 0, sizeof *message);
	if (node == NULL)
		return FALSE;
	object = json_node_get_object(node);
	message->ack = json_object_has_member(object, "ack");
	message->cancel = json_object_has_member(object, "cancel");
	if (json_object_has_member(object, "order")) {
		message->order = rd_wire_read_order(json_object_get_object_member(object, "order"),
						    rd_wire_get(object, "to"), error);
		if (message->order == NULL)
			return FALSE;
	}
	message->to = g_strdup(rd_wire_get(object, "to"));
	return TRUE;
}

void
rd_wire_message_clear(RdWireMessage *message)
{
	g_free(message->to);
	g_clear_pointer(&message->order, rd_order_free);
	memset(message, 0, sizeof *message);
}

RdReport *
rd_wire_parse_report(const char *line, GError **error)
{
	g_autoptr(JsonNode) node = rd_wire_load(line, "report", error);
	RdReportKind kind;
	RdReport *report;
	JsonObject *object;

	if (node == NULL)
		return NULL;
	object = json_object_get_object_member(json_node_get_object(node), "report");
	if (!rd_report_kind_from_string(rd_wire_get(object, "kind"), &kind) ||
	    rd_wire_get(object, "lane") == NULL) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "a report without sense");
		return NULL;
	}
	report = rd_report_new(kind, rd_wire_get(object, "lane"), rd_wire_get(object, "word"));
	report->key = g_strdup(rd_wire_get(object, "key"));
	report->value = g_strdup(rd_wire_get(object, "value"));
	report->text = g_strdup(rd_wire_get(object, "text"));
	report->number = rd_wire_get_int(object, "number");
	report->boot_id = g_strdup(rd_wire_get(object, "boot-id"));
	report->machine_id = g_strdup(rd_wire_get(object, "machine-id"));
	report->holder = g_strdup(rd_wire_get(object, "holder"));
	report->run = g_strdup(rd_wire_get(object, "run"));
	report->outcome = g_strdup(rd_wire_get(object, "outcome"));
	return report;
}

/* ---- lines --------------------------------------------------------------------------------- */

RdLines *
rd_lines_new(int fd)
{
	RdLines *self = g_new0(RdLines, 1);

	self->fd = fd;
	self->in = g_string_new(NULL);
	return self;
}

void
rd_lines_free(RdLines *self)
{
	if (self->fd >= 0)
		close(self->fd);
	g_string_free(self->in, TRUE);
	g_free(self);
}

void
rd_lines_fill(RdLines *self)
{
	char buffer[16384];

	for (;;) {
		ssize_t n = recv(self->fd, buffer, sizeof buffer, MSG_DONTWAIT);

		if (n > 0) {
			g_string_append_len(self->in, buffer, n);
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK))
			self->ended = TRUE;
		return;
	}
}

char *
rd_lines_next(RdLines *self)
{
	char *end = memchr(self->in->str, '\n', self->in->len);
	char *line;

	if (end == NULL)
		return NULL;
	line = g_strndup(self->in->str, end - self->in->str);
	g_string_erase(self->in, 0, end - self->in->str + 1);
	return line;
}

char *
rd_lines_wait(RdLines *self)
{
	for (;;) {
		char *line = rd_lines_next(self);
		struct pollfd fd = {.fd = self->fd, .events = POLLIN};

		if (line != NULL)
			return line;
		if (self->ended)
			return NULL;
		(void)poll(&fd, 1, -1);
		rd_lines_fill(self);
	}
}

gboolean
rd_lines_send(RdLines *self, const char *line)
{
	gsize size = strlen(line), done = 0;

	while (done < size) {
		ssize_t n = send(self->fd, line + done, size - done, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			struct pollfd fd = {.fd = self->fd, .events = POLLOUT};
			(void)poll(&fd, 1, -1);
			continue;
		}
		if (n <= 0)
			return FALSE;
		done += n;
	}
	return TRUE;
}
