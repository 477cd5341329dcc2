# SPDX-License-Identifier: Apache-2.0
"""encode_lines and the reference library side by side."""
import os
import pathlib
import struct
import subprocess

TOP = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("ENCODE_LINES", str(TOP / "build/asan/tests/parity/encode_lines"))


class Refused(Exception):
    """The tokenizer does not load; the message is what a user reads."""


def ours(path, records):
    """[(special, text)] -> [(ids and spans, decoded, decoded without special tokens)] or messages."""
    data = b"".join(struct.pack("=II", special, len(raw)) + raw
                    for special, raw in ((s, t.encode()) for s, t in records))
    run = subprocess.run([PROGRAM, str(path)], input=data, capture_output=True, timeout=600, check=False)
    if run.returncode == 2:
        raise Refused(run.stderr.decode())
    assert run.returncode == 0, run.stderr.decode()[-3000:]
    out, at, answers = run.stdout, 0, []

    def number():
        nonlocal at
        at += 4
        return struct.unpack_from("=I", out, at - 4)[0]

    def text():
        nonlocal at
        n = number()
        at += n
        return out[at - n:at].decode()

    for _ in records:
        n = number()
        if n == 0xFFFFFFFF:
            answers.append(text())
            continue
        tokens = [struct.unpack_from("=III", out, at + 12 * i) for i in range(n)]
        at += 12 * n
        answers.append(([(i, (s, e)) for i, s, e in tokens], text(), text()))
    assert at == len(out)
    return answers


def theirs(tokenizer, special, text):
    encoding = tokenizer.encode(text, add_special_tokens=bool(special))
    ids = encoding.ids
    tokens = list(zip(ids, encoding.offsets))
    return tokens, tokenizer.decode(ids, skip_special_tokens=False), tokenizer.decode(ids, skip_special_tokens=True)


def differences(path, tokenizer, lines, special=(0, 1)):
    """Where the two differ: (special, text, ours, theirs)."""
    tokenizer.no_padding()
    tokenizer.no_truncation()
    records = [(s, text) for s in special for text in lines]
    found = []
    for (s, text), mine in zip(records, ours(path, records)):
        want = theirs(tokenizer, s, text)
        if mine != want:
            found.append((s, text, mine, want))
    return found
