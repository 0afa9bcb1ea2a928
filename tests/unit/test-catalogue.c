/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which plugins are loaded and which are refused, and with which words. tests/unit/plugins/ has a
 * plugin for each way to be unfit; its second line says what has to be said about it. */

#include "runner/catalogue.h"
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
	char *dir;     /* (owned) empty at first */
	char *good;    /* (owned) a copy of good.so there, 0644 */
	char *content; /* (owned) of it */
	gsize size;
	RdCatalogue *catalogue; /* (owned) */
} Fixture;

static char *
module(const char *name)
{
	return g_strdup_printf("%s/tests/unit/plugins/%s.so", g_getenv("BUILD_ROOT"), name);
}

static void
write_file(const char *path, const char *content, gsize size, guint mode)
{
	g_autoptr(GError) error = NULL;

	g_file_set_contents_full(path, content, (gssize)size, G_FILE_SET_CONTENTS_NONE, 0600,
				 &error);
	g_assert_no_error(error);
	g_assert_cmpint(chmod(path, mode), ==, 0);
}

static void
setup(Fixture *self, gconstpointer data)
{
	g_autofree char *from = module("good");
	g_autoptr(GError) error = NULL;

	/* libc's: GLib takes the same name again in each test, and GModule does not open a file
	 * twice whose name it has seen */
	self->dir = g_build_filename(g_get_tmp_dir(), "catalogue-XXXXXX", NULL);
	g_assert_nonnull(mkdtemp(self->dir));
	self->good = g_build_filename(self->dir, "good.so", NULL);
	g_file_get_contents(from, &self->content, &self->size, &error);
	g_assert_no_error(error);
	write_file(self->good, self->content, self->size, 0644);
	self->catalogue = rd_catalogue_new();
}

static void
teardown(Fixture *self, gconstpointer data)
{
	g_autoptr(GDir) dir = g_dir_open(self->dir, 0, NULL);
	const char *name;

	while ((name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *path = g_build_filename(self->dir, name, NULL);

		g_remove(path);
	}
	g_rmdir(self->dir);
	rd_catalogue_free(self->catalogue);
	g_free(self->dir);
	g_free(self->good);
	g_free(self->content);
}

/* one line, which begins with the file's name and says @words; nothing was loaded */
static void
assert_refused(RdCatalogue *catalogue, const char *file, const char *words)
{
	g_autofree char *begin = g_strdup_printf("%s: %s", file, words);
	g_autoptr(GError) error = NULL;

	g_assert_false(rd_catalogue_load(catalogue, file, &error));
	g_assert_nonnull(error);
	if (!g_str_has_prefix(error->message, begin))
		g_error("expected \"%s\", got \"%s\"", begin, error->message);
	g_assert_null(strchr(error->message, '\n'));
	g_assert_null(rd_catalogue_find(catalogue, "broken/act"));
}

static guint
count_types(RdCatalogue *catalogue)
{
	g_autoptr(JsonNode) all = rd_catalogue_describe(catalogue);
	JsonArray *plugins = json_object_get_array_member(json_node_get_object(all), "plugins");

	return json_array_get_length(plugins);
}

/* ---- tables -------------------------------------------------------------------------------- */

static void
test_table(gconstpointer data)
{
	const char *name = data;
	g_autofree char *source =
	    g_strdup_printf("%s/tests/unit/plugins/%s.c", g_getenv("SOURCE_ROOT"), name);
	g_autofree char *good = module("good");
	g_autofree char *file = module(name);
	g_autofree char *text = NULL;
	g_autoptr(RdCatalogue) catalogue = rd_catalogue_new();
	g_autoptr(GError) error = NULL;
	char *words, *end;

	g_file_get_contents(source, &text, NULL, &error);
	g_assert_no_error(error);
	words = strstr(text, "\n/* ");
	g_assert_nonnull(words);
	words += strlen("\n/* ");
	end = strstr(words, " */");
	g_assert_nonnull(end);
	*end = '\0';
	rd_catalogue_load(catalogue, good, &error);
	g_assert_no_error(error);
	if (g_str_equal(name, "good")) {
		g_assert_cmpstr(words, ==, "loads");
		g_assert_nonnull(rd_catalogue_find(catalogue, "good/act"));
		g_assert_nonnull(rd_catalogue_find(catalogue, "good/look"));
		g_assert_null(rd_catalogue_find(catalogue, "good/ac"));
		g_assert_null(rd_catalogue_find(catalogue, "goo/act"));
		g_assert_null(rd_catalogue_find(catalogue, "act"));
		return;
	}
	g_assert_true(g_str_has_prefix(words, "refused: "));
	assert_refused(catalogue, file, words + strlen("refused: "));
	/* what was there before is still there */
	g_assert_cmpuint(count_types(catalogue), ==, 1);
	g_assert_nonnull(rd_catalogue_find(catalogue, "good/act"));
}

static void
add_tables(void)
{
	g_autofree char *path =
	    g_build_filename(g_getenv("SOURCE_ROOT"), "tests/unit/plugins", NULL);
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	const char *name;
	guint n = 0;

	g_assert_nonnull(dir);
	while ((name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *test = NULL;
		char *stem;

		if (!g_str_has_suffix(name, ".c"))
			continue;
		stem = g_strndup(name, strlen(name) - 2);
		test = g_strconcat("/catalogue/table/", stem, NULL);
		g_test_add_data_func_full(test, stem, test_table, g_free);
		n++;
	}
	g_assert_cmpuint(n, >, 20);
}

/* ---- files --------------------------------------------------------------------------------- */

static void
test_loads(Fixture *self, gconstpointer data)
{
	g_autoptr(GError) error = NULL;

	rd_catalogue_load(self->catalogue, self->good, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(count_types(self->catalogue), ==, 1);
}

static void
test_writable(Fixture *self, gconstpointer data)
{
	static const guint modes[] = {0646, 0664, 0666, 0777};

	for (guint i = 0; i < G_N_ELEMENTS(modes); i++) {
		g_autofree char *words =
		    g_strdup_printf("may be written by others (mode %04o): chmod go-w", modes[i]);

		g_assert_cmpint(chmod(self->good, modes[i]), ==, 0);
		assert_refused(self->catalogue, self->good, words);
	}
}

/* what decides is the file that is read, not the name it has here */
static void
test_writable_behind_link(Fixture *self, gconstpointer data)
{
	g_autofree char *link = g_build_filename(self->dir, "link.so", NULL);

	g_assert_cmpint(symlink(self->good, link), ==, 0);
	g_assert_cmpint(chmod(self->good, 0666), ==, 0);
	assert_refused(self->catalogue, link, "may be written by others (mode 0666): chmod go-w");
}

static void
test_foreign_owner(Fixture *self, gconstpointer data)
{
	if (geteuid() != 0) {
		g_test_skip("only root can give a file away");
		return;
	}
	g_assert_cmpint(chown(self->good, 65534, 65534), ==, 0);
	assert_refused(self->catalogue, self->good, "belongs to uid 65534, not to root or you");
}

static void
test_no_shared_object(Fixture *self, gconstpointer data)
{
	write_file(self->good, "#!/bin/sh\n", 10, 0755);
	assert_refused(self->catalogue, self->good, "");
	write_file(self->good, "", 0, 0644);
	assert_refused(self->catalogue, self->good, "");
}

static void
test_no_file(Fixture *self, gconstpointer data)
{
	g_assert_cmpint(g_remove(self->good), ==, 0);
	assert_refused(self->catalogue, self->good, "No such file or directory");
	assert_refused(self->catalogue, self->dir, "not a file");
}

/* half-copied, at every length that a block-wise copy could leave and some others */
static void
test_cut_short(Fixture *self, gconstpointer data)
{
	guint refused = 0;

	for (gsize size = 1; size < self->size; size += size < 2048 ? 61 : 1999) {
		g_autofree char *path =
		    g_strdup_printf("%s/cut-%" G_GSIZE_FORMAT ".so", self->dir, size);
		g_autoptr(GError) error = NULL;

		write_file(path, self->content, size, 0644);
		/* at the very end are names that nobody needs: then it loads */
		if (rd_catalogue_load(self->catalogue, path, &error))
			break;
		g_assert_true(g_str_has_prefix(error->message, path));
		refused++;
	}
	g_assert_cmpuint(refused, >, 34); /* those of the first kind, and more */
}

/* ---- directories --------------------------------------------------------------------------- */

static void
test_directory(Fixture *self, gconstpointer data)
{
	g_autofree char *note = g_build_filename(self->dir, "README", NULL);
	g_autofree char *bad = g_build_filename(self->dir, "zebra.so", NULL);
	g_autoptr(RdCatalogue) again = rd_catalogue_new();
	g_autoptr(GError) error = NULL;

	write_file(note, "no plugin", 9, 0666);
	rd_catalogue_load_dir(self->catalogue, self->dir, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(count_types(self->catalogue), ==, 1);
	/* one that is unfit is not left out in silence: a procedure may rely on it */
	write_file(bad, "no plugin", 9, 0644);
	g_assert_false(rd_catalogue_load_dir(again, self->dir, &error));
	g_assert_true(g_str_has_prefix(error->message, bad));
	g_clear_error(&error);
	g_assert_false(rd_catalogue_load_dir(again, "/nonexistent/plugins", &error));
	g_assert_nonnull(strstr(error->message, "/nonexistent/plugins"));
}

/* the shipped ones are fit */
static void
test_shipped(void)
{
	static const char *const names[] = {"etcd",    "file",	"keepalived",
					    "kubelet", "proxy", "static-pod"};
	g_autoptr(RdCatalogue) catalogue = rd_catalogue_new();
	g_autoptr(GError) error = NULL;

	for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *file =
		    g_strdup_printf("%s/plugins/%s.so", g_getenv("BUILD_ROOT"), names[i]);

		rd_catalogue_load(catalogue, file, &error);
		g_assert_no_error(error);
	}
	g_assert_cmpuint(count_types(catalogue), ==, G_N_ELEMENTS(names));
}

#define ADD(name, func) g_test_add("/catalogue/" name, Fixture, NULL, setup, func, teardown)

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	add_tables();
	ADD("file/loads", test_loads);
	ADD("file/writable", test_writable);
	ADD("file/writable-behind-link", test_writable_behind_link);
	ADD("file/foreign-owner", test_foreign_owner);
	ADD("file/no-shared-object", test_no_shared_object);
	ADD("file/no-file", test_no_file);
	ADD("file/cut-short", test_cut_short);
	ADD("directory", test_directory);
	g_test_add_func("/catalogue/shipped", test_shipped);
	return g_test_run();
}
