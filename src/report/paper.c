/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-report"

#include <string.h>

#include "paper.h"

struct _RdPaper {
	RdPaperKind kind;
	GString *out;
	guint n_columns;
	gboolean *code; /* (owned) (nullable) which columns of the open table have code */
};

/* colours have a contrast of 4.5:1 or more in both schemes; the first column of a table tells the
 * tone in words, too */
static const char style[] =
    ":root{color-scheme:light dark;--ink:#1b1f24;--paper:#fff;--soft:#57606a;--line:#d0d7de;"
    "--band:#f6f8fa;--good:#1a7f37;--warn:#7d4e00;--bad:#b3261e}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--paper:#0d1117;--soft:#9da7b3;"
    "--line:#30363d;--band:#161b22;--good:#56d364;--warn:#e3b341;--bad:#ff8b82}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0 auto;max-width:84rem;padding:1.5rem 1rem 4rem;background:var(--paper);"
    "color:var(--ink);font:15px/1.5 system-ui,sans-serif}\n"
    "h1{font-size:1.7rem;line-height:1.25;margin:.5rem 0 1rem;overflow-wrap:anywhere}\n"
    "h2{font-size:1.2rem;margin:2.2rem 0 .6rem;border-bottom:1px solid var(--line);"
    "padding-bottom:.2rem}\n"
    "h3{font-size:1rem;margin:1.4rem 0 .4rem;overflow-wrap:anywhere}\n"
    "p{margin:.5rem 0;max-width:60rem;overflow-wrap:anywhere}\n"
    ".wide{overflow-x:auto;margin:.5rem 0 1rem}\n"
    "table{border-collapse:collapse;width:100%;font-size:.92em}\n"
    "th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;"
    "border-bottom:1px solid var(--line);white-space:pre-wrap;overflow-wrap:break-word;"
    "max-width:36rem}\n"
    "th{color:var(--soft);font-weight:600;white-space:nowrap}\n"
    "code,pre{font:.92em/1.45 ui-monospace,monospace}\n"
    "pre{background:var(--band);border:1px solid var(--line);border-radius:4px;padding:.6rem .8rem;"
    "white-space:pre-wrap;overflow-wrap:anywhere;margin:.5rem 0}\n"
    "pre>b{color:var(--soft);font-weight:600;user-select:none}\n"
    ".good>td:first-child{box-shadow:inset 3px 0 var(--good)}"
    ".warn>td:first-child{box-shadow:inset 3px 0 var(--warn)}"
    ".bad>td:first-child{box-shadow:inset 3px 0 var(--bad)}\n"
    "p.good{color:var(--good)}p.warn{color:var(--warn)}p.bad{color:var(--bad);font-weight:600}\n"
    "@media print{:root{color-scheme:light;--ink:#000;--paper:#fff;--soft:#444;--line:#bbb;"
    "--band:#f4f4f4;--good:#1a7f37;--warn:#7d4e00;--bad:#b3261e}body{font-size:10px;padding:0;"
    "max-width:none}.wide{overflow:visible}td{overflow-wrap:anywhere}thead{display:table-header-"
    "group}tr,pre{break-inside:"
    "avoid}h2,h3{break-after:avoid}}\n";

static const char *const tones[] = {
    [RD_TONE_PLAIN] = "",
    [RD_TONE_GOOD] = "good",
    [RD_TONE_WARN] = "warn",
    [RD_TONE_BAD] = "bad",
};

/* ---- what may stand on a page -------------------------------------------------------------- */

/* marks of direction, invisible spaces, line ends that are none, and tags: seen as something that
 * is not there */
static gboolean
rd_paper_hides(gunichar c)
{
	switch (g_unichar_type(c)) {
	case G_UNICODE_CONTROL:
	case G_UNICODE_FORMAT:
	case G_UNICODE_LINE_SEPARATOR:
	case G_UNICODE_PARAGRAPH_SEPARATOR:
	case G_UNICODE_SURROGATE:
	case G_UNICODE_PRIVATE_USE:
	case G_UNICODE_UNASSIGNED:
		return TRUE;
	default:
		return FALSE;
	}
}

/* @block: line feeds and tabs stay */
static char *
rd_paper_clean(const char *text, gboolean block)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	GString *out = g_string_sized_new(strlen(valid));

	for (const char *p = valid; *p != '\0'; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);

		if (c == '\n' || c == '\t')
			g_string_append(out, block ? (c == '\n' ? "\n" : "\t") : " ");
		else if (!rd_paper_hides(c))
			g_string_append_unichar(out, c);
		else
			g_string_append_printf(out, c < 0x80 ? "\\x%02x" : "\\u{%x}", c);
	}
	return g_string_free(out, FALSE);
}

static guint
rd_paper_longest_run(const char *text, char of)
{
	guint longest = 0, run = 0;

	for (; *text != '\0'; text++) {
		run = *text == of ? run + 1 : 0;
		longest = MAX(longest, run);
	}
	return longest;
}

/* Backslashes before what means something in a line, and entities where a backslash does not keep a
 * reader from making a link of it. */
static void
rd_markdown_text(GString *out, const char *text)
{
	g_autofree char *clean = rd_paper_clean(text, FALSE);
	const char *word = g_strstrip(clean);

	/* a line that begins like a list or a heading is none */
	if (*word != '\0' && strchr("#+-=", *word) != NULL)
		g_string_append_c(out, '\\');
	for (const char *p = word; *p != '\0'; p++) {
		if (*p == '&')
			g_string_append(out, "&amp;");
		else if (*p == '<')
			g_string_append(out, "&lt;");
		else if (*p == '@')
			g_string_append(out, "&#64;");
		else if (g_str_has_prefix(p, "://"))
			g_string_append(out, "&#58;");
		else if (g_ascii_strncasecmp(p, "www.", 4) == 0)
			g_string_append(out, "&#119;");
		else if (strchr("\\`*_[]>|~", *p) != NULL)
			g_string_append_printf(out, "\\%c", *p);
		else
			g_string_append_c(out, *p);
	}
}

/* in a table a pipe ends the cell also inside of code, unless it has a backslash */
static void
rd_markdown_code(GString *out, const char *text)
{
	g_autofree char *clean = rd_paper_clean(text, FALSE);
	guint fence = rd_paper_longest_run(clean, '`') + 1;
	g_autofree char *marks = g_strnfill(fence, '`');
	const char *pad = strchr(clean, '`') != NULL ? " " : "";

	if (*g_strstrip(clean) == '\0')
		return;
	g_string_append_printf(out, "%s%s", marks, pad);
	for (const char *p = clean; *p != '\0'; p++)
		g_string_append(out, *p == '|' ? "\\|" : ((char[]){*p, '\0'}));
	g_string_append_printf(out, "%s%s", pad, marks);
}

static void
rd_html_text(GString *out, const char *text, gboolean block)
{
	g_autofree char *clean = rd_paper_clean(text, block);
	g_autofree char *escaped = g_markup_escape_text(clean, -1);

	g_string_append(out, escaped);
}

/* ---- the page ------------------------------------------------------------------------------ */

RdPaper *
rd_paper_new(RdPaperKind kind, const char *title)
{
	RdPaper *self = g_new0(RdPaper, 1);

	self->kind = kind;
	self->out = g_string_new(NULL);
	if (kind == RD_PAPER_MARKDOWN) {
		g_string_append(self->out, "# ");
		rd_markdown_text(self->out, title);
		g_string_append(self->out, "\n");
		return self;
	}
	g_string_append(
	    self->out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		       "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		       "style-src 'unsafe-inline'\">\n"
		       "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
		       "<title>");
	rd_html_text(self->out, title, FALSE);
	g_string_append_printf(
	    self->out, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<main>\n<h1>", style);
	rd_html_text(self->out, title, FALSE);
	g_string_append(self->out, "</h1>\n");
	return self;
}

char *
rd_paper_finish(RdPaper *self)
{
	char *text;

	if (self->kind == RD_PAPER_HTML)
		g_string_append(self->out, "</main>\n</body>\n</html>\n");
	text = g_string_free(self->out, FALSE);
	g_free(self->code);
	g_free(self);
	return text;
}

void
rd_paper_heading(RdPaper *self, guint level, const char *text)
{
	if (self->kind == RD_PAPER_MARKDOWN) {
		g_string_append_printf(self->out, "\n%s ", level == 2 ? "##" : "###");
		rd_markdown_text(self->out, text);
		g_string_append(self->out, "\n");
		return;
	}
	g_string_append_printf(self->out, "<h%u>", level);
	rd_html_text(self->out, text, FALSE);
	g_string_append_printf(self->out, "</h%u>\n", level);
}

void
rd_paper_text(RdPaper *self, RdTone tone, const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	if (self->kind == RD_PAPER_MARKDOWN) {
		g_string_append(self->out, "\n");
		rd_markdown_text(self->out, text);
		g_string_append(self->out, "\n");
		return;
	}
	g_string_append_printf(self->out, "<p class=\"%s\">", tones[tone]);
	rd_html_text(self->out, text, TRUE);
	g_string_append(self->out, "</p>\n");
}

void
rd_paper_code(RdPaper *self, const char *on, const char *text)
{
	if (self->kind == RD_PAPER_MARKDOWN) {
		g_autofree char *clean = rd_paper_clean(text, TRUE);
		guint fence = MAX(3, rd_paper_longest_run(clean, '`') + 1);
		g_autofree char *marks = g_strnfill(fence, '`');
		g_autofree char *host = on != NULL ? rd_paper_clean(on, FALSE) : NULL;

		g_string_append_printf(self->out, "\n%ssh%s%s\n%s%s%s\n", marks,
				       host != NULL ? " on=" : "", host != NULL ? host : "", clean,
				       g_str_has_suffix(clean, "\n") ? "" : "\n", marks);
		return;
	}
	g_string_append(self->out, "<pre>");
	if (on != NULL) {
		g_string_append(self->out, "<b>on ");
		rd_html_text(self->out, on, FALSE);
		g_string_append(self->out, "</b>\n");
	}
	rd_html_text(self->out, text, TRUE);
	g_string_append(self->out, "</pre>\n");
}

void
rd_paper_table(RdPaper *self, const char *const *columns)
{
	gboolean markdown = self->kind == RD_PAPER_MARKDOWN;

	self->n_columns = g_strv_length((char **)columns);
	g_free(self->code);
	self->code = g_new0(gboolean, self->n_columns);
	g_string_append(self->out, markdown ? "\n|" : "<div class=\"wide\"><table>\n<thead><tr>");
	for (guint i = 0; i < self->n_columns; i++) {
		self->code[i] = columns[i][0] == '`';
		g_string_append_printf(self->out, markdown ? " %s |" : "<th>%s</th>",
				       columns[i] + self->code[i]);
	}
	g_string_append(self->out, markdown ? "\n|" : "</tr></thead>\n<tbody>\n");
	for (guint i = 0; markdown && i < self->n_columns; i++)
		g_string_append(self->out, "---|");
	if (markdown)
		g_string_append(self->out, "\n");
}

static void
rd_markdown_row(RdPaper *self, char *const *cells)
{
	g_string_append(self->out, "|");
	for (guint i = 0; i < self->n_columns; i++) {
		g_string_append(self->out, " ");
		if (cells[i] != NULL && self->code[i])
			rd_markdown_code(self->out, cells[i]);
		else if (cells[i] != NULL)
			rd_markdown_text(self->out, cells[i]);
		g_string_append(self->out, " |");
	}
	g_string_append(self->out, "\n");
}

static void
rd_html_row(RdPaper *self, RdTone tone, char *const *cells)
{
	g_string_append_printf(self->out, "<tr class=\"%s\">", tones[tone]);
	for (guint i = 0; i < self->n_columns; i++) {
		gboolean code = cells[i] != NULL && *cells[i] != '\0' && self->code[i];

		g_string_append(self->out, code ? "<td><code>" : "<td>");
		if (cells[i] != NULL)
			rd_html_text(self->out, cells[i], TRUE);
		g_string_append(self->out, code ? "</code></td>" : "</td>");
	}
	g_string_append(self->out, "</tr>\n");
}

void
rd_paper_row(RdPaper *self, RdTone tone, char *const *cells)
{
	if (self->kind == RD_PAPER_MARKDOWN)
		rd_markdown_row(self, cells);
	else
		rd_html_row(self, tone, cells);
}

void
rd_paper_end_table(RdPaper *self)
{
	if (self->kind == RD_PAPER_HTML)
		g_string_append(self->out, "</tbody>\n</table></div>\n");
}
