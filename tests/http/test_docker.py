# SPDX-License-Identifier: Apache-2.0
"""The container image's root folder: the same one that docker/Dockerfile ends in, run by chroot."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import urllib.request

import context
import pytest
import rooted

pytestmark = pytest.mark.slow_under_tsan  # the image holds the plain program

TOP = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = TOP / "build/embedd"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("image") / "root"
    subprocess.run([TOP / "docker/make_root.sh", PROGRAM, root], check=True)
    return root


def works(way, *arguments):
    try:
        return subprocess.run([*way, *arguments], capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


@pytest.fixture(scope="module")
def way(root):
    ways = list(rooted.ways())
    for way in ways:
        if works(way, root, "/embedd", "--version"):
            return way
    # Is it the program that fails, or every way?
    for way in ways:
        if works(way, "/", "true"):
            return way
    pytest.skip("neither chroot nor unshare -r works here")


def files_in(root):
    return [path for path in root.rglob("*") if path.is_file()]


def test_the_root_holds_the_program_its_libraries_and_licences_in_40_megabytes(root):
    files = files_in(root)
    names = [str(path.relative_to(root)) for path in files]
    assert "embedd" in names
    for name in names:
        assert name == "embedd" or ".so" in name or "/gconv/" in name or name.startswith("usr/share/doc/"), name
    libraries = [name for name in names if ".so" in name]
    assert any("libmicrohttpd" in name for name in libraries)
    assert any("ld-linux" in name for name in libraries)
    assert sum(path.stat().st_size for path in files) <= 40 * rooted.MEGABYTE


def test_every_library_stands_with_its_licence(root):
    if not shutil.which("dpkg-query"):
        pytest.skip("licences are collected from Debian's packages")
    owners = {path.parent.name for path in root.glob("usr/share/doc/*/copyright")}
    for package in ("libc6", "libmicrohttpd", "libjansson", "libuv", "libgnutls"):
        assert any(owner.startswith(package) for owner in owners), package
    for name in ("LICENSE", "LICENSES/CC-BY-SA-4.0.txt", "LICENSES/MIT.txt"):
        here = root / "usr/share/doc/embedd" / pathlib.Path(name).name
        assert here.read_bytes() == (TOP / name).read_bytes()


def test_it_answers_in_the_root_as_another_user(way, root):
    with rooted.Server(way, root) as server:
        if os.geteuid() == 0:
            status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
            assert re.search(rf"^Uid:\s+{rooted.USER}\s+{rooted.USER}\s", status, re.M)

        body = json.dumps({"input": "hello world", "encoding_format": "float"}).encode()
        request = urllib.request.Request(server.url + "/v1/embeddings", body)
        with urllib.request.urlopen(request, timeout=60) as reply:
            vector = json.load(reply)["data"][0]["embedding"]
        assert len(vector) == 256
        assert abs(sum(x * x for x in vector) - 1) < 1e-5

        with urllib.request.urlopen(server.url + "/metrics", timeout=60) as reply:
            assert b"embedd_requests_total" in reply.read()

        health = [*way, root, "/embedd", "health"]
        assert subprocess.run([*health, server.url]).returncode == 0
        # As HEALTHCHECK runs it: no address but the one in the environment.
        variables = {**os.environ, "EMBEDD_LISTEN": server.url.removeprefix("http://")}
        assert subprocess.run(health, env=variables).returncode == 0

        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(60) == 0
    assert subprocess.run([*health, server.url], stderr=subprocess.DEVNULL).returncode == 1


def test_a_library_less_and_it_fails(way, root, tmp_path):
    libraries = [path.relative_to(root) for path in files_in(root) if ".so" in path.name and path.parent.name != "gconv"]
    assert len(libraries) >= 5
    version = ["/embedd", "--version"]
    assert subprocess.run([*way, root, *version], stdout=subprocess.DEVNULL).returncode == 0
    for library in libraries:
        copy = tmp_path / "less"
        shutil.copytree(root, copy)
        (copy / library).unlink()
        result = subprocess.run([*way, copy, *version], capture_output=True)
        assert result.returncode != 0, f"{library} is not needed"
        shutil.rmtree(copy)


def test_it_reads_gb18030_in_the_root(way, root, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(root, copy)
    shutil.copytree(TOP / "examples/chain/w6x2", copy / "model")
    shutil.copy(TOP / "examples/heads/meal.json", copy / "meal.json")
    rows = "文本,标签\n我爱吃饭,meal\n我,other\n".encode("gb18030")
    command = [*way, copy, "/embedd", "eval", "--model=/model", "--heads=/meal.json", "--input=-", "--encoding=gb18030"]
    done = subprocess.run(command, input=rows, capture_output=True)
    assert done.returncode == 0 and b"Accuracy              1.0000" in done.stdout, done.stderr
    # Without the converter it says so.
    next(copy.rglob("GB18030.so")).unlink()
    done = subprocess.run(command, input=rows, capture_output=True)
    assert done.returncode == 1 and b"this system's C library does not know GB18030; convert the file first" in done.stderr


def test_a_program_that_lacks_a_library_is_refused(tmp_path):
    """make_root.sh stops where the loader does not find a library."""
    source = tmp_path / "gone.c"
    source.write_text("int gone(void) { return 0; }\n")
    user = tmp_path / "user.c"
    user.write_text("int gone(void);\nint main(void) { return gone(); }\n")
    library = tmp_path / "libgone.so"
    subprocess.run(["gcc", "-shared", "-fPIC", source, "-o", library], check=True)
    subprocess.run(["gcc", user, library, "-o", tmp_path / "user"], check=True)
    library.unlink()
    result = subprocess.run(
        [TOP / "docker/make_root.sh", tmp_path / "user", tmp_path / "root"], capture_output=True
    )
    assert result.returncode == 1
    assert b"libgone.so => not found" in result.stderr


@pytest.mark.parametrize("rules, ignored, seen", [
    ("build", "build build/a/b", "rebuild src/build"),
    ("*\n!src", "a build/b", "src src/a/b"),
    ("*\n!src\nsrc/*.o", "src/a.o", "src/a.c src/b/a.o"),
    ("*\n!src\nsrc/**/*.o", "src/a.o src/b/c/a.o", "src/a.c"),
    ("*\n!/tools/builtin/none.c", "tools tools/a tools/builtin/b", "tools/builtin/none.c"),
    ("!a\n*", "a", ""),
    ("# a\n\n  b/  \n! b/c", "b b/d", "a b/c # a"),
    ("a?[0-9]\n\\!b", "ab1 !b", "a1 a/1 b"),
])
def test_the_rules_are_read_as_the_engines_read_them(rules, ignored, seen):
    rules = context.Ignored(rules)
    assert [path for path in ignored.split() if path not in rules] == []
    assert [path for path in seen.split() if path in rules] == []


@pytest.fixture(scope="module")
def build_context(tmp_path_factory):
    """A copy of the files that the build of the image sees, and no others."""
    folder = tmp_path_factory.mktemp("context")
    for path in context.files(TOP):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(TOP / path, folder / path)
    return folder


def build_stage():
    """The instructions of the Dockerfile up to the image itself."""
    text = (TOP / "docker/Dockerfile").read_text().replace("\\\n", " ")
    return text.split("FROM scratch")[0]


def test_the_program_builds_from_what_the_build_of_the_image_sees(build_context):
    """As the Dockerfile does it, but in seconds: nothing is optimized."""
    assert re.findall(r"^RUN (.*)$", build_stage(), re.M)[1:] == [
        "make build/embedd", "docker/make_root.sh build/embedd /image"]
    variables = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS")}
    result = subprocess.run(["make", "build/embedd", "NODEPS=1", "CFLAGS=-O0 -g0 -U_FORTIFY_SOURCE"], cwd=build_context,
                            env=variables, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    root = build_context / "image"
    subprocess.run(["docker/make_root.sh", "build/embedd", root], cwd=build_context, check=True)
    answer = subprocess.run([root / "embedd", "tokenize"], input="hello", capture_output=True, text=True)
    assert json.loads(answer.stdout)["tokens"] == ["hello"], answer.stderr


def test_the_build_sees_all_that_the_build_stage_copies_and_runs_and_nothing_that_is_no_source(build_context):
    stage = build_stage()
    copied = re.findall(r"^COPY (?!--from)(\S+) \S+$", stage, re.M)
    scripts = re.findall(r"[\w/]+\.sh", stage)
    assert copied and scripts
    for path in copied + scripts:
        assert (build_context / path).exists(), path
    for path in ("build", ".git", "tests", "docs"):
        assert path not in os.listdir(TOP) or path in context.Ignored((TOP / ".dockerignore").read_text())


def test_compose_builds_the_same_image_from_the_same_context():
    text = (TOP / "docker/compose.yaml").read_text()
    where, dockerfile = re.search(r"^ +build:\n +context: (\S+)\n +dockerfile: (\S+)$", text, re.M).groups()
    folder = (TOP / "docker" / where).resolve()
    assert folder == TOP
    assert folder / dockerfile == TOP / "docker/Dockerfile"
    assert f"-f {dockerfile} " in (TOP / "docker/build.sh").read_text()


def run_build(folder, working, **variables):
    """docker/build.sh where the engines in `working` answer and the others are broken."""
    calls = folder / "calls"
    calls.write_text("")
    for engine in ("docker", "podman", "buildah"):
        script = f'[ "$1" = info ] || echo {engine} "$@" >>"{calls}"'
        if engine not in working:
            script = "echo no engine >&2; exit 1"
        (folder / engine).write_text(f"#!/bin/sh\n{script}\n")
        (folder / engine).chmod(0o755)
    variables = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", **variables}
    command = [TOP / "docker/build.sh", "1.2.3"]
    result = subprocess.run(command, env=variables, capture_output=True, text=True)
    return result, calls.read_text()


@pytest.mark.parametrize(
    "working, command",
    [
        (["docker", "podman", "buildah"], "docker build -f"),
        (["podman", "buildah"], "podman build --format docker -f"),
        (["buildah"], "buildah build --format docker -f"),
    ],
)
def test_make_docker_takes_the_first_engine_that_works(tmp_path, working, command):
    result, calls = run_build(tmp_path, working)
    assert result.returncode == 0, result.stderr
    assert calls.startswith(command + " docker/Dockerfile -t embedd:1.2.3 -t embedd:latest")
    assert "--build-arg VERSION=1.2.3" in calls and calls.count("\n") == 1


def test_make_docker_takes_the_engine_that_is_named(tmp_path):
    result, calls = run_build(tmp_path, ["docker", "buildah"], ENGINE="buildah")
    assert result.returncode == 0, result.stderr
    assert calls.startswith("buildah build --format docker -f")
    result, calls = run_build(tmp_path, ["docker"], ENGINE="podman")
    assert result.returncode == 1 and calls == ""
    assert "podman is installed but does not work here: no engine" in result.stderr


def test_make_docker_says_what_to_install_where_no_engine_works(tmp_path):
    result, calls = run_build(tmp_path, [])
    assert result.returncode == 1 and calls == ""
    assert "docker is installed but does not work here: no engine" in result.stderr
    assert "podman" in result.stderr.splitlines()[-1]
