/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-procedure"

#include "yaml/complaints.h"

#include <string.h>

G_DEFINE_QUARK(rd - procedure - error - quark, rd_procedure_error)

typedef struct {
	guint line, column;
	guint number; /* order of arrival: keeps the sort stable */
	char *text;
} Complaint;

struct _RdComplaints {
	char *file;
	GPtrArray *errors;   /* (element-type Complaint) */
	GPtrArray *warnings; /* (element-type Complaint) */
};

static void
complaint_free(Complaint *complaint)
{
	g_free(complaint->text);
	g_free(complaint);
}

RdComplaints *
rd_complaints_new(const char *file)
{
	RdComplaints *self = g_new0(RdComplaints, 1);

	self->file = g_strdup(file);
	self->errors = g_ptr_array_new_with_free_func((GDestroyNotify)complaint_free);
	self->warnings = g_ptr_array_new_with_free_func((GDestroyNotify)complaint_free);
	return self;
}

void
rd_complaints_free(RdComplaints *self)
{
	if (self == NULL)
		return;
	g_free(self->file);
	g_ptr_array_unref(self->errors);
	g_ptr_array_unref(self->warnings);
	g_free(self);
}

static void G_GNUC_PRINTF(4, 0)
    complaints_append(GPtrArray *list, guint line, guint column, const char *format, va_list args)
{
	Complaint *complaint = g_new0(Complaint, 1);

	complaint->line = line;
	complaint->column = column;
	complaint->number = list->len;
	complaint->text = g_strdup_vprintf(format, args);
	g_ptr_array_add(list, complaint);
}

void
rd_complaints_add(RdComplaints *self, guint line, guint column, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complaints_append(self->errors, line, column, format, args);
	va_end(args);
}

void
rd_complaints_warn(RdComplaints *self, guint line, guint column, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complaints_append(self->warnings, line, column, format, args);
	va_end(args);
}

guint
rd_complaints_count(const RdComplaints *self)
{
	return self->errors->len;
}

static int
complaint_compare(gconstpointer a, gconstpointer b)
{
	const Complaint *one = *(const Complaint *const *)a;
	const Complaint *two = *(const Complaint *const *)b;

	if (one->line != two->line)
		return one->line < two->line ? -1 : 1;
	if (one->column != two->column)
		return one->column < two->column ? -1 : 1;
	return one->number < two->number ? -1 : one->number > two->number;
}

static char *
complaint_print(const RdComplaints *self, const Complaint *complaint)
{
	if (complaint->line == 0)
		return g_strdup_printf("%s: %s", self->file, complaint->text);
	return g_strdup_printf("%s:%u:%u: %s", self->file, complaint->line, complaint->column,
			       complaint->text);
}

gboolean
rd_complaints_settle(RdComplaints *self, GError **error)
{
	g_autoptr(GString) text = NULL;

	if (self->errors->len == 0)
		return TRUE;
	text = g_string_new(NULL);
	g_ptr_array_sort(self->errors, complaint_compare);
	for (guint i = 0; i < MIN(self->errors->len, RD_COMPLAINTS_MAX); i++) {
		g_autofree char *line = complaint_print(self, self->errors->pdata[i]);

		g_string_append_printf(text, "%s%s", i > 0 ? "\n" : "", line);
	}
	if (self->errors->len > RD_COMPLAINTS_MAX)
		g_string_append_printf(text, "\n%s: and %u more", self->file,
				       self->errors->len - RD_COMPLAINTS_MAX);
	g_set_error_literal(error, RD_PROCEDURE_ERROR, RD_PROCEDURE_ERROR_INVALID, text->str);
	return FALSE;
}

GPtrArray *
rd_complaints_get_warnings(RdComplaints *self)
{
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);

	g_ptr_array_sort(self->warnings, complaint_compare);
	for (guint i = 0; i < self->warnings->len; i++)
		g_ptr_array_add(lines, complaint_print(self, self->warnings->pdata[i]));
	return g_steal_pointer(&lines);
}

/* Letters to insert, drop, replace, or swap with their neighbour: what fingers do wrong. Three
 * rows of the matrix are enough. */
static guint
spell_distance(const char *a, const char *b)
{
	gsize width = strlen(b) + 1;
	g_autofree guint *rows = g_new0(guint, width * 3);
	guint *before = rows, *last = rows + width, *row = rows + 2 * width;

	for (gsize j = 0; j < width; j++)
		row[j] = j;
	for (gsize i = 1; a[i - 1] != '\0'; i++) {
		guint *free_row = before;

		before = last;
		last = row;
		row = free_row;
		row[0] = i;
		for (gsize j = 1; j < width; j++) {
			guint best = last[j - 1] + (a[i - 1] != b[j - 1]);

			best = MIN(best, MIN(last[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				best = MIN(best, before[j - 2] + 1);
			row[j] = best;
		}
	}
	return row[width - 1];
}

const char *
rd_spell_nearest(const char *word, const char *const *known)
{
	const char *nearest = NULL;
	guint least = G_MAXUINT;

	/* nobody means a name by something that long, and the time is the product of the lengths */
	if (strlen(word) > 100)
		return NULL;
	for (guint i = 0; known[i] != NULL; i++) {
		guint distance = spell_distance(word, known[i]);

		if (distance < least && distance <= MAX(1, strlen(known[i]) / 3)) {
			least = distance;
			nearest = known[i];
		}
	}
	return nearest;
}

char *
rd_spell_hint(const char *word, const char *const *known)
{
	const char *nearest = rd_spell_nearest(word, known);

	return nearest == NULL ? g_strdup("") : g_strdup_printf("; did you mean %s?", nearest);
}
