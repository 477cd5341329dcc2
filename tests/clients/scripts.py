# SPDX-License-Identifier: Apache-2.0
"""The scripts of the clients, and how they are run: each in the environment that is named as its folder is."""
import functools
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from harness import PATIENCE_S, TOP, environment

HERE = Path(__file__).parent
INSTALLED = TOP / "build/clients"

KINDS = ("python-*/*.py", "node/*.mjs", "go/*.go", "java/*.java", "rust/*.rs")
SCRIPTS = {path.stem: path for path in sorted(path for kind in KINDS for path in HERE.glob(kind)) if path.stem != "steps"}


@functools.cache
def node():
    """The path of a Node that is new enough, or a skip."""
    path = shutil.which("node")
    if not path:
        pytest.skip("Node is not installed")
    version = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.strip("v\n").partition(".")[0]) < 18:
        pytest.skip(f"Node 18 or later is needed, not {version.strip()}")
    return path


def class_of(script):
    """The name of its class: a-name.java has AName."""
    return "".join(word.capitalize() for word in script.stem.split("-"))


# By what a script ends with: how it is run in its environment, a folder.
WAYS = {
    ".go": lambda home, script: [home / "clients", script.stem],
    ".java": lambda home, script: ["java", "-cp", f"{home}/classes:{home}/lib/*", class_of(script)],
    ".mjs": lambda home, script: [node(), "--preserve-symlinks", "--preserve-symlinks-main", home / "scripts" / script.name],
    ".py": lambda home, script: [home / "bin/python", script],
    ".rs": lambda home, script: [home / "debug" / script.stem],
}


def command(script):
    """How a script is run, or a skip that says why it is not."""
    home = INSTALLED / script.parent.name
    words = WAYS[script.suffix](home, script)
    if (home / "left-out").exists():
        pytest.skip((home / "left-out").read_text().strip())
    if not (home / "ready").exists():
        pytest.skip(f"no {home.relative_to(TOP)}: `make clients` installs it")
    return words


def surroundings():
    """No proxy, no calls to anybody else; and the table of cl100k, which a package brings along."""
    tables = next(INSTALLED.glob("python-*/lib/*/site-packages/llama_index/core/_static/tiktoken_cache"), HERE)
    quiet = {"HAYSTACK_TELEMETRY_ENABLED": "False", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    return {name: value for name, value in environment(
        **quiet, TIKTOKEN_CACHE_DIR=str(tables), PYTHONPATH=str(HERE), PYTHONWARNINGS="ignore").items()
        if not re.match(r"(?i)(https?|all|no)_proxy$|OPENAI_|OLLAMA_|CO_API|COHERE_|GOOGLE_|GEMINI_|VOYAGE_|HF_TOKEN", name)}


def run(client, url, *steps):
    """What the steps (name, argument) of a client came to against the service at `url`."""
    ran = subprocess.run([*command(SCRIPTS[client]), url], input=json.dumps(steps), text=True, capture_output=True,
                         env=surroundings(), timeout=3 * PATIENCE_S)
    assert ran.returncode == 0, ran.stderr[-4000:]
    return json.loads(ran.stdout)
