/* SPDX-License-Identifier: Apache-2.0 */
#include "model/model.h"
#include "tests/test.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- models made on the spot ---- */

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/embedd-test-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[100];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static void write_bytes(const char *name, const void *data, size_t bytes)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
}

static void write_text(const char *name, const char *text)
{
    write_bytes(name, text, strlen(text));
}

/* model.safetensors with an F32 table (rows, dim), and weights (rows) unless NULL. The header's
   length is odd, so that nothing in the file is aligned. */
static void write_table(const float *values, size_t rows, size_t dim, const float *weights)
{
    char file[20000], header[300];
    size_t n_table = rows * dim * sizeof(float), n_weights = weights ? rows * sizeof(float) : 0;
    snprintf(header, sizeof header,
             "{\"embeddings\":{\"dtype\":\"F32\",\"shape\":[%zu,%zu],\"data_offsets\":[0,%zu]}",
             rows, dim, n_table);
    size_t n = strlen(header);
    if (weights) {
        snprintf(header + n, sizeof header - n,
                 ",\"weights\":{\"dtype\":\"F32\",\"shape\":[%zu],\"data_offsets\":[%zu,%zu]}",
                 rows, n_table, n_table + n_weights);
    }
    strcat(header, "}");
    if (strlen(header) % 2 == 0) strcat(header, " ");
    n = strlen(header);
    assert_true(8 + n + n_table + n_weights <= sizeof file);
    memset(file, 0, 8);
    file[0] = (char)(n & 0xFF);
    file[1] = (char)(n >> 8);
    memcpy(file + 8, header, n);
    memcpy(file + 8 + n, values, n_table);
    if (weights) memcpy(file + 8 + n + n_table, weights, n_weights);
    write_bytes("model.safetensors", file, 8 + n + n_table + n_weights);
}

static struct model *open_folder(void)
{
    struct model *model;
    struct err err;
    if (!model_open(&model, folder, &err)) fail_msg("%s", err.message);
    return model;
}

static void refuse(const char *what)
{
    struct model *model;
    struct err err = {0};
    assert_false(model_open(&model, folder, &err));
    assert_null(model);
    assert_int_equal(err.code, ERR_FORMAT);
    if (!strstr(err.message, what)) fail_msg("'%s' does not say '%s'", err.message, what);
}

static const float plain_table[6 * 2] = {1, 0, 0, 1, 1, 1, -1, 2, 3, 4, 0, 0};

static void write_dictionary(const char *config)
{
    write_table(plain_table, 6, 2, NULL);
    write_text("vocab.txt", "他\n我\n爱\n吃\n你\n饭\n");
    if (config) write_text("config.json", config);
}

static bool pool(const struct model *model, const uint32_t *ids, size_t n, enum pooling pooling,
                 bool normalize, float *out)
{
    const struct pool_options options = {pooling, normalize, model_info(model)->dim};
    return model_pool(model, ids, n, &options, out);
}

/* ---- opening ---- */

static void a_dictionary_folder_has_its_defaults(void **state)
{
    (void)state;
    write_dictionary(NULL);
    struct model *model = open_folder();
    const struct model_info *info = model_info(model);
    assert_string_equal(info->name, strrchr(folder, '/') + 1);
    assert_string_equal(info->version, "");
    assert_string_equal(info->format, "safetensors");
    assert_string_equal(info->tokenizer, "dictionary");
    assert_string_equal(info->dtype, "F32");
    assert_int_equal(info->vocab_size, 6);
    assert_int_equal(info->dim, 2);
    assert_true(info->unknown_id == TOKEN_ID_NONE);
    assert_int_equal(info->pooling, POOLING_MEAN);
    assert_false(info->normalize);
    assert_false(info->has_weights);
    model_close(model);
    model_close(NULL);
}

static void a_wordpiece_folder_is_normalized_unless_it_says_no(void **state)
{
    (void)state;
    write_table(plain_table, 6, 2, NULL);
    write_text("vocab.txt", "[PAD]\n[UNK]\na\nb\nc\nd\n");
    struct model *model = open_folder();
    assert_string_equal(model_info(model)->tokenizer, "wordpiece");
    assert_int_equal(model_info(model)->unknown_id, 1);
    assert_true(model_info(model)->normalize);
    model_close(model);
    write_text("config.json", "{\"normalize\": false}");
    model = open_folder();
    assert_false(model_info(model)->normalize);
    model_close(model);
}

static void config_json_sets_what_it_names_and_may_hold_anything_else(void **state)
{
    (void)state;
    write_dictionary("{\"name\":\"chain\",\"version\":\"3\",\"tokenizer\":\"dictionary\","
                     "\"pooling\":\"max\",\"normalize\":true,\"lowercase\":false,"
                     "\"about\":384,\"words\":[\"a\"]}");
    struct model *model = open_folder();
    const struct model_info *info = model_info(model);
    assert_string_equal(info->name, "chain");
    assert_string_equal(info->version, "3");
    assert_int_equal(info->pooling, POOLING_MAX);
    assert_true(info->normalize);
    model_close(model);
}

/* Keys of ours by name, in files of others. */
#define THEIRS                                                                                     \
    "\"name\":7,\"version\":2.1,\"license\":[],\"tokenizer\":\"BertTokenizer\",\"pooling\":"       \
    "\"cls\","                                                                                     \
    "\"normalize\":\"l2\",\"lowercase\":1,\"max_length\":1,\"vocab_size\":\"many\""

static void keys_of_another_programs_config_json_are_not_ours(void **state)
{
    (void)state;
    static const char *const marks[] = {
        "\"model_type\":\"bert\"",     "\"architectures\":[\"BertModel\"]",
        "\"hidden_size\":4",           "\"transformers_version\":\"4.1\"",
        "\"torch_dtype\":\"float32\"", "\"num_beams\":1",
        "\"__version__\":{}",          "\"max_seq_length\":128",
        "\"class_name\":\"x\"",        "\"batch_size\":8",
    };
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        char config[500];
        snprintf(config, sizeof config, "{" THEIRS ",%s}", marks[i]);
        write_dictionary(config);
        struct model *model = open_folder();
        const struct model_info *info = model_info(model);
        assert_string_equal(info->name, strrchr(folder, '/') + 1);
        assert_string_equal(info->version, "");
        assert_string_equal(info->tokenizer, "dictionary");
        assert_int_equal(info->pooling, POOLING_MEAN);
        assert_false(info->normalize);
        assert_int_equal(info->limits.tokens_max, 0);
        model_close(model);
        /* Unless it says that it speaks our language. */
        snprintf(config, sizeof config,
                 "{\"compat\":\"embedd\",\"pooling\":\"max\",\"max_length\":3,%s}", marks[i]);
        write_dictionary(config);
        model = open_folder();
        assert_int_equal(model_info(model)->pooling, POOLING_MAX);
        assert_int_equal(model_info(model)->limits.tokens_max, 3);
        model_close(model);
    }
    write_dictionary("{\"compat\":\"embedd\",\"model_type\":\"bert\"," THEIRS "}");
    refuse("config.json: name must be a text");
}

static void a_wrong_value_in_config_json_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *config, *what;
    } cases[] = {
        {"nonsense", "config.json: it is not JSON"},
        {"[1]", "config.json: it must be a JSON object"},
        {"{\"name\":7}", "config.json: name must be a text"},
        {"{\"name\":\"\"}", "config.json: name must be a text"},
        {"{\"name\":\"a\\r\\nb: c\"}", "config.json: name must be a text"},
        {"{\"version\":\"a\\u0000\"}", "config.json: version must be a text"},
        {"{\"tokenizer\":\"bpe\"}",
         "tokenizer must be \"wordpiece\" or \"dictionary\", not \"bpe\""},
        {"{\"pooling\":\"avg\"}", "not \"avg\""},
        {"{\"pooling\":null}", "pooling must be a text"},
        {"{\"pooling\":\"weighted\"}", "no tensor 'weights'"},
        {"{\"normalize\":1}", "normalize must be true or false"},
        {"{\"lowercase\":\"no\"}", "lowercase must be true or false"},
        {"{\"vocab_size\":0}", "vocab_size must be a whole number"},
        {"{\"vocab_size\":6.0}", "vocab_size must be a whole number"},
        {"{\"scripts\":\"Latn\"}", "scripts must be a list of texts, as [\"Latn\", \"Hani\"]"},
        {"{\"scripts\":[]}", "scripts must be a list of texts"},
        {"{\"scripts\":null}", "scripts must be a list of texts"},
        {"{\"scripts\":{\"Latn\":1}}", "scripts must be a list of texts"},
        {"{\"scripts\":[\"Latn\",1]}", "scripts must be a list of texts"},
        {"{\"scripts\":[\"Latn\",\"Hans\"]}", "\"Hans\" is not the ISO 15924 code of a script"},
        {"{\"scripts\":[\"en\"]}", "\"en\" is not the ISO 15924 code of a script"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_dictionary(cases[i].config);
        refuse(cases[i].what);
    }
}

static void vocabulary_and_rows_must_agree(void **state)
{
    (void)state;
    write_dictionary(NULL);
    write_text("vocab.txt", "a\nb\nc\nd\n");
    write_text("config.json", "{}");
    refuse("4 tokens but the table 6 rows; take the two from the same model, or if the last rows "
           "are padding, put \"vocab_size\": 6");
    write_text("config.json", "{\"vocab_size\": 5}");
    refuse("4 tokens but the table 6 rows");
    write_text("config.json", "{\"vocab_size\": 6}");
    struct model *model = open_folder();
    assert_int_equal(model_info(model)->vocab_size, 4);
    model_close(model);
}

static void a_table_that_is_not_finite_is_refused_naming_the_row(void **state)
{
    (void)state;
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    for (size_t at = 0; at < 12; at++) {
        float values[12], was = plain_table[at];
        memcpy(values, plain_table, sizeof values);
        values[at] = bad[at % 3];
        write_table(values, 6, 2, NULL);
        write_text("vocab.txt", "a\nb\nc\nd\ne\nf\n");
        char what[80];
        snprintf(what, sizeof what, "row %zu (token '%c') holds NaN or Inf", at / 2,
                 (char)('a' + at / 2));
        refuse(what);
        assert_true(isfinite(was));
    }
}

static void a_file_that_is_missing_or_wrong_is_named(void **state)
{
    (void)state;
    struct model *model;
    struct err err;
    write_text("vocab.txt", "a\n");
    refuse("holds no model.safetensors");
    write_text("model.safetensors", "not one");
    refuse("model.safetensors: 7 bytes are too few");
    assert_false(model_open(&model, "/nowhere/at all", &err));
    assert_int_equal(err.code, ERR_IO);
    assert_non_null(strstr(err.message, "/nowhere/at all"));
}

static void the_builtin_model_opens_and_makes_unit_vectors(void **state)
{
    (void)state;
    struct model *model;
    struct err err;
    if (!model_open(&model, "builtin", &err)) fail_msg("%s", err.message);
    const struct model_info *info = model_info(model);
    assert_string_equal(info->name, "embedd-base-2");
    assert_string_equal(info->license, "CC-BY-SA-4.0");
    assert_string_equal(info->dtype, "I4");
    assert_string_equal(info->tokenizer, "wordpiece");
    assert_int_equal(info->vocab_size, 105857);
    assert_int_equal(info->dim, 256);
    assert_int_equal(info->unknown_id, model_token_id(model, "[UNK]", 5));
    assert_true(info->normalize);
    /* What is not looked at when it is opened. */
    if (!model_check_finite(model, &err)) fail_msg("%s", err.message);
    uint32_t ids[2] = {model_token_id(model, "food", 4), model_token_id(model, "eat", 3)};
    float out[256], squares = 0;
    assert_true(pool(model, ids, 2, info->pooling, info->normalize, out));
    for (int j = 0; j < 256; j++)
        squares += out[j] * out[j];
    assert_true(fabsf(squares - 1) < 1e-6f);
    model_close(model);
}

/* ---- limits ---- */

static struct arena arena;

static int make_folder_and_arena(void **state)
{
    arena_init(&arena, 1 << 20);
    return make_folder(state);
}

static int remove_folder_and_arena(void **state)
{
    arena_clear(&arena);
    return remove_folder(state);
}

static struct tokens tokenize(const struct model *model, const char *text, unsigned flags)
{
    struct tokens tokens;
    struct err err;
    if (!model_tokenize(model, &arena, text, strlen(text), flags, &tokens, &err))
        fail_msg("%s", err.message);
    return tokens;
}

static void check_tokens(struct tokens tokens, uint32_t n, const uint32_t *ids,
                         const struct token_span *spans, bool is_truncated)
{
    assert_int_equal(tokens.n, n);
    assert_memory_equal(tokens.ids, ids, n * sizeof *ids);
    assert_int_equal(tokens.spans != NULL, spans != NULL);
    if (spans) assert_memory_equal(tokens.spans, spans, n * sizeof *spans);
    assert_int_equal(tokens.is_truncated, is_truncated);
}

static void too_many_tokens_are_cut_at_the_models_side_and_their_spans_with_them(void **state)
{
    (void)state;
    static const uint32_t ids[] = {1, 2, 3, 5, 0};
    static const struct token_span spans[] = {{0, 1}, {1, 2}, {2, 3}, {3, 4}, {4, 5}};
    for (int is_left = 0; is_left < 2; is_left++) {
        write_dictionary(is_left ? "{\"max_length\":3,\"truncation_side\":\"left\"}"
                                 : "{\"max_length\":3,\"truncation_side\":\"right\"}");
        struct model *model = open_folder();
        const size_t first = is_left ? 2 : 0;
        check_tokens(tokenize(model, "我爱吃饭他", TOKENIZE_LIMITS | TOKENIZE_SPANS), 3,
                     ids + first, spans + first, true);
        check_tokens(tokenize(model, "我爱吃饭他", TOKENIZE_LIMITS), 3, ids + first, NULL, true);
        check_tokens(tokenize(model, "我爱吃饭他", TOKENIZE_SPANS), 5, ids, spans, false);
        check_tokens(tokenize(model, "我爱吃", TOKENIZE_LIMITS | TOKENIZE_SPANS), 3, ids, spans,
                     false);
        model_close(model);
    }
}

static void of_a_long_text_the_first_characters_are_looked_at(void **state)
{
    (void)state;
    static const uint32_t ids[] = {1, 2, 3};
    write_dictionary("{\"max_characters\":2}");
    struct model *model = open_folder();
    check_tokens(tokenize(model, "我爱吃", TOKENIZE_LIMITS), 2, ids, NULL, true);
    check_tokens(tokenize(model, "我爱", TOKENIZE_LIMITS), 2, ids, NULL, false);
    check_tokens(tokenize(model, "我爱吃", 0), 3, ids, NULL, false);
    model_close(model);
}

static void unknown_tokens_that_are_dropped_take_their_spans_with_them(void **state)
{
    (void)state;
    write_table(plain_table, 6, 2, NULL);
    write_text("vocab.txt", "[PAD]\n[UNK]\na\nb\nc\nd\n");
    write_text("config.json", "{\"compat\":\"model2vec-0.8\"}");
    struct model *model = open_folder();
    check_tokens(tokenize(model, "x a yy b z", TOKENIZE_LIMITS | TOKENIZE_SPANS), 2,
                 (const uint32_t[]){2, 3}, (const struct token_span[]){{2, 3}, {7, 8}}, false);
    check_tokens(tokenize(model, "x a", TOKENIZE_SPANS), 2, (const uint32_t[]){1, 2},
                 (const struct token_span[]){{0, 1}, {2, 3}}, false);
    model_close(model);
}

static void bytes_to_read_are_rows_and_those_of_n_grams_where_words_have_some(void **state)
{
    (void)state;
    struct err err;
    write_dictionary(NULL);
    struct model *model = open_folder();
    assert_int_equal(model_read_bytes(model, 10), 10 * 2 * 4);
    model_close(model);
    if (!model_open(&model, "tests/data/fasttext/softmax.bin", &err)) fail_msg("%s", err.message);
    assert_int_equal(model_read_bytes(model, 10), (uint64_t)10 * 16 * model_info(model)->dim * 4);
    model_close(model);
}

/* ---- vectors ---- */

static void rows_are_the_tables_own_bits(void **state)
{
    (void)state;
    write_dictionary(NULL);
    struct model *model = open_folder();
    for (uint32_t id = 0; id < 6; id++) {
        float row[3] = {9, 9, 9};
        model_row(model, id, 2, row);
        assert_memory_equal(row, plain_table + 2 * id, 2 * sizeof(float));
        assert_true(row[2] == 9);
        row[1] = 9;
        model_row(model, id, 1, row);
        assert_true(row[1] == 9);
    }
    model_close(model);
}

static void vector_of(const struct model *model, const char *text, enum pooling pooling, float *out)
{
    const struct pool_options options = {pooling, false, model_info(model)->dim};
    const struct passage passage = {.text = text, .bytes = strlen(text)};
    struct err err;
    if (!model_vector(model, &arena, &passage, &options, out, &err)) fail_msg("%s", err.message);
}

/* Poolings that are not the program's own, by hand from each word's vector by itself. Without
   n-grams an unknown word has none: it is a zero, and does not count as a unit. */
static void fasttext_words_are_pooled_as_rows_are(void **state)
{
    (void)state;
    enum { WORDS = 4, DIM = 9 };
    static const char *const words[WORDS] = {"very", "is", "qqqzzz", "of"};
    static const enum pooling poolings[] = {POOLING_SUM, POOLING_MAX, POOLING_UNIT};
    struct model *model;
    struct err err;
    float word[WORDS][DIM], got[DIM];
    if (!model_open(&model, "tests/data/fasttext/softmax.bin", &err)) fail_msg("%s", err.message);
    assert_int_equal(model_info(model)->dim, DIM);
    for (size_t i = 0; i < WORDS; i++)
        vector_of(model, words[i], POOLING_SUM, word[i]);
    for (size_t k = 0; k < sizeof poolings / sizeof poolings[0]; k++) {
        double norms[WORDS] = {0}, n_units = 0;
        for (size_t i = 0; i < WORDS; i++) {
            for (size_t j = 0; j < DIM; j++)
                norms[i] += (double)word[i][j] * (double)word[i][j];
            norms[i] = sqrt(norms[i]);
            n_units += norms[i] > 0;
        }
        assert_true(n_units == WORDS - 1);
        vector_of(model, "very\tis\rqqqzzz  of", poolings[k], got);
        for (size_t j = 0; j < DIM; j++) {
            double sum = 0, largest = (double)word[0][j], units = 0;
            for (size_t i = 0; i < WORDS; i++) {
                sum += (double)word[i][j];
                largest = fmax(largest, (double)word[i][j]);
                if (norms[i] > 0) units += (double)word[i][j] / norms[i] / n_units;
            }
            const double want = poolings[k] == POOLING_SUM   ? sum
                                : poolings[k] == POOLING_MAX ? largest
                                                             : units;
            assert_true(fabs((double)got[j] - want) < 1e-6);
        }
    }
    /* The largest of one word is that word, below zero too. */
    vector_of(model, "very", POOLING_MAX, got);
    assert_memory_equal(got, word[0], sizeof got);
    model_close(model);
}

/* One line of tests/data/golden/cases.txt, against what numpy made. */
static void check_case(const struct model *model, const char *name, FILE *file)
{
    char pooling[16];
    int normalize;
    unsigned dims, n;
    uint32_t ids[1000];
    struct pool_options options = {0};
    assert_int_equal(fscanf(file, "%15s %d %u %u", pooling, &normalize, &dims, &n), 4);
    assert_true(n <= 1000 && dims <= 256);
    for (unsigned i = 0; i < n; i++) {
        int64_t id;
        assert_int_equal(fscanf(file, "%" SCNd64, &id), 1);
        ids[i] = id < 0 ? TOKEN_ID_NONE : (uint32_t)id;
    }
    assert_true(pooling_from_name(pooling, strlen(pooling), &options.pooling));
    options.normalize = normalize;
    options.dims = dims;
    float out[257];
    out[dims] = 77;
    assert_true(model_pool(model, ids, n, &options, out));
    assert_true(out[dims] == 77);
    for (unsigned j = 0; j < dims; j++) {
        double want;
        assert_int_equal(fscanf(file, "%lf", &want), 1);
        /* Sums of hundreds of rows are large: there the limit is relative. */
        double limit = 1e-6 * (fabs(want) > 1 ? fabs(want) * 10 : 1);
        if (fabs((double)out[j] - want) > limit) {
            fail_msg("%s %s %d dims %u n %u: column %u is %.9g, not %.9g", name, pooling, normalize,
                     dims, n, j, (double)out[j], want);
        }
    }
}

static void vectors_equal_those_of_numpy(void **state)
{
    (void)state;
    static const struct {
        const char *name, *path;
    } models[] = {{"F32", "tests/data/golden/f32"},   {"F16", "tests/data/golden/f16"},
                  {"BF16", "tests/data/golden/bf16"}, {"I8", "tests/data/golden/i8"},
                  {"I4", "tests/data/golden/i4"},     {"BUILTIN", "builtin"}};
    FILE *file = fopen("tests/data/golden/cases.txt", "r");
    assert_non_null(file);
    char name[8];
    int n = 0, more = fscanf(file, "%7s", name);
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        struct model *model;
        struct err err;
        if (!model_open(&model, models[i].path, &err)) fail_msg("%s", err.message);
        for (; more == 1 && strcmp(name, models[i].name) == 0; n++) {
            check_case(model, name, file);
            more = fscanf(file, "%7s", name);
        }
        model_close(model);
    }
    fclose(file);
    assert_int_equal(more, EOF);
    assert_int_equal(n, 5 * 4 * 2 * (8 + 7) + 5);
}

/* The vector of one sequence as plain doubles, for any pooling. */
static void pool_in_double(const float *table, const float *weights, size_t dim,
                           const uint32_t *ids, size_t n, enum pooling pooling, double *out)
{
    double total = 0;
    for (size_t j = 0; j < dim; j++)
        out[j] = pooling == POOLING_MAX ? -HUGE_VAL : 0;
    for (size_t i = 0; i < n; i++) {
        double weight = pooling == POOLING_WEIGHTED ? (double)weights[ids[i]] : 1;
        total += weight;
        for (size_t j = 0; j < dim; j++) {
            double x = (double)table[ids[i] * dim + j];
            out[j] = pooling == POOLING_MAX ? fmax(out[j], x) : out[j] + weight * x;
        }
    }
    for (size_t j = 0; j < dim && (pooling == POOLING_MEAN || pooling == POOLING_WEIGHTED); j++)
        out[j] /= total;
}

static void every_pooling_equals_a_plain_computation(void **state)
{
    (void)state;
    enum { ROWS = 40, DIM = 61 };
    float table[ROWS * DIM], weights[ROWS];
    char vocab[ROWS * 4], *at = vocab;
    uint32_t ids[100], random = 1;
    for (size_t i = 0; i < ROWS * DIM; i++)
        table[i] = (float)(int)((random = random * 1664525u + 1013904223u) >> 8) / 1e7f - 0.8f;
    for (size_t i = 0; i < ROWS; i++) {
        weights[i] = (float)(i % 7) / 3;
        at += sprintf(at, "t%zu\n", i);
    }
    write_table(table, ROWS, DIM, weights);
    write_text("vocab.txt", vocab);
    struct model *model = open_folder();
    assert_true(model_info(model)->has_weights);
    for (size_t n = 1; n <= 100; n++) {
        for (size_t i = 0; i < n; i++)
            ids[i] = (random = random * 1664525u + 1013904223u) >> 8 & 31;
        ids[0] = ROWS - 1; /* weight 4 / 3: a sum of weights that is not zero */
        for (int pooling = POOLING_MEAN; pooling <= POOLING_MAX; pooling++) {
            double want[DIM];
            float got[DIM];
            pool_in_double(table, weights, DIM, ids, n, (enum pooling)pooling, want);
            assert_true(pool(model, ids, n, (enum pooling)pooling, false, got));
            double scale = pooling == POOLING_SUM ? (double)n : 1;
            for (size_t j = 0; j < DIM; j++)
                assert_true(fabs((double)got[j] - want[j]) <= 1e-6 * scale);
        }
    }
    model_close(model);
}

static void nothing_known_gives_the_zero_vector(void **state)
{
    (void)state;
    write_table(plain_table, 6, 2, NULL);
    write_text("vocab.txt", "[PAD]\n[UNK]\na\nb\nc\nd\n");
    struct model *model = open_folder();
    const uint32_t unknown[300] = {1, TOKEN_ID_NONE, 1, [299] = TOKEN_ID_NONE};
    const uint32_t zero_row[1] = {5};
    for (int pooling = POOLING_MEAN; pooling <= POOLING_MAX; pooling++) {
        if (pooling == POOLING_WEIGHTED) continue;
        for (int normalize = 0; normalize < 2; normalize++) {
            float out[2] = {5, 5};
            assert_true(pool(model, unknown, 3, (enum pooling)pooling, normalize, out));
            assert_true(out[0] == 0 && out[1] == 0);
            out[0] = out[1] = 5;
            assert_true(pool(model, NULL, 0, (enum pooling)pooling, normalize, out));
            assert_true(out[0] == 0 && out[1] == 0);
            assert_true(pool(model, zero_row, 1, (enum pooling)pooling, normalize, out));
            assert_true(out[0] == 0 && out[1] == 0);
        }
    }
    model_close(model);
}

static void unknown_tokens_do_not_change_a_bit(void **state)
{
    (void)state;
    float table[6 * 33];
    for (size_t i = 0; i < 6 * 33; i++)
        table[i] = 1.0f / (float)(i + 3);
    write_table(table, 6, 33, NULL);
    write_text("vocab.txt", "a\n[UNK]\nc\nd\ne\nf\n");
    struct model *model = open_folder();
    uint32_t known[700], mixed[1400];
    for (size_t i = 0; i < 700; i++) {
        known[i] = (uint32_t[]){0, 2, 3, 4, 5}[i * i % 5];
        mixed[2 * i] = i % 3 ? 1 : TOKEN_ID_NONE;
        mixed[2 * i + 1] = known[i];
    }
    for (size_t n = 1; n <= 700; n += n < 10 ? 1 : 115) {
        float want[33], got[33];
        assert_true(pool(model, known, n, POOLING_MEAN, true, want));
        assert_true(pool(model, mixed, 2 * n, POOLING_MEAN, true, got));
        assert_memory_equal(got, want, sizeof got);
    }
    model_close(model);
}

static void weights_that_sum_to_zero_give_the_zero_vector(void **state)
{
    (void)state;
    const float weights[6] = {0, 0, 1, 2, 3, 4};
    write_table(plain_table, 6, 2, weights);
    write_text("vocab.txt", "a\nb\nc\nd\ne\nf\n");
    struct model *model = open_folder();
    const uint32_t ids[2] = {0, 1};
    for (int normalize = 0; normalize < 2; normalize++) {
        float out[2] = {5, 5};
        assert_true(pool(model, ids, 2, POOLING_WEIGHTED, normalize, out));
        assert_true(out[0] == 0 && out[1] == 0);
    }
    model_close(model);
}

static void weights_that_sum_to_infinity_are_told(void **state)
{
    (void)state;
    const float weights[6] = {3e38f, 3e38f, 1, 1, 1, 1};
    write_table(plain_table, 6, 2, weights);
    write_text("vocab.txt", "a\nb\nc\nd\ne\nf\n");
    struct model *model = open_folder();
    const uint32_t ids[2] = {0, 1};
    float out[2];
    assert_false(pool(model, ids, 2, POOLING_WEIGHTED, false, out));
    assert_false(pool(model, ids, 2, POOLING_WEIGHTED, true, out));
    model_close(model);
}

static void an_overflow_is_told_and_never_a_vector(void **state)
{
    (void)state;
    float table[4 * 20];
    for (size_t i = 0; i < 4 * 20; i++)
        table[i] = 1;
    table[13] = table[20 + 13] = 3e38f;
    write_table(table, 4, 20, NULL);
    write_text("vocab.txt", "a\nb\nc\nd\n");
    struct model *model = open_folder();
    const uint32_t both[2] = {0, 1}, fine[2] = {2, 3};
    float out[20];
    for (int normalize = 0; normalize < 2; normalize++) {
        assert_false(pool(model, both, 2, POOLING_SUM, normalize, out));
        assert_false(pool(model, both, 2, POOLING_MEAN, normalize, out));
        assert_true(pool(model, both, 2, POOLING_MAX, normalize, out));
        assert_true(pool(model, fine, 2, POOLING_SUM, normalize, out));
    }
    model_close(model);
}

static void very_long_and_very_short_vectors_have_unit_length_too(void **state)
{
    (void)state;
    /* The last one's squares are subnormal: a norm, but of few bits. */
    const float table[4 * 2] = {3e30f, 4e30f, 3e-30f, -4e-30f, 1.4e-45f, 0, 3e-22f, 4e-22f};
    write_table(table, 4, 2, NULL);
    write_text("vocab.txt", "a\nb\nc\nd\n");
    struct model *model = open_folder();
    static const float want[4][2] = {{0.6f, 0.8f}, {0.6f, -0.8f}, {1, 0}, {0.6f, 0.8f}};
    for (uint32_t id = 0; id < 4; id++) {
        float out[2];
        assert_true(pool(model, &id, 1, POOLING_MEAN, true, out));
        assert_true(fabsf(out[0] - want[id][0]) < 1e-6f && fabsf(out[1] - want[id][1]) < 1e-6f);
    }
    model_close(model);
}

static void poolings_have_four_names(void **state)
{
    (void)state;
    enum pooling pooling;
    assert_true(pooling_from_name("weighted,", 8, &pooling));
    assert_int_equal(pooling, POOLING_WEIGHTED);
    assert_false(pooling_from_name("weight", 6, &pooling));
    assert_false(pooling_from_name("Mean", 4, &pooling));
    assert_false(pooling_from_name("", 0, &pooling));
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
#define WITH_ARENA(test)                                                                           \
    cmocka_unit_test_setup_teardown(test, make_folder_and_arena, remove_folder_and_arena)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_dictionary_folder_has_its_defaults),
        IN_FOLDER(a_wordpiece_folder_is_normalized_unless_it_says_no),
        IN_FOLDER(config_json_sets_what_it_names_and_may_hold_anything_else),
        IN_FOLDER(keys_of_another_programs_config_json_are_not_ours),
        IN_FOLDER(a_wrong_value_in_config_json_is_named),
        IN_FOLDER(vocabulary_and_rows_must_agree),
        IN_FOLDER(a_table_that_is_not_finite_is_refused_naming_the_row),
        IN_FOLDER(a_file_that_is_missing_or_wrong_is_named),
        cmocka_unit_test(the_builtin_model_opens_and_makes_unit_vectors),
        WITH_ARENA(too_many_tokens_are_cut_at_the_models_side_and_their_spans_with_them),
        WITH_ARENA(of_a_long_text_the_first_characters_are_looked_at),
        WITH_ARENA(unknown_tokens_that_are_dropped_take_their_spans_with_them),
        IN_FOLDER(bytes_to_read_are_rows_and_those_of_n_grams_where_words_have_some),
        IN_FOLDER(rows_are_the_tables_own_bits),
        WITH_ARENA(fasttext_words_are_pooled_as_rows_are),
        cmocka_unit_test(vectors_equal_those_of_numpy),
        IN_FOLDER(every_pooling_equals_a_plain_computation),
        IN_FOLDER(nothing_known_gives_the_zero_vector),
        IN_FOLDER(unknown_tokens_do_not_change_a_bit),
        IN_FOLDER(weights_that_sum_to_zero_give_the_zero_vector),
        IN_FOLDER(weights_that_sum_to_infinity_are_told),
        IN_FOLDER(an_overflow_is_told_and_never_a_vector),
        IN_FOLDER(very_long_and_very_short_vectors_have_unit_length_too),
        cmocka_unit_test(poolings_have_four_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
