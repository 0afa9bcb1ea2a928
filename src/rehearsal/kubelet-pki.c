/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearsal/controllers.h"
#include "rehearsal/store-private.h"
#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <string.h>

/* A kubelet's certificates (domain 3.2, 3.3, F34). It reads them when it starts, once: who takes
 * them away has to restart it. One whose signer the API does not know is refused for ever, and its
 * kubelet asks for no other; one that is not there is asked for, first as the node-bootstrapper
 * with a key that lies on disk until it is certified, then as the node. */

#define PKI	      "/var/lib/kubelet/pki/"
#define OWN	      "/var/lib/kubelet/kubeconfig"
#define CLIENT	      PKI "kubelet-client-current.pem"
#define SERVER	      PKI "kubelet-server-current.pem"
#define PENDING	      PKI "kubelet-client.key.tmp"
#define BOOTSTRAP     "/etc/kubernetes/kubeconfig"
#define SERVING_S     60.0  /* from the client's certificate to the wish for the server's */
#define GIVEN_UP_S    900.0 /* then a new request */
#define CLIENT_SIGNER "kubernetes.io/kube-apiserver-client-kubelet"
#define SERVER_SIGNER "kubernetes.io/kubelet-serving"

struct _RdSimLogin {
	char *client; /* (owned) (nullable) what it read at its start, or was given since */
	gint64 read;  /* host->kubelet_since of then; 0: never */
	double since; /* when the client's certificate was issued; 0: it was there */
	char *asked;  /* (owned) (nullable) path of the request that it waits for */
	gboolean asked_client; /* and which of the two it is about */
	gboolean refused;      /* the API has answered it with 401 */
};

void
rd_sim_login_free(RdSimLogin *self)
{
	if (self == NULL)
		return;
	g_free(self->client);
	g_free(self->asked);
	g_free(self);
}

/* ---- keys ---------------------------------------------------------------------------------- */

#define must(call)                                                                                 \
	G_STMT_START                                                                               \
	{                                                                                          \
		if ((call) < 0)                                                                    \
			g_error("GnuTLS: %s", #call);                                              \
	}                                                                                          \
	G_STMT_END

static char *
take(gnutls_datum_t *data)
{
	char *text = g_strndup((char *)data->data, data->size);

	gnutls_free(data->data);
	return text;
}

/* Number @n of this process. Made once: GnuTLS has no seed for keys of this kind, and the same
 * history has to have the same keys. */
static const char *
key_number(guint n)
{
	static GPtrArray *keys;

	if (keys == NULL)
		keys = g_ptr_array_new();
	while (keys->len <= n) {
		gnutls_x509_privkey_t key;
		gnutls_datum_t pem = {0};

		must(gnutls_x509_privkey_init(&key));
		must(gnutls_x509_privkey_generate(
		    key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0));
		must(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &pem));
		gnutls_x509_privkey_deinit(key);
		g_ptr_array_add(keys, take(&pem));
	}
	return keys->pdata[n];
}

static gnutls_x509_privkey_t
read_key(const char *pem)
{
	const gnutls_datum_t text = {(guchar *)pem, (guint)strlen(pem)};
	gnutls_x509_privkey_t key;

	must(gnutls_x509_privkey_init(&key));
	if (gnutls_x509_privkey_import(key, &text, GNUTLS_X509_FMT_PEM) >= 0)
		return key;
	gnutls_x509_privkey_deinit(key);
	return NULL;
}

char *
rd_sim_pki_public(const char *private_pem)
{
	gnutls_x509_privkey_t key = read_key(private_pem);
	gnutls_privkey_t holder;
	gnutls_pubkey_t public;
	gnutls_datum_t pem = {0};

	if (key == NULL)
		return NULL;
	must(gnutls_privkey_init(&holder));
	must(gnutls_privkey_import_x509(holder, key, 0));
	must(gnutls_pubkey_init(&public));
	must(gnutls_pubkey_import_privkey(public, holder, 0, 0));
	must(gnutls_pubkey_export2(public, GNUTLS_X509_FMT_PEM, &pem));
	gnutls_pubkey_deinit(public);
	gnutls_privkey_deinit(holder);
	gnutls_x509_privkey_deinit(key);
	return take(&pem);
}

/* PKCS#10 in PEM, as client-go makes it. @host: (nullable) whose names it is for */
static char *
sign_request(const char *key_pem, const char *node, const RdSimHost *host)
{
	g_autofree char *subject = g_strdup_printf("CN=system:node:%s,O=system:nodes", node);
	gnutls_x509_privkey_t key = read_key(key_pem);
	gnutls_x509_crq_t request;
	gnutls_datum_t pem = {0};
	g_autoptr(GString) text = NULL;

	g_assert(key != NULL);
	must(gnutls_x509_crq_init(&request));
	must(gnutls_x509_crq_set_version(request, 1));
	must(gnutls_x509_crq_set_dn(request, subject, NULL));
	must(gnutls_x509_crq_set_key(request, key));
	if (host != NULL) {
		g_auto(GStrv) digits = g_strsplit(host->address, ".", 4);
		guint8 bytes[4];

		for (guint i = 0; i < 4; i++)
			bytes[i] = (guint8)g_ascii_strtoull(digits[i], NULL, 10);
		must(gnutls_x509_crq_set_subject_alt_name(request, GNUTLS_SAN_DNSNAME, host->name,
							  (guint)strlen(host->name), 0));
		must(gnutls_x509_crq_set_subject_alt_name(request, GNUTLS_SAN_IPADDRESS, bytes, 4,
							  GNUTLS_FSAN_APPEND));
	}
	must(gnutls_x509_crq_sign2(request, key, GNUTLS_DIG_SHA256, 0));
	must(gnutls_x509_crq_export2(request, GNUTLS_X509_FMT_PEM, &pem));
	gnutls_x509_crq_deinit(request);
	gnutls_x509_privkey_deinit(key);
	/* GnuTLS says NEW, as old RFCs do; Go does not */
	text = g_string_new_len((char *)pem.data, pem.size);
	g_string_replace(text, "NEW CERTIFICATE", "CERTIFICATE", 0);
	gnutls_free(pem.data);
	return g_strdup(text->str);
}

/* the same one for the same key: a signature has chance of its own */
static const char *
make_request(const char *key_pem, const char *node, const RdSimHost *host)
{
	static GHashTable *requests;
	g_autofree char *what =
	    g_strdup_printf("%s %s %s", node, host != NULL ? "server" : "client", key_pem);

	if (requests == NULL)
		requests = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	if (!g_hash_table_contains(requests, what))
		g_hash_table_insert(requests, g_strdup(what), sign_request(key_pem, node, host));
	return g_hash_table_lookup(requests, what);
}

/* ---- files --------------------------------------------------------------------------------- */

static char *
read_file(RdSimHost *host, const char *path)
{
	RdSimNode *node = rd_sim_tree_find(host->tree, path);

	return node != NULL && node->content != NULL ? rd_sim_node_text(node) : NULL;
}

/* under its own name, and under the one that is read; links there are none */
static void
store_certificate(RdSimHost *host, const char *kind, const char *text, const char *stamp)
{
	g_autofree char *dated = g_strdup_printf(PKI "kubelet-%s-%s.pem", kind, stamp);
	g_autofree char *current = g_strdup_printf(PKI "kubelet-%s-current.pem", kind);

	rd_sim_tree_mkdirs(host->tree, "/var/lib/kubelet/pki");
	rd_sim_tree_write_text(host->tree, dated, text, 0600);
	rd_sim_tree_write_text(host->tree, current, text, 0600);
	rd_sim_tree_write_text(host->tree, OWN, "server: https://api-int.night.example.com:6443\n",
			       0600);
}

/* no X.509, which nobody here reads: who signed it, and until when it is valid */
static char *
certificate_text(const char *signer, const char *node)
{
	return g_strdup_printf(
	    "signed by %s for system:node:%s\nnotAfter=Nov 20 03:00:00 2027 GMT\n", signer, node);
}

void
rd_sim_pki_plant(RdSimHost *host, const char *signer)
{
	g_autofree char *text = certificate_text(signer, host->name);

	store_certificate(host, "client", text, "2026-11-19-03-00-00");
	store_certificate(host, "server", text, "2026-11-19-03-00-00");
	rd_sim_tree_mkdirs(host->tree, "/etc/kubernetes");
	rd_sim_tree_write_text(host->tree, BOOTSTRAP, "token of node-bootstrapper\n", 0600);
}

/* ---- what a kubelet does about it ---------------------------------------------------------- */

static const char *
signer_of(RdSimBehind *self)
{
	JsonObject *map = rd_sim_store_look(self->store, RD_SIM_SIGNER_MAP);

	return map != NULL ? json_object_get_string_member(
				 json_object_get_object_member(map, "data"), "ca-bundle.crt")
			   : "";
}

static RdSimLogin *
login_of(RdSimHost *host)
{
	if (host->login == NULL)
		host->login = g_new0(RdSimLogin, 1);
	if (host->login->read != host->kubelet_since) {
		host->login->read = host->kubelet_since;
		g_free(host->login->client);
		host->login->client = read_file(host, CLIENT);
		host->login->since = 0;
		g_clear_pointer(&host->login->asked, g_free);
	}
	return host->login;
}

static JsonArray *
strings(const char *const *words)
{
	JsonArray *array = json_array_new();

	for (; *words != NULL; words++)
		json_array_add_string_element(array, *words);
	return array;
}

/* a request with @key, in the store. (transfer full) its path */
static char *
put_request(RdSimStore *store, guint64 number, const char *key, const RdSimHost *host,
	    gboolean client, double time)
{
	static const char *const usages[2][4] = {
	    {"digital signature", "key encipherment", "server auth"},
	    {"digital signature", "key encipherment", "client auth"}};
	static const char *const groups[2][5] = {
	    {"system:nodes", "system:authenticated"},
	    {"system:serviceaccounts", "system:serviceaccounts:openshift-machine-config-operator",
	     "system:authenticated"}};
	const char *pem = make_request(key, host->name, client ? NULL : host);
	g_autofree char *encoded = g_base64_encode((const guchar *)pem, strlen(pem));
	g_autofree char *user =
	    client ? g_strdup("system:serviceaccount:openshift-machine-config-operator:"
			      "node-bootstrapper")
		   : g_strdup_printf("system:node:%s", host->name);
	g_autofree char *json =
	    g_strdup_printf("{\"spec\":{\"request\":\"%s\",\"signerName\":\"%s\",\"username\":"
			    "\"%s\"},\"status\":{}}",
			    encoded, client ? CLIENT_SIGNER : SERVER_SIGNER, user);
	const char *collection = rd_sim_store_requests(store);
	char *path = g_strdup_printf("%s/csr-%05" G_GUINT64_FORMAT, collection, number);
	JsonObject *spec;

	rd_sim_store_put(store, path, json, time);
	spec = json_object_get_object_member(rd_sim_store_find(store, path), "spec");
	if (strstr(collection, "/v1beta1/") != NULL)
		json_object_remove_member(spec, "signerName");
	json_object_set_array_member(spec, "usages", strings(usages[client]));
	json_object_set_array_member(spec, "groups", strings(groups[client]));
	return path;
}

void
rd_sim_pki_flood(RdSimCluster *cluster, RdSimStore *store, RdSimHost *host, guint n, double time)
{
	const char *key = key_number(cluster->keys++);

	for (guint i = 0; i < n; i++)
		g_free(
		    put_request(store, ++cluster->serials, key, host, TRUE, time - 60.0 * (n - i)));
}

static void
ask_for(RdSimBehind *self, RdSimHost *host, RdSimLogin *login, gboolean client)
{
	g_autofree char *key = client ? read_file(host, PENDING) : NULL;

	if (key == NULL)
		key = g_strdup(key_number(self->cluster->keys++));
	if (client)
		rd_sim_tree_write_text(host->tree, PENDING, key, 0600);
	login->asked_client = client;
	login->asked =
	    put_request(self->store, ++self->cluster->serials, key, host, client, self->now);
}

static double
age_of(RdSimBehind *self, JsonObject *object)
{
	g_autoptr(GDateTime) made = g_date_time_new_from_iso8601(
	    json_object_get_string_member(rd_sim_metadata(object), "creationTimestamp"), NULL);

	return self->now - (double)g_date_time_to_unix(made);
}

/* the certificate that was waited for, if it was issued; TRUE: there is one */
static gboolean
await(RdSimBehind *self, RdSimHost *host, RdSimLogin *login, gboolean client)
{
	JsonObject *request =
	    login->asked != NULL ? rd_sim_store_look(self->store, login->asked) : NULL;
	JsonObject *status = NULL;
	g_autofree char *text = NULL, *stamp = NULL;

	if (request == NULL || age_of(self, request) > GIVEN_UP_S) {
		g_clear_pointer(&login->asked, g_free);
		ask_for(self, host, login, client);
		return FALSE;
	}
	status = json_object_get_object_member(request, "status");
	if (!json_object_has_member(status, "certificate"))
		return FALSE;
	text = certificate_text(signer_of(self), host->name);
	stamp = rd_sim_time_text(self->now);
	store_certificate(host, client ? "client" : "server", text, stamp);
	rd_sim_host_count(host, "certified", client ? "client" : "server");
	g_clear_pointer(&login->asked, g_free);
	if (!client)
		return TRUE;
	rd_sim_tree_remove(host->tree, PENDING);
	login->client = g_steal_pointer(&text);
	login->since = self->now;
	return TRUE;
}

const char *
rd_sim_pki_asked(const RdSimHost *host, gboolean *client)
{
	if (host->login == NULL || host->login->asked == NULL)
		return NULL;
	*client = host->login->asked_client;
	return host->login->asked;
}

gboolean
rd_sim_kubelet_is_refused(const RdSimHost *host)
{
	return host->login != NULL && host->login->read == host->kubelet_since &&
	       host->login->refused;
}

gboolean
rd_sim_kubelet_logs_in(RdSimBehind *self, RdSimHost *host)
{
	RdSimLogin *login = login_of(host);

	if (host->kubelet_stopped || self->now < (double)host->kubelet_since / G_USEC_PER_SEC)
		return FALSE;
	if (login->client == NULL && rd_sim_tree_find(host->tree, BOOTSTRAP) != NULL)
		(void)await(self, host, login, TRUE);
	login->refused = login->client != NULL && strstr(login->client, signer_of(self)) == NULL;
	if (login->client == NULL || login->refused)
		return FALSE;
	if (rd_sim_tree_find(host->tree, SERVER) == NULL &&
	    self->now >= login->since + rd_sim_cluster_takes(self->cluster, SERVING_S))
		(void)await(self, host, login, FALSE);
	return TRUE;
}
