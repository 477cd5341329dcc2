/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"
#include "library/fault.h"
#include "library/handles.h"
#include "library/pool.h"

#include <inttypes.h>
#include <string.h>

_Static_assert(EMBEDD_NO_ID == TOKEN_ID_NONE, "the public id of no token is the model's");
_Static_assert(sizeof(struct token_span) == 2 * sizeof(uint32_t), "a span is two numbers");

/* ---- texts to tokens ---- */

static bool check_text(const char *text, size_t bytes, struct fault *fault)
{
    if (bytes == 0) return true;
    if (!text) return fault_null(fault, "text");
    if (bytes > EMBEDD_TEXT_BYTES_MAX)
        return fault_set(fault, EMBEDD_ERROR_TEXT, "text",
                         "the text has %zu bytes, more than the limit of %d; split it", bytes,
                         EMBEDD_TEXT_BYTES_MAX);
    const size_t valid = utf8_valid_bytes(text, bytes);
    return valid == bytes || fault_set(fault, EMBEDD_ERROR_TEXT, "text",
                                       "the text is not UTF-8 at byte %zu (0x%02X); recode it",
                                       valid + 1, (unsigned char)text[valid]);
}

static bool check_flags(uint32_t flags, struct fault *fault)
{
    const uint32_t known = EMBEDD_TOKENIZE_SPECIAL | EMBEDD_TOKENIZE_LIMITED;
    return !(flags & ~known) ||
           fault_set(fault, EMBEDD_ERROR_ARGUMENT, "flags",
                     "flags must be a sum of EMBEDD_TOKENIZE_*, not %" PRIu32, flags);
}

static bool hand_out(const struct tokens *found, embedd_tokens *tokens, struct fault *fault)
{
    tokens->n = found->n;
    tokens->truncated = found->is_truncated;
    if (!tokens->ids && !tokens->spans) return true;
    if (tokens->room < found->n)
        return fault_set(fault, EMBEDD_ERROR_ROOM, "tokens.room",
                         "tokens.room must be at least %u, the tokens of the text, not %" PRIu64,
                         found->n, tokens->room);
    if (tokens->ids && found->n > 0) memcpy(tokens->ids, found->ids, found->n * sizeof *found->ids);
    if (tokens->spans && found->n > 0)
        memcpy(tokens->spans, found->spans, found->n * sizeof *found->spans);
    return true;
}

int embedd_tokenize(const embedd_model *model, const char *text, size_t bytes, uint32_t flags,
                    embedd_tokens *given, embedd_error *error)
{
    struct fault fault = FAULT_NONE;
    embedd_tokens tokens;
    struct tokens found;
    struct arena arena;
    if (!model) return call_end(fault_null(&fault, "model"), &fault, error);
    if (!STRUCT_READ(tokens, given, false, "tokens", &fault) || !check_text(text, bytes, &fault) ||
        !check_flags(flags, &fault))
        return fault_tell(&fault, error);
    const unsigned how = TOKENIZE_ALL_IDS | (tokens.spans ? TOKENIZE_SPANS : 0) |
                         (flags & EMBEDD_TOKENIZE_SPECIAL ? TOKENIZE_SPECIAL_TOKENS : 0) |
                         (flags & EMBEDD_TOKENIZE_LIMITED ? TOKENIZE_LIMITS : 0);
    arena_init(&arena, POOL_ARENA_BYTES);
    bool is_ok =
        model_tokenize(model->model, &arena, bytes > 0 ? text : "", bytes, how, &found, &fault.err);
    if (is_ok) {
        is_ok = hand_out(&found, &tokens, &fault);
        struct_write(given, &tokens, sizeof tokens);
    }
    arena_clear(&arena);
    return call_end(is_ok, &fault, error);
}

/* ---- tokens to texts ---- */

static bool check_ids(const struct model *model, const uint32_t *ids, size_t n, struct fault *fault)
{
    const uint32_t vocab_size = model_info(model)->vocab_size;
    if (n > 0 && !ids) return fault_null(fault, "ids");
    for (size_t i = 0; i < n; i++)
        if (ids[i] >= vocab_size)
            return fault_set(fault, EMBEDD_ERROR_ARGUMENT, "ids",
                             "ids[%zu] must be below %u, the size of the vocabulary, not %" PRIu32,
                             i, vocab_size, ids[i]);
    return true;
}

static bool decode(const struct model *model, const uint32_t *ids, size_t n, bool skip_special,
                   struct span *room, size_t *bytes, struct fault *fault)
{
    struct arena arena;
    struct buf buf;
    bool is_ok = true;
    arena_init(&arena, SIZE_MAX / 2);
    buf_init(&buf, &arena);
    model_decode(model, ids, n, skip_special, &buf);
    if (buf.failed) is_ok = err_out_of_memory(&fault->err);
    if (is_ok) *bytes = buf.bytes;
    if (is_ok && room->data && buf.bytes > room->bytes)
        is_ok = fault_set(fault, EMBEDD_ERROR_ROOM, "room",
                          "room must be at least %zu, the bytes of the text, not %zu", buf.bytes,
                          room->bytes);
    if (is_ok && room->data && buf.bytes > 0) memcpy((char *)room->data, buf.data, buf.bytes);
    arena_clear(&arena);
    return is_ok;
}

int embedd_decode(const embedd_model *model, const uint32_t *ids, size_t n, int32_t skip_special,
                  char *text, size_t room, size_t *bytes, embedd_error *error)
{
    struct fault fault = FAULT_NONE;
    if (!model) return call_end(fault_null(&fault, "model"), &fault, error);
    if (!bytes) return call_end(fault_null(&fault, "bytes"), &fault, error);
    struct span out = {text, room};
    const bool is_ok = check_ids(model->model, ids, n, &fault) &&
                       decode(model->model, ids, n, skip_special != 0, &out, bytes, &fault);
    return call_end(is_ok, &fault, error);
}

/* ---- the vocabulary ---- */

const char *embedd_token_text(const embedd_model *model, uint32_t id, size_t *bytes)
{
    if (!model || !bytes) return NULL;
    const struct model_info *info = model_info(model->model);
    *bytes = 0;
    if (id >= (uint64_t)info->vocab_size + info->without_row) return NULL;
    return model_token_text(model->model, id, bytes);
}

uint32_t embedd_token_id(const embedd_model *model, const char *token, size_t bytes)
{
    if (!model || (!token && bytes > 0)) return EMBEDD_NO_ID;
    return model_token_id(model->model, token ? token : "", bytes);
}

int embedd_token_row(const embedd_model *model, uint32_t id, float *row, size_t room,
                     embedd_error *error)
{
    struct fault fault = FAULT_NONE;
    if (!model) return call_end(fault_null(&fault, "model"), &fault, error);
    if (!row) return call_end(fault_null(&fault, "row"), &fault, error);
    const struct model_info *info = model_info(model->model);
    if (!check_ids(model->model, &id, 1, &fault)) return fault_tell(&fault, error);
    if (room < info->dim) {
        fault_set(&fault, EMBEDD_ERROR_ROOM, "room",
                  "room must be at least %u, the model's dimensions, not %zu", info->dim, room);
        return fault_tell(&fault, error);
    }
    model_row(model->model, id, info->dim, row);
    return EMBEDD_OK;
}
