#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Stand-in for etcd-member-recover.sh ADDRESS NAME of OpenShift 4.2 (domain P1-15). ADDRESS is where the signer is.
# The key in .recoveryconfig stays, and so does what it leaves in manifests-stopped; on 4.2 --discovery-srv stays in
# the manifest as well, since it stands in quotes there.
set -e -o pipefail

# shellcheck source=/dev/null
. /usr/local/bin/openshift-recovery-tools
must_be_root
: "${SETUP_ETCD_ENVIRONMENT:?"Need to set SETUP_ETCD_ENVIRONMENT"}"
: "${KUBE_CLIENT_AGENT:?"Need to set KUBE_CLIENT_AGENT"}"
[ $# -ge 2 ] ||
	fail "Recovery server IP address and etcd name required: ./etcd-member-recover.sh 192.168.1.100 \$etcd_name"
RECOVERY_SERVER_IP=$1
NAME=$2 # the environment that is read below may have another

base64_of() { base64 -w0 "$ASSET_DIR/backup/$1"; }

gen_config() {
	cat >"$ETCD_STATIC_RESOURCES/.recoveryconfig" <<-C
		apiVersion: v1
		kind: Config
		clusters:
		- name: recovery
		  cluster: {certificate-authority-data: $(base64_of etcd-ca-bundle.crt), server: "https://$RECOVERY_SERVER_IP:9943"}
		contexts:
		- name: kubelet
		  context: {cluster: recovery, user: kubelet}
		current-context: kubelet
		users:
		- name: kubelet
		  user: {client-certificate-data: $(base64_of etcd-client.crt), client-key-data: $(base64_of etcd-client.key)}
	C
}

generate_certs() {
	local generator=etcd-generate-certs stage=$ASSET_DIR/tmp/etcd-generate-certs
	populate_template __ETCD_DISCOVERY_DOMAIN__ "$DISCOVERY_DOMAIN" "$TEMPLATES/$generator.yaml.template" "$stage.stage1"
	populate_template __SETUP_ETCD_ENVIRONMENT__ "$SETUP_ETCD_ENVIRONMENT" "$stage.stage1" "$stage.stage2"
	populate_template __KUBE_CLIENT_AGENT__ "$KUBE_CLIENT_AGENT" "$stage.stage2" "$MANIFEST_STOPPED_DIR/$generator.yaml"
	echo "Starting etcd client cert recovery agent.."
	mv "$MANIFEST_STOPPED_DIR/$generator.yaml" "$MANIFEST_DIR"
	at_step generating
	# three authorities, and certificate and key of server, peer and metrics
	# shellcheck disable=SC2012 # as there; what begins with a dot does not count
	while [ "$(ls "$ETCD_STATIC_RESOURCES" | wc -l)" -lt 9 ]; do
		echo "Waiting for certs to generate.."
		sleep 10
	done
	echo "Stopping cert recover.."
	[ ! -f "$MANIFEST_DIR/$generator.yaml" ] || mv "$MANIFEST_DIR/$generator.yaml" "$MANIFEST_STOPPED_DIR"
	wait_pods generate-env generate-certs
}

patch_manifest() {
	echo "Patching etcd-member manifest.."
	cp "$ASSET_DIR/backup/etcd-member.yaml" "$ASSET_DIR/tmp/etcd-member.yaml.template"
	sed -i '/ --discovery-srv/d' "$ASSET_DIR/tmp/etcd-member.yaml.template"
	mv "$ASSET_DIR/tmp/etcd-member.yaml.template" "$MANIFEST_STOPPED_DIR/etcd-member.yaml"
}

member_add() {
	local said
	echo "Updating etcd membership.."
	if [ -d "$ETCD_DATA_DIR" ]; then
		echo "Removing etcd data_dir $ETCD_DATA_DIR.."
		rm -rf "$ETCD_DATA_DIR"
	fi
	at_step before-add
	said=$("${WITH_TLS[@]}" --endpoints "$RECOVERY_SERVER_IP:2379" member add "$NAME" \
		"--peer-urls=https://$ETCD_DNS_NAME:2380")
	at_step added
	echo "$said"
	printf '\n\n#[recover]\n%s\n' "$(sed 1,2d <<<"$said")" >>"$RUN_ENV"
	at_step appended
}

init
dl_etcdctl
backup_manifest
discovery_domain
validate_environment
# shellcheck source=/dev/null
. "$RUN_ENV"
backup_etcd_conf
backup_etcd_client_certs
at_step begun
stop_etcd
at_step stopped
backup_data_dir
backup_certs
remove_certs
gen_config
generate_certs
at_step generated
patch_manifest
member_add
start_etcd
at_step ended
