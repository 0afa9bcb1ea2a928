/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-preflight"

#include <string.h>

#include "preflight/checks-private.h"

#define NOBODY_IN "nothing can be done on it; a host that is dead for good: --excuse HOST=REASON"
#define HAND	  "restore-cluster-state"
#define MANUAL	  "manual-restore"

/* clang-format off */
const RdCheckRow rd_checks[] = {
    /* hosts, while logging in */
    {"reachable",  "P2-03",        "each host answers", NULL, FALSE, NOBODY_IN, NULL},
    {"login",      "P2-03",        "it lets us in", NULL, FALSE, NOBODY_IN, NULL},
    {"host key",   "F16, INV-37",  "it is the machine that was known", NULL, FALSE,
     "a key is compared at the host's console, not waived", NULL},
    {"root",       "P2-03",        "root, or sudo without password and terminal", NULL, FALSE,
     NOBODY_IN, NULL},
    {"tools",      "P2-06",        "the programs that are used there", NULL, FALSE, NULL, NULL},
    {"space",      "F11",          "room for anything at all, also inodes", NULL, FALSE, NULL, NULL},
    {"mounts",     "P2-06",        "/etc and /var can be written", NULL, FALSE, NULL, NULL},
    {"machine-id", "INV-37",       "each machine has one of its own", NULL, FALSE,
     "jobs of one machine would be taken for those of another", NULL},
    {"systemd",    "P2-06",        "systemd runs", NULL, FALSE, NULL, NULL},
    {"manifests",  "domain 4.1",   "a control-plane host has a manifests directory", NULL, FALSE, NULL, NULL},
    {"clock",      "F10",          "its clock is ours", NULL, FALSE, NULL, NULL},
    {"lock",       "INV-7",        "no other run holds the host", NULL, FALSE,
     "two who touch one cluster: end the other run", NULL},
    {"jobs",       "INV-7",        "nothing of an earlier run works there", NULL, FALSE, NULL, NULL},
    {"banner",     "F15",          "the shell says nothing of its own", NULL, FALSE, NULL, NULL},
    {"forwarding", "domain 2.1",   "sshd forwards", NULL, FALSE, NULL, NULL},
    {"api",        "domain 2.1",   "there is a way to the Kubernetes API", NULL, FALSE, NULL, NULL},
    /* hosts, by what they answered */
    {"powered-off", "INV-2",       "a host that was stated to be off is silent", NULL, FALSE,
     "a host that answers is not powered off", rd_check_powered_off},
    {"clocks",     "F10, INV-36",  "the control plane's clocks agree within two seconds", NULL, FALSE, NULL, rd_check_clocks},
    {"vip",        "F16, INV-23",  "no host is reached through a VIP", NULL, FALSE,
     "the connection would end with the VIP", rd_check_vip},
    {"kubelet",    "P2-06",        "the kubelet runs: it alone stops and starts pods", NULL, TRUE, NULL, rd_check_kubelet},
    {"room",       "F11, P2-06",   "room for old and new data: twice the snapshot and its logs; where the script restores also the old database and 1 GiB", NULL, TRUE, NULL, rd_check_room},
    {"parking",    "F12, INV-12",  "what is moved aside survives a reboot", NULL, TRUE, NULL, rd_check_parking},
    {"data-mount", "F13",          "/var/lib/etcd is no mount of its own on the recovery host", NULL, TRUE, NULL, rd_check_data_mount},
    {"strangers",  "F20, INV-10",  "every file among the manifests is a known pod", NULL, TRUE, NULL, rd_check_strangers},
    {"leftovers",  "F21, F22",     "nothing is left of an earlier restore", NULL, TRUE, NULL, rd_check_leftovers},
    /* etcd */
    {"healthy",    "F01, INV-1, 0.4",  "the cluster is broken, or the purpose is one for a cluster that works", NULL, TRUE,
     "restore-cluster-state -i purpose=go-back is the way to restore over a cluster that works", rd_check_healthy},
    {"one-etcd",   "F23, INV-13",  "all etcds that run are of one cluster", NULL, TRUE,
     "nobody knows which of the two is the cluster", rd_check_one_etcd},
    {"topology",   "INV-41, 0.4",  "the control plane is one that is restored this way", NULL, TRUE,
     "its etcd is under another's control", rd_check_topology},
    {"script",     "INV-6, INV-42",  "cluster-restore.sh is of 4.11 to 4.17, and known", HAND, TRUE, NULL, rd_check_script},
    {"restore-pod", "P3-07",       "etcd.env and the restore pod name each member", MANUAL, TRUE, NULL, rd_check_restore_pod},
    {"etcd-address", "F63",        "the host has the address that etcd knows it by", NULL, TRUE,
     "a changed address is out of scope: the members would not find each other", rd_check_etcd_address},
    {"image",      "F14",          "etcd's image is on the host", NULL, TRUE, NULL, rd_check_image},
    {"etcd-certificates", "F09",   "etcd's certificates and their signers are valid", NULL, TRUE, NULL, rd_check_etcd_certificates},
    /* the backup */
    {"backup",     "F04, F04a, F05, F06, F08, INV-3", "snapshot and static resources are sound and of one backup", NULL, TRUE,
     NULL, rd_check_backup},
    {"same-cluster", "F02, INV-3", "the backup is of this cluster: signers, cluster id, members' names", NULL, TRUE,
     "another cluster's data fits no certificate here", rd_check_same_cluster},
    {"same-release", "F03, INV-3", "its static pods have the images that are on the recovery host", NULL, TRUE,
     "a restore is no downgrade", rd_check_same_release},
    {"encryption", "F07",          "what the snapshot is encrypted with is the key of today", MANUAL, TRUE,
     "the API servers could not read the secrets", rd_check_encryption},
    {NULL},
};
/* clang-format on */

const RdCheckRow *
rd_checks_find(const char *name)
{
	for (guint i = 0; rd_checks[i].name != NULL; i++)
		if (strcmp(rd_checks[i].name, name) == 0)
			return &rd_checks[i];
	return NULL;
}

void
rd_found(RdChecking *self, const char *host, RdLevel level, const char *remedy, const char *format,
	 ...)
{
	va_list args;

	va_start(args, format);
	rd_finding_add(self->findings, host, self->row,
		       self->mild && level == RD_LEVEL_BLOCK ? RD_LEVEL_WARN : level,
		       g_strdup_vprintf(format, args), remedy);
	va_end(args);
}

static gboolean
names(const char *list, const char *word)
{
	g_auto(GStrv) words = g_strsplit(list, " ", -1);

	return g_strv_contains((const char *const *)words, word);
}

void
rd_checks_run(RdChecking *self)
{
	for (guint i = 0; rd_checks[i].name != NULL; i++) {
		const RdCheckRow *row = &rd_checks[i];

		if (row->judge == NULL || (row->restore && !self->restores))
			continue;
		if (row->only != NULL && self->procedure != NULL &&
		    !names(row->only, self->procedure))
			continue;
		self->row = row->name;
		self->mild = row->only != NULL && self->procedure == NULL;
		row->judge(self);
	}
}

void
rd_checks_print(GString *out)
{
	g_string_append(out, "| check | source | what is right | who needs it | `--override` |\n"
			     "|---|---|---|---|---|\n");
	for (guint i = 0; rd_checks[i].name != NULL; i++) {
		const RdCheckRow *row = &rd_checks[i];

		g_string_append_printf(out, "| `%s` | %s | %s | %s | %s |\n", row->name,
				       row->source, row->summary,
				       row->only != NULL ? row->only
				       : row->restore	 ? "every restore of etcd"
							 : "everything",
				       row->fixed != NULL ? row->fixed : "yes");
	}
}
