/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "base/sha256.h"
#include "commands/commands.h"
#include "commands/model_flags.h"
#include "model/bundle/bundle.h"
#include "model/bundle/packed.h"
#include "model/model.h"
#include "model/text/unicode/known_scripts.h"
#include "model/train/columns.h"

#include <stdio.h>
#include <string.h>

#define TEXT_BYTES_MAX ((size_t)1 << 20)

enum format { FORMAT_TEXT, FORMAT_JSON };

struct report {
    const struct model_info *info;
    const struct heads *heads;
    const struct settings *settings;
    char sha256[SHA256_TEXT_BYTES];
    bool is_verified; /* a packed file's own checksum was found right */
};

static void add_text(struct buf *buf, enum format format, const char *key, const char *value)
{
    if (format == FORMAT_TEXT) {
        buf_printf(buf, "%-14s %s\n", key, value);
        return;
    }
    buf_printf(buf, "%s\"%s\": ", buf->bytes ? ", " : "{", key);
    json_write_string(buf, value, strlen(value));
}

/* A value that is written the same way in both formats: a number, true, false or null. */
static void add_literal(struct buf *buf, enum format format, const char *key, const char *value)
{
    if (format == FORMAT_TEXT)
        add_text(buf, format, key, value);
    else
        buf_printf(buf, "%s\"%s\": %s", buf->bytes ? ", " : "{", key, value);
}

static void add_number(struct buf *buf, enum format format, const char *key, uint64_t number)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);
    add_literal(buf, format, key, digits);
}

/* 0: there is none. */
static void add_limit(struct buf *buf, enum format format, const char *key, uint64_t number)
{
    if (number > 0)
        add_number(buf, format, key, number);
    else
        add_literal(buf, format, key, format == FORMAT_TEXT ? "none" : "null");
}

static void add_keys(struct buf *buf, enum format format, const char *name, json_t *keys)
{
    const char *key, *between = "";
    json_t *value;
    if (format == FORMAT_JSON)
        buf_printf(buf, ", \"%s\": [", name);
    else if (json_object_size(keys) > 0)
        buf_printf(buf, "; %s: ", name);
    json_object_foreach(keys, key, value)
    {
        buf_printf(buf, format == FORMAT_JSON ? "%s\"%s\"" : "%s%s", between, key);
        between = ", ";
    }
    if (format == FORMAT_JSON) buf_add_char(buf, ']');
}

/* Whose config.json it is, and what of it counts. */
static void add_config(struct buf *buf, enum format format, const struct settings *settings)
{
    if (!settings->json) {
        add_literal(buf, format, "config", format == FORMAT_TEXT ? "none" : "null");
        return;
    }
    buf_printf(buf, format == FORMAT_TEXT ? "%-14s of %s" : ", \"%s\": {\"of\": \"%s\"", "config",
               settings_owners[settings->owner]);
    if (settings->mark)
        buf_printf(buf, format == FORMAT_TEXT ? " (it has %s)" : ", \"it_has\": \"%s\"",
                   settings->mark);
    add_keys(buf, format, "believed", settings->believed);
    add_keys(buf, format, format == FORMAT_TEXT ? "passed over" : "passed_over",
             settings->passed_over);
    buf_add_char(buf, format == FORMAT_TEXT ? '\n' : '}');
}

/* What the model says that its texts are of. */
static void add_scripts(struct buf *buf, enum format format, const struct known_scripts *known)
{
    const char *between = "";
    if (!known) return;
    buf_printf(buf, format == FORMAT_TEXT ? "%-14s " : ", \"%s\": [", "scripts");
    for (unsigned script = SCRIPT_NONE + 1; script < SCRIPTS; script++) {
        if (!known->is_known[script]) continue;
        buf_printf(buf, format == FORMAT_TEXT ? "%s%s" : "%s\"%s\"", between, script_names[script]);
        between = ", ";
    }
    buf_add_char(buf, format == FORMAT_TEXT ? '\n' : ']');
}

/* Labels that are listed in text. */
#define LABELS_SHOWN 20

static void add_labels(struct buf *buf, const struct head_info *head)
{
    buf_printf(buf, "%-14s ", "  labels");
    for (uint32_t i = 0; i < head->n_labels && i < LABELS_SHOWN; i++)
        buf_printf(buf, "%s%s", i > 0 ? ", " : "",
                   columns_show((struct span){head->labels[i], strlen(head->labels[i])}).text);
    if (head->n_labels > LABELS_SHOWN)
        buf_printf(buf, ", and %u more (--format json)", head->n_labels - LABELS_SHOWN);
    buf_add_char(buf, '\n');
}

static void add_thresholds(struct buf *buf, const struct head_info *head)
{
    const uint32_t n = head->kind == HEAD_BINARY ? 1 : head->n_labels;
    if (!head->thresholds) return;
    buf_printf(buf, "%-14s ", "  thresholds");
    for (uint32_t i = 0; i < n && i < LABELS_SHOWN; i++) {
        if (i > 0) buf_add_str(buf, ", ");
        buf_add_float(buf, head->thresholds[i]);
    }
    buf_add_str(buf, n > LABELS_SHOWN ? ", ...\n" : "\n");
}

static void add_head_text(struct buf *buf, const struct head_info *head)
{
    buf_printf(buf, "%-14s %s: %s, %u labels", "head", head->name, head_kind_names[head->kind],
               head->n_labels);
    if (head->ngrams > 0) buf_printf(buf, ", %u n-grams", head->ngrams);
    if (!head->margins) buf_add_str(buf, ", does not know how unsure it is");
    buf_add_char(buf, '\n');
    add_labels(buf, head);
    add_thresholds(buf, head);
    if (head->training[0]) buf_printf(buf, "%-14s %s\n", "  training", head->training);
    if (head->scores[0]) buf_printf(buf, "%-14s %s\n", "  scores", head->scores);
}

static void add_numbers(struct buf *buf, const char *key, const float *values, uint32_t n)
{
    buf_printf(buf, ", \"%s\": [", key);
    for (uint32_t i = 0; i < n; i++) {
        if (i > 0) buf_add_str(buf, ", ");
        buf_add_float(buf, values[i]);
    }
    buf_add_char(buf, ']');
}

static void add_head_json(struct buf *buf, const struct head_info *head)
{
    buf_add_str(buf, "{\"name\": ");
    json_write_string(buf, head->name, strlen(head->name));
    buf_printf(buf, ", \"kind\": \"%s\", \"labels\": %u, \"ngrams\": %u, \"label_names\": [",
               head_kind_names[head->kind], head->n_labels, head->ngrams);
    for (uint32_t i = 0; i < head->n_labels; i++) {
        if (i > 0) buf_add_str(buf, ", ");
        json_write_string(buf, head->labels[i], strlen(head->labels[i]));
    }
    buf_add_str(buf, "], \"temperature\": ");
    buf_add_float(buf, head->temperature);
    if (head->thresholds)
        add_numbers(buf, "thresholds", head->thresholds,
                    head->kind == HEAD_BINARY ? 1 : head->n_labels);
    buf_printf(buf, ", \"knows_unsure\": %s", head->margins ? "true" : "false");
    if (head->training[0]) {
        buf_add_str(buf, ", \"training\": ");
        buf_add_str(buf, head->training);
    }
    if (head->scores[0]) {
        buf_add_str(buf, ", \"scores\": ");
        buf_add_str(buf, head->scores);
    }
    buf_add_char(buf, '}');
}

static void add_heads(struct buf *buf, enum format format, const struct heads *heads)
{
    if (format == FORMAT_JSON) buf_add_str(buf, ", \"heads\": [");
    for (size_t i = 0; i < heads->n; i++) {
        const struct head_info *head = head_info(heads->items[i]);
        if (format == FORMAT_TEXT) {
            add_head_text(buf, head);
            continue;
        }
        if (i > 0) buf_add_str(buf, ", ");
        add_head_json(buf, head);
    }
    if (format == FORMAT_JSON) buf_add_char(buf, ']');
}

static void add_report(struct buf *buf, enum format format, const struct report *report)
{
    const struct model_info *info = report->info;
    add_text(buf, format, "name", info->name);
    add_text(buf, format, "version", info->version);
    add_text(buf, format, "license", info->license);
    add_text(buf, format, "format", info->format);
    add_number(buf, format, "vocab_size", info->vocab_size);
    if (info->without_row > 0) add_number(buf, format, "without_row", info->without_row);
    add_number(buf, format, "dim", info->dim);
    add_text(buf, format, "dtype", info->dtype);
    add_text(buf, format, "tokenizer", info->tokenizer);
    if (info->unknown_id == TOKEN_ID_NONE)
        add_literal(buf, format, "unknown_id", format == FORMAT_TEXT ? "none" : "null");
    else
        add_number(buf, format, "unknown_id", info->unknown_id);
    add_text(buf, format, "pooling", pooling_names[info->pooling]);
    add_literal(buf, format, "normalize", info->normalize ? "true" : "false");
    add_text(buf, format, "compat", compat_names[info->compat]);
    add_text(buf, format, "unknown", info->limits.keeps_unknown ? "kept" : "left out");
    add_limit(buf, format, "max_length", info->limits.tokens_max);
    add_text(buf, format, "truncation_side", info->limits.cuts_left ? "left" : "right");
    add_limit(buf, format, "max_characters", info->limits.points_max);
    add_scripts(buf, format, info->scripts);
    add_config(buf, format, report->settings);
    add_literal(buf, format, "weights", info->has_weights ? "true" : "false");
    add_number(buf, format, "bytes", info->table_bytes);
    add_text(buf, format, "sha256", report->sha256);
    if (report->is_verified) add_literal(buf, format, "verified", "true");
    add_heads(buf, format, report->heads);
    struct err refused = report->heads->refused;
    commands_name_flags(refused.message);
    if (refused.code != ERR_NONE) add_text(buf, format, "not_served", refused.message);
    if (format == FORMAT_JSON) buf_add_str(buf, "}\n");
}

static bool print_report(enum format format, const struct report *report, struct err *err)
{
    struct arena arena;
    struct buf text;
    arena_init(&arena, TEXT_BYTES_MAX);
    buf_init(&text, &arena);
    add_report(&text, format, report);
    bool ok = text.failed ? err_out_of_memory(err) : true;
    if (ok) fwrite(text.data, 1, text.bytes, stdout);
    arena_clear(&arena);
    return ok && commands_close_stdout(err);
}

/* Of the weights' file, byte for byte what sha256sum says of it. */
static bool check_file(const struct bundle *bundle, bool verifies, struct report *report,
                       struct err *err)
{
    const struct span file = bundle->source.weights;
    sha256_text(report->sha256, file.data, file.bytes);
    report->is_verified = verifies;
    if (!verifies) return true;
    struct tensors tensors;
    if (!bundle->is_packed)
        return err_set(err, ERR_USAGE, NULL,
                       "--verify is for packed models, which hold their checksum, and this one is "
                       "%s; compare its sha256 with one that you trust",
                       bundle->format);
    if (!tensors_open(&tensors, file, bundle->where, err)) return false;
    bool done = packed_verify(&tensors, file);
    tensors_close(&tensors);
    return done;
}

static bool inspect(const char *path, const struct model_options *options, enum format format,
                    bool verifies, struct err *err)
{
    struct model *model;
    struct report report;
    if (!model_open_as(&model, path, options, err)) return false;
    report.info = model_info(model);
    report.heads = model_heads(model);
    report.settings = &model_bundle(model)->settings;
    bool ok = check_file(model_bundle(model), verifies, &report, err) &&
              model_check_finite(model, err) && print_report(format, &report, err);
    model_close(model);
    return ok;
}

int inspect_main(int argc, char **argv)
{
    static const char *const formats[] = {"text", "json", NULL};
    int format = FORMAT_TEXT, verifies = 0, n_files = 0, exit_code = 0;
    struct model_options options = COMMAND_MODEL_OPTIONS;
    const struct flag list[] = {
        {.name = "format",
         .type = FLAG_CHOICE,
         .out.choice = &format,
         .choices = formats,
         .help = "how it is written (text)"},
        {.name = "verify",
         .type = FLAG_SWITCH,
         .out.is_on = &verifies,
         .help = "compare a packed model's bytes with its checksum"},
        MODEL_FLAGS(options),
    };
    const struct flags flags = {
        .usage = "embedd inspect PATH [--format text|json] [--verify]",
        .about = "Opens the model PATH (a folder, a weights file in one, or a built-in model), "
                 "checks all of it,\nNaN and Inf in the whole table included, and says what it "
                 "holds.",
        .list = list,
        .n = sizeof list / sizeof list[0],
        .files_min = 1,
        .files_max = 1,
    };
    struct err err = {0};
    if (!commands_take_flags(&flags, argc, argv, &n_files, &exit_code)) return exit_code;
    return inspect(argv[1], &options, (enum format)format, verifies, &err)
               ? 0
               : commands_fail(argv[0], &err);
}
