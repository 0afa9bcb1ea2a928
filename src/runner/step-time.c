/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-runner"

#include <gio/gio.h>
#include <string.h>

#include "step-private.h"

/* Waiting, remembering, and what a step leaves for later ones. */

/* the pace of design 6: a fiftieth of the time waited, within bounds; milliseconds */
#define RD_PACE_LEAST 250
#define RD_PACE_MOST  5000
#define RD_PACE_DUE   20 /* at the least, where a probe says when it is due */

static gboolean
rd_wait_gives_up(RecoveryStep *step, GError *why, GError **error)
{
	rd_tape_say(step, "deadline");
	return rd_tape_pass(step, why, error);
}

void
recovery_due(RecoveryStep *step, guint milliseconds)
{
	step->due = step->world->klass->clock(step->world) + (gint64)milliseconds * 1000;
}

/* from here on, and from this share of the step's time, silence is worth a word */
#define RD_SILENCE_LEAST (60 * G_USEC_PER_SEC)
#define RD_SILENCE_SHARE 4

void
rd_step_count_silence(RecoveryStep *step, gint64 began, const GError *error)
{
	gboolean silent = g_error_matches(error, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE);

	/* who was told to stop has heard nothing until then */
	if (!silent && !g_error_matches(error, RECOVERY_ERROR, RECOVERY_ERROR_CANCELLED))
		return;
	step->silence += step->world->klass->clock(step->world) - began;
	if (!silent)
		return;
	g_free(step->silent);
	step->silent = g_strdup(error->message);
}

/* A deadline says what was missing at last. Where a host or the API was away until then, that would
 * hide who has cost the time. */
char *
rd_step_over_text(RecoveryStep *step, const char *text)
{
	gint64 whole = step->time_to - step->time_from;

	if (step->silent == NULL || step->silence < RD_SILENCE_LEAST ||
	    step->silence < whole / RD_SILENCE_SHARE ||
	    (text != NULL && strstr(text, step->silent) != NULL))
		return g_strdup(text);
	return g_strdup_printf("%s%sfor %" G_GINT64_FORMAT
			       " s of its time nobody answered, at last: %s",
			       text != NULL ? text : "", text != NULL ? "; " : "",
			       step->silence / G_USEC_PER_SEC, step->silent);
}

/* milliseconds until the next look */
static guint
rd_wait_pace(const RecoveryStep *step, gint64 began, gint64 now)
{
	gint64 pace = CLAMP((now - began) / 1000 / 50, RD_PACE_LEAST, RD_PACE_MOST);

	if (step->due == 0)
		return (guint)pace;
	/* not before it, which would be a look in vain; and never without a pause */
	return (guint)MIN(pace, MAX((step->due - now + 999) / 1000, RD_PACE_DUE));
}

gboolean
recovery_wait(RecoveryStep *step, RecoveryProbe (*probe)(RecoveryStep *, GError **), GError **error)
{
	RdWorld *world = step->world;
	gint64 began = world->klass->clock(world);

	if (step->foresight != NULL) {
		rd_foresight_wait(step->foresight);
		return TRUE;
	}
	for (;;) {
		g_autoptr(GError) local = NULL;
		RecoveryProbe found;
		gint64 now;

		step->due = 0;
		found = probe(step, &local);
		now = world->klass->clock(world);

		if (found == RECOVERY_PROBE_PRESENT)
			return TRUE;
		/* a host that does not answer is waited for; what cannot get better is not */
		if (found == RECOVERY_PROBE_UNKNOWN && local != NULL) {
			if (local->domain == RECOVERY_ERROR &&
			    local->code != RECOVERY_ERROR_FAILED &&
			    local->code != RECOVERY_ERROR_UNREACHABLE) {
				if (local->code != RECOVERY_ERROR_CANCELLED) {
					g_propagate_error(error, g_steal_pointer(&local));
					return FALSE;
				}
				/* what was awaited says more than that we were told to stop */
				if (step->progress != NULL)
					g_prefix_error(&local, "%s; ", step->progress);
				return rd_wait_gives_up(step, g_steal_pointer(&local), error);
			}
			recovery_progress(step, "%s", local->message);
		}
		g_clear_error(&local);
		if (now >= step->deadline) {
			g_autofree char *text = rd_step_over_text(step, step->progress);

			g_set_error(&local, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
				    "%s: not within its time%s%s", step->order->target,
				    text != NULL ? ": " : "", text != NULL ? text : "");
		} else if (step->gone ||
			   !world->klass->pause(world, rd_wait_pace(step, began, now)))
			g_set_error(&local, RECOVERY_ERROR, RECOVERY_ERROR_CANCELLED,
				    "%s: " RD_TOLD_TO_STOP, step->order->target);
		if (local != NULL)
			return rd_wait_gives_up(step, g_steal_pointer(&local), error);
	}
}

guint
recovery_time_used(RecoveryStep *step)
{
	gint64 whole = step->time_to - step->time_from;
	gint64 used = step->world->klass->clock(step->world) - step->time_from;
	guint percent = whole <= 0 ? 100 : (guint)CLAMP(used * 100 / whole, 0, 100);
	g_autofree char *text = g_strdup_printf("%u", percent);

	rd_tape_say(step, "time-used");
	rd_tape_put(step, "|", text);
	return percent;
}

void
recovery_moved(RecoveryStep *step, gint64 far)
{
	gboolean first;

	rd_tape_say(step, "moved %" G_GINT64_FORMAT, far);
	if (far <= step->far)
		return;
	first = step->far == 0;
	step->far = far;
	if (step->order->anew_ms == 0 || step->foresight != NULL)
		return;
	if (!first) {
		step->time_from = step->world->klass->clock(step->world);
		step->time_to = MIN(step->time_from + step->order->anew_ms * 1000,
				    step->began + step->order->whole_ms * 1000);
	}
	(void)rd_step_tell(step, RD_REPORT_MOVED, NULL, NULL, NULL, NULL, far, NULL);
}

static void
rd_tape_say_value(RecoveryStep *step, const char *verb, const char *name, const char *value)
{
	g_autofree char *text = g_strchomp(g_strdup_printf("%s %s", name, value));

	rd_tape_say(step, "%s %s", verb, text);
}

static gboolean
rd_remember(RecoveryStep *step, const char *key, const char *value, GError **error)
{
	const char *known = g_hash_table_lookup(step->notes, key);

	if (known != NULL && strcmp(known, value) == 0)
		return TRUE;
	if (known != NULL) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
			    "%s: this attempt remembers %s as \"%s\" and cannot as \"%s\"",
			    step->order->target, key, known, value);
		return FALSE;
	}
	if (!rd_step_tell(step, RD_REPORT_NOTE, NULL, key, value, NULL, 0, error))
		return FALSE;
	g_hash_table_insert(step->notes, g_strdup(key), g_strdup(value));
	return TRUE;
}

gboolean
recovery_remember(RecoveryStep *step, const char *key, const char *value, GError **error)
{
	GError *local = NULL;

	rd_tape_say_value(step, "remember", key, value);
	(void)rd_remember(step, key, value, &local);
	return rd_tape_pass(step, local, error);
}

const char *
recovery_recall(RecoveryStep *step, const char *key)
{
	return g_hash_table_lookup(step->notes, key);
}

const char *
recovery_recall_first(RecoveryStep *step, const char *key)
{
	const char *first = g_hash_table_lookup(step->order->first, key);

	return first != NULL ? first : recovery_recall(step, key);
}

gboolean
recovery_output(RecoveryStep *step, const char *name, const char *value, GError **error)
{
	const char *const *names = step->type->outputs;
	GError *local = NULL;

	rd_tape_say_value(step, "output", name, value);
	if (names == NULL || !g_strv_contains(names, name))
		g_set_error(&local, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
			    "%s has no output %s in its table", step->order->type, name);
	else
		(void)rd_step_tell(step, RD_REPORT_OUTPUT, NULL, name, value, NULL, 0, &local);
	return rd_tape_pass(step, local, error);
}

void
recovery_outcome(RecoveryStep *step, const char *outcome)
{
	rd_tape_say(step, "outcome %s", outcome);
	g_free(step->outcome);
	step->outcome = g_strdup(outcome);
}

void
recovery_progress(RecoveryStep *step, const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	/* the same line again is no news, and a wait asks the same for minutes */
	if (g_strcmp0(text, step->progress) == 0)
		return;
	g_free(step->progress);
	step->progress = g_steal_pointer(&text);
	(void)rd_step_tell(step, RD_REPORT_PROGRESS, NULL, NULL, NULL, step->progress, 0, NULL);
}
