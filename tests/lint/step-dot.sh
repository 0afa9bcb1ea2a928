#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# step-dot.sh PROGRAM: docs/step.dot is what the program draws.
set -eu
file=$(dirname "$(readlink -f "$0")")/../../docs/step.dot
"$1" | diff -u "$file" - || {
	echo "docs/step.dot is not the life of a step any more. Remedy: $1 >docs/step.dot"
	exit 1
}
