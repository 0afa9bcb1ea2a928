/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sshd-fixture.h"
#include <dlfcn.h>
#include <fcntl.h>
#include <libssh/libssh.h>
#include <libssh/server.h>

/* what happens on the wire, against a real sshd */

/* libssh's own, on a machine that is so busy that the answer is there before the call is over */
int
ssh_send_keepalive(ssh_session session)
{
	int (*real)(ssh_session) = dlsym(RTLD_NEXT, "ssh_send_keepalive");
	int rc = real(session);

	g_usleep(G_USEC_PER_SEC);
	return rc;
}

#define NOISE                                                                                      \
	"ForceCommand echo hello recoveryd-begin; echo moan >&2; eval \"$SSH_ORIGINAL_COMMAND\""

static gboolean
call(Sshd *sshd, const RdCall *what, RdReply *reply, GError **error)
{
	RdWorld *world = sshd_world(sshd);

	rd_reply_clear(reply);
	return world->klass->call(world, "m0", what, reply, error);
}

static void
take(Sshd *sshd)
{
	g_auto(RdReply) reply = {0};
	g_autoptr(GError) error = NULL;
	RdCall what = {.verb = RD_CALL_TAKE, .number = 1, .enrol = TRUE, .who = "alice@bastion"};

	call(sshd, &what, &reply, &error);
	g_assert_no_error(error);
	g_assert_cmpint(reply.verdict, ==, RD_VERDICT_DONE);
}

/* in a thread, after a while */
typedef struct {
	GPid pid;
	int number;		/* signal to its children */
	const char *when_there; /* (nullable) a file that has to exist first */
	int cancel;		/* or: write here */
	guint after_ms;
} Deed;

static gpointer
do_deed(gpointer data)
{
	Deed *deed = data;
	guint hit = 0;

	for (guint i = 0; deed->when_there != NULL && i < 3000; i++) {
		if (g_file_test(deed->when_there, G_FILE_TEST_EXISTS))
			break;
		g_usleep(10000);
	}
	g_usleep(deed->after_ms * 1000);
	if (deed->number == 0)
		g_assert_cmpint(write(deed->cancel, "x", 1), ==, 1);
	for (guint i = 0; deed->number != 0 && hit == 0 && i < 3000; i++) {
		hit = signal_children(deed->pid, deed->number);
		g_usleep(10000);
	}
	return NULL;
}

static void
assert_bytes(Sshd *sshd, gsize size)
{
	g_autofree char *path = sshd_path(sshd, "bytes");
	g_autofree char *script = g_strdup_printf("cat %s; echo done >&2; exit 7", path);
	g_autofree guint8 *bytes = g_malloc(size);
	g_autoptr(GBytes) expected = NULL;
	g_auto(RdReply) reply = {0};
	g_autoptr(GError) error = NULL;
	guint64 x = 88172645463325252;

	for (gsize i = 0; i < size; i++) {
		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		bytes[i] = (guint8)x;
	}
	expected = g_bytes_new(bytes, size);
	g_assert_true(g_file_set_contents(path, (const char *)bytes, size, NULL));
	ask(sshd, "m0", script, &reply, &error);
	g_assert_no_error(error);
	g_assert_cmpint(reply.status, ==, 7);
	g_assert_cmpstr(reply.err, ==, "done\n");
	g_assert_true(g_bytes_equal(reply.out, expected));
}

static void
test_50_megabytes(Sshd *sshd, gconstpointer data)
{
	assert_bytes(sshd, 50 * 1000 * 1000);
}

static void
test_noise_of_a_login_shell(Sshd *sshd, gconstpointer data)
{
	g_auto(RdReply) reply = {0};
	g_autoptr(GError) error = NULL;

	ask(sshd, "m0", "printf 'a\\n'", &reply, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(g_bytes_get_size(reply.out), ==, 2);
	g_assert_cmpstr(reply.err, ==, "");
	assert_bytes(sshd, 100000);
}

static void
test_put_streams_and_fetch_returns(Sshd *sshd, gconstpointer data)
{
	const gsize size = 9 * 1000 * 1000;
	g_autofree char *from = sshd_path(sshd, "from");
	g_autofree char *to = sshd_path(sshd, "new/to");
	g_autofree char *bytes = g_strnfill(size, 'b');
	g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, bytes, size);
	g_auto(RdReply) reply = {0};
	g_autoptr(GError) error = NULL;
	RdCall put =
	    {.verb = RD_CALL_PUT, .number = 1, .to = to, .mode = 0600, .size = size, .sha256 = sum};
	RdCall fetch = {.verb = RD_CALL_FETCH, .from = to, .offset = 10};

	take(sshd);
	g_assert_true(g_file_set_contents(from, bytes, size, NULL));
	/* the second time the host answers before it has read anything */
	for (guint i = 0; i < 2; i++) {
		put.input_fd = open(from, O_RDONLY | O_CLOEXEC);
		call(sshd, &put, &reply, &error);
		g_assert_no_error(error);
		g_assert_cmpstr(reply.err, ==, "");
		g_assert_cmpint(reply.verdict, ==, RD_VERDICT_DONE);
		close(put.input_fd);
	}
	call(sshd, &fetch, &reply, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(g_bytes_get_size(reply.out), ==, size - 10);
	assert_has(reply.err, sum);
	assert_has(reply.err, "9000000 ");
}

static void
test_a_lost_answer_is_not_asked_for_again(Sshd *sshd, gconstpointer data)
{
	g_autofree char *count = sshd_path(sshd, "count");
	g_autofree char *script = g_strdup_printf("echo x >>%s; sleep 60", count);
	const char *argv[] = {"sh", "-c", script, NULL};
	g_auto(RdReply) reply = {0};
	g_autoptr(GError) error = NULL;
	g_autofree char *text = NULL;
	RdCall run = {.verb = RD_CALL_RUN, .number = 1, .argv = argv};
	Deed deed = {.pid = sshd->pid, .number = SIGKILL, .when_there = count};
	GThread *thread;

	take(sshd);
	thread = g_thread_new("deed", do_deed, &deed);
	g_assert_false(call(sshd, &run, &reply, &error));
	assert_code(error, RECOVERY_ERROR_UNREACHABLE);
	assert_has(error->message, "m0");
	g_thread_join(thread);
	g_clear_error(&error);
	/* and the next call connects anew */
	ask(sshd, "m0", "true", &reply, &error);
	g_assert_no_error(error);
	text = read_text(count);
	g_assert_cmpstr(text, ==, "x\n");
}

static void
test_a_connection_that_died_idle_is_replaced(Sshd *sshd, gconstpointer data)
{
	g_autofree char *count = sshd_path(sshd, "count");
	g_autofree char *script = g_strdup_printf("echo x >>%s", count);
	const char *argv[] = {"sh", "-c", script, NULL};
	g_auto(RdReply) reply = {0};
	g_autoptr(GError) error = NULL;
	g_autofree char *text = NULL;
	RdCall run = {.verb = RD_CALL_RUN, .number = 1, .argv = argv};

	take(sshd);
	g_assert_cmpuint(signal_children(sshd->pid, SIGKILL), >, 0);
	call(sshd, &run, &reply, &error);
	g_assert_no_error(error);
	text = read_text(count);
	g_assert_cmpstr(text, ==, "x\n");
}

static void
assert_cancelled(Sshd *sshd, const char *host)
{
	g_auto(RdReply) reply = {0};
	g_autoptr(GError) error = NULL;
	Deed deed = {.cancel = sshd->cancel[1], .after_ms = 500};
	gint64 start = rd_boottime();
	GThread *thread = g_thread_new("deed", do_deed, &deed);

	g_assert_false(ask(sshd, host, "sleep 60", &reply, &error));
	g_thread_join(thread);
	assert_code(error, RECOVERY_ERROR_CANCELLED);
	g_assert_cmpfloat(seconds_since(start), <, 1.5);
	g_assert_cmpfloat(seconds_since(start), >, 0.4);
}

/* A host that does not read any more must not hold us in a write. Behind a jump host, because the
 * pair of sockets between is what fills up. */
static void
test_cancel_a_stalled_upload(Sshd *sshd, gconstpointer data)
{
	g_autofree char *from = sshd_path(sshd, "from");
	g_autofree char *to = sshd_path(sshd, "to");
	g_auto(RdReply) reply = {0};
	g_autoptr(GError) error = NULL;
	RdCall put = {.verb = RD_CALL_PUT,
		      .number = 1,
		      .to = to,
		      .mode = 0600,
		      .size = G_GINT64_CONSTANT(4) << 30,
		      .sha256 = "-"};
	Deed stop = {.pid = sshd->pid, .number = SIGSTOP, .after_ms = 200};
	Deed cancel = {.cancel = sshd->cancel[1], .after_ms = 1200};
	GThread *threads[2];
	gint64 start;

	((RdHostAddress *)g_ptr_array_index(sshd->addresses, 0))->jump = sshd_address(sshd, "gate");
	take(sshd);
	put.input_fd = open(from, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	g_assert_cmpint(ftruncate(put.input_fd, put.size), ==, 0);
	start = rd_boottime();
	threads[0] = g_thread_new("stop", do_deed, &stop);
	threads[1] = g_thread_new("cancel", do_deed, &cancel);
	g_assert_false(call(sshd, &put, &reply, &error));
	assert_code(error, RECOVERY_ERROR_CANCELLED);
	g_assert_cmpfloat(seconds_since(start), <, 2.2);
	g_thread_join(threads[0]);
	g_thread_join(threads[1]);
	close(put.input_fd);
}

static void
test_cancel_a_command(Sshd *sshd, gconstpointer data)
{
	RdWorld *world = sshd_world(sshd);

	g_assert_false(world->klass->cancelled(world));
	g_assert_true(world->klass->pause(world, 1));
	assert_cancelled(sshd, "m0");
	g_assert_true(world->klass->cancelled(world));
	g_assert_false(world->klass->pause(world, 60000));
}

static void
test_cancel_a_handshake(Sshd *sshd, gconstpointer data)
{
	RdHostAddress *mute = sshd_address(sshd, "mute");
	int fd = listen_somewhere(&mute->port);

	g_ptr_array_add(sshd->addresses, mute);
	assert_cancelled(sshd, "mute");
	close(fd);
}

static void
test_cancel_a_connect(Sshd *sshd, gconstpointer data)
{
	RdHostAddress *nowhere = sshd_address(sshd, "nowhere");

	/* a backlog that is full drops what comes */
	int fd = listen_somewhere(&nowhere->port);
	int fill[64];

	listen(fd, 0);
	for (guint i = 0; i < G_N_ELEMENTS(fill); i++) {
		struct sockaddr_in name = {.sin_family = AF_INET,
					   .sin_port = htons(nowhere->port),
					   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

		fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)!connect(fill[i], (struct sockaddr *)&name, sizeof name);
	}
	g_ptr_array_add(sshd->addresses, nowhere);
	assert_cancelled(sshd, "nowhere");
	for (guint i = 0; i < G_N_ELEMENTS(fill); i++)
		close(fill[i]);
	close(fd);
}

static RdHostAddress *
behind(Sshd *sshd, const char *name, RdHostAddress *jump)
{
	RdHostAddress *address = sshd_address(sshd, name);

	address->jump = jump;
	return address;
}

static void
test_jump_hosts(Sshd *sshd, gconstpointer data)
{
	RdHostAddress *m0 = g_ptr_array_index(sshd->addresses, 0);

	m0->jump = behind(sshd, "gate", sshd_address(sshd, "outer-gate"));
	assert_bytes(sshd, 20 * 1000 * 1000);
	test_put_streams_and_fetch_returns(sshd, NULL);
}

static void
test_cancel_behind_a_jump_host(Sshd *sshd, gconstpointer data)
{
	RdHostAddress *m0 = g_ptr_array_index(sshd->addresses, 0);

	m0->jump = sshd_address(sshd, "gate");
	assert_cancelled(sshd, "m0");
}

static void
test_a_jump_host_is_checked_too(Sshd *sshd, gconstpointer data)
{
	RdHostAddress *m0 = g_ptr_array_index(sshd->addresses, 0);
	g_auto(RdReply) reply = {0};
	g_autoptr(GError) error = NULL;

	m0->jump = sshd_address(sshd, "gate");
	g_free(m0->jump->host_key);
	m0->jump->host_key = public_key(sshd, "other");
	g_assert_false(ask(sshd, "m0", "true", &reply, &error));
	assert_code(error, RECOVERY_ERROR_PERMANENT);
	assert_has(error->message, "m0, by jump host: gate");
	assert_has(error->message, "CHANGED");
	g_clear_error(&error);
	g_free(m0->jump->host_key);
	m0->jump->host_key = public_key(sshd, "host");
	close(listen_somewhere(&m0->port)); /* where nobody listens */
	g_assert_false(ask(sshd, "m0", "true", &reply, &error));
	assert_code(error, RECOVERY_ERROR_UNREACHABLE);
	assert_has(error->message, "gate");
}

static guint
count_descriptors(void)
{
	g_autoptr(GDir) dir = g_dir_open("/proc/self/fd", 0, NULL);
	guint n = 0;

	while (g_dir_read_name(dir) != NULL)
		n++;
	return n;
}

static void
test_descriptors_stay_the_same(Sshd *sshd, gconstpointer data)
{
	RdHostAddress *m0 = g_ptr_array_index(sshd->addresses, 0);
	guint before = 0;

	m0->jump = sshd_address(sshd, "gate");
	for (guint i = 0; i < 5; i++) {
		g_auto(RdReply) reply = {0};
		g_autoptr(GError) error = NULL;

		ask(sshd, "m0", "true", &reply, &error);
		g_assert_no_error(error);
		/* half of them by the other side */
		if (i % 2)
			signal_children(sshd->pid, SIGKILL);
		g_clear_pointer(&sshd->world, rd_host_world_free);
		if (i == 0)
			before = count_descriptors();
	}
	g_assert_cmpuint(count_descriptors(), ==, before);
}

static void
test_what_an_orphan_says_is_not_waited_for(Sshd *sshd, gconstpointer data)
{
	g_auto(RdReply) reply = {0};
	g_autoptr(GError) error = NULL;
	gint64 start = rd_boottime();

	ask(sshd, "m0", "echo said; sleep 20 & exit 4", &reply, &error);
	g_assert_no_error(error);
	g_assert_cmpint(reply.status, ==, 4);
	g_assert_cmpuint(g_bytes_get_size(reply.out), ==, 5);
	g_assert_cmpfloat(seconds_since(start), <, 10);
}

/* Patience has to be waited for, so everything that needs it goes at once: a host that is quiet
 * and lives, one that is stopped in the middle of a command, one that never speaks, and a good
 * one, which none of them holds up. */
static void
test_silence(Sshd *sshd, gconstpointer data)
{
	static const char *const hosts[] = {"stopped", "mute", "refusing", "m0", "unknown"};
	const char *argv[] = {"sh", "-c", "date +%s.%N; sleep 32", NULL};
	RdReply replies[5] = {{0}};
	GError *errors[5] = {NULL};
	RdCall what = {.verb = RD_CALL_ASK, .argv = argv};
	RdHostAddress *mute = sshd_address(sshd, "mute");
	RdHostAddress *refusing = sshd_address(sshd, "refusing");
	RdHostAddress *stopped = sshd_address(sshd, "stopped");
	int fd = listen_somewhere(&mute->port);
	RdCall calls[G_N_ELEMENTS(hosts)];
	gint64 start = rd_boottime();
	Sshd other = {0};
	Deed deed = {.number = SIGSTOP, .after_ms = 1500};
	GThread *thread;
	RdWorld *world;

	sshd_set_up(&other, NULL);
	deed.pid = other.pid;
	stopped->port = other.port;
	g_free(stopped->host_key);
	stopped->host_key = public_key(&other, "host");
	g_free(stopped->key_file);
	stopped->key_file = sshd_path(&other, "key");
	close(listen_somewhere(&refusing->port));
	g_ptr_array_add(sshd->addresses, mute);
	g_ptr_array_add(sshd->addresses, refusing);
	g_ptr_array_add(sshd->addresses, stopped);
	world = sshd_world(sshd);
	thread = g_thread_new("deed", do_deed, &deed);
	for (guint i = 0; i < G_N_ELEMENTS(hosts); i++)
		calls[i] = what;
	world->klass->call_all(world, hosts, G_N_ELEMENTS(hosts), calls, replies, errors);
	g_test_message("%.1f s", seconds_since(start));
	g_assert_cmpfloat(seconds_since(start), <, 60);
	assert_code(errors[0], RECOVERY_ERROR_UNREACHABLE);
	assert_has(errors[0]->message, "no sign of the host");
	assert_code(errors[1], RECOVERY_ERROR_UNREACHABLE);
	assert_has(errors[1]->message, "key exchange");
	assert_code(errors[2], RECOVERY_ERROR_UNREACHABLE);
	g_assert_no_error(errors[3]);
	g_assert_cmpint(replies[3].verdict, ==, RD_VERDICT_DONE);
	/* it had begun at once */
	g_assert_cmpfloat(g_ascii_strtod(g_bytes_get_data(replies[3].out, NULL), NULL), <,
			  (double)g_get_real_time() / G_USEC_PER_SEC - seconds_since(start) + 10);
	assert_code(errors[4], RECOVERY_ERROR_PERMANENT);
	for (guint i = 0; i < G_N_ELEMENTS(hosts); i++) {
		rd_reply_clear(&replies[i]);
		g_clear_error(&errors[i]);
	}
	g_thread_join(thread);
	sshd_tear_down(&other, NULL);
	close(fd);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	if (geteuid() != 0 || !g_file_test("/usr/sbin/sshd", G_FILE_TEST_IS_EXECUTABLE)) {
		g_print("1..0 # SKIP needs root and sshd: NOT TESTED\n");
		return 0;
	}
#define ADD(path, test, more)                                                                      \
	g_test_add("/host/" path, Sshd, more, sshd_set_up, test, sshd_tear_down)
	ADD("bytes/50-mb", test_50_megabytes, NULL);
	ADD("bytes/noise", test_noise_of_a_login_shell, NOISE);
	ADD("bytes/put", test_put_streams_and_fetch_returns, NULL);
	ADD("bytes/orphan", test_what_an_orphan_says_is_not_waited_for, NULL);
	ADD("lost/never-again", test_a_lost_answer_is_not_asked_for_again, NULL);
	ADD("lost/idle", test_a_connection_that_died_idle_is_replaced, NULL);
	ADD("cancel/command", test_cancel_a_command, NULL);
	ADD("cancel/upload", test_cancel_a_stalled_upload, NULL);
	ADD("cancel/handshake", test_cancel_a_handshake, NULL);
	ADD("cancel/connect", test_cancel_a_connect, NULL);
	ADD("cancel/jump", test_cancel_behind_a_jump_host, NULL);
	ADD("jump/two", test_jump_hosts, NULL);
	ADD("jump/checked", test_a_jump_host_is_checked_too, NULL);
	ADD("descriptors", test_descriptors_stay_the_same, NULL);
	ADD("silence", test_silence, NULL);
	return g_test_run();
}
