/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "kube/call.h"
#include <string.h>

/* What an API server has to do with one script of requests, whoever it is: the simulated store, and
 * a real kube-apiserver. In it UID and VERSION stand for those of the object as it was last
 * answered. */

typedef struct {
	RdKubeVerb verb;
	const char *path, *body; /* single quotes */
	RdKubeVerdict verdict;
	const char *has;   /* (nullable) "data.a=1": a member of the answer; "items=2": how many */
	gboolean unserved; /* MISSING */
	const char *uid;   /* DELETE */
} ApiTurn;

#define API_ONE	 "/api/v1/namespaces/default/configmaps/api-script-a"
#define API_MANY "/api/v1/namespaces/default/configmaps"
#define API_OURS API_MANY "?labelSelector=script%3Dyes"

static const ApiTurn api_script[] = {
    {RD_KUBE_GET, API_ONE, NULL, RD_KUBE_MISSING},
    {RD_KUBE_GET, "/apis/no.such.group/v1/things", NULL, RD_KUBE_MISSING, NULL, TRUE},
    {RD_KUBE_PUT, API_ONE, "{'metadata':{'name':'api-script-a','resourceVersion':'1'}}",
     RD_KUBE_MISSING},
    {RD_KUBE_POST, API_MANY,
     "{'kind':'ConfigMap','apiVersion':'v1','metadata':{'name':'api-script-a','labels':{'script':"
     "'yes'}},'data':{'a':'1'}}",
     RD_KUBE_DONE, "data.a=1"},
    {RD_KUBE_POST, API_MANY,
     "{'kind':'ConfigMap','apiVersion':'v1','metadata':{'name':'api-script-a'}}", RD_KUBE_CONFLICT},
    {RD_KUBE_POST, API_MANY,
     "{'kind':'ConfigMap','apiVersion':'v1','metadata':{'name':'api-script-b','labels':{'script':"
     "'yes'}}}",
     RD_KUBE_DONE},
    {RD_KUBE_GET, API_OURS, NULL, RD_KUBE_DONE, "items=2"},
    {RD_KUBE_GET, API_OURS "&limit=1", NULL, RD_KUBE_DONE, "items=1"},
    {RD_KUBE_GET, API_MANY "?fieldSelector=metadata.name%3Dapi-script-b", NULL, RD_KUBE_DONE,
     "items=1"},
    {RD_KUBE_GET, API_ONE, NULL, RD_KUBE_DONE, "metadata.name=api-script-a"},
    {RD_KUBE_PUT, API_ONE,
     "{'kind':'ConfigMap','apiVersion':'v1','metadata':{'name':'api-script-a','resourceVersion':"
     "'VERSION','labels':{'script':'yes'}},'data':{'a':'2'}}",
     RD_KUBE_DONE, "data.a=2"},
    {RD_KUBE_PUT, API_ONE,
     "{'kind':'ConfigMap','apiVersion':'v1','metadata':{'name':'api-script-a','resourceVersion':"
     "'1'},'data':{'a':'3'}}",
     RD_KUBE_CONFLICT},
    {RD_KUBE_PATCH_MERGE, API_ONE, "{'data':{'b':'x','a':null}}", RD_KUBE_DONE, "data.b=x"},
    {RD_KUBE_GET, API_ONE, NULL, RD_KUBE_DONE, "data.a="},
    {RD_KUBE_PATCH_MERGE, API_ONE, "{'metadata':{'resourceVersion':'1'},'data':{'b':'y'}}",
     RD_KUBE_CONFLICT},
    {RD_KUBE_PATCH_JSON, API_ONE,
     "[{'op':'test','path':'/data/b','value':'x'},{'op':'replace','path':'/data/b','value':'z'},"
     "{'op':'add','path':'/metadata/annotations','value':{'k/l':'1'}}]",
     RD_KUBE_DONE, "data.b=z"},
    {RD_KUBE_PATCH_JSON, API_ONE, "[{'op':'remove','path':'/metadata/annotations/k~1l'}]",
     RD_KUBE_DONE, "data.b=z"},
    {RD_KUBE_PATCH_JSON, API_ONE, "[{'op':'test','path':'/data/b','value':'x'}]", RD_KUBE_REFUSED},
    {RD_KUBE_PATCH_JSON, API_ONE, "[{'op':'remove','path':'/data/none'}]", RD_KUBE_REFUSED},
    {RD_KUBE_PATCH_MERGE, API_MANY "/api-script-none", "{'data':{}}", RD_KUBE_MISSING},
    {RD_KUBE_DELETE, API_ONE, NULL, RD_KUBE_CONFLICT, NULL, FALSE,
     "00000000-0000-0000-0000-000000000000"},
    {RD_KUBE_GET, API_ONE, NULL, RD_KUBE_DONE, "data.b=z"},
    {RD_KUBE_DELETE, API_ONE, NULL, RD_KUBE_DONE, NULL, FALSE, "UID"},
    {RD_KUBE_DELETE, API_ONE, NULL, RD_KUBE_MISSING, NULL, FALSE, "UID"},
    {RD_KUBE_GET, API_MANY "/api-script-b", NULL, RD_KUBE_DONE},
    {RD_KUBE_DELETE, API_MANY "/api-script-b", NULL, RD_KUBE_DONE, NULL, FALSE, "UID"},
    {RD_KUBE_GET, API_OURS, NULL, RD_KUBE_DONE, "items=0"},
};

static inline char *
api_meta(JsonNode *body, const char *key)
{
	JsonObject *object = json_node_get_object(body);
	JsonNode *meta = json_object_get_member(object, "metadata");

	if (meta == NULL || !JSON_NODE_HOLDS_OBJECT(meta))
		return NULL;
	return g_strdup(
	    json_object_get_string_member_with_default(json_node_get_object(meta), key, NULL));
}

static inline void
api_assert_has(guint at, JsonNode *body, const char *has)
{
	g_auto(GStrv) pair = g_strsplit(has, "=", 2);
	g_auto(GStrv) keys = g_strsplit(pair[0], ".", 2);
	JsonObject *object = json_node_get_object(body);
	g_autofree char *found = NULL;

	if (g_str_equal(keys[0], "items"))
		found = g_strdup_printf(
		    "%u", json_array_get_length(json_object_get_array_member(object, "items")));
	else if (json_object_has_member(object, keys[0]))
		found = g_strdup(json_object_get_string_member_with_default(
		    json_object_get_object_member(object, keys[0]), keys[1], ""));
	if (g_strcmp0(found != NULL ? found : "", pair[1]) != 0)
		g_error("turn %u: %s, and it is %s", at, has, found);
}

/* for each turn of the script */
static inline void
api_play(RdKube *kube)
{
	g_autofree char *uid = g_strdup(""), *version = g_strdup("");

	for (guint i = 0; i < G_N_ELEMENTS(api_script); i++) {
		const ApiTurn *turn = &api_script[i];
		g_autoptr(GString) body = g_string_new(turn->body);
		g_autofree char *whose = NULL, *which = NULL;
		g_auto(RdKubeAnswer) answer = {0};
		RdKubeRequest request = {.verb = turn->verb,
					 .path = turn->path,
					 .uid = g_strcmp0(turn->uid, "UID") == 0 ? uid : turn->uid};

		g_string_replace(body, "'", "\"", 0);
		g_string_replace(body, "VERSION", version, 0);
		request.body = turn->body != NULL ? body->str : NULL;
		kube->klass->send(kube, &request, 1, 1, 60, &answer);
		if (answer.verdict != turn->verdict || (answer.unserved != turn->unserved))
			g_error("turn %u, %s %s: %s, not %s: %u %s", i,
				rd_kube_verb_to_string(turn->verb), turn->path,
				rd_kube_verdict_to_string(answer.verdict),
				rd_kube_verdict_to_string(turn->verdict), answer.status,
				answer.message != NULL ? answer.message : "");
		if (answer.verdict != RD_KUBE_DONE)
			continue;
		if (turn->has != NULL)
			api_assert_has(i, answer.body, turn->has);
		whose = api_meta(answer.body, "uid");
		which = api_meta(answer.body, "resourceVersion");
		if (whose == NULL || which == NULL)
			continue;
		g_free(uid);
		g_free(version);
		uid = g_steal_pointer(&whose);
		version = g_steal_pointer(&which);
	}
}
