# SPDX-License-Identifier: Apache-2.0
"""What libembedd refuses, as exceptions that are also Python's own."""
from __future__ import annotations

from typing import Any

from ._native import ffi, lib


class Error(Exception):
    """`row`: which of the texts, from 0, or None; `argument`: what libembedd calls what is wrong, or ''."""

    def __init__(self, message: str, row: int | None = None, argument: str = "") -> None:
        super().__init__(message)
        self.row = row
        self.argument = argument

    def __reduce__(self) -> Any:
        return type(self), (str(self), self.row, self.argument)


class ArgumentError(Error, ValueError):
    """A wrong value."""


class TextError(Error, ValueError):
    """A text that is not Unicode, or too long."""


class NotFoundError(Error, LookupError):
    """No such head, token or prompt."""


class FileError(Error, OSError):
    """A file that cannot be opened or read."""


class FormatError(Error, ValueError):
    """A file that is not what it should be."""


class OutOfMemoryError(Error, MemoryError):
    """The system has no more memory, or no more threads."""


class UnprocessableError(Error, ValueError):
    """Well formed, but there is no answer."""


class InternalError(Error, RuntimeError):
    """A vector that is not finite, or the library's own fault."""


_CLASSES: dict[int, type[Error]] = {
    lib.EMBEDD_ERROR_ARGUMENT: ArgumentError,
    lib.EMBEDD_ERROR_ROOM: InternalError,
    lib.EMBEDD_ERROR_TEXT: TextError,
    lib.EMBEDD_ERROR_NOT_FOUND: NotFoundError,
    lib.EMBEDD_ERROR_IO: FileError,
    lib.EMBEDD_ERROR_FORMAT: FormatError,
    lib.EMBEDD_ERROR_MEMORY: OutOfMemoryError,
    lib.EMBEDD_ERROR_UNPROCESSABLE: UnprocessableError,
}


def new_struct(kind: str) -> Any:
    """A struct of libembedd's, all zero but for its size."""
    made = ffi.new(f"{kind} *")
    made.struct_size = ffi.sizeof(kind)
    return made


def check(code: int, error: Any, before: int = 0) -> None:
    """Raises what `code` means; `before`: how many texts stand before the batch whose row is named."""
    if code == lib.EMBEDD_OK:
        return
    message = ffi.string(error.message).decode("utf-8", "replace")
    row = error.row if error.row >= 0 else None
    if row is not None:
        message = f"row {row + before}: {message.partition(': ')[2]}"
        row += before
    raise _CLASSES.get(code, InternalError)(message, row, ffi.string(error.argument).decode())
