#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Wrote journal-1.db. Kept as a second, independent description of format 1: table, encoding and
chain. Prints the head."""
import hashlib
import os
import sqlite3
import struct
import sys

KINDS = """created input host engine survey incarnation granted refused visit step note output
outcome touch touched mark request run released remark""".split()


def encode(value):
    if value is None:
        return b"n"
    if isinstance(value, int):
        return b"i" + struct.pack(">q", value)
    data = value.encode()
    return b"t" + struct.pack(">Q", len(data)) + data


path = sys.argv[1]
if os.path.exists(path):
    os.unlink(path)
db = sqlite3.connect(path, isolation_level=None)
db.execute("PRAGMA journal_mode = WAL")
db.execute(
    "CREATE TABLE event ( seq INTEGER PRIMARY KEY, wall INTEGER NOT NULL, clock INTEGER NOT NULL,"
    " kind TEXT NOT NULL, state TEXT, target TEXT, visit INTEGER NOT NULL,"
    " attempt INTEGER NOT NULL, word TEXT, key TEXT, value TEXT, number INTEGER NOT NULL,"
    " text TEXT, chain BLOB NOT NULL) STRICT")
db.execute("PRAGMA user_version = 1")
db.execute("PRAGMA application_id = 0x72646a31")
link = bytes(32)
for i, kind in enumerate(KINDS):
    row = (i + 1, 1795168800000000 + i, i * 1000, kind, "stop-etcd", "m1" if i % 2 else None,
           i % 3, i % 2, None if i == 0 else "word", "boot-id", None if i % 2 else "",
           -i, "größer\nthan this")
    link = hashlib.sha256(link + b"".join(map(encode, row))).digest()
    db.execute("INSERT INTO event VALUES (" + ",".join("?" * 14) + ")", row + (link,))
db.close()
print(link.hex())
