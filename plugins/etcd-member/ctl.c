/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "etcd-member.h"
#include <string.h>

const RdPod member_pod = {
    .pod = "etcd-member",
    .name = "etcd-member",
    .namespace = "*", /* kube-system in 4.1, openshift-etcd later */
    .manifest = MEMBER_MANIFEST,
    .spare = MEMBER_BACKUP "/" MEMBER_FILE,
    .optional = FALSE,
};

/* as the document has it, without a terminal */
static const char in_pod[] = "export ETCDCTL_API=3 ETCDCTL_CACERT=/etc/ssl/etcd/ca.crt "
			     "ETCDCTL_CERT=$(find /etc/ssl/ -name '*peer*crt') "
			     "ETCDCTL_KEY=$(find /etc/ssl/ -name '*peer*key'); exec etcdctl \"$@\"";

gboolean
member_etcdctl(RecoveryStep *step, const char *host, const char *const *args, gboolean *runs,
	       RecoveryReply *reply, GError **error)
{
	g_autoptr(GPtrArray) containers = rd_containers_ask(step, host, &member_pod, error);
	g_autoptr(GPtrArray) argv = g_ptr_array_new();
	const RdContainer *container;

	*runs = FALSE;
	if (containers == NULL)
		return FALSE;
	container = rd_containers_find(containers, "etcd-member");
	if (container == NULL)
		return TRUE;
	*runs = TRUE;
	g_ptr_array_add(argv, (gpointer) "crictl");
	g_ptr_array_add(argv, (gpointer) "exec");
	g_ptr_array_add(argv, container->id);
	g_ptr_array_add(argv, (gpointer) "/bin/sh");
	g_ptr_array_add(argv, (gpointer) "-c");
	g_ptr_array_add(argv, (gpointer)in_pod);
	g_ptr_array_add(argv, (gpointer) "etcdctl");
	for (guint i = 0; args[i] != NULL; i++)
		g_ptr_array_add(argv, (gpointer)args[i]);
	g_ptr_array_add(argv, NULL);
	return recovery_ask_status(step, host, (const char *const *)argv->pdata, reply, error);
}

gboolean
member_list(RecoveryStep *step, const char *host, GPtrArray **list, GError **error)
{
	const char *args[] = {"member", "list", NULL};
	g_auto(RecoveryReply) reply = {0};
	gboolean runs;

	if (!member_etcdctl(step, host, args, &runs, &reply, error))
		return FALSE;
	if (runs && reply.status == 0)
		*list = rd_output_member_list(reply.out);
	return TRUE;
}

gboolean
member_cluster_id(RecoveryStep *step, const char *host, char **id, GError **error)
{
	const char *args[] = {"endpoint", "status", "-w", "json", NULL};
	g_auto(RecoveryReply) reply = {0};
	gboolean runs;
	guint64 number;

	if (!member_etcdctl(step, host, args, &runs, &reply, error))
		return FALSE;
	if (reply.out != NULL && rd_output_status_cluster_id(reply.out, &number))
		*id = g_strdup_printf("%" G_GINT64_MODIFIER "x", number);
	else
		*id = g_strdup("unknown");
	return TRUE;
}

const RdListed *
member_find(GPtrArray *list, const char *name)
{
	for (guint i = 0; i < list->len; i++)
		if (g_str_equal(((const RdListed *)list->pdata[i])->name, name))
			return list->pdata[i];
	return NULL;
}

const RdListed *
member_find_peer(GPtrArray *list, const char *url)
{
	for (guint i = 0; i < list->len; i++)
		if (g_str_equal(((const RdListed *)list->pdata[i])->peers, url))
			return list->pdata[i];
	return NULL;
}

char *
member_names(GPtrArray *list)
{
	GString *names = g_string_new(NULL);

	for (guint i = 0; i < list->len; i++) {
		const RdListed *member = list->pdata[i];
		gboolean started = g_str_equal(member->status, "started");

		g_string_append_printf(names, "%s%s%s", i > 0 ? ", " : "",
				       *member->name != '\0' ? member->name : member->peers,
				       started ? "" : " (unstarted)");
	}
	return g_string_free(names, FALSE);
}

char *
member_name(const char *node)
{
	return g_strconcat("etcd-member-", node, NULL);
}

char *
member_recovery(RecoveryStep *step, GError **error)
{
	g_auto(GStrv) recovery = recovery_hosts(step, "recovery");

	if (recovery[0] != NULL)
		return g_strdup(recovery[0]);
	g_set_error_literal(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
			    "no recovery host is present");
	return NULL;
}

char *
member_env_get(const char *text, const char *key)
{
	g_auto(GStrv) lines = rd_lines(text);
	gsize length = strlen(key);
	char *value = NULL;

	for (guint i = 0; lines[i] != NULL; i++) {
		const char *line = g_strchug(lines[i]);

		if (g_str_has_prefix(line, "export "))
			line += strlen("export ");
		if (!g_str_has_prefix(line, key) || line[length] != '=')
			continue;
		g_free(value);
		value = g_strchomp(g_strdup(line + length + 1));
		if (strlen(value) >= 2 && *value == '"' && g_str_has_suffix(value, "\"")) {
			g_autofree char *quoted = value;

			value = g_strndup(quoted + 1, strlen(quoted) - 2);
		}
	}
	return value;
}
