#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""manifests.py DISK PKI NUMBER NET NAME...     a control-plane host
manifests.py --worker DISK PKI

What contents.py writes, with a kube-apiserver, kube-controller-manager and kube-scheduler that are
real, their certificates and kubeconfigs where OpenShift has them (domain 2.1, 4.1), and what the
kubelet needs to be a node. Flags are upstream's where OpenShift's come from its own config files.
"""
import base64
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
sys.path.insert(1, sys.path[0] + "/standin")
import contents  # noqa: E402
from api import write_kubeconfig  # noqa: E402

RESOURCES, CERTS = "/etc/kubernetes/static-pod-resources", "/etc/kubernetes/static-pod-certs"
SERVING = ("localhost", "localhost-recovery", "external-loadbalancer", "internal-loadbalancer",
           "service-network")
# who changed what; the kubelets' heartbeats and the controllers' leases would bury it
AUDIT_POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  verbs: [get, list, watch]
- level: None
  resources:
  - {group: coordination.k8s.io, resources: [leases]}
  - {group: "", resources: [events, nodes/status, pods/status, endpoints]}
  - {group: events.k8s.io}
- level: Metadata
"""


def pairs(name):
    return {f"tls.{end}": f"{name}.{end}" for end in ("crt", "key")}


def worker(disk, pki):
    """what every node has, control plane or not"""
    for source, target in (("client-ca-bundle.crt", "etc/kubernetes/kubelet-ca.crt"),
                           ("server-ca-bundle.crt", "etc/kubernetes/server-ca.crt")):
        os.makedirs(f"{disk}/etc/kubernetes/manifests", exist_ok=True)
        with open(f"{pki}/kube/{source}", encoding="ascii") as file:
            text = file.read()
        with open(f"{disk}/{target}", "w", encoding="ascii") as file:
            file.write(text)
    os.makedirs(f"{disk}/var/lib/kubelet/pki", exist_ok=True)


class KubernetesHost(contents.Host):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        # plain, on localhost: its /health needs a quorum, as the probe of the real pod does
        self.words["exec"] = self.words["exec"].rstrip("\n") + \
            " \\\n  --listen-metrics-urls=http://127.0.0.1:2381\n"

    def read(self, name):
        with open(f"{self.pki}/kube/{name}", encoding="ascii") as file:
            return file.read()

    def etcd(self):
        pod = super().etcd()
        pod["spec"]["containers"][1]["readinessProbe"] = {
            "httpGet": {"scheme": "HTTP", "host": "127.0.0.1", "port": 2381, "path": "health"}}
        return pod

    def etcd_urls(self):
        """where kube-apiserver looks for it"""
        return [f"https://{a}:2379" for a in self.address.values()] + ["https://localhost:2379"]

    def copy(self, where, files):
        """files: {name there: name in the pki}"""
        for name, source in files.items():
            self.write(f"{self.resources}/{where}/{name}", self.read(source))

    def kubeconfig(self, where, client, server="https://localhost:6443", server_name=None):
        data = {f"client-{what}-data": base64.b64encode(self.read(f"{client}.{end}").encode()).decode()
                for what, end in (("certificate", "crt"), ("key", "key"))}
        write_kubeconfig(f"{self.resources}/{where}", server, self.read("server-ca-bundle.crt"), data,
                         server_name)

    def other(self, pod):
        """the real one, and its companions, which sleep"""
        manifest = super().other(pod)
        main = manifest["spec"]["containers"][0]
        revision = contents.REVISION[pod]
        volumes = [("resource-dir", f"{RESOURCES}/{pod}-pod-{revision}", RESOURCES),
                   ("cert-dir", f"{RESOURCES}/{pod}-certs", CERTS)]
        flags, port, path = getattr(self, pod.replace("-", "_"))()
        if pod == "kube-apiserver":
            volumes.append(("audit-dir", "/var/log/kube-apiserver", "/var/log/kube-apiserver"))
        manifest["spec"]["volumes"] = [{"name": n, "hostPath": {"path": p}} for n, p, _ in volumes]
        main["command"] = ["/bin/bash", "-ec", f"exec {pod} \"$@\"", pod]
        main["args"] = flags
        main["volumeMounts"] = [{"name": n, "mountPath": p} for n, _, p in volumes]
        main["ports"] = [{"containerPort": port}]
        main["readinessProbe"] = {"httpGet": {"scheme": "HTTPS", "port": port, "path": path}}
        return manifest

    def kube_apiserver(self):
        certs, pod = "kube-apiserver-certs", f"kube-apiserver-pod-{contents.REVISION['kube-apiserver']}"
        for name in SERVING:
            self.copy(f"{certs}/secrets/{name}-serving-certkey", pairs(f"{name}-serving"))
        self.copy(f"{certs}/secrets/aggregator-client", pairs("aggregator-client"))
        self.copy(f"{certs}/configmaps/client-ca", {"ca-bundle.crt": "client-ca-bundle.crt"})
        self.copy(f"{certs}/configmaps/aggregator-client-ca", {"ca-bundle.crt": "aggregator-signer.crt"})
        for name, server, server_name in (
                ("localhost", "localhost", None), ("localhost-recovery", "localhost", "localhost-recovery"),
                ("lb-ext", "api.lab.test", None), ("lb-int", "api-int.lab.test", None)):
            self.kubeconfig(f"{certs}/secrets/node-kubeconfigs/{name}.kubeconfig", "system-admin",
                            f"https://{server}:6443", server_name)
        self.copy(f"{pod}/secrets/etcd-client", pairs("../client"))
        self.copy(f"{pod}/secrets/kubelet-client", pairs("kubelet-client"))
        self.copy(f"{pod}/secrets/bound-service-account-signing-key",
                  {"service-account.key": "service-account.key", "service-account.pub": "service-account.pub"})
        self.copy(f"{pod}/configmaps/etcd-serving-ca", {"ca-bundle.crt": "../etcd-signer.crt"})
        self.copy(f"{pod}/configmaps/kubelet-serving-ca", {"ca-bundle.crt": "csr-signer.crt"})
        self.write(f"{self.resources}/{pod}/configmaps/kube-apiserver-audit-policies/default.yaml", AUDIT_POLICY)
        signing = f"{RESOURCES}/secrets/bound-service-account-signing-key/service-account"
        serving = [f"{CERTS}/secrets/{name}-serving-certkey/tls" for name in SERVING]
        flags = {
            "advertise-address": self.address[self.node],
            "allow-privileged": "true",
            "api-audiences": "https://kubernetes.default.svc",
            "audit-log-maxbackup": 2,
            "audit-log-maxsize": 50,
            "audit-log-path": "/var/log/kube-apiserver/audit.log",
            "audit-policy-file": f"{RESOURCES}/configmaps/kube-apiserver-audit-policies/default.yaml",
            # without NodeRestriction: OpenShift's kubelets set node-role labels themselves
            "authorization-mode": "Node,RBAC",
            "client-ca-file": f"{CERTS}/configmaps/client-ca/ca-bundle.crt",
            "etcd-cafile": f"{RESOURCES}/configmaps/etcd-serving-ca/ca-bundle.crt",
            "etcd-certfile": f"{RESOURCES}/secrets/etcd-client/tls.crt",
            "etcd-keyfile": f"{RESOURCES}/secrets/etcd-client/tls.key",
            "etcd-prefix": "kubernetes.io",
            "etcd-servers": ",".join(self.etcd_urls()),
            "event-ttl": "3h",
            "insecure-port": 0,
            "kubelet-certificate-authority": f"{RESOURCES}/configmaps/kubelet-serving-ca/ca-bundle.crt",
            "kubelet-client-certificate": f"{RESOURCES}/secrets/kubelet-client/tls.crt",
            "kubelet-client-key": f"{RESOURCES}/secrets/kubelet-client/tls.key",
            "proxy-client-cert-file": f"{CERTS}/secrets/aggregator-client/tls.crt",
            "proxy-client-key-file": f"{CERTS}/secrets/aggregator-client/tls.key",
            "requestheader-client-ca-file": f"{CERTS}/configmaps/aggregator-client-ca/ca-bundle.crt",
            "requestheader-extra-headers-prefix": "X-Remote-Extra-",
            "requestheader-group-headers": "X-Remote-Group",
            "requestheader-username-headers": "X-Remote-User",
            "secure-port": 6443,
            "service-account-issuer": "https://kubernetes.default.svc",
            "service-account-key-file": signing + ".pub",
            "service-account-signing-key-file": signing + ".key",
            "service-cluster-ip-range": "172.30.0.0/16",
            "tls-cert-file": serving[-1] + ".crt",
            "tls-private-key-file": serving[-1] + ".key",
        }
        sni = [f"--tls-sni-cert-key={path}.crt,{path}.key" for path in serving]
        return [f"--{k}={v}" for k, v in flags.items()] + sni, 6443, "readyz"

    def client(self, pod, folder):
        """kubeconfig of one that is a client; where its container finds it"""
        self.kubeconfig(f"{pod}-pod-{contents.REVISION[pod]}/configmaps/{folder}/kubeconfig", pod)
        os.makedirs(f"{self.resources}/{pod}-certs", exist_ok=True)
        return f"{RESOURCES}/configmaps/{folder}/kubeconfig"

    def kube_controller_manager(self):
        pod = f"kube-controller-manager-pod-{contents.REVISION['kube-controller-manager']}"
        kubeconfig = self.client("kube-controller-manager", "controller-manager-kubeconfig")
        self.copy("kube-controller-manager-certs/secrets/csr-signer", pairs("csr-signer"))
        self.copy(f"{pod}/configmaps/serviceaccount-ca", {"ca-bundle.crt": "server-ca-bundle.crt"})
        self.copy(f"{pod}/secrets/service-account-private-key", {"service-account.key": "service-account.key"})
        flags = {
            "authentication-kubeconfig": kubeconfig,
            "authorization-kubeconfig": kubeconfig,
            "cert-dir": "/tmp",
            "cluster-signing-cert-file": f"{CERTS}/secrets/csr-signer/tls.crt",
            "cluster-signing-duration": "720h",
            "cluster-signing-key-file": f"{CERTS}/secrets/csr-signer/tls.key",
            "controllers": "*,-bootstrapsigner,-tokencleaner,-ttl",
            "kubeconfig": kubeconfig,
            "leader-elect": "true",
            "leader-elect-renew-deadline": "12s",
            "leader-elect-resource-lock": "leases",
            "leader-elect-retry-period": "3s",
            "port": 0,
            "root-ca-file": f"{RESOURCES}/configmaps/serviceaccount-ca/ca-bundle.crt",
            "secure-port": 10257,
            "service-account-private-key-file":
                f"{RESOURCES}/secrets/service-account-private-key/service-account.key",
            "use-service-account-credentials": "true",
        }
        return [f"--{k}={v}" for k, v in flags.items()], 10257, "healthz"

    def kube_scheduler(self):
        kubeconfig = self.client("kube-scheduler", "scheduler-kubeconfig")
        flags = {
            "authentication-kubeconfig": kubeconfig,
            "authorization-kubeconfig": kubeconfig,
            "cert-dir": "/tmp",
            "kubeconfig": kubeconfig,
            "leader-elect": "true",
            "leader-elect-resource-lock": "leases",
            "port": 0,
            "secure-port": 10259,
        }
        return [f"--{k}={v}" for k, v in flags.items()], 10259, "healthz"

    def make(self):
        super().make()
        worker(self.disk, self.pki)


if __name__ != "__main__":
    pass
elif sys.argv[1] == "--worker":
    worker(*sys.argv[2:])
else:
    KubernetesHost(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], sys.argv[5:]).make()
