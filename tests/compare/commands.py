# SPDX-License-Identifier: Apache-2.0
"""Runs of every command: each option with good and wrong values, every model folder of the tests,
every seed of the fuzzers as the file that it is a seed of, and all of these with something broken."""

import json
from itertools import chain

from both import TOP, Command
from questions import ANY, MORE_TEXTS

GOLDEN, DATA, EXAMPLES, CORPUS = TOP / "tests/golden", TOP / "tests/data", TOP / "examples", TOP / "tests/fuzz/corpus"
SMALL = EXAMPLES / "chain/w6x2"

# A line each, so that one run says what became of all.
LINES = "".join(text.replace("\n", " ").replace("\r", " ")[:3000] + "\n" for text in MORE_TEXTS).encode()
SHORT = "我爱吃饭\nI love to eat\n\nthe food is not good, don't!\nnaïve 猫 [UNK] [CLS]\n".encode()


def models():
    """Name → path of every model in the tests."""
    found = {"builtin": "builtin"}
    for path in sorted(chain(GOLDEN.rglob("model.safetensors"), DATA.rglob("model.safetensors"), EXAMPLES.rglob("model.safetensors"))):
        found[path.parent.name] = path.parent
    for path in sorted(chain(*(DATA.joinpath("fasttext").glob(what) for what in ("*.bin", "*.ftz", "*.vectors")))):
        found[path.name] = path
    return found


# ---- what each command is told ----

COMMANDS = ["serve", "embed", "tokenize", "classify", "train", "tune", "eval", "convert", "inspect", "vocab", "bench", "health", "config", "help"]
FLAGS = {
    "embed": ["--model", "--format", "--output", "--dimensions", "--pooling", "--normalize", "--limit", "--strict", "--tensor", "--compat"],
    "tokenize": ["--model", "--limit", "--strict", "--tensor", "--compat", "--special"],
    "classify": ["--model", "--limit", "--strict", "--tensor", "--compat", "--heads", "--head", "--top-k", "--threads", "--output"],
    "eval": ["--model", "--heads", "--head", "--input", "--input-format", "--text", "--label", "--header", "--label-separator", "--encoding", "--skip-bad", "--format", "--output", "--predictions",
             "--predictions-format", "--top-k", "--wrong", "--texts", "--examples", "--compare",
             "--compare-heads", "--compare-head", "--changed", "--seen-in", "--limit", "--compat"],
    "train": ["--input", "--output", "--name", "--version", "--group", "--folds", "--force", "--from", "--limit", "--strict", "--tensor", "--compat", "--mode", "--input-format", "--text", "--label", "--header", "--label-separator", "--encoding", "--skip-bad", "--label-weights",
              "--label-names", "--validation", "--validation-share", "--ngrams", "--epochs", "--patience", "--learning-rate", "--table-rate", "--token-dropout", "--ngram-dropout", "--dim", "--seed", "--threads",
              "--time-limit", "--checkpoint-every", "--resume", "--report", "--suspicious", "--texts"],
    "tune": ["--model", "--heads", "--head", "--input", "--for", "--output", "--version", "--dry-run", "--text", "--label"],
    "convert": ["--input", "--output", "--to", "--dtype", "--dim", "--pca", "--keep-top", "--limit", "--strict", "--tensor", "--compat", "--force"],
    "inspect": ["--format", "--verify", "--limit", "--strict", "--tensor", "--compat"],
    "vocab": ["--model", "--search", "--prefix", "--ignore-case", "--nearest", "--text", "--special", "--limit", "--from", "--format", "--words", "--strict", "--tensor", "--compat"],
    "bench": ["--model", "--limit", "--strict", "--tensor", "--compat", "--format", "--texts", "--rounds"],
    "config": ["--format", "--sample", "--markdown", "--listen", "--model", "--tensor", "--compat", "--limit", "--strict", "--heads", "--threads", "--workers", "--offload-bytes", "--max-body-bytes", "--max-inputs",
               "--max-input-tokens", "--truncate", "--max-request-memory", "--max-dense-cells", "--max-memory", "--max-connections", "--max-header-bytes", "--request-timeout", "--idle-timeout", "--write-timeout",
               "--drain-delay", "--drain-timeout", "--openai-ids", "--strict-model", "--server-timing", "--tei-telemetry", "--tei-validation-status", "--access-log", "--log-level", "--config"],
}
# For a whole run, but for the option that is tried.
NEEDED = {
    "embed": ["--model", SMALL], "tokenize": ["--model", SMALL], "classify": ["--model", SMALL, "--heads", EXAMPLES / "heads"], "bench": ["--rounds=1", "--model", SMALL, "-"],
    "eval": ["--model", SMALL, "--heads", EXAMPLES / "heads", "--input", "rows.csv"],
    "tune": ["--model", SMALL, "--heads", EXAMPLES / "heads", "--input", "rows.csv", "--dry-run=true"], "train": ["--input", "rows.csv", "--output", "out", "--from", SMALL, "--epochs=2", "--threads=1"],
    "convert": ["--input", SMALL, "--output", "out"], "inspect": [SMALL], "vocab": ["--model", SMALL], "config": [],
}
ROWS = b"text,label\n" + "我爱吃饭,meal\n我,other\n吃饭,meal\n你爱他,other\n饭,meal\n他,other\n".encode() * 4
VALUES = ["", "0", "1", "2", "-1", "1.5", "0.5", "1e999", "nan", "99999999999999999999", "abc", " 1", "+1", "0x1", "json", "text", "html", "npy", "mean", "unit", "csv", "jsonl", "auto", "no", "both", "folder", "i8",
          "model2vec", "sentence-transformers", "left", "debug", "builtin", "embedd-base-2", "我", "meal", "label", "balanced", "/nowhere/at/all", ".", "rows.csv", "x" * 300, "8M", "1T", "500ms", "25h", "127.0.0.1:0",
          "[::1]:8080", "*:80", "1.2.3.4:99999", "true", ";", "embedding.weight"]


def uses():
    """Help, and wrong use of each command."""
    yield Command("no command")
    for flags in (["--help"], ["-h"], ["--version"], ["-V"], ["version"], ["--nothing"], ["nothing"], ["serv"], ["help", "help"], ["help", "nothing"], ["help", "embed", "x"], ["--version", "x"], [""], ["Embed"]):
        yield Command("embedd " + " ".join(flags), *flags)
    for command in COMMANDS:
        for flags in (["--help"], ["-h"], ["--nothing"], ["--model"], ["--helpp"], ["-x"], ["--"], ["--help=1"], ["--no-help"], ["--format="], ["--Format", "json"], ["/nowhere"], ["/nowhere", "/nowhere"], ["--model", "/nowhere"],
                      ["--model=a", "--model=b"], ["--input", "/nowhere"], ["--output=a", "--output=b"], ["--compat=x"], ["--strict", "--no-strict"]):
            if command != "serve" or flags[0] not in ("-h", "--"):
                yield Command(f"{command} {' '.join(flags)}", command, *flags, stdin=SHORT)
        yield Command(f"help {command}", "help", command)
        if command not in ("serve", "help"):
            yield Command(f"{command} of nothing", command)
    for url in ("http://127.0.0.1:1", "http://127.0.0.1:1/x", "127.0.0.1:1", "http://", "ftp://x", "", "http://127.0.0.1:99999", "https://127.0.0.1:1"):
        yield Command(f"health {url}", "health", url)


def options():
    """Each option of each command with each value: mostly refusals, in one sentence each."""
    for command, flags in FLAGS.items():
        for flag in flags:
            for value in VALUES:
                yield told(command, [f"{flag}={value}"])
            for given in ([flag], ["--no-" + flag[2:]], [flag, "1", flag, "1"], [flag + "x=1"], [flag[:-1] + "=1"], [flag, "--help"]):
                yield told(command, given)


def told(command, given):
    """A run with the options that it needs, without those that are given."""
    flag = given[0].partition("=")[0]
    kept, needed = [], list(NEEDED[command])
    while needed:
        part = needed.pop(0)
        if part == flag:
            needed.pop(0)
        elif not str(part).startswith(flag + "="):
            kept.append(part)
    if flag.removeprefix("--no-") == "threads" or flag == "--threads":
        kept = [part for part in kept if part != "--threads=1"]
    return Command(f"{command} {' '.join(given)}", command, *kept, *given, stdin=SHORT, files={"rows.csv": ROWS}, numbers_vary=command == "bench")


def configs():
    """Settings out of variables and files."""
    for flag in FLAGS["config"][3:]:
        name = "EMBEDD_" + flag[2:].upper().replace("-", "_")
        for value in VALUES[1:12:2] + ["", "true", "left", "8M", "500ms", "builtin"]:
            yield Command(f"config with {name}={value}", "config", variables={name: value})
            yield Command(f"config with {flag[2:]}: {value} in a file", "config", "--config=c.json", files={"c.json": json.dumps({flag[2:]: value}).encode()})
        for value in ANY[:23:2]:
            yield Command(f"config with {flag[2:]}: {value[:40]} in a file", "config", "--config=c.json", "--format=json", files={"c.json": f'{{"{flag[2:]}": {value}}}'.encode()})
    for path in seeds("config"):
        for command in (["config"], ["serve"], ["health"]):
            if command != ["serve"] or not path.read_bytes().startswith(b"{"):
                yield Command(f"{command[0]} with the seed {path.name}", *command, "--config=c.json", files={"c.json": path})
    for content in (b"", b"{}", b"[]", b"{", b'{"x": 1}', b'{"model": "a", "model": "b"}', b'\xef\xbb\xbf{"model": "x"}', b'{"model": "\xff"}', b'{"config": "c.json"}'):
        yield Command(f"config with a file of {content!r}", "config", "--config=c.json", files={"c.json": content})
    for name in ("EMBEDD_NOTHING", "EMBEDD_CPU", "EMBEDD_MODELS", "EMBEDD_CONFIG"):
        yield Command(f"config with {name}", "config", variables={name: "scalar"})


def every_model():
    """Every command on every model."""
    for name, path in models().items():
        def run(*arguments, stdin=SHORT, name=name, **more):
            return Command(f"{name}: {' '.join(map(str, arguments))}".replace(str(path), name), *arguments, stdin=stdin, **more)
        of = ["--model", path]
        for form in ("text", "json"):
            yield run("inspect", path, "--format", form)
            yield run("vocab", *of, "--format", form, "--limit=2000")
        for flags in (["--special"], []):
            yield run("tokenize", *of, *flags, stdin=LINES)
        for flags in (["--search=o"], ["--search=O", "--ignore-case"], ["--search=th", "--prefix"], ["--search=我"], ["--search="], ["--from=3", "--limit=3"], ["--from=999999"], ["--nearest=the"], ["--nearest=我", "--limit=3"], ["--nearest=good food", "--text"],
                      ["--nearest=x", "--text", "--special"], ["--nearest=the", "--special", "--format=json"], ["--nearest=nothing at all"], ["--search=e", "--words=5"]):
            yield run("vocab", *of, *flags)
        for flags in (["--format=json"], ["--format=text"], ["--format=f32"], ["--format=npy", "--output=v.npy"], ["--pooling=sum"], ["--pooling=max"], ["--pooling=unit"], ["--pooling=weighted"], ["--pooling=mean", "--normalize"], ["--no-normalize"], ["--dimensions=1"],
                      ["--dimensions=2", "--normalize"], ["--limit=4"], ["--strict"], *(["--compat", one] for one in ("embedd", "model2vec", "model2vec-0.8", "model2vec-rs", "sentence-transformers"))):
            yield run("embed", *of, *flags, stdin=LINES)
        yield run("classify", *of, stdin=LINES)
        yield run("classify", *of, "--top-k=1", "--output=o.jsonl", stdin=LINES)
        yield run("classify", *of, "--heads", EXAMPLES / "heads", stdin=SHORT)
        yield run("eval", *of, "--input=rows.csv", files={"rows.csv": ROWS})
        yield run("bench", *of, "--rounds=1", "--format=json", "-", numbers_vary=True)
        large = [] if path != "builtin" else ["--keep-top=300"]
        for flags in ([], ["--to=folder"], ["--dtype=f32"], ["--dtype=f16"], ["--dtype=bf16"], ["--dtype=i8"], ["--dtype=f16", "--to=folder"], ["--dim=1"], ["--dim=2", "--pca"], ["--dim=2", "--to=folder"], ["--keep-top=5"], ["--keep-top=20", "--to=folder", "--dtype=f32"], ["--limit=5"],
                      ["--strict"], ["--compat=embedd"], ["--compat=model2vec", "--to=folder"], ["--compat=sentence-transformers"], ["--compat=model2vec-rs"]):
            yield run("convert", "--input", path, "--output=out", *(large if "--keep-top" not in str(flags) else []), *flags)
        for flags in (["--mode=head"], ["--mode=table"], ["--mode=both", "--seed=2"], ["--mode=scratch", "--dim=3"]):
            if path != "builtin":
                yield run("train", "--from", path, "--input=rows.csv", "--output=out", "--epochs=3", *flags, files={"rows.csv": ROWS})


def commands(quick=False):
    if quick:
        yield from list(uses())[::17]
        yield from list(every_model())[::97]
        return
    yield from uses()
    yield from options()
    yield from configs()
    yield from every_model()


def seeds(name):
    return sorted(CORPUS.joinpath(name).iterdir())
