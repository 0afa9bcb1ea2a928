/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearsal/controllers.h"
#include "rehearsal/machines.h"
#include "rehearsal/scenery.h"
#include "rehearsal/store-private.h"
#include <string.h>

/* What stands in the API of an installed cluster, as far as a recovery reads it (domain 2.2
 * to 2.12), all of it from last night: nodes Ready with leases of then, operators at their
 * revision. */

/* what the installer pods of an API server leave on its host */
#define SERVER_CERTIFICATES "/etc/kubernetes/static-pod-resources/kube-apiserver-certs"
#define LAST_NIGHT	    (8 * 3600.0) /* seconds ago */

static const struct {
	const char *collection, *kind;
} kinds[] = {
    {"/api/v1/configmaps", "ConfigMap"},
    {"/api/v1/endpoints", "Endpoints"},
    {"/api/v1/events", "Event"},
    {"/api/v1/namespaces", "Namespace"},
    {"/api/v1/nodes", "Node"},
    {"/api/v1/persistentvolumeclaims", "PersistentVolumeClaim"},
    {"/api/v1/persistentvolumes", "PersistentVolume"},
    {"/api/v1/pods", "Pod"},
    {"/api/v1/secrets", "Secret"},
    {"/api/v1/services", "Service"},
    {"/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
     "MutatingWebhookConfiguration"},
    {"/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
     "ValidatingWebhookConfiguration"},
    {"/apis/apiextensions.k8s.io/v1/customresourcedefinitions", "CustomResourceDefinition"},
    {"/apis/apps/v1/daemonsets", "DaemonSet"},
    {"/apis/apps/v1/deployments", "Deployment"},
    {"/apis/apps/v1/statefulsets", "StatefulSet"},
    {"/apis/certificates.k8s.io/v1/certificatesigningrequests", "CertificateSigningRequest"},
    {"/apis/config.openshift.io/v1/clusteroperators", "ClusterOperator"},
    {"/apis/config.openshift.io/v1/clusterversions", "ClusterVersion"},
    {"/apis/config.openshift.io/v1/infrastructures", "Infrastructure"},
    {"/apis/config.openshift.io/v1/networks", "Network"},
    {"/apis/config.openshift.io/v1/proxies", "Proxy"},
    {"/apis/coordination.k8s.io/v1/leases", "Lease"},
    {"/apis/discovery.k8s.io/v1/endpointslices", "EndpointSlice"},
    {"/apis/local.storage.openshift.io/v1/localvolumes", "LocalVolume"},
    {"/apis/machine.openshift.io/v1beta1/machinehealthchecks", "MachineHealthCheck"},
    {"/apis/machine.openshift.io/v1beta1/machines", "Machine"},
    {"/apis/machineconfiguration.openshift.io/v1/machineconfigpools", "MachineConfigPool"},
    {"/apis/metal3.io/v1alpha1/baremetalhosts", "BareMetalHost"},
    {"/apis/operator.openshift.io/v1/etcds", "Etcd"},
    {"/apis/operator.openshift.io/v1/kubeapiservers", "KubeAPIServer"},
    {"/apis/operator.openshift.io/v1/kubecontrollermanagers", "KubeControllerManager"},
    {"/apis/operator.openshift.io/v1/kubeschedulers", "KubeScheduler"},
    {"/apis/operator.openshift.io/v1/networks", "Network"},
    {"/apis/policy/v1/poddisruptionbudgets", "PodDisruptionBudget"},
    {"/apis/storage.k8s.io/v1/csidrivers", "CSIDriver"},
    {"/apis/storage.k8s.io/v1/csinodes", "CSINode"},
    {"/apis/storage.k8s.io/v1/storageclasses", "StorageClass"},
    {"/apis/storage.k8s.io/v1/volumeattachments", "VolumeAttachment"},
};

/* objects of which there is one; single quotes */
static const struct {
	const char *path, *json;
} singles[] = {
    {"/api/v1/namespaces/openshift-etcd", "{}"},
    {"/api/v1/namespaces/openshift-ovn-kubernetes", "{}"},
    {"/apis/config.openshift.io/v1/infrastructures/cluster",
     "{'status':{'platformStatus':{'type':'BareMetal'},'controlPlaneTopology':'HighlyAvailable',"
     "'infrastructureTopology':'HighlyAvailable','infrastructureName':'kite-x1y2z'}}"},
    {"/apis/config.openshift.io/v1/networks/cluster",
     "{'spec':{'networkType':'OVNKubernetes'},'status':{'networkType':'OVNKubernetes'}}"},
    {"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/"
     "machinehealthchecks.machine.openshift.io",
     "{}"},
    {"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/baremetalhosts.metal3.io", "{}"},
    /* one that somebody paused long ago, and one that nobody did */
    {"/apis/machine.openshift.io/v1beta1/namespaces/openshift-machine-api/machinehealthchecks/"
     "kite-masters",
     "{'metadata':{'annotations':{'cluster.x-k8s.io/paused':''}},'spec':{'maxUnhealthy':'40%'}}"},
    {"/apis/machine.openshift.io/v1beta1/namespaces/openshift-machine-api/machinehealthchecks/"
     "kite-workers",
     "{'spec':{'maxUnhealthy':'40%'}}"},
    {"/apis/metal3.io/v1alpha1/namespaces/openshift-machine-api/baremetalhosts/kite-m1",
     "{'spec':{'online':true},'status':{'provisioning':{'state':'externally provisioned'}}}"},
    /* as installed: nothing is said of maxUnavailable */
    {RD_SCENERY_POOL "master",
     "{'spec':{'paused':false,'nodeSelector':{'matchLabels':{'node-role.kubernetes.io/master':''}}}"
     "}"},
    {RD_SCENERY_POOL "worker",
     "{'spec':{'paused':false,'nodeSelector':{'matchLabels':{'node-role.kubernetes.io/worker':''}}}"
     "}"},
    {"/apis/operator.openshift.io/v1/networks/cluster",
     "{'spec':{'defaultNetwork':{'type':'OVNKubernetes'},'managementState':'Managed'}}"},
    {"/apis/config.openshift.io/v1/proxies/cluster", "{'spec':{},'status':{}}"},
    {"/apis/config.openshift.io/v1/clusterversions/version",
     "{'status':{'desired':{'version':'4.17.9','image':'" RD_SCENERY_RELEASE
     "'},'history':[{'state':'Completed','version':"
     "'4.17.9'}]}}"},
    /* a volume that is attached where nobody uses it; a local one whose device is gone; a
     * LocalVolume that has nothing left */
    {"/api/v1/persistentvolumes/pv-data",
     "{'spec':{'accessModes':['ReadWriteOnce'],'persistentVolumeReclaimPolicy':'Delete','csi':{"
     "'driver':'csi.example','volumeHandle':'vol-1'},'claimRef':{'namespace':'default','name':"
     "'data'}},'status':{'phase':'Bound'}}"},
    {"/api/v1/namespaces/default/persistentvolumeclaims/data",
     "{'spec':{'volumeName':'pv-data'},'status':{'phase':'Bound'}}"},
    {"/apis/storage.k8s.io/v1/volumeattachments/csi-1",
     "{'spec':{'attacher':'csi.example','nodeName':'m1','source':{'persistentVolumeName':"
     "'pv-data'}},'status':{'attached':true}}"},
    {"/api/v1/persistentvolumes/local-pv-1",
     "{'spec':{'persistentVolumeReclaimPolicy':'Delete','storageClassName':'local-sc','local':{"
     "'path':'/mnt/local-storage/local-sc/gone'},'nodeAffinity':{'required':{'nodeSelectorTerms':"
     "[{'matchExpressions':[{'key':'kubernetes.io/hostname','operator':'In','values':['m1']}]}]}}},"
     "'status':{'phase':'Available'}}"},
    {"/apis/local.storage.openshift.io/v1/namespaces/openshift-local-storage/localvolumes/old",
     "{'spec':{'storageClassDevices':[{'storageClassName':'old-sc'}]}}"},
    {"/apis/apps/v1/namespaces/openshift-ovn-kubernetes/daemonsets/ovnkube-node",
     "{'metadata':{'labels':{'app':'ovnkube-node'}}}"},
    {"/apis/apps/v1/namespaces/openshift-ovn-kubernetes/deployments/ovnkube-control-plane",
     "{'spec':{'replicas':2,'template':{'spec':{'nodeSelector':{'node-role.kubernetes.io/master':"
     "''}}}}}"},
    {RD_SIM_SIGNER_MAP, "{'data':{'ca-bundle.crt':'" RD_SCENERY_SIGNER "'}}"},
    {"/api/v1/namespaces/default/services/kubernetes", "{'spec':{'clusterIP':'172.30.0.1'}}"},
    /* a customer's: one pod may be away at a time; its webhook is answered by them */
    {"/apis/policy/v1/namespaces/shop/poddisruptionbudgets/shop",
     "{'spec':{'minAvailable':1,'selector':{'matchLabels':{'app':'shop'}}},'status':{"
     "'disruptionsAllowed':1}}"},
    {"/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices/shop-x",
     "{'metadata':{'labels':{'kubernetes.io/service-name':'shop'}},'endpoints':[]}"},
    {"/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/shop",
     "{'webhooks':[{'name':'pods.shop.example.com','failurePolicy':'Fail','rules':[{'apiGroups':"
     "[''],'apiVersions':['v1'],'operations':['CREATE'],'resources':['pods']}],'clientConfig':{"
     "'service':{'namespace':'shop','name':'shop'}}}]}"},
    /* and one whose pods went away long ago (F49) */
    {"/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/" RD_SCENERY_WEBHOOK,
     "{'webhooks':[{'name':'audit.example.com','failurePolicy':'Fail','rules':[{'apiGroups':['*'],"
     "'apiVersions':['*'],'operations':['*'],'resources':['pods']}],'clientConfig':{'service':{"
     "'namespace':'audit','name':'audit'}}}]}"},
    {"/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/"
     "network-node-identity.openshift.io",
     "{'webhooks':[{'name':'node.network-node-identity.openshift.io','failurePolicy':'Fail',"
     "'clientConfig':{'url':'https://127.0.0.1:9743/node'}}]}"},
};

static const char *const static_pod_operators[] = {"etcds", "kubeapiservers",
						   "kubecontrollermanagers", "kubeschedulers"};
static const char *const cluster_operators[] = {
    "etcd",	      "kube-apiserver", "kube-controller-manager", "kube-scheduler",
    "machine-config", "network",	"openshift-apiserver",	   "authentication"};

G_GNUC_PRINTF(4, 5)
static void
put(RdSimStore *store, double time, const char *path, const char *format, ...)
{
	g_autoptr(GString) text = g_string_new(NULL);
	va_list args;

	va_start(args, format);
	g_string_append_vprintf(text, format, args);
	va_end(args);
	g_string_replace(text, "'", "\"", 0);
	rd_sim_store_put(store, path, text->str, time);
}

void
rd_scenery_put_node(RdSimStore *store, const RdSimHost *host, const char *uid, double time)
{
	g_autofree char *path = g_strdup_printf("/api/v1/nodes/%s", host->name);
	g_autofree char *lease = g_strdup_printf(
	    "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/%s", host->name);
	g_autofree char *pod = g_strdup_printf(
	    "/api/v1/namespaces/openshift-ovn-kubernetes/pods/ovnkube-node-%s", host->name);
	g_autofree char *pod_json = rd_sim_pod_json("DaemonSet", "ovnkube-node", host->name);
	const char *role = host->worker ? "worker" : "master";
	const char *role_too = host->worker ? "node" : "control-plane";
	g_autoptr(GDateTime) then = g_date_time_new_from_unix_utc((gint64)time);
	g_autofree char *when = g_date_time_format(then, "%Y-%m-%dT%H:%M:%SZ");
	g_autofree char *renewed = g_date_time_format(then, "%Y-%m-%dT%H:%M:%S.000000Z");

	put(store, time, path,
	    "{'metadata':{'uid':'%s','labels':{'node-role.kubernetes.io/%s':'',"
	    "'node-role.kubernetes.io/%s':'','kubernetes.io/hostname':'%s'}},'spec':{},"
	    "'status':{'addresses':[{'type':'InternalIP','address':'%s'},{'type':'Hostname',"
	    "'address':'%s'}],'conditions':[{'type':'Ready','status':'True','reason':'KubeletReady'"
	    ","
	    "'lastHeartbeatTime':'%s','lastTransitionTime':'%s'}],'daemonEndpoints':{"
	    "'kubeletEndpoint':{'Port':10250}},'nodeInfo':{'bootID':'%s','machineID':'%s',"
	    "'kubeletVersion':'v1.30.7'}}}",
	    uid, role, role_too, host->name, host->address, host->name, when, when, host->boot_id,
	    host->machine_id);
	put(store, time, lease,
	    "{'metadata':{'ownerReferences':[{'apiVersion':'v1','kind':'Node','name':'%s','uid':"
	    "'%s'}]},'spec':{'holderIdentity':'%s','leaseDurationSeconds':40,'renewTime':'%s'}"
	    "}",
	    host->name, uid, host->name, renewed);
	if (rd_sim_store_find(store, pod) == NULL)
		rd_sim_store_put(store, pod, pod_json, time);
}

static void
add_static_operator(RdSimStore *store, guint at, const char *nodes, const char *names, double time)
{
	g_autofree char *path =
	    g_strdup_printf("/apis/operator.openshift.io/v1/%s/cluster", static_pod_operators[at]);
	g_autofree char *map = g_strdup_printf(
	    "/api/v1/namespaces/openshift-%s/configmaps/%s-pod-" RD_SCENERY_REVISION_TEXT,
	    cluster_operators[at], cluster_operators[at]);

	put(store, time, path,
	    "{'spec':{'managementState':'Managed','forceRedeploymentReason':''},'status':{"
	    "'latestAvailableRevision':%d,'conditions':[{'type':'NodeInstallerProgressing',"
	    "'status':'False','reason':'AllNodesAtLatestRevision'},{'type':"
	    "'NodeInstallerDegraded','status':'False','reason':'AsExpected'}%s],"
	    "'nodeStatuses':[%s]}}",
	    RD_SCENERY_REVISION,
	    at == 0 ? ",{'type':'EtcdMembersAvailable','status':'True','reason':'EtcdQuorate'}"
		    : "",
	    nodes);
	put(store, time, map, "{'data':{'forceRedeploymentReason':''%s%s%s}}",
	    at == 0 ? ",'nodes':'" : "", at == 0 ? names : "", at == 0 ? "'" : "");
}

/* each with a lease in a namespace of its own, by which one sees that it is at home */
static void
add_cluster_operator(RdSimStore *store, const char *name, double time)
{
	g_autofree char *path =
	    g_strdup_printf("/apis/config.openshift.io/v1/clusteroperators/%s", name);
	g_autofree char *lease = g_strdup_printf(
	    "/apis/coordination.k8s.io/v1/namespaces/openshift-%s-operator/leases/%s-operator-lock",
	    name, name);
	g_autofree char *when = rd_sim_time_text(time);

	put(store, time, path,
	    "{'status':{'conditions':[{'type':'Available','status':'True'},{'type':'Progressing',"
	    "'status':'False'},{'type':'Degraded','status':'False'}],'relatedObjects':[{'group':'',"
	    "'resource':'namespaces','name':'openshift-%s-operator'}%s]}}",
	    name,
	    g_str_equal(name, "network")
		? ",{'group':'','resource':'namespaces','name':'openshift-ovn-kubernetes'}"
		: "");
	put(store, time, lease,
	    "{'spec':{'holderIdentity':'%s-operator-7d9','leaseDurationSeconds':137,'renewTime':"
	    "'%.19s.000000Z'}}",
	    name, when);
}

static void
add_operators(RdSimStore *store, const RdSimCluster *cluster, double time)
{
	g_autoptr(GString) nodes = g_string_new(NULL), names = g_string_new(NULL);

	for (guint i = 0; i < cluster->hosts->len; i++) {
		const RdSimHost *host = g_ptr_array_index(cluster->hosts, i);

		if (host->worker)
			continue;
		g_string_append_printf(
		    nodes, "%s{'nodeName':'%s','currentRevision':%d,'targetRevision':0}",
		    i > 0 ? "," : "", host->name, RD_SCENERY_REVISION);
		g_string_append_printf(names, "%s%s", i > 0 ? "," : "", host->name);
	}
	for (guint i = 0; i < G_N_ELEMENTS(static_pod_operators); i++)
		add_static_operator(store, i, nodes->str, names->str, time);
	for (guint i = 0; i < G_N_ELEMENTS(cluster_operators); i++)
		add_cluster_operator(store, cluster_operators[i], time);
}

/* @n pods of a deployment, on the hosts of that role in turn */
static void
add_pods(RdSimStore *store, const RdSimCluster *cluster, const char *namespace, const char *app,
	 gboolean workers, guint n, double time)
{
	for (guint i = 0; i < cluster->hosts->len && n > 0; i++) {
		const RdSimHost *host = g_ptr_array_index(cluster->hosts, i);
		g_autofree char *path =
		    g_strdup_printf("/api/v1/namespaces/%s/pods/%s-%s", namespace, app, host->name);
		g_autofree char *json = rd_sim_pod_json("ReplicaSet", app, host->name);

		if (host->worker != workers)
			continue;
		rd_sim_store_put(store, path, json, time);
		n--;
	}
}

/* the customer's two pods, where there are workers */
static void
add_shop(RdSimStore *store, const RdSimCluster *cluster, double time)
{
	put(store, time, "/apis/apps/v1/namespaces/shop/deployments/shop",
	    "{'spec':{'replicas':2,'template':{'spec':{'nodeSelector':{'node-role.kubernetes.io/"
	    "worker':''}}}}}");
	add_pods(store, cluster, "shop", "shop", TRUE, 2, time);
}

void
rd_scenery_add_machines(RdSimCluster *cluster, RdSimStore *store, gboolean active, double time)
{
	for (guint i = 0; i < cluster->hosts->len; i++) {
		const RdSimHost *host = g_ptr_array_index(cluster->hosts, i);
		g_autofree char *name = g_strdup_printf("kite-master-%u", i);

		if (!host->worker)
			rd_sim_machine_put(store, name, host, time);
	}
	if (!active)
		return;
	rd_sim_store_serve(store, RD_SIM_MACHINE_SETS, "ControlPlaneMachineSet");
	put(store, time, RD_SIM_MACHINE_SET, "{'spec':{'state':'Active','replicas':3}}");
}

/* what happened since the backup, and is to be undone by the restore */
static void
pass_the_day(RdSimApi *self)
{
	RdSimStore *store = rd_sim_api_get_store(self);

	rd_sim_store_remove(store, RD_SCENERY_KEPT);
	put(store, rd_sim_api_get_time(self), RD_SCENERY_ADDED, "{}");
}

RdSimApi *
rd_scenery_api(RdSimCluster *cluster, const char *host)
{
	return rd_scenery_api_with(cluster, host, NULL, NULL);
}

RdSimApi *
rd_scenery_api_with(RdSimCluster *cluster, const char *host,
		    void (*past)(RdSimStore *store, double time, gpointer data), gpointer data)
{
	RdSimApi *self = rd_sim_api_new(cluster, host);
	RdSimStore *store = rd_sim_api_get_store(self);
	double time = rd_sim_api_get_time(self) - LAST_NIGHT;

	for (guint i = 0; i < G_N_ELEMENTS(kinds); i++)
		rd_sim_store_serve(store, kinds[i].collection, kinds[i].kind);
	for (guint i = 0; i < G_N_ELEMENTS(singles); i++)
		put(store, time, singles[i].path, "%s", singles[i].json);
	for (guint i = 0; i < cluster->hosts->len; i++) {
		RdSimHost *one = g_ptr_array_index(cluster->hosts, i);
		g_autofree char *uid = g_strdup_printf("node-%s", one->name);

		rd_scenery_put_node(store, one, uid, time);
		if (!one->worker)
			rd_sim_tree_mkdirs(one->tree, SERVER_CERTIFICATES);
	}
	add_operators(store, cluster, time);
	add_pods(store, cluster, "openshift-ovn-kubernetes", "ovnkube-control-plane", FALSE, 2,
		 time);
	add_shop(store, cluster, time);
	put(store, time, RD_SCENERY_KEPT, "{}");
	if (past != NULL)
		past(store, time, data);
	rd_sim_api_take_snapshot(self);
	pass_the_day(self);
	return self;
}
