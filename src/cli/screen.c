/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "screen.h"

/* narrower is not laid out any more, wider is not believed */
#define RD_SCREEN_LEAST 20
#define RD_SCREEN_MOST	1000

static const struct {
	const char *utf8, *ascii;
} signs[] = {
    [RD_SIGN_DONE] = {"✓", "ok"},    [RD_SIGN_WORK] = {"▶", ">>"},
    [RD_SIGN_AHEAD] = {"·", ".."},   [RD_SIGN_HELD] = {"?", "??"},
    [RD_SIGN_FAILED] = {"✗", "!!"},  [RD_SIGN_SKIPPED] = {"-", "--"},
    [RD_SIGN_WAITING] = {"~", "~~"}, [RD_SIGN_WARN] = {"!", "!"},
};

G_STATIC_ASSERT(G_N_ELEMENTS(signs) == RD_SIGN_LAST + 1);

static guint
rd_screen_env_columns(void)
{
	const char *text = g_getenv("COLUMNS");
	guint64 value;

	if (text == NULL ||
	    !g_ascii_string_to_unsigned(text, 10, RD_SCREEN_LEAST, RD_SCREEN_MOST, &value, NULL))
		return 0;
	return value;
}

void
rd_screen_look(RdScreen *screen, int fd, RdColor color)
{
	const char *no_color = g_getenv("NO_COLOR");
	const char *term = g_getenv("TERM");
	struct winsize size = {0};

	screen->tty = isatty(fd);
	screen->utf8 = g_get_charset(NULL);
	screen->width = rd_screen_env_columns();
	screen->rows = 0;
	if (screen->tty && ioctl(fd, TIOCGWINSZ, &size) == 0) {
		if (screen->width == 0 && size.ws_col > 0)
			screen->width = CLAMP(size.ws_col, RD_SCREEN_LEAST, RD_SCREEN_MOST);
		screen->rows = size.ws_row;
	}
	if (screen->tty && screen->width == 0)
		screen->width = 80;
	screen->color = screen->tty && (no_color == NULL || *no_color == '\0') && term != NULL &&
			strcmp(term, "dumb") != 0;
	if (color != RD_COLOR_AUTO)
		screen->color = color == RD_COLOR_ALWAYS;
}

char *
rd_screen_clean(const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text != NULL ? text : "", -1);
	g_autofree char *stripped = NULL;
	GString *clean = g_string_new(NULL);

	for (const char *p = valid; *p != '\0'; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);

		if (g_unichar_isspace(c)) {
			if (clean->len > 0 && clean->str[clean->len - 1] != ' ')
				g_string_append_c(clean, ' ');
		} else if (g_unichar_iscntrl(c) || g_unichar_type(c) == G_UNICODE_FORMAT) {
			g_string_append_c(clean, '?');
		} else {
			g_string_append_unichar(clean, c);
		}
	}
	stripped = g_string_free(clean, FALSE);
	return g_strdup(g_strchomp(stripped));
}

static gboolean
rd_is_ink(char c)
{
	return (c >= 1 && c <= 6) || c == *RD_INK_END;
}

static guint
rd_char_columns(const char *p)
{
	gunichar c = g_utf8_get_char(p);

	if (rd_is_ink(*p) || g_unichar_iszerowidth(c))
		return 0;
	return g_unichar_iswide(c) ? 2 : 1;
}

guint
rd_screen_columns(const char *text)
{
	guint columns = 0;

	for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p))
		columns += rd_char_columns(p);
	return columns;
}

char *
rd_screen_cut(const RdScreen *screen, const char *text, guint columns)
{
	const char *dots = screen->utf8 ? "…" : "..";
	guint room = columns - MIN(columns, rd_screen_columns(dots));
	gboolean full = FALSE;
	guint used = 0;
	GString *cut;

	if (rd_screen_columns(text) <= columns)
		return g_strdup(text);
	cut = g_string_new(NULL);
	for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p)) {
		guint width = rd_char_columns(p);

		if (!full && used + width > room) {
			g_string_append(cut, dots);
			full = TRUE;
		}
		/* inks behind the cut stay, so that they are closed */
		if (!full || rd_is_ink(*p))
			g_string_append_unichar(cut, g_utf8_get_char(p));
		used += width;
	}
	return g_string_free(cut, FALSE);
}

char *
rd_screen_pad(const char *text, guint columns)
{
	guint used = rd_screen_columns(text);

	return g_strdup_printf("%s%*s", text, used < columns ? (int)(columns - used) : 0, "");
}

const char *
rd_screen_sign(const RdScreen *screen, RdSign sign)
{
	return screen->utf8 ? signs[sign].utf8 : signs[sign].ascii;
}

/* ---- pages --------------------------------------------------------------------------------- */

static void
rd_page_put(GString *page, const RdScreen *screen, const char *p)
{
	static const char *const codes[] = {NULL, "32", "36", "33", "31", "2", "1"};

	if (*p == *RD_SPACE)
		g_string_append_c(page, ' ');
	else if (!rd_is_ink(*p))
		g_string_append_unichar(page, g_utf8_get_char(p));
	else if (screen->color && *p == *RD_INK_END)
		g_string_append(page, "\033[0m");
	else if (screen->color)
		g_string_append_printf(page, "\033[%sm", codes[(guchar)*p]);
}

static void
rd_page_spaces(GString *page, guint n)
{
	g_string_append_printf(page, "%*s", (int)n, "");
}

/* the length in columns of the word at @p; what ends it is a space or the end */
static guint
rd_page_word(const char *p, const char **end)
{
	guint columns = 0;

	for (; *p != '\0' && *p != ' '; p = g_utf8_next_char(p))
		columns += rd_char_columns(p);
	*end = p;
	return columns;
}

/* Where even a whole line cannot hold what ought to stay together, its spaces become ordinary. */
static char *
rd_page_soften(const char *text, guint room)
{
	GString *soft = g_string_new(text);

	for (gsize from = 0; from < soft->len;) {
		gsize length = strcspn(soft->str + from, " ");
		g_autofree char *word = g_strndup(soft->str + from, length);

		if (rd_screen_columns(word) > room)
			for (gsize i = from; i < from + length; i++)
				if (soft->str[i] == *RD_SPACE)
					soft->str[i] = ' ';
		from += length + 1;
	}
	return g_string_free(soft, FALSE);
}

void
rd_page_add(GString *page, const RdScreen *screen, guint indent, guint hang, const char *text)
{
	guint width = screen->width > 0 ? screen->width : G_MAXUINT / 2;
	g_autofree char *ascii = NULL;
	g_autofree char *soft = NULL;
	guint column, start;

	/* the C locale's table: the same result wherever it runs */
	if (!screen->utf8)
		text = ascii = g_str_to_ascii(text, "C");
	/* on a screen that is all indent there is room for nothing */
	indent = MIN(indent, width / 2);
	hang = MIN(hang, width / 2);
	text = soft = rd_page_soften(text, width - hang);
	column = start = indent;
	rd_page_spaces(page, indent);
	for (const char *p = text; *p != '\0';) {
		const char *end;
		guint spaces = 0, word;

		for (; *p == ' '; p++)
			spaces++;
		word = rd_page_word(p, &end);
		if (column > start && column + spaces + word > width) {
			g_string_append_c(page, '\n');
			rd_page_spaces(page, hang);
			column = start = hang;
			spaces = 0;
		}
		if (*p == '\0')
			spaces = 0; /* none at the end of a line */
		rd_page_spaces(page, spaces);
		column += spaces;
		for (; p < end; p = g_utf8_next_char(p)) {
			guint one = rd_char_columns(p);

			if (column + one > width) {
				g_string_append_c(page, '\n');
				rd_page_spaces(page, hang);
				column = start = hang;
			}
			rd_page_put(page, screen, p);
			column += one;
		}
	}
	g_string_append_c(page, '\n');
}

void
rd_page_printf(GString *page, const RdScreen *screen, guint indent, guint hang, const char *format,
	       ...)
{
	g_autofree char *text = NULL;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	rd_page_add(page, screen, indent, hang, text);
}
