# SPDX-License-Identifier: Apache-2.0
"""What the log tells: one line at the start, one for each request, and never a text or a key."""

import json

import pytest
from harness import SMALL, TOP, wait_until

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def lines(service):
    return [json.loads(line) for line in service.stderr().splitlines()]


def requests(service, n):
    wait_until(lambda: sum(line["message"] == "request" for line in lines(service)) >= n, f"{n} lines")
    return [line for line in lines(service) if line["message"] == "request"]


def test_one_line_at_the_start_tells_what_is_served_and_how(start):
    service = start("--model", str(TOP / "examples/chain/w6x2"), "--model=builtin", "--threads=1",
                    "--workers=3", "--max-inputs=77")
    said = [line["message"] for line in lines(service) if " serves " in line["message"]]
    assert len(said) == 1
    for part in ("6 tokens, 2 dimensions, F32; 0 heads) and 1 more", "1 loop, 3 workers", "77 inputs",
                 "keys: off", "TLS: off"):
        assert part in said[0], part


def test_a_line_names_model_client_and_reason(start):
    service = start("--access-log", "--alias=small=embedd-base-2")
    with service.connect() as client:
        client.post(*SMALL)
        client.post("/v1/embeddings", b'{"input": "secret words", "model": "small"}')
        client.post("/v1/embeddings", b'{"input": "secret words')
        client.get("/live")
        client.get("/nowhere/secret")
    one, alias, bad, live, nowhere = requests(service, 5)
    assert one["model"] == alias["model"] == "embedd-base-2" and one["client"] == "127.0.0.1"
    assert "reason" not in one and bad["reason"] == "bad_json" and nowhere["reason"] == "not_found"
    assert "model" not in live and "key" not in one and "trace_id" not in one
    assert "secret" not in service.stderr()


@pytest.mark.parametrize("value, is_good", [
    (f"00-{TRACE}-{SPAN}-01", True), (f"cc-{TRACE}-{SPAN}-00", True), (f"ff-{TRACE}-{SPAN}-01", False),
    (f"00-{TRACE.upper()}-{SPAN}-01", False), (f"00-{'0' * 32}-{SPAN}-01", False),
    (f"00-{TRACE}-{'0' * 16}-01", False), (f"00-{TRACE}-{SPAN}-01-more", False), (f"00-{TRACE}-{SPAN}", False),
    ("00", False), (f"00_{TRACE}-{SPAN}-01", False), ('00-","status":200,"x":"', False), ("x" * 255, False),
    ("x" * 2000, False)])
def test_a_trace_is_carried_into_the_line(start, value, is_good):
    service = start("--access-log")
    assert service.post(*SMALL, Traceparent=value).status == 200
    line, = requests(service, 1)
    assert (line.get("trace_id"), line.get("span_id")) == ((TRACE, SPAN) if is_good else (None, None))
