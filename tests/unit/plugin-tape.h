/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <recovery/plugin.h>
G_BEGIN_DECLS

/* The step API played from a tape: a readable file with a conversation, replayed strictly. What a
 * body asks or does has to be the next line of the tape, word for word, and at the end nothing may
 * be left over. Tapes are written by hand, or recorded from a real run (src/runner/step-tape.c,
 * docs/plugins.md). A line's first word says what it is:
 *
 *   type stop               the state; forgets parameters and notes
 *   run r-1 UUID            the run's id and uuid
 *   state stop-etcd         what the procedure calls it, if not as the type
 *   target m0               a host, or cluster
 *   hosts m0 m1 m2          present control-plane hosts, the first is the recovery host
 *   recovery m1             no, this one
 *   workers w0 w1           present workers
 *   address m0 10.0.0.10
 *   scratch                 the run's directory is a new one, SCRATCH where the body says it, for
 *                           those that write files there; without it that is where the tape lies
 *   excused m3
 *   returned m3             one of these that answers all the same
 *   param pod etcd          of a file on the bastion the name of one beside the tape
 *   note inode 123          a note of this attempt
 *   first inode 123         a note of the visit's first attempt; undo recalls it
 *   do probe                a call into the body: baseline, probe, enter, undo
 *   > ask m0: ls -A1 /x     what the body says next. Also: run, job NAME:, job-state NAME,
 *                           move FROM TO, move-aside PATH, aside PATH, put FROM TO MODE,
 *                           put-data TO MODE: TEXT (\n for a line's end,
 *                           but the last),
 *                           fetch HOST FROM TO, remember KEY VALUE, output NAME VALUE, outcome,
 *                           time-used, and deadline where a wait gives up;
 *                           run and job begin with "cd DIR; " and "NAME=VALUE " if so; what goes
 *                           to stdin is not on the tape;
 *                           api-get PATH, api-list PATH, api-serves PATH, api-text PATH,
 *                           api-change VERB PATH (VERB: create, replace, merge, json-patch,
 *                           delete; behind PATH "uid UID", "now", "yaml" where they are given),
 *                           api-change-all N (behind it perhaps the error of the whole) and then
 *                           each of them as api-change, moment
 *   < text                  what a change sends, compared as JSON (with yaml as text)
 *   | text                  a line of its stdout; for aside the path, for fetch the sum, for the
 *                           API its JSON (a list with items, or just an array) or text, for
 *                           moment the recovery host's time
 *   ! text                  a line of its stderr
 *   ? 1                     its exit status
 *   @ FILE                  stdout is that file beside the tape
 *   % NS/POD/NAME …         stdout is what crictl prints about these running containers; the id
 *                           is NAME-id
 *   ~ ended                 the job's state; ~ missing for api-get; ~ alive behind a watched
 *                           job: it is looked at, ~ ended behind the last look, whose answer
 *                           would run into the job's; ~ yes, ~ no for api-serves;
 *                           ~ missing, ~ conflict for a change (without: done)
 *   x unreachable text      an error instead of a reply; behind a reply with a bad status, and
 *                           behind deadline, the words of the error that is made of it
 *   = present               how the call ends: ok, or absent, present, or failed, permanent,
 *                           unreachable, fenced, cancelled with a piece of the message
 *   #                       a comment
 *
 * A line that begins with \ has what a line cannot hold in escapes (\n, \\, \ and three octal
 * digits), and as \| or \! no end of its own: that is how a NUL or a last line without end are
 * written. [redacted] in what the body says stands for anything. */

/* adds a test for each *.tape of plugins/NAME/tests */
void tape_add_all(const RecoveryPlugin *plugin);

G_END_DECLS
