/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>
G_BEGIN_DECLS

/* "${name}" inside a text: a value that is known later. A "$" without "{" is a "$". Values are put
 * in once and not looked at again, and none may contain "${" itself, so nobody's input becomes a
 * reference. */

/* TRUE when @text refers to something (or tries to) */
gboolean rd_template_has(const char *text);
/* The names in @text, in their order: (element-type utf8) (transfer full). NULL when one is broken;
 * *wrong says how (unowned). */
GPtrArray *rd_template_names(const char *text, const char **wrong);
/* @text with each name that @values (element-type utf8 utf8) knows replaced, the others left as
 * they stand. @text must have passed rd_template_names(). (transfer full) */
char *rd_template_fill(const char *text, GHashTable *values);
G_END_DECLS
