# SPDX-License-Identifier: Apache-2.0
"""The browser of all tests here."""
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "http"))

from browser import Browser  # noqa: E402
from fixtures import starting  # noqa: E402
from harness import TOP, Service  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "short: part of `make test`, which has half a minute for it")


@pytest.fixture(scope="module")
def browser():
    chromium = shutil.which("chromium")
    assert chromium, "chromium is not installed: apt-get install chromium"
    one = Browser(chromium)
    yield one
    one.close()


@pytest.fixture
def start():
    """Starts services. They need not end cleanly: browsers keep connections open, and some tests end one themselves."""
    yield from starting(must_end_cleanly=False)


@pytest.fixture(scope="module")
def chain_models(tmp_path_factory):
    """The two models of the chain example, each with its heads."""
    folder = tmp_path_factory.mktemp("models")
    for name, heads in (("w6x2", "heads"), ("w6x8", "chain/heads")):
        shutil.copytree(TOP / "examples/chain" / name, folder / name)
        shutil.copytree(TOP / "examples" / heads, folder / name / "heads")
    return folder


@pytest.fixture(scope="module")
def service(chain_models):
    """The built-in model and the two of the chain example."""
    one = Service("--model=builtin", f"--model=w6x2={chain_models}/w6x2", f"--model=w6x8={chain_models}/w6x8")
    yield one
    one.kill()
