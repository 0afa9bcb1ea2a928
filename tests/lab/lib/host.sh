# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Powering hosts on and off, and getting into them.

# host_root NAME: the tree it boots from; called in a mount namespace of its own
host_root() {
	local dir=$LAB/$1 root=$LAB/$1/root link
	mount --make-rprivate /
	# nspawn looks here for a registered machine and a unit of its own; a lab host has neither
	mkdir -p /run/systemd
	mount -t tmpfs -o mode=755 tmpfs /run/systemd
	mount -t tmpfs -o mode=755 "lab-$1" "$root"
	mkdir "$root"/{usr,etc,var,run,proc,sys,dev,mnt,tmp,opt,srv}
	chmod 1777 "$root/tmp"
	for link in bin sbin lib lib64; do
		ln -s usr/$link "$root/$link"
	done
	ln -s var/home "$root/home"
	ln -s var/roothome "$root/root"
	mount --bind /usr "$root/usr"
	mount -o remount,bind,ro "$root/usr"
	host_usr_local "$root"
	# a host has no etcd outside of its containers
	: >"$root/srv/nothing"
	chmod 0 "$root/srv/nothing"
	for link in etcd etcdctl etcdutl; do
		[ ! -e "$root/usr/bin/$link" ] || mount --bind "$root/srv/nothing" "$root/usr/bin/$link"
	done
	mount --bind "$dir/disk/etc" "$root/etc"
	mount --bind "$dir/disk/var" "$root/var"
	mount --bind "$dir/log" "$root/var/log/standin"
	[ "$OWN_ETCD_MOUNT" = 0 ] || mount --bind "$dir/etcd" "$root/var/lib/etcd"
}

host_usr_local() {
	mkdir "$1/opt"/{standin,image}
	mount --bind "$HERE/standin" "$1/opt/standin"
	mount --bind "$LAB/image" "$1/opt/image"
	mount -t tmpfs -o mode=755 tmpfs "$1/usr/local"
	mkdir "$1/usr/local/bin"
	ln -s /opt/standin/{crictl,podman,runtimecfg} "$1/usr/local/bin/"
	if is_old; then
		old_host_usr_local "$1"
		return
	fi
	ln -s /opt/standin/cluster-backup.sh "$1/usr/local/bin/"
	cp "$LAB/cluster-restore.sh" "$1/usr/local/bin/"
}

# host_supervise NAME: runs for as long as the host has power; a reboot keeps the tree
host_supervise() {
	local n=$1 again=0 pid able=()
	[ "$VIP" = 0 ] || able=(--capability=CAP_NET_ADMIN) # addresses come and go
	echo $$ >"$LAB/$n/supervisor"
	host_root "$n"
	cd /
	while :; do
		again=0
		systemd-nspawn -q -D "$LAB/$n/root" --boot --register=no --keep-unit \
			--network-namespace-path="/run/netns/$(netns "$n")" --machine="$n" --hostname="$n" \
			--console=read-only --resolv-conf=off --timezone=off --link-journal=no \
			--kill-signal=SIGRTMIN+4 "${able[@]}" </dev/null &
		pid=$!
		wait $pid || again=$?
		[ $again = 133 ] || break # 133: it asked for a reboot
	done
	rm -f "$LAB/$n/supervisor"
}

# host_cgroups [NAME]: a control group of its own wherever systemd keeps its own; two hosts in one collide
host_cgroups() {
	local root
	for root in /sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/systemd; do
		[ ! -f "$root/cgroup.procs" ] || echo "$root/lab-$LAB_ID${1:+/$1}"
	done
}

host_no_cgroups() { # removes them; FALSE while the kernel still finds somebody in there
	local group left=0
	for group in $(host_cgroups); do
		[ ! -d "$group" ] || find "$group" -depth -type d -exec rmdir {} + || left=1
	done
	return $left
}

host_boot() { # host_boot NAME
	local n=$1
	! host_supervisor "$n" >/dev/null || die "$n is running"
	(
		for group in $(host_cgroups "$n"); do
			mkdir -p "$group"
			echo "$BASHPID" >"$group/cgroup.procs"
		done
		exec setsid unshare -m --propagation private \
			"$HERE/lab" --dir "$LAB" _supervise "$n" </dev/null >>"$LAB/$n/console" 2>&1
	) &
	[ -e "$LAB/cut-$(net_port "$n")" ] || net_replug "$n"
}

# host_supervisor N: its pid, or FALSE without power
host_supervisor() {
	local pid file
	file=$LAB/$(name "$1")/supervisor
	[ -f "$file" ] || return 1
	pid=$(<"$file")
	[ -d "/proc/$pid" ] && echo "$pid"
}

# host_leader N: pid of its init, seen from here
host_leader() {
	local queue pid child
	queue=$(host_supervisor "$1") || return 1
	while [ -n "$queue" ]; do
		for pid in $queue; do
			# first process of a pid namespace below ours
			if awk '/^NSpid:/ { exit !(NF >= 3 && $NF == 1) }' "/proc/$pid/status" 2>/dev/null; then
				echo "$pid"
				return
			fi
		done
		child=
		for pid in $queue; do
			child="$child $(cat "/proc/$pid/task/$pid/children" 2>/dev/null || true)"
		done
		queue=${child// /}
		[ -z "$queue" ] || queue=$child
	done
	return 1
}

host_enter() { # host_enter N CMD…
	local pid
	pid=$(host_leader "$1") || die "$1 has no power"
	shift
	nsenter -t "$pid" -m -u -i -n -p -C -r -w -- env -i \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 "$@"
}

host_ssh() { # host_ssh N CMD…
	local to
	to=$(address "$1")
	shift
	nsenter --net="/run/netns/$(netns sw)" -- ssh -F "$LAB/ssh/config" "$to" "$@"
}

host_off() { # host_off NAME: hard; the network goes first, else the dying kernel says goodbye
	local pid vip
	net_unplug "$1"
	host_supervisor "$1" >/dev/null || return 0
	pid=$(host_leader "$1") && kill -KILL "$pid"
	until_true 30 test ! -f "$LAB/$1/supervisor" || die "$1 does not die"
	# the network namespace outlives the host; a real kernel would forget them
	for vip in $(ip -n "$(netns "$1")" -o address | awk '{ print $4 }' | grep -F "$(printf '%s/\n' "${VIPS[@]}")"); do
		ip -n "$(netns "$1")" address del "$vip" dev eth0
	done
}

lab_exec() { host_enter "$@"; }

lab_ssh() { host_ssh "$@"; }

# lab_able: says why not, and FALSE, where there can be no lab
lab_able() {
	local tool
	[ "$(id -u)" = 0 ] || { echo "must be root: hosts are namespaces, mounts and loop devices" && return 1; }
	for tool in etcd etcdctl systemd-nspawn sshd ssh-keygen ip nsenter unshare mkfs.ext4 openssl jq \
		uuidgen sudo pgrep; do
		command -v $tool >/dev/null || { echo "$tool is missing (scripts/dependencies)" && return 1; }
	done
	/usr/bin/python3 -c 'import yaml' 2>/dev/null || { echo "python3-yaml is missing" && return 1; }
	unshare -m -n -p -f -u -i true 2>/dev/null || { echo "no new namespaces here" && return 1; }
	[ -e /dev/loop-control ] || { echo "no loop devices here" && return 1; }
}

lab_up() {
	local n=3 t0=$EPOCHREALTIME i names='' image='' script=4.11 pids=() why
	OWN_ETCD_MOUNT=0 LOGIND=0 DISK_MB=1024 KUBERNETES=0 WORKERS=() VIP=0 RELEASE=4.17
	while [ $# -gt 0 ]; do
		case $1 in
		-n) n=$2 && shift ;;
		--names) names=$2 && shift ;;
		--dir) LAB=$(realpath -m "$2") && shift ;;
		--image) image=$(realpath -e "$2") && shift ;;
		--restore-script) script=$2 && shift ;;
		--disk-mb) DISK_MB=$2 && shift ;;
		--own-etcd-mount) OWN_ETCD_MOUNT=1 ;;
		--logind) LOGIND=1 ;;
		--vip) VIP=1 ;;
		--kubernetes) KUBERNETES=1 ;;
		--release) RELEASE=$2 && shift ;;
		--workers)
			for ((i = 0; i < $2; i++)); do WORKERS+=("w$i"); done
			shift
			;;
		*) die "up: unknown option $1" ;;
		esac
		shift
	done
	case $RELEASE in
	4.17) ;;
	4.2) KUBERNETES=1 ;;
	*) die "up: no release $RELEASE; there are 4.2 and 4.17" ;;
	esac
	lab_able >&2 || exit 1
	[ $VIP = 0 ] || command -v keepalived >/dev/null || die "keepalived is missing (scripts/dependencies)"
	[ ! -e "$LAB/config" ] || die "$LAB holds a lab already (lab down removes it)"
	if [ -n "$names" ]; then
		IFS=, read -ra NAMES <<<"$names"
	else
		NAMES=()
		for i in $(seq 0 $((n - 1))); do NAMES+=("m$i"); done
	fi
	ALL=("${NAMES[@]}" "${WORKERS[@]}")
	[ "$KUBERNETES" = 1 ] || [ ${#WORKERS[@]} = 0 ] || die "up: workers are nodes: --kubernetes is missing"
	[ "$KUBERNETES" = 0 ] || why=$("$HERE/build-kubernetes" --built) || die "$why"
	mkdir -p "$LAB"
	chmod 700 "$LAB" # private keys
	LAB_ID=$(sha256sum <<<"$LAB" | cut -c1-6)
	printf '%s\n' "LAB_ID=$LAB_ID" "NAMES=(${NAMES[*]})" "WORKERS=(${WORKERS[*]})" \
		"OWN_ETCD_MOUNT=$OWN_ETCD_MOUNT" "LOGIND=$LOGIND" "DISK_MB=$DISK_MB" \
		"KUBERNETES=$KUBERNETES" "VIP=$VIP" "RELEASE=$RELEASE" >"$LAB/config"
	net_up
	! is_old || old_dns_up
	pki_make
	[ "$KUBERNETES" = 0 ] || kube_pki_make
	image_make "$image"
	restore_script_make "$script"
	[ "$KUBERNETES" = 0 ] || kube_image
	for i in "${ALL[@]}"; do
		(
			disk_make "$i"
			disk_fill "$i"
			contents_make "$i"
			[ "$KUBERNETES" = 0 ] || kube_credentials "$i"
			[ "$KUBERNETES" = 0 ] || is_old || kube_network "$i"
			host_boot "$i"
		) &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i" || die "a host could not be made"
	done
	for i in "${ALL[@]}"; do
		lab_trust "$i"
		until_true 60 host_ssh "$i" true || die "$i does not answer ssh: see $LAB/$i/console"
	done
	echo "ssh after $(since "$t0") s"
	until_true 90 etcd_healthy || die "etcd does not get healthy: lab exec ${NAMES[0]} crictl ps -a"
	for i in "${NAMES[@]}"; do contents_founded "$i"; done
	echo "etcd healthy after $(since "$t0") s"
	[ $VIP = 0 ] || until_true 60 vips_settled || die "no VIP finds its host: lab vips; lab exec ${NAMES[0]} crictl ps -a"
	[ "$KUBERNETES" = 0 ] || kube_up "$t0"
}

lab_down() {
	[ -f "$LAB/config" ] || return 0
	config_load
	local n
	lab_watch stop
	[ "$KUBERNETES" = 0 ] || lab_operators stop
	for n in "${ALL[@]}"; do
		[ ! -e "/run/netns/$(netns sw)" ] || host_off "$n"
	done
	old_dns_down
	for n in "${ALL[@]}"; do disk_down "$n"; done
	net_down
	until_true 5 host_no_cgroups || true
	rm -rf --one-file-system "$LAB"
}

lab_status() {
	local n state
	for n in "${ALL[@]}"; do
		if host_leader "$n" >/dev/null; then
			state=$(host_enter "$n" systemctl is-system-running || true)
			echo "$n $(address "$n") $state, $(host_memory "$n") MiB"
			host_enter "$n" systemctl --failed --no-pager --no-legend --plain || true
		else
			echo "$n $(address "$n") no power"
		fi
		[ ! -e "$LAB/cut-$(net_port "$n")" ] || echo "  cut off"
	done
	etcdctl_all endpoint status -w table || true
}

host_memory() { # MiB, shared pages counted by share
	local pid ns total=0 kb
	ns=$(readlink "/proc/$(host_leader "$1")/ns/pid")
	for pid in /proc/[0-9]*; do
		[ "$(readlink "$pid/ns/pid" 2>/dev/null)" = "$ns" ] || continue
		kb=$(awk '/^Pss:/ { print $2 }' "$pid/smaps_rollup" 2>/dev/null) || continue
		total=$((total + ${kb:-0}))
	done
	echo $((total / 1024))
}

lab_inventory() {
	local i
	cat <<-Y
		cluster: lab
		defaults:
		  user: core
		  key: $LAB/ssh/id
		  known-hosts: $LAB/ssh/known_hosts
		$([ "$VIP" = 0 ] || echo "vips: {api: [${VIPS[0]}], ingress: [${VIPS[1]}]}")
		hosts:
	Y
	for i in "${!NAMES[@]}"; do
		echo "- {name: ${NAMES[i]}, address: $NET.$((10 + i)), role: control-plane$([ "$i" != 0 ] || echo ', recovery: true')}"
	done
	for i in "${WORKERS[@]}"; do
		echo "- {name: $i, address: $(address "$i"), role: worker}"
	done
	[ "$KUBERNETES" = 0 ] || echo "kubeconfig: $(lab_kubeconfig)"
}
