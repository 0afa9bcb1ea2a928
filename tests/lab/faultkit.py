# SPDX-License-Identifier: LGPL-2.1-or-later
"""Faults for preflight checks: on hosts of a Lab, in an inventory, in a backup."""
import contextlib
import io
import json
import os
import shutil
import subprocess
import tarfile

from labkit import MANIFESTS, need, until

DATA = "/var/lib/etcd"


class Faults:
    """of one lab and one bastion; what is planted goes again with the `with`"""

    def __init__(self, lab, bastion, backup):
        self.lab, self.bastion, self.source = lab, bastion, backup

    @contextlib.contextmanager
    def made(self, fault, mended, host="m1"):
        """a fault made and mended by shell scripts on the host"""
        try:
            self.lab.at(host, fault)
            yield
        finally:
            self.lab.at(host, mended)

    def edited(self, name, *pairs):
        """a copy of the inventory with each old of (old, new) replaced; its path"""
        path = f"{self.bastion.home}/{name}.yaml"
        with open(self.bastion.inventory, encoding="utf-8") as file:
            text = file.read()
        for old, new in pairs:
            need(old in text, f"the inventory has no {old!r}")
            text = text.replace(old, new, 1)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def with_resources(self, name, edit=lambda name, data: data, more=()):
        """a copy of the backup whose static resources are edited, file by file; more: (name, data)"""
        path = f"{self.lab.dir}/{name}"
        shutil.copytree(self.source, path)
        file = next(entry.path for entry in os.scandir(path) if entry.name.endswith(".tar.gz"))
        with tarfile.open(file) as old:
            members = [(member, old.extractfile(member).read() if member.isfile() else None)
                       for member in old.getmembers()]
        with tarfile.open(file, "w:gz", format=tarfile.GNU_FORMAT) as new:
            for member, data in members:
                if data is not None:
                    data = edit(member.name, data)
                    member.size = len(data)
                new.addfile(member, io.BytesIO(data) if data is not None else None)
            for added, data in more:
                member = tarfile.TarInfo(added)
                member.size = len(data)
                new.addfile(member, io.BytesIO(data))
        return path

    def certificate(self, name, days=30):
        """PEM of an authority that signed itself; 0 days: it has just ended"""
        key = f"{self.lab.dir}/{name}.key"
        extensions = f"{self.lab.dir}/extensions"
        with open(extensions, "w", encoding="ascii") as file:
            file.write("basicConstraints=critical,CA:TRUE\n")
        pem = f"{self.lab.dir}/{name}.pem"
        subprocess.run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", key, "-subj", f"/CN={name}", "-out", f"{pem}.csr"], check=True, capture_output=True)
        subprocess.run(["openssl", "x509", "-req", "-in", f"{pem}.csr", "-signkey", key, "-days", str(days), "-extfile",
                        extensions, "-out", pem], check=True, capture_output=True)
        with open(pem, encoding="ascii") as file:
            return file.read()

    def etcd_of(self, host):
        """cluster id by its own member, or None"""
        said = self.lab.at(host, "crictl exec $(crictl ps -q --label io.kubernetes.container.name=etcd) env "
                           "ETCDCTL_ENDPOINTS=https://localhost:2379 etcdctl endpoint status -w json || true")
        return json.loads(said)[0]["Status"]["header"]["cluster_id"] if said.strip() else None

    @contextlib.contextmanager
    def alone(self, host):
        """its etcd as somebody restored it there by hand, alone: it serves, as a cluster of its own"""
        etcd, address, disk = f"{MANIFESTS}/etcd-pod.yaml", self.lab.address[host], f"{self.lab.lab}/{host}/disk{DATA}"
        stop = (f"cp -p {etcd} /run/etcd-pod.yaml; rm {etcd}; "
                "until [ -z \"$(crictl ps -q --label io.kubernetes.container.name=etcd)\" ]; do sleep 0.2; done; ")
        again = f"cp -p /run/etcd-pod.yaml /etc/kubernetes/.etcd-pod.yaml; mv /etc/kubernetes/.etcd-pod.yaml {etcd}"
        old = self.etcd_of(host)
        self.lab.at(host, f"{stop} mv {DATA}/member /var/lib/member.kept")
        try:
            snapshot = next(entry.path for entry in os.scandir(self.source) if entry.name.endswith(".db"))
            subprocess.run(["etcdctl", "snapshot", "restore", snapshot, "--name", host, "--initial-cluster",
                            f"{host}=https://{address}:2380", "--initial-advertise-peer-urls", f"https://{address}:2380",
                            "--initial-cluster-token", "by-hand", "--data-dir", f"{disk}/new"], check=True,
                           capture_output=True, env={**os.environ, "ETCDCTL_API": "3"})
            os.rename(f"{disk}/new/member", f"{disk}/member")
            os.rmdir(f"{disk}/new")
            self.lab.at(host, again)
            until(60, lambda: self.etcd_of(host) not in (None, old), "another etcd serves")
            yield
        finally:
            self.lab.at(host, f"[ ! -e {etcd} ] || {{ {stop} }}; rm -rf {DATA}/*; "
                        f"mv /var/lib/member.kept {DATA}/member; {again}")
            until(60, self.lab.healthy, "the old cluster is whole again")
