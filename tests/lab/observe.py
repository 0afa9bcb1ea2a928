#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""observe.py watch LAB NAME...      until killed: writes LAB/watch/NAME.jsonl
observe.py count LAB SINCE NAME...  what happened after SINCE (seconds since 1970), as JSON

Watches whole disks from outside the hosts with fanotify: every creation, removal and rename, old and
new name in one event, without the gap that inotify has in directories made just now. Needs a
kernel >= 5.17. What writes to a file without renaming shows as `writes` (closed after writing).

count prints, for each host:
  renames     {"OLD -> NEW": n}        creates, deletes, writes   {PATH: n}
  containers  {"NAMESPACE/POD/CONTAINER": {"starts": n, "stops": n}}, from the stand-in's log
  units       {UNIT: n}, how often systemd started it, from the journal of the host
  addresses   {ADDRESS: {"came": n, "went": n}}, as the kernel said it (`up --vip`)
"""
import collections
import ctypes
import json
import os
import select
import struct
import subprocess
import sys
import time

LIBC = ctypes.CDLL(None, use_errno=True)
FAN_CLOSE_WRITE, FAN_CREATE, FAN_DELETE, FAN_RENAME = 0x8, 0x100, 0x200, 0x10000000
FAN_Q_OVERFLOW, FAN_ONDIR = 0x4000, 0x40000000
FAN_REPORT_DFID_NAME, FAN_UNLIMITED_QUEUE = 0xC00, 0x10
FAN_MARK_ADD, FAN_MARK_FILESYSTEM = 0x1, 0x100
INFO_DFID_NAME, INFO_OLD_DFID_NAME, INFO_NEW_DFID_NAME = 2, 10, 12
AT_FDCWD = -100
# what runs all the time and is nobody's effect
NOISE = ("/var/log/", "/var/lib/systemd/", "/var/lib/etcd/member/", "/var/tmp/", "/var/cache/",
         "/var/lib/dbus/")


def check(result, what):
    if result < 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")
    return result


class Disk:
    """one file system of one host; prefix: what its mount point is called inside the host"""

    def __init__(self, host, mount, prefix):
        self.host, self.mount, self.prefix = host, mount, prefix
        self.at = os.open(mount, os.O_RDONLY | os.O_DIRECTORY)
        self.fd = check(LIBC.fanotify_init(FAN_REPORT_DFID_NAME | FAN_UNLIMITED_QUEUE | 1,
                                           os.O_RDONLY), "fanotify")
        mask = FAN_CLOSE_WRITE | FAN_CREATE | FAN_DELETE | FAN_RENAME | FAN_ONDIR
        check(LIBC.fanotify_mark(self.fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM,
                                 ctypes.c_uint64(mask), AT_FDCWD, mount.encode()),
              f"watching {mount}")

    def directory(self, handle):
        """name inside the host of the directory with this file handle"""
        fd = LIBC.open_by_handle_at(self.at, handle, os.O_PATH)
        if fd < 0:
            return "(gone)"
        try:
            path = os.readlink(f"/proc/self/fd/{fd}")
        finally:
            os.close(fd)
        path = path.removesuffix(" (deleted)")
        return self.prefix + path[len(self.mount):] if path.startswith(self.mount) else path

    def events(self):
        buffer = os.read(self.fd, 1 << 16)
        while buffer:
            length, _, _, header, mask, _, _ = struct.unpack_from("=IBBHQii", buffer)
            yield mask, dict(self.names(buffer[header:length]))
            buffer = buffer[length:]

    def names(self, info):
        while info:
            kind, _, length = struct.unpack_from("=BBH", info)
            size, = struct.unpack_from("=I", info, 12)  # after the 8 bytes of the file system's id
            handle = info[12:20 + size]
            name = info[20 + size:length].split(b"\0")[0].decode(errors="replace")
            yield kind, os.path.normpath(self.directory(handle) + "/" + name)
            info = info[length:]


def lines(disk):
    for mask, names in disk.events():
        if mask & FAN_Q_OVERFLOW:
            yield {"event": "overflow"}
        if mask & FAN_RENAME:
            yield {"event": "renames", "from": names.get(INFO_OLD_DFID_NAME),
                   "to": names.get(INFO_NEW_DFID_NAME)}
        for bit, event in ((FAN_CREATE, "creates"), (FAN_CLOSE_WRITE, "writes"),
                           (FAN_DELETE, "deletes")):
            if mask & bit:
                yield {"event": event, "path": names.get(INFO_DFID_NAME),
                       **({"directory": True} if mask & FAN_ONDIR else {})}


def noise(line):
    paths = [line[key] for key in ("path", "from", "to") if line.get(key)]
    return bool(paths) and all(path.startswith(NOISE) for path in paths)


def watch(lab, hosts):
    disks = []
    for host in hosts:
        disks.append(Disk(host, f"{lab}/{host}/disk", ""))
        if os.path.ismount(f"{lab}/{host}/etcd"):
            disks.append(Disk(host, f"{lab}/{host}/etcd", "/var/lib/etcd"))
    files = {host: open(f"{lab}/watch/{host}.jsonl", "a", buffering=1, encoding="utf-8")
             for host in hosts}
    with open(f"{lab}/watch/ready", "w", encoding="ascii"):
        pass
    by_fd = {disk.fd: disk for disk in disks}
    while True:
        for fd in select.select(list(by_fd), [], [])[0]:
            for line in lines(by_fd[fd]):
                if not noise(line):
                    print(json.dumps({"time": round(time.time(), 3), **line}),
                          file=files[by_fd[fd].host])


def read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return [json.loads(line) for line in file]
    except FileNotFoundError:
        return []


def count_units(lab, host, since):
    """UNIT_STARTED messages of the host's own journal"""
    done = subprocess.run(
        ["journalctl", "--quiet", f"--directory={lab}/{host}/disk/var/log/journal", "--output=json",
         f"--since=@{since}", "MESSAGE_ID=39f53479d3a045ac8e11786248231fbf", "_PID=1"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False, text=True)
    units = (json.loads(line).get("UNIT", "") for line in done.stdout.splitlines())
    return collections.Counter(u for u in units if not u.startswith(("container-", "session-")))


def count_addresses(lab, host):
    """[TIME] [Deleted ]INDEX: DEVICE    inet ADDRESS/PREFIX …; one that is refreshed comes again"""
    found = collections.defaultdict(lambda: {"came": 0, "went": 0})
    try:
        with open(f"{lab}/watch/{host}.addresses", encoding="utf-8") as file:
            for line in file:
                words = line.split()
                went = "Deleted" in words
                if "inet" in words:
                    address = words[words.index("inet") + 1].split("/")[0]
                    found[address]["went" if went else "came"] += 1
    except FileNotFoundError:
        pass
    return found


def count(lab, since, hosts):
    result = {}
    for host in hosts:
        found = {key: collections.Counter() for key in ("renames", "creates", "writes", "deletes")}
        for line in read(f"{lab}/watch/{host}.jsonl"):
            if line["event"] == "overflow":
                sys.exit(f"{host}: events were lost, nothing can be counted")
            what = f"{line['from']} -> {line['to']}" if line["event"] == "renames" else line["path"]
            found[line["event"]][what] += 1
        containers = collections.defaultdict(lambda: {"starts": 0, "stops": 0})
        whole, _, part = since.partition(".")
        stamp = time.strftime("%FT%T", time.gmtime(int(whole))) + f".{part}Z"
        for line in read(f"{lab}/{host}/log/kubelet.log"):
            if line["time"] >= stamp:
                containers[line["container"]][{"start": "starts", "stop": "stops"}[line["event"]]] += 1
        result[host] = {**found, "containers": containers, "units": count_units(lab, host, since),
                        "addresses": count_addresses(lab, host)}
    json.dump(result, sys.stdout, indent=1, sort_keys=True)
    print()


if sys.argv[1] == "watch":
    watch(sys.argv[2], sys.argv[3:])
else:
    count(sys.argv[2], sys.argv[3], sys.argv[4:])
