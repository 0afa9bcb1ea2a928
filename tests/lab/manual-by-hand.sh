#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The documented manual restore, by hand: plain shell over ssh, no recoveryd. It tests the lab (what
# an operator would do must work on it) and is what recoveryd is compared with.
# P3-xx: the steps of docs/procedures.md.
set -eu -o pipefail

HERE=$(dirname "$(readlink -f "$0")")
"$HERE/lab" able || exit 77
DIR=$(mktemp -d /var/tmp/manual-by-hand.XXXXXX)
HOSTS=(m0 m1 m2)
ASIDE=/root/manifests-backup
BACKUP=/home/core/assets/backup
UUID=$(cat /proc/sys/kernel/random/uuid)
TOKEN=openshift-etcd-$UUID

lab() { "$HERE/lab" --dir "$DIR/lab" "$@"; }

say() { printf '%3d s  %s\n' $SECONDS "$*"; }

fail() {
	echo "FAILED: $*" >&2
	exit 1
}

finish() {
	[ -n "${KEEP:-}" ] || { lab down && rm -rf "$DIR"; }
}
trap finish EXIT

# at HOST SCRIPT: as root, over ssh
at() { lab ssh "$1" "sudo bash -euo pipefail -s" <<<"$2"; }

equal() { # equal WHAT FOUND WANTED
	[ "$2" = "$3" ] || fail "$1: found '$2', wanted '$3'"
}

running() { at "$1" "crictl ps -q --label io.kubernetes.container.name=$2"; }

# wait_container HOST NAME running|gone
wait_container() {
	local end=$((SECONDS + 120)) found
	while :; do
		found=$(running "$1" "$2")
		case $3:$found in
		gone: | running:?*) return ;;
		esac
		[ $SECONDS -lt $end ] || fail "$1: container $2 is not $3"
		sleep 0.3
	done
}

stop_pod() { # stop_pod HOST MANIFEST CONTAINER…
	local h=$1 manifest=$2 container
	shift 2
	at "$h" "mkdir -p $ASIDE; mv /etc/kubernetes/manifests/$manifest $ASIDE/"
	for container; do wait_container "$h" "$container" gone; done
}

start_pod() {
	local h=$1 manifest=$2 container
	shift 2
	at "$h" "mv $ASIDE/$manifest /etc/kubernetes/manifests/"
	for container; do wait_container "$h" "$container" running; done
}

# ids TOKEN URL…: member ids in order of the URLs, then the cluster id (etcd's own rule: SHA-1)
ids() {
	/usr/bin/python3 - "$@" <<-'P'
		import hashlib, sys
		member = [hashlib.sha1((u + sys.argv[1]).encode()).digest()[:8] for u in sys.argv[2:]]
		cluster = hashlib.sha1(b"".join(sorted(member))).digest()[:8]
		print(*[m.hex().lstrip("0") for m in member + [cluster]])
	P
}

# cluster_id JSON: in hex. A JSON number of 64 bits, which jq would round
cluster_id() { printf '%x' "$(grep -Eo '"cluster_id":[0-9]+' <<<"$1" | cut -d: -f2)"; }

lab up ${IMAGE:+--image "$IMAGE"}
say "1,000 keys, a backup, 50 keys more"
equal "keys" "$(lab seed-data 1000)" 1000
lab backup "$DIR/backup" >/dev/null 2>&1
SNAPSHOT=$(basename "$(echo "$DIR"/backup/snapshot_*.db)")
equal "keys" "$(lab seed-data 50 1001)" 1050
OLD_CLUSTER=$(cluster_id "$(lab etcdctl member list -w json)")

say "m1 and m2 lose power and their data"
for h in m1 m2; do
	lab kill "$h"
	lab lose-data "$h"
done
if lab etcdctl --command-timeout=5s put /lab/late 1 2>"$DIR/words"; then
	fail "a write went through without quorum"
fi
say "a write: $(tail -1 "$DIR/words")"
for h in m1 m2; do
	lab boot "$h"
	wait_container "$h" kube-apiserver running
	wait_container "$h" etcdctl running
done
lab watch start

say "P3-02 the backup on every host"
SUM=$(sha256sum <"$DIR/backup/$SNAPSHOT")
for h in "${HOSTS[@]}"; do
	lab ssh "$h" "sudo mkdir -p $BACKUP && sudo tee $BACKUP/$SNAPSHOT >/dev/null" <"$DIR/backup/$SNAPSHOT"
	equal "$h: copy" "$(at "$h" "sha256sum <$BACKUP/$SNAPSHOT")" "$SUM"
done

say "P3-03 stop the static pods, host by host, etcd last"
for h in "${HOSTS[@]}"; do
	for pod in kube-apiserver kube-controller-manager kube-scheduler; do
		stop_pod "$h" $pod-pod.yaml $pod
	done
	stop_pod "$h" etcd-pod.yaml etcd etcdctl etcd-metrics etcd-readyz
done

say "P3-04 old data aside"
for h in "${HOSTS[@]}"; do
	at "$h" "mkdir -p /home/core/assets/old-member-data
		[ ! -e /var/lib/etcd/member ] || mv /var/lib/etcd/member /home/core/assets/old-member-data/"
done

say "P3-05..08 names, URLs, initial cluster"
declare -A NAME URL
for h in "${HOSTS[@]}"; do
	# shellcheck disable=SC2016 # for the shell over there
	NAME[$h]=$(at "$h" '
		certs=/etc/kubernetes/static-pod-resources/etcd-certs/configmaps
		variable=$(grep -Eo "export ETCD_NAME=.*" $certs/restore-etcd-pod/pod.yaml | grep -Eo "NODE_.+_ETCD_NAME")
		grep -A1 "name: \"$variable\"" $certs/restore-etcd-pod/pod.yaml | sed -n "s/.*value: \"\(.*\)\"/\1/p"')
	URL[$h]=$(at "$h" "
		. /etc/kubernetes/static-pod-resources/etcd-certs/configmaps/etcd-scripts/etcd.env
		echo https://\$NODE_${NAME[$h]//[-.]/_}_IP:2380")
done
INITIAL=
for h in "${HOSTS[@]}"; do INITIAL+=${INITIAL:+,}${NAME[$h]}=${URL[$h]}; done
read -ra PREDICTED <<<"$(ids "$TOKEN" "${URL[m0]}" "${URL[m1]}" "${URL[m2]}")"
say "$INITIAL"
say "predicted members ${PREDICTED[*]:0:3}, cluster ${PREDICTED[3]}"

say "P3-10..13 restore, compare"
for h in "${HOSTS[@]}"; do
	at "$h" "
		image=\$(jq -r '.spec.containers[] | select(.name == \"etcdctl\").image' $ASIDE/etcd-pod.yaml)
		podman image exists \$image
		podman run --rm --network=none --authfile=/var/lib/kubelet/config.json --entrypoint=etcdctl \
			-e ETCDCTL_API=3 -v /var/lib/etcd:/var/lib/etcd:z -v $BACKUP:$BACKUP:ro,z \$image \
			snapshot restore $BACKUP/$SNAPSHOT --name ${NAME[$h]} --initial-cluster $INITIAL \
			--initial-cluster-token $TOKEN --initial-advertise-peer-urls ${URL[$h]} \
			--data-dir /var/lib/etcd/restore-$UUID" >"$DIR/restore.$h" 2>&1 ||
		fail "$h: $(cat "$DIR/restore.$h")"
	equal "$h: printed members" \
		"$(grep 'added member' "$DIR/restore.$h" | grep -Eo '"added-peer-id": ?"[0-9a-f]+"' | cut -d'"' -f4 | sort | xargs)" \
		"$(printf '%s\n' "${PREDICTED[@]:0:3}" | sort | xargs)"
done

say "P3-14..16 put in place"
for h in "${HOSTS[@]}"; do
	at "$h" "mv /var/lib/etcd/restore-$UUID/member /var/lib/etcd/
		! which restorecon >/dev/null || restorecon -R /var/lib/etcd
		rmdir /var/lib/etcd/restore-$UUID"
	equal "$h: /var/lib/etcd" "$(at "$h" 'ls -A /var/lib/etcd')" member
done

say "P3-17..18 start etcd"
for h in "${HOSTS[@]}"; do
	start_pod "$h" etcd-pod.yaml etcd etcdctl etcd-metrics etcd-readyz
done

say "P3-19 status"
status() {
	at m0 "crictl exec $(running m0 etcdctl) etcdctl endpoint status -w simple" | tee "$DIR/status"
}
end=$((SECONDS + 60))
until [ "$(status 2>/dev/null | grep -c ', true, false, ')" = 1 ] && [ "$(wc -l <"$DIR/status")" = 3 ]; do
	[ $SECONDS -lt $end ] || fail "no leader: $(cat "$DIR/status")"
	sleep 0.5
done
cat "$DIR/status"
FOUND=$(cluster_id "$(at m0 "crictl exec $(running m0 etcdctl) etcdctl member list -w json")")
equal "cluster id" "$FOUND" "${PREDICTED[3]}"
[ "$FOUND" != "$OLD_CLUSTER" ] || fail "it is the old cluster"

say "P3-20..22 the other pods, the kubelets"
for h in "${HOSTS[@]}"; do start_pod "$h" kube-apiserver-pod.yaml kube-apiserver; done
for h in "${HOSTS[@]}"; do
	start_pod "$h" kube-controller-manager-pod.yaml kube-controller-manager
	start_pod "$h" kube-scheduler-pod.yaml kube-scheduler
	at "$h" 'systemctl restart kubelet'
done

say "the data of the backup, and writes again"
equal "keys" "$(lab etcdctl get /lab/ --prefix --keys-only | grep -c ^/lab/)" 1000
equal "key 1000" "$(lab etcdctl get /lab/01000 --print-value-only)" value-01000
lab etcdctl put /lab/after 1 >/dev/null

say "what the observers saw"
lab watch count >"$DIR/count"
for h in "${HOSTS[@]}"; do
	for pod in etcd kube-apiserver kube-controller-manager kube-scheduler; do
		there=/etc/kubernetes/manifests/$pod-pod.yaml
		# /root is on the other mount: these moves are copies, and show as such
		equal "$h: $pod taken away, put back" "$(jq -c --arg h "$h" --arg f "$there" \
			'[.[$h].deletes[$f], .[$h].creates[$f]]' "$DIR/count")" '[1,1]'
	done
	equal "$h: members put in place" "$(jq --arg h "$h" --arg m "/var/lib/etcd/restore-$UUID/member -> /var/lib/etcd/member" \
		'.[$h].renames[$m]' "$DIR/count")" 1
	equal "$h: apiserver started" "$(jq --arg h "$h" --arg c "openshift-kube-apiserver/kube-apiserver-$h/kube-apiserver" \
		'.[$h].containers[$c].starts' "$DIR/count")" 1
	equal "$h: kubelet started" "$(jq --arg h "$h" '.[$h].units["kubelet.service"]' "$DIR/count")" 1
done
say "restored by hand"
