/* SPDX-License-Identifier: Apache-2.0 */
/* normalizer, pre_tokenizer and decoder of tokenizer.json: Sequences of any depth, flattened. */
#include "base/grow.h"
#include "base/numtext.h"
#include "model/files/tensors.h"
#include "model/text/json/json_readers.h"
#include "model/text/unicode/unicode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How deep a Sequence may hold Sequences: as deep as the library's own parser goes. */
#define DEPTH_MAX 62

/* Of a step, or of its pattern. */
static size_t text_bytes(json_t *object)
{
    size_t bytes = 0;
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        if (strcmp(key, "precompiled_charsmap") != 0) bytes += json_string_length(value);
    }
    return bytes;
}

static bool count_step(struct tokenizer *t, const struct json_steps *steps, json_t *part,
                       const char *path, struct err *err)
{
    t->pipeline.bytes +=
        steps->step_bytes + text_bytes(part) + text_bytes(json_object_get(part, "pattern"));
    return t->pipeline.bytes <= PIPELINE_BYTES_MAX ||
           err_set(err, ERR_FORMAT, NULL,
                   TOKENIZER_JSON ": %s: the steps up to here are too many, or their patterns and "
                                  "texts too long: %zu bytes, %zu for a step by itself; at most "
                                  "%zu are read",
                   path, t->pipeline.bytes, steps->step_bytes, PIPELINE_BYTES_MAX);
}

static bool read_nested(struct tokenizer *t, const struct json_steps *steps, json_t *part,
                        const char *path, unsigned depth, struct err *err)
{
    const char *type;
    if (!fields_type(part, path, &steps->types, &type, err)) return false;
    if (strcmp(type, "Sequence") != 0)
        return count_step(t, steps, part, path, err) && steps->read(t, part, path, type, err);
    const json_t *items = json_object_get(part, steps->items);
    if (!json_is_array(items)) return fields_wrong_type(path, steps->items, items, "a list", err);
    if (depth == DEPTH_MAX)
        return err_set(err, ERR_FORMAT, NULL,
                       TOKENIZER_JSON
                       ": %s: Sequences are nested more than %d deep; list their steps in one",
                       path, DEPTH_MAX);
    for (size_t i = 0; i < json_array_size(items); i++) {
        char inner[JSON_PATH_BYTES];
        snprintf(inner, sizeof inner, "%.80s.%s[%zu]", path, steps->items, i);
        if (!read_nested(t, steps, json_array_get(items, i), inner, depth + 1, err)) return false;
    }
    return true;
}

bool json_read_steps(struct tokenizer *t, const struct json_steps *steps, json_t *part,
                     const char *path, struct err *err)
{
    return read_nested(t, steps, part, path, 0, err);
}

/* A new step at the end of a list, all zero. The list has room for a power of two. */
static void *add_step(void *list, size_t *n, size_t size, struct err *err)
{
    char *steps;
    const bool is_full = (*n & (*n - 1)) == 0;
    if (is_full && !grow_to(list, *n > 0 ? 2 * *n : 1, size)) {
        fields_no_memory(err);
        return NULL;
    }
    memcpy(&steps, list, sizeof steps);
    void *step = steps + *n * size;
    memset(step, 0, size);
    ++*n;
    return step;
}

/* ---- normalizers ---- */

static struct normalize_step *add_normalizer(struct tokenizer *t, enum normalize_kind kind,
                                             struct err *err)
{
    struct normalize_step *step =
        add_step(&t->pipeline.normalizers, &t->pipeline.n_normalizers, sizeof *step, err);
    if (step) step->kind = kind;
    return step;
}

static bool read_bert_normalizer(json_t *part, const char *path, struct bert_normalizer *n,
                                 struct err *err)
{
    return fields_bool(part, path, "clean_text", &n->clean_text, err) &&
           fields_bool(part, path, "handle_chinese_chars", &n->handle_chinese_chars, err) &&
           fields_bool(part, path, "lowercase", &n->lowercase, err) &&
           fields_bool_or(part, path, "strip_accents", n->lowercase, &n->strip_accents, err);
}

static bool add_bert_normalizer(struct tokenizer *t, json_t *part, const char *path,
                                struct err *err)
{
    struct bert_normalizer n;
    if (!read_bert_normalizer(part, path, &n, err)) return false;
    if (n.clean_text && !add_normalizer(t, NORMALIZE_CLEAN, err)) return false;
    if (n.handle_chinese_chars && !add_normalizer(t, NORMALIZE_CHINESE_SPACES, err)) return false;
    if (n.strip_accents) {
        struct normalize_step *step = add_normalizer(t, NORMALIZE_FORM, err);
        if (!step) return false;
        step->form = FORM_NFD;
        if (!add_normalizer(t, NORMALIZE_STRIP_MARKS, err)) return false;
    }
    return !n.lowercase || add_normalizer(t, NORMALIZE_LOWERCASE, err);
}

/* The bytes of base64, which then leaves the settings. */
static bool decode_charsmap(struct normalize_step *step, json_t *part, const char *path,
                            struct span *data, struct err *err)
{
    const char *text;
    size_t bytes;
    if (!fields_string(part, path, "precompiled_charsmap", &text, &bytes, err)) return false;
    step->charsmap_bytes = malloc(bytes + 4);
    if (!step->charsmap_bytes) return fields_no_memory(err);
    data->data = step->charsmap_bytes;
    if (!numtext_base64_read(text, bytes, (unsigned char *)step->charsmap_bytes, &data->bytes))
        return err_set(err, ERR_FORMAT, NULL,
                       TOKENIZER_JSON ": %s.precompiled_charsmap is not base64", path);
    json_object_set_new(part, "precompiled_charsmap", json_string(""));
    return true;
}

static bool check_charsmaps(const struct pipeline *p, const char *path, struct err *err)
{
    size_t n = 0;
    for (size_t i = 0; i < p->n_normalizers; i++)
        n += p->normalizers[i].kind == NORMALIZE_CHARSMAP;
    return n <= PIPELINE_CHARSMAPS_MAX ||
           err_set(err, ERR_FORMAT, NULL,
                   TOKENIZER_JSON ": %s: there are more than %d Precompiled steps", path,
                   PIPELINE_CHARSMAPS_MAX);
}

/* What a packed file holds of the normalizer with that place; data NULL: nothing. */
static struct span packed_charsmap(const struct tensors *file, size_t place)
{
    char name[48];
    snprintf(name, sizeof name, JSON_PACKED_CHARSMAP, place);
    const struct tensor *tensor = tensors_find(file, name);
    if (!tensor) return (struct span){0};
    return (struct span){tensor->data, (size_t)(tensor->end - tensor->begin)};
}

static bool read_charsmap(struct tokenizer *t, struct normalize_step *step, json_t *part,
                          const char *path, struct err *err)
{
    struct err why;
    struct span data = {0};
    if (!check_charsmaps(&t->pipeline, path, err)) return false;
    if (t->packed)
        data = packed_charsmap(t->packed, (size_t)(step - t->pipeline.normalizers));
    else if (!decode_charsmap(step, part, path, &data, err))
        return false;
    return (charsmap_open(&step->charsmap, data, &why) &&
            (t->packed || charsmap_check(&step->charsmap, &why))) ||
           err_set(err, ERR_FORMAT, NULL, TOKENIZER_JSON ": %s.precompiled_charsmap: %s", path,
                   why.message);
}

static bool read_normalizer_fields(struct tokenizer *t, struct normalize_step *step, json_t *part,
                                   const char *path, struct err *err)
{
    switch (step->kind) {
    case NORMALIZE_STRIP:
        return fields_bool(part, path, "strip_left", &step->left, err) &&
               fields_bool(part, path, "strip_right", &step->right, err);
    case NORMALIZE_REPLACE:
        return fields_text(part, path, "content", &step->content, err) &&
               fields_pattern(part, path, &step->pattern, &step->regex, NULL, err);
    case NORMALIZE_PREPEND:
        return fields_text(part, path, "prepend", &step->content, err);
    case NORMALIZE_CHARSMAP:
        return read_charsmap(t, step, part, path, err);
    case NORMALIZE_FORM:
    case NORMALIZE_CLEAN:
    case NORMALIZE_CHINESE_SPACES:
    case NORMALIZE_STRIP_MARKS:
    case NORMALIZE_STRIP_ACCENTS:
    case NORMALIZE_LOWERCASE:
    case NORMALIZE_BYTES:
    case NORMALIZE_NMT:
        break;
    }
    return true;
}

static bool read_normalizer_step(struct tokenizer *t, json_t *part, const char *path,
                                 const char *type, struct err *err)
{
    static const struct {
        const char *type;
        enum normalize_kind kind;
        enum normal_form form;
    } kinds[] = {
        {"NFC", NORMALIZE_FORM, FORM_NFC},
        {"NFD", NORMALIZE_FORM, FORM_NFD},
        {"NFKC", NORMALIZE_FORM, FORM_NFKC},
        {"NFKD", NORMALIZE_FORM, FORM_NFKD},
        {"Lowercase", .kind = NORMALIZE_LOWERCASE},
        {"StripAccents", .kind = NORMALIZE_STRIP_ACCENTS},
        {"Strip", .kind = NORMALIZE_STRIP},
        {"Replace", .kind = NORMALIZE_REPLACE},
        {"Prepend", .kind = NORMALIZE_PREPEND},
        {"Precompiled", .kind = NORMALIZE_CHARSMAP},
        {"ByteLevel", .kind = NORMALIZE_BYTES},
        {"Nmt", .kind = NORMALIZE_NMT},
    };
    if (strcmp(type, "BertNormalizer") == 0) return add_bert_normalizer(t, part, path, err);
    size_t i = 0;
    while (strcmp(kinds[i].type, type) != 0)
        i++;
    struct normalize_step *step = add_normalizer(t, kinds[i].kind, err);
    if (!step) return false;
    step->form = kinds[i].form;
    return read_normalizer_fields(t, step, part, path, err);
}

static bool has_type(const json_t *part, const char *type)
{
    const char *text = json_string_value(json_object_get(part, "type"));
    return text && strcmp(text, type) == 0;
}

/* Whether a Sequence is these two steps. */
static bool is_pair(const json_t *part, const char *items, const char *first, const char *second)
{
    const json_t *list = json_object_get(part, items);
    return has_type(part, "Sequence") && json_array_size(list) == 2 &&
           has_type(json_array_get(list, 0), first) && has_type(json_array_get(list, 1), second);
}

/* Whether bert_family's own normalizer does the same. */
static bool fits_bert(json_t *part, struct bert_normalizer *n)
{
    struct err ignored;
    *n = (struct bert_normalizer){0};
    if (!part) return true;
    if (is_pair(part, "normalizers", "NFKC", "BertNormalizer")) {
        if (!read_bert_normalizer(json_array_get(json_object_get(part, "normalizers"), 1), "", n,
                                  &ignored))
            return false;
        n->compatible = true;
        return n->clean_text && n->strip_accents && n->lowercase && !n->handle_chinese_chars;
    }
    n->lowercase = has_type(part, "Lowercase");
    if (!has_type(part, "BertNormalizer")) return n->lowercase;
    return read_bert_normalizer(part, "", n, &ignored);
}

/* In the library's order; the other types must be named. */
static const struct shape normalizer_shapes[] = {
    {"BertNormalizer", .fields = {{"clean_text", SHAPE_BOOL},
                                  {"handle_chinese_chars", SHAPE_BOOL},
                                  {"strip_accents", SHAPE_BOOL, true},
                                  {"lowercase", SHAPE_BOOL}}},
    {"Strip", .fields = {{"strip_left", SHAPE_BOOL}, {"strip_right", SHAPE_BOOL}}},
    {"Sequence", .fields = {{"normalizers", SHAPE_LIST}}},
    {"Replace", .fields = {{"pattern", SHAPE_PATTERN}, {"content", SHAPE_STRING}}},
    {"Prepend", .fields = {{"prepend", SHAPE_STRING}}},
    {NULL},
};

bool json_read_normalizer(struct tokenizer *t, json_t *part, bool *is_bert, struct err *err)
{
    static const struct json_steps steps = {
        {"BertNormalizer, NFC, NFD, NFKC, NFKD, Lowercase, Strip, StripAccents, Replace, Prepend, "
         "Precompiled, ByteLevel, Nmt, Sequence",
         normalizer_shapes, "BertNormalizer"},
        "normalizers",
        PIPELINE_STEP_BYTES,
        read_normalizer_step};
    if (json_is_null(part)) part = NULL;
    if (part && !json_read_steps(t, &steps, part, "normalizer", err)) return false;
    *is_bert = fits_bert(part, &t->normalizer);
    return true;
}

/* ---- pre-tokenizers ---- */

static const char *const behaviors[] = {"Removed", "Isolated", "MergedWithPrevious",
                                        "MergedWithNext", "Contiguous"};

static struct split_step *add_split(struct tokenizer *t, enum split_kind kind, struct err *err)
{
    struct split_step *step =
        add_step(&t->pipeline.splits, &t->pipeline.n_splits, sizeof *step, err);
    if (step) step->kind = kind;
    return step;
}

static bool add_flags(struct tokenizer *t, uint8_t flags, unsigned behavior, struct err *err)
{
    struct split_step *step = add_split(t, SPLIT_FLAGS, err);
    if (!step) return false;
    step->flags = flags;
    step->behavior = (enum split_behavior)behavior;
    return true;
}

static bool read_punctuation(struct tokenizer *t, json_t *part, const char *path, struct err *err)
{
    unsigned behavior;
    return fields_choice(part, path, "behavior", behaviors, 5, SPLIT_ISOLATED, &behavior, err) &&
           add_flags(t, UNICODE_PUNCT, behavior, err);
}

static bool read_digits(struct tokenizer *t, json_t *part, const char *path, struct err *err)
{
    struct split_step *step = add_split(t, SPLIT_NUMBERS, err);
    bool alone;
    if (!step || !fields_bool(part, path, "individual_digits", &alone, err)) return false;
    step->behavior = alone ? SPLIT_ISOLATED : SPLIT_CONTIGUOUS;
    return true;
}

/* Whether the pattern is nothing but a list of characters, which is then read. */
static bool read_listed(const json_t *part, struct character_class *listed)
{
    const json_t *pattern = json_object_get(part, "pattern");
    const json_t *regex = json_object_get(pattern, "Regex");
    return json_object_size(pattern) == 1 && json_is_string(regex) &&
           character_class_read(listed, json_string_value(regex), json_string_length(regex));
}

static bool read_split(struct tokenizer *t, json_t *part, const char *path, struct err *err)
{
    struct split_step *step = add_split(t, SPLIT_REGEX, err);
    unsigned behavior;
    if (!step || !fields_choice(part, path, "behavior", behaviors, 5, -1, &behavior, err) ||
        !fields_bool(part, path, "invert", &step->invert, err))
        return false;
    step->behavior = (enum split_behavior)behavior;
    if (read_listed(part, &step->listed)) {
        step->kind = SPLIT_UNLISTED;
        return true;
    }
    if (!fields_pattern(part, path, &step->pattern, &step->regex, &step->known, err)) return false;
    if (step->pattern.text) step->kind = SPLIT_TEXT;
    if (step->known != PATTERN_NONE) step->kind = SPLIT_PATTERN;
    return true;
}

/* What Metaspace has in common as a pre-tokenizer and as a decoder. */
static bool read_mark(json_t *part, const char *path, struct step_text *mark,
                      enum metaspace_prepend *prepend, bool *is_prefixed, struct err *err)
{
    static const char *const schemes[] = {"always", "first", "never"};
    unsigned scheme;
    uint32_t code;
    if (!fields_character(part, path, "replacement", mark, &code, err) ||
        !fields_choice(part, path, "prepend_scheme", schemes, 3, METASPACE_ALWAYS, &scheme, err) ||
        !fields_bool_or(part, path, "add_prefix_space", true, is_prefixed, err))
        return false;
    *prepend = (enum metaspace_prepend)scheme;
    return true;
}

static bool read_metaspace(struct tokenizer *t, json_t *part, const char *path, struct err *err)
{
    struct split_step *step = add_split(t, SPLIT_METASPACE, err);
    bool is_prefixed;
    if (!step || !read_mark(part, path, &step->pattern, &step->prepend, &is_prefixed, err) ||
        !fields_bool_or(part, path, "split", true, &step->splits, err))
        return false;
    if (is_prefixed) return true;
    if (step->prepend != METASPACE_NEVER && json_object_get(part, "prepend_scheme"))
        return err_set(err, ERR_FORMAT, NULL,
                       TOKENIZER_JSON ": %s.add_prefix_space is false, but prepend_scheme is not "
                                      "\"never\"; remove add_prefix_space",
                       path);
    step->prepend = METASPACE_NEVER;
    return true;
}

static bool read_byte_level(struct tokenizer *t, json_t *part, const char *path, struct err *err)
{
    struct split_step *step = add_split(t, SPLIT_BYTES, err);
    bool trims;
    return step && fields_bool(part, path, "add_prefix_space", &step->prefix_space, err) &&
           fields_bool_or(part, path, "trim_offsets", true, &trims, err) &&
           fields_bool_or(part, path, "use_regex", true, &step->splits, err);
}

static bool read_length(struct tokenizer *t, json_t *part, const char *path, struct err *err)
{
    struct split_step *step = add_split(t, SPLIT_LENGTH, err);
    uint32_t length = 5;
    if (!step ||
        (json_object_get(part, "length") && !fields_count(part, path, "length", &length, err)))
        return false;
    step->length = length;
    return length > 0 ||
           err_set(err, ERR_FORMAT, NULL, TOKENIZER_JSON ": %s.length must be 1 or more", path);
}

static bool read_delimiter(struct tokenizer *t, json_t *part, const char *path, struct err *err)
{
    struct split_step *step = add_split(t, SPLIT_CHAR, err);
    return step && fields_character(part, path, "delimiter", &step->pattern, &step->character, err);
}

static bool read_plain_split(struct tokenizer *t, const char *type, struct err *err)
{
    if (strcmp(type, "Whitespace") == 0) return add_split(t, SPLIT_WORDS, err);
    if (strcmp(type, "UnicodeScripts") == 0) return add_split(t, SPLIT_SCRIPTS, err);
    if (!add_flags(t, UNICODE_SPACE, SPLIT_REMOVED, err)) return false;
    return strcmp(type, "WhitespaceSplit") == 0 || add_flags(t, UNICODE_PUNCT, SPLIT_ISOLATED, err);
}

static bool read_split_step(struct tokenizer *t, json_t *part, const char *path, const char *type,
                            struct err *err)
{
    if (strcmp(type, "Punctuation") == 0) return read_punctuation(t, part, path, err);
    if (strcmp(type, "Digits") == 0) return read_digits(t, part, path, err);
    if (strcmp(type, "Split") == 0) return read_split(t, part, path, err);
    if (strcmp(type, "Metaspace") == 0) return read_metaspace(t, part, path, err);
    if (strcmp(type, "ByteLevel") == 0) return read_byte_level(t, part, path, err);
    if (strcmp(type, "FixedLength") == 0) return read_length(t, part, path, err);
    if (strcmp(type, "CharDelimiterSplit") == 0) return read_delimiter(t, part, path, err);
    return read_plain_split(t, type, err);
}

/* In a packed file the vocabulary was looked through when it was made. */
static bool parts_unknown(struct tokenizer *t)
{
    const struct split_step *last = &t->pipeline.splits[t->pipeline.n_splits - 1];
    if (last->kind != SPLIT_UNLISTED || last->behavior != SPLIT_ISOLATED || last->invert)
        return false;
    if (!t->is_packed) t->wordpiece.unknown_alone = wordpiece_has_all(t, &last->listed);
    return t->wordpiece.unknown_alone;
}

bool json_read_pre_tokenizer(struct tokenizer *t, json_t *part, bool *is_bert, struct err *err)
{
    static const struct json_steps steps = {
        {"BertPreTokenizer, Whitespace, WhitespaceSplit, Punctuation, Digits, Split, Metaspace, "
         "ByteLevel, UnicodeScripts, CharDelimiterSplit, FixedLength, Sequence",
         NULL, NULL},
        "pretokenizers",
        PIPELINE_SPLIT_BYTES,
        read_split_step};
    if (json_is_null(part)) part = NULL;
    if (part && !json_read_steps(t, &steps, part, "pre_tokenizer", err)) return false;
    *is_bert = has_type(part, "BertPreTokenizer") ||
               (is_pair(part, "pretokenizers", "BertPreTokenizer", "Split") && parts_unknown(t));
    return true;
}

/* ---- decoders ---- */

static bool read_size(json_t *part, const char *path, const char *key, size_t *out, struct err *err)
{
    uint32_t count;
    if (!fields_count(part, path, key, &count, err)) return false;
    *out = count;
    return true;
}

static bool read_decoder_metaspace(struct decode_step *step, json_t *part, const char *path,
                                   struct err *err)
{
    enum metaspace_prepend prepend;
    bool is_prefixed;
    if (!read_mark(part, path, &step->text, &prepend, &is_prefixed, err)) return false;
    step->keeps_first = !is_prefixed || prepend == METASPACE_NEVER;
    return true;
}

static bool read_decoder_fields(struct decode_step *step, json_t *part, const char *path,
                                struct err *err)
{
    uint32_t code;
    switch (step->kind) {
    case DECODE_WORDPIECE:
        return fields_bool(part, path, "cleanup", &step->cleanup, err) &&
               fields_text(part, path, "prefix", &step->text, err);
    case DECODE_SUFFIX:
        return fields_text(part, path, "suffix", &step->text, err);
    case DECODE_METASPACE:
        return read_decoder_metaspace(step, part, path, err);
    case DECODE_STRIP:
        return fields_character(part, path, "content", &step->text, &code, err) &&
               read_size(part, path, "start", &step->start, err) &&
               read_size(part, path, "stop", &step->stop, err);
    case DECODE_REPLACE:
        return fields_text(part, path, "content", &step->other, err) &&
               fields_pattern(part, path, &step->text, &step->regex, NULL, err);
    case DECODE_CTC:
        return fields_text(part, path, "pad_token", &step->text, err) &&
               fields_text(part, path, "word_delimiter_token", &step->other, err) &&
               fields_bool(part, path, "cleanup", &step->cleanup, err);
    case DECODE_BYTES:
    case DECODE_FALLBACK:
    case DECODE_FUSE:
        break;
    }
    return true;
}

static bool read_decoder_step(struct tokenizer *t, json_t *part, const char *path, const char *type,
                              struct err *err)
{
    static const struct {
        const char *type;
        enum decode_kind kind;
    } kinds[] = {
        {"WordPiece", DECODE_WORDPIECE},
        {"BPEDecoder", DECODE_SUFFIX},
        {"ByteLevel", DECODE_BYTES},
        {"Metaspace", DECODE_METASPACE},
        {"ByteFallback", DECODE_FALLBACK},
        {"Fuse", DECODE_FUSE},
        {"Strip", DECODE_STRIP},
        {"Replace", DECODE_REPLACE},
        {"CTC", DECODE_CTC},
    };
    size_t i = 0;
    while (strcmp(kinds[i].type, type) != 0)
        i++;
    struct decode_step *step = add_step(&t->decoder.steps, &t->decoder.n, sizeof *step, err);
    if (!step) return false;
    step->kind = kinds[i].kind;
    return read_decoder_fields(step, part, path, err);
}

static const struct shape decoder_shapes[] = {
    {"BPEDecoder", .fields = {{"suffix", SHAPE_STRING}}},
    {"WordPiece", .fields = {{"prefix", SHAPE_STRING}, {"cleanup", SHAPE_BOOL}}},
    {"CTC", .fields = {{"pad_token", SHAPE_STRING},
                       {"word_delimiter_token", SHAPE_STRING},
                       {"cleanup", SHAPE_BOOL}}},
    {"Replace", .fields = {{"pattern", SHAPE_PATTERN}, {"content", SHAPE_STRING}}},
    {"Strip",
     .fields = {{"content", SHAPE_CHARACTER}, {"start", SHAPE_COUNT}, {"stop", SHAPE_COUNT}}},
    {NULL},
};

bool json_read_decoder(struct tokenizer *t, json_t *part, struct err *err)
{
    static const struct json_steps steps = {
        {"WordPiece, BPEDecoder, ByteLevel, Metaspace, ByteFallback, Fuse, Strip, Replace, CTC, "
         "Sequence",
         decoder_shapes, NULL},
        "decoders",
        PIPELINE_STEP_BYTES,
        read_decoder_step};
    t->decoder.joins = part && !json_is_null(part);
    return !t->decoder.joins || json_read_steps(t, &steps, part, "decoder", err);
}
