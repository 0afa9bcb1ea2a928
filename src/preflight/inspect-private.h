/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "preflight/inspect.h"
G_BEGIN_DECLS

/* a finding more; @text is taken, @check lives as long as the program */
void rd_inspect_add(GPtrArray *findings, const char *host, const char *check, RdLevel level,
		    char *text, const char *remedy);
G_END_DECLS
