# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Hosts of OpenShift 4.2 (`up --release 4.2`): etcd without operator, found by DNS, with recovery scripts of its own.

OLD=$HERE/release-4.2
DOMAIN=lab.test

is_old() { [ "$RELEASE" = 4.2 ]; }

# old_pki: what etcd's members have; called where the authorities are
old_pki() {
	local i name ip own=DNS:localhost service
	for service in etcd.kube-system.svc etcd.openshift-etcd.svc; do
		own+=,DNS:$service,DNS:$service.cluster.local
	done
	for i in "${!NAMES[@]}"; do
		name=etcd-$i.$DOMAIN ip=IP:$NET.$((10 + i))
		pki_cert "system:etcd-server:$name" etcd-signer "/O=system:etcd-servers/CN=system:etcd-server:$name" \
			"$own,DNS:*.$DOMAIN,$ip,IP:127.0.0.1"
		pki_cert "system:etcd-peer:$name" etcd-signer "/O=system:etcd-peers/CN=system:etcd-peer:$name" \
			"DNS:$name,DNS:$DOMAIN,$ip"
		pki_cert "system:etcd-metric:$name" etcd-metrics-signer "/O=system:etcd-metrics/CN=system:etcd-metric:$name" \
			"$own,DNS:$name,$ip"
	done
}

old_contents() { # old_contents NAME PART…
	local n=$1 part
	shift
	for part; do
		/usr/bin/python3 "$OLD/contents.py" "$part" "$LAB/$n/disk" "$LAB/pki" "$(number "$n")" "$NET" "${NAMES[@]}"
	done
}

# old_image: what the containers find, beside etcd; and the tags of the release (domain 2.11)
old_image() {
	cp "$OLD"/image/* "$LAB/image/"
	mkdir -p "$LAB/image/release-manifests"
	/usr/bin/python3 "$OLD/contents.py" images >"$LAB/image/release-manifests/image-references"
}

old_host_usr_local() { # old_host_usr_local ROOT
	local share=$1/usr/local/share/openshift-recovery
	mkdir "$1/opt/release-4.2"
	mount --bind "$OLD" "$1/opt/release-4.2"
	cp "$OLD"/host/* "$1/usr/local/bin/"
	ln -s /opt/release-4.2/dig "$1/usr/local/bin/dig"
	mkdir -p "$share/template"
	cp "$OLD"/template/* "$share/template/"
	/usr/bin/jq -r '.spec.tags[] | select(.name == "etcd").from.name' \
		"$LAB/image/release-manifests/image-references" >"$share/etcd-image"
}

# the name server, at the switch; its answers stand in LAB/zone
old_dns_up() {
	local i
	for i in "${!NAMES[@]}"; do
		echo "etcd-$i.$DOMAIN A $NET.$((10 + i))"
		echo "_etcd-server-ssl._tcp.$DOMAIN SRV 2380 etcd-$i.$DOMAIN"
	done >"$LAB/zone"
	setsid nsenter --net="/run/netns/$(netns sw)" -- /usr/bin/python3 "$OLD/dns.py" "$LAB/zone" "$NET.1" \
		</dev/null >>"$LAB/dns.log" 2>&1 &
	echo $! >"$LAB/dns.pid"
}

old_dns_down() {
	local pid
	[ -f "$LAB/dns.pid" ] || return 0
	pid=$(<"$LAB/dns.pid")
	! grep -qs dns.py "/proc/$pid/cmdline" || kill "$pid"
}

# old_backup DIR: of every host, in one archive (domain P1-01)
old_backup() {
	local n archive
	archive=$1/backup_$(date +%Y_%m_%d_%H%M%S).snapshots.tgz
	mkdir "$1/.new"
	for n in "${NAMES[@]}"; do
		host_ssh "$n" 'cd /home/core && sudo /usr/local/bin/etcd-snapshot-backup.sh ./assets/backup/snapshot.db' >&2
		mkdir "$1/.new/$n"
		host_ssh "$n" sudo tar -C /home/core -cf - \
			assets/backup/{snapshot.db,etcd-member.yaml,etcd-client.key,etcd-client.crt,etcd-ca-bundle.crt} |
			tar -C "$1/.new/$n" -xf -
	done
	tar -C "$1/.new" -czf "$archive" "${NAMES[@]}"
	rm -r "$1/.new"
	echo "$archive"
}

# lab_operate N: what the operators of kube-apiserver and its like bring to a node that has none of it
lab_operate() {
	is_old || die "operate: a lab of release 4.2; others have lab operators"
	old_contents "$(name "$1")" pods
}
