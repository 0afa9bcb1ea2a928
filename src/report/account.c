/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-report"

#include <string.h>

#include "account-private.h"
#include "account.h"
#include "disturbance.h"
#include "yaml/json.h"

/* docs/json.md documents every key that is written here and in account-steps.c, account-left.c. */

void
rd_account_event(JsonBuilder *json, const RdEvent *event)
{
	rd_json_number(json, "seq", event != NULL ? event->seq : 0);
	rd_json_wall(json, "at", event != NULL ? event->wall : 0);
}

char *
rd_account_step_name(const char *state, const char *target)
{
	return g_strdup_printf("%s@%s", state, target);
}

static void
rd_account_seconds(JsonBuilder *json, const char *name, gint64 us)
{
	rd_json_int(json, name, us / G_USEC_PER_SEC);
}

static void
rd_account_array(JsonBuilder *json, const char *name)
{
	json_builder_set_member_name(json, name);
	json_builder_begin_array(json);
}

/* ---- summary ------------------------------------------------------------------------------- */

typedef struct {
	const RdEvent *created, *first, *last; /* (nullable) */
	const RdEvent *run; /* (nullable) the newest word on the run as a whole */
	const char *plan;   /* (nullable) digest */
	guint engines;
	gint64 alone; /* microseconds between the end of an engine and the next one */
	guint changes;
} RdSummary;

static void
rd_summary_read(RdSummary *self, GPtrArray *events)
{
	memset(self, 0, sizeof *self);
	for (guint i = 0; i < events->len; i++) {
		const RdEvent *event = g_ptr_array_index(events, i);

		if (self->first == NULL)
			self->first = event;
		if (event->kind == RD_EVENT_CREATED)
			self->created = event;
		if (event->kind == RD_EVENT_RUN)
			self->run = event;
		if (event->kind == RD_EVENT_INPUT && g_strcmp0(event->key, RD_RUN_INPUT_PLAN) == 0)
			self->plan = event->value;
		if (event->kind == RD_EVENT_TOUCH)
			self->changes++;
		if (event->kind == RD_EVENT_ENGINE && g_strcmp0(event->word, "started") == 0 &&
		    self->engines++ > 0)
			self->alone += MAX(event->wall - self->last->wall, 0);
		self->last = event;
	}
}

static gboolean
rd_summary_is_over(const RdSummary *self)
{
	return self->run != NULL && g_strcmp0(self->run->word, "ended") == 0;
}

static void
rd_account_summary(JsonBuilder *json, const RdEvidence *evidence)
{
	gboolean over;
	RdSummary self;

	rd_summary_read(&self, evidence->events);
	over = rd_summary_is_over(&self);
	json_builder_set_member_name(json, "summary");
	json_builder_begin_object(json);
	rd_json_string(json, "procedure", self.created != NULL ? self.created->word : NULL);
	rd_json_string(json, "purpose", evidence->plan != NULL ? evidence->plan->summary : NULL);
	rd_json_string(json, "cluster", self.created != NULL ? self.created->key : NULL);
	rd_json_string(json, "state", self.run != NULL ? self.run->word : "new");
	rd_json_string(json, "end", over ? self.run->value : NULL);
	rd_json_string(json, "text", self.run != NULL ? self.run->text : NULL);
	rd_json_wall(json, "created", self.created != NULL ? self.created->wall : 0);
	rd_json_string(json, "created_by", self.created != NULL ? self.created->text : NULL);
	rd_json_string(json, "plan", self.plan);
	rd_json_wall(json, "ended", over ? self.run->wall : 0);
	/* what is told ends here, also when the run goes on */
	rd_json_wall(json, "until", self.last != NULL ? self.last->wall : 0);
	rd_account_seconds(
	    json, "elapsed_s",
	    self.last != NULL ? (over ? self.run->wall : self.last->wall) - self.first->wall : 0);
	rd_json_int(json, "engines", self.engines);
	rd_account_seconds(json, "without_engine_s", self.alone);
	rd_json_int(json, "changes", self.changes);
	json_builder_end_object(json);
}

/* ---- people -------------------------------------------------------------------------------- */

/* who it was, what he did, what about, and why; FALSE for what is no person's doing */
static gboolean
rd_account_is_person(const RdEvent *event, const char **who, const char **what, const char **about)
{
	switch (event->kind) {
	case RD_EVENT_CREATED:
		*who = event->text;
		*what = "created the run";
		*about = event->word;
		return TRUE;
	case RD_EVENT_HOST:
		/* the machine leaves a worker by itself */
		*who = event->key;
		*what = event->word;
		*about = event->target;
		return event->key != NULL;
	case RD_EVENT_GATE:
		*who = event->key;
		*what = event->word;
		*about = event->value;
		return TRUE;
	case RD_EVENT_REQUEST:
		*who = event->key;
		*what = event->word;
		*about = event->value;
		return TRUE;
	case RD_EVENT_REMARK:
		*who = event->key;
		*what = "note";
		*about = NULL;
		/* those with a word are the program's own */
		return event->word == NULL;
	default:
		return FALSE;
	}
}

static void
rd_account_people(JsonBuilder *json, const RdEvidence *evidence)
{
	rd_account_array(json, "people");
	for (guint i = 0; i < evidence->events->len; i++) {
		const RdEvent *event = g_ptr_array_index(evidence->events, i);
		const char *who, *what, *about;
		g_autofree char *step = NULL;

		if (!rd_account_is_person(event, &who, &what, &about))
			continue;
		if (event->state != NULL && event->target != NULL)
			step = rd_account_step_name(event->state, event->target);
		json_builder_begin_object(json);
		rd_account_event(json, event);
		rd_json_string(json, "who", who);
		rd_json_string(json, "what", what);
		rd_json_string(json, "about", about);
		rd_json_string(json, "step", step);
		rd_json_string(json, "reason",
			       event->kind == RD_EVENT_CREATED ? NULL : event->text);
		json_builder_end_object(json);
	}
	json_builder_end_array(json);
}

/* ---- inputs -------------------------------------------------------------------------------- */

static void
rd_account_given(JsonBuilder *json, const RdEvidence *evidence)
{
	rd_account_array(json, "values");
	for (guint i = 0; i < evidence->events->len; i++) {
		const RdEvent *event = g_ptr_array_index(evidence->events, i);

		if (event->kind != RD_EVENT_INPUT)
			continue;
		json_builder_begin_object(json);
		rd_json_string(json, "name", event->key);
		rd_json_string(json, "value", event->value);
		json_builder_end_object(json);
	}
	json_builder_end_array(json);
}

static void
rd_account_files(JsonBuilder *json, const RdEvidence *evidence)
{
	rd_account_array(json, "files");
	for (guint i = 0; i < evidence->files->len; i++) {
		const RdEvidenceFile *file = g_ptr_array_index(evidence->files, i);

		json_builder_begin_object(json);
		rd_json_string(json, "name", file->name);
		rd_json_int(json, "size", file->size);
		rd_json_string(json, "sha256", file->sha256);
		json_builder_end_object(json);
	}
	json_builder_end_array(json);
}

static void
rd_account_inputs(JsonBuilder *json, const RdEvidence *evidence)
{
	json_builder_set_member_name(json, "inputs");
	json_builder_begin_object(json);
	rd_account_given(json, evidence);
	rd_account_files(json, evidence);
	json_builder_end_object(json);
}

/* ---- hosts --------------------------------------------------------------------------------- */

static const char *
rd_account_address(const RdEvidence *evidence, const char *host)
{
	const RdInventoryHost *found = evidence->setting != NULL
					   ? rd_inventory_find(evidence->setting->inventory, host)
					   : NULL;

	return found != NULL ? found->login->address : NULL;
}

static void
rd_account_hosts(JsonBuilder *json, const RdEvidence *evidence)
{
	GPtrArray *hosts = evidence->run != NULL ? rd_run_get_hosts(evidence->run) : NULL;

	rd_account_array(json, "hosts");
	for (guint i = 0; hosts != NULL && i < hosts->len; i++) {
		const RdRunHost *host = g_ptr_array_index(hosts, i);

		json_builder_begin_object(json);
		rd_json_string(json, "host", host->plan->name);
		rd_json_string(json, "role", host->plan->role);
		rd_json_string(json, "address", rd_account_address(evidence, host->plan->name));
		rd_json_bool(json, "excused", host->excused);
		rd_json_bool(json, "returned", host->returned);
		rd_json_string(json, "excused_why", host->excuse);
		rd_json_bool(json, "left", host->left);
		rd_json_string(json, "left_why", host->left_why);
		rd_json_number(json, "lock", host->asked);
		rd_json_bool(json, "lock_released", host->released);
		rd_json_string(json, "machine_id", host->machine_id);
		json_builder_end_object(json);
	}
	json_builder_end_array(json);
}

/* ---- disturbances, marks ------------------------------------------------------------------- */

static void
rd_account_disturbances(JsonBuilder *json, const RdEvidence *evidence)
{
	g_autoptr(GPtrArray) found = rd_disturbances_new(evidence->events);

	rd_account_array(json, "disturbances");
	for (guint i = 0; i < found->len; i++) {
		const RdDisturbance *one = g_ptr_array_index(found, i);
		const RdEvent *event = one->event;
		g_autofree char *step = event->state != NULL && event->target != NULL
					    ? rd_account_step_name(event->state, event->target)
					    : NULL;

		json_builder_begin_object(json);
		rd_account_event(json, event);
		rd_json_string(json, "what", one->what);
		rd_json_string(json, "step", one->lost < 0 ? step : NULL);
		rd_json_string(json, "host", one->lost < 0 ? event->target : NULL);
		rd_json_string(json, "text", one->detail);
		json_builder_set_member_name(json, "without_engine_s");
		if (one->lost >= 0)
			json_builder_add_int_value(json, one->lost / G_USEC_PER_SEC);
		else
			json_builder_add_null_value(json);
		rd_json_bool(json, "resolved", one->resolved);
		rd_json_string(json, "how", one->how);
		rd_json_wall(json, "resolved_at", one->by != NULL ? one->by->wall : 0);
		json_builder_end_object(json);
	}
	json_builder_end_array(json);
}

static const RdEvent *
rd_account_find(const RdEvidence *evidence, RdEventKind kind, const char *word, const char *value)
{
	const RdEvent *found = NULL;

	for (guint i = 0; i < evidence->events->len; i++) {
		const RdEvent *event = g_ptr_array_index(evidence->events, i);

		if (event->kind == kind && g_strcmp0(event->word, word) == 0 &&
		    (value == NULL || g_strcmp0(event->value, value) == 0))
			found = event;
	}
	return found;
}

static const RdPlanState *
rd_account_mark_state(const RdEvidence *evidence, RdMark mark)
{
	for (guint i = 0; evidence->plan != NULL && i < evidence->plan->states->len; i++) {
		const RdPlanState *state = g_ptr_array_index(evidence->plan->states, i);

		if (state->mark == mark)
			return state;
	}
	return NULL;
}

static void
rd_account_marks(JsonBuilder *json, const RdEvidence *evidence)
{
	rd_account_array(json, "marks");
	for (RdMark mark = RD_MARK_NONE + 1; mark <= RD_MARK_LAST; mark++) {
		const RdPlanState *state = rd_account_mark_state(evidence, mark);
		const RdEvent *passed =
		    rd_account_find(evidence, RD_EVENT_MARK, rd_mark_to_string(mark), NULL);
		const RdEvent *gate =
		    state != NULL && state->gate != NULL
			? rd_account_find(evidence, RD_EVENT_GATE, "approved", state->gate->name)
			: NULL;

		if (state == NULL && passed == NULL)
			continue;
		json_builder_begin_object(json);
		rd_json_string(json, "mark", rd_mark_to_string(mark));
		rd_json_string(json, "state", state != NULL ? state->name : passed->state);
		rd_json_bool(json, "passed", passed != NULL);
		rd_account_event(json, passed);
		rd_json_string(json, "approved_by", gate != NULL ? gate->key : NULL);
		rd_json_string(json, "reason", gate != NULL ? gate->text : NULL);
		json_builder_end_object(json);
	}
	json_builder_end_array(json);
}

/* ---- before and after ---------------------------------------------------------------------- */

/* What the run found out, by whether something had been changed by then: what stands before the
 * first change is how it was, what stands behind the last one how it is. */
static void
rd_account_findings(JsonBuilder *json, const RdEvidence *evidence)
{
	gint64 first = G_MAXINT64, last = 0;

	for (guint i = 0; i < evidence->events->len; i++) {
		const RdEvent *event = g_ptr_array_index(evidence->events, i);

		if (event->kind != RD_EVENT_TOUCH)
			continue;
		first = MIN(first, event->seq);
		last = event->seq;
	}
	rd_account_array(json, "findings");
	for (guint i = 0; i < evidence->events->len; i++) {
		const RdEvent *event = g_ptr_array_index(evidence->events, i);
		g_autofree char *step = NULL;

		if (event->kind != RD_EVENT_OUTPUT || event->state == NULL || event->target == NULL)
			continue;
		step = rd_account_step_name(event->state, event->target);
		json_builder_begin_object(json);
		rd_account_event(json, event);
		rd_json_string(json, "when",
			       event->seq < first  ? "before"
			       : event->seq > last ? "after"
						   : "during");
		rd_json_string(json, "step", step);
		rd_json_string(json, "name", event->key);
		rd_json_string(json, "value", event->value);
		json_builder_end_object(json);
	}
	json_builder_end_array(json);
}

/* ---- integrity ----------------------------------------------------------------------------- */

const char *
rd_account_verify_script(void)
{
	return "import hashlib, sqlite3, struct, sys\n"
	       "db = sqlite3.connect('file:%s?mode=ro' % sys.argv[1], uri=True)\n"
	       "db.text_factory = bytes\n"
	       "link = bytes(32)\n"
	       "for row in db.execute('SELECT seq, wall, clock, kind, state, target, visit,'\n"
	       "        ' attempt, word, key, value, number, text, chain FROM event ORDER BY "
	       "seq'):\n"
	       "    whole = hashlib.sha256(link)\n"
	       "    for cell in row[:-1]:\n"
	       "        whole.update(b'n' if cell is None\n"
	       "                     else b'i' + struct.pack('>q', cell) if isinstance(cell, int)\n"
	       "                     else b't' + struct.pack('>Q', len(cell)) + cell)\n"
	       "    link = whole.digest()\n"
	       "    if link != row[-1]:\n"
	       "        sys.exit('event %d does not fit the chain' % row[0])\n"
	       "    print(row[0], link.hex())\n";
}

static void
rd_account_way(JsonBuilder *json, const char *what, char *command)
{
	json_builder_begin_object(json);
	rd_json_string(json, "what", what);
	rd_json_string(json, "command", command);
	json_builder_end_object(json);
	g_free(command);
}

static void
rd_account_integrity(JsonBuilder *json, const RdEvidence *evidence)
{
	json_builder_set_member_name(json, "integrity");
	json_builder_begin_object(json);
	rd_json_int(json, "events", evidence->events->len);
	rd_json_bool(json, "holds",
		     evidence->faults->len == 0 && evidence->proven == evidence->events->len);
	rd_json_int(json, "proven", evidence->proven);
	rd_json_string(json, "head", evidence->head);
	rd_json_strings(json, "faults", evidence->faults);
	rd_account_array(json, "verify");
	rd_account_way(json, "with recoveryd, on any machine, from a copy of the run directory",
		       g_strdup_printf("recoveryd journal verify ./%s", evidence->run_id));
	rd_account_way(json,
		       "without recoveryd: Python reads the journal and prints the hash of each "
		       "event; the last one is the head",
		       g_strdup_printf("python3 - %s/journal.db <<'END'\n%sEND", evidence->run_id,
				       rd_account_verify_script()));
	rd_account_way(json,
		       "on each host: a hash that was written down there when a job was started, "
		       "and has to be among those of the events",
		       g_strdup_printf("sudo grep -h ^head= /var/lib/recoveryd/jobs/%s/*/*/who",
				       evidence->run_id));
	json_builder_end_array(json);
	json_builder_end_object(json);
}

JsonNode *
rd_account_new(const RdEvidence *evidence, JsonNode *next)
{
	g_autoptr(JsonBuilder) json = json_builder_new();
	const RdEvent *created = rd_account_find(evidence, RD_EVENT_CREATED, NULL, NULL);

	json_builder_begin_object(json);
	rd_json_int(json, "format", 1);
	rd_json_string(json, "run", evidence->run_id);
	for (guint i = 0; i < evidence->events->len && created == NULL; i++) {
		const RdEvent *event = g_ptr_array_index(evidence->events, i);

		created = event->kind == RD_EVENT_CREATED ? event : NULL;
	}
	rd_json_string(json, "uuid", created != NULL ? created->value : NULL);
	rd_account_summary(json, evidence);
	rd_account_people(json, evidence);
	rd_account_inputs(json, evidence);
	rd_account_hosts(json, evidence);
	rd_account_loss(json, evidence);
	rd_account_steps(json, evidence);
	rd_account_disturbances(json, evidence);
	rd_account_marks(json, evidence);
	rd_account_findings(json, evidence);
	rd_account_storage(json, evidence);
	rd_account_left(json, evidence);
	json_builder_set_member_name(json, "next");
	if (next != NULL)
		json_builder_add_value(json, json_node_copy(next));
	else
		json_builder_add_null_value(json);
	rd_account_integrity(json, evidence);
	json_builder_end_object(json);
	return json_builder_get_root(json);
}
