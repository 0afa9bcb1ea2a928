#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""api-call.py LAB VERB PATH [BODY]: one request as system:admin; the answer, exit status 1 unless it is a success.
VERB MERGE is a merge patch; BODY - is read from stdin."""
import sys

from cluster import Cluster, api

lab, verb, path, *body = sys.argv[1:]
if body == ["-"]:
    body = [sys.stdin.read()]
kind = api.MERGE if verb == "MERGE" else api.JSON
status, text = Cluster(lab).any_api().send("PATCH" if verb == "MERGE" else verb, path, body[0] if body else None, kind)
print(text)
sys.exit(0 if 200 <= status < 300 else 1)
