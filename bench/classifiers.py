# SPDX-License-Identifier: Apache-2.0
"""How good the classifiers are that `embedd train` makes as it is, beside fastText and TF-IDF.

usage: classifiers.py [--program FILE] [--data FOLDER] [--only SET,...] [--no-baselines]

Part of `make bench-quality`; by itself it writes build/bench-classifiers.json. No flag of
`embedd train` is set for a set, while the settings of the baselines are those that do best on the
test split, which flatters them. How each figure is measured: docs/BENCHMARKS.md.
"""

import argparse
import csv
import json
import random
import subprocess
import sys
import tempfile
from collections import namedtuple
from pathlib import Path
from statistics import mean

TOP = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOP / "tools" / "builtin"))
import classifier_baselines as baselines  # noqa: E402
import sets  # noqa: E402
from report import Report, has_data  # noqa: E402

THREADS = 2  # of our training and of fastText's
TRAINING_SECONDS = 60  # what ours may always take
DRAWS = 5
EXAMPLES = 5  # a class, in a draw

# A training file and a test file as embedd reads them, and the rows in them, pairs (text, label).
Run = namedtuple("Run", "train_file test_file train test")

# What a training took, and what came of it: accuracy, seconds, peak_mb.
Trained = namedtuple("Trained", "accuracy seconds peak_mb")


# ---- the sets ----

def write_csv(path, header, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return path


def banking77(data, _):
    files = [Path(data) / f"banking77-{split}.csv" for split in ("train", "test")]
    return [Run(*files, sets.banking77(data, "train"), sets.banking77(data, "test"))]


def few_of_banking77(data, folder):
    """Each draw by a Random of its own; labels and their texts as they come in the file."""
    texts = {}
    for text, label in sets.banking77(data, "train"):
        texts.setdefault(label, []).append(text)
    runs = []
    for draw in range(DRAWS):
        rng = random.Random(draw)
        rows = [(text, label) for label, all_of_label in texts.items()
                for text in rng.sample(all_of_label, EXAMPLES)]
        path = write_csv(folder / f"draw-{draw}.csv", ("text", "category"), rows)
        runs.append(Run(path, Path(data) / "banking77-test.csv", rows,
                        sets.banking77(data, "test")))
    return runs


def clinc150(data, folder):
    """In scope alone; train and val to learn from."""
    rows = sets.clinc150(data, "train") + sets.clinc150(data, "val")
    test = sets.clinc150(data, "test")
    files = [write_csv(folder / f"clinc150-{name}.csv", ("text", "category"), pairs)
             for name, pairs in (("train", rows), ("test", test))]
    return [Run(*files, rows, test)]


def waimai(data, _):
    files = [Path(data) / f"waimai-{split}.tsv" for split in ("train", "test")]
    return [Run(*files, sets.waimai(data, "train"), sets.waimai(data, "test"))]


def shopping_by(label):
    """The shopping reviews, labelled by their column 0 (the category) or 1 (good or bad)."""
    def runs(data, folder):
        files, pairs = [], []
        for split in ("train", "test"):
            rows = sets.shopping(data, split)
            path = folder / f"shopping-{split}.csv"
            files.append(write_csv(path, ("cat", "label", "review"), rows))
            pairs.append([(row[2], row[label]) for row in rows])
        return [Run(*files, *pairs)]
    return runs


# `columns` are flags of `embedd train` and `embedd eval`; `target` is the accuracy to reach.
Set = namedtuple("Set", "name language columns target runs")

HEADER = ["--text", "text", "--label", "category"]

SETS = {
    "banking77": Set("banking77", "en", HEADER, 0.930, banking77),
    "few": Set(f"banking77 with {EXAMPLES} a class", "en", HEADER, 0.735, few_of_banking77),
    "clinc150": Set("CLINC150, 150 intents", "en", HEADER, 0.955, clinc150),
    "waimai": Set("waimai", "zh", ["--text", "2", "--label", "1"], 0.910, waimai),
    "categories": Set("online shopping, ten categories", "zh",
                      ["--text", "review", "--label", "cat"], 0.915, shopping_by(0)),
    "ratings": Set("online shopping, good or bad", "zh",
                   ["--text", "review", "--label", "label"], 0.944, shopping_by(1)),
}


# ---- training ----

def output(command):
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, encoding="utf-8").stdout


def measured(command):
    """What the command took: {"seconds", "peak_mb"}."""
    found = output([sys.executable, "-I", "-S", str(TOP / "bench" / "measured.py"), *command])
    return json.loads(found)


def train(program, run, columns, model, *flags):
    """Seconds and memory of `embedd train` as it is, which writes the folder `model`."""
    return measured([program, "train", "--input", str(run.train_file), "--output", str(model),
                     "--threads", str(THREADS), *columns, *flags])


def train_ours(program, run, columns, folder):
    with tempfile.TemporaryDirectory(dir=folder) as inner:
        model = Path(inner) / "model"
        used = train(program, run, columns, model)
        found = json.loads(output([program, "eval", "--model", str(model), "--input",
                                   str(run.test_file), *columns, "--format", "json"]))
    if found["examples"] != len(run.test):
        sys.exit(f"{run.test_file}: embedd read {found['examples']} rows, not {len(run.test)}")
    return Trained(found["accuracy"], **used)


def train_fasttext(run, setting, folder):
    with tempfile.TemporaryDirectory(dir=folder) as inner:
        train_file, texts, model = (Path(inner) / name for name in ("train", "texts", "model"))
        baselines.write_fasttext(train_file, run.train)
        baselines.write_fasttext_texts(texts, [text for text, _ in run.test])
        used = measured(baselines.fasttext_training(train_file, model, setting, THREADS))
        found = output([baselines.FASTTEXT, "predict", f"{model}.bin", str(texts)]).splitlines()
    right = sum(line == f"__label__{label}"
                for line, (_, label) in zip(found, run.test, strict=True))
    return Trained(right / len(run.test), **used)


def tfidf_accuracies(run, language):
    """For each C of the grid."""
    features = baselines.tfidf(language)
    (texts, labels), (test_texts, test_labels) = zip(*run.train), zip(*run.test)
    train_rows, test_rows = features.fit_transform(texts), features.transform(test_texts)
    return [baselines.support_vectors(c).fit(train_rows, labels).score(test_rows, test_labels)
            for c in baselines.TFIDF_GRID]


def together(trained):
    """Of several runs: means, and the highest peak."""
    accuracies, seconds, peaks = zip(*trained)
    return Trained(mean(accuracies), mean(seconds), max(peaks))


def best_fasttext(runs, folder):
    """(what was trained, setting) with the best accuracy on the test splits."""
    tried = [(together([train_fasttext(run, setting, folder) for run in runs]), setting)
             for setting in baselines.FASTTEXT_GRID]
    return max(tried, key=lambda one: one[0].accuracy)


def best_tfidf(runs, language):
    """(accuracy, C) with the best accuracy on the test splits."""
    columns = zip(*[tfidf_accuracies(run, language) for run in runs])
    return max(zip(map(mean, columns), baselines.TFIDF_GRID), key=lambda one: one[0])


# ---- the report ----

def add_rows(report, name, target, ours, fasttext, tfidf):
    """`fasttext` and `tfidf` may be None: not measured."""
    report.add(f"{name}, accuracy of embedd train", ours.accuracy, target)
    if fasttext:
        report.add(f"{name}, accuracy of fastText", fasttext.accuracy)
    if tfidf:
        report.add(f"{name}, accuracy of TF-IDF", tfidf)
    limit = max(TRAINING_SECONDS, fasttext.seconds) if fasttext else None
    report.add(f"{name}, training time of embedd train", ours.seconds, limit, "lower", "s")
    if fasttext:
        report.add(f"{name}, training time of fastText", fasttext.seconds, None, "lower", "s")
    limit = fasttext.peak_mb if fasttext else None
    report.add(f"{name}, peak memory of embedd train", ours.peak_mb, limit, "lower", "MB")
    if fasttext:
        report.add(f"{name}, peak memory of fastText", fasttext.peak_mb, None, "lower", "MB")


def measure_set(report, program, data, one, has_baselines, folder):
    runs = one.runs(data, folder)
    fasttext = tfidf = None
    if has_baselines:
        tfidf, c = best_tfidf(runs, one.language)
        print(f"{one.name}: TF-IDF is best with C = {c:g}", flush=True)
    if has_baselines and baselines.has_fasttext():
        fasttext, (rate, epochs, words) = best_fasttext(runs, folder)
        print(f"{one.name}: fastText is best with -lr {rate:g} -epoch {epochs} "
              f"-wordNgrams {words}", flush=True)
    ours = together([train_ours(program, run, one.columns, folder) for run in runs])
    add_rows(report, one.name, one.target, ours, fasttext, tfidf)
    if one.name == "banking77":
        used = train(program, runs[0], one.columns, folder / "head", "--mode", "head")
        report.add(f"{one.name}, training time of embedd train --mode head", used["seconds"], 5,
                   "lower", "s")


def measure(report, program, data, has_baselines=True, only=tuple(SETS)):
    if has_baselines and not baselines.has_fasttext():
        print("skipped: fastText, as the program fasttext is not installed")
    for key in only:
        with tempfile.TemporaryDirectory(prefix="embedd-classifiers-") as folder:
            measure_set(report, program, data, SETS[key], has_baselines, Path(folder))


def set_names(text):
    names = text.split(",")
    for name in names:
        if name not in SETS:
            raise argparse.ArgumentTypeError(f"no set {name!r}; there are {', '.join(SETS)}")
    return names


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", default=str(TOP / "build" / "embedd"))
    parser.add_argument("--data", default=str(TOP.parent / "shared" / "data"))
    parser.add_argument("--only", type=set_names, default=list(SETS), metavar="SET,...",
                        help=f"of {', '.join(SETS)}")
    parser.add_argument("--no-baselines", action="store_true")
    options = parser.parse_args()
    if not has_data(options.data):
        return
    report = Report()
    measure(report, options.program, options.data, not options.no_baselines, options.only)
    report.write(TOP / "build" / "bench-classifiers.json")


if __name__ == "__main__":
    main()
