/* SPDX-License-Identifier: Apache-2.0 */
/* TEI's way from texts to tokens and back. */
#include "handlers/dialects/endpoints.h"

#include "handlers/dialects/tei.h"
#include "handlers/input.h"
#include "handlers/reply.h"
#include "handlers/write.h"

/* -- /tokenize -- */

enum { TOKENIZE_INPUTS, TOKENIZE_SPECIAL, TOKENIZE_PROMPT, TOKENIZE_FIELDS };

static const struct field tokenize_fields[TOKENIZE_FIELDS] = {
    [TOKENIZE_INPUTS] =
        REQUIRED_FIELD("inputs", "'oneOf':[{" SCHEMA_STRING "},{" SCHEMA_STRINGS "}]", "texts"),
    [TOKENIZE_SPECIAL] =
        FIELD("add_special_tokens", SCHEMA_BOOL, "with [CLS] and the like; true by default"),
    [TOKENIZE_PROMPT] = TEI_PROMPT_FIELD,
};

/* A token of the text is shown as it stands there, its place in bytes as TEI counts them; one that
   was added, by its name and without a place. */
static void write_token(const struct exchange *x, struct text text, uint32_t id,
                        struct token_span span, struct slice_cursor *cursor, struct buf *out)
{
    const struct model *model = x->model;
    bool is_special = id != TOKEN_ID_NONE && span.end == 0 && model_is_special(model, id);
    struct text shown;
    if (is_special) {
        shown.data = model_token_text(model, id, &shown.bytes);
    } else {
        shown = slice_text(text, cursor, span);
    }
    buf_add_str(out, "{\"id\":");
    if (id == TOKEN_ID_NONE) {
        buf_add_str(out, "null");
    } else {
        buf_add_u64(out, id);
    }
    buf_add_str(out, ",\"text\":");
    write_text(out, shown);
    if (is_special) {
        buf_add_str(out, ",\"special\":true,\"start\":null,\"stop\":null}");
        return;
    }
    const uint64_t start = (uint64_t)(shown.data - text.data);
    buf_add_str(out, ",\"special\":false,\"start\":");
    buf_add_u64(out, start);
    buf_add_str(out, ",\"stop\":");
    buf_add_u64(out, start + shown.bytes);
    buf_add_char(out, '}');
}

static bool write_text_tokens(struct exchange *x, struct text text, bool add_special,
                              struct buf *out, struct err *err)
{
    struct tokens tokens;
    unsigned flags =
        TOKENIZE_SPANS | TOKENIZE_ALL_IDS | (add_special ? TOKENIZE_SPECIAL_TOKENS : 0);
    if (!model_tokenize(x->model, x->arena, text.data, text.bytes, flags, &tokens, err))
        return false;
    struct slice_cursor cursor = {0};
    buf_add_char(out, '[');
    for (uint32_t i = 0; i < tokens.n; i++) {
        if (i > 0) buf_add_char(out, ',');
        write_token(x, text, tokens.ids[i], tokens.spans[i], &cursor, out);
    }
    buf_add_char(out, ']');
    x->sample.tokens += tokens.n;
    x->sample.unknown_tokens += count_unknown(x, tokens.ids, tokens.n);
    return true;
}

static bool tokenize_write(struct exchange *x, struct buf *out, struct err *err)
{
    struct value values[TOKENIZE_FIELDS];
    struct batch batch;
    bool add_special = true;
    if (!exchange_read_fields(x, values, err) ||
        !value_get_bool(&values[TOKENIZE_SPECIAL], "add_special_tokens", &add_special, err) ||
        !batch_read(x, &values[TOKENIZE_INPUTS], "inputs", INPUT_TEXT, false, &batch, err) ||
        !tei_read_prompt(x, &values[TOKENIZE_PROMPT], &batch, err))
        return false;
    stage_end(x, STAGE_PARSE);
    x->sample.inputs = batch.n;
    buf_add_char(out, '[');
    for (size_t i = 0; i < batch.n; i++) {
        struct text text = batch.items[i].text;
        count_foreign(x, text);
        if (i > 0) buf_add_char(out, ',');
        if (!prompt_before(batch.prompt, x->arena, &text.data, &text.bytes, err) ||
            !write_text_tokens(x, text, add_special, out, err))
            return false;
        stage_end(x, STAGE_TOKENIZE);
    }
    buf_add_char(out, ']');
    return true;
}

static void tokenize_post(struct exchange *x)
{
    reply_by(x, tokenize_write);
}

const struct endpoint tokenize_endpoint = {
    .handle = tokenize_post,
    FIELDS(tokenize_fields),
    .summary = "Tokens of texts, with their places in bytes",
    .reply = "'type':'array','items':{'type':'array','items':{'type':'object','required':['id',"
             "'text','special','start','stop'],'properties':{'id':{'type':['integer','null']},"
             "'text':{'type':'string'},'special':{'type':'boolean'},'start':{'type':['integer',"
             "'null']},'stop':{'type':['integer','null']}}}}",
};

/* -- /decode -- */

enum { DECODE_IDS, DECODE_SKIP, DECODE_FIELDS };

static const struct field decode_fields[DECODE_FIELDS] = {
    [DECODE_IDS] = REQUIRED_FIELD("ids",
                                  "'oneOf':[{" SCHEMA_IDS "},{'type':'array','minItems':1,"
                                  "'items':{" SCHEMA_IDS "}}]",
                                  "token ids"),
    [DECODE_SKIP] = FIELD("skip_special_tokens", SCHEMA_BOOL, "without [CLS] and the like"),
};

static bool decode_write(struct exchange *x, struct buf *out, struct err *err)
{
    struct value values[DECODE_FIELDS];
    struct batch batch;
    bool skip_special = true;
    if (!exchange_read_fields(x, values, err) ||
        !value_get_bool(&values[DECODE_SKIP], "skip_special_tokens", &skip_special, err) ||
        !batch_read(x, &values[DECODE_IDS], "ids", INPUT_IDS, false, &batch, err))
        return false;
    stage_end(x, STAGE_PARSE);
    x->sample.inputs = batch.n;
    struct buf text;
    buf_init(&text, x->arena);
    buf_add_char(out, '[');
    for (size_t i = 0; i < batch.n; i++) {
        const struct sequence *item = &batch.items[i];
        text.bytes = 0;
        model_decode(x->model, item->ids, item->n, skip_special, &text);
        if (text.failed) return err_out_of_memory(err);
        if (i > 0) buf_add_char(out, ',');
        write_text(out, (struct text){text.data, text.bytes});
        x->sample.tokens += item->n;
        stage_end(x, STAGE_TOKENIZE);
    }
    buf_add_char(out, ']');
    return true;
}

static void decode_post(struct exchange *x)
{
    reply_by(x, decode_write);
}

const struct endpoint decode_endpoint = {
    .handle = decode_post,
    FIELDS(decode_fields),
    .summary = "Texts of token ids",
    .reply = "'type':'array','items':{'type':'string'}",
};
