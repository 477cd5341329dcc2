/* SPDX-License-Identifier: Apache-2.0 */
/* Asks the installed library as a program would; also compiled as C++.
   usage: ask encode|classify MODEL THREADS TEXTS-AT-ONCE OFFSET-BITS TYPE < lines > rows */
#include <embedd.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *data;
static int64_t *wide;
static int32_t *narrow;
static size_t bytes, n;

static embedd_error error;

static void check(int code)
{
    if (code == EMBEDD_OK) return;
    fprintf(stderr, "%d %" PRId64 " %s\n", code, error.row, error.message);
    exit(code);
}

/* All lines of standard input. */
static void read_lines(void)
{
    size_t room = 1 << 20, got;
    data = (char *)malloc(room);
    while (data && (got = fread(data + bytes, 1, room - bytes, stdin)) > 0) {
        bytes += got;
        if (bytes == room) data = (char *)realloc(data, room *= 2);
    }
    wide = (int64_t *)calloc(bytes + 1, sizeof *wide);
    narrow = (int32_t *)calloc(bytes + 1, sizeof *narrow);
    if (!data || !wide || !narrow) exit(99);
    size_t end = 0;
    for (size_t i = 0; i < bytes; i++) {
        if (data[i] != '\n') {
            data[end++] = data[i];
            continue;
        }
        wide[++n] = (int64_t)end;
        narrow[n] = (int32_t)end;
    }
    bytes = end;
}

static embedd_texts texts_from(size_t first, size_t at_once, int bits)
{
    embedd_texts texts = EMBEDD_INIT(embedd_texts);
    texts.data = data;
    texts.offsets = bits == 64 ? (const void *)wide : (const void *)narrow;
    texts.offset_bits = bits;
    texts.first = first;
    texts.n = n - first < at_once ? n - first : at_once;
    texts.data_bytes = bytes;
    return texts;
}

static void encode(const embedd_model *model, embedd_pool *pool, size_t at_once, int bits, int type)
{
    embedd_info info = EMBEDD_INIT(embedd_info);
    check(embedd_get_info(model, &info, &error));
    const size_t row_bytes = embedd_row_bytes(type, info.dimensions);
    char *out = (char *)malloc(at_once * row_bytes);
    for (size_t first = 0; out && first < n; first += at_once) {
        const embedd_texts texts = texts_from(first, at_once, bits);
        embedd_rows rows = EMBEDD_INIT(embedd_rows);
        rows.data = out;
        rows.bytes = at_once * row_bytes;
        rows.type = type;
        check(embedd_encode(model, pool, &texts, NULL, &rows, NULL, &error));
        fwrite(out, row_bytes, texts.n, stdout);
    }
    free(out);
}

/* A line a text: its labels and their probabilities, from the likeliest down; then how unsure. */
static void classify(const embedd_model *model, embedd_pool *pool, size_t at_once, int bits)
{
    embedd_head head = EMBEDD_INIT(embedd_head);
    check(embedd_get_head(model, NULL, &head, &error));
    embedd_answers answers = EMBEDD_INIT(embedd_answers);
    answers.room = at_once;
    answers.labels = (int32_t *)calloc(at_once * head.n_labels, sizeof *answers.labels);
    answers.probabilities = (float *)calloc(at_once * head.n_labels, sizeof(float));
    answers.unsure = (float *)calloc(at_once, sizeof(float));
    for (size_t first = 0; first < n; first += at_once) {
        const embedd_texts texts = texts_from(first, at_once, bits);
        check(embedd_classify(model, pool, &texts, NULL, &answers, NULL, &error));
        for (size_t i = 0; i < texts.n; i++) {
            for (size_t j = i * head.n_labels; j < (i + 1) * head.n_labels; j++)
                printf("%s %.9g ", head.labels[answers.labels[j]],
                       (double)answers.probabilities[j]);
            printf("%.9g\n", (double)answers.unsure[i]);
        }
    }
    free(answers.labels);
    free(answers.probabilities);
    free(answers.unsure);
}

int main(int argc, char **argv)
{
    embedd_error none = EMBEDD_INIT(embedd_error);
    embedd_model *model;
    embedd_pool *pool;
    error = none;
    if (argc != 7 || embedd_abi() != EMBEDD_ABI) return 98;
    const size_t at_once = strtoul(argv[4], NULL, 10);
    const int bits = atoi(argv[5]);
    read_lines();
    check(embedd_open(argv[2], NULL, &model, &error));
    check(embedd_pool_new((uint32_t)atoi(argv[3]), &pool, &error));
    if (strcmp(argv[1], "encode") == 0)
        encode(model, pool, at_once, bits, atoi(argv[6]));
    else
        classify(model, pool, at_once, bits);
    embedd_pool_free(pool);
    embedd_close(model);
    free(data);
    free(wide);
    free(narrow);
    return 0;
}
