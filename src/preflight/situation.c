/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-preflight"

#include "preflight/situation.h"

#include <string.h>

#define LEASE_FRESH 60 /* seconds */

static const char *const families[] = {
    [RD_FAMILY_UNKNOWN] = "unknown",
    [RD_FAMILY_OLD] = "4.1-4.3",
    [RD_FAMILY_4_7] = "4.7-4.10",
    [RD_FAMILY_4_11] = "4.11-4.17",
    [RD_FAMILY_4_18] = "4.18+",
    [RD_FAMILY_STRANGE] = "strange script",
    [RD_FAMILY_SCRIPTLESS] = "without script",
    [RD_FAMILY_FENCING] = "tnf",
    [RD_FAMILY_EXTERNAL] = "external",
};
G_STATIC_ASSERT(G_N_ELEMENTS(families) == RD_FAMILY_LAST + 1);

static const char *const backups[] = {
    [RD_BACKUP_NONE] = "none named",
    [RD_BACKUP_UNSOUND] = "not sound",
    [RD_BACKUP_FOREIGN] = "of another cluster",
    [RD_BACKUP_OTHER_RELEASE] = "of another release",
    [RD_BACKUP_ALONE] = "a snapshot without its static resources",
    [RD_BACKUP_NOWHERE] = "stated that there is none",
    [RD_BACKUP_SOUND] = "sound",
};
G_STATIC_ASSERT(G_N_ELEMENTS(backups) == RD_BACKUP_STATE_LAST + 1);

const char *
rd_family_to_string(RdFamily family)
{
	return families[family];
}

const char *
rd_backup_state_to_string(RdBackupState state)
{
	return backups[state];
}

gboolean
rd_situation_has_quorum(const RdSituation *self)
{
	return self->commit > 0 || self->reads;
}

/* the recovery host's script says it, or while none is chosen anybody's */
static RdFamily
family_of(const RdClusterFacts *facts)
{
	const RdHostFacts *host = rd_cluster_facts_recovery(facts);

	if (g_strcmp0(facts->api.topology, "External") == 0)
		return RD_FAMILY_EXTERNAL;
	if (rd_facts_are_tnf(facts))
		return RD_FAMILY_FENCING;
	if (rd_facts_are_old(facts))
		return RD_FAMILY_OLD;
	for (guint i = 0; (host == NULL || !host->asked) && i < facts->hosts->len; i++)
		host = facts->hosts->pdata[i];
	if (host == NULL || !host->asked)
		return RD_FAMILY_UNKNOWN;
	if (host->script != NULL)
		for (guint i = 0; i <= RD_FAMILY_LAST; i++)
			if (strcmp(families[i], host->script) == 0)
				return i;
	if (host->script_sha256 != NULL)
		return RD_FAMILY_STRANGE;
	return host->restore_pod ? RD_FAMILY_SCRIPTLESS : RD_FAMILY_UNKNOWN;
}

static gboolean
blocks(GPtrArray *findings, const char *check)
{
	for (guint i = 0; i < findings->len; i++) {
		const RdFinding *finding = findings->pdata[i];

		if (finding->level == RD_LEVEL_BLOCK && strcmp(finding->check, check) == 0)
			return TRUE;
	}
	return FALSE;
}

static RdBackupState
backup_of(const RdClusterFacts *facts, GPtrArray *findings)
{
	if (facts->backup == NULL)
		return RD_BACKUP_NONE;
	if (blocks(findings, "backup"))
		return RD_BACKUP_UNSOUND;
	if (blocks(findings, "same-cluster"))
		return RD_BACKUP_FOREIGN;
	if (blocks(findings, "same-release"))
		return RD_BACKUP_OTHER_RELEASE;
	/* the procedures of later releases want static resources beside the snapshot */
	return facts->backup->pair == NULL && !rd_facts_are_old(facts) ? RD_BACKUP_ALONE
								       : RD_BACKUP_SOUND;
}

void
rd_situation_read(RdSituation *self, const RdClusterFacts *facts, GPtrArray *findings)
{
	const RdHostFacts *recovery = rd_cluster_facts_recovery(facts);
	g_auto(GStrv) parked = rd_facts_returnable(facts);

	*self = (RdSituation){
	    .masters = facts->hosts->len,
	    .recovery = recovery != NULL && recovery->asked,
	    .reads = facts->api.reads,
	    .writes = facts->api.lease_age >= 0 && facts->api.lease_age <= LEASE_FRESH,
	    .stale = facts->api.stale != NULL ? g_strv_length(facts->api.stale) : 0,
	    .parked = parked[0] != NULL,
	    .restored = rd_facts_restored(facts),
	    .family = family_of(facts),
	    .named = TRUE,
	    .backup = backup_of(facts, findings),
	    .key_rotated = rd_facts_key_rotated(facts)};
	for (guint i = 0; i < facts->hosts->len; i++) {
		const RdHostFacts *host = facts->hosts->pdata[i];

		self->stated_off += host->excused != NULL && !host->surveyed;
		if (!host->asked)
			continue;
		self->answer++;
		self->blind += !host->containers;
		self->commit += host->commits;
		self->data += host->data;
		self->quorum_script |= host->quorum_restore;
		self->named &= host->etcd_env == NULL && host->restore_pod;
	}
	self->named &= self->answer > 0;
}
