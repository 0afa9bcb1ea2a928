# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What can go wrong, on demand.

lab_kill() { host_off "$(name "$1")"; }

lab_boot() {
	local n
	n=$(name "$1")
	host_boot "$n"
	until_true 60 host_up "$n" || die "$n does not come up: see $LAB/$n/console"
}

lab_reboot() {
	local n before
	n=$(name "$1")
	if [ "${2:-}" = --hard ]; then
		host_off "$n"
		lab_boot "$n"
		return
	fi
	before=$(host_leader "$n") || die "$n has no power"
	host_enter "$n" systemctl reboot
	until_true 120 host_up_again "$n" "$before" || die "$n does not come back: see $LAB/$n/console"
}

# is-active with two names is satisfied by one of them
host_up() {
	host_enter "$1" systemctl is-active --quiet sshd.service &&
		host_enter "$1" systemctl is-active --quiet kubelet.service
}

host_up_again() {
	local now
	now=$(host_leader "$1") && [ "$now" != "$2" ] && host_up "$1"
}

# A new machine in the same place: nothing is left, the identity neither. It has no manifests: whoever
# installs control planes would bring them. known_hosts keeps the old key until `lab trust`.
lab_wipe() {
	local n
	n=$(name "$1")
	host_off "$n"
	find "$LAB/$n/disk" -mindepth 1 -maxdepth 1 -exec rm -rf {} +
	[ ! -d "$LAB/$n/etcd" ] || find "$LAB/$n/etcd" -mindepth 1 -maxdepth 1 -exec rm -rf {} +
	disk_fill "$n"
}

# What an installer would bring to a wiped host; it is no member of anything. On 4.2 the rest comes when it is
# a node (lab operate), and etcd's certificates by recovery.
lab_install() {
	local n
	n=$(name "$1")
	if is_old; then
		old_contents "$n" ignition
	else
		contents_make "$n"
		contents_founded "$n"
	fi
	[ "$KUBERNETES" = 0 ] || kube_bootstrap "$n" || die "there is nothing yet to bootstrap $n with"
}

# the etcd data of a host without power
lab_lose_data() {
	local n
	n=$(name "$1")
	! host_supervisor "$n" >/dev/null || die "$n is running: lab kill $n first"
	rm -rf "$LAB/$n/disk/var/lib/etcd/member" "$LAB/$n/etcd/member"
}

# every session; the listener stays
lab_reset_ssh() {
	# shellcheck disable=SC2016 # for the shell over there
	host_enter "$1" bash -c '
		main=$(systemctl show -P MainPID sshd.service)
		for pid in $(pgrep -x sshd); do
			[ "$pid" = "$main" ] || kill -KILL "$pid" 2>/dev/null
		done
		true'
}

lab_hang_sshd() { host_enter "$1" pkill -STOP -x sshd; }

lab_unhang_sshd() { host_enter "$1" pkill -CONT -x sshd; }

fill_disk() { # fill_disk NAME PATH: mount point here of the disk that holds PATH there
	case $OWN_ETCD_MOUNT:$2/ in
	1:/var/lib/etcd/*) echo "$LAB/$1/etcd" ;;
	*:/etc/* | *:/var/* | *:/home/* | *:/root/*) echo "$LAB/$1/disk" ;;
	*) die "$2 is on no disk; /etc and /var are" ;;
	esac
}

# the file lies beside etc/ and var/, where the host cannot see it
lab_fill() {
	local disk free
	disk=$(fill_disk "$(name "$1")" "$2")
	free=$(df -B1 --output=avail "$disk" | tail -1)
	fallocate -l "$free" "$disk/filler" 2>/dev/null || true
	dd if=/dev/zero of="$disk/filler.rest" bs=4096 2>/dev/null || true
	sync -f "$disk"
	free=$(df -B1 --output=avail "$disk" | tail -1)
	echo $((free))
}

lab_unfill() {
	local disk
	disk=$(fill_disk "$(name "$1")" "$2")
	rm -f "$disk/filler" "$disk/filler.rest"
	sync -f "$disk"
}

lab_stuck() { host_enter "$1" sh -c "mkdir -p /run/standin/stuck && : >'/run/standin/stuck/$2'"; }

lab_unstuck() { host_enter "$1" rm -f "/run/standin/stuck/$2"; }

# lab_pause N STEP: cluster-restore.sh stays at that step; lab_paused waits until it is there
lab_pause() { host_enter "$1" sh -c "mkdir -p /run/standin/pause && : >'/run/standin/pause/$2'"; }

lab_paused() { until_true 120 host_enter "$1" test -e "/run/standin/paused/$2"; }

lab_unpause() { host_enter "$1" rm -f "/run/standin/pause/$2" "/run/standin/paused/$2"; }

lab_stop_etcd() {
	host_enter "$1" sh -c 'mkdir -p /run/standin/crash && : >/run/standin/crash/etcd && pkill -KILL -x etcd'
}

lab_start_etcd() { host_enter "$1" rm -f /run/standin/crash/etcd; }

# Clocks of one machine are one, so it is the program `date` that says another time, until power goes.
lab_clock() {
	# shellcheck disable=SC2016 # for the shell over there
	host_enter "$1" sh -c '
		umount /usr/bin/date 2>/dev/null
		[ "$1" != 0 ] || exit 0
		cp /usr/bin/date /run/date.right && printf "%s\n" "#!/bin/sh" "now=\$(/run/date.right +%s.%N)" \
			"exec /run/date.right -d \"@\$((\${now%.*} + $1)).\${now#*.}\" \"\$@\"" >/run/date.wrong &&
			chmod +x /run/date.wrong && mount --bind /run/date.wrong /usr/bin/date' clock "$2"
}
