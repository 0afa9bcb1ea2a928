# SPDX-License-Identifier: LGPL-2.1-or-later
"""Lost masters of OpenShift 4.1 to 4.3 in a lab, for tests: Scene is the control plane that was, and the
person who is asked by the run and makes hosts anew; LostVerdict is what came of it, as etcd, the lab's
scripts, fanotify, the hosts' journals and the API servers' audit logs have it.
"""
import collections
import glob
import hashlib
import json
import re

from clusterkit import audited
from labkit import MANIFESTS, Lab, Run, Verdict, equal, need, say, until

KEYS, EXTRA = 300, 50
LOST = ("m1", "m2")
SCRIPTS = [f"/usr/local/bin/{name}" for name in ("etcd-snapshot-restore.sh", "etcd-member-recover.sh", "tokenize-signer.sh",
                                                 "openshift-recovery-tools")]
URLS = {host: f"https://etcd-{i}.lab.test:2380" for i, host in enumerate(("m0",) + LOST)}
LISTENS = "ss -ltnH 'sport = :9943'"
RESTORE, RECOVER = "etcd-snapshot-restore.sh", "etcd-member-recover.sh"
SIGNER = "/api/v1/namespaces/openshift-config/pods/etcd-signer"
CSRS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
STOPPED = "/var/home/core/assets/manifests-stopped"


def predicted():
    """the id of a cluster that has m0 alone, by etcd's own rule, in hex"""
    member = hashlib.sha1((URLS["m0"] + "etcd-cluster-1").encode()).digest()[:8]
    return hashlib.sha1(member).digest()[:8].hex().lstrip("0")


class Scene:
    """three masters, a backup, and two of them destroyed for good

    holds: {host: [step, …]} at which etcd-member-recover.sh is to be held there
    """

    def __init__(self, holds=None):
        self.lab = Lab("--disk-mb", "3000", "--kubernetes", "--release", "4.2")
        self.lab("operators", "start")
        self.lab.seed(1, KEYS)
        self.backup = glob.glob(self.lab.backup() + "/*.snapshots.tgz")[0]
        self.lab.seed(KEYS + 1, EXTRA)
        self.uids = {host: self.node(host)["metadata"]["uid"] for host in LOST}
        for host in LOST:
            self.lab("kill", host)
            self.lab("wipe", host)
        self.holds = {host: list(steps) for host, steps in (holds or {}).items()}
        self.made, self.operated = set(), set()
        self.lab.watch()

    def start(self, bastion):
        said = bastion("start", "replace-lost-masters", "-c", bastion.inventory, "-i", f"backup={self.backup}",
                       *self.lab.read_scripts(*SCRIPTS), "--approve", "point-of-no-return",
                       *[word for host in LOST for word in ("--excuse", f"{host}=burnt")], "--detach")
        return Run(bastion, said.split()[0])

    def node(self, host):
        said = self.lab("api", "GET", f"/api/v1/nodes/{host}", check=False)
        found = json.loads(said) if said.startswith("{") else {}
        return found if found.get("kind") == "Node" else None

    # ---- the person: each word may be cut short by a kill of the engine that hears it, and is said again ----

    @staticmethod
    def word(run, verb, what):
        """what came of it the journal tells, or whoever asks again"""
        said = run.bastion(verb, run, what, "--reason", "it is so", code=None).strip()
        say(verb, what, "-", said.splitlines()[-1] if said else "")

    def rebuild(self, run):
        """TRUE when all hosts are made anew and enrolled"""
        def left():
            rows = run.sql("SELECT value FROM event WHERE kind = 'request' AND word = 'enrol'")
            return [host for host in LOST if (host,) not in rows]
        for host in left():
            if host not in self.made:
                self.lab("install", host)
                self.lab("boot", host)
                self.lab("trust", host)
                for step in self.holds.get(host, []):
                    self.lab("pause", host, step)
                self.made.add(host)
            self.word(run, "enrol", host)
        return not left()

    def operate(self):
        """the operators of kube-apiserver and its like come to what is a node"""
        for host in sorted(self.made - self.operated):
            node = self.node(host)
            if node and node["metadata"]["uid"] != self.uids[host]:
                self.lab("operate", host)
                self.operated.add(host)

    def answer(self, run):
        """what it waits for; FALSE when that is nobody's word"""
        said = run.bastion("status", run, code=None)
        gates = list(dict.fromkeys(re.findall(rf"recoveryd approve {run} (\S+)", said)))
        for gate in gates:
            if gate != "rebuild" or self.rebuild(run):
                self.word(run, "approve", gate)
        return bool(gates)

    # ---- who interrupts ----

    def held(self, run):
        """(host, step) at which etcd-member-recover.sh stands, or None"""
        for (host,) in run.sql("SELECT DISTINCT target FROM event WHERE kind = 'touch' AND state = 'recover'"):
            for step in self.holds.get(host, []):
                if self.lab("exec", host, "sh", "-c", f"ls /run/standin/paused/{step} 2>/dev/null", check=False):
                    return host, step
        return None

    def release(self, host, step):
        self.holds[host].remove(step)
        self.lab("unpause", host, step)

    @staticmethod
    def kill(run):
        """engine and runner; another engine goes on"""
        run.kill()
        until(30, lambda: not run.holder(), "the engine is dead")
        run.bastion("resume", run, "--detach")


class LostVerdict(Verdict):
    def __init__(self, scene, run):
        super().__init__(scene.lab, run, LOST, KEYS, EXTRA)

    def check(self, tests, prefix=""):
        for sentence, function in (
                ("three members, each added once, one cluster id as predicted, the keys of the backup", self.assert_cluster),
                ("nobody signs, nobody listens", self.assert_no_signer),
                ("no key and no manifest is left over", self.assert_tidy),
                ("the old data is kept", self.assert_old_data),
                ("no request of etcd's was approved", self.assert_csrs),
                ("the restore's script ran once, and each master's added it once, one after the other", self.assert_scripts),
                ("the journal's chain is whole", self.assert_journal)):
            tests.check(prefix + sentence, function)

    def check_counted(self, tests, prefix=""):
        """where no script and no host was hurt, and the run is done"""
        self.check(tests, prefix)
        for sentence, function in (
                ("data removed, manifests moved, certificates asked for: once", self.assert_moved_once),
                ("etcd and the signer started once, and once each kubelet", self.assert_started_once),
                ("Nodes deleted and requests approved: once", self.assert_told_once),
                ("held at gates only", self.assert_held_at_gates),
                ("every host's lock given back", self.assert_lock_given_back),
                ("no step was at work past its deadline", self.assert_deadlines)):
            tests.check(prefix + sentence, function)

    # ---- etcd ----

    def members(self):
        """as m0 says it, whether or not there is a quorum: [(id, status, name, peer URL)]"""
        said = self.lab.at("m0", r"""
            crictl exec "$(crictl ps --name etcd-member -q | head -1)" /bin/sh -c 'ETCDCTL_API=3 \
                ETCDCTL_CACERT=/etc/ssl/etcd/ca.crt ETCDCTL_CERT=$(find /etc/ssl/ -name "*peer*crt") \
                ETCDCTL_KEY=$(find /etc/ssl/ -name "*peer*key") etcdctl member list'""")
        return [tuple(line.split(", ")[:4]) for line in said.splitlines()]

    def added(self):
        """peer URLs, from the logs of all of m0's etcds since the restore"""
        logs = self.lab.at("m0", "cat /var/log/pods/*_etcd-member-m0_*/etcd-member/*.log")
        # an etcd that starts again says it again; another member add has another id
        found = set(re.findall(rf"added member ([0-9a-f]+) \[([^]]+)\] to cluster {predicted()}", logs))
        return sorted(url for _, url in found)

    def assert_members(self, hosts=("m0",) + LOST):
        equal("members", sorted(m[1:] for m in self.members()),
              sorted(("started", f"etcd-member-{host}", URLS[host]) for host in hosts))
        equal("members that etcd added", self.added(), sorted(URLS[host] for host in hosts))

    def assert_cluster(self):
        self.lab.assert_restored(KEYS)
        self.assert_members()
        equal("cluster id", self.lab.cluster_id(), predicted())
        equal("as the run says it", self.run.output("alone", "cluster-id"), predicted())

    # ---- the scripts, as they say themselves outside of the hosts' reach ----

    def script_runs(self, host, script):
        """[[(time, step), …], …], one list for each run, in their order"""
        runs, of_pid = [], {}
        try:
            with open(f"{self.lab.lab}/{host}/log/scripts.log", encoding="utf-8") as file:
                for line in map(json.loads, file):
                    if line["script"] != script:
                        continue
                    if line["step"] == "begun":  # numbers of processes come again after a boot
                        of_pid[line["pid"]] = []
                        runs.append(of_pid[line["pid"]])
                    of_pid[line["pid"]].append((line["time"], line["step"]))
        except FileNotFoundError:
            pass
        return runs

    def assert_scripts(self):
        restores = self.script_runs("m0", RESTORE)
        equal("m0: runs of " + RESTORE, len(restores), 1)
        free = ""
        for host in LOST:
            runs = self.script_runs(host, RECOVER)
            equal(f"{host}: member add", [step for run in runs for _, step in run].count("added"), 1)
            for run in runs:
                need(run[0][0] > free, f"{host}: {RECOVER} began at {run[0][0]}, the one before ended at {free}")
                free = run[-1][0]

    # ---- what is left ----

    def assert_no_signer(self):
        said = self.lab("api", "GET", SIGNER, check=False)
        need('"NotFound"' in said, "the signer is still there:", said)
        equal("who listens on 9943", self.lab.at("m0", LISTENS), "")

    def assert_tidy(self):
        for host in LOST:
            for path in ("/etc/kubernetes/static-pod-resources/etcd-member/.recoveryconfig", f"{STOPPED}/*",
                         f"{MANIFESTS}/etcd-generate-certs.yaml"):
                equal(f"{host}: {path}", self.lab.files(host, path), [])

    def assert_old_data(self):
        for path in self.run.output("restore", "old-data").split(","):
            self.lab.at("m0", f"test -s {path}/member/snap/db")

    def assert_csrs(self):
        """etcd's own requests, which its pods send to the API while nobody signs, are nobody's to approve"""
        for csr in json.loads(self.lab("api", "GET", CSRS))["items"]:
            if csr["metadata"]["name"].startswith("system:etcd-"):
                need(not csr["status"].get("conditions"), csr["metadata"]["name"], "was approved:", csr["status"])

    # ---- counted ----

    def assert_moved_once(self):
        """by their names on the disks: /etc and /var are two mounts there, so mv creates and deletes"""
        def seen(host, kind, path):
            return self.effects[host][kind].get(path, 0)
        member, generator = f"{MANIFESTS}/etcd-member.yaml", f"{MANIFESTS}/etcd-generate-certs.yaml"
        equal("m0: data removed", seen("m0", "deletes", "/var/lib/etcd"), 1)
        for host in self.lab.hosts:
            equal(f"{host}: etcd's manifest went", seen(host, "deletes", member), 1)
            # what ignition brings to a new host comes by a rename
            equal(f"{host}: etcd's manifest came", seen(host, "creates", member), 1)
        for host in LOST:
            asked = [step for run in self.script_runs(host, RECOVER) for _, step in run].count("generating")
            need(seen(host, "deletes", "/var/lib/etcd") <= 1, host, "lost data more than once")
            for kind in ("creates", "deletes"):
                equal(f"{host}: {kind} {generator}", seen(host, kind, generator), asked)

    def assert_started_once(self):
        for host in self.lab.hosts:
            containers = self.effects[host]["containers"]
            found = {name.split("/")[-1]: seen["starts"] for name, seen in containers.items() if "etcd" in name}
            equal(f"{host}: starts of etcd", found.get("etcd-member"), 1)
            equal(f"{host}: starts of its kubelet", self.effects[host]["units"].get("kubelet.service", 0), 1)
        signers = [seen for name, seen in self.effects["m0"]["containers"].items() if "etcd-signer" in name]
        equal("starts and stops of the signer", signers, [{"starts": 1, "stops": 1}])

    def assert_told_once(self):
        told = collections.Counter()
        for entry in audited(self.lab):
            what = entry["objectRef"]
            told[entry["verb"], what.get("resource"), what.get("name"), what.get("subresource")] += 1
        for host in LOST:
            equal(f"deletions of Node {host}", told["delete", "nodes", host, None], 1)
        approved = {key: n for key, n in told.items() if key[3] == "approval"}
        need(approved, "no request was approved")
        equal("approved more than once", {key[2]: n for key, n in approved.items() if n > 1}, {})

    def assert_held_at_gates(self):
        for (text,) in self.run.sql("SELECT text FROM event WHERE kind = 'run' AND word = 'held'"):
            need(text.startswith("gate ") and not re.search(r"; [\w-]+(@[\w-]+)?: ", text), "held:", text)
