/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-preflight"

#include <string.h>

#include "machine/plan.h"
#include "preflight/checks-private.h"

#define LEASE_FRESH 60		     /* seconds */
#define SOON	    (30 * 24 * 3600) /* seconds: a certificate that ends before is said */

static char *
who_commits(const RdChecking *self, guint *count)
{
	g_autoptr(GString) names = g_string_new(NULL);

	*count = 0;
	RD_FOR_EACH_ASKED (self, host)
		if (host->commits) {
			g_string_append_printf(names, "%s%s", *count > 0 ? ", " : "",
					       host->host->name);
			++*count;
		}
	return g_string_free(g_steal_pointer(&names), FALSE);
}

/* (nullable) what keeps it from taking writes although it has a quorum */
static const char *
find_alarm(const RdChecking *self)
{
	RD_FOR_EACH_ASKED (self, host)
		if (host->commits && host->alarm != NULL)
			return host->alarm;
	return NULL;
}

/* One that commits is enough: a proposal is only committed with a quorum. A read by the API is
 * another witness of the same. */
void
rd_check_healthy(RdChecking *self)
{
	const RdApiFacts *api = &self->facts->api;
	guint count = 0;
	g_autofree char *names = who_commits(self, &count);
	const char *alarm = find_alarm(self);
	g_autofree char *text = NULL;
	gboolean works = count > 0 || api->reads;
	guint asked = 0, blind = 0;

	RD_FOR_EACH_ASKED (self, host) {
		asked++;
		blind += !host->containers;
	}
	if (alarm != NULL)
		text = g_strdup_printf("etcd has a quorum, and an alarm that keeps it from taking "
				       "writes: %s",
				       alarm);
	else if (count > 0)
		text =
		    g_strdup_printf("etcd works: %u of %u members commit what they are given (%s)",
				    count, self->facts->hosts->len, names);
	else if (api->reads)
		text = g_strdup_printf("etcd has a quorum: the API answers a read that only a "
				       "majority of its members can%s",
				       api->lease_age >= 0 && api->lease_age <= LEASE_FRESH
					   ? ", and kubelets renew their leases"
					   : "");
	if (works && self->must_be_dead)
		rd_found(self, RD_CLUSTER, RD_LEVEL_BLOCK,
			 "repair what is broken instead; to go back on purpose: -i purpose=go-back "
			 "with restore-cluster-state",
			 "%s. A restore would throw away everything since the backup", text);
	else if (works)
		rd_found(self, RD_CLUSTER, alarm != NULL ? RD_LEVEL_WARN : RD_LEVEL_OK,
			 alarm != NULL ? "for NOSPACE: compact, defragment, etcdctl alarm disarm"
				       : NULL,
			 "%s", text);
	else if (asked == 0)
		rd_found(self, RD_CLUSTER, RD_LEVEL_WARN, "see why no host answers",
			 "nobody could be asked whether etcd works");
	else if (blind > 0)
		rd_found(self, RD_CLUSTER, self->must_be_dead ? RD_LEVEL_BLOCK : RD_LEVEL_WARN,
			 "see why crictl ps does not answer: systemctl status crio",
			 "%u of %u hosts do not tell which containers run, so nobody knows whether "
			 "etcd works",
			 blind, asked);
	else
		rd_found(self, RD_CLUSTER, RD_LEVEL_OK, NULL,
			 "no etcd of %u hosts commits anything: there is no quorum", asked);
}

void
rd_check_one_etcd(RdChecking *self)
{
	const RdHostFacts *first = NULL;

	RD_FOR_EACH_ASKED (self, host) {
		if (host->cluster_id == 0)
			continue;
		if (first == NULL)
			first = host;
		else if (host->cluster_id != first->cluster_id) {
			rd_found(self, host->host->name, RD_LEVEL_BLOCK,
				 "stop the odd one: move its etcd-pod.yaml out of "
				 "/etc/kubernetes/manifests; nobody but you knows which it is",
				 "its etcd is of cluster %" G_GINT64_MODIFIER
				 "x, that of %s of %" G_GINT64_MODIFIER "x",
				 host->cluster_id, first->host->name, first->cluster_id);
			return;
		}
	}
	if (first == NULL)
		rd_found(self, RD_CLUSTER, RD_LEVEL_OK, NULL, "no etcd says which it is of");
	else
		rd_found(self, RD_CLUSTER, RD_LEVEL_OK, NULL,
			 "one cluster: %" G_GINT64_MODIFIER "x", first->cluster_id);
}

gboolean
rd_facts_are_old(const RdClusterFacts *facts)
{
	for (guint i = 0; i < facts->hosts->len; i++) {
		const RdHostFacts *host = facts->hosts->pdata[i];

		if (host->asked && host->image == NULL && host->manifests != NULL &&
		    g_strv_contains((const char *const *)host->manifests, "etcd-member.yaml"))
			return TRUE;
	}
	return FALSE;
}

gboolean
rd_facts_are_tnf(const RdClusterFacts *facts)
{
	if (g_strcmp0(facts->api.topology, "DualReplica") == 0)
		return TRUE;
	for (guint i = 0; i < facts->hosts->len; i++)
		if (g_strcmp0(((RdHostFacts *)facts->hosts->pdata[i])->script, "tnf") == 0)
			return TRUE;
	return FALSE;
}

void
rd_check_topology(RdChecking *self)
{
	const RdClusterFacts *facts = self->facts;
	guint asked = 0;

	RD_FOR_EACH_ASKED (self, host)
		asked++;
	if (asked == 0 && facts->api.topology == NULL)
		return;
	if (g_strcmp0(facts->api.topology, "External") == 0)
		rd_found(self, RD_CLUSTER, RD_LEVEL_BLOCK,
			 "restore it where its control plane is hosted",
			 "the control plane is external (controlPlaneTopology)");
	else if (rd_facts_are_tnf(facts))
		rd_found(self, RD_CLUSTER, RD_LEVEL_BLOCK,
			 "follow \"Two-node OpenShift with fencing: recovering etcd\"",
			 "two nodes with fencing: Pacemaker has etcd, not the kubelet");
	else if (rd_facts_are_old(facts) && g_strcmp0(self->procedure, "replace-lost-masters") != 0)
		rd_found(self, RD_CLUSTER, RD_LEVEL_BLOCK,
			 "follow \"Recovering from lost master hosts\" (4.1 to 4.3)",
			 "etcd-member.yaml and no etcd.env: etcd has no operator yet (4.1 to 4.3)");
	else
		rd_found(self, RD_CLUSTER, RD_LEVEL_OK, NULL, "%s",
			 facts->api.topology != NULL ? facts->api.topology
			 : facts->hosts->len == 1    ? "one control-plane host"
						     : "static pods on each control-plane host");
}

void
rd_check_script(RdChecking *self)
{
	RD_FOR_EACH_ASKED (self, host) {
		g_autofree char *accept = NULL;

		if (!rd_check_is_recovery(self, host))
			continue;
		accept = g_strdup_printf(
		    "read it; if it is what you expect: -i accept-unknown-script=%s; otherwise "
		    "the run asks before it goes on",
		    host->script_sha256);
		if (host->script_sha256 == NULL)
			rd_found(self, host->host->name, RD_LEVEL_BLOCK,
				 "choose a recovery host whose etcd ran: its pod puts it there",
				 "there is no /usr/local/bin/cluster-restore.sh");
		else if (host->script == NULL)
			rd_found(
			    self, host->host->name, RD_LEVEL_BLOCK,
			    "put the one of this cluster's etcd image there, or restore by hand",
			    "nobody knows this cluster-restore.sh (SHA-256 %s), and its content "
			    "fits no release",
			    host->script_sha256);
		else if (strcmp(host->script, "4.11-4.17") != 0)
			rd_found(
			    self, host->host->name, RD_LEVEL_BLOCK, host->document,
			    "cluster-restore.sh is of %s, and restore-cluster-state is for 4.11 to "
			    "4.17",
			    host->script);
		else if (!host->script_known)
			rd_found(
			    self, host->host->name, RD_LEVEL_WARN, accept,
			    "nobody has seen this cluster-restore.sh before (SHA-256 %s); by its "
			    "content it is of %s",
			    host->script_sha256, host->script);
		else
			rd_found(self, host->host->name, RD_LEVEL_OK, NULL, "of %s, known",
				 host->script);
	}
}

void
rd_check_restore_pod(RdChecking *self)
{
	RD_FOR_EACH_ASKED (self, host)
		if (host->etcd_env != NULL)
			rd_found(self, host->host->name, RD_LEVEL_BLOCK,
				 "take it from another control-plane host, where it is the same",
				 "%s", host->etcd_env);
		else if (!host->restore_pod)
			rd_found(
			    self, host->host->name, RD_LEVEL_BLOCK,
			    "it is in etcd-certs/configmaps/restore-etcd-pod/ of a host whose etcd "
			    "ran",
			    "there is no restore-etcd-pod/pod.yaml, which says the member's name");
		else
			rd_found(self, host->host->name, RD_LEVEL_OK, NULL,
				 "etcd.env and restore pod");
}

void
rd_check_etcd_address(RdChecking *self)
{
	RD_FOR_EACH_ASKED (self, host) {
		if (host->etcd_address == NULL)
			continue;
		if (rd_check_has_address(host->addresses, host->etcd_address))
			rd_found(self, host->host->name, RD_LEVEL_OK, NULL, "has %s",
				 host->etcd_address);
		else
			rd_found(self, host->host->name, RD_LEVEL_BLOCK,
				 "give the host its address back",
				 "etcd.env says that it is %s, and no interface has that address",
				 host->etcd_address);
	}
}

static gboolean
needs_image(const RdChecking *self, const RdHostFacts *host)
{
	return g_strcmp0(self->procedure, "restore-cluster-state") != 0 ||
	       rd_check_is_recovery(self, host);
}

void
rd_check_image(RdChecking *self)
{
	RD_FOR_EACH_ASKED (self, host) {
		g_autofree char *pull = NULL;

		if (!needs_image(self, host))
			continue;
		pull = g_strdup_printf("podman pull --authfile=/var/lib/kubelet/config.json %s",
				       host->image != NULL ? host->image : "IMAGE");
		if (host->image == NULL)
			rd_found(
			    self, host->host->name, RD_LEVEL_BLOCK,
			    "take etcd.env from another control-plane host, where it is the same",
			    "%s", host->etcd_env);
		else if (host->image_here)
			rd_found(self, host->host->name, RD_LEVEL_OK, NULL, "%s is here",
				 host->image);
		else
			rd_found(self, host->host->name, RD_LEVEL_BLOCK, pull,
				 "%s is not here; in a disaster the registry may be on this very "
				 "cluster",
				 host->image);
	}
}

void
rd_check_etcd_certificates(RdChecking *self)
{
	gint64 now = self->facts->now;

	RD_FOR_EACH_ASKED (self, host) {
		const RdCertificate *first = NULL;
		g_autoptr(GDateTime) end = NULL;
		g_autofree char *day = NULL;

		for (guint i = 0; i < host->certificates->len; i++) {
			const RdCertificate *one = host->certificates->pdata[i];

			if (first == NULL || one->ends < first->ends)
				first = one;
		}
		if (first == NULL) {
			rd_found(self, host->host->name, RD_LEVEL_WARN,
				 "look into static-pod-resources/etcd-certs",
				 "no certificate of etcd could be read");
			continue;
		}
		end = g_date_time_new_from_unix_utc(first->ends);
		day = end != NULL ? g_date_time_format(end, "%Y-%m-%d") : g_strdup("?");
		if (first->ends < now)
			rd_found(
			    self, host->host->name, RD_LEVEL_BLOCK,
			    "rotate etcd's certificates by hand first: a restore does not help "
			    "(runbook etcdSignerCAExpirationCritical)",
			    "%s (%s) ended %s", first->subject, first->file, day);
		else if (first->ends < now + SOON)
			rd_found(self, host->host->name, RD_LEVEL_WARN,
				 "see that etcd's operator renews it", "%s (%s) ends %s",
				 first->subject, first->file, day);
		else
			rd_found(self, host->host->name, RD_LEVEL_OK, NULL,
				 "%u certificates, the first ends %s", host->certificates->len,
				 day);
	}
}
