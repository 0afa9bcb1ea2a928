/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube/kubeconfig.h"
#include "pki-fixture.h"
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <recovery/plugin.h>

static Pki *ca, *client, *other;

static char *
base64(const char *text)
{
	return g_base64_encode((const guchar *)text, strlen(text));
}

/* @CA@, @CERT@, @KEY@ and @OTHER@ as base64 */
static char *
fill(const char *text)
{
	const struct {
		const char *mark, *pem;
	} marks[] = {{"@CA@", ca->certificate_pem},
		     {"@CERT@", client->certificate_pem},
		     {"@KEY@", client->key_pem},
		     {"@OTHER@", other->key_pem}};
	char *filled = g_strdup(text);

	for (guint i = 0; i < G_N_ELEMENTS(marks); i++) {
		g_autofree char *value = base64(marks[i].pem);
		g_auto(GStrv) parts = g_strsplit(filled, marks[i].mark, -1);

		g_free(filled);
		filled = g_strjoinv(value, parts);
	}
	return filled;
}

#define HEAD                                                                                       \
	"current-context: c\ncontexts:\n- {name: c, context: {cluster: k, user: u, namespace: "    \
	"x}}\n"
#define GOOD_CLUSTER                                                                               \
	"{server: 'https://api.kite:6443', tls-server-name: localhost-recovery, "                  \
	"certificate-authority-data: @CA@}"
#define GOOD_USER "{client-certificate-data: @CERT@, client-key-data: @KEY@}"
#define CONFIG(cluster, user)                                                                      \
	HEAD "clusters:\n- {name: k, cluster: " cluster "}\nusers:\n- {name: u, user: " user "}\n"

static RdKubeconfig *
parse(const char *text, const char *context, GError **error)
{
	g_autofree char *filled = fill(text);

	return rd_kubeconfig_parse(filled, strlen(filled), "m0:kubeconfig", context, error);
}

static void
test_good(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(RdKubeconfig) config = parse(CONFIG(GOOD_CLUSTER, GOOD_USER), NULL, &error);

	g_assert_no_error(error);
	g_assert_cmpstr(config->context, ==, "c");
	g_assert_cmpstr(config->server, ==, "https://api.kite:6443/");
	g_assert_cmpstr(config->host, ==, "api.kite");
	g_assert_cmpuint(config->port, ==, 6443);
	g_assert_cmpstr(config->server_name, ==, "localhost-recovery");
	g_assert_cmpstr(config->ca, ==, ca->certificate_pem);
	g_assert_cmpstr(config->certificate, ==, client->certificate_pem);
	g_assert_cmpstr(config->key, ==, client->key_pem);
	g_assert_cmpstr(config->token, ==, NULL);
	g_assert_cmpint(config->expires, >, time(NULL));
}

static void
test_servers(void)
{
	const struct {
		const char *server, *host, *name, *address;
		guint16 port;
	} cases[] = {
	    {"https://api.kite", "api.kite", "api.kite", "https://api.kite:443/", 443},
	    {"https://[fd00::1]:6443", "fd00::1", "fd00::1", "https://[fd00::1]:6443/", 6443},
	    {"https://10.0.0.1:6443/k8s/c1", "10.0.0.1", "10.0.0.1",
	     "https://10.0.0.1:6443/k8s/c1/", 6443},
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *text = g_strdup_printf(
		    HEAD
		    "clusters:\n- {name: k, cluster: {server: '%s', "
		    "certificate-authority-data: @CA@}}\nusers: [{name: u, user: {token: t}}]\n",
		    cases[i].server);
		g_autoptr(GError) error = NULL;
		g_autoptr(RdKubeconfig) config = parse(text, NULL, &error);

		g_assert_no_error(error);
		g_assert_cmpstr(config->host, ==, cases[i].host);
		g_assert_cmpstr(config->server_name, ==, cases[i].name);
		g_assert_cmpstr(config->server, ==, cases[i].address);
		g_assert_cmpuint(config->port, ==, cases[i].port);
		g_assert_cmpstr(config->token, ==, "t");
		g_assert_cmpint(config->expires, ==, 0);
	}
}

/* each is refused, with the line and with these words; and no value is told */
static void
test_refused(void)
{
	const struct {
		const char *text, *place, *words;
	} cases[] = {
	    {CONFIG("{server: 'https://a', insecure-skip-tls-verify: true}", GOOD_USER),
	     ":5:", "insecure-skip-tls-verify is refused"},
	    {CONFIG("{server: 'https://a', certificate-authority-data: @CA@, "
		    "insecure-skip-tls-verify: 'yes'}",
		    GOOD_USER),
	     ":5:", "insecure-skip-tls-verify is refused"},
	    {CONFIG("{server: 'https://a'}", GOOD_USER), ":5:", "no certificate-authority"},
	    {CONFIG("{server: 'http://a', certificate-authority-data: @CA@}", GOOD_USER),
	     ":5:", "must be https://"},
	    {CONFIG("{server: 'https://me:hunter2@a', certificate-authority-data: @CA@}",
		    GOOD_USER),
	     ":5:", "must be https://"},
	    {CONFIG("{certificate-authority-data: @CA@}", GOOD_USER), ":5:", "no server"},
	    {CONFIG(
		 "{server: 'https://a', proxy-url: 'http://p', certificate-authority-data: @CA@}",
		 GOOD_USER),
	     ":5:", "proxy-url is not supported"},
	    {CONFIG("{server: 'https://a', certificate-authority-data: aGVsbG8=}", GOOD_USER),
	     ":5:", "not PEM certificates"},
	    {CONFIG("{server: 'https://a', certificate-authority-data: '@@'}", GOOD_USER),
	     ":5:", "not base64"},
	    {CONFIG("{server: 'https://a', certificate-authority: /etc/ca.crt}", GOOD_USER),
	     ":5:", "file of another host"},
	    {CONFIG(GOOD_CLUSTER, "{exec: {command: aws, args: [hunter2]}}"),
	     ":7:", "exec would run a login program"},
	    {CONFIG(GOOD_CLUSTER, "{auth-provider: {name: oidc}}"),
	     ":7:", "auth-provider would need a login server"},
	    {CONFIG(GOOD_CLUSTER, "{username: me, password: hunter2}"), ":7:", "by password"},
	    {CONFIG(GOOD_CLUSTER, "{token: hunter2, as: root}"), ":7:", "as somebody else"},
	    {CONFIG(GOOD_CLUSTER, "{token: \"hunter2\\n\"}"), ":7:", "characters that no token"},
	    {CONFIG(GOOD_CLUSTER, "{}"), ":7:", "neither client certificate nor token"},
	    {CONFIG(GOOD_CLUSTER, "{client-certificate-data: @CERT@}"), ":7:", "without its key"},
	    {CONFIG(GOOD_CLUSTER, "{client-key-data: @KEY@}"), ":7:", "without its certificate"},
	    {CONFIG(GOOD_CLUSTER, "{client-certificate-data: @CERT@, client-key-data: @OTHER@}"),
	     ":7:", "not client-certificate's key"},
	    {CONFIG(GOOD_CLUSTER, "{client-certificate-data: @KEY@, client-key-data: @KEY@}"),
	     ":7:", "cannot be read as PEM"},
	    {"contexts: []\n", ":1:", "no current-context"},
	    {"current-context: d\ncontexts: []\n", ":2:", "no context called d"},
	    {"current-context: d\n", ":1:", "no context called d"},
	    {"current-context: c\ncontexts:\n- {name: c, context: {cluster: k}}\n",
	     ":3:", "needs a cluster and a user"},
	    {HEAD "clusters: []\nusers: []\n", ":4:", "no cluster called k"},
	    {HEAD "clusters:\n- {name: k, cluster: " GOOD_CLUSTER "}\n- {name: k, cluster: "
		  "{server: 'https://b'}}\nusers: [{name: u, user: {token: t}}]\n",
	     ":6:", "two clusters are called k"},
	    {"- a\n", ":1:", "must be a mapping"},
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(RdKubeconfig) config = parse(cases[i].text, NULL, &error);

		g_assert_null(config);
		g_assert_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT);
		if (strstr(error->message, cases[i].words) == NULL ||
		    strstr(error->message, cases[i].place) == NULL ||
		    !g_str_has_prefix(error->message, "m0:kubeconfig:"))
			g_error("expected %s %s, got %s", cases[i].place, cases[i].words,
				error->message);
		g_assert_null(strstr(error->message, "hunter2"));
	}
}

/* another context of the same file; what is wrong elsewhere does not matter */
static void
test_context(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(RdKubeconfig) config =
	    parse("current-context: a\ncontexts:\n- {name: a, context: {cluster: k, user: v}}\n"
		  "- {name: b, context: {cluster: k, user: u}}\nclusters:\n- {name: k, "
		  "cluster: " GOOD_CLUSTER "}\nusers:\n- {name: v, user: {exec: {command: x}}}\n"
		  "- {name: u, user: {token: t}}\nextensions: [{name: x}]\n",
		  "b", &error);

	g_assert_no_error(error);
	g_assert_cmpstr(config->context, ==, "b");
}

static void
test_files(void)
{
	g_autofree char *dir = g_dir_make_tmp("kubeconfig-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(dir, "config", NULL);
	g_autofree char *ca_path = g_build_filename(dir, "ca.crt", NULL);
	g_autofree char *token_path = g_build_filename(dir, "token", NULL);
	g_autoptr(GError) error = NULL;
	g_autoptr(RdKubeconfig) config = NULL;

	g_file_set_contents(
	    path,
	    CONFIG("{server: 'https://a', certificate-authority: ca.crt}", "{tokenFile: token}"),
	    -1, &error);
	g_assert_no_error(error);
	g_file_set_contents(ca_path, ca->certificate_pem, -1, &error);
	g_assert_no_error(error);
	config = rd_kubeconfig_load(path, NULL, &error);
	g_assert_null(config);
	g_assert_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT);
	g_assert_nonnull(strstr(error->message, token_path));
	g_clear_error(&error);
	g_file_set_contents(token_path, "sha256~x\n", -1, &error);
	g_assert_no_error(error);
	config = rd_kubeconfig_load(path, NULL, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(config->token, ==, "sha256~x");
	g_assert_cmpstr(config->ca, ==, ca->certificate_pem);
	g_unlink(path);
	g_unlink(ca_path);
	g_unlink(token_path);
	g_rmdir(dir);
	g_clear_pointer(&config, rd_kubeconfig_free);
	config = rd_kubeconfig_load(path, NULL, &error);
	g_assert_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT);
}

int
main(int argc, char **argv)
{
	int rc;

	g_test_init(&argc, &argv, NULL);
	ca = pki_new("CN=kube-ca", NULL, NULL);
	client = pki_new("CN=system:admin", ca, NULL);
	other = pki_new("CN=other", ca, NULL);
	g_test_add_func("/kube-config/good", test_good);
	g_test_add_func("/kube-config/servers", test_servers);
	g_test_add_func("/kube-config/refused", test_refused);
	g_test_add_func("/kube-config/context", test_context);
	g_test_add_func("/kube-config/files", test_files);
	rc = g_test_run();
	pki_free(ca);
	pki_free(client);
	pki_free(other);
	return rc;
}
