#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A script that fits no contract. It has to be refused; that it was run shows in /var/lib/ran-unknown.
set -e
: >/var/lib/ran-unknown
exit 1
