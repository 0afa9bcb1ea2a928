/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* wrapper.sh, made a string at build time: the third argument of `sh -c` on a host */
extern const char rd_wrapper_text[];
