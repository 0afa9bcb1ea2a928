/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/plan-file.h"
#include <string.h>

/* The file of a plan: what is refused with its place, and when a plan no longer stands. */

#define PLAN                                                                                       \
	"{\"format\": 1, \"made\": \"2026-11-20T03:00:00Z\", \"by\": \"al@night\",\n"              \
	" \"declares\": {\"procedure\": \"/p.yaml\", \"procedure-sha256\": \"aa\",\n"              \
	"  \"inventory\": \"/c.yaml\", \"inventory-sha256\": \"bb\",\n"                            \
	"  \"inputs\": {\"backup\": \"/b\"}, \"values\": {\"backup.sha256\": \"cc\"},\n"           \
	"  \"excused\": {\"m2\": \"burnt\"}, \"approved\": [\"reboot\"],\n"                        \
	"  \"accept-no-hash\": false,\n"                                                           \
	"  \"facts\": {\"parameters@m0\": \"asked\", \"parameters@m0.name\": \"n0\"}},\n"          \
	" \"steps\": [\n"                                                                          \
	"  {\"state\": \"stop\", \"target\": \"m0\", \"stands\": \"change\", \"gives-back\": "     \
	"false,\n"                                                                                 \
	"   \"changes\": [{\"verb\": \"move-aside\", \"text\": \"/etc/x\"}]},\n"                   \
	"  {\"state\": \"wait\", \"target\": \"m0\", \"stands\": \"holds\", \"gives-back\": "      \
	"false,\n"                                                                                 \
	"   \"changes\": []}],\n"                                                                  \
	" \"hosts\": {\"m0\": \"\"},\n"                                                            \
	" \"digest\": \"DIGEST\"}\n"

static char *
replace(const char *text, const char *old, const char *new)
{
	g_auto(GStrv) parts = g_strsplit(text, old, 2);

	g_assert_cmpuint(g_strv_length(parts), ==, 2);
	return g_strjoinv(new, parts);
}

/* with the digest that belongs to it */
static char *
seal(const char *text)
{
	g_autoptr(JsonNode) node = json_from_string(text, NULL);
	g_autofree char *digest = NULL;

	g_assert_nonnull(node);
	digest = rd_plan_file_digest(json_node_get_object(node));
	return replace(text, "DIGEST", digest);
}

static RdPlanFile *
load(const char *text)
{
	g_autofree char *sealed = seal(text);
	g_autoptr(GError) error = NULL;
	RdPlanFile *file = rd_plan_file_parse("plan.json", sealed, strlen(sealed), &error);

	g_assert_no_error(error);
	return file;
}

static void
test_read(void)
{
	g_autoptr(RdPlanFile) file = load(PLAN);

	g_assert_cmpstr(file->procedure, ==, "/p.yaml");
	g_assert_cmpstr(file->inventory, ==, "/c.yaml");
	g_assert_null(file->recovery_host);
	g_assert_cmpstr(g_hash_table_lookup(file->inputs, "backup"), ==, "/b");
	g_assert_cmpstr(g_hash_table_lookup(file->excused, "m2"), ==, "burnt");
	g_assert_cmpstr(file->approved[0], ==, "reboot");
	g_assert_false(file->accept_no_hash);
	g_assert_cmpuint(strlen(file->digest), ==, 64);
}

/* the digest is of what it says, not of how it is written */
static void
test_digest(void)
{
	g_autofree char *one = seal(PLAN);
	g_autoptr(JsonNode) node = json_from_string(one, NULL);
	g_autofree char *pretty = json_to_string(node, TRUE);
	g_autofree char *later = replace(one, "03:00", "04:00");
	g_autoptr(RdPlanFile) first = load(PLAN);
	g_autoptr(RdPlanFile) other = rd_plan_file_parse("p", pretty, strlen(pretty), NULL);
	g_autoptr(RdPlanFile) third = rd_plan_file_parse("p", later, strlen(later), NULL);

	g_assert_nonnull(other);
	g_assert_cmpstr(first->digest, ==, other->digest);
	g_assert_nonnull(third);
}

static void
test_refused(void)
{
	static const struct {
		const char *old, *new, *place, *word;
	} cases[] = {
	    {"/etc/x", "/etc/y", "plan.json:14:12: ", "changed after it was made"},
	    {"\"bb\"", "\"bc\"", "plan.json:14:12: ", "changed after it was made"},
	    {"\"format\": 1", "\"format\": 2", "plan.json:1:1: ", "format is not 1"},
	    {" \"steps\": [", " \"stops\": [", "plan.json:1:1: ", "steps is missing"},
	    {"\"procedure\":", "\"procedura\":", "plan.json:2:", "procedure is missing"},
	    {"\"facts\": {", "\"fact\": {", "plan.json:2:", "facts is missing"},
	    {"\"values\": {\"backup.sha256\": \"cc\"}", "\"values\": [1]",
	     "plan.json:4:", "values"},
	    {"\"inputs\": {\"backup\": \"/b\"}", "\"inputs\": {\"backup\": [2]}",
	     "plan.json:4:", "backup"},
	    {"\"changes\": []", "\"changes\": [[]]", "plan.json:12:", "change"},
	    {"\"changes\": []", "\"chances\": []", "plan.json:11:", "changes is missing"},
	    {"\"hosts\": {", "\"hosts\" {", "plan.json:13:", ""},
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *sealed = seal(PLAN);
		g_autofree char *text = replace(sealed, cases[i].old, cases[i].new);
		g_autoptr(GError) error = NULL;

		g_test_message("%s", cases[i].new);
		g_assert_null(rd_plan_file_parse("plan.json", text, strlen(text), &error));
		g_assert_true(error != NULL && error->domain == RD_PROCEDURE_ERROR);
		g_test_message("%s", error->message);
		g_assert_nonnull(strstr(error->message, cases[i].place));
		g_assert_nonnull(strstr(error->message, cases[i].word));
	}
}

/* what the plan says of itself is enough to refuse it */
static void
test_would_be_refused(void)
{
	g_autofree char *text = replace(PLAN, "\"stands\": \"holds\"",
					"\"stands\": \"refused\", \"text\": \"no room\"");
	g_autoptr(RdPlanFile) sound = load(PLAN), file = load(text);
	g_autoptr(GPtrArray) none = rd_plan_file_refused(sound), lines = rd_plan_file_refused(file);

	g_assert_cmpuint(none->len, ==, 0);
	g_assert_cmpuint(lines->len, ==, 1);
	g_assert_cmpstr(lines->pdata[0], ==, "wait@m0: no room");
}

static void
test_stands(void)
{
	static const struct {
		const char *old, *new, *line; /* (nullable) it still stands */
	} cases[] = {
	    {"al@night", "bob@day", NULL},
	    {"03:00", "09:30", NULL},
	    /* a wait comes and goes */
	    {"\"holds\"", "\"waits\"", NULL},
	    {"\"aa\"", "\"ab\"", "procedure-sha256: was aa, is ab"},
	    {"\"bb\"", "\"bc\"", "inventory-sha256: was bb, is bc"},
	    {"\"cc\"", "\"cd\"", "backup.sha256: was cc, is cd"},
	    {"\"n0\"", "\"n9\"", "parameters@m0.name: was n0, is n9"},
	    {", \"parameters@m0.name\": \"n0\"", "", "parameters@m0.name: was n0, is not known"},
	    {"[{\"verb\": \"move-aside\", \"text\": \"/etc/x\"}]", "[]",
	     "stop@m0: was to do move-aside /etc/x, would do nothing"},
	};
	g_autoptr(RdPlanFile) file = load(PLAN);

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *text = replace(PLAN, cases[i].old, cases[i].new);
		g_autoptr(JsonNode) now = json_from_string(text, NULL);
		g_autoptr(GPtrArray) lines = NULL;

		g_assert_nonnull(now);
		lines = rd_plan_file_compare(file, now);
		g_assert_cmpuint(lines->len, ==, cases[i].line != NULL ? 1 : 0);
		if (cases[i].line != NULL)
			g_assert_cmpstr(lines->pdata[0], ==, cases[i].line);
	}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/plan-file/read", test_read);
	g_test_add_func("/plan-file/digest", test_digest);
	g_test_add_func("/plan-file/refused", test_refused);
	g_test_add_func("/plan-file/would-be-refused", test_would_be_refused);
	g_test_add_func("/plan-file/stands", test_stands);
	return g_test_run();
}
