/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include <gio/gio.h>
#include <recovery/plugin.h>
#include <string.h>

#include "cli/inspect.h"
#include "host/address.h"
#include "host/ssh.h"

#define RD_INSPECT_THREADS 32
#define RD_INSPECT_LIMIT   60 /* seconds for a question */

static const char *const level_words[] =
    {[RD_LEVEL_OK] = "ok", [RD_LEVEL_WARN] = "warn", [RD_LEVEL_BLOCK] = "block"};

G_STATIC_ASSERT(G_N_ELEMENTS(level_words) == RD_LEVEL_LAST + 1);

const char *
rd_level_to_string(RdLevel level)
{
	return level_words[level];
}

void
rd_finding_free(RdFinding *finding)
{
	g_free(finding->host);
	g_free(finding->text);
	g_free(finding->remedy);
	g_free(finding);
}

void
rd_inspect_add(GPtrArray *findings, const char *host, const char *check, RdLevel level, char *text,
	       const char *remedy)
{
	RdFinding *finding = g_new0(RdFinding, 1);

	finding->host = g_strdup(host);
	finding->check = check;
	finding->level = level;
	finding->text = text;
	finding->remedy = g_strdup(remedy);
	g_ptr_array_add(findings, finding);
}

/* ---- judging ------------------------------------------------------------------------------- */

/* as root on the host; no line of it writes */
const char rd_inspect_script[] =
    "for t in flock findmnt sync stat sha256sum mktemp setsid dd df date systemctl crictl podman; "
    "do command -v $t >/dev/null 2>&1 && echo tool.$t=yes || echo tool.$t=no; done\n"
    "for d in /var/lib /etc; do\n"
    "echo space.$d=$(df -B1 --output=avail $d 2>/dev/null | tail -n 1 | tr -d ' ')\n"
    "echo inodes.$d=$(df --output=iavail $d 2>/dev/null | tail -n 1 | tr -d ' ')\n"
    "echo mount.$d=$(findmnt -n -o OPTIONS -T $d 2>/dev/null | head -n 1)\n"
    "done\n"
    "[ -s /etc/machine-id ] && echo machine-id=yes || echo machine-id=no\n"
    "[ -d /run/systemd/system ] && echo systemd=yes || echo systemd=no\n"
    "[ -d /etc/kubernetes/manifests ] && echo manifests=yes || echo manifests=no\n";

/* clang-format off */
static const struct {
	const char *tool;
	gboolean control_plane_only;
	RdLevel level;
	const char *what_for;
} tools[] = {
    {"flock",     FALSE, RD_LEVEL_BLOCK, "the lock on the host (util-linux)"},
    {"findmnt",   FALSE, RD_LEVEL_BLOCK, "which mount a path is on (util-linux)"},
    {"setsid",    FALSE, RD_LEVEL_BLOCK, "jobs that outlive their connection (util-linux)"},
    {"sync",      FALSE, RD_LEVEL_BLOCK, "what is said to be on disk (coreutils)"},
    {"stat",      FALSE, RD_LEVEL_BLOCK, "looking at files (coreutils)"},
    {"sha256sum", FALSE, RD_LEVEL_BLOCK, "checking copies (coreutils)"},
    {"mktemp",    FALSE, RD_LEVEL_BLOCK, "writing files (coreutils)"},
    {"dd",        FALSE, RD_LEVEL_BLOCK, "writing files (coreutils)"},
    {"df",        FALSE, RD_LEVEL_BLOCK, "asking for space (coreutils)"},
    {"date",      FALSE, RD_LEVEL_BLOCK, "telling the time (coreutils)"},
    {"systemctl", TRUE,  RD_LEVEL_WARN,  "restarting the kubelet"},
    {"crictl",    TRUE,  RD_LEVEL_BLOCK, "looking at containers"},
    {"podman",    TRUE,  RD_LEVEL_BLOCK, "restoring a snapshot"},
};

static const struct {
	const char *dir;
	gint64 block, warn; /* bytes */
} spaces[] = {
    {"/var/lib", G_GINT64_CONSTANT(512) << 20, G_GINT64_CONSTANT(10) << 30},
    {"/etc",     G_GINT64_CONSTANT(4) << 20, G_GINT64_CONSTANT(64) << 20},
};
/* clang-format on */

static void
rd_inspect_judge_tools(GPtrArray *findings, const char *host, gboolean control_plane,
		       GHashTable *facts)
{
	guint missing = 0;

	for (guint i = 0; i < G_N_ELEMENTS(tools); i++) {
		g_autofree char *key = g_strdup_printf("tool.%s", tools[i].tool);

		if ((tools[i].control_plane_only && !control_plane) ||
		    g_strcmp0(g_hash_table_lookup(facts, key), "yes") == 0)
			continue;
		missing++;
		rd_inspect_add(findings, host, "tools", tools[i].level,
			       g_strdup_printf("%s is missing: it is needed for %s", tools[i].tool,
					       tools[i].what_for),
			       "install it, or add its directory to sudo's secure_path");
	}
	if (missing == 0)
		rd_inspect_add(findings, host, "tools", RD_LEVEL_OK, g_strdup("all there"), NULL);
}

static void
rd_inspect_judge_space(GPtrArray *findings, const char *host, GHashTable *facts)
{
	for (guint i = 0; i < G_N_ELEMENTS(spaces); i++) {
		g_autofree char *key = g_strdup_printf("space.%s", spaces[i].dir);
		g_autofree char *inodes_key = g_strdup_printf("inodes.%s", spaces[i].dir);
		const char *value = g_hash_table_lookup(facts, key);
		const char *inodes = g_hash_table_lookup(facts, inodes_key);
		gint64 bytes = value != NULL ? g_ascii_strtoll(value, NULL, 10) : 0;
		g_autofree char *size = g_format_size_full(bytes, G_FORMAT_SIZE_IEC_UNITS);
		RdLevel level = bytes < spaces[i].block	 ? RD_LEVEL_BLOCK
				: bytes < spaces[i].warn ? RD_LEVEL_WARN
							 : RD_LEVEL_OK;

		if (value == NULL || *value == '\0') {
			rd_inspect_add(findings, host, "space", RD_LEVEL_BLOCK,
				       g_strdup_printf("%s: df says nothing", spaces[i].dir), NULL);
			continue;
		}
		rd_inspect_add(findings, host, "space", level,
			       g_strdup_printf("%s: %s free", spaces[i].dir, size),
			       level != RD_LEVEL_OK
				   ? "make room: a restore needs the data twice, old and new"
				   : NULL);
		/* xfs and btrfs have no fixed number and say 0 or "-" */
		if (inodes != NULL && g_ascii_isdigit(*inodes) &&
		    g_ascii_strtoll(inodes, NULL, 10) > 0 &&
		    g_ascii_strtoll(inodes, NULL, 10) < 1000)
			rd_inspect_add(findings, host, "space", RD_LEVEL_WARN,
				       g_strdup_printf("%s: %s inodes left", spaces[i].dir, inodes),
				       "remove small files");
	}
}

static gboolean
rd_inspect_has_option(const char *options, const char *option)
{
	g_auto(GStrv) words = g_strsplit(options, ",", 0);

	return g_strv_contains((const char *const *)words, option);
}

static void
rd_inspect_judge_mounts(GPtrArray *findings, const char *host, GHashTable *facts)
{
	for (guint i = 0; i < G_N_ELEMENTS(spaces); i++) {
		g_autofree char *key = g_strdup_printf("mount.%s", spaces[i].dir);
		const char *options = g_hash_table_lookup(facts, key);

		if (options == NULL || *options == '\0')
			rd_inspect_add(findings, host, "mounts", RD_LEVEL_BLOCK,
				       g_strdup_printf("%s: findmnt says nothing", spaces[i].dir),
				       NULL);
		else if (rd_inspect_has_option(options, "ro"))
			rd_inspect_add(findings, host, "mounts", RD_LEVEL_BLOCK,
				       g_strdup_printf("%s is read-only", spaces[i].dir),
				       "look at dmesg: a file system with errors is remounted "
				       "read-only");
		else
			rd_inspect_add(findings, host, "mounts", RD_LEVEL_OK,
				       g_strdup_printf("%s writable%s", spaces[i].dir,
						       rd_inspect_has_option(options, "noexec")
							   ? ", noexec: nothing is executed there"
							   : ""),
				       NULL);
	}
}

void
rd_inspect_judge(GPtrArray *findings, const char *host, const char *role, GHashTable *facts)
{
	gboolean control_plane = g_strcmp0(role, "control-plane") == 0;

	rd_inspect_judge_tools(findings, host, control_plane, facts);
	rd_inspect_judge_space(findings, host, facts);
	rd_inspect_judge_mounts(findings, host, facts);
	if (g_strcmp0(g_hash_table_lookup(facts, "machine-id"), "yes") != 0)
		rd_inspect_add(findings, host, "machine-id", RD_LEVEL_BLOCK,
			       g_strdup("/etc/machine-id is missing or empty"),
			       "systemd-machine-id-setup");
	if (g_strcmp0(g_hash_table_lookup(facts, "systemd"), "yes") != 0)
		rd_inspect_add(findings, host, "systemd", RD_LEVEL_WARN,
			       g_strdup("systemd is not running"),
			       "jobs then have only a session of their own");
	if (control_plane && g_strcmp0(g_hash_table_lookup(facts, "manifests"), "yes") != 0)
		rd_inspect_add(findings, host, "manifests", RD_LEVEL_WARN,
			       g_strdup("there is no /etc/kubernetes/manifests"),
			       "is this a control-plane host?");
}

void
rd_inspect_judge_survey(GPtrArray *findings, const char *host, const RdSurvey *survey,
			gint64 before, gint64 after)
{
	/* the host read its clock somewhere between the two */
	double ours = ((double)before + (double)after) / 2 / G_USEC_PER_SEC;
	double doubt = (double)(after - before) / 2 / G_USEC_PER_SEC;
	double off = survey->time - ours;
	double least = MAX(ABS(off) - doubt, 0);

	rd_inspect_add(findings, host, "clock", least > 1 ? RD_LEVEL_WARN : RD_LEVEL_OK,
		       g_strdup_printf("%.1f s %s ours, give or take %.1f s", ABS(off),
				       off < 0 ? "behind" : "before", doubt),
		       least > 1 ? "chronyc makestep; etcd and certificates do not bear it" : NULL);
	if (survey->number >= 0 && survey->held)
		rd_inspect_add(
		    findings, host, "lock", RD_LEVEL_BLOCK,
		    g_strdup_printf("lock #%" G_GINT64_FORMAT " is held by run %s, %s, since %s",
				    survey->number, survey->run, survey->who, survey->since),
		    "let that run end, or cancel it there");
	else
		rd_inspect_add(findings, host, "lock", RD_LEVEL_OK, g_strdup("free"), NULL);
	for (guint i = 0; survey->jobs != NULL && i < survey->jobs->len; i++)
		rd_inspect_add(findings, host, "jobs", RD_LEVEL_WARN,
			       g_strdup_printf("a job is at work there: %s",
					       (char *)g_ptr_array_index(survey->jobs, i)),
			       "let it end");
}

void
rd_inspect_judge_machines(GPtrArray *findings, GHashTable *machines)
{
	g_autoptr(GHashTable) first = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(GList) hosts = g_list_sort(g_hash_table_get_keys(machines), (GCompareFunc)strcmp);

	for (GList *l = hosts; l != NULL; l = l->next) {
		const char *machine = g_hash_table_lookup(machines, l->data);
		const char *other = g_hash_table_lookup(first, machine);

		if (other == NULL)
			g_hash_table_insert(first, (gpointer)machine, l->data);
		else
			rd_inspect_add(findings, l->data, "machine-id", RD_LEVEL_BLOCK,
				       g_strdup_printf("the same machine-id as %s", other),
				       "two names of one machine, or a cloned disk: correct the "
				       "inventory, or systemd-machine-id-setup on the clone");
	}
}

/* ---- asking -------------------------------------------------------------------------------- */

/* one host, on a thread of its own; nothing is shared but what is only read */
typedef struct {
	const RdInventoryHost *host;
	GPtrArray *findings; /* (owned) */
	char *machine;	     /* (owned) (nullable) */
	gboolean api;	     /* the way to the API leads through it */
	GHashTable *facts;   /* (owned) (nullable) */
} RdInspected;

static RdHostAddress *
rd_inspect_login(const char *name, const RdLogin *login)
{
	RdHostAddress *address = rd_host_address_new(name, login->address, login->user);

	address->port = (guint16)login->port;
	address->key_file = g_strdup(login->key);
	address->use_agent = login->agent;
	address->known_hosts = g_strdup(login->known_hosts);
	address->host_key = g_strdup(login->host_key);
	return address;
}

static RdHostAddress *
rd_inspect_address(const RdInventoryHost *host)
{
	RdHostAddress *address = rd_inspect_login(host->name, host->login);

	if (host->jump != NULL)
		address->jump = rd_inspect_login(host->name, host->jump);
	return address;
}

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
	if (!rd_ssh_run(ssh, &command, frame, &sent, error) ||
	    !rd_frame_finish(frame, reply, error))
		return FALSE;
	*noise = frame->begin - (gssize)strlen(nonce);
	return TRUE;
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
		rd_inspect_add(self->findings, name, "root", RD_LEVEL_BLOCK,
			       g_strdup(error->message),
			       "root, or sudo without password and terminal for this user");
		return FALSE;
	}
	after = g_get_real_time();
	rd_inspect_add(self->findings, name, "root", RD_LEVEL_OK,
		       g_strdup(strcmp(user, "root") == 0 ? "logged in as root" : "sudo -n works"),
		       NULL);
	if (!rd_survey_parse(surveyed.out, &survey, &error)) {
		rd_inspect_add(self->findings, name, "lock", RD_LEVEL_BLOCK,
			       g_strdup(error->message), "look at /var/lib/recoveryd/epoch there");
		g_clear_error(&error);
	} else {
		rd_inspect_judge_survey(self->findings, name, &survey, before, after);
		self->machine = g_strdup(survey.machine_id);
	}
	if (noise > 1)
		rd_inspect_add(self->findings, name, "banner", RD_LEVEL_WARN,
			       g_strdup("a login script writes to standard output"),
			       "does not disturb us; it breaks scp and rsync");
	if (!rd_inspect_call(ssh, user, &ask_call, &asked, &noise, &error)) {
		rd_inspect_add(self->findings, name, "tools", RD_LEVEL_BLOCK,
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
	RdHostAddress *inner = rd_inspect_login(self->host->name, self->host->login);
	g_autoptr(RdSsh) ssh = NULL;
	g_autoptr(GError) error = NULL;
	gboolean allowed;

	g_free(inner->address);
	inner->address = g_strdup("127.0.0.1");
	inner->jump = rd_inspect_address(self->host);
	ssh = rd_ssh_open(inner, -1, &error);
	allowed =
	    ssh != NULL || !g_error_matches(error, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE);
	if (allowed)
		rd_inspect_add(self->findings, self->host->name, "forwarding", RD_LEVEL_OK,
			       g_strdup("allowed"), NULL);
	else
		rd_inspect_add(
		    self->findings, self->host->name, "forwarding", RD_LEVEL_WARN,
		    g_strdup(error->message),
		    "AllowTcpForwarding in sshd_config; it is the way to the API when no "
		    "address of it works");
	g_clear_pointer(&ssh, rd_ssh_close);
	rd_host_address_free(inner);
	return allowed;
}

static void
rd_inspect_host(RdInspected *self)
{
	g_autoptr(RdHostAddress) address = rd_inspect_address(self->host);
	g_autoptr(GError) error = NULL;
	g_autoptr(RdSsh) ssh = rd_ssh_open(address, -1, &error);
	gboolean forwarding;

	if (ssh == NULL) {
		gboolean silent =
		    g_error_matches(error, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE);

		rd_inspect_add(
		    self->findings, self->host->name, silent ? "reachable" : "login",
		    RD_LEVEL_BLOCK, g_strdup(error->message),
		    silent ? "is it powered on, are address, port and jump host right? A host that "
			     "is dead for good is excused at start: --excuse HOST=REASON"
			   : "correct key, user or host key in the inventory; a new host key is "
			     "compared at the console first");
		return;
	}
	rd_inspect_add(self->findings, self->host->name, "login", RD_LEVEL_OK,
		       g_strdup_printf("%s@%s, host key known", address->user, address->address),
		       NULL);
	if (!rd_inspect_ask(self, ssh))
		return;
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

GPtrArray *
rd_inspect(const RdInventory *inventory)
{
	GPtrArray *findings = g_ptr_array_new_with_free_func((GDestroyNotify)rd_finding_free);
	g_autoptr(GHashTable) machines = g_hash_table_new(g_str_hash, g_str_equal);
	g_autofree RdInspected *hosts = g_new0(RdInspected, inventory->hosts->len);
	RdInspection inspection = {.hosts = hosts, .n = inventory->hosts->len};

	for (guint i = 0; i < inventory->hosts->len; i++) {
		hosts[i].host = g_ptr_array_index(inventory->hosts, i);
		hosts[i].findings = g_ptr_array_new();
		hosts[i].api = rd_inspect_leads_to_api(inventory, hosts[i].host);
	}
	rd_inspect_all(&inspection);
	for (guint i = 0; i < inventory->hosts->len; i++) {
		g_ptr_array_extend_and_steal(findings, hosts[i].findings);
		if (hosts[i].machine != NULL)
			g_hash_table_insert(machines, hosts[i].host->name, hosts[i].machine);
	}
	rd_inspect_judge_machines(findings, machines);
	if (inventory->kubeconfig != NULL)
		rd_inspect_kubeconfig(findings, inventory->kubeconfig);
	for (guint i = 0; i < inventory->hosts->len; i++) {
		g_free(hosts[i].machine);
		g_clear_pointer(&hosts[i].facts, g_hash_table_unref);
	}
	return findings;
}
