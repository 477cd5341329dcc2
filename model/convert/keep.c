/* SPDX-License-Identifier: Apache-2.0 */
#include "model/convert/keep.h"

#include "model/text/families/family.h"
#include "model/text/json/json_writer.h"

#include <stdlib.h>
#include <string.h>

static bool is_among(const uint32_t *ids, size_t n, uint32_t id)
{
    for (size_t i = 0; i < n; i++) {
        if (ids[i] == id) return true;
    }
    return false;
}

static bool is_needed(const struct tokenizer *t, uint32_t id)
{
    size_t bytes;
    const char *text = vocab_text(&t->vocab, id, &bytes);
    if (t->word_mark && bytes == strlen(t->word_mark) && memcmp(text, t->word_mark, bytes) == 0)
        return true;
    if (id == t->unknown_id || vocab_flags(&t->vocab, id) & (VOCAB_SPECIAL | VOCAB_ADDED))
        return true;
    if (is_among(t->special, t->n_before + t->n_after, id)) return true;
    if (t->family == &bpe_family)
        return is_among(t->bpe.bytes, 256, id) || is_among(t->bpe.fallback.ids, 256, id);
    return t->family == &unigram_family && is_among(t->unigram.fallback.ids, 256, id);
}

static uint32_t *choose(struct keep *keep, const struct tokenizer *t, uint32_t top)
{
    uint32_t *new_ids = malloc((size_t)t->vocab.n * sizeof *new_ids);
    keep->rows = malloc((size_t)t->vocab.n * sizeof *keep->rows);
    for (uint32_t id = 0; new_ids && keep->rows && id < t->vocab.n; id++) {
        const bool stays = id < top || is_needed(t, id);
        new_ids[id] = stays ? keep->n : TOKEN_ID_NONE;
        if (stays) keep->rows[keep->n++] = id;
    }
    /* What is written ends with a token. */
    while (new_ids && keep->n > 0 && vocab_is_hole(&t->vocab, keep->rows[keep->n - 1]))
        new_ids[keep->rows[--keep->n]] = TOKEN_ID_NONE;
    return keep->rows ? new_ids : NULL;
}

static bool open_kept(struct keep *keep, const struct tokenizer *t, const uint32_t *new_ids,
                      struct err *err)
{
    struct tokenizer_files files = {0};
    const struct tokenizer_options options = {0};
    FILE *stream = open_memstream(&keep->file, &files.tokenizer.bytes);
    if (!stream) return err_set(err, ERR_MEMORY, NULL, "no memory left for the tokenizer");
    bool done = tokenizer_write_json(t, new_ids, NULL, stream, err);
    fclose(stream);
    files.tokenizer.data = keep->file;
    return done && tokenizer_open(&keep->tokenizer, &files, &options, err);
}

bool keep_open(struct keep *keep, const struct tokenizer *t, uint32_t top, struct err *err)
{
    *keep = (struct keep){0};
    uint32_t *new_ids = choose(keep, t, top);
    bool done = new_ids ? open_kept(keep, t, new_ids, err)
                        : err_set(err, ERR_MEMORY, NULL, "no memory left for the vocabulary");
    free(new_ids);
    if (!done) keep_close(keep);
    return done;
}

void keep_close(struct keep *keep)
{
    tokenizer_close(keep->tokenizer);
    free(keep->rows);
    free(keep->file);
    *keep = (struct keep){0};
}
