/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/explanation.h"

#include "base/json_write.h"
#include "base/utf8.h"

#include <string.h>

/* A place in a text: bytes, and code points before it. */
struct place {
    const char *at;
    uint32_t point;
};

static const char *move_to(struct place *place, struct span text, uint32_t point)
{
    const char *const end = text.data + text.bytes;
    for (; place->point > point; place->point--)
        place->at = utf8_before(place->at);
    for (; place->point < point && place->at < end; place->point++)
        utf8_next(&place->at);
    return place->at;
}

static void add_token(struct buf *out, struct span text, struct place *place,
                      struct token_span span, double share)
{
    const char *const start = move_to(place, text, span.start);
    const char *const end = move_to(place, text, span.end);
    buf_add_str(out, "{\"token\":");
    json_write_string(out, start, (size_t)(end - start));
    buf_add_str(out, ",\"start\":");
    buf_add_u64(out, span.start);
    buf_add_str(out, ",\"end\":");
    buf_add_u64(out, span.end);
    buf_add_str(out, ",\"share\":");
    buf_add_float(out, (float)share);
    buf_add_char(out, '}');
}

bool explanation_write(struct buf *out, struct arena *arena, const struct head *head,
                       struct span text, const struct tokens *tokens, uint32_t label,
                       struct err *err)
{
    const struct head_info *info = head_info(head);
    /* A binary head's first label has the second's logit, turned round. */
    const bool is_binary = info->kind == HEAD_BINARY;
    const double sign = is_binary && label == 0 ? -1 : 1;
    struct place place = {text.data, 0};
    double bias, *shares = arena_array(arena, tokens->n, sizeof *shares);
    if (!shares) return err_out_of_memory(err);
    if (!head_explain(head, arena, tokens->ids, tokens->n, is_binary ? 0 : label, shares, &bias,
                      err))
        return false;
    buf_add_str(out, ",\"explanation\":{\"label\":");
    json_write_string(out, info->labels[label], strlen(info->labels[label]));
    buf_add_str(out, ",\"bias\":");
    buf_add_float(out, (float)(sign * bias));
    buf_add_str(out, ",\"tokens\":[");
    for (uint32_t i = 0; i < tokens->n; i++) {
        if (i > 0) buf_add_char(out, ',');
        add_token(out, text, &place, tokens->spans[i], sign * shares[i]);
    }
    buf_add_str(out, "]}");
    return true;
}
