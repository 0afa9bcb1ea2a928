/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "plugin-tape.h"
G_BEGIN_DECLS

/* What plugin-tape-kube.c needs of the player in plugin-tape.c. */

/* the test ends: the tape and the plugin do not agree */
void tape_die(RecoveryStep *step, const char *format, ...) G_GNUC_PRINTF(2, 3) G_GNUC_NORETURN;
/* the rest of the next line if it begins with @prefix, or NULL */
const char *tape_take(RecoveryStep *step, const char *prefix);
/* the next line has to be "> " and @said */
void tape_expect(RecoveryStep *step, const char *said);
/* @said is what @wanted has, where [redacted] stands for anything */
gboolean tape_same(const char *wanted, const char *said);
/* the next line is "x WORD text": TRUE and the error */
gboolean tape_error(RecoveryStep *step, GError **error);
/* stdout, stderr and status up to the next line of another kind; FALSE when it is an error */
gboolean tape_reply(RecoveryStep *step, RecoveryReply *reply, GError **error);
/* dies unless the body at work may touch */
void tape_may_touch(RecoveryStep *step, const char *said);
G_END_DECLS
