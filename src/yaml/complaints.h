/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>
G_BEGIN_DECLS

#define RD_PROCEDURE_ERROR (rd_procedure_error_quark())
GQuark rd_procedure_error_quark(void);
typedef enum {
	RD_PROCEDURE_ERROR_UNREADABLE, /* missing, no permission, too large */
	RD_PROCEDURE_ERROR_INVALID,    /* read, but wrong: "FILE:LINE:COLUMN: text" per line */
	RD_PROCEDURE_ERROR_INPUT,      /* the file is right; what it was given does not fit */
} RdProcedureError;

/* What is wrong with one file, collected so that a person corrects it in one go: the first
 * RD_COMPLAINTS_MAX, in order of their place. Warnings are kept apart and forbid nothing. */
#define RD_COMPLAINTS_MAX 20

typedef struct _RdComplaints RdComplaints;

/* @file is how messages name it */
RdComplaints *rd_complaints_new(const char *file);
void rd_complaints_free(RdComplaints *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdComplaints, rd_complaints_free)

/* line and column count from 1; 0: the file as a whole */
void rd_complaints_add(RdComplaints *self, guint line, guint column, const char *format, ...)
    G_GNUC_PRINTF(4, 5);
void rd_complaints_warn(RdComplaints *self, guint line, guint column, const char *format, ...)
    G_GNUC_PRINTF(4, 5);
guint rd_complaints_count(const RdComplaints *self);
/* TRUE when there are none; else FALSE, and @error has them, one per line */
gboolean rd_complaints_settle(RdComplaints *self, GError **error);
/* (element-type utf8) (transfer full) each as "FILE:LINE:COLUMN: text" */
GPtrArray *rd_complaints_get_warnings(RdComplaints *self);

/* What was probably meant: of @known (NULL-terminated) the one nearest to @word, NULL when none is
 * near. (unowned) */
const char *rd_spell_nearest(const char *word, const char *const *known);
/* the same, ready to be appended to a message: "; did you mean NAME?", or "". (transfer full) */
char *rd_spell_hint(const char *word, const char *const *known);
G_END_DECLS
