#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# bench-verify.sh BUILD [MIB | SNAPSHOT] [ROUNDS]: `backup verify` beside `sha256sum` and etcd's own
# `snapshot status`, over one snapshot: of a real etcd that was given so many MiB of objects (256), or
# one that is there already. The three take turns, so that what else the machine does meets all of
# them; each round's ratios are taken within the round, and their medians are told. The file comes from the
# page cache: not the disk is measured. BUILD without sanitizers.
set -eu
build=$(realpath "$1") what=${2:-256} rounds=${3:-9}
dir=$(mktemp -d)
address=127.$((1 + $$ / 64516 % 254)).$((1 + $$ / 254 % 254)).$((1 + $$ % 254))
export ETCDCTL_API=3 ETCDCTL_ENDPOINTS=http://$address:23790 LC_ALL=C
OBJECT=8000 OBJECTS=100 # bytes, and how many in a request

end() {
	[ -z "${etcd:-}" ] || kill "$etcd" 2>/dev/null || true
	rm -rf "$dir"
}
trap end EXIT

put() { # REQUEST: objects that no two are alike of
	local i
	printf '\n'
	for ((i = 0; i < OBJECTS; i++)); do
		printf 'put /kubernetes.io/pods/ns%d/n%06d-%02d %s%s\n' $(($1 % 7)) "$1" "$i" "$1" "$value"
	done
	printf '\n\n'
}

make_snapshot() { # MIB
	local peer=http://$address:23800 i value
	command -v etcd >/dev/null || { echo "no etcd on this machine: name a snapshot" && exit 77; }
	etcd --name m0 --data-dir "$dir/etcd" --quota-backend-bytes=8589934592 --listen-client-urls "$ETCDCTL_ENDPOINTS" \
		--advertise-client-urls "$ETCDCTL_ENDPOINTS" --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" \
		--initial-cluster "m0=$peer" >"$dir/etcd.log" 2>&1 &
	etcd=$!
	for ((i = 0; i < 600; i++)); do
		! etcdctl endpoint health >/dev/null 2>&1 || break
		sleep 0.1
	done
	value=$(base64 -w0 /dev/urandom | head -c $OBJECT)
	for ((i = 0; i < $1 * 1048576 / (OBJECT * OBJECTS); i++)); do put "$i" | etcdctl txn >/dev/null; done
	etcdctl snapshot save "$snapshot" >/dev/null 2>&1
	kill "$etcd"
	wait "$etcd" 2>/dev/null || true
	etcd=
}

took() { # COMMAND…: seconds by the clock, and of a core
	local TIMEFORMAT='%R %U %S'
	{ time "$@" >"$dir/out" 2>&1; } 2>&1 | awk '{ print $1, $2 + $3 }'
}

if [ -f "$what" ]; then
	snapshot=$(realpath "$what")
else
	snapshot=$dir/snapshot.db
	make_snapshot "$what"
fi
status=$(command -v etcdutl || command -v etcdctl) || { echo "neither etcdutl nor etcdctl" && exit 77; }
"$status" snapshot status "$snapshot" >"$dir/out" 2>&1 || { cat "$dir/out" && exit 1; }
"$build/src/recoveryd" backup verify "$snapshot" >"$dir/out" 2>&1 || { cat "$dir/out" && exit 1; }
for ((i = 0; i < rounds; i++)); do
	echo "$(took "$build/src/recoveryd" backup verify "$snapshot") $(took sha256sum "$snapshot") $(took "$status" snapshot status "$snapshot")"
done >"$dir/times"
awk -v size="$(stat -c %s "$snapshot")" -v tool="$(basename "$status") snapshot status" '
	function median(values, n,    i, j, v) {
		for (i = 2; i <= n; i++)
			for (j = i; j > 1 && values[j] < values[j - 1]; j--) { v = values[j]; values[j] = values[j - 1]; values[j - 1] = v }
		return n % 2 ? values[(n + 1) / 2] : (values[n / 2] + values[n / 2 + 1]) / 2
	}
	function column(k, by,    i, values) {
		for (i = 1; i <= NR; i++) values[i] = by ? cell[i, k] / (cell[i, by] > 0 ? cell[i, by] : 0.001) : cell[i, k]
		return median(values, NR)
	}
	function row(name, k) {
		printf "%-26s %8.2f s %8.0f MiB/s %10.2f s\n", name, column(k), size / 1048576 / column(k), column(k + 1)
	}
	{ for (i = 1; i <= 6; i++) cell[NR, i] = $i }
	END {
		printf "%.0f MiB, medians of %d rounds:\n%-26s %10s %14s %12s\n", size / 1048576, NR, "", "clock", "", "of a core"
		row("recoveryd backup verify", 1); row("sha256sum", 3); row(tool, 5)
		printf "verify / sha256sum: %.2f by the clock, %.2f of a core\n", column(1, 3), column(2, 4)
		printf "verify / status:    %.2f by the clock, %.2f of a core\n", column(1, 5), column(2, 6)
	}' "$dir/times"
