#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""operators.py LAB TOOL: what the operators of the four static pods do, as far as recovery waits for it
(domain 2.8, 4.2), until it is killed. TOOL: tests/lab/lab, the way onto the hosts.

A changed forceRedeploymentReason makes a revision; it is brought to one node after the other, by
writing resources and manifest as an installer pod would, and the next node waits until the pod of that
revision is Ready. etcd has more: no new revision unless it could lose a member, and hosts that are
nodes but not members are added one at a time as learners, then promoted. What was handled last
stands in the ConfigMaps <pod>-pod-<revision>, so a restored past is taken as it is.

Of all ClusterOperators the leases are renewed, by which one sees that somebody is at home.

LAB/kube/operators-slow: seconds to wait on each node; LAB/kube/operators-stuck: kinds that do nothing."""
import datetime
import json
import os
import subprocess
import sys
import time

from cluster import Cluster, api
import objects

ROLLED = "/apis/operator.openshift.io/v1"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
GUARD_OFF = "useUnsupportedUnsafeNonHANonProductionUnstableEtcd"

# an installer pod's work on its node
INSTALLER = """
import json, os, re, shutil, sys
pod, new = sys.argv[1:]
base = "/etc/kubernetes/static-pod-resources"
there = [int(name.rsplit("-", 1)[1]) for name in os.listdir(base) if re.fullmatch(pod + r"-pod-\\d+", name)]
folder = f"{base}/{pod}-pod-{new}"
if int(new) not in there:
    shutil.copytree(f"{base}/{pod}-pod-{max(there)}", folder + ".new")
    os.rename(folder + ".new", folder)
with open(f"{folder}/{pod}-pod.yaml") as file:
    manifest = json.loads(re.sub(pod + r"-pod-\\d+", f"{pod}-pod-{new}", file.read()))
manifest["metadata"]["labels"]["revision"] = new
text = json.dumps(manifest, separators=(",", ":"))
for path in (f"{folder}/{pod}-pod.yaml", f"{folder}/configmaps/{pod}-pod/pod.yaml",
             f"/etc/kubernetes/manifests/{pod}-pod.yaml"):
    hidden = os.path.join(os.path.dirname(path), "." + os.path.basename(path) + ".tmp")
    with open(hidden, "w") as file:
        file.write(text)
        os.fchmod(file.fileno(), 0o600)
        os.fsync(file.fileno())
    os.rename(hidden, path)
"""


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%FT%TZ")


def log(*words):
    print(now(), *words, flush=True)


class Etcd:
    """its members, asked by etcdctl"""

    def __init__(self, cluster):
        self.cluster = cluster

    def ctl(self, endpoints, *words):
        pki = f"{self.cluster.lab}/pki"
        return subprocess.run(
            ["etcdctl", "--command-timeout=3s", "--endpoints", ",".join(endpoints), "--cacert",
             f"{pki}/etcd-signer.crt", "--cert", f"{pki}/client.crt", "--key", f"{pki}/client.key", *words],
            env={**os.environ, "ETCDCTL_API": "3"}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)

    def healthy(self, url):
        return self.ctl([url], "endpoint", "health").returncode == 0

    def url(self, host, port=2379):
        return f"https://{self.cluster.address[host]}:{port}"

    def look(self):
        """(members, names of voters that answer), or none"""
        live = [host for host in self.cluster.control_plane if self.healthy(self.url(host))]
        if not live:
            return [], []
        said = self.ctl([self.url(live[0])], "member", "list", "-w", "json")
        members = json.loads(said.stdout)["members"] if said.returncode == 0 else []
        urls = {url for member in members if not member.get("isLearner") for url in member["peerURLs"]}
        return members, [host for host in live if self.url(host, 2380) in urls]

    def promote(self):
        """asks no API server: each of them asks a learner in its turn, which answers nothing, so as long as
        there is one half of what they are asked fails"""
        members, voters = self.look()
        for learner in [member for member in members if member.get("isLearner")] if voters else []:
            said = self.ctl([self.url(voters[0])], "member", "promote", f"{learner['ID']:x}")
            if said.returncode == 0:
                log("promoted", learner.get("name"))

    def reconcile(self, nodes):
        """adds one at most; nodes: who lives"""
        members, voters = self.look()
        if not voters:
            return
        known = {url for member in members for url in member["peerURLs"]}
        learners = [member for member in members if member.get("isLearner")]
        # nobody is added beside one that is not sound
        if learners or len(voters) < len(members):
            return
        for host in nodes:
            if self.url(host, 2380) not in known:
                said = self.ctl([self.url(voters[0])], "member", "add", host, "--learner",
                                f"--peer-urls={self.url(host, 2380)}")
                log("learner", host, said.stdout.strip().splitlines()[-1:])
                return


class Operator:
    """of one kind"""

    def __init__(self, kind, name, cluster, tool, etcd):
        self.kind, self.name, self.cluster, self.tool, self.etcd = kind, name, cluster, tool, etcd
        self.path = f"{ROLLED}/{objects.plural(kind)}/cluster"
        self.namespace = "openshift-" + name
        self.maps = f"/api/v1/namespaces/{self.namespace}/configmaps"
        self.ready_since = None
        self.written = None  # (node, revision) that the installer has been at

    def switch(self, name):
        try:
            with open(f"{self.cluster.lab}/kube/operators-{name}", encoding="utf-8") as file:
                return file.read().split()
        except FileNotFoundError:
            return []

    def reason_at(self, client, revision):
        found = client.get(f"{self.maps}/{self.name}-pod-{revision}")
        return found["data"].get("forceRedeploymentReason", "") if found else ""

    def may_render(self, spec):
        """the quorum guard; others have none"""
        if self.kind != "Etcd" or len(self.cluster.control_plane) == 1:
            return True
        if str((spec.get("unsupportedConfigOverrides") or {}).get(GUARD_OFF, "")).lower() == "true":
            return True
        members, voters = self.etcd.look()
        return len(voters) == len(members) >= 3

    def render(self, client, spec, status):
        """a new revision if one is asked for"""
        revision, reason = status["latestAvailableRevision"], spec.get("forceRedeploymentReason") or ""
        rolling = any(node["currentRevision"] != revision for node in status["nodeStatuses"])
        if reason == self.reason_at(client, revision) or not (rolling or self.may_render(spec)):
            return
        client.create(self.maps, {
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"{self.name}-pod-{revision + 1}"},
            "data": {"forceRedeploymentReason": reason, "version": objects.VERSION}})
        status["latestAvailableRevision"] = revision + 1
        log(self.kind, "revision", revision + 1, repr(reason))

    def pod_ready(self, client, node, revision):
        prefix = "openshift-kube-scheduler" if self.name == "kube-scheduler" else self.name
        pod = client.get(f"/api/v1/namespaces/{self.namespace}/pods/{prefix}-{node}")
        return pod is not None and pod["metadata"]["labels"].get("revision") == str(revision) and \
            any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", []))

    def install(self, node, revision):
        done = subprocess.run([self.tool, "--dir", self.cluster.lab, "exec", node, "/usr/bin/python3", "-c", INSTALLER,
                               self.name, str(revision)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        log(self.kind, "installer of revision", revision, "on", node, done.returncode, done.stdout.strip()[-200:])
        return done.returncode == 0

    def roll(self, client, status, alive):
        """the node in work a bit further, or the next one"""
        latest = status["latestAvailableRevision"]
        behind = [node for node in status["nodeStatuses"] if node["currentRevision"] != latest]
        if not behind:
            return
        # the one in work; else whose pod is not sound, then in order
        node = next((n for n in behind if n.get("targetRevision")), behind[0])
        name = node["nodeName"]
        if not node.get("targetRevision"):
            node["targetRevision"], self.ready_since = latest, time.monotonic()
        if name not in alive:  # its installer pod cannot run
            return
        slow = float((self.switch("slow") or ["0"])[0])
        if self.ready_since is None:
            self.ready_since = time.monotonic()
        if time.monotonic() < self.ready_since + slow:
            return
        if self.written != (name, latest):
            if self.install(name, latest):
                self.written = (name, latest)
        elif self.pod_ready(client, name, latest):
            node["currentRevision"], node["targetRevision"], self.ready_since = latest, 0, None
            log(self.kind, name, "is at revision", latest)

    def conditions(self, status):
        latest, nodes = status["latestAvailableRevision"], status["nodeStatuses"]
        at = {}
        for node in nodes:
            at[node["currentRevision"]] = at.get(node["currentRevision"], 0) + 1
        parts = [objects.nodes_at(n, revision) for revision, n in sorted(at.items())]
        done = set(at) <= {latest}
        if not done and latest not in at:
            parts.append(f"0 nodes have achieved new revision {latest}")
        yield "NodeInstallerProgressing", not done, "AllNodesAtLatestRevision" if done else "", "; ".join(parts)
        yield "NodeInstallerDegraded", False, "AsExpected", ""
        if self.kind == "Etcd":
            members, voters = self.etcd.look()
            quorate = len(voters) > sum(not member.get("isLearner") for member in members) // 2
            yield ("EtcdMembersAvailable", quorate, "EtcdQuorate" if quorate else "NoQuorum",
                   f"{len(voters)} of {len(members)} members are available")

    @staticmethod
    def set_condition(conditions, kind, true, reason, message):
        word = "True" if true else "False"
        old = next((c for c in conditions if c["type"] == kind), None)
        if old is None:
            old = {"type": kind, "status": ""}
            conditions.append(old)
        if old["status"] != word:
            old["lastTransitionTime"] = now()
        old.update({"status": word, "reason": reason, "message": message})

    def reconcile(self, client, alive):
        if self.kind in self.switch("stuck"):
            return
        found = client.get(self.path)
        if found is None:
            return
        before, status = json.dumps(found["status"], sort_keys=True), found["status"]
        self.render(client, found["spec"], status)
        self.roll(client, status, alive)
        for condition in self.conditions(status):
            self.set_condition(status["conditions"], *condition)
        if json.dumps(status, sort_keys=True) != before:
            client.call("PUT", self.path + "/status", found)
            self.tell(client, status)

    def tell(self, client, status):
        """the ClusterOperator"""
        path = f"/apis/config.openshift.io/v1/clusteroperators/{self.name}"
        found = client.get(path)
        if found is None:
            return
        mine = {c["type"]: c for c in status["conditions"]}
        rolling = mine["NodeInstallerProgressing"]
        available = mine.get("EtcdMembersAvailable", {"status": "True", "reason": "AsExpected", "message": ""})
        for kind, source in (("Progressing", rolling), ("Available", available)):
            self.set_condition(found["status"]["conditions"], kind, source["status"] == "True",
                               source["reason"] or "NodeInstaller", source["message"])
        client.call("PUT", path + "/status", found)


def alive_nodes(client, cluster):
    """of the control plane, by lease: a status may be from the past"""
    def fresh(name):
        lease = client.get(f"{LEASES}/{name}")
        if lease is None:
            return False
        renewed = datetime.datetime.fromisoformat(lease["spec"]["renewTime"].replace("Z", "+00:00"))
        return (datetime.datetime.now(datetime.timezone.utc) - renewed).total_seconds() < 40
    return [name for name in cluster.control_plane if client.get(f"/api/v1/nodes/{name}") and fresh(name)]


class Leases:
    """of each operator the lease that it leads by, every ten seconds"""

    def __init__(self):
        self.due = 0

    def renew(self, client, names):
        if time.monotonic() < self.due:
            return
        self.due = time.monotonic() + 10
        for name in names:
            folder = f"/apis/coordination.k8s.io/v1/namespaces/{objects.home(name)}/leases"
            lease = client.get(f"{folder}/{name}-operator-lock")
            stamp = datetime.datetime.now(datetime.timezone.utc).strftime("%FT%T.%fZ")
            spec = {"holderIdentity": f"{name}-operator-7d9", "leaseDurationSeconds": 137, "renewTime": stamp}
            if lease is None:
                client.create(folder, {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
                                       "metadata": {"name": f"{name}-operator-lock"}, "spec": spec})
            else:
                client.call("PUT", f"{folder}/{name}-operator-lock", {**lease, "spec": spec})


def main():
    cluster = Cluster(sys.argv[1])
    leases = Leases()
    etcd = Etcd(cluster)
    operators = [Operator(kind, name, cluster, sys.argv[2], etcd) for kind, _, name in objects.static(cluster)]
    has_etcd = operators[0].kind == "Etcd"
    clients = [cluster.api(host, timeout=5) for host in cluster.control_plane]
    while True:
        if "Etcd" not in operators[0].switch("stuck"):
            etcd.promote()
        client = next((c for c in clients if c.send("GET", "/readyz")[0] == 200), None)
        try:
            if client is not None:
                leases.renew(client, objects.operators(cluster))
                alive = alive_nodes(client, cluster)
                if has_etcd and "Etcd" not in operators[0].switch("stuck"):
                    etcd.reconcile(alive)
                for operator in operators:
                    operator.reconcile(client, alive)
        except api.ApiError as error:  # the API comes and goes while it is rolled out
            log(error)
        time.sleep(1)


main()
