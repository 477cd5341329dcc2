# SPDX-License-Identifier: Apache-2.0
"""The image itself: docker/Dockerfile built by buildah, and what comes of it run by chroot.

The base image is made here, of Debian's packages, under the name that the Dockerfile asks for, so no
registry is needed. Images live in build/image, which is gone afterwards. `make test-image` runs this.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/http"))

import rooted  # noqa: E402

STORE = TOP / "build/image"
SUITE = "bookworm"
IMAGE = "embedd:test"


def output(*command):
    """What a command prints; its complaints where it fails."""
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, f"{command}: {result.stderr[-4000:]}"
    return result.stdout.strip()


def sources():
    """This machine's own sources of the suite, a line each; none where it is another Debian."""
    lines = output("apt-get", "indextargets", "--format", "deb $(SITE) $(RELEASE) $(COMPONENT)",
                   "Identifier: Packages", "Origin: Debian")
    return sorted({line for line in lines.splitlines() if f" {SUITE}" in line})


def proxies():
    """This machine's own proxies, as options of mmdebstrap that the base keeps."""
    lines = output("apt-config", "dump").splitlines()
    return [f"--aptopt={line}" for line in lines if re.match(r"Acquire::https?::Proxy ", line)]


def make_base(name):
    """A Debian as small as the one that is meant, called `name`."""
    archive = STORE / "base.tar"
    output("mmdebstrap", "--mode=root", "--variant=minbase", *proxies(), SUITE, archive, *sources())
    container = output("buildah", "from", "scratch")
    output("buildah", "add", "-q", container, archive, "/")
    output("buildah", "commit", "-q", "--rm", container, name)
    archive.unlink()


@pytest.fixture(scope="module")
def image():
    """The name of the image, made anew."""
    assert os.geteuid() == 0, "only root can enter the image's root folder; run: sudo make test-image"
    shutil.rmtree(STORE, ignore_errors=True)
    STORE.mkdir(parents=True)
    (STORE / "storage.conf").write_text(
        f'[storage]\ndriver = "vfs"\ngraphroot = "{STORE}/images"\nrunroot = "{STORE}/run"\n')
    os.environ.update(CONTAINERS_STORAGE_CONF=f"{STORE}/storage.conf", STORAGE_DRIVER="vfs",
                      BUILDAH_ISOLATION="chroot", ENGINE="buildah")
    base = re.search(r"^FROM (\S+) AS build$", (TOP / "docker/Dockerfile").read_text(), re.M)
    make_base(base[1])
    print(output(TOP / "docker/build.sh", "test"))
    yield IMAGE
    shutil.rmtree(STORE)


@pytest.fixture(scope="module")
def settings(image):
    """What the image says about itself, in docker's form."""
    return json.loads(output("buildah", "inspect", "--type", "image", image))["Docker"]["config"]


@pytest.fixture(scope="module")
def root(image):
    """The root folder of a container of the image."""
    return Path(output("buildah", "mount", output("buildah", "from", "--pull-never", image)))


def command(settings, *arguments):
    return [*settings["Entrypoint"], *(arguments or settings["Cmd"])]


def ask(url, body):
    with urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode()), timeout=60) as reply:
        return json.load(reply)


def end(server):
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(60) == 0


def test_it_says_how_it_is_to_be_run(settings):
    assert settings["User"] == f"{rooted.USER}:{rooted.USER}"
    assert command(settings) == ["/embedd", "serve"]
    assert {"EMBEDD_LISTEN=0.0.0.0:8080", "EMBEDD_INSECURE=true"} <= set(settings["Env"])
    assert settings["ExposedPorts"] == {"8080/tcp": {}}
    assert settings["StopSignal"] == "SIGTERM"
    assert settings["Healthcheck"]["Test"] == ["CMD", "/embedd", "health"]
    assert settings["Labels"]["org.opencontainers.image.version"] == "test"


def test_it_holds_the_program_its_libraries_and_licences_in_40_megabytes(root):
    files = [path for path in root.rglob("*") if path.is_file() and not path.is_symlink()]
    names = [str(path.relative_to(root)) for path in files]
    assert "embedd" in names and any("libmicrohttpd.so" in name for name in names)
    for name in names:
        assert name == "embedd" or ".so" in name or name.startswith("usr/share/doc/"), name
    size = sum(path.stat().st_size for path in files)
    print(f"{size} bytes")
    assert size <= 40 * rooted.MEGABYTE


def test_it_answers_with_a_vector_and_is_healthy_until_it_is_stopped(root, settings):
    way = rooted.strictest({})
    health = [*way, root, *settings["Healthcheck"]["Test"][1:]]
    with rooted.Server(way, root, command(settings)) as server:
        status = Path(f"/proc/{server.process.pid}/status").read_text()
        assert re.search(rf"^Uid:\s+{rooted.USER}\s+{rooted.USER}\s", status, re.M)

        reply = ask(server.url + "/v1/embeddings", {"input": "hello world", "encoding_format": "float"})
        vector = reply["data"][0]["embedding"]
        assert len(vector) == 256
        assert abs(sum(x * x for x in vector) - 1) < 1e-5

        variables = {**os.environ, "EMBEDD_LISTEN": server.url.removeprefix("http://")}
        assert subprocess.run(health, env=variables).returncode == 0
        end(server)
    assert subprocess.run(health, env=variables, stderr=subprocess.DEVNULL).returncode == 1


def test_it_answers_with_a_label_of_a_head_that_is_mounted(root, settings):
    mounts = {"/model": TOP / "examples/chain/w6x2", "/heads": TOP / "examples/heads"}
    for inside in mounts:  # as an engine makes them
        (root / inside[1:]).mkdir()
    way = rooted.strictest(mounts)
    serve = command(settings, "serve", "--model", "/model", "--heads", "/heads")
    with rooted.Server(way, root, serve) as server:
        reply = ask(server.url + "/v1/classify", {"text": ["我爱吃饭", "我"]})
        assert [item["label"] for item in reply["data"]] == ["meal", "other"]
        end(server)
    for inside in mounts:
        (root / inside[1:]).rmdir()
