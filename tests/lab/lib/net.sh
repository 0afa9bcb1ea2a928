# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# One bridge in a network namespace of its own; hosts and the second bastion hang on it.
# Nothing touches the machine's own network.
#
# Neighbours are permanent everywhere: a host that is cut off is silence, not "no route to host".

netns() { echo "lab-$LAB_ID-$1"; } # netns sw|b1|NAME
mac() { printf '02:00:00:00:00:%02x' "$1"; }

net_up() {
	local sw i name
	sw=$(netns sw)
	ip netns add "$sw"
	ip -n "$sw" link set lo up
	ip -n "$sw" link add br0 address "$(mac 1)" type bridge
	ip -n "$sw" addr add "$NET.1/24" dev br0
	ip -n "$sw" link set br0 up
	net_plug b1 2
	for i in "${!ALL[@]}"; do
		net_plug "${ALL[i]}" $((10 + i))
	done
	for name in sw b1 "${ALL[@]}"; do
		net_neighbours "$name"
	done
}

# net_plug NAME LAST: a namespace with eth0 = NET.LAST, plugged into port pLAST
net_plug() {
	local sw ns
	sw=$(netns sw)
	ns=$(netns "$1")
	ip netns add "$ns"
	ip -n "$ns" link set lo up
	ip -n "$sw" link add "p$2" type veth peer name eth0 address "$(mac "$2")" netns "$ns"
	ip -n "$sw" link set "p$2" master br0 up
	ip -n "$ns" addr add "$NET.$2/24" dev eth0
	ip -n "$ns" link set eth0 up
	ip -n "$ns" route add default via "$NET.1"
}

net_neighbours() {
	local device=eth0 last batch=
	[ "$1" != sw ] || device=br0
	for last in 1 2 $(seq 10 $((9 + ${#ALL[@]}))); do
		batch+="neigh replace $NET.$last lladdr $(mac "$last") nud permanent dev $device"$'\n'
	done
	# its own address among them does no harm
	ip -n "$(netns "$1")" -batch - <<<"$batch"
}

net_port() { # net_port N|b1
	if [ "$1" = b1 ]; then
		echo p2
	else
		echo "p$((10 + $(number "$1")))"
	fi
}

net_unplug() { ip -n "$(netns sw)" link set "$(net_port "$1")" nomaster; }

net_replug() { ip -n "$(netns sw)" link set "$(net_port "$1")" master br0; }

net_down() {
	local name
	for name in sw b1 "${ALL[@]}"; do
		[ ! -e "/run/netns/$(netns "$name")" ] || ip netns del "$(netns "$name")"
	done
}

lab_bastion() { # 0 is the switch itself
	local who=$1 ns
	shift
	case $who in
	0) ns=$(netns sw) ;;
	1) ns=$(netns b1) ;;
	*) die "bastion $who: there are 0 and 1" ;;
	esac
	exec nsenter --net="/run/netns/$ns" -- "$@"
}

lab_run() { lab_bastion 0 "$@"; }

lab_cut() {
	net_unplug "$1"
	: >"$LAB/cut-$(net_port "$1")"
}

lab_mend() {
	rm -f "$LAB/cut-$(net_port "$1")"
	if [ "$1" = b1 ] || host_supervisor "$1" >/dev/null; then
		net_replug "$1"
	fi
}
