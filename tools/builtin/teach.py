# SPDX-License-Identifier: Apache-2.0
"""The teachers' vectors of the lines that the built-in model's second edition learns from. What was made is
kept (shards.py): a run that was stopped goes on where it was, one with other lines makes only
what is new.

usage: teach.py --data FOLDER [--work build/builtin] [--tokenizer build/builtin/tokenizer]
                [--vectors WORK/vectors-2] [--steps bge-en,bge-zh,...]
                [--share F] [--minutes N] [--cores N] [--seed N] [--quick]

The steps, one a teacher, of the lines of lines.py: bge-en (bge-small-en-v1.5) of all English ones, bge-zh
(bge-small-zh-v1.5) of all Chinese ones, minilm (all-MiniLM-L6-v2) of some English ones, e5
(multilingual-e5-small) of some Chinese ones. --share 0.2: a fifth of what these take of the
corpora; a later run with more goes on from there. --minutes: stop between two files after
so many, with status 3 if any line is left. --quick: few lines, to see that every step works.
"""

import argparse
import os
import sys
import time
from pathlib import Path

import fetch
import shards
from bge import Bge
from encoder import MiniLM, MultilingualE5
from encoder8 import Encoder8
from lines import plan
from rows import Rows

SHARD = 16_384
QUICK_SHARD = 512
WIDTH = {"bge-en": 384, "bge-zh": 512, "minilm": 384, "e5": 384}
STARTED = time.time()


def say(what):
    print(f"{time.time() - STARTED:7.0f} s  {time.process_time():7.0f} s of CPU  {what}", flush=True)


def taught(lines):
    """{step: its lines, in the order in which they are taught}."""
    return {
        "bge-en": [en for en, _ in lines.pairs] + lines.english_words + [e for e, _ in lines.english_edits] +
                  [en for en, _ in lines.translations] + lines.english,
        "bge-zh": [zh for _, zh in lines.pairs] + lines.chinese_words + [e for e, _ in lines.chinese_edits] +
                  lines.chinese,
        "minilm": lines.minilm,
        "e5": lines.e5,
    }


def teacher(step, options):
    packages = options.work / "packages"
    if step.startswith("bge-"):
        language = step.removeprefix("bge-")
        return Bge(fetch.bge(packages, language), language)
    return MultilingualE5() if step == "e5" else MiniLM()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--work", default=Path("build/builtin"), type=Path)
    parser.add_argument("--vectors", type=Path, help="WORK/vectors-2, with --quick WORK/quick/vectors-2")
    parser.add_argument("--tokenizer", default=Path("build/builtin/tokenizer"), type=Path)
    parser.add_argument("--steps", default=",".join(WIDTH))
    parser.add_argument("--share", type=float, default=1)
    parser.add_argument("--minutes", type=float, default=float("inf"))
    parser.add_argument("--cores", type=int, default=os.cpu_count())
    parser.add_argument("--seed", default=1, type=int)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    steps = options.steps.split(",")
    if set(steps) - set(WIDTH):
        parser.error(f"--steps takes {', '.join(WIDTH)}, not '{options.steps}'")
    kept = options.vectors or options.work / ("quick/vectors-2" if options.quick else "vectors-2")

    lines, left = taught(plan(options, Rows(options.tokenizer), say)), 0
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
