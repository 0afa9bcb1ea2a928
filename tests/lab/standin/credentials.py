# SPDX-License-Identifier: LGPL-2.1-or-later
"""A kubelet's certificates: in /var/lib/kubelet/pki, asked for by CSR when they are missing, as the
real one does it (domain 3.2, 3.3). Looked for once, at the start: who takes them away has to restart
the kubelet."""
import base64
import os
import socket
import ssl
import subprocess
import time

import api

PKI = "/var/lib/kubelet/pki"
BOOTSTRAP = "/etc/kubernetes/kubeconfig"  # with the token of node-bootstrapper
KUBECONFIG = "/var/lib/kubelet/kubeconfig"
SERVER_CA = "/etc/kubernetes/server-ca.crt"
PATH = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
SERVER = "https://api-int.lab.test:6443"
GIVEN_UP = 15 * 60  # seconds; then a new request
SIGNER = {"client": "kubernetes.io/kube-apiserver-client-kubelet", "server": "kubernetes.io/kubelet-serving"}


def address():
    return socket.gethostbyname(socket.gethostname())


def current(kind):
    """path of a certificate with its key; None when there is none, or it is not valid any more"""
    path = f"{PKI}/kubelet-{kind}-current.pem"
    try:
        end = ssl._ssl._test_decode_cert(path)["notAfter"]
    except (OSError, ssl.SSLError):
        return None
    return path if ssl.cert_time_to_seconds(end) > time.time() else None


def openssl(*words, text=None):
    return subprocess.run(["openssl", *words], input=text, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True, check=True).stdout


def store(kind, certificate, key):
    """as kubelet-KIND-TIME.pem, with -current pointing to it"""
    name = f"kubelet-{kind}-{time.strftime('%Y-%m-%d-%H-%M-%S', time.gmtime())}.pem"
    with open(f"{PKI}/{name}", "w", encoding="ascii", opener=private) as file:
        file.write(certificate + key)
        os.fsync(file.fileno())
    os.symlink(name, f"{PKI}/.current")
    os.rename(f"{PKI}/.current", f"{PKI}/kubelet-{kind}-current.pem")
    return f"{PKI}/kubelet-{kind}-current.pem"


def private(path, flags):
    return os.open(path, flags, 0o600)


def new_key(kind):
    """The client's lies on disk until it is certified, so that a restart asks with the same one (and
    somebody can see that host and request belong together); the server's in memory only."""
    pending = f"{PKI}/kubelet-client.key.tmp"
    if kind == "client" and os.path.exists(pending):
        with open(pending, encoding="ascii") as file:
            return file.read()
    key = openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout")
    if kind == "client":
        with open(pending, "w", encoding="ascii", opener=private) as file:
            file.write(key)
    return key


def request_for(kind, key, node):
    names = [] if kind == "client" else ["-addext", f"subjectAltName=DNS:{node},IP:{address()}"]
    pem = openssl("req", "-new", "-key", "/dev/stdin", "-subj", f"/O=system:nodes/CN=system:node:{node}",
                  *names, text=key)
    return {"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest",
            "metadata": {"generateName": "csr-"},
            "spec": {"request": base64.b64encode(pem.encode()).decode(), "signerName": SIGNER[kind],
                     "usages": ["digital signature", "key encipherment", f"{kind} auth"]}}


def obtain(kind, as_whom, node, say):
    """blocks until somebody has approved and somebody has signed, however long that takes; its path"""
    os.makedirs(PKI, exist_ok=True)
    while True:
        key = new_key(kind)
        name, end = None, time.monotonic() + GIVEN_UP
        while time.monotonic() < end:
            try:
                if name is None:
                    name = as_whom.call("POST", PATH, request_for(kind, key, node))["metadata"]["name"]
                    say(f"waiting for {kind} certificate {name}")
                found = as_whom.get(f"{PATH}/{name}")
                if found is None:  # cleaned away, or not in the restored past
                    name = None
                    continue
                conditions = {c["type"] for c in found.get("status", {}).get("conditions", [])}
                certificate = found.get("status", {}).get("certificate")
                if certificate:
                    path = store(kind, base64.b64decode(certificate).decode(), key)
                    if kind == "client":
                        os.unlink(f"{PKI}/kubelet-client.key.tmp")
                    say(f"{kind} certificate {name} is signed")
                    return path
                if conditions & {"Denied", "Failed"}:
                    say(f"{kind} certificate {name} was refused: {sorted(conditions)}")
                    break
            except api.ApiError as error:
                say(f"no {kind} certificate yet: {error}")
            time.sleep(1)
        time.sleep(5)


def write_kubeconfig():
    """with which this kubelet is the node"""
    with open(SERVER_CA, encoding="ascii") as file:
        path = f"{PKI}/kubelet-client-current.pem"
        api.write_kubeconfig(KUBECONFIG, SERVER, file.read(),
                             {"client-certificate": path, "client-key": path})
