/* SPDX-License-Identifier: Apache-2.0 */
#include "model/files/kinds.h"

#include <string.h>

#define PICKLE                                                                                     \
    "a Python pickle, which is as much a program as a table and is not read; save the rows "       \
    "as safetensors or .npy, or from gensim with save_word2vec_format"
#define ARCHIVE                                                                                    \
    "a zip archive, as PyTorch and NumPy (.npz) write them; save the rows as safetensors or .npy"
#define POINTER "version https://git-lfs"
#define PAGE "a web page, not a table; fetch the file again"

struct foreign {
    const char *begin;
    size_t bytes;
    const char *what;
};

#define BEGINS(text, meaning)                                                                      \
    {                                                                                              \
        text, sizeof(text) - 1, meaning                                                            \
    }

static const struct foreign known[] = {
    BEGINS("\x1F\x8B", "compressed; unpack it with gunzip"),
    BEGINS("BZh", "compressed; unpack it with bunzip2"),
    BEGINS("\xFD"
           "7zXZ",
           "compressed; unpack it with unxz"),
    BEGINS("(\xB5/\xFD", "compressed; unpack it with unzstd"),
    BEGINS("PK\3\4", ARCHIVE),
    BEGINS("\x80\2", PICKLE),
    BEGINS("\x80\3", PICKLE),
    BEGINS("\x80\4", PICKLE),
    BEGINS("\x80\5", PICKLE),
    BEGINS(POINTER, "a Git LFS pointer, not the file itself; run git lfs pull"),
    BEGINS("<!DOCTYPE", PAGE),
    BEGINS("<!doctype", PAGE),
    BEGINS("<html", PAGE),
    BEGINS("GGUF", "GGUF, which is not read; take the model's safetensors files"),
    BEGINS("\x89HDF", "HDF5, which is not read; save the rows as safetensors or .npy"),
};

const char *kind_what(struct span file)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (file.bytes >= known[i].bytes && memcmp(file.data, known[i].begin, known[i].bytes) == 0)
            return known[i].what;
    return NULL;
}

bool kind_is_pointer(struct span file)
{
    const size_t bytes = strlen(POINTER);
    return file.bytes >= bytes && memcmp(file.data, POINTER, bytes) == 0;
}
