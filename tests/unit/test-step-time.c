/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step-fixture.h"

/* The pace of waiting. */

/* when the probe looked, milliseconds; it is over at @over, and says so from @hints on */
static guint64 looks[1000];
static guint n_looks, over, hints;

static RecoveryProbe
probe(RecoveryStep *step, GError **error)
{
	guint64 now = step->world->klass->clock(step->world) / 1000;

	looks[n_looks++] = now;
	if (now >= over)
		return RECOVERY_PROBE_PRESENT;
	if (hints > 0 && now >= hints)
		recovery_due(step, (guint)(over - now));
	return RECOVERY_PROBE_ABSENT;
}

static void
wait_for(guint over_ms, guint hints_ms)
{
	PLAY(play, {.verdict = RD_KUBE_DONE});
	g_autoptr(GError) error = NULL;

	over = over_ms;
	hints = hints_ms;
	n_looks = 0;
	play->step.deadline = G_MAXINT64;
	g_assert_true(recovery_wait(&play->step, probe, &error));
	g_assert_no_error(error);
}

/* a fiftieth of the time waited, never less than a quarter of a second, never more than five */
static void
test_pace(void)
{
	wait_for(600 * 1000, 0);
	for (guint i = 1; i < n_looks; i++) {
		guint64 pause = looks[i] - looks[i - 1];

		g_assert_cmpuint(pause, ==, CLAMP(looks[i - 1] / 50, 250, 5000));
	}
	g_assert_cmpuint(looks[n_looks - 1] - over, <=, 5000);
}

/* who knows when it will be over is asked then, and not less often before */
static void
test_due(void)
{
	guint without;

	wait_for(300 * 1000, 0);
	without = n_looks;
	wait_for(300 * 1000, 1);
	g_assert_cmpuint(looks[n_looks - 1] - over, <=, 20);
	g_assert_cmpuint(n_looks, >=, without);
	g_assert_cmpuint(n_looks, <=, without + 1);
	/* a hint that is already over is no reason to look without a pause */
	wait_for(1000, 999);
	g_assert_cmpuint(looks[n_looks - 1], >=, looks[n_looks - 2] + 20);
}

/* its time begins anew each time it has come further than ever, but not beyond the whole of it */
static void
test_moved(void)
{
	PLAY(play, {.verdict = RD_KUBE_DONE});

	play->order->anew_ms = 600 * 1000;
	play->order->whole_ms = 1000 * 1000;
	play->order->far = play->step.far = 4;
	play->stage.now = 300 * G_USEC_PER_SEC;
	recovery_moved(&play->step, 4);
	g_assert_cmpuint(recovery_time_used(&play->step), ==, 50);
	recovery_moved(&play->step, 5);
	g_assert_cmpuint(recovery_time_used(&play->step), ==, 0);
	play->stage.now = 600 * G_USEC_PER_SEC;
	recovery_moved(&play->step, 5);
	recovery_moved(&play->step, 3);
	g_assert_cmpuint(recovery_time_used(&play->step), ==, 50);
	recovery_moved(&play->step, 6);
	play->stage.now = 800 * G_USEC_PER_SEC;
	/* 400 s were left of the whole */
	g_assert_cmpuint(recovery_time_used(&play->step), ==, 50);
	g_assert_cmpint(play->step.time_to, ==, 1000 * G_USEC_PER_SEC);
}

/* where the procedure gives it no more time, nothing is told, and nothing changes */
static void
test_moved_for_nothing(void)
{
	PLAY(play, {.verdict = RD_KUBE_DONE});

	play->stage.now = 300 * G_USEC_PER_SEC;
	recovery_moved(&play->step, 5);
	recovery_moved(&play->step, 6);
	g_assert_cmpuint(recovery_time_used(&play->step), ==, 50);
	g_assert_cmpstr(play->stage.log->str, ==, "");
}

/* the first number is where it begins, which the next worker is to know of */
static void
test_moved_first(void)
{
	PLAY(play, {.verdict = RD_KUBE_DONE});

	play->order->anew_ms = play->order->whole_ms = 600 * 1000;
	play->stage.now = 300 * G_USEC_PER_SEC;
	recovery_moved(&play->step, 5);
	g_assert_cmpuint(recovery_time_used(&play->step), ==, 50);
	g_assert_cmpstr(play->stage.log->str, ==, "moved 5 (null): \n");
	play->order->whole_ms = 1200 * 1000;
	recovery_moved(&play->step, 6);
	g_assert_cmpuint(recovery_time_used(&play->step), ==, 0);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/step-time/pace", test_pace);
	g_test_add_func("/step-time/due", test_due);
	g_test_add_func("/step-time/moved", test_moved);
	g_test_add_func("/step-time/moved-for-nothing", test_moved_for_nothing);
	g_test_add_func("/step-time/moved-first", test_moved_first);
	return g_test_run();
}
