# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The Kubernetes API of a lab that has one: its authorities, its programs, what is in it at first.

kubernetes_dir() { "$HERE/build-kubernetes" --path; }

# the authorities and certificates of the control plane, in LAB/pki/kube; names as OpenShift's
kube_pki_make() {
	local i n ca san="" internal
	mkdir -p "$LAB/pki/kube"
	for i in "${!NAMES[@]}"; do
		san+=",IP:$NET.$((10 + i))"
	done
	internal=DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,IP:172.30.0.1
	(
		cd "$LAB/pki/kube"
		for ca in admin-kubeconfig-signer kube-control-plane-signer csr-signer aggregator-signer \
			kube-apiserver-lb-signer kube-apiserver-localhost-signer localhost-recovery-serving-signer \
			service-network-serving-signer; do
			pki_ca $ca
		done
		pki_cert system-admin admin-kubeconfig-signer /O=system:masters/CN=system:admin
		pki_cert kubelet-client kube-control-plane-signer /O=kube-master/CN=system:kube-apiserver
		for n in kube-controller-manager kube-scheduler; do
			pki_cert $n kube-control-plane-signer /CN=system:$n
		done
		pki_cert aggregator-client aggregator-signer /CN=system:openshift-aggregator
		pki_cert localhost-serving kube-apiserver-localhost-signer /CN=127.0.0.1 \
			DNS:localhost,IP:127.0.0.1
		pki_cert localhost-recovery-serving localhost-recovery-serving-signer /CN=localhost-recovery \
			DNS:localhost-recovery
		pki_cert external-loadbalancer-serving kube-apiserver-lb-signer /CN=api.lab.test DNS:api.lab.test
		pki_cert internal-loadbalancer-serving kube-apiserver-lb-signer /CN=api-int.lab.test \
			DNS:api-int.lab.test
		# whoever comes by address gets this one
		pki_cert service-network-serving service-network-serving-signer /CN=172.30.0.1 "$internal$san"
		for n in "${ALL[@]}"; do
			pki_cert "kubelet-client-$n" csr-signer "/O=system:nodes/CN=system:node:$n"
			pki_cert "kubelet-server-$n" csr-signer "/O=system:nodes/CN=system:node:$n" \
				"DNS:$n,IP:$(address "$n")"
		done
		openssl genrsa -out service-account.key 2048
		openssl rsa -in service-account.key -pubout -out service-account.pub
		cat {kube-apiserver-lb,kube-apiserver-localhost,localhost-recovery-serving,service-network-serving}-signer.crt \
			>server-ca-bundle.crt
		cat {admin-kubeconfig,kube-control-plane,csr}-signer.crt >client-ca-bundle.crt
	) 2>"$LAB/pki/kube/log" || die "certificates: $(tail -3 "$LAB/pki/kube/log")"
}

# the programs that the containers of static pods find, beside etcd
kube_image() {
	local program dir
	dir=$(kubernetes_dir)
	for program in "$dir"/kube-*; do
		ln "$program" "$LAB/image/" 2>/dev/null || cp --reflink=auto "$program" "$LAB/image/"
	done
}

# kube_credentials NAME: what the kubelet of a host has that was a node for long
kube_credentials() {
	local kind
	for kind in client server; do
		kube_credential "$1" "kubelet-$kind-$1" "kubelet-$kind" 2026-01-01-00-00-00
	done
}

kube_credential() { # kube_credential HOST SOURCE KIND STAMP: as a kubelet keeps it, the newest from now on
	local pki=$LAB/$1/disk/var/lib/kubelet/pki
	mkdir -p "$pki"
	cat "$LAB/pki/kube/$2".{crt,key} >"$pki/$3-$4.pem"
	chmod 600 "$pki/$3-$4.pem"
	ln -sf "$3-$4.pem" "$pki/$3-current.pem"
}

# kube_network NAME: the databases of its zone (domain 5.1), and one that must never be touched
kube_network() {
	local disk=$LAB/$1/disk
	mkdir -p "$disk/var/lib/ovn-ic/etc" "$disk/etc/openvswitch"
	echo northbound >"$disk/var/lib/ovn-ic/etc/ovnnb_db.db"
	echo southbound >"$disk/var/lib/ovn-ic/etc/ovnsb_db.db"
	echo "br-ex is in here" >"$disk/etc/openvswitch/conf.db"
}

# kube_bootstrap NAME: with which it asks for a certificate when it has none; FALSE before there is one
kube_bootstrap() {
	[ -f "$LAB/kube/bootstrap.kubeconfig" ] || return 1
	cp "$LAB/kube/bootstrap.kubeconfig" "$LAB/$1/disk/etc/kubernetes/.kubeconfig"
	mv "$LAB/$1/disk/etc/kubernetes/.kubeconfig" "$LAB/$1/disk/etc/kubernetes/kubeconfig"
}

kube_python() { # kube_python PROGRAM ARG…: one of the lab's own, in the switch's network
	local program=$1
	shift
	nsenter --net="/run/netns/$(netns sw)" -- /usr/bin/python3 "$HERE/kube/$program" "$LAB" "$@"
}

kube_ready() { # kube_ready NAME…: every one of them
	local n
	for n; do
		nsenter --net="/run/netns/$(netns sw)" -- curl -sf --max-time 3 -o "$LAB/kube/readyz" \
			--cacert "$LAB/pki/kube/server-ca-bundle.crt" "https://$(address "$n"):6443/readyz" || return 1
	done
}

# kube_up SINCE: from running API servers to a cluster that has been there for long
kube_up() {
	local n
	mkdir -p "$LAB/kube"
	until_true 180 kube_ready "${NAMES[@]}" ||
		die "the API does not get ready: $(cat "$LAB/kube/readyz" 2>/dev/null) lab exec ${NAMES[0]} crictl ps -a"
	echo "readyz on every host after $(since "$1") s"
	kube_python seed.py
	for n in "${ALL[@]}"; do kube_bootstrap "$n"; done
	kube_python wait-nodes.py 90 "${ALL[@]}"
	echo "nodes Ready after $(since "$1") s"
}

# lab_kubeconfig [N]: a file that leads to N's API server from the switch, as system:admin
lab_kubeconfig() {
	[ "$KUBERNETES" = 1 ] || die "this lab has no Kubernetes (lab up --kubernetes)"
	echo "$LAB/kube/$(name "${1:-0}").kubeconfig"
}

# lab_api VERB PATH [BODY]: from the first API server that answers
lab_api() {
	[ "$KUBERNETES" = 1 ] || die "this lab has no Kubernetes (lab up --kubernetes)"
	kube_python api-call.py "$@"
}

# lab_plant NODE OTHER FOREIGN: requests for certificates that nobody may approve; {name: what is wrong}
lab_plant() {
	[ "$KUBERNETES" = 1 ] || die "this lab has no Kubernetes (lab up --kubernetes)"
	kube_python plant.py "$@"
}

client_ca() { # client_ca FILE HOST…: whom the API servers there take for a client
	local n file=$1
	shift
	for n; do
		cp "$file" "$LAB/$n/disk/etc/kubernetes/static-pod-resources/kube-apiserver-certs/configmaps/client-ca/ca-bundle.crt"
	done
}

knows_client() { # knows_client CERT HOST…: whether each API server there takes this certificate
	local n cert=$1
	shift
	for n; do
		nsenter --net="/run/netns/$(netns sw)" -- curl -sf --max-time 3 -o /dev/null --cacert "$LAB/pki/kube/server-ca-bundle.crt" \
			--cert "$cert.crt" --key "$cert.key" "https://$(address "$n"):6443/api/v1/nodes" || return 1
	done
}

# lab_rotate: the authority of the kubelets' certificates is another one from now on, which the API
# servers learn (within a minute); every kubelet gets its certificates from it
lab_rotate() {
	local n kind pki=$LAB/pki/kube stamp
	[ "$KUBERNETES" = 1 ] || die "this lab has no Kubernetes (lab up --kubernetes)"
	stamp=$(date -u +%F-%H-%M-%S)
	(
		cd "$pki"
		pki_ca csr-signer-next
		cat client-ca-bundle.crt csr-signer-next.crt >client-ca-bundle-next.crt
		for n in "${ALL[@]}"; do
			pki_cert "next-client-$n" csr-signer-next "/O=system:nodes/CN=system:node:$n"
			pki_cert "next-server-$n" csr-signer-next "/O=system:nodes/CN=system:node:$n" "DNS:$n,IP:$(address "$n")"
		done
	) 2>"$pki/log" || die "certificates: $(tail -3 "$pki/log")"
	client_ca "$pki/client-ca-bundle-next.crt" "${NAMES[@]}"
	until_true 150 knows_client "$pki/next-client-${NAMES[0]}" "${NAMES[@]}" || die "the API servers do not learn the new authority"
	for n in "${ALL[@]}"; do
		for kind in client server; do
			kube_credential "$n" "next-$kind-$n" "kubelet-$kind" "$stamp"
		done
		host_enter "$n" systemctl restart kubelet
	done
	kube_python wait-nodes.py 90 --from-now "${ALL[@]}"
}

# lab_unrotate: what the API servers' cert-syncers do when the past was restored: whom they take for a
# client is what it was then
lab_unrotate() { client_ca "$LAB/pki/kube/client-ca-bundle.crt" "${NAMES[@]}"; }

# lab_operators start|stop|slow SECONDS|stuck KIND|free: whoever rolls out static pods
lab_operators() {
	local pid
	[ "$KUBERNETES" = 1 ] || die "this lab has no Kubernetes (lab up --kubernetes)"
	case ${1:-} in
	start)
		lab_operators stop
		setsid nsenter --net="/run/netns/$(netns sw)" -- /usr/bin/python3 "$HERE/kube/operators.py" "$LAB" \
			"$HERE/lab" </dev/null >>"$LAB/kube/operators.log" 2>&1 &
		echo $! >"$LAB/kube/operators.pid"
		;;
	stop)
		[ -f "$LAB/kube/operators.pid" ] || return 0
		pid=$(<"$LAB/kube/operators.pid")
		rm "$LAB/kube/operators.pid"
		! grep -qs operators.py "/proc/$pid/cmdline" || kill "$pid"
		;;
	slow) echo "$2" >"$LAB/kube/operators-slow" ;;
	stuck) echo "$2" >>"$LAB/kube/operators-stuck" ;;
	free) rm -f "$LAB/kube/operators-stuck" "$LAB/kube/operators-slow" ;;
	*) die "operators start|stop|slow SECONDS|stuck KIND|free" ;;
	esac
}
