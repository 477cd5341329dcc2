/* SPDX-License-Identifier: Apache-2.0 */
/* Files of word vectors: their words are the vocabulary. */
#include "model/encoder/table/word_vectors.h"
#include "model/bundle/formats.h"
#include "model/bundle/opening.h"

#include <assert.h>
#include <stdio.h>

static bool warn_of_words(const struct bundle *bundle, const struct word_vectors *vectors,
                          const struct model_options *options, struct err *err)
{
    char what[WORD_VECTORS_ODD_BYTES], sentence[sizeof what + 320];
    if (!word_vectors_odd(vectors, what)) return true;
    snprintf(sentence, sizeof sentence, "%.300s: %s", bundle->where, what);
    return opening_warn(options, err, sentence);
}

static bool open(struct bundle *bundle, const struct model_options *options, struct err *err)
{
    static const char *const names[] = {
        [WORD2VEC_TEXT] = "word2vec", [WORD2VEC_BINARY] = "word2vec", [GLOVE_TEXT] = "glove"};
    struct word_vectors vectors;
    enum word_vectors_kind kind;
    const bool is_told = word_vectors_tell(bundle->source.weights, &kind);
    assert(is_told); /* it was recognized */
    (void)is_told;
    bundle->format = names[kind];
    if (!opening_own_config(bundle, options, err) ||
        !word_vectors_read(&vectors, bundle->source.weights, kind, options->limit, bundle->where,
                           err))
        return false;
    if (!warn_of_words(bundle, &vectors, options, err)) {
        word_vectors_clear(&vectors);
        return false;
    }
    bundle->is_checked = bundle->is_copied = true;
    settings_default_pooling(&bundle->settings, POOLING_UNIT);
    struct table table = table_of((struct rows){.at = vectors.rows,
                                                .stride_bytes = vectors.dim * sizeof(float),
                                                .n = vectors.vocab.n,
                                                .dtype = DTYPE_F32},
                                  vectors.dim);
    table.owned[2] = vectors.rows;
    if (bundle->settings.pooling == POOLING_UNIT && !table_find_norms(&table)) {
        table_close(&table);
        vocab_clear(&vectors.vocab);
        return err_set(err, ERR_MEMORY, NULL, "%.300s: no memory for one number per word",
                       bundle->where);
    }
    if (!opening_take_table(bundle, &table, err)) {
        vocab_clear(&vectors.vocab);
        return false;
    }
    return tokenizer_open_words(&bundle->tokenizer, &vectors.vocab, bundle->where, err);
}

static enum recognized recognize(struct span file, const char *name, char *advice)
{
    enum word_vectors_kind kind;
    (void)name;
    (void)advice;
    return word_vectors_tell(file, &kind) ? RECOGNIZED_YES : RECOGNIZED_NO;
}

const struct format format_word_vectors = {.name = "word vectors",
                                           .is_words = true,
                                           .is_read_whole = true,
                                           .recognize = recognize,
                                           .open = open};
