/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "engine/crew.h"
#include <gio/gio.h>
G_BEGIN_DECLS

/* The crew of a real run: a runner process started from this very program, and its workers. When
 * the runner dies, every order in hand is reported lost and a new runner is started, at most
 * RD_RUNNER_RESTARTS times in a row without a word from it in between; then each order counts as a
 * crash, which a person is asked about in the end. */

#define RD_RUNNER_RESTARTS 5

/* numbers of the descriptors that the runner finds open */
#define RD_RUNNER_FD_ENGINE 3
#define RD_RUNNER_FD_LOCK   4

typedef struct {
	const char *run_dir;
	const char *who; /* this engine, by a name that no other has */
	int lock_fd;	 /* inherited by the runner; -1 for none */
	int stderr_fd;	 /* -1: ours */
	/* (nullable) a runner was started */
	void (*started)(GPid pid, gpointer data);
	gpointer data;
} RdRunnerCrewOptions;

RdCrew *rd_runner_crew_new(const RdRunnerCrewOptions *options, GError **error);
G_END_DECLS
