/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-report"

#include <string.h>

#include "moved.h"
#include "paper.h"
#include "remaining.h"
#include "runbook.h"

static const char *
rd_runbook_string(JsonObject *object, const char *name)
{
	return json_object_get_string_member_with_default(object, name, NULL);
}

/* ---- what is known ------------------------------------------------------------------------- */

static gboolean
rd_runbook_asks_api(JsonNode *steps)
{
	JsonArray *all = steps != NULL ? json_node_get_array(steps) : NULL;

	for (guint i = 0; all != NULL && i < json_array_get_length(all); i++) {
		JsonArray *commands =
		    json_object_get_array_member(json_array_get_object_element(all, i), "commands");

		for (guint j = 0; j < json_array_get_length(commands); j++)
			if (g_str_has_prefix(
				rd_runbook_string(json_array_get_object_element(commands, j),
						  "verb"),
				"api-"))
				return TRUE;
	}
	return FALSE;
}

/* how an answer of the API is to be read */
static void
rd_runbook_api(const RdRunbook *self, RdPaper *paper)
{
	if (!rd_runbook_asks_api(self->remaining) && !rd_runbook_asks_api(self->give_back))
		return;
	rd_paper_text(
	    paper, RD_TONE_PLAIN,
	    "What begins with oc, or pipes to it, goes to the Kubernetes API; kubectl from 1.24 on "
	    "takes the same words. A patch writes the fields that stand in it, whatever they are "
	    "by then, and names its object by uid: a Conflict says that it is another object of "
	    "that name. Where an object is replaced, or deleted by its resourceVersion, a "
	    "Conflict says that it has changed since this page was made: make the page anew.");
}

static void
rd_runbook_hosts(const RdRunbook *self, RdPaper *paper)
{
	GPtrArray *hosts = rd_run_get_hosts(self->evidence->run);

	rd_paper_heading(paper, 2, "Hosts");
	rd_paper_table(paper, (const char *[]){"`Host", "Role", "`Log in with", "Statement", NULL});
	for (guint i = 0; i < hosts->len; i++) {
		const RdRunHost *host = g_ptr_array_index(hosts, i);
		g_autofree char *login = rd_remaining_login(self->evidence, host->plan->name);

		rd_paper_row(paper, host->excused ? RD_TONE_WARN : RD_TONE_PLAIN,
			     (char *[]){host->plan->name, host->plan->role, login,
					host->excused ? (char *)"powered off: it has to stay so"
					: host->left  ? (char *)"left behind"
						      : NULL});
	}
	rd_paper_end_table(paper);
	rd_paper_text(paper, RD_TONE_PLAIN,
		      "Type every command where its block says, in this order, and look at what it "
		      "answers before you go on. A command that fails is a reason to stop.");
	rd_runbook_api(self, paper);
}

static void
rd_runbook_done(const RdRunbook *self, RdPaper *paper)
{
	GPtrArray *steps = rd_run_get_steps(self->evidence->run);
	guint n = 0;

	rd_paper_heading(paper, 2, "Done so far");
	rd_paper_table(paper, (const char *[]){"`Step", "`Type", "How it stands", "Found", NULL});
	for (guint i = 0; i < steps->len; i++) {
		const RdStep *step = g_ptr_array_index(steps, i);
		g_autofree char *name = g_strdup_printf("%s@%s", step->plan->name, step->target);
		gboolean over = rd_life_is_final(step->life);

		if (step->life == RD_LIFE_PENDING && !step->intent)
			continue;
		n++;
		rd_paper_row(paper, over ? RD_TONE_PLAIN : RD_TONE_BAD,
			     (char *[]){name, step->plan->type,
					over ? (char *)rd_life_to_string(step->life)
					: step->intent
					    ? (char *)"may be done, may be half done"
					    : (char *)"not done, nothing was touched by it",
					step->text});
	}
	rd_paper_end_table(paper);
	if (n == 0)
		rd_paper_text(paper, RD_TONE_PLAIN, "No step has begun: nothing was changed.");
}

/* ---- one step ------------------------------------------------------------------------------ */

static void
rd_runbook_commands(RdPaper *paper, JsonObject *step)
{
	JsonArray *commands = json_object_get_array_member(step, "commands");
	const char *said = NULL;

	for (guint i = 0; i < json_array_get_length(commands); i++) {
		JsonObject *one = json_array_get_object_element(commands, i);
		const char *depends = rd_runbook_string(one, "depends");
		const char *command = rd_runbook_string(one, "command");

		if (depends != NULL && g_strcmp0(depends, said) != 0)
			rd_paper_text(paper, RD_TONE_WARN, "This depends on what is found then: %s",
				      depends);
		said = depends;
		if (command != NULL) {
			rd_paper_code(paper, rd_runbook_string(one, "on"), command);
			continue;
		}
		rd_paper_text(
		    paper, RD_TONE_BAD,
		    "Not to be typed as it is; what recoveryd would do here is %s, on %s:",
		    rd_runbook_string(one, "verb"), rd_runbook_string(one, "on"));
		rd_paper_code(paper, NULL, rd_runbook_string(one, "text"));
	}
}

static void
rd_runbook_until(RdPaper *paper, JsonObject *step)
{
	JsonNode *node = json_object_get_member(step, "until");
	const char *open = rd_runbook_string(step, "open");
	JsonObject *until;

	if (JSON_NODE_HOLDS_OBJECT(node)) {
		until = json_node_get_object(node);
		rd_paper_text(paper, RD_TONE_PLAIN, "It is done when this ends:");
		rd_paper_code(paper, rd_runbook_string(until, "on"),
			      rd_runbook_string(until, "command"));
	} else if (open != NULL) {
		rd_paper_text(paper, RD_TONE_WARN,
			      "Look before you go on; it depends on %s. Made anew then, this page "
			      "has what is left of it.",
			      open);
	}
}

static void
rd_runbook_say_step(RdPaper *paper, JsonObject *step)
{
	static const struct {
		const char *word, *says;
		RdTone tone;
	} words[] = {
	    {"already", "Already true, nothing to do.", RD_TONE_GOOD},
	    {"skipped", "Left out: its condition is not true.", RD_TONE_PLAIN},
	    {"asked", "A look, answered now.", RD_TONE_PLAIN},
	    {"holds", "A wait that is over already.", RD_TONE_GOOD},
	    {"waits", "To be waited for, or looked at, then.", RD_TONE_PLAIN},
	    {"then", "May turn out to be nothing: look first.", RD_TONE_PLAIN},
	    {"refused", "As things are it would fail.", RD_TONE_BAD},
	};
	const char *text = rd_runbook_string(step, "text");
	const char *when = rd_runbook_string(step, "when");

	for (guint i = 0; i < G_N_ELEMENTS(words); i++)
		if (g_strcmp0(rd_runbook_string(step, "word"), words[i].word) == 0)
			rd_paper_text(paper, words[i].tone, "%s %s%s%s",
				      rd_runbook_string(step, "step"), words[i].says,
				      text != NULL ? " Found: " : "", text != NULL ? text : "");
	if (when != NULL)
		rd_paper_text(paper, RD_TONE_WARN, "Only when %s.", when);
}

static gboolean
rd_runbook_same(JsonArray *steps, guint a, guint b)
{
	JsonObject *first = json_array_get_object_element(steps, a);
	JsonObject *second;

	if (b >= json_array_get_length(steps) || !json_object_get_boolean_member(first, "parallel"))
		return FALSE;
	second = json_array_get_object_element(steps, b);
	return g_strcmp0(rd_runbook_string(first, "state"), rd_runbook_string(second, "state")) ==
		   0 &&
	       json_object_get_boolean_member(first, "back") ==
		   json_object_get_boolean_member(second, "back");
}

static void
rd_runbook_head(RdPaper *paper, JsonObject *step, guint number, gboolean all)
{
	const char *mark = rd_runbook_string(step, "mark");
	const char *summary = rd_runbook_string(step, "summary");
	g_autofree char *title =
	    g_strdup_printf("%u. %s%s: %s", number,
			    json_object_get_boolean_member(step, "back") ? "give back " : "",
			    rd_runbook_string(step, all ? "state" : "step"),
			    summary != NULL ? summary : rd_runbook_string(step, "type"));

	rd_paper_heading(paper, 3, title);
	if (g_strcmp0(mark, rd_mark_to_string(RD_MARK_POINT_OF_NO_RETURN)) == 0)
		rd_paper_text(paper, RD_TONE_BAD,
			      "Point of no return: behind it the commands that "
			      "go back are not right any more.");
	if (g_strcmp0(mark, rd_mark_to_string(RD_MARK_HOST_UNDO_ENDS)) == 0)
		rd_paper_text(paper, RD_TONE_WARN,
			      "From here no single host goes back alone, only all of them.");
}

/* ---- borrowed ------------------------------------------------------------------------------ */

static void
rd_runbook_give_back(const RdRunbook *self, RdPaper *paper)
{
	JsonArray *steps = self->give_back != NULL ? json_node_get_array(self->give_back) : NULL;

	if (steps == NULL) {
		rd_paper_text(
		    paper, RD_TONE_BAD, "The commands that give it back cannot be told: %s",
		    self->why_not_back != NULL ? self->why_not_back : "nobody looked at the hosts");
		return;
	}
	rd_paper_text(
	    paper, RD_TONE_PLAIN,
	    "Who stops here gives it back with these, in this order. Who finishes by hand "
	    "leaves them: they stand below, at their place.");
	for (guint i = 0; i < json_array_get_length(steps); i++) {
		JsonObject *step = json_array_get_object_element(steps, i);
		const char *name = rd_runbook_string(step, "step");
		const char *summary = rd_runbook_string(step, "summary");
		g_autofree char *title = g_strdup_printf("give back %s: %s", name, summary);

		rd_paper_heading(paper, 3, title);
		rd_runbook_say_step(paper, step);
		rd_runbook_commands(paper, step);
		rd_runbook_until(paper, step);
	}
}

static void
rd_runbook_borrowed(const RdRunbook *self, RdPaper *paper)
{
	g_autoptr(GPtrArray) owed = rd_run_get_owed(self->evidence->run);

	rd_paper_heading(paper, 2, "Borrowed, to be given back");
	if (owed->len == 0)
		rd_paper_text(paper, RD_TONE_PLAIN, "Nothing.");
	for (guint i = 0; i < owed->len; i++) {
		const RdStep *step = g_ptr_array_index(owed, i);

		rd_paper_text(paper, RD_TONE_WARN,
			      "%s@%s (%s), due before %s. recoveryd gives it back on every way "
			      "out.",
			      step->plan->name, step->target, step->plan->type, step->plan->borrow);
	}
	if (owed->len > 0)
		rd_runbook_give_back(self, paper);
}

/* ---- to finish ----------------------------------------------------------------------------- */

/* What a dead engine left at work: a job outlives its connection, and somebody who types beside it
 * would do what it does. */
static void
rd_runbook_settle(const RdRunbook *self, RdPaper *paper)
{
	GPtrArray *hosts = rd_run_get_hosts(self->evidence->run);
	g_autofree char *command =
	    g_strdup_printf("sudo sh -c 'for lock in /var/lib/recoveryd/touch.lock "
			    "/var/lib/recoveryd/jobs/%s/*/*/lock; do [ ! -e \"$lock\" ] || flock "
			    "-x \"$lock\" true; "
			    "done'",
			    self->evidence->run_id);

	rd_paper_heading(paper, 3, "0. Wait until nothing of the run is at work");
	rd_paper_text(
	    paper, RD_TONE_WARN,
	    "Where this does not end at once a job was still at work: make this page anew "
	    "when it has ended, because what it did is not in it.");
	for (guint i = 0; i < hosts->len; i++) {
		const RdRunHost *host = g_ptr_array_index(hosts, i);

		if (host->taken_before && !host->excused)
			rd_paper_code(paper, host->plan->name, command);
	}
}

static gboolean
rd_runbook_turns(JsonObject *step)
{
	return json_object_get_boolean_member_with_default(step, "reverses", FALSE);
}

/* A state that is begun on all hosts at once: first everything that begins it, then the waits.
 * *turned: somewhere on the page resume ends to be right. */
static void
rd_runbook_finish(const RdRunbook *self, RdPaper *paper, gboolean *turned)
{
	JsonArray *steps = self->remaining != NULL ? json_node_get_array(self->remaining) : NULL;
	guint number = 0;

	rd_paper_heading(paper, 2, "To finish by hand");
	if (steps == NULL) {
		rd_paper_text(paper, RD_TONE_BAD, "The commands that are left cannot be told: %s",
			      self->why_not != NULL ? self->why_not : "nobody looked at the hosts");
		return;
	}
	if (json_array_get_length(steps) == 0)
		rd_paper_text(paper, RD_TONE_GOOD, "Nothing is left to do.");
	else
		rd_runbook_settle(self, paper);
	for (guint i = 0, end; i < json_array_get_length(steps); i = end) {
		gboolean turns =
		    !*turned && rd_runbook_turns(json_array_get_object_element(steps, i));

		for (end = i + 1; rd_runbook_same(steps, i, end);)
			end++;
		rd_runbook_head(paper, json_array_get_object_element(steps, i), ++number,
				end > i + 1);
		if (turns)
			rd_paper_text(
			    paper, RD_TONE_BAD,
			    "From here on recoveryd resume is not right any more: what stands "
			    "above would look as if it had not been done. Go on by hand to the "
			    "end, then end the run with recoveryd cancel.");
		*turned = *turned || turns;
		for (guint j = i; j < end; j++) {
			rd_runbook_say_step(paper, json_array_get_object_element(steps, j));
			rd_runbook_commands(paper, json_array_get_object_element(steps, j));
		}
		for (guint j = i; j < end; j++)
			rd_runbook_until(paper, json_array_get_object_element(steps, j));
	}
}

/* ---- to go back ---------------------------------------------------------------------------- */

/* one rename that took place, to be taken back */
typedef struct {
	const RdEvent *event; /* (unowned) */
	RdMoved moved;	      /* its ends, in this direction (unowned) */
} RdRename;

static int
rd_rename_compare(gconstpointer a, gconstpointer b)
{
	const RdRename *left = a, *right = b;

	return (left->event->seq < right->event->seq) - (left->event->seq > right->event->seq);
}

/* What the run had made itself lies well where it is. */
static GArray *
rd_runbook_renames(const RdRunbook *self, GPtrArray *list)
{
	GArray *renames = g_array_new(FALSE, FALSE, sizeof(RdRename));

	for (guint i = 0; i < list->len; i++) {
		const RdMoved *moved = g_ptr_array_index(list, i);
		RdRename there = {moved->touch, *moved};
		RdRename back = {moved->back, *moved};

		if (strstr(moved->from, self->evidence->run_id) != NULL)
			continue;
		g_array_append_val(renames, there);
		back.moved.from = moved->to;
		back.moved.to = moved->from;
		if (moved->back != NULL)
			g_array_append_val(renames, back);
	}
	g_array_sort(renames, rd_rename_compare);
	return renames;
}

static void
rd_runbook_take_back(const RdRunbook *self, RdPaper *paper, const RdRename *rename)
{
	g_autofree char *command = rd_moved_back_command(&rename->moved, self->evidence->run_id);

	if (!rename->moved.sure)
		rd_paper_text(paper, RD_TONE_WARN,
			      "The host's answer was lost: perhaps it was not moved at all.");
	rd_paper_code(paper, rename->moved.host, command);
}

/* state by state with a barrier, never host by host: a single host that goes back might form the
 * old quorum again */
static void
rd_runbook_back(const RdRunbook *self, RdPaper *paper)
{
	g_autoptr(GPtrArray) list = rd_moved_list(self->evidence->events);
	g_autoptr(GArray) renames = rd_runbook_renames(self, list);
	const char *state = NULL;

	rd_paper_heading(paper, 2, "To go back by hand instead");
	if (rd_run_passed(self->evidence->run, RD_MARK_POINT_OF_NO_RETURN)) {
		rd_paper_text(
		    paper, RD_TONE_BAD,
		    "There is no way back any more: the API has served the restored data. "
		    "The old data is where it was moved to, and what has been written since "
		    "would be lost with it.");
		return;
	}
	if (renames->len == 0) {
		rd_paper_text(paper, RD_TONE_GOOD,
			      "Nothing was moved: there is nothing to go back "
			      "from.");
		return;
	}
	rd_paper_text(
	    paper, RD_TONE_PLAIN,
	    "The newest first; all hosts of one heading before the next. Where a manifest "
	    "leaves its place, wait until crictl ps shows no container of its pod before you "
	    "go on; etcd's data is never moved while an etcd runs on any host.");
	for (guint i = 0; i < renames->len; i++) {
		const RdRename *rename = &g_array_index(renames, RdRename, i);

		if (g_strcmp0(state, rename->event->state) != 0) {
			g_autofree char *title =
			    g_strdup_printf("take back %s", rename->event->state);

			rd_paper_heading(paper, 3, title);
			state = rename->event->state;
		}
		rd_runbook_take_back(self, paper, rename);
	}
}

/* ---- the page ------------------------------------------------------------------------------ */

static void
rd_runbook_moved(const RdRunbook *self, RdPaper *paper)
{
	g_autoptr(GPtrArray) list = rd_moved_list(self->evidence->events);
	guint n = 0;

	rd_paper_heading(paper, 2, "Moved where");
	rd_paper_table(paper, (const char *[]){"`Host", "`Was", "`Is", "`Put back with", NULL});
	for (guint i = 0; i < list->len; i++) {
		const RdMoved *moved = g_ptr_array_index(list, i);
		g_autofree char *command = rd_moved_back_command(moved, self->evidence->run_id);

		if (moved->back != NULL)
			continue;
		n++;
		rd_paper_row(paper, moved->sure ? RD_TONE_PLAIN : RD_TONE_WARN,
			     (char *[]){(char *)moved->host, moved->from,
					moved->to != NULL ? moved->to : (char *)"(see the index)",
					command});
	}
	rd_paper_end_table(paper);
	if (n == 0)
		rd_paper_text(paper, RD_TONE_PLAIN, "Nothing lies elsewhere than before.");
}

static void
rd_runbook_afterwards(const RdRunbook *self, RdPaper *paper, gboolean turned)
{
	const char *id = self->evidence->run_id;
	g_autofree char *resume = g_strdup_printf("recoveryd resume %s", id);
	g_autofree char *cancel =
	    g_strdup_printf("recoveryd cancel %s --reason \"finished by hand\"", id);
	g_autofree char *status = g_strdup_printf("recoveryd status %s", id);

	rd_paper_heading(paper, 2, "Afterwards");
	if (rd_run_get_state(self->evidence->run) == RD_RUN_ENDED) {
		rd_paper_text(paper, RD_TONE_PLAIN,
			      "The run has ended, nothing of it goes on. How, and what is left:");
		rd_paper_code(paper, NULL, status);
		return;
	}
	rd_paper_text(paper, RD_TONE_PLAIN,
		      "%s recoveryd can go on: it looks at each step on its host before it does "
		      "anything, and what is done already is not done again.",
		      turned ? "Until the heading that says so" : "At any point of this page");
	rd_paper_code(paper, NULL, resume);
	rd_paper_text(
	    paper, RD_TONE_PLAIN,
	    "Who has finished by hand, or gone back, ends the run. The hosts get their locks "
	    "back, and what is borrowed is given back; nothing else is touched.");
	rd_paper_code(paper, NULL, cancel);
	rd_paper_text(paper, RD_TONE_PLAIN, "How it stands, and what it waits for:");
	rd_paper_code(paper, NULL, status);
}

char *
rd_runbook_print(const RdRunbook *self, RdPaperKind kind)
{
	g_autofree char *title = g_strdup_printf("By hand: run %s", self->evidence->run_id);
	RdPaper *paper = rd_paper_new(kind, title);
	gboolean turned = FALSE;

	for (guint i = 0; i < self->evidence->faults->len; i++)
		rd_paper_text(paper, RD_TONE_BAD, "What this tells is not whole: %s",
			      (const char *)g_ptr_array_index(self->evidence->faults, i));
	rd_paper_text(
	    paper, RD_TONE_BAD,
	    "Nobody else may work on these hosts meanwhile, and no recoveryd: the locks do "
	    "not keep anybody from typing.");
	rd_runbook_hosts(self, paper);
	rd_runbook_done(self, paper);
	rd_runbook_moved(self, paper);
	rd_runbook_borrowed(self, paper);
	rd_runbook_finish(self, paper, &turned);
	rd_runbook_back(self, paper);
	rd_runbook_afterwards(self, paper, turned);
	return rd_paper_finish(paper);
}
