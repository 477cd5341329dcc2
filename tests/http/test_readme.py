# SPDX-License-Identifier: Apache-2.0
"""What the READMEs show is what the program says, and what they link to exists."""
import os
import pathlib
import re
import subprocess

import pytest

pytestmark = pytest.mark.slow_under_tsan

TOP = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = TOP / os.environ.get("EMBEDD", "build/embedd")
READMES = ["README.md", "README.zh.md"]


def read(name):
    return (TOP / name).read_text(encoding="utf-8")


def as_pattern(shown):
    """A shortened answer as a regular expression: ' ...' stands for anything."""
    return re.escape(shown).replace(re.escape(" ..."), ".*").replace("\n", "\\n?") + "\\n?"


@pytest.mark.parametrize("name", READMES)
def test_the_answers_shown_are_the_programs_own(service, name):
    shown = re.findall(r"```console\n\$ (.*)\n((?:.+\n)+)```", read(name))
    assert len(shown) == 3
    for command, answer in shown:
        command = command.replace("http://127.0.0.1:8080", service.url).replace("build/embedd", '"$EMBEDD"')
        result = subprocess.run(
            ["sh", "-c", command],
            env={**os.environ, "EMBEDD": str(PROGRAM)},
            capture_output=True,
            encoding="utf-8",
            timeout=120,
        )
        assert result.returncode == 0, result.stderr
        assert re.fullmatch(as_pattern(answer.rstrip("\n")), result.stdout, re.S), result.stdout


def test_the_cosines_are_those_of_the_example():
    example = read("examples/chain/README.md")
    pairs = re.findall(r"^(\S+) - (\S+)   distance \S+   cosine (\d\.\d+)$", example, re.M)
    ids, vectors = pairs[:3], pairs[-3:]
    for name in READMES:
        rows = re.findall(r"^\| (\S+) - (\S+) \| (\d\.\d+) \| (\d\.\d+) \|$", read(name), re.M)
        assert [(a, b, x) for a, b, x, _ in rows] == ids
        assert [(a, b, y) for a, b, _, y in rows] == vectors


def test_every_link_leads_to_a_file():
    pages = [*READMES, "examples/chain/README.md"]
    pages += [str(path.relative_to(TOP)) for path in sorted((TOP / "docs").glob("*.md"))]
    for page in pages:
        for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", read(page)):
            if "://" not in link:
                assert (TOP / page).parent.joinpath(link).exists(), f"{page}: {link}"
