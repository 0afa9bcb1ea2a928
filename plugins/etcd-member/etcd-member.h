/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "../common/ask.h"
#include "../common/etcd-output.h"
G_BEGIN_DECLS

/* The bodies of the table in etcd-member.c, and what several of them need. */

#define MEMBER_HOME	"/home/core" /* the scripts work below ./assets */
#define MEMBER_ASSETS	MEMBER_HOME "/assets"
#define MEMBER_BACKUP	MEMBER_ASSETS "/backup"
#define MEMBER_STOPPED	MEMBER_ASSETS "/manifests-stopped"
#define MEMBER_DATA	"/var/lib/etcd"
#define MEMBER_DIR	MEMBER_DATA "/member"
#define MEMBER_ENV	"/run/etcd/environment"
#define MEMBER_FILE	"etcd-member.yaml"
#define MEMBER_MANIFEST RD_MANIFESTS "/" MEMBER_FILE
#define MEMBER_TOKEN	"etcd-cluster-1" /* of etcd-snapshot-restore.sh */
#define SIGNER_FILE	MEMBER_ASSETS "/manifests/kube-etcd-cert-signer.yaml"
#define SIGNER_PORT	":9943"

/* the pod of a member: etcd-member-NODE */
extern const RdPod member_pod;

/* archive.c */
gboolean member_unpack(RecoveryStep *step, GError **error);
/* snapshot.c: etcd's own SHA-256 behind it fits, and it begins as a bbolt file; *sha256 is of the
 * whole file. PERMANENT says what is wrong */
gboolean snapshot_prove(const char *path, char **sha256, GError **error);
/* identity.c */
gboolean member_identity(RecoveryStep *step, GError **error);
gboolean member_room(RecoveryStep *step, GError **error);
/* health.c */
gboolean member_no_quorum(RecoveryStep *step, GError **error);
RecoveryProbe member_alone_probe(RecoveryStep *step, GError **error);
RecoveryProbe member_joined_probe(RecoveryStep *step, GError **error);
RecoveryProbe member_healthy_probe(RecoveryStep *step, GError **error);
/* scripts.c */
gboolean member_scripts(RecoveryStep *step, GError **error);
/* restore.c */
gboolean member_restore_baseline(RecoveryStep *step, GError **error);
RecoveryProbe member_restore_probe(RecoveryStep *step, GError **error);
gboolean member_restore_enter(RecoveryStep *step, GError **error);
/* restore-undo.c */
gboolean member_restore_undo(RecoveryStep *step, GError **error);
/* rebuilt.c */
gboolean member_lost(RecoveryStep *step, GError **error);
gboolean member_replaced(RecoveryStep *step, GError **error);
RecoveryProbe member_rebuilt_probe(RecoveryStep *step, GError **error);
RecoveryProbe member_credentials_probe(RecoveryStep *step, GError **error);
/* images.c */
gboolean member_images(RecoveryStep *step, GError **error);
/* signer.c */
RecoveryProbe signer_token_probe(RecoveryStep *step, GError **error);
gboolean signer_token_enter(RecoveryStep *step, GError **error);
RecoveryProbe signer_probe(RecoveryStep *step, GError **error);
gboolean signer_enter(RecoveryStep *step, GError **error);
gboolean signer_undo(RecoveryStep *step, GError **error);
RecoveryProbe signer_listens_probe(RecoveryStep *step, GError **error);
/* recover.c */
RecoveryProbe member_recover_probe(RecoveryStep *step, GError **error);
gboolean member_recover_enter(RecoveryStep *step, GError **error);
/* tidy.c */
RecoveryProbe member_tidy_probe(RecoveryStep *step, GError **error);
gboolean member_tidy_enter(RecoveryStep *step, GError **error);

/* ---- ctl.c: etcdctl in the container of a member, which has certificates (P1-16) ---- */

/* Runs etcdctl with @args (NULL-terminated) on @host (NULL: the step's own). *runs FALSE: no member
 * runs there, and nobody was asked. FALSE with an error: the host did not answer. */
gboolean member_etcdctl(RecoveryStep *step, const char *host, const char *const *args,
			gboolean *runs, RecoveryReply *reply, GError **error);
/* the members as that of @host has them, without a quorum too (etcd 3.3); *list stays NULL when
 * none runs or it does not answer. (element-type RdListed) */
gboolean member_list(RecoveryStep *step, const char *host, GPtrArray **list, GError **error);
/* hexadecimal; "unknown" when it does not say */
gboolean member_cluster_id(RecoveryStep *step, const char *host, char **id, GError **error);
/* the member of that name, or of that peer URL; NULL: there is none */
const RdListed *member_find(GPtrArray *list, const char *name);
const RdListed *member_find_peer(GPtrArray *list, const char *url);
/* "etcd-member-m0, https://etcd-1.kite:2380 (unstarted)" (transfer full) */
char *member_names(GPtrArray *list);
/* "etcd-member-NODE", what the pod on @node is called (transfer full) */
char *member_name(const char *node);
/* the recovery host's name, NULL with PERMANENT (transfer full) */
char *member_recovery(RecoveryStep *step, GError **error);
/* In an environment file the last assignment of @key counts (F32). (transfer full), or NULL */
char *member_env_get(const char *text, const char *key);

/* ---- scripts.c ---- */

#define SCRIPT_RESTORE	"/usr/local/bin/etcd-snapshot-restore.sh"
#define SCRIPT_RECOVER	"/usr/local/bin/etcd-member-recover.sh"
#define SCRIPT_TOKENIZE "/usr/local/bin/tokenize-signer.sh"
/* PERMANENT unless the script at @path, and the functions it calls, are on this host what the
 * parameter `scripts` says was examined on the recovery host */
gboolean script_is_same(RecoveryStep *step, const char *path, GError **error);

G_END_DECLS
