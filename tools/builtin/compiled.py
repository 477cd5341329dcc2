# SPDX-License-Identifier: Apache-2.0
"""C beside Python: a source of this folder, compiled for this machine and loaded."""

import ctypes
import os
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
FAST = ("-O3", "-march=native", "-ffast-math")


def library(source, flags=FAST):
    """The library, whose file is gone as soon as it is loaded."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/lib{Path(source).stem}.so"
        subprocess.run([os.environ.get("CC", "gcc"), *flags, "-shared", "-fPIC", HERE / source, "-o", path,
                        "-lm"], check=True)
        return ctypes.CDLL(path)


def at(array):
    """Where its numbers lie; the array has to outlive the call."""
    return array.ctypes.data
