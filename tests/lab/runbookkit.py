# SPDX-License-Identifier: LGPL-2.1-or-later
"""The runbook of an interrupted run, for tests: its sections, and its blocks typed where they say."""
import re
import shlex
import subprocess

from labkit import need, until

BLOCK = re.compile(r"^```sh on=(\S+)\n(.*?)\n```$", re.M | re.S)
LOGIN = re.compile(r"^\| `(\S+)` \| [a-z-]+ \| `(ssh [^`]*)` \|", re.M)


def nothing_at_work(lab, run):
    """a job outlives the engine: the page is made when it has ended, as it says itself"""
    def silent(host):
        locks = f"/var/lib/recoveryd/touch.lock /var/lib/recoveryd/jobs/{run}/*/*/lock"
        return lab.at(host, f"for lock in {locks}; do [ ! -e $lock ] || flock -xn $lock true || "
                      "echo busy; done").strip() == ""
    for host in lab.hosts:
        until(120, lambda host=host: silent(host), f"jobs on {host} come to their end")


class Page:
    """of a run that nobody is at work on; nothing is written to its journal"""

    def __init__(self, bastion, run):
        self.bastion = bastion
        path = f"{bastion.lab.dir}/runbook.md"
        before = run.sql("SELECT max(seq) FROM event")
        bastion("runbook", run, "-o", path)
        need(run.sql("SELECT max(seq) FROM event") == before, "the runbook wrote events")
        with open(path, encoding="utf-8") as file:
            self.text = file.read()
        self.logins = dict(LOGIN.findall(self.text))
        need(set(bastion.lab.hosts) <= set(self.logins), f"not understood:\n{self.text}")

    def section(self, heading):
        found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", self.text, re.M | re.S)
        need(found, f"no section “{heading}”:\n{self.text}")
        return found[1]

    def type(self, heading):
        """every block of a section, in its order; how many. All of its commands can be typed"""
        section = self.section(heading)
        need("Not to be typed" not in section, f"not all can be typed:\n{section}")
        blocks = BLOCK.findall(section)
        need(blocks, f"no blocks:\n{section}")
        for place, line in blocks:
            self.type_one(place, line)
        return len(blocks)

    def type_one(self, place, text):
        words = ["sh", "-c", text] if place == "bastion" else shlex.split(self.logins[place]) + [text]
        done = subprocess.run(["nsenter", f"--net={self.bastion.lab.netns('sw')}", "--", *words],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=300, check=False)
        need(done.returncode == 0,
             f"on {place}: {text}: exit status {done.returncode}: {done.stdout} {done.stderr}")
        return done.stdout
