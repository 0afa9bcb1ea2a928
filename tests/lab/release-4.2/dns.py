#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""dns.py ZONE ADDRESS: a name server for a lab whose etcd finds its members by SRV records. ZONE is read
again for every question: lines of `NAME A ADDRESS` or `NAME SRV PORT TARGET`; other names are not there.
Called as `dig`, the client that hosts have: +short, +noall +answer; A and SRV."""
import os
import re
import socket
import struct
import sys

TYPES = {"A": 1, "SRV": 33}
TTL = 30


def pack_name(name):
    return b"".join(bytes([len(part)]) + part.encode() for part in name.strip(".").split(".")) + b"\0"


def unpack_name(packet, at):
    """(name, where it ends)"""
    parts, end = [], None
    while packet[at]:
        if packet[at] & 0xC0:  # the rest stands elsewhere
            end = end or at + 2
            at = struct.unpack(">H", packet[at:at + 2])[0] & 0x3FFF
            continue
        parts.append(packet[at + 1:at + 1 + packet[at]].decode())
        at += 1 + packet[at]
    return ".".join(parts), end or at + 1


def zone(path):
    with open(path, encoding="ascii") as file:
        return [line.split() for line in file if line.strip()]


def data(kind, words):
    if kind == "A":
        return socket.inet_aton(words[0])
    return struct.pack(">HHH", 0, 10, int(words[0])) + pack_name(words[1])


def answer(packet, path):
    number, flags, questions = struct.unpack(">HHH", packet[:6])
    name, end = unpack_name(packet, 12)
    kind = struct.unpack(">H", packet[end:end + 2])[0]
    there = [record for record in zone(path) if record[0].lower() == name.lower()]
    found = [data(record[1], record[2:]) for record in there if TYPES[record[1]] == kind]
    code = 0 if there else 3
    head = struct.pack(">HHHHHH", number, 0x8480 | flags & 0x0100 | code, questions, len(found), 0, 0)
    return head + packet[12:end + 4] + b"".join(
        struct.pack(">HHHLH", 0xC00C, kind, 1, TTL, len(rdata)) + rdata for rdata in found)


def serve(path, address):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((address, 53))
        while True:
            packet, sender = sock.recvfrom(4096)
            try:
                sock.sendto(answer(packet, path), sender)
            except (OSError, IndexError, KeyError, struct.error, UnicodeDecodeError) as error:
                print(f"{sender[0]}: {error!r}", flush=True)


def ask(name, kind):
    """[(name, kind, text)]; exits as dig does when nobody answers"""
    with open("/etc/resolv.conf", encoding="ascii") as file:
        server = re.search(r"^nameserver\s+(\S+)", file.read(), re.M)
    question = struct.pack(">HHHHHH", os.getpid() & 0xFFFF, 0x0100, 1, 0, 0, 0) + pack_name(name) + \
        struct.pack(">HH", TYPES[kind], 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(5)
        for _ in range(3):
            try:
                sock.sendto(question, (server[1] if server else "127.0.0.1", 53))
                packet = sock.recv(4096)
                break
            except OSError:
                pass
        else:
            sys.exit(";; connection timed out; no servers could be reached")
    count = struct.unpack(">H", packet[6:8])[0]
    at = unpack_name(packet, 12)[1] + 4
    for _ in range(count):
        owner, at = unpack_name(packet, at)
        found, _, _, size = struct.unpack(">HHLH", packet[at:at + 10])
        at += 10
        if found == TYPES["A"]:
            yield owner, "A", socket.inet_ntoa(packet[at:at + 4])
        elif found == TYPES["SRV"]:
            target = unpack_name(packet, at + 6)[0]
            yield owner, "SRV", "{} {} {} ".format(*struct.unpack(">HHH", packet[at:at + 6])) + target + "."
        at += size


def dig(words):
    options = {word for word in words if word.startswith("+")}
    if options - {"+short", "+noall", "+answer"}:
        sys.exit(f"dig: the stand-in knows +short, +noall and +answer, not {' '.join(sorted(options))}")
    rest = [word for word in words if not word.startswith("+")]
    kind = next((word for word in rest if word in TYPES), "A")
    for name in rest:
        if name in TYPES:
            continue
        for owner, found, text in ask(name, kind):
            print(text if "+short" in options else f"{owner}.\t{TTL}\tIN\t{found}\t{text}")


if os.path.basename(sys.argv[0]) == "dig":
    dig(sys.argv[1:])
else:
    serve(*sys.argv[1:])
