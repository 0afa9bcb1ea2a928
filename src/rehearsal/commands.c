/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearsal/recovery-scripts.h"
#include "rehearsal/restore-script.h"
#include <errno.h>
#include <string.h>

typedef struct _RdSimCommand {
	const char *words; /* how the argument vector begins */
	gboolean touches;
	gint64 low, high; /* milliseconds */
	void (*begin)(RdSimExec *self);
	void (*end)(RdSimExec *self);
	gint64 (*step)(RdSimExec *self); /* (nullable) */
} Command;

/* the last argument, which all of these take their path from */
static const char *
operand(RdSimExec *self)
{
	return self->argv[g_strv_length((char **)self->argv) - 1];
}

static void
fail(RdSimExec *self, const char *what, int number)
{
	g_string_append_printf(self->err, "%s: %s: %s\n", self->argv[0], what, g_strerror(number));
	self->status = 1;
}

static void
cat(RdSimExec *self)
{
	RdSimNode *node = rd_sim_tree_find(self->host->tree, operand(self));
	gsize size;
	const char *data;

	if (node == NULL || node->content == NULL) {
		fail(self, operand(self), node == NULL ? ENOENT : EISDIR);
		return;
	}
	data = g_bytes_get_data(node->content, &size);
	g_string_append_len(self->out, data, (gssize)size);
}

static void
ls(RdSimExec *self)
{
	RdSimNode *node = rd_sim_tree_find(self->host->tree, operand(self));

	if (node == NULL) {
		g_string_append_printf(self->err,
				       "ls: cannot access '%s': No such file or directory\n",
				       operand(self));
		self->status = 2;
		return;
	}
	if (node->children == NULL)
		g_string_append_printf(self->out, "%s\n", operand(self));
	for (guint i = 0; node->children != NULL && i < node->children->len; i++) {
		const RdSimNode *child = g_ptr_array_index(node->children, i);

		g_string_append(self->out, child->name);
		g_string_append_c(self->out, '\n');
	}
}

static void
stat_file(RdSimExec *self)
{
	RdSimNode *node = rd_sim_tree_find(self->host->tree, operand(self));

	if (node == NULL) {
		g_string_append_printf(self->err,
				       "stat: cannot statx '%s': No such file or directory\n",
				       operand(self));
		self->status = 1;
		return;
	}
	for (const char *p = self->argv[2]; *p != '\0'; p++) {
		if (*p != '%' || p[1] == '\0') {
			g_string_append_c(self->out, *p);
			continue;
		}
		switch (*++p) {
		case 'i':
			g_string_append_printf(self->out, "%" G_GUINT64_FORMAT, node->inode);
			break;
		case 's':
			g_string_append_printf(
			    self->out, "%" G_GSIZE_FORMAT,
			    node->content != NULL ? g_bytes_get_size(node->content) : 4096);
			break;
		case 'Y':
			g_string_append_printf(self->out, "%" G_GINT64_FORMAT,
					       node->mtime / G_USEC_PER_SEC);
			break;
		case 'a':
			g_string_append_printf(self->out, "%o", node->mode);
			break;
		default:
			rd_sim_cluster_violation(self->host->cluster, "stat: unknown format %%%c",
						 *p);
		}
	}
	g_string_append_c(self->out, '\n');
}

static void
find_below(RdSimExec *self, RdSimNode *node, const char *path, guint depth)
{
	if (node->content != NULL)
		g_string_append_printf(self->out, "%s\n", path);
	for (guint i = 0; depth > 0 && node->children != NULL && i < node->children->len; i++) {
		RdSimNode *child = g_ptr_array_index(node->children, i);
		g_autofree char *below = g_strdup_printf("%s/%s", path, child->name);

		find_below(self, child, below, depth - 1);
	}
}

static void
find(RdSimExec *self)
{
	RdSimNode *node = rd_sim_tree_find(self->host->tree, self->argv[1]);

	if (node == NULL) {
		g_string_append_printf(self->err, "find: '%s': No such file or directory\n",
				       self->argv[1]);
		self->status = 1;
		return;
	}
	find_below(self, node, self->argv[1], (guint)g_ascii_strtoull(self->argv[3], NULL, 10));
}

/* `find DIR… -mindepth 1 -maxdepth 1 -printf '%i %p\n'` */
static void
find_inodes(RdSimExec *self)
{
	for (guint i = 1; self->argv[i] != NULL && self->argv[i][0] == '/'; i++) {
		RdSimNode *node = rd_sim_tree_find(self->host->tree, self->argv[i]);

		if (node == NULL) {
			g_string_append_printf(self->err, "find: '%s': No such file or directory\n",
					       self->argv[i]);
			self->status = 1;
			continue;
		}
		for (guint k = 0; node->children != NULL && k < node->children->len; k++) {
			const RdSimNode *child = g_ptr_array_index(node->children, k);

			g_string_append_printf(self->out, "%" G_GUINT64_FORMAT " %s/%s\n",
					       child->inode, self->argv[i], child->name);
		}
	}
}

/* `find DIR -maxdepth 1 -name A -printf '%f %T@\n' -o -name B -printf '%f %T@\n'` */
static void
find_two(RdSimExec *self)
{
	RdSimNode *dir = rd_sim_tree_find(self->host->tree, self->argv[1]);

	for (guint i = 0; dir != NULL && dir->children != NULL && i < dir->children->len; i++) {
		const RdSimNode *child = g_ptr_array_index(dir->children, i);

		if (g_str_equal(child->name, self->argv[5]) ||
		    g_str_equal(child->name, self->argv[10]))
			g_string_append_printf(self->out, "%s %" G_GINT64_FORMAT ".0000000000\n",
					       child->name, child->mtime / G_USEC_PER_SEC);
	}
}

/* no simulated kubelet serves */
static void
openssl_connect(RdSimExec *self)
{
	g_string_append(self->err, "connect:errno=111\n");
	self->status = 1;
}

static void
findmnt(RdSimExec *self)
{
	g_string_append_printf(self->out, "%s\n",
			       rd_sim_tree_mount_of(self->host->tree, operand(self)));
}

static void
findmnt_type(RdSimExec *self)
{
	g_string_append_printf(self->out, "%-6s %s\n",
			       rd_sim_tree_type_of(self->host->tree, operand(self)),
			       rd_sim_tree_mount_of(self->host->tree, operand(self)));
}

static void
df(RdSimExec *self)
{
	gboolean full = rd_sim_tree_is_full(self->host->tree, operand(self));

	if (rd_sim_tree_find(self->host->tree, operand(self)) == NULL)
		fail(self, operand(self), ENOENT);
	else
		g_string_append_printf(self->out, "      Avail\n%s\n", full ? "0" : "53687091200");
}

static void
df_inodes(RdSimExec *self)
{
	gboolean full = rd_sim_tree_is_full(self->host->tree, operand(self));

	if (rd_sim_tree_find(self->host->tree, operand(self)) == NULL)
		fail(self, operand(self), ENOENT);
	else
		g_string_append_printf(self->out, "      Avail   IFree\n%s\n",
				       full ? "0 26214400" : "53687091200 26214400");
}

/* `find DIR -name '*.crt' -exec cat {} +`, one directory deep */
static void
find_certificates(RdSimExec *self)
{
	RdSimNode *node = rd_sim_tree_find(self->host->tree, self->argv[1]);

	for (guint i = 0; node != NULL && node->children != NULL && i < node->children->len; i++) {
		const RdSimNode *child = g_ptr_array_index(node->children, i);
		g_autofree char *text = NULL;

		if (child->content == NULL || !g_str_has_suffix(child->name, ".crt"))
			continue;
		text = rd_sim_node_text(child);
		g_string_append(self->out, text);
	}
	self->status = node != NULL ? 0 : 1;
}

/* `grep -oE PATTERN FILE` */
static void
grep_matches(RdSimExec *self)
{
	RdSimNode *node = rd_sim_tree_find(self->host->tree, operand(self));
	g_autoptr(GRegex) regex = g_regex_new(self->argv[2], 0, 0, NULL);
	g_autoptr(GMatchInfo) match = NULL;
	g_autofree char *text = NULL;

	if (node == NULL || node->content == NULL) {
		fail(self, operand(self), ENOENT);
		self->status = 2;
		return;
	}
	text = rd_sim_node_text(node);
	self->status = g_regex_match(regex, text, 0, &match) ? 0 : 1;
	for (; g_match_info_matches(match); g_match_info_next(match, NULL)) {
		g_autofree char *found = g_match_info_fetch(match, 0);

		g_string_append_printf(self->out, "%s\n", found);
	}
}

static void
sha256sum(RdSimExec *self)
{
	RdSimNode *node = rd_sim_tree_find(self->host->tree, operand(self));

	if (node == NULL || node->content == NULL)
		fail(self, operand(self), node == NULL ? ENOENT : EISDIR);
	else
		g_string_append_printf(self->out, "%s  %s\n", rd_sim_node_sha256(node),
				       operand(self));
}

static void
rmdir_empty(RdSimExec *self)
{
	RdSimNode *node = rd_sim_tree_find(self->host->tree, operand(self));
	int error = node != NULL && node->children == NULL
			? ENOTDIR
			: rd_sim_tree_remove(self->host->tree, operand(self));

	if (error != 0)
		fail(self, operand(self), error);
	else
		rd_sim_host_count(self->host, "rmdir", operand(self));
}

static void
which(RdSimExec *self)
{
	g_string_append_printf(self->out, "/usr/sbin/%s\n", operand(self));
}

static void
ss(RdSimExec *self)
{
	g_string_append(self->out, "LISTEN 0 128 0.0.0.0:22 0.0.0.0:*\n");
	if (self->host->etcd != NULL)
		g_string_append(self->out, "LISTEN 0 4096 *:2379 *:*\nLISTEN 0 4096 *:2380 *:*\n");
	if (rd_sim_container_named(self->host, "kube-apiserver"))
		g_string_append(self->out, "LISTEN 0 4096 *:6443 *:*\n");
	if (self->host->signs)
		g_string_append(self->out, "LISTEN 0 4096 *:9943 *:*\n");
}

static void
crictl_ps(RdSimExec *self)
{
	if (self->host->runtimeless) {
		g_string_append(self->err, "FATA[0002] validate service connection: connection "
					   "refused\n");
		self->status = 1;
		return;
	}
	rd_sim_container_list(self->host, self->out);
}

static void
crictl_stop(RdSimExec *self)
{
	RdSimPod *pod = NULL;
	RdSimContainer *container = rd_sim_container_find(self->host, operand(self), &pod);

	if (container == NULL) {
		g_string_append_printf(self->err,
				       "could not find container \"%s\": container with ID "
				       "starting with it not found\n",
				       operand(self));
		self->status = 1;
		return;
	}
	rd_sim_container_stop(self->host, container);
	rd_sim_host_count(self->host, "crictl stop", container->name);
	g_string_append_printf(self->out, "%s\n", operand(self));
}

static void
crictl_pods(RdSimExec *self)
{
	rd_sim_sandbox_list(self->host, self->out);
}

static void
crictl_stopp(RdSimExec *self)
{
	if (!rd_sim_sandbox_stop(self->host, operand(self))) {
		g_string_append_printf(self->err,
				       "stopping the pod sandbox \"%s\": rpc error: code = "
				       "NotFound desc = could not find pod\n",
				       operand(self));
		self->status = 1;
		return;
	}
	rd_sim_host_count(self->host, "crictl stopp", operand(self));
	g_string_append_printf(self->out, "Stopped sandbox %s\n", operand(self));
}

static void
show_uptime(RdSimExec *self)
{
	gint64 up = rd_timeline_now(self->host->cluster->timeline) - self->host->up_since +
		    20 * RD_SIM_SECOND;

	g_string_append_printf(self->out, "%.2f 0.00\n", up / (double)RD_SIM_SECOND);
}

static void
kubelet_show(RdSimExec *self)
{
	gint64 entered = self->host->kubelet_since - self->host->up_since;
	gboolean active =
	    !self->host->kubelet_stopped &&
	    rd_timeline_now(self->host->cluster->timeline) >= self->host->kubelet_since;

	g_string_append_printf(
	    self->out, "ActiveState=%s\nActiveEnterTimestampMonotonic=%" G_GINT64_FORMAT "\n",
	    active ? "active" : "inactive",
	    active ? MAX(entered, 0) + 20 * RD_SIM_SECOND : (gint64)0);
}

static void
kubelet_restart(RdSimExec *self)
{
	rd_sim_kubelet_restart(self->host);
}

static void
nothing(RdSimExec *self)
{
}

static const Command commands[] = {
    {"cat /proc/uptime", FALSE, 1, 5, NULL, show_uptime},
    {"cat", FALSE, 1, 5, NULL, cat},
    {"ls -A1", FALSE, 1, 5, NULL, ls},
    {"stat -c", FALSE, 1, 5, NULL, stat_file},
    {"find * -maxdepth 1 -type f -name *.db -exec stat -c", FALSE, 1, 10, NULL,
     rd_sim_find_databases},
    {"readlink -f", FALSE, 1, 5, NULL, rd_sim_readlink},
    {"rm -f --", TRUE, 1, 10, NULL, rd_sim_rm},
    {"find * -maxdepth * -type f", FALSE, 1, 10, NULL, find},
    {"find * * * * * -mindepth 1 -maxdepth 1 -printf", FALSE, 1, 10, NULL, find_inodes},
    {"find * * * * * * -mindepth 1 -maxdepth 1 -printf", FALSE, 1, 10, NULL, find_inodes},
    {"find " RD_SIM_LINKS " -mindepth 2 -maxdepth 2 -printf", FALSE, 1, 10, NULL,
     rd_sim_find_links},
    {"find /dev /dev/disk/by-id -maxdepth 1 -type b,l -printf", FALSE, 1, 10, NULL,
     rd_sim_find_devices},
    {"findmnt -rn -o TARGET,SOURCE", FALSE, 2, 10, NULL, rd_sim_findmnt_all},
    {"readlink --", FALSE, 1, 5, NULL, rd_sim_readlink_text},
    {"ls -d --", FALSE, 1, 5, NULL, rd_sim_ls_one},
    {"/bin/sh -c * remove-dangling", TRUE, 1, 5, NULL, rd_sim_remove_dangling},
    {"find * -maxdepth 1 -name * -printf * -o -name * -printf", FALSE, 1, 10, NULL, find_two},
    {"timeout * openssl s_client -showcerts -connect", FALSE, 10, 200, NULL, openssl_connect},
    {"tar -tzf", FALSE, 5, 30, NULL, rd_sim_tar},
    {"tar -xOzf", FALSE, 5, 30, NULL, rd_sim_tar},
    {"/bin/sh -c * cluster-restore " RD_SIM_SCRIPT, TRUE, 1000, 3000, NULL, nothing,
     rd_sim_script_step},
    {"find * -maxdepth 1 -name *.pem ! -newer * -printf", FALSE, 1, 10, NULL, rd_sim_find_newer},
    {"find * -maxdepth 1 -name *.pem -newer * -printf", FALSE, 1, 10, NULL, rd_sim_find_newer},
    {"curl -sk", FALSE, 10, 80, NULL, rd_sim_curl},
    {"openssl x509 -noout -enddate -in", FALSE, 5, 20, NULL, rd_sim_openssl_enddate},
    {"openssl pkey -pubout -in", FALSE, 5, 20, NULL, rd_sim_openssl_pubout},
    {"hostname", FALSE, 1, 5, NULL, rd_sim_hostname},
    {"/bin/sh -c * reboot", TRUE, 20, 100, NULL, rd_sim_reboot_later},
    {"findmnt -n -o FSTYPE -T", FALSE, 2, 10, NULL, rd_sim_findmnt_type},
    {"findmnt -n -o TARGET -T", FALSE, 2, 10, NULL, findmnt},
    {"findmnt -n -o FSTYPE,TARGET -T", FALSE, 2, 10, NULL, findmnt_type},
    {"df -B1 --output=avail,iavail", FALSE, 1, 10, NULL, df_inodes},
    {"find * -name *.crt -exec cat", FALSE, 1, 10, NULL, find_certificates},
    {"grep -oE", FALSE, 1, 5, NULL, grep_matches},
    {"df -B1 --output=avail", FALSE, 1, 10, NULL, df},
    {"sha256sum", FALSE, 50, 400, NULL, sha256sum},
    {"rmdir", TRUE, 1, 5, NULL, rmdir_empty},
    {"which", FALSE, 1, 5, NULL, which},
    {"restorecon -R -n -v", FALSE, 20, 200, NULL, nothing},
    {"restorecon -R", TRUE, 20, 200, NULL, nothing},
    {"ss -Htln", FALSE, 1, 10, NULL, ss},
    {"ss -Htnp", FALSE, 1, 10, NULL, rd_sim_ss_sessions},
    {"ip -o address", FALSE, 1, 5, NULL, rd_sim_ip_address},
    {"ip address del * dev *", TRUE, 1, 5, NULL, rd_sim_ip_address_del},
    {"grep -ciE * /etc/mco/proxy.env", FALSE, 1, 5, NULL, rd_sim_grep_count},
    {"crictl ps -o json", FALSE, 20, 80, NULL, crictl_ps},
    {"crictl pods -o json", FALSE, 20, 80, NULL, crictl_pods},
    {"crictl stopp", TRUE, 100, 2000, NULL, crictl_stopp},
    {"crictl stop -t 30", TRUE, 500, 20000, NULL, crictl_stop},
    {"crictl exec", FALSE, 50, 150, rd_sim_etcdctl_begin, rd_sim_etcdctl_end},
    {"find /etc/kubernetes/static-pod-resources -maxdepth 4 -path", FALSE, 1, 10, NULL,
     rd_sim_find_credentials},
    {"dig +short", FALSE, 5, 50, NULL, rd_sim_dig},
    {"du -sb", FALSE, 1, 10, NULL, rd_sim_du},
    {"cp -aT", TRUE, 300, 3000, NULL, rd_sim_cp},
    {RD_SIM_OLD_RESTORE, TRUE, 1000, 3000, NULL, nothing, rd_sim_old_restore_step},
    {RD_SIM_OLD_RECOVER, TRUE, 1000, 3000, NULL, nothing, rd_sim_old_recover_step},
    {RD_SIM_OLD_TOKENIZE, TRUE, 50, 300, NULL, rd_sim_old_tokenize},
    {"/home/core/assets/bin/etcdctl snapshot restore", TRUE, 1000, 5000, rd_sim_old_etcdctl_begin,
     rd_sim_old_etcdctl_end},
    {"systemctl stop kubelet.service", TRUE, 300, 1500, NULL, rd_sim_kubelet_stop_only},
    {"systemctl start kubelet.service", TRUE, 300, 1500, NULL, rd_sim_systemctl_start},
    {"systemctl daemon-reload", TRUE, 100, 500, NULL, nothing},
    {"podman run --rm --network=none * --entrypoint=cat *", FALSE, 300, 900, NULL,
     rd_sim_old_references},
    {"podman", FALSE, 300, 900, rd_sim_podman_begin, rd_sim_podman_end},
    {"systemctl show -p ActiveState -p ActiveEnterTimestampMonotonic kubelet.service", FALSE, 5, 20,
     NULL, kubelet_show},
    {"systemctl restart kubelet.service", TRUE, 300, 1500, NULL, kubelet_restart},
    {"true", TRUE, 1, 3, NULL, nothing},
    {"systemctl show -p ActiveState -p ActiveEnterTimestampMonotonic ovs-vswitchd.service", FALSE,
     5, 20, NULL, rd_sim_ovs_show},
    {"systemctl show -p ActiveState -p ActiveEnterTimestampMonotonic ovsdb-server.service", FALSE,
     5, 20, NULL, rd_sim_ovs_show},
    {"systemctl restart ovs-vswitchd.service ovsdb-server.service", TRUE, 300, 3000, NULL,
     rd_sim_ovs_restart},
};

/* word by word; a star is any one word */
static gboolean
begins_with(const char *const *argv, const char *words)
{
	while (*words != '\0') {
		gsize size = strcspn(words, " ");

		if (*argv == NULL)
			return FALSE;
		if (!(size == 1 && *words == '*') &&
		    (strlen(*argv) != size || strncmp(*argv, words, size) != 0))
			return FALSE;
		argv++;
		words += size;
		words += *words == ' ';
	}
	return TRUE;
}

gboolean
rd_sim_exec_begin(RdSimExec *self, RdSimHost *host, const char *const *argv, GBytes *input)
{
	*self = (RdSimExec){.host = host, .argv = argv, .input = input};
	self->out = g_string_new(NULL);
	self->err = g_string_new(NULL);
	for (guint i = 0; i < G_N_ELEMENTS(commands); i++) {
		const Command *command = &commands[i];

		if (!begins_with(argv, command->words))
			continue;
		self->command = command;
		self->touches = command->touches;
		self->duration = rd_timeline_chance(
		    host->cluster->timeline, command->low * RD_SIM_MS, command->high * RD_SIM_MS);
		if (command->begin != NULL)
			command->begin(self);
		return TRUE;
	}
	{
		g_autofree char *line = g_strjoinv(" ", (char **)argv);

		rd_sim_cluster_violation(host->cluster, "%s: no such command here: %s", host->name,
					 line);
		g_string_append_printf(self->err, "sh: %s: not found\n", argv[0]);
	}
	self->status = 127;
	return FALSE;
}

gint64
rd_sim_exec_step(RdSimExec *self)
{
	return self->command != NULL && self->command->step != NULL && self->status == 0
		   ? self->command->step(self)
		   : -1;
}

void
rd_sim_exec_end(RdSimExec *self)
{
	if (self->command != NULL && self->status == 0)
		self->command->end(self);
}

void
rd_sim_exec_clear(RdSimExec *self)
{
	if (self->out != NULL)
		g_string_free(self->out, TRUE);
	if (self->err != NULL)
		g_string_free(self->err, TRUE);
	self->out = self->err = NULL;
}
