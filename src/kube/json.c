/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-kube"

#include "kube/call.h"

#include <recovery/plugin.h>
#include <string.h>

/* One pass over the text before json-glib sees it: copies it, and checks what json-glib 1.6 would
 * let pass or break on. */
typedef struct {
	const char *at, *end;
	GString *out;
	guint depth;
} Scan;

static const char *
scan_string(Scan *scan)
{
	const char *from = scan->at++;

	while (scan->at < scan->end && *scan->at != '"') {
		if ((guchar)*scan->at < ' ')
			return "a control character in a string";
		scan->at += *scan->at == '\\' ? 2 : 1;
	}
	if (scan->at >= scan->end)
		return "a string without end";
	scan->at++;
	g_string_append_len(scan->out, from, scan->at - from);
	return NULL;
}

static gboolean
fits_gint64(const char *digits, gsize length)
{
	gboolean negative = digits[0] == '-';
	const char *limit = negative ? "9223372036854775808" : "9223372036854775807";

	length -= negative;
	if (length != strlen(limit))
		return length < strlen(limit);
	return strncmp(digits + negative, limit, length) <= 0;
}

static const char *
scan_number(Scan *scan)
{
	const char *from = scan->at;
	gboolean whole = TRUE;
	gsize length;

	while (scan->at < scan->end &&
	       (g_ascii_isdigit(*scan->at) || strchr("+-.eE", *scan->at) != NULL)) {
		whole = whole && (g_ascii_isdigit(*scan->at) || scan->at == from);
		scan->at++;
	}
	length = scan->at - from;
	if (!g_ascii_isdigit(scan->at[-1]) || (length > 1 && from[0] == '0' && whole))
		return "a malformed number";
	if (whole && !fits_gint64(from, length))
		g_string_append_printf(scan->out, "\"%.*s\"", (int)length, from);
	else
		g_string_append_len(scan->out, from, length);
	return NULL;
}

static const char *
scan_word(Scan *scan)
{
	static const char *const words[] = {"true", "false", "null"};

	for (guint i = 0; i < G_N_ELEMENTS(words); i++) {
		gsize length = strlen(words[i]);

		if ((gsize)(scan->end - scan->at) >= length &&
		    strncmp(scan->at, words[i], length) == 0) {
			g_string_append(scan->out, words[i]);
			scan->at += length;
			return NULL;
		}
	}
	return "something that is not JSON";
}

static const char *
scan_all(Scan *scan)
{
	while (scan->at < scan->end) {
		char c = *scan->at;
		const char *wrong = NULL;

		if (strchr("{}[]:, \t\r\n", c) != NULL && c != '\0') {
			if (c == '{' || c == '[')
				scan->depth++;
			if ((c == '}' || c == ']') && scan->depth-- == 0)
				return "a bracket too many";
			if (scan->depth > RD_KUBE_JSON_DEPTH)
				return "nested too deeply";
			g_string_append_c(scan->out, c);
			scan->at++;
		} else if (c == '"') {
			wrong = scan_string(scan);
		} else if (c == '-' || g_ascii_isdigit(c)) {
			wrong = scan_number(scan);
		} else {
			wrong = scan_word(scan);
		}
		if (wrong != NULL)
			return wrong;
	}
	return scan->depth > 0 ? "it ends in the middle" : NULL;
}

JsonNode *
rd_kube_json_parse(const char *data, gsize size, GError **error)
{
	g_autoptr(GString) text = g_string_sized_new(size + 16);
	g_autoptr(JsonParser) parser = json_parser_new_immutable();
	Scan scan = {.at = data, .end = data + size, .out = text};
	const char *wrong = NULL;

	if (!g_utf8_validate_len(data, size, NULL))
		wrong = "it is not UTF-8 text";
	else
		wrong = scan_all(&scan);
	if (wrong != NULL) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED, "not JSON: %s", wrong);
		return NULL;
	}
	if (!json_parser_load_from_data(parser, text->str, text->len, error))
		return NULL;
	if (json_parser_get_root(parser) == NULL) {
		g_set_error_literal(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
				    "not JSON: it is empty");
		return NULL;
	}
	return json_node_ref(json_parser_get_root(parser));
}
