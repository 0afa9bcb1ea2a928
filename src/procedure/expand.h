/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "machine/plan.h"
#include "procedure/inventory.h"
#include "procedure/procedure.h"
G_BEGIN_DECLS

/* Makes the plan of a run: every state with its hosts, every declared parameter with its value.
 *
 * @inputs (element-type utf8 utf8): what a person gave, by name; a backup as "NAME.FIELD"
 * (rd_pair_add_inputs). Paths are absolute: whoever took them from a command line made them so.
 * "${input.…}" is put in now; "${run.…}", "${target}" and outputs stay as they are. Durations
 * become seconds, bools yes | no. Which hosts are excused is not decided here. A role without
 * hosts (`others` of a single control-plane host) leaves a state without targets.
 *
 * NULL with RD_PROCEDURE_ERROR_INPUT, everything that is wrong with the inputs in one message. */
RdPlan *rd_procedure_expand(const RdProcedure *procedure, const RdInventory *inventory,
			    GHashTable *inputs, GError **error);
G_END_DECLS
