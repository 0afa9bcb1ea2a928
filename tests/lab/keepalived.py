#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""keepalived.py DISK NUMBER API-VIP INGRESS-VIP

Writes what the machine configuration leaves on host NUMBER of an on-premise cluster: keepalived's
static pod (block YAML, arguments as in domain 2.6) and its configuration. Names and arguments as on
OpenShift 4.17; the text is our own. The later host has the higher priority.
"""
import os
import sys

DISK, NUMBER, API, INGRESS = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]

POD = f"""\
kind: Pod
apiVersion: v1
metadata:
  name: keepalived
  namespace: openshift-kni-infra
  labels:
    app: kni-infra-vrrp
spec:
  initContainers:
  - name: render-config-keepalived
    image: quay.io/lab/baremetal-runtimecfg
    command:
    - runtimecfg
    - render
    - "/etc/kubernetes/kubeconfig"
    - "--api-vips"
    - "{API}"
    - "--ingress-vips"
    - "{INGRESS}"
    - "/config"
    - "--out-dir"
    - "/etc/keepalived"
  containers:
  - name: keepalived
    image: quay.io/lab/keepalived-ipfailover
    command:
    - /bin/bash
    - -c
    - |
      # addresses that an unclean end left behind
      for vip in {API} {INGRESS}; do
        ip -o address | awk -v vip="$vip/" 'index($4, vip) == 1 {{ print $4, $2 }}' |
          while read -r address device; do ip address del "$address" dev "$device"; done
      done
      exec keepalived -f /etc/keepalived/keepalived.conf --dont-fork --vrrp --log-detail --log-console
  - name: keepalived-monitor
    image: quay.io/lab/baremetal-runtimecfg
    command:
    - sleep
    - infinity
  hostNetwork: true
  terminationGracePeriodSeconds: 10
"""

INSTANCE = """\
vrrp_instance lab_{kind}_0 {{
    state BACKUP
    interface eth0
    virtual_router_id {router}
    priority {priority}
    advert_int 1
    authentication {{
        auth_type PASS
        auth_pass lab_{kind}
    }}
    virtual_ipaddress {{
        {address}/32 label vip
    }}
}}
"""
CONF = "global_defs {\n    enable_script_security\n    script_user root\n}\n" + "".join(
    INSTANCE.format(kind=kind, router=router, priority=40 + NUMBER, address=address)
    for kind, router, address in (("API", 51, API), ("INGRESS", 52, INGRESS)))


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, 0o644)


write(DISK + "/etc/keepalived/keepalived.conf", CONF)
write(DISK + "/etc/kubernetes/manifests/keepalived.yaml", POD)
