/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <gio/gio.h>
#include <json-glib/json-glib.h>
G_BEGIN_DECLS

/* One request to the Kubernetes API and what became of it. As host/call.h for hosts: the contract
 * between those who ask (objects.h, the step API) and those who answer (client.h, the simulator).
 * Facts: domain 2.1. */

typedef enum {
	RD_KUBE_GET,
	RD_KUBE_POST,
	RD_KUBE_PUT,
	RD_KUBE_PATCH_MERGE,
	RD_KUBE_PATCH_JSON,
	RD_KUBE_DELETE,
} RdKubeVerb;
#define RD_KUBE_VERB_LAST RD_KUBE_DELETE
const char *rd_kube_verb_to_string(RdKubeVerb verb); /* "GET" … as sent */
gboolean rd_kube_verb_touches(RdKubeVerb verb);

typedef struct {
	RdKubeVerb verb;
	const char *path;	  /* "/api/v1/nodes/m0?a=b", escaped; fieldManager is added */
	const char *body;	  /* (nullable) JSON; of a DELETE {"resourceVersion": "7"}, a second
				   * precondition beside @uid */
	const char *content_type; /* (nullable) instead of the verb's own: "application/yaml" */
	const char *uid;	  /* DELETE: only this very object (INV-25); without it: refused */
	gboolean now;		  /* DELETE: without grace period (a force delete) */
	gboolean plain;		  /* GET of what is no object ("/readyz"): its text is the answer */
} RdKubeRequest;

typedef enum {
	RD_KUBE_DONE,	  /* 2xx: carried out */
	RD_KUBE_MISSING,  /* 404: no such object; or, when @unserved, no such kind (just now) */
	RD_KUBE_CONFLICT, /* 409: changed, exists, or is another one by now: nothing was done */
	RD_KUBE_GONE,	  /* 410: begin the list anew */
	RD_KUBE_NOT_YET,  /* nothing was done; the same again later can help */
	RD_KUBE_DOUBT,	  /* no answer, or one that leaves open whether it was done: look */
	RD_KUBE_FAILED,	  /* 500: it tried; not done, the message says why (a webhook, say) */
	RD_KUBE_REFUSED,  /* 4xx: again cannot help */
	RD_KUBE_CANCELLED,
} RdKubeVerdict;
#define RD_KUBE_VERDICT_LAST RD_KUBE_CANCELLED
const char *rd_kube_verdict_to_string(RdKubeVerdict verdict);

typedef struct {
	RdKubeVerdict verdict;
	guint status;	   /* HTTP; 0: no answer */
	JsonNode *body;	   /* (owned) (nullable) an object; of errors the Status, if it was one */
	char *reason;	   /* (owned) (nullable) Status.reason: "AlreadyExists" */
	char *message;	   /* (owned) never NULL unless DONE: for people, without the path */
	guint retry_after; /* seconds the server asks for; 0: none */
	gboolean unserved; /* MISSING: the path is not served, which says nothing of the object */
	char *text;	   /* (owned) (nullable) of a plain request, whatever the status */
} RdKubeAnswer;
void rd_kube_answer_clear(RdKubeAnswer *answer);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RdKubeAnswer, rd_kube_answer_clear)

/* What came over the wire, judged; pure. @retry_after: the header (nullable). @up_for_s: how long
 * the API has been up, negative: unknown. 401 and 403 are NOT_YET in the first five minutes, while
 * caches and roles settle (domain 2.1). */
#define RD_KUBE_SETTLING 300 /* seconds */
void rd_kube_judge(RdKubeVerb verb, guint status, const char *retry_after, const char *body,
		   gsize size, gint64 up_for_s, RdKubeAnswer *answer);

/* the like for a plain request */
void rd_kube_judge_plain(guint status, const char *retry_after, const char *body, gsize size,
			 gint64 up_for_s, RdKubeAnswer *answer);

/* JSON as the API sends it, and nothing json-glib takes beside that (comments, assignments, text
 * behind the end). Whole numbers that gint64 cannot hold become strings of the same digits: ids are
 * text. At most RD_KUBE_JSON_DEPTH deep. */
#define RD_KUBE_JSON_DEPTH 200
JsonNode *rd_kube_json_parse(const char *data, gsize size, GError **error);

/* the resourceVersion of a DELETE's @body (nullable), NULL when that is anything else. (transfer
 * full) */
char *rd_kube_delete_version(const char *body);

/* Somebody who answers: the client or the simulator. Belongs to one worker (or fiber), which it
 * blocks. */
typedef struct _RdKube RdKube;
typedef struct {
	/* sends all @n, at most @in_flight at a time, each for at most @limit_s; @answers has n
	 * places and each is filled */
	void (*send)(RdKube *kube, const RdKubeRequest *requests, guint n, guint in_flight,
		     guint limit_s, RdKubeAnswer *answers);
	/* FALSE when cancelled meanwhile */
	gboolean (*pause)(RdKube *kube, guint milliseconds);
	gint64 (*clock)(RdKube *kube); /* microseconds, CLOCK_BOOTTIME or virtual */
} RdKubeClass;
struct _RdKube {
	const RdKubeClass *klass;
};
G_END_DECLS
