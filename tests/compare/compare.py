# SPDX-License-Identifier: Apache-2.0
"""Runs two programs side by side and prints every difference: replies of services, outputs of commands,
files that they write, to the byte.

    compare.py OLD NEW [--only PATTERN] [--recorded FILE] [--jobs N] [--quick] [--list]

Exit status 0: no difference; 1: some; 2: the comparison itself could not be done.
"""

import argparse
import collections
import multiprocessing
import os
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import broken  # noqa: E402
import commands  # noqa: E402
import questions  # noqa: E402
import recorded  # noqa: E402
from both import Service, compare_command, compare_service  # noqa: E402

COMMANDS_A_JOB = 60
NAMES_SHOWN = 3


def jobs_of(quick, only, record):
    """What there is to do: services, and lists of commands."""
    jobs = []
    record = recorded.load(record) if record and not quick else {"runs": [], "services": [], "contents": {}}
    services = questions.services(list(broken.requests_of_unit_tests()), list(broken.bytes_of_unit_tests()), quick)
    for service in (*services, *recorded.services(record)):
        service.asked = [one for one in service.asked if only.search(f"{service.name}: {one.name}")]
        if service.asked:
            jobs.append(service)
    chosen = [command for command in (*commands.commands(quick), *broken.commands(quick), *recorded.commands(record)) if only.search(command.name)]
    jobs += [chosen[i:i + COMMANDS_A_JOB] for i in range(0, len(chosen), COMMANDS_A_JOB)]
    return jobs


def do_job(programs, job, folder):
    """(how many cases, [(name, differences)] of those that differ)."""
    if isinstance(job, Service):
        found = list(compare_service(programs, job, folder))
    else:
        found = [(command.name, compare_command(programs, command, folder)) for command in job]
    return len(found), [one for one in found if one[1]]


class Worker:
    """Does jobs by number, in a folder of its own. The jobs come by fork, since they are large."""

    jobs, programs, top = [], [], None

    @classmethod
    def do(cls, number):
        folder = cls.top / f"w{os.getpid()}"
        folder.mkdir(exist_ok=True)
        count, found = do_job(cls.programs, cls.jobs[number], folder)
        hidden = str(folder)
        return count, [(name, [text.replace(hidden, "HERE") for text in texts]) for name, texts in found]


def print_groups(found):
    """Cases that differ in the same way, numbers and what is quoted apart, are one group; the first one's texts
    stand for all."""
    groups = collections.defaultdict(list)
    for name, texts in found:
        groups[re.sub(r"'[^'\n]*'|\d+", "0", "\n".join(texts))].append((name, "\n".join(texts)))
    for cases in sorted(groups.values(), key=len, reverse=True):
        names, text = [name for name, _ in cases], cases[0][1]
        print(f"\n{len(names)} case{'s' * (len(names) > 1)}:")
        for name in names[:NAMES_SHOWN]:
            print(f"    {name}")
        if len(names) > NAMES_SHOWN:
            print(f"    … and {len(names) - NAMES_SHOWN} more")
        print(text)
    return len(groups)


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--only", type=re.compile, default=re.compile(""), help="cases whose name this regular expression finds")
    parser.add_argument("--recorded", type=Path, metavar="FILE", help="also what record.py wrote down")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--quick", action="store_true", help="a few cases of every kind")
    parser.add_argument("--list", action="store_true", help="only the names of the cases")
    return parser.parse_args()


def main():
    sys.stdout.reconfigure(errors="backslashreplace")  # names hold what is tried
    options = parse()
    for program in (options.old, options.new):
        if not os.access(program, os.X_OK):
            print(f"{program} is no program", file=sys.stderr)
            return 2
    jobs = jobs_of(options.quick, options.only, options.recorded)
    if options.list:
        for job in jobs:
            for case in job.asked if isinstance(job, Service) else job:
                print(f"{job.name}: {case.name}" if isinstance(job, Service) else case.name)
        return 0
    began = time.monotonic()
    Worker.jobs = jobs
    count, found = 0, []
    with tempfile.TemporaryDirectory(prefix="embedd-compare-") as top:
        Worker.top = Path(top)
        # Copies: a build under way must not change what is compared.
        Worker.programs = [shutil.copy(program, Worker.top / name) for name, program in (("old", options.old), ("new", options.new))]
        # The long ones first, so that none is left over at the end.
        order = sorted(range(len(jobs)), key=lambda i: not isinstance(jobs[i], Service))
        with multiprocessing.get_context("fork").Pool(options.jobs) as pool:
            for done, (cases, different) in enumerate(pool.imap_unordered(Worker.do, order), 1):
                count += cases
                found += different
                if sys.stderr.isatty():
                    print(f"\r{done} of {len(jobs)} jobs, {count} cases, {len(found)} differ ", end="", file=sys.stderr)
    if not count:
        print("no case was compared", file=sys.stderr)
        return 2
    groups = print_groups(sorted(found))
    took = time.monotonic() - began
    if found:
        print(f"\n{len(found)} of {count} cases differ, in {groups} ways ({took:.0f} s)")
    else:
        print(f"{count} cases compared, no difference ({took:.0f} s)")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
