/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "base/utf8.h"
#include "model/text/compiled.h"
#include "model/text/tokenizer.h"
#include "model/text/vocab/ideographs.h"
#include "model/text/vocab/trie.h"
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

static const char wordpiece[] =
    "{\"added_tokens\": [{\"id\": 1, \"content\": \"[CLS]\", \"single_word\": false, \"lstrip\": "
    "false, \"rstrip\": true, \"normalized\": false, \"special\": true}, {\"id\": 6, \"content\": "
    "\"<New>\", \"single_word\": false, \"lstrip\": false, \"rstrip\": false, \"normalized\": "
    "true, "
    "\"special\": false}], \"normalizer\": {\"type\": \"BertNormalizer\", \"clean_text\": true, "
    "\"handle_chinese_chars\": true, \"strip_accents\": null, \"lowercase\": true}, "
    "\"pre_tokenizer\": {\"type\": \"BertPreTokenizer\"}, \"post_processor\": null, \"decoder\": "
    "{\"type\": \"WordPiece\", \"prefix\": \"##\", \"cleanup\": true}, \"model\": {\"type\": "
    "\"WordPiece\", \"unk_token\": \"[UNK]\", \"continuing_subword_prefix\": \"##\", "
    "\"max_input_chars_per_word\": 100, \"vocab\": {\"[UNK]\": 0, \"[CLS]\": 1, \"un\": 2, "
    "\"##able\": 3, \"able\": 4, \"\xE6\x88\x91\": 5}}}";

static const char ideographs[] =
    "{\"normalizer\": null, \"pre_tokenizer\": {\"type\": \"BertPreTokenizer\"}, \"model\": "
    "{\"type\": \"WordPiece\", \"unk_token\": \"[UNK]\", \"continuing_subword_prefix\": \"\", "
    "\"max_input_chars_per_word\": 100, \"vocab\": {\"[UNK]\": 0, \"中\": 1, \"中国\": 2, "
    "\"国人\": 3, \"人\": 4, \"国ok\": 5, \"国\": 6}}}";

static const char bpe[] =
    "{\"model\": {\"type\": \"BPE\", \"unk_token\": \"?\", \"byte_fallback\": false, \"vocab\": "
    "{\"?\": 0, \"a\": 1, \"b\": 2, \"ab\": 3, \"abab\": 4}, \"merges\": [[\"a\", \"b\"], [\"ab\", "
    "\"ab\"]]}}";

static const char unigram[] = "{\"model\": {\"type\": \"Unigram\", \"unk_id\": 0, \"vocab\": "
                              "[[\"<unk>\", 0.0], [\"a\", -2.5], "
                              "[\"aa\", -3.0], [\"b\", -4.0]]}}";

static struct err err;
static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    json_init();
    arena_init(&arena, 1u << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_clear(&arena);
    return 0;
}

/* A packed file and the tokenizer in it. */
struct packed {
    char *bytes;
    struct tokenizer *tokenizer;
};

static struct tokenizer *made(const char *json, const char *vocab)
{
    struct tokenizer_files files = {.path = "test"};
    struct tokenizer_options options = {.lowercase = true};
    struct tokenizer *t;
    if (json) files.tokenizer = (struct span){json, strlen(json)};
    if (vocab) files.vocab = (struct span){vocab, strlen(vocab)};
    if (!tokenizer_open(&t, &files, &options, &err)) fail_msg("%s", err.message);
    return t;
}

static bool open_bytes(char *file, size_t bytes, struct tokenizer **out)
{
    struct tensors tensors;
    *out = NULL;
    if (!tensors_open(&tensors, (struct span){file, bytes}, "test", &err)) return false;
    assert_true(compiled_is_there(&tensors));
    bool done = tokenizer_open_compiled(out, &tensors, &err);
    tensors_close(&tensors);
    return done;
}

static struct packed packed_as(const char *json, const char *vocab, bool is_newest)
{
    struct tokenizer *t = made(json, vocab);
    struct compiled compiled;
    struct packed out;
    size_t bytes;
    compiled_list(t, is_newest, &compiled);
    out.bytes = tensors_pack(compiled.tensors, compiled.n, NULL, &bytes, &err);
    assert_non_null(out.bytes);
    compiled_clear(&compiled);
    tokenizer_close(t);
    if (!open_bytes(out.bytes, bytes, &out.tokenizer)) fail_msg("%s", err.message);
    return out;
}

static struct packed packed(const char *json, const char *vocab)
{
    return packed_as(json, vocab, false);
}

static void close_packed(struct packed *p)
{
    tokenizer_close(p->tokenizer);
    free(p->bytes);
}

static void check_ids(const struct tokenizer *t, const char *text, size_t n, const uint32_t *ids)
{
    struct tokens tokens;
    if (!tokenizer_encode(t, &arena, text, strlen(text), TOKENIZE_SPANS, &tokens, &err))
        fail_msg("%s", err.message);
    assert_int_equal(tokens.n, n);
    assert_memory_equal(tokens.ids, ids, n * sizeof *ids);
}

#define IDS(...)                                                                                   \
    sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t), (uint32_t[])                             \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

static void check_wordpiece(bool is_newest)
{
    struct packed p = packed_as(wordpiece, NULL, is_newest);
    struct buf text;
    buf_init(&text, &arena);
    check_ids(p.tokenizer, "Unable [CLS]   \xE6\x88\x91x <NEW>un", IDS(2, 3, 1, 5, 0, 6, 2));
    assert_string_equal(tokenizer_kind(p.tokenizer), "wordpiece");
    assert_int_equal(tokenizer_vocab_size(p.tokenizer), 7);
    assert_true(tokenizer_is_special(p.tokenizer, 1));
    assert_false(tokenizer_is_special(p.tokenizer, 6));
    tokenizer_decode(p.tokenizer, (uint32_t[]){1, 2, 3, 6}, 4, true, &text);
    assert_int_equal(text.bytes, strlen("unable <new>"));
    assert_memory_equal(text.data, "unable <new>", text.bytes);
    close_packed(&p);
}

static void wordpiece_is_the_same_when_packed(void **state)
{
    (void)state;
    check_wordpiece(false);
    check_wordpiece(true);
}

/* Tokens by their text, and what is none. */
static void check_token_ids(const struct tokenizer *t)
{
    static const char *const tokens[] = {"[UNK]", "中", "中国", "国人", "人", "国ok", "国"};
    static const char *const others[] = {"中国人", "国o", "国国", "民", "o", ""};
    for (uint32_t id = 0; id < 7; id++)
        assert_int_equal(tokenizer_token_id(t, tokens[id], strlen(tokens[id])), id);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_int_equal(tokenizer_token_id(t, others[i], strlen(others[i])), TOKEN_ID_NONE);
}

static void ideographs_are_the_same_when_packed(void **state)
{
    (void)state;
    struct tokenizer *t = made(ideographs, NULL);
    struct packed p = packed(ideographs, NULL);
    check_ids(t, "中国人国人国ok中国o民", IDS(0));
    check_ids(p.tokenizer, "中国人国人国ok中国o民", IDS(0));
    check_ids(p.tokenizer, "中国人国人国ok中", IDS(2, 4, 3, 5, 1));
    check_token_ids(t);
    check_token_ids(p.tokenizer);
    tokenizer_close(t);
    close_packed(&p);
}

/* The trie of all tokens. */
static struct trie whole_trie(const struct tokenizer *t)
{
    struct trie_key keys[7];
    struct trie trie;
    for (uint32_t id = 0; id < 7; id++) {
        size_t bytes;
        const char *text = tokenizer_token_text(t, id, &bytes);
        keys[id] = (struct trie_key){text, (uint32_t)bytes, id};
    }
    assert_int_equal(trie_build(&trie, keys, 7, NULL), TRIE_BUILT);
    return trie;
}

/* As files of version 1 and 2 have them. */
static void ideographs_may_all_be_in_the_trie(void **state)
{
    (void)state;
    struct tokenizer *t = made(ideographs, NULL), *opened;
    struct trie trie = whole_trie(t);
    struct compiled c;
    size_t bytes, kept = 0;
    compiled_list(t, false, &c);
    assert_true(c.is_newest);
    for (size_t i = 0; i < c.n; i++) {
        if (strcmp(c.tensors[i].name, COMPILED_IDEOGRAPHS) == 0) continue;
        struct tensor_given *tensor = &c.tensors[kept++];
        *tensor = c.tensors[i];
        if (strcmp(tensor->name, "tokenizer.vocab.trie") != 0) continue;
        tensor->data = trie.cells;
        tensor->shape[0] = trie.n_cells;
        tensor->bytes = trie.n_cells * sizeof *trie.cells;
    }
    assert_int_equal(kept, c.n - 1);
    char *file = tensors_pack(c.tensors, kept, NULL, &bytes, &err);
    compiled_clear(&c);
    assert_true(open_bytes(file, bytes, &opened));
    check_ids(opened, "中国人国人国ok中", IDS(2, 4, 3, 5, 1));
    check_token_ids(opened);
    trie_clear(&trie);
    tokenizer_close(opened);
    tokenizer_close(t);
    free(file);
}

/* Whatever lies in the cells: every label at its place, the bases and ids by chance. */
static void damaged_ideographs_give_some_tokens_or_an_error(void **state)
{
    (void)state;
    static uint64_t cells[1 + IDEOGRAPH_LABELS];
    const size_t n = sizeof cells / sizeof *cells;
    size_t n_tokens = 0;
    srand(1);
    for (int round = 0; round < 50; round++) {
        struct tokenizer *t = made(ideographs, NULL), *opened;
        struct compiled c;
        struct tokens tokens;
        size_t bytes;
        for (size_t i = 1; i < n; i++) {
            const uint64_t base = (uint64_t)rand() % (round % 2 ? n : 1u << 23);
            cells[i] = 0x8000 | (i - 1) | base << 16 | (uint64_t)(rand() % 16) << 39;
        }
        compiled_list(t, false, &c);
        for (size_t i = 0; i < c.n; i++) {
            if (strcmp(c.tensors[i].name, COMPILED_IDEOGRAPHS) != 0) continue;
            c.tensors[i].data = cells;
            c.tensors[i].shape[0] = n;
            c.tensors[i].bytes = sizeof cells;
        }
        char *file = tensors_pack(c.tensors, c.n, NULL, &bytes, &err);
        compiled_clear(&c);
        assert_true(open_bytes(file, bytes, &opened));
        const char *text = "一丁七万丈三上下国人龥鿿ok";
        if (tokenizer_encode(opened, &arena, text, strlen(text), TOKENIZE_SPANS, &tokens, &err))
            n_tokens += tokens.n;
        else
            assert_int_equal(err.code, ERR_INTERNAL);
        tokenizer_close(opened);
        tokenizer_close(t);
        free(file);
    }
    assert_true(n_tokens > 0);
}

static void bpe_unigram_and_dictionary_are_the_same_when_packed(void **state)
{
    (void)state;
    struct packed p = packed(bpe, NULL);
    check_ids(p.tokenizer, "ababxa", IDS(4, 0, 1));
    close_packed(&p);
    p = packed(unigram, NULL);
    check_ids(p.tokenizer, "aaabx", IDS(1, 2, 3, 0));
    close_packed(&p);
    p = packed(NULL, "\xE6\x88\x91\nlove\n<unk>\n");
    check_ids(p.tokenizer, "\xE6\x88\x91 love you", IDS(0, 1, 2));
    assert_string_equal(tokenizer_kind(p.tokenizer), "dictionary");
    assert_true(tokenizer_is_special(p.tokenizer, 2));
    close_packed(&p);
    p = packed(NULL, "[UNK]\n[CLS]\n[SEP]\nun\n##able\n");
    check_ids(p.tokenizer, "Unable you", IDS(3, 4, 0));
    close_packed(&p);
}

/* Packs without a tensor, or with another shape for it. */
static void check_refused_as(const char *json, bool is_newest, const char *name,
                             const struct tensor_given *instead)
{
    struct tokenizer *t = made(json, NULL), *opened;
    struct compiled c;
    size_t bytes, kept = 0;
    compiled_list(t, is_newest, &c);
    size_t n = c.n;
    for (size_t i = 0; i < n; i++) {
        bool is_it = strcmp(c.tensors[i].name, name) == 0;
        if (is_it && instead) c.tensors[i] = *instead;
        if (!is_it || instead) c.tensors[kept++] = c.tensors[i];
    }
    assert_true(instead ? kept == n : kept == n - 1);
    char *file = tensors_pack(c.tensors, kept, NULL, &bytes, &err);
    assert_non_null(file);
    err.code = ERR_NONE;
    assert_false(open_bytes(file, bytes, &opened));
    assert_int_equal(err.code, ERR_FORMAT);
    assert_non_null(strstr(err.message, "convert"));
    compiled_clear(&c);
    tokenizer_close(t);
    free(file);
}

static void check_refused(const char *json, const char *name, const struct tensor_given *instead)
{
    check_refused_as(json, false, name, instead);
}

static void what_a_family_needs_must_be_there(void **state)
{
    (void)state;
    static const char *const all[] = {"tokenizer.vocab.trie", "tokenizer.vocab.places",
                                      "tokenizer.vocab.flags", "tokenizer.vocab.texts"};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        check_refused(wordpiece, all[i], NULL);
    check_refused_as(wordpiece, true, "tokenizer.vocab.starts", NULL);
    check_refused(wordpiece, "tokenizer.wordpiece.short_words", NULL);
    check_refused(bpe, "tokenizer.bpe.merges", NULL);
    check_refused(bpe, "tokenizer.bpe.merge_bits", NULL);
    check_refused(bpe, "tokenizer.bpe.words", NULL);
    check_refused(bpe, "tokenizer.bpe.cut_parts", NULL);
    check_refused(unigram, "tokenizer.unigram.scores", NULL);
}

static void arrays_of_another_shape_are_refused(void **state)
{
    (void)state;
    static const uint64_t zeros[64];
    const struct tensor_given merges = {"tokenizer.bpe.merges", "U64", 2, {3, 2}, zeros, 48};
    check_refused(bpe, merges.name, &merges);
    const struct tensor_given narrow = {"tokenizer.bpe.merges", "U32", 2, {4, 2}, zeros, 32};
    check_refused(bpe, narrow.name, &narrow);
    const struct tensor_given places = {"tokenizer.vocab.places", "U32", 2, {4, 2}, zeros, 32};
    check_refused(bpe, places.name, &places);
    const struct tensor_given full = {
        "tokenizer.wordpiece.short_words", "U32", 2, {1, 3}, zeros, 12};
    check_refused(wordpiece, full.name, &full);
    const struct tensor_given few = {COMPILED_IDEOGRAPHS, "U64", 1, {64}, zeros, 512};
    check_refused(ideographs, few.name, &few);
}

static void starts_stand_alone_and_are_of_tokens(void **state)
{
    (void)state;
    static const uint32_t zeros[16];
    const struct tensor_given one = {"tokenizer.vocab.starts", "U32", 1, {1}, zeros, 4};
    check_refused_as(wordpiece, true, one.name, &one);
    const struct tensor_given wide = {"tokenizer.vocab.starts", "U32", 2, {4, 2}, zeros, 32};
    check_refused_as(wordpiece, true, wide.name, &wide);
    /* Beside what they stand in for. */
    const struct tensor_given places = {"tokenizer.vocab.places", "U32", 2, {7, 2}, zeros, 56};
    check_refused_as(wordpiece, true, "tokenizer.wordpiece.short_words", &places);
    const struct tensor_given starts = {"tokenizer.vocab.starts", "U32", 1, {8}, zeros, 32};
    check_refused(wordpiece, "tokenizer.vocab.places", &starts);
}

/* Whatever they say, texts lie within the texts. */
static void damaged_starts_give_some_texts(void **state)
{
    (void)state;
    static const uint32_t bad[] = {0, 1, 12, 1000, 0x0FFFFFFF, 0x10000000, 0xFFFFFFFF};
    enum { N_BAD = sizeof bad / sizeof *bad };
    for (size_t round = 0; round < (size_t)N_BAD * N_BAD; round++) {
        struct tokenizer *t = made(wordpiece, NULL), *opened;
        struct compiled c;
        struct buf text;
        size_t bytes;
        compiled_list(t, true, &c);
        for (size_t i = 0; i < 8; i++)
            c.starts[i] = bad[i % 2 ? round / N_BAD : round % N_BAD];
        char *file = tensors_pack(c.tensors, c.n, NULL, &bytes, &err);
        compiled_clear(&c);
        assert_true(open_bytes(file, bytes, &opened));
        buf_init(&text, &arena);
        for (uint32_t id = 0; id < tokenizer_vocab_size(opened); id++) {
            const char *token = tokenizer_token_text(opened, id, &bytes);
            assert_true(utf8_valid_bytes(token, bytes) == bytes);
            tokenizer_decode(opened, &id, 1, true, &text);
        }
        tokenizer_close(opened);
        tokenizer_close(t);
        free(file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wordpiece_is_the_same_when_packed),
        cmocka_unit_test(ideographs_are_the_same_when_packed),
        cmocka_unit_test(ideographs_may_all_be_in_the_trie),
        cmocka_unit_test(damaged_ideographs_give_some_tokens_or_an_error),
        cmocka_unit_test(bpe_unigram_and_dictionary_are_the_same_when_packed),
        cmocka_unit_test(what_a_family_needs_must_be_there),
        cmocka_unit_test(arrays_of_another_shape_are_refused),
        cmocka_unit_test(starts_stand_alone_and_are_of_tokens),
        cmocka_unit_test(damaged_starts_give_some_texts),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
