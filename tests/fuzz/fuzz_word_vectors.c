/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a file of words and vectors: refused with a sentence, or finite rows, each with its
   word. */
#include "base/utf8.h"
#include "model/encoder/table/word_vectors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct word_vectors *vectors)
{
    const struct vocab *vocab = &vectors->vocab;
    char odd[WORD_VECTORS_ODD_BYTES];
    if (word_vectors_odd(vectors, odd) != (strlen(odd) > 0)) abort();
    for (uint32_t id = 0; id < vocab->n; id++) {
        size_t bytes;
        const char *word = vocab_text(vocab, id, &bytes);
        if (utf8_valid_bytes(word, bytes) != bytes) abort();
        for (uint32_t j = 0; j < vectors->dim; j++)
            if (!isfinite(vectors->rows[(size_t)id * vectors->dim + j])) abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum word_vectors_kind kind;
    struct word_vectors vectors;
    struct err err = {0};
    /* Of its own size, so that a sanitizer sees what is read past it. */
    char *bytes = malloc(size + !size);
    if (!bytes) return 0;
    if (size > 0) memcpy(bytes, data, size);
    const struct span file = {bytes, size};
    if (word_vectors_tell(file, &kind)) {
        if (word_vectors_read(&vectors, file, kind, size % 7 == 0 ? 3 : 0, "fuzz", &err))
            check(&vectors);
        else if (err.code == ERR_NONE || strlen(err.message) < 10)
            abort();
        word_vectors_clear(&vectors);
    }
    free(bytes);
    return 0;
}
