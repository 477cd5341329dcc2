# SPDX-License-Identifier: Apache-2.0
"""Services for the tests of every folder, whose conftest.py imports what they ask for."""

import pytest
from harness import Service


def starting(must_end_cleanly=True):
    """What the fixture `start` of a folder yields from."""
    services = []

    def start_one(*flags, **options):
        services.append(Service(*flags, **options))
        return services[-1]

    yield start_one
    try:
        for service in services if must_end_cleanly else ():
            service.stop()
    finally:
        for service in services:
            service.kill()


@pytest.fixture
def start():
    """Starts services with flags of their own; each must end cleanly when the test is over."""
    yield from starting()


@pytest.fixture(scope="session")
def service():
    """One service with the default settings, for tests that leave it as they found it."""
    shared = Service()
    yield shared
    try:
        shared.stop()
    finally:
        shared.kill()
