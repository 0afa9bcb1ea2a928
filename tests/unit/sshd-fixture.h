/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "host/host.h"
#include "host/tcp.h"
#include <arpa/inet.h>
#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <recovery/plugin.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* A real sshd on 127.0.0.1 with fresh keys in a temporary directory. */

typedef struct {
	char *dir;  /* keys, configuration */
	char *root; /* the wrapper's files */
	guint16 port;
	GPid pid;
	int cancel[2];
	GPtrArray *addresses; /* (element-type RdHostAddress) */
	RdWorld *world;
} Sshd;

static inline char *
sshd_path(Sshd *sshd, const char *name)
{
	return g_build_filename(sshd->dir, name, NULL);
}

static inline void shell(const char *format, ...) G_GNUC_PRINTF(1, 2);
static inline void
shell(const char *format, ...)
{
	g_autofree char *command = NULL;
	g_autoptr(GError) error = NULL;
	va_list arguments;
	const char *argv[] = {"sh", "-c", NULL, NULL};
	int status;

	va_start(arguments, format);
	command = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	argv[2] = command;
	g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL,
		     NULL, NULL, NULL, NULL, &status, &error);
	g_assert_no_error(error);
	if (status != 0)
		g_error("%s: %d", command, status);
}

static inline char *
read_text(const char *path)
{
	char *text = NULL;

	return g_file_get_contents(path, &text, NULL, NULL) ? text : g_strdup("");
}

static inline int
listen_somewhere(guint16 *port)
{
	struct sockaddr_in name = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof name;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	g_assert_cmpint(bind(fd, (struct sockaddr *)&name, sizeof name), ==, 0);
	g_assert_cmpint(listen(fd, 10), ==, 0);
	g_assert_cmpint(getsockname(fd, (struct sockaddr *)&name, &size), ==, 0);
	*port = ntohs(name.sin_port);
	return fd;
}

/* a server goes when the test does, however that ends */
static inline void
die_with_parent(gpointer data)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static inline GPid
spawn_server(const char *const *argv)
{
	g_autoptr(GError) error = NULL;
	GPid pid;

	g_spawn_async(NULL, (char **)argv, NULL,
		      G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL |
			  G_SPAWN_STDERR_TO_DEV_NULL,
		      die_with_parent, NULL, &pid, &error);
	g_assert_no_error(error);
	return pid;
}

static inline void
sshd_start(Sshd *sshd, const char *more)
{
	g_autofree char *config = sshd_path(sshd, "config");
	g_autofree char *text = NULL;
	const char *argv[] = {"/usr/sbin/sshd", "-D", "-e", "-f", config, NULL};
	int fd;

	close(listen_somewhere(&sshd->port));
	text = g_strdup_printf("ListenAddress 127.0.0.1:%u\nHostKey %s/host\nHostKey %s/host2\n"
			       "AuthorizedKeysFile %s/authorized\nTrustedUserCAKeys %s/ca.pub\n"
			       "PidFile none\nUsePAM no\nStrictModes no\nUseDNS no\n"
			       "PermitRootLogin prohibit-password\nLogLevel QUIET\n"
			       "SetEnv SHLVL=1\nMaxStartups 100\n%s\n",
			       sshd->port, sshd->dir, sshd->dir, sshd->dir, sshd->dir, more);
	g_assert_true(g_file_set_contents(config, text, -1, NULL));
	sshd->pid = spawn_server(argv);
	for (guint i = 0; i < 1000; i++) {
		fd = rd_tcp_connect("127.0.0.1", sshd->port, -1, 10, NULL);
		if (fd >= 0) {
			close(fd);
			return;
		}
		g_usleep(10000);
	}
	g_error("sshd does not listen on %u", sshd->port);
}

/* (transfer full) "ssh-ed25519 AAAA..." */
static inline char *
public_key(Sshd *sshd, const char *name)
{
	g_autofree char *file = g_strconcat(sshd->dir, "/", name, ".pub", NULL);
	char *text = read_text(file);

	return g_strchomp(text);
}

static inline RdHostAddress *
sshd_address(Sshd *sshd, const char *name)
{
	RdHostAddress *address = rd_host_address_new(name, "127.0.0.1", "root");

	address->port = sshd->port;
	address->key_file = sshd_path(sshd, "key");
	address->host_key = public_key(sshd, "host");
	return address;
}

static inline void
sshd_set_up(Sshd *sshd, gconstpointer more)
{
	g_assert_cmpint(pipe(sshd->cancel), ==, 0);
	sshd->dir = g_dir_make_tmp("rd-sshd-XXXXXX", NULL);
	sshd->root = sshd_path(sshd, "recoveryd");
	shell("mkdir -p /run/sshd; cd %s && ssh-keygen -qt ed25519 -N '' -f host && "
	      "ssh-keygen -qt ecdsa -N '' -f host2 && ssh-keygen -qt ed25519 -N '' -f key && "
	      "ssh-keygen -qt ed25519 -N '' -f ca && ssh-keygen -qt ed25519 -N '' -f other && "
	      "ssh-keygen -qt rsa -b 2048 -N '' -f rsa && cp key.pub authorized",
	      sshd->dir);
	sshd_start(sshd, more != NULL ? more : "");
	sshd->addresses = g_ptr_array_new_with_free_func((GDestroyNotify)rd_host_address_free);
	g_ptr_array_add(sshd->addresses, sshd_address(sshd, "m0"));
}

/* after the addresses are as the test wants them */
static inline RdWorld *
sshd_world(Sshd *sshd)
{
	if (sshd->world == NULL) {
		sshd->world = rd_host_world_new(sshd->addresses, "r1", sshd->cancel[0]);
		rd_host_world_set_root(sshd->world, sshd->root);
	}
	return sshd->world;
}

/* children of @pid and theirs, signalled; the processes of sessions. How many there were. */
static inline guint
signal_children(GPid pid, int number)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/task/%d/children", pid, pid);
	g_autofree char *text = read_text(path);
	g_auto(GStrv) pids = g_strsplit(text, " ", -1);
	guint n = 0;

	for (guint i = 0; pids[i] != NULL; i++) {
		GPid child = (GPid)g_ascii_strtoll(pids[i], NULL, 10);

		if (child <= 1)
			continue;
		n += 1 + signal_children(child, number);
		kill(child, number);
	}
	return n;
}

static inline void
sshd_tear_down(Sshd *sshd, gconstpointer more)
{
	rd_host_world_free(sshd->world);
	g_ptr_array_unref(sshd->addresses);
	signal_children(sshd->pid, SIGKILL);
	kill(sshd->pid, SIGKILL);
	g_spawn_close_pid(sshd->pid);
	shell("rm -rf %s", sshd->dir);
	close(sshd->cancel[0]);
	close(sshd->cancel[1]);
	g_free(sshd->dir);
	g_free(sshd->root);
}

static inline gboolean
ask(Sshd *sshd, const char *host, const char *script, RdReply *reply, GError **error)
{
	const char *argv[] = {"sh", "-c", script, NULL};
	RdCall call = {.verb = RD_CALL_ASK, .argv = argv};
	RdWorld *world = sshd_world(sshd);

	rd_reply_clear(reply);
	return world->klass->call(world, host, &call, reply, error);
}

static inline double
seconds_since(gint64 start)
{
	return (double)(rd_boottime() - start) / G_USEC_PER_SEC;
}

#define assert_has(text, part)                                                                     \
	do {                                                                                       \
		if (strstr(text, part) == NULL)                                                    \
			g_error("\"%s\" is not in \"%s\"", part, text);                            \
	} while (0)
#define assert_code(failure, expected)                                                             \
	do {                                                                                       \
		g_test_message("%s", (failure) != NULL ? (failure)->message : "no error");         \
		g_assert_error(failure, RECOVERY_ERROR, expected);                                 \
	} while (0)
