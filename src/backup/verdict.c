/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-backup"

#include "verdict.h"

#include "plugins/common/archive.h"

#include <glib/gstdio.h>
#include <string.h>

#define DAY	   (24 * 60 * 60)
#define NAMED_MAX  5 /* of what is listed in a text */
#define ANOTHER	   "Use another backup"
#define COPY_AGAIN "Copy it again from where it was written, or use another backup"

static const char *const levels[] = {
    [RD_CHECK_OK] = "ok",
    [RD_CHECK_WARN] = "warn",
    [RD_CHECK_BLOCK] = "block",
};
G_STATIC_ASSERT(G_N_ELEMENTS(levels) == RD_CHECK_BLOCK + 1);

const char *
rd_check_level_to_string(RdCheckLevel level)
{
	return levels[level];
}

static void
check_free(gpointer data)
{
	RdCheck *self = data;

	g_free(self->text);
	g_free(self->remedy);
	g_free(self);
}

/* @remedy NULL: ok */
static void G_GNUC_PRINTF(5, 6) add(RdBackupVerdict *self, const char *name, RdCheckLevel level,
				    const char *remedy, const char *format, ...)
{
	RdCheck *check = g_new0(RdCheck, 1);
	va_list args;

	va_start(args, format);
	check->text = g_strdup_vprintf(format, args);
	va_end(args);
	check->name = name;
	check->level = level;
	check->remedy = g_strdup(remedy);
	g_ptr_array_add(self->checks, check);
	self->level = MAX(self->level, level);
}

/* the first few of @texts, and how many more there are */
static char *
list_texts(const char *const *texts)
{
	GString *list = g_string_new(NULL);
	guint count = g_strv_length((char **)texts);

	for (guint i = 0; i < MIN(count, NAMED_MAX); i++)
		g_string_append_printf(list, "%s%s", i > 0 ? ", " : "", texts[i]);
	if (count > NAMED_MAX)
		g_string_append_printf(list, " and %u more", count - NAMED_MAX);
	return g_string_free(list, FALSE);
}

static char *
format_day(gint64 seconds)
{
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(seconds);

	return time != NULL ? g_date_time_format(time, "%F %H:%M UTC") : g_strdup("an odd time");
}

/* ---- the snapshot -------------------------------------------------------------------------- */

/* of 4.1 to 4.3: the snapshots of all masters are alike but for the moment, so any tells */
static gboolean
check_archive(RdBackupVerdict *self, const char *archive)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *file = rd_archive_unpack(archive, &error);

	if (file == NULL) {
		add(self, "pair", RD_CHECK_BLOCK, "Take another backup", "%s", error->message);
		self->path = g_strdup(archive);
		return FALSE;
	}
	add(self, "pair", RD_CHECK_OK, NULL, "a snapshot of a master, and what belongs to it");
	self->unpacked = g_strdup(file);
	self->path = g_steal_pointer(&file);
	return TRUE;
}

/* FALSE: nothing is there to be looked at */
static gboolean
check_pair(RdBackupVerdict *self, const char *path)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *absolute = g_canonicalize_filename(path, NULL);
	g_autofree char *name = g_path_get_basename(absolute);

	if (g_file_test(absolute, G_FILE_TEST_IS_REGULAR) && rd_archive_is(absolute))
		return check_archive(self, absolute);
	if (g_file_test(absolute, G_FILE_TEST_IS_REGULAR) && !g_str_has_prefix(name, "snapshot_")) {
		self->path = g_steal_pointer(&absolute);
		add(self, "pair", RD_CHECK_WARN,
		    "Give the directory that cluster-backup.sh wrote, when there is one: restoring "
		    "with scripts needs both files",
		    "a snapshot alone, without the static resources of its cluster");
		return TRUE;
	}
	self->pair = rd_pair_choose(absolute, &error);
	if (self->pair != NULL) {
		self->path = g_strdup(self->pair->snapshot);
		add(self, "pair", RD_CHECK_OK, NULL, "snapshot and static resources %s",
		    self->pair->stamp);
		return TRUE;
	}
	add(self, "pair", RD_CHECK_BLOCK,
	    g_file_test(absolute, G_FILE_TEST_EXISTS)
		? "Put both files of one backup into a directory of their own"
		: "Give the directory that cluster-backup.sh wrote",
	    "%s", error->message);
	self->path = g_steal_pointer(&absolute);
	/* the snapshot is there: what is wrong with it is worth knowing */
	return g_file_test(self->path, G_FILE_TEST_IS_REGULAR);
}

static void
check_age(RdBackupVerdict *self, gint64 now)
{
	gint64 age = 0;

	if (self->pair == NULL || self->pair->taken == NULL)
		return;
	age = now - g_date_time_to_unix(self->pair->taken);
	if (age < 0)
		add(self, "age", RD_CHECK_WARN,
		    "Compare the clocks of this machine and of the host that wrote it",
		    "its name says that it was taken in the future");
	else if (age < 2 * DAY)
		add(self, "age", RD_CHECK_OK, NULL, "taken %" G_GINT64_FORMAT " hours ago",
		    age / 3600);
	else
		add(self, "age", RD_CHECK_OK, NULL, "taken %" G_GINT64_FORMAT " days ago",
		    age / DAY);
}

static void
check_bytes(RdBackupVerdict *self, GCancellable *cancellable)
{
	RdSnapshot *proof = rd_snapshot_check(self->path, cancellable);

	self->proof = proof;
	switch (proof->verdict) {
	case RD_SNAPSHOT_SOUND:
		add(self, "bytes", RD_CHECK_OK, NULL,
		    "%" G_GOFFSET_FORMAT " bytes, those that etcd sent: SHA-256 %s", proof->size,
		    proof->sha256);
		break;
	case RD_SNAPSHOT_NO_HASH:
		add(self, "bytes", RD_CHECK_BLOCK,
		    "Use a backup that `etcdctl snapshot save` wrote. When there is none, the rest "
		    "of these checks says how much of this one is sound; a restore then needs "
		    "--skip-hash-check",
		    "%s", proof->text);
		break;
	default:
		add(self, "bytes", RD_CHECK_BLOCK, COPY_AGAIN, "%s", proof->text);
		break;
	}
	if (proof->dirty)
		add(self, "dirty", RD_CHECK_WARN,
		    "Use the backup before or after it, or expect that operators roll out again",
		    "taken with --force while operators were at work (__POSSIBLY_DIRTY__): what it "
		    "holds may be half of a change");
}

static gboolean
check_tree(RdBackupVerdict *self, GCancellable *cancellable, GError **error)
{
	g_autoptr(GError) local = NULL;
	RdFacts *facts = rd_facts_read(self->path, cancellable, &local);

	self->facts = facts;
	if (g_error_matches(local, RD_BACKUP_ERROR, RD_BACKUP_ERROR_CANCELLED)) {
		g_propagate_error(error, g_steal_pointer(&local));
		return FALSE;
	}
	if (facts == NULL) {
		add(self, "tree", RD_CHECK_BLOCK, COPY_AGAIN, "%s", local->message);
		return TRUE;
	}
	add(self, "tree", RD_CHECK_OK, NULL,
	    "%" G_GUINT64_FORMAT " pages in use and %" G_GUINT64_FORMAT " free, %" G_GUINT64_FORMAT
	    " buckets, all in order",
	    facts->tree.pages, facts->tree.free, facts->tree.buckets);
	if (facts->revision == 0 || facts->keys == 0)
		add(self, "keys", RD_CHECK_BLOCK, ANOTHER, "no key lives in it");
	else
		add(self, "keys", RD_CHECK_OK, NULL,
		    "revision %" G_GINT64_FORMAT ", %" G_GUINT64_FORMAT " keys, %" G_GUINT64_FORMAT
		    " revisions of them",
		    facts->revision, facts->keys, facts->revisions);
	return TRUE;
}

static void
check_members(RdBackupVerdict *self)
{
	g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
	g_auto(GStrv) names = NULL;
	g_autofree char *list = NULL;

	if (self->facts == NULL)
		return;
	for (guint i = 0; i < self->facts->members->len; i++) {
		const RdMember *member = self->facts->members->pdata[i];

		g_strv_builder_add(builder, member->name[0] != '\0' ? member->name : member->id);
	}
	names = g_strv_builder_end(builder);
	list = list_texts((const char *const *)names);
	if (names[0] == NULL)
		add(self, "members", RD_CHECK_WARN,
		    "Compare the cluster's id (backup show) with that of the cluster to be "
		    "restored",
		    "no member is written in it: whose it is does not show here");
	else
		add(self, "members", RD_CHECK_OK, NULL, "%s", list);
}

/* ---- the static resources ------------------------------------------------------------------ */

static gboolean
read_resources(RdBackupVerdict *self, GCancellable *cancellable, GError **error)
{
	g_autoptr(GError) local = NULL;

	/* gzip's own sum, which libarchive does not look at; then the tar */
	if (rd_pair_prove_resources(self->pair, cancellable, &local))
		self->resources = rd_resources_read(self->pair->resources, cancellable, &local);
	if (g_error_matches(local, RD_BACKUP_ERROR, RD_BACKUP_ERROR_CANCELLED)) {
		g_propagate_error(error, g_steal_pointer(&local));
		return FALSE;
	}
	if (self->resources == NULL)
		add(self, "resources", RD_CHECK_BLOCK, COPY_AGAIN, "%s", local->message);
	else
		add(self, "resources", RD_CHECK_OK, NULL,
		    "%" G_GUINT64_FORMAT " members, all below static-pod-resources/, none a link; "
		    "SHA-256 %s",
		    self->resources->members, self->pair->resources_sha256);
	return TRUE;
}

static void
check_manifests(RdBackupVerdict *self)
{
	g_autoptr(GString) missing = g_string_new(NULL);
	g_autoptr(GString) found = g_string_new(NULL);
	g_autoptr(GString) tagged = g_string_new(NULL);
	guint images = 0;

	for (guint i = 0; i < RD_STATIC_PODS; i++) {
		const RdStaticPod *pod = &self->resources->pods[i];

		if (!pod->found) {
			g_string_append_printf(missing, " %s", pod->name);
			continue;
		}
		g_string_append_printf(found, " %s-pod-%u", pod->name, pod->revision);
		images += g_strv_length(pod->images);
		if (pod->tagged || pod->images[0] == NULL)
			g_string_append_printf(tagged, " %s", pod->name);
	}
	if (missing->len > 0)
		add(self, "manifests", RD_CHECK_BLOCK, ANOTHER,
		    "the manifest of%s is not in it: a restore would stop etcd and then fail",
		    missing->str);
	else
		add(self, "manifests", RD_CHECK_OK, NULL, "all four:%s", found->str);
	if (tagged->len > 0)
		add(self, "images", RD_CHECK_WARN,
		    "Compare the release of this backup and of the hosts by hand",
		    "of%s not every image is named by digest: whether the release fits cannot be "
		    "told from it",
		    tagged->str);
	else if (images > 0)
		add(self, "images", RD_CHECK_OK, NULL, "%u, all by digest", images);
}

/* do etcd's members in the snapshot have the names of the hosts in the tar? */
static void
check_hosts(RdBackupVerdict *self)
{
	const char *const *hosts = (const char *const *)self->resources->hosts;
	g_autofree char *list = list_texts(hosts);
	guint count = g_strv_length(self->resources->hosts), common = 0, named = 0;

	for (guint i = 0; self->facts != NULL && i < self->facts->members->len; i++) {
		const RdMember *member = self->facts->members->pdata[i];

		named += member->name[0] != '\0' ? 1 : 0;
		common += g_strv_contains(hosts, member->name) ? 1 : 0;
	}
	if (count == 0 || named == 0)
		return;
	if (common == 0)
		add(self, "hosts", RD_CHECK_BLOCK, "Find the two files that were written together",
		    "the static resources are of %s, and no member in the snapshot is called so: "
		    "they are of two clusters",
		    list);
	else if (common < named || common < count)
		add(self, "hosts", RD_CHECK_WARN,
		    "Make sure that both files are of this cluster: `recoveryd backup show`",
		    "the static resources are of %s, the snapshot has other members too, or fewer",
		    list);
	else
		add(self, "hosts", RD_CHECK_OK, NULL, "%s in both files", list);
}

static void
check_certificates(RdBackupVerdict *self, gint64 now)
{
	g_autofree char *first_file = NULL;
	g_autofree char *ends = NULL;
	guint expired = 0, soon = 0, authorities = 0;
	const RdCertificate *first = NULL;
	GPtrArray *all = self->resources->certificates;

	for (guint i = 0; i < all->len; i++) {
		const RdCertificate *one = all->pdata[i];

		authorities += one->authority ? 1 : 0;
		expired += one->ends <= now ? 1 : 0;
		soon += one->ends > now && one->ends <= now + DAY ? 1 : 0;
		if (first == NULL || one->ends < first->ends)
			first = one;
	}
	if (self->resources->unreadable > 0)
		add(self, "certificates", RD_CHECK_WARN, ANOTHER ", when there is one",
		    "%u files with certificates cannot be read", self->resources->unreadable);
	if (first == NULL) {
		add(self, "certificates", RD_CHECK_WARN, ANOTHER ", when there is one",
		    "no certificate is in it");
		return;
	}
	ends = format_day(first->ends);
	first_file = g_utf8_make_valid(first->file, -1);
	if (expired > 0 || soon > 0)
		add(self, "certificates", RD_CHECK_WARN,
		    "Expect certificate requests to approve after the restore. When the signer "
		    "itself is over, it has to be renewed first",
		    "of %u certificates %u are over and %u end within a day; the first at %s (%s)",
		    all->len, expired, soon, ends, first_file);
	else
		add(self, "certificates", RD_CHECK_OK, NULL,
		    "%u, of which %u are authorities; the first ends at %s (%s)", all->len,
		    authorities, ends, first_file);
}

static void
check_encryption(RdBackupVerdict *self)
{
	GHashTable *used = self->facts != NULL ? self->facts->encrypted : NULL;
	const char *const *known = (const char *const *)self->resources->encryption_keys;
	g_autofree char *list = NULL;
	g_autoptr(GPtrArray) lacking = g_ptr_array_new();
	GHashTableIter iter;
	gpointer name = NULL;

	if (used == NULL)
		return;
	g_hash_table_iter_init(&iter, used);
	while (g_hash_table_iter_next(&iter, &name, NULL))
		if (!g_strv_contains(known, name))
			g_ptr_array_add(lacking, name);
	g_ptr_array_add(lacking, NULL);
	list = list_texts((const char *const *)lacking->pdata);
	if (lacking->len > 1)
		add(self, "encryption", RD_CHECK_BLOCK,
		    "Find the static resources that were written with this snapshot: without the "
		    "keys nothing can read these values",
		    "values in the snapshot are encrypted with %s, and the static resources do not "
		    "have %s",
		    list, lacking->len > 2 ? "these keys" : "this key");
	else if (self->resources->encryption_key != NULL)
		add(self, "encryption", RD_CHECK_OK, NULL,
		    "encrypted at rest, the first key is %s; all keys in use are there",
		    self->resources->encryption_key);
	else
		add(self, "encryption", RD_CHECK_OK, NULL, "not encrypted at rest");
}

/* ---- all of it ----------------------------------------------------------------------------- */

static gboolean
reach(RdBackupVerdict *self, const char *path, gint64 now, GCancellable *cancellable,
      GError **error)
{
	if (!check_pair(self, path))
		return TRUE;
	check_age(self, now);
	check_bytes(self, cancellable);
	if (!check_tree(self, cancellable, error))
		return FALSE;
	check_members(self);
	if (self->pair == NULL)
		return TRUE;
	if (!read_resources(self, cancellable, error))
		return FALSE;
	if (self->resources == NULL)
		return TRUE;
	check_manifests(self);
	check_hosts(self);
	check_certificates(self, now);
	check_encryption(self);
	return TRUE;
}

RdBackupVerdict *
rd_verdict_reach(const char *path, gint64 now, GCancellable *cancellable, GError **error)
{
	g_autoptr(RdBackupVerdict) self = g_new0(RdBackupVerdict, 1);

	self->checks = g_ptr_array_new_with_free_func(check_free);
	return reach(self, path, now, cancellable, error) ? g_steal_pointer(&self) : NULL;
}

void
rd_verdict_free(RdBackupVerdict *self)
{
	if (self == NULL)
		return;
	g_free(self->path);
	if (self->unpacked != NULL)
		(void)g_unlink(self->unpacked);
	g_free(self->unpacked);
	rd_pair_free(self->pair);
	rd_snapshot_free(self->proof);
	rd_facts_free(self->facts);
	rd_resources_free(self->resources);
	g_ptr_array_unref(self->checks);
	g_free(self);
}
