/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "kube/call.h"
G_BEGIN_DECLS

/* What the step API asks of the Kubernetes API, on top of RdKube: patience with an API that comes
 * and goes, lists in pages, changes under conflicts, many changes at once.
 *
 * Patience: for how many seconds what could not be done yet is tried again; 0 is one try. Between
 * two tries lies what the server asks for (Retry-After), else 250 ms to 5 s.
 *
 * Errors name verb and path. UNREACHABLE: not within the patience; for a change whether it
 * happened is unknown or it did not, the message says which. FAILED: the server tried and could
 * not (a webhook). PERMANENT: refused. CANCELLED. */

#define RD_KUBE_PAGE	      500 /* items of a list at a time */
#define RD_KUBE_LIMIT	      30  /* seconds for one request */
#define RD_KUBE_IN_FLIGHT     50  /* changes at once; 30 to 100 were measured to be best */
#define RD_KUBE_CONFLICTS     10  /* tries of a change that others change as well */
#define RD_KUBE_LIST_RESTARTS 5	  /* a list whose pages expired begins anew */

/* The object; NULL without error when there is none. A path that is not served at all is an error
 * (UNREACHABLE), for after a restore kinds come back one by one; @unserved (nullable) set instead
 * says the caller can live with a cluster that does not know the kind. */
JsonNode *rd_kube_get(RdKube *kube, const char *path, guint patience_s, gboolean *unserved,
		      GError **error);

/* All objects of a list as one: its items in order, metadata.resourceVersion of the first page.
 * @path may carry selectors. NULL with error; @unserved as above. */
JsonNode *rd_kube_list(RdKube *kube, const char *path, guint patience_s, gboolean *unserved,
		       GError **error);

/* what a path that is no object answers, "/readyz?verbose"; FAILED with its text when the status is
 * not 2xx. (transfer full) */
char *rd_kube_text(RdKube *kube, const char *path, guint patience_s, GError **error);

/* One change, sent again only while it is certain that it was not carried out. TRUE: @answer is
 * DONE, MISSING or CONFLICT, and the caller says what that means. */
gboolean rd_kube_change(RdKube *kube, const RdKubeRequest *request, guint patience_s,
			RdKubeAnswer *answer, GError **error);

/* Makes of the object as it is now what is to be sent; called again after each conflict with the
 * object as it is then. RD_KUBE_EDIT_ALREADY: nothing has to be done. */
typedef enum {
	RD_KUBE_EDIT_FAILED,  /* @error is set */
	RD_KUBE_EDIT_ALREADY, /* it is as it should be: nothing is sent */
	RD_KUBE_EDIT_SEND,    /* @object was changed */
} RdKubeEditing;
typedef RdKubeEditing (*RdKubeEdit)(JsonObject *object, gpointer data, GError **error);

/* GET, @edit, PUT to @path + @subresource ("/approval", or NULL) with the resourceVersion that was
 * read: so two of us, or another and us, cannot overwrite each other. *changed (nullable): whether
 * it was sent. After doubt the object is read again and @edit asked: nothing is sent blindly. */
gboolean rd_kube_update(RdKube *kube, const char *path, const char *subresource, RdKubeEdit edit,
			gpointer data, guint patience_s, gboolean *changed, GError **error);

/* what an answer other than DONE, MISSING of a served kind and CONFLICT is as an error */
void rd_kube_answer_to_error(const RdKubeRequest *request, const RdKubeAnswer *answer,
			     GError **error);

/* The same kind of thing for many, RD_KUBE_IN_FLIGHT at a time; answers in the order of @requests.
 * What is NOT_YET is sent again within the patience. FALSE with CANCELLED only; what became of each
 * stands in its answer. */
gboolean rd_kube_change_all(RdKube *kube, const RdKubeRequest *requests, guint n, guint patience_s,
			    RdKubeAnswer *answers, GError **error);
G_END_DECLS
