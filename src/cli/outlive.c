/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/outlive.h"
#include "engine/begin.h"
#include "host/agent.h"

/* longer than a recovery takes by far */
#define RD_OUTLIVE_SOON (24 * 3600)

static gboolean
rd_outlive_by_agent(const RdLogin *login)
{
	return login != NULL && login->key == NULL && login->agent;
}

static void
rd_outlive_doubt_agent(const RdInventory *inventory, const char *agent, GPtrArray *doubts)
{
	g_autoptr(GString) hosts = g_string_new(NULL);
	g_autofree char *trouble = NULL;

	for (guint i = 0; i < inventory->hosts->len; i++) {
		const RdInventoryHost *host = g_ptr_array_index(inventory->hosts, i);

		if (rd_outlive_by_agent(host->login) || rd_outlive_by_agent(host->jump))
			g_string_append_printf(hosts, "%s%s", hosts->len > 0 ? ", " : "",
					       host->name);
	}
	if (hosts->len == 0)
		return;
	trouble = rd_agent_trouble(agent);
	g_ptr_array_add(
	    doubts,
	    trouble != NULL
		? g_strdup_printf("%s: only an ssh agent opens the way there, and %s. Log in here "
				  "with yours (ssh -A) and type recoveryd resume",
				  hosts->str, trouble)
	    : rd_agent_is_forwarded(agent)
		? g_strdup_printf("%s: only the ssh agent that this login forwards opens the way "
				  "there, and it ENDS WITH YOUR LOGOUT. The run then waits for "
				  "another: log in again with yours (ssh -A) and type recoveryd "
				  "resume. A key in the inventory outlives your login",
				  hosts->str)
		: g_strdup_printf("%s: only the ssh agent %s opens the way there. When it ends, "
				  "the run waits for another: log in with yours and type recoveryd "
				  "resume",
				  hosts->str, agent));
}

static void
rd_outlive_doubt_certificate(const char *name, const RdLogin *login, gint64 now, GPtrArray *doubts)
{
	gint64 end = login != NULL && login->key != NULL ? rd_certificate_end(login->key) : 0;
	g_autoptr(GDateTime) time = NULL;
	g_autofree char *when = NULL;

	if (end == 0 || end > now + RD_OUTLIVE_SOON)
		return;
	time = g_date_time_new_from_unix_utc(end);
	when = g_date_time_format(time, "%FT%TZ");
	g_ptr_array_add(doubts, end <= now
				    ? g_strdup_printf("%s: the certificate %s-cert.pub has expired "
						      "at %s: put a new one there",
						      name, login->key, when)
				    : g_strdup_printf("%s: the certificate %s-cert.pub expires at "
						      "%s, in %" G_GINT64_FORMAT
						      " min: put a new one there before",
						      name, login->key, when, (end - now) / 60));
}

GPtrArray *
rd_outlive_doubts(const RdInventory *inventory, const char *agent, gint64 now)
{
	GPtrArray *doubts = g_ptr_array_new_with_free_func(g_free);

	rd_outlive_doubt_agent(inventory, agent, doubts);
	for (guint i = 0; i < inventory->hosts->len; i++) {
		const RdInventoryHost *host = g_ptr_array_index(inventory->hosts, i);

		rd_outlive_doubt_certificate(host->name, host->login, now, doubts);
		rd_outlive_doubt_certificate(host->name, host->jump, now, doubts);
	}
	return doubts;
}

gboolean
rd_outlive_lend_agent(const RdCli *cli, RdRundir *dir)
{
	const char *agent = g_getenv("SSH_AUTH_SOCK");
	g_autofree char *link = rd_rundir_file(dir, RD_RUNDIR_AGENT);
	g_autofree char *fresh = g_strdup_printf("%s.%d", link, getpid());
	g_autofree char *old = g_file_read_link(link, NULL);
	g_autofree char *trouble = rd_agent_trouble(agent);

	if (trouble != NULL || g_strcmp0(old, agent) == 0)
		return FALSE;
	unlink(fresh);
	if (symlink(agent, fresh) == 0 && rename(fresh, link) == 0)
		return TRUE;
	rd_cli_say(cli, "warning: %s: the way to your ssh agent cannot be left there: %s", link,
		   g_strerror(errno));
	unlink(fresh);
	return FALSE;
}

static void
rd_outlive_warn(const char *text, gpointer data)
{
	rd_cli_say(data, "warning: %s", text);
}

gboolean
rd_outlive_ensure_engine(const RdCli *cli, RdRundir *dir, char **how, GError **error)
{
	rd_outlive_lend_agent(cli, dir);
	return rd_ensure_engine(dir, rd_outlive_warn, (gpointer)cli, how, error);
}
