/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include "cli/findings.h"

#include <string.h>

#include "machine/plan.h"
#include "yaml/json.h"

#define LEVEL_COLUMN 7

/* @text filled up with spaces that stay */
static char *
column(const char *text, guint columns)
{
	GString *out = g_string_new(text);

	for (guint i = rd_screen_columns(text); i < columns; i++)
		g_string_append(out, RD_SPACE);
	return g_string_free(out, FALSE);
}

static gboolean
is_same(const RdFinding *a, const RdFinding *b)
{
	return strcmp(a->check, b->check) == 0 && a->level == b->level &&
	       strcmp(a->text, b->text) == 0 && g_strcmp0(a->remedy, b->remedy) == 0;
}

/* "m0, m1": all that have the same to say as @i; NULL when an earlier one was printed with it */
static char *
whose(GPtrArray *findings, guint i)
{
	const RdFinding *finding = findings->pdata[i];
	g_autoptr(GString) hosts = g_string_new(NULL);

	for (guint j = 0; j < findings->len; j++) {
		const RdFinding *other = findings->pdata[j];

		if (!is_same(finding, other))
			continue;
		if (j < i)
			return NULL;
		g_string_append_printf(hosts, "%s%s", hosts->len > 0 ? ", " : "", other->host);
	}
	return rd_screen_clean(hosts->str);
}

static void
print_one(GString *page, const RdScreen *screen, const RdFinding *finding, const char *hosts)
{
	gboolean blocks = finding->level == RD_LEVEL_BLOCK && finding->override == NULL;
	g_autofree char *level = column(blocks ? "block" : "warn", LEVEL_COLUMN);
	g_autofree char *text = rd_screen_clean(finding->text);
	/* what is about the cluster or the backup as a whole is about no host */
	gboolean whole = strcmp(hosts, RD_CLUSTER) == 0 || strcmp(hosts, finding->check) == 0;

	rd_page_printf(page, screen, 0, LEVEL_COLUMN,
		       "%s%s" RD_INK_END RD_INK_BOLD "%s" RD_INK_END "%s%s%s: %s",
		       blocks ? RD_INK_BAD : RD_INK_WARN, level, finding->check, whole ? "" : " (",
		       whole ? "" : hosts, whole ? "" : ")", text);
	if (finding->override != NULL) {
		g_autofree char *reason = rd_screen_clean(finding->override);

		rd_page_printf(page, screen, LEVEL_COLUMN, LEVEL_COLUMN + 3, "=> overridden: %s",
			       reason);
	} else if (finding->remedy != NULL) {
		g_autofree char *remedy = rd_screen_clean(finding->remedy);

		rd_page_printf(page, screen, LEVEL_COLUMN, LEVEL_COLUMN + 3, "-> %s", remedy);
	}
}

static void
print_level(GString *page, const RdScreen *screen, GPtrArray *findings, gboolean blocks)
{
	for (guint i = 0; i < findings->len; i++) {
		const RdFinding *finding = findings->pdata[i];
		g_autofree char *hosts = NULL;

		if (finding->level == RD_LEVEL_OK ||
		    (finding->level == RD_LEVEL_BLOCK && finding->override == NULL) != blocks)
			continue;
		hosts = whose(findings, i);
		if (hosts != NULL)
			print_one(page, screen, finding, hosts);
	}
}

/* the checks that found nothing but ok, in the order in which they were made */
static char *
fine(GPtrArray *findings, guint *count, guint *all)
{
	g_autoptr(GHashTable) worst = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(GString) names = g_string_new(NULL);

	for (guint i = 0; i < findings->len; i++) {
		const RdFinding *finding = findings->pdata[i];
		guint level = GPOINTER_TO_UINT(g_hash_table_lookup(worst, finding->check));

		g_hash_table_replace(worst, (gpointer)finding->check,
				     GUINT_TO_POINTER(MAX(level, (guint)finding->level)));
	}
	*all = g_hash_table_size(worst);
	*count = 0;
	for (guint i = 0; i < findings->len; i++) {
		const RdFinding *finding = findings->pdata[i];
		gpointer level = NULL;

		if (!g_hash_table_steal_extended(worst, finding->check, NULL, &level) ||
		    level != GUINT_TO_POINTER(RD_LEVEL_OK))
			continue;
		g_string_append_printf(names, "%s%s", *count > 0 ? ", " : "", finding->check);
		++*count;
	}
	return g_string_free(g_steal_pointer(&names), FALSE);
}

void
rd_findings_print(GString *page, const RdScreen *screen, GPtrArray *findings)
{
	guint count = 0, all = 0;
	g_autofree char *names = fine(findings, &count, &all);
	g_autofree char *level = column("ok", LEVEL_COLUMN);

	print_level(page, screen, findings, TRUE);
	print_level(page, screen, findings, FALSE);
	if (count > 0)
		rd_page_printf(page, screen, 0, LEVEL_COLUMN,
			       RD_INK_GOOD "%s" RD_INK_END "%u of %u checks: " RD_INK_DIM
					   "%s" RD_INK_END,
			       level, count, all, names);
}

void
rd_findings_add_json(JsonBuilder *json, GPtrArray *findings)
{
	json_builder_set_member_name(json, "findings");
	json_builder_begin_array(json);
	for (guint i = 0; i < findings->len; i++) {
		const RdFinding *finding = findings->pdata[i];

		json_builder_begin_object(json);
		rd_json_string(json, "host", finding->host);
		rd_json_string(json, "check", finding->check);
		rd_json_string(json, "level", rd_level_to_string(finding->level));
		rd_json_string(json, "text", finding->text);
		rd_json_string(json, "remedy", finding->remedy);
		rd_json_string(json, "override", finding->override);
		json_builder_end_object(json);
	}
	json_builder_end_array(json);
}

char *
rd_findings_word(const char *text)
{
	gsize plain = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				   "./_-+=:@,");

	return text[plain] == '\0' && *text != '\0' ? g_strdup(text) : g_shell_quote(text);
}
