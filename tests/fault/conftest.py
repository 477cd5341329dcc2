# SPDX-License-Identifier: Apache-2.0
import resource
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "http"))

from faults import Disk  # noqa: E402
from fixtures import start  # noqa: E402, F401


def pytest_configure(config):
    config.addinivalue_line("markers", "long: takes its time; `make fault-long` runs it")
    config.addinivalue_line("markers", "slow_under_tsan: of modules that are imported; nothing here is repeated there")
    # Clients by the hundred need descriptors, and so do the services that they start.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard if hard != resource.RLIM_INFINITY else max(soft, 65536), hard))


def build(tmp_path_factory, name):
    library = tmp_path_factory.mktemp(name) / f"{name}.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o", library,
                    Path(__file__).parent / f"{name}.c", "-ldl"], check=True)
    return str(library)


@pytest.fixture(scope="session")
def preload(tmp_path_factory):
    """A library that stands before the C library; preload.c says what it does."""
    return build(tmp_path_factory, "preload")


@pytest.fixture(scope="session")
def disk_library(tmp_path_factory):
    return build(tmp_path_factory, "disk")


@pytest.fixture
def disk(disk_library, tmp_path):
    """A disk that does what it is told to (disk.c)."""
    return Disk(disk_library, tmp_path / ".disk")
