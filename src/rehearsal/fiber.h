/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>
G_BEGIN_DECLS

/* Blocking code on a stack of its own, in one thread: a step body runs as a fiber and gives the
 * processor back where a worker would wait. 256 KiB and a guard page below; plugins may use half.
 * Switching costs some nanoseconds and no system call. */
typedef struct _RdFiber RdFiber;

/* of each fiber; larger where a sanitizer makes frames larger */
gsize rd_fiber_stack_size(void);
/* does not run before the first resume */
RdFiber *rd_fiber_new(void (*body)(gpointer data), gpointer data);
/* runs it until it yields or ends; TRUE while it has not ended */
gboolean rd_fiber_resume(RdFiber *self);
/* called on a fiber: back to who resumed it */
void rd_fiber_yield(void);
/* the one that runs, NULL on the thread's own stack */
RdFiber *rd_fiber_current(void);
/* one that has not ended is dropped where it stands: nothing is unwound, like a killed process.
 * Not from its own stack. */
void rd_fiber_free(RdFiber *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdFiber, rd_fiber_free)
G_END_DECLS
