/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/agent.h"
#include "sshd-fixture.h"

/* trust and login; what happens on the wire is in test-host.c */

static RdHostAddress *
m0(Sshd *sshd)
{
	return g_ptr_array_index(sshd->addresses, 0);
}

static void
use_known_hosts(Sshd *sshd, const char *key)
{
	g_autofree char *text = NULL;

	g_clear_pointer(&m0(sshd)->host_key, g_free);
	m0(sshd)->known_hosts = sshd_path(sshd, "known");
	if (key == NULL)
		return;
	text = g_strdup_printf("[127.0.0.1]:%u %s\n", sshd->port, key);
	g_assert_true(g_file_set_contents(m0(sshd)->known_hosts, text, -1, NULL));
}

static void
assert_trusted(Sshd *sshd)
{
	g_auto(RdReply) reply = {0};
	g_autoptr(GError) error = NULL;

	ask(sshd, "m0", "exit 3", &reply, &error);
	g_assert_no_error(error);
	g_assert_cmpint(reply.verdict, ==, RD_VERDICT_DONE);
	g_assert_cmpint(reply.status, ==, 3);
}

/* refused for good, with these words and, if @shows, the fingerprint that the host showed */
static void
assert_refused(Sshd *sshd, const char *words, gboolean shows)
{
	g_auto(RdReply) reply = {0};
	g_autoptr(GError) error = NULL;
	g_autofree char *before = NULL;
	g_autofree char *after = NULL;
	g_autofree char *known = sshd_path(sshd, "known");

	before = read_text(known);
	g_assert_false(ask(sshd, "m0", "true", &reply, &error));
	assert_code(error, RECOVERY_ERROR_PERMANENT);
	assert_has(error->message, words);
	assert_has(error->message, "m0");
	if (shows)
		assert_has(error->message, "SHA256:");
	/* nothing is learned */
	after = read_text(known);
	g_assert_cmpstr(before, ==, after);
}

static void
test_pinned_key(Sshd *sshd, gconstpointer data)
{
	assert_trusted(sshd);
}

static void
test_pinned_second_key(Sshd *sshd, gconstpointer data)
{
	g_free(m0(sshd)->host_key);
	m0(sshd)->host_key = public_key(sshd, "host2");
	assert_trusted(sshd);
}

static void
test_pinned_one_of_two(Sshd *sshd, gconstpointer data)
{
	g_autofree char *other = public_key(sshd, "other");
	g_autofree char *host = g_steal_pointer(&m0(sshd)->host_key);

	m0(sshd)->host_key = g_strdup_printf("%s\n%s\n", other, host);
	assert_trusted(sshd);
}

static void
test_pinned_changed(Sshd *sshd, gconstpointer data)
{
	g_free(m0(sshd)->host_key);
	m0(sshd)->host_key = public_key(sshd, "other");
	assert_refused(sshd, "CHANGED", TRUE);
}

static void
test_pinned_other_type(Sshd *sshd, gconstpointer data)
{
	g_free(m0(sshd)->host_key);
	m0(sshd)->host_key = public_key(sshd, "rsa");
	assert_refused(sshd, "another type", TRUE);
}

static void
test_pinned_nonsense(Sshd *sshd, gconstpointer data)
{
	g_free(m0(sshd)->host_key);
	m0(sshd)->host_key = g_strdup("ssh-ed25519 nonsense");
	assert_refused(sshd, "is not a key", FALSE);
}

static void
test_known_hosts(Sshd *sshd, gconstpointer data)
{
	g_autofree char *key = public_key(sshd, "host");

	use_known_hosts(sshd, key);
	assert_trusted(sshd);
}

static void
test_known_hosts_changed(Sshd *sshd, gconstpointer data)
{
	g_autofree char *key = public_key(sshd, "other");

	use_known_hosts(sshd, key);
	assert_refused(sshd, "CHANGED", TRUE);
}

static void
test_known_hosts_unknown(Sshd *sshd, gconstpointer data)
{
	use_known_hosts(sshd, NULL);
	assert_refused(sshd, "does not exist", TRUE);
	g_assert_true(g_file_set_contents(m0(sshd)->known_hosts, "", 0, NULL));
	assert_refused(sshd, "is unknown", TRUE);
}

static void
test_no_key_is_known_at_all(Sshd *sshd, gconstpointer data)
{
	g_clear_pointer(&m0(sshd)->host_key, g_free);
	assert_refused(sshd, "neither host_key nor known_hosts", FALSE);
}

static void
test_addresses_that_are_none(Sshd *sshd, gconstpointer data)
{
	static const char *const wrong[] = {"-oProxyCommand=x", "", "a b", "a/b", "x@y"};

	for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
		g_free(m0(sshd)->address);
		m0(sshd)->address = g_strdup(wrong[i]);
		assert_refused(sshd, "is not an address", FALSE);
	}
}

static void
test_wrong_key(Sshd *sshd, gconstpointer data)
{
	g_free(m0(sshd)->key_file);
	m0(sshd)->key_file = sshd_path(sshd, "other");
	assert_refused(sshd, "not accepted", FALSE);
	g_free(m0(sshd)->key_file);
	m0(sshd)->key_file = sshd_path(sshd, "missing");
	assert_refused(sshd, "not a readable private key", FALSE);
	g_clear_pointer(&m0(sshd)->key_file, g_free);
	assert_refused(sshd, "no key and no agent", FALSE);
}

static void
test_certificate(Sshd *sshd, gconstpointer data)
{
	g_free(m0(sshd)->key_file);
	m0(sshd)->key_file = sshd_path(sshd, "other");
	shell("cd %s && ssh-keygen -q -s ca -I test -n root other.pub", sshd->dir);
	assert_trusted(sshd);
}

static void
test_agent(Sshd *sshd, gconstpointer data)
{
	g_autofree char *path = sshd_path(sshd, "agent");
	const char *argv[] = {"ssh-agent", "-D", "-a", path, NULL};
	GPid pid;

	pid = spawn_server(argv);
	for (guint i = 0; i < 1000 && !g_file_test(path, G_FILE_TEST_EXISTS); i++)
		g_usleep(10000);
	g_setenv("SSH_AUTH_SOCK", path, TRUE);
	g_clear_pointer(&m0(sshd)->key_file, g_free);
	m0(sshd)->use_agent = TRUE;
	assert_refused(sshd, "agent's keys: not accepted", FALSE);
	shell("ssh-add -q %s/key 2>/dev/null", sshd->dir);
	assert_trusted(sshd);
	kill(pid, SIGKILL);
	g_spawn_close_pid(pid);
	g_unsetenv("SSH_AUTH_SOCK");
}

/* a forwarded agent whose login is gone takes connections and says nothing */
static void
test_agent_that_is_silent(Sshd *sshd, gconstpointer data)
{
	g_autofree char *path = sshd_path(sshd, "agent");
	g_autoptr(GSocketListener) listener = g_socket_listener_new();
	g_autoptr(GSocketAddress) address = g_unix_socket_address_new(path);
	gint64 start = rd_boottime();

	g_assert_true(g_socket_listener_add_address(listener, address, G_SOCKET_TYPE_STREAM,
						    G_SOCKET_PROTOCOL_DEFAULT, NULL, NULL, NULL));
	g_setenv("SSH_AUTH_SOCK", path, TRUE);
	g_clear_pointer(&m0(sshd)->key_file, g_free);
	m0(sshd)->use_agent = TRUE;
	assert_refused(sshd, "does not answer", FALSE);
	g_assert_cmpfloat(seconds_since(start), <, 10);
	g_unsetenv("SSH_AUTH_SOCK");
	assert_refused(sshd, "SSH_AUTH_SOCK is not set", FALSE);
}

/* a run's link: what it points to counts, and is looked at anew */
static void
test_agent_by_link(Sshd *sshd, gconstpointer data)
{
	g_autofree char *path = sshd_path(sshd, "agent");
	g_autofree char *link = sshd_path(sshd, "link");
	const char *argv[] = {"ssh-agent", "-D", "-a", path, NULL};
	g_auto(RdReply) reply = {0};
	g_autoptr(GError) error = NULL;
	GPid pid;

	g_unsetenv("SSH_AUTH_SOCK");
	g_clear_pointer(&m0(sshd)->key_file, g_free);
	m0(sshd)->use_agent = TRUE;
	m0(sshd)->agent = g_strdup(link);
	g_assert_cmpint(symlink("/nonexistent/agent", link), ==, 0);
	/* one that went away may come again: not for good */
	g_assert_false(ask(sshd, "m0", "true", &reply, &error));
	assert_code(error, RECOVERY_ERROR_UNREACHABLE);
	assert_has(error->message, "waiting for an ssh agent");
	assert_has(error->message, "/nonexistent/agent");
	pid = spawn_server(argv);
	for (guint i = 0; i < 1000 && !g_file_test(path, G_FILE_TEST_EXISTS); i++)
		g_usleep(10000);
	shell("SSH_AUTH_SOCK=%s ssh-add -q %s/key 2>/dev/null", path, sshd->dir);
	shell("ln -sfn %s %s", path, link);
	assert_trusted(sshd);
	/* an agent of this machine, not of a login */
	g_assert_false(rd_agent_is_forwarded(path));
	kill(pid, SIGKILL);
	g_spawn_close_pid(pid);
}

/* each type of key, with an end and without, by ssh-keygen's own word */
static void
test_certificate_ends(Sshd *sshd, gconstpointer data)
{
	static const char *const types[] = {"ed25519", "rsa", "ecdsa"};
	g_autofree char *none = sshd_path(sshd, "key");

	g_assert_cmpint(rd_certificate_end(none), ==, 0);
	for (guint i = 0; i < G_N_ELEMENTS(types); i++) {
		g_autofree char *path = g_strdup_printf("%s/of-%s", sshd->dir, types[i]);

		shell("cd %s && ssh-keygen -q -t %s -N '' -f %s && ssh-keygen -q -s ca -I test "
		      "-n root,core -V 20260101000000Z:20270203040506Z %s.pub",
		      sshd->dir, types[i], path, path);
		g_assert_cmpint(rd_certificate_end(path), ==, 1801627506);
		shell("cd %s && ssh-keygen -q -s ca -I test -n root %s.pub", sshd->dir, path);
		g_assert_cmpint(rd_certificate_end(path), ==, G_MAXINT64);
		/* half a certificate says nothing */
		shell("cut -c 1-200 %s-cert.pub >%s/half && mv %s/half %s-cert.pub", path,
		      sshd->dir, sshd->dir, path);
		g_assert_cmpint(rd_certificate_end(path), ==, 0);
	}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	if (geteuid() != 0 || !g_file_test("/usr/sbin/sshd", G_FILE_TEST_IS_EXECUTABLE)) {
		g_print("1..0 # SKIP needs root and sshd: NOT TESTED\n");
		return 0;
	}
#define ADD(path, test) g_test_add("/ssh/" path, Sshd, NULL, sshd_set_up, test, sshd_tear_down)
	ADD("pinned", test_pinned_key);
	ADD("pinned/second", test_pinned_second_key);
	ADD("pinned/of-two", test_pinned_one_of_two);
	ADD("pinned/changed", test_pinned_changed);
	ADD("pinned/other-type", test_pinned_other_type);
	ADD("pinned/nonsense", test_pinned_nonsense);
	ADD("known-hosts", test_known_hosts);
	ADD("known-hosts/changed", test_known_hosts_changed);
	ADD("known-hosts/unknown", test_known_hosts_unknown);
	ADD("known-hosts/none", test_no_key_is_known_at_all);
	ADD("address", test_addresses_that_are_none);
	ADD("login/wrong-key", test_wrong_key);
	ADD("login/certificate", test_certificate);
	ADD("login/agent", test_agent);
	ADD("login/silent-agent", test_agent_that_is_silent);
	ADD("login/agent-by-link", test_agent_by_link);
	ADD("certificate/end", test_certificate_ends);
	return g_test_run();
}
