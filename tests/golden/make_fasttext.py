#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains the small fastText models of tests/data/fasttext and writes down what the program says with them.

usage (in the top folder, with Debian's package fasttext 0.9.2, the program pinned below):
  python3 tests/golden/make_fasttext.py tests/data/fasttext

For each model NAME.bin or NAME.ftz: NAME.words, what print-word-vectors says of words.txt; NAME.vectors, what
print-sentence-vectors says of lines.txt; supervised ones: NAME.labels, what predict-prob says of lines.txt for k = 3.
One thread and a fixed seed; another CPU may still round otherwise, so take the whole folder from one run.
"""
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

VERSION = "0.9.2"

TOPICS = {
    "food": "bread soup rice noodles apple pear dinner spicy sweet kitchen 吃饭 米饭 面条 苹果 好吃 厨房 naïve café",
    "travel": "train ticket hotel airport passport luggage map island bridge harbour 火车 车票 酒店 机场 护照 地图",
    "money": "bank card transfer refund fee exchange balance cash account loan 银行 转账 退款 手续费 余额 账户",
    "天气": "rain snow storm sunny cloud wind warm freezing forecast umbrella 下雨 下雪 晴天 台风 温暖 雨伞",
    "sport": "football goal match runner swim medal coach stadium tennis race 足球 比赛 跑步 游泳 教练 金牌",
    "music": "guitar song piano concert drum melody choir violin rhythm opera 吉他 歌曲 钢琴 音乐会 旋律 合唱",
}
COMMON = "the a my is was of in very not and please when why today again 我 的 了 很 不 今天 为什么 请".split()
UNKNOWN = "unseen breadth 苹果树 转账失败 z 饭 don't x-ray Zürich <> > ελληνικά 🍜🍜 supercalifragilisticexpialidocious".split()
# What the program's two ways to split a line take differently, and bytes that are no UTF-8.
ODD = [b"", b" ", b"\t bread\vsoup\frice\r", b"bread </s> soup", b"__label__food rain __label__unheard snow", b"</s>",
       b"bread\0soup \0", b"caf\xe9 \xff\xfe soup", b"\x80\x80 bread", b"rain" * 40, "面条".encode() * 20, b"__label__"]


def sentences(rng, n):
    """(topic, words): the topics from often to seldom, the last three equally often."""
    weights = [8, 5, 3, 2, 2, 2]
    for _ in range(n):
        topic = rng.choices(list(TOPICS), weights)[0]
        words = rng.choices(TOPICS[topic].split(), k=rng.randint(2, 5)) + rng.choices(COMMON, k=rng.randint(1, 4))
        rng.shuffle(words)
        yield topic, words


def balanced(rows):
    """As many of each of the last three topics, so that the tree of hs has to break ties."""
    rare = list(TOPICS)[3:]
    n = min(sum(topic == name for topic, _ in rows) for name in rare)
    left = dict.fromkeys(rare, n)
    for topic, words in rows:
        if topic in left:
            left[topic] -= 1
            if left[topic] < 0:
                continue
        yield topic, words


def write_texts(folder, work):
    rng = random.Random(7)
    rows = list(balanced(list(sentences(rng, 400))))
    (work / "plain").write_text("".join(" ".join(words) + "\n" for _, words in rows))
    (work / "topics").write_text("".join(f"__label__{topic} {' '.join(words)}\n" for topic, words in rows))
    # Quantising the output takes 256 labels.
    many = ((i % 260, words) for i, (_, words) in enumerate(sentences(rng, 780)))
    (work / "many").write_text("".join(f"__label__{i} n{i} w{i % 20} {' '.join(words)}\n" for i, words in many))
    asked = [" ".join(words + rng.choices(UNKNOWN, k=rng.randint(0, 2))).encode() for _, words in sentences(rng, 78)]
    asked += [f"n{rng.randrange(300)} w{rng.randrange(30)} bread".encode() for _ in range(10)]
    (folder / "lines.txt").write_bytes(b"".join(line + b"\n" for line in asked + ODD))
    words = [word for topic in TOPICS.values() for word in topic.split()[::3]] + UNKNOWN + ["the", "我", "</s>", "n7", "w3"]
    (folder / "words.txt").write_text("".join(word + "\n" for word in words))


def run(*args, given=b""):
    return subprocess.run(["fasttext", *map(str, args)], input=given, stdout=subprocess.PIPE, check=True).stdout


def answers(lines, *args):
    """One line of answer for each: the program goes on behind a "</s>" in a line as if another began, so ask one by one."""
    return b"".join(run(*args, given=line + b"\n").split(b"\n")[0] + b"\n" for line in lines)


def train(folder, work, name, command, text, options, quantize=None):
    base = work / name
    run(command, "-input", work / text, "-output", base, "-thread", 1, "-seed", 1, "-verbose", 0, *options.split())
    kind = ".bin"
    if quantize is not None:
        run("quantize", "-input", work / text, "-output", base, "-thread", 1, "-verbose", 0, *quantize.split())
        kind = ".ftz"
    model = folder / (name + kind)
    shutil.copyfile(base.with_suffix(kind), model)
    words, lines = ((folder / file).read_bytes().split(b"\n")[:-1] for file in ("words.txt", "lines.txt"))
    (folder / f"{name}.words").write_bytes(answers(words, "print-word-vectors", model))
    (folder / f"{name}.vectors").write_bytes(answers(lines, "print-sentence-vectors", model))
    if command == "supervised":
        (folder / f"{name}.labels").write_bytes(answers(lines, "predict-prob", model, "-", 3))


def main():
    have = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "fasttext"], capture_output=True, text=True).stdout
    if not have.startswith(VERSION):
        sys.exit(f"fastText {VERSION} is pinned, not '{have}': apt-get install fasttext")
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        work = pathlib.Path(name)
        write_texts(folder, work)
        learn = "-lr 0.5 -epoch 20 -minCount 2 "
        train(folder, work, "skipgram", "skipgram", "plain", "-dim 8 -bucket 300 -minn 2 -maxn 4 -minCount 2")
        train(folder, work, "cbow", "cbow", "plain", "-dim 10 -minn 0 -maxn 0 -minCount 2")
        train(folder, work, "softmax", "supervised", "topics", learn + "-dim 9 -bucket 300 -wordNgrams 2")
        train(folder, work, "hs", "supervised", "topics", learn + "-dim 8 -bucket 200 -loss hs -minn 2 -maxn 3")
        train(folder, work, "ova", "supervised", "many", learn + "-dim 8 -bucket 0 -loss ova")
        train(folder, work, "ns", "supervised", "topics", learn + "-dim 5 -bucket 100 -loss ns -wordNgrams 3")
        train(folder, work, "pruned", "supervised", "topics", learn + "-dim 10 -bucket 900 -wordNgrams 2 -minn 2 -maxn 4",
              "-qnorm -cutoff 300 -dsub 4")
        train(folder, work, "unpruned", "supervised", "topics", learn + "-dim 6 -bucket 300 -wordNgrams 2 -loss hs", "-dsub 2")
        train(folder, work, "qout", "supervised", "many", learn + "-dim 7 -bucket 500 -wordNgrams 2", "-qnorm -qout -cutoff 350")


main()
