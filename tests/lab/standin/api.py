# SPDX-License-Identifier: LGPL-2.1-or-later
"""A small client for the Kubernetes API, from Python's own library: for the stand-in kubelet, the
lab's controllers and its tests. Knows nothing of retries; whoever calls decides."""
import base64
import http.client
import json
import os
import socket
import ssl
import tempfile
import urllib.parse

import yaml

JSON = "application/json"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"


class ApiError(Exception):
    """an answer that is no success; status 0: none came"""

    def __init__(self, status, text, body=None):
        super().__init__(f"{status} {text}")
        self.status, self.body = status, body or {}
        self.reason = self.body.get("reason", "")


class Connection(http.client.HTTPSConnection):
    """to one of several addresses, under a name of its own"""

    def __init__(self, api):
        super().__init__(api.host, api.port, timeout=api.timeout, context=api.context)
        self.api = api

    def connect(self):
        error = None
        found = socket.getaddrinfo(self.api.host, self.api.port, type=socket.SOCK_STREAM)
        # behind a name there may be dead ones: the next request begins behind the one that failed
        start = self.api.first % len(found)
        for i, (family, kind, protocol, _, address) in enumerate(found[start:] + found[:start]):
            sock = socket.socket(family, kind, protocol)
            sock.settimeout(self.api.connect_timeout)
            try:
                sock.connect(address)
                self.sock = self.api.context.wrap_socket(sock, server_hostname=self.api.server_name)
                self.sock.settimeout(self.timeout)
                self.api.first = start + i
                return
            except OSError as caught:
                sock.close()
                error = caught
        raise error


class Api:
    """one identity; a connection is kept as long as it works. Not for two threads at once."""

    def __init__(self, kubeconfig, timeout=10, connect_timeout=2):
        with open(kubeconfig, encoding="utf-8") as file:
            config = yaml.safe_load(file)
        context = next(c["context"] for c in config["contexts"] if c["name"] == config["current-context"])
        cluster = next(c["cluster"] for c in config["clusters"] if c["name"] == context["cluster"])
        user = next(u["user"] for u in config["users"] if u["name"] == context["user"])
        url = urllib.parse.urlsplit(cluster["server"])
        self.host, self.port = url.hostname, url.port or 443
        self.server_name = cluster.get("tls-server-name", self.host)
        self.timeout, self.connect_timeout, self.first = timeout, connect_timeout, 0
        self.context = ssl.create_default_context(
            cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
        # the lab's certificates are as small as they can be
        self.context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
        self.headers = {"Accept": JSON, "User-Agent": "lab"}
        if "token" in user:
            self.headers["Authorization"] = "Bearer " + user["token"]
        if "client-certificate" in user:
            self.context.load_cert_chain(user["client-certificate"], user["client-key"])
        elif "client-certificate-data" in user:
            with tempfile.NamedTemporaryFile() as pem:  # ssl reads files only
                for key in ("client-certificate-data", "client-key-data"):
                    pem.write(base64.b64decode(user[key]))
                pem.flush()
                self.context.load_cert_chain(pem.name)
        self.connection = None

    def send(self, verb, path, body=None, kind=JSON):
        """(status, text); status 0: no answer"""
        headers = dict(self.headers)
        if body is not None:
            headers["Content-Type"] = kind
            body = body if isinstance(body, str) else json.dumps(body)
        fresh = self.connection is None
        try:
            self.connection = self.connection or Connection(self)
            self.connection.request(verb, path, body, headers)
            answer = self.connection.getresponse()
            return answer.status, answer.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            self.close()
            # a kept connection may have died of age; of what only looks, ask again
            if not fresh and verb == "GET":
                return self.send(verb, path, None)
            self.first += 1
            return 0, f"{verb} {path} at {self.host}: {error!r}"

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def call(self, verb, path, body=None, kind=JSON):
        """the object; ApiError for anything but success"""
        status, text = self.send(verb, path, body, kind)
        try:
            found = json.loads(text)
        except ValueError:
            found = {}
        if 200 <= status < 300:
            return found
        raise ApiError(status, found.get("message", text) if isinstance(found, dict) else text,
                       found if isinstance(found, dict) else None)

    def get(self, path):
        """None when there is none"""
        try:
            return self.call("GET", path)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def create(self, path, body):
        """the object as it is now; whether it was there already makes no difference"""
        try:
            return self.call("POST", path, body)
        except ApiError as error:
            if error.status == 409 and error.reason == "AlreadyExists":
                return self.call("GET", f"{path}/{body['metadata']['name']}")
            raise

    def delete(self, path, uid, grace=None):
        """this very object; None when it is gone or another one"""
        options = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": uid},
                   **({} if grace is None else {"gracePeriodSeconds": grace})}
        try:
            return self.call("DELETE", path, options)
        except ApiError as error:
            if error.status in (404, 409):
                return None
            raise


def write_kubeconfig(path, server, authority, user, server_name=None):
    """authority: PEM; user: as the kubeconfig's users[].user"""
    cluster = {"server": server, "certificate-authority-data": base64.b64encode(authority.encode()).decode()}
    if server_name:
        cluster["tls-server-name"] = server_name
    config = {"apiVersion": "v1", "kind": "Config", "preferences": {}, "current-context": "lab",
              "clusters": [{"name": "lab", "cluster": cluster}],
              "users": [{"name": "user", "user": user}],
              "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "user"}}]}
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".new", "w", encoding="utf-8") as file:
        yaml.safe_dump(config, file, sort_keys=False)
    os.chmod(path + ".new", 0o600)
    os.rename(path + ".new", path)
