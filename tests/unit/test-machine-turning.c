/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The way back: from every moment of a run, in every situation, and killed at every moment of it.
 */

#include "rollback-fixture.h"

/* what is the matter when it is asked for */
typedef enum {
	IN_HAND,
	RESTARTED,
	PAUSED,
	CANCELLED, /* on the way to it, and from its end */
	HELD,
	LOST, /* its worker */
	SITUATIONS,
} Situation;

static void
bring_into(Fixture *f, Situation situation, guint after)
{
	RdOrder *order;

	drive(f, after);
	switch (situation) {
	case RESTARTED:
		restart(f);
		break;
	case PAUSED:
		if (rd_run_get_state(f->run) != RD_RUN_RUNNING)
			break;
		person(f, "pause", NULL, NULL);
		drive(f, 1000);
		assert_state(f, RD_RUN_PAUSED);
		break;
	case CANCELLED:
		person(f, "cancel", NULL, NULL);
		drive(f, after % 2 == 0 ? 1000 : 0);
		break;
	case HELD:
	case LOST:
		order = f->hands.head != NULL ? f->hands.head->data : NULL;
		if (order == NULL || order->state == NULL)
			break;
		{
			g_autofree char *name = order_name(order);
			const char *line = g_hash_table_lookup(f->script, name);
			g_autofree char *then =
			    g_strdup_printf("%s,%s", situation == HELD ? "permanent:no" : "lost",
					    line != NULL		 ? line
					    : order->what == RD_DO_CHECK ? "absent"
					    : order->what == RD_DO_PROBE ? "present"
									 : "finished");

			if (g_strcmp0(line, "stay") != 0)
				script(f, name, then);
			drive(f, 1);
		}
		break;
	case IN_HAND:
	case SITUATIONS:
		break;
	}
}

/* how many answers it takes to the point of no return */
static guint
count_answers(void)
{
	Fixture f = {0};
	guint n = 0;

	back_setup(&f, NULL);
	while (!rd_run_passed(f.run, RD_MARK_POINT_OF_NO_RETURN)) {
		drive(&f, 1);
		n++;
	}
	teardown(&f, NULL);
	return n;
}

static void
test_every_situation(void)
{
	guint n = count_answers(), tried = 0;

	g_assert_cmpuint(n, >, 40);
	for (guint after = 0; after < n; after++) {
		for (Situation situation = 0; situation < SITUATIONS; situation++) {
			Fixture f = {0};

			back_setup(&f, NULL);
			g_test_message("situation %u after %u answers", situation, after);
			bring_into(&f, situation, after);
			if (!rd_run_passed(f.run, RD_MARK_POINT_OF_NO_RETURN)) {
				person(&f, "rollback", NULL, NULL);
				drive(&f, 1000);
				assert_went_back(&f);
				tried++;
			}
			teardown(&f, NULL);
		}
	}
	g_assert_cmpuint(tried, >, 200);
}

/* killed at each moment of the way back itself, and resumed; typed again */
static void
test_every_kill(void)
{
	for (guint after = 0;; after++) {
		Fixture f = {0};
		gboolean over;

		back_setup(&f, NULL);
		drive_to(&f, "look well@cluster");
		person(&f, "rollback", NULL, NULL);
		drive(&f, after);
		over = rd_run_get_state(f.run) == RD_RUN_ENDED;
		if (!over) {
			restart(&f);
			if (after % 2 == 0)
				person(&f, "rollback", NULL, NULL);
			assert_state(&f, RD_RUN_ROLLBACK);
			drive(&f, 1000);
			assert_went_back(&f);
		}
		teardown(&f, NULL);
		if (over)
			break;
		g_assert_cmpuint(after, <, 200);
	}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/rollback/every-situation", test_every_situation);
	g_test_add_func("/rollback/every-kill", test_every_kill);
	return g_test_run();
}
