#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""contents.py PART DISK PKI NUMBER NET NAME...     a control-plane host of OpenShift 4.2 (domain 1.1)

PART: images, tags and pull specs of the release (nothing else is needed then); ignition, what a host has by its installation: etcd's manifest, configuration and authorities, but no
certificates; member, etcd's certificates of one that was a member from the start; pods, what the operators of
kube-apiserver and its like bring to a node. DISK has etc/ and var/. etcd has no operator in this release.
"""
import json
import os
import shutil
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, HERE + "/../kube")
import manifests  # noqa: E402  (brings the folders of the others)
import contents  # noqa: E402

DOMAIN = "lab.test"
MEMBER_FILES = "/etc/kubernetes/static-pod-resources/etcd-member"
KUBE = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
# of the release image: tags that somebody asks for (domain 2.11); the last is on no host
IMAGES = ("etcd", "setup-etcd-environment", "kube-client-agent", "kube-etcd-signer-server")

ETCD_CONF = """\
#[member]
ETCD_SNAPSHOT_COUNT=100000
ETCD_HEARTBEAT_INTERVAL=100
ETCD_ELECTION_TIMEOUT=1000

#[storage]
ETCD_QUOTA_BACKEND_BYTES=7516192768
"""
# YAML, and by no operator: of a MachineConfig. Its name in etcd is that of the pod.
ETCD_MEMBER = """\
apiVersion: v1
kind: Pod
metadata:
  name: etcd-member
  namespace: openshift-etcd
  labels:
    k8s-app: etcd
spec:
  initContainers:
  - name: discovery
    image: "%(setup-etcd-environment)s"
    command: ["setup-etcd-environment"]
    args:
    - "run"
    - "--discovery-srv=%(domain)s"
    - "--output-file=/run/etcd/environment"
    volumeMounts:
    - name: discovery
      mountPath: /run/etcd/
  - name: certs
    image: "%(kube-client-agent)s"
    command:
    - /bin/sh
    - -c
    - |
      set -euxo pipefail
      source /run/etcd/environment
      own=localhost,etcd.kube-system.svc,etcd.kube-system.svc.cluster.local,etcd.openshift-etcd.svc,etcd.openshift-etcd.svc.cluster.local
      request() { # KIND DNSNAMES IPADDRS
        [ -e /etc/ssl/etcd/system:etcd-$1:${ETCD_DNS_NAME}.crt -a -e /etc/ssl/etcd/system:etcd-$1:${ETCD_DNS_NAME}.key ] ||
          kube-client-agent request --kubeconfig=/etc/kubernetes/kubeconfig --orgname=system:etcd-$1s \\
            --assetsdir=/etc/ssl/etcd --commonname=system:etcd-$1:${ETCD_DNS_NAME} --dnsnames="$2" --ipaddrs="$3"
      }
      request server "$own,${ETCD_WILDCARD_DNS_NAME}" ${ETCD_IPV4_ADDRESS},127.0.0.1
      request peer ${ETCD_DNS_NAME},%(domain)s ${ETCD_IPV4_ADDRESS}
      request metric "$own,${ETCD_DNS_NAME}" ${ETCD_IPV4_ADDRESS}
    volumeMounts:
    - name: discovery
      mountPath: /run/etcd/
    - name: certs
      mountPath: /etc/ssl/etcd/
    - name: kubeconfig
      mountPath: /etc/kubernetes/kubeconfig
  containers:
  - name: etcd-member
    image: "%(etcd)s"
    command:
    - /bin/sh
    - -c
    - |
      set -euo pipefail
      source /run/etcd/environment
      set -a
      source /etc/etcd/etcd.conf
      set +a
      exec etcd \\
        --initial-advertise-peer-urls=https://${ETCD_IPV4_ADDRESS}:2380 \\
        --cert-file=/etc/ssl/etcd/system:etcd-server:${ETCD_DNS_NAME}.crt \\
        --key-file=/etc/ssl/etcd/system:etcd-server:${ETCD_DNS_NAME}.key \\
        --trusted-ca-file=/etc/ssl/etcd/ca.crt --client-cert-auth=true \\
        --peer-cert-file=/etc/ssl/etcd/system:etcd-peer:${ETCD_DNS_NAME}.crt \\
        --peer-key-file=/etc/ssl/etcd/system:etcd-peer:${ETCD_DNS_NAME}.key \\
        --peer-trusted-ca-file=/etc/ssl/etcd/ca.crt --peer-client-cert-auth=true \\
        --advertise-client-urls=https://${ETCD_IPV4_ADDRESS}:2379 \\
        --listen-client-urls=https://0.0.0.0:2379 --listen-peer-urls=https://0.0.0.0:2380 \\
        --listen-metrics-urls=https://0.0.0.0:9978
    volumeMounts:
    - name: discovery
      mountPath: /run/etcd/
    - name: certs
      mountPath: /etc/ssl/etcd/
    - name: data-dir
      mountPath: /var/lib/etcd/
    - name: conf
      mountPath: /etc/etcd/
    env:
    - name: ETCDCTL_API
      value: "3"
    - name: ETCD_DATA_DIR
      value: "/var/lib/etcd"
    - name: ETCD_NAME
      valueFrom:
        fieldRef:
          fieldPath: metadata.name
  - name: etcd-metrics
    image: "%(etcd)s"
    command: [sleep, infinity]
    volumeMounts:
    - name: discovery
      mountPath: /run/etcd/
    - name: certs
      mountPath: /etc/ssl/etcd/
  hostNetwork: true
  priorityClassName: system-node-critical
  tolerations:
  - operator: "Exists"
  restartPolicy: Always
  volumes:
  - name: certs
    hostPath:
      path: /etc/kubernetes/static-pod-resources/etcd-member
  - name: kubeconfig
    hostPath:
      path: /etc/kubernetes/kubeconfig
  - name: discovery
    hostPath:
      path: /run/etcd
  - name: data-dir
    hostPath:
      path: /var/lib/etcd
  - name: conf
    hostPath:
      path: /etc/etcd
"""


def release_image():
    return "quay.io/openshift-release-dev/ocp-release@" + contents.image("release").split("@")[1]


class OldHost(manifests.KubernetesHost):
    def __init__(self, disk, pki, number, net, names):
        super().__init__(disk, pki, number, net, names)
        self.dns_name = f"etcd-{number}.{DOMAIN}"
        self.files = disk + MEMBER_FILES

    def etcd_urls(self):
        return [f"https://etcd-{i}.{DOMAIN}:2379" for i in range(len(self.names))]

    def ignition(self):
        manifests.worker(self.disk, self.pki)
        for name, authority in (("ca", "etcd-signer"), ("metric-ca", "etcd-metrics-signer"), ("root-ca", "kube/csr-signer")):
            os.makedirs(self.files, exist_ok=True)
            shutil.copy(f"{self.pki}/{authority}.crt", f"{self.files}/{name}.crt")
        self.write(f"{self.disk}/etc/etcd/etcd.conf", ETCD_CONF, 0o644)
        self.write(self.disk + "/var/lib/kubelet/config.json", '{"auths":{}}')
        self.write(self.disk + "/var/lib/containers/images",
                   "".join(contents.image(name) + "\n" for name in IMAGES[:3] + KUBE) + release_image() + "\n")
        if not os.path.exists(self.kubernetes + "/kubeconfig"):
            self.write(self.kubernetes + "/kubeconfig", "# there is no cluster yet\n")
        words = {**{name: contents.image(name) for name in IMAGES}, "domain": DOMAIN}
        self.write(f"{self.kubernetes}/manifests/.etcd-member.yaml", ETCD_MEMBER % words, 0o644)
        os.rename(f"{self.kubernetes}/manifests/.etcd-member.yaml", f"{self.kubernetes}/manifests/etcd-member.yaml")

    def member(self):
        for kind in ("server", "peer", "metric"):
            name = f"system:etcd-{kind}:{self.dns_name}"
            for end in ("crt", "key"):
                shutil.copy(f"{self.pki}/{name}.{end}", self.files)

    def pods(self):
        for pod in KUBE:
            self.revisioned(pod, self.other(pod))


def images():
    """/release-manifests/image-references"""
    tags = [{"name": name, "annotations": None, "generation": 2, "importPolicy": {}, "referencePolicy": {"type": ""},
             "from": {"kind": "DockerImage", "name": contents.image(name)}} for name in IMAGES]
    return {"kind": "ImageStream", "apiVersion": "image.openshift.io/v1", "metadata": {"name": "4.2.36"},
            "spec": {"lookupPolicy": {"local": False}, "tags": tags}, "status": {"dockerImageRepository": ""}}


if __name__ != "__main__":
    pass
elif sys.argv[1] == "images":
    print(json.dumps(images(), indent=2))
else:
    host = OldHost(sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5], sys.argv[6:])
    getattr(host, sys.argv[1])()
