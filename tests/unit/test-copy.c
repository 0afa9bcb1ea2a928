/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "journal-fixture.h"
#include "journal/copy.h"
#include <string.h>

/* A journal as lines, and the journal that is made from them. */

#define EVENTS 40

/* a journal of every kind of text, and its lines */
static GString *
write_journal(const char *path, char **head)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(RdJournal) journal = rd_journal_create(path, &error);
	g_autoptr(GPtrArray) events = g_ptr_array_new_with_free_func((GDestroyNotify)rd_event_free);
	GString *lines = g_string_new(NULL);
	g_auto(RdChain) chain = {0};
	RdEvent *odd = rd_event_new(RD_EVENT_REMARK, "");

	g_assert_no_error(error);
	rd_event_text(rd_event_pair(odd, "\t\\N\\", "\\N"), "a\r\n\\t\tb");
	g_ptr_array_add(events, odd);
	g_ptr_array_add(events, rd_event_new(RD_EVENT_ENGINE, NULL));
	for (guint i = 0; i < EVENTS - 2; i++)
		g_ptr_array_add(events, full_event(i));
	g_assert_true(rd_journal_append(journal, events, &error));
	rd_chain_init(&chain, NULL);
	for (guint i = 0; i < events->len; i++)
		rd_copy_add_line(lines, &chain, g_ptr_array_index(events, i));
	*head = g_strdup(rd_journal_head(journal));
	return lines;
}

static RdCopy *
parse(const char *data, gsize size)
{
	g_autoptr(GError) error = NULL;
	RdCopy *copy = rd_copy_parse("m0", data, size, &error);

	g_assert_no_error(error);
	return copy;
}

static void
test_a_journal_comes_back_from_its_lines(Fixture *fixture, gconstpointer data)
{
	g_autofree char *head = NULL, *again = NULL, *other_path = NULL;
	g_autoptr(GString) lines = write_journal(fixture->path, &head);
	g_autoptr(RdCopy) copy = parse(lines->str, lines->len);
	g_autoptr(GString) lines_again = g_string_new(NULL);
	g_autoptr(GPtrArray) read = NULL;
	g_autoptr(RdJournal) rebuilt = NULL;
	g_autoptr(GError) error = NULL;
	g_auto(RdChain) chain = {0};
	gint64 count;

	again = rd_copy_head(copy);
	g_assert_cmpstr(again, ==, head);
	g_assert_cmpuint(copy->torn, ==, 0);
	other_path = g_build_filename(fixture->dir, "rebuilt.db", NULL);
	rebuilt = rd_journal_create_from(other_path, copy->events, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(rd_journal_head(rebuilt), ==, head);
	g_assert_true(rd_journal_verify(rebuilt, &count, &error));
	g_assert_cmpint(count, ==, EVENTS);
	read = rd_journal_read(rebuilt, 0, &error);
	g_assert_no_error(error);
	rd_chain_init(&chain, NULL);
	for (guint i = 0; i < read->len; i++)
		rd_copy_add_line(lines_again, &chain, g_ptr_array_index(read, i));
	g_assert_cmpstr(lines_again->str, ==, lines->str);
}

static void
test_any_cut_is_the_lines_before_it(Fixture *fixture, gconstpointer data)
{
	g_autofree char *head = NULL;
	g_autoptr(GString) lines = write_journal(fixture->path, &head);
	guint whole = 0;

	for (gsize size = 0; size <= lines->len; size++) {
		g_autoptr(RdCopy) copy = parse(lines->str, size);

		if (size > 0 && lines->str[size - 1] == '\n')
			whole++;
		g_assert_cmpuint(copy->events->len, ==, whole);
	}
	g_assert_cmpuint(whole, ==, EVENTS);
}

static void
test_any_other_byte_is_found(Fixture *fixture, gconstpointer data)
{
	g_autofree char *head = NULL;
	g_autoptr(GString) lines = write_journal(fixture->path, &head);

	for (gsize i = 0; i + 1 < lines->len; i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(RdCopy) copy = NULL;
		char was = lines->str[i];

		lines->str[i] = was == '7' ? '8' : '7';
		copy = rd_copy_parse("m0", lines->str, lines->len, &error);
		lines->str[i] = was;
		g_assert_null(copy);
		g_assert_error(error, RD_JOURNAL_ERROR, RD_JOURNAL_ERROR_UNREADABLE);
		g_assert_nonnull(strstr(error->message, "m0: "));
	}
}

static void
test_two_copies_agree_or_not(Fixture *fixture, gconstpointer data)
{
	g_autofree char *head = NULL;
	g_autoptr(GString) lines = write_journal(fixture->path, &head);
	const char *third = lines->str;
	g_autoptr(RdCopy) whole = parse(lines->str, lines->len);
	g_autoptr(RdCopy) part = NULL;
	g_autoptr(RdCopy) other = NULL;
	g_autoptr(GString) changed = NULL;
	g_autoptr(RdEvent) event = full_event(99);
	g_auto(RdChain) chain = {0};
	gint64 at = 0;

	for (guint i = 0; i < 3; i++)
		third = strchr(third, '\n') + 1;
	part = parse(lines->str, (gsize)(third - lines->str));
	g_assert_true(rd_copy_agree(whole, part, &at));
	g_assert_true(rd_copy_agree(part, whole, &at));
	/* the same beginning, then another way */
	changed = g_string_new_len(lines->str, third - lines->str);
	rd_chain_init(&chain, (const guint8 *)part->links->data + (gsize)2 * RD_CHAIN_SIZE);
	event->seq = 4;
	rd_copy_add_line(changed, &chain, event);
	other = parse(changed->str, changed->len);
	g_assert_true(rd_copy_agree(other, part, &at));
	g_assert_false(rd_copy_agree(whole, other, &at));
	g_assert_cmpint(at, ==, 4);
}

#define ADD(name, func) g_test_add(name, Fixture, NULL, fixture_set_up, func, fixture_tear_down)

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("/copy/back", test_a_journal_comes_back_from_its_lines);
	ADD("/copy/cut", test_any_cut_is_the_lines_before_it);
	ADD("/copy/byte", test_any_other_byte_is_found);
	ADD("/copy/agree", test_two_copies_agree_or_not);
	return g_test_run();
}
