/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-preflight"

#include <string.h>

#include "plugins/common/containers.h"
#include "plugins/common/etcd-output.h"
#include "plugins/common/etcd-parse.h"
#include "preflight/ask-private.h"

#define CONFIGMAPS  "/etc/kubernetes/static-pod-resources/etcd-certs/configmaps/"
#define ETCD_ENV    CONFIGMAPS "etcd-scripts/etcd.env"
#define RESTORE_POD CONFIGMAPS "restore-etcd-pod/pod.yaml"

/* the values of NODE_x_ETCD_NAME */
static char **
env_names(const char *env)
{
	g_auto(GStrv) lines = g_strsplit(env, "\n", -1);
	g_autoptr(GStrvBuilder) names = g_strv_builder_new();

	for (guint i = 0; lines[i] != NULL; i++) {
		const char *at = strstr(lines[i], "_ETCD_NAME=\"");

		if (at != NULL && strstr(lines[i], "NODE_") != NULL) {
			const char *value = at + strlen("_ETCD_NAME=\"");
			g_autofree char *name = g_strndup(value, strcspn(value, "\""));

			g_strv_builder_add(names, name);
		}
	}
	return g_strv_builder_end(names);
}

/* the node's part of variable names, as the operator makes it (domain 4.1) */
static char *
safe_name(const char *name)
{
	return g_strdelimit(g_strdup(name), "-.", '_');
}

void
rd_asking_env(RdAsking *self)
{
	RdHostFacts *facts = self->facts;
	g_autofree char *env = rd_asking(self, "cat", ETCD_ENV, NULL);
	g_autofree char *pod = rd_asking(self, "cat", RESTORE_POD, NULL);
	g_autofree char *safe = safe_name(facts->host->name);
	g_autofree char *name_key = g_strdup_printf("NODE_%s_ETCD_NAME", safe);
	g_autofree char *address_key = g_strdup_printf("NODE_%s_IP", safe);
	g_autofree char *here = NULL;
	g_autoptr(GError) error = NULL;

	facts->restore_pod = pod != NULL;
	facts->etcd_names = env_names(env != NULL ? env : "");
	if (env == NULL) {
		facts->etcd_env = g_strdup("there is no " ETCD_ENV);
		return;
	}
	facts->image = rd_env_get(env, "ETCD_IMAGE", &error);
	if (facts->image == NULL) {
		facts->etcd_env = g_strdup_printf(ETCD_ENV ": %s", error->message);
		return;
	}
	facts->etcd_name = rd_env_get(env, name_key, NULL);
	facts->etcd_address = rd_env_get(env, address_key, NULL);
	if (!rd_image_is_valid(facts->image)) {
		facts->etcd_env = g_strdup_printf(ETCD_ENV ": '%s' is not an image", facts->image);
		g_clear_pointer(&facts->image, g_free);
		return;
	}
	here = rd_asking(self, "podman", "image", "exists", facts->image, NULL);
	facts->image_here = here != NULL;
}

/* etcdctl in container @id, to this host's own member */
static GPtrArray *
etcdctl_argv(const char *id, const char *const *words)
{
	static const char *const before[] = {"crictl", "exec"};
	static const char *const after[] = {"env", "ETCDCTL_ENDPOINTS=https://localhost:2379",
					    "etcdctl"};
	GPtrArray *argv = g_ptr_array_new();

	for (guint i = 0; i < G_N_ELEMENTS(before); i++)
		g_ptr_array_add(argv, (gpointer)before[i]);
	g_ptr_array_add(argv, (gpointer)id);
	for (guint i = 0; i < G_N_ELEMENTS(after); i++)
		g_ptr_array_add(argv, (gpointer)after[i]);
	for (guint i = 0; words[i] != NULL; i++)
		g_ptr_array_add(argv, (gpointer)words[i]);
	g_ptr_array_add(argv, NULL);
	return argv;
}

static char *
etcdctl(RdAsking *self, const char *id, const char *const *words)
{
	g_autoptr(GPtrArray) argv = etcdctl_argv(id, words);

	return rd_asking_vector(self, (const char *const *)argv->pdata);
}

/* Health is a committed proposal: whoever is healthy has a quorum; and who is told unhealthy for an
 * alarm has one, too. Who says nothing that can be read has none that is known. */
static void
ask_health(RdAsking *self, const char *id)
{
	g_autoptr(GPtrArray) argv = etcdctl_argv(id, (const char *[]){"endpoint", "health", NULL});
	g_autofree char *both = rd_asking_both(self, (const char *const *)argv->pdata);
	g_autoptr(GPtrArray) committed = NULL;

	self->facts->commits = both != NULL &&
			       rd_output_health(both, &committed, &self->facts->alarm) &&
			       committed->len > 0;
}

static void
ask_member(RdAsking *self, const char *id)
{
	RdHostFacts *facts = self->facts;
	g_autofree char *simple =
	    etcdctl(self, id, (const char *[]){"endpoint", "status", "-w", "simple", NULL});
	g_autofree char *json =
	    etcdctl(self, id, (const char *[]){"endpoint", "status", "-w", "json", NULL});
	g_autoptr(GPtrArray) endpoints = simple != NULL ? rd_output_endpoints(simple) : NULL;

	if (endpoints != NULL && endpoints->len > 0)
		facts->learner = ((RdEndpoint *)g_ptr_array_index(endpoints, 0))->learner;
	if (json != NULL)
		rd_output_status_cluster_id(json, &facts->cluster_id);
}

void
rd_asking_members(RdAsking *self)
{
	g_autofree char *json = rd_asking(self, "crictl", "ps", "-o", "json", NULL);
	g_autoptr(GPtrArray) all = json != NULL ? rd_containers_parse(json, NULL) : NULL;
	g_autoptr(GPtrArray) ours =
	    all != NULL ? rd_containers_of(all, rd_pod_find("etcd", NULL)) : NULL;
	const RdContainer *tool;

	self->facts->containers = ours != NULL;
	if (ours == NULL || rd_containers_find(ours, "etcd") == NULL)
		return;
	self->facts->etcd_runs = TRUE;
	tool = rd_containers_find(ours, "etcdctl");
	if (tool == NULL)
		tool = rd_containers_find(ours, "etcd");
	ask_health(self, tool->id);
	ask_member(self, tool->id);
}
