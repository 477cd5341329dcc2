# SPDX-License-Identifier: Apache-2.0
"""Takes the pictures of the page that docs/ shows: each view, in both languages, light and dark, and on a phone.

usage: screenshots.py FOLDER     EMBEDD names the program (default build/embedd)
"""
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "http"))

from browser import Browser  # noqa: E402
from harness import TOP, Service  # noqa: E402

VIEWS = {"chain": ("#chain", 2330), "course": ("#chain?model=w6x8", 2300), "similarity": ("#similarity", 1330),
         "classify": ("#classify?model=w6x8&head=who", 1130), "live": ("#live", 1100), "use": ("#use", 900)}
LOOKS = [("en", "light"), ("en", "dark"), ("zh-CN", "light"), ("zh-CN", "dark")]
READY = {"use": "document.querySelector('#reference[data-ready]')",
         "live": "Number(document.querySelector('.view').dataset.ready) >= 9"}


def take(browser, url, path, view, height, width, language, scheme):
    page = browser.open(url, width=width, scheme=scheme, language=language, is_still=True)
    page.until(READY.get(view, "document.querySelector('.view[data-ready]')"), path.name)
    if view in ("chain", "course"):
        page.until("document.querySelectorAll('.verdict').length === 3", path.name)
    page.settle()
    top = page.ask("document.querySelectorAll('.step')[4].offsetTop - 20") if view == "course" else 0
    page.save(path, height=height, top=top)
    page.close()


def load(service):
    """Something for the charts to show."""
    for n in range(10 ** 6):
        try:
            service.post("/v1/embeddings", b'{"input": ["%s"]}' % (b"I love to eat. " * (1 + n % 40)))
        except OSError:
            return
        time.sleep(0.01 + 0.02 * ((n // 50) % 3))


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as models:
        shutil.copytree(TOP / "examples/chain/w6x8", f"{models}/w6x8")
        shutil.copytree(TOP / "examples/chain/heads", f"{models}/w6x8/heads")
        service = Service("--model=builtin", f"--model=w6x2={TOP}/examples/chain/w6x2", f"--model=w6x8={models}/w6x8")
        browser = Browser(shutil.which("chromium"))
        threading.Thread(target=load, args=(service,), daemon=True).start()
        for view, (link, height) in VIEWS.items():
            for language, scheme in LOOKS:
                name = f"{view}-{language[:2]}-{scheme}.webp"
                take(browser, f"{service.url}/{link}", folder / name, view, height, 1160, language, scheme)
        take(browser, f"{service.url}/#chain", folder / "phone-zh-dark.webp", "chain", 1900, 390, "zh-CN", "dark")
        browser.close()
        service.kill()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
