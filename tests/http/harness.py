# SPDX-License-Identifier: Apache-2.0
"""The program under test, and a client that sees every byte.

EMBEDD names the program (default build/embedd). Nothing here asserts how long anything takes: waits
have a bound so generous that only something that never happens can reach it.
"""

import array
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
PROGRAM = str((TOP / os.environ.get("EMBEDD", "build/embedd")).resolve())

# How long to wait for what must happen in the end.
PATIENCE_S = 60

SANITIZER = re.compile(r"Sanitizer|runtime error:|Assertion .* failed|Fatal error in GNU")

SMALL = ("/v1/embeddings", json.dumps({"input": "I love to eat"}).encode())
# 20 KB of words, and a row of floats for each: more than 8 MB of reply, made by a worker.
BIG = ("/v1/lookup", json.dumps({"text": "word " * 4000}).encode())
BIG_BYTES_MIN = 8 << 20


def environment(**more):
    """The environment without settings of the service (and variables of the tests, which would look
    like them)."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EMBEDD_")}
    return {**kept, **more}


def wait_until(condition, what):
    """Waits until condition() is true; fails naming `what` if it never is."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"never happened: {what}"
        time.sleep(0.02)


class Service:
    """`embedd serve` on a port of its own; `tls`: an ssl.SSLContext, by which clients ask."""

    def __init__(self, *flags, listen="127.0.0.1:0", stderr=None, preexec=None, env=(), program=PROGRAM, tls=None):
        self.tls = tls
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [program, "serve", f"--listen={listen}", *flags],
            stdout=subprocess.PIPE, stderr=stderr or self.log, preexec_fn=preexec,
            env=environment(**dict(env)))
        line = self.process.stdout.readline().decode()
        match = re.fullmatch(r"listening on ((?:https?://(.+):(\d+))|unix:(.+))\n", line)
        if not match:
            self.process.wait(PATIENCE_S)
            raise AssertionError(f"no service: {line!r} {self.stderr()}")
        self.url, self.path = match[1], match[4]
        if not self.path:
            self.host, self.port = match[2].strip("[]"), int(match[3])
        self.fds_at_start = self.fds()

    def stderr(self):
        # By a descriptor of its own: moving the offset would move the writer's too.
        with open(f"/proc/self/fd/{self.log.fileno()}", "rb") as log:
            return log.read().decode(errors="replace")

    def fds(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def cpu_s(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self):
        """Waits for the process to end and returns its exit code, checking what it said."""
        try:
            code = self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("the service never ended: " + self.stderr()[-4000:]) from None
        self.process.stdout.close()
        assert not SANITIZER.search(self.stderr()), self.stderr()[-8000:]
        return code

    def stop(self):
        """Ends a running service, which must have let go of every descriptor it took."""
        if self.process.poll() is None:
            wait_until(lambda: self.fds() <= self.fds_at_start, "every descriptor is closed again")
            self.signal(signal.SIGTERM)
        assert self.wait() == 0, self.stderr()[-4000:]

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.log.close()

    def next_listener(self):
        """The next line of standard output, as a thing to connect to."""
        line = self.process.stdout.readline().decode()
        assert line.startswith("listening on "), line
        return Place(line.split()[2])

    def connect(self, **options):
        return Client(self, **options)

    def get(self, path):
        with self.connect() as client:
            return client.get(path)

    def post(self, path, body, **headers):
        with self.connect() as client:
            return client.post(path, body, **headers)

    def is_listening(self):
        try:
            with socket.create_connection((self.host, self.port), PATIENCE_S):
                return True
        except (ConnectionRefusedError, ConnectionResetError):  # reset: it closed just then
            return False

    def metric(self, line):
        """The sum of the samples whose line begins with `line`; 0 when there is none."""
        text = self.get("/metrics").body.decode()
        found = re.findall("^" + re.escape(line) + r"[^ \n]* ([0-9.e+]+)$", text, re.M)
        return sum(float(value) for value in found)


class Place:
    """One of the addresses where a service listens."""

    def __init__(self, url):
        self.url, self.tls = url, None
        self.path = url.removeprefix("unix:") if url.startswith("unix:") else None
        if not self.path:
            self.host, _, port = url.removeprefix("http://").rpartition(":")
            self.host, self.port = self.host.strip("[]"), int(port)

    connect, get, post = Service.connect, Service.get, Service.post


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


class Client:
    """One connection. `receive_buffer` bounds what the kernel takes in ahead of us."""

    def __init__(self, service, receive_buffer=None):
        if service.path:
            family, name = socket.AF_UNIX, service.path.replace("@", "\0", 1) if service.path[0] == "@" else service.path
        else:
            family, name = socket.AF_INET6 if ":" in service.host else socket.AF_INET, (service.host, service.port)
        self.socket = socket.socket(family)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(PATIENCE_S)
        self.socket.connect(name)
        if not service.path:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if service.tls:
            self.socket = service.tls.wrap_socket(
                self.socket, server_hostname="localhost", suppress_ragged_eofs=False)
        self.pending = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def reset(self):
        """Leaves without a word: the kernel sends RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def send_as_taken(self, data):
        """Sends what the server takes; returns how many bytes that were."""
        sent = 0
        try:
            while sent < len(data):
                sent += self.socket.send(data[sent:sent + 65536])
        except (BrokenPipeError, ConnectionResetError):
            pass
        return sent

    def _more(self):
        data = self.socket.recv(1 << 16)
        self.pending += data
        return bool(data)

    def read_head(self):
        while b"\r\n\r\n" not in self.pending:
            assert self._more(), f"closed in the head: {self.pending!r}"
        head, _, self.pending = self.pending.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            assert name.lower() not in headers, f"{name} twice"
            headers[name.lower()] = value.strip()
        return int(first.split(" ")[1]), headers

    def _take(self, n, bytes_a_read, pause_s):
        """Exactly n bytes."""
        parts, got = [self.pending[:n]], len(self.pending[:n])
        self.pending = self.pending[n:]
        while got < n:
            data = self.socket.recv(min(bytes_a_read, n - got))
            assert data, f"{got} of {n} bytes, then the end"
            parts.append(data)
            got += len(data)
            if pause_s:
                time.sleep(pause_s)
        return b"".join(parts)

    def _take_line(self):
        while b"\r\n" not in self.pending:
            assert self._more(), "the end in a chunk's line"
        line, _, self.pending = self.pending.partition(b"\r\n")
        return line

    def read_body(self, headers, bytes_a_read=1 << 20, pause_s=0):
        """A body of a known length, or in chunks; with a pause after each read if asked to."""
        if headers.get("transfer-encoding") != "chunked":
            return self._take(int(headers.get("content-length", 0)), bytes_a_read, pause_s)
        parts = []
        while size := int(self._take_line(), 16):
            parts.append(self._take(size, bytes_a_read, pause_s))
            assert self._take_line() == b""
        assert self._take_line() == b""
        return b"".join(parts)

    def read_reply(self, has_body=True):
        status, headers = self.read_head()
        return Reply(status, headers, self.read_body(headers) if has_body else b"")

    def read_to_end(self):
        """Everything until the server closes, which it must."""
        try:
            while self._more():
                pass
        except ConnectionResetError:
            pass
        data, self.pending = self.pending, b""
        return data

    def is_closed(self):
        """Whether the server has closed by now. Only where no reply is due."""
        self.socket.setblocking(False)
        try:
            return self.socket.recv(1, socket.MSG_PEEK) == b""
        except BlockingIOError:
            return False
        except ConnectionResetError:
            return True
        finally:
            self.socket.settimeout(PATIENCE_S)

    def get(self, path, method="GET", **headers):
        self.send(head(method, path, **headers))
        return self.read_reply(has_body=method != "HEAD")

    def post(self, path, body, method="POST", **headers):
        self.send(post(path, body, method, **headers))
        return self.read_reply()


def write_table(folder, values, columns=2):
    """model.safetensors with a table of so many columns, row by row."""
    header = json.dumps({"embeddings": {"dtype": "F32", "shape": [len(values) // columns, columns],
                                        "data_offsets": [0, 4 * len(values)]}})
    header += " " * (-len(header) % 8)
    table = array.array("f", values).tobytes()
    data = len(header).to_bytes(8, "little") + header.encode() + table
    (folder / "model.safetensors").write_bytes(data)


def write_model(folder, tokens):
    """A model folder: these tokens (with [UNK] a WordPiece, otherwise a dictionary), two columns."""
    (folder / "vocab.txt").write_text("".join(t + "\n" for t in tokens), encoding="utf-8")
    write_table(folder, [(i + 1) / 4 for i in range(2 * len(tokens))])
    return folder


BERT = "[PAD] [UNK] [CLS] [SEP] the food is good eat i love naive 我 爱".split()


def head(method, path, version="1.1", **headers):
    lines = [f"{method} {path} HTTP/{version}", "Host: test"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def post(path, body, method="POST", **headers):
    headers = {"Content_Type": "application/json", "Content_Length": len(body), **headers}
    return head(method, path, **headers) + body


def chunked(body, size):
    """`body` in chunks of `size` bytes."""
    chunks = [body[i:i + size] for i in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(c), c) for c in chunks) + b"0\r\n\r\n"
