#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# promise.py notices what would break plugins that are in use, one change at a time.
set -eu
here=$(dirname "$(readlink -f "$0")")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# noticed WHAT SED: the header so changed is refused
noticed() {
	sed -E "$2" "$here/plugin-1.h" >"$dir/plugin.h"
	! cmp -s "$here/plugin-1.h" "$dir/plugin.h" || { echo "$1: nothing was changed" && exit 1; }
	if python3 "$here/promise.py" "$here/plugin-1.h" "$dir/plugin.h" >"$dir/out"; then
		echo "not noticed: $1" && exit 1
	fi
	grep -q 'would break' "$dir/out" || { cat "$dir/out" && exit 1; }
}

noticed "a field of another type" 's/guint timeout;/guint64 timeout;/'
noticed "a field taken out" '/gboolean \(\*baseline\)/d'
noticed "a field in the middle" 's/(const char \*fallback;)/int more; \1/'
noticed "a longer struct without a size" 's/int status;/int status; int more;/'
noticed "an enum value in the middle" 's/RECOVERY_KIND_WAIT,/RECOVERY_KIND_NEW, RECOVERY_KIND_WAIT,/'
noticed "an enum that begins elsewhere" 's/RECOVERY_KIND_CHANGE = 1/RECOVERY_KIND_CHANGE = 2/'
noticed "a function taken out" '/^guint recovery_time_used/d'
noticed "an argument of another type" 's/, guint mode,/, int mode,/'
noticed "another result" 's/char \*\*recovery_hosts/const char **recovery_hosts/'
sed 's/RECOVERY_PLUGIN_API 1/RECOVERY_PLUGIN_API 2/; /recovery_time_used/d' "$here/plugin-1.h" >"$dir/plugin.h"
python3 "$here/promise.py" "$here/plugin-1.h" "$dir/plugin.h" >/dev/null || { echo "another API is free" && exit 1; }
echo "9 changes noticed"
