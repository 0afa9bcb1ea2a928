/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which cluster-restore.sh is on the recovery host? Its contract changed with the releases, and
 * nothing but its text says which one it is (domain 4.4, INV-6, INV-42). */

#include "../common/ask.h"
#include "situation.h"
#include <string.h>

/* The text has no substituted tokens, so one release has one hash. Of each the first 16 digits are
 * known, at the tip of its branch: 64 bits are enough to recognise, not to keep out somebody who
 * may write the script anyway. */
static const struct {
	const char *sha256, *class;
} known[] = {
    {"f808b43b7371558c", "4.11-4.17"}, {"ab5959c1ab1354d7", "4.7-4.10"},
    {"1b1f1e3bd8ea3132", "4.18+"},     {"422731c3b4c44976", "4.18+"},
    {"312cef131ccb93a6", "4.18+"},     {"a8f5be28468295d6", "4.18+"},
    {"cb1895fdba262d24", "tnf"},       {"499aa2a2bf5db300", "tnf"},
};

/* what only one contract needs, in the order in which it is looked for */
static const struct {
	const char *marker, *class;
} markers[] = {
    {"pcs resource", "tnf"},
    {"ETCD_REV_JSON", "4.18+"},
    {"AUX_STATIC_POD_LIST", "4.11-4.17"},
};

static const struct {
	const char *class, *outcome, *document;
} classes[] = {
    {"4.11-4.17", "since-4-11", "Restoring to a previous cluster state (4.11 to 4.17)"},
    {"4.7-4.10", "since-4-7",
     "Restoring to a previous cluster state, of the release itself (4.7 to 4.10)"},
    {"4.18+", "since-4-18",
     "Restoring to a previous cluster state, 4.18 and later, which stops etcd alone"},
    {"tnf", "tnf", "Two-node OpenShift with fencing: recovering etcd"},
};

static const char *
class_by_sha256(const char *sha256)
{
	for (guint i = 0; i < G_N_ELEMENTS(known); i++)
		if (g_str_has_prefix(sha256, known[i].sha256))
			return known[i].class;
	return NULL;
}

static const char *
class_by_content(const char *text)
{
	for (guint i = 0; i < G_N_ELEMENTS(markers); i++)
		if (strstr(text, markers[i].marker) != NULL)
			return markers[i].class;
	return NULL;
}

/* a row of classes */
static guint
class_find(const char *class)
{
	for (guint i = 0; i < G_N_ELEMENTS(classes); i++)
		if (g_str_equal(classes[i].class, class))
			return i;
	g_assert_not_reached();
}

/* cluster-restore compares the hash again before it starts the script */
static gboolean
read_script(RecoveryStep *step, char **sha256, char **text, GError **error)
{
	if (!situation_read(step, RESTORE_SCRIPT, text, error))
		return FALSE;
	if (*text == NULL)
		return etcd_refuse(error,
				   "%s: " RESTORE_SCRIPT " does not exist. The etcd pod puts it "
				   "there when it starts; choose a recovery host whose etcd ran",
				   recovery_target(step));
	return rd_sum_ask(step, RESTORE_SCRIPT, sha256, error) &&
	       (*sha256 != NULL ||
		etcd_refuse(error, "%s: " RESTORE_SCRIPT " vanished", recovery_target(step)));
}

/* the classes that this procedure is for; outside of it everything is refused with the name of the
 * document that is for it */
static gboolean
check_class(RecoveryStep *step, const char *class, const char *sha256, gboolean is_known,
	    GError **error)
{
	g_auto(GStrv) accepted = g_strsplit(recovery_string(step, "accept"), ",", -1);

	if (!g_strv_contains((const char *const *)accepted, class))
		return etcd_refuse(error,
				   "%s: " RESTORE_SCRIPT " is of the class %s, and this procedure "
				   "is for %s. Follow \"%s\"",
				   recovery_target(step), class, recovery_string(step, "accept"),
				   classes[class_find(class)].document);
	if (is_known || recovery_bool(step, "accept-unknown"))
		return TRUE;
	return etcd_refuse(error,
			   "%s: nobody has seen this " RESTORE_SCRIPT
			   " before (SHA-256 %s); by its "
			   "content it is of the class %s. Read it; if it is what you expect, "
			   "accept it when you start the run",
			   recovery_target(step), sha256, class);
}

gboolean
etcd_script(RecoveryStep *step, GError **error)
{
	g_autofree char *sha256 = NULL, *text = NULL;
	const char *class;
	gboolean is_known;

	if (!read_script(step, &sha256, &text, error))
		return FALSE;
	class = class_by_sha256(sha256);
	is_known = class != NULL;
	if (class == NULL)
		class = class_by_content(text);
	if (class == NULL)
		return etcd_refuse(
		    error,
		    "%s: nobody knows this " RESTORE_SCRIPT " (SHA-256 %s), and its "
		    "content fits no release. It is not run; restore by hand, or put "
		    "the one of this cluster's etcd image there",
		    recovery_target(step), sha256);
	if (!check_class(step, class, sha256, is_known, error))
		return FALSE;
	recovery_outcome(step, classes[class_find(class)].outcome);
	return recovery_output(step, "class", class, error) &&
	       recovery_output(step, "known", is_known ? "yes" : "no", error) &&
	       recovery_output(step, "sha256", sha256, error) &&
	       recovery_output(step, "document", classes[class_find(class)].document, error);
}

gboolean
script_is_same(RecoveryStep *step, GError **error)
{
	const char *wanted = recovery_string(step, "script");
	g_autofree char *found = NULL;

	if (!rd_sum_ask(step, RESTORE_SCRIPT, &found, error))
		return FALSE;
	return g_strcmp0(found, wanted) == 0 ||
	       etcd_refuse(error,
			   "%s: " RESTORE_SCRIPT " is no longer the script that was examined: its "
			   "SHA-256 was %s and is now %s",
			   recovery_target(step), wanted,
			   found != NULL ? found : "that of no file");
}
