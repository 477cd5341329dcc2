# SPDX-License-Identifier: Apache-2.0
"""How good a model's vectors are, from the program's own output, beside baselines.

usage: quality.py [--program FILE] [--model PATH] [--beside PATH]... [--f32 PATH] [--data FOLDER]
                  [--tables NAME,...] [--no-baselines] [--test]

--model: a folder, a file or a built-in model's name (builtin); --beside: others to compare it with;
--f32: the same model with rows of 32 bits. Prints tables and writes build/bench-quality.json: a list
of {name, value, unit, target, better}; what is beside has its own name in front. Test splits are
read with --test alone, and then the classifiers that `embedd train` makes are measured too: choose on
dev sets. Without the data folder (docs/MODEL.md tells where each set comes from) there is
nothing to measure.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import namedtuple
from pathlib import Path

import numpy as np

TOP = Path(__file__).resolve().parents[1]
# The folder of this file last: it has a tokenizers.py and a texts.py of its own.
sys.path[:1] = [str(TOP / "tools" / "builtin")]
sys.path.append(str(TOP / "bench"))
import baselines  # noqa: E402
import classifiers  # noqa: E402
import figures  # noqa: E402
import sets  # noqa: E402
from measures import Vectors  # noqa: E402
from report import Report, has_data, table  # noqa: E402

MEGABYTES = 16  # of the packed model at most
BITS_LOSS = 0.002  # that rows of few bits may cost
FLOATS = ("F32", "F16", "BF16")

# A model that the program runs; `about` is what `embedd inspect` says of it.
Model = namedtuple("Model", "path about vectors")


def opened(program, path):
    def embed(texts):
        found = sets.ask_program(program, texts, "embed", "--model", path, "--format", "f32")
        return np.frombuffer(found, np.float32).reshape(len(texts), -1)
    about = subprocess.run([program, "inspect", path, "--format", "json"], stdout=subprocess.PIPE,
                           check=True).stdout
    return Model(path, json.loads(about), Vectors(embed))


def unknown_share(program, model, texts):
    """The share of the texts' Chinese characters that no token of the vocabulary covers."""
    total = unknown = 0
    lines = sets.ask_program(program, texts, "tokenize", "--model", model.path).splitlines()
    for text, line in zip(texts, lines, strict=True):
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


def chinese_texts(data):
    """Of many registers; none of a test split."""
    texts = [t for split in ("train", "dev") for a, b, _ in sets.stsb(data, "zh", split) for t in (a, b)]
    texts += [t for t, _ in sets.waimai(data, "train")]
    texts += [t for pairs in (sets.lcqmc(data), sets.afqmc(data)) for a, b, _ in pairs for t in (a, b)]
    return texts + [zh for _, zh in sets.tatoeba(data, "all")]


def packed(program, model, folder, dtype=None):
    """The model as one file, its rows of `dtype`; None, and said why, where the program can't."""
    path = Path(folder) / f"{dtype or 'packed'}.safetensors"
    done = subprocess.run([program, "convert", "--input", model.path, "--output", path,
                           *(["--dtype", dtype] if dtype else [])],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, encoding="utf-8")
    if done.returncode:
        print(f"skipped: rows of {dtype or 'this model'}: {done.stderr.strip()}")
        return None
    return path


def add_size(report, name, path, limit):
    report.add(name, path.stat().st_size / 1e6, limit, "lower", "MB")


def compare_rows(report, wanted, exact, model):
    """What a model's rows of few bits cost, beside `exact`: figures of the same with 32."""
    found = figures.measured(wanted, model.vectors, "both", figures.CUTS)
    for name, value in found.items():
        report.add(f"{name}, lost by {model.about['dtype']} rows", exact[name] - value, BITS_LOSS, "lower")


def measure_rows(report, program, model, found, wanted, f32):
    wanted = [figure for figure in wanted if figure.table in ("similarity", "registers")]
    if not wanted:
        print("skipped: what rows of few bits cost: it is measured on similarity and registers")
    elif f32:
        exact = figures.measured(wanted, opened(program, f32).vectors, "both", figures.CUTS)
        compare_rows(report, wanted, exact, model)
    elif model.about["dtype"] in FLOATS:
        with tempfile.TemporaryDirectory(prefix="embedd-quality-") as folder:
            for dtype in ("i8", "i4"):
                path = packed(program, model, folder, dtype)
                if path:
                    compare_rows(report, wanted, found, opened(program, str(path)))
                    add_size(report, f"packed, {dtype.upper()} rows", path, MEGABYTES)
    else:
        print(f"skipped: what rows of few bits cost: {model.about['name']} has rows of "
              f"{model.about['dtype']}; name the same model in 32 bits with --f32")


def measure_model(report, program, model, data, wanted, f32):
    def say(name, value):
        report.add(name, value, figures.TARGETS.get(name))
    found = figures.measured(wanted, model.vectors, "both", figures.CUTS, say)
    for name, lost, target in figures.losses(wanted, found, figures.CUTS):
        report.add(name, lost, target, "lower")
    measure_rows(report, program, model, found, wanted, f32)
    report.add("unknown Chinese characters", 100 * unknown_share(program, model, chinese_texts(data)),
               0.005, "lower", "%")
    with tempfile.TemporaryDirectory(prefix="embedd-quality-") as folder:
        path = packed(program, model, folder)
        if path:
            add_size(report, "packed", path, None if model.about["dtype"] in FLOATS else MEGABYTES)
    return found


def measure_beside(report, label, languages, vectors, wanted):
    print(f"{label}:")
    return figures.measured(wanted, vectors, languages,
                            say=lambda name, value: report.add(f"{label}: {name}", value))


def print_tables(wanted, columns):
    for key in dict.fromkeys(figure.table for figure in wanted):
        names = [figure.name for figure in wanted if figure.table == key]
        print(table(figures.TABLES[key], names, columns))
    cut = [f"{figure.name}, {n} columns" for figure in wanted if figure.cuts for n in figures.CUTS]
    if cut:
        print(table("Fewer columns", cut, dict(list(columns.items())[:1])))


def table_names(text):
    names = text.split(",")
    for name in names:
        if name not in figures.TABLES:
            raise argparse.ArgumentTypeError(f"no table {name!r}; there are {', '.join(figures.TABLES)}")
    return names


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", default=str(TOP / "build" / "embedd"))
    parser.add_argument("--model", default="builtin")
    parser.add_argument("--beside", action="append", default=[], metavar="PATH")
    parser.add_argument("--f32", metavar="PATH", help="the same model with rows of 32 bits")
    parser.add_argument("--data", default=str(TOP.parent / "shared" / "data"))
    parser.add_argument("--tables", type=table_names, default=list(figures.TABLES),
                        metavar="NAME,...", help=f"of {', '.join(figures.TABLES)}")
    parser.add_argument("--no-baselines", action="store_true")
    parser.add_argument("--test", action="store_true", help="read the test splits instead of dev")
    return parser.parse_args()


def main():
    options = arguments()
    if not has_data(options.data):
        return
    wanted = [figure for figure in figures.all_of(options.data, "test" if options.test else "dev")
              if figure.table in options.tables]
    report = Report()
    model = opened(options.program, options.model)
    columns = {model.about["name"]: measure_model(report, options.program, model, options.data, wanted,
                                                  options.f32)}
    for path in options.beside:
        other = opened(options.program, path)
        label = other.about["name"]
        label = f"{label} of {path}" if label in columns else label
        columns[label] = measure_beside(report, label, "both", other.vectors, wanted)
    if not options.no_baselines:
        for label, languages, make in baselines.all_of(options.program, TOP / "build" / "builtin",
                                                       TOP / "build" / "quality"):
            try:
                embed = make()
            except (OSError, subprocess.CalledProcessError) as error:
                print(f"skipped: {label}: {error}")
                continue
            columns[label] = measure_beside(report, label, languages, Vectors(embed), wanted)
    print_tables(wanted, columns)
    if options.test and "classification" in options.tables:
        classifiers.measure(report, options.program, options.data, not options.no_baselines)
    report.write(TOP / "build" / "bench-quality.json")


if __name__ == "__main__":
    main()
