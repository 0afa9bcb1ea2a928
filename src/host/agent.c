/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-host"
#include "host/agent.h"
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- the agent ----------------------------------------------------------------------------- */

/* -1 with errno */
static int
connect_agent(const char *path)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int fd;

	if (g_strlcpy(name.sun_path, path, sizeof name.sun_path) >= sizeof name.sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&name, sizeof name) != 0) {
		int error = errno;

		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

char *
rd_agent_trouble(const char *path)
{
	static const guint8 list_keys[] = {0, 0, 0, 1, 11};
	struct pollfd answer = {.events = POLLIN};
	char *trouble = NULL;
	guint8 byte;

	if (path == NULL)
		return g_strdup("no agent (SSH_AUTH_SOCK is not set)");
	answer.fd = connect_agent(path);
	if (answer.fd < 0)
		return g_strdup_printf("agent %s: %s", path, g_strerror(errno));
	if (send(answer.fd, list_keys, sizeof list_keys, MSG_NOSIGNAL) < 0 ||
	    poll(&answer, 1, 3000) != 1 || recv(answer.fd, &byte, 1, 0) != 1)
		trouble = g_strdup_printf("agent %s does not answer", path);
	close(answer.fd);
	return trouble;
}

gboolean
rd_agent_is_forwarded(const char *path)
{
	g_autofree char *comm = NULL;
	g_autofree char *file = NULL;
	struct ucred peer = {0};
	socklen_t size = sizeof peer;
	int fd = path != NULL ? connect_agent(path) : -1;
	gboolean known;

	if (fd < 0)
		return FALSE;
	/* whoever called listen(2); newer servers are sshd-session */
	known = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
	close(fd);
	file = g_strdup_printf("/proc/%d/comm", peer.pid);
	return known && g_file_get_contents(file, &comm, NULL, NULL) &&
	       g_str_has_prefix(comm, "sshd");
}

/* ---- certificates -------------------------------------------------------------------------- */

/* what is left of a key blob (RFC 4251 section 5); short is TRUE once more was wanted than there
 * is */
typedef struct {
	const guint8 *data;
	gsize left;
	gboolean is_short;
} Blob;

static guint64
take_int(Blob *blob, gsize bytes)
{
	guint64 value = 0;

	blob->is_short |= blob->left < bytes;
	for (gsize i = 0; i < bytes && !blob->is_short; i++)
		value = value << 8 | blob->data[i];
	if (!blob->is_short) {
		blob->data += bytes;
		blob->left -= bytes;
	}
	return value;
}

static void
skip_strings(Blob *blob, guint n)
{
	for (; n > 0 && !blob->is_short; n--) {
		gsize size = take_int(blob, 4);

		blob->is_short |= blob->left < size;
		if (blob->is_short)
			return;
		blob->data += size;
		blob->left -= size;
	}
}

/* strings of the public key between nonce and serial, by OpenSSH's PROTOCOL.certkeys and
 * PROTOCOL.u2f */
static const struct {
	const char *type;
	guint strings;
} certificates[] = {
    {"ssh-ed25519-cert-v01@openssh.com", 1},
    {"sk-ssh-ed25519-cert-v01@openssh.com", 2},
    {"ssh-rsa-cert-v01@openssh.com", 2},
    {"rsa-sha2-256-cert-v01@openssh.com", 2},
    {"rsa-sha2-512-cert-v01@openssh.com", 2},
    {"ecdsa-sha2-nistp256-cert-v01@openssh.com", 2},
    {"ecdsa-sha2-nistp384-cert-v01@openssh.com", 2},
    {"ecdsa-sha2-nistp521-cert-v01@openssh.com", 2},
    {"sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", 3},
};

gint64
rd_certificate_end(const char *key)
{
	g_autofree char *path = g_strconcat(key, "-cert.pub", NULL);
	g_autofree char *text = NULL;
	g_auto(GStrv) words = NULL;
	g_autofree guint8 *data = NULL;
	Blob blob = {0};
	guint64 before;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		return 0;
	words = g_strsplit_set(text, " \t\r\n", 3);
	if (words[0] == NULL || words[1] == NULL)
		return 0;
	blob.data = data = g_base64_decode(words[1], &blob.left);
	for (guint i = 0; i < G_N_ELEMENTS(certificates); i++) {
		if (strcmp(words[0], certificates[i].type) != 0)
			continue;
		skip_strings(&blob, 2 + certificates[i].strings); /* type, nonce, key */
		take_int(&blob, 8);				  /* serial */
		take_int(&blob, 4);				  /* user or host */
		skip_strings(&blob, 2);				  /* id, principals */
		take_int(&blob, 8);				  /* valid after */
		before = take_int(&blob, 8);
		return blob.is_short ? 0 : (gint64)MIN(before, (guint64)G_MAXINT64);
	}
	return 0;
}
