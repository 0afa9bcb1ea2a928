/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "procedure/types.h"
G_BEGIN_DECLS

/* A procedure as it stands in its file, checked against the state types: references, types,
 * parameters, outcomes, reachability, marks. docs: the README of this folder has the format.
 * procedure/expand.h makes a plan of it. */

typedef enum {
	RD_INPUT_STRING,
	RD_INPUT_INT,
	RD_INPUT_BOOL,
	RD_INPUT_FILE,	   /* absolute, on this machine */
	RD_INPUT_DURATION, /* 90s, 5m, 1h */
	RD_INPUT_BACKUP,   /* a proven pair: "${input.NAME.FIELD}", FIELD of rd_pair_fields */
	RD_INPUT_HOSTS,	   /* names of the inventory with commas between, for `among` */
} RdInputType;
#define RD_INPUT_LAST RD_INPUT_HOSTS
const char *rd_input_type_to_string(RdInputType type);
gboolean rd_input_type_from_string(const char *name, RdInputType *type);

typedef struct {
	char *name;
	RdInputType type;
	char *fallback; /* (nullable) as written; NULL: has to be given */
	char *summary;	/* (nullable) */
} RdProcedureInput;

typedef struct {
	const RdType *type; /* (unowned) of the RdTypes it was loaded with */
	GHashTable *with; /* (element-type utf8 utf8) as written; what is missing has a fallback */
} RdProcedureCall;

typedef struct {
	char *outcome;
	char *to; /* a state's name, "done" or "failed" */
} RdProcedureEdge;

typedef struct {
	char *name;
	char *summary; /* (nullable) */
	RdProcedureCall *call;
	guint timeout_s, tries, delay_s;
	guint longest_s;   /* 0: none */
	GPtrArray *guards; /* (element-type RdProcedureCall) */
	GPtrArray *edges;  /* (element-type RdProcedureEdge) */
	GPtrArray *when;   /* (element-type utf8) pairs template, value */
	RdMark mark;
	char *gate, *gate_text; /* (nullable) */
	gboolean gate_always;	/* never approved beforehand */
	gboolean gate_named;	/* only with the cluster's name */
	char *beside, *borrow;	/* (nullable) until which state, or RD_UNTIL_END */
	GPtrArray *returns;	/* (element-type RdProcedureCall) */
	gboolean skippable, leftover, postponable;
} RdProcedureState;

/* one state, or a group of them, which then share where and in which order */
typedef struct {
	char *name;
	gboolean group;
	guint first, count; /* indices into states */
	char *on;	    /* one of rd_roles */
	/* how many targets at a time: width, or percent of them; both 0: all */
	guint width, percent;
	char *width_input; /* (nullable) the input of type int that says the width instead */
	char *at_most;	   /* (nullable) nor more than this: a number, or a template */
	char **order;	   /* (nullable) roles, one after the other */
	char *among;	   /* (nullable) an input of hosts: only those */
} RdProcedureUnit;

/* which releases it is for; all NULL: for any */
typedef struct {
	char *from, *below; /* "4.11", "4.18" */
	char *otherwise;    /* what a person with another release does */
	guint lowest, above;
} RdProcedureReleases;

typedef struct {
	char *name;
	char *summary;
	RdProcedureReleases releases;
	char *rest;		/* (nullable) the procedure that takes the leftovers of a run */
	GPtrArray *rest_inputs; /* (element-type utf8) pairs of its input, template */
	char *later; /* (nullable) the one that takes what was postponed on the cluster */
	GPtrArray *later_inputs; /* the like */
	char *digest;		 /* hex SHA-256 of the file's bytes */
	GPtrArray *inputs;	 /* (element-type RdProcedureInput) */
	GPtrArray *states;	 /* (element-type RdProcedureState) */
	GPtrArray *units;	 /* (element-type RdProcedureUnit) */
} RdProcedure;

/* NULL with every mistake of the file as "FILE:LINE:COLUMN: text". @types must outlive it. */
RdProcedure *rd_procedure_load(const char *path, const RdTypes *types, GError **error);
/* from memory; @path is for messages */
RdProcedure *rd_procedure_parse(const char *path, const char *data, gsize size,
				const RdTypes *types, GError **error);
void rd_procedure_free(RdProcedure *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdProcedure, rd_procedure_free)

/* The one rule for names: with a "/" in it, @name is a path; else NAME.yaml in the first of @dirs
 * (NULL-terminated) that has it. NULL with what there is instead. (transfer full) */
char *rd_procedure_locate(const char *name, const char *const *dirs, GError **error);

const RdProcedureInput *rd_procedure_find_input(const RdProcedure *self, const char *name);
/* it restores etcd: a backup is among its inputs */
gboolean rd_procedure_restores(const RdProcedure *self);
/* indices, -1 when there is none */
int rd_procedure_find_state(const RdProcedure *self, const char *name);
int rd_procedure_find_unit(const RdProcedure *self, guint state);
/* the first state of group @name; @name itself when there is no such group */
const char *rd_procedure_first_of(const RdProcedure *self, const char *name);
/* FALSE with *why (transfer full) when it is not for a cluster of @release ("4.17.3", nullable) */
gboolean rd_procedure_is_for(const RdProcedure *self, const char *release, char **why);
/* The units that may come after @unit, in no order and each once: edges, and the next one unless
 * every outcome has an edge. The end is not among them. (element-type guint) (transfer full) */
GArray *rd_procedure_get_next(const RdProcedure *self, guint unit);
/* TRUE when the next unit of the file may follow without an edge saying so */
gboolean rd_procedure_falls_through(const RdProcedure *self, guint unit);

typedef enum {
	RD_GRAPH_DOT,
	RD_GRAPH_MERMAID,
} RdGraphFormat;
/* a drawing of it, as text (transfer full) */
char *rd_procedure_graph(const RdProcedure *self, RdGraphFormat format);
G_END_DECLS
