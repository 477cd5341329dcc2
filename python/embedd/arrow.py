# SPDX-License-Identifier: Apache-2.0
"""A column of texts to a column of vectors or labels, on Arrow's batches: what Spark, Ray Data, Daft, Polars and DuckDB
are served by.

    step = Embed("text")                 # opens the model, so that what is wrong is said here
    table = step(table)                  # a pyarrow Table or RecordBatch, with the column "embedding"
    vectors = step.array(table["text"])  # only the column

A step is pickled without its model. Each process opens that once for all steps that ask for the same."""
from __future__ import annotations

import copy
import functools
import os
import socket
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-not-found,import-untyped,unused-ignore]

from ._errors import ArgumentError, FormatError
from ._model import Answers, Info, Model, reopen

# What shows, before there is work, whether the options are right.
_ONE = pa.array([""])

Stamp = tuple[tuple[str, int, int], ...]


def stamp_of(path: str | None) -> Stamp:
    """Names, sizes and times of the model's files: another stamp is another model. Empty where there are none."""
    if path is None:
        return ()
    try:
        entries = list(os.scandir(path)) if os.path.isdir(path) else [path]
        stats = [(os.fspath(entry), os.stat(entry)) for entry in entries]
    except OSError:
        return ()
    return tuple(sorted((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats))


@functools.lru_cache(maxsize=8)
def _open(arguments: tuple[Any, ...], _stamps: tuple[Stamp, ...]) -> Model:
    return reopen(*arguments)


def _everywhere(path: str) -> str:
    """Other processes have other working folders."""
    return path if path == "builtin" else os.path.abspath(path)


class Step:
    """`column` to `into`, by `model`: a path, or an embedd.Model, which says more of how it is opened. A path is opened
    with one thread, since engines give a task one core. `path`, `heads`: where its files lie."""

    type: Any  # of the column that is made

    def __init__(self, column: str, into: str, model: str | os.PathLike[str] | Model) -> None:
        if not isinstance(column, str) or not isinstance(into, str):
            raise TypeError(f"column and into must be names of columns, not {column!r} and {into!r}")
        self.column = column
        self.into = into
        path, heads, *self._options_of_model = (model if isinstance(model, Model) else Model(model, threads=1)).arguments
        self.path = _everywhere(path)
        self.heads = None if heads is None else _everywhere(heads)
        self._opened: Model | None = None
        self._info: Info | None = None
        self._info = self.model.info

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_opened": None}

    @property
    def model(self) -> Model:
        """This process's."""
        if self._opened is None:
            stamps = stamp_of(self.path), stamp_of(self.heads)
            opened = _open((self.path, self.heads, *self._options_of_model), stamps)
            if self._info is not None and self._info != opened.info:
                raise FormatError(f"{self.path!r} on {socket.gethostname()} is another model than where the work was "
                                  f"planned: {opened.info.name!r} with {opened.info.dimensions} dimensions, not "
                                  f"{self._info.name!r} with {self._info.dimensions}; copy the same to every node")
            self._opened = opened
        return self._opened

    def moved(self, path: str, heads: str | None) -> Step:
        """The same step, whose files lie elsewhere."""
        made = copy.copy(self)
        made.path, made.heads, made._opened = path, heads, None
        return made

    def array(self, texts: Any) -> Any:
        """A pyarrow Array of `type`, a row a text, null where that is."""
        raise NotImplementedError

    def __call__(self, batch: Any) -> Any:
        """The Table or RecordBatch with one more column."""
        made = self.array(_column_of(batch, self.column))
        if self.into in batch.schema.names:
            raise ArgumentError(f"there is a column {self.into!r} already; choose another name by `into`")
        return batch.append_column(pa.field(self.into, self.type), made)


def _column_of(batch: Any, column: str) -> Any:
    found = batch.schema.get_all_field_indices(column)
    if len(found) != 1:
        raise ArgumentError(f"there {'is no column' if not found else f'are {len(found)} columns'} {column!r}; "
                            f"the columns are {', '.join(map(repr, batch.schema.names))}")
    return _strings(batch.column(found[0]), column)


def _is_text(kind: Any) -> bool:
    return any(test(kind) for test in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view,
                                       pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view))


def _strings(texts: Any, column: str) -> Any:
    """Engines that guess types call a batch of nothing but nulls `null`."""
    kind = texts.type
    if pa.types.is_null(kind):
        return texts.cast(pa.string())
    if not _is_text(kind.value_type if pa.types.is_dictionary(kind) else kind):
        raise TypeError(f"column {column!r} is {kind}, not text; cast it to a string")
    return texts


class Embed(Step):
    """Texts to vectors. layout: "list" makes Arrow's List, "fixed" a FixedSizeList, both without a copy of the numbers; a
    Parquet file of the latter with nulls is one that pyarrow cannot read. The other arguments are those of
    Model.encode."""

    def __init__(self, column: str, into: str = "embedding", model: str | os.PathLike[str] | Model = "builtin", *,
                 dtype: str = "float32", dimensions: int | None = None, normalize: bool | None = None,
                 pooling: str | None = None, prompt: str | None = None, invalid: str = "stop",
                 layout: str = "list") -> None:
        super().__init__(column, into, model)
        if layout not in ("fixed", "list"):
            raise ArgumentError(f"layout must be 'fixed' or 'list', not {layout!r}")
        self._layout = layout
        self._options: dict[str, Any] = {"dtype": dtype, "dimensions": dimensions, "normalize": normalize,
                                         "pooling": pooling, "prompt": prompt, "invalid": invalid}
        self.type = self.array(_ONE).type

    def array(self, texts: Any) -> Any:
        made = pa.array(self.model.encode(texts, out="arrow", **self._options))
        return made if self._layout == "fixed" else _as_lists(made)


def _as_lists(vectors: Any) -> Any:
    n, dimensions = len(vectors), vectors.type.list_size
    if n * dimensions >= 1 << 31:
        raise ArgumentError(f"{n} rows of {dimensions} numbers are more than a list column holds; make batches smaller")
    offsets = pa.array(np.arange(n + 1, dtype=np.int32) * np.int32(dimensions))
    return pa.ListArray.from_arrays(offsets, vectors.values, mask=vectors.is_null() if vectors.null_count else None)


class Classify(Step):
    """Texts to structs: `label`, the likeliest that is meant, or null; `labels`, all that are meant; `unsure`, null where
    the head does not know it; `scores`, a map of labels to probabilities, the likeliest first. The other arguments
    are those of Model.classify."""

    type = pa.struct([("label", pa.string()), ("labels", pa.list_(pa.string())), ("unsure", pa.float32()),
                      ("scores", pa.map_(pa.string(), pa.float32()))])

    def __init__(self, column: str, into: str = "prediction", model: str | os.PathLike[str] | Model = "builtin", *,
                 head: str | None = None, top_k: int | None = None, threshold: float | None = None,
                 reject: float | None = None, invalid: str = "stop") -> None:
        super().__init__(column, into, model)
        self._options: dict[str, Any] = {"head": head, "top_k": top_k, "threshold": threshold, "reject": reject,
                                         "invalid": invalid}
        self.array(_ONE)

    def array(self, texts: Any) -> Any:
        return _structs(self.model.classify(texts, **self._options), self.type)


def _offsets(counts: Any) -> Any:
    return pa.array(np.concatenate([[0], np.cumsum(counts)]).astype(np.int32))


def _structs(answers: Answers, kind: Any) -> Any:
    names = pa.array(answers.names, pa.string())
    there = answers.labels >= 0
    meant = answers.passes & there
    first = np.take_along_axis(answers.labels, meant.argmax(axis=1)[:, None], axis=1)[:, 0]
    label = names.take(pa.array(first, pa.int32(), mask=~meant.any(axis=1)))
    labels = pa.ListArray.from_arrays(_offsets(meant.sum(axis=1)), names.take(pa.array(answers.labels[meant])))
    unsure = pa.array(answers.unsure, pa.float32(), mask=np.isnan(answers.unsure))
    scores = pa.MapArray.from_arrays(_offsets(there.sum(axis=1)), names.take(pa.array(answers.labels[there])),
                                     pa.array(answers.probabilities[there]))
    return pa.StructArray.from_arrays([label, labels, unsure, scores], fields=list(kind),
                                      mask=pa.array(~there.any(axis=1)))
