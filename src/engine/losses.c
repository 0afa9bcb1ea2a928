/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-engine"

#include <gio/gio.h>
#include <string.h>

#include "backup/identity.h"
#include "backup/loss.h"
#include "losses.h"
#include "yaml/format.h"
#include "yaml/json.h"

/* whatever the procedure calls its backup */
static const char *
rd_losses_backup(const RdRunSetting *setting)
{
	GHashTableIter iter;
	gpointer name, value;

	g_hash_table_iter_init(&iter, setting->inputs);
	while (g_hash_table_iter_next(&iter, &name, &value))
		if (g_str_has_suffix(name, ".snapshot"))
			return value;
	return NULL;
}

/* Every copy that was made, in *paths as host, path, …; FALSE while one may still come. */
static gboolean
rd_losses_copies(const RdOpenRun *open, GPtrArray *paths)
{
	GPtrArray *steps = rd_run_get_steps(open->run);
	gboolean any = FALSE;

	for (guint i = 0; i < steps->len; i++) {
		const RdStep *step = g_ptr_array_index(steps, i);
		const char *path;

		if (step->plan->mark != RD_MARK_RESCUE_COPY)
			continue;
		any = TRUE;
		if (!rd_life_is_final(step->life))
			return FALSE;
		path = rd_run_get_output(open->run, step->plan->name, step->target, "path");
		if (path == NULL || *path == '\0')
			continue;
		g_ptr_array_add(paths, (char *)step->target);
		g_ptr_array_add(paths, (char *)path);
	}
	return any;
}

/* by the revision, which every write of the one history raises; *host: whose it is */
static const char *
rd_losses_newest(GPtrArray *paths, const char **host, GError **error)
{
	const char *newest = NULL;
	gint64 best = -1;

	for (guint i = 0; i + 1 < paths->len; i += 2) {
		g_autoptr(RdIdentity) identity = NULL;

		if (paths->len > 2) {
			identity = rd_identity_read(paths->pdata[i + 1], NULL, error);
			if (identity == NULL)
				return NULL;
		}
		if (identity != NULL && identity->revision <= best)
			continue;
		best = identity != NULL ? identity->revision : 0;
		*host = paths->pdata[i];
		newest = paths->pdata[i + 1];
	}
	return newest;
}

static void
rd_losses_put_kinds(JsonBuilder *json, const RdLoss *loss)
{
	json_builder_set_member_name(json, "kinds");
	json_builder_begin_array(json);
	for (guint i = 0; i < loss->kinds->len; i++) {
		const RdLossKind *kind = g_ptr_array_index(loss->kinds, i);

		json_builder_begin_object(json);
		rd_json_string(json, "kind", kind->resource);
		rd_json_int(json, "lost", (gint64)kind->lost);
		rd_json_int(json, "changed", (gint64)kind->changed);
		rd_json_int(json, "returns", (gint64)kind->returns);
		json_builder_end_object(json);
	}
	json_builder_end_array(json);
}

/* @host (nullable): whose the rescue copy is */
static JsonNode *
rd_losses_to_json(const RdLoss *loss, const char *host)
{
	g_autoptr(JsonBuilder) json = json_builder_new();
	gint64 window = rd_loss_get_window(loss);

	json_builder_begin_object(json);
	rd_json_number(json, "revision", loss->revision);
	rd_json_wall(json, "written", loss->written * G_USEC_PER_SEC);
	if (loss->compared) {
		if (host != NULL)
			rd_json_string(json, "rescue_host", host);
		rd_json_number(json, "rescue_revision", loss->newer_revision);
		rd_json_wall(json, "rescue_written", loss->newer_written * G_USEC_PER_SEC);
		if (window >= 0)
			rd_json_int(json, "window_s", window);
		rd_json_int(json, "lost", (gint64)loss->lost);
		rd_json_int(json, "changed", (gint64)loss->changed);
		rd_json_int(json, "returns", (gint64)loss->returns);
		rd_losses_put_kinds(json, loss);
	}
	json_builder_end_object(json);
	return json_builder_get_root(json);
}

static char *
rd_losses_to_text(const RdLoss *loss, const char *host)
{
	g_autoptr(JsonNode) root = rd_losses_to_json(loss, host);

	return rd_json_print(root, FALSE);
}

/* not every cluster says in its objects when they were written */
static char *
rd_losses_write(gint64 revision, gint64 seconds)
{
	g_autofree char *when = seconds != 0 ? rd_format_rfc3339(seconds * G_USEC_PER_SEC) : NULL;

	return g_strdup_printf("revision %" G_GINT64_FORMAT "%s%s", revision,
			       when != NULL ? ", of " : "", when != NULL ? when : "");
}

/* @where: what is newer, "the rescue copy of m0" */
static char *
rd_losses_describe(const RdLoss *loss, const char *where)
{
	g_autofree char *then = rd_losses_write(loss->revision, loss->written);
	g_autofree char *last = rd_losses_write(loss->newer_revision, loss->newer_written);
	g_autofree char *window = rd_format_duration(rd_loss_get_window(loss) * G_USEC_PER_SEC);
	gboolean timed = rd_loss_get_window(loss) >= 0;

	if (!loss->compared)
		return g_strdup_printf("the newest write in the backup is %s; there is no rescue "
				       "copy that would tell what was written after it",
				       then);
	return g_strdup_printf("the newest write in the backup is %s; in %s it is %s%s%s. Without "
			       "events and leases %" G_GUINT64_FORMAT
			       " objects made since are lost, %" G_GUINT64_FORMAT
			       " go back to what they were, %" G_GUINT64_FORMAT
			       " deleted since return",
			       then, where, last, timed ? ", later by " : "", timed ? window : "",
			       loss->lost, loss->changed, loss->returns);
}

RdEvent *
rd_losses_tell(const RdOpenRun *open, const RdRunSetting *setting)
{
	g_autoptr(GPtrArray) paths = g_ptr_array_new();
	const char *backup = rd_losses_backup(setting), *newer, *host = NULL;
	g_autoptr(RdLoss) loss = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree char *json = NULL, *text = NULL, *where = NULL;
	RdEvent *event;

	if (backup == NULL || rd_run_get_loss(open->run) != NULL || !rd_losses_copies(open, paths))
		return NULL;
	newer = rd_losses_newest(paths, &host, &error);
	if (error == NULL)
		loss = rd_loss_read(backup, newer, &error);
	json = loss != NULL ? rd_losses_to_text(loss, host) : g_strdup("{}");
	where = g_strdup_printf("the rescue copy of %s", host);
	text = loss != NULL
		   ? rd_losses_describe(loss, where)
		   : g_strdup_printf("what a restore loses cannot be told: %s", error->message);
	event = rd_event_new(RD_EVENT_REMARK, RD_REMARK_LOSS);
	return rd_event_text(rd_event_pair(event, "recoveryd", json), text);
}

/* ---- before there is a run ----------------------------------------------------------------- */

static gboolean
rd_losses_has_copy(const RdPlan *plan)
{
	for (guint i = 0; i < plan->states->len; i++)
		if (((const RdPlanState *)g_ptr_array_index(plan->states, i))->mark ==
		    RD_MARK_RESCUE_COPY)
			return TRUE;
	return FALSE;
}

static char *
rd_losses_promise(const RdLoss *loss, const RdPlan *plan, gint64 now)
{
	g_autofree char *then = rd_losses_write(loss->revision, loss->written);
	g_autofree char *age = rd_format_duration(MAX(now - loss->written, 0) * G_USEC_PER_SEC);
	gboolean timed = loss->written != 0;

	return g_strdup_printf(
	    "what was written after the newest write in the backup (%s%s%s%s) is lost. What that "
	    "is%s; --newer FILE tells it now, of a newer snapshot of this cluster",
	    then, timed ? ", " : "", timed ? age : "", timed ? " ago" : "",
	    rd_losses_has_copy(plan) ? " will be known when the rescue copy is made, if an etcd is "
				       "left to make it of, and "
				       "then told by status, also at each gate, and in the report"
				     : ", this procedure does not tell: it makes no rescue copy");
}

static gboolean
rd_losses_same_cluster(const char *backup, const char *newer, GError **error)
{
	g_autoptr(RdIdentity) one = rd_identity_read(backup, NULL, error);
	g_autoptr(RdIdentity) other = one != NULL ? rd_identity_read(newer, NULL, error) : NULL;

	if (other == NULL)
		return FALSE;
	if (one->cluster_id == NULL || other->cluster_id == NULL ||
	    strcmp(one->cluster_id, other->cluster_id) == 0)
		return TRUE;
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
		    "%s is of cluster %s, the backup of %s: nothing can be held against each other",
		    newer, other->cluster_id, one->cluster_id);
	return FALSE;
}

JsonObject *
rd_losses_foretell(const RdRunSetting *setting, const RdPlan *plan, const char *newer, gint64 now,
		   GError **error)
{
	const char *backup = rd_losses_backup(setting);
	g_autoptr(RdLoss) loss = NULL;
	g_autoptr(JsonNode) node = NULL;
	g_autofree char *text = NULL;

	if (backup == NULL || (newer != NULL && !rd_losses_same_cluster(backup, newer, error)))
		return NULL;
	loss = rd_loss_read(backup, newer, error);
	if (loss == NULL)
		return NULL;
	text = newer != NULL ? rd_losses_describe(loss, newer) : rd_losses_promise(loss, plan, now);
	node = rd_losses_to_json(loss, NULL);
	json_object_set_string_member(json_node_get_object(node), "text", text);
	return json_node_dup_object(node);
}
