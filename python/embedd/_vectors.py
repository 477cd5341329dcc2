# SPDX-License-Identifier: Apache-2.0
"""Vectors in memory that numpy and Arrow share."""
from __future__ import annotations

import ctypes
from typing import Any, NamedTuple

import numpy as np

from ._errors import OutOfMemoryError
from ._native import ffi, lib


class Kind(NamedTuple):
    """A type of numbers: libembedd's, numpy's, Arrow's."""
    number: int
    dtype: Any
    arrow: bytes


KINDS = {
    "float32": Kind(lib.EMBEDD_FLOAT32, np.float32, b"f"),
    "float16": Kind(lib.EMBEDD_FLOAT16, np.float16, b"e"),
    "int8": Kind(lib.EMBEDD_INT8, np.int8, b"c"),
    "uint8": Kind(lib.EMBEDD_UINT8, np.uint8, b"C"),
    "binary": Kind(lib.EMBEDD_BINARY, np.int8, b"c"),
    "ubinary": Kind(lib.EMBEDD_UBINARY, np.uint8, b"C"),
}

_new_capsule = ctypes.pythonapi.PyCapsule_New
_new_capsule.restype = ctypes.py_object
_new_capsule.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
_get_pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi))
_Destructor = ctypes.PYFUNCTYPE(None, ctypes.c_void_p)


def _free_schema(capsule: int) -> None:
    lib.native_free_schema(ffi.cast("struct ArrowSchema *", _get_pointer(capsule, b"arrow_schema")))


def _free_array(capsule: int) -> None:
    lib.native_free_array(ffi.cast("struct ArrowArray *", _get_pointer(capsule, b"arrow_array")))


_drop_schema = _Destructor(_free_schema)
_drop_array = _Destructor(_free_array)


def _capsule(pointer: Any, name: bytes, drop: Any) -> Any:
    if pointer == ffi.NULL:
        raise OutOfMemoryError("no memory for an Arrow array")
    return _new_capsule(int(ffi.cast("uintptr_t", pointer)), name, ctypes.cast(drop, ctypes.c_void_p))


class Vectors:
    """A row a text. `pyarrow.array(vectors)`, and whatever else takes Arrow's capsules, gets a FixedSizeList without a
    copy, null where the text was; `numpy()` an array."""

    def __init__(self, rows: int, row_bytes: int, kind: Kind) -> None:
        self._kind = kind
        self._block = ffi.gc(lib.native_block_new(rows * row_bytes, rows), lib.native_block_drop)
        if self._block == ffi.NULL:
            raise OutOfMemoryError(f"no memory for {rows} vectors of {row_bytes} bytes")
        self._rows = rows
        self._row_bytes = row_bytes
        self.dimensions = row_bytes // np.dtype(kind.dtype).itemsize
        self.null_count = 0

    def __len__(self) -> int:
        return self._rows

    @property
    def __array_interface__(self) -> dict[str, Any]:
        return {"version": 3, "shape": (self._rows, self.dimensions), "typestr": np.dtype(self._kind.dtype).str,
                "data": (self._address(), False)}

    def _address(self) -> int:
        return int(ffi.cast("uintptr_t", self._block.data))

    def _row(self, row: int) -> Any:
        return ffi.cast("void *", self._address() + row * self._row_bytes)

    def _set_nulls(self, there: np.ndarray[Any, Any]) -> None:
        """there (rows) bool: which of them have a vector."""
        packed = np.packbits(there, bitorder="little").tobytes()
        ffi.memmove(self._block.validity, packed, len(packed))
        self.null_count = int(self._rows - np.count_nonzero(there))

    def is_null(self) -> np.ndarray[Any, Any]:
        """(rows) bool: the text was null."""
        bits = np.frombuffer(ffi.buffer(self._block.validity, (self._rows + 7) // 8), np.uint8)
        there: np.ndarray[Any, Any] = np.unpackbits(bits, count=self._rows, bitorder="little")
        return there.view(bool) ^ True

    def numpy(self, nulls: str = "raise") -> np.ndarray[Any, Any]:
        """(rows, dimensions), without a copy. `nulls`: "raise", or "nan" for rows of NaN (of float types)."""
        if nulls not in ("raise", "nan"):
            raise ValueError(f"nulls must be 'raise' or 'nan', not {nulls!r}")
        array: np.ndarray[Any, Any] = np.asarray(self)
        if self.null_count == 0:
            return array
        if nulls == "raise":
            raise ValueError(f"texts[{int(np.argmax(self.is_null()))}] is null, and so are {self.null_count} in all: an "
                             "array has no nulls; take nulls='nan' for rows of NaN, or out='arrow'")
        if self._kind.arrow not in (b"f", b"e"):
            raise ValueError("nulls='nan' needs dtype='float32' or 'float16'; or take out='arrow'")
        array = array.copy()
        array[self.is_null()] = np.nan
        return array

    def __arrow_c_schema__(self) -> Any:
        return _capsule(lib.native_export_schema(self._kind.arrow, self.dimensions), b"arrow_schema", _drop_schema)

    def __arrow_c_array__(self, requested_schema: Any = None) -> tuple[Any, Any]:
        array = lib.native_export_array(self._block, self._rows, self.dimensions, self.null_count)
        return self.__arrow_c_schema__(), _capsule(array, b"arrow_array", _drop_array)
