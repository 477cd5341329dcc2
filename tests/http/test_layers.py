# SPDX-License-Identifier: Apache-2.0
"""The check of who includes whom finds what is planted in a copy of the sources."""
import pathlib
import shutil
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
ROOMS = ("base", "config", "model", "include", "library", "finetune", "handlers", "server", "commands")


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    copy = tmp_path_factory.mktemp("layers") / "clean"
    for room in ROOMS:
        shutil.copytree(TOP / room, copy / room,
                        ignore=lambda folder, names: [name for name in names if "." in name and
                                                      not name.endswith((".c", ".h", ".def"))])
    (copy / "docs").mkdir()
    shutil.copy(TOP / "docs/floors.svg", copy / "docs")
    return copy


@pytest.fixture
def tree(clean, tmp_path):
    return pathlib.Path(shutil.copytree(clean, tmp_path / "tree"))


def check(tree):
    return subprocess.run([TOP / ".ci/layers", tree], capture_output=True, text=True)


def plant(tree, file, line):
    with open(tree / file, "a", encoding="utf8") as out:
        out.write(f"\n{line}\n")


def test_the_sources_as_they_are_pass(tree):
    found = check(tree)
    assert found.returncode == 0, found.stdout
    assert "all downwards" in found.stdout


@pytest.mark.parametrize("file, line, why", [
    ("base/buf.c", '#include "model/model.h"', "base must not see model"),
    ("model/files/zip.c", '#include "model/text/tokenizer.h"', "model/files must not see model/text"),
    ("model/math/pca.c", '#include "model/encoder/table/table.h"',
     "model/math must not see model/encoder/table"),
    ("model/text/unicode/fold.c", '#include "model/text/vocab/vocab.h"',
     "model/text/unicode must not see model/text/vocab"),
    ("model/encoder/table/pool.c", '#include "model/encoder/fasttext/fasttext.h"',
     "model/encoder/table must not see model/encoder/fasttext"),
    ("model/bundle/bundle.c", '#include "model/head/head.h"', "model/bundle must not see model/head"),
    ("model/model.c", '#include "model/train/training.h"', "model must not see model/train"),
    ("handlers/reply.c", '#include "handlers/dialects/own.h"',
     "handlers must not see handlers/dialects"),
    ("commands/embed.c", '#include "server/serve.h"', "commands must not see server"),
    ("model/bundle/source.c", '#include "source.h"', "written from the top folder"),
    ("handlers/reply.c", "#include <jansson.h>", "only base/json. may include jansson.h"),
    ("server/conn.c", "#include <microhttpd.h>", "only server/http.c may include microhttpd.h"),
    ("server/conn.c", "#include <gnutls/gnutls.h>", "only server/tls.c, server/certificates.c, commands/health.c may include gnutls/"),
])
def test_an_include_that_goes_up_is_named_with_file_and_line(tree, file, line, why):
    plant(tree, file, line)
    found = check(tree)
    n = len((tree / file).read_text("utf8").splitlines())
    assert found.returncode == 1
    assert f"{file}:{n}: " in found.stdout and why in found.stdout


def test_modules_that_include_each_other_are_named(tree):
    plant(tree, "base/arena.h", '#include "base/buf.h"')
    found = check(tree)
    assert found.returncode == 1
    assert "in a circle: base/arena base/buf" in found.stdout


def test_jansson_in_a_dialect_is_found_over_other_headers(tree):
    plant(tree, "handlers/dialect.h", '#include "base/json.h"')
    found = check(tree)
    assert found.returncode == 1
    assert "jansson stays in handlers/fields.c: " in found.stdout
    assert "handlers/dialect.h -> base/json.h" in found.stdout


def test_a_picture_that_is_not_what_the_includes_say_is_found(tree):
    picture = (tree / "docs/floors.svg").read_text("utf8")
    (tree / "docs/floors.svg").write_text(picture.replace("config/", "settings/"), "utf8")
    found = check(tree)
    assert found.returncode == 1
    assert "docs/floors.svg is not what the includes say" in found.stdout
