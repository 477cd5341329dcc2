# SPDX-License-Identifier: Apache-2.0
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from harness import Service  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "slow_under_tsan: needs no threads to go wrong, and is slow under ThreadSanitizer")


@pytest.fixture
def start():
    """Starts services with flags of their own; each must end cleanly when the test is over."""
    services = []

    def start_one(*flags, **options):
        services.append(Service(*flags, **options))
        return services[-1]

    yield start_one
    try:
        for service in services:
            service.stop()
    finally:
        for service in services:
            service.kill()


@pytest.fixture(scope="session")
def service():
    """One service with the default settings, for tests that leave it as they found it."""
    shared = Service()
    yield shared
    try:
        shared.stop()
    finally:
        shared.kill()
