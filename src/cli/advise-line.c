/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include "cli/advise-line.h"

#include <string.h>

#include "cli/findings.h"

static void
rd_advise_add(GString *line, const char *option, const char *text)
{
	g_autofree char *word = rd_findings_word(text);

	g_string_append_printf(line, " %s %s", option, word);
}

/* ---- what is filled in --------------------------------------------------------------------- */

static char *
rd_advise_cluster(const RdAdviseLine *self, char **how)
{
	return rd_findings_word(self->options->inventory);
}

static char *
rd_advise_backup(const RdAdviseLine *self, char **how)
{
	if (self->options->backup != NULL)
		return rd_findings_word(self->options->backup);
	*how = g_strdup("which backup is it? Name it with -b, and ask again");
	return NULL;
}

static char *
rd_advise_file(const RdAdviseLine *self, char **how)
{
	const char *given = self->options->backup;

	if (given != NULL && g_file_test(given, G_FILE_TEST_IS_DIR) && self->facts->backup != NULL)
		return rd_findings_word(self->facts->backup->path);
	return rd_advise_backup(self, how);
}

static char *
rd_advise_purpose(const RdAdviseLine *self, char **how)
{
	return g_strdup(self->options->go_back ? " -i purpose=go-back" : "");
}

static char *
rd_advise_options(const RdAdviseLine *self, char **how)
{
	g_autoptr(GString) text = g_string_new(NULL);
	char **excuses = self->options->excuses;

	if (self->options->recovery_host != NULL)
		rd_advise_add(text, "--recovery-host", self->options->recovery_host);
	for (guint i = 0; excuses != NULL && excuses[i] != NULL; i++)
		rd_advise_add(text, "--excuse", excuses[i]);
	return g_string_free(g_steal_pointer(&text), FALSE);
}

/* a node that the inventory does not have cannot be worked on, one that is off not either */
static char *
rd_advise_nodes(const RdAdviseLine *self, char **how)
{
	g_autoptr(GString) names = g_string_new(NULL);
	g_autoptr(GString) strange = g_string_new(NULL);

	for (guint i = 0; self->facts->api.stale != NULL && self->facts->api.stale[i] != NULL;
	     i++) {
		const char *name = self->facts->api.stale[i];
		const RdHostFacts *host = rd_cluster_facts_find(self->facts, name);
		GString *list =
		    rd_inventory_find(self->facts->inventory, name) != NULL ? names : strange;

		if (host == NULL || host->excused == NULL)
			g_string_append_printf(list, "%s%s", list->len > 0 ? "," : "", name);
	}
	if (names->len > 0)
		return rd_findings_word(names->str);
	*how =
	    strange->len > 0
		? g_strdup_printf("the nodes that are behind (%s) are not among the hosts of %s: "
				  "add them there, and ask again",
				  strange->str, self->options->inventory)
		: g_strdup("the nodes that are behind are those that were stated to be off: "
			   "nothing can be done on them");
	return NULL;
}

static char *
rd_advise_run(const RdAdviseLine *self, char **how)
{
	g_auto(GStrv) runs = rd_facts_returnable(self->facts);
	g_autofree char *list = g_strjoinv(", ", runs);

	if (g_strv_length(runs) == 1)
		return rd_findings_word(runs[0]);
	*how = runs[0] == NULL
		   ? g_strdup("no run moved data aside that every host could take back")
		   : g_strdup_printf("old data of several runs is there (%s): recoveryd list says "
				     "when each was, and recoveryd report what it did. The name of "
				     "one of them goes behind -i run=",
				     list);
	return NULL;
}

static const struct {
	const char *word;
	char *(*get)(const RdAdviseLine *self, char **how);
} words[] = {
    {"${cluster}", rd_advise_cluster}, {"${backup}", rd_advise_backup}, {"${file}", rd_advise_file},
    {"${purpose}", rd_advise_purpose}, {"${nodes}", rd_advise_nodes},	{"${run}", rd_advise_run},
    {"${options}", rd_advise_options},
};

char *
rd_advise_line_start(const RdAdviseLine *self, const RdChoiceRow *row, char **how)
{
	g_autoptr(GString) line = g_string_new(row->start);

	*how = NULL;
	for (guint i = 0; i < G_N_ELEMENTS(words); i++) {
		g_autofree char *value = NULL;

		if (strstr(line->str, words[i].word) == NULL)
			continue;
		value = words[i].get(self, how);
		if (value == NULL)
			return NULL;
		g_string_replace(line, words[i].word, value, 0);
	}
	return row->start != NULL ? g_string_free(g_steal_pointer(&line), FALSE) : NULL;
}

/* ---- the same question once more ----------------------------------------------------------- */

/* a host that could be the recovery host; NULL: none answers */
static const char *
rd_advise_candidate(const RdAdviseLine *self)
{
	for (guint i = 0; i < self->facts->hosts->len; i++) {
		const RdHostFacts *host = self->facts->hosts->pdata[i];

		if (host->asked && host->excused == NULL)
			return host->host->name;
	}
	return NULL;
}

/* of whom nobody has said anything; without the recovery host there is no recovery */
static void
rd_advise_add_silent(const RdAdviseLine *self, GString *line, const char *recovery)
{
	for (guint i = 0; i < self->facts->hosts->len; i++) {
		const RdHostFacts *host = self->facts->hosts->pdata[i];
		gboolean needed = recovery != NULL ? strcmp(host->host->name, recovery) == 0
						   : host->host->recovery;

		if (!host->asked && host->excused == NULL && !needed)
			g_string_append_printf(line, " --excuse %s=\"...\"", host->host->name);
	}
}

char *
rd_advise_line_again(const RdAdviseLine *self, const RdChoice *choice)
{
	const RdAdviseOptions *options = self->options;
	guint lacks = choice != NULL ? choice->lacks : 0;
	const char *recovery = options->recovery_host;
	GString *line = g_string_new("recoveryd advise");

	if ((lacks & RD_LACK_RECOVERY) != 0 && rd_advise_candidate(self) != NULL)
		recovery = rd_advise_candidate(self);
	rd_advise_add(line, "-c", options->inventory);
	if ((lacks & RD_LACK_BACKUP) != 0)
		g_string_append(line, " -b DIR");
	else if (options->backup != NULL)
		rd_advise_add(line, "-b", options->backup);
	if (options->no_backup || (lacks & RD_LACK_NO_BACKUP) != 0)
		g_string_append(line, " --no-backup");
	if (options->go_back)
		g_string_append(line, " --go-back");
	if (recovery != NULL)
		rd_advise_add(line, "--recovery-host", recovery);
	for (guint i = 0; options->excuses != NULL && options->excuses[i] != NULL; i++)
		rd_advise_add(line, "--excuse", options->excuses[i]);
	if ((lacks & RD_LACK_STATEMENT) != 0)
		rd_advise_add_silent(self, line, recovery);
	return g_string_free(line, FALSE);
}
