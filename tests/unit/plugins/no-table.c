/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* refused: exports no recovery_plugin */
#include <recovery/plugin.h>

G_MODULE_EXPORT int acme_plugin;
int acme_plugin;
