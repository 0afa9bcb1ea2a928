/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <gio/gio.h>

#include "cli-fixture.h"
#include "machine/event.h"

/* What test-report.c and test-runbook.c share: events of a run, and reading its report. */

static inline RdEvent *
touch(const char *state, const char *target, RdEventKind kind, const char *word, gint64 n,
      const char *text)
{
	RdEvent *event = rd_event_number(rd_event_new(kind, word), n);

	rd_event_step(event, state, target, 1, 1);
	return rd_event_text(event, text);
}

/* of four things: one went back, one did not, one is unclear, one was refused */
static inline void
moved(GPtrArray *events)
{
	g_ptr_array_add(events, touch("stop", "m1", RD_EVENT_TOUCHED, "done", 1, "status 0"));
	g_ptr_array_add(events,
			touch("stop", "m1", RD_EVENT_TOUCH, "move-aside", 2, "/etc/a.yaml"));
	g_ptr_array_add(events, touch("stop", "m1", RD_EVENT_TOUCHED, "done", 2,
				      "status 0 -> /etc/aside/a.yaml"));
	g_ptr_array_add(events,
			touch("stop", "m1", RD_EVENT_TOUCH, "move-aside", 3, "/etc/b.yaml"));
	g_ptr_array_add(events, touch("stop", "m1", RD_EVENT_TOUCHED, "done", 3,
				      "status 0 -> /etc/aside/b.yaml"));
	g_ptr_array_add(events, touch("stop", "m1", RD_EVENT_TOUCH, "move", 4,
				      "/etc/aside/a.yaml -> /etc/a.yaml"));
	g_ptr_array_add(events, touch("stop", "m1", RD_EVENT_TOUCHED, "done", 4, "status 0"));
	g_ptr_array_add(events,
			touch("stop", "m1", RD_EVENT_TOUCH, "move-aside", 5, "/etc/c.yaml"));
	g_ptr_array_add(events, touch("stop", "m1", RD_EVENT_TOUCHED, "lost", 5, "no answer"));
	g_ptr_array_add(events,
			touch("stop", "m1", RD_EVENT_TOUCH, "move-aside", 6, "/etc/d.yaml"));
	g_ptr_array_add(events, touch("stop", "m1", RD_EVENT_TOUCHED, "refused", 6, "it exists"));
}

static inline JsonObject *
report_of(Fixture *f, JsonNode **node)
{
	g_auto(Result) r = {0};

	cli_run(f, "report %s -o json", 0, &r);
	*node = cli_parse_json(r.out);
	return json_node_get_object(*node);
}

static inline JsonObject *
find(JsonObject *report, const char *array, const char *key, const char *value)
{
	JsonArray *rows = json_object_get_array_member(report, array);

	for (guint i = 0; i < json_array_get_length(rows); i++) {
		JsonObject *row = json_array_get_object_element(rows, i);

		if (g_strcmp0(json_object_get_string_member_with_default(row, key, NULL), value) ==
		    0)
			return row;
	}
	g_error("%s: no row with %s = %s", array, key, value);
}

static inline void
shell(const char *command)
{
	const char *argv[] = {"sh", "-euc", command, NULL};
	g_autoptr(GError) error = NULL;
	int status;

	g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL,
		     &status, &error);
	g_assert_no_error(error);
	g_assert_cmpint(status, ==, 0);
}
