/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "machine/event.h"
G_BEGIN_DECLS

/* What a run moved, aside or under another name, and what of it went back: read from the touches of
 * its journal. */

typedef struct {
	const char *host; /* (unowned) */
	char *from;
	char *to;	      /* (nullable) NULL: the answer was lost, the host's index knows */
	gboolean aside;	      /* the host chose the place */
	gboolean sure;	      /* the host said that it was carried out */
	const RdEvent *touch; /* (unowned) */
	const RdEvent *back;  /* (nullable) (unowned) the touch that brought it back */
} RdMoved;

/* For sh -c, of "$1" to "$2": where that is taken it fails and says so. mv -n says nothing, and in
 * some versions does not fail either, when it leaves things as they are. */
#define RD_MOVED_SCRIPT                                                                            \
	"mv -nT \"$1\" \"$2\" && { test ! -e \"$1\" || { echo \"$2 is taken: nothing was moved\" " \
	">&2; false; }; }"

/* oldest first; @events outlive it. (element-type RdMoved) (transfer full) */
GPtrArray *rd_moved_list(GPtrArray *events);
/* on the host, as a command of a shell, that brings it back; one that asks the host's index where
 * only that knows the place (transfer full) */
char *rd_moved_back_command(const RdMoved *moved, const char *run_id);
G_END_DECLS
