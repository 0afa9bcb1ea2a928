/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "engine/engine.h"
#include "rehearsal/crew.h"
#include "rehearsal/scenery.h"

/* One machine from which somebody runs recoveryd: the journal of a run, and an engine with its
 * crew that can die and be started again from that journal. */

typedef struct _Bastion Bastion;
typedef void (*BastionMoment)(Bastion *self, RdMoment moment, const char *target, const char *host,
			      const RdCall *call, RdSimRequest *request, gpointer data);

struct _Bastion {
	char *name, *run_id, *run_uuid;
	const RdPlan *plan;
	RdCatalogue *catalogue;
	RdSetting *setting;
	RdNetwork network;
	RdJournal *journal;
	GHashTable *documents; /* beside its copies on the hosts */
	gboolean erased;       /* it does not come back */
	gboolean no_copies;    /* of the journal, on the hosts */
	RdRun *run;
	RdCrew *crew;
	RdEngine *engine;
	BastionMoment moment;
	gpointer data;
	guint starts;
	gboolean stopped;    /* its engine says that it can do nothing more */
	GError *error;	     /* (nullable) then: what was wrong with the journal */
	gint64 restart_at;   /* timeline; 0: the engine is not dead */
	gboolean disk_full;  /* under the journal */
	gboolean reserve;    /* one more commit fits */
	GString *trace;	     /* (nullable) every event, to compare histories */
	GPtrArray *breaches; /* (unowned) where broken promises are noted */
};

/* A new run, journalled as created, with every gate approved that may be approved beforehand.
 * @network: copied, but for who hears of its moments. @local_dir: for fetched files */
Bastion *bastion_new(const char *name, const char *run_id, const char *run_uuid, const RdPlan *plan,
		     RdCatalogue *catalogue, const RdNetwork *network, const char *local_dir);
/* the same run, from a copy of its directory as it is now */
Bastion *bastion_copy(Bastion *original, const char *name);
/* The same run, made anew from what the hosts of @original have of it, as resume --from-host does:
 * the longest copy; NULL when no host that answers has any, or with *differ (out) when there are
 * two of which none is the beginning of the other. */
Bastion *bastion_from_hosts(Bastion *original, const char *name, gboolean *differ);
void bastion_free(Bastion *self);
/* starts an engine on what the journal has; @word: a request made with it, about @host, or NULL: a
 * gate for "approve" */
void bastion_start(Bastion *self, const char *word, const char *host);
/* a person said that @host is away */
gboolean bastion_excuses(Bastion *self, const char *host);
/* or it could not be brought through, and was left, which status tells */
gboolean bastion_is_without(Bastion *self, const char *host);
/* a host that was not taken yet when others were (nullable) */
const char *bastion_not_enrolled(Bastion *self);
/* as SIGKILL does, between two turns of the main loop */
void bastion_end_engine(Bastion *self);
/* as SIGKILL does to the engine and, by its parent-death signal, to all below. In the forked child
 * of a trial only: what lived on the engine's stack is never freed. */
void bastion_kill(Bastion *self);
/* "done", …, "held"; NULL while it works */
const char *bastion_end(Bastion *self);
char *bastion_causes(Bastion *self);
/* the state at work in that lane, NULL when there is none */
const char *bastion_state(Bastion *self, const char *lane);
/* of which bastion a journal is */
Bastion *bastion_of_journal(RdJournal *journal);
