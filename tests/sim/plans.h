/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "machine/plan.h"

/* the shipped procedures for m0 (recovery), m1, m2 */
RdPlan *sim_plan(const char *procedure, guint n_hosts);
