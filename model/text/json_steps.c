/* SPDX-License-Identifier: Apache-2.0 */
/* normalizer, pre_tokenizer and decoder of tokenizer.json: Sequences of any depth, flattened. */
#include "base/numtext.h"
#include "model/text/compiled.h"
#include "model/text/json_readers.h"
#include "model/text/unicode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How deep a Sequence may hold Sequences. */
#define DEPTH_MAX 8

static bool read_nested(struct tokenizer *t, const struct json_steps *steps, json_t *part,
                        const char *path, unsigned depth, struct err *err)
{
    const char *type;
    if (!fields_type(part, path, steps->types, &type, err)) return false;
    if (strcmp(type, "Sequence") != 0) return steps->read(t, part, path, type, err);
    char known[64];
    snprintf(known, sizeof known, "type, %s", steps->items);
    if (!fields_known(part, path, known, err)) return false;
    const json_t *items = json_object_get(part, steps->items);
    if (!json_is_array(items)) return fields_wrong_type(path, steps->items, items, "a list", err);
    if (depth == DEPTH_MAX)
        return err_set(err, ERR_FORMAT, NULL,
                       TOKENIZER_JSON ": %s: Sequences stand in each other more than %d deep; list "
                                      "their steps in one",
                       path, DEPTH_MAX);
    for (size_t i = 0; i < json_array_size(items); i++) {
        char inner[JSON_PATH_BYTES * 2];
        snprintf(inner, sizeof inner, "%s.%s[%zu]", path, steps->items, i);
        inner[JSON_PATH_BYTES - 1] = '\0';
        if (!read_nested(t, steps, json_array_get(items, i), inner, depth + 1, err)) return false;
    }
    return true;
}

bool json_read_steps(struct tokenizer *t, const struct json_steps *steps, json_t *part,
                     const char *path, struct err *err)
{
    return read_nested(t, steps, part, path, 0, err);
}

/* A new step at the end of a list, all zero. NULL where there are too many. */
static void *add_step(void *list, size_t *n, size_t size, const char *path, struct err *err)
{
    void **steps = list;
    if (*n == PIPELINE_STEPS_MAX) {
        err_set(err, ERR_FORMAT, NULL, TOKENIZER_JSON ": %s: there are more than %d steps", path,
                PIPELINE_STEPS_MAX);
        return NULL;
    }
    void *grown = realloc(*steps, (*n + 1) * size);
    if (!grown) {
        fields_no_memory(err);
        return NULL;
    }
    *steps = grown;
    void *step = (char *)grown + *n * size;
    memset(step, 0, size);
    ++*n;
    return step;
}

/* ---- normalizers ---- */

static struct normalize_step *add_normalizer(struct tokenizer *t, enum normalize_kind kind,
                                             const char *path, struct err *err)
{
    struct normalize_step *step =
        add_step(&t->pipeline.normalizers, &t->pipeline.n_normalizers, sizeof *step, path, err);
    if (step) step->kind = kind;
    return step;
}

static bool read_bert_normalizer(json_t *part, const char *path, struct normalizer *n,
                                 struct err *err)
{
    return fields_known(part, path,
                        "type, clean_text, handle_chinese_chars, strip_accents, lowercase", err) &&
           fields_bool(part, path, "clean_text", &n->clean_text, err) &&
           fields_bool(part, path, "handle_chinese_chars", &n->handle_chinese_chars, err) &&
           fields_bool(part, path, "lowercase", &n->lowercase, err) &&
           fields_bool_or(part, path, "strip_accents", n->lowercase, &n->strip_accents, err);
}

static bool add_bert_normalizer(struct tokenizer *t, json_t *part, const char *path,
                                struct err *err)
{
    struct normalizer n;
    if (!read_bert_normalizer(part, path, &n, err)) return false;
    if (n.clean_text && !add_normalizer(t, NORMALIZE_CLEAN, path, err)) return false;
    if (n.handle_chinese_chars && !add_normalizer(t, NORMALIZE_CHINESE_SPACES, path, err))
        return false;
    if (n.strip_accents) {
        struct normalize_step *step = add_normalizer(t, NORMALIZE_FORM, path, err);
        if (!step) return false;
        step->form = FORM_NFD;
        if (!add_normalizer(t, NORMALIZE_STRIP_MARKS, path, err)) return false;
    }
    return !n.lowercase || add_normalizer(t, NORMALIZE_LOWERCASE, path, err);
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

static bool read_charsmap(struct tokenizer *t, struct normalize_step *step, json_t *part,
                          const char *path, struct err *err)
{
    struct err why;
    struct span data = {0};
    if (!fields_known(part, path, "type, precompiled_charsmap", err)) return false;
    if (t->packed)
        data = compiled_charsmap(t->packed, (size_t)(step - t->pipeline.normalizers));
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
        return fields_known(part, path, "type, strip_left, strip_right", err) &&
               fields_bool(part, path, "strip_left", &step->left, err) &&
               fields_bool(part, path, "strip_right", &step->right, err);
    case NORMALIZE_REPLACE:
        return fields_known(part, path, "type, pattern, content", err) &&
               fields_text(part, path, "content", &step->content, err) &&
               fields_pattern(part, path, &step->pattern, &step->regex, NULL, err);
    case NORMALIZE_PREPEND:
        return fields_known(part, path, "type, prepend", err) &&
               fields_text(part, path, "prepend", &step->content, err);
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
    return fields_known(part, path, "type", err);
}

static bool read_normalizer_step(struct tokenizer *t, json_t *part, const char *path,
                                 const char *type, struct err *err)
{
    static const struct {
        const char *type;
        enum normalize_kind kind;
        enum text_form form;
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
    struct normalize_step *step = add_normalizer(t, kinds[i].kind, path, err);
    if (!step) return false;
    step->form = kinds[i].form;
    return read_normalizer_fields(t, step, part, path, err);
}

/* Whether bert_family's own normalizer does the same. */
static bool fits_bert(json_t *part, struct normalizer *n)
{
    struct err ignored;
    const char *type = json_string_value(json_object_get(part, "type"));
    *n = (struct normalizer){0};
    if (!type) return true;
    n->lowercase = strcmp(type, "Lowercase") == 0;
    if (strcmp(type, "BertNormalizer") != 0) return n->lowercase;
    return read_bert_normalizer(part, "", n, &ignored);
}

bool json_read_normalizer(struct tokenizer *t, json_t *part, bool *is_bert, struct err *err)
{
    static const struct json_steps steps = {
        "BertNormalizer, NFC, NFD, NFKC, NFKD, Lowercase, Strip, StripAccents, Replace, Prepend, "
        "Precompiled, ByteLevel, Nmt, Sequence",
        "normalizers", read_normalizer_step};
    if (json_is_null(part)) part = NULL;
    *is_bert = fits_bert(part, &t->normalizer);
    return !part || json_read_steps(t, &steps, part, "normalizer", err);
}

/* ---- pre-tokenizers ---- */

static const char *const behaviors[] = {"Removed", "Isolated", "MergedWithPrevious",
                                        "MergedWithNext", "Contiguous"};

static struct split_step *add_split(struct tokenizer *t, enum split_kind kind, const char *path,
                                    struct err *err)
{
    struct split_step *step =
        add_step(&t->pipeline.splits, &t->pipeline.n_splits, sizeof *step, path, err);
    if (step) step->kind = kind;
    return step;
}

static bool add_flags(struct tokenizer *t, uint8_t flags, unsigned behavior, const char *path,
                      struct err *err)
{
    struct split_step *step = add_split(t, SPLIT_FLAGS, path, err);
    if (!step) return false;
    step->flags = flags;
    step->behavior = (enum split_behavior)behavior;
    return true;
}

static bool read_punctuation(struct tokenizer *t, json_t *part, const char *path, struct err *err)
{
    unsigned behavior;
    return fields_known(part, path, "type, behavior", err) &&
           fields_choice(part, path, "behavior", behaviors, 5, SPLIT_ISOLATED, &behavior, err) &&
           add_flags(t, UNICODE_PUNCT, behavior, path, err);
}

static bool read_digits(struct tokenizer *t, json_t *part, const char *path, struct err *err)
{
    struct split_step *step = add_split(t, SPLIT_NUMBERS, path, err);
    bool alone;
    if (!step || !fields_known(part, path, "type, individual_digits", err) ||
        !fields_bool(part, path, "individual_digits", &alone, err))
        return false;
    step->behavior = alone ? SPLIT_ISOLATED : SPLIT_CONTIGUOUS;
    return true;
}

static bool read_split(struct tokenizer *t, json_t *part, const char *path, struct err *err)
{
    struct split_step *step = add_split(t, SPLIT_REGEX, path, err);
    unsigned behavior;
    if (!step || !fields_known(part, path, "type, pattern, behavior, invert", err) ||
        !fields_choice(part, path, "behavior", behaviors, 5, -1, &behavior, err) ||
        !fields_bool(part, path, "invert", &step->invert, err) ||
        !fields_pattern(part, path, &step->pattern, &step->regex, &step->known, err))
        return false;
    step->behavior = (enum split_behavior)behavior;
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
    if (!fields_known(part, path,
                      "type, replacement, add_prefix_space, prepend_scheme, split, str_rep", err) ||
        !fields_character(part, path, "replacement", mark, &code, err) ||
        !fields_choice(part, path, "prepend_scheme", schemes, 3, METASPACE_ALWAYS, &scheme, err) ||
        !fields_bool_or(part, path, "add_prefix_space", true, is_prefixed, err))
        return false;
    *prepend = (enum metaspace_prepend)scheme;
    return true;
}

static bool read_metaspace(struct tokenizer *t, json_t *part, const char *path, struct err *err)
{
    struct split_step *step = add_split(t, SPLIT_METASPACE, path, err);
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
    struct split_step *step = add_split(t, SPLIT_BYTES, path, err);
    bool trims;
    return step &&
           fields_known(part, path, "type, add_prefix_space, trim_offsets, use_regex", err) &&
           fields_bool(part, path, "add_prefix_space", &step->prefix_space, err) &&
           fields_bool_or(part, path, "trim_offsets", true, &trims, err) &&
           fields_bool_or(part, path, "use_regex", true, &step->splits, err);
}

static bool read_length(struct tokenizer *t, json_t *part, const char *path, struct err *err)
{
    struct split_step *step = add_split(t, SPLIT_LENGTH, path, err);
    uint32_t length = 5;
    if (!step || !fields_known(part, path, "type, length", err) ||
        (json_object_get(part, "length") && !fields_count(part, path, "length", &length, err)))
        return false;
    step->length = length;
    return length > 0 ||
           err_set(err, ERR_FORMAT, NULL, TOKENIZER_JSON ": %s.length must be 1 or more", path);
}

static bool read_delimiter(struct tokenizer *t, json_t *part, const char *path, struct err *err)
{
    struct split_step *step = add_split(t, SPLIT_CHAR, path, err);
    return step && fields_known(part, path, "type, delimiter", err) &&
           fields_character(part, path, "delimiter", &step->pattern, &step->character, err);
}

static bool read_plain_split(struct tokenizer *t, json_t *part, const char *path, const char *type,
                             struct err *err)
{
    if (!fields_known(part, path, "type", err)) return false;
    if (strcmp(type, "Whitespace") == 0) return add_split(t, SPLIT_WORDS, path, err);
    if (strcmp(type, "UnicodeScripts") == 0) return add_split(t, SPLIT_SCRIPTS, path, err);
    if (!add_flags(t, UNICODE_SPACE, SPLIT_REMOVED, path, err)) return false;
    return strcmp(type, "WhitespaceSplit") == 0 ||
           add_flags(t, UNICODE_PUNCT, SPLIT_ISOLATED, path, err);
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
    return read_plain_split(t, part, path, type, err);
}

bool json_read_pre_tokenizer(struct tokenizer *t, json_t *part, bool *is_bert, struct err *err)
{
    static const struct json_steps steps = {
        "BertPreTokenizer, Whitespace, WhitespaceSplit, Punctuation, Digits, Split, Metaspace, "
        "ByteLevel, UnicodeScripts, CharDelimiterSplit, FixedLength, Sequence",
        "pretokenizers", read_split_step};
    if (json_is_null(part)) part = NULL;
    const char *type = json_string_value(json_object_get(part, "type"));
    *is_bert = type && strcmp(type, "BertPreTokenizer") == 0;
    return !part || json_read_steps(t, &steps, part, "pre_tokenizer", err);
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
        return fields_known(part, path, "type, prefix, cleanup", err) &&
               fields_bool(part, path, "cleanup", &step->cleanup, err) &&
               fields_text(part, path, "prefix", &step->text, err);
    case DECODE_SUFFIX:
        return fields_known(part, path, "type, suffix", err) &&
               fields_text(part, path, "suffix", &step->text, err);
    case DECODE_METASPACE:
        return read_decoder_metaspace(step, part, path, err);
    case DECODE_STRIP:
        return fields_known(part, path, "type, content, start, stop", err) &&
               fields_character(part, path, "content", &step->text, &code, err) &&
               read_size(part, path, "start", &step->start, err) &&
               read_size(part, path, "stop", &step->stop, err);
    case DECODE_REPLACE:
        return fields_known(part, path, "type, pattern, content", err) &&
               fields_text(part, path, "content", &step->other, err) &&
               fields_pattern(part, path, &step->text, &step->regex, NULL, err);
    case DECODE_CTC:
        return fields_known(part, path, "type, pad_token, word_delimiter_token, cleanup", err) &&
               fields_text(part, path, "pad_token", &step->text, err) &&
               fields_text(part, path, "word_delimiter_token", &step->other, err) &&
               fields_bool(part, path, "cleanup", &step->cleanup, err);
    case DECODE_BYTES:
        return fields_known(part, path, "type, add_prefix_space, trim_offsets, use_regex", err);
    case DECODE_FALLBACK:
    case DECODE_FUSE:
        break;
    }
    return fields_known(part, path, "type", err);
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
    struct decode_step *step = add_step(&t->decoder.steps, &t->decoder.n, sizeof *step, path, err);
    if (!step) return false;
    step->kind = kinds[i].kind;
    return read_decoder_fields(step, part, path, err);
}

bool json_read_decoder(struct tokenizer *t, json_t *part, struct err *err)
{
    static const struct json_steps steps = {"WordPiece, BPEDecoder, ByteLevel, Metaspace, "
                                            "ByteFallback, Fuse, Strip, Replace, CTC, Sequence",
                                            "decoders", read_decoder_step};
    t->decoder.joins = part && !json_is_null(part);
    return !t->decoder.joins || json_read_steps(t, &steps, part, "decoder", err);
}
