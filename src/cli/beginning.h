/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "cli/command.h"
#include "engine/plan-file.h"
G_BEGIN_DECLS

/* What `start` and `plan` are told alike: which cluster, which inputs, what a person states. */

/* entries for the options of a command; their values stand in beginning.c */
#define RD_BEGINNING_ENTRIES                                                                       \
	{"cluster",                                                                                \
	 'c',                                                                                      \
	 0,                                                                                        \
	 G_OPTION_ARG_FILENAME,                                                                    \
	 &rd_beginning_words.inventory,                                                            \
	 "the cluster's inventory",                                                                \
	 "FILE"},                                                                                  \
	    {"input",                                                                              \
	     'i',                                                                                  \
	     0,                                                                                    \
	     G_OPTION_ARG_STRING_ARRAY,                                                            \
	     &rd_beginning_words.inputs,                                                           \
	     "an input of the procedure",                                                          \
	     "NAME=VALUE"},                                                                        \
	    {"excuse",                                                                             \
	     0,                                                                                    \
	     0,                                                                                    \
	     G_OPTION_ARG_STRING_ARRAY,                                                            \
	     &rd_beginning_words.excuses,                                                          \
	     "state that a control-plane host is powered off and stays so",                        \
	     "HOST=REASON"},                                                                       \
	    {"approve",                                                                            \
	     0,                                                                                    \
	     0,                                                                                    \
	     G_OPTION_ARG_STRING_ARRAY,                                                            \
	     &rd_beginning_words.approved,                                                         \
	     "approve a gate beforehand, also on conditions (see man start)",                      \
	     "GATE[:CONDITIONS]"},                                                                 \
	    {"recovery-host",                                                                      \
	     0,                                                                                    \
	     0,                                                                                    \
	     G_OPTION_ARG_STRING,                                                                  \
	     &rd_beginning_words.recovery_host,                                                    \
	     "instead of the one that the inventory names",                                        \
	     "HOST"},                                                                              \
	{                                                                                          \
		"accept-no-hash", 0, 0, G_OPTION_ARG_NONE, &rd_beginning_words.accept_no_hash,     \
		    "take a snapshot that carries no SHA-256", NULL                                \
	}

typedef struct {
	char *inventory;
	char **inputs, **excuses, **approved;
	char *recovery_host;
	gboolean accept_no_hash;
} RdBeginningWords;
extern RdBeginningWords rd_beginning_words;

typedef struct {
	RdBeginOptions options; /* base and what only `start` has are left empty */
	GHashTable *given, *excused;
	char *who;
	char **gates;	  /* (nullable) approved by the plan and beside it */
	RdPlanFile *plan; /* (nullable) that of a saved plan */
} RdBeginningInput;
void rd_beginning_clear(RdBeginningInput *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RdBeginningInput, rd_beginning_clear)

/* @name: a procedure, by name or path, with the options of the command line; or the file of a saved
 * plan, which says all that itself (gates may be approved beside it). */
gboolean rd_beginning_read(RdBeginningInput *self, const char *name, GError **error);
G_END_DECLS
