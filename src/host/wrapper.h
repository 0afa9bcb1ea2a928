/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* wrapper.sh, made a string at build time, ASCII: what comes first on stdin (frame.h) */
extern const char rd_wrapper_text[];
