#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Stand-in for etcd-snapshot-restore.sh SNAPSHOT INITIAL_CLUSTER of OpenShift 4.2 (domain P1-05). A second run keeps
# the first copy of the data and deletes what there is.
set -e -o pipefail

# shellcheck source=/dev/null
. /usr/local/bin/openshift-recovery-tools
must_be_root
[ $# -ge 2 ] ||
	fail "Path to snapshot and initial cluster are required: ./etcd-snapshot-restore.sh \$path-to-snapshot \$initial_cluster"
SNAPSHOT_FILE=$1
[ -f "$SNAPSHOT_FILE" ] || fail "etcd snapshot $SNAPSHOT_FILE does not exist."
init
dl_etcdctl
backup_manifest
discovery_domain
validate_environment
# shellcheck source=/dev/null
. "$RUN_ENV"
ETCD_INITIAL_CLUSTER=$2
validate_etcd_name
at_step begun

stop_static_pods
at_step stopped-pods
stop_etcd
echo "Stopping kubelet.."
systemctl stop kubelet.service
echo "Stopping all containers.."
crictl ps -q | xargs -r crictl stop
at_step stopped
backup_data_dir
at_step copied
echo "Removing etcd data-dir $ETCD_DATA_DIR"
rm -rf "$ETCD_DATA_DIR"
at_step removed
echo "Restoring etcd member $ETCD_NAME from snapshot.."
$ETCDCTL snapshot restore "$SNAPSHOT_FILE" --name "$ETCD_NAME" --initial-cluster "$ETCD_INITIAL_CLUSTER" \
	--initial-cluster-token etcd-cluster-1 --skip-hash-check=true \
	--initial-advertise-peer-urls "https://$ETCD_IPV4_ADDRESS:2380" --data-dir "$ETCD_DATA_DIR"
at_step restored
start_static_pods
at_step started-pods
echo "Starting kubelet.."
systemctl daemon-reload
systemctl start kubelet.service
at_step ended
