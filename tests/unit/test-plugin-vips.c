/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Addresses compared by their bits, and what VIPs are, from several sources. */

#include "plugins/common/containers.h"
#include "plugins/keepalived/parse.h"
#include <recovery/plugin.h>
#include <string.h>

GQuark
recovery_error_quark(void)
{
	return g_quark_from_static_string("recovery-error-quark");
}

/* equal by their bits, in one spelling */
static void
test_address(void)
{
	static const char *const same[][2] = {{"10.0.0.1", "10.0.0.1"},
					      {"::ffff:10.0.0.1", "10.0.0.1"},
					      {"FD00:0:0:0::1", "fd00::1"},
					      {"fd00::0100", "fd00::100"},
					      {"::ffff:0a00:0001", "10.0.0.1"}};
	static const char *const none[] = {
	    "",		  "10.0.0",    "10.0.0.256", "10.0.0.01",    "10.0.0.1/24",
	    " 10.0.0.1",  "10.0.0.1 ", "0x0a000001", "fe80::1%eth0", "[fd00::1]",
	    "fd00::1::2", "m0",	       "10.0.0.1;x"};
	RdAddress a, b;

	for (guint i = 0; i < G_N_ELEMENTS(same); i++) {
		g_autofree char *text = NULL;

		g_assert_true(rd_address_read(same[i][0], &a) && rd_address_read(same[i][1], &b));
		g_assert_true(rd_address_equal(&a, &b));
		text = rd_address_print(&a);
		g_assert_cmpstr(text, ==, same[i][1]);
	}
	for (guint i = 0; i < G_N_ELEMENTS(none); i++)
		g_assert_false(rd_address_read(none[i], &a));
	g_assert_true(rd_address_read("10.0.0.1", &a) && rd_address_read("10.0.0.10", &b));
	g_assert_false(rd_address_equal(&a, &b));
	/* the first four bytes of both are 10.0.0.1 */
	g_assert_true(rd_address_read("a00:1::", &b));
	g_assert_false(rd_address_equal(&a, &b));
}

/* what would go with the first address of a network */
static void
test_neighbours(void)
{
	static const char text[] =
	    "1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever\n"
	    "5: br-ex    inet 10.0.0.1/24 brd 10.0.0.255 scope global noprefixroute br-ex\\       "
	    "v\n"
	    "5: br-ex    inet 10.0.0.100/24 scope global secondary vip\\       valid_lft "
	    "secondary\n"
	    "5: br-ex    inet 10.0.1.100/24 scope global br-ex\\       valid_lft 100sec\n"
	    "5: br-ex    inet 10.0.0.101/32 scope global vip\\       valid_lft forever secondary\n"
	    "6: eth1    inet 10.0.0.7/24 scope global eth1\\       valid_lft forever\n"
	    "7: tun0    inet 10.8.0.1 peer 10.8.0.2/32 scope global tun0\\       valid_lft "
	    "forever\n";
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) all = rd_assigned_parse(text, &error);
	static const gboolean near[] = {FALSE, TRUE, TRUE, FALSE, FALSE, FALSE, FALSE};

	g_assert_no_error(error);
	g_assert_cmpuint(all->len, ==, G_N_ELEMENTS(near));
	for (guint i = 0; i < all->len; i++) {
		const RdAssigned *one = all->pdata[i];

		g_assert_true(rd_assigned_are_neighbours(one, all->pdata[1]) == near[i]);
		g_assert_true(one->secondary == (i == 2));
		g_assert_true(one->global == (i > 0));
	}
	g_assert_cmpstr(((RdAssigned *)all->pdata[6])->device, ==, "tun0");
	g_assert_cmpuint(((RdAssigned *)all->pdata[6])->prefix, ==, 32);
}

/* a source that names none of a kind contradicts nobody about it */
static void
test_vips(void)
{
	g_autoptr(RdVips) vips = rd_vips_new();
	g_autoptr(GError) error = NULL;
	g_autoptr(GArray) set = rd_addresses_parse("fd00::5, 10.0.0.5", &error);
	g_autoptr(GArray) none = rd_addresses_parse("", &error);
	g_autoptr(GArray) api = NULL, ingress = NULL, broken = NULL;
	g_autofree char *text = NULL;

	g_assert_no_error(error);
	rd_vips_add(vips, RD_VIP_API, "the API", none);
	rd_vips_add(vips, RD_VIP_API, "m0", set);
	g_assert_true(rd_keepalived_read_manifest(
	    vips, "m1", "    - --api-vips\n    - 10.0.0.5,fd00:0::5\n", &error));
	api = rd_vips_get(vips, RD_VIP_API, &error);
	g_assert_no_error(error);
	text = rd_addresses_print(api);
	g_assert_cmpstr(text, ==, "fd00::5,10.0.0.5");
	ingress = rd_vips_get(vips, RD_VIP_INGRESS, &error);
	g_assert_cmpuint(ingress->len, ==, 0);
	g_assert_true(rd_keepalived_read_conf(
	    vips, "m2", "vrrp_instance a_API { virtual_ipaddress { 10.0.0.5/32 } }", &error));
	broken = rd_vips_get(vips, RD_VIP_API, &error);
	g_assert_null(broken);
	g_assert_nonnull(strstr(error->message, "m0 says fd00::5,10.0.0.5, but m2 says 10.0.0.5"));
}

/* keepalived's namespace is called after the platform */
static void
test_pod_namespace(void)
{
	static const struct {
		const char *namespace;
		gboolean lives;
	} cases[] = {{"openshift-kni-infra", TRUE}, {"openshift-vsphere-infra", TRUE},
		     {"openshift-infra", FALSE},    {"openshift--infra", FALSE},
		     {"my-kni-infra", FALSE},	    {"openshift-kni-infra2", FALSE},
		     {"openshift-kni", FALSE},	    {"", FALSE}};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
		g_assert_true(rd_pod_lives_in(&rd_pod_keepalived, cases[i].namespace) ==
			      cases[i].lives);
	g_assert_true(rd_pod_lives_in(rd_pod_find("etcd", NULL), "openshift-etcd"));
	g_assert_false(rd_pod_lives_in(rd_pod_find("etcd", NULL), "openshift-etcd-operator"));
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/address/equal", test_address);
	g_test_add_func("/address/neighbours", test_neighbours);
	g_test_add_func("/vips/sources", test_vips);
	g_test_add_func("/vips/pod-namespace", test_pod_namespace);
	return g_test_run();
}
