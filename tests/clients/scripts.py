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

SCRIPTS = {path.stem: path for path in sorted([*HERE.glob("python-*/*.py"), *HERE.glob("node/*.mjs")])
           if path.stem != "steps"}


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


def command(script):
    """How a script is run in its environment."""
    home = INSTALLED / script.parent.name
    if script.suffix == ".mjs":
        command = [node(), "--preserve-symlinks", "--preserve-symlinks-main", str(home / "scripts" / script.name)]
    else:
        command = [str(home / "bin/python"), str(script)]
    if not (home / "ready").exists():
        pytest.skip(f"no {home.relative_to(TOP)}: `make clients` installs it")
    return command


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
