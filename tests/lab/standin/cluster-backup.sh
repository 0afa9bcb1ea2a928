#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Stand-in for cluster-backup.sh DIR: a snapshot of the running etcd and the static pods' resources,
# named as the real one names them (domain 4.5). Prints the two names.
set -eu -o pipefail

[ "$(id -u)" = 0 ] || { echo "This script must be run as root" && exit 1; }
[ -n "${1:-}" ] || { echo "Path to the directory is required: $0 DIR" && exit 1; }
umask 077
mkdir -p "$1"
stamp=$(date +%F_%H%M%S)
snapshot=$1/snapshot_$stamp.db
resources=$1/static_kuberesources_$stamp.tar.gz
kubernetes=/etc/kubernetes
# shellcheck source=/dev/null
. $kubernetes/static-pod-resources/etcd-certs/configmaps/etcd-scripts/etcd.env
safe=NODE_$(hostname | tr .- _)_IP

ETCDCTL_ENDPOINTS=https://${!safe}:2379 /opt/standin/jail -v "$1:$1" \
	-v $kubernetes/static-pod-resources/etcd-certs:$kubernetes/static-pod-certs -- \
	etcdctl snapshot save "$snapshot" >&2
latest=()
for pod in kube-apiserver kube-controller-manager kube-scheduler etcd; do
	latest+=("$(cd $kubernetes && printf '%s\n' static-pod-resources/$pod-pod-[0-9]* | sort -V | tail -1)")
done
tar -czf "$resources" -C $kubernetes "${latest[@]}"
printf '%s\n' "$snapshot" "$resources"
