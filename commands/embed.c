/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/numtext.h"
#include "commands/commands.h"
#include "commands/model_flags.h"
#include "commands/output.h"
#include "commands/texts.h"
#include "commands/unknown.h"
#include "model/model.h"

#include <string.h>

/* All memory of one line: a line of LINES_BYTES_MAX in which every byte is a token fits. */
#define LINE_ARENA_BYTES (64 * LINES_BYTES_MAX)

/* The header of an .npy file: a multiple of 64, and room for any number of rows. */
#define NPY_HEADER_BYTES 128

enum format {
    FORMAT_JSON,
    FORMAT_TEXT,
    FORMAT_NPY,
    FORMAT_F32,
};

static const char *const formats[] = {"json", "text", "npy", "f32", NULL};
static const char *const poolings[] = {"mean", "weighted", "sum", "max", "unit", NULL};

struct embed {
    const char *model_path, *output_path;
    int format;
    int pooling, normalize; /* -1: the model's own */
    uint64_t dimensions;    /* 0: all */

    struct model_options model_options;
    struct model *model;
    struct pool_options options;
    struct arena arena; /* reset at each line */
    struct texts texts;
    struct output output;
    struct unknown_count unknown;
};

static bool set_options(struct embed *embed, struct err *err)
{
    const struct model_info *info = model_info(embed->model);
    if (embed->dimensions > info->dim) {
        return err_set(err, ERR_USAGE, NULL,
                       "--dimensions must be a whole number from 1 to %u, the model's, not '%llu'",
                       info->dim, (unsigned long long)embed->dimensions);
    }
    if (embed->pooling == POOLING_WEIGHTED && !info->has_weights) {
        return err_set(err, ERR_USAGE, NULL,
                       "--pooling must be mean, sum, max or unit, not 'weighted': the model has no "
                       "token weights");
    }
    embed->options.pooling = embed->pooling < 0 ? info->pooling : (enum pooling)embed->pooling;
    embed->options.normalize = embed->normalize < 0 ? info->normalize : embed->normalize != 0;
    embed->options.dims = embed->dimensions ? (uint32_t)embed->dimensions : info->dim;
    return true;
}

/* Format: NEP 1, version 1.0. The length is fixed, so that it can be written again at the end. */
static bool write_npy_header(struct embed *embed, bool is_patch, struct err *err)
{
    char header[NPY_HEADER_BYTES];
    memset(header, ' ', sizeof(header));
    memcpy(header, "\x93NUMPY\x01\x00\x76\x00", 10); /* 0x76 = 118 bytes follow */
    int bytes = snprintf(header + 10, sizeof(header) - 10,
                         "{'descr': '<f4', 'fortran_order': False, 'shape': (%llu, %u), }",
                         (unsigned long long)embed->texts.total, embed->options.dims);
    header[10 + bytes] = ' ';
    header[NPY_HEADER_BYTES - 1] = '\n';
    if (is_patch) return output_patch(&embed->output, header, NPY_HEADER_BYTES, err);
    return output_write(&embed->output, header, NPY_HEADER_BYTES, err);
}

static bool write_vector(struct embed *embed, const float *vector, struct err *err)
{
    size_t dims = embed->options.dims;
    if (embed->format == FORMAT_NPY || embed->format == FORMAT_F32)
        return output_write(&embed->output, vector, dims * sizeof(*vector), err);

    char *text = arena_alloc(&embed->arena, numtext_floats_bytes(dims) + 3);
    if (!text) return err_out_of_memory(err);
    size_t bytes = 0;
    if (embed->format == FORMAT_JSON) text[bytes++] = '[';
    bytes += numtext_floats(text + bytes, vector, dims);
    if (embed->format == FORMAT_JSON) {
        text[bytes++] = ']';
    } else {
        for (size_t i = 0; i < bytes; i++)
            text[i] = text[i] == ',' ? ' ' : text[i];
    }
    text[bytes++] = '\n';
    return output_write(&embed->output, text, bytes, err);
}

static bool embed_line(void *user, struct err *err)
{
    struct embed *embed = user;
    const struct lines *line = &embed->texts.line;
    const char *text = line->text;
    size_t bytes = line->bytes;
    struct tokens tokens;
    arena_reset(&embed->arena);
    if (!model_prompted(embed->model, &embed->arena, &text, &bytes, err) ||
        !model_tokenize(embed->model, &embed->arena, text, bytes, TOKENIZE_LIMITS, &tokens, err))
        return false;
    unknown_add(&embed->unknown, embed->model, line->text, line->bytes, &tokens);
    float *vector = arena_array(&embed->arena, embed->options.dims, sizeof(*vector));
    if (!vector) return err_out_of_memory(err);
    const struct passage passage = {tokens.ids, tokens.n, text, bytes};
    if (!model_vector(embed->model, &embed->arena, &passage, &embed->options, vector, err)) {
        return err->code != ERR_INTERNAL
                   ? false
                   : err_set(err, ERR_FORMAT, NULL,
                             "%s, line %llu: its vector is not finite, since a row of the model's "
                             "table "
                             "is not or its sum overflows; embedd inspect names such a row",
                             line->file, (unsigned long long)line->number);
    }
    return write_vector(embed, vector, err);
}

static bool embed_run(struct embed *embed, char **files, int n_files, struct err *err)
{
    bool is_ok = false;
    arena_init(&embed->arena, LINE_ARENA_BYTES);
    texts_init(&embed->texts, files, n_files);
    memset(&embed->output, 0, sizeof(embed->output));
    if (!model_open_as(&embed->model, embed->model_path, &embed->model_options, err)) goto out;
    if (!set_options(embed, err)) goto out;
    if (!output_open(&embed->output, embed->output_path, err)) goto out;
    if (embed->format == FORMAT_NPY) {
        if (!output_can_patch(&embed->output)) {
            err_set(err, ERR_USAGE, NULL,
                    "--format npy needs a file, since the number of vectors stands at its start; "
                    "use --output FILE, or --format f32");
            goto out;
        }
        if (!write_npy_header(embed, false, err)) goto out;
    }
    if (!texts_each(&embed->texts, embed_line, embed, n_files > 0, err)) goto out;
    if (embed->format == FORMAT_NPY && !write_npy_header(embed, true, err)) goto out;
    is_ok = output_close(&embed->output, err);
    if (is_ok) unknown_tell(&embed->unknown, "embed");
out:
    output_abort(&embed->output);
    texts_close(&embed->texts);
    model_close(embed->model);
    arena_clear(&embed->arena);
    return is_ok;
}

int embed_main(int argc, char **argv)
{
    struct embed embed = {.model_path = "builtin",
                          .pooling = -1,
                          .normalize = -1,
                          .model_options = COMMAND_MODEL_OPTIONS};
    const struct flag list[] = {
        MODEL_PATH_FLAG(embed.model_path),
        {"format", FLAG_CHOICE, .out.choice = &embed.format, .choices = formats,
         .help = "one array per line (default), numbers separated by spaces, NumPy, raw float32"},
        {"output", FLAG_STRING, .out.string = &embed.output_path, .value = "FILE",
         .help = "written here when all is done (default: standard output)"},
        {"dimensions", FLAG_NUMBER, .out.number = &embed.dimensions, .value = "N", .min = 1,
         .max = UINT32_MAX, .help = "the first N columns (default: all)"},
        {"pooling", FLAG_CHOICE, .out.choice = &embed.pooling, .choices = poolings,
         .help = "default: the model's"},
        {"normalize", FLAG_SWITCH, .out.is_on = &embed.normalize,
         .help = "divide by the L2 norm (default: the model's)"},
        MODEL_FLAGS(embed.model_options),
    };
    const struct flags flags = {
        .usage = "embedd embed [OPTION]... [FILE|-]...",
        .about =
            "Writes a vector for each line of the files (or of standard input). An empty line\n"
            "gives a zero vector, so that line N of the output belongs to line N of the input.",
        .list = list,
        .n = sizeof(list) / sizeof(list[0]),
        .files_max = argc,
    };
    struct err err;
    int n_files, exit_code;
    if (!commands_take_flags(&flags, argc, argv, &n_files, &exit_code)) return exit_code;
    return embed_run(&embed, argv + 1, n_files, &err) ? 0 : commands_fail(argv[0], &err);
}
