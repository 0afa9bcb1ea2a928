# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What happened, seen by something that is not ours to deceive: fanotify on the disks, the stand-ins'
# log outside of the hosts' reach, the hosts' own journals.

# what the kernel says about addresses that come and go; LC_ALL and TZ for observe.py
vips_watch() {
	local n
	for n in "${NAMES[@]}"; do
		TZ=UTC setsid ip -n "$(netns "$n")" -ts -o monitor address </dev/null >"$LAB/watch/$n.addresses" 2>&1 &
		echo $! >>"$LAB/watch/pids"
	done
}

# what each API server says, and when
api_watch() {
	setsid nsenter --net="/run/netns/$(netns sw)" -- /usr/bin/python3 "$HERE/kube/witness.py" "$LAB" \
		"$LAB/watch/api.jsonl" </dev/null >"$LAB/watch/api.log" 2>&1 &
	echo $! >>"$LAB/watch/pids"
}

companions_unwatch() {
	local pid
	[ -f "$LAB/watch/pids" ] || return 0
	while read -r pid; do
		! grep -qsz -e monitor -e witness.py "/proc/$pid/cmdline" || kill "$pid"
	done <"$LAB/watch/pids"
	rm "$LAB/watch/pids"
}

lab_watch() {
	local pid
	case ${1:-} in
	start)
		lab_watch stop
		rm -rf "$LAB/watch"
		mkdir "$LAB/watch"
		printf '%s' "$EPOCHREALTIME" >"$LAB/watch/since"
		setsid "$HERE/observe.py" watch "$LAB" "${ALL[@]}" </dev/null >"$LAB/watch/log" 2>&1 &
		echo $! >"$LAB/watch/pid"
		[ "$VIP" = 0 ] || vips_watch
		[ "$KUBERNETES" = 0 ] || api_watch
		until_true 10 test -e "$LAB/watch/ready" || die "no observer: $(cat "$LAB/watch/log")"
		;;
	stop)
		[ -f "$LAB/watch/pid" ] || return 0
		pid=$(<"$LAB/watch/pid")
		rm "$LAB/watch/pid"
		companions_unwatch
		! grep -qs observe.py "/proc/$pid/cmdline" || kill "$pid"
		;;
	count)
		[ -f "$LAB/watch/since" ] || die "nobody watched (lab watch start)"
		"$HERE/observe.py" count "$LAB" "$(<"$LAB/watch/since")" "${ALL[@]}"
		;;
	*) die "watch start|stop|count" ;;
	esac
}
