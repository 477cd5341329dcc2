# SPDX-License-Identifier: Apache-2.0
"""What `make bench-quality` makes of measures: which figures a model has, what it loses, the tables."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

# Last: it has a tokenizers.py of its own.
sys.path.append(str(Path(__file__).resolve().parents[2] / "bench"))
import figures  # noqa: E402
import probes  # noqa: E402
import report  # noqa: E402


def figure(name, language, cuts=False):
    return figures.Figure("similarity", name, language, lambda vectors, n: n or vectors, None, cuts)


WANTED = [figure("e", "en", cuts=True), figure("z", "zh"), figure("b", "both")]


@pytest.mark.parametrize("languages, names", [
    ("en", {"e", "e, 64 columns"}), ("zh", {"z"}), ("both", {"e", "e, 64 columns", "z", "b"})])
def test_a_model_is_measured_on_the_languages_it_knows(languages, names):
    found = figures.measured(WANTED, 256, languages, (64,))
    assert set(found) == names
    assert all(value == (64 if "64" in name else 256) for name, value in found.items())


def test_what_is_lost_is_the_whole_less_the_rest():
    found = {"e": 0.8, "e, 64 columns": 0.75, "z": 0.3, "b": 0.2, "STS-B dev simplified": 0.9,
             "STS-B dev traditional": 0.85, "STS-B dev mixed": 0.95}
    losses = {name: (round(lost, 6), target) for name, lost, target in figures.losses(WANTED, found, {64: 0.04})}
    assert losses == {"e, lost by 64 columns": (0.05, 0.04),
                      "STS-B dev, lost by traditional characters": (0.05, 0.005),
                      "STS-B dev, lost by mixed characters": (-0.05, 0.005)}


def test_without_the_registers_nothing_is_said_of_scripts():
    assert [name for name, _, _ in figures.losses(WANTED, {"e": 1, "e, 64 columns": 1}, {64: 0})] == [
        "e, lost by 64 columns"]


def test_cosines_are_reduced_over_pairs():
    table = {"a": [1.0, 0], "b": [1, 1], "c": [0, 1]}

    def vectors(texts):
        return np.array([table[text] for text in texts])
    pairs = [("a", "a"), ("a", "c"), ("b", "a")]
    assert figures.cosine_by(np.min, pairs)(vectors, None) == 0
    assert figures.cosine_by(np.mean, pairs)(vectors, None) == pytest.approx((1 + 0.5**0.5) / 3)
    assert figures.cosine_by(np.mean, pairs[2:])(vectors, 1) == 1


def test_full_width_is_what_nfkc_undoes():
    import unicodedata
    text = "ABC 123, 50% of {x}~! 中文"
    wide = probes.full_width(text)
    assert wide.startswith("ＡＢＣ\u3000１２３，") and wide.endswith("中文")
    assert unicodedata.normalize("NFKC", wide) == text


def test_each_rare_character_stands_in_each_text():
    pairs = probes.rare()
    assert len(pairs) == len(probes.AROUND_RARE) * len(probes.RARE) == len(set(pairs))
    assert all(len(text) == len(plain) + 1 for text, plain in pairs)


def test_a_table_has_a_row_a_figure_and_leaves_empty_what_was_not_measured():
    text = report.table("Likeness", ["e", "z"],
                        {"ours": {"e": 0.81249, "z": -0.1}, "theirs": {"e": 0.5}, "no one's": {}})
    assert text.split("\n")[1:] == [
        "**Likeness**", "", "| | ours | theirs | no one's |", "| --- | --- | --- | --- |",
        "| e | 0.812 | 0.500 | |", "| z | −0.100 | | |"]


def test_a_report_is_a_list_of_rows_and_says_what_is_missed(tmp_path, capsys):
    found = report.Report()
    found.add("likeness", 0.81, 0.8)
    found.add("lost", 0.02, 0.01, "lower")
    found.write(tmp_path / "rows.json")
    said = capsys.readouterr().out.split("\n")
    assert said[0].endswith("≥ 0.8 met") and said[1].endswith("≤ 0.01 MISSED")
    assert json.loads((tmp_path / "rows.json").read_text()) == [
        {"name": "likeness", "value": 0.81, "unit": "score", "target": 0.8, "better": "higher"},
        {"name": "lost", "value": 0.02, "unit": "score", "target": 0.01, "better": "lower"}]


def test_without_the_data_it_says_so(tmp_path, capsys):
    assert report.has_data(tmp_path) and not report.has_data(tmp_path / "none")
    assert "skipped: there is no folder" in capsys.readouterr().out
