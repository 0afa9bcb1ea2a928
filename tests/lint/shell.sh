#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every shell script of the project is clean for shellcheck. The parts of the wrapper are one text,
# and are checked as such (wrapper-shellcheck).
set -eu
cd "$(dirname "$(readlink -f "$0")")/../.."
command -v shellcheck >/dev/null || exit 77

files=()
while read -r file; do
	files+=("$file")
done < <(find .ci scripts src tests data plugins -type f ! -name 'wrapper*.sh' -print0 |
	xargs -0 grep -lE -m1 '^#!(/usr)?/bin/(env )?(ba)?sh|^# shellcheck shell=' | sort)
[ ${#files[@]} -gt 10 ] || { echo "only ${#files[@]} scripts found: this test looks in the wrong place" && exit 1; }
echo "${#files[@]} scripts"
shellcheck -x "${files[@]}"
