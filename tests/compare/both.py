# SPDX-License-Identifier: Apache-2.0
"""Two programs side by side: what a command leaves behind, what a service answers, and where they part.

Both get the same arguments, the same bytes and the same working folder, one after the other; so texts
that name paths are the same without our help. Only what cannot be the same twice is blotted out, and
all of that stands in BLOTS and in `metrics_without_times`.
"""

import difflib
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from pathlib import Path

PATIENCE_S = 120

TOP = Path(__file__).resolve().parents[2]

# In arguments: the working folder, and the project's top folder.
HERE, THERE = "@HERE@", "@TOP@"

# (where, what, what stands there instead)
BLOTS = [
    ("head", rb"(?m)^Date: [^\r\n]+", b"Date: (now)"),
    ("head", rb"(?m)^x-request-id: [0-9a-f]{32}\r$", b"x-request-id: (new)\r"),
    ("head", rb"(?m);dur=[0-9.]+", b";dur=(time)"),
    ("body", rb'"created":\d+', b'"created":(start)'),
    ("command", rb" in \d+\.\d s\b", b" in (time) s"),
    ("command", rb'"seconds":[0-9.e+-]+', b'"seconds":(time)'),
    ("command", time.strftime(r"\b%Y-%m-%d\b").encode(), b"(today)"),
    ("log", rb'"time":"[^"]+"', b'"time":"(now)"'),
    ("log", rb'"request_id":"[0-9a-f]{32}"', b'"request_id":"(new)"'),
    ("log", rb'"duration_us":\d+', b'"duration_us":(time)'),
    ("log", rb"drained in \d+\.\d s", b"drained in (time) s"),
    ("log", rb"has \d+ connections", b"has (some) connections"),
    ("log", rb'(?m)("route":"/metrics".*"bytes":)\d+', rb"\1(varies)"),
    ("log", rb"http://127\.0\.0\.1:\d+", b"http://127.0.0.1:(port)"),
]
BLOTS = [(where, re.compile(what), instead) for where, what, instead in BLOTS]

# Values of metrics that are times, memory, or what the kernel gave; their names and labels stay.
TIMES = re.compile(rb"(?m)^(process_\w+|embedd_config_last_reload\w*|embedd_request_memory\w*|embedd_connections"
                   rb"|embedd_offload_queue|embedd_\w+_seconds_(?:bucket|sum))(\{.*\})? \S+$")


def blotted(where, data):
    for place, what, instead in BLOTS:
        if place == where:
            data = what.sub(instead, data)
    return data


def metrics_without_times(body):
    return TIMES.sub(rb"\1\2 (varies)", body)


def environment(**more):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EMBEDD_")}
    return {**kept, **more}


# ---- commands ----


class Command:
    """One run: its arguments, standard input, files that are there before (path → bytes, or a Path whose
    copy it is, or what a Link says; None is a folder), variables, the folder that it is run in. With `numbers_vary`
    (times in a table) digits do not count."""

    def __init__(self, name, *arguments, stdin=b"", files=None, variables=None, folder=HERE, numbers_vary=False):
        self.name, self.arguments, self.folder = name, [os.fspath(part) for part in arguments], folder
        self.stdin, self.files, self.variables = stdin, files or {}, variables or {}
        self.numbers_vary = numbers_vary


class Link:
    """A symbolic link, by what it says."""

    def __init__(self, target):
        self.target = target


def placed(text, folder):
    return text.replace(HERE, str(folder)).replace(THERE, str(TOP))


def write_files(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            path.mkdir(exist_ok=True)
        elif isinstance(content, Link):
            path.symlink_to(placed(content.target, folder))
        elif isinstance(content, Path):
            (shutil.copytree if content.is_dir() else shutil.copy2)(content, path)
        else:
            path.write_bytes(content)


def empty(folder):
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        else:
            os.unlink(entry.path)


def left_behind(folder):
    """Path → what is there now: kind, permissions, bytes."""
    found = {}
    for where, folders, names in os.walk(folder):
        for name in folders + names:
            path = os.path.join(where, name)
            mode = os.lstat(path).st_mode
            content = b""
            if stat.S_ISLNK(mode):
                content = os.readlink(path).encode()
            elif stat.S_ISREG(mode):
                with open(path, "rb") as file:
                    content = file.read()
            found[os.path.relpath(path, folder)] = (mode, content)
    return found


def run_command(program, command, folder):
    """Part → bytes of all that the run did; None where it does not end."""
    empty(folder)
    write_files(folder, command.files)
    process = subprocess.Popen(
        ["embedd", *(placed(part, folder) for part in command.arguments)], executable=program,
        cwd=placed(command.folder, folder), env=environment(**command.variables), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE)
    try:
        out, err = process.communicate(command.stdin, PATIENCE_S)
        status = b"%d" % process.returncode
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return None
    parts = {"exit status": status, "stdout": out, "stderr": err}
    for path, (mode, content) in left_behind(folder).items():
        parts[f"file {path}"] = oct(mode).encode() + b"\n" + content
    for part, data in parts.items():
        if b"\0" not in data:
            data = blotted("command", blotted("log", data))
        parts[part] = re.sub(rb"[ \t]*\d[\d.,]*(?:e[+-]\d+)?", b" (number)", data) if command.numbers_vary else data
    return parts


def compare_command(programs, command, folder):
    old, new = (run_command(program, command, folder) for program in programs)
    if old is None or new is None:
        return [f"exit status: {'both programs' if old == new else 'one program'} still ran after {PATIENCE_S} s"]
    return differences(old, new)


# ---- services ----


class NoService(Exception):
    """Says how `embedd serve` ended instead of serving: part → bytes."""


class Server:
    """`embedd serve` on a port of its own, in `folder`."""

    def __init__(self, program, flags, folder, variables):
        self.log = tempfile.TemporaryFile("a+b")  # to append: threads may write at once
        self.process = subprocess.Popen(
            ["embedd", "serve", "--listen=127.0.0.1:0", *(placed(flag, folder) for flag in flags)], executable=program, cwd=folder,
            env=environment(**variables), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log)
        self.said = self.process.stdout.readline()
        match = re.fullmatch(rb"listening on http://127\.0\.0\.1:(\d+)\n", self.said)
        if not match:
            raise NoService(self.end())
        self.port = int(match[1])

    def end(self):
        """Ends it if it runs; part → bytes of what it said."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            rest = self.process.communicate(timeout=PATIENCE_S)[0]
            status = b"%d" % self.process.returncode
        except subprocess.TimeoutExpired:
            self.process.kill()
            rest = self.process.communicate()[0]
            status = b"none: it still ran %d s after SIGTERM" % PATIENCE_S
        self.log.seek(0)
        lines = blotted("log", self.log.read()).splitlines(keepends=True)
        self.log.close()
        return {"exit status": status, "stdout": blotted("log", self.said + rest),
                "stderr": b"".join(sorted(lines))}  # threads log in any order


class Connection:
    """To one of the servers, opened when it is needed."""

    def __init__(self, port):
        self.port, self.socket, self.pending = port, None, b""

    def send(self, data):
        if not self.socket:
            self.socket = socket.create_connection(("127.0.0.1", self.port), PATIENCE_S)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.pending = b""
        try:
            self.socket.sendall(data)
        except OSError:
            pass  # a refusal may stand in the buffer: it is read next

    def close(self):
        if self.socket:
            self.socket.close()
        self.socket, self.pending = None, b""

    def _more(self):
        data = self.socket.recv(1 << 18)
        self.pending += data
        if not data:
            raise EOFError
        return data

    def _until(self, mark):
        while mark not in self.pending:
            self._more()
        found, _, self.pending = self.pending.partition(mark)
        return found + mark

    def _take(self, count):
        parts, got = [self.pending[:count]], min(count, len(self.pending))
        self.pending = self.pending[count:]
        while got < count:
            data = self.socket.recv(min(1 << 20, count - got))
            if not data:
                self.pending = b"".join(parts)
                raise EOFError
            parts.append(data)
            got += len(data)
        return b"".join(parts)

    def _read_body(self, head):
        length = re.search(rb"(?mi)^content-length: (\d+)\r$", head)
        if length:
            return self._take(int(length[1]))
        if not re.search(rb"(?mi)^transfer-encoding: chunked\r$", head):
            return b""
        parts = []
        while True:
            line = self._until(b"\r\n")
            size = int(line.split(b";")[0], 16)
            parts += [line, self._take(size + 2)]
            if not size:
                return b"".join(parts)

    def read_reply(self, has_body=True):
        """(head, body) as they come; a body in chunks with its chunks."""
        head, interim = b"", b""
        try:
            head = self._until(b"\r\n\r\n")
            while head.startswith(b"HTTP/1.1 100"):
                interim, head = interim + head, b""
                head = self._until(b"\r\n\r\n")
            body = self._read_body(head) if has_body else b""
            if re.search(rb"(?mi)^connection: close\r$", head):
                body += self._rest()
        except EOFError:
            head, body = head, self.pending + b"(and the end of the connection)"
            self.close()
        except (TimeoutError, ConnectionResetError) as error:
            head, body = head, self.pending + b"(" + type(error).__name__.encode() + b")"
            self.close()
        return interim + head, body

    def _rest(self):
        """What comes until the server closes."""
        try:
            while True:
                self._more()
        except EOFError:
            rest = self.pending
        self.close()
        return rest + b"(closed)"

    def read_to_end(self):
        """All that comes until the server closes, after we said that we are done."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        end = b"(closed)"
        try:
            while True:
                self._more()
        except EOFError:
            pass
        except ConnectionResetError:
            pass  # the same to a client that has read all; which of the two comes is a race
        except TimeoutError:
            end = b"(open after %d s)" % PATIENCE_S
        data = self.pending
        self.close()
        return data + end


class Request:
    """Bytes for a kept connection, and whether the reply has a body."""

    def __init__(self, name, data, has_body=True):
        self.name, self.data, self.has_body = name, data, has_body


class Bytes:
    """Bytes for a connection of their own; everything that comes back until its end counts."""

    def __init__(self, name, data):
        self.name, self.data = name, data


class Service:
    """What a pair of servers with these flags, files and variables is asked: a list of Request and Bytes."""

    def __init__(self, name, flags, asked, files=None, variables=None):
        self.name, self.flags, self.asked = name, [os.fspath(flag) for flag in flags], asked
        self.files, self.variables = files or {}, variables or {}


def reply_parts(reply, of_metrics=False):
    head, body = reply
    status, _, headers = head.partition(b"\r\n")
    if of_metrics:
        body = metrics_without_times(body)
        headers = re.sub(rb"Content-Length: \d+", b"Content-Length: (varies)", headers)
    return {"status": status, "headers": blotted("head", headers), "body": blotted("body", body)}


def compare_request(connections, request):
    for connection in connections:
        connection.send(request.data)
    of_metrics = b" /metrics" in request.data.split(b"\r\n", 1)[0]
    old, new = (reply_parts(connection.read_reply(request.has_body), of_metrics) for connection in connections)
    # Where one has closed the other begins anew too: the next request finds both in one state.
    if any(connection.socket is None for connection in connections):
        for connection in connections:
            connection.close()
    return differences(old, new)


def compare_bytes(ports, asked):
    found = []
    connections = [Connection(port) for port in ports]
    for connection in connections:
        connection.send(asked.data)
    for connection in connections:
        found.append({"bytes": blotted("body", blotted("head", connection.read_to_end()))})
    return differences(*found)


def compare_service(programs, service, folder):
    """Yields (name of a case, its differences)."""
    empty(folder)
    write_files(folder, service.files)
    servers, ends = [], []
    for program in programs:
        try:
            servers.append(Server(program, service.flags, folder, service.variables))
        except NoService as none:
            ends.append(none.args[0])
    if len(servers) == 2:
        ports = [server.port for server in servers]
        connections = [Connection(port) for port in ports]
        for asked in service.asked:
            name = f"{service.name}: {asked.name}"
            if isinstance(asked, Bytes):
                yield name, compare_bytes(ports, asked)
            else:
                yield name, compare_request(connections, asked)
        for connection in connections:
            connection.close()
    ends += [server.end() for server in servers]
    if len(servers) == 1:
        ends[0]["exit status"] += b" (it did not serve, the other did)"
    yield f"{service.name}: start, log and end", differences(*ends)


# ---- where they part ----


def differences(old, new):
    """Texts that say what is different in two sets of parts."""
    found = []
    for part in [*old, *(part for part in new if part not in old)]:
        if part not in old or part not in new:
            found.append(f"{part}: only the {'old' if part in old else 'new'} program has it")
        elif old[part] != new[part]:
            found.append(f"{part}:\n" + shown(old[part], new[part]))
    return found


LONGEST_LINE, MOST_LINES = 300, 24


def shown(old, new):
    """A short unified difference; of long lines and of bytes only where they part."""
    before, after = (data.decode("utf-8", "backslashreplace").splitlines() for data in (old, new))
    lines = [line for line in difflib.unified_diff(before[:3000], after[:3000], n=0, lineterm="")
             if not line.startswith(("---", "+++", "@@"))]
    if not lines or any(len(line) > LONGEST_LINE for line in lines) or len(lines) > MOST_LINES:
        at = next((i for i, (a, b) in enumerate(zip(old, new)) if a != b), min(len(old), len(new)))
        start = max(0, at - 80)
        lines = [f"  from byte {at} on, of {len(old)} and of {len(new)}:",
                 "- " + repr(old[start:at + 120])[1:], "+ " + repr(new[start:at + 120])[1:]]
    return "\n".join("  " + line for line in lines)
