/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The reboot of a host, once. That it is due (voters healthy, INV-34) is for guards to say; here
 * stands what would make it a loss: old data in memory (INV-12), and an etcd pod that restores
 * again when it starts (INV-18, domain 4.4). */

#include "../common/ask.h"
#include "node.h"
#include <string.h>

#define HERE "/var/lib/recoveryd"
#define REBOOT                                                                                     \
	"cat /proc/sys/kernel/random/boot_id && "                                                  \
	"exec systemd-run \"$1\" --on-active=5 systemctl reboot"
#define CURRENT "/etc/kubernetes/manifests/etcd-pod.yaml"
#define RESTORE                                                                                    \
	"/etc/kubernetes/static-pod-resources/etcd-certs/configmaps/restore-etcd-pod/pod.yaml"

gboolean
node_reboot_baseline(RecoveryStep *step, GError **error)
{
	g_autofree char *boot = node_boot_id(step, error);

	return boot != NULL && recovery_remember(step, "boot-id", boot, error);
}

/* Told to, and still the same boot: it is on its way down. To say ABSENT would reboot it twice. But
 * for one who told it in an earlier boot: the copy of a run whose original did, and that has noted
 * what it found afterwards. */
static RecoveryProbe
same_boot(RecoveryStep *step, const char *boot, GError **error)
{
	RecoveryJobState state = RECOVERY_JOB_ABSENT;
	g_auto(RecoveryReply) reply = {0};
	g_auto(GStrv) told = NULL;

	if (!recovery_job_state(step, "reboot", &state, &reply, error))
		return RECOVERY_PROBE_UNKNOWN;
	if (state == RECOVERY_JOB_ABSENT || (state == RECOVERY_JOB_ENDED && reply.status != 0))
		return RECOVERY_PROBE_ABSENT;
	told = rd_lines(state == RECOVERY_JOB_ENDED ? reply.out : "");
	if (told[0] != NULL && *told[0] != '\0' && !g_str_equal(told[0], boot))
		return RECOVERY_PROBE_PRESENT;
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE,
		    "%s was told to reboot, and has not yet", recovery_target(step));
	return RECOVERY_PROBE_UNKNOWN;
}

RecoveryProbe
node_reboot_probe(RecoveryStep *step, GError **error)
{
	const char *before = recovery_recall(step, "boot-id");
	g_autofree char *boot = NULL;

	if (before == NULL)
		return RECOVERY_PROBE_ABSENT;
	boot = node_boot_id(step, error);
	if (boot == NULL)
		return RECOVERY_PROBE_UNKNOWN;
	return g_str_equal(boot, before) ? same_boot(step, boot, error) : RECOVERY_PROBE_PRESENT;
}

/* ---- what would be lost ---- */

static gboolean
check_place(RecoveryStep *step, const char *place, GError **error)
{
	g_autofree char *type =
	    recovery_ask(step, NULL, error, "findmnt", "-n", "-o", "FSTYPE", "-T", place, NULL);

	if (type == NULL)
		return FALSE;
	g_strstrip(type);
	if (*type != '\0' && !g_str_equal(type, "tmpfs") && !g_str_equal(type, "ramfs"))
		return TRUE;
	return rd_api_refuse(error,
			     "%s: %s lies in memory (%s): a reboot would destroy what was moved "
			     "there. Copy it to a disk and tell where with 'recoveryd note' first",
			     recovery_target(step), place, *type != '\0' ? type : "no file system");
}

/* our own directory, and each place in the index of what was moved aside, its "FROM<TAB>TO" */
static gboolean
check_aside(RecoveryStep *step, GError **error)
{
	g_autofree char *index = g_strdup_printf(HERE "/aside/%s/index", recovery_run_id(step));
	const char *argv[] = {"cat", index, NULL};
	g_auto(RecoveryReply) reply = {0};
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_auto(GStrv) lines = NULL;

	if (!check_place(step, HERE, error) ||
	    !recovery_ask_status(step, NULL, argv, &reply, error))
		return FALSE;
	if (reply.status != 0 &&
	    (reply.err == NULL || strstr(reply.err, "No such file or directory") == NULL)) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED, "%s: cannot read %s: %s",
			    recovery_target(step), index,
			    reply.err != NULL ? g_strchomp(reply.err) : "no reason given");
		return FALSE;
	}
	lines = rd_lines(reply.status == 0 ? reply.out : "");
	for (guint i = 0; lines[i] != NULL; i++) {
		const char *to = strchr(lines[i], '\t');
		char *dir = to != NULL ? g_path_get_dirname(to + 1) : NULL;

		if (dir != NULL && g_hash_table_add(seen, dir) && !check_place(step, dir, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean
check_etcd(RecoveryStep *step, GError **error)
{
	g_autofree char *current = NULL, *restore = NULL;

	if (!rd_sum_ask(step, CURRENT, &current, error) ||
	    !rd_sum_ask(step, RESTORE, &restore, error))
		return FALSE;
	if (current == NULL || restore == NULL || !g_str_equal(current, restore))
		return TRUE;
	return rd_api_refuse(error,
			     "%s still runs the restore's own etcd pod, which finds its data after "
			     "a reboot and gives up. Wait until the operator has put its own one "
			     "there (a new revision of etcd)",
			     recovery_target(step));
}

/* ---- reboot ---- */

/* It says in which boot it was told. Five seconds later, so that the answer gets through: a job
 * whose end nobody heard of is a doubt. The unit's name is the run's: a second one is refused while
 * the first is there. */
gboolean
node_reboot_enter(RecoveryStep *step, GError **error)
{
	g_autofree char *unit =
	    g_strdup_printf("--unit=recoveryd-reboot-%s", recovery_run_id(step));
	const char *argv[] = {"/bin/sh", "-c", REBOOT, "reboot", unit, NULL};
	const RecoveryCommand command = {.argv = argv};

	return check_aside(step, error) && check_etcd(step, error) &&
	       recovery_job(step, "reboot", &command, NULL, error) &&
	       recovery_wait(step, node_reboot_probe, error);
}
