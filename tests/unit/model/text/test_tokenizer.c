/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "model/text/tokenizer.h"
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct err err;
static struct arena arena;
static struct tokens tokens;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 256u << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_clear(&arena);
    return 0;
}

static struct span span_of(const char *text)
{
    return (struct span){text, text ? strlen(text) : 0};
}

/* NULL where it is refused; err then says why. */
static struct tokenizer *try_open(struct span json, struct span vocab, const char *kind)
{
    struct tokenizer_files files = {.path = "a-folder", .tokenizer = json, .vocab = vocab};
    struct tokenizer_options options = {.kind = kind, .lowercase = -1};
    struct tokenizer *tokenizer;
    err = (struct err){0};
    bool done = tokenizer_open(&tokenizer, &files, &options, &err);
    assert_int_equal(done, tokenizer != NULL);
    assert_true(done || err.code == ERR_FORMAT);
    return tokenizer;
}

static struct tokenizer *open_vocab(const char *text)
{
    struct tokenizer *tokenizer = try_open(span_of(NULL), span_of(text), NULL);
    if (!tokenizer) fail_msg("%s", err.message);
    return tokenizer;
}

static void check_refused(struct tokenizer *tokenizer, const char *why)
{
    if (tokenizer) fail_msg("taken, though %s", why);
    if (!strstr(err.message, why)) fail_msg("'%s' does not say '%s'", err.message, why);
}

static void encode(const struct tokenizer *tokenizer, const char *text, size_t bytes)
{
    arena_reset(&arena);
    if (!tokenizer_encode(tokenizer, &arena, text, bytes, TOKENIZE_SPANS, &tokens, &err))
        fail_msg("%s", err.message);
}

static void check_ids(const struct tokenizer *tokenizer, const char *text, const uint32_t *ids,
                      uint32_t n)
{
    encode(tokenizer, text, strlen(text));
    if (tokens.n != n) fail_msg("'%s' has %u tokens, not %u", text, tokens.n, n);
    if (n) assert_memory_equal(tokens.ids, ids, n * sizeof *ids);
}

#define IDS(...)                                                                                   \
    (const uint32_t[]){__VA_ARGS__}, sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t)

static void check_decoded(const struct tokenizer *tokenizer, const uint32_t *ids, uint32_t n,
                          const char *want)
{
    struct buf out;
    buf_init(&out, &arena);
    tokenizer_decode(tokenizer, ids, n, true, &out);
    buf_add_char(&out, '\0');
    assert_string_equal(out.data, want);
}

/* ---- a plain dictionary ---- */

static void the_running_example_has_its_ids_and_comes_back(void **state)
{
    (void)state;
    struct tokenizer *t = open_vocab("他\n我\n爱\n吃\n你\n饭\n");
    assert_string_equal(tokenizer_kind(t), "dictionary");
    assert_int_equal(tokenizer_vocab_size(t), 6);
    assert_int_equal(tokenizer_unknown_id(t), TOKEN_ID_NONE);
    check_ids(t, "我爱吃饭", IDS(1, 2, 3, 5));
    check_ids(t, "他爱吃饭", IDS(0, 2, 3, 5));
    check_ids(t, "你爱吃饭", IDS(4, 2, 3, 5));
    check_decoded(t, IDS(1, 2, 3, 5), "我爱吃饭");
    assert_int_equal(tokenizer_token_id(t, "饭", 3), 5);
    assert_int_equal(tokenizer_token_id(t, "饭饭", 6), TOKEN_ID_NONE);
    size_t bytes;
    assert_memory_equal(tokenizer_token_text(t, 2, &bytes), "爱", 3);
    assert_int_equal(bytes, 3);
    tokenizer_close(t);
}

static void a_dictionary_takes_words_and_characters_exactly_as_they_stand(void **state)
{
    (void)state;
    struct tokenizer *t = open_vocab("I\nlove\n我\n,\n〇\n\xF0\xB0\x80\x80\n。\nэто\n");
    check_ids(t, "I love,我\t\n 这 Love", IDS(0, 1, 3, 2, TOKEN_ID_NONE, TOKEN_ID_NONE));
    assert_int_equal(tokens.spans[2].start, 6);
    assert_int_equal(tokens.spans[3].end, 8);
    assert_int_equal(tokens.spans[5].start, 13);
    assert_int_equal(tokens.spans[5].end, 17);
    check_ids(t, "〇\xF0\xB0\x80\x80我。это", IDS(4, 5, 2, 6, 7));
    check_decoded(t, IDS(0, 1, 2, 6, 0, 7), "I love我。I это");
    check_ids(t, "", NULL, 0);
    check_ids(t, " \n", NULL, 0);
    tokenizer_close(t);
}

static void words_of_several_scripts_are_found_in_running_text(void **state)
{
    (void)state;
    struct tokenizer *t = open_vocab("T恤\n卡拉OK\n5G手机\nQQ群\n手机\n卡拉\nOK\nT\n约翰·列侬\nC++"
                                     "程序员\n恤\nOK了吗\n不OK，的\n");
    check_ids(t, "买T恤", IDS(TOKEN_ID_NONE, 0));
    check_ids(t, "唱卡拉OK吧", IDS(TOKEN_ID_NONE, 1, TOKEN_ID_NONE));
    assert_int_equal(tokens.spans[1].start, 1);
    assert_int_equal(tokens.spans[1].end, 5);
    check_ids(t, "5G手机，QQ群", IDS(2, TOKEN_ID_NONE, 3));
    check_ids(t, "听约翰·列侬,C++程序员", IDS(TOKEN_ID_NONE, 8, TOKEN_ID_NONE, 9));
    /* Runs of letters are not torn, at either end. */
    check_ids(t, "ACT恤 卡拉OKAY", IDS(TOKEN_ID_NONE, 10, 5, TOKEN_ID_NONE));
    check_ids(t, "45G手机 QQ 群", IDS(TOKEN_ID_NONE, 4, TOKEN_ID_NONE, TOKEN_ID_NONE));
    /* Of two words the longer; where the way to one ends, the longest on the way. */
    check_ids(t, "OK了 OK了吗 不OK，", IDS(6, TOKEN_ID_NONE, 11, TOKEN_ID_NONE, 6, TOKEN_ID_NONE));
    check_ids(t, "T恤衫T", IDS(0, TOKEN_ID_NONE, 7));
    /* No lower case, unless it is asked for. */
    check_ids(t, "t恤", IDS(TOKEN_ID_NONE, 10));
    check_decoded(t, IDS(4, 0, 1, 3), "手机T恤卡拉OK QQ群");
    tokenizer_close(t);
    struct tokenizer_files files = {.path = "lower",
                                    .vocab = span_of("t恤\n卡拉ok\nqx\nQQ\nQQ群\nqq群\nt\n")};
    struct tokenizer_options options = {.lowercase = true};
    assert_true(tokenizer_open(&t, &files, &options, &err));
    check_ids(t, "买T恤唱卡拉OK", IDS(TOKEN_ID_NONE, 0, TOKEN_ID_NONE, 1));
    check_ids(t, "QQ群qQ群T", IDS(4, 5, 6));
    tokenizer_close(t);
}

/* No token mixes scripts: nothing but ideographs and wide marks is joined. */
static void words_of_ideographs_are_the_longest_ones(void **state)
{
    (void)state;
    struct tokenizer *t = open_vocab("中\n中国\n中国人民\n人\n国\n，\nOK\n");
    check_ids(t, "中国人OK中国人民，国", IDS(1, 3, 6, 2, 5, 4));
    tokenizer_close(t);
}

static void an_unknown_token_gets_the_unknown_row_where_there_is_one(void **state)
{
    (void)state;
    struct tokenizer *t = open_vocab("<pad>\n<unk>\n我\n");
    assert_int_equal(tokenizer_unknown_id(t), 1);
    assert_true(tokenizer_is_special(t, 0) && tokenizer_is_special(t, 1));
    assert_false(tokenizer_is_special(t, 2));
    check_ids(t, "我吃", IDS(2, 1));
    check_decoded(t, tokens.ids, tokens.n, "我");
    tokenizer_close(t);
}

/* ---- vocab.txt ---- */

static void line_ends_and_a_byte_order_mark_are_no_part_of_a_token(void **state)
{
    (void)state;
    struct tokenizer *t =
        open_vocab("\xEF\xBB\xBFone\r\ntwo \r\nfour\t\xC2\xA0\n x\xE3\x80\x80\nthree");
    assert_int_equal(tokenizer_vocab_size(t), 5);
    check_ids(t, "one two four three", IDS(0, 1, 2, 4));
    assert_int_equal(tokenizer_token_id(t, " x", 2), 3);
    tokenizer_close(t);
    /* Where a dictionary is asked for, lines are taken exactly as they are. */
    t = try_open(span_of(NULL), span_of("two \r\nthree"), "dictionary");
    assert_int_equal(tokenizer_token_id(t, "two ", 4), 0);
    tokenizer_close(t);
}

/* ids by the BertTokenizer of transformers 5.24 */
static void an_empty_line_of_a_vocabulary_has_an_id(void **state)
{
    (void)state;
    struct tokenizer *t = open_vocab("[PAD]\n[UNK]\n[CLS]\n[SEP]\n\nhello\r\n\r\n \nworld\n\n");
    assert_int_equal(tokenizer_vocab_size(t), 10);
    check_ids(t, "hello  world", IDS(5, 8));
    tokenizer_drop_blank_end(t, 7);
    assert_int_equal(tokenizer_vocab_size(t), 9);
    check_ids(t, "hello  world", IDS(5, 8));
    assert_int_equal(tokenizer_token_id(t, "", 0), TOKEN_ID_NONE);
    tokenizer_close(t);
    t = open_vocab("a\n\nb\n");
    check_ids(t, "a b", IDS(0, 2));
    tokenizer_close(t);
}

static void of_equal_lines_the_last_one_counts_and_no_id_moves(void **state)
{
    (void)state;
    struct tokenizer *t = open_vocab("[UNK]\nhello\n$\na\nhello\n$\n##b\n##b\nworld\na \n");
    assert_int_equal(tokenizer_vocab_size(t), 10);
    check_ids(t, "$ hello world ab", IDS(5, 4, 8, 9, 7));
    size_t bytes;
    assert_memory_equal(tokenizer_token_text(t, 1, &bytes), "hello", 5);
    check_decoded(t, IDS(1, 4), "hello hello");
    tokenizer_close(t);
    t = open_vocab("a\nb\na\n");
    check_ids(t, "a b", IDS(2, 1));
    tokenizer_close(t);
}

static void two_columns_are_tokens_and_their_ids(void **state)
{
    (void)state;
    struct span none = {0};
    struct tokenizer *t = open_vocab("[UNK]\t3\r\n\xE6\x88\x91\t0\n\nb\t2\nb\t1\n");
    assert_int_equal(tokenizer_vocab_size(t), 4);
    check_ids(t, "\xE6\x88\x91 b x", IDS(0, 1, 3));
    tokenizer_close(t);
    t = open_vocab("\t0\na\t1");
    check_ids(t, "a", IDS(1));
    tokenizer_close(t);
    t = open_vocab("[UNK] 1\nhello 0\n");
    assert_string_equal(tokenizer_kind(t), "wordpiece");
    check_ids(t, "hello x", IDS(0, 1));
    tokenizer_close(t);
    /* One column that looks like two on some lines. */
    t = open_vocab("a\nb\t1\nstep 0\n");
    assert_int_equal(tokenizer_token_id(t, "b\t1", 3), 1);
    tokenizer_close(t);
    t = open_vocab("iphone 6\ngalaxy 7\n");
    assert_int_equal(tokenizer_token_id(t, "iphone 6", 8), 0);
    tokenizer_close(t);
    t = try_open(none, span_of("step 0\nstep 1\n"), "dictionary");
    assert_int_equal(tokenizer_token_id(t, "step 1", 6), 1);
    tokenizer_close(t);
    check_refused(try_open(none, span_of("a\t0\nb\t2\n"), NULL), "line 2 has 2");
    check_refused(try_open(none, span_of("a\t0\nb\t0\n"), NULL), "line 2 has 0");
    check_refused(try_open(none, span_of("the\t23135851162\nof\t13151942776\n"), NULL),
                  "line 1 has 23135851162, and the ids of 2 tokens are 0 to 1, each once");
    check_refused(try_open(none, span_of("a\t0\nb\nc\t2\n"), NULL), "line 2 is not a token, a TAB");
}

static void a_vocabulary_that_cannot_be_read_is_refused(void **state)
{
    (void)state;
    struct span none = {0};
    check_refused(try_open(none, span_of("a\nb\xFF\n"), NULL),
                  "a-folder/vocab.txt, line 2: not UTF-8 at byte 2");
    check_refused(try_open(span_of("{"), none, NULL), "a-folder/tokenizer.json: ");
    check_refused(try_open(none, (struct span){"", 0}, NULL), "there are no tokens");
    check_refused(try_open(none, span_of("\n \n"), NULL), "only empty lines");
    check_refused(try_open(none, span_of("a\n"), "wordpiece"), "needs the token [UNK]");
    check_refused(try_open(none, none, NULL), "a-folder holds no tokenizer");
}

static void a_vocabulary_with_unk_is_berts(void **state)
{
    (void)state;
    static const char vocab[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\nhe\n##llo\n我\n!\ne\n";
    struct tokenizer *t = open_vocab(vocab);
    assert_string_equal(tokenizer_kind(t), "wordpiece");
    check_ids(t, "HÉLLO我! x [SEP]", IDS(4, 5, 6, 7, 1, 3));
    check_decoded(t, tokens.ids, tokens.n, "hello 我!");
    arena_reset(&arena);
    assert_true(tokenizer_encode(t, &arena, "e", 1, TOKENIZE_SPECIAL_TOKENS, &tokens, &err));
    assert_int_equal(tokens.n, 3);
    assert_memory_equal(tokens.ids, ((uint32_t[]){2, 8, 3}), 12);
    tokenizer_close(t);
    t = try_open(span_of(NULL), span_of(vocab), "dictionary");
    assert_string_equal(tokenizer_kind(t), "dictionary");
    tokenizer_close(t);
    struct tokenizer_files files = {.path = "cased", .vocab = span_of(vocab)};
    struct tokenizer_options options = {.lowercase = false};
    assert_true(tokenizer_open(&t, &files, &options, &err));
    check_ids(t, "he He", IDS(4, 1));
    tokenizer_close(t);
}

/* ---- tokenizer.json ---- */

#define ADDED(id, content, normalized)                                                             \
    "{\"id\":" id ",\"content\":\"" content "\",\"single_word\":false,\"lstrip\":false,"           \
    "\"rstrip\":false,\"normalized\":" normalized ",\"special\":false}"

/* A whole file, part by part; each can be another one. */
struct parts {
    const char *added, *normalizer, *pre_tokenizer, *post_processor, *decoder, *model, *more,
        *version;
};

static const struct parts good = {
    ADDED("0", "[UNK]", "false"),
    "{\"type\":\"BertNormalizer\",\"clean_text\":true,\"handle_chinese_chars\":true,"
    "\"strip_accents\":null,\"lowercase\":true}",
    "{\"type\":\"BertPreTokenizer\"}",
    "null",
    "{\"type\":\"WordPiece\",\"prefix\":\"##\",\"cleanup\":true}",
    "{\"type\":\"WordPiece\",\"unk_token\":\"[UNK]\",\"continuing_subword_prefix\":\"##\","
    "\"max_input_chars_per_word\":100,\"vocab\":{\"##b\":2,\"[UNK]\":0,\"a\":1}}",
    "",
    "1.0",
};

static char text[1 << 20];

static struct span write_json(struct parts p)
{
    int bytes = snprintf(text, sizeof text,
                         "{\"version\":\"%s\",\"truncation\":null,\"padding\":{\"x\":1},%s\n"
                         "\"added_tokens\":[%s],\"normalizer\":%s,\"pre_tokenizer\":%s,"
                         "\"post_processor\":%s,\"decoder\":%s,\"model\":%s}",
                         p.version, p.more, p.added, p.normalizer, p.pre_tokenizer,
                         p.post_processor, p.decoder, p.model);
    return (struct span){text, (size_t)bytes};
}

static void check_parts(struct parts parts, const char *why)
{
    check_refused(try_open(write_json(parts), span_of(NULL), NULL), why);
}

#define MODEL(unknown, prefix, max, vocab)                                                         \
    "{\"type\":\"WordPiece\",\"unk_token\":" unknown ",\"continuing_subword_prefix\":" prefix      \
    ",\"max_input_chars_per_word\":" max ",\"vocab\":" vocab "}"

static void check_model(const char *model, const char *why)
{
    struct parts parts = good;
    parts.model = model;
    check_parts(parts, why);
}

static void ids_stand_in_any_order(void **state)
{
    (void)state;
    struct tokenizer *t = try_open(write_json(good), span_of(NULL), NULL);
    assert_non_null(t);
    check_ids(t, "abb A c", IDS(1, 2, 2, 1, 0));
    tokenizer_close(t);
}

static void what_is_not_known_is_refused_by_its_path(void **state)
{
    (void)state;
    struct parts p = good;
    check_model("{\"type\":\"Markov\",\"vocab\":{}}", "model.type 'Markov' is not supported");
    check_model("7", "model has a wrong type");
    p.normalizer = "{\"type\":\"Rot13\"}";
    check_parts(p, "normalizer.type 'Rot13'");
    p.normalizer = "{\"type\":\"BertNormalizer\",\"clean_text\":1}";
    check_parts(p, "normalizer.clean_text has a wrong type");
    p = good;
    p.pre_tokenizer = "7";
    check_parts(p, "pre_tokenizer has a wrong type");
    p.pre_tokenizer = "{\"type\":\"Jieba\"}";
    check_parts(p, "pre_tokenizer.type 'Jieba'");
    p = good;
    p.decoder = "{\"type\":\"WordPiece\",\"prefix\":\"##\"}";
    check_parts(p, "decoder.cleanup is missing");
    p = good;
    p.decoder = "{\"type\":\"Reverse\",\"x\":1}";
    check_parts(p, "decoder.type 'Reverse' is not supported");
    p.decoder = "{\"decoders\":[]}";
    check_parts(p, "decoder.type is missing");
    p = good;
    p.pre_tokenizer = "{\"delimiter\":\" \"}";
    check_parts(p, "pre_tokenizer.type is missing");
    p = good;
    p.more = "\"model2\":{\"vocab\":{}},";
    check_parts(p, "model2 is not known");
    p.more = "\"version truncation\":1,";
    check_parts(p, "version truncation is not known");
    p.more = "\"\":1,";
    check_parts(p, "is not known");
    p = good;
    p.version = "2.0";
    check_parts(p, "version must be \"1.0\"");
}

static void keys_that_the_library_passes_over_are_passed_over(void **state)
{
    (void)state;
#define MORE "\"x\":1,\"use_regex\":7,\"trim_offsets\":\"yes\","
    struct parts p = good;
    p.added = "{" MORE "\"id\":0,\"content\":\"[UNK]\",\"single_word\":false,\"lstrip\":false,"
              "\"rstrip\":false,\"normalized\":false,\"special\":true}";
    p.normalizer =
        "{\"type\":\"Sequence\"," MORE "\"normalizers\":[{" MORE "\"type\":\"Lowercase\"}]}";
    p.pre_tokenizer = "{" MORE "\"type\":\"Sequence\",\"pretokenizers\":[{" MORE
                      "\"type\":\"BertPreTokenizer\"}]}";
    p.post_processor = "{" MORE "\"add_prefix_space\":true,\"type\":\"TemplateProcessing\","
                       "\"single\":[{\"Sequence\":{\"id\":\"A\",\"type_id\":0}}],\"pair\":[],"
                       "\"special_tokens\":{}}";
    p.decoder = "{" MORE "\"type\":\"WordPiece\",\"prefix\":\"##\",\"cleanup\":true}";
    p.model = "{" MORE "\"type\":\"WordPiece\",\"unk_token\":\"[UNK]\",\"merges\":[\"a b\"],"
              "\"continuing_subword_prefix\":\"##\",\"max_input_chars_per_word\":100,"
              "\"fuse_unk\":3,\"vocab\":{\"##b\":2,\"[UNK]\":0,\"a\":1}}";
    struct tokenizer *t = try_open(write_json(p), span_of(NULL), NULL);
    if (!t) fail_msg("%s", err.message);
    check_ids(t, "abb A c", IDS(1, 2, 2, 1, 0));
    tokenizer_close(t);
}

/* What each part is without its type, in the library's own order: tests/http/ asks that. */
static void a_part_without_a_type_is_what_its_fields_say(void **state)
{
    (void)state;
    static const struct {
        const char *model, *kind;
    } models[] = {
        {"{\"vocab\":{\"a\":0,\"b\":1,\"ab\":2},\"merges\":[\"a b\"]}", "bpe"},
        {"{\"vocab\":{\"a\":0},\"merges\":[],\"unk_token\":\"a\","
         "\"continuing_subword_prefix\":\"##\",\"max_input_chars_per_word\":9}",
         "bpe"},
        {"{\"vocab\":{\"a\":0},\"unk_token\":\"a\",\"continuing_subword_prefix\":\"##\","
         "\"max_input_chars_per_word\":9}",
         "wordpiece"},
        {"{\"vocab\":{\"a\":0},\"unk_token\":\"a\",\"continuing_subword_prefix\":\"##\"}",
         "wordlevel"},
        {"{\"vocab\":{\"a\":0},\"merges\":null,\"unk_token\":\"a\"}", "wordlevel"},
        {"{\"vocab\":[[\"a\",-1.0]]}", "unigram"},
    };
    struct parts p = good;
    p.added = "";
    p.normalizer =
        "{\"normalizers\":[{\"prepend\":\"x\"},{\"strip_left\":true,\"strip_right\":true}]}";
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        p.model = models[i].model;
        struct tokenizer *t = try_open(write_json(p), span_of(NULL), NULL);
        if (!t) fail_msg("%s: %s", models[i].model, err.message);
        assert_string_equal(tokenizer_kind(t), models[i].kind);
        tokenizer_close(t);
    }
    check_model("{\"vocab\":{\"a\":0}}", "model.type is missing");
    check_model("{\"vocab\":{\"a\":0},\"unk_token\":null}", "model.type is missing");
    check_model("{\"type\":null,\"vocab\":{\"a\":0},\"unk_token\":\"a\"}",
                "model.type has a wrong type");
    check_model("{\"vocab\":{\"a\":0},\"merges\":[\"a z\"],\"unk_token\":\"a\"}",
                "model.merges[0]: 'z' is not in model.vocab");
}

/* Models of the other kinds: the vocabulary "a", "b", "ab" and what else a case needs. */
#define BPE(more, merges)                                                                          \
    "{\"type\":\"BPE\"," more "\"vocab\":{\"a\":0,\"b\":1,\"ab\":2},\"merges\":" merges "}"

static void merges_and_scores_that_are_none_are_refused(void **state)
{
    (void)state;
    check_model(BPE("", "7"), "model.merges has a wrong type");
    check_model(BPE("", "{}"), "model.merges has a wrong type");
    check_model(BPE("", "[7]"), "model.merges: a token in quotes is missing");
    check_model(BPE("", "[\"ab\"]"), "not two tokens separated by one space");
    check_model(BPE("", "[\"a b \"]"), "not two tokens separated by one space");
    check_model(BPE("", "[\"a c\"]"), "model.merges[0]: 'c' is not in model.vocab");
    check_model(BPE("", "[[\"a\",\"b\"],[\"b\",\"a\"]]"),
                "model.merges[1]: 'b' and 'a' together are not");
    check_model(BPE("", "[[\"a\"]]"), "a comma is missing between");
    check_model(BPE("", "[[\"a\",\"b\",\"a\"]]"), "a closing bracket is missing after a merge");
    check_model(BPE("\"dropout\":0.1,", "[]"), "model.dropout makes tokens random");
    check_model(BPE("\"byte_fallback\":true,\"end_of_word_suffix\":\"x\",", "[]"),
                "model.byte_fallback together with");
    check_model(BPE("\"fuse_unk\":1,", "[]"), "model.fuse_unk has a wrong type");
    check_model("{\"type\":\"BPE\",\"vocab\":[],\"merges\":[]}", "model.vocab has a wrong type");
    check_model("{\"type\":\"Unigram\",\"vocab\":{}}", "model.vocab has a wrong type");
    check_model("{\"type\":\"Unigram\",\"vocab\":[]}", "there are no tokens");
    check_model("{\"type\":\"Unigram\",\"vocab\":[[\"a\"]]}", "a comma is missing after a token");
    check_model("{\"type\":\"Unigram\",\"vocab\":[[\"a\",\"b\"]]}", "a score is not a number");
    check_model("{\"type\":\"Unigram\",\"vocab\":[[\"a\",1e999]]}", "a score is too large");
    check_model("{\"type\":\"Unigram\",\"vocab\":[[\"a\",-1.]]}", "a score is not a number");
    check_model(
        "{\"type\":\"Unigram\",\"vocab\":[[\"a\",1],[\"a\",2]]}",
        "'a' occurs twice, with the ids 0 and 1 (counted from 0); give one of them another");
    check_model("{\"type\":\"Unigram\",\"unk_id\":1,\"vocab\":[[\"a\",1]]}",
                "model.unk_id is 1, but model.vocab has 1 tokens");
    check_model("{\"type\":\"WordLevel\",\"vocab\":{\"a\":2}}", "no token has the id 0");
}

static void steps_that_are_none_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *part, *says;
    } splits[] = {
        {"{\"type\":\"Split\",\"pattern\":{\"Regex\":\"(a\"},\"behavior\":\"Isolated\","
         "\"invert\":false}",
         "pre_tokenizer.pattern.Regex: the regular expression does not compile: end pattern"},
        {"{\"type\":\"Split\",\"pattern\":\"a\",\"behavior\":\"Isolated\",\"invert\":false}",
         "pre_tokenizer.pattern has a wrong type"},
        {"{\"type\":\"Split\",\"pattern\":{\"String\":\"a\"},\"behavior\":\"Lost\","
         "\"invert\":false}",
         "pre_tokenizer.behavior 'Lost' is not known"},
        {"{\"type\":\"Metaspace\",\"replacement\":\"ab\"}", "a string of one character"},
        {"{\"type\":\"Metaspace\",\"replacement\":\"_\",\"prepend_scheme\":\"first\","
         "\"add_prefix_space\":false}",
         "add_prefix_space is false, but prepend_scheme"},
        {"{\"type\":\"FixedLength\",\"length\":0}", "pre_tokenizer.length must be 1 or more"},
        {"{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Digits\"}]}",
         "pre_tokenizer.pretokenizers[0].individual_digits is missing"},
        {"{\"type\":\"Sequence\",\"pretokenizers\":7}", "pretokenizers has a wrong type"},
    };
    static const struct {
        const char *part, *says;
    } normalizers[] = {
        {"{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"AAA\"}", "is not base64"},
        {"{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"CAAAAAAA\"}", "it is cut short"},
        {"{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"BAAAAAAAAAD/AA==\"}",
         "its texts are not UTF-8"},
        {"{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"[\"},\"content\":\"\"}",
         "normalizer.pattern.Regex: the regular expression does not compile"},
        {"{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFC\"},{\"type\":\"Prepend\"}]}",
         "normalizer.normalizers[1].prepend is missing"},
    };
    struct parts p = good;
    for (size_t i = 0; i < sizeof splits / sizeof *splits; i++) {
        p.pre_tokenizer = splits[i].part;
        check_parts(p, splits[i].says);
    }
    p = good;
    for (size_t i = 0; i < sizeof normalizers / sizeof *normalizers; i++) {
        p.normalizer = normalizers[i].part;
        check_parts(p, normalizers[i].says);
    }
}

/* `n` times a step, in a Sequence whose list has that key. */
static char *wide_sequence(const char *key, const char *step, size_t n)
{
    char *wide = malloc(64 + n * (strlen(step) + 1)), *at = wide;
    assert_non_null(wide);
    at += sprintf(at, "{\"type\":\"Sequence\",\"%s\":[", key);
    for (size_t i = 0; i < n; i++)
        at += sprintf(at, "%s%s", i > 0 ? "," : "", step);
    strcpy(at, "]}");
    return wide;
}

static char *wide_normalizer(const char *step, size_t n)
{
    return wide_sequence("normalizers", step, n);
}

static char *deep_normalizer(size_t n)
{
    static const char begin[] = "{\"type\":\"Sequence\",\"normalizers\":[";
    char *deep = calloc(1, 64 + n * (sizeof begin + 2));
    assert_non_null(deep);
    for (size_t i = 0; i < n; i++)
        strcat(deep, begin);
    strcat(deep, "{\"type\":\"Lowercase\"}");
    for (size_t i = 0; i < n; i++)
        strcat(deep, "]}");
    return deep;
}

#define REPLACE(what, by)                                                                          \
    "{\"type\":\"Replace\",\"pattern\":{\"String\":\"" what "\"},\"content\":\"" by "\"}"

static struct tokenizer *try_normalizer(char *normalizer)
{
    struct parts p = good;
    p.normalizer = normalizer;
    struct tokenizer *t = try_open(write_json(p), span_of(NULL), NULL);
    free(normalizer);
    return t;
}

static void sequences_are_as_long_and_deep_as_the_library_reads_them(void **state)
{
    (void)state;
    struct tokenizer *t = try_normalizer(wide_normalizer(REPLACE("c", "c"), 2000));
    if (!t) fail_msg("%s", err.message);
    check_ids(t, "abb c", IDS(1, 2, 2, 0));
    tokenizer_close(t);
    t = try_normalizer(deep_normalizer(62));
    if (!t) fail_msg("%s", err.message);
    check_ids(t, "aBB", IDS(1, 2, 2));
    tokenizer_close(t);
}

static void sequences_without_end_are_refused(void **state)
{
    (void)state;
    check_refused(try_normalizer(deep_normalizer(64)), "Sequences are nested more than 62");
    check_refused(try_normalizer(wide_normalizer("{\"type\":\"NFC\"}", 5000)),
                  "the steps up to here");
    check_refused(try_normalizer(wide_normalizer("{\"type\":\"Precompiled\","
                                                 "\"precompiled_charsmap\":\"BAAAAAAAAABhAA==\"}",
                                                 33)),
                  "more than 32 Precompiled");
    struct parts p = good;
    char *splits = wide_sequence("pretokenizers", "{\"type\":\"Whitespace\"}", 600);
    p.pre_tokenizer = splits;
    check_parts(p, "pre_tokenizer.pretokenizers[509]: the steps up to here");
    free(splits);
}

static void steps_that_let_a_text_grow_without_end_are_given_up(void **state)
{
    (void)state;
    struct tokenizer *t = try_normalizer(wide_normalizer(REPLACE("a", "aa"), 100));
    if (!t) fail_msg("%s", err.message);
    assert_false(tokenizer_encode(t, &arena, "aaaa", 4, 0, &tokens, &err));
    assert_int_equal(err.code, ERR_UNPROCESSABLE);
    assert_non_null(strstr(err.message, "makes it too long"));
    check_ids(t, "b b", IDS(0, 0));
    tokenizer_close(t);
    struct parts p = good;
    char *splits =
        wide_sequence("pretokenizers", "{\"type\":\"ByteLevel\",\"add_prefix_space\":false}", 200);
    p.pre_tokenizer = splits;
    t = try_open(write_json(p), span_of(NULL), NULL);
    free(splits);
    if (!t) fail_msg("%s", err.message);
    assert_false(tokenizer_encode(t, &arena, "\xC3\xB8", 2, 0, &tokens, &err));
    assert_int_equal(err.code, ERR_UNPROCESSABLE);
    check_ids(t, "a", IDS(1));
    tokenizer_close(t);
}

static void a_pattern_that_backtracks_for_ever_is_given_up(void **state)
{
    (void)state;
    struct parts p = good;
    p.pre_tokenizer = "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"(a|aa|a.)+$b\"},"
                      "\"behavior\":\"Isolated\",\"invert\":false}";
    struct tokenizer *t = try_open(write_json(p), span_of(NULL), NULL);
    assert_non_null(t);
    char many[200];
    memset(many, 'a', sizeof many);
    assert_false(tokenizer_encode(t, &arena, many, sizeof many, TOKENIZE_SPANS, &tokens, &err));
    assert_int_equal(err.code, ERR_UNPROCESSABLE);
    assert_non_null(strstr(err.message, "takes too long on this text"));
    assert_true(tokenizer_encode(t, &arena, "ab", 2, TOKENIZE_SPANS, &tokens, &err));
    tokenizer_close(t);
}

/* As tokenizers 0.23 reads it. */
static void of_equal_keys_the_last_one_counts(void **state)
{
    (void)state;
    struct parts p = good;
    p.model = MODEL("\"[UNK]\"", "\"##\"", "9", "{\"[UNK]\":0,\"a\":2,\"b\":1,\"a\":3,\"\":4}");
    struct tokenizer *t = try_open(write_json(p), span_of(NULL), NULL);
    assert_non_null(t);
    check_ids(t, "a b", IDS(3, 1));
    tokenizer_close(t);
}

/* As transformers writes a vocabulary in which a token stood twice. */
static void an_id_without_a_token_keeps_its_row_and_no_text_gets_it(void **state)
{
    (void)state;
    static const char *const models[] = {
        MODEL("\"[UNK]\"", "\"##\"", "9", "{\"[UNK]\":0,\"a\":1,\"b\":5,\"ab\":4}"),
        "{\"type\":\"WordLevel\",\"unk_token\":\"[UNK]\","
        "\"vocab\":{\"[UNK]\":0,\"a\":1,\"b\":5,\"ab\":4}}",
        "{\"type\":\"BPE\",\"unk_token\":\"[UNK]\","
        "\"vocab\":{\"[UNK]\":0,\"a\":1,\"b\":5,\"ab\":4},\"merges\":[\"a b\"]}",
    };
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        struct parts p = good;
        size_t bytes;
        p.model = models[i];
        struct tokenizer *t = try_open(write_json(p), span_of(NULL), NULL);
        if (!t) fail_msg("%s: %s", models[i], err.message);
        assert_int_equal(tokenizer_vocab_size(t), 6);
        check_ids(t, "a b ab x", IDS(1, 5, 4, 0));
        check_decoded(t, IDS(2, 1, 3, 2, 5, 3), "a b");
        tokenizer_token_text(t, 2, &bytes);
        assert_int_equal(bytes, 0);
        assert_int_equal(tokenizer_token_id(t, "", 0), TOKEN_ID_NONE);
        tokenizer_close(t);
        p.added = ADDED("0", "[UNK]", "false") "," ADDED("6", "X", "false");
        check_parts(p, "added_tokens[1].content is not in model.vocab, which leaves out 2 of its "
                       "ids, so its id is unknown; add it to model.vocab with its id");
    }
}

static void a_vocabulary_that_is_none_is_refused(void **state)
{
    (void)state;
    check_model(MODEL("\"x\"", "\"##\"", "9", "{\"a\":0}"), "model.unk_token 'x' is not in");
    check_model(MODEL("\"a\"", "\"##\"", "9", "{\"a\":0,\"b\":4}"),
                "no token has the id 1, but ids go up to 4, and there are only 2 tokens; give each "
                "token the number of its row in the table, counted from 0");
    check_model(MODEL("\"a\"", "\"##\"", "9", "{\"a\":0,\"b\":4000000000}"),
                "larger than the number");
    check_model(MODEL("\"a\"", "\"##\"", "9", "{\"a\":0,\"b\":0}"), "the id 0 is used twice");
    check_model("{\"type\":\"BPE\",\"merges\":[],\"vocab\":{\"a\":0,\"a\":1}}", "'a' occurs twice");
    check_model(MODEL("\"a\"", "\"##\"", "9", "{\"a\":0,\"b\":268435000}"),
                "larger than the number");
    check_model(MODEL("\"a\"", "\"##\"", "9", "{\"a\":-1}"), "not a whole number");
    check_model(MODEL("\"a\"", "\"##\"", "9", "{\"a\":1.0}"), "not a whole number");
    check_model(MODEL("\"a\"", "\"##\"", "9", "{\"a\":01}"), "not a whole number");
    check_model(MODEL("\"a\"", "\"##\"", "9", "{\"a\":\"0\"}"), "not a whole number");
    check_model(MODEL("\"a\"", "\"##\"", "9", "{\"a\" 0}"), "a colon is missing");
    check_model(MODEL("\"a\"", "\"##\"", "9", "{\"a\":0,}"), "a token in quotes is missing");
    check_model(MODEL("\"a\"", "\"##\"", "9", "{\"\\ud800\":0}"),
                "an escape that JSON does not have");
    check_model(MODEL("\"a\"", "\"##\"", "9", "{\"\\x\":0}"), "an escape that JSON does not have");
    check_model(MODEL("\"a\"", "\"##\"", "9", "{\"a\tb\":0}"), "a control character");
    check_model(MODEL("\"a\"", "\"##\"", "9", "{}"), "there are no tokens");
    check_model(MODEL("\"a\"", "\"##\"", "9", "[]"), "model.vocab has a wrong type");
    check_model(MODEL("\"a\"", "\"##\"", "9", "{\"a\":0},\"vocab\":{}"), "duplicate");
    check_model(MODEL("\"a\"", "7", "9", "{\"a\":0}"),
                "continuing_subword_prefix has a wrong type");
    check_model(MODEL("null", "\"\"", "9", "{\"a\":0}"), "model.unk_token has a wrong type");
    check_model(MODEL("\"a\"", "\"\"", "-9", "{\"a\":0}"), "max_input_chars_per_word");
}

static void added_tokens_must_agree_with_the_vocabulary(void **state)
{
    (void)state;
    struct parts p = good;
    p.added = ADDED("1", "[UNK]", "false") "," ADDED("40", "new", "false");
    struct tokenizer *t = try_open(write_json(p), span_of(NULL), NULL);
    if (!t) fail_msg("%s", err.message);
    check_ids(t, "[UNK] new a", IDS(0, 3, 1));
    tokenizer_close(t);
    p.added = ADDED("3", "new", "false") "," ADDED("4", "new", "false");
    check_parts(p, "occurs twice");
    p.added = ADDED("0", "[UNK]", "false") "," ADDED("0", "[UNK]", "true");
    check_parts(p, "added_tokens[1].content is already in added_tokens");
    p.added = ADDED("7", "", "false") "," ADDED("3", "new", "false");
    t = try_open(write_json(p), span_of(NULL), NULL);
    if (!t) fail_msg("%s", err.message);
    check_ids(t, "new", IDS(3));
    tokenizer_close(t);
    p.added = ADDED("3", "\\u0001", "true");
    check_parts(p, "nothing is left");
    p.added = ADDED("3", "NEW", "true") "," ADDED("4", "new", "true");
    check_parts(p, "two tokens are the same");
    p.added = ADDED("\"3\"", "new", "false");
    check_parts(p, "added_tokens[0].id has a wrong type");
    p.added = "3";
    check_parts(p, "added_tokens[0] has a wrong type");
}

static void templates_are_read_or_refused(void **state)
{
    (void)state;
    struct parts p = good;
    p.post_processor = "{\"type\":\"BertProcessing\",\"sep\":[\"a\",1],\"cls\":[\"[UNK]\",0]}";
    struct tokenizer *t = try_open(write_json(p), span_of(NULL), NULL);
    assert_non_null(t);
    assert_true(tokenizer_encode(t, &arena, "", 0, TOKENIZE_SPECIAL_TOKENS, &tokens, &err));
    assert_int_equal(tokens.n, 2);
    assert_int_equal(tokens.ids[0], 0);
    assert_int_equal(tokens.ids[1], 1);
    tokenizer_close(t);
    p.post_processor = "{\"type\":\"BertProcessing\",\"sep\":[\"a\",3],\"cls\":[\"[UNK]\",0]}";
    check_parts(p, "post_processor.sep[1] must be the id of a token");
    p.post_processor = "{\"type\":\"PairProcessing\"}";
    check_parts(p, "post_processor.type 'PairProcessing'");
    p.post_processor = "{\"type\":\"TemplateProcessing\",\"single\":[],\"special_tokens\":{}}";
    check_parts(p, "the Sequence A 0 times");
    p.post_processor =
        "{\"type\":\"TemplateProcessing\",\"single\":[{\"Sequence\":{\"id\":\"B\"}}]}";
    check_parts(p, "post_processor.single[0] must be");
    p.post_processor =
        "{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"[X]\"}}]}";
    check_parts(p, "names the special token '[X]'");
}

static void no_beginning_of_a_file_is_taken_for_the_file(void **state)
{
    (void)state;
    struct span whole = write_json(good);
    for (size_t bytes = 0; bytes < whole.bytes; bytes++) {
        char *part = malloc(bytes + 1); /* its own block, so that a read past its end is seen */
        memcpy(part, whole.data, bytes);
        assert_null(try_open((struct span){part, bytes}, span_of(NULL), NULL));
        free(part);
    }
    check_refused(try_open(span_of("\xFF{}"), span_of(NULL), NULL), "byte 0 is not UTF-8");
    check_refused(try_open(span_of("[1]"), span_of(NULL), NULL), "the file has a wrong type");
    check_refused(try_open(write_json(good), span_of(NULL), "dictionary"), "config.json");
}

/* ---- long texts ---- */

static void a_long_text_has_the_tokens_of_its_parts(void **state)
{
    (void)state;
    /* Parts of many lengths, so that the cuts of the text meet each place of them. */
    static const char *const parts[] = {"abb a, ",
                                        "我a吃",
                                        "x\xCC\x81\xE3\x80\xAE"
                                        "a ",
                                        "a\xE2\x80\x8D"
                                        "b.",
                                        "각 ab ",
                                        "[UNK]\n",
                                        "\xF0\x9D\x85\x9F\xF0\x9D\x85\xA5 a",
                                        " "};
    enum { N = 3000 };
    struct tokenizer *t = try_open(write_json(good), span_of(NULL), NULL);
    static char whole[N * 16];
    static uint32_t ids[N * 8], starts[N * 8];
    uint32_t n = 0, point = 0;
    size_t bytes = 0;
    for (uint32_t i = 0; i < N; i++) {
        const char *part = parts[i * i % 7919 % 8];
        encode(t, part, strlen(part));
        for (uint32_t k = 0; k < tokens.n; k++, n++) {
            ids[n] = tokens.ids[k];
            starts[n] = point + tokens.spans[k].start;
        }
        for (const char *at = part; *at; at++)
            point += (*at & 0xC0) != 0x80;
        memcpy(whole + bytes, part, strlen(part));
        bytes += strlen(part);
        whole[bytes++] = ' ';
        point++;
    }
    encode(t, whole, bytes);
    assert_int_equal(tokens.n, n);
    assert_memory_equal(tokens.ids, ids, n * sizeof *ids);
    for (uint32_t i = 0; i < n; i++)
        assert_int_equal(tokens.spans[i].start, starts[i]);
    tokenizer_close(t);
}

/* A word of `bytes` bytes that is cut into tokens after each letter. */
static const char *long_word(size_t bytes)
{
    static char word[128];
    memset(word, 'a', bytes);
    word[bytes] = '\0';
    return word;
}

static void a_word_has_the_tokens_that_it_has_alone_wherever_it_stands(void **state)
{
    (void)state;
    static const char *const pieces[] = {
        "ab", "embedded", "embedding",         "internationally", "1234567",   "nobody's",
        ",",  "!?",       "\xC3\xA9t\xC3\xA9", "Embedding",       "x\xC3\xA9", "_"};
    static const char *const gaps[] = {" ", "  ", "\n", "\t "};
    enum { N = sizeof pieces / sizeof *pieces, TEXTS = 20000, PIECES_MAX = 24 };
    struct tokenizer *t =
        open_vocab("[UNK]\n[CLS]\n[SEP]\na\n##a\nab\nembedded\nembedding\n##ding\n"
                   "1234567\nnobody\ns\n'\n,\n!\n?\nete\nxe\n_\n");
    for (uint32_t seed = 1, i = 0; i < TEXTS; i++) {
        char whole[PIECES_MAX * 128];
        uint32_t ids[PIECES_MAX * 128], starts[PIECES_MAX * 128], n = 0, point = 0;
        size_t bytes = 0;
        for (uint32_t k = 0; k < i % PIECES_MAX; k++) {
            seed = seed * 1664525u + 1013904223u;
            const uint32_t which = (seed >> 8) % (N + 1);
            const char *piece = which < N ? pieces[which] : long_word(1 + (seed >> 20) % 102);
            encode(t, piece, strlen(piece));
            for (uint32_t j = 0; j < tokens.n; j++, n++) {
                ids[n] = tokens.ids[j];
                starts[n] = point + tokens.spans[j].start;
            }
            const char *gap = gaps[(seed >> 16) % 16 < 4 ? (seed >> 16) % 4 : 0];
            bytes += (size_t)sprintf(whole + bytes, "%s%s", piece, gap);
            for (const char *at = piece; *at; at++)
                point += (*at & 0xC0) != 0x80;
            point += (uint32_t)strlen(gap);
        }
        /* Just the text's own memory, so that AddressSanitizer sees who looks behind it. */
        char *own = memcpy(malloc(bytes ? bytes : 1), whole, bytes);
        encode(t, own, bytes);
        free(own);
        if (tokens.n != n || memcmp(tokens.ids, ids, n * sizeof *ids) != 0)
            fail_msg("%.*s", (int)bytes, whole);
        for (uint32_t j = 0; j < n; j++)
            assert_int_equal(tokens.spans[j].start, starts[j]);
    }
    tokenizer_close(t);
}

static char *repeat(const char *part, size_t bytes)
{
    char *long_text = malloc(bytes);
    size_t n = strlen(part);
    for (size_t i = 0; i < bytes; i++)
        long_text[i] = part[i % n];
    return long_text;
}

static void ten_megabytes_without_a_space_are_one_unknown_word(void **state)
{
    (void)state;
    struct tokenizer *t = try_open(write_json(good), span_of(NULL), NULL);
    enum { BYTES = 10 << 20 };
    char *word = repeat("ab", BYTES);
    encode(t, word, BYTES);
    assert_int_equal(tokens.n, 1);
    assert_int_equal(tokens.ids[0], tokenizer_unknown_id(t));
    assert_int_equal(tokens.spans[0].end, BYTES);
    free(word);
    word = repeat("\xC3\xA9", BYTES);
    encode(t, word, BYTES);
    assert_int_equal(tokens.n, 1);
    assert_int_equal(tokens.spans[0].end, BYTES / 2);
    free(word);
    tokenizer_close(t);
}

static void a_word_of_a_million_pieces_is_cut_or_unknown_as_a_whole(void **state)
{
    (void)state;
    struct parts p = good;
    p.model = MODEL("\"[UNK]\"", "\"\"", "4000000", "{\"[UNK]\":0,\"我\":1,\"我我我我\":2}");
    p.normalizer = "null";
    struct tokenizer *t = try_open(write_json(p), span_of(NULL), NULL);
    enum { CHARACTERS = 1000001 };
    char *word = repeat("我", CHARACTERS * 3 + 1);
    encode(t, word, CHARACTERS * 3);
    assert_int_equal(tokens.n, CHARACTERS / 4 + 1);
    assert_int_equal(tokens.ids[0], 2);
    assert_int_equal(tokens.ids[tokens.n - 1], 1);
    assert_int_equal(tokens.spans[tokens.n - 1].end, CHARACTERS);
    word[CHARACTERS * 3] = 'x';
    encode(t, word, CHARACTERS * 3 + 1);
    assert_int_equal(tokens.n, 1);
    assert_int_equal(tokens.ids[0], tokenizer_unknown_id(t));
    free(word);
    tokenizer_close(t);
}

/* Every byte a token, as many marks as fit: the most there can be of each. */
static void eight_megabytes_fit_the_default_memory_of_a_request(void **state)
{
    (void)state;
    struct tokenizer *t = try_open(write_json(good), span_of(NULL), NULL);
    enum { BYTES = 8 << 20 };
    static const struct {
        const char *part;
        size_t tokens;
    } cases[] = {{"a.", BYTES}, {"\xE6\x88\x91", BYTES / 3}, {"\xEA\xB0\x81 ", BYTES / 4}};
    for (size_t i = 0; i < 3; i++) {
        char *long_text = repeat(cases[i].part, BYTES);
        encode(t, long_text, BYTES / strlen(cases[i].part) * strlen(cases[i].part));
        assert_int_equal(tokens.n, cases[i].tokens);
        free(long_text);
    }
    tokenizer_close(t);
}

static void at_the_cap_of_the_arena_it_says_so(void **state)
{
    (void)state;
    struct tokenizer *t = try_open(write_json(good), span_of(NULL), NULL);
    struct arena small;
    char *long_text = repeat("\xC3\xA9", 1 << 20);
    for (size_t cap = 1000; cap < 40u << 20; cap = cap * 3 / 2) {
        arena_init(&small, cap);
        err = (struct err){0};
        bool done = tokenizer_encode(t, &small, long_text, 1 << 20, TOKENIZE_SPANS, &tokens, &err);
        assert_int_equal(err.code, done ? ERR_NONE : ERR_MEMORY);
        if (cap == 1000) assert_false(done);
        arena_clear(&small);
    }
    free(long_text);
    tokenizer_close(t);
}

int main(void)
{
    json_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_running_example_has_its_ids_and_comes_back),
        cmocka_unit_test(a_dictionary_takes_words_and_characters_exactly_as_they_stand),
        cmocka_unit_test(words_of_several_scripts_are_found_in_running_text),
        cmocka_unit_test(words_of_ideographs_are_the_longest_ones),
        cmocka_unit_test(an_unknown_token_gets_the_unknown_row_where_there_is_one),
        cmocka_unit_test(line_ends_and_a_byte_order_mark_are_no_part_of_a_token),
        cmocka_unit_test(an_empty_line_of_a_vocabulary_has_an_id),
        cmocka_unit_test(of_equal_lines_the_last_one_counts_and_no_id_moves),
        cmocka_unit_test(two_columns_are_tokens_and_their_ids),
        cmocka_unit_test(of_equal_keys_the_last_one_counts),
        cmocka_unit_test(a_vocabulary_that_cannot_be_read_is_refused),
        cmocka_unit_test(a_vocabulary_with_unk_is_berts),
        cmocka_unit_test(ids_stand_in_any_order),
        cmocka_unit_test(what_is_not_known_is_refused_by_its_path),
        cmocka_unit_test(keys_that_the_library_passes_over_are_passed_over),
        cmocka_unit_test(a_part_without_a_type_is_what_its_fields_say),
        cmocka_unit_test(merges_and_scores_that_are_none_are_refused),
        cmocka_unit_test(steps_that_are_none_are_refused),
        cmocka_unit_test(sequences_are_as_long_and_deep_as_the_library_reads_them),
        cmocka_unit_test(sequences_without_end_are_refused),
        cmocka_unit_test(steps_that_let_a_text_grow_without_end_are_given_up),
        cmocka_unit_test(a_pattern_that_backtracks_for_ever_is_given_up),
        cmocka_unit_test(an_id_without_a_token_keeps_its_row_and_no_text_gets_it),
        cmocka_unit_test(a_vocabulary_that_is_none_is_refused),
        cmocka_unit_test(added_tokens_must_agree_with_the_vocabulary),
        cmocka_unit_test(templates_are_read_or_refused),
        cmocka_unit_test(no_beginning_of_a_file_is_taken_for_the_file),
        cmocka_unit_test(a_long_text_has_the_tokens_of_its_parts),
        cmocka_unit_test(a_word_has_the_tokens_that_it_has_alone_wherever_it_stands),
        cmocka_unit_test(ten_megabytes_without_a_space_are_one_unknown_word),
        cmocka_unit_test(a_word_of_a_million_pieces_is_cut_or_unknown_as_a_whole),
        cmocka_unit_test(eight_megabytes_fit_the_default_memory_of_a_request),
        cmocka_unit_test(at_the_cap_of_the_arena_it_says_so),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
