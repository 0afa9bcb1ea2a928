#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The check of the structure finds what it is there for: a small tree, broken in one way at a time.
set -eu
check=$(dirname "$(readlink -f "$0")")/structure.py
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# tree: low may call nobody, high may call low/low.h
tree() {
	rm -rf "${dir:?}"/*
	mkdir -p "$dir"/src/{low,high} "$dir"/plugins/acme "$dir"/tests/unit
	echo 'May call: GLib.' >"$dir/src/low/README.md"
	printf '#include <glib.h>\n#include <string.h>\n' >"$dir/src/low/low.h"
	echo 'May call: low/low.h (the noun), GLib.' >"$dir/src/high/README.md"
	printf '#include "high/high.h"\n#include "low/low.h"\n' >"$dir/src/high/high.c"
	: >"$dir/src/high/high.h"
	echo 'May call: include.' >"$dir/plugins/acme/README.md"
	echo '#include <recovery/plugin.h>' >"$dir/plugins/acme/acme.c"
	: >"$dir/tests/unit/README.md"
}

# refused WHAT TEXT: the tree as it is now is refused, and TEXT is among the words
refused() {
	local out
	if out=$(python3 "$check" "$dir"); then
		echo "not found: $1" && exit 1
	fi
	grep -qF -- "$2" <<<"$out" || { printf '%s: expected "%s", got:\n%s\n' "$1" "$2" "$out" && exit 1; }
	tree
}

tree
python3 "$check" "$dir" >/dev/null || { echo "the sound tree is refused" && exit 1; }
echo '#include "high/high.h"' >>"$dir/src/low/low.h"
refused "a call upwards" "src/low/low.h:3: src/low may not call high/high.h"
: >"$dir/src/low/secret.h"
echo '#include "low/secret.h"' >>"$dir/src/high/high.c"
refused "another header of a folder of which one is allowed" "src/high may not call low/secret.h"
echo '#include "../low/low.h"' >>"$dir/src/high/high.c"
refused "a way around" 'write it as FOLDER/NAME.h'
echo '#include <unistd.h>' >>"$dir/src/low/low.h"
refused "a library that is not allowed" "src/low may not call POSIX"
printf 'May call: high, GLib.\n' >"$dir/src/low/README.md"
refused "a circle" "low calls itself through"
rm "$dir/src/low/README.md"
refused "no README" "src/low/README.md: missing"
echo 'Lives here.' >"$dir/src/low/README.md"
refused "a README that does not say" 'has no sentence "May call:'
echo 'May call: hihg.' >"$dir/src/low/README.md"
refused "a name of nothing" "names hihg"
echo '#include "../../src/low/low.h"' >>"$dir/plugins/acme/acme.c"
refused "a plugin that looks into src" "plugins/acme may not call low/low.h"
rm "$dir/tests/unit/README.md"
refused "a test folder without README" "tests/unit/README.md: missing"
echo "10 broken trees refused"
