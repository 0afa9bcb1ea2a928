/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "rehearsal/world.h"
G_BEGIN_DECLS

/* Which of thousands of moments are tried: those of a kind are alike, so of each kind one is
 * enough for a fault. The undisturbed recovery says first how many there are of each. */
typedef struct _Kinds Kinds;

/* a fault takes every @share-th kind that comes */
Kinds *kinds_new(guint share, guint32 seed);
void kinds_free(Kinds *self);
/* The same state sends the same sort of call on this host and on that, again and again. A moment
 * without call (the journal's, a report) is one of its state. (transfer full) */
char *kind_of(RdMoment moment, const char *state, const RdCall *call);
/* in the undisturbed recovery */
void kinds_expect(Kinds *self, const char *kind);
/* in the other: the how manieth of its kind this is, from 1 */
guint kinds_meet(Kinds *self, const char *kind);
/* Whether fault number @fault strikes at the @nth of @kind. Each fault begins with another kind,
 * and takes another moment of it, so that all hosts have their turn. */
gboolean kinds_take(Kinds *self, guint fault, const char *kind, guint nth);
G_END_DECLS
