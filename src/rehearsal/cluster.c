/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearsal/cluster.h"
#include "rehearsal/controllers.h"
#include "rehearsal/verbs.h"
#include <string.h>

/* virtual time starts here: 2026-11-20 03:00 UTC in microseconds, like any night */
#define NIGHT G_GINT64_CONSTANT(1795143600000000)

static void
host_free(RdSimHost *self)
{
	g_free(self->name);
	g_free(self->address);
	g_free(self->dns_name);
	g_free(self->machine_id);
	g_free(self->boot_id);
	g_free(self->stubborn);
	rd_sim_login_free(self->login);
	rd_sim_tree_free(self->tree);
	g_ptr_array_unref(self->pods);
	g_ptr_array_unref(self->touching);
	g_hash_table_unref(self->jobs);
	g_hash_table_unref(self->copies);
	if (self->lock != NULL)
		rd_sim_lock_free(self->lock);
	rd_sim_etcd_data_free(self->etcd);
	g_ptr_array_unref(self->addresses);
	g_hash_table_unref(self->tally);
	g_free(self);
}

RdSimCluster *
rd_sim_cluster_new(guint32 seed)
{
	RdSimCluster *self = g_new0(RdSimCluster, 1);

	self->timeline = rd_timeline_new(NIGHT, seed);
	self->hosts = g_ptr_array_new_with_free_func((GDestroyNotify)host_free);
	self->violations = g_ptr_array_new_with_free_func(g_free);
	self->raft_term = 2;
	return self;
}

void
rd_sim_cluster_free(RdSimCluster *self)
{
	if (self == NULL)
		return;
	rd_timeline_free(self->timeline);
	g_ptr_array_unref(self->hosts);
	g_ptr_array_unref(self->violations);
	g_free(self->raft_leader);
	g_strfreev(self->vips);
	g_free(self);
}

RdSimHost *
rd_sim_cluster_find(RdSimCluster *self, const char *name)
{
	for (guint i = 0; i < self->hosts->len; i++) {
		RdSimHost *host = g_ptr_array_index(self->hosts, i);

		if (g_str_equal(host->name, name))
			return host;
	}
	return NULL;
}

double
rd_sim_cluster_takes(const RdSimCluster *self, double seconds)
{
	return self->brisk ? seconds / 10 : seconds;
}

void
rd_sim_cluster_violation(RdSimCluster *self, const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	g_ptr_array_add(self->violations, g_steal_pointer(&text));
}

/* The observer: what appears in and vanishes from the places that matter, whoever did it. */
static void
watched(const char *path, gboolean appeared, RdSimNode *node, gpointer data)
{
	RdSimHost *self = data;
	const char *name = strrchr(path, '/') + 1;

	if (g_str_has_prefix(path, RD_SIM_MANIFESTS "/")) {
		if (name[0] == '.')
			return;
		rd_sim_host_count(self, appeared ? "appeared" : "vanished", name);
		rd_sim_kubelet_notice(self);
	} else if (g_str_equal(path, RD_SIM_ETCD_DATA "/member")) {
		rd_sim_host_count(self, appeared ? "data in place" : "data away", NULL);
		if (self->etcd != NULL)
			rd_sim_cluster_violation(
			    self->cluster, "%s: member directory renamed under a running etcd",
			    self->name);
	}
}

/* 32 hex digits that look random and are not */
static char *
identity(RdSimCluster *self, const char *what, const char *name)
{
	g_autofree char *seed =
	    g_strdup_printf("%s %s %" G_GUINT64_FORMAT, what, name, ++self->serials);
	char *id = g_compute_checksum_for_string(G_CHECKSUM_MD5, seed, -1);

	return id;
}

static char *
boot_identity(RdSimHost *self)
{
	g_autofree char *hex = identity(self->cluster, "boot", self->name);

	return g_strdup_printf("%.8s-%.4s-4%.3s-8%.3s-%.12s", hex, hex + 8, hex + 13, hex + 17,
			       hex + 20);
}

/* where commands read them */
static void
write_identity(RdSimHost *self)
{
	g_autofree char *boot = g_strconcat(self->boot_id, "\n", NULL);
	g_autofree char *machine = g_strconcat(self->machine_id, "\n", NULL);

	rd_sim_tree_mkdirs(self->tree, "/proc/sys/kernel/random");
	rd_sim_tree_mkdirs(self->tree, "/etc");
	rd_sim_tree_write_text(self->tree, "/proc/sys/kernel/random/boot_id", boot, 0444);
	rd_sim_tree_write_text(self->tree, "/etc/machine-id", machine, 0444);
}

RdSimHost *
rd_sim_cluster_add(RdSimCluster *self, const char *name, const char *address)
{
	RdSimHost *host = g_new0(RdSimHost, 1);

	host->cluster = self;
	host->name = g_strdup(name);
	host->address = g_strdup(address);
	host->machine_id = identity(self, "machine", name);
	host->boot_id = boot_identity(host);
	host->tree = rd_sim_tree_new(self->timeline);
	host->pods = g_ptr_array_new_with_free_func((GDestroyNotify)rd_sim_pod_free);
	host->touching = g_ptr_array_new();
	host->copies = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, rd_sim_copy_free);
	host->jobs =
	    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)rd_sim_job_free);
	rd_sim_host_reset_addresses(host);
	host->tally = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	host->up_since = host->kubelet_since = rd_timeline_now(self->timeline);
	rd_sim_tree_watch(host->tree, watched, host);
	write_identity(host);
	g_ptr_array_add(self->hosts, host);
	return host;
}

void
rd_sim_host_power_off(RdSimHost *self)
{
	if (self->power == RD_SIM_OFF)
		return;
	self->power = RD_SIM_OFF;
	self->boots++;
	self->kubelet_stopped = self->signs = FALSE;
	rd_sim_tree_remove(self->tree, RD_SIM_ETCD_ENV); /* in memory */
	rd_sim_etcd_stop(self);
	rd_sim_keepalived_die(self);
	g_clear_pointer(&self->login, rd_sim_login_free);
	g_ptr_array_set_size(self->pods, 0);
	g_ptr_array_set_size(self->touching, 0);
	rd_sim_jobs_die(self);
	self->sync_due = FALSE;
}

typedef struct {
	RdSimHost *host;
	guint boots;
} Boot;

static void
booted(gpointer data)
{
	Boot *boot = data;
	RdSimHost *self = boot->host;

	if (self->boots != boot->boots || self->power != RD_SIM_BOOTING)
		return;
	self->power = RD_SIM_UP;
	self->up_since = rd_timeline_now(self->cluster->timeline);
	g_free(self->boot_id);
	self->boot_id = boot_identity(self);
	write_identity(self);
	rd_sim_ovs_serve(self);
	rd_sim_kubelet_boot(self);
}

void
rd_sim_host_power_on(RdSimHost *self)
{
	RdTimeline *timeline = self->cluster->timeline;
	Boot *boot = NULL;

	if (self->power != RD_SIM_OFF)
		return;
	self->power = RD_SIM_BOOTING;
	boot = g_new0(Boot, 1);
	boot->host = self;
	boot->boots = self->boots;
	rd_timeline_add(timeline,
			self->cluster->brisk
			    ? rd_timeline_chance(timeline, 10 * RD_SIM_SECOND, 20 * RD_SIM_SECOND)
			    : rd_timeline_chance(timeline, 40 * RD_SIM_SECOND, 90 * RD_SIM_SECOND),
			booted, boot, g_free);
}

void
rd_sim_host_reboot(RdSimHost *self)
{
	rd_sim_host_power_off(self);
	rd_sim_host_power_on(self);
}

void
rd_sim_host_rebuild(RdSimHost *self)
{
	rd_sim_host_power_off(self);
	self->lost = FALSE;
	self->anew = TRUE;
	rd_sim_tree_free(self->tree);
	self->tree = rd_sim_tree_new(self->cluster->timeline);
	rd_sim_tree_watch(self->tree, watched, self);
	g_hash_table_remove_all(self->jobs);
	g_hash_table_remove_all(self->copies);
	g_free(self->machine_id);
	self->machine_id = identity(self->cluster, "machine", self->name);
	write_identity(self);
	rd_sim_host_power_on(self);
}

gboolean
rd_sim_host_answers(const RdSimHost *self)
{
	return self->power == RD_SIM_UP && !self->unreachable;
}

void
rd_sim_host_count(RdSimHost *self, const char *effect, const char *what)
{
	char *key = what != NULL ? g_strconcat(effect, " ", what, NULL) : g_strdup(effect);
	guint count = GPOINTER_TO_UINT(g_hash_table_lookup(self->tally, key));

	g_hash_table_insert(self->tally, key, GUINT_TO_POINTER(count + 1));
}

guint
rd_sim_host_tally(RdSimHost *self, const char *effect)
{
	return GPOINTER_TO_UINT(g_hash_table_lookup(self->tally, effect));
}
