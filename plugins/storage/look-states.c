/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The states that look: a copy, the audit, may this node be drained. */

#include "storage.h"
#include <string.h>

#define API_PORT      ":6443"
#define NAMED	      3	 /* so many findings are told by name */
#define COPY_PATIENCE 20 /* seconds */

/* ---- copy ---------------------------------------------------------------------------------- */

/* An API that nobody serves is not waited for: before a restore there is no time to lose. Who
 * cannot be asked may serve it. */
static gboolean
somebody_listens(RecoveryStep *step)
{
	static const char *const argv[] = {"ss", "-Htln", NULL};
	g_auto(GStrv) hosts = recovery_hosts(step, "control-plane");
	g_autoptr(GPtrArray) answers = recovery_ask_all(step, (const char *const *)hosts, argv);

	for (guint i = 0; i < answers->len; i++) {
		const RecoveryAnswer *answer = answers->pdata[i];

		if (answer->error == NULL && answer->reply.status == 0 &&
		    strstr(answer->reply.out, API_PORT " ") != NULL)
			return TRUE;
	}
	return FALSE;
}

/* what ends the step, whatever the API does */
static gboolean
is_end(const GError *error)
{
	return g_error_matches(error, RECOVERY_ERROR, RECOVERY_ERROR_CANCELLED) ||
	       g_error_matches(error, RECOVERY_ERROR, RECOVERY_ERROR_FENCED);
}

static gboolean
no_copy(RecoveryStep *step, const char *why, GError **error)
{
	recovery_progress(step, "no copy of the storage objects: %s", why);
	recovery_outcome(step, "silent");
	return recovery_output(step, "file", NO_COPY, error);
}

gboolean
storage_copy(RecoveryStep *step, GError **error)
{
	g_autofree char *name = g_strdup_printf("storage-%s.json", recovery_state_name(step));
	g_autofree char *path = NULL, *dir = NULL, *text = NULL;
	g_autoptr(StorageObjects) objects = NULL;
	g_autoptr(GError) local = NULL;
	RecoveryMoment moment;

	if (!somebody_listens(step))
		return no_copy(step, "no API server listens", error);
	/* One without a quorum hangs. A step that runs into its deadline holds the restore, and
	 * this is a nicety: it gives up long before. */
	recovery_api_patience(step, COPY_PATIENCE);
	objects = storage_objects_get(step, STORAGE_COPIED, TRUE, &local);
	if (objects == NULL && is_end(local)) {
		g_propagate_error(error, g_steal_pointer(&local));
		return FALSE;
	}
	if (objects == NULL)
		return no_copy(step, local->message, error);
	if (!recovery_moment(step, "1", &moment, error))
		return FALSE;
	objects->taken = moment.now;
	text = storage_objects_to_json(objects, recovery_run_id(step));
	path = storage_copy_path(step, name);
	dir = g_path_get_dirname(path);
	if (g_mkdir_with_parents(dir, 0700) != 0 ||
	    !g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600,
				      &local)) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED, "cannot write %s: %s",
			    path, local != NULL ? local->message : g_strerror(errno));
		return FALSE;
	}
	recovery_progress(step, "%u volumes and %u claims are in %s",
			  rd_api_length(objects->lists[STORAGE_VOLUMES]),
			  rd_api_length(objects->lists[STORAGE_CLAIMS]), name);
	return recovery_output(step, "file", name, error);
}

/* ---- audit --------------------------------------------------------------------------------- */

/* nodes that are not drained before somebody looked: "w0,w1". (transfer full) */
static char *
gated_nodes(GPtrArray *findings)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();

	for (guint i = 0; i < findings->len; i++) {
		const StorageFinding *finding = findings->pdata[i];

		if (finding->gates && *finding->node != '\0' &&
		    !g_ptr_array_find_with_equal_func(names, finding->node, g_str_equal, NULL))
			g_ptr_array_add(names, finding->node);
	}
	g_ptr_array_add(names, NULL);
	return g_strjoinv(",", (char **)names->pdata);
}

static const char *
has_remedy(GPtrArray *findings, const char *remedy)
{
	for (guint i = 0; i < findings->len; i++)
		if (g_str_equal(((StorageFinding *)findings->pdata[i])->remedy, remedy))
			return "yes";
	return "no";
}

static void
tell(RecoveryStep *step, GPtrArray *findings, const guint *counts)
{
	g_autoptr(GString) text = g_string_new(NULL);

	for (guint i = 0; i < MIN(findings->len, NAMED); i++) {
		const StorageFinding *finding = findings->pdata[i];

		g_string_append_printf(text, "%s %s %s", i > 0 ? "," : ":", finding->kind,
				       finding->object);
	}
	recovery_progress(step, "%u critical, %u warnings, %u notes%s%s", counts[STORAGE_CRITICAL],
			  counts[STORAGE_WARNING], counts[STORAGE_NOTE], text->str,
			  findings->len > NAMED ? " and more" : "");
}

gboolean
storage_audit(RecoveryStep *step, GError **error)
{
	guint counts[STORAGE_CRITICAL + 1] = {0};
	g_auto(StorageLook) look = {0};
	g_autoptr(GPtrArray) looked = NULL, unseen = NULL;
	g_autofree char *json = NULL, *nodes = NULL, *critical = NULL, *warnings = NULL;
	GPtrArray *findings;

	if (!storage_look(step, NULL, recovery_string(step, "before"), &look, error))
		return FALSE;
	findings = look.audit.findings;
	for (guint i = 0; i < findings->len; i++)
		counts[((StorageFinding *)findings->pdata[i])->severity]++;
	looked = storage_audit_nodes(&look.audit, TRUE);
	unseen = storage_audit_nodes(&look.audit, FALSE);
	json = storage_findings_to_json(findings, looked, unseen);
	nodes = gated_nodes(findings);
	critical = g_strdup_printf("%u", counts[STORAGE_CRITICAL]);
	warnings = g_strdup_printf("%u", counts[STORAGE_WARNING]);
	tell(step, findings, counts);
	return recovery_output(step, "findings", json, error) &&
	       recovery_output(step, "critical", critical, error) &&
	       recovery_output(step, "warnings", warnings, error) &&
	       recovery_output(step, "gated", nodes, error) &&
	       recovery_output(step, "detachable", has_remedy(findings, "storage/detach-unused"),
			       error) &&
	       recovery_output(step, "dangling", has_remedy(findings, "storage/remove-dangling"),
			       error);
}

/* ---- drainable ----------------------------------------------------------------------------- */

static gboolean
is_accepted(const char *accept, const char *node)
{
	g_auto(GStrv) names = g_strsplit_set(accept, ", ", -1);

	return g_strv_contains((const char *const *)names, node) ||
	       g_strv_contains((const char *const *)names, "all");
}

gboolean
storage_drainable(RecoveryStep *step, GError **error)
{
	const char *node = recovery_target(step);
	g_autoptr(GString) text = g_string_new(NULL);
	g_auto(StorageLook) look = {0};
	guint found = 0;

	if (is_accepted(recovery_string(step, "accept"), node)) {
		recovery_progress(step, "findings on volumes of %s were accepted beforehand", node);
		return TRUE;
	}
	if (!storage_look(step, node, recovery_string(step, "before"), &look, error))
		return FALSE;
	if (!storage_look_has(&look, node, error))
		return FALSE;
	for (guint i = 0; i < look.audit.findings->len; i++) {
		const StorageFinding *finding = look.audit.findings->pdata[i];

		if (!finding->gates || !g_str_equal(finding->node, node))
			continue;
		if (found++ < NAMED)
			g_string_append_printf(text, "%s%s %s: %s", found > 1 ? "; " : "",
					       finding->kind, finding->object, finding->evidence);
	}
	if (found == 0)
		return TRUE;
	/* not PERMANENT: a pod that has just ended leaves its attachment for some seconds */
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
		    "%s: %u findings on volumes that are attached to it or bound; draining would "
		    "attach them elsewhere. Put them right, or move on without this node. %s",
		    node, found, text->str);
	return FALSE;
}
