/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <gio/gio.h>
#include <json-glib/json-glib.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* A real etcd, for snapshots that nobody here has made up. The program and etcdctl are those of
 * PATH, or of the directory in ETCD_DIR. */

#define ETCD_DEADLINE_S	  60
#define ETCD_TXN_OPS	  100 /* the server takes 128 */
#define ETCD_VALUE_BIG	  (1024 * 1024)
#define ETCD_SNAPSHOT_SUM 32
/* Of etcd's tools, when they are shown damaged files: on some of them etcdctl takes all the memory
 * there is (more than 20 GiB were seen), and with it the machine. Of data, not of address space: a
 * restore maps 10 GiB of file. */
#define ETCD_TOOL_MEMORY (G_GUINT64_CONSTANT(2) << 30) /* bytes */
#define ETCD_TOOL_CPU_S	 5

typedef struct {
	GSubprocess *process;
	char *endpoint, *data;
} Etcd;

G_GNUC_UNUSED static char *
etcd_program(const char *name)
{
	const char *dir = g_getenv("ETCD_DIR");

	return dir != NULL ? g_build_filename(dir, name, NULL) : g_find_program_in_path(name);
}

static void
etcd_die_with_parent(gpointer data)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static void
etcd_limit_tool(gpointer data)
{
	const struct rlimit memory = {ETCD_TOOL_MEMORY, ETCD_TOOL_MEMORY};
	const struct rlimit cpu = {ETCD_TOOL_CPU_S, ETCD_TOOL_CPU_S};
	const struct rlimit core = {0, 0};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* without them nothing is started at all */
	if (setrlimit(RLIMIT_DATA, &memory) != 0 || setrlimit(RLIMIT_CPU, &cpu) != 0 ||
	    setrlimit(RLIMIT_CORE, &core) != 0)
		_exit(127);
}

/* what it printed; NULL when it failed */
G_GNUC_UNUSED static char *
etcd_run(const char *program, const char *input, const char *const *arguments)
{
	g_autofree char *path = etcd_program(program);
	g_autoptr(GPtrArray) argv = g_ptr_array_new();
	g_autoptr(GSubprocessLauncher) launcher = NULL;
	g_autoptr(GSubprocess) process = NULL;
	g_autoptr(GError) error = NULL;
	char *output = NULL;

	g_ptr_array_add(argv, path);
	for (guint i = 0; arguments[i] != NULL; i++)
		g_ptr_array_add(argv, (char *)arguments[i]);
	g_ptr_array_add(argv, NULL);
	launcher = g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDIN_PIPE |
					     G_SUBPROCESS_FLAGS_STDOUT_PIPE |
					     G_SUBPROCESS_FLAGS_STDERR_SILENCE);
	g_subprocess_launcher_setenv(launcher, "ETCDCTL_API", "3", TRUE);
	g_subprocess_launcher_set_child_setup(launcher, etcd_limit_tool, NULL, NULL);
	process = g_subprocess_launcher_spawnv(launcher, (const char *const *)argv->pdata, &error);
	g_assert_no_error(error);
	g_subprocess_communicate_utf8(process, input, NULL, &output, NULL, &error);
	g_assert_no_error(error);
	if (g_subprocess_get_successful(process))
		return output;
	g_free(output);
	return NULL;
}

static gboolean etcd_ctl(Etcd *self, const char *input, const char *first,
			 ...) G_GNUC_NULL_TERMINATED;

static gboolean
etcd_ctl(Etcd *self, const char *input, const char *first, ...)
{
	g_autoptr(GPtrArray) argv = g_ptr_array_new();
	g_autofree char *endpoint = g_strconcat("--endpoints=", self->endpoint, NULL);
	g_autofree char *output = NULL;
	const char *argument = NULL;
	va_list args;

	g_ptr_array_add(argv, endpoint);
	va_start(args, first);
	for (argument = first; argument != NULL; argument = va_arg(args, const char *))
		g_ptr_array_add(argv, (char *)argument);
	va_end(args);
	g_ptr_array_add(argv, NULL);
	output = etcd_run("etcdctl", input, (const char *const *)argv->pdata);
	return output != NULL;
}

G_GNUC_UNUSED static void
etcd_start(Etcd *self, const char *data)
{
	/* an address of our own on the loopback network, so that no port is contended for */
	guint pid = getpid();
	g_autofree char *host = g_strdup_printf("127.%u.%u.%u", 1 + pid / 64516 % 254,
						1 + pid / 254 % 254, 1 + pid % 254);
	g_autofree char *peer = g_strdup_printf("http://%s:23800", host);
	g_autofree char *cluster = g_strdup_printf("m0=%s", peer);
	g_autofree char *path = etcd_program("etcd");
	g_autoptr(GSubprocessLauncher) launcher = g_subprocess_launcher_new(
	    G_SUBPROCESS_FLAGS_STDOUT_SILENCE | G_SUBPROCESS_FLAGS_STDERR_SILENCE);
	g_autoptr(GError) error = NULL;
	gint64 deadline = g_get_monotonic_time() + ETCD_DEADLINE_S * G_USEC_PER_SEC;

	self->endpoint = g_strdup_printf("http://%s:23790", host);
	self->data = g_strdup(data);
	g_subprocess_launcher_set_child_setup(launcher, etcd_die_with_parent, NULL, NULL);
	self->process = g_subprocess_launcher_spawn(
	    launcher, &error, path, "--name", "m0", "--data-dir", data, "--listen-client-urls",
	    self->endpoint, "--advertise-client-urls", self->endpoint, "--listen-peer-urls", peer,
	    "--initial-advertise-peer-urls", peer, "--initial-cluster", cluster, NULL);
	g_assert_no_error(error);
	while (!etcd_ctl(self, NULL, "endpoint", "health", NULL)) {
		g_assert_cmpint(g_get_monotonic_time(), <, deadline);
		g_usleep(100000);
	}
}

G_GNUC_UNUSED static void
etcd_stop(Etcd *self)
{
	g_subprocess_force_exit(self->process);
	g_subprocess_wait(self->process, NULL, NULL);
	g_clear_object(&self->process);
	g_clear_pointer(&self->endpoint, g_free);
	g_clear_pointer(&self->data, g_free);
}

G_GNUC_UNUSED static void
etcd_save(Etcd *self, const char *path)
{
	g_assert_true(etcd_ctl(self, NULL, "snapshot", "save", path, NULL));
}

/* @count keys from "/registry/KIND/ns/N" on, each with a value of @size bytes */
G_GNUC_UNUSED static void
etcd_put_many(Etcd *self, const char *kind, guint from, guint count, gsize size)
{
	g_autofree char *value = g_strnfill(size, 'v');

	for (guint done = 0; done < count; done += ETCD_TXN_OPS) {
		g_autoptr(GString) txn = g_string_new("\n");

		for (guint i = done; i < MIN(count, done + ETCD_TXN_OPS); i++)
			g_string_append_printf(txn, "put /registry/%s/ns%u/n%06u %s%u\n", kind,
					       (from + i) % 3, from + i, value, i);
		g_string_append(txn, "\n\n");
		g_assert_true(etcd_ctl(self, txn->str, "txn", NULL));
	}
}

/* ---- layouts ------------------------------------------------------------------------------- */

static void
layout_empty(Etcd *etcd)
{
}

static void
layout_many(Etcd *etcd)
{
	etcd_put_many(etcd, "pods", 0, 3000, 60);
}

/* history: changed, deleted, compacted, and written on after that */
static void
layout_history(Etcd *etcd)
{
	etcd_put_many(etcd, "pods", 0, 600, 200);
	etcd_put_many(etcd, "pods", 200, 200, 200);
	g_assert_true(etcd_ctl(etcd, NULL, "del", "--prefix", "/registry/pods/ns1", NULL));
	g_assert_true(etcd_ctl(etcd, NULL, "compaction", "8", NULL));
	etcd_put_many(etcd, "pods", 100, 200, 200);
	g_assert_true(etcd_ctl(etcd, NULL, "del", "--prefix", "/registry/pods/ns2", NULL));
	etcd_put_many(etcd, "pods", 500, 10, 200);
}

static void
layout_defragmented(Etcd *etcd)
{
	layout_history(etcd);
	g_assert_true(etcd_ctl(etcd, NULL, "defrag", NULL));
}

/* values that need pages behind their page, beside small ones */
static void
layout_big(Etcd *etcd)
{
	g_autofree char *value = g_strnfill(ETCD_VALUE_BIG, 'b');

	etcd_put_many(etcd, "pods", 0, 50, 5000);
	for (guint i = 0; i < 4; i++) {
		g_autofree char *key = g_strdup_printf("/registry/secrets/big/n%u", i);

		g_assert_true(etcd_ctl(etcd, value, "put", key, NULL));
	}
	etcd_put_many(etcd, "configmaps", 0, 50, 30000 / 50);
}

static void
layout_buckets(Etcd *etcd)
{
	for (guint i = 0; i < 12; i++)
		g_assert_true(etcd_ctl(etcd, NULL, "lease", "grant", "3600", NULL));
	etcd_put_many(etcd, "pods", 0, 20, 20);
	for (guint i = 0; i < 12; i++) {
		g_autofree char *name = g_strdup_printf("person-%02u", i);

		g_assert_true(etcd_ctl(etcd, NULL, "role", "add", name, NULL));
		g_assert_true(etcd_ctl(etcd, NULL, "role", "grant-permission", name, "readwrite",
				       name, NULL));
		g_assert_true(etcd_ctl(etcd, NULL, "user", "add", "--no-password", name, NULL));
		g_assert_true(etcd_ctl(etcd, NULL, "user", "grant-role", name, name, NULL));
	}
	g_assert_true(etcd_ctl(etcd, NULL, "member", "add", "m1", "--learner",
			       "--peer-urls=http://127.9.9.9:2380", NULL));
}

static const struct {
	const char *name;
	void (*make)(Etcd *etcd);
} etcd_layouts[] = {
    {"empty", layout_empty},	     {"many", layout_many}, {"history", layout_history},
    {"defrag", layout_defragmented}, {"big", layout_big},   {"buckets", layout_buckets},
};

/* path → name of the layout, each a snapshot in @dir; empty without etcd */
G_GNUC_UNUSED static GPtrArray *
etcd_make_layouts(const char *dir)
{
	GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *found = etcd_program("etcd");

	for (guint i = 0; found != NULL && i < G_N_ELEMENTS(etcd_layouts); i++) {
		g_autofree char *data = g_strdup_printf("%s/etcd-%s", dir, etcd_layouts[i].name);
		char *path = g_strdup_printf("%s/%s.db", dir, etcd_layouts[i].name);
		Etcd etcd = {0};

		etcd_start(&etcd, data);
		etcd_layouts[i].make(&etcd);
		etcd_save(&etcd, path);
		etcd_stop(&etcd);
		g_ptr_array_add(paths, path);
	}
	return paths;
}

/* ---- what etcd's own tool says of a snapshot ------------------------------------------------ */

typedef struct {
	guint32 hash;
	gint64 revision, total_key, total_size;
} EtcdStatus;

/* FALSE when it calls @path broken, or dies of it */
G_GNUC_UNUSED static gboolean
etcd_status(const char *path, EtcdStatus *status)
{
	const char *const arguments[] = {"snapshot", "status", path, "-w", "json", NULL};
	g_autofree char *output = etcd_run("etcdctl", NULL, arguments);
	g_autoptr(JsonParser) parser = json_parser_new();
	JsonObject *object = NULL;

	if (output == NULL || !json_parser_load_from_data(parser, output, -1, NULL))
		return FALSE;
	object = json_node_get_object(json_parser_get_root(parser));
	status->hash = json_object_get_int_member(object, "hash");
	status->revision = json_object_get_int_member(object, "revision");
	status->total_key = json_object_get_int_member(object, "totalKey");
	status->total_size = json_object_get_int_member(object, "totalSize");
	return TRUE;
}

/* the SHA-256 behind a snapshot, for content that was changed */
G_GNUC_UNUSED static void
etcd_seal(GByteArray *bytes)
{
	g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
	gsize size = ETCD_SNAPSHOT_SUM;

	g_checksum_update(checksum, bytes->data, bytes->len - size);
	g_checksum_get_digest(checksum, bytes->data + bytes->len - size, &size);
}
