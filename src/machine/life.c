/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-machine"

#include "life.h"
#include "words.h"

static const char *const life_words[] = {
    [RD_LIFE_PENDING] = "pending", [RD_LIFE_LOOKING] = "looking", [RD_LIFE_CHECKING] = "checking",
    [RD_LIFE_RUNNING] = "running", [RD_LIFE_DOUBT] = "doubt",	  [RD_LIFE_PROBING] = "probing",
    [RD_LIFE_WAITING] = "waiting", [RD_LIFE_HELD] = "held",	  [RD_LIFE_DONE] = "done",
    [RD_LIFE_SKIPPED] = "skipped", [RD_LIFE_FAILED] = "failed",	  [RD_LIFE_CANCELLED] = "cancelled",
    [RD_LIFE_UNDOING] = "undoing", [RD_LIFE_UNDONE] = "undone",	  [RD_LIFE_OWING] = "owing",
};

static const char *const event_words[] = {
    [RD_STEP_BEGIN] = "begin",
    [RD_STEP_LOOK] = "look",
    [RD_STEP_SKIP] = "skip",
    [RD_STEP_INTENT] = "intent",
    [RD_STEP_FINISHED] = "finished",
    [RD_STEP_FAILED] = "failed",
    [RD_STEP_REFUSED] = "refused",
    [RD_STEP_UNREACHABLE] = "unreachable",
    [RD_STEP_LOST] = "lost",
    [RD_STEP_SETTLED] = "settled",
    [RD_STEP_PRESENT] = "present",
    [RD_STEP_ABSENT] = "absent",
    [RD_STEP_UNCLEAR] = "unclear",
    [RD_STEP_EXHAUSTED] = "exhausted",
    [RD_STEP_DEADLINE] = "deadline",
    [RD_STEP_RESUME] = "resume",
    [RD_STEP_DECIDE_DONE] = "decide-done",
    [RD_STEP_DECIDE_REDO] = "decide-redo",
    [RD_STEP_DECIDE_ABORT] = "decide-abort",
    [RD_STEP_CANCEL] = "cancel",
    [RD_STEP_UNDO] = "undo",
    [RD_STEP_LEAVE] = "leave",
};

G_STATIC_ASSERT(G_N_ELEMENTS(life_words) == RD_LIFE_LAST + 1);
G_STATIC_ASSERT(G_N_ELEMENTS(event_words) == RD_STEP_EVENT_LAST + 1);

RD_WORDS(RdLife, rd_life, life_words)
RD_WORDS(RdStepEvent, rd_step_event, event_words)

/* One row, one reason to move. What touches a host is only ever started from RUNNING and UNDOING,
 * and both are on disk before it starts. After any doubt the way leads through DOUBT: the host is
 * fenced with a higher number, jobs come to their end, and only then the world is asked. */
/* clang-format off */
static const struct {
	RdLife from;
	RdStepEvent event;
	RdLife to;
} rows[] = {
    /* wait and query: nothing can be half done, so losing it costs nothing */
    {RD_LIFE_PENDING,  RD_STEP_LOOK,         RD_LIFE_LOOKING},
    {RD_LIFE_LOOKING,  RD_STEP_FINISHED,     RD_LIFE_DONE},
    {RD_LIFE_LOOKING,  RD_STEP_FAILED,       RD_LIFE_WAITING},
    {RD_LIFE_LOOKING,  RD_STEP_UNREACHABLE,  RD_LIFE_WAITING},
    {RD_LIFE_LOOKING,  RD_STEP_LOST,         RD_LIFE_PENDING},
    {RD_LIFE_LOOKING,  RD_STEP_REFUSED,      RD_LIFE_HELD},
    {RD_LIFE_LOOKING,  RD_STEP_EXHAUSTED,    RD_LIFE_HELD},
    {RD_LIFE_LOOKING,  RD_STEP_DEADLINE,     RD_LIFE_HELD},
    {RD_LIFE_LOOKING,  RD_STEP_CANCEL,       RD_LIFE_CANCELLED},
    {RD_LIFE_WAITING,  RD_STEP_LOOK,         RD_LIFE_LOOKING},
    /* change: is it needed, do the guards hold? */
    {RD_LIFE_PENDING,  RD_STEP_BEGIN,        RD_LIFE_CHECKING},
    {RD_LIFE_CHECKING, RD_STEP_PRESENT,      RD_LIFE_DONE},
    {RD_LIFE_CHECKING, RD_STEP_INTENT,       RD_LIFE_RUNNING},
    {RD_LIFE_CHECKING, RD_STEP_FAILED,       RD_LIFE_WAITING},
    {RD_LIFE_CHECKING, RD_STEP_UNREACHABLE,  RD_LIFE_WAITING},
    {RD_LIFE_CHECKING, RD_STEP_LOST,         RD_LIFE_PENDING},
    {RD_LIFE_CHECKING, RD_STEP_REFUSED,      RD_LIFE_HELD},
    {RD_LIFE_CHECKING, RD_STEP_UNCLEAR,      RD_LIFE_HELD},
    {RD_LIFE_CHECKING, RD_STEP_EXHAUSTED,    RD_LIFE_HELD},
    {RD_LIFE_CHECKING, RD_STEP_DEADLINE,     RD_LIFE_HELD},
    {RD_LIFE_CHECKING, RD_STEP_CANCEL,       RD_LIFE_CANCELLED},
    /* change: done, and then looked at */
    {RD_LIFE_RUNNING,  RD_STEP_FINISHED,     RD_LIFE_PROBING},
    {RD_LIFE_RUNNING,  RD_STEP_FAILED,       RD_LIFE_DOUBT},
    {RD_LIFE_RUNNING,  RD_STEP_UNREACHABLE,  RD_LIFE_DOUBT},
    {RD_LIFE_RUNNING,  RD_STEP_LOST,         RD_LIFE_DOUBT},
    {RD_LIFE_RUNNING,  RD_STEP_REFUSED,      RD_LIFE_HELD},
    {RD_LIFE_RUNNING,  RD_STEP_DEADLINE,     RD_LIFE_HELD},
    {RD_LIFE_DOUBT,    RD_STEP_SETTLED,      RD_LIFE_PROBING},
    {RD_LIFE_DOUBT,    RD_STEP_LOST,         RD_LIFE_DOUBT},
    {RD_LIFE_DOUBT,    RD_STEP_UNREACHABLE,  RD_LIFE_DOUBT},
    {RD_LIFE_DOUBT,    RD_STEP_REFUSED,      RD_LIFE_HELD},
    {RD_LIFE_DOUBT,    RD_STEP_EXHAUSTED,    RD_LIFE_HELD},
    {RD_LIFE_DOUBT,    RD_STEP_DEADLINE,     RD_LIFE_HELD},
    {RD_LIFE_PROBING,  RD_STEP_PRESENT,      RD_LIFE_DONE},
    {RD_LIFE_PROBING,  RD_STEP_ABSENT,       RD_LIFE_WAITING},
    {RD_LIFE_PROBING,  RD_STEP_UNREACHABLE,  RD_LIFE_DOUBT},
    {RD_LIFE_PROBING,  RD_STEP_LOST,         RD_LIFE_DOUBT},
    {RD_LIFE_PROBING,  RD_STEP_UNCLEAR,      RD_LIFE_HELD},
    {RD_LIFE_PROBING,  RD_STEP_REFUSED,      RD_LIFE_HELD},
    {RD_LIFE_PROBING,  RD_STEP_EXHAUSTED,    RD_LIFE_HELD},
    {RD_LIFE_PROBING,  RD_STEP_DEADLINE,     RD_LIFE_HELD},
    /* again, or a person's word */
    {RD_LIFE_WAITING,  RD_STEP_BEGIN,        RD_LIFE_CHECKING},
    {RD_LIFE_WAITING,  RD_STEP_EXHAUSTED,    RD_LIFE_HELD},
    {RD_LIFE_WAITING,  RD_STEP_DEADLINE,     RD_LIFE_HELD},
    {RD_LIFE_WAITING,  RD_STEP_CANCEL,       RD_LIFE_CANCELLED},
    {RD_LIFE_HELD,     RD_STEP_RESUME,       RD_LIFE_DOUBT},   /* it may have touched */
    {RD_LIFE_HELD,     RD_STEP_SETTLED,      RD_LIFE_PENDING}, /* it cannot have */
    {RD_LIFE_HELD,     RD_STEP_DECIDE_DONE,  RD_LIFE_DONE},
    {RD_LIFE_HELD,     RD_STEP_DECIDE_REDO,  RD_LIFE_DOUBT},   /* an earlier job may run still */
    {RD_LIFE_HELD,     RD_STEP_DECIDE_ABORT, RD_LIFE_FAILED},
    {RD_LIFE_PENDING,  RD_STEP_REFUSED,      RD_LIFE_HELD},
    {RD_LIFE_PENDING,  RD_STEP_SKIP,         RD_LIFE_SKIPPED},
    {RD_LIFE_WAITING,  RD_STEP_SKIP,         RD_LIFE_SKIPPED},
    {RD_LIFE_HELD,     RD_STEP_SKIP,         RD_LIFE_SKIPPED},
    {RD_LIFE_PENDING,  RD_STEP_CANCEL,       RD_LIFE_CANCELLED},
    /* the way back */
    {RD_LIFE_PENDING,  RD_STEP_UNDO,         RD_LIFE_UNDOING}, /* an earlier attempt touched */
    {RD_LIFE_DONE,     RD_STEP_UNDO,         RD_LIFE_UNDOING},
    {RD_LIFE_HELD,     RD_STEP_UNDO,         RD_LIFE_UNDOING},
    {RD_LIFE_DOUBT,    RD_STEP_UNDO,         RD_LIFE_UNDOING}, /* which waits for its jobs, too */
    {RD_LIFE_WAITING,  RD_STEP_UNDO,         RD_LIFE_UNDOING},
    {RD_LIFE_FAILED,   RD_STEP_UNDO,         RD_LIFE_UNDOING},
    {RD_LIFE_SKIPPED,  RD_STEP_UNDO,         RD_LIFE_UNDOING},
    {RD_LIFE_CANCELLED, RD_STEP_UNDO,        RD_LIFE_UNDOING},
    {RD_LIFE_UNDOING,  RD_STEP_FINISHED,     RD_LIFE_UNDONE},
    {RD_LIFE_UNDOING,  RD_STEP_LOST,         RD_LIFE_UNDOING}, /* undo is safe on half-done */
    {RD_LIFE_UNDOING,  RD_STEP_UNREACHABLE,  RD_LIFE_UNDOING},
    {RD_LIFE_UNDOING,  RD_STEP_FAILED,       RD_LIFE_UNDOING}, /* and asked for until it is done */
    {RD_LIFE_UNDOING,  RD_STEP_REFUSED,      RD_LIFE_OWING},
    {RD_LIFE_UNDOING,  RD_STEP_EXHAUSTED,    RD_LIFE_OWING},
    {RD_LIFE_UNDOING,  RD_STEP_DEADLINE,     RD_LIFE_OWING},
    {RD_LIFE_OWING,    RD_STEP_RESUME,       RD_LIFE_UNDOING},
    {RD_LIFE_OWING,    RD_STEP_DECIDE_REDO,  RD_LIFE_UNDOING},
    {RD_LIFE_OWING,    RD_STEP_DECIDE_DONE,  RD_LIFE_UNDONE},
    {RD_LIFE_OWING,    RD_STEP_DECIDE_ABORT, RD_LIFE_FAILED},
    /* its span is over: what it had in hand carries its own preconditions */
    {RD_LIFE_PENDING,  RD_STEP_LEAVE,        RD_LIFE_SKIPPED},
    {RD_LIFE_LOOKING,  RD_STEP_LEAVE,        RD_LIFE_DONE},
    {RD_LIFE_CHECKING, RD_STEP_LEAVE,        RD_LIFE_DONE},
    {RD_LIFE_RUNNING,  RD_STEP_LEAVE,        RD_LIFE_DONE},
    {RD_LIFE_DOUBT,    RD_STEP_LEAVE,        RD_LIFE_DONE},
    {RD_LIFE_PROBING,  RD_STEP_LEAVE,        RD_LIFE_DONE},
    {RD_LIFE_WAITING,  RD_STEP_LEAVE,        RD_LIFE_DONE},
    {RD_LIFE_HELD,     RD_STEP_LEAVE,        RD_LIFE_DONE},
};
/* clang-format on */

gboolean
rd_life_next(RdLife life, RdStepEvent event, RdLife *next)
{
	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		if (rows[i].from == life && rows[i].event == event) {
			*next = rows[i].to;
			return TRUE;
		}
	}
	return FALSE;
}

gboolean
rd_life_is_final(RdLife life)
{
	return life == RD_LIFE_DONE || life == RD_LIFE_SKIPPED || life == RD_LIFE_FAILED ||
	       life == RD_LIFE_CANCELLED || life == RD_LIFE_UNDONE;
}

void
rd_life_print_dot(GString *out)
{
	g_string_append(out, "digraph step {\n\trankdir=LR;\n");
	for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
		g_string_append_printf(out, "\t%s -> %s [label=\"%s\"];\n",
				       life_words[rows[i].from], life_words[rows[i].to],
				       event_words[rows[i].event]);
	g_string_append(out, "}\n");
}
