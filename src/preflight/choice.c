/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-preflight"

#include "preflight/choice.h"

#include <string.h>

/* ---- what procedures need ------------------------------------------------------------------ */

static gboolean
somebody_answers(const RdSituation *s)
{
	return (s->answer > 0 && s->blind == 0) || s->reads;
}

static gboolean
quorum(const RdSituation *s)
{
	return rd_situation_has_quorum(s);
}

/* only where it could have been seen */
static gboolean
no_quorum(const RdSituation *s)
{
	return !rd_situation_has_quorum(s) || s->go_back;
}

static gboolean
all_commit(const RdSituation *s)
{
	return s->commit == s->masters || (s->reads && s->answer == 0);
}

static gboolean
member_bad(const RdSituation *s)
{
	return s->commit < s->masters && s->answer > 0;
}

/* more than half of the hosts would have to commit, if all of them were members */
static gboolean
most_commit(const RdSituation *s)
{
	return s->commit > s->masters / 2;
}

static gboolean
few_members(const RdSituation *s)
{
	return s->commit > 0 && s->commit <= s->masters / 2;
}

static gboolean
api(const RdSituation *s)
{
	return s->reads;
}

static gboolean
api_writes(const RdSituation *s)
{
	return s->writes;
}

static gboolean
nodes_stale(const RdSituation *s)
{
	return s->stale > 0;
}

static gboolean
was_restored(const RdSituation *s)
{
	return s->restored;
}

static gboolean
is_old(const RdSituation *s)
{
	return s->family == RD_FAMILY_OLD;
}

static gboolean
is_4_7(const RdSituation *s)
{
	return s->family == RD_FAMILY_4_7;
}

static gboolean
is_4_11(const RdSituation *s)
{
	return s->family == RD_FAMILY_4_11;
}

static gboolean
is_4_18(const RdSituation *s)
{
	return s->family == RD_FAMILY_4_18;
}

static gboolean
is_fencing(const RdSituation *s)
{
	return s->family == RD_FAMILY_FENCING;
}

static gboolean
is_external(const RdSituation *s)
{
	return s->family == RD_FAMILY_EXTERNAL;
}

static gboolean
is_ordinary(const RdSituation *s)
{
	return s->family != RD_FAMILY_UNKNOWN && s->family != RD_FAMILY_FENCING &&
	       s->family != RD_FAMILY_EXTERNAL && s->family != RD_FAMILY_OLD;
}

static gboolean
backup_sound(const RdSituation *s)
{
	return s->backup == RD_BACKUP_SOUND;
}

static gboolean
no_backup(const RdSituation *s)
{
	return s->backup == RD_BACKUP_NOWHERE;
}

static gboolean
recovery_answers(const RdSituation *s)
{
	return s->recovery;
}

static gboolean
silent_are_stated(const RdSituation *s)
{
	return s->answer + s->stated_off >= s->masters;
}

static gboolean
members_named(const RdSituation *s)
{
	return s->named;
}

static gboolean
key_is_same(const RdSituation *s)
{
	return !s->key_rotated;
}

static gboolean
has_data(const RdSituation *s)
{
	return s->data > 0;
}

static gboolean
has_no_data(const RdSituation *s)
{
	return s->data == 0 && s->answer > 0;
}

static gboolean
has_quorum_script(const RdSituation *s)
{
	return s->quorum_script;
}

static gboolean
is_parked(const RdSituation *s)
{
	return s->parked;
}

static gboolean
wants_back(const RdSituation *s)
{
	return s->go_back;
}

static gboolean
stays(const RdSituation *s)
{
	return !s->go_back;
}

enum {
	END,
	SOMEBODY,
	QUORUM,
	NO_QUORUM,
	ALL_COMMIT,
	MEMBER_BAD,
	MOST_COMMIT,
	FEW_MEMBERS,
	API,
	API_WRITES,
	NODES_STALE,
	RESTORED,
	OLD,
	SINCE_4_7,
	SINCE_4_11,
	SINCE_4_18,
	FENCING,
	EXTERNAL,
	ORDINARY,
	BACKUP,
	NO_BACKUP,
	RECOVERY,
	STATED,
	NAMED,
	SAME_KEY,
	DATA,
	NO_DATA,
	QUORUM_SCRIPT,
	PARKED,
	WANTS_BACK,
	STAYS,
	CONDITIONS
};

/* clang-format off */
static const struct {
	gboolean (*holds)(const RdSituation *situation);
	const char *yes, *no; /* yes: NULL where it goes without saying */
	const char *supply; /* (nullable) how a person can make it hold: then it is "missing" */
	RdLack lack;	    /* 0: not by a word to this program */
	gboolean (*never)(const RdSituation *situation); /* (nullable) nobody can, after all */
} conditions[CONDITIONS] = {
    [SOMEBODY]       = {somebody_answers, "hosts answer, and say what runs there", "no control-plane host answers, or one does not say what runs there",
                        "power hosts on, or correct addresses and login in the inventory; crictl ps has to answer"},
    [QUORUM]         = {quorum, "etcd has a quorum", "no quorum was seen", NULL},
    [NO_QUORUM]      = {no_quorum, "etcd has no quorum (or going back is wanted)", "etcd has a quorum: a restore would throw away everything since the backup", NULL},
    [ALL_COMMIT]     = {all_commit, "no member is known to be bad", "not every member was seen to commit", NULL},
    [MEMBER_BAD]     = {member_bad, "a member does not commit", "no bad member was seen", NULL},
    [MOST_COMMIT]    = {most_commit, "most hosts have a member that commits", "half of the hosts or more have no member that commits", NULL},
    [FEW_MEMBERS]    = {few_members, "etcd commits with members on half of the hosts or fewer: it has become smaller", "etcd has members on most hosts, or does not commit", NULL},
    [API]            = {api, "the API answers reads", "the API does not answer", NULL},
    [API_WRITES]     = {api_writes, "kubelets renew their leases", "no kubelet renews its lease", NULL},
    [NODES_STALE]    = {nodes_stale, "nodes do not renew their leases", "no node is seen to be behind", NULL},
    [RESTORED]       = {was_restored, "a restore has left something on a host", "nothing on any host shows that this cluster was ever restored", NULL},
    [OLD]            = {is_old, "etcd without operator (4.1 to 4.3)", "etcd is not that of 4.1 to 4.3", NULL},
    [SINCE_4_7]      = {is_4_7, "cluster-restore.sh of 4.7 to 4.10", "cluster-restore.sh is not of 4.7 to 4.10", NULL},
    [SINCE_4_11]     = {is_4_11, "cluster-restore.sh of 4.11 to 4.17", "cluster-restore.sh is not of 4.11 to 4.17", NULL},
    [SINCE_4_18]     = {is_4_18, "cluster-restore.sh of 4.18 or later", "cluster-restore.sh is not of 4.18 or later", NULL},
    [FENCING]        = {is_fencing, "two nodes with fencing", "the control plane is not one of two nodes with fencing", NULL},
    [EXTERNAL]       = {is_external, "the control plane is hosted elsewhere", "the control plane is on these hosts", NULL},
    [ORDINARY]       = {is_ordinary, "etcd is a static pod under its operator", "etcd is not seen to be a static pod under its operator", NULL},
    [BACKUP]         = {backup_sound, "a sound backup of this cluster and release", "no sound backup of this cluster and release",
                        "name one: -b DIR; what is wrong with one says recoveryd check -b DIR. If there is none at all: --no-backup",
                        RD_LACK_BACKUP, no_backup},
    [NO_BACKUP]      = {no_backup, "a person says that there is no backup", "there is a backup, or may be",
                        "if there is none at all, say so: --no-backup", RD_LACK_NO_BACKUP, backup_sound},
    [RECOVERY]       = {recovery_answers, "the recovery host answers", "no recovery host is chosen, or it does not answer",
                        "`recovery: true` in the inventory, or --recovery-host, for a host that answers",
                        RD_LACK_RECOVERY},
    [STATED]         = {silent_are_stated, "every silent host was stated to be off", "a control-plane host is silent, and nobody stated that it is powered off",
                        "power it on, or see to it that it stays off and say so: --excuse HOST=REASON",
                        RD_LACK_STATEMENT},
    [NAMED]          = {members_named, "every host that answers has etcd.env and restore pod", "a host that answers has no etcd.env or restore pod",
                        "copy them from a host that has them"},
    [SAME_KEY]       = {key_is_same, "the encryption key is that of the backup", "the encryption key was changed since the backup", NULL},
    [DATA]           = {has_data, "a member's data is on a host", "no host that answers has a member's data", NULL},
    [NO_DATA]        = {has_no_data, "no host that answers has a member's data", "a member's data is on a host, or may be", NULL},
    [QUORUM_SCRIPT]  = {has_quorum_script, "quorum-restore.sh is there", "there is no quorum-restore.sh", NULL},
    [PARKED]         = {is_parked, "every host that answers can take back what a run moved aside", "no run moved data aside that every host could take back", NULL},
    [WANTS_BACK]     = {wants_back, "going back is wanted", "nobody wants to go back", NULL},
    [STAYS]          = {stays, NULL, "going back is wanted", NULL},
};

/* The first that fits, or lacks only what a person can supply, is the answer: what loses nothing
 * comes before what loses little. Every line that is ours needs a recovery host, which `start`
 * refuses to do without. */
static const RdChoiceRow rows[] = {
    {"hosted", "nothing here: its control plane is elsewhere",
     "the recovery of the hosting cluster", NULL, FALSE, {EXTERNAL}},
    {"finish-nodes", "bring nodes back that a recovery left behind",
     "\"Restoring to a previous cluster state\", from the restart of the kubelets on",
     "recoveryd start finish-nodes -c ${cluster} -i nodes=${nodes}${options}", FALSE,
     {STAYS, QUORUM, ALL_COMMIT, API, NODES_STALE, RESTORED, RECOVERY, STATED}},
    {"nothing", "the cluster works: nothing is to be restored", NULL,
     NULL, FALSE, {STAYS, QUORUM, ALL_COMMIT}},
    {"fencing", "two nodes with fencing: Pacemaker brings etcd back",
     "\"Two-node OpenShift with fencing: recovering etcd\"", NULL, FALSE, {SOMEBODY, FENCING}},
    {"replace-control-plane", "hosts that are lost for good, one after the other, back to three members",
     "\"Replacing a control plane node\", one host at a time",
     "recoveryd start replace-control-plane -c ${cluster}${options}", FALSE,
     {STAYS, QUORUM, FEW_MEMBERS, ORDINARY, RECOVERY, STATED}},
    {"replace-member", "one bad member, and a quorum without it: nothing is restored",
     "\"Replacing an unhealthy etcd member\"", NULL, FALSE,
     {STAYS, QUORUM, MEMBER_BAD, MOST_COMMIT, ORDINARY}},
    {"quorum-restore", "a new quorum from the data that one member still has: loses nothing newer than it",
     "\"Restoring etcd quorum for high availability clusters\" (quorum-restore.sh)", NULL, FALSE,
     {SOMEBODY, STAYS, NO_QUORUM, SINCE_4_18, QUORUM_SCRIPT, DATA, STATED}},
    {"restore-4.18", "one member from a backup, by the cluster's script; stops etcd alone",
     "\"Restoring to a previous cluster state\", 4.18 and later", NULL, FALSE,
     {SOMEBODY, NO_QUORUM, SINCE_4_18, BACKUP, STATED}},
    {"replace-lost-masters", "lost masters of 4.1 to 4.3, from a snapshot",
     "\"Recovering from lost master hosts\"",
     "recoveryd start replace-lost-masters -c ${cluster} -i backup=${file}${options}", FALSE,
     {SOMEBODY, NO_QUORUM, OLD, BACKUP, RECOVERY, STATED}},
    {"restore-cluster-state", "one member from a backup by the cluster's own script; its operators bring the rest",
     "\"Restoring to a previous cluster state\", 4.11 to 4.17",
     "recoveryd start restore-cluster-state -c ${cluster} -i backup=${backup}${purpose}${options}", FALSE,
     {SOMEBODY, NO_QUORUM, SINCE_4_11, BACKUP, RECOVERY, STATED}},
    {"restore-4.7", "the restore of the release itself",
     "\"Restoring to a previous cluster state\" of that release (4.7 to 4.10)", NULL, FALSE,
     {SOMEBODY, NO_QUORUM, SINCE_4_7, BACKUP, STATED}},
    {"manual-restore", "all members at once from one snapshot, without a script",
     "\"Restoring a cluster manually from an etcd backup\"",
     "recoveryd start manual-restore -c ${cluster} -i backup=${backup}${options}", FALSE,
     {SOMEBODY, STAYS, NO_QUORUM, ORDINARY, NAMED, BACKUP, RECOVERY, SAME_KEY, STATED}},
    {"surviving-data", "no backup, but a member's data: a snapshot is made of it first",
     "copy member/snap/db of the host with the highest raft index while its etcd is stopped, then \"Restoring to a previous cluster state\"",
     NULL, FALSE, {SOMEBODY, STAYS, NO_QUORUM, ORDINARY, NO_BACKUP, DATA, STATED}},
    {"reinstall", "neither backup nor data: only a new installation helps",
     "the installation, then the applications' own backups", NULL, FALSE,
     {SOMEBODY, STAYS, NO_QUORUM, NO_BACKUP, NO_DATA, STATED}},
    {"return-to-old-data", "back to what a recovery put aside",
     "docs/procedures.md, \"the way back\"",
     "recoveryd start return-to-old-data -c ${cluster} -i run=${run}${options}", TRUE,
     {PARKED, RECOVERY, STATED}},
    {"audit-storage", "which volumes and workloads suffer from a restored past",
     "\"Issues and workarounds for restoring a persistent storage state\"",
     "recoveryd start audit-storage -c ${cluster}${options}", TRUE, {API, RECOVERY, STATED}},
};
/* clang-format on */

static const char *const fits[] =
    {[RD_FIT_YES] = "fits", [RD_FIT_ALMOST] = "almost", [RD_FIT_NO] = "not"};

const char *
rd_fit_to_string(RdFit fit)
{
	return fits[fit];
}

static void
choice_free(gpointer data)
{
	RdChoice *self = data;

	g_ptr_array_unref(self->why);
	g_ptr_array_unref(self->against);
	g_ptr_array_unref(self->missing);
	g_ptr_array_unref(self->supply);
	g_free(self);
}

static RdChoice *
choose_row(const RdChoiceRow *row, const RdSituation *situation)
{
	RdChoice *self = g_new0(RdChoice, 1);

	self->row = row;
	self->why = g_ptr_array_new();
	self->against = g_ptr_array_new();
	self->missing = g_ptr_array_new();
	self->supply = g_ptr_array_new();
	for (guint i = 0; i < G_N_ELEMENTS(row->needs) && row->needs[i] != END; i++) {
		guint need = row->needs[i];

		if (conditions[need].holds(situation)) {
			if (conditions[need].yes != NULL)
				g_ptr_array_add(self->why, (gpointer)conditions[need].yes);
			continue;
		}
		if (conditions[need].supply == NULL ||
		    (conditions[need].never != NULL && conditions[need].never(situation))) {
			g_ptr_array_add(self->against, (gpointer)conditions[need].no);
			continue;
		}
		g_ptr_array_add(self->missing, (gpointer)conditions[need].no);
		g_ptr_array_add(self->supply, (gpointer)conditions[need].supply);
		self->lacks |= conditions[need].lack;
	}
	self->fit = self->against->len > 0   ? RD_FIT_NO
		    : self->missing->len > 0 ? RD_FIT_ALMOST
					     : RD_FIT_YES;
	return self;
}

GPtrArray *
rd_choose(const RdSituation *situation)
{
	GPtrArray *choices = g_ptr_array_new_with_free_func(choice_free);

	for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
		g_ptr_array_add(choices, choose_row(&rows[i], situation));
	return choices;
}

const RdChoice *
rd_choice_best(GPtrArray *choices)
{
	for (guint i = 0; i < choices->len; i++) {
		const RdChoice *choice = choices->pdata[i];

		if (choice->fit != RD_FIT_NO && !choice->row->beside)
			return choice;
	}
	return NULL;
}

void
rd_choices_print(GString *out)
{
	g_string_append(out,
			"| procedure | what it does | fits when | document |\n|---|---|---|---|\n");
	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		const RdChoiceRow *row = &rows[i];
		gboolean some = FALSE;

		g_string_append_printf(out, "| `%s` | %s | ", row->name, row->summary);
		for (guint j = 0; j < G_N_ELEMENTS(row->needs) && row->needs[j] != END; j++)
			if (conditions[row->needs[j]].yes != NULL) {
				g_string_append_printf(out, "%s%s", some ? "; " : "",
						       conditions[row->needs[j]].yes);
				some = TRUE;
			}
		g_string_append_printf(out, " | %s |\n",
				       row->document != NULL ? row->document : "–");
	}
}
