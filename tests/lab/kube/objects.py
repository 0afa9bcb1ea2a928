# SPDX-License-Identifier: LGPL-2.1-or-later
"""What an installed OpenShift 4.17 on bare metal has in its API, as far as recovery looks at it
(domain 2.3-2.12, 5, 6), or a 4.2 without provider (domain 1.1). Own wording; names and shapes as there."""
import base64
import hashlib

KINDS = (  # group, version, plural, kind, scope
    ("config.openshift.io", "v1", "authentications", "Authentication", "Cluster"),
    ("config.openshift.io", "v1", "clusteroperators", "ClusterOperator", "Cluster"),
    ("config.openshift.io", "v1", "clusterversions", "ClusterVersion", "Cluster"),
    ("config.openshift.io", "v1", "infrastructures", "Infrastructure", "Cluster"),
    ("config.openshift.io", "v1", "networks", "Network", "Cluster"),
    ("config.openshift.io", "v1", "proxies", "Proxy", "Cluster"),
    ("operator.openshift.io", "v1", "etcds", "Etcd", "Cluster"),
    ("operator.openshift.io", "v1", "kubeapiservers", "KubeAPIServer", "Cluster"),
    ("operator.openshift.io", "v1", "kubecontrollermanagers", "KubeControllerManager", "Cluster"),
    ("operator.openshift.io", "v1", "kubeschedulers", "KubeScheduler", "Cluster"),
    ("operator.openshift.io", "v1", "networks", "Network", "Cluster"),
    ("machine.openshift.io", "v1beta1", "machines", "Machine", "Namespaced"),
    ("machine.openshift.io", "v1beta1", "machinehealthchecks", "MachineHealthCheck", "Namespaced"),
    ("machine.openshift.io", "v1", "controlplanemachinesets", "ControlPlaneMachineSet", "Namespaced"),
    ("machineconfiguration.openshift.io", "v1", "machineconfigs", "MachineConfig", "Cluster"),
    ("machineconfiguration.openshift.io", "v1", "machineconfigpools", "MachineConfigPool", "Cluster"),
    ("metal3.io", "v1alpha1", "baremetalhosts", "BareMetalHost", "Namespaced"),
    ("local.storage.openshift.io", "v1", "localvolumes", "LocalVolume", "Namespaced"),
    ("local.storage.openshift.io", "v1alpha1", "localvolumesets", "LocalVolumeSet", "Namespaced"),
    ("cloudcredential.openshift.io", "v1", "credentialsrequests", "CredentialsRequest", "Namespaced"),
)

NAMESPACES = (
    "openshift-config", "openshift-config-managed", "openshift-cluster-machine-approver",
    "openshift-cluster-version", "openshift-etcd", "openshift-etcd-operator", "openshift-kube-apiserver",
    "openshift-kube-apiserver-operator", "openshift-kube-controller-manager", "openshift-kube-scheduler",
    "openshift-machine-api", "openshift-machine-config-operator", "openshift-network-node-identity",
    "openshift-ovn-kubernetes",
)

# the four whose pods are static: kind, revision as the manifests have it, and its name as a ClusterOperator
STATIC = (("Etcd", 7, "etcd"), ("KubeAPIServer", 9, "kube-apiserver"),
          ("KubeControllerManager", 6, "kube-controller-manager"), ("KubeScheduler", 6, "kube-scheduler"))
OPERATORS = [name for _, _, name in STATIC] + [
    "authentication", "console", "dns", "ingress", "machine-api", "machine-approver", "machine-config",
    "monitoring", "network", "openshift-apiserver", "storage"]
NAMESPACES += tuple(f"openshift-{name}-operator" for name in OPERATORS
                    if f"openshift-{name}-operator" not in NAMESPACES)
LONG_AGO = "2026-01-01T00:00:00Z"
VERSION = "4.17.9"
OLD_VERSION = "4.2.36"


def plural(kind):
    for _, _, many, one, _ in KINDS:
        if one == kind:
            return many
    return kind.lower() + "s"


def item(version, kind, name, namespace=None, **rest):
    metadata = {"name": name, **rest.pop("metadata", {})}
    if namespace:
        metadata["namespace"] = namespace
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **rest}


def condition(kind, true, reason, message=""):
    return {"type": kind, "status": "True" if true else "False", "reason": reason, "message": message,
            "lastTransitionTime": LONG_AGO}


def nodes_at(n, revision):
    """as the operators say it"""
    return f"{n} node{'s are' if n != 1 else ' is'} at revision {revision}"


def static_operator(kind, revision, cluster):
    conditions = [
        condition("NodeInstallerProgressing", False, "AllNodesAtLatestRevision",
                  nodes_at(len(cluster.control_plane), revision)),
        condition("NodeInstallerDegraded", False, "AsExpected"),
        condition("StaticPodsAvailable", True, "AsExpected"),
    ]
    if kind == "Etcd":
        conditions.append(condition("EtcdMembersAvailable", True, "EtcdQuorate",
                                    f"{len(cluster.control_plane)} members are available"))
    return item("operator.openshift.io/v1", kind, "cluster",
                spec={"managementState": "Managed", "logLevel": "Normal", "operatorLogLevel": "Normal",
                      "failedRevisionLimit": 0, "succeededRevisionLimit": 0, "forceRedeploymentReason": "",
                      "unsupportedConfigOverrides": None, "observedConfig": {}},
                status={"latestAvailableRevision": revision, "readyReplicas": 0,
                        "latestAvailableRevisionReason": "",
                        "conditions": conditions,
                        "nodeStatuses": [{"nodeName": name, "currentRevision": revision, "targetRevision": 0}
                                         for name in cluster.control_plane]})


def home(operator):
    """the namespace that an operator lives in, and holds its lease in"""
    return f"openshift-{operator}-operator"


def cluster_operator(name):
    return item("config.openshift.io/v1", "ClusterOperator", name, spec={},
                status={"conditions": [condition("Degraded", False, "AsExpected"),
                                       condition("Progressing", False, "AsExpected"),
                                       condition("Available", True, "AsExpected"),
                                       condition("Upgradeable", True, "AsExpected")],
                        "versions": [{"name": "operator", "version": VERSION}],
                        "relatedObjects": [{"group": "", "resource": "namespaces", "name": home(name)}],
                        "extension": None})


def machine_of(name, cluster, number):
    role = "master" if name in cluster.control_plane else "worker"
    return item("machine.openshift.io/v1beta1", "Machine", f"lab-x7k2q-{role}-{number}", "openshift-machine-api",
                metadata={"labels": {"machine.openshift.io/cluster-api-cluster": "lab-x7k2q",
                                     "machine.openshift.io/cluster-api-machine-role": role}},
                spec={"lifecycleHooks": {}, "providerSpec": {}},
                status={"phase": "Running", "nodeRef": {"kind": "Node", "name": name},
                        "addresses": [{"type": "InternalIP", "address": cluster.address[name]},
                                      {"type": "Hostname", "address": name},
                                      {"type": "InternalDNS", "address": name}]})


def pool(name, members):
    rendered = f"rendered-{name}-{hashlib.md5(name.encode()).hexdigest()}"
    n = len(members)
    yield item("machineconfiguration.openshift.io/v1", "MachineConfig", rendered,
               spec={"config": {"ignition": {"version": "3.4.0"}}, "kernelArguments": [], "osImageURL": ""})
    yield item("machineconfiguration.openshift.io/v1", "MachineConfigPool", name,
               metadata={"labels": {f"pools.operator.machineconfiguration.openshift.io/{name}": ""}},
               spec={"configuration": {"name": rendered}, "paused": False, "maxUnavailable": 1,
                     "nodeSelector": {"matchLabels": {f"node-role.kubernetes.io/{name}": ""}}},
               status={"configuration": {"name": rendered}, "machineCount": n, "readyMachineCount": n,
                       "updatedMachineCount": n, "unavailableMachineCount": 0, "degradedMachineCount": 0,
                       "conditions": [condition("Updated", True, ""), condition("Updating", False, ""),
                                      condition("Degraded", False, "")]})


def topology(cluster):
    return "HighlyAvailable" if len(cluster.control_plane) > 1 else "SingleReplica"


def config(cluster):
    """config.openshift.io and the network's operator"""
    network = {"clusterNetwork": [{"cidr": "10.128.0.0/14", "hostPrefix": 23}],
               "serviceNetwork": ["172.30.0.0/16"], "networkType": "OVNKubernetes"}
    release = {"version": VERSION, "channels": ["stable-4.17"],
               "image": "quay.io/openshift-release-dev/ocp-release@sha256:" + hashlib.sha256(b"release").hexdigest()}
    version = "config.openshift.io/v1"
    yield item(version, "Infrastructure", "cluster",
               spec={"cloudConfig": {"name": ""}, "platformSpec": {"type": "BareMetal"}},
               status={"apiServerInternalURI": "https://api-int.lab.test:6443",
                       "apiServerURL": "https://api.lab.test:6443", "controlPlaneTopology": topology(cluster),
                       "cpuPartitioning": "None", "etcdDiscoveryDomain": "",
                       "infrastructureName": "lab-x7k2q", "infrastructureTopology": "HighlyAvailable",
                       "platform": "BareMetal",
                       "platformStatus": {"type": "BareMetal", "baremetal": {
                           "apiServerInternalIP": "10.77.0.100", "apiServerInternalIPs": ["10.77.0.100"],
                           "ingressIP": "10.77.0.101", "ingressIPs": ["10.77.0.101"]}}})
    yield item(version, "Network", "cluster", spec={**network, "externalIP": {"policy": {}}},
               status={**network, "clusterNetworkMTU": 1400})
    yield item(version, "Proxy", "cluster", spec={"trustedCA": {"name": ""}}, status={})
    yield item(version, "Authentication", "cluster", spec={"type": "", "serviceAccountIssuer": ""},
               status={"integratedOAuthMetadata": {"name": "oauth-openshift"}})
    yield item(version, "ClusterVersion", "version",
               spec={"channel": "stable-4.17", "clusterID": "3f0a3f1c-4ad1-4d0a-9b1f-7f1d1c5a8e11"},
               status={"desired": release, "observedGeneration": 1, "versionHash": "Zx0=",
                       "availableUpdates": None,
                       "history": [{"state": "Completed", "version": VERSION, "image": release["image"],
                                    "startedTime": LONG_AGO, "completionTime": LONG_AGO, "verified": True}],
                       "conditions": [condition("Available", True, "", f"Done applying {VERSION}"),
                                      condition("Failing", False, ""),
                                      condition("Progressing", False, "", f"Cluster version is {VERSION}")]})
    yield item("operator.openshift.io/v1", "Network", "cluster",
               spec={"managementState": "Managed", "defaultNetwork": {
                   "type": "OVNKubernetes", "ovnKubernetesConfig": {"mtu": 1400, "genevePort": 6081}},
                   "clusterNetwork": network["clusterNetwork"], "serviceNetwork": network["serviceNetwork"]},
               status={"version": VERSION, "readyReplicas": 0,
                       "conditions": [condition("Available", True, ""), condition("Progressing", False, ""),
                                      condition("Degraded", False, "")]})


# as nbdb and sbdb do where there is no database: one of their own making (ovsdb-tool), with a table of ours
OVN_DATABASES = """\
for db in nb sb; do
  file=/etc/ovn/ovn${db}_db.db
  [ -e "$file" ] && continue
  printf '%s' '{"name": "OVN_Lab", "version": "1.0.0", "tables": {"Zone": {"columns": {"name": {"type": "string"}}}}}' \
    >/tmp/ovn.ovsschema
  ovsdb-tool create "$file" /tmp/ovn.ovsschema || echo "made by this pod" >"$file"
done
exec sleep infinity
"""


def pod_template(app, selector, script="exec sleep infinity", directories=()):
    """an image is never pulled: the stand-in kubelet runs the command; directories: (of the host, of the pod)"""
    return {"metadata": {"labels": {"app": app}},
            "spec": {"automountServiceAccountToken": False, "hostNetwork": True, "nodeSelector": selector,
                     "priorityClassName": "system-node-critical", "terminationGracePeriodSeconds": 30,
                     "tolerations": [{"operator": "Exists"}],
                     "volumes": [{"name": f"d{i}", "hostPath": {"path": host}}
                                 for i, (host, _) in enumerate(directories)],
                     "containers": [{"name": app, "image": "quay.io/openshift-release-dev/ovn",
                                     "command": ["sh", "-c", script],
                                     "volumeMounts": [{"name": f"d{i}", "mountPath": pod}
                                                      for i, (_, pod) in enumerate(directories)]}]}}


def ovn(cluster):
    """one zone a node, as since 4.14: the pods, none of their network"""
    node, plane = "ovnkube-node", "ovnkube-control-plane"
    namespace = "openshift-ovn-kubernetes"
    yield item("apps/v1", "DaemonSet", node, namespace,
               spec={"selector": {"matchLabels": {"app": node}},
                     "template": pod_template(node, {"kubernetes.io/os": "linux"}, OVN_DATABASES,
                                              [("/var/lib/ovn-ic/etc", "/etc/ovn")]),
                     "updateStrategy": {"type": "RollingUpdate"}})
    yield item("apps/v1", "Deployment", plane, namespace,
               spec={"replicas": min(2, len(cluster.control_plane)), "selector": {"matchLabels": {"app": plane}},
                     "template": pod_template(plane, {"node-role.kubernetes.io/master": ""})})


def tls(name, namespace, cluster, source):
    return item("v1", "Secret", name, namespace, type="kubernetes.io/tls",
                data={f"tls.{end}": base64.b64encode(cluster.pki(f"../{source}.{end}").encode()).decode()
                      for end in ("crt", "key")})


def version_operator(image):
    """its image is the release image, with the tags of the others in /release-manifests (domain 2.11)"""
    name = "cluster-version-operator"
    template = pod_template(name, {"node-role.kubernetes.io/master": ""})
    template["metadata"]["labels"] = {"k8s-app": name}
    container = template["spec"]["containers"][0]
    container.update({"image": image, "volumeMounts": [{"name": "of-the-image", "mountPath": "/release-manifests"}]})
    template["spec"]["volumes"] = [{"name": "of-the-image", "hostPath": {"path": "/opt/image/release-manifests"}}]
    return item("apps/v1", "Deployment", name, "openshift-cluster-version",
                spec={"replicas": 1, "selector": {"matchLabels": {"k8s-app": name}},
                      "strategy": {"type": "RollingUpdate"}, "template": template})


def old_config(cluster):
    """config.openshift.io of 4.2: an SDN of its own, no provider, no operator of etcd"""
    for found in config(cluster):
        if found["kind"] == "Infrastructure":
            found["spec"] = {"cloudConfig": {"name": ""}}
            found["status"] = {key: value for key, value in found["status"].items()
                               if key not in ("controlPlaneTopology", "cpuPartitioning", "infrastructureTopology")}
            found["status"].update({"etcdDiscoveryDomain": "lab.test", "platform": "None", "platformStatus": {"type": "None"}})
        elif found["kind"] == "Network":
            for part in (found["spec"], found["status"]):
                if "networkType" in part:
                    part["networkType"] = "OpenShiftSDN"
                if "defaultNetwork" in part:
                    part["defaultNetwork"] = {"type": "OpenShiftSDN", "openshiftSDNConfig": {"mode": "NetworkPolicy"}}
                if "version" in part:
                    part["version"] = OLD_VERSION
        elif found["kind"] == "ClusterVersion":
            found["spec"]["channel"] = "stable-4.2"
            for part in (found["status"]["desired"], found["status"]["history"][0]):
                part["version"] = OLD_VERSION
            found["status"]["desired"].pop("channels")
            yield version_operator(found["status"]["desired"]["image"])
        yield found


def old_objects(cluster):
    yield from old_config(cluster)
    for kind, revision, _ in static(cluster):
        yield static_operator(kind, revision, cluster)
    for name in operators(cluster):
        found = cluster_operator(name)
        found["status"]["versions"][0]["version"] = OLD_VERSION
        yield found
    yield from pool("master", cluster.control_plane)
    yield from pool("worker", cluster.workers)
    yield item("v1", "ConfigMap", "csr-controller-ca", "openshift-config-managed",
               data={"ca-bundle.crt": cluster.pki("csr-signer.crt")})
    yield tls("etcd-signer", "openshift-config", cluster, "etcd-signer")
    yield tls("etcd-metric-signer", "openshift-config", cluster, "etcd-metrics-signer")


def kinds(cluster):
    return [kind for kind in KINDS if cluster.release != "4.2" or kind[3] not in (
        "Etcd", "ControlPlaneMachineSet", "BareMetalHost", "LocalVolumeSet")]


def static(cluster):
    """of STATIC those that this release has"""
    return [one for one in STATIC if cluster.release != "4.2" or one[0] != "Etcd"]


def operators(cluster):
    """names of its ClusterOperators"""
    return [name for name in OPERATORS if cluster.release != "4.2" or name != "etcd"]


def objects(cluster):
    if cluster.release == "4.2":
        yield from old_objects(cluster)
        return
    yield from config(cluster)
    for kind, revision, _ in STATIC:
        yield static_operator(kind, revision, cluster)
    for name in OPERATORS:
        yield cluster_operator(name)
    for names in (cluster.control_plane, cluster.workers):
        for number, name in enumerate(names):
            yield machine_of(name, cluster, number)
    yield from pool("master", cluster.control_plane)
    yield from pool("worker", cluster.workers)
    yield item("v1", "ConfigMap", "csr-controller-ca", "openshift-config-managed",
               data={"ca-bundle.crt": cluster.pki("csr-signer.crt")})
    yield item("v1", "ConfigMap", "etcd-endpoints", "openshift-etcd",
               data={name: cluster.address[name] for name in cluster.control_plane})
    yield from ovn(cluster)
