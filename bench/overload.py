#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures what the service does with more than it can do, and prints the figures as JSON.

usage: bench/overload.py SECONDS

The default settings on the loopback interface. A closed loop finds what the service can do; requests then come by
themselves, 0.95 times as many and 3 times as many. docs/BENCHMARKS.md.
"""
import json
import resource
import subprocess
import sys
import tempfile
from typing import NamedTuple

import run

MIXES = (("sentences", 0), ("10 % batches", 0.1), ("batches", 1))
PLACES = (("a core each", run.SERVER_CORE, run.CLIENT_CORE), ("shared cores", None, None))
CLOSED_CONNECTIONS = 32
OPEN_CONNECTIONS = 4096
WARM_UP_S = 1.5  # longer than a burst may wait, which is max-wait
OTHER_FILES = 64  # that a program with so many connections has open
SATURATED, OVERLOADED = 0.95, 3
GOODPUT_SHARE, LATENCY_RATIO, REFUSAL_MS = 0.8, 3, 1


class Case(NamedTuple):
    """A server, and who asks it for what."""

    port: int
    core: int | None
    share: float
    bodies: run.Bodies
    seconds: float

    def load(self, rate, connections):
        """What openload saw. Who finds no connection does not wait for one."""
        options = {"rate": rate, "share": self.share, "connections": connections, "max-queue": 0}
        options |= {"seconds": self.seconds, "warmup": WARM_UP_S, "batch-texts": run.BATCH}
        files = [self.bodies.paths[size, "text"] for size in ("sentence", "batch")]
        command = [run.OPENLOAD, *(part for name, value in options.items() for part in (f"--{name}", value))]
        command += [self.port, run.ROUTE, *files]
        done = subprocess.run(
            [str(part) for part in command],
            stdout=subprocess.PIPE,
            timeout=60,
            check=True,
            preexec_fn=run.prepare_child(self.core),
        )
        return json.loads(done.stdout)


def open_files():
    """Raises the limit of open files where it may be; how many connections there can be."""
    limit, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(OPEN_CONNECTIONS + OTHER_FILES, most)
    if limit < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
    return min(OPEN_CONNECTIONS, wanted - OTHER_FILES)


def ms(loads, kind):
    return [load[kind]["p99_us"] / 1000 for load in loads]


def latencies(saturated, overloaded):
    """Those of accepted requests at both rates, where there were any, and of refused ones."""
    figures = []
    for kind, name in (("small", "sentence"), ("batch", "batch")):
        if min(saturated[kind]["n"], overloaded[kind]["n"]) == 0:
            continue
        before, beyond = ms((saturated, overloaded), kind)
        figures.append((f"p99 of a {name} at {SATURATED}", before, "ms", None, "lower"))
        figures.append((f"p99 of a {name} at {OVERLOADED}", beyond, "ms", None, "lower"))
        what = f"p99 of a {name}, {OVERLOADED} / {SATURATED}"
        figures.append((what, beyond / before, "ratio", LATENCY_RATIO, "lower"))
    if overloaded["refused"]["n"] > 0:
        sent, read = (overloaded[kind]["p99_us"] / 1000 for kind in ("refused", "refused_read"))
        figures.append(("p99 of a refusal", sent, "ms", REFUSAL_MS, "lower"))
        figures.append(("p99 of a refusal, until it was read", read, "ms", None, "lower"))
    return figures


def goodput(closed, overloaded, is_mixed):
    """What is answered with 200, against the closed loop; one of a mix may be had at the cost of the other."""
    figures = []
    for what, unit in (("rate", "requests"), ("texts_rate", "texts"))[: 2 if is_mixed else 1]:
        before, beyond = closed[what], overloaded[what]
        figures.append((f"saturation, {unit}", before, f"{unit}/s", None, "higher"))
        figures.append((f"goodput at {OVERLOADED}, {unit}", beyond, f"{unit}/s", None, "higher"))
        name = f"goodput at {OVERLOADED} / saturation, {unit}"
        figures.append((name, beyond / before, "ratio", GOODPUT_SHARE, "higher"))
    for kind, name in (("small", "sentences"), ("batch", "batches"))[: 2 if is_mixed else 0]:
        share = overloaded[kind]["rate"] / closed[kind]["rate"]
        figures.append((f"{name} at {OVERLOADED} / saturation", share, "ratio", None, "higher"))
    refused = overloaded["refused"]["rate"] / overloaded["sent_rate"]
    figures.append((f"refused at {OVERLOADED}", refused, "share", None, None))
    times = overloaded["sent_rate"] / closed["rate"]
    figures.append((f"really sent at {OVERLOADED}", times, "times", None, None))
    return figures


def measure(case, connections):
    closed = case.load(0, CLOSED_CONNECTIONS)
    saturated, overloaded = (case.load(closed["rate"] * times, connections) for times in (SATURATED, OVERLOADED))
    late, beyond = ms((saturated, overloaded), "late")
    figures = goodput(closed, overloaded, 0 < case.share < 1) + latencies(saturated, overloaded)
    figures.append((f"p99 of how late the load itself was at {SATURATED}", late, "ms", None, None))
    figures.append((f"p99 of how late the load itself was at {OVERLOADED}", beyond, "ms", None, None))
    return figures


def main():
    seconds = float(sys.argv[1])
    connections = open_files()
    figures = []
    with tempfile.TemporaryDirectory(prefix="embedd-bench-") as folder:
        bodies = run.Bodies(folder)
        for place, server_core, client_core in PLACES:
            for mix, share in MIXES:
                with run.service(core=server_core) as (process, port):
                    others = run.OtherLoad([process.pid])
                    case = Case(port, client_core, share, bodies, seconds)
                    found = measure(case, connections)
                    found.append(("other programs", others.cores(), "cores", None, None))
                figures += [(f"{mix}, {place}: {name}", *rest) for name, *rest in found]
    json.dump(figures, sys.stdout)
    print()


if __name__ == "__main__":
    main()
