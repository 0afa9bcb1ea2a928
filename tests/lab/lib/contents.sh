# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What makes a host a control-plane host: manifests, static-pod resources, images.

# image_make: the one image there is; its programs are what a container finds in /usr/local/bin
image_make() { # image_make [DIR]
	local image=$1 program
	mkdir -p "$LAB/image"
	for program in etcd etcdctl etcdutl; do
		if [ -n "$image" ]; then
			[ ! -e "$image/$program" ] || cp --reflink=auto "$image/$program" "$LAB/image/"
		elif command -v $program >/dev/null; then
			cp --reflink=auto "$(command -v $program)" "$LAB/image/"
		fi
	done
	cp "$HERE/standin/discover-etcd-initial-cluster" "$LAB/image/"
	! is_old || old_image
}

# restore_script_make CLASS|FILE: what hosts have as cluster-restore.sh
restore_script_make() {
	local script=$HERE/standin/restore/$1.sh
	case $1 in */*) script=$1 ;; esac
	[ -f "$script" ] || die "no restore script $1; there are:" "$HERE"/standin/restore/*
	install -m 755 "$script" "$LAB/cluster-restore.sh"
}

contents_make() { # contents_make NAME
	local disk=$LAB/$1/disk program=contents.py
	if is_worker "$1"; then
		/usr/bin/python3 "$HERE/kube/manifests.py" --worker "$disk" "$LAB/pki"
		return
	fi
	if is_old; then
		old_contents "$1" ignition member pods
		return
	fi
	[ "$KUBERNETES" = 0 ] || program=kube/manifests.py
	/usr/bin/python3 "$HERE/$program" "$disk" "$LAB/pki" "$(number "$1")" "$NET" "${NAMES[@]}"
	[ "$VIP" = 0 ] || /usr/bin/python3 "$HERE/keepalived.py" "$disk" "$(number "$1")" "${VIPS[@]}"
	# the first start of all has nothing to discover
	: >"$disk/etc/kubernetes/static-pod-resources/etcd-certs/found-a-cluster"
}

contents_founded() {
	rm -f "$LAB/$1/disk/etc/kubernetes/static-pod-resources/etcd-certs/found-a-cluster"
}

etcd_endpoints() {
	local i all=
	for i in "${!NAMES[@]}"; do
		all+=${all:+,}https://$NET.$((10 + i)):2379
	done
	echo "$all"
}

# etcdctl_at ENDPOINTS ARG…, from the switch
etcdctl_at() {
	local endpoints=$1
	shift
	ETCDCTL_API=3 nsenter --net="/run/netns/$(netns sw)" -- etcdctl --endpoints "$endpoints" \
		--cacert "$LAB/pki/etcd-signer.crt" --cert "$LAB/pki/client.crt" --key "$LAB/pki/client.key" "$@"
}

etcdctl_all() { etcdctl_at "$(etcd_endpoints)" "$@"; }

etcd_healthy() { etcdctl_all --command-timeout=3s endpoint health; }

lab_etcdctl() { etcdctl_all "$@"; }

# lab_seed_data K [FROM]: transactions of 100, the most that etcd takes is 128
lab_seed_data() {
	local k=$1 from=${2:-1} at end i
	end=$((from + k - 1))
	for ((at = from; at <= end; at += 100)); do
		{
			echo
			for ((i = at; i < at + 100 && i <= end; i++)); do
				printf 'put /lab/%05d value-%05d\n' "$i" "$i"
			done
			printf '\n\n'
		} | etcdctl_all txn >/dev/null
	done
	etcdctl_all get /lab/ --prefix --keys-only | grep -c ^/lab/
}

# lab_backup DIR: made on the first host that can, fetched as an operator would
lab_backup() {
	local dir n made file
	mkdir -p "$1"
	dir=$(realpath "$1")
	if is_old; then
		old_backup "$dir"
		return
	fi
	for n in "${NAMES[@]}"; do
		host_leader "$n" >/dev/null || continue
		made=$(host_ssh "$n" sudo /usr/local/bin/cluster-backup.sh /home/core/assets/backup) || continue
		for file in $made; do
			host_ssh "$n" sudo cat "$file" >"$dir/$(basename "$file")"
			echo "$dir/$(basename "$file")"
		done
		return
	done
	die "no host could make a backup"
}

# lab_vips: who has them, asked of the kernel and not of the hosts
lab_vips() {
	local vip n owners
	for vip in "${VIPS[@]}"; do
		owners=
		for n in "${NAMES[@]}"; do
			ip -n "$(netns "$n")" -o address | grep -qF " $vip/" && owners+=" $n"
		done
		echo "$vip$owners"
	done
}

vips_settled() { [ "$(lab_vips | awk 'NF == 2' | wc -l)" = ${#VIPS[@]} ]; }
