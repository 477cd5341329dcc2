/* SPDX-License-Identifier: Apache-2.0 */
/* Makes vectors of texts, or times that: one at a time, one thread, from text to normalized vector.
   usage: encode MODEL TEXTS      writes the vectors, as float32
          encode MODEL TEXTS N    for each line it reads, prints nanoseconds a text over the next N
   TEXTS has one a line. */
#include "base/arena.h"
#include "base/clock.h"
#include "bench/texts.h"
#include "model/model.h"

#include <stdbool.h>

struct encoder {
    struct model *model;
    struct pool_options options;
    struct arena arena;
    float *vector; /* (dims) */
};

static void encoder_open(struct encoder *encoder, const char *path)
{
    struct err err;
    if (!model_open(&encoder->model, path, &err)) {
        fprintf(stderr, "%s\n", err.message);
        exit(3);
    }
    encoder->options = model_pool_options(encoder->model);
    encoder->vector = calloc(encoder->options.dims, sizeof(float));
    if (!encoder->vector) exit(3);
    arena_init(&encoder->arena, (size_t)1 << 28);
}

static void encoder_close(struct encoder *encoder)
{
    arena_clear(&encoder->arena);
    free(encoder->vector);
    model_close(encoder->model);
}

static void encode(struct encoder *encoder, const struct text *text)
{
    struct tokens tokens;
    struct err err;
    arena_reset(&encoder->arena);
    if (!model_tokenize(encoder->model, &encoder->arena, text->start, text->bytes, 0, &tokens,
                        &err) ||
        !model_pool(encoder->model, tokens.ids, tokens.n, &encoder->options, encoder->vector))
        exit(4);
}

static void write_vectors(struct encoder *encoder, const struct texts *texts)
{
    for (size_t i = 0; i < texts->n; i++) {
        encode(encoder, &texts->text[i]);
        fwrite(encoder->vector, sizeof(float), encoder->options.dims, stdout);
    }
}

static void time_rounds(struct encoder *encoder, const struct texts *texts, size_t n)
{
    char line[8];
    for (size_t at = 0; at + n <= texts->n && fgets(line, sizeof line, stdin); at += n) {
        uint64_t start_ns = clock_now_ns();
        for (size_t i = at; i < at + n; i++)
            encode(encoder, &texts->text[i]);
        printf("%.1f\n", (double)(clock_now_ns() - start_ns) / (double)n);
        fflush(stdout);
    }
}

int main(int argc, char **argv)
{
    struct encoder encoder;
    struct texts texts;
    if (argc != 3 && argc != 4) return 3;
    encoder_open(&encoder, argv[1]);
    texts_open(&texts, argv[2]);
    if (argc == 3)
        write_vectors(&encoder, &texts);
    else
        time_rounds(&encoder, &texts, strtoul(argv[3], NULL, 10));
    texts_close(&texts);
    encoder_close(&encoder);
    return 0;
}
