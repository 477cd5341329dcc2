# SPDX-License-Identifier: Apache-2.0
"""What the program and the reference make of texts, as the bytes encode_lines writes.

ENCODE_LINES names the program (default build/release/tests/parity/encode_lines).
"""

import os
import struct
import subprocess
import threading
from itertools import chain

from corpus import TOP

PROGRAM = str((TOP / os.environ.get("ENCODE_LINES", "build/release/tests/parity/encode_lines")).resolve())
PATIENCE_S = 120
SPECIAL = 1
FAILED = 0xFFFFFFFF


class Result:
    """A reply, read: ids and spans, both decoded texts; or the error."""

    def __init__(self, ids=(), spans=(), decoded=("", ""), error=None):
        self.ids, self.spans, self.decoded, self.error = list(ids), list(spans), decoded, error

    def __repr__(self):
        if self.error is not None:
            return f"error: {self.error}"
        return (f"ids {self.ids}\n      spans {self.spans}\n      decoded {self.decoded[0]!r}\n"
                f"      without special {self.decoded[1]!r}")


def read_reply(data, at):
    """The reply at `at` of data, and where the next one starts; IndexError where it is cut short."""
    def take(size):
        nonlocal at
        if at + size > len(data):
            raise IndexError
        at += size
        return data[at - size:at]

    def text():
        return take(struct.unpack("<I", take(4))[0]).decode(errors="replace")

    n = struct.unpack("<I", take(4))[0]
    if n == FAILED:
        return Result(error=text()), at
    numbers = struct.unpack(f"<{3 * n}I", take(12 * n))
    spans = zip(numbers[1::3], numbers[2::3])
    return Result(numbers[::3], spans, (text(), text())), at


def packed(ids, offsets, decoded, plain):
    numbers = [len(ids)] + [0] * (3 * len(ids))
    numbers[1::3] = ids
    numbers[2::3] = [start for start, _ in offsets]
    numbers[3::3] = [end for _, end in offsets]
    decoded, plain = decoded.encode(), plain.encode()
    return b"".join((struct.pack(f"<{len(numbers)}I", *numbers), struct.pack("<I", len(decoded)), decoded,
                     struct.pack("<I", len(plain)), plain))


def reference_one(tokenizer, text, special):
    """The reference's reply, or None where it raises or panics."""
    try:
        e = tokenizer.encode(text, add_special_tokens=special)
        ids = e.ids
        return packed(ids, e.offsets, tokenizer.decode(ids, skip_special_tokens=False),
                      tokenizer.decode(ids, skip_special_tokens=True))
    except KeyboardInterrupt:
        raise
    except BaseException:  # a panic of the library is no Exception
        return None


def reference(tokenizer, texts, special):
    try:
        found = tokenizer.encode_batch(texts, add_special_tokens=special)
        ids = [e.ids for e in found]
        decoded = tokenizer.decode_batch(ids, skip_special_tokens=False)
        plain = tokenizer.decode_batch(ids, skip_special_tokens=True)
    except KeyboardInterrupt:
        raise
    except BaseException:
        return [reference_one(tokenizer, text, special) for text in texts]
    return [packed(i, e.offsets, d, p) for i, e, d, p in zip(ids, found, decoded, plain)]


class Run:
    """encode_lines on texts, in the background: start it, do something else, then finish()."""

    def __init__(self, path, cases, *form):
        """cases: (text, special); form: "compiled", or nothing."""
        records = chain.from_iterable(
            (struct.pack("<II", SPECIAL if special else 0, len(data)), data)
            for data, special in ((text.encode(), special) for text, special in cases))
        self.input = b"".join(records)
        self.process = subprocess.Popen([PROGRAM, str(path), *form], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)
        self.thread = threading.Thread(target=self._talk)
        self.thread.start()

    def _talk(self):
        try:
            self.out, self.errors = self.process.communicate(self.input, PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.out, self.errors = self.process.communicate()
            self.errors += f"\nstopped after {PATIENCE_S} s".encode()

    def finish(self):
        """(replies as bytes, the complaint or None)."""
        self.thread.join()
        code = self.process.returncode
        return self.out, None if code == 0 else f"exit {code}: " + self.errors.decode(errors="replace")[-3000:]


def split_replies(data):
    """Each reply's bytes."""
    at, replies = 0, []
    try:
        while at < len(data):
            _, end = read_reply(data, at)
            replies.append(data[at:end])
            at = end
    except IndexError:
        pass
    return replies


def compare(path, tokenizer, texts, kinds=(False, True)):
    """What differs: (text, special, ours, theirs), ours None after a crash; how many cases there
    were that the reference itself refuses; the program's complaint or None."""
    cases = [(text, special) for special in kinds for text in texts]
    run = Run(path, cases)
    wanted = [reply for special in kinds for reply in reference(tokenizer, texts, special)]
    out, complaint = run.finish()
    if complaint is None and None not in wanted and out == b"".join(wanted):
        return [], 0, None
    replies = split_replies(out)
    differing = []
    for i, ((text, special), want) in enumerate(zip(cases, wanted)):
        if i >= len(replies):
            if want is not None or complaint:
                differing.append((text, special, None, want and read_reply(want, 0)[0]))
            break
        if want is not None and replies[i] != want:
            differing.append((text, special, read_reply(replies[i], 0)[0], read_reply(want, 0)[0]))
    if not replies and complaint and complaint.startswith("exit 2"):
        differing = []  # it was never opened
    return differing, wanted.count(None), complaint
