# SPDX-License-Identifier: Apache-2.0
"""What the process gives up once it listens, seen from outside."""

import ctypes
import re
import shutil
import signal
from pathlib import Path

import pytest
from harness import SMALL, wait_until
from test_models import make_model, reload, reloads, replace, vector


def has_landlock():
    return ctypes.CDLL(None).syscall(444, None, 0, 1) > 0


def status_of(service):
    lines = Path(f"/proc/{service.process.pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def test_every_thread_has_a_filter_and_no_rights(start):
    service = start()
    assert service.post(*SMALL).status == 200
    assert status_of(service)["NoNewPrivs"] == "1"
    for task in Path(f"/proc/{service.process.pid}/task").iterdir():
        lines = (task / "status").read_text()
        assert re.search(r"^Seccomp:\t2$", lines, re.M), task
        for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            assert re.search(rf"^{name}:\t0+$", lines, re.M), name


def test_off_takes_nothing(start):
    service = start("--confine=off")
    assert service.post(*SMALL).status == 200
    assert status_of(service)["Seccomp"] == "0"
    assert status_of(service)["NoNewPrivs"] == "0"


# ---- which files ----

pytestmark_landlock = pytest.mark.skipif(not has_landlock(), reason="this kernel has no Landlock")


@pytest.fixture
def folders(tmp_path):
    """A folder of models, and elsewhere one that nobody names."""
    make_model(tmp_path / "a" / "models" / "m1", 1)
    make_model(tmp_path / "elsewhere" / "m2", 2)
    return tmp_path


def link(folders):
    (folders / "a" / "models" / "m2").symlink_to(folders / "elsewhere" / "m2")


def test_links_that_were_there_at_the_start_may_be_followed_later(start, folders):
    link(folders)
    service = start("--models", str(folders / "a" / "models"))
    replace(folders / "elsewhere" / "m2", 2, 5)
    reload(service)
    assert vector(service, "m2") == [2, 5]


@pytestmark_landlock
def test_a_link_that_leads_out_later_is_refused_and_said(start, folders):
    make_model(folders / "a" / "models" / "m2", 2)
    service = start("--models", str(folders / "a" / "models"))
    shutil.rmtree(folders / "a" / "models" / "m2")
    link(folders)
    service.signal(signal.SIGHUP)
    wait_until(lambda: reloads(service, "failed") == 1, "the reload is refused")
    assert "Permission denied" in service.stderr() and "confine-read names more" in service.stderr()
    assert vector(service, "m2") == [2, 1]


def test_confine_read_allows_it(start, folders):
    make_model(folders / "a" / "models" / "m2", 2)
    service = start("--models", str(folders / "a" / "models"), f"--confine-read={folders / 'elsewhere'}")
    shutil.rmtree(folders / "a" / "models" / "m2")
    replace(folders / "elsewhere" / "m2", 2, 5)
    link(folders)
    reload(service)
    assert vector(service, "m2") == [2, 5]
