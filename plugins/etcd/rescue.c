/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The rescue copy: a snapshot of what this member still has, before anything is changed. It needs
 * no quorum. On its way it is written beside the data (the one directory that the container and
 * the host share), moved out of there, and fetched. Where no etcd runs its database is copied as it
 * lies there (rescue-stopped.c). */

#include "../common/etcd-parse.h"
#include "etcd.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define BLOCK 65536 /* bytes */

static char *
rescue_source(RecoveryStep *step)
{
	return g_strdup_printf(ETCD_DIR "/recoveryd-%s-rescue.db", recovery_run_id(step));
}

static char *
rescue_local(RecoveryStep *step)
{
	g_autofree char *dir = recovery_local_dir(step);

	return g_strdup_printf("%s/rescue-%s.db", dir, recovery_target(step));
}

char *
rescue_local_sha256(const char *path)
{
	g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
	g_autofree guchar *block = g_malloc(BLOCK);
	FILE *file = fopen(path, "rbe");
	gboolean broken;
	gsize got;

	if (file == NULL)
		return NULL;
	while ((got = fread(block, 1, BLOCK, file)) > 0)
		g_checksum_update(checksum, block, got);
	broken = ferror(file) != 0;
	fclose(file);
	return broken ? NULL : g_strdup(g_checksum_get_string(checksum));
}

gboolean
rescue_report(RecoveryStep *step, const char *path, const char *sha256, const char *stopped,
	      const char *note, GError **error)
{
	return recovery_output(step, "path", path, error) &&
	       recovery_output(step, "sha256", sha256, error) &&
	       recovery_output(step, "stopped", stopped, error) &&
	       recovery_output(step, "note", note, error);
}

static gboolean
report_snapshot(RecoveryStep *step, const char *path, const char *sha256, GError **error)
{
	return rescue_report(step, path, sha256, "", "snapshot of the running etcd", error);
}

static RecoveryProbe
probe_stopped(RecoveryStep *step, GError **error)
{
	g_autoptr(GPtrArray) containers =
	    rd_containers_ask(step, NULL, rd_pod_find("etcd", NULL), error);

	if (containers == NULL)
		return RECOVERY_PROBE_UNKNOWN;
	if (rd_containers_find(containers, "etcd") != NULL)
		return RECOVERY_PROBE_ABSENT;
	return rescue_stopped_probe(step, error);
}

RecoveryProbe
etcd_rescue_probe(RecoveryStep *step, GError **error)
{
	g_autofree char *source = rescue_source(step), *local = rescue_local(step);
	g_autofree char *aside = NULL, *shown = NULL, *here = NULL;

	if (!recovery_aside_path(step, source, &aside, error))
		return RECOVERY_PROBE_UNKNOWN;
	if (aside == NULL)
		return probe_stopped(step, error);
	here = rescue_local_sha256(local);
	if (here == NULL)
		return RECOVERY_PROBE_ABSENT;
	shown = recovery_ask(step, NULL, error, "sha256sum", aside, NULL);
	if (shown == NULL)
		return RECOVERY_PROBE_UNKNOWN;
	if (strncmp(shown, here, strlen(here)) != 0)
		return RECOVERY_PROBE_ABSENT;
	return report_snapshot(step, local, here, error) ? RECOVERY_PROBE_PRESENT
							 : RECOVERY_PROBE_UNKNOWN;
}

/* in the environment, as the container's own: with --endpoints etcdctl 3.4 would refuse */
static gboolean
save_in(RecoveryStep *step, const char *container, const char *source, GError **error)
{
	g_autofree char *endpoint =
	    g_strdup_printf("ETCDCTL_ENDPOINTS=https://%s:2379", recovery_string(step, "address"));
	const char *argv[] = {"crictl",	 "exec",     container, "env",	endpoint,
			      "etcdctl", "snapshot", "save",	source, NULL};
	const RecoveryCommand command = {.argv = argv};

	if (recovery_job(step, "snapshot", &command, NULL, error))
		return TRUE;
	g_prefix_error(error,
		       "%s: no rescue copy of the running etcd. If that etcd is broken, move its "
		       "etcd-pod.yaml aside by hand; its database is then copied as it lies: ",
		       recovery_target(step));
	return FALSE;
}

/* It serves, or is gone. A member that lost its data ends soon after each start, and of one that
 * is not there `snapshot save` waits without end for it to come back. */
static RecoveryProbe
probe_serves(RecoveryStep *step, GError **error)
{
	g_autoptr(GPtrArray) containers =
	    rd_containers_ask(step, NULL, rd_pod_find("etcd", NULL), error);
	g_autofree char *endpoint =
	    g_strdup_printf("ETCDCTL_ENDPOINTS=https://%s:2379", recovery_string(step, "address"));
	g_auto(RecoveryReply) reply = {0};

	if (containers == NULL)
		return RECOVERY_PROBE_UNKNOWN;
	if (rd_containers_find(containers, "etcd") == NULL)
		return RECOVERY_PROBE_PRESENT;
	if (!recovery_ask_status(step, NULL,
				 (const char *[]){"crictl", "exec", etcd_container(containers)->id,
						  "env", endpoint, "etcdctl", "endpoint", "status",
						  "-w", "simple", NULL},
				 &reply, error))
		return RECOVERY_PROBE_UNKNOWN;
	if (reply.status == 0)
		return RECOVERY_PROBE_PRESENT;
	recovery_progress(step,
			  "%s: its etcd runs, but does not answer (%s). If it never will, move its "
			  "etcd-pod.yaml aside by hand; its database is then copied as it lies",
			  recovery_target(step),
			  reply.err != NULL ? g_strchomp(reply.err) : "no reason given");
	return RECOVERY_PROBE_ABSENT;
}

/* etcdctl writes FILE.part and renames it: FILE is complete whenever it is there. *gone: no etcd
 * runs any more */
static gboolean
rescue_save(RecoveryStep *step, const char *source, gboolean *gone, GError **error)
{
	const char *address = recovery_string(step, "address");
	g_autoptr(GPtrArray) containers = NULL;

	if (!rd_address_is_valid(address))
		return etcd_refuse(error, "'%s' is not an address", address);
	if (!recovery_wait(step, probe_serves, error))
		return FALSE;
	containers = rd_containers_ask(step, NULL, rd_pod_find("etcd", NULL), error);
	if (containers == NULL)
		return FALSE;
	*gone = rd_containers_find(containers, "etcd") == NULL;
	return *gone || save_in(step, etcd_container(containers)->id, source, error);
}

gboolean
etcd_rescue_enter(RecoveryStep *step, GError **error)
{
	g_autofree char *source = rescue_source(step), *local = rescue_local(step);
	g_autofree char *aside = NULL, *sha256 = NULL, *base = g_path_get_basename(source);

	if (!recovery_aside_path(step, source, &aside, error))
		return FALSE;
	if (aside == NULL) {
		g_auto(GStrv) names = rd_list_dir(step, NULL, ETCD_DIR, error);
		gboolean gone = FALSE;

		if (names == NULL)
			return FALSE;
		if (!g_strv_contains((const char *const *)names, base) &&
		    !rescue_save(step, source, &gone, error))
			return FALSE;
		if (gone)
			return rescue_stopped_enter(step, error);
		if (!recovery_move_aside(step, source, error) ||
		    !recovery_aside_path(step, source, &aside, error))
			return FALSE;
	}
	if (aside == NULL) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
			    "%s: %s was moved aside, but nobody knows where to",
			    recovery_target(step), source);
		return FALSE;
	}
	return recovery_fetch(step, recovery_target(step), aside, local, &sha256, error) &&
	       report_snapshot(step, local, sha256, error);
}
