# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/builtin/golden.txt: what the built-in model makes of 200 texts, to the bit.

usage: make_builtin.py [PROGRAM]
"""

import hashlib
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
FOLDER = TOP / "tests" / "data" / "builtin"
VECTOR_BYTES = 256 * 4

program = sys.argv[1] if len(sys.argv) > 1 else str(TOP / "build" / "embedd")
vectors = subprocess.run([program, "embed", "--format", "f32", str(FOLDER / "texts.txt")],
                         stdout=subprocess.PIPE, check=True).stdout
digests = [hashlib.sha256(vectors[i:i + VECTOR_BYTES]).hexdigest()
           for i in range(0, len(vectors), VECTOR_BYTES)]
(FOLDER / "golden.txt").write_text("".join(digest + "\n" for digest in digests))
