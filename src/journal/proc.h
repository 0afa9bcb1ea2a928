/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>
G_BEGIN_DECLS

/* What /proc says: just enough to know a process again. */

/* when @pid began, in clock ticks since boot; 0 when there is no such process or it is a zombie.
 * Together with the boot id it names a process for good */
gint64 rd_proc_start(gint64 pid);
/* TRUE when @pid has the very file @path open; FALSE also when we may not look */
gboolean rd_proc_has_open(gint64 pid, const char *path);
/* (transfer full) "" when it cannot be read */
char *rd_proc_boot_id(void);
char *rd_proc_pid_namespace(void);
G_END_DECLS
