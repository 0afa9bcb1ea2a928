/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* From hosts to a situation: what earlier runs left, as return-to-old-data would find it. */

#include "preflight-fixture.h"
#include "preflight/situation.h"

#define ASIDE "/var/lib/recoveryd/aside/"

/* @run has moved the member's data of @name to where it is @there */
static void
moved(Scene *self, const char *name, const char *run, gboolean there)
{
	g_autofree char *index = g_strdup_printf(ASIDE "%s/index", run);
	g_autofree char *to = g_strdup_printf(ASIDE "%s/_var_lib_etcd_member", run);
	g_autofree char *db = g_strconcat(to, "/snap/db", NULL);
	g_autofree char *line = g_strdup_printf("/var/lib/etcd/stray\t/x\n"
						"/var/lib/etcd/member\t%s\n",
						to);

	put(self, name, index, line);
	if (there)
		put(self, name, db, "old");
}

static void
on_all(Scene *self, const char *run)
{
	moved(self, "m0", run, TRUE);
	moved(self, "m1", run, TRUE);
	moved(self, "m2", run, TRUE);
}

/* the scenery has something of an earlier restore */
static void
nothing_left(Scene *self)
{
	RdSimTree *tree = host(self, "m0")->tree;

	(void)rd_sim_tree_remove_all(tree, "/var/lib/etcd-backup/member");
	(void)rd_sim_tree_remove_all(tree, "/home/core/assets/manifests-stopped");
}

static void
whole(Scene *self)
{
	nothing_left(self);
	on_all(self, "r-1");
}

/* one host had no data then: its index names something else */
static void
one_had_none(Scene *self)
{
	whole(self);
	put(self, "m2", ASIDE "r-1/index", "/var/lib/kubelet/pki/a.pem\t/x\n");
}

static void
one_knows_nothing(Scene *self)
{
	nothing_left(self);
	moved(self, "m0", "r-1", TRUE);
	moved(self, "m1", "r-1", TRUE);
}

static void
gone_back(Scene *self)
{
	nothing_left(self);
	moved(self, "m0", "r-1", FALSE);
	moved(self, "m1", "r-1", FALSE);
	moved(self, "m2", "r-1", FALSE);
}

static void
by_script(Scene *self)
{
	whole(self);
	put(self, "m0", "/var/lib/recoveryd/work/r-1/restore.before", "1 /x\n");
}

static void
no_data_at_all(Scene *self)
{
	nothing_left(self);
	for (guint i = 0; i < self->cluster->hosts->len; i++)
		put(self, ((RdSimHost *)self->cluster->hosts->pdata[i])->name, ASIDE "r-1/index",
		    "/var/lib/kubelet/pki/a.pem\t/x\n");
}

static void
two_runs(Scene *self)
{
	whole(self);
	on_all(self, "r-2");
	on_all(self, "r-0");
	on_all(self, "no-run");
}

static void
scenery(Scene *self)
{
}

static const struct {
	const char *name;
	void (*plant)(Scene *self);
	const char *runs;
	gboolean restored;
} cases[] = {
    {"nothing", nothing_left, "", FALSE},
    {"of-a-script-by-hand", scenery, "", TRUE},
    {"whole", whole, "r-1", TRUE},
    {"one-had-none", one_had_none, "r-1", TRUE},
    {"one-knows-nothing", one_knows_nothing, "", TRUE},
    {"gone-back", gone_back, "", FALSE},
    {"by-script", by_script, "", TRUE},
    {"no-data-at-all", no_data_at_all, "", FALSE},
    {"several", two_runs, "r-0 r-1 r-2", TRUE},
};

static void
test_runs(gconstpointer data)
{
	guint i = GPOINTER_TO_UINT(data);
	g_autoptr(RdPreflight) preflight = NULL;
	g_auto(GStrv) runs = NULL;
	g_autofree char *text = NULL;
	RdSituation situation;
	Scene scene;

	scene_begin(&scene);
	cases[i].plant(&scene);
	preflight = look(&scene);
	runs = rd_facts_returnable(preflight->facts);
	text = g_strjoinv(" ", runs);
	g_assert_cmpstr(text, ==, cases[i].runs);
	rd_situation_read(&situation, preflight->facts, preflight->findings);
	g_assert_cmpint(situation.parked, ==, *text != '\0');
	g_assert_cmpint(situation.restored, ==, cases[i].restored);
	scene_end(&scene);
}

int
main(int argc, char **argv)
{
	gint64 now = g_get_real_time() / G_USEC_PER_SEC;
	int status;

	g_test_init(&argc, &argv, NULL);
	signer = make_certificate("openshift-etcd_etcd-signer", now - DAY, now + 900 * DAY);
	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *name = g_strdup_printf("/situation/runs/%s", cases[i].name);

		g_test_add_data_func(name, GUINT_TO_POINTER(i), test_runs);
	}
	status = g_test_run();
	g_free(signer);
	return status;
}
