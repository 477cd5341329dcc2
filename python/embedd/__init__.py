# SPDX-License-Identifier: Apache-2.0
"""Texts to vectors, labels and tokens by static embeddings: the embedd server's model, in process.

    import embedd
    model = embedd.Model()                      # the built-in model; or a folder, a weights file
    vectors = model.encode(["I love to eat", "我爱吃饭"])

Calls release the GIL and may be made from any thread. Models work in children after fork, and pickle by their
path. The extension is built for the stable ABI with the GIL; free-threaded Pythons need a build of their own,
which cffi has no stable ABI for yet.
"""
from ._errors import (ArgumentError, Error, FileError, FormatError, InternalError, NotFoundError, OutOfMemoryError,
                      TextError, UnprocessableError)
from ._model import Answers, Head, Info, Model, Neighbour, Tokens, version
from ._vectors import Vectors

__version__ = version()

__all__ = ["Answers", "ArgumentError", "Error", "FileError", "FormatError", "Head", "Info", "InternalError", "Model",
           "Neighbour", "NotFoundError", "OutOfMemoryError", "TextError", "Tokens", "UnprocessableError", "Vectors",
           "__version__"]
