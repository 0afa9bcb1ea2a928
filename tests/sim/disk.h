/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>

/* Every process has a bastion's disk of its own: the run's local directory is the working
 * directory, so that paths that are already on some fiber's stack mean the child's files, too. */

/* makes @path, with copies of what is in the working directory @old, and goes there */
void move_to_own_dir(const char *path, const char *old);
/* removes every file but those that @keep (nullable) describes, "*_night.*" */
void clean_dir(const char *path, const char *keep);
void remove_dir(const char *path);
