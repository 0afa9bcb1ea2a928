/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "view.h"
G_BEGIN_DECLS

/* The page of `status` while it is written: view-text.c and view-states.c. Texts that come from
 * hosts and people pass rd_screen_clean() on their way in: what a host says must not drive the
 * terminal. */
typedef struct {
	GString *page;
	const RdView *view;
	const RdScreen *screen;
	RdForm form;
	RdFacts facts;
} RdPage;

void rd_page_states(RdPage *self);
G_END_DECLS
