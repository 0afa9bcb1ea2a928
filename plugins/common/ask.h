/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "containers.h"
#include <recovery/plugin.h>
G_BEGIN_DECLS

/* Questions to a host that more than one plugin asks. */

/* asks @host (NULL: the step's own) for the running containers of @pod */
GPtrArray *rd_containers_ask(RecoveryStep *step, const char *host, const RdPod *pod,
			     GError **error);

/* the like for the READY sandboxes of @pod on the step's own host */
GPtrArray *rd_sandboxes_ask(RecoveryStep *step, const RdPod *pod, GError **error);

/* the lines of an answer, without an empty last one */
char **rd_lines(const char *text);
/* names in @dir, or NULL. A directory that does not exist has none */
char **rd_list_dir(RecoveryStep *step, const char *host, const char *dir, GError **error);
/* the content of a file of @host (NULL: the step's own); *text stays NULL when there is none */
gboolean rd_file_ask(RecoveryStep *step, const char *host, const char *path, char **text,
		     GError **error);
/* PERMANENT unless the file system of @dir on the step's host has @needed bytes left */
gboolean rd_space_check(RecoveryStep *step, const char *dir, guint64 needed, GError **error);
/* SHA-256 in hex of a file of the step's own host; *sha256 stays NULL when there is no such file */
gboolean rd_sum_ask(RecoveryStep *step, const char *path, char **sha256, GError **error);

G_END_DECLS
