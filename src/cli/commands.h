/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "cli/command.h"
G_BEGIN_DECLS

/* Every command, for the table in main.c. */

/* a run's beginning, and its processes */
extern const RdCommand rd_command_plan;
extern const RdCommand rd_command_start;
extern const RdCommand rd_command_resume;
extern const RdCommand rd_command_engine;
extern const RdCommand rd_command_runner;

/* reading a run */
extern const RdCommand rd_command_status;
extern const RdCommand rd_command_logs;
extern const RdCommand rd_command_list;
extern const RdCommand rd_command_findings;
extern const RdCommand rd_command_wait;
extern const RdCommand rd_command_report;
extern const RdCommand rd_command_runbook;
extern const RdCommand rd_command_journal_show;
extern const RdCommand rd_command_journal_verify;

/* the hosts' own word on who may touch them */
extern const RdCommand rd_command_lock_show;
extern const RdCommand rd_command_lock_break;

/* a word to a run */
extern const RdCommand rd_command_pause;
extern const RdCommand rd_command_cancel;
extern const RdCommand rd_command_rollback;
extern const RdCommand rd_command_decide;
extern const RdCommand rd_command_skip;
extern const RdCommand rd_command_extend;
extern const RdCommand rd_command_amend;
extern const RdCommand rd_command_excuse;
extern const RdCommand rd_command_enrol;
extern const RdCommand rd_command_approve;
extern const RdCommand rd_command_deny;
extern const RdCommand rd_command_note;

/* backups, offline */
extern const RdCommand rd_command_backup_verify;
extern const RdCommand rd_command_backup_show;
extern const RdCommand rd_command_backup_ls;
extern const RdCommand rd_command_backup_cat;
extern const RdCommand rd_command_backup_diff;
extern const RdCommand rd_command_backup_storage;

/* files and plugins */
extern const RdCommand rd_command_procedure_list;
extern const RdCommand rd_command_procedure_show;
extern const RdCommand rd_command_procedure_check;
extern const RdCommand rd_command_procedure_graph;
extern const RdCommand rd_command_plugin_list;
extern const RdCommand rd_command_plugin_show;
extern const RdCommand rd_command_plugin_check;
extern const RdCommand rd_command_inventory_check;
/* a cluster before a run */
extern const RdCommand rd_command_check;
extern const RdCommand rd_command_advise;

/* the program about itself */
extern const RdCommand rd_command_help;
extern const RdCommand rd_command_completion;
extern const RdCommand rd_command_complete;
extern const RdCommand rd_command_man;
G_END_DECLS
