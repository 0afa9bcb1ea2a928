/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-preflight"

#include <string.h>

#include "preflight/inspect.h"

/* What the answers of a host mean. */

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
		rd_finding_add(findings, host, "tools", tools[i].level,
			       g_strdup_printf("%s is missing: it is needed for %s", tools[i].tool,
					       tools[i].what_for),
			       "install it, or add its directory to sudo's secure_path");
	}
	if (missing == 0)
		rd_finding_add(findings, host, "tools", RD_LEVEL_OK, g_strdup("all there"), NULL);
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
			rd_finding_add(findings, host, "space", RD_LEVEL_BLOCK,
				       g_strdup_printf("%s: df says nothing", spaces[i].dir), NULL);
			continue;
		}
		rd_finding_add(findings, host, "space", level,
			       g_strdup_printf("%s: %s free", spaces[i].dir, size),
			       level != RD_LEVEL_OK
				   ? "make room: a restore needs the data twice, old and new"
				   : NULL);
		/* xfs and btrfs have no fixed number and say 0 or "-" */
		if (inodes != NULL && g_ascii_isdigit(*inodes) &&
		    g_ascii_strtoll(inodes, NULL, 10) > 0 &&
		    g_ascii_strtoll(inodes, NULL, 10) < 1000)
			rd_finding_add(findings, host, "space", RD_LEVEL_WARN,
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
			rd_finding_add(findings, host, "mounts", RD_LEVEL_BLOCK,
				       g_strdup_printf("%s: findmnt says nothing", spaces[i].dir),
				       NULL);
		else if (rd_inspect_has_option(options, "ro"))
			rd_finding_add(findings, host, "mounts", RD_LEVEL_BLOCK,
				       g_strdup_printf("%s is read-only", spaces[i].dir),
				       "look at dmesg: a file system with errors is remounted "
				       "read-only");
		else
			rd_finding_add(findings, host, "mounts", RD_LEVEL_OK,
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
		rd_finding_add(findings, host, "machine-id", RD_LEVEL_BLOCK,
			       g_strdup("/etc/machine-id is missing or empty"),
			       "systemd-machine-id-setup");
	if (g_strcmp0(g_hash_table_lookup(facts, "systemd"), "yes") != 0)
		rd_finding_add(findings, host, "systemd", RD_LEVEL_WARN,
			       g_strdup("systemd is not running"),
			       "boot it with systemd; without, jobs have only a session of their "
			       "own, and end with whoever ends that");
	if (control_plane && g_strcmp0(g_hash_table_lookup(facts, "manifests"), "yes") != 0)
		rd_finding_add(findings, host, "manifests", RD_LEVEL_WARN,
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

	rd_finding_add(findings, host, "clock", least > 1 ? RD_LEVEL_WARN : RD_LEVEL_OK,
		       g_strdup_printf("%.1f s %s ours, give or take %.1f s", ABS(off),
				       off < 0 ? "behind" : "before", doubt),
		       least > 1 ? "chronyc makestep; etcd and certificates do not bear it" : NULL);
	if (survey->number >= 0 && survey->held)
		rd_finding_add(
		    findings, host, "lock", RD_LEVEL_BLOCK,
		    g_strdup_printf("lock #%" G_GINT64_FORMAT " is held by run %s, %s, since %s",
				    survey->number, survey->run, survey->who, survey->since),
		    "let that run end, or cancel it there");
	else
		rd_finding_add(findings, host, "lock", RD_LEVEL_OK, g_strdup("free"), NULL);
	for (guint i = 0; survey->jobs != NULL && i < survey->jobs->len; i++)
		rd_finding_add(findings, host, "jobs", RD_LEVEL_WARN,
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
			rd_finding_add(findings, l->data, "machine-id", RD_LEVEL_BLOCK,
				       g_strdup_printf("the same machine-id as %s", other),
				       "two names of one machine, or a cloned disk: correct the "
				       "inventory, or systemd-machine-id-setup on the clone");
	}
}
