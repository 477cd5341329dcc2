# SPDX-License-Identifier: Apache-2.0
"""The files in which the teachers' vectors are kept."""

import numpy as np
import pytest

import shards

LINES = [f"line {i} 第{i}行" for i in range(25)]


class Encoder:
    """Gives each line a vector of its own, and notes what it was asked for; at call `breaks` it breaks."""

    def __init__(self, breaks=None):
        self.asked, self.breaks = [], breaks

    def __call__(self, lines):
        if len(self.asked) == self.breaks:
            raise KeyboardInterrupt
        self.asked.append(list(lines))
        return np.array([vector_of(line) for line in lines])


def vector_of(line):
    return np.random.default_rng(shards.key_of(line)).random(4, np.float32).astype(np.float16)


def make(folder, encoder, lines=LINES, **more):
    return shards.make(shards.Shards(folder, 4), encoder, lines, 10, say=lambda _: None, **more)


def test_every_line_gets_its_own_vector(tmp_path):
    assert make(tmp_path, Encoder()) == 0
    kept = shards.Shards(tmp_path, 4)
    assert len(kept) == 25
    backwards = LINES[::-1] + LINES[:3]
    np.testing.assert_array_equal(kept(backwards), [vector_of(line) for line in backwards])


def test_what_is_there_is_not_made_again(tmp_path):
    make(tmp_path, Encoder(), LINES[:12])
    encoder = Encoder()
    make(tmp_path, encoder, ["new", *LINES, "new"])
    assert encoder.asked == [["new", *LINES[12:21]], LINES[21:]]


def test_a_stop_loses_only_the_file_in_the_making(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path, Encoder(breaks=2))
    assert shards.Shards(tmp_path, 4).missing(LINES) == LINES[20:]
    encoder = Encoder()
    assert make(tmp_path, encoder) == 0
    assert encoder.asked == [LINES[20:]]


def test_an_unfinished_file_is_passed_over(tmp_path):
    make(tmp_path, Encoder(), LINES[:10])
    (tmp_path / "000001.tmp").write_bytes((tmp_path / "000000.npy").read_bytes()[:200])
    assert len(shards.Shards(tmp_path, 4)) == 10
    make(tmp_path, Encoder())
    np.testing.assert_array_equal(shards.Shards(tmp_path, 4)(LINES[12:13]), [vector_of(LINES[12])])


def test_it_stops_between_two_files_when_told(tmp_path):
    answers = iter([False, True])
    assert make(tmp_path, Encoder(), enough=lambda: next(answers)) == 15
    assert shards.Shards(tmp_path, 4).missing(LINES) == LINES[10:]


def test_a_line_without_vector_is_named(tmp_path):
    make(tmp_path, Encoder(), LINES[:10])
    with pytest.raises(KeyError, match="line 10 第10行"):
        shards.Shards(tmp_path, 4)(LINES[:12])


def test_an_empty_folder_has_nothing(tmp_path):
    kept = shards.Shards(tmp_path, 4)
    assert kept.missing(LINES) == LINES and len(kept) == 0
    with pytest.raises(KeyError, match="line 0 "):
        kept(LINES)


def test_vectors_of_another_width_are_refused(tmp_path):
    make(tmp_path, Encoder(), LINES[:10])
    with pytest.raises(ValueError, match="not vectors of 5 numbers"):
        shards.Shards(tmp_path, 5)


def test_a_key_is_the_same_in_every_run():
    assert shards.key_of("猫 cat") == 5924907352885528776
