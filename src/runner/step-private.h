/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "runner/foresight.h"
#include "runner/step.h"
G_BEGIN_DECLS

/* Inside the step API only: looking (step-look.c), touching (step-touch.c), the Kubernetes API
 * (step-kube-look.c, step-kube.c), time and memory (step-time.c), the journal's copies
 * (step-keep.c), recording (step-tape.c), and the order that all of it serves (step.c). */
typedef struct _RdTape RdTape;
struct _RecoveryStep {
	const RdOrder *order;
	const RecoveryState *type;
	GHashTable *with;  /* (element-type utf8 utf8) (unowned) parameters of what runs now */
	GHashTable *notes; /* (element-type utf8 utf8) (owned) those of the order and newer ones */
	RdWorld *world;
	RdForesight *foresight; /* (nullable) the pen is lifted: @world is its own */
	const RdSetting *setting;
	RdTell tell;
	gpointer data;
	gint64 deadline; /* of the world's clock, microseconds */
	gint64 began;
	gint64 time_from, time_to; /* of the clock: its time, which begins anew when it moves on */
	gint64 far;		   /* how far it has come */
	gint64 due; /* of the clock: when the probe says that it may be over; 0: it does not know */
	guint touches; /* number of the newest touch */
	gboolean may_touch;
	gboolean gone;	 /* a tell was refused: the engine is gone or the order cancelled */
	gboolean fenced; /* a host refused us; what the body makes of that error does not matter */
	char *fenced_text;
	char *outcome;	/* (owned) (nullable) */
	char *progress; /* (owned) (nullable) the last line */
	gint64 silence; /* microseconds in which nobody answered: step-time.c */
	gint64 asked;	/* of the clock: when the API was, last */
	guint patience; /* seconds that a call to it is given at the most; 0: no less than usual */
	char *silent;	/* (owned) (nullable) what the last one said who did not answer */
	RdTape *tape;	/* (owned) (nullable) what is said now is recorded there */
};

/* a call with what every call of this step carries */
void rd_step_fill_call(RecoveryStep *step, RdCall *call, RdCallVerb verb);
/* turns refused and fenced into errors, leaves the rest to the caller */
gboolean rd_step_call(RecoveryStep *step, const char *host, const RdCall *call, RdReply *reply,
		      GError **error);
/* step-time.c: counts what was asked at @began (of the clock) and ended with @error (nullable), if
 * that is silence */
void rd_step_count_silence(RecoveryStep *step, gint64 began, const GError *error);
/* @text (nullable) of a step whose time is over, with who did not answer in much of it. (transfer
 * full) */
char *rd_step_over_text(RecoveryStep *step, const char *text);
/* a result of this order; @text (nullable) */
RdReport *rd_step_result(RecoveryStep *step, const char *word, const char *text);
/* what an error is called in a result */
const char *rd_step_error_word(const GError *error);
/* step-keep.c: RD_DO_KEEP */
RdReport *rd_step_keep(RecoveryStep *step);
/* tells and waits; FALSE with CANCELLED when nobody listens any more */
gboolean rd_step_tell(RecoveryStep *step, RdReportKind kind, const char *word, const char *key,
		      const char *value, const char *text, gint64 number, GError **error);
/* A touch's two ends in the journal. begin: outside enter and undo it is refused; its number is
 * then step->touches. end: @word and @text say how it went where there is no @error. */
gboolean rd_step_begin_touch(RecoveryStep *step, const char *verb, const char *text,
			     GError **error);
void rd_step_end_touch(RecoveryStep *step, guint number, const char *word, const char *text,
		       const GError *error);
const char *rd_step_host(RecoveryStep *step, const char *host);
/* "'mv' 'a b'": for people and the journal */
char *rd_argv_to_text(const char *const *argv);
char *rd_hex(const guint8 *digest, gsize size);
void rd_step_take_reply(RdReply *from, RecoveryReply *to);

/* step-kube-look.c: the way to the API, NULL with error when there is none now; how long one call
 * may take, in seconds; whether @path is of a kind whose content is a credential */
RdKube *rd_step_kube(RecoveryStep *step, GError **error);
/* what was asked of it has ended, with *@error (nullable), which gets the target's name before it
 */
void rd_step_kube_end(RecoveryStep *step, GError **error);
guint rd_step_patience(RecoveryStep *step);
gboolean rd_api_is_secret(const char *path);

/* Recording; each does nothing while step->tape is NULL, and nothing of it can fail a step. begin,
 * end: a tape of @type, called @name, with parameters @with; do, done: a call into its body, and
 * @word or @error as its end. In between, each function of the step API tells what it is asked
 * (say, or put for a line of another @sort) before it does it, and then what comes of it. */
void rd_tape_begin(RecoveryStep *step, const char *name, const RecoveryState *type,
		   GHashTable *with);
void rd_tape_end(RecoveryStep *step);
void rd_tape_do(RecoveryStep *step, const char *what);
void rd_tape_done(RecoveryStep *step, const char *word, const GError *error);
void rd_tape_say(RecoveryStep *step, const char *format, ...) G_GNUC_PRINTF(2, 3);
void rd_tape_put(RecoveryStep *step, const char *sort, const char *text);
void rd_tape_reply(RecoveryStep *step, const RdReply *reply);
/* the lines of @text (nullable) */
void rd_tape_text(RecoveryStep *step, const char *sort, const char *text);
/* @object (nullable); @secret: only its shape */
void rd_tape_json(RecoveryStep *step, JsonNode *object, gboolean secret);
void rd_tape_list(RecoveryStep *step, JsonArray *list, gboolean secret);
void rd_tape_error(RecoveryStep *step, const GError *error);
/* the same with @local (transfer full) (nullable), which goes on to @error; TRUE: there is none */
gboolean rd_tape_pass(RecoveryStep *step, GError *local, GError **error);
G_END_DECLS
