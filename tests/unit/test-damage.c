/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backup/facts.h"
#include "backup/pair.h"
#include "backup/snapshot.h"

#include "etcd-fixture.h"

#include <stdlib.h>

/* Snapshots of a real etcd, damaged where it hurts, with a SHA-256 behind them that fits again: so
 * that not the hash finds it, but the walk. What must hold: an answer, whatever the bytes are; and
 * never "sound" for what etcd's own tool calls broken, nor another content than it reads.
 *
 * Each mutant has a number and is made of that alone (and of the snapshot, which differs from run
 * to run by the ids that etcd invents), so that a long campaign can be cut into pieces:
 *   RD_MUTANTS       how many (500)
 *   RD_MUTANTS_FROM  number of the first (0)
 *   RD_MUTANTS_SHOW  of those that we refuse, one of so many is shown to etcdctl too (10) */

#define MUTANTS 500
#define SHOW	10
#define SEED	20261120
#define HEADER	16
#define ELEMENT 16
#define SUM	ETCD_SNAPSHOT_SUM
#define RESTORE 8   /* of those that are sound, one of so many is restored too */
#define TELL	500 /* how far it is, each so many */

static char *scratch;
static GPtrArray *snapshots;

typedef struct {
	GRand *rand;
	GByteArray *bytes;
	guint page_size;
	guint pages;
} Victim;

/* ---- damages ------------------------------------------------------------------------------- */

static guint
pick(Victim *victim, guint below)
{
	return g_rand_int_range(victim->rand, 0, MAX(below, 1));
}

static guint8 *
page_at(Victim *victim, guint page)
{
	return victim->bytes->data + (gsize)page * victim->page_size;
}

/* a branch or leaf with something in it, more often than chance would find one */
static guint8 *
pick_node(Victim *victim)
{
	guint8 *page = NULL;

	for (guint i = 0; i < 200; i++) {
		page = page_at(victim, 2 + pick(victim, victim->pages - 2));
		if ((page[8] == 1 || page[8] == 2) && page[9] == 0 && (page[10] | page[11]) != 0)
			return page;
	}
	return page;
}

static guint8 *
pick_element(Victim *victim)
{
	guint8 *page = pick_node(victim);
	guint count =
	    MIN((guint)page[10] | (guint)page[11] << 8, (victim->page_size - HEADER) / ELEMENT);

	return page + HEADER + ELEMENT * pick(victim, count);
}

/* a number becomes another that is near, zero, huge, or anything */
static void
change_number(Victim *victim, guint8 *at, guint size)
{
	switch (pick(victim, 5)) {
	case 0:
		at[0]++;
		break;
	case 1:
		at[0]--;
		break;
	case 2:
		memset(at, 0, size);
		break;
	case 3:
		memset(at, 0xff, size);
		break;
	default:
		at[pick(victim, size)] ^= 1 << pick(victim, 8);
		break;
	}
}

static void
damage_byte(Victim *victim)
{
	victim->bytes->data[pick(victim, victim->bytes->len - SUM)] ^= 1 << pick(victim, 8);
}

static void
damage_header(Victim *victim)
{
	static const struct {
		guint at, size;
	} fields[] = {{0, 8}, {8, 2}, {10, 2}, {12, 4}};
	guint field = pick(victim, G_N_ELEMENTS(fields));

	change_number(victim, pick_node(victim) + fields[field].at, fields[field].size);
}

static void
damage_element(Victim *victim)
{
	change_number(victim, pick_element(victim) + 4 * pick(victim, 4), 4);
}

static guint8 *
element_data(Victim *victim, guint8 *element, guint *size)
{
	gsize at = element - victim->bytes->data;
	gboolean leaf = victim->bytes->data[at / victim->page_size * victim->page_size + 8] == 2;
	guint32 numbers[4];

	memcpy(numbers, element, sizeof(numbers));
	*size = leaf ? MIN(numbers[2], 4096) + MIN(numbers[3], 4096) : MIN(numbers[1], 4096);
	at += leaf ? numbers[1] : numbers[0];
	*size = at + *size <= victim->bytes->len - SUM ? *size : 0;
	return victim->bytes->data + at;
}

/* a key, or the front of a value: where the message KeyValue and a bucket's header have numbers */
static void
damage_data(Victim *victim)
{
	guint size = 0;
	guint8 *data = element_data(victim, pick_element(victim), &size);

	if (size > 0)
		change_number(victim, data + pick(victim, MIN(size, 64)), 1);
}

static void
damage_swap_elements(Victim *victim)
{
	guint8 *a = pick_element(victim), *b = pick_element(victim);
	guint8 other[ELEMENT];

	memcpy(other, a, ELEMENT);
	memmove(a, b, ELEMENT);
	memcpy(b, other, ELEMENT);
}

static void
damage_copy_page(Victim *victim)
{
	guint to = 2 + pick(victim, victim->pages - 2);
	guint8 *from = page_at(victim, 2 + pick(victim, victim->pages - 2));

	memmove(page_at(victim, to), from, victim->page_size);
	/* half of them know where they stand */
	if (pick(victim, 2) == 0) {
		guint64 id = GUINT64_TO_LE(to);

		memcpy(page_at(victim, to), &id, sizeof(id));
	}
}

static void
damage_fill(Victim *victim)
{
	guint at =
	    pick(victim, victim->bytes->len - SUM - 2 * victim->page_size) + 2 * victim->page_size;
	guint wanted = 1u << pick(victim, 13);
	guint size = MIN(wanted, victim->bytes->len - SUM - at);
	gboolean zeros = pick(victim, 2) == 0;

	for (guint i = 0; i < size; i++)
		victim->bytes->data[at + i] = zeros ? 0 : g_rand_int(victim->rand);
}

/* both meta pages alike, with their sums right */
static void
damage_meta(Victim *victim)
{
	guint field = 8 * pick(victim, 6);
	guint8 changed[8];

	memcpy(changed, page_at(victim, 0) + HEADER + 8 + field, 8);
	change_number(victim, changed, field == 0 ? 4 : 8);
	for (guint i = 0; i < 2; i++) {
		guint8 *meta = page_at(victim, i) + HEADER;
		guint64 sum = G_GUINT64_CONSTANT(0xcbf29ce484222325);

		if (field != 40)
			memcpy(meta + 8 + field, changed, 8);
		for (guint j = 0; j < 56; j++)
			sum = (sum ^ meta[j]) * G_GUINT64_CONSTANT(0x100000001b3);
		sum = GUINT64_TO_LE(sum);
		memcpy(meta + 56, &sum, sizeof(sum));
	}
}

static void
damage_cut(Victim *victim)
{
	guint pages = 1 + pick(victim, MIN(victim->pages - 2, 8));

	g_byte_array_set_size(victim->bytes, victim->bytes->len - pages * victim->page_size);
}

static const struct {
	const char *name;
	void (*damage)(Victim *victim);
} damages[] = {
    {"byte", damage_byte}, {"header", damage_header},	   {"element", damage_element},
    {"data", damage_data}, {"swap", damage_swap_elements}, {"copy", damage_copy_page},
    {"fill", damage_fill}, {"meta", damage_meta},	   {"cut", damage_cut},
};

/* ---- the comparison ------------------------------------------------------------------------ */

/* What we refuse and etcdctl takes: the rule, and by which words of ours it is known. All of it is
 * damage that the server meets later, or never; a refusal for any other reason fails the test. */
static const struct {
	const char *rule, *words;
} rules[] = {
    {"order: bbolt before 1.3.7 compares no keys, newer ones none of a bucket inside a page",
     "out of order|does not belong below|begins before the key"},
    {"end: of pages behind the high water mark or the file's end bbolt notices only what it reads, "
     "and its own comparison is off by one",
     "should be there|behind it that it claims|is pointed to|it was cut off"},
    {"page numbers: bbolt believes the pointer, not the page", "calls itself page"},
    {"page flags: bbolt tests single bits, and none of a bucket that lies inside a page",
     "no page has the flags|a bucket inside it is"},
    {"element flags: bbolt tests the lowest bit", "unknown flags"},
    {"element bounds: bbolt follows them into what lies behind the page",
     "points out of the page|fits? into"},
    {"revisions: `status` sums up bytes, the server decodes them",
     "where a revision has to|not a key with its value|its key has no name|says that it is "
     "revision"},
    {"other buckets: `status` sums up bytes, the server decodes them",
     "is no (member|lease|message|text)|instead of 8"},
    {"buckets: etcd opens no file without them, and makes none inside of them",
     "has no buckets|has a bucket in it|only buckets can be"},
};

typedef struct {
	guint sound, broken;	   /* ours */
	guint shown, theirs_sound; /* of those that we call broken */
	guint restored;
	guint stricter[G_N_ELEMENTS(rules)];
	guint unexplained;
} Score;

static void
explain(Score *score, guint mutant, const char *what, const char *text)
{
	score->theirs_sound++;
	g_test_message("stricter than etcdctl: mutant %u (%s): %s", mutant, what, text);
	for (guint i = 0; i < G_N_ELEMENTS(rules); i++) {
		if (!g_regex_match_simple(rules[i].words, text, 0, 0))
			continue;
		score->stricter[i]++;
		return;
	}
	score->unexplained++;
	g_test_message("mutant %u: no rule says why", mutant);
}

static gboolean
etcd_restores(const char *path)
{
	g_autofree char *to = g_build_filename(scratch, "restored", NULL);
	g_autofree char *option = g_strconcat("--data-dir=", to, NULL);
	const char *const arguments[] = {"snapshot", "restore", path, option, NULL};
	g_autofree char *output = etcd_run("etcdctl", NULL, arguments);
	g_autofree char *remove = g_strdup_printf("rm -rf -- %s", to);

	g_spawn_command_line_sync(remove, NULL, NULL, NULL, NULL);
	return output != NULL;
}

static void
compare(const char *path, const char *what, guint mutant, guint show, Score *score)
{
	g_autoptr(RdSnapshot) snapshot = rd_snapshot_check(path, NULL);
	g_autoptr(GError) error = NULL;
	g_autoptr(RdFacts) facts = rd_facts_read(path, NULL, &error);
	EtcdStatus status = {0};

	g_assert_true((facts == NULL) == (error != NULL));
	if (facts == NULL || snapshot->verdict != RD_SNAPSHOT_SOUND) {
		score->broken++;
		g_assert_true(facts != NULL || g_str_has_prefix(error->message, path));
		if (mutant % show == 0) {
			score->shown++;
			if (etcd_status(path, &status))
				explain(score, mutant, what,
					error != NULL ? error->message : snapshot->text);
		}
		return;
	}
	if (score->sound % RESTORE == 0) {
		score->restored++;
		g_assert_true(etcd_restores(path));
	}
	score->sound++;
	g_test_message("mutant %u (%s) is sound to us", mutant, what);
	g_assert_true(etcd_status(path, &status));
	g_assert_cmphex(facts->hash, ==, status.hash);
	g_assert_cmpint(facts->revision, ==, status.revision);
	g_assert_cmpint(facts->size, ==, status.total_size);
}

static void
make_mutant(guint number, const char *path, const char **what)
{
	const guint32 seed[] = {SEED, number};
	g_autoptr(GRand) rand = g_rand_new_with_seed_array(seed, G_N_ELEMENTS(seed));
	guint which = g_rand_int_range(rand, 0, snapshots->len);
	guint kind = g_rand_int_range(rand, 0, G_N_ELEMENTS(damages));
	g_autoptr(GError) error = NULL;
	char *data = NULL;
	gsize size = 0;
	Victim victim = {.rand = rand, .page_size = sysconf(_SC_PAGESIZE)};

	/* the large one less often: it takes its time */
	if (strstr(snapshots->pdata[which], "big") != NULL && number % 8 != 0)
		which = (which + 1) % snapshots->len;
	g_file_get_contents(snapshots->pdata[which], &data, &size, &error);
	g_assert_no_error(error);
	victim.bytes = g_byte_array_new_take((guint8 *)data, size);
	victim.pages = size / victim.page_size;
	damages[kind].damage(&victim);
	etcd_seal(victim.bytes);
	g_file_set_contents(path, (char *)victim.bytes->data, victim.bytes->len, &error);
	g_assert_no_error(error);
	g_byte_array_unref(victim.bytes);
	*what = damages[kind].name;
}

static void
tell(const Score *score)
{
	g_test_message("%u mutants: %u broken, %u sound to us and to etcdctl (%u of them "
		       "restored); of %u broken ones shown to etcdctl it took %u for sound",
		       score->broken + score->sound, score->broken, score->sound, score->restored,
		       score->shown, score->theirs_sound);
}

static guint
get_number(const char *variable, guint otherwise)
{
	const char *text = g_getenv(variable);

	return text != NULL ? (guint)atoi(text) : otherwise;
}

static void
test_mutants(void)
{
	guint count = get_number("RD_MUTANTS", MUTANTS);
	guint first = get_number("RD_MUTANTS_FROM", 0);
	guint show = MAX(get_number("RD_MUTANTS_SHOW", SHOW), 1);
	g_autofree char *path = g_build_filename(scratch, "mutant.db", NULL);
	const char *what = NULL;
	Score score = {0};

	if (snapshots->len == 0) {
		g_test_skip("no etcd on this machine");
		return;
	}
	for (guint i = first; i < first + count; i++) {
		make_mutant(i, path, &what);
		compare(path, what, i, show, &score);
		if ((i + 1) % TELL == 0)
			tell(&score);
	}
	tell(&score);
	for (guint i = 0; i < G_N_ELEMENTS(rules); i++)
		g_test_message("stricter, %u times: %s", score.stricter[i], rules[i].rule);
	g_assert_cmpuint(score.unexplained, ==, 0);
	g_assert_cmpuint(score.broken, >, count / 3);
	g_assert_cmpuint(score.sound, >, 0);
}

int
main(int argc, char **argv)
{
	g_autofree char *remove = NULL;
	int status = 0;

	g_test_init(&argc, &argv, NULL);
	scratch = g_dir_make_tmp("rd-damage-XXXXXX", NULL);
	snapshots = etcd_make_layouts(scratch);
	g_test_add_func("/damage/mutants", test_mutants);
	status = g_test_run();
	remove = g_strdup_printf("rm -rf -- %s", scratch);
	g_spawn_command_line_sync(remove, NULL, NULL, NULL, NULL);
	g_ptr_array_unref(snapshots);
	g_free(scratch);
	return status;
}
