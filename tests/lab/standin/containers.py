# SPDX-License-Identifier: LGPL-2.1-or-later
"""The containers of this host, one directory each, and the sandboxes of pods, one empty file each;
shared by kubelet and crictl.

Written once at creation: record.json, facts (for the shell), start. Written by `container`: pid, and
exits/ID when it is over. Whether it lives is asked of the lock, so that nothing goes stale.
"""
import fcntl
import json
import os
import signal
import time

RUN = "/run/standin"
DIR = RUN + "/containers"
SANDBOXES = RUN + "/sandboxes"
STARTING = 15  # seconds in which a container without lock counts as being created


class Container:
    def __init__(self, record):
        self.record = record
        self.id = record["id"]
        self.dir = f"{DIR}/{self.id}"
        self.name = record["name"]
        self.pod = record["pod"]
        self.namespace = record["namespace"]
        self.uid = record["uid"]
        self.attempt = record["attempt"]

    def ended(self):
        """(exit code, nanoseconds) or None"""
        try:
            with open(f"{RUN}/exits/{self.id}", encoding="ascii") as file:
                code, when = file.read().split()
                return int(code), int(when)
        except FileNotFoundError:
            return None

    def state(self):
        if self.ended():
            return "CONTAINER_EXITED"
        try:
            with open(self.dir + "/lock", "r+", encoding="ascii") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return "CONTAINER_RUNNING" if self.pid() else "CONTAINER_CREATED"
        except FileNotFoundError:
            pass
        young = time.time_ns() - self.record["createdAt"] < STARTING * 10**9
        return "CONTAINER_CREATED" if young else "CONTAINER_EXITED"

    def alive(self):
        return self.state() != "CONTAINER_EXITED"

    def pid(self):
        try:
            with open(self.dir + "/pid", encoding="ascii") as file:
                return int(file.read() or 0)
        except FileNotFoundError:
            return 0

    def stuck(self):
        return os.path.exists(f"{RUN}/stuck/{self.name}")

    def kill(self, number):
        if self.stuck() or self.state() != "CONTAINER_RUNNING":
            return
        try:
            os.kill(self.pid(), number)
        except ProcessLookupError:
            pass

    def terminate(self):
        self.kill(signal.SIGTERM)


def load():
    """all of them, newest first"""
    found = []
    for name in os.listdir(DIR) if os.path.isdir(DIR) else []:
        try:
            with open(f"{DIR}/{name}/record.json", encoding="utf-8") as file:
                found.append(Container(json.load(file)))
        except (FileNotFoundError, json.JSONDecodeError):
            pass  # being made or removed just now
    return sorted(found, key=lambda c: -c.record["createdAt"])


def sandboxes():
    """uids of pods that have one: from before the first container to behind the last"""
    return set(os.listdir(SANDBOXES)) if os.path.isdir(SANDBOXES) else set()


def keep_sandbox(uid):
    if uid not in sandboxes():
        os.makedirs(SANDBOXES, exist_ok=True)
        with open(f"{SANDBOXES}/{uid}", "w", encoding="ascii"):
            pass


def remove_sandbox(uid):
    try:
        os.unlink(f"{SANDBOXES}/{uid}")
    except FileNotFoundError:
        pass
