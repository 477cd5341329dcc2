/* SPDX-License-Identifier: Apache-2.0 */
/* Any text through tokenizers of each kind (chosen by the first byte, out of the seeds of
   fuzz_tokenizer_json). */
#include "tests/fuzz/tokenizers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tokenizer **tokenizers = open_seeds();
    if (size < 1) return 0;
    const char *text = (const char *)data + 1;
    if (utf8_valid_bytes(text, size - 1) != size - 1) return 0;
    check_tokens(tokenizers[data[0] % N_SEEDS], text, size - 1);
    return 0;
}
