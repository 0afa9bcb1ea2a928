/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-report"

#include <string.h>

#include "host/call.h"
#include "moved.h"

/* between the two paths of a move, in the journal's words (runner/step-touch.c) */
#define ARROW " -> "

static void
rd_moved_free(gpointer data)
{
	RdMoved *self = data;

	g_free(self->from);
	g_free(self->to);
	g_free(self);
}

static gboolean
rd_moved_is(const RdEvent *event, RdCallVerb verb)
{
	return event->kind == RD_EVENT_TOUCH && event->target != NULL && event->text != NULL &&
	       g_strcmp0(event->word, rd_call_verb_to_string(verb)) == 0;
}

static RdMoved *
rd_moved_add(GPtrArray *list, const RdEvent *event)
{
	RdMoved *moved = g_new0(RdMoved, 1);

	moved->host = event->target;
	moved->touch = event;
	g_ptr_array_add(list, moved);
	return moved;
}

/* an attempt whose answer was lost had not moved it after all, or else there were nothing to move
 * now */
static void
rd_moved_add_aside(GPtrArray *list, const RdEvent *event)
{
	RdMoved *moved;

	for (guint i = list->len; i > 0; i--) {
		const RdMoved *before = g_ptr_array_index(list, i - 1);

		if (before->aside && !before->sure && before->back == NULL &&
		    strcmp(before->host, event->target) == 0 &&
		    strcmp(before->from, event->text) == 0)
			g_ptr_array_remove_index(list, i - 1);
	}
	moved = rd_moved_add(list, event);
	moved->from = g_strdup(event->text);
	moved->aside = TRUE;
}

static gboolean
rd_moved_returns(const RdMoved *moved, const char *host, const char *from, const char *to)
{
	return moved->back == NULL && strcmp(moved->host, host) == 0 &&
	       strcmp(moved->from, to) == 0 && (moved->to == NULL || strcmp(moved->to, from) == 0);
}

/* the way back of something that was moved before, or a move of its own */
static void
rd_moved_add_move(GPtrArray *list, const RdEvent *event)
{
	const char *arrow = strstr(event->text, ARROW);
	g_autofree char *from = arrow != NULL ? g_strndup(event->text, arrow - event->text) : NULL;
	RdMoved *moved;

	if (from == NULL)
		return;
	for (guint i = list->len; i > 0; i--) {
		moved = g_ptr_array_index(list, i - 1);
		if (!rd_moved_returns(moved, event->target, from, arrow + strlen(ARROW)))
			continue;
		moved->back = event;
		if (moved->to == NULL)
			moved->to = g_steal_pointer(&from);
		return;
	}
	moved = rd_moved_add(list, event);
	moved->from = g_steal_pointer(&from);
	moved->to = g_strdup(arrow + strlen(ARROW));
}

static gboolean
rd_moved_is_end(const RdEvent *touch, const RdEvent *event)
{
	return touch != NULL && event->number == touch->number && event->visit == touch->visit &&
	       g_strcmp0(event->state, touch->state) == 0 &&
	       g_strcmp0(event->target, touch->target) == 0;
}

/* what a host refused did not happen */
static void
rd_moved_end(GPtrArray *list, const RdEvent *event)
{
	gboolean refused =
	    g_strcmp0(event->word, "refused") == 0 || g_strcmp0(event->word, "fenced") == 0;
	const char *arrow = event->text != NULL ? strstr(event->text, ARROW) : NULL;

	for (guint i = list->len; i > 0; i--) {
		RdMoved *moved = g_ptr_array_index(list, i - 1);

		if (rd_moved_is_end(moved->back, event)) {
			if (refused)
				moved->back = NULL;
			return;
		}
		if (!rd_moved_is_end(moved->touch, event))
			continue;
		moved->sure = g_strcmp0(event->word, "done") == 0;
		if (moved->aside && arrow != NULL)
			moved->to = g_strdup(arrow + strlen(ARROW));
		if (refused)
			g_ptr_array_remove_index(list, i - 1);
		return;
	}
}

GPtrArray *
rd_moved_list(GPtrArray *events)
{
	GPtrArray *list = g_ptr_array_new_with_free_func(rd_moved_free);

	for (guint i = 0; i < events->len; i++) {
		const RdEvent *event = g_ptr_array_index(events, i);

		if (rd_moved_is(event, RD_CALL_MOVE_ASIDE))
			rd_moved_add_aside(list, event);
		else if (rd_moved_is(event, RD_CALL_MOVE))
			rd_moved_add_move(list, event);
		else if (event->kind == RD_EVENT_TOUCHED)
			rd_moved_end(list, event);
	}
	return list;
}

char *
rd_moved_back_command(const RdMoved *moved, const char *run_id)
{
	g_autofree char *is = moved->to != NULL ? g_shell_quote(moved->to) : NULL;
	g_autofree char *was = g_shell_quote(moved->from);

	if (is != NULL)
		return g_strdup_printf("sudo sh -c '" RD_MOVED_SCRIPT "' mv %s %s", is, was);
	return g_strdup_printf(
	    "sudo sh -c 'set -- \"$(awk -F\"\\t\" -v was=\"$1\" \"\\$1 == was { is "
	    "= \\$2 } END { print is }\" /var/lib/recoveryd/aside/%s/index)\" "
	    "\"$1\"; [ ! -e \"$1\" ] || { " RD_MOVED_SCRIPT "; }' mv %s",
	    run_id, was);
}
