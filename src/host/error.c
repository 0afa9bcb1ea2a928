/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <recovery/plugin.h>

/* here because host/ is the lowest folder that fails with these codes */
G_DEFINE_QUARK(recovery - error - quark, recovery_error)
