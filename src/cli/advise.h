/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "cli/command.h"
G_BEGIN_DECLS

/* `start` without a procedure: the same advice. @excuses: of --excuse; @backup (nullable) */
typedef struct {
	const char *inventory, *recovery_host, *backup;
	char **excuses; /* (nullable) */
	gboolean go_back, json;
	gboolean no_backup; /* a person says that there is none at all */
} RdAdviseOptions;

/* gathers, chooses, prints. RD_EXIT_REFUSED when no procedure fits */
RdExit rd_advise(const RdCli *cli, const RdAdviseOptions *options, GError **error);
G_END_DECLS
