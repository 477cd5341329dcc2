/* SPDX-License-Identifier: Apache-2.0 */
/* TEI's vectors: of a text, of each of its tokens, and as a bag of tokens. */
#include "handlers/dialects/endpoints.h"

#include "handlers/dialects/tei.h"
#include "handlers/embedding.h"

enum {
    EMBED_INPUTS,
    EMBED_TRUNCATE,
    EMBED_DIRECTION,
    EMBED_PROMPT,
    EMBED_NORMALIZE,
    EMBED_DIMENSIONS,
    EMBED_FIELDS
};

static const struct field embed_fields[EMBED_FIELDS] = {
    [EMBED_INPUTS] = REQUIRED_FIELD("inputs", SCHEMA_INPUT, "texts, or lists of token ids"),
    [EMBED_TRUNCATE] = TEI_TRUNCATE_FIELD,
    [EMBED_DIRECTION] = TEI_DIRECTION_FIELD,
    [EMBED_PROMPT] = TEI_PROMPT_FIELD,
    [EMBED_NORMALIZE] = FIELD("normalize", SCHEMA_BOOL, "divide by the L2 norm; true by default"),
    [EMBED_DIMENSIONS] = FIELD("dimensions", SCHEMA_COUNT, "the first so many dimensions"),
};

static bool embed_read(struct exchange *x, struct embedding *embedding, struct err *err)
{
    struct value values[EMBED_FIELDS];
    if (!exchange_read_fields(x, values, err)) return false;
    embedding_init(embedding, x);
    embedding->pool.normalize = true;
    return tei_check_prompt(&values[EMBED_PROMPT], err) &&
           tei_read_limit(x, &values[EMBED_TRUNCATE], &values[EMBED_DIRECTION], &embedding->limit,
                          err) &&
           value_get_bool(&values[EMBED_NORMALIZE], "normalize", &embedding->pool.normalize, err) &&
           embedding_read_dimensions(embedding, x, &values[EMBED_DIMENSIONS], "dimensions", err) &&
           batch_read(x, &values[EMBED_INPUTS], "inputs", INPUT_TEXT | INPUT_IDS, true,
                      &embedding->batch, err);
}

static void embed_post(struct exchange *x)
{
    static const struct vector_frame frame = {.head = TEXT("["), .tail = TEXT("]")};
    reply_embedding(x, embed_read, &frame);
}

const struct endpoint embed_endpoint = {
    .handle = embed_post,
    FIELDS(embed_fields),
    .raw_ids = &embed_fields[EMBED_INPUTS],
    .summary = "Vectors of texts or token ids",
    .reply = "'type':'array','items':{'type':'array','items':{'type':'number'}}",
    .can_be_raw = true,
};
