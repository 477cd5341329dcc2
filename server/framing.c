/* SPDX-License-Identifier: Apache-2.0 */
#include "server/framing.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A path longer than this is none of ours; a line whose value is longer says nothing we read. */
#define PATH_BYTES_MAX 1024
#define QUERY_BYTES_MAX 256
#define VALUE_BYTES_MAX 256
/* What the lines that pass take of libmicrohttpd's memory: their bytes, and a record of each. Room
   for every name that is read, though not with the longest value each. */
#define KEPT_BYTES_MAX 4096
#define RECORD_BYTES 64
#define METHOD_BYTES_MAX 32
#define CHUNK_DIGITS_MAX 16
#define CHUNK_BYTES_MAX ((uint64_t)1 << 62)
#define CHUNK_LINE_BYTES_MAX 1024

/* ---- faults ---- */

static const struct {
    unsigned status;
    const char *reason, *message;
} faults[FRAMING_FAULTS] = {
    [FRAMING_SOUND] = {500, "Internal Server Error", "no fault"},
    [FRAMING_REQUEST_LINE] =
        {400, "Bad Request",
         "the request line is malformed; send METHOD TARGET HTTP/1.1, with one "
         "space between each, and end every line with CR LF"},
    [FRAMING_TARGET] = {400, "Bad Request",
                        "the request's target is malformed; send a path that begins with /, and no "
                        "%00 in it"},
    [FRAMING_TARGET_LONG] =
        {414, "URI Too Long",
         "the request's target is too long; send a path of at most 1024 bytes, and a head of "
         "at most max-header-bytes"},
    [FRAMING_VERSION] = {505, "HTTP Version Not Supported",
                         "the request's version of HTTP is not supported; send HTTP/1.1"},
    [FRAMING_HEADER] = {400, "Bad Request",
                        "a header line is malformed; send NAME: VALUE without spaces before the "
                        "colon, control characters or folded lines, and end every line with CR LF"},
    [FRAMING_HEAD_LONG] =
        {431, "Request Header Fields Too Large",
         "the request's head is longer than max-header-bytes; send fewer or shorter headers"},
    [FRAMING_VALUE_LONG] =
        {431, "Request Header Fields Too Large",
         "content-type, content-encoding or inference-header-content-length is too long; send at "
         "most 256 bytes"},
    [FRAMING_HEADERS_LONG] =
        {431, "Request Header Fields Too Large",
         "the headers that this server reads take more than 4096 bytes together; send each of "
         "them once, and short"},
    [FRAMING_HOST] = {400, "Bad Request", "send exactly one Host header that names one host"},
    [FRAMING_AMBIGUOUS] = {400, "Bad Request",
                           "the length of the body is ambiguous; send one Content-Length, or "
                           "Transfer-Encoding: chunked"},
    [FRAMING_CHUNK] = {400, "Bad Request",
                       "a chunk of the body is malformed; send its size in hexadecimal, CR LF, so "
                       "many bytes, CR LF"},
    [FRAMING_LENGTH_LONG] = {413, "Content Too Large",
                             "Content-Length has more than 18 digits; send a body of at most "
                             "max-body-bytes"},
    [FRAMING_CHUNK_LONG] = {413, "Content Too Large",
                            "the size of a chunk has more than 16 hexadecimal digits or is above "
                            "2^62; send a body of at most max-body-bytes"},
    [FRAMING_TRAILER_LONG] = {431, "Request Header Fields Too Large",
                              "the trailer of the body is longer than max-header-bytes"},
    [FRAMING_MEMORY] = {503, "Service Unavailable",
                        "the server has no memory for the request's head; send it again later"},
};

unsigned framing_status(enum framing_fault fault)
{
    return faults[fault].status;
}

size_t framing_write_reply(enum framing_fault fault, char *out)
{
    char body[FRAMING_REPLY_BYTES / 2];
    int n =
        snprintf(body, sizeof body,
                 "{\"error\":{\"message\":\"%s\",\"type\":\"%s\",\"param\":null,\"code\":null}}",
                 faults[fault].message,
                 faults[fault].status < 500 ? "invalid_request_error" : "server_error");
    assert(n > 0 && (size_t)n < sizeof body);
    int bytes = snprintf(out, FRAMING_REPLY_BYTES,
                         "HTTP/1.1 %u %s\r\nContent-Type: application/json\r\n"
                         "Content-Length: %d\r\nConnection: close\r\n\r\n%s",
                         faults[fault].status, faults[fault].reason, n, body);
    assert(bytes > 0 && bytes < FRAMING_REPLY_BYTES);
    return (size_t)bytes;
}

static bool fail(struct framing *framing, enum framing_fault fault)
{
    framing->fault = fault;
    return false;
}

/* ---- characters ---- */

/* tchar of RFC 9110, 5.6.2. */
static const bool token_chars[256] = {
    ['0' ... '9'] = true, ['a' ... 'z'] = true, ['A' ... 'Z'] = true, ['!'] = true,  ['#'] = true,
    ['$'] = true,         ['%'] = true,         ['&'] = true,         ['\''] = true, ['*'] = true,
    ['+'] = true,         ['-'] = true,         ['.'] = true,         ['^'] = true,  ['_'] = true,
    ['`'] = true,         ['|'] = true,         ['~'] = true,
};

static bool is_token_char(unsigned char c)
{
    return token_chars[c];
}

static size_t token_bytes(const char *at, size_t n)
{
    size_t i = 0;
    while (i < n && is_token_char((unsigned char)at[i]))
        i++;
    return i;
}

static bool is_field_char(unsigned char c)
{
    return (c >= 0x20 && c != 0x7F) || c == '\t';
}

/* How many bytes there are before the first that no line holds: a control character other than TAB.
   Eight at a time, as heads are read on every request. (Bit tricks: "Determine if a word has a byte
   less than n", graphics.stanford.edu/~seander/bithacks.html.) */
static size_t text_bytes(const char *at, size_t n)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), highs = ones << 7;
    size_t i = 0;
    for (uint64_t word; i + sizeof word <= n; i += sizeof word) {
        memcpy(&word, at + i, sizeof word);
        uint64_t is_del = word ^ ones * 0x7F;
        if (((word - ones * 0x20) & ~word & highs) | ((is_del - ones) & ~is_del & highs)) break;
    }
    while (i < n && is_field_char((unsigned char)at[i]))
        i++;
    return i;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* ---- the bytes under way ---- */

/* Reading and writing in one buffer; what is written never gets ahead of what was read. */
struct cursor {
    char *bytes;
    size_t n, read, written;
};

static void put(struct cursor *at, const char *text, size_t n)
{
    assert(at->written + n <= at->read);
    if (at->bytes + at->written != text) memmove(at->bytes + at->written, text, n);
    at->written += n;
}

/* ---- the request line ---- */

/* http://HOST/PATH?QUERY and /PATH?QUERY to /PATH, * as it is. */
static bool read_target(struct framing *framing, const char *target, size_t n, bool is_options,
                        const char **path, size_t *path_bytes)
{
    *path = target;
    *path_bytes = n;
    if (memchr(target, '\t', n)) return fail(framing, FRAMING_TARGET);
    if (n == 1 && *target == '*') return is_options || fail(framing, FRAMING_TARGET);
    if (*target != '/') {
        size_t scheme = n > 7 && !strncasecmp(target, "http://", 7)    ? 7
                        : n > 8 && !strncasecmp(target, "https://", 8) ? 8
                                                                       : 0;
        if (scheme == 0) return fail(framing, FRAMING_TARGET);
        size_t host = scheme;
        while (host < n && target[host] != '/' && target[host] != '?')
            host++;
        if (host == scheme) return fail(framing, FRAMING_TARGET);
        *path = target + host;
        *path_bytes = n - host;
    }
    const char *query = memchr(*path, '?', *path_bytes);
    if (query) *path_bytes = (size_t)(query - *path);
    if (*path_bytes > PATH_BYTES_MAX) return fail(framing, FRAMING_TARGET_LONG);
    if (memchr(*path, '%', *path_bytes) && memmem(*path, *path_bytes, "%00", 3))
        return fail(framing, FRAMING_TARGET);
    if (*path_bytes == 0) { /* http://HOST, http://HOST?QUERY */
        *path = "/";
        *path_bytes = 1;
    }
    return true;
}

/* How many bytes of what stands behind a path are to pass, up to `end`: names, ids and numbers of
   those who ask for a page of a list. Any other query is nobody's. */
static size_t passing_query(const struct framing *framing, const char *query, const char *end)
{
    static const char plain[] =
        "?&=-_.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const size_t bytes = (size_t)(end - query);
    if (!(framing->optional & FRAMING_QUERY) || bytes > QUERY_BYTES_MAX) return 0;
    for (size_t i = 0; i < bytes; i++)
        if (!memchr(plain, query[i], sizeof plain - 1)) return 0;
    return bytes;
}

static bool read_version(struct framing *framing, const char *version, size_t n)
{
    if (n != 8 || memcmp(version, "HTTP/", 5) != 0 || version[6] != '.' ||
        (unsigned char)(version[5] - '0') > 9 || (unsigned char)(version[7] - '0') > 9)
        return fail(framing, FRAMING_REQUEST_LINE);
    if (version[5] != '1') return fail(framing, FRAMING_VERSION);
    framing->head.is_1_0 = version[7] == '0';
    return true;
}

/* `line` without its CR LF. */
static bool take_request_line(struct framing *framing, struct cursor *at, const char *line,
                              size_t n)
{
    size_t method = token_bytes(line, n < METHOD_BYTES_MAX ? n : METHOD_BYTES_MAX);
    if (method == 0 || method >= n || line[method] != ' ')
        return fail(framing, FRAMING_REQUEST_LINE);
    const char *target = line + method + 1, *end = line + n;
    const char *space = memchr(target, ' ', (size_t)(end - target));
    if (!space || space == target) return fail(framing, FRAMING_REQUEST_LINE);
    const char *path;
    size_t path_bytes;
    bool is_options = method == 7 && !memcmp(line, "OPTIONS", 7);
    if (!read_version(framing, space + 1, (size_t)(end - space - 1)) ||
        !read_target(framing, target, (size_t)(space - target), is_options, &path, &path_bytes))
        return false;
    put(at, line, method + 1);
    /* A path that was not sent has none behind it. */
    const bool is_sent = path >= target && path < space;
    framing->head.asks_root = path_bytes == 1 && (line[0] == 'G' || line[0] == 'H');
    if (is_sent) path_bytes += passing_query(framing, path + path_bytes, space);
    put(at, path, path_bytes);
    put(at, framing->head.is_1_0 ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n", 11);
    framing->state = FRAMING_HEADERS;
    return true;
}

/* ---- headers ---- */

enum header {
    HEADER_NOBODYS,
    HEADER_KEPT, /* or left out where it is too long to say anything */
    HEADER_ACCEPT_ENCODING,
    HEADER_PAGE,
    HEADER_ORIGIN,
    HEADER_FORWARDED,
    HEADER_TRACE,
    HEADER_KEY,
    HEADER_BODY, /* how the body is to be read: too long is a fault */
    HEADER_HOST,
    HEADER_CONNECTION,
    HEADER_LENGTH,
    HEADER_CODING,
    HEADER_EXPECT,
};

static bool is_name(const char *name, size_t n, const char *want, size_t want_bytes)
{
    return n == want_bytes && strncasecmp(name, want, n) == 0;
}
#define IS(want) is_name(name, n, want, sizeof want - 1)

/* Those that http.c and libmicrohttpd read. */
static enum header header_of(const char *name, size_t n)
{
    switch (name[0] | 0x20) {
    case 'a':
        if (IS("authorization") || IS("api-key")) return HEADER_KEY;
        if (IS("accept-encoding")) return HEADER_ACCEPT_ENCODING;
        if (IS("access-control-request-method") || IS("access-control-request-headers") ||
            IS("access-control-request-private-network"))
            return HEADER_ORIGIN;
        return IS("accept") ? HEADER_KEPT : HEADER_NOBODYS;
    case 'c':
        if (IS("content-length")) return HEADER_LENGTH;
        if (IS("content-type") || IS("content-encoding")) return HEADER_BODY;
        return IS("connection") ? HEADER_CONNECTION : HEADER_NOBODYS;
    case 'e':
        return IS("expect") ? HEADER_EXPECT : HEADER_NOBODYS;
    case 'f':
        return IS("forwarded") ? HEADER_FORWARDED : HEADER_NOBODYS;
    case 'h':
        return IS("host") ? HEADER_HOST : HEADER_NOBODYS;
    case 'i':
        if (IS("if-none-match")) return HEADER_PAGE;
        return IS("inference-header-content-length") ? HEADER_BODY : HEADER_NOBODYS;
    case 'o':
        return IS("origin") ? HEADER_ORIGIN : HEADER_NOBODYS;
    case 't':
        if (IS("traceparent")) return HEADER_TRACE;
        return IS("transfer-encoding") ? HEADER_CODING : HEADER_NOBODYS;
    case 'x':
        if (IS("x-forwarded-for")) return HEADER_FORWARDED;
        if (IS("x-api-key") || IS("x-goog-api-key")) return HEADER_KEY;
        return IS("x-request-id") || IS("x-embedd-timing") || IS("x-embedd-timeout-ms") ||
                       IS("x-envoy-expected-rq-timeout-ms")
                   ? HEADER_KEPT
                   : HEADER_NOBODYS;
    }
    return HEADER_NOBODYS;
}

/* Digits alone; twice alike is one length (RFC 9110, 8.6). */
static bool read_length(struct framing *framing, const char *value, size_t n, bool *is_first)
{
    struct framing_head *head = &framing->head;
    uint64_t length = 0;
    if (n == 0 || n > 18) return fail(framing, n > 18 ? FRAMING_LENGTH_LONG : FRAMING_AMBIGUOUS);
    for (size_t i = 0; i < n; i++) {
        unsigned digit = (unsigned char)value[i] - (unsigned)'0';
        if (digit > 9) return fail(framing, FRAMING_AMBIGUOUS);
        length = length * 10 + digit;
    }
    *is_first = !head->has_length;
    if (head->has_length && head->length != length) return fail(framing, FRAMING_AMBIGUOUS);
    head->has_length = true;
    head->length = length;
    return true;
}

/* Whether `word` is one of the words that commas part. */
static bool has_word(const char *value, size_t n, const char *word, size_t word_bytes)
{
    for (const char *end = value + n; value < end;) {
        while (value < end && (is_blank(*value) || *value == ','))
            value++;
        const char *start = value;
        while (value < end && !is_blank(*value) && *value != ',')
            value++;
        if (is_name(start, (size_t)(value - start), word, word_bytes)) return true;
    }
    return false;
}

/* Sets *passes where the line is to pass; false at a fault. */
static bool read_header(struct framing *framing, enum header header, const char *value, size_t n,
                        bool *passes)
{
    struct framing_head *head = &framing->head;
    switch (header) {
    case HEADER_NOBODYS:
        break;
    case HEADER_KEPT:
        *passes = n <= VALUE_BYTES_MAX;
        break;
    case HEADER_ACCEPT_ENCODING:
        *passes = (head->asks_root || (framing->optional & FRAMING_ACCEPT_ENCODING)) &&
                  n <= VALUE_BYTES_MAX;
        break;
    case HEADER_PAGE:
        *passes = head->asks_root && n <= VALUE_BYTES_MAX;
        break;
    case HEADER_ORIGIN:
        *passes = (framing->optional & FRAMING_ORIGIN) && n <= VALUE_BYTES_MAX;
        break;
    case HEADER_TRACE:
        *passes = (framing->optional & FRAMING_TRACE) && n <= VALUE_BYTES_MAX;
        break;
    case HEADER_FORWARDED:
        *passes = (framing->optional & FRAMING_FORWARDED) && n <= VALUE_BYTES_MAX;
        break;
    case HEADER_KEY: /* take_header_line cuts it where it is longer than any key */
        *passes = framing->optional & FRAMING_KEYS;
        break;
    case HEADER_BODY:
        *passes = true;
        return n <= VALUE_BYTES_MAX || fail(framing, FRAMING_VALUE_LONG);
    case HEADER_HOST:
        if (++head->hosts > 1) return fail(framing, FRAMING_HOST);
        for (size_t i = 0; i < n; i++)
            if (is_blank(value[i]) || value[i] == ',' || value[i] == '/')
                return fail(framing, FRAMING_HOST);
        break;              /* nobody asks which */
    case HEADER_CONNECTION: /* finish_head puts back what it means */
        head->says_close |= has_word(value, n, "close", 5);
        head->says_keep |= has_word(value, n, "keep-alive", 10);
        break;
    case HEADER_LENGTH:
        return read_length(framing, value, n, passes);
    case HEADER_CODING:
        if (head->is_chunked || n != 7 || strncasecmp(value, "chunked", 7) != 0)
            return fail(framing, FRAMING_AMBIGUOUS);
        *passes = head->is_chunked = true;
        break;
    case HEADER_EXPECT:
        head->expects = n == 12 && !strncasecmp(value, "100-continue", 12);
        break; /* finish_head puts it back where a body follows */
    }
    return true;
}

/* What the nearest proxies have added stands at the end; the rest anybody may make as long as they
   like. */
static const char *keep_last_parts(const char *value, const char *end)
{
    if (end - value <= VALUE_BYTES_MAX) return value;
    const char *comma = memchr(end - VALUE_BYTES_MAX - 1, ',', VALUE_BYTES_MAX + 1);
    return comma ? comma + 1 : value;
}

/* `line` without its CR LF, and not empty. */
static bool take_header_line(struct framing *framing, struct cursor *at, const char *line, size_t n)
{
    size_t name = token_bytes(line, n);
    if (name == 0 || name == n || line[name] != ':') return fail(framing, FRAMING_HEADER);
    const char *value = line + name + 1, *end = line + n;
    while (value < end && is_blank(*value))
        value++;
    while (end > value && is_blank(end[-1]))
        end--;
    const enum header header = header_of(line, name);
    if (header == HEADER_FORWARDED) value = keep_last_parts(value, end);
    size_t bytes = (size_t)(end - value);
    bool passes = false;
    if (!read_header(framing, header, value, bytes, &passes)) return false;
    if (!passes) return true;
    /* So that whoever reads it sees that one was sent, and that it is too long. */
    if (header == HEADER_KEY && bytes > VALUE_BYTES_MAX) bytes = VALUE_BYTES_MAX + 1;
    framing->head.kept_bytes += name + 1 + bytes + 2 + RECORD_BYTES;
    if (framing->head.kept_bytes > KEPT_BYTES_MAX) return fail(framing, FRAMING_HEADERS_LONG);
    put(at, line, name + 1);
    put(at, value, bytes); /* without the blanks, which have no bound */
    put(at, "\r\n", 2);
    return true;
}

static enum framing_state after_request(const struct framing *framing)
{
    return framing->closes ? FRAMING_CLOSED : FRAMING_BETWEEN;
}

/* The empty line: what follows is now known. */
static bool finish_head(struct framing *framing, struct cursor *at)
{
    static const char expect[] = "Expect:100-continue\r\n";
    static const char closes[] = "Connection:close\r\n", keeps[] = "Connection:keep-alive\r\n";
    struct framing_head *head = &framing->head;
    if (head->hosts == 0 && !head->is_1_0) return fail(framing, FRAMING_HOST);
    if (head->is_chunked && (head->has_length || head->is_1_0))
        return fail(framing, FRAMING_AMBIGUOUS);
    bool has_body = head->is_chunked || head->length > 0;
    if (head->expects && has_body) put(at, expect, sizeof expect - 1);
    framing->closes = head->says_close || (head->is_1_0 && !head->says_keep);
    if (head->says_close)
        put(at, closes, sizeof closes - 1);
    else if (head->is_1_0 && head->says_keep)
        put(at, keeps, sizeof keeps - 1);
    put(at, "\r\n", 2);
    framing->left = head->length;
    framing->digits = 0;
    framing->has_cr = false;
    framing->state = head->is_chunked ? FRAMING_CHUNK_SIZE
                     : has_body       ? FRAMING_BODY
                                      : after_request(framing);
    *head = (struct framing_head){0};
    return true;
}

/* What can be said of a first line that is not whole: a client of another protocol is told at once.
 */
static bool check_beginning(struct framing *framing, const char *line, size_t n)
{
    size_t method = token_bytes(line, n < METHOD_BYTES_MAX ? n : METHOD_BYTES_MAX);
    if (method < n && (method == 0 || line[method] != ' '))
        return fail(framing, FRAMING_REQUEST_LINE);
    return true;
}

/* One line of the head, if it is there whole; false where it is not, or at a fault. */
static bool take_line(struct framing *framing, struct cursor *at)
{
    const char *line = at->bytes + at->read;
    size_t rest = at->n - at->read, n = text_bytes(line, rest);
    const bool is_first = framing->state == FRAMING_FIRST_LINE;
    /* Nothing but CR LF ends a line; the second of these may be still to come. */
    bool is_whole = n + 1 < rest && line[n] == '\r' && line[n + 1] == '\n';
    bool is_under_way = n == rest || (n + 1 == rest && line[n] == '\r');
    size_t bytes = is_whole ? n + 2 : n;
    bool is_long = bytes > framing->head_bytes_max - framing->head.bytes;
    if (is_first && (!is_whole || is_long) && !check_beginning(framing, line, n)) return false;
    if (is_long) return fail(framing, is_first ? FRAMING_TARGET_LONG : FRAMING_HEAD_LONG);
    if (is_under_way) return false;
    if (!is_whole) return fail(framing, is_first ? FRAMING_REQUEST_LINE : FRAMING_HEADER);
    framing->head.bytes += bytes;
    at->read += bytes;
    if (is_first) return take_request_line(framing, at, line, n);
    return n == 0 ? finish_head(framing, at) : take_header_line(framing, at, line, n);
}

/* ---- bodies ---- */

static void pass(struct framing *framing, struct cursor *at, enum framing_state next)
{
    size_t rest = at->n - at->read;
    const char *from = at->bytes + at->read;
    if (rest > framing->left) rest = (size_t)framing->left;
    at->read += rest;
    put(at, from, rest);
    framing->left -= rest;
    if (framing->left == 0) framing->state = next;
}

static bool pass_byte(struct cursor *at)
{
    at->read++;
    put(at, at->bytes + at->read - 1, 1);
    return true;
}

static bool drop_byte(struct cursor *at)
{
    at->read++;
    return true;
}

static unsigned hex_digit(unsigned char c)
{
    if ((unsigned char)(c - '0') < 10) return c - (unsigned)'0';
    c |= 0x20;
    return (unsigned char)(c - 'a') < 6 ? c - (unsigned)'a' + 10 : 16;
}

/* CR, then LF, of which nothing else may come. */
static bool pass_line_end(struct framing *framing, struct cursor *at, enum framing_state next)
{
    char want = framing->has_cr ? '\n' : '\r';
    if (at->bytes[at->read] != want) return fail(framing, FRAMING_CHUNK);
    if (framing->has_cr) framing->state = next;
    framing->has_cr = !framing->has_cr;
    return pass_byte(at);
}

static bool take_chunk_size(struct framing *framing, struct cursor *at)
{
    unsigned char c = (unsigned char)at->bytes[at->read];
    unsigned digit = hex_digit(c);
    if (digit < 16) {
        if (++framing->digits > CHUNK_DIGITS_MAX) return fail(framing, FRAMING_CHUNK_LONG);
        framing->left = (framing->digits == 1 ? 0 : framing->left << 4) | digit;
        return pass_byte(at);
    }
    if (framing->digits == 0) return fail(framing, FRAMING_CHUNK);
    if (framing->left > CHUNK_BYTES_MAX) return fail(framing, FRAMING_CHUNK_LONG);
    framing->state = FRAMING_CHUNK_SIZE_END;
    if (c == '\r') return true;
    framing->state = FRAMING_CHUNK_EXTENSION;
    framing->head.bytes = 0;
    framing->has_cr = false;
    return c == ';' || is_blank((char)c) || fail(framing, FRAMING_CHUNK);
}

/* Blanks, a semicolon, and what nobody has ever meant anything with. */
static bool drop_extension(struct framing *framing, struct cursor *at)
{
    unsigned char c = (unsigned char)at->bytes[at->read];
    if (++framing->head.bytes > CHUNK_LINE_BYTES_MAX) return fail(framing, FRAMING_CHUNK);
    if (c == ';') framing->digits = 0; /* has been seen */
    if (c == '\r' && framing->digits == 0) {
        framing->state = FRAMING_CHUNK_SIZE_END;
        return true;
    }
    bool is_expected = framing->digits == 0 ? is_field_char(c) : is_blank((char)c);
    return is_expected ? drop_byte(at) : fail(framing, FRAMING_CHUNK);
}

static bool end_chunk_size(struct framing *framing, struct cursor *at)
{
    enum framing_state next = framing->left ? FRAMING_CHUNK_DATA : FRAMING_TRAILER;
    if (!pass_line_end(framing, at, next)) return false;
    framing->digits = 0;
    framing->head.bytes = 0;
    return true;
}

/* Header lines behind the last chunk: checked as far as their form, and nobody's. */
static bool drop_trailer(struct framing *framing, struct cursor *at)
{
    unsigned char c = (unsigned char)at->bytes[at->read];
    if (framing->state == FRAMING_TRAILER && c == '\r') {
        framing->state = FRAMING_LAST_END;
        framing->has_cr = false;
        return true;
    }
    if (++framing->head.bytes > framing->head_bytes_max) return fail(framing, FRAMING_TRAILER_LONG);
    bool is_sound = false;
    switch (framing->state) {
    case FRAMING_TRAILER:
        is_sound = is_token_char(c);
        framing->state = FRAMING_TRAILER_NAME;
        break;
    case FRAMING_TRAILER_NAME:
        is_sound = c == ':' || is_token_char(c);
        if (c == ':') framing->state = FRAMING_TRAILER_VALUE;
        break;
    case FRAMING_TRAILER_VALUE:
        is_sound = c == '\r' || is_field_char(c);
        if (c == '\r') framing->state = FRAMING_TRAILER_END;
        break;
    default:
        is_sound = c == '\n';
        framing->state = FRAMING_TRAILER;
    }
    return is_sound ? drop_byte(at) : fail(framing, FRAMING_HEADER);
}

/* ---- the whole ---- */

static bool begin_or_skip(struct framing *framing, struct cursor *at)
{
    char c = at->bytes[at->read];
    if (c == '\r' || c == '\n') return drop_byte(at);
    framing->n_begun++;
    framing->head = (struct framing_head){0};
    framing->state = FRAMING_FIRST_LINE;
    return true;
}

static bool step(struct framing *framing, struct cursor *at)
{
    switch (framing->state) {
    case FRAMING_BETWEEN:
        return begin_or_skip(framing, at);
    case FRAMING_FIRST_LINE:
    case FRAMING_HEADERS:
        return take_line(framing, at);
    case FRAMING_BODY:
        pass(framing, at, after_request(framing));
        return true;
    case FRAMING_CHUNK_SIZE:
        return take_chunk_size(framing, at);
    case FRAMING_CHUNK_EXTENSION:
        return drop_extension(framing, at);
    case FRAMING_CHUNK_SIZE_END:
        return end_chunk_size(framing, at);
    case FRAMING_CHUNK_DATA:
        pass(framing, at, FRAMING_CHUNK_DATA_END);
        return true;
    case FRAMING_CHUNK_DATA_END:
        return pass_line_end(framing, at, FRAMING_CHUNK_SIZE);
    case FRAMING_TRAILER:
    case FRAMING_TRAILER_NAME:
    case FRAMING_TRAILER_VALUE:
    case FRAMING_TRAILER_END:
        return drop_trailer(framing, at);
    case FRAMING_LAST_END:
        return pass_line_end(framing, at, after_request(framing));
    case FRAMING_CLOSED:
        at->read = at->n;
        return false;
    }
    return false;
}

static bool is_in_head(const struct framing *framing)
{
    return framing->state == FRAMING_FIRST_LINE || framing->state == FRAMING_HEADERS;
}

/* Runs over everything there is. Returns the end of what may pass: all that was written, but for
   the lines of a head that is not complete. */
static size_t run(struct framing *framing, struct cursor *at, size_t ready)
{
    while (at->read < at->n && !framing->fault && step(framing, at))
        if (!is_in_head(framing)) ready = at->written;
    return ready;
}

static bool make_room(struct framing *framing, size_t bytes)
{
    if (bytes <= framing->held_room) return true;
    size_t room = 2 * framing->held_room;
    if (room < 512) room = 512;
    if (room > framing->head_bytes_max) room = framing->head_bytes_max;
    if (room < bytes) room = bytes;
    char *held = realloc(framing->held, room);
    if (!held) return fail(framing, FRAMING_MEMORY);
    framing->held = held;
    framing->held_room = room;
    return true;
}

/* Keeps a head that is not complete, from its first byte on. What its lines lost on the way stays
   as a gap between what was written and what is still to be read: finish_head may need it. */
static void hold(struct framing *framing, const struct cursor *at, size_t ready)
{
    size_t bytes = at->n - ready;
    if (at->read == at->n && at->written == ready) return;
    if (framing->fault || !make_room(framing, bytes)) return;
    memcpy(framing->held, at->bytes + ready, bytes);
    framing->held_bytes = bytes;
    framing->ready = 0;
    framing->written = at->written - ready;
    framing->read = at->read - ready;
}

static void release(struct framing *framing)
{
    free(framing->held);
    framing->held = NULL;
    framing->held_room = framing->held_bytes = 0;
    framing->ready = framing->written = framing->read = 0;
}

/* Takes the first `n` bytes of what is held away. */
static void drop_held(struct framing *framing, size_t n)
{
    framing->held_bytes -= n;
    memmove(framing->held, framing->held + n, framing->held_bytes);
    framing->ready -= framing->ready < n ? framing->ready : n;
    framing->written -= framing->written < n ? framing->written : n;
    framing->read -= n;
}

/* As much as there is room for of what is held and ready. */
static size_t give(struct framing *framing, char *bytes, size_t room)
{
    size_t n = framing->ready < room ? framing->ready : room;
    if (n > 0) {
        memcpy(bytes, framing->held, n);
        drop_held(framing, n);
    }
    if (framing->written == 0) drop_held(framing, framing->read); /* no line of a head: no gap */
    if (framing->held_bytes == 0) release(framing);
    return n;
}

static void take_behind_held(struct framing *framing, const char *bytes, size_t n)
{
    if (!make_room(framing, framing->held_bytes + n)) return;
    memcpy(framing->held + framing->held_bytes, bytes, n);
    framing->held_bytes += n;
    struct cursor at = {framing->held, framing->held_bytes, framing->read, framing->written};
    framing->ready = run(framing, &at, framing->ready);
    framing->written = at.written;
    framing->read = at.read;
}

void framing_init(struct framing *framing, size_t head_bytes_max, unsigned optional)
{
    *framing = (struct framing){.head_bytes_max = head_bytes_max, .optional = optional};
}

void framing_clear(struct framing *framing)
{
    release(framing);
}

size_t framing_take(struct framing *framing, char *bytes, size_t n, size_t room)
{
    assert(n <= room);
    if (n == 0 && framing->held_bytes == 0) return 0;
    if (framing->held_bytes > 0) {
        if (n > 0 && !framing->fault) take_behind_held(framing, bytes, n);
        return give(framing, bytes, room);
    }
    if (framing->fault) return 0;
    struct cursor at = {.bytes = bytes, .n = n};
    size_t ready = run(framing, &at, 0);
    hold(framing, &at, ready);
    return ready;
}
