/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "commands/commands.h"
#include "commands/flags.h"
#include "model/model.h"
#include "model/source.h"

#include <nettle/sha2.h>
#include <stdio.h>
#include <string.h>

#define TEXT_BYTES_MAX ((size_t)1 << 20)

enum format { FORMAT_TEXT, FORMAT_JSON };

struct report {
    const struct model_info *info;
    const struct heads *heads;
    char sha256[2 * SHA256_DIGEST_SIZE + 1];
};

/* Of the weights' file, byte for byte what sha256sum says of it. */
static bool hash_weights(const char *path, char out[static 2 * SHA256_DIGEST_SIZE + 1],
                         struct err *err)
{
    struct source source;
    struct sha256_ctx context;
    uint8_t digest[SHA256_DIGEST_SIZE];
    if (!source_open(&source, path, err)) return false;
    sha256_init(&context);
    sha256_update(&context, source.weights.bytes, (const uint8_t *)source.weights.data);
    sha256_digest(&context, sizeof digest, digest);
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
    source_close(&source);
    return true;
}

static void add_text(struct buf *buf, enum format format, const char *key, const char *value)
{
    if (format == FORMAT_TEXT) {
        buf_printf(buf, "%-11s %s\n", key, value);
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

static void add_heads(struct buf *buf, enum format format, const struct heads *heads)
{
    if (format == FORMAT_JSON) buf_add_str(buf, ", \"heads\": [");
    for (size_t i = 0; i < heads->n; i++) {
        const struct head_info *head = head_info(heads->items[i]);
        const char *kind = head_kind_names[head->kind];
        if (format == FORMAT_TEXT) {
            buf_printf(buf, "%-11s %s: %s, %u labels", "head", head->name, kind, head->n_labels);
            if (head->ngrams > 0) buf_printf(buf, ", %u n-grams", head->ngrams);
            buf_add_char(buf, '\n');
            continue;
        }
        buf_add_str(buf, i > 0 ? ", {\"name\": " : "{\"name\": ");
        json_write_string(buf, head->name, strlen(head->name));
        buf_printf(buf, ", \"kind\": \"%s\", \"labels\": %u, \"ngrams\": %u}", kind, head->n_labels,
                   head->ngrams);
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
    add_number(buf, format, "dim", info->dim);
    add_text(buf, format, "dtype", info->dtype);
    add_text(buf, format, "tokenizer", info->tokenizer);
    if (info->unknown_id == MODEL_NO_ID)
        add_literal(buf, format, "unknown_id", format == FORMAT_TEXT ? "none" : "null");
    else
        add_number(buf, format, "unknown_id", info->unknown_id);
    add_text(buf, format, "pooling", pooling_names[info->pooling]);
    add_literal(buf, format, "normalize", info->normalize ? "true" : "false");
    add_literal(buf, format, "weights", info->has_weights ? "true" : "false");
    add_number(buf, format, "bytes", info->table_bytes);
    add_text(buf, format, "sha256", report->sha256);
    add_heads(buf, format, report->heads);
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

static bool inspect(const char *path, enum format format, struct err *err)
{
    struct model *model;
    struct report report;
    if (!model_open(&model, path, err)) return false;
    report.info = model_info(model);
    report.heads = model_heads(model);
    bool ok = model_check_finite(model, err) && hash_weights(path, report.sha256, err) &&
              print_report(format, &report, err);
    model_close(model);
    return ok;
}

int inspect_main(int argc, char **argv)
{
    static const char *const formats[] = {"text", "json", NULL};
    int format = FORMAT_TEXT, n_files = 0, exit_code = 0;
    const struct flag list[] = {
        {.name = "format",
         .type = FLAG_CHOICE,
         .out.choice = &format,
         .choices = formats,
         .help = "how it is written (text)"},
    };
    const struct flags flags = {
        .usage = "embedd inspect PATH [--format text|json]",
        .about = "Opens the model PATH (a folder, a weights file in one, or a built-in model), "
                 "checks all of it,\nNaN and Inf in the whole table included, and says what it "
                 "holds.",
        .list = list,
        .n = sizeof list / sizeof list[0],
        .files_min = 1,
        .files_max = 1,
    };
    struct err err = {0};
    if (!flags_take(&flags, argc, argv, &n_files, &exit_code)) return exit_code;
    return inspect(argv[1], (enum format)format, &err) ? 0 : commands_fail(argv[0], &err);
}
