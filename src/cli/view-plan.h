/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "cli/history.h"
#include "cli/screen.h"
#include "engine/plan-file.h"
G_BEGIN_DECLS

/* `plan` as text: a line for each step; @full: with every command, file and API call. */
void rd_view_plan(GString *page, const RdScreen *screen, const RdPlanned *planned, JsonNode *file,
		  const RdHistory *history, gboolean full);
G_END_DECLS
