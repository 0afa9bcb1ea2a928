/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "journal/redact.h"

/* what is to be gone is between « and » */
static void
check(RdRedact *redact, const char *marked)
{
	g_auto(GStrv) parts = NULL;
	g_autoptr(GString) text = g_string_new(NULL);
	g_autoptr(GString) expected = g_string_new(NULL);
	g_autofree char *actual = NULL;
	g_autofree char *again = NULL;

	for (const char *p = marked; *p != '\0';) {
		const char *open = strstr(p, "«");
		const char *close = open != NULL ? strstr(open, "»") : NULL;
		gsize plain = open != NULL ? (gsize)(open - p) : strlen(p);

		g_string_append_len(text, p, (gssize)plain);
		g_string_append_len(expected, p, (gssize)plain);
		if (open == NULL)
			break;
		g_string_append_len(text, open + strlen("«"), close - open - strlen("«"));
		g_string_append(expected, "[redacted]");
		p = close + strlen("»");
	}
	actual = rd_redact_text(redact, text->str);
	if (g_str_equal(text->str, expected->str)) {
		g_assert_cmpstr(actual, ==, NULL);
		return;
	}
	g_assert_cmpstr(actual, ==, expected->str);
	again = rd_redact_text(redact, actual);
	g_assert_cmpstr(again, ==, NULL);
}

static void
test_hides(void)
{
	static const char *const texts[] = {
	    "login --token=«abc» failed",
	    "oc login --token «sha256~0123456789012345678901234567890123456789abc» "
	    "https://api:6443",
	    "used sha256~ to mark, then «sha256~0123456789012345678901234567890123456789abc»!",
	    "DB_PASSWORD=«hunter2»; next",
	    "password='«two words»' user=x",
	    "{\"password\":\"«a\\\"b»\",\"user\":\"core\"}",
	    "{\\\"password\\\":\\\"«hunter2»\\\",\\\"user\\\":\\\"core\\\"}",
	    "{\"auths\":{\"quay.io\":{\"auth\": \"«dXNlcjpwYXNz»\"}}}",
	    "kind: Secret\n  token: «abcdef»\nname: x",
	    "GET /a?token=«abc»&watch=1",
	    "Authorization: Bearer «abcdef.ghi-jkl==» sent",
	    "authorization: basic «dXNlcjpwYXNz»",
	    "fetch https://«core:hunter2»@mirror.example/x?y",
	    "fetch https://«ghp0123»@mirror.example",
	    "proxy http://«user:p@ss»@proxy:3128",
	    "ssh://core:«hunter2»@m1",
	    "-----«BEGIN EC PRIVATE KEY-----\nMHc\n-----END EC PRIVATE KEY-----»\nafter",
	    "-----«BEGIN PRIVATE KEY-----\nMHc»",
	    "«MHcAAA\n-----END OPENSSH PRIVATE KEY-----»\nafter",
	    "-----«BEGIN PRIVATE KEY-----\nA\n-----END PRIVATE KEY-----» and "
	    "-----«BEGIN RSA PRIVATE KEY-----\nB\n-----END RSA PRIVATE KEY-----» end",
	    "client-key-data: «LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQo=»",
	    "jwt «eyJhbGciOiJSUzI1NiIsImtpZCI6IiJ9.eyJpc3MiOiJrdWJlcm5ldGVzIn0.c2ln» x",
	};

	for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_test_message("%s", texts[i]);
		check(NULL, texts[i]);
	}
}

static void
test_leaves(void)
{
	static const char *const texts[] = {
	    "",
	    "stop-etcd@m1",
	    "wrong password: try again",
	    "the token expired at 12:00",
	    "--initial-cluster-token=etcd-cluster-1 --name m0",
	    "ETCD_INITIAL_CLUSTER_TOKEN=recovery-7",
	    "https://api.example:6443/api?x=1",
	    "ssh://core@m1:22/var",
	    "secretName=front-proxy",
	    "/etc/kubernetes/static-pod-resources/secrets/key",
	    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
	    "certificate-authority-data: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUQK",
	    "--password-file /root/p",
	    "bearer tokens are short",
	    "https://[fd00::1]:2379,https://m1:2380",
	};

	for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_test_message("%s", texts[i]);
		check(NULL, texts[i]);
	}
}

static void
test_known(void)
{
	g_autoptr(RdRedact) redact = rd_redact_new();

	g_assert_true(rd_redact_add(redact, "correct horse"));
	g_assert_true(rd_redact_add(redact, "horse battery"));
	g_assert_false(rd_redact_add(redact, "m0"));
	check(redact, "it is «correct horse», twice «correct horse» on m0");
	/* overlapping: nothing of either may remain */
	check(redact, "«correct horse battery»");
	check(redact, "password=«correct horse»");
	check(redact, "nothing here");
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/redact/hides", test_hides);
	g_test_add_func("/redact/leaves", test_leaves);
	g_test_add_func("/redact/known", test_known);
	return g_test_run();
}
