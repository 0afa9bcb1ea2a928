#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Stand-in for etcd-member-remove.sh NAME of OpenShift 4.2: by name, which one that was never started has not.

# shellcheck source=/dev/null
. /usr/local/bin/openshift-recovery-tools
must_be_root
[ -n "${1:-}" ] || fail "The name of the etcd member to remove is required: ./etcd-member-remove.sh \$etcd_name"
init
dl_etcdctl
backup_etcd_client_certs
id=$("${WITH_TLS[@]}" member list | awk -F, -v name=" $1" '$3 == name { print $1 }')
[ -n "$id" ] || fail "could not find etcd member $1 to remove."
"${WITH_TLS[@]}" member remove "$id" || fail "removing etcd member $1 with ID: $id failed"
echo "etcd member $1 with $id successfully removed.."
