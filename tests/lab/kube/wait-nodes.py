#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""wait-nodes.py LAB SECONDS [--from-now] NODE...: until all of them are Ready and their leases are not older
than 40 s, or than this program."""
import datetime
import sys

from cluster import Cluster, until

LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"


def fresh(lease):
    renewed = datetime.datetime.fromisoformat(lease["spec"]["renewTime"].replace("Z", "+00:00"))
    return renewed > begin if from_now else (datetime.datetime.now(datetime.timezone.utc) - renewed).total_seconds() < 40


def ready():
    nodes = api.call("GET", "/api/v1/nodes")["items"]
    fine = {node["metadata"]["name"] for node in nodes for condition in node["status"].get("conditions", [])
            if condition["type"] == "Ready" and condition["status"] == "True"}
    alive = {lease["metadata"]["name"] for lease in api.call("GET", LEASES)["items"] if fresh(lease)}
    return wanted <= fine & alive


lab, seconds, *names = sys.argv[1:]
from_now = names[:1] == ["--from-now"]
names = names[from_now:]
begin = datetime.datetime.now(datetime.timezone.utc)
api, wanted = Cluster(lab).any_api(), set(names)
until(int(seconds), ready, f"nodes Ready with a fresh lease: {' '.join(names)}")
