/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pki-fixture.h"
#include "plugins/csr/presented.h"
#include "plugins/csr/request.h"
#include "plugins/csr/rules.h"
#include <gio/gio.h>
#include <stdio.h>

/* The corpus of INV-26, made here: 0 wrong approvals, 0 wrong refusals. Each case is a request that
 * a kubelet would make, with one thing changed. */

#define NOW	     1767323045 /* 2026-01-02T03:04:05Z */
#define BOOTSTRAPPER "system:serviceaccount:openshift-machine-config-operator:node-bootstrapper"

typedef enum { P256, P384, P521, RSA1024, RSA2048, ED25519, ED448, KEY_LAST } KeyKind;

static gnutls_privkey_t keys[KEY_LAST];
static gnutls_privkey_t other_key; /* P-256, of nobody we know */

static gnutls_privkey_t
make_key(KeyKind kind)
{
	static const struct {
		int algorithm;
		guint bits;
	} kinds[] = {
	    [P256] = {GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1)},
	    [P384] = {GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP384R1)},
	    [P521] = {GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP521R1)},
	    [RSA1024] = {GNUTLS_PK_RSA, 1024},
	    [RSA2048] = {GNUTLS_PK_RSA, 2048},
	    [ED25519] = {GNUTLS_PK_EDDSA_ED25519, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_ED25519)},
	    [ED448] = {GNUTLS_PK_EDDSA_ED448, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_ED448)},
	};
	gnutls_privkey_t key = NULL;

	pki_must(gnutls_privkey_init(&key));
	pki_must(gnutls_privkey_generate(key, kinds[kind].algorithm, kinds[kind].bits, 0));
	return key;
}

static GBytes *
public_key(gnutls_privkey_t key)
{
	gnutls_pubkey_t public = NULL;
	gnutls_datum_t pem = {0};
	GBytes *der = NULL;

	pki_must(gnutls_pubkey_init(&public));
	pki_must(gnutls_pubkey_import_privkey(public, key, 0, 0));
	pki_must(gnutls_pubkey_export2(public, GNUTLS_X509_FMT_PEM, &pem));
	gnutls_pubkey_deinit(public);
	der = rd_csr_public_key_parse((char *)pem.data, pem.size);
	gnutls_free(pem.data);
	g_assert_nonnull(der);
	return der;
}

/* ---- a request object; NULL and 0 mean: as a kubelet makes it ---- */

typedef enum {
	WHOLE,
	TRAILING,
	LEADING,
	TWICE,
	TWO_KINDS,
	BAD_SIGNATURE,
	CUT_SHORT,
	EMPTY,
	DER_TAIL
} Damage;

typedef struct {
	const char *what;
	RdCsrVerdictKind expected;
	const char *rule;
	/* changed */
	const char *signer, *username, *groups, *usages, *cn, *o, *second_o, *ou;
	const char *dns, *second_dns, *ip, *second_ip, *email, *uri;
	gboolean no_names, ca_wish, password;
	KeyKind key;
	gboolean strange_key;
	Damage damage;
	const char *condition;
	int created; /* seconds beside NOW */
} Example;

static char *
quote_list(const char *commas)
{
	g_auto(GStrv) items = g_strsplit(commas, ",", -1);
	g_autofree char *inner = g_strjoinv("\",\"", items);

	return *commas == '\0' ? g_strdup("[]") : g_strdup_printf("[\"%s\"]", inner);
}

static void
add_name(gnutls_x509_crq_t crq, int type, const char *name, gboolean *first)
{
	guint8 bytes[16];
	gsize size = strlen(name);
	const void *data = name;

	if (type == GNUTLS_SAN_IPADDRESS) {
		g_autoptr(GInetAddress) address = g_inet_address_new_from_string(name);

		size = g_inet_address_get_native_size(address);
		memcpy(bytes, g_inet_address_to_bytes(address), size);
		data = bytes;
	}
	pki_must(gnutls_x509_crq_set_subject_alt_name(
	    crq, type, data, size, *first ? GNUTLS_FSAN_SET : GNUTLS_FSAN_APPEND));
	*first = FALSE;
}

static void
set_names(gnutls_x509_crq_t crq, const Example *e, gboolean serving)
{
	const struct {
		int type;
		const char *name;
	} names[] = {
	    {GNUTLS_SAN_DNSNAME, e->dns != NULL ? e->dns
				 : serving	? "m1.kite"
						: NULL},
	    {GNUTLS_SAN_DNSNAME, e->second_dns},
	    {GNUTLS_SAN_IPADDRESS, e->ip != NULL ? e->ip
				   : serving	 ? "10.0.0.2"
						 : NULL},
	    {GNUTLS_SAN_IPADDRESS, e->second_ip},
	    {GNUTLS_SAN_RFC822NAME, e->email},
	    {GNUTLS_SAN_URI, e->uri},
	};
	gboolean first = TRUE;

	for (guint i = 0; i < G_N_ELEMENTS(names) && !e->no_names; i++)
		if (names[i].name != NULL)
			add_name(crq, names[i].type, names[i].name, &first);
}

static void
add_subject(gnutls_x509_crq_t crq, const char *oid, const char *value)
{
	if (value != NULL && *value != '\0')
		pki_must(gnutls_x509_crq_set_dn_by_oid(crq, oid, 0, value, strlen(value)));
}

static char *
damage_pem(const char *pem, Damage damage)
{
	g_autofree char *copy = g_strdup(pem);
	g_auto(GStrv) lines = NULL;
	guint8 *der = NULL;
	g_autofree char *base64 = NULL;
	gsize size = 0;

	switch (damage) {
	case TRAILING:
		return g_strconcat(pem, "and more\n", NULL);
	case LEADING:
		return g_strconcat("Certificate Request:\n", pem, NULL);
	case TWICE:
		return g_strconcat(pem, pem, NULL);
	case TWO_KINDS:
		return g_strconcat(
		    pem, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", NULL);
	case EMPTY:
		return g_strdup("");
	case CUT_SHORT:
		copy[strlen(copy) / 2] = '\0';
		return g_steal_pointer(&copy);
	default:
		break;
	}
	lines = g_strsplit(pem, "\n", -1);
	g_free(copy);
	copy = g_strdup("");
	for (guint i = 0; lines[i] != NULL; i++)
		if (!g_str_has_prefix(lines[i], "-----")) {
			char *longer = g_strconcat(copy, lines[i], NULL);

			g_free(copy);
			copy = longer;
		}
	der = g_base64_decode(copy, &size);
	if (damage == BAD_SIGNATURE) {
		der[size - 1] ^= 1;
	} else {
		der = g_realloc(der, size + 3);
		memset(der + size, 0, 3);
		size += 3;
	}
	base64 = g_base64_encode(der, size);
	g_free(der);
	return g_strdup_printf("-----BEGIN CERTIFICATE REQUEST-----\n%s\n"
			       "-----END CERTIFICATE REQUEST-----\n",
			       base64);
}

static char *
make_pem(const Example *e, gboolean serving)
{
	gnutls_x509_crq_t crq = NULL;
	gnutls_privkey_t key = e->strange_key ? other_key : keys[e->key];
	gnutls_pubkey_t public = NULL;
	gnutls_datum_t pem = {0};
	g_autofree char *text = NULL, *whole = NULL;
	g_auto(GStrv) parts = NULL;

	pki_must(gnutls_x509_crq_init(&crq));
	pki_must(gnutls_x509_crq_set_version(crq, 1));
	add_subject(crq, GNUTLS_OID_X520_ORGANIZATION_NAME, e->o == NULL ? "system:nodes" : e->o);
	add_subject(crq, GNUTLS_OID_X520_ORGANIZATION_NAME, e->second_o);
	add_subject(crq, GNUTLS_OID_X520_ORGANIZATIONAL_UNIT_NAME, e->ou);
	add_subject(crq, GNUTLS_OID_X520_COMMON_NAME, e->cn == NULL ? "system:node:m1" : e->cn);
	set_names(crq, e, serving);
	if (e->ca_wish)
		pki_must(gnutls_x509_crq_set_basic_constraints(crq, 1, -1));
	if (e->password)
		pki_must(gnutls_x509_crq_set_challenge_password(crq, "secret"));
	pki_must(gnutls_pubkey_init(&public));
	pki_must(gnutls_pubkey_import_privkey(public, key, 0, 0));
	pki_must(gnutls_x509_crq_set_pubkey(crq, public));
	gnutls_pubkey_deinit(public);
	pki_must(gnutls_x509_crq_privkey_sign(
	    crq, key, e->key == ED25519 || e->key == ED448 ? GNUTLS_DIG_UNKNOWN : GNUTLS_DIG_SHA256,
	    0));
	pki_must(gnutls_x509_crq_export2(crq, GNUTLS_X509_FMT_PEM, &pem));
	gnutls_x509_crq_deinit(crq);
	whole = pki_take(&pem);
	/* GnuTLS writes NEW CERTIFICATE REQUEST, Go does not */
	parts = g_strsplit(whole, "NEW ", -1);
	text = g_strjoinv("", parts);
	return e->damage == WHOLE ? g_steal_pointer(&text) : damage_pem(text, e->damage);
}

/* as v1beta1 has them before Kubernetes 1.18 */
static gboolean unnamed;

static char *
signer_member(const char *signer)
{
	return unnamed ? g_strdup("") : g_strdup_printf("\"signerName\":\"%s\",", signer);
}

static void
add_object(JsonArray *list, const Example *e, gboolean serving, const char *name)
{
	const char *signer = serving ? RD_CSR_SIGNER_SERVING : RD_CSR_SIGNER_CLIENT;
	const char *who = serving ? "system:node:m1" : BOOTSTRAPPER;
	const char *groups = serving ? "system:nodes,system:authenticated"
				     : "system:serviceaccounts,system:serviceaccounts:"
				       "openshift-machine-config-operator,system:authenticated";
	const char *usages =
	    serving ? "digital signature,server auth" : "digital signature,client auth";
	g_autofree char *pem = make_pem(e, serving);
	g_autofree char *request = g_base64_encode((guchar *)pem, strlen(pem));
	g_autofree char *group_list = quote_list(e->groups != NULL ? e->groups : groups);
	g_autofree char *usage_list = quote_list(e->usages != NULL ? e->usages : usages);
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(NOW + e->created);
	g_autofree char *created = g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ");
	g_autofree char *status =
	    e->condition == NULL
		? g_strdup("{}")
		: g_strdup_printf("{\"conditions\":[{\"type\":\"%s\",\"status\":\"True\"}]}",
				  e->condition);
	g_autofree char *named = signer_member(e->signer != NULL ? e->signer : signer);
	g_autofree char *text = g_strdup_printf(
	    "{\"metadata\":{\"name\":\"%s\",\"creationTimestamp\":\"%s\"},\"spec\":{%s"
	    "\"username\":\"%s\",\"groups\":%s,\"usages\":%s,\"request\":\"%s\"},"
	    "\"status\":%s}",
	    name, created, named, e->username != NULL ? e->username : who, group_list, usage_list,
	    request, status);
	g_autoptr(GError) error = NULL;

	json_array_add_element(list, json_from_string(text, &error));
	g_assert_no_error(error);
}

/* ---- what is known ---- */

/* the host has more than its Node says */
static const char *const m1_dns[] = {"m1", "m1.kite.", "m1.host", NULL};
static const char *const m1_ips[] = {"10.0.0.2", "fd00:0::2", "10.0.0.88", NULL};
/* a lying or confused Node: it reports the VIP and an address its host does not have */
static const char *const node_ips[] = {"10.0.0.2",  "fd00::2",	 "10.0.0.250",
				       "10.0.0.77", "127.0.0.1", NULL};
static const char *const node_dns[] = {
    "m1", "M1.kite", "api.kite.example.com", "m1.svc", "localhost", "m1.elsewhere", NULL};
static const char *const vips[] = {"10.0.0.250", "172.30.0.1", NULL};
static const char *const api_names[] = {"api.kite.example.com", "api-int.kite.example.com", NULL};

static RdCsrNode nodes[3];

static RdCsrFacts
make_facts(KeyKind kind)
{
	static GBytes *pending;
	RdCsrFacts facts = {.now = NOW,
			    .nodes = nodes,
			    .n_nodes = G_N_ELEMENTS(nodes),
			    .nodes_in_cluster = 3,
			    .never_ips = vips,
			    .never_dns = api_names};

	g_clear_pointer(&pending, g_bytes_unref);
	pending = public_key(keys[kind]);
	nodes[0] = (RdCsrNode){.name = "m0", .exists = TRUE};
	nodes[1] = (RdCsrNode){.name = "m1",
			       .exists = TRUE,
			       .needs_since = NOW - 60,
			       .pending_key = pending,
			       .node_dns = node_dns,
			       .node_ips = node_ips,
			       .host_dns = m1_dns,
			       .host_ips = m1_ips};
	nodes[2] = nodes[1];
	nodes[2].name = "w0";
	nodes[2].exists = FALSE;
	nodes[2].needs_since = 0;
	return facts;
}

static void
assert_verdict(const Example *e, const RdCsrVerdict *verdict)
{
	if (verdict->kind != e->expected || g_strcmp0(verdict->rule, e->rule) != 0)
		g_error("%s: expected %s by %s, got %s by %s (%s)", e->what,
			rd_csr_verdict_to_string(e->expected), e->rule,
			rd_csr_verdict_to_string(verdict->kind), verdict->rule, verdict->reason);
	g_assert_nonnull(verdict->reason);
}

/* Without a signer's name: what is approved is that, by the same rule. What is not may be taken for
 * the other kind, where its usages are those. */
static void
assert_same(const Example *e, const RdCsrVerdict *verdict)
{
	if (e->expected == RD_CSR_APPROVE || verdict->kind == RD_CSR_APPROVE)
		assert_verdict(e, verdict);
}

static void
run(const Example *examples, guint n, gboolean serving)
{
	for (guint i = 0; i < n; i++) {
		RdCsrFacts facts = make_facts(examples[i].key);
		g_autoptr(JsonArray) list = json_array_new();
		g_autoptr(GPtrArray) verdicts = NULL;

		add_object(list, &examples[i], serving, "csr-1");
		verdicts = rd_csr_judge(list, &facts);
		g_assert_cmpuint(verdicts->len, ==, 1);
		if (!unnamed)
			assert_verdict(&examples[i], verdicts->pdata[0]);
		else if (examples[i].signer == NULL)
			assert_same(&examples[i], verdicts->pdata[0]);
	}
}

#define YES  RD_CSR_APPROVE
#define NO   RD_CSR_REFUSE
#define SKIP RD_CSR_SKIP

/* wrong in both kinds in the same way */
static const Example common[] = {
    {"another signer", SKIP, "signer", .signer = "kubernetes.io/kube-apiserver-client"},
    {"a signer with a tail", SKIP, "signer", .signer = "kubernetes.io/kubelet-serving2"},
    {"no signer", SKIP, "signer", .signer = ""},
    {"text behind the PEM", NO, "request", .damage = TRAILING},
    {"text before the PEM", NO, "request", .damage = LEADING},
    {"two requests", NO, "request", .damage = TWICE},
    {"a certificate behind the request", NO, "request", .damage = TWO_KINDS},
    {"half a request", NO, "request", .damage = CUT_SHORT},
    {"nothing", NO, "request", .damage = EMPTY},
    {"bytes behind the DER", NO, "request", .damage = DER_TAIL},
    {"a signature by nobody", NO, "request", .damage = BAD_SIGNATURE},
    {"RSA 1024", NO, "key", .key = RSA1024},
    {"P-521", NO, "key", .key = P521},
    {"Ed448", NO, "key", .key = ED448},
    {"an empty node", NO, "subject", .cn = "system:node:"},
    {"no node", NO, "subject", .cn = "admin"},
    {"another group", NO, "subject", .o = "system:masters"},
    {"a second group", NO, "subject", .second_o = "system:masters"},
    {"the group twice", NO, "subject", .second_o = "system:nodes"},
    {"no group", NO, "subject", .o = ""},
    {"a unit", NO, "subject", .ou = "system:masters"},
    {"to be an authority", NO, "wishes", .ca_wish = TRUE},
    {"a challenge", NO, "wishes", .password = TRUE},
    {"an e-mail address", NO, "names", .email = "root@kite"},
    {"a URI", NO, "names", .uri = "spiffe://kite/m1"},
    {"approved already", SKIP, "decided", .condition = "Approved"},
    {"denied already", SKIP, "decided", .condition = "Denied"},
    {"failed already", SKIP, "decided", .condition = "Failed"},
};

static void
test_common(void)
{
	run(common, G_N_ELEMENTS(common), FALSE);
	run(common, G_N_ELEMENTS(common), TRUE);
}

static void
test_client(void)
{
	static const Example examples[] = {
	    {"as a kubelet does", YES, "client.possession"},
	    {"with RSA", YES, "client.possession", .key = RSA2048},
	    {"with P-384", YES, "client.possession", .key = P384},
	    {"with Ed25519", YES, "client.possession", .key = ED25519},
	    {"with key encipherment", YES, "client.possession",
	     .usages = "key encipherment,digital signature,client auth"},
	    {"just before the loss, by another clock", YES, "client.possession", .created = -70},
	    {"before the loss", NO, "client.need", .created = -71},
	    {"by a node: a renewal", SKIP, "client.requester", .username = "system:node:m1"},
	    {"by a person", SKIP, "client.requester", .username = "alice"},
	    {"by another service account", SKIP, "client.requester",
	     .username = "system:serviceaccount:default:node-bootstrapper"},
	    {"a group more", NO, "client.requester",
	     .groups = "system:serviceaccounts,system:serviceaccounts:"
		       "openshift-machine-config-operator,system:authenticated,system:masters"},
	    {"a group less", NO, "client.requester",
	     .groups = "system:serviceaccounts,system:authenticated"},
	    {"a usage more", NO, "client.usages",
	     .usages = "digital signature,client auth,server auth"},
	    {"a usage that is not it", NO, "client.usages",
	     .usages = "digital signature,server auth"},
	    {"a usage less", NO, "client.usages", .usages = "client auth"},
	    {"a usage twice", NO, "client.usages",
	     .usages = "digital signature,client auth,client auth"},
	    {"a DNS name", NO, "client.names", .dns = "m1"},
	    {"an address", NO, "client.names", .ip = "10.0.0.2"},
	    {"for a stranger", NO, "node", .cn = "system:node:m9"},
	    {"in capitals", NO, "node", .cn = "system:node:M1"},
	    {"for a node that lost nothing", NO, "client.need", .cn = "system:node:m0"},
	    {"for a node that is not there yet", NO, "client.need", .cn = "system:node:w0"},
	    {"with another key", NO, "client.possession", .strange_key = TRUE},
	};

	run(examples, G_N_ELEMENTS(examples), FALSE);
}

static void
test_serving(void)
{
	static const Example examples[] = {
	    {"as a kubelet does", YES, "serving.host"},
	    {"with RSA", YES, "serving.host", .key = RSA2048},
	    {"with key encipherment", YES, "serving.host",
	     .usages = "digital signature,key encipherment,server auth"},
	    {"with more groups", YES, "serving.host",
	     .groups = "system:authenticated,system:nodes,extra"},
	    {"with IPv6", YES, "serving.host", .second_ip = "fd00::2"},
	    {"with IPv4 in IPv6 dress", YES, "serving.host", .ip = "::ffff:10.0.0.2"},
	    {"in capitals, with a dot", YES, "serving.host", .dns = "M1.KITE."},
	    {"with two names", YES, "serving.host", .second_dns = "m1"},
	    {"long ago", YES, "serving.host", .created = -40000},
	    {"not by a node", SKIP, "serving.requester", .username = "alice",
	     .groups = "system:authenticated"},
	    {"a person among the nodes", NO, "serving.requester", .username = "alice"},
	    {"not logged in", NO, "serving.requester", .groups = "system:nodes"},
	    {"by a node without name", NO, "serving.requester", .username = "system:node:"},
	    {"for another node", NO, "serving.requester", .cn = "system:node:m0"},
	    {"by another node", NO, "serving.requester", .username = "system:node:m0"},
	    {"a usage more", NO, "serving.usages",
	     .usages = "digital signature,server auth,client auth"},
	    {"a usage that is not it", NO, "serving.usages",
	     .usages = "digital signature,client auth"},
	    {"no name", NO, "serving.names", .no_names = TRUE},
	    {"the VIP, which the Node reports", NO, "serving.names", .second_ip = "10.0.0.250"},
	    {"the VIP in IPv6 dress", NO, "serving.names", .second_ip = "::ffff:10.0.0.250"},
	    {"the service address", NO, "serving.names", .ip = "172.30.0.1"},
	    {"loopback", NO, "serving.names", .second_ip = "127.0.0.1"},
	    {"loopback of IPv6", NO, "serving.names", .second_ip = "::1"},
	    {"any address", NO, "serving.names", .second_ip = "0.0.0.0"},
	    {"localhost", NO, "serving.names", .second_dns = "localhost"},
	    {"a service", NO, "serving.names", .second_dns = "kubernetes.default.svc"},
	    {"a service, reported", NO, "serving.names", .second_dns = "m1.svc"},
	    {"inside the cluster", NO, "serving.names",
	     .second_dns = "kubernetes.default.svc.Cluster.Local."},
	    {"the API's name", NO, "serving.names", .second_dns = "API.kite.example.com"},
	    {"a wildcard", NO, "serving.names", .second_dns = "*.kite"},
	    {"an address nobody has", NO, "serving.host", .second_ip = "10.0.0.99"},
	    {"an address that only the Node claims", NO, "serving.host", .second_ip = "10.0.0.77"},
	    {"a name that only the Node claims", NO, "serving.host", .second_dns = "m1.elsewhere"},
	    {"an address that only the host has", NO, "serving.host", .second_ip = "10.0.0.88"},
	    {"a name that only the host has", NO, "serving.host", .second_dns = "m1.host"},
	    {"another node's name", NO, "serving.host", .second_dns = "m0"},
	};
	static const Example strange = {"by a stranger", NO, "node", .cn = "system:node:m9",
					.username = "system:node:m9"};
	static const Example missing = {"by a node without Node", NO, "serving.host",
					.cn = "system:node:w0", .username = "system:node:w0"};

	run(examples, G_N_ELEMENTS(examples), TRUE);
	run(&strange, 1, TRUE);
	run(&missing, 1, TRUE);
}

static void
test_unnamed(void)
{
	unnamed = TRUE;
	test_common();
	test_client();
	test_serving();
	unnamed = FALSE;
}

/* the cluster's own rules, where its objects allow them */
static void
test_machines(void)
{
	static const char *const dns[] = {"m1", "m1.kite", NULL}, *const ips[] = {"10.0.0.2", NULL};
	static const char *const w0[] = {"W0.", NULL};
	static const Example serving = {"machine", YES, "serving.machine"};
	static const Example more = {"machine, a name more", NO, "serving.host",
				     .second_dns = "m1.more"};
	static const Example renewal = {"renewal", YES, "serving.renewal"};
	static const Example changed = {"no renewal: another address", NO, "serving.host",
					.ip = "10.0.0.3"};
	static const Example vip = {"renewal of the VIP", NO, "serving.names",
				    .second_ip = "10.0.0.250"};
	static const Example fresh = {"a new node", YES, "client.machine", .cn = "system:node:w0"};
	static const Example early = {"before its machine", NO, "client.need",
				      .cn = "system:node:w0", .created = -111};
	static const Example late = {"long after its machine", NO, "client.need",
				     .cn = "system:node:w0", .created = 7100};
	static const char *const with_vip[] = {"10.0.0.2", "10.0.0.250", NULL};
	static const char *const one_name[] = {"m1.kite", NULL};
	static const RdCsrPresented presented = {"system:node:m1", one_name, ips};
	static const RdCsrPresented vip_presented = {"system:node:m1", one_name, with_vip};
	static const RdCsrPresented odd_presented = {"system:node:m1", one_name, ips, TRUE};
	static const RdCsrPresented another = {"system:node:m2", one_name, ips};
	const RdCsrMachine machines[] = {
	    {.name = "kite-m1", .node = "m1", .created = NOW - 90000, .dns = dns, .ips = ips},
	    {.name = "kite-w0", .created = NOW - 100, .internal_dns = w0},
	};
	const struct {
		const Example *example;
		gboolean serving;
		guint n_machines;
		const RdCsrPresented *presented;
		gboolean exists, disabled;
		gboolean passes;
	} cases[] = {
	    {&serving, TRUE, 2, NULL, FALSE, FALSE, TRUE},
	    {&more, TRUE, 2, NULL, FALSE, FALSE, TRUE},
	    {&renewal, TRUE, 0, &presented, FALSE, FALSE, TRUE},
	    {&renewal, TRUE, 0, &another, FALSE, FALSE, FALSE},
	    {&changed, TRUE, 0, &presented, FALSE, FALSE, TRUE},
	    {&vip, TRUE, 0, &vip_presented, FALSE, FALSE, TRUE},
	    {&fresh, FALSE, 2, NULL, FALSE, FALSE, TRUE},
	    {&fresh, FALSE, 1, NULL, FALSE, FALSE, FALSE},
	    {&fresh, FALSE, 2, NULL, TRUE, FALSE, FALSE},
	    {&fresh, FALSE, 2, NULL, FALSE, TRUE, FALSE},
	    {&early, FALSE, 2, NULL, FALSE, FALSE, TRUE},
	    {&late, FALSE, 2, NULL, FALSE, FALSE, TRUE},
	    {&renewal, TRUE, 0, &odd_presented, FALSE, FALSE, FALSE},
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		RdCsrFacts facts = make_facts(P256);
		g_autoptr(JsonArray) list = json_array_new();
		g_autoptr(GPtrArray) verdicts = NULL;
		const RdCsrVerdict *verdict = NULL;

		facts.machines = machines;
		facts.n_machines = cases[i].n_machines;
		facts.machine_rule_disabled = cases[i].disabled;
		nodes[1].presented = cases[i].presented;
		nodes[2].exists = cases[i].exists;
		add_object(list, cases[i].example, cases[i].serving, "csr-1");
		verdicts = rd_csr_judge(list, &facts);
		verdict = verdicts->pdata[0];
		if (cases[i].passes)
			assert_verdict(cases[i].example, verdict);
		else
			g_assert_cmpstr(verdict->rule, !=, cases[i].example->rule);
	}
}

/* ---- what a kubelet presents ---- */

/* a serving certificate as kube-controller-manager issues it, in what s_client prints */
static char *
presented_text(const Pki *ca, const char *ip, const char *purpose, const char *email, int from_s)
{
	static const char *const dns[] = {"m1.kite", NULL};
	g_autoptr(Pki) leaf = pki_new("O=system:nodes,CN=system:node:m1", ca, dns);
	g_autofree char *pem_text = NULL;
	gnutls_datum_t pem = {0};
	guint8 bytes[4];

	pki_must(sscanf(ip, "%hhu.%hhu.%hhu.%hhu", &bytes[0], &bytes[1], &bytes[2], &bytes[3]));
	pki_must(gnutls_x509_crt_set_subject_alt_name(leaf->certificate, GNUTLS_SAN_IPADDRESS,
						      bytes, sizeof bytes, GNUTLS_FSAN_APPEND));
	if (email != NULL)
		pki_must(gnutls_x509_crt_set_subject_alt_name(leaf->certificate,
							      GNUTLS_SAN_RFC822NAME, email,
							      strlen(email), GNUTLS_FSAN_APPEND));
	pki_must(gnutls_x509_crt_set_key_purpose_oid(leaf->certificate, purpose, 0));
	pki_must(gnutls_x509_crt_set_activation_time(leaf->certificate, NOW + from_s));
	pki_must(gnutls_x509_crt_set_expiration_time(leaf->certificate, NOW + from_s + 3600));
	pki_must(gnutls_x509_crt_sign2(leaf->certificate, ca->certificate, ca->key,
				       GNUTLS_DIG_SHA256, 0));
	pki_must(gnutls_x509_crt_export2(leaf->certificate, GNUTLS_X509_FMT_PEM, &pem));
	pem_text = pki_take(&pem);
	return g_strdup_printf("CONNECTED(00000003)\n---\nCertificate chain\n 0 s:O = "
			       "system:nodes, CN = system:node:m1\n%s---\nServer certificate\n"
			       "subject=O = system:nodes\n---\n",
			       pem_text);
}

static void
test_presented(void)
{
	g_autoptr(Pki) ca = pki_new("CN=kubelet-signer", NULL, NULL);
	g_autoptr(Pki) other = pki_new("CN=kubelet-signer", NULL, NULL);
	g_autofree char *bundle = g_strconcat(other->certificate_pem, ca->certificate_pem, NULL);
	const struct {
		const Pki *signer;
		const char *bundle, *ip, *purpose, *email;
		int from_s;
		gboolean trusted;
	} cases[] = {
	    {ca, bundle, "10.0.0.2", GNUTLS_KP_TLS_WWW_SERVER, NULL, -60, TRUE},
	    {ca, bundle, "10.0.0.2", GNUTLS_KP_TLS_WWW_SERVER, "a@b", -60, TRUE},
	    {ca, other->certificate_pem, "10.0.0.2", GNUTLS_KP_TLS_WWW_SERVER, NULL, -60, FALSE},
	    {ca, "", "10.0.0.2", GNUTLS_KP_TLS_WWW_SERVER, NULL, -60, FALSE},
	    {ca, bundle, "10.0.0.3", GNUTLS_KP_TLS_WWW_SERVER, NULL, -60, FALSE},
	    {ca, bundle, "10.0.0.2", GNUTLS_KP_TLS_WWW_CLIENT, NULL, -60, FALSE},
	    {ca, bundle, "10.0.0.2", GNUTLS_KP_TLS_WWW_SERVER, NULL, 60, FALSE},
	    {ca, bundle, "10.0.0.2", GNUTLS_KP_TLS_WWW_SERVER, NULL, -3600, FALSE},
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *text =
		    presented_text(cases[i].signer, cases[i].ip, cases[i].purpose, cases[i].email,
				   cases[i].from_s);
		g_autofree char *why = NULL;
		g_autoptr(RdCsrPresented) self =
		    rd_csr_presented_parse(text, cases[i].bundle, "10.0.0.2", NOW, &why);

		g_test_message("case %u: %s", i, why != NULL ? why : "trusted");
		g_assert_true((self != NULL) == cases[i].trusted);
		g_assert_true((why == NULL) == cases[i].trusted);
		if (self == NULL)
			continue;
		g_assert_cmpstr(self->common_name, ==, "system:node:m1");
		g_assert_cmpstr(self->dns[0], ==, "m1.kite");
		g_assert_cmpstr(self->ips[0], ==, "10.0.0.2");
		g_assert_null(self->dns[1]);
		g_assert_null(self->ips[1]);
		g_assert_true(self->other_names == (cases[i].email != NULL));
	}
}

/* ---- several at once ---- */

/* @expected: one letter for each: a(pprove), s(kip), r(efuse) */
static void
assert_list(JsonArray *list, const RdCsrFacts *facts, const char *expected)
{
	g_autoptr(GPtrArray) verdicts = rd_csr_judge(list, facts);
	g_autoptr(GString) got = g_string_new(NULL);

	for (guint i = 0; i < verdicts->len; i++)
		g_string_append_c(
		    got, *rd_csr_verdict_to_string(((RdCsrVerdict *)verdicts->pdata[i])->kind));
	g_assert_cmpstr(got->str, ==, expected);
}

static void
test_newest(void)
{
	const struct {
		Example one, two;
		const char *expected;
	} cases[] = {
	    {{.created = -30}, {.created = -20}, "sa"},
	    {{.created = -20}, {.created = -30}, "as"},
	    /* what is decided still supersedes */
	    {{.created = -30}, {.created = -20, .condition = "Approved"}, "ss"},
	    {{.created = -30}, {.created = -20, .condition = "Denied"}, "ss"},
	    {{.created = -20}, {.created = -30, .condition = "Approved"}, "as"},
	    /* a planted one does not */
	    {{.created = -30}, {.created = -20, .strange_key = TRUE}, "ar"},
	    {{.created = -30}, {.created = -20, .second_o = "system:masters"}, "ar"},
	    {{.created = -30}, {.created = -20, .signer = "x"}, "as"},
	    {{.created = -30},
	     {.created = -20, .strange_key = TRUE, .condition = "Approved"},
	     "as"},
	    /* of one second: one of them, always the same */
	    {{.created = -20}, {.created = -20}, "sa"},
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		RdCsrFacts facts = make_facts(P256);
		g_autoptr(JsonArray) list = json_array_new();

		add_object(list, &cases[i].one, FALSE, "csr-1");
		add_object(list, &cases[i].two, FALSE, "csr-2");
		assert_list(list, &facts, cases[i].expected);
	}
}

/* both kinds of one node do not supersede each other */
static void
test_two_signers(void)
{
	static const Example plain = {.created = -20}, later = {.created = -10};
	RdCsrFacts facts = make_facts(P256);
	g_autoptr(JsonArray) list = json_array_new();

	add_object(list, &plain, FALSE, "csr-1");
	add_object(list, &later, TRUE, "csr-2");
	assert_list(list, &facts, "aa");
}

static GPtrArray *
judge_flood(guint n, gboolean same, gboolean by_others, int created, const char *condition)
{
	RdCsrFacts facts = make_facts(P256);
	static const Example good = {.created = -5};
	g_autoptr(JsonArray) list = json_array_new();

	for (guint i = 0; i < n; i++) {
		g_autofree char *name = g_strdup_printf("csr-%03u", i);
		g_autofree char *cn = g_strdup_printf("system:node:x%u", i);
		const Example one = {.cn = same ? NULL : cn,
				     .username = by_others ? "alice" : NULL,
				     .created = created,
				     .condition = condition};

		add_object(list, &one, FALSE, name);
	}
	add_object(list, &good, FALSE, "the-good-one");
	return rd_csr_judge(list, &facts);
}

static void
test_flood(void)
{
	const struct {
		guint n;
		gboolean same, by_others;
		int created;
		const char *condition;
		gboolean passes;
	} cases[] = {
	    {300, TRUE, FALSE, -50, NULL, TRUE}, /* one kubelet, asking for hours */
	    {102, FALSE, FALSE, -50, NULL, TRUE},     {103, FALSE, FALSE, -50, NULL, FALSE},
	    {200, FALSE, TRUE, -50, NULL, TRUE},      {200, FALSE, FALSE, -3600, NULL, TRUE},
	    {200, FALSE, FALSE, 10, NULL, TRUE},      {200, FALSE, FALSE, 9, NULL, FALSE},
	    {200, FALSE, FALSE, -50, "Denied", TRUE},
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GPtrArray) verdicts =
		    judge_flood(cases[i].n, cases[i].same, cases[i].by_others, cases[i].created,
				cases[i].condition);
		const RdCsrVerdict *good = verdicts->pdata[cases[i].n];
		guint approved = 0;

		for (guint j = 0; j < verdicts->len; j++)
			approved += ((RdCsrVerdict *)verdicts->pdata[j])->kind == RD_CSR_APPROVE;
		g_assert_cmpuint(approved, ==, cases[i].passes ? 1 : 0);
		g_assert_cmpstr(good->rule, ==, cases[i].passes ? "client.possession" : "limit");
	}
}

/* bytes at random places: never approved unless they are the very same request */
static void
test_damaged(void)
{
	static const Example plain = {0};
	g_autofree char *pem = make_pem(&plain, FALSE);
	gsize size = strlen(pem);
	guint parsed = 0;

	for (gsize at = 0; at < size; at++) {
		g_autofree char *copy = g_strdup(pem);
		g_autofree char *why = NULL;
		g_autoptr(RdCsrRequest) request = NULL;

		copy[at] = copy[at] == 'A' ? 'B' : 'A';
		request = rd_csr_request_parse(copy, size, &why);
		g_assert_true((request == NULL) == (why != NULL));
		parsed += request != NULL;
	}
	/* the last character before the padding carries bits that are not used */
	g_assert_cmpuint(parsed, <=, 1);
	for (gsize length = 0; length < size - 1; length++) {
		g_autofree char *why = NULL;
		g_autoptr(RdCsrRequest) request = rd_csr_request_parse(pem, length, &why);

		g_assert_null(request);
	}
}

int
main(int argc, char **argv)
{
	int rc;

	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < KEY_LAST; i++)
		keys[i] = make_key(i);
	other_key = make_key(P256);
	g_test_add_func("/csr/common", test_common);
	g_test_add_func("/csr/client", test_client);
	g_test_add_func("/csr/serving", test_serving);
	g_test_add_func("/csr/unnamed", test_unnamed);
	g_test_add_func("/csr/machines", test_machines);
	g_test_add_func("/csr/presented", test_presented);
	g_test_add_func("/csr/newest", test_newest);
	g_test_add_func("/csr/two-signers", test_two_signers);
	g_test_add_func("/csr/flood", test_flood);
	g_test_add_func("/csr/damaged", test_damaged);
	rc = g_test_run();
	for (guint i = 0; i < KEY_LAST; i++)
		gnutls_privkey_deinit(keys[i]);
	gnutls_privkey_deinit(other_key);
	g_clear_pointer((GBytes **)&nodes[1].pending_key, g_bytes_unref);
	return rc;
}
