/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli/commands.h"

static const RdCommand *const commands[] = {
    &rd_command_start,
    &rd_command_resume,
    &rd_command_status,
    &rd_command_logs,
    &rd_command_list,
    &rd_command_wait,
    &rd_command_journal_show,
    &rd_command_journal_verify,
    &rd_command_backup_verify,
    &rd_command_backup_show,
    &rd_command_backup_ls,
    &rd_command_backup_cat,
    &rd_command_backup_diff,
    &rd_command_engine,
    &rd_command_runner,
    &rd_command_help,
    &rd_command_man,
    NULL,
};

int
main(int argc, char **argv)
{
	return rd_cli_main(commands, argc, argv);
}
