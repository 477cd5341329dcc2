/* SPDX-License-Identifier: Apache-2.0 */
/* A fastText file of any bytes: refused with a sentence, or a model that answers for words and
   lines, its own and others. */
#include "model/encoder/fasttext/fasttext.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define WORDS_MOST 50

static void require(bool is_so)
{
    if (!is_so) abort();
}

static void check_rows(const struct fasttext *ft, const struct fasttext_rows *rows)
{
    for (size_t i = 0; i < rows->n; i++)
        require(rows->ids[i] < fasttext_info(ft)->n_rows);
}

static void predict(const struct fasttext *ft, const float *vector, struct fasttext_wish wish,
                    struct arena *arena)
{
    struct fasttext_predictions best;
    if (!fasttext_predict(ft, vector, wish, arena, &best)) return;
    require(best.n <= wish.k && best.n <= fasttext_info(ft)->n_labels);
    for (size_t i = 0; i < best.n; i++)
        require(fasttext_label(ft, best.items[i].label).data != NULL);
}

static void ask(const struct fasttext *ft, struct span text, float *vector, struct arena *arena)
{
    struct fasttext_rows rows;
    arena_reset(arena);
    if (fasttext_word_rows(ft, text, arena, &rows)) check_rows(ft, &rows);
    if (fasttext_line_rows(ft, text, arena, &rows)) check_rows(ft, &rows);
    fasttext_word_vector(ft, text, arena, vector);
    if (!fasttext_sentence_vector(ft, text, arena, vector)) return;
    predict(ft, vector, (struct fasttext_wish){.k = 3}, arena);
    predict(ft, vector, (struct fasttext_wish){UINT32_MAX, 0.1f}, arena);
}

static void use(const struct fasttext *ft, struct span file)
{
    static const char line[] = "the soup </z> \xe9\x80 __label__a 面条\t\n\0z \xf0\x9f\x8d\x9c";
    const struct fasttext_info *info = fasttext_info(ft);
    float *vector = malloc(info->dim * sizeof *vector);
    struct arena arena;
    size_t stride;
    if (!vector) return;
    arena_init(&arena, 1 << 24);
    ask(ft, (struct span){line, sizeof line - 1}, vector, &arena);
    ask(ft, (struct span){file.data, file.bytes < 300 ? file.bytes : 300}, vector, &arena);
    for (uint32_t id = 0; id < info->n_words && id < WORDS_MOST; id++) {
        struct span word = fasttext_word(ft, id);
        require(fasttext_find(ft, word) == id);
        ask(ft, word, vector, &arena);
    }
    for (uint32_t i = 0; i < info->n_labels && i < WORDS_MOST; i++)
        require(fasttext_find(ft, fasttext_label(ft, i)) == FASTTEXT_NO_WORD);
    for (uint32_t row = 0; row < info->n_rows; row++)
        fasttext_row(ft, row, vector);
    require((fasttext_floats(ft, &stride) == NULL) == info->is_quantized);
    arena_clear(&arena);
    free(vector);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fasttext *ft;
    struct err err = {0};
    struct span file = {size ? (const char *)data : "", size};
    if (fasttext_open(&ft, file, "fuzz.bin", &err))
        use(ft, file);
    else if (err.code == ERR_NONE || strlen(err.message) < 10)
        abort();
    fasttext_close(ft);
    return 0;
}
