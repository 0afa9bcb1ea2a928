/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which cluster-restore.sh is on the recovery host? Its contract changed with the releases, and
 * nothing but its text says which one it is (domain 4.4, INV-6, INV-42). */

#include "../common/accepted.h"
#include "../common/ask.h"
#include "script-class.h"
#include "situation.h"
#include <string.h>

/* cluster-restore compares the hash again before it starts the script */
static gboolean
read_script(RecoveryStep *step, char **sha256, char **text, GError **error)
{
	if (!rd_file_ask(step, NULL, RESTORE_SCRIPT, text, error))
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

/* The classes that this procedure is for; outside of it everything is refused with the name of the
 * document that is for it. is_accepted: its hash is known, or a person has read what has it. */
static gboolean
check_class(RecoveryStep *step, const RdScriptClass *class, const char *sha256,
	    gboolean is_accepted, GError **error)
{
	g_auto(GStrv) accepted = g_strsplit(recovery_string(step, "accept"), ",", -1);

	if (!g_strv_contains((const char *const *)accepted, class->name))
		return etcd_refuse(error,
				   "%s: " RESTORE_SCRIPT " is of the class %s, and this procedure "
				   "is for %s. Follow \"%s\"",
				   recovery_target(step), class->name,
				   recovery_string(step, "accept"), class->document);
	if (is_accepted || recovery_bool(step, "accept-unknown"))
		return TRUE;
	return etcd_refuse(error,
			   "%s: nobody has seen this " RESTORE_SCRIPT
			   " before (SHA-256 %s); by its "
			   "content it is of the class %s. Read it; if it is what you expect, "
			   "accept it by that hash when you start the run",
			   recovery_target(step), sha256, class->name);
}

gboolean
etcd_script(RecoveryStep *step, GError **error)
{
	g_autofree char *sha256 = NULL, *text = NULL;
	const RdScriptClass *class;
	gboolean is_known, is_accepted;

	if (!rd_accepted_check(recovery_string(step, "accepted"), RESTORE_SCRIPT, error))
		return FALSE;
	if (!read_script(step, &sha256, &text, error))
		return FALSE;
	class = rd_script_by_sha256(sha256);
	is_known = class != NULL;
	is_accepted = is_known || rd_accepted_has(recovery_string(step, "accepted"), sha256);
	if (class == NULL)
		class = rd_script_by_content(text);
	if (class == NULL)
		return etcd_refuse(
		    error,
		    "%s: nobody knows this " RESTORE_SCRIPT " (SHA-256 %s), and its "
		    "content fits no release. It is not run; restore by hand, or put "
		    "the one of this cluster's etcd image there",
		    recovery_target(step), sha256);
	if (!check_class(step, class, sha256, is_accepted, error))
		return FALSE;
	recovery_outcome(step, class->outcome);
	return recovery_output(step, "class", class->name, error) &&
	       recovery_output(step, "known", is_known ? "yes" : "no", error) &&
	       recovery_output(step, "accepted", is_accepted ? "yes" : "no", error) &&
	       recovery_output(step, "sha256", sha256, error) &&
	       recovery_output(step, "document", class->document, error);
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
