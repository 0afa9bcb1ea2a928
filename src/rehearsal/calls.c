/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearsal/verbs.h"
#include <string.h>
#include <unistd.h>

/* Calls and replies as values: a host goes on with a call whose caller is long dead. */

static GBytes *
read_all(int fd)
{
	GByteArray *all = g_byte_array_new();
	guint8 buffer[4096];
	ssize_t size;

	while ((size = read(fd, buffer, sizeof(buffer))) > 0)
		g_byte_array_append(all, buffer, (guint)size);
	return g_byte_array_free_to_bytes(all);
}

RdSimCall *
rd_sim_call_copy(const RdCall *call)
{
	RdSimCall *self = g_new0(RdSimCall, 1);

	self->refs = 1;
	self->call = *call;
	self->call.run = g_strdup(call->run);
	self->call.who = g_strdup(call->who);
	self->call.head = g_strdup(call->head);
	self->call.state = g_strdup(call->state);
	self->call.name = g_strdup(call->name);
	self->call.argv = (const char *const *)g_strdupv((char **)call->argv);
	self->call.cwd = g_strdup(call->cwd);
	self->call.env = (const char *const *)g_strdupv((char **)call->env);
	self->call.from = g_strdup(call->from);
	self->call.to = g_strdup(call->to);
	self->call.sha256 = g_strdup(call->sha256);
	self->call.boot_id = g_strdup(call->boot_id);
	self->call.machine_id = g_strdup(call->machine_id);
	if (call->input != NULL)
		g_bytes_ref(call->input);
	else if (call->verb == RD_CALL_PUT && call->input_fd >= 0)
		self->call.input = read_all(call->input_fd);
	self->call.input_fd = -1;
	return self;
}

RdSimCall *
rd_sim_call_ref(RdSimCall *self)
{
	self->refs++;
	return self;
}

void
rd_sim_call_unref(RdSimCall *self)
{
	RdCall *call = &self->call;

	if (--self->refs > 0)
		return;
	g_free((char *)call->run);
	g_free((char *)call->who);
	g_free((char *)call->head);
	g_free((char *)call->state);
	g_free((char *)call->name);
	g_strfreev((char **)call->argv);
	g_free((char *)call->cwd);
	g_strfreev((char **)call->env);
	g_free((char *)call->from);
	g_free((char *)call->to);
	g_free((char *)call->sha256);
	g_free((char *)call->boot_id);
	g_free((char *)call->machine_id);
	g_clear_pointer(&call->input, g_bytes_unref);
	g_free(self);
}

void
rd_sim_reply(RdReply *reply, RdVerdict verdict, int status, const char *out, const char *err)
{
	*reply = (RdReply){.verdict = verdict, .status = status};
	if (out != NULL)
		reply->out = g_bytes_new(out, strlen(out));
	reply->err = g_strdup(err);
}
