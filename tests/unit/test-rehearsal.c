/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearsal/fiber.h"
#include "rehearsal/scenery.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What the simulator stands on; test-world.c has its hosts. */

static void
note(gpointer data)
{
	g_string_append_c(((gpointer *)data)[0], GPOINTER_TO_INT(((gpointer *)data)[1]));
}

static void
test_timeline_order(void)
{
	g_autoptr(RdTimeline) timeline = rd_timeline_new(1000, 1);
	g_autoptr(GString) order = g_string_new(NULL);
	static const gint64 delays[] = {50, 10, 30, 10, 0, 70, 20, 60, 40, 10};
	gpointer data[G_N_ELEMENTS(delays)][2];

	for (guint i = 0; i < G_N_ELEMENTS(delays); i++) {
		data[i][0] = order;
		data[i][1] = GINT_TO_POINTER('a' + i);
		rd_timeline_add(timeline, delays[i], note, data[i], NULL);
	}
	rd_timeline_run_to(timeline, 1015);
	g_assert_cmpstr(order->str, ==, "ebdj");
	g_assert_cmpint(rd_timeline_now(timeline), ==, 1015);
	g_assert_cmpint(rd_timeline_next(timeline), ==, 1020);
	rd_timeline_advance(timeline, 5000); /* never past what has not happened yet */
	g_assert_cmpint(rd_timeline_now(timeline), ==, 1020);
	while (rd_timeline_step(timeline))
		;
	g_assert_cmpstr(order->str, ==, "ebdjgciahf");
}

typedef struct {
	RdTimeline *timeline;
	gint64 at; /* 0: taken back */
	guint ran, destroyed;
} Due;

static void
due_runs(gpointer data)
{
	Due *due = data;

	g_assert_cmpint(due->at, ==, rd_timeline_now(due->timeline));
	due->ran++;
}

static void
due_ends(gpointer data)
{
	((Due *)data)->destroyed++;
}

/* what is taken back never happens, wherever it stood; all else still does, in order */
static void
test_timeline_remove(void)
{
	for (guint32 seed = 1; seed <= 50; seed++) {
		g_autoptr(RdTimeline) timeline = rd_timeline_new(1000, seed);
		Due due[100] = {0};
		guint64 numbers[100];

		for (guint i = 0; i < G_N_ELEMENTS(due); i++) {
			gint64 delay = rd_timeline_chance(timeline, 0, 40);

			due[i].timeline = timeline;
			due[i].at = 1000 + delay;
			numbers[i] = rd_timeline_add(timeline, delay, due_runs, &due[i], due_ends);
			g_assert_cmpuint(numbers[i], !=, 0);
		}
		for (guint i = 0; i < G_N_ELEMENTS(due); i++) {
			if (rd_timeline_chance(timeline, 0, 2) == 0)
				continue;
			rd_timeline_remove(timeline, numbers[i]);
			g_assert_cmpuint(due[i].destroyed, ==, 1);
			due[i].at = 0;
		}
		while (rd_timeline_step(timeline))
			;
		for (guint i = 0; i < G_N_ELEMENTS(due); i++) {
			g_assert_cmpuint(due[i].ran, ==, due[i].at != 0);
			g_assert_cmpuint(due[i].destroyed, ==, 1);
			rd_timeline_remove(timeline, numbers[i]);
			g_assert_cmpuint(due[i].destroyed, ==, 1);
		}
	}
}

static void
test_timeline_chance(void)
{
	g_autoptr(RdTimeline) a = rd_timeline_new(0, 7), b = rd_timeline_new(0, 7),
			      c = rd_timeline_new(0, 8);
	guint same = 0;

	for (guint i = 0; i < 1000; i++) {
		gint64 one = rd_timeline_chance(a, 5, 1004);

		g_assert_cmpint(one, >=, 5);
		g_assert_cmpint(one, <=, 1004);
		g_assert_cmpint(one, ==, rd_timeline_chance(b, 5, 1004));
		same += one == rd_timeline_chance(c, 5, 1004);
	}
	g_assert_cmpuint(same, <, 20);
}

static void
count_down(gpointer data)
{
	guint *left = data;

	while (*left > 0) {
		(*left)--;
		rd_fiber_yield();
	}
}

static void
nest(gpointer data)
{
	guint left = 2;
	g_autoptr(RdFiber) inner = rd_fiber_new(count_down, &left);
	RdFiber *self = rd_fiber_current();

	while (rd_fiber_resume(inner))
		g_assert_true(rd_fiber_current() == self);
	rd_fiber_yield();
	*(guint *)data = 1;
}

static void
test_fiber(void)
{
	guint left = 3, done = 0, dropped = 5;
	g_autoptr(RdFiber) fiber = rd_fiber_new(count_down, &left);
	g_autoptr(RdFiber) outer = rd_fiber_new(nest, &done);
	RdFiber *victim = rd_fiber_new(count_down, &dropped);

	g_assert_null(rd_fiber_current());
	for (guint i = 3; i > 0; i--) {
		g_assert_cmpuint(left, ==, i);
		g_assert_true(rd_fiber_resume(fiber));
	}
	g_assert_false(rd_fiber_resume(fiber));
	g_assert_true(rd_fiber_resume(outer));
	g_assert_cmpuint(done, ==, 0);
	g_assert_false(rd_fiber_resume(outer));
	g_assert_cmpuint(done, ==, 1);
	g_assert_true(rd_fiber_resume(victim));
	rd_fiber_free(victim); /* in the middle */
	g_assert_cmpuint(dropped, ==, 4);
	g_assert_null(rd_fiber_current());
}

/* plugins may use half of a stack: what they write there stays, and vector code finds it aligned */
static void
deep(gpointer data)
{
	volatile char room[128 * 1024];
	double numbers[4] = {1, 2, 3, 4};

	memset((char *)room, 'x', sizeof(room));
	rd_fiber_yield();
	for (gsize i = 0; i < sizeof(room); i++)
		g_assert_cmpint(room[i], ==, 'x');
	for (guint i = 0; i < 4; i++)
		*(double *)data += numbers[i] * 0.5;
}

static void
test_fiber_stack(void)
{
	double sum = 0;
	g_autoptr(RdFiber) one = rd_fiber_new(deep, &sum), other = rd_fiber_new(deep, &sum);

	g_assert_true(rd_fiber_resume(one));
	g_assert_true(rd_fiber_resume(other));
	g_assert_false(rd_fiber_resume(one));
	g_assert_false(rd_fiber_resume(other));
	g_assert_cmpfloat(sum, ==, 10.0);
}

static void
test_tree(void)
{
	RdSimTree *tree = rd_sim_tree_new(NULL);
	guint64 inode;

	rd_sim_tree_mount(tree, "/var");
	rd_sim_tree_mount(tree, "/var/lib/etcd");
	g_assert_cmpint(rd_sim_tree_mkdirs(tree, "/var/lib/etcd/member/snap"), ==, 0);
	g_assert_cmpint(rd_sim_tree_write_text(tree, "/var/lib/etcd/member/snap/db", "x", 0600), ==,
			0);
	g_assert_cmpint(rd_sim_tree_write_text(tree, "/none/db", "x", 0600), ==, ENOENT);
	g_assert_cmpstr(rd_sim_tree_mount_of(tree, "/var/lib/etcdx"), ==, "/var");
	g_assert_cmpstr(rd_sim_tree_mount_of(tree, "/home"), ==, "/");
	inode = rd_sim_tree_find(tree, "/var/lib/etcd/member")->inode;
	g_assert_cmpint(rd_sim_tree_rename(tree, "/var/lib/etcd/member", "/var/lib/member"), ==,
			EXDEV);
	g_assert_cmpint(
	    rd_sim_tree_rename(tree, "/var/lib/etcd/member", "/var/lib/etcd/member/snap/x"), ==,
	    EINVAL);
	g_assert_cmpint(rd_sim_tree_rename(tree, "/var/lib/etcd/member", "/var/lib/etcd/old"), ==,
			0);
	g_assert_cmpuint(rd_sim_tree_find(tree, "/var/lib/etcd/old")->inode, ==, inode);
	g_assert_nonnull(rd_sim_tree_find(tree, "/var/lib/etcd/old/snap/db"));
	g_assert_null(rd_sim_tree_find(tree, "/var/lib/etcd/member"));
	g_assert_cmpint(rd_sim_tree_mkdirs(tree, "/var/lib/etcd/member"), ==, 0);
	g_assert_cmpint(rd_sim_tree_rename(tree, "/var/lib/etcd/old", "/var/lib/etcd/member"), ==,
			EEXIST);
	g_assert_cmpint(rd_sim_tree_remove(tree, "/var/lib/etcd/old"), ==, ENOTEMPTY);
	g_assert_true(rd_sim_tree_has_inode(tree, inode));
	rd_sim_tree_fill(tree, "/var/lib/etcd/x", TRUE);
	g_assert_cmpint(rd_sim_tree_mkdirs(tree, "/var/lib/etcd/new"), ==, ENOSPC);
	g_assert_cmpint(rd_sim_tree_mkdirs(tree, "/var/new"), ==, 0);
	rd_sim_tree_free(tree);
}

/* domain 4.7: what etcd itself printed */
static void
test_etcd_ids(void)
{
	g_autoptr(RdSimEtcdData) one = rd_sim_etcd_bootstrap(
	    "etcd-0=https://etcd-0.ocp.hpecloud.org:2380", "etcd-cluster-1", "etcd-0", 1);
	g_autoptr(RdSimEtcdData) three = rd_sim_etcd_bootstrap(
	    "m0=https://10.0.0.1:2380,m1=https://10.0.0.2:2380,m2=https://10.0.0.3:2380",
	    "openshift-etcd-11111111-2222-3333-4444-555555555555", "m1", 77);
	g_autoptr(GBytes) text = rd_sim_etcd_data_print(three);
	g_autoptr(RdSimEtcdData) again = rd_sim_etcd_data_parse(text);

	g_assert_cmphex(one->member_id, ==, 0x1c5a549c9f4e67b5);
	g_assert_cmphex(one->cluster_id, ==, 0x11eeb64feb9a2071);
	g_assert_cmphex(three->member_id, ==, 0xd76713fd1411471e);
	g_assert_cmphex(three->cluster_id, ==, 0xc6bb00c78f8f7a06);
	g_assert_cmphex(again->cluster_id, ==, three->cluster_id);
	g_assert_cmphex(again->member_id, ==, three->member_id);
	g_assert_cmpint(again->revision, ==, 77);
	g_assert_cmpuint(again->peers->len, ==, 3);
	g_assert_null(rd_sim_etcd_bootstrap("m0=https://10.0.0.1:2380", "t", "m9", 1));
}

static void
pass(RdSimCluster *cluster, gint64 seconds)
{
	rd_timeline_run_to(cluster->timeline,
			   rd_timeline_now(cluster->timeline) + seconds * RD_SIM_SECOND);
}

static void
test_pods_follow_manifests(void)
{
	g_autoptr(RdSimCluster) cluster = rd_scenery_quorum_lost(3, 3);
	RdSimHost *host = rd_sim_cluster_find(cluster, "m0");
	const char *from = RD_SIM_MANIFESTS "/etcd-pod.yaml", *to = "/etc/kubernetes/etcd-pod.yaml";
	guint pods = host->pods->len;

	g_assert_nonnull(host->etcd);
	g_assert_false(rd_sim_etcd_has_quorum(host));
	g_assert_null(rd_sim_cluster_find(cluster, "m1")->etcd);
	g_assert_cmpint(rd_sim_tree_rename(host->tree, from, to), ==, 0);
	g_assert_nonnull(host->etcd);
	pass(cluster, 60);
	g_assert_null(host->etcd);
	g_assert_cmpuint(host->pods->len, ==, pods - 1);
	g_assert_cmpuint(rd_sim_host_tally(host, "vanished etcd-pod.yaml"), ==, 1);
	g_assert_cmpuint(rd_sim_host_tally(host, "container stopped etcd"), ==, 1);
	g_assert_cmpint(rd_sim_tree_rename(host->tree, to, from), ==, 0);
	pass(cluster, 60);
	g_assert_nonnull(host->etcd);
	g_assert_cmpuint(rd_sim_host_tally(host, "appeared etcd-pod.yaml"), ==, 1);
	/* hidden files are not run (domain 4.1) */
	g_assert_cmpint(rd_sim_tree_rename(host->tree, from, RD_SIM_MANIFESTS "/.etcd-pod.yaml"),
			==, 0);
	pass(cluster, 60);
	g_assert_null(host->etcd);
	g_assert_cmpuint(cluster->violations->len, ==, 0);
}

static void
test_reboot(void)
{
	g_autoptr(RdSimCluster) cluster = rd_scenery_quorum_lost(3, 3);
	RdSimHost *host = rd_sim_cluster_find(cluster, "m0");
	g_autofree char *boot_id = g_strdup(host->boot_id);
	g_autofree char *machine_id = g_strdup(host->machine_id);

	rd_sim_host_reboot(host);
	g_assert_false(rd_sim_host_answers(host));
	g_assert_null(host->etcd);
	pass(cluster, 180);
	g_assert_true(rd_sim_host_answers(host));
	g_assert_nonnull(host->etcd);
	g_assert_cmpstr(host->boot_id, !=, boot_id);
	g_assert_cmpstr(host->machine_id, ==, machine_id);
	rd_sim_host_rebuild(host);
	pass(cluster, 180);
	g_assert_cmpstr(host->machine_id, !=, machine_id);
	g_assert_cmpuint(host->pods->len, ==, 0);
	g_assert_false(rd_sim_tree_has_inode(host->tree, host->original_inode) &&
		       rd_sim_tree_find(host->tree, RD_SIM_ETCD_DATA "/member") != NULL);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/rehearsal/timeline/order", test_timeline_order);
	g_test_add_func("/rehearsal/timeline/remove", test_timeline_remove);
	g_test_add_func("/rehearsal/timeline/chance", test_timeline_chance);
	g_test_add_func("/rehearsal/fiber", test_fiber);
	g_test_add_func("/rehearsal/fiber/stack", test_fiber_stack);
	g_test_add_func("/rehearsal/tree", test_tree);
	g_test_add_func("/rehearsal/etcd-ids", test_etcd_ids);
	g_test_add_func("/rehearsal/pods-follow-manifests", test_pods_follow_manifests);
	g_test_add_func("/rehearsal/reboot", test_reboot);
	return g_test_run();
}
