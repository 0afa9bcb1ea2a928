/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "account.h"
G_BEGIN_DECLS

/* A page that is written once and comes out as Markdown or as one HTML file, which needs no script
 * and nothing from anywhere. What is written on it is data: names, commands and what hosts said. It
 * cannot become a heading, a link, a tag or the end of a table, and what would not be seen
 * (control characters, direction marks) is spelled out as \x1b or \u{202e}. */
typedef struct _RdPaper RdPaper;

typedef enum {
	RD_TONE_PLAIN,
	RD_TONE_GOOD,
	RD_TONE_WARN,
	RD_TONE_BAD,
} RdTone;

RdPaper *rd_paper_new(RdPaperKind kind, const char *title);
/* the whole page; frees @self (transfer full) */
char *rd_paper_finish(RdPaper *self);

/* @level 2 or 3 */
void rd_paper_heading(RdPaper *self, guint level, const char *text);
void rd_paper_text(RdPaper *self, RdTone tone, const char *format, ...) G_GNUC_PRINTF(3, 4);
/* A block to be copied; its lines stay as they are. @on: (nullable) the host on which it is to be
 * typed, or "bastion": "```sh on=m1" in Markdown, so that a script finds it, too */
void rd_paper_code(RdPaper *self, const char *on, const char *text);
/* @columns ends with NULL; one that begins with '`' has commands, paths and hashes. An empty title
 * is none. */
void rd_paper_table(RdPaper *self, const char *const *columns);
/* @cells: as many as there are columns, NULL is empty */
void rd_paper_row(RdPaper *self, RdTone tone, char *const *cells);
void rd_paper_end_table(RdPaper *self);
G_END_DECLS
