# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What happened, seen by something that is not ours to deceive: fanotify on the disks, the stand-ins'
# log outside of the hosts' reach, the hosts' own journals.

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
		until_true 10 test -e "$LAB/watch/ready" || die "no observer: $(cat "$LAB/watch/log")"
		;;
	stop)
		[ -f "$LAB/watch/pid" ] || return 0
		pid=$(<"$LAB/watch/pid")
		rm "$LAB/watch/pid"
		! grep -qs observe.py "/proc/$pid/cmdline" || kill "$pid"
		;;
	count)
		[ -f "$LAB/watch/since" ] || die "nobody watched (lab watch start)"
		"$HERE/observe.py" count "$LAB" "$(<"$LAB/watch/since")" "${ALL[@]}"
		;;
	*) die "watch start|stop|count" ;;
	esac
}
