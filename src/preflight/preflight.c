/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-preflight"

#include "preflight/preflight.h"

#include <string.h>

#include "engine/addresses.h"
#include "engine/api-way.h"
#include "machine/plan.h"
#include "preflight/ask.h"
#include "preflight/inspect.h"

void
rd_preflight_free(RdPreflight *self)
{
	if (self == NULL)
		return;
	rd_cluster_facts_free(self->facts);
	g_ptr_array_unref(self->findings);
	g_free(self);
}

static RdPreflight *
rd_preflight_new(const RdPreflightOptions *options)
{
	RdPreflight *self = g_new0(RdPreflight, 1);

	self->facts = rd_cluster_facts_new(options->inventory, g_get_real_time() / G_USEC_PER_SEC);
	self->findings = rd_findings_new();
	for (guint i = 0; i < self->facts->hosts->len; i++) {
		RdHostFacts *host = self->facts->hosts->pdata[i];

		if (options->excused != NULL)
			host->excused = g_hash_table_lookup(options->excused, host->host->name);
	}
	return self;
}

static void
rd_preflight_judge(RdPreflight *self, const RdPreflightOptions *options)
{
	RdChecking checking = {.facts = self->facts,
			       .procedure = options->procedure,
			       .restores = options->restores || options->procedure == NULL,
			       .must_be_dead = options->must_be_dead,
			       .accept_no_hash = options->accept_no_hash,
			       .findings = self->findings};

	rd_checks_run(&checking);
	for (guint i = 0; options->overrides != NULL && i < self->findings->len; i++) {
		RdFinding *finding = self->findings->pdata[i];

		if (finding->level == RD_LEVEL_BLOCK)
			finding->override =
			    g_strdup(g_hash_table_lookup(options->overrides, finding->check));
	}
}

/* what is in the snapshot comes second: where its pages are not sound nothing in it is believed */
static void
rd_preflight_read_backup(RdClusterFacts *facts, const char *path)
{
	facts->backup = rd_verdict_reach(path, facts->now, NULL, NULL);
	if (facts->backup != NULL && facts->backup->facts != NULL)
		facts->identity = rd_identity_read(facts->backup->path, NULL, NULL);
}

/* the recovery host's clock, which the API server has too */
static double
rd_preflight_now(const RdClusterFacts *facts)
{
	const RdHostFacts *recovery = rd_cluster_facts_recovery(facts);

	return recovery != NULL && recovery->surveyed ? recovery->survey.time : (double)facts->now;
}

/* ---- over ssh ------------------------------------------------------------------------------ */

typedef struct {
	RdPreflight *preflight;
	const RdPreflightOptions *options;
} Gathering;

static gpointer
gather_backup(gpointer data)
{
	Gathering *self = data;

	rd_preflight_read_backup(self->preflight->facts, self->options->backup);
	return NULL;
}

static void
gather_api(RdClusterFacts *facts)
{
	g_autoptr(GPtrArray) addresses = rd_addresses_of(facts->inventory, NULL);
	g_autoptr(GPtrArray) masters = rd_inventory_role(facts->inventory, RD_ROLE_CONTROL_PLANE);
	RdWorld *world = rd_host_world_new(addresses, RD_ASK_RUN, -1);
	RdApiWay way = {facts->inventory, addresses, -1};
	g_autoptr(GError) error = NULL;
	RdKube *kube = rd_api_way_open(world, &way, &error);

	if (kube != NULL) {
		rd_ask_api(kube, masters, rd_preflight_now(facts), &facts->api);
		rd_api_way_close(kube);
	} else {
		facts->api.silence = g_strdup(error->message);
	}
	rd_host_world_free(world);
}

RdPreflight *
rd_preflight(const RdPreflightOptions *options)
{
	RdPreflight *self = rd_preflight_new(options);
	Gathering gathering = {self, options};
	GThread *backup =
	    options->backup != NULL ? g_thread_new("rd-backup", gather_backup, &gathering) : NULL;
	const RdHostFacts *recovery = rd_cluster_facts_recovery(self->facts);

	rd_inspect(options->inventory, self->facts, self->findings);
	/* the way leads over the recovery host; a kubeconfig of the inventory needs none */
	if (options->inventory->kubeconfig != NULL || (recovery != NULL && recovery->asked))
		gather_api(self->facts);
	else
		self->facts->api.silence = g_strdup(
		    "the way to it leads over the recovery host, which could not be asked");
	if (backup != NULL)
		g_thread_join(backup);
	rd_preflight_judge(self, options);
	return self;
}

/* ---- in a world ---------------------------------------------------------------------------- */

RdPreflight *
rd_preflight_in_world(const RdPreflightOptions *options, RdWorld *world)
{
	RdPreflight *self = rd_preflight_new(options);
	g_autoptr(GPtrArray) masters = rd_inventory_role(options->inventory, RD_ROLE_CONTROL_PLANE);
	g_autoptr(GError) error = NULL;
	RdKube *kube;

	for (guint i = 0; i < self->facts->hosts->len; i++) {
		RdHostFacts *host = self->facts->hosts->pdata[i];
		g_autoptr(GError) silent = NULL;

		if ((!rd_ask_survey(world, host, &silent) || !rd_ask_host(world, host, &silent)) &&
		    host->excused == NULL)
			rd_finding_add(self->findings, host->host->name, "reachable",
				       RD_LEVEL_BLOCK, g_strdup(silent->message),
				       RD_REMEDY_UNREACHABLE);
		else if (host->excused == NULL)
			rd_inspect_judge_survey(self->findings, host->host->name, &host->survey,
						host->before, host->after);
	}
	kube = world->klass->kube != NULL ? world->klass->kube(world, &error) : NULL;
	if (kube != NULL)
		rd_ask_api(kube, masters, rd_preflight_now(self->facts), &self->facts->api);
	else
		self->facts->api.silence =
		    g_strdup(error != NULL ? error->message : "there is no way to it");
	if (options->backup != NULL)
		rd_preflight_read_backup(self->facts, options->backup);
	rd_preflight_judge(self, options);
	return self;
}

/* ---- overrides ----------------------------------------------------------------------------- */

gboolean
rd_preflight_may_override(GHashTable *overrides, GError **error)
{
	GHashTableIter iter;
	gpointer name, reason;

	g_hash_table_iter_init(&iter, overrides);
	while (g_hash_table_iter_next(&iter, &name, &reason)) {
		const RdCheckRow *row = rd_checks_find(name);
		const char *wrong = row == NULL		 ? "there is no such check (docs/checks.md)"
				    : row->fixed != NULL ? row->fixed
				    : *(const char *)reason == '\0'
					? "it needs a reason: --override CHECK=REASON"
					: NULL;

		if (wrong == NULL)
			continue;
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "--override %s: %s",
			    (const char *)name, wrong);
		return FALSE;
	}
	return TRUE;
}

char *
rd_preflight_blocks(GPtrArray *findings)
{
	g_autoptr(GString) names = g_string_new(NULL);

	for (guint i = 0; i < findings->len; i++) {
		const RdFinding *finding = findings->pdata[i];
		gboolean again = FALSE;

		if (finding->level != RD_LEVEL_BLOCK || finding->override != NULL)
			continue;
		for (guint j = 0; j < i && !again; j++) {
			const RdFinding *other = findings->pdata[j];

			again = other->level == RD_LEVEL_BLOCK && other->override == NULL &&
				strcmp(other->check, finding->check) == 0;
		}
		if (!again)
			g_string_append_printf(names, "%s%s", names->len > 0 ? ", " : "",
					       finding->check);
	}
	return names->len > 0 ? g_string_free(g_steal_pointer(&names), FALSE) : NULL;
}
