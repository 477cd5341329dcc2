# SPDX-License-Identifier: Apache-2.0
"""The page at /, used as people use it, in a real browser. `make test-browser` runs this."""
import csv
import io
import json
import re
import shutil
import subprocess
import threading
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy
import pytest
from harness import PROGRAM, TOP

VIEWS = ["chain", "similarity", "classify", "live", "use"]
LOOKS = {"English, light, desk": {"language": "en", "scheme": "light", "width": 1200},
         "中文, dark, phone": {"language": "zh-CN", "scheme": "dark", "width": 390}}
READY = "!!document.querySelector('.view[data-ready]')"


@pytest.fixture
def visit(browser):
    """Opens the page of a service; at the end nothing may have gone wrong in it, nothing been asked elsewhere."""
    pages = []

    def visit_one(service, link="", url=None, allowed=(), ready=READY, **look):
        page = browser.open((url or service.url + "/") + link, **look)
        pages.append((page, tuple(allowed)))
        if ready:
            page.until(ready, "the page is ready")
        return page

    yield visit_one
    for page, allowed in pages:
        said = [json.dumps(one) for one in page.complaints() if not any(word in json.dumps(one) for word in allowed)]
        assert said == []
        origin = re.match(r"https?://[^/]+/", page.url)[0]
        assert [url for url in page.requests() if not url.startswith((origin, "data:", "blob:"))] == []
        assert page.ask("document.documentElement.scrollWidth <= innerWidth"), "it is wider than the window"
        page.close()


def ask(service, path, **body):
    return service.post(path, json.dumps(body).encode()).json()


def vectors(service, texts, **more):
    return numpy.array([one["embedding"] for one in ask(service, "/v1/embeddings", input=texts, **more)["data"]])


def cosines(rows):
    unit = rows / numpy.linalg.norm(rows, axis=1, keepdims=True)
    return unit @ unit.T


def number(text):
    return float(text.replace("−", "-").replace(",", "").replace("%", ""))


def near(shown, expected, digits):
    """Numbers on the page are the API's, rounded."""
    return abs(number(shown) - expected) <= 0.5001 * 10 ** -digits


def table(page, selector):
    return page.ask(f"[...document.querySelectorAll('{selector} tbody tr')].map((row) => [...row.querySelectorAll('td')].map((one) => one.textContent))")


def write(page, text):
    """Types a text; the whole chain is drawn of it then."""
    page.write("#text", text)
    mark = str(len(text)) if len(text) > 64 else text
    page.until(f"document.querySelector('.view').dataset.ready === {json.dumps(mark)}", f"{text[:40]} is drawn")


# ---- the chain ----


@pytest.mark.short
@pytest.mark.parametrize("look", LOOKS)
def test_the_chain_shows_the_servers_own_numbers(visit, service, look):
    page = visit(service, **LOOKS[look])
    assert page.ask("document.querySelector('#text').value") == "我爱吃饭"
    for text in ("我爱吃饭", "Cats love 饺子"):
        write(page, text)
        item, V = (lambda reply: (reply["data"][0], reply["vocab_size"]))(ask(service, "/v1/ids", text=[text]))
        n = len(item["ids"])
        assert "".join(page.texts(".tokens .sentence > *")) == text
        assert [one for one in page.texts(".tokens button")] and len(page.texts(".tokens button")) == n
        assert page.texts(".ids .token") == item["tokens"] and page.texts(".ids strong") == [str(one) for one in item["ids"]]
        hot = ask(service, "/v1/onehot", ids=item["ids"], format="sparse")["data"][0]
        assert number(page.texts("#v strong")[0]) == V and number(page.texts("#nv strong")[0]) == n * V
        assert near(page.texts("#zeros strong")[0], 100 * hot["zeros"], 4)
        assert [number(re.search(r"[\d,]+", one)[0]) for one in page.texts(".hot > .soft")] == hot["columns"]
        picked = page.ask("[...document.querySelectorAll('.wrow.picked')].map((one) => [one.querySelector('b').textContent, one.querySelector('i').textContent])")
        assert sorted(picked, key=lambda one: int(one[1])) == sorted(([t, str(i)] for t, i in zip(item["tokens"], item["ids"])), key=lambda one: int(one[1]))
        [v] = vectors(service, [text])
        shown = [number(one) for one in page.texts(".vector .numbers")[0].strip("[…]").split(",") if one.strip()]
        assert len(shown) == 6 and numpy.abs(shown - v[:6]).max() <= 0.5001e-4
        assert page.texts("#d strong") == ["256"] and near(page.texts("#length strong")[0], numpy.linalg.norm(v), 3)
    compare_sentences(page, service, ["我爱吃饭", "他爱吃饭", "你爱吃饭"])


def compare_sentences(page, service, texts, **model):
    page.until("document.querySelectorAll('.sentences table').length === 2", "the sentences are compared")
    by_ids, by_vectors = (page.ask(f"[...document.querySelectorAll('.sentences table')[{i}].querySelectorAll('tbody td')].map((one) => one.textContent)") for i in (0, 1))
    ids = [one["ids"] for one in ask(service, "/v1/ids", text=texts, **model)["data"]]
    assert page.texts(".sentences code") == [f"[{', '.join(map(str, one))}]" for one in ids]
    if len({len(one) for one in ids}) == 1:
        assert all(near(shown, x, 3) for shown, x in zip(by_ids, cosines(numpy.array(ids, dtype=float)).ravel()))
    assert all(near(shown, x, 3) for shown, x in zip(by_vectors, cosines(vectors(service, texts, **model)).ravel()))


def test_the_rows_are_drawn_in_their_own_colours(visit, service):
    """The heat map of Y is that of the rows that the server gives: the same cells are the strongest."""
    page = visit(service)
    rows = ask(service, "/v1/lookup", text=["我爱吃饭"])["data"][0]["rows"]
    for i, row in enumerate(rows):
        pixels = page.ask("(({data}) => Array.from({length: data.length / 4}, (_, i) => data[4 * i] - data[4 * i + 2]))(document.querySelectorAll('.yrow canvas')"
                          f"[{i}].getContext('2d').getImageData(0, 0, {len(row)}, 1))")
        assert numpy.corrcoef(pixels, row)[0, 1] > 0.95


@pytest.mark.short
def test_the_example_of_the_course_is_shown_in_numbers(visit, service):
    page = visit(service, "#chain?model=w6x8")
    page.until("document.querySelectorAll('.verdict').length === 3 && document.querySelectorAll('.meter').length === 3", "labels are there")
    cells = page.ask("[...document.querySelectorAll('.factor')].map((one) => [...one.querySelectorAll('.cells')].map((row) => [...row.children].map((cell) => cell.textContent)))")
    whole = ask(service, "/v1/lookup", ids=list(range(6)), model="w6x8")["data"][0]["rows"]
    assert [[number(x) for x in row] for row in cells[1]] == whole
    assert [[number(x) for x in row] for row in cells[2]] == [whole[i] for i in (1, 2, 3, 5)]
    assert page.texts("#zeros strong") == ["83.3 %"] and page.texts("#nv strong") == ["24"]
    assert page.texts(".vector .cell") == ["0.25", "0.125", "0", "0.5", "0.25", "0.375", "0.375", "0.25"]
    compare_sentences(page, service, ["我爱吃饭", "他爱吃饭", "你爱吃饭"], model="w6x8")
    # 0.9 is yes, 0.4 is no; until the threshold goes below it.
    assert page.texts(".verdict code") == ["0.9 ≥ 0.50", "0.15 < 0.50", "0.4 < 0.50"] and page.texts(".verdict strong") == ["yes", "no", "no"]
    page.ask("document.querySelector('.number-line input').focus()")
    page.press(*["ArrowLeft"] * 12)
    assert page.texts(".verdict code")[2] == "0.4 ≥ 0.38" and page.texts(".verdict strong") == ["yes", "no", "yes"]
    assert page.texts(".labels .meter-text") == ["0.1", "0.4", "0.9"] and page.texts(".labels .best .meter-name") == ["I"]
    page.click(".labels .segments button:nth-child(2)")
    assert page.texts(".labels .best .meter-name") == ["he"]
    # Reduction: the first columns alone, and the other model.
    page.click(".switch .segments button")
    page.until("document.querySelectorAll('.vector .cell').length === 2", "two columns are left")
    page.click(".switch .choice:nth-child(2) button")
    page.until("document.querySelector('.product')?.textContent.includes('0.75') && document.querySelectorAll('.vector .cell').length === 2", "the small model answers")
    assert page.texts(".vector .cell") == ["0.125", "0.5"]


def test_without_a_head_the_page_makes_one(visit, service):
    page = visit(service)
    page.until("document.querySelectorAll('.verdict').length === 3", "labels are there")
    assert page.texts(".verdict code") == ["0.9 ≥ 0.50", "0.15 < 0.50", "0.4 < 0.50"] and page.texts(".verdict strong") == ["1", "0", "0"]
    assert page.texts(".labels .best .meter-name") == ["我"]


@pytest.mark.short
def test_what_belongs_together_lights_up_together(visit, service):
    page = visit(service)
    page.point(".ids .id:nth-child(2)")
    lit = page.ask("[...document.querySelectorAll('.lit')].map((one) => one.getAttribute('data-t'))")
    assert set(lit) == {"1"} and len(lit) >= 8
    assert len(lit) == page.ask("document.querySelectorAll('[data-t=\"1\"]').length")
    page.point(".hero h1")
    assert page.ask("document.querySelectorAll('.lit').length") == 0
    page.ask("document.querySelector('.tokens button').focus()")
    assert page.ask("[...new Set([...document.querySelectorAll('.lit')].map((one) => one.getAttribute('data-t')))]") == ["0"]


def test_a_link_holds_what_is_shown(visit, service, browser):
    page = visit(service, "#chain?model=w6x8")
    write(page, "你爱我")
    page.write(".fields label:nth-child(2) input", "他爱你")
    page.until("location.hash.includes('b=')", "the address follows")
    again = visit(service, page.ask("location.hash"))
    assert again.texts(".ids .token") == ["你", "爱", "我"] and again.ask("document.querySelector('#model').value") == "w6x8"
    again.until("document.querySelector('.sentences')?.textContent.includes('他爱你')", "the sentence of the link")


BAD = ["", "🙂", "👩‍👩‍👧‍👦 naïve", "مرحبا بالعالم", "שלום", "我", "ꙮ", "ꙮ我 ꙮꙮ", "<script>document.title='owned'</script>", "<img src=x onerror=\"document.title='owned'\">", "\u202eabc\u202c",
       "a\tb", "x" * 5000, "'\"&amp;{n}"]


@pytest.mark.parametrize("model", ["embedd-base-2", "w6x8"])
def test_any_text_is_shown_as_it_is(visit, service, model):
    page = visit(service, f"#chain?model={model}", allowed=["422"])
    for text in BAD:
        write(page, text)
        item = ask(service, "/v1/ids", text=[text], model=model, **({"unknown": "skip"} if model == "w6x8" else {}))["data"][0]
        assert page.texts(".ids strong") == [str(one) for one in item["ids"][:24]], text
        if item["ids"] and len(text) < 2000:
            assert "".join(page.texts(".tokens .sentence > *")) == re.sub("[\0-\x1f\u202a-\u202e]", "\ufffd", text)
        assert page.ask("document.title.startsWith('embedd') && !document.querySelector('main script, main img')")
        if item["unknown"]:
            assert str(item["unknown"]) in page.texts(".tokens .warn")[0]
    unknown = page.ask("document.querySelectorAll('.tokens .unknown').length")
    write(page, "ꙮ我 ꙮꙮ")
    if model == "embedd-base-2":
        assert page.ask("document.querySelectorAll('.tokens .unknown').length") == 3 and unknown == 0


def test_a_megabyte_is_no_trouble(visit, service):
    page = visit(service)
    text = "我爱吃饭 and more. " * 60000
    page.ask("document.querySelector('#text').value = '我爱吃饭 and more. '.repeat(60000), document.querySelector('#text').dispatchEvent(new Event('input'))")
    page.until(f"document.querySelector('.view').dataset.ready === '{len(text)}'", "it is drawn")
    assert number(re.findall(r"[\d,]+", page.texts(".tokens .said")[0])[1]) == len(ask(service, "/v1/ids", text=[text])["data"][0]["ids"])
    write(page, "我")
    assert page.texts(".ids strong") == [str(ask(service, "/v1/ids", text=["我"])["data"][0]["ids"][0])]


def test_a_file_of_word_vectors_without_subwords_is_walked_too(visit, start, tmp_path):
    (tmp_path / "words.vec").write_text("3 4\nI 1 0 0 0\nlove 0 1 0 0.5\neat 0 0 1 -0.25\n")
    page = visit(start("--model", str(tmp_path / "words.vec")), "#chain?text=I+love+eat", allowed=["422"])
    assert len(page.texts(".ids strong")) == 3 and page.texts("#v strong") == ["3"]
    write(page, "I hate eat")
    assert "1" in page.texts(".tokens .warn")[0]


HOSTILE = "<script>document.title='owned'</script>"


@pytest.mark.short
def test_names_and_labels_never_run(visit, start, tmp_path):
    shutil.copytree(TOP / "examples/chain/w6x2", tmp_path / "m")
    config = json.loads((tmp_path / "m/config.json").read_text())
    (tmp_path / "m/config.json").write_text(json.dumps({**config, "name": HOSTILE, "version": "<b>1"}))
    (tmp_path / "m/heads").mkdir()
    (tmp_path / "m/heads/h.json").write_text(json.dumps({"labels": [HOSTILE, "<img src=x onerror=alert(1)>", "三"], "weight": [[1, 0], [0, 1], [1, 1]], "bias": [0, 0, 0]}))
    service = start("--model", str(tmp_path / "m"))
    for view in VIEWS:
        ready = "document.querySelectorAll('details').length > 20" if view == "use" else READY
        page = visit(service, f"#{view}", ready=ready)
        page.settle()
        assert page.ask("document.title.startsWith('embedd') && !document.querySelector('main script, main img, header b')")
        if view in ("classify", "live"):
            assert HOSTILE in page.ask("document.body.innerText")


# ---- the service goes, comes back, refuses ----


def test_it_says_when_the_server_is_gone_and_goes_on_by_itself(visit, start, chain_models):
    first = start("--model", f"{chain_models}/w6x8")
    page = visit(first, allowed=["ERR_"])
    first.kill()
    page.write("#text", "我爱")
    page.until("!document.querySelector('.notice').hidden", "it says that nobody answers")
    assert "not answer" in page.texts(".notice")[0]
    start("--model", f"{chain_models}/w6x8", listen=f"127.0.0.1:{first.port}")
    page.until("document.querySelector('.view').dataset.ready === '我爱'", "it goes on by itself")
    assert page.texts(".ids strong") == ["1", "2"]


def test_a_tab_that_is_old_shows_the_new_model(visit, start, tmp_path):
    folder = tmp_path / "m"
    shutil.copytree(TOP / "examples/chain/w6x2", folder)
    config = json.loads((folder / "config.json").read_text())
    service = start("--model", f"m={folder}")
    page = visit(service)
    assert page.texts("#d strong") == ["2"]
    shutil.copytree(TOP / "examples/chain/w6x8", tmp_path / "next")
    (tmp_path / "next/config.json").write_text(json.dumps({**config, "version": "2"}))
    folder.rename(tmp_path / "old")
    (tmp_path / "next").rename(folder)
    assert service.post("/admin/reload", b"").status == 200
    page.write("#text", "我爱")
    page.until("document.querySelector('#d strong')?.textContent === '8'", "the new model is shown")


@pytest.mark.short
def test_a_key_is_asked_for_and_kept_in_memory_alone(visit, start, tmp_path):
    made = subprocess.run([PROGRAM, "key", "new", "web", "--file", tmp_path / "keys", "--scopes", "embed,classify,metrics"], check=True, capture_output=True, text=True)
    key = re.search(r"\S{20,}", made.stdout)[0]
    service = start(f"--api-keys={tmp_path}/keys")
    page = visit(service, allowed=["401"], ready="!document.querySelector('.key-form').hidden")
    page.write(".key-form input", "wrong")
    page.press("Enter")
    page.until("document.querySelector('.key-form p').textContent.includes('not take')", "the wrong key is refused")
    page.write(".key-form input", key)
    page.press("Enter")
    page.until(READY, "the key lets it in")
    assert not page.ask(f"(JSON.stringify({{...localStorage}}) + JSON.stringify({{...sessionStorage}}) + document.cookie + location.href + document.body.innerText).includes('{key}')")
    page.click("nav a:nth-child(4)")
    page.until("document.querySelector('.live[data-ready]')", "the key is good for metrics")


def test_it_waits_where_it_asks_too_much(visit, start):
    service = start("--rate-limit=40", "--model", str(TOP / "examples/chain/w6x2"))
    page = visit(service, allowed=["429"])
    for _ in range(5):
        ask(service, "/v1/ids", text="我")
    for i in range(8):
        page.write("#text", "我爱吃饭"[: 1 + i % 4])
        page.settle()
        page.ask("new Promise((done) => setTimeout(done, 80))")
    page.until("document.querySelector('.notice.warn') && !document.querySelector('.notice').hidden", "it says that it waits")


# ---- the other views ----


@pytest.mark.short
@pytest.mark.parametrize("look", LOOKS)
def test_similarity_compares_lines(visit, service, look):
    page = visit(service, "#similarity", **LOOKS[look])
    lines = ["我爱吃饭", "I love to eat", "The train is late", "地铁晚点了", "<b>x</b>"]
    page.write("textarea", "\n".join(lines))
    page.until("document.querySelector('.view').dataset.ready === '5'", "five lines are compared")
    expected = cosines(vectors(service, lines))
    shown = table(page, ".cosines")
    assert all(near(x, expected[i][j], 3) for i, row in enumerate(shown) for j, x in enumerate(row))
    best = max((expected[i][j], i, j) for i in range(5) for j in range(i + 1, 5))
    assert near(page.texts(".pairs strong")[0], best[0], 3) and page.texts(".pairs li:first-child span") == [lines[best[1]], lines[best[2]]]
    page.write("input[type=search]", "food")
    page.until("document.querySelectorAll('.card .meters .meter').length === 5", "the search answers")
    scores = vectors(service, ["food"] + lines)
    scores = (scores[1:] @ scores[0]) / numpy.linalg.norm(scores[1:], axis=1) / numpy.linalg.norm(scores[0])
    order = numpy.argsort(-scores)
    assert page.texts(".meter-name") == [lines[i] for i in order] and all(near(x, scores[i], 3) for x, i in zip(page.texts(".meter-text"), order))
    page.click(".zoom button")
    page.ask("document.querySelector('.scatter').focus()")
    page.press("ArrowLeft", "ArrowDown")
    assert page.ask("document.querySelectorAll('.spot').length") == 5
    page.write("textarea", "one")
    page.until("!document.querySelector('.pairs')", "one line is not enough")


def test_similarity_takes_200_lines_and_files(visit, service, tmp_path):
    page = visit(service, "#similarity")
    (tmp_path / "rows.csv").write_text("id,text\n" + "".join(f'{i},"line {i}, ""said"""\n' for i in range(230)), encoding="utf-8")
    document = page.call("DOM.getDocument")["root"]["nodeId"]
    node = page.call("DOM.querySelector", nodeId=document, selector="#file")["nodeId"]
    page.call("DOM.setFileInputFiles", nodeId=node, files=[str(tmp_path / "rows.csv")])
    page.until("document.querySelector('.view').dataset.ready === '200'", "200 lines are compared")
    assert page.ask("document.querySelector('textarea').value.split('\\n')[7]") == 'line 7, "said"'
    assert "30" in page.texts(".under .warn")[0] and page.ask("document.querySelectorAll('.spot').length") == 200
    assert page.ask("[document.querySelector('canvas.matrix').width, document.querySelector('canvas.matrix').height]") == [200, 200]


def test_tokens_near_a_token(visit, service):
    page = visit(service, "#similarity?model=w6x8")
    page.write("form.inline input", "我")
    page.click("form.inline button")
    page.until("document.querySelectorAll('form.inline ~ .meters .meter').length === 5", "five other tokens")
    rows = numpy.array(ask(service, "/v1/lookup", ids=list(range(6)), model="w6x8")["data"][0]["rows"])
    with numpy.errstate(invalid="ignore"):
        expected = sorted((cosines(rows)[1][i] for i in range(6) if i != 1), reverse=True)
    assert all(near(shown, x, 3) for shown, x in zip(page.texts("form.inline ~ .meters .meter-text"), expected))
    lookups = len([url for url in page.requests() if url.endswith("/v1/lookup")])
    page.write("form.inline input", "他")
    page.click("form.inline button")
    page.until("document.querySelector('form.inline ~ .meters .said')?.textContent.includes('他')", "another token")
    assert len([url for url in page.requests() if url.endswith("/v1/lookup")]) == lookups + 2, "the table is asked for once"


@pytest.mark.short
@pytest.mark.parametrize("look", LOOKS)
def test_classify_says_label_and_why(visit, service, browser, tmp_path, look):
    page = visit(service, "#classify?model=w6x8&head=who", **LOOKS[look])
    page.write("textarea", "你爱吃饭")
    page.until("document.querySelector('.view').dataset.ready === '你爱吃饭'", "it is classified")
    item = ask(service, "/v1/classify", text=["你爱吃饭"], model="w6x8", head="who", explain=True)["data"][0]
    assert page.texts(".label .tag") == [item["label"]]
    assert page.texts(".meter-name") == list(item["scores"]) and all(near(x, 100 * p, 1) for x, p in zip(page.texts(".meter-text"), item["scores"].values()))
    assert [number(x) for x in page.texts(".share small")] == [round(one["share"], 2) for one in item["explanation"]["tokens"]]
    page.click(".under .segments button")
    page.until("document.querySelector('.slider')", "a binary head has a threshold")
    page.until("document.querySelector('.label .tag')?.textContent === 'no'", "0.4 is a no")
    page.ask("(one => { one.value = 0.59; one.dispatchEvent(new Event('input')) })(document.querySelector('.slider input'))")
    page.until("document.querySelector('.label .tag')?.textContent === 'yes'", "not above 0.59, which is below sigmoid(0.4)")
    page.write(".card textarea", "我爱吃饭\n=饭\n你,他")
    page.until("document.querySelectorAll('.rows tbody tr').length === 3", "three rows")
    browser.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    page.click(".card .under button")
    for _ in range(200):
        if (tmp_path / "labels.csv").exists():
            break
        page.ask("new Promise((done) => setTimeout(done, 50))")
    rows = list(csv.reader(io.StringIO((tmp_path / "labels.csv").read_text("utf-8-sig"))))
    assert rows[0] == ["text", "label", "p(no)", "p(yes)"] and [row[0] for row in rows[1:]] == ["我爱吃饭", "'=饭", "你,他"]
    items = ask(service, "/v1/classify", text=["我爱吃饭", "=饭", "你,他"], model="w6x8", head="about-me", threshold=0.59)["data"]
    assert [row[1] for row in rows[1:]] == [one["label"] for one in items]
    assert all(float(row[3]) == one["scores"]["yes"] for row, one in zip(rows[1:], items))


@pytest.mark.short
def test_a_model_without_heads_says_how_to_get_one(visit, service):
    page = visit(service, "#classify", ready="document.querySelector('.classify pre')")
    assert "embedd train" in page.texts("pre")[0] and "embedd-base-2" in page.texts(".lead")[0]


@pytest.mark.short
@pytest.mark.parametrize("look", LOOKS)
def test_live_shows_the_metrics(visit, service, look):
    page = visit(service, "#live", **LOOKS[look])
    for _ in range(30):
        ask(service, "/v1/embeddings", input="我爱吃饭")
    page.until("Number(document.querySelector('.view').dataset.ready) >= 3", "three readings")
    shown = {row[0]: number(row[1]) for row in table(page, ".rows")}
    text = service.get("/metrics").body.decode()
    counted = float(re.search(r'embedd_request_duration_seconds_count\{route="/v1/embeddings"\} (\S+)', text)[1])
    assert shown["/v1/embeddings"] == counted and page.texts(".tile strong")[0].startswith({"en": "embedd-base-2, version 2 · ", "zh-CN": "embedd-base-2，版本 2 · "}[LOOKS[look]["language"]])
    assert page.ask("[...document.querySelectorAll('.chart path')].filter((one) => one.getAttribute('d')).length") >= 6
    assert number(page.texts("#chart-memory strong")[0].split()[0]) > 0


@pytest.mark.short
@pytest.mark.parametrize("look", LOOKS)
def test_use_it_gives_lines_that_work(visit, service, look):
    page = visit(service, "#use", ready="document.querySelector('#reference[data-ready]')", **LOOKS[look])
    lines = dict(zip(page.texts(".snippet h2"), page.texts(".snippet pre")))
    assert set(lines) == {"curl", "Python", "Node", "LangChain", "LiteLLM"} and all(service.url in one for one in lines.values())
    reply = json.loads(subprocess.run(["sh", "-c", lines["curl"]], check=True, capture_output=True).stdout)
    assert [one["embedding"] for one in reply["data"]] == vectors(service, ["我爱吃饭", "I love to eat"]).tolist()
    compile(lines["Python"], "snippet", "exec"), compile(lines["LangChain"], "snippet", "exec"), compile(lines["LiteLLM"], "snippet", "exec")
    before = page.texts(".copy")[0]
    page.click(".copy")
    page.until(f"document.querySelector('.copy').textContent !== {json.dumps(before)}", "it says that it was copied")
    api = service.get("/openapi.json").json()
    assert page.ask("document.querySelectorAll('details').length") == sum(map(len, api["paths"].values()))
    page.ask("document.querySelector('details').open = true")
    page.until("document.querySelector('details .inside')", "a route opens")
    assert "input *" in page.texts("details .inside td")[0]


def test_it_stands_behind_a_prefix(visit, service):
    class Proxy(BaseHTTPRequestHandler):
        def go(self):
            assert self.path.startswith("/some/prefix/"), self.path
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            there = HTTPConnection(service.host, service.port)
            there.request(self.command, self.path.removeprefix("/some/prefix"), body, {name: self.headers[name] for name in ("accept", "content-type") if name in self.headers})
            reply = there.getresponse()
            data = reply.read()
            self.send_response(reply.status)
            for name, value in reply.getheaders():
                if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                    self.send_header(name, value)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = go

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    prefix = f"http://127.0.0.1:{server.server_port}/some/prefix/"
    page = visit(service, url=prefix)
    assert page.texts(".ids strong") and all(url.startswith(prefix) or url.startswith("data:") for url in page.requests())
    page.click("nav a:nth-child(5)")
    page.until("document.querySelectorAll('details').length > 20", "the routes are there")
    assert prefix + "v1" in page.texts(".address code")
    server.shutdown()
    server.server_close()


# ---- for everybody ----


def test_language_and_colours_are_the_browsers_and_can_be_switched(visit, service):
    page = visit(service, language="zh-CN", scheme="dark")
    assert page.ask("document.documentElement.lang") == "zh-CN" and page.texts("nav a")[0] == "原理"
    dark = page.ask("getComputedStyle(document.body).backgroundColor")
    page.click("#language")
    page.until(READY, "it is drawn anew")
    assert page.ask("document.documentElement.lang") == "en" and page.texts("nav a")[0] == "Chain"
    page.click("#theme")
    page.until(READY, "it is drawn anew")
    assert page.ask("getComputedStyle(document.body).backgroundColor") != dark
    page.ask("localStorage.clear()")


def test_colours_follow_the_browser_while_the_page_is_open(visit, service):
    page = visit(service)
    seen = {}
    for scheme in ("dark", "light"):
        page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        page.until(f"document.documentElement.dataset.theme === '{scheme}'", "it is the browser's")
        seen[scheme] = page.ask("getComputedStyle(document.body).backgroundColor")
    assert seen["dark"] != seen["light"]


@pytest.mark.short
def test_keys_alone_are_enough(visit, service):
    page = visit(service)
    here = "(document.activeElement.id || document.activeElement.textContent.trim() || document.activeElement.getAttribute('aria-label') || document.activeElement.type)"
    page.press("Tab", "Enter")
    assert page.ask("document.activeElement.id") == "main"
    seen = []
    for _ in range(60):
        page.press("Tab")
        at = page.ask(here)
        seen.append(at)
        assert page.ask("document.activeElement === document.body || document.activeElement.matches(':focus-visible')"), at
        assert page.ask("((box) => document.activeElement === document.body || (box.width > 0 && box.right > 0 && box.left < innerWidth))(document.activeElement.getBoundingClientRect())"), at
    assert {"text", "我爱吃饭", "2", "all 256"} <= set(seen) and len(seen) > len(set(seen)) * 0.5
    for name, ready in (("Similarity", ".similarity[data-ready]"), ("Classify", ".classify pre"), ("Live", ".live[data-ready]"), ("Use it", "#reference[data-ready]")):
        page.ask("document.querySelector('nav a[aria-current]').focus()")
        page.press("Tab", "Enter")
        page.until(f"document.querySelector('{ready}')", name)
        assert page.texts("nav a[aria-current]") == [name] and page.ask("document.activeElement.textContent") == name


def test_nothing_moves_for_those_who_want_it_still(visit, service):
    page = visit(service, is_still=True)
    assert page.ask("document.getAnimations().length") == 0
    moving = visit(service)
    write(moving, "我爱")
    assert moving.ask("document.getAnimations().length + [...document.querySelectorAll('.yrow')].filter((one) => getComputedStyle(one).animationName !== 'none').length") > 0


@pytest.mark.short
def test_what_is_put_into_the_page_does_not_run(visit, service):
    page = visit(service, allowed=["Content Security Policy", "/x\""])
    page.ask("(() => { const one = document.createElement('script'); one.textContent = 'window.owned = 1'; document.body.append(one); "
             "const two = document.createElement('div'); two.innerHTML = '<img src=x onerror=\"window.owned = 2\">'; document.body.append(two); "
             "const three = document.createElement('style'); three.textContent = 'body { display: none }'; document.head.append(three) })()")
    page.ask("new Promise((done) => setTimeout(done, 300))")
    assert page.ask("[window.owned, getComputedStyle(document.body).display]") == [None, "block"]
    page.ask("document.querySelectorAll('body > div:last-child, body > script:last-of-type').forEach((one) => one.remove())")
    with pytest.raises(AssertionError):
        page.ask("fetch('http://localhost:1/').then(() => 1)")


AXE = TOP / "build/browser/node_modules/axe-core/axe.min.js"


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing(visit, service, view, look):
    if not AXE.exists():
        pytest.skip("axe-core is not there: make build/browser/ready, which needs npm")
    for model in ("embedd-base-2", "w6x8") if view in ("chain", "classify") else ("embedd-base-2",):
        ready = {"use": "document.querySelector('#reference[data-ready]')", "classify": "document.querySelector('.view[data-ready], .classify pre')"}.get(view, READY)
        page = visit(service, f"#{view}?model={model}", ready=ready, is_still=True, **LOOKS[look])
        page.settle()
        page.ask(AXE.read_text() + ";1")
        found = page.ask("axe.run(document, {resultTypes: ['violations']}).then(({violations}) => violations.map((one) => [one.id, one.nodes.slice(0, 3).map((node) => node.html.slice(0, 160) + ' ' + node.failureSummary.slice(0, 200))]))")
        assert found == []


def test_first_paint(visit, service, record_property):
    """How long it took, for whoever reads the report; not what must be."""
    page = visit(service)
    paint = page.ask("performance.getEntriesByType('paint').find((one) => one.name === 'first-contentful-paint')?.startTime")
    record_property("first_contentful_paint_ms", paint)
    assert paint > 0
