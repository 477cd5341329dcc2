# SPDX-License-Identifier: Apache-2.0
"""A headless Chromium, spoken to over its debugging pipe (two file descriptors, JSON ended by NUL)."""

import base64
import fcntl
import json
import os
import select
import subprocess
import tempfile
import time

PATIENCE_S = 60


class Browser:
    """One process; `open` gives pages."""

    def __init__(self, program):
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        # Its ends are 3 and 4; nothing that is copied there may lie there.
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for pair in (os.pipe(), os.pipe()) for end in pair]
        to_read, self.to_write, self.from_read, from_write = ends

        def place():
            os.dup2(to_read, 3)
            os.dup2(from_write, 4)

        flags = ["--headless", "--remote-debugging-pipe", "--disable-gpu", "--no-first-run",
                 f"--user-data-dir={self.folder.name}"]
        if os.getuid() == 0:
            flags.append("--no-sandbox")  # it refuses to run as root with one
        self.process = subprocess.Popen([program, *flags], preexec_fn=place, pass_fds=(3, 4),
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(from_write)
        self.last, self.rest, self.replies, self.events = 0, b"", {}, []

    def receive(self):
        """Takes in at least one message."""
        deadline = time.monotonic() + PATIENCE_S
        while b"\0" not in self.rest:
            ready, _, _ = select.select([self.from_read], [], [], deadline - time.monotonic())
            assert ready, "the browser does not answer"
            part = os.read(self.from_read, 1 << 16)
            assert part, "the browser is gone"
            self.rest += part
        *whole, self.rest = self.rest.split(b"\0")
        for message in map(json.loads, whole):
            if "id" in message:
                self.replies[message["id"]] = message
            else:
                self.events.append(message)

    def call(self, method, session=None, **parameters):
        self.last += 1
        message = {"id": self.last, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self.to_write, json.dumps(message).encode() + b"\0")
        while self.last not in self.replies:
            self.receive()
        reply = self.replies.pop(self.last)
        assert "error" not in reply, f"{method}: {reply['error']}"
        return reply["result"]

    def open(self, path, **look):
        return Page(self, path, **look)

    def close(self):
        self.call("Browser.close")
        self.process.wait(PATIENCE_S)
        self.folder.cleanup()


class Page:
    """A file, or what is at an address, in a window, once it is drawn."""

    def __init__(self, browser, path, width=1200, scheme="light", media="", has_scripts=True, language="en", is_still=False):
        self.browser, self.url = browser, path if isinstance(path, str) else path.as_uri()
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", media=media,
                  features=[{"name": "prefers-color-scheme", "value": scheme},
                            {"name": "prefers-reduced-motion", "value": "reduce" if is_still else "no-preference"}])
        self.call("Emulation.setUserAgentOverride", userAgent="Chromium of the tests", acceptLanguage=language)
        self.call("Emulation.setScriptExecutionDisabled", value=not has_scripts)
        self.call("Page.navigate", url=self.url)
        while not self.named("Page.loadEventFired"):
            browser.receive()
        if has_scripts:
            self.settle()

    def call(self, method, **parameters):
        return self.browser.call(method, self.session, **parameters)

    def named(self, *names):
        """Events of this page."""
        return [event["params"] for event in self.browser.events
                if event.get("sessionId") == self.session and event["method"] in names]

    def settle(self):
        """Until what follows from sizes is drawn: two frames."""
        self.ask("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))")

    def ask(self, expression):
        """What a JavaScript expression gives."""
        result = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def until(self, expression, what):
        """Waits until an expression is true."""
        deadline = time.monotonic() + PATIENCE_S
        while not self.ask(f"!!({expression})"):
            assert time.monotonic() < deadline, f"never happened: {what}: {self.complaints()[:3]}"
            time.sleep(0.03)

    def write(self, selector, text):
        """Puts a text in the place of what a field holds, as typing does."""
        self.ask(f"document.querySelector({json.dumps(selector)}).focus(), document.activeElement.select()")
        self.call("Input.insertText", text=text) if text else self.press("Backspace")

    def click(self, selector):
        self.ask(f"document.querySelector({json.dumps(selector)}).click()")
        self.settle()

    def point(self, selector):
        """Moves the pointer there."""
        x, y = self.ask(f"(([one]) => (one.scrollIntoView({{block: 'center'}}), ((box) => [box.x + box.width / 2, box.y + box.height / 2])"
                        f"(one.getBoundingClientRect())))(document.querySelectorAll({json.dumps(selector)}))")
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        self.settle()

    def save(self, path, height, top=0):
        """A picture of so much of it, as WebP."""
        width = self.ask("innerWidth")
        height = min(height, self.ask("document.documentElement.scrollHeight") - top)
        data = self.call("Page.captureScreenshot", format="webp", quality=60, captureBeyondViewport=True,
                         clip={"x": 0, "y": top, "width": width, "height": height, "scale": 1})["data"]
        path.write_bytes(base64.b64decode(data))

    def close(self):
        self.call("Page.close")

    def texts(self, selector):
        return self.ask(f"[...document.querySelectorAll({json.dumps(selector)})].map((one) => one.textContent)")

    def table(self, heading):
        """The rows of the last table under an <h2>, each a list of the texts of its cells."""
        return self.ask("[...[...document.querySelectorAll('section')].find((one) => one.querySelector('h2')?."
                        f"textContent === {json.dumps(heading)}).querySelectorAll('table')].pop()"
                        ".querySelectorAll('tbody tr').values().map((row) => [...row.cells].map("
                        "(cell) => cell.textContent)).toArray()")

    def press(self, *keys):
        codes = {"Enter": 13, "Tab": 9, "End": 35, "Home": 36, "ArrowLeft": 37, "ArrowRight": 39, "Backspace": 8, "ArrowDown": 40, "ArrowUp": 38}
        for key in keys:
            text = {"text": "\r"} if key == "Enter" else {}
            self.call("Input.dispatchKeyEvent", type="keyDown", key=key, code=key,
                      windowsVirtualKeyCode=codes[key], **text)
            self.call("Input.dispatchKeyEvent", type="keyUp", key=key, code=key, windowsVirtualKeyCode=codes[key])
        self.settle()

    def requests(self):
        """Addresses of what it asked for, besides itself."""
        return [event["request"]["url"] for event in self.named("Network.requestWillBeSent")
                if event["request"]["url"] != self.url]

    def complaints(self):
        """Exceptions, dialogs, and what the browser logs as wrong."""
        return self.named("Runtime.exceptionThrown", "Page.javascriptDialogOpening", "Log.entryAdded")
