/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "preflight-fixture.h"
#include "preflight/metrics.h"
#include <glib/gstdio.h>

static char *other_signer; /* PEM, of another cluster */

/* Every check that asks a host, on the simulated cluster with the fault really in it: what the
 * facts say comes from the same questions as over ssh, through the same step from world to fact. */

/* ---- findings ------------------------------------------------------------------------------ */

static const RdFinding *
find(const RdPreflight *preflight, const char *check, const char *on, RdLevel level)
{
	for (guint i = 0; i < preflight->findings->len; i++) {
		const RdFinding *finding = preflight->findings->pdata[i];

		if (g_str_equal(finding->check, check) && finding->level == level &&
		    (on == NULL || g_str_equal(finding->host, on)))
			return finding;
	}
	return NULL;
}

static void
dump(const RdPreflight *preflight)
{
	for (guint i = 0; i < preflight->findings->len; i++) {
		const RdFinding *finding = preflight->findings->pdata[i];

		if (finding->level != RD_LEVEL_OK)
			g_test_message("%s %s %s: %s -> %s", rd_level_to_string(finding->level),
				       finding->host, finding->check, finding->text,
				       finding->remedy);
	}
}

/* ---- the faults ---------------------------------------------------------------------------- */

static void
clock_off(Scene *self)
{
	host(self, "m1")->clock_off = 5;
}

static void
clock_a_little_off(Scene *self)
{
	host(self, "m1")->clock_off = -1.5;
}

static void
is_vip(Scene *self)
{
	rd_scenery_add_keepalived(self->cluster);
	g_free(rd_inventory_find(self->inventory, "m1")->login->address);
	rd_inventory_find(self->inventory, "m1")->login->address = g_strdup("10.0.0.100");
}

static void
no_kubelet(Scene *self)
{
	host(self, "m2")->kubelet_since = G_MAXINT64;
}

static void
no_room(Scene *self)
{
	rd_sim_tree_fill(host(self, "m1")->tree, "/var/lib", TRUE);
}

static void
in_memory(Scene *self)
{
	rd_sim_tree_set_type(host(self, "m2")->tree, RD_SIM_ETCD_DATA, "tmpfs");
}

static void
own_mount(Scene *self)
{
	g_assert_true(rd_inventory_set_recovery(self->inventory, "m2", NULL));
}

static void
stranger(Scene *self)
{
	put(self, "m1", RD_SIM_MANIFESTS "/etcd-pod.yaml.bak", STRANGER);
}

static void
nothing(Scene *self)
{
}

/* m1 and m2 get the data that m0 has under their own names */
static void
works(Scene *self)
{
	static const char cluster[] =
	    "m0=https://10.0.0.1:2380,m1=https://10.0.0.2:2380,m2=https://10.0.0.3:2380";

	for (guint i = 0; i < self->cluster->hosts->len; i++) {
		RdSimHost *one = self->cluster->hosts->pdata[i];
		g_autoptr(RdSimEtcdData) data = rd_sim_etcd_bootstrap(
		    cluster, "openshift-etcd-00000000-0000-4000-8000-000000000000", one->name,
		    5000);
		g_autoptr(GBytes) content = rd_sim_etcd_data_print(data);

		g_assert_cmpint(
		    rd_sim_tree_write(one->tree, RD_SIM_ETCD_DATA "/member/snap/db", content, 0600),
		    ==, 0);
	}
	pass(self, 900);
}

static void
works_on_purpose(Scene *self)
{
	works(self);
	self->options.must_be_dead = FALSE;
}

/* etcdctl calls a member unhealthy whose quorum has raised an alarm */
static void
full(Scene *self)
{
	works(self);
	self->cluster->alarm = "NOSPACE";
	self->network.api = NULL;
}

static void
full_on_purpose(Scene *self)
{
	full(self);
	self->options.must_be_dead = FALSE;
}

/* another cluster's data on m1, which by itself is a quorum */
static void
no_runtime(Scene *self)
{
	works(self);
	for (guint i = 0; i < self->cluster->hosts->len; i++)
		((RdSimHost *)self->cluster->hosts->pdata[i])->runtimeless = TRUE;
	self->network.api = NULL;
}

static void
two_clusters(Scene *self)
{
	g_autoptr(RdSimEtcdData) data =
	    rd_sim_etcd_bootstrap("m1=https://10.0.0.2:2380",
				  "openshift-etcd-11111111-0000-4000-8000-000000000000", "m1", 9);
	g_autoptr(GBytes) content = rd_sim_etcd_data_print(data);

	rd_sim_tree_write(host(self, "m1")->tree, RD_SIM_ETCD_DATA "/member/snap/db", content,
			  0600);
	pass(self, 900);
	/* which the simulator itself would never let pass */
	g_ptr_array_set_size(self->cluster->violations, 0);
}

static void
fencing(Scene *self)
{
	put(self, "m0", RD_SIM_SCRIPT, "#!/bin/bash\npcs resource disable etcd\n");
}

/* said by the API alone, so it has to answer */
static void
hosted(Scene *self)
{
	works_on_purpose(self);
	rd_sim_store_put(rd_sim_api_get_store(self->api),
			 "/apis/config.openshift.io/v1/infrastructures/cluster",
			 "{'status':{'controlPlaneTopology':'External'}}", 0);
}

static void
old_release(Scene *self)
{
	for (guint i = 0; i < self->cluster->hosts->len; i++) {
		RdSimHost *one = self->cluster->hosts->pdata[i];

		rd_sim_tree_remove(one->tree, CERTS "configmaps/etcd-scripts/etcd.env");
		put(self, one->name, RD_SIM_MANIFESTS "/etcd-member.yaml", STRANGER);
	}
}

static void
new_script(Scene *self)
{
	self->options.procedure = "restore-cluster-state";
	put(self, "m0", RD_SIM_SCRIPT, "#!/bin/bash\nETCD_REV_JSON=x\n");
}

static void
no_script(Scene *self)
{
	self->options.procedure = "restore-cluster-state";
	rd_sim_tree_remove(host(self, "m0")->tree, RD_SIM_SCRIPT);
}

static void
odd_script(Scene *self)
{
	self->options.procedure = "restore-cluster-state";
	put(self, "m0", RD_SIM_SCRIPT, "#!/bin/bash\nrm -rf /var/lib/etcd\n");
}

static void
unseen_script(Scene *self)
{
	self->options.procedure = "restore-cluster-state";
}

static void
no_restore_pod(Scene *self)
{
	rd_sim_tree_remove(host(self, "m1")->tree, CERTS "configmaps/restore-etcd-pod/pod.yaml");
}

static void
no_etcd_env(Scene *self)
{
	put(self, "m1", CERTS "configmaps/etcd-scripts/etcd.env", "");
}

static void
other_address(Scene *self)
{
	put(self, "m1", CERTS "configmaps/etcd-scripts/etcd.env",
	    "export ETCD_IMAGE=\"" DIGEST "\"\nexport NODE_m1_ETCD_NAME=\"m1\"\n"
	    "export NODE_m1_IP=\"10.9.9.9\"\n");
}

static void
no_image(Scene *self)
{
	host(self, "m1")->imageless = TRUE;
}

static void
expired(Scene *self)
{
	gint64 now = g_get_real_time() / G_USEC_PER_SEC;
	g_autofree char *pem = make_certificate("etcd-serving", now - 9 * DAY, now - 2 * DAY);

	put(self, "m2", CERTS "secrets/etcd-all-certs/etcd-serving.crt", pem);
}

static void
expires_soon(Scene *self)
{
	gint64 now = g_get_real_time() / G_USEC_PER_SEC;
	g_autofree char *pem = make_certificate("etcd-serving", now - 9 * DAY, now + 9 * DAY);

	put(self, "m2", CERTS "secrets/etcd-all-certs/etcd-serving.crt", pem);
}

static void
other_signers(Scene *self)
{
	write_backup(self, other_signer, DIGEST, "m0", "2");
}

static void
other_members(Scene *self)
{
	write_backup(self, signer, DIGEST, "m9", "2");
}

static void
other_images(Scene *self)
{
	write_backup(self, signer, "quay.io/x/etcd@" TAR_DIGEST, "m0", "2");
}

static void
other_key(Scene *self)
{
	write_backup(self, signer, DIGEST, "m0", "1");
}

static void
other_key_for_all(Scene *self)
{
	other_key(self);
	self->options.procedure = NULL;
}

static void
silent(Scene *self)
{
	rd_sim_host_power_off(host(self, "m1"));
}

static void
silent_as_stated(Scene *self)
{
	silent(self);
	g_hash_table_insert(self->excused, (char *)"m1", (char *)"in flames");
}

static void
stated_and_alive(Scene *self)
{
	g_hash_table_insert(self->excused, (char *)"m1", (char *)"in flames");
}

static void
held_by_another(Scene *self)
{
	g_autofree char *text = g_strdup_printf(
	    "number=7\nrun=r-x\nwho=bob@night\nsince=noon\nstate=held\nmachine-id=%s\n",
	    host(self, "m1")->machine_id);

	put(self, "m1", "/var/lib/recoveryd/epoch", text);
}

static const struct {
	const char *name;
	void (*plant)(Scene *self);
	const char *check, *host;
	RdLevel level;
	const char *words;
} faults[] = {
    {"clock-off", clock_off, "clocks", "m1", RD_LEVEL_BLOCK, "5.0 s before"},
    {"clock-a-little-off", clock_a_little_off, "clocks", "m1", RD_LEVEL_WARN, "1.5 s behind"},
    {"vip", is_vip, "vip", "m1", RD_LEVEL_BLOCK, "10.0.0.100 is a VIP"},
    {"no-kubelet", no_kubelet, "kubelet", "m2", RD_LEVEL_BLOCK, "not active"},
    {"no-room", no_room, "room", "m1", RD_LEVEL_BLOCK, ": 0 bytes free"},
    {"in-memory", in_memory, "parking", "m2", RD_LEVEL_BLOCK, "tmpfs on /var/lib/etcd"},
    {"own-mount", own_mount, "data-mount", "m2", RD_LEVEL_WARN, "a mount of its own"},
    {"stranger", stranger, "strangers", "m1", RD_LEVEL_BLOCK, "etcd-pod.yaml.bak"},
    {"leftovers", nothing, "leftovers", "m0", RD_LEVEL_WARN, "/var/lib/etcd-backup/member"},
    {"works", works, "healthy", "cluster", RD_LEVEL_BLOCK, "3 of 3"},
    {"works-on-purpose", works_on_purpose, "healthy", "cluster", RD_LEVEL_OK, "3 of 3"},
    {"full", full, "healthy", "cluster", RD_LEVEL_BLOCK, "an alarm"},
    {"full-on-purpose", full_on_purpose, "healthy", "cluster", RD_LEVEL_WARN, "NOSPACE"},
    {"no-runtime", no_runtime, "healthy", "cluster", RD_LEVEL_BLOCK, "nobody knows"},
    {"two-clusters", two_clusters, "one-etcd", "m1", RD_LEVEL_BLOCK, "that of m0"},
    {"fencing", fencing, "topology", "cluster", RD_LEVEL_BLOCK, "Pacemaker"},
    {"hosted", hosted, "topology", "cluster", RD_LEVEL_BLOCK, "external"},
    {"4.1", old_release, "topology", "cluster", RD_LEVEL_BLOCK, "etcd-member.yaml"},
    {"new-script", new_script, "script", "m0", RD_LEVEL_BLOCK, "of 4.18+"},
    {"no-script", no_script, "script", "m0", RD_LEVEL_BLOCK, "there is no"},
    {"odd-script", odd_script, "script", "m0", RD_LEVEL_BLOCK, "nobody knows"},
    {"unseen-script", unseen_script, "script", "m0", RD_LEVEL_WARN, "by its content"},
    {"no-restore-pod", no_restore_pod, "restore-pod", "m1", RD_LEVEL_BLOCK, "pod.yaml"},
    {"no-etcd-env", no_etcd_env, "restore-pod", "m1", RD_LEVEL_BLOCK, "no line sets ETCD_IMAGE"},
    {"no-etcd-env-no-image", no_etcd_env, "image", "m1", RD_LEVEL_BLOCK, "etcd.env"},
    {"other-address", other_address, "etcd-address", "m1", RD_LEVEL_BLOCK, "10.9.9.9"},
    {"no-image", no_image, "image", "m1", RD_LEVEL_BLOCK, "is not here"},
    {"expired", expired, "etcd-certificates", "m2", RD_LEVEL_BLOCK, "CN=etcd-serving"},
    {"expires-soon", expires_soon, "etcd-certificates", "m2", RD_LEVEL_WARN, "ends"},
    {"no-snapshot", nothing, "backup", "backup", RD_LEVEL_BLOCK, "bytes"},
    {"other-signers", other_signers, "same-cluster", "m0", RD_LEVEL_BLOCK, "another cluster"},
    {"other-members", other_members, "same-cluster", "m0", RD_LEVEL_WARN, "2 of the backup's 3"},
    {"other-images", other_images, "same-release", "m0", RD_LEVEL_BLOCK, "001122"},
    {"other-key", other_key, "encryption", "m1", RD_LEVEL_BLOCK, "aescbc/1"},
    {"other-key-for-all", other_key_for_all, "encryption", "m1", RD_LEVEL_WARN, "aescbc/1"},
    {"silent", silent, "reachable", "m1", RD_LEVEL_BLOCK, "m1"},
    {"silent-as-stated", silent_as_stated, "powered-off", "m1", RD_LEVEL_OK, "in flames"},
    {"stated-and-alive", stated_and_alive, "powered-off", "m1", RD_LEVEL_BLOCK, "it answers"},
    {"held", held_by_another, "lock", "m1", RD_LEVEL_BLOCK, "bob@night"},
};

/* "manual-restore" of it: what it says when nothing is wrong but what the scenery brings */
static void
test_well(void)
{
	/* the scenery's own: no snapshot, and what an earlier restore left on m0 */
	static const char *const own[] = {"backup", "leftovers", NULL};
	Scene scene;
	g_autoptr(RdPreflight) preflight = NULL;
	guint judged = 0;

	scene_begin(&scene);
	preflight = look(&scene);
	dump(preflight);
	for (guint i = 0; i < preflight->findings->len; i++) {
		const RdFinding *finding = preflight->findings->pdata[i];

		if (!g_strv_contains(own, finding->check))
			g_assert_cmpint(finding->level, ==, RD_LEVEL_OK);
		g_assert_nonnull(rd_checks_find(finding->check));
	}
	for (guint i = 0; rd_checks[i].name != NULL; i++) {
		if (rd_checks[i].judge == NULL || g_str_equal(rd_checks[i].name, "powered-off") ||
		    g_str_equal(rd_checks[i].name, "script"))
			continue;
		judged++;
		if (!g_strv_contains(own, rd_checks[i].name) &&
		    find(preflight, rd_checks[i].name, NULL, RD_LEVEL_OK) == NULL)
			g_error("%s says nothing", rd_checks[i].name);
	}
	g_assert_cmpuint(judged, >, 15);
	scene_end(&scene);
}

static void
test_fault(gconstpointer data)
{
	guint i = GPOINTER_TO_UINT(data);
	Scene scene;
	g_autoptr(RdPreflight) preflight = NULL;
	const RdFinding *finding;

	scene_begin(&scene);
	faults[i].plant(&scene);
	preflight = look(&scene);
	dump(preflight);
	finding = find(preflight, faults[i].check, faults[i].host, faults[i].level);
	g_assert_nonnull(finding);
	if (strstr(finding->text, faults[i].words) == NULL)
		g_error("'%s' is not in: %s", faults[i].words, finding->text);
	g_assert_true((finding->remedy != NULL) == (faults[i].level != RD_LEVEL_OK));
	scene_end(&scene);
}

/* each row that judges has a fault above that it blocks or warns of, and its name is unique */
static void
test_table(void)
{
	for (guint i = 0; rd_checks[i].name != NULL; i++) {
		gboolean planted = rd_checks[i].judge == NULL;

		for (guint j = 0; j < G_N_ELEMENTS(faults); j++)
			planted |= g_str_equal(faults[j].check, rd_checks[i].name);
		if (!planted)
			g_error("no fault is planted for %s", rd_checks[i].name);
		g_assert_true(rd_checks_find(rd_checks[i].name) == &rd_checks[i]);
	}
}

/* what a person types who has read it: its own hash, not a yes to whatever will be there */
static void
test_unseen_script(void)
{
	g_autofree char *words = NULL;
	Scene scene;
	g_autoptr(RdPreflight) preflight = NULL;
	const RdFinding *finding;
	const char *sha256;

	scene_begin(&scene);
	unseen_script(&scene);
	sha256 = rd_sim_node_sha256(rd_sim_tree_find(host(&scene, "m0")->tree, RD_SIM_SCRIPT));
	words = g_strdup_printf("-i accept-unknown-script=%s;", sha256);
	preflight = look(&scene);
	finding = find(preflight, "script", "m0", RD_LEVEL_WARN);
	g_assert_nonnull(finding);
	g_assert_nonnull(strstr(finding->remedy, words));
	scene_end(&scene);
}

/* no secret leaves a host: what was asked of the encryption configuration are names */
static void
test_secret(void)
{
	Scene scene;
	g_autoptr(RdPreflight) preflight = NULL;

	scene_begin(&scene);
	preflight = look(&scene);
	g_assert_cmpstr(rd_cluster_facts_find(preflight->facts, "m1")->encryption_key, ==,
			"aescbc/2");
	scene_end(&scene);
}

/* ---- overrides and metrics ----------------------------------------------------------------- */

static void
test_override(void)
{
	static const struct {
		const char *check, *reason, *wrong;
	} cases[] = {
	    {"clocks", "ntp is back soon", NULL},    {"clocks", "", "reason"},
	    {"clock-skew", "x", "no such check"},    {"same-cluster", "I know", "certificate"},
	    {"lock", "I know", "end the other run"},
	};
	g_autoptr(GHashTable) table = g_hash_table_new(g_str_hash, g_str_equal);
	g_autofree char *blocks = NULL;
	g_autofree char *left = NULL;
	Scene scene;
	g_autoptr(RdPreflight) preflight = NULL, again = NULL;

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;

		g_hash_table_remove_all(table);
		g_hash_table_insert(table, (char *)cases[i].check, (char *)cases[i].reason);
		g_assert_true(rd_preflight_may_override(table, &error) == (cases[i].wrong == NULL));
		if (cases[i].wrong != NULL)
			g_assert_nonnull(strstr(error->message, cases[i].wrong));
	}
	scene_begin(&scene);
	clock_off(&scene);
	no_image(&scene);
	scene.options.backup = NULL;
	preflight = look(&scene);
	blocks = rd_preflight_blocks(preflight->findings);
	g_assert_cmpstr(blocks, ==, "clocks, image");
	g_hash_table_remove_all(table);
	g_hash_table_insert(table, (char *)"image", (char *)"it is pulled right now");
	scene.options.overrides = table;
	again = look(&scene);
	left = rd_preflight_blocks(again->findings);
	g_assert_cmpstr(left, ==, "clocks");
	g_assert_cmpstr(find(again, "image", "m1", RD_LEVEL_BLOCK)->override, ==,
			"it is pulled right now");
	g_assert_cmpuint(rd_findings_count(again->findings, RD_LEVEL_BLOCK), ==, 1);
	scene_end(&scene);
}

static void
test_metrics(void)
{
	Scene scene;
	g_autoptr(RdPreflight) preflight = NULL;
	g_autofree char *path = NULL;
	g_autofree char *text = NULL;
	g_autoptr(GError) error = NULL;
	GStatBuf status;

	scene_begin(&scene);
	clock_off(&scene);
	g_free(scene.inventory->cluster);
	scene.inventory->cluster = g_strdup("a\"b\\c");
	preflight = look(&scene);
	path = g_build_filename(scene.backup, "recoveryd.prom", NULL);
	g_assert_true(g_file_set_contents(path, "old", -1, NULL));
	g_assert_true(rd_metrics_write(path, preflight, &error));
	g_assert_no_error(error);
	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	g_assert_nonnull(strstr(
	    text, "\nrecoveryd_check{cluster=\"a\\\"b\\\\c\",host=\"m1\",check=\"clocks\"} 2\n"));
	g_assert_nonnull(strstr(text, "host=\"m1\",check=\"kubelet\"} 0\n"));
	g_assert_nonnull(strstr(text, "\nrecoveryd_backup_timestamp_seconds{"));
	g_assert_true(g_str_has_suffix(text, "\n"));
	g_assert_cmpint(g_stat(path, &status), ==, 0);
	g_assert_cmpint(status.st_mode & 0777, ==, 0644);
	/* each series once, or the collector refuses the file */
	for (const char *at = text; at != NULL && *at != '\0'; at = strchr(at, '\n') + 1) {
		g_autofree char *line = g_strndup(at, strcspn(at, "}") + 1);
		const char *first = strstr(text, line);

		if (*at != '#')
			g_assert_true(strstr(first + 1, line) == NULL);
		if (strchr(at, '\n') == NULL)
			break;
	}
	scene_end(&scene);
}

/* docs/checks.md is what the program prints */
static void
test_docs(void)
{
	g_autofree char *path =
	    g_build_filename(g_getenv("SOURCE_ROOT"), "docs", "checks.md", NULL);
	g_autoptr(GString) printed = g_string_new(NULL);
	g_autofree char *text = NULL;

	rd_checks_print(printed);
	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	if (strstr(text, printed->str) == NULL)
		g_error("%s does not hold what `recoveryd man checks` prints", path);
}

int
main(int argc, char **argv)
{
	gint64 now = g_get_real_time() / G_USEC_PER_SEC;
	int status;

	g_test_init(&argc, &argv, NULL);
	signer = make_certificate("openshift-etcd_etcd-signer", now - DAY, now + 900 * DAY);
	other_signer = make_certificate("openshift-etcd_etcd-signer", now - DAY, now + 900 * DAY);
	g_test_add_func("/preflight/well", test_well);
	g_test_add_func("/preflight/table", test_table);
	for (guint i = 0; i < G_N_ELEMENTS(faults); i++) {
		g_autofree char *name = g_strdup_printf("/preflight/fault/%s", faults[i].name);

		g_test_add_data_func(name, GUINT_TO_POINTER(i), test_fault);
	}
	g_test_add_func("/preflight/unseen-script", test_unseen_script);
	g_test_add_func("/preflight/secret", test_secret);
	g_test_add_func("/preflight/override", test_override);
	g_test_add_func("/preflight/metrics", test_metrics);
	g_test_add_func("/preflight/docs", test_docs);
	status = g_test_run();
	g_free(signer);
	g_free(other_signer);
	return status;
}
