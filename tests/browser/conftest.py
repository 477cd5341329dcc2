# SPDX-License-Identifier: Apache-2.0
"""The browser of all tests here."""
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "http"))

from browser import Browser  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "short: part of `make test`, which has half a minute for it")


@pytest.fixture(scope="module")
def browser():
    chromium = shutil.which("chromium")
    assert chromium, "chromium is not installed: apt-get install chromium"
    one = Browser(chromium)
    yield one
    one.close()
