/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "rehearsal/cluster.h"
G_BEGIN_DECLS

/* The programs of a simulated host: those of docs/hosts.md and no others. What a command changes
 * becomes visible when it begins or when it ends, never in between, so a host that dies under it
 * leaves a half-done state behind as the real one does. */
typedef struct {
	RdSimHost *host;
	const char *const *argv;
	GBytes *input;	    /* (nullable) */
	GString *out, *err; /* (owned) */
	int status;
	gint64 duration; /* microseconds from begin to end */
	gboolean touches;
	guint stage; /* of a program that works in steps */
	const struct _RdSimCommand *command;
} RdSimExec;

/* FALSE when there is no such program: status is 127 then, and it counts as a violation */
gboolean rd_sim_exec_begin(RdSimExec *self, RdSimHost *host, const char *const *argv,
			   GBytes *input);
/* after its duration, for a program that works in steps: microseconds until it goes on, or -1: it
 * is to be ended. Only jobs are stepped */
gint64 rd_sim_exec_step(RdSimExec *self);
void rd_sim_exec_end(RdSimExec *self);
void rd_sim_exec_clear(RdSimExec *self);

#define RD_SIM_ETCD_VERSION "3.5.18"

/* etcd-commands.c: what runs inside the etcd container */
void rd_sim_etcdctl_begin(RdSimExec *self);
void rd_sim_etcdctl_end(RdSimExec *self);
/* network-commands.c */
void rd_sim_ip_address(RdSimExec *self);
void rd_sim_ip_address_del(RdSimExec *self);
void rd_sim_ss_sessions(RdSimExec *self);
void rd_sim_grep_count(RdSimExec *self);
/* ovs-commands.c */
void rd_sim_readlink(RdSimExec *self);
void rd_sim_find_databases(RdSimExec *self);
void rd_sim_rm(RdSimExec *self);
void rd_sim_ovs_show(RdSimExec *self);
void rd_sim_ovs_restart(RdSimExec *self);
/* kubelet-commands.c */
void rd_sim_openssl_enddate(RdSimExec *self);
void rd_sim_openssl_pubout(RdSimExec *self);
void rd_sim_find_newer(RdSimExec *self);
void rd_sim_hostname(RdSimExec *self);
void rd_sim_curl(RdSimExec *self);
void rd_sim_reboot_later(RdSimExec *self);
void rd_sim_findmnt_type(RdSimExec *self);
/* storage-commands.c */
#define RD_SIM_LINKS "/mnt/local-storage"
void rd_sim_find_links(RdSimExec *self);
void rd_sim_find_devices(RdSimExec *self);
void rd_sim_findmnt_all(RdSimExec *self);
void rd_sim_readlink_text(RdSimExec *self);
void rd_sim_ls_one(RdSimExec *self);
void rd_sim_remove_dangling(RdSimExec *self);
/* podman.c */
void rd_sim_podman_begin(RdSimExec *self);
void rd_sim_podman_end(RdSimExec *self);
G_END_DECLS
