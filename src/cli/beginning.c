/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include <stdio.h>
#include <string.h>

#include "cli/beginning.h"
#include "cli/places.h"
#include "engine/session.h"

RdBeginningWords rd_beginning_words;

void
rd_beginning_clear(RdBeginningInput *self)
{
	g_clear_pointer(&self->given, g_hash_table_unref);
	g_clear_pointer(&self->excused, g_hash_table_unref);
	g_clear_pointer(&self->plan, rd_plan_file_free);
	g_strfreev(self->gates);
	g_free(self->who);
	/* the words are those of the command line or of the plan */
}

/* "NAME=VALUE" words; FALSE for one without '=' */
static gboolean
rd_beginning_pairs(char **words, const char *option, GHashTable *table, GError **error)
{
	for (guint i = 0; words != NULL && words[i] != NULL; i++) {
		const char *equals = strchr(words[i], '=');

		if (equals == NULL || equals == words[i])
			return rd_cli_usage(error, "--%s %s: write NAME=VALUE", option, words[i]);
		g_hash_table_replace(table, g_strndup(words[i], equals - words[i]),
				     g_strdup(equals + 1));
	}
	return TRUE;
}

/* A procedure is YAML with keys at the beginning of lines; a plan is JSON. What cannot be read is
 * somebody else's to complain about. */
static gboolean
rd_is_plan(const char *name)
{
	FILE *file;
	int c;

	if (strchr(name, '/') == NULL && !g_str_has_suffix(name, ".json"))
		return FALSE;
	if (!g_file_test(name, G_FILE_TEST_IS_REGULAR))
		return g_str_has_suffix(name, ".json");
	file = fopen(name, "re");
	if (file == NULL)
		return FALSE;
	do
		c = getc(file);
	while (c != EOF && g_ascii_isspace(c));
	fclose(file);
	return c == '{' || g_str_has_suffix(name, ".json");
}

static gboolean
rd_beginning_take_plan(RdBeginningInput *self, const char *path, GError **error)
{
	const RdBeginningWords *words = &rd_beginning_words;
	g_autoptr(GStrvBuilder) gates = g_strv_builder_new();

	if (words->inventory != NULL || words->inputs != NULL || words->excuses != NULL ||
	    words->recovery_host != NULL || words->accept_no_hash)
		return rd_cli_usage(error,
				    "%s is a plan: cluster, inputs and statements stand in it. "
				    "For others make another plan",
				    path);
	self->plan = rd_plan_file_load(path, error);
	if (self->plan == NULL)
		return FALSE;
	self->options.procedure = self->plan->procedure;
	self->options.inventory = self->plan->inventory;
	self->options.recovery_host = self->plan->recovery_host;
	self->options.inputs = self->plan->inputs;
	self->options.excused = self->plan->excused;
	self->options.accept_no_hash = self->plan->accept_no_hash;
	self->options.plan_digest = self->plan->digest;
	g_strv_builder_addv(gates, (const char **)self->plan->approved);
	if (words->approved != NULL)
		g_strv_builder_addv(gates, (const char **)words->approved);
	self->gates = g_strv_builder_end(gates);
	self->options.approved = (const char *const *)self->gates;
	return TRUE;
}

static gboolean
rd_beginning_take_words(RdBeginningInput *self, const char *name, GError **error)
{
	const RdBeginningWords *words = &rd_beginning_words;

	if (words->inventory == NULL)
		return rd_cli_usage(error, "which cluster? -c FILE names its inventory");
	self->given = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	self->excused = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	self->options.procedure = name;
	self->options.inventory = words->inventory;
	self->options.recovery_host = words->recovery_host;
	self->options.inputs = self->given;
	self->options.excused = self->excused;
	self->options.approved = (const char *const *)words->approved;
	self->options.accept_no_hash = words->accept_no_hash;
	return rd_beginning_pairs(words->inputs, "input", self->given, error) &&
	       rd_beginning_pairs(words->excuses, "excuse", self->excused, error);
}

gboolean
rd_beginning_read(RdBeginningInput *self, const char *name, GError **error)
{
	self->who = rd_session_who();
	self->options.who = self->who;
	self->options.procedure_dirs = rd_place_procedures();
	self->options.plugin_dir = rd_place_plugins();
	return rd_is_plan(name) ? rd_beginning_take_plan(self, name, error)
				: rd_beginning_take_words(self, name, error);
}
