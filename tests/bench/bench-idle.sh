#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# bench-idle.sh BUILD [SECONDS]: what engine, runner and workers of a run cost while a host does not get
# on: wake-ups (voluntary context switches) and memory, in the first minute of the wait and after it;
# then what woke them: the pace of the probe, answers to its questions, or anything else. In a lab of
# its own; needs root, and strace for the last part.
set -eu
build=$(realpath "$1") seconds=${2:-30}
here=$(dirname "$(readlink -f "$0")")
lab="$here/../lab/lab --dir $build/bench-lab"
$lab able >/dev/null || { $lab able; exit 77; }
dir=$(mktemp -d)
export RECOVERYD_PLUGIN_DIR=$build/plugins RECOVERYD_PROCEDURE_DIR=$here/../../data/procedures

end() {
	[ -z "${engine:-}" ] || kill "$engine" 2>/dev/null || true
	$lab down >/dev/null 2>&1 || true
	rm -rf "$dir"
}
trap end EXIT

below() { # PID and all its descendants
	echo "$1"
	local child children=()
	read -ra children <"/proc/$1/task/$1/children" || true
	for child in "${children[@]}"; do below "$child"; done
}

field() { sed -n "s/^$2:[[:space:]]*\([0-9]*\).*/\1/p" "/proc/$1/$3"; }

$lab up >/dev/null
$lab inventory >"$dir/cluster.yaml"
$lab stuck m0 kube-scheduler >/dev/null
run=$($lab run "$build/src/recoveryd" --state-dir "$dir/state" start two-states -c "$dir/cluster.yaml" --detach 2>"$dir/err") ||
	{ cat "$dir/err" && exit 1; }
sleep 15 # it has moved the manifest and waits for the container by now
$lab run "$build/src/recoveryd" --state-dir "$dir/state" status "$run" --brief || true
engine=$(pgrep -f "recoveryd.* engine .*$run" | head -1)
[ -n "$engine" ] || { echo "no engine of $run" && exit 1; }
mapfile -t pids < <(below "$engine")

what() { case $1 in 0) echo engine ;; 1) echo runner ;; *) cat "/proc/${pids[$1]}/comm" ;; esac; }

count() { # HEADING: wake-ups over the next SECONDS
	local n pid
	local -A before
	for pid in "${pids[@]}"; do before[$pid]=$(field "$pid" voluntary_ctxt_switches status); done
	sleep "$seconds"
	printf '%s\n%-8s %-10s %14s %10s %10s\n' "$1" pid what "wake-ups/s" "RSS KiB" "PSS KiB"
	for n in "${!pids[@]}"; do
		pid=${pids[$n]}
		[ -d "/proc/$pid" ] || continue
		printf '%-8s %-10s %14s %10s %10s\n' "$pid" "$(what "$n")" \
			"$(awk -v a="${before[$pid]}" -v b="$(field "$pid" voluntary_ctxt_switches status)" -v s="$seconds" 'BEGIN { printf "%.2f", (b - a) / s }')" \
			"$(field "$pid" VmRSS status)" "$(field "$pid" Pss smaps_rollup)"
	done
}

# A wake-up is a call that slept and came back. One descriptor and a timeout that passed: the pause
# between two probes (world_pause waits for cancellation alone). Several descriptors that became
# ready: an answer to a question of the probe. A pause after which nothing was sent, a timeout
# elsewhere, and whatever else slept are others.
causes() {
	awk -v s="$seconds" '
		{ slept = $NF; gsub(/[<>]/, "", slept); slept += 0 }
		/ sendto\(/ { sent = 1 }
		slept < 0.00005 || /strace: / { next }
		/restart_syscall|unfinished|resumed/ { next }
		/ poll\(\[\{fd=[0-9]+, events=POLLIN\}\], 1, [1-9].*\(Timeout\)/ {
			pace++
			if (before && !sent) other++
			if (before && (!least || $2 - before < least)) least = $2 - before
			before = $2; sent = 0; next
		}
		/ poll\(\[\{.*\}, \{.*\) = [1-9]/ { answers++; next }
		/ p?poll\(.*, 0\) = / { next } # these cannot sleep
		/ (poll|ppoll|select|pselect6|epoll_wait|epoll_pwait|futex|read|recvmsg|nanosleep|clock_nanosleep)\(/ { other++ }
		END {
			printf "%.2f probes, %.2f answers, %.2f others a second; least between two probes %.2f s\n", \
				pace / s, answers / s, other / s, least
		}' "$1"
}

count "from the 15th second of the wait:"
sleep $((seconds < 60 ? 60 - seconds : 0))
count "after more than a minute of it:"
command -v strace >/dev/null || { echo "no strace: what woke them is not told" && exit 0; }
tracers=()
for n in "${!pids[@]}"; do
	timeout "$seconds" strace -f -qq -ttt -T -p "${pids[$n]}" -o "$dir/trace.$n" 2>/dev/null &
	tracers+=($!)
done
wait "${tracers[@]}" || true
echo "what woke them:"
for n in "${!pids[@]}"; do printf '%-10s %s\n' "$(what "$n")" "$(causes "$dir/trace.$n")"; done
[ -z "${KEEP_TRACES:-}" ] || cp "$dir"/trace.* "$KEEP_TRACES"
