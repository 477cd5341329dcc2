/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file settings.h
 * What the config.json of a model folder says. Keys that are not ours are passed over: the files of
 * real checkpoints hold dozens. The other keys tell which library wrote the file: in a file of
 * another library our keys count only where they mean the same there. A key that counts with a
 * wrong value is an error. One thread opens them; after that they are immutable.
 */
#pragma once

#include "base/err.h"
#include "model/bundle/compat.h"
#include "model/bundle/options.h"
#include "model/bundle/source.h"
#include "model/encoder/pooling.h"
#include "model/text/tokens.h"

#include <stdbool.h>
#include <stdint.h>

enum settings_owner {
    SETTINGS_OWN, /* nothing says otherwise, or `compat` does, which is ours alone */
    SETTINGS_MODEL2VEC,
    SETTINGS_TRANSFORMERS,
    SETTINGS_OTHER,
};

#define SETTINGS_OWNERS 4

/** Names by enum settings_owner. */
extern const char *const settings_owners[SETTINGS_OWNERS];

struct json_t;
struct known_scripts;

struct settings {
    struct json_t *json;        /* owner of the strings; NULL without a config.json, as the next */
    struct json_t *believed;    /* what of it counts: keys of ours and their values */
    struct json_t *passed_over; /* what does not, because the file is another's */
    struct json_t *naming;      /* owner of name and version, where settings_rename took them */
    enum settings_owner owner;
    const char *mark;       /* the key that tells the owner; NULL: it is ours */
    const char *name;       /* NULL: not said; printable otherwise */
    const char *version;    /* "" */
    const char *license;    /* "" */
    const char *tokenizer;  /* NULL: told by the files; "wordpiece", "dictionary" */
    enum pooling pooling;   /* mean */
    bool normalize;         /* false for a dictionary model, otherwise true */
    bool is_normalize_said; /* false: `normalize` still waits for settings_complete */
    bool lowercase;         /* of a vocab.txt, where is_lowercase_said */
    bool is_lowercase_said;
    const char *tensor;     /* the one that is the table; NULL: found by its name */
    int compat;             /* enum compat, or -1: told by the files */
    bool is_told_elsewhere; /* compat or tensor, by options or files, otherwise than by config.json
                             */
    bool is_max_length_said, is_pooling_said, is_keep_unknown_said, is_side_said,
        is_max_characters_said;
    struct limits limits; /* of COMPAT_OWN as said; else filled in once the tokenizer is there */
    uint64_t vocab_size;  /* 0: not said */
    struct prompts prompts;
    struct known_scripts *scripts; /* that its texts are of; NULL: not said */
};

/**
 * settings_open reads a config.json; data NULL: there is none, and all is as by default.
 * @param where its name, for messages
 * @return false with ERR_FORMAT naming file and key; `settings` is then empty
 */
bool settings_open(struct settings *settings, struct span config, const char *where,
                   struct err *err);

struct tokenizer;

/** settings_decide: how the table is named and which library's results to reproduce: as `options`
 * say, else as config.json says, else as the files look. `options` must outlive the settings. */
void settings_decide(struct settings *settings, const struct layout *layout,
                     const struct model_options *options);

/** settings_default_pooling: how rows are pooled where config.json does not say. */
void settings_default_pooling(struct settings *settings, enum pooling pooling);

/** settings_default_normalize: the same of L2. */
void settings_default_normalize(struct settings *settings, bool normalize);

/** settings_complete fills in what depends on these and on the tokenizer. */
void settings_complete(struct settings *settings, const struct tokenizer *tokenizer,
                       const struct layout *layout);

/** settings_as_json: the keys that give these settings again; owned by the caller (json_decref). */
struct json_t *settings_as_json(const struct settings *settings);

/** settings_leave_out_passed_over deletes from a copy of the file the keys that do not count in it,
 * before the copy becomes a file of ours. */
void settings_leave_out_passed_over(const struct settings *settings, struct json_t *config);

/** settings_set_name: what a config.json calls the model, cut to what settings_open takes. */
void settings_set_name(struct json_t *config, const char *name);

/**
 * settings_rename takes name and version of a config.json beside a packed file, which is a model
 * that others stand on as it is: what was trained on it has a name of its own. Nothing else in it
 * counts.
 * @param config data NULL: there is none
 * @return false with err set as settings_open
 */
bool settings_rename(struct settings *settings, struct span config, const char *where,
                     struct err *err);

/** Of a name or a version, in bytes. */
#define SETTINGS_TEXT_MAX 200

/** settings_is_text: fit for a name or a version: 1 to 200 bytes of UTF-8 without control
 * characters. */
bool settings_is_text(const char *text);

/** settings_close frees the strings; empty settings are fine. */
void settings_close(struct settings *settings);
