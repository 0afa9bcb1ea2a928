# SPDX-License-Identifier: LGPL-2.1-or-later
"""The whole restore in a lab with a real Kubernetes API, for tests and benchmarks: Scene is the cluster
before, its disaster and what has to be planted meanwhile; ClusterVerdict is what came of it, as the
API, etcd, the hosts' journals, fanotify and the API servers' audit logs have it.
"""
import collections
import datetime
import glob
import json
import subprocess
import time

from labkit import MANIFESTS, Bastion, Lab, equal, need, say, until

KEYS, EXTRA = 300, 50
GATES = ("point-of-no-return", "control-plane-reboots", "worker-roll")
SCRIPT = "/usr/local/bin/cluster-restore.sh"
STATIC = ("etcds", "kubeapiservers", "kubecontrollermanagers", "kubeschedulers")
CORE = "/api/v1/namespaces/default"
HOOKS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
CSRS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
SIGNERS = ("kubernetes.io/kube-apiserver-client-kubelet", "kubernetes.io/kubelet-serving")
PKI = "/var/lib/kubelet/pki"
LOST = ("m1", "m2")


def parse_time(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def audited(lab):
    """what the API servers' own audit logs have of changes that were carried out since the watch began"""
    with open(f"{lab.lab}/watch/since", encoding="ascii") as file:
        begin = float(file.read())
    for host in lab.hosts:
        for path in glob.glob(f"{lab.lab}/{host}/disk/var/log/kube-apiserver/audit*.log"):
            with open(path, encoding="utf-8") as file:
                for line in file:
                    try:
                        entry = json.loads(line)
                    except ValueError:  # a host lost power
                        continue
                    if parse_time(entry["stageTimestamp"]) > begin and entry["stage"] == "ResponseComplete" \
                            and entry["responseStatus"]["code"] < 300:
                        yield entry


class Scene:
    """three control-plane hosts and two workers; a backup; then objects come and go, the kubelets'
    certificates are replaced, and two control-plane hosts lose their data"""

    def __init__(self, rotated=True):
        self.lab = Lab("--disk-mb", "3000", "--kubernetes", "--workers", "2", "--vip", "--restore-script", "4.11")
        self.lab("operators", "start")
        self.rotated = rotated
        self.post(f"{CORE}/configmaps", {"kind": "ConfigMap", "metadata": {"name": "kept"}})
        self.post("/apis/apps/v1/namespaces/default/deployments", self.application())
        self.post(HOOKS, self.webhook())
        until(90, lambda: self.ready_replicas() == 2, "both pods of the application run")
        self.planted = self.plant("m0", "w0")  # as in a backup that was taken while somebody tried
        self.revisions = {kind: self.operator(kind)["latestAvailableRevision"] for kind in STATIC}
        self.hooks = self.webhooks()
        self.manifests = {host: self.manifests_of(host) for host in self.lab.hosts}
        self.lab.seed(1, KEYS)
        self.backup = self.lab.backup()
        self.lab.seed(KEYS + 1, EXTRA)
        self.lab("api", "DELETE", f"{CORE}/configmaps/kept")
        self.post(f"{CORE}/configmaps", {"kind": "ConfigMap", "metadata": {"name": "added"}})
        if rotated:
            self.lab("rotate", timeout=400)
            say("every kubelet has its certificates from a new authority")
        self.lab.watch()
        self.lab.lose(*LOST)
        self.boots = {host: self.boot(host) for host in self.lab.nodes}
        if rotated:
            self.lab("unrotate")

    # ---- what is made ----

    @staticmethod
    def application():
        labels = {"app": "shop"}
        return {"kind": "Deployment", "metadata": {"name": "shop"},
                "spec": {"replicas": 2, "selector": {"matchLabels": labels},
                         "template": {"metadata": {"labels": labels},
                                      "spec": {"nodeSelector": {"node-role.kubernetes.io/worker": ""},
                                               "automountServiceAccountToken": False, "terminationGracePeriodSeconds": 2,
                                               "containers": [{"name": "shop", "image": "shop",
                                                               "command": ["sleep", "infinity"]}]}}}}

    @staticmethod
    def webhook():
        """closed, for pods, and nobody answers it; in a namespace that no one uses, so it is in nobody's way"""
        return {"kind": "ValidatingWebhookConfiguration", "metadata": {"name": "gatekeeper"},
                "webhooks": [{"name": "pods.gatekeeper.example", "failurePolicy": "Fail", "sideEffects": "None",
                              "admissionReviewVersions": ["v1"], "timeoutSeconds": 7,
                              "namespaceSelector": {"matchLabels": {"guarded": "yes"}},
                              "clientConfig": {"service": {"namespace": "default", "name": "gatekeeper", "path": "/"}},
                              "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"],
                                         "resources": ["pods"], "scope": "*"}]}]}

    def post(self, path, item):
        group = path.split("/namespaces/", maxsplit=1)[0].split("/apis/")[-1]
        version = "v1" if path.startswith("/api/") else "/".join(group.split("/")[:2])
        self.lab("api", "POST", path, json.dumps({"apiVersion": version, **item}))

    def plant(self, node, other):
        return json.loads(self.lab("plant", node, other, "10.77.0.100"))

    def plant_while_certificates_are_missing(self, run, seconds=900):
        """more of them, when kubelets wait for theirs and there is somebody who approves"""
        run.wait_event(seconds, "requests are judged", "kind = 'step' AND state = 'approve-csrs' AND word = 'intent'")
        for node, other in (("m1", "w1"), ("w0", "m2")):
            self.planted.update(self.plant(node, other))
        say(len(self.planted), "requests planted that nobody may approve")

    # ---- what is there ----

    def api(self, path):
        return json.loads(self.lab("api", "GET", path))

    def operator(self, kind):
        return self.api(f"/apis/operator.openshift.io/v1/{kind}/cluster")["status"]

    def ready_replicas(self):
        status = self.api("/apis/apps/v1/namespaces/default/deployments/shop")["status"]
        return status.get("readyReplicas", 0)

    def webhooks(self):
        return {item["metadata"]["name"]: item["webhooks"] for item in self.api(HOOKS)["items"]}

    def boot(self, host):
        return self.lab.at(host, "cat /proc/sys/kernel/random/boot_id").strip()

    def manifests_of(self, host):
        """with mode and owner; the content of what nobody rolls out"""
        return self.lab.at(host, f"cd {MANIFESTS}; stat -c '%n %a %U %G' -- *; sha256sum keepalived.yaml")


class ClusterVerdict:
    """what came of the run in that scene"""

    def __init__(self, scene, run):
        self.scene, self.run, self.lab = scene, run, scene.lab
        self.effects = self.lab.counted()

    def check(self, tests, prefix=""):
        for sentence, function in (
                ("deleted objects are back, later ones are gone", self.assert_objects),
                ("three healthy members with the keys of the backup", self.assert_members),
                ("four operators at the next revision on every node, and no further", self.assert_revisions),
                ("certificates of both kinds were approved, once each, and issued", self.assert_approved),
                ("what was planted still waits", self.assert_planted),
                ("webhooks and quorum guard are as before", self.assert_borrowed),
                ("one owner of each VIP", self.assert_vips),
                ("manifests are back with mode and owner", self.assert_manifests),
                ("moved once: manifests, data, certificates", self.assert_moved_once),
                ("every node is alive by a fresh lease, and open", self.assert_nodes),
                ("every host was rebooted once, one after the other, the recovery host last of the control plane", self.assert_reboots),
                ("the workers' pods were evicted and run again", self.assert_rolled),
                ("kubelets were restarted no more often than needed", self.assert_kubelets),
                ("every host's lock given back", self.assert_lock_given_back),
                ("the journal's chain is whole", lambda: self.run.bastion("journal", "verify", self.run))):
            tests.check(prefix + sentence, function)

    def assert_objects(self):
        names = {item["metadata"]["name"] for item in self.scene.api(f"{CORE}/configmaps")["items"]}
        need("kept" in names, "the deleted object is not back:", names)
        need("added" not in names, "what came after the backup is still there")

    def assert_members(self):
        self.lab.assert_restored(KEYS)

    def assert_revisions(self):
        for kind in STATIC:
            status = self.scene.operator(kind)
            wanted = self.scene.revisions[kind] + 1
            equal(kind, status["latestAvailableRevision"], wanted)
            equal(kind, {node["nodeName"]: node["currentRevision"] for node in status["nodeStatuses"]},
                  dict.fromkeys(self.lab.hosts, wanted))

    def requests(self):
        """{name: object}"""
        return {item["metadata"]["name"]: item for item in self.scene.api(CSRS)["items"]}

    def assert_approved(self):
        approvals = collections.Counter(
            entry["objectRef"]["name"] for entry in audited(self.lab)
            if entry["objectRef"].get("subresource") == "approval")
        equal("approved more than once", {name: n for name, n in approvals.items() if n > 1}, {})
        equal("planted and approved", {self.scene.planted[name] for name in approvals if name in self.scene.planted}, set())
        if not self.scene.rotated:
            return
        issued = collections.Counter()
        for name, item in self.requests().items():
            if name in approvals and item.get("status", {}).get("certificate"):
                subject = subprocess.run(["openssl", "x509", "-noout", "-subject", "-nameopt", "RFC2253"], check=True, text=True,
                                         input=self.decode(item["status"]["certificate"]), stdout=subprocess.PIPE).stdout
                issued[subject.split("CN=system:node:")[1].split(",")[0].strip(), item["spec"]["signerName"]] += 1
        for node in self.lab.nodes:
            for signer in SIGNERS:
                need(issued[node, signer] >= 1, node, "got no certificate of", signer, "issued were", dict(issued))

    @staticmethod
    def decode(text):
        return subprocess.run(["base64", "-d"], input=text, stdout=subprocess.PIPE, text=True, check=True).stdout

    def assert_planted(self):
        there = self.requests()
        need(len(self.scene.planted) >= 26, "only", len(self.scene.planted), "were planted")
        for name, what in self.scene.planted.items():
            need(name in there, f"{name} ({what}) is gone")
            equal(f"{name} ({what})", there[name].get("status", {}), {})

    def assert_borrowed(self):
        equal("webhooks", self.scene.webhooks(), self.scene.hooks)
        spec = self.scene.api("/apis/operator.openshift.io/v1/etcds/cluster")["spec"]
        equal("unsupportedConfigOverrides", spec.get("unsupportedConfigOverrides"), None)
        changed = [entry["verb"] for entry in audited(self.lab)
                   if entry["objectRef"].get("resource") == "validatingwebhookconfigurations"]
        equal("changes of the webhook", len(changed), 2)

    def assert_vips(self):
        for vip, owners in self.lab.owners().items():
            equal(vip, len(owners), 1)

    def assert_manifests(self):
        for host in self.lab.hosts:
            equal(f"{host}: {MANIFESTS}", self.scene.manifests_of(host), self.scene.manifests[host])

    def assert_moved_once(self):
        for host in self.lab.nodes:
            moved = collections.Counter()
            for what, n in self.effects[host]["renames"].items():
                if what.startswith((f"{MANIFESTS}/", f"{PKI}/", "/var/lib/etcd/member ")) and "/.recoveryd-probe" not in what \
                        and not what.split(" -> ")[0].startswith((f"{MANIFESTS}/.", f"{PKI}/.")):
                    moved[what] += n
            equal(f"{host}: moved more than once", {what: n for what, n in moved.items() if n > 1}, {})
            certificates = [what for what in moved if what.startswith(f"{PKI}/")]
            # both kinds of both authorities, and the two links
            equal(f"{host}: certificates moved", len(certificates), 6 if self.scene.rotated else 0)
            if host in LOST:
                equal(f"{host}: its manifests moved", len(moved) - len(certificates), 5)

    def assert_nodes(self):
        for node in self.scene.api("/api/v1/nodes")["items"]:
            name = node["metadata"]["name"]
            lease = self.scene.api(f"/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{name}")
            need(time.time() - parse_time(lease["spec"]["renewTime"]) < 40, name, "is not alive")
            need(not node["spec"].get("unschedulable"), name, "is still cordoned")
            equal(f"{name} Ready", [c["status"] for c in node["status"]["conditions"] if c["type"] == "Ready"], ["True"])

    def ends_of_boots(self, host):
        """(last word of the boot before, first word of this one), by the host's own journal"""
        def entry(boot, *options):
            words = ["journalctl", "--quiet", f"--directory={self.lab.lab}/{host}/disk/var/log/journal", "--output=json",
                     f"--boot={boot.replace('-', '')}", *options]
            with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as reader:
                line = reader.stdout.readline()
                reader.terminate()
            return int(json.loads(line)["__REALTIME_TIMESTAMP"]) / 1e6
        before, now = self.scene.boots[host], self.scene.boot(host)
        need(before != now, host, "was not rebooted")
        return entry(before, "--lines=1"), entry(now)

    def assert_reboots(self):
        order = [*LOST, "m0", *self.lab.workers]
        up = 0
        for host in order:
            down, began = self.ends_of_boots(host)
            need(down > up, f"{host} went down at {down}, before the host in front of it was up at {up}")
            up = began
        rows = self.run.sql("SELECT target FROM event WHERE kind = 'touch' AND state IN ('reboot', 'reboot-worker') ORDER BY seq")
        # one that was cut short before it was sent is told again; how often a host went down its kubelet's starts say
        equal("order in which they were told", list(dict.fromkeys(row[0] for row in rows)), order)

    def assert_rolled(self):
        until(60, lambda: self.scene.ready_replicas() == 2, "both pods of the application run")
        evicted = [entry for entry in audited(self.lab) if entry["objectRef"].get("subresource") == "eviction"]
        need(len(evicted) >= 2, "evictions in the audit logs:", len(evicted))

    def assert_kubelets(self):
        """boot after the disaster; by restart-kubelet; without certificates; reboot"""
        for host in self.lab.nodes:
            wanted = (host in LOST) + (host in self.lab.hosts) + self.scene.rotated + 1
            equal(f"{host}: starts of its kubelet", self.effects[host]["units"].get("kubelet.service", 0), wanted)

    def assert_lock_given_back(self):
        for host in self.lab.hosts:
            epoch = self.lab.at(host, "cat /var/lib/recoveryd/epoch")
            need("state=released" in epoch, f"{host}: lock not given back: {epoch}")


def start(scene, bastion=None):
    """the Run"""
    return (bastion or Bastion(scene.lab)).start(
        scene.backup, *scene.lab.read_scripts(SCRIPT), *(word for gate in GATES for word in ("--approve", gate)),
        procedure="restore-cluster-state")
