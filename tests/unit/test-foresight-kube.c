/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runner/foresight.h"
#include "step-fixture.h"

/* The pen lifted, and the Kubernetes API: what is written down is read back, what comes of it is
 * not known. */

#define ETCDS "/apis/operator.openshift.io/v1/etcds/cluster"
#define HOOKS "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
#define ETCD                                                                                       \
	"{\"kind\":\"Etcd\",\"metadata\":{\"name\":\"cluster\",\"uid\":\"u-1\","                   \
	"\"resourceVersion\":\"7\"},\"spec\":{\"managementState\":\"Managed\"}}"
#define OFF                                                                                        \
	"{\"spec\":{\"unsupportedConfigOverrides\":{\"guard\":true}},\"metadata\":{\"uid\":"       \
	"\"%s\",\"resourceVersion\":\"7\"}}"

#define OBJECT(text)                                                                               \
	{                                                                                          \
		.verdict = RD_KUBE_DONE, .status = 200, .JSON = text                               \
	}

/* @play's body, with what earlier ones wrote down (nullable) */
static RdForesight *
lift(Play *play, const char *foreseen)
{
	g_autoptr(GError) error = NULL;
	RdForesight *foresight;

	play->order->foreseen =
	    g_strdup(foreseen != NULL ? foreseen : "{\"entries\":[],\"silent\":{}}");
	foresight = rd_foresight_new(&play->stage.world, play->order, &error);
	g_assert_no_error(error);
	play->order->touches = play->step.touches;
	play->step.foresight = foresight;
	play->step.world = rd_foresight_get_world(foresight);
	return foresight;
}

static void
change(Play *play, RecoveryApiVerb verb, const char *path, const char *body)
{
	const RecoveryApiChange one = {.verb = verb,
				       .path = path,
				       .body = body,
				       .uid = "u-1",
				       .now = TRUE};
	RecoveryApiEnd end = RECOVERY_API_MISSING;
	g_autoptr(GError) error = NULL;

	g_assert_true(recovery_api_change(&play->step, &one, &end, NULL, &error));
	g_assert_no_error(error);
	g_assert_cmpint(end, ==, RECOVERY_API_DONE);
}

/* as text; NULL: not known before */
static char *
read_text(Play *play, const char *path)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(JsonNode) object = recovery_api_get(&play->step, path, &error);

	if (object != NULL)
		return json_to_string(object, FALSE);
	g_assert_error(error, RECOVERY_ERROR, RECOVERY_ERROR_CANCELLED);
	return NULL;
}

/* of the last change, which is what later bodies are told */
static char *
foreseen_of(RdForesight *foresight, Play *play)
{
	g_autofree char *entry = rd_foresight_entry(foresight, play->step.touches);

	return g_strdup_printf("{\"entries\":[%s],\"silent\":{}}", entry);
}

static void
test_a_patch_is_read_back(void)
{
	PLAY(play, OBJECT(ETCD));
	g_autoptr(RdForesight) foresight = lift(play, NULL);
	g_autofree char *body = g_strdup_printf(OFF, "u-1"), *text = NULL, *other = NULL;

	change(play, RECOVERY_API_MERGE, ETCDS, body);
	text = read_text(play, ETCDS);
	g_assert_nonnull(text);
	g_assert_nonnull(strstr(text, "\"unsupportedConfigOverrides\":{\"guard\":true}"));
	g_assert_nonnull(strstr(text, "\"managementState\":\"Managed\""));
	/* another object is as it is */
	other = read_text(play, "/apis/operator.openshift.io/v1/etcds/other");
	g_assert_null(strstr(other, "guard"));
	/* and the server has seen nothing of the patch */
	g_assert_null(strstr(play->stage.log->str, "PATCH"));
}

static void
test_by_later_bodies_too(void)
{
	PLAY(first, OBJECT(ETCD));
	PLAY(play, OBJECT(ETCD));
	g_autoptr(RdForesight) early = lift(first, NULL), late = NULL;
	g_autofree char *body = g_strdup_printf(OFF, "u-1"), *foreseen = NULL, *text = NULL;
	g_autofree char *entry = NULL;

	change(first, RECOVERY_API_MERGE, ETCDS, body);
	foreseen = foreseen_of(early, first);
	late = lift(play, foreseen);
	text = read_text(play, ETCDS "?pretty=false");
	g_assert_nonnull(strstr(text, "\"guard\":true"));
	/* what follows from it may come otherwise */
	change(play, RECOVERY_API_MERGE, ETCDS, "{\"spec\":{\"unsupportedConfigOverrides\":null}}");
	entry = rd_foresight_entry(late, play->step.touches);
	g_assert_nonnull(strstr(entry, "\"depends\":\"what " ETCDS));
}

static void
test_not_what_the_server_would_refuse(void)
{
	PLAY(play, OBJECT(ETCD));
	g_autoptr(RdForesight) foresight = lift(play, NULL);
	g_autofree char *body = g_strdup_printf(OFF, "u-2"), *text = NULL;

	change(play, RECOVERY_API_MERGE, ETCDS, body);
	change(play, RECOVERY_API_JSON_PATCH, ETCDS,
	       "[{\"op\":\"test\",\"path\":\"/spec/managementState\",\"value\":\"Removed\"},"
	       "{\"op\":\"add\",\"path\":\"/spec/guard\",\"value\":1}]");
	text = read_text(play, ETCDS);
	g_assert_null(strstr(text, "guard"));
}

static void
test_items_of_a_list(void)
{
	PLAY(play, OBJECT("{\"kind\":\"List\",\"metadata\":{},\"items\":["
			  "{\"metadata\":{\"name\":\"a\"},\"webhooks\":[{\"failurePolicy\":"
			  "\"Fail\"}]},{\"metadata\":{\"name\":\"b\"},\"webhooks\":"
			  "[{\"failurePolicy\":\"Fail\"}]}]}"));
	g_autoptr(RdForesight) foresight = lift(play, NULL);
	g_autoptr(JsonArray) items = NULL;
	g_autofree char *a = NULL, *b = NULL;
	g_autoptr(GError) error = NULL;

	change(
	    play, RECOVERY_API_JSON_PATCH, HOOKS "/b",
	    "[{\"op\":\"replace\",\"path\":\"/webhooks/0/failurePolicy\",\"value\":\"Ignore\"}]");
	items = recovery_api_list(&play->step, HOOKS, &error);
	g_assert_no_error(error);
	a = json_to_string(json_array_get_element(items, 0), FALSE);
	b = json_to_string(json_array_get_element(items, 1), FALSE);
	g_assert_nonnull(strstr(a, "Fail"));
	g_assert_nonnull(strstr(b, "Ignore"));
}

/* a controller has had time to act */
static void
test_not_after_a_wait(void)
{
	PLAY(play, OBJECT(ETCD));
	g_autoptr(RdForesight) foresight = lift(play, NULL);

	change(play, RECOVERY_API_MERGE, ETCDS, "{\"spec\":{}}");
	rd_foresight_wait(foresight);
	g_assert_null(read_text(play, ETCDS));
	g_assert_nonnull(rd_foresight_get_depends(foresight));
}

static void
test_not_after_a_deletion(void)
{
	PLAY(play, OBJECT(ETCD));
	g_autoptr(RdForesight) foresight = lift(play, NULL);
	g_autofree char *entry = NULL;

	change(play, RECOVERY_API_DELETE, "/api/v1/namespaces/a/pods/p", NULL);
	entry = rd_foresight_entry(foresight, play->step.touches);
	g_assert_nonnull(strstr(entry, "\"now\":\"yes\""));
	g_assert_null(read_text(play, ETCDS));
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/foresight-kube/read-back", test_a_patch_is_read_back);
	g_test_add_func("/foresight-kube/later-bodies", test_by_later_bodies_too);
	g_test_add_func("/foresight-kube/refused", test_not_what_the_server_would_refuse);
	g_test_add_func("/foresight-kube/items", test_items_of_a_list);
	g_test_add_func("/foresight-kube/wait", test_not_after_a_wait);
	g_test_add_func("/foresight-kube/deletion", test_not_after_a_deletion);
	return g_test_run();
}
