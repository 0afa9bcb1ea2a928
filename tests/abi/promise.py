#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""promise.py OLD NEW: whoever was built with OLD can be loaded by who is built with NEW.

Functions and macros of values stay; enums and the structs that say "append here" only get longer,
at their end; all other structs, which have no size inside, stay as they are. With another
RECOVERY_PLUGIN_API nothing is promised: such plugins are refused.
"""
import re
import sys


def read(path):
    text = open(path).read()
    api = re.search(r'#define RECOVERY_PLUGIN_API (\d+)', text)[1]
    marked = set(re.findall(r'append here \*/\s*\}\s*(\w+);', text))
    text = re.sub(r'/\*.*?\*/', '', text, flags=re.S)
    text = re.sub(r'^[ \t]*#.*?[^\\]$', '', text, flags=re.M | re.S)
    types = {name: [' '.join(f.split()) for f in re.split(r'[;,](?![^(]*\))', body) if f.strip()]
             for _, body, name in re.findall(r'typedef (enum|struct) \{(.*?)\}\s*(\w+);', text, re.S)}
    text = re.sub(r'typedef (enum|struct) \{.*?\}\s*\w+;', '', text, flags=re.S)
    functions = {m[2]: ' '.join(m[0].split())
                 for m in re.finditer(r'[\w][\w \t\n*]*?((recovery_\w+)\s*\([^;]*?\))[^;]*;', text)}
    return api, types, marked, functions


def enum_values(fields):
    """so that "A = 1, B" and a later "A = 1, B = 2" are the same"""
    value, values = -1, []
    for field in fields:
        name, _, given = field.partition(' = ')
        value = int(given, 0) if given else value + 1
        values.append((name, value))
    return values


def broken(old, new):
    for name, text in old[3].items():
        if new[3].get(name) != text:
            yield f'{name}() was "{text}" and is "{new[3].get(name, "gone")}"'
    for name, fields in old[1].items():
        now = new[1].get(name, [])
        if all(re.fullmatch(r'[A-Z_0-9]+( = .*)?', f) for f in fields):
            fields, now = enum_values(fields), enum_values(now)
        may_grow = name in new[2] or isinstance(fields[0], tuple)
        if now[:len(fields)] != fields or (len(now) > len(fields) and not may_grow):
            yield f'{name} was {fields} and is {now}'


def main():
    old, new = read(sys.argv[1]), read(sys.argv[2])
    if len(old[3]) < 20 or len(old[1]) < 10:
        print(f'{sys.argv[1]}: only {len(old[3])} functions and {len(old[1])} types were understood')
        return 1
    if old[0] != new[0]:
        print(f'API {old[0]} and {new[0]}: nothing is promised')
        return 0
    faults = list(broken(old, new))
    for fault in faults:
        print(f'{fault}: plugins that are in use would break. Append at the end, add a function '
              'beside, or raise RECOVERY_PLUGIN_API')
    print(f'{len(old[3])} functions, {len(old[1])} types')
    return 1 if faults else 0


sys.exit(main())
