# SPDX-License-Identifier: Apache-2.0
"""libembedd as `make install` leaves it: programs in C and C++ are built by what pkg-config says, against the
shared and the static library, and get the bits of the commands and of the service."""

import ctypes
import json
import os
import random
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from harness import PROGRAM, TOP

DESTDIR = TOP / "build/installed"
INSTALLED = DESTDIR / "usr"
HERE = Path(__file__).parent
TYPES = ["float32", "float16", "bfloat16", "fp8_e4m3", "fp8_e5m2", "int8", "uint8", "binary", "ubinary"]


def make(target, destdir, prefix):
    env = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL")}
    subprocess.run(["make", "-s", "NODEPS=1", "-o", "library", "-o", "build/embedd", "-C", TOP, target,
                    f"DESTDIR={destdir}", f"PREFIX={prefix}"], check=True, capture_output=True, env=env)


@pytest.fixture(scope="session", autouse=True)
def installed():
    shutil.rmtree(DESTDIR, ignore_errors=True)
    make("install", DESTDIR, "/usr")


def pkg_config(*arguments):
    # The prefix in the file is where it would be without DESTDIR.
    command = ["pkg-config", f"--define-variable=prefix={INSTALLED}", *arguments, "embedd"]
    env = {**os.environ, "PKG_CONFIG_PATH": str(INSTALLED / "lib/pkgconfig")}
    return shlex.split(subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout)


def build(out, source, compiler, is_static=False):
    flags = pkg_config("--cflags") + ["-Wall", "-Wextra", "-Werror", "-O1"]
    libraries = pkg_config("--libs", *(["--static"] if is_static else []))
    if is_static:
        libraries = ["-l:libembedd.a" if flag == "-lembedd" else flag for flag in libraries]
    else:
        libraries.append(f"-Wl,-rpath,{INSTALLED}/lib")
    subprocess.run([*compiler, *flags, str(source), "-o", str(out), *libraries], check=True)
    return out


@pytest.fixture(scope="session")
def ask(tmp_path_factory):
    return build(tmp_path_factory.mktemp("ask") / "ask", HERE / "ask.c", ["gcc", "-std=c99", "-pedantic"])


def run(program, *arguments, lines):
    command = [str(program), *map(str, arguments)]
    done = subprocess.run(command, input=lines, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@pytest.fixture(scope="session")
def lines():
    """10,000 texts of both languages, short and long, with empty and odd ones."""
    chance = random.Random(7)
    english = (TOP / "LICENSE").read_text().split()
    chinese = re.findall(r"[\u4e00-\u9fff]", (TOP / "README.zh.md").read_text(encoding="utf-8"))
    odd = ["", " ", "\t", "\u0000x", "e\u0301", "\U0001F600", "\ufeff我", "ＡＢＣ", "\u202eabc", "x" * 5000]
    texts = list(odd)
    while len(texts) < 10_000:
        n = chance.choice([1, 3, 8, 12, 40])
        if chance.random() < 0.5:
            texts.append(" ".join(chance.choices(english, k=n)))
        else:
            texts.append("".join(chance.choices(chinese, k=2 * n)) + chance.choice(["", "。", " mixed text", "！？"]))
    return "".join(text + "\n" for text in texts).encode()


@pytest.fixture(scope="session")
def vectors(lines):
    """What the command makes of them."""
    return run(PROGRAM, "embed", "--format", "f32", lines=lines)


def test_the_command_gives_the_same_bits_for_any_batch_pool_and_offsets(ask, lines, vectors):
    for threads, at_once, bits in [(1, 10_000, 32), (2, 10_000, 64), (3, 777, 64), (5, 4096, 32), (1, 1, 64)]:
        assert run(ask, "encode", "builtin", threads, at_once, bits, 0, lines=lines) == vectors


def test_the_service_gives_the_same_bits_in_every_type(ask, lines, service):
    texts = lines.decode().split("\n")[:-1]
    for number, name in enumerate(TYPES):
        of_type = run(ask, "encode", "builtin", 2, 5000, 32, number, lines=lines)
        replies = b""
        for first in range(0, len(texts), 2000):
            body = {"input": texts[first:first + 2000], "encoding_format": "bytes_only", "embed_dtype": name,
                    "endianness": "little"}
            with service.connect() as client:
                reply = client.post("/v1/embeddings", json.dumps(body).encode())
            assert reply.status == 200, reply.body[:500]
            replies += reply.body
        assert replies == of_type, name


def test_labels_are_those_of_the_command(ask, tmp_path):
    model = tmp_path / "reviews"
    subprocess.run([PROGRAM, "train", "--input", TOP / "examples/reviews/train.csv", "--output", model],
                   check=True, capture_output=True)
    rows = (TOP / "examples/reviews/train.csv").read_text(encoding="utf-8").splitlines()[1:]
    lines = "".join(row.rpartition(",")[0].strip('"') + "\n" for row in rows).encode() * 3
    expected = run(PROGRAM, "classify", "--model", model, lines=lines).decode().splitlines()
    for threads, at_once in [(1, 1), (3, 100_000)]:
        found = run(ask, "classify", model, threads, at_once, 64, 0, lines=lines).decode().splitlines()
        assert len(found) == len(expected) > 50
        for one, other in zip(found, expected):
            answer = json.loads(other)
            *pairs, unsure = one.split()
            assert pairs[::2] == list(answer["scores"])
            as_float = [ctypes.c_float(float(p)).value for p in pairs[1::2]]
            assert as_float == [ctypes.c_float(p).value for p in answer["scores"].values()]
            assert ctypes.c_float(float(unsure)).value == ctypes.c_float(answer["unsure_score"]).value


@pytest.mark.parametrize("compiler, is_static", [
    (["gcc", "-std=c11"], True), (["g++", "-std=c++11", "-x", "c++"], False), (["g++", "-std=c++20", "-x", "c++"], True)])
def test_c_and_cpp_static_and_shared_get_the_same(compiler, is_static, lines, vectors, tmp_path):
    # What follows -x c++ is C++, the libraries too, but for what is named by -l.
    program = build(tmp_path / "ask", HERE / "ask.c", compiler, is_static)
    assert run(program, "encode", "builtin", 2, 3000, 32, 0, lines=lines) == vectors
    needed = subprocess.run(["readelf", "-d", program], check=True, capture_output=True, text=True).stdout
    assert ("libembedd.so.0" in needed) == (not is_static)


def test_a_row_that_is_no_text_is_named(ask):
    done = subprocess.run([ask, "encode", "builtin", "2", "1000", "32", "0"], input=b"a\nb\n\xff\nd\n",
                          capture_output=True)
    assert done.returncode == 3
    assert done.stderr == (b"3 2 row 2: its text is not UTF-8 at byte 1 (0xFF); recode it, or have such texts "
                           b"replaced or taken for null (`invalid`)\n")


def symbols(library, *flags):
    found = subprocess.run(["nm", *flags, library], check=True, capture_output=True, text=True).stdout
    return re.findall(r"^[0-9a-f ]{16} ([A-Zuvw]) ([^\s@]+)", found, re.MULTILINE)


def declared():
    header = (INSTALLED / "include/embedd.h").read_text()
    return set(re.findall(r"^EMBEDD_API [^;(]*?\b(embedd_\w+)\(", header, re.MULTILINE))


def test_only_what_the_header_declares_is_exported():
    shared = {name for kind, name in symbols(INSTALLED / "lib/libembedd.so", "-D", "--defined-only") if kind != "A"}
    static = {name for kind, name in symbols(INSTALLED / "lib/libembedd.a", "--defined-only", "--extern-only")}
    assert shared == static == declared()
    assert len(shared) == 19


def test_it_prints_nothing_ends_nothing_and_handles_no_signals():
    used = {name for _, name in symbols(INSTALLED / "lib/libembedd.so", "-D", "--undefined-only")}
    barred = {"exit", "_exit", "abort", "signal", "sigaction", "printf", "fprintf", "puts", "putchar", "perror",
              "__printf_chk", "__fprintf_chk", "stdout", "stderr", "atexit", "setlocale", "pthread_atfork"}
    assert not used & barred


def test_it_needs_no_library_of_the_service():
    needed = subprocess.run(["readelf", "-d", INSTALLED / "lib/libembedd.so"], check=True, capture_output=True,
                            text=True).stdout
    assert "Library soname: [libembedd.so.0]" in needed
    for name in ["microhttpd", "libuv", "gnutls", "seccomp"]:
        assert name not in needed
    assert pkg_config("--modversion") == [subprocess.run([PROGRAM, "--version"], capture_output=True, text=True,
                                                         check=True).stdout.split()[1]]


def test_the_page_of_the_library_compiles_and_says_what_it_shows(tmp_path):
    page = (TOP / "docs/LIBRARY.md").read_text(encoding="utf-8")
    (tmp_path / "nearest.c").write_text(re.search(r"```c\n(.*?)```", page, re.DOTALL)[1], encoding="utf-8")
    program = build(tmp_path / "nearest", tmp_path / "nearest.c", ["gcc", "-std=c11"])
    shown = re.search(r"```text\n(.*?)```", page, re.DOTALL)[1]
    assert run(program, lines=b"").decode() == shown


def test_the_manual_names_every_call():
    page = INSTALLED / "share/man/man3/libembedd.3"
    text = page.read_text()
    for name in declared():
        assert name in text, name


def test_uninstall_leaves_nothing_behind(tmp_path):
    make("install", tmp_path, "/opt/embedd")
    assert (tmp_path / "opt/embedd/lib/libembedd.so.0").exists()
    make("uninstall", tmp_path, "/opt/embedd")
    assert not [path for path in tmp_path.rglob("*") if not path.is_dir()]
