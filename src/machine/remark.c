/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-machine"

#include "run-private.h"

/* What the program itself remarks: what a restore loses, and the gate that a policy left shut. */

void
rd_run_apply_remark(RdRun *run, const RdEvent *event)
{
	if (g_strcmp0(event->word, RD_REMARK_POLICY) == 0) {
		g_free(run->shut);
		run->shut = g_strdup(event->value);
	}
	if (g_strcmp0(event->word, RD_REMARK_LOSS) != 0)
		return;
	g_free(run->loss);
	g_free(run->loss_text);
	run->loss = g_strdup(event->value);
	run->loss_text = g_strdup(event->text);
}

const char *
rd_run_get_loss(RdRun *run)
{
	return run->loss;
}

const char *
rd_run_get_loss_text(RdRun *run)
{
	return run->loss_text;
}

gboolean
rd_run_was_shut(RdRun *run, const char *instance)
{
	return g_strcmp0(run->shut, instance) == 0;
}
