# SPDX-License-Identifier: Apache-2.0
"""The description of the API, and the page that draws it."""
import base64
import hashlib
import re

import pytest

pytestmark = pytest.mark.slow_under_tsan


@pytest.fixture(scope="module")
def api(service):
    reply = service.get("/openapi.json")
    assert reply.headers["content-type"] == "application/json"
    return reply.json()


def operations(api):
    return [(path, method, what) for path, methods in api["paths"].items() for method, what in methods.items()]


def test_it_names_every_route_that_is_counted(service, api):
    counted = set(re.findall(r'embedd_requests_total\{route="(/[^"]*)"', service.get("/metrics").body.decode()))
    assert "/openapi.json" in counted
    assert counted <= set(api["paths"])


def test_every_operation_is_described_whole(api):
    assert api["openapi"] == "3.1.0" and api["info"]["title"] == "embedd" and api["info"]["version"]
    for path, method, what in operations(api):
        assert what["summary"] and what["tags"], path
        assert {"200", "204"} & set(what["responses"]), path
        assert ("requestBody" in what) == (method == "post"), path
        named = [(p["in"], p["name"]) for p in what.get("parameters", [])]
        assert [name for place, name in named if place == "path"] == re.findall(r"\{(\w+)\}", path)
        assert [name for place, name in named if place == "query"] in ([], ["after", "limit"])
        for reply in what["responses"].values():
            if "$ref" in reply:
                kind, name = reply["$ref"].removeprefix("#/components/").split("/")
                assert api["components"][kind][name]["content"]


def test_keys_are_described_where_they_are_asked_for(api):
    schemes = api["components"]["securitySchemes"]
    assert {tuple(one) for one in api["security"]} == {(), *((name,) for name in schemes)}
    assert {scheme.get("name", "authorization") for scheme in schemes.values()} == \
        {"authorization", "api-key", "x-api-key", "x-goog-api-key"}
    for path, method, what in operations(api):
        is_open = what.get("security") == []
        assert is_open == ("401" not in what["responses"]) == ("403" not in what["responses"]), path
    assert api["paths"]["/live"]["get"]["security"] == [] and "security" not in api["paths"]["/metrics"]["get"]


def test_what_must_be_there_is_said_and_everything_else_may_be_null(api):
    schema = api["paths"]["/v1/embeddings"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert schema["required"] == ["input"]
    assert {"type": "null"} in schema["properties"]["dimensions"]["anyOf"]
    assert schema["properties"]["dimensions"]["description"]
    assert list(schema["properties"])[:4] == ["input", "model", "encoding_format", "dimensions"]


def test_what_a_route_that_embeds_sends_is_json_or_bytes(api):
    for path in ("/v1/embeddings", "/embed"):
        assert set(api["paths"][path]["post"]["responses"]["200"]["content"]) \
            == {"application/json", "application/octet-stream"}


def test_the_page_runs_its_own_script_alone(service):
    reply = service.get("/docs")
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    page = reply.body.decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    for tag in ("script", "style"):
        parts = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.S)
        assert len(parts) == 1
        found = "sha256-" + base64.b64encode(hashlib.sha256(parts[0].encode()).digest()).decode()
        assert f"{tag}-src '{found}'" in policy, f"the hash of {tag} in docs.html must be {found}"
    assert not re.search(r"(src|href)=\"?(https?:|//)", page)
