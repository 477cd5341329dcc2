/* SPDX-License-Identifier: Apache-2.0 */
/* TEI's vectors of texts. */
#include "handlers/dialects/endpoints.h"

#include "handlers/dialects/tei.h"
#include "handlers/embedding.h"

enum { EMBED_NORMALIZE = TEI_INPUT_FIELDS, EMBED_DIMENSIONS, EMBED_FIELDS };

static const struct field embed_fields[EMBED_FIELDS] = {
    TEI_INPUT_FIELD_LIST,
    [EMBED_NORMALIZE] = FIELD("normalize", SCHEMA_BOOL, "divide by the L2 norm; true by default"),
    [EMBED_DIMENSIONS] = FIELD("dimensions", SCHEMA_COUNT, "the first so many dimensions"),
};

static bool embed_read(struct exchange *x, struct embedding *embedding, struct err *err)
{
    struct value values[EMBED_FIELDS];
    if (!exchange_read_fields(x, values, err)) return false;
    embedding_init(embedding, x);
    embedding->pool.normalize = true;
    embedding->coding.begins_real = true; /* as TEI writes it */
    return tei_read_inputs(x, values, &embedding->limit, &embedding->batch, err) &&
           value_get_bool(&values[EMBED_NORMALIZE], "normalize", &embedding->pool.normalize, err) &&
           embedding_read_dimensions(embedding, x, &values[EMBED_DIMENSIONS], "dimensions", err);
}

static void embed_post(struct exchange *x)
{
    static const struct vector_frame frame = {.head = TEXT("["), .tail = TEXT("]")};
    reply_embedding(x, embed_read, &frame);
}

const struct endpoint embed_endpoint = {
    .handle = embed_post,
    FIELDS(embed_fields),
    .raw_ids = &embed_fields[TEI_INPUTS],
    .summary = "Vectors of texts or token ids",
    .reply = "'type':'array','items':{'type':'array','items':{'type':'number'}}",
    .can_be_raw = true,
};
