/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli/commands.h"

/* --help shows them in this order */
static const RdCommand *const commands[] = {
    &rd_command_plan,
    &rd_command_start,
    &rd_command_check,
    &rd_command_advise,
    &rd_command_resume,
    &rd_command_status,
    &rd_command_logs,
    &rd_command_list,
    &rd_command_findings,
    &rd_command_wait,
    &rd_command_report,
    &rd_command_runbook,
    &rd_command_pause,
    &rd_command_cancel,
    &rd_command_rollback,
    &rd_command_decide,
    &rd_command_skip,
    &rd_command_extend,
    &rd_command_amend,
    &rd_command_excuse,
    &rd_command_enrol,
    &rd_command_approve,
    &rd_command_deny,
    &rd_command_note,
    &rd_command_lock_show,
    &rd_command_lock_break,
    &rd_command_procedure_list,
    &rd_command_procedure_show,
    &rd_command_procedure_check,
    &rd_command_procedure_graph,
    &rd_command_plugin_list,
    &rd_command_plugin_show,
    &rd_command_plugin_check,
    &rd_command_inventory_check,
    &rd_command_journal_show,
    &rd_command_journal_verify,
    &rd_command_backup_verify,
    &rd_command_backup_show,
    &rd_command_backup_ls,
    &rd_command_backup_cat,
    &rd_command_backup_diff,
    &rd_command_backup_storage,
    &rd_command_help,
    /* hidden */
    &rd_command_engine,
    &rd_command_runner,
    &rd_command_completion,
    &rd_command_complete,
    &rd_command_man,
    NULL,
};

int
main(int argc, char **argv)
{
	return rd_cli_main(commands, argc, argv);
}
