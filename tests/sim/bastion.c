/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bastion.h"
#include "journal/copy.h"
#include "rehearsal/verbs.h"
#include <string.h>

static GPtrArray *bastions; /* (unowned) those alive, for the journal's wrapper below */

static void
take_events(Bastion *self, GPtrArray *events)
{
	g_autoptr(GError) error = NULL;

	if (!rd_journal_append(self->journal, events, &error))
		g_error("%s", error->message);
	for (guint i = 0; i < events->len; i++)
		if (!rd_run_apply(self->run, g_ptr_array_index(events, i), &error))
			g_error("%s", error->message);
}

static void
take_event(Bastion *self, RdEvent *event)
{
	g_autoptr(GPtrArray) events = g_ptr_array_new_with_free_func((GDestroyNotify)rd_event_free);

	g_ptr_array_add(events, event);
	take_events(self, events);
}

/* the step at work on @lane that may have touched; @state: NULL: any */
static const RdStep *
find_in_hand(Bastion *self, const char *lane, const char *state)
{
	GPtrArray *steps = rd_run_get_steps(self->run);

	for (guint i = 0; i < steps->len; i++) {
		const RdStep *step = g_ptr_array_index(steps, i);

		if (g_strcmp0(step->lane, lane) == 0 && step->touches > 0 &&
		    (state == NULL || g_str_equal(step->plan->name, state)) &&
		    ((step->life == RD_LIFE_RUNNING && step->intent) ||
		     step->life == RD_LIFE_UNDOING))
			return step;
	}
	return NULL;
}

/* I1: what is about to leave for a host is in the journal already */
static void
check_intent(Bastion *self, const char *target, const RdCall *call)
{
	const RdRunHost *host = NULL;
	const RdStep *step = NULL;

	if (call->verb == RD_CALL_TAKE) {
		host = rd_run_find_host(self->run, target);
		if (host == NULL || host->pending != call->number)
			g_ptr_array_add(self->breaches,
					g_strdup_printf("I1: %s: #%" G_GINT64_FORMAT
							" was sent but not journalled",
							target, call->number));
	}
	if (!rd_call_verb_touches(call->verb))
		return;
	/* a request to the API does not say whose it is */
	step = find_in_hand(self, target, call->state);
	if (call->state == NULL && step == NULL)
		g_ptr_array_add(self->breaches,
				g_strdup_printf("I1: %s: %s %s was sent without an intent", target,
						call->argv[0], call->argv[1]));
	else if (call->state != NULL &&
		 (step == NULL || step->visit != call->visit || step->attempt != call->attempt))
		g_ptr_array_add(self->breaches,
				g_strdup_printf("I1: %s: %s of %s.%u.%u was sent without an intent",
						target, rd_call_verb_to_string(call->verb),
						call->state, call->visit, call->attempt));
}

static void
moment(RdMoment when, const char *target, const char *host, const RdCall *call,
       RdSimRequest *request, gpointer data)
{
	Bastion *self = data;

	if (when == RD_MOMENT_SEND)
		check_intent(self, target, call);
	if (self->moment != NULL)
		self->moment(self, when, target, host, call, request, self->data);
}

static Bastion *
bastion_bare(const char *name, const char *run_id, const char *run_uuid, const RdPlan *plan,
	     RdCatalogue *catalogue, const RdNetwork *network, const char *local_dir)
{
	Bastion *self = g_new0(Bastion, 1);
	g_autofree char *who = g_strconcat("alice@", name, NULL);

	self->name = g_strdup(name);
	self->run_id = g_strdup(run_id);
	self->run_uuid = g_strdup(run_uuid);
	self->plan = plan;
	self->catalogue = catalogue;
	self->setting = rd_setting_new(run_id, run_uuid, who, local_dir);
	for (guint i = 0; i < plan->hosts->len; i++) {
		const RdPlanHost *host = g_ptr_array_index(plan->hosts, i);
		RdSimHost *sim = rd_sim_cluster_find(network->cluster, host->name);

		rd_setting_add_host(self->setting, host->name, host->role, sim->address);
	}
	self->network = *network;
	self->network.moment = moment;
	self->network.data = self;
	self->journal = rd_journal_new_memory();
	self->documents = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_hash_table_insert(self->documents, g_strdup("setting.json"), g_strdup("{}"));
	self->run = rd_run_new(plan);
	if (bastions == NULL)
		bastions = g_ptr_array_new();
	g_ptr_array_add(bastions, self);
	return self;
}

/* who begins says what is lost for good */
static void
excuse_lost(Bastion *self)
{
	GPtrArray *hosts = self->network.cluster->hosts;

	for (guint i = 0; i < hosts->len; i++) {
		const RdSimHost *host = g_ptr_array_index(hosts, i);
		RdEvent *event;

		if (!host->lost || host->power != RD_SIM_OFF)
			continue;
		event = rd_event_new(RD_EVENT_HOST, "excused");
		rd_event_step(event, NULL, host->name, 0, 0);
		take_event(self, rd_event_text(rd_event_pair(event, self->setting->who, NULL),
					       "it burnt"));
	}
}

Bastion *
bastion_new(const char *name, const char *run_id, const char *run_uuid, const RdPlan *plan,
	    RdCatalogue *catalogue, const RdNetwork *network, const char *local_dir)
{
	Bastion *self = bastion_bare(name, run_id, run_uuid, plan, catalogue, network, local_dir);
	RdEvent *event = rd_event_new(RD_EVENT_CREATED, plan->procedure);

	rd_event_pair(event, plan->cluster, run_uuid);
	take_event(self, rd_event_text(rd_event_number(event, 1), self->setting->who));
	excuse_lost(self);
	for (guint i = 0; i < plan->states->len; i++) {
		const RdPlanState *state = g_ptr_array_index(plan->states, i);

		if (state->gate == NULL || state->gate->always || state->gate->named)
			continue;
		event = rd_event_new(RD_EVENT_GATE, "approved");
		rd_event_pair(event, self->setting->who, state->gate->name);
		take_event(self, rd_event_text(event, "when the run was started"));
	}
	return self;
}

Bastion *
bastion_copy(Bastion *original, const char *name)
{
	Bastion *self =
	    bastion_bare(name, original->run_id, original->run_uuid, original->plan,
			 original->catalogue, &original->network, original->setting->local_dir);
	g_autoptr(GPtrArray) events = rd_journal_read(original->journal, 0, NULL);

	take_events(self, events);
	return self;
}

/* what resume --from-host finds on a host; NULL: nothing, or it does not answer */
static RdCopy *
copy_on(Bastion *original, RdSimHost *host)
{
	const char *text =
	    rd_sim_host_answers(host) ? rd_sim_copy_of(host, original->run_id) : NULL;
	g_autoptr(GError) error = NULL;
	RdCopy *copy = text != NULL ? rd_copy_parse(host->name, text, strlen(text), &error) : NULL;

	if (error != NULL)
		g_ptr_array_add(original->breaches, g_strdup(error->message));
	return copy;
}

/* the numbers that hosts have granted this run, which the copy may not know */
static void
take_over(Bastion *self)
{
	GPtrArray *hosts = self->network.cluster->hosts;

	for (guint i = 0; i < hosts->len; i++) {
		RdSimHost *host = g_ptr_array_index(hosts, i);
		const RdSimLock *lock = rd_sim_lock_read(host);
		RdEvent *event;

		if (!rd_sim_host_answers(host) || g_strcmp0(lock->run, self->run_id) != 0)
			continue;
		event = rd_event_new(RD_EVENT_HOST, "taken-over");
		rd_event_step(event, NULL, host->name, 0, 0);
		take_event(self, rd_event_number(rd_event_pair(event, self->setting->who, NULL),
						 lock->number));
	}
}

Bastion *
bastion_from_hosts(Bastion *original, const char *name, gboolean *differ)
{
	GPtrArray *hosts = original->network.cluster->hosts;
	g_autoptr(RdCopy) longest = NULL;
	Bastion *self;

	*differ = FALSE;
	for (guint i = 0; i < hosts->len; i++) {
		RdCopy *copy = copy_on(original, g_ptr_array_index(hosts, i));

		if (copy == NULL)
			continue;
		*differ = *differ || (longest != NULL && !rd_copy_agree(longest, copy, NULL));
		if (longest == NULL || copy->events->len > longest->events->len) {
			RdCopy *shorter = longest;

			longest = copy;
			copy = shorter;
		}
		g_clear_pointer(&copy, rd_copy_free);
	}
	if (longest == NULL || longest->events->len == 0 || *differ)
		return NULL;
	self = bastion_bare(name, original->run_id, original->run_uuid, original->plan,
			    original->catalogue, &original->network, original->setting->local_dir);
	take_events(self, longest->events);
	take_over(self);
	return self;
}

void
bastion_free(Bastion *self)
{
	if (self->engine != NULL)
		rd_engine_free(self->engine);
	if (self->crew != NULL)
		self->crew->klass->free(self->crew);
	g_ptr_array_remove(bastions, self);
	rd_run_free(self->run);
	rd_journal_free(self->journal);
	g_hash_table_unref(self->documents);
	rd_setting_free(self->setting);
	g_clear_error(&self->error);
	if (self->trace != NULL)
		g_string_free(self->trace, TRUE);
	g_free(self->name);
	g_free(self->run_id);
	g_free(self->run_uuid);
	g_free(self);
}

/* ---- the engine ---------------------------------------------------------------------------- */

static gint64
now(gpointer data)
{
	return rd_timeline_now(((Bastion *)data)->network.cluster->timeline);
}

static void
stored(RdEngine *engine, GPtrArray *events, gpointer data)
{
	Bastion *self = data;

	for (guint i = 0; self->trace != NULL && i < events->len; i++) {
		const RdEvent *event = g_ptr_array_index(events, i);

		g_string_append_printf(
		    self->trace, "%10.3f %-11s %s@%s %u.%u %s %s=%s %" G_GINT64_FORMAT " %s\n",
		    (double)event->clock / G_USEC_PER_SEC, rd_event_kind_to_string(event->kind),
		    event->state != NULL ? event->state : "",
		    event->target != NULL ? event->target : "", event->visit, event->attempt,
		    event->word != NULL ? event->word : "", event->key != NULL ? event->key : "",
		    event->value != NULL ? event->value : "", event->number,
		    event->text != NULL ? event->text : "");
	}
}

static void
stopped(RdEngine *engine, const GError *error, gpointer data)
{
	Bastion *self = data;

	self->stopped = TRUE;
	g_clear_error(&self->error);
	if (error != NULL)
		self->error = g_error_copy(error);
}

/* everything that is not on disk is gone */
static void
forget(Bastion *self)
{
	g_autoptr(GPtrArray) events = rd_journal_read(self->journal, 0, NULL);
	g_autoptr(GError) error = NULL;

	self->run = rd_run_new(self->plan);
	for (guint i = 0; i < events->len; i++)
		if (!rd_run_apply(self->run, g_ptr_array_index(events, i), &error))
			g_error("journal of %s: %s", self->run_id, error->message);
}

void
bastion_kill(Bastion *self)
{
	if (self->crew != NULL)
		self->crew->klass->free(self->crew);
	self->crew = NULL;
	self->engine = NULL;
	self->stopped = FALSE;
	forget(self);
}

void
bastion_end_engine(Bastion *self)
{
	rd_engine_free(self->engine);
	self->crew->klass->free(self->crew);
	rd_run_free(self->run);
	self->engine = NULL;
	self->crew = NULL;
	self->stopped = FALSE;
	forget(self);
}

void
bastion_start(Bastion *self, const char *word, const char *host)
{
	const RdEngineHooks hooks = {.now = now,
				     .stored = stored,
				     .stopped = stopped,
				     .data = self};
	g_autofree char *boot_id = g_strdup_printf("boot-of-%s", self->name);
	g_autoptr(GError) error = NULL;

	/* a process that ended in order; what it knew is in the journal */
	if (self->engine != NULL)
		bastion_end_engine(self);
	self->stopped = FALSE;
	self->restart_at = 0;
	self->starts++;
	self->crew = rd_sim_crew_new(&self->network, self->catalogue, self->setting);
	self->engine = rd_engine_new(self->run, self->journal, self->crew, &hooks);
	if (!self->no_copies)
		rd_engine_keep_copies(self->engine, self->documents);
	rd_engine_start(self->engine, self->name, boot_id, 1000 + self->starts);
	if (word == NULL || self->stopped ||
	    rd_engine_request(self->engine, word, g_str_equal(word, "skip") ? host : NULL,
			      g_str_equal(word, "skip") ? NULL : host, "alice",
			      "as the advice says", 0, &error))
		return;
	/* a full journal takes no word; it is told so, and said again when there is room */
	if (strstr(error->message, "no space left") == NULL)
		g_ptr_array_add(self->breaches,
				g_strdup_printf("%s was refused: %s", word, error->message));
}

gboolean
bastion_excuses(Bastion *self, const char *host)
{
	const RdRunHost *found = rd_run_find_host(self->run, host);

	return found != NULL && found->excused;
}

gboolean
bastion_is_without(Bastion *self, const char *host)
{
	const RdRunHost *found = rd_run_find_host(self->run, host);

	return found != NULL && (found->excused || found->left);
}

const char *
bastion_not_enrolled(Bastion *self)
{
	GPtrArray *hosts = rd_run_get_hosts(self->run);

	for (guint i = 0; i < hosts->len; i++) {
		const RdRunHost *host = g_ptr_array_index(hosts, i);

		if (g_strcmp0(host->trouble_word, "rebuilt") == 0 && !host->taken_before)
			return host->plan->name;
	}
	return NULL;
}

const char *
bastion_end(Bastion *self)
{
	if (!self->stopped)
		return NULL;
	if (rd_run_get_end(self->run) != NULL)
		return rd_run_get_end(self->run);
	return rd_run_state_to_string(rd_run_get_state(self->run));
}

char *
bastion_causes(Bastion *self)
{
	g_autoptr(GPtrArray) causes = rd_run_get_causes(self->run);

	g_ptr_array_add(causes, NULL);
	return g_strjoinv("; ", (char **)causes->pdata);
}

const char *
bastion_state(Bastion *self, const char *lane)
{
	GPtrArray *steps = rd_run_get_steps(self->run);

	for (guint i = 0; i < steps->len; i++) {
		const RdStep *step = g_ptr_array_index(steps, i);

		if (g_strcmp0(step->lane, lane) == 0 && step->life != RD_LIFE_PENDING &&
		    step->life != RD_LIFE_WAITING && step->life != RD_LIFE_HELD &&
		    !rd_life_is_final(step->life))
			return step->plan->name;
	}
	return NULL;
}

Bastion *
bastion_of_journal(RdJournal *journal)
{
	for (guint i = 0; bastions != NULL && i < bastions->len; i++) {
		Bastion *self = g_ptr_array_index(bastions, i);

		if (self->journal == journal)
			return self;
	}
	return NULL;
}

/* ---- the journal's disk -------------------------------------------------------------------- */

gboolean __real_rd_journal_append(RdJournal *journal, GPtrArray *events, GError **error);
gboolean __wrap_rd_journal_append(RdJournal *journal, GPtrArray *events, GError **error);
gboolean __real_rd_journal_release_reserve(RdJournal *journal, GError **error);
gboolean __wrap_rd_journal_release_reserve(RdJournal *journal, GError **error);

static const char *
first_target(GPtrArray *events)
{
	for (guint i = 0; i < events->len; i++) {
		const RdEvent *event = g_ptr_array_index(events, i);

		if (event->target != NULL)
			return event->target;
	}
	return NULL;
}

/* the linker sends every call of the engine here (--wrap) */
gboolean
__wrap_rd_journal_append(RdJournal *journal, GPtrArray *events, GError **error)
{
	Bastion *self = bastion_of_journal(journal);
	gboolean live = self != NULL && self->engine != NULL && self->moment != NULL;
	const char *target = first_target(events);
	gboolean ok;

	if (live)
		self->moment(self, RD_MOMENT_COMMIT, target, NULL, NULL, NULL, self->data);
	if (self != NULL && self->disk_full && !self->reserve) {
		g_set_error(error, RD_JOURNAL_ERROR, RD_JOURNAL_ERROR_FULL,
			    "%s: no space left for the journal", self->name);
		return FALSE;
	}
	if (self != NULL)
		self->reserve = FALSE;
	ok = __real_rd_journal_append(journal, events, error);
	if (live)
		self->moment(self, RD_MOMENT_COMMITTED, target, NULL, NULL, NULL, self->data);
	return ok;
}

gboolean
__wrap_rd_journal_release_reserve(RdJournal *journal, GError **error)
{
	Bastion *self = bastion_of_journal(journal);

	if (self != NULL)
		self->reserve = TRUE;
	return __real_rd_journal_release_reserve(journal, error);
}
