# SPDX-License-Identifier: Apache-2.0
"""The texts that the built-in model learns from, each with its origin and licence (docs/MODEL.md).

A source is (name, English lines, Chinese lines); where both are there they are translations of each
other, line by line.
"""

import hashlib
import io
import lzma
import re
import subprocess
import tarfile
from pathlib import Path

import sets

# Debian's own copy of WordNet 3.0; `apt-get download` fetches it.
WORDNET = {
    "package": "wordnet-base=1:3.0-37",
    "sha256": "61060d960f9ada8fa120872312eccd3ecebfbab8c4579e4f5a74e1cf67620752",
}
# Examples that are about these are left out: they would only teach slurs.
RUDE = re.compile(
    r"\b(?:sex\b|sexual|rape|raped|fuck|shit|penis|vagina|vulva|genital|nigger|slang for|cunt|whore"
    r"|prostitut|intercourse|obscene|offensive|disparag|erotic|copulat|masturbat|anus|semen)", re.I)


def debian_package(folder, package, sha256):
    """The .deb of name=version in `folder`, fetched if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    name = package.split("=")[0]
    if not list(folder.glob(f"{name}_*.deb")):
        subprocess.run(["apt-get", "download", "-q", package], cwd=folder, check=True)
    (path,) = folder.glob(f"{name}_*.deb")
    if hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
        raise SystemExit(f"{path}: its checksum is not {sha256}; remove it and try again")
    return path


def files_of_deb(path, pattern):
    """{name: bytes} of the files in a Debian package (an ar archive of tar archives)."""
    data, at, found = path.read_bytes(), 8, {}
    while at < len(data):
        size = int(data[at + 48:at + 58])
        if data[at:at + 16].startswith(b"data.tar"):
            with tarfile.open(fileobj=io.BytesIO(data[at + 60:at + 60 + size])) as tar:
                for member in tar:
                    if member.isfile() and re.search(pattern, member.name):
                        found[member.name] = tar.extractfile(member).read()
        at += 60 + size + size % 2
    return found


def is_sentence(text):
    """English of at least three words, without markup, mostly letters."""
    words = re.findall(r"[A-Za-z][A-Za-z'’-]*", text)
    letters = sum(c.isalpha() or c == " " for c in text)
    return (3 <= len(text) <= 200 and len(words) >= 3 and letters >= 0.82 * len(text)
            and text[-1] not in ",(" and text.count(",") <= 5
            and not re.search(r"[{}<>|\\=_^`~@#]|--|\.\.\.\.|^[\W\d]*$", text)
            and not RUDE.search(text))


def wordnet_examples(folder):
    """The usage examples of its glosses, which stand in quotation marks."""
    files = files_of_deb(debian_package(folder, **WORDNET), r"/data\.(noun|verb|adj|adv)$")
    lines = []
    for name in sorted(files):
        for line in files[name].decode("utf-8").splitlines():
            if line.startswith("  ") or " | " not in line:
                continue
            for example in re.findall(r'"([^"]+)"', line.split(" | ", 1)[1]):
                lines.append(re.sub(r"\s+", " ", example).strip())
    return list(dict.fromkeys(line for line in lines if is_sentence(line)))


def stsb_train(data, language):
    """Both sides of all pairs, the first sides first."""
    pairs = sets.stsb(data, language, "train")
    return [a for a, _, _ in pairs] + [b for _, b, _ in pairs]


def sources(data, work):
    pairs = sets.tatoeba(data, "train")
    yield "tatoeba", [en for en, _ in pairs], [zh for _, zh in pairs]
    yield "stsb", stsb_train(data, "en"), stsb_train(data, "zh")
    yield "banking77", [text for text, _ in sets.banking77(data, "train")], []
    yield "wordnet", wordnet_examples(Path(work) / "packages"), []


def corpus(data, language):
    """Sentences, titles and questions of many domains (corpus-README.md of the folder)."""
    with lzma.open(Path(data) / f"corpus-{language}.txt.xz", "rt", encoding="utf-8") as file:
        return [line.rstrip("\n") for line in file]


def parallel(data):
    """Pairs of the same kind: (English, Chinese)."""
    with lzma.open(Path(data) / "parallel-en-zh.tsv.xz", "rt", encoding="utf-8") as file:
        return [tuple(line.rstrip("\n").split("\t")) for line in file]
