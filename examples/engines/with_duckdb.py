# SPDX-License-Identifier: Apache-2.0
"""DuckDB: a step's `array` is a function of SQL.
usage: with_duckdb.py IN.parquet OUT-FOLDER [MODEL]     vectors of the column "text"; with MODEL its labels"""
import sys
from pathlib import Path

import duckdb

from embedd.arrow import Classify, Embed

ANSWER = "STRUCT(label VARCHAR, labels VARCHAR[], unsure FLOAT, scores MAP(VARCHAR, FLOAT))"


def functions(database, model=None):
    """embed(text), and with a model that has a head classify(text). null_handling: steps take nulls themselves."""
    step = Embed("text", model=model or "builtin", layout="fixed")
    database.create_function("embed", step.array, ["VARCHAR"], f"FLOAT[{step.type.list_size}]", type="arrow",
                             null_handling="special")
    if model:
        database.create_function("classify", Classify("text", model=model).array, ["VARCHAR"], ANSWER, type="arrow",
                                 null_handling="special")


def main(source, target, model=None):
    database = duckdb.connect()
    functions(database, model)
    # Of FLOAT[256] with nulls DuckDB writes Parquet files that pyarrow cannot read.
    added = "classify(text) AS prediction" if model else "embed(text)::FLOAT[] AS embedding"
    Path(target).mkdir()
    rows = database.sql(f"SELECT *, {added} FROM read_parquet($source)", params={"source": source})
    rows.write_parquet(str(Path(target) / "rows.parquet"))


if __name__ == "__main__":
    main(*sys.argv[1:])
