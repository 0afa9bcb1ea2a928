/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "names.h"
#include "request.h"
#include <gio/gio.h>
#include <string.h>

gboolean
rd_csr_has(GPtrArray *list, const char *text)
{
	return g_ptr_array_find_with_equal_func(list, text, g_str_equal, NULL);
}

gboolean
rd_csr_is_set(GPtrArray *list, const char *const *set)
{
	if (list->len != g_strv_length((char **)set))
		return FALSE;
	for (guint i = 0; set[i] != NULL; i++)
		if (!rd_csr_has(list, set[i]))
			return FALSE;
	return TRUE;
}

gboolean
rd_csr_same_name(const char *a, const char *b)
{
	gsize length_a = strlen(a), length_b = strlen(b);

	length_a -= length_a > 0 && a[length_a - 1] == '.';
	length_b -= length_b > 0 && b[length_b - 1] == '.';
	return length_a == length_b && length_a > 0 && g_ascii_strncasecmp(a, b, length_a) == 0;
}

gboolean
rd_csr_same_address(const char *a, const char *b)
{
	g_autofree char *canonical = rd_csr_address_canonical(b);

	return canonical != NULL && g_str_equal(a, canonical);
}

gboolean
rd_csr_among(const char *text, const char *const *list, RdCsrSame same)
{
	for (guint i = 0; list != NULL && list[i] != NULL; i++)
		if (same(text, list[i]))
			return TRUE;
	return FALSE;
}

const char *
rd_csr_first_missing(GPtrArray *wanted, const char *const *list, RdCsrSame same)
{
	for (guint i = 0; i < wanted->len; i++)
		if (!rd_csr_among(wanted->pdata[i], list, same))
			return wanted->pdata[i];
	return NULL;
}

gboolean
rd_csr_is_local_name(const char *name)
{
	static const char *const zones[] = {"localhost",	  "local", "svc", "kubernetes",
					    "kubernetes.default", NULL};
	g_autofree char *lower = g_ascii_strdown(name, -1);
	gsize length = strlen(lower);

	if (length > 0 && lower[length - 1] == '.')
		lower[length - 1] = '\0';
	if (g_str_has_suffix(lower, ".cluster.local") || g_str_has_suffix(lower, ".localhost") ||
	    g_str_has_suffix(lower, ".svc") || g_str_equal(lower, "cluster.local"))
		return TRUE;
	return g_strv_contains(zones, lower);
}

gboolean
rd_csr_is_local_address(const char *text)
{
	g_autoptr(GInetAddress) address = g_inet_address_new_from_string(text);

	return address == NULL || g_inet_address_get_is_loopback(address) ||
	       g_inet_address_get_is_link_local(address) || g_inet_address_get_is_any(address) ||
	       g_inet_address_get_is_multicast(address);
}

gboolean
rd_csr_same_set(GPtrArray *wanted, const char *const *list, RdCsrSame same)
{
	return rd_csr_first_missing(wanted, list, same) == NULL &&
	       wanted->len == (list == NULL ? 0 : g_strv_length((char **)list));
}
