/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-engine"

#include <gio/gio.h>
#include <string.h>

#include "losses.h"
#include "policy.h"
#include "unattended.h"

/* (transfer full) */
static char *
rd_unattended_who(RdRun *run)
{
	const char *name = rd_run_get_input(run, RD_POLICY_INPUT_NAME);
	const char *digest = rd_run_get_input(run, RD_POLICY_INPUT_DIGEST);

	if (name == NULL || digest == NULL)
		return g_strdup("start --approve");
	return g_strdup_printf("policy %s (%.*s)", name, RD_PLAN_DIGEST_SHOWN, digest);
}

static void
rd_unattended_shut(RdEngine *engine, RdRun *run, const char *instance, const char *why)
{
	g_autofree char *text = g_strdup_printf(
	    "gate %s waits for a person, its conditions do not hold: %s", instance, why);
	RdEvent *event = rd_event_new(RD_EVENT_REMARK, RD_REMARK_POLICY);

	if (!rd_run_was_shut(run, instance))
		rd_engine_remark(engine,
				 rd_event_text(rd_event_pair(event, "recoveryd", instance), text));
	else
		rd_event_free(event);
}

/* TRUE: the run goes on */
static gboolean
rd_unattended_open(RdEngine *engine, RdRun *run, const RdStep *step)
{
	g_autofree char *input = g_strconcat(RD_POLICY_INPUT_GATE, step->plan->gate->name, NULL);
	const char *conditions = rd_run_get_input(run, input);
	const char *plan = rd_run_get_input(run, RD_RUN_INPUT_PLAN);
	g_autofree char *instance = rd_run_get_gate_instance(run, step);
	g_autofree char *argument = g_strconcat(instance, plan != NULL ? "@" : NULL, plan, NULL);
	g_autofree char *who = rd_unattended_who(run);
	g_autofree char *found = NULL;
	g_autoptr(GError) error = NULL;

	/* whatever came into the journal: what always asks is not opened without a person */
	if (conditions == NULL || step->plan->gate->always)
		return FALSE;
	if (!rd_policy_holds(run, conditions, g_get_real_time(), &found)) {
		rd_unattended_shut(engine, run, instance, found);
		return FALSE;
	}
	if (rd_engine_request(engine, "approve", NULL, argument, who, found, 0, &error))
		return TRUE;
	g_warning("gate %s: %s", instance, error->message);
	return FALSE;
}

void
rd_unattended_rest(RdEngine *engine, const RdOpenRun *open, const RdRunSetting *setting)
{
	RdRunState state = rd_run_get_state(open->run);
	g_autoptr(GPtrArray) gates = rd_run_get_gates(open->run);
	RdEvent *loss = NULL;

	if ((state == RD_RUN_HELD && gates->len > 0) || state == RD_RUN_ENDED)
		loss = rd_losses_tell(open, setting);
	if (loss != NULL)
		rd_engine_remark(engine, loss);
	for (guint i = 0; state == RD_RUN_HELD && i < gates->len; i++)
		if (rd_unattended_open(engine, open->run, g_ptr_array_index(gates, i)))
			break;
}
