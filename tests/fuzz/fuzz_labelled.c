/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a labelled file: rows that keep the promises of labelled.h, or a sentence; and the
   same ones however few bytes are read at once. The first byte chooses format, columns and
   separator of labels, the second how many bytes are read at once; the rest is the file. */
#include "base/utf8.h"
#include "model/train/labelled.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
    const char *text, *label;
} columns[] = {{NULL, NULL}, {"1", "2"}, {NULL, "label"}, {"text.a", "l.0.x"}};

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void check_text(const char *text, size_t bytes)
{
    if (utf8_valid_bytes(text, bytes) != bytes) abort();
}

static void check_row(const struct labelled_row *row, uint64_t *line)
{
    if (row->line <= *line) abort();
    *line = row->line;
    check_text(row->text, row->text_bytes);
    for (size_t i = 0; i < row->n_labels; i++) {
        struct span label = row->labels[i];
        if (label.bytes == 0 || memchr(label.data, '\0', label.bytes) || is_space(label.data[0]) ||
            is_space(label.data[label.bytes - 1]))
            abort();
        check_text(label.data, label.bytes);
    }
}

static void check_sentence(const struct err *err)
{
    if (err->code != ERR_FORMAT && err->code != ERR_USAGE) abort();
    if (strlen(err->message) < 20 || strlen(err->message) + 1 >= sizeof err->message) abort();
    check_text(err->message, strlen(err->message));
}

/* Which other encoding a text may be in is told by as much of it as was read. */
static void put_sentence(FILE *out, const char *message)
{
    const char *line = strstr(message, "not UTF-8") ? strstr(message, ", line ") : NULL;
    const char *end = line ? strchr(line, ':') : NULL;
    fwrite(message, 1, end ? (size_t)(end - message) : strlen(message), out);
}

/* What two readings must have in common is written to `out`. */
static void read_all(const char *path, const struct labelled_options *options, FILE *out)
{
    struct labelled *labelled;
    struct labelled_row row;
    struct err err = {0};
    uint64_t line = 0;
    int found = -1;
    if (labelled_open(&labelled, path, options, &err)) {
        fputs(labelled_about(labelled), out);
        check_text(labelled_about(labelled), strlen(labelled_about(labelled)));
        if (labelled_format(labelled) == LABELLED_AUTO) abort();
        double share = 0;
        while ((found = labelled_next(labelled, &row, &err)) == 1) {
            check_row(&row, &line);
            if (!(labelled_share(labelled) >= share && labelled_share(labelled) <= 1)) abort();
            share = labelled_share(labelled);
            fprintf(out, "%llu %zu %zu ", (unsigned long long)line, row.n_labels, row.text_bytes);
            fwrite(row.text, 1, row.text_bytes, out);
            for (size_t i = 0; i < row.n_labels; i++)
                fwrite(row.labels[i].data, 1, row.labels[i].bytes, out);
        }
        struct labelled_doubt doubt;
        const struct labelled_row *doubtful = labelled_doubtful(labelled, &doubt);
        if (doubtful) {
            uint64_t before = 0;
            check_row(doubtful, &before);
            if (doubtful->n_labels != 1) abort();
            fprintf(out, "%d %.*s", 2 * doubt.has_names + doubt.recurs, (int)doubtful->text_bytes,
                    doubtful->text);
        }
        if (found == 0 && labelled_share(labelled) < 1) abort();
        const struct left_out *left_out = labelled_left_out(labelled);
        if (left_out->n > 0 && !options->skips_bad) abort();
        fprintf(out, "%llu", (unsigned long long)left_out->n);
        for (size_t i = 0; i < left_out->n_listed; i++) {
            check_text(left_out->listed[i], strlen(left_out->listed[i]));
            put_sentence(out, left_out->listed[i]);
        }
    } else if (labelled) {
        abort();
    }
    if (found < 0) check_sentence(&err);
    if (found < 0) put_sentence(out, err.message);
    labelled_close(labelled);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) return 0;
    static const char separators[] = {0, ',', '|', ' '};
    struct labelled_options options = {.format = data[0] % LABELLED_FORMATS,
                                       .text = columns[data[0] / 5 % 4].text,
                                       .label = columns[data[0] / 5 % 4].label,
                                       .label_separator = separators[data[0] / 20 % 4],
                                       .skips_bad = data[0] / 80 % 2,
                                       .encoding = data[1] / 16 % TEXT_ENCODINGS};
    char path[64], *texts[2];
    size_t bytes[2];
    int fd = memfd_create("labelled", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data + 2, size - 2) != (ssize_t)(size - 2)) abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    for (int i = 0; i < 2; i++) {
        FILE *out = open_memstream(&texts[i], &bytes[i]);
        if (!out) abort();
        options.read_bytes = i == 0 ? 0 : 1 + data[1] % 16u;
        read_all(path, &options, out);
        fclose(out);
    }
    if (bytes[0] != bytes[1] || memcmp(texts[0], texts[1], bytes[0]) != 0) abort();
    free(texts[0]);
    free(texts[1]);
    close(fd);
    return 0;
}
