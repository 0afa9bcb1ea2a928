#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Stand-in for cluster-restore.sh DIR of the releases 4.11 to 4.17: what it does, in which order, and
# what it does wrong (domain 4.4), in our own words. It deletes what it moved the last time, does
# not look for the tar before it needs it, replaces what it parks, waits without end.
# /run/standin/pause/STEP holds it at that step for as long as the file is there.
set -e -o pipefail

config=/etc/kubernetes
manifests=$config/manifests
scripts=$config/static-pod-resources/etcd-certs/configmaps/etcd-scripts
KUBE_STATIC_POD_LIST=(kube-apiserver kube-controller-manager kube-scheduler)
AUX_STATIC_POD_LIST=("${KUBE_STATIC_POD_LIST[@]}") # the name by which this contract is known

at_step() {
	[ ! -e "/run/standin/pause/$1" ] || { mkdir -p /run/standin/paused && : >"/run/standin/paused/$1"; }
	while [ -e "/run/standin/pause/$1" ]; do sleep 0.1; done
}

fail() {
	echo "$*"
	exit 1
}

park() { # park FILE: "stopping" is printed whether or not there is one
	echo "...stopping $1"
	[ ! -e "$manifests/$1" ] || mv "$manifests/$1" "$MANIFEST_STOPPED_DIR/"
}

wait_gone() { # wait_gone CONTAINER
	echo "Waiting for container $1 to stop"
	while [ -n "$(crictl ps --label "io.kubernetes.container.name=$1" -q)" ]; do
		echo -n .
		sleep 1
	done
	echo complete
}

last_of() { # last_of GLOB…: of each kind by itself
	# shellcheck disable=SC2012 # version order is what it is about
	ls -v "$@" 2>/dev/null | tail -1
}

[ "$(id -u)" = 0 ] || fail "This script must be run as root"
for file in etcd.env etcd-common-tools; do
	[ -f "$scripts/$file" ] || fail "required dependencies not found, please ensure this script is run on a node with a functional etcd static pod"
done
# shellcheck source=/dev/null
. $scripts/etcd.env
# shellcheck source=/dev/null
. $scripts/etcd-common-tools
[ -d "${1:-}" ] || fail "Path to the directory containing backup files is required: $0 <path-to-backup>"
resources=$(last_of "$1"/static_kuberesources*.tar.gz || true)
snapshot=$(last_of "$1"/snapshot*.db || true)
[ -f "$snapshot" ] || fail "etcd snapshot $snapshot does not exist"
dl_etcdctl
ETCDCTL_API=3 "$ETCDCTL_BIN_DIR/etcdctl" snapshot status "$snapshot" -w json ||
	fail "Backup integrity verification failed. Backup appears corrupted. Aborting!"
at_step begun

mkdir -p "$MANIFEST_STOPPED_DIR"
if [ -z "${ETCD_RESTORE_SKIP_MOVE_CP_STATIC_PODS:-}" ]; then
	for pod in "${AUX_STATIC_POD_LIST[@]}"; do park "$pod-pod.yaml"; done
	at_step parked-kube
	for container in kube-controller-manager kube-apiserver kube-scheduler; do wait_gone $container; done
fi
park etcd-pod.yaml
for container in etcd etcdctl etcd-metrics etcd-readyz; do wait_gone $container; done
at_step stopped

mkdir -p "$ETCD_DATA_DIR_BACKUP"
if [ -d "$ETCD_DATA_DIR/member" ]; then
	if [ -d "$ETCD_DATA_DIR_BACKUP/member" ]; then
		echo "removing previous backup $ETCD_DATA_DIR_BACKUP/member"
		rm -rf "$ETCD_DATA_DIR_BACKUP/member"
	fi
	echo "Moving etcd data-dir $ETCD_DATA_DIR/member to $ETCD_DATA_DIR_BACKUP"
	mv "$ETCD_DATA_DIR/member" "$ETCD_DATA_DIR_BACKUP/"
fi
at_step moved
tar -C $config -xzf "$resources" static-pod-resources
cp -p "$snapshot" "$ETCD_DATA_DIR_BACKUP/snapshot.db"
at_step copied

echo "starting restore-etcd static pod"
if [ -e /run/standin/pause/half ]; then # cp is cut off by a power failure
	head -c 700 "$RESTORE_ETCD_POD_YAML" >"$manifests/etcd-pod.yaml"
	at_step half
fi
cp -p "$RESTORE_ETCD_POD_YAML" "$manifests/etcd-pod.yaml"
at_step started
if [ -z "${ETCD_RESTORE_SKIP_MOVE_CP_STATIC_PODS:-}" ]; then
	for pod in "${KUBE_STATIC_POD_LIST[@]}"; do
		path=$(tar -tzf "$resources" "static-pod-resources" | grep -E "/$pod-pod-[0-9]+/$pod-pod.yaml$") ||
			fail "$pod-pod.yaml does not exist in $resources"
		echo "starting $pod-pod.yaml"
		tar -C $manifests --strip-components=2 -xzvf "$resources" "$path"
		at_step "started-$pod"
	done
fi
