/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-procedure"

#include "address.h"

#include <string.h>

static gboolean
is_label(const char *text, gsize size)
{
	if (size == 0 || size > 63 || text[0] == '-' || text[size - 1] == '-')
		return FALSE;
	for (gsize i = 0; i < size; i++)
		if (!g_ascii_isalnum(text[i]) && text[i] != '-')
			return FALSE;
	return TRUE;
}

gboolean
rd_is_label(const char *text)
{
	if (!is_label(text, strlen(text)))
		return FALSE;
	for (; *text != '\0'; text++)
		if (g_ascii_isupper(*text))
			return FALSE;
	return TRUE;
}

gboolean
rd_is_dns_name(const char *text)
{
	const char *label = text;

	if (strlen(text) > 253)
		return FALSE;
	for (;;) {
		gsize size = strcspn(label, ".");

		if (!is_label(label, size))
			return FALSE;
		if (label[size] == '\0')
			break;
		label += size + 1;
	}
	/* 10.0.0.01, 010.0.0.1, 0x7f000001: not addresses, yet resolvers take them for ones */
	if (label[strspn(label, "0123456789")] == '\0')
		return FALSE;
	return !(label[0] == '0' && g_ascii_tolower(label[1]) == 'x' &&
		 label[2 + strspn(label + 2, "0123456789abcdefABCDEF")] == '\0');
}

GInetAddress *
rd_address_parse(const char *text)
{
	static const guint8 mapped[12] = {[10] = 0xff, [11] = 0xff};
	g_autoptr(GInetAddress) address = g_inet_address_new_from_string(text);
	const guint8 *bytes = NULL;

	if (address == NULL || g_inet_address_get_family(address) != G_SOCKET_FAMILY_IPV6)
		return g_steal_pointer(&address);
	bytes = g_inet_address_to_bytes(address);
	if (memcmp(bytes, mapped, sizeof(mapped)) != 0)
		return g_steal_pointer(&address);
	return g_inet_address_new_from_bytes(bytes + sizeof(mapped), G_SOCKET_FAMILY_IPV4);
}

gboolean
rd_is_user(const char *text)
{
	if (!g_ascii_isalpha(*text) && *text != '_')
		return FALSE;
	if (strlen(text) > 32)
		return FALSE;
	for (; *text != '\0'; text++)
		if (!g_ascii_isalnum(*text) && strchr("_.-", *text) == NULL)
			return FALSE;
	return TRUE;
}

const char *
rd_host_key_check(const char *line)
{
	static const char *const types[] = {"ssh-ed25519",
					    "ecdsa-sha2-nistp256",
					    "ecdsa-sha2-nistp384",
					    "ecdsa-sha2-nistp521",
					    "ssh-rsa",
					    NULL};
	g_auto(GStrv) words = g_strsplit(line, " ", 3);
	g_autofree guchar *blob = NULL;
	gsize size = 0, type_size = 0;

	if (words[0] == NULL || words[1] == NULL)
		return "it must be TYPE BASE64, as in /etc/ssh/ssh_host_ed25519_key.pub";
	if (!g_strv_contains(types, words[0]))
		return "its type is not one of ssh-ed25519, ecdsa-sha2-nistp…, ssh-rsa";
	if (words[1][strspn(words[1], "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789+/=")] != '\0')
		return "its second word is not base64";
	blob = g_base64_decode(words[1], &size);
	type_size = strlen(words[0]);
	/* the blob begins with its type again: a 32-bit length, then the word */
	if (size < 4 + type_size || blob[0] != 0 || blob[1] != 0 || blob[2] != 0 ||
	    blob[3] != type_size || memcmp(blob + 4, words[0], type_size) != 0)
		return "the base64 part is cut off or belongs to another type";
	if (strcmp(words[0], "ssh-ed25519") == 0 && size != 4 + type_size + 4 + 32)
		return "the base64 part is cut off";
	return NULL;
}
