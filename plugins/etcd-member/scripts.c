/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which recovery scripts are on the hosts (INV-6). Nobody has written down hashes of those of 4.1
 * to 4.3, so each is judged by what it needs, and shown to a person before the first one runs. All
 * masters have the same ones, of one machine configuration: what was examined on the recovery host
 * is what every host must have. */

#include "../common/accepted.h"
#include "../common/api.h"
#include "etcd-member.h"
#include <string.h>

#define TOOLS	 "/usr/local/bin/openshift-recovery-tools" /* functions of all of them */
#define OPERATOR "/etc/kubernetes/static-pod-resources/etcd-certs/configmaps/etcd-scripts/etcd.env"

static const struct {
	const char *path;
	const char *needs[3]; /* words without which it is another script */
} scripts[] = {
    {SCRIPT_RESTORE, {"INITIAL_CLUSTER"}},
    {SCRIPT_RECOVER, {"SETUP_ETCD_ENVIRONMENT", "KUBE_CLIENT_AGENT"}},
    {SCRIPT_TOKENIZE, {"KUBE_ETCD_SIGNER_SERVER"}},
};

/* etcd with an operator has other procedures; and without a manifest there is nothing to restore */
static gboolean
check_family(RecoveryStep *step, GError **error)
{
	g_autofree char *env = NULL, *manifest = NULL;

	if (!rd_file_ask(step, NULL, OPERATOR, &env, error))
		return FALSE;
	if (env != NULL)
		return rd_api_refuse(error,
				     "%s: etcd has an operator here (" OPERATOR " exists), so this "
				     "is not 4.1 to 4.3. Follow \"Restoring to a previous cluster "
				     "state\"",
				     recovery_target(step));
	if (!rd_file_ask(step, NULL, MEMBER_MANIFEST, &manifest, error))
		return FALSE;
	if (manifest != NULL)
		return TRUE;
	/* parked by a restore of this run that was cut short, or of somebody else */
	return rd_api_refuse(error,
			     "%s: there is no " MEMBER_MANIFEST ". Choose a recovery host that is "
			     "a member; if a restore was begun here by hand, put back what lies "
			     "in " MEMBER_STOPPED " first",
			     recovery_target(step));
}

static gboolean
check_script(RecoveryStep *step, guint i, const char *tools, GError **error)
{
	g_autofree char *text = NULL;

	if (!rd_file_ask(step, NULL, scripts[i].path, &text, error))
		return FALSE;
	if (text == NULL)
		return rd_api_refuse(error,
				     "%s: %s does not exist. The machine configuration of 4.1 to "
				     "4.3 puts it there; copy it from another master",
				     recovery_target(step), scripts[i].path);
	for (guint j = 0; scripts[i].needs[j] != NULL; j++)
		if (strstr(text, scripts[i].needs[j]) == NULL &&
		    strstr(tools, scripts[i].needs[j]) == NULL)
			return rd_api_refuse(
			    error,
			    "%s: %s has no word of %s: it is not the script of 4.1 "
			    "to 4.3, and is not run",
			    recovery_target(step), scripts[i].path, scripts[i].needs[j]);
	return TRUE;
}

/* "PATH=SHA256"; "none" where it does not exist */
static gboolean
add_sum(RecoveryStep *step, const char *path, GString *sums, GError **error)
{
	g_autofree char *sha256 = NULL;

	if (!rd_sum_ask(step, path, &sha256, error))
		return FALSE;
	g_string_append_printf(sums, "%s%s=%s", sums->len > 0 ? " " : "", path,
			       sha256 != NULL ? sha256 : "none");
	return TRUE;
}

/* each of them was read by a person; one that does not exist (the functions alone may) needs none
 */
static gboolean
are_accepted(const char *sums, const char *accepted)
{
	g_auto(GStrv) words = g_strsplit(sums, " ", -1);

	for (guint i = 0; words[i] != NULL; i++) {
		const char *sum = strrchr(words[i], '=') + 1;

		if (strcmp(sum, "none") != 0 && !rd_accepted_has(accepted, sum))
			return FALSE;
	}
	return TRUE;
}

gboolean
member_scripts(RecoveryStep *step, GError **error)
{
	const char *accepted = recovery_string(step, "accepted");
	g_autoptr(GString) sums = g_string_new(NULL);
	g_autofree char *tools = NULL;

	if (!rd_accepted_check(accepted, "the recovery scripts", error))
		return FALSE;
	if (!check_family(step, error) || !rd_file_ask(step, NULL, TOOLS, &tools, error))
		return FALSE;
	for (guint i = 0; i < G_N_ELEMENTS(scripts); i++)
		if (!check_script(step, i, tools != NULL ? tools : "", error) ||
		    !add_sum(step, scripts[i].path, sums, error))
			return FALSE;
	return add_sum(step, TOOLS, sums, error) &&
	       recovery_output(step, "sums", sums->str, error) &&
	       recovery_output(step, "accepted", are_accepted(sums->str, accepted) ? "yes" : "no",
			       error);
}

/* ---- before each use ----------------------------------------------------------------------- */

static gboolean
is_same(RecoveryStep *step, const char *path, GError **error)
{
	g_auto(GStrv) sums = g_strsplit(recovery_string(step, "scripts"), " ", -1);
	g_autoptr(GString) now = g_string_new(NULL);

	if (!add_sum(step, path, now, error))
		return FALSE;
	return g_strv_contains((const char *const *)sums, now->str) ||
	       rd_api_refuse(error,
			     "%s: %s is not what was examined on the recovery host (here %s). "
			     "Nothing was run",
			     recovery_target(step), path, now->str + strlen(path) + 1);
}

gboolean
script_is_same(RecoveryStep *step, const char *path, GError **error)
{
	return is_same(step, path, error) && is_same(step, TOOLS, error);
}
