/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Prints docs/step.dot. */

#include "machine/life.h"
#include <stdio.h>

int
main(void)
{
	g_autoptr(GString) dot = g_string_new(NULL);

	rd_life_print_dot(dot);
	return fputs(dot->str, stdout) < 0 || fflush(stdout) != 0;
}
