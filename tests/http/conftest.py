# SPDX-License-Identifier: Apache-2.0
import signal
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from fixtures import service, start  # noqa: E402, F401


def pytest_configure(config):
    # A shell starts what it leaves in the background with SIGINT ignored, and so would be what tests start.
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line(
        "markers", "slow_under_tsan: needs no threads to go wrong, and is slow under ThreadSanitizer")
    config.addinivalue_line(
        "markers", "one_thread: the same of a module's tests, but for those that start a service")


@pytest.hookimpl(tryfirst=True)  # before -m looks at the markers
def pytest_collection_modifyitems(items):
    for item in items:
        if item.get_closest_marker("one_thread") and "start" not in item.fixturenames:
            item.add_marker("slow_under_tsan")
