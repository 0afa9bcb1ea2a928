#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""witness.py LAB FILE: until killed, what the API servers say and when they said it: each one asked for
/readyz every 50 ms while it is not ready, and watched by its own watch events while it is. One JSON line
each: {"time": seconds since 1970, "host", "event": ready|lost|ADDED|MODIFIED|DELETED, "object"}.

A change is told by every API server that is ready, so the first one to tell it counts. Right after
`ready` come ADDED for all that there is: their time is that of the list."""
import http.client
import json
import sys
import threading
import time

from cluster import Cluster, api

NODE_LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
WATCHED = ("/api/v1/nodes", "/api/v1/pods", NODE_LEASES, "/apis/certificates.k8s.io/v1/certificatesigningrequests",
           "/apis/config.openshift.io/v1/clusteroperators",
           *(f"/apis/operator.openshift.io/v1/{kind}" for kind in
             ("etcds", "kubeapiservers", "kubecontrollermanagers", "kubeschedulers")))
PACE = 0.05
SILENCE = 60  # seconds that a watch may last without a word


class Witness:
    def __init__(self, cluster, file):
        self.cluster, self.file, self.lock = cluster, file, threading.Lock()

    def tell(self, host, event, **rest):
        line = json.dumps({"time": round(time.time(), 4), "host": host, "event": event, **rest})
        with self.lock:
            print(line, file=self.file, flush=True)

    def host(self, host):
        """until the end of days"""
        client = self.cluster.api(host, timeout=2)
        while True:
            while client.send("GET", "/readyz")[0] != 200:
                client.close()
                time.sleep(PACE)
            self.tell(host, "ready")
            over = threading.Event()
            for path in WATCHED:  # of a host that vanished they end by their own deadline
                threading.Thread(target=self.watch, args=(host, path, over), daemon=True).start()
            while client.send("GET", "/readyz")[0] == 200:
                time.sleep(1)
            self.tell(host, "lost")
            over.set()

    def watch(self, host, path, over):
        """one kind: listed, then followed, until the API server goes"""
        version = None
        while not over.is_set():
            client = self.cluster.api(host, timeout=SILENCE)
            if version is None:
                status, text = client.send("GET", path)
                if status != 200:
                    time.sleep(PACE)
                    continue
                found = json.loads(text)
                version = found["metadata"]["resourceVersion"]
                for item in found["items"]:
                    self.tell(host, "ADDED", path=path, object=trim(item))
            version = self.follow(host, client, path, version, over)
            client.close()

    def follow(self, host, client, path, version, over):
        """from where one may go on; None: list it again"""
        try:
            client.connection = api.Connection(client)
            client.connection.request("GET", f"{path}?watch=1&resourceVersion={version}&timeoutSeconds={SILENCE - 5}",
                                      headers=client.headers)
            answer = client.connection.getresponse()
            while not over.is_set():
                line = answer.readline()
                if not line:
                    return version
                said = json.loads(line)
                if said["type"] == "ERROR":
                    return None
                version = said["object"]["metadata"]["resourceVersion"]
                self.tell(host, said["type"], path=path, object=trim(said["object"]))
        except (OSError, http.client.HTTPException, ValueError):
            time.sleep(PACE)
        return None


def trim(item):
    """without what nobody asks for"""
    item["metadata"].pop("managedFields", None)
    if "containers" in item.get("spec", {}):
        item["spec"] = {"nodeName": item["spec"].get("nodeName")}
    return item


def main():
    cluster = Cluster(sys.argv[1])
    with open(sys.argv[2], "a", encoding="utf-8") as file:
        witness = Witness(cluster, file)
        threads = [threading.Thread(target=witness.host, args=(host,)) for host in cluster.control_plane]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


main()
