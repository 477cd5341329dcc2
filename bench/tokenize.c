/* SPDX-License-Identifier: Apache-2.0 */
/* Times a tokenizer.json on texts, one at a time, one thread, ids alone.
   usage: tokenize TOKENIZER_JSON SECONDS <texts, one a line
   Prints nanoseconds a text and tokens a text: the best of as many rounds over all texts as fit. */
#include "base/arena.h"
#include "base/clock.h"
#include "bench/texts.h"
#include "model/text/tokenizer.h"

static double now_s(void)
{
    return (double)clock_now_ns() * 1e-9;
}

/* Tokens of all texts. */
static size_t round_of(const struct tokenizer *t, struct arena *arena, const struct texts *texts)
{
    size_t n = 0;
    for (size_t i = 0; i < texts->n; i++) {
        struct tokens tokens;
        struct err err;
        if (!tokenizer_encode(t, arena, texts->text[i].start, texts->text[i].bytes, 0, &tokens,
                              &err))
            exit(4);
        n += tokens.n;
        arena_reset(arena);
    }
    return n;
}

int main(int argc, char **argv)
{
    struct err err;
    struct tokenizer *t;
    struct tokenizer_files files = {.path = "."};
    struct tokenizer_options options = {0};
    struct texts texts;
    struct arena arena;
    if (argc != 3) return 3;
    files.tokenizer.data = read_all(argv[1], &files.tokenizer.bytes);
    double start = now_s();
    if (!tokenizer_open(&t, &files, &options, &err)) {
        fprintf(stderr, "%s\n", err.message);
        return 2;
    }
    double opened = now_s(), best = 1e9;
    texts_open(&texts, "/dev/stdin");
    arena_init(&arena, (size_t)1 << 28);
    size_t tokens = round_of(t, &arena, &texts);
    while (now_s() - opened < atof(argv[2])) {
        double from = now_s();
        round_of(t, &arena, &texts);
        double took = now_s() - from;
        best = took < best ? took : best;
    }
    printf("%.1f %.2f %.2f\n", best / (double)texts.n * 1e9, (double)tokens / (double)texts.n,
           (opened - start) * 1e3);
    arena_clear(&arena);
    tokenizer_close(t);
    free((char *)(uintptr_t)files.tokenizer.data);
    texts_close(&texts);
    return 0;
}
