#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""seed.py LAB: what a new cluster has, and with it an installed OpenShift 4.17: its kinds as CRDs
(which keep whatever is in them), its objects (objects.py), who may do what, and the kubeconfig with
which a kubelet asks for its first certificate. May run again."""
import base64
import sys

from cluster import Cluster, until
import objects


def crd(group, version, plural, kind, scope):
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group, "scope": scope,
            "names": {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": kind + "List"},
            "versions": [{"name": version, "served": True, "storage": True, "subresources": {"status": {}},
                          "schema": {"openAPIV3Schema": {**anything, "properties": {
                              "spec": anything, "status": anything}}}}],
        },
    }


def binding(name, role, subject):
    group = {"apiGroup": "rbac.authorization.k8s.io"}
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
            "metadata": {"name": name}, "roleRef": {**group, "kind": "ClusterRole", "name": role},
            "subjects": [subject]}


def account(namespace, name):
    return {"kind": "ServiceAccount", "namespace": namespace, "name": name}


def account_token(api, namespace, name):
    """its long-lived token; kube-controller-manager makes it"""
    path = f"/api/v1/namespaces/{namespace}"
    api.create(f"{path}/serviceaccounts", {"apiVersion": "v1", "kind": "ServiceAccount",
                                           "metadata": {"name": name}})

    def token():
        found = api.get(f"{path}/serviceaccounts/{name}").get("secrets")
        secret = found and api.get(f"{path}/secrets/{found[0]['name']}")
        return secret and secret.get("data", {}).get("token")
    return base64.b64decode(until(60, token, f"a token for {namespace}/{name}")).decode()


def create(api, item):
    """with its status"""
    namespace = item["metadata"].get("namespace")
    folder = ("/api/v1" if item["apiVersion"] == "v1" else "/apis/" + item["apiVersion"]) + \
        (f"/namespaces/{namespace}" if namespace else "") + "/" + objects.plural(item["kind"])
    # a kind is served a moment after its CRD was made
    made = until(30, lambda: api.create(folder, item), f"{item['kind']} {item['metadata']['name']}")
    if "status" in item and "status" not in made:
        made["status"] = item["status"]
        api.call("PUT", f"{folder}/{item['metadata']['name']}/status", made)


def main():
    cluster = Cluster(sys.argv[1])
    cluster.write_kubeconfigs()
    api = cluster.any_api()
    for kind in objects.kinds(cluster):
        api.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd(*kind))
    for name in objects.NAMESPACES:
        api.create("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    group = {"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "system:nodes"}
    for item in (
            binding("system-bootstrap-node-bootstrapper", "system:node-bootstrapper",
                    account("openshift-machine-config-operator", "node-bootstrapper")),
            # a node that has a certificate gets the next one without being asked
            binding("system-bootstrap-node-renewal",
                    "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient", group),
            binding("system:openshift:operator:kube-apiserver-recovery", "cluster-admin",
                    account("openshift-kube-apiserver", "localhost-recovery-client"))):
        api.create("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", item)
    token = account_token(api, "openshift-machine-config-operator", "node-bootstrapper")
    cluster.write_kubeconfig(f"{cluster.lab}/kube/bootstrap.kubeconfig", "https://api-int.lab.test:6443",
                             {"token": token})
    token = account_token(api, "openshift-kube-apiserver", "localhost-recovery-client")
    cluster.write_kubeconfig(f"{cluster.lab}/kube/token.kubeconfig",
                             f"https://{cluster.address[cluster.control_plane[0]]}:6443", {"token": token},
                             "localhost-recovery")
    for item in objects.objects(cluster):
        create(api, item)


main()
