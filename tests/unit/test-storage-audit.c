/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plugins/storage/audit.h"
#include <string.h>

/* The storage audit, pure: a healthy cluster, and in each case one fault planted beside it. What is
 * found has to be exactly that: the healthy twins stand beside in every case, and none is named. */

#define SINCE 1795000000.0 /* 2026-11-18T11:06:40Z, the restore */
#define NOW   1795001000.0
#define FRESH "2026-11-18T11:23:00Z"
#define STALE "2026-11-18T03:00:00Z"

/* lists by the names that the copy has; single quotes stand for double ones */
typedef struct {
	const char *list, *json;
} Part;

static const Part healthy[] = {
    {"nodes", "[{'metadata':{'name':'w0','labels':{'kubernetes.io/hostname':'w0'}},'status':{"
	      "'conditions':[{'type':'Ready','status':'True'}]}},"
	      "{'metadata':{'name':'w1','labels':{'kubernetes.io/hostname':'w1'}},'status':{"
	      "'conditions':[{'type':'Ready','status':'True'}]}}]"},
    {"leases", "[{'metadata':{'name':'w0'},'spec':{'holderIdentity':'w0','renewTime':"
	       "'2026-11-18T11:23:10.000000Z'}},"
	       "{'metadata':{'name':'w1'},'spec':{'holderIdentity':'w1','renewTime':"
	       "'2026-11-18T11:23:10.000000Z'}}]"},
    {"csidrivers", "[{'metadata':{'name':'csi.example'},'spec':{'attachRequired':true}},"
		   "{'metadata':{'name':'nfs.example'},'spec':{'attachRequired':false}}]"},
    {"csinodes", "[{'metadata':{'name':'w0'},'spec':{'drivers':[{'name':'csi.example'}]}},"
		 "{'metadata':{'name':'w1'},'spec':{'drivers':[{'name':'csi.example'},{'name':"
		 "'nfs.example'}]}}]"},
    {"storageclasses", "[{'metadata':{'name':'fast'},'provisioner':'csi.example','parameters':{"
		       "'csi.storage.k8s.io/provisioner-secret-name':'keys',"
		       "'csi.storage.k8s.io/provisioner-secret-namespace':'drivers',"
		       "'csi.storage.k8s.io/node-stage-secret-name':'${pvc.name}'}}]"},
    {"persistentvolumes",
     "[{'metadata':{'name':'pv-ok','uid':'u-ok','creationTimestamp':'2026-01-01T00:00:00Z'},"
     "'spec':{'accessModes':['ReadWriteOnce'],'persistentVolumeReclaimPolicy':'Delete',"
     "'storageClassName':'fast','csi':{'driver':'csi.example','volumeHandle':"
     "'vol-aaaabbbbcccc0001'},'claimRef':{'namespace':'app','name':'ok','uid':'c-ok'}},"
     "'status':{'phase':'Bound'}},"
     "{'metadata':{'name':'pv-nfs','uid':'u-nfs','creationTimestamp':'2026-01-01T00:00:00Z'},"
     "'spec':{'accessModes':['ReadWriteMany'],'persistentVolumeReclaimPolicy':'Retain',"
     "'csi':{'driver':'nfs.example','volumeHandle':'server/share0123456789'},"
     "'claimRef':{'namespace':'app','name':'shared','uid':'c-nfs'}},'status':{'phase':'Bound'}},"
     "{'metadata':{'name':'local-pv-ee782e26','uid':'u-local','creationTimestamp':"
     "'2026-01-01T00:00:00Z','labels':{'storage.openshift.com/owner-kind':'LocalVolume',"
     "'storage.openshift.com/owner-name':'disks','storage.openshift.com/owner-namespace':"
     "'openshift-local-storage'},'annotations':{'storage.openshift.com/device-id':'wwn-0x01'}},"
     "'spec':{'accessModes':['ReadWriteOnce'],'persistentVolumeReclaimPolicy':'Delete',"
     "'storageClassName':'local-sc','local':{'path':'/mnt/local-storage/local-sc/wwn-0x01'},"
     "'nodeAffinity':{'required':{'nodeSelectorTerms':[{'matchExpressions':[{'key':"
     "'kubernetes.io/hostname','operator':'In','values':['w0']}]}]}},"
     "'claimRef':{'namespace':'app','name':'disk','uid':'c-disk'}},'status':{'phase':'Bound'}}]"},
    {"persistentvolumeclaims",
     "[{'metadata':{'namespace':'app','name':'ok','uid':'c-ok'},'spec':{'volumeName':'pv-ok',"
     "'storageClassName':'fast'},'status':{'phase':'Bound'}},"
     "{'metadata':{'namespace':'app','name':'shared','uid':'c-nfs'},'spec':{'volumeName':"
     "'pv-nfs'},'status':{'phase':'Bound'}},"
     "{'metadata':{'namespace':'app','name':'disk','uid':'c-disk'},'spec':{'volumeName':"
     "'local-pv-ee782e26'},'status':{'phase':'Bound'}},"
     "{'metadata':{'namespace':'app','name':'waits','uid':'c-waits'},'spec':{'storageClassName':"
     "'fast'},'status':{'phase':'Pending'}}]"},
    {"volumeattachments",
     "[{'metadata':{'name':'va-ok','uid':'a-ok'},'spec':{'attacher':'csi.example','nodeName':'w0',"
     "'source':{'persistentVolumeName':'pv-ok'}},'status':{'attached':true}}]"},
    {"pods", "[{'metadata':{'namespace':'app','name':'db-0','uid':'p-ok'},'spec':{'nodeName':'w0',"
	     "'volumes':[{'name':'d','persistentVolumeClaim':{'claimName':'ok'}},{'name':'l',"
	     "'persistentVolumeClaim':{'claimName':'disk'}},{'name':'s','emptyDir':{}}]},'status':{"
	     "'phase':'Running','conditions':[{'type':'Ready','status':'True'}]}},"
	     "{'metadata':{'namespace':'app','name':'web-1','uid':'p-nfs'},'spec':{'nodeName':'w1',"
	     "'volumes':[{'name':'d','persistentVolumeClaim':{'claimName':'shared'}}]},'status':{"
	     "'phase':'Running','conditions':[{'type':'Ready','status':'True'}]}}]"},
    {"statefulsets", "[{'metadata':{'namespace':'app','name':'db'},'spec':{'replicas':1,"
		     "'volumeClaimTemplates':[{'metadata':{'name':'data'}}]},'status':{"
		     "'readyReplicas':1}}]"},
    /* what the snapshot remembers of the day before */
    {"events",
     "[{'reason':'FailedAttachVolume','lastTimestamp':'" STALE "','involvedObject':{'kind':'Pod',"
     "'namespace':'app','name':'db-0'},'message':'Multi-Attach error for volume \"pv-ok\" '}]"},
    {"clusteroperators",
     "[{'metadata':{'name':'storage'},'status':{'conditions':[{'type':'Degraded','status':'True',"
     "'lastTransitionTime':'" STALE "','message':'401'}]}}]"},
    {"credentialsrequests", "[]"},
    {"localvolumes", "[]"},
    {"localvolumesets", "[]"},
};

#define W0_LINKS   "l\tb\t/mnt/local-storage/local-sc/wwn-0x01\t/dev/disk/by-id/wwn-0x01\n"
#define W0_DEVICES "b\tb\t/dev/sdb\t\nl\tb\t/dev/disk/by-id/wwn-0x01\t../../sdb\n"
#define W0_MOUNTS                                                                                  \
	"/ /dev/sda1\n"                                                                            \
	"/var/lib/kubelet/pods/p-ok/volumes/kubernetes.io~csi/pv-ok/mount /dev/sdc\n"
#define W1_MOUNTS                                                                                  \
	"/ /dev/sda1\n"                                                                            \
	"/var/lib/kubelet/pods/p-nfs/volumes/kubernetes.io~csi/pv-nfs/mount server:/share\n"

#define MANY 6
typedef struct {
	const char *name;
	Part more[MANY];		      /* put behind the healthy ones */
	Part before[MANY];		      /* of the copy; without any there is none */
	const char *links, *devices, *mounts; /* of w0, behind the healthy ones */
	const char *w1_mounts;
	const char *w2_links; /* w2 has no other healthy ones; not NULL: it was looked at */
	gboolean w0_unseen;
	const char *expected; /* lines "SEVERITY KIND OBJECT@NODE [gates] [remedy]" */
	const char *evidence; /* has to stand in the first */
} Case;

/* what is needed again and again */
#define GHOST(name, claim, phase, policy)                                                          \
	"[{'metadata':{'name':'" name "','uid':'u-" name "','creationTimestamp':"                  \
	"'2026-01-01T00:00:00Z'},'spec':{'accessModes':['ReadWriteOnce'],"                         \
	"'persistentVolumeReclaimPolicy':'" policy "','csi':{'driver':'csi.example',"              \
	"'volumeHandle':'vol-ffffeeeedddd0002'},'claimRef':{'namespace':'app','name':'" claim      \
	"','uid':'c-" claim "'}},'status':{'phase':'" phase "'}}]"
#define GHOST_CLAIM(name, volume)                                                                  \
	"[{'metadata':{'namespace':'app','name':'" name "','uid':'c-" name                         \
	"'},'spec':{'volumeName':'" volume "','storageClassName':'fast'}}]"
#define POD(name, node, claim)                                                                     \
	"[{'metadata':{'namespace':'app','name':'" name "','uid':'p-" name                         \
	"'},'spec':{'nodeName':'" node "','volumes':[{'name':'d','persistentVolumeClaim':{"        \
	"'claimName':'" claim "'}}]},'status':{'phase':'Pending'}}]"
#define ATTACHED(volume, node)                                                                     \
	"[{'metadata':{'name':'va-x','uid':'a-x'},'spec':{'attacher':'csi.example','nodeName':"    \
	"'" node "','source':{'persistentVolumeName':'" volume "'}},'status':{'attached':true}}]"
#define EVENT(reason, pod, time, message)                                                          \
	"[{'reason':'" reason "','lastTimestamp':'" time "','involvedObject':{'kind':'Pod',"       \
	"'namespace':'app','name':'" pod "'},'message':'" message "'}]"
#define LOCAL(name, path, host, phase, policy, claim)                                              \
	"[{'metadata':{'name':'" name "','uid':'u-" name "','creationTimestamp':"                  \
	"'2026-01-01T00:00:00Z','labels':{'storage.openshift.com/owner-kind':'LocalVolume'},"      \
	"'annotations':{'storage.openshift.com/device-id':'wwn-0x02'}},'spec':{"                   \
	"'persistentVolumeReclaimPolicy':'" policy "','storageClassName':'local-sc','local':{"     \
	"'path':'" path "'},'nodeAffinity':{'required':{'nodeSelectorTerms':[{'matchExpressions'"  \
	":[{'key':'kubernetes.io/hostname','operator':'In','values':['" host "']}]}]}}" claim      \
	"},'status':{'phase':'" phase "'}}]"
#define CLAIMED ",'claimRef':{'namespace':'app','name':'old','uid':'c-old'}"
#define PATH2	"/mnt/local-storage/local-sc/wwn-0x02"
#define BY_ID2	"/dev/disk/by-id/wwn-0x02"

static const Case cases[] = {
    {"healthy", .expected = ""},

    /* ---- gone at the provider ---- */
    {"gone",
     {{"persistentvolumes", GHOST("pv-my", "data-my-0", "Bound", "Delete")},
      {"persistentvolumeclaims", GHOST_CLAIM("data-my-0", "pv-my")},
      {"pods", POD("my-0", "w1", "data-my-0")},
      {"statefulsets", "[{'metadata':{'namespace':'app','name':'my'},'spec':{'replicas':1,"
		       "'volumeClaimTemplates':[{'metadata':{'name':'data'}}]},'status':{}}]"},
      {"events", EVENT("FailedAttachVolume", "my-0", FRESH,
		       "AttachVolume.Attach failed for volume \"pv-my\" : rpc error: code = "
		       "NotFound desc = Volume vol-ffffeeeedddd0002 not found")}},
     .expected = "critical volume-gone PersistentVolume/pv-my@w1 gates\n"
		 "warning workload-stuck Pod/app/my-0@w1\n"
		 "warning workload-stuck StatefulSet/app/my@\n",
     .evidence = "does not know csi:csi.example:vol-ffffeeeedddd0002"},
    {"gone, says the past",
     {{"persistentvolumes", GHOST("pv-my", "data-my-0", "Bound", "Delete")},
      {"persistentvolumeclaims", GHOST_CLAIM("data-my-0", "pv-my")},
      {"pods", POD("my-0", "w1", "data-my-0")},
      {"events", EVENT("FailedAttachVolume", "my-0", STALE,
		       "AttachVolume.Attach failed for volume \"pv-my\" : not found")}},
     .expected = ""},
    {"a pod that is well again",
     {{"events", EVENT("FailedMount", "db-0", FRESH,
		       "MountVolume.SetUp failed for volume \"pv-ok\" : not found")}},
     .expected = ""},
    {"another thing is not found",
     {{"persistentvolumes", GHOST("pv-my", "my", "Bound", "Delete")},
      {"persistentvolumeclaims", GHOST_CLAIM("my", "pv-my")},
      {"pods", POD("my-0", "w1", "my")},
      {"events", EVENT("FailedMount", "my-0", FRESH,
		       "MountVolume.SetUp failed for volume \"config\" : configmap \"my\" not "
		       "found")}},
     .expected = ""},
    {"gone, by the attacher",
     {{"persistentvolumes", GHOST("pv-my", "my", "Bound", "Delete")},
      {"persistentvolumeclaims", GHOST_CLAIM("my", "pv-my")},
      {"pods", POD("my-0", "w1", "my")},
      {"volumeattachments",
       "[{'metadata':{'name':'va-x','uid':'a-x'},'spec':{'attacher':'csi.example','nodeName':'w1',"
       "'source':{'persistentVolumeName':'pv-my'}},'status':{'attached':false,'attachError':{"
       "'time':'" FRESH "','message':'InvalidVolume.NotFound: vol-ffff'}}}]"}},
     .expected = "critical volume-gone PersistentVolume/pv-my@w1 gates\n"
		 "warning workload-stuck Pod/app/my-0@w1\n"},

    {"gone, said the attacher in the past",
     {{"persistentvolumes", GHOST("pv-my", "my", "Bound", "Delete")},
      {"persistentvolumeclaims", GHOST_CLAIM("my", "pv-my")},
      {"pods", POD("my-0", "w1", "my")},
      {"volumeattachments",
       "[{'metadata':{'name':'va-x','uid':'a-x'},'spec':{'attacher':'csi.example','nodeName':'w1',"
       "'source':{'persistentVolumeName':'pv-my'}},'status':{'attached':false,'attachError':{"
       "'time':'" STALE "','message':'InvalidVolume.NotFound: vol-ffff'}}}]"}},
     .expected = ""},

    /* ---- attached elsewhere ---- */
    {"attached elsewhere, provably unused",
     {{"persistentvolumes", GHOST("pv-a", "a", "Bound", "Delete")},
      {"persistentvolumeclaims", GHOST_CLAIM("a", "pv-a")},
      {"pods", POD("p1", "w1", "a")},
      {"volumeattachments", ATTACHED("pv-a", "w0")}},
     .expected = "critical attached-elsewhere VolumeAttachment/va-x@w0 gates "
		 "storage/detach-unused\n"
		 "warning workload-stuck Pod/app/p1@w1\n",
     .evidence = "Pod/app/p1 wants it on w1; nothing is mounted there"},
    {"attached elsewhere, and mounted",
     {{"persistentvolumes", GHOST("pv-a", "a", "Bound", "Delete")},
      {"persistentvolumeclaims", GHOST_CLAIM("a", "pv-a")},
      {"pods", POD("p1", "w1", "a")},
      {"volumeattachments", ATTACHED("pv-a", "w0")}},
     .mounts = "/var/lib/kubelet/plugins/kubernetes.io/csi/pv/pv-a/globalmount /dev/sdd\n",
     .expected = "critical attached-elsewhere VolumeAttachment/va-x@w0 gates\n"
		 "warning workload-stuck Pod/app/p1@w1\n",
     .evidence = "w0 has it mounted at /var/lib/kubelet/plugins/kubernetes.io/csi/pv/pv-a"},
    {"attached elsewhere, mounted under the sum of its handle",
     {{"persistentvolumes", GHOST("pv-a", "a", "Bound", "Delete")},
      {"persistentvolumeclaims", GHOST_CLAIM("a", "pv-a")},
      {"pods", POD("p1", "w1", "a")},
      {"volumeattachments", ATTACHED("pv-a", "w0")}},
     .mounts = "/var/lib/kubelet/plugins/kubernetes.io/csi/csi.example/"
	       "da8c7d0ef1fb5bbb52a6d4d4ab9c0e1e7ec2b1dbdbf4b1ffda2d2d9f9bb1d0aa/globalmount x\n"
	       "/var/lib/kubelet/plugins/kubernetes.io/csi/csi.example/@SUM@/globalmount /dev/x\n",
     .expected = "critical attached-elsewhere VolumeAttachment/va-x@w0 gates\n"
		 "warning workload-stuck Pod/app/p1@w1\n",
     .evidence = "not proven: w0 has it mounted"},
    {"attached, and nobody wants it",
     {{"persistentvolumes", GHOST("pv-a", "a", "Bound", "Delete")},
      {"persistentvolumeclaims", GHOST_CLAIM("a", "pv-a")},
      {"volumeattachments", ATTACHED("pv-a", "w0")}},
     .expected = "warning attachment-unused VolumeAttachment/va-x@w0 storage/detach-unused\n"},
    {"attached, the host was not looked at",
     {{"persistentvolumes", GHOST("pv-a", "a", "Bound", "Delete")},
      {"persistentvolumeclaims", GHOST_CLAIM("a", "pv-a")},
      {"volumeattachments", ATTACHED("pv-a", "w0")}},
     .w0_unseen = TRUE,
     .expected = "warning attachment-unused VolumeAttachment/va-x@w0 gates\n"
		 "note not-looked Node/w0@w0\n",
     .evidence = "w0 itself was not looked at"},
    {"attached, its volume is not in the API",
     {{"volumeattachments", ATTACHED("pv-nobody", "w0")}},
     .expected = "warning attachment-unused VolumeAttachment/va-x@w0 gates\n",
     .evidence = "there is no PersistentVolume pv-nobody"},
    {"attached to a node that is silent",
     {{"nodes", "[{'metadata':{'name':'w2'},'status':{'conditions':[{'type':'Ready','status':"
		"'True'}]}}]"},
      {"leases", "[{'metadata':{'name':'w2'},'spec':{'holderIdentity':'w2','renewTime':"
		 "'2026-11-18T03:00:00.000000Z'}}]"},
      {"persistentvolumes", GHOST("pv-a", "a", "Bound", "Delete")},
      {"persistentvolumeclaims", GHOST_CLAIM("a", "pv-a")},
      {"volumeattachments", ATTACHED("pv-a", "w2")}},
     .w2_links = "",
     .expected = "warning attachment-unused VolumeAttachment/va-x@w2 gates\n",
     .evidence = "its kubelet was not seen since the restore"},
    {"attached, and the kubelet says in use",
     {{"nodes",
       "[{'metadata':{'name':'w2'},'status':{'conditions':[{'type':'Ready','status':"
       "'True'}],'volumesInUse':['kubernetes.io/csi/csi.example^vol-ffffeeeedddd0002']}}]"},
      {"leases", "[{'metadata':{'name':'w2'},'spec':{'holderIdentity':'w2','renewTime':"
		 "'2026-11-18T11:23:10.000000Z'}}]"},
      {"persistentvolumes", GHOST("pv-a", "a", "Bound", "Delete")},
      {"persistentvolumeclaims", GHOST_CLAIM("a", "pv-a")},
      {"volumeattachments", ATTACHED("pv-a", "w2")}},
     .w2_links = "",
     .expected = "warning attachment-unused VolumeAttachment/va-x@w2 gates\n",
     .evidence = "the kubelet of w2 says that it is in use"},
    {"mounted where the API knows nothing",
     {{"persistentvolumes", GHOST("pv-a", "a", "Bound", "Delete")},
      {"persistentvolumeclaims", GHOST_CLAIM("a", "pv-a")}},
     .w1_mounts = "/var/lib/kubelet/pods/gone/volumes/kubernetes.io~csi/pv-a/mount /dev/sdx\n",
     .expected = "critical attached-elsewhere PersistentVolume/pv-a@w1 gates\n",
     .evidence = "the API knows of no attachment there, nor of a pod"},
    {"its device is there, and the API knows nothing",
     {{"persistentvolumes", GHOST("pv-a", "a", "Bound", "Delete")},
      {"persistentvolumeclaims", GHOST_CLAIM("a", "pv-a")}},
     .devices = "l\tb\t/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_volffffeeeedddd0002\t"
		"../../nvme3n1\n",
     .expected = "critical attached-elsewhere PersistentVolume/pv-a@w0 gates\n",
     .evidence = "nvme-Amazon_Elastic_Block_Store_volffffeeeedddd0002"},
    {"multi-attach",
     {{"persistentvolumes", GHOST("pv-a", "a", "Bound", "Delete")},
      {"persistentvolumeclaims", GHOST_CLAIM("a", "pv-a")},
      {"pods", POD("p1", "w1", "a")},
      {"events", EVENT("FailedAttachVolume", "p1", FRESH,
		       "Multi-Attach error for volume \"pv-a\" Volume is already exclusively "
		       "attached to one node and can not be attached to another")}},
     .mounts = "/var/lib/kubelet/plugins/kubernetes.io/csi/volumeDevices/publish/pv-a/u /dev/d\n",
     .expected = "critical attached-elsewhere PersistentVolume/pv-a@w0 gates\n"
		 "critical attached-elsewhere PersistentVolume/pv-a@w1 gates\n"
		 "warning workload-stuck Pod/app/p1@w1\n"},

    /* ---- credentials ---- */
    {"credentials, by the attacher",
     {{"persistentvolumes", GHOST("pv-a", "a", "Bound", "Delete")},
      {"persistentvolumeclaims", GHOST_CLAIM("a", "pv-a")},
      {"pods", POD("p1", "w1", "a")},
      {"volumeattachments",
       "[{'metadata':{'name':'va-x','uid':'a-x'},'spec':{'attacher':'csi.example','nodeName':'w1',"
       "'source':{'persistentVolumeName':'pv-a'}},'status':{'attached':false,'attachError':{"
       "'time':'" FRESH "','message':'rpc error: code = Unauthenticated'}}}]"}},
     .expected = "critical credentials-rotated CSIDriver/csi.example@\n",
     .evidence = "Secrets: drivers/keys"},
    {"credentials, for a new volume",
     {{"events", "[{'reason':'ProvisioningFailed','lastTimestamp':'" FRESH
		 "','involvedObject':{'kind':'PersistentVolumeClaim','namespace':'app','name':"
		 "'waits'},'message':'failed to provision volume: status code: 403, id 12'}]"}},
     .expected = "critical credentials-rotated CSIDriver/csi.example@\n"},
    {"credentials, by their operator",
     {{"credentialsrequests",
       "[{'metadata':{'namespace':'openshift-cloud-credential-operator','name':'ebs'},'spec':{"
       "'secretRef':{'namespace':'csi','name':'creds'}},'status':{'conditions':[{'type':"
       "'CredentialsProvisionFailure','status':'True','lastProbeTime':'" FRESH
       "','message':'failed to grant creds'}]}},"
       "{'metadata':{'namespace':'openshift-cloud-credential-operator','name':'old'},'status':{"
       "'conditions':[{'type':'CredentialsProvisionFailure','status':'True','lastProbeTime':'" STALE
       "'}]}}]"}},
     .expected = "critical credentials-rotated "
		 "CredentialsRequest/openshift-cloud-credential-operator/ebs@\n",
     .evidence = "it makes Secret csi/creds"},
    {"credentials, by an operator's condition",
     {{"clusteroperators",
       "[{'metadata':{'name':'cloud-credential'},'status':{'conditions':[{'type':'Degraded',"
       "'status':'True','lastTransitionTime':'" FRESH "','message':'AuthFailure'}]}}]"}},
     .expected = "critical credentials-rotated ClusterOperator/cloud-credential@\n"},
    {"a driver that the node has not",
     {{"persistentvolumes",
       "[{'metadata':{'name':'pv-n2','uid':'u-n2'},'spec':{'csi':{'driver':'nfs.example',"
       "'volumeHandle':'h'},'claimRef':{'namespace':'app','name':'n2','uid':'c-n2'}},'status':{"
       "'phase':'Bound'}}]"},
      {"persistentvolumeclaims", GHOST_CLAIM("n2", "pv-n2")},
      {"pods", POD("n2", "w0", "n2")}},
     .expected = "warning driver-missing CSIDriver/nfs.example@w0\n"},

    /* ---- devices ---- */
    {"dangling, unclaimed",
     {{"persistentvolumes", LOCAL("local-pv-8fb003f7", PATH2, "w0", "Available", "Delete", "")}},
     .links = "l\tN\t" PATH2 "\t" BY_ID2 "\n",
     .expected = "warning device-gone PersistentVolume/local-pv-8fb003f7@w0 "
		 "storage/remove-dangling\n",
     .evidence = PATH2 " leads to " BY_ID2 ", which is not there"},
    {"dangling, Bound",
     {{"persistentvolumes", LOCAL("local-pv-8fb003f7", PATH2, "w0", "Bound", "Delete", CLAIMED)}},
     .links = "l\tN\t" PATH2 "\t" BY_ID2 "\n",
     .expected = "critical device-gone PersistentVolume/local-pv-8fb003f7@w0 gates\n"},
    {"dangling, released, Delete",
     {{"persistentvolumes",
       LOCAL("local-pv-8fb003f7", PATH2, "w0", "Released", "Delete", CLAIMED)}},
     .links = "l\tN\t" PATH2 "\t" BY_ID2 "\n",
     .expected = "warning device-gone PersistentVolume/local-pv-8fb003f7@w0\n"},
    {"dangling, released, Retain",
     {{"persistentvolumes",
       LOCAL("local-pv-8fb003f7", PATH2, "w0", "Released", "Retain", CLAIMED)}},
     .links = "l\tN\t" PATH2 "\t" BY_ID2 "\n",
     .expected = "warning device-gone PersistentVolume/local-pv-8fb003f7@w0 "
		 "storage/remove-dangling\n"},
    {"dangling, Available, but a claim knows it",
     {{"persistentvolumes", LOCAL("local-pv-8fb003f7", PATH2, "w0", "Available", "Delete", "")},
      {"persistentvolumeclaims", GHOST_CLAIM("early", "local-pv-8fb003f7")}},
     .links = "l\tN\t" PATH2 "\t" BY_ID2 "\n",
     .expected = "warning device-gone PersistentVolume/local-pv-8fb003f7@w0\n"},
    {"dangling, but mounted",
     {{"persistentvolumes", LOCAL("local-pv-8fb003f7", PATH2, "w0", "Available", "Delete", "")}},
     .links = "l\tN\t" PATH2 "\t/dev/sdq\n",
     .mounts = "/mnt/by-hand /dev/sdq\n",
     .expected = "warning device-gone PersistentVolume/local-pv-8fb003f7@w0\n"},
    {"dangling, Available, but mounted by the kubelet",
     {{"persistentvolumes", LOCAL("local-pv-8fb003f7", PATH2, "w0", "Available", "Delete", "")}},
     .links = "l\tN\t" PATH2 "\t" BY_ID2 "\n",
     .mounts =
	 "/var/lib/kubelet/pods/u/volumes/kubernetes.io~local-volume/local-pv-8fb003f7 /dev/x\n",
     .expected = "warning device-gone PersistentVolume/local-pv-8fb003f7@w0\n"},
    {"dangling, on a Node that is not called after its host",
     {{"nodes", "[{'metadata':{'name':'w2','labels':{'kubernetes.io/hostname':'host2'}}}]"},
      {"persistentvolumes",
       LOCAL("local-pv-413ebe85", PATH2, "host2", "Bound", "Delete", CLAIMED)}},
     .w2_links = "l\tN\t" PATH2 "\t" BY_ID2 "\n",
     .expected = "critical device-gone PersistentVolume/local-pv-413ebe85@w2 gates\n"},
    {"good, on a Node that is not called after its host",
     {{"nodes", "[{'metadata':{'name':'w2','labels':{'kubernetes.io/hostname':'host2'}}}]"},
      {"persistentvolumes",
       LOCAL("local-pv-413ebe85", PATH2, "host2", "Bound", "Delete", CLAIMED)}},
     .w2_links = "l\tb\t" PATH2 "\t/dev/mapper/x\n",
     .expected = ""},
    {"no link",
     {{"persistentvolumes", LOCAL("local-pv-8fb003f7", PATH2, "w0", "Bound", "Delete", CLAIMED)}},
     .expected = "critical device-gone PersistentVolume/local-pv-8fb003f7@w0 gates\n",
     .evidence = "w0 has no " PATH2},
    {"renamed",
     {{"persistentvolumes", LOCAL("local-pv-8fb003f7", PATH2, "w0", "Bound", "Delete", CLAIMED)}},
     .links = "l\tb\t" PATH2 "\t/dev/sdb\n",
     .devices = "b\tb\t/dev/sdc\t\nl\tb\t" BY_ID2 "\t../../sdc\n",
     .expected = "critical device-other PersistentVolume/local-pv-8fb003f7@w0 gates\n",
     .evidence = "its own device, wwn-0x02, is /dev/sdc"},
    {"another device under its name",
     {{"persistentvolumes", LOCAL("local-pv-8fb003f7", PATH2, "w0", "Bound", "Delete", CLAIMED)}},
     .links = "l\tb\t" PATH2 "\t/dev/sdb\n",
     .expected = "critical device-other PersistentVolume/local-pv-8fb003f7@w0 gates\n",
     .evidence = "is not on w0 any more"},
    {"made for another link",
     {{"persistentvolumes", LOCAL("local-pv-12345678", PATH2, "w0", "Bound", "Delete", CLAIMED)}},
     .links = "l\tb\t" PATH2 "\t" BY_ID2 "\n",
     .devices = "b\tb\t/dev/sdc\t\nl\tb\t" BY_ID2 "\t../../sdc\n",
     .expected = "critical device-other PersistentVolume/local-pv-12345678@w0 gates\n",
     .evidence = "local-pv-8fb003f7"},
    {"a second good one",
     {{"persistentvolumes", LOCAL("local-pv-8fb003f7", PATH2, "w0", "Bound", "Delete", CLAIMED)}},
     .links = "l\tb\t" PATH2 "\t" BY_ID2 "\n",
     .devices = "b\tb\t/dev/sdc\t\nl\tb\t" BY_ID2 "\t../../sdc\n",
     .expected = ""},
    {"links without a volume",
     .links = "l\tN\t/mnt/local-storage/local-sc/lost\t/dev/sdz\n"
	      "l\tb\t/mnt/local-storage/local-sc/new\t/dev/sdb\n"
	      "l\t?\t/mnt/local-storage/local-sc/odd\t/dev/sdy\n"
	      "f\tf\t/mnt/local-storage/local-sc/file\t\n",
     .expected = "warning link-orphaned Link//mnt/local-storage/local-sc/lost@w0 "
		 "storage/remove-dangling\n"
		 "note link-orphaned Link//mnt/local-storage/local-sc/new@w0\n"
		 "note link-orphaned Link//mnt/local-storage/local-sc/odd@w0\n"},
    {"a host that was not looked at", .w0_unseen = TRUE,
     .expected = "note not-looked Node/w0@w0\n"},

    /* ---- against the copy of before ---- */
    {"orphaned at the provider",
     .before = {{"persistentvolumes", GHOST("pv-late", "late", "Bound", "Delete")}},
     .expected = "warning volume-orphaned PersistentVolume/pv-late@\n",
     .evidence = "csi:csi.example:vol-ffffeeeedddd0002, which nobody in the cluster knows; it was "
		 "claimed by app/late"},
    {"known under another name",
     {{"persistentvolumes", GHOST("pv-anew", "late", "Bound", "Delete")}},
     .before = {{"persistentvolumes", GHOST("pv-late", "late", "Bound", "Delete")}},
     .expected = ""},
    {"risen from the backup",
     {{"persistentvolumes", GHOST("pv-dead", "dead", "Bound", "Delete")},
      {"persistentvolumeclaims", GHOST_CLAIM("dead", "pv-dead")}},
     .before = {{"csinodes", "[]"}},
     .expected = "critical volume-risen PersistentVolume/pv-dead@\n",
     .evidence = "its reclaimPolicy is Delete"},
    {"claimed by another",
     {{"persistentvolumes", GHOST("pv-x", "b", "Bound", "Retain")},
      {"persistentvolumeclaims", GHOST_CLAIM("b", "pv-x")}},
     .before = {{"persistentvolumes", GHOST("pv-x", "a", "Bound", "Retain")}},
     .expected = "critical claim-changed PersistentVolume/pv-x@\n",
     .evidence = "claim app/a (uid c-a) had it, now app/b (uid c-b)"},
    {"claimed by another of the same name",
     {{"persistentvolumes", GHOST("pv-x", "b", "Bound", "Retain")},
      {"persistentvolumeclaims",
       "[{'metadata':{'namespace':'app','name':'b','uid':'c-other'},'spec':{'volumeName':"
       "'pv-x'}}]"},
      {"pods", POD("b", "w1", "b")}},
     .expected = "critical claim-changed PersistentVolume/pv-x@w1 gates\n"
		 "warning workload-stuck Pod/app/b@w1\n"},
    {"claims without their volume",
     {{"persistentvolumes", GHOST("pv-x", "b", "Bound", "Retain")},
      {"persistentvolumeclaims",
       "[{'metadata':{'namespace':'app','name':'b','uid':'c-b'},'spec':{'volumeName':'pv-x'}},"
       "{'metadata':{'namespace':'app','name':'thief','uid':'c-t'},'spec':{'volumeName':'pv-x'}},"
       "{'metadata':{'namespace':'app','name':'lost','uid':'c-l'},'spec':{'volumeName':'pv-0'}}]"}},
     .expected = "critical claim-lost PersistentVolumeClaim/app/lost@\n"
		 "critical claim-lost PersistentVolumeClaim/app/thief@\n"},
};

/* ---- making the world of a case ------------------------------------------------------------ */

static void
put(StorageObjects *objects, const Part *part)
{
	g_autoptr(GString) text = g_string_new(part->json);
	g_autoptr(GError) error = NULL;
	g_autoptr(JsonNode) node = NULL;
	JsonArray *array;

	/* a quote inside of a message stays one */
	g_string_replace(text, "\"", "\\\"", 0);
	g_string_replace(text, "'", "\"", 0);
	node = json_from_string(text->str, &error);
	g_assert_no_error(error);
	array = json_node_get_array(node);
	for (guint list = 0; list < STORAGE_LISTS; list++) {
		if (!g_str_equal(storage_list_name(list), part->list))
			continue;
		if (objects->lists[list] == NULL)
			objects->lists[list] = json_array_new();
		for (guint i = 0; i < json_array_get_length(array); i++)
			json_array_add_element(objects->lists[list],
					       json_array_dup_element(array, i));
		return;
	}
	g_error("no list %s", part->list);
}

static StorageObjects *
make_objects(const Part *more)
{
	StorageObjects *objects = storage_objects_new();

	for (guint i = 0; i < G_N_ELEMENTS(healthy); i++)
		put(objects, &healthy[i]);
	for (guint i = 0; i < MANY && more[i].list != NULL; i++)
		put(objects, &more[i]);
	return objects;
}

static StorageHost *
make_host(const char *links, const char *more_links, const char *devices, const char *more_devices,
	  const char *mounts, const char *more_mounts)
{
	StorageHost *host = storage_host_new();
	g_autofree char *all_links = g_strconcat(links, more_links != NULL ? more_links : "", NULL);
	g_autofree char *all_devices =
	    g_strconcat(devices, more_devices != NULL ? more_devices : "", NULL);
	g_autoptr(GString) all_mounts = g_string_new(mounts);
	g_autofree char *sum =
	    g_compute_checksum_for_string(G_CHECKSUM_SHA256, "vol-ffffeeeedddd0002", -1);
	g_autoptr(GError) error = NULL;

	g_string_append(all_mounts, more_mounts != NULL ? more_mounts : "");
	g_string_replace(all_mounts, "@SUM@", sum, 0);
	storage_host_read_links(host, all_links, &error);
	g_assert_no_error(error);
	storage_host_read_devices(host, all_devices);
	storage_host_read_mounts(host, all_mounts->str);
	return host;
}

static char *
describe(GPtrArray *findings)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < findings->len; i++) {
		const StorageFinding *finding = findings->pdata[i];

		g_string_append_printf(
		    text, "%s %s %s@%s%s%s%s\n", storage_severity_to_string(finding->severity),
		    finding->kind, finding->object, finding->node, finding->gates ? " gates" : "",
		    *finding->remedy != '\0' ? " " : "", finding->remedy);
		/* nobody is told of a thing without what was seen and what can be done */
		g_assert_cmpstr(finding->evidence, !=, "");
		g_assert_cmpstr(finding->manual, !=, "");
	}
	return g_string_free(text, FALSE);
}

static void
test_case(gconstpointer data)
{
	const Case *one = data;
	g_autoptr(StorageObjects) now = make_objects(one->more), before = NULL;
	g_autoptr(GHashTable) hosts =
	    g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)storage_host_free);
	g_auto(StorageAudit) audit = {.now = now,
				      .hosts = hosts,
				      .before_file = "/r/storage-copy.json",
				      .moment = {.since = SINCE, .now = NOW}};
	g_autofree char *found = NULL;

	if (!one->w0_unseen)
		g_hash_table_insert(hosts, (gpointer) "w0",
				    make_host(W0_LINKS, one->links, W0_DEVICES, one->devices,
					      W0_MOUNTS, one->mounts));
	g_hash_table_insert(hosts, (gpointer) "w1",
			    make_host("", NULL, "", NULL, W1_MOUNTS, one->w1_mounts));
	if (one->w2_links != NULL)
		g_hash_table_insert(hosts, (gpointer) "w2",
				    make_host(one->w2_links, NULL, "", NULL, "/ /dev/sda\n", NULL));
	if (one->before[0].list != NULL) {
		before = make_objects(one->before);
		before->taken = SINCE - 600;
		audit.before = before;
	}
	storage_audit_run(&audit);
	found = describe(audit.findings);
	g_assert_cmpstr(found, ==, one->expected);
	if (one->evidence != NULL) {
		const StorageFinding *first = audit.findings->pdata[0];

		if (strstr(first->evidence, one->evidence) == NULL)
			g_error("'%s' is not in '%s'", one->evidence, first->evidence);
	}
}

/* ---- the rest ------------------------------------------------------------------------------ */

static void
test_copy(void)
{
	static const Part more[MANY] = {
	    {"persistentvolumes", "[{'metadata':{'name':'pv-x','managedFields':[{'time':'x'}],"
				  "'annotations':{'kubectl.kubernetes.io/last-applied-configuration"
				  "':'secret','kept':'yes'}},'spec':{}}]"}};
	g_autoptr(StorageObjects) objects = make_objects(more), back = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree char *text = NULL;

	objects->taken = 1795000123.5;
	text = storage_objects_to_json(objects, "r-1");
	g_assert_null(strstr(text, "managedFields"));
	g_assert_null(strstr(text, "last-applied"));
	g_assert_nonnull(strstr(text, "kept"));
	/* pods may have secrets in their environment, and are nobody's storage */
	g_assert_null(strstr(text, "db-0"));
	back = storage_objects_from_json(text, "/r/copy", &error);
	g_assert_no_error(error);
	g_assert_cmpfloat(back->taken, ==, 1795000123.5);
	g_assert_cmpuint(rd_api_length(back->lists[STORAGE_VOLUMES]), ==,
			 rd_api_length(objects->lists[STORAGE_VOLUMES]));
	g_assert_null(back->lists[STORAGE_PODS]);
	/* what the copy was made of is as it was */
	g_assert_nonnull(rd_api_at(rd_api_find(objects->lists[STORAGE_VOLUMES], "pv-x"), "metadata",
				   "managedFields", NULL));
}

static void
test_bad_copy(void)
{
	static const char *const bad[] = {"",
					  "[]",
					  "{",
					  "{\"format\":2}",
					  "{\"format\":1}",
					  "{\"format\":1,\"lists\":{\"persistentvolumes\":[]}}",
					  "{\"format\":1,\"lists\":[]}"};

	for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_null(storage_objects_from_json(bad[i], "/r/copy", &error));
		g_assert_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT);
		g_assert_nonnull(strstr(error->message, "/r/copy"));
	}
}

static void
test_words(void)
{
	static const struct {
		const char *text;
		StorageSays says;
	} rows[] = {
	    {"", STORAGE_SAYS_NOTHING},
	    {"rpc error: code = NotFound desc = disk", STORAGE_SAYS_GONE},
	    {"InvalidVolume.NotFound: The volume 'vol-1' does not exist", STORAGE_SAYS_GONE},
	    {"driver name x not found in the list of registered CSI drivers", STORAGE_SAYS_OTHER},
	    {"secrets \"keys\" not found", STORAGE_SAYS_CREDENTIALS},
	    {"object \"app\"/\"cm\" not registered", STORAGE_SAYS_OTHER},
	    {"Multi-Attach error for volume", STORAGE_SAYS_BUSY},
	    {"VolumeInUse: vol-403 is already attached", STORAGE_SAYS_BUSY},
	    {"status code: 403, request id: 77", STORAGE_SAYS_CREDENTIALS},
	    {"401 from the array", STORAGE_SAYS_CREDENTIALS},
	    {"disk vol-4010 timed out after 403s", STORAGE_SAYS_OTHER},
	    {"timed out waiting", STORAGE_SAYS_OTHER},
	};

	for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
		if (storage_message_says(rows[i].text) != rows[i].says)
			g_error("'%s' is said to be about %d", rows[i].text,
				storage_message_says(rows[i].text));
}

/* names from the cluster are data (INV-39) */
static void
test_names(void)
{
	g_autofree char *plain = storage_word("pv-1.x_2:y");
	g_autofree char *evil = storage_word("x;reboot"), *option = storage_word("-rf");
	g_autoptr(GPtrArray) all =
	    g_ptr_array_new_with_free_func((GDestroyNotify)storage_finding_free);
	g_autoptr(GPtrArray) none = g_ptr_array_new();
	g_autofree char *long_text = g_strnfill(5000, 'x'), *json = NULL;
	StorageFinding *finding;

	g_assert_cmpstr(plain, ==, "pv-1.x_2:y");
	g_assert_cmpstr(evil, ==, "'x;reboot'");
	g_assert_cmpstr(option, ==, "'-rf'");
	finding =
	    storage_finding_add(all, STORAGE_NOTE, "k", "o", NULL, "a\x1b[31m\nb\xff%s", long_text);
	g_assert_cmpuint(strlen(finding->evidence), <, 700);
	g_assert_true(g_str_has_prefix(finding->evidence, "a [31m b"));
	g_assert_true(g_utf8_validate(finding->evidence, -1, NULL));
	json = storage_findings_to_json(all, none, none);
	g_assert_nonnull(strstr(json, "\"severity\":\"note\""));
}

/* a line that cannot be read may be the link that is bound */
static void
test_bad_links(void)
{
	static const char *const bad[] = {"l\tN\t/etc/passwd\tx\n", "l\t/mnt/local-storage/a/b\n",
					  "l\tN\t/mnt/local-storage/a/b\n", "b\n"};

	for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(StorageHost) host = storage_host_new();
		g_autoptr(GError) error = NULL;

		g_assert_false(storage_host_read_links(host, bad[i], &error));
		g_assert_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED);
	}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *path = g_strdup_printf("/storage-audit/case/%s", cases[i].name);

		g_test_add_data_func(path, &cases[i], test_case);
	}
	g_test_add_func("/storage-audit/copy", test_copy);
	g_test_add_func("/storage-audit/bad-copy", test_bad_copy);
	g_test_add_func("/storage-audit/words", test_words);
	g_test_add_func("/storage-audit/names", test_names);
	g_test_add_func("/storage-audit/bad-links", test_bad_links);
	return g_test_run();
}
