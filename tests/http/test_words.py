# SPDX-License-Identifier: Apache-2.0
"""What .ci/words finds in a tree of sources that breaks its rules, and in ours."""
import pathlib
import subprocess
import sys

import pytest

WORDS = pathlib.Path(__file__).parents[2] / ".ci" / "words"
COMMANDS = 'static const char *const arguments[] = {"output",\n    "dim"};\n'


def check(root):
    return subprocess.run([sys.executable, str(WORDS), str(root)], capture_output=True, text=True)


@pytest.fixture
def tree(tmp_path):
    for room in ("base", "config", "model", "commands"):
        (tmp_path / room).mkdir()
    (tmp_path / "commands/commands.c").write_text(COMMANDS)
    return tmp_path


@pytest.mark.parametrize("path, source, fault", [
    ("model/a.c", 'fail("give another "\n     "--output");', "model/a.c:2: a message names a flag"),
    ("base/a.c", 'fail("see --help");', "base/a.c:1: a message names a flag"),
    ("model/a.c", 'fail("give `outputs`");', "model/a.c:1: `outputs` is not among"),
    ("model/a.h", "/** @file b.h  One thread. */", "model/a.h:1: no comment '@file a.h'"),
    ("commands/a.h", "/**\n * @file a.h\n * It is good.\n */\n/** One thread. */", "which threads"),
])
def test_a_sentence_that_breaks_a_rule_is_named(tree, path, source, fault):
    (tree / path).write_text(source)
    run = check(tree)
    assert run.returncode == 1 and fault in run.stdout, run.stdout + run.stderr


@pytest.mark.parametrize("path, source", [
    ("model/a.c", '/* --output */ fail("give another `output`"); // --dim\nn--a; char c = \'"\';'),
    ("base/flags.c", 'fail("--help lists them");'),
    ("commands/a.c", 'fail("give another --output");'),
    ("config/a.h", "/**\n * @file a.h\n * It is good. Pure\n * functions.\n */"),
])
def test_what_breaks_none_passes(tree, path, source):
    (tree / path).write_text(source)
    assert check(tree).returncode == 0


def test_our_own_sources_break_none():
    run = check(WORDS.parent.parent)
    assert run.returncode == 0, run.stdout
