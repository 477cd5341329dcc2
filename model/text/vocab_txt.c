/* SPDX-License-Identifier: Apache-2.0 */
/* vocab.txt: BERT's WordPiece where it holds [UNK], otherwise a plain dictionary. */
#include "model/text/family.h"

#include <stdlib.h>
#include <string.h>

static const char where[] = "vocab.txt";

static uint32_t find(const struct tokenizer *t, const char *token)
{
    return vocab_id(&t->vocab, token, strlen(token));
}

static bool set_bert_decoder(struct tokenizer *t)
{
    t->decoder.steps = calloc(1, sizeof *t->decoder.steps);
    if (!t->decoder.steps) return false;
    struct decode_step *step = t->decoder.steps;
    t->decoder.n = 1;
    t->decoder.joins = true;
    *step = (struct decode_step){.kind = DECODE_WORDPIECE, .cleanup = true};
    step->text = (struct step_text){strdup("##"), 2};
    return step->text.text;
}

/* The defaults of Google's BERT, which has no tokenizer.json. */
static bool set_bert(struct tokenizer *t, bool lowercase, struct err *err)
{
    static const char *const names[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
    struct added_entry entries[5];
    size_t n = 0;
    for (size_t i = 0; i < 5; i++) {
        uint32_t id = find(t, names[i]);
        if (id == MODEL_NO_ID) continue;
        entries[n++] = (struct added_entry){
            .text = names[i], .bytes = strlen(names[i]), .token = {.id = id}, .is_special = true};
    }
    t->family = &bert_family;
    t->unknown_id = find(t, "[UNK]");
    t->normalizer = (struct normalizer){true, true, lowercase, lowercase};
    t->wordpiece.word_chars_max = 100;
    if (!set_bert_decoder(t)) return err_set(err, ERR_MEMORY, NULL, "%s: no memory left", where);
    if (!wordpiece_finish(t, "##", 2, where, err)) return false;
    uint32_t before = find(t, "[CLS]"), after = find(t, "[SEP]");
    if (before != MODEL_NO_ID && after != MODEL_NO_ID) {
        t->special = malloc(2 * sizeof *t->special);
        if (!t->special) return err_set(err, ERR_MEMORY, NULL, "%s: no memory left", where);
        t->special[0] = before;
        t->special[1] = after;
        t->n_before = t->n_after = 1;
    }
    return tokenizer_set_added(t, entries, n, where, err);
}

static void set_dictionary(struct tokenizer *t)
{
    static const char *const specials[] = {"[PAD]", "<pad>", "[UNK]", "<unk>"};
    t->family = &dictionary_family;
    t->unknown_id = MODEL_NO_ID;
    for (size_t i = 0; i < sizeof specials / sizeof *specials; i++) {
        uint32_t id = find(t, specials[i]);
        if (id == MODEL_NO_ID) continue;
        t->vocab.tokens[id].is_special = true;
        if (i >= 2 && t->unknown_id == MODEL_NO_ID) t->unknown_id = id;
    }
}

bool tokenizer_read_vocab(struct tokenizer *t, struct span file,
                          const struct tokenizer_options *options, struct err *err)
{
    if (!vocab_read_lines(&t->vocab, file, where, err)) return false;
    bool has_unknown = find(t, "[UNK]") != MODEL_NO_ID;
    bool is_wordpiece = options->kind ? strcmp(options->kind, "wordpiece") == 0 : has_unknown;
    if (!is_wordpiece) {
        set_dictionary(t);
        return true;
    }
    if (!has_unknown)
        return err_set(err, ERR_FORMAT, NULL,
                       "%s: WordPiece needs the token [UNK], which is not there; add it, or set "
                       "tokenizer to dictionary in config.json",
                       where);
    return set_bert(t, options->lowercase, err);
}
