# SPDX-License-Identifier: Apache-2.0
"""Daft: a step's `array` is a function of batches.
usage: with_daft.py IN.parquet OUT-FOLDER [MODEL]     vectors of the column "text"; with MODEL its labels"""
import sys

import daft

from embedd.arrow import Classify, Embed


def main(source, target, model=None):
    step = Classify("text", model=model) if model else Embed("text")

    @daft.func.batch(return_dtype=daft.DataType.from_arrow_type(step.type))
    def answer(texts):
        return step.array(texts.to_arrow())

    rows = daft.read_parquet(source)
    rows.with_column(step.into, answer(rows["text"])).write_parquet(target)


if __name__ == "__main__":
    main(*sys.argv[1:])
