/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearsal/world.h"
#include "wrapper-fixture.h"
#include <string.h>

/* The contract of host/call.h, asked of both who promise it: the wrapper as it runs on a host, and
 * the simulated host. What the simulator answers otherwise than the wrapper would make every
 * rehearsal worthless, so the same calls go to both and have to find the same. */

typedef struct _Place Place;
struct _Place {
	RdVerdict (*call)(Place *self, const RdCall *call, RdReply *reply);
	void (*write)(Place *self, const char *path, const char *text);
	/* (transfer full) NULL when there is no such file */
	char *(*read)(Place *self, const char *path);
	const char *prefix; /* of every path */
	Host host;
	RdSimCluster *cluster;
	RdNetwork network;
	RdWorld *world;
};

typedef void (*Check)(Place *place);

/* ---- the wrapper --------------------------------------------------------------------------- */

static RdVerdict
wrapper_call(Place *self, const RdCall *call, RdReply *reply)
{
	return host_call(&self->host, call, reply);
}

static void
wrapper_write(Place *self, const char *path, const char *text)
{
	write_file(path, text);
}

static char *
wrapper_read(Place *self, const char *path)
{
	return exists(path) ? read_file(path) : NULL;
}

static void
on_wrapper(gconstpointer data)
{
	Place place = {wrapper_call, wrapper_write, wrapper_read};

	host_set_up(&place.host, "/bin/sh");
	place.prefix = place.host.dir;
	((Check)data)(&place);
	host_tear_down(&place.host, NULL);
}

/* ---- the simulated host -------------------------------------------------------------------- */

static RdVerdict
sim_call(Place *self, const RdCall *call, RdReply *reply)
{
	g_autoptr(GError) error = NULL;

	rd_reply_clear(reply);
	g_assert_true(self->world->klass->call(self->world, "m0", call, reply, &error));
	g_assert_no_error(error);
	return reply->verdict;
}

static RdSimTree *
sim_tree(Place *self)
{
	return rd_sim_cluster_find(self->cluster, "m0")->tree;
}

static void
sim_write(Place *self, const char *path, const char *text)
{
	g_autofree char *dir = g_path_get_dirname(path);

	g_assert_cmpint(rd_sim_tree_mkdirs(sim_tree(self), dir), ==, 0);
	g_assert_cmpint(rd_sim_tree_write_text(sim_tree(self), path, text, 0600), ==, 0);
}

static char *
sim_read(Place *self, const char *path)
{
	RdSimNode *node = rd_sim_tree_find(sim_tree(self), path);

	return node != NULL && node->content != NULL ? rd_sim_node_text(node) : NULL;
}

static void
on_simulator(gconstpointer data)
{
	Place place = {sim_call, sim_write, sim_read, .prefix = ""};

	place.cluster = rd_sim_cluster_new(1);
	rd_sim_cluster_add(place.cluster, "m0", "10.0.0.1");
	place.network.cluster = place.cluster;
	place.world = rd_sim_world_new(&place.network, "m0", NULL, NULL);
	((Check)data)(&place);
	g_assert_cmpuint(place.cluster->violations->len, ==, 0);
	rd_sim_world_free(place.world);
	rd_sim_cluster_free(place.cluster);
}

/* ---- asking -------------------------------------------------------------------------------- */

static RdVerdict
verdict(Place *place, const RdCall *call)
{
	g_auto(RdReply) reply = {0};

	return place->call(place, call, &reply);
}

#define assert_call(place, expected, ...)                                                          \
	G_STMT_START                                                                               \
	{                                                                                          \
		const RdCall the_call = {.input_fd = -1, __VA_ARGS__};                             \
		assert_verdict(verdict(place, &the_call), RD_VERDICT_##expected);                  \
	}                                                                                          \
	G_STMT_END

static char *
path_of(Place *place, const char *path)
{
	return g_strconcat(place->prefix, path, NULL);
}

#define take(place, expected, the_run, the_number, ...)                                            \
	assert_call(place, expected, .verb = RD_CALL_TAKE, .run = the_run, .number = the_number,   \
		    .wait_s = 5, .who = "alice@b1", __VA_ARGS__)

static void
survey(Place *place, RdSurvey *found)
{
	const RdCall call = {.verb = RD_CALL_SURVEY, .run = "r1", .input_fd = -1};
	g_auto(RdReply) reply = {0};
	g_autoptr(GError) error = NULL;

	assert_verdict(place->call(place, &call, &reply), RD_VERDICT_DONE);
	rd_survey_clear(found);
	rd_survey_parse(reply.out, found, &error);
	g_assert_no_error(error);
}

/* ---- the lock ------------------------------------------------------------------------------ */

static void
check_nothing_before_take(Place *place)
{
	g_autofree char *file = path_of(place, "/data/a"), *other = path_of(place, "/data/b");
	const char *const argv[] = {"rmdir", file, NULL};
	g_auto(RdSurvey) found = {0};

	place->write(place, file, "a\n");
	assert_call(place, FENCED, .verb = RD_CALL_RUN, .run = "r1", .number = 1, .argv = argv,
		    .state = "s", .visit = 1, .attempt = 1);
	/* who says that he took it is told that it is another host now; who does not may look */
	assert_call(place, FENCED, .verb = RD_CALL_ASIDE, .run = "r1", .number = 1, .from = file);
	assert_call(place, DONE, .verb = RD_CALL_ASIDE, .run = "r1", .number = 0, .from = file);
	assert_call(place, FENCED, .verb = RD_CALL_MOVE, .run = "r1", .number = 1, .from = file,
		    .to = other);
	assert_call(place, FENCED, .verb = RD_CALL_MOVE_ASIDE, .run = "r1", .number = 1,
		    .from = file);
	assert_call(place, FENCED, .verb = RD_CALL_JOB_START, .run = "r1", .number = 1,
		    .state = "s", .visit = 1, .attempt = 1, .name = "j", .argv = argv);
	assert_call(place, REFUSED, .verb = RD_CALL_RELEASE, .run = "r1", .number = 1);
	survey(place, &found);
	g_assert_cmpint(found.number, ==, -1);
	g_assert_false(found.held);
	take(place, REFUSED, "r1", 1, .enrol = FALSE);
	survey(place, &found);
	g_assert_cmpint(found.number, ==, -1);
}

static void
check_take(Place *place)
{
	g_auto(RdSurvey) found = {0}, released = {0};

	take(place, DONE, "r1", 3, .enrol = TRUE);
	survey(place, &found);
	g_assert_cmpint(found.number, ==, 3);
	g_assert_cmpstr(found.run, ==, "r1");
	g_assert_cmpstr(found.who, ==, "alice@b1");
	g_assert_true(found.held);
	g_assert_cmpstr(found.lock_machine_id, ==, found.machine_id);
	take(place, FENCED, "r2", 9);
	take(place, FENCED, "r2", 9, .enrol = TRUE);
	take(place, FENCED, "r1", 2);
	/* the answer was lost: the same again; but not from a copy of the run */
	take(place, DONE, "r1", 3);
	assert_call(place, FENCED, .verb = RD_CALL_TAKE, .run = "r1", .number = 3, .wait_s = 5,
		    .who = "alice@b2");
	take(place, DONE, "r1", 4);
	assert_call(place, FENCED, .verb = RD_CALL_RELEASE, .run = "r1", .number = 3);
	assert_call(place, FENCED, .verb = RD_CALL_RELEASE, .run = "r2", .number = 4);
	assert_call(place, DONE, .verb = RD_CALL_RELEASE, .run = "r1", .number = 4);
	assert_call(place, DONE, .verb = RD_CALL_RELEASE, .run = "r1", .number = 4);
	survey(place, &released);
	g_assert_false(released.held);
	g_assert_cmpint(released.number, ==, 4);
	take(place, FENCED, "r2", 4);
	take(place, DONE, "r2", 5);
	/* a number that was given and never arrived: the host is given back all the same */
	assert_call(place, DONE, .verb = RD_CALL_RELEASE, .run = "r2", .number = 6);
	survey(place, &released);
	g_assert_false(released.held);
	g_assert_cmpint(released.number, ==, 5);
}

static void
check_fence(Place *place)
{
	g_autofree char *a = path_of(place, "/data/a"), *b = path_of(place, "/data/b");
	const struct {
		const char *run;
		gint64 number;
		RdVerdict look, touch;
	} rows[] = {
	    {"r1", 4, RD_VERDICT_FENCED, RD_VERDICT_FENCED},
	    {"r1", 6, RD_VERDICT_DONE, RD_VERDICT_FENCED},
	    {"r2", 5, RD_VERDICT_FENCED, RD_VERDICT_FENCED},
	    {"r2", 0, RD_VERDICT_DONE, RD_VERDICT_FENCED},
	    {"r1", 5, RD_VERDICT_DONE, RD_VERDICT_DONE},
	};
	const char *const argv[] = {"cat", a, NULL};
	g_autofree char *left = NULL;

	take(place, DONE, "r1", 5, .enrol = TRUE);
	place->write(place, a, "a\n");
	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		RdCall call = {.verb = RD_CALL_ASK,
			       .run = rows[i].run,
			       .number = rows[i].number,
			       .argv = argv,
			       .from = a,
			       .to = b,
			       .input_fd = -1};

		assert_verdict(verdict(place, &call), rows[i].look);
		call.verb = RD_CALL_MOVE;
		assert_verdict(verdict(place, &call), rows[i].touch);
		left = place->read(place, a);
		g_assert_cmpint(left != NULL, ==, rows[i].touch != RD_VERDICT_DONE);
		g_clear_pointer(&left, g_free);
	}
	assert_call(place, DONE, .verb = RD_CALL_RELEASE, .run = "r1", .number = 5);
	assert_call(place, FENCED, .verb = RD_CALL_MOVE, .run = "r1", .number = 5, .from = b,
		    .to = a);
}

/* ---- files --------------------------------------------------------------------------------- */

static void
assert_content(Place *place, const char *path, const char *text)
{
	g_autofree char *found = place->read(place, path);

	g_assert_cmpstr(found, ==, text);
}

static void
check_move(Place *place)
{
	g_autofree char *a = path_of(place, "/data/a"), *b = path_of(place, "/data/b");
	g_autofree char *deep = path_of(place, "/data/x/y/a");
	const RdCall call =
	    {.verb = RD_CALL_MOVE, .run = "r1", .number = 1, .from = a, .to = deep, .input_fd = -1};

	take(place, DONE, "r1", 1, .enrol = TRUE);
	assert_verdict(verdict(place, &call), RD_VERDICT_REFUSED);
	place->write(place, a, "a\n");
	place->write(place, b, "b\n");
	assert_call(place, REFUSED, .verb = RD_CALL_MOVE, .run = "r1", .number = 1, .from = a,
		    .to = b);
	assert_content(place, a, "a\n");
	assert_content(place, b, "b\n");
	assert_verdict(verdict(place, &call), RD_VERDICT_DONE);
	assert_content(place, a, NULL);
	assert_content(place, deep, "a\n");
	assert_verdict(verdict(place, &call), RD_VERDICT_REFUSED);
	assert_content(place, deep, "a\n");
}

static char *
aside(Place *place, const char *from)
{
	const RdCall call = {.verb = RD_CALL_ASIDE,
			     .run = "r1",
			     .number = 1,
			     .from = from,
			     .input_fd = -1};
	g_auto(RdReply) reply = {0};

	assert_verdict(place->call(place, &call, &reply), RD_VERDICT_DONE);
	if (reply.status != 0) {
		g_assert_cmpint(reply.status, ==, 1);
		return NULL;
	}
	return reply_text(&reply);
}

static void
check_move_aside(Place *place)
{
	g_autofree char *pod = path_of(place, "/etc/kubernetes/manifests/etcd-pod.yaml");
	g_autofree char *kept = path_of(place, "/etc/kubernetes/recoveryd/r1/etcd-pod.yaml");
	g_autofree char *data = path_of(place, "/data/member");
	g_autofree char *found = NULL, *data_found = NULL;
	const RdCall call = {.verb = RD_CALL_MOVE_ASIDE,
			     .run = "r1",
			     .number = 1,
			     .from = pod,
			     .input_fd = -1};
	g_auto(RdReply) reply = {0};

	take(place, DONE, "r1", 1, .enrol = TRUE);
	g_assert_null(aside(place, pod));
	assert_verdict(verdict(place, &call), RD_VERDICT_REFUSED);
	g_assert_null(aside(place, pod));
	place->write(place, pod, "pod\n");
	assert_verdict(place->call(place, &call, &reply), RD_VERDICT_DONE);
	found = reply_text(&reply);
	g_assert_cmpstr(found, ==, kept);
	assert_content(place, pod, NULL);
	assert_content(place, kept, "pod\n");
	g_free(found);
	found = aside(place, pod);
	g_assert_cmpstr(found, ==, kept);
	/* never overwrites what is there from before */
	place->write(place, pod, "another\n");
	assert_verdict(verdict(place, &call), RD_VERDICT_REFUSED);
	assert_content(place, kept, "pod\n");
	assert_content(place, pod, "another\n");
	/* what is not a manifest is found again, too */
	place->write(place, data, "data\n");
	assert_call(place, DONE, .verb = RD_CALL_MOVE_ASIDE, .run = "r1", .number = 1,
		    .from = data);
	data_found = aside(place, data);
	assert_content(place, data_found, "data\n");
	assert_call(place, DONE, .verb = RD_CALL_MOVE, .run = "r1", .number = 1, .from = data_found,
		    .to = data);
	g_assert_null(aside(place, data));
	assert_content(place, data, "data\n");
}

static void
check_put_and_fetch(Place *place)
{
	g_autofree char *to = path_of(place, "/home/core/backup/snapshot.db");
	g_autofree char *dir = path_of(place, "/home/core/backup");
	g_autoptr(GBytes) input = g_bytes_new_static("0123456789", 10);
	g_autofree char *sha256 = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, input);
	g_autofree char *wrong = g_strnfill(64, '0');
	g_autofree char *said = g_strconcat("10 ", sha256, NULL), *got = NULL;
	RdCall call = {.verb = RD_CALL_PUT,
		       .run = "r1",
		       .number = 1,
		       .to = to,
		       .mode = 0600,
		       .size = 10,
		       .sha256 = sha256,
		       .input = input,
		       .input_fd = -1};
	g_auto(RdReply) reply = {0};

	take(place, DONE, "r1", 1, .enrol = TRUE);
	assert_call(place, REFUSED, .verb = RD_CALL_FETCH, .run = "r1", .number = 1, .from = to);
	call.sha256 = wrong;
	assert_verdict(verdict(place, &call), RD_VERDICT_REFUSED);
	assert_content(place, to, NULL);
	call.sha256 = sha256;
	assert_verdict(verdict(place, &call), RD_VERDICT_DONE);
	assert_content(place, to, "0123456789");
	assert_verdict(verdict(place, &call), RD_VERDICT_DONE);
	assert_content(place, to, "0123456789");
	call.to = dir;
	assert_verdict(verdict(place, &call), RD_VERDICT_REFUSED);
	call = (RdCall){.verb = RD_CALL_FETCH,
			.run = "r1",
			.number = 1,
			.from = to,
			.input_fd = -1,
			.offset = 4};
	assert_verdict(place->call(place, &call, &reply), RD_VERDICT_DONE);
	got = reply_text(&reply);
	g_assert_cmpstr(got, ==, "456789");
	g_assert_cmpstr(reply.err, ==, said);
}

/* ---- commands and jobs --------------------------------------------------------------------- */

static void
check_ask(Place *place)
{
	g_autofree char *file = path_of(place, "/data/a"), *missing = path_of(place, "/data/none");
	const char *const good[] = {"cat", file, NULL}, *const bad[] = {"cat", missing, NULL};
	RdCall call = {.verb = RD_CALL_ASK, .run = "r1", .argv = good, .input_fd = -1};
	g_auto(RdReply) reply = {0};
	g_autofree char *out = NULL;

	place->write(place, file, "a\n\n");
	assert_verdict(place->call(place, &call, &reply), RD_VERDICT_DONE);
	out = reply_text(&reply);
	g_assert_cmpstr(out, ==, "a\n\n");
	g_assert_cmpint(reply.status, ==, 0);
	call.argv = bad;
	assert_verdict(place->call(place, &call, &reply), RD_VERDICT_DONE);
	g_assert_cmpint(reply.status, ==, 1);
	assert_has(reply.err, "No such file or directory");
}

static void
check_job(Place *place)
{
	g_autofree char *file = path_of(place, "/data/empty/a"), *moved = path_of(place, "/data/a");
	g_autofree char *dir = path_of(place, "/data/empty");
	const char *const argv[] = {"rmdir", dir, NULL}, *const other[] = {"cat", dir, NULL};
	RdCall call = {.verb = RD_CALL_JOB_STATE,
		       .run = "r1",
		       .number = 1,
		       .state = "s",
		       .visit = 1,
		       .attempt = 2,
		       .name = "j",
		       .argv = argv,
		       .wait_s = 10,
		       .input_fd = -1};
	g_auto(RdReply) reply = {0};

	take(place, DONE, "r1", 1, .enrol = TRUE);
	place->write(place, file, "a\n");
	assert_call(place, DONE, .verb = RD_CALL_MOVE, .run = "r1", .number = 1, .from = file,
		    .to = moved);
	assert_verdict(verdict(place, &call), RD_VERDICT_ABSENT);
	call.boot_id = "00000000-0000-4000-8000-000000000000";
	assert_verdict(verdict(place, &call), RD_VERDICT_UNKNOWN);
	call.verb = RD_CALL_SETTLE;
	assert_verdict(verdict(place, &call), RD_VERDICT_UNKNOWN);
	call.boot_id = NULL;
	assert_verdict(verdict(place, &call), RD_VERDICT_DONE);
	call.verb = RD_CALL_JOB_START;
	assert_verdict(place->call(place, &call, &reply), RD_VERDICT_DONE);
	g_assert_cmpint(reply.status, ==, 0);
	/* found again, not done again: a second rmdir would fail */
	assert_verdict(place->call(place, &call, &reply), RD_VERDICT_DONE);
	g_assert_cmpint(reply.status, ==, 0);
	call.argv = other;
	assert_verdict(verdict(place, &call), RD_VERDICT_REFUSED);
	call.verb = RD_CALL_JOB_STATE;
	assert_verdict(place->call(place, &call, &reply), RD_VERDICT_DONE);
	call.attempt = 0; /* the newest of the visit */
	assert_verdict(place->call(place, &call, &reply), RD_VERDICT_DONE);
	g_assert_cmpint(reply.status, ==, 0);
	call.visit = 2;
	assert_verdict(verdict(place, &call), RD_VERDICT_ABSENT);
	/* another attempt is another job, and this one fails */
	call.verb = RD_CALL_JOB_START;
	call.argv = argv;
	call.visit = 1;
	call.attempt = 3;
	assert_verdict(place->call(place, &call, &reply), RD_VERDICT_DONE);
	g_assert_cmpint(reply.status, ==, 1);
	call.verb = RD_CALL_SETTLE;
	assert_verdict(verdict(place, &call), RD_VERDICT_DONE);
}

/* whose lock a person broke may neither touch nor go on; who comes next may */
static void
check_break(Place *place)
{
	g_autofree char *a = path_of(place, "/data/a"), *b = path_of(place, "/data/b");
	g_autoptr(GBytes) why = g_bytes_new_static("alice is asleep", 15);
	g_auto(RdSurvey) found = {0};
	RdCall call = {.verb = RD_CALL_BREAK,
		       .run = "r1",
		       .number = 3,
		       .who = "carol@b2",
		       .input = why,
		       .input_fd = -1};

	assert_verdict(verdict(place, &call), RD_VERDICT_REFUSED);
	take(place, DONE, "r1", 4, .enrol = TRUE);
	place->write(place, a, "a\n");
	/* not the one that the person saw */
	assert_verdict(verdict(place, &call), RD_VERDICT_FENCED);
	call.number = 4;
	call.run = "r2";
	assert_verdict(verdict(place, &call), RD_VERDICT_FENCED);
	call.run = "r1";
	assert_verdict(verdict(place, &call), RD_VERDICT_DONE);
	survey(place, &found);
	g_assert_false(found.held);
	g_assert_cmpint(found.number, ==, 5);
	g_assert_cmpstr(found.run, ==, "r1");
	assert_has(found.who, "carol@b2, who broke the lock of alice@b1");
	assert_verdict(verdict(place, &call), RD_VERDICT_FENCED);
	call.number = 5;
	assert_verdict(verdict(place, &call), RD_VERDICT_REFUSED);
	assert_call(place, FENCED, .verb = RD_CALL_MOVE, .run = "r1", .number = 4, .from = a,
		    .to = b);
	take(place, FENCED, "r1", 4);
	take(place, FENCED, "r2", 5);
	take(place, DONE, "r2", 6);
}

/* lines behind those that are there; by who holds the host, or held it last */
static void
check_keep(Place *place)
{
	const char *one = "1\taa\tx\n", *two = "2\tbb\ty\n", *other = "1\tcc\tz\n";
	const struct {
		gint64 after;
		const char *link, *lines;
		int status;
		const char *end;
	} steps[] = {{0, NULL, NULL, 0, "0 -"},	 {0, NULL, one, 0, "1 aa"},
		     {1, "cc", two, 1, "1 aa"},	 {5, "aa", two, 1, "1 aa"},
		     {1, "aa", two, 0, "2 bb"},	 {0, NULL, one, 1, "2 bb"},
		     {0, NULL, NULL, 0, "2 bb"}, {0, NULL, other, 0, "1 cc"}};
	RdCall call = {.verb = RD_CALL_KEEP, .run = "r1", .number = 1, .input_fd = -1};

	assert_verdict(verdict(place, &call), RD_VERDICT_FENCED);
	take(place, DONE, "r1", 1, .enrol = TRUE);
	for (guint i = 0; i < G_N_ELEMENTS(steps); i++) {
		g_autoptr(GBytes) input =
		    steps[i].lines != NULL
			? g_bytes_new_static(steps[i].lines, strlen(steps[i].lines))
			: NULL;
		g_auto(RdReply) reply = {0};
		g_autofree char *end = NULL;

		call.offset = steps[i].after;
		call.sha256 = steps[i].link;
		call.input = input;
		assert_verdict(place->call(place, &call, &reply), RD_VERDICT_DONE);
		end = reply_text(&reply);
		g_assert_cmpstr(end, ==, steps[i].end);
		g_assert_cmpint(reply.status, ==, steps[i].status);
	}
	call.input = NULL;
	assert_call(place, DONE, .verb = RD_CALL_RELEASE, .run = "r1", .number = 1);
	assert_verdict(verdict(place, &call), RD_VERDICT_DONE);
	take(place, DONE, "r2", 2, .enrol = FALSE);
	assert_verdict(verdict(place, &call), RD_VERDICT_FENCED);
}

static const struct {
	const char *name;
	Check check;
} checks[] = {
    {"nothing-before-take", check_nothing_before_take},
    {"take", check_take},
    {"fence", check_fence},
    {"move", check_move},
    {"move-aside", check_move_aside},
    {"put-and-fetch", check_put_and_fetch},
    {"keep", check_keep},
    {"break", check_break},
    {"ask", check_ask},
    {"job", check_job},
};

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(checks); i++) {
		g_autofree char *wrapper = g_strconcat("/world/wrapper/", checks[i].name, NULL);
		g_autofree char *sim = g_strconcat("/world/simulator/", checks[i].name, NULL);

		g_test_add_data_func(wrapper, (gconstpointer)checks[i].check, on_wrapper);
		g_test_add_data_func(sim, (gconstpointer)checks[i].check, on_simulator);
	}
	return g_test_run();
}
