# SPDX-License-Identifier: Apache-2.0
"""How good the built-in model's vectors are, and the classifiers that `embedd train` makes of it,
from the program's own output, beside baselines.

usage: quality.py [--program FILE] [--data FOLDER] [--dev] [--no-baselines]

Prints a table and writes build/bench-quality.json: a list of {name, value, unit, target, better}.
Without the data folder (docs/MODEL.md tells where each set comes from) there is nothing to measure.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

TOP = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOP / "tools" / "builtin"))
import baselines  # noqa: E402
import classifiers  # noqa: E402
import sets  # noqa: E402
from report import Report, has_data  # noqa: E402

DIMS = (256, 128, 64)


def program_embedder(program):
    def embed(texts):
        found = sets.ask_program(program, texts, "embed", "--format", "f32")
        return np.frombuffer(found, np.float32).reshape(len(texts), -1)
    return embed


def unknown_share(program, texts):
    """The share of the texts' Chinese characters that no token of the vocabulary covers."""
    total = unknown = 0
    for text, line in zip(texts, sets.ask_program(program, texts, "tokenize").splitlines()):
        found = json.loads(line)
        is_unknown = [False] * len(text)
        for token, (start, end) in zip(found["tokens"], found["offsets"]):
            if token == "[UNK]":
                is_unknown[start:end] = [True] * (end - start)
        for character, flag in zip(text, is_unknown):
            if "\u3400" <= character <= "\u9fff" or character >= "\U00020000":
                total += 1
                unknown += flag
    return unknown / total


def measure(report, label, vectors, data, split, targets, dims=DIMS, classifies=True):
    english, chinese = (sets.stsb(data, language, split) for language in ("en", "zh"))
    whole = {}
    for n in dims:
        for name, value in (
                ("English", sets.pair_score(vectors, english, sets.spearman, n)),
                ("Chinese", sets.pair_score(vectors, chinese, sets.spearman, n)),
                ("English with Chinese", sets.across(vectors, english, chinese, n))):
            key = f"STS-B {split} {name}"
            at = f", {n} dims" if n else ""
            if n == dims[0]:
                whole[name] = value
                report.add(f"{label}{key}{at}", value, targets.get(key))
            else:
                report.add(f"{label}{key}{at}", value)
                limit = targets.get(f"loss at {n}")
                if limit is not None:
                    report.add(f"{label}{key}, lost by {n} dims", whole[name] - value, limit, "lower")
    report.add(f"{label}SICK train", sets.pair_score(vectors, sets.sick(data), sets.spearman),
               targets.get("SICK"))
    report.add(f"{label}LCQMC dev, AUC", sets.pair_score(vectors, sets.lcqmc(data), sets.auc),
               targets.get("LCQMC"))
    if not classifies:
        return
    for name, rows in (("banking77", sets.banking77), ("waimai", sets.waimai)):
        report.add(f"{label}{name}, accuracy",
                   sets.classify(vectors, rows(data, "train"), rows(data, "test")),
                   targets.get(name))


TARGETS = {
    "STS-B test English": 0.8, "STS-B test Chinese": 0.76, "STS-B test English with Chinese": 0.65,
    "loss at 128": 0.015, "loss at 64": 0.05, "SICK": 0.71, "LCQMC": 0.815,
    "banking77": 0.905, "waimai": 0.88,
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", default=str(TOP / "build" / "embedd"))
    parser.add_argument("--data", default=str(TOP.parent / "shared" / "data"))
    parser.add_argument("--dev", action="store_true", help="dev splits, and no classifiers")
    parser.add_argument("--no-baselines", action="store_true")
    options = parser.parse_args()
    if not has_data(options.data):
        return
    split = "dev" if options.dev else "test"
    report = Report()
    vectors = sets.Vectors(program_embedder(options.program))
    measure(report, "", vectors, options.data, split, TARGETS, classifies=not options.dev)
    texts = [t for s in ("train", "dev", "test") for a, b, _ in sets.stsb(options.data, "zh", s)
             for t in (a, b)]
    texts += [t for s in ("train", "test") for t, _ in sets.waimai(options.data, s)]
    texts += [t for a, b, _ in sets.lcqmc(options.data) for t in (a, b)]
    texts += [zh for _, zh in sets.tatoeba(options.data)]
    report.add("unknown Chinese characters", 100 * unknown_share(options.program, texts), 0.005,
               "lower", "%")
    if not options.no_baselines:
        for name, embed in baselines.all_of(options.program):
            measure(report, name + ": ", sets.Vectors(embed), options.data, split, {}, dims=(None,),
                    classifies=not options.dev)
    if not options.dev:
        classifiers.measure(report, options.program, options.data, not options.no_baselines)
    report.write(TOP / "build" / "bench-quality.json")


if __name__ == "__main__":
    main()
