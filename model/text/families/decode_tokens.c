/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text/families/family.h"

#include <assert.h>

/* The reference decodes an added token that is searched for in normalized text in its normalized
   form, and tells by that whether it is special. */
static const struct normalized_text *normalized_form(const struct tokenizer *t, uint32_t id)
{
    for (size_t i = 0; i < t->n_normalized_texts; i++) {
        if (t->normalized_texts[i].id == id) return &t->normalized_texts[i];
    }
    return NULL;
}

/* The text of a token, and whether it is special. */
static struct decode_piece read_token(const struct tokenizer *t, uint32_t id, bool *is_special)
{
    const struct normalized_text *form =
        vocab_flags(&t->vocab, id) & VOCAB_NORMALIZED ? normalized_form(t, id) : NULL;
    struct decode_piece piece;
    *is_special = form ? form->is_special : vocab_flags(&t->vocab, id) & VOCAB_SPECIAL;
    piece.text = form ? vocab_kept(&t->vocab, form->place, &piece.bytes)
                      : vocab_text(&t->vocab, id, &piece.bytes);
    return piece;
}

void decoder_decode(const struct tokenizer *t, const uint32_t *ids, size_t n, bool skip_special,
                    struct buf *out)
{
    struct decode_piece *list = arena_array(out->arena, n + 1, sizeof *list);
    size_t n_kept = 0;
    out->failed |= !list;
    for (size_t i = 0; i < n && list; i++) {
        bool is_special;
        assert(ids[i] < t->vocab.n);
        if (vocab_is_hole(&t->vocab, ids[i])) continue;
        list[n_kept] = read_token(t, ids[i], &is_special);
        n_kept += !(skip_special && is_special);
    }
    if (list) decoder_run(&t->decoder, list, n_kept, out);
}
