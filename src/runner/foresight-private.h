/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "runner/foresight.h"
#include "runner/step-private.h"
G_BEGIN_DECLS

/* Inside foresight only: what is written down and the world (foresight.c), looking
 * (foresight-look.c), the Kubernetes API (foresight-kube.c). */

typedef struct {
	RdKube kube;
	RdKube *real; /* (unowned) */
	RdForesight *foresight;
} RdForesightKube;

struct _RdForesight {
	RdWorld world;
	RdWorld *real;
	const RdOrder *order;
	RdForeseen *foreseen;
	RdForesightKube kube;
	guint first;	      /* number of this order's first entry */
	guint runs;	      /* of this order so far */
	gboolean went_on;     /* this body waited, or started something */
	gboolean api_patched; /* this body changed fields through the API, */
	gboolean api_unknown; /* and what comes of it nobody knows: it waited since, or made,
			       * replaced or deleted something */
	gboolean then;
	char *guess;	   /* (nullable) on what the entries from here on depend */
	char *depends;	   /* (nullable) */
	char *api_silence; /* (nullable) */
};

/* the entry that was begun last (unowned) */
JsonObject *rd_foresight_last(RdForesight *self);
/* nobody can know @what of @host yet: the body is over */
gboolean rd_foresight_unknown(RdForesight *self, const char *host, const char *what,
			      GError **error);
void rd_foresight_answer(RdReply *reply, int status, const char *out);
void rd_entry_set_number(JsonObject *entry, const char *name, gint64 value);
char *rd_bytes_text(GBytes *bytes);

gboolean rd_foresight_ask_real(RdForesight *self, const char *host, const RdCall *call,
			       RdReply *reply, GError **error);
gboolean rd_foresight_ask(RdForesight *self, const char *host, const RdCall *call, RdReply *reply,
			  GError **error);
gboolean rd_foresight_ask_aside(RdForesight *self, const char *host, const RdCall *call,
				RdReply *reply, GError **error);
gboolean rd_foresight_ask_job(RdForesight *self, const char *host, const RdCall *call,
			      RdReply *reply, GError **error);
RdKube *rd_foresight_kube(RdWorld *world, GError **error);
G_END_DECLS
