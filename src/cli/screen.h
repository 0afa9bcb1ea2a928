/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>
G_BEGIN_DECLS

/* What the place can show that we print to, and how text is laid out for it. */

typedef enum {
	RD_COLOR_AUTO,
	RD_COLOR_ALWAYS,
	RD_COLOR_NEVER,
} RdColor;

typedef struct {
	gboolean tty;
	gboolean color;
	gboolean utf8;
	guint width; /* columns; 0: no limit */
	guint rows;  /* of the terminal; 0: no limit */
} RdScreen;

/* What is behind @fd. Colour: off for NO_COLOR, TERM=dumb and what is no terminal, unless
 * --color=always. Width: COLUMNS, else the terminal's, else no limit: a pipe gets whole lines. */
void rd_screen_look(RdScreen *screen, int fd, RdColor color);

/* ---- inks: marks inside a text, which rd_page_add() turns into colours or into nothing ---- */
#define RD_INK_GOOD "\001"
#define RD_INK_WORK "\002"
#define RD_INK_WARN "\003"
#define RD_INK_BAD  "\004"
#define RD_INK_DIM  "\005"
#define RD_INK_BOLD "\006"
#define RD_INK_END  "\016"
/* a space at which no line is broken: inside commands that a person copies */
#define RD_SPACE "\017"

/* @text made fit to be printed: it may come from a host or a journal. No control characters (they
 * could drive the terminal), no direction marks, valid UTF-8, one line. (transfer full) */
char *rd_screen_clean(const char *text);
/* columns that @text takes, inks not counted */
guint rd_screen_columns(const char *text);
/* @text cut to @columns, with an ellipsis when something is missing. (transfer full) */
char *rd_screen_cut(const RdScreen *screen, const char *text, guint columns);
/* @text filled up with spaces (transfer full) */
char *rd_screen_pad(const char *text, guint columns);

/* signs with a fallback for what is not UTF-8 (unowned) */
typedef enum {
	RD_SIGN_DONE,
	RD_SIGN_WORK,
	RD_SIGN_AHEAD,
	RD_SIGN_HELD,
	RD_SIGN_FAILED,
	RD_SIGN_SKIPPED,
	RD_SIGN_WAITING,
	RD_SIGN_WARN,
} RdSign;
#define RD_SIGN_LAST RD_SIGN_WARN
const char *rd_screen_sign(const RdScreen *screen, RdSign sign);

/* ---- a page: lines, broken at words ---- */

/* Appends @text as one or more lines: the first after @indent spaces, the rest after @hang. Words
 * longer than the line are broken, so no line is wider than the screen. */
void rd_page_add(GString *page, const RdScreen *screen, guint indent, guint hang, const char *text);
void rd_page_printf(GString *page, const RdScreen *screen, guint indent, guint hang,
		    const char *format, ...) G_GNUC_PRINTF(5, 6);
G_END_DECLS
