/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rules.h"
#include "names.h"
#include "object.h"
#include "request.h"
#include <string.h>

#define NODE_PREFIX  "system:node:"
#define BOOTSTRAPPER "system:serviceaccount:openshift-machine-config-operator:node-bootstrapper"

static const char *const kinds[] = {"approve", "skip", "refuse"};
G_STATIC_ASSERT(G_N_ELEMENTS(kinds) == RD_CSR_REFUSE + 1);

const char *
rd_csr_verdict_to_string(RdCsrVerdictKind kind)
{
	return kinds[kind];
}

void
rd_csr_verdict_free(RdCsrVerdict *verdict)
{
	g_free(verdict->name);
	g_free(verdict->node);
	g_free(verdict->signer);
	g_free(verdict->key_digest);
	g_free(verdict->reason);
	g_free(verdict);
}

/* one request on its way through the rules */
typedef struct {
	const RdCsrFacts *facts;
	RdCsrObject *object;
	RdCsrRequest *request; /* (nullable) not parsed yet, or it cannot be */
	RdCsrVerdict *verdict;
	gboolean passed; /* its rules, whatever follows from the others */
} Case;

static void
case_free(Case *one)
{
	rd_csr_object_free(one->object);
	rd_csr_request_free(one->request);
	g_free(one);
}

static void G_GNUC_PRINTF(4, 5)
    decide(Case *one, RdCsrVerdictKind kind, const char *rule, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	g_free(one->verdict->reason);
	one->verdict->reason = g_strdup_vprintf(format, args);
	va_end(args);
	one->verdict->kind = kind;
	one->verdict->rule = rule;
}

/* FALSE, so that a check can end with it */
#define refuse(one, rule, ...) (decide(one, RD_CSR_REFUSE, rule, __VA_ARGS__), FALSE)

/* ---- rules for both ---- */

static const RdCsrNode *
find_node(const RdCsrFacts *facts, const char *name)
{
	for (guint i = 0; i < facts->n_nodes; i++)
		if (g_str_equal(facts->nodes[i].name, name))
			return &facts->nodes[i];
	return NULL;
}

/* usages must be exactly these two, or with key encipherment these three */
static gboolean
check_usages(Case *one, const char *rule, const char *purpose)
{
	const char *const two[] = {"digital signature", purpose, NULL};
	const char *const three[] = {"digital signature", "key encipherment", purpose, NULL};

	if (rd_csr_is_set(one->object->usages, two) || rd_csr_is_set(one->object->usages, three))
		return TRUE;
	return refuse(one, rule, "its usages are not digital signature and %s", purpose);
}

/* one CN for a node, O system:nodes and no other, and nothing that no kubelet asks for */
static gboolean
check_subject(Case *one)
{
	static const char *const nodes[] = {"system:nodes", NULL};
	const RdCsrRequest *request = one->request;
	const char *name = NULL;

	if (request->names->len != 1 || request->other_subject)
		return refuse(one, "subject", "its subject is more than one CN and O");
	name = request->names->pdata[0];
	if (!g_str_has_prefix(name, NODE_PREFIX) || name[strlen(NODE_PREFIX)] == '\0')
		return refuse(one, "subject", "its CN is no node's: %s", name);
	if (!rd_csr_is_set(request->organizations, nodes))
		return refuse(one, "subject", "its O is not system:nodes alone");
	if (request->other_wishes)
		return refuse(one, "wishes",
			      "it asks for extensions or attributes that no kubelet "
			      "asks for");
	if (request->other_names)
		return refuse(one, "names", "it asks for names that are neither DNS nor IP");
	return TRUE;
}

/* PEM, signature, kind of key. Says whom it is for, if it says so itself. */
static gboolean
check_request(Case *one)
{
	g_autofree char *why = NULL;
	const char *name = NULL;

	one->request =
	    one->object->request == NULL
		? NULL
		: rd_csr_request_parse(one->object->request, one->object->request_size, &why);
	if (one->request == NULL)
		return refuse(one, "request", "%s", why == NULL ? "it has no request" : why);
	one->verdict->key_digest = g_strdup(one->request->key_digest);
	if (one->verdict->node == NULL && one->request->names->len == 1) {
		name = one->request->names->pdata[0];
		if (g_str_has_prefix(name, NODE_PREFIX))
			one->verdict->node = g_strdup(name + strlen(NODE_PREFIX));
	}
	if (one->request->weak_key != NULL)
		return refuse(one, "key", "it has %s", one->request->weak_key);
	return check_subject(one);
}

/* ---- client certificates ---- */

static gboolean
check_requester(Case *one)
{
	static const char *const groups[] = {
	    "system:serviceaccounts:openshift-machine-config-operator", "system:serviceaccounts",
	    "system:authenticated", NULL};

	if (rd_csr_is_set(one->object->groups, groups))
		return TRUE;
	return refuse(one, "client.requester",
		      "the groups of who asks are not those of the "
		      "node-bootstrapper");
}

/* the cluster's own rule, for nodes that do not exist yet */
static gboolean
client_by_machine(Case *one, const RdCsrNode *node)
{
	const RdCsrFacts *facts = one->facts;

	if (facts->machine_rule_disabled || node->exists)
		return FALSE;
	for (guint i = 0; i < facts->n_machines; i++) {
		const RdCsrMachine *machine = &facts->machines[i];
		gint64 age = one->object->created - machine->created;

		if (machine->node == NULL &&
		    rd_csr_among(one->verdict->node, machine->internal_dns, rd_csr_same_name) &&
		    age > -RD_CSR_SKEW && age < RD_CSR_MACHINE_WINDOW) {
			decide(one, RD_CSR_APPROVE, "client.machine",
			       "Machine %s is of that name, new and without a node", machine->name);
			return TRUE;
		}
	}
	return FALSE;
}

/* ours: the host itself was seen to hold the key, at a time when it needs a certificate */
static gboolean
client_by_possession(Case *one, const RdCsrNode *node)
{
	if (node->needs_since == 0)
		return refuse(one, "client.need", "%s has not lost its certificate in this run",
			      node->name);
	if (one->object->created < node->needs_since - RD_CSR_SKEW)
		return refuse(one, "client.need", "it is older than the loss of %s's certificate",
			      node->name);
	if (node->pending_key == NULL)
		return refuse(one, "client.possession",
			      "the key that %s waits with could not be read there", node->name);
	if (!g_bytes_equal(node->pending_key, one->request->public_key))
		return refuse(one, "client.possession", "its key is not the one that %s waits with",
			      node->name);
	decide(one, RD_CSR_APPROVE, "client.possession", "%s holds its key and needs a certificate",
	       node->name);
	return TRUE;
}

static gboolean
judge_client(Case *one)
{
	const RdCsrNode *node = NULL;

	if (!g_str_equal(one->object->username, BOOTSTRAPPER)) {
		/* a renewal: kube-controller-manager approves those */
		decide(one, RD_CSR_SKIP, "client.requester",
		       "%s asks, which is not the "
		       "node-bootstrapper",
		       one->object->username);
		return FALSE;
	}
	if (!check_requester(one) || !check_request(one) ||
	    !check_usages(one, "client.usages", "client auth"))
		return FALSE;
	if (one->request->dns->len > 0 || one->request->ips->len > 0)
		return refuse(one, "client.names", "a client certificate has no alternative names");
	node = find_node(one->facts, one->verdict->node);
	if (node == NULL)
		return refuse(one, "node", "%s is not in the inventory, or is excused",
			      one->verdict->node);
	return client_by_machine(one, node) || client_by_possession(one, node);
}

/* ---- serving certificates ---- */

/* whoever vouches for it: these names are never one node's */
static gboolean
check_never(Case *one)
{
	GPtrArray *dns = one->request->dns, *ips = one->request->ips;

	if (dns->len + ips->len == 0)
		return refuse(one, "serving.names", "it asks for no name");
	for (guint i = 0; i < dns->len; i++)
		if (rd_csr_is_local_name(dns->pdata[i]) || strchr(dns->pdata[i], '*') != NULL ||
		    rd_csr_among(dns->pdata[i], one->facts->never_dns, rd_csr_same_name))
			return refuse(one, "serving.names", "%s is no node's own name",
				      (char *)dns->pdata[i]);
	for (guint i = 0; i < ips->len; i++)
		if (rd_csr_is_local_address(ips->pdata[i]) ||
		    rd_csr_among(ips->pdata[i], one->facts->never_ips, rd_csr_same_address))
			return refuse(one, "serving.names", "%s is no node's own address",
				      (char *)ips->pdata[i]);
	return TRUE;
}

static gboolean
serving_by_renewal(Case *one, const RdCsrNode *node)
{
	const RdCsrPresented *presented = node->presented;

	if (presented == NULL || presented->other_names ||
	    g_strcmp0(presented->common_name, one->request->names->pdata[0]) != 0 ||
	    !rd_csr_same_set(one->request->dns, presented->dns, rd_csr_same_name) ||
	    !rd_csr_same_set(one->request->ips, presented->ips, rd_csr_same_address))
		return FALSE;
	decide(one, RD_CSR_APPROVE, "serving.renewal",
	       "%s presents a valid certificate for the same names", node->name);
	return TRUE;
}

static gboolean
serving_by_machine(Case *one)
{
	for (guint i = 0; i < one->facts->n_machines; i++) {
		const RdCsrMachine *machine = &one->facts->machines[i];

		if (g_strcmp0(machine->node, one->verdict->node) != 0)
			continue;
		if (rd_csr_first_missing(one->request->dns, machine->dns, rd_csr_same_name) !=
			NULL ||
		    rd_csr_first_missing(one->request->ips, machine->ips, rd_csr_same_address) !=
			NULL)
			continue;
		decide(one, RD_CSR_APPROVE, "serving.machine", "Machine %s has all of its names",
		       machine->name);
		return TRUE;
	}
	return FALSE;
}

/* ours, where there are no Machines: the Node object and the host itself, asked over SSH, agree */
static gboolean
serving_by_host(Case *one, const RdCsrNode *node)
{
	const char *odd = NULL;

	if (!node->exists)
		return refuse(one, "serving.host", "there is no Node %s", node->name);
	odd = rd_csr_first_missing(one->request->dns, node->node_dns, rd_csr_same_name);
	if (odd == NULL)
		odd = rd_csr_first_missing(one->request->ips, node->node_ips, rd_csr_same_address);
	if (odd != NULL)
		return refuse(one, "serving.host", "Node %s does not have %s", node->name, odd);
	odd = rd_csr_first_missing(one->request->dns, node->host_dns, rd_csr_same_name);
	if (odd == NULL)
		odd = rd_csr_first_missing(one->request->ips, node->host_ips, rd_csr_same_address);
	if (odd != NULL)
		return refuse(one, "serving.host", "host %s itself does not have %s", node->name,
			      odd);
	decide(one, RD_CSR_APPROVE, "serving.host", "Node and host %s have all of its names",
	       node->name);
	return TRUE;
}

static gboolean
judge_serving(Case *one)
{
	const RdCsrObject *object = one->object;
	const RdCsrNode *node = NULL;

	if (!rd_csr_has(object->groups, "system:nodes")) {
		decide(one, RD_CSR_SKIP, "serving.requester", "%s, who asks, is no node",
		       object->username);
		return FALSE;
	}
	if (!rd_csr_has(object->groups, "system:authenticated") ||
	    !g_str_has_prefix(object->username, NODE_PREFIX))
		return refuse(one, "serving.requester", "%s, who asks, is no node",
			      object->username);
	if (!check_request(one) || !check_usages(one, "serving.usages", "server auth"))
		return FALSE;
	if (!g_str_equal(object->username, one->request->names->pdata[0]))
		return refuse(one, "serving.requester", "%s asks for %s", object->username,
			      (char *)one->request->names->pdata[0]);
	node = find_node(one->facts, one->verdict->node);
	if (node == NULL)
		return refuse(one, "node", "%s is not in the inventory, or is excused",
			      one->verdict->node);
	return check_never(one) && (serving_by_renewal(one, node) || serving_by_machine(one) ||
				    serving_by_host(one, node));
}

/* ---- one, and all ---- */

static Case *
case_new(JsonNode *node, const RdCsrFacts *facts)
{
	Case *one = g_new0(Case, 1);

	one->facts = facts;
	one->object = rd_csr_object_read(node);
	one->verdict = g_new0(RdCsrVerdict, 1);
	one->verdict->name = g_strdup(one->object->name);
	one->verdict->signer = g_strdup(one->object->signer);
	/* who logged in as a node speaks for that one; what else is claimed is compared later */
	if (g_str_has_prefix(one->object->username, NODE_PREFIX) &&
	    one->object->username[strlen(NODE_PREFIX)] != '\0')
		one->verdict->node = g_strdup(one->object->username + strlen(NODE_PREFIX));
	if (g_str_equal(one->object->signer, RD_CSR_SIGNER_CLIENT))
		judge_client(one);
	else if (g_str_equal(one->object->signer, RD_CSR_SIGNER_SERVING))
		judge_serving(one);
	else
		decide(one, RD_CSR_SKIP, "signer", "signer %s is not ours", one->object->signer);
	one->passed = one->verdict->kind == RD_CSR_APPROVE;
	return one;
}

/* A kubelet that asks again gives up its earlier request. Only what passed its rules makes others
 * old: a planted request must not stop the real one. What is decided already counts as well, or an
 * older one would be approved in its place. */
static void
mark_superseded(GPtrArray *cases)
{
	for (guint i = 0; i < cases->len; i++) {
		Case *one = cases->pdata[i];

		for (guint j = 0; j < cases->len && one->verdict->kind == RD_CSR_APPROVE; j++) {
			Case *two = cases->pdata[j];
			gboolean newer = two->object->created > one->object->created ||
					 (two->object->created == one->object->created &&
					  strcmp(two->object->name, one->object->name) > 0);

			if (i != j && two->passed && newer &&
			    g_str_equal(one->verdict->signer, two->verdict->signer) &&
			    g_str_equal(one->verdict->node, two->verdict->node))
				decide(one, RD_CSR_SKIP, "superseded", "%s asked again: %s",
				       one->verdict->node, two->object->name);
		}
	}
}

static void
mark_decided(GPtrArray *cases)
{
	for (guint i = 0; i < cases->len; i++) {
		Case *one = cases->pdata[i];

		if (one->object->decided != NULL)
			decide(one, RD_CSR_SKIP, "decided", "it is already %s",
			       one->object->decided);
	}
}

/* whom a pending request counts for, or NULL when it does not count: what others than nodes and the
 * bootstrapper ask for is not ours, and must not stop us */
static const char *
asker(const Case *one, const RdCsrFacts *facts, const char *signer)
{
	gint64 age = facts->now - one->object->created;

	if (one->object->decided != NULL || age >= RD_CSR_WINDOW || age <= -RD_CSR_SKEW ||
	    !g_str_equal(one->verdict->signer, signer))
		return NULL;
	if (one->verdict->node != NULL)
		return one->verdict->node;
	return g_str_equal(one->object->username, BOOTSTRAPPER) ? one->object->name : NULL;
}

/* More nodes that ask than there can be: something asks that is none. One node that asked often is
 * one. */
static void
mark_flood(GPtrArray *cases, const RdCsrFacts *facts, const char *signer)
{
	g_autoptr(GHashTable) askers = g_hash_table_new(g_str_hash, g_str_equal);
	guint limit = MAX(facts->n_machines, facts->nodes_in_cluster) + RD_CSR_SPARE;

	for (guint i = 0; i < cases->len; i++) {
		const char *name = asker(cases->pdata[i], facts, signer);

		if (name != NULL)
			g_hash_table_add(askers, (gpointer)name);
	}
	for (guint i = 0; i < cases->len && g_hash_table_size(askers) > limit; i++) {
		Case *one = cases->pdata[i];

		if (one->verdict->kind == RD_CSR_APPROVE &&
		    g_str_equal(one->verdict->signer, signer))
			decide(one, RD_CSR_REFUSE, "limit",
			       "%u different nodes ask, more than %u can be true",
			       g_hash_table_size(askers), limit);
	}
}

GPtrArray *
rd_csr_judge(JsonArray *requests, const RdCsrFacts *facts)
{
	g_autoptr(GPtrArray) cases = g_ptr_array_new_with_free_func((GDestroyNotify)case_free);
	GPtrArray *verdicts = g_ptr_array_new_with_free_func((GDestroyNotify)rd_csr_verdict_free);

	for (guint i = 0; i < json_array_get_length(requests); i++)
		g_ptr_array_add(cases, case_new(json_array_get_element(requests, i), facts));
	mark_superseded(cases);
	mark_decided(cases);
	mark_flood(cases, facts, RD_CSR_SIGNER_CLIENT);
	mark_flood(cases, facts, RD_CSR_SIGNER_SERVING);
	for (guint i = 0; i < cases->len; i++)
		g_ptr_array_add(verdicts, ((Case *)cases->pdata[i])->verdict);
	return verdicts;
}
