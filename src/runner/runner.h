/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "host/call.h"
#include "runner/step.h"
G_BEGIN_DECLS

/* The runner process: loads the plugins once, stays single-threaded, forks one worker per target
 * that has work, and passes lines between them and the engine. A worker that crashes, hangs or
 * ignores SIGTERM for RD_RUNNER_GRACE_MS costs its own step: the engine gets RD_REPORT_LOST. */

#define RD_RUNNER_GRACE_MS 5000

/* makes the world of one worker, in its own process; @cancel_fd becomes readable when the order in
 * hand is to end */
typedef RdWorld *(*RdRunnerWorld)(const char *target, int cancel_fd, gpointer data);

typedef struct {
	RdCatalogue *catalogue;
	const RdSetting *setting;
	RdRunnerWorld make_world;
	gpointer data;
	int lock_fd; /* kept by the runner for its life, closed in workers; -1 for none */
} RdRunnerOptions;

/* @engine_fd: the socket to the engine. Returns when it ends; all workers are gone then. Before
 * that: PR_SET_PDEATHSIG, so that nothing outlives the engine by more than a moment. */
int rd_runner_main(int engine_fd, const RdRunnerOptions *options);
G_END_DECLS
