/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "bastion.h"
#include "rehearsal/clock.h"
#include "scene.h"
#include <setjmp.h>

/* One recovery from its start to its end: a cluster that lost its quorum, a bastion, perhaps a
 * second one, at most one fault, and the person who heals it and does what the advice says. */

typedef struct _Trial Trial;
typedef struct _Fault Fault;

typedef struct {
	const Fault *fault;
	char *host; /* (owned) (nullable) */
	guint said; /* of the fault's words */
} Blow;

/* what came of it; plain memory, so that a forked child can hand it over */
typedef struct {
	gboolean over; /* it came to an end at all */
	gboolean good; /* done, exactly once, nothing broken */
	guint held;    /* times that a person had to help */
	guint gates;   /* times that a person was asked */
	guint doubled, lost;
	guint starts;	 /* of engines */
	gint64 took;	 /* virtual microseconds */
	char text[1000]; /* what was wrong, or why it was held */
} Outcome;

struct _Trial {
	const char *procedure;
	const Scene *scene; /* (nullable) (unowned) */
	char *local_dir;
	const RdPlan *plan;	/* (unowned) */
	RdCatalogue *catalogue; /* (unowned) */
	RdSimCluster *cluster;
	RdSimApi *api; /* (nullable) where the procedure asks for one */
	RdClock *clock;
	GMainContext *context;
	GPtrArray *bastions; /* (element-type Bastion) */
	GPtrArray *breaches; /* (element-type utf8) */
	guint boundary;	     /* number of the moment that comes next */
	/* called at each of them while fewer than blows_max have struck */
	void (*at)(Trial *self, Bastion *bastion, RdMoment moment, const char *target,
		   const char *host, const RdCall *call, RdSimRequest *request);
	gpointer at_data;
	GArray *blows;	   /* (element-type Blow) what has struck so far */
	guint blows_max;   /* moments are offered to @at until so many have */
	gint64 owed_since; /* something could not be given back; 0: nothing */
	Bastion *dying;
	jmp_buf death;
	gboolean stuck;
	guint rounds; /* of a person's help */
	char *causes; /* (owned) (nullable) of the last one, */
	guint same;   /* and how often they were the same ones before */
	guint gates;  /* that a person approved */
	guint away;   /* workers that were closed or down at a time, at the worst */
	gint64 began;
	GString *held; /* why */
	gint64 turn_delay;
	const RdPlan *then; /* (nullable) (unowned) a second run, when the first is done, that
			     * brings back what the first one found */
	RdPlan *next;	    /* (owned) (nullable) the same, of a scene: what goes on behind it */
	gboolean turned;    /* a person asked for the way back, and was not refused */
	char *before;	    /* likeness.h, of the cluster as it was found */
};

/* of the shipped procedure, with last night's backup in @local_dir */
RdPlan *trial_make_plan(const char *procedure, const Scene *scene, RdCatalogue *catalogue,
			const char *local_dir);
/* @plan and @catalogue outlive it */
Trial *trial_new(const RdPlan *plan, const Scene *scene, guint32 seed, RdCatalogue *catalogue,
		 const char *local_dir, gboolean trace);
void trial_free(Trial *self);
/* runs it to its end; @expected: tally of the undisturbed one, NULL when this is it */
void trial_run(Trial *self, GHashTable *expected, Outcome *outcome);
/* "host effect" to GUINT count: what must happen once */
GHashTable *trial_tally(Trial *self);
Bastion *trial_add_bastion(Trial *self, Bastion *bastion);
/* the engine of @bastion dies in the middle of its work; does not return. Only while the trial has
 * no other bastion, whose main loop this would be, too */
void trial_die(Trial *self, Bastion *bastion) G_GNUC_NORETURN;
/* the same between two of its turns */
void trial_end_engine(Trial *self, Bastion *bastion);
/* A person asks @bastion to roll back, as soon as it lives. Refused behind the point of no return:
 * then it goes on. */
void trial_turn_back(Trial *self, Bastion *bastion);
/* in @delay its engine begins, with a person's @word (nullable) about @host (nullable) */
void trial_start_later(Trial *self, Bastion *bastion, gint64 delay, const char *word,
		       const char *host);
gboolean trial_has_struck(Trial *self, const char *fault);
/* somebody gives a host up */
gboolean trial_has_lost_host(Trial *self);

/* cluster-restore.sh is what restores */
gboolean trial_runs_script(Trial *self);
/* what was asked for last has come about */
gboolean trial_is_done(Trial *self, const char *end);
/* (nullable) where no resume can help: the word that the reason must have */
const char *trial_ends_held(Trial *self);
/* the second bastion has a copy of the first one's run; the second is the second run of two */
gboolean trial_is_copy(Trial *self);
gboolean trial_returns(Trial *self);
/* and the second one brings back what the first one found */
gboolean trial_brings_back(Trial *self);
/* begins the second run, if the first is done and there is one to come; FALSE: there is not */
gboolean trial_goes_on(Trial *self);
/* person.c: looks at all bastions, and helps where one waits for it; FALSE when nothing is left to
 * wait for */
gboolean trial_attend(Trial *self);
/* what is still ill is healed; also a host that nobody missed, and so nobody gave up */
void trial_heal_all(Trial *self);
/* judge.c: what came of it; @expected as for trial_run() */
void trial_judge(Trial *self, GHashTable *expected, Outcome *outcome);

/* faults.c */
struct _Fault {
	const char *name;
	guint moments; /* bit set of RdMoment */
	void (*strike)(Trial *trial, Bastion *bastion, RdMoment moment, const char *target,
		       const char *host, const RdCall *call, RdSimRequest *request);
	void (*heal)(Trial *trial, const char *host); /* (nullable) */
	/* (nullable) what a person says about the host, a word for each time that the run is held;
	 * NULL-terminated. Else it is resume */
	const char *const *words;
	const char *ends_held; /* (nullable) no resume can help, and the reason has this word */
	gboolean names_host;   /* what a person is told has the host's name in it */
	gboolean host_dies;    /* what did not survive a boot may be missing or started again */
	gboolean of_api;       /* strikes at requests to the Kubernetes API only */
	gboolean cancels;      /* a person ends the run: what was borrowed is given back */
	gboolean disk_dies;    /* nothing of it survived: what was done there is to be done again */
	gboolean delays_api;   /* kubelets hear nothing for long, or cannot keep it, and ask anew */
};
extern const Fault faults[];
extern const guint n_faults;
/* can it happen here at all */
gboolean fault_applies(const Fault *fault, RdMoment moment, const char *host, const RdCall *call);
gboolean fault_adds_bastion(const Fault *fault);
/* its engine is dead, and nothing of it is left: somebody goes on elsewhere */
void fault_bastion_is_lost(Trial *trial, Bastion *bastion);
void fault_strike(const Fault *fault, Trial *trial, Bastion *bastion, RdMoment moment,
		  const char *target, const char *host, const RdCall *call, RdSimRequest *request);
