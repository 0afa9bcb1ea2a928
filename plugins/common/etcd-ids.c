/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "etcd-ids.h"
#include <string.h>

static void
member_free(RdMember *member)
{
	g_free(member->url);
	g_free(member);
}

RdMembers *
rd_members_new(guint64 cluster)
{
	RdMembers *self = g_new0(RdMembers, 1);

	self->cluster = cluster;
	self->members = g_ptr_array_new_with_free_func((GDestroyNotify)member_free);
	return self;
}

void
rd_members_free(RdMembers *self)
{
	g_ptr_array_unref(self->members);
	g_free(self);
}

static int
member_compare(gconstpointer a, gconstpointer b)
{
	const RdMember *left = *(RdMember *const *)a, *right = *(RdMember *const *)b;
	int urls = strcmp(left->url, right->url);

	if (urls != 0)
		return urls;
	return (left->id > right->id) - (left->id < right->id);
}

void
rd_members_add(RdMembers *self, const char *url, guint64 id)
{
	RdMember *member = g_new0(RdMember, 1);

	member->url = g_strdup(url);
	member->id = id;
	g_ptr_array_add(self->members, member);
	g_ptr_array_sort(self->members, member_compare);
}

gboolean
rd_members_equal(const RdMembers *a, const RdMembers *b)
{
	if (a->cluster != b->cluster || a->members->len != b->members->len)
		return FALSE;
	for (guint i = 0; i < a->members->len; i++)
		if (member_compare(&a->members->pdata[i], &b->members->pdata[i]) != 0)
			return FALSE;
	return TRUE;
}

const RdMember *
rd_members_find(const RdMembers *self, guint64 id)
{
	for (guint i = 0; i < self->members->len; i++) {
		const RdMember *member = self->members->pdata[i];

		if (member->id == id)
			return member;
	}
	return NULL;
}

const RdMember *
rd_members_find_url(const RdMembers *self, const char *url)
{
	for (guint i = 0; i < self->members->len; i++) {
		const RdMember *member = self->members->pdata[i];

		if (strcmp(member->url, url) == 0)
			return member;
	}
	return NULL;
}

/* the first eight bytes of the digest, big endian */
static guint64
digest_id(GChecksum *checksum)
{
	guint8 digest[20];
	gsize size = sizeof(digest);
	guint64 id;

	g_checksum_get_digest(checksum, digest, &size);
	memcpy(&id, digest, sizeof(id));
	return GUINT64_FROM_BE(id);
}

static guint64
member_id(const char *url, const char *token)
{
	g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA1);

	g_checksum_update(checksum, (const guchar *)url, strlen(url));
	g_checksum_update(checksum, (const guchar *)token, strlen(token));
	return digest_id(checksum);
}

static int
id_compare(gconstpointer a, gconstpointer b)
{
	guint64 left = *(const guint64 *)a, right = *(const guint64 *)b;

	return (left > right) - (left < right);
}

RdMembers *
rd_members_predict(const char *token, const char *const *urls)
{
	g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA1);
	g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(guint64));
	RdMembers *self = rd_members_new(0);

	for (guint i = 0; urls[i] != NULL; i++) {
		guint64 id = member_id(urls[i], token);

		rd_members_add(self, urls[i], id);
		g_array_append_val(ids, id);
	}
	g_array_sort(ids, id_compare);
	for (guint i = 0; i < ids->len; i++) {
		guint64 id = GUINT64_TO_BE(g_array_index(ids, guint64, i));

		g_checksum_update(checksum, (const guchar *)&id, sizeof(id));
	}
	self->cluster = digest_id(checksum);
	return self;
}

char *
rd_members_to_string(const RdMembers *self)
{
	GString *text = g_string_new(NULL);

	g_string_append_printf(text, "cluster=%" G_GINT64_MODIFIER "x", self->cluster);
	for (guint i = 0; i < self->members->len; i++) {
		const RdMember *member = self->members->pdata[i];

		g_string_append_printf(text, ",%s=%" G_GINT64_MODIFIER "x", member->url,
				       member->id);
	}
	return g_string_free(text, FALSE);
}

RdMembers *
rd_members_parse(const char *text)
{
	g_auto(GStrv) parts = g_strsplit(text, ",", -1);
	g_autoptr(RdMembers) self = rd_members_new(0);

	for (guint i = 0; parts[i] != NULL; i++) {
		char *equals = strrchr(parts[i], '=');
		guint64 id;

		if (equals == NULL || !rd_id_parse(equals + 1, &id))
			return NULL;
		*equals = '\0';
		if ((i == 0) != g_str_equal(parts[i], "cluster"))
			return NULL;
		if (i == 0)
			self->cluster = id;
		else
			rd_members_add(self, parts[i], id);
	}
	return self->members->len > 0 ? g_steal_pointer(&self) : NULL;
}

gboolean
rd_id_parse(const char *text, guint64 *id)
{
	return g_ascii_string_to_unsigned(text, 16, 0, G_MAXUINT64, id, NULL);
}
