/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "machine/order.h"
#include "rehearsal/contract.h"
#include "rehearsal/mishap.h"
G_BEGIN_DECLS

struct _RdContract {
	RdSimCluster *cluster;
	RdCatalogue *catalogue;
	const RdSetting *setting;
	RdNetwork network;
	guint violations; /* of the cluster that are known already */
};

/* what a trial has to say; plain memory that a child hands over */
typedef struct {
	gboolean over;
	guint calls[RD_DO_LAST + 1]; /* made by the newest order of each kind */
	gboolean stranger;	     /* asks for what the simulated host does not have */
	gsize size;
	char text[8192]; /* findings, one a line */
} RdContractNotes;

/* One history of one step. */
typedef struct {
	RdContract *contract;
	const RdContractStep *step;
	const RecoveryState *type;
	RdContractNotes *notes;
	GHashTable *remembered; /* (element-type utf8 utf8) of the attempt */
	GHashTable *first;	/* (element-type utf8 utf8) of all attempts, the first of each */
	GHashTable *outputs;	/* (element-type utf8 utf8) */
	guint attempt, touches;
	/* what goes wrong, and in which order; where it did */
	RdMishap mishap;
	guint at;
	char *met; /* (owned) (nullable) */
} RdContractTrial;

/* adds a finding, with what went wrong before it */
void rd_contract_find(RdContractTrial *self, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* the next attempt: nothing is remembered of the one before */
void rd_contract_next_attempt(RdContractTrial *self);
/* Carries out one order, with @mishap at its call @at; NULL when the worker was killed. Judges what
 * holds for every order: that it ends, in its time, and says why it failed. */
RdReport *rd_contract_order(RdContractTrial *self, RdDo what, RdMishap mishap, guint at);

/* One sort of history: played once, or with @mishap once for each call of the order @where. */
typedef struct {
	void (*play)(RdContractTrial *trial);
	RdDo where;
	RdMishap mishap;
} RdContractWay;
/* contract-ways.c: ends with one without play; the first goes as it is meant */
const RdContractWay *rd_contract_ways(const RecoveryState *type);

/* files of the step's host, or all, but recoveryd's own: "m0:/etc/x" to mode and hash. (transfer
 * full) */
GHashTable *rd_contract_files(RdContractTrial *self);
/* the first one of @before that is gone or different in @after, or that is new there with
 * @nothing_new; NULL when all is as it was. (transfer full) */
char *rd_contract_difference(GHashTable *before, GHashTable *after, gboolean nothing_new);
/* effects that are counted by the hosts and do not happen by themselves. (transfer full) */
char *rd_contract_effects(RdContractTrial *self);
G_END_DECLS
