/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "cli/command.h"
#include "preflight/finding.h"
#include <json-glib/json-glib.h>
G_BEGIN_DECLS

/* Findings of checks as people and programs read them. */

/* what blocks first, then warnings, then one line that counts what is fine */
void rd_findings_print(GString *page, const RdScreen *screen, GPtrArray *findings);
/* a member "findings" of the object that @json is in */
void rd_findings_add_json(JsonBuilder *json, GPtrArray *findings);
/* @text as one word of a line that a person pastes, quoted where it must be. (transfer full) */
char *rd_findings_word(const char *text);
G_END_DECLS
