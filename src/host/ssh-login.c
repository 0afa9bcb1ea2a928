/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-host"
#include "host/agent.h"
#include "host/ssh-private.h"
#include <recovery/plugin.h>
#include <string.h>

/* Whom we talk to, and as whom. Keys of hosts are never learned here: a new one is shown with its
 * fingerprint, and a person puts it into the inventory. */

G_DEFINE_AUTO_CLEANUP_FREE_FUNC(ssh_string, ssh_string_free, NULL)

/* ---- host key ------------------------------------------------------------------------------ */

/* "TYPE BASE64 ..." -> key, NULL when it is none */
static ssh_key
parse_host_key(const char *line)
{
	g_auto(GStrv) words = g_strsplit_set(line, " \t\r", 3);
	ssh_key key = NULL;

	if (words[0] == NULL || words[1] == NULL)
		return NULL;
	if (ssh_pki_import_pubkey_base64(words[1], ssh_key_type_from_name(words[0]), &key) !=
	    SSH_OK)
		return NULL;
	return key;
}

/* A host has several keys and shows the first kind that we ask for: ask for the pinned one. The
 * others stay on the list, so that a host without it gives a comprehensible answer. */
void
rd_ssh_prefer_host_keys(RdSsh *self, const RdHostAddress *address)
{
	static const char *const all[] = {"ssh-ed25519",	 "ecdsa-sha2-nistp256",
					  "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
					  "rsa-sha2-512",	 "rsa-sha2-256"};
	g_autoptr(GString) list = g_string_new(NULL);

	if (address->host_key == NULL)
		return;
	for (guint pass = 0; pass < 2; pass++) {
		for (guint i = 0; i < G_N_ELEMENTS(all); i++) {
			const char *type = g_str_has_prefix(all[i], "rsa-") ? "ssh-rsa" : all[i];
			gboolean pinned = strstr(address->host_key, type) != NULL;

			if (pinned == (pass == 0))
				g_string_append_printf(list, "%s%s", list->len > 0 ? "," : "",
						       all[i]);
		}
	}
	ssh_options_set(self->session, SSH_OPTIONS_HOSTKEYS, list->str);
}

/* "ssh-ed25519 SHA256:..." (transfer full) */
static char *
describe_key(ssh_key key)
{
	unsigned char *hash = NULL;
	char *fingerprint;
	char *text;
	size_t size = 0;

	if (key == NULL ||
	    ssh_get_publickey_hash(key, SSH_PUBLICKEY_HASH_SHA256, &hash, &size) != SSH_OK)
		return g_strdup("(unreadable)");
	fingerprint = ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, size);
	text = g_strdup_printf("%s %s", ssh_key_type_to_char(ssh_key_type(key)), fingerprint);
	ssh_string_free_char(fingerprint);
	ssh_clean_pubkey_hash(&hash);
	return text;
}

static gboolean
check_pinned(RdSsh *self, const char *pinned, ssh_key key, const char *shown, GError **error)
{
	g_auto(GStrv) lines = g_strsplit(pinned, "\n", -1);
	g_autofree char *wanted = NULL;
	gboolean same_type = FALSE;

	for (guint i = 0; lines[i] != NULL; i++) {
		g_auto(ssh_key) good = NULL;

		g_strstrip(lines[i]);
		if (lines[i][0] == '\0')
			continue;
		good = parse_host_key(lines[i]);
		if (good == NULL) {
			g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
				    "%s: the inventory's host key is not a key: \"%.60s\"",
				    self->name, lines[i]);
			return FALSE;
		}
		if (ssh_key_cmp(key, good, SSH_KEY_CMP_PUBLIC) == 0)
			return TRUE;
		same_type |= ssh_key_type(key) == ssh_key_type(good);
		g_free(wanted);
		wanted = describe_key(good);
	}
	if (wanted == NULL)
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
			    "%s: the inventory's host key is empty", self->name);
	else if (same_type)
		g_set_error(
		    error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
		    "%s: the host key has CHANGED: it is %s, the inventory says %s. Rebuilt, "
		    "or not this host: compare on its console before you accept it",
		    self->name, shown, wanted);
	else
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
			    "%s: the host key is of another type than the inventory's: %s, not %s. "
			    "Compare on its console before you accept it",
			    self->name, shown, wanted);
	return FALSE;
}

gboolean
rd_ssh_check_host_key(RdSsh *self, const RdHostAddress *address, GError **error)
{
	g_auto(ssh_key) key = NULL;
	g_autofree char *shown = NULL;
	const char *what = NULL;

	if (ssh_get_server_publickey(self->session, &key) != SSH_OK)
		return rd_ssh_fail(self, "host key", error);
	shown = describe_key(key);
	if (address->host_key != NULL)
		return check_pinned(self, address->host_key, key, shown, error);
	switch (ssh_session_is_known_server(self->session)) {
	case SSH_KNOWN_HOSTS_OK:
		return TRUE;
	case SSH_KNOWN_HOSTS_CHANGED:
		what = "has CHANGED; rebuilt, or not this host";
		break;
	case SSH_KNOWN_HOSTS_OTHER:
		what = "is of another type than the known one";
		break;
	case SSH_KNOWN_HOSTS_UNKNOWN:
	case SSH_KNOWN_HOSTS_NOT_FOUND:
		what = g_file_test(address->known_hosts, G_FILE_TEST_EXISTS)
			   ? "is unknown"
			   : "is unknown, the file does not exist";
		break;
	case SSH_KNOWN_HOSTS_ERROR:
	default:
		what = "cannot be looked up";
		break;
	}
	g_set_error(
	    error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
	    "%s: the host key %s %s (known hosts: %s). Compare on its console before you put "
	    "it into the inventory",
	    self->name, shown, what, address->known_hosts);
	return FALSE;
}

/* ---- authentication ------------------------------------------------------------------------ */

/* what was tried and why it did not do, for one message at the end */
typedef struct {
	GString *tried;
	gboolean success, partial, agent_away;
} Login;

static void note(Login *login, const char *format, ...) G_GNUC_PRINTF(2, 3);
static void
note(Login *login, const char *format, ...)
{
	va_list arguments;

	if (login->tried->len > 0)
		g_string_append(login->tried, "; ");
	va_start(arguments, format);
	g_string_append_vprintf(login->tried, format, arguments);
	va_end(arguments);
}

/* FALSE when the connection is lost, cancelled or late */
static gboolean
conclude(RdSsh *self, Login *login, int rc, const char *what, GError **error)
{
	g_autofree char *banner = NULL;

	if (rc == SSH_AUTH_SUCCESS) {
		login->success = TRUE;
		return TRUE;
	}
	if (rc == SSH_AUTH_PARTIAL)
		login->partial = TRUE;
	if (rc != SSH_AUTH_ERROR) {
		note(login, "%s: not accepted", what);
		return TRUE;
	}
	/* a booting host says so in a banner and hangs up */
	banner = ssh_get_issue_banner(self->session);
	rd_ssh_fail(self, "login", error);
	if (banner != NULL && banner[0] != '\0')
		g_prefix_error(error, "\"%.200s\": ", g_strstrip(banner));
	return FALSE;
}

static gboolean
try_key(RdSsh *self, Login *login, const char *path, gboolean certificate, GError **error)
{
	g_autofree char *cert_path = g_strconcat(path, "-cert.pub", NULL);
	g_auto(ssh_key) key = NULL;
	g_auto(ssh_key) cert = NULL;
	int rc;

	if (certificate && !g_file_test(cert_path, G_FILE_TEST_EXISTS))
		return TRUE;
	if (ssh_pki_import_privkey_file(path, NULL, NULL, NULL, &key) != SSH_OK) {
		if (!certificate)
			note(login,
			     "%s: not a readable private key without passphrase (ssh-add it to an "
			     "agent)",
			     path);
		return TRUE;
	}
	if (certificate && (ssh_pki_import_cert_file(cert_path, &cert) != SSH_OK ||
			    ssh_pki_copy_cert_to_privkey(cert, key) != SSH_OK)) {
		note(login, "%s: not a certificate of this key", cert_path);
		return TRUE;
	}
	if (!rd_ssh_await(self, rc, ssh_userauth_publickey(self->session, NULL, key),
			  SSH_AUTH_AGAIN, error))
		return FALSE;
	return conclude(self, login, rc, certificate ? cert_path : path, error);
}

/* the link of a run is looked at each time: another login may have put its agent there */
static char *
agent_socket(const RdHostAddress *address)
{
	char *target = address->agent != NULL ? g_file_read_link(address->agent, NULL) : NULL;

	return target != NULL ? target : g_strdup(g_getenv("SSH_AUTH_SOCK"));
}

static gboolean
try_agent(RdSsh *self, Login *login, const RdHostAddress *address, GError **error)
{
	g_autofree char *path = agent_socket(address);
	g_autofree char *trouble = rd_agent_trouble(path);
	int rc;

	if (trouble != NULL) {
		note(login, "%s", trouble);
		login->agent_away = TRUE;
		return TRUE;
	}
	ssh_options_set(self->session, SSH_OPTIONS_IDENTITY_AGENT, path);
	if (!rd_ssh_await(self, rc, ssh_userauth_agent(self->session, NULL), SSH_AUTH_AGAIN, error))
		return FALSE;
	return conclude(self, login, rc, "the agent's keys", error);
}

gboolean
rd_ssh_login(RdSsh *self, const RdHostAddress *address, GError **error)
{
	g_autoptr(GString) tried = g_string_new(NULL);
	Login login = {.tried = tried};

	if (address->key_file != NULL) {
		if (!try_key(self, &login, address->key_file, TRUE, error))
			return FALSE;
		if (!login.success && !try_key(self, &login, address->key_file, FALSE, error))
			return FALSE;
	}
	if (!login.success && address->use_agent && !try_agent(self, &login, address, error))
		return FALSE;
	if (login.success)
		return TRUE;
	/* a run's agent ends with its login, and comes again with another one */
	if (login.agent_away && address->agent != NULL) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE,
			    "%s: no login, waiting for an ssh agent (%s): log in here again with "
			    "yours (ssh -A) and type recoveryd resume",
			    self->name, tried->str);
		return FALSE;
	}
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT, "%s: no login (%s)%s",
		    self->name, tried->len > 0 ? tried->str : "no key and no agent is configured",
		    login.partial ? ": the host asks for a second factor, allow the key alone"
				  : "");
	return FALSE;
}
