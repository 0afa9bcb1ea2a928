/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>
G_BEGIN_DECLS

/* What remaining.c and remaining-api.c share. */

#define RD_REMAINING_BASTION "bastion" /* where a block is typed that is for no host */

/* one word more, quoted where a shell would not take it as it is: what a person can read stays */
void rd_remaining_quote(GString *line, const char *word);
G_END_DECLS
