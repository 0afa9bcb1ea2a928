/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "etcd-parse.h"
#include <recovery/plugin.h>
#include <string.h>

G_GNUC_PRINTF(2, 3)
static gboolean
wrong(GError **error, const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error_literal(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT, text);
	return FALSE;
}

/* behind "KEY=" or "export KEY=", or NULL */
static const char *
env_value(const char *line, const char *key)
{
	const char *at = line + strspn(line, " \t");

	if (g_str_has_prefix(at, "export "))
		at += strlen("export ");
	if (!g_str_has_prefix(at, key) || at[strlen(key)] != '=')
		return NULL;
	return at + strlen(key) + 1;
}

char *
rd_env_get(const char *text, const char *key, GError **error)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	g_autofree char *found = NULL;

	for (guint i = 0; lines[i] != NULL; i++) {
		const char *value = env_value(lines[i], key);
		g_autofree char *plain = value == NULL ? NULL : g_strchomp(g_strdup(value));
		gsize length = plain == NULL ? 0 : strlen(plain);

		if (plain == NULL)
			continue;
		if (length >= 2 && plain[0] == '"' && plain[length - 1] == '"') {
			plain[length - 1] = '\0';
			memmove(plain, plain + 1, length - 1);
		}
		if (found != NULL && !g_str_equal(found, plain)) {
			wrong(error, "%s stands there twice, as '%s' and '%s'", key, found, plain);
			return NULL;
		}
		g_free(found);
		found = g_steal_pointer(&plain);
	}
	if (found == NULL)
		wrong(error, "no line sets %s%s", key, *text == '\0' ? " (the file is empty)" : "");
	return g_steal_pointer(&found);
}

/* "m0" of `export ETCD_NAME=${NODE_m0_ETCD_NAME}` */
static char *
exported_safe(const char *line)
{
	const char *at = strstr(line, "export ETCD_NAME=${NODE_");
	const char *end;

	if (at == NULL)
		return NULL;
	at += strlen("export ETCD_NAME=${NODE_");
	end = strstr(at, "_ETCD_NAME}");
	return end == NULL || end == at ? NULL : g_strndup(at, end - at);
}

/* the scalar behind `KEY:`, perhaps as list item and in quotes; NULL when the line has another */
static char *
yaml_value(const char *line, const char *key)
{
	const char *at = line + strspn(line, " ");
	g_autofree char *value = NULL;
	gsize length;

	if (at[0] == '-' && at[1] == ' ')
		at += 1 + strspn(at + 1, " ");
	if (!g_str_has_prefix(at, key) || at[strlen(key)] != ':')
		return NULL;
	value = g_strstrip(g_strdup(at + strlen(key) + 1));
	length = strlen(value);
	if (length >= 2 && (value[0] == '"' || value[0] == '\'') && value[length - 1] == value[0])
		return g_strndup(value + 1, length - 2);
	return g_steal_pointer(&value);
}

static char *
exported_name(char **lines, const char *safe)
{
	g_autofree char *variable = g_strdup_printf("NODE_%s_ETCD_NAME", safe);

	for (guint i = 0; lines[i] != NULL && lines[i + 1] != NULL; i++) {
		g_autofree char *name = yaml_value(lines[i], "name");
		char *value = NULL;

		if (g_strcmp0(name, variable) == 0)
			value = yaml_value(lines[i + 1], "value");
		if (value != NULL)
			return value;
	}
	return NULL;
}

gboolean
rd_restore_pod_name(const char *yaml, char **safe, char **name, GError **error)
{
	g_auto(GStrv) lines = g_strsplit(yaml, "\n", -1);
	g_autofree char *key = NULL, *value = NULL, *expected = NULL;

	for (guint i = 0; lines[i] != NULL; i++) {
		g_autofree char *found = exported_safe(g_strchomp(lines[i]));

		if (found == NULL)
			continue;
		if (key != NULL && !g_str_equal(key, found))
			return wrong(error, "ETCD_NAME is exported for two nodes, %s and %s", key,
				     found);
		g_free(key);
		key = g_steal_pointer(&found);
	}
	if (key == NULL)
		return wrong(error, "no line 'export ETCD_NAME=${NODE_…_ETCD_NAME}'");
	value = exported_name(lines, key);
	if (value == NULL)
		return wrong(error, "no value for NODE_%s_ETCD_NAME", key);
	if (!rd_name_is_valid(value))
		return wrong(error, "'%s' is not the name of a node", value);
	expected = g_strdelimit(g_strdup(value), "-.", '_');
	if (!g_str_equal(expected, key))
		return wrong(error, "node '%s' does not belong to the variables NODE_%s_…", value,
			     key);
	*safe = g_steal_pointer(&key);
	*name = g_steal_pointer(&value);
	return TRUE;
}

static gboolean
label_is_valid(const char *label)
{
	gsize length = strlen(label);

	return length >= 1 && length <= 63 && label[0] != '-' && label[length - 1] != '-' &&
	       strspn(label, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
}

gboolean
rd_name_is_valid(const char *name)
{
	g_auto(GStrv) labels = g_strsplit(name, ".", -1);

	if (*name == '\0' || strlen(name) > 253)
		return FALSE;
	for (guint i = 0; labels[i] != NULL; i++)
		if (!label_is_valid(labels[i]))
			return FALSE;
	return TRUE;
}

gboolean
rd_address_is_valid(const char *address)
{
	gsize length = strlen(address);
	g_autofree char *inner = NULL;

	if (address[0] != '[')
		return g_hostname_is_ip_address(address) && strchr(address, ':') == NULL;
	if (length < 4 || address[length - 1] != ']')
		return FALSE;
	inner = g_strndup(address + 1, length - 2);
	/* no zone: GLib takes "fe80::1%x;reboot" for an address */
	return g_hostname_is_ip_address(inner) &&
	       strspn(inner, "0123456789abcdefABCDEF:.") == length - 2 &&
	       strchr(inner, ':') != NULL;
}

gboolean
rd_image_is_valid(const char *image)
{
	return g_ascii_isalnum(image[0]) && strlen(image) <= 512 &&
	       image[strspn(image, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				   "0123456789._:/@-")] == '\0';
}

gboolean
rd_token_is_valid(const char *token)
{
	return g_str_has_prefix(token, "openshift-etcd-") &&
	       g_uuid_string_is_valid(token + strlen("openshift-etcd-"));
}
