/* SPDX-License-Identifier: Apache-2.0 */
#include "model/bundle/settings.h"

#include "base/json.h"
#include "base/utf8.h"
#include "model/text/tokenizer.h"
#include "model/text/unicode/known_scripts.h"

#include <stdlib.h>
#include <string.h>

/* Of a tensor's name. */
#define TENSOR_BYTES_MAX 10000

const char *const compat_names[COMPATS + 1] = {
    "embedd", "model2vec", "model2vec-0.8", "model2vec-rs", "sentence-transformers", NULL};

struct reader {
    const json_t *json;
    const char *where;
    struct err *err;
};

#define FAIL(reader, fmt, ...)                                                                     \
    err_set((reader)->err, ERR_FORMAT, NULL, "%.200s: " fmt, (reader)->where, __VA_ARGS__)

/* A text may end up in a log line or a reply header: no control characters. */
static bool is_printable(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7F) return false;
    return bytes > 0;
}

bool settings_is_text(const char *text)
{
    const size_t bytes = strlen(text);
    return bytes <= SETTINGS_TEXT_MAX && is_printable(text, bytes) &&
           utf8_valid_bytes(text, bytes) == bytes;
}

static bool read_long_text(const struct reader *reader, const char *key, size_t most,
                           const char **out)
{
    const json_t *value = json_object_get(reader->json, key);
    if (!value) return true;
    if (!json_is_string(value) ||
        !is_printable(json_string_value(value), json_string_length(value)) ||
        json_string_length(value) > most) {
        return FAIL(reader, "%s must be a text of 1 to %zu bytes without control characters", key,
                    most);
    }
    *out = json_string_value(value);
    return true;
}

static bool read_text(const struct reader *reader, const char *key, const char **out)
{
    return read_long_text(reader, key, SETTINGS_TEXT_MAX, out);
}

static bool read_bool(const struct reader *reader, const char *key, bool *out, bool *is_said)
{
    const json_t *value = json_object_get(reader->json, key);
    if (!value) return true;
    if (!json_is_boolean(value)) return FAIL(reader, "%s must be true or false", key);
    *out = json_is_true(value);
    if (is_said) *is_said = true;
    return true;
}

static bool read_tokenizer(const struct reader *reader, const char **out)
{
    if (!read_text(reader, "tokenizer", out)) return false;
    if (!*out || strcmp(*out, "wordpiece") == 0 || strcmp(*out, "dictionary") == 0) return true;
    return FAIL(reader, "tokenizer must be \"wordpiece\" or \"dictionary\", not \"%.*s\"",
                ERR_VALUE_BYTES, *out);
}

static bool read_choice(const struct reader *reader, const char *key, const char *const *names,
                        int *out)
{
    const char *text = NULL;
    if (!read_text(reader, key, &text)) return false;
    if (!text) return true;
    for (int i = 0; names[i]; i++) {
        if (strcmp(names[i], text) == 0) {
            *out = i;
            return true;
        }
    }
    return FAIL(reader,
                "%s must be one of embedd, model2vec, model2vec-0.8, model2vec-rs and "
                "sentence-transformers, not \"%.*s\"",
                key, ERR_VALUE_BYTES, text);
}

/* Of transformers' tokenizer_config.json. */
static bool read_side(const struct reader *reader, struct settings *settings)
{
    const char *text = NULL;
    if (!read_text(reader, "truncation_side", &text)) return false;
    settings->is_side_said = text;
    settings->limits.cuts_left = text && strcmp(text, "left") == 0;
    return !text || settings->limits.cuts_left || strcmp(text, "right") == 0 ||
           FAIL(reader, "%s must be \"left\" or \"right\"", "truncation_side");
}

/* A limit; null, and what is larger than any text: none. */
static bool read_limit(const struct reader *reader, const char *key, uint64_t most, uint64_t *out,
                       bool *is_said)
{
    const json_t *value = json_object_get(reader->json, key);
    if (!value) return true;
    if (is_said) *is_said = true;
    *out = 0;
    if (json_is_null(value)) return true;
    /* Such as transformers' VERY_LARGE_INTEGER, or the 1e30 it is made of. */
    if (json_is_real(value) && json_real_value(value) > (double)most) return true;
    if (!json_is_integer(value) || json_integer_value(value) < 1)
        return FAIL(reader, "%s must be a whole number from 1, or null", key);
    if ((uint64_t)json_integer_value(value) > most) return true;
    *out = (uint64_t)json_integer_value(value);
    return true;
}

static bool read_limits(const struct reader *reader, struct settings *settings)
{
    uint64_t tokens_max = 0;
    if (!read_choice(reader, "compat", compat_names, &settings->compat) ||
        !read_side(reader, settings) ||
        !read_bool(reader, "keep_unknown", &settings->limits.keeps_unknown,
                   &settings->is_keep_unknown_said) ||
        !read_limit(reader, "max_length", UINT32_MAX - 1, &tokens_max,
                    &settings->is_max_length_said) ||
        !read_limit(reader, "max_characters", INT64_MAX, &settings->limits.points_max,
                    &settings->is_max_characters_said))
        return false;
    settings->limits.tokens_max = (uint32_t)tokens_max;
    return true;
}

static bool read_pooling(const struct reader *reader, struct settings *settings)
{
    const char *name = NULL;
    if (!read_text(reader, "pooling", &name)) return false;
    settings->is_pooling_said = name;
    if (!name || pooling_from_name(name, strlen(name), &settings->pooling)) return true;
    return FAIL(
        reader,
        "pooling must be \"mean\", \"weighted\", \"sum\", \"max\" or \"unit\", not \"%.*s\"",
        ERR_VALUE_BYTES, name);
}

static bool read_vocab_size(const struct reader *reader, uint64_t *out)
{
    const json_t *value = json_object_get(reader->json, "vocab_size");
    if (!value) return true;
    if (!json_is_integer(value) || json_integer_value(value) < 1)
        return FAIL(reader, "%s must be a whole number from 1", "vocab_size");
    *out = (uint64_t)json_integer_value(value);
    return true;
}

/* Here what is no text is an error, as every wrong value of our own is. */
static bool read_prompts(const struct reader *reader, struct prompts *prompts)
{
    const json_t *standard = json_object_get(reader->json, "default_prompt_name");
    json_t *texts = json_object_get(reader->json, "prompts"), *text;
    const char *name;
    if (texts && !json_is_object(texts))
        return FAIL(reader, "%s must be an object of texts by their names", "prompts");
    json_object_foreach(texts, name, text) if (!json_is_string(text)) return FAIL(
        reader, "prompts.%.*s must be a text", ERR_VALUE_BYTES, name);
    if (!prompts_read(prompts, (json_t *)(uintptr_t)reader->json, reader->err)) return false;
    return !standard || json_is_null(standard) || prompts->standard ||
           FAIL(reader, "%s must be the name of one of the prompts", "default_prompt_name");
}

static bool add_script(const struct reader *reader, const char *name, struct known_scripts *to)
{
    if (!name)
        return FAIL(reader, "%s must be a list of texts, as [\"Latn\", \"Hani\"]", "scripts");
    return known_scripts_add(to, name) ||
           FAIL(reader,
                "scripts: \"%.*s\" is not the ISO 15924 code of a script with letters, such as "
                "\"Latn\", \"Hani\" or \"Cyrl\"",
                ERR_VALUE_BYTES, name);
}

static bool read_scripts(const struct reader *reader, struct known_scripts **out)
{
    const json_t *names = json_object_get(reader->json, "scripts");
    if (!names) return true;
    *out = calloc(1, sizeof **out);
    if (!*out) return err_set(reader->err, ERR_MEMORY, NULL, "no memory left for the scripts");
    size_t i = 0;
    do {
        /* NULL of what is no list, and of an empty one. */
        const json_t *name = json_array_get(names, i);
        if (!add_script(reader, json_string_value(name), *out)) return false;
    } while (++i < json_array_size(names));
    known_scripts_complete(*out);
    return true;
}

static bool read_all(const struct reader *reader, struct settings *settings)
{
    return read_text(reader, "name", &settings->name) &&
           read_text(reader, "version", &settings->version) &&
           read_text(reader, "license", &settings->license) &&
           read_long_text(reader, "tensor", TENSOR_BYTES_MAX, &settings->tensor) &&
           read_tokenizer(reader, &settings->tokenizer) && read_limits(reader, settings) &&
           read_pooling(reader, settings) &&
           read_bool(reader, "normalize", &settings->normalize, &settings->is_normalize_said) &&
           read_bool(reader, "lowercase", &settings->lowercase, &settings->is_lowercase_said) &&
           read_vocab_size(reader, &settings->vocab_size) &&
           read_prompts(reader, &settings->prompts) && read_scripts(reader, &settings->scripts);
}

/* ---- whose file it is ---- */

const char *const settings_owners[SETTINGS_OWNERS] = {"embedd", "model2vec", "transformers",
                                                      "another program"};

/* Keys that tell it, in this order: ours are not among them. model2vec's model_type is looked at
   before, and so is compat, which nobody else has. */
static const struct {
    const char *key;
    enum settings_owner owner;
} marks[] = {
    {"head_config", SETTINGS_MODEL2VEC},
    {"embedding_dtype", SETTINGS_MODEL2VEC},
    {"tokenizer_name", SETTINGS_MODEL2VEC},
    {"apply_pca", SETTINGS_MODEL2VEC},
    {"apply_zipf", SETTINGS_MODEL2VEC},
    {"sif_coefficient", SETTINGS_MODEL2VEC},
    {"model_type", SETTINGS_TRANSFORMERS},
    {"architectures", SETTINGS_TRANSFORMERS},
    {"transformers_version", SETTINGS_TRANSFORMERS},
    {"torch_dtype", SETTINGS_TRANSFORMERS},
    {"_name_or_path", SETTINGS_TRANSFORMERS},
    {"auto_map", SETTINGS_TRANSFORMERS},
    {"attention_probs_dropout_prob", SETTINGS_TRANSFORMERS},
    {"hidden_act", SETTINGS_TRANSFORMERS},
    {"hidden_size", SETTINGS_TRANSFORMERS},
    {"intermediate_size", SETTINGS_TRANSFORMERS},
    {"num_hidden_layers", SETTINGS_TRANSFORMERS},
    {"num_attention_heads", SETTINGS_TRANSFORMERS},
    {"max_position_embeddings", SETTINGS_TRANSFORMERS},
    {"type_vocab_size", SETTINGS_TRANSFORMERS},
    {"initializer_range", SETTINGS_TRANSFORMERS},
    {"d_model", SETTINGS_TRANSFORMERS},
    {"n_embd", SETTINGS_TRANSFORMERS},
    {"n_layer", SETTINGS_TRANSFORMERS},
    {"n_layers", SETTINGS_TRANSFORMERS},
    {"torchscript", SETTINGS_TRANSFORMERS},
    {"output_hidden_states", SETTINGS_TRANSFORMERS},
    {"output_attentions", SETTINGS_TRANSFORMERS},
    {"is_encoder_decoder", SETTINGS_TRANSFORMERS},
    {"finetuning_task", SETTINGS_TRANSFORMERS},
    {"pad_token_id", SETTINGS_TRANSFORMERS},
    {"eos_token_id", SETTINGS_TRANSFORMERS},
    {"num_beams", SETTINGS_TRANSFORMERS},
    {"do_sample", SETTINGS_TRANSFORMERS},
    {"id2label", SETTINGS_TRANSFORMERS},
    {"label2id", SETTINGS_TRANSFORMERS},
    {"tokenizer_class", SETTINGS_TRANSFORMERS},
    {"use_cache", SETTINGS_TRANSFORMERS},
    {"is_decoder", SETTINGS_TRANSFORMERS},
    {"dtype", SETTINGS_TRANSFORMERS},
    {"task_specific_params", SETTINGS_TRANSFORMERS},
    {"pooler_type", SETTINGS_TRANSFORMERS},
    {"directionality", SETTINGS_TRANSFORMERS},
    {"__version__", SETTINGS_OTHER}, /* sentence-transformers */
    {"max_seq_length", SETTINGS_OTHER},
    {"do_lower_case", SETTINGS_OTHER},
    {"word_embedding_dimension", SETTINGS_OTHER},
    {"embedding_dimension", SETTINGS_OTHER},
    {"pooling_mode", SETTINGS_OTHER},
    {"pooling_mode_mean_tokens", SETTINGS_OTHER},
    {"similarity_fn_name", SETTINGS_OTHER},
    {"prompts", SETTINGS_OTHER},
    {"class_name", SETTINGS_OTHER}, /* Keras */
    {"build_config", SETTINGS_OTHER},
    {"registered_name", SETTINGS_OTHER},
    {"dataset_reader", SETTINGS_OTHER}, /* AllenNLP */
    {"architecture", SETTINGS_OTHER},   /* scripts that people train with */
    {"model_name", SETTINGS_OTHER},
    {"model", SETTINGS_OTHER},
    {"embedding_dim", SETTINGS_OTHER},
    {"embed_dim", SETTINGS_OTHER},
    {"hidden_dim", SETTINGS_OTHER},
    {"num_classes", SETTINGS_OTHER},
    {"num_labels", SETTINGS_OTHER},
    {"num_layers", SETTINGS_OTHER},
    {"num_heads", SETTINGS_OTHER},
    {"dropout", SETTINGS_OTHER},
    {"batch_size", SETTINGS_OTHER},
    {"learning_rate", SETTINGS_OTHER},
    {"epochs", SETTINGS_OTHER},
    {"num_epochs", SETTINGS_OTHER},
    {"optimizer", SETTINGS_OTHER},
};

static void tell_owner(struct settings *settings)
{
    const char *type = json_string_value(json_object_get(settings->json, "model_type"));
    settings->owner = SETTINGS_OWN;
    if (json_object_get(settings->json, "compat")) return;
    settings->mark = "model_type";
    settings->owner = SETTINGS_MODEL2VEC;
    if (type && strcmp(type, "model2vec") == 0) return;
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        if (!json_object_get(settings->json, marks[i].key)) continue;
        settings->mark = marks[i].key;
        settings->owner = marks[i].owner;
        return;
    }
    settings->mark = NULL;
    settings->owner = SETTINGS_OWN;
}

/* Our keys, and in whose files they mean the same. Those that nobody else has count everywhere. */
#define IN(owner) (1u << (owner))
#define EVERYWHERE (IN(SETTINGS_MODEL2VEC) | IN(SETTINGS_TRANSFORMERS) | IN(SETTINGS_OTHER))
static const struct {
    const char *key;
    unsigned believed;
} own_keys[] = {
    {"compat", EVERYWHERE},
    {"tensor", EVERYWHERE},
    {"keep_unknown", EVERYWHERE},
    {"max_characters", EVERYWHERE},
    {"truncation_side", EVERYWHERE},
    {"vocab_size", EVERYWHERE},
    {"scripts", EVERYWHERE},
    {"name", IN(SETTINGS_MODEL2VEC)},
    {"version", IN(SETTINGS_MODEL2VEC)},
    {"license", IN(SETTINGS_MODEL2VEC)},
    {"normalize", IN(SETTINGS_MODEL2VEC)},
    {"max_length", IN(SETTINGS_MODEL2VEC)},
    {"pooling", 0}, /* of model2vec: how the table was once made */
    {"tokenizer", 0},
    {"lowercase", 0},
    {"prompts", 0},
    {"default_prompt_name", 0},
};

/* What another's file holds under a name of ours need not be of our type. */
static bool is_believed(const struct settings *settings, size_t i, const json_t *value)
{
    if (settings->owner == SETTINGS_OWN) return true;
    if (strcmp(own_keys[i].key, "vocab_size") == 0 && json_integer_value(value) < 1) return false;
    return own_keys[i].believed & IN(settings->owner);
}

static bool sort_keys(struct settings *settings)
{
    tell_owner(settings);
    settings->believed = json_object();
    settings->passed_over = json_object();
    if (!settings->believed || !settings->passed_over) return false;
    for (size_t i = 0; i < sizeof own_keys / sizeof *own_keys; i++) {
        json_t *value = json_object_get(settings->json, own_keys[i].key);
        json_t *to = is_believed(settings, i, value) ? settings->believed : settings->passed_over;
        if (value && json_object_set(to, own_keys[i].key, value) != 0) return false;
    }
    return true;
}

void settings_leave_out_passed_over(const struct settings *settings, json_t *config)
{
    const char *key;
    json_t *value;
    json_object_foreach(settings->passed_over, key, value) json_object_del(config, key);
}

bool settings_open(struct settings *settings, struct span config, const char *where,
                   struct err *err)
{
    struct err detail;
    *settings =
        (struct settings){.version = "", .license = "", .pooling = POOLING_MEAN, .compat = -1};
    if (!config.data) return true;
    struct reader reader = {.where = where, .err = err};
    settings->json = json_read_file(config.data, config.bytes, true, &detail);
    if (!settings->json)
        FAIL(&reader, "it is not JSON: %s", detail.message);
    else if (!json_is_object(settings->json))
        FAIL(&reader, "it must be a JSON object, as %s", "{\"pooling\": \"mean\"}");
    else if (!sort_keys(settings))
        err_set(err, ERR_MEMORY, NULL, "%.200s: no memory left to hold it", where);
    else {
        reader.json = settings->believed;
        if (read_all(&reader, settings)) return true;
    }
    settings_close(settings);
    return false;
}

bool settings_rename(struct settings *settings, struct span config, const char *where,
                     struct err *err)
{
    struct settings own;
    if (!settings_open(&own, config, where, err)) return false;
    if (own.name) settings->name = own.name;
    if (own.version[0]) settings->version = own.version;
    json_decref(settings->naming);
    settings->naming = json_incref(own.json);
    settings_close(&own);
    return true;
}

/* What only we say of another library's ways; max_length and normalize are keys of theirs too. */
static void forget_own_limits(struct settings *settings)
{
    settings->limits = (struct limits){.tokens_max = settings->limits.tokens_max};
    settings->is_keep_unknown_said = false;
    settings->is_side_said = false;
    settings->is_max_characters_said = false;
}

void settings_decide(struct settings *settings, const struct layout *layout,
                     const struct model_options *options)
{
    const bool has_other_tensor =
        options->tensor && (!settings->tensor || strcmp(options->tensor, settings->tensor) != 0);
    const bool has_other_compat = options->compat >= 0 && options->compat != settings->compat;
    const bool has_lowercase = layout->is_lowercase_said && !settings->is_lowercase_said;
    settings->is_told_elsewhere = has_other_tensor || has_other_compat || has_lowercase ||
                                  layout->is_static_embedding || layout->has_normalize;
    if (options->tensor) settings->tensor = options->tensor;
    if (has_other_compat && settings->compat >= 0) forget_own_limits(settings);
    if (options->compat >= 0) settings->compat = options->compat;
    if (settings->compat >= 0) return;
    settings->compat = settings->owner == SETTINGS_MODEL2VEC ? COMPAT_MODEL2VEC
                       : layout->is_static_embedding         ? COMPAT_STATIC_EMBEDDING
                                                             : COMPAT_OWN;
}

void settings_default_pooling(struct settings *settings, enum pooling pooling)
{
    if (!settings->is_pooling_said) settings->pooling = pooling;
}

void settings_default_normalize(struct settings *settings, bool normalize)
{
    if (!settings->is_normalize_said) settings->normalize = normalize;
    settings->is_normalize_said = true;
}

/* model2vec cuts texts before it tokenizes them, at so many times the tokens' median length. */
static uint64_t points_max(const struct tokenizer *tokenizer, enum compat compat, uint64_t tokens)
{
    const bool is_rust = compat == COMPAT_MODEL2VEC_RS;
    return tokens * tokenizer_median_length(tokenizer, is_rust);
}

static void complete_model2vec(struct settings *settings, const struct tokenizer *tokenizer)
{
    const enum compat compat = (enum compat)settings->compat;
    struct limits *limits = &settings->limits;
    if (!settings->is_normalize_said) settings->normalize = compat == COMPAT_MODEL2VEC_RS;
    if (!settings->is_max_length_said || compat != COMPAT_MODEL2VEC) limits->tokens_max = 512;
    if (!settings->is_max_characters_said && limits->tokens_max > 0)
        limits->points_max = points_max(tokenizer, compat, limits->tokens_max);
    limits->drops_first = compat == COMPAT_MODEL2VEC_08;
    if (compat == COMPAT_MODEL2VEC_08)
        limits->keeps_unknown = strcmp(tokenizer_kind(tokenizer), "unigram") == 0;
}

static void complete_static_embedding(struct settings *settings, const struct tokenizer *tokenizer)
{
    struct limits *limits = &settings->limits;
    bool cuts_left;
    const uint32_t tokens_max = tokenizer_truncation(tokenizer, &cuts_left);
    if (!settings->is_keep_unknown_said) limits->keeps_unknown = true;
    if (!settings->is_max_length_said) limits->tokens_max = tokens_max;
    if (!settings->is_side_said) limits->cuts_left = cuts_left;
}

void settings_complete(struct settings *settings, const struct tokenizer *tokenizer,
                       const struct layout *layout)
{
    switch ((enum compat)settings->compat) {
    case COMPAT_OWN:
        /* Rows of a dictionary are the user's own numbers: they come back as they are. */
        if (!settings->is_normalize_said)
            settings->normalize = strcmp(tokenizer_kind(tokenizer), "dictionary") != 0;
        return;
    case COMPAT_STATIC_EMBEDDING:
        if (!settings->is_normalize_said) settings->normalize = layout->has_normalize;
        complete_static_embedding(settings, tokenizer);
        return;
    case COMPAT_MODEL2VEC:
    case COMPAT_MODEL2VEC_08:
    case COMPAT_MODEL2VEC_RS:
        complete_model2vec(settings, tokenizer);
        return;
    }
}

static void set_text(json_t *json, const char *key, const char *text)
{
    if (text && text[0]) json_object_set_new(json, key, json_string(text));
}

static void set_limits(json_t *json, const struct settings *settings)
{
    const struct limits *limits = &settings->limits;
    set_text(json, "compat", compat_names[settings->compat]);
    if (limits->keeps_unknown || settings->is_keep_unknown_said)
        json_object_set_new(json, "keep_unknown", json_boolean(limits->keeps_unknown));
    if (limits->tokens_max > 0)
        json_object_set_new(json, "max_length", json_integer(limits->tokens_max));
    else if (settings->compat != COMPAT_OWN)
        json_object_set_new(json, "max_length", json_null());
    if (limits->cuts_left || settings->is_side_said)
        set_text(json, "truncation_side", limits->cuts_left ? "left" : "right");
    if (limits->points_max > 0)
        json_object_set_new(json, "max_characters", json_integer((json_int_t)limits->points_max));
    else if (settings->is_max_characters_said)
        json_object_set_new(json, "max_characters", json_null());
}

json_t *settings_as_json(const struct settings *settings)
{
    json_t *json = json_object();
    set_text(json, "name", settings->name);
    set_text(json, "version", settings->version);
    set_text(json, "license", settings->license);
    set_text(json, "pooling", pooling_names[settings->pooling]);
    json_object_set_new(json, "normalize", json_boolean(settings->normalize));
    set_limits(json, settings);
    if (settings->scripts)
        json_object_set(json, "scripts", json_object_get(settings->believed, "scripts"));
    return json;
}

void settings_set_name(json_t *config, const char *name)
{
    const size_t bytes = utf8_cut(name, strlen(name), SETTINGS_TEXT_MAX);
    json_object_set_new(config, "name", json_stringn(name, bytes));
}

void settings_close(struct settings *settings)
{
    prompts_close(&settings->prompts);
    free(settings->scripts);
    json_decref(settings->json);
    json_decref(settings->believed);
    json_decref(settings->passed_over);
    json_decref(settings->naming);
    *settings = (struct settings){0};
}
