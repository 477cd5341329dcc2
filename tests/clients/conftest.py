# SPDX-License-Identifier: Apache-2.0
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "http"))

from harness import Service  # noqa: E402


@pytest.fixture(scope="session")
def service():
    """One service with the default settings."""
    shared = Service()
    yield shared
    try:
        shared.stop()
    finally:
        shared.kill()
