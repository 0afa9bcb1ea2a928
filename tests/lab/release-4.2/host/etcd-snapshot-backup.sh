#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Stand-in for etcd-snapshot-backup.sh FILE of OpenShift 4.2: client certificates, manifest and snapshot in ./assets/backup.
set -e -o pipefail

# shellcheck source=/dev/null
. /usr/local/bin/openshift-recovery-tools
must_be_root
[ -n "${1:-}" ] || fail 'Path to backup file required: ./etcd-snapshot-backup.sh ./backup.db'
init
dl_etcdctl
backup_etcd_client_certs
backup_manifest
"${WITH_TLS[@]}" snapshot save "$1"
