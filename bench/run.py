#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `make bench` runs: measures the service side by side with libmicrohttpd's canned reply.

Prints a table and writes build/bench.json, a list of {name, value, unit, target, better}. Rounds are
interleaved (canned, ours, canned, ...) and ratios are taken within a round; the median is shown. How
each figure is measured: docs/BENCHMARKS.md. Needs wrk; everything runs on the loopback interface.
"""

import argparse
import contextlib
import csv
import ctypes
import datetime
import http.client
import importlib.util
import io
import json
import os
import platform
import random
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import classifier_baselines as baselines
import texts

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROGRAM = os.path.join(TOP, "build", "release", "embedd")
CANNED = os.path.join(TOP, "build", "release", "bench", "canned")
OPENLOAD = os.path.join(TOP, "build", "release", "bench", "openload")
TURNS = os.path.join(TOP, "build", "release", "bench", "turns")
POST_LUA = os.path.join(TOP, "bench", "post.lua")
SAMPLE = os.path.join(TOP, "tests", "data", "banking77", "sample.csv")
ROUTE = "/v1/embeddings"
DENSE_CELLS_MAX = 4194304  # the default of max-dense-cells
BATCH = 256
CONNECTION_MEMORY = 8192  # of libmicrohttpd, as the service sets it

CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, CLIENT_CORE = CORES[0], CORES[-1]
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)


# ---- texts, the same everywhere ----

WORDS = """
    a about above account across after again air all along also always an and animal another answer
    any are around as ask at away back be because been before began begin being below between big
    book both boy but by call came can car carry change children city close cold come could country
    cut day did different do does done door down draw during each early earth eat end enough even
    every eye face family far father feel feet few field find fire first fish five food for form
    found four from full gave get girl give go good great green ground group grow had half hand hard
    has have he head hear help her here high him his hold home horse hot house how hundred idea if
    important in into is island it its just keep kind king knew know land large last late learn
    leave left letter life light like line list listen little live long look love low made make man
    many map mark may me mean measure men might mile money moon more morning most mother mountain
    move much music must my name near need never new next night north not notice now number of off
    often old on once one only open or order other our out over own page paper part pass pattern
    people person picture piece place plain plan plant play point power problem product pull put
    question quick rain ran reach read red remember rest right river road rock room round rule run
    said same saw say school science sea second see seem sentence serve set several shape she ship
    short should show side simple since sing sit six size sky sleep slow small snow so some song soon
    sound south space special stand star start state stay step still stood stop story street strong
    such sun sure system table take talk teach tell ten than that the their them then there these
    they thing think this those thought thousand three through time to together told too took top
    toward town travel tree true turn two under unit until up upon us use usual very voice vowel wait
    walk want war warm was watch water way we week weight well went were west what wheel when where
    which while white who whole why will wind with wonder wood word work world would write year yes
    yet you young your banking breakfast bicycles commuters electricity forgotten happiness island
    kitchens laboratory mathematics neighbours orchestra photographs quietly restaurants telephone
    unbelievable vegetables windows yesterday
""".split()

def sentences(n, rng):
    return [" ".join(rng.choice(WORDS) for _ in range(12)) for _ in range(n)]


def write_lines(path, lines):
    with open(path, "w", encoding="utf-8") as out:
        out.writelines(line + "\n" for line in lines)


class Bodies:
    """Files of request bodies, one a line, and of plain texts."""

    def __init__(self, folder):
        rng = random.Random(1)
        small = sentences(1024, rng)
        batches = [sentences(BATCH, rng) for _ in range(32)]
        self.paths = {}
        for size, inputs in (("sentence", small), ("batch", batches)):
            for form in ("text", "base64"):
                extra = {"encoding_format": "base64"} if form == "base64" else {}
                path = os.path.join(folder, f"{size}-{form}.jsonl")
                write_lines(path, [json.dumps({"input": one, **extra}) for one in inputs])
                self.paths[size, form] = path
        self.english = os.path.join(folder, "english.txt")
        write_lines(self.english, texts.english(rng, 4000))
        self.chinese = os.path.join(folder, "chinese.txt")
        write_lines(self.chinese, texts.chinese(rng, 1000))

    def first(self, size, form):
        with open(self.paths[size, form], encoding="utf-8") as lines:
            return lines.readline().rstrip("\n")


# ---- programs under test ----


def prepare_child(core):
    def prepare():
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if core is not None:
            os.sched_setaffinity(0, {core})

    return prepare


@contextlib.contextmanager
def listening(command, core=None):
    """Runs a server until the block ends; yields (process, port)."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("EMBEDD_")}
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        preexec_fn=prepare_child(core),
    )
    try:
        line = process.stdout.readline()
        match = re.fullmatch(r"listening on http://[\d.]+:(\d+)\n", line)
        if not match:
            sys.exit(f"bench: {command[0]} did not start: {line!r}")
        yield process, int(match.group(1))
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def service(*options, core=None):
    quiet = ("--listen", "127.0.0.1:0", "--log-level", "warn")
    return listening([PROGRAM, "serve", *quiet, *options], core)


def client(command):
    """Runs a load generator on its own core and returns the JSON it prints last."""
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        text=True,
        timeout=180,
        check=True,
        preexec_fn=prepare_child(CLIENT_CORE),
    )
    return json.loads(done.stdout.splitlines()[-1])


def post(port, path, body):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        reply = connection.getresponse()
        data = reply.read()
        if reply.status != 200:
            sys.exit(f"bench: {path} answered {reply.status}: {data[:200]!r}")
        return reply.getheaders(), data
    finally:
        connection.close()


# ---- closed loops against the ceiling ----

CASES = (
    # size, form, connections, target: share of the canned reply's rate
    ("sentence", "text", 16, 0.50),
    ("sentence", "base64", 16, 0.65),
    ("batch", "text", 4, 0.25),
    ("batch", "base64", 4, 0.40),
)


def capture(port, bodies, folder):
    """The service's own replies as files for the canned server: the arguments it takes."""
    arguments = []
    for size, form, _, _ in CASES:
        headers, data = post(port, ROUTE, bodies.first(size, form))
        made_by_server = ("date", "content-length", "connection")
        names = os.path.join(folder, f"{size}-{form}.headers")
        write_lines(names, [f"{k}: {v}" for k, v in headers if k.lower() not in made_by_server])
        path = os.path.join(folder, f"{size}-{form}.reply")
        with open(path, "wb") as out:
            out.write(data)
        arguments += [names, path]
    return arguments


def cpu_seconds(pid):
    """User and system time of a process and its threads so far."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def machine_seconds():
    """CPU time that everything on the machine has used so far."""
    with open("/proc/stat", encoding="ascii") as stat:
        user, nice, system, _, _, irq, softirq, steal = map(int, stat.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


class OtherLoad:
    """What else runs on the machine, in cores, since this was made."""

    def __init__(self, pids):
        self.pids, self.own, self.begin = pids, self.own_seconds(pids), time.perf_counter()
        self.cpu = machine_seconds()

    @staticmethod
    def own_seconds(pids):
        return sum(os.times()[:4]) + sum(cpu_seconds(pid) for pid in pids)

    def cores(self):
        cpu, own = machine_seconds() - self.cpu, self.own_seconds(self.pids) - self.own
        return max(0.0, (cpu - own) / (time.perf_counter() - self.begin))


class Calm:
    """Repeats measurements, setting those aside during which other programs ran."""

    CORES_MAX = 0.1

    def __init__(self):
        self.taken = self.disturbed = 0
        self.patience_s = 60  # in all, for waiting and for measuring again

    def wait(self, pids):
        while self.patience_s > 0:
            load = OtherLoad(pids)
            time.sleep(0.2)
            if load.cores() < self.CORES_MAX:
                return
            self.patience_s -= 0.2

    def rounds(self, wanted, pids, measure):
        """`wanted` results of measure(number); disturbed ones only where calm ones are too few."""
        calm, disturbed = [], []
        for number in range(3 * wanted):
            self.wait(pids)
            load = OtherLoad(pids)
            result = measure(number)
            is_calm = load.cores() < self.CORES_MAX
            (calm if is_calm else disturbed).append(result)
            if not is_calm and number >= wanted:
                self.patience_s -= time.perf_counter() - load.begin
            is_enough = len(calm) + len(disturbed) >= wanted and self.patience_s <= 0
            if len(calm) == wanted or is_enough:
                break
        missing = wanted - len(calm)
        self.taken += wanted
        self.disturbed += missing
        return calm + disturbed[:missing]


def wrk(server, path, bodies, connections, seconds):
    """Requests a second, CPU µs a request, and how busy the server's core was (0..1)."""
    process, port = server
    url = f"http://127.0.0.1:{port}{path}"
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", POST_LUA, url, "--", bodies]
    cpu, begin = cpu_seconds(process.pid), time.perf_counter()
    result = client(command)
    cpu, elapsed = cpu_seconds(process.pid) - cpu, time.perf_counter() - begin
    if result["wrong_status"] or result["lost"]:
        sys.exit(f"bench: {url}: {result['wrong_status']} wrong answers, {result['lost']} lost")
    if result["late"]:
        print(f"bench: {url}: {result['late']} answers took more than 2 s", file=sys.stderr)
    return result["rate"], cpu * 1e6 / result["requests"], cpu / elapsed


def closed_loops(report, calm, bodies, folder, rounds, seconds):
    runs = {}
    with service("--threads", "1", "--workers", "1", core=SERVER_CORE) as ours:
        replies = capture(ours[1], bodies, folder)
        with listening([CANNED, str(CONNECTION_MEMORY), *replies], SERVER_CORE) as canned:
            pids = (ours[0].pid, canned[0].pid)
            for at, case in enumerate(CASES):
                size, form, connections, _ = case
                path = bodies.paths[size, form]

                def measure(_):
                    ceiling = wrk(canned, f"/{at}", path, connections, seconds)
                    return ceiling, wrk(ours, ROUTE, path, connections, seconds)

                runs[case] = calm.rounds(rounds, pids, measure)
        memory = read_memory(ours[0].pid)
    for (size, form, _, target), results in runs.items():
        ratio = statistics.median(ours[0] / canned[0] for canned, ours in results)
        report.add(f"{size}, {form}: embedd / canned reply", ratio, "ratio", target, "higher")
        for name, columns in zip(("canned reply", "embedd"), zip(*results)):
            rate, cpu_us, busy = (statistics.median(column) for column in zip(*columns))
            report.add(f"{size}, {form}: {name}", rate, "requests/s")
            report.add(f"{size}, {form}: {name}, CPU a request", cpu_us, "µs")
            report.add(f"{size}, {form}: {name}, core busy", busy, "share")
    report.add("resident memory above mapped pages, after the loops", memory, "MB", 16, "lower")


def read_memory(pid):
    """Anonymous memory of a process, in MB."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        kib = re.search(r"RssAnon:\s+(\d+) kB", status.read()).group(1)
    return int(kib) * 1024 / 1e6


# ---- other APIs for the same work ----

MODEL = "m"  # one model answers to every name
OIP = f"/v2/models/{MODEL}/infer"
GEMINI = f"/v1beta/models/{MODEL}"


def tensor(texts):
    return {
        "inputs": [{"name": "text", "datatype": "BYTES", "shape": [len(texts)], "data": texts}]
    }


def content(text):
    return {"model": f"models/{MODEL}", "content": {"parts": [{"text": text}]}}


def cohere(texts):
    return {"model": MODEL, "texts": texts, "input_type": "search_document"}


def cohere_typed(texts):
    return {**cohere(texts), "embedding_types": ["float"]}


# Path and body as clients send them, of a text and of a list of them; all reply lists of numbers.
DIALECTS = {
    "sentence": (
        ("/embed", lambda text: {"inputs": text}),
        ("/api/embed", lambda text: {"model": MODEL, "input": text}),
        ("/v2/embed", lambda text: cohere_typed([text])),
        ("/v1/embed", lambda text: cohere([text])),
        (f"{GEMINI}:embedContent", content),
        ("/vectors", lambda text: {"text": text}),
        (OIP, lambda text: tensor([text])),
        (f"/openai/deployments/{MODEL}/embeddings", lambda text: {"input": text}),
        ("/pooling", lambda text: {"model": MODEL, "input": text}),
    ),
    "batch": (
        ("/embed", lambda texts: {"inputs": texts}),
        ("/api/embed", lambda texts: {"model": MODEL, "input": texts}),
        ("/v2/embed", cohere_typed),
        ("/v1/embed", cohere),
        (f"{GEMINI}:batchEmbedContents", lambda texts: {"requests": [content(t) for t in texts]}),
        ("/vectors", lambda texts: {"texts": texts}),
        (OIP, tensor),
        (f"/openai/deployments/{MODEL}/embeddings", lambda texts: {"input": texts}),
        ("/pooling", lambda texts: {"model": MODEL, "input": texts}),
    ),
}
# Batches one by one: several replies held at once are more memory than the allocator keeps, and
# pages that come and go would be counted for whichever kind they hit.
CONNECTIONS = {"sentence": 16, "batch": 1}


def write_bodies(bodies, size, make, path):
    with open(bodies.paths[size, "text"], encoding="utf-8") as lines:
        write_lines(path, [json.dumps(make(json.loads(line)["input"])) for line in lines])
    return path


def in_turns(connections, seconds, kinds):
    """The server's µs a request of kinds (server, path, accept, bodies) that take short turns."""
    command = [TURNS, str(connections), str(seconds)]
    for (process, port), path, accept, bodies in kinds:
        command += [str(process.pid), str(port), path, accept, bodies]
    return client(command)


def dialects(report, bodies, folder, seconds):
    """Each API's rate to that of ROUTE."""
    with service("--threads", "1", "--workers", "1", core=SERVER_CORE) as ours:
        for size, cases in DIALECTS.items():
            kinds = [(ours, ROUTE, "*/*", bodies.paths[size, "text"])]
            for at, (path, make) in enumerate(cases):
                file = os.path.join(folder, f"{size}-{at}.jsonl")
                kinds.append((ours, path, "*/*", write_bodies(bodies, size, make, file)))
            own_us, *others_us = in_turns(CONNECTIONS[size], seconds * len(kinds), kinds)
            for (path, _), us in zip(cases, others_us):
                report.add(f"{size}: {path} / {ROUTE}", own_us / us, "ratio", 0.9, "higher")


def raw_bytes(report, bodies, seconds):
    """Vectors as bytes beside the same as base64."""
    with service("--threads", "1", "--workers", "1", core=SERVER_CORE) as ours:
        for size, target in (("sentence", 1), ("batch", 1.3)):
            kinds = (
                (ours, ROUTE, "*/*", bodies.paths[size, "base64"]),
                (ours, ROUTE, "application/octet-stream", bodies.paths[size, "text"]),
            )
            base64_us, raw_us = in_turns(CONNECTIONS[size], seconds * len(kinds), kinds)
            ratio = base64_us / raw_us
            report.add(f"{size}: raw bytes / base64", ratio, "ratio", target, "higher")


def route_lookups(report, rounds):
    found = client([os.path.join(TOP, "build", "release", "bench", "route"), str(10 * rounds)])
    for routes, ns in found.items():
        report.add(f"finding the first of {routes} routes", ns, "ns", None, "lower")
    few, all_of_them = found["18"], list(found.values())[2]
    report.add("finding the first of all routes / of 18", all_of_them / few, "ratio", 1.1, "lower")


# ---- small requests beside batches ----


def openload(port, bodies, rate, share, seconds, connections, seed=0):
    small, batch = bodies.paths["sentence", "text"], bodies.paths["batch", "text"]
    warmup = min(1, seconds / 2)
    command = [OPENLOAD, "--rate", rate, "--share", share, "--seconds", seconds]
    command += ["--warmup", warmup, "--connections", connections, "--seed", seed]
    result = client([str(part) for part in (*command, port, ROUTE, small, batch)])
    if result["status_200"] < result["done"]:
        sys.exit(f"bench: {result['done'] - result['status_200']} requests were refused")
    return result


def mixed_load(report, calm, bodies, rounds, seconds):
    """Latency of single sentences with and without batches beside them, at the same rate."""
    share = 0.1
    with service() as (process, port):
        pids = (process.pid,)

        def saturate(batches):
            rates = calm.rounds(3, pids, lambda _: openload(port, bodies, 0, batches, seconds, 32))
            return statistics.median(one["rate"] for one in rates)

        small_alone, saturation = saturate(0), saturate(share)
        rate = saturation / 2

        def measure(seed):
            alone = openload(port, bodies, rate * (1 - share), 0, seconds, 64, seed)
            return alone, openload(port, bodies, rate, share, seconds, 64, seed)

        results = calm.rounds(rounds, pids, measure)
    report.add("sentences alone: saturation", small_alone, "requests/s", better="higher")
    report.add("10 % batches: saturation", saturation, "requests/s", better="higher")
    ratio = statistics.median(m["small"]["p99_us"] / a["small"]["p99_us"] for a, m in results)
    report.add("p99 of a sentence: beside 10 % batches / alone", ratio, "ratio", 2, "lower")
    for name, column in zip(("alone", "10 % batches"), zip(*results)):
        for point in ("p50", "p99", "p999"):
            value = statistics.median(one["small"][f"{point}_us"] for one in column)
            report.add(f"{name}: {point} of a sentence at half of that", value, "µs", None, "lower")
        late = statistics.median(one["late"]["p99_us"] for one in column)
        report.add(f"{name}: p99 of how late the load itself was", late, "µs")


# ---- probes beside small requests with large replies ----


def probe(port, seconds):
    """Latencies of /health in µs, one every 2 ms, over one connection."""
    latencies = []
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            begin = time.perf_counter()
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: bench\r\n\r\n")
            connection.recv(4096)
            latencies.append((time.perf_counter() - begin) * 1e6)
            time.sleep(0.002)
    return latencies


def p90(latencies):
    return statistics.quantiles(latencies, n=10)[8]


def heavy_replies(report, calm, folder, rounds, seconds):
    """/health beside four clients that ask for dense one-hot rows: more than one reply may have (a
    small body of 300 tokens), and as many as it may."""
    with service() as (process, port):
        _, reply = post(port, "/v1/ids", json.dumps({"text": "eat"}))
        most = DENSE_CELLS_MAX // json.loads(reply)["vocab_size"]
        for name, tokens, target in (("too many", 300, 5), ("the most", most, None)):
            path = os.path.join(folder, "dense.jsonl")
            write_lines(path, [json.dumps({"ids": [1] * tokens, "format": "dense"})])
            load = ["wrk", "-t1", "-c4", f"-d{seconds + 1}s", "-s", POST_LUA]
            load += [f"http://127.0.0.1:{port}/v1/onehot", "--", path]

            def measure(_, load=load):
                alone = probe(port, seconds)
                with subprocess.Popen(
                    load, stdout=subprocess.PIPE, preexec_fn=prepare_child(CLIENT_CORE)
                ) as clients:
                    time.sleep(0.5)
                    beside = probe(port, seconds)
                    result = json.loads(clients.communicate()[0].splitlines()[-1])
                return alone, beside, result["rate"]

            results = calm.rounds(rounds, (process.pid,), measure)
            ratio = statistics.median(p90(beside) / p90(alone) for alone, beside, _ in results)
            what = f"p90 of /health: beside four of {name} dense rows / alone"
            report.add(what, ratio, "ratio", target, "lower")
            beside = statistics.median(p90(latencies) for _, latencies, _ in results)
            report.add(f"{name} dense rows: p90 of /health", beside, "µs", None, "lower")
            rate = statistics.median(rate for *_, rate in results)
            report.add(f"{name} dense rows: replies", rate, "requests/s", None, "higher")


# ---- how even the loops are ----


def count_sockets(pid):
    """Sockets that each epoll set of a process watches: {descriptor: count}."""
    counts = {}
    folder = f"/proc/{pid}/fd"
    kinds = {}
    for fd in os.listdir(folder):
        with contextlib.suppress(FileNotFoundError):
            kinds[fd] = os.readlink(os.path.join(folder, fd))
    for fd, kind in kinds.items():
        if kind != "anon_inode:[eventpoll]":
            continue
        with open(f"/proc/{pid}/fdinfo/{fd}", encoding="ascii") as info:
            watched = re.findall(r"^tfd:\s*(\d+)", info.read(), re.MULTILINE)
        counts[fd] = sum(kinds.get(one, "").startswith("socket:") for one in watched)
    return counts


def loop_shares(report, bodies):
    threads = max(2, len(CORES))
    body = bodies.first("sentence", "text")
    for wanted in (8, 64, 256):
        with service("--threads", str(threads)) as (process, port), contextlib.ExitStack() as stack:
            before = count_sockets(process.pid)
            for _ in range(wanted):
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
                stack.callback(connection.close)
                connection.request("POST", ROUTE, body, {"Content-Type": "application/json"})
                connection.getresponse().read()
            after = count_sockets(process.pid)
            shares = sorted((after[fd] - before.get(fd, 0) for fd in after), reverse=True)[:threads]
            if sum(shares) != wanted:
                sys.exit(f"bench: {wanted} connections, but the loops hold {shares}")
            ratio = shares[0] / (wanted / threads)
            name = f"{wanted} connections on {threads} loops: fullest / mean"
            report.add(name, ratio, "ratio", 1.5, "lower")


# ---- classifiers ----

PLAIN_LABELS = 77
TRAINED_ROWS = 40000  # some tens of seconds
TRAINING_SHARE = 10  # of saturation: a load that is there all the time, not the most there can be
DIMENSIONS = 256  # of the built-in model
REPEATS = 125  # of the sample's 400 texts, for programs; scikit-learn gets a tenth of them


class Sample:
    """Labelled texts, and files of them: as lines, as fastText's lines, as request bodies."""

    def __init__(self, folder):
        with open(SAMPLE, newline="", encoding="utf-8") as file:
            self.rows = [(row["text"], row["category"]) for row in csv.DictReader(file)]
        self.folder = folder
        texts = [text for text, _ in self.rows]
        self.texts = texts * REPEATS
        for name, chosen in (("one", texts[:1]), ("all", self.texts)):
            write_lines(self.path(f"{name}.txt"), chosen)
            baselines.write_fasttext_texts(self.path(f"{name}.fasttext"), chosen)
        bodies = {
            "embeddings": [{"input": text, "encoding_format": "base64"} for text in texts],
            "classify": [{"text": text, "top_k": 1} for text in texts],
        }
        for name, objects in bodies.items():
            write_lines(self.path(f"{name}.jsonl"), [json.dumps(one) for one in objects])

    def path(self, name):
        return os.path.join(self.folder, "sample-" + name)


def run_quietly(command, core=None):
    """Seconds that a program took."""
    begin = time.perf_counter()
    prepare = prepare_child(core)
    subprocess.run(command, stdout=subprocess.DEVNULL, timeout=180, check=True, preexec_fn=prepare)
    return time.perf_counter() - begin


def train_sample(sample):
    """A model folder."""
    folder = sample.path("model")
    columns = ("--text", "text", "--label", "category")
    run_quietly([PROGRAM, "train", "--input", SAMPLE, "--output", folder, *columns])
    return folder


def write_plain_head(path):
    """A head of random numbers for the built-in model."""
    rng = random.Random(1)
    head = {
        "labels": [f"intent-{i}" for i in range(PLAIN_LABELS)],
        "weight": [[rng.gauss(0, 1) for _ in range(DIMENSIONS)] for _ in range(PLAIN_LABELS)],
        "bias": [0] * PLAIN_LABELS,
    }
    with open(path, "w", encoding="utf-8") as out:
        json.dump(head, out)


def program_rate(command, sample, form, core=CLIENT_CORE):
    """Texts a second of a program that gets a file of texts, without its start and end."""
    few = run_quietly([*command, sample.path(f"one.{form}")], core)
    many = run_quietly([*command, sample.path(f"all.{form}")], core)
    return (len(sample.texts) - 1) / (many - few)


def sklearn_rate(features, machine, texts):
    begin = time.perf_counter()
    machine.predict(features.transform(texts))
    return len(texts) / (time.perf_counter() - begin)


def other_classifiers(report, sample):
    """What there is, trained on the sample: (name, function that gives texts a second, target)."""
    found = []
    if baselines.has_fasttext():
        train_file = sample.path("train.fasttext")
        baselines.write_fasttext(train_file, sample.rows)
        for name, n_words in (("words", 1), ("words and pairs", 2)):
            model = sample.path(f"fasttext-{n_words}")
            run_quietly(baselines.fasttext_training(train_file, model, (1, 25, n_words), 2))
            command = [baselines.FASTTEXT, "predict", model + ".bin"]

            def measure(command=command):
                return program_rate(command, sample, "fasttext")

            found.append((f"fastText, {name}", measure, 1))
    else:
        report.skip("fastText", "the program fasttext is not installed")
    if importlib.util.find_spec("sklearn"):
        texts, labels = zip(*sample.rows)
        features = baselines.tfidf("en")
        machine = baselines.support_vectors(1).fit(features.fit_transform(texts), labels)
        some = sample.texts[: len(sample.texts) // 10]
        found.append(("scikit-learn", lambda: sklearn_rate(features, machine, some), 10))
    else:
        report.skip("scikit-learn", "this Python does not have it")
    return found


def classify_texts(report, calm, sample, model, rounds):
    """Texts a second of the programs: on one core each, and as they are (ours takes all cores)."""
    others = other_classifiers(report, sample)
    command = [PROGRAM, "classify", "--model", model, "--top-k", "1"]

    def measure(_):
        rates = program_rate(command, sample, "txt"), program_rate(command, sample, "txt", None)
        return rates, [rate() for _, rate, _ in others]

    results = calm.rounds(rounds, (), measure)
    for at, cores in enumerate(("one core", "all cores")):
        ours = statistics.median(rates[at] for rates, _ in results)
        report.add(f"texts a second: embedd classify, {cores}", ours, "texts/s", better="higher")
    for at, (name, _, target) in enumerate(others):
        rate = statistics.median(rates[at] for _, rates in results)
        report.add(f"texts a second: {name}", rate, "texts/s")
        for which, cores in enumerate(("one core", "all cores")):
            ratio = statistics.median(ours[which] / theirs[at] for ours, theirs in results)
            report.add(f"texts a second: embedd, {cores} / {name}", ratio, "ratio", target, "higher")


def classify_requests(report, calm, sample, model, rounds, seconds):
    """Time of a request for a label beside that of a request for a vector of the built-in model."""
    heads = sample.path("plain.json")
    write_plain_head(heads)
    one_loop = ("--threads", "1", "--workers", "1")
    bodies = {name: sample.path(f"{name}.jsonl") for name in ("embeddings", "classify")}
    with contextlib.ExitStack() as stack:
        plain = stack.enter_context(service(*one_loop, "--heads", heads, core=SERVER_CORE))
        trained = stack.enter_context(service(*one_loop, "--model", model, core=SERVER_CORE))
        cases = (
            ("embedding", plain, ROUTE, bodies["embeddings"]),
            (f"plain head of {PLAIN_LABELS}", plain, "/v1/classify", bodies["classify"]),
            ("trained head", trained, "/v1/classify", bodies["classify"]),
        )

        def measure(_):
            return [wrk(*case[1:], 16, seconds) for case in cases]

        results = calm.rounds(rounds, (plain[0].pid, trained[0].pid), measure)
    for at, target in ((1, 1.1), (2, 2)):
        ratio = statistics.median(round_[0][0] / round_[at][0] for round_ in results)
        name = f"time of a request: {cases[at][0]} / embedding"
        report.add(name, ratio, "ratio", target, "lower")
    for (name, *_), column in zip(cases, zip(*results)):
        rate, cpu_us, busy = (statistics.median(values) for values in zip(*column))
        report.add(f"one text: {name}", rate, "requests/s")
        report.add(f"one text: {name}, CPU a request", cpu_us, "µs")
        report.add(f"one text: {name}, core busy", busy, "share")


def classifiers(report, calm, folder, rounds):
    sample = Sample(folder)
    model = train_sample(sample)
    classify_texts(report, calm, sample, model, rounds)
    classify_requests(report, calm, sample, model, rounds, 1)


# ---- sentences while a classifier is trained ----


def ask_json(port, method, path, body=None, content_type="application/json"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body, {"Content-Type": content_type} if body else {})
        reply = connection.getresponse()
        data = reply.read()
        if reply.status != 200:
            sys.exit(f"bench: {method} {path} answered {reply.status}: {data[:200]!r}")
        return json.loads(data)
    finally:
        connection.close()


def upload_rows(port):
    """Rows that take longer to train on than a measurement takes; the id of the file."""
    with open(SAMPLE, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("text", "label"))
    for i in range(TRAINED_ROWS):
        row = rows[i % len(rows)]
        writer.writerow((f"{row['text']} {i} {i * 7919 % TRAINED_ROWS}", row["category"]))
    mark = "embedd-bench"
    head = ('Content-Disposition: form-data; name="purpose"\r\n\r\nfine-tune',
            'Content-Disposition: form-data; name="file"; filename="rows.csv"\r\n\r\n'
            + text.getvalue())
    body = "".join(f"--{mark}\r\n{part}\r\n" for part in head) + f"--{mark}--\r\n"
    kind = f"multipart/form-data; boundary={mark}"
    return ask_json(port, "POST", "/v1/files", body.encode(), kind)["id"]


def start_training(port, file):
    wanted = {"training_file": file, "model": "embedd-base-2"}
    job = ask_json(port, "POST", "/v1/fine_tuning/jobs", json.dumps(wanted))["id"]
    path = f"/v1/fine_tuning/jobs/{job}"
    while ask_json(port, "GET", path)["status"] in ("validating_files", "queued"):
        time.sleep(0.05)
    return path


def beside_training(report, bodies, rounds, seconds):
    """Latency of single sentences with and without a training beside them, at the same rate."""
    results = []
    with tempfile.TemporaryDirectory(prefix="embedd-bench-data-") as data:
        with service("--data-dir", data) as (_, port):
            rate = openload(port, bodies, 0, 0, seconds, 32)["rate"] / TRAINING_SHARE
            file = upload_rows(port)
            for seed in range(rounds):
                alone = openload(port, bodies, rate, 0, seconds, 64, seed)
                path = start_training(port, file)
                beside = openload(port, bodies, rate, 0, seconds, 64, seed)
                state = ask_json(port, "GET", path)["status"]
                if state != "running":
                    sys.exit(f"bench: the training was {state} before the measurement ended")
                ask_json(port, "POST", path + "/cancel")
                results.append((alone, beside))
    ratio = statistics.median(b["small"]["p99_us"] / a["small"]["p99_us"] for a, b in results)
    report.add("p99 of a sentence: beside a training / alone", ratio, "ratio", 2, "lower")
    for name, column in zip(("alone", "beside a training"), zip(*results)):
        for point in ("p50", "p99"):
            value = statistics.median(one["small"][f"{point}_us"] for one in column)
            report.add(f"{name}: {point} of a sentence at a tenth of saturation", value, "µs",
                       None, "lower")
        late = statistics.median(one["late"]["p99_us"] for one in column)
        report.add(f"{name}: p99 of how late the load itself was", late, "µs")


# ---- start, memory, library ----


def start_once(body):
    """Milliseconds from starting the process to its first answer; memory right after, in MB."""
    begin = time.perf_counter()
    with service() as (process, port):
        post(port, ROUTE, body)
        taken = (time.perf_counter() - begin) * 1000
        return taken, read_memory(process.pid)


def starts(report, bodies, times):
    body = bodies.first("sentence", "text")
    taken, memory = zip(*(start_once(body) for _ in range(times)))
    report.add("process start to first answer", statistics.median(taken), "ms", 15, "lower")
    value = statistics.median(memory)
    report.add("resident memory above mapped pages, after a request", value, "MB", 16, "lower")


def registry(report, rounds, seconds):
    """What each request pays for having a model that may be swapped; two threads take both cores."""
    program = os.path.join(TOP, "build", "release", "bench", "registry")
    model = os.path.join(TOP, "examples", "chain", "w6x2")
    runs = []
    for _ in range(rounds):
        done = subprocess.run([program, model, str(seconds)], stdout=subprocess.PIPE, check=True)
        runs.append(json.loads(done.stdout))
    for key, name in (("one_thread_ns", "1 thread"), ("two_threads_ns", "2 threads")):
        value = statistics.median(run[key] for run in runs)
        report.add(f"borrow a model and give it back: {name}", value, "ns", 100, "lower")


def library(report, bodies, rounds):
    for name, path in (("14 English words", bodies.english), ("200 Chinese characters", bodies.chinese)):
        result = client([PROGRAM, "bench", "--format", "json", "--rounds", str(rounds), path])
        tokens = result["tokens"] / result["texts"]
        report.add(f"{name}: tokens", tokens, "tokens")
        for part, value in result["us_per_text"].items():
            report.add(f"{name}: {part}", value, "µs", None, "lower")


def tokenizers(report, seconds):
    """In a process of its own: the library is in the tests' environment."""
    python = os.path.join(TOP, "build", "venv", "bin", "python")
    if not os.path.exists(python):
        report.skip("tokenizers", "build/venv is not there: make build/venv/ready")
        return
    for figure in client([python, os.path.join(TOP, "bench", "tokenizers.py"), str(seconds)]):
        report.add(*figure)


RUST_BUILDS = (
    # name, profile in Cargo.toml, flags
    ("model2vec-rs", "release", ""),
    ("model2vec-rs, tuned", "tuned", "-C target-cpu=native"),
)


def build_rust(cargo, profile, flags):
    """The folder of the programs of bench/model2vec_rs, or None and why not."""
    manifest = os.path.join(TOP, "bench", "model2vec_rs", "Cargo.toml")
    target = os.path.join(TOP, "build", "model2vec", "rust")
    where = ["--manifest-path", manifest, "--target-dir", target]
    done = subprocess.run(
        [cargo, "build", "--quiet", "--locked", "--profile", profile, *where],
        env={**os.environ, "RUSTFLAGS": flags},
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        first_line = (done.stderr.splitlines() or ["cargo failed"])[0]
        return None, f"it does not build: {first_line}"
    return os.path.join(target, profile), None


def rust_programs(report, which, builds):
    """NAME=PROGRAM of each build of that program."""
    cargo = shutil.which("cargo")
    programs = []
    for name, profile, flags in builds:
        no_cargo = (None, "cargo is not installed")
        folder, why_not = build_rust(cargo, profile, flags) if cargo else no_cargo
        if folder:
            programs.append(f"{name}={os.path.join(folder, which)}")
        else:
            report.skip(name, why_not)
    return programs


def encoders(report, rounds):
    """In a process of its own, as the tokenizers."""
    python = os.path.join(TOP, "build", "model2vec", "venv", "bin", "python")
    if not os.path.exists(python):
        report.skip("encoders", "model2vec is not there: make build/model2vec/venv/ready")
        return
    program = os.path.join(TOP, "bench", "encoders.py")
    others = rust_programs(report, "encode", RUST_BUILDS)
    for figure in client([python, program, str(rounds), *others]):
        report.add(*figure)


def corpora(report, rounds, n):
    """With model2vec where it is there; in a process of its own, on all cores."""
    python = os.path.join(TOP, "build", "model2vec", "venv", "bin", "python")
    if not os.path.exists(python):
        report.skip("whole files beside model2vec", "it is not there: make build/model2vec/venv/ready")
        python = sys.executable
    command = [python, os.path.join(TOP, "bench", "corpora.py"), str(rounds), str(n)]
    done = subprocess.run(command, stdout=subprocess.PIPE, timeout=900, check=True)
    for figure in json.loads(done.stdout):
        report.add(*figure)


def opening(report, rounds):
    program = os.path.join(TOP, "bench", "opening.py")
    others = rust_programs(report, "open", RUST_BUILDS[:1])
    for figure in client([sys.executable, program, str(rounds), *others]):
        report.add(*figure)


def overload(report, seconds):
    """Not by client(): what a core is given to is part of it."""
    program = os.path.join(TOP, "bench", "overload.py")
    command = [sys.executable, program, str(seconds)]
    done = subprocess.run(command, stdout=subprocess.PIPE, timeout=300, check=True)
    for figure in json.loads(done.stdout):
        report.add(*figure)


# ---- the report ----


class Report:
    def __init__(self):
        self.figures, self.skipped = [], []

    def skip(self, what, why):
        self.skipped.append(f"skipped: {what}, as {why}")

    def add(self, name, value, unit, target=None, better=None):
        figure = {"name": name, "value": value, "unit": unit, "target": target, "better": better}
        self.figures.append(figure)
        print(self.line(figure), flush=True)

    @staticmethod
    def line(figure):
        value, target = figure["value"], figure["target"]
        text = f"{value:,.0f}" if value >= 1000 else f"{value:.3g}" if value < 100 else f"{value:.0f}"
        verdict = ""
        if target is not None:
            higher = figure["better"] == "higher"
            met = value >= target if higher else value <= target
            verdict = f"{'≥' if higher else '≤'} {target:g} {'met' if met else 'MISSED'}"
        return f"| {figure['name']:<58} | {text:>9} | {figure['unit']:<10} | {verdict:<14} |"

    def header(self):
        with open("/proc/cpuinfo", encoding="utf-8") as info:
            model = re.search(r"^model name\s*:\s*(.*)$", info.read(), re.MULTILINE)
        print(
            f"{datetime.date.today()}, {model.group(1) if model else platform.machine()}, "
            f"{len(CORES)} cores, Linux {platform.release()}\n"
        )
        print(f"| {'what':<58} | {'figure':>9} | {'unit':<10} | {'target':<14} |")
        print(f"| {'-' * 58} | {'-' * 8}: | {'-' * 10} | {'-' * 14} |", flush=True)


PARTS = (
    "closed dialects bytes routes mixed overload heavy shares classify training starts opening "
    "registry library tokenizers encoders corpora"
).split()


def main():
    parser = argparse.ArgumentParser(description="measures embedd; see docs/BENCHMARKS.md")
    parser.add_argument("--quick", action="store_true", help="a short run, to see that it works")
    parser.add_argument("--only", choices=PARTS, action="append", help="this part (may come twice)")
    parser.add_argument("--rounds", type=int, help="instead of 9, or 1 with --quick")
    parser.add_argument("--output", default=os.path.join(TOP, "build", "bench.json"))
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    rounds, seconds = (1, 1) if options.quick else (9, 2)
    wanted = options.only or PARTS
    rounds = options.rounds or rounds
    report, calm = Report(), Calm()
    report.header()
    with tempfile.TemporaryDirectory(prefix="embedd-bench-") as folder:
        bodies = Bodies(folder)
        if "closed" in wanted:
            closed_loops(report, calm, bodies, folder, rounds, seconds)
        if "dialects" in wanted:
            dialects(report, bodies, folder, rounds / 3)
        if "bytes" in wanted:
            raw_bytes(report, bodies, rounds / 3)
        if "routes" in wanted:
            route_lookups(report, rounds)
        if "mixed" in wanted:
            mixed_load(report, calm, bodies, rounds, seconds)
        if "overload" in wanted:
            overload(report, seconds)
        if "heavy" in wanted:
            heavy_replies(report, calm, folder, rounds, seconds)
        if "shares" in wanted:
            loop_shares(report, bodies)
        if "classify" in wanted:
            classifiers(report, calm, folder, rounds)
        if "training" in wanted:
            beside_training(report, bodies, rounds, seconds)
        if "starts" in wanted:
            starts(report, bodies, 5 if options.quick else 25)
        if "opening" in wanted:
            opening(report, rounds)
        if "registry" in wanted:
            registry(report, rounds, 0.2 if options.quick else 1)
        if "library" in wanted:
            library(report, bodies, 5 if options.quick else 51)
        if "tokenizers" in wanted:
            tokenizers(report, 0.2 if options.quick else 1)
        if "encoders" in wanted:
            encoders(report, rounds)
        if "corpora" in wanted:
            corpora(report, rounds, 50000 if options.quick else 1000000)
    if report.skipped:
        print("", *report.skipped, sep="\n")
    if calm.disturbed:
        print(f"\nOther programs ran during {calm.disturbed} of {calm.taken} rounds.")
    with open(options.output, "w", encoding="utf-8") as out:
        json.dump(report.figures, out, ensure_ascii=False, indent=1)
        out.write("\n")


if __name__ == "__main__":
    main()
