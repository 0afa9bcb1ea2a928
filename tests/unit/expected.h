/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>

/* Small fixture files, one per way to be wrong, with what is to be said about each beside it.
 * RD_UPDATE_EXPECTED=1 writes these instead: for a person, who then reads the difference. */

static inline char *
fixture_dir(const char *name)
{
	return g_build_filename(g_getenv("SOURCE_ROOT"), "tests", "unit", name, NULL);
}

/* @text without the directory of the source tree, so that it is the same everywhere */
static inline char *
without_dir(const char *text, const char *dir)
{
	g_autofree char *prefix = g_strconcat(dir, "/", NULL);
	g_auto(GStrv) parts = g_strsplit(text, prefix, -1);

	return g_strjoinv("", parts);
}

/* compares @text with the file @path, which ends with a newline that @text does not have */
static inline void
assert_expected(const char *path, const char *text)
{
	g_autofree char *lines = g_strconcat(text, "\n", NULL);
	g_autofree char *expected = NULL;
	g_autoptr(GError) error = NULL;

	if (g_getenv("RD_UPDATE_EXPECTED") != NULL)
		g_file_set_contents(path, lines, -1, &error);
	else
		g_file_get_contents(path, &expected, NULL, &error);
	g_assert_no_error(error);
	if (expected != NULL)
		g_assert_cmpstr(lines, ==, expected);
}

/* registers @test once per *.yaml in the fixture directory @dir, with the file's path */
static inline void
add_fixtures(const char *dir, GTestDataFunc test)
{
	g_autofree char *path = fixture_dir(dir);
	g_autoptr(GError) error = NULL;
	g_autoptr(GDir) entries = g_dir_open(path, 0, &error);
	const char *name = NULL;

	g_assert_no_error(error);
	while ((name = g_dir_read_name(entries)) != NULL) {
		g_autofree char *title = NULL;

		if (!g_str_has_suffix(name, ".yaml"))
			continue;
		title = g_strdup_printf("/%s/%s", dir, name);
		g_test_add_data_func_full(title, g_build_filename(path, name, NULL), test, g_free);
	}
}
