/* SPDX-License-Identifier: Apache-2.0 */
/* vocab.txt: BERT's WordPiece where it holds [UNK], otherwise a plain dictionary. What else a
   tokenizer.json would say is made up, and read as one. */
#include "model/text/json/json_readers.h"

#include <stdlib.h>
#include <string.h>

static const char where[] = "vocab.txt";

static uint32_t find(const struct tokenizer *t, const char *token)
{
    return vocab_id(&t->vocab, token, strlen(token));
}

/* What Google's BERT does by default, which has no tokenizer.json. */
static const char bert_settings[] =
    "{s:s, s:[], s:{s:s, s:b, s:b, s:n, s:b}, s:{s:s}, s:n, s:{s:s, s:s, s:b},"
    " s:{s:s, s:s, s:s, s:i, s:{}}}";

static json_t *make_bert_settings(bool lowercase)
{
    return json_pack(bert_settings, "version", "1.0", "added_tokens", "normalizer", "type",
                     "BertNormalizer", "clean_text", 1, "handle_chinese_chars", 1, "strip_accents",
                     "lowercase", lowercase, "pre_tokenizer", "type", "BertPreTokenizer",
                     "post_processor", "decoder", "type", "WordPiece", "prefix", "##", "cleanup", 1,
                     "model", "type", "WordPiece", "unk_token", "[UNK]",
                     "continuing_subword_prefix", "##", "max_input_chars_per_word", 100, "vocab");
}

static void add_special_tokens(const struct tokenizer *t, json_t *list)
{
    static const char *const names[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        uint32_t id = find(t, names[i]);
        if (id == TOKEN_ID_NONE) continue;
        json_array_append_new(list,
                              json_pack("{s:I, s:s, s:b, s:b, s:b, s:b, s:b}", "id", (json_int_t)id,
                                        "content", names[i], "single_word", 0, "lstrip", 0,
                                        "rstrip", 0, "normalized", 0, "special", 1));
    }
}

static json_t *bert(const struct tokenizer *t, bool lowercase)
{
    json_t *root = make_bert_settings(lowercase);
    uint32_t before = find(t, "[CLS]"), after = find(t, "[SEP]");
    if (before != TOKEN_ID_NONE && after != TOKEN_ID_NONE)
        json_object_set_new(root, "post_processor",
                            json_pack("{s:s, s:[s, I], s:[s, I]}", "type", "BertProcessing", "sep",
                                      "[SEP]", (json_int_t)after, "cls", "[CLS]",
                                      (json_int_t)before));
    add_special_tokens(t, json_object_get(root, "added_tokens"));
    return root;
}

static json_t *dictionary(struct tokenizer *t, bool lowercase)
{
    static const char *const specials[] = {"[PAD]", "<pad>", "[UNK]", "<unk>"};
    const char *unknown = NULL;
    for (size_t i = 0; i < sizeof specials / sizeof *specials; i++) {
        uint32_t id = find(t, specials[i]);
        if (id == TOKEN_ID_NONE) continue;
        t->vocab.flags[id] |= VOCAB_SPECIAL;
        if (i >= 2 && !unknown) unknown = specials[i];
    }
    return json_pack("{s:s, s:{s:s, s:s?, s:b, s:{}}}", "version", "1.0", "model", "type",
                     "Dictionary", "unk_token", unknown, "lowercase", lowercase, "vocab");
}

static bool read_root(struct tokenizer *t, json_t *root /* takes */, struct err *err)
{
    bool done = root ? json_read_tokenizer(t, root, NULL, err)
                     : err_set(err, ERR_MEMORY, NULL, "%s: no memory left", where);
    json_decref(root);
    return done;
}

static bool has_capitals(const struct vocab *vocab)
{
    bool has = false;
    for (size_t i = 0; i < vocab->text_bytes; i++)
        has |= vocab->texts[i] >= 'A' && vocab->texts[i] <= 'Z';
    return has;
}

bool tokenizer_read_words(struct tokenizer *t, const char *name, struct err *err)
{
    return vocab_finish(&t->vocab, name, err) &&
           read_root(t, dictionary(t, !has_capitals(&t->vocab)), err);
}

bool tokenizer_read_vocab(struct tokenizer *t, struct span file, const char *kind, int lowercase,
                          struct err *err)
{
    const bool is_exact = kind && strcmp(kind, "dictionary") == 0;
    if (!vocab_read_lines(&t->vocab, file, is_exact, where, err)) return false;
    bool has_unknown = find(t, "[UNK]") != TOKEN_ID_NONE;
    bool is_wordpiece = kind ? strcmp(kind, "wordpiece") == 0 : has_unknown;
    if (is_wordpiece && !has_unknown)
        return err_set(err, ERR_FORMAT, NULL,
                       "%s: WordPiece needs the token [UNK], which is missing; add it, or set "
                       "tokenizer to dictionary in config.json",
                       where);
    return read_root(t, is_wordpiece ? bert(t, lowercase != 0) : dictionary(t, lowercase > 0), err);
}
