#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""plant.py LAB NODE OTHER FOREIGN: certificate requests that nobody may approve (domain 3.1 to 3.3), each a
kubelet's own but for one thing. They are for NODE; OTHER is another node, FOREIGN an address that is
no node's own, a VIP say. Who asks is impersonated by system:admin. Prints {name: what is wrong}."""
import base64
import json
import subprocess
import sys
import tempfile

from cluster import Cluster

CSRS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
BOOTSTRAPPER = "system:serviceaccount:openshift-machine-config-operator:node-bootstrapper"
SIGNERS = {"client": "kubernetes.io/kube-apiserver-client-kubelet", "server": "kubernetes.io/kubelet-serving"}
P256 = ("ec", "-pkeyopt", "ec_paramgen_curve:P-256")


def pem(subject, names, key):
    """a request with a key of its own, which no host has"""
    with tempfile.NamedTemporaryFile() as file:
        extra = ["-addext", "subjectAltName=" + ",".join(names)] if names else []
        return subprocess.run(["openssl", "req", "-new", "-nodes", "-newkey", *key, "-keyout", file.name, "-subj", subject, *extra],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True).stdout


class Nursery:
    def __init__(self, cluster, node, other):
        self.api, self.node, self.other = cluster.any_api(), node, other
        self.headers = self.api.headers
        self.own = [f"DNS:{node}", f"IP:{cluster.address[node]}"]
        self.planted = {}

    def plant(self, what, kind, by=None, subject=None, names=None, key=P256, signer=None, usage=None, damage=None):
        """by: who asks; default: who would"""
        by = by or (BOOTSTRAPPER if kind == "client" else f"system:node:{self.node}")
        text = pem(subject or f"/O=system:nodes/CN=system:node:{self.node}", names, key)
        if damage:
            text = damage(text)
        # system:authenticated, and all groups of a service account, the API server adds by itself
        group = "system:nodes" if by.startswith("system:node:") else None
        self.api.headers = {**self.headers, "Impersonate-User": by, **({"Impersonate-Group": group} if group else {})}
        found = self.api.call("POST", CSRS, {
            "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest",
            "metadata": {"generateName": "csr-"},
            "spec": {"request": base64.b64encode(text.encode()).decode(), "signerName": signer or SIGNERS[kind],
                     "usages": ["digital signature", "key encipherment", f"{usage or kind} auth"]}})
        self.planted[found["metadata"]["name"]] = f"{kind}: {what}"

    def clients(self):
        node = f"system:node:{self.node}"
        self.plant("a key that the host does not have", "client")
        self.plant("no node's name", "client", subject="/O=system:nodes/CN=system:admin")
        self.plant("another group", "client", subject=f"/O=system:masters/CN={node}")
        self.plant("a group more", "client", subject=f"/O=system:nodes/O=system:masters/CN={node}")
        self.plant("of a node that nobody knows", "client", subject="/O=system:nodes/CN=system:node:stranger")
        self.plant("alternative names", "client", names=self.own)
        self.plant("for a server", "client", usage="server")
        self.plant("a weak key", "client", key=("rsa:1024",))
        self.plant("two requests in one", "client", damage=lambda text: text + text)
        self.plant("text behind it", "client", damage=lambda text: text + "and more\n")
        self.plant("asked for by another node", "client", by=f"system:node:{self.other}")
        self.plant("another signer", "client", subject="/CN=recoverer", signer="kubernetes.io/kube-apiserver-client")

    def servers(self, cluster, foreign):
        other = [f"DNS:{self.other}", f"IP:{cluster.address[self.other]}"]
        self.plant("another node's names", "server", names=other)
        self.plant("another node's name", "server", names=self.own + other[:1])
        self.plant("an address that is no node's own", "server", names=self.own + [f"IP:{foreign}"])
        self.plant("an address that nobody has", "server", names=self.own + ["IP:10.77.0.250"])
        self.plant("loopback", "server", names=self.own + ["IP:127.0.0.1"])
        self.plant("a service's name", "server", names=self.own + ["DNS:kubernetes.default.svc"])
        self.plant("the API's name", "server", names=self.own + ["DNS:api-int.lab.test"])
        self.plant("a wildcard", "server", names=["DNS:*"] + self.own)
        self.plant("a URI", "server", names=self.own + ["URI:spiffe://lab/node"])
        self.plant("no name", "server")
        self.plant("a group more", "server", names=self.own,
                   subject=f"/O=system:nodes/O=system:masters/CN=system:node:{self.node}")
        self.plant("for another node", "server", names=other, subject=f"/O=system:nodes/CN=system:node:{self.other}")
        self.plant("asked for by the bootstrapper", "server", by=BOOTSTRAPPER, names=self.own)
        self.plant("for a client", "server", names=self.own, usage="client")


def main():
    lab, node, other, foreign = sys.argv[1:]
    cluster = Cluster(lab)
    nursery = Nursery(cluster, node, other)
    nursery.clients()
    nursery.servers(cluster, foreign)
    print(json.dumps(nursery.planted))


main()
