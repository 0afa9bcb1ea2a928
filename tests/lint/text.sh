#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# text.sh WHAT: of all files of the project, as they lie here.
#   format   C is as clang-format 14 writes it (skipped with another version: they disagree)
#   licence  the licence stands in the first three lines
#   length   no file of more than 600 lines, unless it stands below with its reason
set -eu
cd "$(dirname "$(readlink -f "$0")")/../.."

long_for_a_reason() {
	cat <<'T'
tests/sim/grid.c            the grid, the random ones and the way back share their forks
tests/unit/plugin-tape.c    the whole step API once more, on tapes
tests/unit/test-procedure.c one case beside the other
tests/unit/test-snapshot.c  one case beside the other
tests/unit/test-csr.c is the corpus of requests, one line a case
tests/unit/test-storage-audit.c one case beside the other
tests/unit/test-status.c    one case beside the other
tests/lab/kube-client.c     one case beside the other
T
}

# files PATTERN…: names that match, without what a build left behind
files() {
	local pattern args=()
	for pattern; do
		args+=(-o -name "$pattern")
	done
	find . -name 'build*' -prune -o -name .git -prune -o -type f \( "${args[@]:1}" \) -printf '%P\n' | sort
}

format() {
	local tool c
	tool=$(command -v clang-format-14 || command -v clang-format) || { echo "no clang-format" && exit 77; }
	"$tool" --version | grep -q 'version 14\.' || { echo "not version 14: $("$tool" --version)" && exit 77; }
	mapfile -t c < <(files '*.c' '*.h')
	[ ${#c[@]} -gt 100 ]
	"$tool" --dry-run -Werror "${c[@]}" || {
		echo "remedy: $tool -i FILE, in a commit of its own"
		exit 1
	}
	echo "${#c[@]} files"
}

licence() {
	local file missing=0 n=0
	while read -r file; do
		n=$((n + 1))
		# not head: it would end grep's writer early
		sed -n 1,3p "$file" | grep -q 'SPDX-License-Identifier: LGPL-2.1-or-later' || {
			echo "$file: add the line SPDX-License-Identifier: LGPL-2.1-or-later at its top"
			missing=1
		}
	done < <(files '*.c' '*.h' '*.sh' '*.py')
	[ $n -gt 100 ] && [ $missing = 0 ] && echo "$n files"
}

length() {
	local file lines broken=0
	while read -r file; do
		lines=$(wc -l <"$file")
		if [ "$lines" -gt 600 ] && ! long_for_a_reason | grep -q "^$file "; then
			echo "$file: $lines lines. Which noun is hiding in it? Move that to a file of its own"
			broken=1
		fi
	done < <(files '*.c' '*.h' '*.sh' '*.py')
	while read -r file _; do
		if [ ! -f "$file" ] || [ "$(wc -l <"$file")" -le 600 ]; then
			echo "$file is no longer long: take it out of the list in tests/lint/text.sh"
			broken=1
		fi
	done < <(long_for_a_reason)
	return $broken
}

case ${1:-} in
format | licence | length) "$1" ;;
*) echo "format, licence or length" >&2 && exit 2 ;;
esac
