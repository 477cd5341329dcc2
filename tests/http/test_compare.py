# SPDX-License-Identifier: Apache-2.0
"""The comparison of two programs (tests/compare) says "same" of a program and itself, and of no other."""

import subprocess
import sys
from pathlib import Path

import pytest
from harness import PATIENCE_S, PROGRAM, TOP, environment

pytestmark = pytest.mark.slow_under_tsan  # it asks what other tests ask, twice


def compare(new, *flags, old=PROGRAM):
    done = subprocess.run([sys.executable, TOP / "tests/compare/compare.py", old, new, *flags], env=environment(),
                          capture_output=True, encoding="utf-8", timeout=10 * PATIENCE_S)
    return done.returncode, done.stdout + done.stderr


def program_that(folder, script):
    """A program that runs ours, by /bin/sh."""
    path = folder / "embedd"
    path.write_text("#!/bin/sh\n" + script.format(program=PROGRAM) + "\n")
    path.chmod(0o755)
    return path


def test_a_program_is_the_same_as_itself():
    code, said = compare(PROGRAM, "--quick")
    assert code == 0, said
    count, _, rest = said.strip().partition(" ")
    assert int(count) > 200 and rest.startswith("cases compared, no difference")


# Words of the program → others of the same length.
PLANTED = {
    b" is missing; it must be ": b" is missing. It must be ",
    b"x-embedd-ignored-fields": b"x-embedd-ignored-Fields",
    b"Keys of requests": b"Keys in requests",
    b": draining": b": Draining",
    b"Lists the tokens of": b"Shows the tokens of",
    b" is given twice; give it once": b" is given twice: give it once",
    b"embedd.source": b"embedd.Source",
    b"tokenizer.json": b"Tokenizer.json",
}
# What shows them: a name of a case for each, and the place.
SHOWN = [
    ("chain: POST /embed {}\nbody:\n", ". It must be"), ("headers:\n  -x-embedd-ignored-fields: 1\n  +x-embedd-ignored-Fields: 1", ""),
    ("chain: GET /metrics at last\nbody:\n", "Keys in requests"), ("chain: start, log and end\nstderr:\n", "Draining"),
    ("vocab --help\nstdout:\n", "Shows the"), ("--model=b\nstderr:\n", "twice: give"),
    ("file out:\n", "embedd.Source"), ("file out/tokenizer.json: only the old program has it\nfile out/Tokenizer.json: only the new", ""),
]


def test_planted_differences_are_found(tmp_path):
    data = Path(PROGRAM).read_bytes()
    for before, after in PLANTED.items():
        assert len(before) == len(after) and before in data
        data = data.replace(before, after)
    path = tmp_path / "embedd"
    path.write_bytes(data)
    path.chmod(0o755)
    code, said = compare(path, r"--only=^(chain: (POST /embed \{|GET /metrics at last)|vocab --(help|model=a)|w6x2: convert.*out( --to=folder)?$)")
    assert code == 1 and " cases differ, in " in said
    for place, words in SHOWN:
        assert place in said and words in said[said.index(place):], (place, said)


@pytest.mark.parametrize("script, where", [
    ('"{program}" "$@"; exit $(($? + 1))', "exit status:"),
    ('"{program}" "$@"; status=$?; touch left; exit $status', "file left: only the new program has it"),
    ('"{program}" "$@"; status=$?; [ ! -f out ] || chmod 600 out; exit $status', "file out:\n  -0o100644\n  +0o100600"),
    ('exec "{program}" "$@" </dev/null', "stdout:"),
])
def test_what_a_run_leaves_besides_its_words_counts(tmp_path, script, where):
    code, said = compare(program_that(tmp_path, script), "--only=^w6x2: (convert|tokenize)")
    assert code == 1 and where in said, said


def test_a_service_that_does_not_begin_is_a_difference(tmp_path):
    code, said = compare(program_that(tmp_path, "exit 1"), "--only=^chain: GET /live")
    assert code == 1 and "it did not serve, the other did" in said, said


def test_nothing_compared_is_no_success(tmp_path):
    assert compare(PROGRAM, "--only=no case has this name") == (2, "no case was compared\n")
    assert compare(tmp_path / "none")[0] == 2
