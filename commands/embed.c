/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/numtext.h"
#include "commands/commands.h"
#include "commands/corpus_flags.h"
#include "commands/model_flags.h"
#include "model/model.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* The header of an .npy file: a multiple of 64, and room for any number of rows. */
#define NPY_HEADER_BYTES 128

enum format {
    FORMAT_JSON,
    FORMAT_TEXT,
    FORMAT_NPY,
    FORMAT_F32,
    FORMAT_JSONL,
};

static const char *const formats[] = {"json", "text", "npy", "f32", "jsonl", NULL};
static const char *const poolings[] = {"mean", "weighted", "sum", "max", "unit", NULL};
static const char default_into[] = "embedding";

struct embed {
    const char *model_path, *into;
    int format;
    int pooling, normalize; /* -1: the model's own */
    uint64_t dimensions;    /* 0: all */
    struct corpus_flags corpus;

    struct model_options model_options;
    struct model *model;
    struct pool_options options;
    struct feed feed;
    char npy_header[NPY_HEADER_BYTES];
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
static struct span npy_header(void *user, uint64_t rows)
{
    struct embed *embed = user;
    char *header = embed->npy_header;
    memset(header, ' ', NPY_HEADER_BYTES);
    memcpy(header, "\x93NUMPY\x01\x00\x76\x00", 10); /* 0x76 = 118 bytes follow */
    int bytes = snprintf(header + 10, NPY_HEADER_BYTES - 10,
                         "{'descr': '<f4', 'fortran_order': False, 'shape': (%" PRIu64 ", %u), }",
                         rows, embed->options.dims);
    header[10 + bytes] = ' ';
    header[NPY_HEADER_BYTES - 1] = '\n';
    return (struct span){header, NPY_HEADER_BYTES};
}

static bool writes_floats(const struct embed *embed)
{
    return embed->format == FORMAT_NPY || embed->format == FORMAT_F32;
}

static void write_numbers(const float *vector, size_t dims, char separator, struct buf *out)
{
    char *text = buf_reserve(out, numtext_floats_bytes(dims));
    if (!text) return;
    const size_t bytes = numtext_floats(text, vector, dims);
    for (size_t i = 0; separator != ',' && i < bytes; i++)
        text[i] = text[i] == ',' ? separator : text[i];
    out->bytes += bytes;
}

static void write_vector(const struct embed *embed, const float *vector, struct buf *out)
{
    const size_t dims = embed->options.dims;
    if (writes_floats(embed)) {
        buf_add(out, vector, dims * sizeof *vector);
        return;
    }
    const bool is_text = embed->format == FORMAT_TEXT;
    if (!is_text) buf_add_char(out, '[');
    write_numbers(vector, dims, is_text ? ' ' : ',', out);
    if (!is_text) buf_add_char(out, ']');
    if (embed->format == FORMAT_JSONL) buf_add_char(out, '}');
    buf_add_char(out, '\n');
}

static bool fail_vector(struct err *err)
{
    if (err->code != ERR_INTERNAL) return false;
    return err_set(err, ERR_FORMAT, NULL,
                   "its vector is not finite, since a row of the model's table is not or its sum "
                   "overflows; embedd inspect names such a row");
}

static size_t embed_piece(void *user, struct corpus_block *block, struct piece *piece,
                          struct err *err)
{
    const struct embed *embed = user;
    const size_t dims = embed->options.dims;
    float *vectors = arena_array(piece->arena, piece->n * dims, sizeof *vectors);
    if (!vectors) {
        err_out_of_memory(err);
        return 0;
    }
    const size_t done = model_vectors(embed->model, piece->arena, piece->passages, piece->n,
                                      &embed->options, vectors, err);
    for (size_t i = 0; i < done; i++) {
        const struct corpus_row *row = corpus_begin(block, piece, i);
        if (embed->format == FORMAT_JSONL)
            feed_open_object(row->file, corpus_record(block, row), piece->arena, &block->out);
        write_vector(embed, vectors + i * dims, &block->out);
        corpus_end(block, false);
    }
    if (done < piece->n) fail_vector(err);
    return done;
}

/* Numbers that are none, or JSON's null: it keeps its place. A broken row has no columns. */
static bool embed_null(void *user, struct corpus_block *block, const struct corpus_row *row,
                       struct arena *scratch)
{
    const struct embed *embed = user;
    struct buf *out = &block->out;
    const float nan = NAN;
    switch ((enum format)embed->format) {
    case FORMAT_JSON:
        buf_add_str(out, "null\n");
        break;
    case FORMAT_JSONL:
        if (row->is_broken)
            feed_open_empty(row->file, out);
        else
            feed_open_object(row->file, corpus_record(block, row), scratch, out);
        buf_add_str(out, "null}\n");
        break;
    case FORMAT_TEXT:
        for (uint32_t i = 0; i < embed->options.dims; i++)
            buf_add_str(out, i + 1 < embed->options.dims ? "NaN " : "NaN\n");
        break;
    case FORMAT_NPY:
    case FORMAT_F32:
        for (uint32_t i = 0; i < embed->options.dims; i++)
            buf_add(out, &nan, sizeof nan);
        break;
    }
    return true;
}

static bool set_into(struct embed *embed, struct err *err)
{
    if (embed->into && embed->format != FORMAT_JSONL)
        return err_set(err, ERR_USAGE, NULL, "--into works only with --format jsonl");
    if (embed->format == FORMAT_JSONL)
        embed->corpus.feed.into = embed->into ? embed->into : default_into;
    return true;
}

static bool embed_run(struct embed *embed, char **files, int n_files, struct err *err)
{
    char settings[200];
    if (!set_into(embed, err) ||
        !model_open_as(&embed->model, embed->model_path, &embed->model_options, err) ||
        !set_options(embed, err))
        return false;
    snprintf(settings, sizeof settings, "embed %s %s %u %s into=%.80s", formats[embed->format],
             poolings[embed->options.pooling], embed->options.dims,
             embed->options.normalize ? "normalized" : "raw",
             embed->corpus.feed.into ? embed->corpus.feed.into : "");
    const struct corpus_options corpus = {
        .command = "embed",
        .model = embed->model,
        .takes_null = embed->format == FORMAT_JSON || embed->format == FORMAT_JSONL,
        .row_floats = embed->options.dims,
        .answer = embed_piece,
        .answer_null = embed_null,
        .user = embed,
    };
    struct sink_options sink = {.user = embed};
    if (embed->format == FORMAT_NPY) {
        sink.head = npy_header;
        sink.needs_file = "--format npy needs a file, since the number of vectors stands at its "
                          "start; use --output FILE, or --format f32";
    }
    return corpus_run_flags(&embed->corpus, &embed->feed, &corpus, &sink, settings, files, n_files,
                            err);
}

int embed_main(int argc, char **argv)
{
    struct embed embed = {.model_path = "builtin",
                          .pooling = -1,
                          .normalize = -1,
                          .corpus = CORPUS_FLAGS_NONE,
                          .model_options = COMMAND_MODEL_OPTIONS};
    const struct flag list[] = {
        MODEL_PATH_FLAG(embed.model_path),
        {"format", FLAG_CHOICE, .out.choice = &embed.format, .choices = formats,
         .help = "one array per line (default), numbers separated by spaces, NumPy, raw float32, "
                 "or objects with the columns of the input"},
        {"into", FLAG_STRING, .out.string = &embed.into, .value = "KEY",
         .help = "the vector's key under --format jsonl (default: embedding)"},
        {"dimensions", FLAG_NUMBER, .out.number = &embed.dimensions, .value = "N", .min = 1,
         .max = UINT32_MAX, .help = "the first N columns (default: all)"},
        {"pooling", FLAG_CHOICE, .out.choice = &embed.pooling, .choices = poolings,
         .help = "default: the model's"},
        {"normalize", FLAG_SWITCH, .out.is_on = &embed.normalize,
         .help = "divide by the L2 norm (default: the model's)"},
        CORPUS_FLAGS(embed.corpus),
        MODEL_FLAGS(embed.model_options),
    };
    const struct flags flags = {
        .usage = "embedd embed [OPTION]... [FILE|-]...",
        .about = "Writes a vector for each line of the files (or of standard input), or for the "
                 "text in\n"
                 "each row of JSON lines, CSV or TSV; files may be packed by gzip or zstd. An "
                 "empty text\n"
                 "gives a zero vector, so that row N of the output belongs to row N of the input.",
        .list = list,
        .n = sizeof(list) / sizeof(list[0]),
        .files_max = argc,
    };
    struct err err;
    int n_files, exit_code;
    if (!commands_take_flags(&flags, argc, argv, &n_files, &exit_code)) return exit_code;
    const bool is_ok = embed_run(&embed, argv + 1, n_files, &err);
    model_close(embed.model);
    return is_ok ? 0 : commands_fail(argv[0], &err);
}
