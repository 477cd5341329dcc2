# SPDX-License-Identifier: Apache-2.0
"""What people hold texts in, as batches in Arrow's layout: lists and numpy arrays are written down piece by piece,
Arrow arrays are used where they are."""
from __future__ import annotations

import ctypes
import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from ._native import ffi, lib

# Texts, and about bytes, of one call: between calls Ctrl-C is seen. A multiple of 8.
BATCH_TEXTS = 65536

_get_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_get_pointer.restype = ctypes.c_void_p
_get_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]

_OFFSET_BITS = {b"u": 32, b"z": 32, b"U": 64, b"Z": 64}


class Batch:
    """Some texts: `texts` is a struct embedd_texts, `keep` what it points into."""

    def __init__(self, n: int, keep: Any, *, data: Any, offsets: Any, bits: int, first: int = 0, validity: Any = None,
                 data_bytes: int = 0) -> None:
        self.n = n
        self.keep = keep
        self.has_nulls = validity is not None
        self.texts = ffi.new("embedd_texts *")
        self.texts.struct_size = ffi.sizeof("embedd_texts")
        self.texts.data = data
        self.texts.offsets = offsets
        self.texts.offset_bits = bits
        self.texts.first = first
        self.texts.n = n
        self.texts.data_bytes = data_bytes
        self.texts.validity = validity if validity is not None else ffi.NULL


# ---- lists ----

def _is_null(item: Any) -> bool:
    return item is None or (isinstance(item, float) and item != item) or type(item).__name__ in ("NAType", "NaTType")


def _encode(items: list[str]) -> list[bytes]:
    # A lone surrogate becomes bytes that are not UTF-8: libembedd names the row, replaces it or takes it for null.
    return [item.encode("utf-8", "surrogatepass") for item in items]


def _without_nulls(items: list[Any], before: int) -> tuple[list[str], list[bool]]:
    texts, there = [], []
    for i, item in enumerate(items):
        is_null = _is_null(item)
        if not is_null and not isinstance(item, str):
            raise TypeError(f"texts[{before + i}] is {type(item).__name__}, not str"
                            + ("; decode it" if isinstance(item, bytes) else ""))
        texts.append("" if is_null else item)
        there.append(not is_null)
    return texts, there


def _batch_of(items: list[Any], before: int) -> Batch:
    validity = None
    try:
        joined = "".join(items)
    except TypeError:
        items, there = _without_nulls(items, before)
        joined = "".join(items)
        if not all(there):
            validity = np.packbits(there, bitorder="little")
    offsets = np.zeros(len(items) + 1, np.int64)
    if joined.isascii():
        data = joined.encode("ascii")
        lengths = map(len, items)
    else:
        encoded = _encode(items)
        data = b"".join(encoded)
        lengths = map(len, encoded)
    np.cumsum(np.fromiter(lengths, np.int64, len(items)), out=offsets[1:])
    kept = (data, offsets, validity)
    return Batch(len(items), kept, data=ffi.from_buffer(data), offsets=ffi.from_buffer(offsets), bits=64,
                 validity=None if validity is None else ffi.from_buffer("uint8_t[]", validity), data_bytes=len(data))


def _from_list(items: list[Any]) -> Iterator[Batch]:
    for first in range(0, len(items), BATCH_TEXTS):
        yield _batch_of(items[first:first + BATCH_TEXTS], first)


# ---- Arrow ----

def _schema_format(schema: Any) -> bytes:
    return b"dictionary" if schema.dictionary != ffi.NULL else ffi.string(schema.format)


def _batches_of_array(array: Any, kind: bytes, keep: Any) -> Iterator[Batch]:
    bits = _OFFSET_BITS[kind]
    if array.null_count != 0 and array.buffers[0] != ffi.NULL:
        validity = ffi.cast("const uint8_t *", array.buffers[0])
    else:
        validity = None
    for first in range(0, array.length, BATCH_TEXTS):
        n = min(BATCH_TEXTS, array.length - first)
        yield Batch(n, keep, data=array.buffers[2], offsets=array.buffers[1], bits=bits,
                    first=array.offset + first, validity=validity)


def _refuse_format(kind: bytes) -> TypeError:
    if kind.startswith(b"+s"):
        return TypeError("texts is an Arrow table or struct; give one of its columns")
    return TypeError(f"texts is an Arrow array of format '{kind.decode()}', not of strings (utf8, large_utf8, binary)")


def _recast(texts: Any, kind: bytes) -> Any:
    """Views and dictionaries as large_utf8, where pyarrow is there to do it."""
    if kind not in (b"vu", b"vz", b"dictionary"):
        raise _refuse_format(kind)
    try:
        import pyarrow  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError:
        raise TypeError(f"texts is an Arrow array of format '{kind.decode()}', which needs pyarrow; or cast it to "
                        "large_utf8") from None
    made = pyarrow.chunked_array(texts) if hasattr(texts, "__arrow_c_stream__") else pyarrow.array(texts)
    try:
        return made.cast(pyarrow.large_string())
    except pyarrow.ArrowInvalid as error:
        raise TypeError(f"texts is an Arrow array, not of strings: {error}") from None


class Arrays:
    """The arrays of an Arrow object, held until this is dropped."""

    def __init__(self, texts: Any) -> None:
        self.arrays: list[Any] = []
        self.keep: list[Any] = []
        if hasattr(texts, "__arrow_c_array__"):
            self._take_array(texts)
        else:
            self._take_stream(texts)
        if self.kind not in _OFFSET_BITS:
            cast = _recast(texts, self.kind)
            self.__init__(cast)  # type: ignore[misc]
        self.n = sum(array.length for array in self.arrays)

    def _take_array(self, texts: Any) -> None:
        schema_capsule, array_capsule = texts.__arrow_c_array__()
        schema = ffi.cast("struct ArrowSchema *", _get_pointer(schema_capsule, b"arrow_schema"))
        self.kind = _schema_format(schema)
        self.keep = [schema_capsule, array_capsule]
        self.arrays = [ffi.cast("struct ArrowArray *", _get_pointer(array_capsule, b"arrow_array"))]

    def _take_stream(self, texts: Any) -> None:
        capsule = texts.__arrow_c_stream__()
        stream = ffi.cast("struct ArrowArrayStream *", _get_pointer(capsule, b"arrow_array_stream"))
        schema = ffi.gc(ffi.new("struct ArrowSchema *"), lib.native_release_schema)
        if lib.native_stream_schema(stream, schema) != 0:
            raise ValueError("the Arrow stream of texts gives no schema")
        self.kind = _schema_format(schema)
        self.keep = [capsule]
        while self.kind in _OFFSET_BITS:
            owned = ffi.new("struct ArrowArray *")
            array = ffi.gc(owned, lib.native_release_array)
            if lib.native_stream_next(stream, array) != 0:
                raise ValueError("the Arrow stream of texts breaks off")
            if array.release == ffi.NULL:
                break
            self.keep.append(owned)
            self.arrays.append(array)

    def batches(self) -> Iterator[Batch]:
        return itertools.chain.from_iterable(_batches_of_array(array, self.kind, self) for array in self.arrays)


# ---- all of them ----

class Source:
    """The texts of a call: how many (`n`), and batch by batch."""

    def __init__(self, texts: Any) -> None:
        self.is_single = isinstance(texts, str)
        self._arrays = None
        if self.is_single:
            texts = [texts]
        elif isinstance(texts, (bytes, bytearray)):
            raise TypeError("texts is bytes, not str; decode it")
        elif isinstance(texts, np.ndarray):
            texts = self._from_numpy(texts)
        elif type(texts).__module__.partition(".")[0] == "pandas":
            texts = self._from_pandas(texts)
        if hasattr(texts, "__arrow_c_array__") or hasattr(texts, "__arrow_c_stream__"):
            self._arrays = Arrays(texts)
            self.n = self._arrays.n
            return
        if isinstance(texts, Mapping) or not isinstance(texts, Iterable):
            raise TypeError(f"texts is {type(texts).__name__}, not str or a list, an array, a Series of them")
        self._items = texts if isinstance(texts, list) else list(texts)
        self.n = len(self._items)

    @staticmethod
    def _from_numpy(texts: np.ndarray[Any, Any]) -> list[Any]:
        if texts.ndim != 1:
            raise TypeError(f"texts is an array of {texts.ndim} dimensions, not of one")
        if texts.dtype.kind not in "UOT":
            raise TypeError(f"texts is an array of {texts.dtype}, not of strings"
                            + ("; decode it by numpy.char.decode" if texts.dtype.kind == "S" else ""))
        return texts.tolist()  # type: ignore[no-any-return]

    @staticmethod
    def _from_pandas(texts: Any) -> Any:
        if getattr(texts, "ndim", 1) != 1:
            raise TypeError("texts is a table; give one of its columns")
        arrow = getattr(getattr(texts, "array", None), "__arrow_array__", None)
        return arrow() if arrow and "pyarrow" in str(texts.dtype) else texts.tolist()

    def batches(self) -> Iterator[Batch]:
        return self._arrays.batches() if self._arrays else _from_list(self._items)
