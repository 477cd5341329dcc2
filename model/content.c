/* SPDX-License-Identifier: Apache-2.0 */
#include "model/content.h"

#include "base/encoding.h"
#include "base/file.h"
#include "model/fasttext/fasttext.h"
#include "model/foreign.h"
#include "model/packed.h"
#include "model/table/word_vectors.h"
#include "model/text/compiled.h"

#include <stdio.h>
#include <string.h>

/* A table with more rows than tokens is either padded, and then the checkpoint's config.json says
   how many rows there are, or belongs to another vocabulary. Tokens without a row, mostly added
   ones, cost only the texts that hold them. */
static bool check_sizes(const struct content *content, struct err *err)
{
    uint32_t tokens = tokenizer_vocab_size(content->tokenizer), rows = content->table.n_rows;
    if (tokens >= rows || content->settings.vocab_size == rows) return true;
    return err_set(err, ERR_FORMAT, NULL,
                   "%.300s: the vocabulary has %u tokens but the table %u rows; take the two "
                   "from the same model, or if the last rows are padding, put \"vocab_size\": "
                   "%u into config.json",
                   content->source.path, tokens, rows, rows);
}

uint32_t content_without_row(const struct content *content)
{
    const uint32_t tokens = tokenizer_vocab_size(content->tokenizer);
    return tokens > content->table.n_rows ? tokens - content->table.n_rows : 0;
}

uint32_t content_unknown_id(const struct content *content)
{
    const uint32_t id = tokenizer_unknown_id(content->tokenizer);
    return id < content->table.n_rows ? id : MODEL_NO_ID;
}

static bool check_pooling(const struct content *content, struct err *err)
{
    if (content->settings.pooling != POOLING_WEIGHTED || content->table.weights) return true;
    return err_set(err, ERR_FORMAT, NULL,
                   "%.300s: config.json says pooling \"weighted\", but there is no tensor "
                   "'weights' (one weight a row) in %s",
                   content->source.path, content->source.weights_name);
}

static void read_ahead(const struct content *content, bool is_on)
{
    const struct source *source = &content->source;
    if (source->is_mapped) file_read_ahead(source->weights.data, source->weights.bytes, is_on);
}

static struct table_options table_options_of(const struct content *content)
{
    const char *in_index = content->source.tensor[0] ? content->source.tensor : NULL;
    return (struct table_options){.tensor = in_index ? in_index : content->settings.tensor,
                                  .has_factors = content->settings.compat != COMPAT_OWN,
                                  .is_checked = content->is_checked};
}

/* In a packed file everything lies in the one file. */
static bool open_packed(struct content *content, const struct tensors *file,
                        const struct model_options *options, struct err *err)
{
    content->format = "packed";
    content->is_packed = true;
    content->is_checked = packed_is_checked(file);
    if (!packed_check(file) ||
        !settings_open(&content->settings, packed_config(file), content->where, err))
        return false;
    settings_decide(&content->settings, &content->source.layout, options);
    const struct table_options table_options = table_options_of(content);
    if (!table_open_tensors(&content->table, file, &table_options) ||
        !tokenizer_open_compiled(&content->tokenizer, file, err))
        return false;
    tokenizer_know_fingerprint(content->tokenizer, packed_vocabulary(file));
    return true;
}

/* Where the numbers of sentence-transformers are wanted, all that it does must be done. */
static bool check_unserved(const struct content *content, struct err *err)
{
    const struct layout *layout = &content->source.layout;
    char cut[80] = "";
    if (content->settings.compat != COMPAT_STATIC_EMBEDDING) return true;
    if (layout->truncate_dim > 0 && layout->truncate_dim < content->table.dim)
        snprintf(cut, sizeof cut, "config_sentence_transformers.json cuts at truncate_dim %llu",
                 (unsigned long long)layout->truncate_dim);
    if (!layout->unserved[0] && !cut[0]) return true;
    return err_set(err, ERR_FORMAT, NULL,
                   "%.300s: %s, which is not done here; --compat embedd reads the folder in this "
                   "program's own way, without it",
                   content->source.path, layout->unserved[0] ? layout->unserved : cut);
}

/* Returns false where what is warned of is an error. */
static bool warn(const struct model_options *options, struct err *err, const char *sentence)
{
    if (options->is_strict)
        return err_set(err, ERR_FORMAT, NULL, "%.440s; mend the file, or open it without strict",
                       sentence);
    if (options->warn) options->warn(sentence);
    return true;
}

/* A vocabulary whose own tokens cannot be found in a text is of another form than it looks. */
static bool check_vocabulary(const struct content *content, const struct model_options *options,
                             struct err *err)
{
    uint32_t n_tried, n_found;
    char sentence[500];
    tokenizer_try_tokens(content->tokenizer, &n_tried, &n_found);
    if (n_tried == 0 || n_found > n_tried / 50) return true;
    snprintf(sentence, sizeof sentence,
             "%.300s: nearly every word will be unknown: of %u tokens of its vocabulary %u are "
             "found in a text that holds them; there may be more than a token in a line, or marks "
             "around it",
             content->source.is_folder ? content->source.path : content->where, n_tried, n_found);
    return warn(options, err, sentence);
}

static bool check_rows(const struct content *content, const struct model_options *options,
                       struct err *err)
{
    char sentence[500];
    const uint32_t n = content_without_row(content), n_rows = content->table.n_rows;
    if (n == 0) return true;
    snprintf(sentence, sizeof sentence,
             "%.200s: %u of the %u tokens %s no row in the table (%u rows) and %s as unknown in "
             "texts; unless %s, take tokenizer and table from the same model",
             content->where, n, n + n_rows, n == 1 ? "has" : "have", n_rows,
             n == 1 ? "counts" : "count",
             n == 1 ? "it is an added token" : "they are added tokens");
    return warn(options, err, sentence);
}

/* What a file beside the table says, or what is usual where there is none. */
static bool open_config(struct content *content, const struct model_options *options,
                        struct err *err)
{
    const struct span config = content->source.config;
    char where[1300];
    snprintf(where, sizeof where, "%.1000s/config.json", content->source.path);
    if (!settings_open(&content->settings, config, where, err)) return false;
    settings_decide(&content->settings, &content->source.layout, options);
    return true;
}

static bool open_files_tokenizer(struct content *content, struct err *err)
{
    const struct settings *settings = &content->settings;
    const struct layout *layout = &content->source.layout;
    const struct tokenizer_options options = {
        .kind = settings->tokenizer,
        .lowercase = settings->is_lowercase_said ? settings->lowercase : -1,
        .keeps_case = layout->is_lowercase_said && !layout->lowercase};
    if (tokenizer_open(&content->tokenizer, &content->source, &options, err)) return true;
    /* It knows the files by their names. */
    const struct err why = *err;
    if (strncmp(why.message, "tokenizer.json", 14) == 0 ||
        strncmp(why.message, "vocab.txt", 9) == 0)
        err_set(err, why.code, NULL, "%.300s/%s", content->source.path, why.message);
    return false;
}

static bool open_folder(struct content *content, const struct tensors *file,
                        const struct model_options *options, struct err *err)
{
    content->format = "safetensors";
    if (!source_read_beside(&content->source, err) || !open_config(content, options, err))
        return false;
    const struct table_options table_options = table_options_of(content);
    return table_open_tensors(&content->table, file, &table_options) &&
           check_unserved(content, err) && open_files_tokenizer(content, err);
}

static bool open_safetensors(struct content *content, const struct model_options *options,
                             struct err *err)
{
    struct tensors file;
    if (!tensors_open(&file, content->source.weights, content->where, err)) return false;
    const bool is_packed = compiled_is_there(&file);
    if (!is_packed) read_ahead(content, true);
    bool done = is_packed ? open_packed(content, &file, options, err)
                          : open_folder(content, &file, options, err);
    tensors_close(&file);
    return done;
}

static bool open_npy(struct content *content, const struct model_options *options, struct err *err)
{
    content->format = "npy";
    return source_read_beside(&content->source, err) && open_config(content, options, err) &&
           table_open_npy(&content->table, content->source.weights, content->where, err) &&
           check_unserved(content, err) && open_files_tokenizer(content, err);
}

/* Such a file holds the words too, and where it was given by itself, what lies beside it is of
   other models. */
static bool read_own_config(struct content *content, struct err *err)
{
    return !content->source.is_folder || source_read_config(&content->source, err);
}

static bool warn_of_words(const struct content *content, const struct word_vectors *vectors,
                          const struct model_options *options, struct err *err)
{
    char what[WORD_VECTORS_ODD_BYTES], sentence[sizeof what + 320];
    if (!word_vectors_odd(vectors, what)) return true;
    snprintf(sentence, sizeof sentence, "%.300s: %s", content->where, what);
    return warn(options, err, sentence);
}

static bool open_word_vectors(struct content *content, const struct model_options *options,
                              enum word_vectors_kind kind, struct err *err)
{
    static const char *const formats[] = {"word2vec", "word2vec", "glove"}; /* by kind */
    struct word_vectors vectors;
    content->format = formats[kind];
    if (!read_own_config(content, err) || !open_config(content, options, err) ||
        !word_vectors_read(&vectors, content->source.weights, kind, options->limit, content->where,
                           err))
        return false;
    if (!warn_of_words(content, &vectors, options, err)) {
        word_vectors_clear(&vectors);
        return false;
    }
    content->is_checked = true;
    settings_default_pooling(&content->settings, POOLING_UNIT);
    content->table = (struct table){.rows = vectors.rows,
                                    .stride_bytes = vectors.dim * sizeof(float),
                                    .n_rows = vectors.vocab.n,
                                    .dim = vectors.dim,
                                    .dtype = DTYPE_F32,
                                    .owned = {[2] = vectors.rows}};
    if (content->settings.pooling == POOLING_UNIT && !table_find_norms(&content->table)) {
        vocab_clear(&vectors.vocab);
        return err_set(err, ERR_MEMORY, NULL, "%.300s: no memory for a number a word",
                       content->where);
    }
    return tokenizer_open_words(&content->tokenizer, &vectors.vocab, content->where, err);
}

static bool open_fasttext(struct content *content, const struct model_options *options,
                          struct err *err)
{
    content->format = "fasttext";
    if (!read_own_config(content, err) || !open_config(content, options, err) ||
        !fasttext_open(&content->fasttext, content->source.weights, content->where, err))
        return false;
    const bool is_supervised = fasttext_info(content->fasttext)->model == FASTTEXT_SUPERVISED;
    if (fasttext_info(content->fasttext)->n_words == 0)
        return err_set(err, ERR_FORMAT, NULL, "%.300s: it holds no words", content->where);
    settings_default_pooling(&content->settings, is_supervised ? POOLING_MEAN : POOLING_UNIT);
    settings_default_normalize(&content->settings, false);
    content->table = table_of_fasttext(content->fasttext);
    return tokenizer_open_fasttext(&content->tokenizer, content->fasttext, err);
}

static bool is_safetensors(struct span file)
{
    return file.bytes > 8 && file.data[8] == '{' && file.data[7] == 0;
}

static bool is_fasttext(struct span file)
{
    return file.bytes >= 4 && memcmp(file.data, "\xBA\x16\x4F\x2F", 4) == 0;
}

/* What is called .safetensors is read as that, and says what is wrong with it. */
static bool open_unknown(struct content *content, const struct model_options *options,
                         struct err *err)
{
    const char *what = foreign_what(content->source.weights);
    const char *suffix = strrchr(content->source.weights_name, '.');
    if (what) return err_set(err, ERR_FORMAT, NULL, "%.300s: it is %s", content->where, what);
    if (suffix && strcmp(suffix, ".safetensors") == 0)
        return open_safetensors(content, options, err);
    const char *guess =
        encoding_guess_file(content->source.weights.data, content->source.weights.bytes);
    if (guess)
        return err_set(err, ERR_FORMAT, NULL,
                       "%.300s: this is %s, not UTF-8; convert the file first, with iconv -f %s -t "
                       "UTF-8",
                       content->where, guess, guess);
    return err_set(
        err, ERR_FORMAT, NULL,
        "%.300s: unknown table format; it must be safetensors, .npy, word2vec, GloVe (of "
        "two columns or more) or fastText's .bin and .ftz",
        content->where);
}

/* Told by how the file begins. */
static bool open_weights(struct content *content, const struct model_options *options,
                         struct err *err)
{
    const struct span file = content->source.weights;
    enum word_vectors_kind kind;
    /* Opening a packed file takes a few pages that lie far apart, and nothing around them. */
    read_ahead(content, false);
    const bool is_npy = table_is_npy(file), is_of_fasttext = is_fasttext(file);
    const bool is_of_words =
        !is_npy && !is_of_fasttext && !is_safetensors(file) && word_vectors_tell(file, &kind);
    if (options->limit > 0 && !is_of_words)
        return err_set(err, ERR_USAGE, NULL,
                       "limit is the number of words that are read of a file of word vectors, and "
                       "%.300s is not one; convert it with keep-top to make it smaller",
                       content->where);
    if (!is_npy && !is_of_fasttext && is_safetensors(file))
        return open_safetensors(content, options, err);
    read_ahead(content, true);
    if (is_npy) return open_npy(content, options, err);
    if (is_of_fasttext) return open_fasttext(content, options, err);
    if (file.bytes > 0 && (file.data[0] == '{' || file.data[0] == '['))
        return err_set(err, ERR_FORMAT, NULL,
                       "%.300s is JSON and no table; name the folder that it lies in, or the file "
                       "with the rows",
                       content->where);
    if (is_of_words) return open_word_vectors(content, options, kind, err);
    return open_unknown(content, options, err);
}

bool content_open(struct content *content, const char *path, const struct model_options *options,
                  struct err *err)
{
    *content = (struct content){0};
    if (!source_open(&content->source, path, options->tensor, err)) return false;
    snprintf(content->where, sizeof content->where, "%s/%s", content->source.path,
             content->source.weights_name);
    if (open_weights(content, options, err)) {
        read_ahead(content, true);
        /* Empty lines at the end of a vocab.txt are tokens where the table has rows for them. */
        if (!content->is_packed)
            tokenizer_drop_blank_end(content->tokenizer, content->table.n_rows);
        settings_complete(&content->settings, content->tokenizer, &content->source.layout);
        if (check_sizes(content, err) && check_pooling(content, err) &&
            check_rows(content, options, err) &&
            (content->is_packed || check_vocabulary(content, options, err)))
            return true;
    }
    content_close(content);
    return false;
}

uint32_t content_left_out(const struct content *content)
{
    return content->settings.limits.keeps_unknown ? MODEL_NO_ID : content_unknown_id(content);
}

struct head_ground content_ground(const struct content *content)
{
    const struct settings *settings = &content->settings;
    return (struct head_ground){.dim = content->table.dim,
                                .tokenizer = content->tokenizer,
                                .table = &content->table,
                                .fasttext = content->fasttext,
                                .pool = {.pooling = settings->pooling,
                                         .normalize = settings->normalize,
                                         .dims = content->table.dim},
                                .unknown_id = content_left_out(content),
                                .config = settings->json};
}

json_t *content_settings(const struct content *content, const struct tokenizer *tokenizer)
{
    json_t *json = settings_as_json(&content->settings);
    if (!content->settings.name) settings_set_name(json, content->source.name);
    if (tokenizer == content->tokenizer &&
        content->table.n_rows > tokenizer_vocab_size(content->tokenizer))
        json_object_set_new(json, "vocab_size", json_integer(content->table.n_rows));
    const struct layout *layout = &content->source.layout;
    if (strcmp(tokenizer_kind(tokenizer), "dictionary") == 0) {
        json_object_set_new(json, "tokenizer", json_string("dictionary"));
        json_object_set_new(json, "lowercase", json_boolean(tokenizer_lowercases(tokenizer)));
    } else if (layout->is_lowercase_said && !content->settings.is_lowercase_said) {
        json_object_set_new(json, "lowercase", json_boolean(layout->lowercase));
    }
    /* What the numbers of a head of model2vec mean. */
    json_t *head = json_object_get(content->settings.json, "head_config");
    if (head) json_object_set(json, "head_config", head);
    return json;
}

void content_close(struct content *content)
{
    tokenizer_close(content->tokenizer);
    table_close(&content->table);
    fasttext_close(content->fasttext);
    settings_close(&content->settings);
    source_close(&content->source);
    *content = (struct content){0};
}
