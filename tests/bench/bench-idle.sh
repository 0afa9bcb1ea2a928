#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# bench-idle.sh BUILD [SECONDS]: what engine, runner and workers of a run cost while a host does not get
# on: wake-ups (voluntary context switches) and memory. In a lab of its own; needs root.
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
declare -A before
for pid in "${pids[@]}"; do before[$pid]=$(field "$pid" voluntary_ctxt_switches status); done
sleep "$seconds"
printf '%-8s %-10s %14s %10s %10s\n' pid what "wake-ups/s" "RSS KiB" "PSS KiB"
n=0
for pid in "${pids[@]}"; do
	[ -d "/proc/$pid" ] || continue
	case $n in 0) what=engine ;; 1) what=runner ;; *) what=worker ;; esac
	n=$((n + 1))
	printf '%-8s %-10s %14s %10s %10s\n' "$pid" "$what" \
		"$(awk -v a="${before[$pid]}" -v b="$(field "$pid" voluntary_ctxt_switches status)" -v s="$seconds" 'BEGIN { printf "%.2f", (b - a) / s }')" \
		"$(field "$pid" VmRSS status)" "$(field "$pid" Pss smaps_rollup)"
done
