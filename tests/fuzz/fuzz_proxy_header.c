/* SPDX-License-Identifier: Apache-2.0 */
/* What a trusted proxy may send, and what it and its clients write into headers of HTTP: whoever is
   found is the same however the bytes are cut, and none beyond the header is taken. The first byte
   chooses the pieces. */
#include "server/forwarded.h"
#include "server/proxy_header.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t take(struct proxy_header *header, const uint8_t *data, size_t size, size_t step)
{
    size_t taken = 0;
    for (size_t want; taken < size && (want = proxy_header_wants(header)) > 0;) {
        size_t n = step < want ? step : want;
        if (n > size - taken) n = size - taken;
        /* Of its own size, so that the sanitizer sees a step beyond. */
        uint8_t *piece = malloc(n);
        memcpy(piece, data + taken, n);
        proxy_header_take(header, piece, n);
        free(piece);
        taken += n;
    }
    if (taken > PROXY_HEADER_BYTES_MAX) abort();
    return taken;
}

static void check_header(const uint8_t *data, size_t size, size_t step)
{
    struct proxy_header whole = {0}, cut = {0};
    struct address client = {0}, same = {0};
    size_t taken = take(&whole, data, size, SIZE_MAX), taken_cut = take(&cut, data, size, step);
    if (whole.is_faulty != cut.is_faulty) abort();
    if (whole.is_faulty || proxy_header_wants(&whole) > 0) return;
    if (taken != taken_cut) abort();
    proxy_header_client(&whole, &client);
    proxy_header_client(&cut, &same);
    if (memcmp(&client, &same, sizeof client) != 0) abort();
}

static void check_forwarded(const uint8_t *data, size_t size)
{
    struct networks proxies;
    char text[ADDRESS_TEXT_BYTES], *value = malloc(size + 1);
    memcpy(value, data, size);
    value[size] = '\0';
    if (!networks_read(&proxies, "10.0.0.0/8\n::/1", "proxies", NULL)) abort();
    for (int is_x = 0; is_x <= 1; is_x++) {
        struct forwarded forwarded = {0};
        struct address client = {0};
        forwarded_add(&forwarded, is_x, value);
        forwarded_client(&forwarded, &proxies, &client);
        address_write(&client, text);
        if (strlen(text) >= sizeof text) abort();
    }
    networks_clear(&proxies);
    if (networks_read(&proxies, value, "proxies", NULL)) networks_clear(&proxies);
    free(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) return 0;
    check_header(data + 1, size - 1, 1 + data[0]);
    check_forwarded(data + 1, size - 1);
    return 0;
}
