/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* restore-cluster-state and manual-restore on each of the clusters of scene.c, undisturbed, with
 * the person that it asks for. The output is the list of what is tried (TAP).
 *
 * sim-scenes [NAME…]: only these, and with their whole history.
 * sim-scenes --not NAME: all but this one. */

#include "disk.h"
#include "trial.h"
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static RdCatalogue *
load_catalogue(void)
{
	g_autofree char *dir = g_strdup_printf("%s/plugins", g_getenv("BUILD_ROOT"));
	g_autoptr(GError) error = NULL;
	RdCatalogue *catalogue = rd_catalogue_new();

	if (!rd_catalogue_load_dir(catalogue, dir, &error))
		g_error("%s", error->message);
	return catalogue;
}

/* what is wrong beside what every trial is judged by; "" when nothing is */
static char *
find_wrong(const Scene *scene, Trial *trial, const Outcome *outcome)
{
	Bastion *bastion = g_ptr_array_index(trial->bastions, 0);
	Bastion *last = g_ptr_array_index(trial->bastions, trial->bastions->len - 1);
	const char *end = bastion_end(bastion), *wanted = scene->end != NULL ? scene->end : "done";
	guint words = outcome->held + outcome->gates;
	GString *text = g_string_new(NULL);

	if (g_strcmp0(end, wanted) != 0)
		g_string_append_printf(text, "; it ended as %s, not %s", end, wanted);
	if (scene->then != NULL && (last == bastion || g_strcmp0(bastion_end(last), "done") != 0))
		g_string_append_printf(text, "; %s was not done behind it", scene->then);
	if (words < scene->helps)
		g_string_append(text, "; nobody was asked");
	if (scene->helps == 0 && words > 0)
		g_string_append(text, "; somebody had to help");
	if (scene->away > trial->away)
		g_string_append_printf(text, "; at most %u workers were away at a time, not %u",
				       trial->away, scene->away);
	if (scene->found != NULL && strstr(bastion->trace->str, scene->found) == NULL)
		g_string_append_printf(text, "; the journal has no %s", scene->found);
	if (scene->told != NULL && strstr(trial->held->str, scene->told) == NULL)
		g_string_append_printf(text, "; nobody was told of %s", scene->told);
	if (scene->before != NULL && strstr(trial->held->str, scene->before) == NULL)
		g_string_append_printf(text, "; nobody was told of %s", scene->before);
	if (scene->wrong != NULL) {
		g_autofree char *wrong = scene->wrong(trial->cluster);

		if (wrong != NULL)
			g_string_append_printf(text, "; %s", wrong);
	}
	/* INV-29: the canary of the proxy's password */
	if (strstr(bastion->trace->str, "canary") != NULL ||
	    strstr(last->trace->str, "canary") != NULL)
		g_string_append(text, "; a secret is in the journal");
	return g_string_free(text, FALSE);
}

static gboolean
try_scene(const Scene *scene, RdCatalogue *catalogue, guint number, gboolean verbose)
{
	g_autofree char *base = g_dir_make_tmp("recoveryd-scene-XXXXXX", NULL), *wrong = NULL;
	RdPlan *plan = trial_make_plan(scene_procedure(scene), scene, catalogue, base);
	Trial *trial;
	Outcome outcome;
	gboolean good;

	if (g_chdir(base) != 0)
		g_error("cannot enter %s", base);
	trial = trial_new(plan, scene, 1, catalogue, base, TRUE);
	trial->cluster->brisk = TRUE;
	trial->blows_max = 0;
	trial_run(trial, NULL, &outcome);
	wrong = find_wrong(scene, trial, &outcome);
	for (guint i = 0; verbose && i < trial->bastions->len; i++)
		printf("%s", ((Bastion *)g_ptr_array_index(trial->bastions, i))->trace->str);
	good = outcome.good && *wrong == '\0';
	printf("%sok %u - %s: %s (%.0f minutes, %u words of a person)\n", good ? "" : "not ",
	       number, scene->name, scene->summary, (double)outcome.took / G_USEC_PER_SEC / 60,
	       outcome.held + outcome.gates);
	if (!good || verbose)
		printf("# %s%s\n", wrong, outcome.text);
	fflush(stdout);
	trial_free(trial);
	rd_plan_free(plan);
	if (g_chdir("/") == 0)
		remove_dir(base);
	return good;
}

int
main(int argc, char **argv)
{
	RdCatalogue *catalogue = load_catalogue();
	gboolean good = TRUE, all_but = argc > 1 && g_str_equal(argv[1], "--not");
	guint number = 0;

	for (guint i = 0; i < n_scenes; i++)
		if (argc < 2 ||
		    g_strv_contains((const char *const *)argv + 1, scenes[i].name) != all_but)
			good &= try_scene(&scenes[i], catalogue, ++number, argc > 1 && !all_but);
	printf("1..%u\n", number);
	rd_catalogue_free(catalogue);
	return good ? 0 : 1;
}
