# SPDX-License-Identifier: Apache-2.0
"""model2vec's names: `from embedd.model2vec import StaticModel` for `from model2vec import StaticModel`.

Folders that model2vec wrote give its own results (README.md lists what differs)."""
from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ._model import Model

_UNSET: Any = object()
_EMBEDDING_DTYPES = {"F16": "float16", "F64": "float64", "I8": "int8"}


_SAFETENSORS_DTYPES = {"float16": "F16", "float32": "F32", "float64": "F64", "int8": "I8"}


def _write_folder(folder: Path, vectors: np.ndarray[Any, Any], tokenizer: Any, config: Mapping[str, Any]) -> None:
    """A model's folder, as model2vec writes it."""
    if vectors.ndim != 2 or vectors.dtype.name not in _SAFETENSORS_DTYPES:
        raise ValueError(f"vectors must be a table of {', '.join(_SAFETENSORS_DTYPES)}, not {vectors.dtype} of shape "
                         f"{vectors.shape}")
    if len(vectors) != tokenizer.get_vocab_size():
        raise ValueError(f"vectors has {len(vectors)} rows, but tokenizer {tokenizer.get_vocab_size()} tokens")
    about = {"dtype": _SAFETENSORS_DTYPES[vectors.dtype.name], "shape": vectors.shape, "data_offsets": [0, vectors.nbytes]}
    header = json.dumps({"embeddings": about}).encode()
    header += b" " * (-len(header) % 8)
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + vectors.tobytes())
    (folder / "config.json").write_text(json.dumps({"model_type": "model2vec", **config}), encoding="utf-8")
    tokenizer.save(str(folder / "tokenizer.json"))


class StaticModel:
    """A model; made by from_pretrained, or of arrays."""

    def __init__(self, vectors: np.ndarray[Any, Any], tokenizer: Any, config: Mapping[str, Any] | None = None,
                 normalize: bool | None = None, max_length: int | None = 512) -> None:
        """Of a table (tokens, dimensions) and a tokenizer of the tokenizers library. It does not pickle: what it is made
        of goes when it does."""
        config = dict(config or {})
        config["normalize"] = bool(config.get("normalize") if normalize is None else normalize)
        config.setdefault("max_length", max_length)
        self._folder = tempfile.TemporaryDirectory(prefix="embedd-")
        _write_folder(Path(self._folder.name), np.asarray(vectors), tokenizer, config)
        self._set(Model(self._folder.name, compat="model2vec"), normalize=None, dimensionality=None)

    def _set(self, model: Model, normalize: bool | None, dimensionality: int | None) -> None:
        self.model = model
        self.normalize = model.info.normalize if normalize is None else bool(normalize)
        self.dim: int = model.dimensions if dimensionality is None else dimensionality
        if isinstance(self.dim, bool) or not isinstance(self.dim, (int, np.integer)) or not 0 < self.dim <= model.dimensions:
            raise ValueError(f"dimensionality must be from 1 to {model.dimensions}, those of the model, not {dimensionality!r}")
        self.embedding_dtype = _EMBEDDING_DTYPES.get(model.info.dtype, "float32")

    @classmethod
    def from_pretrained(cls, path: str | os.PathLike[str], token: str | None = None, normalize: bool | None = None,
                        subfolder: str | None = None, quantize_to: None = None, dimensionality: int | None = None,
                        vocabulary_quantization: None = None, max_length: int | None = _UNSET,
                        force_download: bool = True) -> StaticModel:
        """path: a model's folder, a weights file, or "builtin": nothing is fetched, so token and force_download mean
        nothing."""
        for name, value in (("quantize_to", quantize_to), ("vocabulary_quantization", vocabulary_quantization)):
            if value is not None:
                raise ValueError(f"{name} must be None: the model is used as it is; `embedd convert` makes smaller ones")
        if subfolder is not None:
            path = os.path.join(path, subfolder)
        made = cls.__new__(cls)
        made._set(Model(path, compat="model2vec" if os.path.isdir(path) else None), normalize, dimensionality)
        made._check_max_length(max_length)
        return made

    @property
    def max_length(self) -> int | None:
        """Tokens of a text that count; None: all."""
        return self.model.info.tokens_max or None

    @property
    def unk_token_id(self) -> int | None:
        return self.model.info.unknown_id

    @cached_property
    def tokens(self) -> tuple[str, ...]:
        """The vocabulary, by id."""
        return tuple(self.model.token(id) for id in range(self.model.info.vocab_size))

    def _check_max_length(self, max_length: int | None) -> None:
        if max_length is not _UNSET and max_length != self.max_length:
            raise ValueError(f"max_length must be {self.max_length}, the model's own, not {max_length!r}; another one "
                             "stands in config.json as \"max_length\"")

    def tokenize(self, sentences: Sequence[str]) -> list[list[int]]:
        """The ids of each sentence, cut at max_length, without unknown tokens."""
        if isinstance(sentences, (str, bytes, Mapping)):
            raise TypeError(f"sentences is {type(sentences).__name__}, not a list of str")
        found = self.model.tokenize(sentences)
        return [[id for id in tokens.ids[:self.max_length] if id is not None and id != self.unk_token_id]
                for tokens in found]

    def encode(self, sentences: Any, *, show_progress_bar: bool = False, max_length: int | None = _UNSET,
               normalize: bool | None = None, batch_size: int = 1024, use_multiprocessing: bool = True,
               multiprocessing_threshold: int = 10_000, **kwargs: Any) -> np.ndarray[Any, Any]:
        """Vectors: of a str (dim,), else (n, dim), whatever embedd.Model.encode takes. The last four arguments and
        those not known mean nothing here: the model's threads share the work."""
        self._check_max_length(max_length)
        dtype: Literal["float16", "float32"] = "float16" if self.embedding_dtype == "float16" else "float32"
        found = self.model.encode(sentences, dimensions=self.dim, dtype=dtype, progress=show_progress_bar,
                                  normalize=self.normalize if normalize is None else bool(normalize))
        return found.astype(np.float64) if self.embedding_dtype == "float64" else found
