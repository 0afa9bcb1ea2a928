/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "audit.h"
#include <string.h>

/* What providers say in their own words, as drivers pass it on. The first row that fits counts, so
 * what only looks like another sort stands before it: "secret … not found" is no volume that is
 * gone, and a driver that is not registered is not at all about the volume. */
static const struct {
	const char *text; /* in lower case */
	StorageSays says;
} phrases[] = {
    {"list of registered csi drivers", STORAGE_SAYS_OTHER},
    {"secrets \"", STORAGE_SAYS_CREDENTIALS},
    {"secret \"", STORAGE_SAYS_CREDENTIALS},
    {"configmap \"", STORAGE_SAYS_OTHER},
    {"configmaps \"", STORAGE_SAYS_OTHER},
    {"not registered", STORAGE_SAYS_OTHER},
    {"multi-attach error", STORAGE_SAYS_BUSY},
    {"already attached", STORAGE_SAYS_BUSY},
    {"already exclusively attached", STORAGE_SAYS_BUSY},
    {"currently attached", STORAGE_SAYS_BUSY},
    {"attached to another", STORAGE_SAYS_BUSY},
    {"volumeinuse", STORAGE_SAYS_BUSY},
    {"is in use by", STORAGE_SAYS_BUSY},
    {"unauthenticated", STORAGE_SAYS_CREDENTIALS},
    {"unauthorized", STORAGE_SAYS_CREDENTIALS},
    {"invalidclienttoken", STORAGE_SAYS_CREDENTIALS},
    {"invalid_client", STORAGE_SAYS_CREDENTIALS},
    {"authfailure", STORAGE_SAYS_CREDENTIALS},
    {"authentication failed", STORAGE_SAYS_CREDENTIALS},
    {"authorizationfailed", STORAGE_SAYS_CREDENTIALS},
    {"invalid credential", STORAGE_SAYS_CREDENTIALS},
    {"signaturedoesnotmatch", STORAGE_SAYS_CREDENTIALS},
    {"expiredtoken", STORAGE_SAYS_CREDENTIALS},
    {"accessdenied", STORAGE_SAYS_CREDENTIALS},
    {"incorrect user name or password", STORAGE_SAYS_CREDENTIALS},
    {"cannot complete login", STORAGE_SAYS_CREDENTIALS},
    {"invalidvolume.notfound", STORAGE_SAYS_GONE},
    {"volumenotfound", STORAGE_SAYS_GONE},
    {"no such volume", STORAGE_SAYS_GONE},
    {"code = notfound", STORAGE_SAYS_GONE},
    {"does not exist", STORAGE_SAYS_GONE},
    {"could not be found", STORAGE_SAYS_GONE},
    {"not found", STORAGE_SAYS_GONE},
};

/* @number as a word: not part of an id or an address */
static gboolean
has_number(const char *text, const char *number)
{
	gsize length = strlen(number);

	for (const char *p = strstr(text, number); p != NULL; p = strstr(p + 1, number)) {
		gboolean begins = p == text || strchr(" :=(", p[-1]) != NULL;

		if (begins && strchr(" ,.;:)", p[length]) != NULL)
			return TRUE;
	}
	return FALSE;
}

StorageSays
storage_message_says(const char *message)
{
	g_autofree char *text = g_ascii_strdown(message, -1);

	if (*text == '\0')
		return STORAGE_SAYS_NOTHING;
	for (guint i = 0; i < G_N_ELEMENTS(phrases); i++)
		if (strstr(text, phrases[i].text) != NULL)
			return phrases[i].says;
	if (has_number(text, "401") || has_number(text, "403"))
		return STORAGE_SAYS_CREDENTIALS;
	return STORAGE_SAYS_OTHER;
}
