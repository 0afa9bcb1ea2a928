/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-engine"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>

#include "backup/identity.h"
#include "backup/pair.h"
#include "begin.h"
#include "journal/journal.h"
#include "machine/run.h"
#include "plan-file.h"
#include "plugins/common/archive.h"
#include "policy.h"
#include "procedure/expand.h"
#include "setting.h"

typedef struct {
	const RdBeginOptions *options;
	RdRunSetting *setting;
	RdProcedure *procedure;
	RdTypes *types;
	RdPlan *plan;
	char *procedure_path, *types_text;
	GPtrArray *warnings;
	GPtrArray *remarks; /* (element-type utf8) */
	GPtrArray *rules;   /* (element-type RdPolicyRule) of the command line or the plan */
	RdPolicy *policy;   /* (nullable) */
	char *snapshot;
} RdBeginning;

static void
rd_beginning_clear(RdBeginning *self)
{
	g_clear_pointer(&self->plan, rd_plan_free);
	g_clear_pointer(&self->procedure, rd_procedure_free);
	g_clear_pointer(&self->types, rd_types_free);
	g_clear_pointer(&self->setting, rd_run_setting_free);
	g_clear_pointer(&self->warnings, g_ptr_array_unref);
	g_clear_pointer(&self->remarks, g_ptr_array_unref);
	g_clear_pointer(&self->rules, g_ptr_array_unref);
	g_clear_pointer(&self->policy, rd_policy_free);
	g_free(self->snapshot);
	g_free(self->procedure_path);
	g_free(self->types_text);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RdBeginning, rd_beginning_clear)

char *
rd_describe_plugins(const char *plugin_dir, GError **error)
{
	g_autofree char *program = g_file_read_link("/proc/self/exe", error);
	g_autoptr(GSubprocess) child = NULL;
	g_autofree char *out = NULL;
	g_autofree char *err = NULL;

	if (program == NULL)
		return NULL;
	child = g_subprocess_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE,
				 error, program, "runner", "--describe", plugin_dir, NULL);
	if (child == NULL || !g_subprocess_communicate_utf8(child, NULL, NULL, &out, &err, error))
		return NULL;
	if (!g_subprocess_get_successful(child)) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s",
			    *err != '\0' ? g_strchomp(err) : "the plugins could not be read");
		return NULL;
	}
	return g_steal_pointer(&out);
}

static gboolean
rd_begin_read_types(RdBeginning *self, GError **error)
{
	g_autoptr(JsonNode) node = NULL;

	self->types_text = rd_describe_plugins(self->options->plugin_dir, error);
	if (self->types_text == NULL)
		return FALSE;
	node = json_from_string(self->types_text, error);
	if (node == NULL)
		return FALSE;
	self->types = rd_types_new(node, error);
	return self->types != NULL;
}

static gboolean
rd_begin_read_procedure(RdBeginning *self, GError **error)
{
	self->procedure_path =
	    rd_procedure_locate(self->options->procedure, self->options->procedure_dirs, error);
	if (self->procedure_path == NULL)
		return FALSE;
	self->procedure = rd_procedure_load(self->procedure_path, self->types, error);
	return self->procedure != NULL;
}

static gboolean
rd_begin_read_inventory(RdBeginning *self, GError **error)
{
	RdInventory *inventory =
	    rd_inventory_load(self->options->inventory, &self->warnings, error);

	if (inventory == NULL)
		return FALSE;
	self->setting->inventory = inventory;
	if (self->options->recovery_host != NULL &&
	    !rd_inventory_set_recovery(inventory, self->options->recovery_host, error))
		return FALSE;
	if (rd_inventory_get_recovery(inventory) == NULL) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
			    "%s: no host has `recovery: true`: say which with --recovery-host",
			    self->options->inventory);
		return FALSE;
	}
	return TRUE;
}

/* a statement about a host that does not exist would excuse nobody */
static gboolean
rd_begin_check_excused(RdBeginning *self, GError **error)
{
	GHashTableIter iter;
	gpointer name, reason;

	g_hash_table_iter_init(&iter, self->options->excused);
	while (g_hash_table_iter_next(&iter, &name, &reason)) {
		const RdInventoryHost *host = rd_inventory_find(self->setting->inventory, name);
		const char *wrong = NULL;

		if (host == NULL)
			wrong = "the inventory has no such host";
		else if (host->recovery)
			wrong = "it is the recovery host: without it there is no recovery";
		else if (*(const char *)reason == '\0')
			wrong = "the statement needs a reason: --excuse HOST=REASON";
		if (wrong != NULL) {
			g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
				    "--excuse %s: %s", (const char *)name, wrong);
			return FALSE;
		}
	}
	return TRUE;
}

/* a gate that does not exist, or that always asks, would let nothing through */
static gboolean
rd_begin_read_rules(RdBeginning *self, GError **error)
{
	const char *const *approved = self->options->approved;

	for (guint i = 0; approved != NULL && approved[i] != NULL; i++) {
		RdPolicyRule *rule = rd_policy_rule_parse(approved[i], self->plan, error);

		if (rule == NULL) {
			g_prefix_error(error, "--approve %s: ", approved[i]);
			return FALSE;
		}
		g_ptr_array_add(self->rules, rule);
	}
	if (self->options->policy == NULL)
		return TRUE;
	self->policy = rd_policy_load(self->options->policy, self->plan, error);
	for (guint i = 0; self->policy != NULL && i < self->rules->len; i++) {
		const RdPolicyRule *rule = g_ptr_array_index(self->rules, i);

		/* which of the two was meant? */
		if (!rd_policy_has(self->policy, rule->gate))
			continue;
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
			    "--approve %s: the policy %s has a rule for this gate, too", rule->gate,
			    self->options->policy);
		return FALSE;
	}
	return self->policy != NULL;
}

/* The ClusterVersion in @snapshot says what it is a backup of. @of: the file that a person named,
 * and in which it was. */
static gboolean
rd_begin_check_release(RdBeginning *self, const char *snapshot, const char *of, GError **error)
{
	g_autoptr(RdIdentity) identity = NULL;
	g_autofree char *why = NULL;

	if (self->procedure->releases.otherwise == NULL)
		return TRUE;
	identity = rd_identity_read(snapshot, NULL, error);
	if (identity == NULL)
		return FALSE;
	if (rd_procedure_is_for(self->procedure, identity->version, &why))
		return TRUE;
	g_set_error(error, RD_BACKUP_ERROR, RD_BACKUP_ERROR_CHOICE, "%s: %s", of, why);
	return FALSE;
}

/* a backup that a state proves by itself: an archive of 4.1 to 4.3, or a snapshot alone */
static gboolean
rd_begin_check_file(RdBeginning *self, const char *path, GError **error)
{
	g_autofree char *snapshot = NULL;
	gboolean good;

	if (self->procedure->releases.otherwise == NULL)
		return TRUE;
	if (!rd_archive_is(path))
		return rd_begin_check_release(self, path, path, error);
	snapshot = rd_archive_unpack(path, error);
	if (snapshot == NULL)
		return FALSE;
	good = rd_begin_check_release(self, snapshot, path, error);
	(void)g_unlink(snapshot);
	return good;
}

/* INV-3: the backup is proven before anything else, and again by hash wherever it is used */
static gboolean
rd_begin_prove_backup(RdBeginning *self, const char *name, const char *path, GError **error)
{
	g_autoptr(RdPair) pair = rd_pair_choose(path, error);

	if (pair == NULL || !rd_pair_prove(pair, self->options->accept_no_hash, NULL, error) ||
	    !rd_begin_check_release(self, pair->snapshot, pair->snapshot, error))
		return FALSE;
	rd_pair_add_inputs(pair, name, self->setting->inputs);
	g_free(self->snapshot);
	self->snapshot = g_strdup(pair->snapshot);
	return TRUE;
}

static gboolean
rd_begin_take_inputs(RdBeginning *self, GError **error)
{
	GHashTableIter iter;
	gpointer name, value;

	g_hash_table_iter_init(&iter, self->options->inputs);
	while (g_hash_table_iter_next(&iter, &name, &value)) {
		const RdProcedureInput *input = rd_procedure_find_input(self->procedure, name);
		g_autofree char *path = NULL;

		if (input != NULL &&
		    (input->type == RD_INPUT_FILE || input->type == RD_INPUT_BACKUP))
			path = g_canonicalize_filename(value, NULL);
		if (input != NULL && input->type == RD_INPUT_BACKUP) {
			if (!rd_begin_prove_backup(self, name, path, error))
				return FALSE;
			continue;
		}
		if (input != NULL && input->type == RD_INPUT_FILE && g_str_equal(name, "backup") &&
		    !rd_begin_check_file(self, path, error))
			return FALSE;
		g_hash_table_replace(self->setting->inputs, g_strdup(name),
				     path != NULL ? g_steal_pointer(&path) : g_strdup(value));
	}
	return TRUE;
}

static RdEvent *
rd_begin_host_event(const char *name, const char *who, const char *reason)
{
	RdEvent *event = rd_event_new(RD_EVENT_HOST, "excused");

	rd_event_step(event, NULL, name, 0, 0);
	return rd_event_text(rd_event_pair(event, who, NULL), reason);
}

/* Without a saved plan nobody has asked the hosts yet what each step would do: the digest is that
 * of what the plan will be made from, in the form of docs/plan.md. */
static char *
rd_begin_digest(const RdBeginning *self)
{
	g_autoptr(JsonObject) plan = json_object_new();
	JsonObject *declares = json_object_new();
	JsonObject *tables[] = {json_object_new(), json_object_new()};
	GHashTable *const from[] = {self->setting->inputs, self->options->excused};
	static const char *const names[] = {"values", "excused"};

	for (guint i = 0; i < G_N_ELEMENTS(tables); i++) {
		GHashTableIter iter;
		gpointer name, value;

		g_hash_table_iter_init(&iter, from[i]);
		while (g_hash_table_iter_next(&iter, &name, &value))
			json_object_set_string_member(tables[i], name, value);
		json_object_set_object_member(declares, names[i], tables[i]);
	}
	json_object_set_string_member(declares, "procedure-sha256", self->procedure->digest);
	json_object_set_string_member(declares, "inventory-sha256",
				      self->setting->inventory->digest);
	if (self->options->recovery_host != NULL)
		json_object_set_string_member(declares, "recovery-host",
					      self->options->recovery_host);
	json_object_set_boolean_member(declares, "accept-no-hash", self->options->accept_no_hash);
	json_object_set_object_member(plan, "declares", declares);
	json_object_set_array_member(plan, "steps", json_array_new());
	return rd_plan_file_digest(plan);
}

static void
rd_begin_add_input(GPtrArray *events, const char *name, const char *value)
{
	if (value != NULL)
		g_ptr_array_add(events,
				rd_event_pair(rd_event_new(RD_EVENT_INPUT, NULL), name, value));
}

/* without conditions it is open from the beginning; the others are looked at when the run is there
 */
static void
rd_begin_add_rules(RdBeginning *self, GPtrArray *events, GPtrArray *rules, const char *why)
{
	for (guint i = 0; i < rules->len; i++) {
		const RdPolicyRule *rule = g_ptr_array_index(rules, i);
		g_autofree char *name = g_strconcat(RD_POLICY_INPUT_GATE, rule->gate, NULL);
		RdEvent *event;

		rd_begin_add_input(events, name, rule->conditions);
		if (rule->conditions != NULL)
			continue;
		event = rd_event_new(RD_EVENT_GATE, "approved");
		rd_event_pair(event, self->setting->who, rule->gate);
		g_ptr_array_add(events, rd_event_text(event, why));
	}
}

static gboolean
rd_begin_journal(RdBeginning *self, RdRundir *dir, GError **error)
{
	g_autofree char *path = rd_rundir_file(dir, "journal.db"), *file = NULL, *digest = NULL;
	g_autoptr(GPtrArray) events = g_ptr_array_new_with_free_func((GDestroyNotify)rd_event_free);
	g_autoptr(RdJournal) journal = NULL;
	RdEvent *event = rd_event_new(RD_EVENT_CREATED, self->procedure->name);
	g_autoptr(GList) names = NULL;

	rd_event_pair(event, self->setting->inventory->cluster, self->setting->uuid);
	rd_event_text(rd_event_number(event, 1), self->setting->who);
	g_ptr_array_add(events, event);
	names = g_list_sort(g_hash_table_get_keys(self->setting->inputs), (GCompareFunc)strcmp);
	for (GList *l = names; l != NULL; l = l->next)
		rd_begin_add_input(events, l->data,
				   g_hash_table_lookup(self->setting->inputs, l->data));
	/* no input of a procedure can be called as these */
	if (self->options->plan_digest == NULL)
		digest = rd_begin_digest(self);
	rd_begin_add_input(events, RD_RUN_INPUT_PLAN,
			   digest != NULL ? digest : self->options->plan_digest);
	if (self->options->owners != NULL) {
		g_autofree char *owners = g_strjoinv(" ", (char **)self->options->owners);

		rd_begin_add_input(events, RD_RUN_INPUT_OWNERS, owners);
	}
	file = g_canonicalize_filename(self->options->inventory, NULL);
	rd_begin_add_input(events, RD_RUN_INPUT_CLUSTER, file);
	rd_begin_add_input(events, RD_RUN_INPUT_RECOVERY, self->options->recovery_host);
	for (guint i = 0; i < self->setting->inventory->hosts->len; i++) {
		const RdInventoryHost *host = g_ptr_array_index(self->setting->inventory->hosts, i);
		const char *reason = g_hash_table_lookup(self->options->excused, host->name);

		if (reason != NULL)
			g_ptr_array_add(
			    events, rd_begin_host_event(host->name, self->setting->who, reason));
	}
	rd_begin_add_rules(self, events, self->rules, "when the run was started");
	if (self->policy != NULL) {
		rd_begin_add_input(events, RD_POLICY_INPUT_NAME, self->policy->name);
		rd_begin_add_input(events, RD_POLICY_INPUT_DIGEST, self->policy->digest);
		rd_begin_add_rules(self, events, self->policy->rules, "by the policy of the run");
	}
	for (guint i = 0; i < self->remarks->len; i++)
		g_ptr_array_add(events,
				rd_event_text(rd_event_pair(rd_event_new(RD_EVENT_REMARK, NULL),
							    self->setting->who, NULL),
					      self->remarks->pdata[i]));
	journal = rd_journal_create(path, error);
	return journal != NULL && rd_journal_append(journal, events, error);
}

gboolean
rd_copy_plugins(const char *plugin_dir, RdRundir *dir, GError **error)
{
	g_autoptr(GDir) handle = g_dir_open(plugin_dir, 0, error);
	const char *name;

	if (handle == NULL)
		return FALSE;
	while ((name = g_dir_read_name(handle)) != NULL) {
		g_autofree char *from = g_build_filename(plugin_dir, name, NULL);
		g_autofree char *to = g_build_filename("plugins", name, NULL);

		if (g_str_has_suffix(name, ".so") && !rd_rundir_copy_in(dir, from, to, error))
			return FALSE;
	}
	return TRUE;
}

/* the journal comes last: a directory without one is no run */
static gboolean
rd_begin_fill(RdBeginning *self, RdRundir *dir, GError **error)
{
	self->setting->run_id = g_strdup(rd_rundir_get_id(dir));
	return rd_rundir_copy_in(dir, self->procedure_path, "procedure.yaml", error) &&
	       rd_rundir_copy_in(dir, self->options->inventory, "cluster.yaml", error) &&
	       (self->options->policy == NULL ||
		rd_rundir_copy_in(dir, self->options->policy, "policy.yaml", error)) &&
	       rd_rundir_put(dir, "types.json", self->types_text, strlen(self->types_text),
			     error) &&
	       rd_copy_plugins(self->options->plugin_dir, dir, error) &&
	       rd_run_setting_save(self->setting, dir, error) && rd_begin_journal(self, dir, error);
}

static gboolean
rd_begin_may(RdBeginning *self, GError **error)
{
	const RdBeginRead read = {self->setting->inventory, self->procedure, self->setting->inputs,
				  self->snapshot};

	/* no host is bothered for a run that could not be kept */
	return rd_rundir_check_fs(self->options->base, statfs, NULL, error) &&
	       (self->options->may == NULL ||
		self->options->may(&read, self->remarks, self->options->may_data, error));
}

/* Where what plugins say is recorded (docs/plugins.md). Kept with the run: its engine inherits no
 * environment when systemd starts it. */
static void
rd_begin_read_tapes(RdBeginning *self)
{
	const char *dir = g_getenv("RECOVERYD_TAPES");

	if (dir == NULL || *dir == '\0')
		return;
	self->setting->tapes = g_canonicalize_filename(dir, NULL);
	if (self->warnings == NULL)
		self->warnings = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(self->warnings,
			g_strdup_printf("RECOVERYD_TAPES is set: what this run asks hosts and the "
					"API, and what they answer, is recorded beneath %s",
					self->setting->tapes));
}

RdRundir *
rd_begin(const RdBeginOptions *options, GPtrArray **warnings, GError **error)
{
	g_auto(RdBeginning) self = {.options = options};
	g_autoptr(RdRundir) dir = NULL;

	self.setting = rd_run_setting_new();
	self.remarks = g_ptr_array_new_with_free_func(g_free);
	self.rules = g_ptr_array_new_with_free_func((GDestroyNotify)rd_policy_rule_free);
	self.setting->uuid =
	    options->uuid != NULL ? g_strdup(options->uuid) : g_uuid_string_random();
	self.setting->who = g_strdup(options->who);
	self.setting->notify = g_strdup(options->notify);
	if (!rd_begin_read_types(&self, error) || !rd_begin_read_procedure(&self, error) ||
	    !rd_begin_read_inventory(&self, error) || !rd_begin_check_excused(&self, error) ||
	    !rd_begin_take_inputs(&self, error))
		return NULL;
	rd_begin_read_tapes(&self);
	self.plan = rd_procedure_expand(self.procedure, self.setting->inventory,
					self.setting->inputs, error);
	if (self.plan == NULL || !rd_begin_read_rules(&self, error) || !rd_begin_may(&self, error))
		return NULL;
	dir = rd_rundir_create(options->base, options->shared, error);
	if (dir == NULL || !rd_begin_fill(&self, dir, error))
		return NULL;
	if (warnings != NULL)
		*warnings = g_steal_pointer(&self.warnings);
	return g_steal_pointer(&dir);
}
