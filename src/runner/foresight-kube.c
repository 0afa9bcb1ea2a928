/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-runner"

#include <gio/gio.h>
#include <recovery/plugin.h>
#include <string.h>

#include "foresight-private.h"

/* The Kubernetes API with the pen lifted. */

#define RD_FORESIGHT_BODY 16384 /* bytes of a change through the API that are kept whole */

void
rd_foresight_add_change(RdForesight *self, const RdKubeRequest *request, gboolean secret)
{
	JsonObject *entry = rd_foresight_last(self);
	JsonObject *change = json_object_new();
	g_autofree char *sha256 = NULL;

	if (!json_object_has_member(entry, "changes"))
		json_object_set_array_member(entry, "changes", json_array_new());
	json_object_set_string_member(change, "verb", rd_kube_verb_to_string(request->verb));
	json_object_set_string_member(change, "path", request->path);
	if (request->uid != NULL)
		json_object_set_string_member(change, "uid", request->uid);
	if (request->body != NULL) {
		sha256 = g_compute_checksum_for_string(G_CHECKSUM_SHA256, request->body, -1);
		rd_entry_set_number(change, "bytes", (gint64)strlen(request->body));
		if (!secret)
			json_object_set_string_member(change, "sha256", sha256);
		if (!secret && strlen(request->body) <= RD_FORESIGHT_BODY)
			json_object_set_string_member(change, "body", request->body);
	}
	json_array_add_object_element(json_object_get_array_member(entry, "changes"), change);
	self->api_changed = TRUE;
}

static void
rd_foresight_api_silent(RdForesight *self, const char *why)
{
	g_free(self->api_silence);
	self->api_silence = g_strdup(why);
}

static void
rd_foresight_send(RdKube *kube, const RdKubeRequest *requests, guint n, guint in_flight,
		  guint limit_s, RdKubeAnswer *answers)
{
	RdForesightKube *own = (RdForesightKube *)kube;
	RdForesight *self = own->foresight;
	g_autoptr(GError) error = NULL;

	if (n > 0 && rd_kube_verb_touches(requests[0].verb)) {
		for (guint i = 0; i < n; i++)
			answers[i] = (RdKubeAnswer){.verdict = RD_KUBE_DONE, .status = 200};
		return;
	}
	if (self->api_changed && n > 0) {
		(void)rd_foresight_unknown(self, "the Kubernetes API", requests[0].path, &error);
		for (guint i = 0; i < n; i++)
			answers[i] = (RdKubeAnswer){.verdict = RD_KUBE_CANCELLED,
						    .message = g_strdup(error->message)};
		return;
	}
	own->real->klass->send(own->real, requests, n, in_flight, limit_s, answers);
	if (n > 0 && answers[0].status == 0 && answers[0].message != NULL)
		rd_foresight_api_silent(self, answers[0].message);
}

static gboolean
rd_foresight_kube_pause(RdKube *kube, guint milliseconds)
{
	RdForesightKube *own = (RdForesightKube *)kube;

	return own->real->klass->pause(own->real, milliseconds);
}

static gint64
rd_foresight_kube_clock(RdKube *kube)
{
	RdForesightKube *own = (RdForesightKube *)kube;

	return own->real->klass->clock(own->real);
}

RdKube *
rd_foresight_kube(RdWorld *world, GError **error)
{
	static const RdKubeClass klass = {rd_foresight_send, rd_foresight_kube_pause,
					  rd_foresight_kube_clock};
	RdForesight *self = (RdForesight *)world;
	const char *why = g_hash_table_lookup(self->foreseen->silent, RD_CLUSTER);

	self->then = self->then || json_array_get_length(self->foreseen->entries) > 0;
	if (why != NULL) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE, "%s", why);
		return NULL;
	}
	if (self->real->klass->kube == NULL) {
		g_set_error_literal(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
				    "there is no way to the Kubernetes API here");
		return NULL;
	}
	self->kube.real = self->real->klass->kube(self->real, error);
	self->kube.kube.klass = &klass;
	self->kube.foresight = self;
	if (self->kube.real == NULL && error != NULL && *error != NULL)
		rd_foresight_api_silent(self, (*error)->message);
	return self->kube.real != NULL ? &self->kube.kube : NULL;
}
