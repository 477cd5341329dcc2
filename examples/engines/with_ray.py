# SPDX-License-Identifier: Apache-2.0
"""Ray Data: a step is what map_batches takes.
usage: with_ray.py IN.parquet OUT-FOLDER [MODEL]     vectors of the column "text"; with MODEL its labels"""
import sys

import ray

from embedd.arrow import Classify, Embed


def main(source, target, model=None):
    step = Classify("text", model=model) if model else Embed("text")
    rows = ray.data.read_parquet(source)
    made = rows.map_batches(step, batch_format="pyarrow", batch_size=16384, zero_copy_batch=True)
    made.write_parquet(target)


if __name__ == "__main__":
    main(*sys.argv[1:])
