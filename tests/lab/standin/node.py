# SPDX-License-Identifier: LGPL-2.1-or-later
"""The half of the stand-in kubelet that talks to the Kubernetes API, in threads of its own: a node
with its lease, mirrors of the static pods, and the pods that the API gives to this node.

As the real one (1.20): it registers at its start only; the lease every 10 s; the status when it
changed or after 5 min; mirrors carry the hash of the static pod, and one of another content is
replaced; a pod that is being deleted goes away when its containers have ended."""
import base64
import datetime
import http.client
import http.server
import os
import shutil
import socket
import ssl
import threading
import time

import api
import containers
import credentials

HEARTBEAT = 10  # seconds: lease, and a look at our own status
REPORT = 300  # seconds: a status that did not change
PODS = 2  # seconds between two looks at the pods
PORT = 10250
SECRETS = "/run/standin/secrets"
HASH, MIRROR = "kubernetes.io/config.hash", "kubernetes.io/config.mirror"
MADE_READY = {"MemoryPressure": "KubeletHasSufficientMemory", "DiskPressure": "KubeletHasNoDiskPressure",
              "PIDPressure": "KubeletHasSufficientPID"}


def now(micro=False):
    stamp = datetime.datetime.now(datetime.timezone.utc)
    return stamp.strftime("%FT%T.%fZ" if micro else "%FT%TZ")


def secret_dir(uid, volume):
    return f"{SECRETS}/{uid}/{volume}"


def read(path):
    with open(path, encoding="ascii") as file:
        return file.read().strip()


class Probes(threading.Thread):
    """readiness, asked every 2 s; a container without a probe is ready when it runs"""

    def __init__(self, desired):
        super().__init__(daemon=True)
        self.desired, self.ready = desired, {}

    def ask(self, probe):
        wanted = probe["httpGet"]
        kind = http.client.HTTPSConnection if wanted["scheme"] == "HTTPS" else http.client.HTTPConnection
        secure = {"context": ssl._create_unverified_context()} if wanted["scheme"] == "HTTPS" else {}
        connection = kind(wanted.get("host", credentials.address()), wanted["port"], timeout=3, **secure)
        try:
            connection.request("GET", "/" + wanted["path"].lstrip("/"))
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def run(self):
        while True:
            found = {}
            for pod in list(self.desired().values()):
                for spec in pod.spec["containers"]:
                    if "readinessProbe" in spec:
                        found[pod.uid, spec["name"]] = self.ask(spec["readinessProbe"])
            self.ready = found
            time.sleep(2)

    def says(self, pod, name):
        spec = next(s for s in pod.spec["containers"] if s["name"] == name)
        return self.ready.get((pod.uid, name), False) if "readinessProbe" in spec else True


class Node(threading.Thread):
    """say: a function for its log; desired, static: functions, {uid: Pod} of all that should run and
    of the static ones; new_pod: makes one of an object of the API. What the API wants to run here is
    in .pods: None as long as it has not said so."""

    def __init__(self, say, desired, static, new_pod, wake):
        super().__init__(daemon=True)
        self.say, self.static, self.new_pod, self.wake = say, static, new_pod, wake
        self.name = socket.gethostname()
        self.pods = None
        self.probes = Probes(desired)
        self.api = self.uid = None  # from its registration on
        self.reported = 0

    def run(self):
        # a host that is being installed gets its files after the kubelet has started
        while not os.path.exists(credentials.SERVER_CA):
            time.sleep(2)
        self.probes.start()
        if credentials.current("client") is None:
            while not os.path.exists(credentials.BOOTSTRAP):
                time.sleep(1)
            credentials.obtain("client", api.Api(credentials.BOOTSTRAP), self.name, self.say)
        credentials.write_kubeconfig()
        self.api = api.Api(credentials.KUBECONFIG)
        self.patiently(self.register)
        threading.Thread(target=self.serve, daemon=True).start()
        # a lease is renewed whatever else is slow: with a connection of its own
        threading.Thread(target=self.renew, args=(api.Api(credentials.KUBECONFIG),), daemon=True).start()
        status = 0
        while True:
            if time.monotonic() >= status:
                status = time.monotonic() + HEARTBEAT
                self.once("node status", self.report)
            self.once("pods", self.look_at_pods)
            time.sleep(PODS)

    def once(self, what, function, *values):
        """TRUE when it went through; otherwise the next round tries again"""
        try:
            function(*values)
            return True
        except api.ApiError as error:
            self.say(f"{what}: {error}")
            return False

    def patiently(self, function):
        while not self.once("registration", function):
            time.sleep(2)

    # ---- node and lease ----

    def register(self):
        path = "/api/v1/nodes"
        control_plane = os.path.exists("/etc/kubernetes/static-pod-resources")
        roles = ("master", "control-plane") if control_plane else ("worker",)
        rendered = "rendered-" + roles[0]
        labels = {"kubernetes.io/hostname": self.name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
                  "node.openshift.io/os_id": "rhcos", **{f"node-role.kubernetes.io/{r}": "" for r in roles}}
        node = {"apiVersion": "v1", "kind": "Node",
                "metadata": {"name": self.name, "labels": labels,
                             "annotations": {"volumes.kubernetes.io/controller-managed-attach-detach": "true",
                                             "machineconfiguration.openshift.io/currentConfig": rendered,
                                             "machineconfiguration.openshift.io/desiredConfig": rendered,
                                             "machineconfiguration.openshift.io/state": "Done"}},
                "spec": {}, "status": self.status()}
        if control_plane:
            node["spec"]["taints"] = [{"key": "node-role.kubernetes.io/master", "effect": "NoSchedule"}]
        self.uid = self.api.create(path, node)["metadata"]["uid"]
        self.patch_status()
        self.say(f"registered as node {self.name}, {self.uid}")

    def conditions(self):
        return [{"type": kind, "status": "False", "reason": why, "message": "kubelet has no pressure",
                 "lastHeartbeatTime": now()} for kind, why in MADE_READY.items()] + \
               [{"type": "Ready", "status": "True", "reason": "KubeletReady",
                 "message": "kubelet is posting ready status", "lastHeartbeatTime": now()}]

    def status(self):
        resources = {"cpu": "2", "memory": "8Gi", "pods": "250", "ephemeral-storage": "1Gi"}
        return {
            "addresses": [{"type": "InternalIP", "address": credentials.address()},
                          {"type": "Hostname", "address": self.name}],
            "capacity": resources, "allocatable": resources, "conditions": self.conditions(),
            "daemonEndpoints": {"kubeletEndpoint": {"Port": PORT}},
            "nodeInfo": {"machineID": read("/etc/machine-id"), "systemUUID": read("/etc/machine-id"),
                         "bootID": read("/proc/sys/kernel/random/boot_id"),
                         "kernelVersion": os.uname().release, "operatingSystem": "linux", "architecture": "amd64",
                         "osImage": "the lab's stand-in for RHCOS", "containerRuntimeVersion": "cri-o://1.30.0",
                         "kubeletVersion": "v1.20.2", "kubeProxyVersion": "v1.20.2"},
        }

    def report(self):
        """Somebody may have said meanwhile that we are gone. A node that was deleted stays so: only
        a start registers."""
        node = self.api.get(f"/api/v1/nodes/{self.name}")
        if node is None:
            raise api.ApiError(404, f"node {self.name} not found")
        seen = {c["type"]: c["status"] for c in node["status"].get("conditions", [])}
        wanted = {c["type"]: c["status"] for c in self.conditions()}
        boot = node["status"].get("nodeInfo", {}).get("bootID")
        if any(seen.get(kind) != status for kind, status in wanted.items()) or \
                boot != read("/proc/sys/kernel/random/boot_id") or time.monotonic() >= self.reported + REPORT:
            self.patch_status(node)

    def patch_status(self, node=None):
        node = node or self.api.call("GET", f"/api/v1/nodes/{self.name}")
        before = {c["type"]: c for c in node["status"].get("conditions", [])}
        status = self.status()
        for condition in status["conditions"]:
            old = before.get(condition["type"], {})
            same = old.get("status") == condition["status"] and "lastTransitionTime" in old
            condition["lastTransitionTime"] = old["lastTransitionTime"] if same else now()
        self.api.call("PATCH", f"/api/v1/nodes/{self.name}/status", {"status": status}, api.STRATEGIC)
        self.reported = time.monotonic()

    def renew(self, client):
        due = time.monotonic()
        while True:
            self.once("lease", self.renew_once, client)
            due = max(due + HEARTBEAT, time.monotonic())
            time.sleep(max(due - time.monotonic(), 0))

    def renew_once(self, client):
        folder = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
        lease = client.get(f"{folder}/{self.name}")
        spec = {"holderIdentity": self.name, "leaseDurationSeconds": 40, "renewTime": now(micro=True)}
        if lease is None:
            client.call("POST", folder, {
                "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "spec": spec,
                "metadata": {"name": self.name, "ownerReferences": [self.owner(False)]}})
        else:
            client.call("PUT", f"{folder}/{self.name}", {**lease, "spec": spec})

    def owner(self, controller):
        return {"apiVersion": "v1", "kind": "Node", "name": self.name, "uid": self.uid,
                **({"controller": True} if controller else {})}

    def serve(self):
        """port 10250: nothing but a certificate to look at, and "ok" """
        path = credentials.current("server") or \
            credentials.obtain("server", api.Api(credentials.KUBECONFIG), self.name, self.say)

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200 if self.path == "/healthz" else 401)
                self.end_headers()
                self.wfile.write(b"ok" if self.path == "/healthz" else b"Unauthorized")

            def log_message(self, *_):
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        server = http.server.ThreadingHTTPServer(("", PORT), Handler)
        # in the thread of the connection: one that says nothing keeps nobody waiting
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        server.serve_forever()

    # ---- pods ----

    def look_at_pods(self):
        found = self.api.call("GET", f"/api/v1/pods?fieldSelector=spec.nodeName%3D{self.name}")["items"]
        mirrors = {}
        wanted = {}
        for pod in found:
            uid, meta = pod["metadata"]["uid"], pod["metadata"]
            if MIRROR in meta.get("annotations", {}):
                mirrors[meta["namespace"], meta["name"]] = pod
            elif not meta.get("deletionTimestamp") and self.once("secrets", self.bring_secrets, pod):
                wanted[uid] = self.new_pod(pod)
        changed = self.pods is None or self.pods.keys() != wanted.keys()
        self.pods = wanted
        if changed:
            self.wake()
        running = {}
        for container in containers.load():
            running.setdefault(container.uid, []).append(container)
        for pod in found:
            uid = pod["metadata"]["uid"]
            if MIRROR in pod["metadata"].get("annotations", {}):
                continue
            if uid in wanted:
                self.post_status(pod, wanted[uid], running.get(uid, []))
            elif pod["metadata"].get("deletionTimestamp") and not any(c.alive() for c in running.get(uid, [])):
                shutil.rmtree(f"{SECRETS}/{uid}", ignore_errors=True)
                self.api.delete(self.path(pod), uid, grace=0)
        self.keep_mirrors(mirrors, self.static(), running)

    def bring_secrets(self, pod):
        """what its volumes name; it does not start without"""
        for volume in pod["spec"].get("volumes", []):
            target = secret_dir(pod["metadata"]["uid"], volume["name"])
            if "secret" not in volume or os.path.isdir(target):
                continue
            found = self.api.call("GET", f"/api/v1/namespaces/{pod['metadata']['namespace']}/secrets/"
                                         f"{volume['secret']['secretName']}")
            shutil.rmtree(target + ".new", ignore_errors=True)
            os.makedirs(target + ".new", mode=0o700)
            for name, value in found.get("data", {}).items():
                with open(f"{target}.new/{name}", "wb") as file:
                    file.write(base64.b64decode(value))
            os.rename(target + ".new", target)

    @staticmethod
    def path(pod):
        return f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}"

    def keep_mirrors(self, mirrors, static, running):
        for pod in static.values():
            mirror = mirrors.pop((pod.namespace, pod.name), None)
            if mirror and mirror["metadata"]["annotations"].get(HASH) != pod.uid:
                self.api.delete(self.path(mirror), mirror["metadata"]["uid"], grace=0)
                mirror = None
            try:
                mirror = mirror or self.create_mirror(pod)
                self.post_status(mirror, pod, running.get(pod.uid, []))
            except api.ApiError as error:  # the namespace is missing, say: that is of no other pod
                self.say(f"mirror of {pod.full_name}: {error}")
        for mirror in mirrors.values():  # their file is gone
            self.api.delete(self.path(mirror), mirror["metadata"]["uid"], grace=0)

    def create_mirror(self, pod):
        return self.api.call("POST", f"/api/v1/namespaces/{pod.namespace}/pods", {
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": pod.name, "namespace": pod.namespace, "labels": pod.labels,
                         "ownerReferences": [self.owner(True)],
                         "annotations": {HASH: pod.uid, MIRROR: pod.uid, "kubernetes.io/config.source": "file",
                                         "kubernetes.io/config.seen": now(micro=True)}},
            "spec": {**pod.spec, "nodeName": self.name}})

    def container_status(self, pod, spec, mine):
        """mine: newest first"""
        status = {"name": spec["name"], "image": spec["image"], "imageID": spec["image"], "restartCount": 0,
                  "ready": False, "started": False, "state": {"waiting": {"reason": "ContainerCreating"}}}
        same = [c for c in mine if c.name == spec["name"]]
        if not same:
            return status
        newest = same[0]
        since = time.strftime("%FT%TZ", time.gmtime(newest.record["createdAt"] / 1e9))
        alive = newest.state() == "CONTAINER_RUNNING"
        status.update({"containerID": "cri-o://" + newest.id, "restartCount": newest.attempt, "started": alive,
                       "ready": alive and self.probes.says(pod, spec["name"])})
        if alive:
            status["state"] = {"running": {"startedAt": since}}
        elif newest.ended():
            status["state"] = {"terminated": {"exitCode": newest.ended()[0], "reason": "Error",
                                              "containerID": status["containerID"]}}
        return status

    def post_status(self, there, pod, mine):
        statuses = [self.container_status(pod, spec, mine) for spec in pod.spec["containers"]]
        ready = all(s["ready"] for s in statuses)
        old = there.get("status", {})
        before = {c["type"]: c for c in old.get("conditions", [])}
        conditions = []
        for kind, true in (("Initialized", True), ("Ready", ready), ("ContainersReady", ready),
                           ("PodScheduled", True)):
            word = "True" if true else "False"
            same = before.get(kind, {}).get("status") == word
            conditions.append({"type": kind, "status": word,
                               "lastTransitionTime": before[kind].get("lastTransitionTime") if same else now(),
                               **({} if true else {"reason": "ContainersNotReady"})})
        phase = "Running" if any(s["started"] for s in statuses) else old.get("phase", "Pending")
        status = {"phase": phase, "conditions": conditions, "containerStatuses": statuses,
                  "hostIP": credentials.address(), "podIP": credentials.address(),
                  "startTime": old.get("startTime", now())}
        if old.get("phase") == phase and old.get("containerStatuses") == self.as_stored(statuses) and \
                {c["type"]: c["status"] for c in conditions}.items() <= {k: v["status"] for k, v in before.items()}.items():
            return
        self.api.call("PATCH", self.path(there) + "/status",
                      {"metadata": {"uid": there["metadata"]["uid"]}, "status": status}, api.STRATEGIC)

    @staticmethod
    def as_stored(statuses):
        """the API adds an empty lastState"""
        return [{**s, "lastState": {}} for s in statuses]
