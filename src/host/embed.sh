#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# embed.sh FILE: a shell script as a C string, on stdout; without comment lines and indentation,
# because the whole text travels with every call
set -eu

printf '/* made by embed.sh from %s */\n#include "host/wrapper.h"\n\n' "${1##*/}"
printf 'const char rd_wrapper_text[] =\n'
sed -e '/^[	]*#/d' -e 's/^	*//' -e '/^$/d' -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/"&\\n"/' "$1"
printf ';\n'
