/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ask.h"
#include <string.h>

GPtrArray *
rd_containers_ask(RecoveryStep *step, const char *host, const RdPod *pod, GError **error)
{
	g_autofree char *json = recovery_ask(step, host, error, "crictl", "ps", "-o", "json", NULL);
	g_autoptr(GPtrArray) containers = NULL;

	if (json == NULL)
		return NULL;
	containers = rd_containers_parse(json, error);
	if (containers == NULL) {
		g_prefix_error(error, "%s: ", host != NULL ? host : recovery_target(step));
		return NULL;
	}
	return rd_containers_of(containers, pod);
}

GPtrArray *
rd_sandboxes_ask(RecoveryStep *step, const RdPod *pod, GError **error)
{
	g_autofree char *json =
	    recovery_ask(step, NULL, error, "crictl", "pods", "-o", "json", NULL);
	GPtrArray *sandboxes = json != NULL ? rd_sandboxes_parse(json, pod, error) : NULL;

	if (json != NULL && sandboxes == NULL)
		g_prefix_error(error, "%s: ", recovery_target(step));
	return sandboxes;
}

char **
rd_lines(const char *text)
{
	g_autofree char *body = g_strdup(text);

	g_strchomp(body);
	return g_strsplit(body, "\n", -1);
}

char **
rd_list_dir(RecoveryStep *step, const char *host, const char *dir, GError **error)
{
	const char *argv[] = {"ls", "-A1", dir, NULL};
	g_auto(RecoveryReply) reply = {0};

	if (!recovery_ask_status(step, host, argv, &reply, error))
		return NULL;
	if (reply.status == 0)
		return rd_lines(reply.out);
	if (reply.err != NULL && strstr(reply.err, "No such file or directory") != NULL)
		return g_new0(char *, 1);
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED, "%s: cannot list %s: %s",
		    host != NULL ? host : recovery_target(step), dir,
		    reply.err != NULL ? g_strchomp(reply.err) : "no reason given");
	return NULL;
}

gboolean
rd_sum_ask(RecoveryStep *step, const char *path, char **sha256, GError **error)
{
	const char *argv[] = {"sha256sum", path, NULL};
	g_auto(RecoveryReply) reply = {0};

	if (!recovery_ask_status(step, NULL, argv, &reply, error))
		return FALSE;
	if (reply.status == 0) {
		*sha256 = g_strndup(reply.out, strcspn(reply.out, " \n"));
		return TRUE;
	}
	if (reply.err != NULL && strstr(reply.err, "No such file or directory") != NULL)
		return TRUE;
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED, "%s: cannot read %s: %s",
		    recovery_target(step), path,
		    reply.err != NULL ? g_strstrip(reply.err) : "no reason given");
	return FALSE;
}

gboolean
rd_file_ask(RecoveryStep *step, const char *host, const char *path, char **text, GError **error)
{
	const char *argv[] = {"cat", path, NULL};
	g_auto(RecoveryReply) reply = {0};

	if (!recovery_ask_status(step, host, argv, &reply, error))
		return FALSE;
	if (reply.status == 0) {
		*text = g_steal_pointer(&reply.out);
		return TRUE;
	}
	if (reply.err != NULL && strstr(reply.err, "No such file or directory") != NULL)
		return TRUE;
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED, "%s: %s: %s",
		    host != NULL ? host : recovery_target(step), path,
		    reply.err != NULL ? g_strchomp(reply.err) : "no reason given");
	return FALSE;
}

gboolean
rd_space_check(RecoveryStep *step, const char *dir, guint64 needed, GError **error)
{
	g_autofree char *shown =
	    recovery_ask(step, NULL, error, "df", "-B1", "--output=avail", dir, NULL);
	g_auto(GStrv) lines = NULL;
	guint64 free_bytes;
	guint last;

	if (shown == NULL)
		return FALSE;
	lines = rd_lines(shown);
	last = g_strv_length(lines);
	if (last == 0 || !g_ascii_string_to_unsigned(g_strstrip(lines[last - 1]), 10, 0,
						     G_MAXUINT64, &free_bytes, NULL)) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
			    "%s: df says '%s' about %s", recovery_target(step), shown, dir);
		return FALSE;
	}
	if (free_bytes >= needed)
		return TRUE;
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
		    "%s: %s has %" G_GUINT64_FORMAT " MiB left, and the restore needs "
		    "%" G_GUINT64_FORMAT " MiB. Make room, then start again; nothing was "
		    "changed yet",
		    recovery_target(step), dir, free_bytes >> 20, needed >> 20);
	return FALSE;
}
