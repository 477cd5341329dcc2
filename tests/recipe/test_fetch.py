# SPDX-License-Identifier: Apache-2.0
"""The teachers' files: nothing that is not what it should be is used."""

import hashlib
import zipfile

import pytest

import fetch


@pytest.fixture
def jar(tmp_path, monkeypatch):
    """A package that is already there: nothing is fetched."""
    path = tmp_path / "bge-1.2.jar"
    with zipfile.ZipFile(path, "w") as file:
        for name in ("README", "bge-small-en-v1.5.onnx", "bge-small-en-v1.5-tokenizer.json"):
            file.writestr(name, f"the {name}")
    monkeypatch.setitem(fetch.BGE, "en", ("group:bge:1.2", hashlib.sha256(path.read_bytes()).hexdigest()))
    monkeypatch.setattr(fetch.subprocess, "run", lambda *_, **__: pytest.fail("fetched what was there"))
    return path


def test_the_model_and_its_tokenizer_come_out_of_the_package(jar):
    folder = fetch.bge(jar.parent, "en")
    assert (folder / "bge-small-en-v1.5.onnx").read_text() == "the bge-small-en-v1.5.onnx"
    assert (folder / "bge-small-en-v1.5-tokenizer.json").exists() and not (folder / "README").exists()


def test_a_package_that_was_changed_is_refused_by_name(jar):
    jar.write_bytes(jar.read_bytes() + b" ")
    with pytest.raises(SystemExit, match=r"bge-1\.2\.jar: its checksum is [0-9a-f]{64}, not [0-9a-f]{64}; remove it"):
        fetch.bge(jar.parent, "en")
    assert not (jar.parent / "bge-small-en-v1.5.onnx").exists()


def test_a_package_that_is_not_there_is_asked_for_by_version(tmp_path, monkeypatch):
    asked = []

    def run(command, **_):
        asked.append(command)
        (tmp_path / "name-1.jar").write_bytes(b"jar")
    monkeypatch.setattr(fetch.subprocess, "run", run)
    assert fetch.maven(tmp_path, "group:name:1", hashlib.sha256(b"jar").hexdigest()) == tmp_path / "name-1.jar"
    assert len(asked) == 1 and "-Dartifact=group:name:1:jar" in asked[0]
    fetch.maven(tmp_path, "group:name:1", hashlib.sha256(b"jar").hexdigest())
    assert len(asked) == 1


def test_files_of_a_package_are_checked(tmp_path, monkeypatch):
    package = tmp_path / "a_package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "weights.bin").write_bytes(b"weights")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(fetch.PACKAGES, "a_package", {"weights.bin": hashlib.sha256(b"weights").hexdigest()})
    assert fetch.package("a_package") == package
    (package / "weights.bin").write_bytes(b"other")
    with pytest.raises(SystemExit, match="weights.bin: its checksum"):
        fetch.package("a_package")
