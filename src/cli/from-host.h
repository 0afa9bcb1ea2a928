/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "cli/command.h"
#include "journal/rundir.h"
G_BEGIN_DECLS

/* resume --from-host: the bastion is lost, and with it the run directory. What the hosts have of it
 * becomes one on this machine. */
typedef struct {
	const char *address;	/* of a host that has a copy, or its name in @inventory */
	const char *inventory;	/* (nullable) path: how the hosts are reached from here */
	const char *user, *key; /* (nullable) instead of what the copy, or the user, says */
	const char *run; /* (nullable) id; NULL: the run that holds that host, or held it last */
} RdFromHostOptions;

/* Asks that host and its colleagues, changes nothing there. NULL with the exit code's error. */
RdRundir *rd_from_host(const RdCli *cli, const RdFromHostOptions *options, GError **error);
G_END_DECLS
