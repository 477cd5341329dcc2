# SPDX-License-Identifier: Apache-2.0
"""Columns of Spark's DataFrames to vectors and labels.

    from embedd.spark import embed, classify, EmbeddTransformer, HeadClassifier
    with_vectors = embed(df, "text")                            # and the column "embedding": array<float>
    with_labels = classify(df, "text", model="/models/mail")    # and the column "prediction": a struct

The package has to be installed where the executors run. A model is the path of a folder or file that every node has; or, with
ship=True, one that the driver has, which is sent to every node once. A Python worker opens it once."""
from __future__ import annotations

import atexit
import hashlib
import os
import shutil
import socket
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pyspark import SparkFiles, TaskContext, keyword_only  # type: ignore[import-not-found,import-untyped,unused-ignore]
from pyspark.ml import Transformer  # type: ignore[import-not-found,import-untyped,unused-ignore]
from pyspark.ml.functions import array_to_vector  # type: ignore[import-not-found,import-untyped,unused-ignore]
from pyspark.ml.param import Param, Params, TypeConverters  # type: ignore[import-not-found,import-untyped,unused-ignore]
from pyspark.ml.param.shared import HasInputCol, HasOutputCol  # type: ignore[import-not-found,import-untyped,unused-ignore]
from pyspark.ml.util import DefaultParamsReadable, DefaultParamsWritable  # type: ignore[import-not-found,import-untyped,unused-ignore]
from pyspark.sql import functions as F  # type: ignore[import-not-found,import-untyped,unused-ignore]
from pyspark.sql.types import (ArrayType, BinaryType, ByteType, DataType,  # type: ignore[import-not-found,import-untyped,unused-ignore]
                               FloatType, MapType, NullType, StringType, StructField, StructType)

from ._errors import ArgumentError, Error, FileError
from ._model import Model
from .arrow import Classify, Embed, Step, stamp_of

_NUMBERS = {"float32": FloatType(), "int8": ByteType(), "binary": ByteType()}
_ANSWER = StructType([StructField("label", StringType()), StructField("labels", ArrayType(StringType())),
                      StructField("unsure", FloatType()), StructField("scores", MapType(StringType(), FloatType()))])
# Rows of one call, whatever Spark's own batches are: 64 MiB of vectors of 256 numbers.
_ROWS_MAX = 65536


def embed(df: Any, column: str, into: str = "embedding", model: str | os.PathLike[str] | Model = "builtin", *,
          ship: bool = False, dtype: str = "float32", dimensions: int | None = None, normalize: bool | None = None,
          pooling: str | None = None, prompt: str | None = None, invalid: str = "stop") -> Any:
    """`df` with the column `into`: the vectors of the texts in `column`, as array<float> (dtype="float32") or
    array<tinyint> ("int8", "binary"), null where the text is null. The other arguments are those of Model.encode."""
    if dtype not in _NUMBERS:
        raise ArgumentError(f"dtype must be one of {', '.join(_NUMBERS)} in Spark, not {dtype!r}")
    column = _text_column(df, column, into)
    step = Embed(column, into, model, dtype=dtype, dimensions=dimensions, normalize=normalize, pooling=pooling,
                 prompt=prompt, invalid=invalid)
    return _with_column(df, step, ArrayType(_NUMBERS[dtype]), ship)


def classify(df: Any, column: str, into: str = "prediction", model: str | os.PathLike[str] | Model = "builtin", *,
             ship: bool = False, head: str | None = None, top_k: int | None = None, threshold: float | None = None,
             reject: float | None = None, invalid: str = "stop") -> Any:
    """`df` with the column `into`: a struct of `label`, `labels`, `unsure` and `scores`, as embedd.arrow.Classify says, null
    where the text is null. So `prediction.scores.spam > 0.9` is a filter. The other arguments are those of
    Model.classify."""
    column = _text_column(df, column, into)
    step = Classify(column, into, model, head=head, top_k=top_k, threshold=threshold, reject=reject, invalid=invalid)
    return _with_column(df, step, _ANSWER, ship)


# ---- columns ----

def _text_column(df: Any, column: str, into: str) -> str:
    """The column's name as the DataFrame spells it."""
    if not hasattr(df, "mapInArrow"):
        raise TypeError(f"df must be a DataFrame of Spark's, not {type(df).__name__}")
    fields = _fields_named(df, column)
    if len(fields) != 1:
        raise ArgumentError(f"there {'is no column' if not fields else f'are {len(fields)} columns'} {column!r}; "
                            f"the columns are {', '.join(map(repr, df.columns))}")
    kind = fields[0].dataType
    if not isinstance(kind, (StringType, BinaryType, NullType)):
        raise ArgumentError(f"column {column!r} is {kind.simpleString()}, not string; cast it, or select what holds the text")
    if _fields_named(df, into):
        raise ArgumentError(f"there is a column {into!r} already; choose another name by `into`")
    return str(fields[0].name)


def _fields_named(df: Any, name: str) -> list[Any]:
    if not isinstance(name, str):
        raise TypeError(f"column and into must be names of columns, not {name!r}")
    if df.sparkSession.conf.get("spark.sql.caseSensitive") == "true":
        return [field for field in df.schema.fields if field.name == name]
    return [field for field in df.schema.fields if field.name.lower() == name.lower()]


def _with_column(df: Any, step: Step, kind: DataType, ship: bool) -> Any:
    files = _ship(df.sparkSession.sparkContext, step) if ship else None
    return df.mapInArrow(_task(step, files), StructType([*df.schema.fields, StructField(step.into, kind)]))


# ---- pipelines ----

class _OfTexts(Transformer, HasInputCol, HasOutputCol, DefaultParamsReadable, DefaultParamsWritable):  # type: ignore[misc,type-arg,unused-ignore]
    """What stages of a pipeline have in common. What is not set is not passed on."""

    model = Param(Params._dummy(), "model", "path of a folder or file, or 'builtin'", TypeConverters.toString)
    ship = Param(Params._dummy(), "ship", "send the driver's files to every node", TypeConverters.toBoolean)
    invalid = Param(Params._dummy(), "invalid", "texts that are not UTF-8: stop, null or replace", TypeConverters.toString)

    def setParams(self, **params: Any) -> Any:
        """Sets those that are not None."""
        return self._set(**params)

    def _options(self) -> dict[str, Any]:
        """The arguments of embed or classify."""
        given = {param.name: value for param, value in self.extractParamMap().items()}
        return {"column": given.pop("inputCol"), "into": given.pop("outputCol"), **given}


class EmbeddTransformer(_OfTexts):
    """`embed` as a stage. outputType: "array", or "vector" for the stages of pyspark.ml. `model` is a path: the saved
    stage holds that, not the files."""

    dimensions = Param(Params._dummy(), "dimensions", "how many of the model's", TypeConverters.toInt)
    normalize = Param(Params._dummy(), "normalize", "to length 1; unset: as the model says", TypeConverters.toBoolean)
    pooling = Param(Params._dummy(), "pooling", "mean, weighted, sum, max or unit", TypeConverters.toString)
    prompt = Param(Params._dummy(), "prompt", "the name of one of the model's", TypeConverters.toString)
    dtype = Param(Params._dummy(), "dtype", "float32, int8 or binary", TypeConverters.toString)
    outputType = Param(Params._dummy(), "outputType", "array or vector", TypeConverters.toString)

    @keyword_only  # type: ignore[untyped-decorator,unused-ignore]
    def __init__(self, *, inputCol: str = "text", outputCol: str = "embedding", model: str = "builtin",
                 ship: bool = False, invalid: str = "stop", dimensions: int | None = None,
                 normalize: bool | None = None, pooling: str | None = None, prompt: str | None = None,
                 dtype: str = "float32", outputType: str = "array") -> None:
        super().__init__()
        self._setDefault(inputCol="text", outputCol="embedding", model="builtin", ship=False, invalid="stop",
                         dtype="float32", outputType="array")
        self.setParams(**self._input_kwargs)  # type: ignore[attr-defined,unused-ignore]

    def _transform(self, dataset: Any) -> Any:
        options = self._options()
        kind = options.pop("outputType")
        if kind not in ("array", "vector"):
            raise ArgumentError(f"outputType must be 'array' or 'vector', not {kind!r}")
        made, into = embed(dataset, **options), options["into"]
        if kind == "array":
            return made
        column = F.col(f"`{into}`")
        return made.withColumn(into, F.when(column.isNotNull(), array_to_vector(column)))


class HeadClassifier(_OfTexts):
    """`classify` as a stage."""

    head = Param(Params._dummy(), "head", "its name; unset: the default one", TypeConverters.toString)
    topK = Param(Params._dummy(), "topK", "scores of the K best labels; unset: all", TypeConverters.toInt)
    threshold = Param(Params._dummy(), "threshold", "instead of the head's own", TypeConverters.toFloat)
    reject = Param(Params._dummy(), "reject", "no label above this unsure score", TypeConverters.toFloat)

    @keyword_only  # type: ignore[untyped-decorator,unused-ignore]
    def __init__(self, *, inputCol: str = "text", outputCol: str = "prediction", model: str = "builtin",
                 ship: bool = False, invalid: str = "stop", head: str | None = None, topK: int | None = None,
                 threshold: float | None = None, reject: float | None = None) -> None:
        super().__init__()
        self._setDefault(inputCol="text", outputCol="prediction", model="builtin", ship=False, invalid="stop")
        self.setParams(**self._input_kwargs)  # type: ignore[attr-defined,unused-ignore]

    def _transform(self, dataset: Any) -> Any:
        options = self._options()
        options["top_k"] = options.pop("topK", None)
        return classify(dataset, **options)


# ---- on an executor ----

def _task(step: Step, files: tuple[str, str | None] | None) -> Callable[[Iterable[Any]], Iterator[Any]]:
    """What a task does with its batches. files: of a model that was shipped, below SparkFiles."""
    def run(batches: Iterable[Any]) -> Iterator[Any]:
        here = step if files is None else _arrived(step, *files)
        _open_here(here)
        first = 0
        for batch in batches:
            for start in range(0, batch.num_rows, _ROWS_MAX):
                part = batch.slice(start, _ROWS_MAX)
                yield _answer(here, part, first)
                first += part.num_rows
    return run


def _arrived(step: Step, model: str, heads: str | None) -> Step:
    return step.moved(model if model == "builtin" else SparkFiles.get(model),
                      None if heads is None else SparkFiles.get(heads))


def _open_here(step: Step) -> None:
    try:
        step.model  # noqa: B018 (it is opened)
    except FileError as error:
        raise FileError(f"{error}; on {socket.gethostname()}. Every node needs the model at that path; or ship=True "
                          "sends the driver's") from None


def _answer(step: Step, batch: Any, first: int) -> Any:
    """first: how many rows of the partition stand before the batch."""
    try:
        return step(batch)
    except Error as error:
        if error.row is None:
            raise
        row, said = error.row + first, str(error).partition(": ")[2]
        task = TaskContext.get()
        partition = task.partitionId() if task else 0
        raise type(error)(f"column {step.column!r}, partition {partition}, row {row}: {said}", row, error.argument) from None


# ---- models that are sent ----

_shipped: dict[Any, tuple[str, str | None]] = {}


def _ship(context: Any, step: Step) -> tuple[str, str | None]:
    """The model's paths below SparkFiles, once every node gets them. Once a context for the same files."""
    paths = step.path, step.heads
    key = (context.applicationId, paths, stamp_of(step.path), stamp_of(step.heads))
    if key not in _shipped:
        archive = _archive(repr(key), paths)
        context.addArchive(f"{archive}#{os.path.basename(archive)}")
        _shipped[key] = _inside(os.path.basename(archive), paths)
    return _shipped[key]


def _inside(folder: str, paths: tuple[str, str | None]) -> tuple[str, str | None]:
    model, heads = paths
    return (model if model == "builtin" else f"{folder}/model/{os.path.basename(model)}",
            None if heads is None else f"{folder}/heads/{os.path.basename(heads)}")


def _archive(key: str, paths: tuple[str, str | None]) -> str:
    """A zip of the files, which Spark unpacks on each node; it sends no folders of the driver's. Kept until the
    driver ends, since executors that come later ask for it."""
    folder = tempfile.mkdtemp(prefix="embedd-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    made = os.path.join(folder, f"embedd-{hashlib.sha256(key.encode()).hexdigest()[:16]}.zip")
    # Files may be dated 1970, before zip's first year.
    with zipfile.ZipFile(made, "w", strict_timestamps=False) as archive:
        for path, place in zip(paths, _inside("", paths)):
            if path and path != "builtin":
                _add(archive, path, str(place).lstrip("/"))
    return made


def _add(archive: zipfile.ZipFile, path: str, place: str) -> None:
    if not os.path.isdir(path):
        archive.write(path, place)
        return
    for name in sorted(os.listdir(path)):
        _add(archive, os.path.join(path, name), f"{place}/{name}")
