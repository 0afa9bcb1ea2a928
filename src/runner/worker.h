/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "runner/step.h"
#include "runner/wire.h"
G_BEGIN_DECLS

/* One target's worker process: takes orders from @lines, one at a time, carries each out with the
 * blocking step API, and tells. SIGTERM asks the body at work to end (@world sees it by
 * rd_worker_cancel_fd()); the worker itself lives on, with its connections. Returns at the end of
 * @lines. */
void rd_worker_main(RdLines *lines, RdCatalogue *catalogue, RdWorld *world,
		    const RdSetting *setting);

/* Before the world is made: installs the SIGTERM handler; the descriptor becomes readable when the
 * order in hand is to end, and is drained before the next one. */
int rd_worker_cancel_fd(void);
G_END_DECLS
