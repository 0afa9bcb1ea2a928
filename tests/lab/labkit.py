# SPDX-License-Identifier: LGPL-2.1-or-later
"""For tests on the lab: a Lab of three hosts, Bastions that run recoveryd on it, a Verdict of what
came of a recovery.

The programs are taken from RECOVERYD (the program), RECOVERYD_PLUGIN_DIR and RECOVERYD_PROCEDURE_DIR,
which meson sets; by hand: those of build/ in the current directory.
"""
import atexit
import collections
import glob
import json
import os
import re
import select
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

import yaml

HERE = os.path.dirname(os.path.realpath(__file__))
SOURCE = os.path.realpath(f"{HERE}/../..")
PROGRAM = os.path.abspath(os.environ.get("RECOVERYD", "build/src/recoveryd"))
PLUGINS = os.path.abspath(os.environ.get("RECOVERYD_PLUGIN_DIR", "build/plugins"))
PROCEDURES = os.environ.get("RECOVERYD_PROCEDURE_DIR", f"{SOURCE}/data/procedures")
MANIFESTS = "/etc/kubernetes/manifests"
PODS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
T0 = time.monotonic()


class Failure(Exception):
    """what was wanted did not happen"""


def say(*words):
    text = " ".join(map(str, words)).replace("\n", "\n#           ")  # a line of TAP begins with #
    print(f"# {time.monotonic() - T0:6.1f} s  {text}", flush=True)


def need(true, *words):
    if not true:
        raise Failure(" ".join(str(word) for word in words))


def equal(what, found, wanted):
    need(found == wanted, f"{what}: found {found!r}, wanted {wanted!r}")


def until(seconds, true, what, pace=0.1):
    """polls; the value that ended it"""
    end = time.monotonic() + seconds
    while True:
        value = true()
        if value:
            return value
        need(time.monotonic() < end, f"not within {seconds} s: {what}")
        time.sleep(pace)


def able_or_skip(kubernetes=False):
    questions = [[f"{HERE}/lab", "able"]] + [[f"{HERE}/build-kubernetes", "--built"]] * kubernetes
    for question in questions:
        done = subprocess.run(question, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False)
        if done.returncode:
            print("1..0 # SKIP", done.stdout.strip())
            sys.exit(0)


class Lab:
    """up until the test ends; KEEP=1 leaves it and says where it is"""

    def __init__(self, *options):
        able_or_skip("--kubernetes" in options)
        self.dir = tempfile.mkdtemp(prefix="recoveryd-e2e.", dir="/var/tmp")
        self.lab = f"{self.dir}/lab"
        self.bastions = []
        atexit.register(self.close)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: sys.exit(1))
        self.said = self("up", *options, timeout=600)
        with open(f"{self.lab}/config", encoding="utf-8") as file:
            config = dict(line.split("=", 1) for line in file.read().splitlines())
        self.id = config["LAB_ID"]
        self.hosts = config["NAMES"].strip("()").split()  # of the control plane
        self.workers = config["WORKERS"].strip("()").split()
        self.nodes = self.hosts + self.workers
        self.address = {host: f"10.77.0.{10 + i}" for i, host in enumerate(self.nodes)}

    def close(self):
        for bastion in self.bastions:
            bastion.end_all()
        if os.environ.get("KEEP"):
            say(f"kept: {self.dir}; {HERE}/lab --dir {self.lab} down")
            return
        subprocess.run([f"{HERE}/lab", "--dir", self.lab, "down"], check=False)
        shutil.rmtree(self.dir, ignore_errors=True)

    def __call__(self, *words, check=True, timeout=180):
        """a command of tests/lab/lab; its stdout"""
        done = subprocess.run([f"{HERE}/lab", "--dir", self.lab, *words], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              check=False, timeout=timeout)
        need(done.returncode == 0 or not check,
             f"lab {' '.join(words)}: {done.stderr.strip()} {done.stdout.strip()}")
        return done.stdout

    def at(self, host, script, check=True):
        """a shell script as root on the host, not through ssh; its stdout"""
        return self("exec", host, "bash", "-euo", "pipefail", "-c", script, check=check)

    def netns(self, which="sw"):
        return f"/run/netns/lab-{self.id}-{which}"

    def read_scripts(self, *paths, host="m0"):
        """words of `start` of somebody who has read these scripts there, those that exist"""
        sums = self.at(host, f"sha256sum {' '.join(paths)} 2>/dev/null || true").split()[::2]
        need(sums, f"{host}: none of", paths)
        return "-i", f"accept-unknown-script={','.join(sums)}"

    # ---- the disaster ----

    def seed(self, first, count):
        """keys; a backup; 50 keys more, which a restore loses"""
        equal("keys", self("seed-data", str(count), str(first)).strip(), str(first + count - 1))

    def backup(self):
        path = f"{self.dir}/backup"
        shutil.rmtree(path, ignore_errors=True)
        self("backup", path)
        return path

    def lose(self, *hosts):
        """they come back without their etcd data, which ends the quorum"""
        for host in hosts:
            self("kill", host)
        for host in hosts:
            self("lose-data", host)
            self("boot", host)

    def disaster(self, keys=1000, extra=50, lost=("m1", "m2")):
        """path of the backup"""
        self.seed(1, keys)
        path = self.backup()
        self.seed(keys + 1, extra)
        self.lose(*lost)
        return path

    # ---- what is there ----

    def keys(self):
        out = self("etcdctl", "get", "/lab/", "--prefix", "--keys-only")
        return [line for line in out.splitlines() if line.startswith("/lab/")]

    def healthy(self):
        """whether each member commits a proposal"""
        return subprocess.run([f"{HERE}/lab", "--dir", self.lab, "etcdctl", "--command-timeout=3s",
                               "endpoint", "health"], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, check=False).returncode == 0

    def cluster_id(self):
        """in hex, as the members say it; all the same"""
        text = self("etcdctl", "endpoint", "status", "-w", "json")
        ids = {entry["Status"]["header"]["cluster_id"] for entry in json.loads(text)}
        equal("cluster ids", len(ids), 1)
        return f"{ids.pop():x}"

    def files(self, host, pattern):
        """paths on the host's disk, as the host calls them"""
        root = f"{self.lab}/{host}/disk"
        return [path[len(root):] for path in glob.glob(root + pattern)]

    def assert_restored(self, keys=1000):
        """all members healthy, on the keys of the backup and no others"""
        until(30, self.healthy, "every member healthy")
        equal("members", self("etcdctl", "member", "list").count(", started, "), len(self.hosts))
        equal("keys", self.keys(), [f"/lab/{i:05}" for i in range(1, keys + 1)])

    def owners(self):
        """{VIP: [host, …]}, as the kernel has it"""
        return {words[0]: words[1:] for words in map(str.split, self("vips").splitlines())}

    # ---- what happened, by observers that are not ours ----

    def watch(self):
        self("watch", "start")

    def counted(self):
        return json.loads(self("watch", "count"))

    def effects(self):
        """changes on hosts that are somebody's work: everything that recoveryd could have done"""
        result = []
        for host, seen in self.counted().items():
            for kind in ("renames", "creates", "writes", "deletes"):
                result += [f"{host}: {kind} {what}" for what in seen[kind]
                           if "/home/" not in what]
            result += [f"{host}: started {unit}" for unit in seen["units"]
                       if unit == "kubelet.service"]
        return result

    def assert_untouched(self):
        """nothing changed on any host since watch()"""
        time.sleep(0.5)
        equal("changes on the hosts", self.effects(), [])


class Run:
    """a run directory, read from outside"""

    def __init__(self, bastion, name):
        self.bastion, self.name = bastion, name
        self.dir = f"{bastion.state}/runs/{name}"

    def sql(self, query, *values):
        base = sqlite3.connect(f"file:{self.dir}/journal.db?mode=ro", uri=True, timeout=10)
        try:
            return base.execute(query, values).fetchall()
        finally:
            base.close()

    def holder(self):
        """pid of the engine, 0 without"""
        try:
            with open(f"{self.dir}/lock", encoding="utf-8") as file:
                found = dict(line.split("=", 1) for line in file.read().splitlines())
        except FileNotFoundError:
            return 0
        pid = found.get("pid", "0")
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
                fields = file.read().rsplit(")", 1)[1].split()
        except OSError:
            return 0
        # field 22, counted from the third; a zombie holds nothing
        return int(pid) if fields[19] == found.get("start") and fields[0] != "Z" else 0

    def state(self):
        rows = self.sql("SELECT word, value, text FROM event WHERE kind = 'run' ORDER BY seq DESC LIMIT 1")
        return rows[0] if rows else ("new", None, None)

    def output(self, state, name, target=None):
        rows = self.sql("SELECT value FROM event WHERE kind = 'output' AND state = ? AND key = ? "
                        "AND ifnull(?, target) = target ORDER BY seq DESC LIMIT 1", state, name, target)
        need(rows, f"no output {state}.{name} in the journal")
        return rows[0][0]

    def wait_event(self, seconds, what, where, *values):
        """an event that WHERE describes"""
        return until(seconds, lambda: self.sql(f"SELECT * FROM event WHERE {where}", *values), what,
                     pace=0.02)

    def processes(self):
        """pids of engine, runner and workers"""
        found = []
        for path in glob.glob("/proc/[0-9]*/cmdline"):
            try:
                with open(path, "rb") as file:
                    words = file.read().split(b"\0")
            except OSError:
                continue
            if self.dir.encode() in words:
                found.append(int(path.split("/")[2]))
        return found

    def kill(self):
        """engine, runner and workers, without a word"""
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def wait_idle(self, seconds, meanwhile=lambda run: None):
        """until the engine that lives now does no more; its last state. meanwhile(run): called on the way"""
        pid = self.holder()
        if pid:
            try:
                fd = os.pidfd_open(pid)
            except ProcessLookupError:
                return self.state()
            try:
                end = time.monotonic() + seconds
                while not select.select([fd], [], [], 0.5)[0]:
                    need(time.monotonic() < end, f"{self.name}: its engine is still at work after {seconds} s, {self.state()}")
                    meanwhile(self)
            finally:
                os.close(fd)
        return self.state()

    def __str__(self):
        return self.name


class Bastion:
    """where recoveryd is typed: a state directory, and a place in the lab's network ("sw", "b1")"""

    def __init__(self, lab, where="sw", name="bastion", program=PROGRAM):
        self.lab, self.where, self.program = lab, where, program
        self.home = f"{lab.dir}/{name}"
        self.state = f"{self.home}/state"
        self.env = {"RECOVERYD_PLUGIN_DIR": PLUGINS, "RECOVERYD_PROCEDURE_DIR": PROCEDURES}
        os.makedirs(self.state, mode=0o700)
        self.inventory = f"{self.home}/cluster.yaml"
        with open(self.inventory, "w", encoding="utf-8") as file:
            file.write(lab("inventory"))
        lab.bastions.append(self)

    def command(self, words):
        return ["nsenter", f"--net={self.lab.netns(self.where)}", "--", self.program,
                "--state-dir", self.state, *map(str, words)]

    def environment(self):
        return {**os.environ, **self.env, "LC_ALL": "C.UTF-8", "NO_COLOR": "1"}

    def __call__(self, *words, code=0, timeout=600):
        """types it; code: the exit status it must have (None: any). What it said"""
        done = subprocess.run(self.command(words), env=self.environment(), check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=timeout)
        said = done.stdout + done.stderr
        need(code is None or done.returncode == code,
             f"recoveryd {' '.join(map(str, words))}: exit status {done.returncode}, wanted {code}: {said}")
        return said

    def start(self, backup, *options, procedure="manual-restore"):
        """detached; the Run"""
        said = self("start", procedure, "-c", self.inventory, "-i", f"backup={backup}", "--detach",
                    *options)
        name = re.match(r"\S+", said)
        need(name, "start does not say the name of the run:", said)
        return Run(self, name[0])

    def runs(self):
        return [Run(self, os.path.basename(path)) for path in glob.glob(f"{self.state}/runs/*")]

    def newest(self):
        """the run that was begun last: the number at the end of its name"""
        return max(self.runs(), key=lambda run: int(run.name.rsplit("-", 1)[1]))

    def end_all(self):
        for run in self.runs():
            pid = run.holder()
            if pid:
                os.kill(pid, signal.SIGKILL)


# what a run writes about itself may differ: it is written again after a kill
OWN = re.compile(r"/var/lib/recoveryd/(?!aside/[^/]+/_)|\.README\.new|/README$|\.recoveryd-probe")


class Verdict:
    """What came of a manual restore, as others than recoveryd see it: nothing doubled, nothing lost.

    lost: hosts that had no etcd data; boots: {host: how often it was booted meanwhile}
    """

    def __init__(self, lab, run, lost, keys, extra, boots=None):
        self.lab, self.run, self.lost = lab, run, lost
        self.keys, self.extra, self.boots = keys, extra, boots or {}
        self.effects = lab.counted()
        self.rejoined = []  # hosts whose etcd put the restored data away by itself

    def check(self, tests, prefix=""):
        for sentence, function in (
                ("all healthy, the keys of the backup, cluster id as predicted", self.assert_cluster),
                ("each manifest and data directory moved once", self.assert_renames),
                ("one completed restore per host", self.assert_restored_once),
                ("each etcd started once since", self.assert_etcd_started_once),
                ("each kubelet restarted once", self.assert_kubelets_restarted_once),
                ("a rescue copy that opens", self.assert_rescue_copy),
                ("the old data aside", self.assert_old_data_aside),
                ("every host's lock given back", self.assert_lock_given_back),
                ("no step was at work past its deadline", self.assert_deadlines),
                ("the journal's chain is whole", self.assert_journal)):
            tests.check(prefix + sentence, function)

    def assert_cluster(self):
        self.lab.assert_restored(self.keys)
        equal("cluster id", self.lab.cluster_id(), self.run.output("agree", "cluster-id"))

    def renames(self, host):
        """of what is not recoveryd's own, run and uuid as words"""
        uuid = self.run.sql("SELECT value FROM event WHERE kind = 'created'")[0][0]
        found = collections.Counter()
        for what, n in self.effects[host]["renames"].items():
            if not all(OWN.search(path) for path in what.split(" -> ")):
                found[what.replace(self.run.name, "RUN").replace(uuid, "UUID")] += n
        return found

    def wanted_renames(self, host):
        aside, etcd = "/etc/kubernetes/recoveryd/RUN", "/var/lib/etcd"
        wanted = collections.Counter()
        for pod in PODS:
            wanted[f"{MANIFESTS}/{pod}-pod.yaml -> {aside}/{pod}-pod.yaml"] = 1
            wanted[f"{aside}/{pod}-pod.yaml -> {MANIFESTS}/{pod}-pod.yaml"] = 1
        wanted[f"{etcd}/restore-UUID/member -> {etcd}/member"] = 1
        if host not in self.lost:
            wanted[f"{etcd}/member -> /var/lib/recoveryd/aside/RUN/_var_lib_etcd_member"] = 1
        return wanted

    def assert_renames(self):
        for host in self.lab.hosts:
            found, wanted = self.renames(host), self.wanted_renames(host)
            relevant = collections.Counter({what: n for what, n in found.items()
                                            if "/member-removed-archive-" not in what and
                                            re.search(f"{MANIFESTS}/|/member( |$)|_member$", what)})
            equal(f"{host}: too often", dict(relevant - wanted), {})
            equal(f"{host}: not done", dict(wanted - relevant), {})

    def container_log(self, host):
        with open(f"{self.lab.lab}/{host}/log/kubelet.log", encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def assert_etcd_started_once(self):
        """Since its manifest came back; what crashed without data before that is not ours.

        The pod's own script may end once more: a member that meets a quorum of the others which
        does not know its name yet puts its data away and joins anew (domain 4.2). That is seen by
        what it leaves, and is no start of ours.
        """
        for host in self.lab.hosts:
            with open(f"{self.lab.lab}/watch/{host}.jsonl", encoding="utf-8") as file:
                back = [line["time"] for line in map(json.loads, file)
                        if line["event"] == "renames"
                        and line["to"] == f"{MANIFESTS}/etcd-pod.yaml"]
            equal(f"{host}: its etcd manifest came back", len(back), 1)
            stamp = time.strftime("%FT%T", time.gmtime(int(back[0]))) + f"{back[0] % 1:.3f}"[1:] + "Z"
            events = [line["event"] for line in self.container_log(host)
                      if line["container"].endswith("/etcd") and line["time"] >= stamp]
            if any("/member -> /var/lib/etcd/member-removed-archive-" in what
                   for what in self.effects[host]["renames"]):
                equal(f"{host}: its own way of joining anew", events[1:], ["stop", "start"])
                self.rejoined.append(host)
                events = events[:1]
            equal(f"{host}: starts and stops of etcd since", events, ["start"])

    def assert_kubelets_restarted_once(self):
        for host in self.lab.hosts:
            equal(f"{host}: kubelet restarts", self.effects[host]["units"].get("kubelet.service", 0),
                  1 + self.boots.get(host, 0))

    def assert_restored_once(self):
        """of all restore jobs one came to its end on each host"""
        for host in self.lab.hosts:
            results = self.lab.files(host, f"/var/lib/recoveryd/jobs/{self.run}/restore.*/restore*/result")
            done = [r for r in results
                    if "status=0\n" in self.lab.at(host, f"cat '{r}'")]
            equal(f"{host}: completed restores", len(done), 1)

    def assert_rescue_copy(self):
        path = self.run.output("rescue", "path", "m0")
        need(os.path.isfile(path), "no rescue copy at", path)
        done = subprocess.run(["etcdctl", "snapshot", "status", path], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, env={**os.environ, "ETCDCTL_API": "3"},
                              text=True, check=False)
        need(done.returncode == 0, f"etcdctl cannot open {path}: {done.stdout}")
        # the snapshot has what the backup lacks
        need(int(done.stdout.split(",")[2]) >= self.keys + self.extra, "rescue copy without keys:", done.stdout)

    def assert_old_data_aside(self):
        path = f"/var/lib/recoveryd/aside/{self.run}/_var_lib_etcd_member/snap/db"
        need(self.lab.files("m0", path), f"m0: no old data at {path}")

    def assert_lock_given_back(self):
        for host in self.lab.hosts:
            epoch = self.lab.at(host, "cat /var/lib/recoveryd/epoch")
            need("state=released" in epoch, f"{host}: lock not given back: {epoch}")

    def assert_deadlines(self):
        """in the time of engines; a host that did not answer is given the window to come back"""
        limits, window = {}, 180
        with open(f"{self.run.dir}/procedure.yaml", encoding="utf-8") as file:
            states = yaml.safe_load(file)["states"]
        for state in states + [inner for outer in states for inner in outer.get("states", [])]:
            found = re.fullmatch(r"(\d+)([smh])", str(state.get("timeout", "")))
            if "state" in state and found:
                limits[state["state"]] = int(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]]
        need(len(limits) > 5, "the procedure's timeouts were not found:", limits)
        rows = self.run.sql("SELECT state, target, (max(clock) - min(clock)) / 1000000 FROM event "
                            "WHERE kind = 'step' GROUP BY state, target, visit, attempt")
        equal("steps past their deadline", [row for row in rows if row[0] in limits
                                            and row[2] > limits[row[0]] + window], [])

    def assert_journal(self):
        self.run.bastion("journal", "verify", self.run)


class Tests:
    """TAP: one function after another"""

    def __init__(self):
        self.count = self.bad = 0

    def check(self, sentence, function, *values):
        # by hand: ONLY='a word of the sentence'
        if not re.search(os.environ.get("ONLY", ""), sentence):
            return True
        self.count += 1
        try:
            function(*values)
        except (Failure, AssertionError, subprocess.TimeoutExpired, sqlite3.Error, OSError) as error:
            self.bad += 1
            print(f"not ok {self.count} - {sentence}")
            print("".join(f"#   {line}\n" for line in f"{error}".splitlines()), end="", flush=True)
            return False
        print(f"ok {self.count} - {sentence}", flush=True)
        return True

    def skip(self, sentence, why):
        """said in the output, so that nobody takes it for tested"""
        self.count += 1
        print(f"ok {self.count} - {sentence} # SKIP {why}", flush=True)

    def end(self):
        print(f"1..{self.count}", flush=True)
        sys.exit(1 if self.bad else 0)
