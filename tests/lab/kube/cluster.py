# SPDX-License-Identifier: LGPL-2.1-or-later
"""The lab as `up` wrote it down, and the way to its API servers from the switch."""
import base64
import os
import shlex
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.realpath(os.path.dirname(os.path.realpath(__file__)) + "/../standin"))
import api  # noqa: E402


class Cluster:
    def __init__(self, lab):
        self.lab = lab
        with open(f"{lab}/config", encoding="utf-8") as file:
            config = dict(line.split("=", 1) for line in file.read().splitlines())
        self.id, self.release = config["LAB_ID"], config["RELEASE"]
        self.control_plane = shlex.split(config["NAMES"].strip("()"))
        self.workers = shlex.split(config["WORKERS"].strip("()"))
        self.nodes = self.control_plane + self.workers
        self.address = {name: f"10.77.0.{10 + i}" for i, name in enumerate(self.nodes)}

    def pki(self, name):
        with open(f"{self.lab}/pki/kube/{name}", encoding="ascii") as file:
            return file.read()

    def kubeconfig(self, host):
        return f"{self.lab}/kube/{host}.kubeconfig"

    def write_kubeconfigs(self):
        """system:admin, by the address of each control-plane host"""
        admin = {f"client-{what}-data": base64.b64encode(self.pki(f"system-admin.{end}").encode()).decode()
                 for what, end in (("certificate", "crt"), ("key", "key"))}
        for host in self.control_plane:
            self.write_kubeconfig(self.kubeconfig(host), f"https://{self.address[host]}:6443", admin)

    def write_kubeconfig(self, path, server, user, server_name=None):
        api.write_kubeconfig(path, server, self.pki("server-ca-bundle.crt"), user, server_name)

    def api(self, host=None, timeout=10):
        """as system:admin"""
        return api.Api(self.kubeconfig(host or self.control_plane[0]), timeout=timeout)

    def any_api(self):
        """the first that answers"""
        for host in self.control_plane:
            found = self.api(host)
            if found.send("GET", "/readyz")[0] == 200:
                return found
        sys.exit("no API server is ready: " + " ".join(self.control_plane))


def until(seconds, true, what, pace=0.2):
    """polls, also through answers that are errors; the value that ended it"""
    end, error = time.monotonic() + seconds, None
    while time.monotonic() < end:
        try:
            value = true()
            if value:
                return value
        except api.ApiError as caught:
            error = caught
        time.sleep(pace)
    sys.exit(f"not within {seconds} s: {what}" + (f" ({error})" if error else ""))
