/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-preflight"

#include <string.h>

#include "machine/plan.h"
#include "preflight/checks-private.h"

/* The backup, and whether it fits the cluster. */

static RdLevel
level_of(const RdChecking *self, const RdCheck *check)
{
	const RdSnapshot *proof = self->facts->backup->proof;

	if (self->accept_no_hash && proof != NULL && proof->verdict == RD_SNAPSHOT_NO_HASH &&
	    strcmp(check->name, "bytes") == 0)
		return RD_LEVEL_WARN;
	return check->level == RD_CHECK_BLOCK  ? RD_LEVEL_BLOCK
	       : check->level == RD_CHECK_WARN ? RD_LEVEL_WARN
					       : RD_LEVEL_OK;
}

void
rd_check_backup(RdChecking *self)
{
	const RdBackupVerdict *backup = self->facts->backup;

	if (backup == NULL) {
		if (self->procedure == NULL)
			rd_found(self, RD_ABOUT_BACKUP, RD_LEVEL_WARN, "-b DIR",
				 "none was named, so none was looked at");
		return;
	}
	for (guint i = 0; i < backup->checks->len; i++) {
		const RdCheck *check = backup->checks->pdata[i];

		rd_found(self, RD_ABOUT_BACKUP, level_of(self, check), check->remedy, "%s: %s",
			 check->name, check->text);
	}
}

/* the recovery host, or while none is chosen the first that answered */
static const RdHostFacts *
witness(const RdChecking *self)
{
	const RdHostFacts *first = NULL;

	RD_FOR_EACH_ASKED (self, host) {
		if (host->host->recovery)
			return host;
		if (first == NULL)
			first = host;
	}
	return first;
}

static gboolean
has_certificate(GPtrArray *certificates, const char *sha256)
{
	for (guint i = 0; i < certificates->len; i++)
		if (strcmp(((RdCertificate *)certificates->pdata[i])->sha256, sha256) == 0)
			return TRUE;
	return FALSE;
}

static guint
count_authorities(GPtrArray *certificates)
{
	guint n = 0;

	for (guint i = 0; i < certificates->len; i++)
		n += ((RdCertificate *)certificates->pdata[i])->authority;
	return n;
}

static guint
count_common_authorities(const RdHostFacts *host, const RdResources *resources)
{
	guint n = 0;

	for (guint i = 0; i < host->certificates->len; i++) {
		const RdCertificate *one = host->certificates->pdata[i];

		n += one->authority && has_certificate(resources->certificates, one->sha256);
	}
	return n;
}

/* FALSE when a finding says that they differ */
static gboolean
check_names(RdChecking *self, const RdHostFacts *host, const RdResources *resources)
{
	guint common = 0, n = g_strv_length(resources->hosts);

	if (n == 0 || host->etcd_names == NULL || host->etcd_names[0] == NULL)
		return TRUE;
	for (guint i = 0; i < n; i++)
		common +=
		    g_strv_contains((const char *const *)host->etcd_names, resources->hosts[i]);
	if (common == 0)
		rd_found(self, host->host->name, RD_LEVEL_BLOCK, "take a backup of this cluster",
			 "no member of the backup (%s …) is one of this cluster (%s …)",
			 resources->hosts[0], host->etcd_names[0]);
	else if (common < n || n < g_strv_length(host->etcd_names))
		rd_found(self, host->host->name, RD_LEVEL_WARN,
			 "know which hosts were added or replaced since",
			 "%u of the backup's %u members are among the %u of today", common, n,
			 g_strv_length(host->etcd_names));
	else
		return TRUE;
	return FALSE;
}

static gboolean
check_cluster_id(RdChecking *self)
{
	const RdIdentity *identity = self->facts->identity;
	const char *live = self->facts->api.cluster_id;

	if (identity == NULL || identity->cluster_id == NULL || live == NULL ||
	    strcmp(identity->cluster_id, live) == 0)
		return TRUE;
	rd_found(self, RD_ABOUT_BACKUP, RD_LEVEL_BLOCK, "take a backup of this cluster",
		 "it is of cluster %s, and this one is %s", identity->cluster_id, live);
	return FALSE;
}

void
rd_check_same_cluster(RdChecking *self)
{
	const RdBackupVerdict *backup = self->facts->backup;
	const RdResources *resources = backup != NULL ? backup->resources : NULL;
	const RdHostFacts *host = witness(self);
	guint common;

	if (!check_cluster_id(self) || resources == NULL || host == NULL)
		return;
	if (count_authorities(host->certificates) == 0 ||
	    count_authorities(resources->certificates) == 0) {
		if (check_names(self, host, resources))
			rd_found(self, host->host->name, RD_LEVEL_WARN,
				 "compare the signers yourself: etcd-pod-*/…/server-ca-bundle.crt",
				 "no signer to compare, %s",
				 count_authorities(host->certificates) == 0 ? "on the host"
									    : "in the backup");
		return;
	}
	common = count_common_authorities(host, resources);
	if (common == 0)
		rd_found(self, host->host->name, RD_LEVEL_BLOCK, "take a backup of this cluster",
			 "none of etcd's signers on this host is in the backup: it is of another "
			 "cluster, or this one was installed anew");
	else if (check_names(self, host, resources))
		rd_found(self, host->host->name, RD_LEVEL_OK, NULL,
			 "%u of etcd's signers and all members are those of the backup", common);
}

/* "@sha256:…" → "sha256:…" of an image in the tar that the host does not have, or NULL */
static const char *
foreign_image(const RdResources *resources, const RdHostFacts *host, guint *compared)
{
	*compared = 0;
	for (guint i = 0; i < RD_STATIC_PODS; i++)
		for (guint j = 0;
		     resources->pods[i].images != NULL && resources->pods[i].images[j] != NULL;
		     j++) {
			const char *at = strchr(resources->pods[i].images[j], '@');

			if (at == NULL)
				continue;
			++*compared;
			if (!g_strv_contains((const char *const *)host->images, at + 1))
				return resources->pods[i].images[j];
		}
	return NULL;
}

void
rd_check_same_release(RdChecking *self)
{
	const RdBackupVerdict *backup = self->facts->backup;
	const RdIdentity *identity = self->facts->identity;
	const RdHostFacts *host = witness(self);
	const char *image;
	guint compared = 0;

	if (backup == NULL || backup->resources == NULL || host == NULL)
		return;
	if (host->images[0] == NULL) {
		rd_found(self, host->host->name, RD_LEVEL_WARN,
			 "compare the releases yourself, or choose a host that has its manifests",
			 "no manifest here names an image by digest, so nobody knows whether the "
			 "backup is of this release");
		return;
	}
	image = foreign_image(backup->resources, host, &compared);
	if (image == NULL)
		rd_found(self, host->host->name, RD_LEVEL_OK, NULL, "%u images, all of them here",
			 compared);
	else
		rd_found(self, host->host->name, RD_LEVEL_BLOCK,
			 "take a backup of the release that runs; a restore does not go back to "
			 "another one",
			 "the backup's static pods%s%s name %s, those of this host%s%s do not",
			 identity != NULL && identity->version != NULL ? " of " : "",
			 identity != NULL && identity->version != NULL ? identity->version : "",
			 image, self->facts->api.version != NULL ? " of " : "",
			 self->facts->api.version != NULL ? self->facts->api.version : "");
}

gboolean
rd_facts_key_rotated(const RdClusterFacts *facts)
{
	const RdResources *resources = facts->backup != NULL ? facts->backup->resources : NULL;

	for (guint i = 0; resources != NULL && i < facts->hosts->len; i++) {
		const RdHostFacts *host = facts->hosts->pdata[i];

		if (host->asked && host->revision > 0 &&
		    g_strcmp0(host->encryption_key, resources->encryption_key) != 0)
			return TRUE;
	}
	return FALSE;
}

void
rd_check_encryption(RdChecking *self)
{
	const RdBackupVerdict *backup = self->facts->backup;
	const char *key;

	if (backup == NULL || backup->resources == NULL)
		return;
	key = backup->resources->encryption_key;
	RD_FOR_EACH_ASKED (self, host)
		if (host->revision == 0)
			rd_found(self, host->host->name, RD_LEVEL_WARN,
				 "is kube-apiserver-pod.yaml in its place?",
				 "nobody knows which encryption configuration is in use");
		else if (g_strcmp0(host->encryption_key, key) != 0)
			rd_found(
			    self, host->host->name, RD_LEVEL_BLOCK,
			    "restore-cluster-state brings the backup's key back with it",
			    "the backup is written with %s, this host writes with %s: the key was "
			    "changed since, and manual-restore does not bring the old one back",
			    key != NULL ? key : "no key",
			    host->encryption_key != NULL ? host->encryption_key : "no key");
		else
			rd_found(self, host->host->name, RD_LEVEL_OK, NULL, "%s",
				 key != NULL ? key : "not encrypted at rest");
}
