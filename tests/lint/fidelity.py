#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""fidelity.py [ROOT]: what docs/fidelity.md says of itself and of the code is so.

A row is | fact | what | rests on | from | relied on in | gates | caught by |. In the columns of code
`FILE: WORD…` names a file and words in it, `plugin/state` a state type, `gate NAME` a gate of a
shipped procedure. Whatever rests on less than source and gates a change needs a catcher, or a line
"* `fact`: …" below "## Not caught". The sentence with the counts is made of the rows: it is printed
when it is not the one that stands there. ROOT is for fidelity's own test.
"""
import pathlib
import re
import sys

sys.dont_write_bytecode = True
from named import missing, read  # noqa: E402

BASES = ('source', 'documentation', 'measured', 'inference', 'memory')
GATES = ('change', 'look')
COLUMNS = 7


def rows_of(text, faults):
    for number, line in enumerate(text.split('\n'), 1):
        if not line.startswith('| `'):
            continue
        cells = [cell.strip() for cell in re.split(r'(?<!\\)\|', line)[1:-1]]
        name = re.fullmatch(r'`([a-z0-9-]+)`', cells[0])
        if name is None or len(cells) != COLUMNS:
            faults.append(f'docs/fidelity.md:{number}: a row has {COLUMNS} cells, the first a `name`')
            continue
        yield name[1], cells[1:]


def uncaught_of(text):
    part = text.partition('\n## Not caught\n')[2].partition('\n## ')[0]
    return re.findall(r'^\* `([a-z0-9-]+)`: \S', part, re.M)


def sentence(rows, uncaught):
    count = {base: sum(cells[1] == base for _, cells in rows) for base in BASES}
    gating = [cells for _, cells in rows if cells[4] == 'change']
    weak = sum(cells[1] != 'source' for cells in gating)
    return (f'{len(rows)} facts: ' + ', '.join(f'{count[base]} {base}' for base in BASES) +
            f'; {len(gating)} gate a change, {weak} of these not from source, {len(uncaught)} of '
            'them not caught.')


def check(root):
    faults = []
    text = read(root / 'docs/fidelity.md') or ''
    rows = list(rows_of(text, faults))
    uncaught = uncaught_of(text)
    names = [name for name, _ in rows]
    for name in sorted({name for name in names if names.count(name) > 1}):
        faults.append(f'{name}: twice')
    for name in uncaught:
        if name not in names:
            faults.append(f'{name}: not caught, and no row')
    for name, (what, base, origin, where, gates, caught) in rows:
        if base not in BASES or gates not in GATES or not what or not origin:
            faults.append(f'{name}: rests on one of {", ".join(BASES)}, gates {" or ".join(GATES)}, '
                          'and no cell is empty')
        codes = re.findall(r'`([^`]*)`', where)
        if not codes:
            faults.append(f'{name}: names no code that relies on it')
        catchers = re.findall(r'`([^`]*)`', caught)
        for code in codes + catchers:
            fault = missing(root, code)
            if fault is not None:
                faults.append(f'{name}: {fault}')
        if gates == 'change' and base != 'source' and not catchers and name not in uncaught:
            faults.append(f'{name}: {base} gates a change, and nothing catches it being wrong: add a '
                          'probe or an asking gate, or say so below "Not caught"')
        if name in uncaught and (catchers or gates != 'change' or base == 'source'):
            faults.append(f'{name}: below "Not caught", but it is caught, or nothing hangs on it')
    counts = sentence(rows, uncaught)
    if counts not in text.split('\n'):
        faults.append(f'docs/fidelity.md: the counts are, on a line of their own:\n{counts}')
    print('\n'.join(faults) or counts)
    return 1 if faults or not rows else 0


sys.exit(check(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else
                            pathlib.Path(__file__).parent / '../..').resolve()))
