#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who may call whom, read from the #include lines and held against each folder's README.md.

Every folder of src/ and plugins/ has a README.md with one sentence "May call: …." It lists folders
of src/ (`machine`), single headers (`engine/crew.h`, for src/ also `plugins/common/address.h`: what
plugins read other programs' outputs with, pure), `include`, and libraries by the names below.
("every folder of src/" for the topmost). This fails when an #include is not covered, when the
sentence names what there is not, and when folders would call each other in a circle. ROOT (an
argument) is for its own test.
"""
import pathlib
import re
import sys

# how a header outside of the project is called in a README; ISO C without input, output, clock or
# signal may be used by everybody
LIBRARIES = [
    (r'(string|stdlib|stddef|stdarg|stdbool|stdint|inttypes|limits|errno|ctype|math)\.h', None),
    (r'sanitizer/.*', None),
    (r'glib\.h|glib/.*|glib-unix\.h|gmodule\.h', 'GLib'),
    (r'gio/.*', 'GIO'),
    (r'json-glib/.*', 'json-glib'),
    (r'libssh/.*', 'libssh'),
    (r'libsoup/.*', 'libsoup'),
    (r'libfyaml\.h', 'libfyaml'),
    (r'sqlite3\.h', 'SQLite'),
    (r'gnutls/.*', 'GnuTLS'),
    (r'archive.*\.h', 'libarchive'),
    (r'recovery/.*', 'include'),
    (r'.*', 'POSIX'),
]
EVERYTHING = 'every folder of src'
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)


class Folder:
    def __init__(self, path, name):
        self.path, self.name = path, name
        self.allowed, self.faults = set(), []
        readme = path / 'README.md'
        if not readme.is_file():
            self.faults.append(f'{readme}: missing; say what lives there, and "May call: …."')
            return
        sentence = re.search(r'^May call: (.*?)\.(?=\s|$)', readme.read_text(), re.M | re.S)
        if sentence is None:
            self.faults.append(f'{readme}: has no sentence "May call: …."')
            return
        for word in re.sub(r'\(.*?\)|`', '', sentence[1]).split(','):
            self.allowed.add(' '.join(word.split()).rstrip('/'))


def library(header):
    return next(name for pattern, name in LIBRARIES if re.fullmatch(pattern, header))


def check_file(root, folder, file, names, faults):
    """names: of all folders that can be called, None for a plugin, which sees include/ alone"""
    text = file.read_text()
    for match in INCLUDE.finditer(text):
        header = match[2]
        line = text.count('\n', 0, match.start()) + 1
        where = f'{file.relative_to(root)}:{line}'
        if match[1] == '"':
            beside = (file.parent / header).resolve()
            if beside.is_file() and beside.parent == folder.path.resolve():
                continue
            first = header.split('/')[0]
            if names is None:
                first = beside.parent.name
                wants, exact = first, f'{first}/{beside.name}'
            elif first in names:
                wants, exact = first, header
            elif first == 'plugins' and (root / header).is_file():
                wants = exact = header
            elif (file.parent / header).is_file() or '/' in header:
                faults.append(f'{where}: "{header}": write it as FOLDER/NAME.h below src/')
                continue
            else:  # made by the build, beside the file
                continue
            if wants == folder.name:
                continue
        else:
            wants = exact = library(header)
            if wants is None:
                continue
        if not {wants, exact, EVERYTHING if wants in (names or ()) else None} & folder.allowed:
            faults.append(
                f'{where}: {folder.path.relative_to(root)} may not call {exact}. Turn the call '
                f'round (a function passed in), move the noun, or, if the design allows it, add '
                f'it to "May call:" in {folder.path.relative_to(root)}/README.md')


def circles(folders):
    """folders that reach themselves"""
    calls = {f.name: {name for name in folders if name != f.name and
                      (EVERYTHING in f.allowed or
                       any(a.split('/')[0] == name for a in f.allowed))}
             for f in folders.values()}
    for name in sorted(calls):
        seen, path = set(), [name]
        while path:
            for other in calls[path.pop()] - seen:
                seen.add(other)
                path.append(other)
        if name in seen:
            yield name


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else
                        pathlib.Path(__file__).parent / '../..').resolve()
    faults, checked = [], 0
    folders = {p.name: Folder(p, p.name) for p in sorted((root / 'src').iterdir()) if p.is_dir()}
    plugins = {p.name: Folder(p, p.name) for p in sorted((root / 'plugins').iterdir()) if p.is_dir()}
    for group, names in ((folders, folders), (plugins, None)):
        for folder in group.values():
            faults += folder.faults
            for file in sorted(folder.path.glob('*.[ch]')):
                check_file(root, folder, file, names, faults)
                checked += 1
            for word in sorted(folder.allowed - {name for _, name in LIBRARIES} - {EVERYTHING}):
                if word not in group and not (folder.path.parent / word).is_file() \
                        and not (root / word).is_file():
                    faults.append(f'{folder.path.relative_to(root)}/README.md: "May call:" names '
                                  f'{word}, which is no folder, header or known library (see '
                                  'LIBRARIES in tests/lint/structure.py)')
    for name in circles(folders):
        faults.append(f'src/{name}/README.md: by what the READMEs allow, {name} calls itself through '
                      'others: calls go downwards only')
    for folder in sorted((root / 'tests').iterdir()):
        if folder.is_dir() and not (folder / 'README.md').is_file():
            faults.append(f'{folder.relative_to(root)}/README.md: missing; say what lives there')
    print('\n'.join(str(fault).replace(f'{root}/', '') for fault in faults) or
          f'{checked} files in {len(folders) + len(plugins)} folders call downwards only')
    return 1 if faults or checked == 0 else 0


sys.exit(main())
