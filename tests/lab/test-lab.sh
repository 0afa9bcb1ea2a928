#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Does the lab do what it says? Each stand-in and each breaker is tried once. TAP.
# No `set -e` here: check() runs each test in a shell of its own that has it.
# shellcheck disable=SC2317 # called by name
# shellcheck disable=SC2016 # for the shells over there
set -u

HERE=$(dirname "$(readlink -f "$0")")
DIR='' # made as soon as it is known that there can be a lab
COUNT=0 BAD=0

lab() { "$HERE/lab" --dir "$DIR/lab" "$@"; }

second() { "$HERE/lab" --dir "$DIR/second" "$@"; }

# check SENTENCE: runs the function of that name, spaces as _
check() {
	local status
	COUNT=$((COUNT + 1))
	(set -eu -o pipefail && "${1// /_}") >"$DIR/output" 2>&1
	status=$?
	if [ $status = 0 ]; then
		echo "ok $COUNT - $1"
	else
		BAD=1
		echo "not ok $COUNT - $1"
		sed 's/^/# /' "$DIR/output"
	fi
}

equal() { [ "$1" = "$2" ] || { echo "found '$1', wanted '$2'" && exit 1; }; }

differ() { [ "$1" != "$2" ] || { echo "both are '$1'" && exit 1; }; }

refused() { # refused COMMAND…: it must fail
	! "$@" || { echo "went through: $*" && exit 1; }
}

within() { # within SECONDS COMMAND…
	local end=$((SECONDS + $1))
	shift
	until ("$@"); do
		[ "$SECONDS" -lt "$end" ] || { echo "not within the time: $*" && exit 1; }
		sleep 0.2
	done
}

# grep -c, not -q: who writes to a reader that is gone fails, and pipefail makes that ours
# at HOST SCRIPT: as root; `refused` is known there too (`! command` does not end a script with set -e)
at() { lab ssh "$1" "sudo bash -euo pipefail -s" <<<"$(declare -f refused)"$'\n'"$2"; }

id_of() { at "$1" "crictl ps -q --label io.kubernetes.container.name=$2"; }

has() { [ -n "$(id_of "$1" "$2")" ]; }

has_not() { [ -z "$(id_of "$1" "$2")" ]; }

is_another() { # is_another HOST CONTAINER OLD-ID
	local now
	now=$(id_of "$1" "$2")
	[ -n "$now" ] && [ "$now" != "$3" ]
}

three_hosts_with_a_healthy_etcd() {
	lab up
	equal "$(lab etcdctl member list | grep -c ', started, ')" 3
	for h in m0 m1 m2; do within 20 lab exec "$h" systemctl is-system-running; done
}

a_second_lab_beside_it() {
	second up --names a-b,m1,m10 --own-etcd-mount --logind
	equal "$(second etcdctl member list | grep -c ', started, ')" 3
	equal "$(second ssh m10 hostname)" m10
	equal "$(second exec m1 findmnt -no TARGET -T /var/lib/etcd)" /var/lib/etcd
	second exec a-b grep -q 'export NODE_a_b_IP="10.77.0.10"' \
		/etc/kubernetes/static-pod-resources/etcd-certs/configmaps/etcd-scripts/etcd.env
}

etc_and_var_are_one_device_and_two_mounts() {
	equal "$(lab exec m0 stat -c %d /etc)" "$(lab exec m0 stat -c %d /var)"
	at m0 'echo x >/etc/probe
		python3 -c "import os; os.rename(\"/etc/probe\", \"/var/probe\")" 2>/tmp/words && exit 1
		grep -q "cross-device" /tmp/words
		rm /etc/probe'
	# the same within one mount goes
	at m0 'echo x >/etc/probe; python3 -c "import os; os.rename(\"/etc/probe\", \"/etc/kubernetes/probe\")"
		rm /etc/kubernetes/probe'
}

logind_ends_what_a_session_left() {
	second ssh m1 'nohup sleep 4321 >/dev/null 2>&1 & echo started'
	within 15 refused second exec m1 pgrep -f 'sleep 4321'
	lab ssh m1 'nohup sleep 4321 >/dev/null 2>&1 & echo started'
	sleep 2
	lab exec m1 pgrep -f 'sleep 4321'
}

the_same_bytes_again_are_no_change() {
	local before
	before=$(id_of m0 kube-scheduler)
	at m0 'cd /etc/kubernetes/manifests; cp kube-scheduler-pod.yaml .new; mv .new kube-scheduler-pod.yaml'
	sleep 2
	equal "$(id_of m0 kube-scheduler)" "$before"
}

another_content_stops_the_old_and_starts_the_new() {
	local before
	before=$(id_of m0 kube-scheduler)
	at m0 'cd /etc/kubernetes/manifests; sed s/30,/29,/ kube-scheduler-pod.yaml >.new; mv .new kube-scheduler-pod.yaml'
	within 20 is_another m0 kube-scheduler "$before"
	at m0 "crictl ps -a -q | grep -c $before"
	equal "$(at m0 "crictl inspect $before | jq -r .status.state")" CONTAINER_EXITED
}

any_file_without_a_dot_is_a_pod() {
	at m0 'cd /etc/kubernetes/manifests
		jq -c ".metadata.name = \"extra\" | .spec.containers |= [.[0] | .name = \"extra\"]" kube-scheduler-pod.yaml >.hidden'
	sleep 2
	has_not m0 extra
	at m0 'mv /etc/kubernetes/manifests/.hidden /etc/kubernetes/manifests/extra.bak'
	within 20 has m0 extra
	at m0 'rm /etc/kubernetes/manifests/extra.bak'
	within 20 has_not m0 extra
}

containers_survive_the_kubelet() {
	local before
	before=$(at m0 'crictl ps -q | sort')
	at m0 'systemctl restart kubelet.service'
	sleep 2
	equal "$(at m0 'crictl ps -q | sort')" "$before"
	# and it still looks after them
	at m0 "crictl stop $(id_of m0 kube-scheduler)"
	within 20 has m0 kube-scheduler
	equal "$(at m0 "crictl ps -o json --name '^kube-scheduler$' | jq -c '.containers[].metadata'")" \
		'{"name":"kube-scheduler","attempt":1}'
}

crictl_selects_and_needs_root() {
	equal "$(at m0 'crictl ps -q --name kube-apiserver | wc -l')" 4
	equal "$(at m0 "crictl ps -q --label io.kubernetes.container.name=etcd \
		--label io.kubernetes.pod.namespace=openshift-etcd | wc -l")" 1
	equal "$(at m0 "crictl ps -q --label io.kubernetes.container.name=etcd \
		--label io.kubernetes.pod.namespace=default | wc -l")" 0
	refused lab ssh m0 crictl ps
	refused at m0 'crictl ps --unknown'
}

exec_runs_in_the_container() {
	equal "$(at m0 "crictl exec $(id_of m0 etcdctl) etcdctl endpoint health" 2>&1 | grep -c 'is healthy')" 3
	refused at m0 "crictl exec $(id_of m0 etcdctl) false"
	refused lab exec m0 which etcdctl
}

podman_sees_only_its_mounts() {
	at m0 'image=$(jq -r ".spec.containers[0].image" /etc/kubernetes/manifests/etcd-pod.yaml)
		podman image exists $image
		refused podman image exists localhost/other
		run="podman run --rm --network=none --authfile=/var/lib/kubelet/config.json -v /var/lib/etcd:/var/lib/etcd:ro,z"
		$run --entrypoint=ls $image /var/lib/etcd | grep -cx member
		refused $run --entrypoint=touch $image /var/lib/etcd/x
		refused $run --entrypoint=ls $image /etc/kubernetes/manifests
		$run --entrypoint=etcdctl -e ETCDCTL_API=3 $image version | grep -c "etcdctl version"
		refused $run --entrypoint=etcdctl -e ETCDCTL_API=3 $image --endpoints=https://10.77.0.11:2379 endpoint health
		code=0; podman run --rm localhost/other || code=$?
		[ $code = 125 ]'
}

a_stuck_container_does_not_stop() {
	local id
	id=$(id_of m0 kube-scheduler)
	lab stuck m0 kube-scheduler
	refused at m0 "crictl stop -t 1 $id"
	at m0 'mv /etc/kubernetes/manifests/kube-scheduler-pod.yaml /etc/kubernetes/'
	sleep 2
	equal "$(id_of m0 kube-scheduler)" "$id"
	lab unstuck m0 kube-scheduler
	at m0 "crictl stop $id"
	has_not m0 kube-scheduler
	at m0 'mv /etc/kubernetes/kube-scheduler-pod.yaml /etc/kubernetes/manifests/'
	within 20 has m0 kube-scheduler
}

etcd_crashes_for_good_and_comes_back() {
	lab stop-etcd m1
	within 10 has_not m1 etcd
	refused lab run timeout 3 bash -c "echo >/dev/tcp/10.77.0.11/2379"
	lab start-etcd m1
	within 60 at m1 "crictl exec $(id_of m1 etcdctl) env ETCDCTL_ENDPOINTS=https://10.77.0.11:2379 etcdctl endpoint health"
}

a_cut_is_silence() {
	lab cut m2
	refused lab ssh m2 true 2>"$DIR/words"
	grep -q 'timed out' "$DIR/words"
	lab exec m2 true
	lab mend m2
	lab ssh m2 true
}

a_second_bastion_can_be_cut_alone() {
	lab bastion 1 ssh -F "$DIR/lab/ssh/config" 10.77.0.10 true
	lab bastion 1 bash -c 'exec 3<>/dev/tcp/10.77.0.10/22; ss -Hnt' | grep -c 10.77.0.2:
	lab cut b1
	refused timeout 3 "$HERE/lab" --dir "$DIR/lab" bastion 1 bash -c 'echo >/dev/tcp/10.77.0.10/22'
	lab ssh m0 true
	lab mend b1
	lab bastion 1 ssh -F "$DIR/lab/ssh/config" 10.77.0.10 true
}

ssh_sessions_break_and_new_ones_go() {
	lab ssh m0 'sleep 60' &
	within 10 lab exec m0 pgrep -f 'sleep 60'
	lab reset-ssh m0
	refused wait $!
	lab ssh m0 true
}

a_hanging_sshd_says_nothing() {
	lab hang-sshd m0
	lab run timeout 3 bash -c 'echo >/dev/tcp/10.77.0.10/22'
	refused lab run timeout 3 ssh -F "$DIR/lab/ssh/config" 10.77.0.10 true
	lab unhang-sshd m0
	lab ssh m0 true
}

a_full_disk_is_full() {
	equal "$(lab fill m2 /var/lib)" 0
	refused at m2 'dd if=/dev/zero of=/var/lib/x bs=64K count=1 conv=fsync'
	refused at m2 'dd if=/dev/zero of=/etc/x bs=64K count=1 conv=fsync'
	lab unfill m2 /var/lib
	at m2 'dd if=/dev/zero of=/var/lib/x bs=64K count=1 conv=fsync; rm -f /var/lib/x /etc/x'
	second fill m1 /var/lib/etcd
	second exec m1 dd if=/dev/zero of=/var/x bs=64K count=1 conv=fsync
	refused second exec m1 dd if=/dev/zero of=/var/lib/etcd/x bs=64K count=1 conv=fsync
	second unfill m1 /var/lib/etcd
}

power_off_and_on() {
	local boot machine
	boot=$(lab ssh m2 cat /proc/sys/kernel/random/boot_id)
	machine=$(lab ssh m2 cat /etc/machine-id)
	lab kill m2
	refused lab exec m2 true
	refused lab ssh m2 true 2>"$DIR/words"
	grep -q 'timed out' "$DIR/words" # silence: nobody there to refuse
	lab boot m2
	differ "$(lab ssh m2 cat /proc/sys/kernel/random/boot_id)" "$boot"
	equal "$(lab ssh m2 cat /etc/machine-id)" "$machine"
	within 60 lab etcdctl endpoint health
}

a_reboot_starts_everything_again() {
	local boot id
	boot=$(lab ssh m2 cat /proc/sys/kernel/random/boot_id)
	id=$(id_of m2 etcd)
	lab reboot m2
	differ "$(lab ssh m2 cat /proc/sys/kernel/random/boot_id)" "$boot"
	within 20 is_another m2 etcd "$id"
	within 60 lab etcdctl endpoint health
}

a_wiped_host_is_another_machine() {
	local machine
	machine=$(lab ssh m2 cat /etc/machine-id)
	lab wipe m2
	lab install m2
	lab boot m2
	refused lab ssh m2 true 2>"$DIR/words"
	grep -q 'HOST IDENTIFICATION HAS CHANGED\|Host key verification failed' "$DIR/words"
	lab trust m2
	differ "$(lab ssh m2 cat /etc/machine-id)" "$machine"
	within 20 at m2 'grep -q "dataDir has been destroyed" /var/log/pods/*etcd*/etcd/*.log'
}

a_clock_can_be_wrong() {
	local here there
	lab clock m1 7200
	here=$(date +%s)
	there=$(lab ssh m1 date +%s)
	[ $((there - here)) -ge 7190 ]
	[ $((there - here)) -le 7260 ]
	lab clock m1 0
	there=$(lab ssh m1 date +%s)
	[ $((there - here)) -le 60 ]
}

observers_count_each_effect_once() {
	lab watch start
	at m0 'mkdir -p /etc/kubernetes/recoveryd/run1
		mv /etc/kubernetes/manifests/kube-scheduler-pod.yaml /etc/kubernetes/recoveryd/run1/
		mv /var/lib/etcd/member /var/lib/etcd/x; mv /var/lib/etcd/x /var/lib/etcd/member'
	within 20 has_not m0 kube-scheduler
	at m0 'mv /etc/kubernetes/recoveryd/run1/kube-scheduler-pod.yaml /etc/kubernetes/manifests/
		systemctl restart kubelet.service'
	within 20 has m0 kube-scheduler
	lab watch stop
	lab watch count >"$DIR/count"
	equal "$(jq -c '.m0.renames' "$DIR/count")" "$(jq -cSn '{
		"/etc/kubernetes/manifests/kube-scheduler-pod.yaml -> /etc/kubernetes/recoveryd/run1/kube-scheduler-pod.yaml": 1,
		"/etc/kubernetes/recoveryd/run1/kube-scheduler-pod.yaml -> /etc/kubernetes/manifests/kube-scheduler-pod.yaml": 1,
		"/var/lib/etcd/member -> /var/lib/etcd/x": 1, "/var/lib/etcd/x -> /var/lib/etcd/member": 1}')"
	equal "$(jq -c '.m0.containers["openshift-kube-scheduler/openshift-kube-scheduler-m0/kube-scheduler"]' "$DIR/count")" \
		'{"starts":1,"stops":1}'
	equal "$(jq -c '.m0.units["kubelet.service"]' "$DIR/count")" 1
	equal "$(jq -c '.m1.renames' "$DIR/count")" '{}'
}

the_inventory_is_yaml() {
	lab inventory >"$DIR/cluster.yaml"
	equal "$(/usr/bin/python3 -c '
import sys, yaml
c = yaml.safe_load(open(sys.argv[1]))
print(c["cluster"], c["defaults"]["user"], *[(h["name"], h["address"], h.get("recovery", False)) for h in c["hosts"]])
' "$DIR/cluster.yaml")" "lab core ('m0', '10.77.0.10', True) ('m1', '10.77.0.11', False) ('m2', '10.77.0.12', False)"
}

nothing_is_left() {
	lab down
	second down
	refused ls "$DIR/lab" "$DIR/second"
	refused grep -F "$DIR" /proc/mounts
	refused bash -c "losetup -a | grep -F '$DIR'"
	# others' labs may be up: only what hung on ours
	refused pgrep -f "$DIR/"
}

if ! why=$("$HERE/lab" able 2>&1); then
	echo "1..0 # SKIP $why"
	exit 0
fi
DIR=$(mktemp -d /var/tmp/test-lab.XXXXXX)
trap 'lab down; second down; rm -rf "$DIR"' EXIT

check "three hosts with a healthy etcd"
check "a second lab beside it"
check "etc and var are one device and two mounts"
check "logind ends what a session left"
check "the same bytes again are no change"
check "another content stops the old and starts the new"
check "any file without a dot is a pod"
check "containers survive the kubelet"
check "crictl selects and needs root"
check "exec runs in the container"
check "podman sees only its mounts"
check "a stuck container does not stop"
check "etcd crashes for good and comes back"
check "a cut is silence"
check "a second bastion can be cut alone"
check "ssh sessions break and new ones go"
check "a hanging sshd says nothing"
check "a full disk is full"
check "power off and on"
check "a reboot starts everything again"
check "a clock can be wrong"
check "observers count each effect once"
check "the inventory is yaml"
check "a wiped host is another machine"
check "nothing is left"
echo "1..$COUNT"
exit $BAD
