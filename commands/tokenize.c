/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/utf8.h"
#include "commands/commands.h"
#include "commands/model_flags.h"
#include "commands/output.h"
#include "commands/texts.h"
#include "commands/unknown.h"
#include "model/model.h"

/* All memory of one line: its tokens, and what is written of them. */
#define LINE_ARENA_BYTES (256 * LINES_BYTES_MAX)

struct tokenize {
    const char *model_path;
    int with_special;

    struct model_options model_options;
    struct model *model;
    struct arena arena; /* reset at each line */
    struct texts texts;
    struct output output;
    struct unknown_count unknown;
};

/* A token outside the vocabulary has no text of its own: what stands in the line is shown. Spans
   ascend, so `*at` (code point *point of the line) only moves forward. */
static void add_unknown(struct buf *out, const struct lines *line, struct token_span span,
                        const char **at, uint32_t *point)
{
    const char *end = line->text + line->bytes;
    for (; *point < span.start && *at < end; (*point)++)
        utf8_next(at);
    const char *from = *at;
    for (; *point < span.end && *at < end; (*point)++)
        utf8_next(at);
    json_write_string(out, from, (size_t)(*at - from));
}

static void write_tokens(const struct tokenize *tokenize, const struct tokens *tokens,
                         struct buf *out)
{
    const char *at = tokenize->texts.line.text;
    uint32_t point = 0;
    buf_add_str(out, "{\"tokens\":[");
    for (uint32_t i = 0; i < tokens->n; i++) {
        if (i > 0) buf_add_char(out, ',');
        if (tokens->ids[i] == TOKEN_ID_NONE) {
            add_unknown(out, &tokenize->texts.line, tokens->spans[i], &at, &point);
            continue;
        }
        size_t bytes;
        const char *text = model_token_text(tokenize->model, tokens->ids[i], &bytes);
        json_write_string(out, text, bytes);
    }
    buf_add_str(out, "],\"ids\":[");
    for (uint32_t i = 0; i < tokens->n; i++) {
        if (i > 0) buf_add_char(out, ',');
        if (tokens->ids[i] == TOKEN_ID_NONE) {
            buf_add_str(out, "null");
        } else {
            buf_add_u64(out, tokens->ids[i]);
        }
    }
    buf_add_str(out, "],\"offsets\":[");
    for (uint32_t i = 0; i < tokens->n; i++) {
        buf_add_str(out, i > 0 ? ",[" : "[");
        buf_add_u64(out, tokens->spans[i].start);
        buf_add_char(out, ',');
        buf_add_u64(out, tokens->spans[i].end);
        buf_add_char(out, ']');
    }
    buf_add_str(out, "]}\n");
}

static bool tokenize_line(void *user, struct err *err)
{
    struct tokenize *tokenize = user;
    unsigned flags =
        TOKENIZE_SPANS | TOKENIZE_ALL_IDS | (tokenize->with_special ? TOKENIZE_SPECIAL_TOKENS : 0);
    struct tokens tokens;
    struct buf out;
    arena_reset(&tokenize->arena);
    if (!model_tokenize(tokenize->model, &tokenize->arena, tokenize->texts.line.text,
                        tokenize->texts.line.bytes, flags, &tokens, err)) {
        return false;
    }
    unknown_add(&tokenize->unknown, tokenize->model, tokenize->texts.line.text,
                tokenize->texts.line.bytes, &tokens);
    buf_init(&out, &tokenize->arena);
    write_tokens(tokenize, &tokens, &out);
    if (out.failed) return err_out_of_memory(err);
    return output_write(&tokenize->output, out.data, out.bytes, err);
}

static bool tokenize_run(struct tokenize *tokenize, char **files, int n_files, struct err *err)
{
    bool is_ok = false;
    arena_init(&tokenize->arena, LINE_ARENA_BYTES);
    texts_init(&tokenize->texts, files, n_files);
    if (!model_open_as(&tokenize->model, tokenize->model_path, &tokenize->model_options, err))
        goto out;
    if (!output_open(&tokenize->output, NULL, err)) goto out;
    is_ok = texts_each(&tokenize->texts, tokenize_line, tokenize, false, err) &&
            output_close(&tokenize->output, err);
    if (is_ok) unknown_tell(&tokenize->unknown, "tokenize");
out:
    texts_close(&tokenize->texts);
    model_close(tokenize->model);
    arena_clear(&tokenize->arena);
    return is_ok;
}

int tokenize_main(int argc, char **argv)
{
    struct tokenize tokenize = {.model_path = "builtin", .model_options = COMMAND_MODEL_OPTIONS};
    const struct flag list[] = {
        MODEL_PATH_FLAG(tokenize.model_path),
        MODEL_FLAGS(tokenize.model_options),
        {"special", FLAG_SWITCH, .out.is_on = &tokenize.with_special,
         .help = "also the special tokens, such as [CLS] and [SEP] (default: no)"},
    };
    const struct flags flags = {
        .usage = "embedd tokenize [OPTION]... [FILE|-]...",
        .about = "Writes a JSON object for each line of the files (or of standard input): tokens,\n"
                 "ids (null for a token that has none), and offsets in code points of the line.",
        .list = list,
        .n = sizeof(list) / sizeof(list[0]),
        .files_max = argc,
    };
    struct err err;
    int n_files, exit_code;
    if (!commands_take_flags(&flags, argc, argv, &n_files, &exit_code)) return exit_code;
    return tokenize_run(&tokenize, argv + 1, n_files, &err) ? 0 : commands_fail(argv[0], &err);
}
