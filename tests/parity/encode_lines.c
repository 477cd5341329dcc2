/* SPDX-License-Identifier: Apache-2.0 */
/* Answers what a tokenizer.json makes of texts, for comparing with the reference library.
   usage: encode_lines TOKENIZER_JSON [compiled|rewritten] <records
   compiled: by the tokenizer that is made of its own tensors; rewritten: by that of the file that
   is written from these. A record is u32 flags (1: with special tokens), u32 bytes, the text. The
   answer: u32 n, n times (u32 id, u32 start, u32 end), then two texts (u32 bytes, bytes): all ids
   decoded, and without special tokens. n of UINT32_MAX: the text is an error message. All in the
   machine's byte order.
 */
#include "base/file.h"
#include "model/text/compiled.h"
#include "model/text/json/json_writer.h"
#include "model/text/tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_MAX ((size_t)1 << 30)

static void write_u32(uint32_t value)
{
    fwrite(&value, sizeof value, 1, stdout);
}

static void write_text(const char *text, size_t bytes)
{
    write_u32((uint32_t)bytes);
    if (bytes > 0) fwrite(text, 1, bytes, stdout);
}

static void write_decoded(const struct tokenizer *t, struct arena *arena,
                          const struct tokens *tokens, bool skip_special)
{
    struct buf out;
    buf_init(&out, arena);
    uint32_t *ids = arena_array(arena, (size_t)tokens->n + 1, sizeof *ids);
    size_t n = 0;
    for (uint32_t i = 0; i < tokens->n; i++) {
        if (tokens->ids[i] != TOKEN_ID_NONE) ids[n++] = tokens->ids[i];
    }
    tokenizer_decode(t, ids, n, skip_special, &out);
    if (out.failed) out.bytes = 0;
    write_text(out.data, out.bytes);
}

static void answer(const struct tokenizer *t, struct arena *arena, uint32_t flags, const char *text,
                   size_t bytes)
{
    struct err err;
    struct tokens tokens;
    unsigned wanted = TOKENIZE_SPANS | (flags & 1 ? TOKENIZE_SPECIAL_TOKENS : 0);
    if (!tokenizer_encode(t, arena, text, bytes, wanted, &tokens, &err)) {
        write_u32(UINT32_MAX);
        write_text(err.message, strlen(err.message));
        return;
    }
    write_u32(tokens.n);
    for (uint32_t i = 0; i < tokens.n; i++) {
        write_u32(tokens.ids[i]);
        write_u32(tokens.spans[i].start);
        write_u32(tokens.spans[i].end);
    }
    write_decoded(t, arena, &tokens, false);
    write_decoded(t, arena, &tokens, true);
}

static void answer_all(const struct tokenizer *t)
{
    struct arena arena;
    arena_init(&arena, ARENA_MAX);
    uint32_t header[2];
    while (fread(header, sizeof header, 1, stdin) == 1) {
        /* Of its own size, so that a sanitizer sees what is read past it. */
        char *text = malloc(header[1] + 1u);
        if (!text || fread(text, 1, header[1], stdin) != header[1]) exit(3);
        answer(t, &arena, header[0], text, header[1]);
        free(text);
        arena_reset(&arena);
    }
    arena_clear(&arena);
}

/* The tensors of a tokenizer as a file, malloc'ed. */
static char *pack(const struct tokenizer *t, size_t *bytes, struct err *err)
{
    struct compiled compiled;
    compiled_list(t, true, &compiled);
    char *file = tensors_pack(compiled.tensors, compiled.n, NULL, bytes, err);
    compiled_clear(&compiled);
    return file;
}

static bool answer_rewritten(const struct tokenizer *compiled, struct err *err)
{
    char *text = NULL;
    size_t bytes = 0;
    struct tokenizer_files files = {.path = "."};
    struct tokenizer_options options = {0};
    struct tokenizer *t;
    FILE *stream = open_memstream(&text, &bytes);
    bool done = stream && tokenizer_write_json(compiled, NULL, NULL, stream, err);
    if (stream) fclose(stream);
    files.tokenizer = (struct span){text, bytes};
    done = done && tokenizer_open(&t, &files, &options, err);
    if (done) answer_all(t);
    if (done) tokenizer_close(t);
    free(text);
    return done;
}

static bool answer_compiled(const struct tokenizer *made, bool is_rewritten, struct err *err)
{
    struct tensors tensors;
    struct tokenizer *t;
    size_t bytes;
    char *file = pack(made, &bytes, err);
    if (!file || !tensors_open(&tensors, (struct span){file, bytes}, "compiled", err)) {
        free(file);
        return false;
    }
    bool done = tokenizer_open_compiled(&t, &tensors, err);
    tensors_close(&tensors);
    if (done && is_rewritten)
        done = answer_rewritten(t, err);
    else if (done)
        answer_all(t);
    tokenizer_close(t);
    free(file);
    return done;
}

static int run(struct span file, const char *form, struct err *err)
{
    struct tokenizer_files files = {.path = ".", .tokenizer = file};
    struct tokenizer_options options = {0};
    struct tokenizer *t;
    if (!tokenizer_open(&t, &files, &options, err)) return 2;
    bool done = true;
    if (form)
        done = answer_compiled(t, strcmp(form, "rewritten") == 0, err);
    else
        answer_all(t);
    tokenizer_close(t);
    return done ? 0 : 3;
}

int main(int argc, char **argv)
{
    struct err err;
    size_t bytes;
    char *file;
    if (argc < 2 || argc > 3) return 3;
    bool done = file_read(argv[1], SIZE_MAX / 2, &file, &bytes, &err);
    int code = done ? run((struct span){file, bytes}, argc == 3 ? argv[2] : NULL, &err) : 3;
    if (code != 0) fprintf(stderr, "%s\n", err.message);
    if (done) free(file);
    return code;
}
