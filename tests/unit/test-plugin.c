/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Built once for each shipped plugin: is its table whole, and do its bodies say what their tapes
 * say? */

#include "plugin-tape.h"

extern const RecoveryPlugin recovery_plugin;

/* what a loader and a procedure rely on */
static void
test_table(void)
{
	g_assert_cmpuint(recovery_plugin.api, ==, RECOVERY_PLUGIN_API);
	for (const RecoveryState *state = recovery_plugin.states; state->name != NULL; state++) {
		gboolean change = state->kind == RECOVERY_KIND_CHANGE;

		g_test_message("%s/%s", recovery_plugin.name, state->name);
		g_assert_nonnull(state->summary);
		g_assert_cmpuint(state->timeout, >, 0);
		g_assert_true((state->probe != NULL) == (state->kind != RECOVERY_KIND_QUERY));
		g_assert_true((state->enter != NULL) == (state->kind != RECOVERY_KIND_WAIT));
		g_assert_true(change || (state->undo == NULL && state->baseline == NULL));
		g_assert_true((state->undo != NULL) ==
			      (change && state->undo_is == RECOVERY_UNDO_FUNCTION));
		for (const RecoveryParam *param = state->params;
		     param != NULL && param->name != NULL; param++)
			g_assert_true(param->type >= RECOVERY_PARAM_STRING &&
				      param->type <= RECOVERY_PARAM_SECRET &&
				      param->summary != NULL);
	}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/table", test_table);
	tape_add_all(&recovery_plugin);
	return g_test_run();
}
