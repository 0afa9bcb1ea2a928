#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# embed.sh FILE...: a shell script as a C string, on stdout; without comment lines and indentation,
# because the whole text travels with every call
set -eu

printf '/* made by embed.sh */\n#include "host/wrapper.h"\n\n'
printf 'const char rd_wrapper_text[] =\n'
sed -e '/^[	]*#/d' -e 's/^	*//' -e '/^$/d' -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/"&\\n"/' "$@"
printf ';\n'
