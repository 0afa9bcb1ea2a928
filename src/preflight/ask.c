/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-preflight"

#include <string.h>

#include "backup/certificates.h"
#include "plugins/common/address.h"
#include "plugins/common/containers.h"
#include "plugins/etcd/script-class.h"
#include "plugins/keepalived/parse.h"
#include "preflight/ask-private.h"

#define RESOURCES  "/etc/kubernetes/static-pod-resources/"
#define ETCD_CERTS RESOURCES "etcd-certs/"
#define ETCD_ENV   ETCD_CERTS "configmaps/etcd-scripts/etcd.env"
#define ETCD_DIR   "/var/lib/etcd"
#define SCRIPT	   "/usr/local/bin/cluster-restore.sh"

/* FALSE with error: no answer. reply.verdict tells whether the command ran */
static gboolean
ask(RdWorld *world, const char *host, const char *const *argv, RdReply *reply, GError **error)
{
	RdCall call = {.verb = RD_CALL_ASK, .run = RD_ASK_RUN, .argv = argv, .input_fd = -1};

	return world->klass->call(world, host, &call, reply, error);
}

static char *
reply_text(const RdReply *reply)
{
	gsize size = 0;
	const char *data = reply->out != NULL ? g_bytes_get_data(reply->out, &size) : NULL;

	return g_strndup(data != NULL ? data : "", size);
}

gboolean
rd_preflight_ask(RdWorld *world, const char *host, const char *const *argv, char **out,
		 GError **error)
{
	g_auto(RdReply) reply = {0};

	*out = NULL;
	if (!ask(world, host, argv, &reply, error))
		return FALSE;
	if (reply.verdict == RD_VERDICT_DONE && reply.status == 0)
		*out = reply_text(&reply);
	return TRUE;
}

char *
rd_asking_both(RdAsking *self, const char *const *argv)
{
	g_auto(RdReply) reply = {0};
	g_autofree char *out = NULL;

	if (self->error != NULL ||
	    !ask(self->world, self->facts->host->name, argv, &reply, &self->error) ||
	    reply.verdict != RD_VERDICT_DONE)
		return NULL;
	out = reply_text(&reply);
	return g_strconcat(out, "\n", reply.err, NULL);
}

char *
rd_asking_vector(RdAsking *self, const char *const *argv)
{
	char *out = NULL;

	if (self->error == NULL)
		rd_preflight_ask(self->world, self->facts->host->name, argv, &out, &self->error);
	return out;
}

char *
rd_asking(RdAsking *self, const char *word, ...)
{
	g_autoptr(GPtrArray) argv = g_ptr_array_new();
	va_list words;

	va_start(words, word);
	for (const char *next = word; next != NULL; next = va_arg(words, const char *))
		g_ptr_array_add(argv, (gpointer)next);
	va_end(words);
	g_ptr_array_add(argv, NULL);
	return rd_asking_vector(self, (const char *const *)argv->pdata);
}

gboolean
rd_asking_exists(RdAsking *self, const char *path)
{
	g_autofree char *out = rd_asking(self, "stat", "-c", "%i", path, NULL);

	return out != NULL;
}

char **
rd_asking_names(RdAsking *self, const char *dir)
{
	g_autofree char *out = rd_asking(self, "ls", "-A1", dir, NULL);
	g_auto(GStrv) lines = g_strsplit(out != NULL ? out : "", "\n", -1);
	g_autoptr(GStrvBuilder) names = g_strv_builder_new();

	for (guint i = 0; lines[i] != NULL; i++)
		if (*lines[i] != '\0' && *lines[i] != '.')
			g_strv_builder_add(names, lines[i]);
	return g_strv_builder_end(names);
}

gboolean
rd_ask_survey(RdWorld *world, RdHostFacts *facts, GError **error)
{
	RdCall call = {.verb = RD_CALL_SURVEY, .run = RD_ASK_RUN, .input_fd = -1};
	g_auto(RdReply) reply = {0};

	facts->before = world->klass->clock(world);
	if (!world->klass->call(world, facts->host->name, &call, &reply, error))
		return FALSE;
	facts->after = world->klass->clock(world);
	if (!rd_survey_parse(reply.out, &facts->survey, error))
		return FALSE;
	facts->surveyed = TRUE;
	return TRUE;
}

/* ---- the host ------------------------------------------------------------------------------ */

static void
ask_kubelet(RdAsking *self)
{
	g_autofree char *out = rd_asking(self, "systemctl", "show", "-p", "ActiveState", "-p",
					 "ActiveEnterTimestampMonotonic", "kubelet.service", NULL);

	self->facts->kubelet = out != NULL && strstr(out, "ActiveState=active\n") != NULL;
}

static int
compare_texts(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* "@sha256:…" of every image in @text */
static void
add_digests(GPtrArray *images, const char *text)
{
	static const char mark[] = "@sha256:";

	for (const char *at = strstr(text, mark); at != NULL; at = strstr(at + 1, mark)) {
		gsize size = strspn(at + strlen(mark), "0123456789abcdef");
		g_autofree char *digest = g_strndup(at + 1, strlen(mark) - 1 + size);

		if (size == 64 &&
		    !g_ptr_array_find_with_equal_func(images, digest, g_str_equal, NULL))
			g_ptr_array_add(images, g_steal_pointer(&digest));
	}
}

static void
ask_manifests(RdAsking *self)
{
	static const char *const pods[] = {"etcd", "kube-apiserver", "kube-controller-manager",
					   "kube-scheduler"};
	static const char revision[] = "/kube-apiserver-pod-";
	RdHostFacts *facts = self->facts;
	g_autoptr(GPtrArray) images = g_ptr_array_new_with_free_func(g_free);

	facts->manifests = rd_asking_names(self, RD_MANIFESTS);
	for (guint i = 0; i < G_N_ELEMENTS(pods); i++) {
		const RdPod *pod = rd_pod_find(pods[i], NULL);
		g_autofree char *text = rd_asking(self, "cat", pod->manifest, NULL);
		const char *at = text != NULL ? strstr(text, revision) : NULL;

		if (text != NULL)
			add_digests(images, text);
		if (at != NULL)
			facts->revision = (guint)g_ascii_strtoull(at + strlen(revision), NULL, 10);
	}
	g_ptr_array_sort(images, compare_texts);
	g_ptr_array_add(images, NULL);
	facts->images = (char **)g_ptr_array_steal(images, NULL);
}

static void
ask_addresses(RdAsking *self)
{
	g_autofree char *out = rd_asking(self, "ip", "-o", "address", NULL);
	g_autoptr(GPtrArray) assigned = out != NULL ? rd_assigned_parse(out, NULL) : NULL;
	g_autoptr(GStrvBuilder) addresses = g_strv_builder_new();

	for (guint i = 0; assigned != NULL && i < assigned->len; i++) {
		const RdAssigned *one = g_ptr_array_index(assigned, i);
		g_autofree char *text = rd_address_print(&one->address);

		g_strv_builder_add(addresses, text);
	}
	self->facts->addresses = g_strv_builder_end(addresses);
}

static void
ask_vips(RdAsking *self)
{
	g_autofree char *conf = rd_asking(self, "cat", "/etc/keepalived/keepalived.conf", NULL);
	g_autoptr(RdVips) vips = rd_vips_new();
	g_autoptr(GStrvBuilder) all = g_strv_builder_new();

	if (conf != NULL)
		rd_keepalived_read_conf(vips, self->facts->host->name, conf, NULL);
	for (guint kind = 0; kind < RD_VIP_KINDS; kind++) {
		g_autoptr(GArray) set = rd_vips_get(vips, kind, NULL);

		for (guint i = 0; set != NULL && i < set->len; i++) {
			g_autofree char *text = rd_address_print(&g_array_index(set, RdAddress, i));

			g_strv_builder_add(all, text);
		}
	}
	self->facts->vips = g_strv_builder_end(all);
}

/* the last line of df, whose numbers may be "-" */
static void
read_df(const char *out, RdRoom *room)
{
	g_auto(GStrv) lines = g_strsplit(out, "\n", -1);
	guint n = g_strv_length(lines);
	gint64 *const numbers[] = {&room->bytes, &room->inodes};
	char *save = NULL, *word;

	while (n > 0 && *g_strstrip(lines[n - 1]) == '\0')
		n--;
	word = n > 0 ? strtok_r(lines[n - 1], " ", &save) : NULL;
	for (guint i = 0; word != NULL && i < G_N_ELEMENTS(numbers); i++) {
		if (g_ascii_isdigit(*word))
			*numbers[i] = g_ascii_strtoll(word, NULL, 10);
		word = strtok_r(NULL, " ", &save);
	}
	/* xfs and btrfs have no fixed number of them, and some say so with 0 */
	if (room->inodes == 0 && room->bytes > 0)
		room->inodes = -1;
}

static void
ask_rooms(RdAsking *self)
{
	for (guint i = 0; i < RD_ROOMS; i++) {
		RdRoom *room = &self->facts->rooms[i];
		g_autofree char *df =
		    rd_asking(self, "df", "-B1", "--output=avail,iavail", rd_room_paths[i], NULL);
		g_autofree char *mount = rd_asking(self, "findmnt", "-n", "-o", "FSTYPE,TARGET",
						   "-T", rd_room_paths[i], NULL);
		const char *target = mount != NULL ? strchr(mount, ' ') : NULL;

		room->bytes = room->inodes = -1;
		if (df != NULL)
			read_df(df, room);
		if (target == NULL)
			continue;
		room->type = g_strndup(mount, target - mount);
		room->mount = g_strstrip(g_strdup(target));
	}
}

/* ---- its etcd ------------------------------------------------------------------------------ */

static void
ask_script(RdAsking *self)
{
	RdHostFacts *facts = self->facts;
	g_autofree char *sum = rd_asking(self, "sha256sum", SCRIPT, NULL);
	const RdScriptClass *class;

	facts->quorum_restore = rd_asking_exists(self, "/usr/local/bin/quorum-restore.sh");
	if (sum == NULL || strlen(sum) < 64)
		return;
	facts->script_sha256 = g_strndup(sum, 64);
	class = rd_script_by_sha256(facts->script_sha256);
	facts->script_known = class != NULL;
	if (class == NULL) {
		g_autofree char *text = rd_asking(self, "cat", SCRIPT, NULL);

		class = text != NULL ? rd_script_by_content(text) : NULL;
	}
	facts->script = class != NULL ? class->name : NULL;
	facts->document = class != NULL ? class->document : NULL;
}

static void
ask_data(RdAsking *self)
{
	static const char *const others[] = {"/var/lib/etcd-backup/member",
					     "/home/core/assets/manifests-stopped"};
	RdHostFacts *facts = self->facts;
	g_autofree char *db =
	    rd_asking(self, "stat", "-c", "%i %s", ETCD_DIR "/member/snap/db", NULL);
	g_autoptr(GStrvBuilder) strangers = g_strv_builder_new();
	g_autoptr(GStrvBuilder) leftovers = g_strv_builder_new();
	g_auto(GStrv) names = rd_asking_names(self, ETCD_DIR);

	facts->data = db != NULL;
	if (db != NULL && strchr(db, ' ') != NULL)
		facts->db_size = g_ascii_strtoull(strchr(db, ' '), NULL, 10);
	for (guint i = 0; names[i] != NULL; i++)
		if (strcmp(names[i], "member") != 0 && strcmp(names[i], "revision.json") != 0)
			g_strv_builder_add(strangers, names[i]);
	for (guint i = 0; i < G_N_ELEMENTS(others); i++) {
		g_auto(GStrv) below = rd_asking_names(self, others[i]);

		if (below[0] != NULL)
			g_strv_builder_add(leftovers, others[i]);
	}
	facts->data_strangers = g_strv_builder_end(strangers);
	facts->leftovers = g_strv_builder_end(leftovers);
}

static void
ask_certificates(RdAsking *self)
{
	RdHostFacts *facts = self->facts;
	g_autofree char *own = rd_asking(self, "find", ETCD_CERTS "secrets/etcd-all-certs", "-name",
					 "*.crt", "-exec", "cat", "{}", "+", NULL);
	g_autofree char *bundle = rd_asking(
	    self, "cat", ETCD_CERTS "configmaps/etcd-all-bundles/server-ca-bundle.crt", NULL);

	if (own != NULL)
		rd_certificates_add(facts->certificates, "etcd-all-certs", (const guint8 *)own,
				    strlen(own));
	if (bundle != NULL)
		rd_certificates_add(facts->certificates, "server-ca-bundle.crt",
				    (const guint8 *)bundle, strlen(bundle));
}

/* The first provider writes, with its first key. Only these words leave the host, no secret. */
static void
ask_encryption(RdAsking *self)
{
	g_autofree char *file = g_strdup_printf(
	    RESOURCES "kube-apiserver-pod-%u/secrets/encryption-config/encryption-config",
	    self->facts->revision);
	g_autofree char *out = NULL;
	g_auto(GStrv) words = NULL;
	const char *provider = NULL;

	if (self->facts->revision == 0)
		return;
	out = rd_asking(self, "grep", "-oE",
			"\"(aescbc|aesgcm|secretbox|kms|identity)\"|\"name\" *: *\"[^\"]*\"", file,
			NULL);
	words = g_strsplit(out != NULL ? out : "", "\n", -1);
	for (guint i = 0; words[i] != NULL; i++) {
		g_auto(GStrv) parts = g_strsplit(words[i], "\"", -1);
		guint n = g_strv_length(parts);

		if (n == 3 && provider == NULL)
			provider = g_strcmp0(parts[1], "aescbc") == 0	   ? "aescbc"
				   : g_strcmp0(parts[1], "aesgcm") == 0	   ? "aesgcm"
				   : g_strcmp0(parts[1], "secretbox") == 0 ? "secretbox"
				   : g_strcmp0(parts[1], "kms") == 0	   ? "kms"
									   : "identity";
		else if (n == 5 && provider != NULL) {
			if (strcmp(provider, "identity") != 0)
				self->facts->encryption_key =
				    g_strdup_printf("%s/%s", provider, parts[3]);
			return;
		}
	}
}

gboolean
rd_ask_host(RdWorld *world, RdHostFacts *facts, GError **error)
{
	RdAsking self = {.world = world, .facts = facts};
	static void (*const questions[])(RdAsking * self) = {
	    ask_kubelet,    ask_manifests, ask_addresses,     ask_vips,
	    ask_rooms,	    ask_script,	   ask_data,	      ask_certificates,
	    ask_encryption, rd_asking_env, rd_asking_members, rd_asking_runs};

	for (guint i = 0; i < G_N_ELEMENTS(questions); i++)
		questions[i](&self);
	facts->asked = self.error == NULL;
	if (facts->asked)
		return TRUE;
	g_free(facts->silence);
	facts->silence = g_strdup(self.error->message);
	g_propagate_error(error, self.error);
	return FALSE;
}
