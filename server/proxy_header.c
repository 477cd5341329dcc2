/* SPDX-License-Identifier: Apache-2.0 */
#include "server/proxy_header.h"

#include <assert.h>
#include <string.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define SIGNATURE_BYTES 12
#define FIXED_BYTES 16 /* signature, version and command, family and transport, length */
#define COMMAND_AT 12
#define FAMILY_AT 13
#define LENGTH_AT 14

enum command { COMMAND_LOCAL = 0x20, COMMAND_PROXY = 0x21 };

/* How the addresses are told; the high half of the byte is the family, the low one the transport.
 */
enum family { FAMILY_UNSPEC, FAMILY_INET, FAMILY_INET6, FAMILY_UNIX };
static const uint16_t address_bytes[] = {
    [FAMILY_UNSPEC] = 0, [FAMILY_INET] = 12, [FAMILY_INET6] = 36, [FAMILY_UNIX] = 216};

static uint16_t number_at(const struct proxy_header *header, size_t at)
{
    return (uint16_t)(header->bytes[at] << 8 | header->bytes[at + 1]);
}

size_t proxy_header_wants(const struct proxy_header *header)
{
    if (header->is_faulty) return 0;
    if (header->taken < FIXED_BYTES) return FIXED_BYTES - header->taken;
    return (size_t)FIXED_BYTES + number_at(header, LENGTH_AT) - header->taken;
}

/* What can be said of as many bytes as have come. */
static bool is_sound(const struct proxy_header *header)
{
    const uint8_t *bytes = header->bytes;
    const size_t n = header->taken;
    if (memcmp(bytes, SIGNATURE, n < SIGNATURE_BYTES ? n : SIGNATURE_BYTES) != 0) return false;
    if (n > COMMAND_AT && bytes[COMMAND_AT] != COMMAND_LOCAL && bytes[COMMAND_AT] != COMMAND_PROXY)
        return false;
    if (n > FAMILY_AT && (bytes[FAMILY_AT] >> 4 > FAMILY_UNIX || (bytes[FAMILY_AT] & 0xF) > 2))
        return false;
    if (n < FIXED_BYTES) return true;
    const size_t length = number_at(header, LENGTH_AT);
    if (length > PROXY_HEADER_BYTES_MAX - FIXED_BYTES) return false;
    return bytes[COMMAND_AT] == COMMAND_LOCAL || length >= address_bytes[bytes[FAMILY_AT] >> 4];
}

bool proxy_header_take(struct proxy_header *header, const uint8_t *bytes, size_t n)
{
    assert(n <= proxy_header_wants(header));
    if (header->taken < sizeof header->bytes) {
        const size_t room = sizeof header->bytes - header->taken;
        memcpy(header->bytes + header->taken, bytes, n < room ? n : room);
    }
    header->taken = (uint16_t)(header->taken + n);
    header->is_faulty = !is_sound(header);
    return !header->is_faulty;
}

void proxy_header_client(const struct proxy_header *header, struct address *client)
{
    assert(header->taken >= FIXED_BYTES && proxy_header_wants(header) == 0);
    const uint8_t *source = header->bytes + FIXED_BYTES;
    if (header->bytes[COMMAND_AT] == COMMAND_LOCAL) return;
    switch (header->bytes[FAMILY_AT] >> 4) {
    case FAMILY_INET: /* source, destination, and their ports */
        *client = address_of_ipv4(source, number_at(header, FIXED_BYTES + 8));
        break;
    case FAMILY_INET6:
        *client = address_of_ipv6(source, number_at(header, FIXED_BYTES + 32));
        break;
    case FAMILY_UNIX:
        *client = (struct address){.family = ADDRESS_UNIX};
        break;
    default:
        break;
    }
}
