/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>

/* What a target is without libFuzzer: it replays the files it is given, and, for each, variants of
 * it that are the same every time. Files stand in @paths, or (all of theirs that end with @suffix)
 * in directories there. */

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

typedef void (*ReplayDamage)(GRand *rand, GByteArray *bytes); /* one small damage */

static void
replay_file(const char *path, guint seed, guint variants, ReplayDamage damage)
{
	g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
	g_autoptr(GError) error = NULL;
	g_autofree char *data = NULL;
	gsize size = 0;

	g_file_get_contents(path, &data, &size, &error);
	g_assert_no_error(error);
	LLVMFuzzerTestOneInput((const guint8 *)data, size);
	for (guint i = 0; i < variants; i++) {
		g_autoptr(GByteArray) bytes = g_byte_array_new();
		g_autofree guint8 *exact = NULL;

		g_byte_array_append(bytes, (const guint8 *)data, size);
		for (int n = g_rand_int_range(rand, 1, 4); n > 0; n--)
			damage(rand, bytes);
		/* of exactly that size, so that reading behind it is found out */
		exact = g_memdup2(bytes->data, bytes->len);
		LLVMFuzzerTestOneInput(exact, bytes->len);
	}
}

/* to be returned by main() */
static int
replay(char **paths, const char *suffix, guint variants, ReplayDamage damage)
{
	guint files = 0;

	for (guint i = 0; paths[i] != NULL; i++) {
		g_autoptr(GDir) dir = g_dir_open(paths[i], 0, NULL);
		const char *name = NULL;

		if (dir == NULL)
			replay_file(paths[i], files++, variants, damage);
		while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
			g_autofree char *path = g_build_filename(paths[i], name, NULL);

			if (g_str_has_suffix(name, suffix))
				replay_file(path, files++, variants, damage);
		}
	}
	g_print("%u files\n", files);
	return files > 0 ? 0 : 1;
}
