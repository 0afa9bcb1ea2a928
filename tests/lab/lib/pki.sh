# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Certificates and ssh keys.

pki_make() {
	local i n
	mkdir -p "$LAB/pki" "$LAB/ssh"
	(
		cd "$LAB/pki"
		pki_ca etcd-signer
		pki_ca etcd-metrics-signer
		pki_cert client etcd-signer /O=system:etcd/CN=system:etcd-client DNS:etcd-client
		! is_old || old_pki
		is_old || for i in "${!NAMES[@]}"; do
			n=${NAMES[i]}
			pki_cert "etcd-peer-$n" etcd-signer "/O=system:etcd-peers/CN=system:etcd-peer:$n" \
				"IP:$NET.$((10 + i)),IP:127.0.0.1,DNS:localhost"
			pki_cert "etcd-serving-$n" etcd-signer "/O=system:etcd-servers/CN=system:etcd-server:$n" \
				"IP:$NET.$((10 + i)),IP:127.0.0.1,DNS:localhost"
			pki_cert "etcd-serving-metrics-$n" etcd-metrics-signer "/CN=system:etcd-metric:$n" \
				"IP:$NET.$((10 + i)),IP:127.0.0.1,DNS:localhost"
		done
	) 2>"$LAB/pki/log" || die "certificates: $(tail -3 "$LAB/pki/log")"
	ssh-keygen -q -t ed25519 -N '' -C lab -f "$LAB/ssh/id"
	: >"$LAB/ssh/known_hosts"
	cat >"$LAB/ssh/config" <<-C
		Host $NET.*
		User core
		IdentityFile $LAB/ssh/id
		IdentitiesOnly yes
		UserKnownHostsFile $LAB/ssh/known_hosts
		GlobalKnownHostsFile /dev/null
		StrictHostKeyChecking yes
		BatchMode yes
		ConnectTimeout 10
		LogLevel ERROR
	C
}

pki_ca() {
	openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"
	openssl req -x509 -new -key "$1.key" -subj "/CN=$1" -days 30 -out "$1.crt"
}

pki_cert() { # pki_cert NAME CA SUBJECT [SAN]
	openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"
	openssl req -new -key "$1.key" -subj "$3" |
		openssl x509 -req -CA "$2.crt" -CAkey "$2.key" -CAcreateserial -days 30 -out "$1.crt" \
			-extfile <(printf '%s\n' keyUsage=digitalSignature,keyEncipherment \
				extendedKeyUsage=serverAuth,clientAuth ${4:+"subjectAltName=$4"})
}

# host_key NAME: once per disk
host_key() {
	local etc=$LAB/$1/disk/etc
	ssh-keygen -q -t ed25519 -N '' -C "$1" -f "$etc/ssh/ssh_host_ed25519_key"
}

lab_trust() {
	local n a key
	n=$(name "$1")
	a=$(address "$1")
	read -r key <"$LAB/$n/disk/etc/ssh/ssh_host_ed25519_key.pub"
	sed -i "/^$a /d" "$LAB/ssh/known_hosts"
	echo "$a ${key% *}" >>"$LAB/ssh/known_hosts"
}
