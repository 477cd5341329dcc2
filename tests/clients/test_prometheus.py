# SPDX-License-Identifier: Apache-2.0
"""Prometheus itself: its own check of /metrics, and queries of what it has scraped. Debian's package; skipped without."""
import json
import shutil
import socket
import subprocess
import urllib.parse
import urllib.request

import pytest

from harness import environment, wait_until

pytestmark = pytest.mark.skipif(not shutil.which("prometheus") or not shutil.which("promtool"),
                                reason="no prometheus: Debian's package brings it")


def test_the_format_is_clean(service):
    for body in ({"input": "a"}, {"input": ["a", "我"]}, {"input": 1}):
        service.post("/v1/embeddings", json.dumps(body).encode())
    text = service.get("/metrics").body
    check = subprocess.run(["promtool", "check", "metrics"], input=text, env=environment(), capture_output=True)
    assert check.returncode == 0 and not check.stdout + check.stderr, (check.stdout + check.stderr).decode()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as one:
        return one.getsockname()[1]


@pytest.fixture
def prometheus(service, tmp_path):
    """Its address: it scrapes the service four times a second."""
    port = free_port()
    (tmp_path / "prometheus.yml").write_text(
        "scrape_configs:\n- job_name: embedd\n  scrape_interval: 250ms\n  scrape_timeout: 250ms\n  static_configs:\n"
        f"  - targets: ['127.0.0.1:{service.port}']\n")
    with open(tmp_path / "log", "wb") as log:
        process = subprocess.Popen(
            ["prometheus", f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data",
             f"--web.listen-address=127.0.0.1:{port}"], env=environment(), stdout=log, stderr=log)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait()


def ask(prometheus, query):
    url = f"{prometheus}/api/v1/query?query={urllib.parse.quote(query)}"
    try:
        with urllib.request.urlopen(url, timeout=10) as reply:
            return json.load(reply)["data"]["result"]
    except OSError:
        return []


def test_real_queries_have_answers(service, prometheus):
    wait_until(lambda: ask(prometheus, "embedd_connections"), "the service is scraped")

    def has_answer(query):
        service.post("/v1/embeddings", json.dumps({"input": ["I love to eat", "我爱吃饭"]}).encode())
        return any(0 < float(row["value"][1]) < 10 for row in ask(prometheus, query))

    for query in (
            'histogram_quantile(0.9, sum by (le) (rate(embedd_request_duration_seconds_bucket'
            '{route="/v1/embeddings"}[5s])))',
            'histogram_quantile(0.5, sum by (le) (rate(embedd_stage_duration_seconds_bucket{stage="tokenize"}[5s])))'):
        wait_until(lambda query=query: has_answer(query), query)
    rates = ask(prometheus, 'sum by (route, code) (rate(embedd_requests_total[5s]))')
    assert {("/v1/embeddings", "200")} <= {(row["metric"]["route"], row["metric"]["code"]) for row in rates}
