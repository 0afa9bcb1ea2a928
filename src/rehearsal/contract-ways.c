/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "rehearsal/contract-private.h"

/* The histories that a state has to get through. Each begins on the cluster as it was found. */

/* one undisturbed order; its word, "" for a worker that never ended */
static const char *
word_of(RdContractTrial *self, RdDo what, char **text)
{
	g_autoptr(RdReport) report = rd_contract_order(self, what, RD_MISHAP_NONE, 0);

	if (text != NULL)
		*text = report != NULL ? g_strdup(report->text) : NULL;
	return g_intern_string(report != NULL ? report->word : "");
}

/* one undisturbed order that has to end as @word; @why for people who read that it did not */
static gboolean
expect(RdContractTrial *self, RdDo what, const char *word, const char *why)
{
	g_autofree char *text = NULL;
	const char *found = word_of(self, what, &text);

	if (g_str_equal(found, word))
		return TRUE;
	if (*found != '\0')
		rd_contract_find(self, "%s: %s ends as %s%s%s", why, rd_do_to_string(what), found,
				 text != NULL ? ": " : "", text != NULL ? text : "");
	return FALSE;
}

/* the one order of this history in which something goes wrong */
static RdReport *
disturbed(RdContractTrial *self, RdDo what)
{
	return rd_contract_order(self, what, self->mishap, self->at);
}

static gboolean
begins(RdContractTrial *self)
{
	return expect(self, RD_DO_CHECK, "absent", "before enter() it is not done");
}

static gboolean
gets_done(RdContractTrial *self)
{
	return begins(self) && expect(self, RD_DO_ENTER, "finished", "undisturbed") &&
	       expect(self, RD_DO_PROBE, "present", "after enter() it is done");
}

/* ---- changes ------------------------------------------------------------------------------- */

static void
as_meant(RdContractTrial *self)
{
	const char *const *names = self->type->outputs;
	g_autoptr(GHashTable) before = rd_contract_files(self);
	g_autoptr(GHashTable) checked = NULL;
	g_autofree char *text = NULL;

	if (!begins(self))
		return;
	checked = rd_contract_files(self);
	text = rd_contract_difference(before, checked, TRUE);
	if (text != NULL)
		rd_contract_find(self, "baseline and probe only look, but afterwards %s", text);
	if (!expect(self, RD_DO_ENTER, "finished", "undisturbed") ||
	    !expect(self, RD_DO_PROBE, "present", "after enter() it is done"))
		return;
	for (guint i = 0; names != NULL && names[i] != NULL; i++)
		if (!g_hash_table_contains(self->outputs, names[i]))
			rd_contract_find(self, "it is done and the output %s is not set", names[i]);
}

static void
done_twice(RdContractTrial *self)
{
	g_autoptr(GHashTable) once = NULL, twice = NULL;
	g_autofree char *effects = NULL, *more = NULL, *text = NULL;

	if (!gets_done(self))
		return;
	once = rd_contract_files(self);
	effects = rd_contract_effects(self);
	if (!expect(self, RD_DO_ENTER, "finished", "enter() once more") ||
	    !expect(self, RD_DO_PROBE, "present", "after enter() once more"))
		return;
	twice = rd_contract_files(self);
	more = rd_contract_effects(self);
	text = rd_contract_difference(once, twice, TRUE);
	if (text != NULL)
		rd_contract_find(self, "done twice is not as done once: %s", text);
	if (!g_str_equal(effects, more))
		rd_contract_find(self, "done twice, it happens twice: %s; before: %s", more,
				 effects);
}

static void
undo_nothing(RdContractTrial *self)
{
	g_autoptr(GHashTable) before = NULL, after = NULL;
	g_autofree char *text = NULL;

	if (self->type->undo == NULL || !begins(self))
		return;
	before = rd_contract_files(self);
	if (!expect(self, RD_DO_UNDO, "finished", "undo() where nothing was done"))
		return;
	after = rd_contract_files(self);
	text = rd_contract_difference(before, after, TRUE);
	if (text != NULL)
		rd_contract_find(self, "undo() where nothing was done: afterwards %s", text);
}

/* what was there before is there, and it is not done any more */
static void
is_undone(RdContractTrial *self, GHashTable *before)
{
	g_autoptr(GHashTable) after = rd_contract_files(self);
	g_autofree char *text = rd_contract_difference(before, after, FALSE);

	if (text != NULL)
		rd_contract_find(self, "after undo() %s", text);
	(void)expect(self, RD_DO_PROBE, "absent", "after undo() it is not done");
}

static void
undo_done(RdContractTrial *self)
{
	g_autoptr(GHashTable) before = rd_contract_files(self);

	if (self->type->undo == NULL || !gets_done(self) ||
	    !expect(self, RD_DO_UNDO, "finished", "undo() of what is done"))
		return;
	is_undone(self, before);
	if (!expect(self, RD_DO_UNDO, "finished", "undo() once more"))
		return;
	is_undone(self, before);
	rd_contract_next_attempt(self);
	(void)gets_done(self);
}

/* As the engine does it after doubt: nothing of this attempt runs any more, then the probe has to
 * know, then perhaps another attempt. */
static void
gets_done_after_all(RdContractTrial *self)
{
	g_autofree char *text = NULL;
	const char *found;

	if (!expect(self, RD_DO_SETTLE, "finished", "afterwards nothing of it runs"))
		return;
	found = word_of(self, RD_DO_PROBE, &text);
	if (g_str_equal(found, "present"))
		return;
	if (!g_str_equal(found, "absent")) {
		rd_contract_find(self,
				 "the probe cannot tell what came of it, though it sees all "
				 "there is (%s%s%s)",
				 found, text != NULL ? ": " : "", text != NULL ? text : "");
		return;
	}
	rd_contract_next_attempt(self);
	found = word_of(self, RD_DO_CHECK, NULL);
	if (g_str_equal(found, "present"))
		return;
	if (expect(self, RD_DO_ENTER, "finished", "the next attempt"))
		(void)expect(self, RD_DO_PROBE, "present", "after the next attempt");
}

static void
check_disturbed(RdContractTrial *self)
{
	g_autoptr(RdReport) report = disturbed(self, RD_DO_CHECK);

	if (report != NULL && g_str_equal(report->word, "present"))
		rd_contract_find(self, "takes what it could not see for done");
	/* the engine looks again in another attempt */
	rd_contract_next_attempt(self);
	(void)gets_done(self);
}

static void
enter_disturbed(RdContractTrial *self)
{
	g_autoptr(RdReport) report = NULL;

	if (!begins(self))
		return;
	report = disturbed(self, RD_DO_ENTER);
	gets_done_after_all(self);
}

static void
enter_disturbed_then_undone(RdContractTrial *self)
{
	g_autoptr(GHashTable) before = rd_contract_files(self);
	g_autoptr(RdReport) report = NULL;

	if (self->type->undo == NULL || !begins(self))
		return;
	report = disturbed(self, RD_DO_ENTER);
	if (expect(self, RD_DO_SETTLE, "finished", "afterwards nothing of it runs") &&
	    expect(self, RD_DO_UNDO, "finished", "undo() of what is half done"))
		is_undone(self, before);
}

static void
probe_disturbed(RdContractTrial *self)
{
	g_autoptr(RdReport) report = NULL;

	if (!gets_done(self))
		return;
	report = disturbed(self, RD_DO_PROBE);
	if (report != NULL && g_str_equal(report->word, "absent"))
		rd_contract_find(self, "takes what it could not see for not done");
}

static void
undo_disturbed(RdContractTrial *self)
{
	g_autoptr(GHashTable) before = rd_contract_files(self);
	g_autoptr(RdReport) report = NULL;

	if (self->type->undo == NULL || !gets_done(self))
		return;
	report = disturbed(self, RD_DO_UNDO);
	if (expect(self, RD_DO_SETTLE, "finished", "afterwards nothing of it runs") &&
	    expect(self, RD_DO_UNDO, "finished", "undo() once more"))
		is_undone(self, before);
}

static const RdContractWay change_ways[] = {
    {as_meant, RD_DO_CHECK, RD_MISHAP_NONE},
    {done_twice, RD_DO_ENTER, RD_MISHAP_NONE},
    {undo_nothing, RD_DO_UNDO, RD_MISHAP_NONE},
    {undo_done, RD_DO_UNDO, RD_MISHAP_NONE},
    {check_disturbed, RD_DO_CHECK, RD_MISHAP_LOST},
    {check_disturbed, RD_DO_CHECK, RD_MISHAP_FAILS},
    {check_disturbed, RD_DO_CHECK, RD_MISHAP_CANCEL},
    {enter_disturbed, RD_DO_ENTER, RD_MISHAP_LOST},
    {enter_disturbed, RD_DO_ENTER, RD_MISHAP_UNHEARD},
    {enter_disturbed, RD_DO_ENTER, RD_MISHAP_FAILS},
    {enter_disturbed, RD_DO_ENTER, RD_MISHAP_CANCEL},
    {enter_disturbed, RD_DO_ENTER, RD_MISHAP_KILL},
    {enter_disturbed_then_undone, RD_DO_ENTER, RD_MISHAP_FAILS},
    {enter_disturbed_then_undone, RD_DO_ENTER, RD_MISHAP_CANCEL},
    {enter_disturbed_then_undone, RD_DO_ENTER, RD_MISHAP_KILL},
    {probe_disturbed, RD_DO_PROBE, RD_MISHAP_LOST},
    {probe_disturbed, RD_DO_PROBE, RD_MISHAP_FAILS},
    {undo_disturbed, RD_DO_UNDO, RD_MISHAP_LOST},
    {undo_disturbed, RD_DO_UNDO, RD_MISHAP_UNHEARD},
    {undo_disturbed, RD_DO_UNDO, RD_MISHAP_FAILS},
    {undo_disturbed, RD_DO_UNDO, RD_MISHAP_CANCEL},
    {undo_disturbed, RD_DO_UNDO, RD_MISHAP_KILL},
    {NULL},
};

/* ---- waits and queries --------------------------------------------------------------------- */

static void
look(RdContractTrial *self, gboolean again)
{
	const char *const *names = self->type->outputs;
	g_autoptr(GHashTable) before = rd_contract_files(self);
	g_autoptr(GHashTable) after = NULL;
	g_autofree char *text = NULL, *difference = NULL;
	const char *found = word_of(self, RD_DO_LOOK, &text);

	if (text != NULL && strstr(text, "outside enter or undo") != NULL)
		rd_contract_find(self, "%s", text);
	after = rd_contract_files(self);
	difference = rd_contract_difference(before, after, TRUE);
	if (difference != NULL)
		rd_contract_find(self, "it only looks, but afterwards %s", difference);
	for (guint i = 0; names != NULL && names[i] != NULL && g_str_equal(found, "finished"); i++)
		if (!g_hash_table_contains(self->outputs, names[i]))
			rd_contract_find(self, "it %sended well and the output %s is not set",
					 again ? "then " : "", names[i]);
}

static void
look_as_meant(RdContractTrial *self)
{
	look(self, FALSE);
}

/* whatever the answer was, the next look is a whole one */
static void
look_disturbed(RdContractTrial *self)
{
	g_autoptr(RdReport) report = disturbed(self, RD_DO_LOOK);

	g_hash_table_remove_all(self->outputs);
	look(self, TRUE);
}

static const RdContractWay look_ways[] = {
    {look_as_meant, RD_DO_LOOK, RD_MISHAP_NONE},
    {look_disturbed, RD_DO_LOOK, RD_MISHAP_LOST},
    {look_disturbed, RD_DO_LOOK, RD_MISHAP_FAILS},
    {look_disturbed, RD_DO_LOOK, RD_MISHAP_CANCEL},
    {NULL},
};

const RdContractWay *
rd_contract_ways(const RecoveryState *type)
{
	return type->kind == RECOVERY_KIND_CHANGE ? change_ways : look_ways;
}
