/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-runner"

#include <gio/gio.h>
#include <string.h>

#include "step-private.h"

/* One order, from its first call to its result. */

/* a body that overruns its deadline by this much has an engine that does not answer */
#define RD_STEP_GRACE (30 * G_USEC_PER_SEC)

static void
rd_setting_host_free(gpointer data)
{
	RdSettingHost *host = data;

	g_free(host->name);
	g_free(host->role);
	g_free(host->address);
	g_free(host);
}

RdSetting *
rd_setting_new(const char *run_id, const char *run_uuid, const char *who, const char *local_dir)
{
	RdSetting *self = g_new0(RdSetting, 1);

	self->run_id = g_strdup(run_id);
	self->run_uuid = g_strdup(run_uuid);
	self->who = g_strdup(who);
	self->local_dir = g_strdup(local_dir);
	self->hosts = g_ptr_array_new_with_free_func(rd_setting_host_free);
	return self;
}

void
rd_setting_add_host(RdSetting *self, const char *name, const char *role, const char *address)
{
	RdSettingHost *host = g_new0(RdSettingHost, 1);

	host->name = g_strdup(name);
	host->role = g_strdup(role);
	host->address = g_strdup(address);
	g_ptr_array_add(self->hosts, host);
}

void
rd_setting_free(RdSetting *self)
{
	g_free(self->run_id);
	g_free(self->run_uuid);
	g_free(self->who);
	g_free(self->local_dir);
	g_ptr_array_unref(self->hosts);
	g_clear_pointer(&self->tapes, rd_tapes_free);
	g_free(self);
}

gboolean
rd_step_tell(RecoveryStep *step, RdReportKind kind, const char *word, const char *key,
	     const char *value, const char *text, gint64 number, GError **error)
{
	g_autoptr(RdReport) report = rd_report_new(kind, step->order->lane, word);

	report->key = g_strdup(key);
	report->value = g_strdup(value);
	report->text = g_strdup(text);
	report->number = number;
	if (!step->gone && step->tell(report, step->data))
		return TRUE;
	step->gone = TRUE;
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_CANCELLED, "%s: " RD_TOLD_TO_STOP,
		    step->order->target);
	return FALSE;
}

void
rd_step_fill_call(RecoveryStep *step, RdCall *call, RdCallVerb verb)
{
	memset(call, 0, sizeof *call);
	call->verb = verb;
	call->run = step->setting->run_id;
	call->number = step->order->number;
	call->who = step->setting->who;
	call->head = step->order->head;
	call->state = step->order->state;
	call->visit = step->order->visit;
	call->attempt = step->order->attempt;
	call->input_fd = -1;
}

const char *
rd_step_host(RecoveryStep *step, const char *host)
{
	return host != NULL ? host : step->order->target;
}

gboolean
rd_step_call(RecoveryStep *step, const char *host, const RdCall *call, RdReply *reply,
	     GError **error)
{
	g_autoptr(GError) local = NULL;
	gint64 began;

	if (step->gone || step->world->klass->cancelled(step->world)) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_CANCELLED, "%s: " RD_TOLD_TO_STOP,
			    host);
		return FALSE;
	}
	if (strcmp(host, RD_CLUSTER) == 0) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
			    "%s runs for the cluster: it has to name the host that it asks",
			    step->order->type);
		return FALSE;
	}
	began = step->world->klass->clock(step->world);
	if (!step->world->klass->call(step->world, host, call, reply, &local)) {
		rd_step_count_silence(step, began, local);
		g_propagate_error(error, g_steal_pointer(&local));
		return FALSE;
	}
	if (reply->verdict == RD_VERDICT_FENCED) {
		step->fenced = TRUE;
		g_free(step->fenced_text);
		step->fenced_text = g_strdup(reply->err);
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FENCED, "%s: %s", host,
			    reply->err != NULL ? reply->err : "held by another run");
		return FALSE;
	}
	if (reply->verdict == RD_VERDICT_REFUSED) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED, "%s: %s", host,
			    reply->err != NULL ? reply->err : "refused");
		return FALSE;
	}
	return TRUE;
}

/* ---- results ------------------------------------------------------------------------------- */

const char *
rd_step_error_word(const GError *error)
{
	if (error == NULL || error->domain != RECOVERY_ERROR)
		return "failed";
	switch (error->code) {
	case RECOVERY_ERROR_PERMANENT:
		return "permanent";
	case RECOVERY_ERROR_UNREACHABLE:
		return "unreachable";
	case RECOVERY_ERROR_FENCED:
		return "fenced";
	case RECOVERY_ERROR_CANCELLED:
		return "cancelled";
	default:
		return "failed";
	}
}

RdReport *
rd_step_result(RecoveryStep *step, const char *word, const char *text)
{
	RdReport *report = rd_report_new(RD_REPORT_RESULT, step->order->lane, word);

	report->text = g_strdup(text);
	return report;
}

static const char *
rd_step_depends(RecoveryStep *step)
{
	return step->foresight != NULL ? rd_foresight_get_depends(step->foresight) : NULL;
}

/* what a body's end means; a body that ignores that it was fenced or stopped does not hide it */
static RdReport *
rd_step_end(RecoveryStep *step, gboolean ok, const char *good, const GError *error)
{
	RdReport *report;

	if (rd_step_depends(step) != NULL)
		return rd_step_result(step, "depends", rd_step_depends(step));
	if (step->fenced)
		return rd_step_result(step, "fenced", step->fenced_text);
	if (!ok && (step->gone || step->world->klass->cancelled(step->world))) {
		g_autofree char *text =
		    rd_step_over_text(step, step->progress != NULL ? step->progress
					    : error != NULL	   ? error->message
								   : NULL);

		return rd_step_result(step, "cancelled", text);
	}
	if (!ok)
		return rd_step_result(step, rd_step_error_word(error),
				      error != NULL ? error->message
						    : "it failed and gave no reason");
	report = rd_step_result(step, good, NULL);
	report->outcome = g_strdup(step->outcome);
	return report;
}

static RdReport *
rd_step_end_probe(RecoveryStep *step, RecoveryProbe probe, const GError *error)
{
	if (probe == RECOVERY_PROBE_PRESENT || rd_step_depends(step) != NULL)
		return rd_step_end(step, TRUE, "present", NULL);
	if (probe == RECOVERY_PROBE_ABSENT && !step->fenced) {
		RdReport *report = rd_step_end(step, TRUE, "absent", NULL);

		report->text = g_strdup(step->progress);
		return report;
	}
	if (error != NULL && error->domain == RECOVERY_ERROR &&
	    error->code != RECOVERY_ERROR_FAILED)
		return rd_step_end(step, FALSE, NULL, error);
	if (step->fenced || step->gone)
		return rd_step_end(step, FALSE, NULL, error);
	return rd_step_result(step, "unknown",
			      error != NULL ? error->message : "the probe cannot tell");
}

/* ---- calls into a body --------------------------------------------------------------------- */

static RecoveryProbe
rd_body_probe(RecoveryStep *step, const RecoveryState *type, GError **error)
{
	static const char *const words[] = {[RECOVERY_PROBE_UNKNOWN] = "unknown",
					    [RECOVERY_PROBE_ABSENT] = "absent",
					    [RECOVERY_PROBE_PRESENT] = "present"};
	g_autoptr(GError) local = NULL;
	RecoveryProbe probe;

	rd_tape_do(step, "probe");
	probe = type->probe(step, &local);
	rd_tape_done(step, words[CLAMP(probe, RECOVERY_PROBE_UNKNOWN, RECOVERY_PROBE_PRESENT)],
		     local);
	if (local != NULL)
		g_propagate_error(error, g_steal_pointer(&local));
	return probe;
}

/* the step's own */
static RecoveryProbe
rd_step_probe(RecoveryStep *step, GError **error)
{
	return rd_body_probe(step, step->type, error);
}

static gboolean
rd_body_do(RecoveryStep *step, const char *what, gboolean (*body)(RecoveryStep *, GError **),
	   GError **error)
{
	g_autoptr(GError) local = NULL;
	gboolean ok;

	rd_tape_do(step, what);
	ok = body(step, &local);
	rd_tape_done(step, ok ? "ok" : "failed", local);
	if (local != NULL)
		g_propagate_error(error, g_steal_pointer(&local));
	return ok;
}

/* ---- the orders ---------------------------------------------------------------------------- */

static RdReport *
rd_step_look(RecoveryStep *step)
{
	g_autoptr(GError) error = NULL;
	gboolean ok;

	if (step->type->kind == RECOVERY_KIND_WAIT)
		ok = recovery_wait(step, rd_step_probe, &error);
	else
		ok = rd_body_do(step, "enter", step->type->enter, &error);
	return rd_step_end(step, ok, "finished", error);
}

/* a guard holds, or the step does not begin */
static RdReport *
rd_step_guard(RecoveryStep *step, RdCatalogue *catalogue, const RdOrderGuard *guard)
{
	const RecoveryState *type = rd_catalogue_find(catalogue, guard->type);
	GHashTable *with = step->with;
	RdTape *tape = step->tape;
	g_autoptr(GError) error = NULL;
	g_autofree char *text = NULL;
	gboolean holds = FALSE;

	if (type == NULL || type->kind == RECOVERY_KIND_CHANGE) {
		text = g_strdup_printf("%s cannot be a guard: no such wait or query", guard->type);
		return rd_step_result(step, "permanent", text);
	}
	step->with = guard->with;
	rd_tape_begin(step, guard->type, type, guard->with);
	if (type->kind == RECOVERY_KIND_WAIT)
		holds = rd_body_probe(step, type, &error) == RECOVERY_PROBE_PRESENT;
	else
		holds = rd_body_do(step, "enter", type->enter, &error);
	rd_tape_end(step);
	step->tape = tape;
	step->with = with;
	if (holds && !step->fenced)
		return NULL;
	text = g_strdup_printf("guard %s: %s", guard->type,
			       error != NULL		? error->message
			       : step->progress != NULL ? step->progress
							: "does not hold");
	if (step->fenced || step->gone)
		return rd_step_end(step, FALSE, NULL, error);
	return rd_step_result(step, rd_step_error_word(error), text);
}

static RdReport *
rd_step_check(RecoveryStep *step, RdCatalogue *catalogue)
{
	g_autoptr(GError) error = NULL;
	RdReport *report;
	RecoveryProbe probe;

	if (step->type->baseline != NULL &&
	    !rd_body_do(step, "baseline", step->type->baseline, &error))
		return rd_step_end(step, FALSE, NULL, error);
	probe = rd_step_probe(step, &error);
	/* with the pen lifted they would be asked at the wrong moment */
	if (probe == RECOVERY_PROBE_ABSENT && step->foresight == NULL) {
		for (guint i = 0; i < step->order->guards->len; i++) {
			report = rd_step_guard(step, catalogue,
					       g_ptr_array_index(step->order->guards, i));
			if (report != NULL)
				return report;
		}
	}
	return rd_step_end_probe(step, probe, error);
}

static RdReport *
rd_step_settle(RecoveryStep *step)
{
	g_auto(RdReply) reply = {0};
	g_autoptr(GError) error = NULL;
	g_autofree char *text = NULL;
	RdCall call;

	rd_step_fill_call(step, &call, RD_CALL_SETTLE);
	call.wait_s = 20;
	call.boot_id = step->order->boot_id;
	call.machine_id = step->order->machine_id;
	/* nothing runs anywhere for a step of the cluster but what its worker did, which is gone */
	if (strcmp(step->order->target, RD_CLUSTER) == 0)
		return rd_step_end(step, TRUE, "finished", NULL);
	if (!rd_step_call(step, step->order->target, &call, &reply, &error)) {
		/* refused here means that it is another machine: no probe can help */
		if (reply.verdict == RD_VERDICT_REFUSED)
			return rd_step_result(step, "permanent", error->message);
		return rd_step_end(step, FALSE, NULL, error);
	}
	if (reply.verdict != RD_VERDICT_ALIVE)
		return rd_step_end(step, TRUE, "finished", NULL);
	text = g_strdup_printf("still running on %s: %.*s", step->order->target,
			       reply.out != NULL ? (int)g_bytes_get_size(reply.out) : 0,
			       reply.out != NULL ? (const char *)g_bytes_get_data(reply.out, NULL)
						 : "");
	recovery_progress(step, "%s", g_strstrip(text));
	return rd_step_result(step, "alive", text);
}

/* undo ended well; is it undone? */
static RdReport *
rd_step_proof(RecoveryStep *step)
{
	g_autoptr(GError) error = NULL;
	RecoveryProbe probe = rd_step_probe(step, &error);
	g_autofree char *text = NULL;
	RdReport *report;

	if (probe == RECOVERY_PROBE_PRESENT && !step->fenced)
		return rd_step_result(step, "failed",
				      "its undo ended well, but the host shows it as done still");
	report = rd_step_end_probe(step, probe, error);
	if (strcmp(report->word, "absent") == 0) {
		rd_report_free(report);
		return rd_step_end(step, TRUE, "finished", NULL);
	}
	/* to be asked again, with the undo before it: that is safe on undone */
	if (strcmp(report->word, "unknown") != 0 && strcmp(report->word, "permanent") != 0)
		return report;
	text = g_strdup_printf("undone, but not proven: %s", report->text);
	rd_report_free(report);
	return rd_step_result(step, "failed", text);
}

/* Takes it back: after what it started on the host has ended, and when the guards hold. What it
 * remembers is what was found before the first attempt, not what an attempt found that came upon a
 * half-done one. */
static RdReport *
rd_step_undo(RecoveryStep *step, RdCatalogue *catalogue)
{
	g_autoptr(RdReport) report = rd_step_settle(step);
	g_autoptr(GError) error = NULL;
	GHashTableIter iter;
	gpointer key, value;
	gboolean ok = TRUE;

	if (strcmp(report->word, "alive") == 0)
		return rd_step_result(step, "failed", report->text);
	if (strcmp(report->word, "finished") != 0)
		return g_steal_pointer(&report);
	for (guint i = 0; step->foresight == NULL && i < step->order->guards->len; i++) {
		RdReport *shut =
		    rd_step_guard(step, catalogue, g_ptr_array_index(step->order->guards, i));

		if (shut != NULL)
			return shut;
	}
	g_hash_table_iter_init(&iter, step->order->first);
	while (g_hash_table_iter_next(&iter, &key, &value))
		g_hash_table_replace(step->notes, g_strdup(key), g_strdup(value));
	step->may_touch = TRUE;
	if (step->type->undo != NULL)
		ok = rd_body_do(step, "undo", step->type->undo, &error);
	step->may_touch = FALSE;
	return ok && step->order->prove ? rd_step_proof(step)
					: rd_step_end(step, ok, "finished", error);
}

static const struct {
	RdDo what;
	RdCallVerb verb;
} lock_calls[] = {
    {RD_DO_SURVEY, RD_CALL_SURVEY},
    {RD_DO_TAKE, RD_CALL_TAKE},
    {RD_DO_RELEASE, RD_CALL_RELEASE},
};

/* whose the host is, in the report */
static void
rd_step_report_survey(RecoveryStep *step, RdReport *report, const RdSurvey *survey)
{
	gboolean ours = g_strcmp0(survey->run, step->setting->run_id) == 0;

	report->number = survey->number;
	report->boot_id = g_strdup(survey->boot_id);
	report->machine_id = g_strdup(survey->machine_id);
	if (survey->number < 0)
		return;
	/* said also when it was given back: whose number it is decides whether we may go on */
	if (ours)
		report->run = g_strdup(survey->run);
	report->text = g_strdup_printf("%s, by %s since %s, lock #%" G_GINT64_FORMAT "%s",
				       survey->run, survey->who, survey->since, survey->number,
				       survey->held ? "" : ", given back");
	if (!ours && survey->held)
		report->holder = g_strdup_printf("held by %s", report->text);
}

static RdReport *
rd_step_lock(RecoveryStep *step, RdCallVerb verb)
{
	g_auto(RdReply) reply = {0};
	g_auto(RdSurvey) survey = {0};
	g_autoptr(GError) error = NULL;
	RdReport *report;
	RdCall call;

	rd_step_fill_call(step, &call, verb);
	call.enrol = step->order->enrol;
	call.wait_s = 20;
	if (verb == RD_CALL_SURVEY)
		call.number = 0;
	if (!rd_step_call(step, step->order->target, &call, &reply, &error)) {
		report = rd_step_result(
		    step,
		    reply.verdict == RD_VERDICT_REFUSED ? "refused" : rd_step_error_word(error),
		    error->message);
		return report;
	}
	if (reply.verdict == RD_VERDICT_BUSY)
		return rd_step_result(step, "busy", reply.err);
	report = rd_step_result(step, "finished", NULL);
	if (verb == RD_CALL_RELEASE)
		return report;
	if (reply.out == NULL || !rd_survey_parse(reply.out, &survey, &error)) {
		rd_report_free(report);
		return rd_step_result(step, "unreachable",
				      error != NULL ? error->message : "an empty answer");
	}
	rd_step_report_survey(step, report, &survey);
	return report;
}

static RdReport *
rd_step_bodies(RecoveryStep *step, RdCatalogue *catalogue)
{
	g_autoptr(GError) error = NULL;
	RecoveryProbe probe;
	gboolean ok;

	switch (step->order->what) {
	case RD_DO_LOOK:
		return rd_step_look(step);
	case RD_DO_CHECK:
		return rd_step_check(step, catalogue);
	case RD_DO_SETTLE:
		return rd_step_settle(step);
	case RD_DO_PROBE:
		probe = rd_step_probe(step, &error);
		return rd_step_end_probe(step, probe, error);
	case RD_DO_ENTER:
		step->may_touch = TRUE;
		ok = rd_body_do(step, "enter", step->type->enter, &error);
		return rd_step_end(step, ok, "finished", error);
	case RD_DO_UNDO:
		return rd_step_undo(step, catalogue);
	default:
		return rd_step_result(step, "permanent", "the order is unknown");
	}
}

static RdReport *
rd_step_do(RecoveryStep *step, RdCatalogue *catalogue)
{
	g_autofree char *text = NULL;
	RdReport *report;

	for (guint i = 0; i < G_N_ELEMENTS(lock_calls); i++)
		if (lock_calls[i].what == step->order->what)
			return rd_step_lock(step, lock_calls[i].verb);
	if (step->order->what == RD_DO_KEEP)
		return rd_step_keep(step);
	step->type = rd_catalogue_find(catalogue, step->order->type);
	if (step->type == NULL) {
		text = g_strdup_printf("no plugin offers %s", step->order->type);
		return rd_step_result(step, "permanent", text);
	}
	rd_tape_begin(step, step->order->type, step->type, step->with);
	report = rd_step_bodies(step, catalogue);
	rd_tape_end(step);
	return report;
}

/* the same, and nothing is touched */
static RdReport *
rd_step_foresee(RecoveryStep *step, RdCatalogue *catalogue)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(RdForesight) foresight = rd_foresight_new(step->world, step->order, &error);
	RdReport *report;

	if (foresight == NULL)
		return rd_step_result(step, "permanent", error->message);
	step->foresight = foresight;
	step->world = rd_foresight_get_world(foresight);
	report = rd_step_do(step, catalogue);
	if (rd_foresight_is_then(foresight))
		report->key = g_strdup("then");
	report->value = g_strdup(rd_foresight_get_api_silence(foresight));
	return report;
}

void
rd_order_carry_out(const RdOrder *order, RdCatalogue *catalogue, RdWorld *world,
		   const RdSetting *setting, RdTell tell, gpointer data)
{
	RecoveryStep step = {.order = order,
			     .world = world,
			     .setting = setting,
			     .tell = tell,
			     .data = data,
			     .with = order->with,
			     .touches = order->touches};
	g_autoptr(RdReport) report = NULL;
	GHashTableIter iter;
	gpointer key, value;

	step.notes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_hash_table_iter_init(&iter, order->notes);
	while (g_hash_table_iter_next(&iter, &key, &value))
		g_hash_table_insert(step.notes, g_strdup(key), g_strdup(value));
	step.began = world->klass->clock(world);
	step.time_from = step.began;
	step.time_to = step.began + order->timeout_ms * 1000;
	step.far = order->far;
	step.deadline =
	    step.began + (order->timeout_ms + order->patience_ms) * 1000 + RD_STEP_GRACE;
	report = order->foreseen != NULL ? rd_step_foresee(&step, catalogue)
					 : rd_step_do(&step, catalogue);
	tell(report, data);
	g_hash_table_unref(step.notes);
	g_free(step.outcome);
	g_free(step.progress);
	g_free(step.silent);
	g_free(step.fenced_text);
}
