/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers/packing.h"

#include "base/err.h"
#include "handlers/errors.h"
#include "handlers/form.h"
#include "handlers/service.h"

#include <string.h>
#include <strings.h>

/* ---- requests ---- */

bool packing_read(const char *name, enum compression *coding)
{
    *coding = COMPRESSION_NONE;
    if (!name || !*name || !strcasecmp(name, "identity")) return true;
    if (!strcasecmp(name, "x-gzip")) name = compression_names[COMPRESSION_GZIP];
    for (int i = COMPRESSION_NONE + 1; i < COMPRESSION_COUNT; i++) {
        if (strcasecmp(name, compression_names[i]) != 0) continue;
        *coding = (enum compression)i;
        return true;
    }
    return false;
}

static void fail(struct exchange *x, enum unpacked how, const char *name)
{
    struct err err;
    const char *why = how == UNPACKED_CUT        ? "its end is missing"
                      : how == UNPACKED_TRAILING ? "something else follows it"
                                                 : "it is damaged, or no such data";
    const size_t max = form_body_max(x);
    if (how == UNPACKED_MEMORY) {
        err_out_of_memory(&err);
    } else if (how == UNPACKED_LONG) {
        err_set(&err, ERR_TOO_LARGE, NULL,
                "the body, unpacked, has more than max-body-bytes, %zu bytes; send fewer inputs a "
                "request, or raise max-body-bytes",
                max);
    } else if (how == UNPACKED_WINDOW) {
        err_set(&err, ERR_INVALID, NULL,
                "the body was packed with a window of more than %zu bytes; pack it without --long "
                "or --ultra",
                COMPRESSION_WINDOW_BYTES);
    } else {
        err_set(&err, ERR_INVALID, NULL,
                "the body is not whole %s data: %s; send all of it and nothing else, or the body "
                "uncompressed without content-encoding",
                name, why);
    }
    /* As where the body is no JSON: of any other kind, TEI's errors are 422. */
    if (err.code == ERR_INVALID) x->sample.reject = REJECT_BAD_JSON;
    handlers_fail(x, &err);
}

bool packing_unpack(struct exchange *x)
{
    struct buf body;
    buf_init(&body, x->arena);
    const enum unpacked how =
        compression_unpack(x->body_packing, x->body, x->body_bytes, form_body_max(x), &body);
    if (how != UNPACKED) {
        fail(x, how, compression_names[x->body_packing]);
        return false;
    }
    x->body = body.data;
    x->body_bytes = body.bytes;
    x->body_packing = COMPRESSION_NONE;
    return true;
}

/* ---- what the client wishes ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static const char *skip_blanks(const char *at)
{
    while (is_blank(*at))
        at++;
    return at;
}

/* A weight in thousandths: "0.8" is 800. What is none weighs nothing. */
static int read_weight(const char *at)
{
    if (*at != '0' && *at != '1') return 0;
    int weight = (*at++ - '0') * 1000;
    if (*at == '.') {
        at++;
        for (int unit = 100; unit > 0 && *at >= '0' && *at <= '9'; unit /= 10)
            weight += unit * (*at++ - '0');
    }
    at = skip_blanks(at);
    return (*at == '\0' || *at == ',') && weight <= 1000 ? weight : 0;
}

/* The weight of the element that ends its name at `at`. */
static int weight_at(const char *at)
{
    at = skip_blanks(at);
    if (*at != ';') return *at == '\0' || *at == ',' ? 1000 : 0;
    at = skip_blanks(at + 1);
    return strncasecmp(at, "q=", 2) == 0 ? read_weight(at + 2) : 0;
}

static bool is_word(const char *at, size_t bytes, const char *word)
{
    return strlen(word) == bytes && strncasecmp(at, word, bytes) == 0;
}

/* Which of the weights below a name is for; COMPRESSION_COUNT: none. */
static int place_of(const char *name, size_t bytes)
{
    if (is_word(name, bytes, "x-gzip")) return COMPRESSION_GZIP;
    for (int i = 0; i < COMPRESSION_COUNT; i++)
        if (is_word(name, bytes, compression_names[i])) return i;
    return COMPRESSION_COUNT;
}

/* Of each coding, and at the end of what we do not know; -1: not named. */
static void read_weights(const char *accept_encoding, int weights[static COMPRESSION_COUNT + 1])
{
    int rest = -1;
    for (int i = 0; i <= COMPRESSION_COUNT; i++)
        weights[i] = -1;
    const char *at = accept_encoding ? accept_encoding : "";
    for (at += strspn(at, " \t,"); *at; at += strspn(at, " \t,")) {
        const size_t bytes = strcspn(at, " \t,;");
        const int weight = weight_at(at + bytes);
        if (is_word(at, bytes, "*"))
            rest = weight;
        else
            weights[place_of(at, bytes)] = weight;
        at += strcspn(at, ",");
    }
    for (int i = 0; i < COMPRESSION_COUNT; i++)
        if (weights[i] < 0 && (i != COMPRESSION_NONE || rest == 0)) weights[i] = rest;
}

bool packing_takes_gzip(const char *accept_encoding)
{
    int weights[COMPRESSION_COUNT + 1];
    read_weights(accept_encoding, weights);
    return weights[COMPRESSION_GZIP] > 0;
}

struct packing_wish packing_wish(const char *accept_encoding)
{
    struct packing_wish wish = {COMPRESSION_NONE, false};
    int weights[COMPRESSION_COUNT + 1];
    read_weights(accept_encoding, weights);
    const int gzip = weights[COMPRESSION_GZIP], zstd = weights[COMPRESSION_ZSTD];
    const int best = zstd > gzip ? zstd : gzip;
    if (best > 0 && best >= weights[COMPRESSION_NONE])
        wish.coding = zstd >= gzip ? COMPRESSION_ZSTD : COMPRESSION_GZIP;
    wish.needs = wish.coding != COMPRESSION_NONE && weights[COMPRESSION_NONE] == 0;
    return wish;
}

/* ---- replies ---- */

/* Packing a byte takes at most about as long as writing so many. */
#define PACK_SHARE 8
/* A reply that loses less than this part of its length is sent as it is. */
#define GAIN_SHARE 8

/* Rows were read and no head was asked: what was replied is floats, of which packing leaves half
   for ten times the work of making them. */
static bool carries_vectors(const struct exchange *x)
{
    return x->sample.stage_ns[STAGE_LOOKUP] > 0 && x->sample.stage_ns[STAGE_HEAD] == 0;
}

static bool is_worth_it(const struct exchange *x)
{
    const struct service *service = x->service;
    if (service->compress == COMPRESS_BUT_VECTORS && carries_vectors(x)) return false;
    return x->make_piece || x->reply_bytes >= service->compress_bytes_min;
}

static void say_coding(struct exchange *x, enum compression coding)
{
    reply_add_header(x, "content-encoding", compression_names[coding]);
}

static void pack_whole(struct exchange *x, enum compression coding)
{
    const size_t room = x->reply_bytes - x->reply_bytes / GAIN_SHARE;
    char *out = arena_alloc(x->arena, room);
    if (!out) return;
    const size_t bytes = compression_pack(coding, x->arena, x->reply, x->reply_bytes, out, room);
    if (bytes == 0) return;
    x->reply = out;
    x->reply_bytes = bytes;
    say_coding(x, coding);
    stage_end(x, STAGE_WRITE);
}

/* Stands between a maker of pieces and the exchange. */
struct wrapping {
    bool (*make_piece)(struct exchange *x, void *maker, struct buf *piece);
    void *maker;
    struct packer *packer;
    struct buf plain;
};

static bool make_packed(struct exchange *x, void *maker, struct buf *piece)
{
    struct wrapping *wrapping = maker;
    struct buf *plain = &wrapping->plain;
    plain->bytes = 0;
    const bool has_more = wrapping->make_piece(x, wrapping->maker, plain);
    if (plain->failed || !packer_add(wrapping->packer, plain->data, plain->bytes, !has_more, piece))
        piece->failed = true;
    return has_more && !piece->failed;
}

static void pack_pieces(struct exchange *x, enum compression coding)
{
    struct wrapping *wrapping = arena_alloc(x->arena, sizeof *wrapping);
    struct packer *packer = wrapping ? packer_new(coding, x->arena) : NULL;
    if (!packer) return;
    *wrapping = (struct wrapping){.make_piece = x->make_piece, .maker = x->maker, .packer = packer};
    buf_init(&wrapping->plain, x->arena);
    x->make_piece = make_packed;
    x->maker = wrapping;
    say_coding(x, coding);
}

bool packing_pack(struct exchange *x)
{
    const bool is_empty = !x->make_piece && x->reply_bytes == 0;
    if (x->service->compress == COMPRESS_OFF || x->is_packed || is_empty) return true;
    const struct packing_wish wish = packing_wish(x->accept_encoding);
    if (wish.coding == COMPRESSION_NONE || (!wish.needs && !is_worth_it(x))) return true;
    if (x->make_piece) {
        pack_pieces(x, wish.coding);
        return true;
    }
    if (x->work_max > 0 && x->reply_bytes > x->work_max / PACK_SHARE) return false;
    /* What operators ask may be answered beyond the memory for all, not packed beyond it. */
    const bool is_exempt = x->arena->is_exempt;
    x->arena->is_exempt = false;
    pack_whole(x, wish.coding);
    x->arena->is_exempt = is_exempt;
    return true;
}
