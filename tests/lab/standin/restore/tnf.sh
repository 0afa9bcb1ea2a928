#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A cluster-restore.sh of another contract, known by its marker: pcs resource. It has to be refused; that it
# was run shows in /var/lib/ran-tnf.
set -e
: >/var/lib/ran-tnf
echo "This script is not for this procedure" >&2
exit 1
