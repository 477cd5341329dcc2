# SPDX-License-Identifier: Apache-2.0
"""The commands that read texts, as a user runs them: embed, tokenize, bench, help."""

import array
import ast
import json
import os
import re
import signal
import subprocess
from pathlib import Path

import numpy
import pytest
from harness import BERT, PATIENCE_S, PROGRAM, SANITIZER, TOP, wait_until, write_model

pytestmark = pytest.mark.slow_under_tsan  # one thread reads, embeds and writes

RELEASE = str((TOP / os.environ.get("EMBEDD_RELEASE", "build/embedd")).resolve())
TEXTS = ["I love to eat", "", "naïve café", "我爱吃饭", "a b c d e f g", "Hello, world!"]
DIM = 256


class Result:
    def __init__(self, *args, stdin=b"", **options):
        done = subprocess.run(
            [PROGRAM, *args], input=stdin, stdout=options.pop("stdout", subprocess.PIPE),
            stderr=subprocess.PIPE, timeout=10 * PATIENCE_S, **options)
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr.decode()
        assert not SANITIZER.search(self.err), self.err


def run(*args, says="", **options):
    """The output of a command that must succeed and say nothing else."""
    result = Result(*args, **options)
    assert (result.code, result.err) == (0, says)
    return result.out


def fails(code, sentence, *args, **options):
    """A command must fail with one sentence that holds `sentence`."""
    result = Result(*args, **options)
    assert result.code == code, result.err
    assert sentence in result.err
    assert result.err.count("\n") == 1 and result.err.startswith("embedd")
    return result


def lines(*texts):
    return "".join(text + "\n" for text in texts).encode()


def bits(vector):
    """The float32 that a list of JSON numbers stands for, as bytes."""
    return array.array("f", vector).tobytes()


def vectors(data):
    return [bits(json.loads(line)) for line in data.splitlines()]


def read_npy(data):
    assert data[:8] == b"\x93NUMPY\x01\x00"
    end = 10 + int.from_bytes(data[8:10], "little")
    assert end % 64 == 0 and data[end - 1:end] == b"\n"
    header = ast.literal_eval(data[10:end].decode())
    assert (header["descr"], header["fortran_order"]) == ("<f4", False)
    return header["shape"], data[end:]


# ---- embed ----


def test_a_vector_for_every_line():
    found = vectors(run("embed", stdin=lines(*TEXTS)))
    assert [len(one) for one in found] == [4 * DIM] * len(TEXTS)
    assert found[1] == bytes(4 * DIM)
    assert len(set(found)) == len(TEXTS)


def test_the_formats_hold_the_same_bits(tmp_path):
    text = lines(*TEXTS)
    expected = b"".join(vectors(run("embed", stdin=text)))
    assert run("embed", "--format", "f32", stdin=text) == expected
    as_text = run("embed", "--format", "text", stdin=text).decode().splitlines()
    assert b"".join(bits(map(float, one.split(" "))) for one in as_text) == expected
    assert run("embed", "--format", "npy", "--output", tmp_path / "a.npy", stdin=text) == b""
    shape, data = read_npy((tmp_path / "a.npy").read_bytes())
    assert shape == (len(TEXTS), DIM) and data == expected


def test_numpy_reads_the_npy_file(tmp_path):
    run("embed", "--format=npy", f"--output={tmp_path / 'a.npy'}", stdin=lines(*TEXTS))
    found = numpy.load(tmp_path / "a.npy")
    assert found.shape == (len(TEXTS), DIM) and found.dtype == numpy.float32
    norms = numpy.linalg.norm(found.astype(float), axis=1)
    assert numpy.allclose(norms, [text != "" for text in TEXTS], atol=1e-6)


def test_npy_of_nothing_and_into_a_redirected_file(tmp_path):
    run("embed", "--format", "npy", "--output", tmp_path / "empty.npy")
    assert read_npy((tmp_path / "empty.npy").read_bytes()) == ((0, DIM), b"")
    with open(tmp_path / "b.npy", "wb") as out:
        out.write(b"before")
        out.flush()
        run("embed", "--format", "npy", stdin=lines("a", "b"), stdout=out)
    data = (tmp_path / "b.npy").read_bytes()
    assert data[:6] == b"before" and read_npy(data[6:])[0] == (2, DIM)


def test_npy_needs_a_file_it_can_go_back_in(tmp_path):
    fails(2, "use --output FILE, or --format f32", "embed", "--format", "npy", stdin=b"a\n")
    with open(tmp_path / "log", "ab") as out:
        fails(2, "--output FILE", "embed", "--format", "npy", stdin=b"a\n", stdout=out)
    assert (tmp_path / "log").read_bytes() == b""


def test_a_line_ends_in_lf_or_crlf_and_the_last_needs_none():
    expected = run("embed", stdin=b"one\ntwo\n\nthree\n")
    assert run("embed", stdin=b"one\r\ntwo\r\n\r\nthree\r\n") == expected
    assert run("embed", stdin=b"one\ntwo\n\nthree") == expected
    assert run("embed", stdin=b"\xef\xbb\xbfone\ntwo\n\nthree") == expected
    assert run("embed", stdin=b"") == b""


def test_files_follow_each_other_and_dash_is_standard_input(tmp_path):
    (tmp_path / "a").write_bytes(b"one\ntwo")
    (tmp_path / "b").write_bytes(b"four\n")
    found = run("embed", tmp_path / "a", "-", tmp_path / "b", stdin=b"three\n")
    assert found == run("embed", stdin=b"one\ntwo\nthree\nfour\n")


def test_lines_cross_every_boundary_of_the_reader():
    texts = ["x " * n + "end" for n in (1, 65536, 131072, 262140, 5, 1000000)]
    found = run("embed", "--dimensions", "4", stdin=lines(*texts))
    alone = [run("embed", "--dimensions", "4", stdin=lines(text)) for text in texts]
    assert found == b"".join(alone)


def test_a_line_of_ten_megabytes_without_a_space():
    for line in (b"a" * (10 << 20), "我".encode() * (3 << 20)):
        assert len(vectors(run("embed", stdin=line + b"\nb\n"))) == 2


def test_a_line_without_end_is_refused():
    fails(1, "standard input, line 2: longer than 64 MiB; one text per line is expected", "embed",
          stdin=b"a\n" + bytes(70 << 20))


def test_options_of_the_vector():
    text = lines(*TEXTS)
    cut = [json.loads(line) for line in run("embed", "--dimensions", "5", stdin=text).splitlines()]
    raw = run("embed", "--no-normalize", stdin=text)
    fails(2, "--normalize is given twice", "embed", "--normalize", "--no-normalize", stdin=text)
    for short, whole in zip(cut, (json.loads(line) for line in raw.splitlines())):
        norm = sum(x * x for x in whole[:5]) ** 0.5
        assert short == pytest.approx([x / norm if norm else 0 for x in whole[:5]], abs=1e-6)
    poolings = {run("embed", "--pooling", name, stdin=text) for name in ("mean", "max")}
    assert len(poolings) == 2


def test_wrong_use_of_embed():
    fails(2, "--format must be json, text, npy, f32 or jsonl, not 'xml'", "embed", "--format", "xml")
    fails(2, "did you mean --dimensions?", "embed", "--dimension", "3")
    fails(2, "from 1 to 256, the model's, not '257'", "embed", "--dimensions", "257")
    fails(2, "--pooling must be mean", "embed", "--pooling", "weighted")
    fails(1, "no-such-model", "embed", "--model", "/no-such-model")


def test_what_is_not_utf8_is_named_by_file_and_line(tmp_path):
    (tmp_path / "bad").write_bytes(b"fine\nalso fine\nna\xefve\n")
    result = fails(1, f"{tmp_path / 'bad'}, line 3: not UTF-8 at byte 3 (0xEF)",
                   "embed", tmp_path / "bad")
    assert len(vectors(result.out)) == 2
    for bad in (b"\xed\xa0\x80", b"\xc0\xaf", b"\xf5\x80\x80\x80", b"\xe6\x88"):
        fails(1, "standard input, line 2: not UTF-8 at byte 1", "tokenize", stdin=b"\n" + bad)
    assert len(vectors(run("embed", stdin=b"a\0b\n"))) == 1


@pytest.mark.parametrize("text", ["text,label\nI love to eat,good\n", "我爱吃饭,好\n一天,坏\n"])
@pytest.mark.parametrize("codec, name, mark", [
    ("utf-16-le", "UTF-16", "\ufeff"), ("utf-16-be", "UTF-16", "\ufeff"),
    ("utf-16-le", "UTF-16LE", ""), ("utf-16-be", "UTF-16BE", "")])
def test_a_file_in_utf16_is_told_its_remedy(tmp_path, text, codec, name, mark):
    # Without a mark ASCII in UTF-16 is valid UTF-8, every other character of it NUL.
    path = tmp_path / "texts"
    path.write_bytes((mark + text).encode(codec))
    remedy = f"line 1: this is {name}, not UTF-8; convert the file first, with iconv -f {name} -t UTF-8\n"
    model = (f"--model={TOP / 'examples/chain/w6x2'}", f"--heads={TOP / 'examples/heads'}")
    for command in (("embed", path), ("tokenize", path), ("bench", path), ("classify", *model, path)):
        fails(1, remedy, *command)
    if not mark:  # what takes --encoding names it, and reads what has a mark
        for command in (("train", f"--output={tmp_path / 'out'}"), ("eval", *model)):
            fails(1, f"line 1: this is {name}, not UTF-8; give --encoding {name.lower()}\n", *command, f"--input={path}")
    (tmp_path / "out").mkdir()
    folder = write_model(tmp_path / "out", BERT)
    (folder / "vocab.txt").write_bytes((mark + "\n".join(BERT)).encode(codec))
    fails(1, "vocab.txt, " + remedy, "vocab", "--model", folder)
    done = subprocess.run(["iconv", "-f", name, "-t", "UTF-8", path], capture_output=True, check=True)
    assert done.stdout.decode() == text


def test_files_that_cannot_be_read(tmp_path):
    fails(1, "cannot be opened: No such file", "embed", tmp_path / "none")
    fails(1, "cannot be read: Is a directory", "embed", tmp_path)


def test_an_output_file_is_whole_or_not_there(tmp_path):
    out = tmp_path / "out"
    out.write_bytes(b"old")
    fails(1, "exists; give another one, or --force to replace it", "embed", "--output", out, stdin=b"a\n")
    fails(1, "line 2", "embed", "--force", "--output", out, stdin=b"a\n\xff\n")
    assert out.read_bytes() == b"old" and os.listdir(tmp_path) == ["out"]
    out.chmod(0o640)
    link = tmp_path / "link"
    link.symlink_to(out)
    run("embed", "--force", "--format", "f32", "--output", link, stdin=b"a\n")
    assert link.is_symlink() and len(out.read_bytes()) == 4 * DIM
    assert out.stat().st_mode & 0o777 == 0o640
    assert sorted(os.listdir(tmp_path)) == ["link", "out"]
    fails(1, "where: No such file or directory", "embed", "--output", tmp_path / "no" / "where",
          stdin=b"a\n")
    (tmp_path / "link").unlink()
    (tmp_path / "link").symlink_to("nowhere")
    run("embed", "--output", tmp_path / "link", stdin=b"a\n")
    assert (tmp_path / "link").is_file()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE])
def test_a_signal_leaves_no_half_of_a_file(tmp_path, number):
    process = subprocess.Popen(
        [PROGRAM, "embed", "--output", tmp_path / "out"], stdin=subprocess.PIPE)
    process.stdin.write(b"a\n" * 100)
    process.stdin.flush()
    wait_until(lambda: os.listdir(tmp_path), "the file is begun")
    process.send_signal(number)
    assert process.wait(PATIENCE_S) == -number
    process.stdin.close()
    assert os.listdir(tmp_path) == []


def test_output_that_cannot_be_written_is_an_error():
    many = b"a\n" * 1000
    fails(1, "/dev/full cannot be written: No space left on device", "embed", "--output",
          "/dev/full", stdin=many)
    for command in (["embed"], ["tokenize"], ["help"], ["--version"], ["embed", "--help"]):
        with open("/dev/full", "wb") as full:
            fails(1, "standard output cannot be written: No space left on device", *command,
                  stdin=many, stdout=full)


CHATTY = (["embed"], ["embed", "--format", "f32"], ["tokenize"], ["vocab"], ["inspect", "builtin"],
          ["config"], ["config", "--sample"], ["help"], ["--version"], ["embed", "--help"],
          ["serve", "--help"], ["bench", "--rounds=1", "-"],
          ["classify", f"--model={TOP / 'examples/chain/w6x2'}", f"--heads={TOP / 'examples/heads'}"],
          ["convert", "--input=builtin", "--output={folder}/out"])


@pytest.mark.parametrize("command", CHATTY, ids=" ".join)
def test_a_reader_that_leaves_ends_a_command_without_a_word(command, tmp_path):
    """As other commands end: by SIGPIPE, which the shell shows as 141."""
    command = [word.format(folder=tmp_path) for word in command]
    reader, writer = os.pipe()
    os.close(reader)
    try:
        many = "我爱吃饭\n".encode() * 1000
        result = Result(*command, stdin=many, stdout=writer)
        assert (result.code, result.err) == (-signal.SIGPIPE, "")
        # Where whoever started it wants to hear of it, one sentence.
        (tmp_path / "out").unlink(missing_ok=True)
        fails(1, "standard output cannot be written: Broken pipe", *command, stdin=many,
              stdout=writer, preexec_fn=lambda: signal.signal(signal.SIGPIPE, signal.SIG_IGN))
    finally:
        os.close(writer)


def close_some(*numbers):
    def close():
        for number in numbers:
            os.close(number)
    return close


def test_a_closed_stream_is_no_file_of_ours(tmp_path):
    """What is opened later must not get its number."""
    expected = run("embed", "--format", "f32", stdin=b"a\n")
    out = tmp_path / "out"
    for numbers in ((1,), (2,), (1, 2)):
        Result("embed", "--format", "f32", "--output", out, stdin=b"a\n",
               preexec_fn=close_some(*numbers))
        assert out.read_bytes() == expected
        out.unlink()
    assert Result("embed", stdin=b"a\n", preexec_fn=close_some(1)).err == (
        "embedd embed: standard output cannot be written: Bad file descriptor\n")
    assert Result("embed", preexec_fn=close_some(0)).err == (
        "embedd embed: standard input cannot be read: Bad file descriptor\n")
    assert Result("embed", stdin=b"\xff\n", preexec_fn=close_some(0, 1, 2)).code == 1


def test_an_option_given_twice_is_refused():
    for command in ("embed", "tokenize", "classify", "vocab", "bench", "eval"):
        fails(2, "--model is given twice; give it once\n", command, "--model", "builtin", "--model=builtin")
    # A list there; of one name all the same.
    fails(2, "two models are named 'embedd-base-2'", "serve", "--model", "builtin", "--model=builtin")
    fails(2, "--output is given twice; give it once", "train", "--output", "a", "--output", "b")
    fails(2, "--output is given twice; give it once", "convert", "--output=a", "--output=b")
    fails(2, "--format is given twice; give it once", "config", "--format=json", "--format", "text")
    fails(2, "--format is given twice; give it once", "inspect", "--format=json", "--format=json")
    fails(2, "--threads is given twice; give it once", "serve", "--threads=1", "--threads=2")


def test_a_device_is_written_not_replaced():
    run("embed", "--output", "/dev/null", stdin=b"a\n")
    assert not Path("/dev/null").is_file()


def peak_bytes(n_lines):
    """The most memory that embed has had after reading n lines."""
    block = lines(*(f"line {i} of many" for i in range(1000)))
    process = subprocess.Popen(
        [RELEASE, "embed", "--format", "f32", "--dimensions", "8"], stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL)
    for _ in range(n_lines // 1000):
        process.stdin.write(block)
    process.stdin.flush()
    status = Path(f"/proc/{process.pid}/status").read_text()
    process.stdin.close()
    assert process.wait(PATIENCE_S) == 0
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024


def test_a_million_lines_take_no_more_memory_than_some():
    # How many blocks are in use at a time goes by the threads; the lines are 20 MB, what is written 32.
    assert peak_bytes(1000000) < peak_bytes(20000) + (8 << 20)


def test_vectors_are_the_servers(service):
    reply = json.loads(service.post("/v1/embeddings", json.dumps({"input": TEXTS}).encode()).body)
    from_server = [bits(item["embedding"]) for item in reply["data"]]
    assert vectors(run("embed", stdin=lines(*TEXTS))) == from_server


# ---- tokenize ----


def test_tokens_are_the_servers(service):
    reply = json.loads(service.post("/v1/ids", json.dumps({"text": TEXTS}).encode()).body)
    found = [json.loads(line) for line in run("tokenize", stdin=lines(*TEXTS)).splitlines()]
    assert [one["ids"] for one in found] == [item["ids"] for item in reply["data"]]
    assert [one["tokens"] for one in found] == [item["tokens"] for item in reply["data"]]


def test_offsets_are_code_points_of_the_line():
    for line, text in zip(run("tokenize", stdin=lines(*TEXTS)).splitlines(), TEXTS):
        found = json.loads(line)
        assert list(found) == ["tokens", "ids", "offsets"]
        assert len(found["tokens"]) == len(found["ids"]) == len(found["offsets"])
        assert "".join(text[start:end] for start, end in found["offsets"]) == text.replace(" ", "")


def test_special_tokens_only_when_asked(tmp_path):
    model = f"--model={write_model(tmp_path, BERT)}"
    plain = json.loads(run("tokenize", model, stdin=b"eat\n"))
    special = json.loads(run("tokenize", model, "--special", stdin=b"eat\n"))
    assert special["tokens"] == ["[CLS]", *plain["tokens"], "[SEP]"]
    assert special["offsets"] == [[0, 0], *plain["offsets"], [0, 0]]


def test_a_token_outside_a_dictionary_shows_its_text(tmp_path):
    folder = write_model(tmp_path, "他我爱吃你饭")
    found = json.loads(run("tokenize", "--model", folder, stdin="我爱 “world” 饭\n".encode(),
                           says="embedd tokenize: 3 of 6 tokens are unknown to the model\n"))
    by_token = dict(zip(found["tokens"], found["ids"]))
    assert (by_token["我"], by_token["爱"], by_token["饭"], by_token["world"]) == (1, 2, 5, None)


@pytest.mark.parametrize("text, says", [
    ("我爱\n\n饭\n", ""), ("猫\n", "1 of 1 token is"), ("我猫\n", "1 of 2 tokens is"),
    ("我猫猫\n爱狗\n" * 5000, "15000 of 25000 tokens are")])
def test_unknown_tokens_are_told_once_at_the_end(tmp_path, text, says, service):
    """As many as HTTP counts in a header."""
    heads = f"--heads={TOP / 'examples/heads'}"
    for command in (["embed"], ["embed", "--force", "--output", tmp_path / "out"], ["tokenize"],
                    ["classify", heads], ["classify", heads, "--threads=3"]):
        line = f"embedd {command[0]}: {says} unknown to the model\n" if says else ""
        run(*command, "--model", TOP / "examples/chain/w6x2", stdin=text.encode(), says=line)
    rare = "今天和朋友去吃𰻞𰻞面味道很好"
    reply = service.post("/embed", json.dumps({"inputs": [rare, "hello"]}).encode())
    unknown = int(reply.headers.get("x-embedd-unknown", 0))
    result = Result("embed", stdin=lines(rare, "hello"))
    assert (f": {unknown} of " in result.err) if unknown else not result.err


def test_a_model_folder_is_embedded_with_its_own_table(tmp_path):
    folder = write_model(tmp_path, "他我爱吃你饭")
    found = run("embed", "--model", folder, "--pooling", "sum", "--no-normalize",
                stdin="我爱\n饭\n\n".encode())
    assert [json.loads(line) for line in found.splitlines()] == [[2, 2.5], [2.75, 3], [0, 0]]


# ---- bench, help, version ----


def test_bench_times_every_part(tmp_path):
    (tmp_path / "texts").write_bytes(lines(*TEXTS))
    result = json.loads(run("bench", "--rounds", "3", "--format", "json", tmp_path / "texts"))
    parts = {"tokenize", "gather", "pool", "write", "base64", "all"}
    assert (result["texts"], result["dimensions"], result["rounds"]) == (5, DIM, 3)
    assert set(result["us_per_text"]) == set(result["ns_per_token"]) == parts
    assert all(value > 0 for value in result["us_per_text"].values())
    assert "tokenize" in run("bench", "--texts", "2", "--rounds", "1", tmp_path / "texts").decode()


def test_bench_needs_texts(tmp_path):
    fails(2, "an argument is missing", "bench")
    (tmp_path / "empty").write_bytes(b"\n\n")
    fails(1, "holds no text to time", "bench", tmp_path / "empty")


def test_help_lists_the_commands_and_each_has_its_own():
    overview = run("help").decode()
    assert run("--help").decode() == overview
    names = re.findall(r"^  ([a-z]+)  ", overview, re.M)
    assert {"serve", "embed", "tokenize", "inspect", "bench", "health", "config"} <= set(names)
    for name in names:
        text = run("help", name).decode()
        assert text.startswith("usage: embedd")
        assert text == run(name, "--help").decode()


def test_an_unknown_command_names_the_nearest():
    fails(2, "unknown command 'emebd', did you mean embed?", "emebd")
    fails(2, "unknown command 'zzzzzz', embedd help lists them", "zzzzzz")
    fails(2, "unknown command 'tokenise', did you mean tokenize?", "help", "tokenise")
    nothing = Result()
    assert nothing.code == 2 and nothing.err.startswith("usage: embedd")


def test_version_names_the_program_its_kernels_and_its_model():
    text = run("--version").decode()
    assert re.match(r"embedd \d+\.\d+\.\d+ \(Apache-2\.0\)\n", text)
    assert re.search(r"^libraries: libmicrohttpd [\d.]+, libuv [\d.]+, GnuTLS [\d.]+, jansson [\d.]+$", text, re.M)
    assert re.search(r"^kernels: (scalar|avx2|avx512)$", text, re.M)
    assert re.search(r"^built-in model: \S+ .*256 dimensions", text, re.M)
