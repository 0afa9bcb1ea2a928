/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How far cluster-restore.sh came, from what lies where: every combination of the three things that
 * tell, and the answers that would delete data if they were wrong. */

#include "plugins/common/restore-phase.h"
#include <string.h>

#define MEMBER "/var/lib/etcd/member"

static RestoreBefore *
before(const char *member, const char *mounts, const char *pod)
{
	g_autofree char *text = g_strdup_printf(
	    "member=%s db=2 script=aa cluster=1f mounts=%s pod=%s extras=-", member, mounts, pod);
	RestoreBefore *self = restore_before_parse(text);

	g_assert_nonnull(self);
	return self;
}

static RestorePhase
phase_of(const char *files, const RestoreBefore *self, RestorePod pod)
{
	g_autoptr(RestoreFiles) list = restore_files_parse(files);
	g_autofree char *why = NULL;
	RestorePhase phase = restore_phase(list, self, pod, &why);

	g_assert_true((why != NULL) ==
		      (phase == RESTORE_PHASE_STOPPED || phase == RESTORE_PHASE_STRANGE));
	return phase;
}

#define B RESTORE_PHASE_BEFORE
#define M RESTORE_PHASE_MOVED
#define S RESTORE_PHASE_STARTED
#define H RESTORE_PHASE_STOPPED
#define X RESTORE_PHASE_STRANGE

/* rows: where data is; columns: etcd-pod.yaml absent, partial, the restore pod, another */
static void
test_every_combination(void)
{
	static const struct {
		const char *files;
		RestorePhase phase[4];
	} rows[] = {
	    {"1 " MEMBER "\n", {B, B, B, B}},
	    {"1 " MEMBER "\n9 " RESTORE_SAVED "/member\n", {B, B, B, B}},
	    {"1 " RESTORE_SAVED "/member\n", {M, M, S, X}},
	    {"1 " RESTORE_SAVED "/recoveryd-r-1-member.1\n", {M, M, S, X}},
	    {"1 " RESTORE_SAVED "/member\n7 " MEMBER "\n", {H, X, S, S}},
	    {"1 " RESTORE_SAVED "/recoveryd-r-1-member.2\n7 " MEMBER "\n", {H, X, S, S}},
	    {"7 " MEMBER "\n", {X, X, X, X}},
	    {"9 " RESTORE_SAVED "/member\n", {X, X, X, X}},
	    {"", {X, X, X, X}},
	};
	g_autoptr(RestoreBefore) self = before("1", "one", "other");

	for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
		for (guint pod = 0; pod < 4; pod++) {
			g_test_message("row %u, pod %u", i, pod);
			g_assert_cmpint(phase_of(rows[i].files, self, pod), ==, rows[i].phase[pod]);
		}
}

/* nothing to lose, nothing that tells by its inode: the pod alone does */
static void
test_without_data(void)
{
	g_autoptr(RestoreBefore) self = before("none", "one", "other");
	g_autoptr(RestoreBefore) second = before("none", "one", "restore");

	g_assert_cmpint(phase_of("", self, RESTORE_POD_ABSENT), ==, RESTORE_PHASE_BEFORE);
	g_assert_cmpint(phase_of("", self, RESTORE_POD_OTHER), ==, RESTORE_PHASE_BEFORE);
	g_assert_cmpint(phase_of("", self, RESTORE_POD_RESTORE), ==, RESTORE_PHASE_STARTED);
	g_assert_cmpint(phase_of("7 " MEMBER "\n", self, RESTORE_POD_RESTORE), ==,
			RESTORE_PHASE_STARTED);
	g_assert_cmpint(phase_of("7 " MEMBER "\n", self, RESTORE_POD_OTHER), ==,
			RESTORE_PHASE_STRANGE);
	g_assert_cmpint(phase_of("", second, RESTORE_POD_RESTORE), ==, RESTORE_PHASE_STRANGE);
}

/* the restore pod of an earlier run, with the data that it restored, is where this one begins */
static void
test_second_restore(void)
{
	g_autoptr(RestoreBefore) self = before("1", "one", "restore");

	g_assert_cmpint(phase_of("1 " MEMBER "\n", self, RESTORE_POD_RESTORE), ==,
			RESTORE_PHASE_BEFORE);
	g_assert_cmpint(
	    phase_of("7 " MEMBER "\n1 " RESTORE_SAVED "/member\n", self, RESTORE_POD_RESTORE), ==,
	    RESTORE_PHASE_STARTED);
}

/* a copy has another inode: a new one under the old number must not count as the old */
static void
test_across_mounts(void)
{
	g_autoptr(RestoreBefore) self = before("1", "two", "other");
	g_autoptr(RestoreBefore) second = before("1", "two", "restore");
	const char *both = "1 " MEMBER "\n5 " RESTORE_SAVED "/member\n";

	g_assert_cmpint(phase_of("1 " MEMBER "\n", self, RESTORE_POD_OTHER), ==,
			RESTORE_PHASE_BEFORE);
	g_assert_cmpint(phase_of(both, self, RESTORE_POD_ABSENT), ==, RESTORE_PHASE_BEFORE);
	g_assert_cmpint(phase_of(both, self, RESTORE_POD_RESTORE), ==, RESTORE_PHASE_STARTED);
	g_assert_cmpint(phase_of(both, self, RESTORE_POD_OTHER), ==, RESTORE_PHASE_STRANGE);
	g_assert_cmpint(phase_of("5 " RESTORE_SAVED "/member\n", self, RESTORE_POD_ABSENT), ==,
			RESTORE_PHASE_MOVED);
	g_assert_cmpint(phase_of(both, second, RESTORE_POD_RESTORE), ==, RESTORE_PHASE_STRANGE);
}

static void
test_fresh(void)
{
	g_autoptr(RestoreFiles) files = restore_files_parse("4 /a/x.1\n5 /a/x.3\n6 /a b/c\n");
	g_autofree char *fresh = restore_files_fresh(files, "/a", "x");
	g_auto(GStrv) names = restore_files_names(files, "/a");

	g_assert_cmpstr(fresh, ==, "/a/x.2");
	g_assert_cmpuint(g_strv_length(names), ==, 2);
	g_assert_cmpstr(restore_files_inode(files, "/a b/c"), ==, "6");
}

static void
test_record(void)
{
	const char *line = "member=1 db=2 script=aa cluster=1f mounts=one pod=other extras=a,b";
	g_autoptr(RestoreBefore) self = restore_before_parse(line);
	g_autofree char *again = restore_before_print(self);
	const char *end = line + strlen(line);

	g_assert_cmpstr(again, ==, line);
	/* cut off anywhere before its last word it is none */
	for (const char *at = line; at <= end - strlen(" extras=a,b"); at++) {
		g_autofree char *part = g_strndup(line, at - line);

		g_assert_null(restore_before_parse(part));
	}
}

static void
test_tar_member(void)
{
	const char *listing = "static-pod-resources/etcd-pod-3/etcd-pod.yaml\n"
			      "static-pod-resources/etcd-pod-12/etcd-pod.yaml\n"
			      "static-pod-resources/etcd-pod-99/configmaps/etcd-pod.yaml\n"
			      "static-pod-resources/etcd-pod-x/etcd-pod.yaml\n"
			      "x/static-pod-resources/etcd-pod-50/etcd-pod.yaml\n"
			      "static-pod-resources/kube-apiserver-pod-7/kube-apiserver-pod.yaml\n";
	g_autofree char *etcd = restore_tar_member(listing, "etcd");
	g_autofree char *api = restore_tar_member(listing, "kube-apiserver");

	g_assert_cmpstr(etcd, ==, "static-pod-resources/etcd-pod-12/etcd-pod.yaml");
	g_assert_cmpstr(api, ==,
			"static-pod-resources/kube-apiserver-pod-7/kube-apiserver-pod.yaml");
	g_assert_null(restore_tar_member(listing, "kube-scheduler"));
	g_assert_null(restore_tar_member("", "etcd"));
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/restore-phase/every-combination", test_every_combination);
	g_test_add_func("/restore-phase/without-data", test_without_data);
	g_test_add_func("/restore-phase/second-restore", test_second_restore);
	g_test_add_func("/restore-phase/across-mounts", test_across_mounts);
	g_test_add_func("/restore-phase/fresh", test_fresh);
	g_test_add_func("/restore-phase/record", test_record);
	g_test_add_func("/restore-phase/tar-member", test_tar_member);
	return g_test_run();
}
