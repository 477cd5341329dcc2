# SPDX-License-Identifier: Apache-2.0
"""docs/API.md shows what the program answers."""
import os
import pathlib
import re
import subprocess

import pytest
from harness import Service

TOP = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = re.findall(r"^```console\n\$ (.*)\n(.*)\n```$",
                      (TOP / "docs/API.md").read_text(encoding="utf-8"), re.M)


@pytest.fixture(scope="module")
def url():
    service = Service("--threads", "2", "--model", str(TOP / "examples/chain/w6x2"),
                      "--heads", str(TOP / "examples/heads"))
    try:
        yield service.url
        service.stop()
    finally:
        service.kill()


def test_the_manual_has_examples():
    assert len(EXAMPLES) > 10


@pytest.mark.parametrize("command, answer", EXAMPLES)
def test_an_example_of_the_manual(url, command, answer):
    result = subprocess.run(["sh", "-c", command], env={**os.environ, "URL": url},
                            capture_output=True, encoding="utf-8", timeout=60)
    assert result.stdout == answer, result.stderr
