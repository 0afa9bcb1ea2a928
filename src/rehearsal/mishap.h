/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "rehearsal/world.h"
G_BEGIN_DECLS

/* A simulated world in which one call of a host, or one request to the API, goes wrong in a way
 * that is said beforehand. */

typedef enum {
	RD_MISHAP_NONE,
	RD_MISHAP_LOST,	   /* the call never arrives */
	RD_MISHAP_UNHEARD, /* it is carried out, the answer never arrives */
	RD_MISHAP_FAILS,   /* it is refused, or the command exits with 1; nothing happens */
	RD_MISHAP_CANCEL,  /* the body is told to end just before it */
	RD_MISHAP_KILL,	   /* it is carried out, and the caller is no more */
} RdMishap;
#define RD_MISHAP_LAST RD_MISHAP_KILL
/* "is lost": what happened to the call */
const char *rd_mishap_to_words(RdMishap mishap);

/* what a command that was made to fail says on stderr */
#define RD_MISHAP_STDERR "made to fail by the rehearsal"

typedef struct {
	RdWorld world;
	RdWorld *sim; /* (owned) */
	RdMishap mishap;
	guint at;    /* which call or request, from 0 */
	guint calls; /* made so far; of call_all each host's, of many requests each */
	char *met;   /* (owned) (nullable) the call that it struck: "put /etc/motd.d/sign on m0" */
	gboolean cancelled;
	guint after_cancel; /* what was asked of the world since */
	gboolean killed;    /* whoever called is not to be resumed */
	gboolean deaf;	    /* because it did not end when it was told to */
	struct _RdMishapKube
	    *kube; /* (owned) (nullable) the way to the API, when it was asked for */
} RdMishapWorld;

RdMishapWorld *rd_mishap_world_new(RdNetwork *network, const char *target, RdMishap mishap,
				   guint at, void (*wake)(gpointer data), gpointer data);
void rd_mishap_world_free(RdMishapWorld *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdMishapWorld, rd_mishap_world_free)
G_END_DECLS
