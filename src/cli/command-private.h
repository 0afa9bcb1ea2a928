/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "cli/command.h"
G_BEGIN_DECLS

/* How the frame reads its own table; shared by command.c, help.c and complete.c. */

/* never NULL */
const GOptionEntry *rd_command_options(const RdCommand *command);
/* "RUN", "[STEP]", "done|redo|abort" (transfer full) */
char **rd_command_arg_words(const RdCommand *command);
/* *most is G_MAXUINT where there is no limit */
void rd_command_count_args(const RdCommand *command, guint *least, guint *most);
/* @word is the first of a command's two */
gboolean rd_cli_is_group(const RdCommand *const *commands, const char *word);
G_END_DECLS
