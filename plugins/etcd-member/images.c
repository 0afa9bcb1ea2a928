/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Images of the release without its registry (domain 2.11): the release image, which the
 * cluster-version operator runs from, has their list. */

#include "../common/etcd-parse.h"
#include "../common/nodes.h"
#include "etcd-member.h"
#include <string.h>

#define VERSION	   "/apis/config.openshift.io/v1/clusterversions/version"
#define REFERENCES "/release-manifests/image-references"

static const RdPod version_operator = {
    .pod = "cluster-version-operator",
    .name = "cluster-version-operator",
    .namespace = "openshift-cluster-version",
    .manifest = "",
    .spare = "",
};

/* tags in the order in which they are tried; later releases have dropped the first */
static const struct {
	const char *output;
	const char *tags[3];
} wanted[] = {
    {"signer", {"kube-etcd-signer-server"}},
    {"setup", {"setup-etcd-environment", "machine-config-operator"}},
    {"agent", {"kube-client-agent"}},
};

static char *
find_release(RecoveryStep *step, GError **error)
{
	g_autoptr(GError) local = NULL;
	g_autoptr(JsonNode) version = recovery_api_get(step, VERSION, &local);
	const char *image = rd_api_text(version, "status", "desired", "image", NULL);

	if (local != NULL) {
		g_propagate_error(error, g_steal_pointer(&local));
		return NULL;
	}
	if (*image == '\0')
		image = rd_api_text(version, "spec", "desiredUpdate", "image", NULL);
	if (rd_image_is_valid(image))
		return g_strdup(image);
	rd_api_refuse(error, "ClusterVersion names no release image ('%s')", image);
	return NULL;
}

/* in the operator's container if it runs here, else in one of its image, from this host's store or
 * its registry */
static char *
read_references(RecoveryStep *step, const char *image, GError **error)
{
	g_autoptr(GPtrArray) running = rd_containers_ask(step, NULL, &version_operator, error);
	const RdContainer *container;

	if (running == NULL)
		return NULL;
	container = rd_containers_find(running, "cluster-version-operator");
	if (container != NULL)
		return recovery_ask(step, NULL, error, "crictl", "exec", container->id, "cat",
				    REFERENCES, NULL);
	return recovery_ask(step, NULL, error, "podman", "run", "--rm", "--network=none",
			    "--authfile=/var/lib/kubelet/config.json", "--entrypoint=cat", image,
			    REFERENCES, NULL);
}

/* spec.tags[name].from.name, "" when there is none */
static const char *
find_tag(JsonNode *references, const char *tag)
{
	JsonArray *tags = rd_api_items(references, "spec", "tags", NULL);

	for (guint i = 0; i < rd_api_length(tags); i++) {
		JsonNode *one = json_array_get_element(tags, i);

		if (g_str_equal(rd_api_text(one, "name", NULL), tag) &&
		    g_str_equal(rd_api_text(one, "from", "kind", NULL), "DockerImage"))
			return rd_api_text(one, "from", "name", NULL);
	}
	return "";
}

static gboolean
tell_image(RecoveryStep *step, JsonNode *references, guint i, GError **error)
{
	const char *image = "";

	for (guint j = 0; *image == '\0' && wanted[i].tags[j] != NULL; j++)
		image = find_tag(references, wanted[i].tags[j]);
	if (!rd_image_is_valid(image) || strstr(image, "@sha256:") == NULL)
		return rd_api_refuse(error,
				     "%s: the release image has no image %s by its digest ('%s')",
				     recovery_target(step), wanted[i].tags[0], image);
	return recovery_output(step, wanted[i].output, image, error);
}

gboolean
member_images(RecoveryStep *step, GError **error)
{
	g_autofree char *image = find_release(step, error), *text = NULL;
	g_autoptr(JsonNode) references = NULL;
	g_auto(RdNode) node = {0};
	const char *hostname;

	if (image == NULL || !rd_node_get(step, recovery_target(step), &node, error))
		return FALSE;
	hostname = rd_api_label(node.node, "kubernetes.io/hostname");
	if (!rd_name_is_valid(hostname))
		return rd_api_refuse(error, "Node %s has no label kubernetes.io/hostname",
				     recovery_target(step));
	text = read_references(step, image, error);
	if (text == NULL)
		return FALSE;
	references = json_from_string(text, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(wanted); i++)
		if (!tell_image(step, references, i, error))
			return FALSE;
	return recovery_output(step, "hostname", hostname, error);
}
