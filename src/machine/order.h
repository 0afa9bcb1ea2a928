/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>
G_BEGIN_DECLS

/* What the engine asks of a worker, and what comes back. One order at a time per lane; the
 * worker answers with any number of reports, the last of which is RD_REPORT_RESULT. */

typedef enum {
	RD_DO_SURVEY,  /* whose is the host, which boot, what runs: reads only */
	RD_DO_TAKE,    /* the lock, with number; waits until nothing older touches */
	RD_DO_RELEASE, /* the lock back: state=released */
	RD_DO_LOOK,    /* wait: probe until PRESENT; query: enter */
	RD_DO_CHECK,   /* change: guards, baseline, probe */
	RD_DO_ENTER,   /* change: enter */
	RD_DO_SETTLE,  /* wait until no job of this attempt runs */
	RD_DO_PROBE,   /* change: probe */
	RD_DO_UNDO,
	RD_DO_KEEP, /* not the machine's: the engine's copies of the journal on the hosts */
} RdDo;
#define RD_DO_LAST RD_DO_KEEP
const char *rd_do_to_string(RdDo what);
gboolean rd_do_from_string(const char *name, RdDo *what);

typedef struct {
	char *type;	  /* "etcd/silent" */
	GHashTable *with; /* (element-type utf8 utf8) resolved */
} RdOrderGuard;

/* keep, in `with`: lines and the event behind which they go, with its link; none: where does the
 * copy end. Or a document beside them. It is answered with number, the last event there, and key,
 * the link of that. */
#define RD_KEEP_TEXT  "text"
#define RD_KEEP_AFTER "after"
#define RD_KEEP_LINK  "link"
#define RD_KEEP_NAME  "name"

typedef struct {
	RdDo what;
	char *target;
	/* whose worker does it: the target's own, or one of its own for a state that works beside
	 * others. One order at a time per lane. */
	char *lane;
	gint64 number;	  /* take, release, and everything that touches: the host's incarnation */
	char *fence_host; /* (nullable) number 0: whose lock guards what is changed all the same, */
	gint64 fence_number; /* through the API: the recovery host and its incarnation */
	gboolean enrol;	     /* take: the host may have no lock file yet */
	char *state;	     /* the rest: (nullable) for survey, take, release */
	guint visit, attempt;
	char *type;
	GHashTable *with;  /* (element-type utf8 utf8) resolved parameters */
	GHashTable *notes; /* (element-type utf8 utf8) of this attempt */
	GHashTable *first; /* (element-type utf8 utf8) the first of this visit by each name */
	char *head;	   /* (nullable) hash of the journal's newest event */
	guint touches; /* how many touches this visit has journalled: numbers go on from there */
	GPtrArray *guards; /* (element-type RdOrderGuard) */
	char *boot_id;	   /* settle: those journalled with the grant this attempt ran under */
	char *machine_id;
	gboolean prove;	    /* undo: over only when the probe does not find it done any more */
	gint64 timeout_ms;  /* what is left of the deadline; the engine keeps the deadline itself */
	gint64 patience_ms; /* a person may add so much to it meanwhile: the body goes on */
	/* where its time begins anew when it moves on: how long it is then, what is left of all of
	 * it, and how far it had come; else 0 */
	gint64 anew_ms, whole_ms, far;
	GPtrArray *excused;  /* (element-type utf8) host names */
	GPtrArray *returned; /* (element-type utf8) those of them that answer all the same */
	/* (nullable) the pen is lifted: nothing is touched, what would be is told as TOUCH with the
	 * entry in value; these are the entries so far (runner/foreseen.h) */
	char *foreseen;
} RdOrder;

/* in the target's own lane */
RdOrder *rd_order_new(RdDo what, const char *target);
RdOrderGuard *rd_order_add_guard(RdOrder *order, const char *type);
RdOrder *rd_order_copy(const RdOrder *order);
void rd_order_free(RdOrder *order);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdOrder, rd_order_free)

typedef enum {
	RD_REPORT_PROGRESS, /* text; not journalled */
	RD_REPORT_NOTE,	    /* key, value; the worker waits for the acknowledgement */
	RD_REPORT_OUTPUT,   /* key, value; the worker waits */
	RD_REPORT_TOUCH,    /* word verb, text what exactly, number n; the worker waits */
	RD_REPORT_TOUCHED,  /* word, text, number n */
	RD_REPORT_MOVED,    /* number: how far it has come */
	RD_REPORT_RESULT,   /* the order is over */
	RD_REPORT_LOST,	    /* the worker died; text says how. Made by the crew, not by it */
} RdReportKind;
#define RD_REPORT_LAST RD_REPORT_LOST
const char *rd_report_kind_to_string(RdReportKind kind);
gboolean rd_report_kind_from_string(const char *name, RdReportKind *kind);

typedef struct {
	RdReportKind kind;
	char *lane;
	/* result: finished | present | absent | unknown | failed | permanent | unreachable | fenced
	 * | cancelled | busy | refused | alive (settle: a job still runs) | depends (the pen is
	 * lifted, and the body came to what nobody can know before) */
	char *word;
	/* result with the pen lifted: key is "then" when it came from what is going to be changed
	 * before, value says why the Kubernetes API did not answer */
	char *key, *value;
	char *text;
	gint64 number;	  /* survey: the number found there, -1 when there is no file */
	char *boot_id;	  /* survey and take */
	char *machine_id; /* survey and take */
	char *holder;	  /* survey, fenced: "r-… alice@bastion since …", NULL when released */
	char *run;	  /* survey: this very run, if it holds the host or held it last */
	char *outcome;	  /* look, enter, probe */
} RdReport;
/* how the text of a body ends that was told to stop before it had found anything */
#define RD_TOLD_TO_STOP "told to stop"

RdReport *rd_report_new(RdReportKind kind, const char *lane, const char *word);
RdReport *rd_report_copy(const RdReport *report);
void rd_report_free(RdReport *report);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdReport, rd_report_free)
G_END_DECLS
