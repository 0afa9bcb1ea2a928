/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/outlive.h"

/* what is said before a run begins about that which may end before it does */

#define NOON G_GINT64_CONSTANT(1798804800) /* 2027-01-01T12:00:00Z */

typedef struct {
	char *dir, *agent;
	GPid pid;
	int life;
} Fixture;

/* The agent lives as long as its command, and that as long as our end of the pipe: it is setgid,
 * so no signal at the death of its parent reaches it. */
static void
setup(Fixture *f, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	char *argv[] = {"ssh-agent", "-a", NULL, "cat", NULL};

	f->dir = g_dir_make_tmp("outlive-XXXXXX", NULL);
	argv[2] = f->agent = g_build_filename(f->dir, "socket", NULL);
	g_spawn_async_with_pipes(NULL, argv, NULL,
				 G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD |
				     G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL,
				 NULL, NULL, &f->pid, &f->life, NULL, NULL, &error);
	g_assert_no_error(error);
	for (guint i = 0; i < 1000 && !g_file_test(f->agent, G_FILE_TEST_EXISTS); i++)
		g_usleep(10000);
}

static void
teardown(Fixture *f, gconstpointer data)
{
	g_autofree char *command = g_strdup_printf("rm -rf %s", f->dir);

	close(f->life);
	g_spawn_close_pid(f->pid);
	g_unsetenv("SSH_AUTH_SOCK");
	g_assert_true(g_spawn_command_line_sync(command, NULL, NULL, NULL, NULL));
	g_free(f->dir);
	g_free(f->agent);
}

static RdInventory *
inventory(Fixture *f, const char *hosts)
{
	g_autofree char *path = g_build_filename(f->dir, "cluster.yaml", NULL);
	g_autofree char *text =
	    g_strdup_printf("cluster: lab\ndefaults: {user: core, known-hosts: known}\n"
			    "hosts:\n%s",
			    hosts);
	g_autoptr(GError) error = NULL;
	RdInventory *self = rd_inventory_parse(path, text, strlen(text), NULL, &error);

	g_assert_no_error(error);
	return self;
}

static void
shell(Fixture *f, const char *script)
{
	char *argv[] = {"sh", "-c", (char *)script, NULL};
	int status = -1;

	g_assert_true(g_spawn_sync(f->dir, argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL,
				   &status, NULL));
	g_assert_cmpint(status, ==, 0);
}

#define AGENT_HOSTS                                                                                \
	"- {name: m0, address: 10.0.0.1, role: control-plane}\n"                                   \
	"- {name: m1, address: 10.0.0.2, role: control-plane, key: key}\n"                         \
	"- {name: m2, address: 10.0.0.3, role: control-plane, key: key,"                           \
	" jump: {address: 10.0.0.9, user: hop, agent: yes}}\n"

static void
test_agents(Fixture *f, gconstpointer data)
{
	g_autoptr(RdInventory) hosts = NULL;
	g_autoptr(GPtrArray) none = NULL;
	g_autoptr(GPtrArray) gone = NULL;
	g_autoptr(GPtrArray) local = NULL;
	const char *text;

	shell(f, "ssh-keygen -q -t ed25519 -N '' -f key");
	hosts = inventory(f, AGENT_HOSTS);
	none = rd_outlive_doubts(hosts, NULL, NOON);
	g_assert_cmpuint(none->len, ==, 1);
	text = g_ptr_array_index(none, 0);
	g_assert_true(g_str_has_prefix(text, "m0, m2: only an ssh agent"));
	g_assert_nonnull(strstr(text, "SSH_AUTH_SOCK is not set"));
	gone = rd_outlive_doubts(hosts, "/nonexistent/agent", NOON);
	g_assert_nonnull(strstr(g_ptr_array_index(gone, 0), "/nonexistent/agent: No such file"));
	local = rd_outlive_doubts(hosts, f->agent, NOON);
	g_assert_cmpuint(local->len, ==, 1);
	text = g_ptr_array_index(local, 0);
	g_assert_nonnull(strstr(text, f->agent));
	g_assert_null(strstr(text, "LOGOUT"));
}

static void
test_certificates(Fixture *f, gconstpointer data)
{
	static const struct {
		const char *valid; /* to, as ssh-keygen has it */
		const char *said;  /* NULL: nothing */
	} cases[] = {
	    {"20270101114500Z", "has expired at 2027-01-01T11:45:00Z"},
	    {"20270101124200Z", "expires at 2027-01-01T12:42:00Z, in 42 min"},
	    {"20270103120000Z", NULL},
	};

	shell(f, "ssh-keygen -q -t ed25519 -N '' -f key; ssh-keygen -q -t ed25519 -N '' -f ca");
	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *script = g_strdup_printf("TZ=UTC ssh-keygen -q -s ca -I t -n core "
							  "-V 20200101000000Z:%s key.pub",
							  cases[i].valid);
		g_autoptr(RdInventory) hosts = NULL;
		g_autoptr(GPtrArray) doubts = NULL;

		shell(f, script);
		hosts = inventory(f, "- {name: m0, address: 10.0.0.1, role: control-plane, key: "
				     "key}\n");
		doubts = rd_outlive_doubts(hosts, NULL, NOON);
		g_assert_cmpuint(doubts->len, ==, cases[i].said != NULL ? 1 : 0);
		if (cases[i].said != NULL)
			g_assert_nonnull(strstr(g_ptr_array_index(doubts, 0), cases[i].said));
	}
}

/* the newest login's agent that answers, once; a dead one takes no other's place */
static void
test_lend(Fixture *f, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(RdRundir) dir = rd_rundir_create(f->dir, FALSE, &error);
	g_autofree char *link = NULL;
	g_autofree char *target = NULL;
	RdCli cli = {0};

	g_assert_no_error(error);
	link = rd_rundir_file(dir, RD_RUNDIR_AGENT);
	g_unsetenv("SSH_AUTH_SOCK");
	g_assert_false(rd_outlive_lend_agent(&cli, dir));
	g_assert_false(g_file_test(link, G_FILE_TEST_IS_SYMLINK));
	g_assert_cmpint(symlink("/nonexistent/agent", link), ==, 0);
	g_setenv("SSH_AUTH_SOCK", f->agent, TRUE);
	g_assert_true(rd_outlive_lend_agent(&cli, dir));
	g_assert_false(rd_outlive_lend_agent(&cli, dir));
	g_setenv("SSH_AUTH_SOCK", "/nonexistent/other", TRUE);
	g_assert_false(rd_outlive_lend_agent(&cli, dir));
	target = g_file_read_link(link, NULL);
	g_assert_cmpstr(target, ==, f->agent);
}

int
main(int argc, char **argv)
{
	g_autofree char *agent = g_find_program_in_path("ssh-agent");

	g_test_init(&argc, &argv, NULL);
	if (agent == NULL) {
		g_print("1..0 # SKIP needs ssh-agent and ssh-keygen: NOT TESTED\n");
		return 0;
	}
	g_test_add("/outlive/agents", Fixture, NULL, setup, test_agents, teardown);
	g_test_add("/outlive/certificates", Fixture, NULL, setup, test_certificates, teardown);
	g_test_add("/outlive/lend", Fixture, NULL, setup, test_lend, teardown);
	return g_test_run();
}
