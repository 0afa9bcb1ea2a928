#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The check of docs/fidelity.md finds what it is there for: a small tree, broken in one way at a time.
# shellcheck disable=SC2016 # backquotes are Markdown's
set -eu
check=$(dirname "$(readlink -f "$0")")/fidelity.py
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

tree() {
	rm -rf "${dir:?}"/*
	mkdir -p "$dir"/docs "$dir"/plugins/acme "$dir"/data/procedures
	printf '\t.name = "stop",\nstatic void\nacme_look(void)\n' >"$dir/plugins/acme/acme.c"
	printf '  gate:\n    name: sure\n' >"$dir/data/procedures/one.yaml"
	cat >"$dir/docs/fidelity.md" <<-'end'
		4 facts: 1 source, 0 documentation, 0 measured, 2 inference, 1 memory; 3 gate a change, 2 of these not from source, 1 of them not caught.
		| `known` | w | source | f | `plugins/acme/acme.c: acme_look`, `acme/stop` | change | |
		| `asked` | w | inference | f | `acme/stop` | change | `gate sure` |
		| `seen` | w | memory | f | `acme/stop` | look | |
		| `open` | w | inference | f | `acme/stop` | change | none |
		## Not caught
		* `open`: because.
	end
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

page=$dir/docs/fidelity.md
tree
sed -i 's/^4 facts: 1 source/4 facts: 2 source/' "$page"
refused "a count that was typed" "4 facts: 1 source, 0 documentation"
sed -i 's/3 gate a change/4 gate a change/' "$page"
refused "a count of what gates" "3 gate a change, 2 of these"
sed -i 's/`gate sure`/none/' "$page"
refused "inference that gates a change and is not caught" "asked: inference gates a change"
sed -i '/^\* `open`/d; s/1 of them not/0 of them not/' "$page"
refused "one that was not said to be open" "open: inference gates a change"
sed -i 's/| none |/| `acme\/stop` |/' "$page"
refused "one that is caught, below Not caught" 'open: below "Not caught", but it is caught'
sed -i 's/^\* `open`/* `gone`/' "$page"
refused "a name that no row has" "gone: not caught, and no row"
sed -i 's/acme_look/acme_loo/' "$page"
refused "a function that there is not" "known: plugins/acme/acme.c has no acme_loo"
sed -i 's/acme_look/stop/' "$dir/plugins/acme/acme.c"
refused "a function that was renamed" "known: plugins/acme/acme.c has no acme_look"
sed -i 's/"stop"/"halt"/' "$dir/plugins/acme/acme.c"
refused "a state type that there is not" "there is no state type acme/stop"
sed -i 's/sure/unsure/' "$dir/data/procedures/one.yaml"
refused "a gate that there is not" "no shipped procedure has the gate sure"
sed -i 's/`seen` | w | memory/`seen` | w | hearsay/' "$page"
refused "a basis that is none" "seen: rests on one of"
sed -i 's/^| `seen`/| `asked`/' "$page"
refused "two rows of one name" "asked: twice"
sed -i '/^|/d' "$page"
refused "no rows" "0 facts"
python3 "$check" "$dir" >/dev/null || { echo "the sound tree is refused" && exit 1; }
echo "13 broken pages refused"
