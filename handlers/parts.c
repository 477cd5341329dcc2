/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers/parts.h"

#include "base/buf.h"

#include <stdio.h>

const char *parts_place_write(const struct parts_place *place, char out[static PARTS_PLACE_BYTES])
{
    if (!place->list) return place->name;
    snprintf(out, PARTS_PLACE_BYTES, "%s[%zu].%s", place->list, place->index, place->name);
    return out;
}

static bool refuse(const struct value *parts, const struct parts_place *place, struct err *err)
{
    char text[PARTS_PLACE_BYTES];
    const char *where = parts_place_write(place, text);
    return err_set(err, ERR_INVALID, where,
                   "%s must be a list of parts, each an object with a text; it is %s", where,
                   parts->kind == VALUE_LIST ? "an empty list" : value_describe(parts));
}

static bool refuse_part(const struct parts_place *place, size_t index, struct err *err)
{
    char text[PARTS_PLACE_BYTES];
    const char *where = parts_place_write(place, text);
    return err_set(err, ERR_INVALID, where,
                   "%s[%zu] has no text; send texts alone, nothing else is embedded here", where,
                   index);
}

bool parts_join(struct exchange *x, const struct value *parts, const struct parts_place *place,
                struct text *out, struct err *err)
{
    if (parts->kind != VALUE_LIST || parts->list.n == 0) return refuse(parts, place, err);
    struct buf joined;
    buf_init(&joined, x->arena);
    for (size_t i = 0; i < parts->list.n; i++) {
        const struct value *text = value_member(&parts->list.items[i], "text");
        if (text->kind != VALUE_STRING) return refuse_part(place, i, err);
        *out = text->text;
        if (parts->list.n == 1) return true;
        if (i > 0) buf_add_char(&joined, ' ');
        buf_add(&joined, out->data, out->bytes);
    }
    *out = (struct text){joined.data, joined.bytes};
    return !joined.failed || err_out_of_memory(err);
}
