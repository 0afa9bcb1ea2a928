/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-preflight"

#include <gio/gio.h>
#include <recovery/plugin.h>
#include <string.h>

#include "engine/addresses.h"
#include "host/ssh.h"
#include "host/wrapper.h"
#include "preflight/ask.h"
#include "preflight/inspect.h"

#define RD_INSPECT_THREADS 32
#define RD_INSPECT_LIMIT   60 /* seconds for a question */

/* one host, on a thread of its own; nothing is shared but what is only read */
typedef struct {
	const RdInventoryHost *host;
	GPtrArray *findings; /* (owned) */
	char *machine;	     /* (owned) (nullable) */
	gboolean api;	     /* the way to the API leads through it */
	GHashTable *facts;   /* (owned) (nullable) */
	RdHostFacts *known;  /* (unowned) (nullable) of a control-plane host */
} RdInspected;

/* *noise (out): bytes that a banner or profile wrote before the answer */
static gboolean
rd_inspect_call(RdSsh *ssh, const char *user, const RdCall *call, RdReply *reply, gssize *noise,
		GError **error)
{
	g_autofree char *nonce = rd_frame_nonce();
	g_autoptr(RdFrame) frame = rd_frame_new(nonce);
	g_auto(GStrv) arguments = rd_frame_arguments(call, nonce, NULL, error);
	g_autofree char *line = NULL;
	RdSshCommand command = {.input_fd = -1, .limit_s = RD_INSPECT_LIMIT};
	gboolean sent;

	if (arguments == NULL)
		return FALSE;
	line = rd_frame_command(user, (const char *const *)arguments, error);
	if (line == NULL)
		return FALSE;
	command.command = line;
	command.text = rd_wrapper_text;
	if (!rd_ssh_run(ssh, &command, frame, &sent, error))
		return FALSE;
	/* begin is where the mark has ended (frame.h), until the frame is finished */
	*noise = frame->begin - (gssize)strlen("recoveryd-begin \n") - (gssize)strlen(nonce);
	return rd_frame_finish(frame, reply, error);
}

/* What sudo allows without a password when it does not allow us to work, NULL when it does not say:
 * "not all commands" is another talk with whoever keeps sudoers than "a password". */
static char *
rd_inspect_sudo_allows(RdSsh *ssh)
{
	static const char mark[] = "NOPASSWD:";
	g_autofree char *nonce = rd_frame_nonce();
	g_autoptr(RdFrame) frame = rd_frame_new(nonce);
	/* framed as the wrapper frames its answers: what the shell says before does not count */
	g_autofree char *line = g_strdup_printf(
	    "exec /bin/sh -c 'echo recoveryd-begin %s; echo recoveryd-begin %s >&2; "
	    "sudo -n -l; printf \"\\nrecoveryd-end %s\\n\"; "
	    "printf \"\\nrecoveryd-end %s done 0\\n\" >&2'",
	    nonce, nonce, nonce, nonce);
	RdSshCommand command = {.command = line, .input_fd = -1, .limit_s = RD_INSPECT_LIMIT};
	g_auto(RdReply) reply = {0};
	g_autofree char *text = NULL;
	const char *data, *found;
	gsize size = 0;
	gboolean sent;

	if (!rd_ssh_run(ssh, &command, frame, &sent, NULL) ||
	    !rd_frame_finish(frame, &reply, NULL) || reply.out == NULL)
		return NULL;
	data = g_bytes_get_data(reply.out, &size);
	text = g_strndup(data != NULL ? data : "", size);
	found = strstr(text, mark);
	if (found == NULL)
		return NULL;
	found += strlen(mark);
	return g_strstrip(g_strndup(found, strcspn(found, "\n")));
}

static void
rd_inspect_no_root(RdInspected *self, RdSsh *ssh, const char *why)
{
	const char *user = self->host->login->user;
	g_autofree char *allowed = strcmp(user, "root") != 0 ? rd_inspect_sudo_allows(ssh) : NULL;

	if (allowed == NULL)
		rd_finding_add(self->findings, self->host->name, "root", RD_LEVEL_BLOCK,
			       g_strdup(why),
			       "root, or sudo without password and terminal for this user");
	else
		rd_finding_add(
		    self->findings, self->host->name, "root", RD_LEVEL_BLOCK,
		    g_strdup_printf("sudo is limited: without password it allows %s only "
				    "what is listed, %s; /bin/sh is needed",
				    user, allowed),
		    "sudo without password and terminal for this user, for ALL or for "
		    "/bin/sh");
}

static GHashTable *
rd_inspect_parse(GBytes *out)
{
	GHashTable *facts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	gsize size = 0;
	const char *data = out != NULL ? g_bytes_get_data(out, &size) : NULL;
	g_autofree char *text = g_strndup(data != NULL ? data : "", size);
	g_auto(GStrv) lines = g_strsplit(text, "\n", 0);

	for (guint i = 0; lines[i] != NULL; i++) {
		const char *equals = strchr(lines[i], '=');

		if (equals != NULL)
			g_hash_table_replace(facts, g_strndup(lines[i], equals - lines[i]),
					     g_strdup(equals + 1));
	}
	return facts;
}

/* ---- one connection as a world ------------------------------------------------------------- */

typedef struct {
	RdWorld world;
	RdSsh *ssh;
	const char *user;
} RdInspectWorld;

static gboolean
rd_inspect_world_call(RdWorld *world, const char *host, const RdCall *call, RdReply *reply,
		      GError **error)
{
	RdInspectWorld *self = (RdInspectWorld *)world;
	gssize noise = 0;

	return rd_inspect_call(self->ssh, self->user, call, reply, &noise, error);
}

static const RdWorldClass rd_inspect_world_class = {.call = rd_inspect_world_call};

/* what else is asked of a control-plane host */
static void
rd_inspect_ask_more(RdInspected *self, RdSsh *ssh)
{
	RdInspectWorld world = {{&rd_inspect_world_class}, ssh, self->host->login->user};
	g_autoptr(GError) error = NULL;

	if (self->known == NULL || rd_ask_host(&world.world, self->known, &error))
		return;
	rd_finding_add(self->findings, self->host->name, "reachable", RD_LEVEL_BLOCK,
		       g_strdup_printf("it answered, and then did not: %s", error->message),
		       RD_REMEDY_UNREACHABLE);
}

/* survey and script over one connection; FALSE when the host cannot be worked on at all */
static gboolean
rd_inspect_ask(RdInspected *self, RdSsh *ssh)
{
	g_autofree char *script = g_strconcat(rd_inspect_script, rd_inspect_api_script, NULL);
	const char *argv[] = {"sh", "-c", script, NULL};
	const char *name = self->host->name;
	const char *user = self->host->login->user;
	RdCall survey_call = {.verb = RD_CALL_SURVEY, .run = "inventory-check"};
	RdCall ask_call = {.verb = RD_CALL_ASK, .run = "inventory-check", .argv = argv};
	g_auto(RdReply) surveyed = {0};
	g_auto(RdReply) asked = {0};
	g_auto(RdSurvey) survey = {0};
	g_autoptr(GError) error = NULL;
	gint64 before = g_get_real_time(), after;
	gssize noise = 0;

	if (!rd_inspect_call(ssh, user, &survey_call, &surveyed, &noise, &error)) {
		rd_inspect_no_root(self, ssh, error->message);
		return FALSE;
	}
	after = g_get_real_time();
	rd_finding_add(self->findings, name, "root", RD_LEVEL_OK,
		       g_strdup(strcmp(user, "root") == 0 ? "logged in as root" : "sudo -n works"),
		       NULL);
	if (!rd_survey_parse(surveyed.out, &survey, &error)) {
		rd_finding_add(self->findings, name, "lock", RD_LEVEL_BLOCK,
			       g_strdup(error->message), "look at /var/lib/recoveryd/epoch there");
		g_clear_error(&error);
	} else {
		rd_inspect_judge_survey(self->findings, name, &survey, before, after);
		self->machine = g_strdup(survey.machine_id);
		if (self->known != NULL) {
			self->known->surveyed = TRUE;
			self->known->before = before;
			self->known->after = after;
			self->known->survey = survey;
			survey = (RdSurvey){0};
		}
	}
	if (noise > 0)
		rd_finding_add(self->findings, name, "banner", RD_LEVEL_WARN,
			       g_strdup("a login script writes to standard output"),
			       "does not disturb us; it breaks scp and rsync");
	if (!rd_inspect_call(ssh, user, &ask_call, &asked, &noise, &error)) {
		rd_finding_add(self->findings, name, "tools", RD_LEVEL_BLOCK,
			       g_strdup(error->message), NULL);
		return FALSE;
	}
	self->facts = rd_inspect_parse(asked.out);
	rd_inspect_judge(self->findings, name, self->host->role, self->facts);
	return TRUE;
}

/* Through the host back to its own sshd. A wrong host key there is an answer too: it came through
 * the forward. */
static gboolean
rd_inspect_forward(RdInspected *self)
{
	RdHostAddress *inner = rd_address_of(self->host, NULL);
	g_autoptr(RdSsh) ssh = NULL;
	g_autoptr(GError) error = NULL;
	gboolean allowed;

	g_free(inner->address);
	inner->address = g_strdup("127.0.0.1");
	g_clear_pointer(&inner->jump, rd_host_address_free);
	inner->jump = rd_address_of(self->host, NULL);
	ssh = rd_ssh_open(inner, -1, &error);
	allowed =
	    ssh != NULL || !g_error_matches(error, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE);
	if (allowed)
		rd_finding_add(self->findings, self->host->name, "forwarding", RD_LEVEL_OK,
			       g_strdup("allowed"), NULL);
	else
		rd_finding_add(
		    self->findings, self->host->name, "forwarding", RD_LEVEL_WARN,
		    g_strdup(error->message),
		    "AllowTcpForwarding in sshd_config; it is the way to the API when no "
		    "address of it works");
	g_clear_pointer(&ssh, rd_ssh_close);
	rd_host_address_free(inner);
	return allowed;
}

static void
rd_inspect_add_closed(RdInspected *self, const GError *error)
{
	const char *check = "login";
	const char *remedy = "correct key or user in the inventory, or authorized_keys there";

	if (g_error_matches(error, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE)) {
		check = "reachable";
		remedy = RD_REMEDY_UNREACHABLE;
	} else if (strstr(error->message, "host key") != NULL) {
		/* ssh-login.c's words; the code is that of every refusal */
		check = "host key";
		remedy = "compare it at the host's console, then put it into the inventory or "
			 "known_hosts";
	}
	rd_finding_add(self->findings, self->host->name, check, RD_LEVEL_BLOCK,
		       g_strdup(error->message), remedy);
}

static void
rd_inspect_host(RdInspected *self)
{
	g_autoptr(RdHostAddress) address = rd_address_of(self->host, NULL);
	g_autoptr(GError) error = NULL;
	g_autoptr(RdSsh) ssh = rd_ssh_open(address, -1, &error);
	gboolean forwarding;

	if (ssh == NULL) {
		rd_inspect_add_closed(self, error);
		return;
	}
	rd_finding_add(self->findings, self->host->name, "login", RD_LEVEL_OK,
		       g_strdup_printf("%s@%s, host key known", address->user, address->address),
		       NULL);
	if (!rd_inspect_ask(self, ssh))
		return;
	rd_inspect_ask_more(self, ssh);
	forwarding = rd_inspect_forward(self);
	if (self->api)
		rd_inspect_judge_api(self->findings, self->host->name, forwarding, self->facts);
}

/* the recovery host's; while none is chosen, any of the control plane can become it */
static gboolean
rd_inspect_leads_to_api(const RdInventory *inventory, const RdInventoryHost *host)
{
	const RdInventoryHost *recovery = rd_inventory_get_recovery(inventory);

	if (inventory->kubeconfig != NULL)
		return FALSE;
	return recovery != NULL ? host == recovery : strcmp(host->role, "control-plane") == 0;
}

typedef struct {
	RdInspected *hosts;
	guint n;
	gint next; /* atomic */
} RdInspection;

static gpointer
rd_inspect_work(gpointer data)
{
	RdInspection *self = data;
	guint i;

	while ((i = (guint)g_atomic_int_add(&self->next, 1)) < self->n)
		rd_inspect_host(&self->hosts[i]);
	return NULL;
}

/* threads that are joined, not a pool: when it is over they are gone, with all that the libraries
 * kept for them */
static void
rd_inspect_all(RdInspection *self)
{
	g_autoptr(GPtrArray) threads = g_ptr_array_new();

	for (guint i = 1; i < MIN(self->n, RD_INSPECT_THREADS); i++) {
		GThread *thread = g_thread_try_new("rd-inspect", rd_inspect_work, self, NULL);

		if (thread != NULL)
			g_ptr_array_add(threads, thread);
	}
	rd_inspect_work(self);
	for (guint i = 0; i < threads->len; i++)
		g_thread_join(g_ptr_array_index(threads, i));
}

/* a host that was stated to be off has nothing to say, but whether it is */
static gboolean
rd_inspect_counts(const RdInspected *self)
{
	return self->known == NULL || self->known->excused == NULL;
}

/* A worker never stands in the way: one that is dead is left behind, and the run ends so. */
static void
rd_inspect_soften(const RdInspected *self)
{
	for (guint i = 0; strcmp(self->host->role, "worker") == 0 && i < self->findings->len; i++) {
		RdFinding *finding = self->findings->pdata[i];

		if (finding->level == RD_LEVEL_BLOCK && strcmp(finding->check, "lock") != 0)
			finding->level = RD_LEVEL_WARN;
	}
}

void
rd_inspect(const RdInventory *inventory, RdClusterFacts *facts, GPtrArray *findings)
{
	g_autoptr(GHashTable) machines = g_hash_table_new(g_str_hash, g_str_equal);
	g_autofree RdInspected *hosts = g_new0(RdInspected, inventory->hosts->len);
	RdInspection inspection = {.hosts = hosts, .n = inventory->hosts->len};

	for (guint i = 0; i < inventory->hosts->len; i++) {
		hosts[i].host = g_ptr_array_index(inventory->hosts, i);
		hosts[i].findings = rd_findings_new();
		hosts[i].api = rd_inspect_leads_to_api(inventory, hosts[i].host);
		if (facts != NULL)
			hosts[i].known = rd_cluster_facts_find(facts, hosts[i].host->name);
	}
	rd_inspect_all(&inspection);
	for (guint i = 0; i < inventory->hosts->len; i++) {
		rd_inspect_soften(&hosts[i]);
		if (rd_inspect_counts(&hosts[i]))
			g_ptr_array_extend_and_steal(findings, g_steal_pointer(&hosts[i].findings));
		if (rd_inspect_counts(&hosts[i]) && hosts[i].machine != NULL)
			g_hash_table_insert(machines, hosts[i].host->name, hosts[i].machine);
	}
	rd_inspect_judge_machines(findings, machines);
	if (inventory->kubeconfig != NULL)
		rd_inspect_kubeconfig(findings, inventory->kubeconfig);
	for (guint i = 0; i < inventory->hosts->len; i++) {
		g_free(hosts[i].machine);
		g_clear_pointer(&hosts[i].facts, g_hash_table_unref);
		g_clear_pointer(&hosts[i].findings, g_ptr_array_unref);
	}
}
