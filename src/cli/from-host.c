/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include <gio/gio.h>
#include <string.h>

#include "cli/from-host.h"
#include "cli/places.h"
#include "engine/addresses.h"
#include "engine/rebuild.h"
#include "engine/session.h"
#include "host/host.h"
#include "journal/journal.h"
#include "journal/runid.h"

typedef struct {
	const RdCli *cli;
	const RdFromHostOptions *options;
	RdInventory *given;    /* (nullable) -c */
	char *run;	       /* its id */
	GHashTable *documents; /* (nullable) name to text */
	RdRunSetting *setting; /* (nullable) */
	GPtrArray *found;      /* (element-type RdFound) */
} RdFromHost;

static void
rd_from_host_clear(RdFromHost *self)
{
	g_clear_pointer(&self->given, rd_inventory_free);
	g_clear_pointer(&self->documents, g_hash_table_unref);
	g_clear_pointer(&self->setting, rd_run_setting_free);
	g_clear_pointer(&self->found, g_ptr_array_unref);
	g_free(self->run);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RdFromHost, rd_from_host_clear)

static gboolean rd_from_host_fail(GError **error, RdExit code, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

static gboolean
rd_from_host_fail(GError **error, RdExit code, const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error_literal(error, RD_EXIT_ERROR, code, text);
	return FALSE;
}

/* ---- what one host says -------------------------------------------------------------------- */

/* all of a file there (transfer full) */
static GByteArray *
rd_from_host_fetch(RdWorld *world, const char *host, const char *path, GError **error)
{
	g_autoptr(GByteArray) bytes = g_byte_array_new();

	for (;;) {
		RdCall call = {.verb = RD_CALL_FETCH,
			       .from = path,
			       .offset = bytes->len,
			       .input_fd = -1};
		g_auto(RdReply) reply = {0};
		gsize size = 0;
		const guint8 *data;

		if (!world->klass->call(world, host, &call, &reply, error))
			return NULL;
		if (reply.verdict != RD_VERDICT_DONE || reply.out == NULL || reply.err == NULL) {
			rd_from_host_fail(error, RD_EXIT_NO_RUN, "%s: %s", host,
					  reply.err != NULL ? reply.err : path);
			return NULL;
		}
		data = g_bytes_get_data(reply.out, &size);
		g_byte_array_append(bytes, data, (guint)size);
		if (size == 0 || bytes->len >= (guint64)g_ascii_strtoll(reply.err, NULL, 10))
			return g_steal_pointer(&bytes);
	}
}

static char *
rd_from_host_path(const RdFromHost *self, const char *name)
{
	return g_strdup_printf("%s/%s/%s", RD_COPY_DIR, self->run, name);
}

/* what the lock file of that host says; *run (nullable) (out) (transfer full) */
static gboolean
rd_from_host_survey(RdWorld *world, RdFound *found, char **run, GError **error)
{
	RdCall call = {.verb = RD_CALL_SURVEY, .input_fd = -1};
	g_auto(RdReply) reply = {0};
	g_auto(RdSurvey) survey = {0};

	if (!world->klass->call(world, found->host, &call, &reply, error))
		return FALSE;
	if (reply.verdict != RD_VERDICT_DONE)
		return rd_from_host_fail(error, RD_EXIT_FAILED, "%s: %s", found->host, reply.err);
	if (!rd_survey_parse(reply.out, &survey, error))
		return FALSE;
	*run = g_strdup(survey.run);
	if (survey.number < 0)
		return TRUE;
	found->number = survey.number;
	found->holder = g_strdup_printf("lock #%" G_GINT64_FORMAT " of %s, by %s since %s%s",
					survey.number, survey.run, survey.who, survey.since,
					survey.held ? "" : ", given back");
	return TRUE;
}

/* its lock, if it is this run's, and its copy */
static void
rd_from_host_ask(RdFromHost *self, RdWorld *world, RdFound *found)
{
	g_autofree char *path = rd_from_host_path(self, "events");
	g_autofree char *where = g_strdup_printf("%s:%s", found->host, path);
	g_autofree char *run = NULL;
	g_autoptr(GByteArray) bytes = NULL;
	g_autoptr(GError) error = NULL;

	if (rd_from_host_survey(world, found, &run, &error)) {
		if (g_strcmp0(run, self->run) != 0)
			found->number = 0;
		bytes = rd_from_host_fetch(world, found->host, path, &error);
	}
	if (bytes != NULL)
		found->copy = rd_copy_parse(where, (const char *)bytes->data, bytes->len, &error);
	if (error != NULL)
		found->why = g_strdup(error->message);
	found->damaged = g_error_matches(error, RD_JOURNAL_ERROR, RD_JOURNAL_ERROR_UNREADABLE);
}

/* ---- the first one ------------------------------------------------------------------------- */

static RdFound *
rd_found_new(const char *host)
{
	RdFound *found = g_new0(RdFound, 1);

	found->host = g_strdup(host);
	return found;
}

static char *
rd_from_host_home(const char *name)
{
	return g_build_filename(g_get_home_dir(), ".ssh", name, NULL);
}

/* as -c says, or as it was typed */
static RdHostAddress *
rd_from_host_first(const RdFromHost *self, GError **error)
{
	const RdFromHostOptions *options = self->options;
	RdHostAddress *address;

	for (guint i = 0; self->given != NULL && i < self->given->hosts->len; i++) {
		const RdInventoryHost *host = g_ptr_array_index(self->given->hosts, i);

		if (strcmp(host->name, options->address) == 0 ||
		    strcmp(host->login->address, options->address) == 0)
			return rd_address_of(host, NULL);
	}
	if (self->given != NULL) {
		rd_from_host_fail(error, RD_EXIT_USAGE,
				  "%s: there is no host %s, by name or address", options->inventory,
				  options->address);
		return NULL;
	}
	address = rd_host_address_new(options->address, options->address,
				      options->user != NULL ? options->user : g_get_user_name());
	address->key_file = g_strdup(options->key);
	address->use_agent = TRUE;
	address->known_hosts = rd_from_host_home("known_hosts");
	return address;
}

static gboolean
rd_from_host_name_run(RdFromHost *self, RdWorld *world, const char *host, GError **error)
{
	g_autoptr(GPtrArray) owner = g_ptr_array_new_with_free_func((GDestroyNotify)rd_found_free);
	RdFound *found = rd_found_new(host);

	g_ptr_array_add(owner, found);
	if (self->options->run != NULL)
		self->run = g_strdup(self->options->run);
	else if (!rd_from_host_survey(world, found, &self->run, error))
		return FALSE;
	if (self->run == NULL)
		return rd_from_host_fail(error, RD_EXIT_NO_RUN,
					 "%s has no lock file: no run ever worked there. If it was "
					 "rebuilt, name another host",
					 host);
	if (!rd_runid_is_valid(self->run))
		return rd_from_host_fail(error, RD_EXIT_USAGE,
					 "%s is not a run's whole name (r-YYYYMMDD-WORD-N); "
					 "without one it is the run that has the lock there",
					 self->run);
	return TRUE;
}

static gboolean
rd_from_host_read_documents(RdFromHost *self, RdWorld *world, const char *host, GError **error)
{
	self->documents = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	for (guint i = 0; rd_copy_documents[i] != NULL; i++) {
		const char *name = rd_copy_documents[i];
		g_autofree char *path = rd_from_host_path(self, name);
		g_autoptr(GByteArray) bytes = rd_from_host_fetch(world, host, path, error);

		if (bytes == NULL) {
			g_prefix_error(error, "no whole copy of %s: ", self->run);
			return FALSE;
		}
		g_hash_table_insert(self->documents, g_strdup(name),
				    g_strndup((const char *)bytes->data, bytes->len));
	}
	self->setting = rd_run_setting_parse(
	    "setting.json", g_hash_table_lookup(self->documents, "setting.json"), error);
	if (self->setting == NULL)
		return FALSE;
	if (g_strcmp0(self->setting->run_id, self->run) != 0)
		return rd_from_host_fail(error, RD_EXIT_JOURNAL, "%s: the copy there is of %s",
					 host, self->setting->run_id);
	return TRUE;
}

static void
rd_from_host_replace(char **field, const char *value)
{
	g_free(*field);
	*field = g_strdup(value);
}

/* what the old bastion had need not be here: its key, its known_hosts */
static void
rd_from_host_adapt(const RdFromHostOptions *options, RdLogin *login)
{
	g_autofree char *known_hosts = rd_from_host_home("known_hosts");

	if (options->user != NULL)
		rd_from_host_replace(&login->user, options->user);
	if (options->key != NULL)
		rd_from_host_replace(&login->key, options->key);
	else if (login->key != NULL && !g_file_test(login->key, G_FILE_TEST_EXISTS)) {
		rd_from_host_replace(&login->key, NULL);
		login->agent = TRUE;
	}
	if (login->host_key == NULL && !g_file_test(login->known_hosts, G_FILE_TEST_EXISTS))
		rd_from_host_replace(&login->known_hosts, known_hosts);
}

/* how the hosts are reached from here: by -c, or by what the copy says */
static gboolean
rd_from_host_set_logins(RdFromHost *self, GError **error)
{
	GPtrArray *hosts = self->setting->inventory->hosts;
	RdInventory *amended;

	for (guint i = 0; self->given == NULL && i < hosts->len; i++) {
		const RdInventoryHost *host = g_ptr_array_index(hosts, i);

		rd_from_host_adapt(self->options, host->login);
		if (host->jump != NULL)
			rd_from_host_adapt(self->options, host->jump);
	}
	if (self->given == NULL)
		return TRUE;
	amended = rd_inventory_load_amended(self->options->inventory, self->setting->inventory,
					    NULL, error);
	if (amended == NULL)
		return FALSE;
	rd_inventory_free(self->setting->inventory);
	self->setting->inventory = amended;
	return TRUE;
}

static gboolean
rd_from_host_begin(RdFromHost *self, GError **error)
{
	g_autoptr(GPtrArray) addresses =
	    g_ptr_array_new_with_free_func((GDestroyNotify)rd_host_address_free);
	RdHostAddress *first = rd_from_host_first(self, error);
	RdWorld *world;
	gboolean ok;

	if (first == NULL)
		return FALSE;
	g_ptr_array_add(addresses, first);
	world = rd_host_world_new(addresses, "from-host", -1);
	ok = rd_from_host_name_run(self, world, first->name, error) &&
	     rd_from_host_read_documents(self, world, first->name, error);
	rd_host_world_free(world);
	return ok && rd_from_host_set_logins(self, error);
}

/* ---- all of them --------------------------------------------------------------------------- */

static void
rd_from_host_ask_all(RdFromHost *self)
{
	g_autoptr(GPtrArray) addresses = rd_addresses_of(self->setting->inventory, NULL);
	RdWorld *world = rd_host_world_new(addresses, "from-host", -1);

	for (guint i = 0; i < self->setting->inventory->hosts->len; i++) {
		const RdInventoryHost *host = g_ptr_array_index(self->setting->inventory->hosts, i);
		RdFound *found;

		if (strcmp(host->role, "control-plane") != 0)
			continue;
		found = rd_found_new(host->name);
		rd_from_host_ask(self, world, found);
		g_ptr_array_add(self->found, found);
		if (found->copy != NULL)
			rd_cli_say(self->cli, "%s: %u events%s; %s", found->host,
				   found->copy->events->len,
				   found->copy->torn > 0 ? ", and one cut off" : "",
				   found->holder != NULL ? found->holder : "no lock");
		else
			rd_cli_say(self->cli, "%s: no copy: %s", found->host, found->why);
	}
	rd_host_world_free(world);
}

static RdRundir *
rd_from_host_rebuild(RdFromHost *self, GError **error)
{
	g_autofree char *base = rd_cli_base(self->cli);
	g_autofree char *who = rd_session_who();
	const RdRebuildOptions options = {.base = base,
					  .documents = self->documents,
					  .setting = self->setting,
					  .plugin_dir = rd_place_plugins(),
					  .found = self->found,
					  .who = who};
	g_autoptr(GPtrArray) notes = NULL;
	RdRundir *dir = rd_rebuild(&options, &notes, error);

	if (dir == NULL && error != NULL &&
	    g_error_matches(*error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND)) {
		g_autoptr(GError) why = g_steal_pointer(error);

		rd_from_host_fail(error, RD_EXIT_REFUSED, "nothing was changed: %s", why->message);
	}
	if (dir == NULL)
		return NULL;
	for (guint i = 0; i < notes->len; i++)
		rd_cli_say(self->cli, "warning: %s", (char *)g_ptr_array_index(notes, i));
	rd_cli_say(
	    self->cli,
	    "%s is on this machine now. What the old bastion had fetched (rescue copy, logs) "
	    "is not; on the hosts it is. That bastion, if it comes back, is fenced",
	    self->run);
	return dir;
}

RdRundir *
rd_from_host(const RdCli *cli, const RdFromHostOptions *options, GError **error)
{
	g_auto(RdFromHost) self = {.cli = cli, .options = options};

	self.found = g_ptr_array_new_with_free_func((GDestroyNotify)rd_found_free);
	if (options->inventory != NULL) {
		self.given = rd_inventory_load(options->inventory, NULL, error);
		if (self.given == NULL)
			return NULL;
	}
	if (!rd_from_host_begin(&self, error))
		return NULL;
	rd_from_host_ask_all(&self);
	return rd_from_host_rebuild(&self, error);
}
