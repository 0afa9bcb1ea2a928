/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-report"

#include <string.h>

#include "page-private.h"
#include "yaml/format.h"

/* The report as a page: one walk over its JSON, the same for every kind of paper. */

typedef struct {
	const char *title; /* as rd_paper_table() wants it */
	const char *key;
	RdCell cell;
} RdColumn;

typedef RdTone (*RdToneFunc)(JsonObject *row);

typedef struct {
	const char *heading;
	const char *key; /* of an array in the report */
	const char *none;
	RdToneFunc tone; /* (nullable) */
	RdColumn columns[9];
} RdSection;

#define RD_PAGE_COLUMNS G_N_ELEMENTS(((RdSection *)0)->columns)

/* ---- tables -------------------------------------------------------------------------------- */

static void
rd_page_begin_table(RdPaper *paper, const RdColumn *columns)
{
	const char *titles[RD_PAGE_COLUMNS + 1] = {NULL};

	for (guint i = 0; i < RD_PAGE_COLUMNS && columns[i].title != NULL; i++)
		titles[i] = columns[i].title;
	rd_paper_table(paper, titles);
}

static void
rd_page_row(RdPaper *paper, const RdColumn *columns, JsonObject *row, RdTone tone)
{
	char *cells[RD_PAGE_COLUMNS] = {NULL};

	for (guint i = 0; i < RD_PAGE_COLUMNS && columns[i].title != NULL; i++)
		cells[i] = rd_page_cell(row, columns[i].key, columns[i].cell);
	rd_paper_row(paper, tone, cells);
	for (guint i = 0; i < RD_PAGE_COLUMNS; i++)
		g_free(cells[i]);
}

static void
rd_page_section(RdPaper *paper, JsonObject *report, const RdSection *section)
{
	JsonArray *rows = json_object_get_array_member(report, section->key);

	rd_paper_heading(paper, 2, section->heading);
	if (json_array_get_length(rows) == 0) {
		rd_paper_text(paper, RD_TONE_PLAIN, "%s", section->none);
		return;
	}
	rd_page_begin_table(paper, section->columns);
	for (guint i = 0; i < json_array_get_length(rows); i++) {
		JsonObject *row = json_array_get_object_element(rows, i);

		rd_page_row(paper, section->columns, row,
			    section->tone != NULL ? section->tone(row) : RD_TONE_PLAIN);
	}
	rd_paper_end_table(paper);
}

/* ---- tones --------------------------------------------------------------------------------- */

static RdTone
rd_tone_of_result(JsonObject *row)
{
	static const struct {
		const char *result;
		RdTone tone;
	} tones[] = {
	    {"done", RD_TONE_GOOD},
	    {"already true", RD_TONE_GOOD},
	    {"held", RD_TONE_GOOD},
	    {"unknown outcome", RD_TONE_BAD},
	    {"refused, nothing was touched", RD_TONE_BAD},
	    {"given up", RD_TONE_BAD},
	    {"could not be given back", RD_TONE_BAD},
	    {"failed, to be tried again", RD_TONE_WARN},
	    {"not at its end", RD_TONE_WARN},
	    {"cancelled", RD_TONE_WARN},
	};

	for (guint i = 0; i < G_N_ELEMENTS(tones); i++)
		if (rd_page_is(row, "result", tones[i].result))
			return tones[i].tone;
	return RD_TONE_PLAIN;
}

static RdTone
rd_tone_of_change(JsonObject *row)
{
	const char *ended = rd_page_string(row, "ended");

	if (ended == NULL || strcmp(ended, "lost") == 0)
		return RD_TONE_BAD;
	return strcmp(ended, "done") == 0 ? RD_TONE_PLAIN : RD_TONE_WARN;
}

static RdTone
rd_tone_of_disturbance(JsonObject *row)
{
	return rd_page_true(row, "resolved") ? RD_TONE_GOOD : RD_TONE_BAD;
}

static RdTone
rd_tone_of_moved(JsonObject *row)
{
	return rd_page_true(row, "certain") ? RD_TONE_PLAIN : RD_TONE_WARN;
}

static RdTone
rd_tone_of_borrowed(JsonObject *row)
{
	return rd_page_true(row, "owed") ? RD_TONE_BAD : RD_TONE_GOOD;
}

static RdTone
rd_tone_of_left(JsonObject *row)
{
	return rd_page_is(row, "kind", "owed") || rd_page_is(row, "kind", "open")   ? RD_TONE_BAD
	       : rd_page_is(row, "kind", "lock") || rd_page_is(row, "kind", "host") ? RD_TONE_WARN
										    : RD_TONE_PLAIN;
}

/* ---- the sections -------------------------------------------------------------------------- */

#define WHEN                                                                                       \
	{                                                                                          \
		"When", "at", RD_CELL_TIME                                                         \
	}

static const RdSection marks = {"Marks",
				"marks",
				"This procedure has none.",
				NULL,
				{{"Mark", "mark", RD_CELL_TEXT},
				 {"`State", "state", RD_CELL_TEXT},
				 {"Passed", "passed", RD_CELL_BOOL},
				 WHEN,
				 {"Approved by", "approved_by", RD_CELL_TEXT},
				 {"Reason", "reason", RD_CELL_TEXT}}};
static const RdSection people = {"People and reasons",
				 "people",
				 "Nobody.",
				 NULL,
				 {WHEN,
				  {"Who", "who", RD_CELL_TEXT},
				  {"What", "what", RD_CELL_TEXT},
				  {"`About", "about", RD_CELL_TEXT},
				  {"`Step", "step", RD_CELL_TEXT},
				  {"Reason", "reason", RD_CELL_TEXT}}};
static const RdSection hosts = {"Hosts and locks",
				"hosts",
				"What hosts there were cannot be read.",
				NULL,
				{{"`Host", "host", RD_CELL_TEXT},
				 {"Role", "role", RD_CELL_TEXT},
				 {"`Address", "address", RD_CELL_TEXT},
				 {"Lock", "lock", RD_CELL_TEXT},
				 {"Given back", "lock_released", RD_CELL_BOOL},
				 {"Powered off", "excused_why", RD_CELL_TEXT},
				 {"Left", "left_why", RD_CELL_TEXT}}};
static const RdSection checks = {"Checks",
				 "checks",
				 "None, or what they were cannot be read.",
				 rd_tone_of_result,
				 {WHEN,
				  {"What", "what", RD_CELL_TEXT},
				  {"`Check", "check", RD_CELL_TEXT},
				  {"`Step", "step", RD_CELL_TEXT},
				  {"Result", "result", RD_CELL_TEXT},
				  {"Found", "text", RD_CELL_TEXT}}};
static const RdSection disturbances = {"Disturbances, and how they were settled",
				       "disturbances",
				       "There were none.",
				       rd_tone_of_disturbance,
				       {WHEN,
					{"What", "what", RD_CELL_TEXT},
					{"`Step", "step", RD_CELL_TEXT},
					{"`Host", "host", RD_CELL_TEXT},
					{"`Found", "text", RD_CELL_TEXT},
					{"Settled", "resolved", RD_CELL_BOOL},
					{"How", "how", RD_CELL_TEXT},
					{"At", "resolved_at", RD_CELL_TIME}}};
static const RdSection findings = {"Before and after",
				   "findings",
				   "Nothing was noted.",
				   NULL,
				   {{"The first change, the last", "when", RD_CELL_TEXT},
				    WHEN,
				    {"`Step", "step", RD_CELL_TEXT},
				    {"`Name", "name", RD_CELL_TEXT},
				    {"`Value", "value", RD_CELL_OUTPUT}}};
static const RdSection moved = {"Moved, and never deleted",
				"moved",
				"Nothing was moved.",
				rd_tone_of_moved,
				{{"`Host", "host", RD_CELL_TEXT},
				 {"`From", "from", RD_CELL_TEXT},
				 {"`To", "to", RD_CELL_TEXT},
				 {"`Step", "step", RD_CELL_TEXT},
				 {"Certain", "certain", RD_CELL_BOOL},
				 {"Back again", "back_at", RD_CELL_TIME}}};
static const RdSection borrowed = {"Borrowed",
				   "borrowed",
				   "Nothing was borrowed.",
				   rd_tone_of_borrowed,
				   {WHEN,
				    {"`Step", "step", RD_CELL_TEXT},
				    {"`What", "type", RD_CELL_TEXT},
				    {"Until", "until", RD_CELL_TEXT},
				    {"Given back", "back_at", RD_CELL_TIME},
				    {"Still owed", "owed", RD_CELL_BOOL},
				    {"Found", "text", RD_CELL_TEXT}}};
static const RdSection left = {"Left behind",
			       "left",
			       "Nothing.",
			       rd_tone_of_left,
			       {{"`Where", "where", RD_CELL_TEXT},
				{"Kind", "kind", RD_CELL_TEXT},
				{"`What", "what", RD_CELL_TEXT}}};
static const RdSection timeline = {"Timeline",
				   "timeline",
				   "No step has begun.",
				   rd_tone_of_result,
				   {WHEN,
				    {"`Step", "step", RD_CELL_TEXT},
				    {"`Type", "type", RD_CELL_TEXT},
				    {"Visit", "visit", RD_CELL_TEXT},
				    {"Attempt", "attempt", RD_CELL_TEXT},
				    {"Result", "result", RD_CELL_TEXT},
				    {"Took", "took_ms", RD_CELL_MS},
				    {"Found", "text", RD_CELL_TEXT}}};

static const RdColumn change_columns[RD_PAGE_COLUMNS] = {
    {"Event", "seq", RD_CELL_TEXT},	WHEN,
    {"`Step", "step", RD_CELL_TEXT},	{"Verb", "verb", RD_CELL_TEXT},
    {"`Exactly", "what", RD_CELL_TEXT}, {"Ended", "ended", RD_CELL_TEXT},
    {"`Answer", "text", RD_CELL_TEXT},	{"Took", "took_ms", RD_CELL_MS}};

/* what stands inside of the timeline's rows in the JSON: one table of all changes */
static void
rd_page_changes(RdPaper *paper, JsonObject *report)
{
	JsonArray *steps = json_object_get_array_member(report, "timeline");

	rd_paper_heading(paper, 2, "Every change, as it was sent");
	if (json_object_get_int_member(json_object_get_object_member(report, "summary"),
				       "changes") == 0) {
		rd_paper_text(paper, RD_TONE_PLAIN, "Nothing was changed on any host.");
		return;
	}
	rd_page_begin_table(paper, change_columns);
	for (guint i = 0; i < json_array_get_length(steps); i++) {
		JsonObject *step = json_array_get_object_element(steps, i);
		JsonArray *changes = json_object_get_array_member(step, "changes");

		for (guint j = 0; j < json_array_get_length(changes); j++) {
			JsonObject *change = json_array_get_object_element(changes, j);

			json_object_set_string_member(change, "step", rd_page_string(step, "step"));
			rd_page_row(paper, change_columns, change, rd_tone_of_change(change));
			json_object_remove_member(change, "step");
		}
	}
	rd_paper_end_table(paper);
}

static void
rd_page_pair(RdPaper *paper, const char *name, const char *value)
{
	if (value != NULL)
		rd_paper_row(paper, RD_TONE_PLAIN, (char *[]){(char *)name, (char *)value});
}

static void
rd_page_summary(RdPaper *paper, JsonObject *report)
{
	static const struct {
		const char *name, *key;
		RdCell cell;
	} rows[] = {
	    {"Procedure", "procedure", RD_CELL_TEXT},
	    {"Purpose", "purpose", RD_CELL_TEXT},
	    {"Cluster", "cluster", RD_CELL_TEXT},
	    {"State", "state", RD_CELL_TEXT},
	    {"End", "end", RD_CELL_TEXT},
	    {"Why", "text", RD_CELL_TEXT},
	    {"Created", "created", RD_CELL_TIME},
	    {"Created by", "created_by", RD_CELL_TEXT},
	    {"Plan", "plan", RD_CELL_TEXT},
	    {"Ended", "ended", RD_CELL_TIME},
	    {"Told until", "until", RD_CELL_TIME},
	    {"Engines", "engines", RD_CELL_TEXT},
	    {"Changes on hosts", "changes", RD_CELL_TEXT},
	};
	static const struct {
		const char *name, *key;
	} spans[] = {{"Took", "elapsed_s"}, {"Without an engine", "without_engine_s"}};
	JsonObject *summary = json_object_get_object_member(report, "summary");

	rd_paper_heading(paper, 2, "Summary");
	rd_paper_table(paper, (const char *[]){"What", "This run", NULL});
	rd_page_pair(paper, "Run", rd_page_string(report, "run"));
	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *value = rd_page_cell(summary, rows[i].key, rows[i].cell);

		rd_page_pair(paper, rows[i].name, value);
	}
	for (guint i = 0; i < G_N_ELEMENTS(spans); i++) {
		g_autofree char *value = rd_format_duration(
		    json_object_get_int_member(summary, spans[i].key) * G_USEC_PER_SEC);

		rd_page_pair(paper, spans[i].name, value);
	}
	rd_paper_end_table(paper);
	rd_paper_text(paper, RD_TONE_PLAIN, "All times are UTC.");
}

static void
rd_page_inputs(RdPaper *paper, JsonObject *report)
{
	static const RdColumn values[RD_PAGE_COLUMNS] = {{"`Input", "name", RD_CELL_TEXT},
							 {"`Value", "value", RD_CELL_TEXT}};
	static const RdColumn files[RD_PAGE_COLUMNS] = {
	    {"`File in the run directory", "name", RD_CELL_TEXT},
	    {"Bytes", "size", RD_CELL_TEXT},
	    {"`SHA-256", "sha256", RD_CELL_TEXT}};
	static const struct {
		const char *key;
		const RdColumn *columns;
	} tables[] = {{"values", values}, {"files", files}};
	JsonObject *inputs = json_object_get_object_member(report, "inputs");

	rd_paper_heading(paper, 2, "Inputs");
	for (guint i = 0; i < G_N_ELEMENTS(tables); i++) {
		JsonArray *rows = json_object_get_array_member(inputs, tables[i].key);

		if (json_array_get_length(rows) == 0)
			continue;
		rd_page_begin_table(paper, tables[i].columns);
		for (guint j = 0; j < json_array_get_length(rows); j++)
			rd_page_row(paper, tables[i].columns,
				    json_array_get_object_element(rows, j), RD_TONE_PLAIN);
		rd_paper_end_table(paper);
	}
}

static void
rd_page_cause(RdPaper *paper, JsonObject *cause)
{
	JsonArray *commands = json_object_get_array_member(cause, "commands");
	const char *text = rd_page_string(cause, "text");

	rd_paper_heading(paper, 3, rd_page_string(cause, "name"));
	rd_paper_text(paper, RD_TONE_BAD, "%s%s%s", rd_page_string(cause, "what"),
		      text != NULL ? ": " : "", text != NULL ? text : "");
	for (guint i = 0; i < json_array_get_length(commands); i++) {
		JsonObject *command = json_array_get_object_element(commands, i);

		rd_paper_text(paper, RD_TONE_PLAIN, "When %s:", rd_page_string(command, "when"));
		rd_paper_code(paper, NULL, rd_page_string(command, "command"));
	}
}

static void
rd_page_next(RdPaper *paper, JsonObject *report)
{
	JsonNode *node = json_object_get_member(report, "next");
	JsonObject *next;
	JsonArray *causes, *commands;

	if (node == NULL || !JSON_NODE_HOLDS_OBJECT(node))
		return;
	next = json_node_get_object(node);
	causes = json_object_get_array_member(next, "causes");
	commands = json_object_get_array_member(next, "commands");
	rd_paper_heading(paper, 2, "What can be done now");
	for (guint i = 0; i < json_array_get_length(causes); i++)
		rd_page_cause(paper, json_array_get_object_element(causes, i));
	if (json_array_get_length(commands) > 0) {
		g_autoptr(GString) lines = g_string_new(NULL);

		rd_paper_text(paper, RD_TONE_PLAIN, "To the run as a whole:");
		for (guint i = 0; i < json_array_get_length(commands); i++)
			g_string_append_printf(lines, "%s\n",
					       json_array_get_string_element(commands, i));
		rd_paper_code(paper, NULL, lines->str);
	}
}

static void
rd_page_integrity(RdPaper *paper, JsonObject *report)
{
	JsonObject *integrity = json_object_get_object_member(report, "integrity");
	JsonArray *ways = json_object_get_array_member(integrity, "verify");

	rd_paper_heading(paper, 2, "Integrity, and how to check it");
	rd_paper_text(paper, rd_page_true(integrity, "holds") ? RD_TONE_GOOD : RD_TONE_BAD,
		      "%" G_GINT64_FORMAT " events, of which the first %" G_GINT64_FORMAT
		      " fit the chain. The hash of the newest one:",
		      json_object_get_int_member(integrity, "events"),
		      json_object_get_int_member(integrity, "proven"));
	rd_paper_code(paper, NULL, rd_page_string(integrity, "head"));
	rd_paper_text(paper, RD_TONE_PLAIN,
		      "Each event is hashed with the hash of the one before. An event that was "
		      "changed, taken out or put in shows by that; events that were cut off at the "
		      "end show only beside a hash that is kept elsewhere: this one, or those on "
		      "the hosts.");
	for (guint i = 0; i < json_array_get_length(ways); i++) {
		JsonObject *way = json_array_get_object_element(ways, i);

		rd_paper_text(paper, RD_TONE_PLAIN, "%s:", rd_page_string(way, "what"));
		rd_paper_code(paper, NULL, rd_page_string(way, "command"));
	}
}

static const RdSection losses = {"What is lost, by kind",
				 "kinds",
				 "Nothing differs.",
				 NULL,
				 {{"`Kind", "kind", RD_CELL_TEXT},
				  {"Made since: lost", "lost", RD_CELL_TEXT},
				  {"Changed since: as before", "changed", RD_CELL_TEXT},
				  {"Deleted since: back", "returns", RD_CELL_TEXT}}};

/* from the newest write in the backup to the newest that anybody knows of */
static void
rd_page_loss(RdPaper *paper, JsonObject *report)
{
	static const struct {
		const char *name, *key;
		RdCell cell;
	} rows[] = {
	    {"Newest write in the backup", "written", RD_CELL_TIME},
	    {"Its revision", "revision", RD_CELL_TEXT},
	    {"Newest write in the rescue copy", "rescue_written", RD_CELL_TIME},
	    {"Its revision", "rescue_revision", RD_CELL_TEXT},
	    {"Rescue copy of", "rescue_host", RD_CELL_TEXT},
	};
	JsonNode *node = json_object_get_member(report, "loss");
	JsonObject *loss = JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
	g_autofree char *window = NULL;

	rd_paper_heading(paper, 2, "Data-loss window");
	if (loss == NULL) {
		rd_paper_text(paper, RD_TONE_PLAIN,
			      "Not known: it is told when a run that has a backup comes to rest "
			      "behind its rescue copy.");
		return;
	}
	rd_paper_text(paper,
		      json_object_get_boolean_member(loss, "final") ? RD_TONE_WARN : RD_TONE_PLAIN,
		      "%s%s.",
		      json_object_get_boolean_member(loss, "final")
			  ? "Restored: "
			  : "This would be lost; the point of no return was not passed: ",
		      rd_page_string(loss, "text"));
	if (!json_object_has_member(loss, "written"))
		return;
	if (json_object_has_member(loss, "window_s"))
		window = rd_format_duration(json_object_get_int_member(loss, "window_s") *
					    G_USEC_PER_SEC);
	rd_paper_table(paper, (const char *[]){"What", "Found", NULL});
	rd_page_pair(paper, "Window", window);
	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *value = json_object_has_member(loss, rows[i].key)
					     ? rd_page_cell(loss, rows[i].key, rows[i].cell)
					     : NULL;

		rd_page_pair(paper, rows[i].name, value);
	}
	rd_paper_end_table(paper);
	if (json_object_has_member(loss, "kinds"))
		rd_page_section(paper, loss, &losses);
}

static void
rd_page_faults(RdPaper *paper, JsonObject *report)
{
	JsonObject *integrity = json_object_get_object_member(report, "integrity");
	JsonArray *faults = json_object_get_array_member(integrity, "faults");

	for (guint i = 0; i < json_array_get_length(faults); i++)
		rd_paper_text(paper, RD_TONE_BAD, "What this tells is not whole: %s",
			      json_array_get_string_element(faults, i));
}

static char *
rd_page_title(JsonObject *report)
{
	JsonObject *summary = json_object_get_object_member(report, "summary");
	const char *cluster = rd_page_string(summary, "cluster");
	const char *end = rd_page_string(summary, "end");

	return g_strdup_printf("Recovery of %s, run %s: %s", cluster != NULL ? cluster : "?",
			       rd_page_string(report, "run"),
			       end != NULL ? end : rd_page_string(summary, "state"));
}

char *
rd_account_print(JsonNode *node, RdPaperKind kind)
{
	static const RdSection *const before_storage[] = {&hosts, &checks, &disturbances,
							  &findings};
	static const RdSection *const after_storage[] = {&left, &moved, &borrowed, &timeline};
	JsonObject *report = json_node_get_object(node);
	g_autofree char *title = rd_page_title(report);
	RdPaper *paper = rd_paper_new(kind, title);

	rd_page_faults(paper, report);
	rd_page_summary(paper, report);
	rd_page_next(paper, report);
	rd_page_section(paper, report, &marks);
	rd_page_section(paper, report, &people);
	rd_page_inputs(paper, report);
	rd_page_loss(paper, report);
	for (guint i = 0; i < G_N_ELEMENTS(before_storage); i++)
		rd_page_section(paper, report, before_storage[i]);
	rd_page_storage(paper, report);
	for (guint i = 0; i < G_N_ELEMENTS(after_storage); i++)
		rd_page_section(paper, report, after_storage[i]);
	rd_page_changes(paper, report);
	rd_page_integrity(paper, report);
	return rd_paper_finish(paper);
}
