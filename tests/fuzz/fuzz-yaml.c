/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/plan-file.h"
#include "procedure/expand.h"

#include <json-glib/json-glib.h>
#include <string.h>

/* Any bytes through the loaders. What must hold besides not crashing: a refusal has a message, an
 * inventory that was accepted survives JSON, a procedure that was accepted can be drawn, a plan
 * is like itself.
 *
 * Built for libFuzzer with clang (see README.md); else it replays the files it is given, and, for
 * each, 200 variants of it that are the same every time. */

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

static RdTypes *
get_types(void)
{
	static RdTypes *types = NULL;
	g_autoptr(JsonParser) parser = NULL;
	g_autofree char *path = NULL;

	if (types != NULL)
		return types;
	parser = json_parser_new();
	path = g_build_filename(g_getenv("SOURCE_ROOT"), "tests", "unit", "types.json", NULL);
	if (json_parser_load_from_file(parser, path, NULL))
		types = rd_types_new(json_parser_get_root(parser), NULL);
	g_assert_nonnull(types);
	return types;
}

static void
try_procedure(const char *data, gsize size)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(RdProcedure) procedure = rd_procedure_parse("f", data, size, get_types(), &error);
	g_autofree char *drawing = NULL;

	g_assert_true((procedure == NULL) == (error != NULL));
	g_assert_true(error == NULL || g_str_has_prefix(error->message, "f:"));
	if (procedure != NULL)
		drawing = rd_procedure_graph(procedure, RD_GRAPH_DOT);
}

static void
try_inventory(const char *data, gsize size)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(RdInventory) inventory = rd_inventory_parse("f", data, size, NULL, &error);
	g_autoptr(JsonNode) node = NULL;
	g_autoptr(RdInventory) copy = NULL;

	g_assert_true((inventory == NULL) == (error != NULL));
	g_assert_true(error == NULL || g_str_has_prefix(error->message, "f:"));
	if (inventory == NULL)
		return;
	node = rd_inventory_to_json(inventory);
	copy = rd_inventory_from_json(node, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(copy->hosts->len, ==, inventory->hosts->len);
}

static void
try_plan(const char *data, gsize size)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(RdPlanFile) plan = rd_plan_file_parse("f", data, size, &error);
	g_autoptr(GPtrArray) lines = NULL;

	g_assert_true((plan == NULL) == (error != NULL));
	g_assert_true(error == NULL || g_str_has_prefix(error->message, "f:"));
	if (plan != NULL)
		lines = rd_plan_file_compare(plan, plan->root);
	g_assert_true(lines == NULL || lines->len == 0);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
	if (size > 64 * 1024)
		return 0;
	try_procedure((const char *)data, size);
	try_inventory((const char *)data, size);
	try_plan((const char *)data, size);
	return 0;
}

#ifndef RD_FUZZER
#include "replay.h"

#define VARIANTS 200

/* one small damage, as an editor, a merge or a disk would do it */
static void
damage(GRand *rand, GByteArray *bytes)
{
	static const char signs[] = "{}[]:,-&*!|>'\"%#?\n\t ${.~";
	guint at = bytes->len == 0 ? 0 : g_rand_int_range(rand, 0, bytes->len);
	guint wanted = g_rand_int_range(rand, 1, 40);
	guint size = MIN(bytes->len - at, wanted);
	g_autofree guint8 *piece = NULL;

	switch (g_rand_int_range(rand, 0, 4)) {
	case 0:
		if (bytes->len > 0)
			bytes->data[at] = signs[g_rand_int_range(rand, 0, strlen(signs))];
		break;
	case 1:
		if (bytes->len > 0)
			bytes->data[at] = g_rand_int(rand);
		break;
	case 2:
		g_byte_array_remove_range(bytes, at, size);
		break;
	default:
		piece = g_memdup2(bytes->data + at, size);
		g_byte_array_append(bytes, piece, size);
		break;
	}
}

int
main(int argc, char **argv)
{
	return replay(argv + 1, ".yaml", VARIANTS, damage);
}
#endif
