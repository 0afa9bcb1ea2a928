/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-procedure"

#include "inventory-private.h"

#include "address.h"
#include "yaml/yaml.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

/* The file, top to bottom: VIPs first, because every address is compared with them. */

#define CONTROL_PLANE_MAX 7 /* what etcd is run with at most */

typedef struct {
	RdYaml *yaml;
	RdInventory *inventory;
	char *base;	      /* directory of the file */
	RdLogin *defaults;    /* without address and host_key */
	RdLogin *jump;	      /* (nullable) of defaults */
	GHashTable *names;    /* (element-type utf8 JsonNode) */
	GHashTable *safes;    /* (element-type utf8 utf8) "a_b" → name */
	GHashTable *ends;     /* (element-type utf8 utf8) address, port, jump → name */
	GHashTable *no_known; /* (element-type utf8) known_hosts files already warned about */
} Reader;

static const char *const top_keys[] = {"cluster", "defaults", "hosts", "vips", "kubeconfig", NULL};
static const char *const default_keys[] = {"user", "port",	  "key", "agent",
					   "jump", "known-hosts", NULL};
static const char *const host_keys[] = {"name", "address",     "role",	   "recovery",
					"user", "port",	       "key",	   "agent",
					"jump", "known-hosts", "host-key", NULL};
/* in the map form the name is the key */
static const char *const map_host_keys[] = {"address",	   "role",     "recovery", "user",
					    "port",	   "key",      "agent",	   "jump",
					    "known-hosts", "host-key", NULL};
static const char *const jump_keys[] = {"address", "port",	  "user",     "key",
					"agent",   "known-hosts", "host-key", NULL};
static const char *const vip_keys[] = {"api", "ingress", NULL};
static const char *const host_roles[] = {"control-plane", "worker", NULL};

static void
set_text(char **place, const char *text)
{
	g_free(*place);
	*place = g_strdup(text);
}

/* absolute; NULL when missing or after a complaint */
static char *
read_path(Reader *self, JsonObject *object, const char *key)
{
	const char *text = rd_yaml_member(self->yaml, object, key);

	if (text == NULL)
		return NULL;
	if (text[0] != '~')
		return g_canonicalize_filename(text, self->base);
	if (text[1] == '/')
		return g_canonicalize_filename(text + 2, g_get_home_dir());
	rd_yaml_complain(self->yaml, json_object_get_member(object, key),
			 "%s: only “~/” is understood: write the path out", key);
	return NULL;
}

static char *
read_key(Reader *self, JsonObject *object)
{
	g_autofree char *path = read_path(self, object, "key");
	JsonNode *node = json_object_get_member(object, "key");
	GStatBuf status;

	if (path == NULL)
		return NULL;
	if (g_stat(path, &status) != 0)
		rd_yaml_complain(self->yaml, node, "key: %s: %s", path, g_strerror(errno));
	else if (!S_ISREG(status.st_mode))
		rd_yaml_complain(self->yaml, node, "key: %s is not a file", path);
	else if ((status.st_mode & 077) != 0)
		rd_yaml_complain(self->yaml, node,
				 "key: %s can be read by others (mode %04o): chmod 600 %s", path,
				 status.st_mode & 07777, path);
	return g_steal_pointer(&path);
}

/* an address to log in to; NULL when missing or after a complaint */
static char *
read_address(Reader *self, JsonObject *object)
{
	const char *text = rd_yaml_member(self->yaml, object, "address");
	JsonNode *node = json_object_get_member(object, "address");
	g_autoptr(GInetAddress) address = NULL;

	if (text == NULL)
		return NULL;
	address = rd_address_parse(text);
	if (address == NULL) {
		if (rd_is_dns_name(text))
			return g_ascii_strdown(text, -1);
		rd_yaml_complain(self->yaml, node,
				 "address: “%s” is neither an IP address nor a DNS name", text);
		return NULL;
	}
	if (g_inet_address_get_is_any(address) || g_inet_address_get_is_multicast(address)) {
		rd_yaml_complain(self->yaml, node, "address: %s is no address of one machine",
				 text);
		return NULL;
	}
	if (rd_inventory_is_vip(self->inventory, text)) {
		rd_yaml_complain(self->yaml, node,
				 "address: %s is a VIP: it moves between hosts while we work. Give "
				 "the host's own address",
				 text);
		return NULL;
	}
	return g_inet_address_to_string(address);
}

/* what defaults, hosts and jump hosts have in common; what is not there is taken from @fallback */
static RdLogin *
read_login(Reader *self, JsonObject *object, const RdLogin *fallback)
{
	RdLogin *login = rd_login_copy(fallback);
	const char *user = rd_yaml_member(self->yaml, object, "user");
	const char *host_key = rd_yaml_member(self->yaml, object, "host-key");
	const char *wrong = NULL;
	g_autofree char *key = read_key(self, object);
	g_autofree char *known_hosts = read_path(self, object, "known-hosts");
	g_autofree char *address = read_address(self, object);

	login->port =
	    rd_yaml_member_int(self->yaml, object, "port", 1, G_MAXUINT16, fallback->port);
	/* with a key of its own a host is not offered every key of the agent: servers hang up
	 * after a few wrong ones */
	login->agent =
	    rd_yaml_member_bool(self->yaml, object, "agent", key == NULL ? fallback->agent : FALSE);
	if (user != NULL && !rd_is_user(user))
		rd_yaml_complain(self->yaml, json_object_get_member(object, "user"),
				 "user: “%s” is no user name", user);
	else if (user != NULL)
		set_text(&login->user, user);
	if (host_key != NULL && (wrong = rd_host_key_check(host_key)) != NULL)
		rd_yaml_complain(self->yaml, json_object_get_member(object, "host-key"),
				 "host-key: %s", wrong);
	else if (host_key != NULL)
		set_text(&login->host_key, host_key);
	if (key != NULL)
		set_text(&login->key, key);
	if (known_hosts != NULL)
		set_text(&login->known_hosts, known_hosts);
	if (address != NULL)
		set_text(&login->address, address);
	return login;
}

static void
check_login(Reader *self, const RdLogin *login, const char *who, JsonNode *node)
{
	if (login->key == NULL && !login->agent)
		rd_yaml_complain(self->yaml, node,
				 "%s: no way to log in: give a key, or agent: yes", who);
	if (login->host_key != NULL || g_hash_table_contains(self->no_known, login->known_hosts) ||
	    g_file_test(login->known_hosts, G_FILE_TEST_EXISTS))
		return;
	g_hash_table_add(self->no_known, g_strdup(login->known_hosts));
	rd_yaml_warn(self->yaml, node,
		     "%s: %s does not exist, so %s has no known host key: give host-key, or "
		     "known-hosts",
		     who, login->known_hosts, who);
}

/* @node: the "jump" of @host or of the defaults; NULL for none */
static RdLogin *
read_jump(Reader *self, JsonNode *node)
{
	g_autoptr(RdLogin) jump = NULL;
	g_autoptr(RdLogin) fallback = NULL;
	JsonObject *object = NULL;
	const char *text = rd_yaml_get_text(self->yaml, node);
	gboolean on = TRUE;

	/* "jump: no": this host is reached directly, whatever the defaults say */
	if (text != NULL && rd_parse_bool(text, &on) && !on)
		return NULL;
	object = rd_yaml_mapping(self->yaml, node, "jump", jump_keys);
	if (object == NULL)
		return NULL;
	fallback = rd_login_copy(self->defaults);
	fallback->port = 22;
	jump = read_login(self, object, fallback);
	if (!json_object_has_member(object, "address"))
		rd_yaml_complain_key(self->yaml, node, "jump: address is missing");
	check_login(self, jump, "the jump host", node);
	return g_steal_pointer(&jump);
}

static void
read_defaults(Reader *self, JsonObject *top)
{
	JsonNode *node = json_object_get_member(top, "defaults");
	JsonObject *object = NULL;
	RdLogin *login = NULL;

	self->defaults = g_new0(RdLogin, 1);
	self->defaults->port = 22;
	self->defaults->user = g_strdup("core");
	self->defaults->agent = TRUE;
	self->defaults->known_hosts =
	    g_build_filename(g_get_home_dir(), ".ssh", "known_hosts", NULL);
	if (node == NULL)
		return;
	object = rd_yaml_mapping(self->yaml, node, "defaults", default_keys);
	if (object == NULL)
		return;
	login = read_login(self, object, self->defaults);
	rd_login_free(self->defaults);
	self->defaults = login;
	if (json_object_has_member(object, "jump"))
		self->jump = read_jump(self, json_object_get_member(object, "jump"));
}

static void
read_vips(Reader *self, JsonObject *vips, const char *which, char ***words)
{
	JsonNode *node = json_object_get_member(vips, which);
	g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
	JsonArray *list = node == NULL ? NULL : rd_yaml_list(self->yaml, node, which);

	for (guint i = 0; list != NULL && i < json_array_get_length(list); i++) {
		JsonNode *element = json_array_get_element(list, i);
		const char *text = rd_yaml_scalar(self->yaml, element, which);
		g_autoptr(GInetAddress) address = text == NULL ? NULL : rd_address_parse(text);

		if (address != NULL) {
			g_autofree char *normal = g_inet_address_to_string(address);

			g_strv_builder_add(builder, normal);
		} else if (text != NULL) {
			rd_yaml_complain(self->yaml, element, "%s: “%s” is not an IP address",
					 which, text);
		}
	}
	g_strfreev(*words);
	*words = g_strv_builder_end(builder);
}

/* two hosts that are one machine; "a-b" and "a.b", which are one in names of variables */
static void
check_unique(Reader *self, RdInventoryHost *host, JsonNode *name_node, JsonNode *address_node)
{
	g_autofree char *safe = g_strdelimit(g_strdup(host->name), "-.", '_');
	g_autofree char *end = g_strdup_printf("%s %u %s", host->login->address, host->login->port,
					       host->jump != NULL ? host->jump->address : "");
	const char *other = NULL;
	JsonNode *first = g_hash_table_lookup(self->names, host->name);
	guint line = 0, column = 0;

	if (first != NULL) {
		rd_yaml_get_key_position(self->yaml, first, &line, &column);
		rd_yaml_complain_key(self->yaml, name_node,
				     "host %s stands here a second time, "
				     "first in line %u",
				     host->name, line);
		return;
	}
	g_hash_table_insert(self->names, host->name, name_node);
	other = g_hash_table_lookup(self->safes, safe);
	if (other != NULL)
		rd_yaml_warn(self->yaml, name_node,
			     "hosts %s and %s are both called %s in the cluster's own files: "
			     "what is read from these cannot be told apart",
			     other, host->name, safe);
	else
		g_hash_table_insert(self->safes, g_steal_pointer(&safe), host->name);
	if (host->login->address == NULL)
		return;
	other = g_hash_table_lookup(self->ends, end);
	if (other != NULL)
		rd_yaml_complain(self->yaml, address_node, "%s has the address of %s: %s port %u",
				 host->name, other, host->login->address, host->login->port);
	else
		g_hash_table_insert(self->ends, g_steal_pointer(&end), host->name);
}

/* lower case; NULL after a complaint */
static char *
read_name(Reader *self, const char *text, JsonNode *node, gboolean is_key)
{
	g_autofree char *name = g_ascii_strdown(text, -1);
	guint line = 0, column = 0;

	if (is_key)
		rd_yaml_get_key_position(self->yaml, node, &line, &column);
	else
		rd_yaml_get_position(self->yaml, node, &line, &column);
	if (!rd_is_dns_name(name)) {
		rd_complaints_add(rd_yaml_get_complaints(self->yaml), line, column,
				  "host name “%s”: only letters, digits, “-” and “.” (RFC 1123)",
				  text);
		return NULL;
	}
	if (g_strv_contains(rd_roles, name) || g_strv_contains(host_roles, name)) {
		rd_complaints_add(rd_yaml_get_complaints(self->yaml), line, column,
				  "host name %s is a word with a meaning of its own in procedures",
				  name);
		return NULL;
	}
	return g_steal_pointer(&name);
}

static void
read_role(Reader *self, JsonObject *object, JsonNode *node, RdInventoryHost *host)
{
	const char *role = rd_yaml_member(self->yaml, object, "role");

	/* something to go on with; the complaint is there */
	host->role = g_strdup("worker");
	if (!json_object_has_member(object, "role"))
		rd_yaml_complain_key(self->yaml, node,
				     "%s: role is missing: control-plane or worker", host->name);
	else if (role != NULL && !g_strv_contains(host_roles, role))
		rd_yaml_complain(self->yaml, json_object_get_member(object, "role"),
				 "role: control-plane or worker, not “%s”", role);
	else if (role != NULL)
		set_text(&host->role, role);
	host->recovery = rd_yaml_member_bool(self->yaml, object, "recovery", FALSE);
	if (!host->recovery)
		return;
	if (strcmp(host->role, "worker") == 0)
		rd_yaml_complain(self->yaml, json_object_get_member(object, "recovery"),
				 "recovery: %s is no control-plane host", host->name);
	else if (rd_inventory_get_recovery(self->inventory) != NULL)
		rd_yaml_complain(self->yaml, json_object_get_member(object, "recovery"),
				 "recovery: %s is the recovery host already; there is one",
				 rd_inventory_get_recovery(self->inventory)->name);
}

/* @name: the key in the map form; NULL in the list form */
static void
read_host(Reader *self, JsonNode *node, const char *key)
{
	g_autoptr(RdInventoryHost) host = g_new0(RdInventoryHost, 1);
	JsonObject *object = rd_yaml_mapping(self->yaml, node, key != NULL ? key : "a host",
					     key != NULL ? map_host_keys : host_keys);
	JsonNode *name_node = node;
	JsonNode *jump = NULL;

	if (object == NULL)
		return;
	if (key == NULL) {
		key = rd_yaml_member(self->yaml, object, "name");
		name_node = json_object_get_member(object, "name");
		if (name_node == NULL)
			rd_yaml_complain(self->yaml, node, "this host has no name");
		if (key == NULL)
			return;
		host->name = read_name(self, key, name_node, FALSE);
	} else {
		host->name = read_name(self, key, node, TRUE);
	}
	if (host->name == NULL)
		host->name = g_strdup(key);
	read_role(self, object, node, host);
	host->login = read_login(self, object, self->defaults);
	if (!json_object_has_member(object, "address"))
		rd_yaml_complain_key(self->yaml, node, "%s: address is missing", host->name);
	jump = json_object_get_member(object, "jump");
	if (jump != NULL)
		host->jump = read_jump(self, jump);
	else if (self->jump != NULL)
		host->jump = rd_login_copy(self->jump);
	check_login(self, host->login, host->name, name_node);
	check_unique(self, host, name_node, json_object_get_member(object, "address"));
	g_ptr_array_add(self->inventory->hosts, g_steal_pointer(&host));
}

static void
read_hosts(Reader *self, JsonObject *top)
{
	JsonNode *node = json_object_get_member(top, "hosts");
	g_autoptr(GPtrArray) control_plane = NULL;
	JsonArray *list = NULL;

	if (node == NULL) {
		rd_yaml_complain(self->yaml, rd_yaml_get_root(self->yaml), "hosts is missing");
		return;
	}
	if (JSON_NODE_HOLDS_OBJECT(node)) {
		JsonObject *map = json_node_get_object(node);
		g_autoptr(GList) names = json_object_get_members(map);

		for (GList *l = names; l != NULL; l = l->next)
			read_host(self, json_object_get_member(map, l->data), l->data);
	} else {
		list = rd_yaml_list(self->yaml, node, "hosts");
		if (list == NULL)
			return;
		for (guint i = 0; i < json_array_get_length(list); i++)
			read_host(self, json_array_get_element(list, i), NULL);
	}
	control_plane = rd_inventory_role(self->inventory, RD_ROLE_CONTROL_PLANE);
	if (control_plane->len < 1 || control_plane->len > CONTROL_PLANE_MAX)
		rd_yaml_complain_key(self->yaml, node,
				     "%u hosts with role: control-plane; there must be 1 to %u",
				     control_plane->len, CONTROL_PLANE_MAX);
}

static void
read_top(Reader *self)
{
	JsonNode *root = rd_yaml_get_root(self->yaml);
	JsonObject *top = rd_yaml_mapping(self->yaml, root, "an inventory", top_keys);
	JsonNode *vips = NULL;
	JsonObject *object = NULL;
	const char *cluster = NULL;

	if (top == NULL)
		return;
	cluster = rd_yaml_member(self->yaml, top, "cluster");
	if (!json_object_has_member(top, "cluster"))
		rd_yaml_complain(self->yaml, root, "cluster is missing: the cluster's name");
	else if (cluster != NULL && !rd_is_label(cluster))
		rd_yaml_complain(self->yaml, json_object_get_member(top, "cluster"),
				 "cluster: “%s”: only small letters, digits and “-”, at most 63",
				 cluster);
	self->inventory->cluster = g_strdup(cluster);
	vips = json_object_get_member(top, "vips");
	if (vips != NULL && (object = rd_yaml_mapping(self->yaml, vips, "vips", vip_keys))) {
		read_vips(self, object, "api", &self->inventory->api_vips);
		read_vips(self, object, "ingress", &self->inventory->ingress_vips);
	}
	self->inventory->kubeconfig = read_path(self, top, "kubeconfig");
	if (self->inventory->kubeconfig != NULL &&
	    !g_file_test(self->inventory->kubeconfig, G_FILE_TEST_IS_REGULAR))
		rd_yaml_warn(self->yaml, json_object_get_member(top, "kubeconfig"),
			     "kubeconfig: there is no file %s", self->inventory->kubeconfig);
	read_defaults(self, top);
	read_hosts(self, top);
}

static void
reader_clear(Reader *self)
{
	g_free(self->base);
	rd_login_free(self->defaults);
	rd_login_free(self->jump);
	g_hash_table_unref(self->names);
	g_hash_table_unref(self->safes);
	g_hash_table_unref(self->ends);
	g_hash_table_unref(self->no_known);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Reader, reader_clear)

static RdInventory *
inventory_from_yaml(const char *path, RdYaml *yaml, GPtrArray **warnings, GError **error)
{
	g_autoptr(RdInventory) inventory = rd_inventory_new();
	g_autofree char *absolute = g_canonicalize_filename(path, NULL);
	g_auto(Reader) reader = {
	    .yaml = yaml,
	    .inventory = inventory,
	    .base = g_path_get_dirname(absolute),
	    .names = g_hash_table_new(g_str_hash, g_str_equal),
	    .safes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
	    .ends = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
	    .no_known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
	};

	inventory->digest = g_strdup(rd_yaml_get_digest(yaml));
	read_top(&reader);
	if (!rd_complaints_settle(rd_yaml_get_complaints(yaml), error))
		return NULL;
	if (warnings != NULL)
		*warnings = rd_complaints_get_warnings(rd_yaml_get_complaints(yaml));
	return g_steal_pointer(&inventory);
}

RdInventory *
rd_inventory_load(const char *path, GPtrArray **warnings, GError **error)
{
	g_autoptr(RdComplaints) complaints = rd_complaints_new(path);
	g_autoptr(RdYaml) yaml = rd_yaml_load(path, complaints, error);

	return yaml == NULL ? NULL : inventory_from_yaml(path, yaml, warnings, error);
}

RdInventory *
rd_inventory_parse(const char *path, const char *data, gsize size, GPtrArray **warnings,
		   GError **error)
{
	g_autoptr(RdComplaints) complaints = rd_complaints_new(path);
	g_autoptr(RdYaml) yaml = rd_yaml_parse(data, size, complaints, error);

	return yaml == NULL ? NULL : inventory_from_yaml(path, yaml, warnings, error);
}
