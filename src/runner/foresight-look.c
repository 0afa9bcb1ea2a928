/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-runner"

#include <gio/gio.h>
#include <recovery/plugin.h>
#include <string.h>

#include "foresight-private.h"

/* Looking: the real world, and what the entries make of it. */

/* where something is going to be away: a name that nothing has */
#define RD_NOWHERE ".recoveryd-would-have-moved-it"

/* programs that tell what lies there, not what runs */
static gboolean
rd_program_reads_files(const char *program)
{
	static const char *const programs[] = {"cat", "df",	  "find",      "findmnt",
					       "ls",  "readlink", "sha256sum", "stat",
					       "tar", "test",	  "which",     NULL};

	return g_strv_contains(programs, program);
}

/* the answer names the path that was asked for, not where we looked */
static void
rd_reply_rename(RdReply *reply, const char *now, const char *path)
{
	g_autofree char *out = rd_bytes_text(reply->out);
	g_autofree char *err = g_strdup(reply->err != NULL ? reply->err : "");
	g_auto(GStrv) outs = g_strsplit(out, now, -1);
	g_auto(GStrv) errs = g_strsplit(err, now, -1);
	char *text = g_strjoinv(path, outs);

	g_clear_pointer(&reply->out, g_bytes_unref);
	reply->out = g_bytes_new_take(text, strlen(text));
	g_free(reply->err);
	reply->err = g_strjoinv(path, errs);
}

static gboolean
rd_reply_misses(const RdReply *reply)
{
	return reply->status != 0 && reply->err != NULL &&
	       strstr(reply->err, "No such file or directory") != NULL;
}

/* what reads as RD_FORESEEN_THEN decides what the body does next */
static void
rd_foresight_guess(RdForesight *self, JsonObject *entry, RdReply *reply)
{
	g_free(self->guess);
	self->guess = g_strdup_printf("what %s@%s leaves there", rd_foreseen_get(entry, "state"),
				      rd_foreseen_get(entry, "host"));
	rd_reply_clear(reply);
	rd_foresight_answer(reply, 0, RD_FORESEEN_THEN);
}

/* ls -A1 DIR: what is in there today, and what the plan makes of it */
static gboolean
rd_foresight_list(RdForesight *self, const char *host, const RdCall *call, const char *now,
		  RdReply *reply, GError **error)
{
	const char *argv[] = {"ls", "-A1", now != NULL ? now : RD_NOWHERE, NULL};
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *shown = NULL;
	g_auto(GStrv) lines = NULL;
	g_autofree char *text = NULL;
	RdCall look = *call;

	look.argv = argv;
	if (!rd_foresight_ask_real(self, host, &look, reply, error))
		return FALSE;
	if (reply->status != 0 && !rd_reply_misses(reply))
		return TRUE;
	shown = rd_bytes_text(reply->status == 0 ? reply->out : NULL);
	lines = g_strsplit(shown, "\n", -1);
	for (guint i = 0; lines[i] != NULL; i++)
		if (*lines[i] != '\0')
			g_ptr_array_add(names, g_strdup(lines[i]));
	rd_foreseen_list(self->foreseen, host, call->argv[2], names);
	/* nothing of it is there and nothing will be: the host says so in its own words */
	if (names->len == 0 && reply->status != 0) {
		rd_reply_rename(reply, argv[2], call->argv[2]);
		return TRUE;
	}
	g_ptr_array_add(names, g_strdup(""));
	g_ptr_array_add(names, NULL);
	text = g_strjoinv("\n", (char **)names->pdata);
	rd_reply_clear(reply);
	rd_foresight_answer(reply, 0, text);
	return TRUE;
}

/* one argument as it is looked at today; *written is whose file it is going to be */
static char *
rd_foresight_argument(RdForesight *self, const char *host, const char *arg, JsonObject **written,
		      JsonObject **perhaps)
{
	JsonObject *entry;
	char *now;

	if (arg[0] != '/')
		return g_strdup(arg);
	switch (rd_foreseen_path(self->foreseen, host, arg, &now, &entry)) {
	case RD_FATE_WRITTEN:
		*written = entry;
		return g_strdup(arg);
	case RD_FATE_GONE:
		return g_strconcat(arg, RD_NOWHERE, NULL);
	case RD_FATE_PERHAPS:
		*perhaps = entry;
		return now;
	default:
		return now;
	}
}

static gboolean
rd_foresight_ask_paths(RdForesight *self, const char *host, const RdCall *call, RdReply *reply,
		       GError **error)
{
	g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
	JsonObject *written = NULL, *perhaps = NULL;
	RdCall look = *call;

	for (guint i = 0; call->argv[i] != NULL; i++)
		g_ptr_array_add(argv, i == 0 ? g_strdup(call->argv[i])
					     : rd_foresight_argument(self, host, call->argv[i],
								     &written, &perhaps));
	g_ptr_array_add(argv, NULL);
	if (written != NULL && g_str_equal(call->argv[0], "sha256sum")) {
		g_autofree char *line =
		    g_strdup_printf("%s  %s\n", rd_foreseen_get(written, "sha256"), call->argv[1]);

		rd_foresight_answer(reply, 0, line);
		return TRUE;
	}
	if (written != NULL) {
		rd_foresight_guess(self, written, reply);
		return TRUE;
	}
	look.argv = (const char *const *)argv->pdata;
	if (!rd_foresight_ask_real(self, host, &look, reply, error))
		return FALSE;
	if (perhaps != NULL && rd_reply_misses(reply))
		rd_foresight_guess(self, perhaps, reply);
	for (guint i = 1; call->argv[i] != NULL; i++)
		if (!g_str_equal(call->argv[i], argv->pdata[i]))
			rd_reply_rename(reply, argv->pdata[i], call->argv[i]);
	return TRUE;
}

/* whether the answer may be another one by then. What runs on a host may change with anything that
 * is done there. */
static gboolean
rd_foresight_is_concerned(RdForesight *self, const char *host, const char *const *argv)
{
	if (!rd_program_reads_files(argv[0]))
		return TRUE;
	for (guint i = 1; argv[i] != NULL; i++)
		if (argv[i][0] == '/' && rd_foreseen_concerns(self->foreseen, host, argv[i]))
			return TRUE;
	return FALSE;
}

gboolean
rd_foresight_ask(RdForesight *self, const char *host, const RdCall *call, RdReply *reply,
		 GError **error)
{
	const char *const *argv = call->argv;
	g_autofree char *now = NULL;
	JsonObject *entry;

	if (!rd_foreseen_is_touched(self->foreseen, host))
		return rd_foresight_ask_real(self, host, call, reply, error);
	self->then = self->then || rd_foresight_is_concerned(self, host, argv);
	if (self->went_on && !rd_program_reads_files(argv[0])) {
		g_autofree char *text = rd_argv_to_text(argv);

		return rd_foresight_unknown(self, host, text, error);
	}
	if (g_str_equal(argv[0], "ls") && g_strcmp0(argv[1], "-A1") == 0 && argv[2] != NULL &&
	    rd_foreseen_path(self->foreseen, host, argv[2], &now, &entry) != RD_FATE_WRITTEN)
		return rd_foresight_list(self, host, call, now, reply, error);
	return rd_foresight_ask_paths(self, host, call, reply, error);
}

gboolean
rd_foresight_ask_aside(RdForesight *self, const char *host, const RdCall *call, RdReply *reply,
		       GError **error)
{
	JsonObject *entry =
	    rd_foreseen_find(self->foreseen, host, "move-aside", "from", call->from);
	const char *to = entry != NULL ? rd_foreseen_get(entry, "to") : NULL;
	g_autofree char *now = NULL;

	if (to == NULL)
		return rd_foresight_ask_real(self, host, call, reply, error);
	self->then = TRUE;
	/* the index names only what is there still */
	if (rd_foreseen_path(self->foreseen, host, to, &now, &entry) == RD_FATE_GONE)
		rd_foresight_answer(reply, 1, "");
	else
		rd_foresight_answer(reply, 0, to);
	return TRUE;
}

gboolean
rd_foresight_ask_job(RdForesight *self, const char *host, const RdCall *call, RdReply *reply,
		     GError **error)
{
	JsonObject *entry = rd_foreseen_find(self->foreseen, host, "job-start", "name", call->name);

	if (entry == NULL || g_strcmp0(rd_foreseen_get(entry, "state"), call->state) != 0)
		return rd_foresight_ask_real(self, host, call, reply, error);
	self->then = TRUE;
	rd_foresight_answer(reply, 0, RD_FORESEEN_THEN);
	return TRUE;
}
