# SPDX-License-Identifier: Apache-2.0
"""Polars: a step's `array` makes a Series of a Series, also for pieces that the streaming engine hands over.
usage: with_polars.py IN.parquet OUT-FOLDER [MODEL]     vectors of the column "text"; with MODEL its labels"""
import sys
from pathlib import Path

import polars as pl

from embedd import Model
from embedd.arrow import Classify, Embed


def main(source, target, model=None):
    # Polars gives one piece at a time, so the step takes all cores.
    opened = Model(model or "builtin", threads=0)
    step = Classify("text", model=opened) if model else Embed("text", model=opened)
    kind = pl.Series(step.array([])).dtype

    def answer(texts):
        return pl.Series(step.into, step.array(texts), kind)

    rows = pl.scan_parquet(source)
    made = rows.with_columns(pl.col("text").map_batches(answer, return_dtype=kind, is_elementwise=True).alias(step.into))
    Path(target).mkdir()
    made.sink_parquet(Path(target) / "rows.parquet")


if __name__ == "__main__":
    main(*sys.argv[1:])
