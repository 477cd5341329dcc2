# SPDX-License-Identifier: Apache-2.0
"""Thousands of requests made from /openapi.json: none is answered by a fault, nor by a status or a body that the
description does not name. CASES=500 asks so many of each route; make test asks fewer."""
import os
import subprocess

import pytest

from harness import TOP, Service, environment

PROGRAM = TOP / "build/clients/schemathesis/bin/schemathesis"
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


def assert_named(service, folder):
    cases = os.environ.get("CASES") or "12"
    run = subprocess.run(
        [PROGRAM, "run", service.url + "/openapi.json", "--checks", CHECKS, "--phases", "examples,coverage,fuzzing",
         "--max-examples", cases, "--seed", "1", "--continue-on-failure", "--no-color"],
        cwd=folder, env=environment(), capture_output=True, text=True)
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
    assert "Test cases:" in run.stdout, run.stdout


@pytest.mark.parametrize("flags", [(), ("--model", str(TOP / "examples/chain/w6x2"), "--max-input-tokens=3", "--truncate=error", "--compress=all",
                                        "--compress-min-bytes=1", "--tei-telemetry")])
def test_every_reply_is_one_that_the_description_names(tmp_path, flags):
    if not PROGRAM.exists():
        pytest.skip("no build/clients/schemathesis: make clients makes it")
    service = Service(*flags)
    try:
        assert_named(service, tmp_path)
        service.stop()
    finally:
        service.kill()
