/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-kube"

#include "kube/kubeconfig.h"
#include "yaml/yaml.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <recovery/plugin.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_MAX (1024 * 1024) /* bytes of a certificate, key or token file */

/* what reading one file passes around */
typedef struct {
	RdYaml *yaml;
	const char *folder; /* (nullable) where relative paths begin; NULL: none may be followed */
	RdKubeconfig *config;
} Reader;

static void
wipe(char *secret)
{
	if (secret != NULL)
		explicit_bzero(secret, strlen(secret));
	g_free(secret);
}

void
rd_kubeconfig_free(RdKubeconfig *self)
{
	if (self == NULL)
		return;
	g_free(self->file);
	g_free(self->context);
	g_free(self->server);
	g_free(self->host);
	g_free(self->server_name);
	g_free(self->ca);
	g_free(self->certificate);
	wipe(self->key);
	wipe(self->token);
	g_free(self);
}

/* ---- reading values ---- */

static JsonNode *
member(JsonObject *object, const char *key)
{
	JsonNode *node = object == NULL ? NULL : json_object_get_member(object, key);

	return node == NULL || JSON_NODE_HOLDS_NULL(node) ? NULL : node;
}

/* the text of a scalar that is there and not empty */
static const char *
text_of(Reader *reader, JsonObject *object, const char *key)
{
	JsonNode *node = member(object, key);
	const char *text = node == NULL ? NULL : rd_yaml_get_text(reader->yaml, node);

	if (node != NULL && text == NULL)
		rd_yaml_complain(reader->yaml, node, "%s must be text", key);
	return text == NULL || *text == '\0' ? NULL : text;
}

static char *
read_beside(Reader *reader, JsonNode *node, const char *key, const char *name)
{
	g_autofree char *path = NULL;
	g_autofree char *content = NULL;
	g_autoptr(GError) local = NULL;
	struct stat about;

	if (reader->folder == NULL) {
		rd_yaml_complain(reader->yaml, node,
				 "%s points to a file of another host: only %s-data can be used",
				 key, key);
		return NULL;
	}
	path = g_path_is_absolute(name) ? g_strdup(name)
					: g_build_filename(reader->folder, name, NULL);
	/* a pipe could keep us for ever */
	if (stat(path, &about) == 0 && (!S_ISREG(about.st_mode) || about.st_size > FILE_MAX)) {
		rd_yaml_complain(reader->yaml, node, "%s: %s is no file of at most 1 MiB", key,
				 path);
		return NULL;
	}
	if (!g_file_get_contents(path, &content, NULL, &local)) {
		rd_yaml_complain(reader->yaml, node, "%s: %s", key, local->message);
		return NULL;
	}
	return g_steal_pointer(&content);
}

/* base64 whose every character counts: g_base64_decode() skips what it does not know */
static char *
decode(Reader *reader, JsonNode *node, const char *key, const char *text)
{
	g_autoptr(GString) packed = g_string_sized_new(strlen(text) + 1); /* one copy only */
	gsize size = 0;
	char *data = NULL;

	for (const char *c = text; *c != '\0'; c++) {
		if (g_ascii_isspace(*c))
			continue;
		if (!g_ascii_isalnum(*c) && strchr("+/=", *c) == NULL) {
			rd_yaml_complain(reader->yaml, node, "%s is not base64", key);
			return NULL;
		}
		g_string_append_c(packed, *c);
	}
	if (packed->len % 4 == 0)
		data = (char *)g_base64_decode(packed->str, &size);
	if (packed->len > 0)
		explicit_bzero(packed->str, packed->len);
	if (data == NULL || size == 0 || memchr(data, '\0', size) != NULL) {
		rd_yaml_complain(reader->yaml, node, "%s is not base64 of a PEM text", key);
		g_free(data);
		return NULL;
	}
	data = g_realloc(data, size + 1);
	data[size] = '\0';
	return data;
}

/* KEY-data, else the file that KEY names; data wins, as with kubectl */
static char *
pem_of(Reader *reader, JsonObject *object, const char *key)
{
	g_autofree char *data_key = g_strconcat(key, "-data", NULL);
	const char *text = text_of(reader, object, data_key);

	if (text != NULL)
		return decode(reader, member(object, data_key), data_key, text);
	text = text_of(reader, object, key);
	if (text != NULL)
		return read_beside(reader, member(object, key), key, text);
	return NULL;
}

/* ---- the three lists ---- */

/* the one entry of @list that is called @name: its member @what; NULL after a complaint */
static JsonObject *
find_named(Reader *reader, const char *list, const char *what, const char *name, JsonNode **place)
{
	JsonNode *root = rd_yaml_get_root(reader->yaml);
	JsonNode *node = member(json_node_get_object(root), list);
	JsonArray *entries = node == NULL ? NULL : rd_yaml_list(reader->yaml, node, list);
	JsonObject *found = NULL;

	*place = root;
	for (guint i = 0; entries != NULL && i < json_array_get_length(entries); i++) {
		JsonNode *entry = json_array_get_element(entries, i);
		JsonObject *object = rd_yaml_mapping(reader->yaml, entry, list, NULL);
		JsonNode *inner = NULL;

		if (object == NULL || g_strcmp0(text_of(reader, object, "name"), name) != 0)
			continue;
		if (found != NULL) {
			rd_yaml_complain(reader->yaml, entry, "two %s are called %s", list, name);
			return NULL;
		}
		inner = member(object, what);
		if (inner == NULL) {
			rd_yaml_complain(reader->yaml, entry, "%s %s has no %s", what, name, what);
			return NULL;
		}
		found = rd_yaml_mapping(reader->yaml, inner, what, NULL);
		*place = inner;
		if (found == NULL)
			return NULL;
	}
	if (found == NULL)
		rd_yaml_complain(reader->yaml, node == NULL ? root : node,
				 "there is no %s called %s", what, name);
	return found;
}

typedef struct {
	const char *key;
	const char *why;
} Refusal;

static const Refusal cluster_refusals[] = {
    {"proxy-url", "proxy-url is not supported: give a kubeconfig that reaches the API directly, "
		  "or let the recovery host forward"},
    {NULL, NULL},
};

static const Refusal user_refusals[] = {
    {"exec", "exec would run a login program, which may need a network or a person that is not "
	     "there: give a kubeconfig with a client certificate or a token"},
    {"auth-provider", "auth-provider would need a login server, which may be down with the "
		      "cluster: give a kubeconfig with a client certificate or a token"},
    {"username", "logging in by password is not supported (Kubernetes dropped it in 1.19): give "
		 "a client certificate or a token"},
    {"password", "logging in by password is not supported (Kubernetes dropped it in 1.19): give "
		 "a client certificate or a token"},
    {"as", "acting as somebody else (as) is not supported: the journal must name who acted"},
    {"as-groups", "acting as somebody else (as-groups) is not supported"},
    {"as-user-extra", "acting as somebody else (as-user-extra) is not supported"},
    {"as-uid", "acting as somebody else (as-uid) is not supported"},
    {NULL, NULL},
};

static void
refuse(Reader *reader, JsonObject *object, const Refusal *refusals)
{
	for (guint i = 0; refusals[i].key != NULL; i++) {
		JsonNode *node = member(object, refusals[i].key);

		if (node != NULL)
			rd_yaml_complain_key(reader->yaml, node, "%s", refusals[i].why);
	}
}

static void
read_server(Reader *reader, JsonObject *cluster, JsonNode *place)
{
	RdKubeconfig *config = reader->config;
	const char *server = text_of(reader, cluster, "server");
	const char *name = text_of(reader, cluster, "tls-server-name");
	g_autoptr(GUri) uri = NULL;
	const char *path = NULL;

	if (server == NULL) {
		rd_yaml_complain(reader->yaml, place, "the cluster has no server");
		return;
	}
	uri = g_uri_parse(server, G_URI_FLAGS_NONE, NULL);
	if (uri == NULL || g_strcmp0(g_uri_get_scheme(uri), "https") != 0 ||
	    g_uri_get_host(uri) == NULL || *g_uri_get_host(uri) == '\0' ||
	    g_uri_get_userinfo(uri) != NULL || g_uri_get_query(uri) != NULL ||
	    g_uri_get_fragment(uri) != NULL) {
		/* not quoted: it may carry a password */
		rd_yaml_complain(reader->yaml, member(cluster, "server"),
				 "server must be https://HOST:PORT, without user or query");
		return;
	}
	path = g_uri_get_path(uri);
	config->host = g_strdup(g_uri_get_host(uri));
	config->port = g_uri_get_port(uri) <= 0 ? 443 : g_uri_get_port(uri);
	config->server_name = g_strdup(name == NULL ? config->host : name);
	config->server = g_strdup_printf(
	    strchr(config->host, ':') == NULL ? "https://%s:%u%s%s" : "https://[%s]:%u%s%s",
	    config->host, config->port, path, g_str_has_suffix(path, "/") ? "" : "/");
}

static void
read_cluster(Reader *reader, JsonObject *cluster, JsonNode *place)
{
	RdKubeconfig *config = reader->config;
	JsonNode *blind = member(cluster, "insecure-skip-tls-verify");

	refuse(reader, cluster, cluster_refusals);
	if (blind != NULL && g_strcmp0(rd_yaml_get_text(reader->yaml, blind), "false") != 0)
		rd_yaml_complain_key(reader->yaml, blind,
				     "insecure-skip-tls-verify is refused: anybody could answer in "
				     "the cluster's name; give its certificate authority");
	read_server(reader, cluster, place);
	config->ca = pem_of(reader, cluster, "certificate-authority");
	if (config->ca == NULL && member(cluster, "certificate-authority") == NULL &&
	    member(cluster, "certificate-authority-data") == NULL)
		rd_yaml_complain(reader->yaml, place,
				 "the cluster has no certificate-authority; this machine's own "
				 "authorities are not used");
}

static void
read_token(Reader *reader, JsonObject *user)
{
	const char *token = text_of(reader, user, "token");
	const char *file = text_of(reader, user, "tokenFile");
	g_autofree char *content = NULL;

	if (token != NULL) {
		reader->config->token = g_strdup(token);
	} else if (file != NULL) {
		content = read_beside(reader, member(user, "tokenFile"), "tokenFile", file);
		if (content != NULL)
			reader->config->token = g_strdup(g_strstrip(content));
	}
	/* it becomes a header line */
	for (const char *c = reader->config->token; c != NULL && *c != '\0'; c++)
		if (*c <= ' ' || *c > '~') {
			rd_yaml_complain(reader->yaml,
					 member(user, token != NULL ? "token" : "tokenFile"),
					 "the token has characters that no token has");
			return;
		}
}

static void
read_user(Reader *reader, JsonObject *user, JsonNode *place)
{
	RdKubeconfig *config = reader->config;

	refuse(reader, user, user_refusals);
	config->certificate = pem_of(reader, user, "client-certificate");
	config->key = pem_of(reader, user, "client-key");
	read_token(reader, user);
	if (rd_complaints_count(rd_yaml_get_complaints(reader->yaml)) > 0)
		return;
	if ((config->certificate == NULL) != (config->key == NULL))
		rd_yaml_complain(reader->yaml, place, "the user has a client %s without its %s",
				 config->key == NULL ? "certificate" : "key",
				 config->key == NULL ? "key" : "certificate");
	else if (config->certificate == NULL && (config->token == NULL || *config->token == '\0'))
		rd_yaml_complain(reader->yaml, place,
				 "the user has neither client certificate nor token");
}

/* ---- what the texts are worth ---- */

static void
check_ca(Reader *reader, JsonNode *place)
{
	gnutls_x509_crt_t *certificates = NULL;
	gnutls_datum_t pem = {(guchar *)reader->config->ca, strlen(reader->config->ca)};
	guint n = 0;
	int rc = gnutls_x509_crt_list_import2(&certificates, &n, &pem, GNUTLS_X509_FMT_PEM, 0);

	for (guint i = 0; rc >= 0 && i < n; i++)
		gnutls_x509_crt_deinit(certificates[i]);
	if (rc >= 0)
		gnutls_free(certificates);
	if (rc < 0 || n == 0)
		rd_yaml_complain(reader->yaml, place,
				 "the certificate authority is not PEM certificates: %s",
				 gnutls_strerror(rc));
}

static void
check_identity(Reader *reader, JsonNode *place)
{
	RdKubeconfig *config = reader->config;
	gnutls_certificate_credentials_t credentials = NULL;
	gnutls_x509_crt_t first = NULL;
	gnutls_datum_t certificate = {(guchar *)config->certificate, 0};
	gnutls_datum_t key = {(guchar *)config->key, 0};
	int rc;

	if (config->certificate == NULL)
		return;
	certificate.size = strlen(config->certificate);
	key.size = strlen(config->key);
	gnutls_certificate_allocate_credentials(&credentials);
	rc = gnutls_certificate_set_x509_key_mem2(credentials, &certificate, &key,
						  GNUTLS_X509_FMT_PEM, NULL, 0);
	gnutls_certificate_free_credentials(credentials);
	if (rc == GNUTLS_E_CERTIFICATE_KEY_MISMATCH) {
		rd_yaml_complain(reader->yaml, place, "client-key is not client-certificate's key");
		return;
	}
	if (rc < 0) {
		rd_yaml_complain(reader->yaml, place,
				 "client certificate and key cannot be read as PEM: %s",
				 gnutls_strerror(rc));
		return;
	}
	gnutls_x509_crt_init(&first);
	if (gnutls_x509_crt_import(first, &certificate, GNUTLS_X509_FMT_PEM) >= 0)
		config->expires = gnutls_x509_crt_get_expiration_time(first);
	gnutls_x509_crt_deinit(first);
}

/* ---- all of it ---- */

static void
read_context(Reader *reader, const char *wanted)
{
	RdComplaints *complaints = rd_yaml_get_complaints(reader->yaml);
	JsonNode *root = rd_yaml_get_root(reader->yaml);
	JsonObject *top = rd_yaml_mapping(reader->yaml, root, "a kubeconfig", NULL);
	JsonObject *context = NULL, *cluster = NULL, *user = NULL;
	JsonNode *place = NULL, *cluster_place = NULL, *user_place = NULL;
	const char *cluster_name = NULL, *user_name = NULL;
	const char *name = wanted;

	if (top == NULL)
		return;
	if (name == NULL)
		name = text_of(reader, top, "current-context");
	if (name == NULL) {
		rd_yaml_complain(reader->yaml, root, "no current-context: say which one is meant");
		return;
	}
	reader->config->context = g_strdup(name);
	context = find_named(reader, "contexts", "context", name, &place);
	if (context == NULL)
		return;
	cluster_name = text_of(reader, context, "cluster");
	user_name = text_of(reader, context, "user");
	if (cluster_name == NULL || user_name == NULL) {
		rd_yaml_complain(reader->yaml, place, "context %s needs a cluster and a user",
				 name);
		return;
	}
	cluster = find_named(reader, "clusters", "cluster", cluster_name, &cluster_place);
	user = find_named(reader, "users", "user", user_name, &user_place);
	if (cluster == NULL || user == NULL)
		return;
	read_cluster(reader, cluster, cluster_place);
	read_user(reader, user, user_place);
	if (rd_complaints_count(complaints) > 0)
		return;
	check_ca(reader, cluster_place);
	check_identity(reader, user_place);
}

/* RD_PROCEDURE_ERROR means nothing to those above; for them again cannot help */
static void
make_permanent(GError **error, GError *local)
{
	g_set_error_literal(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT, local->message);
	g_error_free(local);
}

static RdKubeconfig *
finish(RdYaml *yaml, RdComplaints *complaints, const char *file, const char *folder,
       const char *context, GError *failure, GError **error)
{
	g_autoptr(RdKubeconfig) config = g_new0(RdKubeconfig, 1);
	Reader reader = {.yaml = yaml, .folder = folder, .config = config};

	if (yaml != NULL) {
		config->file = g_strdup(file);
		read_context(&reader, context);
		rd_complaints_settle(complaints, &failure);
	}
	if (failure != NULL) {
		make_permanent(error, failure);
		return NULL;
	}
	return g_steal_pointer(&config);
}

RdKubeconfig *
rd_kubeconfig_load(const char *path, const char *context, GError **error)
{
	g_autoptr(RdComplaints) complaints = rd_complaints_new(path);
	g_autofree char *folder = g_path_get_dirname(path);
	GError *failure = NULL;
	g_autoptr(RdYaml) yaml = rd_yaml_load(path, complaints, &failure);

	return finish(yaml, complaints, path, folder, context, failure, error);
}

RdKubeconfig *
rd_kubeconfig_parse(const char *data, gsize size, const char *file, const char *context,
		    GError **error)
{
	g_autoptr(RdComplaints) complaints = rd_complaints_new(file);
	GError *failure = NULL;
	g_autoptr(RdYaml) yaml = rd_yaml_parse(data, size, complaints, &failure);

	return finish(yaml, complaints, file, NULL, context, failure, error);
}
