/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "engine/forecast.h"
#include "evidence.h"
#include "procedure/types.h"
G_BEGIN_DECLS

/* How somebody waits who goes on by hand: what the state type says about itself (by_hand,
 * recovery/plugin.h), asked every two seconds until it is so, as a line for a shell. */

/* Adds "until" of @step: {"on", "command"}, or null when its plugin does not say how it is seen,
 * a parameter is known only later, or there is no way to where it would be asked. */
void rd_remaining_until(JsonBuilder *json, const RdEvidence *evidence, const RdTypes *types,
			const RdForecastStep *step);
G_END_DECLS
