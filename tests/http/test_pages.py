# SPDX-License-Identifier: Apache-2.0
"""The documentation: its commands run and print what it shows, its links lead somewhere, and its two
languages say the same."""
import re
import subprocess
import textwrap

import pages
import pytest
from harness import PROGRAM, TOP

TRANSLATED = {"README.md": "README.zh.md", "docs/API.md": "docs/API.zh.md", "docs/CLIENTS.md": "docs/CLIENTS.zh.md"}
# Those whose Chinese page shows only some of what the English one runs, and leaves its figures to it.
SHORTER = {"docs/CLASSIFY.md": "docs/CLASSIFY.zh.md"}
PAGES = ["README.md", "README.zh.md", "examples/chain/README.md", "examples/reviews/README.md",
         *(str(path.relative_to(TOP)) for path in sorted((TOP / "docs").glob("*.md")))]
# The pages whose commands are run, and at least how many outputs each of them shows.
SHOWN = {"README.md": 4, "README.zh.md": 4, "docs/API.md": 20, "docs/API.zh.md": 20, "docs/CLASSIFY.md": 18,
         "docs/CLASSIFY.zh.md": 11, "docs/DOCKER.md": 0, "docs/FORMATS.md": 0,
         "docs/MODEL.md": 1, "docs/SERVER.md": 0, "docs/TOKENIZERS.md": 0}


def read(name):
    return (TOP / name).read_text(encoding="utf-8")


def write_words(path):
    words = "the of to and in a is that for on".split()
    lines = [" ".join([word, *(str(i * j % 7 - 3) for j in range(300))]) for i, word in enumerate(words)]
    path.write_text("".join(line + "\n" for line in lines))


def convert(source, *arguments):
    def to(path):
        command = [PROGRAM, "convert", "--input", TOP / source, "--output", path, *arguments]
        subprocess.run(command, check=True, capture_output=True)
    return to


# What readers bring along, by the names that pages give it.
BROUGHT = {"glove.6B.300d.txt": write_words, "packed.safetensors": convert("examples/chain/w6x8"),
           "potion-base-8M": convert("model/bundle/builtin/embedd-base-2", "--to", "folder"),
           "my-model": convert("model/bundle/builtin/embedd-base-2", "--to", "folder")}


def test_every_page_with_commands_is_walked():
    for page in PAGES:
        if page not in SHOWN and page != "examples/chain/README.md":  # test_chain.py walks that one
            found = [command for block in pages.blocks(read(page)) for command, _ in pages.commands(block)]
            assert all(command.startswith("make ") for command in found), f"{page}: {found}"


@pytest.mark.parametrize("page", [
    pytest.param(page, marks=[] if page == "docs/API.md" else pytest.mark.slow_under_tsan) for page in SHOWN])
def test_what_a_page_shows_is_what_its_reader_gets(page, tmp_path):
    text = read(page)
    shown = [output for block in pages.blocks(text) for _, output in pages.commands(block) if output is not None]
    assert len(shown) >= SHOWN[page]
    reader = pages.Walk(tmp_path)
    for name, bring in BROUGHT.items():
        if name in text:
            bring(tmp_path / name)
    try:
        complaints = reader.follow(text)
    finally:
        reader.end()
    assert not complaints, f"{len(complaints)} of the page's commands:\n" + "\n\n".join(complaints)


def test_the_cosines_are_those_of_the_example():
    example = read("examples/chain/README.md")
    pairs = re.findall(r"^(\S+) - (\S+)   distance \S+   cosine (\d\.\d+)$", example, re.M)
    ids, vectors = pairs[:3], pairs[-3:]
    for name in ("README.md", "README.zh.md"):
        rows = re.findall(r"^\| (\S+) - (\S+) \| (\d\.\d+) \| (\d\.\d+) \|$", read(name), re.M)
        assert [(a, b, x) for a, b, x, _ in rows] == ids
        assert [(a, b, y) for a, b, _, y in rows] == vectors


def links_in(text):
    return [link for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]


def anchors(page):
    """What a heading of a page is called in a link."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```$", "", read(page), flags=re.M | re.S), re.M)
    plain = [re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower() for heading in headings]
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_to_a_file_and_to_a_heading_in_it(page):
    for link in links_in(read(page)):
        path, _, anchor = link.partition("#")
        target = (TOP / page).parent / path if path else TOP / page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_the_tour_names_every_file_of_the_handlers():
    named = re.findall(r"`([a-z_/]+)\.\w+`", read("docs/ARCHITECTURE.md"))
    files = {path.stem for path in (TOP / "handlers").rglob("*") if path.is_file()}
    assert files <= {name.rpartition("/")[2] for name in named}


def without_comments(block):
    return [(re.sub(r" +# .*", "", command), output) for command, output in pages.commands(block)]


def test_the_page_of_clients_shows_the_lines_that_run():
    shown = [text for language, text in pages.blocks(read("docs/CLIENTS.md")) if language in ("python", "js", "go", "java", "rust")]
    clients = TOP / "tests/clients"
    kinds = ("python-*/*.py", "node/*.mjs", "go/*.go", "java/*.java", "rust/*.rs")
    scripts = [path for kind in kinds for path in clients.glob(kind) if path.stem != "steps"]
    assert len(scripts) == len(shown)
    for path in scripts:
        parts = re.findall(r"^[ \t]*(?:#|//) -- docs\n(.*?)^[ \t]*(?:#|//) -- end$", path.read_text(), re.M | re.S)
        assert "".join(map(textwrap.dedent, parts)) in shown, f"{path}: not as it runs in docs/CLIENTS.md"


def test_both_pages_of_clients_show_the_same_lines():
    assert pages.blocks(read("docs/CLIENTS.md")) == pages.blocks(read("docs/CLIENTS.zh.md"))


# How a cell of the table begins; a cell that begins with none of these is the same in kind: it begins with none there.
SAID = {"yes": "是", "no": "否", "?": "?", "taken": "接受", "refused": "拒绝", "cut": "截断", "ignored": "忽略"}


def said(page, words):
    """The cells beside the first, of the tables of what works where: by what they begin with, and code in them."""
    rows = [line.strip("|").split(" | ") for line in read(page).splitlines() if line[:1] == "|"]
    return [[(next((i for i, word in enumerate(words) if re.match(re.escape(word) + r"(?![a-z])", cell.strip())), None),
              re.findall("`[^`]*`", cell)) for cell in row[1:]] for row in rows if len(row) == 7]


def test_both_pages_of_clients_say_the_same_works():
    english, chinese = said("docs/CLIENTS.md", SAID.keys()), said("docs/CLIENTS.zh.md", SAID.values())
    assert len(english) > 30 and english == chinese


@pytest.mark.parametrize("english, chinese", TRANSLATED.items())
def test_both_languages_show_the_same(english, chinese):
    of = [[without_comments(block) for block in pages.blocks(read(page))] for page in (english, chinese)]
    assert of[0] == of[1]
    of = [len(re.findall(r"^(#+) ", read(page), re.M)) for page in (english, chinese)]
    assert of[0] == of[1]
    of = [len(re.findall(r"^\|", read(page), re.M)) for page in (english, chinese)]
    if english != "README.md":  # the chain is a table there, a list in Chinese
        assert of[0] == of[1]


@pytest.mark.parametrize("english, chinese", SHORTER.items())
def test_a_shorter_page_has_the_sections_of_the_english_one_and_runs_some_of_it(english, chinese):
    def sections(page):
        return [(len(marks), [command for block in pages.blocks(section) for command, _ in pages.commands(block)])
                for marks, section in re.findall(r"^(#+) (.*?)(?=^#+ |\Z)", read(page), re.M | re.S)]

    full, short = sections(english), sections(chinese)
    assert [level for level, _ in full] == [level for level, _ in short]
    for (_, all_of_them), (_, some) in zip(full, short):
        assert some == [command for command in all_of_them if command in some]
    assert len(re.findall(r"^- \*\*|^\| `", read(english), re.M)) == len(re.findall(r"^- \*\*|^\| `", read(chinese), re.M))


@pytest.mark.parametrize("page", ["docs/API.md", "docs/API.zh.md"])
def test_the_list_of_apis_names_every_route(service, page):
    listed = re.findall("`(?:GET |POST )?(/[^`]*)`", read(page).partition("\n## ")[0])
    paths = service.get("/openapi.json").json()["paths"]
    assert {path for path in listed if "/chain/" not in path} == set(paths)


@pytest.mark.parametrize("page", ["docs/API.md", "docs/API.zh.md"])
def test_every_header_of_replies_is_told(page):
    sources = "".join(path.read_text() for path in (TOP / "handlers").rglob("*.c"))
    sent = set(re.findall(r'(?:reply_add_header|add_number|add_count)\(x, "([^"]*)"', sources))
    cells = [row.split("|")[1] for row in read(page).splitlines() if row.startswith("| `")]
    told = [name for cell in cells for name in re.findall("`([^`]*)`", cell)]
    assert len(sent) > 20
    for name in map(str.lower, sent):
        assert any(name == known or known.endswith("…") and name.startswith(known[:-1]) for known in told), name


@pytest.mark.parametrize("english, chinese", TRANSLATED.items())
def test_both_languages_link_to_the_same_section_by_section(english, chinese):
    def targets(page):
        """Names of files, the Chinese pages as the English ones; the headings in them may be called otherwise."""
        return [{link.partition("#")[0].replace(".zh.md", ".md") for link in links_in(section)}
                for section in re.split(r"^#+ ", read(page), flags=re.M)]

    assert targets(english) == targets(chinese)
