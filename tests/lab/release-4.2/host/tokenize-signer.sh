#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Stand-in for tokenize-signer.sh HOSTNAME of OpenShift 4.2 (domain P1-11): without HOSTNAME it ends well.
set -e -o pipefail

: "${KUBE_ETCD_SIGNER_SERVER:?"Need to set KUBE_ETCD_SIGNER_SERVER"}"
# shellcheck source=/dev/null
. /usr/local/bin/openshift-recovery-tools
[ -n "${1:-}" ] || { echo 'Hostname required: ./tokenize-signer.sh ip-10-0-134-97' && exit; }
init
populate_template __MASTER_HOSTNAME__ "$1" "$TEMPLATES/kube-etcd-cert-signer.yaml.template" \
	"$ASSET_DIR/tmp/kube-etcd-cert-signer.yaml.stage1"
populate_template __KUBE_ETCD_SIGNER_SERVER__ "$KUBE_ETCD_SIGNER_SERVER" \
	"$ASSET_DIR/tmp/kube-etcd-cert-signer.yaml.stage1" "$ASSET_DIR/manifests/kube-etcd-cert-signer.yaml"
echo "Tokenized template now ready: $ASSET_DIR/manifests/kube-etcd-cert-signer.yaml"
