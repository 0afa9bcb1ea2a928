# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Where things are, names, waiting.

LAB=$(realpath -m "${LAB_DIR:-$HERE/../../build-lab}")
NET=10.77.0 # the same in every lab: each has a switch of its own
# shellcheck disable=SC2034 # the other parts use it
VIPS=("$NET.100" "$NET.101") # API, ingress; with `up --vip`
export PATH=$PATH:/usr/sbin:/sbin
# whoever calls: numbers with a point (EPOCHREALTIME), hosts whose directories everybody may enter
export LC_ALL=C.UTF-8
umask 022

die() {
	echo "lab: $*" >&2
	exit 1
}

# config_load: LAB_ID, NAMES (control plane), WORKERS, OWN_ETCD_MOUNT, LOGIND, DISK_MB, KUBERNETES, VIP, RELEASE
# as `up` wrote them; ALL hosts
config_load() {
	[ -f "$LAB/config" ] || die "no lab in $LAB (lab up makes one)"
	# shellcheck source=/dev/null
	. "$LAB/config"
	ALL=("${NAMES[@]}" "${WORKERS[@]}")
}

# number M0|0: index in ALL, and so in NAMES
number() {
	local i
	for i in "${!ALL[@]}"; do
		if [ "${ALL[i]}" = "$1" ] || [ "$i" = "$1" ]; then
			echo "$i"
			return
		fi
	done
	die "no host $1; there are: ${ALL[*]}"
}

name() {
	local i
	i=$(number "$1") || exit 1
	echo "${ALL[i]}"
}

is_worker() { [[ " ${WORKERS[*]} " == *" $1 "* ]]; }

address() {
	local i
	i=$(number "$1") || exit 1
	echo "$NET.$((10 + i))"
}

# until_true SECONDS COMMAND…: FALSE when the time is over
until_true() {
	local end=$((SECONDS + $1))
	shift
	until ("$@") >/dev/null 2>&1; do # in a subshell: a condition may die
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
}

since() { # since EPOCHREALTIME: seconds with a tenth
	local us=$((${EPOCHREALTIME/./} - ${1/./}))
	printf '%d.%d' $((us / 1000000)) $((us / 100000 % 10))
}
