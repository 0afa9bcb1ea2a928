/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-runner"

#include <string.h>

#include "step-private.h"

/* The copy of the journal on a host: what the engine wants there, and where it ends. */

/* "SEQ LINK" */
static gboolean
rd_keep_read_end(const RdReply *reply, RdReport *report)
{
	gsize size = 0;
	const char *data = reply->out != NULL ? g_bytes_get_data(reply->out, &size) : NULL;
	g_autofree char *text = g_strndup(data != NULL ? data : "", size);
	g_auto(GStrv) words = g_strsplit(g_strstrip(text), " ", 2);

	if (g_strv_length(words) != 2 ||
	    !g_ascii_string_to_signed(words[0], 10, 0, G_MAXINT64, &report->number, NULL))
		return FALSE;
	report->key = g_strdup(words[1]);
	return TRUE;
}

RdReport *
rd_step_keep(RecoveryStep *step)
{
	const char *text = g_hash_table_lookup(step->order->with, RD_KEEP_TEXT);
	const char *after = g_hash_table_lookup(step->order->with, RD_KEEP_AFTER);
	g_autoptr(GBytes) input = text != NULL ? g_bytes_new(text, strlen(text)) : NULL;
	g_auto(RdReply) reply = {0};
	g_autoptr(GError) error = NULL;
	RdReport *report;
	RdCall call;

	rd_step_fill_call(step, &call, RD_CALL_KEEP);
	call.name = g_hash_table_lookup(step->order->with, RD_KEEP_NAME);
	call.offset = after != NULL ? g_ascii_strtoll(after, NULL, 10) : 0;
	call.sha256 = g_hash_table_lookup(step->order->with, RD_KEEP_LINK);
	call.input = input;
	if (!rd_step_call(step, step->order->target, &call, &reply, &error))
		return rd_step_result(step, rd_step_error_word(error), error->message);
	report = rd_step_result(step, "finished", NULL);
	if (call.name != NULL || rd_keep_read_end(&reply, report))
		return report;
	rd_report_free(report);
	return rd_step_result(step, "failed", "it did not say where its copy ends");
}
