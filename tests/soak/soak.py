#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A service under the load of many clients for a long time, while it is reloaded, replaced, restarted,
scraped and abused: no request fails, every reply is right to the byte, and memory and descriptors
stay where they are.

What is right is what a fresh service with one thread said before (tests/soak/asks.py); the vectors in
it are those of `embedd embed`. The clients (tests/soak/load.c) keep their connections, leave when the
service says so, and never send a request again.

usage: soak.py [OPTION]...; --help tells them. EMBEDD names the program, LOAD the clients.
"""

import argparse
import copy
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "http"))

import asks  # noqa: E402
from harness import PATIENCE_S, SANITIZER, TOP, Client, Place, Service, chunked, head, post, wait_until  # noqa: E402

LOAD = str((TOP / os.environ.get("LOAD", "build/release/tests/soak/load")).resolve())
# As much may memory and descriptors grow by, from one end to the other of the straight line through
# all that was measured, however long that takes: the longer the run, the flatter it must be.
GROWTH_MB, GROWTH_FDS = 12, 6
# The heap finds its size, 39 MB, in steps of up to 12, now early and now late: a late one tilts the line of a minute by 13.
SHORT_S, SHORT_GROWTH_MB = 300, 18
# A service looks once a second for clients that have left half-way (a dozen or so by then): who looks at it once a second,
# too, sees few of them for a while, then many.
SAMPLE_EVERY_S = 0.13
# Of a run, for things to find their size.
WARM_UP = 1 / 3


class Faults(list):
    def add(self, text):
        print(f"FAULT: {text}", flush=True)
        self.append(text)


class Samples:
    """Memory and descriptors of one process."""

    def __init__(self, pid):
        self.pid, self.rows, self.start = pid, [], time.monotonic()

    def take(self):
        try:
            status = Path(f"/proc/{self.pid}/status").read_text()
            fds = len(os.listdir(f"/proc/{self.pid}/fd"))
        except (FileNotFoundError, ProcessLookupError):
            return
        memory = re.search(r"RssAnon:\s+(\d+)", status)
        if memory:
            self.rows.append((time.monotonic() - self.start, int(memory[1]) / 1024, fds))

    def growth(self, column, rows):
        """Of the straight line with the least squares, from its first to its last moment."""
        n = len(rows)
        mean_t, mean = sum(row[0] for row in rows) / n, sum(row[column] for row in rows) / n
        down = sum((row[0] - mean_t) ** 2 for row in rows)
        across = sum((row[0] - mean_t) * (row[column] - mean) for row in rows)
        return across / down * (rows[-1][0] - rows[0][0]) if down else 0

    def check(self, faults, of_memory):
        rows = self.rows[int(len(self.rows) * WARM_UP):]
        if len(rows) < 10:
            return
        memory, fds = self.growth(1, rows), self.growth(2, rows)
        print(f"memory: {rows[0][1]:.1f} to {rows[-1][1]:.1f} MB, most {max(row[1] for row in rows):.1f}, the line grows by "
              f"{memory:.1f} MB; descriptors: {rows[0][2]} to {rows[-1][2]}, the line grows by {fds:.1f}; "
              f"over {rows[-1][0] - rows[0][0]:.0f} s, after {rows[0][0]:.0f} s", flush=True)
        is_short = rows[-1][0] - rows[0][0] < SHORT_S
        if of_memory and memory > (SHORT_GROWTH_MB if is_short else GROWTH_MB):
            faults.add(f"memory grows by {memory:.1f} MB")
        if fds > GROWTH_FDS:
            faults.add(f"descriptors grow by {fds:.1f}")


class Load:
    """The clients, in a process of their own."""

    def __init__(self, table, places, options):
        flags = [f"--connections {options.connections}", f"--thinkers {options.connections // 8}", f"--seed {options.seed}"]
        flags += [f"--requests {options.requests}"] if options.requests else [f"--seconds {int(options.minutes * 60)}"]
        self.process = subprocess.Popen([LOAD, *" ".join(flags).split(), table, *places], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        self.said = {"requests": 0, "right": 0, "failed": 0, "connections": 0}
        self.thread = threading.Thread(target=self.hear, daemon=True)
        self.thread.start()

    def hear(self):
        for line in self.process.stdout:
            self.said = json.loads(line)

    def tell(self, order):
        try:
            self.process.stdin.write(order.encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:  # it has ended
            pass

    def is_over(self):
        return self.process.poll() is not None

    def end(self):
        if not self.is_over():
            self.tell("stop")
        code = self.process.wait(2 * PATIENCE_S)
        self.thread.join(PATIENCE_S)
        return code


# ---- who does not behave ----

class Rude:
    """Clients that send nonsense, stop half way, or leave before they have read."""

    def __init__(self, place, seed):
        self.place, self.is_over, self.n, self.faults = place, False, 0, []
        self.draw = random.Random(seed)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.is_over:
            try:
                with Client(self.place()) as client:
                    self.behave(client)
            except (OSError, AssertionError):  # the service may hang up on such
                pass
            except Exception as fault:  # pylint: disable=broad-except
                self.faults.append(repr(fault))
            self.n += 1
            time.sleep(0.02)

    def behave(self, client):
        body = json.dumps({"text": "word " * 600, "model": "base"}).encode()
        request = post("/v1/lookup", body)
        kind = self.draw.randrange(7)
        if kind == 0:  # leaves half way
            client.send(request[:self.draw.randrange(len(request))])
        elif kind == 1:  # resets while the reply comes
            client.send(request)
            client.socket.recv(100)
            client.reset()
        elif kind == 2:  # resets before it does
            client.send(request)
            client.reset()
        elif kind == 3:
            client.send_as_taken(self.draw.randbytes(300) + b"\r\n\r\n")
            client.socket.shutdown(socket.SHUT_WR)
            client.read_to_end()
        elif kind == 4:  # in single bytes
            for byte in post("/embed", b'{"inputs": "a"}'):
                client.send(bytes([byte]))
            client.read_reply()
        elif kind == 5:  # chunks that are none, in the end
            client.send_as_taken(head("POST", "/embed", Transfer_Encoding="chunked") + chunked(b"{" * 300, 7)[:-5] + b"zz\r\n")
            client.read_to_end()
        else:  # many on one connection, and gone
            client.send_as_taken(post("/embed", b'{"inputs": "a"}') * 40)

    def end(self):
        self.is_over = True
        self.thread.join(PATIENCE_S)


# ---- the service ----

class Served:
    """A service as it is at the moment: one process, or its successor, or two behind a balancer."""

    def __init__(self, options, folder, faults):
        self.options, self.folder, self.faults = options, folder, faults
        self.paths = asks.make_models(folder)
        # Nobody is sent away because the machine is slow.
        self.flags = asks.flags_of(self.paths) + ["--max-wait=0", "--compress=all", "--drain-idle=20s", "--watch=0", "--log-level=warn"]
        self.threads = [f"--threads={options.threads}", f"--workers={options.threads}"]
        self.services, self.is_two, self.n_replaced, self.n_restarted, self.n_reloaded = [], options.restart_every > 0, 0, 0, 0
        self.samples, self.ending = [], []

    def record(self, list_of_asks):
        """By a service of one thread, which ends before the others begin."""
        reference = Service(*self.flags, "--threads=1", "--workers=1")
        try:
            asks.record(reference, list_of_asks)
            self.check_clients(reference, list_of_asks)
            reference.stop()
        finally:
            reference.kill()
        return asks.check_vectors(list_of_asks, self.paths)

    def check_clients(self, reference, list_of_asks):
        """They notice one wrong byte at the end of a reply, one too many, a wrong status, nobody there."""
        def n_failed(ask, place):
            (self.folder / "wrong").write_bytes(ask.packed())
            done = subprocess.run([LOAD, "--requests", "10", "--connections", "3", self.folder / "wrong", place],
                                  stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE_S)
            return json.loads(done.stdout.splitlines()[-1])["failed"], done.returncode
        for ask in (list_of_asks[0], next(ask for ask in list_of_asks if ask.flags & asks.MASKED)):
            wrong = [copy.copy(ask) for _ in range(4)]
            wrong[1].body = ask.body[:-1] + b"!"
            wrong[2].body = ask.body[:-1]
            wrong[3].status = 201
            found = [n_failed(one, f"127.0.0.1:{reference.port}") for one in wrong] + [n_failed(ask, f"unix:{self.folder}/nobody")]
            assert found == [(0, 0)] + [(10, 1)] * 4, (ask.name, found)

    def begin(self):
        for _ in range(2 if self.is_two else 1):
            self.services.append(self.start("127.0.0.1:0"))
        self.ports = [service.port for service in self.services]
        return [f"127.0.0.1:{port}" for port in self.ports] + ([] if self.is_two else [f"unix:{self.folder}/socket"])

    def start(self, listen):
        more = ["--drain-delay=5s"] if self.is_two else [f"--handover={self.folder}/handover", f"--listen=unix:{self.folder}/socket"]
        service = Service(*self.flags, *self.threads, *more, listen=listen)
        if not self.is_two:
            assert service.next_listener().path == f"{self.folder}/socket"
        self.samples.append(Samples(service.process.pid))
        return service

    def place(self):
        return self.services[0]

    def reload(self):
        """Has the models opened anew: their files are others, with the same bytes."""
        for name in ("words",):
            for path in Path(self.paths[name]).iterdir():
                if path.is_file():
                    shutil.copy(path, path.with_suffix(".new"))
                    os.replace(path.with_suffix(".new"), path)
        for service in list(self.services):
            reply = service.post("/admin/reload", b"")
            if reply.status not in (200, 409):
                self.faults.add(f"reload: {reply.status} {reply.body[:300]}")
        self.n_reloaded += 1

    def replace(self):
        """Another process takes the listeners over."""
        old = self.services[0]
        self.services[0] = self.start(f"127.0.0.1:{self.ports[0]}")
        self.n_replaced += 1
        self.ending.append(threading.Thread(target=self.ended, args=[old]))
        self.ending[-1].start()

    def restart(self, load):
        """One of two ends and begins again, as in a rolling restart; meanwhile /ready is asked, as who balances asks."""
        i = self.n_restarted % 2
        old = self.services[i]
        old.signal(signal.SIGTERM)
        wait_until(lambda: not self.is_ready(i), "the old one says that it is not ready")
        load.tell(f"out {i}")
        self.ended(old)
        self.services[i] = self.start(f"127.0.0.1:{self.ports[i]}")
        wait_until(lambda: self.is_ready(i), "the new one is ready")
        load.tell(f"in {i}")
        self.n_restarted += 1

    def is_ready(self, i):
        try:
            return self.services[i].get("/ready").status == 200
        except (OSError, AssertionError):
            return False

    def ended(self, old):
        code, said = old.wait(), old.stderr()
        if code != 0 or "cut off" in said or '"level":"error"' in said:
            self.faults.add(f"the old process ended with {code}: {said[-2000:]}")
        old.kill()

    def scrape(self):
        for service in list(self.services):
            try:
                text = service.get("/metrics").body.decode()
            except (OSError, AssertionError):
                continue  # it is ending
            for line in re.findall(r'^embedd_requests_total\{.*code="5\d\d"\} [1-9].*$', text, re.M):
                if self.is_two and 'route="/ready",code="503"' in line:
                    continue  # the planned
                self.faults.add(line)

    def take_samples(self):
        for samples in self.samples:
            samples.take()

    def end(self):
        """The last ones, when all clients are gone: nothing is left open, nothing was said."""
        for thread in self.ending:
            thread.join(PATIENCE_S)
        for service in self.services:
            try:
                service.stop()
            except AssertionError as fault:
                self.faults.add(f"the end: {fault}")
            said = service.stderr()
            if SANITIZER.search(said) or '"level":"error"' in said or "cut off" in said:
                self.faults.add(said[-4000:])

    def kill(self):
        for service in self.services:
            service.kill()


class Every:
    """Something that is due every so many seconds; 0: never."""

    def __init__(self, seconds, what, times=0):
        self.seconds, self.what, self.left = seconds, what, times or 1 << 60
        self.due = time.monotonic() + seconds

    def do(self):
        if self.seconds and self.left and time.monotonic() >= self.due:
            self.what()
            self.left -= 1
            self.due = time.monotonic() + self.seconds


def run(options, folder):
    faults, list_of_asks = Faults(), asks.all_asks()
    served, rude = Served(options, folder, faults), []
    vectors = served.record(list_of_asks)
    print(f"{len(list_of_asks)} requests recorded; {vectors} vectors in their replies are those of `embedd embed`", flush=True)
    table = folder / "table"
    table.write_bytes(b"".join(ask.packed() for ask in list_of_asks))
    start = time.monotonic()
    try:
        load = Load(table, served.begin(), options)
        rude = [Rude(served.place, options.seed + i) for i in range(options.rude)]
        # Operators are slow where what they do takes long, and do one thing at a time.
        due = [Every(SAMPLE_EVERY_S, served.take_samples), Every(1, served.scrape), Every(options.reload_every, served.reload),
               Every(options.replace_every, served.replace, options.replacements),
               Every(options.restart_every, lambda: served.restart(load)), Every(30, lambda: print(load.said, flush=True))]
        while not load.is_over():
            for one in due:
                one.do()
            time.sleep(0.05)
        for one in rude:
            one.end()
            for fault in one.faults:
                faults.add(fault)
        if load.end() != 0 or load.said["failed"] or load.said["right"] != load.said["requests"]:
            faults.add(f"requests failed: {load.said}")
        served.end()
    finally:
        for one in rude:
            one.is_over = True
        served.kill()
    for samples in served.samples[-1:] if not served.is_two else []:
        samples.check(faults, options.rss)
    print(f"{load.said['right']} of {load.said['requests']} requests answered as they should be, {load.said['failed']} failed, over "
          f"{load.said['connections']} connections in {time.monotonic() - start:.0f} s; {sum(one.n for one in rude)} rude clients; "
          f"{served.n_reloaded} reloads, {served.n_replaced} replacements, {served.n_restarted} restarts", flush=True)
    return faults


def main():
    parser = argparse.ArgumentParser(description="A service under load for long; exit code 1: something was wrong.")
    add = parser.add_argument
    add("--minutes", type=float, default=30, help="how long (30)")
    add("--requests", type=int, help="so many requests instead")
    add("--connections", type=int, default=64, help="clients that keep their connections (64)")
    add("--rude", type=int, default=2, help="clients that do not behave (2)")
    add("--threads", type=int, default=2, help="event loops, and as many workers (2)")
    add("--reload-every", type=float, default=5, metavar="SECONDS", help="0: never (5)")
    add("--replace-every", type=float, default=8, metavar="SECONDS", help="another process takes over; 0: never (8)")
    add("--replacements", type=int, default=2, help="at most so many; 0: as often as it is due (2)")
    add("--restart-every", type=float, default=0, metavar="SECONDS",
        help="two services behind a balancer, restarted in turn; 0: there is one (0)")
    add("--no-rss", dest="rss", action="store_false", help="memory may grow: a sanitizer keeps what is freed")
    add("--seed", type=int, default=int(time.time()), help="of what is drawn")
    options = parser.parse_args()
    if options.restart_every:
        options.replace_every = 0
    print(f"seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="embedd-soak-") as folder:
        faults = run(options, Path(folder))
    print("ok" if not faults else f"{len(faults)} faults, the first: {faults[0]}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
