/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The Kubernetes API, for plugins that need it. Objects are JsonNodes as the API sends them; whole
 * numbers beyond gint64 (member and cluster ids) are strings of the same digits.
 *
 * The way there is the inventory's: a kubeconfig of its own, or localhost-recovery.kubeconfig of
 * the recovery host through an SSH forward. A body cannot tell and does not care. An API that is
 * not there, or not yet, is UNREACHABLE after the patience of one call (two minutes); within it
 * the library tries again what certainly was not carried out, and nothing else.
 *
 * After a restore the API answers from the snapshot's past. So no wait believes a status: every
 * one of them passes recovery_fresh_…(), which wants a witness that cannot be from the past. */

#pragma once

#include <json-glib/json-glib.h>
#include <recovery/plugin.h>

G_BEGIN_DECLS

/* ---- looking ------------------------------------------------------------------------------- */

/* From here on in this order, each call to the API is given up after @seconds at the latest, 1 to
 * 120. Without it an API that hangs or comes and goes is waited for until two minutes or nine
 * tenths of the step's time are over, which is right for what has to be, and too long for a nicety.
 */
void recovery_api_patience(RecoveryStep *step, guint seconds);

/* One object, "/api/v1/nodes/m1". NULL without error: there is none. (transfer full) */
JsonNode *recovery_api_get(RecoveryStep *step, const char *path,
			   GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* All objects of a list, in pages, as one array: the elements are objects. @path may carry
 * selectors ("…/pods?labelSelector=app%3Dx"). (transfer full) */
JsonArray *recovery_api_list(RecoveryStep *step, const char *path,
			     GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Whether the API serves @path's kind at all ("/apis/machine.openshift.io/v1beta1/machines"):
 * clusters without the Machine API, older ones without endpointslices. The two above fail
 * (UNREACHABLE) for a kind that is not served, because after a restore kinds come back one by one;
 * so ask this first where a cluster may lack it for good. */
gboolean recovery_api_serves(RecoveryStep *step, const char *path, gboolean *serves,
			     GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* GET of a path that is no object ("/readyz?verbose"): its text. FAILED with the text when the
 * status is not 2xx. (transfer full) */
char *recovery_api_text(RecoveryStep *step, const char *path,
			GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* ---- touching ------------------------------------------------------------------------------ */

/* Journalled before the first byte leaves, sent after the recovery host's lock was seen to be
 * ours, never repeated after doubt. What has been changed already must not be changed again: a
 * patch carries its precondition (resourceVersion, a JSON patch's test), a delete the uid. */

typedef enum {
	RECOVERY_API_CREATE = 1, /* POST to the collection */
	RECOVERY_API_REPLACE,	 /* PUT; @body with the resourceVersion that was read */
	RECOVERY_API_MERGE,	 /* merge patch */
	RECOVERY_API_JSON_PATCH,
	RECOVERY_API_DELETE, /* @uid */
} RecoveryApiVerb;

typedef struct {
	RecoveryApiVerb verb;
	const char *path;
	const char *body; /* JSON (a manifest may be YAML with @yaml). DELETE: (nullable)
			   * {"resourceVersion": "7"}: only while nobody has changed it since */
	const char *uid;  /* DELETE: only this very object (INV-25); without it it is refused */
	gboolean now;	  /* DELETE: without grace period */
	gboolean yaml;
} RecoveryApiChange;

typedef enum {
	RECOVERY_API_DONE,
	RECOVERY_API_MISSING,  /* there is no such object: of a DELETE as good as done */
	RECOVERY_API_CONFLICT, /* changed since it was read, exists, or is another one by now */
} RecoveryApiEnd;

/* FALSE with error: UNREACHABLE when nobody knows whether it was done, FAILED when the server
 * tried and could not (a webhook), PERMANENT when it is refused. @answer (nullable): the object as
 * it is now, or NULL. (transfer full) */
gboolean recovery_api_change(RecoveryStep *step, const RecoveryApiChange *change,
			     RecoveryApiEnd *end, JsonNode **answer,
			     GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef struct {
	RecoveryApiEnd end;
	GError *error; /* (owned) (nullable) */
} RecoveryApiAnswer;
void recovery_api_answer_clear(RecoveryApiAnswer *answer);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RecoveryApiAnswer, recovery_api_answer_clear)

/* The like for many, many in flight. @answers has @n places, filled in either case; TRUE when each
 * was answered, which is not to say that each was done. FALSE with UNREACHABLE when one was not,
 * or with what kept all of them from being sent. */
gboolean recovery_api_change_all(RecoveryStep *step, const RecoveryApiChange *changes, guint n,
				 RecoveryApiAnswer *answers,
				 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* ---- freshness ------------------------------------------------------------------------------ */

/* The moment that divides past and present: @since is when the API first answered after the
 * restore, in seconds of the recovery host's clock (the output `since` of api/up, which every
 * state that waits for an object takes as a parameter); @now is that clock now. */
typedef struct {
	double since, now;
} RecoveryMoment;
/* asks the recovery host for its time */
gboolean recovery_moment(RecoveryStep *step, const char *since, RecoveryMoment *moment,
			 GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef enum {
	RECOVERY_FRESH_TRUE,  /* it is so, and it was witnessed */
	RECOVERY_FRESH_FALSE, /* it is not so */
	RECOVERY_FRESH_STALE, /* it says so, but nothing shows that this is of today */
} RecoveryFresh;

/* *why: one line for people, what is missing or the witness. (transfer full), never NULL */

/* Ready, and its kubelet lives. @lease (nullable): the Node's, of kube-node-lease */
RecoveryFresh recovery_fresh_node(const RecoveryMoment *moment, JsonNode *node, JsonNode *lease,
				  char **why);
/* condition @type of @object has @status, and its controller wrote so. @lease (nullable): its
 * controller's leader election */
RecoveryFresh recovery_fresh_condition(const RecoveryMoment *moment, JsonNode *object,
				       const char *type, const char *status, JsonNode *lease,
				       char **why);
/* a static pod's mirror is Running and Ready, and so says the host: @pods is crictl pods -o json,
 * @containers crictl ps -o json */
RecoveryFresh recovery_fresh_mirror_pod(JsonNode *pod, JsonNode *pods, JsonNode *containers,
					char **why);
/* an ordinary pod is Running and Ready, none of @before (uids, nullable), of today. @lease: its
 * node's */
RecoveryFresh recovery_fresh_pod(const RecoveryMoment *moment, JsonNode *pod,
				 const char *const *before, JsonNode *lease, char **why);
/* a static-pod operator has brought all @nodes to a revision above @recorded */
RecoveryFresh recovery_fresh_rollout(JsonNode *operator, gint64 recorded, guint nodes, char **why);
/* @object was made after @since (seconds of the recovery host's clock) */
RecoveryFresh recovery_fresh_created(JsonNode *object, double since, char **why);

G_END_DECLS
