/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-report"

#include <string.h>

#include "account-private.h"
#include "attempt.h"
#include "yaml/json.h"

/* What a run leaves behind: what it moved, what it borrowed, what is still there. */

static void
rd_account_moved(JsonBuilder *json, const RdEvidence *evidence, GPtrArray *list)
{
	json_builder_set_member_name(json, "moved");
	json_builder_begin_array(json);
	for (guint i = 0; i < list->len; i++) {
		const RdMoved *moved = g_ptr_array_index(list, i);
		g_autofree char *step =
		    rd_account_step_name(moved->touch->state, moved->touch->target);
		g_autofree char *command =
		    moved->back == NULL ? rd_moved_back_command(moved, evidence->run_id) : NULL;

		json_builder_begin_object(json);
		rd_account_event(json, moved->touch);
		rd_json_string(json, "host", moved->host);
		rd_json_string(json, "step", step);
		rd_json_string(json, "from", moved->from);
		rd_json_string(json, "to", moved->to);
		rd_json_bool(json, "aside", moved->aside);
		rd_json_bool(json, "certain", moved->sure);
		rd_json_bool(json, "back", moved->back != NULL);
		rd_json_wall(json, "back_at", moved->back != NULL ? moved->back->wall : 0);
		rd_json_string(json, "put_back", command);
		json_builder_end_object(json);
	}
	json_builder_end_array(json);
}

/* the step's first intent of all visits, and the event that took it back */
static void
rd_account_borrowing(const RdEvidence *evidence, const RdStep *step, const RdEvent **lent,
		     const RdEvent **back)
{
	*lent = *back = NULL;
	for (guint i = 0; i < evidence->events->len; i++) {
		const RdEvent *event = g_ptr_array_index(evidence->events, i);

		if (event->kind != RD_EVENT_STEP ||
		    g_strcmp0(event->state, step->plan->name) != 0 ||
		    g_strcmp0(event->target, step->target) != 0)
			continue;
		if (*lent == NULL && g_strcmp0(event->word, "intent") == 0)
			*lent = event;
		if (*lent != NULL)
			*back = event;
	}
	if (step->life != RD_LIFE_UNDONE)
		*back = NULL;
}

static void
rd_account_borrowed(JsonBuilder *json, const RdEvidence *evidence)
{
	GPtrArray *steps = evidence->run != NULL ? rd_run_get_steps(evidence->run) : NULL;

	json_builder_set_member_name(json, "borrowed");
	json_builder_begin_array(json);
	for (guint i = 0; steps != NULL && i < steps->len; i++) {
		const RdStep *step = g_ptr_array_index(steps, i);
		g_autofree char *name = rd_account_step_name(step->plan->name, step->target);
		const RdEvent *lent, *back;

		if (step->plan->borrow == NULL)
			continue;
		rd_account_borrowing(evidence, step, &lent, &back);
		if (lent == NULL)
			continue;
		json_builder_begin_object(json);
		rd_account_event(json, lent);
		rd_json_string(json, "step", name);
		rd_json_string(json, "type", step->plan->type);
		rd_json_string(json, "until", step->plan->borrow);
		rd_json_bool(json, "owed", step->owed);
		rd_json_wall(json, "back_at", back != NULL ? back->wall : 0);
		rd_json_string(json, "text", step->text);
		json_builder_end_object(json);
	}
	json_builder_end_array(json);
}

/* ---- left ---------------------------------------------------------------------------------- */

static void rd_account_leave(JsonBuilder *json, const char *where, const char *kind,
			     const char *format, ...) G_GNUC_PRINTF(4, 5);

static void
rd_account_leave(JsonBuilder *json, const char *where, const char *kind, const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	json_builder_begin_object(json);
	rd_json_string(json, "where", where);
	rd_json_string(json, "kind", kind);
	rd_json_string(json, "what", text);
	json_builder_end_object(json);
}

static void
rd_account_left_moved(JsonBuilder *json, GPtrArray *list)
{
	for (guint i = 0; i < list->len; i++) {
		const RdMoved *moved = g_ptr_array_index(list, i);

		if (moved->back != NULL || !moved->aside)
			continue;
		if (moved->to != NULL)
			rd_account_leave(json, moved->host, "aside", "%s, which was %s", moved->to,
					 moved->from);
		else
			rd_account_leave(
			    json, moved->host, "aside",
			    "%s, perhaps: the answer was lost. "
			    "/var/lib/recoveryd/aside/RUN/index on the host says where to",
			    moved->from);
	}
}

static void
rd_account_left_hosts(JsonBuilder *json, const RdEvidence *evidence)
{
	GPtrArray *hosts = rd_run_get_hosts(evidence->run);

	for (guint i = 0; i < hosts->len; i++) {
		const RdRunHost *host = g_ptr_array_index(hosts, i);
		const char *name = host->plan->name;

		if (host->left)
			rd_account_leave(json, name, "host", "a worker that was left: %s",
					 host->left_why != NULL ? host->left_why : "");
		if (host->excused)
			rd_account_leave(json, name, "host",
					 host->returned
					     ? "stated to be powered off, and came back: it "
					       "was fenced; power it off until it is "
					       "rebuilt"
					     : "stated to be powered off; it has to stay "
					       "so until it is rebuilt");
		if (!host->taken_before)
			continue;
		if (!host->released)
			rd_account_leave(json, name, "lock",
					 "its lock #%" G_GINT64_FORMAT
					 " is still this run's, as far as the journal says",
					 host->asked);
		rd_account_leave(json, name, "record",
				 "/var/lib/recoveryd/jobs/%s, what the run's jobs said; nothing "
				 "needs it any more after the report",
				 evidence->run_id);
	}
}

static void
rd_account_left_steps(JsonBuilder *json, const RdEvidence *evidence)
{
	GPtrArray *steps = rd_run_get_steps(evidence->run);

	for (guint i = 0; i < steps->len; i++) {
		const RdStep *step = g_ptr_array_index(steps, i);
		g_autofree char *name = rd_account_step_name(step->plan->name, step->target);

		if (step->owed)
			rd_account_leave(json, step->target, "owed",
					 "%s: what it borrowed was not given back%s%s", name,
					 step->text != NULL ? ": " : "",
					 step->text != NULL ? step->text : "");
		if (step->life == RD_LIFE_HELD || step->life == RD_LIFE_FAILED)
			rd_account_leave(
			    json, step->target, "open", "%s: %s%s%s", name,
			    step->intent ? "may have been done, may be half done" : "was not done",
			    step->text != NULL ? ": " : "", step->text != NULL ? step->text : "");
	}
}

void
rd_account_left(JsonBuilder *json, const RdEvidence *evidence)
{
	g_autoptr(GPtrArray) list = rd_moved_list(evidence->events);

	rd_account_moved(json, evidence, list);
	rd_account_borrowed(json, evidence);
	json_builder_set_member_name(json, "left");
	json_builder_begin_array(json);
	rd_account_left_moved(json, list);
	if (evidence->run != NULL) {
		rd_account_left_steps(json, evidence);
		rd_account_left_hosts(json, evidence);
	}
	for (guint i = 0; i < evidence->files->len; i++) {
		const RdEvidenceFile *file = g_ptr_array_index(evidence->files, i);

		if (g_str_has_prefix(file->name, "local/"))
			rd_account_leave(
			    json, "bastion", "copy",
			    "%s in the run directory, fetched from a host: %" G_GINT64_FORMAT
			    " bytes, sha256 %s",
			    file->name, file->size,
			    file->sha256 != NULL ? file->sha256 : "unknown");
	}
	json_builder_end_array(json);
}
