#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Puts web/ together: one page without requests, packed, and the source that compiles it in.

usage: web/build.py           writes handlers/dialects/page.gz and page_data.S
       web/build.py --check   fails where they are not what web/ makes
       web/build.py --plain   writes the page to standard output
"""
import base64
import gzip
import hashlib
import re
import sys
from pathlib import Path

WEB = Path(__file__).resolve().parent
ROOM = WEB.parent / "handlers/dialects"
# Each behind those that it imports.
MODULES = ["dom", "state", "words_zh", "words", "wire", "server", "draw", "chain", "similarity", "classify", "live", "use", "views", "main"]
BYTES_MAX = 150_000  # packed

SOURCE = """\
/* SPDX-License-Identifier: Apache-2.0 */
/* Written by web/build.py: the page that page.c sends. Paths are from the top folder, where make
   runs. */

        .section .rodata
        .globl page_policy, page_tag, page_data, page_data_end
        .hidden page_policy, page_tag, page_data, page_data_end
        .type page_policy, %object
page_policy:
        .asciz "{policy}"
        .size page_policy, . - page_policy
        .type page_tag, %object
page_tag:
        .asciz "W/\\"{tag}\\""
        .size page_tag, . - page_tag
        .type page_data, %object
page_data:
        .incbin "handlers/dialects/page.gz"
page_data_end:
        .size page_data, . - page_data

        .section .note.GNU-stack, "", %progbits
#ifdef __CET__ /* it has no code, so none that indirect jumps could misuse */
#include <cet.h>
#endif
"""


def strip(text):
    """Without comments that have a line of their own, empty lines, indentation."""
    text = re.sub(r"^\s*(//.*|/\*[^*]*\*/)$", "", text, flags=re.M)
    return "\n".join(line.strip() for line in text.splitlines() if line.strip()) + "\n"


def module(path):
    """A module as a value: an object of what it exports. Its file's name is its name, in any folder."""
    text, name = (WEB / f"{path}.js").read_text(), Path(path).name
    text = re.sub(r"^import (\{[^}]*\}) from \"\.\.?/(\w+)\.js\";$", r"const \1 = $\2;", text, flags=re.M)
    exported = re.findall(r"^export (?:const|function|async function|class) (\w+)", text, flags=re.M)
    text = strip(re.sub(r"^export ", "", text, flags=re.M))
    return f"const ${name} = (() => {{\n{text}return {{ {', '.join(exported)} }};\n}})();\n"


def script(modules):
    return '"use strict";\n' + "".join(map(module, modules))


def hash_of(text):
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def document(modules):
    """A page, and what its policy says of its script and its style."""
    code, style = "\n" + script(modules), "\n" + strip((WEB / "style.css").read_text())
    page = strip((WEB / "index.html").read_text())
    page = page.replace("<style></style>", f"<style>{style}</style>")
    page = page.replace('<script type="module"></script>', f'<script type="module">{code}</script>')
    return page, f"script-src {hash_of(code)}; style-src {hash_of(style)}; base-uri 'none'; form-action 'none'"


def make():
    """The page, and page_data.S."""
    page, policy = document(MODULES)
    policy = f"default-src 'self'; img-src 'self' data:; {policy}; frame-ancestors 'self'"
    tag = hashlib.sha256((page + policy).encode()).hexdigest()[:16]
    return page, SOURCE.format(policy=policy, tag=tag)


def main():
    page, source = make()
    packed = gzip.compress(page.encode(), 9, mtime=0)
    if len(packed) > BYTES_MAX:
        sys.exit(f"web/build.py: the page has {len(packed)} bytes packed; {BYTES_MAX} are the most")
    if "--plain" in sys.argv:
        sys.stdout.write(page)
    elif "--check" in sys.argv:
        # What is in it, not how it is packed: that is a matter of the library's version.
        there = gzip.decompress((ROOM / "page.gz").read_bytes()).decode()
        if there != page or (ROOM / "page_data.S").read_text() != source:
            sys.exit("handlers/dialects/page.gz is not what web/ makes; make page writes it anew")
        print(f"the page is what web/ makes: {len(packed)} bytes packed")
    else:
        (ROOM / "page.gz").write_bytes(packed)
        (ROOM / "page_data.S").write_text(source)


if __name__ == "__main__":
    main()
