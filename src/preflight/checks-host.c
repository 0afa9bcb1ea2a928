/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-preflight"

#include <gio/gio.h>
#include <string.h>

#include "machine/plan.h"
#include "preflight/checks-private.h"
#include "procedure/address.h"

/* What hosts answered about themselves. */

#define CLOCK_BLOCK 2.0 /* seconds: INV-36 */
#define CLOCK_WARN  1.0 /* from here on etcd complains */
#define GIB	    (G_GUINT64_CONSTANT(1) << 30)
#define LOGS	    (G_GUINT64_CONSTANT(192) << 20) /* three write-ahead logs of 64 MB */
#define INODES	    1000 /* a few hundred files are unpacked and written */

gboolean
rd_check_is_recovery(const RdChecking *self, const RdHostFacts *host)
{
	return host->host->recovery || rd_cluster_facts_recovery(self->facts) == NULL;
}

void
rd_check_powered_off(RdChecking *self)
{
	for (guint i = 0; i < self->facts->hosts->len; i++) {
		const RdHostFacts *host = self->facts->hosts->pdata[i];

		if (host->excused == NULL)
			continue;
		if (host->surveyed)
			rd_found(self, host->host->name, RD_LEVEL_BLOCK,
				 "power it off first, or do not excuse it: with its old data it "
				 "could form the old cluster again",
				 "it answers, though it was stated to be off (%s)", host->excused);
		else
			rd_found(self, host->host->name, RD_LEVEL_OK, NULL,
				 "silent, and stated to be off: %s", host->excused);
	}
}

/* how far a host's clock is before ours, and the doubt: it was read somewhere between our two looks
 */
typedef struct {
	const RdHostFacts *host;
	double off, doubt; /* seconds */
} Clock;

static int
compare_clocks(gconstpointer a, gconstpointer b)
{
	const Clock *one = a, *other = b;

	return (one->off > other->off) - (one->off < other->off);
}

static GArray *
read_clocks(const RdChecking *self)
{
	GArray *clocks = g_array_new(FALSE, FALSE, sizeof(Clock));

	for (guint i = 0; i < self->facts->hosts->len; i++) {
		const RdHostFacts *host = self->facts->hosts->pdata[i];
		double ours = ((double)host->before + (double)host->after) / 2 / G_USEC_PER_SEC;
		const Clock clock = {host, host->survey.time - ours,
				     (double)(host->after - host->before) / 2 / G_USEC_PER_SEC};

		if (host->surveyed && host->excused == NULL)
			g_array_append_val(clocks, clock);
	}
	g_array_sort(clocks, compare_clocks);
	return clocks;
}

/* The first and the last of them disagree the most; only what is certain counts. The odd one is the
 * one that is farther from the middle. */
void
rd_check_clocks(RdChecking *self)
{
	g_autoptr(GArray) clocks = read_clocks(self);
	const Clock *first, *last, *middle;
	gboolean late;
	double apart;

	if (clocks->len == 0)
		return;
	first = &g_array_index(clocks, Clock, 0);
	middle = &g_array_index(clocks, Clock, clocks->len / 2);
	last = &g_array_index(clocks, Clock, clocks->len - 1);
	apart = MAX(last->off - last->doubt - first->off - first->doubt, 0);
	late = middle->off - first->off > last->off - middle->off;
	if (apart <= CLOCK_WARN)
		rd_found(self, RD_CLUSTER, RD_LEVEL_OK, NULL,
			 "at most %.1f s apart, as far as seen", apart);
	else
		rd_found(self, late ? first->host->host->name : last->host->host->name,
			 apart > CLOCK_BLOCK ? RD_LEVEL_BLOCK : RD_LEVEL_WARN,
			 "chronyc makestep on the one that is wrong: etcd and certificates do not "
			 "bear it, and no clock is set by us",
			 "%.1f s %s %s", apart, late ? "behind" : "before",
			 late ? last->host->host->name : first->host->host->name);
}

static gboolean
same_address(const char *a, const char *b)
{
	g_autoptr(GInetAddress) one = rd_address_parse(a);
	g_autoptr(GInetAddress) other = rd_address_parse(b);

	return one != NULL && other != NULL && g_inet_address_equal(one, other);
}

static gboolean
is_among(char **addresses, const char *address)
{
	for (guint i = 0; addresses != NULL && addresses[i] != NULL; i++)
		if (same_address(addresses[i], address))
			return TRUE;
	return FALSE;
}

gboolean
rd_check_has_address(char **addresses, const char *address)
{
	gsize size = strlen(address);
	g_autofree char *plain = size > 2 && address[0] == '[' && address[size - 1] == ']'
				     ? g_strndup(address + 1, size - 2)
				     : g_strdup(address);

	return is_among(addresses, plain);
}

/* as keepalived is configured now, and as it was when the backup was taken; the inventory's own
 * VIPs are compared when it is read */
void
rd_check_vip(RdChecking *self)
{
	const RdInventory *inventory = self->facts->inventory;
	guint wrong = 0;

	for (guint i = 0; i < inventory->hosts->len; i++) {
		const RdInventoryHost *host = inventory->hosts->pdata[i];
		const char *source = NULL;

		if (self->facts->identity != NULL &&
		    is_among(self->facts->identity->vips, host->login->address))
			source = "the Infrastructure object in the backup";
		RD_FOR_EACH_ASKED (self, other)
			if (is_among(other->vips, host->login->address))
				source = other->host->name;
		if (source == NULL)
			continue;
		wrong++;
		rd_found(self, host->name, RD_LEVEL_BLOCK,
			 "write the host's own address into the inventory", "%s is a VIP, says %s",
			 host->login->address, source);
	}
	if (wrong == 0)
		rd_found(self, RD_CLUSTER, RD_LEVEL_OK, NULL, "every host by its own address");
}

void
rd_check_kubelet(RdChecking *self)
{
	RD_FOR_EACH_ASKED (self, host)
		if (host->kubelet)
			rd_found(self, host->host->name, RD_LEVEL_OK, NULL,
				 "kubelet.service is active");
		else
			rd_found(self, host->host->name, RD_LEVEL_BLOCK,
				 "systemctl start kubelet.service, and journalctl -u kubelet",
				 "kubelet.service is not active: nothing would stop or start the "
				 "static pods");
}

/* P2-06: on the host where the script restores, its copy, what is restored from it, the old
 * database where it is moved by copying, and the logs of the first minutes. Without a script the
 * copy stays in its directory, and old data is renamed. Without a backup the database itself says
 * how big one will be. */
static guint64
room_needed(const RdChecking *self, const RdHostFacts *host)
{
	const RdBackupVerdict *backup = self->facts->backup;
	guint64 snapshot =
	    backup != NULL && backup->proof != NULL ? (guint64)backup->proof->size : host->db_size;

	if (rd_check_is_recovery(self, host) && g_strcmp0(self->procedure, "manual-restore") != 0)
		return 2 * snapshot + host->db_size + GIB;
	return 2 * snapshot + LOGS;
}

static void
judge_room(RdChecking *self, const RdHostFacts *host, RdRoomPlace place)
{
	const RdRoom *room = &host->rooms[place];
	const char *path = rd_room_paths[place];
	guint64 needed = room_needed(self, host);
	g_autofree char *wanted = g_format_size_full(needed, G_FORMAT_SIZE_IEC_UNITS);
	g_autofree char *size =
	    g_format_size_full((guint64)MAX(room->bytes, 0), G_FORMAT_SIZE_IEC_UNITS);

	if (room->bytes < 0)
		rd_found(self, host->host->name, RD_LEVEL_WARN, "is it there?",
			 "%s: df says nothing", path);
	else if ((guint64)room->bytes < needed)
		rd_found(self, host->host->name, RD_LEVEL_BLOCK,
			 "make room before anything is stopped: a restore that finds none stops "
			 "half way",
			 "%s: %s free, %s needed", path, size, wanted);
	else if (room->inodes >= 0 && room->inodes < INODES)
		rd_found(self, host->host->name, RD_LEVEL_BLOCK, "remove small files",
			 "%s: %" G_GINT64_FORMAT " inodes left", path, room->inodes);
	else
		rd_found(self, host->host->name, RD_LEVEL_OK, NULL, "%s: %s free, %s needed", path,
			 size, wanted);
}

void
rd_check_room(RdChecking *self)
{
	RD_FOR_EACH_ASKED (self, host) {
		judge_room(self, host, RD_ROOM_DATA);
		judge_room(self, host, RD_ROOM_VAR);
	}
}

static gboolean
in_memory(const char *type)
{
	return g_strcmp0(type, "tmpfs") == 0 || g_strcmp0(type, "ramfs") == 0;
}

void
rd_check_parking(RdChecking *self)
{
	static const RdRoomPlace places[] = {RD_ROOM_DATA, RD_ROOM_VAR, RD_ROOM_MANIFESTS};

	RD_FOR_EACH_ASKED (self, host) {
		guint wrong = 0;

		for (guint i = 0; i < G_N_ELEMENTS(places); i++) {
			const RdRoom *room = &host->rooms[places[i]];

			if (!in_memory(room->type))
				continue;
			wrong++;
			rd_found(
			    self, host->host->name, RD_LEVEL_BLOCK,
			    "put it on a disk: what is moved aside lies beside it",
			    "%s is in memory (%s on %s): what is moved aside there is gone after "
			    "a reboot",
			    rd_room_paths[places[i]], room->type, room->mount);
		}
		if (wrong == 0)
			rd_found(self, host->host->name, RD_LEVEL_OK, NULL, "on disks");
	}
}

void
rd_check_data_mount(RdChecking *self)
{
	RD_FOR_EACH_ASKED (self, host) {
		const RdRoom *room = &host->rooms[RD_ROOM_DATA];

		if (!rd_check_is_recovery(self, host))
			continue;
		if (g_strcmp0(room->mount, rd_room_paths[RD_ROOM_DATA]) == 0)
			rd_found(
			    self, host->host->name, RD_LEVEL_WARN,
			    "nothing; it takes longer, and /var/lib needs room for the old "
			    "database",
			    "/var/lib/etcd is a mount of its own: the restore script copies the "
			    "old data instead of renaming it");
		else
			rd_found(self, host->host->name, RD_LEVEL_OK, NULL,
				 "/var/lib/etcd is on %s",
				 room->mount != NULL ? room->mount : "the disk");
	}
}

/* of the operators, the machine configuration on all platforms, and of 4.1 to 4.3 */
static const char *const known_manifests[] = {"etcd-pod.yaml",
					      "kube-apiserver-pod.yaml",
					      "kube-controller-manager-pod.yaml",
					      "kube-scheduler-pod.yaml",
					      "keepalived.yaml",
					      "haproxy.yaml",
					      "coredns.yaml",
					      "mdns-publisher.yaml",
					      "apiserver-watcher.yaml",
					      "kube-rbac-proxy-crio.yaml",
					      "etcd-member.yaml",
					      NULL};

void
rd_check_strangers(RdChecking *self)
{
	RD_FOR_EACH_ASKED (self, host) {
		guint wrong = 0;

		for (guint i = 0; host->manifests[i] != NULL; i++) {
			if (g_strv_contains(known_manifests, host->manifests[i]))
				continue;
			wrong++;
			rd_found(self, host->host->name, RD_LEVEL_BLOCK,
				 "find out whose it is; a copy belongs elsewhere, or behind a dot",
				 "/etc/kubernetes/manifests/%s: the kubelet runs every file there, "
				 "whatever it is called",
				 host->manifests[i]);
		}
		if (wrong == 0)
			rd_found(self, host->host->name, RD_LEVEL_OK, NULL, "%u known manifests",
				 g_strv_length(host->manifests));
	}
}

void
rd_check_leftovers(RdChecking *self)
{
	RD_FOR_EACH_ASKED (self, host) {
		g_autofree char *strangers = g_strjoinv(", ", host->data_strangers);
		g_autofree char *left = g_strjoinv(", ", host->leftovers);

		if (*strangers != '\0')
			rd_found(self, host->host->name, RD_LEVEL_WARN,
				 "nothing: it is moved aside; by hand the restore pod would refuse",
				 "/var/lib/etcd holds more than a member: %s", strangers);
		if (*left != '\0')
			rd_found(self, host->host->name, RD_LEVEL_WARN,
				 "nothing: it is renamed first; by hand the script would delete it",
				 "of an earlier restore: %s", left);
		if (*strangers == '\0' && *left == '\0')
			rd_found(self, host->host->name, RD_LEVEL_OK, NULL, "nothing");
	}
}
