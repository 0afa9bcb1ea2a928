/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "preflight/choice.h"
#include <string.h>

/* Situations as they are met at three in the morning, and what a person who knows the documents
 * would do. The table of the program is one thing, this one was written by hand from domain 0.4. */

#define HA    .masters = 3, .answer = 3, .recovery = TRUE, .data = 3, .named = TRUE
#define WORKS HA, .commit = 3, .reads = TRUE, .writes = TRUE
#define SOUND .backup = RD_BACKUP_SOUND

/* clang-format off */
static const struct {
	const char *what;
	RdSituation situation;
	const char *best; /* "!NAME": only almost; NULL: nothing at all */
	/* what has to be said against it: procedure, words; or of the best one if it is "almost" */
	const char *against, *words;
} situations[] = {
    {"all is well", {WORKS, .family = RD_FAMILY_4_11, SOUND},
     "nothing", "restore-cluster-state", "throw away everything"},
    {"well by etcd, while the API is away", {HA, .commit = 3, .family = RD_FAMILY_4_11, SOUND},
     "nothing", "manual-restore", "throw away everything"},
    {"well by the API, while ssh is away", {.masters = 3, .reads = TRUE, .writes = TRUE},
     "nothing", "restore-cluster-state", "has a quorum"},
    {"one bad member of three", {HA, .commit = 2, .reads = TRUE, .writes = TRUE, .family = RD_FAMILY_4_11, SOUND},
     "replace-member", "nothing", "not every member was seen to commit"},
    {"one host of three dead", {.masters = 3, .answer = 2, .commit = 2, .data = 2, .reads = TRUE, .recovery = TRUE, .family = RD_FAMILY_4_18},
     "replace-member", "quorum-restore", "throw away everything"},
    {"one member left after a restore, two hosts lost for good",
     {.masters = 3, .answer = 1, .commit = 1, .data = 1, .reads = TRUE, .writes = TRUE, .recovery = TRUE, .stated_off = 2, .family = RD_FAMILY_4_11},
     "replace-control-plane", "replace-member", "half of the hosts"},
    {"a worker did not come back after a restore", {WORKS, .stale = 1, .restored = TRUE, .family = RD_FAMILY_4_11},
     "finish-nodes", "restore-cluster-state", "has a quorum"},
    {"a node is down, and nobody ever restored anything", {WORKS, .stale = 1, .family = RD_FAMILY_4_11},
     "nothing", "finish-nodes", "was ever restored"},
    {"the same behind a restore, without a recovery host", {.masters = 3, .answer = 3, .data = 3, .named = TRUE, .commit = 3, .reads = TRUE, .writes = TRUE, .stale = 1, .restored = TRUE, .family = RD_FAMILY_4_11},
     "!finish-nodes", "finish-nodes", "no recovery host"},
    {"one member left after a restore, and two hosts are silent",
     {.masters = 3, .answer = 1, .commit = 1, .data = 1, .reads = TRUE, .writes = TRUE, .recovery = TRUE, .family = RD_FAMILY_4_11},
     "!replace-control-plane", "replace-control-plane", "is silent"},
    {"quorum lost, 4.11 to 4.17, sound backup", {HA, .family = RD_FAMILY_4_11, SOUND},
     "restore-cluster-state", "replace-member", "no quorum was seen"},
    {"the same without a backup named", {HA, .family = RD_FAMILY_4_11},
     "!restore-cluster-state", "restore-cluster-state", "no sound backup"},
    {"the same, and a person says that there is no backup", {HA, .family = RD_FAMILY_4_11, .backup = RD_BACKUP_NOWHERE},
     "surviving-data", "restore-cluster-state", "no sound backup"},
    {"the same without any data", {.masters = 3, .answer = 3, .recovery = TRUE, .named = TRUE, .family = RD_FAMILY_4_11, .backup = RD_BACKUP_NOWHERE},
     "reinstall", "surviving-data", "no host that answers has a member's data"},
    {"a snapshot without its static resources", {HA, .family = RD_FAMILY_4_11, .backup = RD_BACKUP_ALONE},
     "!restore-cluster-state", "restore-cluster-state", "no sound backup"},
    {"no data, and nothing is known about the release", {.masters = 3, .answer = 3, .recovery = TRUE},
     "!reinstall", "reinstall", "there is a backup, or may be"},
    {"the same with a damaged backup and no data", {.masters = 3, .answer = 3, .recovery = TRUE, .named = TRUE, .family = RD_FAMILY_4_11, .backup = RD_BACKUP_UNSOUND},
     "!restore-cluster-state", "surviving-data", "no host that answers has a member's data"},
    {"a backup of another cluster", {HA, .family = RD_FAMILY_4_11, .backup = RD_BACKUP_FOREIGN},
     "!restore-cluster-state", "restore-cluster-state", "of this cluster"},
    {"a backup of another release", {HA, .family = RD_FAMILY_4_11, .backup = RD_BACKUP_OTHER_RELEASE},
     "!restore-cluster-state", "manual-restore", "and release"},
    {"two hosts silent, nobody said a word", {.masters = 3, .answer = 1, .data = 1, .recovery = TRUE, .named = TRUE, .family = RD_FAMILY_4_11, SOUND},
     "!restore-cluster-state", "restore-cluster-state", "is silent"},
    {"two hosts stated to be off", {.masters = 3, .answer = 1, .stated_off = 2, .data = 1, .recovery = TRUE, .named = TRUE, .family = RD_FAMILY_4_11, SOUND},
     "restore-cluster-state", "replace-control-plane", "no quorum was seen"},
    {"no recovery host chosen", {.masters = 3, .answer = 3, .data = 3, .named = TRUE, .family = RD_FAMILY_4_11, SOUND},
     "!restore-cluster-state", "manual-restore", "no recovery host"},
    {"4.18, a member's data is whole", {HA, .family = RD_FAMILY_4_18, .quorum_script = TRUE, SOUND},
     "quorum-restore", "restore-cluster-state", "not of 4.11 to 4.17"},
    {"4.18, no data, sound backup", {.masters = 3, .answer = 3, .recovery = TRUE, .named = TRUE, .family = RD_FAMILY_4_18, .quorum_script = TRUE, SOUND},
     "restore-4.18", "quorum-restore", "no host that answers has a member's data"},
    {"4.18, without quorum-restore.sh", {HA, .family = RD_FAMILY_4_18, SOUND},
     "restore-4.18", "quorum-restore", "there is no quorum-restore.sh"},
    {"no script, but restore pods", {HA, .family = RD_FAMILY_SCRIPTLESS, SOUND},
     "manual-restore", "restore-cluster-state", "not of 4.11"},
    {"a script that nobody knows", {HA, .family = RD_FAMILY_STRANGE, SOUND},
     "manual-restore", "restore-cluster-state", "not of 4.11"},
    {"no script, and the key was changed", {HA, .family = RD_FAMILY_SCRIPTLESS, SOUND, .key_rotated = TRUE},
     NULL, "manual-restore", "key was changed"},
    {"the key was changed, but the script brings it back", {HA, .family = RD_FAMILY_4_11, SOUND, .key_rotated = TRUE},
     "restore-cluster-state", "manual-restore", "key was changed"},
    {"4.7 to 4.10", {.masters = 3, .answer = 3, .recovery = TRUE, .data = 3, .family = RD_FAMILY_4_7, SOUND},
     "restore-4.7", "restore-cluster-state", "not of 4.11"},
    {"4.1 to 4.3, two masters lost", {.masters = 3, .answer = 1, .stated_off = 2, .recovery = TRUE, .family = RD_FAMILY_OLD, SOUND},
     "replace-lost-masters", "manual-restore", "under its operator"},
    {"two nodes with fencing", {.masters = 2, .answer = 2, .data = 2, .recovery = TRUE, .named = TRUE, .family = RD_FAMILY_FENCING, SOUND},
     "fencing", "manual-restore", "under its operator"},
    {"hosted control plane", {.masters = 1, .answer = 1, .recovery = TRUE, .family = RD_FAMILY_EXTERNAL, SOUND},
     "hosted", "restore-cluster-state", "not of 4.11"},
    {"single node, etcd dead", {.masters = 1, .answer = 1, .data = 1, .recovery = TRUE, .named = TRUE, .family = RD_FAMILY_4_11, SOUND},
     "restore-cluster-state", "replace-control-plane", "no quorum was seen"},
    {"single node, well", {.masters = 1, .answer = 1, .data = 1, .commit = 1, .reads = TRUE, .writes = TRUE, .recovery = TRUE, .named = TRUE, .family = RD_FAMILY_4_11, SOUND},
     "nothing", "replace-control-plane", "members on most hosts"},
    {"five masters, two dead", {.masters = 5, .answer = 3, .commit = 3, .data = 3, .reads = TRUE, .recovery = TRUE, .family = RD_FAMILY_4_11},
     "replace-member", "restore-cluster-state", "throw away"},
    {"five masters, three dead", {.masters = 5, .answer = 2, .stated_off = 3, .data = 2, .recovery = TRUE, .named = TRUE, .family = RD_FAMILY_4_11, SOUND},
     "restore-cluster-state", "replace-member", "no quorum was seen"},
    {"somebody deleted something, and wants it back", {WORKS, .family = RD_FAMILY_4_11, SOUND, .go_back = TRUE},
     "restore-cluster-state", "nothing", "going back is wanted"},
    {"the same without a backup", {WORKS, .family = RD_FAMILY_4_11, .go_back = TRUE},
     "!restore-cluster-state", "restore-cluster-state", "no sound backup"},
    {"a host does not say what runs there", {HA, .blind = 1, .family = RD_FAMILY_4_11, SOUND},
     "!restore-cluster-state", "restore-cluster-state", "does not say what runs there"},
    {"nobody answers at all", {.masters = 3, SOUND},
     NULL, "restore-cluster-state", "no control-plane host answers"},
};
/* clang-format on */

static const RdChoice *
find(GPtrArray *choices, const char *name)
{
	for (guint i = 0; i < choices->len; i++) {
		const RdChoice *choice = choices->pdata[i];

		if (g_str_equal(choice->row->name, name))
			return choice;
	}
	g_error("there is no row %s", name);
}

static gboolean
has(GPtrArray *texts, const char *words)
{
	for (guint i = 0; i < texts->len; i++)
		if (strstr(g_ptr_array_index(texts, i), words) != NULL)
			return TRUE;
	return FALSE;
}

static gboolean
says(const RdChoice *choice, const char *words)
{
	return has(choice->against, words) || has(choice->missing, words);
}

static void
test_situation(gconstpointer data)
{
	guint i = GPOINTER_TO_UINT(data);
	g_autoptr(GPtrArray) choices = rd_choose(&situations[i].situation);
	const RdChoice *best = rd_choice_best(choices);
	const char *wanted = situations[i].best;
	const RdChoice *against = find(choices, situations[i].against);

	g_test_message("%s: %s, %s", situations[i].what,
		       best != NULL ? best->row->name : "nothing fits",
		       best != NULL ? rd_fit_to_string(best->fit) : "");
	if (wanted == NULL) {
		g_assert_null(best);
	} else {
		g_assert_nonnull(best);
		g_assert_cmpstr(best->row->name, ==, wanted + (wanted[0] == '!'));
		g_assert_cmpint(best->fit, ==, wanted[0] == '!' ? RD_FIT_ALMOST : RD_FIT_YES);
		/* nobody is sent off without a way to go */
		g_assert_true(best->fit == RD_FIT_YES || best->supply->len > 0);
	}
	g_assert_cmpint(against->fit, !=, RD_FIT_YES);
	if (!says(against, situations[i].words))
		g_error("%s: '%s' is not said against %s", situations[i].what, situations[i].words,
			situations[i].against);
}

/* why, or why not, of every row in every situation; and nothing that destroys while there is a
 * quorum, unless it is wanted (INV-1) */
static void
test_all(void)
{
	for (guint i = 0; i < G_N_ELEMENTS(situations); i++) {
		const RdSituation *situation = &situations[i].situation;
		g_autoptr(GPtrArray) choices = rd_choose(situation);

		for (guint j = 0; j < choices->len; j++) {
			const RdChoice *choice = choices->pdata[j];
			const char *name = choice->row->name;

			g_assert_cmpuint(
			    choice->why->len + choice->against->len + choice->missing->len, >, 0);
			g_assert_true((choice->fit == RD_FIT_YES) ==
				      (choice->against->len + choice->missing->len == 0));
			if (choice->fit != RD_FIT_NO && rd_situation_has_quorum(situation) &&
			    !situation->go_back)
				g_assert_null(strstr(name, "restore"));
		}
	}
}

/* each row is the best of some situation, or stands beside */
static void
test_reached(void)
{
	g_autoptr(GPtrArray) rows = rd_choose(&situations[0].situation);

	g_assert_cmpuint(G_N_ELEMENTS(situations), >=, 20);
	for (guint j = 0; j < rows->len; j++) {
		const RdChoiceRow *row = ((RdChoice *)rows->pdata[j])->row;
		gboolean reached = row->beside;

		for (guint i = 0; i < G_N_ELEMENTS(situations); i++)
			reached |= g_strcmp0(situations[i].best, row->name) == 0;
		if (!reached)
			g_error("no situation leads to %s", row->name);
	}
}

/* docs/procedures.md holds the table that the program prints */
static void
test_docs(void)
{
	g_autofree char *path =
	    g_build_filename(g_getenv("SOURCE_ROOT"), "docs", "procedures.md", NULL);
	g_autoptr(GString) printed = g_string_new(NULL);
	g_autofree char *text = NULL;

	rd_choices_print(printed);
	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	if (strstr(text, printed->str) == NULL)
		g_error("%s does not hold what `recoveryd man advise` prints", path);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(situations); i++) {
		g_autofree char *name = g_strdup_printf("/choice/%s", situations[i].what);

		g_test_add_data_func(name, GUINT_TO_POINTER(i), test_situation);
	}
	g_test_add_func("/choice/all", test_all);
	g_test_add_func("/choice/reached", test_reached);
	g_test_add_func("/choice/docs", test_docs);
	return g_test_run();
}
