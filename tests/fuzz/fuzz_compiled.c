/* SPDX-License-Identifier: Apache-2.0 */
/* A packed tokenizer in which bytes were changed: refused, or it gives some tokens or other. The
   input is which one (of the seeds of fuzz_tokenizer_json), how many changes, that many times u32
   place (little-endian) and a byte, then a text. */
#include "model/text/compiled.h"
#include "tests/fuzz/tokenizers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHANGE_BYTES 5

static struct span *pack_seeds(void)
{
    static struct span files[N_SEEDS];
    struct tokenizer **tokenizers = open_seeds();
    for (size_t i = 0; i < N_SEEDS && !files[i].data; i++) {
        struct compiled compiled;
        struct err err;
        compiled_list(tokenizers[i], i % 2, &compiled);
        files[i].data = tensors_pack(compiled.tensors, compiled.n, NULL, &files[i].bytes, &err);
        assert(files[i].data);
        compiled_clear(&compiled);
    }
    return files;
}

static void change(char *file, size_t bytes, const uint8_t *how)
{
    uint32_t place;
    memcpy(&place, how, sizeof place);
    file[place % bytes] = (char)how[4];
}

static void try_file(struct span file, const char *text, size_t bytes)
{
    struct tensors tensors;
    struct tokenizer *t = NULL;
    struct err err;
    if (!tensors_open(&tensors, file, "fuzz", &err)) return;
    if (compiled_is_there(&tensors) && tokenizer_open_compiled(&t, &tensors, &err)) {
        check_tokens(t, text, bytes);
        for (uint32_t id = 0; id < tokenizer_vocab_size(t) && id < 300; id++) {
            size_t n;
            const char *token = tokenizer_token_text(t, id, &n);
            assert(utf8_valid_bytes(token, n) == n);
            tokenizer_token_id(t, token, n);
        }
        tokenizer_close(t);
    }
    tensors_close(&tensors);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span *files = pack_seeds();
    if (size < 2) return 0;
    const struct span file = files[data[0] % N_SEEDS];
    const size_t changes = data[1] % 32;
    if (size < 2 + changes * CHANGE_BYTES) return 0;
    const char *text = (const char *)data + 2 + changes * CHANGE_BYTES;
    const size_t bytes = size - 2 - changes * CHANGE_BYTES;
    if (utf8_valid_bytes(text, bytes) != bytes) return 0;
    char *copy = malloc(file.bytes);
    if (!copy) return 0;
    memcpy(copy, file.data, file.bytes);
    for (size_t i = 0; i < changes; i++)
        change(copy, file.bytes, data + 2 + i * CHANGE_BYTES);
    try_file((struct span){copy, file.bytes}, text, bytes);
    free(copy);
    return 0;
}
