/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-host"
#include "host/call.h"
#include <recovery/plugin.h>
#include <string.h>

static const char *const verb_names[] = {
    [RD_CALL_ASK] = "ask",
    [RD_CALL_SURVEY] = "survey",
    [RD_CALL_JOB_STATE] = "job-state",
    [RD_CALL_SETTLE] = "settle",
    [RD_CALL_ASIDE] = "aside",
    [RD_CALL_FETCH] = "fetch",
    [RD_CALL_RUN] = "run",
    [RD_CALL_JOB_START] = "job-start",
    [RD_CALL_MOVE] = "move",
    [RD_CALL_MOVE_ASIDE] = "move-aside",
    [RD_CALL_PUT] = "put",
    [RD_CALL_TAKE] = "take",
    [RD_CALL_RELEASE] = "release",
    [RD_CALL_KEEP] = "keep",
    [RD_CALL_BREAK] = "break",
};
G_STATIC_ASSERT(G_N_ELEMENTS(verb_names) == RD_CALL_LAST + 1);

static const char *const verdict_names[] = {
    [RD_VERDICT_DONE] = "done",	      [RD_VERDICT_ALIVE] = "alive",
    [RD_VERDICT_DIED] = "died",	      [RD_VERDICT_ABSENT] = "absent",
    [RD_VERDICT_UNKNOWN] = "unknown", [RD_VERDICT_REFUSED] = "refused",
    [RD_VERDICT_FENCED] = "fenced",   [RD_VERDICT_BUSY] = "busy",
};
G_STATIC_ASSERT(G_N_ELEMENTS(verdict_names) == RD_VERDICT_LAST + 1);

const char *
rd_call_verb_to_string(RdCallVerb verb)
{
	g_return_val_if_fail((guint)verb <= RD_CALL_LAST, NULL);
	return verb_names[verb];
}

/* take, release and keep write nothing but the lock and the journal's copy, so they are not among
 * these */
gboolean
rd_call_verb_touches(RdCallVerb verb)
{
	return verb >= RD_CALL_RUN && verb <= RD_CALL_PUT;
}

const char *
rd_verdict_to_string(RdVerdict verdict)
{
	g_return_val_if_fail((guint)verdict <= RD_VERDICT_LAST, NULL);
	return verdict_names[verdict];
}

gboolean
rd_verdict_from_string(const char *name, RdVerdict *verdict)
{
	for (guint i = 0; i <= RD_VERDICT_LAST; i++) {
		if (g_strcmp0(name, verdict_names[i]) != 0)
			continue;
		*verdict = (RdVerdict)i;
		return TRUE;
	}
	return FALSE;
}

void
rd_reply_clear(RdReply *reply)
{
	g_clear_pointer(&reply->out, g_bytes_unref);
	g_clear_pointer(&reply->err, g_free);
	*reply = (RdReply){0};
}

void
rd_survey_clear(RdSurvey *survey)
{
	g_clear_pointer(&survey->boot_id, g_free);
	g_clear_pointer(&survey->machine_id, g_free);
	g_clear_pointer(&survey->run, g_free);
	g_clear_pointer(&survey->who, g_free);
	g_clear_pointer(&survey->since, g_free);
	g_clear_pointer(&survey->lock_machine_id, g_free);
	g_clear_pointer(&survey->jobs, g_ptr_array_unref);
	*survey = (RdSurvey){.number = -1};
}

static gboolean
survey_set(RdSurvey *survey, const char *key, const char *value, GError **error)
{
	const struct {
		const char *key;
		char **place;
	} texts[] = {
	    {"boot-id", &survey->boot_id}, {"machine-id", &survey->machine_id},
	    {"run", &survey->run},	   {"who", &survey->who},
	    {"since", &survey->since},	   {"lock-machine-id", &survey->lock_machine_id},
	};
	char *end = NULL;

	for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
		if (strcmp(key, texts[i].key) != 0)
			continue;
		g_free(*texts[i].place);
		*texts[i].place = g_strdup(value);
		return TRUE;
	}
	if (strcmp(key, "job") == 0) {
		g_ptr_array_add(survey->jobs, g_strdup(value));
		return TRUE;
	}
	if (strcmp(key, "number") == 0)
		return g_ascii_string_to_signed(value, 10, 0, G_MAXINT64, &survey->number, error);
	if (strcmp(key, "time") == 0) {
		survey->time = g_ascii_strtod(value, &end);
		if (end != value && *end == '\0' && survey->time > 0)
			return TRUE;
	} else if (strcmp(key, "state") == 0) {
		survey->held = strcmp(value, "held") == 0;
		if (survey->held || strcmp(value, "released") == 0)
			return TRUE;
	} else {
		return TRUE; /* said by a newer wrapper */
	}
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED, "%s cannot be %s", key, value);
	return FALSE;
}

gboolean
rd_survey_parse(GBytes *out, RdSurvey *survey, GError **error)
{
	g_auto(RdSurvey) found = {.number = -1};
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;
	gboolean has_state = FALSE;
	gsize size = 0;
	const char *data = out != NULL ? g_bytes_get_data(out, &size) : NULL;

	found.jobs = g_ptr_array_new_with_free_func(g_free);
	text = g_strndup(data != NULL ? data : "", size);
	lines = g_strsplit(text, "\n", -1);
	for (guint i = 0; lines[i] != NULL; i++) {
		char *value = strchr(lines[i], '=');

		if (lines[i][0] == '\0')
			continue;
		if (value == NULL) {
			g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
				    "not a line of a survey: \"%.80s\"", lines[i]);
			return FALSE;
		}
		*value++ = '\0';
		has_state |= strcmp(lines[i], "state") == 0;
		if (!survey_set(&found, lines[i], value, error)) {
			g_prefix_error(error, "survey: ");
			return FALSE;
		}
	}
	if (found.boot_id == NULL || found.machine_id == NULL || found.time <= 0) {
		g_set_error_literal(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
				    "survey without boot-id, machine-id or time");
		return FALSE;
	}
	/* half a lock must not pass for "released" */
	if ((found.number >= 0) != (found.run != NULL) || (found.number >= 0) != has_state) {
		g_set_error_literal(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
				    "survey: the lock file is incomplete (number, run, state)");
		return FALSE;
	}
	*survey = found;
	found = (RdSurvey){0};
	return TRUE;
}
