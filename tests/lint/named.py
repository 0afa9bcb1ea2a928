# SPDX-License-Identifier: LGPL-2.1-or-later
"""What pages of docs/ name in `…`: `FILE: WORD…` a file and words in it, `plugin/state` a state type,
`gate NAME` a gate of a shipped procedure."""
import re


def has_word(text, word):
    return re.search(rf'(?<![\w-]){re.escape(word)}(?![\w-])', text) is not None


def read(path):
    return path.read_text() if path.is_file() else None


def missing(root, code):
    """what is wrong with one `…` of a column of code, or None"""
    if code.startswith('gate '):
        files = (root / 'data/procedures').glob('*.yaml')
        if any(re.search(rf'^\s*name: {re.escape(code[5:])}$', f.read_text(), re.M) for f in files):
            return None
        return f'no shipped procedure has the {code}'
    file, _, words = code.partition(':')
    text = read(root / file)
    if text is None and re.fullmatch(r'[a-z-]+/[a-z-]+', code):
        plugin, state = code.split('/')
        files = sorted((root / 'plugins' / plugin).glob('*.c'))
        if any(f'.name = "{state}"' in f.read_text() for f in files):
            return None
        return f'there is no state type {code}'
    if text is None:
        return f'there is no {file}'
    lost = [word for word in words.split() if not has_word(text, word)]
    return f'{file} has no {" ".join(lost)}' if lost else None
