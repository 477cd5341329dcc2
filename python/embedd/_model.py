# SPDX-License-Identifier: Apache-2.0
"""A model, in Python's words."""
from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, overload

import numpy as np

from ._errors import NotFoundError, OutOfMemoryError, check, new_struct
from ._native import ffi, lib
from ._texts import Source
from ._vectors import KINDS, Vectors

Invalid = Literal["stop", "null", "replace"]
_INVALID = {"stop": lib.EMBEDD_INVALID_STOP, "null": lib.EMBEDD_INVALID_NULL, "replace": lib.EMBEDD_INVALID_REPLACE}
_POOLINGS = {None: lib.EMBEDD_POOLING_DEFAULT, "mean": lib.EMBEDD_POOLING_MEAN, "weighted": lib.EMBEDD_POOLING_WEIGHTED,
             "sum": lib.EMBEDD_POOLING_SUM, "max": lib.EMBEDD_POOLING_MAX, "unit": lib.EMBEDD_POOLING_UNIT}
_CHOICES = {None: lib.EMBEDD_DEFAULT, False: lib.EMBEDD_NO, True: lib.EMBEDD_YES}


def version() -> str:
    """Of libembedd."""
    return _text(lib.embedd_version())


class Info(NamedTuple):
    """What a model is."""
    name: str
    version: str
    license: str
    format: str
    tokenizer: str
    dtype: str
    pooling: str
    dimensions: int
    vocab_size: int
    tokens_max: int
    normalize: bool
    heads: tuple[str, ...]
    unknown_id: int | None


class Head(NamedTuple):
    """What a classifier is."""
    name: str
    kind: str
    labels: tuple[str, ...]
    knows_unsure: bool


class Tokens(NamedTuple):
    """The tokens of a text; an id is None where the vocabulary has no such token. Offsets are indices of the str."""
    tokens: list[str]
    ids: list[int | None]
    offsets: list[tuple[int, int]]


class Neighbour(NamedTuple):
    """A token that is near."""
    token: str
    id: int
    similarity: float


class Answers(NamedTuple):
    """What a head says of n texts, each with its k likeliest labels."""
    names: tuple[str, ...]
    labels: np.ndarray[Any, Any]         # (n, k) int32: indices of names, the likeliest first; -1 of a null
    probabilities: np.ndarray[Any, Any]  # (n, k) float32; NaN of a null
    passes: np.ndarray[Any, Any]         # (n, k) bool: the label is meant
    unsure: np.ndarray[Any, Any]         # (n,) float32: 0 to 1; NaN: not known

    @property
    def label(self) -> list[str | None]:
        """The likeliest label that is meant, or None."""
        if self.labels.shape[1] == 0:
            return [None] * len(self.labels)
        first = np.argmax(self.passes, axis=1)
        return [self.names[self.labels[i, j]] if self.passes[i, j] else None for i, j in enumerate(first)]

    def scores(self, row: int) -> dict[str, float]:
        """Label to probability, the likeliest first; of a null, none."""
        return {self.names[label]: float(p) for label, p in zip(self.labels[row], self.probabilities[row]) if label >= 0}


def _text(pointer: Any) -> str:
    return ffi.string(pointer).decode("utf-8", "replace") if pointer != ffi.NULL else ""


def _named(options: dict[Any, int], value: Any, name: str) -> int:
    try:
        return options[value]
    except (KeyError, TypeError):
        known = ", ".join(repr(option) for option in options)
        raise ValueError(f"{name} must be one of {known}, not {value!r}") from None


def _count(value: int | None, name: str) -> int:
    """0 where it is None."""
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} must be a whole number, not {value!r}")
    if not 0 < value < 1 << 32:
        raise ValueError(f"{name} must be a whole number from 1, not {value!r}")
    return int(value)


class _Progress:
    """tqdm's bar where one is asked for."""

    def __init__(self, wanted: bool, total: int) -> None:
        self.bar: Any = None
        if wanted:
            from tqdm.auto import tqdm  # type: ignore[import-not-found,import-untyped,unused-ignore]
            self.bar = tqdm(total=total, unit="text", unit_scale=True)

    def add(self, n: int) -> None:
        if self.bar is not None:
            self.bar.update(n)

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.close()


class Model:
    """A model's folder, a weights file, or "builtin".

    heads: a head's file, or a folder of heads, beside the model's own. tensor, compat, limit, strict: as the options of
    `embedd`. threads: how many work on a batch; 0: one a core. Immutable; any thread may use it.
    `arguments`: what it was opened with, as reopen takes it."""

    def __init__(self, path: str | os.PathLike[str] = "builtin", *, heads: str | os.PathLike[str] | None = None,
                 tensor: str | None = None, compat: str | None = None, limit: int | None = None, strict: bool = False,
                 threads: int = 0) -> None:
        self.arguments = (os.fspath(path), None if heads is None else os.fspath(heads), tensor, compat, limit, strict,
                          threads)
        error = new_struct("embedd_error")
        options = new_struct("embedd_open_options")
        kept = [None if text is None else ffi.new("char[]", os.fsencode(text)) for text in self.arguments[1:4]]
        options.heads, options.tensor, options.compat = (ffi.NULL if text is None else text for text in kept)
        options.limit = _count(limit, "limit")
        options.strict = bool(strict)
        if isinstance(threads, bool) or not isinstance(threads, int) or threads < 0:
            raise ValueError(f"threads must be a whole number from 0 (one a core), not {threads!r}")
        model, pool = ffi.new("embedd_model **"), ffi.new("embedd_pool **")
        check(lib.embedd_open(os.fsencode(self.arguments[0]), options, model, error), error)
        self._model = ffi.gc(model[0], lib.embedd_close)
        check(lib.embedd_pool_new(min(threads, 1 << 31), pool, error), error)
        self._pool = ffi.gc(pool[0], lib.embedd_pool_free)
        self.info = self._read_info()

    def _read_info(self) -> Info:
        error, info = new_struct("embedd_error"), new_struct("embedd_info")
        check(lib.embedd_get_info(self._model, info, error), error)
        heads = tuple(_text(lib.embedd_head_name(self._model, i)) for i in range(info.n_heads))
        return Info(_text(info.name), _text(info.version), _text(info.license), _text(info.format),
                    _text(info.tokenizer), _text(info.dtype), _text(info.pooling), info.dimensions, info.vocab_size,
                    info.tokens_max, bool(info.normalize), heads,
                    None if info.unknown_id == lib.EMBEDD_NO_ID else int(info.unknown_id))

    def __reduce__(self) -> Any:
        return reopen, self.arguments

    def __repr__(self) -> str:
        return f"embedd.Model({self.arguments[0]!r}): {self.info.name}, {self.info.dimensions} dimensions"

    @property
    def dimensions(self) -> int:
        return self.info.dimensions

    # ---- vectors ----

    @overload
    def encode(self, texts: Any, *, dimensions: int | None = ..., normalize: bool | None = ...,
               pooling: str | None = ..., dtype: str = ..., prompt: str | None = ..., invalid: Invalid = ...,
               nulls: str = ..., out: Literal["numpy"] = ..., progress: bool = ...) -> np.ndarray[Any, Any]: ...

    @overload
    def encode(self, texts: Any, *, dimensions: int | None = ..., normalize: bool | None = ...,
               pooling: str | None = ..., dtype: str = ..., prompt: str | None = ..., invalid: Invalid = ...,
               nulls: str = ..., out: Literal["arrow"], progress: bool = ...) -> Vectors: ...

    def encode(self, texts: Any, *, dimensions: int | None = None, normalize: bool | None = None,
               pooling: str | None = None, dtype: str = "float32", prompt: str | None = None,
               invalid: Invalid = "stop", nulls: str = "raise", out: Literal["numpy", "arrow"] = "numpy",
               progress: bool = False) -> np.ndarray[Any, Any] | Vectors:
        """Vectors of texts: a str gives one of shape (dimensions,), all else (n, dimensions).

        texts: str; or a list, a numpy array, a pandas Series of str, None and NaN being nulls; or an Arrow array of
        strings, which is not copied. dtype: float32, float16, int8, uint8, binary, ubinary. prompt: the name of one of
        the model's. invalid: what becomes of lone surrogates, and of bytes that are not UTF-8. out: "arrow" gives
        Vectors, nulls kept. nulls: of "numpy", "raise" or "nan"."""
        if out not in ("numpy", "arrow"):
            raise ValueError(f"out must be 'numpy' or 'arrow', not {out!r}")
        if dtype not in KINDS:
            raise ValueError(f"dtype must be one of {', '.join(KINDS)}, not {dtype!r}")
        source = Source(texts)
        made = self._encode(source, self._encode_options(dimensions, normalize, pooling, prompt, invalid), dtype,
                            progress)
        if out == "arrow":
            return made
        array = made.numpy(nulls)
        return array[0] if source.is_single else array

    def _encode_options(self, dimensions: int | None, normalize: bool | None, pooling: str | None, prompt: str | None,
                        invalid: str) -> Any:
        options = new_struct("embedd_encode_options")
        options.dimensions = _count(dimensions, "dimensions")
        options.normalize = _named(_CHOICES, normalize, "normalize")
        options.pooling = _named(_POOLINGS, pooling, "pooling")
        options.invalid = _named(_INVALID, invalid, "invalid")
        name = None if prompt is None else ffi.new("char[]", prompt.encode())
        options.prompt = ffi.NULL if name is None else name
        return options, name

    def _encode(self, source: Source, options: Any, dtype: str, progress: bool) -> Vectors:
        chosen, _ = options
        kind = KINDS[dtype]
        row_bytes = lib.embedd_row_bytes(kind.number, chosen.dimensions or self.info.dimensions)
        made = Vectors(source.n, row_bytes, kind)
        error, rows = new_struct("embedd_error"), new_struct("embedd_rows")
        there = None
        rows.type = kind.number
        first = 0
        with _Progress(progress, source.n) as shown:
            for batch in source.batches():
                validity = np.zeros((batch.n + 7) // 8, np.uint8)
                rows.data = made._row(first)
                rows.bytes = batch.n * row_bytes
                rows.validity = ffi.from_buffer("uint8_t[]", validity)
                check(lib.embedd_encode(self._model, self._pool, batch.texts, chosen, rows, ffi.NULL, error), error,
                      first)
                if batch.has_nulls or chosen.invalid == lib.EMBEDD_INVALID_NULL:
                    there = np.ones(source.n, bool) if there is None else there
                    there[first:first + batch.n] = np.unpackbits(validity, count=batch.n, bitorder="little")
                first += batch.n
                shown.add(batch.n)
        if there is not None:
            made._set_nulls(there)
        return made

    # ---- classifiers ----

    def head(self, name: str | None = None) -> Head:
        """What the head of that name is; None: the default one."""
        error, head = new_struct("embedd_error"), new_struct("embedd_head")
        check(lib.embedd_get_head(self._model, ffi.NULL if name is None else name.encode(), head, error), error)
        return Head(_text(head.name), _text(head.kind), tuple(_text(head.labels[i]) for i in range(head.n_labels)),
                    bool(head.knows_unsure))

    def classify(self, texts: Any, *, head: str | None = None, top_k: int | None = None, threshold: float | None = None,
                 reject: float | None = None, invalid: Invalid = "stop", progress: bool = False) -> Answers:
        """What a head says of the texts (as of encode). top_k: labels of each; None: all. threshold: instead of the
        head's own. reject: no label passes above this unsure score."""
        source, about = Source(texts), self.head(head)
        options, k = new_struct("embedd_classify_options"), _count(top_k, "top_k") or len(about.labels)
        name = ffi.new("char[]", about.name.encode())
        options.head = name
        options.top_k = _count(top_k, "top_k")
        options.invalid = _named(_INVALID, invalid, "invalid")
        options.has_threshold, options.threshold = threshold is not None, threshold or 0
        options.has_reject, options.reject = reject is not None, reject or 0
        found = Answers(about.labels, np.empty((source.n, k), np.int32), np.empty((source.n, k), np.float32),
                        np.empty((source.n, k), bool), np.empty(source.n, np.float32))
        first = 0
        with _Progress(progress, source.n) as shown:
            for batch in source.batches():
                self._classify_batch(batch, options, found, first)
                first += batch.n
                shown.add(batch.n)
        return found

    def _classify_batch(self, batch: Any, options: Any, found: Answers, first: int) -> None:
        error, answers = new_struct("embedd_error"), new_struct("embedd_answers")
        part = slice(first, first + batch.n)
        answers.room = batch.n
        answers.labels = ffi.from_buffer("int32_t[]", found.labels[part])
        answers.probabilities = ffi.from_buffer("float[]", found.probabilities[part])
        answers.passes = ffi.from_buffer("uint8_t[]", found.passes[part].view(np.uint8))
        answers.unsure = ffi.from_buffer("float[]", found.unsure[part])
        check(lib.embedd_classify(self._model, self._pool, batch.texts, options, answers, ffi.NULL, error), error, first)

    # ---- tokens ----

    @overload
    def tokenize(self, texts: str, *, special: bool = ...) -> Tokens: ...  # type: ignore[overload-overlap]

    @overload
    def tokenize(self, texts: Sequence[str], *, special: bool = ...) -> list[Tokens]: ...

    def tokenize(self, texts: str | Sequence[str], *, special: bool = False) -> Tokens | list[Tokens]:
        """The tokens of a text, or of each of several. special: with special tokens, such as [CLS]."""
        flags = lib.EMBEDD_TOKENIZE_SPECIAL if special else 0
        if isinstance(texts, str):
            return self._tokens(texts, flags)
        return [self._tokens(text, flags) for text in texts]

    def _tokens(self, text: str, flags: int) -> Tokens:
        if not isinstance(text, str):
            raise TypeError(f"a text to tokenize must be str, not {type(text).__name__}")
        error, tokens = new_struct("embedd_error"), new_struct("embedd_tokens")
        data = text.encode("utf-8", "surrogatepass")
        check(lib.embedd_tokenize(self._model, data, len(data), flags, tokens, error), error)
        n = tokens.n
        ids, spans = ffi.new("uint32_t[]", n + 1), ffi.new("uint32_t[]", 2 * n + 2)
        tokens.ids, tokens.spans, tokens.room = ids, spans, n
        check(lib.embedd_tokenize(self._model, data, len(data), flags, tokens, error), error)
        places = [(spans[2 * i], spans[2 * i + 1]) for i in range(n)]
        known = [None if ids[i] == lib.EMBEDD_NO_ID else int(ids[i]) for i in range(n)]
        texts = [text[a:b] if id is None else self.token(id) for id, (a, b) in zip(known, places)]
        return Tokens(texts, known, places)

    def token(self, id: int) -> str:
        """The vocabulary's entry."""
        size = ffi.new("size_t *")
        found = lib.embedd_token_text(self._model, id, size) if 0 <= id < lib.EMBEDD_NO_ID else ffi.NULL
        if found == ffi.NULL:
            raise NotFoundError(f"there is no token {id}: ids go from 0 to {self.info.vocab_size - 1}")
        return bytes(ffi.buffer(found, size[0])).decode("utf-8", "replace")

    def token_id(self, token: str) -> int | None:
        """The id of the vocabulary's entry, or None."""
        data = token.encode("utf-8", "surrogatepass")
        found = lib.embedd_token_id(self._model, data, len(data))
        return None if found == lib.EMBEDD_NO_ID else int(found)

    def decode(self, ids: Sequence[int], *, skip_special: bool = True) -> str:
        """The text of ids, as the tokenizer's decoder writes it."""
        error, size = new_struct("embedd_error"), ffi.new("size_t *")
        given = ffi.new("uint32_t[]", list(ids))
        n = len(given)
        check(lib.embedd_decode(self._model, given, n, skip_special, ffi.NULL, 0, size, error), error)
        text = ffi.new("char[]", size[0] + 1)
        check(lib.embedd_decode(self._model, given, n, skip_special, text, size[0], size, error), error)
        return bytes(ffi.buffer(text, size[0])).decode("utf-8", "replace")

    def row(self, token: str | int) -> np.ndarray[Any, Any]:
        """The table's row of a token, as it is: neither weighted nor of length 1."""
        error, row = new_struct("embedd_error"), np.empty(self.info.dimensions, np.float32)
        check(lib.embedd_token_row(self._model, self._id(token), ffi.from_buffer("float[]", row), row.size, error), error)
        return row

    def _id(self, token: str | int) -> int:
        found = self.token_id(token) if isinstance(token, str) else int(token)
        if found is None or not 0 <= found < self.info.vocab_size:
            raise NotFoundError(f"the vocabulary has no token {token!r}")
        return found

    def nearest(self, token: str | int | np.ndarray[Any, Any], k: int = 10, *, special: bool = False) -> list[Neighbour]:
        """The k tokens whose rows are nearest to a token's, or to a vector (dimensions,), by cosine. Of a text:
        nearest(model.encode(text))."""
        error, query = new_struct("embedd_error"), new_struct("embedd_query")
        if isinstance(token, (str, int, np.integer)):
            query.token = self._id(token if isinstance(token, str) else int(token))
        else:
            vector = np.ascontiguousarray(token, np.float32)
            if vector.shape != (self.info.dimensions,):
                raise ValueError(f"a vector must have the shape ({self.info.dimensions},), not {vector.shape}")
            query.vector = kept = ffi.from_buffer("float[]", vector)  # noqa: F841 (it holds the vector)
        query.with_special = special
        most = min(_count(k, "k") or 1, self.info.vocab_size)
        found, n = ffi.new("embedd_neighbour[]", most), ffi.new("uint32_t *")
        check(lib.embedd_nearest(self._model, self._pool, query, found, most, n, error), error)
        return [Neighbour(self.token(found[i].id), found[i].id, found[i].similarity) for i in range(n[0])]


def reopen(path: str, heads: str | None, tensor: str | None, compat: str | None, limit: int | None, strict: bool,
           threads: int) -> Model:
    """The model that was opened with these `arguments`, which may have crossed to another process."""
    return Model(path, heads=heads, tensor=tensor, compat=compat, limit=limit, strict=strict, threads=threads)
