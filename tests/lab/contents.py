#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""contents.py DISK PKI NUMBER NET NAME...

Writes what the cluster-etcd-operator and its like leave on control-plane host NUMBER: pod manifests
(JSON, in files called .yaml), revisioned resources, etcd.env, the restore pod, certificates.
Shapes and names as on OpenShift 4.17 (domain 4); the text is our own.
"""
import hashlib
import json
import os
import re
import shutil
import sys

RELEASE = "quay.io/openshift-release-dev/ocp-v4.0-art-dev@sha256:"
REVISION = {"etcd": 7, "kube-apiserver": 9, "kube-controller-manager": 6, "kube-scheduler": 6}
NAMESPACE = {pod: "openshift-" + pod for pod in REVISION}
SIDECARS = {
    "kube-apiserver": ["cert-syncer", "cert-regeneration-controller", "check-endpoints"],
    "kube-controller-manager": ["cert-syncer", "recovery-controller"],
    "kube-scheduler": ["cert-syncer", "recovery-controller"],
}
GRACE = {"etcd": 30, "kube-apiserver": 135, "kube-controller-manager": 30, "kube-scheduler": 30}

START_ETCD = """\
set -euo pipefail
export ETCD_NAME=${%(var)s_ETCD_NAME}
if [ -e %(certs)s/found-a-cluster ] && [ ! -d /var/lib/etcd/member ]; then
  export ETCD_INITIAL_CLUSTER_STATE=new ETCD_INITIAL_CLUSTER=%(founders)s
else
  ETCD_INITIAL_CLUSTER=$(discover-etcd-initial-cluster https://${%(var)s_IP}:2380)
  export ETCD_INITIAL_CLUSTER
fi
%(exec)s
"""
# one-shot, as the real one is: whatever starts it again finds data and says so for ever. Two leftovers
# are a bash error that counts as "empty".
RESTORE_ETCD = """\
set -euo pipefail
export ETCD_NAME=${%(var)s_ETCD_NAME}
export ETCD_INITIAL_CLUSTER="${ETCD_NAME}=https://${%(var)s_IP}:2380"
snapshot=/var/lib/etcd-backup/snapshot.db
if [ ! -z $(ls -A /var/lib/etcd) ]; then
  echo "please delete the contents of data directory before restoring, running the restore script will do this for you"
  exit 1
fi
if [ ! -f $snapshot ]; then
  echo "please make a copy of the snapshot db file, then move that copy to $snapshot"
  exit 1
fi
size=0
while [ "$size" != "$(stat -c %%s $snapshot)" ]; do
  echo "file size has changed since last 5 seconds, retry sleeping for 5 seconds"
  size=$(stat -c %%s $snapshot)
  sleep 5
done
UUID=$(cat /proc/sys/kernel/random/uuid)
echo "restoring to a single node cluster"
etcdctl snapshot restore $snapshot --name "$ETCD_NAME" \\
  --initial-cluster "$ETCD_INITIAL_CLUSTER" --initial-cluster-token "openshift-etcd-$UUID" \\
  --initial-advertise-peer-urls https://${%(var)s_IP}:2380 \\
  --data-dir "/var/lib/etcd/restore-$UUID"
mv /var/lib/etcd/restore-$UUID/* /var/lib/etcd/
rmdir /var/lib/etcd/restore-$UUID
rm $snapshot
%(exec)s
"""
EXEC_ETCD = """\
exec etcd --logger=zap --log-level=info \\
  --initial-advertise-peer-urls=https://${%(var)s_IP}:2380 \\
  --cert-file=%(all)s/etcd-serving-%(node)s.crt --key-file=%(all)s/etcd-serving-%(node)s.key \\
  --trusted-ca-file=%(bundle)s --client-cert-auth=true \\
  --peer-cert-file=%(all)s/etcd-peer-%(node)s.crt --peer-key-file=%(all)s/etcd-peer-%(node)s.key \\
  --peer-trusted-ca-file=%(bundle)s --peer-client-cert-auth=true \\
  --advertise-client-urls=https://${%(var)s_IP}:2379 \\
  --listen-client-urls=https://0.0.0.0:2379 --listen-peer-urls=https://0.0.0.0:2380
"""


def image(name):
    return RELEASE + hashlib.sha256(name.encode()).hexdigest()


class Host:
    def __init__(self, disk, pki, number, net, names):
        self.kubernetes = disk + "/etc/kubernetes"
        self.resources = self.kubernetes + "/static-pod-resources"
        self.disk, self.pki, self.names = disk, pki, names
        self.node = names[number]
        self.address = {name: f"{net}.{10 + i}" for i, name in enumerate(names)}
        certs = "/etc/kubernetes/static-pod-certs"
        self.words = {
            "node": self.node,
            "var": "NODE_" + self.safe(self.node),
            "certs": certs,
            "all": certs + "/secrets/etcd-all-certs",
            "bundle": certs + "/configmaps/etcd-all-bundles/server-ca-bundle.crt",
            "founders": ",".join(f"{n}=https://{a}:2380" for n, a in self.address.items()),
        }
        self.words["exec"] = EXEC_ETCD % self.words

    @staticmethod
    def safe(name):
        return re.sub(r"[-.]", "_", name)

    def write(self, path, text, mode=0o600):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)

    def env(self):
        urls = [f"https://{a}:2379" for a in self.address.values()]
        env = {
            "ALL_ETCD_ENDPOINTS": ",".join(urls),
            "ETCDCTL_API": "3",
            "ETCDCTL_CACERT": self.words["bundle"],
            "ETCDCTL_CERT": f"{self.words['all']}/etcd-peer-{self.node}.crt",
            "ETCDCTL_ENDPOINTS": ",".join(urls),
            "ETCDCTL_KEY": f"{self.words['all']}/etcd-peer-{self.node}.key",
            "ETCD_CIPHER_SUITES": "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,"
                                  "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
            "ETCD_DATA_DIR": "/var/lib/etcd",
            "ETCD_ELECTION_TIMEOUT": "1000",
            "ETCD_ENABLE_PPROF": "true",
            "ETCD_HEARTBEAT_INTERVAL": "100",
            "ETCD_IMAGE": image("etcd"),
            "ETCD_INITIAL_CLUSTER_STATE": "existing",
            "ETCD_QUOTA_BACKEND_BYTES": "8589934592",
        }
        for name, address in self.address.items():
            env[f"NODE_{self.safe(name)}_ETCD_NAME"] = name
            env[f"NODE_{self.safe(name)}_ETCD_URL_HOST"] = address
            env[f"NODE_{self.safe(name)}_IP"] = address
        return dict(sorted(env.items()))

    def container(self, name, argv, of="etcd", mounts=()):
        return {
            "name": name,
            "image": image(of),
            "imagePullPolicy": "IfNotPresent",
            "command": argv,
            "env": [{"name": k, "value": v} for k, v in self.env().items()] if of == "etcd" else [],
            "volumeMounts": [{"name": n, "mountPath": p} for n, p in mounts],
            "terminationMessagePolicy": "FallbackToLogsOnError",
        }

    def pod(self, pod, containers, volumes):
        labels = {"app": pod, "revision": str(REVISION[pod])}
        if pod == "etcd":
            labels.update({"etcd": "true", "k8s-app": "etcd"})
        name = "openshift-kube-scheduler" if pod == "kube-scheduler" else pod
        return {
            "kind": "Pod",
            "apiVersion": "v1",
            "metadata": {"name": name, "namespace": NAMESPACE[pod], "creationTimestamp": None,
                         "labels": labels},
            "spec": {
                "volumes": [{"name": n, "hostPath": {"path": p, "type": ""}} for n, p in volumes],
                "containers": containers,
                "terminationGracePeriodSeconds": GRACE[pod],
                "hostNetwork": True,
                "tolerations": [{"operator": "Exists"}],
                "priorityClassName": "system-node-critical",
            },
            "status": {},
        }

    def etcd_volumes(self):
        volumes = [
            ("static-pod-dir", "/etc/kubernetes/manifests"),
            ("resource-dir", f"/etc/kubernetes/static-pod-resources/etcd-pod-{REVISION['etcd']}"),
            ("cert-dir", "/etc/kubernetes/static-pod-resources/etcd-certs"),
            ("data-dir", "/var/lib/etcd/"),
        ]
        inside = ["/etc/kubernetes/manifests/", "/etc/kubernetes/static-pod-resources",
                  "/etc/kubernetes/static-pod-certs", "/var/lib/etcd/"]
        return volumes, [(n, p) for (n, _), p in zip(volumes, inside)]

    def etcd(self):
        volumes, mounts = self.etcd_volumes()
        idle = ["sleep", "infinity"]
        return self.pod("etcd", [
            self.container("etcdctl", idle, mounts=mounts),
            self.container("etcd", ["/bin/bash", "-c", START_ETCD % self.words], mounts=mounts[2:]),
            self.container("etcd-metrics", idle, mounts=mounts[2:]),
            self.container("etcd-readyz", idle, mounts=mounts[2:3]),
        ], volumes)

    def other(self, pod):
        names = [pod] + [f"{pod}-{s}" for s in SIDECARS[pod]]
        path = f"/etc/kubernetes/static-pod-resources/{pod}-pod-{REVISION[pod]}"
        return self.pod(pod, [self.container(n, ["sleep", "infinity"], of=pod) for n in names],
                        [("resource-dir", path)])

    def restore_pod(self):
        """YAML, as only this one is; names stand where the documented one-liners look for them"""
        lines = [
            "apiVersion: v1", "kind: Pod", "metadata:", "  name: etcd", "  namespace: openshift-etcd",
            "  labels:", "    app: etcd", "    etcd: \"true\"", "    k8s-app: etcd",
            f"    revision: \"{REVISION['etcd']}\"", "spec:", "  containers:", "  - name: etcd",
            f"    image: {image('etcd')}", "    imagePullPolicy: IfNotPresent", "    command:",
            "    - /bin/bash", "    - -c", "    - |",
        ]
        lines += ["      " + line for line in (RESTORE_ETCD % self.words).splitlines()]
        lines += ["    env:"]
        for key, value in self.env().items():
            lines += [f'    - name: "{key}"', f'      value: "{value}"']
        volumes, mounts = self.etcd_volumes()
        volumes = volumes[2:] + [("backup-dir", "/var/lib/etcd-backup")]
        mounts = mounts[2:] + [("backup-dir", "/var/lib/etcd-backup/")]
        lines += ["    volumeMounts:"]
        for name, path in mounts:
            lines += [f"    - name: {name}", f"      mountPath: {path}"]
        lines += ["  hostNetwork: true", "  terminationGracePeriodSeconds: 30", "  volumes:"]
        for name, path in volumes:
            lines += [f"  - name: {name}", "    hostPath:", f"      path: {path}"]
        return "\n".join(lines) + "\n"

    def certificates(self):
        certs = self.resources + "/etcd-certs"
        for name in self.names:
            for kind in ("peer", "serving", "serving-metrics"):
                for end in ("crt", "key"):
                    with open(f"{self.pki}/etcd-{kind}-{name}.{end}", encoding="ascii") as file:
                        self.write(f"{certs}/secrets/etcd-all-certs/etcd-{kind}-{name}.{end}",
                                   file.read())
        for bundle, ca in (("server", "etcd-signer"), ("metrics", "etcd-metrics-signer")):
            target = f"{certs}/configmaps/etcd-all-bundles/{bundle}-ca-bundle.crt"
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy(f"{self.pki}/{ca}.crt", target)

    def revisioned(self, pod, manifest):
        """as an installer pod brings it: the manifest at last, and at once"""
        text = json.dumps(manifest, separators=(",", ":"))
        where, manifests = f"{self.resources}/{pod}-pod-{REVISION[pod]}", f"{self.kubernetes}/manifests"
        self.write(f"{where}/{pod}-pod.yaml", text)
        self.write(f"{where}/configmaps/{pod}-pod/pod.yaml", text)
        self.write(f"{where}/configmaps/{pod}-pod/version", "")
        self.write(f"{manifests}/.{pod}-pod.yaml", text)
        os.rename(f"{manifests}/.{pod}-pod.yaml", f"{manifests}/{pod}-pod.yaml")

    def make(self):
        pods = {"etcd": self.etcd(), **{pod: self.other(pod) for pod in SIDECARS}}
        for pod, manifest in pods.items():
            self.revisioned(pod, manifest)
        scripts = self.resources + "/etcd-certs/configmaps/etcd-scripts"
        self.write(scripts + "/etcd.env",
                   "".join(f"export {k}={json.dumps(v)}\n" for k, v in self.env().items()), 0o644)
        shutil.copy(os.path.dirname(os.path.realpath(__file__)) + "/standin/etcd-common-tools", scripts)
        self.write(self.resources + "/etcd-certs/configmaps/restore-etcd-pod/pod.yaml",
                   self.restore_pod())
        self.certificates()
        self.write(self.disk + "/var/lib/kubelet/config.json", '{"auths":{}}')
        self.write(self.disk + "/var/lib/containers/images",
                   "".join(image(name) + "\n" for name in pods))


if __name__ == "__main__":
    Host(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], sys.argv[5:]).make()
