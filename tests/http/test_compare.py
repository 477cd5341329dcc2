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


def test_a_program_is_the_same_as_itself():
    code, said = compare(PROGRAM, "--quick")
    assert code == 0, said
    count, _, rest = said.strip().partition(" ")
    assert int(count) > 200 and rest.startswith("cases compared, no difference")


# Words of the program → others of the same length.
PLANTED = {
    b"invalid_request_error": b"invalid_Request_error",
    b"x-embedd-ignored-fields": b"x-embedd-ignored-Fields",
    b"Requests being answered": b"Requests being Answered",
    b": draining": b": Draining",
    b"Lists the tokens of": b"Shows the tokens of",
    b" is given twice; give it once": b" is given twice: give it once",
    b"embedd.source": b"embedd.Source",
    b"tokenizer.json": b"Tokenizer.json",
}
# What shows them: a name of a case for each, and the place.
SHOWN = [
    ("chain: POST /v1/embeddings {}\nbody:\n", "invalid_Request_error"), ("headers:\n  -x-embedd-ignored-fields: 1\n  +x-embedd-ignored-Fields: 1", ""),
    ("chain: GET /metrics at last\nbody:\n", "Requests being Answered"), ("chain: start, log and end\nstderr:\n", "Draining"),
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
    code, said = compare(path, r"--only=^(chain: (POST /v1/embeddings \{(\}|.X)|GET /metrics at last)|vocab --(help|model=a)|w6x2: convert.*out( --to=folder)?$)")
    assert code == 1 and " cases differ, in " in said
    for place, words in SHOWN:
        assert place in said and words in said[said.index(place):], (place, said)


# Says the same words, and does other things.
SCRIPT = """#!/bin/sh
case "$1" in
serve) exit 1 ;;
tokenize) exec "{program}" "$@" </dev/null ;;
vocab) "{program}" "$@"; exit 3 ;;
convert) "{program}" "$@"; touch left; [ ! -f out ] || chmod 600 out ;;
*) exec "{program}" "$@" ;;
esac
"""


def test_what_a_run_does_besides_its_words_is_compared(tmp_path):
    path = tmp_path / "embedd"
    path.write_text(SCRIPT.format(program=PROGRAM))
    path.chmod(0o755)
    code, said = compare(path, "--only=^(chain: GET /live|w6x2: (convert.*out|tokenize.*|vocab.*=o|embed.*--format=json))$")
    assert code == 1, said
    for where in ("it did not serve, the other did", "w6x2: tokenize --model w6x2 --special\nstdout:\n", "exit status:\n  -0\n  +3\n",
                  "file left: only the new program has it", "file out:\n  -0o100644\n  +0o100600"):
        assert where in said, (where, said)
    assert "w6x2: embed" not in said


def test_what_tests_do_is_written_down_and_done_again(tmp_path):
    record = tmp_path / "record"
    tests = [TOP / "tests/http/test_eval.py", TOP / "tests/http/test_classify.py"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "record", "--record", record, *tests, "--basetemp", tmp_path / "base",
         "-k", "every_format or a_folder_serves_its_own"],
        env=environment(PYTHONPATH=str(TOP / "tests/compare"), EMBEDD=PROGRAM), capture_output=True, encoding="utf-8", timeout=10 * PATIENCE_S)
    assert done.returncode == 0, done.stdout
    code, said = compare(PROGRAM, "--recorded", record, "--only=^recorded")
    assert code == 0, said
    assert int(said.split()[0]) >= 5


def test_nothing_compared_is_no_success(tmp_path):
    assert compare(PROGRAM, "--only=no case has this name") == (2, "no case was compared\n")
    assert compare(tmp_path / "none")[0] == 2
