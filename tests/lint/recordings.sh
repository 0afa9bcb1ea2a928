#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# recordings.sh [ROOT]: each plugin has a tape that was recorded in a real run (docs/plugins.md), unless
# it stands below with its reason; and no tape knows the machine that recorded it.
set -eu
cd "${1:-$(dirname "$(readlink -f "$0")")/../..}"

none_for_a_reason() {
	cat <<'T'
T
}

broken=0 n=0
fault() {
	echo "$1"
	broken=1
}

for dir in plugins/*/; do
	name=$(basename "$dir")
	[ "$name" != common ] || continue
	found=
	for tape in "$dir"tests/recorded-*.tape; do
		[ -f "$tape" ] || continue
		# written by hand it would prove what its author believes
		sed -n 1p "$tape" | grep -q "^# recorded from $name/" ||
			fault "$tape: does not begin as the recorder begins: record it, and change nothing"
		# the hosts' user is core; who else has a home here, or a temporary file, is the recorder's machine
		! grep -nE '(^|[ "=:])(/var)?/tmp/|/home/([^c]|c[^o])' "$tape" ||
			fault "$tape: has a path of the machine that recorded it"
		found=yes
		n=$((n + 1))
	done
	if none_for_a_reason | grep -q "^$name "; then
		[ -z "$found" ] || fault "$name has a recording: take it out of the list in tests/lint/recordings.sh"
	elif [ -z "$found" ]; then
		fault "plugins/$name/tests: no recorded-*.tape. RECOVERYD_TAPES=DIR recoveryd start … (docs/plugins.md)"
	fi
done
[ $broken = 0 ] && echo "$n recordings"
