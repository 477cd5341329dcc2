# SPDX-License-Identifier: Apache-2.0
"""What is answered at /: the page to browsers, a line to everybody else. tests/browser uses the page."""
import base64
import gzip
import hashlib
import re
import subprocess
import sys

import pytest
from harness import PROGRAM, TOP

pytestmark = pytest.mark.slow_under_tsan

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
           "Accept_Encoding": "gzip, deflate, br, zstd"}
LINE = b"embedd is running"


def get(service, method="GET", path="/", **headers):
    with service.connect() as client:
        return client.get(path, method, **headers)


@pytest.fixture(scope="module")
def page(service):
    reply = get(service, **BROWSER)
    assert reply.status == 200 and reply.headers["content-type"] == "text/html; charset=utf-8"
    assert reply.headers["content-encoding"] == "gzip" and len(reply.body) < 150_000
    return reply.headers, gzip.decompress(reply.body).decode()


def test_it_may_run_its_own_script_and_style_alone(page):
    headers, text = page
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'self'" and "unsafe" not in str(policy)
    for tag, kind in (("script", "script-src"), ("style", "style-src")):
        parts = re.findall(rf"<{tag}[^>]*>(.*?)</{tag}>", text, re.S)
        assert len(parts) == 1
        assert policy[kind] == "'sha256-" + base64.b64encode(hashlib.sha256(parts[0].encode()).digest()).decode() + "'"
    assert not re.search(r"""(src|href|action)=["']?(https?:|//)|\son\w+=|style=""", re.sub(r"<(script|style).*?</\1>", "", text, flags=re.S))
    assert not re.search(r"@import|url\(", text)


def test_it_is_made_of_text_and_never_of_markup(page):
    """Texts, labels and names of models cannot become elements."""
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\(|new Function|srcdoc", page[1])


def test_it_is_sent_unpacked_to_those_who_take_no_gzip(service, page):
    for coding in ({}, {"Accept_Encoding": "identity"}, {"Accept_Encoding": "gzip;q=0, zstd"}):
        reply = get(service, Accept=BROWSER["Accept"], **coding)
        assert "content-encoding" not in reply.headers and reply.body.decode() == page[1]


def test_it_is_not_sent_again_to_those_who_have_it(service, page):
    tag = page[0]["etag"]
    with service.connect() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\nIf-None-Match: " + tag.encode() + b"\r\n\r\n")
        reply = client.read_reply(has_body=False)
        assert (reply.status, reply.headers["etag"]) == (304, tag) and "content-security-policy" in reply.headers
        assert client.get("/live").status == 200  # nothing follows
    assert get(service, If_None_Match='W/"another"', **BROWSER).status == 200
    assert service.metric('embedd_requests_total{route="/",code="304"}') >= 1


def test_head_says_how_long_it_is(service, page):
    reply = get(service, "HEAD", **BROWSER)
    assert reply.headers["content-encoding"] == "gzip" and reply.headers["etag"] == page[0]["etag"]
    assert get(service, "HEAD").headers["content-length"] == str(len(LINE))


@pytest.mark.parametrize("accept", [None, "*/*", "application/json", "application/json, */*", "text/plain"])
def test_programs_are_told_that_it_is_running(service, accept):
    reply = get(service, **({"Accept": accept} if accept else {}))
    assert reply.body == LINE and reply.headers["vary"] == "accept, accept-encoding"
    assert "content-security-policy" not in reply.headers


def test_an_option_turns_it_off(start):
    reply = get(start("--page=false"), **BROWSER)
    assert reply.body == LINE and "vary" not in reply.headers


def test_compression_does_not_pack_it_twice(start, page):
    service = start("--compress=all", "--compress-min-bytes=0", "--cors-origins=*")
    reply = get(service, **BROWSER)
    assert reply.headers["vary"] == "accept, accept-encoding, origin"
    assert reply.headers["content-encoding"] == "gzip" and gzip.decompress(reply.body).decode() == page[1]


def test_it_needs_no_key_and_what_it_asks_does(start, tmp_path):
    subprocess.run([PROGRAM, "key", "new", "web", "--file", tmp_path / "keys"], check=True, capture_output=True)
    service = start(f"--api-keys={tmp_path}/keys")
    assert get(service, **BROWSER).status == 200 and service.get("/v1/models").status == 401


def test_models_say_what_the_page_needs_to_know(start):
    one = start("--model", str(TOP / "examples/chain/w6x8"), "--heads", str(TOP / "examples/chain/heads")).get("/v1/models").json()["data"][0]
    assert one["embedd"] == {
        "version": "1", "vocab_size": 6, "dim": 8, "tokenizer": "dictionary", "pooling": "mean", "normalize": False,
        "heads": [{"name": "about-me", "kind": "binary", "labels": 2, "names": ["no", "yes"]},
                  {"name": "who", "kind": "multi-class", "labels": 3, "names": ["you", "he", "I"]}]}


def test_what_is_committed_is_what_web_makes():
    subprocess.run([sys.executable, TOP / "web/build.py", "--check"], check=True)


# ---- its words ----


def words(name):
    text = (TOP / f"web/{name}.js").read_text()
    found = re.findall(r'"((?:[^"\\]|\\.)+)": "((?:[^"\\]|\\.)*)"', text)
    assert len(found) == len(dict(found)), "a key stands twice"
    return dict(found)


def test_both_languages_say_everything():
    english, chinese = words("words"), words("words_zh")
    assert english.keys() == chinese.keys() and len(english) > 150
    for key, text in english.items():
        assert sorted(re.findall(r"\{\w+\}", text)) == sorted(re.findall(r"\{\w+\}", chinese[key])), key
    same = [key for key in english if english[key] == chinese[key]]
    assert set(same) <= {"numbers", "length"}, same


def test_a_lesson_says_what_it_says_otherwise_in_both_languages():
    text = (TOP / "web/lesson/lesson_words.js").read_text()
    english, chinese = [dict(re.findall(r'"((?:[^"\\]|\\.)+)": "((?:[^"\\]|\\.)*)"', part)) for part in text.split("zh: {")]
    assert english.keys() == chinese.keys() and "chain lead" in english and english.keys() - words("words").keys() == {"file title", "file holds", "file lacks", "file rights"}
    for key, said in english.items():
        assert re.findall(r"\{\w+\}", said) == re.findall(r"\{\w+\}", chinese[key]), key


def test_every_word_that_is_asked_for_is_there():
    english, asked = words("words"), set()
    for path in (TOP / "web").glob("*.js"):
        asked |= set(re.findall(r'\bt\("([^"]+)"', path.read_text()))
    assert asked and asked <= english.keys()
