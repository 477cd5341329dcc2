/* SPDX-License-Identifier: Apache-2.0 */
#include "model/bundle/bundle.h"

#include "base/encoding.h"
#include "base/file.h"
#include "model/bundle/packed.h"
#include "model/encoder/fasttext/fasttext.h"
#include "model/encoder/fasttext/words.h"
#include "model/encoder/table/word_vectors.h"
#include "model/files/kinds.h"
#include "model/text/compiled.h"

#include <stdio.h>
#include <string.h>

/* A table with more rows than tokens is either padded, and then the checkpoint's config.json says
   how many rows there are, or belongs to another vocabulary. Tokens without a row, mostly added
   ones, cost only the texts that hold them. */
static bool check_sizes(const struct bundle *bundle, struct err *err)
{
    uint32_t tokens = tokenizer_vocab_size(bundle->tokenizer), rows = bundle->table.n_rows;
    if (tokens >= rows || bundle->settings.vocab_size == rows) return true;
    return err_set(err, ERR_FORMAT, NULL,
                   "%.300s: the vocabulary has %u tokens but the table %u rows; take the two "
                   "from the same model, or if the last rows are padding, put \"vocab_size\": "
                   "%u into config.json",
                   bundle->source.path, tokens, rows, rows);
}

uint32_t bundle_without_row(const struct bundle *bundle)
{
    const uint32_t tokens = tokenizer_vocab_size(bundle->tokenizer);
    return tokens > bundle->table.n_rows ? tokens - bundle->table.n_rows : 0;
}

uint32_t bundle_unknown_id(const struct bundle *bundle)
{
    const uint32_t id = tokenizer_unknown_id(bundle->tokenizer);
    return id < bundle->table.n_rows ? id : TOKEN_ID_NONE;
}

static bool check_pooling(const struct bundle *bundle, struct err *err)
{
    if (bundle->settings.pooling != POOLING_WEIGHTED || bundle->table.weights) return true;
    return err_set(err, ERR_FORMAT, NULL,
                   "%.300s: config.json says pooling \"weighted\", but there is no tensor "
                   "'weights' (one weight a row) in %s",
                   bundle->source.path, bundle->source.weights_name);
}

static void read_ahead(const struct bundle *bundle, bool is_on)
{
    const struct source *source = &bundle->source;
    if (source->is_mapped) file_read_ahead(source->weights.data, source->weights.bytes, is_on);
}

static struct table_options table_options_of(const struct bundle *bundle)
{
    const char *in_index = bundle->source.tensor[0] ? bundle->source.tensor : NULL;
    return (struct table_options){.tensor = in_index ? in_index : bundle->settings.tensor,
                                  .has_factors = bundle->settings.compat != COMPAT_OWN,
                                  .is_checked = bundle->is_checked};
}

/* In a packed file everything lies in the one file. */
static bool open_packed(struct bundle *bundle, const struct tensors *file,
                        const struct model_options *options, struct err *err)
{
    bundle->format = "packed";
    bundle->is_packed = true;
    bundle->is_checked = packed_is_checked(file);
    if (!packed_check(file) ||
        !settings_open(&bundle->settings, packed_config(file), bundle->where, err))
        return false;
    settings_decide(&bundle->settings, &bundle->source.layout, options);
    const struct table_options table_options = table_options_of(bundle);
    if (!table_open_tensors(&bundle->table, file, &table_options) ||
        !tokenizer_open_compiled(&bundle->tokenizer, file, err))
        return false;
    tokenizer_know_fingerprint(bundle->tokenizer, packed_vocabulary(file));
    return true;
}

/* Where the numbers of sentence-transformers are wanted, all that it does must be done. */
static bool check_unserved(const struct bundle *bundle, struct err *err)
{
    const struct layout *layout = &bundle->source.layout;
    char cut[80] = "";
    if (bundle->settings.compat != COMPAT_STATIC_EMBEDDING) return true;
    if (layout->truncate_dim > 0 && layout->truncate_dim < bundle->table.dim)
        snprintf(cut, sizeof cut, "config_sentence_transformers.json cuts at truncate_dim %llu",
                 (unsigned long long)layout->truncate_dim);
    if (!layout->unserved[0] && !cut[0]) return true;
    return err_set(err, ERR_FORMAT, NULL,
                   "%.300s: %s, which is not done here; --compat embedd reads the folder in this "
                   "program's own way, without it",
                   bundle->source.path, layout->unserved[0] ? layout->unserved : cut);
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
static bool check_vocabulary(const struct bundle *bundle, const struct model_options *options,
                             struct err *err)
{
    uint32_t n_tried, n_found;
    char sentence[500];
    tokenizer_try_tokens(bundle->tokenizer, &n_tried, &n_found);
    if (n_tried == 0 || n_found > n_tried / 50) return true;
    snprintf(sentence, sizeof sentence,
             "%.300s: nearly every word will be unknown: of %u tokens of its vocabulary %u are "
             "found in a text that holds them; there may be more than a token in a line, or marks "
             "around it",
             bundle->source.is_folder ? bundle->source.path : bundle->where, n_tried, n_found);
    return warn(options, err, sentence);
}

static bool check_rows(const struct bundle *bundle, const struct model_options *options,
                       struct err *err)
{
    char sentence[500];
    const uint32_t n = bundle_without_row(bundle), n_rows = bundle->table.n_rows;
    if (n == 0) return true;
    snprintf(sentence, sizeof sentence,
             "%.200s: %u of the %u tokens %s no row in the table (%u rows) and %s as unknown in "
             "texts; unless %s, take tokenizer and table from the same model",
             bundle->where, n, n + n_rows, n == 1 ? "has" : "have", n_rows,
             n == 1 ? "counts" : "count",
             n == 1 ? "it is an added token" : "they are added tokens");
    return warn(options, err, sentence);
}

/* What a file beside the table says, or what is usual where there is none. */
static bool open_config(struct bundle *bundle, const struct model_options *options, struct err *err)
{
    const struct span config = bundle->source.config;
    char where[1300];
    snprintf(where, sizeof where, "%.1000s/config.json", bundle->source.path);
    if (!settings_open(&bundle->settings, config, where, err)) return false;
    settings_decide(&bundle->settings, &bundle->source.layout, options);
    return true;
}

static bool open_files_tokenizer(struct bundle *bundle, struct err *err)
{
    const struct settings *settings = &bundle->settings;
    const struct layout *layout = &bundle->source.layout;
    const struct tokenizer_options options = {
        .kind = settings->tokenizer,
        .lowercase = settings->is_lowercase_said                       ? settings->lowercase
                     : layout->is_lowercase_said && !layout->lowercase ? 0
                                                                       : -1};
    const struct source *source = &bundle->source;
    const struct tokenizer_files files = {source->tokenizer, source->vocab, source->path};
    if (tokenizer_open(&bundle->tokenizer, &files, &options, err)) return true;
    /* It knows the files by their names. */
    const struct err why = *err;
    if (strncmp(why.message, "tokenizer.json", 14) == 0 ||
        strncmp(why.message, "vocab.txt", 9) == 0)
        err_set(err, why.code, NULL, "%.300s/%s", bundle->source.path, why.message);
    return false;
}

static bool open_folder(struct bundle *bundle, const struct tensors *file,
                        const struct model_options *options, struct err *err)
{
    bundle->format = "safetensors";
    if (!source_read_beside(&bundle->source, err) || !open_config(bundle, options, err))
        return false;
    const struct table_options table_options = table_options_of(bundle);
    return table_open_tensors(&bundle->table, file, &table_options) &&
           check_unserved(bundle, err) && open_files_tokenizer(bundle, err);
}

static bool open_safetensors(struct bundle *bundle, const struct model_options *options,
                             struct err *err)
{
    struct tensors file;
    if (!tensors_open(&file, bundle->source.weights, bundle->where, err)) return false;
    const bool is_packed = compiled_is_there(&file);
    if (!is_packed) read_ahead(bundle, true);
    bool done = is_packed ? open_packed(bundle, &file, options, err)
                          : open_folder(bundle, &file, options, err);
    tensors_close(&file);
    return done;
}

static bool open_npy(struct bundle *bundle, const struct model_options *options, struct err *err)
{
    bundle->format = "npy";
    return source_read_beside(&bundle->source, err) && open_config(bundle, options, err) &&
           table_open_npy(&bundle->table, bundle->source.weights, bundle->where, err) &&
           check_unserved(bundle, err) && open_files_tokenizer(bundle, err);
}

/* Such a file holds the words too, and where it was given by itself, what lies beside it is of
   other models. */
static bool read_own_config(struct bundle *bundle, struct err *err)
{
    return !bundle->source.is_folder || source_read_config(&bundle->source, err);
}

static bool warn_of_words(const struct bundle *bundle, const struct word_vectors *vectors,
                          const struct model_options *options, struct err *err)
{
    char what[WORD_VECTORS_ODD_BYTES], sentence[sizeof what + 320];
    if (!word_vectors_odd(vectors, what)) return true;
    snprintf(sentence, sizeof sentence, "%.300s: %s", bundle->where, what);
    return warn(options, err, sentence);
}

static bool open_word_vectors(struct bundle *bundle, const struct model_options *options,
                              enum word_vectors_kind kind, struct err *err)
{
    static const char *const formats[] = {"word2vec", "word2vec", "glove"}; /* by kind */
    struct word_vectors vectors;
    bundle->format = formats[kind];
    if (!read_own_config(bundle, err) || !open_config(bundle, options, err) ||
        !word_vectors_read(&vectors, bundle->source.weights, kind, options->limit, bundle->where,
                           err))
        return false;
    if (!warn_of_words(bundle, &vectors, options, err)) {
        word_vectors_clear(&vectors);
        return false;
    }
    bundle->is_checked = true;
    settings_default_pooling(&bundle->settings, POOLING_UNIT);
    bundle->table = (struct table){.rows = vectors.rows,
                                   .stride_bytes = vectors.dim * sizeof(float),
                                   .n_rows = vectors.vocab.n,
                                   .dim = vectors.dim,
                                   .dtype = DTYPE_F32,
                                   .owned = {[2] = vectors.rows}};
    if (bundle->settings.pooling == POOLING_UNIT && !table_find_norms(&bundle->table)) {
        vocab_clear(&vectors.vocab);
        return err_set(err, ERR_MEMORY, NULL, "%.300s: no memory for a number a word",
                       bundle->where);
    }
    return tokenizer_open_words(&bundle->tokenizer, &vectors.vocab, bundle->where, err);
}

static bool open_fasttext(struct bundle *bundle, const struct model_options *options,
                          struct err *err)
{
    bundle->format = "fasttext";
    if (!read_own_config(bundle, err) || !open_config(bundle, options, err) ||
        !fasttext_open(&bundle->fasttext, bundle->source.weights, bundle->where, err))
        return false;
    const bool is_supervised = fasttext_info(bundle->fasttext)->model == FASTTEXT_SUPERVISED;
    if (fasttext_info(bundle->fasttext)->n_words == 0)
        return err_set(err, ERR_FORMAT, NULL, "%.300s: it holds no words", bundle->where);
    settings_default_pooling(&bundle->settings, is_supervised ? POOLING_MEAN : POOLING_UNIT);
    settings_default_normalize(&bundle->settings, false);
    bundle->table = table_of_fasttext(bundle->fasttext);
    return fasttext_words_open(&bundle->tokenizer, bundle->fasttext, err);
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
static bool open_unknown(struct bundle *bundle, const struct model_options *options,
                         struct err *err)
{
    const char *what = kind_what(bundle->source.weights);
    const char *suffix = strrchr(bundle->source.weights_name, '.');
    if (what) return err_set(err, ERR_FORMAT, NULL, "%.300s: it is %s", bundle->where, what);
    if (suffix && strcmp(suffix, ".safetensors") == 0)
        return open_safetensors(bundle, options, err);
    const char *guess =
        encoding_guess_file(bundle->source.weights.data, bundle->source.weights.bytes);
    if (guess)
        return err_set(err, ERR_FORMAT, NULL,
                       "%.300s: this is %s, not UTF-8; convert the file first, with iconv -f %s -t "
                       "UTF-8",
                       bundle->where, guess, guess);
    return err_set(
        err, ERR_FORMAT, NULL,
        "%.300s: unknown table format; it must be safetensors, .npy, word2vec, GloVe (of "
        "two columns or more) or fastText's .bin and .ftz",
        bundle->where);
}

/* Told by how the file begins. */
static bool open_weights(struct bundle *bundle, const struct model_options *options,
                         struct err *err)
{
    const struct span file = bundle->source.weights;
    enum word_vectors_kind kind;
    /* Opening a packed file takes a few pages that lie far apart, and nothing around them. */
    read_ahead(bundle, false);
    const bool is_npy = table_is_npy(file), is_of_fasttext = is_fasttext(file);
    const bool is_of_words =
        !is_npy && !is_of_fasttext && !is_safetensors(file) && word_vectors_tell(file, &kind);
    if (options->limit > 0 && !is_of_words)
        return err_set(err, ERR_USAGE, NULL,
                       "limit is the number of words that are read of a file of word vectors, and "
                       "%.300s is not one; convert it with keep-top to make it smaller",
                       bundle->where);
    if (!is_npy && !is_of_fasttext && is_safetensors(file))
        return open_safetensors(bundle, options, err);
    read_ahead(bundle, true);
    if (is_npy) return open_npy(bundle, options, err);
    if (is_of_fasttext) return open_fasttext(bundle, options, err);
    if (file.bytes > 0 && (file.data[0] == '{' || file.data[0] == '['))
        return err_set(err, ERR_FORMAT, NULL,
                       "%.300s is JSON and no table; name the folder that it lies in, or the file "
                       "with the rows",
                       bundle->where);
    if (is_of_words) return open_word_vectors(bundle, options, kind, err);
    return open_unknown(bundle, options, err);
}

bool bundle_open(struct bundle *bundle, const char *path, const struct model_options *options,
                 struct err *err)
{
    *bundle = (struct bundle){0};
    if (!source_open(&bundle->source, path, options->tensor, err)) return false;
    snprintf(bundle->where, sizeof bundle->where, "%s/%s", bundle->source.path,
             bundle->source.weights_name);
    if (open_weights(bundle, options, err)) {
        read_ahead(bundle, true);
        /* Empty lines at the end of a vocab.txt are tokens where the table has rows for them. */
        if (!bundle->is_packed) tokenizer_drop_blank_end(bundle->tokenizer, bundle->table.n_rows);
        settings_complete(&bundle->settings, bundle->tokenizer, &bundle->source.layout);
        if (check_sizes(bundle, err) && check_pooling(bundle, err) &&
            check_rows(bundle, options, err) &&
            (bundle->is_packed || check_vocabulary(bundle, options, err)))
            return true;
    }
    bundle_close(bundle);
    return false;
}

uint32_t bundle_left_out(const struct bundle *bundle)
{
    return bundle->settings.limits.keeps_unknown ? TOKEN_ID_NONE : bundle_unknown_id(bundle);
}

struct head_ground bundle_ground(const struct bundle *bundle)
{
    const struct settings *settings = &bundle->settings;
    return (struct head_ground){.dim = bundle->table.dim,
                                .tokenizer = bundle->tokenizer,
                                .table = &bundle->table,
                                .fasttext = bundle->fasttext,
                                .pool = {.pooling = settings->pooling,
                                         .normalize = settings->normalize,
                                         .dims = bundle->table.dim},
                                .unknown_id = bundle_left_out(bundle),
                                .config = settings->json};
}

json_t *bundle_settings(const struct bundle *bundle, const struct tokenizer *tokenizer)
{
    json_t *json = settings_as_json(&bundle->settings);
    if (!bundle->settings.name) settings_set_name(json, bundle->source.name);
    if (tokenizer == bundle->tokenizer &&
        bundle->table.n_rows > tokenizer_vocab_size(bundle->tokenizer))
        json_object_set_new(json, "vocab_size", json_integer(bundle->table.n_rows));
    const struct layout *layout = &bundle->source.layout;
    if (strcmp(tokenizer_kind(tokenizer), "dictionary") == 0) {
        json_object_set_new(json, "tokenizer", json_string("dictionary"));
        json_object_set_new(json, "lowercase", json_boolean(tokenizer_lowercases(tokenizer)));
    } else if (layout->is_lowercase_said && !bundle->settings.is_lowercase_said) {
        json_object_set_new(json, "lowercase", json_boolean(layout->lowercase));
    }
    /* What the numbers of a head of model2vec mean. */
    json_t *head = json_object_get(bundle->settings.json, "head_config");
    if (head) json_object_set(json, "head_config", head);
    return json;
}

void bundle_close(struct bundle *bundle)
{
    tokenizer_close(bundle->tokenizer);
    table_close(&bundle->table);
    fasttext_close(bundle->fasttext);
    settings_close(&bundle->settings);
    source_close(&bundle->source);
    *bundle = (struct bundle){0};
}
