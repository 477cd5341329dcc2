# SPDX-License-Identifier: Apache-2.0
"""The lesson, a file without a server, against a server: the same ids, the same vectors."""
import json
import lzma
import random
import subprocess
import sys

import numpy
import pytest
from harness import PROGRAM, TOP

DIM = 128
READY = "document.querySelector('.view[data-ready]') && document.querySelectorAll('.verdict').length === 3"
LOOKS = {"English, light, desk": {"language": "en", "scheme": "light", "width": 1200},
         "中文, dark, phone": {"language": "zh-CN", "scheme": "dark", "width": 390}}
ODD = ["", " ", "\u3000\u00a0\t", "Ünïcödé ﬁne №5 ½ ㎏ Ｆｕｌｌ ＷＩＤＴＨ", "ΣΊΣΥΦΟΣ İstanbul ǅ ẞ", "e\u0301\u0323\u200d\u00ad\ufeff", "한국어 각 ㈀ 각", "👩‍👩‍👧 🇨🇳 😀x😀", "\u202eعربي שלום", "ꙮ ꙮꙮ ꙮx",
       "a\u0000b\ufffdc", "don't--stop...now!!!", "龍門 龙门 𨋢 𠮷野家", "x" * 500, "的" * 300, "𝔘𝔫𝔦𝔠𝔬𝔡𝔢", "ো ো ཱི རྀ", "<script>alert(1)</script>", "$1.50 + 20% = 10^2 ~ `code`", "１２３４５６７８９０年", "\u1734\U0001171e\U0001fbf0", "ﷺ"]


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    path = tmp_path_factory.mktemp("lesson") / "lesson.html"
    subprocess.run([sys.executable, TOP / "web/lesson.py", PROGRAM, path], check=True)
    assert path.stat().st_size <= 12_000_000
    return path


@pytest.fixture
def visit(browser, lesson):
    """Opens the lesson; at the end nothing may have gone wrong in it, and nothing been asked of anybody."""
    pages = []

    def visit_one(link="", path=lesson, ready=READY, allowed=None, **look):
        page = browser.open(path.as_uri() + link, **look)
        pages.append((page, allowed))
        page.until(ready, "the lesson is ready")
        return page

    yield visit_one
    for page, allowed in pages:
        assert [one for one in map(json.dumps, page.complaints()) if not allowed or allowed not in one] == []
        assert [url for url in page.requests() if not url.startswith("data:") and url != page.url.partition("#")[0]] == []
        assert page.ask("document.documentElement.scrollWidth <= innerWidth"), "it is wider than the window"
        page.close()


@pytest.fixture(scope="module")
def asked(browser, lesson):
    """Asks what answers in the lesson: its own modules, run once more beside the page."""
    sys.path.insert(0, str(TOP / "web"))
    import build
    import lesson as maker
    page = browser.open(lesson)
    page.ask(build.script(maker.MODULES[:maker.MODULES.index("lesson/wire") + 1]) + "globalThis.asked = $wire.ask; 1")

    def ask_it(path, field, **body):
        return page.ask(f"asked({json.dumps(path)}, {json.dumps(body)}).then(({{data}}) => data.map((one) => {field}))")

    yield ask_it
    page.close()


def ask(service, path, **body):
    return service.post(path, json.dumps(body).encode()).json()["data"]


def texts():
    """Some hundreds in both languages, some odd ones, and some of characters drawn from everywhere."""
    draw = random.Random(1)
    plain = [line for name in ("chinese", "english") for line in draw.sample(lzma.open(TOP / f"tests/data/broad/{name}.txt.xz", "rt").read().splitlines(), 400)]
    places = [0x20, 0xC0, 0x370, 0x400, 0x5D0, 0x900, 0x1100, 0x1E00, 0x2000, 0x2100, 0x3040, 0x3300, 0x4E00, 0xAC00, 0xF900, 0xFB00, 0xFE30, 0x1D400, 0x1F300, 0x20000]
    mixed = ["".join(chr(draw.choice(places) + draw.randrange(0xA0)) for _ in range(30)) for _ in range(200)]
    return plain + ODD + mixed


def test_ids_and_vectors_are_the_servers(service, asked):
    all_texts = texts()
    # How many words newer marks of exotic scripts make is not what the small models are for.
    for model, some in (("embedd-base-2", all_texts), ("w6x8", all_texts[:-200])):
        theirs = ask(service, "/v1/ids", text=some, model=model, unknown="skip")
        assert asked("v1/ids", "[one.tokens, one.ids, one.unknown]", text=some, model=model, unknown="skip") == [[one["tokens"], one["ids"], one["unknown"]] for one in theirs]
    whole = ask(service, "/v1/ids", text=all_texts)
    assert asked("v1/ids", "one.ids", text=all_texts) == [one["ids"] for one in whole]
    for model, dim in (("embedd-base-2", DIM), ("embedd-base-2", 32), ("w6x2", 2), ("w6x8", 8)):
        theirs = numpy.array([one["embedding"] for one in ask(service, "/v1/embeddings", input=all_texts, model=model, dimensions=dim)])
        ours = numpy.array(asked("v1/embeddings", "[...one.embedding]", input=all_texts, model=model, dimensions=dim))
        assert numpy.abs(theirs - ours).max() < 1e-5


def test_cosines_are_the_servers(service, asked):
    some = texts()[300:500]
    theirs, ours = (numpy.array(rows) for rows in ([one["embedding"] for one in ask(service, "/v1/embeddings", input=some, dimensions=DIM)],
                                                   asked("v1/embeddings", "[...one.embedding]", input=some, dimensions=DIM)))
    assert numpy.abs(theirs @ theirs.T - ours @ ours.T).max() < 1e-4


def test_rows_are_the_servers(service, asked):
    ids = random.Random(2).sample(range(105857), 500) + [0, 105856]
    theirs = ask(service, "/v1/lookup", ids=ids, dimensions=DIM)[0]
    [[tokens, rows]] = asked("v1/lookup", "[one.tokens, [...one.rows]]", ids=[ids], dimensions=DIM)
    assert tokens == theirs["tokens"] and numpy.abs(numpy.ravel(theirs["rows"]) - rows).max() < 1e-6


def test_every_character_is_cut_as_the_server_cuts_it(service, asked):
    codes = [code for code in [*range(1, 0x32000), *range(0xE0000, 0xE0200), 0xF0000, 0x10FFFF] if not 0xD800 <= code < 0xE000]
    for start in range(0, len(codes), 2048):
        part = [f"a{chr(code)}b" for code in codes[start:start + 2048]]
        theirs, ours = [one["ids"] for one in ask(service, "/v1/ids", text=part)], asked("v1/ids", "one.ids", text=part)
        assert [(text, a, b) for text, a, b in zip(part, theirs, ours) if a != b] == []


@pytest.mark.parametrize("look", LOOKS)
def test_it_shows_the_whole_chain(visit, service, look):
    page = visit(**LOOKS[look])
    assert page.texts("header nav a") == [] and not page.ask("document.querySelector('#key')")
    for text in ("我爱吃饭", "Cats love 饺子 ꙮ"):
        page.write("#text", text)
        page.until(f"document.querySelector('.view').dataset.ready === {json.dumps(text)}", f"{text} is drawn")
        [item] = ask(service, "/v1/ids", text=[text])
        assert page.texts(".ids .token") == item["tokens"] and page.texts(".ids strong") == [str(one) for one in item["ids"]]
        [v] = ask(service, "/v1/embeddings", input=[text], dimensions=DIM)
        shown = [float(one.replace("−", "-")) for one in page.texts(".vector .numbers")[0].strip("[…]").split(",") if one.strip()]
        assert numpy.abs(numpy.array(shown) - v["embedding"][:6]).max() <= 0.5001e-4
        assert page.texts("#d strong") == [str(DIM)] and page.texts("#v strong") == ["105,857"]
    assert str(105857)[:3] in page.texts(".card .said")[0] and "CC BY-SA 4.0" in page.texts(".card .said")[2]


@pytest.mark.parametrize("look", LOOKS)
def test_the_small_models_are_in_it_with_their_heads(visit, service, look):
    page = visit("#chain?model=w6x8", **LOOKS[look])
    page.until("document.querySelectorAll('.sums li').length === 3", "there are labels")
    logits = [one["logits"]["yes"] for one in ask(service, "/v1/classify", text=["我爱吃饭", "他爱吃饭", "你爱吃饭"], model="w6x8", head="about-me")]
    sums = [text.rsplit("=", 1)[1] for text in page.texts(".sums code")]
    assert numpy.abs(numpy.array([float(one.replace("−", "-")) for one in sums]) - logits).max() < 1e-3
    page.write("#text", "我x爱")
    page.until("document.querySelector('.view').dataset.ready === '我x爱'", "an unknown character is left out")
    assert page.texts(".ids strong") == ["1", "2"] and "1" in page.texts(".tokens .warn")[0]


def test_any_text_is_taken(visit):
    page = visit()
    for text in ("", "<script>document.title='owned'</script>", "x" * 30000, "\u202eعربي", "👩‍👩‍👧"):
        page.write("#text", text)
        mark = str(len(text)) if len(text) > 64 else text
        page.until(f"document.querySelector('.view').dataset.ready === {json.dumps(mark)}", "it is drawn")
    page.ask("document.querySelector('#text').value = 'a\\ud800b', document.querySelector('#text').dispatchEvent(new Event('input'))")
    page.until("document.querySelectorAll('.ids .token').length === 3", "half a character is unknown")
    assert page.ask("document.title.startsWith('embedd')")


def test_language_colours_and_links_work_in_a_file(visit):
    page = visit("#live?text=cat", scheme="dark", language="zh-CN")
    assert page.ask("document.querySelector('#text').value") == "cat" and "原理" in page.ask("document.title")
    page.click("#language")
    page.until(READY, "it is drawn anew")
    assert "worked out in this file" in page.texts(".hero .lead")[0]
    page.write("#text", "dog")
    page.until("location.hash.includes('text=dog')", "the address holds the text")
    page.ask("localStorage.clear()")


def test_a_table_that_is_cut_off_is_told(visit, lesson, tmp_path):
    text = lesson.read_text()
    at = text.index('id="table">') + 100_000
    (tmp_path / "cut.html").write_text(text[:at] + text[text.index("</script>", at):])
    page = visit(path=tmp_path / "cut.html", ready="!document.querySelector('.notice').hidden")
    assert "cannot be opened" in page.texts(".notice")[0]


def test_it_may_ask_nobody_and_run_nothing_else(visit):
    page = visit(allowed="Content Security Policy")
    page.ask("(() => { const one = document.createElement('script'); one.textContent = 'window.owned = 1'; document.body.append(one); one.remove() })()")
    assert page.ask("window.owned ?? null") is None
    for url in ("http://127.0.0.1:1/", "data:text/plain,x"):
        assert page.ask(f"fetch('{url}').then(() => 1, () => 0)") == 0


AXE = TOP / "build/browser/node_modules/axe-core/axe.min.js"


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing(visit, look):
    if not AXE.exists():
        pytest.skip("axe-core is not there: make build/browser/ready, which needs npm")
    page = visit(is_still=True, **LOOKS[look])
    page.settle()
    page.ask(AXE.read_text() + ";1")
    assert page.ask("axe.run(document, {resultTypes: ['violations']}).then(({violations}) => violations.map((one) => [one.id, one.nodes[0].html]))") == []
