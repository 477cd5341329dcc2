/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a request body: both readers must agree (tests/fuzz/request.h). */
#include "tests/fuzz/request.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool is_ready;
    if (!is_ready) json_init();
    is_ready = true;
    if (request_compare((const char *)data, size) == REQUEST_DIFFERENT) abort();
    return 0;
}
