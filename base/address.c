/* SPDX-License-Identifier: Apache-2.0 */
#include "base/address.h"

#include "base/grow.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct address address_of_ipv4(const uint8_t bytes[static 4], uint16_t port)
{
    struct address address = {.port = port, .family = ADDRESS_IPV4};
    memcpy(address.bytes, bytes, 4);
    return address;
}

struct address address_of_ipv6(const uint8_t bytes[static 16], uint16_t port)
{
    static const uint8_t mapped[12] = {[10] = 0xFF, [11] = 0xFF};
    if (memcmp(bytes, mapped, sizeof mapped) == 0) return address_of_ipv4(bytes + 12, port);
    struct address address = {.port = port, .family = ADDRESS_IPV6};
    memcpy(address.bytes, bytes, 16);
    return address;
}

uint64_t address_client(const struct address *address)
{
    uint64_t client = 0;
    if (address->family != ADDRESS_IPV4 && address->family != ADDRESS_IPV6) return 0;
    for (size_t i = 0; i < (address->family == ADDRESS_IPV4 ? 4u : 8u); i++)
        client = client << 8 | address->bytes[i];
    /* No address of IPv6 begins so. */
    return client | (address->family == ADDRESS_IPV4 || client == 0 ? UINT64_C(1) << 40 : 0);
}

/* `text` ends in NUL and is the address alone. */
static bool read_alone(struct address *address, const char *text, uint16_t port)
{
    uint8_t bytes[16];
    if (inet_pton(AF_INET, text, bytes) == 1)
        *address = address_of_ipv4(bytes, port);
    else if (inet_pton(AF_INET6, text, bytes) == 1)
        *address = address_of_ipv6(bytes, port);
    else
        return false;
    return true;
}

/* Digits to the end of the text. */
static bool read_number(const char *text, unsigned max, unsigned *number)
{
    *number = 0;
    if (!*text) return false;
    for (; *text; text++) {
        unsigned digit = (unsigned char)*text - (unsigned)'0';
        if (digit > 9) return false;
        *number = *number * 10 + digit;
        if (*number > max) return false;
    }
    return true;
}

bool address_read(struct address *address, const char *text, size_t n)
{
    char copy[ADDRESS_TEXT_BYTES + 10]; /* [ADDRESS]:PORT */
    unsigned port = 0;
    if (n == 0 || n >= sizeof copy || memchr(text, '\0', n)) return false;
    memcpy(copy, text, n);
    copy[n] = '\0';
    char *host = copy, *end = strchr(copy, ']');
    if (*copy == '[') {
        if (!end) return false;
        *end++ = '\0';
        host++;
    } else {
        end = strchr(copy, ':');
        if (end && strchr(end + 1, ':')) end = NULL; /* IPv6 */
    }
    if (end && *end) {
        if (*end != ':' || !read_number(end + 1, 65535, &port)) return false;
        *end = '\0';
    }
    return read_alone(address, host, (uint16_t)port);
}

void address_write(const struct address *address, char *out)
{
    *out = '\0';
    if (address->family == ADDRESS_UNIX) strcpy(out, "unix");
    if (address->family == ADDRESS_IPV4)
        inet_ntop(AF_INET, address->bytes, out, ADDRESS_TEXT_BYTES);
    if (address->family == ADDRESS_IPV6)
        inet_ntop(AF_INET6, address->bytes, out, ADDRESS_TEXT_BYTES);
}

/* ---- networks ---- */

static bool has_bits_beyond(const struct network *network, unsigned bits_max)
{
    for (unsigned i = network->bits; i < bits_max; i++)
        if (network->address.bytes[i / 8] & (0x80u >> i % 8)) return true;
    return false;
}

static bool read_network(struct network *network, const char *text, size_t n)
{
    char copy[ADDRESS_TEXT_BYTES + 5];
    unsigned bits;
    if (n >= sizeof copy) return false;
    memcpy(copy, text, n);
    copy[n] = '\0';
    *network = (struct network){.address.family = ADDRESS_UNIX};
    if (!strcmp(copy, "unix")) return true;
    char *slash = strchr(copy, '/');
    if (slash) *slash = '\0';
    if (!read_alone(&network->address, copy, 0)) return false;
    const bool is_mapped = strchr(copy, ':') && network->address.family == ADDRESS_IPV4;
    const unsigned bits_max = network->address.family == ADDRESS_IPV4 ? 32 : 128;
    network->bits = (uint8_t)bits_max;
    if (!slash) return true;
    if (is_mapped || !read_number(slash + 1, bits_max, &bits)) return false;
    network->bits = (uint8_t)bits;
    return !has_bits_beyond(network, bits_max);
}

bool networks_read(struct networks *networks, const char *list, const char *option, struct err *err)
{
    *networks = (struct networks){0};
    for (const char *end;; list = end + 1) {
        end = list + strcspn(list, "\n");
        struct network network;
        if (!read_network(&network, list, (size_t)(end - list))) {
            networks_clear(networks);
            return err_set(
                err, ERR_USAGE, option,
                "%s must be networks such as 10.0.0.0/8 or 2001:db8::/32 with no bits "
                "beyond the prefix, addresses, or unix, not '%.*s'",
                option, end - list > ERR_VALUE_BYTES ? ERR_VALUE_BYTES : (int)(end - list), list);
        }
        if (!grow_to(&networks->items, networks->n + 1, sizeof *networks->items)) {
            networks_clear(networks);
            return err_set(err, ERR_MEMORY, option, "no memory for %s", option);
        }
        networks->items[networks->n++] = network;
        if (!*end) return true;
    }
}

void networks_clear(struct networks *networks)
{
    free(networks->items);
    *networks = (struct networks){0};
}

static bool has(const struct network *network, const struct address *address)
{
    if (network->address.family != address->family) return false;
    const size_t whole = network->bits / 8;
    if (memcmp(network->address.bytes, address->bytes, whole) != 0) return false;
    const unsigned rest = network->bits % 8, mask = 0xFF00u >> rest & 0xFF;
    return rest == 0 || ((network->address.bytes[whole] ^ address->bytes[whole]) & mask) == 0;
}

bool networks_have(const struct networks *networks, const struct address *address)
{
    for (size_t i = 0; i < networks->n; i++)
        if (has(&networks->items[i], address)) return true;
    return false;
}
