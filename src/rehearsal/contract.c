/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-rehearsal"

#include <errno.h>
#include <recovery/plugin.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rehearsal/contract-private.h"

/* seconds for one history: of the processor's time, of which they take milliseconds, and of real
 * time, which a busy machine makes long */
#define HISTORY_CPU_MAX 60
#define HISTORY_MAX	600
/* of the calls of one function, tried one by one: a long wait asks the same a hundred times */
#define CALLS_MAX 24

RdContract *
rd_contract_new(RdSimCluster *cluster, RdCatalogue *catalogue, const RdSetting *setting)
{
	RdContract *self = g_new0(RdContract, 1);

	self->cluster = cluster;
	self->catalogue = catalogue;
	self->setting = setting;
	self->network.cluster = cluster;
	/* a history has the one mishap that it is about */
	self->network.punctual = TRUE;
	return self;
}

void
rd_contract_set_api(RdContract *self, RdSimApi *api)
{
	self->network.api = api;
}

void
rd_contract_free(RdContract *self)
{
	g_free(self);
}

void
rd_contract_result_clear(RdContractResult *result)
{
	g_clear_pointer(&result->findings, g_ptr_array_unref);
	g_clear_pointer(&result->not_tried, g_free);
}

static void
trial_open(RdContractTrial *self, RdContract *contract, const RdContractStep *step,
	   RdContractNotes *notes)
{
	*self = (RdContractTrial){.contract = contract, .step = step, .notes = notes};
	self->type = rd_catalogue_find(contract->catalogue, step->type);
	self->outputs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	self->first = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	rd_contract_next_attempt(self);
}

static void
trial_clear(RdContractTrial *self)
{
	g_hash_table_unref(self->remembered);
	g_hash_table_unref(self->outputs);
	g_hash_table_unref(self->first);
	g_free(self->met);
}

static gboolean
went_well(RdContractTrial *self, RdDo what, GError **error)
{
	g_autoptr(RdReport) report = rd_contract_order(self, what, RD_MISHAP_NONE, 0);

	if (g_str_equal(report->word, "finished") || g_str_equal(report->word, "absent"))
		return TRUE;
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED, "%s: %s ends as %s: %s",
		    self->step->type, rd_do_to_string(what), report->word,
		    report->text != NULL ? report->text : "no reason given");
	return FALSE;
}

gboolean
rd_contract_do(RdContract *self, const RdContractStep *step, GHashTable *outputs, GError **error)
{
	g_autofree RdContractNotes *notes = g_new0(RdContractNotes, 1);
	RdContractTrial trial;
	GHashTableIter iter;
	gpointer key, value;
	gboolean ok;

	trial_open(&trial, self, step, notes);
	if (trial.type->kind == RECOVERY_KIND_CHANGE)
		ok = went_well(&trial, RD_DO_CHECK, error) && went_well(&trial, RD_DO_ENTER, error);
	else
		ok = went_well(&trial, RD_DO_LOOK, error);
	g_hash_table_iter_init(&iter, trial.outputs);
	while (outputs != NULL && g_hash_table_iter_next(&iter, &key, &value))
		g_hash_table_replace(outputs, g_strdup(key), g_strdup(value));
	trial_clear(&trial);
	return ok;
}

/* ---- histories in children ----------------------------------------------------------------- */

typedef struct {
	RdContract *contract;
	const RdContractStep *step;
	RdContractNotes *notes; /* (owned) shared with the child at work */
	RdContractNotes known;	/* the most calls seen of each order */
	GHashTable *said;	/* (element-type utf8) */
	RdContractResult *result;
} Trying;

static void
say(Trying *self, const char *line)
{
	g_autofree char *text = g_strdup_printf("%s: %s", self->step->type, line);

	if (*line != '\0' && g_hash_table_add(self->said, g_strdup(text)))
		g_ptr_array_add(self->result->findings, g_steal_pointer(&text));
}

static void
hear(Trying *self, const RdContractWay *way, guint at, int status)
{
	g_auto(GStrv) lines = g_strsplit(self->notes->text, "\n", -1);
	g_autofree char *died = NULL;

	for (guint i = 0; lines[i] != NULL; i++) {
		say(self, lines[i]);
		if (self->result->not_tried == NULL &&
		    ((self->notes->stranger && strstr(lines[i], "no such command here") != NULL) ||
		     (self->contract->network.api == NULL &&
		      strstr(lines[i], RD_SIM_NO_API) != NULL)))
			self->result->not_tried = g_strdup(lines[i]);
	}
	for (guint i = 0; i <= RD_DO_LAST; i++)
		self->known.calls[i] = MAX(self->known.calls[i], self->notes->calls[i]);
	if (self->notes->over)
		return;
	if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGALRM || WTERMSIG(status) == SIGXCPU))
		died = g_strdup_printf("does not come back, and asks nothing any more");
	else if (WIFSIGNALED(status))
		died = g_strdup_printf("the process that tried it was killed by signal %d; more "
				       "than 128 KiB of stack?",
				       WTERMSIG(status));
	else
		died = g_strdup("the process that tried it ended; more than 128 KiB of stack?");
	if (way->mishap != RD_MISHAP_NONE) {
		g_autofree char *where =
		    g_strdup_printf("%s, where call %u %s: %s", rd_do_to_string(way->where), at + 1,
				    rd_mishap_to_words(way->mishap), died);

		say(self, where);
	} else {
		say(self, died);
	}
}

static void
play(Trying *self, const RdContractWay *way, guint at)
{
	const struct rlimit most = {HISTORY_CPU_MAX, HISTORY_CPU_MAX + 1};
	RdContractTrial trial;
	int status = 0;
	pid_t pid;

	memset(self->notes, 0, sizeof *self->notes);
	self->result->trials++;
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		g_error("fork: %s", g_strerror(errno));
	if (pid == 0) {
		setrlimit(RLIMIT_CPU, &most);
		alarm(HISTORY_MAX);
		trial_open(&trial, self->contract, self->step, self->notes);
		trial.mishap = way->mishap;
		trial.at = at;
		way->play(&trial);
		self->notes->over = TRUE;
		_exit(0);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	hear(self, way, at, status);
}

static void
try_all(Trying *self, const RdContractWay *ways)
{
	for (const RdContractWay *way = ways; way->play != NULL; way++) {
		guint n = way->mishap != RD_MISHAP_NONE ? self->known.calls[way->where] : 1;
		guint stride = (n + CALLS_MAX - 1) / CALLS_MAX;

		for (guint at = 0; at < n; at += MAX(stride, 1))
			play(self, way, at);
		/* what does not go well undisturbed is not disturbed */
		if (way == ways && self->result->findings->len > 0)
			return;
	}
}

void
rd_contract_try(RdContract *self, const RdContractStep *step, RdContractResult *result)
{
	const RecoveryState *type = rd_catalogue_find(self->catalogue, step->type);
	Trying trying = {.contract = self, .step = step, .result = result};

	g_return_if_fail(type != NULL);
	*result = (RdContractResult){.findings = g_ptr_array_new_with_free_func(g_free)};
	self->violations = self->cluster->violations->len;
	trying.said = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	trying.notes = mmap(NULL, sizeof *trying.notes, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (trying.notes == MAP_FAILED)
		g_error("mmap: %s", g_strerror(errno));
	try_all(&trying, rd_contract_ways(type));
	if (result->not_tried != NULL)
		g_ptr_array_set_size(result->findings, 0);
	munmap(trying.notes, sizeof *trying.notes);
	g_hash_table_unref(trying.said);
}
