# SPDX-License-Identifier: Apache-2.0
"""The extension embedd._native: include/embedd.h as it stands, by cffi in API mode, and native.c."""
import pathlib
import re
import subprocess

from cffi import FFI

HERE = pathlib.Path(__file__).resolve().parent
# Of an sdist, beside this file (setup.py).
TOP = HERE / "sources" if (HERE / "sources").exists() else HERE.parent
LIBRARY = TOP / "build/release/lib/libembedd.a"


def declarations(header):
    """What cffi reads of a header: its declarations, without comments and preprocessor lines."""
    header = re.sub(r"/\*.*?\*/", "", header, flags=re.S)
    header = re.sub(r"^#(?:[^\n]*\\\n)*[^\n]*\n", "", header, flags=re.M)
    header = re.sub(r'extern "C" \{\n(.*)\n\}', r"\1", header, flags=re.S)
    return header.replace("EMBEDD_API ", "")


ffi = FFI()
ffi.cdef("#define EMBEDD_NO_ID ...\n#define EMBEDD_TEXT_BYTES_MAX ...\n"
         + declarations((TOP / "include/embedd.h").read_text(encoding="utf-8"))
         + declarations((HERE / "native.h").read_text(encoding="utf-8")))
if not LIBRARY.exists():
    subprocess.run(["make", "-C", TOP, "-s", "NODEPS=1", "library"], check=True)
ffi.set_source("embedd._native", '#include "native.h"', sources=["native.c"],
               include_dirs=[str(TOP / "include"), str(HERE)], extra_objects=[str(LIBRARY)],
               depends=[str(LIBRARY), "native.h"], extra_compile_args=["-fvisibility=hidden"],
               libraries=["jansson", "nettle", "onig", "utf8proc", "minizip", "z", "zstd", "m"],
               extra_link_args=["-Wl,-s"])
