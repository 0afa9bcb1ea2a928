/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-journal"

#include "redact.h"
#include <string.h>

#define HIDDEN "[redacted]"

struct _RdRedact {
	GPtrArray *secrets; /* (element-type utf8) */
};

/* what is to be hidden: bytes [begin, end) of the text */
typedef struct {
	gsize begin, end;
} Span;

typedef struct {
	const char *text;
	GArray *spans; /* (element-type Span) (nullable) until the first */
} Find;

static void
hide(Find *find, const char *begin, const char *end)
{
	Span span = {(gsize)(begin - find->text), (gsize)(end - find->text)};

	if (begin >= end || g_str_has_prefix(begin, HIDDEN))
		return;
	if (find->spans == NULL)
		find->spans = g_array_new(FALSE, FALSE, sizeof(Span));
	g_array_append_val(find->spans, span);
}

static gboolean
is_name(char c)
{
	return g_ascii_isalnum(c) || c == '_' || c == '-';
}

/* RFC 7235 token68, which all bearer tokens are; base64 in either alphabet is contained in it */
static const char *
skip_token(const char *p)
{
	while (g_ascii_isalnum(*p) || (*p != '\0' && strchr("-._~+/=", *p) != NULL))
		p++;
	return p;
}

static void
find_known(Find *find, const char *secret)
{
	gsize size = strlen(secret);

	for (const char *p = find->text; (p = strstr(p, secret)) != NULL; p += size)
		hide(find, p, p + size);
}

/* also a block whose end, or whose beginning, was cut off */
static void
find_private_keys(Find *find)
{
	static const char mark[] = "PRIVATE KEY-----";
	const char *open = NULL;
	gboolean first = TRUE;

	for (const char *p = find->text; (p = strstr(p, mark)) != NULL; first = FALSE) {
		const char *word = p;

		while (word > find->text && (g_ascii_isupper(word[-1]) || word[-1] == ' '))
			word--;
		p += strlen(mark);
		if (g_str_has_prefix(word, "BEGIN ")) {
			open = word;
		} else if (g_str_has_prefix(word, "END ") && (open != NULL || first)) {
			hide(find, open != NULL ? open : find->text, p);
			open = NULL;
		}
	}
	if (open != NULL)
		hide(find, open, open + strlen(open));
}

/* tokens that are recognised by how they begin */
static void
find_shapes(Find *find)
{
	static const struct {
		const char *prefix;
		const char *harmless; /* (nullable) that goes on like this */
		gsize min;	      /* bytes behind the prefix */
	} shapes[] = {
	    {"sha256~", NULL, 20},
	    {"eyJ", NULL, 40},				/* {" in base64: a JWT */
	    {"LS0tLS1CRUdJTi", "BDRVJUSUZJQ0FURS", 20}, /* -----BEGIN, not a CERTIFICATE- */
	};

	for (guint i = 0; i < G_N_ELEMENTS(shapes); i++)
		for (const char *p = find->text; (p = strstr(p, shapes[i].prefix)) != NULL;) {
			const char *rest = p + strlen(shapes[i].prefix);
			const char *end = skip_token(rest);

			if ((gsize)(end - rest) >= shapes[i].min &&
			    (shapes[i].harmless == NULL ||
			     !g_str_has_prefix(rest, shapes[i].harmless)))
				hide(find, p, end);
			p = end;
		}
}

static void
find_authorization(Find *find)
{
	static const char *const schemes[] = {"Bearer ", "Authorization: Basic "};

	for (guint i = 0; i < G_N_ELEMENTS(schemes); i++)
		for (const char *p = find->text; (p = strcasestr(p, schemes[i])) != NULL;) {
			const char *end;

			p += strlen(schemes[i]);
			end = skip_token(p);
			/* "bearer tokens are…" is prose */
			if (end - p >= 8)
				hide(find, p, end);
		}
}

/* a quoted value to its quote, a bare one to the next separator */
static const char *
value_end(const char *p, char quote)
{
	for (; *p != '\0'; p++) {
		if (quote != '\0' && *p == '\\' && p[1] != '\0')
			p++;
		else if (quote != '\0' ? *p == quote : strchr(" \t\r\n&;,'\"\\)}", *p) != NULL)
			break;
	}
	return p;
}

static void
hide_value(Find *find, const char *p)
{
	char quote = *p == '"' || *p == '\'' ? *p : '\0';

	if (quote != '\0')
		p++;
	else if (g_str_has_prefix(p, "\\\"")) /* JSON inside a JSON string */
		p += 2;
	hide(find, p, value_end(p, quote));
}

/* "password: x" in YAML fills its line; in prose ("wrong password: try again") it does not */
static gboolean
fills_line(Find *find, const char *name, const char *value)
{
	const char *end = value_end(value, '\0');

	while (name > find->text && (name[-1] == ' ' || name[-1] == '\t' || name[-1] == '-'))
		name--;
	return (name == find->text || name[-1] == '\n') && (*end == '\0' || *end == '\n');
}

static void
assignment(Find *find, const char *name, const char *end)
{
	const char *p = end;
	char sign;

	if (g_str_has_prefix(p, "\\\""))
		p += 2;
	else if (*p == '"' || *p == '\'')
		p++;
	if (*p == ' ' && g_str_has_prefix(name, "--") && p[1] != '-') {
		hide_value(find, p + 1);
		return;
	}
	p += strspn(p, " \t");
	sign = *p;
	if (sign != '=' && sign != ':')
		return;
	p++;
	p += strspn(p, " \t");
	if (sign == '=' || *p == '"' || *p == '\'' || *p == '\\' || fills_line(find, name, p))
		hide_value(find, p);
}

static void
find_assignments(Find *find)
{
	static const char *const names[] = {"password",	  "passwd",	"passphrase", "secret",
					    "token",	  "api_key",	"api-key",    "apikey",
					    "access_key", "access-key", "\"auth"};

	for (guint i = 0; i < G_N_ELEMENTS(names); i++)
		for (const char *p = find->text; (p = strcasestr(p, names[i])) != NULL;) {
			const char *name = p;

			p += strlen(names[i]);
			while (name > find->text && is_name(name[-1]))
				name--;
			if (!g_str_has_prefix(p - MIN(p - name, 13), "cluster-token") &&
			    !g_str_has_prefix(p - MIN(p - name, 13), "CLUSTER_TOKEN"))
				assignment(find, name, p);
		}
}

/* https://user:password@host; https://token@host; but ssh://core@host names nobody's secret */
static void
find_userinfo(Find *find)
{
	for (const char *p = find->text; (p = strstr(p, "://")) != NULL;) {
		gboolean ssh = (p - find->text >= 3 && strncmp(p - 3, "ssh", 3) == 0) ||
			       (p - find->text >= 4 && strncmp(p - 4, "sftp", 4) == 0);
		const char *begin = p + 3;
		const char *end = begin + strcspn(begin, "/?# \t\r\n\"'<>");
		const char *at = memrchr(begin, '@', (gsize)(end - begin));
		const char *colon = at != NULL ? memchr(begin, ':', (gsize)(at - begin)) : NULL;

		if (at != NULL && (colon != NULL || !ssh))
			hide(find, ssh ? colon + 1 : begin, at);
		p = end;
	}
}

static int
compare_spans(gconstpointer a, gconstpointer b)
{
	const Span *left = a, *right = b;

	return left->begin < right->begin ? -1 : left->begin > right->begin;
}

static char *
blot(Find *find)
{
	g_autoptr(GString) out = g_string_new(NULL);
	gsize done = 0;

	g_array_sort(find->spans, compare_spans);
	for (guint i = 0; i < find->spans->len; i++) {
		const Span *span = &g_array_index(find->spans, Span, i);

		if (span->begin >= done) {
			g_string_append_len(out, find->text + done, (gssize)(span->begin - done));
			g_string_append(out, HIDDEN);
		}
		done = MAX(done, span->end);
	}
	g_string_append(out, find->text + done);
	return g_string_free(g_steal_pointer(&out), FALSE);
}

RdRedact *
rd_redact_new(void)
{
	RdRedact *self = g_new0(RdRedact, 1);

	self->secrets = g_ptr_array_new_with_free_func(g_free);
	return self;
}

void
rd_redact_free(RdRedact *self)
{
	g_ptr_array_unref(self->secrets);
	g_free(self);
}

gboolean
rd_redact_add(RdRedact *self, const char *secret)
{
	if (strlen(secret) < RD_REDACT_MIN)
		return FALSE;
	if (!g_ptr_array_find_with_equal_func(self->secrets, secret, g_str_equal, NULL))
		g_ptr_array_add(self->secrets, g_strdup(secret));
	return TRUE;
}

char *
rd_redact_text(RdRedact *self, const char *text)
{
	Find find = {text, NULL};
	char *blotted;

	for (guint i = 0; self != NULL && i < self->secrets->len; i++)
		find_known(&find, g_ptr_array_index(self->secrets, i));
	find_private_keys(&find);
	find_shapes(&find);
	/* most words of a journal have none of these */
	if (strpbrk(text, "= :") != NULL) {
		find_authorization(&find);
		find_assignments(&find);
		find_userinfo(&find);
	}
	if (find.spans == NULL)
		return NULL;
	blotted = blot(&find);
	g_array_unref(find.spans);
	return blotted;
}
