/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* `report` and what audits of the persistent storage found. That the audit finds it is shown by
 * plugins/storage/tests and tests/e2e/audit-storage. */

#include <string.h>

#include "report-fixture.h"

#define EMPTY	"{\"format\":1,\"looked\":[\"m0\"],\"not-looked\":[],\"findings\":[]}"
#define HOSTILE "x | `y`\\n# no heading <b>"

static void
output(GPtrArray *events, const char *state, const char *target, const char *value)
{
	RdEvent *event = rd_event_pair(rd_event_new(RD_EVENT_OUTPUT, NULL), "findings", value);

	g_ptr_array_add(events, rd_event_step(event, state, target, 1, 1));
}

/* stop@m1 has looked twice, start@m1 once; what stop@m0 says is no audit */
static void
audited(GPtrArray *events)
{
	output(events, "stop", "m1", EMPTY);
	output(events, "stop", "m1",
	       "{\"format\":1,\"looked\":[\"m0\",\"w0\"],\"not-looked\":[\"w1\"],\"findings\":["
	       "{\"kind\":\"volume-gone\",\"severity\":\"critical\",\"object\":"
	       "\"PersistentVolume/pv-1\",\"node\":\"w0\",\"evidence\":\"" HOSTILE "\","
	       "\"manual\":\"oc get pv pv-1\",\"remedy\":\"\",\"gates-drain\":true},"
	       "{\"kind\":\"attachment-unused\",\"severity\":\"warning\",\"object\":"
	       "\"VolumeAttachment/va-1\",\"node\":\"\",\"evidence\":\"nobody uses it\","
	       "\"manual\":\"oc get volumeattachment va-1\",\"remedy\":"
	       "\"storage/detach-unused\",\"gates-drain\":false},7]}");
	output(events, "start", "m1", EMPTY);
	output(events, "stop", "m0", "three, of which one is bad");
}

static void
each_finding_is_a_row(Fixture *f, gconstpointer data)
{
	g_autoptr(JsonNode) node = NULL;
	JsonObject *report = report_of(f, &node);
	JsonObject *audit = find(report, "storage", "step", "stop@m1");
	JsonObject *gone = find(audit, "findings", "kind", "volume-gone");

	/* the newest of each step, and what is none is left where it was */
	g_assert_cmpint(json_array_get_length(json_object_get_array_member(report, "storage")), ==,
			2);
	g_assert_cmpint(json_array_get_length(json_object_get_array_member(audit, "findings")), ==,
			2);
	g_assert_cmpstr(json_object_get_string_member(gone, "object"), ==, "PersistentVolume/pv-1");
	g_assert_cmpstr(json_object_get_string_member(gone, "manual"), ==, "oc get pv pv-1");
	g_assert_true(json_object_get_boolean_member(gone, "gates_drain"));
	g_assert_cmpstr(
	    json_array_get_string_element(json_object_get_array_member(audit, "not_looked"), 0), ==,
	    "w1");
	find(report, "findings", "value", "three, of which one is bad");
}

static void
pages_have_a_table_of_them(Fixture *f, gconstpointer data)
{
	g_auto(Result) md = {0}, html = {0};
	const char *before, *storage;

	cli_run(f, "report %s -o md", 0, &md);
	storage = strstr(md.out, "## Persistent storage");
	g_assert_nonnull(storage);
	cli_assert_has(storage, "Not looked at were: w1.");
	cli_assert_has(storage, "| critical | volume-gone | `PersistentVolume/pv-1` | `w0` |");
	cli_assert_has(storage, "| `oc get pv pv-1` |");
	cli_assert_has(storage, "| `storage/detach-unused` |");
	cli_assert_has(storage, "Nothing was found.");
	cli_assert_lacks(md.out, "\n# no heading");
	/* and no raw JSON where it used to stand */
	before = strstr(md.out, "## Before and after");
	cli_assert_has(before, "2 findings, see Persistent storage");
	cli_assert_has(before, "three, of which one is bad");
	cli_assert_lacks(md.out, "gates-drain");
	cli_run(f, "report %s -o html", 0, &html);
	cli_assert_has(html.out, "Persistent storage</h2>");
	cli_assert_has(html.out, "VolumeAttachment/va-1");
	cli_assert_lacks(html.out, "no heading <b>");
}

static void
without_an_audit_there_is_no_section(Fixture *f, gconstpointer data)
{
	g_auto(Result) md = {0};

	cli_run(f, "report %s -o md", 0, &md);
	cli_assert_lacks(md.out, "Persistent storage");
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add("/report-storage/json", Fixture, audited, cli_setup, each_finding_is_a_row,
		   cli_teardown);
	g_test_add("/report-storage/pages", Fixture, audited, cli_setup, pages_have_a_table_of_them,
		   cli_teardown);
	g_test_add("/report-storage/none", Fixture, NULL, cli_setup,
		   without_an_audit_there_is_no_section, cli_teardown);
	return g_test_run();
}
