# SPDX-License-Identifier: Apache-2.0
"""tests/run_units.sh: programs side by side, told in their order, with the log of what fails."""
import os
import subprocess

import pytest
from harness import PATIENCE_S, TOP

pytestmark = pytest.mark.slow_under_tsan  # one thread

# Programs as cmocka's look.
PASSES = "echo '[ RUN      ] a'\necho '[       OK ] a'\necho '[  PASSED  ] {} test(s).'\n"
SKIPS = PASSES + "echo '[  SKIPPED ] {} test(s), listed below:'\necho '[  SKIPPED ] a'\n"
FAILS = ("echo '[ RUN      ] a'\necho 'a.c:7: error: 1 != 2'\necho '[  FAILED  ] a'\n"
         "echo '[  PASSED  ] {} test(s).'\necho '[  FAILED  ] {} test(s), listed below:'\nexit {}\n")


def run(folder, programs, **variables):
    """Writes the programs (name, script) and runs them; returns the exit code and the lines said."""
    paths = []
    for name, script in programs:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\n" + script)
        path.chmod(0o755)
        paths.append(path)
    done = subprocess.run([TOP / "tests/run_units.sh", *paths], capture_output=True, text=True, cwd=folder,
                          env={**os.environ, **variables}, stdin=subprocess.DEVNULL, timeout=PATIENCE_S)
    assert done.stderr == ""
    return done.returncode, done.stdout.replace(f"{folder}/", "").splitlines()


@pytest.mark.parametrize("jobs", ["1", "2", "7"])
def test_programs_are_told_in_their_order_and_their_tests_summed(tmp_path, jobs):
    code, said = run(tmp_path, [("b/slow", "sleep 0.3\n" + PASSES.format(3)), ("a", SKIPS.format(2, 4)),
                                ("c d", PASSES.format(1) + PASSES.format(10))], JOBS=jobs)
    assert code == 0
    assert said == ["  ok    b/slow (3 tests)", "  ok    a (2 tests, 4 skipped)", "  ok    c d (11 tests)",
                    "unit: 16 passed, 0 failed, 4 skipped"]


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_what_fails_is_told_with_its_log_and_the_others_still_run(tmp_path, jobs):
    code, said = run(tmp_path, [("one", FAILS.format(5, 2, 2)), ("crash", "echo 'heap-buffer-overflow'\nexit 134\n"),
                                ("xargs_stops_at_255", "exit 255\n"), ("two", PASSES.format(1))], JOBS=jobs)
    assert code == 1
    assert said == ["  FAIL  one", "a.c:7: error: 1 != 2", "[  FAILED  ] a", "[  PASSED  ] 5 test(s).",
                    "[  FAILED  ] 2 test(s), listed below:", "  FAIL  crash", "heap-buffer-overflow",
                    "  FAIL  xargs_stops_at_255", "  ok    two (1 tests)", "unit: 6 passed, 4 failed"]


def test_a_program_that_is_not_there_fails(tmp_path):
    done = subprocess.run([TOP / "tests/run_units.sh", tmp_path / "none"], capture_output=True, text=True)
    assert done.returncode == 1 and "not found" in done.stdout and done.stdout.endswith("unit: 0 passed, 1 failed\n")


def test_programs_run_side_by_side(tmp_path):
    """Two that each wait for the other: one after the other, the first would wait in vain."""
    wait = ("touch {0}\nfor i in $(seq 3000); do [ -e {1} ] && break; sleep 0.01; done\n[ -e {1} ] || exit 1\n" +
            PASSES.format(1))
    code, said = run(tmp_path, [("a", wait.format("at-a", "at-b")), ("b", wait.format("at-b", "at-a"))], JOBS="2")
    assert code == 0 and said[-1] == "unit: 2 passed, 0 failed"
