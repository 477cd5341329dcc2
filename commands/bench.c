/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "base/clock.h"
#include "base/numtext.h"
#include "commands/commands.h"
#include "commands/model_flags.h"
#include "commands/texts.h"
#include "model/math/kernels.h"
#include "model/model.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Texts, ids and vectors of the whole run, and the scratch of one text. */
#define TEXTS_ARENA_BYTES ((size_t)8 << 30)
#define SCRATCH_ARENA_BYTES (64 * LINES_BYTES_MAX)
#define ROUNDS_MAX 1000

enum part {
    PART_TOKENIZE,
    PART_GATHER, /* rows looked up, as floats */
    PART_POOL,   /* rows gathered, pooled, normalized */
    PART_WRITE,  /* as JSON text */
    PART_BASE64, /* instead of it */
    PART_ALL,    /* tokenize, pool and write as JSON text, a text after the other */
    PART_COUNT,
};

static const char *const part_names[PART_COUNT] = {"tokenize", "gather", "pool",
                                                   "write",    "base64", "all"};
static const char *const formats[] = {"text", "json", NULL};

struct sample {
    const char *text;
    size_t bytes;
    struct tokens tokens;
    float *vector; /* (dim) */
};

struct bench {
    const char *model_path;
    int format;
    uint64_t texts_max, rounds;

    struct model_options model_options;
    struct model *model;
    struct pool_options options;
    struct arena texts, scratch;
    struct sample *samples; /* (n) */
    size_t n;
    uint64_t n_tokens;
    char *reply; /* room for one vector as text */
    float *row;  /* (dim) */

    double us_per_text[PART_COUNT];
    double ns_per_token[PART_COUNT];
};

/* Reads a text and works it out once, so that each part can be timed alone afterwards. */
static bool add_sample(struct bench *bench, const struct lines *line, struct err *err)
{
    struct sample *sample = &bench->samples[bench->n];
    char *text = arena_alloc(&bench->texts, line->bytes);
    sample->vector = arena_array(&bench->texts, bench->options.dims, sizeof(float));
    if (!text || !sample->vector) return err_out_of_memory(err);
    memcpy(text, line->text, line->bytes);
    sample->text = text;
    sample->bytes = line->bytes;
    if (!model_prompted(bench->model, &bench->texts, &sample->text, &sample->bytes, err) ||
        !model_tokenize(bench->model, &bench->texts, sample->text, sample->bytes, TOKENIZE_LIMITS,
                        &sample->tokens, err))
        return false;
    if (!model_pool(bench->model, sample->tokens.ids, sample->tokens.n, &bench->options,
                    sample->vector)) {
        return err_set(err, ERR_FORMAT, NULL, "%s, line %llu: its vector is not finite", line->file,
                       (unsigned long long)line->number);
    }
    bench->n_tokens += sample->tokens.n;
    bench->n++;
    return true;
}

static bool read_samples(struct bench *bench, char **files, int n_files, struct err *err)
{
    struct texts texts;
    int step = 1;
    texts_init(&texts, files, n_files);
    while (bench->n < bench->texts_max && (step = texts_next(&texts, err)) > 0) {
        if (texts.line.bytes > 0 && !add_sample(bench, &texts.line, err)) {
            step = -1;
            break;
        }
    }
    if (step >= 0 && bench->n_tokens == 0) {
        err_set(err, ERR_FORMAT, NULL, "%s holds no text to time; one text per line is expected",
                texts.line.file);
        step = -1;
    }
    texts_close(&texts);
    return step >= 0;
}

/* Tokens of one text, made anew. The same call has worked in add_sample. */
static struct tokens tokenize(struct bench *bench, const struct sample *sample)
{
    struct tokens tokens = {0};
    arena_reset(&bench->scratch);
    bool is_ok = model_tokenize(bench->model, &bench->scratch, sample->text, sample->bytes,
                                TOKENIZE_LIMITS, &tokens, NULL);
    assert(is_ok);
    (void)is_ok;
    return tokens;
}

static void gather(struct bench *bench, const struct tokens *tokens)
{
    for (uint32_t i = 0; i < tokens->n; i++) {
        if (tokens->ids[i] != TOKEN_ID_NONE)
            model_row(bench->model, tokens->ids[i], bench->options.dims, bench->row);
    }
}

/* One part of the work on one text. */
static void run_part(struct bench *bench, enum part part, struct sample *sample)
{
    uint32_t dims = bench->options.dims;
    struct tokens tokens = sample->tokens;
    switch (part) {
    case PART_TOKENIZE:
        tokenize(bench, sample);
        break;
    case PART_ALL:
        tokens = tokenize(bench, sample);
        model_pool(bench->model, tokens.ids, tokens.n, &bench->options, sample->vector);
        numtext_floats(bench->reply, sample->vector, dims);
        break;
    case PART_GATHER:
        gather(bench, &tokens);
        break;
    case PART_POOL:
        model_pool(bench->model, tokens.ids, tokens.n, &bench->options, sample->vector);
        break;
    case PART_WRITE:
        numtext_floats(bench->reply, sample->vector, dims);
        break;
    case PART_BASE64:
        numtext_base64(bench->reply, sample->vector, dims * sizeof(float));
        break;
    case PART_COUNT:
        break;
    }
}

static int compare_times(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The parts take turns, so that a slow moment of the machine hits all of them alike. */
static void time_parts(struct bench *bench)
{
    static uint64_t ns[PART_COUNT][ROUNDS_MAX];
    for (size_t round = 0; round < bench->rounds; round++) {
        for (enum part part = 0; part < PART_COUNT; part++) {
            uint64_t start_ns = clock_now_ns();
            for (size_t i = 0; i < bench->n; i++)
                run_part(bench, part, &bench->samples[i]);
            ns[part][round] = clock_now_ns() - start_ns;
        }
    }
    for (enum part part = 0; part < PART_COUNT; part++) {
        qsort(ns[part], bench->rounds, sizeof(ns[part][0]), compare_times);
        double median_ns = (double)ns[part][bench->rounds / 2];
        bench->us_per_text[part] = median_ns / 1000 / (double)bench->n;
        bench->ns_per_token[part] = median_ns / (double)bench->n_tokens;
    }
}

static void print_table(const struct bench *bench)
{
    printf("%zu texts, %llu tokens (%.1f a text), %u dimensions, %s kernels, one thread\n",
           bench->n, (unsigned long long)bench->n_tokens,
           (double)bench->n_tokens / (double)bench->n, bench->options.dims, kernels_get()->name);
    printf("median of %llu rounds %11s %12s\n", (unsigned long long)bench->rounds, "µs/text",
           "ns/token");
    for (enum part part = 0; part < PART_COUNT; part++) {
        printf("  %-20s %11.3f %11.1f\n", part_names[part], bench->us_per_text[part],
               bench->ns_per_token[part]);
    }
}

static void print_object(const char *name, const double *values)
{
    printf(",\"%s\":{", name);
    for (enum part part = 0; part < PART_COUNT; part++)
        printf("%s\"%s\":%.4f", part > 0 ? "," : "", part_names[part], values[part]);
    printf("}");
}

static void print_json(const struct bench *bench)
{
    printf("{\"texts\":%zu,\"tokens\":%llu,\"dimensions\":%u,\"kernels\":\"%s\",\"rounds\":%llu",
           bench->n, (unsigned long long)bench->n_tokens, bench->options.dims, kernels_get()->name,
           (unsigned long long)bench->rounds);
    print_object("us_per_text", bench->us_per_text);
    print_object("ns_per_token", bench->ns_per_token);
    printf("}\n");
}

static bool bench_run(struct bench *bench, char **files, int n_files, struct err *err)
{
    bool is_ok = false;
    arena_init(&bench->texts, TEXTS_ARENA_BYTES);
    arena_init(&bench->scratch, SCRATCH_ARENA_BYTES);
    if (!model_open_as(&bench->model, bench->model_path, &bench->model_options, err)) goto out;
    const struct model_info *info = model_info(bench->model);
    bench->options =
        (struct pool_options){info->pooling, .normalize = info->normalize, .dims = info->dim};
    size_t base64_bytes = numtext_base64_bytes(info->dim * sizeof(float));
    size_t text_bytes = numtext_floats_bytes(info->dim);
    bench->reply =
        arena_alloc(&bench->texts, text_bytes > base64_bytes ? text_bytes : base64_bytes);
    bench->samples = arena_array(&bench->texts, bench->texts_max, sizeof(*bench->samples));
    bench->row = arena_array(&bench->texts, info->dim, sizeof *bench->row);
    if (!bench->reply || !bench->samples || !bench->row) {
        err_out_of_memory(err);
        goto out;
    }
    if (!read_samples(bench, files, n_files, err)) goto out;
    time_parts(bench);
    if (bench->format == 1) {
        print_json(bench);
    } else {
        print_table(bench);
    }
    is_ok = commands_close_stdout(err);
out:
    model_close(bench->model);
    arena_clear(&bench->texts);
    arena_clear(&bench->scratch);
    return is_ok;
}

int bench_main(int argc, char **argv)
{
    struct bench bench = {.model_path = "builtin",
                          .texts_max = 4096,
                          .rounds = 11,
                          .model_options = COMMAND_MODEL_OPTIONS};
    const struct flag list[] = {
        MODEL_PATH_FLAG(bench.model_path),
        MODEL_FLAGS(bench.model_options),
        {"format", FLAG_CHOICE, .out.choice = &bench.format, .choices = formats,
         .help = "a table (default), or a JSON object"},
        {"texts", FLAG_NUMBER, .out.number = &bench.texts_max, .value = "N", .min = 1,
         .max = 1000000, .help = "read no more than this many (default: 4096)"},
        {"rounds", FLAG_NUMBER, .out.number = &bench.rounds, .value = "N", .min = 1,
         .max = ROUNDS_MAX, .help = "the median of so many (default: 11)"},
    };
    const struct flags flags = {
        .usage = "embedd bench [OPTION]... FILE|-...",
        .about =
            "Times the model on the lines of the files, on one thread: all of it, and each part\n"
            "alone. Empty lines are left out.",
        .list = list,
        .n = sizeof(list) / sizeof(list[0]),
        .files_min = 1,
        .files_max = argc,
    };
    struct err err;
    int n_files, exit_code;
    if (!commands_take_flags(&flags, argc, argv, &n_files, &exit_code)) return exit_code;
    return bench_run(&bench, argv + 1, n_files, &err) ? 0 : commands_fail(argv[0], &err);
}
