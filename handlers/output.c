/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers/output.h"

#include "base/json.h"
#include "base/numtext.h"
#include "handlers/handlers.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

const char *const encoding_names[2] = {[ENCODING_FLOAT] = "float", [ENCODING_BASE64] = "base64"};

static const char type_json[] = "application/json";

void reply_add_header(struct exchange *x, const char *name, const char *value)
{
    assert(x->n_headers < REPLY_HEADERS_MAX);
    x->headers[x->n_headers++] = (struct reply_header){name, value};
}

void reply_by(struct exchange *x, bool (*write)(struct exchange *, struct buf *, struct err *))
{
    struct buf out;
    struct err err;
    buf_init(&out, x->arena);
    if (write(x, &out, &err)) {
        reply_json(x, &out);
    } else {
        handlers_fail(x, &err);
    }
}

void reply_static(struct exchange *x, unsigned status, const char *type, const char *body)
{
    x->status = status;
    x->reply_type = type;
    x->reply = body;
    x->reply_bytes = strlen(body);
}

void reply_buf(struct exchange *x, unsigned status, const char *type, const struct buf *out)
{
    if (out->failed) {
        struct err err;
        err_out_of_memory(&err);
        handlers_fail(x, &err);
        return;
    }
    x->status = status;
    x->reply_type = type;
    x->reply = out->data;
    x->reply_bytes = out->bytes;
}

void reply_json(struct exchange *x, const struct buf *out)
{
    reply_buf(x, 200, type_json, out);
}

/* -- before the work -- */

/* Reading a byte of a row takes about an eighth of the time of writing one of the reply. */
#define READ_SHARE 8

bool reply_plan(struct exchange *x, const struct plan *plan, struct err *err)
{
    uint64_t held = plan->piece_bytes ? plan->piece_bytes : plan->reply_bytes;
    if (plan->reply_bytes > x->arena->cap_bytes || held > arena_left(x->arena)) {
        x->sample.reject = REJECT_MEMORY;
        return err_set(err, ERR_MEMORY, NULL,
                       "the reply would have about %" PRIu64
                       " bytes, more than max-request-memory, "
                       "%zu, allows; send fewer or shorter inputs, or raise max-request-memory",
                       plan->reply_bytes, x->arena->cap_bytes);
    }
    if (!arena_has_budget(x->arena, held)) return err_overloaded(err);
    uint64_t work = (plan->piece_bytes ? 0 : plan->reply_bytes) + plan->read_bytes / READ_SHARE;
    if (x->work_max == 0 || work <= x->work_max) return true;
    x->is_deferred = true;
    return err_set(err, ERR_INTERNAL, NULL, "the work was to be done elsewhere");
}

#define WHOLE_BYTES_MAX ((uint64_t)1 << 20)

/* Twice, for a buffer that grows is there twice. */
void plan_pieces(struct plan *plan, uint64_t entry_bytes)
{
    if (plan->reply_bytes > WHOLE_BYTES_MAX) plan->piece_bytes = 2 * (PIECE_BYTES + entry_bytes);
}

void reply_pieces(struct exchange *x, const struct plan *plan,
                  bool (*make_piece)(struct exchange *, void *, struct buf *), void *maker)
{
    buf_init(&x->piece, x->arena);
    if (plan->piece_bytes) {
        x->make_piece = make_piece;
        x->maker = maker;
        x->status = 200;
        x->reply_type = type_json;
        return;
    }
    buf_reserve(&x->piece, plan->reply_bytes);
    while (!x->piece.failed && make_piece(x, maker, &x->piece)) {
    }
    reply_json(x, &x->piece);
}

/* -- errors -- */

/* What a code becomes on the wire. TEI's status differs: a wrong value is its Validation, 422. */
struct error_form {
    unsigned status, tei_status;
    const char *openai_type, *openai_code; /* code NULL = null */
    const char *tei_type;
    enum metrics_reject reject; /* where nothing more exact was noted */
};

static struct error_form form_of(enum err_code code)
{
    static const char mine[] = "invalid_request_error", ours[] = "server_error";
    switch (code) {
    case ERR_INVALID:
    case ERR_RANGE:
        return (struct error_form){400, 422, mine, NULL, "Validation", REJECT_BAD_VALUE};
    case ERR_NOT_FOUND:
        return (struct error_form){404, 404, mine, "not_found", "Validation", REJECT_NOT_FOUND};
    case ERR_METHOD:
        return (struct error_form){405,          405,          mine, "method_not_allowed",
                                   "Validation", REJECT_METHOD};
    case ERR_TOO_LARGE:
        return (struct error_form){413,         413,          mine,
                                   "too_large", "Validation", REJECT_BODY_TOO_LARGE};
    case ERR_MEMORY:
        return (struct error_form){413, 413, mine, "too_large", "Validation", REJECT_MEMORY};
    case ERR_MEDIA_TYPE:
        return (struct error_form){
            415, 415, mine, "unsupported_media_type", "Validation", REJECT_MEDIA_TYPE};
    case ERR_UNPROCESSABLE:
        return (struct error_form){422, 422, mine, NULL, "Validation", REJECT_UNKNOWN_TOKEN};
    case ERR_UNAVAILABLE:
        return (struct error_form){503, 503, ours, "unavailable", "Overloaded", REJECT_DRAINING};
    case ERR_OVERLOADED:
        return (struct error_form){503, 503, ours, "overloaded", "Overloaded", REJECT_OVERLOAD};
    case ERR_NONE:
    case ERR_USAGE:
    case ERR_IO:
    case ERR_FORMAT:
    case ERR_INTERNAL:
        break;
    }
    return (struct error_form){500, 500, ours, NULL, "Backend", REJECT_NONE};
}

static void write_openai_error(struct buf *out, const struct error_form *form,
                               const struct err *err)
{
    buf_add_str(out, "{\"error\":{\"message\":");
    json_write_string(out, err->message, strlen(err->message));
    buf_printf(out, ",\"type\":\"%s\",\"param\":", form->openai_type);
    if (err->param[0]) {
        json_write_string(out, err->param, strlen(err->param));
    } else {
        buf_add_str(out, "null");
    }
    const char *code = form->openai_code;
    if (err->code == ERR_NOT_FOUND && strcmp(err->param, "model") == 0) code = "model_not_found";
    if (code) {
        buf_printf(out, ",\"code\":\"%s\"}}", code);
    } else {
        buf_add_str(out, ",\"code\":null}}");
    }
}

static void write_tei_error(struct buf *out, const char *type, const char *prefix,
                            const char *message)
{
    char text[sizeof((struct err *)0)->message + 32];
    int bytes = snprintf(text, sizeof text, "%s%s", prefix, message);
    buf_add_str(out, "{\"error\":");
    json_write_string(out, text, (size_t)bytes < sizeof text ? (size_t)bytes : sizeof text - 1);
    buf_printf(out, ",\"error_type\":\"%s\"}", type);
}

/* Where there is no memory left even for the error. */
static void reply_no_memory(struct exchange *x, enum dialect dialect)
{
    if (x->arena->is_starved) {
        reply_static(x, 503, type_json,
                     dialect == DIALECT_TEI
                         ? "{\"error\":\"the server has no memory left for requests\","
                           "\"error_type\":\"Overloaded\"}"
                         : "{\"error\":{\"message\":\"the server has no memory left for "
                           "requests\",\"type\":\"server_error\",\"param\":null,"
                           "\"code\":\"overloaded\"}}");
        return;
    }
    reply_static(
        x, 413, type_json,
        dialect == DIALECT_TEI
            ? "{\"error\":\"the request needs more memory than max-request-memory allows\","
              "\"error_type\":\"Validation\"}"
            : "{\"error\":{\"message\":\"the request needs more memory than "
              "max-request-memory allows\",\"type\":\"invalid_request_error\","
              "\"param\":null,\"code\":\"too_large\"}}");
}

void reply_tei_error(struct exchange *x, unsigned status, const char *type, const char *message)
{
    struct buf out;
    buf_init(&out, x->arena);
    write_tei_error(&out, type, "", message);
    reply_buf(x, status, type_json, &out);
}

void handlers_fail(struct exchange *x, const struct err *err)
{
    if (x->is_deferred) return;
    /* What looks like a request that is too large may be one that came at a bad time. */
    struct err overloaded;
    if (err->code == ERR_MEMORY && x->arena->is_starved) {
        err_overloaded(&overloaded);
        err = &overloaded;
        x->sample.reject = REJECT_OVERLOAD;
    }
    if (err->code == ERR_OVERLOADED) reply_add_header(x, "retry-after", "1");
    enum dialect dialect = x->route ? x->route->dialect : DIALECT_OWN;
    struct error_form form = form_of(err->code);
    if (x->sample.reject == REJECT_NONE) x->sample.reject = form.reject;
    struct buf out;
    buf_init(&out, x->arena);
    unsigned status = form.status;
    const char *type = type_json;
    if (dialect == DIALECT_TEI &&
        (x->sample.reject == REJECT_BAD_JSON || err->code == ERR_MEDIA_TYPE)) {
        /* TEI's web framework answers these before TEI does, in plain text. */
        type = "text/plain; charset=utf-8";
        buf_printf(&out, "%s%s",
                   err->code == ERR_MEDIA_TYPE ? "" : "Failed to parse the request body as JSON: ",
                   err->message);
    } else if (dialect == DIALECT_TEI) {
        status = form.tei_status;
        write_tei_error(&out, form.tei_type,
                        err->code == ERR_INVALID ? "Input validation error: " : "", err->message);
    } else {
        write_openai_error(&out, &form, err);
    }
    if (out.failed) {
        reply_no_memory(x, dialect);
    } else {
        reply_buf(x, status, type, &out);
    }
    reply_add_common(x);
}

/* -- headers -- */

static bool is_sane_id(const char *id)
{
    if (!id || !*id) return false;
    size_t i = 0;
    for (; id[i]; i++)
        if (i == 128 || id[i] < 0x20 || id[i] > 0x7E) return false;
    return true;
}

/* Unique without a system call a request: 64 random bits a thread, and a bijection of a counter. */
static void new_request_id(char out[static 33])
{
    static _Thread_local uint64_t seed, count;
    if (seed == 0) {
        if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed || seed == 0)
            seed = clock_now_ns() ^ (uint64_t)(uintptr_t)&seed;
    }
    uint64_t mixed = ++count * 0x9E3779B97F4A7C15u;
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9u;
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EBu;
    uint64_t parts[2] = {seed, mixed ^ mixed >> 31};
    for (size_t i = 0; i < 32; i++)
        out[i] = "0123456789abcdef"[parts[i / 16] >> (60 - 4 * (i % 16)) & 15];
    out[32] = '\0';
}

/* "name/version", or the name alone; bytes that no header may hold become '?'. */
static const char *model_header(struct exchange *x)
{
    const struct model_info *info = model_info(x->service->model);
    size_t name = strlen(info->name), version = strlen(info->version);
    char *out = arena_alloc(x->arena, name + version + 2);
    if (!out) return NULL;
    memcpy(out, info->name, name);
    size_t bytes = name;
    if (version) {
        out[bytes++] = '/';
        memcpy(out + bytes, info->version, version);
        bytes += version;
    }
    out[bytes] = '\0';
    for (size_t i = 0; i < bytes; i++)
        if ((unsigned char)out[i] < 0x20 || out[i] == 0x7F) out[i] = '?';
    return out;
}

static void add_count(struct exchange *x, const char *name, uint64_t count)
{
    if (count == 0) return;
    char *text = arena_alloc(x->arena, 24);
    if (!text) return;
    text[numtext_u64(text, count)] = '\0';
    reply_add_header(x, name, text);
}

static void add_timing(struct exchange *x)
{
    struct buf text;
    buf_init(&text, x->arena);
    for (int i = 0; i < STAGE_COUNT; i++) {
        if (x->sample.stage_ns[i] == 0) continue;
        buf_printf(&text, "%s%s;dur=%.3f", text.bytes ? ", " : "", metrics_stage_names[i],
                   (double)x->sample.stage_ns[i] / 1e6);
    }
    if (text.bytes == 0) return;
    buf_add_char(&text, '\0');
    if (!text.failed) reply_add_header(x, "server-timing", text.data);
}

void reply_add_common(struct exchange *x)
{
    x->sample.status = x->status;
    const char *id = x->request_id;
    if (!is_sane_id(id)) {
        char *made = arena_alloc(x->arena, 33);
        if (made) new_request_id(made);
        id = made;
    }
    if (id) reply_add_header(x, "x-request-id", id);
    const char *model = model_header(x);
    if (model) reply_add_header(x, "x-embedd-model", model);
    if (x->wants_timing || x->service->timing_always) add_timing(x);
    if (x->status >= 400) return;
    add_count(x, "x-embedd-unknown", x->sample.unknown_tokens);
    add_count(x, "x-embedd-truncated", x->sample.truncated_inputs);
    add_count(x, "x-embedd-ignored-fields", x->sample.ignored_fields);
}

/* -- vectors -- */

void write_text(struct buf *out, struct text text)
{
    json_write_string(out, text.data, text.bytes);
}

void write_u64(struct buf *out, uint64_t value)
{
    char *at = buf_reserve(out, 20);
    if (at) out->bytes += numtext_u64(at, value);
}

void write_number(struct buf *out, float value)
{
    char *at = buf_reserve(out, NUMTEXT_FLOAT_BYTES);
    if (at) out->bytes += numtext_float(at, value);
}

void write_index(struct buf *out, size_t index)
{
    buf_add_str(out, index > 0 ? ",{\"index\":" : "{\"index\":");
    write_u64(out, index);
}

void write_model_name(struct buf *out, struct text name)
{
    buf_add_str(out, "],\"model\":");
    write_text(out, name);
}

size_t write_floats_bytes(enum encoding encoding, size_t n)
{
    return 2 + (encoding == ENCODING_BASE64 ? numtext_base64_bytes(n * sizeof(float))
                                            : numtext_floats_bytes(n));
}

/* As write_floats, where room has been made; returns the end. */
static char *put_floats(char *at, enum encoding encoding, const float *x, size_t n)
{
    *at++ = encoding == ENCODING_BASE64 ? '"' : '[';
    at += encoding == ENCODING_BASE64 ? numtext_base64(at, x, n * sizeof *x)
                                      : numtext_floats(at, x, n);
    *at++ = encoding == ENCODING_BASE64 ? '"' : ']';
    return at;
}

void write_floats(struct buf *out, enum encoding encoding, const float *x, size_t n)
{
    char *at = buf_reserve(out, write_floats_bytes(encoding, n));
    if (at) out->bytes += (size_t)(put_floats(at, encoding, x, n) - at);
}

static char *put(char *at, struct text text)
{
    if (text.bytes == 0) return at;
    memcpy(at, text.data, text.bytes);
    return at + text.bytes;
}

/* Vectors pooled before they are written: few enough to stay in the first-level cache. */
#define VECTORS_AT_ONCE 8
/* Room for what a dialect writes behind the vectors: more only costs a copy. */
#define TAIL_BYTES 256

bool write_vectors(struct exchange *x, const struct batch *batch,
                   const struct pool_options *options, enum encoding encoding,
                   const struct vector_frame *frame, struct buf *out, struct err *err)
{
    size_t dims = options->dims, at_once = batch->n < VECTORS_AT_ONCE ? batch->n : VECTORS_AT_ONCE;
    size_t frame_bytes = frame->before.bytes + frame->between.bytes + frame->after.bytes + 21;
    const struct plan plan = {
        .reply_bytes = batch->n * (frame_bytes + write_floats_bytes(encoding, dims)),
        .read_bytes = model_read_bytes(x->service->model, batch->tokens),
    };
    if (!reply_plan(x, &plan, err)) return false;
    float *vectors = arena_array(x->arena, at_once * dims, sizeof *vectors);
    char *at = buf_reserve(out, frame->head.bytes + TAIL_BYTES + plan.reply_bytes);
    if (!vectors || !at) return err_out_of_memory(err);
    at = put(at, frame->head);
    for (size_t first = 0; first < batch->n; first += at_once) {
        size_t n = batch->n - first < at_once ? batch->n - first : at_once;
        for (size_t i = 0; i < n; i++) {
            const struct sequence *item = &batch->items[first + i];
            const struct passage passage = sequence_passage(item);
            if (!model_vector(x->service->model, x->arena, &passage, options, vectors + i * dims,
                              err))
                return err->code != ERR_INTERNAL
                           ? false
                           : err_set(
                                 err, ERR_INTERNAL, NULL,
                                 "the vector of input %zu is not finite (NaN or infinity in the "
                                 "model's rows, or a sum that overflows), so it is not sent; check "
                                 "the model with embedd inspect",
                                 first + i);
        }
        stage_end(x, STAGE_LOOKUP);
        for (size_t i = 0; i < n; i++) {
            if (first + i > 0) *at++ = ',';
            at = put(at, frame->before);
            if (frame->has_index) at += numtext_u64(at, first + i);
            at = put(at, frame->between);
            at = put_floats(at, encoding, vectors + i * dims, dims);
            at = put(at, frame->after);
        }
        stage_end(x, STAGE_WRITE);
    }
    out->bytes = (size_t)(at - out->data);
    return true;
}
