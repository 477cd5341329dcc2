# SPDX-License-Identifier: Apache-2.0
"""sentence-transformers' names: `from embedd.sentence_transformers import SentenceTransformer`.

Folders that it wrote give its own results (README.md lists what differs). torch is only asked for where tensors are."""
from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from ._errors import NotFoundError
from ._model import Model

_PRECISIONS = ("float32", "int8", "uint8", "binary", "ubinary")
_SIMILARITIES = ("cosine", "dot", "euclidean", "manhattan")


def _torch() -> Any:
    try:
        import torch  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        raise ImportError("tensors need torch, which is not installed; take convert_to_numpy=True") from None
    return torch


def _check_dimensions(value: int | None, most: int) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"truncate_dim must be a whole number, not {value!r}")
    if value < 1:
        raise ValueError(f"truncate_dim must be a whole number from 1, not {value!r}")
    return min(int(value), most)


def _rows(vectors: Any) -> np.ndarray[Any, Any]:
    if hasattr(vectors, "detach"):
        vectors = vectors.detach().cpu().numpy()
    rows = np.asarray(vectors, np.float32)
    if rows.ndim not in (1, 2):
        raise ValueError(f"embeddings must have one or two dimensions, not {rows.ndim}")
    return np.atleast_2d(rows)


def _unit(rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.maximum(lengths, np.float32(1e-12))  # type: ignore[no-any-return]


class SentenceTransformer:
    """A model. prompts: texts that go before others, by name, beside the model's own."""

    def __init__(self, model_name_or_path: str | os.PathLike[str] = "builtin", *, device: str | None = None,
                 prompts: Mapping[str, str] | None = None, default_prompt_name: str | None = None,
                 similarity_fn_name: str | None = None, truncate_dim: int | None = None, threads: int = 0) -> None:
        has_modules = os.path.isfile(os.path.join(model_name_or_path, "modules.json"))
        self.model = Model(model_name_or_path, compat="sentence-transformers" if has_modules else None, threads=threads)
        self.prompts = dict(prompts or {})
        self.default_prompt_name = default_prompt_name
        self.truncate_dim = _check_dimensions(truncate_dim, self.model.dimensions)
        self.similarity_fn_name = similarity_fn_name or "cosine"
        if self.similarity_fn_name not in _SIMILARITIES:
            raise ValueError(f"similarity_fn_name must be one of {', '.join(_SIMILARITIES)}, not {similarity_fn_name!r}")
        if default_prompt_name is not None and not self._has_prompt(default_prompt_name):
            raise NotFoundError(f"default_prompt_name: there is no prompt {default_prompt_name!r}")

    @property
    def device(self) -> str:
        return "cpu"

    @property
    def max_seq_length(self) -> int | None:
        return self.model.info.tokens_max or None

    def get_sentence_embedding_dimension(self) -> int:
        return self.truncate_dim or self.model.dimensions

    get_embedding_dimension = get_sentence_embedding_dimension

    @contextmanager
    def truncate_embeddings(self, truncate_dim: int | None) -> Iterator[None]:
        """Within it, encode cuts at truncate_dim."""
        before, self.truncate_dim = self.truncate_dim, _check_dimensions(truncate_dim, self.model.dimensions)
        try:
            yield
        finally:
            self.truncate_dim = before

    # ---- vectors ----

    def _has_prompt(self, name: str) -> bool:
        if name in self.prompts:
            return True
        try:
            self.model.encode("", prompt=name)  # of no texts no prompt is looked up
        except NotFoundError:
            return False
        return True

    def _prompted(self, sentences: Any, name: str | None, prompt: str | None) -> tuple[Any, str | None]:
        """The texts, and the name of the model's prompt that goes before them; None: its default, "": none."""
        name = self.default_prompt_name if name is None else name
        if prompt is None:
            if name is None or name not in self.prompts:
                return sentences, name
            prompt = self.prompts[name]
        if isinstance(sentences, str):
            return prompt + sentences, ""
        if hasattr(sentences, "to_pylist"):
            sentences = sentences.to_pylist()
        if isinstance(sentences, (bytes, bytearray, Mapping)) or not hasattr(sentences, "__iter__"):
            return sentences, ""  # embedd.Model says what is wrong with it
        return [prompt + text if isinstance(text, str) else text for text in sentences], ""

    def encode(self, sentences: Any, prompt_name: str | None = None, prompt: str | None = None, batch_size: int = 32,
               show_progress_bar: bool | None = None, output_value: str | None = "sentence_embedding",
               precision: str = "float32", convert_to_numpy: bool = True, convert_to_tensor: bool = False,
               device: Any = None, normalize_embeddings: bool = False, truncate_dim: int | None = None) -> Any:
        """Vectors: of a str one, else a row each. batch_size and device mean nothing here: the model's threads share
        the work. output_value None: dicts with "sentence_embedding"."""
        if precision not in _PRECISIONS:
            raise ValueError(f"precision must be one of {', '.join(_PRECISIONS)}, not {precision!r}")
        if output_value not in ("sentence_embedding", None):
            raise ValueError(f"output_value must be 'sentence_embedding' or None, not {output_value!r}: a static model "
                             "has no vectors of tokens in a text; embedd.Model.row has those of the vocabulary")
        torch = _torch() if convert_to_tensor or not convert_to_numpy else None
        texts, name = self._prompted(sentences, prompt_name, prompt)
        found = self._encode(texts, name, precision, bool(normalize_embeddings),
                             _check_dimensions(truncate_dim, self.model.dimensions) or self.truncate_dim,
                             bool(show_progress_bar))
        if output_value is None:
            rows = [{"sentence_embedding": row if torch is None else torch.from_numpy(row)} for row in np.atleast_2d(found)]
            return rows[0] if found.ndim == 1 else rows
        if torch is None:
            return found
        tensor = torch.from_numpy(found)
        return tensor if convert_to_tensor or found.ndim == 1 else list(tensor)

    def _encode(self, texts: Any, prompt: str | None, precision: str, normalize: bool, dimensions: int | None,
                progress: bool) -> np.ndarray[Any, Any]:
        # The model's own Normalize stands before the cut, normalize_embeddings after it.
        cut_later = precision == "float32" and not normalize and dimensions is not None and self.model.info.normalize
        found = self.model.encode(texts, prompt=prompt, dtype=precision, dimensions=None if cut_later else dimensions,
                                  normalize=True if normalize else None, progress=progress)
        return np.ascontiguousarray(found[..., :dimensions]) if cut_later else found

    def encode_query(self, sentences: Any, prompt_name: str | None = None, **options: Any) -> Any:
        """encode, with the prompt "query" where there is one."""
        return self._encode_as(("query",), sentences, prompt_name, options)

    def encode_document(self, sentences: Any, prompt_name: str | None = None, **options: Any) -> Any:
        """encode, with the prompt "document", "passage" or "corpus" where there is one."""
        return self._encode_as(("document", "passage", "corpus"), sentences, prompt_name, options)

    def _encode_as(self, names: tuple[str, ...], sentences: Any, prompt_name: str | None, options: dict[str, Any]) -> Any:
        if prompt_name is None and options.get("prompt") is None:
            prompt_name = next((name for name in names if self._has_prompt(name)), None)
        return self.encode(sentences, prompt_name, **options)

    # ---- similarities ----

    def similarity(self, embeddings1: Any, embeddings2: Any) -> Any:
        """(n, m) float32, by similarity_fn_name; a tensor where one was given."""
        a, b = _rows(embeddings1), _rows(embeddings2)
        if self.similarity_fn_name == "euclidean":
            found = np.stack([-np.linalg.norm(b - row, axis=1) for row in a]) if len(a) else np.empty((0, len(b)), np.float32)
        elif self.similarity_fn_name == "manhattan":
            found = np.stack([-np.abs(b - row).sum(axis=1) for row in a]) if len(a) else np.empty((0, len(b)), np.float32)
        else:
            found = _unit(a) @ _unit(b).T if self.similarity_fn_name == "cosine" else a @ b.T
        return self._as_given(found, embeddings1, embeddings2)

    def similarity_pairwise(self, embeddings1: Any, embeddings2: Any) -> Any:
        """(n), of each row with the same row of the other."""
        a, b = _rows(embeddings1), _rows(embeddings2)
        if self.similarity_fn_name == "euclidean":
            found = -np.linalg.norm(a - b, axis=1)
        elif self.similarity_fn_name == "manhattan":
            found = -np.abs(a - b).sum(axis=1)
        else:
            found = (_unit(a) * _unit(b) if self.similarity_fn_name == "cosine" else a * b).sum(axis=1)
        return self._as_given(found, embeddings1, embeddings2)

    @staticmethod
    def _as_given(found: np.ndarray[Any, Any], *given: Any) -> Any:
        return _torch().from_numpy(found) if any(hasattr(each, "detach") for each in given) else found
