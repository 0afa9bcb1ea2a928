# SPDX-License-Identifier: LGPL-2.1-or-later
"""From when a condition was true on the cluster to our next action, for each wait of a run of
restore-cluster-state. When it became true is taken from others: watch events of the API servers
(kube/witness.py), the stand-in kubelets' logs, fanotify on the disks, the kernel's word on addresses,
the hosts' journals, etcd's own log. When we acted is taken from the run's journal: the first event of
the step behind the wait. All of them are of one machine, so their clocks are one.
"""
import collections
import datetime
import glob
import json
import sqlite3
import subprocess

UNIT_STARTED = "39f53479d3a045ac8e11786248231fbf"
NODES, PODS = "/api/v1/nodes", "/api/v1/pods"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
CSRS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
OPERATORS = "/apis/config.openshift.io/v1/clusteroperators"
ROLLED = "/apis/operator.openshift.io/v1/"
API_VIP = "10.77.0.100"
PERIOD = 300  # seconds that operators have to be stable
SETTLE = 20  # seconds of the API, before which a lease is no witness (src/kube/freshness.h)

Event = collections.namedtuple("Event", "seq time kind state target visit attempt word key value text")
Wait = collections.namedtuple("Wait", "state target begin true acted")


def seconds(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def json_lines(path):
    with open(path, encoding="utf-8") as file:
        for line in file:
            try:
                yield json.loads(line)
            except ValueError:  # who wrote it was killed
                pass


def conditions(item):
    return {c["type"]: c["status"] for c in item.get("status", {}).get("conditions", [])}


class Witnesses:
    """What the cluster was like at any time, as others saw it. Of what the API says, by object: the first
    API server to tell a change counts. first_boot: {host: id} before the reboots."""

    def __init__(self, lab, since):
        self.lab = lab
        self.changes = []  # (time, place, name, object or None), in order
        self.ready = []  # (time, host, whether)
        seen = set()
        for line in json_lines(f"{lab}/watch/api.jsonl"):
            if line["event"] in ("ready", "lost"):
                self.ready.append((line["time"], line["host"], line["event"] == "ready"))
                continue
            meta = line["object"]["metadata"]
            key = (meta["uid"], meta["resourceVersion"], line["event"] == "DELETED")
            if line["time"] >= since and key not in seen:
                seen.add(key)
                name = f"{meta.get('namespace', '')}/{meta['name']}"
                self.changes.append((line["time"], line["path"], name, None if line["event"] == "DELETED" else line["object"]))
        for path in glob.glob(f"{lab}/watch/*.addresses"):
            host = path.rsplit("/", 1)[1].split(".")[0]
            with open(path, encoding="utf-8") as file:
                for line in file:
                    words = line.split()
                    if "inet" in words:
                        address = words[words.index("inet") + 1].split("/")[0]
                        when = datetime.datetime.fromisoformat(words[0].strip("[]") + "+00:00").timestamp()
                        self.changes.append((when, "vip", f"{address} {host}", None if "Deleted" in words else True))
        self.changes.sort(key=lambda change: change[0])

    def when(self, true, begin, end):
        """When `true(world, time)` began to hold for good, as far as `end`; begin if it held then already; None if it does
        not hold at the end. world: {place: {name: object}}"""
        world, since = collections.defaultdict(dict), None
        for time, place, name, item in self.changes:
            if time > end:
                break
            if item is None:
                world[place].pop(name, None)
            else:
                world[place][name] = item
            if not true(world, time):
                since = None
            elif since is None:
                since = time
        return None if since is None else max(since, begin)

    # ---- hosts ----

    def units(self, host, unit, begin, end):
        """when systemd started it"""
        done = subprocess.run(
            ["journalctl", "--quiet", f"--directory={self.lab}/{host}/disk/var/log/journal", "--output=json", "_PID=1",
             f"--since=@{begin:.6f}", f"--until=@{end:.6f}", f"MESSAGE_ID={UNIT_STARTED}", f"UNIT={unit}"],
            stdout=subprocess.PIPE, text=True, check=False)
        return [int(json.loads(line)["__REALTIME_TIMESTAMP"]) / 1e6 for line in done.stdout.splitlines()]

    def containers_gone(self, host, pod, begin, end):
        """since when no container of the pod runs there"""
        # what ran in an earlier boot ended with it, without a word
        boot = max(self.units(host, "sshd.service", 0, begin), default=0)
        running, since = set(), begin
        for line in json_lines(f"{self.lab}/{host}/log/kubelet.log"):
            if not line["time"]:  # while the host went down
                continue
            time = seconds(line["time"])
            if not boot <= time <= end or line["container"].split("/")[1] != f"{pod}-{host}":
                continue
            if line["event"] == "start":
                running.add(line["id"])
            else:
                running.discard(line["id"])
                since = time if not running else since
        return None if running else max(since, begin)

    def moved(self, host, target, begin, end):
        """when a file was last closed after writing"""
        found = [line["time"] for line in json_lines(f"{self.lab}/watch/{host}.jsonl")
                 if line["event"] == "writes" and line["path"] == target and begin <= line["time"] <= end]
        return found[-1] if found else None

    def etcd_serves(self, host, begin, end):
        found = []
        for path in glob.glob(f"{self.lab}/{host}/disk/var/log/pods/openshift-etcd_etcd-*/etcd/*.log"):
            for line in json_lines(path):
                if isinstance(line, dict) and line.get("msg") == "serving client traffic securely":
                    found.append(seconds(line["ts"]) if isinstance(line["ts"], str) else line["ts"])
        found = [time for time in found if time <= end]
        return max(max(found), begin) if found else None


class Journal:
    def __init__(self, path):
        base = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        rows = base.execute("SELECT seq, wall, kind, state, target, visit, attempt, word, key, value, text FROM event ORDER BY seq")
        self.events = [Event(row[0], row[1] / 1e6, *row[2:]) for row in rows]
        base.close()
        self.begin, self.end = self.events[0].time, self.events[-1].time

    def output(self, state, key):
        return next(e.value for e in self.events if e.kind == "output" and e.state == state and e.key == key)

    def broken(self, begin, end):
        """nobody lived to react"""
        return any(e.kind == "engine" and e.word == "started" and begin < e.time <= end for e in self.events)

    def dead(self):
        """seconds without an engine"""
        lost = 0
        for before, event in zip(self.events, self.events[1:]):
            if event.kind == "engine" and event.word == "started":
                lost += event.time - before.time
        return lost

    def steps(self):
        """(state, target, start, begin of the wait, seen, acted) of each step that came to its end by itself"""
        for i, event in enumerate(self.events):
            if event.kind != "step" or event.word != "finished":
                continue
            mine = [e for e in self.events[:i] if (e.state, e.target, e.visit) == (event.state, event.target, event.visit)
                    and (e.kind == "touched" or e.kind == "step" and e.word in ("look", "begin", "intent", "undo"))]
            if any(e.word == "undo" for e in mine):
                continue
            # serial ones follow each other on their host; parallel ones are followed by who waits for all
            following = (e for e in self.events[i + 1:] if e.kind == "step" and (e.state, e.target) != (event.state, event.target)
                         and e.state != "approve-csrs" and e.word in ("begin", "look", "skip", "undo"))
            acted = next((e.time for e in following), self.end)
            yield event.state, event.target, mine[0].time, mine[-1].time, event.time, acted


class Reaction:
    def __init__(self, lab, run):
        self.journal = Journal(f"{run}/journal.db")
        self.restored = float(self.journal.output("api-up", "since"))
        with open(f"{lab}/config", encoding="utf-8") as file:
            config = dict(line.split("=", 1) for line in file.read().splitlines())
        self.hosts = config["NAMES"].strip("()").split()
        self.nodes = self.hosts + config["WORKERS"].strip("()").split()
        self.witnesses = Witnesses(lab, self.restored - 30)
        self.waits, self.unseen = [], []
        for step in self.journal.steps():
            self.measure(*step)
        self.requests()

    # ---- conditions, as others see them ----

    def alive(self, world, node, time, after=None):
        lease = world[LEASES].get(f"kube-node-lease/{node}")
        item = world[NODES].get(f"/{node}")
        if lease is None or item is None or conditions(item).get("Ready") != "True":
            return False
        renewed = seconds(lease["spec"]["renewTime"])
        return renewed > self.restored + SETTLE and time - renewed < 40 and (after is None or item["status"]["nodeInfo"]["bootID"] != after)

    def boot_before(self, node, time):
        """what its Node said of it at that time"""
        found = None
        for when, place, name, item in self.witnesses.changes:
            if when < time and place == NODES and name == f"/{node}" and item is not None:
                found = item["status"]["nodeInfo"]["bootID"]
        return found

    def rolled_out(self, kind, recorded):
        def true(world, _):
            item = world[ROLLED + kind].get("/cluster")
            status = item["status"] if item else {}
            return bool(item) and status["latestAvailableRevision"] > recorded and \
                all(n["currentRevision"] == status["latestAvailableRevision"] and not n.get("targetRevision")
                    for n in status["nodeStatuses"]) and conditions(item).get("NodeInstallerProgressing") == "False" and \
                conditions(item).get("EtcdMembersAvailable", "True") == "True"
        return true

    def pods_again(self, app, node, start):
        """those of an app on a node, or all: none of before, and Ready"""
        before = {item["metadata"]["uid"] for when, place, _, item in self.witnesses.changes
                  if place == PODS and when < start and item is not None and item["metadata"].get("labels", {}).get("app") == app
                  and node in (None, item["spec"].get("nodeName"))}
        wanted = 1 if node else 2

        def true(world, _):
            pods = [item for item in world[PODS].values() if item["metadata"].get("labels", {}).get("app") == app
                    and node in (None, item["spec"].get("nodeName"))]
            return len(pods) >= wanted and all(item["metadata"]["uid"] not in before and conditions(item).get("Ready") == "True"
                                               for item in pods)
        return true

    @staticmethod
    def drained(node):
        def stays(item):
            return "kubernetes.io/config.mirror" in item["metadata"].get("annotations", {}) or \
                any(owner["kind"] == "DaemonSet" for owner in item["metadata"].get("ownerReferences", []))
        return lambda world, _: not any(item["spec"].get("nodeName") == node and not stays(item) for item in world[PODS].values())

    @staticmethod
    def stable(world, _):
        wanted = {"Available": "True", "Progressing": "False", "Degraded": "False"}
        return bool(world[OPERATORS]) and all(wanted.items() <= conditions(item).items() for item in world[OPERATORS].values())

    @staticmethod
    def one_owner(host=None):
        def true(world, _):
            owners = [name.split()[1] for name in world["vip"] if name.startswith(API_VIP + " ")]
            return len(owners) == 1 and host in (None, owners[0])
        return true

    # ---- each wait ----

    def condition(self, state, target, start, begin, seen):
        """when it was true; None: no witness"""
        see = self.witnesses
        if state.startswith("stop-") and state != "stop-keepalived":
            pod = {"stop-apiserver": "kube-apiserver", "stop-controller-manager": "kube-controller-manager",
                   "stop-scheduler": "openshift-kube-scheduler", "stop-etcd": "etcd"}[state]
            return see.containers_gone(target, pod, begin, seen)
        if state == "stop-keepalived":
            return see.containers_gone(target, "keepalived", begin, seen)
        if state == "vip-owner":
            return see.when(self.one_owner(self.hosts[0]), begin, seen)
        if state == "keepalived-back":
            return see.when(self.one_owner(), begin, seen)
        if state == "restore":
            return see.moved(target, "/etc/kubernetes/manifests/kube-scheduler-pod.yaml", begin, seen)
        if state == "single":
            return see.etcd_serves(target, begin, seen)
        if state == "api-up":
            found = [time for time, host, ready in see.ready if ready and host == self.hosts[0] and begin <= time <= seen]
            return found[0] if found else None
        if state == "restart-kubelet":
            found = see.units(target, "kubelet.service", begin - 1, seen)
            return max(found[-1], begin) if found else None
        if state == "nodes-ready":
            return see.when(lambda world, time: all(self.alive(world, node, time) for node in self.hosts), begin, seen)
        if state in ("certificates", "worker-certificates"):
            return see.when(lambda world, time: self.alive(world, target, time), begin, seen)
        if state == "ovn-control-plane":
            return see.when(self.pods_again("ovnkube-control-plane", None, start), begin, seen)
        if state in ("ovn-pod", "ovn-worker-pod"):
            return see.when(self.pods_again("ovnkube-node", target, start), begin, seen)
        if state.endswith("-rolled-out"):
            kind = {"etcd": "etcds", "apiserver": "kubeapiservers", "controller-manager": "kubecontrollermanagers",
                    "scheduler": "kubeschedulers"}[state[:-len("-rolled-out")]]
            recorded = int(self.journal.output(f"redeploy-{state[:-len('-rolled-out')]}", "recorded"))
            return see.when(self.rolled_out(kind, recorded), begin, seen)
        if state in ("stable", "finally"):
            since = see.when(self.stable, begin, seen)
            return None if since is None else since + PERIOD
        if state in ("reboot", "reboot-worker"):
            found = see.units(target, "ssh.service", begin, seen) or see.units(target, "sshd.service", begin, seen)
            return found[-1] if found else None
        if state in ("rebooted-ready", "worker-ready"):
            boot = self.boot_before(target, next(e.time for e in self.journal.events if e.kind == "step" and e.target == target
                                                 and e.state in ("reboot", "reboot-worker")))
            return see.when(lambda world, time: self.alive(world, target, time, boot), begin, seen)
        if state == "drain":
            return see.when(self.drained(target), begin, seen)
        return None

    def measure(self, state, target, start, begin, seen, acted):
        if self.journal.broken(begin, acted):
            self.unseen.append((state, target, seen - begin, "no engine lived meanwhile"))
            return
        true = self.condition(state, target, start, begin, seen)
        if true is not None:
            self.waits.append(Wait(state, target, begin, true, acted))
        elif seen - begin > 1:
            self.unseen.append((state, target, seen - begin, "nobody else saw it"))

    def requests(self):
        """a request of a kubelet, to its approval"""
        made, approved = {}, set()
        for time, place, name, item in self.witnesses.changes:
            if place != CSRS or item is None or name in approved:
                continue
            made.setdefault(name, time)
            if conditions(item).get("Approved") == "True":
                approved.add(name)
                if made[name] < time and not self.journal.broken(made[name], time):
                    self.waits.append(Wait("approve-csrs", name.strip("/"), made[name], made[name], time))

    # ---- figures ----

    def print(self):
        begin, total = self.journal.begin, self.journal.end - self.journal.begin
        print(f"{'at':>7} {'step':<36} {'waited for it':>13} {'then':>8}")
        for wait in sorted(self.waits):
            print(f"{wait.true - begin:6.0f}s {wait.state + '@' + wait.target:<36} {wait.true - wait.begin:12.1f}s "
                  f"{(wait.acted - wait.true) * 1000:6.0f}ms")
        print()
        for state, target, took, why in self.unseen:
            print(f"not measured: {state}@{target}, {took:.1f} s: {why}")
        late = sorted(wait.acted - wait.true for wait in self.waits)
        waited = sorted(wait.acted - wait.true for wait in self.waits if wait.true - wait.begin > 0.05)
        cluster = union((wait.begin, wait.true) for wait in self.waits)
        reaction = union((wait.true, wait.acted) for wait in self.waits if wait.state != "approve-csrs")
        for what, times in (("all waits", late), ("those that were not over when they began", waited)):
            print(f"{what}: {len(times)}; reaction median {middle(times, 0.5) * 1000:.0f} ms, "
                  f"p90 {middle(times, 0.9) * 1000:.0f} ms, longest {times[-1] * 1000:.0f} ms, sum {sum(times):.1f} s")
        print(f"run {total:.0f} s; without an engine {self.journal.dead():.0f} s; the cluster's own time, as far as it was measured "
              f"{cluster:.0f} s; reaction {reaction:.1f} s = {100 * reaction / total:.2f} % of the run; all else {total - cluster - reaction - self.journal.dead():.0f} s")


def middle(times, share):
    return times[min(int(len(times) * share), len(times) - 1)] if times else float("nan")


def union(spans):
    """seconds that any of them covers"""
    covered, end = 0, float("-inf")
    for begin, stop in sorted(spans):
        covered += max(stop - max(begin, end), 0)
        end = max(end, stop)
    return covered
