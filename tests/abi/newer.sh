#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# newer.sh HEADER: the header as it may be tomorrow, on stdout: fields where it says "append here"
exec awk '
BEGIN {
	more[1] = "\tconst char *unit;"
	more[2] = "\tgboolean (*later)(RecoveryStep *, GError **);\n\tgboolean (*even_later)(RecoveryStep *, GError **);"
	more[3] = "\tconst char *home;\n\tgsize home_size;"
}
/\/\* append here \*\// { print more[++n] }
{ print }
END {
	if (n != 3) {
		print "newer.sh: " n " places to append, not 3" > "/dev/stderr"
		exit 1
	}
}' "$1"
