/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-kube"

#include "kube/message.h"

#include <string.h>

static const char *const content_types[] = {
    NULL,
    "application/json",
    "application/json",
    "application/merge-patch+json",
    "application/json-patch+json",
    "application/json",
};
G_STATIC_ASSERT(G_N_ELEMENTS(content_types) == RD_KUBE_VERB_LAST + 1);

/* (transfer full) (nullable) */
static char *
request_body(const RdKubeRequest *request)
{
	g_autoptr(JsonBuilder) builder = NULL;
	g_autoptr(JsonNode) root = NULL;
	g_autofree char *version = NULL;

	if (request->verb != RD_KUBE_DELETE)
		return g_strdup(request->body);
	builder = json_builder_new_immutable();
	json_builder_begin_object(builder);
	json_builder_set_member_name(builder, "kind");
	json_builder_add_string_value(builder, "DeleteOptions");
	json_builder_set_member_name(builder, "apiVersion");
	json_builder_add_string_value(builder, "v1");
	json_builder_set_member_name(builder, "propagationPolicy");
	json_builder_add_string_value(builder, "Background");
	if (request->now) {
		json_builder_set_member_name(builder, "gracePeriodSeconds");
		json_builder_add_int_value(builder, 0);
	}
	json_builder_set_member_name(builder, "preconditions");
	json_builder_begin_object(builder);
	json_builder_set_member_name(builder, "uid");
	json_builder_add_string_value(builder, request->uid);
	version = rd_kube_delete_version(request->body);
	if (version != NULL) {
		json_builder_set_member_name(builder, "resourceVersion");
		json_builder_add_string_value(builder, version);
	}
	json_builder_end_object(builder);
	json_builder_end_object(builder);
	root = json_builder_get_root(builder);
	return json_to_string(root, FALSE);
}

SoupMessage *
rd_kube_message_new(const RdKubeconfig *config, GTlsCertificate *identity,
		    const RdKubeRequest *request, const char **why)
{
	g_autofree char *uri = NULL;
	g_autofree char *body = NULL;
	g_autofree char *bearer = NULL;
	g_autoptr(SoupMessage) message = NULL;
	gboolean touches = rd_kube_verb_touches(request->verb);

	*why = "a path begins with /";
	if (request->path == NULL || request->path[0] != '/')
		return NULL;
	*why = "nothing is deleted without the uid of what was seen";
	if (request->verb == RD_KUBE_DELETE && (request->uid == NULL || *request->uid == '\0'))
		return NULL;
	*why = "of a deletion the body is {\"resourceVersion\": TEXT}, or there is none";
	if (request->verb == RD_KUBE_DELETE && request->body != NULL) {
		g_autofree char *version = rd_kube_delete_version(request->body);

		if (version == NULL)
			return NULL;
	}
	*why = "a change needs a body";
	body = request_body(request);
	if (touches && body == NULL)
		return NULL;
	uri = g_strdup_printf("%s%s%s", config->server, request->path + 1,
			      !touches				   ? ""
			      : strchr(request->path, '?') != NULL ? "&fieldManager=recoveryd"
								   : "?fieldManager=recoveryd");
	*why = "the path cannot be part of an address";
	message = soup_message_new(rd_kube_verb_to_string(request->verb), uri);
	if (message == NULL)
		return NULL;
	/* IDEMPOTENT: without it libsoup makes a new connection, with its handshake, for each POST
	 * and PATCH. It also allows libsoup to repeat them, which the client stops as for PUT. */
	soup_message_add_flags(message, SOUP_MESSAGE_NO_REDIRECT | SOUP_MESSAGE_IDEMPOTENT);
	soup_message_headers_replace(soup_message_get_request_headers(message), "Accept",
				     "application/json");
	if (config->token != NULL) {
		bearer = g_strconcat("Bearer ", config->token, NULL);
		soup_message_headers_replace(soup_message_get_request_headers(message),
					     "Authorization", bearer);
		explicit_bzero(bearer, strlen(bearer));
	}
	if (identity != NULL)
		soup_message_set_tls_client_certificate(message, identity);
	if (touches) {
		g_autoptr(GBytes) bytes = g_bytes_new(body, strlen(body));

		soup_message_set_request_body_from_bytes(message,
							 request->content_type != NULL
							     ? request->content_type
							     : content_types[request->verb],
							 bytes);
	}
	return g_steal_pointer(&message);
}
